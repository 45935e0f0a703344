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
    SignRequest,
    SignAnswer,
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

/// A frame that was taken back, length prefix included.
pub(crate) type TakenBack = (Cargo, Vec<u8>);

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
    /// Where the first frame stood that is not ready, when it was last looked for.
    #[serde(skip)]
    held: usize,
}

impl Outgoing {
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

    /// Queues a frame that is ready as it is.
    pub(crate) fn push_frame(&mut self, frame: &[u8], cargo: Cargo) {
        self.bytes.extend_from_slice(frame);
        let start = self.queued;
        self.queued += frame.len() as u64;
        self.frames.push_back(OutFrame { start, end: self.queued, cargo, ready: true });
        self.advance();
    }

    /// Takes back the first request of which no byte is written, and all frames behind it: where the stream ends now, and what was
    /// taken, frame by frame. The next frame begins there.
    pub(crate) fn take_back(&mut self) -> Option<(u64, Vec<TakenBack>)> {
        let is_unbegun = |frame: &OutFrame| matches!(frame.cargo, Cargo::Request(_)) && frame.start >= self.written;
        let at = self.frames.iter().position(is_unbegun)?;
        let taken = self.frames.split_off(at);
        let end = taken.front()?.start;
        let place = |offset: u64| self.first + usize::try_from(offset - self.written).unwrap_or(usize::MAX);
        let bytes = |frame: &OutFrame| self.bytes.get(place(frame.start)..place(frame.end)).unwrap_or_default();
        let taken = taken.iter().map(|frame| (frame.cargo, bytes(frame).to_vec())).collect();
        self.bytes.truncate(place(end));
        self.queued = end;
        self.ready = self.ready.min(end);
        Some((end, taken))
    }

    /// The frame that ends here has become durable.
    pub(crate) fn release(&mut self, end: u64) {
        let held = self.first_held();
        // Most often it is the one that holds back all others.
        let at = match self.frames.get(held) {
            Some(frame) if frame.end == end => Ok(held),
            _ => self.frames.binary_search_by_key(&end, |frame| frame.end),
        };
        if let Ok(at) = at
            && let Some(frame) = self.frames.get_mut(at)
        {
            frame.ready = true;
        }
        self.advance();
    }

    fn advance(&mut self) {
        self.held = self.first_held();
        while let Some(frame) = self.frames.get(self.held).filter(|frame| frame.ready) {
            self.ready = frame.end;
            self.held += 1;
        }
    }

    /// The place of the first frame that ends behind what is ready.
    fn first_held(&self) -> usize {
        let is_ready = |frame: &OutFrame| frame.end <= self.ready;
        let is_before = self.held.checked_sub(1).is_none_or(|at| self.frames.get(at).is_some_and(is_ready));
        if is_before && !self.frames.get(self.held).is_some_and(is_ready) {
            return self.held;
        }
        self.frames.partition_point(is_ready)
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
        self.held = self.held.saturating_sub(1);
        self.frames.pop_front()
    }

    /// The connection is lost: the frames that are not wholly written, and the place of the first byte that is not.
    pub(crate) fn take_rest(&mut self) -> (VecDeque<OutFrame>, u64) {
        let written = self.written;
        let lost = core::mem::take(self);
        (lost.frames, written)
    }

    /// The frames that are not wholly written, in order.
    pub(crate) fn frames(&self) -> impl Iterator<Item = &OutFrame> {
        self.frames.iter()
    }

    /// Bytes that the socket has not taken.
    pub(crate) const fn unsent_bytes(&self) -> u64 {
        self.queued - self.written
    }

    /// How far the socket may take the stream now.
    pub(crate) const fn ready(&self) -> u64 {
        self.ready
    }

    /// How far the socket has taken the stream.
    pub(crate) const fn written(&self) -> u64 {
        self.written
    }
}

#[cfg(test)]
mod tests {
    use std::vec;

    use super::*;

    fn framing() -> Framing {
        Framing::digits(4, 300).unwrap()
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
    fn what_has_not_begun_is_taken_back_with_all_behind_it() {
        let mut out = Outgoing::default();
        let request = |id| Cargo::Request(ExchangeId(id));
        out.push(&framing(), b"one", request(1), true);
        out.push(&framing(), b"two", request(2), true);
        out.push(&framing(), b"poll", Cargo::PollRequest, true);
        out.push(&framing(), b"three", request(3), false);
        out.wrote(1);
        let (end, taken) = out.take_back().unwrap();
        assert_eq!(end, 7, "the first one has begun");
        let shown: Vec<_> = taken.iter().map(|(cargo, bytes)| (*cargo, &bytes[..])).collect();
        let expected: [(Cargo, &[u8]); 3] =
            [(request(2), b"0003two"), (Cargo::PollRequest, b"0004poll"), (request(3), b"0005three")];
        assert_eq!(shown, expected);
        assert_eq!((out.ready_bytes(), out.unsent_bytes()), (&b"003one"[..], 6));
        out.push_frame(b"0004poll", Cargo::PollRequest);
        assert_eq!(out.ready_bytes(), b"003one0004poll");
        assert_eq!(out.push(&framing(), b"four", request(4), false), Some((15, 23)));
        assert_eq!(out.take_back().unwrap().0, 15);
        assert_eq!(out.take_back(), None);
        out.wrote(14);
        assert_eq!((out.written(), out.unsent_bytes(), out.take_written().unwrap().cargo), (15, 0, request(1)));
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
