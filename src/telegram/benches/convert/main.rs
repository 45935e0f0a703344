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
//! known floors are 61 ns for reading and 127 ns for writing. The yardstick itself takes 52 ns in one build and 60 in another, by where
//! its code happens to lie; instructions are the same in all.
//!
//! | nanoseconds                    | best | instructions | of the yardstick | asked |
//! |--------------------------------|-----:|-------------:|-----------------:|------:|
//! | yardstick, reading             | 52-60|          826 |                  |       |
//! | all fields, Hangul checked     | 74-77|        1,233 |        1.27-1.49 |   1.5 |
//! | all fields, Hangul to UTF-8    | 89-92|        1,461 |        1.51-1.77 |   2.2 |
//! | a buffer of many               | 56-63|          889 |        0.95-1.21 |   1.1 |
//! | the same, Hangul to UTF-8      | 72-77|        1,125 |        1.22-1.48 |       |
//! | field by field                 | 1670 |       13,700 |                  |       |
//! | yardstick, writing             |  137 |        1,772 |                  |       |
//! | values, given before           |  227 |        3,221 |        1.66-1.74 |   1.3 |
//! | the same, given and written    |  430 |        5,129 |                  |       |
//! | values by path                 |  794 |        7,394 |                  |       |
//!
//! Reading is bound by how many instructions there are: the processor does five to six a cycle. What each step was expected to take of a
//! telegram, and what it took (before: 1,965):
//!
//! | step                                                            | expected | took |
//! |-----------------------------------------------------------------|---------:|-----:|
//! | the classes of all bytes, two tables and a mask of 16 bytes     |      143 |  175 |
//! | 17 numbers, two windows at a time; two begin too early          |      300 |  290 |
//! | 18 texts: the last byte that is no space, and whether all ASCII |      306 |  350 |
//! | Hangul of four names, checked                                   |       60 |   72 |
//! | from list to list, the call and the answer                      |      160 |  345 |
//! | Hangul to UTF-8: eight syllables at once, each looked up        |      490 |  230 |
//!
//! From list to list it is more than thought: each list is as long as the layout says, and is cut from the places of all values. Plain
//! arrays instead of sixteen bytes by name (the crate wide) became byte-by-byte code of 80 instructions a number. Digits
//! that begin before a window can were moved up through memory first, which took 20 ns: the processor waits for what it has just written.
//! Of many telegrams sixteen go together, field by field: what is known of a field stays in registers, and the lists cost nothing. Eight
//! or 32 at a time are the same within a nanosecond.
//!
//! Writing took 541 ns and 4,305 instructions while each value was 48 bytes and each kind of field a jump; by path 19,700, because every
//! field looked at all that it could be. Now values lie by kind, fields are written list by list over a template, and what was expected of
//! a telegram, and what it took, is:
//!
//! | step                                                            | expected | took  |
//! |-----------------------------------------------------------------|---------:|------:|
//! | the template is copied                                          |       35 |    77 |
//! | 11 short numbers, two at a time                                 |      400 |   538 |
//! | 7 long ones, of which one is signed                             |      380 |   483 |
//! | 18 texts: they fit, are ASCII, are printable; their bytes       |      530 | 1,019 |
//! | Hangul of four names, and texts of few letters                  |      550 |   867 |
//! | from list to list, and the call                                 |      150 |   237 |
//!
//! 1.3 times is missed. A text takes 36 to 53 instructions, where the yardstick, whose widths are constants, takes 30: that there is one,
//! that it fits, and that it lies within the telegram are asked for each (12), what is no ASCII is left for a second list (8), and the
//! lists themselves take 50 each. Hangul takes 180 a name, 75 of them for each four syllables, as in the yardstick; that it is tried as
//! ASCII first, what it is written in, and whether it must be of KS X 1001 are the rest. Digits of two numbers at once take 28, of one 20.
//! Kept in memory instead of registers, what was seen to be wrong cost 90 ns: each field waited for the one before. Values of 1,024
//! telegrams are not in the second cache when others have run; each contender goes over them once before it is measured.
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
