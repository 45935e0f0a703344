use std::vec;
use std::vec::Vec;

use super::*;
use crate::draft::{ANSWERER, OPTIONAL, field, layout, number, text, transfer};
use crate::field::{Fill, Unset};
use crate::kind::{Form, Number, Sign};

/// What is given by fields and by paths makes the same bytes or the same faults, whether one way of writing or the other is taken.
fn check(layout: &Layout, side: Side, values: &[(&str, Value)]) -> Result<Vec<u8>, Vec<Fault>> {
    let named: Vec<(String, Value)> = values.iter().map(|(path, value)| (String::from(*path), value.clone())).collect();
    let expected = encode_with_care(layout, side, &named);
    let mut writing = Writing::new(layout, side);
    for (path, value) in &named {
        writing.set(layout.find(path).unwrap().0, value.to_ref());
    }
    let mut out = Vec::from(*b"something else");
    let made = writing.write_into(&mut out).map(|()| out.clone());
    assert_eq!(made, expected);
    assert_eq!(crate::encode(layout, side, &named), expected);
    made
}

#[test]
fn values_are_written_in_their_places() {
    let values = [
        ("bank_code", "004".into()),
        ("debit_amt", 150_000.into()),
        ("debit_account", "110123456789".into()),
        ("passbook_pin", "1234".into()),
        ("holder", "홍길동".into()),
    ];
    let expected = b"    100100400000000000000    110123456789   1234    000000015000000000\
        00\xC8\xAB\xB1\xE6\xB5\xBF                              000000       ";
    assert_eq!(check(&transfer(), Side::Asker, &values).unwrap(), expected);
    let layout = transfer();
    let mut writing = Writing::new(&layout, Side::Asker);
    for (path, value) in &values {
        writing.set(layout.find(path).unwrap().0, value.to_ref());
    }
    assert!(writing.put(&mut Vec::new()), "none of this needs the slow way");
}

/// Every length that a loop is made for, and those beside it.
#[test]
fn fields_of_every_length_are_written() {
    let texts = [
        "",
        "a",
        "ab",
        "abc",
        "abcd",
        "abcdefgh",
        "abcdefghijkl",
        "abcdefghijklmnop",
        "가",
        "가나",
        "가나다라마",
        "가나다라마바사아",
        "a가",
        "가 나",
        "똠",
        "힣",
        "\u{7f}abcd",
        "a\u{1f}",
        "ａ",
        "é",
        "\u{e000}",
    ];
    let numbers = [0, 1, -1, 9, 10, 99, 12_345, 99_999_999, 100_000_000, 999_999_999_999_999, i64::MAX, i64::MIN];
    for len in 1..=18 {
        for by in [crate::draft::BOTH, OPTIONAL, ANSWERER] {
            for side in [Side::Asker, Side::Answerer] {
                let signed =
                    |digits: u8| Number { form: Form::Zoned(Sign::Leading), ..Number::plain(digits, digits / 2) };
                let fields = std::vec![
                    Field { by, ..number("number", len) },
                    Field { by, ..text("text", len) },
                    Field { by, unset: Unset::Zero, ..text("zeros", len) },
                    Field { by, ..field("signed", len + 1, Kind::Number(signed(u8::try_from(len).unwrap()))) },
                    Field { by, ..crate::draft::code("code", len) },
                ];
                let layout = layout(fields);
                for (at, given) in texts.into_iter().enumerate() {
                    let units = numbers[at % numbers.len()];
                    let scale = u8::try_from(len).unwrap() / 2;
                    let code = &"123456789012345678901234"[..(len as usize + at % 7).saturating_sub(3)];
                    let values = [
                        ("number", Value::from(units)),
                        ("text", given.into()),
                        ("zeros", given.into()),
                        ("signed", Value::Number(Decimal { units: units.into(), scale })),
                        ("code", code.into()),
                    ];
                    let _ = check(&layout, side, &values);
                    for one in &values {
                        let _ = check(&layout, side, core::slice::from_ref(one));
                    }
                }
            }
        }
    }
}

#[test]
fn a_number_may_be_given_with_another_scale_or_as_text() {
    let rate = layout(std::vec![field("rate", 7, Kind::Number(Number::plain(7, 2)))]);
    for (given, expected) in [("12.5", &b"0001250"[..]), ("12", b"0001200"), ("12.500", b"0001250"), ("-0", b"0000000")]
    {
        assert_eq!(check(&rate, Side::Asker, &[("rate", given.into())]).unwrap(), expected);
        let number: Decimal = given.parse().unwrap();
        assert_eq!(check(&rate, Side::Asker, &[("rate", number.into())]).unwrap(), expected);
    }
    for wrong in ["-1", "100000", "0.001", "x", "", "99999.999"] {
        check(&rate, Side::Asker, &[("rate", wrong.into())]).unwrap_err();
    }
    check(&rate, Side::Asker, &[("rate", Value::Bytes(b"0000001".into()))]).unwrap_err();
}

#[test]
fn what_is_given_again_takes_the_place_of_what_was_given() {
    let layout = layout(std::vec![
        Field { by: OPTIONAL, ..number("number", 6) },
        Field { fill: Fill::Default((*b"AB").into()), ..text("text", 2) },
        field("filler", 3, Kind::Filler),
    ]);
    let [number, text, filler] = [0, 1, 2].map(FieldId);
    let mut writing = Writing::new(&layout, Side::Asker);
    let mut out = Vec::new();
    let mut check = |writing: &Writing<'_, '_>, expected: &[u8]| {
        writing.write_into(&mut out).unwrap();
        assert_eq!(out, expected);
    };
    writing.set(filler, ValueRef::Bytes(b"xyz"));
    check(&writing, b"000000ABxyz");
    writing.text(number, "12");
    writing.set(text, ValueRef::Bytes(b"  "));
    check(&writing, b"000012  xyz");
    writing.number(number, 7);
    writing.text(text, "C");
    check(&writing, b"000007C xyz");
    writing.set(number, ValueRef::Null);
    writing.set(text, ValueRef::Null);
    check(&writing, b"000000ABxyz");
    writing.set(number, ValueRef::Bytes(b"000001"));
    writing.number(FieldId(9), 1);
    writing.text(FieldId(9), "1");
    let rules: Vec<Rule> = writing.write_into(&mut out).unwrap_err().into_iter().map(|fault| fault.rule).collect();
    assert_eq!(rules, [Rule::Unknown { nearest: None }, Rule::WrongKind { expected: "a number" }]);
    assert!(out.is_empty());
    let mut writing = Writing::in_room(&layout, Side::Asker, writing.into_room());
    writing.set(filler, ValueRef::Bytes(b"xyz"));
    writing.write_into(&mut out).unwrap();
    assert_eq!(out, b"000000ABxyz");
}

#[test]
fn it_shows_nothing_of_the_values() {
    let layout = transfer();
    let mut writing = Writing::new(&layout, Side::Asker);
    writing.text(layout.find("passbook_pin").unwrap().0, "1234");
    assert_eq!(std::format!("{writing:?} {:?}", writing.clone().into_room()), "draft of the asker (1 values) Room");
}

/// The largest number of so many digits, and one more, which a mask would make nought.
#[test]
fn a_number_ends_where_its_digits_end() {
    for digits in 1..=17_u8 {
        let signed = Kind::Number(Number::of(digits, 0, Form::Zoned(Sign::Leading)));
        let layout = layout(vec![
            number("plain", digits.into()),
            field("signed", u32::from(digits) + 1, signed),
            text("text", 16),
        ]);
        let most = 10_i64.pow(digits.into()) - 1;
        let nines = "9".repeat(digits.into());
        for (sign, units) in [("+", most), ("-", -most)] {
            let values = [("plain", most.into()), ("signed", units.into()), ("text", "a".into())];
            let expected = std::format!("{nines}{sign}{nines}a               ");
            assert_eq!(check(&layout, Side::Asker, &values).unwrap(), expected.as_bytes());
        }
        let beyond = |plain: i64, signed: i64| {
            let values = [("plain", plain.into()), ("signed", signed.into()), ("text", "a".into())];
            check(&layout, Side::Asker, &values).unwrap_err().len()
        };
        assert_eq!((beyond(most + 1, 0), beyond(0, most + 1), beyond(0, -most - 1)), (1, 1, 1), "{digits} digits");
    }
}
