//! What anybody with an SQLite tool can and cannot do to the tables, and how edits past the triggers are found.

use super::*;
use pabal_journal::{Error, Reader, verify};
use rusqlite::Connection;

fn filled() -> (Site, Connection) {
    let site = Site::new();
    let (writer, _) = site.open();
    let acked = register(&writer, "hecto");
    writer.append("hecto", (1..=20).map(|number| draft("accepted", number)).collect(), 1).unwrap();
    acked.recv().unwrap();
    writer.close().unwrap();
    let connection = Connection::open(site.file()).unwrap();
    (site, connection)
}

#[test]
fn the_tables_refuse_what_is_not_an_append() {
    let (site, connection) = filled();
    let before = verify(site.path()).unwrap();
    for (statement, words) in [
        ("UPDATE envelope SET outcome = 'SUCCESS' WHERE seq = 3", "insert-only"),
        ("DELETE FROM envelope WHERE seq = 20", "insert-only"),
        ("INSERT OR REPLACE INTO envelope SELECT * FROM envelope WHERE seq = 3", "only grows at its end"),
        ("UPDATE file SET writer = 2", "insert-only"),
        ("DELETE FROM head", "insert-only"),
    ] {
        let error = connection.execute(statement, []).unwrap_err().to_string();
        assert!(error.contains(words), "{statement}: {error}");
    }
    assert_eq!(verify(site.path()).unwrap(), before);
}

#[test]
fn edits_past_the_triggers_are_found_with_their_place() {
    for (edit, position) in [
        ("UPDATE envelope SET outcome = 'SUCCESS' WHERE seq = 3", 3),
        ("UPDATE envelope SET body = x'00' WHERE seq = 20", 20),
        ("UPDATE envelope SET at = at + 1 WHERE seq = 1", 1),
        ("UPDATE envelope SET chain = zeroblob(32) WHERE seq = 7", 7),
        ("DELETE FROM envelope WHERE seq = 5", 5),
        ("DELETE FROM envelope WHERE seq = 1", 1),
        ("DELETE FROM envelope WHERE seq >= 18", 18),
        ("DELETE FROM envelope", 1),
        ("UPDATE envelope SET writer = 2 WHERE seq = 9", 9),
        // Two change places.
        (
            "UPDATE envelope SET seq = CASE seq WHEN 11 THEN -11 ELSE seq END; UPDATE envelope SET seq = 11 WHERE seq = 12; \
          UPDATE envelope SET seq = 12 WHERE seq = -11",
            11,
        ),
        (
            "INSERT INTO envelope SELECT 21, writer, at, institution, family, kind, version, exchange, caller, \
          idempotency_key, party, protocol, participant, compartment, business_date, node, session, epoch, stream_offset, \
          spec_digest, our_number, their_number, correlation_key, trace_context, parent, outcome, cause, body, chain \
          FROM envelope WHERE seq = 20",
            21,
        ),
    ] {
        let (site, connection) = filled();
        connection.execute_batch("DROP TRIGGER envelope_update; DROP TRIGGER envelope_delete;").unwrap();
        connection.execute_batch(edit).unwrap();
        drop(connection);
        let corrupt = verify(site.path()).unwrap_err();
        assert_eq!(corrupt.position, Some(at(position)), "{edit}: {corrupt}");
        // Nobody who reads all of it gets past it either, and the writer sees what is wrong with the end.
        let read = Reader::open(site.path()).unwrap().after(Position::START, 100);
        if position < 18 && edit != "DELETE FROM envelope" {
            assert!(matches!(read, Err(Error::Corrupt(_))), "{edit}");
        } else {
            assert!(matches!(Journal::open(site.options()), Err(Error::Corrupt(_))), "{edit}");
        }
    }
}

#[test]
fn a_trigger_or_an_index_that_is_gone_is_found() {
    for statement in [
        "DROP TRIGGER envelope_update",
        "DROP INDEX envelope_trace",
        "CREATE TRIGGER extra AFTER INSERT ON envelope BEGIN SELECT 1; END",
    ] {
        let (site, connection) = filled();
        connection.execute_batch(statement).unwrap();
        drop(connection);
        assert_eq!(verify(site.path()).unwrap_err().position, None, "{statement}");
        assert!(matches!(Journal::open(site.options()), Err(Error::Corrupt(_))), "{statement}");
    }
}

#[test]
fn a_file_with_indexes_that_are_not_made_any_more_is_written_and_read_on() {
    let (site, connection) = filled();
    let retired = |column: &str| {
        format!("CREATE INDEX envelope_{column} ON envelope ({column}, institution) WHERE {column} IS NOT NULL")
    };
    connection.execute_batch(&format!("{}; {}", retired("business_date"), retired("participant"))).unwrap();
    drop(connection);
    let (writer, _) = site.open();
    let acked = register(&writer, "hecto");
    writer.append("hecto", vec![draft("sending", 21)], 2).unwrap();
    assert!(matches!(acked.recv().unwrap(), Ack::Durable { ticket: 2, .. }));
    writer.close().unwrap();
    // With the engine's own check: what is new is in these indexes as well.
    assert_eq!(verify(site.path()).unwrap().envelopes, 21);
}
