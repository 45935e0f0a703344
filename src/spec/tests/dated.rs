//! Versions with a date on a line: each takes the place of the one before it while sessions stay up.

use std::sync::Arc;

use pabal_clock::{UtcOffset, Wall};
use pabal_spec::{Diagnostic, Institution, Severity, Source, load, moment};

const SPEC: &str = include_str!("fixtures/whole.spec");
const TABLE: &str = include_str!("fixtures/codes.csv");

/// A telegram that is twenty bytes longer from the new year on.
const LONGER: &str = "
telegram open \"개시\" 80 : common effective 2027-01-01 00:00 {
  greeting  X(20)  by asker?  public  \"인사\"
}
";

/// Another one, with an exchange, from ten o'clock of the next day on.
const BALANCE: &str = "
telegram balance \"잔액\" 60 : common effective 2027-01-02 10:00 {
}

exchange balance \"잔액\" effective 2027-01-02 10:00 {
  request \"6000\" \"100\"  answer \"6100\" \"100\"  effect none  timeout 3s
}
";

const ROW: (&str, &str) =
    ("    open           \"1000\"", "    balance        \"6000\"|\"6100\" \"100\"\n    open           \"1000\"");

/// What is added stands behind the protocol's other telegrams.
fn sources(added: &str, changes: &[(&str, &str)]) -> Vec<Source> {
    let (head, tail) = SPEC.split_once("\nlayouts ").expect("its layouts");
    let spec = changes.iter().fold(format!("{head}\n{added}\nlayouts {tail}"), |text, (from, to)| {
        assert_eq!(text.matches(from).count(), 1, "{from}");
        text.replace(from, to)
    });
    [("whole.spec", spec.as_str()), ("codes.csv", TABLE)]
        .map(|(name, text)| Source { name: name.into(), text: text.into() })
        .into()
}

fn institution(added: &str, changes: &[(&str, &str)]) -> Arc<Institution> {
    let loaded = load(&sources(added, changes)).unwrap_or_else(|found| panic!("{found:#?}"));
    Arc::new(loaded.institution)
}

/// The errors; the fixture warns, too.
fn told(added: &str, changes: &[(&str, &str)]) -> Vec<Diagnostic> {
    let mut found = load(&sources(added, changes)).expect_err("a mistake");
    found.retain(|told| told.severity == Severity::Error);
    found
}

fn len(institution: &Institution, telegram: &str) -> Option<u32> {
    institution.protocols[0].catalog.find(telegram).map(|(_, layout)| layout.len())
}

#[test]
fn each_version_begins_at_its_moment_of_the_institutions_clock() {
    let all = institution(&format!("{LONGER}{BALANCE}"), &[ROW]);
    assert_eq!(all.later.len(), 2);
    assert_eq!((all.from, all.begins()), (None, None));
    // Seoul is nine hours ahead: 2026-12-31T15:00:00Z, and 2027-01-02T01:00:00Z.
    let begin = Wall::from_unix_seconds(1_798_729_200);
    let second = Wall::from_unix_seconds(1_798_729_200 + (24 + 10) * 3_600);
    assert_eq!(moment("2027-01-01 00:00").unwrap().wall(UtcOffset::from_hours(9)), begin);
    assert_eq!(all.later.iter().map(|one| one.begins()).collect::<Vec<_>>(), [Some(begin), Some(second)]);
    let micro_before = |wall: Wall| Wall::from_unix_micros(wall.as_unix_micros() - 1);
    for (wall, open, balance) in
        [(micro_before(begin), 60, None), (begin, 80, None), (micro_before(second), 80, None), (second, 80, Some(60))]
    {
        let version = all.in_force(wall);
        assert_eq!((len(version, "open"), len(version, "balance")), (Some(open), balance), "{wall}");
        let names: Vec<_> = version.protocols[0].rules.exchanges.iter().map(|one| &*one.name).collect();
        assert_eq!(names.contains(&"balance"), balance.is_some());
    }
    for (text, open) in [("2026-12-31 23:59", 60), ("2027-01-01 00:00", 80)] {
        let view = all.at(moment(text).unwrap());
        assert_eq!((len(&view, "open"), view.later.len()), (Some(open), 0));
    }
}

#[test]
fn each_version_has_its_own_digest_and_an_institution_without_dates_the_one_of_its_files() {
    let added = format!("{LONGER}{BALANCE}");
    let all = institution(&added, &[ROW]);
    let digests: Vec<_> = core::iter::once(&all).chain(&all.later).map(|one| one.digest).collect();
    assert_eq!(digests[0], pabal_spec::Digest::of(&sources(&added, &[ROW])));
    assert!(digests[0] != digests[1] && digests[1] != digests[2] && digests[0] != digests[2]);
    for version in core::iter::once(&all).chain(&all.later) {
        assert!(version.protocols.iter().all(|protocol| protocol.digest == version.digest));
        assert!(version.protocols.iter().all(|protocol| protocol.from == version.from));
    }
}

#[test]
fn what_needs_a_reconnect_does_not_begin_by_a_date() {
    let header = SPEC.split("header common 60 {").nth(1).unwrap().split("\n}").next().unwrap();
    let other = header.replace("= 1 ", "= 2 ");
    assert_ne!(other, header);
    let added = format!("header common 60 effective 2027-01-01 00:00 {{{other}\n}}\n");
    let found = told(&added, &[]);
    assert_eq!(found.len(), 1, "{found:#?}");
    assert_eq!(found[0].code, "S154");
    assert_eq!(
        found[0].message,
        "With this version the sessions cannot stay up: `header` of protocol lines has changed: field send_count"
    );
    let text = &sources(&added, &[])[0].text;
    let span = found[0].at.span;
    assert_eq!(&text[span.start as usize..span.end as usize], "effective 2027-01-01 00:00");
}

#[test]
fn a_version_is_checked_with_its_date_like_any_other() {
    // In the new year the fields no longer add up.
    let found = told(&LONGER.replace("X(20)", "X(21)"), &[]);
    assert_eq!(found.iter().map(|told| told.code).collect::<Vec<_>>(), ["S030"], "{found:#?}");
    // Twice of one date.
    let found = told(&format!("{LONGER}{LONGER}"), &[]);
    assert!(found.iter().any(|told| told.code == "S020"), "{found:#?}");
    // An exchange that speaks of a telegram before there is one.
    let early =
        BALANCE.replacen("exchange balance \"잔액\" effective 2027-01-02 10:00", "exchange balance \"잔액\"", 1);
    assert!(!told(&early, &[ROW]).is_empty());
}

#[test]
fn a_moment_is_one_of_one_clock() {
    let other = SPEC.split_once("\nprotocol lines").unwrap().1.split_once("\nlayouts ").unwrap().0;
    let other = format!("protocol others{}", other.replace("+09:00", "+08:00"));
    let found = told(&format!("{LONGER}\n{other}"), &[]);
    let clocks: Vec<_> = found.iter().filter(|told| told.code == "S170").map(|told| told.message.as_str()).collect();
    assert_eq!(clocks, ["The protocols have different zones"], "{found:#?}");
}
