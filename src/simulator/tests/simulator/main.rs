//! The simulator over loopback TCP, against a peer that is a plain socket.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on must end")]

mod peer;

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use pabal_counterparty::{Event, LineId, Scenario, Settings};
use pabal_simulator::{Options, Simulator, StartError};
use peer::{Peer, any_port, open, protocol, transfer};
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;

const REQUESTS: LineId = LineId(0);
const ANSWERS: LineId = LineId(1);

const OPEN: &str = "[[reply]]\nexchange = \"open\"\nexecutes = true\nresponse_code = \"0000\"\n";
const TRANSFER: &str =
    "[[reply]]\nexchange = \"transfer\"\nexecutes = true\namount = \"debit_amt\"\nresponse_code = \"0000\"\n";

fn scenario(text: &str) -> Arc<Scenario> {
    let scenario = Scenario::parse(text, "test.toml", &protocol());
    Arc::new(scenario.unwrap_or_else(|mistakes| panic!("{mistakes:?}")))
}

/// A duplex institution with one session, and a peer on it.
async fn duplex(text: &str) -> (Simulator, Peer) {
    let options = Options::new(protocol(), scenario(text), Settings::duplex(1), vec![Some(any_port())]);
    let bank = Simulator::start(options).await.unwrap();
    let peer = Peer::connect(bank.local_address(REQUESTS).unwrap()).await;
    (bank, peer)
}

/// What must come comes within this time; nothing is ever waited for this long if all is right.
async fn soon<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(20), what).await.expect("it comes within twenty seconds")
}

#[tokio::test]
async fn a_one_way_pair_carries_a_transfer() {
    let listener = TcpListener::bind(any_port()).await.unwrap();
    let text = include_str!("../../../../specs/hecto/scenarios/normal.toml");
    let addresses = vec![Some(any_port()), Some(listener.local_addr().unwrap())];
    let bank = Simulator::start(Options::new(protocol(), scenario(text), Settings::pair(1), addresses)).await.unwrap();
    let mut ours = Peer::connect(bank.local_address(REQUESTS).unwrap()).await;
    let mut theirs = Peer::new(soon(listener.accept()).await.unwrap().0);

    ours.send(&open(1)).await;
    assert_eq!(soon(theirs.frame()).await[24..31], *b"1100100");
    ours.send(&transfer(2)).await;
    let answer = soon(theirs.frame()).await;
    assert_eq!(answer[24..31], *b"2100100");
    assert_eq!(answer[52..56], *b"0000");
    // Poll telegrams are answered where they came from.
    ours.send(b"HDRREQPOLL1121101530").await;
    assert_eq!(soon(ours.frame()).await, b"HDRRESPOLL1121101530");

    let ledger = bank.ledger();
    assert_eq!((ledger.totals().executed, ledger.totals().amount, ledger.totals().polls), (1, 150_000, 1));
    assert_eq!((ledger.line(REQUESTS).open, ledger.line(ANSWERS).open), (1, 1));

    let mut events = bank.events();
    assert!(bank.trigger("deposit"));
    let notice = soon(theirs.frame()).await;
    assert_eq!(notice[24..31], *b"4000100");
    assert!(matches!(soon(events.next()).await, Some(Event::Notified { .. })));
    let mut reply = notice.clone();
    reply[24..28].copy_from_slice(b"4100");
    reply[52..56].copy_from_slice(b"0000");
    ours.send(&reply).await;
    soon(bank.wait_for(|ledger| (ledger.totals().notice_replies == 1).then_some(()))).await.unwrap();
}

#[tokio::test]
async fn pieces_are_segments_of_their_own() {
    let split = "[[reply.misbehave]]\ndo = \"split\"\npieces = 4\ngap = \"400ms\"\n";
    let (_bank, mut peer) = duplex(&format!("{OPEN}{split}")).await;
    peer.send(&open(1)).await;
    let mut lengths = Vec::new();
    while lengths.iter().sum::<usize>() < 304 {
        let mut buffer = [0; 4_096];
        lengths.push(soon(peer.stream.read(&mut buffer)).await.unwrap());
    }
    assert_eq!(lengths, [76, 76, 76, 76]);
}

#[tokio::test]
async fn a_reset_is_a_reset() {
    let (bank, mut peer) = duplex(&format!("{OPEN}[[reply.misbehave]]\ndo = \"reset\"\nwhen = \"middle\"\n")).await;
    peer.send(&open(1)).await;
    let mut bytes = Vec::new();
    let error = soon(peer.stream.read_to_end(&mut bytes)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    assert!(bytes.len() <= 152, "a reset may overtake what was sent before it, and nothing follows it");
    // The institution does not count it any more.
    soon(bank.wait_for(|ledger| (ledger.line(REQUESTS).open == 0).then_some(()))).await.unwrap();
}

#[tokio::test]
async fn a_closed_connection_is_counted_until_the_peer_closes_it() {
    let (bank, mut peer) = duplex(&format!("{OPEN}[[reply.misbehave]]\ndo = \"close\"\nwhen = \"after\"\n")).await;
    peer.send(&open(1)).await;
    let mut bytes = Vec::new();
    soon(peer.stream.read_to_end(&mut bytes)).await.unwrap();
    assert_eq!(bytes.len(), 304);
    assert_eq!(bank.read(|ledger| ledger.line(REQUESTS).open), 1);
    drop(peer);
    soon(bank.wait_for(|ledger| (ledger.line(REQUESTS).open == 0).then_some(()))).await.unwrap();
}

#[tokio::test]
async fn a_connection_that_the_peer_never_closes_is_given_up_after_the_grace() {
    let close = format!("{OPEN}[[reply.misbehave]]\ndo = \"close\"\n");
    let mut options = Options::new(protocol(), scenario(&close), Settings::duplex(1), vec![Some(any_port())]);
    options.close_grace = Duration::from_millis(50);
    let bank = Simulator::start(options).await.unwrap();
    let mut peer = Peer::connect(bank.local_address(REQUESTS).unwrap()).await;
    peer.send(&open(1)).await;
    let gone = |ledger: &pabal_counterparty::Ledger| {
        (ledger.totals().requests == 1 && ledger.line(REQUESTS).open == 0).then_some(())
    };
    soon(bank.wait_for(gone)).await.unwrap();
}

#[tokio::test]
async fn one_connection_too_many_is_reset() {
    let (bank, mut first) = duplex(OPEN).await;
    soon(bank.wait_for(|ledger| (ledger.line(REQUESTS).open == 1).then_some(()))).await.unwrap();
    let mut second = Peer::connect(bank.local_address(REQUESTS).unwrap()).await;
    assert!(soon(second.stream.read_u8()).await.is_err());
    let line = bank.read(|ledger| ledger.line(REQUESTS));
    assert_eq!((line.peak, line.total, line.over_limit), (2, 2, 1));
    // The first goes on.
    first.send(&open(1)).await;
    assert_eq!(soon(first.frame()).await[52..56], *b"0000");
}

#[tokio::test]
async fn a_line_whose_address_comes_later_connects_then_and_again() {
    let text = format!("{OPEN}[session]\nreconnect = \"10ms\"\n");
    let options = Options::new(protocol(), scenario(&text), Settings::pair(1), vec![Some(any_port()), None]);
    let bank = Simulator::start(options).await.unwrap();
    let listener = TcpListener::bind(any_port()).await.unwrap();
    bank.connect_to(ANSWERS, listener.local_addr().unwrap());
    let (first, _) = soon(listener.accept()).await.unwrap();
    drop(first);
    let (_second, _) = soon(listener.accept()).await.unwrap();
    soon(bank.wait_for(|ledger| (ledger.line(ANSWERS).total == 2).then_some(()))).await.unwrap();
    bank.close_line(ANSWERS);
    let mut second = Peer::new(_second);
    assert_eq!(soon(second.stream.read(&mut [0; 1])).await.unwrap(), 0);
}

#[tokio::test]
async fn an_answer_waits_while_the_other_half_is_down() {
    // Once the address is known, it connects at once, and not after the time between two tries.
    let text = format!("{OPEN}{TRANSFER}[session]\nreconnect = \"1h\"\n");
    let options = Options::new(protocol(), scenario(&text), Settings::pair(1), vec![Some(any_port()), None]);
    let bank = Simulator::start(options).await.unwrap();
    let mut ours = Peer::connect(bank.local_address(REQUESTS).unwrap()).await;
    ours.send(&transfer(2)).await;
    soon(bank.wait_for(|ledger| (ledger.totals().executed == 1).then_some(()))).await.unwrap();
    assert_eq!(bank.read(|ledger| ledger.totals().answers), 0);
    let listener = TcpListener::bind(any_port()).await.unwrap();
    bank.connect_to(ANSWERS, listener.local_addr().unwrap());
    let mut theirs = Peer::new(soon(listener.accept()).await.unwrap().0);
    assert_eq!(soon(theirs.frame()).await[24..28], *b"2100");
}

#[tokio::test]
async fn a_peer_that_sends_byte_by_byte_is_understood() {
    let (bank, mut peer) = duplex(&format!("{OPEN}{TRANSFER}")).await;
    for telegram in [open(1), transfer(2)] {
        peer.send_bytewise(&telegram).await;
        assert_eq!(soon(peer.frame()).await[52..56], *b"0000");
    }
    assert_eq!(bank.read(|ledger| ledger.totals().received_bytes), 608);
}

#[tokio::test]
async fn stopping_ends_everything() {
    let (bank, mut peer) = duplex(OPEN).await;
    soon(bank.wait_for(|ledger| (ledger.line(REQUESTS).open == 1).then_some(()))).await.unwrap();
    let address = bank.local_address(REQUESTS).unwrap();
    let mut events = bank.events();
    soon(bank.stop()).await;
    assert_eq!(soon(peer.stream.read(&mut [0; 1])).await.unwrap(), 0);
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
    assert_eq!(soon(events.next()).await, None);
}

#[tokio::test]
async fn what_cannot_start_says_why() {
    let start = |settings: Settings, addresses: Vec<Option<SocketAddr>>| async move {
        Simulator::start(Options::new(protocol(), scenario(OPEN), settings, addresses)).await.unwrap_err()
    };
    let error = start(Settings::pair(1), vec![Some(any_port())]).await;
    assert!(matches!(error, StartError::Addresses { lines: 2, addresses: 1 }), "{error}");
    let error = start(Settings::pair(1), vec![None, None]).await;
    assert_eq!(
        error.to_string(),
        "line requests accepts connections, so it needs an address; port 0 takes any free one"
    );
    let taken = TcpListener::bind(any_port()).await.unwrap();
    let error = start(Settings::duplex(1), vec![Some(taken.local_addr().unwrap())]).await;
    assert!(error.to_string().starts_with("line both cannot listen at 127.0.0.1:"), "{error}");
}
