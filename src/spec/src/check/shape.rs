//! Blocks of fields become columns at their places.
//!
//! What does not move is laid out here: a group gives its fields its name, a fixed repeat its name and an index, and both leave nothing else
//! behind. So the rest of the check sees fields with offsets, whatever block they were written in.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use crate::check::layout::{self, Column, Ground};
use crate::check::unique;
use crate::diagnostic::{Diagnostic, Span};
use crate::mistake::{self, error};
use crate::written::{At, Block, Name, Part, Shape, Times};

/// As many fields as a layout can name.
const FIELDS_MAX: usize = 65_535;

/// Lays out the parts of a header or a telegram.
pub(crate) struct Shaper<'s, 'g, 'o> {
    pub(crate) ground: &'g Ground<'g>,
    pub(crate) in_header: bool,
    /// Those of the header, if there is one, and those that were laid out.
    pub(crate) columns: Vec<Column<'s>>,
    /// Where the next field begins.
    pub(crate) offset: u32,
    pub(crate) out: &'o mut Vec<Diagnostic>,
}

impl<'s> Shaper<'s, '_, '_> {
    /// Lays out parts whose names have `prefix` before them. `quiet`: they were laid out before, so that what is wrong with them was told.
    pub(crate) fn parts(&mut self, parts: &'s [Part], prefix: &str, quiet: bool) {
        for part in parts {
            match part {
                Part::Field(written) => {
                    let mut sink = Vec::new();
                    let out = if quiet { &mut sink } else { &mut *self.out };
                    let column = layout::column(written, prefix, self.offset, self.in_header, self.ground, out);
                    self.offset = layout::end(&column.field);
                    self.columns.push(column);
                }
                Part::Block(block) => self.block(block, prefix, quiet),
            }
        }
    }

    fn block(&mut self, block: &'s Block, prefix: &str, quiet: bool) {
        let start = (self.offset, self.columns.len());
        let told = self.out.len();
        match &block.shape {
            Shape::Group { name } => {
                self.parts(&block.parts, &format!("{prefix}{}.", name.value), quiet);
                self.length(name, start, block.length.as_ref(), quiet);
            }
            Shape::Repeat { name, times: Times::Fixed(times) } => {
                self.parts(&block.parts, &format!("{prefix}{}[0].", name.value), quiet);
                self.length(name, start, block.length.as_ref(), quiet);
                let each = self.columns.len() - start.1;
                let more = usize::try_from(times.value - 1).unwrap_or(usize::MAX);
                if self.columns.len().saturating_add(each.saturating_mul(more)) > FIELDS_MAX {
                    if self.out.len() == told && !quiet {
                        let message = format!("`{}` makes more fields than {FIELDS_MAX}", name.value);
                        self.out.push(
                            error(mistake::TOO_MANY, times.span, "too many", message)
                                .help("describe what repeats as one longer field"),
                        );
                    }
                    self.columns.iter_mut().for_each(|column| column.sure = false);
                    return;
                }
                for at in 1..times.value {
                    self.parts(&block.parts, &format!("{prefix}{}[{at}].", name.value), true);
                }
            }
            Shape::Repeat { name, .. } => self.not_yet(block.word, &name.value),
            Shape::Choice { by, .. } => self.not_yet(block.word, &by.value),
            Shape::When { field, .. } => self.not_yet(block.word, &field.value),
        }
    }

    fn not_yet(&mut self, span: Span, name: &str) {
        self.columns.iter_mut().for_each(|column| column.sure = false);
        self.out.push(
            error(mistake::MOVES, span, "not here", format!("What moves with `{name}` cannot be described yet"))
                .help("a group or a fixed number of times can"),
        );
    }

    /// Compares what lies behind `start` with what the document says of its length.
    fn length(&mut self, name: &Name, start: (u32, usize), said: Option<&At<u32>>, quiet: bool) {
        let Some(said) = said.filter(|_| !quiet) else { return };
        let inside = self.columns.get(start.1..).unwrap_or_default();
        let sum = self.offset.saturating_sub(start.0);
        if sum == said.value || inside.iter().any(|column| !column.sure) {
            return;
        }
        let message = format!("The fields of `{}` are {sum} bytes, but its length is {}", name.value, said.value);
        let help = format!("{}; compare each length with the document", difference(sum, said.value));
        let last = inside.last().map(|column| column.written.name.span);
        let mut told = error(mistake::TOTAL, said.span, format!("says {}", said.value), message).help(help);
        if let Some(last) = last {
            told = told.related(last, format!("the last field ends at byte {sum} of it"));
        }
        self.out.push(told);
    }
}

/// `3 bytes missing`, `1 byte too many`.
pub(crate) fn difference(sum: u32, said: u32) -> String {
    let bytes = sum.abs_diff(said);
    let word = if bytes == 1 { "byte" } else { "bytes" };
    format!("{bytes} {word} {}", if sum > said { "too many" } else { "missing" })
}

/// Tells names that are used twice in one block, `header` of them before those of the block.
pub(crate) fn names(parts: &[Part], header: &[&Name], out: &mut Vec<Diagnostic>) {
    let mut all: Vec<&Name> = header.to_vec();
    own(parts, &mut all);
    unique("field", header.len(), all.into_iter(), out);
    inner(parts, out);
}

/// The names that a block has for itself. What stands under a condition belongs to it.
pub(crate) fn own<'p>(parts: &'p [Part], all: &mut Vec<&'p Name>) {
    for part in parts {
        match part {
            Part::Field(field) => all.push(&field.name),
            Part::Block(block) => match &block.shape {
                Shape::Group { name } | Shape::Repeat { name, .. } => all.push(name),
                Shape::Choice { branches, .. } => all.extend(branches.iter().map(|branch| &branch.name)),
                Shape::When { .. } => own(&block.parts, all),
            },
        }
    }
}

fn inner(parts: &[Part], out: &mut Vec<Diagnostic>) {
    for part in parts {
        let Part::Block(block) = part else { continue };
        match &block.shape {
            Shape::Group { .. } | Shape::Repeat { .. } => names(&block.parts, &[], out),
            Shape::Choice { branches, .. } => branches.iter().for_each(|branch| names(&branch.parts, &[], out)),
            Shape::When { .. } => inner(&block.parts, out),
        }
    }
}
