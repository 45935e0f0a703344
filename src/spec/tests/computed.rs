//! What fields say of their telegram, over parts that move: from the lines of a spec to the bytes of a telegram and back.

use pabal_spec::{Diagnostic, Institution, Severity, Source, load};
use pabal_telegram::{Layout, Side, Telegram, Value, encode};

const BEGIN: &str = "institution bureau\n\nlayouts report {\n  charset ascii\n  unset 9 zero X space\n}\n\n";

fn sources(telegrams: &str) -> [Source; 1] {
    [Source { name: "report.spec".into(), text: format!("{BEGIN}{telegrams}") }]
}

fn made(telegrams: &str) -> Institution {
    load(&sources(telegrams)).unwrap_or_else(|found| panic!("{found:#?}")).institution
}

fn only(institution: &Institution) -> &Layout {
    let layouts = &institution.layouts[0].catalog.layouts;
    assert_eq!(layouts.len(), 1);
    &layouts[0]
}

/// One mistake, told once, of this code, at this text, with this in its help.
fn mistake(telegrams: &str, code: &str, at: &str, help: &str) {
    let sources = sources(telegrams);
    let found: Vec<Diagnostic> = load(&sources).err().unwrap_or_default();
    let found: Vec<&Diagnostic> = found.iter().filter(|told| told.severity == Severity::Error).collect();
    let [told] = found.as_slice() else { panic!("{found:#?}") };
    let span = told.at.span;
    let text = &sources[0].text[span.start as usize..span.end as usize];
    assert_eq!((told.code, text), (code, at), "{told:#?}");
    assert!(told.help.as_deref().unwrap_or_default().contains(help), "{told:#?}");
}

fn values(given: &[(&str, &str)]) -> Vec<(String, Value)> {
    given.iter().map(|(path, value)| ((*path).into(), (*value).into())).collect()
}

/// Values become these bytes, and these bytes have no fault and become the values, and these bytes again.
fn round(layout: &Layout, given: &[(&str, &str)], bytes: &[u8]) {
    let written = encode(layout, Side::Asker, &values(given)).unwrap_or_else(|faults| panic!("{faults:#?}"));
    assert_eq!(String::from_utf8_lossy(&written), String::from_utf8_lossy(bytes));
    let telegram = Telegram::new(layout, bytes, Side::Asker);
    assert_eq!(telegram.faults(), []);
    let read: Vec<_> =
        telegram.cells().map(|(cell, value)| (cell.path().to_string(), value.expect("no fault").to_value())).collect();
    assert_eq!(encode(layout, Side::Asker, &read).expect("what was read"), bytes);
}

/// The faults of bytes, by field and code.
fn faults(layout: &Layout, bytes: &[u8]) -> Vec<(String, &'static str)> {
    let faults = Telegram::new(layout, bytes, Side::Asker).faults();
    faults.iter().map(|fault| (fault.field.to_string(), fault.code())).collect()
}

#[test]
fn a_sign_stands_beside_its_number() {
    let apart = "telegram t 2..9 {\n  mark X(1) by both public\n  n 9(1) by both public\n  repeat rows n times max 7 { a 9(1) by both public \
                 signed by mark }\n}\n";
    mistake(apart, "S167", "mark", "in the same block");
    let digit = "telegram t 2..5 {\n  n 9(1) by both public\n  when n = 3 { no X(3) by both public }\n  d code(1) public check luhn of \
                 no\n}\n";
    mistake(&digit.replace("n = 3", "n \"3\""), "S167", "check luhn of no", "in the same block");
}

const LIST: &str = r#"
telegram list "목록" 11..31 {
  all    9(3)               public  length of telegram
  n      9(2)               by both  public
  total  S9(5) sign leading  public  sum of items.amount
  repeat items n times max 4 {
    id      X(1)  by both  public
    amount  9(3)  by both  public  signed by mark
    mark    X(1)  by both  public
  }
}
"#;

#[test]
fn a_head_says_what_moves_behind_it() {
    let institution = made(LIST);
    let list = only(&institution);
    let two = [("items[0].id", "a"), ("items[0].amount", "100"), ("items[1].id", "b"), ("items[1].amount", "-30")];
    round(list, &two, b"02102+00070a100+b030-");
    round(list, &[], b"01100+00000");
    assert_eq!(faults(list, b"02102+00070a100+b030+"), [("total".to_owned(), "T50")]);
    assert_eq!(faults(list, b"02002+00070a100+b030-"), [("all".to_owned(), "T50")]);
}
