//! What an exchange takes of the core alone, from `open` to `Finish`: no socket, no journal, no other task.
//!
//! `cargo xtask bench switch` runs it. Hands in this process do at once what the core asks for. Measured are all calls of the core, the copy
//! of what it writes and five bytes of each answer (some 15 ns), in time of the processor. Making requests and dropping entries and outcomes is
//! others' work: callers' tasks and the bridge's. They are dropped soon, as the bridge does it, but while the clock stands: after each round, of
//! requests one at a time after 32. The contenders take turns; the median of seven rounds stands, and instructions are counted by
//! callgrind. Started without `--bench`, as the tests do, it only sees that every request is answered.
//!
//! # What it says
//!
//! Asked is one microsecond, which is some 4,000 instructions. It is missed by far, by less each time. Instructions of an exchange, 128 at a time
//! with 36 banks, and what each step was expected to take off:
//!
//! | step                                                                                             | expected |   then |
//! |--------------------------------------------------------------------------------------------------|---------:|-------:|
//! | before                                                                                           |          | 52,600 |
//! | keys by a hash, plans worked out once, compartments counted in place, exchanges in boxes         |   19,900 | 39,200 |
//! | names of timers by a hash, parties' banks in a set                                               |    4,100 | 35,700 |
//! | names, traces and numbers shared; what is short in place, and compared by words                  |    1,500 |        |
//! | one piece of memory for a telegram in exchange, entry and report, and for the places of secrets  |      700 |        |
//! | stamps and civil time once a second; the key of a number of theirs from the one that is there    |    1,500 |        |
//! | openings by their values; no rates where there are none; what an answer may mean, by its plan    |    1,600 |        |
//! | effects in one queue; entries get their memory at once; sessions counted as they change          |      400 | 29,900 |
//! | timers of a kind in queues, exchanges in places, keys and compartments in tables, by a hash       |        - | 18,500 |
//! | timers of an exchange found by a hold that it keeps, and by their names nowhere                    |    1,300 | 17,900 |
//! | exchanges found by their keys at once; keys in place, not shared; the last timer of a queue known  |    1,350 | 17,000 |
//! | no effect for one that leaves at once; theirs only where there are any; short keys are words       |      550 | 16,500 |
//! | telegrams cut where they lie; bounds of framings once; keys of pieces that plans know              |    1,500 |        |
//! | frames told by one look; numbers in place; codes looked for once; small entries                    |      900 | 14,900 |
//!
//! So it went from 9.1 to 3.8 microseconds, side by side on a machine that others used as well; over 16 sessions it takes 300 instructions
//! more, where it took 1,700, and a key of the caller 2,100, where it took 10,200. Allocations went from 44 to 30, to 7 and to 3, copied bytes
//! from 11,400 to 7,200 and to 4,900, and with keys and numbers in place to 5,700. Numbers of timers as one rank of 17 bytes cost more than the
//! comparisons that the compiler derives, and went again. Parts that were joined a byte at a time cost 8,000: they are written to a place of
//! the stack first.
//!
//! What is left, in instructions: three timers set and two stopped (950); 4 allocations of the core, the growth of its lists, and their ends
//! (1,000); keys joined of their parts (700); a bank looked for seven times, by its bytes each time (800); exchanges found by key and by id, put
//! down and taken away (1,200); pieces of memory copied (2,150, of them 600 the telegram, and 900 entries and exchanges on the way to their
//! places); the answer cut, told apart and its code read (1,600); the hands of this bench themselves (650); the rest is what admission, departure
//! and conclusion ask and write down themselves (4,500), none of it more than 60 in one place. This is of the third step from the end; the last two
//! took 1,600 of copies, keys and the answer. The tombstone that goes for each that comes is 1,300 of all these. Built as it is shipped (`dist`,
//! in one piece), it was 8 of 100 less.
//!
//! Of the containers, expected and found (before, expected, left): timers, set and stopped three times, 4,500, 700, 1,650; exchanges 3,000, 700,
//! 760; keys, compartments, counters and openings by a hash 3,500, 1,000, 1,800; what a code says 900, 200, 270. A heap for all timers cost 700
//! more than queues: what ends first goes through all of its levels. With 100,000 tombstones it is 18,860, where it is 18,800 with 1,000.
#![expect(clippy::print_stdout, reason = "a report for people")]

mod house;

use std::process::{Command, ExitCode};

use house::{House, Shape};
use pabal_switch::Open;
use rustix::time::{ClockId, clock_gettime};

/// Exchanges of one pass, and rounds.
const PASS: usize = 16_384;
const QUICK_PASS: usize = 2_048;
const COUNTED: usize = 1_024;
const ROUNDS: usize = 7;
/// Exchanges after which what the core handed out is dropped, if a round has less.
const KEPT: usize = 32;
/// What an exchange may take.
const GOAL: f64 = 1_000.0;

/// The window has room for twice as many, since banks that share it leave each other places.
const USUAL: Shape = Shape { sessions: 1, window: 256, tombstones: 1_000, has_key: false };

/// What is measured: a name, how many are in flight at a time, and the core.
const CONTENDERS: [(&str, usize, Shape); 5] = [
    ("one at a time", 1, USUAL),
    ("128 at a time", 128, USUAL),
    ("128 at a time, with a key of the caller", 128, Shape { has_key: true, ..USUAL }),
    ("128 at a time, 100,000 tombstones", 128, Shape { tombstones: 100_000, ..USUAL }),
    ("128 at a time over 16 sessions", 128, Shape { sessions: 16, window: 16, ..USUAL }),
];

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        // The program starts itself so, below callgrind.
        ["--count", name, passes] => {
            let (_, at_a_time, shape) = CONTENDERS.iter().find(|(known, ..)| known == name).expect("a contender");
            let mut house = House::new(*shape);
            // Without the clock: what reads it from the kernel's page stops below valgrind.
            let count = |_| _ = pass_by(&mut house, *at_a_time, COUNTED, || 0.0);
            (0..passes.parse().expect("a number")).for_each(count);
        }
        words if words.contains(&"--bench") => report(words.contains(&"--quick")),
        _ => CONTENDERS.iter().for_each(|(_, at_a_time, shape)| _ = pass(&mut House::new(*shape), *at_a_time, 256)),
    }
    ExitCode::SUCCESS
}

fn report(is_quick: bool) {
    let count = if is_quick { QUICK_PASS } else { PASS };
    let mut houses: Vec<House> = CONTENDERS.iter().map(|(_, _, shape)| House::new(*shape)).collect();
    // The tombstones of the fourth are full, and all have a past.
    for (house, (_, at_a_time, shape)) in houses.iter_mut().zip(CONTENDERS) {
        _ = pass(house, at_a_time, usize::try_from(shape.tombstones).unwrap_or(0));
    }
    let mut times = vec![Vec::new(); CONTENDERS.len()];
    for _ in 0..ROUNDS {
        for ((house, (_, at_a_time, _)), times) in houses.iter_mut().zip(CONTENDERS).zip(&mut times) {
            times.push(pass(house, at_a_time, count));
        }
    }
    println!("{:<42} {:>8} {:>8} {:>8}", "the core alone, nanoseconds an exchange", "median", "best", "instr.");
    for ((name, ..), mut times) in CONTENDERS.into_iter().zip(times) {
        times.sort_by(f64::total_cmp);
        let instructions = instructions(name).map_or_else(|| String::from("-"), |count| format!("{count:.0}"));
        let median = times[ROUNDS / 2];
        let word = if median <= GOAL { "" } else { "  MISSED" };
        println!("{name:<42} {median:>8.0} {:>8.0} {instructions:>8}   asked: {GOAL}{word}", times[0]);
    }
}

/// So many exchanges; nanoseconds of each. The clock stands while entries and outcomes are dropped.
fn pass(house: &mut House, at_a_time: usize, count: usize) -> f64 {
    pass_by(house, at_a_time, count, processor_seconds)
}

fn pass_by(house: &mut House, at_a_time: usize, count: usize, clock: fn() -> f64) -> f64 {
    let before = house.finished();
    let rounds = count.div_ceil(at_a_time);
    let mut requests = house.requests(rounds * at_a_time).into_iter();
    let mut seconds = 0.0;
    while requests.len() > 0 {
        let start = clock();
        measured(house, &mut requests, at_a_time);
        seconds += clock() - start;
        house.clear();
    }
    let done = house.finished() - before;
    assert_eq!(done, (rounds * at_a_time) as u64, "every request is answered");
    seconds * 1e9 / done as f64
}

/// What the clock and callgrind look at.
#[inline(never)]
fn measured(house: &mut House, requests: &mut std::vec::IntoIter<Open>, at_a_time: usize) {
    for _ in 0..KEPT.div_ceil(at_a_time).min(requests.len() / at_a_time) {
        house.open(requests.by_ref().take(at_a_time));
        house.answer();
    }
}

/// What the processor has spent on this thread: others who have the machine meanwhile are not in it, but for what they do to its caches.
fn processor_seconds() -> f64 {
    let spent = clock_gettime(ClockId::ThreadCPUTime);
    spent.tv_sec as f64 + spent.tv_nsec as f64 / 1e9
}

/// Instructions of one exchange: what three passes take more than one. `None` without callgrind.
fn instructions(name: &str) -> Option<f64> {
    let more = collected(name, 3)? - collected(name, 1)?;
    Some(more / (2 * COUNTED) as f64)
}

fn collected(name: &str, passes: usize) -> Option<f64> {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null", "--toggle-collect=*measured*"])
        .arg(std::env::current_exe().ok()?)
        .args(["--count", name, &passes.to_string()])
        .output()
        .ok()?;
    let report = String::from_utf8_lossy(&output.stderr).into_owned();
    report.lines().find_map(|line| line.split_once("Collected : ")?.1.trim().parse().ok())
}
