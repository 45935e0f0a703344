//! A protocol whose sessions are signed on: `LINK` is asked by the side that connects, and `LIOK` says in two digits how it went. Before we
//! close in order, `STOP` is said, and answered by `STOK`.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use pabal_clock::Now;
use pabal_spec::Institution;
use pabal_switch::{CloseReason, Direction, Entry, LineSide, Recovery, Refusal, SessionState, Settings};

use crate::hands::{Hands, IN, OUT, line, settings, version};
use crate::peer;

const RULES: (&str, &str) = (
    "  opening  ",
    "  sign on { request link  answer link_ok  success result \"00\"|\"01\"  timeout 10s }\n  \
       sign off { request stop  answer stop_ok  timeout 5s }\n  opening  ",
);
const ROWS: (&str, &str) = (
    "    poll_request  ",
    "    link length 16 bytes 0..4 \"LINK\"\n    link_ok length 18 bytes 0..4 \"LIOK\"\n    \
         stop length 4 bytes 0..4 \"STOP\"\n    stop_ok length 4 bytes 0..4 \"STOK\"\n    poll_request  ",
);
const TELEGRAMS: (&str, &str) = (
    "telegram poll_request ",
    "telegram link \"접속\" 16 {\n  marker X(4) const \"LINK\" public\n  sent time(YYMMDDhhmmss) at send public\n}\n\n\
     telegram link_ok \"접속 응답\" 18 {\n  marker X(4) const \"LIOK\" public\n  sent time(YYMMDDhhmmss) by answerer echo public\n  \
       result X(2) by answerer public\n}\n\n\
     telegram stop \"종료\" 4 {\n  marker X(4) const \"STOP\" public\n}\n\n\
     telegram stop_ok \"종료 응답\" 4 {\n  marker X(4) const \"STOK\" public\n}\n\ntelegram poll_request ",
);

fn signed(more: &[(&str, &str)]) -> Arc<Institution> {
    version(&[&[RULES, ROWS, TELEGRAMS], more].concat(), &[])
}

fn usual() -> Arc<Institution> {
    static LOADED: OnceLock<Arc<Institution>> = OnceLock::new();
    Arc::clone(LOADED.get_or_init(|| signed(&[])))
}

/// One line for both directions.
fn duplex() -> Settings {
    Settings { lines: vec![line("both", LineSide::Initiator, Direction::Duplex)], ..settings() }
}

/// Connected, and our `LINK` is out.
fn asking() -> (Hands, Vec<u8>) {
    let mut hands = Hands::cold_with(vec![usual()], duplex(), Recovery::new(), Hands::begin());
    hands.connect_next();
    let link = hands.take_frame();
    (hands, link)
}

fn answer(link: &[u8], result: &str) -> Vec<u8> {
    peer::framed(&[b"LIOK", &link[4..16], result.as_bytes()].concat())
}

fn states(hands: &Hands) -> Vec<SessionState> {
    hands.core.status().sessions.iter().map(|session| session.state).collect()
}

fn last_unclaimed(hands: &Hands) -> String {
    let entries = hands.entries();
    let reasons = entries.iter().rev().find_map(|entry| match entry {
        Entry::Unclaimed(one) => Some(one.reason.clone()),
        _ => None,
    });
    reasons.unwrap_or_default()
}

#[test]
fn nothing_of_business_leaves_before_the_sign_on_is_answered() {
    let (mut hands, link) = asking();
    // 10:00:00 in Seoul, as `at send` says it.
    assert_eq!(core::str::from_utf8(&link).unwrap(), "LINK261121100000");
    assert_eq!(states(&hands), [SessionState::SigningOn]);
    let open = hands.request(peer::transfer("088", "1", 5));
    assert_eq!(hands.try_open(open), Err(Refusal::NotOpen), "not even the opening has left");
    assert_eq!(hands.bytes_out(OUT), 20);
    hands.receive_on(OUT, &answer(&link, "01"));
    assert_eq!(states(&hands), [SessionState::Up]);
    let id = hands.transfer();
    let frame = hands.take_frame();
    hands.receive_on(OUT, &peer::framed(&peer::answer(&frame, "0000")));
    assert_eq!(hands.told(id), ["SUCCESS ANSWERED"]);
}

#[test]
fn what_is_refused_late_or_something_else_closes() {
    let refused = |link: &[u8]| answer(link, "99");
    let stale = |_: &[u8]| answer(b"LINK261121095959", "00");
    let unknown = |_: &[u8]| peer::framed(b"LIOKKKK");
    type Answering<'a> = &'a dyn Fn(&[u8]) -> Vec<u8>;
    let cases: [(Answering<'_>, &str); 3] = [
        (&refused, "it is refused: `result` is `99`"),
        (&stale, "an answer that does not carry back bytes 4..16 of what this session asked"),
        (&unknown, "no row of `select` knows 7 bytes with"),
    ];
    for (bytes, reason) in cases {
        let (mut hands, link) = asking();
        let conn = hands.conn(OUT);
        hands.receive_on(OUT, &bytes(&link));
        assert_eq!(hands.closes, [(conn, CloseReason::SignOnFailed, true)], "{reason}");
        assert!(last_unclaimed(&hands).starts_with(reason), "{}", last_unclaimed(&hands));
        // Operators see it where they look at sessions, too.
        let detail = hands.core.status().sessions[0].detail.clone().unwrap_or_default();
        assert!(detail.starts_with(reason), "{detail}");
        assert_eq!(hands.bytes_out(OUT), 20, "nothing but the sign-on has left");
        hands.closed(conn, CloseReason::Reset);
        hands.connect_next();
        let link = hands.take_frame();
        hands.receive_on(OUT, &answer(&link, "00"));
        assert_eq!(states(&hands), [SessionState::Up], "the next one is another connection");
    }
    let (mut hands, link) = asking();
    let conn = hands.conn(OUT);
    hands.after(Duration::from_millis(9_999));
    assert!(hands.closes.is_empty());
    hands.after(Duration::from_millis(1));
    assert_eq!(hands.closes, [(conn, CloseReason::SignOnFailed, true)]);
    // What comes for the old connection reaches nothing.
    hands.core.handle_received(conn, &answer(&link, "00"), hands.now);
    hands.turn();
    assert_eq!(states(&hands), [SessionState::Closing]);
}

/// Whoever takes the connection and no sign-on is no address to stay at (QuickFIX/J went back to the first one at each TCP connect).
#[test]
fn an_address_whose_sign_on_fails_is_left() {
    let refuse = |hands: &mut Hands, link: &[u8]| hands.receive_on(OUT, &answer(link, "99"));
    let say_nothing = |hands: &mut Hands, _: &[u8]| hands.after_secs(10);
    let ways: [fn(&mut Hands, &[u8]); 2] = [refuse, say_nothing];
    for fails in ways {
        let mut settings = duplex();
        settings.lines[0].addresses = 2;
        let mut hands = Hands::cold_with(vec![usual()], settings, Recovery::new(), Hands::begin());
        for address in [0, 1, 0] {
            assert_eq!(hands.core.status().lines[0].address, address);
            hands.connect_next();
            assert_eq!(hands.tried.last().map(|(_, _, tried)| *tried), Some(address));
            let (conn, link) = (hands.conn(OUT), hands.take_frame());
            fails(&mut hands, &link);
            assert_eq!(hands.closes.pop(), Some((conn, CloseReason::SignOnFailed, true)));
            hands.closed(conn, CloseReason::Reset);
        }
        assert_eq!(hands.core.status().lines[0].failed, 3);
    }
}

#[test]
fn operators_see_who_was_silent() {
    let detail = |hands: &Hands, at: usize| hands.core.status().sessions[at].detail.clone().unwrap_or_default();
    let (mut hands, _) = asking();
    let conn = hands.conn(OUT);
    hands.after_secs(10);
    assert_eq!(&*detail(&hands, 0), "our sign-on was not answered within 10s");
    // It is so until another one ends.
    hands.closed(conn, CloseReason::Reset);
    hands.connect_next();
    assert_eq!(&*detail(&hands, 0), "our sign-on was not answered within 10s");
    let conn = hands.conn(OUT);
    hands.closed(conn, CloseReason::PeerClosed);
    let session = &hands.core.status().sessions[0];
    assert_eq!((session.closed, session.detail.as_deref()), (Some(CloseReason::PeerClosed), None));
    let (mut hands, _) = pair();
    hands.after_secs(10);
    assert_eq!(&*detail(&hands, 1), "the institution did not sign on within 10s");
}

#[test]
fn their_time_begins_when_our_sign_on_is_written() {
    let mut hands = Hands::cold_with(vec![usual()], duplex(), Recovery::new(), Hands::begin());
    hands.socket_room = 3;
    hands.connect_next();
    hands.after_secs(9);
    hands.socket_room = usize::MAX;
    hands.turn();
    let link = hands.take_frame();
    hands.after_secs(9);
    hands.receive_on(OUT, &answer(&link, "00"));
    assert_eq!(states(&hands), [SessionState::Up]);
}

/// The usual pair: we ask on the line that we open, and are asked on the other.
fn pair() -> (Hands, Vec<u8>) {
    let mut hands = Hands::cold_with(vec![usual()], settings(), Recovery::new(), Hands::begin());
    hands.connect_next();
    let link = hands.take_frame();
    hands.receive_on(OUT, &answer(&link, "00"));
    hands.accept();
    assert_eq!(states(&hands), [SessionState::Up, SessionState::SigningOn]);
    (hands, link)
}

#[test]
fn who_connects_to_us_signs_on() {
    let (mut hands, _) = pair();
    let open = hands.request(peer::transfer("088", "1", 5));
    assert_eq!(hands.try_open(open), Err(Refusal::NotOpen), "the half that answers is not up");
    assert_eq!(hands.bytes_out(IN), 0);
    hands.receive_on(IN, &peer::framed(b"LINK261121095958"));
    assert_eq!(hands.take_frames(IN), [b"LIOK26112109595800".to_vec()], "the first good value, and their time");
    assert_eq!(states(&hands), [SessionState::Up; 2]);
    let id = hands.transfer();
    let frame = hands.take_frame();
    // Asked again, it is said again, and nothing changes.
    hands.receive_on(IN, &peer::framed(b"LINK261121100001"));
    assert_eq!(hands.take_frames(IN), [b"LIOK26112110000100".to_vec()]);
    hands.receive(&peer::answer(&frame, "0000"));
    assert_eq!(hands.told(id), ["SUCCESS ANSWERED"]);
}

#[test]
fn who_does_not_sign_on_is_not_heard() {
    let (mut hands, _) = pair();
    let conn = hands.conn(IN);
    hands.receive(&peer::deposit(1, 5));
    assert_eq!(last_unclaimed(&hands), "it came before the session was signed on");
    assert!(hands.delivered.is_empty());
    hands.after_secs(10);
    assert_eq!(hands.closes, [(conn, CloseReason::SignOnFailed, true)]);
}

#[test]
fn only_the_side_that_the_spec_says_may_ask() {
    let (mut hands, link) = asking();
    hands.receive_on(OUT, &peer::framed(b"LINK261121095958"));
    assert_eq!(last_unclaimed(&hands), "this side signs on, not the institution");
    hands.receive_on(OUT, &answer(&link, "00"));
    assert_eq!(states(&hands), [SessionState::Up]);
    hands.receive_on(OUT, &answer(&link, "00"));
    assert_eq!(last_unclaimed(&hands), "no sign-on is under way");
    assert_eq!(states(&hands), [SessionState::Up]);

    // `by acceptor`: who was connected to asks, and we answer where we have connected.
    let institution = signed(&[("sign on {", "sign on by acceptor {")]);
    let mut hands = Hands::cold_with(vec![institution], duplex(), Recovery::new(), Hands::begin());
    hands.connect_next();
    assert_eq!((states(&hands), hands.bytes_out(OUT)), (vec![SessionState::SigningOn], 0));
    hands.receive_on(OUT, &peer::framed(b"LINK261121095958"));
    assert_eq!(hands.take_frames(OUT), [b"LIOK26112109595800".to_vec()]);
    assert_eq!(states(&hands), [SessionState::Up]);
}

/// Signed on and open, by one line.
fn up() -> Hands {
    let (mut hands, link) = asking();
    hands.receive_on(OUT, &answer(&link, "00"));
    hands
}

fn drain(hands: &mut Hands, seconds: u64) {
    let until = Now { mono: hands.now.mono + Duration::from_secs(seconds), ..hands.now }.mono;
    hands.core.drain(until, hands.now);
    hands.turn();
}

#[test]
fn we_sign_off_when_nothing_is_awaited_any_more() {
    let mut hands = up();
    let id = hands.transfer();
    let frame = hands.take_frame();
    drain(&mut hands, 60);
    assert_eq!(states(&hands), [SessionState::Draining]);
    hands.receive_on(OUT, &peer::framed(&peer::answer(&frame, "0000")));
    assert_eq!(hands.told(id), ["SUCCESS ANSWERED"]);
    assert_eq!(hands.take_frames(OUT), [b"STOP".to_vec()], "and business is not closed");
    assert_eq!((states(&hands), hands.closes.len()), (vec![SessionState::SigningOff], 0));
    let conn = hands.conn(OUT);
    hands.receive_on(OUT, &peer::framed(b"STOK"));
    assert_eq!(hands.closes, [(conn, CloseReason::Drained, false)]);
    hands.closed(conn, CloseReason::PeerClosed);
    assert!(hands.core.is_drained());
}

#[test]
fn a_sign_off_does_not_hold_us_for_ever() {
    let mut hands = up();
    let conn = hands.conn(OUT);
    drain(&mut hands, 60);
    assert_eq!(hands.take_frames(OUT), [b"STOP".to_vec()]);
    hands.after_secs(4);
    assert!(hands.closes.is_empty());
    hands.after_secs(1);
    assert_eq!(hands.closes, [(conn, CloseReason::Drained, false)]);

    // Nor beyond the deadline of the drain.
    let mut hands = up();
    let conn = hands.conn(OUT);
    drain(&mut hands, 2);
    hands.after_secs(2);
    assert_eq!(hands.closes, [(conn, CloseReason::Stopped, false)]);
}

#[test]
fn a_sign_off_without_an_answer_is_done_when_it_is_written() {
    let institution =
        signed(&[("sign off { request stop  answer stop_ok  timeout 5s }", "sign off { request stop  timeout 5s }")]);
    let mut hands = Hands::cold_with(vec![institution], duplex(), Recovery::new(), Hands::begin());
    hands.connect_next();
    let link = hands.take_frame();
    hands.receive_on(OUT, &answer(&link, "00"));
    let conn = hands.conn(OUT);
    drain(&mut hands, 60);
    assert_eq!(hands.take_frames(OUT), [b"STOP".to_vec()]);
    assert_eq!(hands.closes, [(conn, CloseReason::Drained, false)]);
}

#[test]
fn when_they_sign_off_nothing_new_leaves() {
    let mut hands = up();
    let id = hands.transfer();
    let frame = hands.take_frame();
    hands.receive_on(OUT, &peer::framed(b"STOP"));
    assert_eq!(hands.take_frames(OUT), [b"STOK".to_vec()]);
    assert_eq!(states(&hands), [SessionState::Draining]);
    let open = hands.request(peer::transfer("088", "1", 5));
    assert_eq!(hands.try_open(open), Err(Refusal::SendDown));
    hands.receive_on(OUT, &peer::framed(&peer::answer(&frame, "0000")));
    assert_eq!(hands.told(id), ["SUCCESS ANSWERED"], "what is in flight may still be answered");
    let conn = hands.conn(OUT);
    hands.after_secs(5);
    assert_eq!(hands.closes, [(conn, CloseReason::SignedOff, false)], "they have had their time to close");
}

#[test]
fn a_sign_off_that_is_said_again_gives_no_more_time() {
    let mut hands = up();
    hands.transfer();
    let conn = hands.conn(OUT);
    hands.receive_on(OUT, &peer::framed(b"STOP"));
    hands.after_secs(3);
    hands.receive_on(OUT, &peer::framed(b"STOP"));
    let answers = hands.take_frames(OUT).iter().filter(|frame| *frame == b"STOK").count();
    assert_eq!(answers, 2, "each is answered");
    hands.after(Duration::from_millis(1_999));
    assert_eq!(hands.closes, []);
    hands.after(Duration::from_millis(1));
    assert_eq!(hands.closes, [(conn, CloseReason::SignedOff, false)]);
}

#[test]
fn a_peer_that_signs_on_again_and_takes_nothing_comes_to_the_bound_of_bytes() {
    let mut settings = settings();
    // Five answers of 22 bytes.
    settings.lines[1].unsent_bytes_max = 110;
    settings.lines[1].unsent_time_max = Duration::from_secs(100);
    let mut hands = Hands::cold_with(vec![usual()], settings, Recovery::new(), Hands::begin());
    let conn = hands.accept();
    let link = peer::framed(b"LINK261121095958");
    hands.receive_on(IN, &link);
    hands.socket_room = 0;
    hands.receive_on(IN, &link);
    hands.core.handle_wrote(conn, 0, hands.now);
    (0..3).for_each(|_| hands.receive_on(IN, &link));
    hands.after_secs(2);
    assert_eq!(hands.closes, [], "88 bytes are below the bound");
    hands.receive_on(IN, &link);
    hands.after(Duration::from_millis(1));
    assert_eq!(hands.closes, [(conn, CloseReason::SlowPeer, true)], "not a byte was taken for more than a second");
}

#[test]
fn a_line_is_well_only_behind_its_sign_on_and_its_backup_signs_off() {
    let main = line("main", LineSide::Initiator, Direction::Duplex);
    let mut spare = line("spare", LineSide::Initiator, Direction::Duplex);
    (spare.backup_of, spare.backup_after) = (Some(OUT), 1);
    let mut settings = Settings { lines: vec![main, spare], ..settings() };
    settings.lines[0].healthy_after = Duration::from_secs(4);
    let mut hands = Hands::cold_with(vec![usual()], settings, Recovery::new(), Hands::begin());
    let failed = hands.connects.remove(0);
    hands.core.handle_connect_failed(failed, hands.now);
    hands.turn();
    let at = hands.connects.iter().position(|conn| conn.session.line == IN).expect("its backup is called");
    let spare = hands.connects.remove(at);
    hands.connected(spare);
    let link = hands.take_frames(IN).remove(0);
    hands.receive_on(IN, &answer(&link, "00"));
    hands.connect_next();
    assert_eq!(states(&hands), [SessionState::SigningOn, SessionState::Up]);
    let link = hands.take_frames(OUT).remove(0);
    // Longer than the healthy time.
    hands.after_secs(6);
    hands.receive_on(OUT, &answer(&link, "00"));
    hands.after(Duration::from_millis(3_999));
    assert_eq!(states(&hands), [SessionState::Up; 2], "it has not been up long enough");
    hands.after(Duration::from_millis(1));
    assert_eq!(states(&hands), [SessionState::Up, SessionState::SigningOff]);
    assert_eq!((hands.take_frames(IN), hands.closes.len()), (vec![b"STOP".to_vec()], 0));
    hands.receive_on(IN, &peer::framed(b"STOK"));
    assert_eq!(hands.closes, [(spare, CloseReason::Standby, false)]);
}
