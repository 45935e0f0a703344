//! Whether an institution can be called now, in words.

use std::fmt::Write as _;

use pabal_switch::{Direction, LineSide, OpeningState, SessionState, Settings, Status};

/// Whether an institution can be called now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Health {
    /// Sessions are up and the journal works.
    Serving,
    /// Not, and why.
    NotServing(String),
}

/// What is missing, if anything is: the journal first, since without it nothing is sent, then halves of the protocols.
pub(super) fn judge(status: &Status, settings: &Settings, journal_failure: Option<&str>) -> Health {
    let mut missing = Vec::new();
    match journal_failure {
        Some(why) => missing.push(format!("journal failed: {why}")),
        None if !status.journal_works => missing.push("journal failed".to_owned()),
        None => {}
    }
    match &status.stopped {
        Some(stopped) => missing.push(stopped.to_string()),
        None if status.draining => missing.push("the gateway is being stopped".to_owned()),
        None => {}
    }
    let mut protocols: Vec<&str> = settings.lines.iter().map(|line| &*line.protocol).collect();
    protocols.sort_unstable();
    protocols.dedup();
    for protocol in &protocols {
        for half in [Direction::Send, Direction::Receive] {
            if let Some(down) = half_down(status, settings, protocol, half) {
                let of = if protocols.len() > 1 { format!(" of {protocol}") } else { String::new() };
                missing.push(format!("{half} half{of} down: {down}"));
            }
        }
    }
    if missing.is_empty() {
        return Health::Serving;
    }
    let mut why = missing.join("; ");
    if !status.openings.is_empty() {
        let open = status.openings.iter().filter(|opening| opening.state == OpeningState::Open).count();
        // Writing to a String does not fail.
        let _ = write!(why, "; openings {open}/{} open", status.openings.len());
    }
    Health::NotServing(why)
}

/// The lines that could carry a half of a protocol, with the states of their sessions, if none of these is up.
fn half_down(status: &Status, settings: &Settings, protocol: &str, half: Direction) -> Option<String> {
    let carries = |line: &&pabal_switch::LineSettings| {
        *line.protocol == *protocol && (line.direction == half || line.direction == Direction::Duplex)
    };
    let mut down = Vec::new();
    for line in settings.lines.iter().filter(carries) {
        let states: Vec<SessionState> =
            status.sessions.iter().filter(|session| session.line == line.name).map(|session| session.state).collect();
        // While a poll telegram is unanswered, the session may still carry answers, and requests wait.
        if states.iter().any(|state| matches!(state, SessionState::Up | SessionState::Probing)) {
            return None;
        }
        // One that connects per exchange is there unless its last connections failed.
        let mut slots = status.sessions.iter().filter(|session| session.line == line.name);
        let may_connect = |one: &pabal_switch::SessionStatus| one.state != SessionState::Down || one.next_try.is_none();
        let is_stopped = status.lines.iter().any(|one| one.line == line.name && one.stopped.is_some());
        if line.connects == pabal_switch::Connects::PerExchange && !is_stopped && slots.any(may_connect) {
            return None;
        }
        let mut words: Vec<&str> = states.iter().map(|state| state.word()).collect();
        words.dedup();
        let words = if words.is_empty() { "down".to_owned() } else { words.join(", ") };
        let stopped = status.lines.iter().find(|one| one.line == line.name).and_then(|one| one.stopped.as_ref());
        // That the institution is stopped has been said.
        let stopped = stopped.filter(|stopped| status.stopped.as_ref() != Some(stopped));
        let stopped = stopped.map(|stopped| format!(", {stopped}")).unwrap_or_default();
        let because = if stopped.is_empty() { because(status, line) } else { String::new() };
        down.push(format!("line {} ({words}{because}{stopped})", line.name));
    }
    Some(down.join(", "))
}

/// How the last connection of a line ended that has none, if it had one; goes on behind the states of its sessions.
fn because(status: &Status, line: &pabal_switch::LineSettings) -> String {
    let sessions = status.sessions.iter().filter(|session| session.line == line.name);
    if sessions.clone().any(|session| session.conn.is_some()) {
        return String::new();
    }
    let last = sessions.filter(|session| session.closed.is_some()).max_by_key(|one| one.received_at.max(one.wrote_at));
    match last.and_then(|session| Some((session.closed?, session.detail.as_deref()))) {
        Some((reason, None)) => format!(": {reason}"),
        Some((reason, Some(detail))) => format!(": {reason}: {detail}"),
        None if line.side == LineSide::Acceptor => ": nobody has connected".to_owned(),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use pabal_switch::{CloseReason, Epoch, LineId, LineSettings, SessionId, SessionStatus};

    use super::*;

    fn line(name: &str, direction: Direction) -> LineSettings {
        LineSettings::new(name, "firmbanking", LineSide::Initiator, direction)
    }

    fn session(line: &str, state: SessionState) -> SessionStatus {
        SessionStatus {
            session: SessionId { line: LineId(0), slot: 0 },
            line: line.into(),
            state,
            conn: None,
            stopped: None,
            drains_until: None,
            in_flight: 0,
            window: 1,
            unsent_bytes: 0,
            received_at: None,
            wrote_at: None,
            closed: None,
            address: 0,
            next_try: None,
            free_at: None,
            epoch: Epoch(0),
            detail: None,
            peer: None,
            waits_for: None,
        }
    }

    fn check(lines: &[(&str, Direction, SessionState)], journal_works: bool, expected: &str) {
        let settings = Settings {
            lines: lines.iter().map(|(name, direction, _)| line(name, *direction)).collect(),
            ..Settings::default()
        };
        let sessions = lines.iter().map(|(name, _, state)| session(name, *state)).collect();
        let status = Status { sessions, journal_works, ..Status::default() };
        let expected = if expected.is_empty() { Health::Serving } else { Health::NotServing(expected.to_owned()) };
        assert_eq!(judge(&status, &settings, (!journal_works).then_some("no room")), expected);
    }

    #[test]
    fn how_the_last_connection_ended_is_told() {
        let told = |side: LineSide, closed: Option<CloseReason>, detail: Option<&str>, stopped: bool| {
            let mut settings = Settings { lines: vec![line("both", Direction::Duplex)], ..Settings::default() };
            settings.lines[0].side = side;
            let mut status = Status { journal_works: true, ..Status::default() };
            status.sessions =
                vec![SessionStatus { closed, detail: detail.map(Into::into), ..session("both", SessionState::Down) }];
            let by = pabal_switch::By { actor: "kim".into(), reason: "ticket 7".into() };
            let stopped = stopped.then(|| pabal_switch::Stopped { by, at: pabal_clock::Wall::from_unix_seconds(0) });
            status.lines = vec![pabal_switch::LineStatus {
                line: "both".into(),
                sessions_counted: 0,
                wanted: pabal_switch::Wanted::Up,
                stopped,
                drains_until: None,
                is_wanted: true,
                on_duty: None,
                address: 0,
                failed: 0,
                next_try: None,
            }];
            match judge(&status, &settings, None) {
                Health::NotServing(why) => {
                    why.split_once(" half down: line both ").unwrap().1.split(';').next().unwrap().to_owned()
                }
                Health::Serving => panic!("it is down"),
            }
        };
        let (initiator, acceptor) = (LineSide::Initiator, LineSide::Acceptor);
        assert_eq!(told(initiator, None, None, false), "(down)");
        let refused = Some("10.1.2.3:20000: Connection refused");
        let failed = told(initiator, Some(CloseReason::ConnectFailed), refused, false);
        assert_eq!(failed, "(down: connect_failed: 10.1.2.3:20000: Connection refused)");
        assert_eq!(told(acceptor, Some(CloseReason::PeerClosed), None, false), "(down: peer_closed)");
        assert_eq!(told(acceptor, None, None, false), "(down: nobody has connected)");
        // One that drains is there, whatever became of the connection before it.
        let id = SessionId { line: LineId(0), slot: 0 };
        let draining = SessionStatus {
            conn: Some(pabal_switch::Conn { session: id, epoch: Epoch(2) }),
            closed: Some(CloseReason::PeerClosed),
            ..session("both", SessionState::Draining)
        };
        let status = Status { journal_works: true, draining: true, sessions: vec![draining], ..Status::default() };
        let settings = Settings { lines: vec![line("both", Direction::Duplex)], ..Settings::default() };
        let Health::NotServing(why) = judge(&status, &settings, None) else { panic!("it drains") };
        assert!(why.starts_with("the gateway is being stopped; send half down: line both (draining);"), "{why}");
        // Who stopped it says enough.
        let stopped = told(initiator, Some(CloseReason::Commanded), None, true);
        assert_eq!(stopped, "(down, stopped by kim: ticket 7)");
    }

    #[test]
    fn what_is_missing_is_named() {
        use Direction::{Duplex, Receive, Send};
        use SessionState::{Connecting, Down, Probing, Up};
        check(&[("out", Send, Up), ("in", Receive, Up)], true, "");
        check(&[("out", Send, Probing), ("in", Receive, Up)], true, "");
        check(&[("both", Duplex, Up)], true, "");
        check(&[("out", Send, Up), ("in", Receive, Down)], true, "receive half down: line in (down)");
        check(
            &[("out", Send, Connecting), ("in", Receive, Down)],
            true,
            "send half down: line out (connecting); receive half down: line in (down)",
        );
        check(&[("out", Send, Down), ("out2", Send, Up), ("in", Receive, Up)], true, "");
        check(&[("out", Send, Up), ("in", Receive, Up)], false, "journal failed: no room");
    }
}
