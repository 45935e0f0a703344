//! Keys, traces and counts of parts of fields.

use pabal_spec::{Diagnostic, Institution, Source, fmt, load};
use pabal_telegram::Slice;

const SPEC: &str = include_str!("fixtures/whole.spec");
const TABLE: &str = include_str!("fixtures/codes.csv");
const NUMBER: &str = "number       telegram_no per send_date bank_code company_no 1..950000 warn 900000";
const KEY: &str = "key          send_date bank_code company_no telegram_no";

/// The fixture with some lines changed, each of which stands there once.
fn changed(changes: &[(&str, &str)]) -> [Source; 2] {
    let spec = changes.iter().fold(String::from(SPEC), |spec, (from, to)| {
        assert_eq!(spec.matches(from).count(), 1, "{from}");
        spec.replace(from, to)
    });
    [Source { name: "whole.spec".into(), text: spec }, Source { name: "codes.csv".into(), text: TABLE.into() }]
}

fn made(changes: &[(&str, &str)]) -> Institution {
    load(&changed(changes)).unwrap_or_else(|told| panic!("{told:#?}")).institution
}

/// The one mistake, with what it is told of and its help.
fn told(changes: &[(&str, &str)]) -> String {
    let sources = changed(changes);
    let found = load(&sources).expect_err("a mistake");
    let errors: Vec<&Diagnostic> = found.iter().filter(|told| !told.code.starts_with("S07")).collect();
    let [told] = errors.as_slice() else { panic!("{errors:#?}") };
    let at = &sources[0].text[told.at.span.start as usize..told.at.span.end as usize];
    format!("{} {at}: {}; {}", told.code, told.message, told.help.as_deref().unwrap_or_default())
}

const fn at(offset: u32, len: u32) -> Slice {
    Slice { offset, len }
}

#[test]
fn a_key_may_be_of_parts_of_fields() {
    let whole = &made(&[]).protocols[0].rules.key;
    let parts = made(&[
        (NUMBER, "number telegram_no per send_date[2..8] bank_code company_no 1..9500 warn 9000"),
        (KEY, "key send_date[2..8] bank_code company_no telegram_no[2..4] telegram_no[4..6]"),
    ]);
    let rules = &parts.protocols[0].rules;
    let [date, bank, company, number] = whole.as_slice() else { panic!("{whole:?}") };
    assert_eq!((date.len, number.len), (8, 6));
    let (date, number) = (at(date.offset + 2, 6), number.offset);
    assert_eq!(rules.key, [date, *bank, *company, at(number + 2, 2), at(number + 4, 2)]);
    assert_eq!(rules.number.scope, [date, *bank, *company]);
}

#[test]
fn brackets_are_formatted() {
    let spec = SPEC.replace(KEY, "key send_date [ 2..8 ] bank_code   company_no telegram_no [2..6]");
    let formatted = fmt(&spec).expect("it can be read");
    assert!(
        formatted.contains("  key          send_date[2..8] bank_code company_no telegram_no[2..6]\n"),
        "{formatted}"
    );
    assert_eq!(fmt(&formatted).as_ref(), Ok(&formatted));
}

#[test]
fn a_key_of_parts_tells_two_requests_apart() {
    // 950000 has six digits, and the key looks at four of them.
    assert_eq!(
        told(&[(KEY, "key send_date bank_code company_no telegram_no[2..6]")]),
        "S051 send_date bank_code company_no telegram_no[2..6]: The key does not tell two requests apart; add to the key: telegram_no[0..6]"
    );
    let of_9500 = (NUMBER, "number telegram_no per send_date bank_code company_no 1..9500 warn 9000");
    assert_eq!(made(&[of_9500, (KEY, "key send_date bank_code company_no telegram_no[2..6]")]).protocols.len(), 1);
    // A hole between two parts.
    assert_eq!(
        told(&[of_9500, (KEY, "key send_date bank_code company_no telegram_no[2..4] telegram_no[5..6]")]),
        "S051 send_date bank_code company_no telegram_no[2..4] telegram_no[5..6]: The key does not tell two requests apart; add to the key: \
         telegram_no[2..6]"
    );
    assert_eq!(
        told(&[(KEY, "key send_date[2..8] bank_code company_no telegram_no")]),
        "S051 send_date[2..8] bank_code company_no telegram_no: The key does not tell two requests apart; add to the key: send_date[0..8]"
    );
    assert_eq!(
        told(&[("trace        send_date bank_code", "trace        send_date[4..8] bank_code")]),
        "S066 send_date[4..8] bank_code company_no send_time telegram_no: Two requests of one moment would share a trace; add to the trace: \
         send_date[0..8]"
    );
}

#[test]
fn a_part_that_is_not_there_is_told() {
    assert_eq!(
        told(&[(KEY, "key send_date[2..9] bank_code company_no telegram_no send_date")]),
        "S161 [2..9]: Field `send_date` has 8 bytes, and none at 2..9; bytes count from 0 and the last is not included: `[0..8]` is the whole \
         field"
    );
    assert_eq!(
        told(&[(KEY, "key send_date[2-8] bank_code company_no telegram_no send_date")]),
        "S007 2-8: `2-8` is not a range of bytes; it is written `0..10`: the first byte is 0, byte 10 is not part of it"
    );
    assert_eq!(
        told(&[(KEY, "key send_date bank_code company_no telegram_no[0..6")]),
        "S004 : Expected `]`, found the end of the line; "
    );
}

#[test]
fn numbers_begin_anew_by_month_and_day() {
    let per = |date: &str| format!("number telegram_no per {date} bank_code company_no 1..950000");
    assert_eq!(made(&[(NUMBER, &per("send_date[4..8]"))]).protocols.len(), 1);
    assert_eq!(
        told(&[(NUMBER, &per("send_date[0..6]"))]),
        "S062 send_date[0..6] bank_code company_no: The numbers of `telegram_no` never begin anew: no stamped date is among what they are given \
         for; say `per send_date`, and add it to the key"
    );
}

#[test]
fn a_gap_is_asked_for_by_the_whole_field() {
    assert_eq!(
        told(&[(
            "numbered per send_date bank_code company_no from 1",
            "numbered per send_date[2..8] bank_code company_no from 1"
        )]),
        "S064 gap: What is counted by a part of `send_date` cannot be asked for; the request carries the field in which they count: say \
         `numbered per` of the whole field"
    );
}

#[test]
fn a_notice_may_name_the_original_by_a_part_of_a_field() {
    let joins = |by: &str| {
        [
            (
                "orig_no        9(6)        by asker  public   \"원거래번호\"",
                "orig_no X(6) by asker public \"원거래번호\"",
            ),
            (
                "reserved       filler(26)  public  \"예비\"",
                "orig_key X(14) by asker public \"원거래키\"\n  reserved filler(12) public \"예비\"",
            ),
            ("joins transfer by orig_no", by),
        ]
        .map(|(from, to)| (String::from(from), String::from(to)))
    };
    let of = |by: &str, found: fn(&[(&str, &str)]) -> String| {
        let changes = joins(by);
        found(&changes.iter().map(|(from, to)| (from.as_str(), to.as_str())).collect::<Vec<_>>())
    };
    // The header has 60 bytes; number, account and amount before it 34.
    let place = |changes: &[(&str, &str)]| {
        let institution = made(changes);
        let (_, fail) = institution.protocols[0].rules.notice("fail").expect("the notice");
        format!("{:?}", fail.joins.as_ref().expect("it joins").by)
    };
    assert_eq!(of("joins transfer by orig_key[8..14]", place), format!("{:?}", at(60 + 34 + 8, 6)));
    assert_eq!(
        of("joins transfer by orig_key[8..13]", told),
        "S057 orig_key[8..13]: Field `orig_key` is 5 bytes of it, the original's number 9(6); name the field that holds the number of the \
         original request"
    );
}
