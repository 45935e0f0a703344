use std::time::Duration;

use pabal_switch::{CloseReason, Delivery, NotFenced, Opened, Output, Refusal, Report};

use crate::hands::{Hands, OUT, settings};
use crate::peer;

#[test]
fn nothing_leaves_of_a_hundred_calls_while_the_disk_is_held() {
    let mut settings = settings();
    // Half of it for one of two banks.
    settings.lines[0].window = 200;
    let mut hands = Hands::open_with(settings);
    // An image of a hundred exchanges at each step is slow, and shows nothing that smaller ones do not.
    hands.swaps = false;
    let before = hands.bytes_out(OUT);
    hands.is_durable = false;
    let ids: Vec<_> = (0..100).map(|_| hands.transfer()).collect();
    hands.after_secs(1);
    assert_eq!(hands.bytes_out(OUT), before);
    hands.is_durable = true;
    hands.turn();
    assert_eq!(hands.bytes_out(OUT), before + 100 * 304);
    for frame in hands.take_frames(OUT) {
        hands.receive(&peer::answer(&frame, "0000"));
    }
    assert!(ids.iter().all(|id| hands.told(*id) == ["SUCCESS ANSWERED"]));
}

#[test]
fn batches_become_durable_in_their_order_and_free_only_their_own_bytes() {
    let mut hands = Hands::open();
    hands.is_durable = false;
    hands.transfer();
    hands.transfer();
    let before = hands.bytes_out(OUT);
    let first = hands.undurable[0].0;
    hands.core.handle_durable(first, hands.now);
    hands.turn();
    assert_eq!(hands.bytes_out(OUT), before + 304);
}

#[test]
fn a_failed_journal_stops_all_and_each_caller_hears_what_is_true() {
    let mut hands = Hands::open();
    let sent = hands.transfer();
    let unwritten = {
        hands.socket_room = 0;
        hands.transfer()
    };
    let waiting = hands.transfer();
    let before = hands.bytes_out(OUT);
    hands.socket_room = usize::MAX;
    hands.is_durable = false;
    hands.core.handle_journal_failed("fsync: input/output error", hands.now);
    hands.undurable.clear();
    hands.turn();
    assert_eq!(hands.told(sent), ["UNKNOWN NOT_KEPT"]);
    assert_eq!(hands.told(unwritten), ["error JOURNAL_FAILED"]);
    assert_eq!(hands.told(waiting), ["error JOURNAL_FAILED"]);
    assert_eq!(hands.bytes_out(OUT), before, "not a byte more");
    assert_eq!(hands.closes.iter().map(|close| close.1).collect::<Vec<_>>(), [CloseReason::JournalFailed; 2]);
    assert!(!hands.core.status().journal_works);
    let open = hands.request(peer::transfer("088", "1", 5));
    assert_eq!(hands.try_open(open), Err(Refusal::JournalFailed));
    hands.after_secs(600);
    assert!(hands.connects.is_empty() && hands.undurable.is_empty());
    // Whoever recovers from what is durable says the same of what had left; what had not is known no better than by its entry.
    let next = hands.restart();
    assert_eq!(next.told(sent), ["UNKNOWN RESTARTED"]);
    assert_eq!(next.told(unwritten), ["UNKNOWN RESTARTED"]);
    assert_eq!(next.told(waiting), ["FAILURE NOT_SENT STOPPED"]);
}

#[test]
fn a_request_whose_sending_was_not_durable_never_left() {
    let mut hands = Hands::open();
    hands.is_durable = false;
    let id = hands.transfer();
    let before = hands.bytes_out(OUT);
    hands.core.handle_journal_failed("no space left on device", hands.now);
    hands.undurable.clear();
    hands.turn();
    assert_eq!(hands.told(id), ["error JOURNAL_FAILED"]);
    assert_eq!(hands.bytes_out(OUT), before);
}

#[test]
fn a_request_that_its_lost_session_never_sent_is_no_unknown_when_the_journal_fails_too() {
    let mut hands = Hands::open();
    hands.is_durable = false;
    let id = hands.transfer();
    let conn = hands.conn(OUT);
    hands.closed(conn, CloseReason::Reset);
    assert_eq!(hands.told(id), [""; 0]);
    hands.core.handle_journal_failed("fsync: input/output error", hands.now);
    hands.turn();
    assert_eq!(hands.told(id), ["error JOURNAL_FAILED"]);
}

#[test]
fn an_outcome_that_never_became_durable_is_not_told() {
    let mut hands = Hands::open();
    let id = hands.transfer();
    let frame = hands.take_frame();
    hands.is_durable = false;
    hands.receive(&peer::answer(&frame, "0000"));
    hands.core.handle_journal_failed("fsync: input/output error", hands.now);
    hands.turn();
    assert_eq!(hands.told(id), ["UNKNOWN NOT_KEPT"]);
}

#[test]
fn a_slow_disk_pushes_back_on_callers_and_on_the_institution() {
    let mut settings = settings();
    settings.lines[0].window = 10;
    settings.limits.undurable_entries_max = 4;
    let mut hands = Hands::open_with(settings);
    let conn = hands.conn(OUT);
    hands.is_durable = false;
    hands.transfer();
    assert!(hands.core.wants_read(conn));
    hands.transfer();
    assert!(!hands.core.wants_read(conn));
    let mut open = hands.request(peer::transfer("088", "1", 5));
    assert_eq!(hands.try_open(open.clone()), Err(Refusal::JournalFull));
    let fenced = hands.core.fence("teller", "order-1", hands.now);
    assert!(matches!(fenced, Err(NotFenced::Refused(Refusal::JournalFull, _))), "{fenced:?}");
    hands.is_durable = true;
    hands.turn();
    assert!(hands.core.wants_read(conn));
    open.idempotency_key = Some("order-1".into());
    hands.call(open);
    hands.core.handle_journal_failed("no space", hands.now);
    let fenced = hands.core.fence("teller", "order-2", hands.now);
    assert!(matches!(fenced, Err(NotFenced::Refused(Refusal::JournalFailed, _))), "{fenced:?}");
}

#[test]
fn observers_that_are_slow_lose_events_and_are_told_how_many() {
    let mut settings = settings();
    settings.limits.events_max = 1;
    let mut hands = Hands::cold(settings, pabal_switch::Recovery::new(), Hands::begin());
    let conn = hands.connects.pop().unwrap();
    hands.core.handle_connected(conn, hands.now);
    hands.core.handle_closed(conn, CloseReason::PeerClosed, hands.now);
    hands.events.clear();
    hands.turn();
    assert!(matches!(
        hands.events[..],
        [pabal_switch::Event::Session { .. }, pabal_switch::Event::Dropped { count: 1 }]
    ));
}

#[test]
fn nobody_reads_an_answer_before_it_is_durable() {
    let mut hands = Hands::open();
    let mut open = hands.request(peer::transfer("088", "1", 5));
    open.idempotency_key = Some("order-1".into());
    open.deadline = hands.now.mono + Duration::from_secs(2);
    let id = hands.call(open.clone());
    let frame = hands.take_frame();
    hands.after_secs(3);
    assert_eq!(hands.told(id), ["UNKNOWN CALLER_DEADLINE"]);
    hands.is_durable = false;
    hands.receive(&peer::answer(&frame, "0000"));
    open.deadline = hands.now.mono + Duration::from_secs(60);
    assert_eq!(hands.try_open(open), Ok(Opened::Known(id)));
    hands.is_durable = true;
    hands.turn();
    assert_eq!(hands.told(id), ["UNKNOWN CALLER_DEADLINE", "UNKNOWN CALLER_DEADLINE", "SUCCESS LATE"]);
    let has_answer = |report: &Report| matches!(report, Report::Outcome { answer: Some(_), .. });
    assert_eq!(hands.reports[&id].iter().map(has_answer).collect::<Vec<_>>(), [false, false, true]);
}

#[test]
fn what_is_printed_for_people_shows_no_bytes_of_a_telegram() {
    let mut hands = Hands::open();
    let open = hands.request(peer::transfer("088", "1", 5));
    // As text, and as a list of numbers.
    let shows = |text: String| text.contains("PIN-4711") || text.contains("80, 73, 78");
    assert!(shows(format!("{:?}", open.telegram.to_vec())));
    assert!(!shows(format!("{open:?}")));
    let id = hands.call(open);
    assert!(!shows(format!("{:?}", hands.core)) && !shows(format!("{:?}", hands.core.image())));
    let frame = hands.take_frame();
    hands.receive(&peer::answer(&frame, "0000"));
    assert_eq!(hands.told(id), ["SUCCESS ANSWERED"]);
    assert!(!shows(format!("{:?}", hands.reports)));
    hands.receive(&peer::deposit(1, 50_000));
    let delivery = hands.deliveries.pop().unwrap();
    let deliver = Output::Deliver(Box::new(Delivery { telegram: frame.as_slice().into(), ..delivery }));
    assert!(!shows(format!("{deliver:?}")));
}
