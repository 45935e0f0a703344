use crate::declare::declare;

declare! {
    /// Why a request is refused, each a proof that no byte of it left. While the caller waits, it is an error; where nobody
    /// waits, the exchange is FAILURE with cause NOT_SENT and this reason.
    ///
    /// The first three are found by the shell before the core is asked; they stand here so that there is one list.
    pub enum Refusal {
        UnknownInstitution = "UNKNOWN_INSTITUTION", "No institution of this name is configured.";
        UnknownExchange = "UNKNOWN_EXCHANGE", "The institution's spec has no exchange of this name.";
        InvalidFields = "INVALID_FIELDS", "The fields do not make a telegram; each fault names field, offset, bytes and rule.";
        UnknownParty = "UNKNOWN_PARTY", "No party of this name, or none for this exchange and participant, is configured for the institution.";
        WrongTelegram = "WRONG_TELEGRAM", "The telegram is not a request of the exchange that is called.";
        KeyReused = "KEY_REUSED", "The idempotency key was used for a request with another content.";
        KeyFenced = "KEY_FENCED", "The idempotency key was fenced by Find before the request came.";
        Blocked = "BLOCKED", "An operator or the site blocks such requests.";
        OutOfHours = "OUT_OF_HOURS", "The institution takes no such request at this time of day, or on this day.";
        NotOpen = "NOT_OPEN", "Business with this participant is not open today.";
        SendDown = "SEND_DOWN", "No session that may carry the request is up.";
        ReceiveDown = "RECEIVE_DOWN", "No session that may carry the answer is up.";
        RateExceeded = "RATE_EXCEEDED", "The compartment has sent as many requests as it may, and none of it may wait.";
        QueueFull = "QUEUE_FULL", "As many requests wait for this compartment, or for the institution, as may wait.";
        DeadlineTooShort = "DEADLINE_TOO_SHORT", "The caller waits less long than the institution may take to answer, and does not accept an early UNKNOWN.";
        DeadlinePassed = "DEADLINE_PASSED", "The caller's deadline came while the request waited.";
        Abandoned = "ABANDONED", "The caller went away while the request waited.";
        DateChanged = "DATE_CHANGED", "The business date changed before the first byte left.";
        NumbersExhausted = "NUMBERS_EXHAUSTED", "Every telegram number of this scope and date has been given.";
        SessionLost = "SESSION_LOST", "The session closed before the first byte of the request was written.";
        Draining = "DRAINING", "The gateway, the institution, the compartment or the line is being stopped, or is stopped, and takes no new requests.";
        JournalFailed = "JOURNAL_FAILED", "The journal cannot make anything durable; nothing is sent.";
        JournalFull = "JOURNAL_FULL", "More waits to become durable than the institution may have waiting.";
        Stopped = "STOPPED", "The gateway stopped before the request was sent.";
        NotInquirable = "NOT_INQUIRABLE", "The exchange is not known, is not UNKNOWN, may still be answered in its time, is of another business date, or has no inquiry in its spec.";
        NumberInUse = "NUMBER_IN_USE", "A request that names a number of the institution is under way under this number.";
        UnknownNotice = "UNKNOWN_NOTICE", "No notice of this id waits for a reply.";
    }
}
