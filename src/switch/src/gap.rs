//! Questions for numbers of theirs that are missing: one at a time of each scope, until the number comes or is said to be absent.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::time::Duration;

use pabal_clock::{Mono, Now};
use pabal_spec::{ExchangeRule, NoticeRuleId, Verdict};
use pabal_telegram::Side;

use crate::admit::Request;
use crate::book::{Named, blank, carry, compute, put};
use crate::bytes::Bytes;
use crate::conclude::Conclusion;
use crate::core::Core;
use crate::declare::declare;
use crate::entry::Origin;
use crate::exchange::ExchangeEvent;
use crate::id::{Conn, ExchangeId};
use crate::notice::{Recovered, key_of, kind_of};
use crate::outcome::{Cause, Outcome};
use crate::plan::Plan;
use crate::receive::read_verdict;
use crate::refusal::Refusal;
use crate::sequence::{Sequence, SequenceKey, is_of_today};
use crate::stamp::{digits_in, number_of};
use crate::timer::TimerName;

declare! {
    /// Why a number of theirs is not missing any more, or not asked for any more.
    pub enum GapEnd {
        Absent = "ABSENT", "The institution says that it has no such notice.";
        TooMany = "TOO_MANY", "More numbers are missing at once than are asked for.";
        DateChanged = "DATE_CHANGED", "The business date changed before it was found.";
        NotFollowed = "NOT_FOLLOWED", "The numbers of too many scopes came: those of this one are not followed any more.";
    }
}

/// Between two questions about one scope.
const PACE: Duration = Duration::from_secs(1);
/// The longest wait before a question that was not answered is asked again.
const RETRY_MAX: Duration = Duration::from_secs(30 * 60);

impl Core {
    /// The timer of the next question.
    pub(crate) fn set_gap_timer(&mut self) {
        match self.state.gaps.first_due() {
            Some(at) => self.state.timers.set(TimerName::Gap, at),
            None => self.state.timers.stop(&TimerName::Gap),
        }
    }

    /// Asks for what is due: one number of each scope.
    pub(crate) fn ask_for_gaps(&mut self, now: Now) {
        if self.is_stopping() || self.state.journal.failed.is_some() {
            return;
        }
        self.forget_questions();
        for key in self.state.gaps.due_by(now.mono) {
            self.ask_for_gap(&key, now);
        }
        self.set_gap_timer();
    }

    /// Asks for the number of a sequence that has waited longest. Whatever becomes of it, it is not due any more: a timer that ends in vain would end for ever.
    fn ask_for_gap(&mut self, key: &SequenceKey, now: Now) {
        let Some(sequence) = self.state.gaps.sequence(key) else { return };
        let Some((number, tries)) = sequence.first() else { return };
        let today = self.state.conversations[usize::from(key.protocol)].day.date;
        if sequence.date != today || self.state.gaps.is_asked(key) {
            self.state.gaps.change(key, |sequence| sequence.next = now.mono + PACE);
            return;
        }
        let spec = Arc::clone(&self.books[usize::from(key.protocol)].protocol);
        let Some((at, rule)) = spec.rules.notice(&sequence.rule) else {
            return self.ask_later(key, number, RETRY_MAX, now);
        };
        let (Some(gap), Some(numbered)) = (&rule.gap, &rule.numbered) else {
            return self.ask_later(key, number, RETRY_MAX, now);
        };
        if !is_of_today(&spec, &numbered.scope, &sequence.sample.bytes, now) {
            // Its numbers are of another date than what leaves now, and such are never asked for. Where the business date changes at
            // another time than the date of the stamps, they are of yesterday from midnight until then. And an entry may say tomorrow of
            // numbers of today: a notice came while the wall clock showed tomorrow, came again when it was set back, and the next
            // process, which takes the sequence's date from the notice's, began on that tomorrow.
            self.end_sequence(key, today);
            return;
        }
        let after = gap.after;
        let plan = self.own_plan(key.protocol, gap.exchange);
        let telegram = self.gap_request(&plan, sequence, numbered, gap, number);
        let name = sequence.rule.clone();
        let Some(known_by) = key_of(&spec.rules.key, &telegram).map(|one| self.known_by(key.protocol, at, &one)) else {
            return self.ask_later(key, number, RETRY_MAX, now);
        };
        if self.state.notices.find(&known_by).is_some() {
            self.state.gaps.change(key, |sequence| sequence.close(number));
            return;
        }
        if self.is_number_in_flight(key.protocol, &telegram, |_| true) {
            self.ask_later(key, number, PACE, now);
            return;
        }
        let trace = Some(self.new_trace());
        let request = Request {
            party: self.party_of(key.protocol, &telegram),
            plan,
            origin: Origin::Gap { notice: name, number },
            caller: Box::default(),
            key: None,
            content: 0,
            telegram: Bytes::from(telegram),
            deadline: Mono::NEVER,
            accepts_early_unknown: true,
            trace,
        };
        let asked = self.admit(request, now);
        let retry = after.saturating_mul(1 << tries.min(10)).clamp(PACE, RETRY_MAX);
        let tries = u32::from(asked.is_ok());
        let asking = asked.ok().filter(|id| self.is_on_its_way(*id));
        self.state.gaps.change(key, |sequence| {
            sequence.next = now.mono + PACE;
            sequence.put_off(number, now.mono + retry, tries);
            sequence.asking = asking.map(|id| (id, number));
        });
        self.state.gaps.questions.extend(asking.map(|id| (id, key.clone())));
    }

    /// A question whose time is over is on its way until the socket has taken its bytes, or never will.
    fn is_on_its_way(&self, id: ExchangeId) -> bool {
        let exchange = self.state.exchanges.get(&id);
        exchange.is_some_and(|one| one.state.is_waiting() || one.state.is_in_flight()) || self.is_leaving(id)
    }

    fn forget_questions(&mut self) {
        let mut questions = core::mem::take(&mut self.state.gaps.questions);
        questions.retain(|id, _| self.is_on_its_way(*id));
        self.state.gaps.questions = questions;
    }

    fn ask_later(&mut self, key: &SequenceKey, number: u64, wait: Duration, now: Now) {
        self.state.gaps.change(key, |sequence| {
            sequence.next = now.mono + PACE;
            sequence.put_off(number, now.mono + wait, 0);
        });
    }

    /// The question for a number: its number and scope are theirs, in the same places of the header.
    fn gap_request(
        &self,
        plan: &Plan,
        sequence: &Sequence,
        numbered: &pabal_spec::Numbered,
        gap: &pabal_spec::GapRule,
        number: u64,
    ) -> Vec<u8> {
        let rules = &plan.protocol.rules;
        let sample = &sequence.sample.bytes;
        let mut telegram = blank(plan.request_layout(), Side::Asker);
        if let Some((_, at)) = &rules.participant {
            carry(sample, *at, &mut telegram, *at);
        }
        for at in rules.party.iter().map(|(_, at)| at).chain(&numbered.scope) {
            carry(sample, *at, &mut telegram, *at);
        }
        for fill in &gap.fill {
            carry(sample, fill.from, &mut telegram, fill.to);
        }
        for (at, bytes) in &plan.exchange().request.bytes {
            put(&mut telegram, *at, bytes);
        }
        if let Some(field) = telegram.get_mut(numbered.at.range()) {
            digits_in(field, number, plan.protocol.rules.number.charset);
        }
        compute(plan.request_layout(), Side::Asker, &mut telegram);
        telegram
    }

    /// The party under whose name the notices came: the one that would write the same key.
    fn party_of(&self, protocol: u16, telegram: &[u8]) -> usize {
        let book = &self.books[usize::from(protocol)];
        let rules = &book.protocol.rules;
        let participant = rules.participant.as_ref().and_then(|(_, at)| at.of(telegram)).unwrap_or_default();
        let agrees = |named: &Named| {
            let mut ours = telegram.to_vec();
            for (at, bytes) in named.to(participant) {
                put(&mut ours, *at, bytes);
            }
            rules.key.iter().all(|at| at.of(&ours) == at.of(telegram))
        };
        book.parties.iter().position(agrees).unwrap_or(usize::MAX)
    }

    /// Whether a request of ours that may be answered in time, or has not left yet, has the number of this telegram in its scope. The
    /// institution may tell requests by their numbers alone, whatever they ask for.
    pub(crate) fn is_number_in_flight(
        &self,
        protocol: u16,
        telegram: &[u8],
        rules: impl Fn(&ExchangeRule) -> bool,
    ) -> bool {
        let exchanges = &self.books[usize::from(protocol)].protocol.rules.exchanges;
        let awaited = &self.books[usize::from(protocol)].awaited;
        let mut keys = exchanges.iter().zip(awaited).filter(|(rule, _)| rules(rule));
        keys.any(|(_, awaited)| awaited.of(protocol, telegram).is_some_and(|key| self.is_key_in_flight(&key)))
    }

    /// Whether a number that we would give next is one that names something of theirs in a request which is under way.
    /// `key` is the telegram's correlation key; `theirs` is written to.
    pub(crate) fn is_theirs_in_flight(&self, protocol: u16, key: &[u8], theirs: &mut Vec<u8>) -> bool {
        self.state.exchanges.have_their_numbers()
            && self.books[usize::from(protocol)].any_of_theirs(protocol, key, theirs, |key| self.is_key_in_flight(key))
    }

    fn is_key_in_flight(&self, key: &[u8]) -> bool {
        self.state.exchanges.awaiting(key).is_some_and(|exchange| self.is_under_way(exchange.id))
    }

    fn is_under_way(&self, id: ExchangeId) -> bool {
        let exchange = self.state.exchanges.get(&id);
        exchange.is_some_and(|exchange| exchange.state.is_in_flight() || self.is_leaving(id))
    }

    /// An answer to a question for a number: the notice, or that there is none. It may be one that a caller asked by itself.
    pub(crate) fn gap_answered(&mut self, id: ExchangeId, plan: &Plan, conn: Conn, frame: &[u8], now: Now) {
        if !plan.asks_for_numbers {
            return;
        }
        let asks = |rule: &pabal_spec::NoticeRule| rule.gap.as_ref().is_some_and(|gap| gap.exchange == plan.rule);
        let Some(exchange) = self.state.exchanges.get(&id) else { return };
        let (protocol, about) = (exchange.protocol, Arc::clone(&exchange.about));
        let newest = Arc::clone(&self.books[usize::from(protocol)].protocol);
        let named = match &about.origin {
            Origin::Gap { notice, .. } => newest.rules.notice(notice).map(|(at, _)| at),
            _ => None,
        };
        let first =
            || newest.rules.notices.iter().position(asks).and_then(|at| u16::try_from(at).ok()).map(NoticeRuleId);
        let Some(at) = named.or_else(first) else { return };
        let rule = &newest.rules.notices[usize::from(at.0)];
        let (verdict, outcome) = read_verdict(plan, &about.participant, frame);
        match (outcome, verdict) {
            (Outcome::Success { .. }, _) => {
                let telegram = plan.exchange().answer.telegram;
                let trace = about.trace.clone();
                let found = Recovered { protocol, rule: at, telegram, frame, exchange: id, trace };
                self.recovered(found, conn, now);
            }
            (_, Some(Verdict::Refused)) => {
                let Some(numbered) = self.numbered(protocol, &rule.name, frame, now) else { return };
                let key = SequenceKey { protocol, kind: numbered.kind, scope: numbered.scope };
                let closed = self.state.gaps.change(&key, |sequence| sequence.close(numbered.number));
                if closed == Some(true) {
                    self.close_gap(&key, [(numbered.number, numbered.number)].into(), GapEnd::Absent, Some(id));
                    self.set_gap_timer();
                }
            }
            _ => {}
        }
    }

    /// A question is over, however it ended; the next one may be asked when its bytes are not on their way any more.
    pub(crate) fn gap_over(&mut self, id: ExchangeId) {
        let Some(key) = self.state.gaps.questions.get(&id).cloned() else { return };
        self.state.gaps.change(&key, |sequence| {
            sequence.asking = sequence.asking.filter(|(asking, _)| *asking != id);
        });
        if !self.is_on_its_way(id) {
            self.state.gaps.questions.remove(&id);
        }
        self.set_gap_timer();
    }

    /// A notice came by itself: our own question for it, if one is out at this moment, has its answer. A caller's goes on: who asks for the
    /// fields of an answer gets them by that answer only.
    pub(crate) fn asking_is_over(&mut self, protocol: u16, rule: NoticeRuleId, frame: &[u8], conn: Conn, now: Now) {
        let rules = &self.books[usize::from(protocol)].protocol.rules;
        let Some(gap) = &rules.notices[usize::from(rule.0)].gap else { return };
        let key = self.books[usize::from(protocol)].awaited[usize::from(gap.exchange.0)].of(protocol, frame);
        let asking = key.and_then(|key| self.state.exchanges.awaiting(&key));
        if let Some(exchange) = asking.filter(|one| matches!(one.about.origin, Origin::Gap { .. })) {
            let (id, state) = (exchange.id, exchange.state);
            let outcome = Outcome::Success { cause: Cause::Answered };
            match exchange.outcome {
                None if state.on(ExchangeEvent::Conclude).is_some() => {
                    let event = Some(ExchangeEvent::Conclude);
                    let conclusion = Conclusion { event, outcome, refused: None, answer: None, conn: Some(conn) };
                    self.conclude(id, conclusion, now);
                }
                Some(Outcome::Unknown { .. }) if state.is_in_flight() => self.settle(id, outcome, conn, None, now),
                _ => {}
            }
            return;
        }
        // Still in the queue: it need not leave.
        let rule = &self.books[usize::from(protocol)].protocol.rules.notices[usize::from(rule.0)];
        let number = rule.numbered.as_ref().and_then(|numbered| numbered.at.of(frame));
        let number = number.and_then(number_of);
        let kind = kind_of(&rule.request);
        let scope = rule.numbered.as_ref().and_then(|numbered| key_of(&numbered.scope, frame));
        let (Some(number), Some(scope)) = (number, scope) else { return };
        let key = SequenceKey { protocol, kind, scope: Bytes::from(scope) };
        let asking = self.state.gaps.sequence(&key).and_then(|sequence| sequence.asking);
        if let Some((id, asked)) = asking
            && asked == number
        {
            self.refuse_waiting(id, Refusal::Abandoned, now);
        }
    }
}
