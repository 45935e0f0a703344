use crate::declare::declare;

declare! {
    /// The state of a session. Business needs [`SessionState::Up`] and an open opening.
    pub enum SessionState {
        Down = "down", "No connection, and none is being made; a close grace or a back-off may be running.";
        Connecting = "connecting", "We are connecting.";
        SigningOn = "signing_on", "Connected; the sign-on of the session is not answered yet.";
        Up = "up", "Connected, and signed on where the protocol has a sign-on.";
        Probing = "probing", "A poll telegram is not answered yet.";
        Draining = "draining", "No new request is sent; what is in flight may still be answered.";
        Closing = "closing", "We are closing; the peer may still count the connection.";
    }
}

declare! {
    /// Why a connection ended.
    pub enum CloseReason {
        ConnectFailed = "connect_failed", "The connection could not be made.";
        PeerClosed = "peer_closed", "The institution closed it.";
        Reset = "reset", "The institution reset it, or the network did.";
        IoError = "io_error", "Reading or writing failed.";
        BadFrame = "bad_frame", "The stream cannot be cut into telegrams.";
        PollUnanswered = "poll_unanswered", "A poll telegram was not answered in time.";
        Replaced = "replaced", "The peer connected anew.";
        OverLimit = "over_limit", "The line has as many sessions as it may.";
        Drained = "drained", "We stopped the line and nothing was left to wait for.";
        Stopped = "stopped", "We stopped before everything was answered.";
        JournalFailed = "journal_failed", "The journal cannot make anything durable.";
    }
}
