//! Holes in the institution's numbers: who is asked, when, and what it may answer.

use std::collections::BTreeMap;
use std::time::Duration;

use pabal_clock::Wall;
use pabal_switch::{By, CloseReason, Command, Entry, Event, ExchangeId, GapEnd, Report, Settings};

use crate::hands::{Hands, OUT, settings, version};
use crate::peer;

/// From the beginning, into the next business date.
const HOURS_15: Duration = Duration::from_secs(15 * 3_600);

/// The questions that have left: bank and number.
fn questions(hands: &mut Hands) -> Vec<Vec<u8>> {
    let frames = hands.take_frames(OUT);
    frames.into_iter().filter(|frame| peer::at(frame, (24, 31)) == "4000200").collect()
}

fn numbers(questions: &[Vec<u8>]) -> Vec<String> {
    questions.iter().map(|frame| peer::at(frame, peer::TELEGRAM_NO).to_owned()).collect()
}

fn of_bank(bank: &str, number: u32) -> Vec<u8> {
    let mut notice = peer::deposit(number, 1_000);
    peer::put(&mut notice, peer::BANK_CODE, bank);
    notice
}

/// Deposits of bank 088 came but for these.
fn but(missing: &[u32], last: u32) -> Hands {
    but_with(settings(), missing, last)
}

fn but_with(settings: Settings, missing: &[u32], last: u32) -> Hands {
    let mut hands = Hands::open_with(settings);
    for number in (1..=last).filter(|number| !missing.contains(number)) {
        hands.receive(&peer::deposit(number, 1_000));
    }
    hands.take_frames(OUT);
    hands.hand_over();
    hands
}

fn closed(hands: &Hands) -> Vec<(Vec<(u64, u64)>, GapEnd)> {
    let entries = hands.entries().into_iter().filter_map(|entry| match entry {
        Entry::GapClosed(entry) => Some((entry.numbers, entry.reason)),
        _ => None,
    });
    entries.collect()
}

fn again(hands: Hands) -> Hands {
    let mut next = hands.restart();
    next.after_secs(21);
    next.connect_pair();
    next.take_frames(OUT);
    next
}

#[test]
fn a_number_that_is_missing_is_asked_for_under_its_own_number() {
    let mut hands = but(&[2], 3);
    hands.after_secs(29);
    assert_eq!(questions(&mut hands).len(), 0, "it may only be late");
    hands.after_secs(1);
    let asked = questions(&mut hands);
    assert_eq!(asked.len(), 1);
    // Who we are, the bank, what is asked, and the number and the date of the one that did not come.
    assert_eq!(peer::at(&asked[0], (0, 31)), "PABAL    COMPANY1    0884000200");
    assert_eq!(peer::at(&asked[0], (32, 46)), "00000220261121");
    assert_eq!(peer::at(&asked[0], (201, 209)), "20261121", "the date of the transaction, as the spec fills it");

    let answer = peer::gap_answer(&asked[0], 7_777);
    hands.receive(&answer);
    let delivery = hands.deliveries.pop().unwrap();
    assert_eq!(
        (&*delivery.rule, delivery.number.as_deref(), &delivery.telegram[..]),
        ("deposit", Some("000002"), &answer[..])
    );
    assert_eq!(delivery.protocol.catalog.layout(delivery.layout).name(), "deposit_gap");
    let accepted = hands.entries().into_iter().rev().find_map(|entry| match entry {
        Entry::Accepted(entry) => Some((entry.exchange, entry.about.trace.clone())),
        _ => None,
    });
    let (exchange, trace) = accepted.unwrap();
    assert_eq!(delivery.recovered_by, Some(exchange));
    assert_eq!(Some(delivery.trace), trace, "one trace for the question and what it found");
    assert_eq!(hands.take_frames(OUT).len(), 0, "nothing is replied to an answer");
    assert_eq!(hands.told(exchange), ["SUCCESS ANSWERED"]);
    hands.after_secs(3_600);
    assert_eq!(questions(&mut hands).len(), 0);
}

#[test]
fn one_that_was_only_late_is_not_asked_for() {
    let mut hands = but(&[2, 3], 4);
    hands.receive(&peer::deposit(3, 1_000));
    hands.after_secs(10);
    hands.receive(&peer::deposit(2, 1_000));
    hands.take_frames(OUT);
    hands.after_secs(3_600);
    assert_eq!(questions(&mut hands).len(), 0);
    assert_eq!(closed(&hands), []);
}

#[test]
fn a_fresh_notice_is_an_answer_too() {
    let mut hands = but(&[2], 3);
    hands.after_secs(30);
    let asked = questions(&mut hands);
    let in_flight = hands.core.status().in_flight;
    hands.receive(&peer::deposit(2, 1_000));
    assert_eq!((in_flight, hands.core.status().in_flight), (1, 0), "nobody waits for the other answer");
    let reply = hands.take_frame();
    assert_eq!(peer::at(&reply, peer::MESSAGE_TYPE), "4100", "it is replied to like any notice");
    assert_eq!(hands.deliveries.pop().unwrap().recovered_by, None);
    // The other answer comes all the same: it is no other notice.
    hands.receive(&peer::gap_answer(&asked[0], 1_000));
    assert_eq!(hands.deliveries.len(), 0);
    assert_eq!(hands.kinds().last(), Some(&"repeated"));
    hands.after_secs(3_600);
    assert_eq!(questions(&mut hands).len(), 0);
}

#[test]
fn one_that_comes_after_its_answer_is_the_same_notice() {
    let mut hands = but(&[2], 3);
    hands.after_secs(30);
    let asked = questions(&mut hands);
    hands.receive(&peer::gap_answer(&asked[0], 1_000));
    let found = hands.deliveries.pop().unwrap();
    hands.receive(&peer::deposit(2, 1_000));
    let fresh = hands.deliveries.pop().unwrap();
    assert_eq!((fresh.notice, fresh.repeated, fresh.recovered_by), (found.notice, true, None));
    assert_eq!(fresh.protocol.catalog.layout(fresh.layout).name(), "deposit");
    assert_eq!(peer::at(&hands.take_frame(), peer::MESSAGE_TYPE), "4100", "and is replied to");
    hands.receive(&peer::deposit(2, 9_999));
    assert_eq!(hands.kinds().last(), Some(&"unclaimed"));
}

#[test]
fn what_the_institution_does_not_have_is_closed_as_absent() {
    // "No such telegram number" closes a hole; a refusal of the question itself would not.
    let mut hands = Hands::open();
    for number in [1, 3] {
        hands.receive(&of_bank("004", number));
    }
    hands.take_frames(OUT);
    hands.after_secs(30);
    let asked = questions(&mut hands);
    hands.receive(&peer::answer(&asked[0], "0100"));
    assert_eq!(closed(&hands), [(vec![(2, 2)], GapEnd::Absent)]);
    hands.after_secs(3_600);
    assert_eq!(questions(&mut hands).len(), 0);
    assert!(!hands.events.iter().any(|event| matches!(event, Event::NumbersMissing { .. })));
    let mut next = again(hands);
    next.after_secs(3_600);
    assert_eq!(questions(&mut next).len(), 0, "nor after a restart");
}

#[test]
fn a_question_that_nobody_answers_is_asked_again_ever_more_slowly() {
    let mut hands = but(&[2], 3);
    hands.after_secs(30);
    assert_eq!(numbers(&questions(&mut hands)), ["000002"]);
    let mut times = Vec::new();
    for second in 1..=3_600 {
        hands.after_secs(1);
        if !questions(&mut hands).is_empty() {
            times.push(second);
        }
    }
    // 30 s for an answer and twice the time before it each time: 30 + .. + 1,800 at most.
    assert_eq!(times, [30, 90, 210, 450, 930, 1_890]);
    assert_eq!(hands.core.status().in_flight, 0);
}

#[test]
fn numbers_of_one_scope_are_asked_for_one_at_a_time() {
    let mut hands = but(&[2, 3, 4], 5);
    hands.after_secs(30);
    let mut asked = Vec::new();
    for _ in 0..3 {
        let one = questions(&mut hands);
        assert_eq!(one.len(), 1);
        hands.receive(&peer::gap_answer(&one[0], 1_000));
        assert_eq!(questions(&mut hands).len(), 0, "not at the same instant");
        hands.after_secs(1);
        asked.extend(numbers(&one));
    }
    assert_eq!(asked, ["000002", "000003", "000004"]);
    assert_eq!(questions(&mut hands).len(), 0);
}

#[test]
fn a_jump_by_ten_thousand_is_told_to_a_person_and_asks_nothing() {
    let mut hands = but(&[], 1);
    hands.receive(&peer::deposit(10_002, 1_000));
    hands.take_frames(OUT);
    let scope = "20261121088COMPANY1".to_owned();
    let missing = Event::NumbersMissing { rule: "deposit".into(), scope, count: 10_000, reason: GapEnd::TooMany };
    assert_eq!(hands.events.last(), Some(&missing));
    assert_eq!(closed(&hands), [(vec![(2, 10_001)], GapEnd::TooMany)]);
    hands.after_secs(3_600);
    assert_eq!(questions(&mut hands).len(), 0);
    // It goes on from there.
    hands.receive(&peer::deposit(10_004, 1_000));
    hands.take_frames(OUT);
    hands.after_secs(30);
    assert_eq!(numbers(&questions(&mut hands)), ["010003"]);
}

#[test]
fn a_thousand_holes_are_paced() {
    let mut hands = but(&[], 1);
    hands.swaps = false;
    hands.receive(&peer::deposit(1_002, 1_000));
    hands.take_frames(OUT);
    hands.after_secs(30);
    let mut asked = 0;
    for second in 1..=1_000 {
        let now = questions(&mut hands);
        asked += now.len();
        assert!(asked <= second);
        for question in &now {
            hands.receive(&peer::gap_answer(question, 1_000));
        }
        hands.after_secs(1);
    }
    assert_eq!(asked, 1_000);
    assert!(hands.core.undelivered(None, 10_000).len() <= 100, "what is kept is bounded by notices_max");
}

#[test]
fn each_of_many_banks_has_its_own_holes_and_questions_keep_to_the_window() {
    let banks: Vec<String> = (1..=36).map(|bank| format!("{bank:03}")).collect();
    let mut settings = settings();
    settings.parties[0].participants = banks.iter().map(|bank| bank.as_bytes().into()).collect();
    settings.lines[0].window = 10;
    let mut hands = Hands::open_with(settings);
    hands.swaps = false;
    hands.take_frames(OUT);
    for bank in &banks {
        for number in [1, 4] {
            hands.receive(&of_bank(bank, number));
        }
    }
    hands.take_frames(OUT);
    hands.after_secs(30);
    let mut asked: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for _ in 0..200 {
        let now = questions(&mut hands);
        assert!(hands.core.status().in_flight <= 10);
        for question in &now {
            let of_bank = asked.entry(peer::at(question, peer::BANK_CODE).to_owned()).or_default();
            of_bank.push(peer::at(question, peer::TELEGRAM_NO).to_owned());
        }
        for question in &now {
            hands.receive(&peer::gap_answer(question, 1_000));
        }
        hands.after(Duration::from_millis(100));
    }
    assert_eq!(asked.len(), 36);
    assert!(asked.values().all(|numbers| *numbers == ["000002", "000003"]), "{asked:?}");
}

#[test]
fn a_number_of_ours_that_is_in_flight_is_not_used() {
    let mut hands = but(&[2], 3);
    hands.transfer();
    let frame = hands.take_frame();
    assert_eq!(peer::at(&frame, peer::TELEGRAM_NO), "000002", "ours is on its way under the same number");
    hands.after_secs(29);
    hands.receive(&peer::answer(&frame, "VTIM"));
    let open = hands.request(peer::transfer("088", "1", 5));
    let _ = hands.call(open);
    hands.take_frames(OUT);
    hands.after_secs(1);
    assert_eq!(numbers(&questions(&mut hands)), ["000002"], "answered: nobody can mistake one for the other");

    let mut hands = but(&[2], 3);
    hands.after_secs(5);
    hands.transfer();
    hands.take_frame();
    hands.after_secs(29);
    assert_eq!(questions(&mut hands).len(), 0, "the transfer is not answered yet");
    hands.after_secs(3);
    assert_eq!(numbers(&questions(&mut hands)), ["000002"]);
}

#[test]
fn holes_survive_a_restart_and_a_checkpoint() {
    let mut hands = but(&[2, 3], 4);
    hands.after_secs(30);
    let asked = questions(&mut hands);
    hands.receive(&peer::gap_answer(&asked[0], 1_000));
    let mut next = again(hands);
    next.after_secs(30);
    assert_eq!(numbers(&questions(&mut next)), ["000003"]);
    let checkpoint = next.core.checkpoint(next.now);
    next.journal = vec![(checkpoint.kind().into(), checkpoint.encode(&|_| [1; 32]))];
    let mut last = again(next);
    last.after_secs(30);
    let asked = questions(&mut last);
    assert_eq!(numbers(&asked), ["000003"]);
    last.receive(&peer::gap_answer(&asked[0], 1_000));
    last.receive(&peer::deposit(6, 1_000));
    last.take_frames(OUT);
    last.after_secs(30);
    assert_eq!(numbers(&questions(&mut last)), ["000005"], "the highest number is known, too");
}

#[test]
fn what_is_missing_when_the_date_changes_is_told_and_not_asked_for_any_more() {
    let mut hands = but(&[2, 3, 6], 7);
    hands.opens = false;
    hands.pass_quietly(HOURS_15);
    hands.take_frames(OUT);
    assert_eq!(closed(&hands), [(vec![(2, 3), (6, 6)], GapEnd::DateChanged)]);
    let told = hands.events.iter().filter(|event| matches!(event, Event::NumbersMissing { count: 3, .. })).count();
    assert_eq!(told, 1);
    hands.receive(&peer::deposit(9, 1_000));
    hands.take_frames(OUT);
    hands.after_secs(3_600);
    assert_eq!(questions(&mut hands).len(), 0, "a notice of yesterday shows no hole of today");
}

#[test]
fn a_restart_on_the_next_date_tells_what_is_missing_of_the_last() {
    let mut hands = but(&[2], 3);
    let conn = hands.conn(OUT);
    hands.closed(conn, CloseReason::PeerClosed);
    let wall = hands.now.wall.as_unix_micros() + 15 * 3_600 * 1_000_000;
    hands.now.wall = Wall::from_unix_micros(wall);
    let next = hands.restart();
    assert_eq!(closed(&next), [(vec![(2, 2)], GapEnd::DateChanged)]);
    let next = next.restart();
    assert_eq!(closed(&next).len(), 1, "once");
}

#[test]
fn where_the_first_number_is_known_what_is_missing_before_it_is_a_hole() {
    let from =
        ("numbered per send_date bank_code company_no  gap", "numbered per send_date bank_code company_no from 1  gap");
    let mut hands = Hands::open_by(version(&[from], &[]), settings());
    hands.receive(&peer::deposit(2, 1_000));
    hands.take_frames(OUT);
    hands.after_secs(30);
    assert_eq!(numbers(&questions(&mut hands)), ["000001"]);
}

#[test]
fn a_lost_session_asks_again_when_one_is_up() {
    let mut hands = but(&[2], 3);
    let conn = hands.conn(OUT);
    hands.closed(conn, CloseReason::PeerClosed);
    hands.after_secs(31);
    hands.reconnect();
    hands.after_secs(31);
    assert_eq!(numbers(&questions(&mut hands)), ["000002"]);
}

#[test]
fn two_layouts_of_one_kind_are_numbered_together() {
    let mut hands = but(&[], 1);
    // The longer layout of the same telegram, as one bank sends it.
    let mut long = peer::deposit(3, 1_000);
    long.resize(400, b' ');
    hands.receive(&long);
    assert_eq!(hands.take_frame().len(), 400);
    assert_eq!(&*hands.deliveries.pop().unwrap().rule, "deposit_long");
    hands.receive(&peer::deposit(4, 1_000));
    hands.take_frames(OUT);
    hands.after_secs(30);
    let asked = questions(&mut hands);
    assert_eq!(numbers(&asked), ["000002"], "3 is no hole of the shorter ones");
    hands.receive(&peer::gap_answer(&asked[0], 1_000));
    hands.after_secs(3_600);
    assert_eq!(questions(&mut hands).len(), 0);
}

#[test]
fn a_question_in_the_queue_does_not_leave_when_the_notice_comes() {
    let mut hands = but(&[2], 3);
    // Bank 088 has taken all that it may.
    hands.transfer();
    hands.transfer();
    hands.after_secs(29);
    hands.take_frames(OUT);
    hands.transfer();
    hands.transfer();
    hands.take_frames(OUT);
    hands.after_secs(2);
    let asked = hands.entries().into_iter().filter_map(|entry| match entry {
        Entry::Accepted(entry) if &*entry.about.rule == "deposit_gap" => Some(entry.exchange),
        _ => None,
    });
    let asked: Vec<_> = asked.collect();
    let early = questions(&mut hands).len();
    hands.receive(&peer::deposit(2, 1_000));
    hands.after_secs(3_600);
    assert_eq!(early + questions(&mut hands).len(), 0, "{asked:?}");
}

/// A caller asks for deposit 2 of bank 088.
fn asked_by_hand(hands: &mut Hands) -> (ExchangeId, Vec<Vec<u8>>) {
    let mut telegram = vec![b' '; 300];
    peer::put(&mut telegram, peer::BANK_CODE, "088");
    peer::put(&mut telegram, (31, 46), "100000220261121");
    peer::put(&mut telegram, (201, 209), "20261121");
    let open = pabal_switch::Open { plan: hands.plan("deposit_gap"), ..hands.request(telegram) };
    (hands.call(open), questions(hands))
}

#[test]
fn a_question_by_hand_has_its_own_answer_though_the_notice_comes_by_itself() {
    let mut hands = but(&[2], 3);
    let (id, asked) = asked_by_hand(&mut hands);
    hands.receive(&peer::deposit(2, 1_000));
    assert_eq!(hands.told(id), [""; 0], "the caller wants what the answer says");
    hands.receive(&peer::gap_answer(&asked[0], 1_000));
    assert_eq!(hands.told(id), ["SUCCESS ANSWERED"]);
    let Some(Report::Outcome { answer, .. }) = hands.reports[&id].first() else { panic!("{:?}", hands.reports[&id]) };
    assert!(answer.is_some());
    hands.after_secs(3_600);
    assert_eq!(questions(&mut hands).len(), 0, "it is not missing any more");
}

#[test]
fn a_question_by_hand_finds_the_notice_too() {
    let mut hands = but(&[2], 3);
    let (id, asked) = asked_by_hand(&mut hands);
    hands.receive(&peer::gap_answer(&asked[0], 1_000));
    assert_eq!(hands.told(id), ["SUCCESS ANSWERED"]);
    assert_eq!(hands.deliveries.pop().unwrap().recovered_by, Some(id));
    hands.after_secs(3_600);
    assert_eq!(questions(&mut hands).len(), 0, "it is not missing any more");
}

#[test]
fn a_question_that_has_waited_does_not_leave_under_a_number_of_ours_that_is_in_flight() {
    let mut hands = but(&[5], 6);
    hands.after_secs(20);
    // Bank 088 has taken all that it may, with 2 and 3; behind them wait what will be 4 and 5.
    for _ in 0..4 {
        hands.transfer();
    }
    let first = hands.take_frames(OUT);
    assert_eq!(numbers(&first), ["000002", "000003"]);
    hands.after_secs(10);
    assert_eq!(questions(&mut hands).len(), 0, "it waits as well");
    for frame in &first {
        hands.receive(&peer::answer(frame, "0000"));
    }
    let second = hands.take_frames(OUT);
    assert_eq!(numbers(&second), ["000004", "000005"]);
    hands.receive(&peer::answer(&second[0], "0000"));
    assert_eq!(questions(&mut hands).len(), 0, "ours with 000005 is in flight");
    hands.receive(&peer::answer(&second[1], "0000"));
    hands.after_secs(60);
    assert_eq!(numbers(&questions(&mut hands)), ["000005"], "it is asked when nobody can mistake one for the other");
}

#[test]
fn a_fresh_notice_of_another_layout_is_read_by_its_own() {
    let mut hands = but(&[2], 3);
    let mut telegram = vec![b' '; 300];
    peer::put(&mut telegram, peer::BANK_CODE, "088");
    peer::put(&mut telegram, (31, 46), "100000220261121");
    peer::put(&mut telegram, (201, 209), "20261121");
    let open = pabal_switch::Open { plan: hands.plan("deposit_gap"), ..hands.request(telegram) };
    hands.call(open);
    let asked = questions(&mut hands);
    hands.receive(&peer::gap_answer(&asked[0], 1_000));
    let found = hands.deliveries.pop().unwrap();
    let mut long = peer::deposit(2, 1_000);
    long.resize(400, b' ');
    hands.receive(&long);
    let fresh = hands.deliveries.pop().unwrap();
    assert_eq!((fresh.notice, fresh.telegram.len()), (found.notice, 400));
    assert_eq!(fresh.protocol.catalog.layout(fresh.layout).name(), "deposit_long");
    assert_eq!(&*fresh.rule, "deposit_long");
}

#[test]
fn holes_of_numbers_that_never_begin_anew_are_of_the_date_on_which_they_were_seen() {
    let both = [
        ("given telegram_no send_date", "given telegram_no"),
        ("numbered per send_date bank_code company_no  gap", "numbered per bank_code company_no  gap"),
        ("numbered per send_date bank_code company_no  gap", "numbered per bank_code company_no  gap"),
    ];
    let mut hands = Hands::open_by(version(&both, &[]), settings());
    hands.receive(&peer::deposit(1, 1_000));
    hands.hand_over();
    hands.pass_quietly(HOURS_15);
    for number in [2, 4] {
        let mut notice = peer::deposit(number, 1_000);
        peer::put(&mut notice, peer::SEND_DATE, "20261122");
        hands.receive(&notice);
    }
    hands.take_frames(OUT);
    let mut next = again(hands);
    next.after_secs(30);
    assert_eq!(closed(&next), []);
    assert_eq!(numbers(&questions(&mut next)), ["000003"]);
}

#[test]
fn a_question_that_a_leap_of_the_clock_left_behind_is_still_the_only_one() {
    let mut hands = Hands::open_by(version(&[("deposit_gap after 30s", "deposit_gap after 5s")], &[]), settings());
    let day = |hands: &mut Hands, days: i64| {
        hands.now.wall = Wall::from_unix_micros(hands.now.wall.as_unix_micros() + days * 86_400_000_000);
        hands.core.handle_timeout(hands.now);
        hands.turn();
    };
    for number in [1, 3] {
        hands.receive(&peer::deposit(number, 1_000));
    }
    hands.after_secs(5);
    assert_eq!(numbers(&questions(&mut hands)), ["000002"]);
    day(&mut hands, 1);
    day(&mut hands, -1);
    for number in [4, 6] {
        hands.receive(&peer::deposit(number, 1_000));
    }
    hands.after_secs(20);
    assert_eq!(numbers(&questions(&mut hands)), [""; 0], "the first has not been answered");
    hands.after_secs(12);
    assert_eq!(numbers(&questions(&mut hands)), ["000005"], "its time is over");
}

#[test]
fn questions_that_nobody_answers_stop_no_other_bank_and_no_drain() {
    let mut settings = settings();
    settings.lines[0].window = 2;
    let mut hands = Hands::open_with(settings);
    hands.swaps = false;
    for number in (1..=199).step_by(2) {
        hands.receive(&peer::deposit(number, 1_000));
    }
    hands.take_frames(OUT);
    hands.after_secs(30);
    // A hundred holes of a silent bank, for an hour: one place at most, and the other bank always has one.
    for _ in 0..120 {
        assert!(hands.core.status().in_flight <= 1);
        let open = hands.request(peer::transfer("004", "1", 5));
        let id = hands.call(open);
        let frames = hands.take_frames(OUT);
        let transfer =
            frames.iter().find(|frame| peer::at(frame, peer::MESSAGE_TYPE) == "2000").expect("it leaves at once");
        hands.receive(&peer::answer(transfer, "0000"));
        assert_eq!(hands.told(id), ["SUCCESS ANSWERED"]);
        hands.after_secs(30);
    }
    while hands.core.status().in_flight == 0 {
        hands.after_secs(1);
    }
    hands.core.drain(hands.now.mono + Duration::from_secs(600), hands.now);
    hands.turn();
    assert_eq!(hands.closes.len(), 0, "the question may still be answered");
    hands.after_secs(31);
    assert_eq!(hands.closes.iter().filter(|(_, reason, _)| *reason == CloseReason::Drained).count(), 2);
    hands.take_frames(OUT);
    hands.after_secs(600);
    assert_eq!(questions(&mut hands).len(), 0, "nothing is asked any more");
}

/// The questions that were begun, whether or not a byte has left.
fn begun(hands: &Hands) -> usize {
    let is_question = |entry: &Entry| matches!(entry, Entry::Accepted(entry) if &*entry.about.rule == "deposit_gap");
    hands.entries().iter().filter(|entry| is_question(entry)).count()
}

#[test]
fn a_question_that_waits_for_its_socket_is_the_only_one_though_its_time_is_over() {
    let mut hands = but(&[2, 3], 4);
    hands.socket_room = 0;
    hands.after_secs(30);
    assert_eq!(begun(&hands), 1);
    hands.after_secs(60);
    assert_eq!(hands.core.status().in_flight, 0, "nobody waits for its answer any more");
    assert_eq!(begun(&hands), 1, "it may leave at any time, and no other one beside it");
    hands.socket_room = usize::MAX;
    hands.turn();
    assert_eq!(numbers(&questions(&mut hands)), ["000002"]);
    hands.after_secs(1);
    assert_eq!(numbers(&questions(&mut hands)).len(), 1, "now the next one may leave");
}

#[test]
fn a_question_that_waits_for_its_socket_is_the_only_one_though_its_tombstone_is_over() {
    for (keep, max) in [(5, 100), (3_600, 1)] {
        let mut settings = settings();
        settings.limits.tombstone_keep = Duration::from_secs(keep);
        settings.limits.tombstones_max = max;
        let mut hands = but_with(settings, &[2, 3], 4);
        hands.socket_room = 0;
        hands.after_secs(30);
        assert_eq!(begun(&hands), 1);
        let other = hands.request(peer::transfer("004", "1", 5));
        hands.call(other);
        hands.after_secs(90);
        assert_eq!(hands.core.status().in_flight, 0);
        assert_eq!(begun(&hands), 1, "it may leave at any time, and no other one beside it");
        hands.socket_room = usize::MAX;
        hands.turn();
        assert_eq!(numbers(&questions(&mut hands)), ["000002"]);
        hands.after_secs(1);
        assert_eq!(numbers(&questions(&mut hands)).len(), 1, "now the next one may leave");
    }
}

#[test]
fn a_number_of_ours_that_waits_for_its_socket_is_not_used_though_memory_holds_too_many_unknown() {
    let mut settings = settings();
    settings.limits.unknown_max = 1;
    let mut hands = but_with(settings, &[2], 3);
    hands.socket_room = 0;
    let transfers = ["088", "004"].map(|bank| {
        let open = hands.request(peer::transfer(bank, "1", 5));
        hands.call(open)
    });
    hands.after_secs(90);
    for id in transfers {
        assert_eq!(hands.told(id), ["UNKNOWN NO_ANSWER"]);
    }
    assert_eq!(begun(&hands), 0, "ours may leave under the same number at any time");
    assert_eq!(hands.core.status().unknown, 2);
    hands.socket_room = usize::MAX;
    hands.turn();
    assert_eq!(hands.take_frames(OUT).len(), 2);
    hands.transfer();
    hands.after_secs(30);
    assert_eq!(hands.core.status().unknown, 1, "what has left goes with the next one that is too many");
}

#[test]
fn a_question_that_will_not_leave_any_more_stops_no_other() {
    // The session ends before the socket took a byte of it.
    let mut hands = but(&[2], 3);
    hands.socket_room = 0;
    hands.after_secs(60);
    let conn = hands.conn(OUT);
    hands.closed(conn, CloseReason::PeerClosed);
    hands.socket_room = usize::MAX;
    hands.reconnect();
    hands.after_secs(61);
    assert_eq!(numbers(&questions(&mut hands)), ["000002"]);
}

#[test]
fn a_number_of_ours_that_waits_for_its_socket_is_not_used() {
    let mut hands = but(&[2], 3);
    hands.socket_room = 0;
    let transfer = hands.transfer();
    hands.after_secs(90);
    assert_eq!(hands.told(transfer), ["UNKNOWN NO_ANSWER"]);
    assert_eq!(begun(&hands), 0, "ours may leave under the same number at any time");
    hands.socket_room = usize::MAX;
    hands.turn();
    let sent = hands.take_frames(OUT);
    assert_eq!((sent.len(), peer::at(&sent[0], peer::TELEGRAM_NO)), (1, "000002"));
    hands.after_secs(1);
    assert_eq!(numbers(&questions(&mut hands)), ["000002"]);
}

/// Deposit 1 came while the wall clock showed tomorrow, and again when it was set back: by its first coming it is a notice of
/// tomorrow, by its stamp one of today. Then 3 came.
fn leapt_to_tomorrow_and_back() -> Hands {
    let mut hands = Hands::open();
    for (days, number) in [(1, 1), (-1, 1), (0, 3)] {
        hands.now.wall = Wall::from_unix_micros(hands.now.wall.as_unix_micros() + days * 86_400_000_000);
        hands.core.handle_timeout(hands.now);
        hands.turn();
        hands.receive(&peer::deposit(number, 1_000));
    }
    hands.take_frames(OUT);
    hands.hand_over();
    let of: Vec<_> = hands
        .entries()
        .into_iter()
        .filter_map(|entry| match entry {
            Entry::NoticeReceived(entry) => Some((entry.about.date.to_string(), entry.numbered.map(|one| one.number))),
            _ => None,
        })
        .collect();
    let of: Vec<_> = of.iter().map(|(date, number)| (date.as_str(), *number)).collect();
    assert_eq!(of, [("2026-11-22", None), ("2026-11-22", Some(1)), ("2026-11-21", Some(3))]);
    hands
}

#[test]
fn numbers_that_an_entry_says_are_of_tomorrow_are_not_asked_for_then() {
    let mut hands = leapt_to_tomorrow_and_back();
    hands.now.wall = Wall::from_unix_micros(hands.now.wall.as_unix_micros() + 15 * 3_600 * 1_000_000);
    let mut next = again(hands);
    next.after_secs(3_600);
    assert_eq!(numbers(&questions(&mut next)), [""; 0], "they are of yesterday, whatever their entry says");
    assert_eq!(closed(&next), [(vec![(2, 2)], GapEnd::DateChanged)]);
}

#[test]
fn numbers_of_today_are_asked_for_though_an_entry_says_that_they_are_of_tomorrow() {
    let mut next = again(leapt_to_tomorrow_and_back());
    next.after_secs(30);
    assert_eq!(closed(&next), []);
    let asked = questions(&mut next);
    assert_eq!(numbers(&asked), ["000002"]);
    assert_eq!(peer::at(&asked[0], peer::SEND_DATE), "20261121");
}

#[test]
fn numbers_of_yesterday_are_not_asked_for_between_midnight_and_the_change_of_the_business_date() {
    let mut hands = Hands::open_by(version(&[("changes 00:00", "changes 00:05")], &[]), settings());
    // 23:59:50.
    hands.pass_quietly(HOURS_15 - Duration::from_secs(3_600 + 10));
    for number in [1, 3] {
        hands.receive(&peer::deposit(number, 1_000));
    }
    hands.take_frames(OUT);
    hands.after_secs(60);
    assert_eq!(numbers(&questions(&mut hands)), [""; 0], "it would leave with yesterday's date");
    assert_eq!(closed(&hands), [(vec![(2, 2)], GapEnd::DateChanged)]);
}

#[test]
fn of_one_scope_too_many_the_oldest_is_not_followed_any_more_and_a_person_is_told() {
    // As many scopes as are followed: a bank, and one of our names.
    let of_scope = |scope: u32, number: u32| {
        let mut notice = of_bank(&format!("{:03}", scope % 1_000), number);
        peer::put(&mut notice, (9, 21), &format!("C{:02}         ", scope / 1_000));
        notice
    };
    let mut hands = Hands::open();
    hands.swaps = false;
    for number in [1, 4] {
        hands.receive(&of_scope(0, number));
    }
    for scope in 1..2_000 {
        hands.receive(&of_scope(scope, 1));
    }
    let told = |hands: &Hands| {
        let is_told = |event: &&Event| matches!(event, Event::SequenceEvicted { .. } | Event::NumbersMissing { .. });
        hands.events.iter().filter(is_told).cloned().collect::<Vec<_>>()
    };
    assert_eq!(told(&hands), []);
    hands.receive(&peer::deposit(1, 1_000));
    let (rule, scope): (Box<str>, _) = ("deposit".into(), "20261121000C00".to_owned());
    let missing =
        Event::NumbersMissing { rule: rule.clone(), scope: scope.clone(), count: 2, reason: GapEnd::NotFollowed };
    assert_eq!(told(&hands), [missing, Event::SequenceEvicted { rule, scope }]);
    assert_eq!(closed(&hands), [(vec![(2, 3)], GapEnd::NotFollowed)]);
    hands.after_secs(60);
    assert_eq!(questions(&mut hands).len(), 0);
    // The next process follows the same ones.
    let mut next = again(hands);
    next.swaps = false;
    next.receive(&peer::deposit(3, 1_000));
    next.after_secs(30);
    assert_eq!(closed(&next).len(), 1);
    assert_eq!(told(&next), []);
    assert_eq!(numbers(&questions(&mut next)), ["000002"], "of the one that came last");
}

#[test]
fn what_was_due_while_the_institution_was_stopped_is_asked_for_when_it_is_started() {
    let by = || By { actor: "kim".into(), reason: "night work".into() };
    let mut hands = but(&[2], 3);
    hands.core.command(Command::DrainInstitution { within: Duration::ZERO }, by(), hands.now).unwrap();
    hands.turn();
    for conn in hands.open_conns.clone().into_iter().chain(hands.closes.clone().into_iter().map(|close| close.0)) {
        hands.closed(conn, CloseReason::PeerClosed);
    }
    hands.after_secs(60);
    hands.core.command(Command::StartInstitution, by(), hands.now).unwrap();
    hands.turn();
    hands.come_up();
    hands.after_secs(1);
    assert_eq!(numbers(&questions(&mut hands)), ["000002"]);
}
