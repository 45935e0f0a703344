//! Cursors and the ways to find an entry.

use super::*;
use pabal_journal::{Columns, Envelope, Error, Key, Reader};

fn filled() -> (Site, Writer) {
    let site = Site::new();
    let (writer, _) = site.open();
    for (institution, first) in [("hecto", 1), ("kftc", 101)] {
        let acked = register(&writer, institution);
        writer.append(institution, (first..first + 100).map(|number| draft("accepted", number)).collect(), 1).unwrap();
        assert!(matches!(acked.recv().unwrap(), Ack::Durable { .. }));
    }
    (site, writer)
}

fn seqs(envelopes: &[Envelope]) -> Vec<u64> {
    envelopes.iter().map(|envelope| envelope.position.seq).collect()
}

#[test]
fn everything_comes_back_as_it_was_given() {
    let (site, _writer) = filled();
    let reader = Reader::open(site.path()).unwrap();
    let envelopes = reader.after(Position::START, 1000).unwrap();
    assert_eq!(envelopes.len(), 200);
    for (number, envelope) in (1..).zip(&envelopes) {
        let institution = if number <= 100 { "hecto" } else { "kftc" };
        assert!(is_draft(envelope, institution, &draft("accepted", number)), "{envelope:?}");
    }
}

#[test]
fn a_full_set_of_columns_and_odd_contents_come_back() {
    let site = Site::new();
    let (writer, _) = site.open();
    let acked = register(&writer, "");
    let text = |text: &str| Some(text.to_owned());
    let columns = Columns {
        exchange: text("exchange"),
        caller: text("caller"),
        idempotency_key: text("key"),
        party: text("party"),
        protocol: text("protocol"),
        participant: text("participant"),
        compartment: text("compartment"),
        business_date: Some(i64::MIN),
        node: text("node"),
        session: text("session"),
        epoch: Some(-1),
        stream_offset: Some(i64::MAX),
        spec_digest: text("digest"),
        our_number: text("0000001"),
        their_number: text("1e3"),
        correlation_key: text("with\0zero"),
        trace_context: text(""),
        parent: text("한글"),
        outcome: text("outcome"),
        cause: text("cause"),
    };
    let odd = Draft { at: -1, version: u32::MAX, columns, body: vec![0, 255, 0], ..Draft::default() };
    writer.append("", vec![odd.clone(), Draft::default()], 1).unwrap();
    acked.recv().unwrap();
    let envelopes = Reader::open(site.path()).unwrap().after(Position::START, 2).unwrap();
    assert!(is_draft(&envelopes[0], "", &odd) && is_draft(&envelopes[1], "", &Draft::default()), "{envelopes:?}");
    // An institution without a name would be skipped by a search that starts at the empty name.
    writer.close().unwrap();
    assert_eq!(site.open().1.institutions.len(), 1);
}

#[test]
fn a_cursor_goes_on_where_it_was() {
    let (site, writer) = filled();
    let reader = Reader::open(site.path()).unwrap();
    let mut cursor = Position::START;
    let mut seen = Vec::new();
    loop {
        let page = reader.after(cursor, 33).unwrap();
        let Some(last) = page.last() else { break };
        cursor = last.position;
        seen.extend(seqs(&page));
    }
    assert_eq!(seen, (1..=200).collect::<Vec<_>>());
    assert_eq!(reader.last().unwrap(), at(200));
    let acked = register(&writer, "hecto");
    writer.append("hecto", vec![draft("sending", 5)], 2).unwrap();
    acked.recv().unwrap();
    assert_eq!(seqs(&reader.after(cursor, 33).unwrap()), [201]);
}

#[test]
fn an_entry_is_found_by_each_of_its_keys() {
    let (site, _writer) = filled();
    let reader = Reader::open(site.path()).unwrap();
    let start = Position::START;
    assert_eq!(seqs(&reader.by_exchange("x-42", start, 10).unwrap()), [42]);
    assert_eq!(seqs(&reader.by_idempotency("remittance", "key-142", start, 10).unwrap()), [142]);
    assert!(reader.by_idempotency("payroll", "key-142", start, 10).unwrap().is_empty(), "a key belongs to its caller");
    assert_eq!(seqs(&reader.by_correlation("kftc", "20261121-000142", start, 10).unwrap()), [142]);
    assert!(reader.by_correlation("hecto", "20261121-000142", start, 10).unwrap().is_empty(), "of another bank");
    assert_eq!(seqs(&reader.by_trace(&format!("00-{:032x}", 42), start, 10).unwrap()), [42]);
    assert_eq!(seqs(&reader.by_trace(&format!("00-{0:032x}-{0:016x}-01", 42), start, 10).unwrap()), [42]);
    assert_eq!(seqs(&reader.by_institution("kftc", at(198), 10).unwrap()), [199, 200]);
}

#[test]
fn the_newest_with_a_key_come_first_and_only_by_an_index() {
    let site = Site::new();
    let (writer, _) = site.open();
    let acked = (register(&writer, "hecto"), register(&writer, "kftc"));
    let with = |number: u64, edit: &dyn Fn(&mut Columns)| {
        let mut draft = draft("sending", number);
        edit(&mut draft.columns);
        draft
    };
    let text = |text: &str| Some(text.to_owned());
    let batch = |first: u64| {
        let numbered = |columns: &mut Columns| columns.our_number = text("0000007");
        vec![
            with(first, &numbered),
            with(first + 1, &|columns| columns.their_number = text("0000007")),
            with(first + 2, &|columns| columns.parent = text("x-1")),
            with(first + 3, &|columns| columns.outcome = text("UNKNOWN")),
            with(first + 4, &numbered),
        ]
    };
    writer.append("hecto", batch(1), 1).unwrap();
    acked.0.recv().unwrap();
    writer.append("kftc", batch(6), 1).unwrap();
    acked.1.recv().unwrap();
    let reader = Reader::open(site.path()).unwrap();
    let newest = |institution, key| seqs(&reader.newest(institution, key, None, 10).unwrap());
    assert_eq!(newest(Some("hecto"), Key::OurNumber("0000007")), [5, 1]);
    assert_eq!(newest(None, Key::OurNumber("0000007")), [10, 6, 5, 1]);
    assert_eq!(newest(Some("kftc"), Key::TheirNumber("0000007")), [7]);
    assert_eq!(newest(Some("hecto"), Key::Parent("x-1")), [3]);
    assert_eq!(newest(None, Key::Outcome("UNKNOWN")), [9, 4]);
    assert_eq!(newest(None, Key::Exchange("x-9")), [9]);
    assert_eq!(newest(Some("hecto"), Key::Exchange("x-9")), []);
    let caller = draft("sending", 4).columns.caller;
    assert_eq!(newest(None, Key::Idempotency { caller: None, key: "key-4" }), [4]);
    assert_eq!(newest(None, Key::Idempotency { caller: caller.as_deref(), key: "key-4" }), [4]);
    assert_eq!(newest(None, Key::Idempotency { caller: Some("nobody"), key: "key-4" }), []);
    assert_eq!(newest(Some("hecto"), Key::Correlation("20261121-000003")), [3]);
    assert_eq!(newest(None, Key::Trace(&format!("00-{:032x}", 8))), [8]);
    let page = reader.newest(None, Key::OurNumber("0000007"), Some(at(10)), 2).unwrap();
    assert_eq!(seqs(&page), [6, 5], "a page goes on before the last of the one before");
}

#[test]
fn recovery_begins_at_the_last_checkpoint_and_leaves_out_others() {
    let site = Site::new();
    let (writer, _) = site.open();
    let (hecto, kftc) = (register(&writer, "hecto"), register(&writer, "kftc"));
    // Longer than a page of the reader, with two checkpoints, others' entries between.
    for number in 1..=1500 {
        let kind = if number == 100 || number == 200 { CHECKPOINT } else { "sent" };
        writer.append("hecto", vec![draft(kind, number)], number).unwrap();
        writer.append("kftc", vec![draft("sent", number)], number).unwrap();
    }
    assert_eq!(hecto.iter().take(1500).chain(kftc.iter().take(1500)).count(), 3000);
    let reader = Reader::open(site.path()).unwrap();
    let entries: Vec<Envelope> = reader.recovery("hecto").unwrap().map(Result::unwrap).collect();
    assert_eq!(entries.len(), 1301);
    for (number, entry) in (200..).zip(&entries) {
        let kind = if number == 200 { CHECKPOINT } else { "sent" };
        assert!(is_draft(entry, "hecto", &draft(kind, number)), "{entry:?}");
    }
    assert_eq!(reader.recovery("kftc").unwrap().count(), 1500, "without a checkpoint everything is needed");
    assert_eq!(reader.recovery("nobody").unwrap().count(), 0);
}

#[test]
fn where_there_is_no_journal_it_is_said() {
    let site = Site::new();
    assert!(matches!(Reader::open(site.path()), Err(Error::Absent { .. })));
    rusqlite::Connection::open(site.file()).unwrap().execute("CREATE TABLE other (x)", []).unwrap();
    assert!(matches!(Reader::open(site.path()), Err(Error::Format { application: 0, format: 0, .. })));
    assert!(matches!(Journal::open(site.options()), Err(Error::Format { .. })), "another's file is left alone");
}
