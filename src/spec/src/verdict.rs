use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use core::fmt;

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

/// Participant (empty: all of them) and code, as bytes of a telegram, padded as their fields.
pub type CodeKey = (Box<[u8]>, Box<[u8]>);

/// A code table: `(participant, code) -> verdict and text`. A row without a participant holds for all of them. Where a row of the
/// participant and one for all disagree, the verdict is [`Verdict::Unknown`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VerdictTable {
    /// By participant (empty: all) and code, both as bytes of the telegram.
    pub rows: BTreeMap<CodeKey, (Verdict, Box<str>)>,
}

impl VerdictTable {
    /// What a code says.
    #[must_use]
    pub fn verdict(&self, participant: &[u8], code: &[u8]) -> Verdict {
        match (self.row(participant, code), self.row(b"", code)) {
            (Some((own, _)), Some((all, _))) if own != all => Verdict::Unknown,
            (Some((verdict, _)), _) | (None, Some((verdict, _))) => *verdict,
            (None, None) => Verdict::Unknown,
        }
    }

    fn row(&self, participant: &[u8], code: &[u8]) -> Option<&(Verdict, Box<str>)> {
        self.rows.get(&(participant.into(), code.into()))
    }

    /// The institution's words for a code, the participant's own before those that hold for all.
    #[must_use]
    pub fn text(&self, participant: &[u8], code: &[u8]) -> Option<&str> {
        let row = self.row(participant, code).or_else(|| self.row(b"", code));
        row.map(|(_, text)| &**text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> VerdictTable {
        let rows = [
            ("", "0000", Verdict::Success, "done"),
            ("", "0101", Verdict::Unknown, "says nothing"),
            ("", "0102", Verdict::NotOpen, "not open"),
            ("004", "0101", Verdict::Refused, "no account"),
            ("004", "0102", Verdict::NotOpen, "bank not open"),
            ("004", "0133", Verdict::Refused, "not enough"),
        ];
        let row = |(participant, code, verdict, text): (&str, &str, Verdict, &str)| {
            ((participant.as_bytes().into(), code.as_bytes().into()), (verdict, text.into()))
        };
        VerdictTable { rows: rows.map(row).into() }
    }

    fn check(participant: &str, code: &str, verdict: Verdict, text: Option<&str>) {
        let table = table();
        let (participant, code) = (participant.as_bytes(), code.as_bytes());
        assert_eq!((table.verdict(participant, code), table.text(participant, code)), (verdict, text));
    }

    #[test]
    fn a_row_for_all_holds_for_each() {
        check("004", "0000", Verdict::Success, Some("done"));
        check("", "0000", Verdict::Success, Some("done"));
        check("004", "0133", Verdict::Refused, Some("not enough"));
    }

    #[test]
    fn rows_that_disagree_say_nothing() {
        check("004", "0101", Verdict::Unknown, Some("no account"));
        check("004", "0102", Verdict::NotOpen, Some("bank not open"));
    }

    #[test]
    fn a_code_that_is_not_listed_is_unknown() {
        check("088", "0133", Verdict::Unknown, None);
        check("004", "013", Verdict::Unknown, None);
        check("004", "", Verdict::Unknown, None);
    }

    #[test]
    fn words_and_classes_are_one_to_one() {
        for (word, verdict) in Verdict::ALL {
            assert_eq!(verdict.word(), word);
        }
    }
}
