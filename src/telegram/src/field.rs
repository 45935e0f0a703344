use alloc::boxed::Box;
use core::fmt;
use core::ops::Range;

use serde::{Deserialize, Serialize};

use crate::charset::{Charset, CharsetPair};
use crate::class::Class;
use crate::computed::Computed;
use crate::kind::Kind;
use crate::text::TextRule;

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

impl Side {
    /// Who that is, for people.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Asker => "the asker",
            Self::Answerer => "the answerer",
        }
    }
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

impl By {
    /// Whether this side fills the field.
    #[must_use]
    pub const fn fills(self, side: Side) -> bool {
        match side {
            Side::Asker => self.asker,
            Side::Answerer => self.answerer,
        }
    }

    /// Who fills it, for people.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match (self.asker, self.answerer) {
            (true, true) => "both sides",
            (true, false) => Side::Asker.word(),
            (false, true) => Side::Answerer.word(),
            (false, false) => "nobody",
        }
    }
}

/// What a field holds that its side leaves out (`unset`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Unset {
    /// The digit 0.
    Zero,
    /// A space.
    Space,
}

impl Unset {
    /// The byte that fills a field of this charset.
    #[must_use]
    pub const fn byte(self, charset: Charset) -> u8 {
        match self {
            Self::Zero => charset.digit_zero(),
            Self::Space => charset.blank(),
        }
    }
}

/// Where a field's bytes come from if the caller says nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fill {
    /// The caller must give a value, unless the field is optional.
    Given,
    /// `= v`: these bytes, as many as the field has, unless the caller gives a value.
    Default(Box<[u8]>),
    /// `const v`: these bytes, as many as the field has; anything else is a fault, on decode too.
    Const(Box<[u8]>),
    /// Written by the gateway when the telegram is queued (number, date, time), or by the exchange (message type).
    Stamped,
    /// Written from the rest of the telegram, and checked against it on decode.
    Computed(Computed),
}

/// What is equal when two fields are compared (`equal ignoring`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Equal {
    /// Zeros at the beginning do not matter.
    pub zero_left: bool,
    /// Spaces at the end do not matter.
    pub space_right: bool,
    /// These are the zeros and spaces of EBCDIC: 0xF0 and 0x40.
    pub ebcdic: bool,
}

impl Equal {
    /// Whether two fields hold the same, their lengths apart.
    #[must_use]
    pub fn same(self, a: &[u8], b: &[u8]) -> bool {
        self.significant(a) == self.significant(b)
    }

    /// The bytes that matter.
    #[must_use]
    pub fn significant(self, mut bytes: &[u8]) -> &[u8] {
        let (zero, space) = if self.ebcdic { (0xF0, 0x40) } else { (b'0', b' ') };
        while let ([first, rest @ ..], true) = (bytes, self.zero_left)
            && *first == zero
        {
            bytes = rest;
        }
        while let ([rest @ .., last], true) = (bytes, self.space_right)
            && *last == space
        {
            bytes = rest;
        }
        bytes
    }
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

/// One column of the institution's document. Read and written by [`Field::value`] and [`Field::write`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Name in the spec, unique in its telegram; with a group's name and a dot before it when it is inside one.
    pub path: Box<str>,
    /// Name in the institution's document.
    pub label: Box<str>,
    /// Its bytes.
    pub at: Slice,
    /// Their meaning.
    pub kind: Kind,
    /// What its bytes are written in: text, and digits and spaces too.
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
    /// How it lies in its bytes, if it is text.
    pub text: TextRule,
}

/// The place of a field in [`Layout::fields`](crate::Layout::fields).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FieldId(pub u16);

impl FieldId {
    /// As an index.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

impl fmt::Display for FieldId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Field {
    /// The byte that fills the field when it is left out.
    #[must_use]
    pub const fn unset_byte(&self) -> u8 {
        self.unset.byte(self.charset.encode)
    }

    /// Whether a caller on this side may say what is in the field: it fills it, or it carries back what the other side filled.
    #[must_use]
    pub fn may_be_given_by(&self, side: Side) -> bool {
        self.by.fills(side) || (side == Side::Answerer && self.echo != Echo::No)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equality_ignores_what_the_spec_says_and_nothing_else() {
        let both = Equal { zero_left: true, space_right: true, ebcdic: false };
        assert!(both.same(b"000123  ", b"123"));
        assert!(both.same(b"0000", b"    "));
        assert!(!both.same(b"1230", b"123"));
        assert!(!both.same(b" 123", b"123"));
        let host = Equal { ebcdic: true, ..both };
        assert!(host.same(b"\xF0\xF0\xF1\xF2\x40\x40", b"\xF1\xF2"));
        assert!(!host.same(b"0\xF1", b"\xF1") && !host.same(b"\xF1 ", b"\xF1"));
        assert!(!Equal::default().same(b"0123", b"123"));
        assert!(!Equal { space_right: false, ..both }.same(b"0123 ", b"123"));
        assert!(!Equal { zero_left: false, ..both }.same(b"0123 ", b"123"));
    }
}
