//! The commands of README.md are run as they stand, so that they stay true.
//!
//! A comment before a block says how: `<!-- run -->` (ends with success), `<!-- run exit=3 -->`, or
//! `<!-- run until="listening" -->` (goes on in the background once it has written this, and is asked to stop at the end).
//! A block behind it that is marked `<!-- shows -->` is what it writes: the lines are there in this order, whatever digits, ids
//! and spaces they have; `...` stands for lines that are left out. A block marked `<!-- from FILE -->` stands in that file.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, SystemTime};

use crate::process::Failure;
use crate::source;

/// The longest that one block may take, the building of the binary included.
const BLOCK_MAX: Duration = Duration::from_secs(600);

const DAY_SECONDS: u64 = 86_400;
/// How far Seoul, where the shipped bank has its midnight, is ahead of UTC.
const SEOUL_SECONDS: u64 = 9 * 3_600;
/// So long before midnight no block is begun any more: behind it nothing of the day before can be asked about, which the page shows.
const BEFORE_MIDNIGHT_SECONDS: u64 = 300;

/// A block of commands and what is expected of it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Block {
    line: usize,
    script: String,
    ends: Ends,
    /// Lines that it writes, in this order.
    shows: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Ends {
    /// With this exit code.
    With(i32),
    /// When it is asked to, after it has written this.
    Asked { until: String },
}

/// Compares README.md with the files that it cites, then runs every block that is marked, in order, in the root of the tree.
#[expect(clippy::disallowed_methods, reason = "what is run goes by the clock of the computer")]
pub(crate) fn run(root: &Path) -> Result<(), Failure> {
    let text = source::text(root, "README.md")?.unwrap_or_default();
    for citation in citations(&text)? {
        citation.check(&source::text(root, &citation.file)?.unwrap_or_default())?;
    }
    for (file, what) in [("src/switch/src/refusal.rs", "refusal"), ("src/switch/src/outcome.rs", "cause")] {
        let declared = source::text(root, file)?.unwrap_or_default();
        if let Some(word) = reasons(&declared).find(|word| !text.contains(&format!("`{word}`"))) {
            return Err(Failure::new(format!("README.md does not name the {what} {word}")));
        }
    }
    let blocks = blocks(&text)?;
    if blocks.is_empty() {
        return Err(Failure::new("README.md has no block that is marked to be run"));
    }
    // The data directory of specs/hecto/local.toml: the page is read by somebody who has none yet.
    let left = root.join("target/local");
    if left.exists() {
        std::fs::remove_dir_all(&left)
            .map_err(|error| Failure::new(format!("cannot remove {}: {error}", left.display())))?;
    }
    let unix = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    if let Some(wait) = until_midnight(unix.as_secs()) {
        println!("midnight in Seoul is waited for, {} s", wait.as_secs());
        std::thread::sleep(wait);
    }
    let mut background = Vec::new();
    let done = blocks.iter().try_for_each(|block| run_block(root, block, &mut background));
    // The last that was started is the first to stop.
    let stopped: Vec<_> = background.into_iter().rev().map(stop).collect();
    done?;
    stopped.into_iter().collect::<Result<(), Failure>>()?;
    println!("{} blocks of README.md do what they should", blocks.len());
    Ok(())
}

/// How long midnight in Seoul is to be waited for; `None` if it is far.
fn until_midnight(unix_seconds: u64) -> Option<Duration> {
    let left = DAY_SECONDS - (unix_seconds + SEOUL_SECONDS) % DAY_SECONDS;
    (left <= BEFORE_MIDNIGHT_SECONDS).then(|| Duration::from_secs(left))
}

struct Running {
    line: usize,
    child: Child,
}

fn run_block(root: &Path, block: &Block, background: &mut Vec<Running>) -> Result<(), Failure> {
    let line = block.line;
    let broken = |what: String| Failure::new(format!("README.md:{line}: {what}"));
    println!("README.md:{line}:\n{}", block.script);
    // A shell that is replaced by the last command, so that a signal reaches the command.
    let script = match &block.ends {
        Ends::With(_) => format!("set -eu\n{}", block.script),
        Ends::Asked { .. } => format!("set -eu\nexec {}", block.script),
    };
    let mut child = Command::new("sh")
        .args(["-c", &script])
        .current_dir(root)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| broken(format!("cannot be run: {error}")))?;
    let (sender, lines) = mpsc::channel();
    forward(child.stdout.take(), sender.clone());
    forward(child.stderr.take(), sender);
    match &block.ends {
        Ends::With(code) => {
            let mut shown = Vec::new();
            for text in until_silence(&lines) {
                println!("  | {text}");
                shown.push(text);
            }
            let status = child.wait().map_err(|error| broken(error.to_string()))?;
            if status.code() != Some(*code) {
                return Err(broken(format!("ended with {status}, not with {code}")));
            }
            missing(&block.shows, &shown)
                .map_or(Ok(()), |line| Err(broken(format!("does not write, or not there: {line}"))))
        }
        Ends::Asked { until } => {
            background.push(Running { line, child });
            loop {
                let text = lines.recv_timeout(BLOCK_MAX).map_err(|_| broken(format!("did not write {until:?}")))?;
                println!("  | {text}");
                if text.contains(until.as_str()) {
                    return Ok(());
                }
            }
        }
    }
}

/// Lines as they come, until both streams end.
fn until_silence(lines: &mpsc::Receiver<String>) -> impl Iterator<Item = String> {
    std::iter::from_fn(|| lines.recv_timeout(BLOCK_MAX).ok())
}

fn forward(stream: Option<impl Read + Send + 'static>, lines: mpsc::Sender<String>) {
    let Some(stream) = stream else { return };
    std::thread::spawn(move || {
        let mut reader = BufReader::new(stream);
        let mut line = Vec::new();
        while reader.read_until(b'\n', &mut line).is_ok_and(|bytes| bytes > 0) {
            // Nobody may be listening any more; the stream is still read, so that the program never waits for us.
            let _ = lines.send(String::from_utf8_lossy(&line).trim_end().to_owned());
            line.clear();
        }
    });
}

fn stop(mut running: Running) -> Result<(), Failure> {
    let broken = |what: String| Failure::new(format!("README.md:{}: {what}", running.line));
    let pid = running.child.id().to_string();
    Command::new("kill").args(["-TERM", &pid]).status().map_err(|error| broken(error.to_string()))?;
    let status = running.child.wait().map_err(|error| broken(error.to_string()))?;
    if status.success() { Ok(()) } else { Err(broken(format!("ended with {status} when it was asked to stop"))) }
}

/// The first line that should be written and is not, in this order.
fn missing<'t>(expected: &'t [String], shown: &[String]) -> Option<&'t String> {
    let mut shown = shown.iter().map(|line| outline(line));
    expected.iter().filter(|line| line.trim() != "...").find(|line| {
        let line = outline(line);
        !shown.any(|shown| shown == line)
    })
}

/// A line without what differs from run to run: digits are `0`, however many; ids are `0`; spaces are one.
fn outline(line: &str) -> String {
    let mut out = String::new();
    for word in line.split_whitespace() {
        let is_id = word.len() >= 16 && word.chars().all(|c| c.is_ascii_hexdigit() || c == '-');
        let word = if is_id { "0" } else { word };
        out.push(' ');
        for character in word.chars() {
            let character = if character.is_ascii_digit() { '0' } else { character };
            if !(character == '0' && out.ends_with('0')) {
                out.push(character);
            }
        }
    }
    out
}

/// The marked blocks of a text.
fn blocks(text: &str) -> Result<Vec<Block>, Failure> {
    let mut blocks: Vec<Block> = Vec::new();
    for fenced in fenced(text)? {
        let broken = |what: &str| Failure::new(format!("README.md:{}: {what}", fenced.line));
        match (fenced.mark.split(' ').next(), fenced.language) {
            (Some("run"), "sh") => {
                let mark = fenced.mark.trim_start_matches("run").trim();
                let ends = ends(mark).ok_or_else(|| broken("is neither `run`, `run exit=N` nor `run until=\"..\"`"))?;
                blocks.push(Block { line: fenced.line, script: fenced.lines.join("\n"), ends, shows: Vec::new() });
            }
            (Some("run"), _) => return Err(broken("what is run is marked ```sh")),
            (Some("shows"), _) => match blocks.last_mut() {
                Some(Block { ends: Ends::With(_), shows, .. }) if shows.is_empty() => {
                    *shows = fenced.lines.iter().map(|line| String::from(*line)).collect();
                }
                _ => return Err(broken("no block before it that is run to its end and shows nothing yet")),
            },
            (Some("from" | "test"), _) => {}
            _ => return Err(broken("the mark is none of run, shows, from and test")),
        }
    }
    Ok(blocks)
}

/// Lines of a file that stand in README.md; `...` stands for those between.
struct Citation {
    line: usize,
    file: String,
    pieces: Vec<String>,
}

impl Citation {
    fn check(&self, text: &str) -> Result<(), Failure> {
        let mut rest = text;
        for piece in &self.pieces {
            let broken = || {
                Failure::new(format!("README.md:{}: this is not in {}, or not there:\n{piece}", self.line, self.file))
            };
            let at = rest.find(piece.as_str()).ok_or_else(broken)?;
            rest = &rest[at + piece.len()..];
        }
        Ok(())
    }
}

fn citations(text: &str) -> Result<Vec<Citation>, Failure> {
    let all = fenced(text)?.into_iter();
    let marked = all.filter_map(|fenced| Some((fenced.mark.strip_prefix("from ")?, fenced.line, fenced.lines)));
    let citation = |(file, line, lines): (&str, usize, Vec<&str>)| Citation {
        line,
        file: String::from(file),
        pieces: lines.split(|line| line.trim() == "...").map(|lines| lines.join("\n")).collect(),
    };
    Ok(marked.map(citation).collect())
}

/// Words of the refusals or causes that the code declares: `Name = "WORD", "sentence";`.
fn reasons(declared: &str) -> impl Iterator<Item = &str> {
    declared.lines().filter_map(|line| {
        let (name, rest) = line.trim().split_once(" = \"")?;
        // Not an attribute.
        name.chars().all(|c| c.is_ascii_alphanumeric()).then_some(rest.split_once("\", ")?.0)
    })
}

/// A block between fences and the mark on the line before it.
struct Fenced<'t> {
    line: usize,
    mark: &'t str,
    language: &'t str,
    lines: Vec<&'t str>,
}

fn fenced(text: &str) -> Result<Vec<Fenced<'_>>, Failure> {
    let mut found = Vec::new();
    let mut lines = text.lines().enumerate();
    while let Some((at, line)) = lines.next() {
        let Some(mark) = line.trim().strip_prefix("<!-- ").and_then(|rest| rest.strip_suffix(" -->")) else { continue };
        let Some(language) = lines.next().and_then(|(_, fence)| fence.trim().strip_prefix("```")) else {
            return Err(Failure::new(format!("README.md:{}: a block must follow", at + 1)));
        };
        let lines = lines.by_ref().map(|(_, line)| line).take_while(|line| line.trim() != "```").collect();
        found.push(Fenced { line: at + 2, mark, language, lines });
    }
    Ok(found)
}

fn ends(mark: &str) -> Option<Ends> {
    if mark.is_empty() {
        return Some(Ends::With(0));
    }
    if let Some(code) = mark.strip_prefix("exit=") {
        return Some(Ends::With(code.parse().ok()?));
    }
    let until = mark.strip_prefix("until=\"")?.strip_suffix('"')?;
    (!until.is_empty()).then(|| Ends::Asked { until: String::from(until) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run_text(text: &str) -> Result<(), Failure> {
        let mut background = Vec::new();
        let blocks = blocks(text)?;
        let done = blocks.iter().try_for_each(|block| run_block(Path::new("."), block, &mut background));
        let stopped: Vec<_> = background.into_iter().map(stop).collect();
        done.and(stopped.into_iter().collect())
    }

    #[test]
    fn only_the_last_minutes_of_a_day_in_seoul_are_waited_for() {
        // 2026-11-24 00:00:00 in Seoul.
        let midnight = 1_795_446_000;
        let waits = |at: u64| until_midnight(at).map(|wait| wait.as_secs());
        assert_eq!(
            [midnight - 301, midnight - 300, midnight - 1, midnight].map(waits),
            [None, Some(300), Some(1), None]
        );
    }

    #[test]
    fn only_marked_blocks_are_run() {
        let text = "# x\n```sh\nrm everything\n```\n<!-- run exit=3 -->\n```sh\nexit 3\n```\n";
        let expected = Block { line: 6, script: String::from("exit 3"), ends: Ends::With(3), shows: Vec::new() };
        assert_eq!(blocks(text).unwrap(), [expected]);
        assert!(blocks("<!-- run -->\ntext\n").is_err());
        assert!(blocks("<!-- run -->\n```text\ntrue\n```\n").is_err());
        assert!(blocks("<!-- run maybe -->\n```sh\ntrue\n```\n").is_err());
        assert!(blocks("<!-- runs -->\n```sh\ntrue\n```\n").is_err());
        assert!(blocks("<!-- shows -->\n```text\nx\n```\n").is_err());
    }

    #[test]
    fn what_is_shown_is_compared() {
        let with = |shows: &str| {
            run_text(&format!(
                "<!-- run -->\n```sh\nprintf 'a 17\\nb\\nc  x\\n'\n```\n<!-- shows -->\n```text\n{shows}\n```\n"
            ))
        };
        assert!(with("a 2026\nb\nc x").is_ok());
        assert!(with("a 1\n...\nc x").is_ok());
        assert!(with("b\na 17").is_err());
        assert!(with("a").is_err());
        assert!(with("b\nb").is_err());
    }

    #[test]
    fn digits_and_ids_do_not_matter() {
        assert_eq!(outline("at 09:30:00.123  id 0198c0de-aaaa-7000-8000-0123456789ab"), " at 0:0:0.0 id 0");
        assert_eq!(outline("trace 4bf92f3577b34da6a3ce929d0e0e4736"), " trace 0");
        assert_ne!(outline("SUCCESS 1"), outline("FAILURE 1"));
    }

    #[test]
    fn a_citation_stands_in_its_file() {
        let cited =
            |lines: &str| citations(&format!("<!-- from x.spec -->\n```text\n{lines}\n```\n")).unwrap().remove(0);
        let text = "one\n  two\nthree\nfour\n";
        assert_eq!(cited("one").file, "x.spec");
        assert!(cited("one\n  two").check(text).is_ok());
        assert!(cited("one\n...\nfour").check(text).is_ok());
        assert!(cited("one\ntwo").check(text).is_err());
        assert!(cited("four\n...\none").check(text).is_err());
    }

    #[test]
    fn reasons_are_read_where_they_are_declared() {
        let declared = "/// x\n#[serde(rename_all = \"UPPER\", tag = \"x\")]\npub enum Refusal {\n    NotOpen = \"NOT_OPEN\", \"Not open.\";\n    Stopped = \"STOPPED\", \"x\";\n}";
        assert_eq!(reasons(declared).collect::<Vec<_>>(), ["NOT_OPEN", "STOPPED"]);
    }

    #[test]
    fn a_block_that_ends_otherwise_is_a_failure() {
        assert!(run_text("<!-- run -->\n```sh\ntrue\n```\n").is_ok());
        assert!(run_text("<!-- run -->\n```sh\nfalse\ntrue\n```\n").is_err());
        assert!(run_text("<!-- run exit=3 -->\n```sh\nexit 3\n```\n").is_ok());
        assert!(run_text("<!-- run exit=3 -->\n```sh\nexit 4\n```\n").is_err());
    }

    #[test]
    fn a_background_block_is_waited_for_and_stopped() {
        let server = |word: &str| {
            let script = format!("tail -f /dev/null & trap \"kill \\$!; exit 0\" TERM; echo {word}; wait");
            format!("<!-- run until=\"ready\" -->\n```sh\nsh -c '{script}'\n```\n")
        };
        assert!(run_text(&server("ready")).is_ok());
        // It never says so, and ends.
        assert!(run_text("<!-- run until=\"ready\" -->\n```sh\necho no\n```\n").is_err());
        // It does not end as it should.
        assert!(run_text("<!-- run until=\"ready\" -->\n```sh\nsh -c 'echo ready; kill -9 $$'\n```\n").is_err());
    }
}
