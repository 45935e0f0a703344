//! Thirty-six banks behind one relay share its window.

use pabal_switch::{CloseReason, Connects, Direction, ExchangeId, LineSide, Recovery, Settings, WaitsBecause};

use crate::hands::{Hands, IN, OUT, line, settings};
use crate::peer;

const BANKS: usize = 36;

fn bank(at: usize) -> String {
    format!("{:03}", at + 1)
}

/// All banks are open, and the window is this.
fn relay(window: u32) -> Hands {
    let mut settings = settings();
    settings.lines[0].window = window;
    settings.limits.waiting_max = 200;
    settings.limits.events_max = 1_000;
    settings.parties[0].participants = (0..BANKS).map(|at| bank(at).as_bytes().into()).collect();
    let mut hands = Hands::cold(settings, Recovery::new(), Hands::begin());
    // An image at each step is slow, and shows nothing here.
    hands.swaps = false;
    hands.connect_pair();
    hands
}

fn ask(hands: &mut Hands, at: usize) -> ExchangeId {
    let mut open = hands.request(peer::transfer(&bank(at), "1", 5));
    open.deadline = hands.now.mono + std::time::Duration::from_secs(600);
    hands.call(open)
}

/// Takes what has left, and answers all but that of the silent ones; gives how many were answered.
fn answer_all_but(hands: &mut Hands, silent: usize) -> usize {
    let frames = hands.take_frames(OUT);
    let is_silent = |frame: &Vec<u8>| (0..silent).any(|at| peer::at(frame, peer::BANK_CODE) == bank(at));
    let answered: Vec<_> = frames.into_iter().filter(|frame| !is_silent(frame)).collect();
    for frame in &answered {
        hands.receive(&peer::answer(frame, "0000"));
    }
    answered.len()
}

/// Each silent bank has a hundred requests; every other bank is asked once, and not a second goes by until it is answered.
fn others_go_on(window: u32, silent: usize) {
    let mut hands = relay(window);
    for at in 0..silent {
        for _ in 0..100 {
            ask(&mut hands, at);
        }
    }
    assert_eq!(answer_all_but(&mut hands, silent), 0);
    for round in 0..2 {
        for at in silent..BANKS {
            let id = ask(&mut hands, at);
            while answer_all_but(&mut hands, silent) > 0 {}
            assert_eq!(
                hands.told(id),
                ["SUCCESS ANSWERED"],
                "window {window}, {silent} silent, bank {at}, round {round}"
            );
        }
        // The requests of the silent ones have had their time, and others of them take their places.
        hands.after_secs(30);
    }
    let status = hands.core.status();
    assert!(status.sessions[0].in_flight <= window);
}

#[test]
fn one_silent_bank_stops_no_other() {
    others_go_on(2, 1);
    others_go_on(4, 1);
    others_go_on(100, 1);
}

#[test]
fn half_as_many_silent_banks_as_there_are_places_stop_no_other() {
    others_go_on(4, 2);
    others_go_on(6, 3);
    others_go_on(100, 3);
}

#[test]
fn no_bank_stops_another_where_there_is_a_place_for_each() {
    others_go_on(36, 35);
    others_go_on(100, 35);
}

/// With fewer places than silent banks a bank waits, but no longer than a request may take: who has nothing in flight is first.
#[test]
fn a_bank_waits_for_one_answer_at_most() {
    for (window, silent) in [(1, 1), (2, 3), (4, 35)] {
        let mut hands = relay(window);
        for at in 0..silent {
            for _ in 0..100 {
                ask(&mut hands, at);
            }
        }
        let id = ask(&mut hands, silent);
        let rounds = silent.div_ceil(usize::try_from(window).unwrap());
        for _ in 0..rounds {
            answer_all_but(&mut hands, silent);
            hands.after_secs(30);
        }
        while answer_all_but(&mut hands, silent) > 0 {}
        assert_eq!(hands.told(id), ["SUCCESS ANSWERED"], "window {window}, {silent} silent");
    }
}

#[test]
fn each_bank_gets_as_much_as_the_others() {
    let mut hands = relay(12);
    let mut counts = [0; BANKS];
    for at in 0..BANKS {
        for _ in 0..20 {
            ask(&mut hands, at);
        }
    }
    while counts.iter().sum::<usize>() < 180 {
        for frame in hands.take_frames(OUT) {
            let code: usize = peer::at(&frame, peer::BANK_CODE).parse().unwrap();
            counts[code - 1] += 1;
            hands.receive(&peer::answer(&frame, "0000"));
        }
    }
    // The first one found an empty window.
    assert!(counts[0] <= 5 + 6 && counts[1..].iter().all(|count| (4..=6).contains(count)), "{counts:?}");
}

#[test]
fn openings_and_inquiries_have_no_place_of_their_own() {
    let mut hands = relay(4);
    let id = ask(&mut hands, 0);
    let frame = hands.take_frame();
    hands.after_secs(30);
    assert_eq!(hands.told(id), ["UNKNOWN NO_ANSWER"]);
    ask(&mut hands, 0);
    ask(&mut hands, 0);
    assert_eq!(hands.take_frames(OUT).len(), 2, "a bank takes half of four places");
    let inquiry = hands.inquire(id).unwrap();
    assert_eq!((hands.take_frames(OUT).len(), hands.core.status().waiting), (0, 1));
    hands.after_secs(30);
    let asked = hands.take_frame();
    assert_eq!(peer::at(&asked, peer::MESSAGE_TYPE), "7000");
    hands.receive(&peer::result(&asked, &frame, "0000", "0000", "0000000000005"));
    assert_eq!(hands.told(inquiry), ["SUCCESS ANSWERED"]);
}

#[test]
fn a_lost_session_gives_its_places_back() {
    let mut hands = relay(4);
    for _ in 0..4 {
        ask(&mut hands, 0);
    }
    assert_eq!(hands.take_frames(OUT).len(), 2);
    let conn = hands.conn(OUT);
    hands.closed(conn, CloseReason::PeerClosed);
    hands.after_secs(1);
    let again = hands.connects.pop().unwrap();
    hands.connected(again);
    assert_eq!(hands.take_frames(OUT).len(), 2, "what waited takes the places of the new connection");
    assert_eq!(hands.core.status().in_flight, 4);
}

#[test]
fn a_drain_that_is_over_gives_its_places_to_others_at_once() {
    use pabal_switch::{By, Command};
    for within in [0, 10] {
        let mut hands = relay(1);
        let (drained, other) = (ask(&mut hands, 0), ask(&mut hands, 1));
        assert_eq!(hands.take_frames(OUT).len(), 1);
        let within = std::time::Duration::from_secs(within);
        let drain = Command::DrainCompartment { compartment: bank(0).as_bytes().into(), within };
        hands.core.command(drain, By { actor: "kim".into(), reason: "".into() }, hands.now).unwrap();
        hands.after(within);
        assert_eq!(hands.told(drained), ["UNKNOWN DRAINED"]);
        assert_eq!(answer_all_but(&mut hands, 0), 1, "nothing else has happened");
        assert_eq!(hands.told(other), ["SUCCESS ANSWERED"]);
    }
}

/// Three slots that connect for each request, and as many requests of a bank: the third is up, and would leave no place to the other bank.
fn third_waits_on_its_connection(hours: bool) -> (Hands, Vec<ExchangeId>) {
    let mut both = line("both", LineSide::Initiator, Direction::Duplex);
    (both.sessions_max, both.window, both.connects) = (3, 1, Connects::PerExchange);
    let mut settings = Settings { lines: vec![both], ..settings() };
    settings.limits.waiting_max = 3;
    if hours {
        settings.hours.closed = vec![crate::hours::rule("every day 23:00 to 24:00", &[], &[])];
    }
    let mut hands = Hands::cold(settings, Recovery::new(), Hands::begin());
    let connect = |hands: &mut Hands| {
        while let Some(conn) = hands.connects.pop() {
            hands.connected(conn);
        }
    };
    // Both banks are opened, each by a connection of its own.
    connect(&mut hands);
    close_ours(&mut hands);
    let asked = (0..3).map(|_| hands.call(hands.request(peer::transfer("088", "1", 5)))).collect();
    connect(&mut hands);
    (hands, asked)
}

fn close_ours(hands: &mut Hands) {
    for (conn, ..) in std::mem::take(&mut hands.closes) {
        hands.closed(conn, CloseReason::PeerClosed);
    }
}

#[test]
fn a_slot_that_is_free_again_is_a_place_at_once() {
    let (mut hands, asked) = third_waits_on_its_connection(false);
    let frames = hands.take_frames(OUT);
    assert_eq!(frames.len(), 2);
    hands.receive(&peer::answer(&frames[0], "0000"));
    assert_eq!(hands.told(asked[0]), ["SUCCESS ANSWERED"]);
    assert_eq!(hands.take_frames(OUT).len(), 0, "the institution may still count that connection");
    close_ours(&mut hands);
    assert_eq!(hands.take_frames(OUT).len(), 1, "nothing else has happened");
}

#[test]
fn a_connection_is_closed_when_what_waited_on_it_may_not_leave_any_more() {
    let (mut hands, asked) = third_waits_on_its_connection(true);
    let frames = hands.take_frames(OUT);
    // 23:00 is over.
    hands.now.wall = pabal_clock::Wall::from_unix_micros((1_795_273_200 - 3_599) * 1_000_000);
    hands.receive(&peer::answer(&frames[0], "0000"));
    close_ours(&mut hands);
    assert_eq!(hands.told(asked[2]), ["error OUT_OF_HOURS"]);
    assert_eq!(hands.closes.iter().filter(|(_, reason, _)| *reason == CloseReason::Answered).count(), 1);
}

#[test]
fn one_bank_alone_has_the_whole_window() {
    let mut settings = settings();
    settings.parties[0].participants.truncate(1);
    let mut hands = Hands::open_with(settings);
    for _ in 0..4 {
        hands.transfer();
    }
    assert_eq!(hands.take_frames(OUT).len(), 4);
}

#[test]
fn an_operator_sees_why_requests_wait_and_how_a_compartment_drains() {
    use pabal_switch::{By, Command, Over, Rate};
    let mut hands = Hands::open();
    let waiting = |hands: &Hands| {
        let all = hands.core.status().waiting_by;
        all.iter()
            .map(|one| (one.compartment.readable(), one.waiting, one.in_flight, one.places, one.because))
            .collect::<Vec<_>>()
    };
    let ask = |hands: &mut Hands, bank: &str| {
        let open = hands.request(peer::transfer(bank, "1", 5));
        hands.call(open)
    };
    assert_eq!(waiting(&hands), []);
    for _ in 0..4 {
        ask(&mut hands, "088");
    }
    // Four places, two banks: one alone takes half.
    assert_eq!(waiting(&hands), [("088".into(), 2, 2, 4, WaitsBecause::Share)]);
    ask(&mut hands, "004");
    assert_eq!(waiting(&hands), [("088".into(), 2, 2, 4, WaitsBecause::Share)]);
    let mut act = |command| {
        hands.core.command(command, By { actor: "kim".into(), reason: "night work".into() }, hands.now).unwrap();
        hands.turn();
    };
    act(Command::DrainCompartment { compartment: b"088"[..].into(), within: std::time::Duration::from_secs(10) });
    let drains = |hands: &Hands| {
        let one = hands.core.status().compartments.remove(0);
        (one.compartment.readable(), one.in_flight, one.drains_until)
    };
    assert_eq!(waiting(&hands), []);
    assert_eq!(drains(&hands), ("088".into(), 2, Some(hands.now.mono + std::time::Duration::from_secs(10))));
    hands.after_secs(10);
    assert_eq!(drains(&hands), ("088".into(), 0, None), "it stays stopped");
    let rate = Rate { per_second: None, in_flight: Some(1), over: Over::Wait };
    hands
        .core
        .command(
            Command::Limit { compartment: b"004"[..].into(), rate: Some(rate) },
            By { actor: "kim".into(), reason: "x".into() },
            hands.now,
        )
        .unwrap();
    ask(&mut hands, "004");
    assert_eq!(waiting(&hands), [("004".into(), 1, 1, 4, WaitsBecause::Rate)]);
}

#[test]
fn no_request_waits_for_a_rate_where_there_is_none() {
    let because = |hands: &Hands| hands.core.status().waiting_by.iter().map(|one| one.because).collect::<Vec<_>>();
    // Half of the pair is gone.
    let mut hands = relay(4);
    (0..4).for_each(|_| _ = ask(&mut hands, 0));
    assert_eq!(because(&hands), [WaitsBecause::Share]);
    let conn = hands.conn(IN);
    hands.closed(conn, CloseReason::PeerClosed);
    assert_eq!(because(&hands), [WaitsBecause::Session]);
    // The connection is being made for it.
    let mut both = line("both", LineSide::Initiator, Direction::Duplex);
    (both.window, both.connects) = (1, Connects::PerExchange);
    let hands = Hands::cold(Settings { lines: vec![both], ..settings() }, Recovery::new(), Hands::begin());
    assert_eq!(because(&hands), [WaitsBecause::Session; 2], "each bank has its opening");
    // The socket has more than it may have unsent, and places are free.
    let mut settings = settings();
    (settings.lines[0].window, settings.lines[0].unsent_bytes_max) = (100, 600);
    let mut hands = Hands::open_with(settings);
    hands.socket_room = 0;
    (0..3).for_each(|_| _ = hands.transfer());
    assert_eq!(because(&hands), [WaitsBecause::Session]);
}

#[test]
fn all_compartments_together_have_a_bound_of_what_waits() {
    let mut hands = relay(1);
    let mut limits = hands.settings.limits.clone();
    (limits.waiting_max, limits.waiting_total_max) = (2, 3);
    hands.core.set_limits(limits, hands.now);
    // One leaves, three wait.
    let asked: Vec<_> = [0, 1, 1, 2].map(|at| ask(&mut hands, at)).into();
    let one_more = |hands: &mut Hands, at: usize| {
        let mut open = hands.request(peer::transfer(&bank(at), "1", 5));
        open.deadline = hands.now.mono + std::time::Duration::from_secs(600);
        hands.core.open(open, hands.now).unwrap_err()
    };
    let full = |text: &str| (pabal_switch::Refusal::QueueFull, text.to_owned());
    assert_eq!(one_more(&mut hands, 1), full("2 requests for compartment `002` wait already"));
    assert_eq!(one_more(&mut hands, 3), full("3 requests for the institution wait already"));
    // One that leaves, and one that is given up, make room.
    assert_eq!(answer_all_but(&mut hands, 0), 1);
    assert_eq!(hands.told(asked[0]), ["SUCCESS ANSWERED"]);
    hands.core.abandon(asked[3], hands.now);
    hands.turn();
    ask(&mut hands, 3);
    ask(&mut hands, 4);
    assert_eq!(one_more(&mut hands, 5), full("3 requests for the institution wait already"));
}
