//! The tables: how they are made, recognised, and how a row becomes an envelope.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags, Row};

use crate::chain::Chain;
use crate::database::Database;
use crate::envelope::{Columns, Draft, Envelope, Position};
use crate::error::{Corrupt, Error};

/// The file's name. Later files of the same directory will be `journal-2.sqlite` and so on: each begins with the chain that the one before
/// ended with, which is why the table `file` has a number and a `chain_before`. Today there is one.
pub(crate) const FILE: &str = "journal.sqlite";
/// The one file's number.
const FILE_NUMBER: i64 = 1;
/// Stands in the file's header (offset 68), so that `file` and auditors' tools know it: "paba".
const APPLICATION: i32 = 0x7061_6261;
/// The format of the tables and of the checksum; in the header's user version (offset 60).
const FORMAT: i32 = 2;
/// Bytes of a page.
pub(crate) const PAGE_BYTES: u64 = 4096;

/// What a file says of itself.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Header {
    /// The writer's number.
    pub(crate) writer: u32,
    /// Where the chain begins.
    pub(crate) genesis: Chain,
}

/// The journal's end, as the last transaction left it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    /// Number of the last envelope; 0 when there is none.
    pub(crate) seq: u64,
    /// The chain up to it.
    pub(crate) chain: Chain,
}

pub(crate) fn path(directory: &Path) -> PathBuf {
    directory.join(FILE)
}

/// For `map_err`: a failure of the engine while `doing`.
pub(crate) fn storage(doing: &'static str) -> impl FnOnce(rusqlite::Error) -> Error {
    move |source| Error::Storage { doing, source }
}

/// Every statement that makes the schema, in order. `verify` compares them with what the file holds.
fn statements() -> Vec<String> {
    let mut columns = String::new();
    for (name, sql) in Columns::SCHEMA {
        columns.push_str(&format!("  {name} {sql},\n"));
    }
    let mut statements = vec![
        format!(
            "CREATE TABLE envelope (\n  seq INTEGER PRIMARY KEY,\n  writer INTEGER NOT NULL,\n  at INTEGER NOT NULL,\n  institution TEXT NOT \
             NULL,\n  family TEXT NOT NULL,\n  kind TEXT NOT NULL,\n  version INTEGER NOT NULL,\n{columns}  body BLOB NOT NULL,\n  \
             chain BLOB NOT NULL\n) STRICT"
        ),
        "CREATE TABLE file (number INTEGER PRIMARY KEY, writer INTEGER NOT NULL, chain_before BLOB) STRICT".to_owned(),
        "CREATE TABLE head (one INTEGER PRIMARY KEY CHECK (one = 1), seq INTEGER NOT NULL, chain BLOB NOT NULL) STRICT"
            .to_owned(),
        "CREATE INDEX envelope_institution ON envelope (institution)".to_owned(),
        "CREATE INDEX envelope_checkpoint ON envelope (institution) WHERE kind = 'checkpoint'".to_owned(),
    ];
    for (name, columns) in [
        ("exchange", "exchange"),
        ("idempotency", "idempotency_key, caller"),
        ("correlation", "correlation_key, institution"),
        ("trace", "trace_context"),
        ("our_number", "our_number, institution"),
        ("their_number", "their_number, institution"),
        ("parent", "parent, institution"),
        ("outcome", "outcome, institution"),
    ] {
        let first = columns.split(',').next().unwrap_or(columns);
        statements.push(format!("CREATE INDEX envelope_{name} ON envelope ({columns}) WHERE {first} IS NOT NULL"));
    }
    // A REPLACE deletes without asking the triggers of deletion, so an insert anywhere but at the end is refused as well.
    statements.push(
        "CREATE TRIGGER envelope_insert BEFORE INSERT ON envelope WHEN NEW.seq <= (SELECT max(seq) FROM envelope) BEGIN SELECT \
         RAISE(ABORT, 'the journal only grows at its end'); END"
            .to_owned(),
    );
    for (table, act) in
        [("envelope", "UPDATE"), ("envelope", "DELETE"), ("file", "UPDATE"), ("file", "DELETE"), ("head", "DELETE")]
    {
        let name = act.to_ascii_lowercase();
        statements.push(format!(
            "CREATE TRIGGER {table}_{name} BEFORE {act} ON {table} BEGIN SELECT RAISE(ABORT, 'the journal is insert-only'); END"
        ));
    }
    statements
}

/// Indexes that files were made with once. Nobody asks by them, and each row paid for them; where they are, they stay and are kept.
fn retired() -> [String; 2] {
    ["business_date", "participant"].map(|column| {
        format!("CREATE INDEX envelope_{column} ON envelope ({column}, institution) WHERE {column} IS NOT NULL")
    })
}

/// Makes the tables in an empty database.
pub(crate) fn create(connection: &mut Connection, writer: u32) -> rusqlite::Result<()> {
    let transaction = connection.transaction()?;
    for statement in statements() {
        transaction.execute(&statement, [])?;
    }
    transaction.execute("INSERT INTO file VALUES (?1, ?2, NULL)", (FILE_NUMBER, writer))?;
    let genesis = Chain::of_file(FORMAT, writer, FILE_NUMBER, None);
    transaction.execute("INSERT INTO head VALUES (1, 0, ?1)", [&genesis.0[..]])?;
    transaction.pragma_update(None, "application_id", APPLICATION)?;
    transaction.pragma_update(None, "user_version", FORMAT)?;
    transaction.commit()
}

/// Whether nothing was ever made in this database.
pub(crate) fn is_empty(connection: &Connection) -> rusqlite::Result<bool> {
    connection.query_row("SELECT NOT EXISTS (SELECT 1 FROM sqlite_schema)", [], |row| row.get(0))
}

/// Opens the file for reading only.
pub(crate) fn open_for_reading(directory: &Path) -> Result<Database, Error> {
    if !path(directory).exists() {
        return Err(Error::Absent { path: directory.to_owned() });
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Database::open(directory, flags)?;
    connection.pragma_update(None, "cell_size_check", true).map_err(storage("setting up the journal"))?;
    connection.pragma_update(None, "trusted_schema", false).map_err(storage("setting up the journal"))?;
    Ok(connection)
}

/// Reads the file's own header, and refuses what is not a journal.
pub(crate) fn header(connection: &Connection, path: &Path) -> Result<Header, Error> {
    let number = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i32>(0));
    let application = number("application_id").map_err(storage("reading the file's header"))?;
    let format = number("user_version").map_err(storage("reading the file's header"))?;
    if (application, format) != (APPLICATION, FORMAT) {
        return Err(Error::Format { path: path.to_owned(), application, format, expected: FORMAT });
    }
    let file = "SELECT number, writer, chain_before FROM file";
    let (number, writer, before): (i64, u32, Option<Vec<u8>>) = connection
        .query_row(file, [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .map_err(storage("reading the file's header"))?;
    let before = before.map(|bytes| chain_of(&bytes)).transpose()?;
    Ok(Header { writer, genesis: Chain::of_file(format, writer, number, before) })
}

/// Reads where the journal ends.
pub(crate) fn head(connection: &Connection) -> Result<Head, Error> {
    let (seq, chain): (i64, Vec<u8>) = connection
        .query_row("SELECT seq, chain FROM head", [], |row| Ok((row.get(0)?, row.get(1)?)))
        .map_err(storage("reading the journal's head"))?;
    let seq = u64::try_from(seq).map_err(|_| Corrupt { position: None, what: format!("its head says {seq}") })?;
    Ok(Head { seq, chain: chain_of(&chain)? })
}

/// Compares the tables, indexes and triggers with those that `create` makes. Returns the first that differs.
pub(crate) fn difference(connection: &Connection) -> rusqlite::Result<Option<String>> {
    let (mut wanted, retired) = (statements(), retired());
    let mut statement =
        connection.prepare("SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY rowid")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (name, sql): (String, String) = (row.get(0)?, row.get(1)?);
        match wanted.iter().position(|wanted| *wanted == sql) {
            Some(index) => _ = wanted.remove(index),
            None if retired.contains(&sql) => {}
            None => return Ok(Some(format!("{name} is not as it was made"))),
        }
    }
    Ok(wanted.first().map(|missing| format!("this is missing: {}", missing.lines().next().unwrap_or_default())))
}

/// What to select for [`Row::read`].
pub(crate) fn selection() -> String {
    let mut names = String::from("e.seq, e.writer, e.at, e.institution, e.family, e.kind, e.version, e.body, e.chain");
    for (name, _) in Columns::SCHEMA {
        names.push_str(", e.");
        names.push_str(name);
    }
    names.push_str(", (SELECT p.chain FROM envelope p WHERE p.seq = e.seq - 1) AS chain_before");
    names
}

/// How so many envelopes are inserted: of each the fixed columns, then [`Columns`], then body and chain.
///
/// A violated constraint ends the transaction, as every error of the writer does. Would it end the statement only, the engine would copy
/// every page that a statement of several rows changes first, so that it could take that back.
pub(crate) fn insertion(rows: u64) -> String {
    let columns: String = Columns::SCHEMA.iter().map(|(name, _)| format!("{name}, ")).collect();
    let row = format!("({})", vec!["?"; 9 + Columns::SCHEMA.len()].join(", "));
    let rows: Vec<&str> = (0..rows).map(|_| &*row).collect();
    format!(
        "INSERT OR ROLLBACK INTO envelope (seq, writer, at, institution, family, kind, version, {columns}body, chain) VALUES {}",
        rows.join(", ")
    )
}

/// An envelope with the checksums on both sides of it.
pub(crate) struct Link {
    pub(crate) envelope: Envelope,
    pub(crate) chain: Chain,
    chain_before: Option<Chain>,
}

impl Link {
    /// Reads a row of [`selection`]. What cannot be read is damage: the tables are strict and the rows ours.
    pub(crate) fn read(row: &Row<'_>, header: &Header) -> Result<Self, Corrupt> {
        let seq = row.get::<_, i64>(0).ok().and_then(|seq| u64::try_from(seq).ok());
        let position = seq.map(|seq| Position { writer: header.writer, seq });
        Self::decode(row, position.unwrap_or(Position::START))
            .map_err(|error| Corrupt { position, what: error.to_string() })
    }

    /// The indexes are those of [`selection`].
    fn decode(row: &Row<'_>, place: Position) -> rusqlite::Result<Self> {
        let columns = Columns::read(row, 9)?;
        Ok(Self {
            envelope: Envelope {
                position: Position { writer: row.get(1)?, ..place },
                at: row.get(2)?,
                institution: row.get(3)?,
                family: row.get(4)?,
                kind: row.get(5)?,
                version: row.get(6)?,
                columns,
                body: row.get(7)?,
            },
            chain: Chain(row.get(8)?),
            chain_before: row.get::<_, Option<[u8; 32]>>(9 + Columns::SCHEMA.len())?.map(Chain),
        })
    }

    /// Recomputes the checksum from the envelope before this one, as the file has it.
    pub(crate) fn check(self, header: &Header) -> Result<Envelope, Corrupt> {
        let before = match (self.envelope.position.seq, self.chain_before) {
            (1, _) => Some(header.genesis),
            (_, before) => before,
        };
        self.check_after(before, header)
    }

    /// Recomputes the checksum from a chain that is known to be right.
    pub(crate) fn check_after(self, before: Option<Chain>, header: &Header) -> Result<Envelope, Corrupt> {
        let position = self.envelope.position;
        let place = Position { writer: header.writer, ..position };
        let corrupt = |what: &str| Corrupt { position: Some(place), what: what.to_owned() };
        if position.writer != header.writer {
            return Err(corrupt("it names another writer"));
        }
        let before = before.ok_or_else(|| corrupt("the envelope before it is missing"))?;
        let Envelope { position, at, institution, family, kind, version, columns, body } = self.envelope;
        let draft = Draft { at, family: family.into(), kind: kind.into(), version, columns, body };
        if before.after(position, &institution, &draft) != self.chain {
            return Err(corrupt("its checksum does not match its content and the envelope before it"));
        }
        let Draft { at, family, kind, version, columns, body } = draft;
        let (family, kind) = (family.into_owned(), kind.into_owned());
        Ok(Envelope { position, at, institution, family, kind, version, columns, body })
    }
}

fn chain_of(bytes: &[u8]) -> Result<Chain, Error> {
    let wrong = |_| Corrupt { position: None, what: format!("a checksum of {} bytes", bytes.len()) };
    Ok(Chain(bytes.try_into().map_err(wrong)?))
}
