use std::time::Duration;

use pabal_clock::Wall;
use pabal_switch::{CloseReason, ExchangeState, Refusal};

use crate::hands::{Hands, OUT, settings};
use crate::peer;

/// Both places that one bank may take are taken.
fn full() -> (Hands, Vec<Vec<u8>>) {
    let mut hands = Hands::open();
    hands.transfer();
    hands.transfer();
    let frames = hands.take_frames(OUT);
    assert_eq!(frames.len(), 2);
    (hands, frames)
}

#[test]
fn beyond_the_window_a_request_waits_and_leaves_when_there_is_room() {
    let (mut hands, frames) = full();
    let third = hands.transfer();
    assert_eq!(hands.core.exchange(third).unwrap().state, ExchangeState::Waiting);
    assert_eq!((hands.core.status().waiting, hands.core.status().in_flight), (1, 2));
    assert_eq!(hands.kinds().last(), Some(&"accepted"));
    hands.after_secs(3);
    hands.receive(&peer::answer(&frames[0], "0000"));
    let frame = hands.take_frame();
    assert_eq!(peer::at(&frame, peer::SEND_TIME), "100003", "stamped when it leaves, not when it came");
    hands.receive(&peer::answer(&frame, "0000"));
    assert_eq!(hands.told(third), ["SUCCESS ANSWERED"]);
}

#[test]
fn a_request_that_waits_keeps_its_telegram_in_its_first_entry() {
    let (mut hands, _) = full();
    hands.transfer();
    let Some(pabal_switch::Entry::Accepted(entry)) = hands.entries().pop() else { panic!("accepted") };
    let frame = entry.telegram.expect("no `sending` follows that would have it");
    assert_eq!(peer::at(&frame.bytes, peer::DEBIT_ACCOUNT), "110111222333   ");
    assert_eq!(peer::at(&frame.bytes, peer::PASSBOOK_PIN), "********");
}

#[test]
fn a_request_that_is_not_answered_in_time_makes_room() {
    let (mut hands, _) = full();
    let third = hands.transfer();
    hands.after_secs(30);
    assert_eq!(hands.core.exchange(third).unwrap().state, ExchangeState::Sent);
}

#[test]
fn waiting_ends_with_the_callers_deadline_and_nothing_leaves() {
    let (mut hands, frames) = full();
    let before = hands.bytes_out(OUT);
    let mut open = hands.request(peer::transfer("088", "1", 5));
    open.deadline = hands.now.mono + Duration::from_secs(2);
    let id = hands.call(open);
    hands.after_secs(2);
    assert_eq!(hands.told(id), ["error DEADLINE_PASSED"]);
    hands.receive(&peer::answer(&frames[0], "0000"));
    assert_eq!(hands.bytes_out(OUT), before);
}

#[test]
fn who_goes_away_while_waiting_sends_nothing() {
    let (mut hands, frames) = full();
    let id = hands.transfer();
    hands.core.abandon(id, hands.now);
    hands.turn();
    assert_eq!(hands.told(id), ["error ABANDONED"]);
    hands.receive(&peer::answer(&frames[0], "0000"));
    assert_eq!(hands.take_frames(OUT).len(), 0);
}

#[test]
fn who_goes_away_later_changes_nothing() {
    let mut hands = Hands::open();
    let id = hands.transfer();
    hands.core.abandon(id, hands.now);
    hands.turn();
    let frame = hands.take_frame();
    hands.receive(&peer::answer(&frame, "0000"));
    assert_eq!(hands.told(id), ["SUCCESS ANSWERED"]);
}

#[test]
fn the_queue_is_bounded_for_each_bank() {
    let (mut hands, _) = full();
    hands.transfer();
    hands.transfer();
    let one_more = hands.request(peer::transfer("088", "1", 5));
    assert_eq!(hands.try_open(one_more), Err(Refusal::QueueFull));
    let other = hands.request(peer::transfer("004", "1", 5));
    hands.call(other);
}

#[test]
fn banks_take_turns() {
    let (mut hands, mut frames) = full();
    let other = hands.request(peer::transfer("004", "1", 5));
    hands.call(other.clone());
    frames.insert(1, hands.take_frame());
    // Now three of four places are taken, and the last is left to whoever has none.
    hands.transfer();
    hands.transfer();
    hands.call(other);
    assert_eq!(hands.take_frames(OUT).len(), 0);
    let mut banks = Vec::new();
    for frame in frames {
        hands.receive(&peer::answer(&frame, "0000"));
        banks.push(peer::at(&hands.take_frame(), peer::BANK_CODE).to_owned());
    }
    // With as much in flight, who had a place goes behind who waits for one.
    assert_eq!(banks, ["004", "088", "088"]);
}

#[test]
fn a_request_of_yesterday_is_not_sent_today() {
    let mut hands = Hands::open();
    // 2026-11-21T23:59:50+09:00.
    hands.now.wall = Wall::from_unix_seconds(1_795_273_190);
    hands.transfer();
    hands.transfer();
    let id = hands.transfer();
    let before = hands.bytes_out(OUT);
    hands.opens = false;
    hands.after_secs(10);
    assert_eq!(hands.told(id), ["error DATE_CHANGED"]);
    assert_eq!(hands.bytes_out(OUT), before + 304, "the opening of 088 waits for room like all else of 088");
}

#[test]
fn what_waits_survives_a_lost_session() {
    let (mut hands, _) = full();
    let third = hands.transfer();
    let conn = hands.conn(OUT);
    hands.closed(conn, CloseReason::PeerClosed);
    assert_eq!(hands.told(third), [""; 0]);
    hands.after_secs(1);
    let again = hands.connects.pop().unwrap();
    hands.connected(again);
    assert_eq!(hands.core.exchange(third).unwrap().state, ExchangeState::Sent);
}

#[test]
fn numbers_end_and_are_never_used_twice() {
    let mut settings = settings();
    settings.lines[0].window = 10;
    let mut hands = Hands::open_with(settings);
    // The journal of an earlier process has reserved all but two of bank 088.
    let protocol = "firmbanking".into();
    let scope = pabal_switch::Bytes::from(&b"20261121088COMPANY1    "[..]);
    let date = pabal_clock::BusinessDate::from_date(pabal_clock::Date::new(2_026, 11, 21).unwrap());
    let block = pabal_switch::entry::NumberBlock { protocol, scope, date, until: 949_999 };
    let body = pabal_switch::Entry::NumberBlock(block).encode(&|_| [0; 32]);
    hands.journal.push(("number_block".into(), body));
    let mut hands = hands.restart();
    // The peer may still count the connection of the process before; then comes the usual wait.
    hands.after_secs(20 + 1);
    hands.connect_pair();
    let numbers: Vec<String> = (0..2)
        .map(|_| {
            hands.transfer();
            peer::at(&hands.take_frame(), peer::TELEGRAM_NO).to_owned()
        })
        .collect();
    assert_eq!(numbers, ["949999", "950000"]);
    assert!(hands.events.contains(&pabal_switch::Event::NumbersLow { left: 1 }));
    let id = hands.transfer();
    assert_eq!(hands.told(id), ["error NUMBERS_EXHAUSTED"]);
    assert_eq!(hands.take_frames(OUT).len(), 0);
}
