//! Reads everything, and finds what is not as it was written.

use std::path::Path;

use rusqlite::Connection;

use crate::envelope::Position;
use crate::error::{Corrupt, Error, Verified};
use crate::schema::{self, Header, Link};
use crate::wal;

/// Checks a whole journal: every envelope against the chain from the first to the last, the head, the tables and triggers, and with
/// the engine's own check every page and index. Changes nothing, and needs no lock; while a writer writes it sees what was there at
/// its start.
///
/// It finds each change, loss, insertion or change of order of what the file holds. It does not find the loss of the file's end
/// together with its head: the last transaction in a write-ahead file that was not folded back, when just that one is damaged; all of that
/// file, when it was lost; an older copy of everything. Compare
/// [`Verified::last`] and [`Verified::chain`] with a pair that was kept elsewhere.
///
/// # Errors
/// [`Corrupt`] with the first position that is not proven good. A file that cannot be opened at all is an error without one.
pub fn verify(directory: impl AsRef<Path>) -> Result<Verified, Corrupt> {
    let directory = directory.as_ref();
    let outside = |error: Error| match error {
        Error::Corrupt(corrupt) => corrupt,
        error => Corrupt { position: None, what: error.to_string() },
    };
    wal::check(directory)?;
    let mut connection = schema::open_for_reading(directory).map_err(outside)?;
    // One transaction: all questions are about the same moment.
    let transaction = connection.transaction().map_err(engine(None))?;
    let header = schema::header(&transaction, &schema::path(directory)).map_err(outside)?;
    let verified = walk(&transaction, &header)?;
    let head = schema::head(&transaction).map_err(outside)?;
    if (head.seq, head.chain) != (verified.envelopes, verified.chain) {
        // A head that is ahead names envelopes that are gone from the end.
        let position = Position { writer: header.writer, seq: head.seq.min(verified.envelopes) + 1 };
        let what = format!("the head names {} as the last envelope, the last one is {}", head.seq, verified.envelopes);
        return Err(Corrupt { position: Some(position), what });
    }
    if let Some(what) = schema::difference(&transaction).map_err(engine(None))? {
        return Err(Corrupt { position: None, what });
    }
    let mut what = String::new();
    let collected = transaction.pragma_query(None, "integrity_check", |row| {
        what = row.get(0)?;
        if what == "ok" { Ok(()) } else { Err(rusqlite::Error::QueryReturnedNoRows) }
    });
    match collected {
        Ok(()) => Ok(verified),
        Err(rusqlite::Error::QueryReturnedNoRows) => Err(Corrupt { position: None, what }),
        Err(error) => Err(engine(None)(error)),
    }
}

/// From the first envelope to the last, by the table's own order.
fn walk(connection: &Connection, header: &Header) -> Result<Verified, Corrupt> {
    let mut verified = Verified { envelopes: 0, last: Position::START, chain: header.genesis };
    let mut position = Position { writer: header.writer, seq: 1 };
    let sql = format!("SELECT {} FROM envelope e ORDER BY e.seq", schema::selection());
    let mut statement = connection.prepare(&sql).map_err(engine(Some(position)))?;
    let mut rows = statement.query([]).map_err(engine(Some(position)))?;
    while let Some(row) = rows.next().map_err(engine(Some(position)))? {
        let link = Link::read(row, header)?;
        if link.envelope.position.seq != position.seq {
            let what = format!("it is missing: {} comes next", link.envelope.position);
            return Err(Corrupt { position: Some(position), what });
        }
        let chain = link.chain;
        link.check_after(Some(verified.chain), header)?;
        verified = Verified { envelopes: position.seq, last: position, chain };
        position.seq += 1;
    }
    Ok(verified)
}

fn engine(position: Option<Position>) -> impl Fn(rusqlite::Error) -> Corrupt {
    move |error| Corrupt { position, what: error.to_string() }
}
