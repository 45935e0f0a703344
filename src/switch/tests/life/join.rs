//! Notices that are about a transfer of ours.

use std::time::Duration;

use pabal_switch::{Entry, Event, ExchangeId};

use crate::hands::{Hands, OUT, settings};
use crate::peer;

/// From the beginning, into the next business date.
const HOURS_15: Duration = Duration::from_secs(15 * 3_600);

/// A transfer of bank 088 that was answered, and its telegram.
fn transferred(hands: &mut Hands) -> (ExchangeId, Vec<u8>) {
    let id = hands.transfer();
    let frame = hands.take_frame();
    hands.receive(&peer::answer(&frame, "0000"));
    assert_eq!(hands.told(id), ["SUCCESS ANSWERED"]);
    (id, frame)
}

fn joined(hands: &mut Hands) -> Option<ExchangeId> {
    assert_eq!(peer::at(&hands.take_frames(OUT)[0], peer::MESSAGE_TYPE), "3100", "it is replied to in any case");
    hands.deliveries.pop().unwrap().joined
}

fn reason(hands: &Hands) -> String {
    let entries = hands.entries();
    let last = entries.iter().rev().find_map(|entry| match entry {
        Entry::NoticeNotJoined(entry) => Some(entry.reason.clone()),
        _ => None,
    });
    last.expect("it did not join")
}

#[test]
fn a_notice_of_failure_joins_its_transfer_and_changes_nothing_about_it() {
    let mut hands = Hands::open();
    let (id, frame) = transferred(&mut hands);
    hands.receive(&peer::transfer_fail(1, &frame, 10_000));
    let notice = hands.deliveries[0].notice;
    assert_eq!(joined(&mut hands), Some(id));
    assert_eq!(hands.told(id), ["SUCCESS ANSWERED"], "SUCCESS stays; the notice is an event of its own");
    assert_eq!(hands.events.last(), Some(&Event::Joined { notice, exchange: id }));
    let entries = hands.entries();
    let entry = entries.iter().find(|entry| entry.kind() == "notice_joined").unwrap();
    let Entry::NoticeJoined(body) = entry else { panic!("joined") };
    assert_eq!((body.notice, body.exchange), (notice, id));
    assert_eq!(entry.columns().exchange.as_deref(), Some(&*id.to_string()));
}

#[test]
fn a_part_and_each_split_join_too() {
    let mut hands = Hands::open();
    let (id, frame) = transferred(&mut hands);
    let mut split = peer::transfer_fail(1, &frame, 4_000);
    peer::put(&mut split, (178, 182), "0201");
    hands.receive(&split);
    assert_eq!(joined(&mut hands), Some(id));
    let mut split = peer::transfer_fail(2, &frame, 1_000);
    peer::put(&mut split, (178, 182), "0202");
    hands.receive(&split);
    assert_eq!(joined(&mut hands), Some(id));
}

#[test]
fn an_unknown_transfer_is_not_settled_by_it() {
    let mut hands = Hands::open();
    let id = hands.transfer();
    let frame = hands.take_frame();
    hands.after_secs(30);
    hands.receive(&peer::transfer_fail(1, &frame, 10_000));
    assert_eq!(joined(&mut hands), Some(id));
    assert_eq!(hands.told(id), ["UNKNOWN NO_ANSWER"]);
    hands.receive(&peer::answer(&frame, "0000"));
    assert_eq!(hands.told(id), ["UNKNOWN NO_ANSWER", "SUCCESS LATE"]);
}

#[test]
fn what_differs_joins_nothing_and_is_told() {
    let mut hands = Hands::open();
    let (id, frame) = transferred(&mut hands);
    let fields = [
        ((106, 121), "999999999999   ", "debit_account"),
        // The same account number at another bank is another account.
        ((121, 124), "011", "credit_bank_code"),
        ((124, 139), "999999999999   ", "credit_account"),
        ((139, 152), "0000000010001", "req_amt"),
    ];
    for (number, (place, text, name)) in (1..).zip(fields) {
        let mut notice = peer::transfer_fail(number, &frame, 10_000);
        peer::put(&mut notice, place, text);
        hands.receive(&notice);
        assert_eq!(joined(&mut hands), None);
        assert_eq!(reason(&hands), format!("`{name}` is not that of exchange {id}"));
        assert!(matches!(hands.events.last(), Some(Event::NotJoined { .. })));
    }
}

#[test]
fn the_number_of_another_bank_or_date_is_another_transfer() {
    let mut hands = Hands::open();
    let (_, frame) = transferred(&mut hands);
    let mut other_bank = peer::transfer_fail(1, &frame, 10_000);
    peer::put(&mut other_bank, peer::BANK_CODE, "004");
    hands.receive(&other_bank);
    assert_eq!(joined(&mut hands), None);
    assert_eq!(reason(&hands), "no `transfer` in memory has number `000002` on its date");
    hands.pass_quietly(HOURS_15);
    hands.take_frames(OUT);
    let mut next_day = peer::transfer_fail(1, &frame, 10_000);
    peer::put(&mut next_day, peer::SEND_DATE, "20261122");
    hands.receive(&next_day);
    assert_eq!(joined(&mut hands), None);
    assert_eq!(reason(&hands), "no `transfer` in memory has number `000002` on its date");
}

#[test]
fn a_notice_of_yesterday_that_comes_after_midnight_still_joins() {
    let mut settings = settings();
    settings.limits.tombstone_keep = Duration::from_secs(86_400);
    let mut hands = Hands::open_with(settings);
    let (id, frame) = transferred(&mut hands);
    hands.pass_quietly(HOURS_15);
    hands.take_frames(OUT);
    hands.receive(&peer::transfer_fail(1, &frame, 10_000));
    assert_eq!(joined(&mut hands), Some(id), "it carries the transfer's own date");
}

#[test]
fn a_settled_transfer_is_joined_after_a_restart_and_from_a_checkpoint() {
    let mut hands = Hands::open();
    let (id, frame) = transferred(&mut hands);
    let mut next = hands.restart();
    next.after_secs(21);
    next.connect_pair();
    next.take_frames(OUT);
    next.receive(&peer::transfer_fail(1, &frame, 10_000));
    assert_eq!(joined(&mut next), Some(id));

    let checkpoint = next.core.checkpoint(next.now);
    next.journal = vec![(checkpoint.kind().into(), checkpoint.encode(&|_| [1; 32]))];
    let mut last = next.restart();
    last.after_secs(21);
    last.connect_pair();
    last.take_frames(OUT);
    last.receive(&peer::transfer_fail(2, &frame, 10_000));
    assert_eq!(joined(&mut last), Some(id));
    let mut other = peer::transfer_fail(3, &frame, 10_000);
    peer::put(&mut other, (106, 121), "999999999999   ");
    last.receive(&other);
    assert_eq!(joined(&mut last), None, "what it needs is kept, and nothing else joins");
    last.receive(&peer::transfer_fail(1, &frame, 10_000));
    assert_eq!(joined(&mut last), Some(id), "a repetition says what the first did");
}
