//! The gateway's core and the banks, with a clock, a wire and a journal that are in memory.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use pabal_clock::{Mono, Now, Wall};
use pabal_counterparty::{Connection, Counterparty, LineId as BankLine, Output as BankOutput};
use pabal_spec::Institution;
use pabal_switch::{
    CloseReason, Conn, Core, Delivery, Entry, Event, ExchangeId, LineId, Open, Opened, Output, Recovery, Refusal,
    Report, Settings, Ticket,
};

/// How long bytes, a connection or its end take from one side to the other.
const WIRE: Duration = Duration::from_millis(1);
/// How long the journal takes to make a batch durable.
const SYNC: Duration = Duration::from_millis(1);
/// How long the process is away when it is started anew.
const AWAY: Duration = Duration::from_secs(2);
/// The service that takes the notices.
const SERVICE: &str = "ledger";

/// Something that somebody may want to tell of.
#[derive(Debug)]
pub(super) enum Told {
    /// A caller hears what became of its request.
    Finish(ExchangeId, Report),
    /// The service has a notice.
    Notice(Box<Delivery>),
    /// The gateway saw something.
    Gateway(Event),
    /// A bank saw something.
    Bank(pabal_counterparty::Event),
}

/// An entry as the journal holds it: encoded, so that what is read is what was stored.
#[derive(Debug)]
pub(super) struct Stored {
    kind: &'static str,
    version: u32,
    body: Vec<u8>,
}

/// Something on its way.
#[derive(Debug)]
enum Happening {
    /// Our connection is made.
    Connected {
        conn: Conn,
        number: Connection,
    },
    /// A bank's connection arrives.
    Arrives {
        number: Connection,
        line: BankLine,
    },
    ToBank(Connection, Vec<u8>),
    ToGateway(Connection, Vec<u8>),
    /// FIN.
    EndsAtBank(Connection),
    EndsAtGateway(Connection),
    Durable(Ticket),
    /// The process is back.
    Starts,
}

/// Both sides, and what is between them.
pub(super) struct Stage {
    pub(super) now: Now,
    pub(super) bank: Counterparty,
    institution: Arc<Institution>,
    settings: Settings,
    core: Option<Core>,
    /// The durable entries.
    journal: Vec<Stored>,
    /// Batches that are being written.
    writing: BTreeMap<u64, Vec<Stored>>,
    /// Connections, as both sides name them; the gateway has none of those that it does not know.
    wires: BTreeMap<Connection, Option<Conn>>,
    agenda: BTreeMap<(Mono, u64), Happening>,
    happenings: u64,
    connections: u64,
    seed: u64,
    told: Vec<(Now, Told)>,
}

impl Stage {
    pub(super) fn set(
        institution: Arc<Institution>,
        settings: Settings,
        bank: Counterparty,
        seed: u64,
        now: Now,
    ) -> Self {
        let mut stage = Self {
            now,
            bank,
            institution,
            settings,
            core: None,
            journal: Vec::new(),
            writing: BTreeMap::new(),
            wires: BTreeMap::new(),
            agenda: BTreeMap::new(),
            happenings: 0,
            connections: 0,
            seed,
            told: Vec::new(),
        };
        stage.start();
        stage.pump();
        stage
    }

    /// What happened since this was last asked, with its time.
    pub(super) fn told(&mut self) -> Vec<(Now, Told)> {
        std::mem::take(&mut self.told)
    }

    /// The core; `None` while the process is away.
    pub(super) const fn core(&self) -> Option<&Core> {
        self.core.as_ref()
    }

    /// Every durable entry, read again. An entry that cannot be read is a fault of ours.
    pub(super) fn entries(&self) -> impl Iterator<Item = Result<Entry, Box<str>>> + '_ {
        self.journal.iter().map(|stored| Entry::decode(stored.kind, stored.version, &stored.body))
    }

    /// Lets things happen up to this time, if it is still to come.
    pub(super) fn run_until(&mut self, end: Mono) {
        let end = end.max(self.now.mono);
        loop {
            let core_at = self.core.as_ref().and_then(Core::poll_timeout).map(|(at, _)| at);
            let bank_at = self.bank.poll_timeout().map(|(at, _)| at);
            let agenda_at = self.agenda.first_key_value().map(|((at, _), _)| *at);
            let next = [core_at, bank_at, agenda_at].into_iter().flatten().min();
            let Some(next) = next.map(|at| at.max(self.now.mono)).filter(|at| *at <= end) else { break };
            self.pass_to(next);
            if agenda_at.is_some_and(|at| at <= next) {
                if let Some((_, happening)) = self.agenda.pop_first() {
                    self.happen(happening);
                }
            } else if core_at.is_some_and(|at| at <= next) {
                if let Some(core) = &mut self.core {
                    core.handle_timeout(self.now);
                }
            } else {
                self.bank.handle_timeout(self.now);
            }
            self.pump();
        }
        self.pass_to(end);
    }

    /// A caller asks.
    pub(super) fn open(&mut self, open: Open) -> Result<ExchangeId, (Refusal, String)> {
        let Some(core) = &mut self.core else { return Err((Refusal::Draining, "the process is away".into())) };
        let opened = core.open(open, self.now);
        self.pump();
        opened.map(|(Opened::New(exchange) | Opened::Known(exchange))| exchange)
    }

    /// The process dies, with whatever it had in memory, and is started again.
    pub(super) fn kill(&mut self) {
        self.core = None;
        self.writing.clear();
        let connections: Vec<_> = std::mem::take(&mut self.wires).into_keys().collect();
        for number in connections {
            self.bank.handle_closed(number, self.now);
        }
        self.plan(AWAY, Happening::Starts);
        self.pump();
    }

    /// Every connection is cut, as by a firewall that is started anew; both sides see it.
    pub(super) fn cut(&mut self) {
        for (number, conn) in std::mem::take(&mut self.wires) {
            self.bank.handle_closed(number, self.now);
            if let (Some(core), Some(conn)) = (&mut self.core, conn) {
                core.handle_closed(conn, CloseReason::Reset, self.now);
            }
        }
        self.pump();
    }

    fn pass_to(&mut self, at: Mono) {
        let micros = i64::try_from(at.since(self.now.mono).as_micros()).unwrap_or(0);
        self.now = Now { mono: at, wall: Wall::from_unix_micros(self.now.wall.as_unix_micros() + micros) };
    }

    fn plan(&mut self, after: Duration, happening: Happening) {
        self.happenings += 1;
        self.agenda.insert((self.now.mono + after, self.happenings), happening);
    }

    /// A new process: what it knows is what the journal says.
    fn start(&mut self) {
        let mut recovery = Recovery::new();
        for entry in self.entries() {
            match entry {
                Ok(entry) => recovery.fold(entry),
                Err(why) => panic!("an entry of ours cannot be read again: {why}"),
            }
        }
        self.seed = self.seed.wrapping_add(1);
        let versions = vec![Arc::clone(&self.institution)];
        self.core = Some(Core::new(versions, self.settings.clone(), recovery, self.seed, self.now));
    }

    fn happen(&mut self, happening: Happening) {
        let now = self.now;
        match happening {
            Happening::Connected { conn, number } => {
                let Some(core) = &mut self.core else { return };
                self.wires.insert(number, Some(conn));
                self.bank.handle_connected(number, BankLine(conn.session.line.0), now);
                core.handle_connected(conn, now);
            }
            Happening::Arrives { number, line } => {
                let Some(core) = &mut self.core else {
                    self.bank.handle_connect_failed(line, now);
                    return;
                };
                self.bank.handle_connected(number, line, now);
                match core.handle_accepted(LineId(line.0), now) {
                    Ok(conn) => drop(self.wires.insert(number, Some(conn))),
                    Err(_) => self.bank.handle_closed(number, now),
                }
            }
            Happening::ToBank(number, bytes) => {
                if self.wires.contains_key(&number) {
                    self.bank.handle_received(number, &bytes, now);
                }
            }
            Happening::ToGateway(number, bytes) => {
                if let (Some(core), Some(Some(conn))) = (&mut self.core, self.wires.get(&number)) {
                    core.handle_received(*conn, &bytes, now);
                }
            }
            Happening::EndsAtBank(number) => {
                if self.wires.contains_key(&number) {
                    self.bank.handle_closed(number, now);
                    self.plan(WIRE, Happening::EndsAtGateway(number));
                }
            }
            Happening::EndsAtGateway(number) => self.ends_at_gateway(number, CloseReason::PeerClosed),
            Happening::Durable(ticket) => {
                let Some(core) = &mut self.core else { return };
                self.journal.extend(self.writing.remove(&ticket.0).unwrap_or_default());
                core.handle_durable(ticket, now);
            }
            Happening::Starts => self.start(),
        }
    }

    fn ends_at_gateway(&mut self, number: Connection, reason: CloseReason) {
        let wire = self.wires.remove(&number);
        if let (Some(core), Some(Some(conn))) = (&mut self.core, wire) {
            core.handle_closed(conn, reason, self.now);
        }
    }

    /// Does what both sides want done, until neither wants anything more.
    fn pump(&mut self) {
        loop {
            let mut quiet = true;
            while let Some(output) = self.core.as_mut().and_then(Core::poll_output) {
                quiet = false;
                self.do_for_gateway(output);
            }
            quiet &= !self.write();
            while let Some(output) = self.bank.poll_output() {
                quiet = false;
                self.do_for_bank(output);
            }
            if quiet {
                return;
            }
        }
    }

    /// Puts on the wire what the core lets go. `true` if anything went.
    fn write(&mut self) -> bool {
        let mut wrote = false;
        for (number, conn) in self.wires.clone() {
            let (Some(core), Some(conn)) = (&mut self.core, conn) else { continue };
            let bytes = core.poll_write(conn).to_vec();
            if !bytes.is_empty() {
                wrote = true;
                core.handle_wrote(conn, bytes.len(), self.now);
                self.plan(WIRE, Happening::ToBank(number, bytes));
            }
        }
        wrote
    }

    fn do_for_gateway(&mut self, output: Output) {
        match output {
            Output::Connect { conn, .. } => {
                let number = self.number();
                self.plan(WIRE, Happening::Connected { conn, number });
            }
            Output::Close { conn, reason, abort } => {
                let number = self.wires.iter().find(|(_, ours)| **ours == Some(conn)).map(|(number, _)| *number);
                let Some(number) = number else {
                    // It was not made yet, and is not made any more.
                    self.agenda.retain(
                        |_, next| !matches!(next, Happening::Connected { conn: given_up, .. } if *given_up == conn),
                    );
                    return;
                };
                if abort {
                    self.bank.handle_closed(number, self.now);
                    self.ends_at_gateway(number, reason);
                } else {
                    self.plan(WIRE, Happening::EndsAtBank(number));
                }
            }
            Output::Append { ticket, entries } => {
                let stored = entries.iter().map(|entry| Stored {
                    kind: entry.kind(),
                    version: entry.version(),
                    body: entry.encode(&|_| [0; 32]),
                });
                self.writing.insert(ticket.0, stored.collect());
                self.plan(SYNC, Happening::Durable(ticket));
            }
            Output::Finish { exchange, report } => self.told.push((self.now, Told::Finish(exchange, report))),
            Output::Deliver(delivery) => {
                if let Some(core) = &mut self.core {
                    core.delivered(delivery.notice, SERVICE, self.now);
                }
                self.told.push((self.now, Told::Notice(delivery)));
            }
            Output::Replied { .. } => {}
            Output::Event(event) => self.told.push((self.now, Told::Gateway(event))),
        }
    }

    fn do_for_bank(&mut self, output: BankOutput) {
        match output {
            BankOutput::Send { connection, bytes } => self.plan(WIRE, Happening::ToGateway(connection, bytes)),
            BankOutput::Connect { line } => {
                let number = self.number();
                self.plan(WIRE, Happening::Arrives { number, line });
            }
            BankOutput::Close { connection } => {
                // Both ends close: nobody has anything more to say.
                self.ends_at_gateway(connection, CloseReason::PeerClosed);
                self.bank.handle_closed(connection, self.now);
            }
            BankOutput::Reset { connection } => self.ends_at_gateway(connection, CloseReason::Reset),
            BankOutput::Event(event) => self.told.push((self.now, Told::Bank(event))),
        }
    }

    fn number(&mut self) -> Connection {
        self.connections += 1;
        Connection(self.connections)
    }
}
