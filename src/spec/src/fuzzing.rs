//! The body of the fuzz target: it takes any bytes and asserts what must hold for all of them. Tests replay the corpus and run
//! the same body over specs that were damaged at random, so that the target is never stale.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use crate::{CODES, Diagnostic, Digest, Severity, Source, fmt, load, parse};

/// The line that ends a spec file and begins a code table.
const TABLE: &str = "\n--- codes.csv\n";

/// Whatever the text: it is read without a panic; every diagnostic has a known code, says something, and marks whole characters
/// inside of its file; a spec is right exactly if no error is told; and reading it twice is the same.
pub fn spec(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let (text, table) = text.split_once(TABLE).unwrap_or((&text, ""));
    let sources = [
        Source { name: "codes.csv".into(), text: table.into() },
        Source { name: "fuzzed.spec".into(), text: text.into() },
    ];
    let (written, told) = parse(&sources);
    for trivia in written.trivia() {
        assert!(inside(trivia.span, &sources).is_some_and(|text| text.trim_end() == &*trivia.text), "{trivia:?}");
    }
    formatted(&sources, &told);
    let first = load(&sources);
    let found = match &first {
        Ok(loaded) => {
            assert!(told.is_empty(), "a mistake of form was forgotten");
            for protocol in &loaded.institution.protocols {
                let rows = &protocol.catalog.select.rows;
                for layout in &protocol.catalog.layouts {
                    let known = rows.iter().any(|row| row.length.contains(&layout.len()));
                    assert!(known, "no row knows {}", layout.name());
                }
            }
            &loaded.warnings
        }
        Err(found) => found,
    };
    let errors = found.iter().filter(|told| told.severity == Severity::Error).count();
    assert_eq!(errors == 0, first.is_ok(), "{found:#?}");
    for told in found {
        sound(told, &sources);
    }
    match (&first, load(&sources)) {
        (Ok(first), Ok(again)) => assert_eq!(format!("{first:?}"), format!("{again:?}")),
        (Err(first), Err(again)) => assert_eq!(first, &again),
        _ => unreachable!("right and wrong"),
    }
}

/// What can be read is formatted once and for all: the same comments and blank lines, and the same meaning, right or wrong.
fn formatted(sources: &[Source; 2], told: &[Diagnostic]) {
    let [table, spec] = sources;
    let formatted = fmt(&spec.text);
    assert_eq!(formatted.is_ok(), told.is_empty(), "{told:#?}");
    let Ok(text) = formatted else { return };
    assert_eq!(fmt(&text).as_deref(), Ok(text.as_str()), "formatting again changes something");
    let again = [table.clone(), Source { name: spec.name.clone(), text }];
    let trivia =
        |sources: &[Source]| -> Vec<_> { parse(sources).0.trivia().iter().map(|trivia| trivia.text.clone()).collect() };
    assert_eq!(trivia(sources), trivia(&again));
    assert_eq!(meaning(sources), meaning(&again));
}

/// What a spec says, without its version and its places.
fn meaning(sources: &[Source]) -> Vec<String> {
    let digest = format!("{:?}", Digest::of(sources));
    let (institution, told) = match load(sources) {
        Ok(loaded) => (format!("{:?}", loaded.institution).replace(&digest, ""), loaded.warnings),
        Err(told) => (String::new(), told),
    };
    let told = told.into_iter().map(|told| format!("{} {} {:?}", told.code, told.message, told.help));
    core::iter::once(institution).chain(told).collect()
}

fn sound(told: &Diagnostic, sources: &[Source]) {
    assert!(CODES.iter().any(|(code, _)| *code == told.code), "{told:?}");
    assert!(!told.message.is_empty() && !told.message.ends_with('.'), "{told:?}");
    let labels: Vec<_> = core::iter::once(&told.at).chain(&told.related).collect();
    for label in labels {
        assert!(!label.text.is_empty() && inside(label.span, sources).is_some(), "{told:?}");
    }
}

fn inside(span: crate::Span, sources: &[Source]) -> Option<&str> {
    let text = &sources.get(usize::from(span.source.0))?.text;
    text.get(usize::try_from(span.start).ok()?..usize::try_from(span.end).ok()?)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;
    use std::string::ToString;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_corpus_holds() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus/spec");
        let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.sort();
        assert!(files.len() >= 3);
        for file in files {
            spec(&fs::read(file).unwrap());
        }
    }

    fn whole() -> String {
        let (spec, table) = (include_str!("../tests/fixtures/whole.spec"), include_str!("../tests/fixtures/codes.csv"));
        [spec, TABLE, table].concat()
    }

    /// A spec without a mistake, damaged in a few places: a word, a sign or a line is lost, doubled or put elsewhere.
    fn damaged() -> impl Strategy<Value = String> {
        let damage = (any::<prop::sample::Index>(), any::<prop::sample::Index>(), 0..4_u8, any::<bool>());
        prop::collection::vec(damage, 1..6).prop_map(|all| {
            let mut text = whole();
            for (at, other, how, lines) in all {
                let pieces = |text: &str| -> Vec<String> {
                    if lines {
                        text.split_inclusive('\n').map(ToString::to_string).collect()
                    } else {
                        text.split_inclusive([' ', '\n', '(', ')', '{', '}', '|', '"', '.'])
                            .map(ToString::to_string)
                            .collect()
                    }
                };
                let mut pieces = pieces(&text);
                let (at, other) = (at.index(pieces.len()), other.index(pieces.len()));
                match how {
                    0 => drop(pieces.remove(at)),
                    1 => pieces.insert(other, pieces[at].clone()),
                    2 => pieces.swap(at, other),
                    _ => pieces[at] = pieces[other].clone(),
                }
                text = pieces.concat();
            }
            text
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn damaged_specs_hold(text in damaged()) {
            spec(text.as_bytes());
        }

        #[test]
        fn any_bytes_hold(data in prop::collection::vec(any::<u8>(), 0..200)) {
            spec(&data);
        }
    }
}
