use pabal_clock::{Hours, Wall};
use pabal_spec::HoursRule;
use pabal_switch::Refusal;

use crate::hands::{Hands, settings};
use crate::peer;

pub(crate) fn rule(hours: &str, exchanges: &[&str], participants: &[&str]) -> HoursRule {
    HoursRule {
        hours: Hours::parse(hours).unwrap(),
        exchanges: exchanges.iter().map(|name| (*name).into()).collect(),
        participants: participants.iter().map(|value| value.as_bytes().into()).collect(),
    }
}

/// Saturday 2026-11-21 at a time of the institution's day; what waits is looked at.
fn at(hands: &mut Hands, hour: i64, minute: i64) {
    let midnight = 1_795_273_200 - 86_400;
    hands.now.wall = Wall::from_unix_seconds(midnight + hour * 3_600 + minute * 60);
}

#[test]
fn what_comes_out_of_hours_is_refused_with_the_hour_from_which_it_is_taken() {
    let mut settings = settings();
    settings.hours.open = vec![rule("every day 09:00 to 16:00", &["transfer"], &[])];
    settings.hours.closed = vec![rule("third saturday 12:00 to 13:00", &[], &["004"])];
    let mut hands = Hands::open_with(settings);
    let open = |hands: &mut Hands, bank: &str| {
        let open = hands.request(peer::transfer(bank, "1", 5));
        hands.core.open(open, hands.now).map(drop)
    };
    let refused = |text: &str| Err((Refusal::OutOfHours, text.to_owned()));
    at(&mut hands, 8, 59);
    let text = "`transfer` with `088` is not taken now: outside of its hours; it is taken from 2026-11-21 09:00:00 on";
    assert_eq!(open(&mut hands, "088"), refused(text));
    at(&mut hands, 9, 0);
    assert_eq!(open(&mut hands, "088"), Ok(()));
    hands.turn();
    at(&mut hands, 12, 30);
    let text = "`transfer` with `004` is not taken now: closed third saturday 12:00 to 13:00; it is taken from 2026-11-21 13:00:00 on";
    assert_eq!(open(&mut hands, "004"), refused(text));
    assert_eq!(open(&mut hands, "088"), Ok(()));
    hands.turn();
}

#[test]
fn a_known_key_is_answered_also_out_of_hours() {
    let mut settings = settings();
    settings.hours.closed = vec![rule("every day 23:00 to 24:00", &[], &[])];
    let mut hands = Hands::open_with(settings);
    at(&mut hands, 22, 59);
    let mut open = hands.request(peer::transfer("088", "1", 5));
    open.idempotency_key = Some("order-1".into());
    let id = hands.call(open.clone());
    at(&mut hands, 23, 0);
    assert_eq!(hands.core.open(open.clone(), hands.now), Ok(pabal_switch::Opened::Known(id)));
    hands.turn();
    open.idempotency_key = Some("order-2".into());
    assert_eq!(hands.try_open(open), Err(Refusal::OutOfHours));
}

#[test]
fn what_waits_when_the_hours_end_does_not_leave() {
    let mut settings = settings();
    settings.hours.closed = vec![rule("every day 23:00 to 24:00", &["transfer"], &[])];
    let mut hands = Hands::open_with(settings);
    at(&mut hands, 22, 59);
    let first = hands.transfer();
    hands.transfer();
    let waits = hands.transfer();
    at(&mut hands, 23, 0);
    let frames = hands.take_frames(crate::hands::OUT);
    assert_eq!(frames.len(), 2, "the window is full");
    hands.receive(&peer::answer(&frames[0], "0000"));
    assert_eq!(hands.told(first).len(), 1);
    assert_eq!(hands.told(waits), ["error OUT_OF_HOURS"]);
}
