use std::path::Path;

use super::Finding;
use super::words::PURE;
use crate::process::Failure;
use crate::source;

/// What the top level may hold, beside names that begin with a dot and what cargo builds.
const TOP: [&str; 9] =
    ["Cargo.toml", "Cargo.lock", "README.md", "LICENSE-APACHE", "LICENSE-MIT", "src", "specs", "tests", "fuzz"];

/// What must be there.
const NEEDED: [&str; 7] = [
    "Cargo.toml",
    "Cargo.lock",
    "README.md",
    "LICENSE-APACHE",
    "LICENSE-MIT",
    "src/README.md",
    "src/pabal/CHANGELOG.md",
];

/// Modules are named by a noun; these are none.
const NO_NOUNS: [&str; 11] =
    ["common", "helper", "helpers", "imp", "manager", "misc", "mod", "types", "util", "utility", "utils"];

/// Where files may be, what they may be called, and what each crate begins with.
pub(crate) fn check(root: &Path, files: &[String]) -> Result<Vec<Finding>, Failure> {
    let top: Vec<String> = source::entries(root, "")?.into_iter().map(|(name, _)| name).collect();
    let mut findings = placed(&top, files);
    for folder in PURE {
        let path = format!("{folder}/src/lib.rs");
        findings.extend(no_std(&path, &source::text(root, &path)?.unwrap_or_default()));
    }
    Ok(findings)
}

fn placed(top: &[String], files: &[String]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for name in top {
        if !TOP.contains(&name.as_str()) && !name.starts_with('.') && name != "target" {
            findings.push(Finding::new(name, 0, "does not belong to the top level"));
        }
    }
    for needed in NEEDED {
        if !files.iter().any(|path| path == needed) {
            findings.push(Finding::new(needed, 0, "is missing"));
        }
    }
    for path in files {
        let name = path.rsplit('/').next().unwrap_or_default();
        if let Some(stem) = name.strip_suffix(".rs").or_else(|| name.strip_suffix(".py"))
            && NO_NOUNS.contains(&stem)
        {
            findings.push(Finding::new(path, 0, "a module is named by a noun of the glossary, and is no mod.rs"));
        }
        if name.ends_with(".orig") || name.ends_with(".rej") {
            findings.push(Finding::new(path, 0, "is left over; look at it and remove it"));
        }
    }
    findings
}

fn no_std(path: &str, text: &str) -> Option<Finding> {
    let is_there = source::code(text).lines().any(|line| line.trim() == "#![no_std]");
    (!is_there).then(|| {
        Finding::new(path, 0, "a pure crate says #![no_std], so that the compiler refuses sockets, files and clocks")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(top: &[&str], files: &[&str]) -> Vec<String> {
        let owned = |names: &[&str]| names.iter().map(|name| String::from(*name)).collect::<Vec<_>>();
        let mut files = owned(files);
        files.extend(NEEDED.iter().map(|name| String::from(*name)));
        placed(&owned(top), &files).into_iter().map(|finding| finding.path).collect()
    }

    #[test]
    fn the_top_level_is_bare() {
        assert_eq!(found(&["docs", "Makefile"], &[]), ["docs", "Makefile"]);
        assert_eq!(found(&TOP, &[]), [] as [&str; 0]);
        assert_eq!(found(&[".ci", ".git", "target"], &[]), [] as [&str; 0]);
    }

    #[test]
    fn what_is_needed_is_missed() {
        let missing: Vec<String> = placed(&[], &[]).into_iter().map(|finding| finding.path).collect();
        assert_eq!(missing, NEEDED);
    }

    #[test]
    fn a_module_is_named_by_a_noun() {
        assert_eq!(
            found(&[], &["src/x/src/util.rs", "src/x/src/y/mod.rs"]),
            ["src/x/src/util.rs", "src/x/src/y/mod.rs"]
        );
        assert_eq!(found(&[], &["src/x/src/session.rs", "src/x/src/module.rs"]), [] as [&str; 0]);
        assert_eq!(found(&[], &["src/x/src/y.rs.orig"]), ["src/x/src/y.rs.orig"]);
    }

    #[test]
    fn a_pure_crate_says_so() {
        assert_eq!(no_std("x", "//! Docs.\n#![no_std]\nextern crate alloc;"), None);
        assert!(no_std("x", "//! Docs.\n// #![no_std]\n").is_some());
        assert!(no_std("x", "#![cfg_attr(not(test), no_std)]").is_some());
    }
}
