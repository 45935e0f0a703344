//! Peers that take nothing, or too little.

use std::time::Duration;

use pabal_switch::{CloseReason, Conn, Direction, Entry, LineSide, Recovery, Settings};

use crate::hands::{Hands, IN, OUT, line, settings};
use crate::peer;

/// Bytes of a transfer on the wire.
const FRAME: usize = 304;

fn slow_settings() -> Settings {
    let mut settings = settings();
    settings.lines[0].window = 12;
    settings.lines[0].unsent_time_max = Duration::from_secs(10);
    settings
}

/// A bank that is open, and whose socket takes so many more bytes and is full then.
fn full_after(settings: Settings, bytes: usize) -> (Hands, Conn) {
    let mut hands = Hands::open_with(settings);
    hands.socket_room = bytes;
    let conn = hands.conn(OUT);
    (hands, conn)
}

fn full(hands: &mut Hands, conn: Conn) {
    hands.core.handle_wrote(conn, 0, hands.now);
    hands.turn();
}

fn aborted(hands: &mut Hands, conn: Conn, kernel_unsent: Option<u64>) {
    hands.open_conns.retain(|open| *open != conn);
    hands.core.handle_aborted(conn, kernel_unsent, hands.now);
    hands.turn();
}

#[test]
fn a_peer_that_takes_nothing_is_closed_when_the_time_is_over() {
    let (mut hands, conn) = full_after(slow_settings(), FRAME + 100);
    let (whole, partly, unsent) = (hands.transfer(), hands.transfer(), hands.transfer());
    full(&mut hands, conn);
    hands.after(Duration::from_millis(9_999));
    assert_eq!(hands.closes, []);
    hands.after(Duration::from_millis(1));
    assert_eq!(hands.closes, [(conn, CloseReason::SlowPeer, true)]);
    assert!(hands.core.poll_write(conn).is_empty(), "nothing more goes into it");
    assert_eq!(hands.told(unsent), [""; 0], "the shell has not said yet what has left");
    // It answers a request of which it cannot have more than the first hundred bytes.
    let mut answer = peer::answer(&hands.take_frame(), "0000");
    peer::put(&mut answer, peer::TELEGRAM_NO, "000003");
    hands.receive(&answer);
    let Some(Entry::Unclaimed(unclaimed)) = hands.entries().pop() else { panic!("{:?}", hands.kinds()) };
    assert_eq!(unclaimed.reason, format!("it has the key of exchange {partly}, of which not all bytes have left"));
    aborted(&mut hands, conn, None);
    assert_eq!(hands.told(whole), [""; 0]);
    assert_eq!(hands.told(partly), ["UNKNOWN PARTLY_WRITTEN"]);
    assert_eq!(hands.told(unsent), ["error SESSION_LOST"]);
    hands.after_secs(22);
    assert_eq!(hands.told(whole), ["UNKNOWN NO_ANSWER"]);
    assert!(!hands.connects.is_empty(), "it is connected again after the grace");
}

#[test]
fn a_backup_is_called_when_a_stuck_stream_is_closed_and_not_when_it_is_gone() {
    let [mut main, mut spare] = ["main", "spare"].map(|name| line(name, LineSide::Initiator, Direction::Duplex));
    main.unsent_time_max = Duration::from_secs(10);
    (spare.backup_of, spare.backup_after) = (Some(OUT), 1);
    let settings = Settings { lines: vec![main, spare], ..settings() };
    let mut hands = Hands::cold(settings, Recovery::new(), Hands::begin());
    hands.connect_next();
    hands.socket_room = FRAME;
    let conn = hands.conn(OUT);
    (0..2).for_each(|_| _ = hands.transfer());
    full(&mut hands, conn);
    hands.after_secs(10);
    assert_eq!(hands.closes, [(conn, CloseReason::SlowPeer, true)]);
    let called: Vec<_> = hands.connects.iter().map(|conn| conn.session.line).collect();
    assert_eq!(called, [IN], "the close grace is not waited for");
    aborted(&mut hands, conn, None);
    assert_eq!(hands.core.status().lines[0].failed, 1, "one failed try, counted once");
}

#[test]
fn nothing_of_what_waited_in_a_stuck_stream_has_left_when_the_journal_fails() {
    let (mut hands, conn) = full_after(slow_settings(), FRAME + 100);
    let (whole, partly, unsent) = (hands.transfer(), hands.transfer(), hands.transfer());
    full(&mut hands, conn);
    hands.is_durable = false;
    let undurable = hands.transfer();
    hands.after_secs(10);
    assert_eq!(hands.closes, [(conn, CloseReason::SlowPeer, true)]);
    hands.core.handle_journal_failed("no space left on device", hands.now);
    hands.turn();
    assert_eq!(
        (hands.told(whole), hands.told(partly)),
        (vec!["UNKNOWN NOT_KEPT".into()], vec!["UNKNOWN NOT_KEPT".into()])
    );
    assert_eq!(hands.told(unsent), ["error JOURNAL_FAILED"]);
    assert_eq!(hands.told(undurable), ["error JOURNAL_FAILED"]);
}

#[test]
fn what_the_kernel_took_and_did_not_send_is_not_sent() {
    let (mut hands, conn) = full_after(slow_settings(), 3 * FRAME + 100);
    let calls: Vec<_> = (0..5).map(|_| hands.transfer()).collect();
    full(&mut hands, conn);
    hands.after_secs(10);
    // Of what it took, all but the first and a byte of the second.
    aborted(&mut hands, conn, Some(2 * 304 + 100 - 1));
    assert_eq!(hands.told(calls[0]), [""; 0]);
    assert_eq!(hands.told(calls[1]), [""; 0], "a byte of it may have left");
    for call in &calls[2..] {
        assert_eq!(hands.told(*call), ["error SESSION_LOST"]);
    }
}

#[test]
fn what_was_unknown_and_did_not_leave_the_kernel_becomes_a_failure() {
    let mut settings = slow_settings();
    settings.lines[0].unsent_time_max = Duration::from_secs(40);
    let (mut hands, conn) = full_after(settings, FRAME);
    let (first, second) = (hands.transfer(), hands.transfer());
    full(&mut hands, conn);
    hands.after_secs(30);
    assert_eq!(hands.told(first), ["UNKNOWN NO_ANSWER"]);
    hands.after_secs(10);
    aborted(&mut hands, conn, Some(304));
    assert_eq!(hands.told(first), ["UNKNOWN NO_ANSWER", "FAILURE NOT_SENT SESSION_LOST"]);
    assert_eq!(hands.told(second), ["UNKNOWN NO_ANSWER", "FAILURE NOT_SENT SESSION_LOST"]);
}

#[test]
fn a_peer_that_takes_a_little_has_twice_the_time_for_what_it_takes_and_no_more() {
    let (mut hands, conn) = full_after(slow_settings(), 0);
    let calls: Vec<_> = (0..4).map(|_| hands.transfer()).collect();
    full(&mut hands, conn);
    for _ in 0..9 {
        hands.after_secs(1);
        hands.socket_room = 100;
        hands.turn();
        assert_eq!(hands.closes, []);
    }
    hands.after_secs(1);
    assert_eq!(hands.closes, [(conn, CloseReason::SlowPeer, true)], "900 of 1,216 bytes in ten seconds");
    aborted(&mut hands, conn, None);
    assert_eq!(hands.told(calls[2]), ["UNKNOWN PARTLY_WRITTEN"]);
    assert_eq!(hands.told(calls[3]), ["error SESSION_LOST"]);
}

#[test]
fn a_peer_that_takes_all_in_time_is_not_slow() {
    let (mut hands, conn) = full_after(slow_settings(), 0);
    for _ in 0..3 {
        hands.transfer();
        full(&mut hands, conn);
        hands.after(Duration::from_millis(9_999));
        hands.socket_room = FRAME;
        hands.turn();
    }
    hands.after_secs(15);
    assert_eq!(hands.closes, []);
}

#[test]
fn a_full_stream_that_does_not_move_is_closed_after_a_second() {
    let mut settings = slow_settings();
    settings.lines[0].unsent_bytes_max = 700;
    let (mut hands, conn) = full_after(settings, 0);
    hands.transfer();
    full(&mut hands, conn);
    hands.after_secs(5);
    assert_eq!(hands.closes, [], "it has room for more");
    hands.transfer();
    hands.transfer();
    assert_eq!(hands.core.status().waiting, 0);
    // 912 bytes: nothing more is queued, and the socket has not moved for five seconds.
    hands.after(Duration::ZERO);
    assert_eq!(hands.closes, [(conn, CloseReason::SlowPeer, true)]);
}

#[test]
fn a_stuck_stream_whose_shell_says_nothing_is_lost_with_the_grace() {
    let (mut hands, conn) = full_after(slow_settings(), 0);
    let call = hands.transfer();
    full(&mut hands, conn);
    hands.after_secs(10);
    assert_eq!(hands.told(call), [""; 0]);
    hands.after_secs(20);
    assert_eq!(hands.told(call).last().map(String::as_str), Some("error SESSION_LOST"));
}
