use std::string::{String, ToString};
use std::vec::Vec;
use std::{format, vec};

use super::*;
use crate::class::Class;
use crate::draft::{ANSWERER, ASKER, OPTIONAL, Tree, field, number, text};
use crate::encode::encode;
use crate::field::Field;
use crate::kind::{Blank, Form, Kind, Number};
use crate::value::Value;

/// Every construct once: 5 bytes of head, up to 3 scores of 3 bytes and up to 2 debts of 4 each, a key, one of three branches, a mark
/// that is there or not, and pairs of digits until the end.
fn report() -> Layout {
    let mut tree = Tree::default();
    let head = tree.run(vec![text("kind", 1), number("score_count", 2), text("bureau", 2)]);
    let score = tree.run(vec![text("scores[].grade", 2), number("scores[].debt_count", 1)]);
    let debt = tree.run(vec![number("scores[].debts[].amount", 4)]);
    let debts = tree.times("scores[].debts", "scores[].debt_count", 2, vec![debt]);
    let scores = tree.times("scores", "score_count", 3, vec![score, debts]);
    let key = tree.run(vec![text("who", 2)]);
    let person = tree.run(vec![text("person.name", 4)]);
    let company = tree.run(vec![number("company.no", 3), text("company.seat", 2)]);
    let rest = tree.run(vec![text("rest.note", 1)]);
    let choice = tree.choice("who", vec![(&["01", "03"], vec![person]), (&["02"], vec![company]), (&[], vec![rest])]);
    let mark = tree.run(vec![text("mark", 3)]);
    let when = tree.when("kind", &["A", "B"], vec![mark]);
    let pair = tree.run(vec![number("pairs[].no", 2)]);
    let pairs = Tree::until_end("pairs", 2, vec![pair]);
    // 5 + 2 + 1 at least; 5 + 3 * (3 + 2 * 4) + 2 + 5 + 3 + 2 * 2 at most.
    tree.layout(8..=52, vec![head, scores, key, choice, when, pairs]).unwrap()
}

fn shown(telegram: &Telegram<'_, '_>) -> Vec<String> {
    let line = |(cell, value): (Cell<'_>, Result<ValueRef<'_>, Fault>)| {
        let value = value.map_or_else(|fault| format!("{} {}", fault.code(), fault.field), |value| value.to_string());
        format!("{} {}+{} {value}", cell.path(), cell.at.offset, cell.at.len)
    };
    telegram.cells().map(line).collect()
}

fn values(given: &[(&str, &str)]) -> Vec<(String, Value)> {
    given.iter().map(|(path, text)| (String::from(*path), Value::from(*text))).collect()
}

fn faults(layout: &Layout, bytes: &[u8]) -> Vec<(String, u32, &'static str)> {
    let faults = Telegram::new(layout, bytes, Side::Asker).faults();
    faults.iter().map(|fault| (fault.field.to_string(), fault.offset, fault.code())).collect()
}

fn refused(layout: &Layout, given: &[(&str, &str)]) -> Vec<(String, &'static str)> {
    let faults = encode(layout, Side::Asker, &values(given)).unwrap_err();
    faults.iter().map(|fault| (fault.field.to_string(), fault.code())).collect()
}

/// What comes out, goes in, and the other way round.
fn round(layout: &Layout, bytes: &[u8]) {
    let telegram = Telegram::new(layout, bytes, Side::Asker);
    assert_eq!(telegram.faults(), [], "{:?}", bytes.escape_ascii());
    let read = telegram.to_values().unwrap();
    assert_eq!(encode(layout, Side::Asker, &read).unwrap(), bytes, "{:?}", bytes.escape_ascii());
    for (path, value) in &read {
        assert_eq!(telegram.named(path).unwrap().to_value(), *value, "{path}");
    }
}

#[test]
fn every_construct_is_walked_in_the_order_of_its_bytes() {
    let layout = report();
    // A, two scores, NB; G1 with two debts; G2 with none; a person; the mark of A; two pairs.
    let bytes = [&b"A02NB"[..], b"G1200110022", b"G20", b"01KIM ", b"END", b"1234"].concat();
    let telegram = Telegram::new(&layout, &bytes, Side::Asker);
    let expected = [
        "kind 0+1 A",
        "score_count 1+2 2",
        "bureau 3+2 NB",
        "scores[0].grade 5+2 G1",
        "scores[0].debt_count 7+1 2",
        "scores[0].debts[0].amount 8+4 11",
        "scores[0].debts[1].amount 12+4 22",
        "scores[1].grade 16+2 G2",
        "scores[1].debt_count 18+1 0",
        "who 19+2 01",
        "person.name 21+4 KIM",
        "mark 25+3 END",
        "pairs[0].no 28+2 12",
        "pairs[1].no 30+2 34",
    ];
    assert_eq!(shown(&telegram), expected);
    assert_eq!((telegram.faults(), telegram.uncovered()), (vec![], &b""[..]));
    round(&layout, &bytes);
    assert_eq!((layout.len(), layout.len_max(), layout.is_fixed()), (8, 52, false));
    assert_eq!(layout.head().iter().map(|field| &*field.path).collect::<Vec<_>>(), ["kind", "score_count", "bureau"]);
    assert_eq!(telegram.fields().len(), 3);
}

#[test]
fn keys_and_conditions_decide_what_is_there() {
    let layout = report();
    // No score, a company of number 7 in SE, no mark for Z, no pair.
    round(&layout, b"Z00NB02007SE");
    // Any other key has a note of one byte.
    round(&layout, b"Z00NB99n");
    // The least and the most.
    round(&layout, b"Z00NB  n");
    round(&layout, b"B03NBG1200110022G2200110022G320011002202007SEEND1234");
}

#[test]
fn a_count_that_cannot_be_is_told_at_the_count_and_hides_nothing_before_it() {
    let layout = report();
    let count = |code| vec![("score_count".into(), 1, code)];
    let bytes = b"Z04NBG10G20G30G4002007SE";
    assert_eq!(faults(&layout, bytes), count("T55"));
    assert_eq!(shown(&Telegram::new(&layout, bytes, Side::Asker)).last().unwrap(), "score_count 1+2 T55 score_count");
    assert_eq!(Telegram::new(&layout, bytes, Side::Asker).uncovered(), &bytes[5..]);
    // Two scores need 6 bytes, and 5 are left.
    assert_eq!(faults(&layout, b"Z02NBG10G2"), count("T56"));
    let fault = Telegram::new(&layout, b"Z02NBG10G2", Side::Asker).faults().remove(0);
    let sentence = "T56 score_count at byte 1 (2 bytes): says 2 times, which needs 6 bytes, and 5 bytes are left";
    assert!(fault.to_string().starts_with(sentence), "{fault}");
    // A count that is none is one mistake.
    assert_eq!(faults(&layout, b"Zx2NBG10G2002007SE"), count("T02"));
    // Inside of a repeat it has its index.
    let debts = faults(&layout, b"Z02NBG10G2302007SE");
    assert_eq!(debts, [("scores[1].debt_count".into(), 10, "T55")]);
}

#[test]
fn what_is_too_short_or_too_long_is_told() {
    let layout = report();
    assert_eq!(faults(&layout, b"Z00NB02007S"), [("draft".into(), 0, "T01"), ("company.seat".into(), 10, "T17")]);
    assert_eq!(faults(&layout, b"Z00NB"), [("draft".into(), 0, "T01"), ("who".into(), 5, "T17")]);
    // Three pairs where there is room for two.
    assert_eq!(faults(&layout, b"Z00NB99n121314"), [("draft".into(), 0, "T01")]);
    assert_eq!(Telegram::new(&layout, b"Z00NB99n121314", Side::Asker).uncovered(), b"14");
    assert_eq!(faults(&layout, b"Z00NB99n1"), [("draft".into(), 0, "T01"), ("pairs[0].no".into(), 8, "T17")]);
}

#[test]
fn an_unknown_key_is_told_at_the_key() {
    let mut tree = Tree::default();
    let head = tree.run(vec![text("who", 2)]);
    let person = tree.run(vec![text("person.name", 4)]);
    let choice = tree.choice("who", vec![(&["01"], vec![person])]);
    let layout = tree.layout(6..=6, vec![head, choice]).unwrap();
    assert_eq!(faults(&layout, b"02KIM "), [("who".into(), 0, "T57")]);
    assert_eq!(refused(&layout, &[("who", "02")]), [("who".into(), "T57")]);
    assert_eq!(refused(&layout, &[("person.name", "KIM")]), [("who".into(), "T13")]);
    round(&layout, b"01KIM ");
}

#[test]
fn counts_are_written_by_themselves() {
    let layout = report();
    let given = [
        ("kind", "Z"),
        ("bureau", "NB"),
        ("scores[1].grade", "G2"),
        ("scores[0].grade", "G1"),
        ("scores[1].debts[0].amount", "7"),
        ("who", "99"),
        ("rest.note", "n"),
    ];
    assert_eq!(encode(&layout, Side::Asker, &values(&given)).unwrap(), b"Z02NBG10G21000799n");
    let mut counted = given.to_vec();
    counted.push(("score_count", "2"));
    assert!(encode(&layout, Side::Asker, &values(&counted)).is_ok());
    counted.last_mut().unwrap().1 = "3";
    assert_eq!(refused(&layout, &counted), [("score_count".into(), "T61")]);
    // Nothing of it is given but that it is there.
    let mut null = values(&given);
    null.push(("scores[2].debt_count".into(), Value::Null));
    let faults = encode(&layout, Side::Asker, &null).unwrap_err();
    let found: Vec<_> = faults.iter().map(|fault| (&*fault.field, fault.offset, fault.code())).collect();
    assert_eq!(found, [("scores[2].grade", 15, "T13")]);
}

#[test]
fn what_has_no_place_is_refused() {
    let layout = report();
    let base = [("kind", "Z"), ("bureau", "NB"), ("who", "99"), ("rest.note", "n")];
    let with = |more: &[(&'static str, &'static str)]| refused(&layout, &[&base[..], more].concat());
    assert_eq!(with(&[("mark", "END")]), [("mark".into(), "T60")]);
    assert_eq!(with(&[("company.no", "1")]), [("company.no".into(), "T60")]);
    assert_eq!(with(&[("scores[1].grade", "G1")]), [("scores".into(), "T59")]);
    assert_eq!(with(&[("pairs[0].no", "1"), ("pairs[1].no", "1"), ("pairs[2].no", "1")]), [("pairs".into(), "T55")]);
    for unknown in
        ["scores[].grade", "scores[00].grade", "scores.grade", "scores[x].grade", "kind[0]", "scores[0]grade"]
    {
        assert_eq!(with(&[(unknown, "x")]), [(unknown.into(), "T15")], "{unknown}");
    }
    assert_eq!(with(&[("pairs[0].no", "1"), ("pairs[0].no", "2")]), [("pairs[0].no".into(), "T16")]);
    assert_eq!(with(&[("pairs[0].no", "123")]), [("pairs[0].no".into(), "T07")]);
}

fn padded() -> Layout {
    let mut tree = Tree::default();
    let head = tree.run(vec![number("count", 1)]);
    let body = tree.run(vec![text("items[].name", 2), number("items[].no", 2)]);
    let Node::Repeat(repeat) = tree.times("items", "count", 3, vec![body]) else { panic!("a repeat") };
    let end = tree.run(vec![text("mark", 1)]);
    tree.layout(14..=14, vec![head, Node::Repeat(Repeat { padded: true, ..repeat }), end]).unwrap()
}

#[test]
fn padding_keeps_room_and_is_unset() {
    let layout = padded();
    round(&layout, b"2ab01cd02  00!");
    round(&layout, b"0  00  00  00!");
    assert_eq!(
        faults(&layout, b"1ab01  00x 01!"),
        [("items[2].name".into(), 9, "T58"), ("items[2].no".into(), 11, "T58")]
    );
    assert_eq!(faults(&layout, b"4ab01cd02ef03!"), [("count".into(), 0, "T55")]);
    assert_eq!(
        faults(&layout, b"1ab01  00"),
        [("draft".into(), 0, "T01"), ("items[2].name".into(), 9, "T17"), ("items[2].no".into(), 11, "T17")]
    );
}

#[test]
fn room_for_numbers_of_hosts_is_nought_as_they_write_it() {
    let packed = Kind::Number(Number::of(3, 0, Form::Packed { signed: true }));
    let blank = Kind::Number(Number { blank: Blank::Null, ..Number::plain(2, 0) });
    let mut tree = Tree::default();
    let head = tree.run(vec![number("count", 1)]);
    let item = tree.run(vec![field("items[].packed", 2, packed), field("items[].blank", 2, blank)]);
    let repeat = Repeat {
        path: "items".into(),
        times: Times::Field(FieldId(0)),
        max: 2,
        padded: true,
        body: vec![item],
        label: "".into(),
    };
    let layout = tree.layout(9..=9, vec![head, Node::Repeat(repeat)]).unwrap();
    let given = values(&[("items[0].packed", "-12"), ("items[0].blank", "7")]);
    let bytes = encode(&layout, Side::Asker, &given).unwrap();
    assert_eq!(bytes, b"1\x01\x2D07\x00\x0C  ");
    assert_eq!(faults(&layout, &bytes), []);
    let of = |path: &str, at| (String::from(path), at, "T58");
    assert_eq!(faults(&layout, b"1\x01\x2D07\x00\x1C  "), [of("items[1].packed", 5)]);
    assert_eq!(faults(&layout, b"1\x01\x2D07\x00\x0C00"), [of("items[1].blank", 7)]);
}

#[test]
fn a_count_that_the_side_does_not_fill_is_blank_and_nothing_repeats() {
    let mut tree = Tree::default();
    let head = tree.run(vec![Field { by: ASKER, ..text("question", 2) }, Field { by: ANSWERER, ..number("count", 1) }]);
    let body = tree.run(vec![Field { by: ANSWERER, ..text("items[].name", 2) }]);
    let items = tree.times("items", "count", 3, vec![body]);
    let layout = tree.layout(3..=9, vec![head, items]).unwrap();
    assert_eq!(encode(&layout, Side::Asker, &values(&[("question", "ab")])).unwrap(), b"ab0");
    assert_eq!(
        refused(&layout, &[("question", "ab"), ("items[0].name", "x")]),
        [("count".into(), "T14"), ("items[0].name".into(), "T14")]
    );
    assert_eq!(encode(&layout, Side::Answerer, &values(&[("items[0].name", "x")])).unwrap(), b"  1x ");
    assert_eq!(Telegram::new(&layout, b"ab ", Side::Asker).faults(), []);
}

#[test]
fn secrets_that_move_are_masked() {
    let mut tree = Tree::default();
    let head = tree.run(vec![number("count", 1), text("open", 2)]);
    let body = tree.run(vec![text("cards[].kind", 1), Field { class: Class::Secret, ..text("cards[].no", 3) }]);
    let cards = tree.times("cards", "count", 3, vec![body]);
    let layout = tree.layout(3..=15, vec![head, cards]).unwrap();
    let shown = format!("{:?}", Telegram::new(&layout, b"1opA123", Side::Asker));
    assert_eq!(
        shown,
        r#"draft of the asker (7 bytes) {"count": "1", "open": "op", "cards[0].kind": "A", "cards[0].no": "***"}"#
    );
}

#[test]
fn a_tree_that_cannot_be_read_is_refused() {
    let body = |tree: &mut Tree| tree.run(vec![text("r[].a", 2)]);
    let why = |error: crate::LayoutError| match error {
        crate::LayoutError::Structure { why } => why,
        other => panic!("{other:?}"),
    };
    // Something behind what goes on until the end.
    let mut tree = Tree::default();
    let repeat = vec![body(&mut tree)];
    let repeat = Tree::until_end("r", 2, repeat);
    let end = tree.run(vec![text("b", 1)]);
    assert!(why(tree.layout(1..=5, vec![repeat, end]).unwrap_err()).contains("until the end"));
    // A count behind what it counts.
    let mut tree = Tree::default();
    let inner = body(&mut tree);
    let count = tree.run(vec![number("count", 1)]);
    let repeat = tree.times("r", "count", 2, vec![inner]);
    assert!(why(tree.layout(1..=5, vec![repeat, count]).unwrap_err()).contains("before"));
    // A count that is there only sometimes.
    let mut tree = Tree::default();
    let flag = tree.run(vec![text("flag", 1)]);
    let count = tree.run(vec![number("count", 1)]);
    let when = tree.when("flag", &["1"], vec![count]);
    let inner = body(&mut tree);
    let repeat = tree.times("r", "count", 2, vec![inner]);
    assert!(why(tree.layout(1..=6, vec![flag, when, repeat]).unwrap_err()).contains("need not be"));
    // A repeat that may have no bytes, so that it could go on for ever.
    let mut tree = Tree::default();
    let flag = tree.run(vec![text("flag", 1)]);
    let inner = body(&mut tree);
    let inner = tree.when("flag", &["1"], vec![inner]);
    let repeat = Tree::until_end("r", 2, vec![inner]);
    assert!(why(tree.layout(1..=5, vec![flag, repeat]).unwrap_err()).contains("no bytes"));
    // Two branches with one key.
    let mut tree = Tree::default();
    let key = tree.run(vec![text("key", 1)]);
    let a = tree.run(vec![text("a.x", 1)]);
    let b = tree.run(vec![text("b.x", 1)]);
    let choice = tree.choice("key", vec![(&["1"], vec![a]), (&["2", "1"], vec![b])]);
    assert!(why(tree.layout(2..=2, vec![key, choice]).unwrap_err()).contains("one key"));
    // A text that counts.
    let mut tree = Tree::default();
    let count = tree.run(vec![text("count", 1)]);
    let inner = body(&mut tree);
    let repeat = tree.times("r", "count", 2, vec![inner]);
    assert!(why(tree.layout(1..=5, vec![count, repeat]).unwrap_err()).contains("whole number"));
    // A total that is not the sum.
    let mut tree = Tree::default();
    let count = tree.run(vec![number("count", 1)]);
    let inner = body(&mut tree);
    let repeat = tree.times("r", "count", 2, vec![inner]);
    assert_eq!(tree.layout(1..=6, vec![count, repeat]).unwrap_err(), crate::LayoutError::Total { fields: 5, total: 6 });
}

#[test]
fn optional_fields_of_a_repeat_may_be_null() {
    let mut tree = Tree::default();
    let head = tree.run(vec![number("count", 1)]);
    let body = tree.run(vec![Field { by: OPTIONAL, ..text("items[].name", 2) }]);
    let items = tree.times("items", "count", 3, vec![body]);
    let layout = tree.layout(1..=7, vec![head, items]).unwrap();
    let given = vec![("items[0].name".into(), Value::Null), ("items[1].name".into(), Value::from("x"))];
    assert_eq!(encode(&layout, Side::Asker, &given).unwrap(), b"2  x ");
    round(&layout, b"2  x ");
}

#[test]
fn a_text_has_the_length_that_stands_before_it() {
    let mut tree = Tree::default();
    let head = tree.run(vec![text("kind", 1), number("memo_len", 2)]);
    let memo = tree.tail(Field { by: OPTIONAL, ..text("memo", 12) }, "memo_len");
    let end = tree.run(vec![text("mark", 2)]);
    let layout = tree.layout(5..=17, vec![head, memo, end]).unwrap();
    // Spaces at its end are its own.
    round(&layout, b"A05ab   OK");
    round(&layout, b"A00OK");
    round(&layout, b"A12\xC8\xAB\xB1\xE6\xB5\xBFabcdefOK");
    let given = [("kind", "A"), ("memo", "\u{d64d}\u{ae38}"), ("mark", "OK")];
    assert_eq!(encode(&layout, Side::Asker, &values(&given)).unwrap(), b"A04\xC8\xAB\xB1\xE6OK");
    assert_eq!(faults(&layout, b"A13abcdefghijklmOK"), [("memo_len".into(), 1, "T63")]);
    assert_eq!(faults(&layout, b"A09abcOK"), [("draft".into(), 0, "T01"), ("memo".into(), 3, "T17")]);
    assert_eq!(faults(&layout, b"A03ab\xC8OK"), [("memo".into(), 3, "T05")]);
    let long = [("kind", "A"), ("memo", "abcdefghijklm"), ("mark", "OK")];
    assert_eq!(refused(&layout, &long), [("memo".into(), "T07")]);
    let wrong = [("kind", "A"), ("memo", "abc"), ("memo_len", "4"), ("mark", "OK")];
    assert_eq!(refused(&layout, &wrong), [("memo_len".into(), "T61")]);
}

#[test]
fn a_text_of_the_other_side_that_is_not_there_is_no_value() {
    let mut tree = Tree::default();
    let head = tree.run(vec![Field { by: ANSWERER, ..number("memo_len", 2) }, text("mark", 2)]);
    let memo = tree.tail(Field { by: ANSWERER, ..text("memo", 9) }, "memo_len");
    let layout = tree.layout(4..=13, vec![head, memo]).unwrap();
    assert_eq!(Telegram::new(&layout, b"00OK", Side::Asker).named("memo"), Ok(ValueRef::Null));
    round(&layout, b"00OK");
    // Of its own side it is a text without a character.
    assert_eq!(Telegram::new(&layout, b"00OK", Side::Answerer).named("memo"), Ok(ValueRef::Text("".into())));
}

#[test]
fn a_bitmap_says_what_is_there() {
    let mut tree = Tree::default();
    let head = tree.run(vec![text("bitmap", 4)]);
    let second = tree.run(vec![text("second", 2)]);
    let eleventh = tree.run(vec![text("eleventh", 3)]);
    let second = tree.bit("bitmap", 2, vec![second]);
    let eleventh = tree.bit("bitmap", 11, vec![eleventh]);
    let layout = tree.layout(4..=9, vec![head, second, eleventh]).unwrap();
    // Bit 1 is the highest of the first digit: 4 is bit 2; 2 in the third digit is bit 11.
    round(&layout, b"4020abABC");
    round(&layout, b"4000ab");
    round(&layout, b"0020ABC");
    round(&layout, b"BfDF");
    assert_eq!(faults(&layout, b"00G0"), [("bitmap".into(), 0, "T64")]);
    assert_eq!(
        refused(&layout, &[("bitmap", "0020"), ("second", "ab")]),
        [("eleventh".into(), "T13"), ("second".into(), "T60")]
    );
}

#[test]
fn what_counts_may_count_what_is_not_there() {
    let mut tree = Tree::default();
    let head = tree.run(vec![text("kind", 1), number("count", 1), number("len", 1)]);
    let item = tree.run(vec![text("items[].no", 2)]);
    let items = tree.times("items", "count", 3, vec![item]);
    let here = tree.when("kind", &["A"], vec![items]);
    let memo = tree.tail(Field { by: OPTIONAL, ..text("memo", 5) }, "len");
    let with_memo = tree.when("kind", &["A", "B"], vec![memo]);
    let more = tree.run(vec![text("more[].no", 1)]);
    let more = tree.times("more", "count", 3, vec![more]);
    let also = tree.when("kind", &["A", "C"], vec![more]);
    let layout = tree.layout(3..=17, vec![head, here, with_memo, also]).unwrap();
    // 2 of each of both, of one, of none; a text that is there, and one that is not.
    round(&layout, b"A230102abcXY");
    round(&layout, b"B23abc");
    round(&layout, b"C23XY");
    round(&layout, b"D23");
    // Without a count, what is given says it; where nothing of it is there, it is 0.
    let given = [("kind", "C"), ("more[0].no", "X")];
    assert_eq!(encode(&layout, Side::Asker, &values(&given)).unwrap(), b"C10X");
    assert_eq!(encode(&layout, Side::Asker, &values(&[("kind", "D")])).unwrap(), b"D00");
    // Where it is there, all that the field counts must be as many.
    assert_eq!(refused(&layout, &[("kind", "A"), ("items[0].no", "01")]), [("count".into(), "T61")]);
    assert_eq!(refused(&layout, &[("kind", "C"), ("count", "2")]), [("count".into(), "T61")]);
    assert_eq!(refused(&layout, &[("kind", "B"), ("len", "2")]), [("len".into(), "T61")]);
    assert_eq!(refused(&layout, &[("kind", "B"), ("items[0].no", "01")]), [("items[0].no".into(), "T60")]);
}
