use std::string::{String, ToString};
use std::vec;
use std::vec::Vec;

use crate::class::Class;
use crate::draft::{ANSWERER, OPTIONAL, Tree, number, text};
use crate::encode::encode;
use crate::field::{Field, Fill, Side};
use crate::layout::{Layout, Node};
use crate::value::Value;

/// Texts by their paths; `""` says only that there is one.
fn given(values: &[(&str, &str)]) -> Vec<(String, Value)> {
    let value = |text: &str| if text.is_empty() { Value::Null } else { Value::from(text) };
    values.iter().map(|(path, text)| ((*path).into(), value(text))).collect()
}

fn made(layout: &Layout, values: &[(&str, &str)]) -> String {
    match encode(layout, Side::Asker, &given(values)) {
        Ok(bytes) => String::from_utf8(bytes).unwrap(),
        Err(faults) => {
            faults.iter().map(|fault| std::format!("{} {}", fault.code(), fault.field)).collect::<Vec<_>>().join("; ")
        }
    }
}

/// A count, so many grades of two, and a mark behind them.
fn scores(padded: bool) -> Layout {
    let mut tree = Tree::default();
    let head = tree.run(vec![number("count", 2)]);
    let body = tree.run(vec![text("scores[].kind", 1), number("scores[].points", 3)]);
    let mut scores = tree.times("scores", "count", 3, vec![body]);
    if let Node::Repeat(repeat) = &mut scores {
        repeat.padded = padded;
    }
    let mark = tree.run(vec![text("mark", 1)]);
    let len = if padded { 15..=15 } else { 3..=15 };
    tree.layout(len, vec![head, scores, mark]).unwrap()
}

#[test]
fn what_is_given_is_counted() {
    let layout = scores(false);
    let two = [("scores[1].kind", "B"), ("scores[1].points", "22"), ("scores[0].kind", "A"), ("scores[0].points", "1")];
    assert_eq!(made(&layout, &[&two[..], &[("mark", "!")]].concat()), "02A001B022!");
    assert_eq!(made(&layout, &[("mark", "!")]), "00!");
    // Who counts, too, must count the same.
    assert_eq!(made(&layout, &[&two[..], &[("count", "2"), ("mark", "!")]].concat()), "02A001B022!");
    assert_eq!(made(&layout, &[&two[..], &[("count", "3"), ("mark", "!")]].concat()), "T61 count");
    assert_eq!(made(&layout, &[("count", "1"), ("mark", "!")]), "T61 count");
}

#[test]
fn a_hole_and_one_too_many_are_told_of_the_repeat() {
    let layout = scores(false);
    let one = |at: usize| [(std::format!("scores[{at}].kind"), "A"), (std::format!("scores[{at}].points"), "1")];
    let values = |indices: &[usize]| {
        let all: Vec<(String, &str)> = indices.iter().flat_map(|at| one(*at)).collect();
        let all: Vec<(&str, &str)> = all.iter().map(|(path, text)| (path.as_str(), *text)).collect();
        made(&layout, &[&all[..], &[("mark", "!")]].concat())
    };
    assert_eq!(values(&[0, 2]), "T59 scores");
    assert_eq!(values(&[0, 1, 2]), "03A001A001A001!");
    assert_eq!(values(&[0, 1, 2, 3]), "T55 scores");
    // One index beyond the most, and none before it: there is no room for it, whatever else is given.
    assert_eq!(values(&[5]), "T55 scores");
}

#[test]
fn each_fault_stands_where_it_would_be_written() {
    let layout = scores(false);
    let values = given(&[("scores[0].kind", "AB"), ("scores[0].points", "1"), ("scores[1].kind", "B"), ("mark", "!!")]);
    let faults = encode(&layout, Side::Asker, &values).unwrap_err();
    let told: Vec<_> = faults.iter().map(|fault| (fault.code(), fault.field.to_string(), fault.offset)).collect();
    let path = String::from;
    assert_eq!(
        told,
        [("T07", path("scores[0].kind"), 2), ("T13", path("scores[1].points"), 7), ("T07", path("mark"), 10)]
    );
    assert_eq!(
        made(&layout, &[("scores[0].kind", "A"), ("scores[0].kind", "A"), ("scores[0].points", "1"), ("mark", "!")]),
        "T16 scores[0].kind"
    );
    assert_eq!(made(&layout, &[("scores.kind", "A"), ("mark", "!")]), "T15 scores.kind");
}

#[test]
fn room_is_kept_for_those_that_are_not_there() {
    let layout = scores(true);
    assert_eq!(made(&layout, &[("scores[0].kind", "A"), ("scores[0].points", "1"), ("mark", "!")]), "01A001 000 000!");
    assert_eq!(made(&layout, &[("mark", "!")]), "00 000 000 000!");
}

/// A key that chooses, a flag, and a text of a length of its own.
fn chosen() -> Layout {
    let mut tree = Tree::default();
    let head = tree.run(vec![text("kind", 1), number("len", 2)]);
    let person = tree.run(vec![text("person.name", 4)]);
    let company = tree.run(vec![number("company.no", 3)]);
    let choice = tree.choice("kind", vec![(&["1", "3"], vec![person]), (&["2"], vec![company])]);
    let memo = tree.tail(text("memo", 6), "len");
    let flag = tree.run(vec![text("flag", 1)]);
    let extra = tree.run(vec![text("extra", 2)]);
    let when = tree.when("flag", &["Y"], vec![extra]);
    tree.layout(7..=16, vec![head, choice, memo, flag, when]).unwrap()
}

#[test]
fn a_key_a_flag_and_a_length_say_what_is_there() {
    let layout = chosen();
    assert_eq!(made(&layout, &[("kind", "3"), ("person.name", "Kim"), ("memo", "hi "), ("flag", "N")]), "303Kim hi N");
    assert_eq!(
        made(&layout, &[("kind", "2"), ("company.no", "7"), ("memo", ""), ("flag", "Y"), ("extra", "ab")]),
        "T13 memo"
    );
    let memo = |memo| [("kind", "2"), ("company.no", "7"), ("memo", memo), ("flag", "Y"), ("extra", "ab")];
    assert_eq!(made(&layout, &memo("x")), "201007xYab");
    assert_eq!(made(&layout, &memo("1234567")), "T07 memo");
    // What the key or the flag does not say is not there.
    assert_eq!(
        made(&layout, &[("kind", "2"), ("company.no", "7"), ("person.name", "Kim"), ("memo", "x"), ("flag", "N")]),
        "T60 person.name"
    );
    assert_eq!(
        made(&layout, &[("kind", "1"), ("person.name", "Kim"), ("memo", "x"), ("flag", "N"), ("extra", "ab")]),
        "T60 extra"
    );
    // Behind a key that chooses nothing, nothing is known.
    assert_eq!(made(&layout, &[("kind", "9"), ("memo", "x"), ("flag", "N")]), "T57 kind");
}

#[test]
fn until_the_end_there_are_as_many_as_are_given() {
    let mut tree = Tree::default();
    let head = tree.run(vec![text("mark", 1)]);
    let body = tree.run(vec![text("rows[].id", 1)]);
    let count = tree.run(vec![number("rows[].count", 1)]);
    let inner = tree.run(vec![text("rows[].parts[].no", 2)]);
    let parts = tree.times("rows[].parts", "rows[].count", 2, vec![inner]);
    let layout = tree.layout(1..=19, vec![head, Tree::until_end("rows", 3, vec![body, count, parts])]).unwrap();
    let values = [
        ("mark", "!"),
        ("rows[1].id", "b"),
        ("rows[0].id", "a"),
        ("rows[0].parts[1].no", "y"),
        ("rows[0].parts[0].no", "x"),
    ];
    assert_eq!(made(&layout, &values), "!a2x y b0");
    assert_eq!(made(&layout, &[("mark", "!")]), "!");
    assert_eq!(made(&layout, &[("mark", "!"), ("rows[0].id", "a"), ("rows[0].parts[1].no", "y")]), "T59 rows[0].parts");
}

/// A bitmap of one byte, of which bit 2 says that there is an amount, and bit 7 that there are two texts, and in them bit 8 a third.
fn bits(bitmap: Field) -> Layout {
    let mut tree = Tree::default();
    let head = tree.run(vec![Field { path: "bits".into(), ..bitmap }]);
    let amount = tree.run(vec![number("amount", 3)]);
    let amount = tree.bit("bits", 2, vec![amount]);
    let texts = tree.run(vec![text("first", 1), Field { by: OPTIONAL, ..text("second", 1) }]);
    let third = tree.run(vec![text("third", 1)]);
    let third = tree.bit("bits", 8, vec![third]);
    let texts = tree.bit("bits", 7, vec![texts, third]);
    tree.layout(2..=8, vec![head, amount, texts]).unwrap()
}

#[test]
fn a_bitmap_that_nobody_gives_says_what_is_given() {
    let layout = bits(text("bits", 2));
    assert_eq!(made(&layout, &[]), "00");
    assert_eq!(made(&layout, &[("amount", "5")]), "40005");
    assert_eq!(made(&layout, &[("first", "a"), ("amount", "")]), "02a ");
    // What stands inside of what a bit is for needs that bit, too.
    assert_eq!(made(&layout, &[("third", "c"), ("first", "a")]), "03a c");
    assert_eq!(made(&layout, &[("third", "c")]), "T13 first");
    // Who gives it must give what is there, and may set other bits.
    assert_eq!(made(&layout, &[("bits", "50"), ("amount", "5")]), "50005");
    assert_eq!(made(&layout, &[("bits", "10"), ("amount", "5")]), "T60 amount");
    assert_eq!(made(&layout, &[("bits", "40")]), "T13 amount");
    assert_eq!(made(&layout, &[("bits", "0x"), ("amount", "5")]), "T64 bits");
}

#[test]
fn bits_that_say_nothing_are_those_of_the_default() {
    let default = |bits: &[u8; 2]| Field { fill: Fill::Default((*bits).into()), ..text("bits", 2) };
    assert_eq!(made(&bits(default(b"b8")), &[("amount", "5")]), "F8005");
    // It says that there is an amount, and there is none.
    assert_eq!(made(&bits(default(b"C0")), &[]), "80");
    let constant = Field { fill: Fill::Const((*b"40").into()), ..text("bits", 2) };
    assert_eq!(made(&bits(constant.clone()), &[("amount", "5")]), "40005");
    assert_eq!(made(&bits(constant), &[]), "T13 amount");
    // It is not this side's to say.
    let theirs = Field { by: ANSWERER, class: Class::Public, ..text("bits", 2) };
    assert_eq!(made(&bits(theirs), &[]), "T64 bits");
}

#[test]
fn each_occurrence_has_a_bitmap_of_its_own() {
    let mut tree = Tree::default();
    let head = tree.run(vec![number("count", 1)]);
    let bits = tree.run(vec![text("rows[].bits", 1)]);
    let a = tree.run(vec![text("rows[].a", 1)]);
    let a = tree.bit("rows[].bits", 1, vec![a]);
    let b = tree.run(vec![text("rows[].b", 1)]);
    let b = tree.bit("rows[].bits", 4, vec![b]);
    let rows = tree.times("rows", "count", 3, vec![bits, a, b]);
    let layout = tree.layout(1..=10, vec![head, rows]).unwrap();
    assert_eq!(
        made(&layout, &[("rows[0].a", "x"), ("rows[1].bits", ""), ("rows[2].a", "y"), ("rows[2].b", "z")]),
        "38x09yz"
    );
}
