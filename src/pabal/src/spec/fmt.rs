use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;
use pabal_spec::Source;
use serde_json::json;

use crate::{diagnostics, exit, out, print, specs};

/// Align the columns of spec files, in place; comments and blank lines stay.
///
/// Example: pabal spec fmt specs/hecto
///
/// A file that cannot be read as a spec is not touched, and its mistakes are drawn. Exit codes: 0 all are as they should be now, 1 a file has mistakes, or with --check is not
/// as it should be, 2 not found.
///
/// With --json: a list of file, changed (with --check: would be), mistakes (how many).
#[derive(Debug, Args)]
pub(crate) struct Fmt {
    /// Spec files, or folders of them
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// Change nothing, only say which files are not as they should be
    #[arg(long)]
    check: bool,
    /// Print as JSON
    #[arg(long)]
    json: bool,
}

/// What became of a file.
struct Formatted {
    file: String,
    changed: bool,
    mistakes: usize,
}

impl Fmt {
    pub(crate) fn run(self) -> anyhow::Result<u8> {
        let mut all = Vec::new();
        for file in files(&self.files)? {
            all.push(self.format(&file)?);
        }
        if self.json {
            let list: serde_json::Value = all
                .iter()
                .map(|one| json!({ "file": one.file, "changed": one.changed, "mistakes": one.mistakes }))
                .collect();
            print::json(&list)?;
        } else {
            for one in &all {
                if one.changed {
                    out!("{} {}", if self.check { "would change" } else { "changed" }, one.file);
                }
            }
        }
        let is_wrong = |one: &Formatted| one.mistakes > 0 || (self.check && one.changed);
        Ok(if all.iter().any(is_wrong) { exit::FAILURE } else { exit::DONE })
    }

    fn format(&self, path: &Path) -> anyhow::Result<Formatted> {
        let file = path.display().to_string();
        let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {file}"))?;
        match pabal_spec::fmt(&text) {
            Ok(formatted) => {
                let changed = formatted != text;
                if changed && !self.check {
                    replace(path, &formatted).with_context(|| format!("cannot write {file}"))?;
                }
                Ok(Formatted { file, changed, mistakes: 0 })
            }
            Err(mistakes) => {
                let sources = [Source { name: file.clone(), text }];
                out::bytes(std::io::stderr(), diagnostics::draw(&mistakes, &sources).as_bytes());
                err!("{file} has {} and is not touched", specs::counted(mistakes.len(), "mistake"));
                Ok(Formatted { file, changed: false, mistakes: mistakes.len() })
            }
        }
    }
}

/// Puts a text in a file's place as a whole, so that nobody finds half of it.
fn replace(path: &Path, text: &str) -> anyhow::Result<()> {
    let path = path.canonicalize()?;
    let folder = path.parent().context("it is no file")?;
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    std::io::Write::write_all(&mut file, text.as_bytes())?;
    file.as_file().set_permissions(std::fs::metadata(&path)?.permissions())?;
    file.persist(&path)?;
    Ok(())
}

/// The files that are named, and the spec files of the folders that are.
fn files(places: &[PathBuf]) -> anyhow::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for place in places {
        if !place.is_dir() {
            files.push(place.clone());
            continue;
        }
        let mut found = Vec::new();
        let entries = std::fs::read_dir(place).with_context(|| format!("cannot list {}", place.display()))?;
        for entry in entries {
            let path = entry.with_context(|| format!("cannot list {}", place.display()))?.path();
            if path.extension().is_some_and(|extension| extension == "spec") && path.is_file() {
                found.push(path);
            }
        }
        anyhow::ensure!(!found.is_empty(), "{} has no file that ends in .spec", place.display());
        found.sort_unstable();
        files.extend(found);
    }
    Ok(files)
}
