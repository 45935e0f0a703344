//! What a core holds and copies: bytes of an idle session and of an open exchange, allocations and copied bytes of an exchange.
//!
//! `cargo xtask bench switch` runs it. 200 sessions, and 100,000 exchanges that are sent and not answered. Memory is counted by the allocator
//! of this program, which is why nothing is timed here; copied bytes by valgrind's dhat (`--mode=copy`: memcpy, memmove and strcpy; what
//! the compiler writes as single moves is not seen).
#![expect(clippy::print_stdout, reason = "a report for people")]

#[path = "core/house.rs"]
mod house;

use std::process::{Command, ExitCode};

use allocation_counter::measure;
use house::{House, Shape};

const SESSIONS: u16 = 200;
const EXCHANGES: usize = 100_000;
/// One place more than each needs, since the banks leave each other some.
const WINDOW: u32 = 1_000;
const COUNTED: usize = 1_024;
const AT_A_TIME: usize = 128;

const fn shape(sessions: u16) -> Shape {
    Shape { sessions, window: WINDOW, tombstones: 1_000, has_key: false }
}

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        // The program starts itself so, below valgrind.
        ["--count", passes] => {
            let mut house = House::new(shape(1));
            (0..passes.parse().expect("a number")).for_each(|_| pass(&mut house, COUNTED));
        }
        words => report(words.contains(&"--bench")),
    }
    ExitCode::SUCCESS
}

fn report(is_bench: bool) {
    let (sessions, exchanges) = if is_bench { (SESSIONS, EXCHANGES) } else { (4, 400) };
    let house_of = |sessions| {
        let mut house = None;
        let bytes = measure(|| house = Some(House::new(shape(sessions)))).bytes_current;
        (house.expect("it was made"), bytes)
    };
    let (_, alone) = house_of(1);
    let (mut house, many) = house_of(sessions);
    println!("an idle session: {} bytes", (many - alone) / (i64::from(sessions) - 1));

    let requests = house.requests(exchanges);
    // What the requests hold before is taken by the core, or goes.
    let before = measure(|| drop(house.requests(exchanges))).bytes_max;
    let mut requests = Some(requests);
    let held = measure(|| {
        house.open(requests.take().into_iter().flatten());
        house.durable();
        house.write();
        house.clear();
    });
    let held = i64::try_from(before).expect("few") + held.bytes_current;
    println!("an open exchange: {} bytes", held / i64::try_from(exchanges).expect("few"));
    println!("(its telegram of 300 bytes, its key, its entry's name and two timers among them)");

    let mut house = House::new(shape(1));
    pass(&mut house, 2 * COUNTED);
    let mut requests = house.requests(COUNTED).into_iter();
    let counted = measure(|| {
        for _ in 0..COUNTED / AT_A_TIME {
            house.open(requests.by_ref().take(AT_A_TIME));
            house.answer();
        }
    });
    let each = |count: u64| count as f64 / COUNTED as f64;
    println!(
        "an exchange from open to finish: {:.1} allocations of {:.0} bytes",
        each(counted.count_total),
        each(counted.bytes_total)
    );
    if is_bench {
        match copied() {
            Some(bytes) => println!("and {bytes:.0} bytes copied"),
            None => println!("copied bytes are not counted: there is no valgrind"),
        }
    }
}

fn pass(house: &mut House, count: usize) {
    let before = house.finished();
    for _ in 0..count / AT_A_TIME {
        let requests = house.requests(AT_A_TIME).into_iter();
        house.open(requests);
        house.answer();
        house.clear();
    }
    assert_eq!(house.finished() - before, count as u64, "every request is answered");
}

/// Copied bytes of an exchange: what three passes copy more than one. The request's own making is 300 of them.
fn copied() -> Option<f64> {
    let more = of_passes(3)? - of_passes(1)?;
    Some(more / (2 * COUNTED) as f64)
}

fn of_passes(passes: usize) -> Option<f64> {
    let output = Command::new("valgrind")
        .args(["--tool=dhat", "--mode=copy", "--dhat-out-file=/dev/null"])
        .arg(std::env::current_exe().ok()?)
        .args(["--count", &passes.to_string()])
        .output()
        .ok()?;
    let report = String::from_utf8_lossy(&output.stderr).into_owned();
    let (_, total) = report.lines().find_map(|line| line.split_once("Total:"))?;
    total.trim().split(' ').next()?.replace(',', "").parse().ok()
}
