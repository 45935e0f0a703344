use std::time::Duration;

use pabal_clock::Wall;
use pabal_switch::{Cause, Conn, Entry, Event, ExchangeId, ExchangeState, Opened, Outcome, Recovery, Refusal, Report};

use crate::hands::{Hands, OUT, said, settings};
use crate::peer;

/// A transfer of bank 004 that was not answered.
fn unknown() -> (Hands, ExchangeId, Vec<u8>) {
    let mut hands = Hands::open();
    let open = hands.request(peer::transfer("004", "110111222333", 10_000));
    let id = hands.call(open);
    let frame = hands.take_frame();
    hands.after_secs(30);
    assert_eq!(hands.told(id), ["UNKNOWN NO_ANSWER"]);
    (hands, id, frame)
}

#[test]
fn an_inquiry_asks_about_the_number_and_settles_what_it_confirms() {
    let (mut hands, id, transfer) = unknown();
    let inquiry = hands.inquire(id).unwrap();
    assert_eq!(hands.core.exchange(id).unwrap().state, ExchangeState::Inquiring);
    let frame = hands.take_frame();
    assert_eq!(peer::at(&frame, (0, 24)), "PABAL    COMPANY1    004");
    assert_eq!(peer::at(&frame, peer::MESSAGE_TYPE), "7000");
    assert_eq!(peer::at(&frame, (100, 106)), peer::at(&transfer, peer::TELEGRAM_NO));
    assert_ne!(peer::at(&frame, peer::TELEGRAM_NO), peer::at(&transfer, peer::TELEGRAM_NO));
    let answer = peer::result(&frame, &transfer, "0000", "0000", "0000000010000");
    hands.receive(&answer);
    assert_eq!(hands.told(inquiry), ["SUCCESS ANSWERED"], "the inquiry's own outcome");
    assert_eq!(hands.told(id), ["UNKNOWN NO_ANSWER", "SUCCESS INQUIRY"]);
    assert_eq!(hands.core.exchange(id).unwrap().state, ExchangeState::Settled);
    let columns = hands.entries().iter().map(Entry::columns).find(|columns| columns.parent.is_some()).unwrap();
    assert_eq!(columns.parent.as_deref(), Some(id.to_string().as_str()));
}

#[test]
fn what_an_inquiry_was_answered_is_never_read_by_the_layout_of_the_original() {
    let mut hands = Hands::open();
    let mut open = hands.request(peer::transfer("004", "110111222333", 10_000));
    open.idempotency_key = Some("order-1".into());
    let id = hands.call(open.clone());
    let transfer = hands.take_frame();
    // Its own answer has a code that no table lists.
    hands.receive(&peer::answer(&transfer, "ZZZZ"));
    let inquiry = hands.inquire(id).unwrap();
    let frame = hands.take_frame();
    hands.receive(&peer::result(&frame, &transfer, "0000", "0000", "0000000010000"));
    open.deadline = hands.now.mono + Duration::from_secs(60);
    assert_eq!(hands.try_open(open), Ok(Opened::Known(id)));
    assert_eq!(hands.told(id), ["UNKNOWN UNLISTED_CODE", "SUCCESS INQUIRY", "SUCCESS INQUIRY"]);
    for report in &hands.reports[&id][1..] {
        let Report::Outcome { answer, .. } = report else { panic!("{report:?}") };
        assert_eq!(*answer, None, "neither the inquiry's answer nor one that says something else");
    }
    // The inquiry's frame is kept once, where its layout is known.
    let answers: Vec<_> = hands
        .entries()
        .into_iter()
        .filter_map(|entry| match entry {
            Entry::Outcome(one) if one.exchange == id || one.exchange == inquiry => {
                Some((one.exchange, one.outcome, one.answer.is_some()))
            }
            _ => None,
        })
        .collect();
    let answered = Outcome::Success { cause: Cause::Answered };
    assert!(answers.contains(&(inquiry, answered, true)), "{answers:?}");
    assert!(answers.contains(&(id, Outcome::Success { cause: Cause::Inquiry }, false)), "{answers:?}");
}

#[test]
fn a_plain_refusal_settles_as_failure() {
    let (mut hands, id, transfer) = unknown();
    hands.inquire(id).unwrap();
    let frame = hands.take_frame();
    hands.receive(&peer::result(&frame, &transfer, "0000", "0116", "0000000000000"));
    assert_eq!(hands.told(id), ["UNKNOWN NO_ANSWER", "FAILURE INQUIRY"]);
}

#[test]
fn what_does_not_say_it_plainly_settles_nothing() {
    let check = |code: &str, proc_result: &str, ok_amount: &str| {
        let (mut hands, id, transfer) = unknown();
        hands.inquire(id).unwrap();
        let frame = hands.take_frame();
        hands.receive(&peer::result(&frame, &transfer, code, proc_result, ok_amount));
        assert_eq!(hands.told(id), ["UNKNOWN NO_ANSWER"], "{code} {proc_result} {ok_amount}");
        assert_eq!(hands.core.exchange(id).unwrap().state, ExchangeState::Unknown);
    };
    // Nothing is known of it: no proof. A part of it was paid. The header's code says nothing.
    check("0000", "NREC", "0000000000000");
    check("0000", "0000", "0000000005000");
    // It is called refused, and yet a part of it was paid, or all.
    check("0000", "0116", "0000000005000");
    check("0000", "0116", "0000000010000");
    check("ZZZZ", "0000", "0000000010000");
}

#[test]
fn an_answer_about_another_transfer_settles_nothing() {
    let (mut hands, id, mut transfer) = unknown();
    hands.inquire(id).unwrap();
    let frame = hands.take_frame();
    peer::put(&mut transfer, peer::DEBIT_ACCOUNT, "999999999999   ");
    hands.receive(&peer::result(&frame, &transfer, "0000", "0000", "0000000010000"));
    assert_eq!(hands.told(id), ["UNKNOWN NO_ANSWER"]);
    assert_eq!(hands.core.exchange(id).unwrap().state, ExchangeState::Unknown);
}

#[test]
fn the_same_account_number_at_another_bank_settles_nothing() {
    for (code, proc_result, ok_amount) in [("0000", "0000", "0000000010000"), ("0000", "0116", "0000000000000")] {
        let (mut hands, id, transfer) = unknown();
        hands.inquire(id).unwrap();
        let frame = hands.take_frame();
        let mut other = transfer.clone();
        assert_ne!(peer::at(&other, peer::CREDIT_BANK_CODE), "011");
        peer::put(&mut other, peer::CREDIT_BANK_CODE, "011");
        hands.receive(&peer::result(&frame, &other, code, proc_result, ok_amount));
        assert_eq!(hands.told(id), ["UNKNOWN NO_ANSWER"], "{proc_result}");
        assert_eq!(hands.core.exchange(id).unwrap().state, ExchangeState::Unknown);
    }
}

#[test]
fn only_an_unknown_can_be_asked_about() {
    let (mut hands, id, transfer) = unknown();
    assert_eq!(hands.inquire(ExchangeId(1)), Err(Refusal::NotInquirable));
    let inquiry = hands.inquire(id).unwrap();
    assert_eq!(hands.inquire(id), Err(Refusal::NotInquirable), "it is being asked about");
    assert_eq!(hands.inquire(inquiry), Err(Refusal::NotInquirable), "nothing settles an inquiry");
    hands.receive(&peer::answer(&transfer, "0000"));
    assert_eq!(hands.told(id), ["UNKNOWN NO_ANSWER", "SUCCESS LATE"]);
    assert_eq!(hands.inquire(id), Err(Refusal::NotInquirable), "it is settled");
}

/// A line of two sessions, of which the first takes no bytes; a transfer that stands in its queue, UNKNOWN.
fn unknown_before_it_left() -> (Hands, ExchangeId, Conn) {
    let mut settings = settings();
    settings.lines[0].sessions_max = 2;
    let mut hands = Hands::cold(settings, Recovery::new(), Hands::begin());
    for conn in std::mem::take(&mut hands.connects) {
        hands.connected(conn);
    }
    let slow = hands.open_conns[0];
    hands.accept();
    hands.open_conns.retain(|conn| *conn != slow);
    let open = hands.request(peer::transfer("004", "110111222333", 10_000));
    let id = hands.call(open);
    hands.after_secs(30);
    assert_eq!(hands.told(id), ["UNKNOWN NO_ANSWER"]);
    assert_eq!(hands.take_frames(OUT).len(), 0);
    assert_eq!(hands.core.poll_write(slow).len(), 304);
    // A second one takes the room of the first session, so that what comes next goes by the other.
    hands.transfer();
    (hands, id, slow)
}

#[test]
fn nobody_asks_about_a_request_whose_bytes_have_not_left() {
    let (mut hands, id, slow) = unknown_before_it_left();
    assert_eq!(hands.inquire(id), Err(Refusal::NotInquirable));
    assert_eq!(hands.core.exchange(id).unwrap().state, ExchangeState::Unknown);
    hands.open_conns.push(slow);
    hands.turn();
    let transfer = hands.take_frames(OUT).remove(0);
    hands.inquire(id).unwrap();
    let frame = hands.take_frame();
    hands.receive(&peer::result(&frame, &transfer, "0000", "0000", "0000000010000"));
    assert_eq!(hands.told(id), ["UNKNOWN NO_ANSWER", "SUCCESS INQUIRY"]);
}

#[test]
fn the_late_answer_and_the_inquiry_may_race() {
    let (mut hands, id, transfer) = unknown();
    let inquiry = hands.inquire(id).unwrap();
    let frame = hands.take_frame();
    hands.receive(&peer::answer(&transfer, "0000"));
    hands.receive(&peer::result(&frame, &transfer, "0000", "0116", "0000000000000"));
    assert_eq!(hands.told(inquiry), ["SUCCESS ANSWERED"]);
    assert_eq!(hands.told(id), ["UNKNOWN NO_ANSWER", "SUCCESS LATE"], "what was said stays");
    let entries = hands.entries();
    let Some(Entry::Contradiction(entry)) = entries.last() else { panic!("{:?}", hands.kinds()) };
    assert_eq!(
        (entry.exchange, said(&entry.said), said(&entry.answered)),
        (id, "SUCCESS LATE".into(), "FAILURE INQUIRY".into())
    );
    assert!(entry.telegram.bytes.is_empty(), "it is of the inquiry's layout");
    assert!(hands.events.contains(&Event::Contradiction { exchange: id }));
}

#[test]
fn the_schedule_of_the_spec_asks_by_itself_until_its_time_is_over() {
    let (mut hands, id, transfer) = unknown();
    hands.after_secs(299);
    assert_eq!(hands.take_frames(OUT).iter().filter(|frame| frame.len() == 300).count(), 0);
    hands.after_secs(1);
    let asked = |hands: &mut Hands| {
        let mut frames = hands.take_frames(OUT);
        frames.retain(|frame| frame.len() == 300);
        frames
    };
    let first = asked(&mut hands);
    assert_eq!(first.iter().map(|frame| peer::at(frame, peer::MESSAGE_TYPE)).collect::<Vec<_>>(), ["7000"]);
    hands.receive(&peer::result(&first[0], &transfer, "0000", "NREC", "0000000000000"));
    hands.after_secs(290);
    assert_eq!(asked(&mut hands).len(), 0);
    // 2026-11-21T23:26:00+09:00: the spec asks until 23:25.
    hands.now.wall = Wall::from_unix_seconds(1_795_271_160);
    hands.after_secs(10);
    assert_eq!(asked(&mut hands).len(), 0);
    assert_eq!(hands.core.exchange(id).unwrap().state, ExchangeState::Listed);
    assert!(hands.kinds().contains(&"listed"));
    // A person may still ask.
    hands.inquire(id).unwrap();
    let frame = asked(&mut hands).remove(0);
    hands.receive(&peer::result(&frame, &transfer, "0000", "0000", "0000000010000"));
    assert_eq!(hands.told(id).last().map(String::as_str), Some("SUCCESS INQUIRY"));
}

#[test]
fn an_inquiry_that_is_not_answered_is_followed_by_another() {
    let (mut hands, id, _) = unknown();
    let inquiry = hands.inquire(id).unwrap();
    hands.take_frame();
    hands.after_secs(30);
    assert_eq!(hands.told(inquiry), ["UNKNOWN NO_ANSWER"]);
    assert_eq!(hands.core.exchange(id).unwrap().state, ExchangeState::Unknown);
    hands.after_secs(299);
    assert_eq!(hands.core.exchange(id).unwrap().state, ExchangeState::Unknown);
    hands.after_secs(1);
    assert_eq!(hands.core.exchange(id).unwrap().state, ExchangeState::Inquiring);
}

#[test]
fn nobody_asks_about_yesterday() {
    let (mut hands, id, _) = unknown();
    // 2026-11-22T00:00:01+09:00: today's request with the same number is another one.
    hands.now.wall = Wall::from_unix_seconds(1_795_273_201);
    assert_eq!(hands.inquire(id), Err(Refusal::NotInquirable));
    assert_eq!(hands.core.exchange(id).unwrap().state, ExchangeState::Unknown);
}

#[test]
fn an_inquiry_needs_a_session_like_any_request() {
    let (mut hands, id, _) = unknown();
    let conn = hands.conn(OUT);
    hands.closed(conn, pabal_switch::CloseReason::PeerClosed);
    assert_eq!(hands.inquire(id), Err(Refusal::SendDown));
    assert_eq!(hands.core.exchange(id).unwrap().state, ExchangeState::Unknown);
}

#[test]
fn an_inquiry_that_waits_to_leave_is_a_next_step() {
    let (mut hands, id, _) = unknown();
    hands.after_secs(299);
    // All the places that the bank may have.
    for _ in 0..2 {
        let open = hands.request(peer::transfer("004", "110111222333", 10_000));
        hands.call(open);
    }
    hands.after_secs(1);
    assert_eq!(hands.core.status().waiting, 1);
    let one = hands.core.unresolved(None, 1).pop().expect("it is unresolved");
    let next = one.next.map(|(at, what)| (at, String::from(what)));
    assert_eq!((one.exchange, one.listed), (id, false));
    assert_eq!(next, Some((None, "an inquiry is on its way: it waits for its turn to leave".into())));
}

#[test]
fn who_is_unresolved_is_told_with_its_next_step() {
    let (mut hands, id, _) = unknown();
    let one = |hands: &Hands| hands.core.unresolved(None, 10).pop().expect("it is unresolved");
    let (at, what) = one(&hands).next.expect("the schedule asks");
    assert_eq!(
        (at, &*what),
        (Some(hands.now.mono + Duration::from_secs(300)), "it is asked about by the spec's schedule")
    );
    assert_eq!((one(&hands).exchange, one(&hands).cause, one(&hands).listed), (id, Cause::NoAnswer, false));
    hands.after_secs(300);
    let (at, what) = one(&hands).next.expect("the inquiry has its time");
    assert_eq!((at, &*what), (Some(hands.now.mono + Duration::from_secs(30)), "the answer to an inquiry is awaited"));
    // Behind it there is none.
    assert_eq!(hands.core.unresolved(Some(id), 10), []);
    assert_eq!(hands.core.unresolved(None, 0), []);
    hands.now.wall = Wall::from_unix_seconds(1_795_271_100);
    hands.after_secs(30);
    assert_eq!((one(&hands).next, one(&hands).listed), (None, true), "23:25 has come");
}

#[test]
fn what_would_be_asked_about_too_late_is_listed_at_once() {
    // UNKNOWN at 23:20:00 is asked about at 23:25:00 and then listed; a second later it is too late.
    for (second, is_asked) in [(0, true), (1, false)] {
        let mut hands = Hands::open();
        hands.now.wall = Wall::from_unix_seconds(1_795_273_200 - 40 * 60 - 30 + second);
        let open = hands.request(peer::transfer("004", "110111222333", 10_000));
        let id = hands.call(open);
        hands.take_frame();
        hands.after_secs(30);
        let state = hands.core.exchange(id).unwrap().state;
        assert_eq!(state, if is_asked { ExchangeState::Unknown } else { ExchangeState::Listed });
        hands.after_secs(300);
        let asked = hands.take_frames(OUT).iter().filter(|frame| peer::at(frame, (24, 28)) == "7000").count();
        assert_eq!(asked, usize::from(is_asked));
        hands.after_secs(30);
        assert_eq!(hands.core.exchange(id).unwrap().state, ExchangeState::Listed);
        assert_eq!(hands.kinds().iter().filter(|kind| **kind == "listed").count(), 1);
    }
}

#[test]
fn an_inquiry_that_waits_at_midnight_is_not_sent_and_the_exchange_is_listed() {
    let mut hands = Hands::open();
    // 23:59:00; a person asks while the bank's half of the window is full.
    hands.now.wall = Wall::from_unix_seconds(1_795_273_140);
    let open = hands.request(peer::transfer("004", "110111222333", 10_000));
    let id = hands.call(open.clone());
    hands.take_frame();
    hands.after_secs(31);
    assert_eq!(hands.core.exchange(id).unwrap().state, ExchangeState::Listed);
    for _ in 0..2 {
        let mut open = open.clone();
        open.deadline = hands.now.mono + Duration::from_secs(60);
        hands.call(open);
    }
    let inquiry = hands.inquire(id).unwrap();
    hands.after_secs(29);
    assert_eq!(hands.told(inquiry), ["error DATE_CHANGED"]);
    assert_eq!(hands.core.exchange(id).unwrap().state, ExchangeState::Listed);
    assert_eq!(hands.inquire(id), Err(Refusal::NotInquirable), "today's numbers are others");
}

#[test]
fn every_entry_of_an_exchange_carries_its_trace() {
    let (mut hands, id, transfer) = unknown();
    hands.after_secs(300);
    let frame = hands.take_frames(OUT).into_iter().rfind(|frame| frame.len() == 300).unwrap();
    // No record; then its own answer, late; then again, and then one that contradicts.
    hands.receive(&peer::result(&frame, &transfer, "0000", "NREC", "0000000000000"));
    for code in ["0000", "0000", "0116"] {
        hands.receive(&peer::answer(&transfer, code));
    }
    let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let about_it: Vec<_> = hands
        .entries()
        .iter()
        .map(|entry| (entry.kind(), entry.columns()))
        .filter(|(_, columns)| {
            let is = |column: &Option<Box<str>>| column.as_deref() == Some(id.to_string().as_str());
            is(&columns.exchange) || is(&columns.parent)
        })
        .collect();
    let kinds: Vec<_> = about_it.iter().map(|(kind, _)| *kind).collect();
    for kind in ["accepted", "sending", "outcome", "repeated", "contradiction"] {
        assert!(kinds.contains(&kind), "{kinds:?}");
    }
    // Read again from the journal, only the first entry has it: the others are found by their columns, as they were written.
    let traced = hands.traces_of(id);
    assert!(traced.iter().all(|known| known.as_deref() == Some(trace)), "{traced:?}");
    assert!(traced.len() >= kinds.len());
}
