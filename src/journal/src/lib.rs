//! The journal: what happened, in order, durable before anybody acts on it, and provably unchanged afterwards.
//!
//! **Envelopes.** Whoever drives an institution appends *batches* of [`Draft`]s. Each becomes an [`Envelope`] with a
//! [`Position`]: consecutive numbers of one writer. An envelope is never changed and never removed; the tables refuse both. Its body is opaque
//! here. `family`, `kind` and `version` say whose codec reads it, so that several domains share one order, and the [`Columns`] are what an entry can
//! be found by without any codec. This crate depends on none of ours.
//!
//! **Durable, then acknowledged.** [`Writer::append`] only queues: it never waits for the disk, and refuses what exceeds the institution's quota of
//! undurable bytes. One thread takes everything that is queued (up to a limit), writes it as one transaction with one sync, and then calls
//! the callback of each batch, in the order of the appends. So the group grows with the load, and a sync is shared by all who wait.
//! The gateway sends the first byte of a request after the acknowledgement of its `sending` entry, and not before.
//!
//! **A failure is final.** When a write or a sync fails, the writer has failed for ever: everybody who is registered hears [`Ack::Failed`], every
//! later append is refused at once, and nothing is tried again. After a failed sync the kernel may have forgotten what it could not write; a
//! second sync that succeeds would prove nothing. A batch without an acknowledgement may or may not be in the file; the next open tells.
//!
//! **The chain.** Each row carries SHA-256 over the row before's checksum and all its own content. Readers check every envelope that they return;
//! [`verify`] checks the whole file and names the position of the first damage. Nothing damaged is skipped.
//! SQLite silently drops what follows a damaged frame of its write-ahead file; so that file is looked at first, and durable transactions behind
//! such a frame are damage, too.
//!
//! **Recovery.** A checkpoint is an envelope of the kind [`CHECKPOINT`] that says what everything before it amounts to. The journal cannot make its
//! content, so it asks for it: an [`Ack`] says when an institution's next one is due (at the start of a file, and after every 100,000
//! envelopes). [`Reader::recovery`] gives the last one and everything since.
//!
//! **One holder.** The data directory is locked while it is open; the second process is told who has it. Whether the one before stopped cleanly
//! is in [`Recovered::unclean`].
//!
//! **Files.** `lock`, `journal.sqlite`, and beside it SQLite's write-ahead file and its index. There is one file for now; the tables know a file's
//! number and the chain that the file before it ended with, so that `journal-2.sqlite` can follow one day. Any SQLite tool reads it.
//! The directory and all files in it are for their owner only (modes 0700 and 0600), since envelopes may hold accounts and names in clear; wider
//! modes are taken back at opening, and where that cannot be ([`Error::Exposed`]) nothing is opened.
//!
//! A commit only appends to the write-ahead file. Each time that this has grown by 4 MiB, a second thread folds it back into the database and syncs
//! that, in a way that stops nobody, so that no group waits for it; only above [`Options::wal_bytes_max`] the writer folds what was written in
//! the meantime, so that the file can be started anew.
//!
//! ```
//! use pabal_journal::{Ack, CHECKPOINT, Columns, Draft, Journal, Options, Position, Reader, verify};
//! use std::sync::{Arc, mpsc};
//!
//! let directory = tempfile::tempdir()?;
//! let (writer, recovered) = Journal::open(Options::new(directory.path(), 1, "seoul-1"))?;
//! assert_eq!(recovered.last, Position::START);
//!
//! // A driver would hand the acknowledgement to its own queue.
//! let (acks, acked) = mpsc::channel();
//! writer.register("hecto", Arc::new(move |ack| _ = acks.send(ack)))?;
//! assert!(writer.checkpoint_due("hecto"), "a checkpoint opens each file");
//!
//! let draft = |kind: &'static str| Draft {
//!     at: 1_795_273_200_000_000,
//!     family: "switch".into(),
//!     kind: kind.into(),
//!     version: 1,
//!     columns: Columns { exchange: Some("x-1".into()), ..Columns::default() },
//!     body: b"what happened".to_vec(),
//! };
//! writer.append("hecto", vec![draft(CHECKPOINT), draft("accepted"), draft("sending")], 7)?;
//! let last = Position { writer: 1, seq: 3 };
//! assert_eq!(acked.recv()?, Ack::Durable { ticket: 7, last, checkpoint_due: false });
//! // Only now may the first byte leave.
//!
//! let reader = Reader::open(directory.path())?;
//! let kinds: Vec<String> = reader.by_exchange("x-1", Position::START, 10)?.into_iter().map(|e| e.kind).collect();
//! assert_eq!(kinds, ["checkpoint", "accepted", "sending"]);
//! assert_eq!(verify(directory.path())?.last, last);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod envelope;
pub use envelope::{BorrowedColumns, CHECKPOINT, Columns, Draft, Envelope, Packed, Position};

mod options;
pub use options::{Durability, Options};

mod writer;
pub use writer::{Ack, Health, Journal, OnDurable, Pause, Recovered, RecoveredInstitution, Ticket, Writer};

mod reader;
pub use reader::{Key, Reader, Recovery};

mod verify;
pub use verify::verify;

mod chain;
pub use chain::Chain;

mod lock;
pub use lock::Holder;

mod error;
pub use error::{Corrupt, Error, Failure, Refused, Verified};

mod database;
mod owned;
mod schema;
mod wal;
