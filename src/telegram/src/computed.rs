use alloc::boxed::Box;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use crate::cell::Cell;
use crate::decimal::Decimal;
use crate::decode::Telegram;
use crate::fault::{Fault, Rule};
use crate::field::{Field, FieldId, Fill, Side, Slice};
use crate::kind::{Kind, Near};
use crate::layout::Layout;
use crate::value::{Value, ValueRef};
use crate::walk::{Step, Walk};

mod check_digit;
mod checksum;

pub use check_digit::CheckDigit;
pub use checksum::Checksum;

/// What a field says of the telegram that it stands in ([`Fill::Computed`]): written by itself on encode, checked on decode. A caller may
/// give it, too; then it must be right.
///
/// In a repeat whose number moves there are only signs, fractions and check digits, which look no further than the fields beside them.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Computed {
    /// The sign of a number beside it, '+' or '-' ([`crate::Number::sign`]). Where the number is 0 it may be either, and is kept.
    Sign,
    /// The decimals of a number beside it ([`crate::Number::fraction`]), filled from the left.
    Fraction,
    /// How many bytes, and so many more (or fewer).
    Length {
        /// Of what.
        of: Span,
        /// Added to them.
        plus: i32,
    },
    /// How often there is one of these fields: of a repeat of a fixed number each occurrence is a field of its own.
    Count {
        /// The fields.
        of: Box<[FieldId]>,
    },
    /// The sum of these numbers, wherever they are; those that are left out add nothing.
    Sum {
        /// The fields.
        of: Box<[FieldId]>,
    },
    /// A checksum of bytes; in a text field in upper-case hexadecimal digits.
    Checksum {
        /// Of which.
        of: Span,
        /// How.
        by: Checksum,
    },
    /// The check digit of the digits beside it.
    CheckDigit {
        /// Where they are.
        of: Near,
        /// How.
        by: CheckDigit,
    },
    /// The last digit of the field is the check digit of those before it. The value is the caller's.
    OwnDigit {
        /// How.
        by: CheckDigit,
    },
}

/// Which bytes of a telegram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Span {
    /// All, length prefix not counted.
    Telegram,
    /// All but those of the field that says it.
    Others,
    /// From the first byte of one field to the last byte of another; none if one of them is not there.
    Fields {
        /// Where they begin.
        first: FieldId,
        /// Where they end; the same, or one behind it.
        last: FieldId,
    },
}

impl Computed {
    /// Whether it is written from the rest of the telegram, so that nobody must give it.
    #[must_use]
    pub const fn is_written(&self) -> bool {
        !matches!(self, Self::OwnDigit { .. })
    }

    /// Whether it looks at the whole telegram, and not only at what is beside it.
    #[must_use]
    pub const fn looks_far(&self) -> bool {
        matches!(self, Self::Length { .. } | Self::Count { .. } | Self::Sum { .. } | Self::Checksum { .. })
    }

    /// Whether it looks only at fields of a layout of so many.
    pub(crate) fn is_within(&self, count: u16) -> bool {
        match self {
            Self::Length { of: Span::Fields { first, last }, .. }
            | Self::Checksum { of: Span::Fields { first, last }, .. } => first <= last && last.0 < count,
            // A checksum does not cover itself.
            Self::Checksum { .. } => false,
            Self::Count { of } | Self::Sum { of } => of.iter().all(|id| id.0 < count),
            _ => true,
        }
    }

    /// Whether the field holds something else once these bytes have changed, and no length has.
    fn looks_at(&self, telegram: &Telegram<'_, '_>, cell: &Cell<'_>, changed: &[Slice]) -> bool {
        let among = |at: Slice| {
            changed.iter().any(|one| one.range().start < at.range().end && at.range().start < one.range().end)
        };
        match self {
            Self::Sign | Self::Fraction | Self::Length { .. } | Self::Count { .. } | Self::OwnDigit { .. } => false,
            Self::Sum { of } => {
                let mut looks = false;
                let _ = each(telegram, of, |cell| {
                    looks |= among(cell.at);
                    Ok(())
                });
                looks
            }
            Self::Checksum { of, .. } => {
                of.find(telegram, cell.at).is_some_and(|(offset, len)| among(Slice { offset, len }))
            }
            Self::CheckDigit { of, .. } => of.at(cell.at.offset).is_some_and(among),
        }
    }

    /// What the field must hold; `None` for what is said by the number beside it.
    fn of(&self, telegram: &Telegram<'_, '_>, cell: &Cell<'_>) -> Result<Option<Value>, Rule> {
        let bytes = telegram.bytes();
        Ok(Some(match self {
            Self::Sign | Self::Fraction => return Ok(None),
            Self::Length { of, plus } => {
                let len = i128::from(of.find(telegram, cell.at).map_or(0, |(_, len)| len));
                Value::from(len + i128::from(*plus))
            }
            Self::Count { of } => {
                let mut count = 0_u32;
                each(telegram, of, |_| {
                    count = count.saturating_add(1);
                    Ok(())
                })?;
                Value::from(count)
            }
            Self::Sum { of } => {
                let mut sum = Decimal::whole(0);
                each(telegram, of, |cell| {
                    if let Some(ValueRef::Number(number)) = cell.read(telegram) {
                        sum = add(sum, number).ok_or(Rule::Overflow { needed: 39 })?;
                    }
                    Ok(())
                })?;
                Value::Number(sum)
            }
            Self::Checksum { of, by } => {
                let covered = of.find(telegram, cell.at).and_then(|(start, len)| {
                    let start = usize::try_from(start).ok()?;
                    bytes.get(start..start.checked_add(usize::try_from(len).ok()?)?)
                });
                by.value(covered.unwrap_or_default(), cell.field)
            }
            Self::CheckDigit { of, by } => {
                let digits = of.of(cell.at.offset, bytes).unwrap_or_default();
                Value::Text(String::from(char::from(b'0' + by.of(&digits_of(cell.field, digits)?))))
            }
            Self::OwnDigit { by } => {
                let digits = digits_of(cell.field, cell.at.of(bytes).unwrap_or_default())?;
                let Some((own, before)) = digits.split_last() else { return Err(Rule::NotDigits) };
                return if by.of(before) == *own { Ok(None) } else { Err(Rule::BadCheckDigit) };
            }
        }))
    }

    /// Whether the field holds what it must.
    #[cold]
    pub(crate) fn check(&self, telegram: &Telegram<'_, '_>, cell: &Cell<'_>, found: &ValueRef<'_>) -> Result<(), Rule> {
        if found.is_null() {
            return Ok(());
        }
        match self.of(telegram, cell)? {
            Some(expected) if !is_same(found, &expected) => Err(disagrees(self, &expected)),
            _ => Ok(()),
        }
    }
}

fn disagrees(computed: &Computed, expected: &Value) -> Rule {
    let expected: Box<str> = match expected {
        Value::Number(number) => number.to_string().into(),
        Value::Text(text) => text.as_str().into(),
        _ => Box::default(),
    };
    match computed {
        Computed::CheckDigit { .. } => Rule::BadCheckDigit,
        _ => Rule::NotComputed { expected },
    }
}

fn is_same(found: &ValueRef<'_>, expected: &Value) -> bool {
    match (found, expected) {
        (ValueRef::Number(found), Value::Number(expected)) => expected.rescale(found.scale) == Some(*found),
        (ValueRef::Number(found), Value::Text(expected)) => expected.parse() == Ok(*found),
        (ValueRef::Text(found), Value::Text(expected)) => found == expected,
        _ => false,
    }
}

fn add(a: Decimal, b: Decimal) -> Option<Decimal> {
    let scale = a.scale.max(b.scale);
    let units = a.rescale(scale)?.units.checked_add(b.rescale(scale)?.units)?;
    Some(Decimal { units, scale })
}

/// The digits of a field, 0 to 9 each, without the dashes and spaces among them.
fn digits_of(field: &Field, bytes: &[u8]) -> Result<Vec<u8>, Rule> {
    let charset = field.charset.decode;
    let dash = charset.byte(b'-');
    let mut digits = Vec::with_capacity(bytes.len());
    for &byte in bytes {
        let digit = byte.wrapping_sub(charset.digit_zero());
        if digit <= 9 {
            digits.push(digit);
        } else if byte != charset.blank() && Some(byte) != dash {
            return Err(Rule::NotDigits);
        }
    }
    Ok(digits)
}

/// Every occurrence of these fields.
fn each<'l>(
    telegram: &Telegram<'l, '_>,
    of: &[FieldId],
    mut take: impl FnMut(&Cell<'l>) -> Result<(), Rule>,
) -> Result<(), Rule> {
    let mut walk = Walk::new(telegram);
    while let Some(step) = walk.step() {
        match step {
            Step::Cell { cell, is_room: false, .. } if of.contains(&cell.id) => take(&cell)?,
            _ => {}
        }
    }
    Ok(())
}

impl Span {
    /// Where the bytes begin, and how many there are.
    fn find(self, telegram: &Telegram<'_, '_>, own: Slice) -> Option<(u32, u32)> {
        let all = u32::try_from(telegram.bytes().len()).unwrap_or(u32::MAX);
        let (first, last) = match self {
            Self::Telegram => return Some((0, all)),
            Self::Others => return Some((0, all.saturating_sub(own.len))),
            Self::Fields { first, last } => (first, last),
        };
        let head = telegram.layout().head();
        if let (Some(first), Some(last)) = (head.get(first.index()), head.get(last.index())) {
            let end = last.at.offset.saturating_add(last.at.len);
            return Some((first.at.offset, end.saturating_sub(first.at.offset)));
        }
        let (mut start, mut end) = (None, None);
        let mut walk = Walk::new(telegram);
        while let Some(step) = walk.step() {
            let Step::Cell { cell, .. } = step else { break };
            if cell.id == first && start.is_none() {
                start = Some(cell.at.offset);
            }
            if cell.id == last {
                end = Some(cell.at.offset.saturating_add(cell.at.len));
            }
        }
        Some((start?, end?.saturating_sub(start?)))
    }
}

impl Cell<'_> {
    /// Its value, whatever is wrong elsewhere.
    fn read<'b>(&self, telegram: &Telegram<'_, 'b>) -> Option<ValueRef<'b>> {
        let bytes = self.at.of(telegram.bytes())?;
        let value = self.field.read(bytes, self.field.by.fills(telegram.side()), |_| ()).ok()?;
        self.field.with_beside(value, self.at, telegram.bytes()).ok()
    }
}

/// What is still to be written of a telegram whose values are written.
#[derive(Default)]
pub(crate) struct Later {
    /// Where fields begin that nobody gave and that are computed.
    open: Vec<u32>,
    /// Numbers with something beside them, where they begin, and what they are.
    numbers: Vec<(FieldId, u32, Decimal)>,
    /// What is not open is left as it is, and not compared.
    leaves: bool,
}

impl Later {
    /// Notes what a field that was just written leaves to be written.
    pub(crate) fn note(&mut self, id: FieldId, field: &Field, side: Side, start: usize, given: Option<&Value>) {
        let start = u32::try_from(start).unwrap_or(u32::MAX);
        if let Fill::Computed(computed) = &field.fill
            && computed.is_written()
            && given.is_none()
            && field.by.fills(side)
        {
            self.open.push(start);
        }
        if let (Kind::Number(number), Some(value)) = (&field.kind, given)
            && number.has_beside()
        {
            let value = match value {
                Value::Number(value) => Some(*value),
                Value::Text(text) => text.parse().ok(),
                _ => None,
            };
            self.numbers.extend(value.map(|value| (id, start, value)));
        }
    }

    /// Writes it, and tells what was given and is not right.
    pub(crate) fn settle(&self, layout: &Layout, side: Side, out: &mut [u8]) -> Vec<Fault> {
        let mut faults = Vec::new();
        for (id, start, value) in &self.numbers {
            let Some(field) = layout.field(*id) else { continue };
            if let Err(rule) = self.beside(field, *start, *value, out) {
                faults.push(Fault { offset: *start, ..Fault::new(field, b"", rule) });
            }
        }
        // A checksum covers what is computed, so it comes behind it.
        for is_last in [false, true] {
            let mut walk = Walk::new(&Telegram::new(layout, out, side));
            let mut cells = Vec::new();
            while let Some(step) = walk.step() {
                let Step::Cell { cell, is_room: false, .. } = step else { continue };
                let Fill::Computed(computed) = &cell.field.fill else { continue };
                if matches!(computed, Computed::Checksum { .. }) == is_last && cell.field.by.fills(side) {
                    cells.push((cell, computed));
                }
            }
            for (cell, computed) in cells {
                if let Err(rule) = self.compute(layout, side, &cell, computed, out) {
                    let bytes = cell.at.of(out).unwrap_or_default();
                    faults.push(Fault::of_cell(&cell, bytes, rule));
                }
            }
        }
        faults
    }

    fn is_open(&self, start: u32) -> bool {
        self.open.binary_search(&start).is_ok()
    }

    fn compute(
        &self,
        layout: &Layout,
        side: Side,
        cell: &Cell<'_>,
        computed: &Computed,
        out: &mut [u8],
    ) -> Result<(), Rule> {
        let telegram = Telegram::new(layout, out, side);
        if !self.is_open(cell.at.offset) {
            if self.leaves {
                return Ok(());
            }
            return match cell.read(&telegram) {
                Some(found) => computed.check(&telegram, cell, &found),
                None => Ok(()),
            };
        }
        let Some(value) = computed.of(&telegram, cell)? else { return Ok(()) };
        let mut bytes = Vec::with_capacity(cell.at.range().len());
        cell.field.encode(&value, &mut bytes).map_err(|fault| fault.rule)?;
        if let Some(place) = out.get_mut(cell.at.range()) {
            place.copy_from_slice(&bytes);
        }
        Ok(())
    }

    fn beside(&self, field: &Field, start: u32, value: Decimal, out: &mut [u8]) -> Result<(), Rule> {
        let Kind::Number(number) = field.kind else { return Ok(()) };
        let charset = field.charset.encode;
        let [plus, minus] = [b'+', b'-'].map(|mark| charset.byte(mark).unwrap_or(mark));
        if let Some(sign) = number.sign
            && let Some(at) = sign.at(start)
            && let Some([place]) = out.get_mut(at.range())
        {
            if self.is_open(at.offset) {
                *place = if value.units < 0 { minus } else { plus };
            } else if value.units != 0 && (*place == minus) != (value.units < 0) {
                return Err(Rule::NotComputed { expected: if value.units < 0 { "-" } else { "+" }.into() });
            }
        }
        if let Some(fraction) = number.fraction
            && let Some(at) = fraction.at(start)
            && let Some(place) = out.get_mut(at.range())
        {
            let scale = u8::try_from(fraction.len).unwrap_or(u8::MAX);
            let one = 10_u128.pow(scale.into());
            let decimals = value.rescale(scale).map_or(0, |value| value.units.unsigned_abs() % one);
            let text = alloc::format!("{decimals:0width$}", width = place.len());
            let digits: Vec<u8> = text.bytes().map(|digit| charset.digit_zero() + (digit & 0xF)).collect();
            if self.is_open(at.offset) {
                place.copy_from_slice(&digits);
            } else if *place != *digits {
                return Err(Rule::NotComputed { expected: text.into() });
            }
        }
        Ok(())
    }
}

/// Computes anew what a telegram says of itself, for whoever has written into it since: lengths, counts, sums, check digits, and then
/// checksums.
///
/// # Errors
/// What cannot be written, each with its field; the others are written.
pub fn recompute(layout: &Layout, side: Side, telegram: &mut [u8]) -> Result<(), Vec<Fault>> {
    if !layout.computes() {
        return Ok(());
    }
    let open = written(&Telegram::new(layout, telegram, side)).map(|(cell, _)| cell.at.offset).collect();
    rewrite(Later { open, ..Later::default() }, layout, side, telegram)
}

/// The same, but only for what looks at bytes that have been `changed` since: what else the telegram says of itself stays as whoever
/// made it has written it, be it right or wrong.
///
/// # Errors
/// What cannot be written, each with its field; the others are written.
pub fn recompute_from(layout: &Layout, side: Side, telegram: &mut [u8], changed: &[Slice]) -> Result<(), Vec<Fault>> {
    if !layout.computes() {
        return Ok(());
    }
    let mut changed = changed.to_vec();
    let mut open = Vec::new();
    let seen = Telegram::new(layout, telegram, side);
    let mut others: Vec<_> = written(&seen).collect();
    loop {
        let (new, left): (Vec<_>, Vec<_>) =
            others.into_iter().partition(|(cell, computed)| computed.looks_at(&seen, cell, &changed));
        if new.is_empty() {
            break;
        }
        changed.extend(new.iter().map(|(cell, _)| cell.at));
        open.extend(new.iter().map(|(cell, _)| cell.at.offset));
        others = left;
    }
    open.sort_unstable();
    rewrite(Later { open, leaves: true, ..Later::default() }, layout, side, telegram)
}

fn rewrite(later: Later, layout: &Layout, side: Side, telegram: &mut [u8]) -> Result<(), Vec<Fault>> {
    let faults = later.settle(layout, side, telegram);
    if faults.is_empty() { Ok(()) } else { Err(faults) }
}

/// What nobody has to give in a telegram, where it is, and how it is computed.
fn written<'l>(telegram: &Telegram<'l, '_>) -> impl Iterator<Item = (Cell<'l>, &'l Computed)> + use<'l> {
    let (mut walk, side, mut found) = (Walk::new(telegram), telegram.side(), Vec::new());
    while let Some(step) = walk.step() {
        if let Step::Cell { cell, is_room: false, .. } = step
            && let Fill::Computed(computed) = &cell.field.fill
            && computed.is_written()
            && cell.field.by.fills(side)
        {
            found.push((cell, computed));
        }
    }
    found.into_iter()
}

impl Telegram<'_, '_> {
    /// The first thing that shows that these are not the bytes that were sent: a checksum that is not theirs, or one that is not there.
    /// `None` for a layout without checksums. What else is wrong is no damage: it was sent so.
    #[must_use]
    pub fn damage(&self) -> Option<Fault> {
        let is_checksum = |field: &Field| {
            matches!(field.fill, Fill::Computed(Computed::Checksum { .. })) && field.by.fills(self.side())
        };
        if !self.layout().computes() || !self.layout().fields().iter().any(is_checksum) {
            return None;
        }
        let mut cells = self.cells();
        let mut last = None;
        for (cell, value) in cells.by_ref() {
            last = value.err();
            if let Some(fault) = &last
                && (is_checksum(cell.field) || matches!(fault.rule, Rule::CutShort { .. }))
            {
                return last;
            }
        }
        // Behind a count or a key that cannot be, nobody finds one.
        if cells.end().is_none() { last } else { None }
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Telegram => f.write_str("telegram"),
            Self::Others => f.write_str("telegram exclusive"),
            Self::Fields { first, last } => write!(f, "{first}..{last}"),
        }
    }
}

#[cfg(test)]
mod tests;
