use std::sync::Arc;
use std::time::Duration;

use pabal_clock::Wall;
use pabal_spec::Institution;
use pabal_switch::{CloseReason, Entry, Event, NoticeId, Refusal, ReplyReport, ServiceReply};

use crate::hands::{Hands, IN, OUT, settings, version};
use crate::owed::replied_after_a_crash;
use crate::peer;

/// From the beginning, into the next business date.
pub(crate) const HOURS_15: Duration = Duration::from_secs(15 * 3_600);

/// The shipped spec, but that deposit notices are answered by a service within 5 seconds.
pub(crate) fn by_service() -> Arc<Institution> {
    let deposit = "answer deposit \"4100\" \"100\"\n  answered by gateway when durable with response_code \"0000\"";
    let service = "answer deposit \"4100\" \"100\"\n  answered by service within 5s else response_code \"0101\"";
    version(&[(deposit, service)], &[])
}

pub(crate) fn served() -> Hands {
    Hands::open_by(by_service(), settings())
}

pub(crate) fn code(notice: NoticeId, code: &str) -> ServiceReply {
    let response_code = Some(code.as_bytes().into());
    ServiceReply { notice, caller: "ledger".into(), response_code, telegram: None }
}

pub(crate) fn reply(hands: &mut Hands, said: ServiceReply) -> Result<(), Refusal> {
    let taken = hands.core.reply(said, hands.now);
    hands.turn();
    taken.map_err(|(refusal, text)| {
        assert!(!text.is_empty());
        refusal
    })
}

#[test]
fn a_notice_is_kept_before_it_is_replied_to() {
    let mut hands = Hands::open();
    hands.is_durable = false;
    let notice = peer::deposit(1, 50_000);
    hands.receive(&notice);
    assert_eq!((hands.delivered.len(), hands.take_frames(OUT).len()), (0, 0));
    assert_eq!(hands.core.undelivered(None, 10), []);
    let kinds: Vec<_> = hands.undurable[0].1.iter().map(Entry::kind).collect();
    assert_eq!(kinds, ["notice_received", "notice_replied"]);
    hands.is_durable = true;
    hands.turn();
    assert_eq!(hands.delivered.len(), 1);
    assert_eq!(&hands.delivered[0].1[..], &notice[..]);
    let reply = hands.take_frame();
    assert_eq!(peer::at(&reply, peer::MESSAGE_TYPE), "4100");
    assert_eq!(peer::at(&reply, peer::SERVICE_CODE), "100");
    assert_eq!(peer::at(&reply, peer::RESPONSE_CODE), "0000");
    // Key, trace, who we are.
    assert_eq!(peer::at(&reply, (0, 24)), "PABAL    COMPANY1    088");
    assert_eq!(peer::at(&reply, (32, 52)), "00000120261121110000");
    assert_eq!(hands.bytes_out(IN), 0, "replies go by the session that sends");
}

#[test]
fn a_reply_carries_back_each_area_that_says_so() {
    let mut hands = Hands::open();
    let mut notice = peer::deposit(1, 50_000);
    // The three filler areas of the header: 15, 11 and 18 bytes behind the response code.
    peer::put(&mut notice, (56, 100), "AREA-1-OF-15-B.AREA-2-OF-1AREA-3-OF-18-BYTES");
    hands.receive(&notice);
    assert_eq!(peer::at(&hands.take_frame(), (56, 100)), "AREA-1-OF-15-B.AREA-2-OF-1AREA-3-OF-18-BYTES");
}

#[test]
fn a_delivery_says_what_a_service_needs() {
    let mut hands = served();
    hands.receive(&peer::deposit(7, 50_000));
    let delivery = hands.deliveries[0].clone();
    assert_eq!((&*delivery.rule, delivery.number.as_deref()), ("deposit", Some("000007")));
    assert_eq!((&delivery.participant[..], delivery.received_at), (&b"088"[..], hands.now.wall));
    assert_eq!(delivery.protocol.catalog.layout(delivery.layout).name(), "deposit");
    assert_eq!(delivery.reply_until, Some(hands.now.mono + Duration::from_secs(5)));
    assert!(!delivery.repeated && delivery.recovered_by.is_none() && delivery.joined.is_none());
    // 00-<32 digits>-<16 digits>-01, and each its own.
    let trace = delivery.trace.to_string();
    assert_eq!((trace.len(), &trace[..3], &trace[52..]), (55, "00-", "-01"));
    hands.receive(&peer::deposit(8, 50_000));
    assert_ne!(hands.deliveries[1].trace, delivery.trace);
}

#[test]
fn a_notice_that_comes_again_has_the_same_reply_and_one_name() {
    let mut hands = Hands::open();
    hands.receive(&peer::deposit(1, 50_000));
    let first = hands.take_frame();
    hands.hand_over();
    let mut again = peer::deposit(1, 50_000);
    // A repetition has its own time, and counts how often it was sent.
    peer::put(&mut again, peer::SEND_TIME, "110700");
    peer::put(&mut again, (31, 32), "2");
    hands.receive(&again);
    assert_eq!(hands.take_frame(), first);
    assert_eq!(hands.delivered.len(), 2);
    assert_eq!(&hands.delivered[1].1[..], &again[..]);
    assert!(hands.deliveries[0].repeated, "it comes to services with the same name, marked");
    let received: Vec<_> = hands
        .entries()
        .into_iter()
        .filter_map(|entry| match entry {
            Entry::NoticeReceived(entry) => Some((entry.notice, entry.repeated)),
            _ => None,
        })
        .collect();
    assert_eq!(received, [(hands.delivered[0].0, false), (hands.delivered[0].0, true)]);
    assert_eq!(hands.delivered[1].0, hands.delivered[0].0);
}

#[test]
fn the_same_number_with_another_content_is_no_repetition() {
    let mut hands = Hands::open();
    hands.receive(&peer::deposit(1, 50_000));
    hands.take_frame();
    hands.receive(&peer::deposit(1, 70_000));
    assert_eq!(
        hands.take_frames(OUT).len(),
        0,
        "no reply may hide it from the institution's list of unanswered notices"
    );
    assert_eq!(hands.delivered.len(), 1);
    let Some(Entry::Unclaimed(entry)) = hands.entries().pop() else { panic!("unclaimed") };
    assert_eq!(entry.reason, format!("it has the key of notice {}, but another content", hands.delivered[0].0));
}

#[test]
fn a_repetition_is_known_across_midnight_a_restart_and_a_checkpoint() {
    let mut hands = Hands::open();
    hands.receive(&peer::deposit(1, 50_000));
    let first = hands.take_frame();
    let id = hands.delivered[0].0;
    hands.hand_over();
    hands.pass_quietly(HOURS_15);
    let mut again = peer::deposit(1, 50_000);
    peer::put(&mut again, (31, 32), "2");
    hands.receive(&again);
    assert_eq!(hands.take_frames(OUT).last(), Some(&first), "on the next date");
    hands.hand_over();

    let checkpoint = hands.core.checkpoint(hands.now);
    hands.journal = vec![(checkpoint.kind().into(), checkpoint.encode(&|_| [1; 32]))];
    let mut next = hands.restart();
    next.after_secs(21);
    next.connect_pair();
    next.take_frames(OUT);
    assert_eq!(next.core.undelivered(None, 10), []);
    next.receive(&again);
    assert_eq!(next.take_frame(), first, "after a restart from a checkpoint");
    assert_eq!(next.delivered.pop().map(|(notice, _)| notice), Some(id));
    next.receive(&peer::deposit(1, 60_000));
    assert_eq!(next.kinds().last(), Some(&"unclaimed"), "another content is still told apart");

    next.hand_over();
    next.pass_quietly(Duration::from_secs(24 * 3_600));
    next.receive(&again);
    assert_eq!(next.delivered.pop().map(|(notice, _)| notice), Some(id), "a day after it came last");
    next.hand_over();
    next.pass_quietly(Duration::from_secs(48 * 3_600));
    next.receive(&again);
    assert_ne!(next.delivered.pop().map(|(notice, _)| notice), Some(id), "two days later nothing of it comes again");
}

/// The wall clock shows another day; nothing else has happened.
fn leap(hands: &mut Hands, days: i64) {
    hands.now.wall = Wall::from_unix_micros(hands.now.wall.as_unix_micros() + days * 86_400_000_000);
    hands.core.handle_timeout(hands.now);
    hands.turn();
}

#[test]
fn a_clock_that_leaps_and_comes_back_finds_the_notice_and_its_reply() {
    let mut hands = served();
    hands.receive(&peer::deposit(1, 50_000));
    let id = hands.delivered[0].0;
    reply(&mut hands, code(id, "0017")).unwrap();
    let first = hands.take_frame();
    hands.hand_over();
    for days in [-1, 40, -400] {
        leap(&mut hands, days);
        hands.after_secs(3_600);
        hands.take_frames(OUT);
        hands.receive(&peer::deposit(1, 50_000));
        assert_eq!(hands.take_frames(OUT), core::slice::from_ref(&first), "by the wrong clock, {days} days");
        assert_eq!(hands.delivered.last().unwrap().0, id);
        hands.hand_over();
        leap(&mut hands, -days);
        hands.after_secs(3_600);
        hands.take_frames(OUT);
        hands.receive(&peer::deposit(1, 50_000));
        assert_eq!(hands.take_frames(OUT), core::slice::from_ref(&first), "by the right clock after {days} days");
        assert_eq!(hands.delivered.last().unwrap().0, id);
        hands.hand_over();
    }
    // A process that begins while the clock is wrong.
    leap(&mut hands, 40);
    let mut next = hands.restart_with(vec![by_service()]);
    leap(&mut next, -40);
    next.after_secs(21);
    next.connect_pair();
    next.take_frames(OUT);
    next.receive(&peer::deposit(1, 50_000));
    assert_eq!(next.take_frames(OUT), [first]);
    assert_eq!(next.delivered.last().unwrap().0, id);
}

#[test]
fn a_reply_waits_for_a_session_that_sends() {
    let mut hands = Hands::open();
    let conn = hands.conn(OUT);
    hands.closed(conn, CloseReason::PeerClosed);
    hands.receive(&peer::deposit(1, 50_000));
    assert_eq!(hands.delivered.len(), 1, "services need not wait");
    assert_eq!(hands.kinds().last(), Some(&"notice_received"));
    hands.reconnect();
    assert_eq!(peer::at(&hands.take_frame(), peer::MESSAGE_TYPE), "4100");
}

#[test]
fn a_reply_that_a_lost_session_swallowed_is_sent_again() {
    let mut hands = Hands::open();
    hands.socket_room = 100;
    hands.receive(&peer::deposit(1, 50_000));
    let conn = hands.conn(OUT);
    hands.socket_room = usize::MAX;
    hands.closed(conn, CloseReason::Reset);
    hands.reconnect();
    assert_eq!(hands.streams[&hands.conn(OUT)].len(), 304);
}

#[test]
fn replies_of_a_stalled_session_wait_in_their_notices() {
    let mut settings = settings();
    settings.limits.notices_max = 5_000;
    let mut hands = Hands::open_with(settings);
    hands.swaps = false;
    hands.socket_room = 0;
    for number in 1..=2_000 {
        hands.receive(&peer::deposit(number, 1));
    }
    // 256 KiB are 862 replies of 304 bytes and a part; the one that crosses the bound is the last.
    let unsent = hands.core.status().sessions[0].unsent_bytes;
    assert_eq!(unsent, 863 * 304);
    assert_eq!(hands.kinds().iter().filter(|kind| **kind == "notice_replied").count(), 863);
    hands.socket_room = usize::MAX;
    hands.turn();
    let numbers: Vec<_> =
        hands.take_frames(OUT).iter().map(|frame| peer::at(frame, peer::TELEGRAM_NO).to_owned()).collect();
    let expected: Vec<_> = (1..=2_000).map(|number| format!("{number:06}")).collect();
    assert_eq!(numbers, expected, "each once, and in order");
}

#[test]
fn one_reply_is_on_its_way_however_often_the_notice_comes() {
    let mut hands = Hands::open();
    hands.socket_room = 0;
    for _ in 0..5 {
        hands.receive(&peer::deposit(1, 50_000));
    }
    assert_eq!(hands.core.status().sessions[0].unsent_bytes, 304);
    hands.socket_room = usize::MAX;
    hands.turn();
    hands.take_frame();
}

#[test]
fn a_service_says_what_is_replied() {
    let mut hands = served();
    hands.receive(&peer::deposit(1, 50_000));
    let id = hands.delivered[0].0;
    assert_eq!(hands.take_frames(OUT).len(), 0);
    hands.is_durable = false;
    assert_eq!(reply(&mut hands, code(id, "0021")), Ok(()));
    assert_eq!((hands.take_frames(OUT).len(), hands.replied.len()), (0, 0), "the entry of the reply goes before it");
    hands.is_durable = true;
    hands.socket_room = 303;
    hands.turn();
    assert_eq!(hands.replied, [], "the kernel does not have all of its bytes");
    hands.socket_room = usize::MAX;
    hands.turn();
    assert_eq!(hands.replied, [(id, ReplyReport::Sent)]);
    let sent = hands.take_frame();
    assert_eq!((peer::at(&sent, peer::MESSAGE_TYPE), peer::at(&sent, peer::RESPONSE_CODE)), ("4100", "0021"));
    assert_eq!(peer::at(&sent, (56, 71)), "KEEP THIS AREA!");
    let entries = hands.entries();
    let Some(Entry::NoticeReplied(entry)) = entries.last() else { panic!("replied") };
    assert_eq!(&*entry.caller, "ledger");
    assert_eq!(hands.core.undelivered(None, 10), [], "whoever replies has it");
    hands.after_secs(60);
    assert_eq!(hands.take_frames(OUT).len(), 0);
    hands.receive(&peer::deposit(1, 50_000));
    assert_eq!(hands.take_frame(), sent, "a repetition gets the same reply");
    assert_eq!(hands.replied.len(), 1, "and nobody is told twice");
}

#[test]
fn a_service_gives_the_fields_that_are_its_own() {
    let mut hands = served();
    hands.receive(&peer::deposit(1, 50_000));
    let id = hands.delivered[0].0;
    let mut telegram = vec![b'#'; 300];
    peer::put(&mut telegram, peer::RESPONSE_CODE, "0099");
    let said = ServiceReply { telegram: Some(telegram), response_code: None, ..code(id, "0000") };
    assert_eq!(reply(&mut hands, said), Ok(()));
    let sent = hands.take_frame();
    assert_eq!(peer::at(&sent, (0, 31)), "PABAL    COMPANY1    0884100100");
    assert_eq!(peer::at(&sent, (32, 71)), "000001202611211100000099KEEP THIS AREA!");
    assert_eq!(peer::at(&sent, (100, 115)), "###############");
}

#[test]
fn a_reply_that_makes_no_telegram_is_refused() {
    let mut hands = served();
    hands.receive(&peer::deposit(1, 50_000));
    let id = hands.delivered[0].0;
    let silent = ServiceReply { response_code: None, ..code(id, "0000") };
    assert_eq!(reply(&mut hands, silent.clone()), Err(Refusal::InvalidFields));
    let blank = ServiceReply { telegram: Some(vec![b' '; 300]), ..silent.clone() };
    assert_eq!(reply(&mut hands, blank), Err(Refusal::InvalidFields));
    let short = ServiceReply { telegram: Some(vec![b'1'; 299]), ..silent };
    assert_eq!(reply(&mut hands, short), Err(Refusal::InvalidFields));
    assert_eq!(reply(&mut hands, code(id, "00")), Err(Refusal::InvalidFields));
    assert_eq!(reply(&mut hands, code(NoticeId(4), "0000")), Err(Refusal::UnknownNotice));
    assert_eq!(reply(&mut hands, code(id, "0000")), Ok(()), "it may be said rightly after that");
    assert_eq!(hands.replied, [(id, ReplyReport::Sent)]);
}

#[test]
fn who_replies_after_the_stated_code_is_too_late() {
    let mut hands = served();
    hands.receive(&peer::deposit(1, 50_000));
    let id = hands.delivered[0].0;
    hands.after(Duration::from_millis(4_999));
    assert_eq!(hands.take_frames(OUT).len(), 0);
    hands.after(Duration::from_millis(1));
    assert_eq!(peer::at(&hands.take_frame(), peer::RESPONSE_CODE), "0101");
    assert_eq!(reply(&mut hands, code(id, "0000")), Ok(()));
    assert_eq!(hands.replied, [(id, ReplyReport::TooLate)]);
    assert_eq!(hands.take_frames(OUT).len(), 0);
    // Of two services, the second.
    hands.receive(&peer::deposit(2, 50_000));
    let id = hands.delivered[1].0;
    reply(&mut hands, code(id, "0000")).unwrap();
    reply(&mut hands, code(id, "0001")).unwrap();
    assert_eq!(hands.replied[1..], [(id, ReplyReport::Sent), (id, ReplyReport::TooLate)]);
    assert_eq!(peer::at(&hands.take_frame(), peer::RESPONSE_CODE), "0000");
}

#[test]
fn a_reply_that_no_session_takes_before_the_date_changes_is_not_sent() {
    let mut hands = served();
    hands.receive(&peer::deposit(1, 50_000));
    let id = hands.delivered[0].0;
    let conn = hands.conn(OUT);
    hands.closed(conn, CloseReason::PeerClosed);
    reply(&mut hands, code(id, "0000")).unwrap();
    assert_eq!(hands.replied, []);
    hands.pass_quietly(HOURS_15);
    assert_eq!(hands.replied, [(id, ReplyReport::NotSent)]);
    hands.reconnect();
    assert!(hands.take_frames(OUT).iter().all(|frame| peer::at(frame, peer::MESSAGE_TYPE) != "4100"));
    hands.receive(&peer::deposit(1, 50_000));
    assert_eq!(peer::at(&hands.take_frame(), peer::RESPONSE_CODE), "0000", "a repetition gets what was said");
}

#[test]
fn a_stop_says_nothing_of_replies_that_the_next_process_gives() {
    let mut hands = served();
    for number in 1..=3 {
        hands.receive(&peer::deposit(number, 50_000));
    }
    let ids: Vec<_> = hands.delivered.iter().map(|(id, _)| *id).collect();
    reply(&mut hands, code(ids[0], "0000")).unwrap();
    hands.socket_room = 100;
    reply(&mut hands, code(ids[1], "0000")).unwrap();
    reply(&mut hands, code(ids[2], "0000")).unwrap();
    hands.core.handle_journal_failed("the disk is full", hands.now);
    hands.turn();
    assert_eq!(hands.replied, [(ids[0], ReplyReport::Sent)], "the others will leave: no word is true");
    assert_eq!(reply(&mut hands, code(ids[2], "0000")), Err(Refusal::JournalFailed));
    let (numbers, next) = replied_after_a_crash(hands);
    assert_eq!(numbers, ["000002", "000003"]);
    assert_eq!(next.replied, [], "nobody is there to whom it could be told");
}

#[test]
fn a_drain_lets_services_reply_until_their_time_is_over() {
    let mut hands = served();
    hands.receive(&peer::deposit(1, 50_000));
    hands.receive(&peer::deposit(2, 50_000));
    let ids: Vec<_> = hands.delivered.iter().map(|(id, _)| *id).collect();
    hands.core.drain(hands.now.mono + Duration::from_secs(60), hands.now);
    hands.turn();
    reply(&mut hands, code(ids[0], "0000")).unwrap();
    assert_eq!(hands.replied, [(ids[0], ReplyReport::Sent)]);
    assert_eq!(hands.closes, []);
    hands.after_secs(5);
    let codes: Vec<_> =
        hands.take_frames(OUT).iter().map(|frame| peer::at(frame, peer::RESPONSE_CODE).to_owned()).collect();
    assert_eq!(codes, ["0000", "0101"]);
    assert_eq!(hands.closes.len(), 2);
}

#[test]
fn a_restart_replies_to_what_it_finds_unreplied_and_knows_the_rest() {
    let mut hands = Hands::open();
    hands.receive(&peer::deposit(1, 50_000));
    hands.take_frame();
    let conn = hands.conn(OUT);
    hands.closed(conn, CloseReason::PeerClosed);
    hands.receive(&peer::deposit(2, 60_000));
    let mut next = hands.restart();
    next.after_secs(21);
    next.connect_pair();
    let frames = next.take_frames(OUT);
    assert_eq!(frames.iter().map(|frame| peer::at(frame, peer::TELEGRAM_NO)).collect::<Vec<_>>(), ["000002"]);
    next.receive(&peer::deposit(1, 50_000));
    assert!(next.deliveries[0].repeated, "the first is known");
    assert_eq!(next.take_frames(OUT).len(), 1, "and gets its reply again");
}

#[test]
fn who_replies_to_what_stays_unreplied_hears_that_it_was_not_sent() {
    let mut hands = served();
    hands.receive(&peer::deposit(1, 50_000));
    let id = hands.delivered[0].0;
    let conn = hands.conn(OUT);
    hands.closed(conn, CloseReason::PeerClosed);
    reply(&mut hands, code(id, "0000")).unwrap();
    hands.pass_quietly(HOURS_15);
    reply(&mut hands, code(id, "0021")).unwrap();
    assert_eq!(hands.replied, [(id, ReplyReport::NotSent); 2], "no other reply went before it");
}

#[test]
fn what_no_service_has_waits_for_one_that_comes_later() {
    let mut hands = Hands::open();
    for number in 1..=3 {
        hands.receive(&peer::deposit(number, 50_000));
    }
    let ids: Vec<_> = hands.delivered.iter().map(|(id, _)| *id).collect();
    assert_eq!(hands.core.undelivered(None, 10), ids);
    hands.core.delivered(ids[1], "ledger", hands.now);
    hands.core.delivered(ids[1], "ledger", hands.now);
    hands.turn();
    let delivered: Vec<_> = hands.kinds().into_iter().filter(|kind| *kind == "notice_delivered").collect();
    assert_eq!(delivered.len(), 1);
    let mut next = hands.restart();
    assert_eq!(next.delivered.len(), 0, "nobody subscribes yet");
    assert_eq!(next.core.undelivered(None, 10), [ids[0], ids[2]]);
    assert_eq!(next.core.undelivered(Some(ids[0]), 10), [ids[2]]);
    assert_eq!(next.core.undelivered(None, 1), [ids[0]]);
    for id in [ids[0], ids[1], NoticeId(5)] {
        next.core.deliver_again(id, next.now);
        next.turn();
    }
    assert_eq!(next.delivered.len(), 1);
    assert_eq!(&next.delivered[0].1[..], &peer::deposit(1, 50_000)[..]);
    assert_eq!((next.delivered[0].0, next.deliveries[0].repeated), (ids[0], false));
}

#[test]
fn beyond_the_bound_the_oldest_is_in_the_journal_only() {
    let mut settings = settings();
    settings.limits.notices_max = 3;
    let mut hands = Hands::open_with(settings);
    hands.receive(&peer::deposit(1, 1));
    hands.receive(&peer::deposit(2, 1));
    let ids: Vec<_> = hands.delivered.iter().map(|(id, _)| *id).collect();
    hands.core.delivered(ids[1], "ledger", hands.now);
    hands.turn();
    hands.receive(&peer::deposit(3, 1));
    hands.receive(&peer::deposit(4, 1));
    let left: Vec<_> = [0, 2, 3].iter().map(|at| hands.delivered[*at].0).collect();
    assert_eq!(hands.core.undelivered(None, 10), left, "one that a service has goes first");
    assert!(!hands.events.iter().any(|event| matches!(event, Event::NoticeEvicted { .. })));
    hands.receive(&peer::deposit(5, 1));
    assert_eq!(hands.events.last(), Some(&Event::NoticeEvicted { notice: ids[0] }));
    assert_eq!(hands.core.undelivered(None, 10).len(), 3);
    let mut next = hands.restart();
    assert_eq!(next.core.undelivered(None, 10).len(), 3, "nor does a restart keep more");
    next.turn();
}

#[test]
fn a_notice_that_has_to_go_gets_the_stated_code_first() {
    let mut settings = settings();
    settings.limits.notices_max = 1;
    let mut hands = Hands::open_by(by_service(), settings);
    hands.receive(&peer::deposit(1, 1));
    hands.receive(&peer::deposit(2, 1));
    let sent = hands.take_frame();
    assert_eq!((peer::at(&sent, peer::TELEGRAM_NO), peer::at(&sent, peer::RESPONSE_CODE)), ("000001", "0101"));
    let first = hands.delivered[0].0;
    assert_eq!(reply(&mut hands, code(first, "0000")), Err(Refusal::UnknownNotice));
}

#[test]
fn a_notice_lives_by_the_version_that_it_came_under() {
    let mut hands = served();
    hands.receive(&peer::deposit(1, 50_000));
    let (id, old) = (hands.delivered[0].0, hands.deliveries[0].protocol.digest);
    // By the newer version the gateway answers at once.
    hands.reload(version(&[], &[]));
    hands.core.deliver_again(id, hands.now);
    hands.turn();
    assert_eq!(hands.deliveries[1].protocol.digest, old, "it is read as it was");
    assert_eq!(hands.take_frames(OUT).len(), 0);
    hands.after_secs(4);
    assert_eq!(reply(&mut hands, code(id, "0021")), Ok(()));
    assert_eq!(peer::at(&hands.take_frame(), peer::RESPONSE_CODE), "0021");
    hands.receive(&peer::deposit(2, 50_000));
    assert_eq!(peer::at(&hands.take_frame(), peer::RESPONSE_CODE), "0000");

    let mut hands = Hands::open();
    hands.receive(&peer::deposit(1, 50_000));
    let sent = hands.take_frame();
    hands.reload(by_service());
    hands.receive(&peer::deposit(1, 50_000));
    assert_eq!(hands.take_frame(), sent);
}

#[test]
fn a_reply_that_a_drain_finds_no_session_for_leaves_by_the_next_process() {
    let mut hands = served();
    hands.receive(&peer::deposit(1, 50_000));
    let id = hands.delivered[0].0;
    let conn = hands.conn(OUT);
    hands.closed(conn, CloseReason::PeerClosed);
    reply(&mut hands, code(id, "0000")).unwrap();
    hands.core.drain(hands.now.mono + Duration::from_secs(10), hands.now);
    hands.turn();
    hands.after_secs(10);
    assert_eq!(hands.replied, [], "it will be sent");
    let mut next = hands.restart_with(vec![by_service()]);
    next.come_up();
    assert_eq!(peer::at(&next.take_frame(), peer::RESPONSE_CODE), "0000", "and not the code of who is too late");
    next.after_secs(60);
    assert_eq!(next.take_frames(OUT).len(), 0);
}

#[test]
fn a_restart_reads_a_notice_by_its_own_version_and_tells_if_none_can() {
    let mut hands = served();
    hands.receive(&peer::deposit(1, 50_000));
    let (id, old) = (hands.delivered[0].0, hands.deliveries[0].protocol.digest);
    hands.reload(version(&[], &[]));
    let journal = hands.journal.clone();
    let mut next = hands.restart();
    assert_eq!(next.core.undelivered(None, 10), [id]);
    next.core.deliver_again(id, next.now);
    next.turn();
    assert_eq!(next.deliveries[0].protocol.digest, old);

    // The version is gone, and the newest has no such notice.
    let mut recovery = pabal_switch::Recovery::new();
    for (kind, body) in &journal {
        recovery.fold(Entry::decode(kind, Entry::VERSION, body).unwrap());
    }
    let newest = version(&[("notice deposit \"", "notice credit \"")], &[]);
    let next = Hands::cold_with(vec![newest], settings(), recovery, next.now);
    assert_eq!(next.core.undelivered(None, 10), []);
    assert!(next.events.contains(&Event::NoticeEvicted { notice: id }));
}

#[test]
fn a_repetition_that_waits_for_its_reply_when_the_process_dies_gets_the_same_one() {
    for is_checkpoint in [false, true] {
        let mut hands = served();
        hands.receive(&peer::deposit(1, 50_000));
        let id = hands.delivered[0].0;
        reply(&mut hands, code(id, "0021")).unwrap();
        let sent = hands.take_frame();
        let conn = hands.conn(OUT);
        hands.closed(conn, CloseReason::PeerClosed);
        hands.receive(&peer::deposit(1, 50_000));
        if is_checkpoint {
            let checkpoint = hands.core.checkpoint(hands.now);
            hands.journal = vec![(checkpoint.kind().into(), checkpoint.encode(&|_| [1; 32]))];
        }
        let mut next = hands.restart();
        next.after_secs(21);
        next.connect_pair();
        next.after_secs(60);
        let replies: Vec<_> =
            next.take_frames(OUT).into_iter().filter(|frame| peer::at(frame, peer::MESSAGE_TYPE) == "4100").collect();
        assert_eq!(replies, [sent], "{is_checkpoint}");
    }
}

#[test]
fn a_reply_that_a_lost_session_swallowed_is_the_same_after_a_restart() {
    let mut hands = served();
    hands.receive(&peer::deposit(1, 50_000));
    let id = hands.delivered[0].0;
    hands.socket_room = 100;
    reply(&mut hands, code(id, "0021")).unwrap();
    let conn = hands.conn(OUT);
    hands.socket_room = usize::MAX;
    hands.closed(conn, CloseReason::Reset);
    let checkpoint = hands.core.checkpoint(hands.now);
    hands.journal = vec![(checkpoint.kind().into(), checkpoint.encode(&|_| [1; 32]))];
    let mut next = hands.restart();
    next.after_secs(21);
    next.connect_pair();
    next.after_secs(60);
    let codes: Vec<_> = next
        .take_frames(OUT)
        .iter()
        .filter(|frame| peer::at(frame, peer::MESSAGE_TYPE) == "4100")
        .map(|frame| peer::at(frame, peer::RESPONSE_CODE).to_owned())
        .collect();
    assert_eq!(codes, ["0021"]);
}

#[test]
fn a_repetition_is_delivered_also_if_the_first_is_taken_before_it_is_durable() {
    let mut hands = Hands::open();
    hands.receive(&peer::deposit(1, 50_000));
    let id = hands.delivered[0].0;
    hands.is_durable = false;
    hands.receive(&peer::deposit(1, 50_000));
    hands.core.deliver_again(id, hands.now);
    hands.turn();
    assert_eq!(hands.deliveries.len(), 1, "the repetition is not durable yet");
    hands.core.delivered(id, "ledger", hands.now);
    hands.is_durable = true;
    hands.turn();
    let repeated: Vec<_> = hands.deliveries.iter().map(|delivery| delivery.repeated).collect();
    assert_eq!(repeated, [false, true]);
    hands.hand_over();
    assert_eq!(hands.core.undelivered(None, 10), []);
}

#[test]
fn an_operator_sees_what_no_service_has_or_nobody_has_replied_to() {
    let mut hands = served();
    let seen = |hands: &Hands| {
        let all = hands.core.open_notices(10);
        all.into_iter()
            .map(|one| (one.number, one.is_delivered, one.state.word(), one.line, one.reply_until))
            .collect::<Vec<_>>()
    };
    hands.receive(&peer::deposit(1, 50_000));
    hands.receive(&peer::deposit(2, 50_000));
    let ids: Vec<_> = hands.delivered.iter().map(|(id, _)| *id).collect();
    let line = || Some("in".into());
    let until = Some(hands.now.mono + Duration::from_secs(5));
    let open = |number: &str| (number.to_owned(), false, "open", line(), until);
    assert_eq!(seen(&hands), [open("000001"), open("000002")]);
    assert_eq!(hands.core.open_notices(1).len(), 1, "the oldest");
    reply(&mut hands, code(ids[1], "0000")).unwrap();
    assert_eq!(seen(&hands), [open("000001")], "a service that replies has it");
    hands.core.delivered(ids[0], "ledger", hands.now);
    hands.turn();
    assert_eq!(seen(&hands), [("000001".to_owned(), true, "open", line(), until)]);
    hands.after_secs(5);
    assert_eq!(seen(&hands), [], "the stated code has left");
    hands.receive(&peer::deposit(3, 50_000));
    hands.after_secs(5);
    assert_eq!(seen(&hands), [("000003".to_owned(), false, "replied", line(), None)], "no service has it");
    let next = hands.restart_with(vec![by_service()]);
    assert_eq!(
        seen(&next).iter().map(|one| one.3.clone()).collect::<Vec<_>>(),
        [None],
        "it came to an earlier process"
    );
}
