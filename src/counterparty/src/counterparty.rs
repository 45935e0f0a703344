use alloc::collections::{BTreeMap, VecDeque};
use alloc::sync::Arc;
use alloc::vec::Vec;

use pabal_clock::{Mono, Now, Timers};
use pabal_spec::Protocol;

use crate::fill::Counters;
use crate::ledger::Ledger;
use crate::output::{Connection, LineId, Output};
use crate::scenario::{Scenario, Start};
use crate::settings::Settings;

mod answer;
mod business;
mod notice;
mod receive;
mod send;
mod session;
mod sign;
mod version;

use notice::{NoticeRun, Repetition};
use send::Delivery;
use session::{LineState, Wire};
pub use version::Later;
use version::Versions;

/// An institution's brain: it takes bytes and time, and says what is to be sent.
///
/// It has four kinds of method. Getters look at it. `handle_*` tell it what happened. Commands ([`Counterparty::trigger`],
/// [`Counterparty::open_line`], [`Counterparty::close_line`]) make it do something. `poll_*` ask what is to be done: after every
/// input take outputs until there are none, then set one timer for [`Counterparty::poll_timeout`].
#[derive(Clone, Debug)]
pub struct Counterparty {
    protocol: Arc<Protocol>,
    scenario: Arc<Scenario>,
    versions: Versions,
    settings: Settings,
    seed: u64,
    ledger: Ledger,
    connections: BTreeMap<Connection, Wire>,
    lines: Vec<LineState>,
    /// How many requests each reply's conditions have met.
    met: Vec<u64>,
    /// Which notices that start with the first connection have started.
    started: Vec<bool>,
    counters: Counters,
    jobs: BTreeMap<u64, Job>,
    job_next: u64,
    timers: Timers<Timer>,
    /// What no session could carry yet.
    waiting: VecDeque<Delivery>,
    /// Deliveries made, so that sessions take turns.
    turn: usize,
    outputs: VecDeque<Output>,
    exchange_names: Vec<Arc<str>>,
    /// The request by which business was opened last; empty before.
    last_opening: Arc<[u8]>,
}

/// Every timer of a counterparty.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Timer {
    /// A job is due.
    Job(u64),
    /// The next piece of a telegram may be sent.
    Piece(Connection),
    /// A lost connection is made again.
    Reconnect(LineId),
    /// A connection is not signed on.
    SignOn(Connection),
    /// Nothing was sent for a while.
    PollIdle(Connection),
    /// A poll telegram of ours is not answered.
    PollAnswer(Connection),
    /// The scenario ends this connection, by a reset or not.
    Cut(Connection, bool),
    /// The scenario lets this connection die.
    Die(Connection),
}

/// Something that was put off.
#[derive(Clone, Debug)]
enum Job {
    Deliver(Delivery),
    Notice(NoticeRun),
    Resend(NoticeRun, crate::key::Key),
    Repeat(Repetition),
}

impl Counterparty {
    /// An institution that has just started: it connects by the lines whose initiator it is.
    ///
    /// The same seed, scenario and inputs give the same outputs, byte by byte.
    #[must_use]
    pub fn new(protocol: Arc<Protocol>, scenario: Arc<Scenario>, settings: Settings, seed: u64, now: Now) -> Self {
        let participant = protocol.rules.participant.as_ref().map(|(_, at)| *at);
        let exchange_names = protocol.rules.exchanges.iter().map(|rule| Arc::from(&*rule.name)).collect();
        let mut counterparty = Self {
            ledger: Ledger::new(settings.lines.len(), settings.ledger_requests_max, participant),
            lines: settings.lines.iter().map(|_| LineState::default()).collect(),
            met: alloc::vec![0; scenario.replies.len()],
            started: alloc::vec![false; scenario.notices.len()],
            connections: BTreeMap::new(),
            counters: Counters::default(),
            jobs: BTreeMap::new(),
            job_next: 0,
            timers: Timers::new(),
            waiting: VecDeque::new(),
            turn: 0,
            outputs: VecDeque::new(),
            exchange_names,
            last_opening: [].into(),
            protocol,
            scenario,
            versions: Versions::default(),
            settings,
            seed,
        };
        for line in counterparty.line_ids() {
            counterparty.open_line(line, now);
        }
        counterparty
    }

    /// What the institution knows.
    #[must_use]
    pub const fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// What the shell was told to do in the settings.
    #[must_use]
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The protocol that it speaks.
    #[must_use]
    pub const fn protocol(&self) -> &Arc<Protocol> {
        &self.protocol
    }

    /// The scenario that it follows.
    #[must_use]
    pub const fn scenario(&self) -> &Arc<Scenario> {
        &self.scenario
    }

    /// The next thing to do, or `None` if there is nothing until the next input.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When [`Counterparty::handle_timeout`] wants to be called, and why.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<(Mono, &'static str)> {
        let (at, timer) = self.timers.earliest()?;
        let why = match timer {
            Timer::Job(_) => "something that was put off is due",
            Timer::Piece(_) => "the next piece of a telegram",
            Timer::Reconnect(_) => "connect again",
            Timer::SignOn(_) => "a connection is not signed on",
            Timer::PollIdle(_) => "a session is idle",
            Timer::PollAnswer(_) => "a poll telegram is not answered",
            Timer::Cut(..) => "the scenario ends a connection",
            Timer::Die(_) => "the scenario lets a connection die",
        };
        Some((at, why))
    }

    /// Time has come to [`Counterparty::poll_timeout`], or passed it.
    pub fn handle_timeout(&mut self, now: Now) {
        self.begin_versions(now);
        while let Some(timer) = self.timers.expire(now.mono) {
            match timer {
                Timer::Job(job) => match self.jobs.remove(&job) {
                    Some(Job::Deliver(delivery)) => self.deliver(delivery, now),
                    Some(Job::Notice(run)) => self.notify(run, now),
                    Some(Job::Resend(run, key)) => self.resend(run, &key, now),
                    Some(Job::Repeat(repetition)) => self.repeat(repetition, now),
                    None => {}
                },
                Timer::Piece(connection) => self.resume(connection, now),
                Timer::Reconnect(line) => self.connect(line),
                Timer::PollIdle(connection) => self.probe(connection, now),
                Timer::PollAnswer(connection) | Timer::SignOn(connection) => self.close(connection),
                Timer::Cut(connection, true) => self.reset(connection, now),
                Timer::Cut(connection, false) => self.close(connection),
                Timer::Die(connection) => self.die(connection),
            }
        }
    }

    /// Starts the notices of this name that wait for a trigger; `copy` copies from the opening that was made last. `false`: the
    /// scenario has no such notice, or nobody has opened business yet.
    pub fn trigger(&mut self, name: &str, now: Now) -> bool {
        if self.protocol.rules.opening.is_some() && self.last_opening.is_empty() {
            return false;
        }
        let scenario = Arc::clone(&self.scenario);
        let cause = Arc::clone(&self.last_opening);
        let mut found = false;
        for (at, notice) in scenario.notices.iter().enumerate() {
            if notice.start == Start::Trigger && *notice.name == *name {
                self.start_notice(at, &cause, now);
                found = true;
            }
        }
        found
    }

    fn line_ids(&self) -> impl Iterator<Item = LineId> + use<> {
        (0..u16::try_from(self.settings.lines.len()).unwrap_or(u16::MAX)).map(LineId)
    }

    /// Does something at a later time, or at once if that is now.
    fn schedule(&mut self, job: Job, at: Mono) {
        let id = self.job_next;
        self.job_next += 1;
        self.jobs.insert(id, job);
        self.timers.set(Timer::Job(id), at);
    }
}

#[cfg(test)]
mod tests;
