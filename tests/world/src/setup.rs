use std::sync::Arc;
use std::time::Duration;

use pabal_spec::{Institution, Source};
use pabal_switch::{Direction, Limits, LineSettings, LineSide, Party, Settings};

use crate::chance::Chance;

/// Everything that a run is made of before its first step.
#[derive(Clone, Copy, Debug)]
pub struct Setup {
    /// Decides all the rest.
    pub seed: u64,
    /// Requests that callers make.
    pub requests: u32,
    /// Faults in a thousand steps, of each kind; 0 is a quiet world.
    pub fault_per_mille: u32,
    /// One line for both directions instead of a one-way pair.
    pub duplex: bool,
    /// Prints the trace as it comes.
    pub print: bool,
    /// Swaps the core for its restored image at seeded steps.
    pub swaps: bool,
    /// The institution misbehaves too.
    pub hostile: bool,
}

impl Setup {
    /// The setup that a seed means.
    #[must_use]
    pub fn of_seed(seed: u64) -> Self {
        let mut chance = Chance::new(seed ^ 0x5eed_5eed);
        Self {
            seed,
            requests: u32::try_from(chance.between(20, 120)).unwrap_or(20),
            fault_per_mille: [0, 5, 20, 60][chance.index(4)],
            duplex: chance.per_mille(300),
            print: false,
            swaps: chance.per_mille(700),
            hostile: chance.per_mille(600),
        }
    }
}

/// The participants that are opened.
pub(crate) const BANKS: [&str; 3] = ["004", "011", "088"];

pub(crate) fn institution() -> Arc<Institution> {
    let file = |name: &str, text: &str| Source { name: name.into(), text: text.into() };
    let sources = [
        file("firmbanking.spec", include_str!("../../../specs/hecto/firmbanking.spec")),
        file("codes.csv", include_str!("../../../specs/hecto/codes.csv")),
    ];
    match pabal_spec::load(&sources) {
        Ok(loaded) => Arc::new(loaded.institution),
        Err(mistakes) => panic!("the shipped spec has mistakes: {mistakes:?}"),
    }
}

pub(crate) fn scenario(hostile: bool) -> &'static str {
    if hostile {
        include_str!("../../../specs/hecto/scenarios/hostile.toml")
    } else {
        include_str!("../../../specs/hecto/scenarios/normal.toml")
    }
}

fn padded(text: &str, len: usize) -> Box<[u8]> {
    let mut bytes = text.as_bytes().to_vec();
    bytes.resize(len, b' ');
    bytes.into()
}

fn line(name: &str, side: LineSide, direction: Direction, chance: &mut Chance) -> LineSettings {
    LineSettings {
        name: name.into(),
        protocol: "firmbanking".into(),
        side,
        direction,
        sessions_max: 1 + u16::try_from(chance.between(0, 1)).unwrap_or(0),
        window: u32::try_from([1, 4, 100][chance.index(3)]).unwrap_or(1),
        connect_timeout: Duration::from_secs(3),
        reconnect_min: Duration::from_millis(200),
        reconnect_max: Duration::from_secs(5),
        close_grace: Duration::from_secs(10),
    }
}

pub(crate) fn settings(setup: Setup, chance: &mut Chance) -> Settings {
    let lines = if setup.duplex {
        vec![line("both", LineSide::Initiator, Direction::Duplex, chance)]
    } else {
        vec![
            line("out", LineSide::Initiator, Direction::Send, chance),
            line("in", LineSide::Acceptor, Direction::Receive, chance),
        ]
    };
    Settings {
        lines,
        parties: vec![Party {
            name: "main".into(),
            fields: vec![("id_code".into(), padded("PABAL", 9)), ("company_no".into(), padded("PABALCO1", 12))],
            participants: BANKS.iter().map(|bank| bank.as_bytes().into()).collect(),
            exchanges: Vec::new(),
        }],
        limits: Limits {
            waiting_max: u32::try_from([2, 10, 100][chance.index(3)]).unwrap_or(10),
            tombstones_max: 1_000,
            tombstone_keep: Duration::from_secs(3_600),
            idempotency_keys_max: 1_000,
            number_block: u32::try_from(chance.between(1, 20)).unwrap_or(1),
            caller_margin: Duration::from_millis(50),
            events_max: 1_000,
            unknown_max: 1_000,
            notices_max: 1_000,
            undurable_entries_max: u32::try_from([20, 1_000][chance.index(2)]).unwrap_or(20),
        },
    }
}
