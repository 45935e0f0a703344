//! What is seen of each exchange, and of each frame as its first byte leaves.

use std::sync::Arc;

use pabal_clock::Mono;
use pabal_counterparty::Key;
use pabal_spec::{Digest, Verdict};
use pabal_switch::entry::{Frame, Origin, Unclaimed};
use pabal_switch::{
    Cause, CloseReason, Connects, Direction, Entry, Event, ExchangeId, ExchangeState, OpeningState, Outcome, Plan,
    SessionState,
};
use pabal_telegram::{Side, Telegram};

use crate::coverage::{Fault, Stage};
use crate::world::World;

/// What the entries have said of an exchange.
#[derive(Clone, Debug)]
pub(super) struct Track {
    pub(super) rule: Box<str>,
    pub(super) is_callers: bool,
    pub(super) participant: Vec<u8>,
    pub(super) compartment: Vec<u8>,
    pub(super) spec: Digest,
    /// The business date on which it was taken in, and when.
    pub(super) date: String,
    pub(super) taken_in_at: Mono,
    /// As it was sent.
    pub(super) telegram: Vec<u8>,
    /// What was written last of what became of it.
    pub(super) outcome: Option<Outcome>,
    /// By which line, slot and epoch it left.
    pub(super) place: Option<(Box<str>, u16, u32)>,
    /// Since when nobody can say what became of it.
    pub(super) unknown_since: Option<Mono>,
    /// When the institution was last asked about it.
    pub(super) asked_at: Option<Mono>,
    pub(super) is_listed: bool,
    /// When an answer, or the want of one, said last what became of it.
    pub(super) told_at: Option<Mono>,
    /// Memory was full: a person has to look.
    pub(super) is_evicted: bool,
}

/// Why an answer may be nobody's though its exchange is known.
const EXCUSES: [&str; 2] = ["it came before the session was signed on", "of which not all bytes have left"];

/// Places in the header, from the institution's document.
const COMPANY: std::ops::Range<usize> = 9..21;
const BANK: std::ops::Range<usize> = 21..24;
const TYPE: std::ops::Range<usize> = 24..28;
const NUMBER: std::ops::Range<usize> = 32..38;
const DATE: std::ops::Range<usize> = 38..46;

impl World {
    // ---- the table of faults and stages ----

    /// Where an exchange is, as far as the core knows it.
    pub(super) fn stage(&self, exchange: ExchangeId) -> Option<Stage> {
        let Some(one) = self.core.as_ref()?.exchange(exchange) else {
            // The core shows nothing that ended with words which it does not hold, as a question does that its notice ended.
            let track = self.tracks.get(&exchange).filter(|track| &*track.rule == "deposit_gap")?;
            let is_ended = track.unknown_since.is_none() && track.outcome.is_some_and(|outcome| outcome.is_final());
            return is_ended.then_some(Stage::Finished);
        };
        let state = one.state;
        Some(match state {
            ExchangeState::Accepted => Stage::Accepted,
            ExchangeState::Waiting => Stage::Waiting,
            ExchangeState::Sending if self.left.contains(&exchange) => Stage::Partly,
            ExchangeState::Sending if self.disk.sent.contains(&exchange) => Stage::Queued,
            ExchangeState::Sending => Stage::Journaling,
            ExchangeState::Sent => Stage::Sent,
            ExchangeState::Unknown => Stage::Unknown,
            ExchangeState::Inquiring => Stage::Inquiring,
            // No net cancel is sent yet.
            ExchangeState::Cancelling => return None,
            ExchangeState::Listed => Stage::Listed,
            ExchangeState::Finished => Stage::Finished,
            ExchangeState::Settled => Stage::Settled,
        })
    }

    pub(super) fn hit(&mut self, fault: Fault, exchange: ExchangeId) {
        if let Some(stage) = self.stage(exchange) {
            self.coverage.hit(fault, stage);
        }
    }

    /// A fault hits every exchange that there is.
    pub(super) fn hit_all(&mut self, fault: Fault) {
        for exchange in self.tracks.keys().copied().collect::<Vec<_>>() {
            self.hit(fault, exchange);
        }
    }

    pub(super) fn hit_by_peer(&mut self, key: &Key, conduct: &str) {
        use Fault as F;

        let fault = match conduct {
            "silence" => Fault::PeerSilence,
            "late" => Fault::PeerLate,
            "duplicate" => Fault::PeerDuplicate,
            "refuse" => Fault::PeerRefuse,
            "split" => Fault::PeerSplit,
            "garbage" => Fault::PeerGarbage,
            "wrong_checksum" => Fault::PeerWrongChecksum,
            "wrong_length" => Fault::PeerWrongLength,
            "wrong_key" => Fault::PeerWrongKey,
            "alter" => Fault::PeerAlter,
            "stall" => Fault::PeerStall,
            "close" => Fault::PeerClose,
            "reset" => Fault::PeerReset,
            "relay_first" => Fault::PeerRelayFirst,
            _ => return,
        };
        // It does not say which of two with one number it means, but is silent as the request comes. Some things are done to answers of
        // transfers only.
        let theirs = self.gap_keys.get(key).copied();
        let exchange = match (fault, self.keys.get(key).copied(), theirs) {
            (Fault::PeerSilence, _, Some(theirs)) if self.asked_for_theirs => theirs,
            (Fault::PeerSilence, ours, _) => ours,
            (F::PeerLate | F::PeerRefuse | F::PeerAlter | F::PeerReset, None, Some(theirs)) => theirs,
            (F::PeerLate | F::PeerRefuse | F::PeerAlter | F::PeerReset, Some(_), Some(_)) => None,
            (_, ours, _) => ours,
        };
        let Some(exchange) = exchange else { return };
        if self.left.contains(&exchange) {
            self.hit(fault, exchange);
        }
    }

    // ---- entries and events ----

    pub(super) fn hear(&mut self, event: &Event) {
        match event {
            Event::Session { conn, to: SessionState::Probing, .. } => {
                self.probes(*conn);
                self.gives_up_soon(*conn, 20);
            }
            Event::Session { conn, to: SessionState::Draining, .. } => self.gives_up_soon(*conn, 150),
            Event::Session { conn, to: SessionState::SigningOff, .. } => {
                self.gives_up_soon(*conn, 150);
                self.ends_now(*conn, 300);
            }
            Event::Session { conn, to: SessionState::SigningOn, .. } => self.gives_up_soon(*conn, 20),
            Event::Session { conn, to: SessionState::Down, .. } if self.ours.contains_key(conn) => {
                self.freed.push(*conn)
            }
            Event::Unclaimed { .. } => self.counts.unclaimed += 1,
            // From now on it stands in the journal only, where it is listed.
            Event::Evicted { exchange } => {
                self.counts.evicted += 1;
                if let Some(track) = self.tracks.get_mut(exchange) {
                    track.is_evicted = true;
                }
            }
            Event::Contradiction { .. } => self.counts.contradictions += 1,
            Event::Opening { key, to } => {
                self.counts.openings += u64::from(*to == OpeningState::Open);
                self.counts.openings_lost += u64::from(*to == OpeningState::Lost);
                let name = key.values.concat();
                if *to == OpeningState::Closed {
                    // The date has changed, or a try has failed; what was open on another date is no matter now.
                    self.disk.opened.retain(|(known, _), _| *known != name);
                }
                self.openings.insert(name, *to);
                if *to == OpeningState::Lost {
                    self.loses(key);
                }
            }
            _ => {}
        }
    }

    pub(super) fn watch_entries(&mut self, entries: &[Entry]) {
        let mut departed = Vec::new();
        for entry in entries {
            self.singles_follow(entry);
            match entry {
                Entry::Commanded(entry) => self.stops.fold(entry),
                Entry::Accepted(entry) => {
                    let about = &entry.about;
                    if about.origin == Origin::Caller && self.stops.has_compartment(&about.compartment) {
                        let broken =
                            format!("{} is taken in, and operators have stopped what it is for", entry.exchange);
                        self.broken.get_or_insert(broken);
                    }
                    let telegram = entry.telegram.as_ref().filter(|_| about.origin == Origin::Caller);
                    if let Some(control) =
                        telegram.and_then(|telegram| self.is_blocked(&about.participant, &telegram.bytes))
                    {
                        let broken = format!("{} is taken in, and {control} blocks it", entry.exchange);
                        self.broken.get_or_insert(broken);
                    }
                    let track = Track {
                        rule: Box::from(&*about.rule),
                        is_callers: about.origin == Origin::Caller,
                        participant: about.participant.to_vec(),
                        compartment: about.compartment.to_vec(),
                        spec: about.spec,
                        date: about.date.date().yyyymmdd().to_string(),
                        taken_in_at: self.now.mono,
                        telegram: Vec::new(),
                        outcome: None,
                        place: None,
                        unknown_since: None,
                        asked_at: None,
                        is_listed: false,
                        told_at: None,
                        is_evicted: false,
                    };
                    self.tracks.insert(entry.exchange, track);
                    if let Err(broken) = self.is_in_hours(entry.exchange, "is taken in") {
                        self.broken.get_or_insert(broken);
                    }
                    if let Origin::Inquiry { original, actor, .. } = &about.origin {
                        self.counts.inquiries_of_the_schedule += u64::from(actor.is_empty());
                        if let Some(original) = self.tracks.get_mut(original) {
                            original.asked_at = Some(self.now.mono);
                            // Numbers restart: it would be an inquiry about another request.
                            let today = self.day.business_date(self.now.wall).date().yyyymmdd().to_string();
                            if original.date != today {
                                let broken =
                                    format!("{} of {} is asked about on {today}", entry.exchange, original.date);
                                self.broken.get_or_insert(broken);
                            }
                        }
                    }
                }
                Entry::Sending(entry) => {
                    departed.push(entry.exchange);
                    if let Err(broken) = self.is_in_hours(entry.exchange, "departs") {
                        self.broken.get_or_insert(broken);
                    }
                    if let Err(broken) = self.is_in_its_rate(entry.exchange) {
                        self.broken.get_or_insert(broken);
                    }
                    if let Err(broken) = self.may_depart(entry.exchange, &entry.place.line, &entry.telegram.bytes) {
                        self.broken.get_or_insert(broken);
                    }
                    if let Some(track) = self.tracks.get_mut(&entry.exchange) {
                        track.place = Some((Box::from(&*entry.place.line), entry.place.slot, entry.place.epoch));
                        track.telegram = entry.telegram.bytes.to_vec();
                    }
                    let key = Key::of_request(&entry.telegram.bytes, &self.plan.protocol.rules);
                    // A hole is asked for under a number of theirs, which may be one of ours too.
                    let asks_for_theirs = entry.telegram.bytes.get(TYPE) == Some(b"4000");
                    let Some(key) = key else { continue };
                    if asks_for_theirs {
                        let asked = self.gap_keys.entry(key).or_insert(Some(entry.exchange));
                        *asked = asked.filter(|other| *other == entry.exchange);
                    } else {
                        self.keys.insert(key, entry.exchange);
                    }
                }
                Entry::Outcome(entry) => {
                    let is_right = self.is_whole(entry.exchange, entry.outcome, entry.answer.as_ref());
                    if let Err(broken) = is_right.and_then(|()| self.none_could_connect(entry.exchange, entry.outcome))
                    {
                        self.broken.get_or_insert(broken);
                    }
                    let Some(track) = self.tracks.get_mut(&entry.exchange) else { continue };
                    track.outcome = Some(entry.outcome);
                    track.told_at = Some(self.now.mono);
                    let is_over = !entry.outcome.is_final() && entry.outcome.cause() != Cause::CallerDeadline;
                    if is_over {
                        track.unknown_since.get_or_insert(self.now.mono);
                    }
                }
                Entry::NoticeReceived(entry) => self.came(entry),
                Entry::NoticeReplied(entry) => self.decided(entry.notice),
                Entry::Listed(entry) => {
                    self.counts.listed += 1;
                    if let Some(track) = self.tracks.get_mut(&entry.exchange) {
                        track.is_listed = true;
                    }
                }
                Entry::Opening(entry) if entry.state == OpeningState::Open => {
                    let date = entry.key.date.date().yyyymmdd().to_string().into_bytes();
                    self.were_open.insert((entry.key.values.concat(), date));
                }
                Entry::Unclaimed(entry) => {
                    if let Err(broken) = self.is_nobodys(entry) {
                        self.broken.get_or_insert(broken);
                    }
                }
                Entry::Repeated(entry) => {
                    self.counts.answers_again += 1;
                    if let Err(broken) = self.adds_nothing(entry.exchange, &entry.telegram.bytes) {
                        self.broken.get_or_insert(broken);
                    }
                }
                _ => {}
            }
        }
        if let Err(broken) = self.openings_are_lost(entries) {
            self.broken.get_or_insert(broken);
        }
        if let Err(broken) = self.openings_are_needed(entries) {
            self.broken.get_or_insert(broken);
        }
        if let Err(broken) = self.shares_hold(&departed) {
            self.broken.get_or_insert(broken);
        }
    }

    /// An answer that is taken for one which adds nothing does not say what became of an UNKNOWN.
    fn adds_nothing(&self, exchange: ExchangeId, answer: &[u8]) -> Result<(), String> {
        let Some(track) = self.tracks.get(&exchange).filter(|track| track.is_callers) else { return Ok(()) };
        let mut protocols = self.versions.iter().flat_map(|version| &version.protocols);
        let Some(protocol) = protocols.find(|protocol| protocol.digest == track.spec) else { return Ok(()) };
        let Some(code) = protocol.rules.response_code.of(answer) else { return Ok(()) };
        let layout = protocol.catalog.select(answer).ok().map(|telegram| protocol.catalog.layout(telegram));
        let sum = layout.map(|layout| Telegram::new(layout, answer, Side::Answerer).named("header_crc"));
        if self.setup.checked && sum.is_some_and(|sum| sum.is_err()) {
            // Nobody knows what it said.
            return Ok(());
        }
        let verdict = protocol.rules.verdicts.verdict(&track.participant, &track.rule, code);
        let says = matches!(verdict, Verdict::Success | Verdict::Refused | Verdict::NotOpen);
        if says && track.outcome.is_some_and(|outcome| !outcome.is_final()) {
            let code = String::from_utf8_lossy(code);
            return Err(format!("{exchange} is {:?}, and an answer with code {code} settles nothing", track.outcome));
        }
        Ok(())
    }

    /// An answer of which nobody knows whose it is: one that comes again, or late, while its exchange is awaited, or its tombstone stands, is known
    /// for what it is.
    fn is_nobodys(&self, entry: &Unclaimed) -> Result<(), String> {
        let answer = &entry.telegram.bytes;
        let rules = &self.plan.protocol.rules;
        if rules.key.is_empty() || EXCUSES.iter().any(|excuse| entry.reason.contains(excuse)) {
            return Ok(());
        }
        let exchange = Key::of_request(answer, rules).and_then(|key| self.keys.get(&key).copied());
        let Some((exchange, track)) = exchange.and_then(|id| Some((id, self.tracks.get(&id)?))) else { return Ok(()) };
        let limits = &self.settings.limits;
        // Beyond the bounds of memory only the journal knows it.
        let is_bounded = track.is_evicted || self.tracks.len() >= limits.tombstones_max as usize;
        let is_kept = track.told_at.is_some_and(|at| self.now.mono < at + limits.tombstone_keep);
        let has_left = !matches!(track.outcome, None | Some(Outcome::Failure { refusal: Some(_), .. }));
        if is_bounded || !is_kept || !has_left {
            return Ok(());
        }
        let mut protocols = self.versions.iter().flat_map(|version| &version.protocols);
        let Some(protocol) = protocols.find(|protocol| protocol.digest == track.spec) else { return Ok(()) };
        let mut rules = protocol.rules.exchanges.iter();
        let Some(rule) = rules.find(|rule| *rule.name == *track.rule) else { return Ok(()) };
        let is_answer = protocol.catalog.select(answer).ok() == Some(rule.answer.telegram)
            && rule.answer.bytes.iter().all(|(at, bytes)| at.of(answer) == Some(&**bytes));
        if is_answer {
            return Err(format!("sentence 5: {exchange} is answered again, and nobody knows it: {}", entry.reason));
        }
        Ok(())
    }

    /// What has lost something on its way says nothing, whatever it says.
    fn is_whole(&self, exchange: ExchangeId, outcome: Outcome, answer: Option<&Frame>) -> Result<(), String> {
        let (Some(track), Some(answer)) = (self.tracks.get(&exchange), answer) else { return Ok(()) };
        let mut protocols = self.versions.iter().flat_map(|version| &version.protocols);
        let Some(protocol) = protocols.find(|protocol| protocol.digest == track.spec) else { return Ok(()) };
        let Ok(telegram) = protocol.catalog.select(&answer.bytes) else { return Ok(()) };
        let answer = Telegram::new(protocol.catalog.layout(telegram), &answer.bytes, Side::Answerer);
        match answer.damage() {
            Some(fault) if is_said_by_answer(outcome) => {
                Err(format!("{exchange} is {outcome:?} by an answer with a fault: {fault}"))
            }
            _ => Ok(()),
        }
    }

    /// "Not open" in any answer makes the opening lost.
    fn openings_are_lost(&self, entries: &[Entry]) -> Result<(), String> {
        for (entry, behind) in entries.iter().zip((1..).map(|from| &entries[from..])) {
            let Entry::Outcome(entry) = entry else { continue };
            let (Some(track), Some(answer)) = (self.tracks.get(&entry.exchange), &entry.answer) else { continue };
            let today = self.day.business_date(self.now.wall).date().yyyymmdd().to_string();
            let mut protocols = self.versions.iter().flat_map(|version| &version.protocols);
            let protocol = protocols.find(|protocol| protocol.digest == track.spec);
            let Some(protocol) = protocol.filter(|_| track.is_callers && track.date == today) else { continue };
            let Some(code) = protocol.rules.response_code.of(&answer.bytes) else { continue };
            if protocol.rules.verdicts.verdict(&track.participant, &track.rule, code) != Verdict::NotOpen {
                continue;
            }
            let name = [track.telegram.get(COMPANY), track.telegram.get(BANK)].map(Option::unwrap_or_default).concat();
            // The event is told before the entries of the same call, and an answer right behind this one may have opened it.
            let was_open = self.disk.opened.get(&(name.clone(), today.into_bytes())) == Some(&true);
            let is_open = self.openings.get(&name).map_or(was_open, |state| *state == OpeningState::Open);
            if is_open && !behind.iter().any(|entry| opens(entry, &name)) {
                return Err(format!("{} hears that its opening is not open, and it stays open", entry.exchange));
            }
        }
        Ok(())
    }

    /// Nothing is opened that is open: not by a reconnect, and not by a restart if its entry is durable. One that the same call opens
    /// behind the try, by an answer that came right behind what brought the session up, was not open yet.
    fn openings_are_needed(&self, entries: &[Entry]) -> Result<(), String> {
        for (entry, behind) in entries.iter().zip((1..).map(|from| &entries[from..])) {
            let Entry::Accepted(entry) = entry else { continue };
            if entry.about.origin != Origin::Opening {
                continue;
            }
            let Some(company) = self.company(&entry.about.party, &entry.about.participant) else { continue };
            let name = [company, &*entry.about.participant].concat();
            let date = entry.about.date.date().yyyymmdd().to_string();
            if !self.stops.opened_by_hand(&name, &date) {
                self.not_too_early()?;
            }
            let date = date.into_bytes();
            let is_open = self.openings.get(&name) == Some(&OpeningState::Open)
                && !behind.iter().any(|entry| opens(entry, &name));
            let was_open = self.core_is_new(&name) && self.disk.opened.get(&(name.clone(), date)) == Some(&true);
            if is_open || was_open {
                return Err(format!("{} is opened again, and is open", String::from_utf8_lossy(&name)));
            }
        }
        Ok(())
    }

    /// The number under which a bank knows a party.
    fn company(&self, party: &str, bank: &[u8]) -> Option<&[u8]> {
        let party = self.settings.parties.iter().find(|known| *known.name == *party)?;
        let here = party.participants.iter().find(|one| *one.value == *bank).map(|one| &one.fields);
        let mut fields = here.into_iter().flatten().chain(&party.fields);
        fields.find(|(name, _)| &**name == "company_no").map(|(_, company)| &**company)
    }

    /// Whether nothing was heard of an opening since the process started.
    fn core_is_new(&self, opening: &[u8]) -> bool {
        !self.openings.contains_key(opening)
    }

    /// A compartment may have as many requests in flight as room is left: one silent bank never fills a window.
    fn shares_hold(&mut self, departed: &[ExchangeId]) -> Result<(), String> {
        let Some(core) = &self.core else { return Ok(()) };
        if departed.is_empty() {
            return Ok(());
        }
        self.flying.extend(departed);
        self.flying.retain(|id| {
            core.exchange(*id).is_some_and(|one| matches!(one.state, ExchangeState::Sending | ExchangeState::Sent))
        });
        // Who has one in flight takes nothing from the others.
        let compartment = |id: &ExchangeId| self.tracks.get(id).map(|track| &track.compartment);
        let has_more =
            |id: &ExchangeId| self.flying.iter().filter(|other| compartment(other) == compartment(id)).count() > 1;
        if !departed.iter().any(has_more) {
            self.counts.shares_checked += departed.len() as u64;
            return Ok(());
        }
        let mut free = 0;
        let mut whole = 0;
        let mut places = Vec::new();
        for session in core.status().sessions {
            let line = &self.settings.lines[usize::from(session.session.line.0)];
            let is_up = matches!(session.state, SessionState::Up | SessionState::Probing);
            if line.connects == Connects::PerExchange {
                // A slot that is free, or is being connected, is for whoever comes next. So was a connection until now that nothing needs any
                // more, now that this has left.
                let place = Some((session.line.clone(), session.session.slot, session.epoch.0));
                let is_unneeded = || {
                    let is_closing =
                        session.state == SessionState::Closing && session.closed == Some(CloseReason::Answered);
                    is_closing && !self.tracks.values().any(|track| track.place == place)
                };
                let is_free =
                    matches!(session.state, SessionState::Down | SessionState::Connecting | SessionState::SigningOn);
                free += u32::from(is_free || is_unneeded());
            }
            if let (true, true, Some(conn)) = (line.direction != Direction::Receive, is_up, session.conn) {
                free += line.window.saturating_sub(session.in_flight);
                whole += line.window;
                places.push(Some((session.line, conn.session.slot, conn.epoch.0)));
            }
        }
        for (at, exchange) in departed.iter().enumerate() {
            let Some(compartment) = self.tracks.get(exchange).map(|track| track.compartment.clone()) else { continue };
            let mine = |id: &&ExchangeId| self.tracks.get(*id).is_some_and(|track| track.compartment == compartment);
            // What a lost connection carried takes no room any more.
            let is_carried = |id: &&ExchangeId| self.tracks.get(*id).is_some_and(|one| places.contains(&one.place));
            let now = self.flying.iter().filter(mine).filter(is_carried).count();
            // As it was when this one left: what left behind it had not, and what has come back meanwhile makes it fewer.
            let behind = &departed[at + 1..];
            let then = now.saturating_sub(behind.iter().filter(mine).count());
            let free_then = free as usize + behind.len();
            self.counts.shares_checked += 1;
            if then > free_then + 1 {
                return Err(format!(
                    "a compartment of {} has {then} in flight of {whole}, and {free_then} are left for all others",
                    String::from_utf8_lossy(&compartment)
                ));
            }
        }
        Ok(())
    }

    /// Nothing leaves by a line that operators have stopped, nor a caller's request for what they have.
    fn may_depart(&self, exchange: ExchangeId, line: &str, telegram: &[u8]) -> Result<(), String> {
        if self.stops.has_line(line) {
            return Err(format!("{exchange} departs by line {line}, which operators have stopped"));
        }
        let Some(track) = self.tracks.get(&exchange).filter(|track| track.is_callers) else { return Ok(()) };
        if self.stops.has_compartment(&track.compartment) {
            return Err(format!("{exchange} departs, and operators have stopped its compartment"));
        }
        let opening = [COMPANY, BANK].map(|at| telegram.get(at).unwrap_or_default()).concat();
        if self.stops.has_opening(&opening, &track.date) {
            return Err(format!("{exchange} departs, and operators have closed its opening"));
        }
        if let Some(control) = self.is_blocked(&track.participant, telegram) {
            return Err(format!("{exchange} departs, and {control} blocks it"));
        }
        Ok(())
    }

    // ---- frames ----

    /// The first byte of a frame leaves.
    pub(super) fn began(&mut self, exchange: Option<ExchangeId>, frame: &[u8]) -> Result<(), String> {
        let Some(exchange) = exchange else { return Ok(()) };
        self.left.insert(exchange);
        let [Some(company), Some(bank), Some(number), Some(date)] =
            [COMPANY, BANK, NUMBER, DATE].map(|at| frame.get(at))
        else {
            return Err(format!("a request of {} bytes has no header", frame.len()));
        };
        let today = self.day.business_date(self.now.wall).date().yyyymmdd().to_string();
        if date != today.as_bytes() {
            return Err(format!("{exchange}, stamped {}, begins to leave on {today}", String::from_utf8_lossy(date)));
        }
        let track = self.tracks.get(&exchange);
        if let Some(track) = track.filter(|track| track.date != today) {
            return Err(format!("{exchange}, taken in on {}, begins to leave on {today}", track.date));
        }
        self.is_of_its_date(exchange)?;
        let opening = ([company, bank].concat(), date.to_vec());
        if track.is_some_and(|track| track.is_callers) && !self.were_open.contains(&opening) {
            let bank = String::from_utf8_lossy(bank);
            return Err(format!("{exchange} begins to leave, and bank {bank} was never open on {today}"));
        }
        let key = [date, bank, company, number].concat();
        if frame.get(TYPE) == Some(b"4000") {
            return self.gap_began(exchange, &key);
        }
        if let Some(other) = self.numbers.insert(key, exchange)
            && other != exchange
        {
            let number = String::from_utf8_lossy(number);
            return Err(format!("number {number} of {today} is that of {other} and of {exchange}"));
        }
        Ok(())
    }

    /// A hole in their numbers is asked for under their number, never under one of ours that is in flight, and one number of a
    /// scope at a time.
    fn gap_began(&mut self, exchange: ExchangeId, key: &[u8]) -> Result<(), String> {
        self.counts.gaps_asked += 1;
        let number = String::from_utf8_lossy(key).into_owned();
        let is_in_flight = |id: &ExchangeId| {
            let one = self.core.as_ref().and_then(|core| core.exchange(*id));
            *id != exchange && one.is_some_and(|one| matches!(one.state, ExchangeState::Sending | ExchangeState::Sent))
        };
        if let Some(other) = self.numbers.get(key).filter(|other| is_in_flight(other)) {
            return Err(format!("{number} is asked for by {exchange} while {other} of ours is in flight under it"));
        }
        let scope = key[..key.len() - NUMBER.len()].to_vec();
        if let Some(other) = self.questions.insert(scope, exchange).filter(is_in_flight) {
            return Err(format!("{number} is asked for by {exchange} while {other} about its scope is in flight"));
        }
        if self.setup.overtaken {
            self.hold_question();
        }
        self.reload_behind_question();
        Ok(())
    }

    /// Business is opened at its time.
    fn not_too_early(&self) -> Result<(), String> {
        if self.by_hand {
            return Ok(());
        }
        let Some(rule) = &self.versions[0].protocols[0].rules.opening else { return Ok(()) };
        // Since the business date began: a date may change at another time than midnight.
        let day = i64::from(86_400);
        let changes = i64::from(self.day.changes.seconds());
        let since = |seconds: u32| (i64::from(seconds) - changes).rem_euclid(day);
        let time = self.day.civil(self.now.wall).time;
        if since(time.seconds()) < since(rule.from.seconds()) {
            return Err(format!("business is opened at {time}, before {}", rule.from));
        }
        Ok(())
    }

    // ---- versions ----

    /// An exchange lives and dies by the version that it began with.
    pub(super) fn by_its_own_version(
        &mut self,
        exchange: ExchangeId,
        outcome: Outcome,
        answer: Option<&[u8]>,
        plan: &Arc<Plan>,
    ) {
        let Some(track) = self.tracks.get(&exchange) else { return };
        if track.spec != plan.protocol.digest {
            let broken = format!("{exchange} began by version {} and is told by {}", track.spec, plan.protocol.digest);
            self.broken.get_or_insert(broken);
            return;
        }
        self.counts.answers_by_an_older_version +=
            u64::from(plan.protocol.digest != self.versions[0].protocols[0].digest);
        let Some(answer) = answer else { return };
        if plan.protocol.catalog.select(answer).ok() != Some(plan.exchange().answer.telegram) {
            self.broken.get_or_insert(format!("{exchange} is told bytes that its plan cannot read"));
            return;
        }
        let rules = &plan.protocol.rules;
        let Some(code) = rules.response_code.of(answer) else { return };
        let right = match rules.verdicts.verdict(&track.participant, &track.rule, code) {
            Verdict::Success => matches!(outcome, Outcome::Success { .. }),
            Verdict::Refused | Verdict::NotOpen => matches!(outcome, Outcome::Failure { .. }),
            _ => matches!(outcome, Outcome::Unknown { .. }),
        };
        if is_said_by_answer(outcome) && !right {
            let code = String::from_utf8_lossy(code);
            let broken = format!("{exchange} is told {outcome:?}, and its version says otherwise of code {code}");
            self.broken.get_or_insert(broken);
        }
    }
}

/// Whether it is what an answer says by its code.
const fn is_said_by_answer(outcome: Outcome) -> bool {
    use Cause as C;
    matches!(outcome.cause(), C::Answered | C::Refused | C::Late | C::NothingSaid | C::UnlistedCode)
}

/// Whether an entry says that an opening is open.
fn opens(entry: &Entry, name: &[u8]) -> bool {
    match entry {
        Entry::Opening(entry) => entry.state == OpeningState::Open && entry.key.values.concat() == name,
        _ => false,
    }
}
