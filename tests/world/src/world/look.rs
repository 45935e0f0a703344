//! What an operator sees of what waits, and of what is kept. A status costs more than most steps: it is looked at where a request came, or time
//! may have freed places.

use pabal_spec::Effect;
use pabal_switch::{Connects, Direction, ExchangeId, SessionState, SessionStatus, Unresolved, WaitsBecause};

use crate::world::World;

impl World {
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
