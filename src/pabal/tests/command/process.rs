//! Processes of the command.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

/// How long an event may take that has to come.
const PATIENCE: Duration = Duration::from_secs(30);

/// The command with nothing of this process's environment.
fn command(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pabal"));
    command.args(args).env_clear().stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// What an ended process has left.
pub(crate) struct Ended {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ended {
    /// Without the first line of standard error, which has to tell the spec that is used.
    pub(crate) fn by_spec(mut self, spec: &str) -> Self {
        let Some(rest) = self.err.strip_prefix(&format!("spec {spec}\n")) else { panic!("{}", self.whole()) };
        self.err = rest.into();
        self
    }

    /// Everything that a person sees, for a snapshot.
    pub(crate) fn whole(&self) -> String {
        let mut text = format!("exit code {}\n", self.code);
        for (name, stream) in [("stdout", &self.out), ("stderr", &self.err)] {
            if !stream.is_empty() {
                text.push_str(&format!("---- {name}\n{stream}"));
            }
        }
        text
    }
}

/// Runs the command to its end.
pub(crate) fn run(args: &[&str]) -> Ended {
    run_with(args, b"")
}

/// The same in another folder.
pub(crate) fn run_in(args: &[&str], folder: &str) -> Ended {
    ended(command(args).current_dir(folder).spawn().expect("the command starts"))
}

/// The same with something on standard input.
pub(crate) fn run_with(args: &[&str], input: &[u8]) -> Ended {
    let mut child = command(args).stdin(Stdio::piped()).spawn().expect("the command starts");
    // A command that does not read its input has closed it.
    let _ = child.stdin.take().expect("standard input is piped").write_all(input);
    ended(child)
}

/// Runs a command that finds this in its environment.
pub(crate) fn run_where(environment: &[(&str, &str)], args: &[&str]) -> Ended {
    ended(command(args).envs(environment.iter().copied()).spawn().expect("the command starts"))
}

fn ended(child: Child) -> Ended {
    let output = child.wait_with_output().expect("the command ends");
    let text = |bytes| String::from_utf8(bytes).expect("it prints UTF-8");
    Ended {
        code: output.status.code().expect("no signal ended it"),
        out: text(output.stdout),
        err: text(output.stderr),
    }
}

/// Runs the command with nobody who reads what it says; its exit code.
pub(crate) fn run_unread(args: &[&str]) -> i32 {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let again = writer.try_clone().expect("a pipe");
    let status = command(args).stdout(writer).stderr(again).status().expect("the command ends");
    status.code().expect("no signal ended it")
}

/// A process that goes on.
pub(crate) struct Live {
    child: Child,
    lines: Receiver<String>,
    seen: Vec<String>,
}

impl Live {
    pub(crate) fn start(args: &[&str]) -> Self {
        let mut child = command(args).spawn().expect("the command starts");
        let (sender, lines) = mpsc::channel();
        forward(child.stdout.take().expect("standard output is piped"), sender.clone());
        forward(child.stderr.take().expect("standard error is piped"), sender);
        Self { child, lines, seen: Vec::new() }
    }

    /// Waits until it has printed a line that has all of these in it, and returns the line.
    pub(crate) fn until(&mut self, parts: &[&str]) -> String {
        self.until_all(1, parts).swap_remove(0)
    }

    /// Waits until it has printed so many lines, since its start, that have all of these in them.
    pub(crate) fn until_all(&mut self, count: usize, parts: &[&str]) -> Vec<String> {
        loop {
            let has = |line: &&String| parts.iter().all(|part| line.contains(part));
            let lines: Vec<_> = self.seen.iter().filter(has).take(count).cloned().collect();
            if lines.len() == count {
                return lines;
            }
            let Ok(line) = self.lines.recv_timeout(PATIENCE) else {
                panic!("not {count} lines have {parts:?}; there are:\n{}", self.seen.join("\n"))
            };
            self.seen.push(line);
        }
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// SIGTERM.
    pub(crate) fn ask_to_stop(&self) {
        kill_process(Pid::from_child(&self.child), Signal::TERM).expect("it runs");
    }

    /// SIGHUP.
    pub(crate) fn hang_up(&self) {
        kill_process(Pid::from_child(&self.child), Signal::HUP).expect("it runs");
    }

    /// SIGKILL.
    pub(crate) fn kill(&mut self) {
        self.child.kill().expect("it runs");
    }

    /// Waits for its end; the exit code and all that it has printed, both streams together.
    pub(crate) fn end(mut self) -> (Option<i32>, String) {
        while let Ok(line) = self.lines.recv_timeout(PATIENCE) {
            self.seen.push(line);
        }
        let status = self.child.wait().expect("it can be waited for");
        (status.code(), std::mem::take(&mut self.seen).join("\n"))
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        // It has ended by itself, or the test has failed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn forward(stream: impl Read + Send + 'static, lines: Sender<String>) {
    thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            if lines.send(line).is_err() {
                return;
            }
        }
    });
}
