use std::format;
use std::string::{String, ToString};
use std::vec;

use super::*;
use crate::decimal::Decimal;
use crate::draft::{ANSWERER, ASKER, OPTIONAL, code, field, layout, number, stamp, text, transfer};
use crate::kind::{Form, Number, Sign};

const REQUEST: &[u8] = b"2000\
    100\
    1\
    004\
    20261121\
    235959\
    \x20\x20\x20\x20\
    110123456789   \
    1234    \
    0000000150000\
    0000000\
    \xC8\xAB\xB1\xE6\xB5\xBF      \
    8001011234567\
    01012345678\
    000000\
    \x20\x20\x20\x20\x20\x20\x20";

fn text_of(value: &str) -> ValueRef<'_> {
    ValueRef::Text(value.into())
}

fn whole(units: i128) -> ValueRef<'static> {
    ValueRef::Number(Decimal::whole(units))
}

fn read(field: Field, bytes: &[u8], side: Side) -> Result<ValueRef<'_>, Rule> {
    let layout = layout(vec![field]);
    Telegram::new(&layout, bytes, side).get(FieldId(0)).map_err(|fault| fault.rule)
}

#[test]
fn a_request_reads_field_by_field() {
    let layout = transfer();
    let telegram = Telegram::new(&layout, REQUEST, Side::Asker);
    assert_eq!(telegram.faults(), vec![]);
    let expected = [
        ("message_type", text_of("2000")),
        ("service_code", text_of("100")),
        ("send_count", whole(1)),
        ("bank_code", text_of("004")),
        ("send_date", text_of("20261121")),
        ("send_time", text_of("235959")),
        ("response_code", ValueRef::Null),
        ("debit_account", text_of("110123456789")),
        ("passbook_pin", text_of("1234")),
        ("debit_amt", whole(150_000)),
        ("rate", ValueRef::Null),
        ("holder", text_of("홍길동")),
        ("holder_no", text_of("8001011234567")),
        ("phone", text_of("01012345678")),
        ("orig_no", whole(0)),
        ("rest", ValueRef::Bytes(b"       ")),
    ];
    assert_eq!(telegram.fields().len(), expected.len());
    for ((id, field, value), (path, expected)) in telegram.fields().zip(expected) {
        let value = value.unwrap();
        assert_eq!(&*field.path, path);
        assert!(value == expected, "{path}: {value} is not {expected}");
        assert_eq!(telegram.get(id).unwrap(), expected);
        assert_eq!(telegram.named(path).unwrap(), expected);
    }
}

#[test]
fn ascii_is_borrowed() {
    let layout = transfer();
    let telegram = Telegram::new(&layout, REQUEST, Side::Asker);
    for (_, field, value) in telegram.fields() {
        if let ValueRef::Text(text) = value.unwrap() {
            assert_eq!(matches!(text, Cow::Borrowed(_)), &*field.path != "holder", "{}", field.path);
        }
    }
}

#[test]
fn a_short_telegram_keeps_the_fields_that_are_there() {
    let layout = transfer();
    for len in 0..REQUEST.len() {
        let telegram = Telegram::new(&layout, &REQUEST[..len], Side::Asker);
        let faults = telegram.faults();
        let expected = u32::try_from(REQUEST.len()).unwrap();
        assert_eq!(faults[0].rule, Rule::Length { expected, found: u32::try_from(len).unwrap() });
        let mut cut = faults[1..].iter();
        for (_, field, value) in telegram.fields() {
            if field.at.range().end <= len {
                assert!(value.is_ok());
            } else {
                let found = u32::try_from(len.saturating_sub(field.at.range().start)).unwrap();
                assert_eq!(value.unwrap_err().rule, Rule::CutShort { found });
                assert_eq!(cut.next().map(|fault| &fault.field), Some(&field.path));
            }
        }
        assert_eq!(cut.next(), None);
    }
}

#[test]
fn bytes_behind_the_last_field_are_one_fault() {
    let layout = transfer();
    let mut long = REQUEST.to_vec();
    long.extend_from_slice(b"xy");
    let telegram = Telegram::new(&layout, &long, Side::Asker);
    let faults = telegram.faults();
    assert_eq!(faults.len(), 1);
    assert_eq!(faults[0].rule, Rule::Length { expected: 121, found: 123 });
    assert_eq!(telegram.uncovered(), b"xy");
    assert!(telegram.fields().all(|(_, _, value)| value.is_ok()));
}

#[test]
fn all_that_is_wrong_is_told_at_once() {
    let layout = transfer();
    let mut bytes = REQUEST.to_vec();
    for (offset, wrong) in [
        (4, &b"200"[..]),
        (7, b"x"),
        (8, b"K04"),
        (11, b"20261131"),
        (19, b"240000"),
        (29, b"1\x00"),
        (52, b"        15000"),
        (72, b"\xC8\xAB\xB1 "),
        (84, b"\xFF"),
        (108, b"12A456"),
    ] {
        bytes[offset..offset + wrong.len()].copy_from_slice(wrong);
    }
    let faults = Telegram::new(&layout, &bytes, Side::Asker).faults();
    let lines: Vec<String> = faults.iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(lines.join("\n"));
    for (fault, line) in faults.iter().zip(&lines) {
        assert_eq!(format!("{fault:?}"), format!("Fault({line})"));
    }
}

#[test]
fn blank_means_what_the_table_says() {
    let optional = |field: Field| Field { by: OPTIONAL, ..field };
    let not_ours = |field: Field| Field { by: ANSWERER, ..field };
    let side = Side::Asker;
    // Not filled by the side.
    for blank in [b"    ", b"0000"] {
        for field in [text("f", 4), number("f", 4), code("f", 4), stamp("f", "MMDD"), stamp("f", "hhmm")] {
            assert_eq!(read(not_ours(field), blank, side), Ok(ValueRef::Null));
        }
    }
    // Optional.
    for field in [text("f", 4), number("f", 4), code("f", 4), stamp("f", "MMDD"), stamp("f", "hhmm")] {
        assert_eq!(read(optional(field), b"    ", side), Ok(ValueRef::Null));
    }
    assert!(read(optional(text("f", 4)), b"0000", side).unwrap() == text_of("0000"));
    assert_eq!(read(optional(Field { unset: Unset::Zero, ..text("f", 4) }), b"0000", side), Ok(ValueRef::Null));
    assert!(read(optional(number("f", 4)), b"0000", side).unwrap() == whole(0));
    assert_eq!(read(optional(code("f", 4)), b"0000", side), Ok(ValueRef::Null));
    assert!(read(optional(Field { unset: Unset::Space, ..code("f", 4) }), b"0000", side).unwrap() == text_of("0000"));
    assert_eq!(read(optional(stamp("f", "MMDD")), b"0000", side), Ok(ValueRef::Null));
    assert_eq!(read(optional(stamp("f", "hhmm")), b"0000", side), Ok(ValueRef::Null));
    // Required.
    assert!(read(text("f", 4), b"    ", side).unwrap() == text_of(""));
    assert!(read(text("f", 4), b"0000", side).unwrap() == text_of("0000"));
    assert_eq!(read(number("f", 4), b"    ", side), Err(Rule::NotDigits));
    assert!(read(number("f", 4), b"0000", side).unwrap() == whole(0));
    assert_eq!(read(code("f", 4), b"    ", side), Err(Rule::NotDigits));
    assert!(read(code("f", 4), b"0000", side).unwrap() == text_of("0000"));
    assert_eq!(read(stamp("f", "MMDD"), b"    ", side), Ok(ValueRef::Null));
    assert_eq!(read(stamp("f", "MMDD"), b"0000", side), Ok(ValueRef::Null));
    assert_eq!(read(stamp("f", "hhmm"), b"    ", side), Ok(ValueRef::Null));
    assert!(read(stamp("f", "hhmm"), b"0000", side).unwrap() == text_of("0000"));
}

#[test]
fn what_the_other_side_left_in_its_field_still_reads() {
    // An answer usually carries what the asker filled.
    let account = Field { by: ASKER, ..text("debit_account", 6) };
    assert!(read(account.clone(), b"110123", Side::Answerer).unwrap() == text_of("110123"));
    assert_eq!(read(account, b"      ", Side::Answerer), Ok(ValueRef::Null));
    let amount = Field { by: ASKER, ..number("debit_amt", 6) };
    assert_eq!(read(amount, b"00 000", Side::Answerer), Err(Rule::NotDigits));
}

#[test]
fn implied_decimals_are_kept() {
    let rate = field("rate", 5, Kind::Number(Number::plain(5, 2)));
    assert!(read(rate, b"01250", Side::Asker).unwrap() == ValueRef::Number(Decimal { units: 1_250, scale: 2 }));
}

#[test]
fn a_sign_stands_before_or_behind_its_digits() {
    let signed = |sign| field("f", 6, Kind::Number(Number::of(5, 2, Form::Zoned(sign))));
    let [leading, trailing] = [signed(Sign::Leading), signed(Sign::Trailing)];
    let number = |units| ValueRef::Number(Decimal { units, scale: 2 });
    for (bytes, units) in [(b"+00000", 0), (b"+01250", 1_250), (b"-00001", -1), (b"-99999", -99_999)] {
        assert!(read(leading.clone(), bytes, Side::Asker) == Ok(number(units)));
        let mut behind = *bytes;
        behind.rotate_left(1);
        assert!(read(trailing.clone(), &behind, Side::Asker) == Ok(number(units)));
    }
    assert_eq!(read(leading.clone(), b"-00000", Side::Asker), Err(Rule::NegativeZero));
    assert_eq!(read(leading.clone(), b"-0000a", Side::Asker), Err(Rule::NotDigits));
    assert_eq!(read(leading.clone(), b"12345+", Side::Asker), Err(Rule::NotDigits));
    for byte in (0..=u8::MAX).filter(|byte| !b"+-".contains(byte)) {
        assert_eq!(read(leading.clone(), &[byte, b'1', b'2', b'3', b'4', b'5'], Side::Asker), Err(Rule::NotSign));
        assert_eq!(read(trailing.clone(), &[b'1', b'2', b'3', b'4', b'5', byte], Side::Asker), Err(Rule::NotSign));
    }
}

#[test]
fn a_signed_number_of_zeros_alone_was_left_out() {
    let kind = Kind::Number(Number::of(3, 0, Form::Zoned(Sign::Leading)));
    let signed = |by| Field { by, ..field("f", 4, kind.clone()) };
    assert_eq!(read(signed(ASKER), b"0000", Side::Asker), Err(Rule::NotSign));
    assert!(read(signed(ANSWERER), b"0000", Side::Asker) == Ok(ValueRef::Null));
    assert!(read(signed(OPTIONAL), b"0000", Side::Asker) == Ok(ValueRef::Null));
    assert!(read(Field { unset: Unset::Space, ..signed(OPTIONAL) }, b"    ", Side::Asker) == Ok(ValueRef::Null));
    assert!(read(signed(OPTIONAL), b"+000", Side::Asker) == Ok(ValueRef::Number(Decimal::whole(0))));
}

#[test]
fn text_keeps_its_inner_and_left_spaces() {
    assert!(read(text("f", 8), b" a  b   ", Side::Asker).unwrap() == text_of(" a  b"));
    // U+3000 is a character, not padding.
    assert!(read(text("f", 4), b"a\xA1\xA1 ", Side::Asker).unwrap() == text_of("a\u{3000}"));
    for control in [b'\0', b'\n', 0x1B, 0x7F] {
        assert_eq!(read(text("f", 2), &[b'a', control], Side::Asker), Err(Rule::NotText));
    }
}

#[test]
fn debug_is_masked() {
    let layout = transfer();
    let shown = format!("{:#?}", Telegram::new(&layout, REQUEST, Side::Asker));
    insta::assert_snapshot!(shown);
    for hidden in ["110123456789", "길", "1234567"] {
        assert!(!shown.contains(hidden), "{hidden}");
    }
}

#[test]
fn an_unknown_name_is_answered_with_the_nearest() {
    let layout = transfer();
    let telegram = Telegram::new(&layout, REQUEST, Side::Asker);
    let fault = telegram.named("debit_acount").unwrap_err();
    assert_eq!(fault.to_string(), "T15 debit_acount: no such field in the telegram; did you mean debit_account?");
    assert_eq!(telegram.get(FieldId(99)).unwrap_err().code(), "T15");
}

/// What an answer carries back is the asker's value, zeros too: written for no value would be spaces.
#[test]
fn zeros_that_are_carried_back_are_a_value() {
    use crate::encode::encode;
    use crate::field::Echo;

    let echoed = |field: Field| Field { by: ASKER, echo: Echo::Always, ..field };
    let spaces = |field: Field| Field { unset: Unset::Space, ..field };
    let layout = layout(vec![
        echoed(text("member", 4)),
        echoed(spaces(code("bank", 3))),
        echoed(spaces(number("no", 2))),
        echoed(code("branch", 3)),
        echoed(number("seq", 2)),
        Field { by: ASKER, ..text("memo", 4) },
        Field { by: ANSWERER, ..text("code", 4) },
    ]);
    let answer = b"0000\
        000\
        00\
        000\
        00\
        \x20\x20\x20\x20\
        0000";
    let telegram = Telegram::new(&layout, answer, Side::Answerer);
    let expected =
        [text_of("0000"), text_of("000"), whole(0), ValueRef::Null, ValueRef::Null, ValueRef::Null, text_of("0000")];
    for ((_, field, value), expected) in telegram.fields().zip(expected) {
        assert_eq!(value.unwrap(), expected, "{}", field.path);
    }
    assert_eq!(encode(&layout, Side::Answerer, &telegram.to_values().unwrap()).unwrap(), answer);
    // Blank it was left out, and of what is not carried back nobody knows.
    for blank in ["member", "bank", "no", "branch", "seq"] {
        let (_, field) = layout.find(blank).unwrap();
        let mut answer = answer.to_vec();
        answer[field.at.range()].fill(b' ');
        assert_eq!(Telegram::new(&layout, &answer, Side::Answerer).named(blank), Ok(ValueRef::Null), "{blank}");
    }
    let (_, memo) = layout.find("memo").unwrap();
    let mut answer = answer.to_vec();
    answer[memo.at.range()].fill(b'0');
    assert_eq!(Telegram::new(&layout, &answer, Side::Answerer).named("memo"), Ok(ValueRef::Null));
}
