//! Holes in their numbers: found, asked for one at a time, and told to a person if they stay.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::ops::RangeInclusive;
use core::time::Duration;

use pabal_clock::{BusinessDate, Mono, Now};
use pabal_spec::{ExchangeRule, NoticeRuleId, Protocol, StampRule, Verdict};
use pabal_telegram::{Side, Slice};
use serde::{Deserialize, Serialize};

use crate::admit::Request;
use crate::book::{Named, blank, carry, put};
use crate::bytes::{Bytes, readable};
use crate::conclude::Conclusion;
use crate::core::Core;
use crate::declare::declare;
use crate::entry::{self, Entry, Frame, GapClosed, NoticeAbout, Origin};
use crate::exchange::ExchangeEvent;
use crate::id::{Conn, ExchangeId};
use crate::notice::{Recovered, key_of, kind_of};
use crate::outcome::{Cause, Outcome};
use crate::output::Event;
use crate::plan::Plan;
use crate::receive::read_verdict;
use crate::refusal::Refusal;
use crate::stamp::{digits, stamp};
use crate::timer::TimerName;

declare! {
    /// Why a number of theirs is not missing any more, or not asked for any more.
    pub enum GapEnd {
        Absent = "ABSENT", "The institution says that it has no such notice.";
        TooMany = "TOO_MANY", "More numbers are missing at once than are asked for.";
        DateChanged = "DATE_CHANGED", "The business date changed before it was found.";
    }
}

/// Numbers of one scope that may be missing at once. A jump that makes more of them is told to a person and not asked for: it is no
/// loss of notices, but another way of counting.
pub(crate) const HOLES_MAX: usize = 1_000;
/// Scopes whose numbers are followed at once.
pub(crate) const SEQUENCES_MAX: usize = 2_000;
/// Between two questions about one scope.
const PACE: Duration = Duration::from_secs(1);
/// The longest wait before a question that was not answered is asked again.
const RETRY_MAX: Duration = Duration::from_secs(30 * 60);

/// The numbers of one scope: the highest that came, and those below it that did not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Holes<T> {
    highest: Option<u64>,
    /// A number that came too far above it. A second one near it shows that they count from there now; alone it was a stray.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    stray: Option<u64>,
    #[serde(with = "crate::pairs", bound(serialize = "T: Serialize", deserialize = "T: Deserialize<'de>"))]
    missing: BTreeMap<u64, T>,
}

impl<T> Default for Holes<T> {
    fn default() -> Self {
        Self { highest: None, stray: None, missing: BTreeMap::new() }
    }
}

/// What a number says about those before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Saw {
    /// It came before, or is the next.
    Nothing,
    /// It was missing.
    Closed,
    /// These are missing.
    Missing(RangeInclusive<u64>),
    /// These would be missing, and are too many.
    TooMany(RangeInclusive<u64>),
}

impl<T> Holes<T> {
    /// A number came. A recovery does the same with the same numbers, and finds the same holes.
    pub(crate) fn see(&mut self, number: u64, first: Option<u64>, mut hole: impl FnMut() -> T) -> Saw {
        let next = match self.highest {
            Some(highest) => highest.saturating_add(1),
            None => first.unwrap_or(number),
        };
        if number < next {
            return if self.missing.remove(&number).is_some() { Saw::Closed } else { Saw::Nothing };
        }
        let fits = |next: u64| {
            let count = usize::try_from(number - next).unwrap_or(usize::MAX);
            self.missing.len().saturating_add(count) <= HOLES_MAX
        };
        let behind_stray = self.stray.map(|stray| stray.saturating_add(1)).filter(|after| *after <= number);
        let next = match behind_stray {
            _ if fits(next) => next,
            Some(after) if fits(after) => after,
            _ => {
                self.stray = Some(number);
                return Saw::TooMany(next..=number - 1);
            }
        };
        (self.highest, self.stray) = (Some(number), None);
        if number == next {
            return Saw::Nothing;
        }
        let range = next..=number - 1;
        self.missing.extend(range.clone().map(|number| (number, hole())));
        Saw::Missing(range)
    }

    pub(crate) fn close(&mut self, number: u64) -> Option<T> {
        self.missing.remove(&number)
    }

    /// The numbers that are missing, as runs of first and last.
    fn runs(&self) -> Vec<(u64, u64)> {
        let mut runs: Vec<(u64, u64)> = Vec::new();
        for number in self.missing.keys() {
            match runs.last_mut() {
                Some((_, last)) if *last + 1 == *number => *last = *number,
                _ => runs.push((*number, *number)),
            }
        }
        runs
    }

    /// The same holes, told otherwise.
    fn map<U>(&self, mut hole: impl FnMut() -> U) -> Holes<U> {
        let missing = self.missing.keys().map(|number| (*number, hole())).collect();
        Holes { highest: self.highest, stray: self.stray, missing }
    }
}

/// Names a scope of numbers: the conversation, the bytes that mark the notices which are numbered together, and the scope's fields.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct SequenceKey {
    protocol: u16,
    kind: Bytes,
    scope: Bytes,
}

/// A number that is missing.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Hole {
    /// When it is asked for.
    due: Mono,
    /// How often it was.
    tries: u32,
}

/// The numbers of one scope, and what is done about those that are missing.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Sequence {
    rule: Box<str>,
    date: BusinessDate,
    holes: Holes<Hole>,
    /// The notice that showed the last hole: what a question is filled from.
    sample: Frame,
    /// The question that is on its way, and for which number.
    asking: Option<(ExchangeId, u64)>,
    /// No question before this.
    next: Mono,
}

/// All sequences that are followed.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Gaps {
    #[serde(with = "crate::pairs")]
    sequences: BTreeMap<SequenceKey, Sequence>,
    /// Questions that are on their way, and what each is about. Some are nobody's any more: of a date that has changed, and comes back if
    /// the wall clock leapt; or whose time is over, while their bytes still wait for a socket that takes none.
    questions: BTreeMap<ExchangeId, SequenceKey>,
}

impl Gaps {
    /// Whether a question about a scope is on its way, of this kind of notice or another.
    fn is_asked(&self, key: &SequenceKey) -> bool {
        self.questions.values().any(|other| other.protocol == key.protocol && other.scope == key.scope)
    }
}

/// A sequence as entries tell of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct KnownSequence {
    rule: Box<str>,
    date: BusinessDate,
    holes: Holes<()>,
    sample: Frame,
}

/// The name of a sequence in entries: protocol, kind, scope.
pub(crate) type SequenceName = (Box<str>, Bytes, Bytes);

impl KnownSequence {
    /// Takes the number of a notice, as the core does.
    pub(crate) fn fold(
        sequences: &mut BTreeMap<SequenceName, Self>,
        about: &NoticeAbout,
        numbered: &entry::Numbered,
        telegram: &Frame,
    ) {
        let name = (about.protocol.clone(), numbered.kind.clone(), numbered.scope.clone());
        if !sequences.contains_key(&name) && sequences.len() >= SEQUENCES_MAX {
            let oldest = sequences.iter().min_by_key(|(_, known)| known.date).map(|(name, _)| name.clone());
            oldest.and_then(|name| sequences.remove(&name));
        }
        let known = sequences.entry(name).or_insert_with(|| Self {
            rule: about.rule.clone(),
            date: about.date,
            holes: Holes::default(),
            sample: telegram.clone(),
        });
        // Of numbers that never begin anew, what is missing of an earlier date is closed by its own entry.
        known.date = known.date.max(about.date);
        if let Saw::Missing(_) = known.holes.see(numbered.number, numbered.first, || ()) {
            known.sample = telegram.clone();
        }
    }

    /// Numbers are not missing any more, or not asked for.
    pub(crate) fn close(sequences: &mut BTreeMap<SequenceName, Self>, entry: &GapClosed) {
        let name = (entry.protocol.clone(), entry.kind.clone(), entry.scope.clone());
        let Some(known) = sequences.get_mut(&name) else { return };
        known
            .holes
            .missing
            .retain(|number, ()| !entry.numbers.iter().any(|(first, last)| (first..=last).contains(&number)));
    }

    pub(crate) fn sample(&mut self) -> &mut Frame {
        &mut self.sample
    }
}

impl Core {
    /// Where a notice stands among their numbers, if its rule says how a hole is asked for and the number is of today.
    pub(crate) fn numbered(&self, protocol: u16, rule: &str, frame: &[u8], now: Now) -> Option<entry::Numbered> {
        let spec = &self.books[usize::from(protocol)].protocol;
        let (_, rule) = spec.rules.notice(rule)?;
        let (numbered, _) = (rule.numbered.as_ref()?, rule.gap.as_ref()?);
        let number = core::str::from_utf8(numbered.at.of(frame)?).ok()?.parse().ok()?;
        let scope = key_of(&numbered.scope, frame)?;
        // Numbers of another date are of another count, whose holes are not asked for.
        is_of_today(spec, &numbered.scope, frame, now).then(|| entry::Numbered {
            kind: kind_of(&rule.request),
            scope: Bytes::from(scope),
            number,
            first: numbered.first,
        })
    }

    /// A number of theirs came: it may be one that was missing, or show that others are.
    pub(crate) fn saw_number(
        &mut self,
        protocol: u16,
        about: &NoticeAbout,
        numbered: &entry::Numbered,
        telegram: Frame,
        now: Now,
    ) {
        let key = SequenceKey { protocol, kind: numbered.kind.clone(), scope: numbered.scope.clone() };
        let today = self.state.conversations[usize::from(protocol)].day.date;
        let spec = &self.books[usize::from(protocol)].protocol;
        let gap = spec.rules.notice(&about.rule).and_then(|(_, rule)| rule.gap.as_ref());
        let Some(after) = gap.map(|gap| gap.after) else { return };
        let sequences = &mut self.state.gaps.sequences;
        if !sequences.contains_key(&key) && sequences.len() >= SEQUENCES_MAX {
            let oldest = sequences.iter().min_by_key(|(_, known)| known.date).map(|(key, _)| key.clone());
            if let Some(oldest) = oldest {
                self.state.gaps.sequences.remove(&oldest);
            }
        }
        let sequence = self.state.gaps.sequences.entry(key.clone()).or_insert_with(|| Sequence {
            rule: about.rule.clone(),
            date: today,
            holes: Holes::default(),
            sample: telegram.clone(),
            asking: None,
            next: now.mono,
        });
        let due = now.mono + after;
        match sequence.holes.see(numbered.number, numbered.first, || Hole { due, tries: 0 }) {
            Saw::Nothing => return,
            Saw::Closed => {}
            Saw::Missing(_) => sequence.sample = telegram,
            Saw::TooMany(range) => self.close_gap(&key, [(*range.start(), *range.end())].into(), GapEnd::TooMany, None),
        }
        self.set_gap_timer();
    }

    /// Writes down that numbers are not asked for any more.
    fn close_gap(&mut self, key: &SequenceKey, numbers: Vec<(u64, u64)>, reason: GapEnd, exchange: Option<ExchangeId>) {
        let Some(sequence) = self.state.gaps.sequences.get(key) else { return };
        let (rule, date) = (sequence.rule.clone(), sequence.date);
        if reason != GapEnd::Absent {
            let count = numbers.iter().map(|(first, last)| last - first + 1).sum();
            let scope = readable(&key.scope);
            self.event(Event::NumbersMissing { rule: rule.clone(), scope, count, reason });
        }
        self.append(Entry::GapClosed(GapClosed {
            protocol: self.state.conversations[usize::from(key.protocol)].protocol.clone(),
            rule,
            kind: key.kind.clone(),
            scope: key.scope.clone(),
            date,
            numbers,
            reason,
            exchange,
        }));
    }

    /// The timer of the next question.
    pub(crate) fn set_gap_timer(&mut self) {
        let due = |sequence: &Sequence| {
            let first = sequence.holes.missing.values().map(|hole| hole.due).min()?;
            sequence.asking.is_none().then(|| first.max(sequence.next))
        };
        match self.state.gaps.sequences.values().filter_map(due).min() {
            Some(at) => self.state.timers.set(TimerName::Gap, at),
            None => self.state.timers.stop(&TimerName::Gap),
        }
    }

    /// Asks for what is due: one number of each scope.
    pub(crate) fn ask_for_gaps(&mut self, now: Now) {
        if self.state.drain_until.is_some() || self.state.journal.failed.is_some() {
            return;
        }
        self.forget_questions();
        let due = |(key, sequence): (&SequenceKey, &Sequence)| {
            let hole = sequence.holes.missing.iter().find(|(_, hole)| hole.due <= now.mono)?;
            (sequence.asking.is_none() && sequence.next <= now.mono).then(|| (key.clone(), *hole.0))
        };
        for (key, number) in self.state.gaps.sequences.iter().filter_map(due).collect::<Vec<_>>() {
            self.ask_for_gap(&key, number, now);
        }
        self.set_gap_timer();
    }

    fn ask_for_gap(&mut self, key: &SequenceKey, number: u64, now: Now) {
        let Some(sequence) = self.state.gaps.sequences.get(key) else { return };
        let today = self.state.conversations[usize::from(key.protocol)].day.date;
        if sequence.date != today || self.state.gaps.is_asked(key) {
            self.ask_later(key, number, PACE, now);
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
        let (name, tries) = (sequence.rule.clone(), sequence.holes.missing.get(&number).map_or(0, |hole| hole.tries));
        let Some(known_by) = key_of(&spec.rules.key, &telegram).map(|one| self.known_by(key.protocol, at, &one)) else {
            return;
        };
        if self.state.notices.find(&known_by).is_some() {
            if let Some(sequence) = self.state.gaps.sequences.get_mut(key) {
                sequence.holes.close(number);
            }
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
            telegram,
            deadline: Mono::NEVER,
            trace,
        };
        let asked = self.admit(request, now);
        let retry = after.saturating_mul(1 << tries.min(10)).clamp(PACE, RETRY_MAX);
        let Some(sequence) = self.state.gaps.sequences.get_mut(key) else { return };
        sequence.next = now.mono + PACE;
        if let Some(hole) = sequence.holes.missing.get_mut(&number) {
            hole.due = now.mono + retry;
            hole.tries = tries.saturating_add(u32::from(asked.is_ok()));
        }
        if let Ok(id) = asked
            && self.state.exchanges.get(&id).is_some_and(|one| one.state.is_waiting() || one.state.is_in_flight())
        {
            sequence.asking = Some((id, number));
            self.state.gaps.questions.insert(id, key.clone());
        }
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
        if let Some(sequence) = self.state.gaps.sequences.get_mut(key) {
            sequence.next = now.mono + wait.min(PACE);
            if let Some(hole) = sequence.holes.missing.get_mut(&number) {
                hole.due = now.mono + wait;
            }
        }
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
            digits(field, number);
        }
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

    /// The request of ours that waits for an answer under a telegram's key, if it is one of a rule.
    fn awaited(&self, protocol: u16, rule: &ExchangeRule, telegram: &[u8]) -> Option<ExchangeId> {
        let mut key = Vec::from(protocol.to_be_bytes());
        for (_, bytes) in &rule.answer.bytes {
            key.extend_from_slice(bytes);
        }
        for field in &self.books[usize::from(protocol)].protocol.rules.key {
            key.extend_from_slice(field.of(telegram)?);
        }
        self.state.pending.get(&key[..]).copied()
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
        exchanges.iter().filter(|rule| rules(rule)).any(|rule| {
            let holder = self.awaited(protocol, rule, telegram).and_then(|id| self.state.exchanges.get(&id));
            holder.is_some_and(|exchange| exchange.state.is_in_flight() || self.is_leaving(exchange.id))
        })
    }

    /// Whether a number that we would give next is one that names something of theirs in a request which is under way.
    pub(crate) fn is_theirs_in_flight(&self, protocol: u16, telegram: &[u8]) -> bool {
        let number = self.books[usize::from(protocol)].protocol.rules.number.at;
        self.is_number_in_flight(protocol, telegram, |rule| rule.given.contains(&number))
    }

    /// An answer to a question for a number: the notice, or that there is none. It may be one that a caller asked by itself.
    pub(crate) fn gap_answered(&mut self, id: ExchangeId, plan: &Plan, conn: Conn, frame: &[u8], now: Now) {
        let rules = &plan.protocol.rules;
        let asks = |rule: &pabal_spec::NoticeRule| rule.gap.as_ref().is_some_and(|gap| gap.exchange == plan.rule);
        if !rules.notices.iter().any(asks) {
            return;
        }
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
                let closed = self.state.gaps.sequences.get_mut(&key).and_then(|one| one.holes.close(numbered.number));
                if closed.is_some() {
                    self.close_gap(&key, [(numbered.number, numbered.number)].into(), GapEnd::Absent, Some(id));
                    self.set_gap_timer();
                }
            }
            _ => {}
        }
    }

    /// A question is over, however it ended; the next one may be asked when its bytes are not on their way any more.
    pub(crate) fn gap_over(&mut self, id: ExchangeId) {
        let Some(key) = self.state.gaps.questions.get(&id) else { return };
        if let Some(sequence) = self.state.gaps.sequences.get_mut(key)
            && sequence.asking.is_some_and(|(asking, _)| asking == id)
        {
            sequence.asking = None;
        }
        if !self.is_on_its_way(id) {
            self.state.gaps.questions.remove(&id);
        }
        self.set_gap_timer();
    }

    /// A notice came by itself: whoever asks for it at this moment has its answer.
    pub(crate) fn asking_is_over(&mut self, protocol: u16, rule: NoticeRuleId, frame: &[u8], conn: Conn, now: Now) {
        let rules = &self.books[usize::from(protocol)].protocol.rules;
        let Some(gap) = &rules.notices[usize::from(rule.0)].gap else { return };
        let sent = self.awaited(protocol, &rules.exchanges[usize::from(gap.exchange.0)], frame);
        if let Some(exchange) = sent.and_then(|id| self.state.exchanges.get(&id)) {
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
        let number = number.and_then(|digits| core::str::from_utf8(digits).ok()?.parse::<u64>().ok());
        let kind = kind_of(&rule.request);
        let scope = rule.numbered.as_ref().and_then(|numbered| key_of(&numbered.scope, frame));
        let (Some(number), Some(scope)) = (number, scope) else { return };
        let key = SequenceKey { protocol, kind, scope: Bytes::from(scope) };
        let asking = self.state.gaps.sequences.get(&key).and_then(|sequence| sequence.asking);
        if let Some((id, asked)) = asking
            && asked == number
        {
            self.refuse_waiting(id, Refusal::Abandoned, now);
        }
    }

    /// The business date has changed: what is still missing of the last one is told, and not asked for any more.
    pub(crate) fn gaps_of_yesterday(&mut self, protocol: u16, _now: Now) {
        let today = self.state.conversations[usize::from(protocol)].day.date;
        let is_old = |(key, one): &(&SequenceKey, &Sequence)| key.protocol == protocol && one.date != today;
        for key in self.state.gaps.sequences.iter().filter(is_old).map(|(key, _)| key.clone()).collect::<Vec<_>>() {
            self.end_sequence(&key, today);
        }
        self.set_gap_timer();
    }

    /// What is still missing is told, and not asked for any more. Numbers that never begin anew are followed on.
    fn end_sequence(&mut self, key: &SequenceKey, today: BusinessDate) {
        let runs = self.state.gaps.sequences.get(key).map(|sequence| sequence.holes.runs()).unwrap_or_default();
        if !runs.is_empty() {
            self.close_gap(key, runs, GapEnd::DateChanged, None);
        }
        let is_dated = self.is_dated(key);
        match self.state.gaps.sequences.get_mut(key) {
            Some(sequence) if !is_dated => {
                sequence.holes.missing.clear();
                sequence.date = today;
            }
            _ => {
                self.state.gaps.sequences.remove(key);
            }
        }
    }

    /// Whether a date is in the scope, so that each day has its own count.
    fn is_dated(&self, key: &SequenceKey) -> bool {
        let rules = &self.books[usize::from(key.protocol)].protocol.rules;
        let rule = rules.notices.iter().find(|rule| kind_of(&rule.request) == key.kind);
        let scope = rule.and_then(|rule| rule.numbered.as_ref()).map(|numbered| &numbered.scope);
        rules
            .stamps
            .iter()
            .any(|stamp| stamp.pattern.pattern.contains("DD") && scope.is_some_and(|scope| scope.contains(&stamp.at)))
    }

    /// What a checkpoint holds.
    pub(crate) fn known_sequences(&self) -> impl Iterator<Item = (SequenceName, KnownSequence)> {
        self.state.gaps.sequences.iter().map(|(key, sequence)| {
            let protocol = self.state.conversations[usize::from(key.protocol)].protocol.clone();
            let known = KnownSequence {
                rule: sequence.rule.clone(),
                date: sequence.date,
                holes: sequence.holes.map(|| ()),
                sample: sequence.sample.clone(),
            };
            ((protocol, key.kind.clone(), key.scope.clone()), known)
        })
    }

    /// Goes on with the holes of an earlier process: each is asked for as if it had been seen now.
    pub(crate) fn recover_sequences(&mut self, known: BTreeMap<SequenceName, KnownSequence>, now: Now) {
        for ((protocol, kind, scope), known) in known {
            let Some(protocol) = self.protocol_named(&protocol) else { continue };
            let spec = &self.books[usize::from(protocol)].protocol;
            let gap = spec.rules.notice(&known.rule).and_then(|(_, rule)| rule.gap.as_ref());
            let Some(after) = gap.map(|gap| gap.after) else { continue };
            let numbered = spec.rules.notice(&known.rule).and_then(|(_, rule)| rule.numbered.as_ref());
            // Its entries may say tomorrow, if the wall clock had leapt there when the first notice came; see where it is asked.
            let is_of_today = numbered.is_some_and(|one| is_of_today(spec, &one.scope, &known.sample.bytes, now));
            let due = now.mono + after;
            let key = SequenceKey { protocol, kind, scope };
            let today = self.state.conversations[usize::from(protocol)].day.date;
            let sequence = Sequence {
                rule: known.rule,
                date: if is_of_today && self.is_dated(&key) { today } else { known.date },
                holes: known.holes.map(|| Hole { due, tries: 0 }),
                sample: known.sample,
                asking: None,
                next: now.mono,
            };
            self.state.gaps.sequences.insert(key, sequence);
        }
        for protocol in self.protocols() {
            self.gaps_of_yesterday(protocol, now);
        }
    }
}

/// Whether the dates among the fields of a scope are those that a telegram would be stamped with now.
fn is_of_today(protocol: &Protocol, scope: &[Slice], frame: &[u8], now: Now) -> bool {
    let mut stamped = frame.to_vec();
    stamp(&mut stamped, &protocol.rules.stamps, &[], protocol.day.civil(now.wall));
    let is_date = |rule: &&StampRule| scope.contains(&rule.at) && rule.pattern.pattern.contains("DD");
    protocol.rules.stamps.iter().filter(is_date).all(|rule| rule.at.of(&stamped) == rule.at.of(frame))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_show_what_is_missing_before_them() {
        let mut holes: Holes<()> = Holes::default();
        assert_eq!(holes.see(7, None, || ()), Saw::Nothing, "nobody knows where they begin");
        assert_eq!(holes.see(8, None, || ()), Saw::Nothing);
        assert_eq!(holes.see(11, None, || ()), Saw::Missing(9..=10));
        assert_eq!(holes.see(10, None, || ()), Saw::Closed);
        assert_eq!(holes.see(10, None, || ()), Saw::Nothing);
        assert_eq!(holes.see(3, None, || ()), Saw::Nothing, "before the first that came");
        assert_eq!(holes.see(13, None, || ()), Saw::Missing(12..=12));
        assert_eq!(holes.runs(), [(9, 9), (12, 12)]);
    }

    #[test]
    fn where_the_first_number_is_known_it_may_be_missing_too() {
        let mut holes: Holes<()> = Holes::default();
        assert_eq!(holes.see(3, Some(1), || ()), Saw::Missing(1..=2));
        assert_eq!(holes.runs(), [(1, 2)]);
        assert_eq!(Holes::<()>::default().see(1, Some(1), || ()), Saw::Nothing);
    }

    #[test]
    fn a_jump_beyond_the_bound_makes_no_holes() {
        let mut holes: Holes<()> = Holes::default();
        let max = u64::try_from(HOLES_MAX).unwrap();
        assert_eq!(holes.see(max + 2, Some(1), || ()), Saw::TooMany(1..=max + 1));
        assert!(holes.missing.is_empty());
        assert_eq!(holes.see(2 * max + 3, Some(1), || ()), Saw::Missing(max + 3..=2 * max + 2));
        assert_eq!(holes.missing.len(), HOLES_MAX);
        assert_eq!(holes.see(2 * max + 5, Some(1), || ()), Saw::TooMany(2 * max + 4..=2 * max + 4));
    }

    #[test]
    fn one_stray_number_does_not_hide_the_holes_of_the_others() {
        let mut holes: Holes<()> = Holes::default();
        assert_eq!(holes.see(1, Some(1), || ()), Saw::Nothing);
        assert_eq!(holes.see(900_000, Some(1), || ()), Saw::TooMany(2..=899_999));
        assert_eq!(holes.see(2, Some(1), || ()), Saw::Nothing);
        assert_eq!(holes.see(4, Some(1), || ()), Saw::Missing(3..=3));
        // Two of them are no stray any more: they count from there.
        assert_eq!(holes.see(900_000, Some(1), || ()), Saw::TooMany(5..=899_999));
        assert_eq!(holes.see(900_002, Some(1), || ()), Saw::Missing(900_001..=900_001));
        assert_eq!(holes.see(900_003, Some(1), || ()), Saw::Nothing);
        assert_eq!(holes.runs(), [(3, 3), (900_001, 900_001)]);
    }
}
