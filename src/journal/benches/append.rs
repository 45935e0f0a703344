//! How many envelopes a second become durable, and how long one batch waits: `cargo bench -p pabal-journal`.
//!
//! Bodies of 512 bytes with the columns of a usual entry. "in flight" is how many batches of one envelope wait at any time, so how many
//! share a sync. The directory is the system's for temporary files; set `PABAL_BENCH_DIRECTORY` for another device. "of a processor" is the time
//! of both threads and of the bench itself for an envelope; a machine that is busy with something else changes it little.
//!
//! The longest wait, milliseconds, on a disk (ext4), with 1, 32 and 256 in flight:
//!
//! | what was done                                                                 | expected             | found           |
//! |-------------------------------------------------------------------------------|----------------------|-----------------|
//! | before: folded at each 4 MiB of envelopes, which is 64 MiB to 190 MiB written |                      | 58, 27, 46      |
//! | fdatasync(2): no commit of the file system's journal for a commit of ours     | p99 -20 %, not these | p99 -30 % at 32 |
//! | folded at each 4 MiB written; the file keeps its room                         | below 6 at 1 and 32  | 3, 11, 41       |
//! | the database is synced beside the writer, too                                 | 4 at 32              | 2.7, 3.3, 9     |

#![expect(clippy::disallowed_methods, reason = "a bench measures real time")]

use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use pabal_journal::{Ack, CHECKPOINT, Columns, Draft, Durability, Journal, Options};
use rustix::time::{ClockId, clock_gettime};

fn draft(number: usize) -> Draft {
    let kind = if number.is_multiple_of(100_000) { CHECKPOINT } else { "sending" };
    Draft {
        at: 1_795_273_200_000_000,
        family: "switch".into(),
        kind: kind.into(),
        version: 1,
        columns: Columns {
            exchange: Some(format!("018f2f6e-7b1a-7c33-9f4e-{number:012}")),
            caller: Some("remittance".to_owned()),
            idempotency_key: Some(format!("order-{number}")),
            participant: Some("088".to_owned()),
            business_date: Some(20_261_121),
            session: Some("out-1".to_owned()),
            epoch: Some(1),
            stream_offset: Some(304),
            correlation_key: Some(format!("20261121/088/COMPANY1/{number:06}")),
            trace_context: Some(format!("00-{number:032x}-{number:016x}-01")),
            ..Columns::default()
        },
        body: vec![0x5a; 512],
    }
}

/// What all threads of this process have had of the processors.
fn used() -> Duration {
    let used = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(u64::try_from(used.tv_sec).unwrap_or(0), u32::try_from(used.tv_nsec).unwrap_or(0))
}

/// Keeps `in_flight` batches on the way until `count` are durable.
fn run(durability: Durability, in_flight: usize, count: usize) {
    let directory = match std::env::var_os("PABAL_BENCH_DIRECTORY") {
        Some(path) => tempfile::tempdir_in(path),
        None => tempfile::tempdir(),
    }
    .expect("a directory");
    let (writer, _) =
        Journal::open(Options { durability, ..Options::new(directory.path(), 1, "bench") }).expect("a journal");
    let (acks, acked) = channel();
    let sent = Arc::new(Mutex::new(vec![Instant::now(); count]));
    let times = Arc::clone(&sent);
    let on_durable = move |ack| {
        let Ack::Durable { ticket, .. } = ack else { panic!("{ack:?}") };
        let index = usize::try_from(ticket).expect("a small number");
        let waited = times.lock().expect("no panic").get(index).map(Instant::elapsed);
        _ = acks.send(waited.unwrap_or_default());
    };
    writer.register("hecto", Arc::new(on_durable)).expect("a new journal");
    let append = |number: usize| {
        let draft = draft(number);
        if let Some(sent) = sent.lock().expect("no panic").get_mut(number) {
            *sent = Instant::now();
        }
        writer.append("hecto", vec![draft], number as u64).expect("room");
    };
    let (start, used_before) = (Instant::now(), used());
    (0..in_flight).for_each(append);
    let mut waits: Vec<Duration> = Vec::with_capacity(count);
    for number in in_flight..count + in_flight {
        waits.push(acked.recv().expect("an acknowledgement"));
        if number < count {
            append(number);
        }
    }
    let (elapsed, used) = (start.elapsed(), used().saturating_sub(used_before));
    waits.sort_unstable();
    let at = |part: usize| waits.get(waits.len() * part / 1000).or(waits.last()).copied().unwrap_or_default();
    let per_second = count as f64 / elapsed.as_secs_f64();
    #[expect(clippy::print_stdout, reason = "the figures are what a bench is for")]
    {
        println!(
            "{durability:?}, in flight {in_flight:4}: {per_second:8.0} envelopes/s, {:5.1} us of a processor; a batch waits p50 {:.2?}, p99 {:.2?}, p99.9 {:.2?}, max {:.2?}",
            used.as_secs_f64() * 1e6 / count as f64,
            at(500),
            at(990),
            at(999),
            at(1000)
        );
    }
}

fn main() {
    for durability in [Durability::Full, Durability::Process] {
        for (in_flight, count) in [(1, 10_000), (32, 100_000), (256, 200_000)] {
            run(durability, in_flight, count);
        }
    }
}
