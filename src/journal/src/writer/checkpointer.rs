//! Folds the write-ahead file back into the database, beside the writer.
//!
//! A commit only appends to the write-ahead file. Somebody must copy its pages into the database and sync that, and until
//! then the file grows. Done by whoever commits, that is a pause of many milliseconds in front of one unlucky group. So a thread of its
//! own does it (a PASSIVE checkpoint: it waits for nobody and stops nobody) each time that the file has grown by [`EVERY_BYTES`]. The next commit
//! after one that caught up starts the file anew. Under a load that never lets it catch up the writer does one itself above
//! [`Options::wal_bytes_max`](crate::Options::wal_bytes_max), right after one beside it: nearly all is copied and synced by then, so that it copies and
//! syncs the little that is left.
//!
//! The engine syncs the database only in a folding that caught up, so the thread does it after each. Left to the writer's, all that was copied
//! since the last one would be synced in front of a group.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Weak};
use std::thread::JoinHandle;

use rusqlite::Connection;

use super::{Shared, group};
use crate::database::Database;
use crate::error::{Error, Failure};

/// By how much the write-ahead file grows between two foldings. In bytes of that file, which are many times those of the envelopes: each commit
/// appends every page that it changed, whole.
const EVERY_BYTES: u64 = 4 << 20;

/// A file of so many times its limit is told: readers of a moment do not keep it from being folded for so long.
const TOLD_TIMES: u64 = 4;

/// The thread, as the writer's thread sees it.
pub(super) struct Checkpointer {
    wake: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
    /// Whether it was woken and has not finished.
    is_folding: Arc<AtomicBool>,
    growth: Growth,
}

impl Checkpointer {
    pub(super) fn start(shared: &Arc<Shared>) -> Result<Self, Error> {
        let database = group::open(&shared.options)?;
        let is_folding = Arc::new(AtomicBool::new(false));
        // It is not woken while it folds, so there is never more than one wish.
        let (wake, wakes) = sync_channel(1);
        let folding = Arc::clone(&is_folding);
        let weak = Arc::downgrade(shared);
        let thread = std::thread::Builder::new()
            .name("journal-fold".to_owned())
            .spawn(move || run(&database, &wakes, &folding, &weak))
            .map_err(|source| Error::Directory {
                doing: "starting a thread for",
                path: shared.options.directory.clone(),
                source,
            })?;
        let growth = Growth::new(shared.options.wal_bytes_max);
        Ok(Self { wake: Some(wake), thread: Some(thread), is_folding, growth })
    }

    /// Says how large the write-ahead file is after a commit. Whether the writer has to fold what is left of it before it goes on.
    pub(super) fn grown_to(&mut self, wal_bytes: u64) -> bool {
        if self.is_folding.load(Ordering::Acquire) {
            return false;
        }
        let step = self.growth.after(wal_bytes);
        if step == Step::Beside {
            self.is_folding.store(true, Ordering::Release);
            _ = self.wake.as_ref().map(|wake| wake.try_send(()));
            if self.growth.is_to_tell(wal_bytes) {
                tracing::warn!(
                    wal_bytes,
                    "the write-ahead file grows: a reader, such as a verification or another tool, has not ended for long"
                );
            }
        }
        step == Step::Rest
    }
}

/// What is to do about the write-ahead file, nobody folding it just now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Nothing,
    /// Have it folded beside the writer.
    Beside,
    /// Above the limit, when a folding beside has just ended: the writer folds what is left, so that the file is started anew.
    Rest,
}

/// How the write-ahead file has grown.
struct Growth {
    wal_bytes_max: u64,
    every_bytes: u64,
    /// How large it was when it was last to be folded beside.
    woken_at_bytes: u64,
    /// Whether that was above the limit.
    rest_is_due: bool,
    /// From here on it is told that it grows.
    told_at_bytes: u64,
}

impl Growth {
    fn new(wal_bytes_max: u64) -> Self {
        Self {
            wal_bytes_max,
            every_bytes: EVERY_BYTES.min(wal_bytes_max),
            woken_at_bytes: 0,
            rest_is_due: false,
            told_at_bytes: wal_bytes_max.saturating_mul(TOLD_TIMES),
        }
    }

    fn after(&mut self, wal_bytes: u64) -> Step {
        // A smaller file was started anew.
        if std::mem::take(&mut self.rest_is_due) && wal_bytes >= self.woken_at_bytes {
            return Step::Rest;
        }
        let grown_bytes = wal_bytes.checked_sub(self.woken_at_bytes).unwrap_or(wal_bytes);
        if grown_bytes < self.every_bytes {
            return Step::Nothing;
        }
        self.woken_at_bytes = wal_bytes;
        self.rest_is_due = wal_bytes >= self.wal_bytes_max;
        Step::Beside
    }

    /// Whether somebody must hear how large it is: again when it has doubled, and anew when it was small.
    fn is_to_tell(&mut self, wal_bytes: u64) -> bool {
        let is_large = wal_bytes >= self.told_at_bytes;
        if is_large {
            self.told_at_bytes = wal_bytes.saturating_mul(2);
        } else if wal_bytes < self.wal_bytes_max {
            self.told_at_bytes = self.wal_bytes_max.saturating_mul(TOLD_TIMES);
        }
        is_large
    }
}

impl Drop for Checkpointer {
    fn drop(&mut self) {
        drop(self.wake.take());
        // Its failures are told through the shared state.
        _ = self.thread.take().map(JoinHandle::join);
    }
}

fn run(database: &Database, wakes: &Receiver<()>, is_folding: &AtomicBool, shared: &Weak<Shared>) {
    while wakes.recv().is_ok() {
        let folded = fold(database).and_then(|()| {
            // The engine has synced what it copied only if it caught up.
            database.sync().map_err(|error| Failure::of_system("syncing the database", &error))
        });
        if let Err(failure) = folded {
            // A sync of the database failed: like any other, it is not tried again.
            if let Some(shared) = shared.upgrade() {
                shared.fail(failure);
            }
            return;
        }
        is_folding.store(false, Ordering::Release);
    }
}

/// Folds what can be folded without waiting for a reader; nothing when somebody else is folding just now.
pub(super) fn fold(connection: &Connection) -> Result<(), Failure> {
    let folding = connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()));
    folding.map_err(|error| Failure::of("folding the write-ahead file back", &error))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;

    #[test]
    fn it_is_folded_beside_as_it_grows_and_by_the_writer_above_the_limit() {
        let mut growth = Growth::new(10 * MIB);
        let mut steps = |sizes: &[u64]| sizes.iter().map(|mib| growth.after(mib * MIB)).collect::<Vec<_>>();
        use Step::{Beside, Nothing, Rest};
        assert_eq!(steps(&[1, 3, 4, 5, 7, 8, 9]), [Nothing, Nothing, Beside, Nothing, Nothing, Beside, Nothing]);
        assert_eq!(steps(&[12, 13, 1, 3, 4]), [Beside, Rest, Nothing, Nothing, Beside], "started anew behind the rest");
        assert_eq!(
            steps(&[12, 1, 3, 4]),
            [Beside, Nothing, Nothing, Beside],
            "started anew before it: there is no rest"
        );
        // A reader keeps it: the writer tries once behind each folding beside, not with each commit.
        assert_eq!(steps(&[13, 14, 15, 16, 17, 18, 20]), [Beside, Rest, Nothing, Nothing, Beside, Rest, Nothing]);
        // As it lay there after a crash.
        assert_eq!(Growth::new(10 * MIB).after(500 * MIB), Beside);
    }

    #[test]
    fn one_that_grows_without_end_is_told_each_time_that_it_has_doubled() {
        let mut growth = Growth::new(10 * MIB);
        let mut told = |sizes: &[u64]| sizes.iter().map(|mib| growth.is_to_tell(mib * MIB)).collect::<Vec<_>>();
        assert_eq!(told(&[4, 12, 39, 40, 44, 79, 80, 84]), [false, false, false, true, false, false, true, false]);
        assert_eq!(told(&[12, 4, 39, 40]), [false, false, false, true], "it was small in between");
    }
}
