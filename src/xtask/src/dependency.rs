//! What may depend on what.

use std::collections::BTreeSet;
use std::path::Path;

use crate::manifest::{self, Member};
use crate::process::{Failure, Job};
use crate::source;
use crate::tidy::Finding;

/// Which of our packages each may use. What is not here may use any.
const ARROWS: [(&str, &[&str]); 11] = [
    ("pabal-clock", &[]),
    ("pabal-telegram", &["pabal-clock"]),
    ("pabal-spec", &["pabal-clock", "pabal-telegram"]),
    ("pabal-switch", &["pabal-clock", "pabal-telegram", "pabal-spec"]),
    ("pabal-counterparty", &["pabal-clock", "pabal-telegram", "pabal-spec"]),
    ("pabal-journal", &[]),
    ("pabal-gateway", &["pabal-clock", "pabal-telegram", "pabal-spec", "pabal-switch", "pabal-journal"]),
    ("pabal-front", &["pabal-clock", "pabal-telegram", "pabal-spec", "pabal-switch", "pabal-gateway"]),
    ("pabal-simulator", &["pabal-clock", "pabal-telegram", "pabal-spec", "pabal-counterparty"]),
    ("pabal-world", &["pabal-clock", "pabal-telegram", "pabal-spec", "pabal-switch", "pabal-counterparty"]),
    ("xtask", &[]),
];

/// Whose tests may use any of ours, too: a shell is tried against the real other side.
const TESTED_WITH_ANY: [&str; 3] = ["pabal-gateway", "pabal-front", "pabal-simulator"];

/// Everything that each pure crate may be linked with or built by, on any target; ours are in [`ARROWS`]. Each list goes on with
/// those of the crates that it uses.
const PURE: [(&str, &[&str]); 5] = [
    (
        "pabal-clock",
        &["hashbrown", "proc-macro2", "quote", "serde", "serde_core", "serde_derive", "syn", "unicode-ident"],
    ),
    ("pabal-telegram", &["bytemuck", "safe_arch", "wide"]),
    ("pabal-spec", &["memchr", "nom"]),
    ("pabal-switch", &["itoa", "serde_json", "zmij"]),
    ("pabal-counterparty", &["serde_spanned", "toml", "toml_datetime", "toml_parser", "winnow"]),
];

/// Everything that is wrong about who depends on whom.
pub(crate) fn check(root: &Path) -> Result<Vec<Finding>, Failure> {
    let text = |path| source::text(root, path).map(Option::unwrap_or_default);
    let members = manifest::members(root)?;
    let mut findings = Vec::new();
    for member in &members {
        findings.extend(manifest_findings(member));
    }
    findings.extend(versions(
        &manifest::workspace_dependencies(&text("Cargo.toml")?),
        &manifest::locked(&text("Cargo.lock")?),
    ));
    for (package, _) in PURE {
        let member = members.iter().find(|member| member.package == package);
        let path = member.map_or_else(|| String::from(package), |member| format!("{}/Cargo.toml", member.folder));
        findings.extend(linked(&path, package, &tree(root, package)?));
    }
    Ok(findings)
}

fn manifest_findings(member: &Member) -> Vec<Finding> {
    let path = format!("{}/Cargo.toml", member.folder);
    let folder = member.folder.rsplit('/').next().unwrap_or_default();
    let mut findings = Vec::new();
    if member.package != folder && member.package != format!("pabal-{folder}") {
        findings.push(Finding::new(
            &path,
            0,
            format!("the package of {folder} is pabal-{folder}, not {}", member.package),
        ));
    }
    if !member.has_lints {
        findings.push(Finding::new(&path, 0, "the lints of the workspace do not hold; add [lints] workspace = true"));
    }
    let arrows = ARROWS.iter().find(|(package, _)| *package == member.package).map(|(_, arrows)| *arrows);
    for dependency in &member.dependencies {
        if !dependency.is_workspace {
            let text = format!("`{}`: versions stand in the Cargo.toml of the workspace", dependency.name);
            findings.push(Finding::new(&path, dependency.line, text));
        }
        let is_ours = dependency.name.starts_with("pabal-");
        let is_free = dependency.is_for_tests && TESTED_WITH_ANY.contains(&member.package.as_str());
        if is_ours && !is_free && arrows.is_some_and(|arrows| !arrows.contains(&dependency.name.as_str())) {
            let text = format!("{} must not use {}; src/README.md draws the arrows", member.package, dependency.name);
            findings.push(Finding::new(&path, dependency.line, text));
        }
        if member.package == "xtask" {
            findings.push(Finding::new(
                &path,
                dependency.line,
                "xtask depends on nothing, so that it builds in seconds",
            ));
        }
    }
    findings
}

/// What we name ourselves and may be in the lock file twice, and who has the other one.
const TWICE: [(&str, &str); 1] =
    [("hashbrown", "petgraph, by which prost-build orders the code that it generates; nothing of it is linked")];

/// What we name ourselves is in the lock file once: two versions of one library do not know each other's types.
fn versions(direct: &[String], locked: &[String]) -> Vec<Finding> {
    let count = |name: &String| locked.iter().filter(|other| *other == name).count();
    let most = |name: &String| if TWICE.iter().any(|(known, _)| known == name) { 2 } else { 1 };
    let several = direct.iter().filter(|name| count(name) > most(name));
    several.map(|name| Finding::new("Cargo.lock", 0, format!("{} versions of {name}; keep one", count(name)))).collect()
}

/// Names of all packages that a package is linked with or built by.
fn tree(root: &Path, package: &str) -> Result<Vec<String>, Failure> {
    let args =
        ["tree", "--locked", "--target", "all", "--edges", "normal,build", "--prefix", "none", "--format", "{p}"];
    let output = Job::cargo(root, &args).args(&["--package", package]).output()?;
    Ok(output.lines().filter_map(|line| Some(String::from(line.split_whitespace().next()?))).collect())
}

fn linked(path: &str, package: &str, tree: &[String]) -> Vec<Finding> {
    let mut ours: BTreeSet<&str> = BTreeSet::from([package]);
    ours.extend(ARROWS.iter().filter(|(name, _)| *name == package).flat_map(|(_, arrows)| arrows.iter()));
    let lists = PURE.iter().filter(|(name, _)| ours.contains(name));
    let listed: BTreeSet<&str> =
        lists.flat_map(|(_, names)| names.iter().copied()).chain(ours.iter().copied()).collect();
    let found: BTreeSet<&str> = tree.iter().map(String::as_str).collect();
    let mut findings = Vec::new();
    for name in found.difference(&listed) {
        let text = format!("{package} is pure, and {name} is not on its list in src/xtask/src/dependency.rs");
        findings.push(Finding::new(path, 0, text));
    }
    if !found.contains(package) {
        findings.push(Finding::new(path, 0, format!("cargo does not know {package}")));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::Dependency;

    fn owned(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| String::from(*name)).collect()
    }

    fn member(folder: &str, package: &str, uses: &[&str]) -> Member {
        let dependency =
            |name: &&str| Dependency { name: String::from(*name), line: 9, is_workspace: true, is_for_tests: false };
        Member {
            folder: String::from(folder),
            package: String::from(package),
            dependencies: uses.iter().map(dependency).collect(),
            has_lints: true,
            has_benches: false,
        }
    }

    #[test]
    fn an_arrow_against_the_stream_is_found() {
        assert_eq!(manifest_findings(&member("src/switch", "pabal-switch", &["pabal-spec", "nom"])), []);
        let count = |member: &Member| manifest_findings(member).len();
        assert_eq!(count(&member("src/switch", "pabal-switch", &["pabal-gateway"])), 1);
        assert_eq!(count(&member("src/counterparty", "pabal-counterparty", &["pabal-switch"])), 1);
        assert_eq!(count(&member("src/journal", "pabal-journal", &["pabal-clock"])), 1);
        assert_eq!(count(&member("src/xtask", "xtask", &["anyhow"])), 1);
        assert_eq!(count(&member("src/pabal", "pabal", &["pabal-simulator"])), 0);
        assert_eq!(count(&member("src/switch", "hub", &[])), 1);
        // Tests of a shell may use the real other side; tests of the core may not.
        let tested_with = |mut member: Member| {
            member.dependencies.iter_mut().for_each(|dependency| dependency.is_for_tests = true);
            count(&member)
        };
        assert_eq!(tested_with(member("src/front", "pabal-front", &["pabal-simulator"])), 0);
        assert_eq!(tested_with(member("src/switch", "pabal-switch", &["pabal-counterparty"])), 1);
    }

    #[test]
    fn a_manifest_without_lints_or_with_a_version_is_found() {
        let mut found = member("src/switch", "pabal-switch", &["nom"]);
        found.has_lints = false;
        assert_eq!(manifest_findings(&found).len(), 1);
        found.dependencies[0].is_workspace = false;
        assert_eq!(manifest_findings(&found).len(), 2);
    }

    #[test]
    fn a_second_version_of_what_we_use_is_found() {
        let locked = owned(&["nom", "syn", "syn", "tokio"]);
        assert_eq!(versions(&owned(&["nom", "tokio"]), &locked), []);
        assert_eq!(versions(&owned(&["nom", "syn"]), &locked).len(), 1);
    }

    #[test]
    fn what_a_pure_crate_may_not_use_is_found() {
        let check = |package, tree: &[&str]| linked("x", package, &owned(tree)).len();
        assert_eq!(check("pabal-spec", &["pabal-spec", "pabal-telegram", "pabal-clock", "nom", "memchr", "serde"]), 0);
        assert_eq!(check("pabal-spec", &["pabal-spec", "tokio"]), 1);
        // Only the switch may use it, and only what the switch uses.
        assert_eq!(check("pabal-spec", &["pabal-spec", "serde_json"]), 1);
        assert_eq!(check("pabal-spec", &["pabal-spec", "pabal-switch"]), 1);
        assert_eq!(check("pabal-spec", &[]), 1);
    }
}
