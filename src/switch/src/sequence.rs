//! Sequences of their numbers: what came of each scope, what is missing of it, and until when that is followed.

use alloc::boxed::Box;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;

use pabal_clock::{BusinessDate, Mono, Now};
use pabal_spec::Protocol;
use pabal_telegram::Slice;
use serde::{Deserialize, Serialize};

use crate::bytes::{Bytes, readable};
use crate::core::Core;
use crate::entry::{self, Entry, Frame, GapClosed, NoticeAbout};
use crate::gap::GapEnd;
use crate::holes::{Holes, Saw};
use crate::id::ExchangeId;
use crate::notice::{key_of, kind_of};
use crate::output::Event;
use crate::stamp::{number_of, stamp};

/// Scopes whose numbers are followed at once: on a business date, a bank under each of our names. Of one more, the one of the oldest date
/// is not followed any more, and a person is told ([`Event::SequenceEvicted`]).
pub(crate) const SEQUENCES_MAX: usize = 2_000;

/// Names a scope of numbers: the conversation, the bytes that mark the notices which are numbered together, and the scope's fields.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct SequenceKey {
    pub(crate) protocol: u16,
    pub(crate) kind: Bytes,
    pub(crate) scope: Bytes,
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
    pub(crate) rule: Box<str>,
    pub(crate) date: BusinessDate,
    holes: Holes<Hole>,
    /// The missing numbers in the order in which they are asked for.
    order: BTreeSet<(Mono, u64)>,
    /// The notice that showed the last hole: what a question is filled from.
    pub(crate) sample: Frame,
    /// The question that is on its way, and for which number.
    pub(crate) asking: Option<(ExchangeId, u64)>,
    /// No question before this.
    pub(crate) next: Mono,
}

impl Sequence {
    fn new(rule: Box<str>, date: BusinessDate, sample: Frame, now: Now) -> Self {
        let (holes, order) = (Holes::default(), BTreeSet::new());
        Self { rule, date, holes, order, sample, asking: None, next: now.mono }
    }

    /// When the next number is asked for; never, while a question is on its way.
    fn due(&self) -> Option<Mono> {
        let (first, _) = self.order.first().filter(|_| self.asking.is_none())?;
        Some((*first).max(self.next))
    }

    /// The number that is asked for next, and how often it was.
    pub(crate) fn first(&self) -> Option<(u64, u32)> {
        let (_, number) = self.order.first()?;
        Some((*number, self.holes.missing.get(number)?.tries))
    }

    /// A number came; those that it shows to be missing are asked for when they are due.
    fn see(&mut self, number: u64, first: Option<u64>, due: Mono) -> Saw {
        let place = self.holes.missing.get(&number).map(|hole| (hole.due, number));
        let saw = self.holes.see(number, first, || Hole { due, tries: 0 });
        match (&saw, place) {
            (Saw::Closed, Some(place)) => {
                self.order.remove(&place);
            }
            (Saw::Missing(range), _) => self.order.extend(range.clone().map(|number| (due, number))),
            _ => {}
        }
        saw
    }

    /// A number is not missing any more; whether it was.
    pub(crate) fn close(&mut self, number: u64) -> bool {
        let hole = self.holes.missing.remove(&number);
        hole.is_some_and(|hole| self.order.remove(&(hole.due, number)))
    }

    /// A missing number is asked for at another time, after so many tries more.
    pub(crate) fn put_off(&mut self, number: u64, due: Mono, tries: u32) {
        if let Some(hole) = self.holes.missing.get_mut(&number) {
            self.order.remove(&(hole.due, number));
            *hole = Hole { due, tries: hole.tries.saturating_add(tries) };
            self.order.insert((due, number));
        }
    }

    /// Nothing of it is missing any more.
    fn clear(&mut self) {
        self.holes.missing.clear();
        self.order.clear();
    }
}

/// All sequences that are followed.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Gaps {
    #[serde(with = "crate::pairs")]
    sequences: BTreeMap<SequenceKey, Sequence>,
    /// Those that ask for something, by when: what is due is found without a look at the others.
    due: BTreeSet<(Mono, SequenceKey)>,
    /// Questions that are on their way, and what each is about. Some are nobody's any more: of a date that has changed, and comes back if
    /// the wall clock leapt; or whose time is over, while their bytes still wait for a socket that takes none.
    pub(crate) questions: BTreeMap<ExchangeId, SequenceKey>,
}

impl Gaps {
    pub(crate) fn sequence(&self, key: &SequenceKey) -> Option<&Sequence> {
        self.sequences.get(key)
    }

    /// Changes a sequence, and finds out when it asks for something then.
    pub(crate) fn change<T>(&mut self, key: &SequenceKey, act: impl FnOnce(&mut Sequence) -> T) -> Option<T> {
        let sequence = self.sequences.get_mut(key)?;
        let before = sequence.due();
        let done = act(sequence);
        let after = sequence.due();
        if before != after {
            if let Some(at) = before {
                self.due.remove(&(at, key.clone()));
            }
            if let Some(at) = after {
                self.due.insert((at, key.clone()));
            }
        }
        Some(done)
    }

    fn insert(&mut self, key: SequenceKey, sequence: Sequence) {
        self.remove(&key);
        if let Some(at) = sequence.due() {
            self.due.insert((at, key.clone()));
        }
        self.sequences.insert(key, sequence);
    }

    fn remove(&mut self, key: &SequenceKey) -> Option<Sequence> {
        let sequence = self.sequences.remove(key)?;
        if let Some(at) = sequence.due() {
            self.due.remove(&(at, key.clone()));
        }
        Some(sequence)
    }

    /// When the next number of any sequence is asked for.
    pub(crate) fn first_due(&self) -> Option<Mono> {
        self.due.first().map(|(at, _)| *at)
    }

    /// The sequences of which a number is asked for by now.
    pub(crate) fn due_by(&self, now: Mono) -> Vec<SequenceKey> {
        self.due.iter().take_while(|(at, _)| *at <= now).map(|(_, key)| key.clone()).collect()
    }

    /// Whether a question about a scope is on its way, of this kind of notice or another.
    pub(crate) fn is_asked(&self, key: &SequenceKey) -> bool {
        self.questions.values().any(|other| other.protocol == key.protocol && other.scope == key.scope)
    }

    /// The one that goes if there are too many: of the oldest date, the first.
    fn first_to_go(&self) -> Option<SequenceKey> {
        self.sequences.iter().min_by_key(|(_, one)| one.date).map(|(key, _)| key.clone())
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
        let number = number_of(numbered.at.of(frame)?)?;
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
        if self.state.gaps.sequence(&key).is_none() {
            self.evict_sequence();
            let sequence = Sequence::new(about.rule.clone(), today, telegram.clone(), now);
            self.state.gaps.insert(key.clone(), sequence);
        }
        let due = now.mono + after;
        let saw = self.state.gaps.change(&key, |sequence| {
            let saw = sequence.see(numbered.number, numbered.first, due);
            if let Saw::Missing(_) = saw {
                sequence.sample = telegram;
            }
            saw
        });
        if let Some(Saw::TooMany(range)) = saw {
            self.close_gap(&key, [(*range.start(), *range.end())].into(), GapEnd::TooMany, None);
        }
        self.set_gap_timer();
    }

    /// Makes place for one more. What is still missing of the one that goes is told, and not asked for any more.
    fn evict_sequence(&mut self) {
        if self.state.gaps.sequences.len() < SEQUENCES_MAX {
            return;
        }
        let Some(key) = self.state.gaps.first_to_go() else { return };
        let runs = self.state.gaps.sequence(&key).map(|sequence| sequence.holes.runs()).unwrap_or_default();
        if !runs.is_empty() {
            self.close_gap(&key, runs, GapEnd::NotFollowed, None);
        }
        if let Some(sequence) = self.state.gaps.remove(&key) {
            self.event(Event::SequenceEvicted { rule: sequence.rule, scope: readable(&key.scope) });
        }
    }

    /// Writes down that numbers are not asked for any more.
    pub(crate) fn close_gap(
        &mut self,
        key: &SequenceKey,
        numbers: Vec<(u64, u64)>,
        reason: GapEnd,
        exchange: Option<ExchangeId>,
    ) {
        let Some(sequence) = self.state.gaps.sequence(key) else { return };
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
    pub(crate) fn end_sequence(&mut self, key: &SequenceKey, today: BusinessDate) {
        let runs = self.state.gaps.sequence(key).map(|sequence| sequence.holes.runs()).unwrap_or_default();
        if !runs.is_empty() {
            self.close_gap(key, runs, GapEnd::DateChanged, None);
        }
        if self.is_dated(key) {
            self.state.gaps.remove(key);
            return;
        }
        self.state.gaps.change(key, |sequence| {
            sequence.clear();
            sequence.date = today;
        });
    }

    /// Whether a date is in the scope, so that each day has its own count.
    fn is_dated(&self, key: &SequenceKey) -> bool {
        let rules = &self.books[usize::from(key.protocol)].protocol.rules;
        let rule = rules.notices.iter().find(|rule| kind_of(&rule.request) == key.kind);
        let scope = rule.and_then(|rule| rule.numbered.as_ref()).map(|numbered| &numbered.scope);
        let is_dated = |place: &Slice| rules.stamps.iter().any(|stamp| stamp.is_dated(*place));
        scope.is_some_and(|scope| scope.iter().any(is_dated))
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
            let key = SequenceKey { protocol, kind, scope };
            let today = self.state.conversations[usize::from(protocol)].day.date;
            let date = if is_of_today && self.is_dated(&key) { today } else { known.date };
            let due = now.mono + after;
            let mut sequence = Sequence::new(known.rule, date, known.sample, now);
            sequence.order.extend(known.holes.missing.keys().map(|number| (due, *number)));
            sequence.holes = known.holes.map(|| Hole { due, tries: 0 });
            self.state.gaps.insert(key, sequence);
        }
        for protocol in self.protocols() {
            self.gaps_of_yesterday(protocol, now);
        }
    }
}

/// Whether the dates among the fields of a scope are those that a telegram would be stamped with now.
pub(crate) fn is_of_today(protocol: &Protocol, scope: &[Slice], frame: &[u8], now: Now) -> bool {
    let mut stamped = frame.to_vec();
    stamp(&mut stamped, &protocol.rules.stamps, &[], protocol.day.civil(now.wall));
    let is_dated = |place: &&Slice| protocol.rules.stamps.iter().any(|stamp| stamp.is_dated(**place));
    scope.iter().filter(is_dated).all(|place| place.of(&stamped) == place.of(frame))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dice::Dice;

    fn at(seconds: u64) -> Mono {
        Mono::from_nanos(seconds * 1_000_000_000)
    }

    fn key(scope: u64) -> SequenceKey {
        SequenceKey { protocol: 0, kind: Bytes::from(&b"4000"[..]), scope: Bytes::from(&scope.to_be_bytes()[..]) }
    }

    /// What is due by a look at every hole of every sequence.
    fn looked_up(gaps: &Gaps) -> BTreeSet<(Mono, SequenceKey)> {
        let due = |sequence: &Sequence| {
            let first = sequence.holes.missing.values().map(|hole| hole.due).min()?;
            sequence.asking.is_none().then(|| first.max(sequence.next))
        };
        gaps.sequences.iter().filter_map(|(key, one)| Some((due(one)?, key.clone()))).collect()
    }

    #[test]
    fn what_is_due_is_found_without_a_look_at_every_hole() {
        let mut dice = Dice::new(11);
        let mut gaps = Gaps::default();
        let now = Now { mono: at(1), wall: pabal_clock::Wall::from_unix_micros(0) };
        let mut most = 0;
        for step in 0..5_000 {
            let (key, number, due) = (key(dice.up_to(7)), dice.up_to(60), at(2 + dice.up_to(40)));
            if gaps.sequence(&key).is_none() {
                let sample = Frame::new(&[], &[]);
                let date = BusinessDate::from_date(pabal_clock::Date::new(2026, 11, 21).unwrap());
                gaps.insert(key.clone(), Sequence::new("deposit".into(), date, sample, now));
            }
            let what = dice.up_to(9);
            gaps.change(&key, |sequence| match what {
                0..=3 => drop(sequence.see(number, None, due)),
                4 | 5 => drop(sequence.close(number)),
                6 | 7 => sequence.put_off(number, due, 1),
                8 => sequence.asking = sequence.asking.xor(Some((ExchangeId(1), number))),
                _ => sequence.next = due,
            });
            match dice.up_to(500) {
                0 => drop(gaps.remove(&key)),
                1 => drop(gaps.change(&key, Sequence::clear)),
                _ => {}
            }
            assert_eq!(gaps.due, looked_up(&gaps), "step {step}");
            assert_eq!(gaps.first_due(), gaps.due.first().map(|(at, _)| *at));
            assert!(gaps.due_by(due).iter().all(|key| gaps.sequence(key).is_some_and(|one| one.due() <= Some(due))));
            most = most.max(gaps.due.len());
        }
        assert!(most > 5, "only {most} were due at once");
    }
}
