//! What must be true, at each step and at the end.

use std::collections::BTreeMap;
use std::time::Duration;

use pabal_clock::Mono;
use pabal_counterparty::LineId as BankLine;
use pabal_switch::{
    Conn, Core, Entry, ExchangeId, ExchangeState, NoticeId, OpeningState, OpeningStatus, Refusal, SessionState,
    SessionStatus,
};

use crate::checks::{self, Truth};
use crate::disk::{Disk, Stored};
use crate::setup::Setup;
use crate::topology::Topology;
use crate::versions;
use crate::wire::Link;
use crate::workload;
use crate::world::World;
use crate::world::watch::Track;

/// The institution's time for an answer, of those that are before an exchange and of itself.
const TAKES_MAX: Duration = Duration::from_secs(2 * 30);

/// The schedule asks after five minutes and every five minutes, and waits half a minute for the answer.
const ASKED_WITHIN: Duration = Duration::from_secs(5 * 60 + 60);

impl World {
    /// Sentence 1, as it is told: an error says that no byte of the request left, by this try or an earlier one under its key.
    pub(super) fn nothing_may_have_left(&mut self, request: usize, refusal: Refusal) {
        if matches!(refusal, Refusal::KeyReused | Refusal::KeyFenced) {
            return;
        }
        let request = &self.requests[request];
        if let Some(exchange) = request.exchanges.iter().find(|exchange| self.left.contains(exchange)) {
            let broken =
                format!("sentence 1: {refusal} is told of {}, whose exchange {exchange} has left", request.tag);
            self.broken.get_or_insert(broken);
        }
    }

    /// Sentence 6, as the institution counts.
    pub(super) fn limits_hold(&self) -> Result<(), String> {
        for (at, line) in self.settings.lines.iter().enumerate() {
            let count = self.bank.ledger().line(BankLine(u16::try_from(at).unwrap_or(0)));
            if count.peak > u32::from(line.sessions_max) && line.side == pabal_switch::LineSide::Initiator {
                return Err(format!(
                    "sentence 6: {} sessions on line {}, allowed {}",
                    count.peak, line.name, line.sessions_max
                ));
            }
        }
        Ok(())
    }

    pub(super) fn truth(&self) -> BTreeMap<String, Truth> {
        let layout = self.plan.request_layout();
        let tag = layout.find(workload::TAG_FIELD).map(|(_, field)| field.at);
        let mut truth: BTreeMap<String, Truth> = BTreeMap::new();
        for (_, request) in self.bank.ledger().requests() {
            let Some(bytes) = tag.and_then(|at| at.of(&request.telegram)).filter(|b| b.starts_with(b"TAG")) else {
                continue;
            };
            let entry = truth.entry(String::from_utf8_lossy(bytes).into_owned()).or_default();
            entry.received += request.received;
            entry.executed += request.executed;
            entry.altered |= request.answers.iter().any(|answer| answer.conduct == "alter");
        }
        truth
    }

    /// At the end of time.
    pub(super) fn judge(&mut self) -> Result<(), String> {
        checks::outcomes_are_final(&self.disk)?;
        let faulty = self.bank.ledger().totals().faulty;
        if faulty > 0 {
            return Err(format!("{faulty} requests of ours have faults"));
        }
        checks::against_the_ledger(&self.requests, &self.truth(), self.now)?;
        self.notices_are_kept()?;
        self.notices_are_replied_to()?;
        let Some(core) = &self.core else { return Err("the process is not there at the end".into()) };
        let status = core.status();
        let closed: Vec<_> = status.openings.iter().filter(|one| one.state != OpeningState::Open).collect();
        // A hostile institution cuts sessions at any time; of its banks, most are open. Where each of them takes a connection of its own, they
        // open one behind the other, and one that is silent or refuses the sign-on holds up all others for its time.
        let count = status.openings.len();
        let closed_max = match (self.setup.hostile, self.setup.topology) {
            (false, _) => 0,
            (true, Topology::OneShot) => count * 3 / 4,
            (true, _) => count / 2,
        };
        if closed.len() > closed_max || status.openings.is_empty() {
            return Err(format!("no progress: openings are not open at the end: {closed:?} {:?}", status.sessions));
        }
        // And none is given up, while there is a connection that it could be asked by.
        let is_given_up = |one: &&&OpeningStatus| one.state != OpeningState::Opening && one.next_try.is_none();
        let is_free = |one: &SessionStatus| one.state == SessionState::Up && one.in_flight == 0;
        if let Some(one) = closed.iter().find(is_given_up)
            && status.sessions.iter().any(is_free)
        {
            return Err(format!("no progress: nothing will open {one:?}: {:?}", status.sessions));
        }
        for (exchange, track) in &self.tracks {
            let is_under_way = core.exchange(*exchange).is_some_and(|one| {
                use ExchangeState as State;
                matches!(one.state, State::Accepted | State::Waiting | State::Sending | State::Sent)
            });
            if self.has_had_time(track) && is_under_way {
                return Err(format!("no progress: {exchange} is under way at the end: {:?}", core.exchange(*exchange)));
            }
        }
        // Sentence 4 and I6: every exchange that was accepted has an outcome; what is UNKNOWN is in memory, on the way to an end.
        for stored in &self.disk.durable {
            let Entry::Accepted(pabal_switch::entry::Accepted { exchange, .. }) = stored.entry else { continue };
            let has_had_time = self.tracks.get(&exchange).is_some_and(|track| self.has_had_time(track));
            if has_had_time && !self.disk.outcomes.contains_key(&exchange) {
                return Err(format!("{exchange} was accepted and has no outcome at the end"));
            }
        }
        for exchange in self.of_exchange.keys() {
            let last = self.disk.outcomes.get(exchange).and_then(|all| all.last());
            if last.is_some_and(|(word, _)| *word == "UNKNOWN") {
                self.is_being_resolved(core, *exchange)?;
            }
        }
        Ok(())
    }

    /// Whether a caller's exchange was taken in so long before the end of time that it has an outcome. A bank that opens late is called when
    /// nothing is left of it, and silent ones hold the places.
    fn has_had_time(&self, track: &Track) -> bool {
        track.is_callers && self.now.mono.since(track.taken_in_at) > TAKES_MAX
    }

    /// Sentence 4: what is UNKNOWN is on its way to an end, or stands on the list.
    fn is_being_resolved(&self, core: &Core, exchange: ExchangeId) -> Result<(), String> {
        let track = self.tracks.get(&exchange);
        let Some(one) = core.exchange(exchange) else {
            if track.is_some_and(|track| track.is_evicted) {
                return Ok(());
            }
            return Err(format!("sentence 4: {exchange} is UNKNOWN and forgotten"));
        };
        // Its caller did not wait, and the institution still has time to answer.
        if one.state == ExchangeState::Sent && one.answer_until.is_some_and(|until| until > self.now.mono) {
            return Ok(());
        }
        let unresolved = core.unresolved(None, usize::MAX);
        let Some(told) = unresolved.iter().find(|told| told.exchange == exchange) else {
            return Err(format!("sentence 4: {exchange} is UNKNOWN and not among the unresolved: {one:?}"));
        };
        let is_next =
            |(at, what): &(Option<Mono>, Box<str>)| !what.is_empty() && at.is_none_or(|at| at >= self.now.mono);
        if !told.listed && !told.next.as_ref().is_some_and(is_next) {
            return Err(format!("sentence 4: {exchange} is UNKNOWN, without a next step: {told:?}"));
        }
        // What is promised happens: unless business with the bank was closed, somebody has asked.
        let Some(track) = track else { return Ok(()) };
        let since = track.unknown_since.unwrap_or(self.now.mono).max(self.started_at);
        let quiet_for = self.now.mono.since(track.asked_at.map_or(since, |asked| asked.max(since)));
        let is_asked = told.listed || one.state == ExchangeState::Inquiring || quiet_for < ASKED_WITHIN;
        if !is_asked && !self.setup.hostile {
            return Err(format!("sentence 4: nobody has asked about {exchange} for {quiet_for:?}: {told:?} {track:?}"));
        }
        Ok(())
    }
}

/// What one write did.
#[derive(Debug, Default)]
pub(super) struct Written {
    /// Frames whose first byte left, each with the exchange that it is a request of.
    pub(super) begun: Vec<(Option<ExchangeId>, Vec<u8>)>,
    /// Notices of which the first byte of a reply left.
    pub(super) replies_begun: Vec<NoticeId>,
    /// Notices of which the last one did.
    pub(super) replies_taken: Vec<NoticeId>,
}

/// Sentence 3, of bytes: each frame that begins has a durable entry that says so; poll telegrams have none.
pub(super) fn written(
    link: &mut Link,
    conn: Conn,
    slot: &(Box<str>, u16),
    taken: usize,
    offered: &[u8],
    disk: &Disk,
    setup: &Setup,
) -> Result<Written, String> {
    let mut did = Written::default();
    let mut at = 0;
    while at < taken {
        if link.frame_left == 0 {
            let rest = &offered[at..];
            // What is offered ends where a frame ends: so that nobody sees half a telegram because of us.
            let Some((frame, whole)) = setup.variant.frame.cut(rest) else {
                return Err(format!("{conn:?} is offered {} bytes, no whole frame", rest.len()));
            };
            let is_poll = versions::is_of_session(frame);
            link.is_welcomed |= frame.starts_with(b"LIOK");
            if setup.signed && !versions::is_signing(frame) && !link.is_signed_on(setup.variant.frame) {
                return Err(format!("{conn:?} is not signed on, and {} bytes of business leave it", frame.len()));
            }
            // What was taken back at midnight had an entry for this place, too: the one that holds is the last.
            let entry = disk.sending(slot, conn.epoch.0, link.written).filter(|_| !is_poll);
            if entry.is_none() && !is_poll {
                let (length, offset) = (frame.len(), link.written);
                return Err(format!(
                    "sentence 3: a frame of {length} bytes leaves {conn:?} at offset {offset} before its entry is durable"
                ));
            }
            let sent = entry.and_then(Stored::sent);
            if let Some((_, said)) = sent {
                let number = String::from_utf8_lossy(&frame[32..38]);
                if said.trim_start_matches('0') != number.trim_start_matches('0') {
                    return Err(format!("the entry says number {said}, the wire {number}"));
                }
            }
            link.replying = entry.and_then(Stored::replied);
            did.replies_begun.extend(link.replying);
            let exchange = sent.map(|(exchange, _)| exchange);
            link.requests.extend(exchange.map(|exchange| (link.written, exchange)));
            did.begun.push((exchange, frame.to_vec()));
            link.frame_left = whole;
        }
        let part = link.frame_left.min(taken - at);
        link.frame_left -= part;
        link.written += part as u64;
        at += part;
        if link.frame_left == 0 {
            did.replies_taken.extend(link.replying.take());
        }
    }
    Ok(did)
}
