//! What the shell knows of a slot's connections and the core does not: the other end, and what the system said of the last one that failed.

use std::collections::BTreeMap;
use std::io;

use pabal_switch::{CloseReason, Conn, Epoch, SessionId, SessionState, Status};

/// By slot, with the epoch of the connection that it is about.
#[derive(Default)]
pub(super) struct Ends {
    /// The other end, as it is configured or as the system says: of the newest connection, and of the one before it.
    far: BTreeMap<SessionId, Vec<(Epoch, Box<str>)>>,
    /// What the system said of the last connection that failed.
    troubles: BTreeMap<SessionId, (Epoch, Box<str>)>,
}

impl Ends {
    /// A connection begins.
    pub(super) fn begins(&mut self, conn: Conn, far: &str) {
        let known = self.far.entry(conn.session).or_default();
        known.insert(0, (conn.epoch, far.into()));
        known.truncate(2);
    }

    /// The system says what is wrong with a connection.
    pub(super) fn failed(&mut self, conn: Conn, error: &io::Error) {
        self.troubles.insert(conn.session, (conn.epoch, error.to_string().into()));
    }

    fn far(&self, session: SessionId, epoch: u32) -> Option<&str> {
        self.far.get(&session)?.iter().find(|(of, _)| of.0 == epoch).map(|(_, far)| &**far)
    }

    /// Adds it to what the core says.
    pub(super) fn tell(&self, status: &mut Status) {
        for session in &mut status.sessions {
            let is_over = matches!(session.state, SessionState::Down | SessionState::Closing);
            let closed = session.epoch.0.wrapping_sub(u32::from(!is_over));
            if session.detail.is_none()
                && let Some((epoch, text)) = self.troubles.get(&session.session)
                && epoch.0 == closed
            {
                session.detail = Some(text.clone());
            }
            // The line may go on with another address by now.
            if session.closed == Some(CloseReason::SignOnFailed)
                && let (Some(detail), Some(far)) = (&session.detail, self.far(session.session, closed))
            {
                session.detail = Some(format!("{far}: {detail}").into());
            }
            session.peer = self.far(session.session, session.epoch.0).map(Into::into);
        }
    }
}

#[cfg(test)]
mod tests {
    use pabal_switch::{LineId, SessionStatus};

    use super::*;

    const SLOT: SessionId = SessionId { line: LineId(0), slot: 0 };

    fn conn(epoch: u32) -> Conn {
        Conn { session: SLOT, epoch: Epoch(epoch) }
    }

    /// How its slot is told, by what is known.
    fn told(ends: &Ends, state: SessionState, epoch: u32, closed: CloseReason, detail: Option<&str>) -> SessionStatus {
        let session = SessionStatus {
            session: SLOT,
            line: "out".into(),
            state,
            conn: None,
            stopped: None,
            drains_until: None,
            in_flight: 0,
            window: 0,
            unsent_bytes: 0,
            received_at: None,
            wrote_at: None,
            closed: Some(closed),
            address: 0,
            next_try: None,
            free_at: None,
            epoch: Epoch(epoch),
            detail: detail.map(Into::into),
            waits_for: None,
            peer: None,
        };
        let mut status = Status { sessions: vec![session], ..Status::default() };
        ends.tell(&mut status);
        status.sessions.remove(0)
    }

    #[test]
    fn a_refused_sign_on_names_the_address_also_when_the_next_one_is_tried() {
        let mut ends = Ends::default();
        ends.begins(conn(1), "10.1.2.3:20000");
        let refused = |ends: &Ends, state, epoch| {
            let told = told(ends, state, epoch, CloseReason::SignOnFailed, Some("`result` is `99`"));
            (told.detail.unwrap().to_string(), told.peer.unwrap().to_string())
        };
        let first = "10.1.2.3:20000: `result` is `99`".to_owned();
        assert_eq!(refused(&ends, SessionState::Down, 1), (first.clone(), "10.1.2.3:20000".into()));
        ends.begins(conn(2), "10.1.2.4:20000");
        assert_eq!(refused(&ends, SessionState::Connecting, 2), (first, "10.1.2.4:20000".into()));
    }

    #[test]
    fn what_the_system_said_is_told_of_its_own_connection() {
        let mut ends = Ends::default();
        ends.begins(conn(1), "127.0.0.1:5");
        ends.failed(conn(1), &io::Error::other("reset"));
        let detail = |state, epoch| told(&ends, state, epoch, CloseReason::Reset, None).detail;
        assert_eq!(detail(SessionState::Down, 1).as_deref(), Some("reset"));
        assert_eq!(detail(SessionState::Up, 2).as_deref(), Some("reset"), "of the one before");
        assert_eq!(detail(SessionState::Down, 2), None, "another one has ended since");
    }
}
