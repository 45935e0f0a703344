//! The shell of the driver, as small as it can be: the same channels, budgets, order of a turn, buffer and ways to read and write.
//!
//! What the driver has and this has not: listeners, several sockets, services, versions, the observer, the bridge to the journal. So it
//! is the same around both machines, which is what is compared; what the whole gateway does is measured by itself.

use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime};

use pabal_clock::{Mono, Now, Wall};
use rustix::time::{ClockId, clock_gettime};
use tokio::io::{AsyncRead, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::task::coop::unconstrained;
use tokio::time::{Instant, Sleep, sleep};

use crate::machine::{Ask, Machine};

/// As in the driver.
const COMMANDS_MAX: usize = 1_024;
const COMMANDS_PER_TURN: usize = 64;
const WRITES_PER_TURN: usize = 4;
const BUFFER: usize = 64 * 1_024;

/// How often the socket was read and written. A read that finds nothing is not counted: the runtime asks once more only behind a buffer
/// that was full.
#[derive(Default)]
pub(crate) struct Calls {
    pub(crate) reads: AtomicU64,
    pub(crate) writes: AtomicU64,
    pub(crate) turns: AtomicU64,
}

/// Both readings of this instant, as the gateway reads them.
#[expect(clippy::disallowed_methods, reason = "a bench measures real time")]
pub(crate) fn now() -> Now {
    let boot = clock_gettime(ClockId::Boottime);
    let seconds = u64::try_from(boot.tv_sec).unwrap_or(0);
    let nanos = u64::try_from(boot.tv_nsec).unwrap_or(0);
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Now {
        mono: Mono::from_nanos(seconds.saturating_mul(1_000_000_000).saturating_add(nanos)),
        wall: Wall::from_unix_micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX)),
    }
}

/// Drives a machine by a connection to the bank. Returns by what it is asked.
pub(crate) async fn start<M: Machine>(
    machine: impl FnOnce(Now) -> M,
    bank: SocketAddr,
) -> (mpsc::Sender<Ask>, Arc<Calls>) {
    let stream = TcpStream::connect(bank).await.expect("the bank listens");
    stream.set_nodelay(true).expect("an option");
    let (commands, received) = mpsc::channel(COMMANDS_MAX);
    let calls = Arc::new(Calls::default());
    let mut shell = Shell {
        machine: machine(now()),
        commands: received,
        stream,
        buffer: vec![0; BUFFER].into(),
        sleep: Box::pin(sleep(Duration::from_secs(1))),
        calls: Arc::clone(&calls),
    };
    tokio::spawn(unconstrained(poll_fn(move |cx| shell.turn(cx))));
    (commands, calls)
}

struct Shell<M> {
    machine: M,
    commands: mpsc::Receiver<Ask>,
    stream: TcpStream,
    buffer: Box<[u8]>,
    sleep: Pin<Box<Sleep>>,
    calls: Arc<Calls>,
}

impl<M: Machine> Shell<M> {
    /// Looks at everything once. Ends when nobody can ask any more.
    fn turn(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.calls.turns.fetch_add(1, Ordering::Relaxed);
        let mut more = false;
        self.machine.durable(now());
        for turn in 1..=COMMANDS_PER_TURN {
            match self.commands.poll_recv(cx) {
                Poll::Ready(Some(ask)) => self.machine.open(ask, now()),
                Poll::Ready(None) => return Poll::Ready(()),
                Poll::Pending => break,
            }
            more |= turn == COMMANDS_PER_TURN;
        }
        self.machine.durable(now());
        if self.machine.wake_at().is_some_and(|at| at <= now().mono) {
            self.machine.timeout(now());
            more = true;
        }
        more |= self.read(cx);
        more |= self.write(cx);
        if let Some(at) = self.machine.wake_at() {
            let wait = at.since(now().mono).min(Duration::from_secs(1));
            self.sleep.as_mut().reset(soon(wait));
            more |= self.sleep.as_mut().poll(cx).is_ready();
        }
        if more {
            cx.waker().wake_by_ref();
        }
        Poll::Pending
    }

    fn read(&mut self, cx: &mut Context<'_>) -> bool {
        if !self.machine.wants_read() {
            return false;
        }
        let mut read = ReadBuf::new(&mut self.buffer);
        let Poll::Ready(taken) = Pin::new(&mut self.stream).poll_read(cx, &mut read) else { return false };
        taken.expect("the bank stays");
        assert!(!read.filled().is_empty(), "the bank stays");
        self.calls.reads.fetch_add(1, Ordering::Relaxed);
        self.machine.received(read.filled(), now());
        true
    }

    fn write(&mut self, cx: &mut Context<'_>) -> bool {
        self.machine.durable(now());
        for _ in 0..WRITES_PER_TURN {
            let bytes = self.machine.ready();
            if bytes.is_empty() {
                return false;
            }
            let Poll::Ready(ready) = self.stream.poll_write_ready(cx) else { return false };
            ready.expect("the bank stays");
            self.calls.writes.fetch_add(1, Ordering::Relaxed);
            match self.stream.try_write(bytes) {
                Ok(bytes) => self.machine.wrote(bytes, now()),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => panic!("{error}"),
            }
            self.machine.durable(now());
        }
        true
    }
}

fn soon(wait: Duration) -> Instant {
    Instant::now() + wait
}
