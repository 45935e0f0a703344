//! Seeds whose lines are not the usual ones: what lines they have, and how the institution has them.
//!
//! What a seed is, is drawn apart: all other seeds are what they were. Few are each of these, since what they cover the others do not need,
//! and they cover less of what the others do.

use std::time::Duration;

use pabal_switch::{Connects, Direction, Limits, LineId, LineSettings, LineSide, SecondConnection, Settings};

use crate::chance::Chance;
use crate::setup::{Setup, Span};
use crate::variant::Variant;

/// Which lines a seed has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Topology {
    /// A one-way pair, or one line for both directions, and now and then another one.
    Usual,
    /// We connect for each request, and close behind its answer.
    OneShot,
    /// The institution connects for each notice, and closes behind our reply.
    Peers,
    /// Lines of ours have several addresses: some refuse, some take nobody in, some drop whom they took.
    Addresses,
    /// A line stands in for another one, whose address fails now and then.
    Backup,
    /// The institution loses its side of a connection without a word, and connects anew.
    Knocks,
    /// The institution allows fewer sessions than the lines have, and few connections a second; connecting takes long.
    Bounds,
}

/// The line of the institution's that is for one notice at a time.
pub(crate) const PEERS: &str = "peers";

/// Chosen so that no seed of `seeds.txt` up to its date has become another one by this.
const DRAWN: u64 = 0x7090_10a3;

/// What a seed's lines are; the rest of it gives way where it does not suit.
pub(crate) fn drawn(setup: Setup) -> Setup {
    let mut chance = Chance::new(setup.seed ^ DRAWN);
    if setup.variant.late_opening {
        return setup;
    }
    let (topology, keyless) = match chance.between(0, 999) {
        0..=34 => (Topology::Usual, true),
        35..=49 => (Topology::OneShot, true),
        50..=69 => (Topology::OneShot, false),
        70..=89 => (Topology::Peers, false),
        90..=119 => (Topology::Addresses, false),
        120..=149 => (Topology::Backup, false),
        150..=179 => (Topology::Knocks, false),
        180..=209 => (Topology::Bounds, false),
        _ => return setup,
    };
    let is_single = keyless || matches!(topology, Topology::OneShot | Topology::Peers | Topology::Bounds);
    let duplex = is_single || setup.duplex;
    let turned = match topology {
        // Somebody has to connect to us.
        Topology::Knocks => duplex || setup.turned,
        // One of a pair is ours in any case.
        Topology::Addresses | Topology::Backup => setup.turned && !duplex,
        Topology::OneShot | Topology::Peers | Topology::Bounds => false,
        Topology::Usual => setup.turned,
    };
    let span = if setup.span == Span::WholeDay { Span::Evening } else { setup.span };
    Setup {
        topology,
        keyless,
        duplex,
        turned,
        span,
        more_lines: topology == Topology::Bounds || (topology == Topology::Usual && setup.more_lines),
        lingers: (keyless || topology == Topology::Bounds) && chance.per_mille(500),
        signed: setup.signed || (topology == Topology::Addresses && chance.per_mille(400)),
        variant: Variant::default(),
        // Those make connections that carry what nobody else's do, or hold back what nobody else holds.
        slow_bank: false,
        held_back: false,
        overtaken: false,
        tells_once: setup.tells_once && !keyless,
        // There is less of them where each takes a connection.
        requests: if topology == Topology::OneShot { setup.requests.min(60) } else { setup.requests },
        ..setup
    }
}

/// Makes the lines of the usual ones.
pub(crate) fn lay(setup: Setup, settings: &mut Settings) {
    let mut chance = Chance::new(setup.seed ^ !DRAWN);
    let lines = &mut settings.lines;
    match setup.topology {
        Topology::Usual => {}
        Topology::OneShot => {
            lines.truncate(1);
            lines[0].connects = Connects::PerExchange;
            lines[0].sessions_max = few(&mut chance, 1, 3);
            lines[0].window = 1;
            if !setup.keyless && chance.per_mille(400) {
                let name = if chance.per_mille(500) { PEERS } else { "in" };
                lines.push(accepting(name, &lines[0], &mut chance));
            } else if chance.per_mille(500) {
                lines.push(spare(0, &lines[0], &mut chance));
            }
        }
        Topology::Peers => {
            lines.truncate(1);
            lines.push(accepting(PEERS, &lines[0], &mut chance));
        }
        Topology::Addresses => {
            for line in lines.iter_mut().filter(|line| line.side == LineSide::Initiator) {
                line.addresses = u8::try_from(chance.between(2, 3)).unwrap_or(2);
                line.sessions_max = few(&mut chance, 1, 3);
            }
        }
        Topology::Backup => {
            let main = lines.iter().position(|line| line.side == LineSide::Initiator).unwrap_or(0);
            lines.push(spare(main, &lines[main], &mut chance));
        }
        Topology::Knocks => {
            for line in lines.iter_mut().filter(|line| line.side == LineSide::Acceptor) {
                let all = [SecondConnection::Probe, SecondConnection::Replace, SecondConnection::Refuse];
                line.second_connection = all[chance.index(all.len())];
            }
        }
        Topology::Bounds => {
            if chance.per_mille(700) {
                lines.iter_mut().for_each(|line| line.side = LineSide::Initiator);
            }
            lines[0].sessions_max = few(&mut chance, 1, 3);
            let all: u64 = lines.iter().map(|line| u64::from(line.sessions_max)).sum();
            bound(&mut settings.limits, all, &mut chance);
        }
    }
    for line in lines {
        if setup.keyless {
            line.window = 1;
        }
        if setup.lingers {
            line.close_grace = LINGERS_MAX + Duration::from_secs(12);
        }
    }
}

/// The longest that an institution counts a connection of which it has seen our end.
pub(crate) const LINGERS_MAX: Duration = Duration::from_secs(30);

fn bound(limits: &mut Limits, all: u64, chance: &mut Chance) {
    limits.sessions_max = chance.per_mille(700).then(|| few(chance, 1, all - 1));
    limits.connects_per_second = u32::try_from(chance.between(1, 5)).unwrap_or(1);
}

fn few(chance: &mut Chance, least: u64, most: u64) -> u16 {
    u16::try_from(chance.between(least, most)).unwrap_or(1)
}

/// A line that stands in for another.
fn spare(main: usize, like: &LineSettings, chance: &mut Chance) -> LineSettings {
    LineSettings {
        name: "spare".into(),
        backup_of: Some(LineId(u16::try_from(main).unwrap_or(0))),
        backup_after: few(chance, 1, 3),
        sessions_max: few(chance, 1, 2),
        ..like.clone()
    }
}

/// A line on which the institution connects, and both send.
fn accepting(name: &str, like: &LineSettings, chance: &mut Chance) -> LineSettings {
    LineSettings {
        name: name.into(),
        side: LineSide::Acceptor,
        direction: Direction::Duplex,
        connects: Connects::Kept,
        sessions_max: 2,
        window: u32::try_from(chance.between(1, 10)).unwrap_or(1),
        ..like.clone()
    }
}

/// Whether a line's connections are for one exchange, as the institution has it.
pub(crate) fn is_per_exchange(line: &LineSettings) -> bool {
    line.connects == Connects::PerExchange || &*line.name == PEERS
}

// ---- the spec and the scenario of answers without a key ----

/// The spec in which nothing in an answer says whose it is; then there are no notices.
pub(crate) fn without_key(spec: &str) -> String {
    let line = |begin: &str| {
        let line = spec.lines().find(|line| line.trim_start().starts_with(begin));
        line.unwrap_or_else(|| panic!("the shipped spec has no line that begins with `{begin}`")).to_owned()
    };
    let spec = spec
        .replace(&line("key          "), "  key          none")
        .replace(&line("trace        "), "  trace        none");
    let blocks = blocks(&spec, |line| line.starts_with("exchange ") || line.starts_with("notice "));
    let is_kept = |block: &&String| !block.starts_with("notice ");
    blocks.iter().filter(is_kept).map(String::as_str).collect()
}

/// A scenario without notices, and of which nothing answers a request twice: without a key, nobody could tell the second answer from that to
/// the next request.
pub(crate) fn without_second_answers(scenario: &str) -> String {
    let rules = blocks(scenario, |line| ["[[reply]]", "[[notice]]"].contains(&line));
    let is_kept = |rule: &&String| !rule.starts_with("[[notice]]") && !rule.contains("\nexchange = \"deposit_gap\"");
    let one = |rule: &String| -> String {
        let parts = blocks(rule, |line| line.starts_with('['));
        let again = ["do = \"duplicate\"", "do = \"relay_first\"", "also = true", "hex = \"30333030\""];
        parts.into_iter().filter(|part| !again.iter().any(|mark| part.contains(mark))).collect()
    };
    rules.iter().filter(is_kept).map(one).collect()
}

/// The text cut before each line that begins a block.
fn blocks(text: &str, begins: impl Fn(&str) -> bool) -> Vec<String> {
    let mut blocks = vec![String::new()];
    for line in text.lines() {
        if begins(line.split(" #").next().unwrap_or_default().trim_end()) {
            blocks.push(String::new());
        }
        let block = blocks.last_mut().expect("there is one from the beginning");
        block.push_str(line);
        block.push('\n');
    }
    blocks
}
