//! An institution that is asked as of old: connect, one request, its answer, close. Its answers carry back nothing, so that only the connection
//! says whose they are. Requests are 39 bytes: kind, date, number, code, account, amount.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use pabal_spec::{Institution, Source};
use pabal_switch::{
    By, Bytes, CloseReason, Command, Conn, Connects, Direction, Entry, ExchangeId, LineSettings, LineSide, Open,
    Opened, Party, Rate, Recovery, Refusal, SessionState, Settings,
};

use crate::hands::{Hands, line, settings};
use crate::peer;

const SPEC: &str = r#"
institution desk "창구"
protocol ask {
  zone     +09:00
  day      changes 00:00
  charset  encode euc-kr decode cp949
  frame    length ascii(4) exclusive max 999
  unset    9 zero  X space
  stamp    date at queue
  number   no per date 1..999
  key      none
  trace    none
  select by kind {
    balance  "Q"|"A"
    pay      "P"|"R"
  }
  verdict  code from codes.csv
}
header head 16 {
  kind  X(1)            public
  date  date(YYYYMMDD)  by asker     public
  no    9(3)            by asker     public
  code  X(4)            by answerer  public
}
telegram balance "잔액" 39 : head {
  account  X(10)  by asker     account
  amount   9(13)  by answerer  public
}
telegram pay "지급" 39 : head {
  account  X(10)  by asker  account
  amount   9(13)  by asker  public
}
exchange balance { request "Q"  answer "A"  effect none  timeout 5s }
exchange pay { request "P"  answer "R"  effect money  timeout 5s  unknown list }
"#;

fn desk() -> Arc<Institution> {
    static LOADED: OnceLock<Arc<Institution>> = OnceLock::new();
    let source = |name: &str, text: &str| Source { name: name.into(), text: text.into() };
    let load = || {
        let sources =
            [source("desk.spec", SPEC), source("codes.csv", "code,class,text\n0000,success,ok\n0001,refused,no\n")];
        Arc::new(pabal_spec::load(&sources).unwrap().institution)
    };
    Arc::clone(LOADED.get_or_init(load))
}

fn hands(sessions_max: u16, connects: Connects) -> Hands {
    with(sessions_max, connects, |_| {})
}

fn with(sessions_max: u16, connects: Connects, set: impl Fn(&mut Settings)) -> Hands {
    let route = LineSettings {
        protocol: "ask".into(),
        sessions_max,
        window: 1,
        connects,
        ..line("desk", LineSide::Initiator, Direction::Duplex)
    };
    let desk_party = Party { name: "desk".into(), fields: Vec::new(), participants: Vec::new(), exchanges: Vec::new() };
    let mut settings = Settings { lines: vec![route], parties: vec![desk_party], ..settings() };
    set(&mut settings);
    Hands::cold_with(vec![desk()], settings, Recovery::new(), Hands::begin())
}

fn request(hands: &Hands, exchange: &str) -> Open {
    let kind = if exchange == "pay" { "P" } else { "Q" };
    Open {
        plan: hands.plan(exchange),
        deadline: hands.now.mono + Duration::from_secs(20),
        ..Open { telegram: format!("{kind}{:15}{:<10}{:013}", "", "110123", 0).into_bytes().into(), ..blank(hands) }
    }
}

fn blank(hands: &Hands) -> Open {
    Open {
        plan: hands.plan("balance"),
        caller: "teller".into(),
        idempotency_key: None,
        party: None,
        telegram: Bytes::default(),
        deadline: hands.now.mono,
        accepts_early_unknown: true,
        trace: None,
    }
}

fn ask(hands: &mut Hands, exchange: &str) -> ExchangeId {
    let open = request(hands, exchange);
    match hands.try_open(open) {
        Ok(Opened::New(id)) => id,
        other => panic!("{other:?}"),
    }
}

fn answer(kind: &str, code: &str) -> Vec<u8> {
    peer::framed(format!("{kind}{:11}{code}{:<10}{:013}", "", "110123", 150_000).as_bytes())
}

fn receive(hands: &mut Hands, conn: Conn, bytes: &[u8]) {
    hands.core.handle_received(conn, bytes, hands.now);
    hands.turn();
}

fn states(hands: &Hands) -> Vec<SessionState> {
    hands.core.status().sessions.iter().map(|session| session.state).collect()
}

fn unclaimed(hands: &Hands) -> Vec<String> {
    let entries = hands.entries();
    let reasons = entries.iter().filter_map(|entry| match entry {
        Entry::Unclaimed(one) => Some(one.reason.clone()),
        _ => None,
    });
    reasons.collect()
}

fn connect(hands: &mut Hands) -> Conn {
    assert_eq!(hands.connects.len(), 1);
    let conn = hands.connects.remove(0);
    hands.connected(conn);
    conn
}

#[test]
fn each_request_has_a_connection_of_its_own() {
    let mut hands = hands(2, Connects::PerExchange);
    assert!(hands.connects.is_empty(), "nobody waits");
    let id = ask(&mut hands, "balance");
    assert_eq!(states(&hands), [SessionState::Connecting, SessionState::Down]);
    let conn = connect(&mut hands);
    let frame = hands.take_frame();
    assert_eq!(core::str::from_utf8(&frame[..12]).unwrap(), "Q20261121001");
    receive(&mut hands, conn, &answer("A", "0000"));
    assert_eq!(hands.told(id), ["SUCCESS ANSWERED"]);
    assert_eq!(hands.closes, [(conn, CloseReason::Answered, false)]);
    // While the peer may count it, its slot is not free; the other one is.
    let next = ask(&mut hands, "balance");
    assert_eq!(states(&hands), [SessionState::Closing, SessionState::Connecting]);
    let other = connect(&mut hands);
    receive(&mut hands, other, &answer("A", "0001"));
    assert_eq!(hands.told(next), ["FAILURE REFUSED"]);
    hands.closed(conn, CloseReason::PeerClosed);
    hands.closed(other, CloseReason::PeerClosed);
    hands.after_secs(600);
    assert!(hands.connects.is_empty());
    assert_eq!(states(&hands), [SessionState::Down; 2], "and nothing is polled or made again");
}

#[test]
fn no_more_than_are_allowed_and_the_next_as_soon_as_a_slot_is_free() {
    let mut hands = hands(1, Connects::PerExchange);
    let (first, second) = (ask(&mut hands, "balance"), ask(&mut hands, "balance"));
    let conn = connect(&mut hands);
    receive(&mut hands, conn, &answer("A", "0000"));
    assert_eq!((hands.told(first).len(), hands.connects.len()), (1, 0), "the slot is not free");
    hands.closed(conn, CloseReason::PeerClosed);
    let conn = connect(&mut hands);
    // The peer's FIN comes right behind its answer, and the answer is not lost by it.
    receive(&mut hands, conn, &answer("A", "0000"));
    hands.closed(conn, CloseReason::PeerClosed);
    assert_eq!(hands.told(second), ["SUCCESS ANSWERED"]);
    assert_eq!(hands.bytes_out(conn.session.line), 2 * 43, "one request by each");
}

#[test]
fn the_time_in_the_queue_is_the_callers() {
    let mut hands = hands(1, Connects::PerExchange);
    let id = ask(&mut hands, "balance");
    hands.after_secs(4);
    let second = ask(&mut hands, "balance");
    let conn = connect(&mut hands);
    // Sent, and not answered in the institution's time.
    hands.after_secs(5);
    assert_eq!(hands.told(id), ["UNKNOWN NO_ANSWER"]);
    assert_eq!(hands.closes, [(conn, CloseReason::AnswerMissed, false)]);
    // The other end does not say that it has closed: the slot is held, and the second caller's time ends.
    hands.after_secs(16);
    assert_eq!(hands.told(second), ["error DEADLINE_PASSED"]);
    assert!(hands.connects.is_empty());
}

#[test]
fn a_connection_that_is_not_made_refuses_what_it_was_made_for() {
    let mut hands = hands(2, Connects::PerExchange);
    let (first, second) = (ask(&mut hands, "pay"), ask(&mut hands, "pay"));
    let (a, b) = (hands.connects.remove(0), hands.connects.remove(0));
    hands.core.handle_connect_failed(a, hands.now);
    hands.turn();
    assert_eq!(hands.told(first), ["error SEND_DOWN"], "a proof that nothing left");
    assert!(hands.told(second).is_empty());
    // It takes too long.
    hands.after_secs(5);
    hands.core.handle_connect_failed(b, hands.now);
    hands.turn();
    assert_eq!(hands.told(second), ["error SEND_DOWN"]);
    assert_eq!(hands.bytes_out(a.session.line), 0);
}

#[test]
fn while_every_slot_backs_off_nothing_is_taken_in() {
    let mut hands = hands(1, Connects::PerExchange);
    let id = ask(&mut hands, "pay");
    let conn = hands.connects.remove(0);
    hands.core.handle_connect_failed(conn, hands.now);
    hands.turn();
    assert_eq!(hands.told(id), ["error SEND_DOWN"]);
    let open = request(&hands, "pay");
    assert_eq!(hands.try_open(open), Err(Refusal::SendDown), "it was not there a moment ago");
    hands.after_secs(2);
    assert!(hands.connects.is_empty(), "nobody waits");
    let id = ask(&mut hands, "pay");
    let conn = connect(&mut hands);
    receive(&mut hands, conn, &answer("R", "0000"));
    assert_eq!(hands.told(id), ["SUCCESS ANSWERED"]);
}

#[test]
fn whoever_leaves_leaves_an_idle_connection_that_is_closed() {
    let mut hands = hands(1, Connects::PerExchange);
    let id = ask(&mut hands, "balance");
    hands.core.abandon(id, hands.now);
    hands.turn();
    assert_eq!(hands.told(id), ["error ABANDONED"]);
    let conn = connect(&mut hands);
    assert_eq!(hands.closes, [(conn, CloseReason::Answered, false)]);
    assert_eq!(hands.bytes_out(conn.session.line), 0);
}

#[test]
fn a_connection_is_made_when_the_rate_lets_its_request_leave() {
    let mut hands = with(3, Connects::PerExchange, |settings| {
        settings.rates = [(Bytes::default(), Rate { per_second: Some(2), ..Rate::default() })].into_iter().collect();
        settings.limits.waiting_max = 4;
    });
    let asked: Vec<_> = (0..4).map(|_| ask(&mut hands, "balance")).collect();
    for _ in 0..2 {
        let conn = hands.connects.remove(0);
        hands.connected(conn);
    }
    // The institution would close a third that asks nothing.
    assert!(hands.connects.is_empty());
    hands.after(Duration::from_millis(999));
    assert!(hands.connects.is_empty());
    hands.after(Duration::from_millis(1));
    let conn = connect(&mut hands);
    receive(&mut hands, conn, &answer("A", "0000"));
    assert_eq!(hands.told(asked[2]), ["SUCCESS ANSWERED"]);
    // Its slot is free: the fourth has it.
    hands.closed(conn, CloseReason::PeerClosed);
    let conn = connect(&mut hands);
    receive(&mut hands, conn, &answer("A", "0000"));
    assert_eq!(hands.told(asked[3]), ["SUCCESS ANSWERED"]);
}

#[test]
fn a_higher_rate_makes_connections_at_once() {
    let rate = |most| Rate { per_second: Some(most), ..Rate::default() };
    let mut hands = with(2, Connects::PerExchange, |settings| {
        settings.rates = [(Bytes::default(), rate(1))].into_iter().collect();
    });
    let asked: Vec<_> = (0..2).map(|_| ask(&mut hands, "balance")).collect();
    connect(&mut hands);
    assert!(hands.connects.is_empty());
    crate::control::command(&mut hands, Command::Limit { compartment: Bytes::default(), rate: Some(rate(2)) }).unwrap();
    let conn = connect(&mut hands);
    receive(&mut hands, conn, &answer("A", "0000"));
    assert_eq!(hands.told(asked[1]), ["SUCCESS ANSWERED"]);
}

#[test]
fn without_a_key_an_answer_is_that_of_the_only_request() {
    let mut hands = hands(1, Connects::Kept);
    let conn = connect(&mut hands);
    let (first, second) = (ask(&mut hands, "balance"), ask(&mut hands, "pay"));
    assert_eq!(hands.take_frames(conn.session.line).len(), 1, "one after the other");
    receive(&mut hands, conn, &answer("A", "0000"));
    assert_eq!((hands.told(first), hands.told(second).len()), (vec!["SUCCESS ANSWERED".into()], 0));
    receive(&mut hands, conn, &answer("R", "0001"));
    assert_eq!(hands.told(second), ["FAILURE REFUSED"]);
    assert!(hands.closes.is_empty(), "the connection stays");
}

#[test]
fn after_a_missed_answer_the_next_frame_could_be_the_late_one() {
    let mut hands = hands(1, Connects::Kept);
    let conn = connect(&mut hands);
    let id = ask(&mut hands, "pay");
    let next = ask(&mut hands, "pay");
    hands.after_secs(5);
    assert_eq!(hands.told(id), ["UNKNOWN NO_ANSWER"]);
    assert_eq!(hands.closes, [(conn, CloseReason::AnswerMissed, false)]);
    // Late by a moment: it reaches nobody, least of all the one that waits.
    receive(&mut hands, conn, &answer("R", "0000"));
    assert!(hands.told(next).is_empty());
    hands.closed(conn, CloseReason::PeerClosed);
    hands.connect_next();
    let conn = hands.conn(conn.session.line);
    receive(&mut hands, conn, &answer("R", "0001"));
    assert_eq!(hands.told(next), ["FAILURE REFUSED"]);
    assert_eq!(hands.told(id), ["UNKNOWN NO_ANSWER"], "nothing of a new connection answers what an old one asked");
}

#[test]
fn an_answer_too_many_ends_the_connection() {
    let mut hands = hands(1, Connects::Kept);
    let conn = connect(&mut hands);
    let id = ask(&mut hands, "balance");
    // Two answers in one segment: the second is nobody's.
    receive(&mut hands, conn, &[answer("A", "0000"), answer("A", "0001")].concat());
    assert_eq!(hands.told(id), ["SUCCESS ANSWERED"]);
    assert_eq!(unclaimed(&hands), ["this session has asked nothing that is not answered"]);
    assert_eq!(hands.closes, [(conn, CloseReason::AnswerMissed, false)]);

    let mut hands = self::hands(1, Connects::Kept);
    let conn = connect(&mut hands);
    let id = ask(&mut hands, "pay");
    receive(&mut hands, conn, &answer("A", "0000"));
    assert_eq!(unclaimed(&hands), [format!("it is not the kind of answer that exchange {id} has")]);
    assert_eq!(hands.closes, [(conn, CloseReason::AnswerMissed, false)]);
    hands.after_secs(5);
    assert_eq!(hands.told(id), ["UNKNOWN NO_ANSWER"]);
}

#[test]
fn a_restart_leaves_what_was_asked_unknown() {
    let mut hands = hands(1, Connects::PerExchange);
    let id = ask(&mut hands, "pay");
    connect(&mut hands);
    // Ids are made of the time.
    hands.after_secs(1);
    let mut next = hands.restart();
    assert_eq!(next.core.exchange(id).unwrap().outcome.map(|outcome| outcome.word()), Some("UNKNOWN"));
    // The peer may still count the connection: what is asked now waits for the close grace.
    let open = request(&next, "pay");
    let open = Open { deadline: next.now.mono + Duration::from_secs(60), ..open };
    let Ok(Opened::New(waiting)) = next.try_open(open) else { panic!("it waits") };
    assert!(next.connects.is_empty());
    next.after_secs(20);
    let conn = connect(&mut next);
    receive(&mut next, conn, &answer("R", "0000"));
    assert_eq!(next.told(waiting), ["SUCCESS ANSWERED"]);
}

/// A line that connects for each request of an institution whose business is opened: two banks, one slot.
fn opened_by_one_slot(reconnect: Duration) -> Hands {
    let mut both = line("both", LineSide::Initiator, Direction::Duplex);
    (both.window, both.connects) = (1, Connects::PerExchange);
    (both.reconnect_min, both.reconnect_max) = (reconnect, reconnect);
    Hands::cold(Settings { lines: vec![both], ..settings() }, Recovery::new(), Hands::begin())
}

#[test]
fn business_is_opened_when_the_slot_that_a_crash_left_is_free() {
    let mut hands = opened_by_one_slot(Duration::from_secs(1));
    hands.opens = false;
    connect(&mut hands);
    hands.after_secs(1);
    let mut next = hands.restart();
    // The peer may count it for the close grace, 20 s. Nothing is open, so that no request waits for the slot.
    next.after(Duration::from_millis(19_999));
    assert_eq!((states(&next), next.connects.len()), (vec![SessionState::Closing], 0));
    next.after(Duration::from_millis(1));
    assert_eq!((states(&next), next.connects.len()), (vec![SessionState::Connecting], 1));
}

#[test]
fn business_whose_time_came_while_every_slot_backed_off_is_opened_when_one_is_free() {
    let mut hands = opened_by_one_slot(Duration::from_secs(600));
    let fail = |hands: &mut Hands| {
        let conn = hands.connects.remove(0);
        hands.core.handle_connect_failed(conn, hands.now);
        hands.turn();
    };
    fail(&mut hands);
    // Each is tried after a minute, and then neither can be: there is no slot, and no time is set any more.
    let free = hands.core.status().sessions[0].next_try.expect("it backs off");
    assert!(free > hands.now.mono + Duration::from_secs(60), "the dice of this seed say so");
    hands.after(free.since(hands.now.mono).saturating_sub(Duration::from_millis(1)));
    let openings = hands.core.status().openings;
    assert_eq!(openings.iter().filter(|one| one.next_try.is_none()).count(), 2);
    assert!(hands.connects.is_empty());
    hands.after(Duration::from_millis(1));
    assert_eq!(hands.connects.len(), 1);
}

#[test]
fn a_drain_that_ends_at_once_makes_no_room_for_what_waits() {
    let mut both = line("both", LineSide::Initiator, Direction::Duplex);
    (both.window, both.sessions_max, both.connects) = (1, 4, Connects::PerExchange);
    let mut settings = Settings { lines: vec![both], ..settings() };
    settings.limits.waiting_max = 4;
    let mut hands = Hands::cold(settings, Recovery::new(), Hands::begin());
    // Business of both banks is opened, each by a connection of its own.
    for _ in 0..2 {
        let conn = hands.connects.remove(0);
        hands.connected(conn);
        hands.closed(conn, CloseReason::PeerClosed);
    }
    let transfer = |hands: &mut Hands, bank: &str, secs: u64| {
        let open = hands.request(peer::transfer(bank, "1", 5));
        let deadline = hands.now.mono + Duration::from_secs(secs);
        hands.call(Open { deadline, accepts_early_unknown: true, ..open })
    };
    // One bank may have two of the four slots. Another bank's caller leaves before its connection is made.
    let in_flight = [transfer(&mut hands, "088", 60), transfer(&mut hands, "088", 60)];
    let left = transfer(&mut hands, "004", 1);
    let conns: Vec<Conn> = hands.connects.drain(..).collect();
    assert_eq!(conns.len(), 3);
    hands.after_secs(1);
    assert_eq!(hands.told(left), ["error DEADLINE_PASSED"]);
    let waiting = transfer(&mut hands, "088", 60);
    for conn in &conns {
        hands.connected(*conn);
    }
    assert_eq!(states(&hands)[..3], [SessionState::Up; 3]);
    let sent = hands.bytes_out(conns[0].session.line);
    let drain = Command::DrainCompartment { compartment: b"088"[..].into(), within: Duration::ZERO };
    let by = By { actor: "kim".into(), reason: "their core is down".into() };
    hands.core.command(drain, by, hands.now).unwrap();
    hands.turn();
    for id in in_flight {
        assert_eq!(hands.told(id), ["UNKNOWN DRAINED"]);
    }
    assert_eq!(hands.told(waiting), ["error DRAINING"]);
    assert_eq!(hands.bytes_out(conns[0].session.line), sent, "nothing leaves by what has become free");
}

/// Of the other direction: they connect for each notice, read our reply, and close.
#[test]
fn a_reply_goes_where_its_notice_came_from_and_the_slot_is_free_at_their_fin() {
    let listening = LineSettings { sessions_max: 2, ..line("both", LineSide::Acceptor, Direction::Duplex) };
    let settings = Settings { lines: vec![listening], ..settings() };
    let mut hands = Hands::cold(settings, Recovery::new(), Hands::begin());
    let line = pabal_switch::LineId(0);
    hands.opens = false;
    let accept = |hands: &mut Hands| {
        let conn = hands.core.handle_accepted(line, hands.now).unwrap();
        hands.open_conns.push(conn);
        hands.turn();
        conn
    };
    let (first, second) = (accept(&mut hands), accept(&mut hands));
    let before = [first, second].map(|conn| hands.streams.get(&conn).map_or(0, Vec::len));
    receive(&mut hands, second, &peer::framed(&peer::deposit(1, 5)));
    receive(&mut hands, first, &peer::framed(&peer::deposit(2, 6)));
    let after = [first, second].map(|conn| hands.streams.get(&conn).map_or(0, Vec::len));
    let replies = [(first, "000002"), (second, "000001")];
    for (at, (conn, number)) in replies.into_iter().enumerate() {
        assert_eq!(after[at] - before[at], 304, "one reply by each");
        let stream = &hands.streams[&conn];
        assert_eq!(peer::at(&stream[stream.len() - 300..], peer::TELEGRAM_NO), number);
    }
    assert!(hands.core.handle_accepted(line, hands.now).is_err(), "no more than are allowed");
    hands.turn();
    hands.closed(second, CloseReason::PeerClosed);
    accept(&mut hands);
}

#[test]
fn a_line_that_is_started_connects_for_what_waits_when_that_is_written_down() {
    let mut hands = with(1, Connects::PerExchange, |settings| {
        let spare = LineSettings { name: "spare".into(), ..settings.lines[0].clone() };
        settings.lines.push(spare);
    });
    let spare = |hands: &mut Hands, starts: bool| {
        let line = "spare".into();
        let command = if starts { Command::StartLine { line } } else { Command::StopLine { line } };
        crate::control::command(hands, command).unwrap();
    };
    // It is stopped before the start that was before is written down.
    spare(&mut hands, false);
    hands.is_durable = false;
    spare(&mut hands, true);
    spare(&mut hands, false);
    hands.is_durable = true;
    hands.turn();
    ask(&mut hands, "balance");
    ask(&mut hands, "balance");
    assert_eq!(hands.connects.len(), 1, "the second waits");
    hands.is_durable = false;
    spare(&mut hands, true);
    assert_eq!(hands.connects.len(), 1);
    hands.is_durable = true;
    hands.turn();
    assert_eq!(hands.connects.len(), 2);
}
