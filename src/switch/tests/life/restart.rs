use std::time::Duration;

use pabal_clock::Wall;
use pabal_switch::{
    CloseReason, Core, Entry, ExchangeState, NotFenced, Opened, OpeningState, Output, Recovery, Refusal, SessionState,
};

use crate::hands::{Hands, OUT, institution};
use crate::peer;

fn again(hands: Hands) -> Hands {
    let mut next = hands.restart();
    // The connection of the process before may still count.
    assert_eq!(next.core.status().sessions[0].state, SessionState::Closing);
    next.after_secs(20 + 1);
    next.connect_pair();
    next
}

#[test]
fn what_was_only_accepted_never_left() {
    let mut hands = Hands::open();
    hands.transfer();
    hands.transfer();
    let mut open = hands.request(peer::transfer("088", "1", 5));
    open.idempotency_key = Some("order-1".into());
    let waiting = hands.call(open.clone());
    let mut next = again(hands);
    assert_eq!(next.told(waiting), ["FAILURE NOT_SENT STOPPED"]);
    // Its key is answered from it, not sent anew.
    assert_eq!(next.try_open(open), Ok(Opened::Known(waiting)));
    assert_eq!(next.told(waiting).last().map(String::as_str), Some("FAILURE NOT_SENT STOPPED"));
    assert_eq!(next.take_frames(OUT).len(), 0);
}

#[test]
fn what_was_sending_is_unknown_and_a_late_answer_settles_it() {
    let mut hands = Hands::open();
    let id = hands.transfer();
    let frame = hands.take_frame();
    let mut next = again(hands);
    assert_eq!(next.told(id), ["UNKNOWN RESTARTED"]);
    assert_eq!(next.core.exchange(id).unwrap().state, ExchangeState::Unknown);
    next.receive(&peer::answer(&frame, "0000"));
    assert_eq!(next.told(id), ["UNKNOWN RESTARTED", "SUCCESS LATE"]);
}

#[test]
fn what_was_unknown_can_be_asked_about_after_a_restart() {
    let mut hands = Hands::open();
    let id = hands.transfer();
    let transfer = hands.take_frame();
    hands.after_secs(30);
    let mut next = again(hands);
    assert_eq!(next.told(id), [""; 0], "it was told before");
    next.inquire(id).unwrap();
    let frame = next.take_frame();
    assert_eq!(peer::at(&frame, (100, 106)), peer::at(&transfer, peer::TELEGRAM_NO));
    next.receive(&peer::result(&frame, &transfer, "0000", "0000", "0000000010000"));
    assert_eq!(next.told(id), ["SUCCESS INQUIRY"]);
}

#[test]
fn the_schedule_goes_on_after_a_restart() {
    let mut hands = Hands::open();
    hands.transfer();
    hands.after_secs(30);
    let mut next = again(hands);
    next.after_secs(300);
    let frames = next.take_frames(OUT);
    assert_eq!(frames.iter().map(|frame| peer::at(frame, peer::MESSAGE_TYPE)).collect::<Vec<_>>(), ["7000"]);
}

#[test]
fn what_was_settled_stays_settled() {
    let mut hands = Hands::open();
    let id = hands.transfer();
    let frame = hands.take_frame();
    hands.receive(&peer::answer(&frame, "0000"));
    let mut next = again(hands);
    next.receive(&peer::answer(&frame, "0000"));
    assert_eq!(next.kinds().last(), Some(&"repeated"));
    assert_eq!(next.told(id), [""; 0]);
}

#[test]
fn no_number_is_used_twice_whatever_was_lost() {
    let mut hands = Hands::open();
    hands.transfer();
    let used = peer::at(&hands.take_frame(), peer::TELEGRAM_NO).to_owned();
    assert_eq!(used, "000002");
    // A second one has left the queue but not the disk's cache: the process dies.
    hands.is_durable = false;
    hands.transfer();
    hands.undurable.clear();
    let mut next = again(hands);
    next.transfer();
    assert_eq!(peer::at(&next.take_frame(), peer::TELEGRAM_NO), "000011", "behind the block of ten that was reserved");
}

#[test]
fn a_block_of_numbers_never_goes_back() {
    let mut hands = Hands::open();
    let mut firsts = hands.journal.clone();
    firsts.retain(|(kind, _)| kind == "number_block");
    assert_eq!(firsts.len(), 2, "one for each bank");
    for _ in 0..10 {
        hands.transfer();
        let frame = hands.take_frame();
        hands.receive(&peer::answer(&frame, "0000"));
    }
    assert_eq!(hands.kinds().iter().filter(|kind| **kind == "number_block").count(), 3, "bank 088 has a second one");
    hands.journal.extend(firsts);
    let mut next = again(hands);
    next.transfer();
    assert_eq!(peer::at(&next.take_frame(), peer::TELEGRAM_NO), "000021");
}

#[test]
fn an_open_day_stays_open() {
    let hands = Hands::open();
    let mut next = hands.restart();
    assert_eq!(next.core.status().openings[0].state, OpeningState::Open);
    next.after_secs(20 + 1);
    next.opens = false;
    next.connect_pair();
    assert_eq!(next.take_frames(OUT).len(), 0, "nothing is opened again");
}

#[test]
fn epochs_go_on() {
    let hands = Hands::open();
    let next = again(hands);
    assert_eq!(next.conn(OUT).epoch.0, 2);
}

/// The next process holds the slot of the line that we connect, for the close grace and no longer.
fn is_held(mut next: Hands) {
    assert_eq!(next.core.status().sessions[0].state, SessionState::Closing);
    next.after(Duration::from_millis(19_999));
    assert!(next.connects.is_empty(), "the peer may still count a connection");
    next.after_secs(2);
    assert_eq!(next.connects.len(), 1);
}

#[test]
fn a_close_that_the_peer_may_not_have_seen_holds_its_slot_after_a_restart_too() {
    let mut closing = Hands::open();
    let conn = closing.conn(OUT);
    closing.lives = false;
    closing.after_secs(311);
    assert!(closing.closes.contains(&(conn, CloseReason::PollUnanswered, true)));
    is_held(closing.restart());

    let mut broken = Hands::open();
    let conn = broken.conn(OUT);
    broken.closed(conn, CloseReason::IoError);
    is_held(broken.restart());
}

#[test]
fn a_checkpoint_says_that_a_slot_is_held() {
    let mut next = Hands::open().restart();
    assert_eq!(next.core.status().sessions[0].state, SessionState::Closing);
    let entry = next.core.checkpoint(next.now);
    next.journal = vec![(entry.kind().into(), entry.encode(&|_| [0; 32]))];
    is_held(next.restart());
}

#[test]
fn a_connection_that_was_being_made_holds_its_slot_after_a_restart() {
    let mut hands = Hands::open();
    let conn = hands.conn(OUT);
    hands.closed(conn, CloseReason::PeerClosed);
    hands.after_secs(2);
    assert_eq!(hands.core.status().sessions[0].state, SessionState::Connecting);
    is_held(hands.restart());
}

#[test]
fn a_clean_stop_holds_no_slot_whose_end_the_peer_has_seen() {
    let mut hands = Hands::open();
    let conn = hands.conn(OUT);
    hands.core.drain(hands.now.mono + Duration::from_secs(10), hands.now);
    hands.turn();
    hands.closed(conn, CloseReason::PeerClosed);
    assert_eq!(hands.restart().connects.len(), 1);

    let mut down = Hands::open();
    let conn = down.conn(OUT);
    down.closed(conn, CloseReason::PeerClosed);
    down.core.drain(down.now.mono + Duration::from_secs(10), down.now);
    down.turn();
    assert_eq!(down.restart().connects.len(), 1);

    let mut unseen = Hands::open();
    let conn = unseen.conn(OUT);
    unseen.core.drain(unseen.now.mono + Duration::from_secs(10), unseen.now);
    unseen.turn();
    unseen.closed(conn, CloseReason::Drained);
    is_held(unseen.restart());
}

#[test]
fn keys_and_fences_are_remembered() {
    let mut hands = Hands::open();
    let mut open = hands.request(peer::transfer("088", "1", 5));
    open.idempotency_key = Some("order-1".into());
    let id = hands.call(open.clone());
    let frame = hands.take_frame();
    hands.receive(&peer::answer(&frame, "0000"));
    let ticket = hands.core.fence("teller", "order-2", hands.now).unwrap();
    hands.turn();
    assert!(ticket.0 > 0);
    assert_eq!(hands.core.fence("teller", "order-1", hands.now), Err(NotFenced::Used(id)));
    let mut next = again(hands);
    assert_eq!(next.try_open(open.clone()), Ok(Opened::Known(id)));
    assert_eq!(next.told(id), ["SUCCESS ANSWERED"]);
    let mut other = next.request(peer::transfer("088", "1", 6));
    other.idempotency_key = Some("order-1".into());
    assert_eq!(next.try_open(other), Err(Refusal::KeyReused));
    open.idempotency_key = Some("order-2".into());
    assert_eq!(next.try_open(open), Err(Refusal::KeyFenced));
}

#[test]
fn a_checkpoint_says_the_same_as_all_entries_before_it() {
    let mut hands = Hands::open();
    let mut keyed = hands.request(peer::transfer("088", "1", 5));
    keyed.idempotency_key = Some("order-1".into());
    let answered = hands.call(keyed.clone());
    let frame = hands.take_frame();
    hands.receive(&peer::answer(&frame, "0000"));
    let unknown = hands.transfer();
    let lost = hands.take_frame();
    hands.after_secs(30);
    hands.receive(&peer::deposit(1, 50_000));
    hands.core.fence("teller", "order-2", hands.now).unwrap();
    hands.turn();
    let sent = hands.transfer();
    hands.take_frames(OUT);

    let checkpoint = hands.core.checkpoint(hands.now);
    let body = checkpoint.encode(&|_| [1; 32]);
    hands.journal = vec![(checkpoint.kind().into(), body)];
    let mut next = again(hands);
    assert_eq!(next.told(sent), ["UNKNOWN RESTARTED"]);
    assert_eq!(next.try_open(keyed.clone()), Ok(Opened::Known(answered)));
    keyed.idempotency_key = Some("order-2".into());
    assert_eq!(next.try_open(keyed), Err(Refusal::KeyFenced));
    next.receive(&peer::answer(&frame, "0000"));
    assert_eq!(next.kinds().last(), Some(&"repeated"), "the tombstone is there");
    next.receive(&peer::answer(&lost, "0000"));
    assert_eq!(next.told(unknown), ["SUCCESS LATE"]);
    next.receive(&peer::deposit(1, 50_000));
    assert!(next.deliveries.iter().all(|delivery| delivery.repeated), "the notice is known");
    let id = next.transfer();
    let frame = next.take_frames(OUT).pop().unwrap();
    assert_eq!(peer::at(&frame, peer::TELEGRAM_NO), "000011");
    next.receive(&peer::answer(&frame, "0000"));
    assert_eq!(next.told(id), ["SUCCESS ANSWERED"]);
}

#[test]
fn a_key_that_was_dropped_does_not_come_back_as_blanks() {
    let mut settings = crate::hands::settings();
    settings.limits.tombstone_keep = Duration::from_secs(100);
    let mut hands = Hands::open_with(settings);
    let mut open = hands.request(peer::transfer("088", "1", 5));
    open.idempotency_key = Some("order-1".into());
    let id = hands.call(open.clone());
    let frame = hands.take_frame();
    hands.receive(&peer::answer(&frame, "0000"));
    hands.after_secs(101);
    let entry = hands.core.checkpoint(hands.now);
    hands.journal = vec![(entry.kind().into(), entry.encode(&|_| [0; 32]))];
    let mut next = again(hands);
    let mut blank = peer::answer(&frame, "9999");
    for field in &next.institution.protocols[0].rules.key {
        blank[field.range()].fill(b' ');
    }
    next.receive(&blank);
    assert_eq!(next.kinds().last(), Some(&"unclaimed"));
    open.deadline = next.now.mono + Duration::from_secs(60);
    assert_eq!(next.try_open(open), Ok(Opened::Known(id)), "its idempotency key is still known");
}

#[test]
fn an_entry_reads_as_it_was_written_and_nothing_else_does() {
    let mut hands = Hands::open();
    hands.transfer();
    let frame = hands.take_frame();
    hands.receive(&peer::answer(&frame, "0000"));
    hands.receive(&peer::deposit(1, 50_000));
    for (kind, body) in &hands.journal {
        let entry = Entry::decode(kind, Entry::VERSION, body).unwrap();
        assert_eq!(entry.encode(&|_| [9; 32]), *body, "{kind}: what is stored is stored the same again");
        assert!(Entry::decode(kind, 0, body).is_err() && Entry::decode(kind, Entry::VERSION + 1, body).is_err());
        assert!(Entry::decode("accepted_", Entry::VERSION, body).is_err());
        let other = if kind == "sending" { "outcome" } else { "sending" };
        assert!(Entry::decode(other, Entry::VERSION, body).is_err(), "{kind} is no {other}");
        assert!(Entry::decode(kind, Entry::VERSION, &[body, &b"x"[..]].concat()).is_err(), "nothing more is behind it");
        assert!(Entry::decode(kind, Entry::VERSION, &body[..body.len() - 1]).is_err(), "and nothing less");
    }
}

#[test]
fn nothing_is_known_at_first() {
    let hands = Hands::cold(crate::hands::settings(), Recovery::new(), Hands::begin());
    assert_eq!(hands.journal.iter().map(|(kind, _)| &**kind).collect::<Vec<_>>(), ["session"]);
    assert_eq!(hands.connects.len(), 1);
}

/// A crash in between would leave the next process with slots that look free, and more connections than the contract allows.
#[test]
fn nobody_connects_before_it_is_durable_that_the_slot_may_be_in_use() {
    let now = Hands::begin();
    let mut core = Core::new(vec![institution()], crate::hands::settings(), Recovery::new(), 7, now);
    let Some(Output::Append { ticket, entries }) = core.poll_output() else { panic!("an entry comes first") };
    assert_eq!(entries.iter().map(Entry::kind).collect::<Vec<_>>(), ["session"]);
    let connects = |core: &mut Core| {
        std::iter::from_fn(|| core.poll_output()).filter(|output| matches!(output, Output::Connect { .. })).count()
    };
    assert_eq!(connects(&mut core), 0);
    core.handle_durable(ticket, now);
    assert_eq!(connects(&mut core), 1);
    // And whoever comes behind a crash in between holds it.
    let mut recovery = Recovery::new();
    entries.into_iter().for_each(|entry| recovery.fold(entry));
    let next = Core::new(vec![institution()], crate::hands::settings(), recovery, 8, now);
    assert_eq!(next.status().sessions[0].state, SessionState::Closing);
}

#[test]
fn the_schedule_of_inquiries_goes_on_over_starts() {
    let mut hands = Hands::open();
    let id = hands.transfer();
    hands.after_secs(30);
    assert_eq!(hands.told(id), ["UNKNOWN NO_ANSWER"]);
    let state = |hands: &Hands| hands.core.exchange(id).unwrap().state;
    let mut next = hands;
    // Asked is 300 seconds after it became UNKNOWN, and each start is sooner than that: 2 x (100 + 21) + 58.
    for _ in 0..2 {
        next.after_secs(100);
        next = again(next);
    }
    next.after_secs(57);
    assert_eq!(state(&next), ExchangeState::Unknown);
    next.after_secs(1);
    assert_eq!(state(&next), ExchangeState::Inquiring);
    // And 300 seconds after it was asked about: 30 + 100 + 21 + 21 + 127. A checkpoint says the same.
    next.after_secs(130);
    assert_eq!(state(&next), ExchangeState::Unknown);
    let mut next = again(next);
    let entry = next.core.checkpoint(next.now);
    next.journal = vec![(entry.kind().into(), entry.encode(&|_| [0; 32]))];
    let mut next = again(next);
    next.after_secs(127);
    assert_eq!(state(&next), ExchangeState::Unknown);
    next.after_secs(1);
    assert_eq!(state(&next), ExchangeState::Inquiring);
}

#[test]
fn what_cannot_be_asked_after_a_start_is_asked_soon() {
    let mut hands = Hands::open();
    let id = hands.transfer();
    hands.after_secs(30 + 299);
    let mut next = hands.restart();
    // It is due while the connections of the process before still count.
    next.after_secs(10);
    assert_eq!(next.core.exchange(id).unwrap().state, ExchangeState::Unknown);
    next.after_secs(11);
    next.connect_pair();
    next.after_secs(19);
    assert_eq!(next.core.exchange(id).unwrap().state, ExchangeState::Inquiring);
}

#[test]
fn what_is_asked_about_in_time_still_is_when_a_restart_comes_between() {
    let mut hands = Hands::open();
    // UNKNOWN at 23:19:00, asked about at 23:24:00; the spec asks until 23:25.
    hands.now.wall = Wall::from_unix_seconds(1_795_273_200 - 41 * 60 - 30);
    let open = hands.request(peer::transfer("004", "110111222333", 10_000));
    let id = hands.call(open);
    hands.after_secs(30);
    hands.after_secs(200);
    let mut next = again(hands);
    assert_eq!(next.core.exchange(id).unwrap().state, ExchangeState::Unknown);
    next.after_secs(100);
    assert_eq!(next.core.exchange(id).unwrap().state, ExchangeState::Inquiring);
}

#[test]
fn a_late_copy_of_an_answer_is_no_answer_to_an_older_request_with_its_number() {
    let mut hands = Hands::open();
    let ask = |hands: &mut Hands| {
        let mut open = hands.request(crate::given::gap(17));
        open.plan = hands.plan("deposit_gap");
        let id = hands.call(open);
        (id, hands.take_frame())
    };
    let (older, _) = ask(&mut hands);
    hands.after_secs(30);
    assert_eq!(hands.told(older), ["UNKNOWN NO_ANSWER"]);
    let (newer, frame) = ask(&mut hands);
    hands.receive(&peer::answer(&frame, "0000"));
    assert_eq!(hands.told(newer), ["SUCCESS ANSWERED"]);
    let mut next = again(hands);
    next.receive(&peer::answer(&frame, "0000"));
    assert_eq!((next.told(older), next.kinds().last()), (Vec::new(), Some(&"repeated")));
}

#[test]
fn what_is_unknown_early_is_asked_about_in_its_time_however_often_a_process_starts() {
    for by_checkpoint in [false, true] {
        let mut hands = Hands::open();
        let mut open = hands.request(peer::transfer("004", "110111222333", 10_000));
        (open.deadline, open.accepts_early_unknown) = (hands.now.mono + Duration::from_secs(10), true);
        let id = hands.call(open);
        let asked = hands.now.mono;
        // The caller hears at 10, its time is over at 30, and it is asked about 300 later.
        hands.after_secs(10);
        assert_eq!(hands.told(id), ["UNKNOWN CALLER_DEADLINE"]);
        for stays_up in [5, 100] {
            hands.after_secs(stays_up);
            if by_checkpoint {
                let checkpoint = hands.core.checkpoint(hands.now);
                hands.journal = vec![(checkpoint.kind().into(), checkpoint.encode(&|_| [0; 32]))];
            }
            hands = again(hands);
        }
        let left = (asked + Duration::from_secs(330)).since(hands.now.mono);
        hands.after(left - Duration::from_millis(1));
        assert_eq!(hands.core.exchange(id).unwrap().state, ExchangeState::Unknown);
        hands.after(Duration::from_millis(1));
        assert_eq!(hands.core.exchange(id).unwrap().state, ExchangeState::Inquiring);
    }
}

#[test]
fn what_a_person_is_to_look_at_stays_on_the_list_when_that_person_asks_in_vain() {
    let mut hands = Hands::open();
    // UNKNOWN at 23:22: its first inquiry would come after 23:25, until when the spec asks. A later one, 30 s on, would not.
    hands.now.wall = Wall::from_unix_seconds(1_795_273_200 - 38 * 60 - 30);
    let id = hands.transfer();
    hands.take_frame();
    hands.after_secs(30);
    assert_eq!(hands.core.exchange(id).unwrap().state, ExchangeState::Listed);
    hands.inquire(id).unwrap();
    hands.take_frame();
    assert_eq!(hands.core.exchange(id).unwrap().state, ExchangeState::Inquiring);
    let checkpoint = hands.core.checkpoint(hands.now);
    hands.after_secs(30);
    assert_eq!(hands.core.exchange(id).unwrap().state, ExchangeState::Listed);
    let listed = |hands: &Hands| hands.kinds().iter().filter(|kind| **kind == "listed").count();
    assert_eq!(listed(&hands), 1, "a person is told once");
    hands.journal = vec![(checkpoint.kind().into(), checkpoint.encode(&|_| [0; 32]))];
    let next = again(hands);
    assert_eq!((next.core.exchange(id).unwrap().state, listed(&next)), (ExchangeState::Listed, 0));
}
