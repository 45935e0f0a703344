//! Slots as the institution counts them: what a closed connection still holds, what becomes of a peer that connects though there is no
//! slot, and that nothing of an old connection reaches a new one.

use std::time::Duration;

use pabal_switch::{
    By, CloseReason, Command, Conn, Direction, LineSide, Recovery, SecondConnection, SessionState, Settings,
};

use crate::hands::{Hands, IN, OUT, line, settings};
use crate::peer;

fn state(hands: &Hands) -> SessionState {
    hands.core.status().sessions.iter().find(|one| one.session.line == IN).unwrap().state
}

/// A peer connects to the line that is theirs.
fn knocks(hands: &mut Hands) -> Result<Conn, CloseReason> {
    let taken = hands.core.handle_accepted(IN, hands.now);
    hands.turn();
    let counted = hands.core.status().lines[1].sessions_counted;
    assert!(counted <= 1, "the line never has more than its one session");
    if let Ok(conn) = taken {
        hands.open_conns.push(conn);
    }
    taken
}

/// The usual pair; what the peer of the second line does about polls is the test's to say.
fn pair(policy: SecondConnection) -> (Hands, Conn) {
    let mut settings = settings();
    settings.lines[1].second_connection = policy;
    let mut hands = Hands::open_with(settings);
    hands.lives = false;
    let conn = hands.conn(IN);
    (hands, conn)
}

/// Our close of a connection is done: it was by RST, which says nothing of what the peer counts.
fn aborted(hands: &mut Hands, conn: Conn) {
    assert_eq!(hands.closes, [(conn, CloseReason::Replaced, true)]);
    hands.closed(conn, CloseReason::Replaced);
}

const OVER: Result<Conn, CloseReason> = Err(CloseReason::OverLimit);

#[test]
fn a_silent_session_is_asked_when_its_peer_connects_anew_and_ended_if_it_stays_silent() {
    let (mut hands, old) = pair(SecondConnection::Probe);
    hands.after_secs(60);
    assert_eq!(knocks(&mut hands), OVER);
    let polls = hands.take_frames(IN);
    assert_eq!((polls.len(), &polls[0][..10]), (1, &b"HDRREQPOLL"[..]), "it is asked at once");
    assert_eq!(state(&hands), SessionState::Probing);
    hands.after_secs(4);
    assert_eq!(knocks(&mut hands), OVER);
    assert_eq!(hands.take_frames(IN).len(), 0, "once is enough");
    hands.after(Duration::from_millis(5_999));
    assert_eq!(hands.closes, []);
    hands.after(Duration::from_millis(1));
    aborted(&mut hands, old);
    // The peer may count it for the close grace, 20 s.
    let session = hands.core.status().sessions.into_iter().find(|one| one.session == old.session).unwrap();
    assert_eq!(session.free_at, Some(hands.now.mono + Duration::from_secs(20)));
    hands.after(Duration::from_millis(19_999));
    assert_eq!(knocks(&mut hands), OVER);
    hands.after(Duration::from_millis(1));
    let new = knocks(&mut hands).unwrap();
    assert_eq!((new.session, new.epoch.0), (old.session, old.epoch.0 + 1));
}

#[test]
fn a_session_that_answers_stays_and_so_does_one_that_brings_anything() {
    let (mut hands, _) = pair(SecondConnection::Probe);
    hands.after_secs(60);
    assert_eq!(knocks(&mut hands), OVER);
    let poll = hands.take_frames(IN).remove(0);
    hands.receive_on(IN, &peer::framed(&peer::poll_answer(&poll))[4..]);
    assert_eq!(state(&hands), SessionState::Up);
    hands.after_secs(60);
    assert_eq!(knocks(&mut hands), OVER);
    assert_eq!(hands.take_frames(IN).len(), 1);
    hands.after_secs(9);
    hands.receive(&peer::deposit(1, 500));
    hands.after_secs(1);
    assert_eq!((state(&hands), hands.closes.len()), (SessionState::Up, 0), "who brings a deposit lives");
    // And who brought something just now need not be asked.
    hands.take_frames(IN);
    assert_eq!(knocks(&mut hands), OVER);
    assert_eq!((state(&hands), hands.take_frames(IN).len()), (SessionState::Up, 0));
}

#[test]
fn a_session_over_which_the_peer_would_have_polled_is_dead() {
    let (mut hands, old) = pair(SecondConnection::Probe);
    // The sessions that we poll live.
    hands.lives = true;
    hands.after(Duration::from_millis(310_001));
    assert_eq!(knocks(&mut hands), OVER);
    aborted(&mut hands, old);
    // The end of the dead one was seen by whoever is left of it: its slot is free.
    hands.after_secs(20);
    knocks(&mut hands).unwrap();
}

#[test]
fn of_several_silent_sessions_one_is_ended_for_one_that_comes() {
    let mut settings = settings();
    settings.lines[1].sessions_max = 3;
    settings.lines[1].second_connection = SecondConnection::Replace;
    let mut hands = Hands::open_with(settings);
    let (second, _third) = (hands.accept(), hands.accept());
    let first = hands.open_conns.iter().copied().find(|conn| conn.session.line == IN).unwrap();
    hands.after_secs(5);
    hands.core.handle_received(first, &peer::framed(&peer::deposit(1, 5)), hands.now);
    hands.turn();
    for _ in 0..3 {
        assert_eq!(hands.core.handle_accepted(IN, hands.now), OVER);
        hands.turn();
    }
    assert_eq!(hands.closes, [(second, CloseReason::Replaced, true)], "the one that was silent longest, and no other");
    hands.closed(second, CloseReason::Replaced);
    hands.after_secs(20);
    hands.accept();
}

#[test]
fn who_refuses_ends_nothing() {
    let (mut hands, _) = pair(SecondConnection::Refuse);
    hands.lives = true;
    hands.after_secs(3_600);
    assert_eq!(knocks(&mut hands), OVER);
    assert_eq!((state(&hands), hands.closes.len(), hands.take_frames(IN).len()), (SessionState::Up, 0, 0));
}

/// One line for both directions, closed by an operator; the peer does not close its side.
fn held() -> (Hands, Conn) {
    let mut both = line("both", LineSide::Initiator, Direction::Duplex);
    both.close_grace = Duration::from_secs(30);
    let mut hands = Hands::open_with(Settings { lines: vec![both], ..settings() });
    let conn = hands.conn(OUT);
    let close = Command::CloseSession { line: "both".into(), slot: 0 };
    hands.core.command(close, By { actor: "kim".into(), reason: "test".into() }, hands.now).unwrap();
    hands.turn();
    assert_eq!(hands.closes.pop().map(|close| close.0), Some(conn));
    (hands, conn)
}

#[test]
fn a_peer_that_holds_a_closed_connection_for_thirty_seconds_keeps_its_slot_so_long() {
    let (mut hands, conn) = held();
    hands.after(Duration::from_millis(29_999));
    let line = hands.core.status().lines.remove(0);
    assert_eq!((line.sessions_counted, hands.core.holds(conn), hands.connects.len()), (1, true, 0));
    hands.after(Duration::from_millis(1));
    assert!(!hands.core.holds(conn), "now the shell ends it by RST");
    hands.after_secs(1);
    assert_eq!(hands.connects.len(), 1);

    // The peer's FIN frees it earlier.
    let (mut hands, conn) = held();
    hands.after_secs(12);
    hands.closed(conn, CloseReason::PeerClosed);
    hands.after_secs(1);
    assert_eq!(hands.connects.len(), 1);
}

#[test]
fn a_slot_that_is_held_is_held_over_a_crash() {
    let (hands, _) = held();
    let mut next = hands.restart();
    next.after(Duration::from_millis(29_999));
    assert_eq!((next.core.status().lines[0].sessions_counted, next.connects.len()), (1, 0));
    next.after(Duration::from_millis(1_001));
    assert_eq!(next.connects.len(), 1);
}

/// What a core is, but for the time of its last input.
fn image(hands: &Hands) -> serde_json::Value {
    serde_json::to_value(hands.core.image()).unwrap()
}

#[test]
fn nothing_of_an_old_connection_reaches_a_new_one() {
    type Input = (&'static str, fn(&mut Hands, Conn));
    let inputs: &[Input] = &[
        ("connected", |hands, old| hands.core.handle_connected(old, hands.now)),
        ("connect failed", |hands, old| hands.core.handle_connect_failed(old, hands.now)),
        ("connect held", |hands, old| {
            hands.core.handle_connect_held(old, hands.now.mono + Duration::from_secs(9), hands.now);
        }),
        ("received", |hands, old| {
            hands.core.handle_received(old, &peer::framed(&peer::deposit(7, 500)), hands.now);
        }),
        ("garbage", |hands, old| hands.core.handle_received(old, b"garbage", hands.now)),
        ("wrote", |hands, old| hands.core.handle_wrote(old, 1, hands.now)),
        ("peer closed", |hands, old| hands.core.handle_closed(old, CloseReason::PeerClosed, hands.now)),
        ("failed", |hands, old| hands.core.handle_closed(old, CloseReason::IoError, hands.now)),
        ("aborted", |hands, old| hands.core.handle_aborted(old, Some(0), hands.now)),
    ];
    // The new connection is being made, is up with a request in flight and another that its socket has not taken, or is closing.
    let stages: [fn(&mut Hands); 3] = [
        |_| {},
        |hands| {
            let conn = hands.connects.pop().unwrap();
            hands.connected(conn);
            hands.transfer();
            hands.socket_room = 100;
            hands.transfer();
        },
        |hands| {
            let conn = hands.connects.pop().unwrap();
            hands.connected(conn);
            hands.receive_on(OUT, b"garbage");
        },
    ];
    for (at, stage) in stages.into_iter().enumerate() {
        let both = line("both", LineSide::Initiator, Direction::Duplex);
        let settings = Settings { lines: vec![both], ..settings() };
        let mut hands = Hands::cold(settings, Recovery::new(), Hands::begin());
        let old = hands.connects.pop().unwrap();
        hands.connected(old);
        hands.closed(old, CloseReason::PeerClosed);
        while hands.connects.is_empty() {
            hands.after(Duration::from_millis(100));
        }
        stage(&mut hands);
        let before = image(&hands);
        for (name, input) in inputs {
            input(&mut hands, old);
            assert!(hands.core.poll_output().is_none(), "stage {at}, {name}");
            assert_eq!(image(&hands), before, "stage {at}, {name}");
        }
        assert_eq!(hands.core.poll_write(old), b"", "stage {at}");
        assert!(!hands.core.wants_read(old) && !hands.core.holds(old), "stage {at}");
        // And one that has never been is no connection either.
        let never = Conn { session: old.session, epoch: pabal_switch::Epoch(9_999) };
        for (name, input) in inputs {
            input(&mut hands, never);
            assert_eq!(image(&hands), before, "stage {at}, {name}");
        }
    }
}

#[test]
fn a_peer_that_comes_and_goes_fills_no_memory_while_the_disk_is_slow() {
    let (mut hands, old) = pair(SecondConnection::Refuse);
    hands.is_durable = false;
    hands.closed(old, CloseReason::PeerClosed);
    let max = hands.settings.limits.undurable_entries_max as usize;
    let refused = std::iter::repeat_with(|| knocks(&mut hands).map(|conn| hands.closed(conn, CloseReason::PeerClosed)))
        .take(max + 10)
        .find_map(Result::err);
    assert_eq!(refused, Some(CloseReason::JournalFull));
    let waiting: usize = hands.undurable.iter().map(|(_, entries)| entries.len()).sum();
    assert!((max..=max + 1).contains(&waiting), "{waiting}");
    hands.is_durable = true;
    hands.turn();
    assert!(knocks(&mut hands).is_ok());
}
