use alloc::vec::Vec;
use core::fmt;

use serde::{Deserialize, Serialize};

/// How the stream is cut into telegrams.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Framing {
    /// How the length is written before the telegram.
    pub style: LengthStyle,
    /// Bytes of the length, at least 1.
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

    /// The longest telegram that can be written, in bytes: the limit, or what the prefix can say if that is less.
    #[must_use]
    pub fn longest(&self) -> u32 {
        let most = 10_u32.checked_pow(u32::from(self.width)).map_or(u32::MAX, |beyond| beyond - 1);
        self.frame_bytes_max.min(most)
    }

    /// Writes prefix and telegram behind what `out` holds.
    ///
    /// # Errors
    /// The telegram is longer than [`Framing::longest`]; then nothing is written.
    pub fn write(&self, telegram: &[u8], out: &mut Vec<u8>) -> Result<(), FrameError> {
        let length = telegram.len() as u64;
        if length > u64::from(self.longest()) {
            return Err(FrameError::TooLong { offset: out.len() as u64, length, frame_bytes_max: self.longest() });
        }
        out.reserve(self.prefix_bytes() + telegram.len());
        match self.style {
            LengthStyle::AsciiExclusive => {
                let start = out.len();
                out.resize(start + self.prefix_bytes(), b'0');
                let mut rest = telegram.len();
                for digit in out.get_mut(start..).unwrap_or_default().iter_mut().rev() {
                    *digit = b"0123456789".get(rest % 10).copied().unwrap_or(b'0');
                    rest /= 10;
                }
            }
        }
        out.extend_from_slice(telegram);
        Ok(())
    }

    /// What a whole prefix says, in bytes; `None` if it is not a number. Numbers past `u64` stay at its end.
    fn length(&self, prefix: &[u8]) -> Option<u64> {
        match self.style {
            LengthStyle::AsciiExclusive => {
                if prefix.is_empty() {
                    return None;
                }
                prefix.iter().try_fold(0_u64, |length, &byte| {
                    byte.is_ascii_digit().then(|| length.saturating_mul(10).saturating_add(u64::from(byte - b'0')))
                })
            }
        }
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

impl fmt::Display for FrameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Prefix { offset, bytes } => {
                write!(f, "the length prefix at byte {offset} of the stream is not a number:")?;
                for byte in bytes {
                    write!(f, " {byte:02x}")?;
                }
                f.write_str("; what follows cannot be cut into telegrams, so close the connection")
            }
            Self::TooLong { offset, length, frame_bytes_max } => write!(
                f,
                "the length at byte {offset} of the stream is {length} bytes, and the limit is {frame_bytes_max}; close the connection, or \
                 raise `frame ... max` in the spec if the institution's document has such telegrams"
            ),
        }
    }
}

impl core::error::Error for FrameError {}

/// Cuts a stream of bytes into telegrams, however TCP has sliced it. Holds at most one telegram that is not whole, if
/// [`Deframer::next_frame`] is called until `None` after each push.
///
/// ```text
/// stream  ....|0300.................|0020......|03          cursors are ordered: before, taken, end
///             ^ before              ^ taken       ^ end     bytes before `before` are forgotten,
///             `----- given out -----'             |         those from `taken` on are still to come
///             `------------- buffer --------------'
/// ```
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deframer {
    framing: Framing,
    /// Bytes received and not yet taken. Cursors: 0 <= taken <= buffer.len().
    buffer: Vec<u8>,
    taken: usize,
    /// Bytes of the stream before `buffer[0]`.
    before: u64,
    /// The prefix at `taken` is one that cannot be followed; nothing is taken any more.
    lost: bool,
}

impl Deframer {
    /// At the start of a connection.
    #[must_use]
    pub const fn new(framing: Framing) -> Self {
        Self { framing, buffer: Vec::new(), taken: 0, before: 0, lost: false }
    }

    /// Takes bytes as they came from the socket. After an error they are dropped.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.lost {
            return;
        }
        // What was given out goes first, so that the buffer never grows with the stream.
        self.before += self.taken as u64;
        self.buffer.drain(..self.taken);
        self.taken = 0;
        self.buffer.extend_from_slice(bytes);
    }

    /// The next whole telegram without its prefix; `None` until more bytes come.
    ///
    /// # Errors
    /// The stream cannot be cut; every later call gives the same error.
    pub fn next_frame(&mut self) -> Result<Option<&[u8]>, FrameError> {
        let body = self.taken + self.framing.prefix_bytes();
        let Some(prefix) = self.buffer.get(self.taken..body) else { return Ok(None) };
        let limit = self.framing.frame_bytes_max;
        let error = match self.framing.length(prefix) {
            Some(length) if length <= u64::from(limit) => {
                let end = body.saturating_add(usize::try_from(length).unwrap_or(usize::MAX));
                let Some(frame) = self.buffer.get(body..end) else { return Ok(None) };
                self.taken = end;
                return Ok(Some(frame));
            }
            Some(length) => FrameError::TooLong { offset: self.position(), length, frame_bytes_max: limit },
            None => FrameError::Prefix { offset: self.position(), bytes: prefix.to_vec() },
        };
        self.lost = true;
        self.buffer.truncate(body);
        Err(error)
    }

    /// Bytes received that are not yet a whole telegram.
    #[must_use]
    pub fn pending_bytes(&self) -> usize {
        self.buffer.len() - self.taken
    }

    /// Where the next prefix stands in the stream, in bytes since the connection began.
    #[must_use]
    pub const fn position(&self) -> u64 {
        self.before + self.taken as u64
    }
}

/// Counts only: the bytes are somebody's telegram.
impl fmt::Debug for Deframer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Deframer")
            .field("position", &self.position())
            .field("pending_bytes", &self.pending_bytes())
            .field("lost", &self.lost)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::string::ToString;
    use std::vec;

    use super::*;

    fn framing(width: u8, frame_bytes_max: u32) -> Framing {
        Framing { style: LengthStyle::AsciiExclusive, width, frame_bytes_max }
    }

    #[test]
    fn a_prefix_does_not_count_itself() {
        let mut out = vec![b'x'];
        framing(4, 4_096).write(&[b'a'; 300], &mut out).unwrap();
        assert_eq!(&out[..6], b"x0300a");
        assert_eq!(out.len(), 305);
        framing(4, 4_096).write(b"", &mut out).unwrap();
        assert_eq!(&out[305..], b"0000");
    }

    #[test]
    fn what_is_over_the_limit_is_not_written() {
        let mut out = Vec::new();
        framing(4, 300).write(&[0; 300], &mut out).unwrap();
        out.clear();
        let error = framing(4, 300).write(&[0; 301], &mut out).unwrap_err();
        assert_eq!(error, FrameError::TooLong { offset: 0, length: 301, frame_bytes_max: 300 });
        // Two digits cannot say 100, whatever the limit.
        framing(2, 4_096).write(&[0; 99], &mut out).unwrap();
        out.clear();
        let error = framing(2, 4_096).write(&[0; 100], &mut out).unwrap_err();
        assert_eq!(error, FrameError::TooLong { offset: 0, length: 100, frame_bytes_max: 99 });
        assert!(out.is_empty());
    }

    #[test]
    fn a_stream_comes_apart_byte_by_byte() {
        let mut deframer = Deframer::new(framing(4, 4_096));
        let mut frames = Vec::new();
        for byte in b"0003abc00000001x" {
            deframer.push(&[*byte]);
            while let Some(frame) = deframer.next_frame().unwrap() {
                frames.push(frame.to_vec());
            }
        }
        assert_eq!(frames, [b"abc".to_vec(), b"".to_vec(), b"x".to_vec()]);
        assert_eq!(deframer.position(), 16);
        assert_eq!(deframer.pending_bytes(), 0);
    }

    #[test]
    fn several_telegrams_in_one_push_and_a_piece_of_the_next() {
        let mut deframer = Deframer::new(framing(4, 4_096));
        deframer.push(b"0003abc0002de00");
        assert_eq!(deframer.next_frame(), Ok(Some(&b"abc"[..])));
        assert_eq!(deframer.next_frame(), Ok(Some(&b"de"[..])));
        assert_eq!(deframer.next_frame(), Ok(None));
        assert_eq!(deframer.pending_bytes(), 2);
        deframer.push(b"02fg");
        assert_eq!(deframer.next_frame(), Ok(Some(&b"fg"[..])));
    }

    #[test]
    fn a_prefix_that_is_no_number_ends_the_stream() {
        for prefix in [&b"HDRR"[..], b" 300", b"-001", b"03 0", b"\xC8\xAB00"] {
            let mut deframer = Deframer::new(framing(4, 4_096));
            deframer.push(b"0001x");
            deframer.push(prefix);
            deframer.push(b"EQPOLL");
            assert_eq!(deframer.next_frame(), Ok(Some(&b"x"[..])));
            let error = FrameError::Prefix { offset: 5, bytes: prefix.to_vec() };
            assert_eq!(deframer.next_frame(), Err(error.clone()));
            deframer.push(b"0001y");
            assert_eq!(deframer.next_frame(), Err(error));
            assert_eq!(deframer.pending_bytes(), 4, "nothing is kept but the prefix");
        }
    }

    #[test]
    fn a_telegram_over_the_limit_is_refused_by_its_prefix_alone() {
        let mut deframer = Deframer::new(framing(4, 300));
        deframer.push(b"0301");
        let error = FrameError::TooLong { offset: 0, length: 301, frame_bytes_max: 300 };
        assert_eq!(deframer.next_frame(), Err(error.clone()));
        deframer.push(&[b'x'; 1_000]);
        assert_eq!(deframer.next_frame(), Err(error));
        assert_eq!(deframer.pending_bytes(), 4);
        let mut deframer = Deframer::new(framing(30, 300));
        deframer.push(&[b'9'; 30]);
        let error = FrameError::TooLong { offset: 0, length: u64::MAX, frame_bytes_max: 300 };
        assert_eq!(deframer.next_frame(), Err(error));
    }

    #[test]
    fn a_framing_without_a_prefix_gives_no_telegrams() {
        let mut deframer = Deframer::new(framing(0, 300));
        assert_eq!(deframer.next_frame(), Err(FrameError::Prefix { offset: 0, bytes: vec![] }));
    }

    #[test]
    fn errors_say_what_to_do() {
        let error = FrameError::Prefix { offset: 304, bytes: b"HDRR".to_vec() };
        assert_eq!(
            error.to_string(),
            "the length prefix at byte 304 of the stream is not a number: 48 44 52 52; what follows cannot be cut into telegrams, so \
             close the connection"
        );
    }
}
