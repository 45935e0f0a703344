use std::collections::VecDeque;
use std::time::Duration;

use pabal_clock::Mono;
use pabal_switch::{ExchangeId, NoticeId};

use crate::chance::Chance;
use crate::variant::Frame;

/// Bytes that one direction of a connection holds at most before the writer must wait (the kernel's buffers of both ends).
pub(crate) const PIPE_BYTES_MAX: usize = 8 * 1_024;

/// One direction of a TCP connection: in order, without loss, cut anywhere. Bytes arrive late, together, or never.
#[derive(Debug, Default)]
pub(crate) struct Pipe {
    on_the_way: VecDeque<(Mono, Vec<u8>)>,
    bytes: usize,
    last_arrival: Mono,
    /// A black hole: what is written is taken and never arrives.
    pub(crate) swallows: bool,
    /// The writer has sent its FIN, which arrives behind the bytes; nothing is written any more.
    finished: bool,
    fin_at: Option<Mono>,
    /// Nothing arrives before, and the writer has only this much room left until then.
    stalled: Option<(Mono, usize)>,
}

impl Pipe {
    /// How many of these bytes the kernel takes now.
    pub(crate) fn room(&self, offered: usize, now: Mono) -> usize {
        let room = PIPE_BYTES_MAX.saturating_sub(self.bytes);
        let stalled = self.stalled.filter(|(until, _)| now < *until);
        offered.min(stalled.map_or(room, |(_, left)| room.min(left)))
    }

    /// Brings nothing until then, and takes no more than this.
    pub(crate) fn stall(&mut self, until: Mono, room: usize) {
        self.stalled = Some((until, room));
        self.postpone(until);
    }

    /// Puts bytes on the way, cut at seeded places, each part with a seeded delay and never before the part in front of it.
    pub(crate) fn write(&mut self, bytes: &[u8], now: Mono, faulty: bool, chance: &mut Chance) {
        if let Some((_, left)) = &mut self.stalled {
            *left = left.saturating_sub(bytes.len());
        }
        if self.swallows || self.finished {
            return;
        }
        let mut rest = bytes;
        while !rest.is_empty() {
            let cut = if faulty && chance.per_mille(300) { 1 + chance.index(rest.len()) } else { rest.len() };
            let (part, behind) = rest.split_at(cut);
            let micros =
                if faulty && chance.per_mille(20) { chance.between(0, 3_000_000) } else { chance.between(50, 2_000) };
            let at = (now + Duration::from_micros(micros)).max(self.last_arrival);
            self.last_arrival = at;
            self.bytes += part.len();
            self.on_the_way.push_back((at, part.to_vec()));
            rest = behind;
        }
    }

    /// Sends the FIN behind what is on the way.
    pub(crate) fn finish(&mut self, now: Mono, chance: &mut Chance) {
        if !self.finished {
            self.finished = true;
            if self.swallows {
                return;
            }
            let at = (now + Duration::from_micros(chance.between(50, 2_000))).max(self.last_arrival);
            self.last_arrival = at;
            self.fin_at = Some(at);
        }
    }

    /// When the next bytes or the FIN arrive.
    pub(crate) fn next_at(&self) -> Option<Mono> {
        self.on_the_way.front().map(|(at, _)| *at).or(self.fin_at)
    }

    /// Bytes that have arrived by now: one part, or several together, as a read would find them.
    pub(crate) fn read(&mut self, now: Mono, chance: &mut Chance) -> Option<Vec<u8>> {
        let mut read = Vec::new();
        while let Some((at, _)) = self.on_the_way.front() {
            if *at > now || (!read.is_empty() && chance.per_mille(500)) {
                break;
            }
            if let Some((_, part)) = self.on_the_way.pop_front() {
                self.bytes -= part.len();
                read.extend_from_slice(&part);
            }
        }
        (!read.is_empty()).then_some(read)
    }

    /// Takes all and brings nothing, for ever.
    pub(crate) fn die(&mut self) {
        self.swallows = true;
        self.on_the_way.clear();
        self.bytes = 0;
        self.fin_at = None;
    }

    /// Makes what has arrived wait until later.
    pub(crate) fn postpone(&mut self, until: Mono) {
        for (at, _) in &mut self.on_the_way {
            *at = (*at).max(until);
        }
        self.fin_at = self.fin_at.map(|at| at.max(until));
        self.last_arrival = self.last_arrival.max(until);
    }

    /// Bytes that the writer has given and the reader has not got.
    pub(crate) const fn on_the_way(&self) -> usize {
        self.bytes
    }

    /// Whether the writer has sent its FIN.
    pub(crate) const fn is_finished(&self) -> bool {
        self.finished
    }

    /// When the FIN will arrive, if it is on its way.
    pub(crate) const fn end_at(&self) -> Option<Mono> {
        self.fin_at
    }

    /// Takes the FIN if it has arrived and nothing is left in front of it. It is seen once.
    pub(crate) fn take_end(&mut self, now: Mono) -> bool {
        let ended = self.on_the_way.is_empty() && self.fin_at.is_some_and(|at| at <= now);
        if ended {
            self.fin_at = None;
        }
        ended
    }
}

/// A connection between the gateway and the institution.
#[derive(Debug, Default)]
pub(crate) struct Link {
    /// What we write.
    pub(crate) out: Pipe,
    /// What they write.
    pub(crate) back: Pipe,
    /// Our process knows it as closed.
    pub(crate) closed_here: bool,
    /// Theirs does.
    pub(crate) closed_there: bool,
    /// Bytes that we have written since it began.
    pub(crate) written: u64,
    /// Nothing acknowledges what we write any more, and our kernel will give it up.
    pub(crate) doomed: bool,
    /// Bytes of the frame that is being written that have not gone.
    pub(crate) frame_left: usize,
    /// The notice that it is a reply to.
    pub(crate) replying: Option<NoticeId>,
    /// Our process has heard that it takes no more, and has given it no byte since.
    pub(crate) is_told_full: bool,
    /// The first bytes that came from the institution, as many as an answer to a sign-on has with its frame.
    pub(crate) heard: Vec<u8>,
    /// We have answered a sign-on of theirs.
    pub(crate) is_welcomed: bool,
    /// Where in the stream requests begin, in their order.
    pub(crate) requests: Vec<(u64, ExchangeId)>,
    /// When bytes came from the institution last, or it began.
    pub(crate) heard_at: Mono,
    /// The institution has sent a part of a frame by it.
    pub(crate) is_cut: bool,
    /// Our FIN has come, and the institution counts it for some time yet.
    pub(crate) lingers: bool,
}

impl Link {
    /// More than an answer to a sign-on has with its frame.
    const HEARD_BYTES_MAX: usize = 40;

    /// Bytes came from the institution.
    pub(crate) fn hear(&mut self, bytes: &[u8]) {
        let more = (Self::HEARD_BYTES_MAX - self.heard.len()).min(bytes.len());
        self.heard.extend_from_slice(&bytes[..more]);
    }

    /// Whether a sign-on was answered, by whoever had to.
    pub(crate) fn is_signed_on(&self, frame: Frame) -> bool {
        let said = frame.cut(&self.heard);
        self.is_welcomed
            || said
                .is_some_and(|(said, _)| said.starts_with(b"LIOK") && (said.ends_with(b"00") || said.ends_with(b"01")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_arrive_in_order_whatever_the_cuts() {
        let sent: Vec<u8> = (0..=255).collect();
        let mut reads = Vec::new();
        for seed in 0..50 {
            let mut chance = Chance::new(seed);
            let mut pipe = Pipe::default();
            pipe.write(&sent[..100], Mono::ZERO, true, &mut chance);
            pipe.write(&sent[100..], Mono::from_nanos(1), true, &mut chance);
            pipe.finish(Mono::from_nanos(2), &mut chance);
            let mut got = Vec::new();
            let mut parts = 0;
            let mut now = Mono::ZERO;
            while !pipe.take_end(now) {
                now = pipe.next_at().expect("more is on the way");
                if let Some(part) = pipe.read(now, &mut chance) {
                    parts += 1;
                    got.extend(part);
                }
            }
            assert_eq!(got, sent, "seed {seed}");
            reads.push(parts);
        }
        // Two writes: some are cut, and some are read together.
        assert!(reads.iter().any(|parts| *parts > 2) && reads.contains(&1), "{reads:?}");
    }

    #[test]
    fn a_full_pipe_makes_the_writer_wait() {
        let mut pipe = Pipe::default();
        assert_eq!(pipe.room(PIPE_BYTES_MAX + 5, Mono::ZERO), PIPE_BYTES_MAX);
        pipe.write(&vec![0; PIPE_BYTES_MAX], Mono::ZERO, false, &mut Chance::new(1));
        assert_eq!(pipe.room(1, Mono::ZERO), 0);
    }

    #[test]
    fn a_stalled_pipe_takes_a_little_and_brings_it_later() {
        let mut pipe = Pipe::default();
        let until = Mono::from_nanos(1_000_000_000);
        pipe.stall(until, 100);
        assert_eq!(pipe.room(304, Mono::ZERO), 100);
        pipe.write(&[7; 100], Mono::ZERO, false, &mut Chance::new(1));
        assert_eq!((pipe.room(204, Mono::ZERO), pipe.room(204, until)), (0, 204));
        assert!(pipe.next_at() >= Some(until));
    }
}
