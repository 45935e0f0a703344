//! What became of an exchange: the one place where an outcome is written down.

use alloc::string::String;
use alloc::sync::Arc;
use core::time::Duration;

use pabal_clock::{Now, Timers, Wall};
use pabal_spec::Unknown;

use crate::bytes::Bytes;
use crate::core::Core;
use crate::durable::Effect;
use crate::entry::{self, Entry, Frame, Origin};
use crate::exchange::{Exchange, ExchangeEvent, ExchangeState};
use crate::id::{Conn, ExchangeId};
use crate::join::confirms;
use crate::outcome::{Cause, Outcome};
use crate::output::Event;
use crate::plan::Plan;
use crate::refusal::Refusal;
use crate::timer::TimerName;

/// The least time before a tombstone whose request has not left yet is looked at again.
const TOMBSTONE_KEEP_MIN: Duration = Duration::from_secs(1);

/// What is said of an exchange, and by whom.
pub(crate) struct Conclusion<'a> {
    pub(crate) event: Option<ExchangeEvent>,
    pub(crate) outcome: Outcome,
    /// The waiting caller hears an error with this text instead of the outcome.
    pub(crate) refused: Option<String>,
    pub(crate) answer: Option<&'a [u8]>,
    pub(crate) conn: Option<Conn>,
}

/// When the spec's schedule asks about an UNKNOWN first. One whose caller heard early is asked about when it could have been answered, and
/// then its time.
pub(crate) fn asks_first_at(exchange: &Exchange, plan: &Plan, timers: &Timers<TimerName>, now: Now) -> Option<Wall> {
    let Unknown::Inquire(schedule) = &plan.exchange().unknown else { return None };
    let awaited = match exchange.answer_until(timers) {
        _ if !exchange.state.is_in_flight() => Duration::ZERO,
        Some(until) => until.since(now.mono),
        // It is still leaving.
        None => plan.exchange().timeout,
    };
    Some(now.wall.plus(awaited + schedule.after))
}

impl Core {
    /// It is proven that no byte of a request left.
    pub(crate) fn not_sent(&mut self, id: ExchangeId, refusal: Refusal, detail: &str, now: Now) {
        let Some(exchange) = self.state.exchanges.get(&id) else { return };
        let outcome = Outcome::Failure { cause: Cause::NotSent, refusal: Some(refusal) };
        // Whoever was told UNKNOWN hears a FAILURE now; all others an error.
        let was_unknown = exchange.outcome.is_some();
        let event = if was_unknown { ExchangeEvent::Settle } else { ExchangeEvent::Refuse };
        let refused = (!was_unknown).then(|| String::from(detail));
        self.conclude(id, Conclusion { event: Some(event), outcome, refused, answer: None, conn: None }, now);
    }

    /// Nobody can say what became of a request, and nothing more is awaited for now.
    pub(crate) fn lapse(&mut self, id: ExchangeId, cause: Cause, now: Now) {
        if self.ends_its_session(id, now) {
            return;
        }
        let outcome = Outcome::Unknown { cause };
        let event = Some(ExchangeEvent::Lapse);
        self.conclude(id, Conclusion { event, outcome, refused: None, answer: None, conn: None }, now);
    }

    /// Appends an outcome, and does everything that follows from it.
    pub(crate) fn conclude(&mut self, id: ExchangeId, conclusion: Conclusion<'_>, now: Now) {
        let Conclusion { event, outcome, refused, answer, conn } = conclusion;
        let place = conn.map(|conn| self.place(conn));
        let was_answered = conn.is_some();
        let Some(exchange) = self.state.exchanges.get_mut(&id) else { return };
        assert!(!exchange.outcome.is_some_and(|outcome| outcome.is_final()), "SUCCESS and FAILURE never change");
        let (was_in_flight, was_unknown) = (exchange.state.is_in_flight(), exchange.outcome.is_some());
        if let Some(event) = event {
            exchange.state.step(event, &mut self.fired);
        }
        exchange.outcome = Some(outcome);
        // An answer belongs to the outcome that it says: an earlier one, which said nothing plainly, does not stand beside a later outcome.
        exchange.answer = answer.map(Bytes::from);
        let plan = &self.plans[exchange.plan as usize];
        let asks_at = if outcome.is_final() { None } else { asks_first_at(exchange, plan, &self.state.timers, now) };
        let entry = entry::Concluded {
            exchange: id,
            about: Some(Arc::clone(&exchange.about)),
            outcome,
            asks_at,
            number: exchange.number.clone(),
            place,
            answer: exchange.answer.clone().map(|bytes| Frame::sharing(bytes, Arc::clone(&plan.answer_secrets))),
        };
        let state = exchange.state;
        exchange.stop_caller(&mut self.state.timers);
        if !state.is_in_flight() {
            exchange.stop_answer(&mut self.state.timers);
        }
        let answer = exchange.answer.clone();
        let opening = match exchange.about.origin {
            Origin::Opening => exchange.opening,
            Origin::Caller | Origin::Inquiry { .. } | Origin::Gap { .. } => None,
        };
        let parent = exchange.about.parent();
        let sent_by = exchange.sent.map(|sent| sent.conn);
        let asks_for_gap = matches!(exchange.about.origin, Origin::Gap { .. });
        self.append(Entry::Outcome(entry));
        self.when_durable(Effect::Finish { exchange: id, outcome, refused, answer });

        if !state.is_in_flight() && was_in_flight {
            self.free_room(id);
        }
        if outcome.is_final() {
            if was_unknown {
                self.state.timers.stop(&TimerName::Inquiry(id));
                self.state.unknown.remove(&id);
            }
            self.bury(id, now);
        } else if !state.is_in_flight() {
            self.remain_unknown(id, None, now);
        }
        if let Some(opening) = opening {
            self.opening_attempt_over(opening, id, outcome, now);
        }
        if asks_for_gap && !state.is_in_flight() {
            self.gap_over(id);
        }
        if let (Some(parent), false) = (parent, state.is_in_flight()) {
            self.inquiry_over(parent, id, now);
        }
        if let (Some(conn), true, false) = (sent_by, was_in_flight, state.is_in_flight()) {
            self.exchange_over(conn, was_answered, now);
        }
    }

    /// The same without a journal: nothing can be appended any more.
    pub(crate) fn give_up(&mut self, id: ExchangeId, outcome: Outcome) {
        let Some(exchange) = self.state.exchanges.get_mut(&id) else { return };
        if exchange.outcome.is_none_or(|outcome| !outcome.is_final()) {
            let event = match (outcome.is_final(), exchange.outcome) {
                (true, None) => ExchangeEvent::Refuse,
                (true, Some(_)) => ExchangeEvent::Settle,
                (false, _) => ExchangeEvent::Lapse,
            };
            if let Some(next) = exchange.state.on(event) {
                exchange.state = next;
            }
        }
        exchange.outcome = Some(outcome);
        exchange.stop_caller(&mut self.state.timers);
        exchange.stop_answer(&mut self.state.timers);
        let protocol = exchange.protocol;
        let compartment = exchange.about.compartment.clone();
        self.state.conversations[usize::from(protocol)].waiting.remove(&compartment, id);
        self.state.timers.stop(&TimerName::Inquiry(id));
    }

    /// What is done next about an UNKNOWN, by its spec. One that changes nothing is left alone: only its key is kept, for a
    /// late answer. So is a try to open: the next one takes its place, and the opening itself says how it stands. The schedule asks after
    /// `asks_in`, if an earlier process has waited for a part of its time.
    pub(crate) fn remain_unknown(&mut self, id: ExchangeId, asks_in: Option<Duration>, now: Now) {
        let Some(exchange) = self.state.exchanges.get(&id) else { return };
        let is_listed = exchange.state == ExchangeState::Listed;
        if exchange.about.origin == Origin::Opening {
            self.bury(id, now);
            return;
        }
        match &self.plans[exchange.plan as usize].exchange().unknown {
            Unknown::Leave => {
                self.bury(id, now);
                return;
            }
            Unknown::List if !is_listed => self.list(id),
            Unknown::Inquire(schedule) if !is_listed => {
                let after = asks_in.unwrap_or(schedule.after);
                self.set_inquiry(id, after, now);
            }
            Unknown::List | Unknown::Inquire(_) => {}
        }
        self.state.unknown.insert(id);
        self.evict_unknown();
    }

    /// Nothing more is done by itself: a person has to look at it.
    pub(crate) fn list(&mut self, id: ExchangeId) {
        let Some(exchange) = self.state.exchanges.get_mut(&id) else { return };
        exchange.state.step(ExchangeEvent::List, &mut self.fired);
        if core::mem::replace(&mut exchange.is_listed, true) {
            return;
        }
        let about = Some(Arc::clone(&exchange.about));
        self.append(Entry::Listed(entry::Listed { exchange: id, about }));
    }

    /// A settled exchange keeps its key for a while, so that a late answer is known for what it is.
    pub(crate) fn bury(&mut self, id: ExchangeId, now: Now) {
        let Some(exchange) = self.state.exchanges.get_mut(&id) else { return };
        if exchange.inquiry.is_none() && !exchange.telegram.is_empty() {
            // An inquiry that is still on its way compares with it, and a notice that is about it with some of its fields.
            exchange.confirms = confirms(&self.plans[exchange.plan as usize], &exchange.telegram, &mut self.scratch);
            exchange.telegram = Bytes::default();
        }
        if exchange.is_tombstoned {
            return;
        }
        if exchange.key.is_empty() {
            self.forget(id);
            return;
        }
        exchange.is_tombstoned = true;
        let ends = now.mono + self.state.limits.tombstone_keep;
        if self.state.tombstones.is_empty() {
            self.state.timers.set(TimerName::Tombstones, ends);
        }
        self.state.tombstones.push_back((ends, id));
        let max = usize::try_from(self.state.limits.tombstones_max).unwrap_or(usize::MAX);
        for _ in max..self.state.tombstones.len() {
            self.drop_tombstone(now);
        }
    }

    /// Tombstones whose time is over.
    pub(crate) fn tombstones_expired(&mut self, now: Now) {
        while let Some((ends, _)) = self.state.tombstones.front() {
            if *ends > now.mono {
                self.state.timers.set(TimerName::Tombstones, *ends);
                return;
            }
            self.drop_tombstone(now);
        }
    }

    /// Drops the oldest tombstone. While bytes of its request may still leave, nothing else may leave under its number: it is kept for
    /// as long again. There are no more of those than the sockets have unsent.
    fn drop_tombstone(&mut self, now: Now) {
        let Some((_, id)) = self.state.tombstones.pop_front() else { return };
        if self.is_leaving(id) {
            let ends = now.mono + self.state.limits.tombstone_keep.max(TOMBSTONE_KEEP_MIN);
            self.state.tombstones.push_back((ends, id));
            return;
        }
        if let Some(exchange) = self.state.exchanges.get_mut(&id) {
            exchange.is_tombstoned = false;
            exchange.telegram = Bytes::default();
            self.state.exchanges.await_no_more(id);
            self.forget(id);
        }
    }

    /// Drops an exchange that nothing can ask for any more, or that only the journal knows from now on.
    pub(crate) fn forget(&mut self, id: ExchangeId) {
        let Some(exchange) = self.state.exchanges.get(&id) else { return };
        let Exchange { about, is_tombstoned, state, .. } = exchange;
        let is_kept = state.is_waiting()
            || state.is_in_flight()
            || self.state.unknown.contains(&id)
            || *is_tombstoned
            || self.state.keys.holds(&about.caller, about.idempotency_key.as_deref(), id);
        // Its entry is still on the way: the outcome is told from here.
        let is_awaited = exchange.told != exchange.outcome;
        if !is_kept && !is_awaited {
            self.state.exchanges.forget(&id);
        }
    }

    /// Beyond the bound, the oldest UNKNOWN that was told stays in the journal only, and on the list of a person there. One that changes
    /// nothing goes before those of money or state; if it is not told yet, as soon as it is. None goes while its bytes may still leave.
    pub(crate) fn evict_unknown(&mut self) {
        let max = usize::try_from(self.state.limits.unknown_max).unwrap_or(usize::MAX);
        while self.state.unknown.len() > max {
            let Some(id) = self.first_unknown_to_go() else { return };
            self.state.unknown.remove(&id);
            self.state.timers.stop(&TimerName::Inquiry(id));
            let Some(exchange) = self.state.exchanges.remove(&id) else { continue };
            if !exchange.is_listed {
                let about = Some(exchange.about);
                self.append(Entry::Listed(entry::Listed { exchange: id, about }));
            }
            self.event(Event::Evicted { exchange: id });
        }
    }

    fn first_unknown_to_go(&self) -> Option<ExchangeId> {
        let exchange = |id: &ExchangeId| self.state.exchanges.get(id);
        let is_told = |id: &&ExchangeId| exchange(id).is_none_or(|one| one.told.is_some());
        let changes_nothing = |id: &&ExchangeId| {
            let plan = exchange(id).and_then(|exchange| self.plans.get(exchange.plan as usize));
            plan.is_some_and(|plan| plan.exchange().effect == pabal_spec::Effect::None)
        };
        let may_go = || self.state.unknown.iter().filter(|id| !self.is_leaving(**id));
        let mut harmless = may_go().filter(changes_nothing).peekable();
        match harmless.peek() {
            Some(_) => harmless.find(is_told).copied(),
            None => may_go().find(is_told).copied(),
        }
    }
}
