//! How large the write-ahead file becomes, and when it is folded back.

use super::*;
use pabal_journal::Durability;

const MIB: u64 = 1 << 20;

/// A journal whose write-ahead file is folded from 1 MiB on.
struct Small {
    site: Site,
    writer: Writer,
    acked: Receiver<Ack>,
}

impl Small {
    fn new(durability: Durability) -> Self {
        let site = Site::new();
        let (writer, _) = Journal::open(Options { wal_bytes_max: MIB, durability, ..site.options() }).unwrap();
        let acked = register(&writer, "hecto");
        Self { site, writer, acked }
    }

    /// A group of so many envelopes, with bodies of so many bytes.
    fn append(&self, envelopes: u64, body_bytes: usize) {
        let drafts = (0..envelopes).map(|number| Draft { body: vec![7; body_bytes], ..draft("accepted", number) });
        self.writer.append("hecto", drafts.collect(), 0).unwrap();
        assert!(matches!(self.acked.recv().unwrap(), Ack::Durable { .. }));
    }

    fn wal_bytes(&self) -> u64 {
        std::fs::metadata(self.site.path().join("journal.sqlite-wal")).unwrap().len()
    }

    /// The largest that the file was behind so many groups.
    fn largest(&self, groups: usize, append: impl Fn()) -> u64 {
        let sizes = (0..groups).map(|_| {
            append();
            self.wal_bytes()
        });
        sizes.max().unwrap()
    }
}

#[test]
fn the_write_ahead_file_does_not_grow_without_end() {
    let journal = Small::new(Durability::Full);
    // 40 MiB.
    let largest = journal.largest(160, || journal.append(4, 64 << 10));
    assert!(largest < 16 * MIB, "{largest} bytes");
}

#[test]
fn small_groups_do_not_let_the_write_ahead_file_grow_either() {
    let journal = Small::new(Durability::Process);
    // Each appends whole pages of the table and of its indexes, many times the bytes of its envelope: some 50 MiB for less than 1 MiB.
    let largest = journal.largest(2000, || journal.append(1, 100));
    assert!(largest < 16 * MIB, "{largest} bytes");
}

#[test]
fn a_reader_that_does_not_end_lets_the_write_ahead_file_grow_only_as_long() {
    let journal = Small::new(Durability::Process);
    journal.append(1, 100);
    let reader = rusqlite::Connection::open(journal.site.file()).unwrap();
    reader.execute_batch("BEGIN; SELECT count(*) FROM envelope").unwrap();
    let largest = journal.largest(100, || journal.append(1, 64 << 10));
    assert!(largest > 6 * MIB, "the reader still sees what was there: {largest} bytes");
    reader.execute_batch("COMMIT").unwrap();
    // Folded, started anew, and cut to twice the limit.
    let is_small = (0..900).any(|_| {
        journal.append(1, 64 << 10);
        journal.wal_bytes() <= 2 * MIB
    });
    assert!(is_small, "{} bytes are kept", journal.wal_bytes());
    journal.writer.close().unwrap();
}
