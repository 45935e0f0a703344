//! What the institution does in a run: a scenario that is shipped, and in front of its replies what a seed adds.

use std::fmt::Write as _;

use crate::chance::Chance;
use crate::setup::{BANKS, Setup};

pub(crate) struct Script {
    pub(crate) text: String,
    /// The bank that never answers a transfer.
    pub(crate) silent: Option<&'static str>,
}

/// The hostile scenario with fewer notices of each bank, and storms that are rarer and smaller.
fn sparse(shipped: &str) -> String {
    let fewer = [
        ("every = \"20s\"\ntimes = 100\n", "every = \"40s\"\ntimes = 6\n"),
        ("one_in = 5\n", "one_in = 15\n"),
        ("every = \"16ms\"\ntimes = 60\n", "every = \"16ms\"\ntimes = 30\n"),
        ("count = 20\n", "count = 6\n"),
    ];
    fewer.iter().fold(shipped.to_owned(), |text, (from, to)| {
        assert!(text.contains(from), "the shipped scenario no longer says {from:?}: choose what makes it sparse");
        text.replace(from, to)
    })
}

/// The hostile scenario with banks that take their time: whatever they do, it hits transfers that are UNKNOWN, asked about or settled
/// meanwhile.
fn slowed(shipped: &str) -> String {
    let (from, to) = ("delay = [\"1ms\", \"300ms\"]\nbehave = 30\n", "delay = [\"1ms\", \"100s\"]\nbehave = 30\n");
    assert!(shipped.contains(from), "the shipped scenario no longer says {from:?}: choose what makes it slow");
    shipped.replace(from, to)
}

pub(crate) fn script(setup: Setup, chance: &mut Chance) -> Script {
    let shipped = if setup.hostile {
        include_str!("../../../specs/hecto/scenarios/hostile.toml")
    } else {
        include_str!("../../../specs/hecto/scenarios/normal.toml")
    };
    let mut added = String::new();
    let silent = setup.silent_bank.then(|| BANKS[chance.index(BANKS.len())]);
    if let Some(bank) = silent {
        let executes = chance.per_mille(500);
        let _ = write!(
            added,
            "[[reply]]\nname = \"silent\"\nexchange = \"transfer\"\nmatch.bank_code = \"{bank}\"\nexecutes = {executes}\n\
             response_code = \"0000\"\n[[reply.misbehave]]\ndo = \"silence\"\n\n"
        );
    }
    // A few banks open late, as their clocks go: the first tries are refused.
    for _ in 0..chance.between(0, 3) {
        let (bank, tries) = (BANKS[chance.index(BANKS.len())], chance.between(1, 3));
        let _ = write!(
            added,
            "[[reply]]\nexchange = \"open\"\nmatch.bank_code = \"{bank}\"\nfirst = {tries}\n\
             response_code = \"0003\"\n\n"
        );
    }
    // Notices by the thousand take most of a run's time, and tell little more than some: most runs have few.
    let shipped = if setup.hostile && chance.per_mille(750) { sparse(shipped) } else { shipped.to_owned() };
    let slow = setup.hostile && chance.per_mille(250);
    let shipped = if slow { slowed(&shipped) } else { shipped };
    let at = shipped.find("[[reply]]").unwrap_or(shipped.len());
    let (before, behind) = shipped.split_at(at);
    Script { text: format!("{before}{added}{behind}"), silent }
}
