//! The writer's thread: take what is queued, write it as one group, tell everybody.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};

use super::checkpointer::Checkpointer;
use super::group::Group;
use super::{Ack, Batch, OnDurable, Shared, Threads};
use crate::envelope::Position;
use crate::error::{Error, Failure};
use crate::lock::DirectoryLock;

pub(super) fn start(
    shared: &Arc<Shared>,
    group: Group,
    checkpointer: Checkpointer,
    lock: DirectoryLock,
) -> Result<Threads, Error> {
    let path = shared.options.directory.clone();
    let shared = Arc::clone(shared);
    let writer = std::thread::Builder::new()
        .name("journal-write".to_owned())
        .spawn(move || {
            let clean = run(&shared, group, checkpointer);
            if !clean {
                return;
            }
            if let Err(error) = lock.close() {
                tracing::warn!(%error, "the journal is closed, but the next start will take it for unclean");
            }
        })
        .map_err(|source| Error::Directory { doing: "starting a thread for", path, source })?;
    Ok(Threads { id: writer.thread().id(), writer })
}

/// Writes until the journal is closed or fails. Whether it was closed cleanly.
fn run(shared: &Shared, mut group: Group, mut checkpointer: Checkpointer) -> bool {
    let mut turn = Turn { shared, batches: Vec::new(), silenced: Vec::new() };
    // What is behind this boundary is not used again after a panic: the connection is dropped, the journal has failed.
    let panicked = catch_unwind(AssertUnwindSafe(|| turn.write_all(&mut group, &mut checkpointer)));
    if let Err(panic) = panicked {
        let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
        let text = text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default();
        shared.fail(Failure::Panic(text.into()));
    }
    // The failure is told before the connections close: closing may take its time on a sick device.
    let clean = turn.tell_failure();
    // Ends the folding first: only the last one to close can remove the write-ahead file.
    drop(checkpointer);
    // A folding that failed at the very end is told by nobody's acknowledgement, but the directory is not clean then.
    clean && shared.state().failed.is_none() && group.close().is_ok()
}

/// What the writer has in hand.
struct Turn<'a> {
    shared: &'a Shared,
    /// The group that is being written.
    batches: Vec<Batch>,
    /// Callbacks that panicked.
    silenced: Vec<OnDurable>,
}

impl Turn<'_> {
    /// One turn for each group, until there is nothing more to write.
    fn write_all(&mut self, group: &mut Group, checkpointer: &mut Checkpointer) {
        while self.take_group() {
            let lasts = match group.write(&self.batches) {
                Ok(lasts) => lasts,
                Err(error) => return self.shared.fail(Failure::of("writing a group", &error)),
            };
            self.shared.last_durable.store(group.head().seq, Ordering::Release);
            let batches = std::mem::take(&mut self.batches);
            for (batch, last) in batches.iter().zip(lasts) {
                self.tell_durable(batch, last);
            }
            if checkpointer.grown_to(group.wal_bytes())
                && let Err(failure) = group.fold()
            {
                return self.shared.fail(failure);
            }
        }
    }

    /// Waits for batches and takes as many as a group may have. Not when the journal has failed, or is closed and all is written.
    fn take_group(&mut self) -> bool {
        let options = &self.shared.options;
        let mut state = self.shared.state();
        state.writing = false;
        self.shared.between.notify_all();
        loop {
            if state.failed.is_some() || (state.closing && state.queue.is_empty()) {
                return false;
            }
            if !state.queue.is_empty() && (state.pauses == 0 || state.closing) {
                break;
            }
            state = self.shared.work.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.writing = true;
        let (mut envelopes, mut bytes) = (0, 0);
        while let Some(batch) = state.queue.pop_front() {
            envelopes += batch.drafts.len();
            bytes += batch.bytes;
            let full = envelopes > options.group_envelopes_max || bytes > options.group_bytes_max;
            if full && !self.batches.is_empty() {
                state.queue.push_front(batch);
                break;
            }
            self.batches.push(batch);
        }
        true
    }

    fn tell_durable(&mut self, batch: &Batch, last: Position) {
        let mut state = self.shared.state();
        let mut checkpoint_due = false;
        if let Some(registered) = state.institutions.get_mut(&batch.institution) {
            registered.undurable_bytes -= batch.bytes;
            checkpoint_due = registered.is_due(&self.shared.options);
        }
        drop(state);
        let ack = Ack::Durable { ticket: batch.ticket, last, checkpoint_due };
        self.tell(&batch.institution, &batch.on_durable, ack);
    }

    /// Tells the failure, if there is one, to everybody who still waits or is registered. Whether there is none.
    fn tell_failure(&mut self) -> bool {
        let mut state = self.shared.state();
        state.writing = false;
        self.shared.between.notify_all();
        let Some(reason) = state.failed.clone() else { return true };
        let queue = std::mem::take(&mut state.queue);
        let mut to_tell: Vec<(String, OnDurable)> = Vec::new();
        for batch in self.batches.drain(..).chain(queue) {
            to_tell.push((batch.institution, batch.on_durable));
        }
        for (institution, registered) in &mut state.institutions {
            to_tell.extend(registered.on_durable.take().map(|on_durable| (institution.clone(), on_durable)));
        }
        drop(state);
        for (institution, on_durable) in to_tell {
            self.tell(&institution, &on_durable, Ack::Failed { reason: reason.clone() });
            // Once is enough.
            self.silenced.push(on_durable);
        }
        false
    }

    /// Calls a callback. One that panics stays its own institution's trouble.
    fn tell(&mut self, institution: &str, on_durable: &OnDurable, ack: Ack) {
        if self.silenced.iter().any(|silenced| Arc::ptr_eq(silenced, on_durable)) {
            return;
        }
        if catch_unwind(AssertUnwindSafe(|| on_durable(ack))).is_ok() {
            return;
        }
        tracing::error!(institution, "the callback for durable entries panicked; it is not called again");
        self.silenced.push(Arc::clone(on_durable));
        if let Some(registered) = self.shared.state().institutions.get_mut(institution) {
            registered.on_durable.take_if(|registered| Arc::ptr_eq(registered, on_durable));
        }
    }
}
