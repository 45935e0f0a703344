//! From the core's entries to the journal's envelopes: codec, redaction and digests happen here, off the driver's path.

use std::sync::Arc;

use pabal_clock::Wall;
use pabal_journal::{BorrowedColumns, Draft, Packed, Refused, Writer};
use pabal_switch::Entry;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::acks::{Acks, CHECKPOINT_TICKET, OWN_TICKET};
use super::log::{Lines, Log};
use super::own::Own;
use crate::digest::DigestKey;
use crate::versions::Versions;

/// Batches of the core are joined up to so many bytes before they are appended: the journal's writer then has more to do at a time, and fewer
/// acknowledgements to give.
const JOINED_BYTES_MAX: usize = 128 * 1_024;

/// Entries that become durable together.
pub(super) struct Batch {
    pub(super) ticket: u64,
    pub(super) content: Content,
    pub(super) at: Wall,
}

/// What is in a batch.
pub(super) enum Content {
    /// Of the core.
    Entries(Vec<Entry>),
    /// Of the gateway itself.
    Own(Own),
}

/// Hands batches to the task that appends them, in order. What may wait here is bounded by the core: it takes nothing more once
/// `undurable_entries_max` entries are not durable.
pub(super) struct Bridge {
    /// Those of this turn of the driver.
    turn: Vec<Batch>,
    batches: mpsc::UnboundedSender<Vec<Batch>>,
    task: JoinHandle<u64>,
    written: JoinHandle<()>,
}

/// What the task needs.
pub(super) struct BridgeParts {
    pub(super) institution: String,
    pub(super) versions: Arc<Versions>,
    pub(super) node: String,
    pub(super) queue_bytes_max: usize,
    pub(super) writer: Writer,
    pub(super) digest: Arc<DigestKey>,
    pub(super) acks: Arc<Acks>,
}

impl Bridge {
    pub(super) fn start(parts: BridgeParts) -> Self {
        let (batches, received) = mpsc::unbounded_channel();
        let (log, written) =
            Log::start(parts.institution.clone(), Arc::clone(&parts.versions), Arc::clone(&parts.acks));
        Self { turn: Vec::new(), batches, task: tokio::spawn(parts.run(received, log)), written }
    }

    /// Takes a batch; it goes with the others of this turn.
    pub(super) fn send(&mut self, batch: Batch) {
        self.turn.push(batch);
    }

    /// Hands over what was taken.
    pub(super) fn flush(&mut self) {
        if !self.turn.is_empty() {
            // The task ends before this only when the journal has failed, which it has told.
            let _ = self.batches.send(std::mem::take(&mut self.turn));
        }
    }

    /// Takes no more, and waits until all that was sent is appended: how many appends that were, and the task that logs them.
    pub(super) async fn finish(mut self) -> (u64, JoinHandle<()>) {
        self.flush();
        drop(self.batches);
        (self.task.await.unwrap_or(0), self.written)
    }
}

/// What is appended as one.
#[derive(Default)]
struct Joined {
    drafts: Vec<Draft<Packed>>,
    lines: Lines,
    bytes: usize,
    /// The last one's: what is durable is so with all before it.
    ticket: u64,
}

impl Joined {
    fn join(&mut self, next: Self) {
        self.drafts.extend(next.drafts);
        self.lines.join(next.lines);
        self.bytes += next.bytes;
        self.ticket = next.ticket;
    }
}

impl BridgeParts {
    async fn run(self, mut received: mpsc::UnboundedReceiver<Vec<Batch>>, mut log: Log) -> u64 {
        let mut appended = 0;
        while let Some(mut batches) = received.recv().await {
            while let Ok(more) = received.try_recv() {
                batches.extend(more);
            }
            let mut joined = Joined::default();
            for batch in batches {
                let is_alone = matches!(batch.ticket, CHECKPOINT_TICKET | OWN_TICKET);
                let next = self.joined(batch, &log);
                let is_full = joined.bytes.saturating_add(next.bytes) > JOINED_BYTES_MAX.min(self.queue_bytes_max);
                if (is_alone || is_full) && !self.append(&mut joined, &mut appended, &mut log).await {
                    return appended;
                }
                joined.join(next);
                if is_alone && !self.append(&mut joined, &mut appended, &mut log).await {
                    return appended;
                }
            }
            if !self.append(&mut joined, &mut appended, &mut log).await {
                return appended;
            }
        }
        appended
    }

    fn joined(&self, batch: Batch, log: &Log) -> Joined {
        let (entries, drafts) = match batch.content {
            Content::Entries(mut entries) => {
                let drafts: Vec<_> = entries.iter_mut().map(|entry| self.draft(entry, batch.at)).collect();
                (entries, drafts)
            }
            Content::Own(own) => (Vec::new(), vec![own.draft(&self.node, batch.at).pack()]),
        };
        let lines = log.lines(&entries, &drafts);
        let bytes = drafts.iter().map(Draft::<Packed>::size_bytes).sum();
        Joined { drafts, lines, bytes, ticket: batch.ticket }
    }

    /// Appends what is joined, if anything is. `false` if nothing can be appended any more, which is told.
    async fn append(&self, joined: &mut Joined, appended: &mut u64, log: &mut Log) -> bool {
        let Joined { drafts, lines, bytes, ticket } = std::mem::take(joined);
        if drafts.is_empty() {
            return true;
        }
        if ticket == CHECKPOINT_TICKET && bytes > self.queue_bytes_max {
            let (institution, max) = (&self.institution, self.queue_bytes_max);
            // Only the next start is slower without it.
            tracing::error!(institution, bytes, max, "a checkpoint does not fit; raise journal.queue_bytes_max");
            return true;
        }
        if let Err(why) = self.append_drafts(drafts, bytes, ticket).await {
            self.acks.fail(why);
            return false;
        }
        *appended += 1;
        log.appended(*appended, lines);
        // Encoding is work, and others have some, too.
        tokio::task::consume_budget().await;
        true
    }

    /// Waits for room first: a batch that was refused would leave a hole.
    async fn append_drafts(&self, drafts: Vec<Draft<Packed>>, bytes: usize, ticket: u64) -> Result<(), String> {
        if bytes > self.queue_bytes_max {
            return Err(format!(
                "{bytes} bytes at once; raise journal.queue_bytes_max, which is {}",
                self.queue_bytes_max
            ));
        }
        let is_room = |_| self.writer.undurable_bytes(&self.institution).saturating_add(bytes) <= self.queue_bytes_max;
        self.acks.wait_for(is_room).await?;
        self.writer.append_packed(&self.institution, drafts, ticket).map_err(|refused| match refused {
            Refused::Failed(failure) => failure.to_string(),
            other => other.to_string(),
        })
    }

    fn draft(&self, entry: &mut Entry, at: Wall) -> Draft<Packed> {
        let columns = entry.borrowed_columns();
        let packed = BorrowedColumns {
            exchange: columns.exchange.as_deref(),
            caller: columns.caller.as_deref(),
            idempotency_key: columns.idempotency_key.as_deref(),
            party: columns.party.as_deref(),
            protocol: columns.protocol.as_deref(),
            participant: columns.participant.as_deref(),
            compartment: columns.compartment.as_deref(),
            business_date: columns.business_date.map(i64::from),
            node: Some(&self.node),
            session: columns.session.as_deref(),
            epoch: columns.epoch.map(i64::from),
            stream_offset: columns.stream_offset.and_then(|offset| i64::try_from(offset).ok()),
            spec_digest: columns.spec_digest.as_deref(),
            our_number: columns.our_number.as_deref(),
            their_number: columns.their_number.as_deref(),
            correlation_key: columns.correlation_key.as_deref(),
            trace_context: columns.trace_context.as_deref(),
            parent: columns.parent.as_deref(),
            outcome: columns.outcome.as_deref(),
            cause: columns.cause.as_deref(),
        };
        Draft {
            at: at.as_unix_micros(),
            family: Entry::FAMILY.into(),
            kind: entry.kind().into(),
            version: entry.version(),
            columns: packed.pack(),
            body: entry.seal_and_encode(&|bytes| self.digest.of(bytes)),
        }
    }
}
