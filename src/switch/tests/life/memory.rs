//! What is kept is bounded, and what is dropped is still in the journal.

use std::time::Duration;

use pabal_clock::Wall;
use pabal_switch::{CloseReason, Entry, Event, ExchangeId, Limits, Opened};

use crate::hands::{Hands, OUT, settings, version};
use crate::peer;

fn open_with(change: impl FnOnce(&mut Limits)) -> Hands {
    let mut settings = settings();
    change(&mut settings.limits);
    Hands::open_with(settings)
}

fn answered(hands: &mut Hands) -> Vec<u8> {
    hands.transfer();
    let answer = peer::answer(&hands.take_frame(), "0000");
    hands.receive(&answer);
    answer
}

#[test]
fn a_settled_key_is_kept_for_its_time() {
    let mut hands = open_with(|limits| limits.tombstone_keep = Duration::from_secs(100));
    let first = answered(&mut hands);
    hands.after_secs(50);
    let second = answered(&mut hands);
    hands.after_secs(50);
    hands.receive(&first);
    assert_eq!(hands.kinds().last(), Some(&"unclaimed"));
    hands.receive(&second);
    assert_eq!(hands.kinds().last(), Some(&"repeated"));
    hands.after_secs(50);
    hands.receive(&second);
    assert_eq!(hands.kinds().last(), Some(&"unclaimed"));
}

#[test]
fn the_oldest_settled_key_goes_first() {
    let mut hands = open_with(|limits| limits.tombstones_max = 1);
    let first = answered(&mut hands);
    let second = answered(&mut hands);
    hands.receive(&second);
    assert_eq!(hands.kinds().last(), Some(&"repeated"));
    hands.receive(&first);
    assert_eq!(hands.kinds().last(), Some(&"unclaimed"));
}

#[test]
fn an_exchange_that_nothing_can_ask_for_is_forgotten() {
    let mut hands = open_with(|limits| limits.tombstones_max = 0);
    let id = hands.transfer();
    let frame = hands.take_frame();
    hands.receive(&peer::answer(&frame, "0000"));
    assert_eq!(hands.told(id), ["SUCCESS ANSWERED"]);
    assert!(hands.core.exchange(id).is_none());
    // One that never had a number leaves no key behind.
    hands.transfer();
    hands.transfer();
    let waiting = hands.transfer();
    hands.core.abandon(waiting, hands.now);
    hands.turn();
    assert_eq!(hands.told(waiting), ["error ABANDONED"]);
    assert!(hands.core.exchange(waiting).is_none());
}

#[test]
fn an_exchange_is_kept_as_long_as_its_idempotency_key() {
    let mut hands = open_with(|limits| {
        limits.tombstones_max = 0;
        limits.idempotency_keys_max = 1;
    });
    let mut open = hands.request(peer::transfer("088", "1", 5));
    open.idempotency_key = Some("order-1".into());
    let id = hands.call(open.clone());
    let frame = hands.take_frame();
    hands.receive(&peer::answer(&frame, "0000"));
    assert_eq!(hands.try_open(open.clone()), Ok(Opened::Known(id)));
    open.idempotency_key = Some("order-2".into());
    hands.call(open);
    assert!(hands.core.exchange(id).is_none());
    assert_eq!(hands.core.exchange_of_key("teller", "order-1"), None, "the journal is asked from now on");
}

#[test]
fn the_key_of_a_living_exchange_is_never_dropped() {
    let mut hands = open_with(|limits| limits.idempotency_keys_max = 1);
    let mut open = hands.request(peer::transfer("088", "1", 5));
    open.idempotency_key = Some("order-1".into());
    let id = hands.call(open.clone());
    let mut other = open.clone();
    other.idempotency_key = Some("order-2".into());
    hands.call(other);
    assert_eq!(hands.try_open(open), Ok(Opened::Known(id)));
}

#[test]
fn the_oldest_unknown_stays_in_the_journal_only() {
    let mut hands = open_with(|limits| limits.unknown_max = 1);
    let first = hands.transfer();
    hands.after_secs(30);
    let second = hands.transfer();
    hands.after_secs(30);
    assert_eq!((hands.told(first).len(), hands.told(second).len()), (1, 1));
    assert!(hands.core.exchange(first).is_none() && hands.core.exchange(second).is_some());
    assert_eq!(hands.core.status().unknown, 1);
    // Its answer is kept all the same.
    let frame = hands.take_frames(OUT).remove(0);
    hands.receive(&peer::answer(&frame, "0000"));
    assert_eq!(hands.kinds().last(), Some(&"unclaimed"));
}

#[test]
fn an_unknown_that_memory_drops_is_on_the_list_of_the_journal() {
    let mut hands = open_with(|limits| limits.unknown_max = 1);
    let first = hands.transfer();
    hands.after_secs(30);
    let second = hands.transfer();
    hands.after_secs(30);
    let listed = |hands: &Hands| -> Vec<ExchangeId> {
        let one = |entry| if let Entry::Listed(one) = entry { Some(one.exchange) } else { None };
        hands.entries().into_iter().filter_map(one).collect()
    };
    assert_eq!(listed(&hands), [first]);
    assert!(hands.events.contains(&Event::Evicted { exchange: first }));
    // It comes back from the journal and is dropped again: it is on the list already.
    let next = hands.restart();
    assert_eq!(listed(&next), [first]);
    assert!(next.core.exchange(first).is_none() && next.core.exchange(second).is_some());
}

#[test]
fn one_that_changes_nothing_is_dropped_before_one_of_money() {
    let asked = "answer \"6100\" \"100\"  effect none  timeout 30s";
    let listed = format!("{asked}\n  unknown list");
    let mut settings = settings();
    settings.limits.unknown_max = 1;
    let mut hands = Hands::open_by(version(&[(asked, &listed)], &[]), settings);
    let money = hands.transfer();
    hands.after_secs(30);
    let ask = |hands: &mut Hands| {
        let mut open = hands.request(peer::transfer("088", "1", 0));
        open.plan = hands.plan("holder_name");
        let name = hands.call(open);
        hands.after_secs(30);
        assert_eq!(hands.told(name), ["UNKNOWN NO_ANSWER"]);
        name
    };
    let (first, second) = (ask(&mut hands), ask(&mut hands));
    // Each is told, and then there is one too many.
    let unresolved: Vec<_> = hands.core.unresolved(None, 10).into_iter().map(|one| one.exchange).collect();
    assert_eq!(unresolved, [money]);
    let evicted: Vec<_> = hands.events.iter().filter(|event| matches!(event, Event::Evicted { .. })).collect();
    assert_eq!(evicted, [&Event::Evicted { exchange: first }, &Event::Evicted { exchange: second }]);
}

#[test]
fn one_that_changes_nothing_and_is_still_leaving_keeps_no_other_beyond_the_bound() {
    let asked = "answer \"6100\" \"100\"  effect none  timeout 30s";
    let mut settings = settings();
    settings.limits.unknown_max = 1;
    (settings.lines[0].window, settings.lines[0].unsent_time_max) = (12, Duration::from_secs(100));
    let mut hands = Hands::open_by(version(&[(asked, &format!("{asked}\n  unknown list"))], &[]), settings);
    let (first, second) = (hands.transfer(), hands.transfer());
    // Both have left, and the socket takes nothing more.
    hands.socket_room = 0;
    let mut open = hands.request(peer::transfer("004", "1", 0));
    open.plan = hands.plan("holder_name");
    let name = hands.call(open);
    hands.after_secs(30);
    assert_eq!(hands.told(name), ["UNKNOWN NO_ANSWER"]);
    assert!(hands.core.exchange(first).is_none() && hands.core.exchange(second).is_none());
    let unresolved: Vec<_> = hands.core.unresolved(None, 10).into_iter().map(|one| one.exchange).collect();
    assert_eq!(unresolved, [name], "its bytes may still leave");
}

#[test]
fn one_beyond_the_bound_goes_when_no_byte_of_it_may_leave_any_more() {
    for is_lost in [false, true] {
        let mut settings = settings();
        settings.limits.unknown_max = 0;
        settings.lines[0].unsent_time_max = Duration::from_secs(100);
        let mut hands = Hands::open_with(settings);
        hands.socket_room = 100;
        let id = hands.transfer();
        hands.after_secs(30);
        assert_eq!(hands.told(id), ["UNKNOWN NO_ANSWER"]);
        assert_eq!(hands.core.status().unknown, 1, "its bytes may still leave");
        if is_lost {
            let conn = hands.conn(OUT);
            hands.closed(conn, CloseReason::Reset);
        } else {
            hands.socket_room = usize::MAX;
            hands.turn();
        }
        assert_eq!(hands.core.status().unknown, 0, "lost: {is_lost}");
    }
}

#[test]
fn many_that_become_unknown_at_once_do_not_stay_beyond_the_bound() {
    let mut hands = open_with(|limits| limits.unknown_max = 1);
    let ids = ["088", "088", "004"].map(|bank| {
        let open = hands.request(peer::transfer(bank, "1", 5));
        hands.call(open)
    });
    hands.is_durable = false;
    hands.after_secs(30);
    assert_eq!(hands.core.status().unknown, 3, "none is told yet");
    hands.is_durable = true;
    hands.turn();
    for id in ids {
        assert_eq!(hands.told(id), ["UNKNOWN NO_ANSWER"]);
    }
    assert_eq!(hands.core.status().unknown, 1);
    assert!(hands.core.exchange(ids[2]).is_some(), "the newest");
}

#[test]
fn an_inquiry_that_is_not_answered_takes_no_room_on_the_list() {
    let mut hands = open_with(|limits| limits.unknown_max = 1);
    let id = hands.transfer();
    hands.after_secs(30);
    let inquiry = hands.inquire(id).unwrap();
    hands.after_secs(30);
    assert_eq!(hands.told(inquiry), ["UNKNOWN NO_ANSWER"]);
    assert_eq!(hands.core.status().unknown, 1);
    assert!(hands.core.exchange(id).is_some());
}

#[test]
fn an_inquiry_that_is_answered_late_settles_all_the_same() {
    let mut hands = Hands::open();
    let id = hands.transfer();
    let transfer = hands.take_frame();
    hands.after_secs(30);
    let inquiry = hands.inquire(id).unwrap();
    let frame = hands.take_frame();
    hands.after_secs(30);
    hands.receive(&peer::result(&frame, &transfer, "0000", "0000", "0000000010000"));
    assert_eq!(hands.told(inquiry), ["UNKNOWN NO_ANSWER", "SUCCESS LATE"]);
    assert_eq!(hands.told(id), ["UNKNOWN NO_ANSWER", "SUCCESS INQUIRY"]);
}

#[test]
fn new_limits_hold_at_once() {
    let mut hands = Hands::open();
    hands.transfer();
    hands.transfer();
    hands.transfer();
    let mut limits = hands.settings.limits.clone();
    limits.waiting_max = 1;
    hands.core.set_limits(limits, hands.now);
    hands.turn();
    let open = hands.request(peer::transfer("088", "1", 5));
    assert_eq!(hands.try_open(open), Err(pabal_switch::Refusal::QueueFull));
}

#[test]
fn a_clock_that_leaps_and_comes_back_gives_no_number_twice() {
    let mut hands = open_with(|limits| limits.tombstone_keep = Duration::from_secs(60));
    let three = |hands: &mut Hands| -> Vec<(String, String)> {
        let one = |_| {
            hands.transfer();
            let frame = hands.take_frame();
            hands.receive(&peer::answer(&frame, "0000"));
            let field = |place| peer::at(&frame, place).to_owned();
            (field(peer::SEND_DATE), field(peer::TELEGRAM_NO))
        };
        (0..3).map(one).collect()
    };
    let leap = |hands: &mut Hands, days: i64| {
        hands.now.wall = Wall::from_unix_micros(hands.now.wall.as_unix_micros() + days * 86_400_000_000);
        hands.core.handle_timeout(hands.now);
        hands.turn();
        // The tombstones that would keep a number from being given again end.
        hands.after_secs(61);
    };
    let before = three(&mut hands);
    leap(&mut hands, 3);
    leap(&mut hands, -3);
    let after = three(&mut hands);
    assert_eq!(before[0].0, after[0].0, "the same date");
    assert!(!after.iter().any(|number| before.contains(number)), "{before:?} {after:?}");
}

#[test]
fn fences_count_among_the_keys_and_a_smaller_bound_holds_after_a_restart() {
    let mut hands = open_with(|limits| limits.idempotency_keys_max = 20);
    for n in 0..50 {
        hands.core.fence("teller", &format!("order-{n}"), hands.now).unwrap();
        hands.turn();
    }
    let held = |hands: &Hands| {
        let body = hands.core.checkpoint(hands.now).encode(&|_| [0; 32]);
        String::from_utf8(body).unwrap().matches("order-").count()
    };
    assert_eq!(held(&hands), 21, "the bound and the newest");
    hands.settings.limits.idempotency_keys_max = 2;
    assert_eq!(held(&hands.restart()), 2);
}

/// A checkpoint is written every hundred thousand entries, and holds every settled exchange that has a tombstone.
#[test]
fn a_settled_exchange_is_few_bytes_in_a_checkpoint() {
    let mut hands = open_with(|_| {});
    hands.swaps = false;
    let bytes = |hands: &Hands| hands.core.checkpoint(hands.now).encode(&|_| [0; 32]).len();
    let settle = |hands: &mut Hands, count: usize| {
        for at in 0..count {
            let mut open = hands.request(peer::transfer("088", "1", 5));
            open.idempotency_key = Some(format!("order-{:09}", at).into());
            hands.call(open);
            let frame = hands.take_frame();
            hands.receive(&peer::answer(&frame, "0000"));
        }
    };
    let before = bytes(&hands);
    settle(&mut hands, 50);
    let each = (bytes(&hands) - before) / 50;
    println!("{each} bytes for each settled exchange");
    assert!(each < 800, "{each}");
}
