use serde::{Deserialize, Serialize};

use crate::declare::declare;
use crate::refusal::Refusal;

declare! {
    /// Why an outcome is what it is.
    pub enum Cause {
        Answered = "ANSWERED", "The institution's answer says so.";
        Refused = "REFUSED", "The institution said plainly that it was not executed.";
        NotSent = "NOT_SENT", "It is proven that no byte left.";
        CallerDeadline = "CALLER_DEADLINE", "The caller's deadline came before an answer; the exchange goes on.";
        NoAnswer = "NO_ANSWER", "No answer came within the institution's time.";
        UnlistedCode = "UNLISTED_CODE", "No table lists the response code.";
        NothingSaid = "NOTHING_SAID", "The response code is listed, but does not say whether it was executed.";
        Unreadable = "UNREADABLE", "The answer matches the request, but its fields cannot be read, or its checksum is wrong.";
        PartlyWritten = "PARTLY_WRITTEN", "The session closed while the request was being written.";
        Restarted = "RESTARTED", "The gateway stopped after the request may have left and before an answer came.";
        Drained = "DRAINED", "What an operator drained came to its end after the request may have left and before an answer came.";
        NotKept = "NOT_KEPT", "The journal failed after the request may have left; an answer could not be kept.";
        Inquiry = "INQUIRY", "The answer to an inquiry says so.";
        Late = "LATE", "An answer that came after the UNKNOWN says so.";
    }
}

/// What became of an exchange. SUCCESS and FAILURE never change; UNKNOWN may become either.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE", tag = "outcome")]
pub enum Outcome {
    /// It was executed.
    Success {
        /// Who says so.
        cause: Cause,
    },
    /// It was not executed: refused by the institution, or never sent.
    Failure {
        /// [`Cause::Refused`], [`Cause::Inquiry`], [`Cause::Late`] or [`Cause::NotSent`].
        cause: Cause,
        /// Why it was not sent, if it was not.
        refusal: Option<Refusal>,
    },
    /// Nobody can say yet.
    Unknown {
        /// Why not.
        cause: Cause,
    },
}

impl Outcome {
    /// `SUCCESS`, `FAILURE` or `UNKNOWN`.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Success { .. } => "SUCCESS",
            Self::Failure { .. } => "FAILURE",
            Self::Unknown { .. } => "UNKNOWN",
        }
    }

    /// Why.
    #[must_use]
    pub const fn cause(&self) -> Cause {
        match self {
            Self::Success { cause } | Self::Failure { cause, .. } | Self::Unknown { cause } => *cause,
        }
    }

    /// Whether it can no longer change.
    #[must_use]
    pub const fn is_final(&self) -> bool {
        !matches!(self, Self::Unknown { .. })
    }
}
