//! A spec as it is written: every item with the place where it stands.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::ops::{Range, RangeInclusive};
use core::time::Duration;

use pabal_clock::{Civil, TimeOfDay, UtcOffset};
use pabal_telegram::{
    Blank, By, Charset, CheckDigit, Checksum, Class, Echo, Equal, Form, FrameLength, FramePart, OnGarbage, Unset,
};

use crate::diagnostic::Span;
use crate::rules::{Effect, Opener, Wins};
use crate::verdict::Verdict;

/// Something and where it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct At<T> {
    pub(crate) value: T,
    pub(crate) span: Span,
}

/// A name, a word or a text.
pub(crate) type Name = At<String>;

/// A field, or some of its bytes: `telegram_no[2..6]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) field: Name,
    /// Counted from the first byte of the field; none for all of them.
    pub(crate) bytes: Option<At<Range<u32>>>,
}

impl Place {
    /// Of field and bytes.
    pub(crate) fn span(&self) -> Span {
        let end = self.bytes.as_ref().map_or(self.field.span.end, |bytes| bytes.span.end);
        Span { end, ..self.field.span }
    }
}

/// The fields of places.
pub(crate) fn fields(places: &[Place]) -> impl Iterator<Item = &Name> + Clone {
    places.iter().map(|place| &place.field)
}

/// Texts of which one must hold: `"2000"|"2100"`.
pub(crate) type Alternatives = Vec<Name>;

/// What is not read, but must not be lost: a comment, or lines left blank.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trivia {
    /// Where.
    pub span: Span,
    /// `//` and the rest of the line; nothing for a blank line.
    pub text: Box<str>,
}

/// A spec as it is written, right or wrong.
#[derive(Clone, Debug, Default)]
pub struct Spec {
    pub(crate) institution: Option<(Name, Option<Name>)>,
    pub(crate) protocols: Vec<Protocol>,
    pub(crate) layouts: Vec<Layouts>,
    pub(crate) trivia: Vec<Trivia>,
}

impl Spec {
    /// Comments and blank lines, in the order of the files.
    #[must_use]
    pub fn trivia(&self) -> &[Trivia] {
        &self.trivia
    }

    /// Where an exchange says a clause, such as `timeout` or `unknown`: for who shows what it says beside what else was said. With no
    /// exchange, where the protocol says one, such as `poll`.
    #[must_use]
    pub fn clause(&self, protocol: &str, exchange: Option<&str>, clause: &str) -> Option<Span> {
        let protocol = self.protocols.iter().find(|one| one.name.value == protocol)?;
        match exchange {
            None => protocol.seen.find(clause),
            Some(name) => protocol.members.exchanges.iter().find(|one| one.name.value == name)?.seen.find(clause),
        }
    }
}

/// The clauses of a block that were begun, right or wrong: nothing is called missing that is merely broken.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) said: Vec<Name>,
    /// What was probably meant by a word that is none.
    pub(crate) meant: Vec<String>,
}

impl Seen {
    pub(crate) fn find(&self, clause: &str) -> Option<Span> {
        self.said.iter().find(|name| name.value == clause).map(|name| name.span)
    }

    pub(crate) fn has(&self, clause: &str) -> bool {
        self.find(clause).is_some() || self.meant.iter().any(|meant| meant == clause)
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Protocol {
    pub(crate) name: Name,
    pub(crate) seen: Seen,
    pub(crate) zone: Option<UtcOffset>,
    pub(crate) day: Option<TimeOfDay>,
    pub(crate) encode: Option<Charset>,
    pub(crate) decode: Option<Charset>,
    pub(crate) frame: Option<At<Frame>>,
    pub(crate) unset_number: Option<Unset>,
    pub(crate) unset_text: Option<Unset>,
    pub(crate) party: Vec<Name>,
    pub(crate) participant: Option<Name>,
    pub(crate) compartment: Option<Name>,
    pub(crate) stamp: Vec<Name>,
    pub(crate) number: Option<Number>,
    pub(crate) key: Vec<Place>,
    /// `key none`, where it stands: nothing in an answer says which request it belongs to.
    pub(crate) key_none: Option<Span>,
    pub(crate) trace: Vec<Place>,
    /// `trace none`.
    pub(crate) trace_none: Option<Span>,
    pub(crate) poll: Option<Poll>,
    pub(crate) sign_on: Option<Sign>,
    pub(crate) sign_off: Option<Sign>,
    pub(crate) opening: Option<Opening>,
    pub(crate) hours: Vec<Hours>,
    pub(crate) select: Option<Select>,
    pub(crate) verdict: Option<VerdictFrom>,
    pub(crate) members: Members,
}

/// `frame`: what stands before and behind a telegram.
#[derive(Clone, Debug)]
pub(crate) struct Frame {
    pub(crate) before: Vec<At<FramePart>>,
    /// Lengths in the telegram: `(offset, length)`.
    pub(crate) inside: Vec<At<(u32, FrameLength)>>,
    pub(crate) after: Vec<At<Vec<u8>>>,
    /// Where no length says it.
    pub(crate) total: Option<At<FrameTotal>>,
    pub(crate) max: Option<At<u32>>,
    pub(crate) on_garbage: Option<At<OnGarbage>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FrameTotal {
    Fixed(u32),
    ByType,
}

/// `layouts`: telegrams that are only converted.
#[derive(Clone, Debug)]
pub(crate) struct Layouts {
    pub(crate) name: Name,
    pub(crate) label: Option<Name>,
    pub(crate) seen: Seen,
    pub(crate) encode: Option<Charset>,
    pub(crate) decode: Option<Charset>,
    pub(crate) unset_number: Option<Unset>,
    pub(crate) unset_text: Option<Unset>,
    pub(crate) members: Members,
}

/// What stands below a protocol, or below `layouts`, and belongs to it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Members {
    pub(crate) sets: Vec<Set>,
    pub(crate) headers: Vec<Telegram>,
    pub(crate) telegrams: Vec<Telegram>,
    pub(crate) exchanges: Vec<Exchange>,
    pub(crate) notices: Vec<Notice>,
}

#[derive(Clone, Debug)]
pub(crate) struct Set {
    pub(crate) name: Name,
    pub(crate) values: Vec<Name>,
}

#[derive(Clone, Debug)]
pub(crate) struct Number {
    pub(crate) field: Name,
    pub(crate) scope: Vec<Place>,
    pub(crate) range: At<(u64, u64)>,
    pub(crate) warn: Option<At<u64>>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Poll {
    pub(crate) seen: Seen,
    pub(crate) after: Option<At<Duration>>,
    pub(crate) request: Option<Name>,
    pub(crate) answer: Option<Name>,
    pub(crate) timeout: Option<At<Duration>>,
}

/// `sign on` or `sign off`.
#[derive(Clone, Debug)]
pub(crate) struct Sign {
    /// Where the two words stand.
    pub(crate) span: Span,
    pub(crate) seen: Seen,
    /// `by`: who asks, if it is said.
    pub(crate) by: Option<Opener>,
    pub(crate) request: Option<Type>,
    pub(crate) answer: Option<Type>,
    /// The field of the answer that says whether it is good, and with what.
    pub(crate) success: Option<(Name, Alternatives)>,
    pub(crate) timeout: Option<At<Duration>>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Opening {
    pub(crate) seen: Seen,
    pub(crate) per: Vec<Name>,
    pub(crate) from: Option<TimeOfDay>,
    pub(crate) exchange: Option<Name>,
    pub(crate) retry: Option<At<Duration>>,
    pub(crate) lost: Option<At<Verdict>>,
}

/// A row of `hours`.
#[derive(Clone, Debug)]
pub(crate) struct Hours {
    pub(crate) is_open: bool,
    pub(crate) hours: At<pabal_clock::Hours>,
    /// Exchanges behind `for`; none: all.
    pub(crate) exchanges: Vec<Name>,
    pub(crate) participants: Option<(Name, Alternatives)>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Select {
    pub(crate) by: Vec<Name>,
    pub(crate) rows: Vec<Row>,
}

#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) telegram: Name,
    pub(crate) by: Vec<Alternatives>,
    pub(crate) length: Option<At<u32>>,
    pub(crate) bytes: Vec<(At<Range<u32>>, Alternatives)>,
    pub(crate) fields: Vec<(Name, Alternatives)>,
    /// Its line has a mistake that was told.
    pub(crate) broken: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct VerdictFrom {
    pub(crate) field: Name,
    pub(crate) table: Name,
    pub(crate) by: Option<Name>,
}

/// A header or a telegram.
#[derive(Clone, Debug)]
pub(crate) struct Telegram {
    pub(crate) name: Name,
    pub(crate) label: Option<Name>,
    /// In bytes, at least and at most.
    pub(crate) total: Option<At<RangeInclusive<u32>>>,
    pub(crate) header: Option<Name>,
    /// From when on it is as it is here, on the institution's clock.
    pub(crate) effective: Option<At<Civil>>,
    pub(crate) parts: Vec<Part>,
    /// A line of it could not be read as a field at all, so that nothing is said about its total.
    pub(crate) broken: bool,
}

impl Telegram {
    /// Every field, whatever block it stands in, in the order of the lines.
    pub(crate) fn fields(&self) -> Vec<&Field> {
        let mut all = Vec::new();
        gather(&self.parts, &mut all);
        all
    }
}

fn gather<'p>(parts: &'p [Part], all: &mut Vec<&'p Field>) {
    for part in parts {
        match part {
            Part::Field(field) => all.push(field),
            Part::Block(Block { shape: Shape::Choice { branches, .. }, .. }) => {
                for branch in branches {
                    gather(&branch.parts, all);
                }
            }
            Part::Block(block) => gather(&block.parts, all),
        }
    }
}

/// A line of a telegram, or a block of lines.
#[derive(Clone, Debug)]
pub(crate) enum Part {
    Field(Box<Field>),
    Block(Block),
}

/// Fields that belong together.
#[derive(Clone, Debug)]
pub(crate) struct Block {
    /// The word that begins it.
    pub(crate) word: Span,
    pub(crate) shape: Shape,
    /// What the document says of its length in bytes; of a repeat once.
    pub(crate) length: Option<At<u32>>,
    /// Empty for a choice, whose branches have them.
    pub(crate) parts: Vec<Part>,
    /// The document's word.
    pub(crate) label: Option<Name>,
}

#[derive(Clone, Debug)]
pub(crate) enum Shape {
    Group { name: Name },
    Repeat { name: Name, times: Times },
    Choice { by: Name, branches: Vec<Branch> },
    When { field: Name, test: Test },
}

/// What a field holds for something to be there.
#[derive(Clone, Debug)]
pub(crate) enum Test {
    AnyOf(Alternatives),
    /// `has 11`.
    Bit(At<u32>),
}

#[derive(Clone, Debug)]
pub(crate) enum Times {
    Fixed(At<u32>),
    Counted { by: Name, max: At<u32>, padded: bool },
    UntilEnd { span: Span, max: At<u32> },
}

/// One alternative of a choice.
#[derive(Clone, Debug)]
pub(crate) struct Branch {
    /// Of the keys, or of `else`.
    pub(crate) span: Span,
    /// None for `else`.
    pub(crate) keys: Alternatives,
    pub(crate) name: Name,
    pub(crate) length: Option<At<u32>>,
    pub(crate) parts: Vec<Part>,
    /// The document's word.
    pub(crate) label: Option<Name>,
}

/// `X(9)` and the like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Text(u32),
    /// `X(3*35)`: so many lines of so many bytes.
    Lines {
        lines: u32,
        each: u32,
    },
    /// `X(length of memo_len max 200)`.
    Tail {
        by: Name,
        max: u32,
    },
    /// `X(..37)`: so many bytes at most, as what it is led by says.
    UpTo(u32),
    Number(Digits),
    Code(u32),
    Stamp(String),
    Filler(u32),
}

impl Kind {
    /// In bytes.
    pub(crate) fn len(&self) -> u32 {
        match self {
            Self::Text(len) | Self::Code(len) | Self::Filler(len) | Self::Tail { max: len, .. } | Self::UpTo(len) => {
                *len
            }
            Self::Lines { lines, each } => lines.saturating_mul(*each),
            Self::Number(number) => number.len(),
            Self::Stamp(pattern) => u32::try_from(pattern.len()).unwrap_or(u32::MAX),
        }
    }
}

/// What a field says of its telegram.
#[derive(Clone, Debug)]
pub(crate) enum Computed {
    Length { of: Extent, exclusive: bool, plus: i32 },
    Count(Name),
    Sum(Name),
    Checksum { by: Checksum, of: Extent },
    Check { by: CheckDigit, of: Option<Name> },
    Fraction(Name),
}

impl Computed {
    /// Whether the value is the caller's, and only checked.
    pub(crate) const fn is_given(&self) -> bool {
        matches!(self, Self::Check { of: None, .. })
    }
}

/// The whole telegram, or fields from to.
#[derive(Clone, Debug)]
pub(crate) struct Extent {
    pub(crate) span: Span,
    pub(crate) ends: Option<(Name, Name)>,
}

/// `S9(13)V9(2) sign leading`; no bound is kept to yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Digits {
    /// Before the point.
    pub(crate) whole: u32,
    /// Behind it.
    pub(crate) scale: u32,
    pub(crate) form: Form,
}

impl Digits {
    pub(crate) const fn all(&self) -> u32 {
        self.whole.saturating_add(self.scale)
    }

    fn len(&self) -> u32 {
        let number = |digits| pabal_telegram::Number::of(digits, 0, self.form).len();
        // More than 38 digits are told of; no length is right for them.
        u8::try_from(self.all()).map_or_else(|_| self.all(), number)
    }
}

/// What is said of how a field lies in its bytes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Text {
    pub(crate) right: bool,
    pub(crate) pad: Option<At<Pad>>,
    /// For writing, and for reading.
    pub(crate) charset: Option<At<(Charset, Charset)>>,
    pub(crate) wide: Option<Wide>,
}

/// `pad "0"` or `pad 0x00`.
#[derive(Clone, Debug)]
pub(crate) enum Pad {
    Text(String),
    Byte(u8),
}

/// `wide`, or `wide when bank_code in full_width`.
#[derive(Clone, Debug)]
pub(crate) enum Wide {
    Always,
    When { field: Name, set: Name },
}

/// How the year of a date is known that does not say it in full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Year {
    /// `years 1980..2079`.
    Within { first: u64, last: u64 },
    /// `year nearest`.
    Nearest,
}

/// What stands before a field and says how long it is.
#[derive(Clone, Debug)]
pub(crate) enum Led {
    /// `led by "37"`: these digits, always.
    Mark(String),
    /// `led by LL`: so many digits.
    Digits(u32),
}

#[derive(Clone, Debug)]
pub(crate) struct Field {
    pub(crate) name: Name,
    pub(crate) kind: Option<At<Kind>>,
    pub(crate) seen: Seen,
    pub(crate) by: Option<At<By>>,
    pub(crate) echo: Echo,
    pub(crate) class: Option<At<Class>>,
    pub(crate) default: Option<Name>,
    pub(crate) constant: Option<Name>,
    pub(crate) equal: Equal,
    pub(crate) signed: Option<Name>,
    pub(crate) computed: Option<At<Computed>>,
    pub(crate) year: Option<At<Year>>,
    pub(crate) led: Option<At<Led>>,
    pub(crate) text: Text,
    pub(crate) unset: Option<Unset>,
    pub(crate) blank: Option<Blank>,
    /// Modes, as the language names them.
    pub(crate) lenient: Vec<Name>,
    pub(crate) label: Option<Name>,
    /// Its line has a mistake that was told.
    pub(crate) broken: bool,
}

/// `request "2000" "100"`; a telegram's name stands before the values where several rows know the type.
#[derive(Clone, Debug)]
pub(crate) struct Type {
    pub(crate) telegram: Option<Name>,
    pub(crate) values: Vec<Name>,
    pub(crate) span: Span,
}

#[derive(Clone, Debug)]
pub(crate) struct Exchange {
    pub(crate) name: Name,
    /// From when on it is so, on the institution's clock.
    pub(crate) effective: Option<At<Civil>>,
    pub(crate) seen: Seen,
    pub(crate) request: Option<Type>,
    pub(crate) answer: Option<Type>,
    pub(crate) effect: Option<At<Effect>>,
    pub(crate) timeout: Option<At<Duration>>,
    pub(crate) unknown: Option<At<Unknown>>,
    pub(crate) given: Vec<Name>,
    pub(crate) also: Option<Also>,
    pub(crate) settles: Option<Settles>,
}

/// `verdict also proc_result wins body`.
#[derive(Clone, Debug)]
pub(crate) struct Also {
    pub(crate) field: Name,
    pub(crate) wins: Wins,
}

#[derive(Clone, Debug)]
pub(crate) enum Unknown {
    Leave,
    List,
    Inquire { by: Name, after: At<Duration>, every: At<Duration>, until: TimeOfDay, same: Name },
}

#[derive(Clone, Debug)]
pub(crate) struct Settles {
    pub(crate) original: Name,
    pub(crate) seen: Seen,
    pub(crate) fill: Vec<(Name, Reference)>,
    pub(crate) confirm: Vec<Pair>,
    pub(crate) success: Option<Condition>,
    pub(crate) failure: Option<Condition>,
}

/// A field of the answer, or with `original.` before it one of the request that the answer is about.
#[derive(Clone, Debug)]
pub(crate) struct Reference {
    pub(crate) original: bool,
    pub(crate) field: Name,
}

/// `req_amt = debit_amt`; the same name on both sides if only one is written.
#[derive(Clone, Debug)]
pub(crate) struct Pair {
    pub(crate) answer: Name,
    pub(crate) original: Name,
}

/// Comparisons that must all hold; none for `*`.
#[derive(Clone, Debug)]
pub(crate) struct Condition {
    pub(crate) span: Span,
    pub(crate) all: Vec<Comparison>,
}

#[derive(Clone, Debug)]
pub(crate) struct Comparison {
    pub(crate) left: Reference,
    pub(crate) right: Right,
}

#[derive(Clone, Debug)]
pub(crate) enum Right {
    Literal(Name),
    Field(Reference),
    Class(Verdict),
}

#[derive(Clone, Debug)]
pub(crate) struct Notice {
    pub(crate) name: Name,
    /// From when on it is so, on the institution's clock.
    pub(crate) effective: Option<At<Civil>>,
    pub(crate) seen: Seen,
    pub(crate) request: Option<Type>,
    pub(crate) answer: Option<Type>,
    pub(crate) answered: Option<Answered>,
    pub(crate) numbered: Option<Numbered>,
    pub(crate) gap: Option<Gap>,
    pub(crate) joins: Option<Joins>,
}

#[derive(Clone, Debug)]
pub(crate) struct Numbered {
    pub(crate) scope: Vec<Place>,
    pub(crate) first: Option<At<u64>>,
}

#[derive(Clone, Debug)]
pub(crate) struct Gap {
    pub(crate) exchange: Name,
    pub(crate) after: At<Duration>,
    /// `(field of the request, field of the notice)`.
    pub(crate) fill: Vec<(Name, Name)>,
}

#[derive(Clone, Debug)]
pub(crate) struct Answered {
    /// `None`: by the gateway. Else by a service, within this time.
    pub(crate) within: Option<At<Duration>>,
    pub(crate) field: Name,
    pub(crate) code: Name,
}

#[derive(Clone, Debug)]
pub(crate) struct Joins {
    pub(crate) exchange: Name,
    pub(crate) by: Place,
    pub(crate) confirm: Vec<Pair>,
}
