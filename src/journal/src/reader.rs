//! Whoever reads: connections of their own that cannot write, with a cursor.

use std::collections::VecDeque;
use std::path::Path;

use rusqlite::ToSql;

use crate::database::Database;
use crate::envelope::{Envelope, Position};
use crate::error::Error;
use crate::schema::{self, Header, Link, storage};

/// Envelopes that [`Recovery`] reads at a time.
const PAGE_ENVELOPES: usize = 1024;

/// Reads a journal, in this process or another, while the writer writes; it needs no lock and holds nobody up.
///
/// It sees nothing that is not committed, so with [`Durability::Full`](crate::Durability::Full) nothing that is not durable. Every
/// envelope that it returns was checked against its checksum and the envelope before it: damage is [`Error::Corrupt`], never left out.
/// What an index does not lead to is not seen; that the indexes are whole is for [`verify`](crate::verify()) to say.
///
/// Each question takes `after`, a cursor ([`Position::START`] for the beginning), and `limit`, the most envelopes to return. Answers are
/// in order of position. A follower keeps the last position that it has seen and asks again when it is woken.
///
/// One reader serves one thread at a time; open another for another thread.
#[derive(Debug)]
pub struct Reader {
    connection: Database,
    header: Header,
}

impl Reader {
    /// Opens the journal in a data directory. The directory must be writable for this process as long as no writer has it: the
    /// engine keeps the index of its write-ahead file beside the database.
    ///
    /// # Errors
    /// [`Error::Absent`], [`Error::Format`].
    pub fn open(directory: impl AsRef<Path>) -> Result<Self, Error> {
        let directory = directory.as_ref();
        let connection = schema::open_for_reading(directory)?;
        let header = schema::header(&connection, &schema::path(directory))?;
        Ok(Self { connection, header })
    }

    /// The last envelope's position; [`Position::START`] in an empty journal.
    ///
    /// # Errors
    /// Those of the storage.
    pub fn last(&self) -> Result<Position, Error> {
        let head = schema::head(&self.connection)?;
        Ok(if head.seq == 0 { Position::START } else { Position { writer: self.header.writer, seq: head.seq } })
    }

    /// Everything, in order.
    ///
    /// # Errors
    /// [`Error::Corrupt`] at the first envelope that is not what was written; so for all questions.
    pub fn after(&self, after: Position, limit: usize) -> Result<Vec<Envelope>, Error> {
        let envelopes = self.ask("NOT INDEXED WHERE 1", &[], after, limit)?;
        // Here nothing may be missing; everywhere else the checksums of the neighbours say so.
        let mut wanted = after.seq;
        for envelope in &envelopes {
            wanted += 1;
            if envelope.position.seq != wanted {
                let position = Some(Position { seq: wanted, ..envelope.position });
                return Err(crate::Corrupt { position, what: "it is missing".to_owned() }.into());
            }
        }
        Ok(envelopes)
    }

    /// Everything of one institution.
    ///
    /// # Errors
    /// As [`Reader::after`].
    pub fn by_institution(&self, institution: &str, after: Position, limit: usize) -> Result<Vec<Envelope>, Error> {
        self.ask("INDEXED BY envelope_institution WHERE institution = ?3", &[&institution], after, limit)
    }

    /// Everything of one exchange.
    ///
    /// # Errors
    /// As [`Reader::after`].
    pub fn by_exchange(&self, exchange: &str, after: Position, limit: usize) -> Result<Vec<Envelope>, Error> {
        self.ask("INDEXED BY envelope_exchange WHERE exchange = ?3", &[&exchange], after, limit)
    }

    /// Everything under a caller's idempotency key, at any institution.
    ///
    /// # Errors
    /// As [`Reader::after`].
    pub fn by_idempotency(
        &self,
        caller: &str,
        key: &str,
        after: Position,
        limit: usize,
    ) -> Result<Vec<Envelope>, Error> {
        self.ask(
            "INDEXED BY envelope_idempotency WHERE caller = ?3 AND idempotency_key = ?4",
            &[&caller, &key],
            after,
            limit,
        )
    }

    /// Everything under a correlation key of an institution.
    ///
    /// # Errors
    /// As [`Reader::after`].
    pub fn by_correlation(
        &self,
        institution: &str,
        key: &str,
        after: Position,
        limit: usize,
    ) -> Result<Vec<Envelope>, Error> {
        self.ask(
            "INDEXED BY envelope_correlation WHERE institution = ?3 AND correlation_key = ?4",
            &[&institution, &key],
            after,
            limit,
        )
    }

    /// Everything whose trace context begins with `trace`: a whole `traceparent`, or `00-` and the trace id for all its spans.
    ///
    /// # Errors
    /// As [`Reader::after`].
    pub fn by_trace(&self, trace: &str, after: Position, limit: usize) -> Result<Vec<Envelope>, Error> {
        // The greatest character ends the range of all texts that begin so.
        let end = format!("{trace}\u{10ffff}");
        self.ask(
            "INDEXED BY envelope_trace WHERE trace_context >= ?3 AND trace_context < ?4",
            &[&trace, &end],
            after,
            limit,
        )
    }

    /// What has a key, of one institution or of any, the newest first: at most `limit`, and only what stands before `before`.
    ///
    /// # Errors
    /// As [`Reader::after`].
    pub fn newest(
        &self,
        institution: Option<&str>,
        key: Key<'_>,
        before: Option<Position>,
        limit: usize,
    ) -> Result<Vec<Envelope>, Error> {
        let (index, condition, mut content) = key.question();
        let mut source = format!("INDEXED BY {index} WHERE {condition}");
        if let Some(institution) = institution {
            content.push(institution.to_owned());
            source.push_str(&format!(" AND institution = ?{}", 2 + content.len()));
        }
        source.push_str(" AND e.seq < ?1 ORDER BY e.seq DESC");
        let content: Vec<&dyn ToSql> = content.iter().map(|text| text as &dyn ToSql).collect();
        let before = before.map_or(i64::MAX, |before| i64::try_from(before.seq).unwrap_or(i64::MAX));
        self.select(&source, &content, before, limit)
    }

    /// An institution's last checkpoint and everything of it since, in order; everything when there is no checkpoint. What a fold must
    /// see to be where it was.
    ///
    /// # Errors
    /// Those of the storage; reading on gives the others.
    pub fn recovery(&self, institution: &str) -> Result<Recovery<'_>, Error> {
        let checkpoint: Option<i64> = self
            .connection
            .query_row(
                "SELECT max(seq) FROM envelope WHERE institution = ?1 AND kind = 'checkpoint'",
                [institution],
                |row| row.get(0),
            )
            .map_err(storage("finding the checkpoint"))?;
        let seq = checkpoint.and_then(|seq| u64::try_from(seq).ok()).map_or(0, |seq| seq.saturating_sub(1));
        let after = Position { writer: self.header.writer, seq };
        Ok(Recovery { reader: self, institution: institution.to_owned(), after, page: VecDeque::new(), ended: false })
    }

    fn ask(&self, source: &str, content: &[&dyn ToSql], after: Position, limit: usize) -> Result<Vec<Envelope>, Error> {
        let seq = i64::try_from(after.seq).unwrap_or(i64::MAX);
        self.select(&format!("{source} AND e.seq > ?1 ORDER BY e.seq"), content, seq, limit)
    }

    /// What a source gives, in its order; `?1` is the cursor in it.
    fn select(&self, source: &str, content: &[&dyn ToSql], cursor: i64, limit: usize) -> Result<Vec<Envelope>, Error> {
        let doing = "reading the journal";
        // The index is named, so that a small table or a missing index is an error and never a walk through everything.
        let sql = format!("SELECT {} FROM envelope e {source} LIMIT ?2", schema::selection());
        let mut statement = self.connection.prepare_cached(&sql).map_err(storage(doing))?;
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let mut parameters: Vec<&dyn ToSql> = vec![&cursor, &limit];
        parameters.extend(content);
        let mut rows = statement.query(&parameters[..]).map_err(storage(doing))?;
        let mut envelopes = Vec::new();
        while let Some(row) = rows.next().map_err(storage(doing))? {
            envelopes.push(Link::read(row, &self.header)?.check(&self.header)?);
        }
        Ok(envelopes)
    }
}

/// By what [`Reader::newest`] finds envelopes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key<'a> {
    /// The exchange.
    Exchange(&'a str),
    /// A caller's idempotency key.
    Idempotency {
        /// Who called; `None` is anybody.
        caller: Option<&'a str>,
        /// The key.
        key: &'a str,
    },
    /// The key that joins an answer to its request.
    Correlation(&'a str),
    /// The number that we gave.
    OurNumber(&'a str),
    /// The number that the institution gave.
    TheirNumber(&'a str),
    /// The trace context, or how it begins.
    Trace(&'a str),
    /// The exchange that it serves.
    Parent(&'a str),
    /// What became of it.
    Outcome(&'a str),
}

impl Key<'_> {
    /// The index that leads to it, the condition, and its parameters from the third on.
    fn question(&self) -> (&'static str, &'static str, Vec<String>) {
        let one = |index, condition, text: &str| (index, condition, vec![text.to_owned()]);
        match *self {
            Self::Exchange(text) => one("envelope_exchange", "exchange = ?3", text),
            Self::Idempotency { caller: None, key } => one("envelope_idempotency", "idempotency_key = ?3", key),
            Self::Idempotency { caller: Some(caller), key } => (
                "envelope_idempotency",
                "idempotency_key = ?3 AND caller = ?4",
                vec![key.to_owned(), caller.to_owned()],
            ),
            Self::Correlation(text) => one("envelope_correlation", "correlation_key = ?3", text),
            Self::OurNumber(text) => one("envelope_our_number", "our_number = ?3", text),
            Self::TheirNumber(text) => one("envelope_their_number", "their_number = ?3", text),
            // The greatest character ends the range of all texts that begin so.
            Self::Trace(text) => (
                "envelope_trace",
                "trace_context >= ?3 AND trace_context < ?4",
                vec![text.to_owned(), format!("{text}\u{10ffff}")],
            ),
            Self::Parent(text) => one("envelope_parent", "parent = ?3", text),
            Self::Outcome(text) => one("envelope_outcome", "outcome = ?3", text),
        }
    }
}

/// Iterates over what an institution's fold must see; see [`Reader::recovery`]. Ends after the first error.
#[derive(Debug)]
pub struct Recovery<'a> {
    reader: &'a Reader,
    institution: String,
    after: Position,
    page: VecDeque<Envelope>,
    ended: bool,
}

impl Iterator for Recovery<'_> {
    type Item = Result<Envelope, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.page.is_empty() && !self.ended {
            match self.reader.by_institution(&self.institution, self.after, PAGE_ENVELOPES) {
                Ok(envelopes) => {
                    self.ended = envelopes.len() < PAGE_ENVELOPES;
                    self.page = envelopes.into();
                }
                Err(error) => {
                    self.ended = true;
                    return Some(Err(error));
                }
            }
        }
        let envelope = self.page.pop_front()?;
        self.after = envelope.position;
        Some(Ok(envelope))
    }
}
