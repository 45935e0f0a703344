//! Where lines connect to and from, and what becomes of a peer that connects to a full one, over real sockets.

use std::io::ErrorKind;
use std::net::SocketAddr;

use pabal_counterparty::Ledger;
use pabal_rig::{run, soon, until};
use pabal_switch::{CloseReason, Refusal, SessionState};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};

use crate::framed::simulated;
use crate::topology::{ANSWERS, House, KEY, answer, read_request, sources};

/// A port of an address of this host that nobody else has. It refuses all that connect, until it listens.
fn bound(address: &str) -> (TcpSocket, SocketAddr) {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.bind(address.parse().expect("an address")).expect("a free port");
    let address = socket.local_addr().expect("it is bound");
    (socket, address)
}

/// Somebody who listens, and a line that connects there.
async fn listening() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let to = listener.local_addr().expect("it listens");
    (listener, format!("side = \"initiator\"\naddress = \"{to}\"\n"))
}

async fn accept(listener: &TcpListener) -> (TcpStream, SocketAddr) {
    soon("it connects", listener.accept()).await.expect("a connection")
}

async fn address(house: &House) -> u8 {
    house.gateway.handle().status("desk").await.expect("there is a core").lines[0].address
}

#[test]
fn a_line_goes_to_its_next_address_when_one_refuses_and_on_when_that_one_falls() {
    run(async {
        let (first, refusing) = bound("127.0.0.1:0");
        let (bank, second) = simulated(&sources(KEY, ""), ANSWERS).await;
        let line = format!("side = \"initiator\"\naddress = [\"{refusing}\", \"{second}\"]");
        let house = House::with_line(sources(KEY, ""), &line).await;
        house.wait_state(SessionState::Up).await;
        assert_eq!(address(&house).await, 1);
        house.succeed().await;
        assert_eq!(bank.read(Ledger::totals).requests, 1);
        let listener = first.listen(8).expect("it listens");
        drop(bank);
        let (mut stream, _) = accept(&listener).await;
        assert_eq!(address(&house).await, 0);
        house.wait_state(SessionState::Up).await;
        let answers = async {
            let request = soon("a request", read_request(&mut stream)).await.expect("one request");
            stream.write_all(&answer(&request)).await.expect("it is taken");
        };
        tokio::join!(house.succeed(), answers);
    });
}

#[test]
fn the_peer_sees_the_source_and_the_port_that_are_configured() {
    run(async {
        let (listener, line) = listening().await;
        let _house = House::with_line(sources(KEY, ""), &format!("{line}source = \"127.0.0.2\"")).await;
        let (_stream, from) = accept(&listener).await;
        assert_eq!(from.ip().to_string(), "127.0.0.2");

        // Each of its connections comes from the same port.
        let (listener, line) = listening().await;
        let (pin, source) = bound("127.0.0.3:0");
        drop(pin);
        let house = House::with_line(sources(KEY, ""), &format!("{line}source = \"{source}\"")).await;
        for _ in 0..3 {
            let (stream, from) = accept(&listener).await;
            assert_eq!(from, source);
            house.wait_state(SessionState::Up).await;
            stream.set_zero_linger().expect("it is reset");
        }
    });
}

#[test]
fn a_line_does_not_connect_from_a_port_that_another_socket_has() {
    run(async {
        let (listener, line) = listening().await;
        let (taken, source) = bound("127.0.0.4:0");
        let house = House::with_line(sources(KEY, ""), &format!("{line}source = \"{source}\"")).await;
        let said = format!("source {source}: another socket of this host has the port");
        until("it says why", async || pabal_rig::is_logged(&said).then_some(())).await;
        assert_eq!(house.call().await.map_err(|error| error.refusal).err(), Some(Refusal::SendDown));
        drop(taken);
        let (_stream, from) = accept(&listener).await;
        assert_eq!(from, source, "it is tried again");
    });
}

/// A line that takes one connection, with what it does when another one comes, and where it listens.
async fn full(policy: &str) -> (House, SocketAddr, TcpStream) {
    let line = format!("side = \"acceptor\"\nlisten = \"127.0.0.1:0\"\nsecond_connection = \"{policy}\"");
    let house = House::with_line(sources(KEY, ""), &line).await;
    let (_, _, to) = house.gateway.local_addresses().pop().expect("it listens");
    let first = soon("it is connected", TcpStream::connect(to)).await.expect("it listens");
    house.wait_state(SessionState::Up).await;
    (house, to, first)
}

/// Reads until the connection is reset; not a byte comes before.
async fn is_reset(stream: &mut TcpStream) {
    let read = soon("it is reset", stream.read(&mut [0; 1])).await;
    assert_eq!(read.map_err(|error| error.kind()), Err(ErrorKind::ConnectionReset));
}

/// Somebody connects, and is reset: whoever is quick sees that only when it reads.
async fn is_turned_away(to: SocketAddr) {
    match soon("it connects", TcpStream::connect(to)).await {
        Ok(mut stream) => is_reset(&mut stream).await,
        Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionReset),
    }
}

#[test]
fn a_second_peer_is_reset_where_one_is_allowed_and_the_first_goes_on() {
    run(async {
        let (house, to, mut first) = full("refuse").await;
        for _ in 0..3 {
            is_turned_away(to).await;
        }
        assert_eq!(house.sessions().await, [(SessionState::Up, None)]);
        let answers = async {
            let request = soon("a request", read_request(&mut first)).await.expect("one request");
            first.write_all(&answer(&request)).await.expect("it is taken");
        };
        tokio::join!(house.succeed(), answers);
        drop(first);
        house.wait_state(SessionState::Down).await;
        let _next = soon("it is connected", TcpStream::connect(to)).await.expect("it listens");
        house.wait_state(SessionState::Up).await;
    });
}

#[test]
fn a_second_peer_ends_the_first_where_it_replaces_it_and_its_next_try_is_taken() {
    run(async {
        let (house, to, mut first) = full("replace").await;
        is_turned_away(to).await;
        is_reset(&mut first).await;
        house.wait_state(SessionState::Down).await;
        assert_eq!(house.sessions().await, [(SessionState::Down, Some(CloseReason::Replaced))]);
        let _next = soon("it is connected", TcpStream::connect(to)).await.expect("it listens");
        house.wait_state(SessionState::Up).await;
    });
}
