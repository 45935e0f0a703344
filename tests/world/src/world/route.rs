//! Lines as a whole: what their addresses do, which one is tried, which stand in for others, and how many there are of all.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use pabal_clock::Mono;
use pabal_counterparty::{Connection, LineId as BankLine};
use pabal_switch::{
    CloseReason, Command, Conn, Connects, Event as Told, ExchangeState, LineId, LineSettings, LineSide,
    SecondConnection, SessionId, SessionState,
};

use crate::chance::Chance;
use crate::setup::Setup;
use crate::topology::{LINGERS_MAX, Topology};
use crate::world::one_shot::OneShots;
use crate::world::{Event, World};

/// What is at an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Site {
    Works,
    /// It answers a SYN with RST.
    Refuses,
    /// Nobody answers the SYN.
    Ignores,
    /// Whom it takes it drops before long.
    Drops,
    /// It takes connections, and says nothing on them: no sign-on is answered.
    Mute,
}

/// Something that happens to routes.
#[derive(Clone, Copy, Debug)]
pub(super) enum Happens {
    /// Other addresses work than did before.
    SitesChange,
    /// A connection that was taken is dropped.
    Dropped(Connection),
    /// The institution loses its side of a connection that it has made.
    LosesSide,
    /// The institution closes its side, long after our FIN.
    LetsGo(Connection),
}

/// A line, as this side reckons.
#[derive(Clone, Copy, Debug, Default)]
struct Way {
    /// The place of the address that the next connection goes to.
    address: u8,
    /// The last connection to it failed, and the line has not gone on.
    must_go_on: bool,
    /// The last one failed or not: it ended at the very instant from which on it had been well.
    may_go_on: bool,
    /// The last one was well.
    has_worked: bool,
    /// Tries in a row that failed while no session was up.
    failed: u32,
    /// Stands in for another one.
    on_duty: bool,
    /// An operator has stopped it.
    is_left: bool,
}

/// A session that is connected.
#[derive(Clone, Copy, Debug)]
struct Up {
    since: Mono,
    /// Business may go by it.
    is_up: bool,
    /// It was up for as long as counts.
    is_well: bool,
    /// The place of the address that it is connected to.
    address: u8,
}

/// A connection that was asked for.
#[derive(Clone, Copy, Debug)]
struct Asked {
    /// When the shell began with it.
    from: Mono,
    address: u8,
}

/// What is known of the routes of a run.
#[derive(Debug)]
pub(super) struct Route {
    chance: Chance,
    /// Of each line, what is at its addresses; empty: all work.
    sites: Vec<Vec<Site>>,
    ways: Vec<Way>,
    ups: BTreeMap<SessionId, Up>,
    asked: BTreeMap<Conn, Asked>,
    /// When connections were asked for in the last second.
    hurry: VecDeque<Mono>,
    /// Events were lost: nobody can reckon any more.
    is_blind: bool,
    steps: u64,
    pub(super) single: OneShots,
}

impl Route {
    pub(super) fn new(setup: Setup, lines: &[LineSettings]) -> Self {
        Self {
            chance: Chance::new(setup.seed ^ 0x0f_a11_0e5),
            sites: lines.iter().map(|_| Vec::new()).collect(),
            ways: lines.iter().map(|_| Way::default()).collect(),
            ups: BTreeMap::new(),
            asked: BTreeMap::new(),
            hurry: VecDeque::new(),
            is_blind: false,
            steps: 0,
            single: OneShots::default(),
        }
    }
}

/// The time for the answer to a poll: nobody is ended for another one who was heard within it.
const SILENT: Duration = Duration::from_secs(10);
/// How often the slots of a usual seed are looked at: in so many steps once.
const LOOKS_EVERY: u64 = 64;

impl World {
    fn has(&self, topology: Topology) -> bool {
        self.setup.topology == topology
    }

    fn line(&self, line: LineId) -> &LineSettings {
        &self.settings.lines[usize::from(line.0)]
    }

    fn is_kept(&self, line: LineId) -> bool {
        let line = self.line(line);
        line.side == LineSide::Initiator && line.connects == Connects::Kept
    }

    /// What happens to routes in a run.
    pub(super) fn plan_routes(&mut self) {
        let seeds = match self.setup.topology {
            Topology::Usual => &mut self.tally.keyless_seeds,
            Topology::OneShot => &mut self.tally.one_shot_seeds,
            Topology::Peers => &mut self.tally.peers_seeds,
            Topology::Addresses => &mut self.tally.address_seeds,
            Topology::Backup => &mut self.tally.backup_seeds,
            Topology::Knocks => &mut self.tally.knock_seeds,
            Topology::Bounds => &mut self.tally.bound_seeds,
        };
        *seeds += u64::from(self.setup.topology != Topology::Usual || self.setup.keyless);
        let begin = self.now.mono;
        let millis = u64::try_from(self.setup.faulty().as_millis()).unwrap_or(0);
        let has_spare = self.settings.lines.iter().any(|line| line.backup_of.is_some());
        let (times, happens) = match self.setup.topology {
            Topology::OneShot if has_spare => (self.route.chance.between(4, 12), Happens::SitesChange),
            Topology::Addresses | Topology::Backup => (self.route.chance.between(4, 12), Happens::SitesChange),
            Topology::Knocks => (self.route.chance.between(2, 10), Happens::LosesSide),
            _ => return,
        };
        for _ in 0..times {
            let at = begin + Duration::from_millis(self.route.chance.between(0, millis - 1));
            self.agenda.plan(at, Event::Route(happens));
        }
        self.agenda.plan(begin + self.setup.faulty(), Event::Route(happens));
    }

    pub(super) fn route_happens(&mut self, happens: Happens) {
        match happens {
            Happens::SitesChange => self.change_sites(),
            Happens::Dropped(number) => {
                if self.links.contains_key(&number) {
                    self.tally.address_dropped += u64::from(self.has(Topology::Addresses));
                    self.reset(number);
                }
            }
            Happens::LosesSide => self.lose_side(),
            Happens::LetsGo(number) => self.let_side_go(number),
        }
    }

    // ---- addresses ----

    /// Of each line's addresses one works at least, now or at last; of a line that has another one to stand in for it, perhaps none.
    fn change_sites(&mut self) {
        let may_mute = self.setup.signed;
        for at in 0..self.settings.lines.len() {
            let line = &self.settings.lines[at];
            if line.side != LineSide::Initiator {
                continue;
            }
            let (count, is_spare, name) = (usize::from(line.addresses), line.backup_of.is_some(), line.name.clone());
            let has_spare =
                self.settings.lines.iter().any(|one| one.backup_of.is_some_and(|it| usize::from(it.0) == at));
            let chance = &mut self.route.chance;
            let mut sites: Vec<Site> = (0..count)
                .map(|_| match chance.between(0, 9) {
                    0..=1 => Site::Refuses,
                    2 => Site::Ignores,
                    3..=4 => Site::Drops,
                    5 if may_mute => Site::Mute,
                    _ => Site::Works,
                })
                .collect();
            let may_all_fail = has_spare && chance.per_mille(700);
            if !may_all_fail && !sites.contains(&Site::Works) {
                sites[chance.index(count)] = Site::Works;
            }
            // What stands in works in the end, whatever becomes of the main line.
            if is_spare && (self.healthy || chance.per_mille(700)) {
                sites.fill(Site::Works);
            }
            // An address that no longer works often ends what it has.
            let ends = sites[0] != Site::Works && chance.per_mille(700);
            self.trace.line(self.now, format_args!("the addresses of {name}: {sites:?}"));
            self.route.sites[at] = sites;
            if ends && has_spare {
                let is_of = |conn: &Conn| usize::from(conn.session.line.0) == at;
                let theirs: Vec<Connection> =
                    self.ours.iter().filter(|(conn, _)| is_of(conn)).map(|(_, number)| *number).collect();
                theirs.into_iter().for_each(|number| self.reset(number));
            }
        }
    }

    fn site(&self, conn: Conn) -> Site {
        let address = self.route.asked.get(&conn).map_or(0, |asked| usize::from(asked.address));
        self.route.sites[usize::from(conn.session.line.0)].get(address).copied().unwrap_or(Site::Works)
    }

    /// Whether and when a connection is made, where nothing is at its address that says otherwise; none: nobody ever hears of it.
    pub(super) fn by_address(&mut self, conn: Conn, works: bool, at: Mono) -> Option<(bool, Mono)> {
        let counts = self.has(Topology::Addresses);
        match self.site(conn) {
            Site::Refuses => {
                self.tally.address_refused += u64::from(counts);
                Some((false, at))
            }
            Site::Ignores => {
                self.tally.address_ignored += u64::from(counts);
                None
            }
            Site::Works | Site::Drops | Site::Mute if self.has(Topology::Bounds) => {
                let (now, chance) = (self.now.mono, &mut self.route.chance);
                let held = chance.per_mille(200).then(|| now + Duration::from_millis(chance.between(0, 4_000)));
                let slow = if chance.per_mille(150) { chance.between(0, 6_000) } else { 0 };
                if let (Some(until), Some(core)) = (held, &mut self.core) {
                    self.tally.held += 1;
                    core.handle_connect_held(conn, until, self.now);
                    if let Some(asked) = self.route.asked.get_mut(&conn) {
                        asked.from = until;
                    }
                }
                let begins = held.map_or(at, |until| at.max(until));
                Some((works, begins + Duration::from_millis(slow)))
            }
            Site::Works | Site::Drops | Site::Mute => Some((works, at)),
        }
    }

    /// An address took a connection.
    pub(super) fn taken_by_address(&mut self, conn: Conn, number: Connection) {
        match self.site(conn) {
            Site::Drops => {
                let healthy = u64::try_from(self.line(conn.session.line).healthy_after.as_millis()).unwrap_or(1);
                let at = self.now.mono + Duration::from_millis(self.route.chance.between(0, healthy - 1));
                self.agenda.plan(at, Event::Route(Happens::Dropped(number)));
            }
            Site::Mute => {
                self.tally.address_mute += 1;
                if let Some(link) = self.links.get_mut(&number) {
                    link.back.swallows = true;
                }
            }
            Site::Works | Site::Refuses | Site::Ignores => {}
        }
    }

    // ---- what the switch does ----

    /// A process begins: it knows nothing of how tries went, and what operators have stopped.
    pub(super) fn routes_begin(&mut self) {
        let stopped = |line: &LineSettings| self.stops.has_line_itself(&line.name);
        let lines = self.settings.lines.iter();
        self.route.ways = lines.map(|line| Way { is_left: stopped(line), ..Way::default() }).collect();
        self.route.ups.clear();
        self.route.asked.clear();
        self.route.hurry.clear();
        self.route.single.begin();
        self.route.is_blind = false;
        self.tally.lingered_over_start += self.links.values().filter(|link| link.lingers).count() as u64;
    }

    /// An operator's command is taken.
    pub(super) fn routes_commanded(&mut self, command: &Command) {
        let (name, starts) = match command {
            Command::StartInstitution => {
                let begins = |way: &Way| Way { on_duty: way.on_duty, is_left: way.is_left, ..Way::default() };
                self.route.ways = self.route.ways.iter().map(begins).collect();
                return;
            }
            Command::StartLine { line } => (line, true),
            Command::StopLine { line } | Command::DrainLine { line, .. } => (line, false),
            _ => return,
        };
        let Some(at) = self.settings.lines.iter().position(|line| line.name == *name) else { return };
        let way = &mut self.route.ways[at];
        way.is_left = !starts;
        if starts {
            *way = Way { on_duty: way.on_duty, ..Way::default() };
        }
    }

    /// The switch asks for a connection.
    pub(super) fn asks_to_connect(&mut self, conn: Conn, address: u8) {
        self.route.asked.insert(conn, Asked { from: self.now.mono, address });
        if let Err(broken) = self.may_ask(conn, address) {
            self.broken.get_or_insert(broken);
        }
    }

    fn may_ask(&mut self, conn: Conn, address: u8) -> Result<(), String> {
        let line = conn.session.line;
        if !self.is_kept(line) {
            return Ok(());
        }
        let (name, now) = (self.line(line).name.clone(), self.now.mono);
        let hurry = &mut self.route.hurry;
        hurry.push_back(now);
        while hurry.front().is_some_and(|at| *at + Duration::from_secs(1) <= now) {
            hurry.pop_front();
        }
        let most = self.settings.limits.connects_per_second as usize;
        if hurry.len() > most {
            return Err(format!(
                "{} connections are tried in a second, and the institution allows {most}",
                hurry.len()
            ));
        }
        self.tally.hurried += u64::from(hurry.len() == most && self.setup.topology == Topology::Bounds);
        if self.route.is_blind {
            return Ok(());
        }
        let is_up = self.route.ups.iter().any(|(id, up)| id.line == line && up.is_up);
        if is_up && !self.is_up_at(line, address) {
            return Err(format!("{name} connects to its address {address}, and is up at another one"));
        }
        let way = &mut self.route.ways[usize::from(line.0)];
        if way.address != address {
            return Err(format!("{name} connects to its address {address}, and is with address {}", way.address));
        }
        if way.must_go_on {
            return Err(format!("{name} connects again to its address {address}, where it has failed"));
        }
        way.may_go_on = false;
        let was_well = std::mem::take(&mut way.has_worked);
        self.tally.address_kept += u64::from(was_well && self.has(Topology::Addresses));
        if self.line(line).backup_of.is_some() && !self.route.ways[usize::from(line.0)].on_duty {
            return Err(format!("{name} connects, and stands in for nobody"));
        }
        let failed = self.route.ways[usize::from(line.0)].failed;
        for (at, spare) in self.settings.lines.iter().enumerate().filter(|(_, one)| one.backup_of == Some(line)) {
            if failed >= u32::from(spare.backup_after) && !self.route.ways[at].on_duty {
                return Err(format!("{name} has failed {failed} times, and {} does not stand in", spare.name));
            }
        }
        Ok(())
    }

    /// The switch closes a connection.
    pub(super) fn routes_close(&mut self, conn: Conn, reason: CloseReason) {
        if let Err(broken) = self.may_close(conn, reason) {
            self.broken.get_or_insert(broken);
        }
    }

    fn may_close(&mut self, conn: Conn, reason: CloseReason) -> Result<(), String> {
        let line = self.line(conn.session.line);
        let (name, connect_timeout) = (line.name.clone(), line.connect_timeout);
        let policy = line.second_connection;
        match reason {
            CloseReason::ConnectFailed => {
                let from = self.route.asked.get(&conn).map_or(Mono::ZERO, |asked| asked.from);
                if self.now.mono < from + connect_timeout {
                    return Err(format!("{conn:?} is given up after {:?}", self.now.mono.since(from)));
                }
                self.tally.timed_out += u64::from(self.has(Topology::Bounds));
            }
            CloseReason::SignOnFailed => {
                let is_mute = self.has(Topology::Addresses) || self.has(Topology::Backup);
                self.tally.sign_on_failed += u64::from(is_mute);
            }
            CloseReason::Standby => {
                self.tally.standby += 1;
                if let Some(exchange) = self.in_flight_by(conn) {
                    return Err(format!("{conn:?} of {name} goes, and the answer to {exchange} is awaited there"));
                }
            }
            CloseReason::Replaced => {
                let number = self.ours.get(&conn).copied();
                let heard_at = number.and_then(|number| self.links.get(&number)).map(|link| link.heard_at);
                let is_silent = heard_at.is_none_or(|at| at + SILENT <= self.now.mono);
                match policy {
                    SecondConnection::Replace => self.tally.replaced += 1,
                    SecondConnection::Probe if is_silent => self.tally.replaced_silent += 1,
                    SecondConnection::Probe => return Err(format!("{conn:?} lives, and is ended for another one")),
                    SecondConnection::Refuse => return Err(format!("{conn:?} is ended, and others are to be refused")),
                }
            }
            _ => {}
        }
        self.singles_close(conn, reason);
        Ok(())
    }

    /// What left by a connection, and is awaited.
    fn in_flight_by(&self, conn: Conn) -> Option<pabal_switch::ExchangeId> {
        let core = self.core.as_ref()?;
        let place = (self.line(conn.session.line).name.clone(), conn.session.slot, conn.epoch.0);
        let is_awaited = |id: &pabal_switch::ExchangeId| {
            let by = self.tracks.get(id).and_then(|track| track.place.clone());
            let state = core.exchange(*id).map(|one| one.state);
            by.as_ref() == Some(&place) && matches!(state, Some(ExchangeState::Sending | ExchangeState::Sent))
        };
        self.flying.iter().copied().find(is_awaited)
    }

    /// One who connected to it was turned away.
    pub(super) fn knocked(&mut self, line: LineId) {
        if !self.has(Topology::Knocks) {
            return;
        }
        match self.line(line).second_connection {
            SecondConnection::Probe => self.tally.knocked_probe += 1,
            SecondConnection::Replace => self.tally.knocked_replace += 1,
            SecondConnection::Refuse => self.tally.knocked_refuse += 1,
        }
    }

    pub(super) fn routes_hear(&mut self, event: &Told) {
        let heard = match event {
            Told::Session { conn, from, to, reason } => {
                self.session_goes(*conn, *from, *to, *reason);
                Ok(())
            }
            Told::Address { line, address } => self.goes_on(*line, *address),
            Told::Duty { line, on_duty } => self.stands_in(*line, *on_duty),
            Told::Dropped { .. } => {
                self.route.is_blind = true;
                Ok(())
            }
            _ => Ok(()),
        };
        if let Err(broken) = heard {
            self.broken.get_or_insert(broken);
        }
    }

    fn session_goes(&mut self, conn: Conn, from: SessionState, to: SessionState, reason: Option<CloseReason>) {
        use SessionState as S;

        let (id, now) = (conn.session, self.now.mono);
        match (from, to) {
            (S::Connecting | S::SigningOn | S::Down, S::Up) => {
                let address = self.route.asked.get(&conn).map_or(0, |asked| asked.address);
                self.route.ups.insert(id, Up { since: now, is_up: true, is_well: false, address });
            }
            (_, S::Draining | S::SigningOff) => {
                if let Some(up) = self.route.ups.get_mut(&id) {
                    up.is_up = false;
                }
            }
            (S::Down | S::Closing, _) => {}
            (_, S::Down | S::Closing) => {
                let up = self.route.ups.remove(&id);
                if self.is_kept(id.line) && reason.is_some_and(|reason| !is_our_wish(reason)) {
                    self.ended(conn, up);
                } else if let Some(up) = up {
                    self.route.ways[usize::from(id.line.0)].has_worked |= up.is_well;
                }
            }
            _ => {}
        }
    }

    /// A connection of ours ended, and not since we wished so.
    fn ended(&mut self, conn: Conn, up: Option<Up>) {
        let line = conn.session.line;
        let address = self.route.asked.get(&conn).map(|asked| asked.address);
        let settings = self.line(line);
        let (healthy_after, addresses) = (settings.healthy_after, settings.addresses);
        let is_other_up = self.route.ups.iter().any(|(id, up)| id.line == line && up.is_up);
        let is_in_doubt = up.is_some_and(|up| up.is_up && !up.is_well && up.since + healthy_after <= self.now.mono);
        let is_well = up.is_some_and(|up| up.is_well);
        let way = &mut self.route.ways[usize::from(line.0)];
        way.has_worked |= is_well;
        if is_well {
            return;
        }
        // Where another one is up, the line stays.
        if address != Some(way.address) || addresses < 2 || is_other_up {
            way.failed += u32::from(!is_other_up && !is_in_doubt);
            return;
        }
        way.may_go_on |= is_in_doubt;
        way.must_go_on |= !is_in_doubt;
        way.failed += u32::from(!is_other_up && !is_in_doubt);
    }

    /// Whether a session of a line is up at one of its addresses.
    fn is_up_at(&self, line: LineId, address: u8) -> bool {
        self.route.ups.iter().any(|(id, up)| id.line == line && up.is_up && up.address == address)
    }

    /// A line goes on to its next address, or back to where a session of it has come up.
    fn goes_on(&mut self, line: LineId, address: u8) -> Result<(), String> {
        let (name, addresses) = (self.line(line).name.clone(), self.line(line).addresses);
        let is_blind = self.route.is_blind;
        let is_back =
            self.is_up_at(line, address) && !self.is_up_at(line, self.route.ways[usize::from(line.0)].address);
        let way = &mut self.route.ways[usize::from(line.0)];
        if is_back && way.address != address {
            self.tally.address_back += 1;
            (way.address, way.must_go_on, way.may_go_on) = (address, false, false);
            return Ok(());
        }
        self.tally.address_moved += 1;
        let next = (way.address + 1) % addresses.max(1);
        if !is_blind && !way.must_go_on && !way.may_go_on {
            return Err(format!("{name} goes on from its address {}, where nothing has failed", way.address));
        }
        if !is_blind && next != address {
            return Err(format!("{name} goes on from its address {} to {address}", way.address));
        }
        (way.address, way.must_go_on, way.may_go_on) = (address, false, false);
        Ok(())
    }

    // ---- lines that stand in ----

    fn stands_in(&mut self, line: LineId, on_duty: bool) -> Result<(), String> {
        let settings = self.line(line);
        let (name, after) = (settings.name.clone(), u32::from(settings.backup_after));
        let Some(main) = settings.backup_of else { return Err(format!("{name} stands in for nobody")) };
        self.route.ways[usize::from(line.0)].on_duty = on_duty;
        // Where each request has its connection, a line is well as soon as one is answered.
        let is_blind = self.route.is_blind || !self.is_kept(main);
        let way = self.route.ways[usize::from(main.0)];
        if on_duty {
            self.tally.duty_on += 1;
            if way.failed < after && !way.is_left && !is_blind {
                return Err(format!("{name} begins to stand in after {} failed tries of {after}", way.failed));
            }
            return Ok(());
        }
        self.tally.duty_off += 1;
        let healthy_after = self.line(main).healthy_after;
        let is_well =
            |(id, up): (&SessionId, &Up)| id.line == main && up.is_up && up.since + healthy_after <= self.now.mono;
        if !self.route.ups.iter().any(is_well) && !is_blind {
            return Err(format!("{name} goes, and the line that it stood in for is not well"));
        }
        self.route.ways[usize::from(main.0)].failed = 0;
        Ok(())
    }

    /// A line that stands in goes as soon as the line that it stands in for is well.
    fn stands_in_no_more(&self) -> Result<(), String> {
        if self.core.is_none() || self.route.is_blind {
            return Ok(());
        }
        for (at, spare) in self.settings.lines.iter().enumerate() {
            let is_told = |main: &LineId| self.route.ways[at].on_duty && self.is_kept(*main);
            let Some(main) = spare.backup_of.filter(is_told) else { continue };
            let healthy_after = self.line(main).healthy_after;
            let is_well =
                |(id, up): (&SessionId, &Up)| id.line == main && up.is_up && up.since + healthy_after < self.now.mono;
            if self.route.ups.iter().any(is_well) {
                return Err(format!("{} stands in, and the line that it stands in for is well", spare.name));
            }
        }
        Ok(())
    }

    // ---- connections that the institution makes, loses and holds ----

    fn lose_side(&mut self) {
        let is_theirs = |(conn, number): &(&Conn, &Connection)| {
            let line = &self.settings.lines[usize::from(conn.session.line.0)];
            line.side == LineSide::Acceptor && self.links.get(number).is_some_and(|link| !link.closed_there)
        };
        let theirs: Vec<Connection> = self.ours.iter().filter(is_theirs).map(|(_, number)| *number).collect();
        if theirs.is_empty() {
            return;
        }
        let number = theirs[self.route.chance.index(theirs.len())];
        self.tally.side_lost += 1;
        self.trace.line(self.now, format_args!("the institution has lost its side of {number}"));
        self.finds_out(number);
        // Our kernel asks now and then whether anybody is there.
        let at = self.now.mono + Duration::from_millis(self.route.chance.between(45_000, 90_000));
        self.agenda.plan(at, Event::GivesUp(number));
    }

    /// Our FIN has come. Whether the institution counts the connection for some time yet.
    pub(super) fn holds_on(&mut self, number: Connection) -> bool {
        // One that has closed by itself counts it no longer.
        let has_closed = self.links.get(&number).is_none_or(|link| link.back.is_finished());
        if !self.setup.lingers || has_closed || !self.route.chance.per_mille(400) {
            return false;
        }
        let longest = u64::try_from(LINGERS_MAX.as_millis()).unwrap_or(0);
        let at = self.now.mono + Duration::from_millis(self.route.chance.between(longest / 3, longest));
        self.agenda.plan(at, Event::Route(Happens::LetsGo(number)));
        true
    }

    pub(super) fn let_side_go(&mut self, number: Connection) {
        let Some(link) = self.links.get_mut(&number).filter(|link| !link.closed_there) else { return };
        self.tally.lingered += 1;
        link.lingers = false;
        link.closed_there = true;
        link.back.finish(self.now.mono, &mut self.route.chance);
        self.bank.handle_closed(number, self.theirs);
    }

    // ---- at each step ----

    /// Nobody gives up: a session that is wanted and down has a time at which it is tried, at once or after its entry is durable. And all lines
    /// together have no more sessions than the institution allows.
    pub(super) fn routes_hold(&mut self) -> Result<(), String> {
        self.route.steps += 1;
        if self.has(Topology::Usual) && !self.route.steps.is_multiple_of(LOOKS_EVERY) {
            return Ok(());
        }
        for (id, up) in &mut self.route.ups {
            let line = &self.settings.lines[usize::from(id.line.0)];
            if up.is_up && !up.is_well && up.since + line.healthy_after <= self.now.mono {
                up.is_well = true;
                self.route.ways[usize::from(id.line.0)].failed = 0;
            }
        }
        self.all_sessions_hold()?;
        self.stands_in_no_more()?;
        let Some(core) = self.core.as_ref().filter(|_| !self.disk.failed && self.disk.is_quiet()) else {
            return Ok(());
        };
        let status = core.status();
        for session in &status.sessions {
            let at = usize::from(session.session.line.0);
            let is_wanted = status.lines[at].is_wanted && self.is_kept(session.session.line);
            if is_wanted && session.state == SessionState::Down && session.next_try.is_none() {
                return Err(format!("{} is given up: {session:?}", session.line));
            }
        }
        Ok(())
    }

    fn all_sessions_hold(&mut self) -> Result<(), String> {
        let Some(most) = self.settings.limits.sessions_max else { return Ok(()) };
        let lines = self.settings.lines.iter().enumerate();
        // Whoever connects to us counts by himself.
        let ours = lines.filter(|(_, line)| line.side == LineSide::Initiator);
        let open = |at: usize| self.bank.ledger().line(BankLine(u16::try_from(at).unwrap_or(0))).open;
        let count: u32 = ours.map(|(at, _)| open(at)).sum();
        self.tally.full += u64::from(count == u32::from(most));
        if count > u32::from(most) {
            return Err(format!("sentence 6: {count} sessions of all lines, allowed {most}"));
        }
        Ok(())
    }
}

/// We ended it for reasons of our own: that says nothing against an address.
const fn is_our_wish(reason: CloseReason) -> bool {
    use CloseReason as Why;
    matches!(reason, Why::Standby | Why::Commanded | Why::Drained | Why::Stopped | Why::JournalFailed | Why::Answered)
}
