//! How fast telegrams are converted, beside code that was written by hand for one of them (`baseline.rs`).
//!
//! `cargo xtask bench convert` runs it. The contenders take turns, so that what else the machine does hits all of them; the best of many
//! rounds is what the code can do. Instructions are counted by callgrind, and do not depend on the machine's day. Started without
//! `--bench`, as the tests do, it only sees that all contenders agree.
#![expect(clippy::print_stdout, reason = "a report for people")]

mod baseline;
mod contender;
mod layout;
mod measure;
mod sample;

use std::process::ExitCode;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        // The program starts itself so, below callgrind.
        ["--count", name, passes] => measure::pass(name, passes.parse().expect("a number")),
        words if words.contains(&"--bench") => {
            measure::report(words.contains(&"--quick"));
            let [read, count] = contender::gains();
            println!(
                "two threads read {read:.2} times as much as one; the machine gives {count:.2}: {:.2}, goal 0.85",
                read / count
            );
        }
        _ => measure::smoke(),
    }
    ExitCode::SUCCESS
}
