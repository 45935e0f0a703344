//! What a block holds, and how its lines are aligned.

use crate::parse::{EXCHANGE, HOURS, LAYOUTS, NOTICE, OPENING, POLL, PROTOCOL, SETTLES, SIGN, Token};

type Clauses = &'static [&'static str];

/// How lines of a block are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// No block: the lines of a file.
    File,
    /// Clauses, the first word of each line in a column of its own.
    Columns(Clauses),
    /// Clauses, several on a line.
    Flow(Clauses),
    /// Rows of `select`.
    Select,
    /// Rows of `hours`: which days, and for what.
    Hours,
    /// A header's or a telegram's fields.
    Fields,
}

impl Kind {
    /// Of a block of the file, by the word that begins it.
    pub(crate) fn of_head(word: &str) -> Self {
        match word {
            "protocol" => Self::Columns(&PROTOCOL),
            "layouts" => Self::Columns(&LAYOUTS),
            "header" | "telegram" => Self::Fields,
            "exchange" => Self::Flow(&EXCHANGE),
            "notice" => Self::Flow(&NOTICE),
            _ => Self::File,
        }
    }

    /// The clause of this name, if the block has it.
    pub(crate) fn clause(self, word: &str) -> Option<&'static str> {
        match self {
            Self::Columns(clauses) | Self::Flow(clauses) => clauses.iter().find(|clause| **clause == word).copied(),
            Self::Hours => HOURS.iter().find(|clause| **clause == word).copied(),
            Self::File | Self::Select | Self::Fields => None,
        }
    }
}

/// A block that is open.
pub(crate) struct Block {
    pub(crate) kind: Kind,
    /// Its place among all blocks.
    pub(crate) group: usize,
    /// What is being said.
    pub(crate) clause: Option<&'static str>,
}

impl Block {
    /// What the block holds that the present clause opens.
    pub(crate) fn inner(&self) -> Kind {
        match self.clause {
            Some("poll") => Kind::Columns(&POLL),
            Some("sign") => Kind::Columns(&SIGN),
            Some("opening") => Kind::Columns(&OPENING),
            Some("hours") => Kind::Hours,
            Some("select") => Kind::Select,
            Some("settles") => Kind::Columns(&SETTLES),
            // Groups, repeats and choices hold fields, too.
            _ if self.kind == Kind::Fields => Kind::Fields,
            _ => Kind::File,
        }
    }

    /// Whether a word behind this token begins something new: another clause, a condition of a row, the second half of `unset`.
    pub(crate) fn begins(&self, word: &str, before: Option<&Token>) -> bool {
        let Some(before) = before else { return false };
        match self.kind {
            Kind::Select => word.starts_with(|c: char| c.is_ascii_lowercase()),
            Kind::Columns(_) | Kind::Flow(_) => {
                // The name of a clause may be the first name in it.
                let is_first = matches!((before, self.clause), (Token::Word(before), Some(clause)) if before == clause);
                let halves = self.clause == Some("unset") && matches!(word, "9" | "X");
                // In these clauses names go on to the end of the line.
                let goes_on = matches!(self.clause, Some("key" | "trace"));
                let begins = self.kind.clause(word).is_some() && !goes_on;
                !is_first && (begins || halves)
            }
            Kind::File | Kind::Fields | Kind::Hours => false,
        }
    }
}
