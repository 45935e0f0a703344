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

/// Records led by their own length, with rows of their own, a branch, a tail and a checksum; and totals behind them.
const BATCH: &str = r#"
telegram batch "일괄" 22..181 {
  n         9(2)   by both  public
  all_len   9(4)   public   length of records
  repeat records n times max 3 {
    len     9(3)   public   length of len..lrc
    kind    X(1)   by both  public
    rows_n  9(1)   by both  public
    sum     9(4)   public   sum of rows.amount
    repeat rows rows_n times max 4 {
      id      X(1)  by both  public
      amount  9(3)  by both  public
    }
    choice by kind {
      "A" a { name X(4) by both public }
      "B" b { no 9(2) by both public
        memo_len 9(2) by both public
        memo X(length of memo_len max 20) by both public }
    }
    chosen  9(2)   public   length of a..b
    lrc     X(2)   public   lrc of kind..chosen
  }
  total     9(6)   public   sum of records.sum
  times     9(2)   public   count of records
  rows      9(2)   public   count of records.rows
  crc       X(4)   public   crc16 arc of records..rows
  mark      X(2)   by both  public
}
"#;

fn lrc(bytes: &[u8]) -> String {
    format!("{:02X}", bytes.iter().fold(0, |sum, byte| sum ^ byte))
}

/// CRC-16/ARC, a bit at a time.
fn crc16(bytes: &[u8]) -> String {
    let crc = bytes.iter().fold(0_u16, |crc, byte| {
        (0..8).fold(crc ^ u16::from(*byte), |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0xa001 } else { crc >> 1 })
    });
    format!("{crc:04X}")
}

#[test]
fn each_occurrence_says_what_is_true_of_it() {
    let institution = made(BATCH);
    let batch = only(&institution);
    let given = [
        ("records[0].kind", "A"),
        ("records[0].rows[0].id", "x"),
        ("records[0].rows[0].amount", "100"),
        ("records[0].rows[1].id", "y"),
        ("records[0].rows[1].amount", "23"),
        ("records[0].a.name", "NAME"),
        ("records[1].kind", "B"),
        ("records[1].b.no", "7"),
        ("records[1].b.memo", "hello"),
        ("mark", "ZZ"),
    ];
    // 9 bytes, 2 rows of 4, a branch of 4 and 4 more; 9 bytes, no row, a branch of 2 + 2 + 5 and 4 more.
    let (first, second) = ("A20123x100y023NAME04", "B000000705hello09");
    let records = format!("025{first}{}022{second}{}", lrc(first.as_bytes()), lrc(second.as_bytes()));
    let totals = "0001230202";
    let crc = crc16(format!("{records}{totals}").as_bytes());
    let bytes = format!("020047{records}{totals}{crc}ZZ");
    round(batch, &given, bytes.as_bytes());
    // Without a record, what is covered from the records on begins behind them.
    let none = format!("0000000000000000{}ZZ", crc16(b"0000000000"));
    round(batch, &[("mark", "ZZ")], none.as_bytes());

    let wrong = bytes.replace("x100", "x101");
    let expected = ["records[0].sum", "records[0].lrc", "crc"].map(|path| (path.to_owned(), "T50"));
    assert_eq!(faults(batch, wrong.as_bytes()), expected);
    let wrong = bytes.replace("022B", "023B");
    assert_eq!(faults(batch, wrong.as_bytes()), ["records[1].len", "crc"].map(|path| (path.to_owned(), "T50")));
    let told =
        encode(batch, Side::Asker, &values(&[("records[0].kind", "A"), ("records[0].sum", "1"), ("mark", "ZZ")]));
    let told: Vec<String> = told.expect_err("faults").iter().map(|fault| fault.field.to_string()).collect();
    assert_eq!(told, ["records[0].a.name"], "what is missing is told before what is computed from it");
}

#[test]
fn what_would_be_wrong_sometimes_is_refused() {
    let chosen = |of: &str| BATCH.replace("length of a..b", of);
    mistake(&chosen("length of kind..a"), "S168", "kind..a", "the first and the last branch");
    mistake(&chosen("length of b..lrc"), "S168", "b..lrc", "behind all branches");
    mistake(&chosen("length of n..kind"), "S168", "n..kind", "both ends stand in what repeats");
    mistake(&chosen("length of c"), "S021", "c", "");
    mistake(
        &BATCH.replace("9(2)   public   length of a..b", "X(2) public lrc of lrc"),
        "S169",
        "lrc of lrc",
        "leave one",
    );
    let counted = "telegram t 3..5 {\n  kind X(1) by both public\n  n 9(1) by both public\n  c 9(1) public count of r\n  \
                   repeat r n times max 2 {\n    choice by kind {\n      \"A\" a { x X(1) by both public }\n      \
                   else b { y X(1) by both public }\n    }\n  }\n}\n";
    mistake(counted, "S168", "r", "begins with a field");
}

#[test]
fn a_fixed_repeat_looks_at_its_own_occurrence() {
    let institution = made(
        "telegram fixed 12 {\n  repeat bags 2 {\n    sum 9(2) public sum of coins.value\n    \
         repeat coins 2 { value 9(2) by both public }\n  }\n}\n",
    );
    let values = [("bags[0].coins[0].value", "1"), ("bags[0].coins[1].value", "2"), ("bags[1].coins[0].value", "40")];
    let more = [("bags[1].coins[1].value", "2")];
    round(only(&institution), &[&values[..], &more[..]].concat(), b"030102424002");
}

#[test]
fn lengths_are_so_many_more_or_fewer() {
    // 13 bytes in all; 11 without the two of `rest`; 5 from a to b.
    let spec = "telegram t 13 {\n  all 9(2) public length of telegram plus 4\n  rest 9(2) public length of telegram exclusive minus 2\n  \
                some 9(2) public length of a..b plus 10\n  less 9(2) public length of a..b minus 5\n  a X(2) by both public\n  b X(3) by \
                both public\n}\n";
    round(only(&made(spec)), &[("a", "AA"), ("b", "BBB")], b"17091500AABBB");
}
