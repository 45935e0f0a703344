use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::ops::RangeInclusive;

use pabal_telegram::{Layout, Slice};
use serde::{Deserialize, Serialize};

/// The place of a telegram's layout in its [`Catalog`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TelegramId(pub u16);

/// The telegrams of a protocol.
#[derive(Debug)]
pub struct Catalog {
    /// In the order of the files.
    pub layouts: Vec<Arc<Layout>>,
    /// Which of them a frame is.
    pub select: Select,
}

/// How a frame's telegram is told: at most one row matches any frame, which the check has proven.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Select {
    /// The header fields that rows name by position (`select by`).
    pub by: Vec<Slice>,
    /// The rows.
    pub rows: Vec<SelectRow>,
}

/// One row of `select`: all of its conditions hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SelectRow {
    /// What the frame is then.
    pub telegram: TelegramId,
    /// Its length in bytes, at least and at most.
    pub length: RangeInclusive<u32>,
    /// Bytes that must be one of these: `(where, alternatives)`.
    pub bytes: Vec<(Slice, Vec<Box<[u8]>>)>,
}

impl SelectRow {
    /// Whether all of its conditions hold for a frame.
    #[must_use]
    pub fn matches(&self, frame: &[u8]) -> bool {
        u32::try_from(frame.len()).is_ok_and(|len| self.length.contains(&len)) && self.is_typed(frame)
    }

    /// Whether a frame has the bytes that the row asks for, however long it is.
    #[must_use]
    pub fn is_typed(&self, frame: &[u8]) -> bool {
        self.bytes
            .iter()
            .all(|(at, any_of)| at.of(frame).is_some_and(|bytes| any_of.iter().any(|wanted| **wanted == *bytes)))
    }
}

/// The bytes of a place as far as the frame reaches.
fn reached(frame: &[u8], at: Slice) -> &[u8] {
    let range = at.range();
    frame.get(range.start.min(frame.len())..range.end.min(frame.len())).unwrap_or_default()
}

/// A frame that no row of `select` knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unselected {
    /// Its length in bytes.
    pub length: u32,
    /// What it holds in the fields of `select by`, as far as it reaches.
    pub by: Vec<Box<[u8]>>,
}

impl Catalog {
    /// The telegram that a frame (length prefix not included) is.
    ///
    /// # Errors
    /// No row knows it.
    pub fn select(&self, frame: &[u8]) -> Result<TelegramId, Unselected> {
        let known = self.select.rows.iter().find(|row| row.matches(frame));
        known.map(|row| row.telegram).ok_or_else(|| Unselected {
            length: u32::try_from(frame.len()).unwrap_or(u32::MAX),
            by: self.select.by.iter().map(|at| reached(frame, *at).into()).collect(),
        })
    }

    /// A telegram's layout.
    ///
    /// # Panics
    /// The id is of another catalog.
    #[must_use]
    pub fn layout(&self, id: TelegramId) -> &Arc<Layout> {
        &self.layouts[usize::from(id.0)]
    }

    /// A telegram by its name in the spec.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<(TelegramId, &Arc<Layout>)> {
        let at = self.layouts.iter().position(|layout| layout.name() == name)?;
        Some((TelegramId(u16::try_from(at).ok()?), &self.layouts[at]))
    }
}
