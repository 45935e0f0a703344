use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

/// How the stream is cut into telegrams.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Framing {
    /// How the length is written before the telegram.
    pub style: LengthStyle,
    /// Bytes of the length.
    pub width: u8,
    /// The longest telegram that is accepted, length prefix not counted.
    pub frame_bytes_max: u32,
}

/// How a length prefix is written and what it counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum LengthStyle {
    /// ASCII digits, right-aligned, zero-filled; the prefix itself is not counted (Hecto: "0300" and 300 bytes).
    AsciiExclusive,
}

impl Framing {
    /// Bytes before the telegram.
    #[must_use]
    pub fn prefix_bytes(&self) -> usize {
        usize::from(self.width)
    }

    /// Writes prefix and telegram behind what `out` holds.
    ///
    /// # Errors
    /// The telegram is longer than [`Framing::frame_bytes_max`], or than the prefix can say.
    pub fn write(&self, telegram: &[u8], out: &mut Vec<u8>) -> Result<(), FrameError> {
        let _ = (telegram, out);
        unimplemented!()
    }
}

/// Why a stream cannot be cut any further. The connection has lost its place; it must be closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FrameError {
    /// The prefix is not a number.
    Prefix {
        /// Where it stands in the stream, in bytes since the connection began.
        offset: u64,
        /// The bytes.
        bytes: Vec<u8>,
    },
    /// The prefix says more than the limit; refused before a byte of the telegram is kept.
    TooLong {
        /// Where the prefix stands in the stream.
        offset: u64,
        /// What it says, in bytes.
        length: u64,
        /// The limit, in bytes.
        frame_bytes_max: u32,
    },
}

/// Cuts a stream of bytes into telegrams, however TCP has sliced it. Holds at most one telegram that is not whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deframer {
    framing: Framing,
    /// Bytes received and not yet taken. Cursors: 0 <= taken <= buffer.len().
    buffer: Vec<u8>,
    taken: usize,
    /// Bytes of the stream before `buffer[0]`.
    before: u64,
}

impl Deframer {
    /// At the start of a connection.
    #[must_use]
    pub const fn new(framing: Framing) -> Self {
        Self { framing, buffer: Vec::new(), taken: 0, before: 0 }
    }

    /// Takes bytes as they came from the socket.
    pub fn push(&mut self, bytes: &[u8]) {
        let _ = bytes;
        unimplemented!()
    }

    /// The next whole telegram without its prefix; `None` until more bytes come.
    ///
    /// # Errors
    /// The stream cannot be cut; every later call gives the same error.
    pub fn next_frame(&mut self) -> Result<Option<&[u8]>, FrameError> {
        unimplemented!()
    }

    /// Bytes received that are not yet a whole telegram.
    #[must_use]
    pub fn pending_bytes(&self) -> usize {
        self.buffer.len() - self.taken
    }
}
