use std::format;
use std::string::{String, ToString};
use std::vec;

use super::*;
use crate::charset::{Charset, CharsetPair};
use crate::class::Class;
use crate::decode::Telegram;
use crate::draft::{ANSWERER, OPTIONAL, code, field, layout, number, stamp, text, transfer};
use crate::field::{FieldId, Unset};
use crate::kind::{Form, Number, Sign};
use crate::value::ValueRef;

fn values<const N: usize>(pairs: [(&str, Value); N]) -> Vec<(String, Value)> {
    pairs.into_iter().map(|(path, value)| (path.into(), value)).collect()
}

fn write(field: Field, value: impl Into<Value>) -> Result<Vec<u8>, Rule> {
    let path = field.path.to_string();
    let layout = layout(vec![field]);
    encode(&layout, Side::Asker, &[(path, value.into())]).map_err(|mut faults| {
        assert_eq!(faults.len(), 1);
        faults.remove(0).rule
    })
}

#[test]
fn a_request_is_made_of_values() {
    let made = encode(
        &transfer(),
        Side::Asker,
        &values([
            ("bank_code", "004".into()),
            ("debit_amt", 150_000.into()),
            ("debit_account", "110123456789".into()),
            ("passbook_pin", "1234".into()),
            ("holder", "홍길동".into()),
            ("phone", Value::Null),
        ]),
    )
    .unwrap();
    let expected = b"    100100400000000000000    110123456789   1234    000000015000000000\
        00\xC8\xAB\xB1\xE6\xB5\xBF                              000000       ";
    assert_eq!(made, expected);
}

#[test]
fn an_answerer_carries_back_what_is_echoed_and_fills_its_own() {
    let made = encode(
        &transfer(),
        Side::Answerer,
        &values([
            ("bank_code", "004".into()),
            ("send_date", "20261121".into()),
            ("response_code", "0000".into()),
            ("rate", "12.5".into()),
        ]),
    )
    .unwrap();
    let layout = transfer();
    let telegram = Telegram::new(&layout, &made, Side::Answerer);
    assert_eq!(&made[11..29], b"202611210000000000");
    assert_eq!(&made[65..72], b"0001250");
    assert!(made[29..52].iter().all(|&byte| byte == b' '));
    assert_eq!(telegram.named("debit_amt"), Ok(ValueRef::Null));
}

#[test]
fn all_that_is_wrong_is_told_at_once() {
    let faults = encode(
        &transfer(),
        Side::Asker,
        &values([
            ("message_type", "2000".into()),
            ("service_code", "200".into()),
            ("send_count", 10.into()),
            ("bank_code", "4".into()),
            ("send_time", "120000".into()),
            ("response_code", "0000".into()),
            ("debit_account", "11012345678901234".into()),
            ("debit_acount", "1".into()),
            ("passbook_pin", "123456789".into()),
            ("debit_amt", "-0.5".into()),
            ("holder", "똠방각하".into()),
            ("holder_no", "800101-1234567".into()),
            ("phone", "😀".into()),
            ("orig_no", "12.5".into()),
            ("bank_code", "004".into()),
        ]),
    )
    .unwrap_err();
    let lines: Vec<String> = faults.iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn a_value_that_must_be_given_is_missed() {
    let faults = encode(&transfer(), Side::Asker, &[]).unwrap_err();
    let missed: Vec<&str> = faults.iter().map(|fault| &*fault.field).collect();
    assert_eq!(missed, ["bank_code", "debit_account", "passbook_pin", "debit_amt", "holder"]);
    assert!(faults.iter().all(|fault| fault.rule == Rule::Missing));
    let null = write(text("f", 4), Value::Null);
    assert_eq!(null, Err(Rule::Missing));
}

#[test]
fn text_is_padded_and_never_cut() {
    assert_eq!(write(text("f", 4), "ab").unwrap(), b"ab  ");
    assert_eq!(write(text("f", 4), "").unwrap(), b"    ");
    assert_eq!(write(text("f", 4), "abcde"), Err(Rule::Overflow { needed: 5 }));
    // Two bytes each: five bytes hold two of them and a space.
    assert_eq!(write(text("f", 5), "홍길").unwrap(), b"\xC8\xAB\xB1\xE6 ");
    assert_eq!(write(text("f", 5), "홍길동"), Err(Rule::Overflow { needed: 6 }));
    assert_eq!(
        write(text("f", 4), "a\n"),
        Err(Rule::Unmappable { character: '\n', position: 2, charset: Charset::EucKr })
    );
    assert_eq!(write(text("f", 4), 12), Err(Rule::WrongKind { expected: "text" }));
}

#[test]
fn the_charset_of_encoding_is_the_strict_one() {
    let strict = text("f", 4);
    let wide = Field { charset: CharsetPair { encode: Charset::Cp949, decode: Charset::Cp949 }, ..strict.clone() };
    assert_eq!(write(strict, "똠"), Err(Rule::Unmappable { character: '똠', position: 1, charset: Charset::EucKr }));
    assert_eq!(write(wide, "똠").unwrap(), b"\x8Cc  ");
}

#[test]
fn bytes_go_as_they_are_if_they_are_text_of_the_right_length() {
    assert_eq!(write(text("f", 4), &b"\xC8\xABa "[..]).unwrap(), b"\xC8\xABa ");
    assert_eq!(write(text("f", 4), &b"\xC8\xABa"[..]), Err(Rule::TooShort { found: 3 }));
    assert_eq!(write(text("f", 4), &b"\xC8\xABabc"[..]), Err(Rule::Overflow { needed: 5 }));
    assert_eq!(write(text("f", 4), &b"a\xC8\xAB\xB1"[..]), Err(Rule::HalfCharacter));
    assert_eq!(write(text("f", 4), &b"\xC8\xAB\xB1 "[..]), Err(Rule::HalfCharacter));
    assert_eq!(write(text("f", 4), &b"a\x00bc"[..]), Err(Rule::NotText));
    assert_eq!(write(number("f", 4), &b"1234"[..]), Err(Rule::WrongKind { expected: "a number" }));
    let filler = || field("f", 4, Kind::Filler);
    assert_eq!(write(filler(), &b"\x00\xFF\xC8 "[..]).unwrap(), b"\x00\xFF\xC8 ");
    assert_eq!(write(filler(), &b"\x00"[..]), Err(Rule::TooShort { found: 1 }));
    assert_eq!(write(filler(), "abcd"), Err(Rule::WrongKind { expected: "bytes" }));
}

#[test]
fn what_others_write_for_a_number_is_told_as_that() {
    for text in ["+5", ".5", "5.", "-.5", "+0.5"] {
        let Err(rule) = write(number("f", 4), text) else { panic!("{text}") };
        assert!(matches!(rule, Rule::WrongKind { .. }), "{text}: {rule}");
        assert!(std::format!("{rule}").contains("without `+`"), "{text}: {rule}");
    }
    // None of these is a number anywhere.
    for text in ["", "-", "+", ".", "15x", "1.2.3", "--1", "+-1", "1,000"] {
        assert_eq!(write(number("f", 4), text), Err(Rule::NotDigits), "{text}");
    }
}

#[test]
fn numbers_are_filled_with_zeros_and_lose_nothing() {
    let rate = || field("f", 5, Kind::Number(Number::plain(5, 2)));
    assert_eq!(write(number("f", 5), 42).unwrap(), b"00042");
    assert_eq!(write(number("f", 5), 0).unwrap(), b"00000");
    assert_eq!(write(number("f", 5), 99_999).unwrap(), b"99999");
    assert_eq!(write(number("f", 5), 100_000), Err(Rule::Overflow { needed: 6 }));
    assert_eq!(write(number("f", 5), "00000042").unwrap(), b"00042");
    assert_eq!(write(number("f", 5), "42.00").unwrap(), b"00042");
    assert_eq!(write(number("f", 5), "42.10"), Err(Rule::TooPrecise { scale: 1 }));
    assert_eq!(write(number("f", 5), -1), Err(Rule::Negative));
    assert_eq!(write(number("f", 5), "-0").unwrap(), b"00000");
    assert_eq!(write(rate(), 1).unwrap(), b"00100");
    assert_eq!(write(rate(), "1.5").unwrap(), b"00150");
    assert_eq!(write(rate(), "999.99").unwrap(), b"99999");
    assert_eq!(write(rate(), 1_000), Err(Rule::Overflow { needed: 6 }));
    assert_eq!(write(rate(), "0.005"), Err(Rule::TooPrecise { scale: 3 }));
    for letters in ["", "12a", "1,000", " 1", "1e3", "１"] {
        assert_eq!(write(number("f", 5), letters), Err(Rule::NotDigits), "{letters}");
    }
    assert_eq!(write(number("f", 38), &*"9".repeat(38)).unwrap(), "9".repeat(38).as_bytes());
    assert_eq!(write(number("f", 38), &*"9".repeat(39)), Err(Rule::Overflow { needed: 39 }));
    let widest = field("f", 38, Kind::Number(Number::plain(38, 38)));
    assert_eq!(write(widest, i128::MAX), Err(Rule::Overflow { needed: 77 }));
}

#[test]
fn a_sign_is_a_byte_of_its_own() {
    let signed =
        |digits, sign| field("f", u32::from(digits) + 1, Kind::Number(Number::of(digits, 2, Form::Zoned(sign))));
    for (number, leading, trailing) in [
        ("0", b"+00000", b"00000+"),
        ("-0", b"+00000", b"00000+"),
        ("12.5", b"+01250", b"01250+"),
        ("-0.01", b"-00001", b"00001-"),
        ("-999.99", b"-99999", b"99999-"),
    ] {
        assert_eq!(write(signed(5, Sign::Leading), number).unwrap(), leading);
        assert_eq!(write(signed(5, Sign::Trailing), number).unwrap(), trailing);
    }
    assert_eq!(write(signed(5, Sign::Leading), -1_000), Err(Rule::Overflow { needed: 7 }));
    assert_eq!(write(signed(5, Sign::Trailing), "-0.001"), Err(Rule::TooPrecise { scale: 3 }));
    let nines = "9".repeat(36);
    assert_eq!(write(signed(38, Sign::Leading), &*format!("-{nines}.99")).unwrap(), format!("-{nines}99").as_bytes());
    assert_eq!(write(signed(38, Sign::Trailing), i128::MIN), Err(Rule::Overflow { needed: 42 }));
}

#[test]
fn codes_and_dates_take_no_padding() {
    assert_eq!(write(code("f", 3), "004").unwrap(), b"004");
    assert_eq!(write(code("f", 3), "4"), Err(Rule::TooShort { found: 1 }));
    assert_eq!(write(code("f", 3), "0004"), Err(Rule::Overflow { needed: 4 }));
    assert_eq!(write(code("f", 3), "00K"), Err(Rule::NotDigits));
    assert_eq!(write(code("f", 3), 4), Err(Rule::WrongKind { expected: "digits as text" }));
    let pattern = || "YYYYMMDD".into();
    assert_eq!(write(stamp("f", "YYYYMMDD"), "20261121").unwrap(), b"20261121");
    for wrong in ["20261131", "00000000", "2026-11-21", "2026", ""] {
        assert_eq!(write(stamp("f", "YYYYMMDD"), wrong), Err(Rule::NotDate { pattern: pattern() }));
    }
    assert_eq!(write(stamp("f", "hhmmss"), "000000").unwrap(), b"000000");
}

#[test]
fn what_is_left_out_holds_its_fill() {
    let made = |field: Field| encode(&layout(vec![field]), Side::Asker, &[]).unwrap();
    assert_eq!(made(Field { by: OPTIONAL, ..text("f", 3) }), b"   ");
    assert_eq!(made(Field { by: OPTIONAL, ..number("f", 3) }), b"000");
    assert_eq!(made(Field { by: ANSWERER, unset: Unset::Space, ..number("f", 3) }), b"   ");
    assert_eq!(made(Field { fill: Fill::Stamped, ..number("f", 3) }), b"000");
    assert_eq!(made(Field { fill: Fill::Const((*b"100").into()), ..text("f", 3) }), b"100");
    assert_eq!(made(Field { fill: Fill::Const((*b"100").into()), by: ANSWERER, ..text("f", 3) }), b"   ");
    assert_eq!(made(Field { fill: Fill::Default((*b"007").into()), ..number("f", 3) }), b"007");
    assert_eq!(made(Field { fill: Fill::Default((*b"007").into()), by: OPTIONAL, ..number("f", 3) }), b"007");
    let constant = || Field { fill: Fill::Const((*b"100").into()), ..text("f", 3) };
    assert_eq!(write(constant(), "100").unwrap(), b"100");
    assert_eq!(write(constant(), "200"), Err(Rule::NotConst { expected: (*b"100").into() }));
}

#[test]
fn nobody_fills_a_field_that_is_not_theirs() {
    let by = |rule| match rule {
        Err(Rule::NotYours { by }) => by,
        _ => "?",
    };
    assert_eq!(by(write(Field { by: ANSWERER, ..text("f", 3) }, "abc")), "the answerer");
    assert_eq!(by(write(Field { fill: Fill::Stamped, ..text("f", 3) }, "abc")), "the gateway");
    let nobody = crate::field::By { asker: false, answerer: false, optional: false };
    assert_eq!(by(write(Field { by: nobody, ..text("f", 3) }, "abc")), "nobody");
    assert_eq!(write(Field { by: ANSWERER, ..text("f", 3) }, Value::Null).unwrap(), b"   ");
}

#[test]
fn one_field_is_written_in_its_place() {
    let layout = transfer();
    let (_, amount) = layout.find("debit_amt").unwrap();
    let mut telegram = vec![b'.'; 121];
    amount.write(&150_000.into(), &mut telegram).unwrap();
    assert_eq!(&telegram[51..66], b".0000000150000.");
    let fault = amount.write(&Value::from(10_i128.pow(13)), &mut telegram).unwrap_err();
    assert_eq!((fault.offset, fault.len, fault.rule), (52, 13, Rule::Overflow { needed: 14 }));
    assert_eq!(&telegram[51..66], b".0000000150000.");
    let fault = amount.write(&1.into(), &mut telegram[..60]).unwrap_err();
    assert_eq!(fault.rule, Rule::CutShort { found: 8 });
    let mut out = b"kept".to_vec();
    amount.encode(&"x".into(), &mut out).unwrap_err();
    assert_eq!(out, b"kept");
}

#[test]
fn a_fault_gives_nothing_confidential_away() {
    let secret = "비밀번호12";
    for class in [Class::Account, Class::Name, Class::Identity, Class::Phone, Class::Secret] {
        let field = Field { class, ..text("f", 4) };
        let layout = layout(vec![field]);
        for value in [Value::from(secret), Value::from("똠😀비밀"), Value::from(&b"987654321"[..]), 987_654_321.into()]
        {
            for fault in encode(&layout, Side::Asker, &values([("f", value)])).unwrap_err() {
                let line = std::format!("{fault} {fault:?} {:?}", fault.rule);
                for hidden in ["밀", "번", "😀", "98", "39 38", "b9 d0"] {
                    assert!(!line.contains(hidden), "{class}: {line} tells {hidden}");
                }
            }
        }
    }
    let public = write(text("f", 4), "똠").unwrap_err();
    assert!(!std::format!("{public}").contains('똠'), "a rule does not know its field's class");
    let layout = layout(vec![text("f", 4)]);
    let fault = encode(&layout, Side::Asker, &values([("f", "똠".into())])).unwrap_err().remove(0);
    assert!(fault.to_string().contains("it is '똠', U+B620"), "{fault}");
    assert_eq!(layout.find("f").unwrap().0, FieldId(0));
}
