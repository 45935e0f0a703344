//! What happened, for the log: told by a task of its own, so that a slow log slows nothing else.

use std::io;
use std::net::SocketAddr;

use pabal_spec::Digest;
use pabal_switch::{CloseReason, Conn, Event, LineId, Settings};
use tokio::sync::mpsc;

/// Something that an observer may want to know.
pub(super) enum Seen {
    /// As the core tells it.
    Event(Event),
    /// A connection could not be made.
    ConnectFailed { conn: Conn, error: io::Error },
    /// A peer has connected, and why it was turned away, if it was.
    Peer { line: LineId, peer: SocketAddr, refused: Option<CloseReason> },
    /// One that may not has connected, and was turned away.
    Stranger { line: LineId, peer: SocketAddr },
    /// A listener cannot accept.
    AcceptFailed { line: LineId, error: io::Error },
    /// A version of the spec does not begin by its date.
    NotBegun { new: Digest, text: String },
}

/// Takes events as long as there is room; counts what is dropped.
pub(super) struct Observer {
    events: mpsc::Sender<Seen>,
    dropped: u64,
}

impl Observer {
    pub(super) fn start(institution: String, settings: &Settings) -> Self {
        let (events, received) = mpsc::channel(usize::try_from(settings.limits.events_max).unwrap_or(usize::MAX));
        let lines = settings.lines.iter().map(|line| line.name.clone()).collect();
        tokio::spawn(Log { institution, lines }.run(received));
        Self { events, dropped: 0 }
    }

    pub(super) fn see(&mut self, seen: Seen) {
        if self.dropped > 0 && self.events.try_send(Seen::Event(Event::Dropped { count: self.dropped })).is_ok() {
            self.dropped = 0;
        }
        if self.events.try_send(seen).is_err() {
            self.dropped += 1;
        }
    }
}

struct Log {
    institution: String,
    lines: Vec<Box<str>>,
}

impl Log {
    async fn run(self, mut events: mpsc::Receiver<Seen>) {
        while let Some(seen) = events.recv().await {
            let institution = self.institution.as_str();
            match seen {
                Seen::Event(event) => self.write(&event),
                Seen::ConnectFailed { conn, error } => {
                    tracing::warn!(event = "connect_failed", institution, session = self.session(conn), epoch = conn.epoch.0, %error, "connecting failed");
                }
                Seen::Peer { line, peer, refused } => self.write_peer(self.line(line), peer, refused),
                Seen::Stranger { line, peer } => {
                    tracing::warn!(event = "stranger", institution, line = self.line(line), %peer, "a peer that is not in `from` was turned away");
                }
                Seen::NotBegun { new, text } => {
                    tracing::error!(event = "not_begun", institution, spec = %new, why = text, "a version of the spec does not begin by its date");
                }
                Seen::AcceptFailed { line, error } => {
                    tracing::error!(event = "accept_failed", institution, line = self.line(line), %error, "no connection can be accepted now");
                }
            }
        }
    }

    fn line(&self, line: LineId) -> &str {
        self.lines.get(usize::from(line.0)).map_or("?", |name| name)
    }

    /// As in entries of the journal: `out/0`.
    fn session(&self, conn: Conn) -> String {
        format!("{}/{}", self.line(conn.session.line), conn.session.slot)
    }

    fn write_peer(&self, line: &str, peer: SocketAddr, refused: Option<CloseReason>) {
        let institution = self.institution.as_str();
        match refused {
            None => tracing::info!(event = "peer", institution, line, %peer, "a peer has connected"),
            // It tries again and again at a line that is stopped: who stopped it is in the log already.
            Some(CloseReason::Commanded | CloseReason::Drained) => {
                tracing::debug!(event = "accept_refused", institution, line, %peer, "a connection to a line that is to have none now was turned away");
            }
            Some(CloseReason::JournalFailed) => {
                tracing::warn!(event = "accept_refused", institution, line, %peer, "a connection was turned away, as the journal has failed");
            }
            Some(CloseReason::JournalFull) => {
                tracing::warn!(event = "accept_refused", institution, line, %peer, "a connection was turned away, as too much waits to become durable");
            }
            Some(_) => {
                tracing::warn!(event = "accept_refused", institution, line, %peer, "a connection beyond the line's limit was turned away");
            }
        }
    }

    /// Holds no content of telegrams, since events do not.
    fn write(&self, event: &Event) {
        let institution = self.institution.as_str();
        match event {
            Event::Session { conn, from, to, reason } => {
                let (session, epoch) = (self.session(*conn), conn.epoch.0);
                match reason {
                    Some(reason) => {
                        tracing::info!(event = "session", institution, session, epoch, %from, %to, %reason, "session: {}", reason.sentence());
                    }
                    None => {
                        tracing::info!(event = "session", institution, session, epoch, %from, %to, "session: {}", to.sentence())
                    }
                }
            }
            Event::Address { line, address } => {
                let (line, address) = (self.line(*line), u32::from(*address) + 1);
                tracing::warn!(
                    event = "address",
                    institution,
                    line,
                    address,
                    "the line goes on with this one of its addresses"
                );
            }
            Event::Duty { line, on_duty: true } => {
                tracing::warn!(
                    event = "standby",
                    institution,
                    line = self.line(*line),
                    "the backup line stands in for its main line"
                );
            }
            Event::Duty { line, on_duty: false } => {
                tracing::info!(
                    event = "standby",
                    institution,
                    line = self.line(*line),
                    "the main line is up again, and the backup line goes"
                );
            }
            Event::ControlUnjudged { control, reason } => {
                tracing::error!(event = "control_unjudged", institution, %control, why = &**reason, "the spec in force cannot judge a control: it blocks all that it may mean, until it is lifted or written by the new names");
            }
            Event::Opening { key, to } => {
                let key_text: Vec<_> =
                    key.values.iter().map(|value| String::from_utf8_lossy(value).trim_end().to_owned()).collect();
                tracing::info!(event = "opening", institution, opening = key_text.join(" "), date = %key.date, %to, "opening: {}", to.sentence());
            }
            Event::Unclaimed { conn, reason } => {
                tracing::warn!(
                    event = "unclaimed",
                    institution,
                    line = self.line(conn.session.line),
                    reason,
                    "a telegram that nobody waits for"
                );
            }
            Event::Contradiction { exchange } => {
                tracing::error!(event = "contradiction", institution, %exchange, "an answer says the opposite of what had been said; the outcome stays");
            }
            Event::Evicted { exchange } => {
                tracing::error!(event = "evicted", institution, %exchange, "too many exchanges are UNKNOWN: only the journal knows this one from now on, and a person has to look at it");
            }
            Event::NoticeEvicted { notice } => {
                tracing::error!(event = "notice_evicted", institution, %notice, "too many notices are kept: no service has this one, and only the journal knows it from now on");
            }
            Event::Joined { notice, exchange } => {
                tracing::warn!(event = "notice_joined", institution, %notice, %exchange, "a notice is about an exchange of ours");
            }
            Event::NotJoined { notice, reason } => {
                tracing::error!(event = "notice_not_joined", institution, %notice, reason, "a notice names no exchange of ours that it could be about; a person has to look at it");
            }
            Event::NumbersMissing { rule, scope, count, reason } => {
                let rule = &**rule;
                tracing::error!(event = "numbers_missing", institution, rule, scope, count, %reason, "numbers of theirs are missing; a person has to look at it");
            }
            Event::SequenceEvicted { rule, scope } => {
                let rule = &**rule;
                tracing::error!(
                    event = "sequence_evicted",
                    institution,
                    rule,
                    scope,
                    "numbers of too many scopes came: those of this one are not followed any more, and a notice that gets lost is not found missing"
                );
            }
            Event::NumbersLow { left } => {
                tracing::warn!(event = "numbers_low", institution, left, "telegram numbers are running out")
            }
            Event::Dropped { count } => {
                tracing::warn!(event = "log.dropped", institution, count, "events were not logged: too many at once")
            }
        }
    }
}
