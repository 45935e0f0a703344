//! The clock and the counter.

use std::process::Command;
use std::time::Instant;

use crate::contender::{self, Contender};

/// So many that they differ, and few enough that they stay in the cache.
const TELEGRAMS: usize = 1_024;
/// What callgrind goes over; it is fifty times as slow.
const COUNTED: usize = 128;
const ROUNDS: usize = 400;
const QUICK_ROUNDS: usize = 60;

/// One pass of each: they must agree, and they check that themselves.
pub(crate) fn smoke() {
    for mut contender in contender::all(32) {
        (contender.run)();
    }
}

/// Some passes of one, to be counted.
pub(crate) fn pass(name: &str, passes: usize) {
    let mut contenders = contender::all(COUNTED);
    let contender = contenders.iter_mut().find(|contender| contender.name == name).expect("a contender");
    (0..passes).for_each(|_| (contender.run)());
}

/// All of them in turns, and a table.
pub(crate) fn report(is_quick: bool) {
    let mut contenders = contender::all(TELEGRAMS);
    let rounds = if is_quick { QUICK_ROUNDS } else { ROUNDS };
    let mut times: Vec<Vec<f64>> = contenders.iter().map(|_| Vec::with_capacity(rounds)).collect();
    for _ in 0..rounds {
        for (contender, times) in contenders.iter_mut().zip(&mut times) {
            times.push(nanos(contender));
        }
    }
    let rows: Vec<Row> = contenders.iter().zip(times).map(|(contender, times)| Row::new(contender, times)).collect();
    println!(
        "{:<34} {:>8} {:>8} {:>7}   {:>6} {:>7} {:>6}  against",
        "nanoseconds for 300 bytes", "best", "median", "instr.", "time", "instr.", "goal"
    );
    for row in &rows {
        row.print(&rows);
    }
}

fn nanos(contender: &mut Contender) -> f64 {
    // Once more than is measured: what the others have left in the cache is not this one's.
    (contender.run)();
    let start = now();
    (contender.run)();
    start.elapsed().as_secs_f64() * 1e9 / TELEGRAMS as f64
}

#[expect(clippy::disallowed_methods, reason = "a benchmark asks how long something takes")]
fn now() -> Instant {
    Instant::now()
}

/// How much two threads do in the time of one: the best of many turns of each.
pub(crate) fn gains(work: [&(dyn Fn() + Sync); 2]) -> [f64; 2] {
    let mut best = [[f64::MAX; 2]; 2];
    for _ in 0..300 {
        for (work, best) in work.iter().zip(&mut best) {
            best[0] = best[0].min(seconds(work));
            let both = || {
                std::thread::scope(|scope| {
                    scope.spawn(work);
                    work();
                });
            };
            best[1] = best[1].min(seconds(&both));
        }
    }
    best.map(|[one, two]| 2.0 * one / two)
}

fn seconds(work: &dyn Fn()) -> f64 {
    let start = now();
    work();
    start.elapsed().as_secs_f64()
}

struct Row {
    name: &'static str,
    against: Option<(&'static str, f64)>,
    best: f64,
    median: f64,
    instructions: Option<f64>,
}

impl Row {
    fn new(contender: &Contender, mut times: Vec<f64>) -> Self {
        times.sort_by(f64::total_cmp);
        Self {
            name: contender.name,
            against: contender.against,
            best: times[0],
            median: times[times.len() / 2],
            instructions: instructions(contender.name),
        }
    }

    fn print(&self, rows: &[Self]) {
        let counted =
            |count: Option<f64>, decimals| count.map_or(String::from("-"), |count| format!("{count:.decimals$}"));
        print!("{:<34} {:>8.1} {:>8.1} {:>7}", self.name, self.best, self.median, counted(self.instructions, 0));
        match self.against.and_then(|(name, goal)| Some((rows.iter().find(|row| row.name == name)?, goal))) {
            Some((other, goal)) => {
                let time = self.best / other.best;
                let instructions = self.instructions.zip(other.instructions).map(|(own, others)| own / others);
                let is_reached = if contender::GOAL_IS_LEAST { time >= goal } else { time <= goal };
                let word = if is_reached { "" } else { "  MISSED" };
                println!("   {time:>6.2} {:>7} {goal:>6.2}  {}{word}", counted(instructions, 2), other.name);
            }
            None => println!(),
        }
    }
}

/// Instructions for one telegram: what three passes take more than one, so that making the telegrams does not count. `None` without
/// callgrind.
fn instructions(name: &str) -> Option<f64> {
    let more = collected(name, 3)? - collected(name, 1)?;
    Some(more / (2 * COUNTED) as f64)
}

fn collected(name: &str, passes: usize) -> Option<f64> {
    let program = std::env::current_exe().ok()?;
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(program)
        .args(["--count", name, &passes.to_string()])
        .output()
        .ok()?;
    let report = String::from_utf8_lossy(&output.stderr).into_owned();
    report.lines().find_map(|line| line.split_once("Collected : ")?.1.trim().parse().ok())
}
