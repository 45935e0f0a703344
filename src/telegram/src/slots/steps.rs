//! What is done with each field of a layout when all of them are read, worked out once when the layout is made.
//!
//! Fields of one kind stand together, whatever their order in the telegram: a loop over them asks nothing about kinds, and the processor
//! guesses no jumps. Bytes that can be of one class only are judged before, all at once ([`Classes`]). What has no loop of its own goes
//! through [`Field::value`], and so does every field that is not simply right, so that faults and blanks mean the same however a telegram
//! is read.

use alloc::vec::Vec;

use super::classes::{Class, Classes};
use super::window::{LEN, Window};
use crate::charset::Charset;
use crate::field::{Field, FieldId, Fill, Side, Slice, Unset};
use crate::kind::{Blank, Form, Kind, Number, NumberModes, Sign};
use crate::text::TextModes;

/// The steps of one side's telegrams.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Steps {
    pub(super) classes: Classes,
    pub(super) numbers: Numbers,
    pub(super) texts: Texts,
    /// All others, but for those that may hold anything.
    pub(super) others: Vec<FieldId>,
    /// Where the value of each field is, in the order of the layout.
    pub(super) places: Vec<Place>,
    /// How many numbers there are, and how many texts.
    pub(super) counts: (usize, usize),
}

/// Numbers of at most sixteen digits. Their values stand in this order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Numbers {
    pub(super) plain: Vec<Digits>,
    /// Those that end before a window can.
    pub(super) early: Vec<Digits>,
    /// With a byte for the sign before them.
    pub(super) signed: Vec<Digits>,
    /// Those that may be blank; their bytes have no class.
    pub(super) loose: Vec<Digits>,
}

/// Texts. Their values stand in this order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Texts {
    /// Codes: fields of digits, of which nothing is left to be asked.
    pub(super) codes: Vec<Code>,
    /// Texts of at most sixteen bytes.
    pub(super) plain: Vec<Letters>,
    /// Those that begin too late for a window.
    pub(super) late: Vec<Letters>,
    /// Codes that may be blank; their bytes have no class.
    pub(super) loose_codes: Vec<Letters>,
    /// Texts of which the same is true.
    pub(super) loose: Vec<Letters>,
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

/// How a number is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Digits {
    /// What digits are in the bytes of a window that ends with them.
    pub(super) mask: Window,
    /// Where the window begins.
    pub(super) from: u32,
    /// If they end before a window can: by how many bits the first window is moved up until they end with it.
    pub(super) up: u32,
    /// Where the sign is, if there is one.
    pub(super) sign: Option<u32>,
    pub(super) of: Of,
}

/// A code of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Code {
    pub(super) len: u16,
    id: FieldId,
}

/// How a text is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Letters {
    /// Where its window begins.
    pub(super) from: u32,
    /// How many bytes behind that it begins itself.
    pub(super) shift: u32,
    /// How many bytes it has.
    pub(super) len: u32,
    /// They in the window, a bit for each.
    pub(super) field: u32,
    /// The first ones of its pairs of bytes.
    pub(super) pairs: u32,
    /// Which of all texts it is.
    pub(super) at: usize,
    pub(super) of: Of,
}

/// What is known of a field beside its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Of {
    /// Which one it is.
    pub(super) id: FieldId,
    /// Of a text: whether what is not ASCII may be Hangul of KS X 1001.
    pub(super) korean: bool,
    /// Whether it has no value if it is all spaces, and if it is all zeros.
    pub(super) no_spaces: bool,
    pub(super) no_zeros: bool,
}

impl Steps {
    /// The steps of fields that `side` has filled.
    pub(crate) fn new(fields: &[Field], side: Side) -> Self {
        let mut steps = Self::default();
        let mut classed = Vec::new();
        let len = fields.last().map_or(0, |field| field.at.offset + field.at.len);
        for (field, id) in fields.iter().zip((0..).map(FieldId)) {
            let is_put = len >= LEN && steps.add(field, id, side, len, &mut classed).is_some();
            if !is_put && (field.kind != Kind::Filler || matches!(field.fill, Fill::Const(_))) {
                steps.others.push(id);
            }
            steps.places.push(Place::Telegram);
        }
        steps.classes = Classes::new(len, &classed);
        for (index, id) in (0..).zip(steps.numbers.ids()) {
            steps.places.get_mut(id.index()).into_iter().for_each(|place| *place = Place::Number(index));
        }
        for (index, id) in (0..).zip(steps.texts.ids()) {
            steps.places.get_mut(id.index()).into_iter().for_each(|place| *place = Place::Text(index));
        }
        steps.texts.number();
        steps.counts = (steps.numbers.ids().count(), steps.texts.ids().count());
        steps
    }

    /// Makes the step of a field, unless no loop is made for such a field in a telegram of `len` bytes.
    fn add(
        &mut self,
        field: &Field,
        id: FieldId,
        side: Side,
        len: u32,
        classed: &mut Vec<(Slice, Class)>,
    ) -> Option<()> {
        // Every member is named, so that whoever adds one thinks of this.
        let Field { path: _, label: _, at, kind, charset, class: _, by, fill, unset, equal: _, echo: _, text } = field;
        if matches!(fill, Fill::Const(_) | Fill::Computed(_)) || charset.decode.is_ebcdic() {
            return None;
        }
        let is_ours = by.fills(side);
        let of = Of {
            id,
            korean: matches!(charset.decode, Charset::EucKr | Charset::Cp949 | Charset::Ms949),
            no_spaces: !is_ours || by.optional,
            no_zeros: if is_ours { by.optional && *unset == Unset::Zero } else { !field.carries_zeros_back() },
        };
        match kind {
            Kind::Number(number)
                if number.lenient != NumberModes::default() || number.blank != Blank::Fault || number.has_beside() =>
            {
                return None;
            }
            Kind::Number(Number { form: Form::Zoned(Sign::Absent), .. }) => {
                // Nobody can tell a number of ours that was left out from one that is nought.
                let digits = Digits::new(*at, None, Of { no_zeros: !is_ours && of.no_zeros, ..of })?;
                let Numbers { plain, early, signed: _, loose } = &mut self.numbers;
                let list = match (of.no_spaces, digits.up > 0) {
                    (true, _) => loose,
                    (false, true) => early,
                    (false, false) => plain,
                };
                list.push(digits);
                classed.extend((!of.no_spaces).then_some((*at, Class::DIGIT)));
            }
            Kind::Number(Number { form: Form::Zoned(Sign::Leading), .. }) if at.len > 1 => {
                let behind = Slice { offset: at.offset + 1, len: at.len - 1 };
                let digits = Digits::new(behind, Some(at.offset), of)?;
                if of.no_spaces || digits.up > 0 {
                    self.numbers.loose.push(digits);
                } else {
                    self.numbers.signed.push(digits);
                    classed.extend([(Slice { len: 1, ..*at }, Class::SIGN), (behind, Class::DIGIT)]);
                }
            }
            Kind::Code if of.no_spaces => self.texts.loose_codes.push(Letters::new(*at, len, of)?),
            Kind::Code => {
                self.texts.codes.push(Code { len: u16::try_from(at.len).ok()?, id });
                classed.push((*at, Class::DIGIT));
            }
            Kind::Text
                if !text.right && text.lenient == TextModes::STRICT && text.pad.is_none_or(|pad| pad == b' ') =>
            {
                let letters = Letters::new(*at, len, of)?;
                let class = match charset.decode {
                    Charset::Ascii => Some(Class::PRINTABLE),
                    _ if of.korean => Some(Class::KOREAN),
                    _ => None,
                };
                match class.filter(|_| !of.no_spaces) {
                    None => self.texts.loose.push(letters),
                    Some(class) => {
                        let list = if letters.shift == 0 { &mut self.texts.plain } else { &mut self.texts.late };
                        list.push(letters);
                        classed.push((*at, class));
                    }
                }
            }
            _ => return None,
        }
        Some(())
    }
}

impl Numbers {
    fn ids(&self) -> impl Iterator<Item = FieldId> {
        let Self { plain, early, signed, loose } = self;
        [plain, early, signed, loose].into_iter().flatten().map(|digits| digits.of.id)
    }
}

impl Texts {
    fn ids(&self) -> impl Iterator<Item = FieldId> {
        let Self { codes, plain, late, loose_codes, loose } = self;
        let letters = [plain, late, loose_codes, loose].into_iter().flatten();
        codes.iter().map(|code| code.id).chain(letters.map(|letters| letters.of.id))
    }
}

impl Texts {
    /// Tells each step which value is its.
    fn number(&mut self) {
        let Self { codes, plain, late, loose_codes, loose } = self;
        let letters = [plain, late, loose_codes, loose].into_iter().flatten();
        (codes.len()..).zip(letters).for_each(|(at, letters)| letters.at = at);
    }
}

impl Digits {
    /// `None` if there are too many.
    fn new(at: Slice, sign: Option<u32>, of: Of) -> Option<Self> {
        let before = LEN.checked_sub(at.len)?;
        let mut mask = [0x0F; LEN as usize];
        mask.get_mut(..before as usize)?.fill(0);
        let end = at.offset + at.len;
        let (from, up) = (end.saturating_sub(LEN), 8 * LEN.saturating_sub(end));
        Some(Self { mask: Window::new(mask), from, up, sign, of })
    }
}

impl Letters {
    /// `None` if there are too many.
    fn new(at: Slice, telegram: u32, of: Of) -> Option<Self> {
        let from = at.offset.min(telegram.checked_sub(LEN)?);
        let shift = at.offset - from;
        let field = (1_u32.checked_shl(at.len).filter(|_| at.len <= LEN)? - 1) << shift;
        let pairs = field & (0x5555_5555 << (shift & 1));
        Some(Self { from, shift, len: at.len, field, pairs, at: 0, of })
    }
}
