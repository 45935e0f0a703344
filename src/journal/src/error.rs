//! What can go wrong, sorted by who hears it: whoever opens or reads ([`Error`]), whoever appends ([`Refused`]), and everybody
//! once the writer has failed ([`Failure`]).

use std::path::PathBuf;
use std::sync::Arc;

use crate::lock::Holder;
use crate::{Chain, Position};

/// Why a journal cannot be opened or read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Another process has the data directory.
    #[error(
        "the data directory {} is held by {holder}: stop that process, or give this one a data directory of its own",
        path.display()
    )]
    Held {
        /// Who has it.
        holder: Holder,
        /// The data directory.
        path: PathBuf,
    },
    /// The data directory cannot be made, locked or synced.
    #[error("{doing} {} failed: check that the directory exists and is writable", path.display())]
    Directory {
        /// What was being done.
        doing: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// Others can look into the data directory or a file of it, and that is not ours to change, or cannot be changed.
    #[error(
        "{0} is open to others (mode {mode:04o}), and the journal holds accounts and names in clear: give the journal a directory of \
         its own, or take others' rights away as its owner (chmod go= {0})",
        path.display()
    )]
    Exposed {
        /// The file or directory.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// The directory belongs to the writer of another number; its positions would be mixed up.
    #[error("the journal in {} was made by writer {found}, not {wanted}: set the writer's number to {found}, or use another data directory", path.display())]
    OtherWriter {
        /// The data directory.
        path: PathBuf,
        /// The number in the journal.
        found: u32,
        /// The number in the options.
        wanted: u32,
    },
    /// The file is not a journal, or is one of a version that this program does not know.
    #[error("{} is not a journal of format {expected} (application id {application:#x}, format {format})", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// Its application id; a journal has `0x7061_6261`.
        application: i32,
        /// Its format.
        format: i32,
        /// The format that this program reads.
        expected: i32,
    },
    /// There is no journal in the directory.
    #[error("there is no journal in {}", path.display())]
    Absent {
        /// The data directory.
        path: PathBuf,
    },
    /// A limit makes no sense.
    #[error("options of the journal: {what}")]
    Options {
        /// Which one, and why.
        what: &'static str,
    },
    /// The content is not what was written.
    #[error(transparent)]
    Corrupt(#[from] Corrupt),
    /// The storage engine failed.
    #[error("{doing} failed: {source}")]
    Storage {
        /// What was being done.
        doing: &'static str,
        /// What the engine says.
        source: rusqlite::Error,
    },
}

/// The journal's content is not what was written. Never skipped: nothing behind it can be trusted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the journal is damaged {}: {what}; restore the data directory from a copy that verifies, and keep this one as evidence", place(*position))]
pub struct Corrupt {
    /// The first envelope that is not proven good; `None` when the damage is outside of all envelopes (an index, the schema).
    pub position: Option<Position>,
    /// What was found.
    pub what: String,
}

fn place(position: Option<Position>) -> String {
    position.map_or_else(|| "outside of its envelopes".to_owned(), |position| format!("at position {position}"))
}

/// Why an append was not taken. Nothing of the batch is queued, and nothing of it will ever be durable.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The institution has too much that is not yet durable.
    #[error(
        "{undurable_bytes} bytes of {institution} are not yet durable; {batch_bytes} more would exceed {max_bytes}"
    )]
    Quota {
        /// The institution.
        institution: String,
        /// What it has waiting.
        undurable_bytes: usize,
        /// What this batch would add.
        batch_bytes: usize,
        /// [`Options::queue_bytes_max`](crate::Options::queue_bytes_max).
        max_bytes: usize,
    },
    /// The writer has failed; it takes nothing any more.
    #[error("the journal has failed: {0}")]
    Failed(Failure),
    /// The writer was closed.
    #[error("the journal is closed")]
    Closed,
    /// Nobody registered for this institution's acknowledgements.
    #[error("nobody is registered for {institution}")]
    Unregistered {
        /// The institution.
        institution: String,
    },
    /// A batch without envelopes has no position to acknowledge.
    #[error("a batch holds at least one envelope")]
    Empty,
}

/// Why the writer has failed, for ever. What was not acknowledged by then may or may not be in the file; the next open tells.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The disk is full, or the journal has reached
    /// [`Options::journal_bytes_max`](crate::Options::journal_bytes_max).
    #[error("no room: {0}; make room or raise journal_bytes_max, then start again")]
    Full(Arc<str>),
    /// A write or a sync failed. It is not tried again: after a failed sync the kernel may have dropped what it could not write,
    /// and a second sync would only say so of nothing.
    #[error("storage: {0}; check the device, then start again")]
    Storage(Arc<str>),
    /// Another process holds the database against us.
    #[error("another process is writing to the journal: {0}; close it, then start again")]
    Contended(Arc<str>),
    /// A fault of ours.
    #[error("a fault of the journal's writer: {0}")]
    Panic(Arc<str>),
}

impl Failure {
    /// Sorts what the engine says.
    pub(crate) fn of(doing: &str, error: &rusqlite::Error) -> Self {
        let text: Arc<str> = format!("{doing}: {error}").into();
        match error.sqlite_error_code() {
            Some(rusqlite::ErrorCode::DiskFull) => Self::Full(text),
            Some(rusqlite::ErrorCode::DatabaseBusy | rusqlite::ErrorCode::DatabaseLocked) => Self::Contended(text),
            _ => Self::Storage(text),
        }
    }

    /// Sorts what the system says.
    pub(crate) fn of_system(doing: &str, error: &std::io::Error) -> Self {
        let text: Arc<str> = format!("{doing}: {error}").into();
        match error.kind() {
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => Self::Full(text),
            _ => Self::Storage(text),
        }
    }
}

/// A journal that verifies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verified {
    /// How many envelopes it has.
    pub envelopes: u64,
    /// The last one's position; [`Position::START`] when there is none.
    pub last: Position,
    /// The checksum of everything up to there. Kept elsewhere, it proves later that nothing before it was changed.
    pub chain: Chain,
}
