//! What operators want: lines, sessions, openings, compartments and the whole institution, stopped and started by hand.
//!
//! Each command is one entry of the journal with who gave it and why. What ends by it (closes, refusals) begins in the same turn, while the
//! entry becomes durable; who commanded hears of it when it is durable, and connections are made only then. After a crash between the two
//! the command is not there: the line that it closed is made again, and nobody was told otherwise. What is stopped so holds over restarts
//! until it is started: [`Stops`] is folded from the same entries by a recovery and by a core that runs.

use alloc::boxed::Box;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;

use pabal_clock::{Now, Wall};
use pabal_spec::Rules;
use serde::{Deserialize, Serialize};

use crate::bytes::Bytes;
use crate::control::{Control, ControlId, Controls, Standing, participants_opened};
use crate::core::Core;
use crate::drain::Scope;
use crate::durable::Effect;
use crate::entry::{Commanded, Entry};
use crate::id::{LineId, Ticket};
use crate::opening::{OpeningKey, OpeningState};
use crate::pairs;
use crate::rate::{Rate, Rates};
use crate::refusal::Refusal;
use crate::route::WaitsFor;
use crate::session::SessionState;
use crate::settings::LineSide;
use crate::timer::TimerName;

/// Who commands, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct By {
    /// Who.
    pub actor: Box<str>,
    /// And why.
    pub reason: Box<str>,
}

impl fmt::Display for By {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.actor, self.reason)
    }
}

/// What an operator wants. Names are those of the configuration; what is drained ends `within` this time at the latest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Command {
    /// Makes the sessions of a line again, at once.
    StartLine {
        /// The line.
        line: Box<str>,
    },
    /// Closes the sessions of a line at once, and makes none until it is started.
    StopLine {
        /// The line.
        line: Box<str>,
    },
    /// Takes nothing new on a line, lets what is in flight be answered, then stops it.
    DrainLine {
        /// The line.
        line: Box<str>,
        /// The longest that it waits.
        within: Duration,
    },
    /// Closes the connection of one slot at once. The line makes another one, if it is wanted.
    CloseSession {
        /// Its line.
        line: Box<str>,
        /// Its slot.
        slot: u16,
    },
    /// Takes nothing new on the connection of one slot, lets what is in flight be answered, then closes it.
    DrainSession {
        /// Its line.
        line: Box<str>,
        /// Its slot.
        slot: u16,
        /// The longest that it waits.
        within: Duration,
    },
    /// Opens business (개시): tries at once, whatever the hour and the wait before the next try are.
    OpenOpening {
        /// The protocol's name.
        protocol: Box<str>,
        /// What is opened, and on which day.
        key: OpeningKey,
    },
    /// Closes business (종료) for the rest of its business date, or until it is opened by hand.
    CloseOpening {
        /// The protocol's name.
        protocol: Box<str>,
        /// What is closed, and on which day.
        key: OpeningKey,
    },
    /// Takes requests for a compartment again.
    StartCompartment {
        /// The bytes of the compartment field.
        compartment: Bytes,
    },
    /// Takes no new requests for a compartment; what is in flight at the end of the time is UNKNOWN.
    DrainCompartment {
        /// The bytes of the compartment field.
        compartment: Bytes,
        /// The longest that it waits.
        within: Duration,
    },
    /// Puts a control there (거래통제): what it means is refused from now on, as often as its window holds, and what waits at once.
    /// One of the same name goes.
    Block {
        /// The control.
        control: Control,
    },
    /// Lifts a control.
    Unblock {
        /// Its name.
        id: ControlId,
    },
    /// Sets how many requests of a compartment may leave (유량제어), at once.
    Limit {
        /// The bytes of the compartment field; none: each compartment that has no rate of its own.
        compartment: Bytes,
        /// `None`: as configured.
        rate: Option<Rate>,
    },
    /// Makes the sessions of all lines again.
    StartInstitution,
    /// Takes nothing new from anybody, lets what is in flight be answered, then closes all sessions.
    DrainInstitution {
        /// The longest that it waits.
        within: Duration,
    },
}

impl Command {
    /// What the journal's column of outcomes holds of every command: by it they are found.
    pub const OUTCOME: &'static str = "COMMANDED";

    /// The word that logs, the API and the console use.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::StartLine { .. } => "start_line",
            Self::StopLine { .. } => "stop_line",
            Self::DrainLine { .. } => "drain_line",
            Self::CloseSession { .. } => "close_session",
            Self::DrainSession { .. } => "drain_session",
            Self::OpenOpening { .. } => "open_opening",
            Self::CloseOpening { .. } => "close_opening",
            Self::StartCompartment { .. } => "start_compartment",
            Self::DrainCompartment { .. } => "drain_compartment",
            Self::Block { .. } => "block",
            Self::Unblock { .. } => "unblock",
            Self::Limit { .. } => "limit",
            Self::StartInstitution => "start_institution",
            Self::DrainInstitution { .. } => "drain_institution",
        }
    }

    /// What it is about, as people name it; empty if it is about the whole institution.
    #[must_use]
    pub fn target(&self) -> String {
        match self {
            Self::StartLine { line } | Self::StopLine { line } | Self::DrainLine { line, .. } => line.to_string(),
            Self::CloseSession { line, slot } | Self::DrainSession { line, slot, .. } => format!("{line}/{slot}"),
            Self::OpenOpening { key, .. } | Self::CloseOpening { key, .. } => key.readable(),
            Self::StartCompartment { compartment } | Self::DrainCompartment { compartment, .. } => {
                compartment.readable()
            }
            Self::Block { control } => control.id.to_string(),
            Self::Unblock { id } => id.to_string(),
            Self::Limit { compartment, .. } => compartment.readable(),
            Self::StartInstitution | Self::DrainInstitution { .. } => String::new(),
        }
    }

    /// The line or session that it is about, if it is about one.
    #[must_use]
    pub fn session(&self) -> Option<String> {
        let is_one = matches!(
            self,
            Self::StartLine { .. }
                | Self::StopLine { .. }
                | Self::DrainLine { .. }
                | Self::CloseSession { .. }
                | Self::DrainSession { .. }
        );
        is_one.then(|| self.target())
    }

    /// The compartment that it is about, if it is about one.
    #[must_use]
    pub fn compartment(&self) -> Option<String> {
        let is_one = matches!(self, Self::StartCompartment { .. } | Self::DrainCompartment { .. } | Self::Limit { .. });
        is_one.then(|| self.target())
    }

    /// The longest that it waits for what is in flight, if it does.
    #[must_use]
    pub const fn within(&self) -> Option<Duration> {
        match self {
            Self::DrainLine { within, .. }
            | Self::DrainSession { within, .. }
            | Self::DrainCompartment { within, .. }
            | Self::DrainInstitution { within } => Some(*within),
            _ => None,
        }
    }
}

/// Why a command is not taken: then nothing was written down and nothing follows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CommandRefused {
    /// There is none of this name.
    Unknown {
        /// Of what.
        what: &'static str,
        /// Which name.
        name: String,
        /// Those that are there.
        known: Vec<String>,
    },
    /// It is written so that it can never be done; the text says what is wrong.
    Invalid(String),
    /// There is one, but it is not such that the command makes sense; the text says how it is.
    NotNow(String),
    /// Nothing more can be written down: [`Refusal::JournalFull`] for now, or [`Refusal::JournalFailed`]. The text is for people.
    Journal(Refusal, String),
}

impl fmt::Display for CommandRefused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown { what, name, known } if known.is_empty() => write!(f, "no {what} `{name}`: there is none"),
            Self::Unknown { what, name, known } => {
                write!(f, "no {what} `{name}`; there are: {}", known.join(", "))
            }
            Self::Invalid(text) | Self::NotNow(text) | Self::Journal(_, text) => f.write_str(text),
        }
    }
}

/// Who stopped something, why, and since when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stopped {
    /// Who and why.
    pub by: By,
    /// When the command came.
    pub at: Wall,
}

impl fmt::Display for Stopped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "stopped by {}", self.by)
    }
}

/// What operators have stopped, by the names of the configuration, and nobody has started since.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Stops {
    pub(crate) institution: Option<Stopped>,
    pub(crate) lines: BTreeMap<Box<str>, Stopped>,
    #[serde(with = "pairs")]
    pub(crate) compartments: BTreeMap<Bytes, Stopped>,
    /// By protocol; those of another business date hold nothing.
    #[serde(with = "pairs")]
    pub(crate) openings: BTreeMap<(Box<str>, OpeningKey), Stopped>,
    /// What was opened by hand, until the institution was asked; as above.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty", with = "pairs")]
    pub(crate) opened: BTreeMap<(Box<str>, OpeningKey), Stopped>,
    /// What is blocked.
    #[serde(default, skip_serializing_if = "Controls::is_empty")]
    pub(crate) controls: Controls,
    /// Rates that hold instead of the configured ones.
    #[serde(default, skip_serializing_if = "Rates::is_empty")]
    pub(crate) rates: Rates,
    /// Who set each of them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty", with = "pairs")]
    pub(crate) rates_by: BTreeMap<Bytes, Stopped>,
}

impl Stops {
    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// What was closed or opened earlier is over; on the date before it is not, since the wall clock may be set back over midnight.
    fn forget_before(&mut self, key: &OpeningKey) {
        let day = |key: &OpeningKey| key.date.date().days_since_epoch();
        self.openings.retain(|(_, one), _| day(one) >= day(key) - 1);
        self.opened.retain(|(_, one), _| day(one) >= day(key) - 1);
    }

    /// Takes the next command.
    pub(crate) fn fold(&mut self, entry: &Commanded) {
        let stopped = || Stopped { by: entry.by.clone(), at: entry.at };
        match &entry.command {
            Command::StartLine { line } => _ = self.lines.remove(line),
            Command::StopLine { line } | Command::DrainLine { line, .. } => {
                self.lines.insert(line.clone(), stopped());
            }
            Command::CloseSession { .. } | Command::DrainSession { .. } => {}
            Command::OpenOpening { protocol, key } => {
                self.forget_before(key);
                let name = (protocol.clone(), key.clone());
                self.openings.remove(&name);
                if entry.waits {
                    self.opened.insert(name, stopped());
                }
            }
            Command::CloseOpening { protocol, key } => {
                self.forget_before(key);
                let name = (protocol.clone(), key.clone());
                self.opened.remove(&name);
                self.openings.insert(name, stopped());
            }
            Command::StartCompartment { compartment } => _ = self.compartments.remove(compartment),
            Command::DrainCompartment { compartment, .. } => {
                self.compartments.insert(compartment.clone(), stopped());
            }
            Command::Block { control } => {
                let (control, by, read_in) = (control.clone(), entry.by.clone(), entry.read_in.clone());
                self.controls.block(Standing { control, by, since: Some(entry.at), read_in }, entry.at);
            }
            Command::Unblock { id } => _ = self.controls.unblock(id),
            Command::Limit { compartment, rate: Some(rate) } => {
                self.rates.set(compartment.clone(), *rate);
                self.rates_by.insert(compartment.clone(), stopped());
            }
            Command::Limit { compartment, rate: None } => {
                self.rates.unset(compartment);
                self.rates_by.remove(compartment);
            }
            Command::StartInstitution => self.institution = None,
            Command::DrainInstitution { .. } => self.institution = Some(stopped()),
        }
    }
}

impl Core {
    pub(crate) fn take_command(&mut self, command: Command, by: By, now: Now) -> Result<Ticket, CommandRefused> {
        self.may_append().map_err(|(refusal, text)| CommandRefused::Journal(refusal, text))?;
        let command = self.known(command, now)?;
        let read_in = match &command {
            Command::Block { control } => control.scope.read_in(&self.institution),
            _ => Vec::new(),
        };
        let waits = match &command {
            Command::OpenOpening { protocol, key } => {
                self.opening_named(protocol, key).is_some_and(|at| self.opening_waits(at))
            }
            _ => false,
        };
        let entry = Commanded { at: now.wall, command, by: by.clone(), read_in, waits };
        self.state.stops.fold(&entry);
        let command = entry.command.clone();
        self.append(Entry::Commanded(entry));
        let ticket = self.ticket();
        match command {
            Command::StartLine { line } => {
                if let Some(line) = self.line_named(&line) {
                    self.start_line(line);
                }
            }
            Command::StopLine { line } => {
                if let Some(line) = self.line_named(&line) {
                    self.drain_scope(Scope::Line(line), Duration::ZERO, now);
                }
            }
            Command::DrainLine { line, within } => {
                if let Some(line) = self.line_named(&line) {
                    self.drain_scope(Scope::Line(line), within, now);
                }
            }
            Command::CloseSession { line, slot } => self.drain_session(&line, slot, by, Duration::ZERO, now),
            Command::DrainSession { line, slot, within } => self.drain_session(&line, slot, by, within, now),
            Command::OpenOpening { protocol, key } => {
                if let Some(at) = self.opening_named(&protocol, &key) {
                    self.open_by_hand(at, now);
                }
            }
            Command::CloseOpening { protocol, key } => {
                if let Some(at) = self.opening_named(&protocol, &key) {
                    self.close_by_hand(at, now);
                }
            }
            Command::StartCompartment { compartment } => {
                self.drain_no_more(&Scope::Compartment(compartment));
            }
            Command::DrainCompartment { compartment, within } => {
                self.drain_scope(Scope::Compartment(compartment), within, now);
            }
            Command::Block { .. } => {
                self.judge_controls();
                self.refuse_blocked(now);
            }
            Command::Unblock { .. } => self.judge_controls(),
            Command::Limit { .. } => {}
            Command::StartInstitution => {
                self.drain_no_more(&Scope::Institution);
                let lines = (0..u16::try_from(self.settings.lines.len()).unwrap_or(u16::MAX)).map(LineId);
                // One that was stopped by itself stays so, and goes on to its end.
                for line in lines.filter(|line| self.stopped(*line).is_none()).collect::<Vec<_>>() {
                    self.start_line(line);
                }
                // What came due meanwhile was not asked for.
                self.set_gap_timer();
            }
            Command::DrainInstitution { within } => self.drain_scope(Scope::Institution, within, now),
        }
        self.call_all_backups();
        Ok(ticket)
    }

    /// The command, if what it names is there; a control as the spec means it.
    fn known(&self, command: Command, now: Now) -> Result<Command, CommandRefused> {
        let unknown =
            |what, name: &str, known: Vec<String>| Err(CommandRefused::Unknown { what, name: name.to_string(), known });
        match &command {
            Command::StartLine { line } | Command::StopLine { line } | Command::DrainLine { line, .. } => {
                if self.line_named(line).is_none() {
                    return unknown("line", line, self.settings.lines.iter().map(|one| one.name.to_string()).collect());
                }
            }
            Command::CloseSession { line, slot } | Command::DrainSession { line, slot, .. } => {
                let name = |line: &str, slot: u16| format!("{line}/{slot}");
                let session =
                    self.state.sessions.iter().find(|one| one.id.slot == *slot && self.line(one.id).name == *line);
                let Some(session) = session else {
                    let known = self.state.sessions.iter().map(|one| name(&self.line(one.id).name, one.id.slot));
                    return unknown("session", &name(line, *slot), known.collect());
                };
                if !session.is_connected() && session.state != SessionState::Connecting {
                    let text =
                        format!("session {} is {}: there is no connection to close", name(line, *slot), session.state);
                    return Err(CommandRefused::NotNow(text));
                }
            }
            Command::OpenOpening { protocol, key } | Command::CloseOpening { protocol, key } => {
                let Some(at) = self.opening_named(protocol, key) else {
                    let known = self.state.openings.iter().map(|one| one.key.readable()).collect();
                    return unknown("opening", &key.readable(), known);
                };
                let is_open = self.state.openings[at as usize].state == OpeningState::Open;
                if is_open && matches!(command, Command::OpenOpening { .. }) {
                    // The institution may have lost it, and would not be asked.
                    let text =
                        format!("{} is open already: close it first if it is to be asked for again", key.readable());
                    return Err(CommandRefused::NotNow(text));
                }
            }
            Command::StartCompartment { compartment } | Command::DrainCompartment { compartment, .. } => {
                let lengths = self.books.iter().filter_map(|book| book.protocol.rules.compartment.as_ref());
                if !lengths.clone().any(|at| at.1.range().len() == compartment.len()) {
                    let known = lengths.map(|at| format!("compartments of {} bytes", at.1.range().len())).collect();
                    return unknown("compartment", &compartment.readable(), known);
                }
                // One that was drained can be started again, whatever a newer spec says of it.
                let is_drained = self.state.stops.compartments.contains_key(compartment);
                if let Some(known) = self.compartments_opened().filter(|_| !is_drained)
                    && !known.contains(&compartment.readable())
                {
                    return unknown("compartment", &compartment.readable(), known.into_iter().collect());
                }
            }
            Command::Block { control } => {
                return Ok(Command::Block { control: self.blocking(control.clone(), now)? });
            }
            Command::Unblock { id } => {
                self.may_unblock(id).map_err(CommandRefused::NotNow)?;
                if self.state.stops.controls.iter().all(|one| one.control.id != *id) {
                    let known = self.state.stops.controls.iter().map(|one| one.control.id.to_string());
                    return unknown("control", id.as_str(), known.collect());
                }
            }
            Command::Limit { compartment, rate } => {
                let lengths = self.books.iter().filter_map(|book| book.protocol.rules.compartment.as_ref());
                let mut lengths = lengths.map(|at| at.1.range().len());
                if !compartment.is_empty() && lengths.all(|len| len != compartment.len()) {
                    return unknown("compartment", &compartment.readable(), Vec::new());
                }
                let is_limited = self.state.stops.rates_by.contains_key(compartment);
                if let Some(known) = self.compartments_opened().filter(|_| !is_limited && !compartment.is_empty())
                    && !known.contains(&compartment.readable())
                {
                    return unknown("compartment", &compartment.readable(), known.into_iter().collect());
                }
                if rate.is_some_and(|rate| rate.per_second == Some(0) || rate.in_flight == Some(0)) {
                    let text = "a rate of 0 lets nothing leave; block what shall not leave, so that callers hear why";
                    return Err(CommandRefused::Invalid(text.to_string()));
                }
            }
            Command::StartInstitution | Command::DrainInstitution { .. } => {}
        }
        Ok(command)
    }

    /// The compartments of which requests can be taken, where they are participants with whom business is opened; else `None`: any may come.
    fn compartments_opened(&self) -> Option<BTreeSet<String>> {
        let is_participant = |rules: &Rules| match (&rules.compartment, &rules.participant) {
            (Some((_, compartment)), Some((_, participant))) => compartment == participant,
            (compartment, _) => compartment.is_none(),
        };
        let are_participants = self.institution.protocols.iter().all(|protocol| is_participant(&protocol.rules));
        are_participants.then(|| participants_opened(&self.institution, &self.settings.parties)).flatten()
    }

    pub(crate) fn line_named(&self, name: &str) -> Option<LineId> {
        let at = self.settings.lines.iter().position(|line| *line.name == *name)?;
        u16::try_from(at).ok().map(LineId)
    }

    fn opening_named(&self, protocol: &str, key: &OpeningKey) -> Option<u32> {
        let protocol = self.protocol_named(protocol)?;
        let at = self.state.openings.iter().position(|one| one.protocol == protocol && one.key == *key)?;
        u32::try_from(at).ok()
    }

    fn drain_session(&mut self, line: &str, slot: u16, by: By, within: Duration, now: Now) {
        let Some(line) = self.line_named(line) else { return };
        let found = self.state.sessions.iter().position(|one| one.id.line == line && one.id.slot == slot);
        if let Some(at) = found {
            let session = &mut self.state.sessions[at];
            session.stopped = Some(Stopped { by, at: now.wall });
            let conn = session.conn();
            self.drain_scope(Scope::Session(conn), within, now);
        }
    }

    /// Makes the sessions of a line, as at the start: that a slot may be in use is written down before it is.
    fn start_line(&mut self, line: LineId) {
        self.drain_no_more(&Scope::Line(line));
        self.forget_tries(line);
        if !self.is_wanted(line) {
            return;
        }
        for slot in 0..self.state.sessions.len() {
            let session = &mut self.state.sessions[slot];
            let id = session.id;
            if id.line != line || session.state != SessionState::Down || session.side != LineSide::Initiator {
                continue;
            }
            session.back_off = self.settings.lines[usize::from(line.0)].reconnect_min;
            session.waits_for = WaitsFor::Nothing;
            // What waits may not ask for it before it is written down that it is wanted.
            session.is_told = false;
            self.state.timers.stop(&TimerName::Reconnect(id));
            self.tell_session(slot, None, 0);
            self.when_durable(Effect::Connect(id));
        }
    }

    /// Who stopped a line, by itself or with the institution.
    pub(crate) fn stopped(&self, line: LineId) -> Option<&Stopped> {
        let of_line = || self.state.stops.lines.get(&self.settings.lines.get(usize::from(line.0))?.name);
        self.state.stops.institution.as_ref().or_else(of_line)
    }
}
