mod notice;

use alloc::boxed::Box;
use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::ops::RangeInclusive;

use pabal_clock::{BusinessDate, Now, Wall};
use pabal_spec::{Digest, Protocol};
use serde::{Deserialize, Serialize};

use crate::bytes::Bytes;
use crate::command::Stops;
use crate::conclude::asks_first_at;
use crate::core::Core;
use crate::entry::{About, Concluded, Entry, Frame, Listed, NoticeReceived, OpeningChanged, Origin, Place};
use crate::exchange::{Exchange, ExchangeState};
use crate::id::{Conn, Epoch, ExchangeId, LineId, NoticeId, SessionId};
use crate::join::confirms;
use crate::keys::Bound;
use crate::notice::{Notice, NoticeState};
use crate::opening::{OpeningEvent, OpeningState};
use crate::outcome::{Cause, Outcome};
use crate::output::Event;
use crate::pairs;
use crate::plan::Plan;
use crate::rate::Tokens;
use crate::refusal::Refusal;
use crate::sequence::{KnownSequence, SequenceName};
use crate::session::{SessionEvent, SessionState};
use crate::settings::LineSide;
use crate::status::{ExchangeStatus, Unresolved};
use crate::stream::Cargo;
use crate::text::Text;
use crate::timer::TimerName;

/// Folds the journal's entries, from the last checkpoint on, into what a core needs to go on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recovery {
    exchanges: BTreeMap<ExchangeId, Known>,
    /// Exchanges that are final, in the order in which they became so.
    settled: VecDeque<ExchangeId>,
    fences: Vec<(Box<str>, Box<str>)>,
    /// The first number that is not reserved, by protocol and scope.
    #[serde(with = "pairs")]
    numbers: BTreeMap<(Box<str>, Bytes), (u64, BusinessDate)>,
    /// The last that is known of each opening, by protocol and values.
    #[serde(with = "pairs")]
    openings: BTreeMap<OpeningName, OpeningChanged>,
    /// The last epoch of each slot, and whether the peer may count a connection in it: all but one that is down for good may have
    /// one, since an attempt to connect leaves no entry.
    #[serde(with = "pairs")]
    epochs: BTreeMap<(Arc<str>, u16), (u32, bool)>,
    notices: BTreeMap<NoticeId, KnownNotice>,
    /// Replies that may be on their way: the connection, and where in its stream the frame ends.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty", with = "pairs")]
    leaving: BTreeMap<(Place, u64), NoticeId>,
    /// Their numbers, by protocol, kind and scope.
    #[serde(with = "pairs")]
    sequences: BTreeMap<SequenceName, KnownSequence>,
    /// What operators have stopped.
    #[serde(default, skip_serializing_if = "Stops::is_empty")]
    stops: Stops,
}

/// An opening of any day: its protocol's name and the values that are opened.
type OpeningName = (Box<str>, Vec<Box<[u8]>>);

/// An exchange, as entries tell of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Known {
    about: Arc<About>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sending: Option<KnownSending>,
    outcome: Option<Outcome>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    answer: Option<Frame>,
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    is_listed: bool,
    /// When the spec's schedule asks about it next, and when it was asked about last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    asks_at: Option<Wall>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    asked_at: Option<Wall>,
    /// Of a settled one in a checkpoint, which holds neither its telegram nor its answer: its number and the correlation key's bytes,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    number: Option<Text>,
    #[serde(default, skip_serializing_if = "is_empty")]
    key: Bytes,
    /// and what confirms that a notice is about it.
    #[serde(default, skip_serializing_if = "is_empty")]
    confirms: Bytes,
}

fn is_empty(bytes: &Bytes) -> bool {
    bytes.is_empty()
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KnownSending {
    place: Place,
    offset: u64,
    number: Text,
    /// Dropped when the exchange is final and only its key is of use.
    telegram: Frame,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KnownNotice {
    /// As it came last; its telegram is empty in a checkpoint if a service has it and its reply is written.
    received: NoticeReceived,
    /// The last reply that may have left, or that waits to.
    reply: Option<Frame>,
    /// The service whose reply it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    replier: Option<Box<str>>,
    /// It is not known that the whole reply has left since the notice came last: it leaves as it is, if need be once more.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    is_owed: bool,
    joined: Option<ExchangeId>,
    is_delivered: bool,
}

impl KnownNotice {
    /// The business date on which it came last.
    fn came_on(&self) -> BusinessDate {
        self.received.again_on.unwrap_or(self.received.about.date)
    }
}

impl Known {
    pub(crate) fn about(&self) -> &About {
        &self.about
    }

    /// An orphan, as an operator sees it.
    pub(crate) fn status(&self, exchange: ExchangeId) -> ExchangeStatus {
        let accepted_at = self.about.accepted_at;
        ExchangeStatus {
            exchange,
            state: ExchangeState::Listed,
            outcome: self.outcome,
            accepted_at,
            answer_until: None,
        }
    }

    pub(crate) fn unresolved(&self, exchange: ExchangeId) -> Unresolved {
        Unresolved {
            exchange,
            rule: Box::from(&*self.about.rule),
            party: Box::from(&*self.about.party),
            participant: self.about.participant.clone(),
            state: ExchangeState::Listed,
            cause: self.outcome.map_or(Cause::Restarted, |outcome| outcome.cause()),
            accepted_at: self.about.accepted_at,
            next: None,
            listed: true,
        }
    }
}

impl Recovery {
    /// Settled exchanges that are kept at most; a core keeps fewer, by its limits.
    const SETTLED_MAX: usize = 200_000;
    /// Notices that are kept at most.
    const NOTICES_MAX: usize = 200_000;

    /// Nothing is known yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The versions of the spec by which its exchanges and notices go. [`Core::new`] is given those that are there beside the newest.
    /// Without its version an open exchange is UNKNOWN and listed; of a settled one only what became of it is known then, and an answer
    /// that comes again is a stranger.
    #[must_use]
    pub fn specs(&self) -> BTreeSet<Digest> {
        let exchanges = self.exchanges.values().map(|known| known.about.spec);
        exchanges.chain(self.notices.values().map(|known| known.received.about.spec)).collect()
    }

    /// Takes the next entry.
    pub fn fold(&mut self, entry: Entry) {
        match entry {
            Entry::Accepted(entry) => {
                let about = entry.about;
                if let Origin::Inquiry { original, .. } = about.origin
                    && let Some(original) = self.exchanges.get_mut(&original)
                {
                    original.asked_at = Some(about.accepted_at);
                }
                let known = Known {
                    about,
                    sending: None,
                    outcome: None,
                    answer: None,
                    is_listed: false,
                    asks_at: None,
                    asked_at: None,
                    number: None,
                    key: Bytes::default(),
                    confirms: Bytes::default(),
                };
                self.exchanges.insert(entry.exchange, known);
            }
            Entry::Sending(entry) => {
                self.queued(&entry.place, entry.offset, entry.written);
                if let Some(known) = self.exchanges.get_mut(&entry.exchange) {
                    known.sending = Some(KnownSending {
                        place: entry.place,
                        offset: entry.offset,
                        number: entry.number,
                        telegram: entry.telegram,
                    });
                }
            }
            Entry::Outcome(entry) => {
                let Some(known) = self.exchanges.get_mut(&entry.exchange) else { return };
                known.outcome = Some(entry.outcome);
                known.answer = entry.answer;
                known.asks_at = entry.asks_at;
                if entry.outcome.is_final() {
                    self.settled.push_back(entry.exchange);
                }
                while self.settled.len() > Self::SETTLED_MAX {
                    if let Some(oldest) = self.settled.pop_front() {
                        self.exchanges.remove(&oldest);
                    }
                }
            }
            Entry::Listed(entry) => {
                if let Some(known) = self.exchanges.get_mut(&entry.exchange) {
                    known.is_listed = true;
                }
            }
            Entry::Fence(entry) => self.fences.push((entry.caller, entry.key)),
            Entry::NumberBlock(entry) => {
                // Never back: what was reserved once may be in use.
                let (until, date) =
                    self.numbers.entry((entry.protocol, entry.scope)).or_insert((entry.until, entry.date));
                *until = entry.until.max(*until);
                *date = entry.date.max(*date);
            }
            Entry::Opening(entry) => {
                self.stops.opened.remove(&(entry.protocol.clone(), entry.key.clone()));
                self.openings.insert((entry.protocol.clone(), entry.key.values.clone()), entry);
            }
            Entry::Session(entry) => {
                let is_there = entry.state != SessionState::Down || !entry.is_last;
                self.saw(&entry.place, is_there);
                self.took(&entry.place, entry.written);
                // It has ended, or is new: no connection that was in the slot takes anything any more.
                let first = Place { epoch: 0, ..entry.place.clone() };
                self.will_not_take((first, 0), &entry.place);
            }
            Entry::NoticeReceived(entry) => self.fold_notice(entry),
            Entry::NoticeReplied(entry) => {
                // Whatever stream it was in before, it is in that no more.
                self.leaving.retain(|_, notice| *notice != entry.notice);
                if let Some(place) = entry.place {
                    self.queued(&place, entry.offset, entry.written);
                    self.leaving.insert((place, entry.end), entry.notice);
                }
                if let Some(known) = self.notices.get_mut(&entry.notice) {
                    known.reply = Some(entry.telegram);
                    known.replier = Some(entry.caller).filter(|caller| !caller.is_empty());
                    known.is_owed = true;
                }
            }
            Entry::NoticeDelivered(entry) => {
                if let Some(known) = self.notices.get_mut(&entry.notice) {
                    known.is_delivered = true;
                }
            }
            Entry::NoticeJoined(entry) => {
                if let Some(known) = self.notices.get_mut(&entry.notice) {
                    known.joined = Some(entry.exchange);
                }
            }
            Entry::GapClosed(entry) => KnownSequence::close(&mut self.sequences, &entry),
            Entry::Commanded(entry) => self.stops.fold(&entry),
            Entry::NoticeNotJoined(_) => {}
            Entry::Unclaimed(_) | Entry::Repeated(_) | Entry::Contradiction(_) => {}
            Entry::Checkpoint(recovery) => *self = *recovery,
        }
    }

    fn fold_notice(&mut self, entry: NoticeReceived) {
        if let Some(numbered) = &entry.numbered {
            KnownSequence::fold(&mut self.sequences, &entry.about, numbered, &entry.telegram);
        }
        let earlier = self.notices.remove(&entry.notice);
        if earlier.is_some() {
            // The reply that is on its way may be one to the first telegram only.
            self.leaving.retain(|_, notice| *notice != entry.notice);
        }
        let (reply, replier, joined) =
            earlier.map_or((None, None, None), |known| (known.reply, known.replier, known.joined));
        let is_owed = reply.is_some();
        let known = KnownNotice { received: entry, reply, replier, is_owed, joined, is_delivered: false };
        self.notices.insert(known.received.notice, known);
        while self.notices.len() > Self::NOTICES_MAX {
            self.notices.pop_first();
        }
    }

    /// A frame begins there; what stood there before was taken back.
    fn queued(&mut self, place: &Place, offset: u64, written: u64) {
        self.took(place, written);
        self.will_not_take((place.clone(), offset + 1), place);
    }

    /// The system has taken a connection's stream so far: replies that end before have left.
    fn took(&mut self, place: &Place, written: u64) {
        for notice in self.remove_leaving((place.clone(), 0)..=(place.clone(), written)) {
            if let Some(known) = self.notices.get_mut(&notice) {
                known.is_owed = false;
            }
        }
    }

    /// What ends from there on, to the end of this connection's stream, will not leave by it.
    fn will_not_take(&mut self, from: (Place, u64), to: &Place) {
        self.remove_leaving(from..=(to.clone(), u64::MAX));
    }

    fn remove_leaving(&mut self, within: RangeInclusive<(Place, u64)>) -> Vec<NoticeId> {
        let found: Vec<_> = self.leaving.range(within).map(|(at, notice)| (at.clone(), *notice)).collect();
        for (at, _) in &found {
            self.leaving.remove(at);
        }
        found.into_iter().map(|(_, notice)| notice).collect()
    }

    fn saw(&mut self, place: &Place, is_there: bool) {
        let known = self.epochs.entry((place.line.clone(), place.slot)).or_default();
        if place.epoch >= known.0 {
            *known = (place.epoch, is_there);
        }
    }

    pub(crate) fn each_frame(&mut self, act: &mut dyn FnMut(&mut Frame)) {
        for known in self.exchanges.values_mut() {
            known.sending.iter_mut().for_each(|sending| act(&mut sending.telegram));
            known.answer.iter_mut().for_each(&mut *act);
        }
        for known in self.notices.values_mut() {
            act(&mut known.received.telegram);
            known.reply.iter_mut().for_each(&mut *act);
        }
        self.sequences.values_mut().for_each(|known| act(known.sample()));
    }

    /// What a recovery would know of a core whose entries are all durable.
    pub(crate) fn of(core: &Core, now: Now) -> Self {
        let mut recovery = Self::new();
        for exchange in core.state.exchanges.values() {
            let plan = &core.plans[exchange.plan as usize];
            if exchange.state.is_final() {
                recovery.exchanges.insert(exchange.id, settled(exchange, plan));
                continue;
            }
            let bytes = match (exchange.telegram.is_empty(), exchange.key.is_empty()) {
                (false, _) => exchange.telegram.clone(),
                (true, false) => Bytes::from(spread_key(key_of(exchange, plan), plan)),
                (true, true) => Bytes::default(),
            };
            recovery.exchanges.insert(
                exchange.id,
                Known {
                    about: Arc::clone(&exchange.about),
                    sending: exchange.sent.map(|sent| KnownSending {
                        place: core.place(sent.conn),
                        offset: sent.start,
                        number: exchange.number.clone().unwrap_or_default(),
                        telegram: Frame::sharing(bytes, Arc::clone(&plan.request_secrets)),
                    }),
                    outcome: exchange.outcome,
                    answer: exchange.answer.as_ref().map(|bytes| Frame::new(bytes, &plan.answer_secrets)),
                    is_listed: exchange.is_listed,
                    asks_at: match core.state.timers.get(&TimerName::Inquiry(exchange.id)) {
                        Some(at) => Some(now.wall.plus(at.since(now.mono))),
                        None if exchange.outcome.is_some() && exchange.state.is_in_flight() => {
                            asks_first_at(exchange, plan, &core.state.timers, now)
                        }
                        None => None,
                    },
                    asked_at: exchange.inquiry.and_then(|id| Some(core.state.exchanges.get(&id)?.about.accepted_at)),
                    number: None,
                    key: Bytes::default(),
                    confirms: exchange.confirms.clone(),
                },
            );
        }
        recovery.exchanges.extend(core.state.orphans.iter().map(|(id, known)| (*id, known.clone())));
        recovery.settled = core.state.tombstones.iter().map(|(_, id)| *id).collect();
        let known: BTreeSet<ExchangeId> = recovery.settled.iter().copied().collect();
        let others = core.state.exchanges.values().filter(|one| one.state.is_final() && !known.contains(&one.id));
        recovery.settled.extend(others.map(|one| one.id));
        recovery.fences = core.state.keys.fences().collect();
        for conversation in &core.state.conversations {
            for (scope, counter) in conversation.numbers.marks() {
                let name = conversation.protocol.clone();
                recovery.numbers.insert((name, scope.clone()), (counter.until, counter.date));
            }
        }
        for opening in &core.state.openings {
            let protocol = core.state.conversations[usize::from(opening.protocol)].protocol.clone();
            let party = core.settings.parties.get(usize::from(opening.party));
            let entry = OpeningChanged {
                protocol: protocol.clone(),
                party: party.map(|party| party.name.clone()).unwrap_or_default(),
                key: opening.key.clone(),
                state: opening.state,
                reason: opening.reason.clone(),
            };
            recovery.openings.insert((protocol, opening.key.values.clone()), entry);
        }
        for session in core.state.sessions.iter() {
            let place = core.place(session.conn());
            recovery.saw(&place, session.state != SessionState::Down || !core.is_given_up(session.id.line));
            for frame in session.out.frames() {
                if let Cargo::Reply(notice) = frame.cargo {
                    recovery.leaving.insert((place.clone(), frame.end), notice);
                }
            }
        }
        for notice in core.state.notices.known.values() {
            recovery.notices.insert(notice.id, core.known_notice(notice, now));
        }
        recovery.sequences = core.known_sequences().collect();
        recovery.stops = core.state.stops.clone();
        recovery
    }
}

/// What is needed of an exchange that is settled: what became of it, and by what a late answer, a notice or its caller finds it. The
/// journal has the rest.
fn settled(exchange: &Exchange, plan: &Plan) -> Known {
    let confirms = match exchange.telegram.is_empty() {
        true => exchange.confirms.clone(),
        false => confirms(plan, &exchange.telegram, &mut Vec::new()),
    };
    Known {
        about: Arc::clone(&exchange.about),
        sending: None,
        outcome: exchange.outcome,
        answer: None,
        is_listed: false,
        asks_at: None,
        asked_at: None,
        number: exchange.number.clone(),
        key: Bytes::from(key_of(exchange, plan)),
        confirms,
    }
}

/// The bytes of an exchange's correlation key; none if it went with its tombstone.
fn key_of<'a>(exchange: &'a Exchange, plan: &Plan) -> &'a [u8] {
    let fields = plan.protocol.rules.key.iter();
    let bytes_of_key = fields.fold(0, |sum, field| sum + field.range().len());
    exchange.key.get(exchange.key.len().saturating_sub(bytes_of_key)..).unwrap_or_default()
}

/// A telegram of which only the key is known any more, in its place; all else is blank.
fn spread_key(key: &[u8], plan: &Plan) -> Vec<u8> {
    let mut telegram = alloc::vec![b' '; usize::try_from(plan.request_layout().len()).unwrap_or(0)];
    let mut rest = key;
    for field in &plan.protocol.rules.key {
        let Some((bytes, behind)) = rest.split_at_checked(field.range().len()) else { break };
        crate::book::put(&mut telegram, *field, bytes);
        rest = behind;
    }
    telegram
}

impl Core {
    fn known_notice(&self, notice: &Notice, now: Now) -> KnownNotice {
        let asked = self.rule_of(notice).map(|(spec, rule)| spec.catalog.layout(notice.layout(spec, rule)).secrets());
        // Before it: protocol, date and kind.
        let key = self.books[usize::from(notice.protocol)].protocol.rules.key.iter();
        let len = key.fold(0, |sum, field| sum + field.range().len());
        KnownNotice {
            received: NoticeReceived {
                notice: notice.id,
                about: Arc::clone(&notice.about),
                place: Place { line: Arc::default(), slot: 0, epoch: 0 },
                key: Bytes::from(notice.key.get(notice.key.len().saturating_sub(len)..).unwrap_or_default()),
                numbered: None,
                repeated: notice.repeated,
                again_on: (notice.came_on != notice.about.date).then_some(notice.came_on),
                reply_until: self.reply_until(notice.id, now),
                content: notice.content,
                telegram: Frame::new(&notice.telegram, &asked.unwrap_or_default()),
            },
            reply: notice.reply.clone(),
            replier: notice.replier.clone(),
            is_owed: matches!(notice.state, NoticeState::Waiting | NoticeState::Sending),
            joined: notice.joined,
            is_delivered: notice.is_delivered,
        }
    }

    /// Dates of which a recovery keeps settled notices: the last that have any, whatever date the wall clock shows as it begins.
    const NOTICE_DATES_KEPT: usize = 8;

    /// Goes on where an earlier process stopped.
    pub(crate) fn recover(&mut self, recovery: Recovery, now: Now) {
        let is_first = recovery == Recovery::new();
        let Recovery { mut exchanges, settled, fences, numbers, openings, epochs, notices, sequences, stops, .. } =
            recovery;
        self.state.stops = stops;
        self.settle_wanted();
        for ((protocol, scope), (until, date)) in numbers {
            if let Some(at) = self.protocol_named(&protocol) {
                self.state.conversations[usize::from(at)].numbers.resume(scope, until, date);
            }
        }
        for ((protocol, values), entry) in openings {
            let Some(at) = self.protocol_named(&protocol) else { continue };
            let same = |one: &crate::opening::Opening| one.protocol == at && one.key.values == values;
            let Some(place) = self.state.openings.iter().position(same) else { continue };
            // One that was shut by the clock already when an operator closed it has no entry of its own.
            let is_closed = u32::try_from(place).is_ok_and(|place| self.closed_by_hand(place).is_some());
            let opening = &mut self.state.openings[place];
            if entry.state == OpeningState::Open && entry.key.date == opening.key.date && !is_closed {
                opening.state.step(OpeningEvent::Opened, &mut self.fired);
            }
        }
        for at in 0..u32::try_from(self.state.openings.len()).unwrap_or(u32::MAX) {
            let closed = self.closed_by_hand(at);
            self.state.openings[at as usize].reason = closed;
        }
        for (caller, key) in fences {
            self.state.keys.bind(&caller, &key, Bound::Fenced);
        }
        // In the order in which they were settled, so that the oldest tombstones go first.
        for id in settled {
            if let Some(known) = exchanges.remove(&id) {
                self.recover_exchange(id, known, now);
            }
        }
        for (id, known) in exchanges {
            self.recover_exchange(id, known, now);
        }
        self.evict_keys();
        let dates: BTreeSet<BusinessDate> = notices.values().map(KnownNotice::came_on).collect();
        let first = dates.iter().rev().nth(Self::NOTICE_DATES_KEPT - 1).or(dates.first()).copied();
        if let Some(first) = first {
            for (_, known) in notices {
                self.recover_notice(known, first, now);
            }
        }
        self.evict_notices();
        self.recover_sequences(sequences, now);
        if !is_first {
            for conversation in &mut self.state.conversations {
                conversation.tokens = Tokens::after_another(now.mono);
            }
            self.recover_sessions(&epochs, now);
        }
    }

    pub(crate) fn protocol_named(&self, name: &str) -> Option<u16> {
        let at = self.books.iter().position(|book| *book.protocol.name == *name)?;
        u16::try_from(at).ok()
    }

    /// The version of a protocol's spec, if it is there.
    fn version(&self, protocol: u16, spec: Digest) -> Option<&Arc<Protocol>> {
        let newest = &self.books[usize::from(protocol)].protocol;
        let older = self.older.iter().flat_map(|institution| &institution.protocols);
        core::iter::once(newest).chain(older).find(|one| one.name == newest.name && one.digest == spec)
    }

    /// Nothing can read an answer to an exchange of a version that is not there any more: what may have left is UNKNOWN, for a person.
    fn recover_orphan(&mut self, id: ExchangeId, mut known: Known) {
        if let Some(key) = &known.about.idempotency_key {
            self.state.keys.bind(&known.about.caller, key, Bound::To(id));
        }
        let about = || Some(Arc::clone(&known.about));
        let outcome = known.outcome.unwrap_or(match known.sending {
            Some(_) => Outcome::Unknown { cause: Cause::Restarted },
            None => Outcome::Failure { cause: Cause::NotSent, refusal: Some(Refusal::Stopped) },
        });
        if known.outcome.is_none() {
            let number = known.sending.as_ref().map(|sending| sending.number.clone());
            let entry =
                Concluded { exchange: id, about: about(), outcome, asks_at: None, number, place: None, answer: None };
            self.append(Entry::Outcome(entry));
        }
        if outcome.is_final() || known.about.origin == Origin::Opening {
            // The opening is tried again by itself.
            return;
        }
        if !known.is_listed {
            self.append(Entry::Listed(Listed { exchange: id, about: about() }));
        }
        known.outcome = Some(outcome);
        known.is_listed = true;
        self.state.orphans.insert(id, known);
        if self.state.orphans.len() > usize::try_from(self.state.limits.unknown_max).unwrap_or(usize::MAX)
            && let Some((exchange, _)) = self.state.orphans.pop_first()
        {
            self.event(Event::Evicted { exchange });
        }
    }

    /// An exchange goes on by the version of the spec that it began with.
    fn recover_exchange(&mut self, id: ExchangeId, known: Known, now: Now) {
        let protocol = self.protocol_named(&known.about.protocol);
        let version = protocol.and_then(|protocol| self.version(protocol, known.about.spec));
        let rule = version.and_then(|version| Some((version, version.rules.exchange(&known.about.rule)?.0)));
        let (Some(protocol), Some((version, rule))) = (protocol, rule) else {
            self.recover_orphan(id, known);
            return;
        };
        let plan = Arc::new(Plan::new(Arc::clone(version), rule));
        let place = self.plan_place(Arc::clone(&plan));
        let Known { about, sending, outcome, answer, is_listed, asks_at, asked_at, number, key, confirms } = known;
        if let Some(key) = &about.idempotency_key {
            self.state.keys.bind(&about.caller, key, Bound::To(id));
        }
        let telegram = match &sending {
            Some(sending) => sending.telegram.bytes.clone(),
            // Without a key there is nothing to find it by: blanks would be a key too.
            None if !key.is_empty() => Bytes::from(spread_key(&key, &plan)),
            None => Bytes::default(),
        };
        // Without a key its answer could only have come by the connection that is gone.
        let key = match plan.protocol.rules.key.is_empty() {
            true => Bytes::default(),
            false => plan.awaited.of(protocol, &telegram).unwrap_or_default(),
        };
        // The connection is gone; its name is kept for whoever reads a checkpoint.
        let sent = sending.as_ref().map(|sending| crate::exchange::Sent {
            conn: self.conn_named(&sending.place),
            start: sending.offset,
            end: sending.offset,
        });
        let opening = self.opening_of(protocol, &telegram);
        let state = match (&outcome, &sending) {
            (Some(outcome), _) if outcome.is_final() => ExchangeState::Finished,
            (Some(_), _) if is_listed => ExchangeState::Listed,
            (Some(_), _) => ExchangeState::Unknown,
            (None, Some(_)) => ExchangeState::Sent,
            (None, None) => ExchangeState::Accepted,
        };
        let exchange = Exchange {
            id,
            plan: place,
            protocol,
            state,
            about,
            opening,
            leave_by: None,
            telegram: if sending.is_some() && confirms.is_empty() { telegram } else { Bytes::default() },
            confirms,
            number: number.or_else(|| sending.map(|sending| sending.number)),
            key: Bytes::default(),
            sent,
            takes_room: false,
            has_their_number: plan.gives_number,
            outcome,
            told: outcome,
            answer: answer.map(|frame| frame.bytes),
            inquiry: None,
            is_tombstoned: false,
            is_listed,
            holds: crate::exchange::Holds::default(),
        };
        self.state.exchanges.insert(id, exchange);
        // Those that are settled come first, and what comes now answers the newer one.
        let is_given_up = self.state.exchanges.awaiting(&key).is_some_and(|holder| holder.id > id);
        if !key.is_empty() && !is_given_up {
            self.state.exchanges.await_by(id, &key);
        }
        match state {
            ExchangeState::Finished => self.bury(id, now),
            ExchangeState::Accepted => {
                let refusal = Some(Refusal::Stopped);
                let outcome = Outcome::Failure { cause: Cause::NotSent, refusal };
                let event = Some(crate::exchange::ExchangeEvent::Refuse);
                let conclusion =
                    crate::conclude::Conclusion { event, outcome, refused: None, answer: None, conn: None };
                self.conclude(id, conclusion, now);
            }
            ExchangeState::Sent => self.lapse(id, Cause::Restarted, now),
            _ => {
                let asks_in = Self::asks_in(plan.exchange(), asks_at, asked_at, now);
                self.remain_unknown(id, asks_in, now);
            }
        }
    }

    fn conn_named(&self, place: &Place) -> Conn {
        let line = self.settings.lines.iter().position(|line| *line.name == *place.line);
        let line = LineId(line.and_then(|at| u16::try_from(at).ok()).unwrap_or(u16::MAX));
        Conn { session: SessionId { line, slot: place.slot }, epoch: Epoch(place.epoch) }
    }

    /// Epochs go on, and what the peer may still count keeps its slot for the close grace: after a stop that was not clean, every
    /// slot. The peer of an acceptor line has connected itself and knows what it counts: its slots are free at once.
    fn recover_sessions(&mut self, epochs: &BTreeMap<(Arc<str>, u16), (u32, bool)>, now: Now) {
        // A slot of which nothing is known goes by the others.
        let was_unclean = epochs.is_empty() || epochs.values().any(|(_, was_there)| *was_there);
        for slot in 0..self.state.sessions.len() {
            let id = self.state.sessions[slot].id;
            let line = self.line(id);
            let (name, grace) = (line.name.clone(), line.close_grace);
            let (epoch, was_there) = epochs.get(&(name.into(), id.slot)).copied().unwrap_or((0, was_unclean));
            let session = &mut self.state.sessions[slot];
            session.epoch = Epoch(epoch);
            if was_there && session.side == LineSide::Initiator {
                // The entry by which it is held says that it may be in use.
                session.is_told = true;
                self.change(slot, SessionEvent::Held, None);
                self.state.timers.set(TimerName::CloseGrace(id), now.mono + grace);
            }
        }
    }
}
