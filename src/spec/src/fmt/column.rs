//! Where the columns of a block are.

use alloc::vec::Vec;

use crate::fmt::{Cut, GAP};

/// A cell between kind and label that is longer does not push the column behind it; its own line goes on where the cell ends.
const CELL_MAX: usize = 20;

/// The column of a field's label, the last one.
const LABEL: usize = 5;

/// Lines that are longer, or have such a cell, do not push the comments of the others.
const COMMENT_MAX: usize = 120;

/// The columns of a block, from its indentation.
pub(crate) struct Group {
    widths: Vec<usize>,
    /// Where comments behind lines stand; `None` if there are none.
    pub(crate) comment: Option<usize>,
}

impl Group {
    pub(crate) fn of<'c, 't: 'c>(lines: impl Iterator<Item = &'c Cut<'t>> + Clone) -> Self {
        let mut group = Self { widths: Vec::new(), comment: None };
        for line in lines.clone() {
            let cells = line.cells();
            let [_, _, ..] = cells.as_slice() else { continue };
            group.widths.resize(group.widths.len().max(cells.len()), 0);
            for (at, (known, cell)) in group.widths.iter_mut().zip(&cells).enumerate() {
                if !is_long(at, cell) {
                    *known = width(cell).max(*known);
                }
            }
        }
        let commented = lines.filter(|line| line.comment.is_some() && !line.tokens.is_empty());
        let aligned = commented.filter(|line| !line.cells().iter().enumerate().any(|(at, cell)| is_long(at, cell)));
        let ends = aligned.map(|line| {
            let mut text = alloc::string::String::new();
            line.write(Some(&group), &mut text);
            width(&text)
        });
        group.comment = ends.filter(|end| *end <= COMMENT_MAX).max().map(|end| end + GAP);
        group
    }

    /// Where a column begins, from the indentation of the block.
    pub(crate) fn column(&self, at: usize) -> usize {
        self.widths.iter().take(at).filter(|width| **width > 0).map(|width| width + GAP).sum()
    }
}

/// A cell of a field's third column or one behind it that goes its own way.
fn is_long(at: usize, cell: &str) -> bool {
    (2..LABEL).contains(&at) && width(cell) > CELL_MAX
}

/// In columns of a terminal: Hangul and the like take two.
pub(crate) fn width(text: &str) -> usize {
    text.chars().map(|c| if is_wide(c) { 2 } else { 1 }).sum()
}

/// Unicode's East Asian Width W and F, as far as specs use it.
fn is_wide(c: char) -> bool {
    matches!(u32::from(c),
        0x1100..=0x115F | 0x2E80..=0x303E | 0x3041..=0xA4CF | 0xA960..=0xA97C | 0xAC00..=0xD7A3 | 0xF900..=0xFAFF
        | 0xFE30..=0xFE6F | 0xFF00..=0xFF60 | 0xFFE0..=0xFFE6 | 0x1F300..=0x1FAFF | 0x20000..=0x3FFFD)
}
