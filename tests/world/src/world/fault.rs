//! What goes wrong, and what is done on purpose while all goes on.

use std::sync::Arc;
use std::time::Duration;

use pabal_clock::Wall;
use pabal_counterparty::Connection;
use pabal_switch::Core;

use crate::coverage::Fault;
use crate::versions;
use crate::wire::PIPE_BYTES_MAX;
use crate::workload;
use crate::world::{Event, World, plus};

/// How long the institution may count a connection of which it hears nothing after we closed it; less than the close grace.
const FOUND_OUT_MS_MAX: u64 = 9_000;
/// When it gives up one that we still hold: TCP tells it that nothing is acknowledged.
const GIVEN_UP_MS_MAX: u64 = 60_000;
/// A drain ends by then, and the close grace after its deadline: that is within five seconds, and a slow disk may take as long for what is
/// written then, and for a fence that is taken meanwhile.
const DRAINED_WITHIN: Duration = Duration::from_secs(20);

/// Dates that our wall clock may show by leaps. The switch keeps numbers and notices of eight, and time goes on over some by itself.
const DATES_MAX: usize = 6;

/// Just before the date changes.
const JUST_BEFORE: Duration = Duration::from_secs(60);

/// The kinds that come by themselves, each as often as its weight.
const KINDS: [(Fault, u32); 16] = [
    (Fault::Crash, 12),
    (Fault::PowerLoss, 6),
    (Fault::Reset, 12),
    (Fault::ResetAll, 8),
    (Fault::SwallowOut, 8),
    (Fault::SwallowBack, 8),
    (Fault::Stall, 24),
    (Fault::HalfClose, 10),
    (Fault::DiskFails, 8),
    (Fault::SlowDisk, 10),
    (Fault::ClockStep, 8),
    (Fault::ClockToLaterDate, 4),
    (Fault::ClockToEarlierDate, 4),
    (Fault::Reload, 10),
    (Fault::ReloadRefused, 4),
    (Fault::Drain, 5),
];

impl World {
    pub(super) fn fault(&mut self, kind: Option<Fault>) {
        let kind = kind.unwrap_or_else(|| {
            let mut left = self.chance.between(0, KINDS.iter().map(|(_, weight)| u64::from(*weight)).sum::<u64>() - 1);
            for (kind, weight) in KINDS {
                match left.checked_sub(u64::from(weight)) {
                    Some(rest) => left = rest,
                    None => return kind,
                }
            }
            Fault::Crash
        });
        match kind {
            Fault::Crash | Fault::PowerLoss | Fault::CrashAtMidnight => self.crash(kind),
            Fault::Reset | Fault::SwallowOut | Fault::SwallowBack | Fault::Stall | Fault::HalfClose => {
                if let Some(number) = self.some_link() {
                    self.hit_all(kind);
                    self.trace.line(self.now, format_args!("{} of {number}", kind.word()));
                    self.link_fault(kind, number);
                }
            }
            Fault::ResetAll => {
                self.hit_all(kind);
                self.counts.resets += 1;
                for number in self.links.keys().copied().collect::<Vec<_>>() {
                    self.reset(number);
                }
            }
            Fault::DiskFails => self.disk_fails(),
            Fault::SlowDisk => self.slow_sync = true,
            Fault::ClockStep | Fault::ClockToLaterDate | Fault::ClockToEarlierDate => self.set_clock(),
            Fault::Reload | Fault::ReloadRefused => self.reload(kind == Fault::Reload),
            Fault::Drain => self.drain(),
            _ => {}
        }
    }

    fn link_fault(&mut self, kind: Fault, number: Connection) {
        if kind == Fault::Reset {
            self.counts.resets += 1;
            self.reset(number);
            return;
        }
        let Some(link) = self.links.get_mut(&number) else { return };
        match kind {
            Fault::SwallowOut => {
                self.counts.swallows += 1;
                link.out.swallows = true;
            }
            Fault::SwallowBack => {
                self.counts.swallows += 1;
                link.back.swallows = true;
            }
            Fault::Stall => {
                // Most outlast the time for an answer.
                self.counts.stalls += 1;
                let until = self.now.mono + Duration::from_millis(self.chance.between(1_000, 60_000));
                // Some take a part of one request, others several that arrive when all is over.
                let room = if self.chance.per_mille(500) { 500 } else { 5_000 };
                let room = usize::try_from(self.chance.between(0, room)).unwrap_or(0);
                // Our FIN on its way is not held back: a SYN behind it relies on that.
                if link.out.end_at().is_none() {
                    link.out.stall(until, room);
                }
                link.back.stall(until, room);
                self.agenda.plan(until, Event::StallEnds);
                if self.setup.operator && self.chance.per_mille(300) {
                    // Somebody asks while it lasts, or as it ends.
                    let at = if self.chance.per_mille(500) {
                        self.now.mono + Duration::from_micros(self.chance.between(0, 500_000))
                    } else {
                        until.minus(Duration::from_micros(self.chance.between(0, 4_000)))
                    };
                    self.agenda.plan(at, Event::Inquiries);
                }
            }
            _ => {
                self.counts.half_closes += 1;
                link.back.finish(self.now.mono, &mut self.chance);
            }
        }
    }

    /// What we write arrives when the time for its answer is over, on every connection; of the last request a part only is taken. Somebody
    /// asks about it meanwhile, and callers come back.
    pub(super) fn hold_back(&mut self) {
        self.hit_all(Fault::Stall);
        self.counts.holds += 1;
        self.trace.line(self.now, format_args!("the network holds back what we write"));
        let until = self.now.mono + Duration::from_millis(self.chance.between(34_000, 58_000));
        for link in self.links.values_mut().filter(|link| link.out.end_at().is_none()) {
            let room = [1_500, 5_000, 20_000][self.chance.index(3)];
            let room = usize::try_from(self.chance.between(0, room)).unwrap_or(0);
            link.out.stall(until, room);
        }
        self.agenda.plan(until, Event::StallEnds);
        for at in [self.now.mono, self.now.mono, until] {
            self.agenda.plan(at + Duration::from_micros(self.chance.between(0, 20_000)), Event::Crowd);
        }
        if self.setup.operator {
            let over = self.now.mono + Duration::from_millis(self.chance.between(31_000, 33_500));
            for at in [over, until.minus(Duration::from_micros(self.chance.between(0, 4_000)))] {
                self.agenda.plan(at, Event::Inquiries);
                self.agenda.plan(at + Duration::from_micros(self.chance.between(0, 1_500)), Event::Crowd);
            }
        }
    }

    /// What we have written and write arrives some seconds later, on every connection: a question for a notice lies on the wire while the
    /// notice comes.
    pub(super) fn hold_question(&mut self) {
        if self.now.mono < self.held_until || !self.chance.per_mille(150) {
            return;
        }
        self.hit_all(Fault::Stall);
        self.counts.holds += 1;
        self.trace.line(self.now, format_args!("the network holds back a question"));
        let until = self.now.mono + Duration::from_millis(self.chance.between(8_000, 20_000));
        self.held_until = until;
        for link in self.links.values_mut().filter(|link| link.out.end_at().is_none()) {
            link.out.stall(until, PIPE_BYTES_MAX);
        }
        self.agenda.plan(until, Event::StallEnds);
    }

    /// No connection takes what we write, and then the process dies: it owes replies of which no socket has a byte.
    pub(super) fn choke(&mut self) {
        self.hit_all(Fault::Stall);
        self.counts.stalls += 1;
        self.trace.line(self.now, format_args!("no connection takes what we write"));
        let until = self.now.mono + Duration::from_millis(self.chance.between(2_000, 12_000));
        for link in self.links.values_mut().filter(|link| link.out.end_at().is_none()) {
            link.out.stall(until, 0);
        }
        self.agenda.plan(until, Event::StallEnds);
        self.agenda.plan(until.minus(Duration::from_millis(self.chance.between(0, 1_000))), Event::Dies);
    }

    fn disk_fails(&mut self) {
        if self.core.is_none() || self.disk.failed {
            return;
        }
        self.hit_all(Fault::DiskFails);
        self.counts.disk_failures += 1;
        self.trace.line(self.now, format_args!("the disk fails"));
        self.disk.failed = true;
        // Whether the group that was being synced is there is not known.
        let survives = self.chance.per_mille(500);
        self.disk.crash(survives);
        self.fences.clear();
        self.agenda.retain(|event| !matches!(event, Event::Synced));
        if let Some(core) = &mut self.core {
            core.handle_journal_failed("sync failed", self.now);
        }
        // The operator sees it, and stops the process.
        let seen = Duration::from_millis(self.chance.between(0, 8_000));
        self.agenda.plan(self.now.mono + seen, Event::Dies);
    }

    /// Somebody sets our wall clock: by seconds, over a date change, by a day; or right again.
    fn set_clock(&mut self) {
        let off = self.now.wall.as_unix_micros() - self.theirs.wall.as_unix_micros();
        let second = 1_000_000;
        let by = match self.chance.between(0, 9) {
            0..=3 if off != 0 => -off,
            0..=4 => {
                let micros = i64::try_from(self.chance.between(1, 90_000_000)).unwrap_or(0);
                if self.chance.per_mille(500) { micros } else { -micros }
            }
            5 => 86_400 * second,
            6 => -86_400 * second,
            7 => 30 * 86_400 * second,
            // Just over the next date change, or just before the last one.
            8 => self.to_date_change() + second,
            _ => self.to_date_change() - 86_400 * second - second,
        };
        self.dates.insert(self.day.business_date(self.now.wall));
        let after = self.day.business_date(Wall::from_unix_micros(self.now.wall.as_unix_micros() + by));
        if self.dates.contains(&after) || self.dates.len() < DATES_MAX {
            self.dates.insert(after);
            self.jump(by);
        }
    }

    /// Microseconds from our wall clock to its next date change.
    fn to_date_change(&self) -> i64 {
        let day = 86_400_000_000;
        let since = self.now.wall.as_unix_micros() + i64::from(self.day.zone.seconds()) * 1_000_000
            - i64::from(self.day.changes.seconds()) * 1_000_000;
        day - since.rem_euclid(day)
    }

    fn jump(&mut self, by: i64) {
        let before = self.day.business_date(self.now.wall);
        let wall = Wall::from_unix_micros(self.now.wall.as_unix_micros() + by);
        let after = self.day.business_date(wall);
        let kind = match after.cmp(&before) {
            std::cmp::Ordering::Less => Fault::ClockToEarlierDate,
            std::cmp::Ordering::Equal => Fault::ClockStep,
            std::cmp::Ordering::Greater => Fault::ClockToLaterDate,
        };
        self.hit_all(kind);
        self.was_date_wrong |= kind != Fault::ClockStep;
        self.has_leapt = true;
        let today = self.day.business_date(self.theirs.wall);
        let is_soon_over = self.day.business_date(plus(self.theirs.wall, JUST_BEFORE)) > today;
        self.counts.leaps_undone_before_midnight += u64::from(before > today && after == today && is_soon_over);
        self.now.wall = wall;
        self.counts.clock_steps += 1;
        self.trace.line(self.now, format_args!("our clock is set by {by} us, from {before} to {after}"));
    }

    /// Another version of the spec, while all goes on.
    fn reload(&mut self, takes: bool) {
        let Some(core) = &self.core else { return };
        // Nobody goes back behind a date.
        if core.status().draining || (takes && self.dated.is_some()) {
            return;
        }
        if self.setup.swaps_at_reloads {
            self.swap();
        }
        let able: Vec<_> = versions::all(self.setup).iter().filter(|version| version.keeps_sessions == takes).collect();
        let version = able[self.chance.index(able.len())];
        self.hit_all(if takes { Fault::Reload } else { Fault::ReloadRefused });
        let Some(core) = &mut self.core else { return };
        let up = |core: &Core| core.status().sessions.iter().filter(|one| one.conn.is_some()).count();
        let before = up(core);
        let taken = core.set_institution(Arc::clone(&version.institution), self.now);
        let after = up(core);
        self.trace.line(self.now, format_args!("a version that differs in {}: {taken:?}", version.differs_in));
        if taken.is_ok() != takes || before != after {
            let broken = format!(
                "a version that differs in {} is {taken:?}, and of {before} connections {after} are there",
                version.differs_in
            );
            self.broken.get_or_insert(broken);
        }
        if taken.is_ok() {
            self.counts.reloads += 1;
            self.versions.retain(|known| !Arc::ptr_eq(known, &version.institution));
            self.versions.insert(0, Arc::clone(&version.institution));
            self.plan = workload::transfer_plan(&version.institution);
        } else {
            self.counts.reloads_refused += 1;
        }
        if self.setup.swaps_at_reloads {
            self.swap();
        }
    }

    /// A planned stop.
    fn drain(&mut self) {
        if self.core.is_none() || self.draining_since.is_some() {
            return;
        }
        self.hit_all(Fault::Drain);
        let deadline = self.now.mono + Duration::from_millis(self.chance.between(0, 5_000));
        if let Some(core) = &mut self.core {
            self.counts.drains += 1;
            self.draining_since = Some(self.now.mono);
            self.trace.line(self.now, format_args!("the process is being stopped"));
            core.drain(deadline, self.now);
        }
    }

    /// A process that is drained ends, and another one starts.
    pub(super) fn end_drain(&mut self) {
        let (Some(since), Some(core)) = (self.draining_since, &self.core) else { return };
        if core.is_drained() {
            self.trace.line(self.now, format_args!("the process has stopped"));
            self.ends(false);
        } else if self.now.mono.since(since) > self.drained_within() && core.status().journal_works {
            let broken = format!("a drain is not done after {:?}: {:?}", self.drained_within(), core.status());
            self.broken.get_or_insert(broken);
        }
    }

    fn drained_within(&self) -> Duration {
        let longest = self.settings.lines.iter().map(|line| line.close_grace).max();
        DRAINED_WITHIN + longest.unwrap_or_default()
    }

    pub(super) fn some_link(&mut self) -> Option<Connection> {
        let open: Vec<Connection> = self.links.keys().copied().collect();
        (!open.is_empty()).then(|| open[self.chance.index(open.len())])
    }

    /// The process dies, and comes back soon.
    pub(super) fn crash(&mut self, kind: Fault) {
        if self.core.is_none() {
            return;
        }
        self.hit_all(kind);
        self.counts.crashes += 1;
        self.counts.crashes_at_midnight += u64::from(kind == Fault::CrashAtMidnight);
        self.trace.line(self.now, format_args!("the process dies: {}", kind.word()));
        // If only the process died, the kernel closes its sockets: what it had taken still goes, then FIN. If the computer lost its power,
        // the institution hears nothing, and counts the connections until it finds out.
        let power_lost = kind == Fault::PowerLoss || (kind == Fault::CrashAtMidnight && self.chance.per_mille(300));
        self.counts.power_losses += u64::from(power_lost);
        self.ends(power_lost);
    }

    fn ends(&mut self, power_lost: bool) {
        self.remember();
        self.lay_core_down();
        self.draining_since = None;
        let survives = self.chance.per_mille(500);
        self.disk.crash(survives);
        self.fences.clear();
        self.agenda.retain(|event| !matches!(event, Event::Synced | Event::Connecting { .. } | Event::Dies));
        for (_, number) in std::mem::take(&mut self.ours) {
            if let Some(link) = self.links.get_mut(&number) {
                link.closed_here = true;
                link.out.swallows |= power_lost;
            }
            self.finish(number);
        }
        let back = Duration::from_millis(self.chance.between(1, 8_000));
        self.agenda.plan(self.now.mono + back, Event::Restart);
    }

    /// Our side sends its FIN. If it is swallowed, the institution finds out by itself, before the close grace is over.
    pub(super) fn finish(&mut self, number: Connection) {
        let Some(link) = self.links.get_mut(&number) else { return };
        link.out.finish(self.now.mono, &mut self.chance);
        let grace = self.now.mono + Duration::from_millis(FOUND_OUT_MS_MAX);
        if link.out.swallows || link.out.end_at().is_some_and(|at| at > grace) {
            let found_out = Duration::from_millis(self.chance.between(1_000, FOUND_OUT_MS_MAX));
            self.agenda.plan(self.now.mono + found_out, Event::FindsOut(number));
        }
    }

    /// The institution gives up a connection of which it has heard nothing. We hear nothing of that.
    pub(super) fn finds_out(&mut self, number: Connection) {
        let Some(link) = self.links.get_mut(&number) else { return };
        if link.closed_there {
            return;
        }
        link.closed_there = true;
        link.out.die();
        link.back.die();
        if link.closed_here {
            self.links.remove(&number);
        }
        self.bank.handle_closed(number, self.theirs);
    }

    /// No more faults. A black hole stays one: whoever is in it has to find out, and in the end the institution does.
    pub(super) fn heal(&mut self) {
        self.healthy = true;
        self.trace.line(self.now, format_args!("the world heals"));
        let off = self.now.wall.as_unix_micros() - self.theirs.wall.as_unix_micros();
        if off != 0 {
            self.jump(-off);
        }
        let dead: Vec<Connection> =
            self.links.iter().filter(|(_, link)| link.out.swallows || link.back.swallows).map(|(n, _)| *n).collect();
        for number in dead {
            let at = self.now.mono + Duration::from_millis(self.chance.between(1_000, GIVEN_UP_MS_MAX));
            self.agenda.plan(at, Event::FindsOut(number));
        }
        self.agenda.retain(|event| !matches!(event, Event::Fault(_) | Event::Operates(_)));
        self.agenda.plan(self.now.mono, Event::StartAll);
    }

    pub(super) fn swap(&mut self) {
        if let Some(core) = self.lay_core_down() {
            self.counts.swaps += 1;
            let image = core.image();
            match Core::restore(image, self.versions.clone(), self.settings.clone()) {
                Ok(restored) => self.core = Some(restored),
                Err(why) => self.broken = Some(format!("an image cannot be restored: {why}")),
            }
        }
    }
}
