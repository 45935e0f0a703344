//! `pabal demo --day`: a business day of 36 banks behind one relay, in seconds.
//!
//! It is the real core of the gateway and the real simulated banks, on a clock, a wire and a journal that are in memory: nothing
//! waits, and the same seed gives the same day.

mod books;
mod plan;
mod stage;
mod timeline;

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use pabal_clock::{Mono, Now, Wall};
use pabal_counterparty::{Counterparty, Settings as BankSettings};
use pabal_spec::Protocol;
use pabal_switch::{Direction, ExchangeId, Limits, LineSettings, LineSide, Open, Party, Plan, Settings};
use pabal_telegram::{Side, Value, encode};

use self::books::Books;
use self::plan::{Act, BANKS, SILENT, Transfer, acts, at, clock};
use self::stage::Stage;
use self::timeline::Timeline;
use super::title;
use crate::{exit, simulate, specs};

const INSTITUTION: &str = "hecto";
/// 2026-11-23 00:00:00 in Seoul, a Monday.
const BEGIN_UNIX_SECONDS: i64 = 1_795_359_600;
/// The demo ends half an hour and a little after the next midnight.
const END: u32 = 86_400 + at(0, 31, 0);
/// How long a caller waits.
const PATIENCE: Duration = Duration::from_secs(120);
/// Enough for a request to be durable and with the bank, and too little for an answer.
const JUST: Duration = Duration::from_millis(20);
/// The slowest that a bank may be while another one is silent: its own time and a little.
const SLOWEST: Duration = Duration::from_millis(500);

/// Plays the day, and says whether both sides' books agree.
pub(super) fn run(seed: u64) -> anyhow::Result<u8> {
    let mut day = Day::begin(seed)?;
    day.play()?;
    Ok(if day.close()? { exit::DONE } else { exit::FAILURE })
}

struct Day {
    stage: Stage,
    timeline: Timeline,
    protocol: Arc<Protocol>,
    plan: Arc<Plan>,
    begin: Mono,
    seed: u64,
    /// What was to be seen and was not.
    wrong: Vec<String>,
}

impl Day {
    fn begin(seed: u64) -> anyhow::Result<Self> {
        let institution = Arc::new(specs::load(INSTITUTION)?);
        let protocol = specs::protocol(&institution, None)?;
        let scenario = simulate::scenario(INSTITUTION, "day", &protocol)?;
        let (rule, _) = protocol.rules.exchange("transfer").context("the spec has no transfer")?;
        let plan = Arc::new(Plan::new(Arc::clone(&protocol), rule));
        let begin = Mono::from_nanos(1_000_000_000);
        let now = Now { mono: begin, wall: Wall::from_unix_seconds(BEGIN_UNIX_SECONDS) };
        let bank = Counterparty::new(Arc::clone(&protocol), scenario, BankSettings::pair(1), seed, now);
        out!(
            "A business day of {} banks behind one relay ({}), on a clock that does not wait.\n",
            BANKS.len(),
            institution.label
        );
        out!(
            "The gateway's core and the simulated banks are the real ones; wire and journal are in memory. The gateway"
        );
        out!(
            "opens business with each bank, callers ask for transfers, the banks tell of deposits, and things go wrong."
        );
        out!("At the end the gateway's journal and the banks' ledger are laid side by side.");
        title("Monday, 2026-11-23");
        let stage = Stage::set(institution, settings(), bank, seed, now);
        Ok(Self { stage, timeline: Timeline::default(), protocol, plan, begin, seed, wrong: Vec::new() })
    }

    fn play(&mut self) -> anyhow::Result<()> {
        for (when, act) in acts(self.seed) {
            self.run_until(when);
            match act {
                Act::Transfer(transfer) => self.ask(&transfer)?,
                Act::Cut => {
                    self.interrupt(when, "all connections are cut, as by a firewall that is started anew", Stage::cut)
                }
                Act::Kill => {
                    // A transfer has just been sent.
                    self.run_on(Duration::from_secs(when.into()) + JUST);
                    self.interrupt(
                        when,
                        "the process is killed; two seconds later another one begins with what the journal has",
                        Stage::kill,
                    );
                }
                Act::Tell => self.timeline.so_far(when),
                Act::TellOfTheSilent => self.timeline.of_the_silent(when),
                Act::TellOfItsEnd => self.timeline.silence_is_over(when),
            }
        }
        self.run_until(86_400);
        self.timeline.say(86_400, "a new day: all openings end, and numbers begin with 1 again");
        title("Tuesday, 2026-11-24");
        self.run_until(END);
        self.timeline.flush();
        Ok(())
    }

    fn run_until(&mut self, when: u32) {
        self.run_on(Duration::from_secs(when.into()));
    }

    fn run_on(&mut self, end: Duration) {
        self.stage.run_until(self.begin + end);
        for (now, told) in self.stage.told() {
            let seconds = now.mono.since(self.begin);
            self.timeline.tell(seconds, told);
        }
    }

    /// Something that must not open business a second time.
    fn interrupt(&mut self, when: u32, text: &str, what: fn(&mut Stage)) {
        let openings = |stage: &Stage| {
            stage.bank.ledger().by_participant().map(|(_, tally)| tally.openings + tally.already_open).sum::<u64>()
        };
        self.timeline.say(when, text);
        let before = openings(&self.stage);
        what(&mut self.stage);
        self.run_until(when + 20);
        let status = self.stage.core().map(pabal_switch::Core::status);
        let up = status.as_ref().is_some_and(|status| {
            status.sessions.iter().all(|session| session.state == pabal_switch::SessionState::Up)
        });
        let open = status.map_or(0, |status| {
            status.openings.iter().filter(|opening| opening.state == pabal_switch::OpeningState::Open).count()
        });
        let after = openings(&self.stage);
        let text = format!(
            "the sessions are {}; {open} banks are open as before, {} opened again",
            if up { "up again" } else { "NOT UP" },
            if after == before { "none was".to_string() } else { format!("{} WERE", after - before) }
        );
        self.timeline.say(when + 20, &text);
        if !up || after != before {
            self.wrong.push(format!("{}: {text}", clock(when)));
        }
    }

    fn ask(&mut self, transfer: &Transfer) -> anyhow::Result<()> {
        let amount = transfer.amount.to_string();
        let values = [
            ("bank_code", transfer.bank),
            ("debit_account", "110123456789"),
            ("passbook_pin", "1234"),
            ("check_symbol", "A1B2C3"),
            ("debit_amt", &amount),
            ("credit_bank_code", "011"),
            ("credit_account", &transfer.account),
            ("memo", "급여"),
        ]
        .map(|(name, value)| (name.to_string(), Value::from(value)));
        let telegram = match encode(self.plan.request_layout(), Side::Asker, &values) {
            Ok(telegram) => telegram,
            Err(faults) => bail!("the demo's own transfer is wrong: {faults:?}"),
        };
        let asked_at = self.stage.now.mono.since(self.begin);
        let open = Open {
            plan: Arc::clone(&self.plan),
            caller: "demo".into(),
            idempotency_key: None,
            party: None,
            telegram: telegram.into(),
            deadline: self.stage.now.mono + PATIENCE,
            accepts_early_unknown: true,
            trace: None,
        };
        let opened: Result<ExchangeId, _> = self.stage.open(open);
        self.timeline.ask(asked_at, transfer, opened.map_err(|(refusal, why)| format!("{refusal}, {why}")));
        Ok(())
    }

    /// The summary. `true`: both sides agree, and everything that was to be seen was.
    fn close(mut self) -> anyhow::Result<bool> {
        let mut books = Books::read(self.stage.entries()).map_err(|why| anyhow::anyhow!("the journal: {why}"))?;
        for delivery in self.timeline.deliveries() {
            books.give(delivery);
        }
        let ledger = self.stage.bank.ledger();
        let (lines, agree) = books.table(&self.protocol, ledger);
        title("The gateway's journal beside the banks' ledger");
        out!("One number: both say so. Two: the gateway's, and the bank's.\n");
        for line in lines {
            out!("{line}");
        }
        let listed = books.listed();
        if listed > 0 {
            out!(
                "\n{listed} UNKNOWN to the end: inquiries told of a part only, which settles nothing. Since 23:25 it is on the list of what a person"
            );
            out!("must look at; the bank's ledger says that it was executed.");
        }
        self.wrong.extend(books.disagreements(&self.protocol, ledger));
        self.wrong.extend(self.timeline.missing());
        let slowest = self.timeline.slowest_beside_the_silent();
        if slowest > SLOWEST {
            self.wrong.push(format!("bank {} was silent, and another one took {slowest:?}", SILENT.0));
        }
        out!();
        for wrong in &self.wrong {
            out!("WRONG: {wrong}");
        }
        let agree = agree && self.wrong.is_empty();
        out!("{}", if agree { "They agree, line by line and transfer by transfer." } else { "They do not agree." });
        Ok(agree)
    }
}

fn settings() -> Settings {
    let line = |name: &str, side, direction| LineSettings {
        window: 8,
        connect_timeout: Duration::from_secs(3),
        reconnect_min: Duration::from_millis(200),
        reconnect_max: Duration::from_secs(5),
        close_grace: Duration::from_secs(10),
        ..LineSettings::new(name, "firmbanking", side, direction)
    };
    let padded = |text: &str, len: usize| {
        let mut bytes = text.as_bytes().to_vec();
        bytes.resize(len, b' ');
        bytes.into_boxed_slice()
    };
    Settings {
        lines: vec![
            line("out", LineSide::Initiator, Direction::Send),
            line("in", LineSide::Acceptor, Direction::Receive),
        ],
        parties: vec![Party {
            name: "main".into(),
            fields: vec![("id_code".into(), padded("PABAL", 9)), ("company_no".into(), padded("PABALCO1", 12))],
            participants: BANKS.iter().map(|(code, _)| code.as_bytes().into()).collect(),
            exchanges: Vec::new(),
        }],
        limits: Limits {
            waiting_max: 100,
            tombstones_max: 10_000,
            tombstone_keep: Duration::from_secs(86_400),
            idempotency_keys_max: 10_000,
            number_block: 100,
            unknown_max: 1_000,
            notices_max: 10_000,
            ..Limits::default()
        },
        ..Settings::default()
    }
}

/// A number with commas.
fn won(number: i128) -> String {
    let digits = number.unsigned_abs().to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    if number < 0 { format!("-{text}") } else { text }
}

#[cfg(test)]
mod tests {
    use super::won;

    #[test]
    fn numbers_have_commas_from_behind() {
        let said: Vec<_> = [0, 999, 1_000, 12_345, 1_234_567, -1_000].map(won).into();
        assert_eq!(said, ["0", "999", "1,000", "12,345", "1,234,567", "-1,000"]);
    }
}
