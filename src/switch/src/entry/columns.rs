use alloc::boxed::Box;
use alloc::format;
use alloc::string::ToString;

use super::{About, Entry, NoticeAbout, Place, Unclaimed};
use crate::command::Command;
use crate::outcome::Outcome;

/// What is found about an entry without reading its body. Text as people search for it; dates as `yyyymmdd`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is what its name says; the journal's own columns have the docs")]
pub struct Columns {
    pub exchange: Option<Box<str>>,
    pub caller: Option<Box<str>>,
    pub idempotency_key: Option<Box<str>>,
    pub party: Option<Box<str>>,
    pub protocol: Option<Box<str>>,
    pub participant: Option<Box<str>>,
    pub compartment: Option<Box<str>>,
    pub business_date: Option<u32>,
    pub session: Option<Box<str>>,
    pub epoch: Option<u32>,
    pub stream_offset: Option<u64>,
    pub spec_digest: Option<Box<str>>,
    pub our_number: Option<Box<str>>,
    pub their_number: Option<Box<str>>,
    pub correlation_key: Option<Box<str>>,
    pub trace_context: Option<Box<str>>,
    pub parent: Option<Box<str>>,
    pub outcome: Option<Box<str>>,
    pub cause: Option<Box<str>>,
}

impl Columns {
    fn about(mut self, about: &About) -> Self {
        self.caller = some(&about.caller);
        self.idempotency_key.clone_from(&about.idempotency_key);
        self.party = some(&about.party);
        self.protocol = some(&about.protocol);
        self.participant = some(&about.participant.readable());
        self.compartment = some(&about.compartment.readable());
        self.business_date = Some(about.date.date().yyyymmdd());
        self.spec_digest = some(&about.spec.to_string());
        self.trace_context = about.trace.as_deref().map(Box::from);
        self.parent = about.parent().map(|parent| parent.to_string().into());
        self
    }

    fn place(mut self, place: &Place) -> Self {
        self.session = Some(format!("{}/{}", place.line, place.slot).into());
        self.epoch = Some(place.epoch);
        self
    }

    fn outcome(mut self, outcome: &Outcome) -> Self {
        self.outcome = Some(outcome.word().into());
        self.cause = Some(outcome.cause().word().into());
        self
    }
}

/// A notice's entries are found by its id where an exchange's are by that.
fn notice(id: &crate::NoticeId, about: Option<&NoticeAbout>) -> Columns {
    let columns = Columns { exchange: Some(id.to_string().into()), ..Columns::default() };
    let Some(about) = about else { return columns };
    Columns {
        protocol: some(&about.protocol),
        participant: some(&about.participant.readable()),
        business_date: Some(about.date.date().yyyymmdd()),
        spec_digest: some(&about.spec.to_string()),
        their_number: some(&about.number.readable()),
        trace_context: some(&about.trace),
        ..columns
    }
}

/// Nothing, if there is nothing to be found by.
fn some(text: &str) -> Option<Box<str>> {
    (!text.is_empty()).then(|| text.into())
}

pub(super) fn of(entry: &Entry) -> Columns {
    let exchange = |id: &crate::ExchangeId, about: Option<&About>| {
        let columns = Columns { exchange: Some(id.to_string().into()), ..Columns::default() };
        match about {
            Some(about) => columns.about(about),
            None => columns,
        }
    };
    match entry {
        Entry::Accepted(entry) => exchange(&entry.exchange, Some(&entry.about)),
        Entry::Sending(entry) => Columns {
            stream_offset: Some(entry.offset),
            our_number: Some(Box::from(&*entry.number)),
            correlation_key: some(&entry.key.readable()),
            ..exchange(&entry.exchange, entry.about.as_deref()).place(&entry.place)
        },
        Entry::Outcome(entry) => {
            let mut columns = exchange(&entry.exchange, entry.about.as_deref()).outcome(&entry.outcome);
            columns.our_number = entry.number.as_deref().map(Box::from);
            match &entry.place {
                Some(place) => columns.place(place),
                None => columns,
            }
        }
        Entry::Fence(entry) => {
            Columns { caller: some(&entry.caller), idempotency_key: Some(entry.key.clone()), ..Columns::default() }
        }
        Entry::NumberBlock(entry) => Columns {
            protocol: some(&entry.protocol),
            business_date: Some(entry.date.date().yyyymmdd()),
            our_number: Some(entry.until.to_string().into()),
            correlation_key: some(&entry.scope.readable()),
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
            session: entry.command.session().and_then(|session| some(&session)),
            compartment: entry.command.compartment().and_then(|compartment| some(&compartment)),
            outcome: Some(Command::OUTCOME.into()),
            cause: Some(entry.command.word().into()),
            ..Columns::default()
        },
        Entry::NoticeReceived(entry) => Columns {
            correlation_key: some(&entry.key.readable()),
            parent: entry.about.recovered_by.map(|exchange| exchange.to_string().into()),
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
            exchange: Some(entry.exchange.to_string().into()),
            parent: Some(entry.notice.to_string().into()),
            ..notice(&entry.notice, entry.about.as_deref())
        },
        Entry::NoticeNotJoined(entry) => Columns {
            parent: entry.exchange.map(|exchange| exchange.to_string().into()),
            ..notice(&entry.notice, entry.about.as_deref())
        },
        Entry::GapClosed(entry) => Columns {
            protocol: some(&entry.protocol),
            business_date: Some(entry.date.date().yyyymmdd()),
            their_number: entry.numbers.first().map(|(first, _)| first.to_string().into()),
            correlation_key: some(&entry.scope.readable()),
            cause: Some(entry.reason.word().into()),
            parent: entry.exchange.map(|exchange| exchange.to_string().into()),
            ..Columns::default()
        },
        Entry::Unclaimed(entry) => Columns {
            protocol: some(&entry.protocol),
            parent: entry.near.map(|exchange| exchange.to_string().into()),
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
