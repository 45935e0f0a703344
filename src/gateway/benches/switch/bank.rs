//! The bank: a thread that answers each request with its own bytes, the type of the answer and the code 0000.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};

/// The length, and 300 bytes.
pub(crate) const FRAME: usize = 304;
/// Places in the frame, from the layout tables of the document.
const TYPE: usize = 4 + 24;
const CODE: usize = 4 + 52;
/// What is in the request: the bank, the count of sendings, the amount, and the bank that is paid.
const FIELDS: [(usize, &[u8]); 4] = [(21, b"088"), (31, b"1"), (129, b"0000000150000"), (156, b"004")];
/// What one read takes at most, as in the driver.
const BUFFER: usize = 64 * 1_024;

/// A request without what the gateway writes: a transfer by bank 088.
pub(crate) fn request() -> Vec<u8> {
    let mut telegram = vec![b' '; FRAME - 4];
    for (at, bytes) in FIELDS {
        telegram[at..at + bytes.len()].copy_from_slice(bytes);
    }
    telegram
}

/// Listens, and serves each connection by a thread. `named` hears the thread that serves.
pub(crate) fn start(named: fn(String)) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("it has one");
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            std::thread::spawn(move || {
                let name = std::fs::read_link("/proc/thread-self").unwrap_or_default();
                named(name.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default());
                serve(stream.expect("a connection"));
            });
        }
    });
    address
}

/// Whatever is there is answered at once.
fn serve(mut stream: TcpStream) {
    stream.set_nodelay(true).expect("an option");
    let mut buffer = vec![0; BUFFER];
    let mut filled = 0;
    while let Ok(count @ 1..) = stream.read(&mut buffer[filled..]) {
        filled += count;
        let whole = filled / FRAME * FRAME;
        for frame in buffer[..whole].chunks_exact_mut(FRAME) {
            frame[TYPE + 1] = b'1';
            frame[CODE..CODE + 4].copy_from_slice(b"0000");
        }
        if stream.write_all(&buffer[..whole]).is_err() {
            return;
        }
        buffer.copy_within(whole..filled, 0);
        filled -= whole;
    }
}
