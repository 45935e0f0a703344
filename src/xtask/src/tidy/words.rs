use super::Finding;
use crate::source::{code, is_word};

/// Lines of the longest source file.
const LINES_MAX: usize = 800;

/// Which part of a file a rule looks at.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    /// Every byte.
    All,
    /// Rust without comments and texts.
    Code,
    /// The same, tests left out.
    Product,
    /// The same, only tests.
    Tests,
}

struct Rule {
    words: &'static [&'static str],
    part: Part,
    /// Of the file's path.
    place: fn(&str) -> bool,
    why: &'static str,
}

// Words are written in two pieces where this file itself would break the rule.
const RULES: [Rule; 11] = [
    Rule {
        words: &[concat!("/wor", "k/"), concat!("/tm", "p/"), concat!("/ro", "ot/"), concat!("/ho", "me/")],
        part: Part::All,
        place: |_| true,
        why: "a path of one machine; take a folder of the system or of the test",
    },
    Rule {
        words: &[
            concat!("crates", ".io"),
            concat!("py", "pi.org"),
            concat!("python", "hosted.org"),
            concat!("npm", "js.org"),
        ],
        part: Part::All,
        place: |path| !path.ends_with("Cargo.lock"),
        why: "the host of a registry; sites have their own, so leave it to the client's configuration",
    },
    Rule {
        words: &[concat!("FIX", "ME"), concat!("TO", "DO"), concat!("XX", "X")],
        part: Part::All,
        place: |path| !path.ends_with("Cargo.lock") && !path.starts_with("specs/"),
        why: "do it, or say in an issue that it is to be done",
    },
    Rule {
        words: &["todo!", "unimplemented!", "dbg!"],
        part: Part::Code,
        place: |_| true,
        why: "unfinished code does not stay",
    },
    Rule {
        words: &["#[allow", "#![allow"],
        part: Part::Code,
        place: |_| true,
        why: "use #[expect(.., reason = \"..\")], which tells when it is no longer needed",
    },
    Rule { words: &["#[ignore"], part: Part::Code, place: |_| true, why: "a test that is not run is no test" },
    Rule {
        words: &["HashMap", "HashSet"],
        part: Part::Code,
        place: is_pure,
        why: "pure crates have no hash order; take a BTreeMap or BTreeSet",
    },
    Rule {
        words: &["f32", "f64"],
        part: Part::Code,
        place: |path| is_pure(path) && !path.contains("/benches/"),
        why: "pure crates have no floats; amounts are Decimal, times are integers",
    },
    Rule {
        words: &["println!", "eprintln!", "print!", "eprint!"],
        part: Part::Product,
        place: is_library,
        why: "a library does not print; return it, or trace it",
    },
    Rule {
        words: &["sleep", "sleep_until", "sleep_ms"],
        part: Part::Tests,
        // What the rig's tests wait with asks again and again until something has happened; and a call is dropped at any moment,
        // which is no waiting.
        place: |path| !path.starts_with("tests/rig/src/") && path != "tests/rig/tests/rig/callers.rs",
        why: "a test waits for what it waits for, not for a time",
    },
    Rule {
        words: &["packet", "Packet"],
        part: Part::Code,
        place: |_| true,
        why: "the word is telegram (or frame, as long as no field is known)",
    },
];

/// Crates that know no clock, socket, file, thread or hash order.
pub(crate) const PURE: [&str; 5] = ["src/clock", "src/telegram", "src/spec", "src/switch", "src/counterparty"];

/// What the text of one file breaks.
pub(crate) fn check(path: &str, text: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    // Its generator knows none of our rules, and a test says whether it is fresh.
    if path.split('/').any(|folder| folder == "generated") {
        return findings;
    }
    let is_rust = path.ends_with(".rs");
    let code = if is_rust { code(text) } else { String::new() };
    let tests_from = if is_test(path) { 0 } else { tests_from(&code) };
    for rule in RULES.iter().filter(|rule| (rule.place)(path)) {
        if rule.part != Part::All && !is_rust {
            continue;
        }
        let looked_at = if rule.part == Part::All { text } else { code.as_str() };
        for (at, line) in looked_at.lines().enumerate() {
            let is_skipped = match rule.part {
                Part::All | Part::Code => false,
                Part::Product => at >= tests_from,
                Part::Tests => at < tests_from,
            };
            if is_skipped {
                continue;
            }
            for word in rule.words.iter().filter(|word| has_word(line, word)) {
                findings.push(Finding::new(path, at + 1, format!("`{word}`: {}", rule.why)));
            }
        }
    }
    // A peer may be slow on purpose.
    if path.ends_with(".py") && is_test(path) && !path.contains("/peers/") {
        for (at, line) in text.lines().enumerate().filter(|(_, line)| has_word(line, "sleep")) {
            findings.push(Finding::new(path, at + 1, format!("`{}`: a test waits for what it waits for", line.trim())));
        }
    }
    let lines = text.lines().count();
    if is_source(path) && lines > LINES_MAX {
        findings.push(Finding::new(path, 0, format!("{lines} lines, the most is {LINES_MAX}; split it by noun")));
    }
    findings
}

fn is_pure(path: &str) -> bool {
    PURE.iter().any(|folder| path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/')))
}

fn is_library(path: &str) -> bool {
    let is_one_of = |words: &[&str]| words.iter().any(|word| path.contains(word));
    path.starts_with("src/") && !is_one_of(&["src/pabal/", "src/xtask/", "/benches/", "/examples/"])
}

fn is_source(path: &str) -> bool {
    [".rs", ".py", ".proto", ".sh", ".spec"].iter().any(|end| path.ends_with(end))
}

fn is_test(path: &str) -> bool {
    path.ends_with("/tests.rs") || path.split('/').rev().skip(1).any(|folder| folder == "tests")
}

/// The first line of the tests inside a file, counted from 0; `usize::MAX` if it has none. They stand at its end.
fn tests_from(code: &str) -> usize {
    let mut lines = code.lines().enumerate().peekable();
    while let Some((at, line)) = lines.next() {
        let is_module = lines.peek().is_some_and(|(_, next)| next.contains("mod ") && next.trim_end().ends_with('{'));
        if line.trim() == "#[cfg(test)]" && is_module {
            return at;
        }
    }
    usize::MAX
}

/// Whether a line has a word that is not a piece of a longer one.
fn has_word(line: &str, word: &str) -> bool {
    let begins = word.chars().next().is_some_and(is_word);
    let ends = word.chars().next_back().is_some_and(is_word);
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back().is_some_and(is_word);
        let after = line[at + word.len()..].chars().next().is_some_and(is_word);
        !(begins && before || ends && after)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(path: &str, text: &str) -> Vec<usize> {
        check(path, text).iter().map(|finding| finding.line).collect()
    }

    #[test]
    fn each_rule_finds_each_of_its_words() {
        for rule in &RULES {
            for word in rule.words {
                let places = ["src/switch/src/x.rs", "tests/world/src/x.rs", "src/gateway/src/x.rs"];
                let found = places.iter().any(|path| lines(path, &format!("let a = 1;\n{word} (x)\n")) == [2]);
                assert!(found, "nothing found `{word}`");
            }
        }
    }

    #[test]
    fn a_word_is_not_found_where_it_may_be() {
        let check = |path: &str, text: &str| assert_eq!(lines(path, text), [] as [usize; 0], "{path}: {text}");
        check("src/switch/src/x.rs", "// a HashMap has no order\nlet x = \"f64 todo!\";");
        check("src/switch/src/x.rs", "let f64_like = MyHashMap::new();");
        check("src/gateway/src/x.rs", "let map = HashMap::new(); let x: f64 = 1.0; tokio::time::sleep(x).await;");
        check("src/pabal/src/x.rs", "println!(\"x\");");
        check("src/journal/benches/x.rs", "println!(\"x\");");
        check("src/telegram/benches/x.rs", "let nanos: f64 = 1.0;");
        check("src/gateway/src/x.rs", "#[cfg(test)]\nmod tests {\n    println!();\n}\n");
        check("src/gateway/src/x.rs", "fn sleeps() {}\n#[cfg(test)]\nmod tests;\nsleep(1);");
        check("src/xtask/README.md", "TODOS");
        check("src/front/src/generated/x.rs", "#![allow(x)]");
    }

    #[test]
    fn a_test_must_not_sleep() {
        assert_eq!(
            lines("src/gateway/src/x.rs", "sleep(a);\n#[cfg(test)]\nmod tests {\n    thread::sleep(b);\n}\n"),
            [4]
        );
        assert_eq!(lines("src/gateway/src/x/tests.rs", "use tokio::time::sleep;"), [1]);
        assert_eq!(lines("src/gateway/tests/x.rs", "sleep(x)"), [1]);
        assert_eq!(lines("tests/rig/src/client.py", "a = 1\ntime.sleep(1)\n"), [2]);
        assert_eq!(lines("tests/rig/src/patience.rs", "sleep(x)"), []);
        assert_eq!(lines("tests/rig/tests/bank.rs", "sleep(x)"), [1]);
        assert_eq!(lines("tests/rig/peers/bank.py", "time.sleep(1)\n"), []);
        assert_eq!(lines("specs/hecto/samples/make.py", "time.sleep(1)\n"), []);
    }

    #[test]
    fn a_long_file_is_found() {
        let long = "\n".repeat(LINES_MAX + 1);
        assert_eq!(lines("src/gateway/src/x.rs", &long), [0]);
        assert_eq!(lines("src/gateway/src/x.rs", &long[1..]), []);
        assert_eq!(lines("specs/hecto/codes.csv", &long), []);
    }

    #[test]
    fn a_path_is_found_in_any_text_file() {
        for path in ["README.md", "specs/x/y.toml", ".ci/run", "src/pabal/src/main.rs"] {
            assert_eq!(lines(path, &format!("\"see {}x\"", concat!("/tm", "p/"))), [1], "{path}");
        }
    }
}
