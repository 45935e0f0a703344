use std::time::Duration;

use pabal_switch::{Direction, Limits, LineSettings, LineSide, Party, PartyParticipant, Rates, Settings};

use crate::chance::Chance;
use crate::topology::{self, Topology};
use crate::variant::Variant;

/// When a run begins, and how long it goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Span {
    /// In the evening, hours from any change of date.
    Evening,
    /// So late that midnight falls among the faults.
    Midnight,
    /// So early that business opens among them.
    Morning,
    /// From midnight over the next one: sparse.
    WholeDay,
}

/// Everything that a run is made of before its first step.
#[derive(Clone, Copy, Debug)]
pub struct Setup {
    /// Decides all the rest.
    pub seed: u64,
    /// When it is.
    pub span: Span,
    /// Requests that callers make.
    pub requests: u32,
    /// How many faults there are; 0 is a quiet world.
    pub faults: u32,
    /// One line for both directions instead of a one-way pair.
    pub duplex: bool,
    /// Company numbers that we are known by, each with its own banks.
    pub parties: u32,
    /// Prints the trace as it comes.
    pub print: bool,
    /// Swaps the core for its restored image at seeded steps.
    pub swaps: bool,
    /// The institution misbehaves too.
    pub hostile: bool,
    /// An operator inquires every minute; without one, only the schedule does.
    pub operator: bool,
    /// One bank never answers a transfer.
    pub silent_bank: bool,
    /// One bank sits on its transfers until they are UNKNOWN, asked about or settled, and then does whatever can be done to them.
    pub slow_bank: bool,
    /// The network sits on what we write until it is UNKNOWN; callers come back meanwhile.
    pub held_back: bool,
    /// Notices come out of order, and the network sits on the questions for those that are missing until they have come by themselves.
    pub overtaken: bool,
    /// The institution tells each notice once, be it replied to or not; a friendly one tells of deposits then, and else of nothing.
    pub tells_once: bool,
    /// Telegrams say how long they are and have checksums; some of the institution's are wrong.
    pub checked: bool,
    /// The institution connects where we do else, and we where it does.
    pub turned: bool,
    /// A line more, for both directions.
    pub more_lines: bool,
    /// Banks take only so many requests in a second or at a time, and some callers want to hear all that may be said.
    pub paced: bool,
    /// Sessions are signed on and off.
    pub signed: bool,
    /// How often operators stop or start something while there are faults.
    pub commands: u32,
    /// A session whose institution takes nothing is given up soon, not only when the network or its peer gives it up.
    pub impatient: bool,
    /// What few runs have.
    pub variant: Variant,
    /// Which lines there are.
    pub topology: Topology,
    /// Nothing in an answer says which request it belongs to.
    pub keyless: bool,
    /// The institution counts some connections long after our FIN.
    pub lingers: bool,
    /// Each reload is of a core that was just swapped for its restored image, and that is swapped again behind it.
    pub swaps_at_reloads: bool,
}

impl Setup {
    /// The setup that a seed means.
    #[must_use]
    pub fn of_seed(seed: u64) -> Self {
        let mut chance = Chance::new(seed ^ 0x5eed_5eed);
        // Drawn apart, so that all other seeds are what they were.
        let mut apart = Chance::new(seed ^ 0x0051_0b4d);
        let (slow_bank, held_back) = (apart.per_mille(700), apart.per_mille(400));
        let (overtaken, tells_once) = (apart.per_mille(250), apart.per_mille(350));
        let checked = apart.per_mille(300);
        let impatient = apart.per_mille(300);
        let (paced, signed) = (apart.per_mille(300), apart.per_mille(250));
        let (turned, more_lines) = (apart.per_mille(200), apart.per_mille(250));
        let commands = if apart.per_mille(500) { u32::try_from(apart.between(2, 12)).unwrap_or(2) } else { 0 };
        let span = match chance.between(0, 99) {
            0..=44 => Span::Evening,
            45..=79 => Span::Midnight,
            80..=96 => Span::Morning,
            _ => Span::WholeDay,
        };
        let setup = Self {
            seed,
            span,
            requests: u32::try_from(chance.between(20, 120)).unwrap_or(20),
            faults: [0, 5, 20, 60][chance.index(4)],
            duplex: chance.per_mille(300),
            parties: [1, 1, 2, 3][chance.index(4)],
            print: false,
            swaps: chance.per_mille(700),
            // A whole day of misbehaviour is too long for one seed.
            hostile: chance.per_mille(600) && span != Span::WholeDay,
            operator: chance.per_mille(500),
            silent_bank: chance.per_mille(300),
            slow_bank: false,
            held_back: false,
            overtaken: false,
            tells_once,
            checked,
            turned,
            more_lines,
            paced,
            signed,
            commands,
            impatient,
            variant: Variant::default(),
            topology: Topology::Usual,
            keyless: false,
            lingers: false,
            swaps_at_reloads: false,
        };
        let variant = Variant::of_seed(seed, span, setup.faults == 0 && !setup.hostile, checked);
        let held_back = held_back && setup.faults > 0 && span != Span::WholeDay;
        let slow_bank = slow_bank && setup.hostile;
        let overtaken = overtaken && setup.hostile && setup.faults > 0 && !held_back;
        topology::drawn(Self {
            variant,
            // Whose first try is answered late is one.
            parties: if variant.late_opening { 1 } else { setup.parties },
            slow_bank,
            held_back,
            overtaken,
            // Few connections may be cut while a question lies on one.
            faults: if overtaken { setup.faults.min(5) } else { setup.faults },
            // What is held back is not given up before it is let go.
            impatient: setup.impatient && !held_back,
            silent_bank: setup.silent_bank || held_back,
            operator: setup.operator || slow_bank || held_back,
            ..setup
        })
    }

    /// How long faults happen.
    pub(crate) const fn faulty(&self) -> Duration {
        match self.span {
            Span::Evening | Span::Midnight | Span::Morning => Duration::from_secs(180),
            Span::WholeDay => Duration::from_secs(24 * 3_600 + 120),
        }
    }

    /// How long progress is given time: longer than a dead connection that only silence betrays (poll time and its answer's), and
    /// than the first inquiries of the schedule.
    pub(crate) const fn healed(&self) -> Duration {
        Duration::from_secs(1_000)
    }
}

/// Notices in memory; older ones are in the journal only.
pub(crate) const NOTICES_MAX: u32 = 2_000;

/// The participants: every bank of the institution's table of response codes.
pub(crate) const BANKS: [&str; 36] = [
    "002", "003", "004", "005", "007", "011", "020", "023", "027", "031", "032", "034", "035", "037", "039", "045",
    "048", "050", "064", "071", "081", "088", "089", "090", "092", "103", "209", "238", "240", "243", "247", "266",
    "267", "278", "280", "287",
];

/// The company numbers; the first has every bank, the others some of them.
pub(crate) const PARTIES: [(&str, &str); 3] =
    [("main", "PABALCO1"), ("salaries", "PABALCO2"), ("collection", "PABALCO3")];

/// The bank that knows the first party by a number of its own.
const OWN_NUMBER_AT: &str = "088";

/// The banks of a party, by its place.
pub(crate) fn banks_of(party: usize) -> impl Iterator<Item = &'static str> {
    BANKS.iter().copied().enumerate().filter(move |(at, _)| party == 0 || at % 6 == party).map(|(_, bank)| bank)
}

fn padded(text: &str, len: usize) -> Box<[u8]> {
    let mut bytes = text.as_bytes().to_vec();
    bytes.resize(len, b' ');
    bytes.into()
}

fn line(name: &str, side: LineSide, direction: Direction, chance: &mut Chance) -> LineSettings {
    LineSettings {
        sessions_max: 1 + u16::try_from(chance.between(0, 1)).unwrap_or(0),
        window: u32::try_from([1, 2, 4, 10, 100][chance.index(5)]).unwrap_or(1),
        connect_timeout: Duration::from_secs(3),
        reconnect_min: Duration::from_millis(200),
        reconnect_max: Duration::from_secs(5),
        close_grace: Duration::from_secs(10),
        // Longer than the network ever holds anything back.
        unsent_time_max: Duration::from_secs(120),
        healthy_after: Duration::from_secs(5),
        ..LineSettings::new(name, "firmbanking", side, direction)
    }
}

const fn turned(side: LineSide) -> LineSide {
    match side {
        LineSide::Initiator => LineSide::Acceptor,
        LineSide::Acceptor => LineSide::Initiator,
    }
}

/// The lines as the institution has them: whoever connects is accepted there, and what we send is received.
pub(crate) fn contract(lines: &[LineSettings]) -> pabal_counterparty::Settings {
    use pabal_counterparty::{Direction as Theirs, Line, Side};

    let mut contract = pabal_counterparty::Settings::duplex(1);
    contract.lines = lines
        .iter()
        .map(|line| Line {
            name: line.name.clone(),
            side: match line.side {
                LineSide::Initiator => Side::Acceptor,
                LineSide::Acceptor => Side::Initiator,
            },
            direction: match line.direction {
                Direction::Send => Theirs::Receive,
                Direction::Receive => Theirs::Send,
                Direction::Duplex => Theirs::Duplex,
            },
            sessions: line.sessions_max,
            per_exchange: topology::is_per_exchange(line),
        })
        .collect();
    contract
}

pub(crate) fn settings(setup: Setup, chance: &mut Chance) -> Settings {
    let mut lines = if setup.duplex {
        vec![line("both", LineSide::Initiator, Direction::Duplex, chance)]
    } else {
        vec![
            line("out", LineSide::Initiator, Direction::Send, chance),
            line("in", LineSide::Acceptor, Direction::Receive, chance),
        ]
    };
    if setup.more_lines {
        let side = if chance.per_mille(500) { LineSide::Initiator } else { LineSide::Acceptor };
        lines.push(line("more", side, Direction::Duplex, chance));
    }
    for line in &mut lines {
        if setup.turned {
            line.side = turned(line.side);
        }
        if setup.impatient {
            line.unsent_time_max = Duration::from_millis(chance.between(1_000, 10_000));
            line.unsent_bytes_max = if chance.per_mille(500) { chance.between(600, 4_000) } else { 256 * 1_024 };
        }
    }
    let parties = PARTIES.iter().enumerate().take(setup.parties as usize);
    let mut waiting_max = u32::try_from([2, 10, 100][chance.index(3)]).unwrap_or(10);
    if setup.overtaken {
        // Every bank's questions find room.
        lines.iter_mut().for_each(|line| line.window = 100);
        waiting_max = 100;
    }
    let mut rates = Rates::default();
    if setup.paced {
        rates.set(b"".as_slice().into(), crate::world::some_rate(chance));
    }
    let mut settings = Settings {
        rates,
        lines,
        parties: parties.map(|(at, (name, company))| party(at, name, company)).collect(),
        limits: Limits {
            waiting_max,
            waiting_total_max: waiting_max + waiting_max / 2,
            tombstones_max: 1_000,
            tombstone_keep: Duration::from_secs(3_600),
            idempotency_keys_max: 1_000,
            number_block: u32::try_from(chance.between(1, 20)).unwrap_or(1),
            caller_margin: Duration::from_millis(50),
            events_max: 1_000,
            unknown_max: [4, 1_000, 1_000, 1_000][chance.index(4)],
            notices_max: NOTICES_MAX,
            undurable_entries_max: u32::try_from([40, 1_000][chance.index(2)]).unwrap_or(40),
            ..Limits::default()
        },
        ..Settings::default()
    };
    if setup.variant.reloads {
        // What is over goes, and with the last of it its plan.
        settings.limits.tombstone_keep = Duration::from_secs(Chance::new(setup.seed).between(1, 20));
    }
    topology::lay(setup, &mut settings);
    settings
}

/// One bank knows us by another number.
fn participant(bank: &str) -> PartyParticipant {
    let own = (bank == OWN_NUMBER_AT).then(|| ("company_no".into(), padded("PABALCO9", 12)));
    PartyParticipant { value: bank.as_bytes().into(), fields: own.into_iter().collect() }
}

fn party(at: usize, name: &str, company: &str) -> Party {
    Party {
        name: name.into(),
        fields: vec![("id_code".into(), padded("PABAL", 9)), ("company_no".into(), padded(company, 12))],
        participants: banks_of(at).map(participant).collect(),
        exchanges: Vec::new(),
    }
}
