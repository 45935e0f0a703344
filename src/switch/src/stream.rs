use alloc::collections::VecDeque;
use alloc::vec::Vec;

use pabal_telegram::Framing;
use serde::{Deserialize, Serialize};

use crate::bytes::as_hex;
use crate::id::{ExchangeId, NoticeId};

/// What a frame carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Cargo {
    Request(ExchangeId),
    Reply(NoticeId),
    PollRequest,
    PollAnswer,
}

/// One frame of an outgoing stream: `start..end` in bytes since the connection began, length prefix included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct OutFrame {
    pub(crate) start: u64,
    pub(crate) end: u64,
    pub(crate) cargo: Cargo,
    /// Its entry is durable, or it needs none.
    pub(crate) ready: bool,
}

/// Bytes on their way to a socket. Frames leave in the order in which they were queued, and none before it is ready.
///
/// ```text
/// stream   ......|####partly|----frame----|----frame----|      written <= ready <= queued
///                      ^ written          ^ ready       ^ queued
/// ```
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Outgoing {
    #[serde(with = "as_hex")]
    bytes: Vec<u8>,
    /// The place in `bytes` of the first byte that is not written.
    first: usize,
    written: u64,
    ready: u64,
    queued: u64,
    frames: VecDeque<OutFrame>,
}

impl Outgoing {
    /// Unwritten bytes beyond which nothing more is read from the peer and no request is queued.
    pub(crate) const BYTES_MAX: u64 = 256 * 1_024;
    /// Written bytes that are kept at most before they are moved away.
    const WRITTEN_BYTES_KEPT_MAX: usize = 64 * 1_024;

    /// Queues a telegram; gives where its frame begins and ends in the stream, or `None` if no frame can hold it.
    pub(crate) fn push(&mut self, framing: &Framing, telegram: &[u8], cargo: Cargo, ready: bool) -> Option<(u64, u64)> {
        let before = self.bytes.len();
        framing.write(telegram, &mut self.bytes).ok()?;
        let start = self.queued;
        self.queued += (self.bytes.len() - before) as u64;
        self.frames.push_back(OutFrame { start, end: self.queued, cargo, ready });
        if ready {
            self.advance();
        }
        Some((start, self.queued))
    }

    /// The frame that ends here has become durable.
    pub(crate) fn release(&mut self, end: u64) {
        if let Some(frame) = self.frames.iter_mut().find(|frame| frame.end == end) {
            frame.ready = true;
        }
        self.advance();
    }

    fn advance(&mut self) {
        let ready = self.ready;
        let behind = self.frames.iter().skip_while(|frame| frame.end <= ready).take_while(|frame| frame.ready);
        if let Some(last) = behind.last() {
            self.ready = last.end;
        }
    }

    /// What a socket may take now.
    pub(crate) fn ready_bytes(&self) -> &[u8] {
        let count = usize::try_from(self.ready - self.written).unwrap_or(usize::MAX);
        self.bytes.get(self.first..self.first.saturating_add(count)).unwrap_or_default()
    }

    /// The socket took so many of them.
    pub(crate) fn wrote(&mut self, count: usize) {
        let count = count.min(self.ready_bytes().len());
        self.written += count as u64;
        self.first += count;
        if self.first == self.bytes.len() {
            self.bytes.clear();
            self.first = 0;
        } else if self.first > Self::WRITTEN_BYTES_KEPT_MAX {
            self.bytes.drain(..self.first);
            self.first = 0;
        }
    }

    /// Takes the first frame if all of its bytes are written.
    pub(crate) fn take_written(&mut self) -> Option<OutFrame> {
        if self.frames.front()?.end > self.written {
            return None;
        }
        self.frames.pop_front()
    }

    /// The connection is lost: the frames that are not wholly written, and the place of the first byte that is not.
    pub(crate) fn take_rest(&mut self) -> (VecDeque<OutFrame>, u64) {
        let written = self.written;
        let lost = core::mem::take(self);
        (lost.frames, written)
    }

    /// Bytes that the socket has not taken.
    pub(crate) const fn unsent_bytes(&self) -> u64 {
        self.queued - self.written
    }

    /// How far the socket has taken the stream.
    pub(crate) const fn written(&self) -> u64 {
        self.written
    }
}

#[cfg(test)]
mod tests {
    use std::vec;

    use pabal_telegram::LengthStyle;

    use super::*;

    fn framing() -> Framing {
        Framing { style: LengthStyle::AsciiExclusive, width: 4, frame_bytes_max: 300 }
    }

    #[test]
    fn a_frame_waits_for_those_before_it() {
        let mut out = Outgoing::default();
        let first = out.push(&framing(), b"one", Cargo::Request(ExchangeId(1)), false).unwrap();
        let second = out.push(&framing(), b"poll", Cargo::PollRequest, true).unwrap();
        assert_eq!((first, second), ((0, 7), (7, 15)));
        assert_eq!(out.ready_bytes(), b"");
        out.release(7);
        assert_eq!(out.ready_bytes(), b"0003one0004poll");
        out.wrote(5);
        assert_eq!(out.take_written(), None);
        out.wrote(3);
        assert_eq!(out.take_written().unwrap().cargo, Cargo::Request(ExchangeId(1)));
        assert_eq!(out.ready_bytes(), b"004poll");
        let (rest, written) = out.take_rest();
        assert_eq!((rest.len(), rest[0].start, written), (1, 7, 8));
        assert_eq!(out.unsent_bytes(), 0);
    }

    #[test]
    fn a_socket_cannot_take_more_than_it_was_given() {
        let mut out = Outgoing::default();
        out.push(&framing(), b"one", Cargo::PollAnswer, true);
        out.push(&framing(), b"two", Cargo::Request(ExchangeId(2)), false);
        out.wrote(1_000);
        assert_eq!((out.written(), out.unsent_bytes()), (7, 7));
        assert_eq!(out.push(&framing(), &vec![0; 301], Cargo::PollAnswer, true), None);
        assert_eq!(out.unsent_bytes(), 7);
    }
}
