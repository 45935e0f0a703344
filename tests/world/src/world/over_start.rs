//! What a process has that ends, and what the next one has that goes on from the journal: from its entries, and from a checkpoint of the last
//! moment alone. They are held against each other when all that the first one did was durable.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::time::Duration;

use pabal_clock::{BusinessDate, DayRule, Mono, Now, Wall};
use pabal_switch::{
    Core, ExchangeId, ExchangeState, NoticeId, NoticeState, NumberStatus, OpenNotice, OpeningState, Recovery, Status,
    Unresolved,
};

use crate::disk;
use crate::world::World;

/// What is due as a process begins is asked that soon.
const ASKED_SOON: Duration = Duration::from_secs(10);

/// An UNKNOWN of which the caller heard early may be given up before the institution's time is over, of which no entry tells.
const GIVEN_UP_EARLIER: Duration = Duration::from_secs(30);

/// A journal keeps times in microseconds.
const JOURNAL_PRECISION: Duration = Duration::from_micros(1);

/// What a process had as it ended.
#[derive(Debug)]
pub(super) struct Ended {
    date: BusinessDate,
    /// It has had time to see that this is the date.
    saw_date: bool,
    /// When it would have asked about each UNKNOWN.
    inquiries: Vec<(ExchangeId, Wall)>,
    /// UNKNOWN that a person has to look at.
    listed: BTreeSet<ExchangeId>,
    /// With when the time of a service was to be over.
    notices: BTreeMap<NoticeId, (OpenNotice, Option<Wall>)>,
    openings: BTreeSet<String>,
    numbers: Vec<NumberStatus>,
    standing: Vec<String>,
}

/// What operators have stopped, blocked and set.
fn standing(status: &Status) -> Vec<String> {
    fn told(what: &str, standing: impl Debug) -> String {
        format!("{what}: {standing:?}")
    }
    let lines = status.lines.iter().map(|one| told(&one.line, &one.stopped));
    let compartments = status.compartments.iter().map(|one| told("compartment", (&one.compartment[..], &one.stopped)));
    let controls = status.controls.iter().map(|one| told("control", (&one.standing.control, one.standing.since)));
    let rates = status.rates.iter().map(|one| told("rate", (&one.compartment[..], one.rate, &one.set)));
    let whole = told("institution", &status.stopped);
    lines.chain(compartments).chain(controls).chain(rates).chain([whole]).collect()
}

/// With whom business is open.
fn open(status: &Status) -> BTreeSet<String> {
    let open = status.openings.iter().filter(|one| one.state == OpeningState::Open);
    open.map(|one| format!("{} {} {:?}", one.protocol, one.party, one.key)).collect()
}

/// What is UNKNOWN. When it is asked about is looked at by itself: an entry is made before it is durable, and a process counts from when it was.
fn unknown(core: &Core) -> Vec<Unresolved> {
    let unresolved = core.unresolved(None, usize::MAX).into_iter();
    unresolved.map(|one| Unresolved { next: one.next.map(|(_, what)| (None, what)), ..one }).collect()
}

impl Ended {
    fn of(core: &Core, day: DayRule, now: Now) -> Self {
        let date = day.business_date(now.wall);
        let earlier = Wall::from_unix_micros(now.wall.as_unix_micros() - 1_000_000);
        let wall = |at| now.wall.plus(Mono::since(at, now.mono));
        let unresolved = core.unresolved(None, usize::MAX);
        let asked = |one: &Unresolved| {
            let (at, _) = one.next.as_ref().filter(|_| one.state == ExchangeState::Unknown)?;
            Some((one.exchange, wall((*at)?)))
        };
        let status = core.status();
        let notices = core.open_notices(usize::MAX).into_iter();
        Self {
            date,
            saw_date: day.business_date(earlier) == date,
            inquiries: unresolved.iter().filter_map(asked).collect(),
            listed: unresolved.iter().filter(|one| one.listed).map(|one| one.exchange).collect(),
            notices: notices.map(|one| (one.notice, (one.clone(), one.reply_until.map(wall)))).collect(),
            openings: open(&status),
            standing: standing(&status),
            numbers: status.numbers,
        }
    }
}

impl World {
    /// A process ends.
    pub(super) fn remember(&mut self) {
        let core = self.core.as_ref().filter(|_| !self.disk.failed && self.disk.is_quiet());
        self.ended = core.map(|core| (Ended::of(core, self.day, self.now), core.checkpoint(self.now)));
    }

    /// The next one has begun, and nothing has happened since.
    pub(super) fn is_as_it_ended(&mut self, seed: u64) -> Result<(), String> {
        let Some(((ended, checkpoint), core)) = self.ended.take().zip(self.core.as_ref()) else { return Ok(()) };
        self.goes_on_from(&ended, core)?;
        let mut recovery = Recovery::new();
        recovery.fold(disk::read_again(&checkpoint)?);
        let other = Core::new(self.versions.clone(), self.settings.clone(), recovery, seed, self.now);
        self.goes_on_from(&ended, &other)
            .map_err(|broken| format!("from a checkpoint of the last moment: {broken}"))?;
        let (by_entries, by_checkpoint) = (unknown(core), unknown(&other));
        // Beyond the bound some have gone, of which entries do not say that they have.
        let is_whole = self.counts.evicted == 0 && by_entries.len() < self.settings.limits.unknown_max as usize;
        if by_entries != by_checkpoint && is_whole {
            return Err(format!("UNKNOWN are {by_entries:#?}, and from a checkpoint {by_checkpoint:#?}"));
        }
        self.tally.over_start += u64::from(!self.has_leapt);
        Ok(())
    }

    /// This process goes on as that one ended.
    fn goes_on_from(&self, ended: &Ended, core: &Core) -> Result<(), String> {
        let status = core.status();
        if standing(&status) != ended.standing {
            return Err(format!(
                "operators had {:#?}, and have behind a start {:#?}",
                ended.standing,
                standing(&status)
            ));
        }
        // What was written by a clock that has leapt is of no use: nobody waits longer than the schedule does.
        if self.has_leapt {
            return Ok(());
        }
        let now = Ended::of(core, self.day, self.now);
        self.inquiries_go_on(ended, core)?;
        // One that ends as the date changes may not have seen that it did.
        let is_same_date = ended.date == now.date && ended.saw_date;
        if is_same_date {
            let unresolved = core.unresolved(None, usize::MAX);
            if let Some(one) = unresolved.iter().find(|one| ended.listed.contains(&one.exchange) && !one.listed) {
                return Err(format!("a person was to look at {one:?}, and behind a start not"));
            }
            let differs: Vec<_> = now.openings.symmetric_difference(&ended.openings).collect();
            if let [first, ..] = &differs[..] {
                let was_open = ended.openings.contains(*first);
                return Err(format!(
                    "of {} openings the first was open: {was_open}, and is not so behind a start: {first}",
                    differs.len()
                ));
            }
            self.numbers_go_on(ended, &now)?;
        }
        if self.is_memory_whole() {
            self.notices_go_on(ended, &now, is_same_date)?;
        }
        Ok(())
    }

    /// The next process asks when that would have, or soon: were the time counted anew, one that starts often would never ask.
    fn inquiries_go_on(&self, ended: &Ended, core: &Core) -> Result<(), String> {
        let unresolved = core.unresolved(None, usize::MAX);
        for (exchange, asked_at) in &ended.inquiries {
            // Among too many UNKNOWN it may have gone; and nobody asks about one of another date.
            let is_of_today = |one: &&Unresolved| {
                one.exchange == *exchange
                    && self.day.business_date(one.accepted_at) == self.day.business_date(self.now.wall)
            };
            let Some(one) = unresolved.iter().find(is_of_today) else { continue };
            let next = one.next.as_ref().and_then(|(at, _)| *at);
            let next = next.map(|at| self.now.wall.plus(at.since(self.now.mono)));
            let latest = asked_at.plus(GIVEN_UP_EARLIER).max(self.now.wall.plus(ASKED_SOON));
            if next.is_none_or(|next| next.as_unix_micros() > latest.as_unix_micros() + 1_000) {
                return Err(format!(
                    "an inquiry about {exchange} was to come {asked_at:?}, and behind a start {next:?}: {one:?}"
                ));
            }
        }
        Ok(())
    }

    /// No number is given twice, and no more are left out than one entry reserves.
    fn numbers_go_on(&self, ended: &Ended, now: &Ended) -> Result<(), String> {
        for before in &ended.numbers {
            let is_same = |one: &&NumberStatus| (&one.protocol, &one.scope) == (&before.protocol, &before.scope);
            let after = now.numbers.iter().find(is_same).and_then(|one| one.last);
            let block = u64::from(self.settings.limits.number_block);
            let is_right = match (before.last, after) {
                (None, _) => true,
                (Some(before), Some(after)) => (before..before + block).contains(&after),
                (Some(_), None) => false,
            };
            if !is_right {
                return Err(format!("numbers stood at {before:?}, and behind a start at {after:?}"));
            }
        }
        Ok(())
    }

    /// What no service had, none has; whoever may reply has the rest of its time; what waited to leave does so still.
    fn notices_go_on(&self, ended: &Ended, now: &Ended, is_same_date: bool) -> Result<(), String> {
        for (id, (before, until)) in &ended.notices {
            let after = now.notices.get(id).map(|(one, _)| one);
            let wrong = |what: &str| Err(format!("{what}: {before:?}, and behind a start {after:?}"));
            if after.is_none_or(|after| after.is_delivered) && !before.is_delivered {
                return wrong("no service had this notice");
            }
            let is_over = until.is_some_and(|until| until <= self.now.wall);
            match (before.state, after.map(|after| after.state)) {
                (NoticeState::Open, _) if is_over => {}
                (NoticeState::Open, Some(NoticeState::Open)) => {
                    let after = now.notices.get(id).and_then(|(_, until)| *until);
                    let off = until.zip(after).map(|(before, after)| before.until(after).max(after.until(before)));
                    if off.is_none_or(|off| off > JOURNAL_PRECISION) {
                        return wrong("a service has another time to reply");
                    }
                }
                (NoticeState::Open, _) => return wrong("a service was to reply"),
                (NoticeState::Waiting, Some(NoticeState::Waiting)) => {}
                (NoticeState::Waiting, _) if is_same_date => return wrong("a reply waited"),
                _ => {}
            }
        }
        for (id, (after, _)) in &now.notices {
            let before = ended.notices.get(id).map(|(one, _)| one);
            if before.is_none_or(|before| before.is_delivered) && !after.is_delivered {
                return Err(format!("a service had this notice: {before:?}, and behind a start none: {after:?}"));
            }
            if after.state == NoticeState::Open && before.is_none_or(|before| before.state != NoticeState::Open) {
                return Err(format!("nobody was asked for a reply any more: {before:?}, and behind a start {after:?}"));
            }
        }
        Ok(())
    }
}
