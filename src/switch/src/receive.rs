//! What comes in: frames are cut, told apart, and answers find their exchanges.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;

use pabal_clock::Now;
use pabal_spec::{ExchangeRuleId, TelegramId, Verdict, Wins};
use pabal_telegram::{Side, Slice, Telegram};

use crate::book::Route;
use crate::bytes::{Bytes, hex, readable};
use crate::conclude::Conclusion;
use crate::core::Core;
use crate::entry::{self, Entry, Frame};
use crate::exchange::ExchangeEvent;
use crate::id::{Conn, ExchangeId};
use crate::outcome::{Cause, Outcome};
use crate::output::Event;
use crate::plan::Plan;
use crate::session::{CloseReason, Session, SessionState};
use crate::sign::Signing;

/// Of so many bytes that come, room is made for an entry at once.
const ENTRY_PER_BYTES: usize = 256;

impl Core {
    pub(crate) fn received(&mut self, slot: usize, bytes: &[u8], now: Now) {
        let session = &mut self.state.sessions[slot];
        if !session.is_connected() || self.state.journal.failed.is_some() {
            return;
        }
        session.received_at = Some(now.mono);
        let conn = session.conn();
        // Taken out, so that a frame can be read while the core acts on it.
        let Some(mut deframer) = session.deframer.take() else { return };
        let discarded = deframer.discarded();
        // Each answer makes one.
        self.entries.reserve(bytes.len() / ENTRY_PER_BYTES);
        let mut rest = bytes;
        loop {
            match deframer.cut(&mut rest) {
                Ok(Some(frame)) => {
                    self.frame(slot, conn, frame, now);
                    let session = &self.state.sessions[slot];
                    if !session.is_connected() || session.conn() != conn {
                        return;
                    }
                }
                Ok(None) => break,
                Err(error) => {
                    self.unclaimed(slot, error.bytes(), Vec::new(), error.to_string());
                    self.close(slot, CloseReason::BadFrame, now);
                    return;
                }
            }
        }
        let passed = deframer.discarded() - discarded;
        self.state.sessions[slot].deframer = Some(deframer);
        if passed > 0 {
            let reason = format!("{passed} bytes of the stream are no frame, and were passed over");
            self.unclaimed(slot, &[], Vec::new(), reason);
        }
    }

    fn frame(&mut self, slot: usize, conn: Conn, frame: &[u8], now: Now) {
        let protocol = self.state.sessions[slot].protocol;
        let routed = self.books[usize::from(protocol)].route(frame);
        let is_strange = matches!(routed, Err(_) | Ok((_, Route::Nothing)));
        let is_signing_on = self.state.sessions[slot].state == SessionState::SigningOn;
        if is_strange && !is_signing_on && self.answer_by_older_version(slot, conn, frame, now) {
            return;
        }
        let book = &self.books[usize::from(protocol)];
        if let Ok((telegram, Route::Notice(_) | Route::PollRequest | Route::PollAnswer | Route::Sign(_))) = routed {
            // What an answer says is weighed by its exchange.
            let side = match routed {
                Ok((_, Route::PollAnswer | Route::Sign(Signing::OnAnswer | Signing::OffAnswer))) => Side::Answerer,
                _ => Side::Asker,
            };
            let layout = book.protocol.catalog.layout(telegram);
            if let Some(fault) = Telegram::new(layout, frame, side).damage() {
                let reason = format!("not as it was sent: {fault}");
                let secrets = layout.secrets();
                let detail = is_signing_on.then(|| reason.clone());
                self.unclaimed(slot, frame, secrets, reason);
                if let Some(detail) = detail {
                    self.sign_on_failed(slot, &detail, now);
                }
                return;
            }
        }
        let mut strange = None;
        match routed {
            Ok((telegram, Route::Sign(signing))) => self.signing(slot, telegram, signing, frame, now),
            Ok((telegram, Route::Answer(_) | Route::Notice(_))) if is_signing_on => {
                let reason = String::from("it came before the session was signed on");
                self.unclaimed_as(slot, telegram, frame, reason);
            }
            Ok((_, Route::Answer(rule))) => self.answer(slot, conn, rule, frame, now),
            Ok((_, Route::Notice(rule))) => self.notice(slot, conn, rule, frame, now),
            Ok((_, Route::PollRequest)) => self.answer_poll(slot, frame),
            Ok((telegram, Route::PollAnswer)) => self.poll_answered(slot, telegram, frame, now),
            Ok((telegram, Route::Nothing)) => {
                let layout = book.protocol.catalog.layout(telegram);
                let reason = format!("a `{}` is nothing that the institution sends by itself", layout.name());
                let secrets = layout.secrets();
                strange = is_signing_on.then(|| reason.clone());
                self.unclaimed(slot, frame, secrets, reason);
            }
            Err(unselected) => {
                let by = book.types_shown(&unselected);
                let reason = format!("no row of `select` knows {} bytes with {by}", unselected.length);
                let secrets = book.unknown_secrets(frame);
                strange = is_signing_on.then(|| reason.clone());
                self.unclaimed(slot, frame, secrets, reason);
            }
        }
        if let Some(detail) = strange {
            self.sign_on_failed(slot, &detail, now);
        }
    }

    /// A telegram that nobody waits for is kept, and told.
    pub(crate) fn unclaimed(&mut self, slot: usize, frame: &[u8], secrets: Vec<Slice>, reason: String) {
        self.unclaimed_near(slot, frame, secrets, reason, None);
    }

    fn unclaimed_near(
        &mut self,
        slot: usize,
        frame: &[u8],
        secrets: Vec<Slice>,
        reason: String,
        near: Option<ExchangeId>,
    ) {
        let session = &self.state.sessions[slot];
        let conn = session.conn();
        let entry = entry::Unclaimed {
            protocol: self.state.conversations[usize::from(session.protocol)].protocol.clone(),
            place: self.place(conn),
            reason: reason.clone(),
            near,
            telegram: Frame::sharing(Bytes::from(frame), secrets.into()),
        };
        self.append(Entry::Unclaimed(entry));
        self.event(Event::Unclaimed { conn, reason });
    }

    pub(crate) fn unclaimed_as(&mut self, slot: usize, telegram: TelegramId, frame: &[u8], reason: String) {
        let protocol = self.state.sessions[slot].protocol;
        let secrets = self.books[usize::from(protocol)].protocol.catalog.layout(telegram).secrets();
        self.unclaimed(slot, frame, secrets, reason);
    }

    fn answer(&mut self, slot: usize, conn: Conn, rule: ExchangeRuleId, frame: &[u8], now: Now) {
        let protocol = self.state.sessions[slot].protocol;
        let book = &self.books[usize::from(protocol)];
        let rules = &book.protocol.rules;
        let telegram = rules.exchanges[usize::from(rule.0)].answer.telegram;
        if rules.key.is_empty() {
            self.answer_in_turn(slot, conn, telegram, frame, now);
            return;
        }
        let awaited = &book.awaited[usize::from(rule.0)];
        let marks = awaited.marks_len();
        if awaited.write(protocol, frame, &mut self.scratch).is_none() {
            self.unclaimed_as(slot, telegram, frame, String::from("it is too short to have a correlation key"));
            return;
        }
        let Some(id) = self.state.exchanges.awaiting(&self.scratch).map(|exchange| exchange.id) else {
            if self.answer_by_older_version(slot, conn, frame, now) {
                return;
            }
            let (reason, near) = self.no_match(protocol, telegram, marks, frame, now);
            let secrets = self.books[usize::from(protocol)].protocol.catalog.layout(telegram).secrets();
            self.unclaimed_near(slot, frame, secrets, reason, near);
            return;
        };
        if !self.has_left(id) {
            let reason = format!("it has the key of exchange {id}, of which not all bytes have left");
            self.unclaimed_as(slot, telegram, frame, reason);
            return;
        }
        self.answered(id, conn, frame, now);
    }

    /// Whether all bytes of a request were given to the kernel, or a lost connection leaves that open. One that is being closed because
    /// its peer takes too little is not lost before the shell has said what left.
    pub(crate) fn has_left(&self, id: ExchangeId) -> bool {
        let Some(exchange) = self.state.exchanges.get(&id) else { return false };
        let Some(sent) = exchange.sent else { return true };
        let session = self.slot_of(sent.conn).map(|slot| &self.state.sessions[slot]);
        let has_stream = |session: &&Session| session.is_connected() || session.full.is_some();
        session.filter(has_stream).is_none_or(|session| session.out.written() >= sent.end)
    }

    /// Whether bytes of a request still wait for their socket, and leave when it takes them, though its time may be over.
    pub(crate) fn is_leaving(&self, id: ExchangeId) -> bool {
        let Some(exchange) = self.state.exchanges.get(&id) else { return false };
        let is_taken_back = matches!(exchange.outcome, Some(Outcome::Failure { cause: Cause::NotSent, .. }));
        exchange.sent.is_some() && !is_taken_back && !self.has_left(id)
    }

    /// The institution has answered a request of ours: first, late, again, or against what was said.
    pub(crate) fn answered(&mut self, id: ExchangeId, conn: Conn, frame: &[u8], now: Now) {
        let Some(exchange) = self.state.exchanges.get(&id) else { return };
        let plan = Arc::clone(&self.plans[exchange.plan as usize]);
        let participant = exchange.about.participant.clone();
        let (verdict, said) = read_verdict(&plan, &participant, frame);
        let standing = exchange.outcome;
        match standing {
            None => {
                let event = if said.is_final() { ExchangeEvent::Conclude } else { ExchangeEvent::Lapse };
                let answer = Some(frame);
                self.conclude(
                    id,
                    Conclusion { event: Some(event), outcome: said, refused: None, answer, conn: Some(conn) },
                    now,
                );
            }
            Some(Outcome::Unknown { .. }) if said.is_final() => {
                let outcome = match said {
                    Outcome::Success { .. } => Outcome::Success { cause: Cause::Late },
                    _ => Outcome::Failure { cause: Cause::Late, refusal: None },
                };
                self.settle(id, outcome, conn, Some(frame), now);
            }
            Some(Outcome::Unknown { .. }) if exchange.state.is_in_flight() => {
                let event = Some(ExchangeEvent::Lapse);
                let answer = Some(frame);
                self.conclude(id, Conclusion { event, outcome: said, refused: None, answer, conn: Some(conn) }, now);
            }
            Some(standing) => self.repeated(id, standing, said, conn, frame),
        }
        self.opening_hears(id, &plan, verdict, &participant, frame, now);
        self.inquiry_answered(id, &plan, conn, frame, now);
        self.gap_answered(id, &plan, conn, frame, now);
    }

    /// What was UNKNOWN is SUCCESS or FAILURE; by its own answer, if there is one.
    pub(crate) fn settle(&mut self, id: ExchangeId, outcome: Outcome, conn: Conn, answer: Option<&[u8]>, now: Now) {
        let event = Some(ExchangeEvent::Settle);
        let conclusion = Conclusion { event, outcome, refused: None, answer, conn: Some(conn) };
        self.conclude(id, conclusion, now);
    }

    /// An answer to what is settled: it adds nothing, or contradicts. What was said stays.
    pub(crate) fn repeated(&mut self, id: ExchangeId, standing: Outcome, said: Outcome, conn: Conn, frame: &[u8]) {
        let Some(exchange) = self.state.exchanges.get(&id) else { return };
        let about = Some(Arc::clone(&exchange.about));
        let telegram = Frame::new(frame, &self.plans[exchange.plan as usize].answer_secrets);
        let place = self.place(conn);
        let contradicts = standing.is_final() && said.is_final() && standing.word() != said.word();
        if contradicts {
            let entry = entry::Contradiction { exchange: id, about, said: standing, answered: said, place, telegram };
            self.append(Entry::Contradiction(entry));
            self.event(Event::Contradiction { exchange: id });
        } else {
            self.append(Entry::Repeated(entry::Repeated { exchange: id, about, place, telegram }));
        }
    }
}

/// Whether an answer has lost something on its way: whatever it says, it says nothing.
pub(crate) fn is_damaged(plan: &Plan, frame: &[u8]) -> bool {
    Telegram::new(plan.answer_layout(), frame, Side::Answerer).damage().is_some()
}

/// The class of an answer's response code, and what the answer says, also by its second code where its exchange has one.
pub(crate) fn read_verdict(plan: &Plan, participant: &[u8], frame: &[u8]) -> (Option<Verdict>, Outcome) {
    let rules = &plan.protocol.rules;
    let Some(code) = rules.response_code.of(frame) else {
        return (None, Outcome::Unknown { cause: Cause::Unreadable });
    };
    if is_damaged(plan, frame) {
        return (None, Outcome::Unknown { cause: Cause::Unreadable });
    }
    let name = &plan.exchange().name;
    let class = |code: &[u8]| rules.verdicts.verdict(participant, name, code);
    let header = class(code);
    let mut verdict = header;
    let mut code = code;
    if let Some(also) = &plan.exchange().also {
        let Some(second) = also.at.of(frame) else {
            return (None, Outcome::Unknown { cause: Cause::Unreadable });
        };
        match (class(second) == header, also.wins) {
            (true, _) | (false, Wins::Header) => {}
            (false, Wins::Body) => (verdict, code) = (class(second), second),
            // Header and body contradict each other.
            (false, Wins::Neither) => return (Some(header), Outcome::Unknown { cause: Cause::NothingSaid }),
        }
    }
    let outcome = match verdict {
        Verdict::Success => Outcome::Success { cause: Cause::Answered },
        Verdict::Refused | Verdict::NotOpen => Outcome::Failure { cause: Cause::Refused, refusal: None },
        Verdict::Unavailable | Verdict::InProgress | Verdict::Duplicate => {
            Outcome::Unknown { cause: Cause::NothingSaid }
        }
        Verdict::Unknown if rules.verdicts.text(participant, name, code).is_some() => {
            Outcome::Unknown { cause: Cause::NothingSaid }
        }
        Verdict::Unknown => Outcome::Unknown { cause: Cause::UnlistedCode },
    };
    (Some(header), outcome)
}

/// What an answer's code says, for people: the institution's words if there are any.
pub(crate) fn code_text(plan: &Plan, participant: &[u8], frame: &[u8]) -> String {
    let rules = &plan.protocol.rules;
    match rules.response_code.of(frame) {
        None => String::from("the answer has no response code"),
        Some(code) => {
            let shown = if code.is_ascii() { readable(code) } else { hex(code) };
            match rules.verdicts.text(participant, &plan.exchange().name, code) {
                Some(text) => format!("{shown} {text}"),
                None => format!("{shown} (in no table)"),
            }
        }
    }
}
