//! A wire between two sockets that does what a test tells it: the faults that networks and peers have.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;

use crate::patience::soon;

/// Bytes that are read at once.
const READ_BYTES: usize = 16 * 1_024;

/// A direction, as seen from who connects to the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// From who connects.
    Forth,
    /// To who connects.
    Back,
}

/// What becomes of the bytes of one direction, from now on and on each new connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// They pass as they come.
    Pass,
    /// They pass in pieces of so many, each in a segment of its own.
    Split(usize),
    /// They are read and kept, and pass all together as soon as the flow is another one.
    Hold,
    /// Nothing is read: the sender's window fills.
    Stall,
    /// So many more pass, then nothing is read.
    Only(usize),
    /// They are read and lost, and so is the end of the stream: a black hole.
    Swallow,
    /// The stream has ended here: a FIN goes out, and what still comes is lost.
    End,
}

/// A listener that carries each connection on to a target.
///
/// ```text
/// who connects ---Forth---> wire ---> target
///              <---Back----      <---
/// ```
#[derive(Debug)]
pub struct Wire {
    address: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    target: Mutex<SocketAddr>,
    forth: Half,
    back: Half,
    /// Grows with every reset.
    resets: watch::Sender<u64>,
    refuses: watch::Sender<bool>,
    connections: watch::Sender<u64>,
    ended: watch::Sender<u64>,
}

#[derive(Debug)]
struct Half {
    /// The number makes the same flow, told twice, two commands.
    flow: watch::Sender<(u64, Flow)>,
    /// Bytes that were read, of all connections.
    taken: watch::Sender<u64>,
}

impl Half {
    fn new() -> Self {
        Self { flow: watch::Sender::new((0, Flow::Pass)), taken: watch::Sender::new(0) }
    }
}

impl Wire {
    /// A wire to this target. `buffer_bytes` bounds what its kernel takes for it of what comes [`Way::Forth`]: a stall is felt soon.
    ///
    /// # Panics
    /// There is no free port.
    #[must_use]
    pub fn to(target: SocketAddr, buffer_bytes: Option<u32>) -> Self {
        let listener = listen(SocketAddr::from(([127, 0, 0, 1], 0)), buffer_bytes).expect("a free port");
        let address = listener.local_addr().expect("it listens");
        let shared = Arc::new(Shared {
            target: Mutex::new(target),
            forth: Half::new(),
            back: Half::new(),
            resets: watch::Sender::new(0),
            refuses: watch::Sender::new(false),
            connections: watch::Sender::new(0),
            ended: watch::Sender::new(0),
        });
        tokio::spawn(accept(Arc::clone(&shared), listener, address, buffer_bytes));
        Self { address, shared }
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Carries new connections to another target.
    pub fn turn_to(&self, target: SocketAddr) {
        *self.shared.target.lock().unwrap_or_else(PoisonError::into_inner) = target;
    }

    /// What becomes of the bytes of this direction from now on.
    pub fn set(&self, way: Way, flow: Flow) {
        self.half(way).flow.send_modify(|(number, old)| (*number, *old) = (*number + 1, flow));
    }

    /// The same in both directions.
    pub fn set_both(&self, flow: Flow) {
        self.set(Way::Forth, flow);
        self.set(Way::Back, flow);
    }

    /// Resets every connection, on both sides, and waits until they are gone: what is told to the wire from then on is for others.
    ///
    /// # Panics
    /// They stay.
    pub async fn reset(&self) {
        let begun = self.connections();
        self.cut();
        let mut ended = self.shared.ended.subscribe();
        let came = soon("the end of connections by the wire", ended.wait_for(|ended| *ended >= begun)).await;
        came.map(|_| ()).expect("the wire is there");
    }

    fn cut(&self) {
        self.shared.resets.send_modify(|resets| *resets += 1);
    }

    /// Whether new connections are refused. What is connected stays.
    pub fn refuse(&self, refuses: bool) {
        self.shared.refuses.send_replace(refuses);
    }

    /// Connections that were ever carried.
    #[must_use]
    pub fn connections(&self) -> u64 {
        *self.shared.connections.borrow()
    }

    /// Waits until so many connections have been carried.
    ///
    /// # Panics
    /// They do not come.
    pub async fn wait_connections(&self, count: u64) {
        let mut connections = self.shared.connections.subscribe();
        let came = soon("connections by the wire", connections.wait_for(|carried| *carried >= count)).await;
        came.map(|_| ()).expect("the wire is there");
    }

    /// Bytes that were ever read in this direction, passed on or not.
    #[must_use]
    pub fn taken(&self, way: Way) -> u64 {
        *self.half(way).taken.borrow()
    }

    /// Waits until so many bytes have been read in this direction.
    ///
    /// # Panics
    /// They do not come.
    pub async fn wait_taken(&self, way: Way, bytes: u64) {
        let mut taken = self.half(way).taken.subscribe();
        let came = soon("bytes by the wire", taken.wait_for(|taken| *taken >= bytes)).await;
        came.map(|_| ()).expect("the wire is there");
    }

    fn half(&self, way: Way) -> &Half {
        match way {
            Way::Forth => &self.shared.forth,
            Way::Back => &self.shared.back,
        }
    }
}

impl Drop for Wire {
    /// Nothing is carried any more.
    fn drop(&mut self) {
        self.refuse(true);
        self.cut();
    }
}

fn listen(address: SocketAddr, buffer_bytes: Option<u32>) -> std::io::Result<TcpListener> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    if let Some(bytes) = buffer_bytes {
        // What it accepts has it too.
        socket.set_recv_buffer_size(bytes)?;
    }
    socket.bind(address)?;
    socket.listen(64)
}

/// Takes connections as long as the wire lives.
async fn accept(shared: Arc<Shared>, mut listener: TcpListener, address: SocketAddr, buffer_bytes: Option<u32>) {
    let mut refuses = shared.refuses.subscribe();
    loop {
        let taken = tokio::select! {
            biased;
            _ = refuses.wait_for(|refuses| *refuses) => None,
            taken = listener.accept() => taken.ok(),
        };
        if let Some((near, _)) = taken {
            let (shared, resets) = (Arc::clone(&shared), shared.resets.subscribe());
            shared.connections.send_modify(|connections| *connections += 1);
            tokio::spawn(async move {
                carry(&shared, near, resets).await;
                shared.ended.send_modify(|ended| *ended += 1);
            });
            continue;
        }
        drop(listener);
        if refuses.wait_for(|refuses| !*refuses).await.is_err() {
            return;
        }
        listener = listen(address, buffer_bytes).expect("the port is still ours");
    }
}

async fn carry(shared: &Shared, near: TcpStream, mut resets: watch::Receiver<u64>) {
    let target = *shared.target.lock().unwrap_or_else(PoisonError::into_inner);
    let far = tokio::select! {
        far = TcpStream::connect(target) => far,
        _ = resets.changed() => return end(&near),
    };
    let Ok(far) = far else { return end(&near) };
    if near.set_nodelay(true).is_err() || far.set_nodelay(true).is_err() {
        return;
    }
    let ((near_read, mut near_write), (far_read, mut far_write)) = (near.into_split(), far.into_split());
    let both = async {
        tokio::try_join!(pump(near_read, &mut far_write, &shared.forth), pump(far_read, &mut near_write, &shared.back),)
    };
    let ended = tokio::select! {
        biased;
        _ = resets.changed() => false,
        ended = both => ended.is_ok(),
    };
    // A reset on one side is one on the other.
    if !ended {
        end(near_write.as_ref());
        end(far_write.as_ref());
    }
}

/// So that it closes by RST.
fn end(stream: &TcpStream) {
    // What is gone already is reset already.
    let _ = stream.set_zero_linger();
}

/// Carries one direction until the end of its stream.
async fn pump(mut from: OwnedReadHalf, to: &mut OwnedWriteHalf, half: &Half) -> std::io::Result<()> {
    let mut commands = half.flow.subscribe();
    let mut buffer = vec![0; READ_BYTES];
    let mut held = Vec::new();
    let (mut is_lost, mut is_ended) = (false, false);
    let mut command = *commands.borrow_and_update();
    let mut left = allowed(command.1);
    loop {
        let flow = command.1;
        if flow != Flow::Hold && !held.is_empty() {
            to.write_all(&std::mem::take(&mut held)).await?;
        }
        if flow == Flow::End && !is_ended {
            is_ended = true;
            to.shutdown().await?;
        }
        let room = left.min(READ_BYTES);
        let read = tokio::select! {
            biased;
            _ = commands.wait_for(|now| *now != command) => None,
            read = from.read(buffer.get_mut(..room).unwrap_or_default()), if room > 0 && !is_lost => Some(read?),
        };
        let Some(read) = read else {
            command = *commands.borrow_and_update();
            left = allowed(command.1);
            continue;
        };
        half.taken.send_modify(|taken| *taken += read as u64);
        let bytes = buffer.get(..read).unwrap_or_default();
        match flow {
            // A black hole is one for the end of the stream as well.
            Flow::Swallow | Flow::End if read == 0 => is_lost = true,
            Flow::Hold if read == 0 => {
                let _ = commands.wait_for(|now| *now != command).await;
                to.write_all(&held).await?;
                return to.shutdown().await;
            }
            _ if read == 0 => return if is_ended { Ok(()) } else { to.shutdown().await },
            Flow::Swallow | Flow::End | Flow::Stall => {}
            Flow::Hold => held.extend_from_slice(bytes),
            Flow::Split(size) => {
                for piece in bytes.chunks(size.max(1)) {
                    to.write_all(piece).await?;
                    tokio::task::yield_now().await;
                }
            }
            Flow::Pass => to.write_all(bytes).await?,
            Flow::Only(_) => {
                left -= read;
                to.write_all(bytes).await?;
            }
        }
    }
}

/// How many bytes may be read.
const fn allowed(flow: Flow) -> usize {
    match flow {
        Flow::Stall => 0,
        Flow::Only(bytes) => bytes,
        Flow::Pass | Flow::Split(_) | Flow::Hold | Flow::Swallow | Flow::End => usize::MAX,
    }
}
