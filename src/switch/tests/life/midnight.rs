//! The business date changes: numbers restart, and a request that was stamped yesterday does not leave today.

use std::time::Duration;

use pabal_clock::Wall;
use pabal_switch::{CloseReason, Entry, OpeningState, Outcome, SessionState};

use crate::hands::{Hands, OUT, settings};
use crate::peer;

/// 2026-11-22T00:00:00+09:00.
const MIDNIGHT: i64 = 1_795_273_200_000_000;

/// Sets the wall clock to so many microseconds from midnight, and tells the core.
fn set_wall(hands: &mut Hands, micros: i64) {
    hands.now.wall = Wall::from_unix_micros(MIDNIGHT + micros);
    hands.core.handle_timeout(hands.now);
    hands.turn();
}

/// Both banks are open, and it is just before midnight.
fn late() -> Hands {
    let mut hands = Hands::open();
    set_wall(&mut hands, -1_000_000);
    hands.opens = false;
    hands
}

/// The frames that left are of today, every one.
fn frames_of_today(hands: &mut Hands) -> Vec<Vec<u8>> {
    let frames = hands.take_frames(OUT);
    for frame in frames.iter().filter(|frame| frame.len() == 300) {
        assert_eq!(peer::at(frame, peer::SEND_DATE), "20261122");
    }
    frames
}

#[test]
fn what_is_stamped_and_not_begun_does_not_leave() {
    let mut hands = late();
    hands.socket_room = 0;
    let before = hands.bytes_out(OUT);
    let id = hands.transfer();
    assert_eq!(hands.core.exchange(id).unwrap().state, pabal_switch::ExchangeState::Sending);
    hands.after_secs(1);
    assert_eq!(hands.told(id), ["error DATE_CHANGED"]);
    assert_eq!(hands.bytes_out(OUT), before);
    hands.socket_room = usize::MAX;
    hands.turn();
    let frames = frames_of_today(&mut hands);
    let types: Vec<_> = frames.iter().map(|frame| peer::at(frame, peer::MESSAGE_TYPE)).collect();
    assert_eq!(types, ["1000", "1000"]);
    assert_eq!(peer::at(&frames[0], peer::TELEGRAM_NO), "000001", "numbers restart");
    // The openings were queued where the transfer had stood, and their entries say so.
    let sending: Vec<_> = hands
        .entries()
        .into_iter()
        .filter_map(|entry| match entry {
            Entry::Sending(one) => Some((one.exchange == id, one.offset)),
            _ => None,
        })
        .collect();
    let place = u64::try_from(before).unwrap();
    assert_eq!(sending[sending.len() - 3..], [(true, place), (false, place), (false, place + 304)]);
}

#[test]
fn the_microsecond_before_is_yesterday() {
    for (micros, is_sent) in [(-1, true), (0, false)] {
        let mut hands = late();
        hands.socket_room = 0;
        let id = hands.transfer();
        set_wall(&mut hands, micros);
        hands.socket_room = 304;
        hands.turn();
        if is_sent {
            assert_eq!(peer::at(&hands.take_frame(), peer::SEND_DATE), "20261121");
            assert_eq!(hands.told(id), [""; 0]);
        } else {
            frames_of_today(&mut hands);
            assert_eq!(hands.told(id), ["error DATE_CHANGED"]);
        }
    }
}

#[test]
fn what_has_begun_goes_on_and_its_answer_is_found() {
    let mut hands = late();
    hands.socket_room = 100;
    let (begun, unbegun) = (hands.transfer(), hands.transfer());
    hands.after_secs(1);
    assert_eq!(hands.told(unbegun), ["error DATE_CHANGED"]);
    hands.socket_room = usize::MAX;
    hands.turn();
    let frames = hands.take_frames(OUT);
    assert_eq!(peer::at(&frames[0], peer::SEND_DATE), "20261121");
    assert!(frames[1..].iter().all(|frame| peer::at(frame, peer::SEND_DATE) == "20261122"));
    hands.receive(&peer::answer(&frames[0], "0000"));
    assert_eq!(hands.told(begun), ["SUCCESS ANSWERED"]);
}

#[test]
fn what_the_kernel_took_before_midnight_and_is_told_after_it_has_begun() {
    let mut hands = late();
    hands.socket_room = 0;
    let id = hands.transfer();
    let conn = hands.conn(OUT);
    let bytes = hands.core.poll_write(conn).to_vec();
    assert_eq!(bytes.len(), 304);
    hands.now.wall = Wall::from_unix_micros(MIDNIGHT);
    hands.streams.entry(conn).or_default().extend_from_slice(&bytes);
    hands.core.handle_wrote(conn, bytes.len(), hands.now);
    hands.turn();
    assert_eq!(hands.told(id), [""; 0]);
    let frame = hands.take_frame();
    hands.receive(&peer::answer(&frame, "0000"));
    assert_eq!(hands.told(id), ["SUCCESS ANSWERED"]);
}

#[test]
fn an_entry_of_what_was_taken_back_releases_nothing_else() {
    let mut hands = late();
    let before = hands.bytes_out(OUT);
    hands.is_durable = false;
    let id = hands.transfer();
    let stale = hands.undurable.back().unwrap().0;
    hands.after_secs(1);
    assert!(hands.undurable.len() > 1, "the openings of today have entries of their own");
    hands.core.handle_durable(stale, hands.now);
    hands.turn();
    assert_eq!(hands.bytes_out(OUT), before, "an opening ends where the transfer would have, and is not durable");
    // `handle_durable` was told by hand, and the entry is not among the stored ones; all others are.
    hands.undurable.pop_front();
    hands.is_durable = true;
    hands.turn();
    assert_eq!(frames_of_today(&mut hands).len(), 2);
    assert_eq!(hands.told(id), ["error DATE_CHANGED"]);
}

#[test]
fn a_poll_telegram_behind_it_is_queued_again() {
    let mut hands = Hands::open();
    set_wall(&mut hands, -305_000_000);
    hands.opens = false;
    hands.transfer();
    let frame = hands.take_frame();
    hands.receive(&peer::answer(&frame, "0000"));
    hands.socket_room = 0;
    hands.lives = false;
    let id = hands.transfer();
    // The request has waited for its socket for so long that UNKNOWN was told and a poll telegram is due.
    hands.after_secs(300);
    assert_eq!(hands.core.status().sessions[0].state, SessionState::Probing);
    hands.after_secs(5);
    assert_eq!(hands.told(id), ["UNKNOWN NO_ANSWER", "FAILURE NOT_SENT DATE_CHANGED"]);
    hands.socket_room = usize::MAX;
    hands.turn();
    let polls = hands.take_frames(OUT);
    assert_eq!((polls.len(), polls[0].starts_with(b"HDRREQPOLL")), (1, true), "requests wait until it is answered");
    let conn = hands.conn(OUT);
    hands.core.handle_received(conn, &peer::poll_answer(&polls[0]), hands.now);
    hands.turn();
    assert_eq!(frames_of_today(&mut hands).len(), 2);
}

#[test]
fn a_reply_behind_it_leaves_with_an_entry_for_its_new_place() {
    let mut hands = late();
    hands.socket_room = 0;
    let place = hands.bytes_out(OUT);
    hands.transfer();
    hands.receive(&peer::deposit(1, 50_000));
    hands.after_secs(1);
    hands.socket_room = usize::MAX;
    hands.turn();
    let frames = hands.take_frames(OUT);
    let replies: Vec<_> = frames.iter().filter(|frame| peer::at(frame, peer::MESSAGE_TYPE) == "4100").collect();
    assert_eq!(replies.len(), 1, "{}", frames.len());
    let offsets: Vec<_> = hands
        .entries()
        .into_iter()
        .filter_map(|entry| match entry {
            Entry::NoticeReplied(one) => Some(usize::try_from(one.offset).unwrap()),
            _ => None,
        })
        .collect();
    assert_eq!(offsets.first(), Some(&(place + 304)));
    let last = *offsets.last().unwrap();
    let stream = &hands.streams[&hands.conn(OUT)];
    assert_eq!(&stream[last + 4..last + 304], &replies[0][..], "it stands where its last entry says");
}

#[test]
fn a_wall_clock_that_is_set_over_midnight_is_seen_by_the_next_call() {
    // Forward, and by a whole day.
    for micros in [1, 86_400_000_000] {
        let mut hands = late();
        hands.socket_room = 0;
        let id = hands.transfer();
        set_wall(&mut hands, micros);
        assert_eq!(hands.told(id), ["error DATE_CHANGED"]);
        hands.socket_room = usize::MAX;
        hands.turn();
        assert_eq!(hands.take_frames(OUT).len(), 2);
    }
    // Back: what was stamped under the later date does not leave under the earlier one, and no number is given twice.
    let mut hands = late();
    hands.transfer();
    let frame = hands.take_frame();
    let last: u32 = peer::at(&frame, peer::TELEGRAM_NO).parse().unwrap();
    hands.opens = true;
    set_wall(&mut hands, 5_000_000);
    assert!(hands.core.status().openings.iter().all(|opening| opening.state == OpeningState::Open));
    hands.opens = false;
    hands.socket_room = 0;
    let id = hands.transfer();
    set_wall(&mut hands, -500_000);
    assert_eq!(hands.told(id), ["error DATE_CHANGED"]);
    hands.socket_room = usize::MAX;
    hands.opens = true;
    hands.turn();
    hands.after(Duration::from_millis(1));
    let open = hands.request(peer::transfer("088", "1", 5));
    hands.call(open);
    let frames = hands.take_frames(OUT);
    let transfer = frames.iter().rfind(|frame| peer::at(frame, peer::MESSAGE_TYPE) == "2000").unwrap();
    assert_eq!(peer::at(transfer, peer::SEND_DATE), "20261121");
    assert!(peer::at(transfer, peer::TELEGRAM_NO).parse::<u32>().unwrap() > last);
}

#[test]
fn yesterdays_answer_reaches_yesterdays_exchange_and_no_other() {
    let mut hands = late();
    let yesterday = hands.transfer();
    let old = hands.take_frame();
    hands.opens = true;
    hands.after_secs(1);
    let today = hands.transfer();
    let new = hands.take_frame();
    // Both have the number after the bank's opening.
    assert_eq!(peer::at(&old, peer::TELEGRAM_NO), peer::at(&new, peer::TELEGRAM_NO));
    hands.receive(&peer::answer(&old, "0000"));
    assert_eq!((hands.told(yesterday).len(), hands.told(today).len()), (1, 0));
    // An answer of yesterday that says "not open" tells nothing of today.
    hands.receive(&peer::answer(&new, "0000"));
    assert_eq!(hands.told(today), ["SUCCESS ANSWERED"]);
}

#[test]
fn an_opening_of_yesterday_does_not_open_today() {
    let mut hands = Hands::fresh();
    hands.opens = false;
    set_wall(&mut hands, -1_000_000);
    let out = hands.connects.pop().unwrap();
    hands.connected(out);
    hands.accept();
    let old = hands.take_frames(OUT);
    hands.after_secs(1);
    // What is in flight since yesterday still takes its places.
    let mut new = frames_of_today(&mut hands);
    assert_eq!((old.len(), new.len()), (2, 1));
    hands.receive(&peer::answer(&old[0], "0000"));
    new.extend(frames_of_today(&mut hands));
    assert_eq!(new.len(), 2);
    assert!(hands.core.status().openings.iter().all(|opening| opening.state == OpeningState::Opening));
    hands.receive(&peer::answer(&new[0], "0000"));
    assert_eq!(hands.core.status().openings[0].state, OpeningState::Open);
}

#[test]
fn what_was_taken_back_is_known_as_not_sent_after_a_restart() {
    let mut hands = late();
    hands.socket_room = 0;
    let mut open = hands.request(peer::transfer("088", "1", 5));
    open.idempotency_key = Some("order-1".into());
    let id = hands.call(open.clone());
    hands.after_secs(1);
    let hands = &mut hands.restart();
    let outcomes: Vec<_> = hands
        .entries()
        .into_iter()
        .filter_map(|entry| match entry {
            Entry::Outcome(one) if one.exchange == id => Some(one.outcome),
            _ => None,
        })
        .collect();
    assert!(matches!(outcomes[..], [Outcome::Failure { cause: pabal_switch::Cause::NotSent, .. }]), "{outcomes:?}");
    assert_eq!(hands.core.exchange_of_key("teller", "order-1"), Some(id));
}

/// The wall clock leaps and comes back; meanwhile the reply has moved to a stalled session, and the stream where it had stood goes on.
#[test]
fn a_reply_that_was_taken_back_has_not_left_by_what_stands_in_its_place() {
    let mut two = settings();
    two.lines[0].sessions_max = 2;
    let mut hands = Hands::open_with(two);
    let other = hands.connects.pop().unwrap();
    hands.connected(other);
    set_wall(&mut hands, -600_000_000);
    let mut out: Vec<_> = hands.open_conns.iter().copied().filter(|conn| conn.session.line == OUT).collect();
    out.sort();
    let &[stalled, lost] = &out[..] else { panic!("two sessions send: {out:?}") };
    hands.take_frames(OUT);
    hands.socket_room = 0;
    for _ in 0..3 {
        hands.transfer();
    }
    hands.receive(&peer::deposit(1, 50_000));
    set_wall(&mut hands, 0);
    let places: Vec<_> = hands
        .entries()
        .into_iter()
        .filter_map(|entry| if let Entry::NoticeReplied(reply) = entry { reply.place } else { None })
        .map(|place| place.slot)
        .collect();
    assert_eq!(places, [lost.session.slot, stalled.session.slot], "it stood behind a request, and moved");
    hands.open_conns.retain(|conn| *conn != stalled);
    hands.socket_room = usize::MAX;
    hands.turn();
    hands.call(hands.request(peer::transfer("004", "110123456789", 1)));
    hands.closed(lost, CloseReason::Reset);
    set_wall(&mut hands, -600_000_000);
    let written = hands.entries().into_iter().rev().find_map(|entry| match entry {
        Entry::Session(session) => Some(session.written),
        _ => None,
    });
    assert!(written >= Some(608), "the end of where it had stood: {written:?}");
    let mut next = hands.restart();
    next.come_up();
    let replies = next.take_frames(OUT).into_iter().filter(|frame| peer::at(frame, peer::MESSAGE_TYPE) == "4100");
    assert_eq!(replies.count(), 1);
}
