//! Inputs in any order, also those that no shell and no institution would give: nothing panics, no byte leaves before its entry is durable, and what
//! was said stays.

use std::collections::BTreeMap;
use std::time::Duration;

use pabal_clock::Wall;
use pabal_switch::{
    CloseReason, Conn, Entry, Epoch, ExchangeId, Image, LineId, Output, Recovery, Report, SessionId, Ticket,
};

use crate::hands::{Hands, IN, OUT, settings};
use crate::peer;

/// SplitMix64.
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, sides: u64) -> usize {
        usize::try_from(self.roll() % sides).unwrap()
    }
}

#[derive(Default)]
struct Storm {
    /// Where each frame that was appended begins, and whether that is durable.
    promised: BTreeMap<(String, u32), BTreeMap<u64, bool>>,
    undurable: Vec<(Ticket, Vec<Entry>)>,
    written: BTreeMap<Conn, Vec<u8>>,
    sent: Vec<Vec<u8>>,
    last: BTreeMap<ExchangeId, String>,
    exchanges: Vec<ExchangeId>,
    conns: Vec<Conn>,
}

impl Storm {
    fn drain(&mut self, hands: &mut Hands) {
        while let Some(output) = hands.core.poll_output() {
            match output {
                Output::Connect { conn, .. } => self.conns.push(conn),
                Output::Append { ticket, entries } => {
                    for entry in &entries {
                        let columns = entry.columns();
                        if let (Some(session), Some(epoch), Some(offset)) =
                            (columns.session, columns.epoch, columns.stream_offset)
                        {
                            self.promised.entry((session.into(), epoch)).or_default().insert(offset, false);
                        }
                    }
                    self.undurable.push((ticket, entries));
                }
                Output::Finish { exchange, report: Report::Outcome { outcome, .. } } => {
                    let word = outcome.word().to_owned();
                    if let Some(before) = self.last.insert(exchange, word.clone()) {
                        assert!(before == "UNKNOWN" || before == word, "{exchange} was {before} and is {word}");
                    }
                }
                _ => {}
            }
        }
    }

    fn durable(&mut self, hands: &mut Hands) {
        if self.undurable.is_empty() {
            return;
        }
        let (ticket, entries) = self.undurable.remove(0);
        for entry in entries {
            let columns = entry.columns();
            if let (Some(session), Some(epoch), Some(offset)) = (columns.session, columns.epoch, columns.stream_offset)
            {
                self.promised.entry((session.into(), epoch)).or_default().insert(offset, true);
            }
            hands.journal.push((entry.kind().into(), entry.encode(&|_| [0; 32])));
        }
        hands.core.handle_durable(ticket, hands.now);
    }

    fn write(&mut self, hands: &mut Hands, conn: Conn, dice: &mut Dice) {
        let bytes = hands.core.poll_write(conn).to_vec();
        let name = (if conn.session.line == OUT { "out/0" } else { "in/0" }.to_owned(), conn.epoch.0);
        let stream = self.written.entry(conn).or_default();
        let from = stream.len() as u64;
        for (offset, is_durable) in self.promised.get(&name).into_iter().flatten() {
            let shown = from + bytes.len() as u64;
            assert!(*is_durable || *offset >= shown, "bytes of a frame at {offset} are shown up to {shown}");
        }
        let take = bytes.len().min(1 + dice.below(400));
        if take > 0 {
            let known = peer::frames(stream).0.len();
            stream.extend_from_slice(&bytes[..take]);
            self.sent.extend(peer::frames(stream).0.into_iter().skip(known));
            hands.core.handle_wrote(conn, take, hands.now);
        }
    }

    fn conn(&self, dice: &mut Dice) -> Conn {
        if dice.below(8) == 0 || self.conns.is_empty() {
            let line = LineId(u16::try_from(dice.below(3)).unwrap());
            return Conn { session: SessionId { line, slot: u16::try_from(dice.below(2)).unwrap() }, epoch: Epoch(2) };
        }
        let newest = self.conns.len().min(2);
        self.conns[self.conns.len() - 1 - dice.below(newest as u64)]
    }

    fn bytes(&self, dice: &mut Dice) -> Vec<u8> {
        let mut frame = match (dice.below(6), self.sent.is_empty()) {
            (0, _) => peer::deposit(u32::try_from(dice.below(5)).unwrap(), 5),
            (1, _) => b"HDRREQPOLL1121100500".to_vec(),
            (2, _) => b"HDRRESPOLL1121100500".to_vec(),
            (_, true) => return vec![b'0'; dice.below(9)],
            (_, false) => {
                let code = ["0000", "ZZZZ", "0116", "0102", "SB01"][dice.below(5)];
                let request = &self.sent[dice.below(self.sent.len() as u64)];
                if request.len() < 300 {
                    return peer::poll_answer(request);
                }
                peer::answer(request, code)
            }
        };
        if dice.below(10) == 0 {
            let at = dice.below(frame.len() as u64);
            frame[at] = b"0 9x\xb0\x00"[dice.below(6)];
        }
        if dice.below(20) == 0 {
            frame.truncate(dice.below(frame.len() as u64));
        }
        let mut bytes = peer::framed(&frame);
        if dice.below(200) == 0 {
            bytes.truncate(dice.below(bytes.len() as u64 + 1));
        }
        bytes
    }

    fn step(&mut self, hands: &mut Hands, dice: &mut Dice) {
        let reasons = [CloseReason::PeerClosed, CloseReason::Reset, CloseReason::IoError, CloseReason::Drained];
        match dice.below(40) {
            0 => hands.core.handle_connected(self.conn(dice), hands.now),
            1 => hands.core.handle_connect_failed(self.conn(dice), hands.now),
            2 | 3 => {
                if let Ok(conn) = hands.core.handle_accepted(if dice.below(4) > 0 { IN } else { OUT }, hands.now) {
                    self.conns.push(conn);
                }
            }
            4 if dice.below(8) == 0 => hands.core.handle_closed(self.conn(dice), reasons[dice.below(4)], hands.now),
            5 if dice.below(2) == 0 => hands.core.handle_wrote(self.conn(dice), 0, hands.now),
            28 if dice.below(8) == 0 => {
                let unsent = [None, Some(0), Some(300), Some(100_000)][dice.below(4)];
                hands.core.handle_aborted(self.conn(dice), unsent, hands.now);
            }
            6..=10 => {
                let (conn, bytes) = (self.conn(dice), self.bytes(dice));
                hands.core.handle_received(conn, &bytes, hands.now);
            }
            11..=18 => self.durable(hands),
            19..=26 => {
                let conn = self.conn(dice);
                self.write(hands, conn, dice);
            }
            27 if dice.below(2) == 0 => {
                let most = hands.core.poll_timeout().map_or(0, |(at, _)| at.since(hands.now.mono).as_millis());
                hands.now.mono = hands.now.mono + Duration::from_millis(u64::try_from(most.min(60_000)).unwrap());
                hands.core.handle_timeout(hands.now);
            }
            29 if dice.below(40) == 0 => {
                let jump = i64::try_from(dice.below(172_800)).unwrap() - 86_400;
                hands.now.wall = Wall::from_unix_micros(hands.now.wall.as_unix_micros() + jump * 1_000_000);
            }
            30 if !self.exchanges.is_empty() => {
                let id = self.exchanges[dice.below(self.exchanges.len() as u64)];
                hands.core.abandon(id, hands.now);
            }
            31 | 32 if !self.exchanges.is_empty() => {
                let id = self.exchanges[dice.below(self.exchanges.len() as u64)];
                let inquire = pabal_switch::Inquire {
                    exchange: id,
                    actor: "storm".into(),
                    reason: "why not".into(),
                    trace: None,
                    deadline: hands.now.mono + Duration::from_secs(5),
                };
                self.exchanges.extend(hands.core.inquire(inquire, hands.now));
            }
            33 => {
                let _ = hands.core.fence("teller", &format!("{}", dice.below(30)), hands.now);
            }
            34 if dice.below(400) == 0 => hands.core.handle_journal_failed("storm", hands.now),
            35 if dice.below(400) == 0 => hands.core.drain(hands.now.mono + Duration::from_secs(5), hands.now),
            _ => {
                let bank = ["088", "004", "011"][dice.below(3)];
                let mut open = hands.request(peer::transfer(bank, "1", 5));
                open.deadline = hands.now.mono + Duration::from_millis(dice.below(90_000) as u64);
                if dice.below(3) == 0 {
                    open.idempotency_key = Some(format!("{}", dice.below(30)).into());
                }
                if let Ok(opened) = hands.core.open(open, hands.now) {
                    let (pabal_switch::Opened::New(id) | pabal_switch::Opened::Known(id)) = opened;
                    self.exchanges.push(id);
                }
            }
        }
    }
}

fn run(seed: u64) -> Vec<String> {
    let mut dice = Dice(seed);
    let mut settings = settings();
    settings.limits.events_max = 4;
    settings.limits.unknown_max = 3;
    settings.limits.tombstones_max = 3;
    settings.limits.idempotency_keys_max = 3;
    settings.limits.number_block = 1 + u32::try_from(dice.below(4)).unwrap();
    settings.lines[0].close_grace = Duration::from_secs(2);
    settings.lines[1].close_grace = Duration::from_secs(2);
    let mut hands = Hands::cold(settings, Recovery::new(), Hands::begin());
    hands.lives = false;
    let mut storm = Storm { conns: hands.connects.clone(), ..Storm::default() };
    if dice.below(4) > 0 {
        hands.connect_pair();
        storm.conns.clone_from(&hands.open_conns);
        storm.written.clone_from(&hands.streams);
    }
    for _ in 0..300 {
        storm.step(&mut hands, &mut dice);
        storm.drain(&mut hands);
        if dice.below(60) == 0 {
            let json = serde_json::to_vec(&hands.core.image()).unwrap();
            let image: Image = serde_json::from_slice(&json).unwrap();
            hands.core =
                pabal_switch::Core::restore(image, vec![hands.institution.clone()], hands.settings.clone()).unwrap();
        }
        let status = hands.core.status();
        assert!(status.sessions.iter().all(|session| session.in_flight <= 4), "the window holds");
        assert!(status.unknown <= 3 + 20 && status.waiting <= 2 * 2 + 6, "{status:?}");
    }
    // Whatever was left behind, the next process can go on with it.
    let mut next = hands.restart();
    next.after_secs(40);
    let status = next.core.status();
    assert_eq!((status.waiting, status.in_flight), (0, 0));
    storm.last.into_values().collect()
}

#[test]
fn nothing_panics_whatever_comes() {
    let first = std::env::var("PABAL_STORM_FIRST").ok().and_then(|text| text.parse().ok()).unwrap_or(1);
    let seeds = std::env::var("PABAL_STORM_SEEDS").ok().and_then(|text| text.parse().ok()).unwrap_or(60);
    let mut counts = BTreeMap::new();
    for seed in first..first + seeds {
        let Ok(words) = std::panic::catch_unwind(|| run(seed)) else {
            panic!("seed {seed}: PABAL_STORM_FIRST={seed} PABAL_STORM_SEEDS=1");
        };
        for word in words {
            *counts.entry(word).or_insert(0) += 1;
        }
    }
    // A storm in which nothing is ever said would show nothing.
    println!("{counts:?}");
    assert!(
        seeds < 60 || ["SUCCESS", "FAILURE", "UNKNOWN"].iter().all(|word| counts.get(*word) > Some(&10)),
        "{counts:?}"
    );
}
