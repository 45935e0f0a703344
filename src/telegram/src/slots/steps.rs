//! What is done with each field of a layout when all of them are read, worked out once when the layout is made.
//!
//! Fields of one kind stand together, whatever their order in the telegram: a loop over them asks nothing about kinds, and the processor
//! guesses no jumps. What has no loop of its own goes through [`Field::value`], and so does every field that is not simply right, so that
//! faults and blanks mean the same however a telegram is read.

use alloc::vec::Vec;

use crate::charset::Charset;
use crate::field::{Field, FieldId, Fill, Side, Slice, Unset};
use crate::kind::{Blank, Form, Kind, Number, NumberModes, Sign};
use crate::text::TextModes;

/// The steps of one side's telegrams.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Steps {
    /// Fields that always have a value, then those that may be blank and have none.
    pub(super) kinds: [Kinds; 2],
    /// All others, but for those that may hold anything.
    pub(super) others: Vec<FieldId>,
    /// Where the value of each field is, in the order of the layout.
    pub(super) places: Vec<Place>,
}

/// Steps for which loops are made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Kinds {
    /// Numbers of at most 16 digits.
    pub(super) numbers: Lists,
    /// Numbers of at most 15 digits with a byte for the sign before them.
    pub(super) signed: Vec<Long>,
    /// Codes of at most 8 digits.
    pub(super) codes: Lists,
    /// Texts of at most 16 bytes.
    pub(super) texts: Lists,
}

/// Steps of one kind of field.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Lists {
    pub(super) short: Vec<Short>,
    pub(super) long: Vec<Long>,
}

/// Where a field's value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// The number at an index.
    Number(u16),
    /// The text at an index.
    Text(u16),
    /// Nowhere: it is read when it is asked for.
    Telegram,
}

/// A field that fits a word of eight bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Short {
    /// The bits of the field in a word that ends with it.
    pub(super) mask: u64,
    /// A bit before those of the field, if there is one.
    pub(super) floor: u64,
    /// Where the word begins; nowhere, if the field ends before a word can.
    pub(super) from: u32,
    /// Bits of the field, and seven, so that a part of a byte counts as one.
    pub(super) bits: u8,
    /// Of such a field: by how many bits the telegram's first word is moved up until the field's last byte is the highest; 0 of others.
    pub(super) up: u8,
    pub(super) of: Of,
}

/// A field of 9 to 16 bytes, in two words of which the second one ends with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Long {
    /// The bits of the field in the first word.
    pub(super) mask: u64,
    /// A bit before those of the field, if there is one; of signed numbers the bits in the second word.
    pub(super) floor: u64,
    /// Where the first word begins.
    pub(super) from: u32,
    /// Bits of the field, and seven, so that a part of a byte counts as one.
    pub(super) bits: u8,
    pub(super) of: Of,
}

/// What is known of a field beside its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Of {
    /// Which one it is.
    pub(super) id: FieldId,
    /// Of a text: whether what is not ASCII may be Hangul of KS X 1001.
    pub(super) korean: bool,
}

/// Bytes of a word.
const WORD: u32 = 8;
/// Behind the end of every telegram.
const NOWHERE: u32 = u32::MAX / 2;

/// Where a step was put: in which list, and at which index of it.
struct Put {
    list: List,
    is_blank: bool,
    at: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum List {
    Numbers { is_long: bool },
    Signed,
    Codes,
    Texts { is_long: bool },
}

impl Steps {
    /// The steps of fields that `side` has filled.
    pub(crate) fn new(fields: &[Field], side: Side) -> Self {
        let mut steps = Self::default();
        let telegram_len = fields.last().map_or(0, |field| field.at.offset + field.at.len);
        let mut puts = Vec::with_capacity(fields.len());
        for (field, id) in fields.iter().zip(0..) {
            let put = if telegram_len < WORD { None } else { steps.add(field, FieldId(id), side) };
            if put.is_none() && (field.kind != Kind::Filler || matches!(field.fill, Fill::Const(_))) {
                steps.others.push(FieldId(id));
            }
            puts.push(put);
        }
        steps.places = puts.into_iter().map(|put| put.map_or(Place::Telegram, |put| steps.place(&put))).collect();
        steps
    }

    /// Makes the step of a field, unless no loop is made for such a field.
    fn add(&mut self, field: &Field, id: FieldId, side: Side) -> Option<Put> {
        // Every member is named, so that whoever adds one thinks of this.
        let Field { path: _, label: _, at, kind, charset, class: _, by, fill, unset, equal: _, echo: _, text } = field;
        if matches!(fill, Fill::Const(_) | Fill::Computed(_)) || charset.decode.is_ebcdic() || at.len > 2 * WORD {
            return None;
        }
        let is_long = at.len > WORD;
        let is_ours = by.fills(side);
        let zeros = !is_ours || (by.optional && *unset == Unset::Zero);
        let (list, is_blank) = match kind {
            // Nobody can tell a number of ours that was left out from one that is nought; spaces are no digits.
            Kind::Number(number)
                if number.lenient != NumberModes::default() || number.blank != Blank::Fault || number.has_beside() =>
            {
                return None;
            }
            Kind::Number(Number { form: Form::Zoned(Sign::Absent), .. }) => (List::Numbers { is_long }, !is_ours),
            Kind::Number(Number { form: Form::Zoned(Sign::Leading), .. }) if at.len > 1 => (List::Signed, !is_ours),
            Kind::Code if !is_long => (List::Codes, zeros),
            Kind::Text
                if text.right || text.lenient != TextModes::STRICT || text.pad.is_some_and(|pad| pad != b' ') =>
            {
                return None;
            }
            Kind::Text => (List::Texts { is_long }, zeros || by.optional),
            _ => return None,
        };
        let korean = matches!(charset.decode, Charset::EucKr | Charset::Cp949 | Charset::Ms949);
        let of = Of { id, korean };
        let [sure, maybe] = &mut self.kinds;
        let kinds = if is_blank { maybe } else { sure };
        let lists = match list {
            List::Signed => {
                kinds.signed.push(Long::signed(field, of)?);
                return Some(Put { list, is_blank, at: kinds.signed.len() - 1 });
            }
            List::Numbers { .. } => &mut kinds.numbers,
            List::Codes => &mut kinds.codes,
            List::Texts { .. } => &mut kinds.texts,
        };
        let at = if is_long { lists.add_long(field, of)? } else { lists.add_short(field, of) };
        Some(Put { list, is_blank, at })
    }

    /// The index among all numbers or all texts, which are read list by list.
    fn place(&self, put: &Put) -> Place {
        let [first, second] = &self.kinds;
        let of_kind = if put.is_blank { second } else { first };
        let before = if put.is_blank { first.counts() } else { (0, 0) };
        let short = |lists: &Lists, is_long| if is_long { lists.short.len() } else { 0 };
        // A layout has no more fields than that.
        let index = |at: usize| u16::try_from(at).unwrap_or(u16::MAX);
        match put.list {
            List::Numbers { is_long } => Place::Number(index(before.0 + short(&of_kind.numbers, is_long) + put.at)),
            List::Signed => {
                let unsigned = of_kind.numbers.short.len() + of_kind.numbers.long.len();
                Place::Number(index(before.0 + unsigned + put.at))
            }
            List::Codes => Place::Text(index(before.1 + put.at)),
            List::Texts { is_long } => {
                let codes = of_kind.codes.short.len();
                Place::Text(index(before.1 + codes + short(&of_kind.texts, is_long) + put.at))
            }
        }
    }

    /// How many numbers, and how many texts, there are.
    pub(super) const fn counts(&self) -> (usize, usize) {
        let [first, second] = &self.kinds;
        let (first, second) = (first.counts(), second.counts());
        (first.0 + second.0, first.1 + second.1)
    }
}

impl Kinds {
    /// How many numbers, and how many texts, there are.
    pub(super) const fn counts(&self) -> (usize, usize) {
        let (numbers, texts) = (&self.numbers, &self.texts);
        (
            numbers.short.len() + numbers.long.len() + self.signed.len(),
            self.codes.short.len() + texts.short.len() + texts.long.len(),
        )
    }
}

impl Lists {
    fn add_short(&mut self, field: &Field, of: Of) -> usize {
        self.short.push(Short::new(field, of));
        self.short.len() - 1
    }

    fn add_long(&mut self, field: &Field, of: Of) -> Option<usize> {
        let step = Long::new(field, of)?;
        self.long.push(step);
        Some(self.long.len() - 1)
    }
}

impl Short {
    fn new(field: &Field, of: Of) -> Self {
        let end = field.at.offset + field.at.len;
        let (mask, floor) = place(WORD, field);
        Self {
            mask,
            floor,
            from: end.checked_sub(WORD).unwrap_or(NOWHERE),
            bits: bits(field.at.len) + 7,
            up: bits(WORD.saturating_sub(end)),
            of,
        }
    }
}

impl Long {
    /// Of the digits behind a sign.
    fn signed(field: &Field, of: Of) -> Option<Self> {
        let at = Slice { offset: field.at.offset + 1, len: field.at.len - 1 };
        let from = (at.offset + at.len).checked_sub(2 * WORD)?;
        let (first, last) = (at.len.saturating_sub(WORD), at.len.min(WORD));
        let [mask, floor] = [first, last].map(|len| u64::MAX.unbounded_shl(8 * (WORD - len)));
        Some(Self { mask, floor, from, bits: bits(at.len) + 7, of })
    }

    /// `None` if it ends before two words can.
    fn new(field: &Field, of: Of) -> Option<Self> {
        let from = (field.at.offset + field.at.len).checked_sub(2 * WORD)?;
        let (mask, floor) = place(2 * WORD, field);
        Some(Self { mask, floor, from, bits: bits(field.at.len) + 7, of })
    }
}

/// The bits of a field in the first word of a place that ends with it, and the one before them.
fn place(bytes: u32, field: &Field) -> (u64, u64) {
    let before = 8 * bytes.saturating_sub(field.at.len);
    (u64::MAX << before, before.checked_sub(1).map_or(0, |bit| 1 << bit))
}

fn bits(bytes: u32) -> u8 {
    u8::try_from(8 * bytes).unwrap_or(u8::MAX)
}
