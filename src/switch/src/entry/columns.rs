use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString};

use super::{About, Entry, NoticeAbout, Place, Unclaimed};
use crate::bytes::text_of;
use crate::command::Command;
use crate::outcome::Outcome;

/// What is found about an entry without reading its body. Text as people search for it; dates as `yyyymmdd`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is what its name says; the journal's own columns have the docs")]
pub struct Columns<T = Box<str>> {
    pub exchange: Option<T>,
    pub caller: Option<T>,
    pub idempotency_key: Option<T>,
    pub party: Option<T>,
    pub protocol: Option<T>,
    pub participant: Option<T>,
    pub compartment: Option<T>,
    pub business_date: Option<u32>,
    pub session: Option<T>,
    pub epoch: Option<u32>,
    pub stream_offset: Option<u64>,
    pub spec_digest: Option<T>,
    pub our_number: Option<T>,
    pub their_number: Option<T>,
    pub correlation_key: Option<T>,
    pub trace_context: Option<T>,
    pub parent: Option<T>,
    pub outcome: Option<T>,
    pub cause: Option<T>,
}

impl Columns<Cow<'_, str>> {
    pub(super) fn into_owned(self) -> Columns {
        let owned = |text: Option<Cow<'_, str>>| text.map(|text| text.into_owned().into_boxed_str());
        Columns {
            exchange: owned(self.exchange),
            caller: owned(self.caller),
            idempotency_key: owned(self.idempotency_key),
            party: owned(self.party),
            protocol: owned(self.protocol),
            participant: owned(self.participant),
            compartment: owned(self.compartment),
            business_date: self.business_date,
            session: owned(self.session),
            epoch: self.epoch,
            stream_offset: self.stream_offset,
            spec_digest: owned(self.spec_digest),
            our_number: owned(self.our_number),
            their_number: owned(self.their_number),
            correlation_key: owned(self.correlation_key),
            trace_context: owned(self.trace_context),
            parent: owned(self.parent),
            outcome: owned(self.outcome),
            cause: owned(self.cause),
        }
    }
}

/// Of texts that are the entry's, where they are as they are searched for.
type Borrowed<'a> = Columns<Cow<'a, str>>;

impl<'a> Borrowed<'a> {
    fn about(mut self, about: &'a About) -> Self {
        self.caller = some(&about.caller);
        self.idempotency_key = about.idempotency_key.as_deref().map(Cow::Borrowed);
        self.party = some(&about.party);
        self.protocol = some(&about.protocol);
        self.participant = text(&about.participant);
        self.compartment = text(&about.compartment);
        self.business_date = Some(about.date.date().yyyymmdd());
        self.spec_digest = made(about.spec);
        self.trace_context = about.trace.as_deref().map(Cow::Borrowed);
        self.parent = about.parent().and_then(made);
        self
    }

    fn place(mut self, place: &'a Place) -> Self {
        self.session = Some(format!("{}/{}", place.line, place.slot).into());
        self.epoch = Some(place.epoch);
        self
    }

    fn outcome(mut self, outcome: &'a Outcome) -> Self {
        self.outcome = Some(outcome.word().into());
        self.cause = Some(outcome.cause().word().into());
        self
    }
}

/// A notice's entries are found by its id where an exchange's are by that.
fn notice<'a>(id: &crate::NoticeId, about: Option<&'a NoticeAbout>) -> Borrowed<'a> {
    let columns = Columns { exchange: made(id), ..Columns::default() };
    let Some(about) = about else { return columns };
    Columns {
        protocol: some(&about.protocol),
        participant: text(&about.participant),
        business_date: Some(about.date.date().yyyymmdd()),
        spec_digest: made(about.spec),
        their_number: text(&about.number),
        trace_context: some(&about.trace),
        ..columns
    }
}

/// Nothing, if there is nothing to be found by.
fn some(text: &str) -> Option<Cow<'_, str>> {
    (!text.is_empty()).then_some(Cow::Borrowed(text))
}

/// Bytes as people read them.
fn text(bytes: &[u8]) -> Option<Cow<'_, str>> {
    Some(text_of(bytes)).filter(|text| !text.is_empty())
}

/// The same of a text that is nobody's yet.
fn own<'a>(text: impl Into<String>) -> Option<Cow<'a, str>> {
    Some(text.into()).filter(|text| !text.is_empty()).map(Cow::Owned)
}

/// What is no text yet.
fn made<'a>(of: impl ToString) -> Option<Cow<'a, str>> {
    Some(Cow::Owned(of.to_string()))
}

pub(super) fn of(entry: &Entry) -> Borrowed<'_> {
    fn exchange<'a>(id: &crate::ExchangeId, about: Option<&'a About>) -> Borrowed<'a> {
        let columns = Columns { exchange: made(id), ..Columns::default() };
        match about {
            Some(about) => columns.about(about),
            None => columns,
        }
    }
    match entry {
        Entry::Accepted(entry) => exchange(&entry.exchange, Some(&entry.about)),
        Entry::Sending(entry) => Columns {
            stream_offset: Some(entry.offset),
            our_number: Some(Cow::Borrowed(&entry.number)),
            correlation_key: text(&entry.key),
            ..exchange(&entry.exchange, entry.about.as_deref()).place(&entry.place)
        },
        Entry::Outcome(entry) => {
            let mut columns = exchange(&entry.exchange, entry.about.as_deref()).outcome(&entry.outcome);
            columns.our_number = entry.number.as_deref().map(Cow::Borrowed);
            match &entry.place {
                Some(place) => columns.place(place),
                None => columns,
            }
        }
        Entry::Fence(entry) => Columns {
            caller: some(&entry.caller),
            idempotency_key: Some(Cow::Borrowed(&entry.key)),
            ..Columns::default()
        },
        Entry::NumberBlock(entry) => Columns {
            protocol: some(&entry.protocol),
            business_date: Some(entry.date.date().yyyymmdd()),
            our_number: made(entry.until),
            correlation_key: text(&entry.scope),
            ..Columns::default()
        },
        Entry::Opening(entry) => Columns {
            protocol: some(&entry.protocol),
            party: some(&entry.party),
            business_date: Some(entry.key.date.date().yyyymmdd()),
            outcome: Some(entry.state.word().into()),
            ..Columns::default()
        },
        Entry::Session(entry) => Columns {
            outcome: Some(entry.state.word().into()),
            cause: entry.reason.map(|reason| reason.word().into()),
            ..Columns::default().place(&entry.place)
        },
        // Who commands is the caller; what the command is about stands where a session does. All are found by one word.
        Entry::Commanded(entry) => Columns {
            caller: some(&entry.by.actor),
            session: entry.command.session().and_then(own),
            compartment: entry.command.compartment().and_then(own),
            outcome: Some(Command::OUTCOME.into()),
            cause: Some(entry.command.word().into()),
            ..Columns::default()
        },
        Entry::NoticeReceived(entry) => Columns {
            correlation_key: text(&entry.key),
            parent: entry.about.recovered_by.and_then(made),
            ..notice(&entry.notice, Some(&entry.about)).place(&entry.place)
        },
        Entry::NoticeReplied(entry) => {
            let columns = Columns {
                caller: some(&entry.caller),
                stream_offset: entry.place.as_ref().map(|_| entry.offset),
                ..notice(&entry.notice, entry.about.as_deref())
            };
            match &entry.place {
                Some(place) => columns.place(place),
                None => columns,
            }
        }
        Entry::NoticeDelivered(entry) => {
            Columns { caller: some(&entry.caller), ..notice(&entry.notice, entry.about.as_deref()) }
        }
        // Found with the exchange that it is about; the notice is its parent.
        Entry::NoticeJoined(entry) => Columns {
            exchange: made(entry.exchange),
            parent: made(entry.notice),
            ..notice(&entry.notice, entry.about.as_deref())
        },
        Entry::NoticeNotJoined(entry) => {
            Columns { parent: entry.exchange.and_then(made), ..notice(&entry.notice, entry.about.as_deref()) }
        }
        Entry::GapClosed(entry) => Columns {
            protocol: some(&entry.protocol),
            business_date: Some(entry.date.date().yyyymmdd()),
            their_number: entry.numbers.first().and_then(|(first, _)| made(first)),
            correlation_key: text(&entry.scope),
            cause: Some(entry.reason.word().into()),
            parent: entry.exchange.and_then(made),
            ..Columns::default()
        },
        Entry::Unclaimed(entry) => Columns {
            protocol: some(&entry.protocol),
            parent: entry.near.and_then(made),
            outcome: Some(Unclaimed::OUTCOME.into()),
            ..Columns::default().place(&entry.place)
        },
        Entry::Repeated(entry) => exchange(&entry.exchange, entry.about.as_deref()).place(&entry.place),
        Entry::Contradiction(entry) => {
            exchange(&entry.exchange, entry.about.as_deref()).place(&entry.place).outcome(&entry.answered)
        }
        Entry::Listed(entry) => exchange(&entry.exchange, entry.about.as_deref()),
        Entry::Checkpoint(_) => Columns::default(),
    }
}
