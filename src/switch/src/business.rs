//! Openings: business is opened for each configured party and participant, each business date, and again when it is lost.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::iter::once;
use core::time::Duration;

use pabal_clock::{Mono, Now, Wall};
use pabal_spec::Verdict;
use pabal_telegram::Side;

use crate::admit::Request;
use crate::book::{blank, compute, put};
use crate::byte_table::ByteTable;
use crate::bytes::Bytes;
use crate::command::Stopped;
use crate::core::Core;
use crate::entry::{Entry, OpeningChanged, Origin};
use crate::id::ExchangeId;
use crate::opening::{Opening, OpeningEvent, OpeningKey, OpeningState};
use crate::outcome::{Cause, Outcome};
use crate::output::Event;
use crate::plan::Plan;
use crate::receive::code_text;
use crate::refusal::Refusal;
use crate::state::{Clocks, Day};
use crate::stream::Cargo;
use crate::timer::TimerName;

/// Nothing is tried again sooner, whatever a spec says: a try that fails at once would be tried for ever at one instant.
pub(crate) const RETRY_MIN: Duration = Duration::from_secs(1);

impl Core {
    /// Makes the list of what is opened, with the telegram that opens each.
    pub(crate) fn list_openings(&mut self) {
        for at in self.protocols() {
            let book = &self.books[usize::from(at)];
            let rules = &book.protocol.rules;
            let Some(rule) = &rules.opening else { continue };
            let layout = book.protocol.catalog.layout(rules.exchanges[usize::from(rule.exchange.0)].request.telegram);
            let date = self.state.conversations[usize::from(at)].day.date;
            for (party, (fields, named)) in (0..).zip(self.settings.parties.iter().zip(&book.parties)) {
                for participant in &fields.participants {
                    let mut template = blank(layout, Side::Asker);
                    for (place, bytes) in named.to(&participant.value) {
                        put(&mut template, *place, bytes);
                    }
                    if let Some((_, place)) = &rules.participant {
                        put(&mut template, *place, &participant.value);
                    }
                    compute(layout, Side::Asker, &mut template);
                    let values: Option<Vec<Box<[u8]>>> =
                        rule.per.iter().map(|place| place.of(&template).map(Box::from)).collect();
                    let key = OpeningKey { values: values.unwrap_or_default(), date };
                    if self.state.openings.iter().any(|known| known.protocol == at && known.key == key) {
                        continue;
                    }
                    self.state.openings.push(Opening {
                        protocol: at,
                        party,
                        key,
                        state: OpeningState::Closed,
                        template: Bytes::from(template),
                        is_early: false,
                        attempt: None,
                        reason: None,
                    });
                }
            }
        }
        self.place_openings();
    }

    /// Whether a plan's exchange is the one that opens.
    pub(crate) fn opens(&self, plan: &Plan) -> bool {
        plan.protocol.rules.opening.as_ref().is_some_and(|rule| rule.exchange == plan.rule)
    }

    /// The opening that a telegram needs, or opens.
    pub(crate) fn opening_of(&self, protocol: u16, telegram: &[u8]) -> Option<u32> {
        let rule = self.books[usize::from(protocol)].protocol.rules.opening.as_ref()?;
        let values = rule.per.iter().rev().map(|place| place.of(telegram).unwrap_or_default());
        self.opening_places.get(&Bytes::joined(once(&protocol.to_be_bytes()[..]).chain(values))).copied()
    }

    /// Openings are found by their values, the last one first: it differs most.
    pub(crate) fn place_openings(&mut self) {
        self.opening_places = ByteTable::default();
        for (at, opening) in (0..).zip(&self.state.openings) {
            let values = opening.key.values.iter().rev().map(|value| &**value);
            let name = Bytes::joined(once(&opening.protocol.to_be_bytes()[..]).chain(values));
            self.opening_places.or_insert(&name, at);
        }
    }

    /// A session came up, or the date changed: what is not open is tried now, but for what has its own next try set.
    pub(crate) fn try_openings(&mut self, protocol: u16, now: Now) {
        for at in 0..u32::try_from(self.state.openings.len()).unwrap_or(u32::MAX) {
            let is_set = self.state.timers.get(&TimerName::Opening(at)).is_some();
            if self.state.openings[at as usize].protocol == protocol && !is_set {
                self.try_opening(at, now);
            }
        }
    }

    /// Somebody has set the wall clock: what waits for its hour looks again.
    pub(crate) fn openings_by_the_clock(&mut self, now: Now) {
        for at in 0..u32::try_from(self.state.openings.len()).unwrap_or(u32::MAX) {
            if self.state.openings[at as usize].is_early {
                self.try_opening(at, now);
            }
        }
    }

    /// Whether the institution opens later today; then the try is set for that time.
    fn is_too_early(&mut self, at: u32, now: Now) -> bool {
        let opening = &self.state.openings[at as usize];
        let protocol = &self.books[usize::from(opening.protocol)].protocol;
        let Some(rule) = &protocol.rules.opening else { return false };
        let day = self.state.conversations[usize::from(opening.protocol)].day;
        let from = day.at_time(&protocol.day, rule.from).as_unix_micros();
        let wait = from.saturating_sub(now.wall.as_unix_micros());
        self.state.openings[at as usize].is_early = wait > 0;
        if let Ok(wait) = u64::try_from(wait)
            && wait > 0
        {
            self.state.timers.set(TimerName::Opening(at), now.mono + Duration::from_micros(wait));
            return true;
        }
        false
    }

    pub(crate) fn try_opening(&mut self, at: u32, now: Now) {
        let Some(opening) = self.state.openings.get(at as usize) else { return };
        let is_wanted = matches!(opening.state, OpeningState::Closed | OpeningState::Lost);
        let by_hand = self.opened_by_hand(at).is_some();
        if is_wanted && self.closed_by_hand(at).is_none() && (by_hand || !self.is_too_early(at, now)) {
            self.try_opening_now(at, now);
        }
    }

    /// Whether an opening that is asked for by hand is to be remembered until the institution was asked: it is not open.
    pub(crate) fn opening_waits(&self, at: u32) -> bool {
        let Some(opening) = self.state.openings.get(at as usize) else { return false };
        matches!(opening.state, OpeningState::Closed | OpeningState::Lost)
    }

    fn may_ask(&self, protocol: u16) -> bool {
        self.halves(protocol) == (true, true) && !self.is_stopping() && self.state.journal.failed.is_none()
    }

    /// Who opened it by hand, if the institution was not asked since.
    pub(crate) fn opened_by_hand(&self, at: u32) -> Option<&Stopped> {
        let opening = self.state.openings.get(at as usize)?;
        if self.state.stops.opened.is_empty() {
            return None;
        }
        let protocol = &self.state.conversations[usize::from(opening.protocol)].protocol;
        self.state.stops.opened.get(&(protocol.clone(), opening.key.clone()))
    }

    /// What was remembered is done. Whether anything was.
    fn forget_by_hand(&mut self, at: u32) -> bool {
        let is_known = self.opened_by_hand(at).is_some();
        if is_known {
            let opening = &self.state.openings[at as usize];
            let protocol = self.state.conversations[usize::from(opening.protocol)].protocol.clone();
            self.state.stops.opened.remove(&(protocol, opening.key.clone()));
        }
        is_known
    }

    /// An operator opens business: the institution is asked now, also before its hour.
    pub(crate) fn open_by_hand(&mut self, at: u32, now: Now) {
        let Some(opening) = self.state.openings.get_mut(at as usize) else { return };
        if matches!(opening.state, OpeningState::Closed | OpeningState::Lost) {
            opening.is_early = false;
            opening.reason = None;
            self.state.timers.stop(&TimerName::Opening(at));
            self.try_opening_now(at, now);
        }
    }

    /// An operator closes business. What is in flight goes on; what waits is refused. The institution is told nothing: it closes by itself
    /// at the date change.
    pub(crate) fn close_by_hand(&mut self, at: u32, now: Now) {
        let reason = self.closed_by_hand(at);
        let Some(opening) = self.state.openings.get_mut(at as usize) else { return };
        let (attempt, protocol) = (opening.attempt.take(), opening.protocol);
        let was_closed = opening.state == OpeningState::Closed;
        opening.reason = reason;
        opening.is_early = false;
        self.state.timers.stop(&TimerName::Opening(at));
        self.change_opening(at, OpeningEvent::Close);
        if !was_closed {
            self.append(self.opening_entry(at));
        }
        if let Some(attempt) = attempt {
            self.refuse_waiting(attempt, Refusal::Abandoned, now);
        }
        let waiting: Vec<ExchangeId> = self.state.conversations[usize::from(protocol)].waiting.iter().collect();
        for id in waiting {
            if self.state.exchanges.get(&id).is_some_and(|one| one.opening == Some(at)) {
                self.refuse_waiting(id, Refusal::NotOpen, now);
            }
        }
    }

    /// Who closed an opening of today by hand, and why.
    pub(crate) fn closed_by_hand(&self, at: u32) -> Option<String> {
        let opening = self.state.openings.get(at as usize)?;
        if self.state.stops.openings.is_empty() {
            return None;
        }
        let protocol = &self.state.conversations[usize::from(opening.protocol)].protocol;
        let stopped = self.state.stops.openings.get(&(protocol.clone(), opening.key.clone()))?;
        Some(format!("closed by {}", stopped.by))
    }

    fn try_opening_now(&mut self, at: u32, now: Now) {
        let Some(opening) = self.state.openings.get(at as usize) else { return };
        let protocol = opening.protocol;
        if !self.may_ask(protocol) {
            return;
        }
        self.state.timers.stop(&TimerName::Opening(at));
        let book = &self.books[usize::from(protocol)];
        let Some(rule) = &book.protocol.rules.opening else { return };
        let (exchange, retry) = (rule.exchange, rule.retry);
        let request = Request {
            plan: self.own_plan(protocol, exchange),
            origin: Origin::Opening,
            caller: Box::default(),
            key: None,
            content: 0,
            party: usize::from(self.state.openings[at as usize].party),
            telegram: self.state.openings[at as usize].template.clone(),
            deadline: Mono::NEVER,
            accepts_early_unknown: true,
            trace: Some(self.new_trace()),
        };
        self.change_opening(at, OpeningEvent::Try);
        match self.admit(request, now) {
            Ok(id) => {
                let opening = &mut self.state.openings[at as usize];
                if opening.state == OpeningState::Opening {
                    opening.attempt = Some(id);
                }
            }
            Err((refusal, text)) => {
                self.state.openings[at as usize].reason = Some(text);
                self.change_opening(at, OpeningEvent::Failed);
                let hour = (refusal == Refusal::OutOfHours).then(|| self.opened_again_at(at, now)).flatten();
                // It looks again as well when somebody sets the clock.
                self.state.openings[at as usize].is_early = hour.is_some();
                let wait = hour.map_or(retry, |hour| now.wall.until(hour));
                self.state.timers.set(TimerName::Opening(at), now.mono + wait.max(RETRY_MIN));
            }
        }
    }

    /// When the institution takes openings of this one again.
    fn opened_again_at(&self, at: u32, now: Now) -> Option<Wall> {
        let opening = self.state.openings.get(at as usize)?;
        let rules = &self.books[usize::from(opening.protocol)].protocol.rules;
        let rule = rules.exchanges.get(usize::from(rules.opening.as_ref()?.exchange.0))?;
        let participant = rules.participant.as_ref().and_then(|(_, at)| at.of(&opening.template)).unwrap_or_default();
        self.taken_at(opening.protocol, &rule.name, participant, now)
    }

    /// The plan of an exchange of ours, by the newest version.
    pub(crate) fn own_plan(&self, protocol: u16, rule: pabal_spec::ExchangeRuleId) -> Arc<Plan> {
        let newest = &self.books[usize::from(protocol)].protocol;
        let known = self.plans.iter().find(|plan| plan.rule == rule && Arc::ptr_eq(&plan.protocol, newest));
        known.map_or_else(|| Arc::new(Plan::new(Arc::clone(newest), rule)), Arc::clone)
    }

    fn change_opening(&mut self, at: u32, event: OpeningEvent) {
        let opening = &mut self.state.openings[at as usize];
        let from = opening.state;
        opening.state.step(event, &mut self.fired);
        let (key, to) = (opening.key.clone(), opening.state);
        if from == to {
            return;
        }
        if matches!(to, OpeningState::Open | OpeningState::Lost) {
            // An answer to an earlier question may have come first.
            self.forget_by_hand(at);
            self.append(self.opening_entry(at));
        }
        self.event(Event::Opening { key, to });
    }

    /// How an opening stands, for the journal.
    pub(crate) fn opening_entry(&self, at: u32) -> Entry {
        let opening = &self.state.openings[at as usize];
        let party = self.settings.parties.get(usize::from(opening.party));
        Entry::Opening(OpeningChanged {
            protocol: self.state.conversations[usize::from(opening.protocol)].protocol.clone(),
            party: party.map(|party| party.name.clone()).unwrap_or_default(),
            key: opening.key.clone(),
            state: opening.state,
            reason: opening.reason.clone(),
        })
    }

    /// Any answer tells something about its opening: one to the opening exchange that it is open, one to another that it is not.
    pub(crate) fn opening_hears(
        &mut self,
        id: ExchangeId,
        plan: &Plan,
        verdict: Option<Verdict>,
        participant: &[u8],
        frame: &[u8],
        now: Now,
    ) {
        let (Some(verdict), Some(rule)) = (verdict, &plan.protocol.rules.opening) else { return };
        let (lost, retry, opens) = (rule.lost, rule.retry, self.opens(plan));
        if !opens && verdict != lost {
            return;
        }
        let Some(exchange) = self.state.exchanges.get(&id) else { return };
        let (Some(at), date) = (exchange.opening, exchange.about.date) else { return };
        let Some(opening) = self.state.openings.get_mut(at as usize) else { return };
        if opening.key.date != date {
            return;
        }
        let state = opening.state;
        if opens {
            // An institution that had the opening before is open, too.
            if matches!(verdict, Verdict::Success | Verdict::Duplicate) {
                let mut attempt = None;
                if let Some(opening) = self.state.openings.get_mut(at as usize) {
                    opening.reason = None;
                    attempt = opening.attempt.take();
                }
                self.state.timers.stop(&TimerName::Opening(at));
                let closed = self.closed_by_hand(at);
                if closed.is_some() {
                    self.state.openings[at as usize].reason = closed;
                } else if state != OpeningState::Open {
                    self.change_opening(at, OpeningEvent::Opened);
                }
                // One that still waits need not leave: an earlier one has opened.
                if let Some(attempt) = attempt {
                    self.refuse_waiting(attempt, Refusal::Abandoned, now);
                }
            } else if state != OpeningState::Open
                && let Some(opening) = self.state.openings.get_mut(at as usize)
            {
                opening.reason = Some(code_text(plan, participant, frame));
            }
        } else if verdict == lost && state == OpeningState::Open {
            self.state.openings[at as usize].reason = Some(code_text(plan, participant, frame));
            self.change_opening(at, OpeningEvent::Lost);
            self.state.timers.set(TimerName::Opening(at), now.mono + retry.max(RETRY_MIN));
            self.try_opening(at, now);
        }
    }

    /// The opening exchange has an outcome. If it did not open, the next try is set.
    pub(crate) fn opening_attempt_over(&mut self, at: u32, id: ExchangeId, outcome: Outcome, now: Now) {
        let Some(opening) = self.state.openings.get_mut(at as usize) else { return };
        if opening.state != OpeningState::Opening || opening.attempt.is_some_and(|attempt| attempt != id) {
            return;
        }
        if matches!(outcome, Outcome::Success { .. }) {
            return;
        }
        opening.attempt = None;
        opening.reason = Some(match outcome {
            Outcome::Failure { refusal: Some(refusal), .. } => refusal.sentence().to_string(),
            _ => String::from(outcome.cause().sentence()),
        });
        let protocol = opening.protocol;
        let Some(rule) = &self.books[usize::from(protocol)].protocol.rules.opening else { return };
        let retry = rule.retry;
        self.change_opening(at, OpeningEvent::Failed);
        // Of a request of which no byte left the institution knows nothing: what was opened by hand is asked for again, whatever the hour.
        let is_asked = outcome.cause() != Cause::NotSent && !self.is_leaving(id);
        if is_asked && self.forget_by_hand(at) {
            self.append(self.opening_entry(at));
        }
        let was_cut = matches!(outcome, Outcome::Failure { refusal: Some(Refusal::SessionLost), .. });
        if was_cut && self.halves(protocol) != (true, true) {
            // Nobody was asked: it is tried as soon as the sessions are back.
            return;
        }
        self.state.timers.set(TimerName::Opening(at), now.mono + retry.max(RETRY_MIN));
    }

    /// The wall clock shows another business date.
    pub(crate) fn change_date(&mut self, now: Now) {
        for protocol in self.protocols() {
            let at = usize::from(protocol);
            let day = Day::at(&self.books[at].protocol.day, now.wall);
            let conversation = &mut self.state.conversations[at];
            let changed = conversation.day.date != day.date;
            conversation.day = day;
            if !changed {
                continue;
            }
            if self.books[at].numbers_are_dated {
                conversation.numbers.forget_before(day.date);
            }
            let waiting: Vec<ExchangeId> = conversation.waiting.iter().collect();
            for id in waiting {
                self.refuse_waiting(id, Refusal::DateChanged, now);
            }
            self.take_back_stamped(protocol, now);
            for opening in 0..u32::try_from(self.state.openings.len()).unwrap_or(u32::MAX) {
                let known = &mut self.state.openings[opening as usize];
                if known.protocol != protocol {
                    continue;
                }
                known.key.date = day.date;
                known.attempt = None;
                known.reason = None;
                known.is_early = false;
                self.state.timers.stop(&TimerName::Opening(opening));
                self.change_opening(opening, OpeningEvent::DateChange);
                // Also when the clock is set back to the date on which an operator closed it.
                self.state.openings[opening as usize].reason = self.closed_by_hand(opening);
            }
            self.notices_of_yesterday(protocol, now);
            self.try_openings(protocol, now);
        }
        self.set_date_timer(now);
    }

    /// A request that was stamped under another date, and of which no byte was written, does not leave: it is taken back out of
    /// its stream with all behind it. Poll telegrams and replies are queued again; replies with a new entry, for their new place.
    pub(crate) fn take_back_stamped(&mut self, protocol: u16, now: Now) {
        if self.state.journal.failed.is_some() {
            return;
        }
        let (mut requests, mut replies) = (Vec::new(), Vec::new());
        for slot in 0..self.state.sessions.len() {
            let session = &mut self.state.sessions[slot];
            if session.protocol != protocol {
                continue;
            }
            let Some((end, frames)) = session.out.take_back() else { continue };
            for (cargo, bytes) in frames {
                match cargo {
                    Cargo::Request(id) => requests.push(id),
                    Cargo::Reply(id) => replies.push(id),
                    Cargo::PollRequest | Cargo::PollAnswer | Cargo::SignRequest | Cargo::SignAnswer => {
                        session.out.push_frame(&bytes, cargo);
                    }
                }
            }
            let conn = session.conn();
            self.no_release_behind(conn, end);
        }
        for id in requests {
            self.unsent(id, Refusal::DateChanged, "the business date changed before the first byte left", now);
        }
        for id in replies {
            self.reply_lost(id, false);
        }
        self.reply_to_waiting_notices(protocol);
    }

    /// The timer that sees the date change when nothing else happens.
    pub(crate) fn set_date_timer(&mut self, now: Now) {
        self.state.clocks = Clocks::at(now);
        let next = self.state.conversations.iter().map(|conversation| conversation.day.until).min();
        let Some(next) = next else { return };
        let micros = next.as_unix_micros().saturating_sub(now.wall.as_unix_micros()).max(1);
        let wait = Duration::from_micros(u64::try_from(micros).unwrap_or(1));
        self.state.timers.set(TimerName::DateChange, now.mono + wait);
    }

    /// A request that waits is not sent.
    pub(crate) fn refuse_waiting(&mut self, id: ExchangeId, refusal: Refusal, now: Now) {
        self.refuse_waiting_for(id, refusal, refusal.sentence(), now);
    }

    /// The same, with more for people.
    pub(crate) fn refuse_waiting_for(&mut self, id: ExchangeId, refusal: Refusal, text: &str, now: Now) {
        let Some(exchange) = self.state.exchanges.get(&id) else { return };
        if !exchange.state.is_waiting() || self.state.journal.failed.is_some() {
            return;
        }
        let (protocol, compartment) = (exchange.protocol, exchange.about.compartment.clone());
        self.state.conversations[usize::from(protocol)].waiting.remove(&compartment, id);
        self.not_sent(id, refusal, text, now);
        self.close_unneeded(protocol, now);
    }
}
