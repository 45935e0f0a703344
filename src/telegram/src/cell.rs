use core::fmt;

use crate::field::{Field, FieldId, Slice};

/// How deep repeats that move may stand in each other.
pub(crate) const INDICES_MAX: usize = 4;

/// Which occurrence it is, of each repeat that a field stands in, the outermost first; from 0. None for what stands in no repeat, or in a
/// repeat of a fixed number, whose fields are fields of their own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Indices {
    len: u8,
    at: [u16; INDICES_MAX],
}

impl Indices {
    /// The indices, the outermost repeat's first.
    #[must_use]
    pub fn as_slice(&self) -> &[u16] {
        self.at.get(..usize::from(self.len)).unwrap_or_default()
    }

    /// One repeat deeper.
    pub(crate) fn deeper(mut self, index: u16) -> Self {
        let place = self.at.get_mut(usize::from(self.len));
        *place.expect("a layout is not deeper") = index;
        self.len += 1;
        self
    }

    /// Those of the outermost `depth` repeats.
    pub(crate) fn outer(mut self, depth: usize) -> Self {
        self.at.iter_mut().skip(depth).for_each(|index| *index = 0);
        self.len = self.len.min(u8::try_from(depth).unwrap_or(u8::MAX));
        self
    }

    /// That of the innermost repeat.
    pub(crate) fn last(&self) -> Option<u16> {
        self.as_slice().last().copied()
    }
}

/// One occurrence of a field in a telegram: a field of a repeat has as many as there are, one of a branch that was not taken has none.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Cell<'l> {
    /// The field's place in the layout.
    pub id: FieldId,
    /// The field. Its own `at` counts from where its part of the telegram begins.
    pub field: &'l Field,
    /// Where its bytes are in this telegram.
    pub at: Slice,
    /// Which occurrence it is.
    pub indices: Indices,
}

impl<'l> Cell<'l> {
    /// The field's path with its indices: `scores[0].grade`.
    #[must_use]
    pub const fn path(&self) -> CellPath<'l> {
        CellPath { path: &self.field.path, indices: self.indices }
    }
}

impl fmt::Debug for Cell<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {} +{}", self.path(), self.at.offset, self.at.len)
    }
}

/// A path with its indices; `Display` writes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CellPath<'l> {
    path: &'l str,
    indices: Indices,
}

impl<'l> CellPath<'l> {
    pub(crate) const fn new(path: &'l str, indices: Indices) -> Self {
        Self { path, indices }
    }
}

impl fmt::Display for CellPath<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.path;
        for index in self.indices.as_slice() {
            let Some((before, behind)) = rest.split_once("[]") else { break };
            write!(f, "{before}[{index}]")?;
            rest = behind;
        }
        f.write_str(rest)
    }
}

#[cfg(test)]
mod tests {
    use std::string::ToString;

    use super::*;

    #[test]
    fn a_path_has_its_indices_where_its_repeats_are() {
        let indices = Indices::default().deeper(2).deeper(11);
        let path = |path| CellPath { path, indices }.to_string();
        assert_eq!(path("cards[].debts[].amount"), "cards[2].debts[11].amount");
        assert_eq!(path("cards[].debts[].phones[1].no"), "cards[2].debts[11].phones[1].no");
        assert_eq!(indices.as_slice(), [2, 11]);
        assert_eq!((indices.outer(1).as_slice(), indices.outer(1)), (&[2][..], Indices::default().deeper(2)));
        assert_eq!(CellPath { path: "amount", indices: Indices::default() }.to_string(), "amount");
    }
}
