use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::ops::RangeInclusive;
use core::time::Duration;

use pabal_spec::{ExchangeRuleId, Protocol};
use pabal_telegram::{Equal, Field};

use crate::fill::{Numbering, Recipe, Set};
use crate::mistake::Mistake;

mod codes;
mod conduct;
mod fields;
mod hours;
mod notice;
mod parse;
mod read;
#[cfg(test)]
mod tests;

pub(crate) use hours::since_change;
pub(crate) use parse::asks_for;

/// How an institution behaves, read from a scenario file and checked against its protocol. A value of this type is right.
///
/// The format is described in `specs/hecto/scenarios/README.md`.
#[derive(Clone, Debug)]
pub struct Scenario {
    pub(crate) about: Box<str>,
    pub(crate) business: Business,
    pub(crate) duplicate: Option<Duplicate>,
    /// What a request with faulty fields is answered with; `None`: fields are not looked at.
    pub(crate) format: Option<Codes>,
    pub(crate) poll: Poll,
    /// How sign-ons are answered.
    pub(crate) sign_on: Conduct,
    pub(crate) session: Session,
    pub(crate) replies: Vec<Reply>,
    pub(crate) notices: Vec<Notice>,
    /// For codes that no reply rule chose, by exchange.
    pub(crate) plain: Vec<Recipe>,
}

/// When business is open, and what is said when it is not.
#[derive(Clone, Debug, Default)]
pub(crate) struct Business {
    /// What business before the opening is answered with; `None`: nothing is gated.
    pub(crate) not_open: Option<Codes>,
    /// What an opening outside of the hours is answered with; `None`: as business then.
    pub(crate) closed: Option<Codes>,
    /// What a second opening is answered with; `None`: as the first.
    pub(crate) already_open: Option<Codes>,
    pub(crate) hours: Vec<Hours>,
}

/// One `[[business.hours]]`; times are seconds since the date changed.
#[derive(Clone, Debug)]
pub(crate) struct Hours {
    /// Whose; empty: of all that no other names.
    pub(crate) participants: Vec<Box<[u8]>>,
    pub(crate) from: u32,
    /// From here on it is closed.
    pub(crate) until: u32,
    /// When openings are forgotten.
    pub(crate) forgets: Vec<u32>,
}

/// A response code, for each participant that has its own and for all others; padded as the field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Codes {
    pub(crate) by: BTreeMap<Box<[u8]>, Box<[u8]>>,
    pub(crate) other: Box<[u8]>,
}

/// A request that was received before.
#[derive(Clone, Debug)]
pub(crate) struct Duplicate {
    pub(crate) response_code: Option<Codes>,
    /// For institutions that do not find duplicates: money moves again.
    pub(crate) executes: bool,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Poll {
    /// Whether idle sessions that the institution opened are probed by it.
    pub(crate) sends: bool,
    pub(crate) conduct: Conduct,
}

#[derive(Clone, Debug)]
pub(crate) struct Session {
    /// How long after a lost or failed connection the next try is made.
    pub(crate) reconnect: Duration,
    /// Whether a connection over the contract is reset.
    pub(crate) resets_over_limit: bool,
    /// Whether an answer goes by the session that its request came by, if that carries answers.
    pub(crate) answers_same: bool,
    pub(crate) conduct: Conduct,
}

impl Default for Session {
    fn default() -> Self {
        Self {
            reconnect: Duration::from_secs(1),
            resets_over_limit: true,
            answers_same: true,
            conduct: Conduct::default(),
        }
    }
}

/// One `[[reply]]`.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) name: Arc<str>,
    pub(crate) exchange: ExchangeRuleId,
    pub(crate) original: Option<OriginalState>,
    /// Of a request for a notice: whether the book has it.
    pub(crate) issued: Option<bool>,
    /// At these times of the business date only, in seconds since the date changed.
    pub(crate) between: Option<(u32, u32)>,
    pub(crate) matches: Vec<Match>,
    /// Of the requests that match: not the first `skip`, then no more than `first`.
    pub(crate) skip: u64,
    pub(crate) first: Option<u64>,
    pub(crate) executes: bool,
    pub(crate) amount: Option<Field>,
    pub(crate) closes_business: bool,
    pub(crate) response_code: Codes,
    pub(crate) recipe: Recipe,
    pub(crate) delay: (Duration, Duration),
    pub(crate) conduct: Conduct,
}

/// What the ledger knows of the request that an inquiry is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OriginalState {
    Executed,
    NotExecuted,
    Missing,
}

/// One line of `match`.
#[derive(Clone, Debug)]
pub(crate) struct Match {
    pub(crate) field: Field,
    pub(crate) test: Test,
}

#[derive(Clone, Debug)]
pub(crate) enum Test {
    /// Equal to one of these, each padded as the field.
    OneOf(Vec<Box<[u8]>>, Equal),
    /// A number in units of the field's last digit.
    Range(RangeInclusive<i128>),
}

/// One `[[notice]]`.
#[derive(Clone, Debug)]
pub(crate) struct Notice {
    pub(crate) name: Arc<str>,
    pub(crate) start: Start,
    /// What the request that starts it must hold.
    pub(crate) matches: Vec<Match>,
    /// One start in so many.
    pub(crate) one_in: u32,
    /// How it is numbered; `None`: as `set` says.
    pub(crate) numbering: Option<Numbering>,
    pub(crate) after: (Duration, Duration),
    pub(crate) every: Option<Duration>,
    /// How many are started at each start.
    pub(crate) times: u32,
    pub(crate) recipe: Recipe,
    pub(crate) resend: Option<Resend>,
    pub(crate) conduct: Conduct,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Start {
    /// A session that may carry it is up, for the first time.
    Connected,
    /// Business was opened.
    Opened,
    /// A request was answered, or would have been, by the reply of this name.
    Reply(Arc<str>),
    /// A request was executed by the reply of this name.
    Executed(Arc<str>),
    /// Somebody asked for it by name.
    Trigger,
}

#[derive(Clone, Debug)]
pub(crate) struct Resend {
    pub(crate) after: Duration,
    /// How often it is sent again.
    pub(crate) times: u32,
    /// What differs then.
    pub(crate) sets: Vec<Set>,
}

/// How well it behaves: as it should with weight `behave`, else in one of the other ways.
#[derive(Clone, Debug, Default)]
pub(crate) struct Conduct {
    pub(crate) behave: u32,
    pub(crate) misdeeds: Vec<Misdeed>,
}

/// One `[[...misbehave]]`.
#[derive(Clone, Debug)]
pub(crate) struct Misdeed {
    pub(crate) weight: u32,
    /// Whether the request is executed all the same; `None`: as the reply says.
    pub(crate) executes: Option<bool>,
    /// Of sessions: whether it happens to those that send only, or to those that do not; `None`: to all.
    pub(crate) sends: Option<bool>,
    /// Word of `do`.
    pub(crate) word: &'static str,
    pub(crate) deed: Deed,
}

/// A way to misbehave.
#[derive(Clone, Debug)]
pub(crate) enum Deed {
    /// It is not sent.
    Silence,
    /// It is sent after this time.
    Late(Duration, Duration),
    /// The relay answers first, with this code, and the real answer comes after this time; it refuses if it has a code.
    RelayFirst { response_code: Codes, after: (Duration, Duration), refuses: Option<Codes> },
    /// The notice that is asked for is sent again, instead of an answer or behind it.
    FreshNotice { also: bool },
    /// So many numbers are left out before it; nobody has them.
    Skip { count: u32 },
    /// It is sent again after this time, so often, whether it is answered or not.
    Repeat { after: (Duration, Duration), times: u32, sets: Vec<Set> },
    /// The connection carries nothing any more, either way, and does not end; it is reset after this time, if one is given.
    Die { after: (Duration, Duration), reset_after: Option<(Duration, Duration)> },
    /// It is sent several times.
    Duplicate { times: u32, gap: Duration },
    /// It is answered with this code and not executed.
    Refuse(Codes),
    /// It is cut into pieces.
    Split { pieces: u32, gap: Duration },
    /// These bytes are sent instead of it; as many as said, drawn by the seed, if none are given.
    Garbage { bytes: u32, given: Box<[u8]> },
    /// The length prefix says this much more than there is.
    WrongLength { by: i32 },
    /// It has another number than the request.
    WrongKey { also: bool },
    /// Every checksum in it is another one than its bytes have.
    WrongChecksum { also: bool },
    /// It has other fields.
    Alter { sets: Vec<Set>, also: bool },
    /// Half of it is sent, then nothing on that session any more; it is reset after this time, if one is given.
    Stall { after: Option<(Duration, Duration)> },
    /// The connection ends.
    Cut(Cut),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cut {
    pub(crate) reset: bool,
    pub(crate) when: When,
    /// Of sessions: how long after the connection began.
    pub(crate) after: (Duration, Duration),
}

/// Where in an answer the connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum When {
    Before,
    Middle,
    After,
}

impl Scenario {
    /// Reads a scenario. `file` is how people know it; it comes back in mistakes.
    ///
    /// # Errors
    /// All mistakes of the file at once, in the order of its lines: keys, exchanges and fields that there are not, values that their
    /// field cannot hold.
    pub fn parse(text: &str, file: &str, protocol: &Protocol) -> Result<Self, Vec<Mistake>> {
        parse::scenario(text, file, protocol)
    }

    /// What it is for, in its own words.
    #[must_use]
    pub fn about(&self) -> &str {
        &self.about
    }

    /// Names of the notices that wait for a trigger.
    pub fn triggers(&self) -> impl Iterator<Item = &str> {
        self.notices.iter().filter(|notice| notice.start == Start::Trigger).map(|notice| &*notice.name)
    }

    /// Names of its replies, in order.
    pub fn replies(&self) -> impl Iterator<Item = &str> {
        self.replies.iter().map(|reply| &*reply.name)
    }
}

impl Business {
    /// The hours of a participant; `None`: none are said, so that it is always open.
    pub(crate) fn hours_of(&self, participant: &[u8]) -> Option<&Hours> {
        let own = self.hours.iter().find(|hours| hours.participants.iter().any(|own| **own == *participant));
        own.or_else(|| self.hours.iter().find(|hours| hours.participants.is_empty()))
    }
}

impl Hours {
    pub(crate) const fn hold(&self, at: u32) -> bool {
        self.from <= at && at < self.until
    }

    /// Whether an opening of this time still stands at another.
    pub(crate) fn stands(&self, opened: u32, at: u32) -> bool {
        self.hold(at) && !self.forgets.iter().any(|forgets| opened < *forgets && *forgets <= at)
    }
}

impl Codes {
    /// The code for a participant.
    pub(crate) fn of(&self, participant: &[u8]) -> &[u8] {
        self.by.get(participant).unwrap_or(&self.other)
    }
}

impl Match {
    /// Whether a request's field passes. What cannot be read passes no range.
    pub(crate) fn holds(&self, request: &[u8]) -> bool {
        let Some(bytes) = self.field.at.of(request) else { return false };
        match &self.test {
            Test::OneOf(alternatives, equal) => alternatives.iter().any(|expected| equal.same(expected, bytes)),
            Test::Range(range) => {
                let value = self.field.value(request, pabal_telegram::Side::Asker).ok();
                value.and_then(|value| value.number()).is_some_and(|number| range.contains(&number.units))
            }
        }
    }
}

/// A name for a reply or notice that has none.
pub(crate) fn numbered(what: &str, at: usize) -> Arc<str> {
    alloc::format!("{what} {}", at + 1).into()
}
