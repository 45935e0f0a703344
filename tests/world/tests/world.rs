//! Seeds of the world: many are run, some twice, a few in two processes.
//!
//! `PABAL_WORLD_SEEDS` and `PABAL_WORLD_FIRST` choose how many and from where, `PABAL_WORLD_UNUSUAL` (any value) takes of these only the ones
//! whose lines are not the usual ones, and `PABAL_WORLD_STOPS` ends with the first that fails; `PABAL_WORLD_SEED` prints the trace of one.

use std::env;
use std::panic::{catch_unwind, resume_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use pabal_world::{Counts, Coverage, Failure, Machines, Report, Setup, Tally, Topology, run};

/// Seeds of a plain `cargo test`; CI runs ten thousand, optimised.
const SEEDS: u64 = 24;
/// From so many on, everything that can happen has to have happened,
const SEEDS_OF_ALL: u64 = 2_000;
/// and from so many on, this often in each cell of the tables.
const SEEDS_OF_OFTEN: u64 = 10_000;
const OFTEN: u64 = 20;
/// Seeds that are run twice.
const TWICE: u64 = 6;
/// Seeds whose core is swapped at each reload, and is not.
const RELOADED: usize = 6;

fn number(name: &str) -> Option<u64> {
    env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name} is a number, not {text:?}")))
}

fn kept(seed: u64) -> Report {
    match run(Setup::of_seed(seed)) {
        Ok(report) => report,
        Err(failure) => panic!("{failure}\n{}", again(seed)),
    }
}

fn again(seed: u64) -> String {
    format!("PABAL_WORLD_SEED={seed} cargo test -p pabal-world one_seed -- --nocapture")
}

/// What many runs come to; the same whatever thread ran which.
#[derive(Default)]
struct Sum {
    counts: Counts,
    coverage: Coverage,
    machines: Machines,
    tally: Tally,
    shares: Shares,
    steps: u64,
    failures: Vec<Failure>,
}

/// Seeds with what most has to be right after.
#[derive(Default)]
struct Shares {
    /// A caller was told UNKNOWN.
    unknown: u64,
    /// A process came behind another one.
    restart: u64,
    /// Our date changed while it ran.
    midnight: u64,
}

impl Sum {
    fn add(&mut self, report: &Report) {
        self.counts.add(&report.counts);
        self.coverage.add(&report.coverage);
        self.machines.0.add(&report.fired);
        self.tally.add(&report.tally);
        self.steps += report.steps;
        self.shares.unknown += u64::from(report.counts.unknowns > 0);
        self.shares.restart += u64::from(report.starts > 1);
        self.shares.midnight += u64::from(report.counts.date_changes > 0);
    }
}

impl Shares {
    /// Each with its name and the least it has to be, of a hundred.
    const fn all(&self) -> [(&'static str, u64, u64); 3] {
        [("an UNKNOWN", self.unknown, 60), ("a restart", self.restart, 20), ("a midnight", self.midnight, 10)]
    }

    fn told(&self, seeds: u64) -> String {
        let told = self.all().map(|(name, count, least)| {
            format!("{name} in {} % of the seeds (at least {least})", count * 100 / seeds.max(1))
        });
        told.join(", ")
    }

    fn too_few(&self, seeds: u64) -> Vec<&'static str> {
        self.all().into_iter().filter(|(_, count, least)| count * 100 < least * seeds).map(|(name, ..)| name).collect()
    }
}

/// What a panic says.
fn said(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("something")
}

#[expect(clippy::print_stdout, reason = "who waits for minutes sees at once what has failed")]
fn run_all(first: u64, seeds: u64) -> Sum {
    let next = AtomicU64::new(first);
    let all = env::var_os("PABAL_WORLD_UNUSUAL").is_none();
    let stops = env::var_os("PABAL_WORLD_STOPS").is_some();
    let sum = Mutex::new(Sum::default());
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= first + seeds {
                        return;
                    }
                    let setup = Setup::of_seed(seed);
                    if !all && setup.topology == Topology::Usual && !setup.keyless {
                        continue;
                    }
                    let done = catch_unwind(|| run(setup)).unwrap_or_else(|panic| {
                        println!("seed {seed} panics: {}", said(&*panic));
                        if stops {
                            next.store(u64::MAX / 2, Ordering::Relaxed);
                        }
                        resume_unwind(panic)
                    });
                    let mut sum = sum.lock().expect("no run panics with the sum in its hands");
                    match done {
                        Ok(report) => sum.add(&report),
                        Err(failure) => {
                            println!("seed {seed}: {}", failure.broken);
                            sum.failures.push(*failure);
                            if stops {
                                next.store(u64::MAX / 2, Ordering::Relaxed);
                            }
                        }
                    }
                }
            });
        }
    });
    let mut sum = sum.into_inner().expect("every thread has ended well");
    sum.failures.sort_by_key(|failure| failure.setup.seed);
    sum
}

#[test]
fn many_seeds_keep_every_sentence() {
    let first = number("PABAL_WORLD_FIRST").unwrap_or(1);
    let seeds = number("PABAL_WORLD_SEEDS").unwrap_or(SEEDS);
    let Sum { counts, coverage, machines, tally, shares, steps, failures } = run_all(first, seeds);
    println!(
        "{seeds} seeds from {first}, {steps} steps: {counts:#?}\n{coverage}\n{machines}\n{tally}\n{}",
        shares.told(seeds)
    );
    if let Some(failure) = failures.first() {
        panic!("{} of {seeds} seeds failed; the first:\n{failure}\n{}", failures.len(), again(failure.setup.seed));
    }
    if seeds >= SEEDS_OF_ALL {
        let missing = counts.missing();
        assert!(missing.is_empty(), "never happened: {missing:?}");
        let least = if seeds >= SEEDS_OF_OFTEN { OFTEN } else { 1 };
        let mistakes = [coverage.mistakes(least), machines.mistakes(least), tally.mistakes(least)].concat();
        assert!(mistakes.is_empty(), "the tables are not as they should be:\n{}", mistakes.join("\n"));
        let too_few = shares.too_few(seeds);
        assert!(too_few.is_empty(), "too few seeds contain {}: {}", too_few.join(" or "), shares.told(seeds));
    }
}

/// Seeds that once broke a sentence; the fault is mended, and stays so.
#[test]
fn seeds_that_failed_once() {
    for seed in include_str!("../seeds.txt").lines().filter(|line| !line.starts_with('#')) {
        let seed = seed.split_whitespace().next().expect("a line is a seed and a remark");
        kept(seed.parse().expect("a seed is a number"));
    }
}

#[test]
fn the_same_seed_is_the_same_run() {
    for seed in 1..=TWICE {
        assert_eq!(kept(seed).hash, kept(seed).hash, "seed {seed}");
    }
}

/// A core that is swapped for its restored image leaves the same trace as one that is not.
#[test]
fn an_image_goes_on_where_the_core_stood() {
    // A short run may draw none.
    let mut swaps = 0;
    for seed in 1..=TWICE {
        let run = |swaps| match run(Setup { swaps, ..Setup::of_seed(seed) }) {
            Ok(report) => report,
            Err(failure) => panic!("{failure}"),
        };
        let (with, without) = (run(true), run(false));
        assert_eq!(without.counts.swaps, 0, "seed {seed}");
        swaps += with.counts.swaps;
        assert_eq!(with.hash, without.hash, "seed {seed}: the restored core does something else");
    }
    assert!(swaps > 10, "only {swaps} swaps");
}

/// So it is over each reload, of cores that have forgotten much: what lives in the running core only would show.
#[test]
fn an_image_goes_on_over_a_reload() {
    let reloads = |seed: &u64| Setup::of_seed(*seed).variant.reloads;
    let mut swaps = 0;
    for seed in (1..).filter(reloads).take(RELOADED) {
        let run = |swaps_at_reloads| match run(Setup { swaps: false, swaps_at_reloads, ..Setup::of_seed(seed) }) {
            Ok(report) => report,
            Err(failure) => panic!("{failure}"),
        };
        let (with, without) = (run(true), run(false));
        swaps += with.counts.swaps;
        assert_eq!(with.hash, without.hash, "seed {seed}: the restored core does something else over a reload");
    }
    assert!(swaps > 10, "only {swaps} swaps");
}

/// The same hashes in another process: nothing of this process's memory, environment or time is in a run.
#[test]
fn another_process_sees_the_same() {
    const ASKED: &str = "PABAL_WORLD_PRINT_HASHES";
    let hashes: Vec<String> = (1..=TWICE).map(|seed| format!("{:016x}", kept(seed).hash)).collect();
    let line = format!("hashes {}", hashes.join(" "));
    if env::var_os(ASKED).is_some() {
        println!("{line}");
        return;
    }
    let output = std::process::Command::new(env::current_exe().expect("this test has a file"))
        .args(["--exact", "another_process_sees_the_same", "--nocapture"])
        .env(ASKED, "1")
        .output()
        .expect("this test can be run again");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.lines().any(|other| other.ends_with(&line)), "{line}\n{text}");
}

/// Prints the trace of one seed, for whoever looks for its fault.
#[test]
fn one_seed() {
    if let Some(seed) = number("PABAL_WORLD_SEED") {
        let setup = Setup { print: true, ..Setup::of_seed(seed) };
        match run(setup) {
            Ok(report) => println!("{report:?}"),
            Err(failure) => panic!("{failure}"),
        }
    }
}
