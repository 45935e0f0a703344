use pabal_switch::{CloseReason, Entry};

use crate::hands::{Hands, IN, OUT};
use crate::peer;

#[test]
fn a_notice_is_kept_before_it_is_replied_to() {
    let mut hands = Hands::open();
    hands.is_durable = false;
    let notice = peer::deposit(1, 50_000);
    hands.receive(&notice);
    assert_eq!((hands.delivered.len(), hands.take_frames(OUT).len()), (0, 0));
    let kinds: Vec<_> = hands.undurable[0].1.iter().map(Entry::kind).collect();
    assert_eq!(kinds, ["notice_received", "notice_replied"]);
    let columns = hands.undurable[0].1[0].columns();
    assert_eq!(columns.their_number.as_deref(), Some("000001"));
    assert_eq!(columns.session.as_deref(), Some("in/0"));
    hands.is_durable = true;
    hands.turn();
    assert_eq!(hands.delivered.len(), 1);
    assert_eq!(&hands.delivered[0].1[..], &notice[..]);
    let reply = hands.take_frame();
    assert_eq!(peer::at(&reply, peer::MESSAGE_TYPE), "4100");
    assert_eq!(peer::at(&reply, peer::SERVICE_CODE), "100");
    assert_eq!(peer::at(&reply, peer::RESPONSE_CODE), "0000");
    // Key, trace, who we are, and the areas that each reply carries back.
    assert_eq!(peer::at(&reply, (0, 24)), "PABAL    COMPANY1    088");
    assert_eq!(peer::at(&reply, (32, 52)), "00000120261121110000");
    assert_eq!(peer::at(&reply, (56, 71)), "KEEP THIS AREA!");
    assert_eq!(hands.bytes_out(IN), 0, "replies go by the session that sends");
}

#[test]
fn a_notice_that_comes_again_has_the_same_reply_and_one_name() {
    let mut hands = Hands::open();
    hands.receive(&peer::deposit(1, 50_000));
    let first = hands.take_frame();
    let mut again = peer::deposit(1, 50_000);
    // A repetition has its own time.
    peer::put(&mut again, peer::SEND_TIME, "110700");
    hands.receive(&again);
    assert_eq!(hands.take_frame(), first);
    assert_eq!(hands.delivered.len(), 1, "services hear it once");
    let received: Vec<_> = hands
        .entries()
        .into_iter()
        .filter_map(|entry| match entry {
            Entry::NoticeReceived(entry) => Some((entry.notice, entry.repeated)),
            _ => None,
        })
        .collect();
    assert_eq!(received, [(hands.delivered[0].0, false), (hands.delivered[0].0, true)]);
}

#[test]
fn the_same_number_with_another_content_is_no_repetition() {
    let mut hands = Hands::open();
    hands.receive(&peer::deposit(1, 50_000));
    hands.take_frame();
    hands.receive(&peer::deposit(1, 70_000));
    assert_eq!(
        hands.take_frames(OUT).len(),
        0,
        "no reply may hide it from the institution's list of unanswered notices"
    );
    let Some(Entry::Unclaimed(entry)) = hands.entries().pop() else { panic!("unclaimed") };
    assert_eq!(entry.reason, format!("it has the key of notice {}, but another content", hands.delivered[0].0));
}

#[test]
fn a_reply_waits_for_a_session_that_sends() {
    let mut hands = Hands::open();
    let conn = hands.conn(OUT);
    hands.closed(conn, CloseReason::PeerClosed);
    hands.receive(&peer::deposit(1, 50_000));
    assert_eq!(hands.delivered.len(), 1, "services need not wait");
    assert_eq!(hands.kinds().last(), Some(&"notice_received"));
    hands.after_secs(1);
    let conn = hands.connects.pop().unwrap();
    hands.connected(conn);
    assert_eq!(peer::at(&hands.take_frame(), peer::MESSAGE_TYPE), "4100");
}

#[test]
fn a_reply_that_a_lost_session_swallowed_is_sent_again() {
    let mut hands = Hands::open();
    hands.socket_room = 100;
    hands.receive(&peer::deposit(1, 50_000));
    let conn = hands.conn(OUT);
    hands.socket_room = usize::MAX;
    hands.closed(conn, CloseReason::Reset);
    hands.after_secs(1);
    let conn = hands.connects.pop().unwrap();
    hands.connected(conn);
    assert_eq!(hands.streams[&conn].len(), 304);
}

#[test]
fn a_restart_replies_to_what_it_finds_unreplied_and_knows_the_rest() {
    let mut hands = Hands::open();
    hands.receive(&peer::deposit(1, 50_000));
    hands.take_frame();
    let conn = hands.conn(OUT);
    hands.closed(conn, CloseReason::PeerClosed);
    hands.receive(&peer::deposit(2, 60_000));
    let mut next = hands.restart();
    assert_eq!(next.delivered.len(), 1, "the one that may not have been delivered");
    next.after_secs(21);
    next.connect_pair();
    let frames = next.take_frames(OUT);
    assert_eq!(frames.iter().map(|frame| peer::at(frame, peer::TELEGRAM_NO)).collect::<Vec<_>>(), ["000002"]);
    next.receive(&peer::deposit(1, 50_000));
    assert_eq!(next.delivered.len(), 1, "the first is known");
    assert_eq!(next.take_frames(OUT).len(), 1, "and gets its reply again");
}
