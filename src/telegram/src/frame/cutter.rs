use alloc::vec::Vec;
use core::fmt;

use serde::{Deserialize, Serialize};

use super::error::FrameError;
use super::{Framing, Head, OnGarbage, constant};

/// Cuts a stream of bytes into telegrams, however TCP has sliced it. Holds at most one frame that is not whole, if
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
    /// Bytes that were no frame and were passed over.
    discarded: u64,
    /// What stands at `taken` cannot be followed; nothing is taken any more.
    lost: Option<FrameError>,
}

impl Deframer {
    /// At the start of a connection.
    #[must_use]
    pub const fn new(framing: Framing) -> Self {
        Self { framing, buffer: Vec::new(), taken: 0, before: 0, discarded: 0, lost: None }
    }

    /// Takes bytes as they came from the socket. After an error they are dropped.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.lost.is_some() {
            return;
        }
        // What was given out goes first, so that the buffer never grows with the stream.
        self.before += self.taken as u64;
        self.buffer.drain(..self.taken);
        self.taken = 0;
        self.buffer.extend_from_slice(bytes);
    }

    /// The next whole telegram without what stands before and behind it; `None` until more bytes come. Where the framing resynchronises,
    /// bytes that are no frame are passed over and counted ([`Deframer::discarded`]).
    ///
    /// # Errors
    /// The stream cannot be cut; every later call gives the same error.
    pub fn next_frame(&mut self) -> Result<Option<&[u8]>, FrameError> {
        if let Some(error) = &self.lost {
            return Err(error.clone());
        }
        loop {
            let bytes = self.buffer.get(self.taken..).unwrap_or_default();
            match (look(&self.framing, bytes, self.position()), self.framing.parts().on_garbage) {
                (Ok(None), _) => return Ok(None),
                (Ok(Some(telegram)), _) => {
                    let start = self.taken + self.framing.prefix_bytes();
                    let end = start + telegram;
                    self.taken = end + self.framing.parts().after.len();
                    return Ok(self.buffer.get(start..end));
                }
                (Err(_), OnGarbage::Resynchronise) => {
                    // The next frame may begin inside of what looked like one.
                    let mark = self.framing.mark();
                    let next = bytes.iter().skip(1).position(|byte| Some(*byte) == mark);
                    let passed = next.map_or(bytes.len(), |at| at + 1);
                    self.taken += passed;
                    self.discarded += passed as u64;
                }
                (Err(error), OnGarbage::Close) => {
                    self.buffer.truncate(self.taken);
                    self.lost = Some(error.clone());
                    return Err(error);
                }
            }
        }
    }

    /// Bytes received that are not yet a whole frame.
    #[must_use]
    pub fn pending_bytes(&self) -> usize {
        self.buffer.len() - self.taken
    }

    /// Where the next frame stands in the stream, in bytes since the connection began.
    #[must_use]
    pub const fn position(&self) -> u64 {
        self.before + self.taken as u64
    }

    /// Bytes since the connection began that were no frame and were passed over. They may have been a telegram.
    #[must_use]
    pub const fn discarded(&self) -> u64 {
        self.discarded
    }
}

/// The length of the telegram at the beginning of these bytes, if all of its frame has come.
fn look(framing: &Framing, bytes: &[u8], offset: u64) -> Result<Option<usize>, FrameError> {
    let Head::Known(total) = framing.head(bytes, offset)? else { return Ok(None) };
    let Ok(telegram) = usize::try_from(total) else { return Ok(None) };
    let end = framing.prefix_bytes().saturating_add(telegram);
    let Some(behind) = bytes.get(end..) else { return Ok(None) };
    let is_whole = constant(&framing.parts().after, behind, offset + end as u64)?;
    Ok(is_whole.then_some(telegram))
}

/// Counts only: the bytes are somebody's telegram.
impl fmt::Debug for Deframer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Deframer")
            .field("position", &self.position())
            .field("pending_bytes", &self.pending_bytes())
            .field("discarded", &self.discarded)
            .field("lost", &self.lost.is_some())
            .finish_non_exhaustive()
    }
}
