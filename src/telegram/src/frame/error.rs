use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;

use serde::{Deserialize, Serialize};

use super::notation::Notation;

/// Why a stream cannot be cut any further, or why a telegram cannot be framed. Offsets are bytes since the connection began, or since
/// the beginning of what is written to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum FrameError {
    /// A length is not a number.
    Prefix {
        /// Where it stands.
        offset: u64,
        /// The bytes.
        bytes: Vec<u8>,
    },
    /// A length says more than the limit; refused before a byte behind it is kept.
    TooLong {
        /// Where it stands.
        offset: u64,
        /// The telegram's length by it, in bytes.
        length: u64,
        /// The limit, in bytes.
        frame_bytes_max: u32,
    },
    /// A length says less than what must be there.
    TooShort {
        /// Where it stands.
        offset: u64,
        /// The telegram's length by it, in bytes; 0 if it says even less than it counts beside the telegram.
        length: u64,
        /// The shortest telegram, in bytes.
        shortest: u32,
    },
    /// A length says something else than the one before it.
    Disagree {
        /// Where the second stands.
        offset: u64,
        /// The telegram's length by it, in bytes.
        length: u32,
        /// The telegram's length by the one before it, in bytes.
        before: u32,
    },
    /// Another byte stands where the frame always has the same ones.
    Mark {
        /// Where they should begin.
        offset: u64,
        /// What stands there, up to the first byte that differs.
        bytes: Vec<u8>,
        /// What should.
        wanted: Box<[u8]>,
    },
    /// The telegram is of no type that has a length.
    Untyped {
        /// Where the telegram begins.
        offset: u64,
    },
    /// A telegram to be written has another length than its type.
    Total {
        /// Where it would be written.
        offset: u64,
        /// Its length, in bytes.
        length: u64,
        /// That of its type, in bytes.
        total: u32,
    },
}

impl FrameError {
    /// The bytes that are wrong, as far as they were looked at. They are of no telegram.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        match self {
            Self::Prefix { bytes, .. } | Self::Mark { bytes, .. } => bytes,
            Self::TooLong { .. }
            | Self::TooShort { .. }
            | Self::Disagree { .. }
            | Self::Untyped { .. }
            | Self::Total { .. } => &[],
        }
    }

    /// Where it stands.
    #[must_use]
    pub const fn offset(&self) -> u64 {
        match self {
            Self::Prefix { offset, .. }
            | Self::TooLong { offset, .. }
            | Self::TooShort { offset, .. }
            | Self::Disagree { offset, .. }
            | Self::Mark { offset, .. }
            | Self::Untyped { offset }
            | Self::Total { offset, .. } => *offset,
        }
    }
}

struct Hex<'b>(&'b [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, " {byte:02x}"))
    }
}

impl fmt::Display for FrameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Prefix { offset, bytes } => write!(
                f,
                "the length prefix at byte {offset} of the stream is not a number:{}; what follows cannot be cut into telegrams, so \
                 close the connection",
                Hex(bytes)
            ),
            Self::TooLong { offset, length, frame_bytes_max } => write!(
                f,
                "the length at byte {offset} of the stream is {length} bytes, and the limit is {frame_bytes_max}; close the connection, or \
                 raise `frame ... max` in the spec if the institution's document has such telegrams"
            ),
            Self::TooShort { offset, length, shortest } => write!(
                f,
                "the length at byte {offset} of the stream is {length} bytes, and no telegram is shorter than {shortest}; close the \
                 connection, and compare `frame` in the spec with the institution's document: what does the length count?"
            ),
            Self::Disagree { offset, length, before } => write!(
                f,
                "the length at byte {offset} of the stream is {length} bytes, and the one before it says {before}; close the connection"
            ),
            Self::Mark { offset, bytes, wanted } => write!(
                f,
                "at byte {offset} of the stream a frame has{}, and not{}; what follows cannot be cut into telegrams, so close the \
                 connection",
                Hex(wanted),
                Hex(bytes)
            ),
            Self::Untyped { offset } => write!(
                f,
                "the telegram at byte {offset} of the stream is of no type that `select` knows, so that its length is not known; close \
                 the connection"
            ),
            Self::Total { offset, length, total } => {
                write!(f, "the telegram at byte {offset} of the stream has {length} bytes, and its type has {total}")
            }
        }
    }
}

impl core::error::Error for FrameError {}

/// Why no stream can be cut in this way.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FramingError {
    /// Neither a length nor a total.
    NoLength,
    /// Both a length and a total.
    TwoTotals,
    /// A length with a width that its notation does not have.
    Width {
        /// How it is written.
        notation: Notation,
        /// Its bytes.
        width: u8,
    },
    /// A length inside of the telegram that counts more than the telegram.
    Inside {
        /// How much more.
        more: i32,
    },
    /// Bytes would be discarded up to a constant, and frames begin with none.
    NoMark,
    /// No telegram is long enough and short enough.
    Nothing {
        /// The shortest telegram that has room for the lengths inside of it, in bytes.
        shortest: u32,
        /// The longest that the limit and the lengths allow, in bytes.
        longest: u32,
    },
}

impl fmt::Display for FramingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoLength => f.write_str("a frame needs a length or a total"),
            Self::TwoTotals => f.write_str("a frame has a length or a total, not both"),
            Self::Width { notation: Notation::Ascii, width } => write!(f, "a length of {width} digits: it has 1 to 10"),
            Self::Width { notation: Notation::Bcd, width } => write!(f, "a BCD length of {width} bytes: it has 1 to 5"),
            Self::Width { width, .. } => write!(f, "a binary length of {width} bytes: it has 2 or 4"),
            Self::Inside { more } => {
                write!(f, "a length inside of the telegram that counts {more} bytes more than the telegram")
            }
            Self::NoMark => f.write_str("no frame can be found again: it does not begin with a constant"),
            Self::Nothing { shortest, longest } => {
                write!(f, "no telegram fits: it needs {shortest} bytes, and may have {longest}")
            }
        }
    }
}

impl core::error::Error for FramingError {}
