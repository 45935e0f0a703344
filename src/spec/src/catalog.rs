use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;

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
    /// Its exact length in bytes.
    pub length: u32,
    /// Bytes that must be one of these: `(where, alternatives)`.
    pub bytes: Vec<(Slice, Vec<Box<[u8]>>)>,
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
        let _ = frame;
        unimplemented!()
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
