//! What computed fields look at, found in one walk through the telegram for all occurrences of a field.

use alloc::collections::BTreeMap;

use super::{Computed, Span, add};
use crate::cell::{Cell, Indices};
use crate::decimal::Decimal;
use crate::decode::Telegram;
use crate::field::FieldId;
use crate::layout::Layout;
use crate::value::ValueRef;
use crate::walk::{Step, Walk};

/// What one occurrence looks at.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Seen {
    /// Where the bytes begin, of a length or a checksum.
    pub(crate) start: u32,
    /// How many there are.
    pub(crate) len: u32,
    /// How many fields there are, of a count.
    pub(crate) count: u32,
    /// What they come to, of a sum; `None` if that is too much for any number.
    pub(crate) sum: Option<Decimal>,
}

/// What is known of one scope so far.
#[derive(Clone, Copy, Debug)]
struct Found {
    start: Option<u32>,
    end: u32,
    count: u32,
    sum: Option<Decimal>,
}

impl Default for Found {
    fn default() -> Self {
        Self { start: None, end: 0, count: 0, sum: Some(Decimal::whole(0)) }
    }
}

impl Found {
    fn seen(self) -> Seen {
        let start = self.start.unwrap_or(self.end);
        Seen { start, len: self.end.saturating_sub(start), count: self.count, sum: self.sum }
    }
}

/// What a field looks at, for each of its occurrences.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reckoned {
    /// Of a field that looks at the whole telegram.
    whole: Found,
    /// By the repeats that the field and all that it looks at stand in.
    each: BTreeMap<Indices, Found>,
    /// How many these are.
    depth: usize,
    /// The field's own bytes do not count.
    others: bool,
}

impl Reckoned {
    /// Walks through a telegram once. Nothing is allocated for a field that stands in no repeat that moves.
    pub(crate) fn new(telegram: &Telegram<'_, '_>, id: FieldId, computed: &Computed) -> Self {
        let mut reckoned = Self::default();
        let (first, last, of) = match computed {
            Computed::Length { of, .. } | Computed::Checksum { of, .. } => match of {
                Span::Fields { first, last } => (*first, *last, None),
                Span::Telegram | Span::Others => {
                    reckoned.others = *of == Span::Others;
                    reckoned.whole.start = Some(0);
                    reckoned.whole.end = u32::try_from(telegram.bytes().len()).unwrap_or(u32::MAX);
                    return reckoned;
                }
            },
            Computed::Count { of } | Computed::Sum { of } => match (of.iter().min(), of.iter().max()) {
                (Some(first), Some(last)) => (*first, *last, Some(of)),
                _ => return reckoned,
            },
            _ => return reckoned,
        };
        let layout = telegram.layout();
        let scope = scope(layout, id, first, last);
        reckoned.depth = scope.0;
        let head = layout.head();
        if let (None, Some(first), Some(last)) = (of, head.get(first.index()), head.get(last.index())) {
            reckoned.whole.start = Some(first.at.offset);
            reckoned.whole.end = last.at.offset.saturating_add(last.at.len);
            return reckoned;
        }
        let mut walk = Walk::new(telegram);
        while let Some(Step::Cell { cell, is_room, .. }) = walk.step() {
            if cell.id < scope.1 || cell.id >= scope.2 {
                continue;
            }
            let found = match scope.0 {
                0 => &mut reckoned.whole,
                depth => reckoned.each.entry(cell.indices.outer(depth)).or_default(),
            };
            if let Some(of) = of {
                if is_room || of.binary_search(&cell.id).is_err() {
                    continue;
                }
                found.count = found.count.saturating_add(1);
                if let (Computed::Sum { .. }, Some(ValueRef::Number(number))) = (computed, cell.read(telegram)) {
                    found.sum = found.sum.and_then(|sum| add(sum, number));
                }
                continue;
            }
            if cell.id >= first && found.start.is_none() {
                found.start = Some(cell.at.offset);
            }
            if cell.id <= last {
                found.end = cell.at.offset.saturating_add(cell.at.len);
            }
        }
        reckoned
    }

    /// What one occurrence looks at.
    pub(crate) fn seen(&self, cell: &Cell<'_>) -> Seen {
        let found = match self.depth {
            0 => self.whole,
            depth => self.each.get(&cell.indices.outer(depth)).copied().unwrap_or_default(),
        };
        let mut seen = found.seen();
        if self.others {
            seen.len = seen.len.saturating_sub(cell.at.len);
        }
        seen
    }
}

/// How many repeats a field and all from `first` to `last` stand in, and the fields of the innermost of them; of none, all fields.
fn scope(layout: &Layout, id: FieldId, first: FieldId, last: FieldId) -> (usize, FieldId, FieldId) {
    let holds = |id: FieldId, (from, to): (u16, u16)| (from..to).contains(&id.0);
    let common = layout.repeats.iter().map(|repeat| (repeat.first, repeat.end));
    let common = common.filter(|repeat| [id, first, last].into_iter().all(|id| holds(id, *repeat)));
    let (depth, (from, to)) = common.fold((0, (0, u16::MAX)), |(depth, _), repeat| (depth + 1, repeat));
    (depth, FieldId(from), FieldId(to))
}
