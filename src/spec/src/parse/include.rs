//! `include "common.spec"`: the lines of another file of the folder, as if they stood here.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::vec::Vec;

use crate::diagnostic::Diagnostic;
use crate::mistake::{self, error};
use crate::parse::cursor::{Cursor, Read, did_you_mean};
use crate::parse::line::Token;
use crate::parse::tree::Item;

/// The most that a file may say with all that it includes: files that include others twice grow fast.
const ITEMS_MAX: usize = 100_000;

/// A file with its name and its items.
type File<'i> = (&'i str, Vec<Item>);

/// The files of a folder. Those that are included are read where they are included, and not on their own.
pub(crate) struct Files<'i> {
    files: &'i [File<'i>],
    /// Which file is included, by the file and the item that says so. None of them leads back to its own file.
    includes: BTreeMap<(usize, usize), usize>,
    roots: Vec<usize>,
}

/// Finds what is included, and tells each include that cannot be followed.
pub(crate) fn files<'i>(files: &'i [File<'i>], out: &mut Vec<Diagnostic>) -> Files<'i> {
    let mut includes = BTreeMap::new();
    for (at, (_, items)) in files.iter().enumerate() {
        for (line, item) in items.iter().enumerate().filter(|(_, item)| is_include(item)) {
            match target(item, files) {
                Ok(target) => {
                    includes.insert((at, line), target);
                }
                Err(stop) => out.extend(stop.0.map(|diagnostic| *diagnostic)),
            }
        }
    }
    let included: BTreeSet<usize> = includes.values().copied().collect();
    // An include by which a file comes back to itself is told and not followed.
    let mut circles = Vec::new();
    for ((at, line), target) in &includes {
        if reaches(&includes, *target, *at) {
            circles.push((*at, *line));
        }
    }
    for (at, line) in &circles {
        includes.remove(&(*at, *line));
        let Some((name, item)) = files.get(*at).and_then(|(name, items)| Some((name, items.get(*line)?))) else {
            continue;
        };
        let Some(text) = item.tokens.get(1) else { continue };
        out.push(
            error(
                mistake::CIRCLE,
                text.span,
                "comes back to this file",
                format!("`{name}` includes itself by way of this file"),
            )
            .help("put what both need into a third file, and include it in both"),
        );
    }
    let roots = (0..files.len()).filter(|at| !included.contains(at) || circles.iter().any(|(circle, _)| circle == at));
    Files { files, includes, roots: roots.collect() }
}

impl<'i> Files<'i> {
    /// The files that are read on their own.
    pub(crate) fn roots(&self) -> impl Iterator<Item = usize> + '_ {
        self.roots.iter().copied()
    }

    /// The items of a file with those that it includes in their places. Tells when they are more than can be.
    pub(crate) fn items(&self, root: usize, out: &mut Vec<Diagnostic>) -> Vec<&'i Item> {
        let mut all = Vec::new();
        let mut open = Vec::from([(root, 0)]);
        while let Some((file, line)) = open.pop() {
            let Some(item) = self.files.get(file).and_then(|(_, items)| items.get(line)) else { continue };
            if all.len() > ITEMS_MAX {
                let span = item.tokens.first().map_or(item.end, |placed| placed.span);
                let message = "With all that they include, the files say more than can be counted";
                out.push(error(mistake::TOO_MANY, span, "here", message).help("include a file once"));
                break;
            }
            open.push((file, line + 1));
            match self.includes.get(&(file, line)) {
                Some(target) => open.push((*target, 0)),
                None if is_include(item) => {}
                None => all.push(item),
            }
        }
        all
    }
}

fn is_include(item: &Item) -> bool {
    matches!(item.tokens.first().map(|placed| &placed.token), Some(Token::Word(word)) if word == "include")
}

fn target(item: &Item, files: &[File<'_>]) -> Read<usize> {
    let mut cursor = Cursor::new(item);
    cursor.must(&["include"])?;
    let name = cursor.text("the name of a file, such as \"common.spec\"")?;
    cursor.finish()?;
    if name.value.contains(['/', '\\']) || name.value == ".." {
        let message = format!("{:?} is not in this folder", name.value);
        return Err(error(mistake::OUTSIDE, name.span, "outside of the folder", message)
            .help("a spec is all in one folder: put the file there and write its name alone")
            .into());
    }
    let Some(at) = files.iter().position(|(file, _)| *file == name.value) else {
        let message = format!("There is no file {:?}", name.value);
        return Err(error(mistake::NO_FILE, name.span, "not in the folder", message)
            .help_if(did_you_mean(&name.value, files.iter().map(|(file, _)| *file)))
            .into());
    };
    Ok(at)
}

/// Whether one file includes another, or is it.
fn reaches(includes: &BTreeMap<(usize, usize), usize>, from: usize, to: usize) -> bool {
    let mut seen = BTreeSet::new();
    let mut open = Vec::from([from]);
    while let Some(at) = open.pop() {
        if at == to {
            return true;
        }
        if seen.insert(at) {
            open.extend(includes.range((at, 0)..=(at, usize::MAX)).map(|(_, target)| *target));
        }
    }
    false
}
