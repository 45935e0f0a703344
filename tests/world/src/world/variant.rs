//! What few runs have: what is planned for it, and what must be true of it.

use std::sync::Arc;
use std::time::Duration;

use pabal_clock::{Hours, Mono, Wall};
use pabal_spec::HoursRule;
use pabal_switch::{Command, ExchangeId};

use crate::chance::Chance;
use crate::coverage::Fault;
use crate::setup::{BANKS, Setup};
use crate::versions;
use crate::workload;
use crate::world::{Event, World};

/// How many versions come one behind the other.
const RELOADS: u32 = 5;
/// And with those that come behind questions.
const RELOADS_MAX: usize = 15;
/// How long before each of them, and behind it, the core is not swapped.
const KEPT_BEFORE: Duration = Duration::from_secs(15);
const KEPT_BEHIND: Duration = Duration::from_secs(5);
const DAY_SECONDS: i64 = 86_400;
/// Seoul's.
const ZONE_SECONDS: i64 = 9 * 3_600;

/// Some minutes of each day in which the site takes no work.
#[derive(Clone, Debug)]
pub(super) struct Closing {
    /// Minutes since midnight; the first that is closed, and the first that is open again.
    from: i64,
    until: i64,
    /// None: all of them.
    exchanges: Vec<&'static str>,
    banks: Vec<&'static str>,
}

impl Closing {
    /// As it is configured.
    pub(super) fn rule(&self) -> HoursRule {
        let Self { from, until, .. } = self;
        let hours = format!("every day {:02}:{:02} to {:02}:{:02}", from / 60, from % 60, until / 60, until % 60);
        HoursRule {
            hours: Hours::parse(&hours).expect("it is a part of a day"),
            exchanges: self.exchanges.iter().map(|name| (*name).into()).collect(),
            participants: self.banks.iter().map(|bank| bank.as_bytes().into()).collect(),
        }
    }

    fn is_closed(&self, exchange: &str, bank: &[u8], wall: Wall) -> bool {
        let minute = seconds_of_day(wall) / 60;
        (self.from..self.until).contains(&minute)
            && (self.exchanges.is_empty() || self.exchanges.contains(&exchange))
            && (self.banks.is_empty() || self.banks.iter().any(|one| one.as_bytes() == bank))
    }
}

fn seconds_of_day(wall: Wall) -> i64 {
    (wall.as_unix_micros().div_euclid(1_000_000) + ZONE_SECONDS).rem_euclid(DAY_SECONDS)
}

/// Some, while faults happen.
pub(super) fn closings(setup: Setup, begin: Wall, chance: &mut Chance) -> Vec<Closing> {
    let mut closings = Vec::new();
    let count = if setup.variant.hours { chance.between(1, 3) } else { 0 };
    for _ in 0..count {
        let from = seconds_of_day(begin) / 60 + i64::try_from(chance.between(0, 2)).unwrap_or(0);
        let from = from.min(DAY_SECONDS / 60 - 1);
        let until = (from + i64::try_from(chance.between(1, 2)).unwrap_or(1)).min(DAY_SECONDS / 60);
        let exchanges: &[&str] = match chance.between(0, 3) {
            0 => &[],
            1 => &["transfer"],
            2 => &["open", "transfer"],
            _ => &["open", "transfer_result"],
        };
        let banks = if chance.per_mille(500) { BANKS[..3].to_vec() } else { Vec::new() };
        closings.push(Closing { from, until, exchanges: exchanges.to_vec(), banks });
    }
    closings
}

impl World {
    /// Operators stop all when a bank has opened by its second try, and is about to say that it is not open.
    pub(super) fn plan_late_opening(&mut self, first: u32) {
        let opened = self.now.mono + Duration::from_millis(90_300);
        for number in first..first + 20 {
            self.agenda.plan(opened + Duration::from_millis(self.chance.between(0, 1_000)), Event::Wish(number));
        }
        let stopped = opened + Duration::from_millis(self.chance.between(700, 1_300));
        let drain = Command::DrainInstitution { within: Duration::from_secs(30) };
        self.agenda.plan(stopped, Event::Operates(Some(Box::new(drain))));
        self.agenda.plan(stopped + Duration::from_secs(40), Event::StartAll);
    }

    /// Transfers whose answers say that a bank is not open, and a drain that lets them come, just before the date changes.
    pub(super) fn plan_lost_at_midnight(&mut self, first: u32) {
        let left = u64::try_from(DAY_SECONDS - seconds_of_day(self.now.wall)).unwrap_or(0);
        let midnight = self.now.mono + Duration::from_secs(left);
        let drained = midnight.minus(Duration::from_millis(self.chance.between(1_500, 3_000))).max(self.now.mono);
        for number in first..first + 60 {
            let before = Duration::from_micros(self.chance.between(0, 4_000));
            self.agenda.plan(drained.minus(before).max(self.now.mono), Event::Wish(number));
        }
        let drain = Command::DrainInstitution { within: Duration::from_secs(30) };
        self.agenda.plan(drained, Event::Operates(Some(Box::new(drain))));
        self.agenda.plan(drained + Duration::from_secs(40), Event::StartAll);
    }

    // ---- versions, one behind the other ----

    /// Somebody asks and callers call in the second before each of them, and behind it.
    pub(super) fn plan_reloads(&mut self, first: u32) {
        let begin = self.now.mono;
        self.reload_wishes = first;
        let mut millis = self.chance.between(20_000, 60_000);
        for _ in 0..RELOADS {
            let at = begin + Duration::from_millis(millis);
            self.plan_reload(at);
            for _ in 0..2 {
                self.agenda.plan(at.minus(Duration::from_micros(self.chance.between(0, 500_000))), Event::Inquiries);
            }
            for _ in 0..12 {
                let micros = Duration::from_micros(self.chance.between(0, 1_000_000));
                self.wish_near_reload(at.minus(Duration::from_micros(500_000)) + micros);
            }
            millis += self.chance.between(10_000, 30_000);
        }
    }

    fn plan_reload(&mut self, at: Mono) {
        self.reloads_at.push(at);
        self.agenda.plan(at, Event::Fault(Some(Fault::Reload)));
    }

    fn wish_near_reload(&mut self, at: Mono) {
        self.agenda.plan(at, Event::Wish(self.reload_wishes));
        self.reload_wishes += 1;
    }

    /// A question that says by itself what all others are stamped with leaves: another version comes in the same second, and other requests
    /// behind it.
    pub(super) fn reload_behind_question(&mut self) {
        if !self.setup.variant.reloads || self.healthy || self.reloads_at.len() >= RELOADS_MAX {
            return;
        }
        let at = self.now.mono + Duration::from_micros(self.chance.between(0, 200_000));
        self.plan_reload(at);
        for _ in 0..6 {
            let behind = Duration::from_micros(self.chance.between(0, 300_000));
            self.wish_near_reload(at + behind);
        }
    }

    /// Whether the core may be swapped for its image now: not while what it keeps by itself only is wanted.
    pub(super) fn may_swap(&self) -> bool {
        let is_near = |at: &Mono| self.now.mono + KEPT_BEFORE > *at && self.now.mono < *at + KEPT_BEHIND;
        !self.reloads_at.iter().any(is_near)
    }

    // ---- hours ----

    /// What the site takes no work for now is neither taken in nor leaves.
    pub(super) fn is_in_hours(&self, exchange: ExchangeId, does: &str) -> Result<(), String> {
        let Some(track) = self.tracks.get(&exchange) else { return Ok(()) };
        if self.is_closed(&track.rule, &track.participant) {
            return Err(format!("{exchange}, {} of {:?}, {does} out of its hours", track.rule, track.participant));
        }
        Ok(())
    }

    pub(super) fn is_closed(&self, exchange: &str, bank: &[u8]) -> bool {
        self.closings.iter().any(|closing| closing.is_closed(exchange, bank, self.now.wall))
    }

    // ---- a version that begins by its date ----

    /// Many requests come just before it.
    pub(super) fn plan_dated(&mut self, first: u32) {
        let millis = u64::try_from(self.setup.faulty().as_millis()).unwrap_or(0);
        let at = self.now.mono + Duration::from_millis(self.chance.between(20_000, millis - 1_000));
        for number in first..first + 15 {
            let before = Duration::from_micros(self.chance.between(0, 4_000));
            self.agenda.plan(at.minus(before), Event::Wish(number));
        }
        self.agenda.plan(at, Event::Dated);
    }

    pub(super) fn begin_dated(&mut self) {
        if self.core.as_ref().is_some_and(|core| core.status().draining) {
            self.agenda.plan(self.now.mono + Duration::from_secs(1), Event::Dated);
            return;
        }
        let version = versions::dated(self.setup);
        self.hit_all(Fault::Reload);
        self.counts.dated_versions += 1;
        if let Some(core) = &mut self.core
            && let Err(why) = core.set_institution(Arc::clone(&version.institution), self.now)
        {
            self.broken.get_or_insert(format!("a version that begins by its date is refused: {why}"));
        }
        self.trace.line(self.now, format_args!("a version begins by its date"));
        self.versions.insert(0, Arc::clone(&version.institution));
        self.plan = workload::transfer_plan(&version.institution);
        self.dated = Some(version.institution.protocols[0].digest);
    }

    /// What was made for the telegrams of before a date does not begin to leave behind it.
    pub(super) fn is_of_its_date(&self, exchange: ExchangeId) -> Result<(), String> {
        let (Some(track), Some(dated)) = (self.tracks.get(&exchange), self.dated) else { return Ok(()) };
        if &*track.rule == "transfer" && track.spec != dated {
            return Err(format!("{exchange} was made before a version began by its date, and begins to leave"));
        }
        Ok(())
    }
}
