//! What is told of the day, line by line.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use pabal_counterparty::Event as BankEvent;
use pabal_switch::{Delivery, Event, ExchangeId, NoticeId, OpeningState, Outcome, Report};

use super::plan::{BANKS, LATE, SILENT, Transfer, clock};
use super::stage::Told;
use super::won;

/// Openings that come within this time are told in one line.
const TOGETHER: Duration = Duration::from_secs(10);
/// Banks that are named one by one; of more, only how many there are is told.
const NAMED_MAX: usize = 4;

/// A transfer that was asked for.
#[derive(Debug)]
struct Asked {
    at: Duration,
    bank: &'static str,
    amount: u64,
    why: Option<&'static str>,
    outcome: Option<Outcome>,
}

/// What must be seen on such a day, or it was not the day that it should be.
const WANTED: [&str; 11] = [
    "a bank that opens late",
    "a bank that forgot its opening",
    "a refused transfer",
    "an UNKNOWN that an inquiry settles",
    "an UNKNOWN that a late answer settles",
    "a hole that is asked for and comes back",
    "a hole that a fresh notice fills",
    "a hole behind which there is nothing",
    "a deposit that comes again",
    "a transfer that fails after all",
    "openings of the next day",
];

#[derive(Debug, Default)]
pub(super) struct Timeline {
    asked: BTreeMap<ExchangeId, Asked>,
    /// Refused before any byte left.
    refused: u64,
    /// Banks that have just been opened, lost, or not opened, and when the first of them was.
    changed: BTreeMap<String, OpeningState>,
    changed_at: Duration,
    /// Banks of which it was told that they could not be opened; not told again until they are.
    closed: BTreeSet<String>,
    deliveries: Vec<Delivery>,
    given: BTreeSet<NoticeId>,
    /// The slowest answer of another bank while one was silent.
    slowest: Duration,
    /// Keys of notices that were asked for and have not come yet.
    holes: BTreeSet<String>,
    seen: BTreeSet<&'static str>,
    silence_told: bool,
}

impl Timeline {
    /// A line of its own.
    pub(super) fn say(&mut self, when: u32, text: &str) {
        self.flush();
        line(when, text);
    }

    /// A caller has asked, or was refused at once.
    pub(super) fn ask(&mut self, at: Duration, transfer: &Transfer, opened: Result<ExchangeId, String>) {
        let Transfer { bank, amount, why, .. } = *transfer;
        match opened {
            Ok(exchange) => {
                self.asked.insert(exchange, Asked { at, bank, amount, why, outcome: None });
            }
            Err(refusal) => {
                self.refused += 1;
                if let Some(why) = why {
                    self.say(whole(at), &format!("{}  nothing left: {refusal}", story(bank, amount, why)));
                }
            }
        }
        if !self.silence_told && whole(at) >= SILENT.1 {
            self.silence_told = true;
            self.say(
                SILENT.1,
                &format!("{} hears everything and says nothing until {}", name(SILENT.0), clock(SILENT.2)),
            );
        }
    }

    /// How far the day is.
    pub(super) fn so_far(&mut self, when: u32) {
        let count = |is: fn(&Outcome) -> bool| {
            self.asked.values().filter(|asked| asked.outcome.as_ref().is_some_and(is)).count()
        };
        let text = format!(
            "so far: {} transfers SUCCESS, {} FAILURE, {} UNKNOWN, {} not sent; {} notices",
            won(count(|outcome| matches!(outcome, Outcome::Success { .. })) as i128),
            count(|outcome| matches!(outcome, Outcome::Failure { .. })),
            count(|outcome| matches!(outcome, Outcome::Unknown { .. })),
            self.refused,
            self.given.len(),
        );
        self.say(when, &text);
    }

    /// How the others fared beside the silent bank.
    pub(super) fn of_the_silent(&mut self, when: u32) {
        let during = |asked: &&Asked| (SILENT.1..SILENT.2).contains(&whole(asked.at));
        let (silent, others): (Vec<_>, Vec<_>) =
            self.asked.values().filter(during).partition(|asked| asked.bank == SILENT.0);
        let unknown = silent.iter().filter(|asked| asked.outcome.is_some_and(|outcome| !outcome.is_final())).count();
        let answered = others.iter().filter(|asked| asked.outcome.is_some_and(|outcome| outcome.is_final())).count();
        let text = format!(
            "{unknown} of {} transfers are UNKNOWN there, and will be asked about; the other {} banks answered {answered} of {}, the \
             slowest in {} ms",
            silent.len(),
            BANKS.len() - 1,
            others.len(),
            self.slowest.as_millis()
        );
        self.say(when, &text);
    }

    /// What became of the silent bank's transfers.
    pub(super) fn silence_is_over(&mut self, when: u32) {
        let during = |asked: &&Asked| asked.bank == SILENT.0 && (SILENT.1..SILENT.2).contains(&whole(asked.at));
        let settled = |asked: &&Asked| asked.outcome.is_some_and(|outcome| outcome.cause().word() == "INQUIRY");
        let (all, by_inquiry) =
            (self.asked.values().filter(during).count(), self.asked.values().filter(during).filter(settled).count());
        self.say(
            when,
            &format!("{} speaks again; {by_inquiry} of the {all} were settled by inquiries", name(SILENT.0)),
        );
    }

    /// Something happened.
    pub(super) fn tell(&mut self, at: Duration, told: Told) {
        if !self.changed.is_empty() && at > self.changed_at + TOGETHER {
            self.flush();
        }
        match told {
            Told::Finish(exchange, report) => self.finished(at, exchange, &report),
            Told::Notice(delivery) => self.notice(at, delivery),
            Told::Gateway(event) => self.gateway(at, event),
            Told::Bank(event) => self.bank(at, event),
        }
    }

    fn finished(&mut self, at: Duration, exchange: ExchangeId, report: &Report) {
        let Some(asked) = self.asked.get_mut(&exchange) else { return };
        let text = match report {
            Report::Outcome { outcome, .. } => {
                let was_unknown = asked.outcome.is_some_and(|outcome| !outcome.is_final());
                asked.outcome = Some(*outcome);
                match outcome {
                    Outcome::Failure { .. } if !was_unknown => self.seen.insert("a refused transfer"),
                    Outcome::Success { cause } if was_unknown && cause.word() == "INQUIRY" => {
                        self.seen.insert("an UNKNOWN that an inquiry settles")
                    }
                    Outcome::Success { .. } if was_unknown => self.seen.insert("an UNKNOWN that a late answer settles"),
                    _ => false,
                };
                format!("{} ({})", outcome.word(), outcome.cause())
            }
            Report::NotSent { refusal, .. } => {
                self.refused += 1;
                format!("nothing left: {refusal}")
            }
        };
        let beside = asked.bank != SILENT.0 && (SILENT.1..SILENT.2).contains(&whole(asked.at)) && asked.why.is_none();
        if beside {
            self.slowest = self.slowest.max(at.saturating_sub(asked.at));
        }
        if let Some(why) = asked.why {
            let text = format!("{}  {text}", story(asked.bank, asked.amount, why));
            self.say(whole(at), &text);
        }
    }

    fn notice(&mut self, at: Duration, delivery: Box<Delivery>) {
        let bank = name(&delivery.participant.readable());
        let number = delivery.number.as_deref().unwrap_or("?").trim_start_matches('0').to_string();
        let again = !self.given.insert(delivery.notice);
        if delivery.recovered_by.is_some() {
            self.seen.insert("a hole that is asked for and comes back");
            self.say(
                whole(at),
                &format!("{bank} answers with its notice {number}: the hole is closed, the service has it"),
            );
        } else if again {
            self.seen.insert("a deposit that comes again");
            self.say(whole(at), &format!("{bank} sends its notice {number} again: the same id, the same reply"));
        }
        self.deliveries.push(*delivery);
    }

    fn gateway(&mut self, at: Duration, event: Event) {
        match event {
            Event::Opening { key, to } => {
                let bank = key.values.last().map(|value| value.escape_ascii().to_string()).unwrap_or_default();
                let is_new = match to {
                    OpeningState::Open => {
                        self.closed.remove(&bank);
                        true
                    }
                    OpeningState::Lost => true,
                    // At midnight all of them are: that is told once.
                    OpeningState::Closed => !whole(at).is_multiple_of(86_400) && self.closed.insert(bank.clone()),
                    OpeningState::Opening => false,
                };
                if is_new {
                    if self.changed.is_empty() {
                        self.changed_at = at;
                    }
                    self.changed.insert(bank, to);
                }
            }
            Event::Joined { .. } => {
                self.seen.insert("a transfer that fails after all");
                self.say(whole(at), "  the gateway joins it to its transfer, whose SUCCESS stays what it is");
            }
            Event::NotJoined { reason, .. } => {
                self.say(whole(at), &format!("  the gateway joins it to no transfer: {reason}"));
            }
            Event::NumbersMissing { scope, count, .. } => {
                self.say(whole(at), &format!("{count} notices of {scope} are missing and not asked for any more"));
            }
            _ => {}
        }
    }

    fn bank(&mut self, at: Duration, event: BankEvent) {
        match event {
            BankEvent::Withheld { key, .. } => {
                let (bank, number) = bank_and_number(&key.to_string());
                self.say(whole(at), &format!("{bank} tells of a deposit by its notice {number}, which gets lost"));
            }
            BankEvent::GapAsked { key, .. } => {
                let (bank, number) = bank_and_number(&key.to_string());
                let text =
                    format!("a later notice has shown the hole: the gateway asks {bank} for its notice {number}");
                self.say(whole(at), &text);
                self.holes.insert(key.to_string());
            }
            BankEvent::Answered { key, response_code, .. }
                if &*response_code != b"0000" && self.holes.remove(&key.to_string()) =>
            {
                let (bank, number) = bank_and_number(&key.to_string());
                self.seen.insert("a hole behind which there is nothing");
                self.say(whole(at), &format!("{bank} says that it has no notice {number}: nothing is missing"));
            }
            BankEvent::Notified { key, .. } if self.holes.remove(&key.to_string()) => {
                let (bank, number) = bank_and_number(&key.to_string());
                self.seen.insert("a hole that a fresh notice fills");
                let text =
                    format!("{bank} does not answer; it sends its notice {number} itself, which closes the hole");
                self.say(whole(at), &text);
            }
            BankEvent::Notified { key, notice, times: 1 } if notice.contains("credited") => {
                let (bank, _) = bank_and_number(&key.to_string());
                self.say(whole(at), &format!("{bank} tells that a transfer was {notice}"));
            }
            _ => {}
        }
    }

    /// Tells what the openings have come to.
    pub(super) fn flush(&mut self) {
        let changed = std::mem::take(&mut self.changed);
        if changed.is_empty() {
            return;
        }
        let of = |wanted: OpeningState| -> Vec<String> {
            changed.iter().filter(|(_, state)| **state == wanted).map(|(bank, _)| bank.clone()).collect()
        };
        let mut parts = Vec::new();
        for (state, word) in [
            (OpeningState::Open, "open"),
            (OpeningState::Closed, "not open yet, and tried again each minute"),
            (OpeningState::Lost, "not open any more, says the bank"),
        ] {
            let banks = of(state);
            if banks.is_empty() {
                continue;
            }
            let who = if banks.len() > NAMED_MAX {
                format!("{} banks", banks.len())
            } else {
                banks.iter().map(|bank| name(bank)).collect::<Vec<_>>().join(", ")
            };
            parts.push(format!("{who}: {word}"));
        }
        let when = whole(self.changed_at);
        if when >= 86_400 {
            self.seen.extend((!of(OpeningState::Open).is_empty()).then_some("openings of the next day"));
        } else if !of(OpeningState::Lost).is_empty() {
            self.seen.insert("a bank that forgot its opening");
        } else if of(OpeningState::Open).iter().any(|bank| LATE.contains(&&**bank)) {
            self.seen.insert("a bank that opens late");
        }
        line(when, &parts.join("; "));
    }

    /// The notices that the service was given.
    pub(super) fn deliveries(&self) -> impl Iterator<Item = &Delivery> {
        self.deliveries.iter()
    }

    /// The slowest answer of another bank while one was silent.
    pub(super) const fn slowest_beside_the_silent(&self) -> Duration {
        self.slowest
    }

    /// What was to be seen on this day and was not.
    pub(super) fn missing(&self) -> Vec<String> {
        let missing = WANTED.iter().filter(|wanted| !self.seen.contains(**wanted));
        missing.map(|wanted| format!("the day was to have {wanted}")).collect()
    }
}

fn line(when: u32, text: &str) {
    out!("{}  {text}", clock(when));
}

fn whole(at: Duration) -> u32 {
    u32::try_from(at.as_secs()).unwrap_or(u32::MAX)
}

/// `004 국민은행`.
fn name(code: &str) -> String {
    let known = BANKS.iter().find(|(known, _)| *known == code);
    known.map_or_else(|| code.to_string(), |(code, name)| format!("{code} {name}"))
}

fn story(bank: &str, amount: u64, why: &str) -> String {
    format!("{}, {} won ({why})", name(bank), won(amount.into()))
}

/// Of a notice's key: date, bank, company, number.
fn bank_and_number(key: &str) -> (String, String) {
    let mut parts = key.split(' ').skip(1);
    let bank = name(parts.next().unwrap_or_default());
    let number = parts.last().unwrap_or_default().trim_start_matches('0').to_string();
    (bank, number)
}
