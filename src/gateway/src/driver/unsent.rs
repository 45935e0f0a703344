//! What of a connection's bytes the kernel has taken and not sent, and never will.
//!
//! The kernel's count alone proves nothing: between the count and the reset a window could open, or a timer go off, and bytes leave. So:
//!
//! ```text
//! 1  a filter that drops every segment of the peer is attached to the socket: no acknowledgment and no window comes in any more
//! 2  all segments that came in before it are through: who waits for the grace period of the kernel's readers has waited for them
//! 3  the count is read, by netlink:   una        nxt        queued
//!                                      |--sent----|--unsent----|
//!                                      |--window-------|           what the peer's last window lets out, if a timer goes off
//!    unsent for good is what lies behind both
//! 4  the socket is reset
//! ```
//!
//! Where one of the steps fails, as in a container without netlink, there is no proof: `None`.

use std::net::{IpAddr, SocketAddr};

use rustix::net::netlink::{self, SocketAddrNetlink};
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType};
use rustix::thread::{MembarrierCommand, membarrier};
use socket2::{SockFilter, SockRef};
use tokio::net::TcpStream;

/// Both ends of a connection that is frozen.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frozen {
    local: SocketAddr,
    peer: SocketAddr,
}

impl Frozen {
    /// From now on nothing of the peer comes in.
    pub(super) fn begin(stream: &TcpStream) -> Option<Self> {
        // BPF_RET | BPF_K with 0: keep no byte of it.
        let drop_all = SockFilter::new(0x06, 0, 0, 0);
        SockRef::from(stream).attach_filter(&[drop_all]).ok()?;
        Some(Self { local: stream.local_addr().ok()?, peer: stream.peer_addr().ok()? })
    }

    /// How many of the last bytes that the kernel took will never leave. The connection must still be there, and nothing more be written.
    /// Takes some milliseconds, and blocks.
    pub(super) fn unsent(self) -> Option<u64> {
        membarrier(MembarrierCommand::Global).ok()?;
        count(&ask(self).ok()?)
    }
}

/// `struct inet_diag_sockid`: ports and addresses in network order, then interface and cookie.
fn socket_id(frozen: Frozen) -> [u8; 48] {
    let mut id = [0; 48];
    let mut put = |at: usize, bytes: &[u8]| {
        if let Some(place) = id.get_mut(at..at + bytes.len()) {
            place.copy_from_slice(bytes);
        }
    };
    put(0, &frozen.local.port().to_be_bytes());
    put(2, &frozen.peer.port().to_be_bytes());
    for (at, address) in [(4, frozen.local.ip()), (20, frozen.peer.ip())] {
        match address {
            IpAddr::V4(address) => put(at, &address.octets()),
            IpAddr::V6(address) => put(at, &address.octets()),
        }
    }
    // INET_DIAG_NOCOOKIE
    put(40, &[0xff; 8]);
    id
}

/// Asks for one connection with its `struct tcp_info` (sock_diag(7)).
fn ask(frozen: Frozen) -> rustix::io::Result<Vec<u8>> {
    const SOCK_DIAG_BY_FAMILY: u16 = 20;
    const NLM_F_REQUEST: u16 = 1;
    const INET_DIAG_INFO_BIT: u8 = 1 << 1;
    const TCP: u8 = 6;
    let family: u8 = if frozen.local.is_ipv4() { 2 } else { 10 };
    let mut request = Vec::with_capacity(72);
    request.extend_from_slice(&72_u32.to_ne_bytes());
    request.extend_from_slice(&SOCK_DIAG_BY_FAMILY.to_ne_bytes());
    request.extend_from_slice(&NLM_F_REQUEST.to_ne_bytes());
    request.extend_from_slice(&[0; 8]);
    request.extend_from_slice(&[family, TCP, INET_DIAG_INFO_BIT, 0]);
    request.extend_from_slice(&u32::MAX.to_ne_bytes());
    request.extend_from_slice(&socket_id(frozen));
    let flags = SocketFlags::CLOEXEC;
    let socket = rustix::net::socket_with(AddressFamily::NETLINK, SocketType::DGRAM, flags, Some(netlink::SOCK_DIAG))?;
    rustix::net::sendto(&socket, &request, SendFlags::empty(), &SocketAddrNetlink::new(0, 0))?;
    let mut answer = vec![0; 8 * 1_024];
    // The kernel has answered when the request is taken: there is nothing to wait for.
    let (length, _) = rustix::net::recv(&socket, &mut answer[..], RecvFlags::DONTWAIT)?;
    answer.truncate(length);
    Ok(answer)
}

/// Reads an answer: `struct nlmsghdr`, `struct inet_diag_msg`, and attributes of which one is `struct tcp_info`.
fn count(answer: &[u8]) -> Option<u64> {
    const SOCK_DIAG_BY_FAMILY: u16 = 20;
    const INET_DIAG_INFO: u16 = 2;
    const HEADER: usize = 16;
    /// In `struct inet_diag_msg`: the bytes that are queued behind what the peer has acknowledged.
    const WQUEUE: usize = 60;
    const MESSAGE: usize = 72;
    /// In `struct tcp_info`.
    const NOTSENT_BYTES: usize = 144;
    const SND_WND: usize = 228;
    if u16_at(answer, 4)? != SOCK_DIAG_BY_FAMILY {
        return None;
    }
    let queued = u32_at(answer, HEADER + WQUEUE)?;
    let mut attributes = answer.get(HEADER + MESSAGE..usize::try_from(u32_at(answer, 0)?).ok()?)?;
    loop {
        let length = usize::from(u16_at(attributes, 0)?);
        let value = attributes.get(4..length)?;
        if u16_at(attributes, 2)? == INET_DIAG_INFO {
            let unsent = u32_at(value, NOTSENT_BYTES)?;
            // Kernels before 5.4 do not tell the window: no proof.
            let behind_window = queued.saturating_sub(u32_at(value, SND_WND)?);
            return Some(u64::from(unsent.min(behind_window)));
        }
        attributes = attributes.get(length.next_multiple_of(4)..)?;
    }
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..)?.first_chunk().copied().map(u16::from_ne_bytes)
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().copied().map(u32::from_ne_bytes)
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use tokio::net::TcpListener;

    use super::*;

    /// A connection, and its peer as a blocking socket that has a small buffer.
    async fn connection() -> (TcpStream, std::net::TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        SockRef::from(&listener).set_recv_buffer_size(4_096).unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (peer, _) = listener.accept().await.unwrap();
        let peer = peer.into_std().unwrap();
        peer.set_nonblocking(false).unwrap();
        (stream, peer)
    }

    /// Writes until the kernel takes no more, and tells how much it took.
    fn fill(stream: &TcpStream) -> u64 {
        let mut written = 0;
        while let Ok(bytes) = stream.try_write(&[7; 1_000]) {
            written += bytes as u64;
        }
        written
    }

    #[tokio::test]
    async fn what_is_unsent_by_the_count_never_comes() {
        let (stream, mut peer) = connection().await;
        SockRef::from(&stream).set_send_buffer_size(64 * 1_024).unwrap();
        stream.writable().await.unwrap();
        let written = fill(&stream);
        let frozen = Frozen::begin(&stream).unwrap();
        // What the peer reads from now on opens no window.
        let mut early = vec![0; 1_000];
        peer.read_exact(&mut early).unwrap();
        let unsent = tokio::task::spawn_blocking(move || frozen.unsent()).await.unwrap().unwrap();
        assert!(unsent > 0 && unsent < written, "{unsent} of {written}");
        stream.set_zero_linger().unwrap();
        drop(stream);
        let mut late = Vec::new();
        // It ends with the reset.
        let _ = peer.read_to_end(&mut late);
        let came = (early.len() + late.len()) as u64;
        assert!(came <= written - unsent, "{came} came of {written}, of which {unsent} were proven unsent");
        assert!(came > 0);
    }

    #[tokio::test]
    async fn all_is_sent_to_a_peer_that_has_room() {
        let (stream, mut peer) = connection().await;
        stream.writable().await.unwrap();
        assert_eq!(stream.try_write(b"telegram").unwrap(), 8);
        let mut came = [0; 8];
        peer.read_exact(&mut came).unwrap();
        let frozen = Frozen::begin(&stream).unwrap();
        assert_eq!(tokio::task::spawn_blocking(move || frozen.unsent()).await.unwrap(), Some(0));
    }

    #[test]
    fn what_is_no_answer_proves_nothing() {
        assert_eq!(count(&[]), None);
        let mut error = vec![0; 36];
        error[4] = 2;
        assert_eq!(count(&error), None);
        let mut without_info = vec![0; 88];
        without_info[0] = 88;
        without_info[4] = 20;
        assert_eq!(count(&without_info), None);
    }
}
