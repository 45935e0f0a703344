//! An institution that answers what it cannot have: a second centre that knew the number, or one in error. Not all bytes of the request
//! have left; some are in a socket that takes too little, which is closed in two steps, and the answer comes by another connection.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use pabal_counterparty::Connection;
use pabal_spec::ExchangeRule;
use pabal_switch::{CloseReason, Conn, Direction, ExchangeId, ExchangeState, SessionState, SessionStatus};

use crate::chance::Chance;
use crate::disk::Stored;
use crate::world::{Event, World};

/// How long a socket may take to be aborted: whoever does it has other sockets to serve.
const ABORTED_WITHIN_MICROS: u64 = 200_000;

/// What is known of it, drawn apart: where none is given, a run is what it was.
#[derive(Debug)]
pub(super) struct Early {
    chance: Chance,
    /// What was answered last, by the exchange's rule.
    answers: BTreeMap<Box<str>, Vec<u8>>,
    /// Sockets that are being aborted.
    aborting: BTreeSet<Conn>,
}

impl Early {
    pub(super) const fn new(seed: u64) -> Self {
        Self { chance: Chance::new(seed ^ 0x0e_a71_1e5), answers: BTreeMap::new(), aborting: BTreeSet::new() }
    }

    /// Another process has none of the sockets.
    pub(super) fn forget_sockets(&mut self) {
        self.aborting.clear();
    }
}

impl World {
    /// Not every socket is aborted as soon as that is asked for; what has left of it is known only then.
    pub(super) fn abort_soon(&mut self, conn: Conn, number: Connection, reason: CloseReason) {
        if reason != CloseReason::SlowPeer || self.early.chance.per_mille(200) {
            self.abort(conn, number, reason);
            return;
        }
        let wait = self.early.chance.between(1, ABORTED_WITHIN_MICROS);
        self.agenda.plan(self.now.mono + Duration::from_micros(wait), Event::Aborted { conn, number });
        self.early.aborting.insert(conn);
        let line = &self.settings.lines[usize::from(conn.session.line.0)].name;
        let is_by_it = |id: &&ExchangeId| {
            let place = self.tracks.get(*id).and_then(|track| track.place.as_ref());
            place.is_some_and(|(by, slot, epoch)| by == line && (*slot, *epoch) == (conn.session.slot, conn.epoch.0))
        };
        for exchange in self.flying.iter().filter(is_by_it).copied().collect::<Vec<_>>() {
            self.answers_soon(number, exchange, 700, wait);
        }
    }

    pub(super) fn aborted(&mut self, conn: Conn, number: Connection) {
        self.early.aborting.remove(&conn);
        if self.ours.get(&conn) == Some(&number) {
            self.abort(conn, number, CloseReason::SlowPeer);
        }
    }

    /// What the bank has answered to requests of a kind, last: others are answered like it.
    pub(super) fn remember_answer(&mut self, number: Connection, bytes: &[u8]) {
        if self.setup.faults == 0 || self.setup.keyless || self.setup.checked {
            return;
        }
        let Some(link) = self.links.get_mut(&number) else { return };
        let Some((telegram, _)) = self.setup.variant.frame.cut(bytes).filter(|(_, whole)| *whole == bytes.len()) else {
            link.is_cut = true;
            return;
        };
        let protocol = &self.plan.protocol;
        let is_of = |rule: &&ExchangeRule| {
            protocol.catalog.select(telegram).ok() == Some(rule.answer.telegram)
                && rule.answer.bytes.iter().all(|(at, bytes)| at.of(telegram) == Some(&**bytes))
        };
        if let Some(rule) = protocol.rules.exchanges.iter().find(is_of) {
            self.early.answers.insert(rule.name.clone(), telegram.to_vec());
        }
    }

    /// Of the request that a connection is at, a part has left, or nothing.
    pub(super) fn may_answer_early(&mut self, conn: Conn, number: Connection) {
        let Some(link) = self.links.get(&number) else { return };
        let exchange = if link.frame_left > 0 {
            link.requests.last().map(|(_, exchange)| *exchange)
        } else {
            let slot = (self.settings.lines[usize::from(conn.session.line.0)].name.clone(), conn.session.slot);
            self.disk.sending(&slot, conn.epoch.0, link.written).and_then(Stored::sent).map(|(exchange, _)| exchange)
        };
        if let Some(exchange) = exchange {
            self.answers_soon(number, exchange, 200, 2_000_000);
        }
    }

    fn answers_soon(&mut self, number: Connection, exchange: ExchangeId, per_mille: u32, within_micros: u64) {
        if self.setup.faults > 0 && !self.healthy && self.early.chance.per_mille(per_mille) {
            let at = self.now.mono + Duration::from_micros(self.early.chance.between(0, within_micros));
            self.agenda.plan(at, Event::AnswersEarly { number, exchange });
        }
    }

    pub(super) fn answer_early(&mut self, number: Connection, exchange: ExchangeId) {
        let asked_by = self.ours.iter().find(|(_, ours)| **ours == number).map(|(conn, _)| *conn);
        let (Some(core), Some(link), Some(track), Some(asked_by)) =
            (&mut self.core, self.links.get(&number), self.tracks.get(&exchange), asked_by)
        else {
            return;
        };
        let protocol = &self.plan.protocol;
        let frame_bytes = (protocol.framing.overhead_bytes() + track.telegram.len()) as u64;
        let begun = link.requests.iter().find(|(_, asked)| *asked == exchange).map(|(start, _)| link.written - start);
        let is_leaving = match begun {
            Some(written) => written < frame_bytes,
            // What is UNKNOWN by now leaves all the same.
            None => core.exchange(exchange).is_some_and(|one| {
                use ExchangeState as State;
                matches!(one.state, State::Sending | State::Unknown | State::Inquiring | State::Listed)
            }),
        };
        if !is_leaving || self.disk.failed {
            return;
        }
        // Of a connection that is lost nobody knows what has left.
        let is_lost = |one: &SessionStatus| matches!(one.state, SessionState::Down | SessionState::Closing);
        let sessions = core.status().sessions;
        let is_its = |one: &&SessionStatus| one.session == asked_by.session && one.epoch == asked_by.epoch;
        if sessions.iter().find(is_its).is_none_or(is_lost) && !self.early.aborting.contains(&asked_by) {
            return;
        }
        let Some(answer) = self.early.answers.get(&track.rule) else { return };
        let mut answer = answer.clone();
        for at in &protocol.rules.key {
            let (Some(asked), Some(place)) = (at.of(&track.telegram), answer.get_mut(at.range())) else { return };
            place.copy_from_slice(asked);
        }
        let hears = |(conn, by): &(&Conn, &Connection)| {
            let line = &self.settings.lines[usize::from(conn.session.line.0)];
            let link = self.links.get(by);
            line.direction != Direction::Send
                && core.wants_read(**conn)
                && link.is_some_and(|link| !link.is_cut && !link.back.swallows && link.back.on_the_way() == 0)
        };
        let by: Vec<Conn> = self.ours.iter().filter(hears).map(|(conn, _)| *conn).collect();
        if by.is_empty() {
            return;
        }
        let conn = by[self.early.chance.index(by.len())];
        let mut framed = Vec::new();
        if protocol.framing.write(&answer, &mut framed).is_err() {
            return;
        }
        self.tally.early_by_its_own += u64::from(conn == asked_by);
        self.tally.early_by_another += u64::from(conn != asked_by);
        self.tally.early_closing += u64::from(self.early.aborting.contains(&asked_by));
        self.tally.early_partly += u64::from(begun.is_some());
        self.tally.early_queued += u64::from(begun.is_none());
        self.trace.line(self.now, format_args!("{exchange}, of which not all has left, is answered by {conn:?}"));
        let before = core.exchange(exchange).map(|one| one.outcome);
        let unclaimed = self.counts.unclaimed;
        core.handle_received(conn, &framed, self.now);
        if core.exchange(exchange).map(|one| one.outcome) != before {
            let broken = format!("{exchange} was answered before all of it had left, and that said what became of it");
            self.broken.get_or_insert(broken);
        }
        self.pump();
        if self.counts.unclaimed == unclaimed {
            let broken =
                format!("{exchange} was answered before all of it had left, and nobody is told of that answer");
            self.broken.get_or_insert(broken);
        }
    }
}
