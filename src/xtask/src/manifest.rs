use std::path::Path;

use crate::process::Failure;
use crate::source;

/// A package of the workspace, as its manifest says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Member {
    /// Where it is, from the root: `src/switch`.
    pub(crate) folder: String,
    /// Its name: `pabal-switch`.
    pub(crate) package: String,
    /// What it depends on, tests and build scripts included, each with its line and whether its version is the workspace's.
    pub(crate) dependencies: Vec<Dependency>,
    /// Whether the lints of the workspace hold.
    pub(crate) has_lints: bool,
    /// Whether it has a benchmark.
    pub(crate) has_benches: bool,
}

/// One line below `[dependencies]`, `[dev-dependencies]` or `[build-dependencies]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Dependency {
    pub(crate) name: String,
    pub(crate) line: usize,
    pub(crate) is_workspace: bool,
    pub(crate) is_for_tests: bool,
}

/// Every package of the workspace.
pub(crate) fn members(root: &Path) -> Result<Vec<Member>, Failure> {
    let mut members = Vec::new();
    for path in source::files(root)? {
        let folder = path.strip_suffix("/Cargo.toml").unwrap_or_default();
        if matches!(folder.split('/').collect::<Vec<_>>().as_slice(), ["src" | "tests", _]) {
            let manifest = source::text(root, &path)?.unwrap_or_default();
            // What is only measured against is a workspace of its own.
            if !manifest.lines().any(|line| line == "[workspace]") {
                members.push(member(folder, &manifest));
            }
        }
    }
    Ok(members)
}

/// Names below `[workspace.dependencies]` that are not ours.
pub(crate) fn workspace_dependencies(manifest: &str) -> Vec<String> {
    let lines = sections(manifest)
        .filter(|(_, section, line)| *section == "workspace.dependencies" && !line.contains("path = "));
    lines.filter_map(|(_, _, line)| Some(String::from(line.split_once('=')?.0.trim()))).collect()
}

/// Names of packages in a lock file, one for each version.
pub(crate) fn locked(lock: &str) -> Vec<String> {
    let mut names = Vec::new();
    for (_, section, line) in sections(lock) {
        if section == "[package]"
            && let Some(name) = line.strip_prefix("name = ")
        {
            names.push(String::from(name.trim_matches('"')));
        }
    }
    names
}

fn member(folder: &str, manifest: &str) -> Member {
    let mut member = Member { folder: String::from(folder), ..Member::default() };
    for (number, section, line) in sections(manifest) {
        match section {
            "package" => {
                if let Some(name) = line.strip_prefix("name = ") {
                    member.package = String::from(name.trim_matches('"'));
                }
            }
            "lints" => member.has_lints |= line == "workspace = true",
            "[bench]" => member.has_benches = true,
            "dependencies" | "dev-dependencies" | "build-dependencies" => {
                let name = line.split(['.', ' ', '=']).next().unwrap_or_default();
                member.dependencies.push(Dependency {
                    name: String::from(name),
                    line: number,
                    is_workspace: line.contains("workspace = true"),
                    is_for_tests: section == "dev-dependencies",
                });
            }
            _ => {}
        }
    }
    member
}

/// Lines that say something, each with its number and the section that it is in.
fn sections(toml: &str) -> impl Iterator<Item = (usize, &str, &str)> {
    let mut section = "";
    toml.lines().enumerate().filter_map(move |(at, line)| {
        let line = line.trim();
        if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            section = name;
            return None;
        }
        (!line.is_empty() && !line.starts_with('#')).then_some((at + 1, section, line))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_is_read() {
        let text = "[package]\nname = \"pabal-x\"\n\n[lints]\nworkspace = true\n\n[dependencies]\nnom.workspace = true\n\
                    serde = \"1\"\n[dev-dependencies]\n# why\ninsta = { workspace = true }\n[[bench]]\nname = \"b\"\n";
        let found = member("src/x", text);
        let dependency = |name: &str, line, is_workspace, is_for_tests| Dependency {
            name: String::from(name),
            line,
            is_workspace,
            is_for_tests,
        };
        assert_eq!(
            found,
            Member {
                folder: String::from("src/x"),
                package: String::from("pabal-x"),
                dependencies: vec![
                    dependency("nom", 8, true, false),
                    dependency("serde", 9, false, false),
                    dependency("insta", 12, true, true),
                ],
                has_lints: true,
                has_benches: true,
            }
        );
        assert!(!member("src/x", "[package]\nname = \"pabal-x\"\n").has_lints);
    }

    #[test]
    fn a_lock_file_is_read() {
        let lock = "version = 4\n\n[[package]]\nname = \"a\"\nversion = \"1.0.0\"\ndependencies = [\n \"b\",\n]\n\n\
                    [[package]]\nname = \"b\"\nversion = \"1\"\n\n[[package]]\nname = \"b\"\nversion = \"2\"\n";
        assert_eq!(locked(lock), ["a", "b", "b"]);
    }

    #[test]
    fn ours_are_no_dependencies_of_the_workspace() {
        let text =
            "[workspace.dependencies]\npabal-x = { path = \"src/x\" }\nnom = { version = \"8\" }\nanyhow = \"1\"\n";
        assert_eq!(workspace_dependencies(text), ["nom", "anyhow"]);
    }
}
