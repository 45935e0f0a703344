//! Writing what is computed, once all else is written.

use alloc::collections::BTreeSet;
use alloc::vec::Vec;

use super::{Computed, Reckoned, Seen, Span};
use crate::cell::Cell;
use crate::decimal::Decimal;
use crate::decode::Telegram;
use crate::fault::{Fault, Rule};
use crate::field::{Field, FieldId, Fill, Side, Slice};
use crate::kind::{Kind, Near};
use crate::layout::Layout;
use crate::value::Value;
use crate::walk::{Step, Walk};

impl Computed {
    /// Whether the field holds something else once these bytes have changed, and no length has.
    fn looks_at(&self, telegram: &Telegram<'_, '_>, cell: &Cell<'_>, changed: &[Slice]) -> bool {
        let among = |at: Slice| {
            changed.iter().any(|one| one.range().start < at.range().end && at.range().start < one.range().end)
        };
        match self {
            Self::Sign | Self::Fraction | Self::Length { .. } | Self::Count { .. } | Self::OwnDigit { .. } => false,
            Self::Sum { of } => {
                let mut walk = Walk::new(telegram);
                let cells = core::iter::from_fn(|| walk.step());
                cells
                    .into_iter()
                    .any(|step| matches!(step, Step::Cell { cell, .. } if of.contains(&cell.id) && among(cell.at)))
            }
            Self::Checksum { .. } => {
                let seen = Reckoned::new(telegram, cell.id, self).seen(cell);
                among(Slice { offset: seen.start, len: seen.len })
            }
            Self::CheckDigit { of, .. } => of.at(cell.at.offset).is_some_and(among),
        }
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
                let mut cells = Telegram::new(layout, out, side).cells();
                let cell = cells.find(|(cell, _)| cell.id == *id && cell.at.offset == *start);
                faults.push(match cell {
                    Some((cell, _)) => Fault::of_cell(&cell, b"", rule),
                    None => Fault { offset: *start, ..Fault::new(field, b"", rule) },
                });
            }
        }
        let mut cells = Vec::new();
        let mut walk = Walk::new(&Telegram::new(layout, out, side));
        while let Some(step) = walk.step() {
            let Step::Cell { cell, is_room: false, .. } = step else { continue };
            if matches!(cell.field.fill, Fill::Computed(_)) && cell.field.by.fills(side) {
                cells.push(cell);
            }
        }
        for id in &layout.computed {
            let Some(Fill::Computed(computed)) = layout.field(*id).map(|field| &field.fill) else { continue };
            // What it is made of is written by now.
            let reckoned = Reckoned::new(&Telegram::new(layout, out, side), *id, computed);
            for cell in cells.iter().filter(|cell| cell.id == *id) {
                if let Err(rule) = self.compute(layout, side, cell, computed, &reckoned.seen(cell), out) {
                    let bytes = cell.at.of(out).unwrap_or_default();
                    faults.push(Fault::of_cell(cell, bytes, rule));
                }
            }
        }
        // As whoever reads it comes to them.
        faults.sort_by_key(|fault| fault.offset);
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
        seen: &Seen,
        out: &mut [u8],
    ) -> Result<(), Rule> {
        let telegram = Telegram::new(layout, out, side);
        if !self.is_open(cell.at.offset) {
            if self.leaves {
                return Ok(());
            }
            return match cell.read(&telegram) {
                Some(found) => computed.check(&telegram, cell, &found, seen),
                None => Ok(()),
            };
        }
        let Some(value) = computed.of(&telegram, cell, seen)? else { return Ok(()) };
        let mut bytes = Vec::with_capacity(cell.at.range().len());
        cell.field.encode(&value, &mut bytes).map_err(|fault| fault.rule)?;
        if let Some(place) = out.get_mut(cell.at.range()) {
            place.copy_from_slice(&bytes);
        }
        match value {
            Value::Number(value) => self.beside(cell.field, cell.at.offset, value, out),
            _ => Ok(()),
        }
    }

    /// Writes what a number has in other fields.
    fn beside(&self, field: &Field, start: u32, value: Decimal, out: &mut [u8]) -> Result<(), Rule> {
        let Kind::Number(number) = field.kind else { return Ok(()) };
        let charset = field.charset.encode;
        let [plus, minus] = [b'+', b'-'].map(|mark| charset.byte(mark).unwrap_or(mark));
        if let Some(sign) = number.sign
            && let Some(at) = sign.at(start)
            && let Some([place]) = out.get_mut(at.range())
        {
            if self.is_open(at.offset) || self.leaves {
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
            if self.is_open(at.offset) || self.leaves {
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

/// In which order fields are computed: each behind all that it is made of.
///
/// # Errors
/// A field that is made of itself, over others or not.
pub(crate) fn order(fields: &[Field]) -> Result<Vec<FieldId>, FieldId> {
    let ids = (0..u16::MAX).map(FieldId);
    let mut left: Vec<(FieldId, &Computed)> = ids
        .zip(fields)
        .filter_map(|(id, field)| match &field.fill {
            Fill::Computed(computed) => Some((id, computed)),
            _ => None,
        })
        .collect();
    let mut order = Vec::with_capacity(left.len());
    while !left.is_empty() {
        let open: BTreeSet<FieldId> = left.iter().flat_map(|(id, _)| touches(fields, *id)).collect();
        let (later, now): (Vec<_>, Vec<_>) =
            left.iter().copied().partition(|(id, computed)| is_made_of(fields, *id, computed, &open));
        if now.is_empty() {
            return Err(later.first().map_or(FieldId(0), |(id, _)| *id));
        }
        order.extend(now.iter().map(|(id, _)| *id));
        left = later;
    }
    Ok(order)
}

/// What is written with a computed field: itself, and of a number what it has in other fields.
fn touches(fields: &[Field], id: FieldId) -> impl Iterator<Item = FieldId> {
    let field = fields.get(id.index());
    let number = match field.map(|field| &field.kind) {
        Some(Kind::Number(number)) => [number.sign, number.fraction],
        _ => [None; 2],
    };
    // Signs and decimals of numbers that are given are written before all that is computed.
    let own = field.filter(|field| !matches!(field.fill, Fill::Computed(Computed::Sign | Computed::Fraction)));
    let beside = number.into_iter().flatten().filter_map(move |near| neighbour(fields, id, near));
    own.map(|_| id).into_iter().chain(beside)
}

/// Whether any of these is among what a field is made of.
fn is_made_of(fields: &[Field], id: FieldId, computed: &Computed, open: &BTreeSet<FieldId>) -> bool {
    match computed {
        Computed::Sum { of } => of.iter().any(|id| open.contains(id)),
        Computed::Checksum { of: Span::Fields { first, last }, .. } => open.range(first..=last).next().is_some(),
        Computed::CheckDigit { of, .. } => neighbour(fields, id, *of).is_some_and(|id| open.contains(&id)),
        _ => false,
    }
}

/// The field of the same run that lies there.
fn neighbour(fields: &[Field], id: FieldId, near: Near) -> Option<FieldId> {
    let field = fields.get(id.index())?;
    let at = near.at(field.at.offset)?;
    let step = |place: usize| if near.ahead < 0 { place.checked_sub(1) } else { place.checked_add(1) };
    let mut place = id.index();
    // A run begins at 0.
    loop {
        let here = fields.get(place)?;
        if here.at.offset == at.offset {
            return u16::try_from(place).ok().map(FieldId);
        }
        place = step(place)?;
        if fields.get(place).is_some_and(|next| (next.at.offset < here.at.offset) != (near.ahead < 0)) {
            return None;
        }
    }
}
