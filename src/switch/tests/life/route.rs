//! Lines as a whole: which of its addresses one goes to, when it stands in for another, how often the institution is asked, and that nobody
//! gives up.

use std::time::Duration;

use pabal_clock::Mono;
use pabal_switch::{
    By, CloseReason, Command, Conn, Connects, Direction, Event, LineId, LineSide, LineStatus, Recovery, SessionState,
    Settings, WaitsFor,
};

use crate::hands::{Hands, line, settings};
use crate::peer;

const MAIN: LineId = LineId(0);
const SPARE: LineId = LineId(1);

/// One line for both directions, with so many addresses.
fn with_addresses(addresses: u8) -> Hands {
    let mut both = line("both", LineSide::Initiator, Direction::Duplex);
    both.addresses = addresses;
    Hands::cold(Settings { lines: vec![both], ..settings() }, Recovery::new(), Hands::begin())
}

fn main_and_spare() -> Settings {
    let main = line("main", LineSide::Initiator, Direction::Duplex);
    let mut spare = line("spare", LineSide::Initiator, Direction::Duplex);
    spare.backup_of = Some(MAIN);
    Settings { lines: vec![main, spare], ..settings() }
}

fn cold(settings: Settings) -> Hands {
    Hands::cold(settings, Recovery::new(), Hands::begin())
}

/// The next try, whenever it comes, and the address that it goes to.
fn next_try(hands: &mut Hands) -> (Conn, u8) {
    while hands.connects.is_empty() {
        let (at, _) = hands.core.poll_timeout().expect("something is due");
        hands.after(at.since(hands.now.mono));
    }
    let conn = hands.connects.remove(0);
    let (_, _, address) = hands.tried.iter().rev().find(|(_, tried, _)| *tried == conn).unwrap();
    (conn, *address)
}

fn fail(hands: &mut Hands, conn: Conn) {
    hands.core.handle_connect_failed(conn, hands.now);
    hands.turn();
}

fn status(hands: &Hands, line: LineId) -> LineStatus {
    hands.core.status().lines.remove(usize::from(line.0))
}

fn states(hands: &Hands) -> Vec<SessionState> {
    hands.core.status().sessions.iter().map(|session| session.state).collect()
}

fn command(hands: &mut Hands, command: Command) {
    let by = By { actor: "kim".into(), reason: "night work".into() };
    hands.core.command(command, by, hands.now).unwrap();
    hands.turn();
}

// ---- addresses ----

#[test]
fn the_next_address_is_tried_when_one_fails_and_kept_while_it_works() {
    let mut hands = with_addresses(3);
    let (conn, address) = next_try(&mut hands);
    assert_eq!(address, 0);
    fail(&mut hands, conn);
    assert!(hands.events.contains(&Event::Address { line: MAIN, address: 1 }));
    let (conn, address) = next_try(&mut hands);
    assert_eq!((address, status(&hands, MAIN).address, status(&hands, MAIN).failed), (1, 1, 1));
    hands.connected(conn);
    hands.after_secs(30);
    assert_eq!(status(&hands, MAIN).failed, 0, "it has been up for the healthy time");
    // What worked is tried first, though the first of the list may work again.
    hands.closed(conn, CloseReason::PeerClosed);
    let (conn, address) = next_try(&mut hands);
    assert_eq!(address, 1);
    fail(&mut hands, conn);
    let (conn, address) = next_try(&mut hands);
    assert_eq!(address, 2);
    fail(&mut hands, conn);
    assert_eq!(next_try(&mut hands).1, 0, "and round again");
}

#[test]
fn an_address_that_does_not_answer_or_drops_what_it_took_is_left() {
    let mut hands = with_addresses(2);
    let (_, address) = next_try(&mut hands);
    assert_eq!(address, 0);
    hands.after_secs(5);
    let (conn, reason, _) = hands.closes.pop().unwrap();
    assert_eq!(reason, CloseReason::ConnectFailed, "it takes too long");
    hands.closed(conn, reason);
    let (conn, address) = next_try(&mut hands);
    assert_eq!(address, 1);
    hands.connected(conn);
    hands.after(Duration::from_millis(29_999));
    hands.closed(conn, CloseReason::Reset);
    let (conn, address) = next_try(&mut hands);
    assert_eq!(address, 0, "a connection that lasted less than the healthy time has failed");
    hands.connected(conn);
    hands.after_secs(30);
    hands.closed(conn, CloseReason::Reset);
    assert_eq!(next_try(&mut hands).1, 0, "one that lasted has not");
}

#[test]
fn what_we_end_ourselves_says_nothing_against_an_address() {
    let mut hands = with_addresses(2);
    let (conn, _) = next_try(&mut hands);
    hands.connected(conn);
    command(&mut hands, Command::CloseSession { line: "both".into(), slot: 0 });
    hands.closed(conn, CloseReason::PeerClosed);
    assert_eq!(next_try(&mut hands).1, 0);
    assert_eq!(status(&hands, MAIN).failed, 0);
}

#[test]
fn an_operator_who_starts_a_line_begins_with_its_first_address() {
    let mut hands = with_addresses(3);
    let (conn, _) = next_try(&mut hands);
    fail(&mut hands, conn);
    assert_eq!(status(&hands, MAIN).address, 1);
    command(&mut hands, Command::StopLine { line: "both".into() });
    command(&mut hands, Command::StartLine { line: "both".into() });
    assert_eq!(next_try(&mut hands).1, 0);
}

#[test]
fn sessions_that_fail_at_one_address_leave_it_once() {
    let mut both = line("both", LineSide::Initiator, Direction::Duplex);
    (both.addresses, both.sessions_max) = (3, 2);
    let mut hands = cold(Settings { lines: vec![both], ..settings() });
    let conns = std::mem::take(&mut hands.connects);
    assert_eq!(conns.len(), 2);
    for conn in conns {
        fail(&mut hands, conn);
    }
    assert_eq!((status(&hands, MAIN).address, status(&hands, MAIN).failed), (1, 2));
    let [first, second] = [next_try(&mut hands), next_try(&mut hands)];
    assert_eq!((first.1, second.1), (1, 1));
    hands.connected(first.0);
    fail(&mut hands, second.0);
    assert_eq!(status(&hands, MAIN).failed, 2, "a try that fails beside a session that is up is none of the line's");
}

#[test]
fn where_one_session_is_up_the_others_go() {
    let mut both = line("both", LineSide::Initiator, Direction::Duplex);
    (both.addresses, both.sessions_max) = (2, 2);
    let mut hands = cold(Settings { lines: vec![both], ..settings() });
    let [first, second] = [next_try(&mut hands), next_try(&mut hands)];
    assert_eq!((first.1, second.1), (0, 0));
    // The first centre takes one, and refuses the other one for as long as the first is up.
    hands.connected(first.0);
    fail(&mut hands, second.0);
    let refused = next_try(&mut hands);
    assert_eq!((refused.1, status(&hands, MAIN).address), (0, 0));
    fail(&mut hands, refused.0);
    // It is gone: both go to the second one.
    hands.closed(first.0, CloseReason::Reset);
    let [first, second] = [next_try(&mut hands), next_try(&mut hands)];
    assert_eq!((first.1, second.1, status(&hands, MAIN).address), (1, 1, 1));
}

#[test]
fn a_connection_that_comes_up_behind_a_move_takes_its_line_back() {
    let mut both = line("both", LineSide::Initiator, Direction::Duplex);
    (both.addresses, both.sessions_max) = (2, 2);
    let mut hands = cold(Settings { lines: vec![both], ..settings() });
    let [first, second] = [next_try(&mut hands), next_try(&mut hands)];
    fail(&mut hands, first.0);
    assert_eq!(status(&hands, MAIN).address, 1);
    hands.connected(second.0);
    assert_eq!(next_try(&mut hands).1, 0);
    assert!(hands.events.contains(&Event::Address { line: MAIN, address: 0 }));
    assert_eq!(status(&hands, MAIN).address, 0);
}

#[test]
fn connections_for_one_exchange_go_on_from_an_address_that_fails_though_one_is_up_there() {
    let mut both = line("both", LineSide::Initiator, Direction::Duplex);
    (both.addresses, both.sessions_max, both.window, both.connects) = (2, 2, 1, Connects::PerExchange);
    let mut hands = cold(Settings { lines: vec![both], ..settings() });
    hands.opens = false;
    let [first, second] = [next_try(&mut hands), next_try(&mut hands)];
    hands.connected(first.0);
    fail(&mut hands, second.0);
    assert_eq!(status(&hands, MAIN).address, 1);
}

#[test]
fn the_time_for_connecting_begins_when_the_shell_begins() {
    let mut hands = with_addresses(1);
    let (conn, _) = next_try(&mut hands);
    hands.core.handle_connect_held(conn, hands.now.mono + Duration::from_secs(7), hands.now);
    hands.turn();
    hands.after(Duration::from_millis(11_999));
    assert_eq!(hands.closes, []);
    hands.after(Duration::from_millis(1));
    assert_eq!(hands.closes, [(conn, CloseReason::ConnectFailed, true)], "5 s after the 7 s");
}

// ---- backups ----

/// The main line has failed three times, and the spare one is up.
fn standing_in() -> (Hands, Conn) {
    let mut hands = cold(main_and_spare());
    for tries in 1..=3 {
        assert!(!hands.core.is_wanted(SPARE));
        let (conn, _) = next_try(&mut hands);
        assert_eq!(conn.session.line, MAIN, "try {tries}");
        fail(&mut hands, conn);
    }
    assert!(hands.events.contains(&Event::Duty { line: SPARE, on_duty: true }));
    assert_eq!(status(&hands, SPARE).on_duty, Some(true));
    let at = hands.connects.iter().position(|conn| conn.session.line == SPARE).expect("at once");
    let spare = hands.connects.remove(at);
    hands.connected(spare);
    (hands, spare)
}

#[test]
fn a_backup_begins_after_the_failed_tries_and_goes_when_its_main_line_is_well() {
    let (mut hands, spare) = standing_in();
    let first = hands.transfer();
    let frame = hands.take_frames(SPARE).pop().unwrap();
    hands.receive_on(SPARE, &peer::framed(&peer::answer(&frame, "0000")));
    assert_eq!(hands.told(first), ["SUCCESS ANSWERED"]);
    // The main line is tried all the while, and comes up.
    let (main, _) = next_try(&mut hands);
    assert_eq!(main.session.line, MAIN);
    hands.connected(main);
    hands.after(Duration::from_millis(29_000));
    assert_eq!(states(&hands), [SessionState::Up, SessionState::Up], "it may fall again");
    let (second, third) = (hands.transfer(), hands.transfer());
    let frames = hands.take_frames(SPARE);
    assert_eq!((frames.len(), hands.take_frames(MAIN).len()), (1, 1), "whoever has less to do");
    hands.after_secs(1);
    assert!(hands.events.contains(&Event::Duty { line: SPARE, on_duty: false }));
    assert_eq!(states(&hands), [SessionState::Up, SessionState::Draining]);
    assert_eq!(hands.closes, [], "an answer is still awaited");
    hands.receive_on(SPARE, &peer::framed(&peer::answer(&frames[0], "0000")));
    assert_eq!(hands.told(second).len() + hands.told(third).len(), 1);
    assert_eq!(hands.closes, [(spare, CloseReason::Standby, false)]);
    hands.closed(spare, CloseReason::PeerClosed);
    hands.after_secs(3_600);
    assert_eq!(hands.connects, [], "and it stays where it is");
    assert!(!status(&hands, SPARE).is_wanted);
}

#[test]
fn a_backup_whose_peer_never_answers_goes_when_the_institutions_time_is_over() {
    let (mut hands, spare) = standing_in();
    let (main, _) = next_try(&mut hands);
    hands.connected(main);
    hands.after_secs(29);
    let ids = [hands.transfer(), hands.transfer()];
    assert_eq!(hands.take_frames(SPARE).len(), 1);
    hands.after_secs(31);
    assert_eq!(hands.closes, [(spare, CloseReason::Standby, false)]);
    assert_eq!(ids.map(|id| hands.told(id).concat()), ["UNKNOWN NO_ANSWER", "UNKNOWN NO_ANSWER"]);
}

#[test]
fn a_main_line_that_does_not_stay_up_keeps_its_backup() {
    let (mut hands, _) = standing_in();
    for _ in 0..5 {
        let (main, _) = next_try(&mut hands);
        assert_eq!(main.session.line, MAIN);
        hands.connected(main);
        hands.after_secs(20);
        hands.closed(main, CloseReason::Reset);
    }
    assert_eq!(status(&hands, SPARE).on_duty, Some(true));
    assert_eq!(states(&hands)[1], SessionState::Up);
    assert_eq!(status(&hands, MAIN).failed, 8);
}

#[test]
fn a_main_line_that_answers_one_request_and_drops_each_time_gets_its_backup() {
    let mut hands = cold(main_and_spare());
    for failed in 0..3 {
        assert_eq!((status(&hands, MAIN).failed, status(&hands, SPARE).on_duty), (failed, Some(false)));
        let (main, _) = next_try(&mut hands);
        hands.connected(main);
        let id = hands.transfer();
        let frame = hands.take_frames(MAIN).pop().unwrap();
        hands.receive_on(MAIN, &peer::framed(&peer::answer(&frame, "0000")));
        assert_eq!(hands.told(id), ["SUCCESS ANSWERED"]);
        hands.after_secs(1);
        hands.closed(main, CloseReason::PeerClosed);
    }
    assert_eq!((status(&hands, MAIN).failed, status(&hands, SPARE).on_duty), (3, Some(true)));
}

#[test]
fn a_main_line_that_falls_again_while_its_backup_goes_gets_it_back() {
    let (mut hands, spare) = standing_in();
    let (main, _) = next_try(&mut hands);
    hands.connected(main);
    hands.after_secs(30);
    assert_eq!(hands.closes, [(spare, CloseReason::Standby, false)]);
    hands.closed(main, CloseReason::Reset);
    for _ in 0..3 {
        let (conn, _) = next_try(&mut hands);
        assert_eq!(conn.session.line, MAIN);
        fail(&mut hands, conn);
    }
    // Its slot is still counted: the peer's FIN comes only now.
    assert_eq!(status(&hands, SPARE).on_duty, Some(true));
    assert!(hands.connects.iter().all(|conn| conn.session.line == MAIN));
    hands.closed(spare, CloseReason::PeerClosed);
    let again = |hands: &Hands| hands.connects.iter().any(|conn| conn.session.line == SPARE);
    while !again(&hands) {
        hands.connects.clear();
        hands.after_secs(1);
    }
}

#[test]
fn the_backup_of_a_line_that_is_stopped_by_hand_begins_at_once_and_stays_until_it_is_well_again() {
    let mut hands = cold(main_and_spare());
    let (main, _) = next_try(&mut hands);
    hands.connected(main);
    hands.after_secs(60);
    command(&mut hands, Command::StopLine { line: "main".into() });
    hands.closed(main, CloseReason::PeerClosed);
    let (spare, _) = next_try(&mut hands);
    assert_eq!(spare.session.line, SPARE);
    hands.connected(spare);
    command(&mut hands, Command::StartLine { line: "main".into() });
    let (main, _) = next_try(&mut hands);
    hands.connected(main);
    hands.after_secs(29);
    assert_eq!(states(&hands), [SessionState::Up, SessionState::Up]);
    hands.after_secs(1);
    assert_eq!(hands.closes.last(), Some(&(spare, CloseReason::Standby, false)));
}

#[test]
fn a_stopped_main_line_has_its_backup_after_a_restart() {
    let mut hands = cold(main_and_spare());
    let (main, _) = next_try(&mut hands);
    hands.connected(main);
    command(&mut hands, Command::StopLine { line: "main".into() });
    let mut next = hands.restart();
    let (conn, _) = next_try(&mut next);
    assert_eq!(conn.session.line, SPARE);
    next.after_secs(3_600);
    assert!(next.tried.iter().all(|(_, conn, _)| conn.session.line == SPARE));
}

// ---- bounds ----

#[test]
fn all_lines_together_have_no_more_sessions_than_the_institution_allows() {
    let mut settings = main_and_spare();
    settings.limits.sessions_max = Some(1);
    let mut hands = cold(settings);
    let (main, _) = next_try(&mut hands);
    hands.connected(main);
    // The line fails; whether the peer has seen that is not known, so that its session is counted for the grace.
    hands.closed(main, CloseReason::IoError);
    hands.after(Duration::from_millis(19_999));
    assert_eq!(hands.connects, []);
    for _ in 0..2 {
        let (conn, _) = next_try(&mut hands);
        assert_eq!(conn.session.line, MAIN);
        fail(&mut hands, conn);
    }
    let (spare, _) = next_try(&mut hands);
    assert_eq!(spare.session.line, SPARE, "the loss was the first of three");
    hands.connected(spare);
    hands.after_secs(3_600);
    assert_eq!(hands.connects, [], "the main line waits for room");
    assert_eq!(hands.core.status().sessions[0].waits_for, Some(WaitsFor::Room));
    assert_eq!(hands.core.status().sessions[1].waits_for, None);
    assert!(status(&hands, MAIN).next_try.is_some());
    hands.closed(spare, CloseReason::PeerClosed);
    assert_eq!(next_try(&mut hands).0.session.line, MAIN, "who waits for room has it at once");
}

#[test]
fn a_peer_is_turned_away_where_the_institution_has_its_sessions() {
    let mut settings = settings();
    settings.limits.sessions_max = Some(1);
    let mut hands = cold(settings);
    let (out, _) = next_try(&mut hands);
    assert_eq!(hands.core.handle_accepted(SPARE, hands.now), Err(CloseReason::OverLimit), "one is being made");
    hands.turn();
    fail(&mut hands, out);
    hands.accept();
    hands.after_secs(600);
    assert_eq!(hands.connects, []);
}

/// Of sorted instants, the most within a second (its beginning counted, its end not).
fn most_in_a_second(times: &[Mono]) -> usize {
    let within = |(at, first): (usize, &Mono)| {
        times[at..].iter().take_while(|later| later.since(*first) < Duration::from_secs(1)).count()
    };
    times.iter().enumerate().map(within).max().unwrap_or(0)
}

#[test]
fn two_hundred_sessions_that_fall_at_once_come_back_a_few_at_a_time() {
    let mut both = line("both", LineSide::Initiator, Direction::Duplex);
    both.sessions_max = 200;
    let mut hands = cold(Settings { lines: vec![both], ..settings() });
    hands.swaps = false;
    hands.opens = false;
    while hands.open_conns.len() < 200 {
        let (conn, _) = next_try(&mut hands);
        hands.connected(conn);
    }
    let first: Vec<Mono> = hands.tried.iter().map(|(at, _, _)| *at).collect();
    assert_eq!(most_in_a_second(&first), 20, "as many as may be");
    assert_eq!(first[199].since(first[0]), Duration::from_secs(9));
    hands.after_secs(60);

    let fallen = hands.now.mono;
    for conn in hands.open_conns.clone() {
        hands.closed(conn, CloseReason::Reset);
    }
    // For a minute the institution takes nobody.
    while hands.now.mono.since(fallen) < Duration::from_secs(60) {
        let (conn, _) = next_try(&mut hands);
        fail(&mut hands, conn);
    }
    while hands.open_conns.len() < 200 {
        let (conn, _) = next_try(&mut hands);
        hands.connected(conn);
    }
    let times: Vec<Mono> = hands.tried.iter().map(|(at, _, _)| *at).filter(|at| *at >= fallen).collect();
    assert!(times.is_sorted());
    assert!(most_in_a_second(&times) <= 20, "{}", most_in_a_second(&times));
    assert!(times.len() > 600, "they were tried all the while: {}", times.len());
    let took = hands.now.mono.since(fallen);
    assert!(took < Duration::from_secs(120), "{took:?} until all were back");
}

/// Full jitter: any part of a wait that doubles to its bound, and that begins anew only behind a healthy time.
#[test]
fn a_wait_is_a_random_part_of_one_that_doubles_until_a_session_was_well() {
    let mut hands = with_addresses(1);
    hands.swaps = false;
    let wait = |hands: &mut Hands, conn: Conn, up: Option<Duration>| {
        if let Some(up) = up {
            hands.connected(conn);
            hands.after(up);
            hands.closed(conn, CloseReason::Reset);
        } else {
            fail(hands, conn);
        }
        let ended = hands.now.mono;
        let (next, _) = next_try(hands);
        (next, hands.now.mono.since(ended))
    };
    let (mut conn, _) = next_try(&mut hands);
    for longest in [1, 2, 4, 8, 16] {
        let waited;
        (conn, waited) = wait(&mut hands, conn, None);
        assert!(waited <= Duration::from_secs(longest), "{waited:?} of {longest} s");
    }
    let mut waits = Vec::new();
    for _ in 0..200 {
        // Connected, and dropped at once, is as good as refused.
        let waited;
        (conn, waited) = wait(&mut hands, conn, (waits.len() % 2 == 0).then_some(Duration::from_secs(1)));
        waits.push(waited);
    }
    waits.sort();
    assert!(waits[199] <= Duration::from_secs(30), "{:?}", waits[199]);
    for (at, about) in [(20, 3), (100, 15), (180, 27)] {
        let off = waits[at].abs_diff(Duration::from_secs(about));
        assert!(off < Duration::from_secs(5), "the wait is drawn evenly from nothing to 30 s: {:?}", waits[at]);
    }
    let (_, waited) = wait(&mut hands, conn, Some(Duration::from_secs(30)));
    assert!(waited <= Duration::from_secs(1), "{waited:?} after a healthy time");
}

#[test]
fn no_session_waits_for_a_turn_for_ever_beside_others_that_fail() {
    // Sessions of a dead line ask first each time, and more often than the institution takes.
    let mut dead = line("dead", LineSide::Initiator, Direction::Duplex);
    dead.sessions_max = 30;
    (dead.reconnect_min, dead.reconnect_max) = (Duration::from_millis(100), Duration::from_millis(200));
    let live = line("live", LineSide::Initiator, Direction::Duplex);
    let mut settings = Settings { lines: vec![dead, live], ..settings() };
    settings.limits.connects_per_second = 2;
    let mut hands = cold(settings);
    hands.swaps = false;
    let begun = hands.now.mono;
    loop {
        let (conn, _) = next_try(&mut hands);
        if conn.session.line == SPARE {
            break;
        }
        fail(&mut hands, conn);
    }
    // All 31 come at the start, two in each second.
    assert_eq!(hands.now.mono.since(begun), Duration::from_secs(15));
}

#[test]
fn a_connection_for_a_request_that_nobody_answers_is_a_failed_try() {
    let mut both = line("both", LineSide::Initiator, Direction::Duplex);
    (both.addresses, both.window, both.connects) = (2, 1, Connects::PerExchange);
    let mut hands = cold(Settings { lines: vec![both], ..settings() });
    // Both banks open.
    for _ in 0..2 {
        let (conn, address) = next_try(&mut hands);
        assert_eq!(address, 0);
        hands.connected(conn);
        hands.closed(conn, CloseReason::PeerClosed);
    }
    hands.closes.clear();
    let unanswered = hands.transfer();
    let (silent, _) = next_try(&mut hands);
    hands.connected(silent);
    while hands.closes.is_empty() {
        hands.after_secs(1);
    }
    assert_eq!(hands.told(unanswered), ["UNKNOWN NO_ANSWER"]);
    assert_eq!(hands.closes, [(silent, CloseReason::Answered, false)]);
    hands.closed(silent, CloseReason::PeerClosed);
    assert_eq!(status(&hands, MAIN).failed, 1);
    let answered = hands.transfer();
    let (next, address) = next_try(&mut hands);
    assert_eq!(address, 1, "the other address may have somebody who answers");
    hands.connected(next);
    let frame = hands.take_frames(MAIN).pop().unwrap();
    hands.receive_on(MAIN, &peer::framed(&peer::answer(&frame, "0000")));
    assert_eq!(hands.told(answered), ["SUCCESS ANSWERED"]);
    hands.closed(next, CloseReason::PeerClosed);
    assert_eq!(status(&hands, MAIN).failed, 0);
    hands.transfer();
    assert_eq!(next_try(&mut hands).1, 1, "it stays with what works");
}

#[test]
fn a_backup_that_is_called_again_while_one_of_its_sessions_goes_keeps_the_others() {
    let mut settings = main_and_spare();
    settings.lines[1].sessions_max = 2;
    let mut hands = cold(settings);
    for _ in 0..3 {
        let (conn, _) = next_try(&mut hands);
        fail(&mut hands, conn);
    }
    let (spares, mains): (Vec<_>, Vec<_>) = hands.connects.drain(..).partition(|conn| conn.session.line == SPARE);
    assert_eq!((spares.len(), mains.len()), (2, 0));
    spares.iter().for_each(|conn| hands.connected(*conn));
    let (main, _) = next_try(&mut hands);
    hands.connected(main);
    hands.after_secs(29);
    // One of each goes by each session; nobody answers.
    (0..3).for_each(|_| _ = hands.transfer());
    hands.after_secs(1);
    assert_eq!(status(&hands, SPARE).on_duty, Some(false));
    hands.closed(main, CloseReason::Reset);
    for _ in 0..3 {
        let (conn, _) = next_try(&mut hands);
        fail(&mut hands, conn);
    }
    assert_eq!(status(&hands, SPARE).on_duty, Some(true));
    assert_eq!(states(&hands)[1..], [SessionState::Draining; 2]);
    hands.closed(spares[0], CloseReason::PeerClosed);
    let again = loop {
        let (conn, _) = next_try(&mut hands);
        match conn.session.line == SPARE {
            true => break conn,
            false => fail(&mut hands, conn),
        }
    };
    hands.connected(again);
    // Until the time of what is in flight is over.
    while !hands.closes.iter().any(|close| close.0 == spares[1]) {
        hands.after_secs(1);
    }
    assert_eq!(hands.closes.iter().filter(|close| close.0 == again).count(), 0);
    assert_eq!(states(&hands)[1], SessionState::Up, "it was made to stand in");
}

#[test]
fn a_connection_that_is_not_made_in_time_says_so() {
    let mut hands = cold(main_and_spare());
    hands.connects.clear();
    hands.after_secs(60);
    let session = &hands.core.status().sessions[0];
    let detail = session.detail.clone().unwrap_or_default();
    assert!(
        session.closed == Some(CloseReason::ConnectFailed) && detail.starts_with("not connected within "),
        "{detail}"
    );
}

/// A main line and its backup that connect for each request; the main one has failed three times, and both banks have opened by the spare.
fn one_shot_standing_in() -> Hands {
    let mut settings = main_and_spare();
    for line in &mut settings.lines {
        (line.window, line.connects) = (1, Connects::PerExchange);
    }
    let mut hands = cold(settings);
    while status(&hands, SPARE).on_duty != Some(true) {
        let (conn, _) = next_try(&mut hands);
        assert_eq!(conn.session.line, MAIN);
        fail(&mut hands, conn);
    }
    // Both banks open, whoever is tried first.
    let mut opened = 0;
    while opened < 2 {
        let (conn, _) = next_try(&mut hands);
        if conn.session.line == MAIN {
            fail(&mut hands, conn);
        } else {
            hands.connected(conn);
            hands.closed(conn, CloseReason::PeerClosed);
            opened += 1;
        }
    }
    hands.after_secs(60);
    (hands.connects, hands.closes) = (Vec::new(), Vec::new());
    hands
}

#[test]
fn what_one_connection_was_not_made_for_goes_by_the_backup() {
    let mut hands = one_shot_standing_in();
    let id = hands.transfer();
    let (main, _) = next_try(&mut hands);
    assert_eq!(main.session.line, MAIN);
    fail(&mut hands, main);
    assert_eq!(hands.told(id), [""; 0]);
    let (spare, _) = next_try(&mut hands);
    assert_eq!(spare.session.line, SPARE);
    hands.connected(spare);
    let frame = hands.take_frames(SPARE).pop().unwrap();
    hands.receive_on(SPARE, &peer::framed(&peer::answer(&frame, "0000")));
    assert_eq!(hands.told(id), ["SUCCESS ANSWERED"]);
    // While both back off, the last one that fails refuses it.
    hands.closed(spare, CloseReason::PeerClosed);
    hands.after_secs(60);
    let id = hands.transfer();
    for line in [MAIN, SPARE] {
        let (conn, _) = next_try(&mut hands);
        assert_eq!(conn.session.line, line);
        fail(&mut hands, conn);
    }
    assert_eq!(hands.told(id), ["error SEND_DOWN"]);
}

#[test]
fn what_a_backup_connects_for_goes_by_its_main_line_when_that_is_well() {
    let mut hands = one_shot_standing_in();
    let (first, second) = (hands.transfer(), hands.transfer());
    let (main, spare) = (hands.connects.remove(0), hands.connects.remove(0));
    assert_eq!((main.session.line, spare.session.line), (MAIN, SPARE));
    hands.connected(main);
    let answer_by_main = |hands: &mut Hands| {
        let frame = hands.take_frames(MAIN).pop().unwrap();
        hands.receive_on(MAIN, &peer::framed(&peer::answer(&frame, "0000")));
    };
    answer_by_main(&mut hands);
    assert_eq!(hands.told(first), ["SUCCESS ANSWERED"]);
    assert_eq!(hands.closes, [(main, CloseReason::Answered, false), (spare, CloseReason::Standby, false)]);
    assert_eq!(hands.told(second), [""; 0], "nothing was wrong with its connection");
    hands.closed(main, CloseReason::PeerClosed);
    let (main, _) = next_try(&mut hands);
    hands.connected(main);
    answer_by_main(&mut hands);
    assert_eq!(hands.told(second), ["SUCCESS ANSWERED"]);
}

#[test]
fn the_request_of_the_try_that_calls_a_backup_goes_by_it() {
    let mut settings = main_and_spare();
    for line in &mut settings.lines {
        (line.window, line.connects) = (1, Connects::PerExchange);
    }
    let mut hands = cold(settings);
    while status(&hands, SPARE).on_duty != Some(true) {
        let (conn, _) = next_try(&mut hands);
        assert_eq!(conn.session.line, MAIN);
        fail(&mut hands, conn);
    }
    let tried: Vec<LineId> = hands.connects.iter().map(|conn| conn.session.line).collect();
    assert_eq!(tried, [SPARE], "the opening that waits has a connection at once");
}

#[test]
fn what_waits_for_a_line_that_is_stopped_by_hand_goes_by_the_backup() {
    let mut settings = main_and_spare();
    for line in &mut settings.lines {
        (line.window, line.connects) = (1, Connects::PerExchange);
    }
    let mut hands = cold(settings);
    for _ in 0..2 {
        let (conn, _) = next_try(&mut hands);
        hands.connected(conn);
        hands.closed(conn, CloseReason::PeerClosed);
    }
    let id = hands.transfer();
    let (main, _) = next_try(&mut hands);
    assert_eq!(main.session.line, MAIN);
    command(&mut hands, Command::StopLine { line: "main".into() });
    assert_eq!(hands.told(id), [""; 0]);
    let (spare, _) = next_try(&mut hands);
    assert_eq!(spare.session.line, SPARE);
    hands.connected(spare);
    let frame = hands.take_frames(SPARE).pop().unwrap();
    hands.receive_on(SPARE, &peer::framed(&peer::answer(&frame, "0000")));
    assert_eq!(hands.told(id), ["SUCCESS ANSWERED"]);
}
