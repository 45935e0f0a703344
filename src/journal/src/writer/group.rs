//! One group: many batches, one transaction, one sync.

use std::collections::BTreeMap;
use std::ffi::c_int;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rusqlite::config::DbConfig;
use rusqlite::hooks::Wal;
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, OpenFlags, OptionalExtension, ToSql};

use super::checkpointer;
use super::{Batch, RecoveredInstitution};
use crate::database::Database;
use crate::envelope::{Cell, Cells, Position};
use crate::error::{Corrupt, Error, Failure};
use crate::schema::{self, Head, Header, storage};
use crate::{Durability, Options, wal};

impl ToSql for Cell<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match *self {
            Self::Null => ValueRef::Null,
            Self::Integer(number) => ValueRef::Integer(number),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
        }))
    }
}

/// The writer's connection, and where the journal ends.
pub(super) struct Group {
    connection: Database,
    header: Header,
    head: Head,
    insertion: String,
    insertion_of_some: String,
    /// Pages in the write-ahead file, as the last commit told.
    wal_pages: Arc<AtomicU64>,
}

/// The write-ahead file keeps its room up to so many times its limit when it is started anew.
const KEPT_TIMES: u64 = 2;

/// Envelopes that one statement inserts, where there are so many: each statement opens the table and every index anew.
const ROWS: u64 = 8;

impl Group {
    /// Opens the file, makes its tables when it is new, and checks that its end is whole.
    pub(super) fn open(options: &Options) -> Result<(Self, BTreeMap<String, RecoveredInstitution>), Error> {
        let path = schema::path(&options.directory);
        // Without syncs a loss of power may take any part of it, and only then.
        if options.durability == Durability::Full {
            wal::check(&options.directory)?;
        }
        let mut connection = open(options)?;
        if schema::is_empty(&connection).map_err(storage("opening the journal"))? {
            schema::create(&mut connection, options.writer).map_err(storage("making the journal's tables"))?;
        }
        let header = schema::header(&connection, &path)?;
        if header.writer != options.writer {
            let path = options.directory.clone();
            return Err(Error::OtherWriter { path, found: header.writer, wanted: options.writer });
        }
        if let Some(what) = schema::difference(&connection).map_err(storage("reading the schema"))? {
            return Err(Corrupt { position: None, what }.into());
        }
        let head = checked_head(&connection, &header)?;
        let wal_pages = count_wal_pages(&mut connection).map_err(storage("setting up the journal"))?;
        let (insertion, insertion_of_some) = (schema::insertion(1), schema::insertion(ROWS));
        let group = Self { connection, header, head, insertion, insertion_of_some, wal_pages };
        let institutions = group.institutions()?;
        Ok((group, institutions))
    }

    pub(super) fn head(&self) -> Head {
        self.head
    }

    pub(super) fn position(&self, seq: u64) -> Position {
        if seq == 0 { Position::START } else { Position { writer: self.header.writer, seq } }
    }

    /// Writes the batches in order and commits. Returns the last position of each. After an error this journal is not written again, so
    /// the head that was not reached does not matter.
    pub(super) fn write<'a>(&mut self, batches: &'a [Batch]) -> rusqlite::Result<Vec<Position>> {
        let mut head = self.head;
        let mut lasts = Vec::with_capacity(batches.len());
        let mut next = head.seq;
        for batch in batches {
            next += batch.drafts.len() as u64;
            lasts.push(Position { writer: self.header.writer, seq: next });
        }
        let transaction = self.connection.transaction()?;
        {
            let mut insert = transaction.prepare_cached(&self.insertion)?;
            let mut insert_some = transaction.prepare_cached(&self.insertion_of_some)?;
            let of = |batch: &'a Batch| batch.drafts.iter().map(move |draft| (&batch.institution, draft));
            let mut drafts = batches.iter().flat_map(of);
            while head.seq < next {
                let (insert, rows) = match next - head.seq {
                    0..ROWS => (&mut insert, 1),
                    _ => (&mut insert_some, ROWS),
                };
                let mut index = 0;
                for (institution, draft) in drafts.by_ref().take(usize::try_from(rows).unwrap_or(1)) {
                    let position = Position { writer: self.header.writer, seq: head.seq + 1 };
                    let chain = head.chain.after(position, institution, draft);
                    head = Head { seq: position.seq, chain };
                    let mut bind = |content: &dyn ToSql| {
                        index += 1;
                        insert.raw_bind_parameter(index, content)
                    };
                    bind(&number(position.seq)?)?;
                    bind(&position.writer)?;
                    bind(&draft.at)?;
                    bind(institution)?;
                    bind(&&*draft.family)?;
                    bind(&&*draft.kind)?;
                    bind(&draft.version)?;
                    for cell in draft.columns.cells() {
                        bind(&cell)?;
                    }
                    bind(&draft.body)?;
                    bind(&&chain.0[..])?;
                }
                insert.raw_execute()?;
            }
            transaction
                .prepare_cached("UPDATE head SET seq = ?1, chain = ?2")?
                .execute((number(head.seq)?, &head.chain.0[..]))?;
        }
        transaction.commit()?;
        self.head = head;
        Ok(lasts)
    }

    /// How large the write-ahead file was after the last commit.
    pub(super) fn wal_bytes(&self) -> u64 {
        self.wal_pages.load(Ordering::Relaxed) * schema::PAGE_BYTES
    }

    /// Folds what the checkpointer has left of the write-ahead file.
    pub(super) fn fold(&self) -> Result<(), Failure> {
        checkpointer::fold(&self.connection)
    }

    /// A clean end: folds everything back and removes the write-ahead file.
    pub(super) fn close(self) -> rusqlite::Result<()> {
        self.connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false)?;
        self.connection.close()
    }

    /// What there is to recover for each institution: found by skipping through the index, not by reading the envelopes.
    fn institutions(&self) -> Result<BTreeMap<String, RecoveredInstitution>, Error> {
        let doing = "finding the institutions";
        let ask = |sql| self.connection.prepare(sql).map_err(storage(doing));
        let mut next = ask("SELECT institution FROM envelope WHERE institution > ?1 ORDER BY institution LIMIT 1")?;
        let first = "SELECT institution FROM envelope ORDER BY institution LIMIT 1";
        let mut last = ask("SELECT max(seq) FROM envelope WHERE institution = ?1 AND kind = 'checkpoint'")?;
        let mut since = ask("SELECT count(*) FROM envelope WHERE institution = ?1 AND seq > ?2")?;
        let mut institutions = BTreeMap::new();
        let read = |row: &rusqlite::Row<'_>| row.get::<_, String>(0);
        let mut name = self.connection.query_row(first, [], read).optional().map_err(storage(doing))?;
        while let Some(found) = name {
            let checkpoint: Option<i64> = last.query_row([&found], |row| row.get(0)).map_err(storage(doing))?;
            let since: i64 =
                since.query_row((&found, checkpoint.unwrap_or(0)), |row| row.get(0)).map_err(storage(doing))?;
            let checkpoint = checkpoint.and_then(|seq| u64::try_from(seq).ok()).map(|seq| self.position(seq));
            let since_checkpoint = u64::try_from(since).unwrap_or(0);
            name = next.query_row([&found], read).optional().map_err(storage(doing))?;
            institutions.insert(found, RecoveredInstitution { checkpoint, since_checkpoint });
        }
        Ok(institutions)
    }
}

/// The engine's numbers have a sign.
fn number(number: u64) -> rusqlite::Result<i64> {
    i64::try_from(number).map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))
}

/// A connection that writes as the options say. The checkpointer has one too.
pub(super) fn open(options: &Options) -> Result<Database, Error> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Database::open(&options.directory, flags)?;
    set_up(&connection, options).map_err(storage("setting up the journal"))?;
    Ok(connection)
}

fn set_up(connection: &Connection, options: &Options) -> rusqlite::Result<()> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    // The triggers are for everybody else. This connection only inserts behind the head that it checked, and updates the head; with triggers,
    // the engine copies every page that an insert changes first, so that it could take back that one insert.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false)?;
    // Closing folds, syncs and removes the write-ahead file. After a failed sync that would be trying again, and could remove what is
    // needed. Only a clean end allows it.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    connection.pragma_update(None, "page_size", number(schema::PAGE_BYTES)?)?;
    connection.pragma_update(None, "journal_mode", "wal")?;
    // In WAL mode FULL syncs the write-ahead file at each commit; NORMAL only at checkpoints.
    let synchronous = match options.durability {
        Durability::Full => "full",
        Durability::Process => "normal",
    };
    connection.pragma_update(None, "synchronous", synchronous)?;
    connection.pragma_update(None, "fullfsync", options.durability == Durability::Full)?;
    connection.pragma_update(None, "checkpoint_fullfsync", options.durability == Durability::Full)?;
    connection.pragma_update(None, "wal_autocheckpoint", 0)?;
    // Started anew, the file keeps its room: to give it back and take it again are changes of metadata, which a commit would wait for. Above this
    // something had kept it from being folded.
    connection.pragma_update(None, "journal_size_limit", number(options.wal_bytes_max.saturating_mul(KEPT_TIMES))?)?;
    connection.pragma_update(None, "cell_size_check", true)?;
    connection.pragma_update(None, "trusted_schema", false)?;
    if let Some(bytes) = options.journal_bytes_max {
        connection.pragma_update(None, "max_page_count", number(bytes / schema::PAGE_BYTES)?)?;
    }
    Ok(())
}

/// Has the engine tell how many pages the write-ahead file holds after each commit. Called last: `wal_autocheckpoint` takes the same place.
fn count_wal_pages(connection: &mut Connection) -> rusqlite::Result<Arc<AtomicU64>> {
    let wal_pages = Arc::new(AtomicU64::new(0));
    let told = Arc::clone(&wal_pages);
    connection.wal_hook(Some(move |_: &mut Wal, pages: c_int| {
        told.store(u64::try_from(pages).unwrap_or(0), Ordering::Relaxed);
        Ok(())
    }))?;
    Ok(wal_pages)
}

/// The head, when the last envelope is the one that it names and that envelope is whole.
fn checked_head(connection: &Connection, header: &Header) -> Result<Head, Error> {
    let head = schema::head(connection)?;
    let doing = "reading the journal's end";
    let sql = format!("SELECT {} FROM envelope e ORDER BY e.seq DESC LIMIT 1", schema::selection());
    let link = connection
        .query_row(&sql, [], |row| Ok(schema::Link::read(row, header)))
        .optional()
        .map_err(storage(doing))?
        .transpose()?;
    let found = match link {
        None => Head { seq: 0, chain: header.genesis },
        Some(link) => {
            let chain = link.chain;
            Head { seq: link.check(header)?.position.seq, chain }
        }
    };
    if found != head {
        let what = format!("its head names {} as the last envelope, but the last one is {}", head.seq, found.seq);
        return Err(Corrupt { position: None, what }.into());
    }
    Ok(head)
}
