//! Poll telegrams: the side that connected asks, the other answers on the same socket.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;

use pabal_clock::Now;
use pabal_spec::TelegramId;
use pabal_telegram::Side;

use crate::book::{carry, compute};
use crate::core::Core;
use crate::id::SessionId;
use crate::session::{CloseReason, SessionEvent, SessionState};
use crate::settings::LineSide;
use crate::stamp::stamp;
use crate::stream::Cargo;
use crate::timer::TimerName;

impl Core {
    /// The next poll telegram of a session is set, if it is ours to ask.
    pub(crate) fn set_poll(&mut self, slot: usize, now: Now) {
        let session = &self.state.sessions[slot];
        let Some(poll) = &self.books[usize::from(session.protocol)].protocol.rules.poll else { return };
        if session.side == LineSide::Initiator && !session.per_exchange {
            let since = session.wrote_at.unwrap_or(now.mono);
            self.state.timers.set(TimerName::Poll(session.id), since + poll.after);
        }
    }

    pub(crate) fn poll_due(&mut self, id: SessionId, now: Now) {
        let Some(slot) = self.slot(id) else { return };
        let session = &self.state.sessions[slot];
        let protocol = &self.books[usize::from(session.protocol)].protocol;
        let Some(poll) = &protocol.rules.poll else { return };
        if session.state != SessionState::Up {
            return;
        }
        // The timer is not moved with each frame; it finds out here that there were some.
        let due = session.wrote_at.unwrap_or(session.up_since) + poll.after;
        if due > now.mono {
            self.state.timers.set(TimerName::Poll(id), due);
            return;
        }
        self.ask_poll(slot, now);
    }

    /// Asks the peer of a session that is up whether it lives.
    pub(crate) fn ask_poll(&mut self, slot: usize, now: Now) {
        let session = &self.state.sessions[slot];
        let (id, protocol) = (session.id, &self.books[usize::from(session.protocol)].protocol);
        let Some(poll) = &protocol.rules.poll else { return };
        let mut request: Box<[u8]> = poll.request.clone();
        stamp(&mut request, &poll.stamps, &[], protocol.day.civil(now.wall));
        compute(protocol.catalog.layout(poll.request_telegram), Side::Asker, &mut request);
        let session = &mut self.state.sessions[slot];
        session.out.push(&protocol.framing, &request, Cargo::PollRequest, true);
        session.probe = Some(request);
        let timeout = poll.timeout;
        self.change(slot, SessionEvent::Probe, None);
        // A guard until it is written; then the peer's time begins.
        self.state.timers.set(TimerName::PollAnswer(id), now.mono + timeout);
    }

    pub(crate) fn expect_poll_answer(&mut self, slot: usize, id: SessionId, now: Now) {
        let protocol = self.state.sessions[slot].protocol;
        if let Some(poll) = &self.books[usize::from(protocol)].protocol.rules.poll {
            self.state.timers.set(TimerName::PollAnswer(id), now.mono + poll.timeout);
        }
    }

    pub(crate) fn poll_unanswered(&mut self, id: SessionId, now: Now) {
        let Some(slot) = self.slot(id).filter(|slot| self.state.sessions[*slot].probe.is_some()) else { return };
        let session = &self.state.sessions[slot];
        let timeout = self.books[usize::from(session.protocol)].protocol.rules.poll.as_ref().map(|poll| poll.timeout);
        match session.side {
            LineSide::Initiator => self.close(slot, CloseReason::PollUnanswered, now),
            // It was asked because the peer connected anew, and whoever is asked need not know polls of ours: any byte shows that it lives.
            LineSide::Acceptor if timeout.is_some_and(|timeout| session.heard_at() + timeout >= now.mono) => {
                self.lives(slot, now);
            }
            LineSide::Acceptor => self.close(slot, CloseReason::Replaced, now),
        }
    }

    /// What a session asked by a poll telegram is answered.
    fn lives(&mut self, slot: usize, now: Now) {
        let session = &mut self.state.sessions[slot];
        let id = session.id;
        session.probe = None;
        self.state.timers.stop(&TimerName::PollAnswer(id));
        if self.state.sessions[slot].state == SessionState::Probing {
            self.change(slot, SessionEvent::Answered, None);
            self.set_poll(slot, now);
        }
    }

    /// The peer asks whether we live.
    pub(crate) fn answer_poll(&mut self, slot: usize, frame: &[u8]) {
        let session = &mut self.state.sessions[slot];
        let protocol = &self.books[usize::from(session.protocol)].protocol;
        let Some(poll) = &protocol.rules.poll else { return };
        let mut answer = poll.answer.clone();
        for field in &poll.echo {
            carry(frame, *field, &mut answer, *field);
        }
        compute(protocol.catalog.layout(poll.answer_telegram), Side::Answerer, &mut answer);
        session.out.push(&protocol.framing, &answer, Cargo::PollAnswer, true);
        self.has_grown(slot);
    }

    /// The peer lives, if this is the answer to what this session asked.
    pub(crate) fn poll_answered(&mut self, slot: usize, telegram: TelegramId, frame: &[u8], now: Now) {
        let session = &self.state.sessions[slot];
        let Some(poll) = &self.books[usize::from(session.protocol)].protocol.rules.poll else { return };
        let reason = match &session.probe {
            None => String::from("this session has not asked for a poll answer"),
            Some(probe) => match poll.echo.iter().find(|field| field.of(frame) != field.of(probe)) {
                None => return self.lives(slot, now),
                Some(field) => format!(
                    "a poll answer that does not carry back bytes {}..{} of what this session asked",
                    field.offset,
                    field.offset + field.len
                ),
            },
        };
        self.unclaimed_as(slot, telegram, frame, reason);
    }
}
