//! Who asks: callers that wait for each answer, and a stream of requests that comes whether answers come or not.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use pabal_gateway::{Body, Call, Config, Gateway, Handle};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, oneshot};

use crate::bank::{FRAME, request};
use crate::machine::{Ask, sources, specs};
use crate::shell::now;

/// How long a caller waits at most; nobody has to. Longer than the institution may take, else it is refused.
const PATIENCE: Duration = Duration::from_secs(60);

/// Whom callers ask.
#[derive(Clone)]
pub(crate) enum Desk {
    /// The small shell around some machine.
    Shell(mpsc::Sender<Ask>),
    /// The gateway.
    Gateway(Handle),
    /// Nobody: frames go to the bank and back on one connection, so many at a time.
    Echo(SocketAddr),
}

impl Desk {
    /// Whether it was answered.
    async fn call(&self) -> bool {
        match self {
            Self::Shell(commands) => {
                let (heard, answer) = oneshot::channel();
                let ask = Ask { telegram: request(), deadline: now().mono + PATIENCE, heard };
                let asked = tokio::time::timeout(PATIENCE, async {
                    commands.send(ask).await.is_ok() && answer.await.is_ok_and(|answer| answer.len() == FRAME - 4)
                });
                asked.await.unwrap_or(false)
            }
            Self::Gateway(handle) => handle.exchange(call()).await.is_ok_and(|answer| answer.telegram.is_some()),
            Self::Echo(_) => unreachable!("it has no callers"),
        }
    }

    /// Waits until business is open.
    pub(crate) async fn open(self) -> Self {
        while !matches!(self, Self::Echo(_)) && !self.call().await {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        self
    }

    /// Exchanges a second, by so many callers, each of whom asks again when it is answered.
    pub(crate) async fn throughput(&self, callers: usize, time: Duration) -> f64 {
        if let Self::Echo(bank) = self {
            return echo(*bank, callers, time).await;
        }
        let stop = Arc::new(AtomicBool::new(false));
        let start = instant();
        let callers: Vec<_> = (0..callers)
            .map(|_| {
                let (desk, stop) = (self.clone(), Arc::clone(&stop));
                tokio::spawn(async move {
                    let mut count = 0_u64;
                    while !stop.load(Ordering::Relaxed) {
                        assert!(desk.call().await, "every request is answered");
                        count += 1;
                    }
                    count
                })
            })
            .collect();
        tokio::time::sleep(time).await;
        stop.store(true, Ordering::Relaxed);
        let mut count = 0;
        for caller in callers {
            count += caller.await.expect("no panic");
        }
        count as f64 / start.elapsed().as_secs_f64()
    }

    /// The same, for a number of exchanges.
    pub(crate) async fn exchanges(&self, callers: usize, count: u64) {
        let left = Arc::new(AtomicU64::new(count));
        let callers: Vec<_> = (0..callers)
            .map(|_| {
                let (desk, left) = (self.clone(), Arc::clone(&left));
                let take = |left: u64| left.checked_sub(1);
                tokio::spawn(async move {
                    while left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_ok() {
                        assert!(desk.call().await, "every request is answered");
                    }
                })
            })
            .collect();
        for caller in callers {
            caller.await.expect("no panic");
        }
    }

    /// Asks `rate` times a second, whatever is answered when. How long each took since it was due, in microseconds, sorted: a request
    /// that is made too late because the machine is busy has waited as well.
    pub(crate) fn open_loop(&self, runtime: &tokio::runtime::Runtime, rate: u32, time: Duration) -> Vec<f64> {
        let gap = Duration::from_secs(1) / rate;
        let (told, took) = std::sync::mpsc::channel();
        let start = instant();
        for due in (0..).map(|number| start + gap * number).take_while(|due| *due < start + time) {
            if let Some(wait) = due.checked_duration_since(instant()) {
                std::thread::sleep(wait);
            }
            let (desk, told) = (self.clone(), told.clone());
            runtime.spawn(async move {
                assert!(desk.call().await, "every request is answered");
                let _ = told.send(due.elapsed().as_secs_f64() * 1e6);
            });
        }
        drop(told);
        let mut all: Vec<f64> = took.iter().collect();
        all.sort_by(f64::total_cmp);
        all
    }
}

/// Sends so many frames, and one more for each that comes back.
async fn echo(bank: SocketAddr, at_a_time: usize, time: Duration) -> f64 {
    let mut stream = TcpStream::connect(bank).await.expect("the bank listens");
    stream.set_nodelay(true).expect("an option");
    let frames = [b"0300".as_slice(), &request()].concat().repeat(at_a_time);
    let mut buffer = vec![0; 64 * 1_024];
    let start = instant();
    let (mut count, mut rest) = (0, 0);
    stream.write_all(&frames).await.expect("the bank stays");
    while start.elapsed() < time {
        rest += stream.read(&mut buffer).await.expect("the bank stays");
        let came = rest / FRAME;
        stream.write_all(&frames[..came * FRAME]).await.expect("the bank stays");
        count += came;
        rest %= FRAME;
    }
    count as f64 / start.elapsed().as_secs_f64()
}

fn call() -> Call {
    Call {
        institution: "hecto".to_owned(),
        exchange: "transfer".to_owned(),
        body: Body::Raw(request()),
        party: None,
        caller: "remittance".to_owned(),
        idempotency_key: None,
        timeout: Some(PATIENCE),
        accepts_early_unknown: true,
        trace: None,
    }
}

/// A gateway with one session, and a journal of this durability in `directory`.
pub(crate) async fn gateway(bank: SocketAddr, window: u32, durability: &str, directory: &Path) -> Gateway {
    let text = format!(
        r#"
[gateway]
data_dir = {directory:?}
[journal]
durability = "{durability}"
[limits]
waiting_max = 10000
[institutions.hecto]
spec = {specs:?}
[[institutions.hecto.lines]]
name = "both"
protocol = "firmbanking"
side = "initiator"
direction = "duplex"
window = {window}
address = "{bank}"
[[institutions.hecto.parties]]
name = "main"
fields = {{ id_code = "PABAL", company_no = "PABALCO1" }}
participants = ["088"]
"#,
        specs = specs(),
    );
    let config = Config::parse(&text, "bench.toml").expect("it is right").with_spec("hecto", sources());
    Gateway::start(config).await.expect("it starts")
}

#[expect(clippy::disallowed_methods, reason = "a bench measures real time")]
fn instant() -> Instant {
    Instant::now()
}
