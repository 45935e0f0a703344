//! What the shell is run around: our core, and one that only matches eight bytes.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::Arc;

use pabal_clock::{Mono, Now};
use pabal_gateway::spec_sources;
use pabal_simulator::at_noon;
use pabal_spec::Source;
use pabal_switch::{
    Conn, Core, Direction, ExchangeId, Limits, LineSettings, LineSide, Open, Opened, Output, Party, Plan, Recovery,
    Report, Settings, Ticket,
};
use tokio::sync::oneshot;

use crate::bank::FRAME;

/// A request, and who waits for its answer.
pub(crate) struct Ask {
    pub(crate) telegram: Vec<u8>,
    pub(crate) deadline: Mono,
    pub(crate) heard: oneshot::Sender<Arc<[u8]>>,
}

/// What both have in common.
pub(crate) trait Machine: Send + 'static {
    fn open(&mut self, ask: Ask, now: Now);
    fn durable(&mut self, now: Now);
    fn wants_read(&self) -> bool;
    fn received(&mut self, bytes: &[u8], now: Now);
    fn ready(&self) -> &[u8];
    fn wrote(&mut self, bytes: usize, now: Now);
    fn wake_at(&self) -> Option<Mono>;
    fn timeout(&mut self, now: Now);
}

/// Our core. Whatever it wants to have written down is durable in the same turn.
pub(crate) struct Ours {
    core: Core,
    plan: Arc<Plan>,
    conn: Conn,
    waiters: BTreeMap<ExchangeId, oneshot::Sender<Arc<[u8]>>>,
    last: Option<Ticket>,
}

/// Where the shipped spec lies.
pub(crate) fn specs() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../specs/hecto")
}

/// It, at noon: business is open whenever somebody measures.
pub(crate) fn sources() -> Vec<Source> {
    at_noon(spec_sources(&specs()).expect("the spec is shipped"))
}

impl Ours {
    /// One connected session with a window.
    pub(crate) fn new(window: u32, now: Now) -> Self {
        let institution = Arc::new(pabal_spec::load(&sources()).expect("it is right").institution);
        let protocol = Arc::clone(&institution.protocols[0]);
        let (rule, _) = protocol.rules.exchange("transfer").expect("it has transfers");
        let plan = Arc::new(Plan::new(protocol, rule));
        let line =
            LineSettings { window, ..LineSettings::new("both", "firmbanking", LineSide::Initiator, Direction::Duplex) };
        let fields = vec![("id_code".into(), (*b"PABAL    ").into()), ("company_no".into(), (*b"PABALCO1    ").into())];
        let party = Party { name: "main".into(), fields, participants: vec![b"088"[..].into()], exchanges: Vec::new() };
        // Else as in default.toml.
        let limits = Limits { waiting_max: 10_000, undurable_entries_max: 100_000, ..Limits::default() };
        let settings = Settings { lines: vec![line], parties: vec![party], limits, ..Settings::default() };
        let mut core = Core::new(vec![institution], settings, Recovery::new(), 42, now);
        let conn = loop {
            match core.poll_output().expect("it connects") {
                Output::Append { ticket, .. } => core.handle_durable(ticket, now),
                Output::Connect { conn, .. } => break conn,
                _ => {}
            }
        };
        core.handle_connected(conn, now);
        let mut ours = Self { core, plan, conn, waiters: BTreeMap::new(), last: None };
        ours.act();
        ours.durable(now);
        ours
    }

    fn act(&mut self) {
        while let Some(output) = self.core.poll_output() {
            match output {
                Output::Append { ticket, .. } => self.last = Some(ticket),
                Output::Finish { exchange, report: Report::Outcome { answer: Some(answer), .. } } => {
                    if let Some(heard) = self.waiters.remove(&exchange) {
                        let _ = heard.send(answer);
                    }
                }
                _ => {}
            }
        }
    }
}

impl Machine for Ours {
    fn open(&mut self, ask: Ask, now: Now) {
        let open = Open {
            plan: Arc::clone(&self.plan),
            caller: "remittance".into(),
            idempotency_key: None,
            party: None,
            telegram: ask.telegram.into(),
            trace: None,
            deadline: ask.deadline,
            accepts_early_unknown: true,
        };
        // Before business is open, it is refused; who waits hears it by the end of the channel.
        if let Ok(Opened::New(exchange) | Opened::Known(exchange)) = self.core.open(open, now) {
            self.waiters.insert(exchange, ask.heard);
        }
        self.act();
    }

    fn durable(&mut self, now: Now) {
        while let Some(ticket) = self.last.take() {
            self.core.handle_durable(ticket, now);
            self.act();
        }
    }

    fn wants_read(&self) -> bool {
        self.core.wants_read(self.conn)
    }

    fn received(&mut self, bytes: &[u8], now: Now) {
        self.core.handle_received(self.conn, bytes, now);
        self.act();
    }

    fn ready(&self) -> &[u8] {
        self.core.poll_write(self.conn)
    }

    fn wrote(&mut self, bytes: usize, now: Now) {
        self.core.handle_wrote(self.conn, bytes, now);
        self.act();
    }

    fn wake_at(&self) -> Option<Mono> {
        self.core.poll_timeout().map(|(at, _)| at)
    }

    fn timeout(&mut self, now: Now) {
        self.core.handle_timeout(now);
        self.act();
    }
}

/// Writes a number into eight bytes of each request, and gives an answer to whoever has its eight bytes. It knows no time, no window,
/// no outcome and no journal.
#[derive(Default)]
pub(crate) struct Matcher {
    next: u64,
    waiters: HashMap<[u8; 8], oneshot::Sender<Arc<[u8]>>>,
    out: Vec<u8>,
    written: usize,
    rest: Vec<u8>,
}

/// Where the eight bytes are in a telegram.
const KEY: std::ops::Range<usize> = 32..40;

impl Machine for Matcher {
    fn open(&mut self, mut ask: Ask, _now: Now) {
        self.next += 1;
        let key = self.next.to_be_bytes();
        ask.telegram[KEY].copy_from_slice(&key);
        self.out.extend_from_slice(b"0300");
        self.out.extend_from_slice(&ask.telegram);
        self.waiters.insert(key, ask.heard);
    }

    fn durable(&mut self, _now: Now) {}

    fn wants_read(&self) -> bool {
        true
    }

    fn received(&mut self, bytes: &[u8], _now: Now) {
        self.rest.extend_from_slice(bytes);
        let frames = self.rest.chunks_exact(FRAME);
        let tail = frames.remainder().len();
        for frame in frames {
            let telegram = &frame[4..];
            if let Some(heard) = self.waiters.remove(&telegram[KEY]) {
                let _ = heard.send(Arc::from(telegram));
            }
        }
        let from = self.rest.len() - tail;
        self.rest.drain(..from);
    }

    fn ready(&self) -> &[u8] {
        &self.out[self.written..]
    }

    fn wrote(&mut self, bytes: usize, _now: Now) {
        self.written += bytes;
        if self.written == self.out.len() {
            self.out.clear();
            self.written = 0;
        }
    }

    fn wake_at(&self) -> Option<Mono> {
        None
    }

    fn timeout(&mut self, _now: Now) {}
}
