//! What a journal holds: one [`Envelope`] for each thing that happened, with its place in the order.

use std::fmt;

/// The kind that recovery starts at; see [`Reader::recovery`](crate::Reader::recovery).
pub const CHECKPOINT: &str = "checkpoint";

/// A place in the order of one writer. Positions of one writer are consecutive: the first envelope has `seq` 1, and nothing is
/// ever left out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// The number of the writer ([`Options::writer`](crate::Options::writer)).
    pub writer: u32,
    /// Counts from 1; 0 is the place before the first envelope.
    pub seq: u64,
}

impl Position {
    /// The place before every envelope: a cursor that has read nothing.
    pub const START: Self = Self { writer: 0, seq: 0 };
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.writer, self.seq)
    }
}

/// An envelope before it has a position: what a caller appends. The institution is given once for the whole batch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Draft {
    /// Wall time of the event, microseconds since 1970 (UTC), as the caller's clock says. Order is the position, never this.
    pub at: i64,
    /// Whose codec reads the body (`switch`, `control`, ...), so that kinds of several domains live side by side.
    pub family: String,
    /// The kind of entry within its family. [`CHECKPOINT`] is the one kind that the journal itself knows.
    pub kind: String,
    /// The version of the body's codec.
    pub version: u32,
    /// What an entry can be found by.
    pub columns: Columns,
    /// The entry itself, opaque here.
    pub body: Vec<u8>,
}

impl Draft {
    /// What this draft counts against the limits, in bytes: body, texts, and 64 for the rest.
    pub fn size_bytes(&self) -> usize {
        64 + self.family.len() + self.kind.len() + self.columns.size_bytes() + self.body.len()
    }
}

/// One line of the journal. It is written once, and never changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// Its place.
    pub position: Position,
    /// Wall time of the event, microseconds since 1970 (UTC).
    pub at: i64,
    /// The institution that it belongs to.
    pub institution: String,
    /// Whose codec reads the body.
    pub family: String,
    /// The kind of entry within its family.
    pub kind: String,
    /// The version of the body's codec.
    pub version: u32,
    /// What it can be found by.
    pub columns: Columns,
    /// The entry itself, opaque here.
    pub body: Vec<u8>,
}

/// The content of one column, borrowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cell<'a> {
    /// Absent.
    Null,
    /// A number.
    Integer(i64),
    /// A text.
    Text(&'a str),
}

/// What may stand in a column.
pub(crate) trait Content: Sized + rusqlite::types::FromSql {
    /// The column's type in SQL.
    const SQL: &'static str;
    /// The content, borrowed.
    fn cell(content: &Option<Self>) -> Cell<'_>;
}

impl Content for String {
    const SQL: &'static str = "TEXT";
    fn cell(content: &Option<Self>) -> Cell<'_> {
        content.as_deref().map_or(Cell::Null, Cell::Text)
    }
}

impl Content for i64 {
    const SQL: &'static str = "INTEGER";
    fn cell(content: &Option<Self>) -> Cell<'_> {
        content.map_or(Cell::Null, Cell::Integer)
    }
}

/// Declares [`Columns`] once: the struct, its names in SQL, and the ways in and out.
macro_rules! columns {
    ($( $(#[$doc:meta])* $name:ident: $content:ty, )*) => {
        /// What an entry can be found by, and what an auditor reads without any codec. Each is absent where it means nothing.
        #[derive(Clone, Debug, Default, PartialEq, Eq)]
        pub struct Columns {
            $( $(#[$doc])* pub $name: Option<$content>, )*
        }

        impl Columns {
            /// Names and SQL types in the order of the table, of the checksum, and of `cells`.
            pub(crate) const SCHEMA: &'static [(&'static str, &'static str)] =
                &[$( (stringify!($name), <$content as Content>::SQL), )*];

            /// Each column's content, in order.
            pub(crate) fn cells(&self) -> impl Iterator<Item = Cell<'_>> {
                [$( <$content as Content>::cell(&self.$name), )*].into_iter()
            }

            /// Reads the columns of a row that selects them in order from `index` on.
            pub(crate) fn read(row: &rusqlite::Row<'_>, index: usize) -> rusqlite::Result<Self> {
                let mut indexes = index..;
                let mut next = || indexes.next().unwrap_or(usize::MAX);
                Ok(Self { $( $name: row.get(next())?, )* })
            }
        }
    };
}

columns! {
    /// The exchange, by the gateway's own id.
    exchange: String,
    /// The internal service that asked; the scope of its idempotency keys.
    caller: String,
    /// The caller's idempotency key.
    idempotency_key: String,
    /// Who we are to the institution (업체번호).
    party: String,
    /// The protocol of the institution.
    protocol: String,
    /// The party behind a relay that a header field names (a bank code).
    participant: String,
    /// The key of limits and queues.
    compartment: String,
    /// The business date as a number, yyyymmdd.
    business_date: i64,
    /// The process that wrote the entry.
    node: String,
    /// The session.
    session: String,
    /// The number of the session's connection.
    epoch: i64,
    /// Where the first byte of the frame stands in the session's stream, in bytes.
    stream_offset: i64,
    /// The digest of the spec that the exchange lives by.
    spec_digest: String,
    /// The number that we gave.
    our_number: String,
    /// The number that the institution gave.
    their_number: String,
    /// The key that joins an answer to its request.
    correlation_key: String,
    /// The caller's trace, as W3C `traceparent`.
    trace_context: String,
    /// The exchange that this one serves: the transfer of an inquiry or of a notice.
    parent: String,
    /// What became of it.
    outcome: String,
    /// Why.
    cause: String,
}

impl Columns {
    fn size_bytes(&self) -> usize {
        self.cells()
            .map(|cell| match cell {
                Cell::Null => 0,
                Cell::Integer(_) => 8,
                Cell::Text(text) => text.len(),
            })
            .sum()
    }
}
