mod connection;
mod fault;
mod judge;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use pabal_clock::{Mono, Now, Wall};
use pabal_counterparty::{Connection, Counterparty, LineId as BankLine, Scenario};
use pabal_spec::Institution;
use pabal_switch::{
    Conn, Core, Entry, ExchangeId, Inquire, Opened, Outcome, Output, Plan, Recovery, Report as Told, Settings, Ticket,
};

use crate::agenda::Agenda;
use crate::chance::Chance;
use crate::checks::{self, Request};
use crate::counts::Counts;
use crate::disk::Disk;
use crate::setup::{self, Setup};
use crate::trace::Trace;
use crate::wire::Link;
use crate::workload::{self, Wish};

/// The longest that a run may take in steps; a world that does not come to rest is broken.
const STEPS_MAX: u64 = 400_000;
/// How long the faulty half takes, in virtual time.
const FAULTY: Duration = Duration::from_secs(180);
/// How long the healed half takes; longer than any timeout and any close grace.
const HEALED: Duration = Duration::from_secs(400);
/// 2026-11-20 22:00:00 in Seoul: a run ends before midnight.
const BEGIN_UNIX_SECONDS: i64 = 1_795_179_600;

/// A sentence is broken: which, when, and the last lines of the trace.
#[derive(Clone, Debug)]
pub struct Failure {
    /// Run it again with this.
    pub setup: Setup,
    /// What is not true.
    pub broken: String,
    /// What happened before.
    pub tail: String,
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "seed {}: {}\n{}{:?}", self.setup.seed, self.broken, self.tail, self.setup)
    }
}

/// A run that kept every sentence.
#[derive(Clone, Debug)]
pub struct Report {
    /// Of the whole trace.
    pub hash: u64,
    /// What happened.
    pub counts: Counts,
    /// How many steps it took.
    pub steps: u64,
}

/// Something that the world has planned.
#[derive(Clone, Debug)]
enum Event {
    /// Our connection is made, or not.
    Connecting { conn: Conn, number: Connection, works: bool },
    /// The institution's connection arrives at our listener.
    Arriving { number: Connection, line: BankLine },
    /// A sync is done.
    Synced,
    /// A caller opens a request.
    Wish(Box<Wish>),
    /// A caller goes away.
    Leaves(ExchangeId),
    /// A caller asks again under its key.
    Again { request: usize, wish: Box<Wish> },
    /// An operator inquires about what is UNKNOWN.
    Inquiries,
    /// One fault, of a seeded kind.
    Fault,
    /// The institution finds out that a connection is gone.
    FindsOut(Connection),
    /// The process dies.
    Dies,
    /// It comes back.
    Restart,
    /// No more faults.
    Heal,
}

struct World {
    setup: Setup,
    chance: Chance,
    now: Now,
    agenda: Agenda<Event>,
    institution: Arc<Institution>,
    settings: Settings,
    plan: Arc<Plan>,
    core: Option<Core>,
    bank: Counterparty,
    disk: Disk,
    links: BTreeMap<Connection, Link>,
    ours: BTreeMap<Conn, Connection>,
    next_link: u64,
    healthy: bool,
    requests: Vec<Request>,
    of_exchange: BTreeMap<ExchangeId, usize>,
    inquired: BTreeMap<ExchangeId, ExchangeId>,
    /// Exchanges of which the first byte was written.
    left: BTreeSet<String>,
    trace: Trace,
    counts: Counts,
    broken: Option<String>,
}

/// Runs a world to its end.
///
/// # Errors
/// A sentence was broken, or the world did not come to rest.
pub fn run(setup: Setup) -> Result<Report, Box<Failure>> {
    let mut world = World::new(setup);
    let mut steps = 0;
    let end = world.now.mono + FAULTY + HEALED;
    while world.broken.is_none() && world.step(end) {
        steps += 1;
        if steps > STEPS_MAX {
            world.broken = Some(format!("no rest after {STEPS_MAX} steps"));
        }
    }
    if world.broken.is_none() {
        world.broken = world.judge().err();
    }
    match world.broken {
        None => Ok(Report { hash: world.trace.hash(), counts: world.counts, steps }),
        Some(broken) => Err(Box::new(Failure { setup, broken, tail: world.trace.tail(60) })),
    }
}

impl World {
    fn new(setup: Setup) -> Self {
        let mut chance = Chance::new(setup.seed);
        let institution = setup::institution();
        let settings = setup::settings(setup, &mut chance);
        let now = Now { mono: Mono::from_nanos(1_000_000_000), wall: Wall::from_unix_seconds(BEGIN_UNIX_SECONDS) };
        let plan = workload::transfer_plan(&institution);
        let protocol = Arc::clone(&institution.protocols[0]);
        let scenario = Scenario::parse(setup::scenario(setup.hostile), "scenario", &protocol)
            .unwrap_or_else(|mistakes| panic!("the shipped scenario has mistakes: {mistakes:?}"));
        let sessions = settings.lines.iter().map(|l| l.sessions_max).max().unwrap_or(1);
        let contract = if setup.duplex {
            pabal_counterparty::Settings::duplex(sessions)
        } else {
            let mut pair = pabal_counterparty::Settings::pair(1);
            for (line, ours) in pair.lines.iter_mut().zip(&settings.lines) {
                line.sessions = ours.sessions_max;
            }
            pair
        };
        let bank = Counterparty::new(protocol, Arc::new(scenario), contract, chance.bits(), now);
        let mut world = Self {
            setup,
            now,
            agenda: Agenda::new(),
            institution,
            settings,
            plan,
            core: None,
            bank,
            disk: Disk::default(),
            links: BTreeMap::new(),
            ours: BTreeMap::new(),
            next_link: 0,
            healthy: false,
            requests: Vec::new(),
            of_exchange: BTreeMap::new(),
            inquired: BTreeMap::new(),
            left: BTreeSet::new(),
            trace: Trace::new(setup.print),
            counts: Counts::default(),
            broken: None,
            chance,
        };
        world.start();
        world.plan_all();
        world
    }

    fn plan_all(&mut self) {
        let begin = self.now.mono;
        for number in 0..self.setup.requests {
            let wish = workload::wish(&self.plan, number, &mut self.chance);
            // Some come before anything is open, and some when all is well again.
            let at = begin + Duration::from_millis(self.chance.between(10, 200_000));
            self.agenda.plan(at, Event::Wish(Box::new(wish)));
        }
        for _ in 0..self.setup.fault_per_mille {
            let at = begin + Duration::from_millis(self.chance.between(0, 179_000));
            self.agenda.plan(at, Event::Fault);
        }
        for minute in 1..9 {
            self.agenda.plan(begin + Duration::from_secs(minute * 60), Event::Inquiries);
        }
        self.agenda.plan(begin + FAULTY, Event::Heal);
    }

    fn start(&mut self) {
        let mut recovery = Recovery::new();
        for stored in self.disk.since_checkpoint() {
            match Entry::decode(stored.kind, stored.version, &stored.body) {
                Ok(entry) => recovery.fold(entry),
                Err(why) => self.broken = Some(format!("a durable entry cannot be read again: {why}")),
            }
        }
        let seed = self.chance.bits();
        self.core =
            Some(Core::new(vec![Arc::clone(&self.institution)], self.settings.clone(), recovery, seed, self.now));
        self.trace.line(self.now, format_args!("the process starts"));
        self.pump();
    }

    /// One thing happens. `false` at the end of time.
    fn step(&mut self, end: Mono) -> bool {
        let core_at = self.core.as_ref().and_then(Core::poll_timeout).map(|(at, _)| at);
        let wire_at = self.links.values().flat_map(|l| [l.out.next_at(), l.back.next_at()]).flatten().min();
        let times = [self.agenda.first_at(), wire_at, core_at, self.bank.poll_timeout().map(|(at, _)| at)];
        let Some(next) = times.into_iter().flatten().min() else { return false };
        let next = next.max(self.now.mono);
        if next > end {
            return false;
        }
        let passed = next.since(self.now.mono);
        let micros = i64::try_from(passed.as_micros()).unwrap_or(0);
        self.now = Now { mono: next, wall: Wall::from_unix_micros(self.now.wall.as_unix_micros() + micros) };
        if let Some(event) = self.agenda.due(next) {
            self.happen(event);
        } else if wire_at.is_some_and(|at| at <= next) {
            self.arrive();
        } else if core_at.is_some_and(|at| at <= next) {
            if let Some(core) = &mut self.core {
                core.handle_timeout(self.now);
            }
        } else {
            self.bank.handle_timeout(self.now);
        }
        self.pump();
        if self.chance.per_mille(5) {
            self.checkpoint();
        }
        // Drawn in any case, so that a run without swaps is the same run.
        if self.chance.per_mille(20) && self.setup.swaps {
            self.swap();
        }
        if let Err(broken) = self.limits_hold() {
            self.broken.get_or_insert(broken);
        }
        true
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Connecting { conn, number, works } => self.connecting(conn, number, works),
            Event::Arriving { number, line } => self.arriving(number, line),
            Event::Synced => {
                if let Some(ticket) = self.disk.synced() {
                    self.trace.line(self.now, format_args!("durable {}", ticket.0));
                    if let Some(core) = &mut self.core {
                        core.handle_durable(ticket, self.now);
                    }
                }
            }
            Event::Wish(wish) => {
                self.requests.push(Request {
                    tag: wish.tag.clone(),
                    exchanges: Vec::new(),
                    refusals: Vec::new(),
                    not_sent: BTreeSet::new(),
                    outcomes: Vec::new(),
                });
                self.counts.requests += 1;
                self.ask(self.requests.len() - 1, *wish);
            }
            Event::Again { request, wish } => self.ask(request, *wish),
            Event::Leaves(exchange) => {
                if let Some(core) = &mut self.core {
                    self.counts.abandoned += 1;
                    self.trace.line(self.now, format_args!("the caller of {exchange} leaves"));
                    core.abandon(exchange, self.now);
                }
            }
            Event::Inquiries => self.inquire(),
            Event::Fault => self.fault(),
            Event::FindsOut(number) => self.finds_out(number),
            Event::Dies => self.crash(),
            Event::Restart => {
                assert!(self.core.is_none(), "only a dead process is started");
                self.disk.failed = false;
                self.start();
            }
            Event::Heal => {
                self.healthy = true;
                self.trace.line(self.now, format_args!("the world heals"));
                for link in self.links.values_mut() {
                    // A black hole stays one: whoever is in it has to find out.
                    link.out.swallows = link.out.swallows && !link.closed_here;
                }
                self.agenda.retain(|event| !matches!(event, Event::Fault));
            }
        }
    }

    fn ask(&mut self, request: usize, wish: Wish) {
        let Some(core) = &mut self.core else {
            // The gateway is away: the call fails without a proof, and is made again if it has a key.
            self.again(request, wish);
            return;
        };
        let mut open = wish.open.clone();
        open.deadline = self.now.mono + wish.patience;
        match core.open(open, self.now) {
            Ok(opened) => {
                let exchange = match opened {
                    Opened::New(exchange) => exchange,
                    Opened::Known(exchange) => {
                        self.counts.known_keys += 1;
                        exchange
                    }
                };
                self.trace.line(self.now, format_args!("{} is {opened:?}", wish.tag));
                self.of_exchange.insert(exchange, request);
                if !self.requests[request].exchanges.contains(&exchange) {
                    self.requests[request].exchanges.push(exchange);
                }
                if let Some(after) = wish.leaves_after {
                    self.agenda.plan(self.now.mono + after, Event::Leaves(exchange));
                }
                if self.chance.per_mille(200) {
                    self.again(request, wish);
                }
            }
            Err((refusal, _)) => {
                self.nothing_may_have_left(request, refusal);
                self.trace.line(self.now, format_args!("{} is refused: {refusal}", wish.tag));
                self.requests[request].refusals.push(refusal);
                self.counts.not_sent += 1;
                if self.chance.per_mille(500) {
                    self.again(request, wish);
                }
            }
        }
    }

    /// A caller asks again, under the same key; without a key it must not.
    fn again(&mut self, request: usize, wish: Wish) {
        if wish.open.idempotency_key.is_some() {
            let at = self.now.mono + Duration::from_millis(self.chance.between(1, 20_000));
            self.agenda.plan(at, Event::Again { request, wish: Box::new(wish) });
        }
    }

    fn inquire(&mut self) {
        let unknown: Vec<ExchangeId> = self
            .of_exchange
            .keys()
            .copied()
            .filter(|exchange| {
                let durable = self.disk.outcomes.get(&exchange.to_string());
                durable.and_then(|all| all.last()).is_some_and(|(word, _)| word == "UNKNOWN")
            })
            .collect();
        for exchange in unknown {
            let Some(core) = &mut self.core else { return };
            let inquire = Inquire {
                exchange,
                actor: "operator".into(),
                reason: "the minute is full".into(),
                trace: None,
                deadline: self.now.mono + Duration::from_secs(40),
            };
            match core.inquire(inquire, self.now) {
                Ok(inquiry) => {
                    self.counts.inquiries += 1;
                    self.inquired.insert(inquiry, exchange);
                    self.trace.line(self.now, format_args!("{inquiry} asks about {exchange}"));
                }
                Err((refusal, why)) => {
                    self.counts.inquiries_refused += 1;
                    self.trace.line(self.now, format_args!("no inquiry about {exchange}: {refusal} {why}"));
                }
            }
        }
    }

    // ---- what both sides want done ----

    fn pump(&mut self) {
        loop {
            let mut quiet = true;
            while let Some(output) = self.core.as_mut().and_then(Core::poll_output) {
                quiet = false;
                self.do_for_core(output);
            }
            quiet &= !self.write();
            while let Some(output) = self.bank.poll_output() {
                quiet = false;
                self.do_for_bank(output);
            }
            if quiet || self.broken.is_some() {
                break;
            }
        }
        if self.core.is_some() && self.disk.begins_sync() {
            let slow = !self.healthy && self.setup.fault_per_mille > 0 && self.chance.per_mille(20);
            let micros = if slow { self.chance.between(100_000, 5_000_000) } else { self.chance.between(100, 1_500) };
            self.counts.slow_syncs += u64::from(slow);
            self.agenda.plan(self.now.mono + Duration::from_micros(micros), Event::Synced);
        }
    }

    fn do_for_core(&mut self, output: Output) {
        match output {
            Output::Connect { conn } => {
                let works = self.healthy || self.setup.fault_per_mille == 0 || self.chance.per_mille(850);
                let number = self.number();
                let soon = self.now.mono + Duration::from_micros(self.chance.between(100, 20_000));
                // A SYN does not overtake the FIN of an earlier connection; whoever has seen the peer's FIN may rely on that.
                let behind = self.links.values().filter_map(|link| link.out.end_at()).max();
                let at = behind.map_or(soon, |fin| soon.max(fin + Duration::from_micros(1)));
                self.agenda.plan(at, Event::Connecting { conn, number, works });
            }
            Output::Close { conn, reason, abort } => {
                self.trace.line(self.now, format_args!("we close {conn:?}: {reason}"));
                let Some(number) = self.ours.get(&conn).copied() else { return };
                if abort {
                    self.abort(conn, number, reason);
                } else {
                    self.finish(number);
                }
            }
            Output::Append { ticket, entries } => self.append(ticket, &entries),
            Output::Finish { exchange, report } => self.told(exchange, &report),
            Output::Deliver(delivery) => {
                let notice = delivery.notice;
                self.counts.notices += 1;
                self.trace.line(self.now, format_args!("notice {notice}"));
            }
            Output::Replied { notice, report } => {
                self.trace.line(self.now, format_args!("replied {notice}: {report}"));
            }
            Output::Event(event) => {
                if matches!(event, pabal_switch::Event::Unclaimed { .. }) {
                    self.counts.unclaimed += 1;
                }
                self.trace.line(self.now, format_args!("{event:?}"));
            }
        }
    }

    fn append(&mut self, ticket: Ticket, entries: &[Entry]) {
        let kinds: Vec<&str> = entries.iter().map(Entry::kind).collect();
        self.trace.line(self.now, format_args!("append {}: {}", ticket.0, kinds.join(" ")));
        if self.disk.failed {
            if let Some(core) = &mut self.core {
                core.handle_journal_failed("the disk has failed", self.now);
            }
        } else {
            self.disk.append(ticket, entries);
        }
    }

    /// The journal asks for a checkpoint: the next start reads from there.
    fn checkpoint(&mut self) {
        if let (Some(core), false) = (&self.core, self.disk.failed) {
            self.counts.checkpoints += 1;
            let entry = core.checkpoint();
            self.trace.line(self.now, format_args!("checkpoint"));
            self.disk.append_checkpoint(&entry);
        }
    }

    fn told(&mut self, exchange: ExchangeId, report: &Told) {
        self.trace.line(self.now, format_args!("{exchange} is told {}", said(report)));
        let request = self.of_exchange.get(&exchange).copied();
        match report {
            Told::Outcome { outcome, answer, plan, .. } => {
                if let Err(broken) = checks::outcome_is_durable(&self.disk, exchange, outcome) {
                    self.broken.get_or_insert(broken);
                }
                match outcome {
                    Outcome::Success { .. } => self.counts.successes += 1,
                    Outcome::Failure { .. } => self.counts.failures += 1,
                    Outcome::Unknown { .. } => self.counts.unknowns += 1,
                }
                let Some(request) = request else { return };
                let request = &mut self.requests[request];
                if outcome.is_final() && request.outcomes.iter().any(|o| !o.is_final()) {
                    self.counts.settled += 1;
                }
                request.outcomes.push(*outcome);
                // Sentence 5: the answer is the one to this request.
                if let Some(answer) = answer
                    && plan.protocol.catalog.select(answer).ok() != Some(plan.exchange().answer.telegram)
                {
                    self.broken.get_or_insert(format!("{exchange} is told bytes that its plan cannot read"));
                }
                if let Some(answer) = answer
                    && let Some((_, field)) = plan.answer_layout().find(workload::TAG_FIELD)
                    && let Some(bytes) = field.at.of(answer)
                    && bytes.starts_with(b"TAG")
                    && bytes != request.tag.as_bytes()
                {
                    self.broken
                        .get_or_insert(format!("sentence 5: {exchange} of {} got another's answer", request.tag));
                }
            }
            Told::NotSent { refusal, .. } => {
                self.counts.not_sent += 1;
                if let Some(request) = request {
                    self.nothing_may_have_left(request, *refusal);
                    self.requests[request].refusals.push(*refusal);
                    self.requests[request].not_sent.insert(exchange);
                }
            }
        }
    }

    fn do_for_bank(&mut self, output: pabal_counterparty::Output) {
        use pabal_counterparty::Output as Does;
        match output {
            Does::Send { connection, bytes } => {
                let faulty = !self.healthy;
                if let Some(link) = self.links.get_mut(&connection) {
                    link.back.write(&bytes, self.now.mono, faulty, &mut self.chance);
                }
            }
            Does::Connect { line } => {
                let number = self.number();
                let at = self.now.mono + Duration::from_micros(self.chance.between(100, 20_000));
                self.agenda.plan(at, Event::Arriving { number, line });
            }
            Does::Close { connection } => {
                if let Some(link) = self.links.get_mut(&connection) {
                    link.back.finish(self.now.mono, &mut self.chance);
                }
            }
            Does::Reset { connection } => self.reset(connection),
            Does::Event(event) => self.trace.line(self.now, format_args!("bank: {event}")),
        }
    }

    fn number(&mut self) -> Connection {
        self.next_link += 1;
        Connection(self.next_link)
    }

    /// Gives the kernel what the core lets go, a seeded part at a time. `true` if anything went.
    fn write(&mut self) -> bool {
        let mut wrote = false;
        for (conn, number) in self.ours.clone() {
            let (Some(core), Some(link)) = (&mut self.core, self.links.get_mut(&number)) else { continue };
            let offered = core.poll_write(conn);
            let room = link.out.room(offered.len());
            if room == 0 {
                continue;
            }
            let taken = if !self.healthy && self.chance.per_mille(100) {
                self.counts.partial_writes += 1;
                1 + self.chance.index(room)
            } else {
                room
            };
            let bytes = offered[..taken].to_vec();
            link.out.write(&bytes, self.now.mono, !self.healthy, &mut self.chance);
            let line = &self.settings.lines[usize::from(conn.session.line.0)];
            let session = format!("{}/{}", line.name, conn.session.slot);
            let begins = link.unframed.is_empty().then_some(link.written);
            if let Some(exchange) = begins.and_then(|at| self.disk.sending(&session, conn.epoch.0, at))
                && let Some(exchange) = &exchange.columns.exchange
            {
                self.left.insert(exchange.to_string());
            }
            if let Err(broken) = judge::written(link, conn, &session, &bytes, &self.disk) {
                self.broken.get_or_insert(broken);
            }
            core.handle_wrote(conn, taken, self.now);
            wrote = true;
        }
        wrote
    }
}

fn said(report: &Told) -> String {
    match report {
        Told::Outcome { outcome, number, .. } => {
            format!("{} {} {}", outcome.word(), outcome.cause(), number.as_deref().unwrap_or("-"))
        }
        Told::NotSent { refusal, .. } => format!("not sent: {refusal}"),
    }
}
