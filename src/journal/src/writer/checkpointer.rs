//! Folds the write-ahead file back into the database, beside the writer.
//!
//! A commit only appends to the write-ahead file. Somebody must copy its pages into the database and sync that, and until
//! then the file grows. Done by whoever commits, that is a pause of many milliseconds in front of one unlucky group. So a thread of its
//! own does it (a PASSIVE checkpoint: it waits for nobody and stops nobody) for each [`EVERY_BYTES`] written. The next commit after one that
//! caught up starts the write-ahead file anew. Under a load that never lets it catch up the writer does one itself at
//! [`Options::wal_bytes_max`](crate::Options::wal_bytes_max): nearly all is copied and synced by then, so that it copies the little that is left.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Weak};
use std::thread::JoinHandle;

use rusqlite::Connection;

use super::{Shared, group};
use crate::error::{Error, Failure};
use crate::schema::PAGE_BYTES;

/// How many bytes are written between two foldings.
const EVERY_BYTES: u64 = 4 << 20;

/// The thread, as the writer's thread sees it.
pub(super) struct Checkpointer {
    wake: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
    /// Size of the write-ahead file as the last folding saw it.
    wal_bytes: Arc<AtomicU64>,
    /// Written since the thread was last woken.
    written_bytes: u64,
}

/// What a folding saw.
#[derive(Clone, Copy)]
pub(super) struct Folded {
    /// Bytes in the write-ahead file when it began.
    wal_bytes: u64,
    /// Whether all of them were folded back.
    whole: bool,
}

impl Checkpointer {
    pub(super) fn start(shared: &Arc<Shared>) -> Result<Self, Error> {
        let connection = group::open(&shared.options)?;
        let wal_bytes = Arc::new(AtomicU64::new(0));
        // One waiting wish is enough: a folding takes all there is.
        let (wake, wakes) = sync_channel(1);
        let seen = Arc::clone(&wal_bytes);
        let weak = Arc::downgrade(shared);
        let thread = std::thread::Builder::new()
            .name("journal-fold".to_owned())
            .spawn(move || run(&connection, &wakes, &seen, &weak))
            .map_err(|source| Error::Directory {
                doing: "starting a thread for",
                path: shared.options.directory.clone(),
                source,
            })?;
        Ok(Self { wake: Some(wake), thread: Some(thread), wal_bytes, written_bytes: 0 })
    }

    /// Says that a group of this size was written.
    pub(super) fn written(&mut self, bytes: u64) {
        self.written_bytes += bytes;
        if self.written_bytes >= EVERY_BYTES {
            self.written_bytes = 0;
            // Full means that it is awake and behind; the size it reports decides what the writer does.
            _ = self.wake.as_ref().map(|wake| wake.try_send(()));
        }
    }

    /// Whether the writer must fold by itself.
    pub(super) fn is_behind(&self, wal_bytes_max: u64) -> bool {
        self.wal_bytes.load(Ordering::Relaxed) > wal_bytes_max
    }

    /// The writer did so. Nobody else commits, so after a whole folding its next commit starts the file anew.
    pub(super) fn folded(&self, folded: Option<Folded>) {
        if folded.is_some_and(|folded| folded.whole) {
            self.wal_bytes.store(0, Ordering::Relaxed);
        }
    }
}

impl Drop for Checkpointer {
    fn drop(&mut self) {
        drop(self.wake.take());
        // Its failures are told through the shared state.
        _ = self.thread.take().map(JoinHandle::join);
    }
}

fn run(connection: &Connection, wakes: &Receiver<()>, wal_bytes: &AtomicU64, shared: &Weak<Shared>) {
    while wakes.recv().is_ok() {
        match fold(connection) {
            // The writer commits meanwhile, so even a whole folding does not say that the file starts anew.
            Ok(Some(folded)) => wal_bytes.store(folded.wal_bytes, Ordering::Relaxed),
            Ok(None) => {}
            Err(failure) => {
                // A sync of the database failed: like any other, it is not tried again.
                if let Some(shared) = shared.upgrade() {
                    shared.fail(failure);
                }
                return;
            }
        }
    }
}

/// Folds what can be folded without waiting for a reader. `None` when somebody else is folding just now.
pub(super) fn fold(connection: &Connection) -> Result<Option<Folded>, Failure> {
    let counts = connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |row| {
        Ok((row.get::<_, bool>(0)?, row.get::<_, i64>(1)?, row.get::<_, i64>(2)?))
    });
    match counts {
        Ok((true, ..)) => Ok(None),
        Ok((false, pages, folded)) => {
            let wal_bytes = u64::try_from(pages).unwrap_or(0) * PAGE_BYTES;
            Ok(Some(Folded { wal_bytes, whole: folded >= pages }))
        }
        Err(error) => Err(Failure::of("folding the write-ahead file back", &error)),
    }
}
