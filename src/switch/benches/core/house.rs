//! A core of Hecto with its 36 banks, and hands that do at once what it asks for: all is durable, every byte is written, and the bank
//! answers each request with its own bytes, the type of the answer and the code 0000.

use std::sync::Arc;
use std::time::Duration;

use pabal_clock::{Mono, Now, Wall};
use pabal_spec::{Institution, Source, load};
use pabal_switch::{
    Conn, Core, Direction, Limits, LineSettings, LineSide, Open, Output, Party, Plan, Recovery, Report, Settings,
    Ticket,
};

/// The length, and 300 bytes.
pub(crate) const FRAME: usize = 304;
/// Places in the frame, from the layout tables of the document.
const BANK: usize = 4 + 21;
const TYPE: usize = 4 + 24;
const CODE: usize = 4 + 52;
/// 2026-11-21T10:00:00+09:00.
const START: i64 = 1_795_222_800;

/// How the core is set up.
#[derive(Clone, Copy)]
pub(crate) struct Shape {
    pub(crate) sessions: u16,
    pub(crate) window: u32,
    pub(crate) tombstones: u32,
    pub(crate) has_key: bool,
}

/// The core and what its hands hold.
pub(crate) struct House {
    pub(crate) core: Core,
    shape: Shape,
    plan: Arc<Plan>,
    banks: Vec<[u8; 3]>,
    now: Now,
    conns: Vec<Conn>,
    opened: u64,
    last: Option<Ticket>,
    finished: u64,
    /// What the shell would give to others: it is dropped there, not here.
    handed: Vec<Output>,
    answers: Vec<u8>,
}

fn institution() -> Arc<Institution> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../specs/hecto/");
    let read = |name: &str| Source {
        name: name.into(),
        text: std::fs::read_to_string(format!("{folder}{name}")).expect("the shipped spec"),
    };
    Arc::new(load(&[read("firmbanking.spec"), read("codes.csv")]).expect("it is right").institution)
}

fn settings(shape: Shape, banks: &[[u8; 3]]) -> Settings {
    let line = LineSettings {
        sessions_max: shape.sessions,
        window: shape.window,
        ..LineSettings::new("both", "firmbanking", LineSide::Initiator, Direction::Duplex)
    };
    let party = Party {
        name: "main".into(),
        fields: vec![("id_code".into(), (*b"PABAL    ").into()), ("company_no".into(), (*b"COMPANY1    ").into())],
        participants: banks.iter().map(|bank| bank[..].into()).collect(),
        exchanges: Vec::new(),
    };
    let limits = Limits {
        waiting_max: 1_000_000,
        waiting_total_max: 1_000_000,
        tombstones_max: shape.tombstones,
        tombstone_keep: Duration::from_secs(86_400),
        idempotency_keys_max: shape.tombstones,
        caller_margin: Duration::from_millis(50),
        undurable_entries_max: 1_000_000,
        connects_per_second: 1_000_000,
        ..Limits::default()
    };
    Settings { lines: vec![line], parties: vec![party], limits, ..Settings::default() }
}

impl House {
    /// Connected, and business is open with all banks.
    pub(crate) fn new(shape: Shape) -> Self {
        let institution = institution();
        let protocol = Arc::clone(&institution.protocols[0]);
        let banks: Vec<[u8; 3]> = (1..=36_u16).map(digits).collect();
        let (rule, _) = protocol.rules.exchange("transfer").expect("it has transfers");
        let plan = Arc::new(Plan::new(protocol, rule));
        let now = Now { mono: Mono::from_nanos(1_000_000_000), wall: Wall::from_unix_seconds(START) };
        let core = Core::new(vec![institution], settings(shape, &banks), Recovery::new(), 42, now);
        let mut house = Self {
            core,
            shape,
            plan,
            banks,
            now,
            conns: Vec::new(),
            opened: 0,
            last: None,
            finished: 0,
            handed: Vec::new(),
            answers: Vec::new(),
        };
        while house.conns.len() < usize::from(shape.sessions) {
            house.act();
            house.durable();
            house.act();
            for output in house.handed.drain(..) {
                if let Output::Connect { conn, .. } = output {
                    house.conns.push(conn);
                }
            }
        }
        for at in 0..house.conns.len() {
            house.core.handle_connected(house.conns[at], house.now);
            house.act();
        }
        for _ in 0..3 {
            house.answer();
        }
        house.clear();
        let status = house.core.status();
        assert!(status.openings.iter().all(|one| one.state == pabal_switch::OpeningState::Open), "business is open");
        house
    }

    /// As many requests as a caller's task has made ready.
    pub(crate) fn requests(&mut self, count: usize) -> Vec<Open> {
        let request = |number: u64| {
            let mut telegram = vec![b' '; 300];
            let bank = self.banks[usize::try_from(number).expect("few") % self.banks.len()];
            telegram[BANK - 4..BANK - 1].copy_from_slice(&bank);
            Open {
                plan: Arc::clone(&self.plan),
                caller: "remittance".into(),
                idempotency_key: self.shape.has_key.then(|| format!("order-{number:012}").into()),
                party: None,
                telegram: telegram.into(),
                trace: Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".into()),
                deadline: self.now.mono + Duration::from_secs(60),
                accepts_early_unknown: true,
            }
        };
        let from = self.opened;
        self.opened += count as u64;
        (from..self.opened).map(request).collect()
    }

    /// Takes requests in: their entries are handed out.
    pub(crate) fn open(&mut self, requests: impl Iterator<Item = Open>) {
        for request in requests {
            self.now.mono = self.now.mono + Duration::from_micros(1);
            self.core.open(request, self.now).expect("it is taken in");
            self.act();
        }
    }

    /// Everything that was handed out is durable.
    pub(crate) fn durable(&mut self) {
        if let Some(ticket) = self.last.take() {
            self.core.handle_durable(ticket, self.now);
            self.act();
        }
    }

    /// The sockets take all that may leave; what they took, in the order of the connections.
    pub(crate) fn write(&mut self) -> Vec<(Conn, std::ops::Range<usize>)> {
        self.answers.clear();
        let mut parts = Vec::with_capacity(self.conns.len());
        for at in 0..self.conns.len() {
            let conn = self.conns[at];
            let bytes = self.core.poll_write(conn);
            let (from, count) = (self.answers.len(), bytes.len());
            self.answers.extend_from_slice(bytes);
            if count > 0 {
                parts.push((conn, from..from + count));
                self.core.handle_wrote(conn, count, self.now);
                self.act();
            }
        }
        parts
    }

    /// What was asked is written, answered and finished.
    pub(crate) fn answer(&mut self) {
        self.durable();
        let parts = self.write();
        for frame in self.answers.chunks_exact_mut(FRAME) {
            frame[TYPE + 1] = b'1';
            frame[CODE..CODE + 4].copy_from_slice(b"0000");
        }
        for (conn, part) in parts {
            for bytes in self.answers[part].chunks(Core::read_bytes_max() / FRAME * FRAME) {
                self.core.handle_received(conn, bytes, self.now);
            }
            self.act();
        }
        self.durable();
    }

    /// What was handed out goes.
    pub(crate) fn clear(&mut self) {
        self.handed.clear();
    }

    /// How many hear SUCCESS.
    pub(crate) const fn finished(&self) -> u64 {
        self.finished
    }

    fn act(&mut self) {
        while let Some(output) = self.core.poll_output() {
            match &output {
                Output::Append { ticket, .. } => self.last = Some(*ticket),
                Output::Finish { report: Report::Outcome { outcome, .. }, .. } => {
                    assert_eq!(outcome.word(), "SUCCESS");
                    self.finished += 1;
                }
                _ => {}
            }
            self.handed.push(output);
        }
    }
}

fn digits(number: u16) -> [u8; 3] {
    [100, 10, 1].map(|place| b'0' + u8::try_from(number / place % 10).expect("a digit"))
}
