use alloc::boxed::Box;
use alloc::vec::Vec;

/// What contract and site decide, as the institution has it. Addresses are the shell's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Its routes to the gateway.
    pub lines: Vec<Line>,
    /// Requests and notices that the ledger remembers; the oldest are forgotten first, and counted.
    pub ledger_requests_max: u32,
    /// Answers and notices that may wait for a session; more are lost, and counted.
    pub waiting_max: u32,
}

/// One route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// For people; unique.
    pub name: Box<str>,
    /// Who opens the connections.
    pub side: Side,
    /// What they carry, seen from the institution. Poll telegrams are answered where they came from.
    pub direction: Direction,
    /// Initiator: how many connections it makes. Acceptor: how many the contract allows.
    pub sessions: u16,
    /// Its connections are for one exchange each. Acceptor: one request and its answer, behind which the institution closes now and then.
    /// Initiator: it connects for a notice, and closes when that is replied to; all notices go so where there is such a line.
    pub per_exchange: bool,
}

/// Who opens the TCP connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The institution connects.
    Initiator,
    /// The gateway connects.
    Acceptor,
}

/// What a session carries, seen from the institution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Its answers and notices.
    Send,
    /// The gateway's requests and its replies to notices.
    Receive,
    /// Both.
    Duplex,
}

impl Settings {
    /// A one-way pair, as Hecto has it: the gateway connects for what it sends (line 0), the institution for what it sends (line 1);
    /// so many sessions each way.
    #[must_use]
    pub fn pair(sessions: u16) -> Self {
        Self::of(Vec::from([
            Line {
                name: "requests".into(),
                side: Side::Acceptor,
                direction: Direction::Receive,
                sessions,
                per_exchange: false,
            },
            Line {
                name: "answers".into(),
                side: Side::Initiator,
                direction: Direction::Send,
                sessions,
                per_exchange: false,
            },
        ]))
    }

    /// One line (line 0) on which the gateway connects and both sides send.
    #[must_use]
    pub fn duplex(sessions: u16) -> Self {
        Self::of(Vec::from([Line {
            name: "both".into(),
            side: Side::Acceptor,
            direction: Direction::Duplex,
            sessions,
            per_exchange: false,
        }]))
    }

    const fn of(lines: Vec<Line>) -> Self {
        Self { lines, ledger_requests_max: 1_000_000, waiting_max: 10_000 }
    }
}

impl Direction {
    /// Whether the institution sends by it.
    #[must_use]
    pub const fn sends(self) -> bool {
        matches!(self, Self::Send | Self::Duplex)
    }
}
