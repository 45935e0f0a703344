//! Whether an institution can be called now, in words.

use std::fmt::Write as _;

use pabal_switch::{Direction, OpeningState, SessionState, Settings, Status};

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
        None if status.draining => missing.push("draining".to_owned()),
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
        down.push(format!("line {} ({words}{stopped})", line.name));
    }
    Some(down.join(", "))
}

#[cfg(test)]
mod tests {
    use pabal_switch::{Epoch, LineId, LineSettings, LineSide, SessionId, SessionStatus};

    use super::*;

    fn line(name: &str, direction: Direction) -> LineSettings {
        LineSettings::new(name, "firmbanking", LineSide::Initiator, direction)
    }

    fn check(lines: &[(&str, Direction, SessionState)], journal_works: bool, expected: &str) {
        let settings = Settings {
            lines: lines.iter().map(|(name, direction, _)| line(name, *direction)).collect(),
            ..Settings::default()
        };
        let session = |(at, (name, _, state)): (usize, &(&str, Direction, SessionState))| SessionStatus {
            session: SessionId { line: LineId(u16::try_from(at).unwrap()), slot: 0 },
            line: (*name).into(),
            state: *state,
            conn: None,
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
            waits_for: None,
        };
        let status =
            Status { sessions: lines.iter().enumerate().map(session).collect(), journal_works, ..Status::default() };
        let expected = if expected.is_empty() { Health::Serving } else { Health::NotServing(expected.to_owned()) };
        assert_eq!(judge(&status, &settings, (!journal_works).then_some("no room")), expected);
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
