//! How fast telegrams are converted, beside code that was written by hand for one of them (`baseline.rs`).
//!
//! `cargo xtask bench convert` runs it. The contenders take turns, so that what else the machine does hits all of them; the best of many
//! rounds is what the code can do. Instructions are counted by callgrind, and do not depend on the machine's day. Started without
//! `--bench`, as the tests do, it only sees that all contenders agree.
//!
//! # What it says
//!
//! Two shared cores of a Xeon with AVX-512, of which nothing is used beyond SSE2; best of rounds in turns with seven other loads on the
//! machine. `memcpy` of the 300 bytes takes 5 to 22 ns there, by where its buffers happen to lie, so that ratios to it say little; the
//! known floors are 61 ns for reading and 127 ns for writing.
//!
//! | nanoseconds                    | best | instructions | of the yardstick | asked |
//! |--------------------------------|-----:|-------------:|-----------------:|------:|
//! | yardstick, reading             |   51 |          826 |                  |       |
//! | all fields, Hangul checked     |  114 |        1,965 |              2.2 |   1.5 |
//! | all fields, Hangul to UTF-8    |  177 |        2,434 |              3.4 |   2.2 |
//! | field by field                 | 1100 |       11,000 |                  |       |
//! | yardstick, writing             |  141 |        1,772 |                  |       |
//! | values in order                |  541 |        4,305 |          2.5-3.6 |   1.3 |
//! | values by path                 | 2000 |       19,700 |                  |       |
//!
//! Reading is bound by how many instructions there are: the processor does five a cycle. By callgrind, for one telegram: 10 short
//! numbers take 32 instructions each and 7 long ones 55, of which the digits themselves are 11 and 24, as in the yardstick; the rest
//! is the loop (4), where the field lies (3), the check that it lies there (3), the mask (2), whether they are digits (5). 18 texts
//! take 33 to 50 each, 8 and 16 of them for printable ASCII and 9 for the spaces at the end; the yardstick checks all classes of all
//! bytes at once in 76, which a layout made at run time could do with two tables of its own; Hangul takes 45 more in each of 4 names.
//! 1.5 times needs 30 instructions a field: checks of whole telegrams by vector, or shuffles behind a question to the processor, which
//! is unsafe code.
//! Hangul as UTF-8 adds 16 instructions a syllable and 40 a name, 13.5 and 4 of them, and what the length of a memo makes the
//! processor guess wrong. Writing does 2.5 instructions a cycle: values are 48 bytes each, 1.8 MB of them, more than the second cache
//! holds beside the rest, and each kind of field is a jump.
//!
//! Two threads read 1.7 to 1.8 times what one does, while a loop that only counts gained 1.2 in the same run; `--threads` asks that alone.
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
            if !words.contains(&"--threads") {
                measure::report(words.contains(&"--quick"));
            }
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
