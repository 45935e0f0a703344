//! Versions of telegrams by date, and files that include others.

use std::sync::Arc;

use pabal_spec::{Diagnostic, Institution, Layouts, Source, fmt, load, moment};
use pabal_telegram::{Side, Telegram, Value, encode};

/// A header that changes in March and a telegram that changes in January; another telegram begins in March.
const SPEC: &str = r#"institution cms "은행"

layouts files "자료" {
  charset  encode euc-kr decode cp949
  unset    9 zero  X space
}

header record 4 {
  no  9(4)  by asker  public  "번호"
}

header record 6 effective 2027-03-01 09:00 {
  no  9(6)  by asker  public  "번호"
}

telegram debit "출금" 14 : record {
  amount  9(10)  by asker  public  "금액"
}

telegram debit "출금" 19 : record effective 2027-01-01 00:00 {
  amount  9(15)  by asker  public  "금액"
}

telegram debit "출금" 21 : record effective 2027-03-01 09:00 {
  amount  9(15)  by asker  public  "금액"
}

telegram credit "입금" 7 : record effective 2027-03-01 09:00 {
  kind  X(1)  by asker  public  "구분"
}
"#;

fn sources(files: &[(&str, &str)]) -> Vec<Source> {
    files.iter().map(|(name, text)| Source { name: (*name).into(), text: (*text).into() }).collect()
}

fn institution(files: &[(&str, &str)]) -> Institution {
    load(&sources(files)).unwrap_or_else(|found| panic!("{found:#?}")).institution
}

fn told(files: &[(&str, &str)]) -> Vec<Diagnostic> {
    load(&sources(files)).expect_err("a mistake")
}

/// The length of each telegram in force.
fn lengths(layouts: &Layouts) -> Vec<(&str, u32)> {
    layouts.catalog.layouts.iter().map(|layout| (layout.name(), layout.len())).collect()
}

#[test]
fn what_is_in_force_at_a_moment_converts() {
    let all = institution(&[("cms.spec", SPEC)]);
    let files = all.layouts("files").unwrap();
    assert_eq!(files.later.len(), 2);
    let at = |text: &str| -> Arc<Layouts> { Arc::clone(files.at(moment(text).unwrap()).unwrap()) };
    for (text, expected) in [
        ("2026-12-31 23:59", vec![("debit", 14)]),
        ("2027-01-01 00:00", vec![("debit", 19)]),
        ("2027-03-01 08:59", vec![("debit", 19)]),
        ("2027-03-01 09:00", vec![("debit", 21), ("credit", 7)]),
        ("2099-01-01 00:00", vec![("debit", 21), ("credit", 7)]),
    ] {
        assert_eq!(lengths(&at(text)), expected, "{text}");
        let view = all.at(moment(text).unwrap());
        assert_eq!(lengths(view.layouts("files").unwrap()), expected, "{text}");
    }
    // The same values, as they are written on both sides of the date; each is read by its own version.
    let values: Vec<(String, Value)> = vec![("no".into(), 7.into()), ("amount".into(), 1_500.into())];
    for (text, bytes) in [
        ("2026-12-31 23:59", &b"00070000001500"[..]),
        ("2027-01-01 00:00", b"0007000000000001500"),
        ("2027-03-01 09:00", b"000007000000000001500"),
    ] {
        let version = at(text);
        let (_, layout) = version.catalog.find("debit").unwrap();
        assert_eq!(encode(layout, Side::Asker, &values).unwrap(), bytes, "{text}");
        assert_eq!(Telegram::new(layout, bytes, Side::Asker).faults(), [], "{text}");
    }
}

#[test]
fn before_the_first_version_there_is_none() {
    let (head, _) = SPEC.split_once("header record 6").unwrap();
    let spec = format!("{head}telegram late 5 : record effective 2027-01-01 00:00 {{\n  a X(1) by asker public\n}}\n");
    let all = institution(&[("cms.spec", &spec)]);
    assert!(all.at(moment("2026-12-31 23:59").unwrap()).layouts.is_empty());
    let later = all.at(moment("2027-01-01 00:00").unwrap());
    assert_eq!(lengths(later.layouts("files").unwrap()), [("late", 5)]);
}

#[test]
fn a_version_is_checked_with_what_is_in_force_beside_it() {
    // In March the header is longer; this version of the telegram no longer adds up then, and that is told once.
    let without = SPEC.split("telegram debit \"출금\" 21").next().unwrap();
    let found = told(&[("cms.spec", without)]);
    let shown: Vec<_> = found.iter().map(|told| (told.code, told.at.text.as_str())).collect();
    assert_eq!(found.len(), 1, "{shown:?}");
    assert_eq!(found[0].code, "S030");
    let span = found[0].at.span;
    assert_eq!(&without[span.start as usize..span.end as usize], "19");
    // Two of one date.
    let twice = SPEC.replace("21 : record effective 2027-03-01 09:00", "19 : record effective 2027-01-01 00:00");
    assert!(told(&[("cms.spec", &twice)]).iter().any(|told| told.code == "S020"));
    assert_eq!(fmt(SPEC).as_deref(), Ok(SPEC));
}

#[test]
fn an_included_file_stands_where_it_is_included() {
    let head = "header record 4 {\n  no  9(4)  by asker  public\n}\n";
    let part = |name: &str| {
        format!(
            "layouts {name} {{\n  charset  encode euc-kr decode cp949\n  unset    9 zero  X space\n}}\n\ninclude \"common.spec\"\n\n\
             telegram {name}_one 5 : record {{\n  a  X(1)  by asker  public\n}}\n"
        )
    };
    let (a, b) = (format!("institution x\n\n{}", part("a")), part("b"));
    // Without it nobody would know whose header it is: there are two.
    let all = institution(&[("a.spec", &a), ("b.spec", &b), ("common.spec", head)]);
    for name in ["a", "b"] {
        assert_eq!(lengths(all.layouts(name).unwrap()), [(&*format!("{name}_one"), 5)]);
    }
    assert_eq!(fmt(&a).as_deref(), Ok(a.as_str()), "a file is formatted without those that it includes");
    // What is wrong in it is told once, in its own file.
    let found =
        told(&[("a.spec", &a), ("b.spec", &b), ("common.spec", "header record 4 {\n  no 9(4) by asker pubic\n}\n")]);
    let places: Vec<_> = found.iter().map(|told| (told.code, told.at.span.source.0)).collect();
    assert_eq!(places, [("S003", 2)], "{found:#?}");
    // Files that include each other, by way of a third.
    let circle = [
        ("a.spec", a.as_str()),
        ("common.spec", "include \"more.spec\"\n"),
        ("more.spec", "include \"common.spec\"\n"),
    ];
    let circles: Vec<_> = told(&circle).into_iter().filter(|told| told.code == "S156").collect();
    assert_eq!(circles.len(), 2, "one in each: {circles:#?}");
    let near = told(&[("a.spec", &a), ("comon.spec", head)]);
    let missing = near.iter().find(|told| told.code == "S155").expect("no such file");
    assert_eq!(missing.help.as_deref(), Some("did you mean `comon.spec`?"));
}
