use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

use pabal_clock::BusinessDate;
use serde::{Deserialize, Serialize};

use crate::bytes::{Bytes, readable};
use crate::declare::declare;
use crate::id::ExchangeId;
use crate::transition::transitions;

declare! {
    /// Whether business is open. It is not a state of a session: it survives reconnects and restarts, and ends at the date change.
    pub enum OpeningState {
        Closed = "closed", "Not open on this business date.";
        Opening = "opening", "The opening exchange is on its way.";
        Open = "open", "The institution said that it is open.";
        Lost = "lost", "It was open; an answer said that it is not.";
    }
}

declare! {
    /// What changes the state of an opening.
    pub enum OpeningEvent {
        Try = "try", "The opening exchange is taken in.";
        Opened = "opened", "An answer to the opening exchange says that business is open.";
        Failed = "failed", "The opening exchange was refused, not answered or not sent.";
        Lost = "lost", "An answer to another exchange says that business is not open.";
        Close = "close", "An operator closes business.";
        DateChange = "date_change", "The business date has changed.";
    }
}

transitions!(OpeningState, OpeningEvent, openings {
    Closed + Try => Opening;
    Closed + Opened => Open;
    Closed + Close => Closed;
    Closed + DateChange => Closed;
    Opening + Opened => Open;
    Opening + Failed => Closed;
    Opening + Close => Closed;
    Opening + DateChange => Closed;
    Open + Lost => Lost;
    Open + Close => Closed;
    Open + DateChange => Closed;
    Lost + Try => Opening;
    Lost + Opened => Open;
    Lost + Close => Closed;
    Lost + DateChange => Closed;
});

/// What is opened: the values of the fields that the spec names (company and bank), on a business date.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct OpeningKey {
    /// The bytes of those fields, in the order of the spec.
    pub values: Vec<Box<[u8]>>,
    /// The day.
    pub date: BusinessDate,
}

impl OpeningKey {
    /// The values as people read them, parted by a space.
    #[must_use]
    pub fn readable(&self) -> String {
        let values: Vec<String> = self.values.iter().map(|value| readable(value)).collect();
        values.join(" ")
    }
}

/// One opening of the settings, on today's business date.
///
/// Each try is an exchange of its own. One without an answer is UNKNOWN in the journal, keeps its key for a late answer, and is on no
/// list: the next try takes its place, and the opening shows state, reason and next try. One that waits leaves no more when an
/// earlier one has opened, or the date changes.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Opening {
    pub(crate) protocol: u16,
    pub(crate) party: u16,
    pub(crate) key: OpeningKey,
    pub(crate) state: OpeningState,
    /// The opening telegram without its stamps; made from the layout when the core was, not each time.
    pub(crate) template: Bytes,
    /// It is not the time of day yet at which the institution opens.
    pub(crate) is_early: bool,
    /// The exchange that is trying.
    pub(crate) attempt: Option<ExchangeId>,
    /// What the last answer said, if it was not "open".
    pub(crate) reason: Option<String>,
}
