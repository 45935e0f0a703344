use std::time::Duration;

use pabal_clock::Wall;
use pabal_switch::{CloseReason, OpeningState, Recovery, Refusal, TimerName};

use crate::hands::{Hands, OUT, settings};
use crate::peer;

fn states(hands: &Hands) -> Vec<OpeningState> {
    hands.core.status().openings.iter().map(|opening| opening.state).collect()
}

/// The pair is up, and nobody has answered the openings.
fn unopened() -> (Hands, Vec<Vec<u8>>) {
    let mut hands = Hands::fresh();
    hands.opens = false;
    let out = hands.connects.pop().unwrap();
    hands.connected(out);
    assert_eq!(hands.take_frames(OUT).len(), 0, "there is no session for the answer yet");
    hands.accept();
    let frames = hands.take_frames(OUT);
    (hands, frames)
}

#[test]
fn each_bank_is_opened_once_the_pair_is_up() {
    let (mut hands, frames) = unopened();
    let banks: Vec<_> = frames.iter().map(|frame| peer::at(frame, peer::BANK_CODE)).collect();
    assert_eq!(banks, ["088", "004"]);
    assert_eq!(peer::at(&frames[0], (0, 24)), "PABAL    COMPANY1    088");
    assert_eq!(peer::at(&frames[0], peer::MESSAGE_TYPE), "1000");
    assert_eq!(peer::at(&frames[0], (31, 32)), "1");
    assert_eq!(peer::at(&frames[0], peer::TELEGRAM_NO), "000001");
    assert_eq!(peer::at(&frames[0], peer::RESPONSE_CODE), "    ");
    assert_eq!(states(&hands), [OpeningState::Opening; 2]);
    hands.receive(&peer::answer(&frames[1], "0000"));
    assert_eq!(states(&hands), [OpeningState::Opening, OpeningState::Open]);
}

#[test]
fn business_needs_its_own_opening_and_no_other() {
    let (mut hands, frames) = unopened();
    hands.receive(&peer::answer(&frames[1], "0000"));
    let open = hands.request(peer::transfer("088", "1", 5));
    assert_eq!(hands.try_open(open), Err(Refusal::NotOpen));
    let open = hands.request(peer::transfer("004", "1", 5));
    hands.call(open);
    let mut open = hands.request(peer::transfer("011", "1", 5));
    assert_eq!(hands.try_open(open.clone()), Err(Refusal::UnknownParty), "a bank that no party has");
    open.party = Some("main".into());
    assert_eq!(hands.try_open(open), Err(Refusal::NotOpen), "a bank that the configuration does not open");
}

#[test]
fn a_refused_opening_is_tried_again_and_says_why() {
    let (mut hands, frames) = unopened();
    // 0103 is "unavailable" to bank 004: business is over.
    hands.receive(&peer::answer(&frames[1], "0103"));
    assert_eq!(states(&hands)[1], OpeningState::Closed);
    assert_eq!(hands.core.status().openings[1].reason.as_deref(), Some("0103 이체 업무 마감"));
    hands.after_secs(59);
    assert_eq!(hands.take_frames(OUT).len(), 0);
    hands.after_secs(1);
    let again = hands.take_frames(OUT);
    let of_004 = again.iter().find(|frame| peer::at(frame, peer::BANK_CODE) == "004").expect("it is tried again");
    hands.receive(&peer::answer(of_004, "0000"));
    assert_eq!(states(&hands)[1], OpeningState::Open);
    assert_eq!(hands.core.status().openings[1].reason, None);
}

#[test]
fn an_opening_that_is_not_answered_is_tried_again_and_a_late_answer_counts() {
    let (mut hands, frames) = unopened();
    hands.after_secs(30);
    assert_eq!(states(&hands), [OpeningState::Closed; 2]);
    hands.receive(&peer::answer(&frames[0], "0000"));
    assert_eq!(states(&hands), [OpeningState::Open, OpeningState::Closed]);
    hands.after_secs(60);
    let again = hands.take_frames(OUT);
    assert_eq!(again.iter().map(|frame| peer::at(frame, peer::BANK_CODE)).collect::<Vec<_>>(), ["004"]);
    hands.receive(&peer::answer(&again[0], "SB01"));
    assert_eq!(states(&hands), [OpeningState::Open; 2], "they had it before: it is open");
}

#[test]
fn an_opening_survives_its_sessions() {
    let mut hands = Hands::open();
    let conn = hands.conn(OUT);
    hands.closed(conn, CloseReason::PeerClosed);
    assert_eq!(states(&hands), [OpeningState::Open; 2]);
    hands.after_secs(1);
    let again = hands.connects.pop().unwrap();
    hands.connected(again);
    assert_eq!(hands.take_frames(OUT).len(), 0, "nothing is opened again");
    hands.transfer();
}

#[test]
fn a_not_open_code_loses_the_opening_and_it_is_tried_at_once() {
    let mut hands = Hands::open();
    hands.opens = false;
    let open = hands.request(peer::transfer("004", "1", 5));
    let id = hands.call(open);
    let frame = hands.take_frame();
    // 0102 is "not open" to bank 004.
    hands.receive(&peer::answer(&frame, "0102"));
    assert_eq!(hands.told(id), ["FAILURE REFUSED"]);
    assert_eq!(states(&hands), [OpeningState::Open, OpeningState::Opening]);
    assert!(hands.kinds().contains(&"opening"));
    let opening = hands.take_frame();
    assert_eq!((peer::at(&opening, peer::MESSAGE_TYPE), peer::at(&opening, peer::BANK_CODE)), ("1000", "004"));
    let open = hands.request(peer::transfer("004", "1", 5));
    assert_eq!(hands.try_open(open), Err(Refusal::NotOpen));
    hands.receive(&peer::answer(&opening, "0000"));
    assert_eq!(states(&hands), [OpeningState::Open; 2]);
}

#[test]
fn a_new_date_closes_all_and_opens_again() {
    let mut hands = Hands::open();
    hands.opens = false;
    // 2026-11-21T23:59:58+09:00.
    hands.now.wall = Wall::from_unix_seconds(1_795_273_198);
    hands.core.handle_timeout(hands.now);
    hands.turn();
    assert_eq!(states(&hands), [OpeningState::Open; 2]);
    hands.after_secs(2);
    let frames = hands.take_frames(OUT);
    assert_eq!(frames.len(), 2);
    assert_eq!(peer::at(&frames[0], peer::SEND_DATE), "20261122");
    assert_eq!(peer::at(&frames[0], peer::TELEGRAM_NO), "000001", "numbers restart with the date");
    assert_eq!(hands.core.status().openings[0].key.date.date().yyyymmdd(), 20_261_122);
}

#[test]
fn the_date_changes_even_if_nothing_happens() {
    let mut settings = settings();
    settings.lines.remove(0);
    let mut hands = Hands::cold(settings, Recovery::new(), Hands::begin());
    let fourteen_hours = 14 * 3_600;
    let midnight = hands.now.mono + Duration::from_secs(fourteen_hours);
    assert_eq!(hands.core.poll_timeout(), Some((midnight, TimerName::DateChange)));
    // The wall clock is set forward by an hour: the next input sees it.
    hands.now.wall = Wall::from_unix_micros(hands.now.wall.as_unix_micros() + 3_600_000_000);
    hands.core.handle_timeout(hands.now);
    hands.turn();
    hands.after_secs(fourteen_hours - 3_600);
    assert_eq!(hands.core.status().openings[0].key.date.date().yyyymmdd(), 20_261_122);
}

#[test]
fn a_caller_may_open_by_hand() {
    let (mut hands, _) = unopened();
    let mut telegram = vec![b' '; 300];
    peer::put(&mut telegram, peer::BANK_CODE, "088");
    let mut open = hands.request(telegram);
    open.plan = hands.plan("open");
    let id = hands.call(open);
    let frame = hands.take_frames(OUT).pop().unwrap();
    hands.receive(&peer::answer(&frame, "0000"));
    assert_eq!(hands.told(id), ["SUCCESS ANSWERED"]);
    assert_eq!(states(&hands)[0], OpeningState::Open);
}
