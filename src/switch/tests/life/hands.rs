//! The hand that holds the core: it does what the core asks, and keeps what a test wants to see.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use pabal_clock::{Mono, Now, Wall};
use pabal_spec::{Institution, Source};
use pabal_switch::{
    CloseReason, Columns, Conn, Core, Delivery, Direction, Entry, Event, ExchangeId, Image, Inquire, Limits, LineId,
    LineSettings, LineSide, NoticeId, Open, Opened, OpeningState, Outcome, Output, Party, Plan, Recovery, Refusal,
    ReplyReport, Report, Settings, Ticket,
};

use crate::peer;

pub(crate) const OUT: LineId = LineId(0);
pub(crate) const IN: LineId = LineId(1);

/// 2026-11-21T10:00:00+09:00.
const START: i64 = 1_795_222_800;

/// The shipped spec with some words replaced.
pub(crate) fn version(spec: &[(&str, &str)], codes: &[(&str, &str)]) -> Arc<Institution> {
    let edited = |name: &str, text: &str, edits: &[(&str, &str)]| {
        let text = edits.iter().fold(text.to_owned(), |text, (old, new)| {
            assert!(text.contains(old), "{old}");
            text.replacen(old, new, 1)
        });
        Source { name: name.into(), text }
    };
    let sources = [
        edited("firmbanking.spec", &spec_text(), spec),
        edited("codes.csv", include_str!("../../../../specs/hecto/codes.csv"), codes),
    ];
    Arc::new(pabal_spec::load(&sources).unwrap().institution)
}

/// The shipped spec. Business opens as soon as the date changes, and not some minutes later: most scenarios of midnight are about that moment.
fn spec_text() -> String {
    let text = include_str!("../../../../specs/hecto/firmbanking.spec");
    let from = " from 00:05";
    assert_eq!(text.matches(from).count(), 1);
    text.replacen(from, "", 1)
}

/// The shipped spec, read once.
pub(crate) fn institution() -> Arc<Institution> {
    static READ: OnceLock<Arc<Institution>> = OnceLock::new();
    let file = |name: &str, text: &str| Source { name: name.into(), text: text.into() };
    let read = || {
        let sources = [
            file("firmbanking.spec", &spec_text()),
            file("codes.csv", include_str!("../../../../specs/hecto/codes.csv")),
        ];
        Arc::new(pabal_spec::load(&sources).unwrap().institution)
    };
    Arc::clone(READ.get_or_init(read))
}

pub(crate) fn line(name: &str, side: LineSide, direction: Direction) -> LineSettings {
    LineSettings {
        // Two banks share it: one alone takes half.
        window: 4,
        connect_timeout: Duration::from_secs(5),
        reconnect_min: Duration::from_secs(1),
        reconnect_max: Duration::from_secs(30),
        close_grace: Duration::from_secs(20),
        ..LineSettings::new(name, "firmbanking", side, direction)
    }
}

/// The usual one-way pair, one party, two banks.
pub(crate) fn settings() -> Settings {
    Settings {
        lines: vec![
            line("out", LineSide::Initiator, Direction::Send),
            line("in", LineSide::Acceptor, Direction::Receive),
        ],
        parties: vec![Party {
            name: "main".into(),
            fields: vec![
                ("id_code".into(), Box::from(*b"PABAL    ")),
                ("company_no".into(), Box::from(*b"COMPANY1    ")),
            ],
            participants: vec![b"088"[..].into(), b"004"[..].into()],
            exchanges: Vec::new(),
        }],
        limits: Limits {
            waiting_max: 2,
            tombstones_max: 100,
            tombstone_keep: Duration::from_secs(3_600),
            idempotency_keys_max: 100,
            number_block: 10,
            events_max: 100,
            unknown_max: 100,
            notices_max: 100,
            undurable_entries_max: 1_000,
            ..Limits::default()
        },
        ..Settings::default()
    }
}

pub(crate) struct Hands {
    pub(crate) core: Core,
    pub(crate) institution: Arc<Institution>,
    /// Older versions of it, newest first.
    pub(crate) older: Vec<Arc<Institution>>,
    pub(crate) settings: Settings,
    pub(crate) now: Now,
    /// Whether the core is swapped for its image at each turn.
    pub(crate) swaps: bool,
    /// Whether batches become durable at once.
    pub(crate) is_durable: bool,
    /// How many bytes sockets still take.
    pub(crate) socket_room: usize,
    /// Whether the peer answers openings by itself.
    pub(crate) opens: bool,
    /// Whether the peer answers poll telegrams by itself.
    pub(crate) lives: bool,
    /// Whether what the peer sends has a length, a check digit and a checksum, where they are in [`crate::peer`].
    pub(crate) seals: bool,
    pub(crate) undurable: VecDeque<(Ticket, Vec<Entry>)>,
    /// Every durable entry, as it was stored.
    pub(crate) journal: Vec<(String, Vec<u8>)>,
    /// Every byte that each connection's socket took.
    pub(crate) streams: BTreeMap<Conn, Vec<u8>>,
    read: BTreeMap<Conn, usize>,
    /// Frames that the peer got and no test has looked at.
    inbox: Vec<(LineId, Vec<u8>)>,
    /// By what every durable entry is found.
    columns: Vec<Columns>,
    pub(crate) reports: BTreeMap<ExchangeId, Vec<Report>>,
    pub(crate) events: Vec<Event>,
    pub(crate) connects: Vec<Conn>,
    /// All that the core ever asked to connect: when, and to which of the line's addresses.
    pub(crate) tried: Vec<(Mono, Conn, u8)>,
    pub(crate) closes: Vec<(Conn, CloseReason, bool)>,
    pub(crate) delivered: Vec<(NoticeId, Arc<[u8]>)>,
    pub(crate) deliveries: Vec<Delivery>,
    pub(crate) replied: Vec<(NoticeId, ReplyReport)>,
    pub(crate) open_conns: Vec<Conn>,
}

impl Hands {
    /// A core that has just begun; nothing is connected.
    pub(crate) fn cold(settings: Settings, recovery: Recovery, now: Now) -> Self {
        Self::cold_with(vec![institution()], settings, recovery, now)
    }

    /// The same by these versions, newest first.
    pub(crate) fn cold_with(versions: Vec<Arc<Institution>>, settings: Settings, recovery: Recovery, now: Now) -> Self {
        let core = Core::new(versions.clone(), settings.clone(), recovery, 7, now);
        let mut older = versions;
        let institution = older.remove(0);
        let mut hands = Self {
            core,
            institution,
            older,
            settings,
            now,
            swaps: true,
            is_durable: true,
            socket_room: usize::MAX,
            opens: true,
            lives: true,
            seals: false,
            undurable: VecDeque::new(),
            journal: Vec::new(),
            streams: BTreeMap::new(),
            read: BTreeMap::new(),
            inbox: Vec::new(),
            columns: Vec::new(),
            reports: BTreeMap::new(),
            events: Vec::new(),
            connects: Vec::new(),
            tried: Vec::new(),
            closes: Vec::new(),
            delivered: Vec::new(),
            deliveries: Vec::new(),
            replied: Vec::new(),
            open_conns: Vec::new(),
        };
        hands.turn();
        hands
    }

    pub(crate) fn begin() -> Now {
        Now { mono: Mono::from_nanos(1_000_000_000_000), wall: Wall::from_unix_seconds(START) }
    }

    pub(crate) fn fresh() -> Self {
        Self::cold(settings(), Recovery::new(), Self::begin())
    }

    /// The usual pair is up and both banks are open.
    pub(crate) fn open() -> Self {
        Self::open_with(settings())
    }

    pub(crate) fn open_with(settings: Settings) -> Self {
        let mut hands = Self::cold(settings, Recovery::new(), Self::begin());
        hands.connect_pair();
        hands
    }

    /// The usual pair is up by another spec.
    pub(crate) fn open_by(institution: Arc<Institution>, settings: Settings) -> Self {
        let mut hands = Self::cold_with(vec![institution], settings, Recovery::new(), Self::begin());
        hands.connect_pair();
        hands
    }

    /// A service has all that was delivered.
    pub(crate) fn hand_over(&mut self) {
        for delivery in std::mem::take(&mut self.deliveries) {
            self.core.delivered(delivery.notice, "ledger", self.now);
        }
        self.turn();
    }

    pub(crate) fn connect_pair(&mut self) {
        let out = self.connects.pop().expect("the core connects");
        self.connected(out);
        if self.settings.lines.len() > 1 {
            self.accept();
        }
        assert!(self.core.status().openings.iter().all(|opening| opening.state == OpeningState::Open));
    }

    pub(crate) fn connected(&mut self, conn: Conn) {
        self.open_conns.push(conn);
        self.core.handle_connected(conn, self.now);
        self.turn();
    }

    /// The next try to connect succeeds, whenever it comes.
    pub(crate) fn connect_next(&mut self) {
        while self.connects.is_empty() {
            self.after_secs(1);
        }
        let conn = self.connects.pop().unwrap();
        self.connected(conn);
    }

    /// As [`Hands::connect_next`], but that tries up to now are in vain.
    pub(crate) fn reconnect(&mut self) {
        self.connects.clear();
        self.connect_next();
    }

    /// The sessions of a process that has just begun.
    pub(crate) fn come_up(&mut self) {
        self.connect_next();
        self.accept();
    }

    pub(crate) fn accept(&mut self) -> Conn {
        let conn = self.core.handle_accepted(IN, self.now).unwrap();
        self.open_conns.push(conn);
        self.turn();
        conn
    }

    /// The connection of a line that is open.
    pub(crate) fn conn(&self, line: LineId) -> Conn {
        *self.open_conns.iter().rev().find(|conn| conn.session.line == line).expect("the line is connected")
    }

    /// Does all that the core wants, until it wants nothing more.
    pub(crate) fn turn(&mut self) {
        loop {
            let mut idle = true;
            while let Some(output) = self.core.poll_output() {
                idle = false;
                self.act(output);
            }
            if self.swaps {
                self.swap();
            }
            if self.is_durable {
                while let Some((ticket, entries)) = self.undurable.pop_front() {
                    idle = false;
                    self.store(&entries);
                    self.core.handle_durable(ticket, self.now);
                    while let Some(output) = self.core.poll_output() {
                        self.act(output);
                    }
                }
            }
            for conn in self.open_conns.clone() {
                let bytes = self.core.poll_write(conn);
                let take = bytes.len().min(self.socket_room);
                if take > 0 {
                    idle = false;
                    let bytes = bytes[..take].to_vec();
                    self.socket_room -= take;
                    self.streams.entry(conn).or_default().extend_from_slice(&bytes);
                    self.core.handle_wrote(conn, take, self.now);
                }
            }
            idle &= !self.peer_reads();
            if idle {
                return;
            }
        }
    }

    fn versions(&self) -> Vec<Arc<Institution>> {
        std::iter::once(&self.institution).chain(&self.older).cloned().collect()
    }

    /// Another version comes while sessions stay up.
    pub(crate) fn reload(&mut self, institution: Arc<Institution>) {
        self.core.set_institution(Arc::clone(&institution), self.now).unwrap();
        self.older.insert(0, std::mem::replace(&mut self.institution, institution));
        self.turn();
    }

    fn swap(&mut self) {
        let json = serde_json::to_vec(&self.core.image()).unwrap();
        let image: Image = serde_json::from_slice(&json).unwrap();
        self.core = Core::restore(image, self.versions(), self.settings.clone()).unwrap();
        let again = serde_json::to_vec(&self.core.image()).unwrap();
        assert_eq!(String::from_utf8(json), String::from_utf8(again));
    }

    fn store(&mut self, entries: &[Entry]) {
        for entry in entries {
            // The digest is the shell's; any function of the bytes will do here.
            let body = entry.encode(&|bytes| [bytes.iter().fold(0, |sum, byte| sum ^ byte); 32]);
            self.columns.push(entry.columns());
            self.journal.push((entry.kind().into(), body));
        }
    }

    fn act(&mut self, output: Output) {
        match output {
            Output::Connect { conn, address } => {
                self.connects.push(conn);
                self.tried.push((self.now.mono, conn, address));
            }
            Output::Close { conn, reason, abort } => {
                self.closes.push((conn, reason, abort));
                self.open_conns.retain(|open| *open != conn);
            }
            Output::Append { ticket, entries } => {
                assert!(!entries.is_empty());
                self.undurable.push_back((ticket, entries));
            }
            Output::Finish { exchange, report } => self.reports.entry(exchange).or_default().push(report),
            Output::Deliver(delivery) => {
                self.delivered.push((delivery.notice, Arc::clone(&delivery.telegram)));
                self.deliveries.push(*delivery);
            }
            Output::Replied { notice, report } => self.replied.push((notice, report)),
            Output::Event(event) => self.events.push(event),
        }
    }

    /// The peer cuts what it got, and answers what it answers by itself.
    fn peer_reads(&mut self) -> bool {
        let mut answered = false;
        for conn in self.streams.keys().copied().collect::<Vec<_>>() {
            let read = self.read.entry(conn).or_default();
            let (frames, end) = peer::frames(&self.streams[&conn][*read..]);
            *read += end;
            for frame in frames {
                if self.opens && frame.len() == 300 && peer::at(&frame, peer::MESSAGE_TYPE) == "1000" {
                    self.receive_quietly(&peer::answer(&frame, "0000"));
                    answered = true;
                } else if self.lives && frame.starts_with(b"HDRREQPOLL") {
                    self.core.handle_received(conn, &peer::poll_answer(&frame), self.now);
                    answered = true;
                } else {
                    self.inbox.push((conn.session.line, frame));
                }
            }
        }
        answered
    }

    /// The frames that the peer got and a test has not looked at.
    pub(crate) fn take_frames(&mut self, line: LineId) -> Vec<Vec<u8>> {
        let (mine, others) = self.inbox.drain(..).partition(|(from, _)| *from == line);
        self.inbox = others;
        let mine: Vec<(LineId, Vec<u8>)> = mine;
        mine.into_iter().map(|(_, frame)| frame).collect()
    }

    pub(crate) fn take_frame(&mut self) -> Vec<u8> {
        let mut frames = self.take_frames(OUT);
        assert_eq!(frames.len(), 1, "one frame has left");
        frames.remove(0)
    }

    /// Bytes that ever left by a line.
    pub(crate) fn bytes_out(&self, line: LineId) -> usize {
        self.streams.iter().filter(|(conn, _)| conn.session.line == line).map(|(_, stream)| stream.len()).sum()
    }

    /// The line whose connection brings what the institution sends.
    fn answering(&self) -> LineId {
        let receives =
            |conn: &&Conn| self.settings.lines[usize::from(conn.session.line.0)].direction != Direction::Send;
        let usual = if self.settings.lines.len() > 1 { IN } else { OUT };
        self.open_conns.iter().rev().find(receives).map_or(usual, |conn| conn.session.line)
    }

    fn receive_quietly(&mut self, telegram: &[u8]) {
        if let Some(conn) = self.open_conns.iter().rev().find(|conn| conn.session.line == self.answering()).copied() {
            let telegram = if self.seals { peer::sealed(telegram) } else { telegram.to_vec() };
            self.core.handle_received(conn, &peer::framed(&telegram), self.now);
        }
    }

    /// The institution sends a telegram by the session that it answers on.
    pub(crate) fn receive(&mut self, telegram: &[u8]) {
        self.conn(self.answering());
        self.receive_quietly(telegram);
        self.turn();
    }

    pub(crate) fn receive_on(&mut self, line: LineId, bytes: &[u8]) {
        let conn = self.conn(line);
        self.core.handle_received(conn, bytes, self.now);
        self.turn();
    }

    pub(crate) fn closed(&mut self, conn: Conn, reason: CloseReason) {
        self.open_conns.retain(|open| *open != conn);
        self.core.handle_closed(conn, reason, self.now);
        self.turn();
    }

    /// Time goes on; every timer on the way ends at its own instant.
    pub(crate) fn after(&mut self, span: Duration) {
        let end = self.now.mono + span;
        while let Some((at, _)) = self.core.poll_timeout().filter(|(at, _)| *at <= end) {
            self.set_mono(at.max(self.now.mono));
            self.core.handle_timeout(self.now);
            self.turn();
        }
        self.set_mono(end);
    }

    /// Nobody wakes the core for so long.
    pub(crate) fn pass_quietly(&mut self, span: Duration) {
        self.set_mono(self.now.mono + span);
        self.core.handle_timeout(self.now);
        self.turn();
    }

    pub(crate) fn after_secs(&mut self, seconds: u64) {
        self.after(Duration::from_secs(seconds));
    }

    fn set_mono(&mut self, mono: Mono) {
        let micros = i64::try_from(mono.since(self.now.mono).as_micros()).unwrap();
        self.now = Now { mono, wall: Wall::from_unix_micros(self.now.wall.as_unix_micros() + micros) };
    }

    pub(crate) fn plan(&self, rule: &str) -> Arc<Plan> {
        let protocol = &self.institution.protocols[0];
        let at = protocol.rules.exchanges.iter().position(|exchange| &*exchange.name == rule).unwrap();
        Arc::new(Plan::new(Arc::clone(protocol), pabal_spec::ExchangeRuleId(u16::try_from(at).unwrap())))
    }

    pub(crate) fn request(&self, telegram: Vec<u8>) -> Open {
        Open {
            plan: self.plan("transfer"),
            caller: "teller".into(),
            idempotency_key: None,
            party: None,
            telegram: telegram.into(),
            deadline: self.now.mono + Duration::from_secs(60),
            accepts_early_unknown: true,
            trace: Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".into()),
        }
    }

    pub(crate) fn try_open(&mut self, open: Open) -> Result<Opened, Refusal> {
        let opened = self.core.open(open, self.now);
        self.turn();
        opened.map_err(|(refusal, text)| {
            assert!(!text.is_empty());
            refusal
        })
    }

    pub(crate) fn call(&mut self, open: Open) -> ExchangeId {
        match self.try_open(open) {
            Ok(Opened::New(id)) => id,
            other => panic!("a new exchange is expected, not {other:?}"),
        }
    }

    /// A transfer of bank 088.
    pub(crate) fn transfer(&mut self) -> ExchangeId {
        let open = self.request(peer::transfer("088", "110111222333", 10_000));
        self.call(open)
    }

    pub(crate) fn inquire(&mut self, exchange: ExchangeId) -> Result<ExchangeId, Refusal> {
        let inquire = Inquire {
            exchange,
            actor: "operator".into(),
            reason: "the customer asks".into(),
            trace: None,
            deadline: self.now.mono + Duration::from_secs(60),
        };
        let asked = self.core.inquire(inquire, self.now);
        self.turn();
        asked.map_err(|(refusal, _)| refusal)
    }

    /// The traces of all entries about an exchange and its inquiries.
    pub(crate) fn traces_of(&self, id: ExchangeId) -> Vec<Option<Box<str>>> {
        let id = id.to_string();
        let is = |column: &Option<Box<str>>| column.as_deref() == Some(id.as_str());
        let about = self.columns.iter().filter(|columns| is(&columns.exchange) || is(&columns.parent));
        about.map(|columns| columns.trace_context.clone()).collect()
    }

    /// What was told of an exchange, in words: `SUCCESS ANSWERED`, or `error QUEUE_FULL`.
    pub(crate) fn told(&self, id: ExchangeId) -> Vec<String> {
        let words = |report: &Report| match report {
            Report::Outcome { outcome, .. } => said(outcome),
            Report::NotSent { refusal, .. } => format!("error {refusal}"),
        };
        self.reports.get(&id).into_iter().flatten().map(words).collect()
    }

    /// The kinds of the entries that are durable, without those of sessions and openings.
    pub(crate) fn kinds(&self) -> Vec<&str> {
        self.journal.iter().map(|(kind, _)| kind.as_str()).collect()
    }

    pub(crate) fn entries(&self) -> Vec<Entry> {
        self.journal.iter().map(|(kind, body)| Entry::decode(kind, Entry::VERSION, body).unwrap()).collect()
    }

    /// The process dies: what is durable is all that the next one knows.
    pub(crate) fn restart(self) -> Self {
        let versions = self.versions();
        self.restart_with(versions)
    }

    /// The same, and the next process has these versions of the spec.
    pub(crate) fn restart_with(self, versions: Vec<Arc<Institution>>) -> Self {
        let mut recovery = Recovery::new();
        for entry in self.entries() {
            recovery.fold(entry);
        }
        let mut next = Self::cold_with(versions, self.settings, recovery, self.now);
        next.journal.splice(0..0, self.journal);
        next
    }
}

pub(crate) fn said(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Failure { refusal: Some(refusal), cause } => format!("FAILURE {cause} {refusal}"),
        _ => format!("{} {}", outcome.word(), outcome.cause()),
    }
}
