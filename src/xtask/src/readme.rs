//! The commands of README.md are run as they stand, so that they stay true.
//!
//! A comment before a block says how: `<!-- run -->` (ends with success), `<!-- run exit=3 -->`, or
//! `<!-- run until="listening" -->` (goes on in the background once it has written this, and is asked to stop at the end).

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use crate::process::Failure;
use crate::source;

/// The longest that one block may take, the building of the binary included.
const BLOCK_MAX: Duration = Duration::from_secs(600);

/// A block of commands and what is expected of it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Block {
    line: usize,
    script: String,
    ends: Ends,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Ends {
    /// With this exit code.
    With(i32),
    /// When it is asked to, after it has written this.
    Asked { until: String },
}

/// Runs every block that is marked, in order, in the root of the tree.
pub(crate) fn run(root: &Path) -> Result<(), Failure> {
    let text = source::text(root, "README.md")?.unwrap_or_default();
    let blocks = blocks(&text)?;
    if blocks.is_empty() {
        return Err(Failure::new("README.md has no block that is marked to be run"));
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
            for text in until_silence(&lines) {
                println!("  | {text}");
            }
            let status = child.wait().map_err(|error| broken(error.to_string()))?;
            if status.code() == Some(*code) {
                Ok(())
            } else {
                Err(broken(format!("ended with {status}, not with {code}")))
            }
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

/// The marked blocks of a text.
fn blocks(text: &str) -> Result<Vec<Block>, Failure> {
    let mut blocks = Vec::new();
    let mut lines = text.lines().enumerate();
    while let Some((at, line)) = lines.next() {
        let Some(mark) = line.trim().strip_prefix("<!-- run").and_then(|rest| rest.strip_suffix("-->")) else {
            continue;
        };
        let broken = |what: &str| Failure::new(format!("README.md:{}: {what}", at + 1));
        let ends = ends(mark.trim()).ok_or_else(|| broken("is neither `run`, `run exit=N` nor `run until=\"..\"`"))?;
        if lines.next().map(|(_, fence)| fence.trim()) != Some("```sh") {
            return Err(broken("a line ```sh must follow"));
        }
        let script: Vec<&str> = lines.by_ref().map(|(_, line)| line).take_while(|line| line.trim() != "```").collect();
        blocks.push(Block { line: at + 2, script: script.join("\n"), ends });
    }
    Ok(blocks)
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
    fn only_marked_blocks_are_run() {
        let text = "# x\n```sh\nrm everything\n```\n<!-- run exit=3 -->\n```sh\nexit 3\n```\n";
        let expected = Block { line: 6, script: String::from("exit 3"), ends: Ends::With(3) };
        assert_eq!(blocks(text).unwrap(), [expected]);
        assert!(blocks("<!-- run -->\ntext\n").is_err());
        assert!(blocks("<!-- run maybe -->\n```sh\ntrue\n```\n").is_err());
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
