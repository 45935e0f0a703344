use alloc::boxed::Box;
use alloc::vec::Vec;

use crate::cell::INDICES_MAX;
use crate::charset::Charset;
use crate::field::{Field, FieldId, Fill};
use crate::kind::Kind;
use crate::layout::LayoutError;
use crate::text::TextRule;

/// How deep parts may stand in each other.
pub(crate) const DEPTH_MAX: usize = 8;

/// A layout is a tree. A telegram whose fields all have fixed places is one run; groups and repeats of a fixed number are only names in
/// the paths of its fields. What moves is a node of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Node {
    /// Fields, one behind the other: `first..end` of [`crate::Layout::fields`]. Their offsets count from where the run begins.
    Run {
        /// The first field.
        first: FieldId,
        /// One past the last field.
        end: FieldId,
    },
    /// The same several times.
    Repeat(Repeat),
    /// One of several, told by a key.
    Choice(Choice),
    /// Something that is there or not.
    When(When),
    /// A text whose length is said before it.
    Tail(Tail),
}

/// The same several times, one behind the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repeat {
    /// As in the paths of its fields, without the index: `scores`, `cards[].debts`.
    pub path: Box<str>,
    /// How often.
    pub times: Times,
    /// How often at most, from 1.
    pub max: u16,
    /// There is always room for `max`, and what is behind the last is left unset. Only for a body that is one run.
    pub padded: bool,
    /// What repeats; at least one byte.
    pub body: Vec<Node>,
    /// Name in the institution's document, or nothing.
    pub label: Box<str>,
}

/// How often something repeats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Times {
    /// As a whole number says that stands before it, in the same occurrence of what both stand in. Blank is not once.
    Field(FieldId),
    /// Until the telegram ends; nothing may stand behind it.
    UntilEnd,
}

/// One of several, told by a key that stands before it; never by trial.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// The key.
    pub by: FieldId,
    /// What there is to choose from.
    pub branches: Vec<Branch>,
}

/// What one key stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Branch {
    /// The bytes of the key, as long as its field; none for the last branch if it takes every other key.
    pub keys: Vec<Box<[u8]>>,
    /// What is there then.
    pub body: Vec<Node>,
    /// Name in the institution's document, or nothing.
    pub label: Box<str>,
}

/// Something that is there if a field before it says so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct When {
    /// The field.
    pub by: FieldId,
    /// What it holds then.
    pub test: Test,
    /// What is there then.
    pub body: Vec<Node>,
    /// Name in the institution's document, or nothing.
    pub label: Box<str>,
}

/// What a field holds that says that something is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Test {
    /// One of these, each as long as the field.
    AnyOf(Vec<Box<[u8]>>),
    /// In hexadecimal digits, a bit that is set: 1 is the highest one of the first digit, as in ISO 8583.
    Bit(u16),
}

impl Test {
    /// Whether a field's bytes say so; `None` if they are no bitmap.
    pub(crate) fn holds(&self, bytes: &[u8], charset: Charset) -> Option<bool> {
        match self {
            Self::AnyOf(any_of) => Some(any_of.iter().any(|wanted| **wanted == *bytes)),
            Self::Bit(bit) => {
                let text = charset.decode(bytes).ok()?;
                let at = usize::from(bit.checked_sub(1)?);
                if !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
                    return None;
                }
                let digit = char::from(*text.as_bytes().get(at / 4)?).to_digit(16)?;
                Some(digit >> (3 - at % 4) & 1 == 1)
            }
        }
    }
}

/// A text without padding whose length in bytes is said by a whole number before it. The field's own length is the most that it can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tail {
    /// The text.
    pub field: FieldId,
    /// Its length. Blank is none.
    pub len: FieldId,
}

/// A repeat as it stands among the fields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Repeated {
    pub(crate) path: Box<str>,
    /// How many repeats it stands in.
    pub(crate) depth: usize,
    /// Its fields.
    pub(crate) first: u16,
    pub(crate) end: u16,
    pub(crate) times: Times,
    pub(crate) max: u16,
}

/// Fields that are there if a bit is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bitten {
    /// The bitmap.
    pub(crate) by: FieldId,
    /// 1 is the highest one of the first digit.
    pub(crate) bit: u16,
    /// Its fields.
    pub(crate) first: FieldId,
    pub(crate) end: FieldId,
}

/// What is known of a tree that is sound.
pub(crate) struct Sound {
    pub(crate) len_min: u32,
    pub(crate) len_max: u32,
    /// How many fields stand in the run that begins the telegram.
    pub(crate) head: u16,
    /// Fields that say how often, which or whether, and do not stand there.
    pub(crate) seats: Vec<FieldId>,
    pub(crate) tails: Vec<(FieldId, FieldId)>,
    /// Outer ones before those inside of them.
    pub(crate) repeats: Vec<Repeated>,
    pub(crate) bits: Vec<Bitten>,
}

/// In bytes, at least and at most.
pub(crate) fn extent(nodes: &[Node], fields: &[Field]) -> (u32, u32) {
    let mut sum = (0_u32, 0_u32);
    for node in nodes {
        let (min, max) = match node {
            Node::Run { first, end } => {
                let len = run_len(fields, *first, *end);
                (len, len)
            }
            Node::Repeat(repeat) => {
                let (_, max) = extent(&repeat.body, fields);
                let all = max.saturating_mul(u32::from(repeat.max));
                (if repeat.padded { all } else { 0 }, all)
            }
            Node::Choice(choice) => {
                let all = choice.branches.iter().map(|branch| extent(&branch.body, fields));
                all.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1))).unwrap_or_default()
            }
            Node::When(when) => (0, extent(&when.body, fields).1),
            Node::Tail(tail) => (0, fields.get(tail.field.index()).map_or(0, |field| field.at.len)),
        };
        sum = (sum.0.saturating_add(min), sum.1.saturating_add(max));
    }
    sum
}

/// In bytes.
pub(crate) fn run_len(fields: &[Field], first: FieldId, end: FieldId) -> u32 {
    let last = end.index().checked_sub(1).filter(|last| *last >= first.index());
    last.and_then(|last| fields.get(last)).map_or(0, |field| field.at.offset.saturating_add(field.at.len))
}

/// Looks a tree through.
///
/// # Errors
/// The first thing that is wrong.
pub(crate) fn check(root: &[Node], fields: &[Field]) -> Result<Sound, LayoutError> {
    let mut look = Look {
        fields,
        next: 0,
        open: Vec::new(),
        bodies: 0,
        of: Vec::new(),
        seats: Vec::new(),
        tails: Vec::new(),
        repeats: Vec::new(),
        bits: Vec::new(),
    };
    look.nodes(root, 0, true)?;
    if usize::from(look.next) != fields.len() {
        return Err(LayoutError::Gap { field: FieldId(look.next) });
    }
    let head = match root.first() {
        Some(Node::Run { end, .. }) => end.0,
        _ => 0,
    };
    look.seats.retain(|seat| seat.0 >= head);
    look.seats.sort_unstable();
    look.seats.dedup();
    let (len_min, len_max) = extent(root, fields);
    let Look { seats, tails, repeats, bits, .. } = look;
    Ok(Sound { len_min, len_max, head, seats, tails, repeats, bits })
}

struct Look<'f> {
    fields: &'f [Field],
    /// The field that comes next.
    next: u16,
    /// The bodies that are open, the innermost last; for each whether it repeats.
    open: Vec<(u32, bool)>,
    bodies: u32,
    /// For each field that was seen, the bodies in which it stands.
    of: Vec<Vec<(u32, bool)>>,
    seats: Vec<FieldId>,
    tails: Vec<(FieldId, FieldId)>,
    repeats: Vec<Repeated>,
    bits: Vec<Bitten>,
}

impl Look<'_> {
    fn nodes(&mut self, nodes: &[Node], depth: usize, may_end: bool) -> Result<(), LayoutError> {
        if depth >= DEPTH_MAX {
            return Err(wrong("its parts stand too deep in each other"));
        }
        for (at, node) in nodes.iter().enumerate() {
            let is_last = may_end && at + 1 == nodes.len();
            match node {
                Node::Run { first, end } => self.run(*first, *end)?,
                Node::Repeat(repeat) => self.repeat(repeat, depth, is_last)?,
                Node::Choice(choice) => {
                    self.refer(choice.by)?;
                    let mut keys: Vec<&[u8]> = Vec::new();
                    for (at, branch) in choice.branches.iter().enumerate() {
                        self.keys(choice.by, &branch.keys, &mut keys)?;
                        if branch.keys.is_empty() && at + 1 != choice.branches.len() {
                            return Err(wrong("a branch without a key is not the last one of its choice"));
                        }
                        self.body(&branch.body, false, depth, is_last)?;
                    }
                }
                Node::When(when) => {
                    self.refer(when.by)?;
                    match &when.test {
                        Test::AnyOf(any_of) => self.keys(when.by, any_of, &mut Vec::new())?,
                        Test::Bit(bit) => {
                            let len = self.fields.get(when.by.index()).map_or(0, |field| field.at.len);
                            if *bit == 0 || u32::from(*bit) > len.saturating_mul(4) {
                                return Err(wrong("a bitmap does not have the bit that is asked for"));
                            }
                        }
                    }
                    let first = FieldId(self.next);
                    self.body(&when.body, false, depth, is_last)?;
                    if let Test::Bit(bit) = when.test {
                        self.bits.push(Bitten { by: when.by, bit, first, end: FieldId(self.next) });
                    }
                }
                Node::Tail(tail) => self.tail(*tail)?,
            }
        }
        Ok(())
    }

    fn run(&mut self, first: FieldId, end: FieldId) -> Result<(), LayoutError> {
        if first.0 != self.next || end <= first || end.index() > self.fields.len() {
            return Err(LayoutError::Gap { field: first });
        }
        let mut offset = 0_u32;
        for at in first.0..end.0 {
            let field = self.fields.get(usize::from(at)).ok_or(LayoutError::Gap { field: first })?;
            super::check(field, FieldId(at), offset)?;
            offset = offset
                .checked_add(field.at.len)
                .ok_or(LayoutError::Total { fields: u32::MAX, total: field.at.offset })?;
            self.of.push(self.open.clone());
        }
        self.next = end.0;
        Ok(())
    }

    fn tail(&mut self, tail: Tail) -> Result<(), LayoutError> {
        if tail.field.0 != self.next {
            return Err(LayoutError::Gap { field: tail.field });
        }
        let field = self.fields.get(tail.field.index()).ok_or(LayoutError::Gap { field: tail.field })?;
        super::check(field, tail.field, 0)?;
        if field.kind != Kind::Text || field.fill != Fill::Given || field.text != TextRule::default() {
            return Err(wrong("what has a length of its own is not a text alone"));
        }
        self.whole_number(tail.len)?;
        self.tails.push((tail.field, tail.len));
        self.of.push(self.open.clone());
        self.next += 1;
        Ok(())
    }

    /// A field that says how often or how long, once for each occurrence of what it stands in.
    fn whole_number(&mut self, by: FieldId) -> Result<(), LayoutError> {
        let outer = self.open.iter().filter(|(_, repeats)| *repeats).count();
        let of = self.refer(by)?;
        let kind = self.fields.get(by.index()).map(|field| &field.kind);
        if !matches!(kind, Some(Kind::Number(number)) if number.scale == 0) {
            return Err(wrong("a field counts that is no whole number"));
        }
        if of.iter().filter(|(_, repeats)| *repeats).count() != outer {
            return Err(wrong("a count stands outside of the repeat in which it counts"));
        }
        Ok(())
    }

    fn repeat(&mut self, repeat: &Repeat, depth: usize, is_last: bool) -> Result<(), LayoutError> {
        let outer = self.open.iter().filter(|(_, repeats)| *repeats).count();
        if outer >= INDICES_MAX {
            return Err(wrong("repeats stand too deep in each other"));
        }
        match repeat.times {
            Times::Field(by) => self.whole_number(by)?,
            Times::UntilEnd if !is_last || repeat.padded => {
                return Err(wrong("something stands behind what goes on until the end"));
            }
            Times::UntilEnd => {}
        }
        if repeat.max == 0 || extent(&repeat.body, self.fields).0 == 0 {
            return Err(wrong("a repeat has no bytes"));
        }
        if repeat.padded && !matches!(repeat.body.as_slice(), [Node::Run { .. }]) {
            return Err(wrong("a repeat with padding is not of one length"));
        }
        let at = self.repeats.len();
        let (path, first) = (repeat.path.clone(), self.next);
        self.repeats.push(Repeated { path, depth: outer, first, end: first, times: repeat.times, max: repeat.max });
        self.body(&repeat.body, true, depth, false)?;
        let end = self.next;
        if let Some(repeated) = self.repeats.get_mut(at) {
            repeated.end = end;
        }
        Ok(())
    }

    fn body(&mut self, body: &[Node], repeats: bool, depth: usize, may_end: bool) -> Result<(), LayoutError> {
        self.bodies += 1;
        self.open.push((self.bodies, repeats));
        self.nodes(body, depth + 1, may_end)?;
        self.open.pop();
        Ok(())
    }

    /// A field that is referred to is there, before, and wherever it is referred to.
    fn refer(&mut self, by: FieldId) -> Result<Vec<(u32, bool)>, LayoutError> {
        let of =
            self.of.get(by.index()).ok_or_else(|| wrong("a count or key does not stand before what it decides"))?;
        if !self.open.starts_with(of) {
            return Err(wrong("a count or key stands where it need not be"));
        }
        self.seats.push(by);
        Ok(of.clone())
    }

    fn keys<'k>(&self, by: FieldId, keys: &'k [Box<[u8]>], seen: &mut Vec<&'k [u8]>) -> Result<(), LayoutError> {
        let len = self.fields.get(by.index()).map_or(0, |field| field.at.range().len());
        for key in keys {
            if key.len() != len {
                return Err(wrong("a key is not as long as its field"));
            }
            if seen.contains(&&**key) {
                return Err(wrong("two branches have one key"));
            }
            seen.push(key);
        }
        Ok(())
    }
}

fn wrong(why: &'static str) -> LayoutError {
    LayoutError::Structure { why }
}
