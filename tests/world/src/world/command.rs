//! Operators: what they stop and start, and what must not happen in between.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use pabal_clock::Mono;
use pabal_switch::control::{Control, ControlId, FieldScope, Holds, Scope, Window};
use pabal_switch::entry::Commanded;
use pabal_switch::{
    By, Command, CommandRefused, Conn, Core, ExchangeId, ExchangeState, LineId, OpeningKey, Over, Rate, Rates,
    SessionState,
};
use pabal_telegram::Decimal;

use crate::chance::Chance;
use crate::coverage::Fault;
use crate::setup::BANKS;
use crate::world::{Event, World, plus};

/// The longest that a drain is given.
const WITHIN_MS_MAX: u64 = 60_000;

/// What operators have stopped and not started since, by the entries of the journal.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Stops {
    institution: bool,
    lines: BTreeSet<Box<str>>,
    compartments: BTreeSet<Vec<u8>>,
    /// Company and bank, and the date.
    openings: BTreeSet<OpeningKey>,
    /// Opened by hand, and not closed since: what cannot be asked for at once is asked for later, at any hour.
    opened: BTreeSet<OpeningKey>,
    controls: BTreeMap<ControlId, Control>,
    /// By bank, or for all of them.
    rates: BTreeMap<Vec<u8>, Rate>,
}

impl Stops {
    pub(super) fn fold(&mut self, entry: &Commanded) {
        match entry.command.clone() {
            Command::StartLine { line } => _ = self.lines.remove(&line),
            Command::StopLine { line } | Command::DrainLine { line, .. } => _ = self.lines.insert(line),
            Command::StartCompartment { compartment } => _ = self.compartments.remove(&*compartment),
            Command::DrainCompartment { compartment, .. } => _ = self.compartments.insert(compartment.to_vec()),
            Command::OpenOpening { key, .. } => {
                self.openings.remove(&key);
                self.opened.insert(key);
            }
            Command::CloseOpening { key, .. } => {
                // What was closed more than a day before is over for good, though the clock may be set back to it.
                let day = |key: &OpeningKey| key.date.date().days_since_epoch();
                self.openings.retain(|one| day(one) >= day(&key) - 1);
                self.opened.remove(&key);
                self.openings.insert(key);
            }
            Command::Block { control } => {
                // Those that are over for good go with the next one, and do not come back when the clock is set back.
                self.controls.retain(|_, one| one.window.until.is_none_or(|until| entry.at < until));
                self.controls.insert(control.id.clone(), control);
            }
            Command::Unblock { id } => _ = self.controls.remove(&id),
            Command::Limit { compartment, rate: Some(rate) } => _ = self.rates.insert(compartment.to_vec(), rate),
            Command::Limit { compartment, rate: None } => _ = self.rates.remove(&*compartment),
            Command::StartInstitution => self.institution = false,
            Command::DrainInstitution { .. } => self.institution = true,
            _ => {}
        }
    }

    /// Whether it is stopped by itself, and not with the institution.
    pub(super) fn has_line_itself(&self, line: &str) -> bool {
        self.lines.contains(line)
    }

    pub(super) fn has_line(&self, line: &str) -> bool {
        self.institution || self.lines.contains(line)
    }

    /// Whether a caller's request is not to be taken in, nor to leave.
    pub(super) fn has_compartment(&self, compartment: &[u8]) -> bool {
        self.institution || self.compartments.contains(compartment)
    }

    /// Whether business is closed by hand: the opening's values one behind the other, and the date.
    pub(super) fn has_opening(&self, name: &[u8], date: &str) -> bool {
        let is = |key: &&OpeningKey| key.values.concat() == name && key.date.date().yyyymmdd().to_string() == date;
        self.openings.iter().find(is).is_some()
    }

    /// Whether it was opened by hand at last: the opening's values one behind the other, and the date.
    pub(super) fn opened_by_hand(&self, name: &[u8], date: &str) -> bool {
        let is = |key: &&OpeningKey| key.values.concat() == name && key.date.date().yyyymmdd().to_string() == date;
        self.opened.iter().find(is).is_some()
    }

    /// The rate of a bank: what names it before what is for each, and what was commanded before what is configured.
    fn rate(&self, configured: &Rates, bank: &[u8]) -> Rate {
        let configured = |name: &[u8]| configured.iter().find(|(one, _)| ***one == *name).map(|(_, rate)| *rate);
        let set = |name: &[u8]| self.rates.get(name).copied().or_else(|| configured(name));
        set(bank).or_else(|| set(b"")).unwrap_or_default()
    }

    /// Commands that start all that is stopped.
    fn starts(&self, today: &str) -> Vec<Command> {
        let lines = self.lines.iter().map(|line| Command::StartLine { line: line.clone() });
        let compartments =
            self.compartments.iter().map(|one| Command::StartCompartment { compartment: one[..].into() });
        // Those of another date hold nothing, and nobody can name them any more.
        let openings = self.openings.iter().filter(|key| key.date.date().yyyymmdd().to_string() == today);
        let openings = openings.map(|key| Command::OpenOpening { protocol: PROTOCOL.into(), key: key.clone() });
        let controls = self.controls.keys().map(|id| Command::Unblock { id: id.clone() });
        let rates = self.rates.keys().map(|bank| Command::Limit { compartment: bank[..].into(), rate: None });
        self.institution
            .then_some(Command::StartInstitution)
            .into_iter()
            .chain(lines)
            .chain(compartments)
            .chain(openings)
            .chain(controls)
            .chain(rates)
            .collect()
    }
}

const PROTOCOL: &str = "firmbanking";

/// The fault that a command is; what starts something is none.
const fn fault_of(command: &Command) -> Option<Fault> {
    match command {
        Command::StopLine { .. } => Some(Fault::StopLine),
        Command::DrainLine { .. } => Some(Fault::DrainLine),
        Command::CloseSession { .. } => Some(Fault::CloseSession),
        Command::DrainSession { .. } => Some(Fault::DrainSession),
        Command::CloseOpening { .. } => Some(Fault::CloseOpening),
        Command::DrainCompartment { .. } => Some(Fault::DrainCompartment),
        Command::DrainInstitution { .. } => Some(Fault::DrainInstitution),
        Command::Block { .. } => Some(Fault::Block),
        Command::Limit { rate: Some(_), .. } => Some(Fault::Limit),
        _ => None,
    }
}

impl World {
    fn today(&self) -> String {
        self.day.business_date(self.now.wall).date().yyyymmdd().to_string()
    }

    /// Some operator gives a command soon, just when something is where it stays for a moment only.
    fn operates_soon(&mut self, per_mille: u32, micros_max: u64, command: Command) {
        if self.setup.commands > 0 && !self.healthy && self.chance.per_mille(per_mille) {
            let at = self.now.mono + Duration::from_micros(self.chance.between(0, micros_max));
            self.agenda.plan(at, Event::Operates(Some(Box::new(command))));
        }
    }

    /// Operators act while requests are on their way into a socket that takes no more.
    pub(super) fn operates_while_full(&mut self) {
        if self.setup.commands == 0 || self.healthy {
            return;
        }
        for _ in 0..3 {
            let at = self.now.mono + Duration::from_micros(self.chance.between(0, 500_000));
            self.agenda.plan(at, Event::Operates(None));
        }
    }

    /// A session waits for the answer to a poll telegram.
    pub(super) fn probes(&mut self, conn: Conn) {
        let line = self.settings.lines[usize::from(conn.session.line.0)].name.clone();
        let within = Duration::from_secs(self.chance.between(0, 20));
        self.operates_soon(50, 1_500, Command::DrainSession { line, slot: conn.session.slot, within });
    }

    /// Business that was open is not.
    pub(super) fn loses(&mut self, key: &OpeningKey) {
        let command = Command::CloseOpening { protocol: PROTOCOL.into(), key: key.clone() };
        self.operates_soon(800, 1_000_000, command);
    }

    /// An operator stops something, or starts what is stopped.
    pub(super) fn operate(&mut self, command: Option<Command>) {
        if self.core.is_none() {
            return;
        }
        if let Some(command) = command {
            return self.command(command);
        }
        let starts = self.stops.starts(&self.today());
        let command = if !starts.is_empty() && self.chance.per_mille(500) {
            starts[self.chance.index(starts.len())].clone()
        } else {
            self.some_stop()
        };
        self.command(command);
    }

    fn some_stop(&mut self) -> Command {
        let within = match self.chance.between(0, 2) {
            0 => Duration::ZERO,
            1 => Duration::from_millis(self.chance.between(0, 2_000)),
            _ => Duration::from_millis(self.chance.between(0, WITHIN_MS_MAX)),
        };
        let line = &self.settings.lines[self.chance.index(self.settings.lines.len())];
        let (line, sessions_max) = (line.name.clone(), line.sessions_max);
        let slot = u16::try_from(self.chance.between(0, u64::from(sessions_max) - 1)).unwrap_or(0);
        // Some of the first banks, which have most to do.
        let bank = BANKS[self.chance.index(3)];
        let bank = self.busy.filter(|_| self.chance.per_mille(300)).unwrap_or(bank);
        match self.chance.between(0, 19) {
            14..=16 => Command::Block { control: self.some_control(bank) },
            17..=18 => {
                let compartment = if self.chance.per_mille(700) { bank.as_bytes() } else { b"" };
                Command::Limit { compartment: compartment.into(), rate: Some(some_rate(&mut self.chance)) }
            }
            0..=2 => Command::StopLine { line },
            3..=4 => Command::DrainLine { line, within },
            5..=6 => Command::CloseSession { line, slot },
            7..=8 => Command::DrainSession { line, slot, within },
            9..=10 => Command::DrainCompartment { compartment: bank.as_bytes().into(), within },
            11 | 19 => Command::DrainInstitution { within },
            _ => {
                let openings = self.core.as_ref().map(|core| core.status().openings).unwrap_or_default();
                let of_bank =
                    openings.into_iter().find(|one| one.key.values.last().is_some_and(|it| **it == *bank.as_bytes()));
                match of_bank {
                    Some(one) => Command::CloseOpening { protocol: PROTOCOL.into(), key: one.key },
                    None => Command::CloseSession { line, slot },
                }
            }
        }
    }

    /// All, transfers, those of a bank, to a bank, or from some accounts; until it is lifted, or for some seconds.
    fn some_control(&mut self, bank: &str) -> Control {
        let mut scope = Scope::default();
        match self.chance.between(0, 4) {
            0 => {}
            1 => scope.exchanges.push("transfer".into()),
            2 => scope.participants.push(bank.into()),
            3 => scope.fields.push(FieldScope {
                field: "credit_bank_code".into(),
                holds: Holds::OneOf(vec![bank.into(), BANKS[self.chance.index(BANKS.len())].into()]),
            }),
            _ => scope.fields.push(FieldScope {
                field: "debit_account".into(),
                holds: Holds::Between { from: "110000000000".into(), to: "110000000040".into() },
            }),
        }
        let mut window = Window::default();
        if self.chance.per_mille(400) {
            let begins = Duration::from_millis(self.chance.between(0, 5_000));
            let from = plus(self.now.wall, begins);
            window.from = self.chance.per_mille(500).then_some(from);
            window.until = Some(plus(from, Duration::from_millis(self.chance.between(1, 60_000))));
        }
        let id = ControlId::parse(&format!("control-{}", self.chance.between(0, 5))).expect("it is a name");
        Control { id, scope, window, message: "later".into() }
    }

    /// Whether a control means a caller's transfer now, as this side reads it.
    pub(super) fn is_blocked(&self, bank: &[u8], telegram: &[u8]) -> Option<&ControlId> {
        let layout = self.plan.request_layout();
        let text = |name: &str| {
            let bytes = layout.find(name).and_then(|(_, field)| field.at.of(telegram)).unwrap_or_default();
            String::from_utf8_lossy(bytes).trim_end().to_owned()
        };
        let bank = String::from_utf8_lossy(bank);
        let means = |control: &&Control| {
            let (scope, window) = (&control.scope, &control.window);
            let in_window = window.from.is_none_or(|from| from <= self.now.wall)
                && window.until.is_none_or(|until| self.now.wall < until);
            let in_field = |field: &FieldScope| match &field.holds {
                Holds::OneOf(values) => values.iter().any(|value| **value == text(&field.field)),
                Holds::Between { from, to } => {
                    let text = text(&field.field);
                    text.get(..from.len()).is_some_and(|begin| **from <= *begin && *begin <= **to)
                }
                Holds::Numbers { from, to } => text(&field.field)
                    .parse::<Decimal>()
                    .is_ok_and(|one| one.scale == 0 && from.units <= one.units && one.units <= to.units),
            };
            in_window
                && (scope.participants.is_empty() || scope.participants.iter().any(|one| **one == *bank))
                && scope.fields.iter().all(in_field)
        };
        self.stops.controls.values().find(means).map(|control| &control.id)
    }

    /// A request departs: not more of a bank in any second, and at a time, than its rate allows.
    pub(super) fn is_in_its_rate(&mut self, exchange: ExchangeId) -> Result<(), String> {
        let Some(bank) = self.tracks.get(&exchange).map(|track| track.compartment.clone()) else { return Ok(()) };
        let rate = self.stops.rate(&self.settings.rates, &bank);
        if rate.per_second.is_none() {
            // What left before a rate was set is not counted by it.
            self.departed.remove(&bank);
            return Ok(());
        }
        let departed = self.departed.entry(bank.clone()).or_default();
        departed.push_back(self.now.mono);
        while departed.front().is_some_and(|at| *at + Duration::from_secs(1) <= self.now.mono) {
            departed.pop_front();
        }
        let bank = String::from_utf8_lossy(&bank).into_owned();
        self.counts.paced += 1;
        if rate.per_second.is_some_and(|most| departed.len() > most as usize) {
            return Err(format!("{exchange} is one of {} of {bank} in a second: {rate:?}", departed.len()));
        }
        Ok(())
    }

    /// Whether the rate of a compartment keeps its next request, with so many in flight.
    pub(super) fn is_paced(&self, compartment: &[u8], in_flight: u32) -> bool {
        let rate = self.stops.rate(&self.settings.rates, compartment);
        let lately = |at: &&Mono| **at + Duration::from_secs(1) > self.now.mono;
        let departed = self.departed.get(compartment).map_or(0, |departed| departed.iter().filter(lately).count());
        // No process knows what left in the last second of the one before it.
        let is_after_another = self.starts > 1 && self.now.mono < self.started_at + Duration::from_secs(1);
        rate.in_flight.is_some_and(|most| in_flight >= most)
            || rate.per_second.is_some_and(|most| departed >= most as usize || is_after_another)
    }

    fn command(&mut self, command: Command) {
        if let Some(fault) = fault_of(&command) {
            self.hit_all(fault);
        }
        let by = By { actor: "operator".into(), reason: "because".into() };
        let Some(core) = &mut self.core else { return };
        self.by_hand = true;
        let taken = core.command(command.clone(), by, self.now);
        let word = command.word();
        self.trace
            .line(self.now, format_args!("an operator: {word} {} {:?} {taken:?}", command.target(), command.within()));
        match taken {
            Ok(_) => {
                self.counts.commands += 1;
                self.routes_commanded(&command);
                let number = self.counts.commands;
                self.last_commands.insert(command.target(), number);
                self.pump();
                if let Some(within) = command.within() {
                    let over = self.now.mono + within + Duration::from_millis(1);
                    self.agenda
                        .plan(over, Event::DrainOver { command: Box::new(command), number, starts: self.starts });
                } else {
                    self.is_over(&command);
                }
            }
            // An opening of yesterday is none.
            Err(CommandRefused::Unknown { what, .. }) if what != "opening" => {
                self.broken.get_or_insert(format!("{word} {} names nothing", command.target()));
            }
            Err(_) => self.counts.commands_refused += 1,
        }
        self.by_hand = false;
    }

    /// The time of a drain is over.
    pub(super) fn drain_is_over(&mut self, command: &Command, number: u64, starts: u32) {
        // A process that came behind has no such drain: it made no session. And another command may have come behind.
        if starts == self.starts && self.last_commands.get(&command.target()) == Some(&number) {
            self.pump();
            self.is_over(command);
        }
    }

    /// What a command stopped has ended, unless it was started meanwhile.
    fn is_over(&mut self, command: &Command) {
        let Some(core) = &self.core else { return };
        if self.disk.failed {
            return;
        }
        let broken = match command {
            Command::StopLine { line } | Command::DrainLine { line, .. } if self.stops.lines.contains(line) => {
                self.is_connected(core, Some(line))
            }
            Command::DrainInstitution { .. } if self.stops.institution => {
                self.is_connected(core, None).or_else(|| self.is_in_flight(core, None))
            }
            Command::DrainCompartment { compartment, .. } if self.stops.compartments.contains(&**compartment) => {
                self.is_in_flight(core, Some(&**compartment))
            }
            _ => None,
        };
        if let Some(broken) = broken {
            self.broken.get_or_insert(format!("after {} {}: {broken}", command.word(), command.target()));
        }
    }

    fn is_connected(&self, core: &Core, line: Option<&str>) -> Option<String> {
        // Signing off takes a while of its own.
        let is_there = |state| !matches!(state, SessionState::Down | SessionState::Closing | SessionState::SigningOff);
        let of_line = |name: &str| line.is_none_or(|line| *line == *name);
        let found = core.status().sessions.into_iter().find(|one| of_line(&one.line) && is_there(one.state));
        found.map(|one| format!("a session is {}: {one:?}", one.state))
    }

    fn is_in_flight(&self, core: &Core, compartment: Option<&[u8]>) -> Option<String> {
        let of_scope = |id: &&ExchangeId| {
            let track = self.tracks.get(*id);
            // Openings and inquiries leave for a compartment that takes no requests.
            track.is_some_and(|track| compartment.is_none_or(|one| track.is_callers && *one == *track.compartment))
        };
        let is_in_flight = |id: &&ExchangeId| {
            let one = core.exchange(**id);
            one.is_some_and(|one| matches!(one.state, ExchangeState::Sending | ExchangeState::Sent))
        };
        let found = self.flying.iter().filter(of_scope).find(is_in_flight);
        found.map(|id| format!("{id} is in flight"))
    }

    /// A connection is asked for, or taken: nobody has stopped its line.
    pub(super) fn may_connect(&mut self, line: LineId) {
        let name = &self.settings.lines[usize::from(line.0)].name;
        if self.stops.has_line(name) {
            self.broken.get_or_insert(format!("a session of line {name} is made, which an operator has stopped"));
        }
    }

    /// A connection was taken: never more than the line may have.
    pub(super) fn slots_hold(&mut self, line: LineId) {
        let settings = &self.settings.lines[usize::from(line.0)];
        let count = self.ours.keys().filter(|conn| conn.session.line == line).count();
        if count > usize::from(settings.sessions_max) {
            let (name, max) = (&settings.name, settings.sessions_max);
            self.broken.get_or_insert(format!("we hold {count} connections of line {name}, and it may have {max}"));
        }
    }

    /// All is to be well again: what is stopped is started, now or as soon as there is a process that takes commands.
    pub(super) fn start_all(&mut self) {
        if self.core.is_some() {
            for start in self.stops.starts(&self.today()) {
                self.command(start);
            }
        }
        if !self.stops.starts(&self.today()).is_empty() {
            self.agenda.plan(self.now.mono + Duration::from_secs(1), Event::StartAll);
        }
    }
}

/// Of each bank, in the order of time: when requests departed in the last second.
pub(super) type Departed = BTreeMap<Vec<u8>, VecDeque<Mono>>;

pub(crate) fn some_rate(chance: &mut Chance) -> Rate {
    let number = |chance: &mut Chance, max| u32::try_from(chance.between(1, max)).unwrap_or(1);
    let per_second = chance.per_mille(700).then(|| number(chance, 5));
    let in_flight = (per_second.is_none() || chance.per_mille(300)).then(|| number(chance, 4));
    Rate { per_second, in_flight, over: if chance.per_mille(300) { Over::Refuse } else { Over::Wait } }
}
