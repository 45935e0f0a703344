//! Sequences of their numbers: what came of each scope, what is missing of it, and until when that is followed.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use pabal_clock::{BusinessDate, Mono, Now};
use pabal_spec::{Protocol, StampRule};
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
use crate::stamp::stamp;

/// Scopes whose numbers are followed at once.
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
pub(crate) struct Hole {
    /// When it is asked for.
    pub(crate) due: Mono,
    /// How often it was.
    pub(crate) tries: u32,
}

/// The numbers of one scope, and what is done about those that are missing.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Sequence {
    pub(crate) rule: Box<str>,
    pub(crate) date: BusinessDate,
    pub(crate) holes: Holes<Hole>,
    /// The notice that showed the last hole: what a question is filled from.
    pub(crate) sample: Frame,
    /// The question that is on its way, and for which number.
    pub(crate) asking: Option<(ExchangeId, u64)>,
    /// No question before this.
    pub(crate) next: Mono,
}

/// All sequences that are followed.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Gaps {
    #[serde(with = "crate::pairs")]
    pub(crate) sequences: BTreeMap<SequenceKey, Sequence>,
    /// Questions that are on their way, and what each is about. Some are nobody's any more: of a date that has changed, and comes back if
    /// the wall clock leapt; or whose time is over, while their bytes still wait for a socket that takes none.
    pub(crate) questions: BTreeMap<ExchangeId, SequenceKey>,
}

impl Gaps {
    /// Whether a question about a scope is on its way, of this kind of notice or another.
    pub(crate) fn is_asked(&self, key: &SequenceKey) -> bool {
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
    pub(crate) fn close_gap(
        &mut self,
        key: &SequenceKey,
        numbers: Vec<(u64, u64)>,
        reason: GapEnd,
        exchange: Option<ExchangeId>,
    ) {
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
pub(crate) fn is_of_today(protocol: &Protocol, scope: &[Slice], frame: &[u8], now: Now) -> bool {
    let mut stamped = frame.to_vec();
    stamp(&mut stamped, &protocol.rules.stamps, &[], protocol.day.civil(now.wall));
    let is_date = |rule: &&StampRule| scope.contains(&rule.at) && rule.pattern.pattern.contains("DD");
    protocol.rules.stamps.iter().filter(is_date).all(|rule| rule.at.of(&stamped) == rule.at.of(frame))
}
