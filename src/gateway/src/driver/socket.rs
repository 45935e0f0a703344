//! One TCP connection of a session: connecting, open, or closing.
//!
//! The driver itself reads and writes, so that nothing stands between the core and the kernel: bytes leave in the turn in which the core
//! gives them, how many the kernel took is known at once, and what is not read stays in the kernel, which pushes back on the peer.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use pabal_switch::{CloseReason, Conn, Core};
use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncRead, ReadBuf};
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::JoinHandle;

use super::unsent::Frozen;

/// Bytes that the kernel takes at most before they can be sent. What it does not take stays the core's, and is unsent without a doubt;
/// a little keeps a connection busy between two turns.
const NOTSENT_BYTES: u32 = 16 * 1_024;

/// How a line's sockets are set up.
#[derive(Clone, Copy, Debug)]
pub(super) struct SocketOptions {
    pub(super) keepalive_idle: Duration,
    pub(super) keepalive_interval: Duration,
    pub(super) user_timeout: Duration,
}

impl SocketOptions {
    fn apply(self, stream: &TcpStream) -> io::Result<()> {
        let socket = SockRef::from(stream);
        socket.set_tcp_nodelay(true)?;
        let keepalive = TcpKeepalive::new().with_time(self.keepalive_idle).with_interval(self.keepalive_interval);
        socket.set_tcp_keepalive(&keepalive)?;
        // Keepalive does not look while bytes are in flight; this does.
        socket.set_tcp_user_timeout(Some(self.user_timeout))?;
        socket.set_tcp_notsent_lowat(NOTSENT_BYTES)
    }
}

/// Where a connection goes, and how.
pub(super) struct Way {
    /// Host and port.
    pub(super) to: String,
    /// From which address of ours, and port if it is not 0.
    pub(super) source: Option<SocketAddr>,
    pub(super) options: SocketOptions,
    /// How long it may take.
    pub(super) within: Duration,
}

/// The connection that fills a slot.
pub(super) struct Socket {
    pub(super) conn: Conn,
    state: State,
    /// What the core said when it was last asked whether to read.
    reads: bool,
    /// The kernel would take no more; it will say when.
    is_full: bool,
    /// Somebody has looked at it since its state changed.
    is_seen: bool,
    /// What the system said as reading or writing failed.
    trouble: Option<io::Error>,
}

enum State {
    Connecting(Pin<Box<dyn Future<Output = io::Result<TcpStream>> + Send>>),
    Open(TcpStream),
    /// We have sent our FIN, and wait for theirs.
    Closing(TcpStream),
    /// It is frozen until it is known what has not left, and reset then.
    Ending(TcpStream, JoinHandle<Option<u64>>),
    /// Nothing; between two others.
    Nothing,
}

/// What a look at a socket found.
pub(super) enum Progress {
    Connected,
    ConnectFailed(io::Error),
    /// So many bytes are in the buffer.
    Received(usize),
    Closed(CloseReason),
    /// It may be reset: so many of the last bytes that the kernel took have not left, if that is proven.
    Aborted(Option<u64>),
}

impl Socket {
    /// Begins to connect, after a while.
    pub(super) fn connect(conn: Conn, way: Way, wait: Duration) -> Self {
        let connecting = async move {
            if !wait.is_zero() {
                tokio::time::sleep(wait).await;
            }
            let stream = connect(way.source, &way.to, way.within).await?;
            way.options.apply(&stream)?;
            Ok(stream)
        };
        Self::new(conn, State::Connecting(Box::pin(connecting)))
    }

    /// Takes a connection that the peer has made.
    pub(super) fn accepted(conn: Conn, stream: TcpStream, options: SocketOptions) -> io::Result<Self> {
        options.apply(&stream)?;
        Ok(Self::new(conn, State::Open(stream)))
    }

    const fn new(conn: Conn, state: State) -> Self {
        Self { conn, state, reads: false, is_full: false, is_seen: false, trouble: None }
    }

    /// Closes by FIN, after which the peer's is waited for. Whether the connection is gone at once, because there was none yet.
    pub(super) fn close(&mut self) -> bool {
        let State::Open(stream) = &self.state else { return matches!(self.state, State::Connecting(_)) };
        // A socket whose other end is gone cannot be shut down; reading tells how it went.
        let _ = SockRef::from(stream).shutdown(std::net::Shutdown::Write);
        if let State::Open(stream) = std::mem::replace(&mut self.state, State::Nothing) {
            self.state = State::Closing(stream);
        }
        false
    }

    /// Stops the connection where it is, and begins to count what has not left: [`Progress::Aborted`] tells. `false` if it cannot.
    pub(super) fn freeze(&mut self) -> bool {
        let State::Open(stream) = &self.state else { return false };
        let Some(frozen) = Frozen::begin(stream) else { return false };
        let counting = tokio::task::spawn_blocking(move || frozen.unsent());
        if let State::Open(stream) = std::mem::replace(&mut self.state, State::Nothing) {
            self.state = State::Ending(stream, counting);
            self.is_seen = false;
        }
        true
    }

    /// Closes by RST, so that the peer counts it no longer than the way takes.
    pub(super) fn abort(self) {
        if let State::Open(stream) | State::Closing(stream) | State::Ending(stream, _) = self.state {
            abort(&stream);
        }
    }

    /// Looks once: the end of connecting, or bytes if the core wants them.
    pub(super) fn poll_read(&mut self, core: &Core, buffer: &mut [u8], cx: &mut Context<'_>) -> Poll<Progress> {
        self.reads = core.wants_read(self.conn);
        self.is_seen = true;
        let stream = match &mut self.state {
            State::Connecting(connecting) => {
                return Poll::Ready(match ready!(connecting.as_mut().poll(cx)) {
                    Ok(stream) => {
                        self.state = State::Open(stream);
                        Progress::Connected
                    }
                    Err(error) => Progress::ConnectFailed(error),
                });
            }
            State::Open(stream) if self.reads => stream,
            State::Open(_) => return Poll::Pending,
            // The core may want no more of it, but the end has to be seen.
            State::Closing(stream) => stream,
            State::Ending(_, counting) => {
                return Poll::Ready(Progress::Aborted(ready!(Pin::new(counting).poll(cx)).unwrap_or(None)));
            }
            State::Nothing => return Poll::Pending,
        };
        loop {
            // A read that leaves room in the buffer has taken all there is, and this way the runtime knows that: it is not asked again for
            // nothing, only when the kernel says that there is more.
            let mut read = ReadBuf::new(buffer);
            return Poll::Ready(match ready!(Pin::new(&mut *stream).poll_read(cx, &mut read)) {
                Ok(()) if read.filled().is_empty() => Progress::Closed(CloseReason::PeerClosed),
                Ok(()) => Progress::Received(read.filled().len()),
                Err(error) if is_passing(&error) => continue,
                Err(error) => Progress::Closed(ended(&mut self.trouble, error)),
            });
        }
    }

    /// Gives the kernel what the core has to write, once: how many bytes it took. None when it has become full.
    pub(super) fn poll_write(&mut self, core: &Core, cx: &mut Context<'_>) -> Poll<Result<usize, CloseReason>> {
        let State::Open(stream) = &self.state else { return Poll::Pending };
        let bytes = core.poll_write(self.conn);
        if bytes.is_empty() {
            return Poll::Pending;
        }
        loop {
            let was_full = std::mem::replace(&mut self.is_full, true);
            let written = match stream.poll_write_ready(cx) {
                Poll::Ready(Ok(())) => stream.try_write(bytes),
                Poll::Ready(Err(error)) => Err(error),
                Poll::Pending if was_full => return Poll::Pending,
                Poll::Pending => return Poll::Ready(Ok(0)),
            };
            match written {
                Ok(bytes) => {
                    self.is_full = false;
                    return Poll::Ready(Ok(bytes));
                }
                Err(error) if is_passing(&error) => self.is_full = was_full,
                Err(error) => return Poll::Ready(Err(ended(&mut self.trouble, error))),
            }
        }
    }

    /// Whether a later input has made something possible that was not when this socket was looked at.
    pub(super) fn is_behind(&self, core: &Core) -> bool {
        if !self.is_seen {
            return true;
        }
        let State::Open(_) = &self.state else { return false };
        (core.wants_read(self.conn) && !self.reads) || (!self.is_full && !core.poll_write(self.conn).is_empty())
    }

    /// What the system said as reading or writing failed.
    pub(super) const fn trouble(&self) -> Option<&io::Error> {
        self.trouble.as_ref()
    }

    pub(super) const fn is_closing(&self) -> bool {
        matches!(self.state, State::Closing(_))
    }
}

/// Turns a peer away by RST.
pub(super) fn abort(stream: &TcpStream) {
    // If it cannot be set, a FIN is sent instead.
    let _ = stream.set_zero_linger();
}

/// Connects, from a given address of this host if there is one, and from its port if that is not 0. Of a name all addresses are tried, in the
/// order in which they are found.
async fn connect(source: Option<SocketAddr>, to: &str, within: Duration) -> io::Result<TcpStream> {
    let found = tokio::net::lookup_host(to).await;
    let found = found.map_err(|error| io::Error::new(error.kind(), format!("{to}: {error}")))?;
    let found = found.filter(|to| source.is_none_or(|source| to.is_ipv4() == source.is_ipv4()));
    connect_to_one(source, &found.collect::<Vec<_>>(), within, to).await
}

/// Connects to the first that takes it. One that says nothing has its part of the time, so that the next has one, too; whoever waits ends the last.
async fn connect_to_one(
    source: Option<SocketAddr>,
    found: &[SocketAddr],
    within: Duration,
    name: &str,
) -> io::Result<TcpStream> {
    let mut failure = None;
    let part = within / u32::try_from(found.len()).unwrap_or(u32::MAX).max(1);
    for (at, to) in found.iter().copied().enumerate() {
        let socket = if to.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
        // Who gives up before he knows that the connection is made resets it, so that the peer does not count it.
        socket.set_zero_linger()?;
        if let Some(source) = source {
            // A port whose last connection is still kept (TIME_WAIT) could not even be bound.
            socket.set_reuseaddr(source.port() != 0)?;
            socket.bind(source).map_err(|error| from_there(source, &error))?;
        }
        let connecting = socket.connect(to);
        let connected = if at + 1 == found.len() {
            connecting.await
        } else {
            tokio::time::timeout(part, connecting).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
        };
        match (connected, source) {
            (Ok(stream), _) => {
                SockRef::from(&stream).set_linger(None)?;
                return Ok(stream);
            }
            (Err(error), Some(source)) if error.kind() == io::ErrorKind::AddrNotAvailable => {
                failure = Some(kept(source, to, &error));
            }
            (Err(error), _) => failure = Some(io::Error::new(error.kind(), format!("{to}: {error}"))),
        }
    }
    Err(failure.unwrap_or_else(|| {
        let text = match source {
            Some(source) => {
                let version = if source.is_ipv4() { "IPv4" } else { "IPv6" };
                format!("{name} has no {version} address, which source {} needs; write another source", source.ip())
            }
            None => format!("{name} has no address"),
        };
        io::Error::new(io::ErrorKind::AddrNotAvailable, text)
    }))
}

fn from_there(source: SocketAddr, error: &io::Error) -> io::Error {
    let text = match error.kind() {
        io::ErrorKind::AddrNotAvailable => format!("source {}: this host has no such address", source.ip()),
        io::ErrorKind::AddrInUse => format!("source {source}: another socket of this host has the port"),
        _ => format!("source {source}: {error}"),
    };
    io::Error::new(error.kind(), text)
}

fn kept(source: SocketAddr, to: SocketAddr, error: &io::Error) -> io::Error {
    let text = format!(
        "from source {source} to {to}: {error}; the last connection between these two is kept for a minute after it was closed here \
         (TIME_WAIT), which ends by itself"
    );
    io::Error::new(error.kind(), text)
}

fn is_passing(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
}

/// Keeps what the system said, and gives what it means.
fn ended(trouble: &mut Option<io::Error>, error: io::Error) -> CloseReason {
    let reason = close_reason(&error);
    *trouble = Some(error);
    reason
}

fn close_reason(error: &io::Error) -> CloseReason {
    match error.kind() {
        io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionAborted => {
            CloseReason::Reset
        }
        _ => CloseReason::IoError,
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use tokio::io::AsyncReadExt;
    use tokio::net::TcpListener;

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(30);

    #[tokio::test]
    async fn who_gives_up_while_it_connects_is_reset_and_who_does_not_ends_in_order() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let to = listener.local_addr().unwrap().to_string();
        let mut connecting = Box::pin(connect(None, &to, PATIENCE));
        assert!(poll_fn(|cx| Poll::Ready(connecting.as_mut().poll(cx).is_pending())).await);
        // The peer has a connection of which we do not know yet.
        let (mut peer, _) = listener.accept().await.unwrap();
        drop(connecting);
        let read = peer.read(&mut [0; 1]).await;
        assert_eq!(read.map_err(|error| error.kind()), Err(io::ErrorKind::ConnectionReset));

        let stream = connect(None, &to, PATIENCE).await.unwrap();
        let (mut peer, _) = listener.accept().await.unwrap();
        drop(stream);
        assert_eq!(peer.read(&mut [0; 1]).await.unwrap(), 0);
    }

    /// A peer that is there and says nothing: whatever else connects is not answered.
    async fn silent() -> (TcpListener, Vec<TcpStream>) {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let listener = socket.listen(1).unwrap();
        let to = listener.local_addr().unwrap();
        let mut taken = Vec::new();
        while let Ok(stream) = tokio::time::timeout(Duration::from_millis(300), TcpStream::connect(to)).await {
            taken.push(stream.unwrap());
        }
        (listener, taken)
    }

    #[tokio::test]
    async fn of_a_name_with_several_addresses_one_that_says_nothing_keeps_nobody_from_the_next() {
        let (silent, _taken) = silent().await;
        let gone = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let there = listener.local_addr().unwrap();
        let found = [silent.local_addr().unwrap(), gone, there];
        let connecting = connect_to_one(None, &found, Duration::from_secs(3), "bank:1");
        let stream = tokio::time::timeout(PATIENCE, connecting).await.expect("it goes on to the next").unwrap();
        assert_eq!(stream.peer_addr().unwrap(), there);
        // If none takes it, the last one's reason is told.
        let failed = connect_to_one(None, &[there, gone][1..], PATIENCE, "bank:1").await.unwrap_err();
        assert!(
            failed.kind() == io::ErrorKind::ConnectionRefused && failed.to_string().contains(&gone.to_string()),
            "{failed}"
        );
    }
}
