//! The write-ahead file as it lies there after a crash, before the engine reads it.
//!
//! The engine takes the write-ahead file up to the first frame whose checksum is wrong, and forgets the rest: that is how it drops a transaction
//! that was being written when the power went. But a byte that rotted in the middle makes it forget durable transactions in the same silent
//! way. The two can be told apart: a transaction begins only after the one before it was synced. So if after the wrong frame comes the
//! end of a transaction *and then another frame*, what was forgotten had been durable.
//!
//! Only the write-ahead file is opened here, never the database: to close a second handle of that would drop the locks that the engine has on
//! it in this process.
//!
//! It cannot be told apart for the last transaction, which looks the same when it was synced and rotted. The layout is that of "WAL-mode File
//! Format" in SQLite's documentation of its file format, section 4.

use std::io;
use std::path::Path;

use crate::error::Corrupt;
use crate::schema;

const HEADER_BYTES: usize = 32;
const FRAME_HEADER_BYTES: usize = 24;

/// Looks for durable transactions that the engine would forget.
pub(crate) fn check(directory: &Path) -> Result<(), Corrupt> {
    let unreadable = |error: io::Error| Corrupt { position: None, what: format!("a file cannot be read: {error}") };
    let path = directory.join(format!("{}-wal", schema::FILE));
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(unreadable(error)),
    };
    match forgotten_at(&bytes) {
        None => Ok(()),
        Some(frame) => Err(Corrupt {
            position: None,
            what: format!("frame {frame} of the write-ahead file is damaged, and durable transactions follow it"),
        }),
    }
}

/// The running checksum: two sums over pairs of words.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Sum(u32, u32);

impl Sum {
    fn over(self, bytes: &[u8], big_endian: bool) -> Self {
        let (pairs, _) = bytes.as_chunks::<8>();
        pairs.iter().fold(self, |Self(first, second), &[a, b, c, d, e, f, g, h]| {
            let word = |bytes| if big_endian { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) };
            let first = first.wrapping_add(word([a, b, c, d])).wrapping_add(second);
            let second = second.wrapping_add(word([e, f, g, h])).wrapping_add(first);
            Self(first, second)
        })
    }

    fn stored(bytes: &[u8]) -> Option<Self> {
        let (&first, rest) = bytes.split_first_chunk()?;
        let (&second, _) = rest.split_first_chunk()?;
        Some(Self(u32::from_be_bytes(first), u32::from_be_bytes(second)))
    }
}

struct Frame<'a> {
    /// Ends a transaction.
    is_commit: bool,
    salts: &'a [u8],
    /// As written.
    sum: Sum,
    /// What the sum is over: page number and commit mark, then the page.
    summed: [&'a [u8]; 2],
}

impl<'a> Frame<'a> {
    fn read(bytes: &'a [u8]) -> Option<Self> {
        let (header, page) = bytes.split_at_checked(FRAME_HEADER_BYTES)?;
        let (marks, rest) = header.split_at_checked(8)?;
        let (salts, sum) = rest.split_at_checked(8)?;
        let is_commit = marks.get(4..)?.iter().any(|byte| *byte != 0);
        Some(Self { is_commit, salts, sum: Sum::stored(sum)?, summed: [marks, page] })
    }

    fn sum_after(&self, before: Sum, big_endian: bool) -> Sum {
        self.summed.iter().fold(before, |sum, bytes| sum.over(bytes, big_endian))
    }
}

/// The number of the first wrong frame (0 is the header), if durable transactions follow it.
fn forgotten_at(bytes: &[u8]) -> Option<usize> {
    let (header, frames) = bytes.split_at_checked(HEADER_BYTES)?;
    let (summed, sum) = header.split_at_checked(24)?;
    let stored = Sum::stored(sum)?;
    let big_endian = [false, true].into_iter().find(|big_endian| Sum(0, 0).over(summed, *big_endian) == stored);
    // A header that is damaged says nothing; then the pages are taken to be those that this program makes.
    let stated = header.get(8..)?.first_chunk().map(|bytes| u32::from_be_bytes(*bytes))?;
    let page_bytes = if big_endian.is_some() { u64::from(stated) } else { schema::PAGE_BYTES };
    let page_bytes = usize::try_from(page_bytes).ok()?;
    let frames: Vec<Frame<'_>> = frames.chunks_exact(FRAME_HEADER_BYTES + page_bytes).filter_map(Frame::read).collect();
    let Some(big_endian) = big_endian else {
        let first = frames.first()?;
        let durable = |big_endian| goes_on(&frames, first.salts, [first.sum, first.sum], big_endian);
        return (durable(false) || durable(true)).then_some(0);
    };
    let salts = header.get(16..24)?;
    let mut sum = stored;
    for (index, frame) in frames.iter().enumerate() {
        let computed = frame.sum_after(sum, big_endian);
        if frame.salts != salts || frame.sum != computed {
            // When the sum itself is what rotted, the next frame goes on from the one that should stand there.
            let rest = frames.get(index..)?;
            return goes_on(rest, salts, [frame.sum, computed], big_endian).then_some(index + 1);
        }
        sum = frame.sum;
    }
    None
}

/// Whether the frames after the wrong first one go on from one of the sums, frame by frame, past the end of a transaction.
fn goes_on(frames: &[Frame<'_>], salts: &[u8], sums: [Sum; 2], big_endian: bool) -> bool {
    let Some((wrong, rest)) = frames.split_first() else { return false };
    sums.into_iter().any(|mut sum| {
        let mut committed = wrong.is_commit;
        for frame in rest {
            if frame.salts != salts || frame.sum != frame.sum_after(sum, big_endian) {
                return false;
            }
            if committed {
                return true;
            }
            committed = frame.is_commit;
            sum = frame.sum;
        }
        false
    })
}
