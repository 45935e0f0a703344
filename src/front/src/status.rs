//! How institutions are, as operators see them.

use pabal_clock::{Mono, Now};
use pabal_gateway::{Health, Line};
use pabal_spec::Digest;
use pabal_switch::{Connects, Direction, LineSide, SessionState, Wanted};

use crate::proto::{
    InstitutionStatus, LineStatus, NumberStatus, OpeningStatus, ScopeValue, SessionStatus, StoppedCompartment,
    WaitingCompartment,
};
use crate::{answer, command};

/// An institution as an operator sees it.
pub(crate) fn institution(
    name: String,
    status: &pabal_switch::Status,
    health: Option<Health>,
    lines: &[Line],
    spec: Option<Digest>,
    now: Now,
) -> InstitutionStatus {
    let (serving, not_serving_because) = match health {
        Some(Health::Serving) => (true, String::new()),
        Some(Health::NotServing(reason)) => (false, reason),
        None => (false, "its health is not known".to_owned()),
    };
    InstitutionStatus {
        institution: name,
        serving,
        not_serving_because,
        journal_works: status.journal_works,
        draining: status.draining,
        zone_minutes: 0,
        stopped: status.stopped.as_ref().map(command::stopped),
        drains_for: status.drains_until.map(|at| answer::duration(at.since(now.mono))),
        stopped_compartments: status
            .compartments
            .iter()
            .map(|one| StoppedCompartment {
                compartment: one.compartment.readable(),
                stopped: Some(command::stopped(&one.stopped)),
                in_flight: one.in_flight,
                drains_for: one.drains_until.map(|at| answer::duration(at.since(now.mono))),
            })
            .collect(),
        blocked_by: Vec::new(),
        controls: count(status.controls.iter().filter(|one| one.holds && !one.is_whole)),
        rates: count(status.rates.iter()),
        waiting: status.waiting,
        waiting_compartments: status.waiting_by.iter().map(waiting).collect(),
        in_flight: status.in_flight,
        unknown: status.unknown,
        notices_unreplied: status.notices_unreplied,
        sessions: status.sessions.iter().map(|one| session(one, lines, now)).collect(),
        openings: status.openings.iter().map(|one| opening(one, now)).collect(),
        lines: lines.iter().map(|one| line(one, status, now)).collect(),
        numbers: status.numbers.iter().map(number).collect(),
        spec_digest: spec.map(|digest| digest.to_string()).unwrap_or_default(),
    }
}

fn count(of: impl Iterator) -> u32 {
    u32::try_from(of.count()).unwrap_or(u32::MAX)
}

fn waiting(one: &pabal_switch::WaitingCompartment) -> WaitingCompartment {
    WaitingCompartment {
        compartment: one.compartment.readable(),
        waiting: one.waiting,
        in_flight: one.in_flight,
        places: one.places,
        reason: one.because.word().to_owned(),
        reason_text: one.because.sentence().to_owned(),
    }
}

fn line(line: &Line, status: &pabal_switch::Status, now: Now) -> LineStatus {
    let known = status.lines.iter().find(|known| *known.line == *line.name);
    let ours = || status.sessions.iter().filter(|session| *session.line == *line.name);
    let up = || ours().filter(|session| session.state == SessionState::Up);
    LineStatus {
        line: line.name.clone(),
        protocol: line.protocol.clone(),
        side: line.side.word().to_owned(),
        direction: line.direction.word().to_owned(),
        addresses: line.addresses.clone(),
        sessions_max: u32::from(line.sessions_max),
        sessions_up: count(up()),
        in_flight: ours().fold(0, |sum, session| sum + session.in_flight),
        window: up().filter(|_| line.direction != Direction::Receive).fold(0, |sum, one| sum + one.window),
        sessions_counted: known.map_or(0, |known| u32::from(known.sessions_counted)),
        wanted: known.map_or(Wanted::Up, |known| known.wanted).word().to_owned(),
        stopped: known.and_then(|known| known.stopped.as_ref()).map(command::stopped),
        drains_for: known.and_then(|known| known.drains_until).map(|at| answer::duration(at.since(now.mono))),
        connects: if line.side == LineSide::Initiator { line.connects.word().to_owned() } else { String::new() },
        address: address(line, known.map_or(0, |known| known.address)),
        backup_of: line.backup_of.clone().unwrap_or_default(),
        on_duty: known.and_then(|known| known.on_duty).unwrap_or_default(),
        not_up_because: not_up(line, known, ours).unwrap_or_default(),
    }
}

/// `pabal sessions` shows for how long.
const OF_THE_PROCESS_BEFORE: &str = "the institution may still count a connection of the process before";

/// Why a line that is wanted has fewer sessions than it may: by the session that says most. How many would connect to us is theirs to say: of
/// such a line, why it has none.
fn not_up<'s, I: Iterator<Item = &'s pabal_switch::SessionStatus>>(
    line: &Line,
    known: Option<&pabal_switch::LineStatus>,
    ours: impl Fn() -> I,
) -> Option<String> {
    if known.is_none_or(|known| !known.is_wanted) {
        return None;
    }
    let end = |session: &pabal_switch::SessionStatus| {
        let detail = session.detail.as_ref().map(|detail| format!(": {detail}")).unwrap_or_default();
        Some(format!("{}{detail}", session.closed?))
    };
    if line.side == LineSide::Acceptor {
        if ours().any(|session| session.conn.is_some()) {
            return None;
        }
        let ended = ours().filter(|session| session.closed.is_some());
        let last = ended.max_by_key(|session| session.received_at.max(session.wrote_at)).and_then(end);
        return Some(match last {
            Some(last) => format!("nobody is connected; the last connection ended: {last}"),
            None => "nobody has connected since the gateway began".to_owned(),
        });
    }
    // One that is probed or drains is there: how the connection before it ended explains nothing.
    let not_up = || {
        ours().filter(|session| {
            !matches!(session.state, SessionState::Up | SessionState::Probing | SessionState::Draining)
        })
    };
    let held = not_up().find_map(|session| Some(session.waits_for?.sentence().to_owned()));
    // A line that connects for each exchange has none while there is none.
    let is_missed = line.connects == Connects::Kept || known.is_some_and(|known| known.failed > 0);
    // The slot of a connection of which this process knows nothing more.
    let is_before = |one: &&pabal_switch::SessionStatus| one.state == SessionState::Closing && one.closed.is_none();
    let before = || not_up().any(|one| is_before(&one)).then(|| OF_THE_PROCESS_BEFORE.to_owned());
    held.or_else(|| not_up().filter(|_| is_missed).find_map(end)).or_else(before)
}

/// Where a line connects now, or listens.
fn address(line: &Line, at: u8) -> String {
    line.addresses.get(usize::from(at)).cloned().unwrap_or_default()
}

fn session(session: &pabal_switch::SessionStatus, lines: &[Line], now: Now) -> SessionStatus {
    // What happened on a connection that is gone is not told of the next.
    let ago = |at: Option<Mono>| at.filter(|_| session.conn.is_some()).map(|at| answer::duration(now.mono.since(at)));
    let line = lines.iter().find(|line| *line.name == *session.line);
    let carries_requests = line.is_some_and(|line| line.direction != Direction::Receive);
    let is_closing = session.state == SessionState::Closing;
    SessionStatus {
        line: session.line.to_string(),
        slot: u32::from(session.session.slot),
        state: session.state.word().to_owned(),
        state_text: session.state.sentence().to_owned(),
        epoch: session.epoch.0,
        in_flight: session.in_flight,
        unsent_bytes: session.unsent_bytes,
        closed_reason: session.closed.map(|reason| reason.word().to_owned()).unwrap_or_default(),
        closed_text: session.closed.map(|reason| reason.sentence().to_owned()).unwrap_or_default(),
        window: if carries_requests { session.window } else { 0 },
        received_ago: ago(session.received_at),
        wrote_ago: ago(session.wrote_at),
        next_try_in: session.next_try.map(|at| answer::duration(at.since(now.mono))),
        address: match (&session.peer, line) {
            (Some(peer), Some(line)) if line.side == LineSide::Acceptor => peer.to_string(),
            (_, line) => line.map(|line| address(line, session.address)).unwrap_or_default(),
        },
        free_in: session.free_at.filter(|_| is_closing).map(|at| answer::duration(at.since(now.mono))),
        closed_detail: session.detail.as_deref().unwrap_or_default().to_owned(),
        waits_for: session.waits_for.map(|waits| waits.word().to_owned()).unwrap_or_default(),
        stopped: session.stopped.as_ref().map(command::stopped),
        drains_for: session.drains_until.map(|at| answer::duration(at.since(now.mono))),
    }
}

fn opening(opening: &pabal_switch::OpeningStatus, now: Now) -> OpeningStatus {
    OpeningStatus {
        party: opening.party.to_string(),
        values: opening.key.values.iter().map(|value| String::from_utf8_lossy(value).trim_end().to_owned()).collect(),
        business_date: opening.key.date.date().yyyymmdd(),
        state: opening.state.word().to_owned(),
        state_text: opening.state.sentence().to_owned(),
        reason: opening.reason.clone().unwrap_or_default(),
        next_try_in: opening.next_try.map(|at| answer::duration(at.since(now.mono))),
        by_hand: opening.by_hand.as_ref().map(command::stopped),
    }
}

fn number(number: &pabal_switch::NumberStatus) -> NumberStatus {
    let scope =
        number.scope.iter().map(|(field, value)| ScopeValue { field: field.to_string(), value: value.to_string() });
    NumberStatus {
        protocol: number.protocol.to_string(),
        scope: scope.collect(),
        business_date: number.date.date().yyyymmdd(),
        last: number.last.unwrap_or(0),
        left: number.left,
        warned: number.warned,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use pabal_clock::{BusinessDate, Date, Wall};
    use pabal_switch::control::{Control, ControlId, Scope, Standing, Window};
    use pabal_switch::{By, CloseReason, Conn, Epoch, LineId, LineSide, OpeningKey, OpeningState, SessionId};

    use super::*;

    fn date() -> BusinessDate {
        BusinessDate::from_date(Date::new(2026, 11, 21).expect("a day"))
    }

    fn status() -> pabal_switch::Status {
        let id = SessionId { line: LineId(0), slot: 2 };
        let second = |seconds: u64| Mono::from_nanos(seconds * 1_000_000_000);
        pabal_switch::Status {
            sessions: vec![pabal_switch::SessionStatus {
                session: id,
                line: "send".into(),
                state: SessionState::Up,
                conn: Some(Conn { session: id, epoch: Epoch(9) }),
                stopped: None,
                drains_until: None,
                in_flight: 3,
                window: 10,
                unsent_bytes: 304,
                received_at: None,
                wrote_at: Some(second(95)),
                closed: Some(CloseReason::PeerClosed),
                address: 1,
                next_try: None,
                free_at: None,
                epoch: Epoch(9),
                detail: None,
                peer: None,
                waits_for: None,
            }],
            openings: vec![pabal_switch::OpeningStatus {
                protocol: "firmbanking".into(),
                key: OpeningKey { values: vec![(*b"PABAL     ").into(), (*b"088").into()], date: date() },
                party: "main".into(),
                state: OpeningState::Lost,
                reason: Some("8003".into()),
                next_try: Some(second(160)),
                by_hand: None,
            }],
            waiting: 1,
            in_flight: 3,
            unknown: 2,
            numbers: vec![pabal_switch::NumberStatus {
                protocol: "firmbanking".into(),
                scope: vec![("bank_code".into(), "088".into())],
                date: date(),
                last: Some(17),
                left: 949_983,
                warned: false,
            }],
            ..pabal_switch::Status::default()
        }
    }

    fn wanted_line() -> pabal_switch::LineStatus {
        pabal_switch::LineStatus {
            line: "send".into(),
            sessions_counted: 0,
            wanted: Wanted::Up,
            stopped: None,
            drains_until: None,
            is_wanted: true,
            on_duty: None,
            address: 0,
            failed: 1,
            next_try: None,
        }
    }

    fn shown(direction: Direction, status: &pabal_switch::Status) -> InstitutionStatus {
        shown_of(LineSide::Initiator, direction, status)
    }

    fn shown_of(side: LineSide, direction: Direction, status: &pabal_switch::Status) -> InstitutionStatus {
        let line = Line {
            name: "send".to_owned(),
            protocol: "firmbanking".to_owned(),
            side,
            direction,
            addresses: vec!["10.1.2.3:20000".to_owned(), "10.1.2.4:20000".to_owned()],
            sessions_max: 4,
            connects: Connects::Kept,
            backup_of: None,
        };
        let now = Now { mono: Mono::from_nanos(100_000_000_000), wall: Wall::from_unix_seconds(0) };
        let health = Health::NotServing("no opening is open".into());
        institution("hecto".into(), status, Some(health), &[line], Some(Digest(0xab)), now)
    }

    #[test]
    fn an_operator_sees_each_line_session_opening_and_number() {
        let shown = shown(Direction::Send, &status());
        let (session, opening) = (&shown.sessions[0], &shown.openings[0]);
        assert_eq!((shown.serving, &*shown.not_serving_because), (false, "no opening is open"));
        assert_eq!((&*session.line, session.slot, &*session.state, session.epoch), ("send", 2, "up", 9));
        assert_eq!((&*session.closed_reason, session.window), ("peer_closed", 10));
        assert_eq!((session.received_ago, session.wrote_ago.map(|ago| ago.seconds)), (None, Some(5)));
        assert_eq!((&opening.values[..], opening.business_date), (&["PABAL".to_owned(), "088".into()][..], 20_261_121));
        assert_eq!((&*opening.state, &*opening.reason), ("lost", "8003"));
        assert_eq!(opening.next_try_in, Some(answer::duration(Duration::from_secs(60))));
        let line = &shown.lines[0];
        assert_eq!((line.sessions_max, line.sessions_up, line.in_flight, line.window), (4, 1, 3, 10));
        assert_eq!((&*line.side, &*line.direction, &*line.connects), ("initiator", "send", "kept"));
        // The next goes to the first again.
        assert_eq!((&*line.address, &*session.address), ("10.1.2.3:20000", "10.1.2.4:20000"));
        let number = &shown.numbers[0];
        assert_eq!((number.last, number.left, &*number.scope[0].value), (17, 949_983, "088"));
        assert_eq!(shown.spec_digest, "00000000000000ab");
    }

    #[test]
    fn controls_that_block_a_part_now_are_counted() {
        let control = |holds, is_whole| {
            let standing = Standing {
                control: Control {
                    id: ControlId::parse("books").expect("a name"),
                    scope: Scope::default(),
                    window: Window::default(),
                    message: "closed".into(),
                },
                by: By { actor: "kim".into(), reason: "t8".into() },
                since: None,
                read_in: Vec::new(),
            };
            pabal_switch::ControlStatus { standing, unjudged: None, is_whole, holds }
        };
        let mut status = status();
        status.controls = vec![control(true, false), control(true, true), control(false, false), control(true, false)];
        assert_eq!(shown(Direction::Send, &status).controls, 2);
    }

    #[test]
    fn a_line_says_why_it_has_fewer_sessions_than_it_may() {
        let mut status = status();
        status.lines = vec![wanted_line()];
        assert_eq!(shown(Direction::Send, &status).lines[0].not_up_because, "", "all are up");
        let session = &mut status.sessions[0];
        (session.conn, session.state) = (None, SessionState::Down);
        session.closed = Some(CloseReason::SignOnFailed);
        session.detail = Some("it is refused: `result` is `99`".into());
        let found = shown(Direction::Send, &status);
        assert_eq!(found.lines[0].not_up_because, "sign_on_failed: it is refused: `result` is `99`");
        assert_eq!(found.sessions[0].closed_detail, "it is refused: `result` is `99`");
        status.sessions[0].waits_for = Some(pabal_switch::WaitsFor::Room);
        let found = shown(Direction::Send, &status);
        assert!(found.lines[0].not_up_because.contains("limits.sessions_max"), "{}", found.lines[0].not_up_because);
        assert_eq!(found.sessions[0].waits_for, "room");
        status.lines[0].is_wanted = false;
        assert_eq!(shown(Direction::Send, &status).lines[0].not_up_because, "", "none is to be");
    }

    #[test]
    fn a_session_that_is_there_does_not_say_how_the_one_before_it_ended() {
        let mut status = status();
        status.lines = vec![wanted_line()];
        status.sessions[0].detail = Some("hours ago".into());
        for (state, told) in [
            (SessionState::Probing, false),
            (SessionState::Draining, false),
            (SessionState::SigningOn, true),
            (SessionState::SigningOff, true),
            (SessionState::Closing, true),
        ] {
            status.sessions[0].state = state;
            assert_eq!(!shown(Direction::Send, &status).lines[0].not_up_because.is_empty(), told, "{state}");
        }
        // It is of the process before, of which nothing more is known.
        status.sessions[0].closed = None;
        assert_eq!(shown(Direction::Send, &status).lines[0].not_up_because, OF_THE_PROCESS_BEFORE);
        status.sessions[0].state = SessionState::Down;
        assert_eq!(shown(Direction::Send, &status).lines[0].not_up_because, "", "it waits a moment before it connects");
    }

    #[test]
    fn a_line_that_listens_says_why_nobody_is_there() {
        let mut status = status();
        status.lines = vec![wanted_line()];
        let not_up = |status: &pabal_switch::Status| {
            shown_of(LineSide::Acceptor, Direction::Send, status).lines[0].not_up_because.clone()
        };
        assert_eq!(not_up(&status), "");
        let session = &mut status.sessions[0];
        (session.conn, session.state) = (None, SessionState::Down);
        assert_eq!(not_up(&status), "nobody is connected; the last connection ended: peer_closed");
        let mut later = status.sessions[0].clone();
        (later.received_at, later.closed) = (Some(Mono::from_nanos(97_000_000_000)), Some(CloseReason::BadFrame));
        status.sessions.push(later);
        assert_eq!(not_up(&status), "nobody is connected; the last connection ended: bad_frame");
        status.sessions.iter_mut().for_each(|session| session.closed = None);
        assert_eq!(not_up(&status), "nobody has connected since the gateway began");
        status.lines[0].is_wanted = false;
        assert_eq!(not_up(&status), "", "none is to be");
    }

    #[test]
    fn a_slot_that_closes_says_when_it_is_free() {
        let mut status = status();
        status.sessions[0].free_at = Some(Mono::from_nanos(103_000_000_000));
        assert_eq!(shown(Direction::Send, &status).sessions[0].free_in, None, "it is up again");
        status.sessions[0].state = SessionState::Closing;
        let left = Some(answer::duration(Duration::from_secs(3)));
        assert_eq!(shown(Direction::Send, &status).sessions[0].free_in, left);
    }

    #[test]
    fn a_line_that_carries_no_requests_has_no_window() {
        let shown = shown(Direction::Receive, &status());
        assert_eq!((shown.lines[0].window, shown.sessions[0].window), (0, 0));
    }

    #[test]
    fn nothing_is_told_of_a_connection_that_is_gone() {
        let mut status = status();
        status.sessions[0].conn = None;
        status.sessions[0].state = SessionState::Down;
        let shown = shown(Direction::Send, &status);
        // But which one it was: by that it is found in the log.
        assert_eq!((shown.sessions[0].wrote_ago, shown.sessions[0].epoch), (None, 9));
        assert_eq!((shown.lines[0].sessions_up, shown.lines[0].window), (0, 0));
    }
}
