//! Leaving the queue: date, opening, stamps, number, key, entry, and then the bytes are queued to a session.

use alloc::sync::Arc;
use alloc::vec::Vec;

use pabal_clock::Now;
use pabal_telegram::Side;

use crate::book::compute_from;
use crate::bytes::{Bytes, readable};
use crate::core::{Core, second_of};
use crate::durable::Effect;
use crate::entry::{self, Entry, Frame};
use crate::exchange::{ExchangeEvent, Sent};
use crate::id::ExchangeId;
use crate::opening::OpeningState;
use crate::output::Event;
use crate::plan::Plan;
use crate::refusal::Refusal;
use crate::session::SessionState;
use crate::stamp::{Stamped, digits_in, digits_text};
use crate::stream::Cargo;
use crate::text::Text;
use crate::waiting::Room;

/// What a caller hears whose request waited for too long.
pub(crate) const TOO_LATE_TO_LEAVE: &str =
    "while the request waited, the time left became shorter than the institution may take to answer";

impl Core {
    /// Lets what waits leave, as long as there is room.
    pub(crate) fn pump(&mut self, protocol: u16, now: Now) {
        let at = usize::from(protocol);
        while !self.state.conversations[at].waiting.is_empty() {
            self.state.sessions.count();
            if !self.halves(protocol).1 {
                return;
            }
            let Some(slot) = self.sender(protocol) else { return };
            let Some(id) = self.next_waiting(protocol, now) else { return };
            self.depart(id, slot, now);
            // It may not have left: then a connection that was made for it is of no use.
            self.close_unneeded(protocol, now);
        }
    }

    /// The room of all sessions that may send now.
    pub(crate) fn room(&self, protocol: u16) -> Room {
        let (places, free) = self.state.sessions.room(protocol);
        Room { places, free, compartments: self.books[usize::from(protocol)].compartments }
    }

    /// The session with the most room for a request of this protocol; the first of several.
    pub(crate) fn sender(&self, protocol: u16) -> Option<usize> {
        self.state.sessions.sender(protocol)
    }

    /// Whether a session is up that may send, and one that may receive; or may be made for an exchange.
    pub(crate) fn halves(&self, protocol: u16) -> (bool, bool) {
        let up = self.state.sessions.halves(protocol);
        if up == (true, true) || !self.state.sessions.any_per_exchange(protocol) {
            return up;
        }
        let makeable = self.state.sessions.iter().filter(|one| one.protocol == protocol && self.is_makeable(one));
        makeable.fold(up, |(send, receive), one| (send || one.may_send(), receive || one.may_receive()))
    }

    /// A request leaves the queue by a session that has room.
    pub(crate) fn depart(&mut self, id: ExchangeId, slot: usize, now: Now) {
        let Some(exchange) = self.state.exchanges.get_mut(&id) else { return };
        let plan = Arc::clone(&self.plans[exchange.plan as usize]);
        let protocol = exchange.protocol;
        let (date, opening) = (exchange.about.date, exchange.opening);
        let today = self.state.conversations[usize::from(protocol)].day.date;
        if date != today {
            self.not_sent(id, Refusal::DateChanged, "the business date changed while the request waited", now);
            return;
        }
        if self.is_overtaken(protocol, &plan) {
            self.not_sent(id, Refusal::DateChanged, "its telegram changed on a date before the request left", now);
            return;
        }
        if !self.opens(&plan) && !self.is_open(protocol, opening) {
            self.not_sent(id, Refusal::NotOpen, "business was lost while the request waited", now);
            return;
        }
        let Some(exchange) = self.state.exchanges.get(&id) else { return };
        if exchange.leave_by.is_some_and(|leave_by| leave_by < now.mono) {
            self.not_sent(id, Refusal::DeadlineTooShort, TOO_LATE_TO_LEAVE, now);
            return;
        }
        let (origin, telegram) = (&exchange.about.origin, &exchange.telegram);
        let may = self.may_by_controls(protocol, origin, &plan, telegram, now);
        if let Err((refusal, text)) = may.and_then(|()| self.may_ask_now(protocol, &plan, telegram, now)) {
            self.not_sent(id, refusal, &text, now);
            return;
        }
        self.leave(id, slot, now);
    }

    /// The same for one of which all of that is known.
    pub(crate) fn leave(&mut self, id: ExchangeId, slot: usize, now: Now) {
        let Some(exchange) = self.state.exchanges.get_mut(&id) else { return };
        let plan = Arc::clone(&self.plans[exchange.plan as usize]);
        let protocol = exchange.protocol;
        let at = exchange.plan as usize;
        let mut telegram = core::mem::take(&mut exchange.telegram);
        let bytes = telegram.for_writing();
        let (stamps, given) = (&plan.protocol.rules.stamps, &plan.exchange().given);
        if self.stamped.len() <= at {
            self.stamped.resize_with(at + 1, Stamped::new);
        }
        self.stamped[at].stamp(bytes, stamps, given, second_of(now), || plan.protocol.day.civil(now.wall));
        let numbered = match plan.gives_number {
            true => self.numbered_by_them(bytes, &plan, protocol),
            false => self.number(bytes, &plan, protocol).ok_or(Refusal::NumbersExhausted),
        };
        // Behind number and stamps, which a checksum covers.
        let computed = compute_from(plan.request_layout(), Side::Asker, bytes, &plan.written);
        let frame = Frame::sharing(telegram.clone(), Arc::clone(&plan.request_secrets));
        let session = &mut self.state.sessions[slot];
        let conn = session.conn();
        let Some(exchange) = self.state.exchanges.get_mut(&id) else { return };
        exchange.telegram = telegram;
        let (number, key) = match numbered {
            Ok(numbered) => numbered,
            Err(refusal) => {
                self.not_sent(id, refusal, refusal.sentence(), now);
                return;
            }
        };
        if let Err(why) = computed {
            self.not_sent(id, Refusal::InvalidFields, &why, now);
            return;
        }
        let framing = &plan.protocol.framing;
        let Some((start, end)) = session.out.push(framing, &exchange.telegram, Cargo::Request(id), false) else {
            self.not_sent(id, Refusal::WrongTelegram, "no frame of this protocol can hold the telegram", now);
            return;
        };
        let written = session.out.written();
        session.in_flight += 1;
        session.served = true;
        let has_key = !plan.protocol.rules.key.is_empty();
        if !has_key {
            session.asked = Some(id);
        }
        let compartment = exchange.about.compartment.clone();
        *session.taken.or_insert(&compartment, 0) += 1;
        self.state.conversations[usize::from(protocol)].waiting.took(&compartment);
        exchange.state.step(ExchangeEvent::Depart, &mut self.fired);
        exchange.takes_room = true;
        exchange.has_their_number = plan.gives_number;
        exchange.sent = Some(Sent { conn, start, end });
        exchange.number = Some(number.clone());
        if let Some(leave_by) = exchange.leave_by {
            // Until here it ended when it was too late to leave.
            exchange.set_caller(&mut self.state.timers, leave_by + plan.exchange().timeout);
        }
        exchange.set_answer(&mut self.state.timers, now.mono + plan.exchange().timeout);
        let about = Some(Arc::clone(&exchange.about));
        if has_key {
            self.state.exchanges.await_by(id, &key);
        }
        let key = key.behind(plan.awaited.marks_len());
        let place = self.place(conn);
        self.append(Entry::Sending(entry::Sending {
            exchange: id,
            about,
            place,
            offset: start,
            written,
            number,
            key,
            telegram: frame,
        }));
        self.when_durable(Effect::Release { conn, end });
        self.has_grown(slot);
        self.take_token(protocol, &compartment, now);
    }

    /// The number that the request was given, and the pending key; unless another one that has it may still be answered in time, whatever
    /// it asks for: this one may have waited since somebody looked. One whose time is over gives the key up: what comes now answers the
    /// newer one.
    fn numbered_by_them(&mut self, telegram: &[u8], plan: &Plan, protocol: u16) -> Result<(Text, Bytes), Refusal> {
        let number = plan.protocol.rules.number.at.of(telegram).ok_or(Refusal::WrongTelegram)?;
        let key = plan.awaited.of(protocol, telegram).ok_or(Refusal::WrongTelegram)?;
        if self.is_number_in_flight(protocol, telegram, |_| true) {
            return Err(Refusal::NumberInUse);
        }
        if self.state.exchanges.awaiting(&key).is_some_and(|holder| holder.state.is_in_flight()) {
            return Err(Refusal::NumberInUse);
        }
        Ok((readable(number).into(), key))
    }

    /// Writes the next number whose key is free; gives its digits and the pending key.
    fn number(&mut self, telegram: &mut [u8], plan: &Plan, protocol: u16) -> Option<(Text, Bytes)> {
        let mut scratch = core::mem::take(&mut self.scratch);
        let numbered = self.number_by(telegram, plan, protocol, &mut scratch);
        self.scratch = scratch;
        numbered
    }

    fn number_by(
        &mut self,
        telegram: &mut [u8],
        plan: &Plan,
        protocol: u16,
        scratch: &mut Vec<u8>,
    ) -> Option<(Text, Bytes)> {
        let rule = &plan.protocol.rules.number;
        loop {
            scratch.clear();
            plan.number_scope.write(telegram, scratch)?;
            let conversation = &mut self.state.conversations[usize::from(protocol)];
            let date = conversation.day.date;
            let block = self.state.limits.number_block;
            let given = conversation.numbers.next(scratch, &rule.range, rule.warn, block, date)?;
            if let Some(until) = given.reserve {
                let protocol = plan.protocol.name.clone();
                let scope = Bytes::from(&scratch[..]);
                self.append(Entry::NumberBlock(entry::NumberBlock { protocol, scope, date, until }));
            }
            if let Some(left) = given.low {
                self.event(Event::NumbersLow { left });
            }
            digits_in(telegram.get_mut(rule.at.range())?, given.number, rule.charset);
            plan.awaited.write(protocol, telegram, scratch)?;
            if self.state.exchanges.awaiting(scratch).is_none() {
                let key = Bytes::from(&scratch[..]);
                let correlation = key.get(plan.awaited.marks_len()..).unwrap_or_default();
                if !self.is_theirs_in_flight(protocol, correlation, scratch) {
                    return Some((digits_text(rule.at.of(telegram)?)?, key));
                }
            }
        }
    }

    /// The kernel took bytes of a connection.
    pub(crate) fn wrote(&mut self, slot: usize, now: Now) {
        let session = &mut self.state.sessions[slot];
        session.wrote_at = Some(now.mono);
        let id = session.id;
        self.has_moved(slot, now);
        while let Some(frame) = self.state.sessions[slot].out.take_written() {
            match frame.cargo {
                Cargo::Request(exchange) => self.request_written(exchange, now),
                Cargo::Reply(notice) => self.reply_written(notice),
                Cargo::PollRequest => {
                    if self.state.sessions[slot].state == SessionState::Probing {
                        self.expect_poll_answer(slot, id, now);
                    }
                }
                Cargo::SignRequest => self.sign_written(slot, now),
                Cargo::PollAnswer | Cargo::SignAnswer => {}
            }
        }
        let protocol = self.state.sessions[slot].protocol;
        self.reply_to_waiting_notices(protocol);
        self.drain_on(now);
    }

    /// The institution's time runs from the last byte; before, a guard ran from the entry.
    fn request_written(&mut self, id: ExchangeId, now: Now) {
        let Some(exchange) = self.state.exchanges.get_mut(&id) else { return };
        if exchange.state.on(ExchangeEvent::Written).is_some() {
            exchange.state.step(ExchangeEvent::Written, &mut self.fired);
            let timeout = self.plans[exchange.plan as usize].exchange().timeout;
            exchange.set_answer(&mut self.state.timers, now.mono + timeout);
        } else {
            // It may be one UNKNOWN too many, which was kept while its bytes could still leave.
            self.evict_unknown();
        }
    }

    /// A request no longer takes room in its session's window.
    pub(crate) fn free_room(&mut self, id: ExchangeId) {
        let Some(exchange) = self.state.exchanges.get_mut(&id) else { return };
        if !core::mem::take(&mut exchange.takes_room) {
            return;
        }
        let Some(sent) = exchange.sent else { return };
        let (compartment, protocol) = (exchange.about.compartment.clone(), exchange.protocol);
        let Some(slot) = self.slot_of(sent.conn) else { return };
        let session = &mut self.state.sessions[slot];
        // A connection that is lost holds no places any more.
        let Some(taken) = session.taken.get_mut(&compartment) else { return };
        *taken -= 1;
        if *taken == 0 {
            session.taken.remove(&compartment);
        }
        session.in_flight = session.in_flight.saturating_sub(1);
        if session.asked == Some(id) {
            session.asked = None;
        }
        self.state.conversations[usize::from(protocol)].waiting.freed(&compartment, 1);
    }

    /// Whether business is open, as far as the protocol asks for it.
    fn is_open(&self, protocol: u16, opening: Option<u32>) -> bool {
        if self.books[usize::from(protocol)].protocol.rules.opening.is_none() {
            return true;
        }
        let opening = opening.and_then(|at| self.state.openings.get(at as usize));
        opening.is_some_and(|opening| opening.state == OpeningState::Open)
    }
}
