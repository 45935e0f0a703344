use alloc::vec::Vec;
use core::fmt;

use crate::decimal::Decimal;
use crate::fault::{Fault, Rule};
use crate::field::{Field, FieldId, Fill, Side, Unset};
use crate::kind::Kind;
use crate::layout::Layout;
use crate::mask::masked;
use crate::value::ValueRef;

/// A telegram as it lies in memory, seen through its layout. Nothing is decoded before it is asked for.
///
/// Decoding is strict: a field holds what its kind says, or there is a [`Fault`]. A field that the side does not fill, or that
/// it may leave out, reads as [`ValueRef::Null`] when it is blank:
///
/// | field                     | all spaces | all zeros                                              |
/// |---------------------------|------------|--------------------------------------------------------|
/// | not filled by the side    | `Null`     | `Null`                                                 |
/// | filled, optional (`?`)    | `Null`     | `Null` if that is its unset fill; a number is 0        |
/// | filled, a text            | `""`       | the zeros                                              |
/// | filled, a number          | a fault    | 0                                                      |
/// | filled, a code            | a fault    | the zeros                                              |
/// | filled, a date            | `Null`     | `Null`                                                 |
/// | filled, a time of day     | `Null`     | midnight                                               |
///
/// Fillers are bytes, whatever they hold.
#[derive(Clone, Copy)]
pub struct Telegram<'l, 'b> {
    layout: &'l Layout,
    bytes: &'b [u8],
    side: Side,
}

impl<'l, 'b> Telegram<'l, 'b> {
    /// Looks at bytes (length prefix not included) that `side` has filled. Any length is accepted: bytes that are
    /// missing or too many are faults, and hide none of the other fields.
    #[must_use]
    pub const fn new(layout: &'l Layout, bytes: &'b [u8], side: Side) -> Self {
        Self { layout, bytes, side }
    }

    /// The layout.
    #[must_use]
    pub const fn layout(&self) -> &'l Layout {
        self.layout
    }

    /// All bytes.
    #[must_use]
    pub const fn bytes(&self) -> &'b [u8] {
        self.bytes
    }

    /// Who filled it.
    #[must_use]
    pub const fn side(&self) -> Side {
        self.side
    }

    /// One field.
    ///
    /// # Errors
    /// The field's bytes break its rule, or are not there. An id of another layout is [`Rule::Unknown`].
    pub fn get(&self, id: FieldId) -> Result<ValueRef<'b>, Fault> {
        match self.layout.field(id) {
            Some(field) => field.value(self.bytes, self.side),
            None => Err(Fault::of_telegram(self.layout, Rule::Unknown { nearest: None })),
        }
    }

    /// One field by its path.
    ///
    /// # Errors
    /// As [`Telegram::get`]; [`Rule::Unknown`] with the nearest path if there is no such field.
    pub fn named(&self, path: &str) -> Result<ValueRef<'b>, Fault> {
        match self.layout.find(path) {
            Some((_, field)) => field.value(self.bytes, self.side),
            None => Err(Fault::unknown(self.layout, path)),
        }
    }

    /// Every field with its value or its fault, in the order of the layout.
    #[must_use]
    pub const fn fields(&self) -> Fields<'l, 'b> {
        Fields { telegram: *self, next: 0 }
    }

    /// All that is wrong, the length included. Empty if nothing is; then nothing was kept.
    #[must_use]
    pub fn faults(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        faults.extend(self.length_fault());
        faults.extend(self.fields().filter_map(|(_, _, value)| value.err()));
        faults
    }

    fn length_fault(&self) -> Option<Fault> {
        let expected = self.layout.len();
        let found = u32::try_from(self.bytes.len()).unwrap_or(u32::MAX);
        (expected != found).then(|| Fault::of_telegram(self.layout, Rule::Length { expected, found }))
    }

    /// Bytes that no field covers: what lies behind the last one.
    #[must_use]
    pub fn uncovered(&self) -> &'b [u8] {
        self.bytes.get(usize::try_from(self.layout.len()).unwrap_or(usize::MAX)..).unwrap_or_default()
    }
}

/// Every field with its value masked ([`masked`]), so that a log line gives nothing away.
impl fmt::Debug for Telegram<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {} ({} bytes) ", self.layout.name(), self.side.word(), self.bytes.len())?;
        let mut map = f.debug_map();
        for field in self.layout.fields() {
            if let Some(bytes) = field.at.of(self.bytes) {
                map.entry(&field.path, &masked(field, bytes).1);
            }
        }
        map.finish()
    }
}

/// The fields of a telegram, in order ([`Telegram::fields`]).
#[derive(Clone, Debug)]
pub struct Fields<'l, 'b> {
    telegram: Telegram<'l, 'b>,
    next: u16,
}

impl<'l, 'b> Iterator for Fields<'l, 'b> {
    type Item = (FieldId, &'l Field, Result<ValueRef<'b>, Fault>);

    fn next(&mut self) -> Option<Self::Item> {
        let id = FieldId(self.next);
        let field = self.telegram.layout.field(id)?;
        self.next += 1;
        Some((id, field, field.value(self.telegram.bytes, self.telegram.side)))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.telegram.layout.fields().len() - usize::from(self.next);
        (left, Some(left))
    }
}

impl ExactSizeIterator for Fields<'_, '_> {}

impl Field {
    /// The field's value in a telegram that `side` has filled.
    ///
    /// # Errors
    /// The field's bytes break its rule, or the telegram ends before them ([`Rule::CutShort`]).
    pub fn value<'b>(&self, telegram: &'b [u8], side: Side) -> Result<ValueRef<'b>, Fault> {
        let Some(bytes) = self.at.of(telegram) else {
            let left = telegram.get(self.at.range().start..).unwrap_or_default();
            let found = u32::try_from(left.len()).unwrap_or(u32::MAX);
            return Err(Fault::new(self, left, Rule::CutShort { found }));
        };
        self.read(bytes, self.by.fills(side)).map_err(|rule| Fault::new(self, bytes, rule))
    }

    /// Whether the field may hold these bytes when the side that fills it has filled it.
    pub(crate) fn check_own(&self, bytes: &[u8]) -> Result<(), Rule> {
        self.read(bytes, true).map(|_| ())
    }

    /// Reads the field's bytes, as many as it has. `ours`: the side that sent them fills the field.
    pub(crate) fn read<'b>(&self, bytes: &'b [u8], ours: bool) -> Result<ValueRef<'b>, Rule> {
        if self.kind != Kind::Filler && self.is_left_out(bytes, ours) {
            return Ok(ValueRef::Null);
        }
        if let Fill::Const(expected) = &self.fill
            && **expected != *bytes
        {
            return Err(Rule::NotConst { expected: expected.clone() });
        }
        match &self.kind {
            Kind::Text => self.charset.decode.decode(trim_right(bytes)).map(ValueRef::Text),
            Kind::Number { scale } => {
                digits(bytes).map(|units| ValueRef::Number(Decimal { units, scale: *scale })).ok_or(Rule::NotDigits)
            }
            Kind::Code if bytes.iter().all(u8::is_ascii_digit) => digit_text(bytes),
            Kind::Code => Err(Rule::NotDigits),
            Kind::Stamp(stamp) if stamp.matches(bytes) => digit_text(bytes),
            Kind::Stamp(stamp) => Err(Rule::NotDate { pattern: stamp.pattern.clone() }),
            Kind::Filler => Ok(ValueRef::Bytes(bytes)),
        }
    }

    fn is_left_out(&self, bytes: &[u8], ours: bool) -> bool {
        let blank = match bytes.first() {
            Some(b' ') => Unset::Space,
            Some(b'0') => Unset::Zero,
            _ => return false,
        };
        if bytes.iter().any(|&byte| byte != blank.byte()) {
            return false;
        }
        if !ours {
            return true;
        }
        match (&self.kind, blank) {
            (Kind::Stamp(_), Unset::Space) => true,
            (Kind::Stamp(stamp), Unset::Zero) => stamp.has_date() || (self.by.optional && self.unset == Unset::Zero),
            (_, Unset::Space) => self.by.optional,
            // Nobody can tell a number that was left out from one that is nought; nought is what the bytes say.
            (Kind::Number { .. }, Unset::Zero) => false,
            (_, Unset::Zero) => self.by.optional && self.unset == Unset::Zero,
        }
    }
}

/// Without the spaces at the right.
pub(crate) fn trim_right(mut bytes: &[u8]) -> &[u8] {
    while let [rest @ .., b' '] = bytes {
        bytes = rest;
    }
    bytes
}

fn digit_text(bytes: &[u8]) -> Result<ValueRef<'_>, Rule> {
    core::str::from_utf8(bytes).map(|text| ValueRef::Text(text.into())).map_err(|_| Rule::NotDigits)
}

/// The number that ASCII digits say, or `None` if one of the bytes is none. At most 38 digits, which a layout ensures.
fn digits(bytes: &[u8]) -> Option<i128> {
    // Most numbers fit 64 bits, where arithmetic is several times faster.
    let (high, low) = bytes.split_at(bytes.len().saturating_sub(19));
    let part = |bytes: &[u8]| {
        let mut wrong = false;
        let number = bytes.iter().fold(0_u64, |number, &byte| {
            let digit = byte.wrapping_sub(b'0');
            wrong |= digit > 9;
            number.wrapping_mul(10).wrapping_add(u64::from(digit))
        });
        (!wrong).then_some(number)
    };
    let low = i128::from(part(low)?);
    if high.is_empty() { Some(low) } else { Some(i128::from(part(high)?) * 10_i128.pow(19) + low) }
}

#[cfg(test)]
mod tests;
