//! What is done with each field of a layout when all of them are written, worked out once when the layout is made.
//!
//! As in reading, fields of one kind and about one length stand together, so that a loop over them asks nothing about kinds. What has no
//! loop of its own is written by [`Field::fill_in`], behind a telegram of which all else is written.

use alloc::vec::Vec;

use crate::charset::Charset;
use crate::field::{Echo, Field, FieldId, Fill, Side};
use crate::kind::{Blank, Form, Kind, Number, Sign};
use crate::text::Wide;

/// How one side writes a telegram.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Writes {
    /// The telegram of a side that gives nothing; spaces where a text is that must be given.
    pub(super) template: Vec<u8>,
    /// Its bytes, and those of its longest field that has no loop, which is written behind it first.
    pub(super) room: usize,
    /// Fields that must be given, then those that need not be.
    pub(super) kinds: [Kinds; 2],
    /// All others.
    pub(super) others: Vec<Other>,
    /// Where the value of each field is, in the order of the layout.
    pub(super) places: Vec<Place>,
}

/// Steps for which loops are made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Kinds {
    /// Numbers of at most 4 digits, of at most 8, of at most 16.
    pub(super) numbers: [Vec<Digits>; 3],
    /// Numbers of 8 to 15 digits, and a byte for the sign before them.
    pub(super) signed: Vec<Digits>,
    /// Codes of at most 8 digits.
    pub(super) codes: Vec<Letters>,
    /// Texts of one byte, of at most 4, of at most 12, of at most 16.
    pub(super) texts: [Vec<Letters>; 4],
}

/// A number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Digits {
    /// The largest one of so many digits.
    pub(super) max: u64,
    /// Its first byte.
    pub(super) at: u32,
    /// In bytes.
    pub(super) len: u8,
    /// Bits of the digits that it has less than a word, or two words of which it ends the second one.
    pub(super) less: u8,
}

/// A text or code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Letters {
    /// Its first byte.
    pub(super) at: u32,
    /// In bytes.
    pub(super) len: u8,
    /// What it is written in; of ASCII's kind.
    pub(super) charset: Charset,
}

/// A field without a loop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Other {
    pub(super) id: FieldId,
    pub(super) is_needed: bool,
}

/// Where a field's value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// The number at an index.
    Number(u16),
    /// The text at an index.
    Text(u16),
    /// The other value at an index.
    Other(u16),
}

/// Which loop writes a field.
#[derive(Clone, Copy)]
enum Loop {
    Numbers(usize),
    Signed,
    Codes,
    Texts(usize),
}

/// Where a step was put, and at which index there.
enum Put {
    Loop { list: Loop, is_needed: bool, at: usize },
    Other(usize),
}

/// How many numbers, texts and other values there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) numbers: usize,
    pub(super) texts: usize,
    pub(super) others: usize,
}

impl Writes {
    /// How `side` writes these fields, which lie one behind the other.
    pub(crate) fn new(fields: &[Field], side: Side) -> Self {
        let mut writes = Self::default();
        let mut puts = Vec::with_capacity(fields.len());
        for (field, id) in fields.iter().zip(0..) {
            let start = writes.template.len();
            let is_needed = field.fill_in(side, None, &mut writes.template).is_err();
            if is_needed {
                let fill = if field.kind == Kind::Text { b' ' } else { field.unset_byte() };
                writes.template.resize(start + field.at.range().len(), fill);
            }
            let absent = writes.template.get(start..).unwrap_or_default();
            puts.push(match Loop::of(field, side, absent) {
                Some(list) => {
                    let [sure, maybe] = &mut writes.kinds;
                    let kinds = if is_needed { sure } else { maybe };
                    Put::Loop { list, is_needed, at: kinds.add(list, field) }
                }
                None => {
                    writes.others.push(Other { id: FieldId(id), is_needed });
                    writes.room = writes.room.max(field.at.range().len());
                    Put::Other(writes.others.len() - 1)
                }
            });
        }
        writes.room += writes.template.len();
        writes.places = puts.into_iter().map(|put| writes.place(put)).collect();
        writes
    }

    /// The index among all numbers or all texts, which are written list by list.
    fn place(&self, put: Put) -> Place {
        // A layout has no more fields than that.
        let index = |at: usize| u16::try_from(at).unwrap_or(u16::MAX);
        let (list, is_needed, at) = match put {
            Put::Other(at) => return Place::Other(index(at)),
            Put::Loop { list, is_needed, at } => (list, is_needed, at),
        };
        let [sure, maybe] = &self.kinds;
        let kinds = if is_needed { sure } else { maybe };
        let before = if is_needed { Counts::default() } else { sure.counts() };
        let lens = |lists: &[Vec<Digits>]| lists.iter().map(Vec::len).sum::<usize>();
        match list {
            Loop::Numbers(list) => {
                let lists = kinds.numbers.get(..list).unwrap_or_default();
                Place::Number(index(before.numbers + lens(lists) + at))
            }
            Loop::Signed => Place::Number(index(before.numbers + lens(&kinds.numbers) + at)),
            Loop::Codes => Place::Text(index(before.texts + at)),
            Loop::Texts(list) => {
                let lists = kinds.texts.get(..list).unwrap_or_default().iter();
                Place::Text(index(before.texts + kinds.codes.len() + lists.map(Vec::len).sum::<usize>() + at))
            }
        }
    }

    /// How many values there are of each kind.
    pub(super) fn counts(&self) -> Counts {
        let [sure, maybe] = &self.kinds;
        let (sure, maybe) = (sure.counts(), maybe.counts());
        let (numbers, texts) = (sure.numbers + maybe.numbers, sure.texts + maybe.texts);
        Counts { numbers, texts, others: self.others.len() }
    }
}

impl Kinds {
    fn counts(&self) -> Counts {
        Counts {
            numbers: self.numbers.iter().map(Vec::len).sum::<usize>() + self.signed.len(),
            texts: self.codes.len() + self.texts.iter().map(Vec::len).sum::<usize>(),
            others: 0,
        }
    }

    /// Returns its place in its list.
    fn add(&mut self, put: Loop, field: &Field) -> usize {
        let at = field.at.offset;
        let len = u8::try_from(field.at.len).unwrap_or(u8::MAX);
        let digits = |width: u8| {
            let count = if let Kind::Number(number) = &field.kind { number.digits } else { 0 };
            Digits { max: 10_u64.pow(count.into()) - 1, at, len, less: 8 * (width - count) }
        };
        let letters = Letters { at, len, charset: field.charset.encode };
        let (numbers, step) = match put {
            Loop::Numbers(list @ ..2) => (self.numbers.get_mut(list), digits(8)),
            Loop::Numbers(list) => (self.numbers.get_mut(list), digits(16)),
            Loop::Signed => (None, digits(16)),
            Loop::Codes => return pushed(&mut self.codes, letters),
            Loop::Texts(list) => {
                return self.texts.get_mut(list).map_or(usize::MAX, |texts| pushed(texts, letters));
            }
        };
        match numbers {
            Some(numbers) => pushed(numbers, step),
            None => pushed(&mut self.signed, step),
        }
    }
}

fn pushed<T>(list: &mut Vec<T>, step: T) -> usize {
    list.push(step);
    list.len() - 1
}

impl Loop {
    /// `absent`: what is written if there is no value.
    fn of(field: &Field, side: Side, absent: &[u8]) -> Option<Self> {
        // Every member is named, so that whoever adds one thinks of this.
        let Field { path: _, label: _, at, kind, charset, class: _, by, fill, unset: _, equal: _, echo, text } = field;
        let (is_ours, is_carried_back) = (by.fills(side), side == Side::Answerer && *echo != Echo::No);
        let may_be_given = match fill {
            Fill::Const(_) | Fill::Computed(_) => false,
            Fill::Stamped => is_carried_back,
            Fill::Given | Fill::Default(_) => is_ours || is_carried_back,
        };
        let charset = charset.encode;
        if !may_be_given || charset.is_ebcdic() || at.len > 16 {
            return None;
        }
        match kind {
            Kind::Number(number) if number.blank != Blank::Fault || number.has_beside() => None,
            Kind::Number(Number { form: Form::Zoned(Sign::Absent), .. }) => Some(Self::Numbers(match at.len {
                ..=4 => 0,
                5..=8 => 1,
                _ => 2,
            })),
            Kind::Number(Number { form: Form::Zoned(Sign::Leading), digits: 8.., .. }) => Some(Self::Signed),
            Kind::Text if text.right || text.pad.is_some_and(|pad| pad != b' ') || text.wide != Wide::No => None,
            // What is left out is then as a text of no letters.
            Kind::Text if charset == Charset::Utf8 || absent.iter().any(|byte| *byte != b' ') => None,
            Kind::Text => Some(Self::Texts(match at.len {
                1 => 0,
                2..=4 => 1,
                5..=12 => 2,
                _ => 3,
            })),
            Kind::Code if at.len <= 8 => Some(Self::Codes),
            _ => None,
        }
    }
}
