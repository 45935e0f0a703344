use std::collections::{BTreeMap, BTreeSet, VecDeque};

use pabal_clock::{BusinessDate, Mono};
use pabal_switch::entry::{Commanded, NoticeReceived, Place};
use pabal_switch::{Entry, ExchangeId, NoticeId, OpeningState, Ticket};

/// An opening: company and bank, and the date.
pub(crate) type OpeningName = (Vec<u8>, Vec<u8>);

/// An entry that is on the disk, or on its way there. Its body is made when it is read again, which is seldom, and of some runs at once.
#[derive(Clone, Debug)]
pub(crate) struct Stored {
    pub(crate) entry: Entry,
    /// When it was appended.
    at: Mono,
}

impl Stored {
    /// The notice whose reply it puts into a stream.
    pub(crate) fn replied(&self) -> Option<NoticeId> {
        match &self.entry {
            Entry::NoticeReplied(entry) => entry.place.as_ref().map(|_| entry.notice),
            _ => None,
        }
    }

    /// The exchange that it puts into a stream, and the number under which it does.
    pub(crate) fn sent(&self) -> Option<(ExchangeId, &str)> {
        match &self.entry {
            Entry::Sending(entry) => Some((entry.exchange, &entry.number)),
            _ => None,
        }
    }

    /// As a process reads it.
    pub(crate) fn read_again(&self) -> Result<Entry, Box<str>> {
        read_again(&self.entry)
    }

    /// What it is found by is what it says.
    fn is_found(&self) {
        let columns = self.entry.columns();
        let right = match &self.entry {
            Entry::Accepted(entry) => columns.idempotency_key == entry.about.idempotency_key,
            Entry::Sending(entry) => {
                let session = format!("{}/{}", entry.place.line, entry.place.slot);
                columns.session.as_deref() == Some(&*session)
                    && (columns.epoch, columns.stream_offset) == (Some(entry.place.epoch), Some(entry.offset))
                    && columns.our_number.as_deref() == Some(&*entry.number)
            }
            Entry::Outcome(entry) => {
                columns.outcome.as_deref() == Some(entry.outcome.word())
                    && columns.cause.as_deref() == Some(entry.outcome.cause().word())
            }
            _ => true,
        };
        assert!(right, "{:?} is found by {columns:?}", self.entry);
    }
}

/// An entry as a process reads it: through the real codec, so that secret bytes are gone.
///
/// # Panics
/// A secret is in the body: sentence 11 is broken.
pub(crate) fn read_again(entry: &Entry) -> Result<Entry, Box<str>> {
    let body = entry.encode(&keyed_digest);
    // Sentence 11: a secret is never stored, in whatever form.
    let text = String::from_utf8_lossy(&body);
    let found = SECRETS.iter().any(|secret| text.contains(secret));
    assert!(!found, "a secret is in the body of a durable {} entry", entry.kind());
    Entry::decode(entry.kind(), entry.version(), &body)
}

/// When a notice came, as an entry says.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Came {
    /// When it came last.
    pub(crate) at: Mono,
    /// The business date on which it did, as our clock said.
    pub(crate) date: BusinessDate,
    /// It came as the answer to a question for it, and nothing is replied to that.
    pub(crate) is_answer: bool,
}

/// A notice came as the answer to a question for it.
pub(crate) fn is_answer(received: &NoticeReceived) -> bool {
    received.about.recovered_by.is_some() && !received.repeated
}

/// By epoch and offset.
type Streams = BTreeMap<(u32, u64), usize>;

/// A journal's disk: groups become durable together, late, or not at all.
#[derive(Debug, Default)]
pub(crate) struct Disk {
    waiting: VecDeque<(Ticket, Vec<Stored>)>,
    /// Batches of the group that is being synced.
    syncing: usize,
    pub(crate) durable: Vec<Stored>,
    /// Of each line and slot: durable entries that put something into a stream.
    sending: BTreeMap<(Box<str>, u16), Streams>,
    /// Exchanges with a durable sending entry: whatever else is known, they are at least UNKNOWN.
    pub(crate) sent: BTreeSet<ExchangeId>,
    /// The exchange of each idempotency key; there is one caller.
    pub(crate) keys: BTreeMap<Box<str>, ExchangeId>,
    /// Outcomes of each exchange in the order in which they became durable.
    pub(crate) outcomes: BTreeMap<ExchangeId, Vec<(&'static str, &'static str)>>,
    /// The names of each notice, by rule and key.
    pub(crate) notices: BTreeMap<(Box<str>, Vec<u8>), BTreeSet<NoticeId>>,
    pub(crate) notice_ids: BTreeSet<NoticeId>,
    pub(crate) came: BTreeMap<NoticeId, Came>,
    /// Of each opening (company and bank, date), whether it was gained or lost last.
    pub(crate) opened: BTreeMap<OpeningName, bool>,
    /// What operators wanted.
    pub(crate) commands: Vec<Commanded>,
    pub(crate) failed: bool,
    /// Every body is made and read again as it becomes durable, not only those that a process reads.
    reads_all: bool,
}

/// The PIN of every transfer of the workload, as text and as the journal writes bytes.
const SECRETS: [&str; 2] = [crate::workload::PIN, "5078516152625377"];

fn keyed_digest(bytes: &[u8]) -> [u8; 32] {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for byte in bytes {
        hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    }
    let mut digest = [0; 32];
    digest[..8].copy_from_slice(&hash.to_be_bytes());
    digest
}

impl Disk {
    pub(crate) fn new(reads_all: bool) -> Self {
        Self { reads_all, ..Self::default() }
    }

    pub(crate) fn append(&mut self, ticket: Ticket, entries: Vec<Entry>, at: Mono) {
        self.waiting.push_back((ticket, entries.into_iter().map(|entry| Stored { entry, at }).collect()));
    }

    /// Begins to sync what waits, if it is not syncing already.
    pub(crate) fn begins_sync(&mut self) -> bool {
        if self.failed || self.syncing > 0 || self.waiting.is_empty() {
            return false;
        }
        self.syncing = self.waiting.len();
        true
    }

    /// Nothing waits to become durable.
    pub(crate) fn is_quiet(&self) -> bool {
        self.waiting.is_empty()
    }

    /// The sync is done: the last ticket that is durable.
    pub(crate) fn synced(&mut self) -> Option<Ticket> {
        let mut last = None;
        for _ in 0..std::mem::take(&mut self.syncing) {
            let (ticket, entries) = self.waiting.pop_front()?;
            last = Some(ticket);
            for stored in entries {
                self.keep(stored);
            }
        }
        last
    }

    /// Puts a checkpoint behind what waits. Nobody waits for it.
    pub(crate) fn append_checkpoint(&mut self, entry: Entry, at: Mono) {
        let stored = Stored { entry, at };
        let is_open = self.waiting.len() > self.syncing;
        match self.waiting.back_mut() {
            Some((_, batch)) if is_open => batch.push(stored),
            // What is being synced is closed, since a group is one transaction; the journal would put it behind. It is left out.
            Some(_) => {}
            None => self.keep(stored),
        }
    }

    /// The last durable checkpoint and everything behind it, or all if there is none.
    pub(crate) fn since_checkpoint(&self) -> &[Stored] {
        let last = self.durable.iter().rposition(|stored| matches!(stored.entry, Entry::Checkpoint(_)));
        &self.durable[last.unwrap_or(0)..]
    }

    fn keep(&mut self, stored: Stored) {
        if self.reads_all {
            stored.is_found();
            let read = stored.read_again();
            assert!(read.is_ok(), "a durable entry cannot be read again: {read:?}");
        }
        let at = self.durable.len();
        match &stored.entry {
            Entry::Accepted(entry) => {
                self.keys.extend(entry.about.idempotency_key.clone().map(|key| (key, entry.exchange)));
            }
            Entry::Sending(entry) => {
                self.begins(&entry.place, entry.offset, at);
                self.sent.insert(entry.exchange);
            }
            // A contradiction says what an answer said, which is not what became of the exchange.
            Entry::Outcome(entry) => {
                let said = (entry.outcome.word(), entry.outcome.cause().word());
                self.outcomes.entry(entry.exchange).or_default().push(said);
            }
            Entry::NoticeReceived(entry) => {
                let is_answer = is_answer(entry);
                let came = Came { at: stored.at, date: entry.again_on.unwrap_or(entry.about.date), is_answer };
                self.notice_ids.insert(entry.notice);
                self.came.insert(entry.notice, came);
                let name = (entry.about.rule.clone(), entry.key.to_vec());
                self.notices.entry(name).or_default().insert(entry.notice);
            }
            Entry::NoticeReplied(entry) => {
                if let Some(place) = &entry.place {
                    self.begins(place, entry.offset, at);
                }
            }
            Entry::Commanded(entry) => self.commands.push(entry.clone()),
            Entry::Opening(entry) => {
                let date = entry.key.date.date().yyyymmdd().to_string().into_bytes();
                self.opened.insert((entry.key.values.concat(), date), entry.state == OpeningState::Open);
            }
            _ => {}
        }
        self.durable.push(stored);
    }

    fn begins(&mut self, place: &Place, offset: u64, at: usize) {
        let slot = self.sending.entry((Box::from(&*place.line), place.slot)).or_default();
        slot.insert((place.epoch, offset), at);
    }

    /// The durable entry that says that a frame begins here.
    pub(crate) fn sending(&self, slot: &(Box<str>, u16), epoch: u32, offset: u64) -> Option<&Stored> {
        self.sending.get(slot)?.get(&(epoch, offset)).map(|at| &self.durable[*at])
    }

    /// The process or the computer dies. The group that was being synced is whole or gone; what waited behind it is gone.
    pub(crate) fn crash(&mut self, group_survives: bool) {
        if group_survives {
            self.synced();
        }
        self.waiting.clear();
        self.syncing = 0;
    }
}
