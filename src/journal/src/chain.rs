//! The checksum that ties each envelope to all before it.

use std::fmt;

use sha2::{Digest, Sha256};

use crate::Position;
use crate::envelope::{Cell, Cells, Draft};

/// SHA-256 over the chain before and one envelope's whole content: two journals with the same chain hold the same history.
///
/// It has no key. It finds damage and clumsy edits; against somebody who can rewrite the whole file it helps only as far as a
/// chain was kept elsewhere (see [`Verified`](crate::Verified)).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Chain(pub [u8; 32]);

impl Chain {
    /// Where a file's chain begins: its own header, which holds the chain that the file before it ended with.
    pub(crate) fn of_file(format: i32, writer: u32, number: i64, before: Option<Self>) -> Self {
        let mut hash = Sha256::new();
        hash.update(b"pabal journal file\0");
        hash.update(format.to_be_bytes());
        hash.update(writer.to_be_bytes());
        hash.update(number.to_be_bytes());
        hash.update(before.map_or([0; 32], |chain| chain.0));
        Self(hash.finalize().into())
    }

    /// The chain after one more envelope.
    ///
    /// Canonical: everything has a fixed width, or is preceded by its length, or by a tag that says what follows; so no two
    /// different envelopes give the same bytes.
    pub(crate) fn after<C: Cells>(self, position: Position, institution: &str, draft: &Draft<C>) -> Self {
        let mut hash = Sha256::new();
        hash.update(self.0);
        hash.update(position.writer.to_be_bytes());
        hash.update(position.seq.to_be_bytes());
        hash.update(draft.at.to_be_bytes());
        hash.update(draft.version.to_be_bytes());
        for text in [institution, &draft.family, &draft.kind] {
            bytes(&mut hash, text.as_bytes());
        }
        for cell in draft.columns.cells() {
            match cell {
                Cell::Null => hash.update([0]),
                Cell::Integer(number) => {
                    hash.update([1]);
                    hash.update(number.to_be_bytes());
                }
                Cell::Text(text) => {
                    hash.update([2]);
                    bytes(&mut hash, text.as_bytes());
                }
            }
        }
        bytes(&mut hash, &draft.body);
        Self(hash.finalize().into())
    }
}

fn bytes(hash: &mut Sha256, bytes: &[u8]) {
    hash.update((bytes.len() as u64).to_be_bytes());
    hash.update(bytes);
}

impl fmt::Display for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Chain({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Columns;

    fn chain(draft: &Draft) -> Chain {
        Chain::of_file(1, 1, 1, None).after(Position { writer: 1, seq: 1 }, "hecto", draft)
    }

    #[test]
    fn a_byte_that_moves_to_the_next_text_changes_the_chain() {
        let columns = |caller: Option<&str>, key: Option<&str>| {
            chain(&Draft {
                columns: Columns {
                    caller: caller.map(str::to_owned),
                    idempotency_key: key.map(str::to_owned),
                    ..Columns::default()
                },
                ..Draft::default()
            })
        };
        assert_ne!(columns(Some("ab"), Some("c")), columns(Some("a"), Some("bc")));
        assert_ne!(columns(Some(""), None), columns(None, Some("")));
        assert_ne!(columns(Some(""), None), columns(None, None));
    }

    #[test]
    fn nothing_of_an_envelope_is_left_out() {
        let plain = Draft { family: "switch".into(), kind: "sent".into(), ..Draft::default() };
        let edits: [fn(&mut Draft); 7] = [
            |draft| draft.at += 1,
            |draft| draft.family.to_mut().push('x'),
            |draft| draft.kind.to_mut().push('x'),
            |draft| draft.version += 1,
            |draft| draft.body.push(0),
            |draft| draft.columns.business_date = Some(0),
            |draft| draft.columns.cause = Some(String::new()),
        ];
        for edit in edits {
            let mut edited = plain.clone();
            edit(&mut edited);
            assert_ne!(chain(&edited), chain(&plain), "{edited:?}");
        }
        let start = Chain::of_file(1, 1, 1, None);
        let at = |seq, institution| start.after(Position { writer: 1, seq }, institution, &plain);
        assert_ne!(at(1, "hecto"), at(2, "hecto"));
        assert_ne!(at(1, "hecto"), at(1, "kftc"));
    }
}
