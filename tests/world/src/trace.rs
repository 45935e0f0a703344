use std::fmt::Write as _;

use pabal_clock::Now;

/// What happened in a run, line by line, and a hash of it: two runs are the same if their hashes are.
#[derive(Clone, Debug)]
pub struct Trace {
    hash: u64,
    lines: u64,
    tail: std::collections::VecDeque<String>,
    print: bool,
}

const TAIL_LINES_MAX: usize = 400;

impl Trace {
    /// Empty; with `print`, every line goes to standard error as it comes.
    #[must_use]
    pub const fn new(print: bool) -> Self {
        Self { hash: 0xcbf2_9ce4_8422_2325, lines: 0, tail: std::collections::VecDeque::new(), print }
    }

    pub(crate) fn line(&mut self, now: Now, text: std::fmt::Arguments<'_>) {
        // The oldest line's memory is the newest one's.
        let oldest = if self.tail.len() < TAIL_LINES_MAX { None } else { self.tail.pop_front() };
        let mut line = oldest.unwrap_or_default();
        line.clear();
        let _ = write!(line, "{} {text}", now.mono);
        self.mix(line.len() as u64);
        for chunk in line.as_bytes().chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.mix(u64::from_le_bytes(word));
        }
        self.lines += 1;
        if self.print {
            eprintln!("{line}");
        }
        self.tail.push_back(line);
    }

    const fn mix(&mut self, word: u64) {
        self.hash = (self.hash.rotate_left(5) ^ word).wrapping_mul(0x517c_c1b7_2722_0a95);
    }

    /// Of all lines, their lengths and eight bytes at a time.
    #[must_use]
    pub const fn hash(&self) -> u64 {
        self.hash
    }

    /// How many lines there were.
    #[must_use]
    pub const fn lines(&self) -> u64 {
        self.lines
    }

    /// The last lines, for a failure's report.
    #[must_use]
    pub fn tail(&self, lines: usize) -> String {
        let skip = self.tail.len().saturating_sub(lines);
        let mut text = String::new();
        for line in self.tail.iter().skip(skip) {
            text.push_str(line);
            text.push('\n');
        }
        text
    }
}
