use alloc::boxed::Box;
use alloc::vec::Vec;

use pabal_clock::BusinessDate;
use serde::{Deserialize, Serialize};

use crate::declare::declare;

declare! {
    /// Whether business is open. It is not a state of a session: it survives reconnects and restarts, and ends at the date change.
    pub enum OpeningState {
        Closed = "closed", "Not opened yet on this business date.";
        Opening = "opening", "The opening exchange is on its way.";
        Open = "open", "The institution said that it is open.";
        Lost = "lost", "It was open; an answer said that it is not.";
    }
}

/// What is opened: the values of the fields that the spec names (company and bank), on a business date.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct OpeningKey {
    /// The bytes of those fields, in the order of the spec.
    pub values: Vec<Box<[u8]>>,
    /// The day.
    pub date: BusinessDate,
}
