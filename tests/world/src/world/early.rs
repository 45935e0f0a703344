//! An institution that answers what it cannot have: a second centre that knew the number, or one in error. Not all bytes of the request
//! have left; some are in a socket that takes too little, which is closed in two steps, and the answer comes by another connection.

use std::collections::BTreeMap;
use std::time::Duration;

use pabal_counterparty::Connection;
use pabal_spec::ExchangeRule;
use pabal_switch::{CloseReason, Conn, Direction, ExchangeId, SessionState, SessionStatus};

use crate::world::{Event, World};

/// How long a socket may take to be aborted: whoever does it has other sockets to serve.
const ABORTED_WITHIN_MICROS: u64 = 200_000;

impl World {
    /// Not every socket is aborted as soon as that is asked for; what has left of it is known only then.
    pub(super) fn abort_soon(&mut self, conn: Conn, number: Connection, reason: CloseReason) {
        if reason != CloseReason::SlowPeer || self.chance.per_mille(300) {
            self.abort(conn, number, reason);
            return;
        }
        let wait = self.chance.between(1, ABORTED_WITHIN_MICROS);
        self.agenda.plan(self.now.mono + Duration::from_micros(wait), Event::Aborted { conn, number });
        self.aborting.insert(conn);
        self.may_answer_early(number, 700, wait);
    }

    pub(super) fn aborted(&mut self, conn: Conn, number: Connection) {
        self.aborting.remove(&conn);
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
            self.answers.insert(rule.name.clone(), telegram.to_vec());
        }
    }

    /// A part of the last request by a connection has left, or none.
    pub(super) fn may_answer_early(&mut self, number: Connection, per_mille: u32, within_micros: u64) {
        let is_partly = |link: &&crate::wire::Link| link.frame_left > 0;
        let last = self.links.get(&number).filter(is_partly).and_then(|link| link.requests.last());
        if let (Some((_, exchange)), true) = (last.copied(), self.setup.faults > 0 && !self.healthy)
            && self.chance.per_mille(per_mille)
        {
            let at = self.now.mono + Duration::from_micros(self.chance.between(0, within_micros));
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
        let is_partly = |(start, asked): &(u64, ExchangeId)| *asked == exchange && link.written - start < frame_bytes;
        if !link.requests.last().is_some_and(is_partly) {
            return;
        }
        // Of a connection that is lost nobody knows what has left.
        let is_lost = |one: &SessionStatus| matches!(one.state, SessionState::Down | SessionState::Closing);
        let sessions = core.status().sessions;
        let is_its = |one: &&SessionStatus| one.session == asked_by.session && one.epoch == asked_by.epoch;
        if sessions.iter().find(is_its).is_none_or(is_lost) && !self.aborting.contains(&asked_by) {
            return;
        }
        let Some(answer) = self.answers.get(&track.rule) else { return };
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
        let conn = by[self.chance.index(by.len())];
        let mut framed = Vec::new();
        if protocol.framing.write(&answer, &mut framed).is_err() {
            return;
        }
        self.counts.answered_early += 1;
        self.trace.line(self.now, format_args!("{exchange}, of which a part has left, is answered by {conn:?}"));
        let before = core.exchange(exchange).map(|one| one.outcome);
        core.handle_received(conn, &framed, self.now);
        if core.exchange(exchange).map(|one| one.outcome) != before {
            let broken = format!("{exchange} was answered before all of it had left, and that said what became of it");
            self.broken.get_or_insert(broken);
        }
    }
}

/// By the exchange's rule.
pub(super) type Answers = BTreeMap<Box<str>, Vec<u8>>;
