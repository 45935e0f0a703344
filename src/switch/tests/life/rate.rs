//! Rates: how many requests of a compartment leave in a second, and how many are unanswered.

use std::time::Duration;

use pabal_switch::{Bytes, Command, ExchangeState, LineId, Over, Rate, Rates, Refusal, Settings};

use crate::hands::{Hands, OUT, settings};
use crate::peer;

/// Room enough that only the rate holds anything up.
fn paced(rows: &[(&[u8], Rate)]) -> Settings {
    let mut settings = settings();
    settings.lines[0].window = 100;
    settings.limits.waiting_max = 100;
    settings.rates = rows.iter().map(|(name, rate)| (Bytes::from(*name), *rate)).collect::<Rates>();
    settings
}

fn per_second(most: u32) -> Rate {
    Rate { per_second: Some(most), ..Rate::default() }
}

fn ask(hands: &mut Hands, bank: &str) -> pabal_switch::ExchangeId {
    let open = hands.request(peer::transfer(bank, "110111222333", 5));
    hands.call(open)
}

fn left(hands: &mut Hands) -> usize {
    hands.take_frames(OUT).len()
}

#[test]
fn over_its_rate_a_compartment_waits_and_holds_up_no_other() {
    let mut hands = Hands::open_with(paced(&[(b"088", per_second(2))]));
    // Its opening took one of the two a moment ago.
    hands.after_secs(1);
    let asked: Vec<_> = (0..5).map(|_| ask(&mut hands, "088")).collect();
    assert_eq!(left(&mut hands), 2);
    assert_eq!(hands.core.exchange(asked[2]).unwrap().state, ExchangeState::Waiting);
    // They came first, and the other bank leaves before them.
    for _ in 0..5 {
        ask(&mut hands, "004");
    }
    assert_eq!(left(&mut hands), 5);
    hands.after(Duration::from_millis(999));
    assert_eq!(left(&mut hands), 0);
    hands.after(Duration::from_millis(1));
    assert_eq!(left(&mut hands), 2);
    hands.after_secs(1);
    assert_eq!(left(&mut hands), 1);
    assert_eq!(hands.core.status().waiting, 0);
}

#[test]
fn what_the_gateway_asks_for_itself_counts_too() {
    let mut hands = Hands::open_with(paced(&[(b"088", per_second(1))]));
    // The opening of this instant had the token.
    ask(&mut hands, "088");
    assert_eq!(left(&mut hands), 0);
    hands.after_secs(1);
    assert_eq!(left(&mut hands), 1);
}

#[test]
fn as_many_as_may_be_are_unanswered() {
    let mut hands = Hands::open_with(paced(&[(b"", Rate { in_flight: Some(2), ..Rate::default() })]));
    for _ in 0..3 {
        ask(&mut hands, "088");
        ask(&mut hands, "004");
    }
    let frames = hands.take_frames(OUT);
    assert_eq!(frames.len(), 4, "two of each bank");
    hands.receive(&peer::answer(&frames[0], "0000"));
    let next = hands.take_frame();
    assert_eq!(peer::at(&next, peer::BANK_CODE), peer::at(&frames[0], peer::BANK_CODE));
}

#[test]
fn where_none_may_wait_it_is_refused_with_when_to_come_again() {
    let refusing = Rate { per_second: Some(1), in_flight: Some(2), over: Over::Refuse };
    let mut hands = Hands::open_with(paced(&[(b"088", refusing)]));
    hands.after_secs(1);
    ask(&mut hands, "088");
    hands.after(Duration::from_millis(300));
    let open = hands.request(peer::transfer("088", "1", 5));
    let text = "1 requests for compartment `088` left in the last second, as many as may; retry after 700ms";
    assert_eq!(hands.core.open(open.clone(), hands.now), Err((Refusal::RateExceeded, text.to_owned())));
    hands.after(Duration::from_millis(700));
    ask(&mut hands, "088");
    hands.after_secs(1);
    let text = "2 requests for compartment `088` are unanswered, as many as may be";
    assert_eq!(hands.core.open(open, hands.now), Err((Refusal::RateExceeded, text.to_owned())));
    assert_eq!(left(&mut hands), 2);
}

fn limit(hands: &mut Hands, rate: Option<Rate>) {
    let compartment = Bytes::from(&b"088"[..]);
    crate::control::command(hands, Command::Limit { compartment, rate }).unwrap();
}

#[test]
fn a_rate_changes_at_once_and_is_given_back_to_the_configuration() {
    let mut hands = Hands::open_with(paced(&[(b"", per_second(1))]));
    hands.after_secs(1);
    let waits: Vec<_> = (0..6).map(|_| ask(&mut hands, "088")).collect();
    assert_eq!(left(&mut hands), 1);
    limit(&mut hands, Some(per_second(4)));
    assert_eq!(left(&mut hands), 3, "three tokens more");
    assert_eq!(hands.core.rate(b"088").per_second, Some(4));
    limit(&mut hands, None);
    assert_eq!((left(&mut hands), hands.core.rate(b"088").per_second), (0, Some(1)));
    hands.after_secs(2);
    assert_eq!(left(&mut hands), 2);
    assert_eq!(hands.core.exchange(waits[5]).unwrap().state, ExchangeState::Sent);
}

/// Of a compartment without a rate nothing is counted.
#[test]
fn what_left_before_a_rate_was_set_is_not_counted_and_what_left_before_it_was_changed_is() {
    let mut hands = Hands::open_with(paced(&[]));
    hands.after_secs(1);
    (0..5).for_each(|_| _ = ask(&mut hands, "088"));
    assert_eq!(left(&mut hands), 5);
    limit(&mut hands, Some(per_second(2)));
    (0..3).for_each(|_| _ = ask(&mut hands, "088"));
    assert_eq!((left(&mut hands), hands.core.status().waiting), (2, 1));
    limit(&mut hands, Some(per_second(3)));
    ask(&mut hands, "088");
    assert_eq!((left(&mut hands), hands.core.status().waiting), (1, 1), "two of the three had left");
}

/// A rate stands in the journal, and what has left by it does not: a new process takes it that all has, a moment ago.
#[test]
fn a_rate_holds_over_a_start_at_once() {
    for over in [Over::Wait, Over::Refuse] {
        let mut settings = paced(&[]);
        for line in &mut settings.lines {
            line.close_grace = Duration::from_millis(1);
            (line.reconnect_min, line.reconnect_max) = (Duration::from_millis(1), Duration::from_millis(1));
        }
        let mut hands = Hands::open_with(settings);
        limit(&mut hands, Some(Rate { over, ..per_second(2) }));
        hands.after_secs(1);
        (0..2).for_each(|_| _ = ask(&mut hands, "088"));
        assert_eq!(left(&mut hands), 2);
        let mut hands = hands.restart();
        assert_eq!(hands.core.rate(b"088").per_second, Some(2));
        hands.after(Duration::from_millis(2));
        assert_eq!(hands.connects.len(), 1, "nothing keeps it from connecting");
        hands.come_up();
        hands.after(Duration::from_millis(398));
        ask(&mut hands, "004");
        assert_eq!(left(&mut hands), 1, "a bank without a rate");
        if over == Over::Wait {
            (0..5).for_each(|_| _ = ask(&mut hands, "088"));
            hands.after(Duration::from_millis(599));
            assert_eq!((left(&mut hands), hands.core.status().waiting), (0, 5));
            hands.after(Duration::from_millis(1));
        } else {
            let open = hands.request(peer::transfer("088", "1", 5));
            let text = "2 requests for compartment `088` may have left before the gateway began again, as many as may; \
                        retry after 600ms";
            assert_eq!(hands.core.open(open, hands.now), Err((Refusal::RateExceeded, text.to_owned())));
            hands.after(Duration::from_millis(600));
            (0..2).for_each(|_| _ = ask(&mut hands, "088"));
        }
        assert_eq!(left(&mut hands), 2);
    }
}

#[test]
fn a_request_leaves_by_the_session_that_has_the_least_unanswered() {
    let mut settings = settings();
    settings.lines[0].sessions_max = 3;
    settings.lines[0].window = 4;
    let mut hands = Hands::cold(settings, pabal_switch::Recovery::new(), Hands::begin());
    for conn in std::mem::take(&mut hands.connects) {
        hands.connected(conn);
    }
    hands.accept();
    let in_flight = |hands: &Hands| {
        let sessions = hands.core.status().sessions;
        sessions.iter().filter(|one| &*one.line == "out").map(|one| one.in_flight).collect::<Vec<_>>()
    };
    for expected in [[1, 0, 0], [1, 1, 0], [1, 1, 1], [2, 1, 1], [2, 2, 1], [2, 2, 2]] {
        hands.transfer();
        assert_eq!(in_flight(&hands), expected);
    }
    // By which session each of them went: the frames of a line are kept in the order of their connections.
    let frames = hands.take_frames(OUT);
    let slot_of = |hands: &Hands, frame: &Vec<u8>| {
        let has = |stream: &Vec<u8>| stream.windows(frame.len()).any(|bytes| bytes == frame);
        hands.streams.iter().find(|(_, stream)| has(stream)).map(|(conn, _)| conn.session.slot).unwrap()
    };
    let by_second: Vec<_> = frames.iter().filter(|frame| slot_of(&hands, frame) == 1).cloned().collect();
    assert_eq!(by_second.len(), 2);
    for frame in &by_second {
        hands.receive(&peer::answer(frame, "0000"));
    }
    assert_eq!(in_flight(&hands), [2, 0, 2]);
    for expected in [[2, 1, 2], [2, 2, 2]] {
        hands.transfer();
        assert_eq!(in_flight(&hands), expected);
    }
    assert_eq!(OUT, LineId(0));
}
