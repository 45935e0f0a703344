//! What others take for the telegram of the benchmark (`src/telegram/benches/convert`), in the same kind of run.
//!
//! `cargo xtask bench peers` runs it. Each of the others ends with owned values of the same telegram, Hangul as UTF-8 included; ours ends
//! with slots of its caller that borrow the telegram, Hangul as UTF-8 in a buffer of its caller. That is a difference of kind, not of speed
//! alone.

#[expect(dead_code, reason = "its reading only is used here")]
#[path = "../../../src/telegram/benches/convert/baseline.rs"]
mod baseline;
mod by_deku;
mod by_fixed_width;
mod by_nom;
mod by_prost;
mod contender;
#[path = "../../../src/telegram/benches/convert/layout.rs"]
mod layout;
#[expect(dead_code, reason = "threads are not asked about here")]
#[path = "../../../src/telegram/benches/convert/measure.rs"]
mod measure;
#[expect(dead_code, reason = "its telegrams only are used here")]
#[path = "../../../src/telegram/benches/convert/sample.rs"]
mod sample;

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        // The program starts itself so, below callgrind.
        ["--count", name, passes] => measure::pass(name, passes.parse().expect("a number")),
        ["--smoke"] => measure::smoke(),
        words => measure::report(words.contains(&"--quick")),
    }
}
