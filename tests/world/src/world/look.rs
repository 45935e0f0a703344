//! What an operator sees of what waits, and of what is kept. A status costs more than most steps: it is looked at where a request came, or time
//! may have freed places.

use std::time::Duration;

use pabal_spec::Effect;
use pabal_switch::{
    Connects, Direction, ExchangeId, ExchangeState, SessionState, SessionStatus, Unresolved, WaitsBecause,
};

use crate::world::World;

/// What is due as a process begins is asked that soon.
const ASKED_SOON: Duration = Duration::from_secs(10);

/// An UNKNOWN of which the caller heard early may be given up before the institution's time is over, of which no entry tells.
const GIVEN_UP_EARLIER: Duration = Duration::from_secs(30);

impl World {
    /// A process ends: when it would have asked about each UNKNOWN.
    pub(super) fn remember_inquiries(&mut self) {
        self.inquiries.clear();
        let Some(core) = self.core.as_ref().filter(|_| !self.disk.failed && self.disk.is_quiet()) else { return };
        let of = |one: Unresolved| {
            let (at, _) = one.next.filter(|_| one.state == ExchangeState::Unknown)?;
            Some((one.exchange, self.now.wall.plus(at?.since(self.now.mono))))
        };
        self.inquiries = core.unresolved(None, usize::MAX).into_iter().filter_map(of).collect();
    }

    /// The next process asks when that would have, or soon: were the time counted anew, one that starts often would never ask.
    pub(super) fn inquiries_go_on(&mut self) -> Result<(), String> {
        let inquiries = std::mem::take(&mut self.inquiries);
        // What was written by a clock that has leapt is of no use: nobody waits longer than the schedule does.
        let Some(core) = self.core.as_ref().filter(|_| !self.has_leapt) else { return Ok(()) };
        let unresolved = core.unresolved(None, usize::MAX);
        for (exchange, asked_at) in inquiries {
            // Among too many UNKNOWN it may have gone; and nobody asks about one of another date.
            let is_of_today = |one: &&Unresolved| {
                one.exchange == exchange
                    && self.day.business_date(one.accepted_at) == self.day.business_date(self.now.wall)
            };
            let Some(one) = unresolved.iter().find(is_of_today) else { continue };
            let next = one.next.as_ref().and_then(|(at, _)| *at);
            let next = next.map(|at| self.now.wall.plus(at.since(self.now.mono)));
            let latest = asked_at.plus(GIVEN_UP_EARLIER).max(self.now.wall.plus(ASKED_SOON));
            self.tally.asked_over_start += 1;
            if next.is_none_or(|next| next.as_unix_micros() > latest.as_unix_micros() + 1_000) {
                return Err(format!(
                    "an inquiry about {exchange} was to come {asked_at:?}, and behind a start {next:?}: {one:?}"
                ));
            }
        }
        Ok(())
    }

    /// Requests wait for what is said to keep them.
    pub(super) fn waits_are_explained(&mut self) -> Result<(), String> {
        let Some(core) = self.core.as_ref().filter(|_| !self.disk.failed) else { return Ok(()) };
        let status = core.status();
        let line = |one: &SessionStatus| &self.settings.lines[usize::from(one.session.line.0)];
        let is_single = |one: &SessionStatus| line(one).connects == Connects::PerExchange;
        let sends = |one: &SessionStatus| one.state == SessionState::Up && line(one).direction != Direction::Receive;
        let is_full = |one: &SessionStatus| one.in_flight >= one.window;
        let receives = |one: &SessionStatus| {
            matches!(one.state, SessionState::Up | SessionState::Probing) && line(one).direction != Direction::Send
        };
        // Whatever a slot serves that connects for each request, nothing else goes by it.
        let has_place = |one: &SessionStatus| {
            sends(one) && !is_full(one) && one.unsent_bytes < line(one).unsent_bytes_max && !is_single(one)
        };
        let sessions = &status.sessions;
        for one in &status.waiting_by {
            let (said, is_right) = match one.because {
                WaitsBecause::Session => {
                    (&mut self.tally.waits_session, !sessions.iter().any(has_place) || !sessions.iter().any(receives))
                }
                WaitsBecause::Window => {
                    let is_taken = |one: &SessionStatus| if sends(one) { is_full(one) } else { !is_single(one) };
                    (&mut self.tally.waits_window, sessions.iter().any(sends) && sessions.iter().all(is_taken))
                }
                WaitsBecause::Share => (&mut self.tally.waits_share, one.in_flight > 0),
                WaitsBecause::Rate => {
                    let is_paced = self.is_paced(&one.compartment, one.in_flight);
                    (&mut self.tally.waits_rate, is_paced && sessions.iter().any(sends))
                }
            };
            *said += 1;
            if !is_right {
                return Err(format!("{one:?}, and that does not keep it: {sessions:?}"));
            }
        }
        Ok(())
    }

    /// Beyond the bound, no UNKNOWN is kept that may go: one that changes nothing before others, one whose caller has heard of it, and none
    /// whose bytes may still leave.
    pub(super) fn unknown_is_bounded(&mut self) -> Result<(), String> {
        let max = self.settings.limits.unknown_max as usize;
        // Few runs are bound so tightly, and no other comes so far.
        let Some(core) = self.core.as_ref().filter(|_| max < 10 && !self.disk.failed) else { return Ok(()) };
        let mut may_go = core.unresolved(None, usize::MAX);
        if may_go.len() <= max {
            return Ok(());
        }
        let may_leave = |id: ExchangeId| {
            let Some((line, slot, epoch)) = self.tracks.get(&id).and_then(|track| track.place.as_ref()) else {
                return false;
            };
            let is_by = |conn: &pabal_switch::Conn| {
                let name = &self.settings.lines[usize::from(conn.session.line.0)].name;
                (name, conn.session.slot, conn.epoch.0) == (line, *slot, *epoch)
            };
            let link = self.ours.iter().find(|(conn, _)| is_by(conn)).and_then(|(_, number)| self.links.get(number));
            // The last that has begun may not be whole, and one that has not begun is not.
            link.is_some_and(|link| match link.requests.last() {
                Some((_, last)) if *last == id => link.frame_left > 0,
                _ => !link.requests.iter().any(|(_, one)| *one == id),
            })
        };
        may_go.retain(|one| !may_leave(one.exchange));
        let changes_nothing = |one: &&Unresolved| {
            let mut rules = self.plan.protocol.rules.exchanges.iter();
            rules.any(|rule| rule.name == one.rule && rule.effect == Effect::None)
        };
        let has_harmless = may_go.iter().any(|one| changes_nothing(&one));
        let is_next = |one: &&Unresolved| {
            self.disk.outcomes.contains_key(&one.exchange) && (!has_harmless || changes_nothing(one))
        };
        if let Some(one) = may_go.iter().find(is_next) {
            return Err(format!("more than {max} are UNKNOWN, and {} is kept", one.exchange));
        }
        self.tally.unknown_kept += 1;
        Ok(())
    }
}
