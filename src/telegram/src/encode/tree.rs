//! Writing a telegram of which parts move.

use alloc::collections::BTreeSet;
use alloc::string::String;
use alloc::vec::Vec;

use super::Values;
use crate::cell::{Cell, CellPath, Indices};
use crate::computed::Later;
use crate::fault::{Fault, Rule};
use crate::field::{Field, FieldId, Fill, Side, Slice};
use crate::kind::Kind;
use crate::layout::tree::extent;
use crate::layout::{Layout, Node, Repeat, Tail, Times};
use crate::value::{Value, ValueRef};

/// As [`crate::encode`], for any layout.
pub(super) fn encode(layout: &Layout, side: Side, values: &Values) -> Result<Vec<u8>, Vec<Fault>> {
    let mut writer = Writer {
        layout,
        side,
        given: Vec::with_capacity(values.len()),
        occurrences: BTreeSet::new(),
        seats: layout.seats.iter().map(|_| Slice { offset: 0, len: 0 }).collect(),
        out: Vec::with_capacity(usize::try_from(layout.len()).unwrap_or(0)),
        later: Later::default(),
        faults: Vec::new(),
        lost: false,
    };
    writer.take(values);
    writer.nodes(layout.root(), Indices::default());
    if !writer.lost {
        writer.left_over(values);
    }
    if writer.faults.is_empty() && layout.computes() {
        writer.faults = writer.later.settle(layout, side, &mut writer.out);
    }
    if writer.faults.is_empty() {
        let len = u32::try_from(writer.out.len()).unwrap_or(u32::MAX);
        assert!((layout.len()..=layout.len_max()).contains(&len), "a tree is as long as its layout says");
        Ok(writer.out)
    } else {
        Err(writer.faults)
    }
}

/// A value, of which cell it is, and whether it was written.
struct Given<'v> {
    cell: (FieldId, Indices),
    value: &'v Value,
    /// Its place among what the caller gave.
    at: usize,
    used: bool,
}

/// What a field says of others.
enum Counted {
    /// Nothing.
    Nothing,
    /// So many, or so long.
    Is(u32),
    /// How long something is that cannot be written.
    Lost,
}

struct Writer<'l, 'v> {
    layout: &'l Layout,
    side: Side,
    /// In the order of their cells.
    given: Vec<Given<'v>>,
    /// Every occurrence of a repeat that is given, by the repeat's place in [`Layout::repeats`] and all of its indices.
    occurrences: BTreeSet<(usize, Indices)>,
    /// Where the fields of [`Layout::seats`] were last.
    seats: Vec<Slice>,
    out: Vec<u8>,
    later: Later,
    faults: Vec<Fault>,
    /// A fault before hides what the rest of the telegram is.
    lost: bool,
}

impl<'l, 'v> Writer<'l, 'v> {
    /// Sorts what is given by its cells.
    fn take(&mut self, values: &'v Values) {
        for (at, (path, value)) in values.iter().enumerate() {
            let Some(cell) = self.layout.find_cell(path) else {
                self.faults.push(Fault::unknown(self.layout, path));
                continue;
            };
            let (id, indices) = cell;
            for (repeat, repeated) in self.layout.repeats.iter().enumerate() {
                if (repeated.first..repeated.end).contains(&id.0) {
                    self.occurrences.insert((repeat, indices.outer(repeated.depth + 1)));
                }
            }
            self.given.push(Given { cell, value, at, used: false });
        }
        // Stable, so that of two for one cell the second stays the second.
        self.given.sort_by_key(|given| given.cell);
        let mut last = None;
        let (layout, faults) = (self.layout, &mut self.faults);
        self.given.retain(|given| {
            let twice = last == Some(given.cell);
            last = Some(given.cell);
            if let Some(field) = layout.field(given.cell.0).filter(|_| twice) {
                let fault = Fault::new(field, b"", Rule::Twice);
                faults.push(Fault { field: path(field, given.cell.1), ..fault });
            }
            !twice
        });
    }

    /// Tells what was given and has no place.
    fn left_over(&mut self, values: &Values) {
        let mut left: Vec<&Given<'_>> =
            self.given.iter().filter(|given| !given.used && *given.value != Value::Null).collect();
        left.sort_by_key(|given| given.at);
        for given in left {
            let path = values.get(given.at).map_or("", |(path, _)| path.as_str());
            self.faults.push(Fault::not_here(self.layout, path, given.cell.0));
        }
    }

    fn nodes(&mut self, nodes: &'l [Node], indices: Indices) {
        for node in nodes {
            if self.lost {
                return;
            }
            match node {
                Node::Run { first, end } => self.run(*first, *end, indices),
                Node::Repeat(repeat) => self.repeat(repeat, indices),
                Node::Choice(choice) => {
                    let Some(cell) = self.decider(choice.by, indices) else { return };
                    let key = cell.at.of(&self.out).unwrap_or_default();
                    let branch = choice
                        .branches
                        .iter()
                        .find(|branch| branch.keys.is_empty() || branch.keys.iter().any(|known| **known == *key));
                    match branch {
                        Some(branch) => self.nodes(&branch.body, indices),
                        None => {
                            self.lost = true;
                            // A key that could not be written was told.
                            let fault = Fault::of_cell(&cell, key, Rule::NoBranch);
                            if self.faults.iter().all(|told| told.field != fault.field) {
                                self.faults.push(fault);
                            }
                        }
                    }
                }
                Node::When(when) => {
                    let Some(cell) = self.decider(when.by, indices) else { return };
                    let found = cell.at.of(&self.out).unwrap_or_default();
                    match when.test.holds(found, cell.field.charset.encode) {
                        Some(true) => self.nodes(&when.body, indices),
                        Some(false) => {}
                        None => {
                            self.lost = true;
                            let fault = Fault::of_cell(&cell, found, Rule::NotHex);
                            if self.faults.iter().all(|told| told.field != fault.field) {
                                self.faults.push(fault);
                            }
                        }
                    }
                }
                Node::Tail(tail) => self.tail(tail, indices),
            }
        }
    }

    fn decider(&self, by: FieldId, indices: Indices) -> Option<Cell<'l>> {
        let field = self.layout.field(by)?;
        let seat = self.layout.seats.binary_search(&by).ok().and_then(|seat| self.seats.get(seat));
        let at = seat.copied().unwrap_or(field.at);
        Some(Cell { id: by, field, at, indices: indices.outer(self.layout.depth(by)) })
    }

    fn run(&mut self, first: FieldId, end: FieldId, indices: Indices) {
        for id in (first.0..end.0).map(FieldId) {
            let Some(field) = self.layout.field(id) else { return };
            let start = self.out.len();
            let at = Slice { offset: u32::try_from(start).unwrap_or(u32::MAX), len: field.at.len };
            if let Some(seat) = self.layout.seats.binary_search(&id).ok().and_then(|seat| self.seats.get_mut(seat)) {
                *seat = at;
            }
            let cell = Cell { id, field, at, indices };
            if let Err(fault) = self.field(&cell) {
                self.faults.push(Fault { field: path(field, indices), offset: at.offset, ..fault });
                // What follows keeps its place.
                self.out.resize(start + field.at.range().len(), field.unset_byte());
            }
        }
    }

    /// What the caller gives for a cell.
    fn value(&mut self, cell: (FieldId, Indices)) -> Option<&'v Value> {
        let found = self.given.binary_search_by_key(&cell, |given| given.cell).ok();
        let given = found.and_then(|at| self.given.get_mut(at))?;
        given.used = true;
        Some(given.value).filter(|value| **value != Value::Null)
    }

    /// A text without padding, as long as the field that says its length has said.
    fn tail(&mut self, tail: &Tail, indices: Indices) {
        let id = tail.field;
        let Some(field) = self.layout.field(id) else { return };
        let start = self.out.len();
        let at = Slice { offset: u32::try_from(start).unwrap_or(u32::MAX), len: field.at.len };
        let given = self.value((id, indices));
        let ours = field.by.fills(self.side);
        let put = match given {
            Some(_) if !ours => Err(Fault::new(field, b"", Rule::NotYours { by: field.by.word() })),
            Some(value) => tail_bytes(field, value).map(|bytes| self.out.extend_from_slice(&bytes)),
            None if ours && !field.by.optional => Err(Fault::new(field, b"", Rule::Missing)),
            None => Ok(()),
        };
        if let Err(fault) = put {
            self.faults.push(Fault { field: path(field, indices), offset: at.offset, ..fault });
            return;
        }
        self.agree(tail.len, indices, u32::try_from(self.out.len() - start).unwrap_or(u32::MAX));
    }

    /// A bitmap that nobody gives: a bit that says whether fields are there is set if one of them is given, and the others are those of its
    /// default. `None` if the field is none, or not this side's to say.
    fn bitmap(&self, cell: &Cell<'l>) -> Option<Value> {
        let field = cell.field;
        if field.kind != Kind::Text
            || !field.by.fills(self.side)
            || self.layout.bits.iter().all(|bit| bit.by != cell.id)
        {
            return None;
        }
        let mut digits = match &field.fill {
            Fill::Given => Vec::from("0".repeat(field.at.range().len())),
            Fill::Default(bytes) => field.charset.encode.decode(bytes).ok()?.as_bytes().to_ascii_uppercase(),
            _ => return None,
        };
        for bitten in self.layout.bits.iter().filter(|bit| bit.by == cell.id) {
            let at = usize::from(bitten.bit.checked_sub(1)?);
            let digit = digits.get_mut(at / 4)?;
            let (mask, value) = (8 >> (at % 4), char::from(*digit).to_digit(16)?);
            let value =
                if self.is_given(bitten.first, bitten.end, cell.indices) { value | mask } else { value & !mask };
            *digit = u8::try_from(char::from_digit(value, 16)?.to_ascii_uppercase()).ok()?;
        }
        Some(Value::Text(String::from_utf8(digits).ok()?))
    }

    /// Whether a field of these has a value where the repeats around have these indices.
    fn is_given(&self, first: FieldId, end: FieldId, indices: Indices) -> bool {
        let start = self.given.partition_point(|given| given.cell.0 < first);
        let here = self.given.get(start..).unwrap_or_default().iter().take_while(|given| given.cell.0 < end);
        let mut here = here.filter(|given| given.cell.1.outer(indices.as_slice().len()) == indices);
        here.any(|given| *given.value != Value::Null)
    }

    fn field(&mut self, cell: &Cell<'l>) -> Result<(), Fault> {
        let given = self.value((cell.id, cell.indices));
        if let (None, Some(bitmap)) = (given, self.bitmap(cell)) {
            return cell.field.fill_in(self.side, Some(&bitmap.to_ref()), &mut self.out);
        }
        let count = match self.count(cell)? {
            // What it counts may not be there at all: that is seen where it stands.
            Counted::Is(0) if given.is_some() => {
                return cell.field.fill_in(self.side, given.map(Value::to_ref).as_ref(), &mut self.out);
            }
            Counted::Is(count) => count,
            Counted::Nothing => {
                let start = self.out.len();
                cell.field.fill_in(self.side, given.map(Value::to_ref).as_ref(), &mut self.out)?;
                if self.layout.computes() {
                    self.later.note(cell.id, cell.field, self.side, start, given);
                }
                return Ok(());
            }
            Counted::Lost => {
                cell.field.leave_out(&mut self.out);
                return Ok(());
            }
        };
        if cell.field.by.fills(self.side) || count > 0 {
            let start = self.out.len();
            cell.field.fill_in(self.side, Some(&ValueRef::Number(count.into())), &mut self.out)?;
            let Some(given) = given else { return Ok(()) };
            let mut bytes = Vec::new();
            cell.field.encode(given, &mut bytes)?;
            if self.out.get(start..) != Some(&bytes) {
                return Err(Fault::new(cell.field, &bytes, Rule::Miscounted { given: count }));
            }
            return Ok(());
        }
        cell.field.fill_in(self.side, given.map(Value::to_ref).as_ref(), &mut self.out)
    }

    /// Whether what counts has said so many; nothing if it was told of already.
    fn agree(&mut self, by: FieldId, indices: Indices, given: u32) {
        let Some(cell) = self.decider(by, indices) else { return };
        let bytes = cell.at.of(&self.out).unwrap_or_default();
        let said = match cell.field.read(bytes, cell.field.by.fills(self.side), |_| ()) {
            Ok(ValueRef::Number(number)) => number.units,
            Ok(_) => 0,
            Err(()) => return,
        };
        if said != i128::from(given) {
            let fault = Fault::of_cell(&cell, bytes, Rule::Miscounted { given });
            if self.faults.iter().all(|told| told.field != fault.field) {
                self.faults.push(fault);
            }
        }
    }

    /// How many are given of what the field counts, or how long. Of several that it counts, some may be in branches that are not taken.
    fn count(&self, cell: &Cell<'l>) -> Result<Counted, Fault> {
        let mut count: Option<u32> = None;
        for (at, repeated) in self.layout.repeats.iter().enumerate() {
            if repeated.times != Times::Field(cell.id) {
                continue;
            }
            let given = u32::from(self.times(at, cell.indices));
            match count {
                Some(other) if other != given && other > 0 && given > 0 => {
                    return Err(Fault::new(cell.field, b"", Rule::Miscounted { given }));
                }
                _ => count = count.max(Some(given)),
            }
        }
        for (tail, _) in self.layout.tails.iter().filter(|(_, len)| *len == cell.id) {
            let found = self.given.binary_search_by_key(&(*tail, cell.indices), |given| given.cell).ok();
            let value = found.and_then(|at| self.given.get(at)).map(|given| given.value);
            let given = match self.layout.field(*tail).zip(value).map(|(field, value)| tail_bytes(field, value)) {
                Some(Ok(bytes)) => u32::try_from(bytes.len()).unwrap_or(u32::MAX),
                // That it cannot be written is told where it stands.
                Some(Err(_)) => return Ok(Counted::Lost),
                None => 0,
            };
            match count {
                Some(other) if other != given && other > 0 && given > 0 => {
                    return Err(Fault::new(cell.field, b"", Rule::Miscounted { given }));
                }
                _ => count = count.max(Some(given)),
            }
        }
        Ok(count.map_or(Counted::Nothing, Counted::Is))
    }

    /// How many occurrences are given: one more than the highest index.
    fn times(&self, repeat: usize, outer: Indices) -> u16 {
        let all = (repeat, outer.deeper(0))..=(repeat, outer.deeper(u16::MAX));
        let last = self.occurrences.range(all).next_back();
        last.and_then(|(_, indices)| indices.last()).map_or(0, |last| last.saturating_add(1))
    }

    fn repeat(&mut self, repeat: &'l Repeat, indices: Indices) {
        let found = self.layout.repeats.iter().position(|repeated| repeated.path == repeat.path);
        let Some(at) = found else { return };
        let times = self.times(at, indices);
        let blamed = |rule| {
            let field = self.layout.repeats.get(at).and_then(|repeated| self.layout.field(FieldId(repeated.first)));
            let path = alloc::format!("{}", CellPath::new(&repeat.path, indices));
            field.map(|field| Fault { field: path.into(), ..Fault::new(field, b"", rule) })
        };
        let here = self.occurrences.range((at, indices.deeper(0))..=(at, indices.deeper(u16::MAX)));
        let hole = (0..times).zip(here.filter_map(|(_, indices)| indices.last())).find(|(expected, is)| expected != is);
        let wrong = match hole {
            // Of an index beyond what there is room for, those before it are not what is wrong.
            _ if times > repeat.max => blamed(Rule::Times { found: u32::from(times), max: repeat.max }),
            Some((index, _)) => blamed(Rule::Hole { index }),
            None => None,
        };
        if let Some(fault) = wrong {
            self.faults.push(fault);
            self.lost = true;
            return;
        }
        if let Times::Field(by) = repeat.times {
            self.agree(by, indices, u32::from(times));
        }
        for index in 0..times {
            self.nodes(&repeat.body, indices.deeper(index));
        }
        if repeat.padded {
            for _ in times..repeat.max {
                self.leave_room(&repeat.body);
            }
        }
    }

    /// Room for one that is not there.
    fn leave_room(&mut self, body: &[Node]) {
        let before = self.out.len();
        for node in body {
            let Node::Run { first, end } = node else { continue };
            for field in self.layout.fields().get(first.index()..end.index()).unwrap_or_default() {
                field.leave_out(&mut self.out);
            }
        }
        let len = usize::try_from(extent(body, self.layout.fields()).0).unwrap_or(0);
        assert!(self.out.len() == before + len, "room is as long as what it is for");
    }
}

/// The bytes of a text that has a length of its own.
fn tail_bytes(field: &Field, value: &Value) -> Result<Vec<u8>, Fault> {
    let mut bytes = Vec::new();
    match value {
        Value::Text(text) => {
            field.charset.encode.encode(text, &mut bytes).map_err(|rule| Fault::new(field, b"", rule))?;
        }
        Value::Bytes(given) => {
            field.charset.encode.decode(given).map_err(|rule| Fault::new(field, given, rule))?;
            bytes.extend_from_slice(given);
        }
        Value::Null => {}
        Value::Number(_) => return Err(Fault::new(field, b"", Rule::WrongKind { expected: "text" })),
    }
    let needed = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    if needed > field.at.len {
        return Err(Fault::new(field, &bytes, Rule::Overflow { needed }));
    }
    Ok(bytes)
}

fn path(field: &Field, indices: Indices) -> alloc::boxed::Box<str> {
    alloc::format!("{}", CellPath::new(&field.path, indices)).into()
}

#[cfg(test)]
mod tests;
