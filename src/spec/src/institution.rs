use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use pabal_clock::{Civil, DayRule, Wall};
use pabal_telegram::{Framing, Side};
use serde::{Deserialize, Serialize};

use crate::catalog::{Catalog, TelegramId};
use crate::diagnostic::Source;
use crate::rules::{Rules, TypeCode};

/// Names one version of a spec: FNV-1a with 64 bits over the files in the order of their names, for each its name, a zero byte, its
/// text, a zero byte. It tells versions apart; it does not protect against somebody who wants two versions to look the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Digest(pub u64);

impl Digest {
    const PRIME: u64 = 0x0000_0100_0000_01b3;

    /// Of these files, in whatever order they are given.
    #[must_use]
    pub fn of(sources: &[Source]) -> Self {
        let mut files: Vec<&Source> = sources.iter().collect();
        files.sort_unstable_by(|a, b| (&a.name, &a.text).cmp(&(&b.name, &b.text)));
        let parts = files.iter().flat_map(|file| [file.name.as_bytes(), b"\0", file.text.as_bytes(), b"\0"]);
        let hash = parts
            .flatten()
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(Self::PRIME));
        Self(hash)
    }

    /// Of the version that is in force from a moment on: the same hash goes on over the moment as a spec writes it.
    #[must_use]
    pub(crate) fn since(self, from: Civil) -> Self {
        let text = alloc::format!("{} {}", from.date, from.time);
        let hash = text.bytes().fold(self.0, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(Self::PRIME));
        Self(hash)
    }
}

impl fmt::Display for Digest {
    /// Sixteen hexadecimal digits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// An institution whose spec has no mistake.
#[derive(Clone, Debug)]
pub struct Institution {
    /// Name in configuration, calls and metrics.
    pub name: Box<str>,
    /// Its own name.
    pub label: Box<str>,
    /// In the order of the files.
    pub protocols: Vec<Arc<Protocol>>,
    /// Telegrams that are only converted, in the order of the files.
    pub layouts: Vec<Arc<Layouts>>,
    /// The version of the spec that its protocols were made from.
    pub digest: Digest,
    /// From when on its protocols are so, on its clock; `None` from ever.
    pub from: Option<Civil>,
    /// Versions with other protocols, in the order of their `from`: each takes the place of the one before it without a reconnect
    /// ([`Institution::same_conversation`]), and has none beside it.
    pub later: Vec<Arc<Self>>,
}

impl Institution {
    /// A protocol by its name.
    #[must_use]
    pub fn protocol(&self, name: &str) -> Option<&Arc<Protocol>> {
        self.protocols.iter().find(|protocol| &*protocol.name == name)
    }

    /// The same as it is in force at a moment of its clock, without later versions; layouts of conversion alone that have not begun are
    /// left out.
    #[must_use]
    pub fn at(&self, moment: Civil) -> Self {
        let layouts = self.layouts.iter().filter_map(|layouts| layouts.at(moment)).map(Arc::clone).collect();
        let spoken = self.later.iter().rev().find(|version| version.from.is_none_or(|from| from <= moment));
        Self { layouts, later: Vec::new(), ..spoken.map_or(self, |version| version).clone() }
    }

    /// The version whose protocols are in force at an instant.
    #[must_use]
    pub fn in_force(self: &Arc<Self>, wall: Wall) -> &Arc<Self> {
        self.later.iter().rev().find(|version| version.begins().is_none_or(|begins| begins <= wall)).unwrap_or(self)
    }

    /// The instant from which on its protocols are so; `None` from ever.
    #[must_use]
    pub fn begins(&self) -> Option<Wall> {
        Some(self.from?.wall(self.protocols.first()?.day.zone))
    }

    /// Every telegram that can be converted, by the name of what it belongs to: first those of the protocols, then those of conversion
    /// alone.
    pub fn catalogs(&self) -> impl Iterator<Item = (&str, &Catalog)> {
        let spoken = self.protocols.iter().map(|protocol| (&*protocol.name, &protocol.catalog));
        spoken.chain(self.layouts.iter().map(|layouts| (&*layouts.name, &layouts.catalog)))
    }

    /// Layouts of conversion alone, by their name.
    #[must_use]
    pub fn layouts(&self, name: &str) -> Option<&Arc<Layouts>> {
        self.layouts.iter().find(|layouts| &*layouts.name == name)
    }
}

/// `layouts`: telegrams that are read and made, without a line or a conversation: their document does not say enough for one, or a
/// program of its own carries them.
#[derive(Debug)]
pub struct Layouts {
    /// The institution's name.
    pub institution: Box<str>,
    /// Name in the spec.
    pub name: Box<str>,
    /// Its name in the document.
    pub label: Box<str>,
    /// The version of the spec that this was made from.
    pub digest: Digest,
    /// The telegrams, found by name: its `select` has no rows.
    pub catalog: Catalog,
    /// From when on they are so, on the institution's clock; `None` from ever.
    pub from: Option<Civil>,
    /// Later versions in the order of their `from`: they stand beside this one, and have none beside them.
    pub later: Vec<Arc<Self>>,
}

impl Layouts {
    /// The version in force at a moment of the institution's clock; `None` before the first one.
    #[must_use]
    pub fn at(self: &Arc<Self>, moment: Civil) -> Option<&Arc<Self>> {
        let all = core::iter::once(self).chain(&self.later);
        all.rev().find(|version| version.from.is_none_or(|from| from <= moment))
    }
}

/// One way to speak with an institution: how frames are cut, which telegrams there are, and the rules of conversation.
#[derive(Debug)]
pub struct Protocol {
    /// The institution's name.
    pub institution: Box<str>,
    /// Name in configuration and metrics.
    pub name: Box<str>,
    /// The version of the spec that this was made from.
    pub digest: Digest,
    /// From when on it is so, on the institution's clock; `None` from ever.
    pub from: Option<Civil>,
    /// How the stream is cut.
    pub framing: Framing,
    /// When the business date changes.
    pub day: DayRule,
    /// The telegrams.
    pub catalog: Catalog,
    /// The conversation.
    pub rules: Rules,
}

impl Protocol {
    /// Which side fills a telegram of this kind, as far as its bytes (length prefix not included) tell; else the asker.
    #[must_use]
    pub fn side(&self, telegram: TelegramId, frame: &[u8]) -> Side {
        let is = |code: &TypeCode| {
            code.telegram == telegram && code.bytes.iter().all(|(at, bytes)| at.of(frame) == Some(bytes))
        };
        let is_answer = self.rules.exchanges.iter().any(|exchange| is(&exchange.answer))
            || self.rules.notices.iter().any(|notice| is(&notice.answer))
            || self.rules.poll.as_ref().is_some_and(|poll| poll.answer_telegram == telegram)
            || self.rules.signs().any(|sign| sign.answer.as_ref().is_some_and(|answer| is(&answer.kind)));
        if is_answer { Side::Answerer } else { Side::Asker }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;

    fn digest(files: &[(&str, &str)]) -> Digest {
        let source = |(name, text): &(&str, &str)| Source { name: (*name).into(), text: (*text).into() };
        Digest::of(&files.iter().map(source).collect::<Vec<_>>())
    }

    #[test]
    fn every_byte_of_every_file_counts() {
        // FNV-1a of no bytes is its offset basis.
        assert_eq!(digest(&[]).to_string(), "cbf29ce484222325");
        let one = digest(&[("a", "b")]);
        for other in [&[("a", "c")][..], &[("b", "b")], &[("a", "b"), ("c", "")], &[("ab", "")], &[("", "ab")], &[]] {
            assert_ne!(digest(other), one, "{other:?}");
        }
    }

    #[test]
    fn the_order_of_the_files_does_not() {
        assert_eq!(digest(&[("a", "1"), ("b", "2")]), digest(&[("b", "2"), ("a", "1")]));
        assert_ne!(digest(&[("a", "1"), ("b", "2")]), digest(&[("a", "2"), ("b", "1")]));
    }
}
