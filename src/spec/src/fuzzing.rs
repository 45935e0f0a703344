//! The bodies of fuzz targets: each takes any bytes and asserts what must hold for all of them. Tests replay the corpus and run
//! the same bodies over specs that were damaged at random, and over specs that were drawn, so that no target is stale.

mod conversion;
mod draw;
mod drawn;
mod reached;
mod values;

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use crate::{CODES, Diagnostic, Digest, Severity, Source, fmt, load, parse};

/// What ends a file and begins another; its name is the rest of the line.
const NEXT: &str = "\n--- ";

/// Whatever the text: it is read without a panic; every diagnostic has a known code, says something, and marks whole characters
/// inside of its file; a spec is right exactly if no error is told; and reading it twice is the same.
pub fn spec(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let mut files = text.split(NEXT);
    let mut sources = Vec::from([Source { name: "fuzzed.spec".into(), text: files.next().unwrap_or_default().into() }]);
    for (name, text) in files.filter_map(|file| file.split_once('\n')) {
        if sources.iter().all(|source| source.name != name) {
            sources.push(Source { name: name.into(), text: text.into() });
        }
    }
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

/// A right spec is drawn, with any construct that telegrams have, and values for both sides: what is written is read as the same values,
/// which, without the bytes, are written as the same bytes again. Wrong values are faults.
pub fn round_trip(data: &[u8]) {
    conversion::round_trip(data, &mut reached::Reached::default());
}

/// Telegrams of a spec that is drawn, damaged: every fault is in its place, and what is read without one can be written.
pub fn decode(data: &[u8]) {
    conversion::decode(data, &mut reached::Reached::default());
}

/// What can be read is formatted once and for all: the same comments and blank lines, and the same meaning, right or wrong.
fn formatted(sources: &[Source], told: &[Diagnostic]) {
    let Some((spec, others)) = sources.split_first() else { return };
    let formatted = fmt(&spec.text);
    // The files that it includes are not needed to format it.
    let of_others = |told: &Diagnostic| ["S155", "S156", "S157"].contains(&told.code) || told.at.span.source.0 != 0;
    assert_eq!(formatted.is_ok(), told.iter().all(of_others), "{told:#?}");
    let Ok(text) = formatted else { return };
    assert_eq!(fmt(&text).as_deref(), Ok(text.as_str()), "formatting again changes something");
    let again = [&[Source { name: spec.name.clone(), text }], others].concat();
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
    use std::collections::{BTreeMap, BTreeSet};
    use std::fs;
    use std::path::Path;
    use std::string::ToString;

    use pabal_telegram::{Charset, Checksum, Deframer};
    use proptest::prelude::*;

    use super::reached::Reached;
    use super::*;

    fn replay(target: &str, body: fn(&[u8])) {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target);
        let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.sort();
        assert!(files.len() >= 3);
        for file in files {
            body(&fs::read(file).unwrap());
        }
    }

    #[test]
    fn the_corpus_holds() {
        replay("spec", spec);
        conversion::SHIPPED.iter().for_each(|text| spec(text.as_bytes()));
    }

    #[test]
    fn the_corpus_of_drawn_specs_holds() {
        replay("drawn_decode", decode);
        replay("drawn_round_trip", round_trip);
    }

    /// The telegrams beside the shipped specs, as data of the drawn targets. `UPDATE_SEEDS=1` writes what is not there as it should be.
    #[test]
    fn every_sample_is_a_seed() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let corpus = root.join("corpus/samples");
        let mut seeds = BTreeMap::new();
        for (at, (name, text)) in SHIPPED_NAMES.into_iter().zip(conversion::SHIPPED).enumerate() {
            let sources = conversion::sources(text);
            let telegrams = conversion::load_all(&sources);
            let institution = load(&sources).expect("a right spec").institution;
            for file in fs::read_dir(root.join("../../specs").join(name).join("samples")).unwrap() {
                let file = file.unwrap().path();
                if file.extension().is_none_or(|end| end != "toml") {
                    continue;
                }
                let sample: toml::Table = fs::read_to_string(&file).unwrap().parse().unwrap();
                let digits: String =
                    sample["wire_hex"].as_array().unwrap().iter().filter_map(|hex| hex.as_str()).collect();
                let pairs = (0..digits.len()).step_by(2);
                let wire: Vec<u8> =
                    pairs.map(|start| u8::from_str_radix(&digits[start..start + 2], 16).unwrap()).collect();
                let frame = match institution.protocols.first() {
                    Some(protocol) => {
                        let mut deframer = Deframer::new(protocol.framing.clone());
                        deframer.push(&wire);
                        deframer.next_frame().unwrap().unwrap().to_vec()
                    }
                    None => wire,
                };
                let telegram = telegrams.iter().position(|layout| Some(layout.name()) == sample["telegram"].as_str());
                let side = u8::from(sample["side"].as_str() == Some("answerer"));
                let place = [at, telegram.unwrap()].map(|place| u8::try_from(place).unwrap());
                let seed = [&[conversion::AS_IT_IS, place[0], place[1], side][..], &frame].concat();
                seeds.insert(std::format!("{name}-{}", file.file_stem().unwrap().display()), seed);
            }
        }
        assert!(seeds.len() > 80, "{} samples", seeds.len());
        for (name, seed) in &seeds {
            if std::env::var_os("UPDATE_SEEDS").is_some() {
                fs::create_dir_all(&corpus).unwrap();
                fs::write(corpus.join(name), seed).unwrap();
            }
            assert_eq!(fs::read(corpus.join(name)).ok().as_ref(), Some(seed), "{name}: run with UPDATE_SEEDS=1");
            // It is read without a fault, and written again.
            let mut reached = Reached::default();
            conversion::decode(seed, &mut reached);
            // Of the poll's time nobody says the year.
            assert!(reached.read.keys().all(|code| *code == "T70"), "{name}: {reached}");
        }
        assert_eq!(fs::read_dir(corpus).unwrap().count(), seeds.len(), "a seed is of no sample");
    }

    /// Folders of the shipped specs, in their order.
    const SHIPPED_NAMES: [&str; 6] = ["nicevan", "kftc_cms", "ksnet", "nicecb", "kcb", "hecto"];

    /// The same bytes for the same seed, everywhere (SplitMix64).
    fn seeded(mut seed: u64) -> Vec<u8> {
        let mut next = || {
            seed = seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
            let mixed = (seed ^ (seed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            mixed ^ (mixed >> 31)
        };
        (0..250).flat_map(|_| next().to_le_bytes()).collect()
    }

    #[test]
    fn everything_is_reached() {
        let mut reached = Reached::default();
        for seed in 0..400 {
            conversion::round_trip(&seeded(seed), &mut reached);
            conversion::decode(&seeded(seed), &mut reached);
        }
        let charsets: BTreeSet<&str> = Charset::ALL.iter().map(|(word, _)| *word).collect();
        assert_eq!(reached.charsets, charsets);
        let expected =
            KINDS.iter().chain(&COMPUTED).chain(STRUCTURE.iter().filter(|_| drawn::MOVES)).copied().collect();
        let kinds: BTreeSet<&str> = reached.kinds.iter().map(String::as_str).collect();
        assert_eq!(kinds, expected);
        let codes: BTreeSet<&str> = reached.read.keys().chain(reached.written.keys()).copied().collect();
        let known = include_str!("../../telegram/src/fault.rs").split("=> \"").skip(1);
        let known: BTreeSet<&str> = known.filter_map(|rest| rest.split_once("\",\n")).map(|(code, _)| code).collect();
        assert!(known.len() > 20 && known.iter().all(|code| code.len() == 3 && code.starts_with('T')), "{known:?}");
        let missing: Vec<&str> = known.difference(&codes).copied().collect();
        let moving: &[&str] =
            if drawn::MOVES { &[] } else { &["T55", "T56", "T57", "T58", "T59", "T60", "T61", "T63", "T64"] };
        assert_eq!(missing, moving, "codes of faults that no drawn telegram comes to");
        assert!(codes.is_subset(&known));
        // Shown with `--nocapture`.
        std::println!("{reached}");
    }

    /// Words that are not drawn: names that the parser has for clauses without a word of their own; and of `at send`, which a telegram of the
    /// poll alone has.
    const NOT_DRAWN: [&str; 4] = ["at", "class", "computed", "send"];

    /// The words that the parser knows of fields and blocks of fields, taken from its source, are all drawn.
    #[test]
    fn every_word_of_the_language_is_drawn() {
        let mut drawn = BTreeSet::new();
        for seed in 0..400 {
            for source in drawn::spec(&mut draw::Draw::new(&seeded(seed))) {
                let words = source.text.split(|c: char| c.is_whitespace() || "(){}?*".contains(c));
                drawn.extend(words.map(String::from));
            }
        }
        let parser = [
            include_str!("parse/field.rs"),
            include_str!("parse/text.rs"),
            include_str!("parse/number.rs"),
            include_str!("parse/shape.rs"),
            include_str!("parse/layouts.rs"),
            include_str!("parse/computed.rs"),
        ];
        let is_word = |text: &&str| {
            let mut letters = text.chars();
            letters
                .next()
                .is_some_and(|first| first.is_ascii_lowercase() || ["X", "9", "S9", "V9", ".9"].contains(text))
                && letters.all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_".contains(c))
                || ["X", "9", "S9", "V9", ".9"].contains(text)
        };
        // Every second piece between quotes is a text; in these files none has a quote in it but help, which has spaces too.
        let texts =
            parser.iter().flat_map(|file| file.lines()).flat_map(|line| line.trim().split('"').skip(1).step_by(2));
        let known: BTreeSet<&str> = texts.filter(is_word).collect();
        assert!(known.len() > 60 && known.contains("overpunch") && known.contains("until"), "{known:?}");
        let charsets = Charset::ALL.iter().map(|(word, _)| *word);
        let classes = pabal_telegram::Class::ALL.iter().map(|(word, _)| *word);
        let crcs = [&Checksum::CRC16[..], &Checksum::CRC32].concat().into_iter().map(|(word, _)| word);
        let all = known.into_iter().chain(charsets).chain(classes).chain(crcs).chain(parse::MODES);
        let missing: BTreeSet<&str> = all.filter(|word| !drawn.contains(*word)).collect();
        assert_eq!(missing, BTreeSet::from(NOT_DRAWN));
    }

    #[test]
    fn drawn_specs_hold() {
        for seed in 0..80 {
            let mut files = drawn::spec(&mut draw::Draw::new(&seeded(seed)));
            let mut text = files.pop().unwrap().text;
            files.iter().for_each(|file| text.extend([NEXT, &file.name, "\n", &file.text]));
            spec(text.as_bytes());
        }
    }

    #[test]
    fn shipped_layouts_hold() {
        let mut reached = Reached::default();
        for (at, _) in conversion::SHIPPED.iter().enumerate() {
            for seed in 0..4 {
                let data = [&[conversion::SHIPPED_SPEC, u8::try_from(at).unwrap()], &*seeded(seed)].concat();
                conversion::round_trip(&data, &mut reached);
                conversion::decode(&data, &mut reached);
            }
        }
        assert!(reached.kinds.contains("repeat times") && reached.kinds.contains("choice"));
    }

    /// Every kind, and every form that it has, as `show` writes it.
    const KINDS: [&str; 40] = [
        "9",
        "9 bcd",
        "9 binary big",
        "9 binary little",
        "9 packed",
        "9.9",
        "9V9",
        "9V9 bcd",
        "9V9 binary big",
        "9V9 binary little",
        "9V9 packed",
        "S9 binary big",
        "S9 binary little",
        "S9 overpunch leading",
        "S9 overpunch leading ascii",
        "S9 overpunch trailing",
        "S9 overpunch trailing ascii",
        "S9 packed",
        "S9 sign leading",
        "S9 sign trailing",
        "S9.9 sign leading",
        "S9.9 sign trailing",
        "S9V9 binary big",
        "S9V9 binary little",
        "S9V9 overpunch leading",
        "S9V9 overpunch leading ascii",
        "S9V9 overpunch trailing",
        "S9V9 overpunch trailing ascii",
        "S9V9 packed",
        "S9V9 sign leading",
        "S9V9 sign trailing",
        "X",
        "X lines",
        "X right",
        "X wide",
        "X lenient",
        "X pad",
        "code",
        "date, time",
        "filler",
    ];

    /// What is said of the telegram.
    const COMPUTED: [&str; 16] = [
        "check",
        "check in a repeat",
        "check of",
        "check of in a repeat",
        "checksum of",
        "checksum of in a repeat",
        "count of",
        "count of in a repeat",
        "fraction of",
        "fraction of in a repeat",
        "length",
        "length in a repeat",
        "sign of",
        "sign of in a repeat",
        "sum of",
        "sum of in a repeat",
    ];

    /// What moves.
    const STRUCTURE: [&str; 7] =
        ["choice", "length of", "repeat padded", "repeat times", "repeat until end", "when", "when has"];

    fn whole() -> String {
        let (spec, table) = (include_str!("../tests/fixtures/whole.spec"), include_str!("../tests/fixtures/codes.csv"));
        [spec, NEXT, "codes.csv\n", table].concat()
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

    proptest! {
        // The seeds of `everything_is_reached` are the same each time; these are others.
        #![proptest_config(ProptestConfig { failure_persistence: None, cases: 64, ..ProptestConfig::default() })]

        #[test]
        fn drawn_layouts_round_trip(data in prop::collection::vec(any::<u8>(), 0..900)) {
            round_trip(&data);
        }

        #[test]
        fn drawn_layouts_decode(data in prop::collection::vec(any::<u8>(), 0..900)) {
            decode(&data);
        }
    }
}
