use core::fmt;

use serde::{Deserialize, Serialize};

/// How confidential a field is. Whatever is not public is masked in logs, errors and what `pabal` prints; the journal and the answers to callers
/// hold it in clear, but for a secret, which the journal never holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Class {
    /// May be shown to anybody.
    Public,
    /// An account or card number: the last four bytes may be shown.
    Account,
    /// The name of a person or firm, or text that may hold one: the first character may be shown.
    Name,
    /// A resident, business or other identity number: nothing is shown.
    Identity,
    /// A telephone number: the last four bytes may be shown.
    Phone,
    /// A password, PIN or key: nothing is shown, and it is never stored.
    Secret,
}

impl Class {
    /// Every class, as specs write them.
    pub const ALL: [(&'static str, Self); 6] = [
        ("public", Self::Public),
        ("account", Self::Account),
        ("name", Self::Name),
        ("identity", Self::Identity),
        ("phone", Self::Phone),
        ("secret", Self::Secret),
    ];

    /// The class of a word.
    #[must_use]
    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.iter().find(|(known, _)| *known == word).map(|(_, class)| *class)
    }

    /// The word that specs use.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Account => "account",
            Self::Name => "name",
            Self::Identity => "identity",
            Self::Phone => "phone",
            Self::Secret => "secret",
        }
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}
