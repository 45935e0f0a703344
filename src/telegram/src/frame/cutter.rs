use alloc::vec::Vec;
use core::fmt;
use core::ops::Range;

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
        self.cut(&mut &[][..])
    }

    /// Does [`Deframer::push`] and [`Deframer::next_frame`] at once, without a copy of a telegram that has come as a whole. `bytes` become
    /// those that are not looked at yet; beside `None` and an error, none are left.
    ///
    /// # Errors
    /// As [`Deframer::next_frame`].
    pub fn cut<'b, 'a: 'b>(&'b mut self, bytes: &mut &'a [u8]) -> Result<Option<&'b [u8]>, FrameError> {
        if let Some(error) = &self.lost {
            *bytes = &[];
            return Err(error.clone());
        }
        loop {
            // A frame of which a part has come before is completed in the buffer.
            let is_kept = self.pending_bytes() > 0;
            let here = if is_kept { self.buffer.get(self.taken..).unwrap_or_default() } else { *bytes };
            match look(&self.framing, here, self.position()) {
                First::Telegram { at, end } if is_kept => {
                    let start = self.taken;
                    self.taken += end;
                    return Ok(self.buffer.get(start + at.start..start + at.end));
                }
                First::Telegram { at, end } => {
                    self.before += end as u64;
                    let (frame, rest) = bytes.split_at(end);
                    *bytes = rest;
                    return Ok(frame.get(at));
                }
                First::Part { missing } => {
                    let count = if is_kept { missing.min(bytes.len()) } else { bytes.len() };
                    let (more, rest) = bytes.split_at(count);
                    self.push(more);
                    *bytes = rest;
                    if !is_kept || more.is_empty() {
                        return Ok(None);
                    }
                }
                First::Garbage(error) => match self.framing.parts().on_garbage {
                    OnGarbage::Resynchronise => {
                        // The next frame may begin inside of what looked like one.
                        let mark = self.framing.parts().mark();
                        let next = here.iter().skip(1).position(|byte| Some(*byte) == mark);
                        let passed = next.map_or(here.len(), |at| at + 1);
                        self.discarded += passed as u64;
                        if is_kept {
                            self.taken += passed;
                        } else {
                            self.before += passed as u64;
                            *bytes = bytes.get(passed..).unwrap_or_default();
                        }
                    }
                    OnGarbage::Close => {
                        self.buffer.truncate(self.taken);
                        *bytes = &[];
                        self.lost = Some(error.clone());
                        return Err(error);
                    }
                },
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

/// What stands first in some bytes.
enum First {
    /// A telegram, and where its frame ends.
    Telegram { at: Range<usize>, end: usize },
    /// Not all of a frame. It can be whole, or its length known, when so many more have come.
    Part { missing: usize },
    /// No frame.
    Garbage(FrameError),
}

fn look(framing: &Framing, bytes: &[u8], offset: u64) -> First {
    /// Enough for what stands before most telegrams.
    const UNKNOWN_MISSING: usize = 64;
    let total = match framing.head(bytes, offset) {
        Ok(Head::Known(total)) => usize::try_from(total).unwrap_or(usize::MAX),
        Ok(Head::Wait) => return First::Part { missing: UNKNOWN_MISSING },
        Err(error) => return First::Garbage(error),
    };
    let (start, after) = (framing.prefix_bytes(), &framing.parts().after);
    let behind = start.saturating_add(total);
    let end = behind.saturating_add(after.len());
    match constant(after, bytes.get(behind..).unwrap_or_default(), offset.saturating_add(behind as u64)) {
        Err(error) => First::Garbage(error),
        Ok(_) if end > bytes.len() => First::Part { missing: end - bytes.len() },
        Ok(_) => First::Telegram { at: start..behind, end },
    }
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
