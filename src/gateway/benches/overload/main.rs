//! What the others notice of one institution at ten times its load, which is more than its bank can answer.
//!
//! `cargo xtask bench overload` runs it. One gateway with one journal, four institutions, each with a bank that is a thread of this process.
//! All are asked at the same rate, from a thread that keeps the time; then one of them ten times as often. Both take turns, and the
//! median of seven rounds stands: of how long the calls of the other three took since they were due. Started without `--bench`, as the
//! tests do, it only sees that the others are answered.
#![expect(clippy::print_stdout, reason = "a report for people")]
#![expect(clippy::disallowed_methods, reason = "a bench measures real time")]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use pabal_gateway::{Body, Call, Config, Gateway, Handle, spec_sources};
use pabal_simulator::at_noon;
use tokio::runtime::Runtime;

/// The first is the loud one.
const NAMES: [&str; 4] = ["hecto", "second", "third", "fourth"];
/// Requests a second of each.
const RATE: u32 = 300;
const TIMES: u32 = 10;
const ROUNDS: usize = 7;
/// What is asked.
const TIMES_MAX: f64 = 1.5;
/// The loud one may have so many unanswered, and its bank takes so long for them: it can do 2,000 a second.
const WINDOW: u32 = 4;
const LOUD_TAKES: Duration = Duration::from_millis(2);
const PATIENCE: Duration = Duration::from_secs(5);
const OPENS_MAX: Duration = Duration::from_secs(60);

/// The length, and 300 bytes; places in it from the layout tables of the document.
const FRAME: usize = 304;
const TYPE: usize = 4 + 24;
const CODE: usize = 4 + 52;
/// What is in a request: the bank, the count of sendings, the amount, and the bank that is paid.
const FIELDS: [(usize, &[u8]); 4] = [(21, b"088"), (31, b"1"), (129, b"0000000150000"), (156, b"004")];

fn main() {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    if std::env::args().any(|word| word == "--bench") {
        for durability in ["process", "full"] {
            report(&runtime, durability);
        }
    } else {
        let (gateway, _directory) = runtime.block_on(gateway("process"));
        let took = ask(&runtime, &gateway.handle(), TIMES, Duration::from_millis(100));
        assert!(!took.is_empty());
    }
    // A gateway that is not drained says so; a bench has nothing to keep.
    std::process::exit(0)
}

fn report(runtime: &Runtime, durability: &str) {
    let (gateway, _directory) = runtime.block_on(gateway(durability));
    let handle = gateway.handle();
    let time = Duration::from_secs(2);
    let (mut calm, mut loud) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        calm.push(percentiles(&ask(runtime, &handle, 1, time)));
        loud.push(percentiles(&ask(runtime, &handle, TIMES, time)));
    }
    let medians = |rounds: &[[f64; 2]]| [0, 1].map(|at| median(rounds.iter().map(|round| round[at]).collect()));
    let (calm, loud) = (medians(&calm), medians(&loud));
    let ratio = loud[1] / calm[1];
    println!("journal {durability}: calls of three others, microseconds       p50      p99");
    println!("all {} times a second                                {:>9.0} {:>8.0}", RATE, calm[0], calm[1]);
    println!("one {} times as often                                {:>9.0} {:>8.0}", TIMES, loud[0], loud[1]);
    let word = if ratio <= TIMES_MAX { "" } else { "  MISSED" };
    println!(
        "p99, times                                                    {ratio:>8.2}   asked: at most {TIMES_MAX}{word}"
    );
}

/// Asks all at the rate, the first `times` as often: how long each call of the others took since it was due, in microseconds.
fn ask(runtime: &Runtime, handle: &Handle, times: u32, time: Duration) -> Vec<f64> {
    let (told, took) = mpsc::channel();
    let per_second = RATE * times;
    let gap = Duration::from_secs(1) / per_second;
    let start = Instant::now();
    for at in 0..u32::try_from(time.as_micros() / gap.as_micros()).expect("few") {
        let due = start + gap * at;
        if let Some(wait) = due.checked_duration_since(Instant::now()) {
            std::thread::sleep(wait);
        }
        for (number, name) in NAMES.into_iter().enumerate() {
            let is_loud = number == 0;
            if !is_loud && at % times != 0 {
                continue;
            }
            let (handle, told) = (handle.clone(), told.clone());
            runtime.spawn(async move {
                let answered = handle.exchange(call(name)).await.is_ok();
                if !is_loud {
                    assert!(answered, "{name} has answers for all");
                    let _ = told.send(due.elapsed().as_secs_f64() * 1e6);
                }
            });
        }
    }
    drop(told);
    took.iter().collect()
}

fn percentiles(took: &[f64]) -> [f64; 2] {
    let mut took = took.to_vec();
    took.sort_by(f64::total_cmp);
    [50, 99].map(|percent| took[took.len() * percent / 100])
}

fn median(mut all: Vec<f64>) -> f64 {
    all.sort_by(f64::total_cmp);
    all[all.len() / 2]
}

fn call(institution: &str) -> Call {
    let mut telegram = vec![b' '; FRAME - 4];
    for (at, bytes) in FIELDS {
        telegram[at..at + bytes.len()].copy_from_slice(bytes);
    }
    Call {
        institution: institution.to_owned(),
        exchange: "transfer".to_owned(),
        body: Body::Raw(telegram),
        party: None,
        caller: "bench".to_owned(),
        idempotency_key: None,
        timeout: Some(PATIENCE),
        accepts_early_unknown: true,
        trace: None,
    }
}

/// Four institutions that are open.
async fn gateway(durability: &str) -> (Gateway, tempfile::TempDir) {
    let directory = match std::env::var_os("PABAL_BENCH_DIRECTORY") {
        Some(path) => tempfile::tempdir_in(path),
        None => tempfile::tempdir(),
    }
    .expect("a directory");
    let specs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../specs/hecto");
    let mut text = format!(
        "[gateway]\ndata_dir = {:?}\n[journal]\ndurability = \"{durability}\"\n",
        directory.path().join("data")
    );
    for (number, name) in NAMES.into_iter().enumerate() {
        let (window, takes) = if number == 0 { (WINDOW, LOUD_TAKES) } else { (100, Duration::ZERO) };
        text += &institution(name, &specs, bank(takes), window);
    }
    let mut config = Config::parse(&text, "bench.toml").expect("it is right");
    for name in NAMES {
        let mut sources = at_noon(spec_sources(&specs).expect("the spec is shipped"));
        for source in &mut sources {
            source.text = source.text.replace("\ninstitution hecto ", &format!("\ninstitution {name} "));
        }
        config = config.with_spec(name, sources);
    }
    let gateway = Gateway::start(config).await.expect("it starts");
    let open = async {
        for name in NAMES {
            while gateway.handle().exchange(call(name)).await.is_err() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        }
    };
    tokio::time::timeout(OPENS_MAX, open).await.expect("it opens, and takes a transfer");
    (gateway, directory)
}

fn institution(name: &str, specs: &PathBuf, bank: SocketAddr, window: u32) -> String {
    format!(
        r#"
[institutions.{name}]
spec = {specs:?}
[[institutions.{name}.lines]]
name = "both"
protocol = "firmbanking"
side = "initiator"
direction = "duplex"
window = {window}
address = "{bank}"
[[institutions.{name}.parties]]
name = "main"
fields = {{ id_code = "PABAL", company_no = "PABALCO1" }}
participants = ["088"]
"#
    )
}

/// A bank that answers what is there, each time after so long.
fn bank(takes: Duration) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("it has one");
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            std::thread::spawn(move || serve(stream.expect("a connection"), takes));
        }
    });
    address
}

fn serve(mut stream: TcpStream, takes: Duration) {
    stream.set_nodelay(true).expect("an option");
    let mut buffer = vec![0; 64 * 1_024];
    let mut filled = 0;
    while let Ok(count @ 1..) = stream.read(&mut buffer[filled..]) {
        filled += count;
        let whole = filled / FRAME * FRAME;
        if !takes.is_zero() {
            std::thread::sleep(takes);
        }
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
