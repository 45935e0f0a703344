//! A bank of the tests' own: blocking sockets and offsets from the document, nothing of ours.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

/// Long enough for a slow machine; a test that waits so long has failed.
pub(super) const PATIENCE: Duration = Duration::from_secs(20);

/// Listens for our sending line, and connects to our receiving line when told.
pub(super) struct Peer {
    pub(super) address: SocketAddr,
    /// Each connection that was made to it, as it came.
    connections: Receiver<TcpStream>,
}

impl Peer {
    pub(super) fn start() -> Self {
        Self::listen(TcpListener::bind("127.0.0.1:0").unwrap())
    }

    /// One whose kernel takes few bytes that nobody reads.
    pub(super) fn start_small() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        // What it accepts has it, too.
        socket2::SockRef::from(&listener).set_recv_buffer_size(4_096).unwrap();
        Self::listen(listener)
    }

    fn listen(listener: TcpListener) -> Self {
        let address = listener.local_addr().unwrap();
        let (connected, connections) = channel();
        thread::spawn(move || {
            for stream in listener.incoming() {
                if connected.send(stream.unwrap()).is_err() {
                    break;
                }
            }
        });
        Self { address, connections }
    }

    /// The next connection to it.
    pub(super) fn accept(&self) -> TcpStream {
        self.connections.recv_timeout(PATIENCE).unwrap()
    }

    /// Answers whatever comes by `out` with what `answer` makes of it, by `inbound`. Returns what came, telegram by telegram.
    pub(super) fn answer_by(
        out: TcpStream,
        inbound: TcpStream,
        answer: impl Fn(&[u8]) -> Vec<Vec<u8>> + Send + 'static,
    ) -> Receiver<Vec<u8>> {
        let (came, telegrams) = channel();
        thread::spawn(move || serve(out, inbound, &answer, &came));
        telegrams
    }
}

fn serve(mut out: TcpStream, mut inbound: TcpStream, answer: &dyn Fn(&[u8]) -> Vec<Vec<u8>>, came: &Sender<Vec<u8>>) {
    while let Some(telegram) = read_telegram(&mut out) {
        for answer in answer(&telegram) {
            write_telegram(&mut inbound, &answer);
        }
        // The test may have heard enough.
        let _ = came.send(telegram);
    }
}

/// Four digits, then as many bytes; `None` at the end of the stream.
pub(super) fn read_telegram(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let mut length = [0; 4];
    stream.read_exact(&mut length).ok()?;
    let length: usize = std::str::from_utf8(&length).unwrap().parse().unwrap();
    let mut telegram = vec![0; length];
    stream.read_exact(&mut telegram).ok()?;
    Some(telegram)
}

pub(super) fn write_telegram(stream: &mut TcpStream, telegram: &[u8]) {
    let mut frame = format!("{:04}", telegram.len()).into_bytes();
    frame.extend_from_slice(telegram);
    stream.write_all(&frame).unwrap();
}

/// The document's columns, by offset.
pub(super) const COMPANY: std::ops::Range<usize> = 9..21;
pub(super) const BANK: std::ops::Range<usize> = 21..24;
pub(super) const TYPE: std::ops::Range<usize> = 24..28;
pub(super) const NUMBER: std::ops::Range<usize> = 32..38;
pub(super) const CODE: std::ops::Range<usize> = 52..56;
/// The passbook's PIN and the check symbol behind it.
pub(super) const SECRETS: std::ops::Range<usize> = 115..129;

pub(super) fn is_open_request(telegram: &[u8]) -> bool {
    telegram[TYPE] == *b"1000"
}

/// The request with the type of its answer and a response code.
pub(super) fn answered(request: &[u8], code: &[u8; 4]) -> Vec<u8> {
    let mut answer = request.to_vec();
    answer[TYPE.start + 1] = b'1';
    answer[CODE].copy_from_slice(code);
    answer
}
