//! A process that is killed, and a device that refuses, for real: the test starts its own program again as the one who dies.

use super::*;
use pabal_journal::{Failure, Reader, verify};
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

/// Where the child finds its data directory. Without it the child's test does nothing.
const DIRECTORY: &str = "PABAL_JOURNAL_TEST_DIRECTORY";

/// The child: appends without end, and prints each position that is acknowledged, and the failure if there is one.
#[test]
fn child_appends_until_it_ends() {
    let Some(directory) = std::env::var_os(DIRECTORY) else { return };
    let (writer, recovered) = Journal::open(options(Path::new(&directory))).unwrap();
    println!("\nopened {} {}", recovered.last.seq, recovered.unclean.is_some());
    let acked = register(&writer, "hecto");
    let mut number = recovered.last.seq;
    // Batches of one to four, several of them on the way at any time.
    let mut append = |ticket: u64| {
        let batch = (0..=ticket % 4).map(|_| {
            number += 1;
            draft("accepted", number)
        });
        // The failure itself comes by the callback.
        _ = writer.append("hecto", batch.collect(), ticket);
    };
    (0..8).for_each(&mut append);
    for ticket in 8.. {
        match acked.recv().unwrap() {
            Ack::Durable { last, .. } => println!("durable {}", last.seq),
            Ack::Failed { reason } => {
                let kind = if matches!(reason, Failure::Storage(_)) { "storage" } else { "other" };
                println!("failed {kind} {reason}");
                return;
            }
        }
        append(ticket);
    }
}

fn program() -> String {
    std::env::current_exe().unwrap().into_os_string().into_string().unwrap()
}

fn start(command: &mut Command, site: &Site) -> Child {
    command.env(DIRECTORY, site.path()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap()
}

const CHILD: [&str; 3] = ["--exact", "crash::child_appends_until_it_ends", "--nocapture"];

/// Everything up to `last` is there, is what was appended, and verifies.
fn holds_all(site: &Site, last: u64) -> u64 {
    let verified = verify(site.path()).unwrap();
    assert!(verified.envelopes >= last, "{last} was acknowledged, {} are there", verified.envelopes);
    let envelopes = Reader::open(site.path()).unwrap().after(Position::START, usize::MAX).unwrap();
    assert_eq!(envelopes.len() as u64, verified.envelopes);
    for (number, envelope) in (1..).zip(&envelopes) {
        assert!(is_draft(envelope, "hecto", &draft("accepted", number)), "{envelope:?}");
    }
    verified.envelopes
}

#[test]
fn what_was_acknowledged_before_a_kill_is_there() {
    let site = Site::new();
    let mut there = 0;
    for round in 0..30_usize {
        let mut child = start(Command::new(program()).args(CHILD), &site);
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        let opened = lines.by_ref().find_map(|line| line.strip_prefix("opened ").map(str::to_owned)).unwrap();
        assert_eq!(
            opened,
            format!("{there} {}", round > 0),
            "the lock went with its holder, and was not let go cleanly"
        );
        // At some acknowledgement, another one each round; what comes out until the pipe ends was acknowledged as well.
        let seen = lines.by_ref().take(1 + round * 37 % 200).last();
        child.kill().unwrap();
        let acked = lines.filter(|line| line.starts_with("durable ")).last().or(seen).unwrap();
        child.wait().unwrap();
        let last: u64 = acked.strip_prefix("durable ").unwrap().parse().unwrap();
        assert!(last > there);
        there = holds_all(&site, last);
    }
}

#[test]
fn a_device_that_refuses_a_write_fails_the_writer() {
    let site = Site::new();
    // The kernel refuses to let any file grow beyond 400 KiB: a write fails in the midst of a group, or of a folding.
    let script = "trap '' XFSZ; ulimit -f 800; exec \"$0\" \"$@\"";
    let mut child = start(Command::new("sh").args(["-c", script, &program()]).args(CHILD), &site);
    let lines: Vec<String> = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap).collect();
    child.wait().unwrap();
    let acked: Vec<&str> = lines.iter().filter_map(|line| line.strip_prefix("durable ")).collect();
    let failed: Vec<&String> = lines.iter().filter(|line| line.starts_with("failed ")).collect();
    assert!(matches!(failed[..], [failed] if failed.starts_with("failed storage ")), "{failed:?}");
    let last: u64 = acked.last().unwrap().parse().unwrap();
    assert!(last > 20, "{last}");
    holds_all(&site, last);
    let (writer, recovered) = site.open();
    assert!(recovered.unclean.is_some() && recovered.last >= at(last));
    writer.close().unwrap();
    assert_eq!(verify(site.path()).unwrap().last, recovered.last);
}
