//! What a journal holds: one [`Envelope`] for each thing that happened, with its place in the order.

use std::borrow::Cow;
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
pub struct Draft<C = Columns> {
    /// Wall time of the event, microseconds since 1970 (UTC), as the caller's clock says. Order is the position, never this.
    pub at: i64,
    /// Whose codec reads the body (`switch`, `control`, ...), so that kinds of several domains live side by side.
    pub family: Cow<'static, str>,
    /// The kind of entry within its family. [`CHECKPOINT`] is the one kind that the journal itself knows.
    pub kind: Cow<'static, str>,
    /// The version of the body's codec.
    pub version: u32,
    /// What an entry can be found by: [`Columns`], or [`Packed`] ones.
    pub columns: C,
    /// The entry itself, opaque here.
    pub body: Vec<u8>,
}

impl Draft {
    /// What this draft counts against the limits, in bytes: body, texts, and 64 for the rest.
    pub fn size_bytes(&self) -> usize {
        size_bytes(self)
    }

    /// As the writer takes it.
    pub fn pack(self) -> Draft<Packed> {
        let Self { at, family, kind, version, columns, body } = self;
        Draft { at, family, kind, version, columns: columns.pack(), body }
    }
}

impl Draft<Packed> {
    /// What this draft counts against the limits, in bytes: body, texts, and 64 for the rest.
    pub fn size_bytes(&self) -> usize {
        size_bytes(self)
    }
}

fn size_bytes<C: Cells>(draft: &Draft<C>) -> usize {
    let of = |cell| match cell {
        Cell::Null => 0,
        Cell::Integer(_) => 8,
        Cell::Text(text) => text.len(),
    };
    let columns: usize = draft.columns.cells().map(of).sum();
    64 + draft.family.len() + draft.kind.len() + columns + draft.body.len()
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

impl<'a> From<&'a str> for Cell<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(text)
    }
}

impl From<i64> for Cell<'_> {
    fn from(number: i64) -> Self {
        Self::Integer(number)
    }
}

/// Columns in whatever form.
pub(crate) trait Cells {
    /// Each column's content, in order.
    fn cells(&self) -> impl Iterator<Item = Cell<'_>>;
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

/// What is borrowed of a column's content.
macro_rules! borrowed {
    ($life:lifetime String) => { &$life str };
    ($life:lifetime i64) => { i64 };
}

/// What a cell holds, if it is of this kind.
macro_rules! of_cell {
    (String, $cell:expr) => {
        if let Some(Cell::Text(text)) = $cell { Some(text) } else { None }
    };
    (i64, $cell:expr) => {
        if let Some(Cell::Integer(number)) = $cell { Some(number) } else { None }
    };
}

/// Declares [`Columns`] once: the struct, its names in SQL, and the ways in and out.
macro_rules! columns {
    ($( $(#[$doc:meta])* $name:ident: $content:ident, )*) => {
        /// What an entry can be found by, and what an auditor reads without any codec. Each is absent where it means nothing.
        #[derive(Clone, Debug, Default, PartialEq, Eq)]
        pub struct Columns {
            $( $(#[$doc])* pub $name: Option<$content>, )*
        }

        impl Columns {
            /// Names and SQL types in the order of the table, of the checksum, and of `cells`.
            pub(crate) const SCHEMA: &'static [(&'static str, &'static str)] =
                &[$( (stringify!($name), <$content as Content>::SQL), )*];

            /// In one piece of memory.
            pub fn pack(&self) -> Packed {
                Packed::of([$( <$content as Content>::cell(&self.$name), )*])
            }

            /// Reads the columns of a row that selects them in order from `index` on.
            pub(crate) fn read(row: &rusqlite::Row<'_>, index: usize) -> rusqlite::Result<Self> {
                let mut indexes = index..;
                let mut next = || indexes.next().unwrap_or(usize::MAX);
                Ok(Self { $( $name: row.get(next())?, )* })
            }
        }

        impl Cells for Columns {
            fn cells(&self) -> impl Iterator<Item = Cell<'_>> {
                [$( <$content as Content>::cell(&self.$name), )*].into_iter()
            }
        }

        /// [`Columns`] of somebody else's texts.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct BorrowedColumns<'a> {
            $( $(#[$doc])* pub $name: Option<borrowed!('a $content)>, )*
        }

        impl Default for BorrowedColumns<'_> {
            fn default() -> Self {
                Self { $( $name: None, )* }
            }
        }

        impl BorrowedColumns<'_> {
            /// In one piece of memory.
            pub fn pack(&self) -> Packed {
                Packed::of([$( self.$name.map_or(Cell::Null, Cell::from), )*])
            }
        }

        impl Packed {
            /// Each for itself.
            pub fn unpack(&self) -> BorrowedColumns<'_> {
                let mut cells = self.cells();
                BorrowedColumns { $( $name: of_cell!($content, cells.next()), )* }
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

/// [`Columns`] in one piece of memory, as the writer takes them: thirteen texts of an entry, each in a piece of its own, cost more to make and to
/// let go, by another thread, than to write.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Packed {
    /// One behind the other.
    texts: String,
    slots: [Slot; Columns::SCHEMA.len()],
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Slot {
    #[default]
    Null,
    Integer(i64),
    /// It begins where the text before it ends, and ends there.
    Text(usize),
}

impl Packed {
    fn of(cells: [Cell<'_>; Columns::SCHEMA.len()]) -> Self {
        let length = |cell: &Cell<'_>| if let Cell::Text(text) = cell { text.len() } else { 0 };
        let mut texts = String::with_capacity(cells.iter().map(length).sum());
        let slots = cells.map(|cell| match cell {
            Cell::Null => Slot::Null,
            Cell::Integer(number) => Slot::Integer(number),
            Cell::Text(text) => {
                texts.push_str(text);
                Slot::Text(texts.len())
            }
        });
        Self { texts, slots }
    }
}

impl Cells for Packed {
    fn cells(&self) -> impl Iterator<Item = Cell<'_>> {
        self.slots.iter().scan(0, |from, slot| {
            Some(match *slot {
                Slot::Null => Cell::Null,
                Slot::Integer(number) => Cell::Integer(number),
                Slot::Text(end) => {
                    let text = self.texts.get(std::mem::replace(from, end)..end).unwrap_or_default();
                    Cell::Text(text)
                }
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_is_unpacked() {
        let text = |text: &str| Some(text.to_owned());
        let columns = Columns {
            exchange: text("x-1"),
            caller: text(""),
            business_date: Some(i64::MIN),
            epoch: Some(0),
            our_number: text("0000001"),
            cause: text("한글"),
            ..Columns::default()
        };
        let packed = columns.pack();
        assert!(packed.cells().eq(columns.cells()));
        let borrowed = BorrowedColumns {
            exchange: Some("x-1"),
            caller: Some(""),
            business_date: Some(i64::MIN),
            epoch: Some(0),
            our_number: Some("0000001"),
            cause: Some("한글"),
            ..BorrowedColumns::default()
        };
        assert_eq!(borrowed.pack(), packed);
        assert_eq!(packed.unpack(), borrowed);
        let draft = Draft { columns, body: vec![7; 9], ..Draft::default() };
        assert_eq!(draft.size_bytes(), 64 + 3 + 8 + 8 + 7 + 6 + 9);
        assert_eq!(draft.size_bytes(), draft.pack().size_bytes());
    }
}
