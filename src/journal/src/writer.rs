//! The one who writes: a handle that many hold, one thread behind it.

mod checkpointer;
mod group;
mod thread;

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::fs::File;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{JoinHandle, ThreadId};

use crate::envelope::{CHECKPOINT, Draft, Packed, Position};
use crate::error::{Error, Failure, Refused};
use crate::lock::{DirectoryLock, Holder};
use crate::{Chain, Options, owned};

/// A ticket for each batch, chosen by who appends it, and given back by its [`Ack`].
pub type Ticket = u64;

/// Hears what became of an institution's batches, in the order in which they were appended.
///
/// It is called on the writer's thread: it must not block and must not wait for the writer; hand the [`Ack`] to a queue and return.
/// One that panics is not called again, and its institution's appends are refused until somebody registers anew.
pub type OnDurable = Arc<dyn Fn(Ack) + Send + Sync>;

/// What became of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ack {
    /// The batch, and everything appended before it, is durable as
    /// [`Durability`](crate::Durability) says.
    Durable {
        /// The batch's ticket.
        ticket: Ticket,
        /// The position of its last envelope. A batch is never split or mixed: its envelopes have consecutive positions.
        last: Position,
        /// The institution's next checkpoint is due. Stays so until a batch with one is appended.
        checkpoint_due: bool,
    },
    /// The writer has failed: the last that this callback hears. No batch without an [`Ack::Durable`] may be taken for durable;
    /// whether it is in the file nobody knows before the next open.
    Failed {
        /// Why.
        reason: Failure,
    },
}

/// How the writer is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Health {
    /// It writes.
    Working,
    /// It takes batches and holds them; see [`Writer::pause`].
    Paused,
    /// It has failed, for ever.
    Failed(Failure),
    /// It was closed.
    Closed,
}

/// What was found when the journal was opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recovered {
    /// The last envelope's position; [`Position::START`] in a new journal.
    pub last: Position,
    /// The chain up to it.
    pub chain: Chain,
    /// Who had the directory before and did not close it: a crash, a kill, a loss of power. `None` after a clean stop, and in a
    /// new journal.
    pub unclean: Option<Holder>,
    /// What there is to recover for each institution that has an envelope.
    pub institutions: BTreeMap<String, RecoveredInstitution>,
}

/// What there is to recover for one institution.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RecoveredInstitution {
    /// Its last checkpoint.
    pub checkpoint: Option<Position>,
    /// How many of its envelopes follow that checkpoint, or are there at all without one.
    pub since_checkpoint: u64,
}

/// Opens journals.
#[derive(Debug)]
pub struct Journal;

impl Journal {
    /// Locks the data directory, makes the journal in it if there is none, checks its end, and starts the writer.
    ///
    /// The whole file is not read; that is [`verify`](crate::verify()). What is read later is checked as it is read.
    ///
    /// # Errors
    /// [`Error::Held`] when another process (or another writer of this one) has the directory; [`Error::OtherWriter`],
    /// [`Error::Format`], [`Error::Options`] when it does not fit; [`Error::Exposed`] when others could look into it; [`Error::Corrupt`] when its end is damaged.
    pub fn open(options: Options) -> Result<(Writer, Recovered), Error> {
        options.check()?;
        let directory = options.directory.clone();
        let failed = |doing| {
            let path = directory.clone();
            move |source| Error::Directory { doing, path, source }
        };
        owned::directory(&directory)?;
        let (lock, unclean) = DirectoryLock::take(&directory, &options.node, options.started_at)?;
        owned::files(&directory)?;
        let (group, institutions) = group::Group::open(&options)?;
        // The names of new files are durable only when their directory is.
        sync_directory(&directory).map_err(failed("syncing"))?;
        if let Some(parent) = directory.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            sync_directory(parent).map_err(failed("syncing the directory above"))?;
        }
        let head = group.head();
        let last = group.position(head.seq);
        let recovered = Recovered { last, chain: head.chain, unclean, institutions };

        let shared = Arc::new(Shared {
            state: Mutex::new(State::new(&recovered)),
            work: Condvar::new(),
            between: Condvar::new(),
            last_durable: AtomicU64::new(head.seq),
            options,
        });
        let checkpointer = checkpointer::Checkpointer::start(&shared)?;
        let threads = thread::start(&shared, group, checkpointer, lock)?;
        Ok((Writer(Arc::new(Handle { shared, threads: Mutex::new(Some(threads)) })), recovered))
    }
}

fn sync_directory(directory: &Path) -> std::io::Result<()> {
    File::open(directory)?.sync_all()
}

/// Appends to the journal. Cheap to clone; when the last clone goes, the journal is closed as by [`Writer::close`].
///
/// A callback that holds a clone keeps the journal open: close it by name then.
#[derive(Clone)]
pub struct Writer(Arc<Handle>);

impl fmt::Debug for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writer").field("last_durable", &self.last_durable()).field("health", &self.health()).finish()
    }
}

impl Writer {
    /// Names who hears of an institution's batches from now on. Batches appended before are still told to who was registered then.
    ///
    /// # Errors
    /// [`Refused::Failed`] and [`Refused::Closed`]: nothing can be appended any more.
    pub fn register(&self, institution: impl Into<String>, on_durable: OnDurable) -> Result<(), Refused> {
        let mut state = self.shared().state();
        state.takes()?;
        let registered = state.institutions.entry(institution.into()).or_default();
        registered.on_durable = Some(on_durable);
        Ok(())
    }

    /// Queues a batch: all of it becomes durable at once, or none of it. Never blocks on the disk.
    ///
    /// # Errors
    /// See [`Refused`]: nothing of the batch is queued.
    pub fn append(&self, institution: &str, drafts: Vec<Draft>, ticket: Ticket) -> Result<(), Refused> {
        self.append_packed(institution, drafts.into_iter().map(Draft::pack).collect(), ticket)
    }

    /// The same, by who packs himself.
    ///
    /// # Errors
    /// As [`Writer::append`].
    pub fn append_packed(&self, institution: &str, drafts: Vec<Draft<Packed>>, ticket: Ticket) -> Result<(), Refused> {
        if drafts.is_empty() {
            return Err(Refused::Empty);
        }
        let bytes: usize = drafts.iter().map(Draft::<Packed>::size_bytes).sum();
        let shared = self.shared();
        let mut state = shared.state();
        state.takes()?;
        let unregistered = || Refused::Unregistered { institution: institution.to_owned() };
        let registered = state.institutions.get_mut(institution).ok_or_else(unregistered)?;
        let on_durable = registered.on_durable.clone().ok_or_else(unregistered)?;
        let max_bytes = shared.options.queue_bytes_max;
        if registered.undurable_bytes.saturating_add(bytes) > max_bytes {
            return Err(Refused::Quota {
                institution: institution.to_owned(),
                undurable_bytes: registered.undurable_bytes,
                batch_bytes: bytes,
                max_bytes,
            });
        }
        registered.undurable_bytes += bytes;
        for draft in &drafts {
            registered.count(&draft.kind);
        }
        state.queue.push_back(Batch { institution: institution.to_owned(), drafts, bytes, ticket, on_durable });
        drop(state);
        shared.work.notify_one();
        Ok(())
    }

    /// Whether the institution's next checkpoint is due: it has none in this file, or
    /// [`Options::checkpoint_every`] envelopes were appended after the last.
    ///
    /// A checkpoint is an envelope of kind [`CHECKPOINT`] whose body says all that the institution's envelopes before it amount
    /// to; the journal cannot make one.
    pub fn checkpoint_due(&self, institution: &str) -> bool {
        let shared = self.shared();
        let state = shared.state();
        state.institutions.get(institution).is_none_or(|registered| registered.is_due(&shared.options))
    }

    /// Up to here everything is durable.
    pub fn last_durable(&self) -> Position {
        let shared = self.shared();
        match shared.last_durable.load(Ordering::Acquire) {
            0 => Position::START,
            seq => Position { writer: shared.options.writer, seq },
        }
    }

    /// How many bytes of the institution are appended and not yet durable.
    pub fn undurable_bytes(&self, institution: &str) -> usize {
        self.shared().state().institutions.get(institution).map_or(0, |registered| registered.undurable_bytes)
    }

    /// How the writer is.
    pub fn health(&self) -> Health {
        let state = self.shared().state();
        match (&state.failed, state.closing, state.pauses) {
            (Some(failure), _, _) => Health::Failed(failure.clone()),
            (None, true, _) => Health::Closed,
            (None, false, 0) => Health::Working,
            (None, false, _) => Health::Paused,
        }
    }

    /// Holds the writer between two groups until the guard is dropped: batches are taken, up to the quota, and none becomes durable. For
    /// maintenance (a snapshot of the device), and to see that nothing leaves the house before it is durable. Waits for the group that
    /// is being written, so it is not for callbacks. Closing ends every pause.
    pub fn pause(&self) -> Pause {
        let shared = self.shared();
        let mut state = shared.state();
        state.pauses += 1;
        while state.writing {
            state = shared.between.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        drop(state);
        Pause(Arc::clone(shared))
    }

    /// Makes durable what is queued, tells it, folds the write-ahead file back, lets go of the directory, and returns when all that is
    /// done. For every clone of this handle the journal is closed. Called by a callback, or while
    /// another clone is closing, it returns at once, and the rest follows.
    ///
    /// # Errors
    /// Why the writer has failed, now or before.
    pub fn close(&self) -> Result<(), Failure> {
        self.0.close();
        match self.health() {
            Health::Failed(failure) => Err(failure),
            Health::Working | Health::Paused | Health::Closed => Ok(()),
        }
    }

    fn shared(&self) -> &Arc<Shared> {
        &self.0.shared
    }
}

/// Holds the writer; see [`Writer::pause`].
#[must_use = "the writer goes on when this is dropped"]
pub struct Pause(Arc<Shared>);

impl fmt::Debug for Pause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pause")
    }
}

impl Drop for Pause {
    fn drop(&mut self) {
        self.0.state().pauses -= 1;
        self.0.work.notify_one();
    }
}

/// What the clones of a writer share; the last one's end closes the journal.
struct Handle {
    shared: Arc<Shared>,
    threads: Mutex<Option<Threads>>,
}

/// The writer's thread, with the checkpointer that it joins itself.
struct Threads {
    id: ThreadId,
    writer: JoinHandle<()>,
}

impl Handle {
    fn close(&self) {
        self.shared.state().closing = true;
        self.shared.work.notify_one();
        let threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(threads) = threads.filter(|threads| threads.id != std::thread::current().id()) {
            // The thread catches its own panics, and has told them as a failure.
            let _ = threads.writer.join();
        }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.close();
    }
}

/// What the handle and the threads share.
struct Shared {
    state: Mutex<State>,
    /// The writer waits here: a batch, the end of a pause, a failure, closing.
    work: Condvar,
    /// A pause waits here for the group that is being written.
    between: Condvar,
    /// `seq` of the last durable envelope.
    last_durable: AtomicU64,
    options: Options,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        // No code of ours panics while it holds the lock, and the state is whole between its statements.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From here on nothing is taken. The first failure stays.
    fn fail(&self, failure: Failure) {
        tracing::error!(%failure, "the journal has failed");
        self.state().failed.get_or_insert(failure);
        self.work.notify_one();
    }
}

struct State {
    queue: VecDeque<Batch>,
    institutions: BTreeMap<String, Registered>,
    pauses: usize,
    /// A group is being written.
    writing: bool,
    closing: bool,
    failed: Option<Failure>,
}

impl State {
    fn new(recovered: &Recovered) -> Self {
        let institutions = recovered.institutions.iter().map(|(name, found)| {
            let since_checkpoint = found.checkpoint.map(|_| found.since_checkpoint);
            (name.clone(), Registered { since_checkpoint, ..Registered::default() })
        });
        Self {
            queue: VecDeque::new(),
            institutions: institutions.collect(),
            pauses: 0,
            writing: false,
            closing: false,
            failed: None,
        }
    }

    fn takes(&self) -> Result<(), Refused> {
        match &self.failed {
            Some(failure) => Err(Refused::Failed(failure.clone())),
            None if self.closing => Err(Refused::Closed),
            None => Ok(()),
        }
    }
}

#[derive(Default)]
struct Registered {
    on_durable: Option<OnDurable>,
    undurable_bytes: usize,
    /// Envelopes appended after the last checkpoint; `None` while this file has none.
    since_checkpoint: Option<u64>,
}

impl Registered {
    fn count(&mut self, kind: &str) {
        if kind == CHECKPOINT {
            self.since_checkpoint = Some(0);
        } else if let Some(since) = &mut self.since_checkpoint {
            *since += 1;
        }
    }

    fn is_due(&self, options: &Options) -> bool {
        self.since_checkpoint.is_none_or(|since| since >= options.checkpoint_every)
    }
}

struct Batch {
    institution: String,
    drafts: Vec<Draft<Packed>>,
    bytes: usize,
    ticket: Ticket,
    on_durable: OnDurable,
}
