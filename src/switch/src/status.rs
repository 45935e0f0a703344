use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

use core::ops::Bound;

use pabal_clock::{BusinessDate, Mono, Wall};

use crate::book::field_names;
use crate::bytes::{Bytes, readable};
use crate::command::Stopped;
use crate::control::{Standing, Unjudged};
use crate::core::Core;
use crate::declare::declare;
use crate::drain::{Scope, is_in_flight_of};
use crate::exchange::{Exchange, ExchangeState};
use crate::id::{Conn, Epoch, ExchangeId, LineId, NoticeId, SessionId};
use crate::notice::{Notice, NoticeState};
use crate::opening::{Opening, OpeningKey, OpeningState};
use crate::outcome::{Cause, Outcome};
use crate::rate::Rate;
use crate::route::{WaitsFor, Wanted};
use crate::session::{CloseReason, Session, SessionState};
use crate::settings::LineSettings;
use crate::timer::TimerName;

/// What an operator sees of an institution.
#[derive(Clone, Debug)]
pub struct Status {
    /// Each slot of each line.
    pub sessions: Vec<SessionStatus>,
    /// Each opening of this business date.
    pub openings: Vec<OpeningStatus>,
    /// Requests that wait for room.
    pub waiting: u32,
    /// Requests sent and not answered.
    pub in_flight: u32,
    /// UNKNOWN exchanges in memory.
    pub unknown: u32,
    /// Those of them that a person has to look at.
    pub listed: u32,
    /// Notices whose reply has not left: a service may still say it, or it waits for a session.
    pub notices_unreplied: u32,
    /// Whether the journal still makes entries durable.
    pub journal_works: bool,
    /// Whether nothing new is taken in.
    pub draining: bool,
    /// When the drain of the institution, or of the process, ends at the latest.
    pub drains_until: Option<Mono>,
    /// Who stopped the institution, if an operator did.
    pub stopped: Option<Stopped>,
    /// Each line, in the order of the settings.
    pub lines: Vec<LineStatus>,
    /// Compartments that take no requests.
    pub compartments: Vec<StoppedCompartment>,
    /// Compartments of which requests wait for room.
    pub waiting_by: Vec<WaitingCompartment>,
    /// Telegram numbers of the present business date.
    pub numbers: Vec<NumberStatus>,
    /// Every control: those of the configuration, then those that were put there since.
    pub controls: Vec<ControlStatus>,
    /// Rates that were set by command, by compartment.
    pub rates: Vec<RateStatus>,
}

impl Default for Status {
    /// Of an institution of which there is nothing to be seen.
    fn default() -> Self {
        Self {
            sessions: Vec::new(),
            openings: Vec::new(),
            waiting: 0,
            in_flight: 0,
            unknown: 0,
            listed: 0,
            notices_unreplied: 0,
            journal_works: true,
            draining: false,
            drains_until: None,
            stopped: None,
            lines: Vec::new(),
            compartments: Vec::new(),
            waiting_by: Vec::new(),
            numbers: Vec::new(),
            controls: Vec::new(),
            rates: Vec::new(),
        }
    }
}

/// A compartment that takes no requests.
#[derive(Clone, Debug)]
pub struct StoppedCompartment {
    /// The bytes of the compartment field.
    pub compartment: Bytes,
    /// Who stopped it.
    pub stopped: Stopped,
    /// Its requests that are sent and not answered.
    pub in_flight: u32,
    /// Until when they may be answered; `None` if none is awaited any more.
    pub drains_until: Option<Mono>,
}

declare! {
    /// Why the requests of a compartment wait.
    pub enum WaitsBecause {
        Session = "session", "No session that may carry it has a place.";
        Window = "window", "Every place of the window is taken.";
        Share = "share", "It has its share of the window; the other places are for other compartments.";
        Rate = "rate", "Its rate lets no more leave now.";
    }
}

/// A compartment of which requests wait for room.
#[derive(Clone, Debug)]
pub struct WaitingCompartment {
    /// The bytes of the compartment field; none if the protocol has no compartments.
    pub compartment: Bytes,
    /// How many wait.
    pub waiting: u32,
    /// Places that it takes.
    pub in_flight: u32,
    /// Places of all sessions that may send for its protocol now.
    pub places: u32,
    /// Why they wait.
    pub because: WaitsBecause,
}

/// A notice about which something is still to be done.
#[derive(Clone, Debug)]
pub struct OpenNotice {
    /// Which.
    pub notice: NoticeId,
    /// Its rule's name.
    pub rule: Box<str>,
    /// The bytes of the participant field.
    pub participant: Bytes,
    /// Its number, as its digits; empty if it has none.
    pub number: String,
    /// By which line it came last; `None`: to an earlier process.
    pub line: Option<Box<str>>,
    /// How far the reply to it is.
    pub state: NoticeState,
    /// A service has it.
    pub is_delivered: bool,
    /// When it came first.
    pub received_at: Wall,
    /// Until when a service may say what is replied.
    pub reply_until: Option<Mono>,
}

/// One control.
#[derive(Clone, Debug)]
pub struct ControlStatus {
    /// What it blocks, and who put it there.
    pub standing: Standing,
    /// Why the spec in force cannot judge it: then it blocks all that it may mean.
    pub unjudged: Option<Box<str>>,
    /// It blocks everything that callers ask for, not a part.
    pub is_whole: bool,
    /// It holds at this moment. The shell's to add, which knows the time.
    pub holds: bool,
}

/// One rate.
#[derive(Clone, Debug)]
pub struct RateStatus {
    /// The bytes of the compartment field; none: each compartment that has no rate of its own.
    pub compartment: Bytes,
    /// How many may leave.
    pub rate: Rate,
    /// Who set it; not known of one that an older process wrote down.
    pub set: Option<Stopped>,
}

/// One line.
#[derive(Clone, Debug)]
pub struct LineStatus {
    /// Its name.
    pub line: Box<str>,
    /// Sessions that the institution may count: being made, there, or closed so lately that it may not have seen it.
    pub sessions_counted: u16,
    /// What an operator wants of it, and of the institution.
    pub wanted: Wanted,
    /// Who stopped it, by itself or with the institution, if an operator did.
    pub stopped: Option<Stopped>,
    /// Until when what is in flight on it may be answered, if it is drained, or the institution is.
    pub drains_until: Option<Mono>,
    /// Whether its sessions are to be made now: it is wanted, nothing stops, and if it is a backup, it stands in.
    pub is_wanted: bool,
    /// Of a backup, whether it stands in for its main line.
    pub on_duty: Option<bool>,
    /// The place of the address that the next connection goes to, among those of the line.
    pub address: u8,
    /// Tries in a row that failed while no session was up, since one was well.
    pub failed: u32,
    /// When the next connection is tried, if a time is set.
    pub next_try: Option<Mono>,
}

/// One slot.
#[derive(Clone, Debug)]
pub struct SessionStatus {
    /// Which.
    pub session: SessionId,
    /// Its line's name.
    pub line: Box<str>,
    /// Its state.
    pub state: SessionState,
    /// Its connection, if there is one.
    pub conn: Option<Conn>,
    /// Who drains or closes this one connection by hand, and why.
    pub stopped: Option<Stopped>,
    /// When that drain ends at the latest.
    pub drains_until: Option<Mono>,
    /// Requests unanswered on it.
    pub in_flight: u32,
    /// Requests that may be unanswered on it.
    pub window: u32,
    /// Bytes that the socket has not taken.
    pub unsent_bytes: u64,
    /// When bytes last came.
    pub received_at: Option<Mono>,
    /// When bytes last went.
    pub wrote_at: Option<Mono>,
    /// Why the last connection ended.
    pub closed: Option<CloseReason>,
    /// The place of the address of its connection, or of the last one, among those of the line.
    pub address: u8,
    /// When the next connection is tried, if a time is set.
    pub next_try: Option<Mono>,
    /// Of a slot that closes, when it is free: until then the institution may still count its connection.
    pub free_at: Option<Mono>,
    /// Of its connection, or of the last one; 0 if there was none.
    pub epoch: Epoch,
    /// More about why the last connection ended, for people. What the system says of a socket is the shell's to add.
    pub detail: Option<Box<str>>,
    /// For what it waits before it connects, beside the time.
    pub waits_for: Option<WaitsFor>,
    /// Who has made its connection, or the last one, where the line listens. The shell's to add.
    pub peer: Option<Box<str>>,
}

/// One opening.
#[derive(Clone, Debug)]
pub struct OpeningStatus {
    /// Its protocol's name.
    pub protocol: Box<str>,
    /// What is opened.
    pub key: OpeningKey,
    /// Its party's name.
    pub party: Box<str>,
    /// Its state.
    pub state: OpeningState,
    /// What the last answer said, if it was not "open".
    pub reason: Option<String>,
    /// When it is tried again, if a time is set. Without sessions it is tried as soon as they are up.
    pub next_try: Option<Mono>,
    /// Who opened it by hand, while nobody could be asked: it is tried as soon as there is a session, or again, whatever the hour.
    pub by_hand: Option<Stopped>,
}

/// The telegram numbers of one scope.
#[derive(Clone, Debug)]
pub struct NumberStatus {
    /// The protocol's name.
    pub protocol: Box<str>,
    /// The fields of the scope, by name, and what they hold.
    pub scope: Vec<(Box<str>, Box<str>)>,
    /// The business date of the last number.
    pub date: BusinessDate,
    /// The last number that was given, or reserved by an earlier process; `None` if none was.
    pub last: Option<u64>,
    /// How many are left.
    pub left: u64,
    /// Whether the operator was told that they run out.
    pub warned: bool,
}

/// An UNKNOWN exchange, and what is done about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unresolved {
    /// Which.
    pub exchange: ExchangeId,
    /// Its rule's name.
    pub rule: Box<str>,
    /// Its party's name.
    pub party: Box<str>,
    /// The bytes of the participant field.
    pub participant: Bytes,
    /// How far it is.
    pub state: ExchangeState,
    /// Why it is UNKNOWN.
    pub cause: Cause,
    /// When it was accepted.
    pub accepted_at: Wall,
    /// What is done next about it by itself, and when: the time is `None` while an inquiry waits to leave, since nobody can say how long.
    /// `None` if nothing is, and a person has to look at it.
    pub next: Option<(Option<Mono>, Box<str>)>,
    /// A person has to look at it.
    pub listed: bool,
}

/// One exchange, as far as memory knows it.
#[derive(Clone, Debug)]
pub struct ExchangeStatus {
    /// Which.
    pub exchange: ExchangeId,
    /// How far it is.
    pub state: ExchangeState,
    /// What became of it; `None` before its first outcome.
    pub outcome: Option<Outcome>,
    /// When it was accepted.
    pub accepted_at: Wall,
    /// Until when the institution may answer; `None` if nothing has left, or its time is over.
    pub answer_until: Option<Mono>,
}

impl Core {
    pub(crate) fn make_status(&self) -> Status {
        let count = |is: fn(&Exchange) -> bool| {
            u32::try_from(self.state.exchanges.values().filter(|exchange| is(exchange)).count()).unwrap_or(u32::MAX)
        };
        let session = |session: &Session| SessionStatus {
            session: session.id,
            line: self.line(session.id).name.clone(),
            state: session.state,
            conn: session.is_connected().then(|| session.conn()),
            stopped: session.stopped.clone(),
            drains_until: self.drain_end(&Scope::Session(session.conn())),
            in_flight: session.in_flight,
            window: session.window,
            unsent_bytes: session.out.unsent_bytes(),
            received_at: session.received_at,
            wrote_at: session.wrote_at,
            closed: session.closed,
            address: session.address,
            next_try: self.state.timers.get(&TimerName::Reconnect(session.id)),
            free_at: self.state.timers.get(&TimerName::CloseGrace(session.id)),
            epoch: session.epoch,
            detail: session.detail.clone(),
            waits_for: Some(session.waits_for)
                .filter(|waits| *waits != WaitsFor::Nothing && session.state == SessionState::Down),
            peer: None,
        };
        let opening = |(at, opening): (u32, &Opening)| OpeningStatus {
            protocol: self.state.conversations[usize::from(opening.protocol)].protocol.clone(),
            key: opening.key.clone(),
            party: self
                .settings
                .parties
                .get(usize::from(opening.party))
                .map(|one| one.name.clone())
                .unwrap_or_default(),
            state: opening.state,
            reason: opening.reason.clone(),
            next_try: self.state.timers.get(&TimerName::Opening(at)),
            by_hand: self.opened_by_hand(at).filter(|_| opening.state != OpeningState::Opening).cloned(),
        };
        Status {
            sessions: self.state.sessions.iter().map(session).collect(),
            openings: (0..).zip(&self.state.openings).map(opening).collect(),
            waiting: self.waiting(),
            in_flight: count(|exchange| exchange.state.is_in_flight()),
            unknown: u32::try_from(self.state.unknown.len() + self.state.orphans.len()).unwrap_or(u32::MAX),
            // What nothing can read any more is looked at by a person, too.
            listed: count(|exchange| exchange.state == ExchangeState::Listed)
                .saturating_add(u32::try_from(self.state.orphans.len()).unwrap_or(u32::MAX)),
            notices_unreplied: u32::try_from(self.state.notices.unreplied()).unwrap_or(u32::MAX),
            journal_works: self.state.journal.failed.is_none(),
            draining: self.is_stopping(),
            drains_until: self.drain_end(&Scope::Process).or_else(|| self.drain_end(&Scope::Institution)),
            stopped: self.state.stops.institution.clone(),
            lines: self.line_states(),
            compartments: self.stopped_compartments(),
            waiting_by: self.waiting_compartments(),
            numbers: self.numbers_of_today(),
            controls: self.control_states(),
            rates: self.rate_states(),
        }
    }

    fn control_states(&self) -> Vec<ControlStatus> {
        let one = |(standing, unjudged): (&Standing, Option<&Unjudged>)| ControlStatus {
            standing: standing.clone(),
            unjudged: unjudged.map(|unjudged| unjudged.why.clone()),
            is_whole: standing.control.scope.is_whole(unjudged),
            holds: false,
        };
        self.controls_judged().map(one).collect()
    }

    fn stopped_compartments(&self) -> Vec<StoppedCompartment> {
        let one = |(compartment, stopped): (&Bytes, &Stopped)| {
            let in_flight = self.state.exchanges.values().filter(|one| is_in_flight_of(one, compartment)).count();
            StoppedCompartment {
                compartment: compartment.clone(),
                stopped: stopped.clone(),
                in_flight: u32::try_from(in_flight).unwrap_or(u32::MAX),
                drains_until: self.drain_end(&Scope::Compartment(compartment.clone())),
            }
        };
        self.state.stops.compartments.iter().map(one).collect()
    }

    fn drain_end(&self, scope: &Scope) -> Option<Mono> {
        self.state.drains.iter().find(|drain| drain.scope == *scope).map(|drain| drain.until)
    }

    fn waiting_compartments(&self) -> Vec<WaitingCompartment> {
        let mut all = Vec::new();
        for (protocol, conversation) in (0..).zip(&self.state.conversations) {
            if conversation.waiting.is_empty() {
                continue;
            }
            let room = self.room(protocol);
            let sending = self.state.sessions.iter().filter(|one| one.protocol == protocol && one.sends());
            let is_window_full = room.places > 0 && sending.map(|one| one.in_flight).sum::<u32>() >= room.places;
            let may_send = self.halves(protocol).1 && self.sender(protocol).is_some();
            let queues = conversation.waiting.queues();
            all.extend(queues.map(|(compartment, waiting, in_flight)| WaitingCompartment {
                compartment: compartment.clone(),
                waiting,
                in_flight,
                places: room.places,
                because: match conversation.waiting.allows(compartment, room) {
                    _ if is_window_full => WaitsBecause::Window,
                    _ if !may_send => WaitsBecause::Session,
                    true => WaitsBecause::Rate,
                    false => WaitsBecause::Share,
                },
            }));
        }
        all
    }

    pub(crate) fn list_open_notices(&self, max: usize) -> Vec<OpenNotice> {
        let one = |notice: &Notice| OpenNotice {
            notice: notice.id,
            rule: notice.about.rule.clone(),
            participant: notice.about.participant.clone(),
            number: notice.about.number.readable(),
            line: notice.came_by.map(|conn| self.line(conn.session).name.clone()),
            state: notice.state,
            is_delivered: notice.is_delivered,
            received_at: notice.about.received_at,
            reply_until: self.state.timers.get(&TimerName::Notice(notice.id)),
        };
        self.state.notices.known.values().filter(|notice| !notice.is_settled()).take(max).map(one).collect()
    }

    fn rate_states(&self) -> Vec<RateStatus> {
        let set = |compartment: &Bytes| self.state.stops.rates_by.get(compartment).cloned();
        let one = |(compartment, rate): (&Bytes, &Rate)| RateStatus {
            compartment: compartment.clone(),
            rate: *rate,
            set: set(compartment),
        };
        self.rates().iter().map(one).collect()
    }

    fn line_states(&self) -> Vec<LineStatus> {
        let line = |(at, line): (u16, &LineSettings)| {
            let counted = |one: &&Session| one.id.line.0 == at && one.state != SessionState::Down;
            let stops = &self.state.stops;
            // With the institution all its lines stop, and each comes up again only when neither is stopped.
            let (of_line, of_all) = (self.drain_end(&Scope::Line(LineId(at))), self.drain_end(&Scope::Institution));
            let drain = match (stops.lines.contains_key(&line.name), stops.institution.is_some()) {
                (true, true) => of_line.zip(of_all).map(|(one, other)| one.min(other)),
                (true, false) => of_line,
                (false, _) => of_all,
            };
            let stopped = self.stopped(LineId(at));
            let state = self.state.lines.get(usize::from(at));
            let sessions = self.state.sessions.iter().filter(|session| session.id.line.0 == at);
            LineStatus {
                line: line.name.clone(),
                sessions_counted: u16::try_from(self.state.sessions.iter().filter(counted).count()).unwrap_or(u16::MAX),
                wanted: match stopped {
                    None => Wanted::Up,
                    Some(_) if drain.is_some() => Wanted::Draining,
                    Some(_) => Wanted::Stopped,
                },
                stopped: stopped.cloned(),
                drains_until: drain,
                is_wanted: self.is_wanted(LineId(at)),
                on_duty: line.backup_of.and(state.map(|state| state.on_duty)),
                address: state.map_or(0, |state| state.address),
                failed: state.map_or(0, |state| state.failed),
                next_try: sessions.filter_map(|one| self.state.timers.get(&TimerName::Reconnect(one.id))).min(),
            }
        };
        (0..).zip(&self.settings.lines).map(line).collect()
    }

    fn numbers_of_today(&self) -> Vec<NumberStatus> {
        let mut all = Vec::new();
        for (conversation, book) in self.state.conversations.iter().zip(&self.books) {
            let rule = &book.protocol.rules.number;
            let names = field_names(&book.protocol, &rule.scope);
            for (scope, counter) in conversation.numbers.marks() {
                if counter.date != conversation.day.date {
                    continue;
                }
                let mut at = 0;
                let values = rule.scope.iter().map(|field| {
                    let bytes = scope.get(at..at + field.range().len()).unwrap_or_default();
                    at += bytes.len();
                    Box::from(readable(bytes))
                });
                all.push(NumberStatus {
                    protocol: conversation.protocol.clone(),
                    scope: names.iter().cloned().zip(values).collect(),
                    date: counter.date,
                    last: counter.next.checked_sub(1).filter(|last| rule.range.contains(last)),
                    left: rule.range.end().saturating_add(1).saturating_sub(counter.next),
                    warned: counter.warned,
                });
            }
        }
        all
    }

    pub(crate) fn list_unresolved(&self, after: Option<ExchangeId>, max: usize) -> Vec<Unresolved> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let ids = self.state.unknown.range((from, Bound::Unbounded));
        let one = |id: &ExchangeId| {
            let exchange = self.state.exchanges.get(id)?;
            let next = self.state.timers.get(&TimerName::Inquiry(*id));
            let next = match (next, exchange.inquiry) {
                (Some(at), _) => Some((Some(at), "it is asked about by the spec's schedule")),
                (None, Some(inquiry)) => Some(match self.answer_until(inquiry) {
                    Some(at) => (Some(at), "the answer to an inquiry is awaited"),
                    None => (None, "an inquiry is on its way: it waits for its turn to leave"),
                }),
                (None, None) => None,
            };
            Some(Unresolved {
                exchange: *id,
                rule: Box::from(&*exchange.about.rule),
                party: Box::from(&*exchange.about.party),
                participant: exchange.about.participant.clone(),
                state: exchange.state,
                cause: exchange.outcome.map_or(Cause::Restarted, |outcome| outcome.cause()),
                accepted_at: exchange.about.accepted_at,
                next: next.map(|(at, what)| (at, what.into())),
                listed: exchange.state == ExchangeState::Listed,
            })
        };
        let orphans = self.state.orphans.range((from, Bound::Unbounded)).map(|(id, known)| known.unresolved(*id));
        let mut all: Vec<Unresolved> = ids.filter_map(one).take(max).chain(orphans.take(max)).collect();
        all.sort_unstable_by_key(|one| one.exchange);
        all.truncate(max);
        all
    }
}
