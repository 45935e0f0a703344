//! Connections that are for one exchange, and answers of which only the connection says whose they are.

use std::collections::{BTreeMap, BTreeSet};

use pabal_counterparty::Key;
use pabal_switch::entry::Place;
use pabal_switch::{
    CloseReason, Conn, Connects, Entry, Epoch, ExchangeId, LineId, LineStatus, NoticeId, Outcome, Refusal, SessionId,
    SessionState, SessionStatus,
};

use crate::topology::{PEERS, Topology};
use crate::wire::Link;
use crate::world::World;
use crate::world::judge::Written;

/// What is known of such connections in a run.
#[derive(Debug, Default)]
pub(super) struct OneShots {
    /// Every byte that came by each connection of this process, where answers have no key.
    heard: BTreeMap<Conn, Vec<u8>>,
    /// By which connection each request of this process left, where answers have no key.
    sent: BTreeMap<ExchangeId, Conn>,
    /// Connections that were closed since an answer was missed.
    missed: BTreeSet<Conn>,
    /// By which connection each notice came last, where those are for one notice.
    came_by: BTreeMap<NoticeId, Conn>,
}

impl OneShots {
    /// A process begins: connections are counted anew.
    pub(super) fn begin(&mut self) {
        *self = Self::default();
    }
}

impl World {
    fn conn_of(&self, place: &Place) -> Option<Conn> {
        let line = self.settings.lines.iter().position(|line| *line.name == *place.line)?;
        let line = LineId(u16::try_from(line).ok()?);
        Some(Conn { session: SessionId { line, slot: place.slot }, epoch: Epoch(place.epoch) })
    }

    /// Bytes came by a connection that we have, or are closing.
    pub(super) fn hears_on(&mut self, conn: Conn, bytes: &[u8]) {
        if self.setup.keyless {
            self.route.single.heard.entry(conn).or_default().extend_from_slice(bytes);
            self.tally.keyless_late += u64::from(self.route.single.missed.contains(&conn));
        }
    }

    pub(super) fn singles_close(&mut self, conn: Conn, reason: CloseReason) {
        match reason {
            CloseReason::AnswerMissed => {
                self.route.single.missed.insert(conn);
                self.tally.keyless_missed += 1;
                self.tally.one_shot_missed += u64::from(self.setup.topology == Topology::OneShot);
            }
            CloseReason::Answered => self.tally.one_shot_answered += 1,
            _ => {}
        }
    }

    /// What is refused as its connection was not made could not have gone by the line that stands in, or by the one that it stands in for.
    pub(super) fn none_could_connect(&self, exchange: ExchangeId, outcome: Outcome) -> Result<(), String> {
        let has_spare = self.settings.lines.iter().any(|line| line.backup_of.is_some());
        let is_send_down = matches!(outcome, Outcome::Failure { refusal: Some(Refusal::SendDown), .. });
        let (Some(core), true) = (&self.core, is_send_down && has_spare && self.setup.topology == Topology::OneShot)
        else {
            return Ok(());
        };
        // With one slot of each line, the one that failed is not the one that is free.
        if self.settings.lines.iter().any(|line| line.sessions_max > 1) {
            return Ok(());
        }
        let status = core.status();
        let is_free = |(line, one): &(&LineStatus, &SessionStatus)| {
            line.is_wanted && one.state == SessionState::Down && one.next_try.is_none() && one.waits_for.is_none()
        };
        match status.lines.iter().zip(&status.sessions).find(is_free) {
            Some((line, _)) => Err(format!("{exchange} is refused, and line {} may connect for it", line.line)),
            None => Ok(()),
        }
    }

    /// What entries say of such connections.
    pub(super) fn singles_follow(&mut self, entry: &Entry) {
        let is_right = match entry {
            Entry::Sending(entry) => {
                let conn = self.conn_of(&entry.place);
                let is_backup =
                    self.settings.lines.iter().any(|line| *line.name == *entry.place.line && line.backup_of.is_some());
                self.tally.backup_departed += u64::from(is_backup);
                if let Some(conn) = conn.filter(|_| self.setup.keyless) {
                    self.route.single.sent.insert(entry.exchange, conn);
                }
                Ok(())
            }
            Entry::Outcome(entry) if self.setup.keyless => match &entry.answer {
                Some(answer) => self.is_its_own(entry.exchange, &answer.bytes),
                None => Ok(()),
            },
            Entry::NoticeReceived(entry) => {
                if let Some(conn) = self.conn_of(&entry.place).filter(|_| &*entry.place.line == PEERS) {
                    self.route.single.came_by.insert(entry.notice, conn);
                }
                Ok(())
            }
            Entry::NoticeReplied(entry) => match &entry.place {
                Some(place) => self.replies_where_it_came(entry.notice, place),
                None => Ok(()),
            },
            _ => Ok(()),
        };
        if let Err(broken) = is_right {
            self.broken.get_or_insert(broken);
        }
    }

    /// An answer is said to be that of a request: it came by the connection by which that left, and nothing else may say so.
    fn is_its_own(&mut self, exchange: ExchangeId, answer: &[u8]) -> Result<(), String> {
        let Some(conn) = self.route.single.sent.get(&exchange) else {
            return Err(format!("{exchange} left by no connection of this process, and has an answer"));
        };
        let heard = self.route.single.heard.get(conn).map(Vec::as_slice).unwrap_or_default();
        if !heard.windows(answer.len()).any(|part| part == answer) {
            return Err(format!("{exchange} left by {conn:?}, and has an answer that did not come there"));
        }
        let request = self.tracks.get(&exchange).map(|track| track.telegram.clone()).unwrap_or_default();
        let key = Key::of_request(&request, &self.plan.protocol.rules);
        let known = key.as_ref().and_then(|key| self.bank.ledger().request(key));
        let is_changed = known.is_some_and(|known| known.answers.iter().any(|one| one.conduct != "as it should"));
        let theirs = Key::of_request(answer, &self.plan.protocol.rules);
        if key != theirs && !is_changed {
            return Err(format!("{exchange} has the answer to another request"));
        }
        self.tally.keyless_settled += 1;
        Ok(())
    }

    /// A reply is given to a connection: to the one that its notice came by, while that is up.
    fn replies_where_it_came(&mut self, notice: NoticeId, place: &Place) -> Result<(), String> {
        let Some(came_by) = self.route.single.came_by.get(&notice).copied() else { return Ok(()) };
        if self.conn_of(place) == Some(came_by) {
            self.tally.peers_replied += 1;
            return Ok(());
        }
        self.tally.peers_elsewhere += 1;
        let sessions = self.core.as_ref().map(|core| core.status().sessions).unwrap_or_default();
        let is_there = sessions
            .iter()
            .any(|one| one.conn == Some(came_by) && one.state == SessionState::Up && one.unsent_bytes < 500);
        if is_there {
            return Err(format!("notice {notice} came by {came_by:?}, which is up, and its reply leaves by {place:?}"));
        }
        Ok(())
    }

    /// What a connection that is for one exchange carries: one request, and no poll.
    pub(super) fn one_request(
        link: &Link,
        conn: Conn,
        connects: Connects,
        written: &Result<Written, String>,
    ) -> Result<(), String> {
        if connects != Connects::PerExchange {
            return Ok(());
        }
        if link.requests.len() > 1 {
            return Err(format!("{conn:?} is for one request, and carries {:?}", link.requests));
        }
        let polls = |written: &Written| written.begun.iter().any(|(_, frame)| frame.starts_with(b"HDRREQPOLL"));
        if written.as_ref().is_ok_and(polls) {
            return Err(format!("{conn:?} is for one request, and is polled"));
        }
        Ok(())
    }
}
