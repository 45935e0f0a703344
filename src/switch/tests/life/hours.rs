use pabal_clock::{Hours, Wall};
use pabal_spec::HoursRule;
use pabal_switch::{OpeningState, Refusal};

use crate::hands::{Hands, OUT, settings};
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
    let frames = hands.take_frames(OUT);
    assert_eq!(frames.len(), 2, "the window is full");
    hands.receive(&peer::answer(&frames[0], "0000"));
    assert_eq!(hands.told(first).len(), 1);
    assert_eq!(hands.told(waits), ["error OUT_OF_HOURS"]);
}

/// What is refused of bank 088, with the rest of its text behind `not taken now: `; `None` if it is taken.
fn refused(hands: &mut Hands) -> Option<String> {
    hands.core.handle_timeout(hands.now);
    hands.turn();
    let open = hands.request(peer::transfer("088", "1", 5));
    let refused = hands.core.open(open, hands.now).err();
    hands.turn();
    for frame in hands.take_frames(OUT) {
        hands.receive(&peer::answer(&frame, "0000"));
    }
    refused.map(|(refusal, text)| {
        assert_eq!(refusal, Refusal::OutOfHours);
        text.split_once("not taken now: ").unwrap().1.to_owned()
    })
}

fn closed(hours: &str, exchanges: &[&str]) -> Hands {
    let mut settings = settings();
    settings.hours.closed = vec![rule(hours, exchanges, &[])];
    Hands::open_with(settings)
}

#[test]
fn the_fourth_sunday_is_no_other_sunday() {
    let mut hands = closed("fourth sunday 00:00 to 08:00", &["transfer"]);
    // The 22nd is the fourth Sunday of November 2026, the 29th the fifth.
    at(&mut hands, 24 + 7, 59);
    let text = "closed fourth sunday 00:00 to 08:00; it is taken from 2026-11-22 08:00:00 on";
    assert_eq!(refused(&mut hands).as_deref(), Some(text));
    at(&mut hands, 24 + 8, 0);
    assert_eq!(refused(&mut hands), None);
    at(&mut hands, 8 * 24 + 7, 0);
    assert_eq!(refused(&mut hands), None);
}

#[test]
fn a_day_that_falls_on_a_holiday_is_closed_when_it_is_moved_to() {
    let mut hands = closed("day 21 or next business day", &["transfer"]);
    // The 21st is a Saturday: Monday is closed in its place.
    assert_eq!(refused(&mut hands), None);
    at(&mut hands, 2 * 24 + 12, 0);
    let text = "closed day 21 or next business day; it is taken from 2026-11-24 00:00:00 on";
    assert_eq!(refused(&mut hands).as_deref(), Some(text));
    at(&mut hands, 3 * 24, 0);
    assert_eq!(refused(&mut hands), None);
}

#[test]
fn hours_over_midnight_hold_on_both_sides_of_it() {
    let mut hands = closed("saturday 23:30 to 00:30", &["transfer"]);
    at(&mut hands, 23, 29);
    assert_eq!(refused(&mut hands), None);
    let text = "closed saturday 23:30 to 00:30; it is taken from 2026-11-22 00:30:00 on";
    for (hour, minute) in [(23, 30), (24, 0), (24, 29)] {
        at(&mut hands, hour, minute);
        assert_eq!(refused(&mut hands).as_deref(), Some(text), "{hour}:{minute}");
    }
    at(&mut hands, 24, 30);
    assert_eq!(refused(&mut hands), None);
}

#[test]
fn an_opening_out_of_hours_waits_for_them_and_is_not_tried_before() {
    let mut hands = closed("every day 00:00 to 04:30", &["open"]);
    at(&mut hands, 24, 10);
    hands.core.handle_timeout(hands.now);
    hands.turn();
    let states = |hands: &Hands| hands.core.status().openings.iter().map(|one| one.state).collect::<Vec<_>>();
    assert_eq!(states(&hands), [OpeningState::Closed; 2]);
    let next: Vec<_> = hands.core.status().openings.iter().map(|one| one.next_try).collect();
    let hour = hands.now.mono + std::time::Duration::from_secs(4 * 3_600 + 20 * 60);
    assert_eq!(next, [Some(hour); 2]);
    hands.after_secs(4 * 3_600 + 20 * 60 - 1);
    assert_eq!(states(&hands), [OpeningState::Closed; 2]);
    hands.after_secs(1);
    assert_eq!(states(&hands), [OpeningState::Open; 2]);
}

#[test]
fn an_inquiry_out_of_hours_is_made_as_soon_as_they_begin() {
    let mut hands = closed("saturday 10:05 to 10:50", &["transfer_result"]);
    hands.transfer();
    hands.take_frame();
    // UNKNOWN at 10:00:30, and asked about five minutes later, were it not for the hours.
    hands.after_secs(50 * 60 - 1);
    assert_eq!(hands.take_frames(OUT).len(), 0);
    hands.after_secs(1);
    assert_eq!(peer::at(&hands.take_frame(), peer::MESSAGE_TYPE), "7000");
}
