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
        let mut line = String::new();
        let _ = write!(line, "{} {text}", now.mono);
        for byte in line.as_bytes() {
            self.hash = (self.hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
        self.lines += 1;
        if self.print {
            eprintln!("{line}");
        }
        if self.tail.len() == TAIL_LINES_MAX {
            self.tail.pop_front();
        }
        self.tail.push_back(line);
    }

    /// FNV-1a over all lines.
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
