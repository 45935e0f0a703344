mod calls;
mod command;
mod connection;
mod early;
mod fault;
mod judge;
mod look;
mod one_shot;
mod over_start;
mod route;
mod service;
mod shell;
mod variant;
mod watch;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use pabal_clock::{BusinessDate, DayRule, Mono, Now, Wall};
use pabal_counterparty::{Connection, Counterparty, LineId as BankLine, Scenario};
use pabal_spec::{Digest, Institution};
use pabal_switch::{
    Command, Conn, Core, Entry, ExchangeId, Fired, NoticeId, OpeningState, Plan, Recovery, Settings, Ticket, TimerName,
};

use crate::agenda::Agenda;
use crate::chance::Chance;
use crate::checks::Request;
use crate::counts::Counts;
use crate::coverage::{Coverage, Fault};
use crate::disk::Disk;
use crate::script;
use crate::setup::{self, Setup, Span};
use crate::tally::Tally;
use crate::trace::Trace;
use crate::variant::Frame;
use crate::versions;
use crate::wire::Link;
use crate::workload::{self, Wish};
pub(crate) use command::some_rate;
use over_start::Ended;
use service::Replies;
use watch::Track;

/// The longest that a run may take in steps; a world that does not come to rest is broken. A bank that knocks all day at a line which an
/// operator has stopped takes more than two million.
const STEPS_MAX: u64 = 10_000_000;
/// 2026-11-20 00:00:00 in Seoul.
const MIDNIGHT_UNIX_SECONDS: i64 = 1_795_100_400;
/// A run of many steps needs no more of them than one of few.
const SWAPS_MAX: u64 = 40;
const DAY: Duration = Duration::from_secs(86_400);

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
    /// Which fault hit an exchange at which stage.
    pub coverage: Coverage,
    /// Which event came in which state.
    pub fired: Fired,
    /// What belongs to a topology.
    pub tally: Tally,
    /// How many processes there were.
    pub starts: u32,
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
    /// A caller opens the request of this number.
    Wish(u32),
    /// A caller goes away.
    Leaves(ExchangeId),
    /// A caller asks again under its key.
    Again { request: usize, wish: Box<Wish> },
    /// A caller asks what became of its key, and fences it.
    Finds { request: usize },
    /// An operator inquires about what is UNKNOWN.
    Inquiries,
    /// An operator stops or starts something; what is seeded if it is not said.
    Operates(Option<Box<Command>>),
    /// The time of a drain is over: of which command it is, how many there had been, and the process that took it.
    DrainOver { command: Box<Command>, number: u64, starts: u32 },
    /// Operators start all that is stopped.
    StartAll,
    /// One fault; of a seeded kind if it is not said.
    Fault(Option<Fault>),
    /// The network holds back what we write.
    Holds,
    /// No connection takes what we write, and then the process dies.
    Chokes,
    /// Callers come back to requests that are where few ever are.
    Crowd,
    /// The next sync takes seconds.
    SlowSync,
    /// The journal asks for a checkpoint.
    Checkpoint,
    /// A subscriber says that it has a notice.
    Receives(NoticeId),
    /// A service replies to a notice.
    Replies(NoticeId),
    /// A subscriber comes.
    Subscribes,
    /// A stalled socket goes on.
    StallEnds,
    /// The institution finds out that a connection is gone.
    FindsOut(Connection),
    /// Our kernel gives up a connection on which nothing is acknowledged.
    GivesUp(Connection),
    /// A socket that took too little is aborted.
    Aborted { conn: Conn, number: Connection },
    /// A request is answered of which a part has left by this connection.
    AnswersEarly { number: Connection, exchange: ExchangeId },
    /// The process dies.
    Dies,
    /// It comes back.
    Restart,
    /// Something happens to the routes.
    Route(route::Happens),
    /// A version begins by its date.
    Dated,
    /// No more faults.
    Heal,
}

struct World {
    setup: Setup,
    chance: Chance,
    /// As our process sees it; its wall clock may be wrong.
    now: Now,
    /// As it is.
    theirs: Now,
    begin: Now,
    agenda: Agenda<Event>,
    /// Versions that were in force, the newest first.
    versions: Vec<Arc<Institution>>,
    settings: Settings,
    plan: Arc<Plan>,
    day: DayRule,
    busy: Option<&'static str>,
    /// When the site takes no work.
    closings: Vec<variant::Closing>,
    /// When versions come one behind the other.
    reloads_at: Vec<Mono>,
    /// The number of the next wish near one of them.
    reload_wishes: u32,
    /// The version that began by its date.
    dated: Option<Digest>,
    core: Option<Core>,
    bank: Counterparty,
    disk: Disk,
    links: BTreeMap<Connection, Link>,
    ours: BTreeMap<Conn, Connection>,
    /// Connections whose slots have become free.
    freed: Vec<Conn>,
    next_link: u64,
    healthy: bool,
    slow_sync: bool,
    draining_since: Option<Mono>,
    stops: command::Stops,
    /// By what it was about: how many commands there had been when the last one came.
    last_commands: BTreeMap<String, u64>,
    departed: command::Departed,
    /// A command is being taken: what opens business now does so at any hour.
    by_hand: bool,
    started_at: Mono,
    /// What the core was told last that it is.
    told_at: Now,
    requests: Vec<Request>,
    /// What each of them wished for.
    wishes: Vec<Wish>,
    of_exchange: BTreeMap<ExchangeId, usize>,
    fences: Vec<(Ticket, usize)>,
    /// Every exchange that the core has told of.
    tracks: BTreeMap<ExchangeId, Track>,
    keys: BTreeMap<pabal_counterparty::Key, ExchangeId>,
    /// Those that ask for a number of theirs; none if several have asked for it, since nobody can say then which of them is answered.
    gap_keys: BTreeMap<pabal_counterparty::Key, Option<ExchangeId>>,
    /// Our wall clock has shown another date than the true one.
    was_date_wrong: bool,
    /// Dates that it has shown by leaps.
    dates: BTreeSet<BusinessDate>,
    /// Until when the network holds back a question for a number of theirs.
    held_until: Mono,
    /// Whether the last request that came to the institution asks for a number of theirs.
    asked_for_theirs: bool,
    /// Exchanges that departed, and were in flight when that was looked at last.
    flying: BTreeSet<ExchangeId>,
    /// Exchanges of which the first byte was written.
    left: BTreeSet<ExchangeId>,
    /// Every number that has left: (date, bank, company, number).
    numbers: BTreeMap<Vec<u8>, ExchangeId>,
    /// The last question for a hole that left, by date, bank and party.
    questions: BTreeMap<Vec<u8>, ExchangeId>,
    early: early::Early,
    /// What the last process had, and the checkpoint that it could have written, if all that it did was durable.
    ended: Option<(Ended, Entry)>,
    has_leapt: bool,
    delivered: BTreeSet<NoticeId>,
    replies: BTreeMap<NoticeId, Replies>,
    /// When a connection of theirs was accepted last.
    accepted_at: Option<Mono>,
    /// Processes that have begun.
    starts: u32,
    /// Company and bank, and the date, of everything that has been open.
    were_open: BTreeSet<(Vec<u8>, Vec<u8>)>,
    /// How each opening stands, as the process says since it started.
    openings: BTreeMap<Vec<u8>, OpeningState>,
    trace: Trace,
    counts: Counts,
    coverage: Coverage,
    tally: Tally,
    route: route::Route,
    /// By cores that are gone.
    fired: Fired,
    broken: Option<String>,
}

/// Runs a world to its end.
///
/// # Errors
/// A sentence was broken, or the world did not come to rest.
pub fn run(setup: Setup) -> Result<Report, Box<Failure>> {
    let mut world = World::new(setup);
    let mut steps = 0;
    let end = world.now.mono + setup.faulty() + setup.healed();
    while world.broken.is_none() && world.step(end) {
        steps += 1;
        if steps > STEPS_MAX {
            world.broken = Some(format!("no rest after {STEPS_MAX} steps"));
        }
    }
    if world.broken.is_none() {
        world.broken = world.judge().err();
    }
    world.lay_core_down();
    match world.broken {
        None => Ok(Report {
            hash: world.trace.hash(),
            counts: world.counts,
            coverage: world.coverage,
            tally: world.tally,
            fired: world.fired,
            starts: world.starts,
            steps,
        }),
        Some(broken) => Err(Box::new(Failure { setup, broken, tail: world.trace.tail(60) })),
    }
}

fn plus(wall: Wall, span: Duration) -> Wall {
    Wall::from_unix_micros(wall.as_unix_micros() + i64::try_from(span.as_micros()).unwrap_or(i64::MAX))
}

impl World {
    fn new(setup: Setup) -> Self {
        let mut chance = Chance::new(setup.seed);
        let institution = Arc::clone(&versions::all(setup)[0].institution);
        let mut settings = setup::settings(setup, &mut chance);
        let second_of_day = match setup.span {
            Span::Evening => chance.between(20 * 3_600, 22 * 3_600 + 1_800),
            Span::Midnight => chance.between(86_400 - 170, 86_400 - 10),
            Span::Morning => chance.between(150, 299),
            Span::WholeDay => chance.between(1, 250),
        };
        let micros = MIDNIGHT_UNIX_SECONDS * 1_000_000
            + i64::try_from(second_of_day * 1_000_000 + chance.between(0, 999_999)).unwrap_or(0);
        let now = Now { mono: Mono::from_nanos(1_000_000_000), wall: Wall::from_unix_micros(micros) };
        let closings = variant::closings(setup, now.wall, &mut chance);
        settings.hours.closed = closings.iter().map(variant::Closing::rule).collect();
        let plan = workload::transfer_plan(&institution);
        let protocol = Arc::clone(&institution.protocols[0]);
        let script = script::script(setup, &mut chance);
        let scenario = Scenario::parse(&script.text, "scenario", &protocol)
            .unwrap_or_else(|mistakes| panic!("the scenario has mistakes: {mistakes:?}\n{}", script.text));
        let contract = setup::contract(&settings.lines);
        let route = route::Route::new(setup, &settings.lines);
        let bank = Counterparty::new(Arc::clone(&protocol), Arc::new(scenario), contract, chance.bits(), now);
        let mut world = Self {
            setup,
            now,
            theirs: now,
            begin: now,
            agenda: Agenda::new(),
            versions: vec![institution],
            settings,
            plan,
            day: protocol.day,
            busy: script.busy,
            closings,
            reloads_at: Vec::new(),
            reload_wishes: 0,
            dated: None,
            core: None,
            bank,
            // One run in four makes every body.
            disk: Disk::new(setup.seed.is_multiple_of(4)),
            links: BTreeMap::new(),
            ours: BTreeMap::new(),
            freed: Vec::new(),
            next_link: 0,
            healthy: false,
            slow_sync: false,
            draining_since: None,
            stops: command::Stops::default(),
            last_commands: BTreeMap::new(),
            departed: command::Departed::default(),
            by_hand: false,
            started_at: now.mono,
            told_at: now,
            requests: Vec::new(),
            wishes: Vec::new(),
            of_exchange: BTreeMap::new(),
            fences: Vec::new(),
            tracks: BTreeMap::new(),
            keys: BTreeMap::new(),
            gap_keys: BTreeMap::new(),
            was_date_wrong: false,
            dates: BTreeSet::new(),
            held_until: now.mono,
            asked_for_theirs: false,
            flying: BTreeSet::new(),
            left: BTreeSet::new(),
            numbers: BTreeMap::new(),
            questions: BTreeMap::new(),
            early: early::Early::new(setup.seed),
            ended: None,
            has_leapt: false,
            delivered: BTreeSet::new(),
            replies: BTreeMap::new(),
            accepted_at: None,
            starts: 0,
            were_open: BTreeSet::new(),
            openings: BTreeMap::new(),
            trace: Trace::new(setup.print),
            counts: Counts::default(),
            coverage: Coverage::default(),
            tally: Tally::default(),
            route,
            fired: Fired::default(),
            broken: None,
            chance,
        };
        world.counts.other_frames = u64::from(setup.variant.frame != Frame::Digits);
        world.counts.whole_days = u64::from(setup.span == Span::WholeDay);
        world.start();
        world.plan_all();
        world
    }

    fn plan_all(&mut self) {
        let begin = self.now.mono;
        let faulty = self.setup.faulty();
        let millis = u64::try_from(faulty.as_millis()).unwrap_or(0);
        let mut faults = Vec::new();
        for _ in 0..self.setup.faults {
            let at = begin + Duration::from_millis(self.chance.between(0, millis - 1_000));
            faults.push(at);
            self.agenda.plan(at, Event::Fault(None));
        }
        for _ in 0..self.chance.between(0, 8) {
            let at = begin + Duration::from_millis(self.chance.between(0, millis + 60_000));
            self.agenda.plan(at, Event::Checkpoint);
        }
        let midnights = self.midnights(begin + faulty);
        for midnight in &midnights {
            self.plan_midnight(*midnight);
            faults.push(*midnight);
        }
        for _ in 0..self.setup.commands {
            let at = begin + Duration::from_millis(self.chance.between(0, millis - 1_000));
            faults.push(at);
            self.agenda.plan(at, Event::Operates(None));
        }
        let mut number = 0;
        for at in self.holds(begin, &midnights) {
            self.agenda.plan(at, Event::Holds);
            for _ in 0..self.chance.between(3, 10) {
                self.agenda.plan(at + Duration::from_micros(self.chance.between(0, 3_000)), Event::Wish(number));
                number += 1;
            }
        }
        while number < self.setup.requests {
            // Many come together with a fault, so that it hits exchanges at every stage.
            let together = !faults.is_empty() && self.chance.per_mille(400);
            let count = if together { u32::try_from(self.chance.between(3, 20)).unwrap_or(3) } else { 1 };
            let at = if together {
                let fault = faults[self.chance.index(faults.len())];
                fault.minus(Duration::from_micros(self.chance.between(0, 6_000))).max(begin)
            } else {
                // Some come before anything is open, and some when all is well again.
                begin + Duration::from_millis(self.chance.between(10, millis + 20_000))
            };
            for _ in 0..count {
                self.agenda.plan(at, Event::Wish(number));
                number += 1;
            }
        }
        for _ in 0..8 {
            let at = begin + Duration::from_millis(self.chance.between(0, millis + 600_000));
            self.agenda.plan(at, Event::Subscribes);
        }
        // At last, one comes that stays.
        self.agenda
            .plan(begin + faulty + self.setup.healed().saturating_sub(Duration::from_secs(10)), Event::Subscribes);
        if self.setup.operator {
            // Some inquiries are under way when a fault comes.
            for fault in &faults {
                if self.chance.per_mille(200) {
                    let before = Duration::from_micros(self.chance.between(0, 4_000));
                    self.agenda.plan(fault.minus(before).max(begin), Event::Inquiries);
                }
            }
            let minutes = (faulty + self.setup.healed()).as_secs() / 60;
            for minute in 1..minutes.min(60) {
                self.agenda.plan(begin + Duration::from_secs(minute * 60), Event::Inquiries);
            }
        }
        if self.setup.slow_bank {
            self.plan_slow_bank();
        }
        if self.setup.variant.late_opening {
            self.plan_late_opening(number);
        }
        if self.setup.variant.lost_at_midnight {
            self.plan_lost_at_midnight(number + 80);
        }
        if self.setup.variant.dated {
            self.plan_dated(number + 20);
        }
        if self.setup.variant.reloads {
            self.plan_reloads(number + 40);
        }
        if self.setup.tells_once && self.setup.faults > 0 {
            for (first, last) in [(40_000, 80_000), (100_000, 175_000)] {
                let at = begin + Duration::from_millis(self.chance.between(first, last));
                self.agenda.plan(at, Event::Chokes);
            }
        }
        self.agenda.plan(begin + faulty, Event::Heal);
        self.plan_routes();
    }

    /// Somebody asks about what a slow bank sits on, and the process that heard the answer dies before the bank comes back to it.
    fn plan_slow_bank(&mut self) {
        let begin = self.begin.mono;
        for second in (35..400).step_by(15) {
            self.agenda
                .plan(begin + Duration::from_millis(second * 1_000 + self.chance.between(0, 15_000)), Event::Inquiries);
        }
        if self.setup.faults > 0 {
            for (first, last) in [(60_000, 140_000), (150_000, 178_000)] {
                let at = begin + Duration::from_millis(self.chance.between(first, last));
                self.agenda.plan(at, Event::Fault(Some(Fault::Crash)));
            }
        }
    }

    /// When the network begins to hold back what we write: among the faults, and before a change of date.
    fn holds(&mut self, begin: Mono, midnights: &[Mono]) -> Vec<Mono> {
        if !self.setup.held_back {
            return Vec::new();
        }
        // The first one so late that few faults cut it short.
        let last = begin + self.setup.faulty();
        let mut holds = vec![last.minus(Duration::from_millis(self.chance.between(100, 20_000)))];
        for midnight in midnights {
            holds.push(midnight.minus(Duration::from_millis(self.chance.between(1_000, 30_000))));
        }
        holds.retain(|at| *at > begin);
        holds
    }

    /// When the date changes by the true clock, up to an instant.
    fn midnights(&self, until: Mono) -> Vec<Mono> {
        let since = self.begin.wall.as_unix_micros() - MIDNIGHT_UNIX_SECONDS * 1_000_000;
        let since = Duration::from_micros(u64::try_from(since).unwrap_or(0));
        (1..).map(|day| self.begin.mono + (DAY * day).saturating_sub(since)).take_while(|at| *at < until).collect()
    }

    /// What makes a midnight hard.
    fn plan_midnight(&mut self, midnight: Mono) {
        if self.setup.faults == 0 {
            return;
        }
        if self.chance.per_mille(if self.setup.held_back { 800 } else { 350 }) {
            let at = match self.chance.between(0, 2) {
                0 => midnight,
                1 => midnight.minus(Duration::from_micros(self.chance.between(1, 3_000))),
                _ => midnight + Duration::from_micros(self.chance.between(1, 3_000)),
            };
            self.agenda.plan(at, Event::Fault(Some(Fault::CrashAtMidnight)));
        }
        if self.chance.per_mille(400) {
            let before = Duration::from_millis(self.chance.between(0, 20_000));
            self.agenda.plan(midnight.minus(before), Event::Fault(Some(Fault::Stall)));
        }
        if self.chance.per_mille(300) {
            let before = Duration::from_millis(self.chance.between(0, 1_500));
            self.agenda.plan(midnight.minus(before), Event::SlowSync);
        }
    }

    fn start(&mut self) {
        let mut recovery = Recovery::new();
        for stored in self.disk.since_checkpoint() {
            match stored.read_again() {
                Ok(entry) => recovery.fold(entry),
                Err(why) => self.broken = Some(format!("a durable entry cannot be read again: {why}")),
            }
        }
        self.stops = command::Stops::default();
        for command in &self.disk.commands {
            self.stops.fold(command);
        }
        let seed = self.chance.bits();
        self.core = Some(Core::new(self.versions.clone(), self.settings.clone(), recovery, seed, self.now));
        self.started_at = self.now.mono;
        self.starts += 1;
        if let Err(broken) = self.is_as_it_ended(seed) {
            self.broken.get_or_insert(broken);
        }
        self.told_at = self.now;
        self.openings.clear();
        self.early.forget_sockets();
        self.routes_begin();
        self.trace.line(self.now, format_args!("the process starts"));
        if self.healthy {
            // What was started may not have been written down.
            self.agenda.plan(self.now.mono, Event::StartAll);
        }
        self.pump();
    }

    /// The core is gone, and what it counted stays.
    fn lay_core_down(&mut self) -> Option<Core> {
        let core = self.core.take()?;
        self.fired.add(core.fired());
        Some(core)
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
        self.pass(next);
        let mut looks = false;
        if let Some(event) = self.agenda.due(next) {
            looks = matches!(event, Event::Wish(_));
            self.happen(event);
        } else if wire_at.is_some_and(|at| at <= next) {
            self.arrive();
        } else if core_at.is_some_and(|at| at <= next) {
            if let Some(core) = &mut self.core {
                let frees = |(_, name)| matches!(name, TimerName::Caller(_) | TimerName::Rate(_) | TimerName::Drain);
                looks = core.poll_timeout().is_some_and(frees);
                core.handle_timeout(self.now);
            }
        } else {
            self.bank.handle_timeout(self.theirs);
        }
        self.pump();
        self.end_drain();
        // Drawn in any case, so that a run without swaps is the same run.
        if self.chance.per_mille(3) && self.setup.swaps && self.counts.swaps < SWAPS_MAX && self.may_swap() {
            self.swap();
        }
        if looks && let Err(broken) = self.waits_are_explained() {
            self.broken.get_or_insert(broken);
        }
        let held = self.limits_hold().and_then(|()| self.routes_hold()).and_then(|()| self.unknown_is_bounded());
        if let Err(broken) = held {
            self.broken.get_or_insert(broken);
        }
        true
    }

    /// Time passes; the wall clocks go on from where they stand.
    fn pass(&mut self, next: Mono) {
        // Whole microseconds between the two: of many steps that are shorter than one, each would be none, and the wall clocks stand still.
        let micros = next.as_nanos() / 1_000 - self.now.mono.as_nanos() / 1_000;
        let passed = Duration::from_micros(micros);
        let before = self.day.business_date(self.now.wall);
        self.now = Now { mono: next, wall: plus(self.now.wall, passed) };
        self.theirs = Now { mono: next, wall: plus(self.theirs.wall, passed) };
        if self.day.business_date(self.now.wall) != before {
            self.counts.date_changes += 1;
            self.trace.line(self.now, format_args!("the date changes"));
            self.hit_all(Fault::Midnight);
        }
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Connecting { conn, number, works } => self.connecting(conn, number, works),
            Event::Arriving { number, line } => self.arriving(number, line),
            Event::Synced => self.synced(),
            Event::Wish(number) => self.wish(number),
            Event::Again { request, wish } => self.ask_again(request, *wish),
            Event::Finds { request } => self.find(request),
            Event::Leaves(exchange) => self.leave(exchange),
            Event::Inquiries => self.inquire(),
            Event::Operates(command) => self.operate(command.map(|command| *command)),
            Event::DrainOver { command, number, starts } => self.drain_is_over(&command, number, starts),
            Event::StartAll => self.start_all(),
            Event::Fault(kind) => self.fault(kind),
            Event::Holds => self.hold_back(),
            Event::Chokes => self.choke(),
            Event::Crowd => self.crowd(),
            Event::SlowSync => self.slow_sync = true,
            Event::Receives(notice) => self.receive(notice),
            Event::Replies(notice) => self.reply(notice),
            Event::Subscribes => self.subscribe(),
            Event::Checkpoint => self.checkpoint(),
            Event::StallEnds => {}
            Event::FindsOut(number) => self.finds_out(number),
            Event::GivesUp(number) => self.gives_up(number),
            Event::Aborted { conn, number } => self.aborted(conn, number),
            Event::AnswersEarly { number, exchange } => self.answer_early(number, exchange),
            Event::Dies => self.crash(Fault::Crash),
            Event::Restart => {
                assert!(self.core.is_none(), "only a dead process is started");
                self.disk.failed = false;
                self.start();
            }
            Event::Route(happens) => self.route_happens(happens),
            Event::Dated => self.begin_dated(),
            Event::Heal => self.heal(),
        }
    }
}
