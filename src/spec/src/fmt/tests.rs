use std::fs;
use std::path::Path;
use std::string::String;
use std::vec::Vec;

use proptest::prelude::*;

use super::*;

const WHOLE: &str = include_str!("../../tests/fixtures/whole.spec");

#[track_caller]
fn check(text: &str, expected: &str) {
    assert_eq!(fmt(text).as_deref(), Ok(expected));
    assert_eq!(fmt(expected).as_deref(), Ok(expected), "what is formatted stays");
}

#[test]
fn clauses_of_a_protocol_stand_in_two_columns() {
    check(
        r#"protocol p "이름"{
day changes 00:00 // midnight
  zone +09:00

    // On its own.
	unset 9 zero X space    // "fills"
participant a compartment b
poll after 1m nothing sent{request a answer b timeout 1s}
}
"#,
        r#"protocol p "이름" {
  day          changes 00:00    // midnight
  zone         +09:00

  // On its own.
  unset        9 zero  X space  // "fills"
  participant  a  compartment b
  poll         after 1m nothing sent { request a  answer b  timeout 1s }
}
"#,
    );
}

#[test]
fn rows_of_hours_stand_in_three_columns() {
    check(
        r#"protocol p {
hours {
open every day 00:05 to 23:30 // all
open monday to friday 09:00 to 16:00 for transfer
  open every day 01:00 to 24:00 bank_code "088"
closed third monday or next business day 00:00 to 04:30   for transfer result bank_code "004" | "088"
closed 2026-12-31
}
}
"#,
        r#"protocol p {
  hours {
    open    every day 00:05 to 23:30  // all
    open    monday to friday 09:00 to 16:00                   for transfer
    open    every day 01:00 to 24:00                          bank_code "088"
    closed  third monday or next business day 00:00 to 04:30  for transfer result bank_code "004"|"088"
    closed  2026-12-31
  }
}
"#,
    );
}

#[test]
fn rows_of_select_stand_in_two_columns_and_leave_the_clauses_alone() {
    check(
        r#"protocol p {
select by kind type{ // how
poll_request length 20 bytes 0..3 "ABC" | "ABD"
open "1"|"2" "100" bank_code "088"
}
verdict code from codes.csv by bank
}
"#,
        r#"protocol p {
  select by kind type {  // how
    poll_request  length 20  bytes 0..3 "ABC"|"ABD"
    open          "1"|"2" "100"  bank_code "088"
  }
  verdict  code from codes.csv by bank
}
"#,
    );
}

#[test]
fn fields_stand_in_six_columns() {
    check(
        r#"telegram t"라벨"300:common{
debit_account X(15) by asker account equal ignoring zero-left space-right "출금계좌번호" // no hyphen
rate 9 ( 5 ) V9 ( 3 ) by asker ? public "환율"
sign X(1) by answerer public // + or -
balance 9(13) by answerer public signed by name_of_its_sign "잔액"
marker X(3) const "H \" //R" public "구분"
day date("YYYYMMDD") at send public unset zero "날짜"
kind X(4) public "종류"
count 9(1) = 1 public
area filler(15) echo in reply to notice public "예비"
}
"#,
        // What is longer than 20 goes its own way: two sides, two properties.
        r#"telegram t "라벨" 300 : common {
  debit_account  X(15)             by asker          account  equal ignoring zero-left space-right  "출금계좌번호"  // no hyphen
  rate           9(5)V9(3)         by asker?         public               "환율"
  sign           X(1)              by answerer       public  // + or -
  balance        9(13)             by answerer       public   signed by name_of_its_sign  "잔액"
  marker         X(3)              const "H \" //R"  public               "구분"
  day            date("YYYYMMDD")  at send           public   unset zero  "날짜"
  kind           X(4)                                public               "종류"
  count          9(1)              = 1               public
  area           filler(15)        echo in reply to notice  public        "예비"
}
"#,
    );
}

#[test]
fn a_comment_goes_on_below_itself() {
    check(
        r#"exchange a {
  request "1"   answer "2" // one
                           // two
                           // three
      // on its own
                           // and this
  // at last
}
"#,
        r#"exchange a {
  request "1"  answer "2"  // one
                           // two
                           // three
  // on its own
  // and this
  // at last
}
"#,
    );
}

#[test]
fn lines_of_text_are_one_kind() {
    check(
        r#"telegram a 99 {
  address X( 2 * 40 ) by asker identity "주소"
  memo X(length  of n max 19) by asker public
}
exchange b { settles c { unknown   * } }
"#,
        r#"telegram a 99 {
  address  X(2*40)                by asker  identity  "주소"
  memo     X(length of n max 19)  by asker  public
}
exchange b { settles c { unknown * } }
"#,
    );
}

#[test]
fn clauses_that_share_a_line_stand_apart() {
    check(
        r#"exchange result "조회" {request "7" answer "8" effect none timeout 30s
settles transfer {fill orig_no=original.telegram_no
confirm a b=c
success code "0" and amt=original.amt
unknown * } }

notice deposit { request deposit "4" answer deposit "5" answered by service within 5s else code "9"
numbered per date from 1 gap gap after 30s fill a=b }
"#,
        r#"exchange result "조회" { request "7"  answer "8"  effect none  timeout 30s
  settles transfer { fill orig_no = original.telegram_no
    confirm  a b = c
    success  code "0" and amt = original.amt
    unknown  * } }

notice deposit { request deposit "4"  answer deposit "5"  answered by service within 5s else code "9"
  numbered per date from 1  gap gap after 30s fill a = b }
"#,
    );
}

#[test]
fn line_ends_and_the_end_of_the_text_are_one() {
    check(
        "\u{feff}institution  a \"b\"\r\n\r\n\r\n// c \r\nset  d \"e\"",
        "institution a \"b\"\n\n\n// c\nset d \"e\"\n",
    );
    check("", "");
    check("\n\n", "\n\n");
    // One line of blanks became an empty one, and that nothing: formatted twice it was another text.
    for blank in [" ", "\t\n", "\r\n", "\u{feff} "] {
        check(blank, "");
    }
}

#[test]
fn what_cannot_be_read_is_not_touched() {
    let text = "header  a 10 {\n  b  X(10 public\n}\n";
    let told = fmt(text).unwrap_err();
    assert_eq!(told, parse(&[Source { name: String::new(), text: text.into() }]).1);
    assert_eq!(told.len(), 1);
}

/// Blanks between tokens, more or fewer; comments and line ends are left where they are.
fn spaced(text: &str, blanks: &[u8]) -> String {
    let mut blanks = blanks.iter().cycle();
    let mut blank = |least: usize| " ".repeat(least.max(usize::from(*blanks.next().unwrap_or(&1))));
    let mut out = String::from("\n");
    for line in text.split_inclusive('\n') {
        let Line { tokens, comment } = cut(SourceId(0), 0, line.trim_end_matches('\n'), &mut Vec::new());
        // At the very beginning of a line some words end what is open.
        let mut before = line.starts_with(' ');
        for placed in &tokens {
            let is_word = matches!(placed.token, Token::Word(_));
            let least = usize::from(before && (is_word || out.ends_with('\n')));
            out.push_str(&blank(least));
            out.push_str(&line[placed.span.start as usize..placed.span.end as usize]);
            before = is_word;
        }
        if let Some(span) = comment {
            out.push_str(&blank(0));
            out.push_str(&line[span.start as usize..span.end as usize]);
        }
        out.push('\n');
    }
    out.split_off(1)
}

#[test]
fn the_shipped_specs_are_formatted() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../specs");
    let mut specs = Vec::new();
    for institution in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()) {
        specs.extend(fs::read_dir(institution).unwrap().map(|entry| entry.unwrap().path()));
    }
    specs.retain(|path| path.extension().is_some_and(|extension| extension == "spec"));
    assert!(!specs.is_empty());
    for path in specs {
        let text = fs::read_to_string(&path).unwrap();
        let formatted = fmt(&text).unwrap_or_else(|told| panic!("{}: {told:#?}", path.display()));
        assert!(text == formatted, "{} is not formatted; run `pabal spec fmt`", path.display());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn blanks_do_not_matter(blanks in prop::collection::vec(0..6_u8, 1..50)) {
        let once = fmt(WHOLE).unwrap();
        let again = fmt(&spaced(WHOLE, &blanks)).unwrap();
        prop_assert_eq!(again, once);
    }
}
