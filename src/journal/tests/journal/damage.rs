//! One byte, or the end of the file, is not what it was: found, or provably without meaning.

use super::*;
use pabal_journal::{Corrupt, Envelope, Reader, verify};
use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;

const ENTRIES: u64 = 4;

/// A small closed journal: one file, nothing in the write-ahead file. Its pages are small, so that there is little empty space to flip.
fn closed() -> (Site, Vec<Envelope>) {
    let site = Site::new();
    let connection = rusqlite::Connection::open(site.file()).unwrap();
    connection.execute_batch("PRAGMA page_size = 512; PRAGMA journal_mode = wal;").unwrap();
    drop(connection);
    let (writer, _) = site.open();
    let acked = register(&writer, "hecto");
    let kind = |number| if number == 1 { CHECKPOINT } else { "accepted" };
    writer.append("hecto", (1..=ENTRIES).map(|number| draft(kind(number), number)).collect(), 1).unwrap();
    acked.recv().unwrap();
    writer.close().unwrap();
    let envelopes = Reader::open(site.path()).unwrap().after(Position::START, 100).unwrap();
    assert_eq!(envelopes.len() as u64, ENTRIES);
    (site, envelopes)
}

/// Everything that the journal says, by each index: where an index leads to all, all at once.
fn said(site: &Site) -> Vec<Vec<Envelope>> {
    let reader = Reader::open(site.path()).unwrap();
    let start = Position::START;
    let mut said = vec![
        reader.after(start, 100).unwrap(),
        reader.by_institution("hecto", start, 100).unwrap(),
        reader.by_trace("00-", start, 100).unwrap(),
        reader.recovery("hecto").unwrap().map(Result::unwrap).collect(),
    ];
    for number in [1, ENTRIES] {
        said.push(reader.by_exchange(&format!("x-{number}"), start, 100).unwrap());
        said.push(reader.by_idempotency("remittance", &format!("key-{number}"), start, 100).unwrap());
        said.push(reader.by_correlation("hecto", &format!("20261121-{number:06}"), start, 100).unwrap());
    }
    said
}

/// Flips one bit in each byte from `first` on that is `step` further, another bit at each. How many were found; which ones were not.
fn flips(site: &Site, first: usize, step: usize) -> (usize, Vec<usize>) {
    let truth = said(site);
    let verified = verify(site.path()).unwrap();
    let bytes = std::fs::read(site.file()).unwrap();
    let file = OpenOptions::new().write(true).open(site.file()).unwrap();
    let (mut found, mut without_meaning) = (0, Vec::new());
    for (offset, byte) in bytes.iter().enumerate().skip(first).step_by(step) {
        file.write_all_at(&[byte ^ (1 << (offset / step % 8))], offset as u64).unwrap();
        match verify(site.path()) {
            Err(_) => found += 1,
            Ok(again) => {
                assert_eq!(again, verified, "byte {offset}");
                assert_eq!(said(site), truth, "byte {offset}");
                without_meaning.push(offset);
            }
        }
        file.write_all_at(&[*byte], offset as u64).unwrap();
    }
    assert_eq!(verify(site.path()).unwrap(), verified);
    (found, without_meaning)
}

#[test]
fn every_flip_of_a_byte_is_found_or_has_no_meaning() {
    let (site, envelopes) = closed();
    let other = Site::new();
    std::fs::copy(site.file(), other.file()).unwrap();
    let (even, odd) = std::thread::scope(|scope| {
        let odd = scope.spawn(|| flips(&other, 1, 2));
        (flips(&site, 0, 2), odd.join().unwrap())
    });
    let bytes = std::fs::read(site.file()).unwrap();
    let (found, without_meaning) = (even.0 + odd.0, even.1.len() + odd.1.len());
    println!("{} flips: {found} found, {without_meaning} without meaning", bytes.len());
    assert_eq!(found + without_meaning, bytes.len());
    assert!(found > 1_000, "{found}");
    let file = OpenOptions::new().write(true).open(site.file()).unwrap();

    // Not one byte of a body is without meaning, and the place that is named is right. (Cells that the engine moved to another page left
    // copies behind, which nothing leads to.)
    for envelope in &envelopes {
        let mut alive = 0;
        for start in find(&bytes, &envelope.body) {
            let found = (start..start + envelope.body.len()).filter(|offset| {
                file.write_all_at(&[bytes[*offset] ^ 4], *offset as u64).unwrap();
                let position = verify(site.path()).err().map(|corrupt: Corrupt| corrupt.position);
                file.write_all_at(&[bytes[*offset]], *offset as u64).unwrap();
                assert!(position.is_none_or(|position| position == Some(envelope.position)), "byte {offset}");
                position.is_some()
            });
            match found.count() {
                0 => {}
                all => {
                    assert_eq!(all, envelope.body.len(), "bytes of the body at {start}");
                    alive += 1;
                }
            }
        }
        assert_eq!(alive, 1, "the body at {}", envelope.position);
    }
}

/// Each place where the body stands.
fn find<'a>(bytes: &'a [u8], body: &'a [u8]) -> impl Iterator<Item = usize> + 'a {
    bytes.windows(body.len()).enumerate().filter(move |(_, window)| *window == body).map(|(start, _)| start)
}

#[test]
fn every_lost_end_is_found() {
    let (site, _) = closed();
    let bytes = std::fs::read(site.file()).unwrap();
    let pages = (0..bytes.len()).step_by(512).flat_map(|page| [page, page + 1, page + 511]);
    for length in pages.chain((0..bytes.len()).step_by(97)) {
        let file = File::create(site.file()).unwrap();
        file.write_all_at(&bytes[..length], 0).unwrap();
        let result = verify(site.path());
        assert!(result.is_err(), "{length} of {} bytes: {result:?}", bytes.len());
    }
}

/// A journal as a crash leaves it: eight transactions, all still in the write-ahead file.
fn crashed() -> Site {
    let (site, crashed) = (Site::new(), Site::new());
    site.open().0.close().unwrap();
    let (writer, _) = site.open();
    let acked = register(&writer, "hecto");
    for number in 1..=8 {
        writer.append("hecto", vec![draft("accepted", number)], number).unwrap();
        acked.recv().unwrap();
    }
    for name in ["journal.sqlite", "journal.sqlite-wal"] {
        std::fs::copy(site.path().join(name), crashed.path().join(name)).unwrap();
    }
    crashed
}

#[test]
fn a_flip_in_the_write_ahead_file_forgets_no_durable_transaction_in_silence() {
    let site = crashed();
    let path = site.path().join("journal.sqlite-wal");
    assert_eq!(verify(site.path()).unwrap().last, at(8));
    let bytes = std::fs::read(&path).unwrap();
    let frames = 32..bytes.len();
    let mut found = 0;
    // The file's header, the header of each frame, and here and there a page.
    let headers = frames.clone().step_by(4120).flat_map(|frame| frame..frame + 24);
    for offset in (0..32).chain(headers).chain(frames.step_by(997)) {
        let file = OpenOptions::new().write(true).open(&path).unwrap();
        file.write_all_at(&[bytes[offset] ^ (1 << (offset % 8))], offset as u64).unwrap();
        match verify(site.path()) {
            Err(_) => {
                found += 1;
                assert!(Journal::open(site.options()).is_err(), "byte {offset}");
            }
            // The last transaction looks like one that was being written; before it, one whose end mark is what rotted.
            Ok(verified) => assert!(verified.last >= at(6), "byte {offset} of {}: {verified:?}", bytes.len()),
        }
        file.write_all_at(&[bytes[offset]], offset as u64).unwrap();
    }
    assert!(found > 500, "{found} of {}", bytes.len());
    // An end that is cut off is the clean end of a crash, at a whole transaction.
    let mut last = Position::START;
    for length in (0..=bytes.len()).step_by(4120) {
        std::fs::write(&path, &bytes[..length]).unwrap();
        let verified = verify(site.path()).unwrap();
        assert!(verified.last >= last, "{length}");
        last = verified.last;
    }
    assert!(last >= at(7), "{last}");
}
