use core::time::Duration;
use std::collections::BTreeMap;
use std::format;
use std::string::{String, ToString};
use std::vec;
use std::vec::Vec;

use pabal_clock::{Mono, Wall};
use pabal_telegram::{Deframer, Fill, Side, Telegram, Value, encode};

use super::*;
use crate::hecto;
use crate::output::Event;

mod anything;
mod business;
mod computed;
mod day;
mod gaps;
mod misbehave;
mod notices;
mod relay;
mod replies;
mod sessions;

const REQUESTS: LineId = LineId(0);
const ANSWERS: LineId = LineId(1);
/// The gateway's connection to the institution, and the institution's to the gateway.
const OURS: Connection = Connection(1);
const THEIRS: Connection = Connection(2);

const OPEN: &str = "[[reply]]\nexchange = \"open\"\nexecutes = true\nresponse_code = \"0000\"\n";
const TRANSFER: &str =
    "[[reply]]\nexchange = \"transfer\"\nexecutes = true\namount = \"debit_amt\"\nresponse_code = \"0000\"\n";

/// An institution with its clock, and what its connections have been sent.
struct Desk {
    counterparty: Counterparty,
    now: Now,
    deframers: BTreeMap<Connection, Deframer>,
    /// Telegrams that could be cut from what was sent.
    telegrams: Vec<(Connection, Vec<u8>)>,
    /// Everything else, one line each.
    log: Vec<String>,
    events: Vec<Event>,
    connects: usize,
}

impl Desk {
    /// Two sessions are up, one each way.
    fn new(scenario: &str) -> Self {
        let mut desk = Self::unconnected(scenario, Settings::pair(1), 7);
        desk.connected(OURS, REQUESTS);
        desk.connected(THEIRS, ANSWERS);
        desk
    }

    fn unconnected(scenario: &str, settings: Settings, seed: u64) -> Self {
        Self::speaking(hecto::protocol(), scenario, settings, seed)
    }

    fn speaking(protocol: Arc<Protocol>, scenario: &str, settings: Settings, seed: u64) -> Self {
        let scenario = match Scenario::parse(scenario, "test.toml", &protocol) {
            Ok(scenario) => scenario,
            Err(mistakes) => panic!("{}", mistakes.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")),
        };
        // 2026-11-21 10:15:30 in Seoul.
        let now = Now { mono: Mono::from_nanos(1_000_000_000), wall: Wall::from_unix_seconds(1_795_223_730) };
        let counterparty = Counterparty::new(protocol, Arc::new(scenario), settings, seed, now);
        let mut desk = Self {
            counterparty,
            now,
            deframers: BTreeMap::new(),
            telegrams: Vec::new(),
            log: Vec::new(),
            events: Vec::new(),
            connects: 0,
        };
        desk.drain();
        desk
    }

    fn connected(&mut self, connection: Connection, line: LineId) {
        self.deframers.insert(connection, Deframer::new(self.counterparty.protocol().framing.clone()));
        self.counterparty.handle_connected(connection, line, self.now);
        self.drain();
    }

    fn drain(&mut self) {
        while let Some(output) = self.counterparty.poll_output() {
            match output {
                Output::Send { connection, bytes } => {
                    self.log.push(format!("send {connection} {}", bytes.len()));
                    let deframer = self.deframers.get_mut(&connection).unwrap();
                    deframer.push(&bytes);
                    while let Ok(Some(frame)) = deframer.next_frame() {
                        self.telegrams.push((connection, frame.to_vec()));
                    }
                }
                Output::Connect { line } => {
                    self.connects += 1;
                    self.log.push(format!("connect {}", line.0));
                }
                Output::Close { connection } => self.log.push(format!("close {connection}")),
                Output::Reset { connection } => self.log.push(format!("reset {connection}")),
                Output::Event(event) => self.events.push(event),
            }
        }
    }

    /// Lets time pass, stopping wherever the counterparty wants it.
    fn pass(&mut self, span: Duration) {
        let end = self.now.mono + span;
        while let Some((at, _)) = self.counterparty.poll_timeout().filter(|(at, _)| *at <= end) {
            self.step_to(at.max(self.now.mono));
            self.counterparty.handle_timeout(self.now);
            self.drain();
        }
        self.step_to(end);
    }

    fn step_to(&mut self, at: Mono) {
        let micros = i64::try_from(at.since(self.now.mono).as_micros()).unwrap();
        self.now = Now { mono: at, wall: Wall::from_unix_micros(self.now.wall.as_unix_micros() + micros) };
    }

    /// Sends a telegram with its prefix, and lets what is due now happen.
    fn send(&mut self, connection: Connection, telegram: &[u8]) {
        let mut framed = Vec::new();
        self.counterparty.protocol().framing.write(telegram, &mut framed).unwrap();
        self.counterparty.handle_received(connection, &framed, self.now);
        self.drain();
        self.pass(Duration::ZERO);
    }

    fn open(&mut self) {
        self.send(OURS, &request("open", 1, &[]));
        // Notices may follow at once.
        let (_, answer) = self.telegrams.remove(0);
        assert_eq!(field(&answer, "open", "response_code"), "0000");
        self.log.clear();
    }

    /// Asks, and gives back the only answer.
    fn ask(&mut self, telegram: &[u8]) -> Vec<u8> {
        let before = self.telegrams.len();
        self.send(OURS, telegram);
        assert_eq!(self.telegrams.len(), before + 1, "{:?}", self.log);
        self.telegrams.pop().unwrap().1
    }

    fn ledger(&self) -> &Ledger {
        self.counterparty.ledger()
    }

    fn key_of(&self, telegram: &[u8]) -> crate::Key {
        crate::Key::of(telegram, &self.counterparty.protocol().rules.key).unwrap()
    }

    /// The request of this number in the ledger.
    fn request(&self, telegram: &[u8]) -> &crate::Request {
        self.ledger().request(&self.key_of(telegram)).unwrap()
    }
}

/// A request of Hecto's, as the gateway would send it.
fn request(exchange: &str, number: u32, values: &[(&str, &str)]) -> Vec<u8> {
    let protocol = hecto::protocol();
    let rule = protocol.rules.exchanges.iter().find(|rule| *rule.name == *exchange).unwrap();
    let layout = protocol.catalog.layout(rule.request.telegram);
    let usual: &[(&str, &str)] = match exchange {
        "transfer" => &[
            ("debit_account", "110123456789"),
            ("passbook_pin", "1234"),
            ("check_symbol", "402817"),
            ("debit_amt", "150000"),
            ("credit_bank_code", "004"),
            ("credit_account", "94320201234567"),
            ("memo", "급여"),
        ],
        _ => &[],
    };
    let header = [("id_code", "HFB000001"), ("company_no", "PABAL01"), ("bank_code", "088")];
    let number = format!("{number:06}");
    let stamps = [("telegram_no", &*number), ("send_date", "20261121"), ("send_time", "101530")];
    let mut fields: BTreeMap<&str, &str> = BTreeMap::new();
    fields.extend(header.iter().chain(usual).chain(&stamps).chain(values).copied());
    let find = |name: &str| layout.find(name).unwrap().1;
    // What the gateway stamps is no caller's.
    let (stamped, given): (Vec<_>, Vec<_>) = fields.into_iter().partition(|(name, _)| find(name).fill == Fill::Stamped);
    let given: Vec<_> = given.into_iter().map(|(name, value)| (name.to_string(), Value::from(value))).collect();
    let mut telegram = encode(layout, Side::Asker, &given).unwrap();
    for (name, value) in stamped {
        find(name).write(&Value::from(value), &mut telegram).unwrap();
    }
    for (at, bytes) in &rule.request.bytes {
        telegram[at.range()].copy_from_slice(bytes);
    }
    telegram
}

fn transfer(number: u32) -> Vec<u8> {
    request("transfer", number, &[])
}

/// What a telegram of the answering side holds in a field.
fn field(telegram: &[u8], layout: &str, name: &str) -> String {
    let protocol = hecto::protocol();
    let (_, layout) = protocol.catalog.find(layout).unwrap();
    Telegram::new(layout, telegram, Side::Answerer).named(name).unwrap().to_string()
}

/// The bytes of a field.
fn raw<'t>(telegram: &'t [u8], layout: &str, name: &str) -> &'t [u8] {
    let protocol = hecto::protocol();
    let (_, layout) = protocol.catalog.find(layout).unwrap();
    layout.find(name).unwrap().1.at.of(telegram).unwrap()
}

/// A scenario of the repository.
fn shipped(name: &str) -> &'static str {
    match name {
        "normal" => include_str!("../../../../specs/hecto/scenarios/normal.toml"),
        "demo" => include_str!("../../../../specs/hecto/scenarios/demo.toml"),
        "silent" => include_str!("../../../../specs/hecto/scenarios/silent.toml"),
        "hostile" => include_str!("../../../../specs/hecto/scenarios/hostile.toml"),
        "day" => include_str!("../../../../specs/hecto/scenarios/day.toml"),
        other => panic!("no scenario {other}"),
    }
}
