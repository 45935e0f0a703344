use std::time::Duration;

use pabal_switch::{CloseReason, Direction, Entry, ExchangeState, LineSide, Refusal, SessionState};

use crate::hands::{Hands, IN, OUT, line, settings};
use crate::peer;

#[test]
fn a_lost_session_tells_each_request_what_is_true_of_its_bytes() {
    let mut settings = settings();
    settings.lines[0].window = 6;
    let mut hands = Hands::open_with(settings);
    hands.socket_room = 304 + 100;
    let (whole, partly, unsent) = (hands.transfer(), hands.transfer(), hands.transfer());
    let conn = hands.conn(OUT);
    hands.closed(conn, CloseReason::Reset);
    assert_eq!(hands.told(whole), [""; 0], "the answer may come by another session, or later");
    assert_eq!(hands.told(partly), ["UNKNOWN PARTLY_WRITTEN"]);
    assert_eq!(hands.told(unsent), ["error SESSION_LOST"]);
    let frame = hands.take_frame();
    hands.receive(&peer::answer(&frame, "0000"));
    assert_eq!(hands.told(whole), ["SUCCESS ANSWERED"]);
}

#[test]
fn what_was_told_unknown_and_never_left_becomes_a_failure() {
    let mut hands = Hands::open();
    hands.socket_room = 0;
    let mut open = hands.request(peer::transfer("088", "1", 5));
    open.deadline = hands.now.mono + Duration::from_secs(1);
    let id = hands.call(open);
    hands.after_secs(1);
    assert_eq!(hands.told(id), ["UNKNOWN CALLER_DEADLINE"]);
    let conn = hands.conn(OUT);
    hands.closed(conn, CloseReason::Reset);
    assert_eq!(hands.told(id), ["UNKNOWN CALLER_DEADLINE", "FAILURE NOT_SENT SESSION_LOST"]);
}

#[test]
fn an_answer_before_the_request_has_left_is_nobodys() {
    let mut hands = Hands::open();
    hands.socket_room = 303;
    let id = hands.transfer();
    let mut frame = hands.streams[&hands.conn(OUT)][608 + 4..].to_vec();
    frame.push(b' ');
    hands.receive(&peer::answer(&frame, "0000"));
    assert_eq!(hands.told(id), [""; 0]);
    assert_eq!(hands.kinds().last(), Some(&"unclaimed"));
    hands.socket_room = usize::MAX;
    hands.turn();
    hands.receive(&peer::answer(&frame, "0000"));
    assert_eq!(hands.told(id), ["SUCCESS ANSWERED"]);
}

#[test]
fn the_missing_half_is_named() {
    let mut hands = Hands::open();
    let conn = hands.conn(IN);
    hands.closed(conn, CloseReason::PeerClosed);
    let open = hands.request(peer::transfer("088", "1", 5));
    let before = hands.bytes_out(OUT);
    assert_eq!(hands.try_open(open.clone()), Err(Refusal::ReceiveDown));
    hands.accept();
    let conn = hands.conn(OUT);
    hands.closed(conn, CloseReason::PeerClosed);
    assert_eq!(hands.try_open(open), Err(Refusal::SendDown));
    assert_eq!(hands.bytes_out(OUT), before);
}

#[test]
fn one_duplex_line_is_both_halves() {
    let mut settings = settings();
    settings.lines = vec![line("both", LineSide::Initiator, Direction::Duplex)];
    let mut hands = Hands::open_with(settings);
    let id = hands.transfer();
    let frame = hands.take_frame();
    hands.receive(&peer::answer(&frame, "0000"));
    assert_eq!(hands.told(id), ["SUCCESS ANSWERED"]);
    hands.receive(&peer::deposit(1, 500));
    assert_eq!(peer::at(&hands.take_frame(), peer::MESSAGE_TYPE), "4100");
}

#[test]
fn connecting_again_waits_longer_each_time_and_for_ever() {
    let mut hands = Hands::fresh();
    let mut waits = Vec::new();
    for _ in 0..12 {
        let conn = hands.connects.pop().expect("it tries again");
        hands.core.handle_connect_failed(conn, hands.now);
        hands.turn();
        let (at, name) = hands.core.poll_timeout().unwrap();
        assert_eq!(name, pabal_switch::TimerName::Reconnect(conn.session));
        let wait = at.since(hands.now.mono);
        waits.push(wait);
        hands.after(wait);
    }
    for (at, wait) in waits.iter().enumerate() {
        let most = Duration::from_secs(1 << at.min(5)).min(Duration::from_secs(30));
        assert!(*wait <= most, "{at}: {wait:?}");
    }
    assert!(waits.iter().any(|wait| *wait > Duration::from_secs(8)));
    assert_eq!(hands.connects.pop().unwrap().epoch.0, 13, "each try is an epoch");
}

#[test]
fn a_connection_that_is_not_made_in_time_is_given_up() {
    let mut hands = Hands::fresh();
    let conn = hands.connects.pop().unwrap();
    hands.after_secs(5);
    assert_eq!(hands.closes, [(conn, CloseReason::ConnectFailed, true)]);
    hands.core.handle_connected(conn, hands.now);
    hands.turn();
    assert_eq!(hands.core.status().sessions[0].state, SessionState::Closing, "it came too late");
    hands.core.handle_closed(conn, CloseReason::ConnectFailed, hands.now);
    hands.turn();
    hands.after_secs(1);
    assert_eq!(hands.connects.len(), 1);
}

#[test]
fn a_slot_is_free_when_the_peer_has_seen_the_end_or_the_grace_is_over() {
    let mut hands = Hands::open();
    let conn = hands.conn(OUT);
    // The socket failed; whether the peer has noticed is not known.
    hands.closed(conn, CloseReason::IoError);
    assert_eq!(hands.core.status().sessions[0].state, SessionState::Closing);
    hands.after(Duration::from_millis(19_999));
    assert!(hands.connects.is_empty());
    hands.after_secs(2);
    let conn = hands.connects.pop().expect("after the grace");
    hands.connected(conn);
    hands.closed(conn, CloseReason::PeerClosed);
    hands.after_secs(2);
    assert_eq!(hands.connects.len(), 1, "the peer's FIN was seen");
}

#[test]
fn a_line_never_has_more_sessions_than_it_may() {
    let mut hands = Hands::open();
    assert_eq!(hands.core.handle_accepted(IN, hands.now), Err(CloseReason::OverLimit));
    hands.turn();
    assert_eq!(hands.core.handle_accepted(OUT, hands.now), Err(CloseReason::OverLimit), "we connect there");
    hands.turn();
    let conn = hands.conn(IN);
    hands.closed(conn, CloseReason::IoError);
    assert_eq!(hands.core.handle_accepted(IN, hands.now), Err(CloseReason::OverLimit), "the old one may still count");
    hands.turn();
    hands.after_secs(20);
    hands.accept();
}

#[test]
fn news_of_an_old_connection_reaches_nothing() {
    let mut hands = Hands::open();
    let old = hands.conn(OUT);
    hands.closed(old, CloseReason::PeerClosed);
    hands.after_secs(1);
    let new = hands.connects.pop().unwrap();
    hands.connected(new);
    hands.core.handle_received(old, b"garbage!", hands.now);
    hands.core.handle_wrote(old, 100, hands.now);
    hands.core.handle_closed(old, CloseReason::Reset, hands.now);
    hands.core.handle_connect_failed(old, hands.now);
    hands.turn();
    assert!(!hands.core.wants_read(old) && hands.core.wants_read(new));
    assert_eq!(hands.core.status().sessions[0].state, SessionState::Up);
}

#[test]
fn a_stream_that_cannot_be_cut_is_closed_and_kept() {
    let mut hands = Hands::open();
    let id = hands.transfer();
    let conn = hands.conn(IN);
    hands.receive_on(IN, b"03 0xxx");
    assert_eq!(hands.closes, [(conn, CloseReason::BadFrame, true)]);
    let entries = hands.entries();
    let kept = entries.iter().find_map(|entry| match entry {
        Entry::Unclaimed(entry) => Some(entry),
        _ => None,
    });
    assert!(kept.unwrap().reason.starts_with("the length prefix at byte 608"), "{:?}", kept);
    // Nothing of it was an answer, and the request is still with the institution.
    assert_eq!(hands.core.exchange(id).unwrap().state, ExchangeState::Sent);
}

#[test]
fn a_stream_may_come_byte_by_byte_or_all_at_once() {
    let mut hands = Hands::open();
    let (first, second) = (hands.transfer(), hands.transfer());
    let frames = hands.take_frames(OUT);
    for byte in peer::framed(&peer::answer(&frames[0], "0000")) {
        hands.receive_on(IN, &[byte]);
    }
    let mut both = peer::framed(&peer::answer(&frames[0], "0000"));
    both.extend(peer::framed(&peer::answer(&frames[1], "0000")));
    hands.receive_on(IN, &both);
    assert_eq!(
        (hands.told(first), hands.told(second)),
        (vec!["SUCCESS ANSWERED".into()], vec!["SUCCESS ANSWERED".into()])
    );
}

#[test]
fn draining_lets_what_is_in_flight_be_answered_and_signs_nothing_off() {
    let mut hands = Hands::open();
    let (first, second) = (hands.transfer(), hands.transfer());
    let frames = hands.take_frames(OUT);
    let waiting = hands.transfer();
    hands.core.drain(hands.now.mono + Duration::from_secs(10), hands.now);
    hands.turn();
    assert_eq!(hands.told(waiting), ["error DRAINING"]);
    let open = hands.request(peer::transfer("088", "1", 5));
    assert_eq!(hands.try_open(open), Err(Refusal::Draining));
    assert_eq!(hands.core.handle_accepted(IN, hands.now), Err(CloseReason::Drained));
    hands.turn();
    hands.receive(&peer::answer(&frames[0], "0000"));
    assert!(hands.closes.is_empty());
    hands.receive(&peer::answer(&frames[1], "0000"));
    assert_eq!((hands.told(first).len(), hands.told(second).len()), (1, 1));
    assert_eq!(hands.closes.iter().map(|close| close.1).collect::<Vec<_>>(), [CloseReason::Drained; 2]);
    assert!(!hands.core.is_drained());
    for (conn, reason, _) in hands.closes.clone() {
        hands.closed(conn, reason);
    }
    assert!(hands.core.is_drained());
    assert_eq!(hands.take_frames(OUT).len(), 0, "business is not closed");
    hands.after_secs(60);
    assert!(hands.connects.is_empty(), "it does not connect again");
}

#[test]
fn draining_ends_at_its_deadline() {
    let mut hands = Hands::open();
    let id = hands.transfer();
    hands.core.drain(hands.now.mono + Duration::from_secs(10), hands.now);
    hands.turn();
    hands.after_secs(10);
    assert_eq!(hands.told(id), ["UNKNOWN RESTARTED"]);
    assert_eq!(hands.closes.iter().map(|close| close.1).collect::<Vec<_>>(), [CloseReason::Stopped; 2]);
}
