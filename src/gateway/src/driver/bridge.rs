//! From the core's entries to the journal's envelopes: codec, redaction and digests happen here, off the driver's path.

use std::sync::Arc;

use pabal_clock::Wall;
use pabal_journal::{Columns, Draft, Refused, Writer};
use pabal_switch::Entry;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::acks::{Acks, CHECKPOINT_TICKET};
use super::log::Log;
use super::own::Own;
use crate::digest::DigestKey;
use crate::versions::Versions;

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
    batches: mpsc::UnboundedSender<Batch>,
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
        Self { batches, task: tokio::spawn(parts.run(received, log)), written }
    }

    pub(super) fn send(&self, batch: Batch) {
        // The task ends before this only when the journal has failed, which it has told.
        let _ = self.batches.send(batch);
    }

    /// Takes no more, and waits until all that was sent is appended: how many batches that were, and the task that logs them.
    pub(super) async fn finish(self) -> (u64, JoinHandle<()>) {
        drop(self.batches);
        (self.task.await.unwrap_or(0), self.written)
    }
}

impl BridgeParts {
    async fn run(self, mut batches: mpsc::UnboundedReceiver<Batch>, mut log: Log) -> u64 {
        let mut appended = 0;
        while let Some(batch) = batches.recv().await {
            let ticket = batch.ticket;
            let (drafts, lines) = match &batch.content {
                Content::Entries(entries) => {
                    let drafts: Vec<Draft> = entries.iter().map(|entry| self.draft(entry, batch.at)).collect();
                    let lines = log.lines(entries, &drafts);
                    (drafts, lines)
                }
                Content::Own(own) => {
                    let drafts = vec![own.draft(&self.node, batch.at)];
                    let lines = log.lines(&[], &drafts);
                    (drafts, lines)
                }
            };
            let bytes: usize = drafts.iter().map(Draft::size_bytes).sum();
            if ticket == CHECKPOINT_TICKET && bytes > self.queue_bytes_max {
                let (institution, max) = (&self.institution, self.queue_bytes_max);
                // Only the next start is slower without it.
                tracing::error!(institution, bytes, max, "a checkpoint does not fit; raise journal.queue_bytes_max");
                continue;
            }
            if let Err(why) = self.append(drafts, bytes, ticket).await {
                self.acks.fail(why);
                break;
            }
            appended += 1;
            log.appended(appended, lines);
        }
        appended
    }

    /// Waits for room first: a batch that was refused would leave a hole.
    async fn append(&self, drafts: Vec<Draft>, bytes: usize, ticket: u64) -> Result<(), String> {
        if bytes > self.queue_bytes_max {
            return Err(format!(
                "{bytes} bytes at once; raise journal.queue_bytes_max, which is {}",
                self.queue_bytes_max
            ));
        }
        let is_room = |_| self.writer.undurable_bytes(&self.institution).saturating_add(bytes) <= self.queue_bytes_max;
        self.acks.wait_for(is_room).await?;
        self.writer.append(&self.institution, drafts, ticket).map_err(|refused| match refused {
            Refused::Failed(failure) => failure.to_string(),
            other => other.to_string(),
        })
    }

    fn draft(&self, entry: &Entry, at: Wall) -> Draft {
        let columns = entry.columns();
        let text = |column: Option<Box<str>>| column.map(String::from);
        Draft {
            at: at.as_unix_micros(),
            family: Entry::FAMILY.to_owned(),
            kind: entry.kind().to_owned(),
            version: entry.version(),
            columns: Columns {
                exchange: text(columns.exchange),
                caller: text(columns.caller),
                idempotency_key: text(columns.idempotency_key),
                party: text(columns.party),
                protocol: text(columns.protocol),
                participant: text(columns.participant),
                compartment: text(columns.compartment),
                business_date: columns.business_date.map(i64::from),
                node: Some(self.node.clone()),
                session: text(columns.session),
                epoch: columns.epoch.map(i64::from),
                stream_offset: columns.stream_offset.and_then(|offset| i64::try_from(offset).ok()),
                spec_digest: text(columns.spec_digest),
                our_number: text(columns.our_number),
                their_number: text(columns.their_number),
                correlation_key: text(columns.correlation_key),
                trace_context: text(columns.trace_context),
                parent: text(columns.parent),
                outcome: text(columns.outcome),
                cause: text(columns.cause),
            },
            body: entry.encode(&|bytes| self.digest.of(bytes)),
        }
    }
}
