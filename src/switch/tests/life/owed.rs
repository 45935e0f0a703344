//! Replies that are owed when the process dies: what may not have left leaves by the next one.

use std::time::Duration;

use pabal_switch::{CloseReason, Entry, ReplyReport};

use crate::hands::{Hands, OUT, settings};
use crate::notice::{HOURS_15, by_service, code, reply, served};
use crate::peer;

/// The process dies, and the next one comes up. The numbers of the notices that it replies to by itself.
pub(crate) fn replied_after_a_crash(hands: Hands) -> (Vec<String>, Hands) {
    let mut next = hands.restart();
    next.come_up();
    next.after_secs(60);
    let replies = next.take_frames(OUT).into_iter().filter(|frame| peer::at(frame, peer::MESSAGE_TYPE) == "4100");
    (replies.map(|frame| peer::at(&frame, peer::TELEGRAM_NO).to_owned()).collect(), next)
}

fn take_checkpoint(hands: &mut Hands) {
    let checkpoint = hands.core.checkpoint(hands.now);
    hands.journal = vec![(checkpoint.kind().into(), checkpoint.encode(&|_| [1; 32]))];
}

#[test]
fn a_reply_that_no_socket_took_when_the_process_dies_leaves_by_the_next_session() {
    for (taken, is_checkpoint) in [(0, false), (0, true), (303, false), (303, true)] {
        let mut hands = served();
        hands.socket_room = taken;
        hands.receive(&peer::deposit(1, 50_000));
        let id = hands.delivered[0].0;
        reply(&mut hands, code(id, "0021")).unwrap();
        assert_eq!((hands.kinds().last(), &hands.replied[..]), (Some(&"notice_replied"), &[][..]));
        if is_checkpoint {
            take_checkpoint(&mut hands);
        }
        let mut next = hands.restart();
        next.come_up();
        let sent = next.take_frame();
        assert_eq!((peer::at(&sent, peer::TELEGRAM_NO), peer::at(&sent, peer::RESPONSE_CODE)), ("000001", "0021"));
        next.receive(&peer::deposit(1, 50_000));
        assert_eq!(next.take_frame(), sent, "and a repetition gets the same one");
        let (numbers, _) = replied_after_a_crash(next);
        assert_eq!(numbers, ["000001"], "the last one may not have left; nothing older comes with it");
    }
}

#[test]
fn a_reply_that_is_known_to_have_left_does_not_leave_again() {
    let answered = |count: u32| {
        let mut hands = Hands::open();
        for number in 1..=count {
            hands.receive(&peer::deposit(number, 50_000));
            hands.take_frame();
        }
        hands
    };
    // The entry of a reply says how far the stream was written, so that only the last one is in doubt.
    assert_eq!(replied_after_a_crash(answered(3)).0, ["000003"]);
    // So does that of a request that leaves behind it.
    let mut hands = answered(3);
    hands.transfer();
    assert_eq!(replied_after_a_crash(hands).0, [""; 0]);
    let mut hands = answered(3);
    hands.socket_room = 303;
    hands.receive(&peer::deposit(4, 50_000));
    hands.transfer();
    assert_eq!(replied_after_a_crash(hands).0, ["000004"], "it stands before the request, but is not whole");
    // The end of its session says it of all; what the session swallowed has to leave.
    let mut hands = answered(3);
    hands.socket_room = 303;
    hands.receive(&peer::deposit(4, 50_000));
    hands.socket_room = usize::MAX;
    let conn = hands.conn(OUT);
    hands.closed(conn, CloseReason::Reset);
    assert_eq!(replied_after_a_crash(hands).0, ["000004"]);
    // So does a stop,
    let mut hands = answered(3);
    hands.core.drain(hands.now.mono + Duration::from_secs(60), hands.now);
    hands.turn();
    assert_eq!(replied_after_a_crash(hands).0, [""; 0]);
    // and a checkpoint.
    let mut hands = answered(3);
    take_checkpoint(&mut hands);
    assert_eq!(replied_after_a_crash(hands).0, [""; 0]);
}

#[test]
fn a_reply_of_yesterday_leaves_only_if_its_notice_comes_again() {
    let mut hands = Hands::open();
    hands.socket_room = 0;
    hands.receive(&peer::deposit(1, 50_000));
    hands.socket_room = usize::MAX;
    let mut next = hands.restart();
    next.pass_quietly(HOURS_15);
    next.come_up();
    assert_eq!(next.take_frames(OUT).len(), 0);
    next.receive(&peer::deposit(1, 50_000));
    assert_eq!(peer::at(&next.take_frame(), peer::RESPONSE_CODE), "0000");
}

#[test]
fn a_notice_of_yesterday_that_comes_again_today_is_replied_to_today_also_by_the_next_process() {
    for is_checkpoint in [false, true] {
        let again = || {
            let mut hands = Hands::open();
            hands.receive(&peer::deposit(1, 50_000));
            hands.take_frame();
            hands.pass_quietly(HOURS_15);
            hands.socket_room = 0;
            hands.receive(&peer::deposit(1, 50_000));
            hands.socket_room = usize::MAX;
            if is_checkpoint {
                take_checkpoint(&mut hands);
            }
            hands.restart()
        };
        assert_eq!(replied_after_a_crash(again()).0, ["000001"], "{is_checkpoint}");
        let mut next = again();
        next.pass_quietly(Duration::from_secs(24 * 3_600));
        next.come_up();
        assert_eq!(next.take_frames(OUT).len(), 0, "on the day after it does not leave");
    }
}

#[test]
fn what_a_service_replied_while_no_session_was_up_holds_for_the_next_process() {
    for is_checkpoint in [false, true] {
        let mut hands = served();
        hands.receive(&peer::deposit(1, 50_000));
        hands.receive(&peer::deposit(2, 50_000));
        let ids: Vec<_> = hands.delivered.iter().map(|(id, _)| *id).collect();
        let conn = hands.conn(OUT);
        hands.closed(conn, CloseReason::PeerClosed);
        reply(&mut hands, code(ids[0], "0021")).unwrap();
        // Of the other one its time is over.
        hands.after_secs(5);
        let replied: Vec<_> = hands.entries().into_iter().filter(|one| one.kind() == "notice_replied").collect();
        let [Entry::NoticeReplied(first), Entry::NoticeReplied(second)] = &replied[..] else { panic!("{replied:?}") };
        assert_eq!((&*first.caller, &first.place, &*second.caller), ("ledger", &None, ""));
        if is_checkpoint {
            take_checkpoint(&mut hands);
        }
        let mut next = hands.restart();
        assert_eq!(reply(&mut next, code(ids[1], "0000")), Ok(()));
        assert_eq!(next.replied, [(ids[1], ReplyReport::TooLate)], "it is said already");
        next.come_up();
        let codes: Vec<_> =
            next.take_frames(OUT).iter().map(|frame| peer::at(frame, peer::RESPONSE_CODE).to_owned()).collect();
        assert_eq!(codes, ["0021", "0101"]);
    }
}

#[test]
fn what_a_service_replied_is_its_own_also_when_it_leaves_again_and_over_starts() {
    for is_checkpoint in [false, true] {
        let mut hands = served();
        hands.receive(&peer::deposit(1, 50_000));
        let id = hands.delivered[0].0;
        reply(&mut hands, code(id, "0021")).unwrap();
        assert_eq!(hands.replied, [(id, ReplyReport::Sent)]);
        hands.receive(&peer::deposit(1, 50_000));
        let callers = |hands: &Hands| -> Vec<String> {
            let callers = hands.entries().into_iter().filter_map(|entry| match entry {
                Entry::NoticeReplied(entry) => Some(entry.caller.into()),
                _ => None,
            });
            callers.collect()
        };
        assert_eq!(callers(&hands), ["ledger"; 2]);
        if is_checkpoint {
            take_checkpoint(&mut hands);
        }
        let before = callers(&hands).len();
        let mut next = hands.restart();
        next.come_up();
        next.receive(&peer::deposit(1, 50_000));
        // A journal does not say that it has left whole, and so it leaves once more; a checkpoint does.
        let times = if is_checkpoint { 1 } else { 2 };
        assert_eq!(callers(&next)[before..], vec!["ledger"; times]);
        assert_eq!(next.replied, [], "who heard it once is not told again");
    }
}

#[test]
fn nothing_is_told_of_a_reply_that_memory_lets_go_since_the_next_process_may_send_it() {
    let mut settings = settings();
    settings.limits.notices_max = 3;
    let mut hands = Hands::open_by(by_service(), settings);
    let conn = hands.conn(OUT);
    hands.receive(&peer::deposit(1, 50_000));
    let id = hands.delivered[0].0;
    hands.closed(conn, CloseReason::PeerClosed);
    reply(&mut hands, code(id, "0021")).unwrap();
    for number in 2..=4 {
        hands.receive(&peer::deposit(number, 50_000));
    }
    assert_eq!((&hands.replied[..], hands.core.open_notices(9).len()), (&[][..], 3));
}

/// What a service hears that subscribes to a process which has just begun.
fn left_to_reply(hands: &mut Hands) -> Duration {
    let ids = hands.core.undelivered(None, 2);
    assert_eq!(ids.len(), 1);
    hands.core.deliver_again(ids[0], hands.now);
    hands.turn();
    hands.deliveries[0].reply_until.unwrap().since(hands.now.mono)
}

#[test]
fn the_time_to_reply_goes_on_over_starts() {
    for is_checkpoint in [false, true] {
        let mut hands = served();
        hands.receive(&peer::deposit(1, 50_000));
        hands.after_secs(2);
        // It came first; a repetition while a service may still reply gives no new time.
        hands.receive(&peer::deposit(1, 50_000));
        let mut next = hands;
        for left in [3, 2] {
            if is_checkpoint {
                take_checkpoint(&mut next);
            }
            next = next.restart();
            assert_eq!(left_to_reply(&mut next), Duration::from_secs(left));
            next.after_secs(1);
            assert_eq!(next.kinds().iter().filter(|kind| **kind == "notice_replied").count(), 0);
        }
        // 2 seconds, and 1 in each process: the fifth second ends here, though no session is up yet.
        next.after_secs(1);
        let entries = next.entries();
        let Some(Entry::NoticeReplied(said)) = entries.last() else { panic!("{:?}", next.kinds()) };
        assert_eq!((&said.place, &*said.caller), (&None, ""));
        let id = next.deliveries[0].notice;
        reply(&mut next, code(id, "0021")).unwrap();
        assert_eq!(next.replied, [(id, ReplyReport::TooLate)]);
        next.come_up();
        assert_eq!(peer::at(&next.take_frame(), peer::RESPONSE_CODE), "0101");
    }
}

#[test]
fn a_time_to_reply_that_is_over_at_a_start_is_over() {
    let mut hands = served();
    hands.receive(&peer::deposit(1, 50_000));
    hands.now.wall = hands.now.wall.plus(Duration::from_secs(5));
    let mut next = hands.restart();
    next.after_secs(0);
    assert!(next.kinds().contains(&"notice_replied"));
    next.come_up();
    assert_eq!(peer::at(&next.take_frame(), peer::RESPONSE_CODE), "0101");
}

#[test]
fn a_clock_that_was_set_back_gives_no_more_time_to_reply_than_the_spec() {
    let mut hands = served();
    hands.receive(&peer::deposit(1, 50_000));
    hands.now.wall = pabal_clock::Wall::from_unix_micros(hands.now.wall.as_unix_micros() - 60_000_000);
    assert_eq!(left_to_reply(&mut hands.restart()), Duration::from_secs(5));
}

/// Two seconds before midnight.
fn late(hands: &mut Hands) {
    hands.now.wall = pabal_clock::Wall::from_unix_seconds(1_795_273_200 - 2);
}

/// Codes of the replies that have left.
fn replies(hands: &mut Hands) -> Vec<String> {
    let frames = hands.take_frames(OUT);
    let replies = frames.iter().filter(|frame| peer::at(frame, peer::MESSAGE_TYPE) == "4100");
    replies.map(|frame| peer::at(frame, peer::RESPONSE_CODE).to_owned()).collect()
}

#[test]
fn a_service_has_its_time_over_midnight_and_over_a_start() {
    let mut hands = served();
    late(&mut hands);
    hands.receive(&peer::deposit(1, 50_000));
    hands.after_secs(3);
    let mut next = hands.restart();
    assert_eq!(left_to_reply(&mut next), Duration::from_secs(2));
    let mut hands = served();
    late(&mut hands);
    hands.receive(&peer::deposit(1, 50_000));
    hands.after_secs(3);
    let id = hands.deliveries[0].notice;
    reply(&mut hands, code(id, "0021")).unwrap();
    assert_eq!(replies(&mut hands), ["0021"]);
    assert_eq!(hands.replied, [(id, ReplyReport::Sent)]);
}

#[test]
fn the_reply_to_a_notice_of_yesterday_waits_for_no_session() {
    for is_lost in [false, true] {
        let mut hands = served();
        late(&mut hands);
        hands.receive(&peer::deposit(1, 50_000));
        hands.after_secs(3);
        let (id, conn) = (hands.deliveries[0].notice, hands.conn(OUT));
        hands.take_frames(OUT);
        if is_lost {
            // It is given to a session that is lost before a byte has left.
            hands.socket_room = 0;
            reply(&mut hands, code(id, "0021")).unwrap();
            assert_eq!(hands.replied, []);
        }
        hands.closed(conn, CloseReason::PeerClosed);
        if !is_lost {
            reply(&mut hands, code(id, "0021")).unwrap();
        }
        assert_eq!(hands.replied, [(id, ReplyReport::NotSent)], "{is_lost}");
        hands.socket_room = usize::MAX;
        hands.after_secs(1);
        hands.reconnect();
        assert_eq!(replies(&mut hands), [""; 0], "as behind a start");
        // What it said holds for the next process too.
        let mut next = hands.restart();
        next.come_up();
        assert_eq!((next.core.open_notices(9).len(), replies(&mut next)), (0, Vec::new()), "{is_lost}");
        next.receive(&peer::deposit(1, 50_000));
        assert_eq!(replies(&mut next), ["0021"]);
    }
}
