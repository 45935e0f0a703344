use pabal_switch::{CloseReason, ExchangeState, SessionState};

use crate::hands::{Hands, IN, OUT};
use crate::peer;

fn probing() -> (Hands, Vec<u8>) {
    let mut hands = Hands::open();
    hands.lives = false;
    hands.after_secs(299);
    assert_eq!(hands.take_frames(OUT).len(), 0);
    hands.after_secs(1);
    let poll = hands.take_frame();
    (hands, poll)
}

#[test]
fn a_quiet_session_is_asked_whether_it_lives() {
    let (mut hands, poll) = probing();
    assert_eq!(core::str::from_utf8(&poll).unwrap(), "HDRREQPOLL1121100500");
    assert_eq!(hands.core.status().sessions[0].state, SessionState::Probing);
    hands.receive_on(OUT, &peer::poll_answer(&poll));
    assert_eq!(hands.core.status().sessions[0].state, SessionState::Up);
    hands.after_secs(300);
    assert_eq!(hands.take_frames(OUT).len(), 1, "and again");
}

#[test]
fn a_session_that_sends_is_not_asked() {
    let mut hands = Hands::open();
    for _ in 0..4 {
        hands.after_secs(200);
        let id = hands.transfer();
        let frame = hands.take_frame();
        assert_eq!(frame.len(), 300);
        hands.receive(&peer::answer(&frame, "0000"));
        assert_eq!(hands.told(id).len(), 1);
    }
}

#[test]
fn who_does_not_answer_is_closed() {
    let (mut hands, _) = probing();
    let conn = hands.conn(OUT);
    hands.after_secs(10);
    assert_eq!(hands.closes, [(conn, CloseReason::PollUnanswered, true)]);
    hands.after_secs(20);
    assert!(hands.connects.is_empty(), "the peer may still count it for the close grace");
    hands.after_secs(2);
    assert_eq!(hands.connects.len(), 1);
}

#[test]
fn only_the_session_that_asked_may_be_answered_and_only_what_it_asked() {
    let (mut hands, poll) = probing();
    hands.receive_on(IN, &peer::poll_answer(&poll));
    assert_eq!(hands.kinds().last(), Some(&"unclaimed"));
    let mut other = poll.clone();
    other[19] = b'9';
    hands.receive_on(OUT, &peer::poll_answer(&other));
    assert_eq!(hands.kinds().last(), Some(&"unclaimed"));
    assert_eq!(hands.core.status().sessions[0].state, SessionState::Probing);
    hands.receive_on(OUT, &peer::poll_answer(&poll));
    assert_eq!(hands.core.status().sessions[0].state, SessionState::Up);
}

#[test]
fn requests_wait_while_the_session_is_asked() {
    let (mut hands, poll) = probing();
    let id = hands.transfer();
    assert_eq!(hands.core.exchange(id).unwrap().state, ExchangeState::Waiting);
    hands.receive_on(OUT, &peer::poll_answer(&poll));
    assert_eq!(hands.core.exchange(id).unwrap().state, ExchangeState::Sent);
}

#[test]
fn the_peer_is_answered_where_it_asked_and_with_what_it_asked() {
    let mut hands = Hands::open();
    let before = hands.journal.len();
    hands.receive_on(IN, &peer::framed(b"HDRREQPOLL1121235959"));
    let frames = hands.take_frames(IN);
    assert_eq!(frames, [b"HDRRESPOLL1121235959".to_vec()]);
    assert_eq!(hands.journal.len(), before, "poll telegrams are not journaled");
    assert_eq!(hands.take_frames(OUT).len(), 0);
}

#[test]
fn we_do_not_ask_where_they_connected() {
    let (mut hands, poll) = probing();
    hands.receive_on(OUT, &peer::poll_answer(&poll));
    assert_eq!(hands.bytes_out(IN), 0);
}

#[test]
fn a_poll_answer_waits_its_turn_behind_what_is_not_durable() {
    let mut hands = Hands::open();
    hands.is_durable = false;
    hands.transfer();
    hands.receive_on(OUT, &peer::framed(b"HDRREQPOLL1121235959"));
    assert_eq!(hands.take_frames(OUT).len(), 0, "the entry says where in the stream its frame begins");
    hands.is_durable = true;
    hands.turn();
    let frames = hands.take_frames(OUT);
    assert_eq!(frames.iter().map(Vec::len).collect::<Vec<_>>(), [300, 20]);
}
