//! The journal as its users see it: real files, real threads, real damage.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, its fixtures too")]

mod crash;
mod damage;
mod durable;
mod failure;
mod fold;
mod locks;
mod owned;
mod read;
mod table;

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Barrier};

use pabal_journal::{Ack, CHECKPOINT, Columns, Draft, Journal, OnDurable, Options, Position, Recovered, Writer};

/// A data directory of a test; its writers are opened as often as the test likes.
struct Site {
    directory: tempfile::TempDir,
}

impl Site {
    fn new() -> Self {
        Self { directory: tempfile::tempdir().unwrap() }
    }

    fn path(&self) -> &Path {
        self.directory.path()
    }

    fn file(&self) -> PathBuf {
        self.path().join("journal.sqlite")
    }

    fn options(&self) -> Options {
        options(self.path())
    }

    fn open(&self) -> (Writer, Recovered) {
        Journal::open(self.options()).unwrap()
    }
}

fn options(directory: &Path) -> Options {
    Options::new(directory, 1, "seoul-1")
}

/// Registers the institution; its acknowledgements come out at the other end.
fn register(writer: &Writer, institution: &str) -> Receiver<Ack> {
    let (acks, acked) = channel();
    let on_durable: OnDurable = Arc::new(move |ack| _ = acks.send(ack));
    writer.register(institution, on_durable).unwrap();
    acked
}

/// The `number`th entry: everything in it depends on the number.
fn draft(kind: &str, number: u64) -> Draft {
    Draft {
        at: 1_795_273_200_000_000 + i64::try_from(number).unwrap(),
        family: "switch".into(),
        kind: kind.to_owned().into(),
        version: 3,
        columns: Columns {
            exchange: Some(format!("x-{number}")),
            caller: Some("remittance".to_owned()),
            idempotency_key: Some(format!("key-{number}")),
            participant: Some(format!("{:03}", number % 3)),
            business_date: Some(20_261_121),
            epoch: Some(4),
            stream_offset: Some(i64::try_from(number * 304).unwrap()),
            correlation_key: Some(format!("20261121-{number:06}")),
            trace_context: Some(format!("00-{number:032x}-{number:016x}-01")),
            ..Columns::default()
        },
        body: format!("the body of entry {number}, 당행이체").into_bytes(),
    }
}

/// The draft as it must come back.
fn is_draft(envelope: &pabal_journal::Envelope, institution: &str, draft: &Draft) -> bool {
    let pabal_journal::Envelope { position: _, at, institution: of, family, kind, version, columns, body } =
        envelope.clone();
    of == institution && Draft { at, family: family.into(), kind: kind.into(), version, columns, body } == *draft
}

fn at(seq: u64) -> Position {
    Position { writer: 1, seq }
}

fn durable(ticket: u64, seq: u64, checkpoint_due: bool) -> Ack {
    Ack::Durable { ticket, last: at(seq), checkpoint_due }
}
