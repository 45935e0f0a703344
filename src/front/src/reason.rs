use pabal_switch::{Cause, Refusal};
use tonic::Code;

use crate::proto::Reason;

/// The gRPC status code of a refusal.
///
/// `NOT_FOUND` is not among them: whether an exchange is known is told inside of `Find`'s answer, where nothing on the way can make it.
///
/// | code                | what the caller should do                                             |
/// |---------------------|-----------------------------------------------------------------------|
/// | INVALID_ARGUMENT    | mend the request; sent again as it is, it is refused again            |
/// | FAILED_PRECONDITION | wait until something outside the call has changed, then decide anew   |
/// | UNAVAILABLE         | try again later                                                       |
/// | RESOURCE_EXHAUSTED  | try again later, and less                                             |
/// | ALREADY_EXISTS      | use another idempotency key; ask `Find` about this one                |
/// | DEADLINE_EXCEEDED   | try again with more time                                              |
#[must_use]
pub const fn code(refusal: Refusal) -> Code {
    match refusal {
        Refusal::UnknownInstitution
        | Refusal::UnknownExchange
        | Refusal::InvalidFields
        | Refusal::UnknownParty
        | Refusal::WrongTelegram
        | Refusal::UnknownNotice => Code::InvalidArgument,
        Refusal::KeyReused | Refusal::KeyFenced => Code::AlreadyExists,
        // Whether the request is still wanted under another date is the caller's to say.
        Refusal::Blocked | Refusal::OutOfHours | Refusal::NotOpen | Refusal::DateChanged | Refusal::NotInquirable => Code::FailedPrecondition,
        Refusal::SendDown
        | Refusal::ReceiveDown
        | Refusal::SessionLost
        | Refusal::Draining
        | Refusal::JournalFailed
        | Refusal::Stopped
        // The other one ends within its time.
        | Refusal::NumberInUse
        // Heard only by a second caller under the same key; the first has gone.
        | Refusal::Abandoned => Code::Unavailable,
        Refusal::RateExceeded | Refusal::QueueFull | Refusal::NumbersExhausted | Refusal::JournalFull => Code::ResourceExhausted,
        Refusal::DeadlineTooShort | Refusal::DeadlinePassed => Code::DeadlineExceeded,
    }
}

impl From<Refusal> for Reason {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::UnknownInstitution => Self::UnknownInstitution,
            Refusal::UnknownExchange => Self::UnknownExchange,
            Refusal::InvalidFields => Self::InvalidFields,
            Refusal::UnknownParty => Self::UnknownParty,
            Refusal::WrongTelegram => Self::WrongTelegram,
            Refusal::KeyReused => Self::KeyReused,
            Refusal::KeyFenced => Self::KeyFenced,
            Refusal::Blocked => Self::Blocked,
            Refusal::OutOfHours => Self::OutOfHours,
            Refusal::NotOpen => Self::NotOpen,
            Refusal::SendDown => Self::SendDown,
            Refusal::ReceiveDown => Self::ReceiveDown,
            Refusal::RateExceeded => Self::RateExceeded,
            Refusal::QueueFull => Self::QueueFull,
            Refusal::DeadlineTooShort => Self::DeadlineTooShort,
            Refusal::DeadlinePassed => Self::DeadlinePassed,
            Refusal::Abandoned => Self::Abandoned,
            Refusal::DateChanged => Self::DateChanged,
            Refusal::NumbersExhausted => Self::NumbersExhausted,
            Refusal::SessionLost => Self::SessionLost,
            Refusal::Draining => Self::Draining,
            Refusal::JournalFailed => Self::JournalFailed,
            Refusal::JournalFull => Self::JournalFull,
            Refusal::Stopped => Self::Stopped,
            Refusal::NotInquirable => Self::NotInquirable,
            Refusal::NumberInUse => Self::NumberInUse,
            Refusal::UnknownNotice => Self::UnknownNotice,
        }
    }
}

impl From<Cause> for Reason {
    fn from(cause: Cause) -> Self {
        match cause {
            Cause::Answered => Self::Answered,
            Cause::Refused => Self::Refused,
            Cause::NotSent => Self::NotSent,
            Cause::CallerDeadline => Self::CallerDeadline,
            Cause::NoAnswer => Self::NoAnswer,
            Cause::UnlistedCode => Self::UnlistedCode,
            Cause::NothingSaid => Self::NothingSaid,
            Cause::Unreadable => Self::Unreadable,
            Cause::PartlyWritten => Self::PartlyWritten,
            Cause::Restarted => Self::Restarted,
            Cause::Drained => Self::Drained,
            Cause::NotKept => Self::NotKept,
            Cause::Inquiry => Self::Inquiry,
            Cause::Late => Self::Late,
        }
    }
}

impl Reason {
    /// The word of logs, of the journal, and of ErrorInfo: the name without its prefix.
    #[must_use]
    pub fn word(self) -> &'static str {
        self.as_str_name().trim_start_matches("REASON_")
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fmt::Write;

    use super::*;

    /// Every value of the enum, by its number.
    fn reasons() -> Vec<Reason> {
        (0..1_000).filter_map(|number| Reason::try_from(number).ok()).collect()
    }

    #[test]
    fn the_one_enum_has_every_refusal_and_cause_and_nothing_else() {
        let ours: BTreeSet<_> = reasons().iter().map(|reason| reason.word()).collect();
        let theirs: BTreeSet<_> = Refusal::ALL
            .iter()
            .map(|refusal| refusal.word())
            .chain(Cause::ALL.iter().map(|cause| cause.word()))
            .chain([
                "UNSPECIFIED",
                "SPEC_MISTAKES",
                "NEEDS_RECONNECT",
                "SPEC_UNREADABLE",
                "UNKNOWN_NAME",
                "NOT_NOW",
                "CONTROL_UNJUDGED",
            ])
            .collect();
        assert_eq!(ours, theirs);
        let both = Cause::ALL.iter().find(|cause| Refusal::from_word(cause.word()).is_some());
        assert_eq!(both, None, "an error and an outcome must not share a word");
        for &refusal in Refusal::ALL {
            assert_eq!(Reason::from(refusal).word(), refusal.word());
        }
        for &cause in Cause::ALL {
            assert_eq!(Reason::from(cause).word(), cause.word());
        }
    }

    #[test]
    fn the_proto_says_of_each_refusal_that_it_is_one() {
        for reason in reasons() {
            let is_refusal = Refusal::from_word(reason.word()).is_some();
            assert_eq!(is_refusal, (1..100).contains(&(reason as i32)), "{reason:?}");
        }
    }

    #[test]
    fn each_refusal_has_its_code() {
        let mut table = String::new();
        for &refusal in Refusal::ALL {
            writeln!(table, "{:20} {:?}", refusal.word(), code(refusal)).unwrap();
        }
        insta::assert_snapshot!(table);
    }
}
