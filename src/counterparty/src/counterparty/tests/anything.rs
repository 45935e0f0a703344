//! Whatever comes, in whatever order: nothing panics, and the institution keeps to its own rules.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

/// One thing that may happen.
#[derive(Clone, Debug)]
enum Step {
    Connect(u16),
    ConnectFails,
    Closed(usize),
    /// A telegram of ours, whole or its first bytes only.
    Request {
        number: u32,
        opening: bool,
        cut: usize,
    },
    Bytes(Vec<u8>),
    Pass(u64),
    Trigger,
    Line {
        line: u16,
        open: bool,
    },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (0_u16..3).prop_map(Step::Connect),
        1 => Just(Step::ConnectFails),
        2 => (0_usize..8).prop_map(Step::Closed),
        8 => (1_u32..40, any::<bool>(), prop_oneof![9 => Just(304), 1 => 0_usize..304])
            .prop_map(|(number, opening, cut)| Step::Request { number, opening, cut }),
        1 => proptest::collection::vec(any::<u8>(), 0..400).prop_map(Step::Bytes),
        6 => (0_u64..20_000).prop_map(Step::Pass),
        1 => Just(Step::Trigger),
        1 => (0_u16..3, any::<bool>()).prop_map(|(line, open)| Step::Line { line, open }),
    ]
}

/// Which connections the institution may still write to.
#[derive(Default)]
struct Sockets {
    open: Vec<Connection>,
    writable: BTreeSet<Connection>,
}

impl Sockets {
    fn follow(&mut self, counterparty: &mut Counterparty) {
        while let Some(output) = counterparty.poll_output() {
            match output {
                Output::Send { connection, bytes } => {
                    assert!(self.writable.contains(&connection), "{connection} is over, or was never there");
                    assert!(!bytes.is_empty());
                }
                Output::Close { connection } => assert!(self.writable.remove(&connection), "{connection} closes once"),
                Output::Reset { connection } => {
                    assert!(self.open.contains(&connection), "{connection} is there");
                    self.writable.remove(&connection);
                    self.open.retain(|open| *open != connection);
                }
                Output::Connect { line } => assert_eq!(line, ANSWERS),
                Output::Event(event) => assert!(!event.to_string().is_empty()),
            }
        }
        let counted: u32 = (0..3).map(|line| counterparty.ledger().line(LineId(line)).open).sum();
        assert_eq!(usize::try_from(counted).unwrap(), self.open.len(), "connections are counted as they are");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn any_order_of_events_is_survived(seed in any::<u64>(), steps in proptest::collection::vec(step(), 1..80)) {
        let mut desk = Desk::unconnected(shipped("hostile"), Settings::pair(2), seed);
        let mut sockets = Sockets::default();
        for (at, step) in (1..).zip(steps) {
            let newest = sockets.open.last().copied().unwrap_or(Connection(0));
            match step {
                Step::Connect(line) => {
                    // A third line is not in the settings, and is ignored.
                    if line < 2 {
                        sockets.open.push(Connection(at));
                        sockets.writable.insert(Connection(at));
                    }
                    desk.counterparty.handle_connected(Connection(at), LineId(line), desk.now);
                }
                Step::ConnectFails => desk.counterparty.handle_connect_failed(ANSWERS, desk.now),
                Step::Closed(which) => {
                    if which < sockets.open.len() {
                        let connection = sockets.open.remove(which);
                        sockets.writable.remove(&connection);
                        desk.counterparty.handle_closed(connection, desk.now);
                    }
                }
                Step::Request { number, opening, cut } => {
                    let telegram = request(if opening { "open" } else { "transfer" }, number, &[]);
                    let mut framed = Vec::new();
                    hecto::protocol().framing.write(&telegram, &mut framed).unwrap();
                    framed.truncate(cut);
                    desk.counterparty.handle_received(newest, &framed, desk.now);
                }
                Step::Bytes(bytes) => desk.counterparty.handle_received(newest, &bytes, desk.now),
                Step::Pass(millis) => {
                    let end = desk.now.mono + Duration::from_millis(millis);
                    while let Some((at, _)) = desk.counterparty.poll_timeout().filter(|(at, _)| *at <= end) {
                        desk.step_to(at.max(desk.now.mono));
                        desk.counterparty.handle_timeout(desk.now);
                        sockets.follow(&mut desk.counterparty);
                    }
                    desk.step_to(end);
                }
                Step::Trigger => drop(desk.counterparty.trigger("deposit", desk.now)),
                Step::Line { line, open: true } => desk.counterparty.open_line(LineId(line), desk.now),
                Step::Line { line, open: false } => desk.counterparty.close_line(LineId(line), desk.now),
            }
            sockets.follow(&mut desk.counterparty);
        }
        for (key, request) in desk.ledger().requests() {
            prop_assert!(request.executed <= 1, "{key} was paid {} times", request.executed);
            prop_assert!(request.received >= 1);
        }
    }

    #[test]
    fn any_text_is_a_scenario_or_has_mistakes(from in 0_usize..4_000, len in 0_usize..40, text in "[ -~\n]{0,20}") {
        let mut scenario = String::from(shipped("hostile"));
        let from = (0..=from.min(scenario.len())).rev().find(|at| scenario.is_char_boundary(*at)).unwrap();
        let to = (from + len..).find(|at| scenario.is_char_boundary((*at).min(scenario.len()))).unwrap().min(scenario.len());
        scenario.replace_range(from..to, &text);
        if let Err(mistakes) = Scenario::parse(&scenario, "any.toml", &hecto::protocol()) {
            prop_assert!(!mistakes.is_empty());
            let lines = u32::try_from(scenario.lines().count() + 1).unwrap();
            prop_assert!(mistakes.iter().all(|mistake| (1..=lines).contains(&mistake.line)));
        }
    }
}
