//! Faults that are planted into a copy of the switch: an oracle that finds none of them proves nothing.

use std::fs;
use std::path::{Path, PathBuf};

use crate::process::{Failure, Job};
use crate::source;

/// Where the faults are written down.
const FAULTS: &str = "tests/world/planted.txt";
/// What a copy is built from.
const COPIED: [&str; 4] = ["src/", "specs/", "tests/", "Cargo."];
/// In the switch of the copy: which fault is in force, of the environment.
const WHICH: &str = "\nextern crate std as planted_std;\npub(crate) fn planted(which: u32) -> bool {\n    \
                     static IN_FORCE: planted_std::sync::OnceLock<u32> = planted_std::sync::OnceLock::new();\n    \
                     let read = || planted_std::env::var(\"PABAL_PLANTED\").ok().and_then(|which| which.parse().ok()).unwrap_or(0);\n    \
                     *IN_FORCE.get_or_init(read) == which\n}\n";

/// The world says a lot of what it finds.
const FOUND_CHARS_MAX: usize = 200;

/// What is wrong, and where.
#[derive(Debug, Default, PartialEq, Eq)]
struct Fault {
    name: String,
    changes: Vec<Change>,
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Change {
    path: String,
    from: String,
    to: String,
}

/// Runs the world with each fault until a seed finds it, or so many have not. Those whose number is not `only` are left out.
pub(crate) fn run(root: &Path, seeds: &str, only: Option<&str>) -> Result<(), Failure> {
    let text = source::text(root, FAULTS)?.unwrap_or_default();
    let faults = read(&text)?;
    let target =
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from).join("planted");
    let tree = target.join("tree");
    copy(root, &tree, &faults)?;
    let mut missed = Vec::new();
    for (at, fault) in faults.iter().enumerate() {
        let number = (at + 1).to_string();
        if only.is_some_and(|only| only != number) {
            continue;
        }
        let args =
            ["test", "--release", "--package", "pabal-world", "--test", "world", "many_seeds", "--", "--nocapture"];
        let (passed, said) = Job::cargo(&tree, &args)
            .env("CARGO_TARGET_DIR", &target.to_string_lossy())
            .env("PABAL_PLANTED", &number)
            .env("PABAL_WORLD_SEEDS", seeds)
            .env("PABAL_WORLD_STOPS", "1")
            .outcome()?;
        let found = said.lines().find(|line| line.starts_with("seed "));
        match found.filter(|_| !passed) {
            Some(found) => {
                let found: String = found.chars().take(FOUND_CHARS_MAX).collect();
                println!("{number:>3} {}\n    found by {found}", fault.name);
            }
            None if passed => {
                println!("{number:>3} {}\n    NOT FOUND by {seeds} seeds", fault.name);
                missed.push(fault.name.clone());
            }
            None => return Err(Failure::new(format!("the world with fault {number} did not run:\n{said}"))),
        }
    }
    if missed.is_empty() {
        return Ok(());
    }
    Err(Failure::new(format!(
        "{} of {} planted faults are not found: {}",
        missed.len(),
        faults.len(),
        missed.join("; ")
    )))
}

/// Faults as they are written down: blocks with an empty line between them.
fn read(text: &str) -> Result<Vec<Fault>, Failure> {
    let mut faults = Vec::new();
    for block in text.split("\n\n") {
        let mut lines = block.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
        let Some(name) = lines.next() else { continue };
        let mut fault = Fault { name: name.into(), changes: Vec::new() };
        while let Some(path) = lines.next() {
            let marked =
                |line: Option<&str>, mark: &str| line.and_then(|line| line.strip_prefix(mark)).map(String::from);
            let (Some(from), Some(to)) = (marked(lines.next(), "- "), marked(lines.next(), "+ ")) else {
                return Err(Failure::new(format!("{FAULTS}: {name:?} does not say `- ` and `+ ` below {path}")));
            };
            fault.changes.push(Change { path: path.into(), from, to });
        }
        if fault.changes.is_empty() {
            return Err(Failure::new(format!("{FAULTS}: {name:?} changes nothing")));
        }
        faults.push(fault);
    }
    Ok(faults)
}

/// Copies what the world is built from, with every fault in it. What is there already stays as it is, so that it is not built again; what the
/// tree has not any more goes, since cargo finds tests by themselves.
fn copy(root: &Path, tree: &Path, faults: &[Fault]) -> Result<(), Failure> {
    let failed = |path: &str, error| Failure::new(format!("cannot copy {path}: {error}"));
    let mut files = source::files(root)?;
    files.retain(|path| COPIED.iter().any(|copied| path.starts_with(copied)));
    fs::create_dir_all(tree).map_err(|error| failed("the tree", error))?;
    for gone in source::files(tree)?.iter().filter(|path| !files.contains(path)) {
        fs::remove_file(tree.join(gone)).map_err(|error| failed(gone, error))?;
    }
    for path in &files {
        let mut bytes = fs::read(root.join(path)).map_err(|error| failed(path, error))?;
        if let Ok(text) = std::str::from_utf8(&bytes) {
            bytes = planted(path, text, faults)?.into_bytes();
        }
        let there = tree.join(path);
        if fs::read(&there).is_ok_and(|known| known == bytes) {
            continue;
        }
        if let Some(folder) = there.parent() {
            fs::create_dir_all(folder).map_err(|error| failed(path, error))?;
        }
        fs::write(&there, bytes).map_err(|error| failed(path, error))?;
    }
    Ok(())
}

/// A file with all of its faults.
fn planted(path: &str, text: &str, faults: &[Fault]) -> Result<String, Failure> {
    let mut text = text.to_owned();
    for (at, fault) in faults.iter().enumerate() {
        for change in fault.changes.iter().filter(|change| change.path == path) {
            if !text.contains(&change.from) {
                let Fault { name, .. } = fault;
                return Err(Failure::new(format!("{FAULTS}: {name:?} does not find `{}` in {path}", change.from)));
            }
            text = text.replace(&change.from, &change.to.replace("PLANTED", &format!("crate::planted({})", at + 1)));
        }
    }
    if path == "src/switch/src/lib.rs" {
        text.push_str(WHICH);
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO: &str =
        "# what they are\n\none\na.rs\n- x < y\n+ x < y || PLANTED\n\ntwo\na.rs\n- z\n+ !PLANTED\nb.rs\n- u\n+ v\n";

    #[test]
    fn a_fault_is_in_force_by_its_number() {
        let faults = read(TWO).unwrap();
        assert_eq!(faults.len(), 2);
        assert_eq!(
            planted("a.rs", "if x < y { z }", &faults).unwrap(),
            "if x < y || crate::planted(1) { !crate::planted(2) }"
        );
        assert!(
            planted("a.rs", "if x > y { z }", &faults)
                .unwrap_err()
                .to_string()
                .contains("\"one\" does not find `x < y` in a.rs")
        );
    }

    #[test]
    fn a_block_without_a_change_is_refused() {
        assert!(read("one\n").is_err());
        assert!(read("one\na.rs\n- x\n").is_err());
    }

    #[test]
    fn what_the_tree_has_not_any_more_goes_from_the_copy() {
        let folder = std::env::temp_dir().join(format!("pabal-planted-{}", std::process::id()));
        let (root, tree) = (folder.join("root"), folder.join("tree"));
        fs::create_dir_all(root.join("tests/world")).unwrap();
        for name in ["stays.rs", "goes.rs"] {
            fs::write(root.join("tests/world").join(name), name).unwrap();
        }
        copy(&root, &tree, &[]).unwrap();
        fs::remove_file(root.join("tests/world/goes.rs")).unwrap();
        copy(&root, &tree, &[]).unwrap();
        assert_eq!(source::files(&tree).unwrap(), ["tests/world/stays.rs"]);
        fs::remove_dir_all(folder).unwrap();
    }

    /// The code moves on: what a fault is planted into has to be there.
    #[test]
    fn every_fault_finds_its_place() {
        let root = crate::root();
        let faults = read(&source::text(&root, FAULTS).unwrap().unwrap()).unwrap();
        assert!(faults.len() >= 20);
        for change in faults.iter().flat_map(|fault| &fault.changes) {
            let text = source::text(&root, &change.path).unwrap().unwrap();
            planted(&change.path, &text, &faults).unwrap();
        }
    }
}
