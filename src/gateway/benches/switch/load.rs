//! Who asks: callers that wait for each answer, and a stream of requests that comes whether answers come or not.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
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
    /// Why it was not answered, if it was not.
    async fn call(&self) -> Result<(), String> {
        match self {
            Self::Shell(commands) => {
                let (heard, answer) = oneshot::channel();
                let ask = Ask { telegram: request(), deadline: now().mono + PATIENCE, heard };
                let asked = tokio::time::timeout(PATIENCE, async {
                    commands.send(ask).await.is_ok() && answer.await.is_ok_and(|answer| answer.len() == FRAME - 4)
                });
                asked.await.unwrap_or(false).then_some(()).ok_or_else(|| "refused".to_owned())
            }
            Self::Gateway(handle) => match handle.exchange(call()).await {
                Ok(answer) => answer.telegram.map(drop).ok_or_else(|| answer.outcome.word().to_owned()),
                Err(refused) => Err(refused.refusal.to_string()),
            },
            Self::Echo(_) => unreachable!("it has no callers"),
        }
    }

    /// Waits until business is open.
    pub(crate) async fn open(self) -> Self {
        while !matches!(self, Self::Echo(_)) && self.call().await.is_err() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        self
    }

    /// Exchanges a second, by so many callers, each of whom asks again when it is answered, until the time is over or so many are made.
    pub(crate) async fn throughput(&self, callers: usize, time: Duration, most: u64) -> f64 {
        if let Self::Echo(bank) = self {
            return echo(*bank, callers, time).await;
        }
        let left = Arc::new(AtomicU64::new(most));
        let over = Arc::clone(&left);
        let end = tokio::spawn(async move {
            tokio::time::sleep(time).await;
            over.store(0, Ordering::Relaxed);
        });
        let start = instant();
        let count = self.ask(callers, &left).await;
        let took = start.elapsed();
        end.abort();
        count as f64 / took.as_secs_f64()
    }

    /// A number of exchanges, by so many callers.
    pub(crate) async fn exchanges(&self, callers: usize, count: u64) {
        self.ask(callers, &Arc::new(AtomicU64::new(count))).await;
    }

    /// Exchanges until none are left, and how many were made.
    async fn ask(&self, callers: usize, left: &Arc<AtomicU64>) -> u64 {
        let callers: Vec<_> = (0..callers)
            .map(|_| {
                let (desk, left) = (self.clone(), Arc::clone(left));
                let take = |left: u64| left.checked_sub(1);
                tokio::spawn(async move {
                    let mut count = 0;
                    while left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_ok() {
                        desk.call().await.expect("every request is answered");
                        count += 1;
                    }
                    count
                })
            })
            .collect();
        let mut count = 0;
        for caller in callers {
            count += caller.await.expect("no panic");
        }
        count
    }

    /// Asks `rate` times a second, whatever is answered when.
    pub(crate) fn open_loop(&self, runtime: &tokio::runtime::Runtime, rate: u32, time: Duration) -> OpenLoop {
        let gap = Duration::from_secs(1) / rate;
        let (told, took) = std::sync::mpsc::channel();
        let start = instant();
        for due in (0..).map(|number| start + gap * number).take_while(|due| *due < start + time) {
            if let Some(wait) = due.checked_duration_since(instant()) {
                std::thread::sleep(wait);
            }
            let (desk, told) = (self.clone(), told.clone());
            runtime.spawn(async move {
                let answered = desk.call().await;
                let _ = told.send(answered.map(|()| due.elapsed().as_secs_f64() * 1e6));
            });
        }
        drop(told);
        let mut found = OpenLoop::default();
        for took in took {
            found.took.push(*took.as_ref().unwrap_or(&f64::INFINITY));
            if let Err(why) = took {
                *found.unanswered.entry(why).or_default() += 1;
            }
        }
        found.took.sort_by(f64::total_cmp);
        found
    }
}

/// What comes of requests at a rate.
#[derive(Default)]
pub(crate) struct OpenLoop {
    /// How long each took since it was due, in microseconds, sorted: a request that is made too late because the machine is busy has waited
    /// as well. One that is not answered takes for ever.
    pub(crate) took: Vec<f64>,
    /// How many were not answered, by why.
    pub(crate) unanswered: BTreeMap<String, u64>,
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
