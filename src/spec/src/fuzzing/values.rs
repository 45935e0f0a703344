//! Values for a layout, as one side would fill them, and what must be read of them.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;
use alloc::{format, vec};
use core::ops::Range;

use pabal_telegram::{
    Blank, Computed, Decimal, Echo, Field, FieldId, Fill, Form, Kind, Layout, Node, Number, Side, Slice, Test, Times,
    Value, Wide,
};

use super::draw::Draw;

/// What must be read of a cell.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Expected {
    /// This value.
    Value(Value),
    /// These bytes, and what they say.
    Bytes(Vec<u8>),
    /// Nothing; of a number that its side fills, also nought.
    LeftOut,
    /// What the rest of the telegram says, which reading compares.
    Computed,
}

/// The values of a telegram.
#[derive(Debug, Default)]
pub(super) struct Filled {
    /// As a caller gives them.
    pub(super) given: Vec<(String, Value)>,
    /// Every cell that comes of them, in order.
    pub(super) expected: Vec<(String, Expected)>,
    /// This side does not fill a key, and no branch is for a key that is left out: the telegram is the other side's alone.
    pub(super) is_impossible: bool,
}

/// Values that this side may give, of which nothing is lost.
pub(super) fn fill(layout: &Layout, side: Side, draw: &mut Draw<'_>) -> Filled {
    let mut filler = Filler {
        layout,
        side,
        draw,
        keys: BTreeMap::new(),
        maxima: BTreeMap::new(),
        tails: BTreeMap::new(),
        texts: BTreeMap::new(),
        bitmaps: BTreeMap::new(),
        said: Vec::new(),
        saying: BTreeMap::new(),
        decided: BTreeMap::new(),
        filled: Filled::default(),
    };
    filler.learn(layout.root());
    filler.nodes(layout.root(), &[]);
    filler.leave_bitmaps_out();
    filler.filled
}

/// A bitmap that was given.
struct Said {
    /// Its place among what is given.
    at: usize,
    digits: String,
    /// Bits that say whether something is there, and what was given of it.
    bits: Vec<(u16, Range<usize>)>,
}

/// Whether a caller on this side may give the field.
pub(super) fn is_giveable(field: &Field, side: Side) -> bool {
    field.may_be_given_by(side) && (field.fill != Fill::Stamped || (side == Side::Answerer && field.echo != Echo::No))
}

/// The path of one occurrence.
fn path(of: &str, indices: &[usize]) -> String {
    let mut pieces = of.split("[]");
    let mut path = String::from(pieces.next().unwrap_or_default());
    for (index, piece) in indices.iter().zip(pieces) {
        path.push_str(&format!("[{index}]{piece}"));
    }
    path
}

struct Filler<'l, 's, 'd> {
    layout: &'l Layout,
    side: Side,
    draw: &'s mut Draw<'d>,
    /// For each field that decides, the keys that it may hold; and whether it may hold others.
    keys: BTreeMap<FieldId, (Vec<&'l [u8]>, bool)>,
    /// For each field that counts, how much it may count.
    maxima: BTreeMap<FieldId, u16>,
    /// For each field that says a length, the text and the most that it can have.
    tails: BTreeMap<FieldId, FieldId>,
    /// The texts that are as long as was said.
    texts: BTreeMap<FieldId, String>,
    /// Fields that say by their bits what is there.
    bitmaps: BTreeMap<FieldId, Vec<u16>>,
    /// Every bitmap that was given, outer ones before those inside of them, and which one of them each field was last.
    said: Vec<Said>,
    saying: BTreeMap<FieldId, usize>,
    /// What those fields said last.
    decided: BTreeMap<FieldId, Vec<u8>>,
    filled: Filled,
}

impl<'l> Filler<'l, '_, '_> {
    fn learn(&mut self, nodes: &'l [Node]) {
        for node in nodes {
            match node {
                Node::Repeat(repeat) => {
                    if let Times::Field(by) = repeat.times {
                        let max = self.maxima.entry(by).or_insert(repeat.max);
                        *max = repeat.max.min(*max);
                    }
                    self.learn(&repeat.body);
                }
                Node::Choice(choice) => {
                    let (keys, others) = self.keys.entry(choice.by).or_insert((Vec::new(), true));
                    keys.extend(choice.branches.iter().flat_map(|branch| &branch.keys).map(|key| &**key));
                    *others &= choice.branches.last().is_some_and(|last| last.keys.is_empty());
                    choice.branches.iter().for_each(|branch| self.learn(&branch.body));
                }
                Node::When(when) => {
                    match &when.test {
                        Test::AnyOf(any_of) => {
                            let (keys, _) = self.keys.entry(when.by).or_insert((Vec::new(), true));
                            keys.extend(any_of.iter().map(|key| &**key));
                        }
                        Test::Bit(bit) => self.bitmaps.entry(when.by).or_default().push(*bit),
                    }
                    self.learn(&when.body);
                }
                Node::Tail(tail) => drop(self.tails.insert(tail.len, tail.field)),
                _ => {}
            }
        }
    }

    fn nodes(&mut self, nodes: &'l [Node], indices: &[usize]) {
        for node in nodes {
            match node {
                Node::Run { first, end } => (first.0..end.0).for_each(|id| self.cell(FieldId(id), indices)),
                Node::Repeat(repeat) => {
                    let times = match repeat.times {
                        Times::Field(by) => self.decided.get(&by).and_then(|times| times.first()).copied().unwrap_or(0),
                        Times::UntilEnd => self.draw_times(repeat.max),
                    };
                    for index in 0..usize::from(times) {
                        self.nodes(&repeat.body, &[indices, &[index]].concat());
                    }
                }
                Node::Choice(choice) => {
                    let key = self.decided.get(&choice.by).map_or(&[][..], |key| key);
                    let has = |keys: &Vec<_>| {
                        keys.is_empty() || keys.iter().any(|known: &alloc::boxed::Box<[u8]>| **known == *key)
                    };
                    match choice.branches.iter().find(|branch| has(&branch.keys)) {
                        Some(branch) => self.nodes(&branch.body, indices),
                        None => self.filled.is_impossible = true,
                    }
                }
                Node::When(when) => {
                    let key = self.decided.get(&when.by).map_or(&[][..], |key| key);
                    let holds = match &when.test {
                        Test::AnyOf(any_of) => any_of.iter().any(|wanted| **wanted == *key),
                        Test::Bit(bit) => {
                            let field = self.layout.field(when.by);
                            let text = field.and_then(|field| field.charset.encode.decode(key).ok());
                            let bits = text.and_then(|text| u32::from_str_radix(&text, 16).ok()).unwrap_or(0);
                            bits >> (8 - bit) & 1 == 1
                        }
                    };
                    let start = self.filled.given.len();
                    if holds {
                        self.nodes(&when.body, indices);
                    }
                    let given = start..self.filled.given.len();
                    let said = self.saying.get(&when.by).and_then(|at| self.said.get_mut(*at));
                    if let (Test::Bit(bit), Some(said)) = (&when.test, said) {
                        said.bits.push((*bit, given));
                    }
                }
                Node::Tail(tail) => {
                    let Some(field) = self.layout.field(tail.field) else { continue };
                    let (path, text) = (path(&field.path, indices), self.texts.remove(&tail.field).unwrap_or_default());
                    self.filled.given.push((path.clone(), Value::from(text.as_str())));
                    self.filled.expected.push((path, Expected::Value(Value::from(text))));
                }
                _ => unreachable!("a node that is not known here"),
            }
        }
    }

    /// A bitmap that says what is given, and nothing else, need not be given.
    fn leave_bitmaps_out(&mut self) {
        // Inner ones first: what is left out of an outer one's fields does not say that there are any.
        for said in core::mem::take(&mut self.said).into_iter().rev() {
            let has_value = |given: &Range<usize>| {
                let given = self.filled.given.get(given.clone()).unwrap_or_default();
                given.iter().any(|(_, value)| *value != Value::Null)
            };
            let set =
                said.bits.iter().filter(|(_, given)| has_value(given)).fold(0_u32, |set, (bit, _)| set | 256 >> bit);
            let given = self.filled.given.get_mut(said.at);
            if let (true, Some((_, value))) = (format!("{set:02X}") == said.digits && self.draw.once_in(2), given) {
                *value = Value::Null;
            }
        }
    }

    fn draw_times(&mut self, max: u16) -> u8 {
        u8::try_from(self.draw.below(usize::from(max) + 1)).unwrap_or(0)
    }

    fn cell(&mut self, id: FieldId, indices: &[usize]) {
        let Some(field) = self.layout.field(id) else { return };
        let path = path(&field.path, indices);
        if matches!(&field.fill, Fill::Computed(computed) if computed.is_written()) {
            self.filled.given.push((path.clone(), Value::Null));
            self.filled.expected.push((path, Expected::Computed));
            return;
        }
        let max = self.maxima.get(&id).copied().filter(|_| is_giveable(field, self.side));
        if let Some(max) = max {
            let times = self.draw_times(max);
            self.decided.insert(id, vec![times]);
            // It counts by itself; who says it must say the same.
            if self.draw.once_in(2) {
                self.filled.given.push((path.clone(), Value::from(times)));
            }
            self.filled.expected.push((path, Expected::Value(Value::from(times))));
            return;
        }
        if let Some(tail) = self.tails.get(&id).and_then(|tail| self.layout.field(*tail).map(|field| (*tail, field))) {
            let text = self.tail(tail.1);
            let mut bytes = Vec::new();
            assert!(tail.1.charset.encode.encode(&text, &mut bytes).is_ok(), "{text:?}");
            self.texts.insert(tail.0, text);
            let len = Value::from(u32::try_from(bytes.len()).unwrap_or(u32::MAX));
            if self.draw.once_in(2) {
                self.filled.given.push((path.clone(), len.clone()));
            }
            self.filled.expected.push((path, Expected::Value(len)));
            return;
        }
        if let Some(bits) = self.bitmaps.get(&id).cloned() {
            let digits = if self.draw.once_in(2) {
                (0..2).map(|_| *self.draw.one_of(&['0', '1', '5', '8', 'A', 'F'])).collect()
            } else {
                // Nothing but what is asked for.
                let set = bits.iter().filter(|_| self.draw.once_in(2)).fold(0_u32, |set, bit| set | 256 >> bit);
                format!("{set:02X}")
            };
            self.saying.insert(id, self.said.len());
            self.said.push(Said { at: self.filled.given.len(), digits: digits.clone(), bits: Vec::new() });
            let value = Value::from(digits.as_str());
            let mut bytes = Vec::new();
            assert!(field.encode(&value, &mut bytes).is_ok(), "hexadecimal digits are in every charset");
            self.decided.insert(id, bytes.clone());
            self.filled.given.push((path.clone(), value));
            self.filled.expected.push((path, Expected::Bytes(bytes)));
            return;
        }
        let (value, expected) = self.value(id, field);
        self.filled.given.push((path.clone(), value));
        self.filled.expected.push((path, expected));
    }

    /// A text of any length that its field can have; spaces at its ends are its own.
    fn tail(&mut self, field: &Field) -> String {
        let mut text = String::new();
        for _ in 0..self.draw.below(field.at.range().len() + 1) {
            let longer = format!("{text}{}", self.draw.one_of(&LETTERS));
            if is_kept(field, &longer) {
                text = longer;
            }
        }
        text
    }

    /// A value, or `Null` to leave the field out; and what is read then.
    fn value(&mut self, id: FieldId, field: &Field) -> (Value, Expected) {
        let ours = field.by.fills(self.side);
        let left_out = match &field.fill {
            Fill::Const(bytes) | Fill::Default(bytes) if ours => Expected::Bytes(bytes.to_vec()),
            _ if field.kind == Kind::Filler => Expected::Bytes(vec![field.unset_byte(); field.at.range().len()]),
            _ => Expected::LeftOut,
        };
        let may_be_left_out = !ours
            || field.by.optional
            || !matches!(field.fill, Fill::Given | Fill::Computed(_))
            || matches!(field.kind, Kind::Number(number) if number.blank == Blank::Null);
        let is_key = self.keys.contains_key(&id);
        let is_const = matches!(field.fill, Fill::Const(_));
        if !is_giveable(field, self.side) || is_const || (may_be_left_out && !is_key && self.draw.once_in(3)) {
            let mut bytes = Vec::new();
            if let (true, Expected::Bytes(value)) = (is_key, &left_out) {
                bytes.clone_from(value);
            } else if is_key {
                let made = field.encode(&Value::Null, &mut bytes);
                assert!(made.is_ok(), "nothing fits");
            }
            self.decided.insert(id, bytes);
            return (Value::Null, left_out);
        }
        let value = match self.keys.get(&id).cloned() {
            Some((keys, others)) if !others || !self.draw.once_in(3) => {
                let key = *self.draw.one_of(&keys);
                read(field, key)
            }
            _ => value(field, self.draw),
        };
        let mut bytes = Vec::new();
        let made = field.encode(&value, &mut bytes);
        assert!(made.is_ok(), "{}: {value:?} cannot be written: {made:?}", field.path);
        self.decided.insert(id, bytes.clone());
        // What looks like the fill of a field that was left out reads as left out.
        let fills = [field.charset.decode.blank(), field.charset.decode.digit_zero(), 0];
        let looks_left_out = fills.iter().any(|fill| bytes.iter().all(|byte| byte == fill));
        let is_nought = matches!(value, Value::Number(number) if number.units == 0);
        let expected = if field.kind != Kind::Filler && (looks_left_out || (is_nought && !ours)) {
            Expected::Bytes(bytes)
        } else {
            Expected::Value(value.clone())
        };
        (value, expected)
    }
}

/// What these bytes say.
fn read(field: &Field, bytes: &[u8]) -> Value {
    let mut telegram = vec![b' '; field.at.range().start];
    telegram.extend_from_slice(bytes);
    let side = if field.by.asker { Side::Asker } else { Side::Answerer };
    let read = field.value(&telegram, side).map(|value| value.to_value());
    read.unwrap_or_else(|fault| unreachable!("{fault}"))
}

/// A value that the field can hold, and that is read as it was given.
fn value(field: &Field, draw: &mut Draw<'_>) -> Value {
    let len = field.at.range().len();
    match &field.kind {
        Kind::Text => Value::Text(text(field, draw)),
        Kind::Lines { each } => {
            let at = Slice { offset: 0, len: *each };
            let line = Field { at, kind: Kind::Text, ..field.clone() };
            let count = 1 + draw.below(len / at.range().len());
            let lines: Vec<String> = (0..count).map(|_| text(&line, draw)).collect();
            Value::Text(lines.join("\n").trim_end_matches('\n').into())
        }
        Kind::Number(number) => Value::Number(self::number(*number, draw)),
        Kind::Code => {
            let mut digits: Vec<u8> = (0..len).map(|_| u8::try_from(draw.below(10)).unwrap_or(0)).collect();
            if let (Fill::Computed(Computed::OwnDigit { by }), Some((own, before))) =
                (&field.fill, digits.split_last_mut())
            {
                *own = by.of(before);
            }
            Value::Text(digits.into_iter().map(|digit| char::from(b'0' + digit)).collect())
        }
        Kind::Stamp(stamp) => Value::Text(self::stamp(&stamp.pattern, draw)),
        Kind::Filler => Value::Bytes((0..len).map(|_| draw.byte()).collect()),
        _ => unreachable!("a kind that is not known here"),
    }
}

/// Letters of every kind that some charset has and others have not: of one byte, of two, of KS X 1001 and beyond it, of the user.
const LETTERS: [char; 24] = [
    'A', 'z', '5', '0', ' ', '-', '*', '#', 'é', '£', '€', '가', '힣', '홍', '똠', '뷁', '金', '鼠', 'ㄱ', '①', 'Ａ',
    '　', '\u{E000}', '\u{E0BB}',
];

/// A text that fills the field at most, and begins and ends with what is no padding.
fn text(field: &Field, draw: &mut Draw<'_>) -> String {
    let mut text = String::new();
    for _ in 0..draw.below(field.at.range().len() + 2) {
        let letter = *draw.one_of(&LETTERS);
        let longer = format!("{text}{}", if field.text.wide == Wide::No { letter } else { widened(letter) });
        if is_kept(field, &format!("{longer}A")) || is_kept(field, &format!("{longer}Ａ")) {
            text = longer;
        }
    }
    let pads = [' ', '　', '0', '*', '-', '#', '5'];
    let text = text.trim_matches(|letter| pads.contains(&letter));
    match text {
        // A field of one byte in a charset that has letters of one byte, or a wide one of two; else nothing fits.
        "" if field.text.wide == Wide::No && is_kept(field, "B") => "B".into(),
        "" if is_kept(field, "Ｂ") => "Ｂ".into(),
        text => text.into(),
    }
}

const fn widened(letter: char) -> char {
    match letter {
        ' ' => '　',
        '!'..='~' => match char::from_u32(letter as u32 + 0xFEE0) {
            Some(wide) => wide,
            None => letter,
        },
        other => other,
    }
}

/// Whether the text fits, and is read as it was.
fn is_kept(field: &Field, text: &str) -> bool {
    let mut bytes = Vec::new();
    let written = field.charset.encode.encode(text, &mut bytes).is_ok() && bytes.len() <= field.at.range().len();
    written && field.charset.decode.decode(&bytes).is_ok_and(|read| read == text)
}

fn number(number: Number, draw: &mut Draw<'_>) -> Decimal {
    // Decimals in another field belong to the value.
    let decimals = number.fraction.map_or(0, |near| near.len);
    let digits = u32::from(number.digits) + decimals;
    let drawn = draw.number(digits);
    let most = 10_u128.saturating_pow(digits) - 1;
    let largest = match number.form {
        Form::Binary { bytes, signed, .. } => (u128::MAX >> (128 - 8 * u32::from(bytes))) >> u32::from(signed),
        _ => u128::MAX,
    };
    let units = match draw.below(8) {
        7 => most.min(largest),
        _ => drawn.min(largest),
    };
    let units = i128::try_from(units).unwrap_or(0);
    Decimal {
        units: if number.is_signed() && draw.once_in(2) { -units } else { units },
        scale: number.scale + u8::try_from(decimals).unwrap_or(0),
    }
}

/// A date or time that there is.
fn stamp(pattern: &str, draw: &mut Draw<'_>) -> String {
    let mut rest = pattern;
    let mut text = String::new();
    while let Some(first) = rest.chars().next() {
        let parts = [
            ("YYYY", 1970, 130),
            ("YY", 0, 100),
            ("MM", 1, 12),
            ("DD", 1, 28),
            ("hh", 0, 24),
            ("mm", 0, 60),
            ("ss", 0, 60),
        ];
        match parts.into_iter().find(|(part, ..)| rest.starts_with(part)) {
            Some((part, from, count)) => {
                text.push_str(&format!("{:0width$}", from + draw.below(count), width = part.len()));
                rest = rest.get(part.len()..).unwrap_or_default();
            }
            None => {
                text.push(first);
                rest = rest.get(1..).unwrap_or_default();
            }
        }
    }
    text
}
