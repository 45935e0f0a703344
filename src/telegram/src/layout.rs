use alloc::boxed::Box;
use alloc::vec::Vec;
use core::ops::Range;

use serde::{Deserialize, Serialize};

use crate::charset::CharsetPair;
use crate::class::Class;
use crate::kind::Kind;

/// Where a field's bytes are in its telegram, length prefix not counted. Offsets and lengths are bytes, always.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Slice {
    /// Of the first byte, from 0.
    pub offset: u32,
    /// In bytes, at least 1.
    pub len: u32,
}

impl Slice {
    /// The same as a range of indexes.
    #[must_use]
    pub const fn range(self) -> Range<usize> {
        self.offset as usize..self.offset as usize + self.len as usize
    }

    /// These bytes of a telegram, or `None` if it is too short.
    #[must_use]
    pub fn of(self, telegram: &[u8]) -> Option<&[u8]> {
        telegram.get(self.range())
    }
}

/// Who fills a telegram: the one that asks (request) or the one that answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Side {
    /// Sends the request.
    Asker,
    /// Sends the answer.
    Answerer,
}

/// Which side fills a field (`by`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct By {
    /// The asker fills it.
    pub asker: bool,
    /// The answerer fills it.
    pub answerer: bool,
    /// `?`: only under a condition that the document states, so that it may be left out.
    pub optional: bool,
}

/// What a field holds that its side leaves out (`unset`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Unset {
    /// ASCII '0'.
    Zero,
    /// ASCII ' '.
    Space,
}

/// Where a field's bytes come from if the caller says nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Fill {
    /// The caller must give a value, unless the field is optional.
    Given,
    /// `= v`: these bytes, unless the caller gives a value.
    Default(Box<[u8]>),
    /// `const v`: these bytes; anything else is a fault, on decode too.
    Const(Box<[u8]>),
    /// Written by the gateway when the telegram is queued (number, date, time), or by the exchange (message type).
    Stamped,
}

/// What is equal when two fields are compared (`equal ignoring`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Equal {
    /// Leading '0' bytes do not matter.
    pub zero_left: bool,
    /// Trailing ' ' bytes do not matter.
    pub space_right: bool,
}

/// Whether an answer carries back what the request held in a field (`echo`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Echo {
    /// It need not.
    #[default]
    No,
    /// Every answer does (`echo`).
    Always,
    /// Only our replies to notices must (`echo in reply to notice`).
    InReplyToNotice,
}

/// One column of the institution's document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Field {
    /// Name in the spec, unique in its telegram; with a group's name and a dot before it when it is inside one.
    pub path: Box<str>,
    /// Name in the institution's document.
    pub label: Box<str>,
    /// Its bytes.
    pub at: Slice,
    /// Their meaning.
    pub kind: Kind,
    /// For text.
    pub charset: CharsetPair,
    /// Confidentiality.
    pub class: Class,
    /// Who fills it.
    pub by: By,
    /// With what, if nobody says.
    pub fill: Fill,
    /// With what, if it is left out.
    pub unset: Unset,
    /// How it compares.
    pub equal: Equal,
    /// Whether an answer carries back what the request held.
    pub echo: Echo,
}

/// The place of a field in [`Layout::fields`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FieldId(pub u16);

/// A layout is a tree; runs of fields at fixed offsets are its leaves. Groups, repeats and choices join here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Node {
    /// Fields, one behind the other, at offsets that never move: `first..end` of [`Layout::fields`].
    Run {
        /// The first field.
        first: FieldId,
        /// One past the last field.
        end: FieldId,
    },
}

/// One kind of telegram, as its bytes lie: without gaps, without overlaps, of one total length. A value of this type is right.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Layout {
    name: Box<str>,
    label: Box<str>,
    len: u32,
    fields: Vec<Field>,
    root: Vec<Node>,
}

/// Why fields do not make a layout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LayoutError {
    /// Two fields have one path.
    TwiceNamed {
        /// The second of them.
        second: FieldId,
    },
    /// The fields end elsewhere than the total says.
    Total {
        /// Where the fields end, in bytes.
        fields: u32,
        /// What the total says, in bytes.
        total: u32,
    },
    /// A field does not begin where the one before it ends.
    Gap {
        /// The field.
        field: FieldId,
    },
}

impl Layout {
    /// Makes a layout of fields that lie one behind the other and end at `len` bytes.
    ///
    /// # Errors
    /// The first thing that is wrong; `pabal-spec` reports these before it gets here.
    pub fn new(name: &str, label: &str, len: u32, fields: Vec<Field>) -> Result<Self, LayoutError> {
        let _ = (name, label, len, fields);
        unimplemented!()
    }

    /// Name in the spec.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Name in the institution's document.
    #[must_use]
    pub fn label(&self) -> &str {
        &self.label
    }

    /// In bytes, length prefix not counted.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "a layout has at least one byte")]
    pub const fn len(&self) -> u32 {
        self.len
    }

    /// Every field in the order of its bytes.
    #[must_use]
    pub fn fields(&self) -> &[Field] {
        &self.fields
    }

    /// The tree.
    #[must_use]
    pub fn root(&self) -> &[Node] {
        &self.root
    }

    /// A field by its path.
    #[must_use]
    pub fn find(&self, path: &str) -> Option<(FieldId, &Field)> {
        let _ = path;
        unimplemented!()
    }

    /// The bytes that must never be stored ([`Class::Secret`]).
    #[must_use]
    pub fn secrets(&self) -> Vec<Slice> {
        self.fields.iter().filter(|f| f.class == Class::Secret).map(|f| f.at).collect()
    }
}
