use std::vec;
use std::vec::Vec;

use proptest::prelude::*;

use super::*;
use crate::charset::{Charset, CharsetPair};
use crate::draft::{ANSWERER, ASKER, BOTH, OPTIONAL, code, field, layout, number, stamp, text, transfer};
use crate::field::{By, Echo, Fill, Unset};
use crate::fuzzing::check_slots;
use crate::kind::{Form, Number, Sign};
use crate::text::TextRule;

/// Fields of every length that a loop is made for, beside some that have none, at the beginning of a telegram and behind it.
fn mixed() -> Layout {
    of(&[BOTH, OPTIONAL, ASKER, ANSWERER], &[1, 2, 3, 5, 7, 8, 9, 10, 12, 13, 15, 16, 17, 20])
}

fn of(sides: &[By], lens: &[u32]) -> Layout {
    let charset = |decode| CharsetPair { encode: decode, decode };
    let mut fields = Vec::new();
    for (round, by) in sides.iter().copied().enumerate() {
        for len in lens.iter().copied() {
            let name = |kind: &str| std::format!("{kind}{round}_{len}");
            fields.push(Field { by, ..number(&name("number"), len) });
            let form = Form::Zoned(Sign::Leading);
            let digits = u8::try_from(len.max(2)).unwrap() - 1;
            let signed = Kind::Number(Number { form, ..Number::plain(digits, digits / 2) });
            fields.push(Field { by, ..field(&name("signed"), len.max(2), signed) });
            let right = TextRule { right: true, ..TextRule::default() };
            fields.push(Field { by, text: right, ..text(&name("right"), len) });
            fields.push(Field { by, ..code(&name("code"), len) });
            fields.push(Field { by, ..text(&name("text"), len) });
            fields.push(Field { by, unset: Unset::Zero, ..text(&name("zeros"), len) });
            fields.push(Field { by, echo: Echo::Always, ..text(&name("carried"), len) });
            fields.push(Field { by, echo: Echo::Always, ..code(&name("carried_code"), len) });
            fields.push(Field { by, echo: Echo::Always, ..number(&name("carried_number"), len) });
            fields.push(Field { by, charset: charset(Charset::EucKr), ..text(&name("strict"), len) });
            fields.push(Field { by, charset: charset(Charset::Utf8), ..text(&name("utf8"), len) });
            fields.push(Field { by, charset: charset(Charset::Ascii), ..text(&name("ascii"), len) });
            fields.push(Field { by, charset: charset(Charset::Ebcdic1364), ..text(&name("ebcdic"), len) });
        }
        fields.push(Field { by, ..stamp(&std::format!("date{round}"), "YYYYMMDD") });
    }
    fields.push(Field { fill: Fill::Const((*b"AB").into()), ..text("const", 2) });
    layout(fields)
}

fn content() -> impl Strategy<Value = Vec<u8>> {
    let hangul = prop_oneof![
        Just(&b"\xC8\xAB\xB1\xE6\xB5\xBF"[..]),
        Just(&b"\xB0\xA1"[..]),
        Just(&b"\xC8\xFE\xB0\xA1\xC8\xFE\xB0\xA1"[..]),
        // Mixed, only in cp949, not Hangul, UTF-8.
        Just(&b"(\xC1\xD6)\xB0\xA1\xB3\xAA"[..]),
        Just(&b"\x8C\x63\xB9\xE6"[..]),
        Just(&b"\xA1\xBF\xCA\xA1"[..]),
        Just("홍길".as_bytes()),
    ];
    prop_oneof![
        2 => "[-+][0-9]{0,20}".prop_map(String::into_bytes),
        4 => "[0-9]{0,20}".prop_map(String::into_bytes),
        2 => "0{0,20}".prop_map(String::into_bytes),
        2 => "[ -~]{0,20}".prop_map(String::into_bytes),
        2 => Just(Vec::new()),
        3 => hangul.prop_map(<[u8]>::to_vec),
        1 => prop::collection::vec(any::<u8>(), 0..20),
    ]
}

/// Each field filled with something that may be right, at the left or at the right.
fn bytes(layout: &Layout) -> impl Strategy<Value = Vec<u8>> {
    let lens: Vec<usize> = layout.fields().iter().map(|field| field.at.range().len()).collect();
    let fields: Vec<_> = lens
        .into_iter()
        .map(|len| {
            (content(), prop_oneof![Just(b' '), Just(b'0'), Just(0x40)], any::<bool>()).prop_map(
                move |(content, pad, is_right)| {
                    let content = &content[..content.len().min(len)];
                    let mut bytes = vec![pad; len];
                    let at = if is_right { len - content.len() } else { 0 };
                    bytes[at..at + content.len()].copy_from_slice(content);
                    bytes
                },
            )
        })
        .collect();
    fields.prop_map(|fields| fields.concat())
}

/// What is right in a field that a side has filled, or blank where it may be.
fn fitting(field: &Field, side: Side) -> BoxedStrategy<Vec<u8>> {
    let len = field.at.range().len();
    let digits = move |count: usize| prop::collection::vec(b'0'..=b'9', count);
    let text = move |part: BoxedStrategy<Vec<u8>>| {
        prop::collection::vec(part, 0..=len).prop_map(move |parts| {
            let mut text = Vec::new();
            for part in parts {
                if text.len() + part.len() <= len {
                    text.extend_from_slice(&part);
                }
            }
            text.resize(len, b' ');
            text
        })
    };
    let letter = || (b' '..=b'~').prop_map(|byte| vec![byte]).boxed();
    let syllable = || (0xB0..=0xC8_u8, 0xA1..=0xFE_u8).prop_map(|(row, column)| vec![row, column]).boxed();
    let kind = field.path.trim_end_matches(|character: char| character.is_ascii_digit() || character == '_');
    let right = match kind {
        "number" | "code" | "carried_code" | "carried_number" => digits(len).boxed(),
        "signed" => (prop_oneof![Just(b'+'), Just(b'-')], digits(len - 1))
            .prop_map(|(sign, digits)| [&[sign][..], &digits].concat())
            .boxed(),
        "date" => Just(Vec::from(*b"20261122")).boxed(),
        "const" => Just(Vec::from(*b"AB")).boxed(),
        "ebcdic" => Just(vec![0x40; len]).boxed(),
        "utf8" | "ascii" | "right" => text(letter()).boxed(),
        _ => prop_oneof![text(letter()), text(syllable()), text(prop_oneof![letter(), syllable()].boxed())].boxed(),
    };
    let blank = prop_oneof![Just(b' '), Just(b'0')].prop_map(move |byte| vec![byte; len]);
    if (field.by.fills(side) && !field.by.optional) || kind == "const" {
        return right;
    }
    prop_oneof![2 => right, 1 => blank].boxed()
}

fn right(layout: &Layout, side: Side) -> impl Strategy<Value = Vec<u8>> + use<> {
    let fields: Vec<_> = layout.fields().iter().map(|field| fitting(field, side)).collect();
    fields.prop_map(|fields| fields.concat())
}

fn few() -> Layout {
    of(&[BOTH, ANSWERER], &[1, 8, 13, 16])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn all_at_once_is_one_by_one(
        (bytes, flipped, cut, side) in (
            bytes(&mixed()),
            prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
            prop_oneof![9 => Just(0), 1 => 0..40_usize],
            prop_oneof![Just(Side::Asker), Just(Side::Answerer)],
        )
    ) {
        let layout = mixed();
        let mut bytes = bytes;
        for (at, byte) in flipped {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        bytes.truncate(bytes.len() - cut);
        check_slots(&Telegram::new(&layout, &bytes, side));
    }

    #[test]
    fn what_is_right_is_read_at_once_too(
        (side, bytes, flipped) in prop_oneof![Just(Side::Asker), Just(Side::Answerer)].prop_flat_map(|side| (
            Just(side),
            right(&mixed(), side),
            prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..3),
        ))
    ) {
        let layout = mixed();
        let mut bytes = bytes;
        prop_assert!(layout.steps(side).classes.hold(&bytes));
        check_slots(&Telegram::new(&layout, &bytes, side));
        for (at, byte) in flipped {
            let at = at.index(bytes.len());
            bytes[at] = byte;
            check_slots(&Telegram::new(&layout, &bytes, side));
        }
    }

    #[test]
    fn many_are_each_of_them(
        (rows, between, cut) in (
            prop::collection::vec(prop_oneof![6 => right(&few(), Side::Asker), 1 => bytes(&few())], 0..40),
            0..3_usize,
            prop_oneof![2 => Just(0), 1 => 0..600_usize],
        )
    ) {
        let layout = few();
        let behind = |row: &Vec<u8>| [&row[..], &b"\r\n"[..between]].concat();
        let mut bytes = rows.iter().map(behind).collect::<Vec<_>>().concat();
        bytes.truncate(bytes.len().saturating_sub(cut));
        let telegrams = Telegrams::new(&layout, &bytes, between, Side::Asker);
        let (mut slots, mut one) = (Slots::new(), Slots::new());
        for makes_text in [false, true, false] {
            let readings = if makes_text { telegrams.read_text_into(&mut slots) } else { telegrams.read_into(&mut slots) };
            prop_assert_eq!(readings.iter().count(), telegrams.len());
            for (index, telegram) in telegrams.iter().enumerate() {
                let reading = readings.get(index).unwrap();
                let alone = if makes_text { telegram.read_text_into(&mut one) } else { telegram.read_into(&mut one) };
                prop_assert_eq!(reading.telegram().bytes(), telegram.bytes());
                prop_assert_eq!(reading.faults(), alone.faults());
                let is_named = readings.faults().iter().any(|(faulty, _)| *faulty == index);
                prop_assert_eq!(is_named, !alone.faults().is_empty());
                prop_assert!(reading.fields().eq(alone.fields()));
            }
            prop_assert!(readings.get(telegrams.len()).is_none());
        }
    }
}

#[test]
fn short_layouts_are_read_too() {
    for len in 1..=17 {
        for field in [number("f", len), code("f", len), text("f", len)] {
            let layout = layout(vec![field]);
            for bytes in [
                &b"12345678901234567"[..],
                b"                 ",
                b"00000000000000000",
                b"\xC8\xAB\xB1\xE6\xB5\xBF\xC8\xAB\xB1\xE6\xB5\xBF\xC8\xAB\xB1\xE6 ",
            ] {
                for side in [Side::Asker, Side::Answerer] {
                    check_slots(&Telegram::new(&layout, &bytes[..len as usize], side));
                }
            }
        }
    }
}

#[test]
fn values_are_those_of_the_bytes() {
    let layout = transfer();
    let mut bytes = Vec::from(
        *b"2000100108820261121113000    110123456789   1234    00000001500000000000\xC8\xAB\xB1\xE6\xB5\xBF      8001011234567                 0000000000",
    );
    bytes.truncate(121);
    let mut slots = Slots::for_layout(&layout);
    let telegram = Telegram::new(&layout, &bytes, Side::Asker);
    let reading = telegram.read_text_into(&mut slots);
    let id = |path| layout.find(path).unwrap().0;
    assert_eq!(reading.units(id("debit_amt")), Some(150_000));
    assert_eq!(reading.get(id("debit_account")), Some(ValueRef::Text("110123456789".into())));
    assert!(matches!(reading.get(id("holder")), Some(ValueRef::Text(Cow::Borrowed("홍길동")))));
    assert_eq!(reading.get(id("response_code")), Some(ValueRef::Null));
    assert_eq!(reading.get(id("rate")), Some(ValueRef::Null));
    assert_eq!(reading.units(id("holder")), None);
    assert_eq!(reading.get(FieldId(99)), None);
    assert_eq!(std::format!("{reading:?}"), std::format!("{telegram:?}"));
}
