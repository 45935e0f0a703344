use std::time::Duration;

use pabal_clock::Wall;
use pabal_switch::{CloseReason, OpeningState, Recovery, Refusal, TimerName};

use crate::hands::{Hands, OUT, settings, version};
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

/// As the shipped spec has it; the other scenarios open when the date changes.
const FROM: (&str, &str) =
    ("per company_no bank_code { exchange open", "per company_no bank_code from 00:05 { exchange open");

/// The shipped spec, where business opens at 00:05; thirty-six banks.
fn from_five_past() -> (std::sync::Arc<pabal_spec::Institution>, pabal_switch::Settings) {
    let mut settings = settings();
    settings.lines[0].window = 100;
    settings.limits.events_max = 1_000;
    settings.parties[0].participants = (1..=36).map(|at| format!("{at:03}").as_bytes().into()).collect();
    (version(&[FROM], &[]), settings)
}

/// So many seconds from 2026-11-22T00:00:00+09:00.
fn wall(seconds: i64) -> Wall {
    Wall::from_unix_seconds(1_795_273_200 + seconds)
}

fn count(hands: &Hands, state: OpeningState) -> usize {
    states(hands).into_iter().filter(|known| *known == state).count()
}

#[test]
fn nothing_is_opened_before_its_time_and_all_is_at_it() {
    let (spec, settings) = from_five_past();
    let now = pabal_clock::Now { wall: wall(-10), ..Hands::begin() };
    let mut hands = Hands::cold_with(vec![spec], settings, Recovery::new(), now);
    hands.swaps = false;
    hands.connect_pair();
    assert_eq!(hands.take_frames(OUT).len(), 0, "the peer has answered them all");
    hands.opens = false;
    hands.after_secs(10);
    assert_eq!(count(&hands, OpeningState::Closed), 36);
    let due = hands.core.status().openings[0].next_try.unwrap();
    assert_eq!(due, hands.now.mono + Duration::from_secs(300));
    // A restart at 00:01 is no reason, and neither are sessions that come up.
    hands.after_secs(60);
    let mut hands = hands.restart();
    hands.swaps = false;
    hands.opens = false;
    hands.after_secs(21);
    let out = hands.connects.pop().unwrap();
    hands.connected(out);
    hands.accept();
    hands.after_secs(218);
    assert_eq!((hands.take_frames(OUT).len(), hands.now.wall), (0, wall(299)));
    hands.after(Duration::from_micros(999_999));
    assert_eq!(hands.take_frames(OUT).len(), 0);
    hands.after(Duration::from_micros(1));
    let frames = hands.take_frames(OUT);
    assert_eq!(frames.len(), 36, "at 00:05:00.000000");
    assert!(frames.iter().all(|frame| peer::at(frame, peer::SEND_TIME) == "000500"));
}

#[test]
fn a_wall_clock_that_is_set_moves_the_time_of_opening() {
    let (spec, settings) = from_five_past();
    let now = pabal_clock::Now { wall: wall(60), ..Hands::begin() };
    let mut hands = Hands::cold_with(vec![spec], settings, Recovery::new(), now);
    hands.swaps = false;
    let out = hands.connects.pop().unwrap();
    hands.connected(out);
    hands.accept();
    // Back by half a minute: the timer that was set ends too early.
    hands.now.wall = wall(30);
    hands.core.handle_timeout(hands.now);
    hands.after_secs(269);
    assert_eq!(count(&hands, OpeningState::Open), 0);
    // Forward: the next call sees it.
    hands.now.wall = wall(400);
    hands.core.handle_timeout(hands.now);
    hands.turn();
    assert_eq!(count(&hands, OpeningState::Open), 36);
    // What is open stays so, whatever the clock says on the same date.
    hands.now.wall = wall(100);
    hands.core.handle_timeout(hands.now);
    hands.turn();
    assert_eq!(count(&hands, OpeningState::Open), 36);
}

#[test]
fn each_bank_has_its_own_pace_and_the_core_its_own_trace_for_each() {
    let (spec, settings) = from_five_past();
    let mut hands = Hands::cold_with(vec![spec], settings, Recovery::new(), Hands::begin());
    hands.swaps = false;
    hands.opens = false;
    let out = hands.connects.pop().unwrap();
    hands.connected(out);
    hands.accept();
    let frames = hands.take_frames(OUT);
    let traces: std::collections::BTreeSet<_> = hands
        .entries()
        .iter()
        .filter(|entry| matches!(entry, pabal_switch::Entry::Accepted(_)))
        .map(|entry| entry.columns().trace_context.expect("it has a trace")[3..35].to_owned())
        .collect();
    assert_eq!((frames.len(), traces.len()), (36, 36), "no two share one");
    // 001 is silent, 002 refuses, 003 had it before, all others open.
    for frame in &frames[1..] {
        let code = match peer::at(frame, peer::BANK_CODE) {
            "002" => "ZZZZ",
            "003" => "SB01",
            _ => "0000",
        };
        hands.receive(&peer::answer(frame, code));
    }
    assert_eq!((count(&hands, OpeningState::Open), count(&hands, OpeningState::Opening)), (34, 1));
    let banks = |frames: Vec<Vec<u8>>| -> Vec<String> {
        frames.iter().map(|frame| peer::at(frame, peer::BANK_CODE).to_owned()).collect()
    };
    // A session that comes back asks nobody before its time.
    hands.after_secs(10);
    let conn = hands.conn(OUT);
    hands.closed(conn, CloseReason::PeerClosed);
    hands.after_secs(1);
    let out = hands.connects.pop().unwrap();
    hands.connected(out);
    hands.after_secs(48);
    assert_eq!(banks(hands.take_frames(OUT)), [""; 0]);
    hands.after_secs(1);
    assert_eq!(banks(hands.take_frames(OUT)), ["002"], "a minute after it refused");
    hands.after_secs(30);
    assert_eq!(banks(hands.take_frames(OUT)), ["001"], "a minute after it had not answered");
    let open = hands.request(peer::transfer("036", "1", 5));
    hands.call(open);
}

#[test]
fn no_restart_no_reload_and_no_stop_opens_or_closes_anything() {
    let (spec, settings) = from_five_past();
    let mut hands = Hands::cold_with(vec![spec], settings, Recovery::new(), Hands::begin());
    hands.swaps = false;
    hands.connect_pair();
    let mut hands = hands.restart();
    hands.swaps = false;
    hands.opens = false;
    assert_eq!(count(&hands, OpeningState::Open), 36);
    hands.after_secs(21);
    let out = hands.connects.pop().unwrap();
    hands.connected(out);
    hands.accept();
    hands.reload(version(&[FROM, ("// 2000 is answered by 2100", "// 2000 gets 2100")], &[]));
    hands.core.drain(hands.now.mono + Duration::from_secs(5), hands.now);
    hands.turn();
    assert_eq!(hands.take_frames(OUT).len(), 0);
    assert_eq!(count(&hands, OpeningState::Open), 36);
}

/// Nobody answers an opening for so long.
fn unanswered_for(minutes: u64) -> Hands {
    let mut settings = settings();
    settings.limits.unknown_max = 1;
    let mut hands = Hands::open_with(settings);
    hands.opens = false;
    let open = hands.request(peer::transfer("004", "1", 5));
    hands.call(open);
    let frame = hands.take_frame();
    hands.transfer();
    hands.take_frame();
    hands.receive(&peer::answer(&frame, "0102"));
    hands.after_secs(minutes * 60);
    assert_eq!(states(&hands)[1], OpeningState::Closed);
    hands
}

#[test]
fn tries_that_nobody_answers_are_on_no_list_and_push_no_money_off_it() {
    let mut hands = unanswered_for(10);
    let tries =
        hands.take_frames(OUT).into_iter().filter(|frame| peer::at(frame, peer::MESSAGE_TYPE) == "1000").count();
    assert!(tries > 5, "{tries}");
    let rules =
        |hands: &Hands| -> Vec<_> { hands.core.unresolved(None, 100).into_iter().map(|one| one.rule).collect() };
    assert_eq!((rules(&hands), hands.core.status().unknown), (vec!["transfer".into()], 1));
    assert!(!hands.kinds().contains(&"listed"));
    let opening = hands.core.status().openings.remove(1);
    assert_eq!(
        opening.reason.as_deref(),
        Some("No answer came within the institution's time."),
        "the opening says how it stands"
    );
    assert!(opening.next_try.is_some());
    let next = hands.restart();
    assert_eq!((rules(&next), next.kinds().contains(&"listed")), (vec!["transfer".into()], false));
}

#[test]
fn a_try_that_waits_does_not_leave_if_an_earlier_one_has_opened() {
    let mut settings = settings();
    settings.lines[0].window = 1;
    let mut hands = Hands::open_with(settings);
    hands.opens = false;
    let open = hands.request(peer::transfer("004", "1", 5));
    hands.call(open);
    let frame = hands.take_frame();
    hands.receive(&peer::answer(&frame, "0102"));
    let first = hands.take_frame();
    hands.after_secs(89);
    // Bank 088 has the only place when bank 004 is tried again.
    hands.transfer();
    let transfer = hands.take_frame();
    hands.after_secs(2);
    assert_eq!((states(&hands)[1], hands.core.status().waiting), (OpeningState::Opening, 1));
    hands.receive(&peer::answer(&first, "0000"));
    assert_eq!((states(&hands)[1], hands.core.status().waiting), (OpeningState::Open, 0));
    hands.receive(&peer::answer(&transfer, "0000"));
    assert_eq!(hands.take_frames(OUT).len(), 0, "it is open");
    assert_eq!(states(&hands)[1], OpeningState::Open);
}
