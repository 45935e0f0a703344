//! What developers and CI run: `cargo xtask` and a command. Depends on nothing and starts cargo for the rest, so that it builds
//! in seconds.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command for people")]

mod ci;
mod dependency;
mod manifest;
mod planted;
mod process;
mod readme;
mod source;
mod tidy;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use process::{Failure, Job};

const USAGE: &str = "\
cargo xtask ci               everything that must hold, with minutes per step
cargo xtask tidy             rules of the tree that no lint knows
cargo xtask samples [--check]  write samples, code tables and charsets, or say whether they are fresh
cargo xtask readme           run the commands of README.md and compare what they exit with
cargo xtask sim [SEEDS [FIRST]]  the deterministic world, in release, with seeds of its own
cargo xtask sim --planted [SEEDS [FAULT]]  the world against each fault that is planted into a copy of the switch
cargo xtask kill9 [KILLS]    the real gateway, killed under load beside a bank that counts; prints what became of each exchange
cargo xtask bench            every benchmark
cargo xtask bench convert [--quick]  conversion beside code written by hand for one telegram; time, and instructions by callgrind
cargo xtask bench peers [--quick]    the same telegram by other libraries
cargo xtask bench switch [--quick]   the core alone, the shell around it and around eight bytes, the gateway; time, calls, latency, memory
cargo xtask bench overload   what others notice of one institution at ten times its load
cargo xtask fuzz [SECONDS]   every fuzz target, a minute each; needs cargo-fuzz
";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let root = root();
    let done = match words.as_slice() {
        ["ci"] => ci::run(&root),
        ["tidy"] => tidy::run(&root),
        ["samples"] => samples(&root, false),
        ["samples", "--check"] => samples(&root, true),
        ["readme"] => readme::run(&root),
        ["sim"] => world(&root, "200", "1"),
        ["sim", "--planted"] => planted::run(&root, "2000", None),
        ["sim", "--planted", seeds] => planted::run(&root, seeds, None),
        ["sim", "--planted", seeds, fault] => planted::run(&root, seeds, Some(fault)),
        ["sim", seeds] => world(&root, seeds, "1"),
        ["sim", seeds, first] => world(&root, seeds, first),
        ["kill9"] => kill9(&root, "50"),
        ["kill9", kills] => kill9(&root, kills),
        ["bench"] => bench(&root),
        ["bench", "convert"] => bench_convert(&root, &[]),
        ["bench", "convert", "--quick"] => bench_convert(&root, &["--", "--quick"]),
        ["bench", "peers"] => bench_peers(&root, &[]),
        ["bench", "peers", "--quick"] => bench_peers(&root, &["--", "--quick"]),
        ["bench", "switch"] => bench_switch(&root, &[]),
        ["bench", "switch", "--quick"] => bench_switch(&root, &["--", "--quick"]),
        ["bench", "overload"] => bench_overload(&root),
        ["fuzz"] => fuzz(&root, "60"),
        ["fuzz", seconds] => fuzz(&root, seconds),
        _ => {
            eprint!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("xtask: {failure}");
            ExitCode::FAILURE
        }
    }
}

/// The folder that holds the workspace: the one that cargo runs us for, which two clones with one target directory may differ in.
fn root() -> PathBuf {
    let here =
        std::env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    here.ancestors().nth(2).unwrap_or(&here).to_path_buf()
}

fn samples(root: &Path, check: bool) -> Result<(), Failure> {
    let mut scripts = source::files(root)?;
    scripts.retain(|path| path.ends_with("/make.py"));
    for made in ["/samples/make.py", "/codes/make.py", "/tables/make.py"] {
        if !scripts.iter().any(|path| path.ends_with(made)) {
            return Err(Failure::new(format!("no script *{made}; has it moved?")));
        }
    }
    for script in scripts {
        Job::new(root, "python3").args(&[&script]).args(if check { &["--check"] } else { &[] }).run()?;
    }
    Ok(())
}

/// Kills in release, as many as are asked for; the same test makes fifty in debug.
fn kill9(root: &Path, kills: &str) -> Result<(), Failure> {
    let args = ["test", "--release", "--locked", "-p", "pabal", "--test", "command", "kills::", "--", "--nocapture"];
    Job::cargo(root, &args).env("PABAL_KILLS", kills).run()
}

/// Runs seeds of the world, optimised: a build that is not takes longer for some hundred seeds than this build and all of them.
fn world(root: &Path, seeds: &str, first: &str) -> Result<(), Failure> {
    Job::cargo(
        root,
        &["test", "--release", "--locked", "--package", "pabal-world", "--test", "world", "--", "--nocapture"],
    )
    .env("PABAL_WORLD_SEEDS", seeds)
    .env("PABAL_WORLD_FIRST", first)
    .tests(&mut std::io::stdout())
    .map(|_| ())
}

fn bench(root: &Path) -> Result<(), Failure> {
    let mut found = 0;
    for member in manifest::members(root)?.iter().filter(|member| member.has_benches) {
        found += 1;
        Job::cargo(root, &["bench", "--package", &member.package, "--benches"]).run()?;
    }
    if found == 0 {
        return Err(Failure::new("no package has a benchmark"));
    }
    Ok(())
}

fn bench_convert(root: &Path, args: &[&str]) -> Result<(), Failure> {
    valgrind(root);
    Job::cargo(root, &["bench", "--locked", "--package", "pabal-telegram", "--bench", "convert"]).args(args).run()
}

fn bench_peers(root: &Path, args: &[&str]) -> Result<(), Failure> {
    valgrind(root);
    Job::cargo(root, &["run", "--release", "--locked", "--manifest-path", "tests/peers/Cargo.toml"]).args(args).run()
}

fn bench_switch(root: &Path, args: &[&str]) -> Result<(), Failure> {
    valgrind(root);
    for (package, bench) in [("pabal-switch", "core"), ("pabal-switch", "memory"), ("pabal-gateway", "switch")] {
        Job::cargo(root, &["bench", "--locked", "--package", package, "--bench", bench]).args(args).run()?;
    }
    Ok(())
}

fn bench_overload(root: &Path) -> Result<(), Failure> {
    Job::cargo(root, &["bench", "--locked", "--package", "pabal-gateway", "--bench", "overload"]).run()
}

/// Installs Debian's valgrind if there is none. Without it instructions are not counted, and all else is measured.
fn valgrind(root: &Path) {
    if Job::new(root, "valgrind").args(&["--version"]).output().is_ok() {
        return;
    }
    println!("valgrind counts instructions, and is not here: apt-get install valgrind");
    let installed = Job::new(root, "apt-get").args(&["install", "--yes", "--no-install-recommends", "valgrind"]).run();
    if let Err(failure) = installed {
        println!("{failure}; install it by hand, or do without the counts");
    }
}

fn fuzz(root: &Path, seconds: &str) -> Result<(), Failure> {
    let targets: Vec<String> = source::files(root)?
        .iter()
        .filter_map(|path| path.strip_prefix("fuzz/fuzz_targets/")?.strip_suffix(".rs").map(String::from))
        .collect();
    if targets.is_empty() {
        return Err(Failure::new("no target in fuzz/fuzz_targets"));
    }
    for target in targets {
        // What was found before lies beside the code; what is found now, in a folder of its own.
        let found = format!("fuzz/corpus/{target}");
        std::fs::create_dir_all(root.join(&found))
            .map_err(|error| Failure::new(format!("cannot make {found}: {error}")))?;
        let mut corpora = vec![found];
        for (krate, _) in source::entries(root, "src")? {
            let corpus = format!("src/{krate}/corpus/{target}");
            if root.join(&corpus).is_dir() {
                corpora.push(corpus);
            }
        }
        let corpora: Vec<&str> = corpora.iter().map(String::as_str).collect();
        let time = format!("-max_total_time={seconds}");
        Job::cargo(root, &["fuzz", "run", &target])
            .args(&corpora)
            .args(&["--", &time, "-print_final_stats=1"])
            // The sanitizer is not stable, but the compiler has it.
            .env("RUSTC_BOOTSTRAP", "1")
            .run()?;
    }
    Ok(())
}
