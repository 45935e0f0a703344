//! `misbehave`: in which ways, and how often.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::time::Duration;

use pabal_spec::Protocol;
use pabal_telegram::{Layout, Side, Slice};

use super::codes::{code, codes};
use super::fields::{CounterCount, Origins, find, hex_bytes, sets};
use super::read::{Reader, Table};
use super::{Codes, Conduct, Cut, Deed, Misdeed, When};
use crate::fill::{Set, Source, checksums};

/// What can misbehave. Not all of them can do everything.
#[derive(Clone, Copy)]
pub(crate) enum Actor<'p> {
    /// An answer of this layout.
    Reply(&'p Layout, Origins<'p>),
    /// A notice of this layout.
    Notice(&'p Layout, Origins<'p>),
    /// An answer to a poll telegram.
    Poll,
    /// An answer to a sign-on, and where it says how it went.
    SignOn(Option<Slice>),
    /// A connection.
    Session,
}

#[derive(Clone, Copy)]
enum Word {
    Silence,
    Late,
    RelayFirst,
    FreshNotice,
    Skip,
    Repeat,
    Die,
    Duplicate,
    Refuse,
    Split,
    Garbage,
    WrongLength,
    WrongKey,
    WrongChecksum,
    Alter,
    Stall,
    Close,
    Reset,
}

const WORDS: &[(&str, Word)] = &[
    ("silence", Word::Silence),
    ("late", Word::Late),
    ("relay_first", Word::RelayFirst),
    ("fresh_notice", Word::FreshNotice),
    ("skip", Word::Skip),
    ("repeat", Word::Repeat),
    ("die", Word::Die),
    ("duplicate", Word::Duplicate),
    ("refuse", Word::Refuse),
    ("split", Word::Split),
    ("garbage", Word::Garbage),
    ("wrong_length", Word::WrongLength),
    ("wrong_key", Word::WrongKey),
    ("wrong_checksum", Word::WrongChecksum),
    ("alter", Word::Alter),
    ("stall", Word::Stall),
    ("close", Word::Close),
    ("reset", Word::Reset),
];

impl Word {
    fn text(self) -> &'static str {
        WORDS.iter().find(|(_, word)| *word as u8 == self as u8).map_or("", |(text, _)| text)
    }

    const fn suits(self, actor: Actor<'_>) -> bool {
        match actor {
            Actor::Reply(..) => !matches!(self, Self::Skip | Self::Repeat | Self::Die),
            Actor::Notice(..) => !matches!(self, Self::Refuse | Self::RelayFirst | Self::FreshNotice | Self::Die),
            Actor::SignOn(_) if matches!(self, Self::Refuse) => true,
            Actor::Poll | Actor::SignOn(_) => matches!(
                self,
                Self::Silence
                    | Self::Late
                    | Self::Duplicate
                    | Self::Split
                    | Self::Garbage
                    | Self::WrongLength
                    | Self::Stall
                    | Self::Close
                    | Self::Reset
            ),
            Actor::Session => matches!(self, Self::Close | Self::Reset | Self::Die),
        }
    }
}

/// Takes `behave` and `misbehave` from a table.
pub(crate) fn conduct<'t>(
    reader: &mut Reader<'t>,
    table: &mut Table<'t>,
    actor: Actor<'_>,
    protocol: &Protocol,
    counters: &mut CounterCount,
) -> Conduct {
    let behave = table.take("behave").and_then(|node| node.count(reader, 0)).unwrap_or(0);
    let list = table.take("misbehave").map(|node| node.tables(reader)).unwrap_or_default();
    let misdeeds = list.into_iter().filter_map(|table| misdeed(reader, table, actor, protocol, counters)).collect();
    Conduct { behave, misdeeds }
}

fn misdeed<'t>(
    reader: &mut Reader<'t>,
    mut table: Table<'t>,
    actor: Actor<'_>,
    protocol: &Protocol,
    counters: &mut CounterCount,
) -> Option<Misdeed> {
    let node = table.needed(reader, "do")?;
    let word = node.word(reader, WORDS)?;
    if !word.suits(actor) {
        let what = match actor {
            Actor::Reply(..) => "a reply",
            Actor::Notice(..) => "a notice",
            Actor::Poll => "the answer to a poll telegram",
            Actor::SignOn(_) => "the answer to a sign-on",
            Actor::Session => "a session",
        };
        reader.mistake(&node.place, alloc::format!("{what} cannot do `{}`", word.text()), None);
    }
    let weight = table.take("weight").map_or(Some(1), |node| node.count(reader, 0));
    let may_execute = matches!(actor, Actor::Reply(..)) && !matches!(word, Word::Refuse | Word::FreshNotice);
    let executes = if may_execute { table.take("executes").and_then(|node| node.boolean(reader)) } else { None };
    let directions = [("send", true), ("receive", false)];
    let is_session = matches!(actor, Actor::Session);
    let sends = if is_session { table.take("direction").and_then(|node| node.word(reader, &directions)) } else { None };
    let deed = deed(reader, &mut table, word, actor, protocol, counters);
    table.finish(reader);
    Some(Misdeed { weight: weight?, executes, sends, word: word.text(), deed: deed? })
}

fn deed<'t>(
    reader: &mut Reader<'t>,
    table: &mut Table<'t>,
    word: Word,
    actor: Actor<'_>,
    protocol: &Protocol,
    counters: &mut CounterCount,
) -> Option<Deed> {
    let place = table.place.clone();
    Some(match word {
        Word::Silence => Deed::Silence,
        Word::Late => {
            let (shortest, longest) = table.needed(reader, "after")?.span(reader)?;
            Deed::Late(shortest, longest)
        }
        Word::RelayFirst => {
            let node = table.needed(reader, "response_code");
            let response_code = node.and_then(|node| codes(reader, &node, protocol));
            let after = table.needed(reader, "after").and_then(|node| node.span(reader));
            let refuses = table.take("refuses").map(|node| codes(reader, &node, protocol));
            Deed::RelayFirst {
                response_code: response_code?,
                after: after?,
                refuses: refuses.map_or(Some(None), |codes| codes.map(Some))?,
            }
        }
        Word::FreshNotice => {
            if matches!(actor, Actor::Reply(_, origins) if origins.notice.is_none()) {
                let help = "only a reply with `notice = \"issued\"` has a notice that can be sent again".into();
                reader.mistake(&place, "no notice is asked for here", Some(help));
            }
            Deed::FreshNotice { also: also(reader, table)? }
        }
        Word::Skip => Deed::Skip { count: table.take("count").map_or(Some(1), |node| node.count(reader, 1))? },
        Word::Repeat => {
            let Actor::Notice(layout, _) = actor else { return None };
            let after = table.needed(reader, "after").and_then(|node| node.span(reader));
            let times = table.take("times").map_or(Some(1), |node| node.count(reader, 1));
            let sets = count_in(reader, table, layout);
            Deed::Repeat { after: after?, times: times?, sets }
        }
        Word::Die => {
            let after = table.take("after").map_or(Some((Duration::ZERO, Duration::ZERO)), |node| node.span(reader));
            let reset_after = table.take("reset_after").map(|node| node.span(reader));
            Deed::Die { after: after?, reset_after: reset_after.map_or(Some(None), |after| after.map(Some))? }
        }
        Word::Duplicate => Deed::Duplicate {
            times: table.take("times").map_or(Some(2), |node| node.count(reader, 2))?,
            gap: table.take("gap").map_or(Some(Duration::ZERO), |node| node.duration(reader))?,
        },
        Word::Refuse if matches!(actor, Actor::SignOn(_)) => {
            let Actor::SignOn(Some(at)) = actor else {
                let help = "its `success` says where an answer does".into();
                reader.mistake(&place, "no answer to this sign-on says how it went", Some(help));
                return None;
            };
            let node = table.needed(reader, "result")?;
            Deed::Refuse(Codes { by: BTreeMap::new(), other: code(reader, &node, at, protocol)? })
        }
        Word::Refuse => {
            let node = table.needed(reader, "response_code")?;
            Deed::Refuse(codes(reader, &node, protocol)?)
        }
        Word::Split => Deed::Split {
            pieces: table.take("pieces").map_or(Some(2), |node| node.count(reader, 2))?,
            gap: table.take("gap").map_or(Some(Duration::ZERO), |node| node.duration(reader))?,
        },
        Word::Garbage => match (table.take("bytes"), table.take("hex")) {
            (Some(bytes), None) => Deed::Garbage { bytes: bytes.count(reader, 1)?, given: [].into() },
            (None, Some(hex)) => Deed::Garbage { bytes: 0, given: hex_bytes(reader, &hex)? },
            _ => {
                reader.mistake(&place, "expected `bytes`, how many, or `hex`, which", None);
                return None;
            }
        },
        Word::WrongLength => {
            let node = table.needed(reader, "by")?;
            let by = node.integer().and_then(|by| i32::try_from(by).ok()).filter(|by| *by != 0);
            if by.is_none() {
                let help = "1 says one byte more than there is, -1 one less".into();
                reader.mistake(&node.place, "not a number of bytes that makes it wrong", Some(help));
            }
            Deed::WrongLength { by: by? }
        }
        Word::WrongKey => Deed::WrongKey { also: also(reader, table)? },
        Word::WrongChecksum => {
            let (layout, side) = match actor {
                Actor::Reply(layout, _) => (layout, Side::Answerer),
                Actor::Notice(layout, _) => (layout, Side::Asker),
                Actor::Poll | Actor::SignOn(_) | Actor::Session => return None,
            };
            if checksums(layout, side).next().is_none() {
                let help = "only what the spec computes as `lrc`, `crc16` or `crc32` can be made wrong by it".into();
                reader.mistake(&place, alloc::format!("telegram {} has no checksum", layout.name()), Some(help));
            }
            Deed::WrongChecksum { also: also(reader, table)? }
        }
        Word::Alter => {
            let node = table.needed(reader, "set")?;
            let (Actor::Reply(layout, origins) | Actor::Notice(layout, origins)) = actor else { return None };
            Deed::Alter { sets: sets(reader, &node, layout, origins, counters), also: also(reader, table)? }
        }
        Word::Stall => {
            let after = table.take("after").map(|node| node.span(reader));
            Deed::Stall { after: after.map_or(Some(None), |after| after.map(Some))? }
        }
        Word::Close | Word::Reset => cut(reader, table, matches!(word, Word::Reset), actor)?,
    })
}

/// The field that says how often a notice was sent.
pub(crate) fn count_in<'t>(reader: &mut Reader<'t>, table: &mut Table<'t>, layout: &Layout) -> Vec<Set> {
    let set = table.take("count_in").and_then(|node| {
        let name = node.text(reader, "the name of a field")?;
        Some(Set { at: find(reader, &node.place, name, layout)?.at, source: Source::SendCount })
    });
    set.into_iter().collect()
}

fn cut<'t>(reader: &mut Reader<'t>, table: &mut Table<'t>, reset: bool, actor: Actor<'_>) -> Option<Deed> {
    let words = [("before", When::Before), ("middle", When::Middle), ("after", When::After)];
    let (when, after) = if matches!(actor, Actor::Session) {
        (When::Before, table.take("after").map_or(Some((Duration::ZERO, Duration::ZERO)), |node| node.span(reader))?)
    } else {
        let when = table.take("when").map_or(Some(When::Before), |node| node.word(reader, &words))?;
        (when, (Duration::ZERO, Duration::ZERO))
    };
    Some(Deed::Cut(Cut { reset, when, after }))
}

fn also<'t>(reader: &mut Reader<'t>, table: &mut Table<'t>) -> Option<bool> {
    table.take("also").map_or(Some(false), |node| node.boolean(reader))
}
