//! Through a telegram, along the tree of its layout.

use alloc::vec::Vec;

use crate::cell::{Cell, Indices};
use crate::computed::Reckoned;
use crate::decode::Telegram;
use crate::fault::{Fault, Rule};
use crate::field::{FieldId, Side, Slice};
use crate::layout::tree::{DEPTH_MAX, extent, run_len};
use crate::layout::{Layout, Node, Repeat, Times};
use crate::value::ValueRef;

/// Where a walk goes next.
#[derive(Clone, Copy, Debug)]
struct Frame<'l> {
    nodes: &'l [Node],
    next: usize,
    round: Round<'l>,
}

/// How often the nodes of a frame are walked.
#[derive(Clone, Copy, Debug)]
enum Round<'l> {
    Once,
    /// `done` rounds of `rounds` are over or under way; those from `times` on are padding.
    Times {
        done: u16,
        rounds: u16,
        times: u16,
    },
    UntilEnd {
        done: u16,
        repeat: &'l Repeat,
    },
}

/// What a walk comes to.
pub(crate) enum Step<'l> {
    /// A field; or room for one behind the last occurrence, which must be unset.
    Cell { cell: Cell<'l>, is_room: bool, is_tail: bool },
    /// What this field says of the structure cannot be, and the walk is over.
    Wrong { cell: Cell<'l>, rule: Rule },
}

/// A walk through bytes that `side` has filled.
#[derive(Clone, Debug)]
pub(crate) struct Walk<'l, 'b> {
    layout: &'l Layout,
    bytes: &'b [u8],
    side: Side,
    /// The fields of a run that are still to come, and where the run begins.
    run: (u16, u16),
    base: u32,
    /// The length of the field that comes next, if it is one of its own.
    tail: Option<u32>,
    /// Where the last run ends that was begun.
    at: u32,
    frames: [Frame<'l>; DEPTH_MAX],
    depth: usize,
    indices: Indices,
    /// Where the fields of [`Layout::seats`] were last.
    seats: Vec<Slice>,
    /// The structure is known up to the end.
    sound: bool,
}

impl<'l, 'b> Walk<'l, 'b> {
    pub(crate) fn new(telegram: &Telegram<'l, 'b>) -> Self {
        let (layout, bytes, side) = (telegram.layout(), telegram.bytes(), telegram.side());
        let root = Frame { nodes: layout.root(), next: 0, round: Round::Once };
        let mut frames = [Frame { nodes: &[], next: 0, round: Round::Once }; DEPTH_MAX];
        if let Some(first) = frames.first_mut() {
            *first = root;
        }
        Self {
            layout,
            bytes,
            side,
            run: (0, 0),
            base: 0,
            tail: None,
            at: 0,
            frames,
            depth: 1,
            indices: Indices::default(),
            // Empty, and without memory of its own, in a layout of which nothing moves.
            seats: layout.seats.iter().map(|_| Slice { offset: 0, len: 0 }).collect(),
            sound: true,
        }
    }

    /// How long the telegram must be, if the walk is over and the structure could be read up to its end.
    pub(crate) fn end(&self) -> Option<u32> {
        self.sound.then_some(self.at)
    }

    /// Where the part begins from which on nothing is known; of a sound walk, where it ends.
    pub(crate) const fn reached(&self) -> u32 {
        self.at
    }

    pub(crate) fn step(&mut self) -> Option<Step<'l>> {
        loop {
            if self.run.0 < self.run.1 {
                let id = FieldId(self.run.0);
                self.run.0 += 1;
                let mut cell = self.cell(id, self.base, self.indices)?;
                let tail = self.tail.take();
                cell.at.len = tail.unwrap_or(cell.at.len);
                return Some(Step::Cell { cell, is_room: self.is_room(), is_tail: tail.is_some() });
            }
            if self.len() < self.at {
                // Cut short; what follows is not there.
                self.depth = 0;
            }
            let frame = self.depth.checked_sub(1).and_then(|top| self.frames.get_mut(top))?;
            let (nodes, next) = (frame.nodes, frame.next);
            frame.next += 1;
            match nodes.get(next) {
                Some(node) => {
                    if let Some((cell, rule)) = self.enter(node) {
                        self.depth = 0;
                        self.sound = false;
                        return Some(Step::Wrong { cell, rule });
                    }
                }
                None => self.round(),
            }
        }
    }

    fn len(&self) -> u32 {
        u32::try_from(self.bytes.len()).unwrap_or(u32::MAX)
    }

    fn cell(&self, id: FieldId, base: u32, indices: Indices) -> Option<Cell<'l>> {
        let field = self.layout.field(id)?;
        let at = Slice { offset: base.saturating_add(field.at.offset), len: field.at.len };
        Some(Cell { id, field, at, indices })
    }

    fn is_room(&self) -> bool {
        let frame = self.depth.checked_sub(1).and_then(|top| self.frames.get(top));
        matches!(frame, Some(Frame { round: Round::Times { done, times, .. }, .. }) if done > times)
    }

    /// Where a field that decides something is in this telegram, as the cell that it was.
    fn decider(&self, by: FieldId) -> Option<Cell<'l>> {
        let seat = self.layout.seats.binary_search(&by).ok().and_then(|seat| self.seats.get(seat));
        let field = self.layout.field(by)?;
        let at = seat.copied().unwrap_or(field.at);
        let depth = self.layout.depth(by);
        Some(Cell { id: by, field, at, indices: self.indices.outer(depth) })
    }

    fn enter(&mut self, node: &'l Node) -> Option<(Cell<'l>, Rule)> {
        match node {
            Node::Run { first, end } => {
                self.run = (first.0, end.0);
                self.base = self.at;
                self.at = self.at.saturating_add(run_len(self.layout.fields(), *first, *end));
                for (seat, id) in self.seats.iter_mut().zip(&self.layout.seats) {
                    if let Some(field) = self.layout.field(*id).filter(|_| *first <= *id && *id < *end) {
                        *seat = Slice { offset: self.base.saturating_add(field.at.offset), len: field.at.len };
                    }
                }
            }
            Node::Repeat(repeat) => return self.enter_repeat(repeat),
            Node::Choice(choice) => {
                let cell = self.decider(choice.by)?;
                let key = cell.at.of(self.bytes).unwrap_or_default();
                let branch = choice
                    .branches
                    .iter()
                    .find(|branch| branch.keys.is_empty() || branch.keys.iter().any(|known| **known == *key));
                match branch {
                    Some(branch) => self.push(&branch.body, Round::Once),
                    None => return Some((cell, Rule::NoBranch)),
                }
            }
            Node::When(when) => {
                let cell = self.decider(when.by)?;
                let found = cell.at.of(self.bytes).unwrap_or_default();
                match when.test.holds(found, cell.field.charset.decode) {
                    Some(true) => self.push(&when.body, Round::Once),
                    Some(false) => {}
                    None => return Some((cell, Rule::NotHex)),
                }
            }
            Node::Tail(tail) => {
                let max = self.layout.field(tail.field).map_or(0, |field| field.at.len);
                let (cell, found) = self.count(tail.len)?;
                if found > max {
                    return Some((cell, Rule::Reach { found, max }));
                }
                self.run = (tail.field.0, tail.field.0 + 1);
                self.tail = Some(found);
                self.base = self.at;
                self.at = self.at.saturating_add(found);
            }
        }
        None
    }

    fn enter_repeat(&mut self, repeat: &'l Repeat) -> Option<(Cell<'l>, Rule)> {
        let left = self.len().saturating_sub(self.at);
        match repeat.times {
            Times::UntilEnd => {
                if left > 0 {
                    self.push(&repeat.body, Round::UntilEnd { done: 1, repeat });
                    self.indices = self.indices.deeper(0);
                }
            }
            Times::Field(by) => {
                let (cell, count) = self.count(by)?;
                let Some(times) = u16::try_from(count).ok().filter(|times| *times <= repeat.max) else {
                    return Some((cell, Rule::Times { found: count, max: repeat.max }));
                };
                let rounds = if repeat.padded { repeat.max } else { times };
                let needed = extent(&repeat.body, self.layout.fields()).0.saturating_mul(u32::from(rounds));
                if !repeat.padded && needed > left {
                    return Some((cell, Rule::Beyond { times: count, needed, left }));
                }
                if rounds > 0 {
                    self.push(&repeat.body, Round::Times { done: 1, rounds, times });
                    self.indices = self.indices.deeper(0);
                }
            }
        }
        None
    }

    /// What a field says that counts. If it says no number, which was told when the walk came by, the walk is over.
    fn count(&mut self, by: FieldId) -> Option<(Cell<'l>, u32)> {
        let cell = self.decider(by)?;
        let bytes = cell.at.of(self.bytes).unwrap_or_default();
        match cell.field.read(bytes, cell.field.by.fills(self.side), |_| ()) {
            Ok(ValueRef::Number(number)) => Some((cell, u32::try_from(number.units).unwrap_or(u32::MAX))),
            Ok(_) => Some((cell, 0)),
            Err(()) => {
                self.depth = 0;
                self.sound = false;
                None
            }
        }
    }

    fn push(&mut self, nodes: &'l [Node], round: Round<'l>) {
        if let Some(frame) = self.frames.get_mut(self.depth) {
            *frame = Frame { nodes, next: 0, round };
            self.depth += 1;
        }
    }

    /// The nodes of the topmost frame are walked: once more, or leave it.
    fn round(&mut self) {
        let end = self.at >= self.len();
        let Some(frame) = self.depth.checked_sub(1).and_then(|top| self.frames.get_mut(top)) else { return };
        let again = match &mut frame.round {
            Round::Once => {
                self.depth -= 1;
                return;
            }
            Round::Times { done, rounds, .. } if *done < *rounds => {
                *done += 1;
                Some(*done)
            }
            Round::UntilEnd { done, repeat } if !end && *done < repeat.max => {
                *done += 1;
                Some(*done)
            }
            _ => None,
        };
        frame.next = 0;
        let outer = self.indices.outer(self.indices.as_slice().len().saturating_sub(1));
        match again {
            Some(done) => self.indices = outer.deeper(done - 1),
            None => {
                self.depth -= 1;
                self.indices = outer;
            }
        }
    }
}

/// The cells of a telegram, in order ([`Telegram::cells`]).
#[derive(Clone, Debug)]
pub struct Cells<'l, 'b> {
    telegram: Telegram<'l, 'b>,
    walk: Walk<'l, 'b>,
    /// What computed fields of repeats look at, by the field.
    reckoned: Vec<(FieldId, Reckoned)>,
}

impl<'l, 'b> Cells<'l, 'b> {
    pub(crate) fn new(telegram: Telegram<'l, 'b>) -> Self {
        Self { walk: Walk::new(&telegram), telegram, reckoned: Vec::new() }
    }

    /// How long the telegram must be, once all cells were read; `None` if its structure could not be read up to its end.
    pub(crate) fn end(&self) -> Option<u32> {
        self.walk.end()
    }
}

impl<'l, 'b> Iterator for Cells<'l, 'b> {
    type Item = (Cell<'l>, Result<ValueRef<'b>, Fault>);

    fn next(&mut self) -> Option<Self::Item> {
        let telegram = self.telegram;
        loop {
            let (cell, is_room, is_tail) = match self.walk.step()? {
                Step::Cell { cell, is_room, is_tail } => (cell, is_room, is_tail),
                Step::Wrong { cell, rule } => {
                    let bytes = cell.at.of(telegram.bytes()).unwrap_or_default();
                    return Some((cell, Err(Fault::of_cell(&cell, bytes, rule))));
                }
            };
            let Some(bytes) = cell.at.of(telegram.bytes()) else {
                let left = telegram.bytes().get(cell.at.range().start..).unwrap_or_default();
                let found = u32::try_from(left.len()).unwrap_or(u32::MAX);
                return Some((cell, Err(Fault::of_cell(&cell, left, Rule::CutShort { found }))));
            };
            if is_room {
                if cell.field.is_unset(bytes) {
                    continue;
                }
                return Some((cell, Err(Fault::of_cell(&cell, bytes, Rule::Behind))));
            }
            if is_tail {
                if bytes.is_empty() && !cell.field.by.fills(telegram.side()) {
                    return Some((cell, Ok(ValueRef::Null)));
                }
                let text = cell.field.charset.decode.decode(bytes).map(ValueRef::Text);
                return Some((cell, text.map_err(|rule| Fault::of_cell(&cell, bytes, rule))));
            }
            let ours = cell.field.by.fills(telegram.side());
            let value = cell.field.read(bytes, ours, |rule| Fault::of_cell(&cell, bytes, rule));
            return Some((cell, value.and_then(|value| telegram.checked(&cell, value, &mut self.reckoned))));
        }
    }
}

#[cfg(test)]
mod tests;
