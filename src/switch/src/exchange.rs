use crate::declare::declare;

declare! {
    /// How far an exchange is.
    pub enum ExchangeState {
        Accepted = "accepted", "Taken in; its first entry is not durable yet.";
        Waiting = "waiting", "Durable; waits for room in the window.";
        Sending = "sending", "Numbered, stamped and given to a session; its entry is not durable, or its bytes are not all written.";
        Sent = "sent", "All bytes are written; the answer is awaited.";
        Finished = "finished", "SUCCESS or FAILURE.";
        Unknown = "unknown", "UNKNOWN; an answer may still come.";
        Inquiring = "inquiring", "UNKNOWN; an inquiry is on its way.";
        Cancelling = "cancelling", "UNKNOWN; a net cancel is on its way.";
        Listed = "listed", "UNKNOWN; a person has to look at it.";
        Settled = "settled", "Was UNKNOWN; has become SUCCESS or FAILURE.";
    }
}
