use alloc::boxed::Box;
use alloc::collections::{BTreeMap, VecDeque};
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use pabal_clock::{BusinessDate, Now};
use pabal_telegram::{Decimal, Slice};

use crate::key::Key;
use crate::output::{Connection, LineId};

mod notice;
mod tally;

pub use notice::{Gap, Notice};
pub use tally::Tally;

/// What the institution knows: the truth that outcomes are checked against.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    requests: BTreeMap<Key, Request>,
    notices: BTreeMap<Key, Notice>,
    /// In the order in which they came or were made.
    order: VecDeque<(Kind, Key)>,
    gaps: BTreeMap<Key, Gap>,
    openings: BTreeMap<Box<[u8]>, Opened>,
    participant: Option<Slice>,
    tallies: BTreeMap<Box<[u8]>, Tally>,
    lines: Vec<LineCount>,
    strangers: Vec<Stranger>,
    totals: Totals,
    kept_max: usize,
}

/// What the ledger keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Request,
    Notice,
    Gap,
}

/// When business was opened.
#[derive(Clone, Copy, Debug)]
struct Opened {
    date: BusinessDate,
    /// Seconds since the date changed.
    at: u32,
}

/// One key that a request came with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The exchange's name in the spec.
    pub exchange: Arc<str>,
    /// The reply of the scenario that was chosen for it at first, by name.
    pub reply: Option<Arc<str>>,
    /// When it came first.
    pub received_at: Now,
    /// Where it came first.
    pub connection: Connection,
    /// The first telegram with this key, length prefix not included.
    pub telegram: Box<[u8]>,
    /// How often a telegram with this key came.
    pub received: u32,
    /// Whether one of them was not the same, byte by byte, as the first.
    pub differs: bool,
    /// Bytes of all of them, length prefixes included.
    pub received_bytes: u64,
    /// How often it was executed: whatever is more than once is a double payment.
    pub executed: u32,
    /// What the scenario's `amount` names, once.
    pub amount: Option<Decimal>,
    /// The answer that was made to the first, sent or not.
    pub answer: Option<Box<[u8]>>,
    /// Answers that were handed to a session, in order.
    pub answers: Vec<Answer>,
    /// What is wrong with the fields of the first, masked.
    pub faults: Vec<String>,
}

/// An answer that was handed to a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// When.
    pub at: Now,
    /// By which connection.
    pub connection: Connection,
    /// What its response code says, padding included.
    pub response_code: Box<[u8]>,
    /// In which way it was sent: the word of `do`, or `as it should`.
    pub conduct: &'static str,
}

/// The connections of a line, as the institution counts them: from accept or connect until the other side's FIN or RST was seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LineCount {
    /// Now.
    pub open: u32,
    /// The most that there ever were at once.
    pub peak: u32,
    /// All that there ever were.
    pub total: u32,
    /// How many were one too many.
    pub over_limit: u32,
}

/// Something that came and that this side does not expect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stranger {
    /// When.
    pub at: Now,
    /// Where.
    pub connection: Connection,
    /// Its bytes, length prefix not included; empty if the stream could not be cut.
    pub frame: Box<[u8]>,
    /// Why it is strange.
    pub why: String,
}

/// Sums over everything, what was forgotten included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Bytes received, whatever they were.
    pub received_bytes: u64,
    /// Telegrams of any kind.
    pub telegrams: u64,
    /// Requests, duplicates included.
    pub requests: u64,
    /// Requests whose key was received before.
    pub duplicates: u64,
    /// Executions of requests that move money: an opening is none.
    pub executed: u64,
    /// The sum of the amounts of all executions, each rescaled to no decimals if that is exact.
    pub amount: i128,
    /// Answers handed to a session.
    pub answers: u64,
    /// Notices that were made, also those that were withheld.
    pub issued: u64,
    /// Notices handed to a session, resends included.
    pub notices: u64,
    /// Requests for a notice that the gateway has not seen.
    pub gaps: u64,
    /// Replies to notices.
    pub notice_replies: u64,
    /// Poll telegrams received.
    pub polls: u64,
    /// Requests to sign on.
    pub sign_ons: u64,
    /// Requests to sign off.
    pub sign_offs: u64,
    /// Requests with faulty fields.
    pub faulty: u64,
    /// Strange frames and streams.
    pub strangers: u64,
    /// Answers and notices that never reached a session.
    pub lost: u64,
    /// Requests and notices that the ledger has forgotten.
    pub forgotten: u64,
}

/// Strange frames that are kept.
const STRANGERS_MAX: usize = 1_000;

impl Ledger {
    pub(crate) fn new(lines: usize, kept_max: u32, participant: Option<Slice>) -> Self {
        Self {
            participant,
            lines: alloc::vec![LineCount::default(); lines],
            kept_max: usize::try_from(kept_max).unwrap_or(usize::MAX),
            ..Self::default()
        }
    }

    /// A request by its key.
    #[must_use]
    pub fn request(&self, key: &Key) -> Option<&Request> {
        self.requests.get(key)
    }

    /// Every request, by key.
    pub fn requests(&self) -> impl Iterator<Item = (&Key, &Request)> {
        self.requests.iter()
    }

    /// Whether a request was executed (at least once).
    #[must_use]
    pub fn executed(&self, key: &Key) -> bool {
        self.requests.get(key).is_some_and(|request| request.executed > 0)
    }

    /// Bytes that came with a key, length prefixes included; 0 if none did.
    #[must_use]
    pub fn received_bytes(&self, key: &Key) -> u64 {
        self.requests.get(key).map_or(0, |request| request.received_bytes)
    }

    /// How the institution counts the connections of a line; zeros for a line that there is not.
    #[must_use]
    pub fn line(&self, line: LineId) -> LineCount {
        self.lines.get(usize::from(line.0)).copied().unwrap_or_default()
    }

    /// Frames that this side does not expect: the first thousand.
    #[must_use]
    pub fn strangers(&self) -> &[Stranger] {
        &self.strangers
    }

    /// Sums.
    #[must_use]
    pub const fn totals(&self) -> Totals {
        self.totals
    }

    /// Openings that hold on a business date.
    #[must_use]
    pub fn open_on(&self, date: BusinessDate) -> usize {
        self.openings.values().filter(|opened| opened.date == date).count()
    }

    /// When business was opened on this date, in seconds since the date changed.
    pub(crate) fn opened_at(&self, per: &[u8], date: BusinessDate) -> Option<u32> {
        self.openings.get(per).filter(|opened| opened.date == date).map(|opened| opened.at)
    }

    pub(crate) fn open(&mut self, per: &[u8], date: BusinessDate, at: u32) {
        self.openings.insert(per.into(), Opened { date, at });
    }

    pub(crate) fn close_business(&mut self, per: &[u8]) {
        self.openings.remove(per);
    }

    pub(crate) const fn totals_mut(&mut self) -> &mut Totals {
        &mut self.totals
    }

    pub(crate) fn request_mut(&mut self, key: &Key) -> Option<&mut Request> {
        self.requests.get_mut(key)
    }

    /// Takes a request down and says how often its key has come, this time included.
    pub(crate) fn receive(&mut self, key: &Key, request: Request) -> u32 {
        self.totals.requests += 1;
        self.tally(&request.telegram).requests += 1;
        if let Some(known) = self.requests.get_mut(key) {
            self.totals.duplicates += 1;
            known.received = known.received.saturating_add(1);
            known.received_bytes += request.received_bytes;
            known.differs |= known.telegram != request.telegram;
            let received = known.received;
            self.tally(&request.telegram).duplicates += 1;
            return received;
        }
        self.make_room();
        self.order.push_back((Kind::Request, key.clone()));
        self.requests.insert(key.clone(), request);
        1
    }

    /// A request is executed; `money`: that moves money.
    pub(crate) fn execute(&mut self, key: &Key, amount: Option<Decimal>, money: bool) {
        let Some(request) = self.requests.get_mut(key) else { return };
        request.executed = request.executed.saturating_add(1);
        request.amount = amount;
        self.totals.executed += u64::from(money);
        let whole = amount.and_then(|amount| amount.rescale(0)).map_or(0, |amount| amount.units);
        self.totals.amount = self.totals.amount.saturating_add(whole);
        let telegram = request.telegram.clone();
        let tally = self.tally(&telegram);
        tally.executed += u64::from(money);
        tally.amount = tally.amount.saturating_add(whole);
    }

    pub(crate) fn answer(&mut self, key: &Key, answer: Answer) {
        self.totals.answers += 1;
        if let Some(request) = self.requests.get_mut(key) {
            request.answers.push(answer);
        }
    }

    pub(crate) fn connected(&mut self, line: LineId, over_limit: bool) {
        if let Some(count) = self.lines.get_mut(usize::from(line.0)) {
            count.open += 1;
            count.total += 1;
            count.peak = count.peak.max(count.open);
            count.over_limit += u32::from(over_limit);
        }
    }

    pub(crate) fn closed(&mut self, line: LineId) {
        if let Some(count) = self.lines.get_mut(usize::from(line.0)) {
            assert!(count.open > 0, "a connection ends once");
            count.open -= 1;
        }
    }

    pub(crate) fn stranger(&mut self, stranger: Stranger) {
        self.totals.strangers += 1;
        if self.strangers.len() < STRANGERS_MAX {
            self.strangers.push(stranger);
        }
    }

    fn make_room(&mut self) {
        while self.order.len() >= self.kept_max.max(1) {
            match self.order.pop_front() {
                Some((Kind::Request, key)) => drop(self.requests.remove(&key)),
                Some((Kind::Notice, key)) => drop(self.notices.remove(&key)),
                Some((Kind::Gap, key)) => drop(self.gaps.remove(&key)),
                None => {}
            }
            self.totals.forgotten += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(telegram: &[u8]) -> Request {
        Request {
            exchange: "transfer".into(),
            reply: None,
            received_at: Now::default(),
            connection: Connection(1),
            telegram: telegram.into(),
            received: 1,
            differs: false,
            received_bytes: 304,
            executed: 0,
            amount: None,
            answer: None,
            answers: Vec::new(),
            faults: Vec::new(),
        }
    }

    fn key(number: u32) -> Key {
        Key::new(&[b"20261121", &number.to_be_bytes()])
    }

    #[test]
    fn a_second_with_the_same_key_is_counted_and_compared() {
        let mut ledger = Ledger::new(1, 10, None);
        assert_eq!(ledger.receive(&key(1), request(b"a")), 1);
        assert_eq!(ledger.receive(&key(1), request(b"a")), 2);
        assert!(!ledger.request(&key(1)).unwrap().differs);
        assert_eq!(ledger.receive(&key(1), request(b"b")), 3);
        assert!(ledger.request(&key(1)).unwrap().differs);
        assert_eq!(ledger.received_bytes(&key(1)), 3 * 304);
        assert_eq!(ledger.received_bytes(&key(2)), 0);
        assert_eq!((ledger.totals().requests, ledger.totals().duplicates), (3, 2));
    }

    #[test]
    fn money_that_moved_is_summed() {
        let mut ledger = Ledger::new(1, 10, None);
        ledger.receive(&key(1), request(b"a"));
        assert!(!ledger.executed(&key(1)));
        ledger.execute(&key(1), Some(Decimal::whole(150_000)), true);
        ledger.execute(&key(1), Some(Decimal::whole(150_000)), true);
        assert!(ledger.executed(&key(1)));
        assert_eq!(ledger.request(&key(1)).unwrap().executed, 2);
        assert_eq!((ledger.totals().executed, ledger.totals().amount), (2, 300_000));
        ledger.receive(&key(2), request(b"opening"));
        ledger.execute(&key(2), None, false);
        assert!(ledger.executed(&key(2)));
        assert_eq!(ledger.totals().executed, 2);
    }

    #[test]
    fn the_oldest_is_forgotten_first() {
        let mut ledger = Ledger::new(1, 2, None);
        for number in 1..=3 {
            ledger.receive(&key(number), request(b"a"));
        }
        assert!(ledger.request(&key(1)).is_none());
        assert!(ledger.request(&key(3)).is_some());
        assert_eq!(ledger.totals().forgotten, 1);
        assert_eq!(ledger.totals().requests, 3);
    }

    #[test]
    fn the_most_connections_at_once_are_remembered() {
        let mut ledger = Ledger::new(1, 2, None);
        let line = LineId(0);
        ledger.connected(line, false);
        ledger.connected(line, true);
        ledger.closed(line);
        ledger.connected(line, false);
        assert_eq!(ledger.line(line), LineCount { open: 2, peak: 2, total: 3, over_limit: 1 });
    }
}
