//! Signing on and off: telegrams of a session, before and behind all business. No entry waits for them, and no exchange is made of them.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use pabal_clock::Now;
use pabal_spec::{Opener, SignRule, SignTelegram, TelegramId};
use pabal_telegram::Side;

use crate::book::{Book, carry, compute, put};
use crate::bytes::readable;
use crate::core::Core;
use crate::id::SessionId;
use crate::session::{CloseReason, SessionEvent, SessionState};
use crate::settings::LineSide;
use crate::stamp::stamp;
use crate::stream::Cargo;
use crate::timer::TimerName;

/// What a frame that comes in is to a sign-on or sign-off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signing {
    OnRequest,
    OnAnswer,
    OffRequest,
    OffAnswer,
}

impl Core {
    /// A connection is there. If the protocol has a sign-on, it is no session before that: we ask, or wait until we are asked.
    pub(crate) fn signs_on(&mut self, slot: usize, now: Now) -> bool {
        let session = &self.state.sessions[slot];
        let (id, side) = (session.id, session.side);
        let book = &self.books[usize::from(session.protocol)];
        let Some(rule) = &book.protocol.rules.sign_on else { return false };
        let timeout = rule.timeout;
        let asked = asks(rule, side).then(|| made(book, &rule.request, None, Side::Asker, now));
        if let Some(request) = &asked {
            let framing = &book.protocol.framing;
            self.state.sessions[slot].out.push(framing, request, Cargo::SignRequest, true);
        }
        self.state.sessions[slot].sign = asked;
        self.change(slot, SessionEvent::SignOn, None);
        self.tell_session(slot, None, 0);
        self.state.timers.set(TimerName::SignOn(id), now.mono + timeout);
        true
    }

    /// We close in order: after a sign-off, if the protocol has one and the session is signed on.
    pub(crate) fn part(&mut self, slot: usize, reason: CloseReason, now: Now) {
        let session = &self.state.sessions[slot];
        let id = session.id;
        let book = &self.books[usize::from(session.protocol)];
        let rule = match session.state {
            SessionState::SigningOff => return,
            SessionState::Up | SessionState::Probing | SessionState::Draining => book.protocol.rules.sign_off.as_ref(),
            _ => None,
        };
        let Some(rule) = rule else {
            self.close(slot, reason, now);
            return;
        };
        let (timeout, request) = (rule.timeout, made(book, &rule.request, None, Side::Asker, now));
        let session = &mut self.state.sessions[slot];
        session.out.push(&book.protocol.framing, &request, Cargo::SignRequest, true);
        session.sign = Some(request);
        session.parting = Some(reason);
        self.change(slot, SessionEvent::SignOff, None);
        self.state.timers.set(TimerName::SignOff(id), now.mono + timeout);
    }

    /// The request was written: from now on the peer's time runs. A sign-off that is not answered is done.
    pub(crate) fn sign_written(&mut self, slot: usize, now: Now) {
        let session = &self.state.sessions[slot];
        let (id, parting) = (session.id, session.parting);
        let rules = &self.books[usize::from(session.protocol)].protocol.rules;
        match (session.state, &rules.sign_on, &rules.sign_off) {
            (SessionState::SigningOn, Some(rule), _) => {
                let timeout = rule.timeout;
                self.state.timers.set(TimerName::SignOn(id), now.mono + timeout);
            }
            (SessionState::SigningOff, _, Some(rule)) if rule.answer.is_some() => {
                let timeout = rule.timeout;
                self.state.timers.set(TimerName::SignOff(id), now.mono + timeout);
            }
            (SessionState::SigningOff, ..) => self.close(slot, parting.unwrap_or(CloseReason::Drained), now),
            _ => {}
        }
    }

    /// Nobody signed on, or answered it, in time.
    pub(crate) fn sign_on_missing(&mut self, id: SessionId, now: Now) {
        if let Some(slot) = self.slot(id)
            && self.state.sessions[slot].state == SessionState::SigningOn
        {
            let session = &self.state.sessions[slot];
            let rule = self.books[usize::from(session.protocol)].protocol.rules.sign_on.as_ref();
            let within = rule.map(|rule| rule.timeout).unwrap_or_default();
            let detail = match (&session.sign, session.wrote_at) {
                (Some(_), Some(_)) => format!("our sign-on was not answered within {within:?}"),
                (Some(_), None) => format!("our sign-on could not be written within {within:?}"),
                (None, _) => format!("the institution did not sign on within {within:?}"),
            };
            self.sign_on_failed(slot, &detail, now);
        }
    }

    /// Nobody answered our sign-off in time, or closed after theirs.
    pub(crate) fn sign_off_missing(&mut self, id: SessionId, now: Now) {
        if let Some(slot) = self.slot(id) {
            let reason = self.state.sessions[slot].parting.unwrap_or(CloseReason::SignedOff);
            self.close(slot, reason, now);
        }
    }

    /// The session is not signed on, and will not be: why, for people.
    pub(crate) fn sign_on_failed(&mut self, slot: usize, detail: &str, now: Now) {
        // It never was up, however long this took.
        self.state.sessions[slot].up_since = now.mono;
        self.close(slot, CloseReason::SignOnFailed, now);
        self.state.sessions[slot].detail = Some(detail.into());
    }

    /// A telegram of a sign-on or sign-off came.
    pub(crate) fn signing(&mut self, slot: usize, telegram: TelegramId, signing: Signing, frame: &[u8], now: Now) {
        let session = &self.state.sessions[slot];
        let rules = &self.books[usize::from(session.protocol)].protocol.rules;
        let is_on = matches!(signing, Signing::OnRequest | Signing::OnAnswer);
        let Some(rule) = (if is_on { &rules.sign_on } else { &rules.sign_off }) else { return };
        let refused = match signing {
            Signing::OnRequest if asks(rule, session.side) => {
                Some(String::from("this side signs on, not the institution"))
            }
            Signing::OnRequest | Signing::OffRequest => None,
            Signing::OnAnswer if session.state != SessionState::SigningOn => {
                Some(String::from("no sign-on is under way"))
            }
            Signing::OffAnswer if session.state != SessionState::SigningOff => {
                Some(String::from("no sign-off is under way"))
            }
            Signing::OnAnswer | Signing::OffAnswer => wrong(rule, session.sign.as_deref(), frame),
        };
        let state = session.state;
        if let Some(reason) = refused {
            let fails = signing == Signing::OnAnswer && state == SessionState::SigningOn;
            let detail = fails.then(|| reason.clone());
            self.unclaimed_as(slot, telegram, frame, reason);
            if let Some(detail) = detail {
                self.sign_on_failed(slot, &detail, now);
            }
            return;
        }
        match signing {
            Signing::OnRequest => {
                self.answer_sign(slot, true, frame, now);
                if state == SessionState::SigningOn {
                    self.signed_on(slot, now);
                }
            }
            Signing::OnAnswer => self.signed_on(slot, now),
            Signing::OffRequest => {
                self.answer_sign(slot, false, frame, now);
                self.signed_off_by_them(slot, now);
            }
            Signing::OffAnswer => {
                let reason = self.state.sessions[slot].parting.unwrap_or(CloseReason::Drained);
                self.close(slot, reason, now);
            }
        }
    }

    fn signed_on(&mut self, slot: usize, now: Now) {
        let session = &mut self.state.sessions[slot];
        session.sign = None;
        let id = session.id;
        self.state.timers.stop(&TimerName::SignOn(id));
        self.change(slot, SessionEvent::SignedOn, None);
        self.tell_session(slot, None, 0);
        self.be_up(slot, now);
    }

    /// They are about to close: nothing new leaves by this session, and they have their own time to do it.
    fn signed_off_by_them(&mut self, slot: usize, now: Now) {
        let session = &self.state.sessions[slot];
        let id = session.id;
        let rules = &self.books[usize::from(session.protocol)].protocol.rules;
        let Some(timeout) = rules.sign_off.as_ref().map(|rule| rule.timeout) else { return };
        match session.state {
            SessionState::Up | SessionState::Probing => self.change(slot, SessionEvent::Drain, None),
            // Who says it again has no more time than before.
            SessionState::Draining if self.state.timers.get(&TimerName::SignOff(id)).is_none() => {}
            _ => return,
        }
        self.state.timers.set(TimerName::SignOff(id), now.mono + timeout);
    }

    /// Answers what the peer asked, as good.
    fn answer_sign(&mut self, slot: usize, is_on: bool, frame: &[u8], now: Now) {
        let session = &self.state.sessions[slot];
        let book = &self.books[usize::from(session.protocol)];
        let rules = &book.protocol.rules;
        let Some(rule) = (if is_on { &rules.sign_on } else { &rules.sign_off }) else { return };
        let Some(answer) = &rule.answer else { return };
        let answer = made(book, answer, Some((rule, frame)), Side::Answerer, now);
        self.state.sessions[slot].out.push(&book.protocol.framing, &answer, Cargo::SignAnswer, true);
        self.has_grown(slot);
    }
}

/// Whether we ask to sign on, on a session that this side opened or not.
fn asks(rule: &SignRule, side: LineSide) -> bool {
    (rule.by == Opener::Initiator) == (side == LineSide::Initiator)
}

/// What is wrong with an answer to what this session asked.
fn wrong(rule: &SignRule, asked: Option<&[u8]>, answer: &[u8]) -> Option<String> {
    let Some(asked) = asked else { return Some(String::from("this session has not asked")) };
    if let Some(field) = rule.echo.iter().find(|field| field.of(answer) != field.of(asked)) {
        let (start, end) = (field.offset, field.offset + field.len);
        return Some(format!("an answer that does not carry back bytes {start}..{end} of what this session asked"));
    }
    let success = rule.success.as_ref().filter(|_| !rule.is_good(answer))?;
    let found = readable(success.at.of(answer).unwrap_or_default());
    Some(format!("it is refused: `{}` is `{found}`", success.field))
}

/// A telegram with its stamps, who we are, and what it carries back of the one that it answers.
fn made(book: &Book, telegram: &SignTelegram, answers: Option<(&SignRule, &[u8])>, side: Side, now: Now) -> Box<[u8]> {
    let protocol = &book.protocol;
    let mut bytes: Vec<u8> = telegram.bytes.to_vec();
    stamp(&mut bytes, &telegram.stamps, &[], protocol.day.civil(now.wall));
    if telegram.headed
        && let Some(party) = book.parties.first()
    {
        for (at, named) in party.to(&[]) {
            put(&mut bytes, *at, named);
        }
    }
    if let Some((rule, asked)) = answers {
        for field in &rule.echo {
            carry(asked, *field, &mut bytes, *field);
        }
    }
    compute(protocol.catalog.layout(telegram.kind.telegram), side, &mut bytes);
    bytes.into()
}
