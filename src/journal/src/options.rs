//! How a journal is opened: its place, its writer, its limits.

use std::path::PathBuf;

use crate::Error;

/// What "durable" promises. A named setting, because a promise that is not written down is not one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    /// An acknowledged envelope survives a loss of power: each group is synced to the device before its acknowledgement.
    #[default]
    Full,
    /// An acknowledged envelope survives the death of the process, not of the machine: a group is handed to the kernel and not
    /// synced. For tests and demonstrations; money does not move on this.
    Process,
}

/// How to open a journal. [`Options::new`] fills in every limit; change what must differ.
#[derive(Clone, Debug)]
pub struct Options {
    /// The data directory; made when absent. One writer at a time holds it.
    pub directory: PathBuf,
    /// The writer's number, the first half of each [`Position`](crate::Position). A directory keeps the number that it was made with.
    pub writer: u32,
    /// The node's name, for whoever finds the directory locked.
    pub node: String,
    /// When this process started, microseconds since 1970 (UTC), for whoever finds the directory locked.
    pub started_at: i64,
    /// What "durable" promises.
    pub durability: Durability,
    /// Most envelopes in one group (one transaction, one sync). A batch is never split: a larger one is a group of its own.
    pub group_envelopes_max: usize,
    /// Most bytes in one group, as [`Draft::size_bytes`](crate::Draft::size_bytes) counts; a larger batch is a group of its own.
    pub group_bytes_max: usize,
    /// Most bytes that one institution may have appended and not yet durable. Beyond it an append is refused.
    pub queue_bytes_max: usize,
    /// Most bytes of the database file; `None` lets it fill the disk. Reaching it fails the writer, as a full disk would, but leaves
    /// room on the disk for everything else. At least 1 MiB.
    pub journal_bytes_max: Option<u64>,
    /// From this size on, what a folding beside the writer has left of the write-ahead file is folded by the writer, so that the file is started
    /// anew; see the crate's story. On the disk the file keeps up to twice as much room. At least 1 MiB.
    pub wal_bytes_max: u64,
    /// After how many envelopes of an institution its next checkpoint is due.
    pub checkpoint_every: u64,
}

impl Options {
    /// The usual limits, for the journal in `directory`.
    pub fn new(directory: impl Into<PathBuf>, writer: u32, node: impl Into<String>) -> Self {
        Self {
            directory: directory.into(),
            writer,
            node: node.into(),
            started_at: 0,
            durability: Durability::Full,
            group_envelopes_max: 1024,
            group_bytes_max: 4 << 20,
            queue_bytes_max: 8 << 20,
            journal_bytes_max: None,
            wal_bytes_max: 64 << 20,
            checkpoint_every: 100_000,
        }
    }

    /// Checks the limits against each other.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let wrong = |what| Err(Error::Options { what });
        if self.group_envelopes_max == 0 || self.group_bytes_max == 0 {
            return wrong("group_envelopes_max and group_bytes_max must be at least 1: an empty group commits nothing");
        }
        if self.queue_bytes_max == 0 {
            return wrong("queue_bytes_max must be at least 1: nothing could ever be appended");
        }
        if self.checkpoint_every == 0 {
            return wrong("checkpoint_every must be at least 1");
        }
        if self.wal_bytes_max < 1 << 20 {
            return wrong("wal_bytes_max must be at least 1 MiB: the writer would do nothing but fold it back");
        }
        if self.journal_bytes_max.is_some_and(|bytes| bytes < 1 << 20) {
            return wrong("journal_bytes_max must be at least 1 MiB: the empty tables need room");
        }
        Ok(())
    }
}
