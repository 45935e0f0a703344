//! How much the switch takes of a connection: the shell around our core beside the same shell around eight bytes, and the whole gateway.
//!
//! `cargo xtask bench switch` runs it. One TCP connection to a bank that is a thread of this process; the runtime has two workers. Contenders
//! take turns, and the median of seven rounds stands. Started without `--bench`, as the tests do, it only sees that every request is answered.
//!
//! - *plain echo*: one task writes as many frames as there are callers, and one more for each that comes back. For orientation: no callers,
//!   no channels, nothing to match.
//! - *shell, eight bytes* and *shell, our core*: the driver's shell in small (`shell.rs`) around two machines. The same for both: a bounded channel
//!   of commands, a oneshot for each who waits, a timeout for each caller, budgets, order of a turn, one buffer, ways to read and write. Not
//!   the same: the eight bytes know no window, time, business, outcome or journal; our core has a window of 128, all its rules, and
//!   entries that are durable in the same turn and then dropped. This is the journal switched off, and no gateway runs like that.
//! - *gateway*: all of it by its handle, with a journal whose entries survive the process, or the loss of power. `PABAL_BENCH_DIRECTORY` chooses its disk.
//!
//! In the open loop a request's time runs from when it was due, so that one which is made late has waited as well. Calls of the small shell are counted
//! where they are made; those of the gateway by strace, which slows it, so that more is done by each.
//!
//! # What it says of the gateway
//!
//! Where an exchange's time goes is said here in time of all processors, 128 callers, callers and bank included (`--calls NAME [CALLERS]` below
//! `perf stat`, the least of five): a machine that is busy with something else changes that little, and rates a lot. Of 79 microseconds with the journal of
//! the process, 98 on the disk, one half was the journal's thread, two fifths the runtime's (driver, bridge, callers), a tenth the fold and the bank.
//!
//! | step                                                                                        | expected | got            |
//! |---------------------------------------------------------------------------------------------|---------:|---------------:|
//! | two indexes that nobody asks by: six of the sixteen index entries of an exchange            |       -8 | -10 an entry   |
//! | no triggers on the writer's own connection: for them, each insert copied its pages first    |       -8 | -5 an entry    |
//! | what a turn of the driver wrote goes as one: one wakeup, append and acknowledgement          |      -10 | all these: -24 |
//! | entries are sealed where they are, not in a copy; no line of the log for nobody              |       -3 |                |
//! | a connection is not read once more for nothing                                               |       -2 |                |
//! | an entry's columns in one piece of memory                                                    |       -5 | -6             |
//! | the engine without counting memory, sharing caches, and checks of what its wrapper has checked |     -2 | -2 to -3       |
//! | eight envelopes by one statement: each opens the table and every index anew                  |       -4 | not alone      |
//! | telegrams as they are behind an entry's JSON, not as digits in it                            |       -3 | both: -2, -5 F |
//!
//! The first two are of `cargo bench -p pabal-journal`, 256 in flight: 31 microseconds an entry before, 21 and 16 behind them, and 170 and 92 for
//! one that is alone in its transaction; an exchange has three. Together: 49 and 56 microseconds. Switches between threads went from 1.6 to 0.2
//! an exchange (2.7 to 0.5 on the disk), writes of the write-ahead file from 7.2 to 4, reads and writes of the connection from 0.19 to 0.05; every
//! second read had found nothing.
//!
//! What is left, of a hundred, before the last step: the engine of the journal 21, the system's part of its writes and of the fold 16, memory 16, the
//! core 9, the rest of the system 7, checksums 6, JSON 4, the runtime 2. Of an entry with a telegram 600 bytes are the digits of its 300.
//!
//! The last two rows were measured on a machine with ten times as much to do as it can. Of the same tables and indexes in a script, rows that are
//! inserted eight by eight took 11.4 microseconds, not 14.7. Why 1,000 callers cost more than 128 (45 and 56 microseconds, before): nearly all of
//! them wait, so that each telegram is stored twice, `accepted` goes to the journal in a batch of its own, and what is known of them no longer
//! fits the caches. Not in any row: at INFO each exchange writes three lines; a line of JSON takes 4 microseconds, so that the log costs a
//! quarter as much again. Both last rows together: 45.3 to 43.0 with the journal of the process, 52.6 to 47.3 on the disk (F), 56.0 to 49.9 with
//! 1,000 callers.
//!
//! | looked into, and left as it is                                       | expected | got                                                     |
//! |----------------------------------------------------------------------|---------:|---------------------------------------------------------|
//! | a rate that fell by 15 % while processor time did not grow           |  a cause | not found: threads waited longer for a processor than they ran |
//! | lines of the log gathered in a buffer before they are written        |       -5 | 0 to -5                                                 |
//!
//! The first is of 20,000 exchanges and the schedstat of each thread, on a machine with other work: 0.8 s run and 1.2 to 1.4 s waited in 1.1 s. That
//! such a machine's rates say little is shown by it, not that the fall was only that: no earlier build was measured beside this one. The second is of
//! 300,000 lines of JSON with the fields of an outcome, by a program of their own, twice to a file and once to a pipe: a line took 4.2 to
//! 5.0 microseconds, 3.3 to 4.1 with a buffer, 3.2 to 3.4 with nothing written. Most of a line is making it. A tenth of an exchange was asked.
//!
//! The two small shells were held against each other again: both give each caller an answer of its own, wake it, and drop what they made; nothing
//! is spared by the eight bytes but the work that is measured. That they have no window makes 1,000 callers cheaper for them, which is asked so.
#![expect(clippy::print_stdout, reason = "a report for people")]

mod bank;
mod load;
mod machine;
mod shell;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::process::{Command, ExitCode};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use load::Desk;
use machine::{Matcher, Ours};
use pabal_gateway::Gateway;
use shell::Calls;

const WINDOW: u32 = 128;
const CALLERS: [usize; 4] = [1, 8, 128, 1_000];
const ROUNDS: usize = 7;
const RATE: u32 = 20_000;
/// How long requests come at that rate, in a round.
const AT_RATE_SECONDS: u32 = 1;
/// What is asked.
const OF_MATCHER: f64 = 0.7;
const OF_128: f64 = 0.9;
const CALLS_MAX: f64 = 0.1;
/// Exchanges of which calls of the system are counted.
const COUNTED: u64 = 20_000;
/// Telegram numbers of a date, by the shipped spec, and the most exchanges of a contender in a round by so many callers: together with
/// what else asks they stay below.
const NUMBERS: u64 = 950_000;
const EXCHANGES_MAX: u64 = 26_000;
const _: () = {
    let rounds = ROUNDS as u64;
    let asked = rounds * (CALLERS.len() as u64 * EXCHANGES_MAX + (RATE * AT_RATE_SECONDS) as u64) + COUNTED;
    assert!(asked < NUMBERS - 1_000, "the opening of business is a number too, and every try of it");
};

const ECHO: &str = "plain echo";
const MATCHER: &str = "shell, eight bytes";
const OURS: &str = "shell, our core";
const PROCESS: &str = "gateway, journal of the process";
const FULL: &str = "gateway, journal on the disk";
const ALL: [&str; 5] = [ECHO, MATCHER, OURS, PROCESS, FULL];

/// Everything that a contender lives by.
struct House {
    name: &'static str,
    desk: Desk,
    calls: Option<Arc<Calls>>,
    _gateway: Option<(Gateway, tempfile::TempDir)>,
}

impl House {
    async fn new(name: &'static str, bank: SocketAddr) -> Self {
        let (mut calls, mut gateway) = (None, None);
        let desk = match name {
            ECHO => Desk::Echo(bank),
            MATCHER => {
                let (commands, counted) = shell::start(|_| Matcher::default(), bank).await;
                calls = Some(counted);
                Desk::Shell(commands)
            }
            OURS => {
                let (commands, counted) = shell::start(|now| Ours::new(WINDOW, now), bank).await;
                calls = Some(counted);
                Desk::Shell(commands)
            }
            name => {
                let directory = match std::env::var_os("PABAL_BENCH_DIRECTORY") {
                    Some(path) => tempfile::tempdir_in(path),
                    None => tempfile::tempdir(),
                }
                .expect("a directory");
                let durability = if name == FULL { "full" } else { "process" };
                let started = load::gateway(bank, WINDOW, durability, directory.path()).await;
                let desk = Desk::Gateway(started.handle());
                gateway = Some((started, directory));
                desk
            }
        };
        Self { name, desk: desk.open().await, calls, _gateway: gateway }
    }
}

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    match words.as_slice() {
        // The program starts itself so, below strace.
        ["--calls", name, callers @ ..] => {
            let callers = callers.first().map_or(CALLERS[2], |callers| callers.parse().expect("a number of callers"));
            let bank = bank::start(|thread| println!("bank {thread}"));
            let name = ALL.into_iter().find(|known| known == name).expect("a contender");
            runtime.block_on(async {
                let house = House::new(name, bank).await;
                house.desk.exchanges(callers, COUNTED).await;
            });
        }
        words if words.contains(&"--bench") => report(&runtime, words.contains(&"--quick")),
        _ => {
            let bank = bank::start(|_| {});
            runtime.block_on(async {
                for name in [MATCHER, OURS, PROCESS] {
                    House::new(name, bank).await.desk.exchanges(8, 100).await;
                }
            });
        }
    }
    // A gateway that is not drained says so; a bench has nothing to keep.
    std::process::exit(0)
}

fn report(runtime: &tokio::runtime::Runtime, is_quick: bool) {
    let bank = bank::start(|_| {});
    let mut houses = Vec::new();
    for name in ALL {
        houses.push(runtime.block_on(House::new(name, bank)));
    }
    let time = Duration::from_millis(if is_quick { 100 } else { 400 });
    let medians = throughputs(runtime, &houses, time);
    println!("{:<34} {}", "exchanges a second, by callers", CALLERS.map(|callers| format!("{callers:>9}")).concat());
    for (house, of_callers) in houses.iter().zip(&medians) {
        println!("{:<34} {}", house.name, of_callers.map(|median| format!("{median:>9.0}")).concat());
    }
    let [_, matcher, ours, ..] = medians[..] else { unreachable!("five contenders") };
    let ratios: [f64; 4] = std::array::from_fn(|at| ours[at] / matcher[at]);
    let word = if ratios.iter().all(|ratio| *ratio >= OF_MATCHER) { "" } else { "  MISSED" };
    println!(
        "{:<34} {}   asked: {OF_MATCHER}{word}",
        "ours of eight bytes",
        ratios.map(|ratio| format!("{ratio:>9.2}")).concat()
    );
    for (house, of_callers) in houses.iter().zip(&medians) {
        let ratio = of_callers[3] / of_callers[2];
        let word = if ratio >= OF_128 { "" } else { "  MISSED" };
        println!("1,000 callers of 128: {:<34} {ratio:>6.2}   asked: {OF_128}{word}", house.name);
    }
    calls(runtime, &houses);
    latencies(runtime, &houses, is_quick);
}

/// The medians of all rounds, for each number of callers.
fn throughputs(runtime: &tokio::runtime::Runtime, houses: &[House], time: Duration) -> Vec<[f64; 4]> {
    let mut rounds: Vec<[Vec<f64>; 4]> = houses.iter().map(|_| Default::default()).collect();
    for _ in 0..ROUNDS {
        for (at, callers) in CALLERS.into_iter().enumerate() {
            for (house, rounds) in houses.iter().zip(&mut rounds) {
                rounds[at].push(runtime.block_on(house.desk.throughput(callers, time, EXCHANGES_MAX)));
            }
        }
    }
    let median = |mut found: Vec<f64>| {
        found.sort_by(f64::total_cmp);
        found[ROUNDS / 2]
    };
    rounds.into_iter().map(|of_callers| of_callers.map(median)).collect()
}

/// How often the connection is read and written for an exchange, at window 128.
fn calls(runtime: &tokio::runtime::Runtime, houses: &[House]) {
    let callers = usize::try_from(WINDOW).expect("few");
    for house in houses {
        let Some(calls) = &house.calls else { continue };
        let of = |count: &std::sync::atomic::AtomicU64| count.load(Ordering::Relaxed);
        let before = (of(&calls.reads), of(&calls.writes), of(&calls.turns));
        runtime.block_on(house.desk.exchanges(callers, COUNTED));
        let each = |after: u64, before: u64| (after - before) as f64 / COUNTED as f64;
        tell_calls(house.name, each(of(&calls.reads), before.0), each(of(&calls.writes), before.1));
        println!("    turns for an exchange: {:.3}", each(of(&calls.turns), before.2));
    }
    for name in [PROCESS, FULL] {
        match traced(name) {
            Some((reads, writes)) => tell_calls(&format!("{name} (strace)"), reads, writes),
            None => println!("reads and writes of {name}: not counted, there is no strace"),
        }
    }
}

fn tell_calls(name: &str, reads: f64, writes: f64) {
    let word = if reads + writes <= CALLS_MAX { "" } else { "  MISSED" };
    println!(
        "calls for an exchange: {name:<42} {reads:.3} reads, {writes:.3} writes   asked: {CALLS_MAX} together{word}"
    );
}

/// Reads and writes of connections for an exchange, by strace; those of the bank's thread are left out.
fn traced(name: &str) -> Option<(f64, f64)> {
    let directory = tempfile::tempdir().ok()?;
    let told = directory.path().join("calls");
    let output = Command::new("strace")
        .args(["-f", "-qq", "-e", "trace=recvfrom,sendto", "-e", "signal=none", "-o"])
        .arg(&told)
        .arg(std::env::current_exe().ok()?)
        .args(["--calls", name])
        .output()
        .ok()?;
    let output = String::from_utf8_lossy(&output.stdout).into_owned();
    let banks: Vec<&str> = output.lines().filter_map(|line| line.strip_prefix("bank ")).collect();
    let told = std::fs::read_to_string(told).ok()?;
    let ours = told.lines().filter(|line| !banks.iter().any(|bank| line.split(' ').next() == Some(bank)));
    let count = |call: &str| ours.clone().filter(|line| line.contains(call)).count() as f64 / COUNTED as f64;
    Some((count(" recvfrom("), count(" sendto(")))
}

/// How long answers take when requests come at a rate.
fn latencies(runtime: &tokio::runtime::Runtime, houses: &[House], is_quick: bool) {
    let time = Duration::from_secs(AT_RATE_SECONDS.into());
    let time = if is_quick { time / 3 } else { time };
    let mut unanswered: Vec<BTreeMap<String, u64>> = houses.iter().map(|_| BTreeMap::new()).collect();
    let mut rounds: Vec<Vec<(f64, f64)>> = houses.iter().map(|_| Vec::new()).collect();
    for _ in 0..ROUNDS {
        for ((house, rounds), unanswered) in houses.iter().zip(&mut rounds).zip(&mut unanswered).skip(1) {
            let found = house.desk.open_loop(runtime, RATE, time);
            rounds.push((found.took[found.took.len() / 2], found.took[found.took.len() * 99 / 100]));
            for (why, count) in found.unanswered {
                *unanswered.entry(why).or_default() += count;
            }
        }
    }
    println!("open loop, {RATE} a second, microseconds since each was due: median of the rounds' p50 and p99");
    for ((house, rounds), unanswered) in houses.iter().zip(rounds).zip(unanswered).skip(1) {
        let median = |pick: fn(&(f64, f64)) -> f64| {
            let mut found: Vec<f64> = rounds.iter().map(pick).collect();
            found.sort_by(f64::total_cmp);
            found[ROUNDS / 2]
        };
        println!("{:<34} p50 {:>9.0}   p99 {:>9.0}", house.name, median(|round| round.0), median(|round| round.1));
        for (why, count) in unanswered {
            println!("    not answered, {why}: {count} of all rounds");
        }
    }
}
