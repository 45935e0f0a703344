use std::collections::{BTreeMap, BTreeSet, VecDeque};

use pabal_clock::{BusinessDate, Mono};
use pabal_switch::entry::Commanded;
use pabal_switch::{Columns, Entry, ExchangeId, NoticeId, OpeningState, Ticket};

/// An opening: company and bank, and the date.
pub(crate) type OpeningName = (Vec<u8>, Vec<u8>);

/// An entry as the disk holds it: through the real codec, so that secret bytes are gone.
#[derive(Clone, Debug)]
pub(crate) struct Stored {
    pub(crate) kind: &'static str,
    pub(crate) exchange: Option<ExchangeId>,
    opening: Option<(OpeningName, bool)>,
    notice: Option<(NoticeId, Box<str>, Vec<u8>)>,
    came: Option<Came>,
    command: Option<Commanded>,
    /// The notice whose reply it puts into a stream.
    pub(crate) replied: Option<NoticeId>,
    pub(crate) version: u32,
    pub(crate) columns: Columns,
    pub(crate) body: Vec<u8>,
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

/// A journal's disk: groups become durable together, late, or not at all.
#[derive(Debug, Default)]
pub(crate) struct Disk {
    waiting: VecDeque<(Ticket, Vec<Stored>)>,
    /// Batches of the group that is being synced.
    syncing: usize,
    pub(crate) durable: Vec<Stored>,
    /// `(session, epoch, stream offset)` of durable sending entries.
    sending: BTreeMap<(String, u32, u64), usize>,
    /// Exchanges with a durable sending entry: whatever else is known, they are at least UNKNOWN.
    pub(crate) sent: BTreeSet<ExchangeId>,
    /// The exchange of each idempotency key; there is one caller.
    pub(crate) keys: BTreeMap<Box<str>, ExchangeId>,
    /// Outcomes of each exchange in the order in which they became durable.
    pub(crate) outcomes: BTreeMap<ExchangeId, Vec<(String, String)>>,
    /// The names of each notice, by rule and key.
    pub(crate) notices: BTreeMap<(Box<str>, Vec<u8>), BTreeSet<NoticeId>>,
    pub(crate) notice_ids: BTreeSet<NoticeId>,
    pub(crate) came: BTreeMap<NoticeId, Came>,
    /// Of each opening (company and bank, date), whether it was gained or lost last.
    pub(crate) opened: BTreeMap<OpeningName, bool>,
    /// What operators wanted.
    pub(crate) commands: Vec<Commanded>,
    pub(crate) failed: bool,
}

/// The PIN of every transfer of the workload, as text and as the journal writes bytes.
const SECRETS: [&str; 2] = [crate::workload::PIN, "5078516152625377"];

/// The exchange that an entry is about.
fn exchange_of(entry: &Entry) -> Option<ExchangeId> {
    match entry {
        Entry::Accepted(entry) => Some(entry.exchange),
        Entry::Sending(entry) => Some(entry.exchange),
        Entry::Outcome(entry) => Some(entry.exchange),
        Entry::Listed(entry) => Some(entry.exchange),
        _ => None,
    }
}

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
    pub(crate) fn append(&mut self, ticket: Ticket, entries: &[Entry], at: Mono) {
        let stored = entries.iter().map(|entry| Self::stored(entry, at)).collect();
        self.waiting.push_back((ticket, stored));
    }

    /// Begins to sync what waits, if it is not syncing already.
    pub(crate) fn begins_sync(&mut self) -> bool {
        if self.failed || self.syncing > 0 || self.waiting.is_empty() {
            return false;
        }
        self.syncing = self.waiting.len();
        true
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
    pub(crate) fn append_checkpoint(&mut self, entry: &Entry, at: Mono) {
        let stored = Self::stored(entry, at);
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
        let last = self.durable.iter().rposition(|stored| stored.kind == "checkpoint");
        &self.durable[last.unwrap_or(0)..]
    }

    fn stored(entry: &Entry, at: Mono) -> Stored {
        Stored {
            kind: entry.kind(),
            exchange: exchange_of(entry),
            notice: match entry {
                Entry::NoticeReceived(entry) => Some((entry.notice, entry.about.rule.clone(), entry.key.to_vec())),
                _ => None,
            },
            came: match entry {
                Entry::NoticeReceived(entry) => {
                    let is_answer = entry.about.recovered_by.is_some() && !entry.repeated;
                    Some(Came { at, date: entry.again_on.unwrap_or(entry.about.date), is_answer })
                }
                _ => None,
            },
            replied: match entry {
                Entry::NoticeReplied(entry) => entry.place.as_ref().map(|_| entry.notice),
                _ => None,
            },
            command: match entry {
                Entry::Commanded(entry) => Some(entry.clone()),
                _ => None,
            },
            opening: match entry {
                Entry::Opening(entry) => {
                    let date = entry.key.date.date().yyyymmdd().to_string().into_bytes();
                    Some(((entry.key.values.concat(), date), entry.state == OpeningState::Open))
                }
                _ => None,
            },
            version: entry.version(),
            columns: entry.columns(),
            body: entry.encode(&keyed_digest),
        }
    }

    fn keep(&mut self, stored: Stored) {
        // Sentence 11: a secret is never stored, in whatever form.
        let body = std::str::from_utf8(&stored.body).expect("a body is JSON, which is text");
        let found = SECRETS.iter().any(|secret| body.contains(secret));
        assert!(!found, "a secret is in the body of a durable {} entry", stored.kind);
        let at = self.durable.len();
        let c = &stored.columns;
        if let (Some(session), Some(epoch), Some(offset)) = (&c.session, c.epoch, c.stream_offset) {
            self.sending.insert((session.to_string(), epoch, offset), at);
            self.sent.extend(stored.exchange);
        }
        if let (Some(key), Some(exchange), "accepted") = (&c.idempotency_key, stored.exchange, stored.kind) {
            self.keys.insert(key.as_ref().into(), exchange);
        }
        if let Some((notice, rule, key)) = &stored.notice {
            self.notice_ids.insert(*notice);
            self.came.extend(stored.came.map(|came| (*notice, came)));
            self.notices.entry((rule.clone(), key.clone())).or_default().insert(*notice);
        }
        self.commands.extend(stored.command.clone());
        if let Some((key, is_open)) = &stored.opening {
            self.opened.insert(key.clone(), *is_open);
        }
        // A contradiction says what an answer said, which is not what became of the exchange.
        if let (Some(exchange), Some(outcome), "outcome") = (stored.exchange, &c.outcome, stored.kind) {
            let cause = c.cause.as_deref().unwrap_or_default().to_string();
            self.outcomes.entry(exchange).or_default().push((outcome.to_string(), cause));
        }
        self.durable.push(stored);
    }

    /// The durable entry that says that a frame begins here.
    pub(crate) fn sending(&self, session: &str, epoch: u32, offset: u64) -> Option<&Stored> {
        self.sending.get(&(session.to_string(), epoch, offset)).map(|at| &self.durable[*at])
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
