//! State by event of the switch's machines: how often each row of their tables fired.

use std::fmt;

use pabal_switch::{
    ExchangeEvent, ExchangeState, Fired, NoticeEvent, NoticeState, OpeningEvent, OpeningState, SessionEvent,
    SessionState,
};

/// A table of a machine: what can happen in each state, and how often it did.
struct Machine<'a> {
    name: &'static str,
    states: Vec<&'static str>,
    events: Vec<&'static str>,
    /// A row for each state.
    cells: Vec<Vec<Cell>>,
    fired: Vec<&'a [u64]>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Cell {
    /// The table has no such row: the switch would panic.
    Impossible,
    Reachable,
    /// The table has it, and no world can bring it about.
    Unreachable(&'static str),
}

macro_rules! machine {
    ($name:literal, $state:ident, $event:ident, $fired:expr, $why:ident) => {{
        let cell = |state: $state, event: $event| match (state.on(event), $why(state, event)) {
            (None, _) => Cell::Impossible,
            (Some(_), None) => Cell::Reachable,
            (Some(_), Some(why)) => Cell::Unreachable(why),
        };
        Machine {
            name: $name,
            states: $state::ALL.iter().map(|state| state.word()).collect(),
            events: $event::ALL.iter().map(|event| event.word()).collect(),
            cells: $state::ALL.iter().map(|at| $event::ALL.iter().map(|on| cell(*at, *on)).collect()).collect(),
            fired: $fired.iter().map(|row| &row[..]).collect(),
        }
    }};
}

/// What fired in all machines of some runs, with the reasons why some rows cannot.
#[derive(Clone, Debug, Default)]
pub struct Machines(pub Fired);

impl Machines {
    fn all(&self) -> [Machine<'_>; 4] {
        [
            machine!("session", SessionState, SessionEvent, self.0.sessions, session_cannot),
            machine!("opening", OpeningState, OpeningEvent, self.0.openings, opening_cannot),
            machine!("exchange", ExchangeState, ExchangeEvent, self.0.exchanges, exchange_cannot),
            machine!("notice", NoticeState, NoticeEvent, self.0.notices, notice_cannot),
        ]
    }

    /// Rows that fired less often than this, and rows that fired though they are said to be unreachable.
    #[must_use]
    pub fn mistakes(&self, fired_min: u64) -> Vec<String> {
        let mut mistakes = Vec::new();
        for machine in self.all() {
            machine.each(|state, event, cell, fired| {
                let name = || format!("{}: {state} x {event}", machine.name);
                match cell {
                    Cell::Reachable if fired < fired_min => {
                        mistakes.push(format!("{} fired {fired} times of {fired_min}", name()));
                    }
                    Cell::Unreachable(why) if fired > 0 => {
                        mistakes.push(format!("{} fired {fired} times, and is said to be unreachable: {why}", name()));
                    }
                    _ => {}
                }
            });
        }
        mistakes
    }
}

impl Machine<'_> {
    fn each(&self, mut act: impl FnMut(&str, &str, Cell, u64)) {
        for (state, (cells, fired)) in self.states.iter().zip(self.cells.iter().zip(&self.fired)) {
            for (event, (cell, fired)) in self.events.iter().zip(cells.iter().zip(fired.iter())) {
                act(state, event, *cell, *fired);
            }
        }
    }
}

/// A table for each machine: `.` where a state has no such event, `-` where it cannot come, with the reasons below.
impl fmt::Display for Machines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (mut rows, mut fired_rows) = (0, 0);
        for machine in self.all() {
            write!(f, "{:<12}", machine.name)?;
            for event in &machine.events {
                write!(f, " {event:>14}")?;
            }
            writeln!(f)?;
            for (state, (cells, fired)) in machine.states.iter().zip(machine.cells.iter().zip(&machine.fired)) {
                write!(f, "{state:<12}")?;
                for (cell, fired) in cells.iter().zip(fired.iter()) {
                    match cell {
                        Cell::Impossible => write!(f, " {:>14}", ".")?,
                        Cell::Unreachable(_) if *fired == 0 => write!(f, " {:>14}", "-")?,
                        _ => write!(f, " {fired:>14}")?,
                    }
                }
                writeln!(f)?;
            }
            let mut reasons = Vec::new();
            machine.each(|state, event, cell, fired| match cell {
                Cell::Unreachable(why) => reasons.push(format!("- {state} x {event}: {why}")),
                Cell::Reachable => {
                    rows += 1;
                    fired_rows += u64::from(fired > 0);
                }
                Cell::Impossible => {}
            });
            for reason in reasons {
                writeln!(f, "{reason}")?;
            }
        }
        write!(f, "{fired_rows} of {rows} reachable rows of state by event fired")
    }
}

// ---- why a row cannot fire ----

const fn session_cannot(state: SessionState, event: SessionEvent) -> Option<&'static str> {
    match (state, event) {
        (SessionState::Probing, SessionEvent::SignOff) => {
            Some("what is signed off while it is polled was drained before, so that nothing new departs by it")
        }
        _ => None,
    }
}

const fn opening_cannot(_state: OpeningState, _event: OpeningEvent) -> Option<&'static str> {
    None
}

const fn exchange_cannot(state: ExchangeState, _event: ExchangeEvent) -> Option<&'static str> {
    match state {
        ExchangeState::Cancelling => Some("no institution's spec has a net cancel yet"),
        _ => None,
    }
}

const fn notice_cannot(state: NoticeState, event: NoticeEvent) -> Option<&'static str> {
    match (state, event) {
        (NoticeState::Replied, NoticeEvent::Ask) => Some(
            "a reply with secret bytes cannot be made again by a later process, and no notice of this spec has any",
        ),
        (NoticeState::Open, NoticeEvent::Repeat) => {
            Some("a notice is answered as its own version says, and no version of the world has another name for it")
        }
        _ => None,
    }
}
