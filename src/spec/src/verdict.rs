use alloc::boxed::Box;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;
use core::fmt;

use hashbrown::HashTable;

/// What an institution's response code says of the request. A code that no table lists is [`Verdict::Unknown`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// It was executed.
    Success,
    /// It was plainly not executed.
    Refused,
    /// It was not executed, since business is not open.
    NotOpen,
    /// The institution, or one behind it, cannot work now; whether the request was executed is not said.
    Unavailable,
    /// It is still being worked on.
    InProgress,
    /// They say that they had it before; what became of the first is not said.
    Duplicate,
    /// Not listed, or listed as saying nothing.
    Unknown,
}

impl Verdict {
    /// Every class, as specs and code tables write them.
    pub const ALL: [(&'static str, Self); 7] = [
        ("success", Self::Success),
        ("refused", Self::Refused),
        ("not_open", Self::NotOpen),
        ("unavailable", Self::Unavailable),
        ("in_progress", Self::InProgress),
        ("duplicate", Self::Duplicate),
        ("unknown", Self::Unknown),
    ];

    /// The word that specs use.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Refused => "refused",
            Self::NotOpen => "not_open",
            Self::Unavailable => "unavailable",
            Self::InProgress => "in_progress",
            Self::Duplicate => "duplicate",
            Self::Unknown => "unknown",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// A row of a code table: what one code says, for whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodeRow {
    /// Bytes of the participant's field; empty: for all of them.
    pub participant: Box<[u8]>,
    /// Name of an exchange; empty: in the answer of any.
    pub exchange: Box<str>,
    /// The class.
    pub verdict: Verdict,
    /// The institution's words.
    pub text: Box<str>,
}

/// What a code says for one participant, beside what it says for all of them; or for all of them, if the participant is empty.
#[derive(Clone, Debug)]
struct Said {
    code: Box<[u8]>,
    participant: Box<[u8]>,
    own: Classes,
    all: Classes,
}

/// By exchange: the row of the exchange goes before the one for any.
#[derive(Clone, Debug, Default)]
struct Classes {
    any: Option<Verdict>,
    of: Vec<(Box<str>, Verdict)>,
}

impl Classes {
    fn add(&mut self, exchange: &str, verdict: Verdict) {
        match exchange {
            "" => self.any = Some(verdict),
            _ => self.of.push((exchange.into(), verdict)),
        }
    }

    fn find(&self, exchange: &str) -> Option<Verdict> {
        let own = self.of.iter().find(|(of, _)| **of == *exchange);
        own.map(|(_, verdict)| *verdict).or(self.any)
    }
}

impl Said {
    fn is_of(&self, code: &[u8], participant: &[u8]) -> bool {
        *self.code == *code && *self.participant == *participant
    }
}

/// Codes and participants are a few bytes, and from the site's own tables.
fn hash_of(code: &[u8], participant: &[u8]) -> u64 {
    let mix = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x517c_c1b7_2722_0a95).rotate_left(23);
    participant.iter().fold(code.iter().fold(code.len() as u64, mix), mix)
}

/// A code table. A row of an exchange goes before one for all exchanges. Where the row of the participant and the one for all
/// participants disagree, the verdict is [`Verdict::Unknown`].
#[derive(Clone, Debug, Default)]
pub struct VerdictTable {
    codes: BTreeMap<Box<[u8]>, Vec<CodeRow>>,
    /// By code and participant. Its order is nobody's.
    said: HashTable<Said>,
}

impl PartialEq for VerdictTable {
    fn eq(&self, other: &Self) -> bool {
        self.codes == other.codes
    }
}

impl Eq for VerdictTable {}

impl VerdictTable {
    /// What a code (bytes of its field) says in the answer of an exchange.
    #[must_use]
    pub fn verdict(&self, participant: &[u8], exchange: &str, code: &[u8]) -> Verdict {
        let find =
            |participant: &[u8]| self.said.find(hash_of(code, participant), |said| said.is_of(code, participant));
        let Some(said) = find(participant).or_else(|| find(b"")) else { return Verdict::Unknown };
        match (said.own.find(exchange), said.all.find(exchange)) {
            (Some(own), Some(all)) if own != all => Verdict::Unknown,
            (Some(verdict), _) | (None, Some(verdict)) => verdict,
            (None, None) => Verdict::Unknown,
        }
    }

    /// The institution's words for a code, the participant's own before those that hold for all.
    #[must_use]
    pub fn text(&self, participant: &[u8], exchange: &str, code: &[u8]) -> Option<&str> {
        let row = self.row(participant, exchange, code).or_else(|| self.row(b"", exchange, code));
        row.map(|row| &*row.text)
    }

    /// The row of exactly this participant (empty: for all of them): that of the exchange, else the one for any exchange.
    #[must_use]
    pub fn row(&self, participant: &[u8], exchange: &str, code: &[u8]) -> Option<&CodeRow> {
        let rows = self.codes.get(code)?;
        let find =
            |exchange: &str| rows.iter().find(|row| *row.participant == *participant && *row.exchange == *exchange);
        find(exchange).or_else(|| find(""))
    }

    /// Every code with its rows, in the order of the codes.
    pub fn codes(&self) -> impl Iterator<Item = (&[u8], &[CodeRow])> {
        self.codes.iter().map(|(code, rows)| (&**code, rows.as_slice()))
    }

    /// Every row with its code, in the order of the codes.
    pub fn rows(&self) -> impl Iterator<Item = (&[u8], &CodeRow)> {
        self.codes().flat_map(|(code, rows)| rows.iter().map(move |row| (code, row)))
    }

    /// How many rows there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.codes.values().map(Vec::len).sum()
    }

    /// Whether nothing is listed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.codes.is_empty()
    }

    /// Lists a code (bytes of its field).
    ///
    /// # Errors
    /// A row of the same participant and exchange is there already, and stays: its place among those of the code, and its class.
    pub fn insert(&mut self, code: &[u8], row: CodeRow) -> Result<(), (usize, Verdict)> {
        let rows = self.codes.entry(code.into()).or_default();
        let listed = |known: &CodeRow| known.participant == row.participant && known.exchange == row.exchange;
        match rows.iter().enumerate().find(|(_, known)| listed(known)) {
            Some((at, known)) => Err((at, known.verdict)),
            None => {
                let is_for_all = row.participant.is_empty();
                // What is said for all of them stands beside what is said for each.
                let for_all = self.said.find(hash_of(code, b""), |said| said.is_of(code, b""));
                let all = for_all.map(|said| said.all.clone()).unwrap_or_default();
                let said = self.said.entry(
                    hash_of(code, &row.participant),
                    |said| said.is_of(code, &row.participant),
                    |said| hash_of(&said.code, &said.participant),
                );
                let new =
                    || Said { code: code.into(), participant: row.participant.clone(), own: Classes::default(), all };
                let said = said.or_insert_with(new).into_mut();
                let classes = if is_for_all { &mut said.all } else { &mut said.own };
                classes.add(&row.exchange, row.verdict);
                if is_for_all {
                    let others = rows.iter().map(|known| &known.participant).filter(|known| !known.is_empty());
                    for known in others.collect::<BTreeSet<_>>() {
                        let said = self.said.find_mut(hash_of(code, known), |said| said.is_of(code, known));
                        said.into_iter().for_each(|said| said.all.add(&row.exchange, row.verdict));
                    }
                }
                rows.push(row);
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> VerdictTable {
        let mut table = VerdictTable::default();
        for (participant, exchange, code, verdict, text) in [
            ("", "", "0000", Verdict::Success, "done"),
            ("", "", "0101", Verdict::Unknown, "says nothing"),
            ("", "", "0102", Verdict::NotOpen, "not open"),
            ("", "inquiry", "0102", Verdict::Refused, "may not ask"),
            ("004", "", "0101", Verdict::Refused, "no account"),
            ("004", "", "0102", Verdict::NotOpen, "bank not open"),
            ("004", "", "0133", Verdict::Refused, "not enough"),
            ("004", "inquiry", "0133", Verdict::Success, "found"),
            ("088", "transfer", "0133", Verdict::InProgress, "wait"),
        ] {
            let row = CodeRow {
                participant: participant.as_bytes().into(),
                exchange: exchange.into(),
                verdict,
                text: text.into(),
            };
            assert_eq!(table.insert(code.as_bytes(), row), Ok(()));
        }
        table
    }

    fn check(participant: &str, exchange: &str, code: &str, verdict: Verdict, text: Option<&str>) {
        let table = table();
        let (participant, code) = (participant.as_bytes(), code.as_bytes());
        let found = (table.verdict(participant, exchange, code), table.text(participant, exchange, code));
        assert_eq!(found, (verdict, text));
    }

    #[test]
    fn a_row_for_all_holds_for_each() {
        check("004", "transfer", "0000", Verdict::Success, Some("done"));
        check("", "transfer", "0000", Verdict::Success, Some("done"));
        check("004", "transfer", "0133", Verdict::Refused, Some("not enough"));
    }

    #[test]
    fn rows_that_disagree_say_nothing() {
        check("004", "transfer", "0101", Verdict::Unknown, Some("no account"));
        check("004", "transfer", "0102", Verdict::NotOpen, Some("bank not open"));
        // In an inquiry the rows for all are not the same.
        check("004", "inquiry", "0102", Verdict::Unknown, Some("bank not open"));
        check("088", "inquiry", "0102", Verdict::Refused, Some("may not ask"));
    }

    #[test]
    fn rows_are_listed_in_any_order() {
        let known = table();
        let mut rows: Vec<(Box<[u8]>, CodeRow)> = known.rows().map(|(code, row)| (code.into(), row.clone())).collect();
        rows.reverse();
        let mut again = VerdictTable::default();
        rows.into_iter().for_each(|(code, row)| assert_eq!(again.insert(&code, row), Ok(())));
        for participant in ["", "004", "088", "011"] {
            for exchange in ["transfer", "inquiry", "other"] {
                for code in ["0000", "0101", "0102", "0133", "9999"] {
                    let ask = |table: &VerdictTable| table.verdict(participant.as_bytes(), exchange, code.as_bytes());
                    assert_eq!(ask(&again), ask(&known), "{participant} {exchange} {code}");
                }
            }
        }
    }

    #[test]
    fn a_row_of_the_exchange_goes_before_one_for_all_exchanges() {
        check("004", "inquiry", "0133", Verdict::Success, Some("found"));
        check("004", "transfer", "0133", Verdict::Refused, Some("not enough"));
        check("088", "transfer", "0133", Verdict::InProgress, Some("wait"));
    }

    #[test]
    fn a_code_that_is_not_listed_is_unknown() {
        check("088", "inquiry", "0133", Verdict::Unknown, None);
        check("011", "transfer", "0133", Verdict::Unknown, None);
        check("004", "transfer", "013", Verdict::Unknown, None);
        check("004", "transfer", "", Verdict::Unknown, None);
    }

    #[test]
    fn a_code_is_listed_once_for_each() {
        let mut table = table();
        let row = |exchange: &str| CodeRow {
            participant: (*b"004").into(),
            exchange: exchange.into(),
            verdict: Verdict::Success,
            text: "again".into(),
        };
        assert_eq!(table.len(), 9);
        assert_eq!(table.insert(b"0133", row("")), Err((0, Verdict::Refused)));
        assert_eq!(table.insert(b"0133", row("transfer")), Ok(()));
        assert_eq!((table.len(), table.rows().count()), (10, 10));
    }

    #[test]
    fn words_and_classes_are_one_to_one() {
        for (word, verdict) in Verdict::ALL {
            assert_eq!(verdict.word(), word);
        }
    }
}
