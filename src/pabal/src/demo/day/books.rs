//! What the gateway has written down and told, beside what the banks know.

use std::collections::{BTreeMap, BTreeSet};

use pabal_counterparty::{Key, Ledger};
use pabal_spec::Protocol;
use pabal_switch::{Delivery, Entry, ExchangeId, NoticeId, OpeningState, Outcome};

use super::plan::BANKS;
use super::won;
use crate::table::{Align, Table};

/// One exchange of ours, as the journal has it.
#[derive(Debug, Default)]
struct Kept {
    rule: String,
    bank: String,
    /// The telegram as it was sent; `None`: no byte of it left.
    sent: Option<Vec<u8>>,
    outcome: Option<Outcome>,
}

/// What the gateway knows, from its journal, and what its service was given.
#[derive(Debug, Default)]
pub(super) struct Books {
    exchanges: BTreeMap<ExchangeId, Kept>,
    /// Openings that were gained, by bank.
    opened: BTreeMap<String, u64>,
    notices: BTreeMap<NoticeId, String>,
    /// Replies to notices, by bank.
    replied: BTreeMap<String, u64>,
    /// Notices that the service was given: of which bank, and whether each is about a transfer that fails after all.
    given: BTreeMap<NoticeId, (String, bool)>,
    /// What nobody but a person does anything about any more.
    listed: BTreeSet<ExchangeId>,
}

/// One number twice: what the gateway says, and what the bank says.
#[derive(Clone, Copy, Debug, Default)]
struct Pair {
    gateway: i128,
    bank: i128,
}

/// One bank's line of the summary.
#[derive(Clone, Copy, Debug, Default)]
struct Line {
    opened: Pair,
    executed: Pair,
    amount: Pair,
    refused: Pair,
    notices: Pair,
    replied: Pair,
    asked: Pair,
    failed: Pair,
    /// UNKNOWN at the end: on the list of what a person must look at.
    unknown: u64,
}

impl Books {
    /// Reads the journal.
    pub(super) fn read(entries: impl Iterator<Item = Result<Entry, Box<str>>>) -> Result<Self, Box<str>> {
        let mut books = Self::default();
        for entry in entries {
            match entry? {
                Entry::Accepted(accepted) => {
                    let kept = books.exchanges.entry(accepted.exchange).or_default();
                    kept.rule = accepted.about.rule.to_string();
                    kept.bank = accepted.about.participant.readable();
                }
                Entry::Sending(sending) => {
                    books.exchanges.entry(sending.exchange).or_default().sent = Some(sending.telegram.bytes.to_vec());
                }
                Entry::Outcome(concluded) => {
                    books.exchanges.entry(concluded.exchange).or_default().outcome = Some(concluded.outcome);
                }
                Entry::Listed(listed) => drop(books.listed.insert(listed.exchange)),
                Entry::Opening(opening) if opening.state == OpeningState::Open => {
                    let bank = opening.key.values.last().map(|value| value.escape_ascii().to_string());
                    *books.opened.entry(bank.unwrap_or_default()).or_default() += 1;
                }
                Entry::NoticeReceived(notice) => {
                    books.notices.insert(notice.notice, notice.about.participant.readable());
                }
                Entry::NoticeReplied(replied) if replied.place.is_some() => {
                    let bank = books.notices.get(&replied.notice).cloned().unwrap_or_default();
                    *books.replied.entry(bank).or_default() += 1;
                }
                _ => {}
            }
        }
        Ok(books)
    }

    /// The service was given a notice; the same one has the same id each time.
    pub(super) fn give(&mut self, delivery: &Delivery) {
        let fails = &*delivery.rule == "transfer_fail" && delivery.joined.is_some();
        self.given.insert(delivery.notice, (delivery.participant.readable(), fails));
    }

    /// How many transfers are on the list of what a person must look at.
    pub(super) fn listed(&self) -> usize {
        let is_transfer =
            |exchange: &&ExchangeId| self.exchanges.get(exchange).is_some_and(|kept| kept.rule == "transfer");
        self.listed.iter().filter(is_transfer).count()
    }

    /// Transfers to a bank that were sent.
    fn transfers<'b>(&'b self, bank: &'b str) -> impl Iterator<Item = &'b Kept> {
        self.exchanges.values().filter(move |kept| kept.rule == "transfer" && kept.bank == bank && kept.sent.is_some())
    }

    /// Each transfer against the bank's ledger: what is said of it, and whether it was executed. What does not agree is told.
    pub(super) fn disagreements(&self, protocol: &Protocol, ledger: &Ledger) -> Vec<String> {
        let mut wrong = Vec::new();
        let mut known = BTreeSet::new();
        for kept in self.exchanges.values().filter(|kept| kept.rule == "transfer") {
            let Some(sent) = &kept.sent else { continue };
            let Some(key) = Key::of(sent, &protocol.rules.key) else { continue };
            let request = ledger.request(&key);
            let executed = request.map_or(0, |request| request.executed);
            let says = kept.outcome.map_or("nothing", |outcome| outcome.word());
            let agrees = match kept.outcome {
                Some(Outcome::Success { .. }) => executed == 1,
                Some(Outcome::Failure { .. }) => executed == 0,
                Some(Outcome::Unknown { .. }) => executed <= 1,
                None => false,
            };
            if !agrees || request.is_some_and(|request| request.received != 1) {
                wrong.push(format!("transfer {key}: the gateway says {says}, the bank executed it {executed} times"));
            }
            known.insert(key);
        }
        let strange =
            ledger.requests().filter(|(key, request)| &*request.exchange == "transfer" && !known.contains(key));
        wrong.extend(strange.map(|(key, _)| format!("transfer {key}: the bank has it, the journal does not")));
        wrong
    }

    /// The table of the summary, and whether each of its lines agrees.
    pub(super) fn table(&self, protocol: &Protocol, ledger: &Ledger) -> (Vec<String>, bool) {
        let right = Align::Right;
        let mut table = Table::new(&[
            ("bank", Align::Left),
            ("", Align::Left),
            ("opened", right),
            ("executed", right),
            ("won", right),
            ("refused", right),
            ("unknown", right),
            ("notices", right),
            ("replies", right),
            ("holes asked", right),
            ("failed after all", right),
            ("", Align::Left),
        ]);
        let mut total = Line::default();
        let mut all = true;
        for (code, name) in BANKS {
            let line = self.line(code, protocol, ledger);
            all &= line.agrees();
            total.add(&line);
            table.row(line.cells(code, name));
        }
        table.row(total.cells("", "36 banks"));
        (table.lines(), all)
    }

    fn line(&self, bank: &str, protocol: &Protocol, ledger: &Ledger) -> Line {
        let tally = ledger.participant(bank.as_bytes());
        let count = |is: fn(&Outcome) -> bool| {
            self.transfers(bank).filter(|kept| kept.outcome.as_ref().is_some_and(is)).count() as u64
        };
        let is_unknown = |outcome: &Outcome| matches!(outcome, Outcome::Unknown { .. });
        let (success, unknown) = (count(|outcome| matches!(outcome, Outcome::Success { .. })), count(is_unknown));
        let refused = count(|outcome| matches!(outcome, Outcome::Failure { .. }));
        let amount = protocol.catalog.find("transfer").and_then(|(_, layout)| layout.find("debit_amt"));
        let amount_of = |kept: &Kept| -> i128 {
            let digits = amount.and_then(|(_, field)| field.at.of(kept.sent.as_deref()?));
            digits.and_then(|digits| std::str::from_utf8(digits).ok()?.parse().ok()).unwrap_or(0)
        };
        // What is UNKNOWN to the end is what the bank has executed and cannot say so: its ledger decides.
        let executed = |kept: &&Kept| match kept.outcome {
            Some(Outcome::Success { .. }) => true,
            Some(Outcome::Unknown { .. }) => {
                let key = kept.sent.as_deref().and_then(|sent| Key::of(sent, &protocol.rules.key));
                key.is_some_and(|key| ledger.executed(&key))
            }
            _ => false,
        };
        let open = self.transfers(bank).filter(executed).count() as u64 - success;
        let asked = self.exchanges.values().filter(|kept| kept.rule == "deposit_gap" && kept.bank == bank);
        let fails = |telegram: &[u8]| {
            let layout = protocol.catalog.select(telegram).ok().map(|id| protocol.catalog.layout(id));
            layout.is_some_and(|layout| layout.name() == "transfer_fail")
        };
        let own = |telegram: &[u8]| {
            let at = protocol.rules.participant.as_ref().map(|(_, at)| *at);
            at.and_then(|at| at.of(telegram)) == Some(bank.as_bytes())
        };
        let of_ledger = ledger.notices().filter(|(_, notice)| own(&notice.telegram));
        let given = self.given.values().filter(|(of, _)| of == bank);
        Line {
            opened: Pair::of(self.opened.get(bank).copied().unwrap_or(0), tally.openings + tally.already_open),
            executed: Pair::of(success + open, tally.executed),
            amount: Pair { gateway: self.transfers(bank).filter(executed).map(amount_of).sum(), bank: tally.amount },
            refused: Pair::of(refused, tally.refused),
            notices: Pair::of(given.clone().count() as u64, tally.issued),
            replied: Pair::of(self.replied.get(bank).copied().unwrap_or(0), tally.replied(b"0000")),
            asked: Pair::of(asked.filter(|kept| kept.sent.is_some()).count() as u64, tally.gaps),
            failed: Pair::of(
                given.filter(|(_, fails)| *fails).count() as u64,
                of_ledger.filter(|(_, notice)| fails(&notice.telegram)).count() as u64,
            ),
            unknown,
        }
    }
}

impl Pair {
    fn of(gateway: u64, bank: u64) -> Self {
        Self { gateway: gateway.into(), bank: bank.into() }
    }

    /// One number if both say the same, else both.
    fn cell(self) -> String {
        if self.gateway == self.bank { won(self.bank) } else { format!("{} / {}", won(self.gateway), won(self.bank)) }
    }
}

impl Line {
    const fn pairs(&self) -> [Pair; 8] {
        [self.opened, self.executed, self.amount, self.refused, self.notices, self.replied, self.asked, self.failed]
    }

    fn agrees(&self) -> bool {
        self.pairs().iter().all(|pair| pair.gateway == pair.bank)
    }

    fn add(&mut self, other: &Self) {
        let ours = [
            &mut self.opened,
            &mut self.executed,
            &mut self.amount,
            &mut self.refused,
            &mut self.notices,
            &mut self.replied,
            &mut self.asked,
            &mut self.failed,
        ];
        for (sum, pair) in ours.into_iter().zip(other.pairs()) {
            sum.gateway += pair.gateway;
            sum.bank += pair.bank;
        }
        self.unknown += other.unknown;
    }

    fn cells(&self, code: &str, name: &str) -> Vec<String> {
        // A zero says little among many numbers.
        let cell = |pair: Pair| if pair.gateway == 0 && pair.bank == 0 { "-".into() } else { pair.cell() };
        let unknown = if self.unknown == 0 { "-".into() } else { self.unknown.to_string() };
        let agrees = if self.agrees() { "agrees" } else { "DIFFERS" };
        vec![
            code.into(),
            name.into(),
            cell(self.opened),
            cell(self.executed),
            cell(self.amount),
            cell(self.refused),
            unknown,
            cell(self.notices),
            cell(self.replied),
            cell(self.asked),
            cell(self.failed),
            agrees.into(),
        ]
    }
}

#[cfg(test)]
mod tests {
    use pabal_clock::{BusinessDate, Date};
    use pabal_switch::OpeningKey;
    use pabal_switch::entry::OpeningChanged;

    use super::*;
    use crate::specs;

    /// The journal says that this bank was opened.
    fn opened(bank: &str) -> Entry {
        let date = Date::new(2026, 11, 23).expect("a day");
        Entry::Opening(OpeningChanged {
            protocol: "firmbanking".into(),
            party: "main".into(),
            key: OpeningKey {
                values: vec![b"PABALCO1    "[..].into(), bank.as_bytes().into()],
                date: BusinessDate::from_date(date),
            },
            state: OpeningState::Open,
            reason: None,
        })
    }

    #[test]
    fn what_one_side_says_alone_is_shown_and_does_not_agree() {
        let protocol = specs::protocol(&specs::load("hecto").expect("it is built in"), None).expect("it has one");
        let ledger = Ledger::default();
        let (_, agree) = Books::default().table(&protocol, &ledger);
        assert!(agree, "nothing was done, and both say so");

        let books = Books::read([Ok(opened("004"))].into_iter()).expect("it can be read");
        let (lines, agree) = books.table(&protocol, &ledger);
        assert!(!agree);
        let differing: Vec<_> = lines.iter().filter(|line| line.ends_with("DIFFERS")).collect();
        assert_eq!(differing.len(), 2, "the bank's line and the sum: {differing:?}");
        assert!(differing[0].starts_with("004") && differing[0].contains("1 / 0"), "{}", differing[0]);
    }

    #[test]
    fn a_transfer_without_an_outcome_does_not_agree() {
        let protocol = specs::protocol(&specs::load("hecto").expect("it is built in"), None).expect("it has one");
        let mut books = Books::default();
        let id = ExchangeId(1);
        books.exchanges.insert(
            id,
            Kept { rule: "transfer".into(), bank: "004".into(), sent: Some(vec![b'0'; 300]), outcome: None },
        );
        assert_eq!(books.disagreements(&protocol, &Ledger::default()).len(), 1);
    }
}
