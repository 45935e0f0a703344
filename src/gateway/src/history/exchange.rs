//! What the journal says of one exchange or notice, folded from its envelopes.

use pabal_clock::Wall;
use pabal_journal::{Envelope, Position};
use pabal_spec::Digest;
use pabal_switch::entry::Origin;
use pabal_switch::{Cause, Entry, ExchangeId, ExchangeState, ExchangeStatus, Outcome};

use crate::call::{Answer, Found};
use crate::search::{HistoryLine, NextStep, TxSummary};

/// Entries of one exchange that are shown at most, beside those that say how far it is. It has a handful, and two for each inquiry's answer,
/// unless the institution repeats itself.
pub(super) const LINES_MAX: usize = 1_000;
/// Entries that say how far an exchange is.
const STATES: [&str; 4] = [ACCEPTED, "sending", "outcome", "listed"];
/// In the history of an exchange: an operator has asked about it. The entry is the inquiry's own.
const INQUIRED: &str = "inquired";
/// In the history of an exchange: an answer came that nobody waits for, and all but one field of its key is the exchange's.
const UNCLAIMED: &str = "unclaimed";
/// The entry that begins an exchange.
const ACCEPTED: &str = "accepted";
/// The entry that joins a notice to an exchange.
const JOINED: &str = "notice_joined";
/// What is replied to a notice; in no session as long as none could take it.
const REPLIED: &str = "notice_replied";
/// How far a notice is.
const NOTICE_RECEIVED: &str = "received";
const NOTICE_REPLIED: &str = "replied";
const NOTICE_DELIVERED: &str = "delivered";

/// What the journal says of one exchange or notice.
#[derive(Clone, Debug, Default)]
pub(crate) struct History {
    pub(crate) institution: String,
    /// The version of the spec that it lives by.
    pub(crate) spec: Option<Digest>,
    pub(crate) protocol: String,
    pub(crate) rule: String,
    /// The notice, if it is one, and how far it is.
    pub(crate) notice: Option<&'static str>,
    /// Its telegram is the answer to what asked for it, and lies as that does.
    pub(crate) is_recovered: bool,
    /// The request as it was sent, or as it waits; of a notice, its telegram.
    pub(crate) request: Option<Vec<u8>>,
    pub(crate) answer: Option<Vec<u8>>,
    /// Notices that speak of it.
    pub(crate) joined: Vec<ExchangeId>,
    content: u64,
    origin: &'static str,
    caller: String,
    idempotency_key: Option<String>,
    party: Option<String>,
    participant: Option<String>,
    outcome: Option<Outcome>,
    is_listed: bool,
    was_unknown: bool,
    was_sending: bool,
    number: Option<String>,
    key: Option<String>,
    trace: Option<String>,
    parent: Option<ExchangeId>,
    accepted_at: Option<i64>,
    /// A service may say what is replied to the notice.
    is_for_service: bool,
    /// Who said what is replied to the notice, for people.
    replied_by: Option<String>,
    lines: Vec<Stated>,
}

/// What an entry says, for people.
#[derive(Clone, Debug)]
struct Stated {
    position: Position,
    at: i64,
    kind: String,
    text: String,
}

impl History {
    /// Takes the next envelope, in order.
    pub(super) fn take(&mut self, envelope: &Envelope) {
        if envelope.family == Entry::FAMILY && envelope.kind == REPLIED {
            self.replied(envelope.columns.caller.as_deref());
        }
        if self.lines.len() < LINES_MAX || STATES.contains(&envelope.kind.as_str()) {
            self.lines.push(Stated {
                position: envelope.position,
                at: envelope.at,
                kind: envelope.kind.clone(),
                text: self.line(envelope),
            });
        }
        self.accepted_at.get_or_insert(envelope.at);
        if self.institution.is_empty() {
            self.institution.clone_from(&envelope.institution);
        }
        if envelope.family != Entry::FAMILY {
            return;
        }
        // What says that a notice is about it has the columns of the notice.
        if envelope.kind != JOINED {
            self.take_columns(envelope);
        }
        // An entry that a later release wrote still has its columns and its line.
        if let Ok(entry) = Entry::decode(&envelope.kind, envelope.version, &envelope.body) {
            self.take_entry(entry);
        }
    }

    /// Takes an entry that speaks of this exchange and is another's: only what an operator did is told here.
    pub(super) fn take_about(&mut self, envelope: &Envelope) {
        let (kind, text) = if let Some(reason) = unclaimed(envelope) {
            (UNCLAIMED, reason)
        } else if let Some((actor, reason)) = asker(envelope) {
            let inquiry = envelope.columns.exchange.as_deref().unwrap_or_default();
            (INQUIRED, format!("by {actor}: {reason}, inquiry {inquiry}"))
        } else {
            return;
        };
        let told = Stated { position: envelope.position, at: envelope.at, kind: kind.to_owned(), text };
        let place = self.lines.partition_point(|line| line.position < told.position);
        self.lines.insert(place, told);
    }

    /// What is said first is what is replied each time.
    fn replied(&mut self, service: Option<&str>) {
        let by = match service {
            Some(service) => format!("by service {service}"),
            None if self.is_for_service => "by the spec, as no service replied in time".to_owned(),
            None => "by the spec".to_owned(),
        };
        self.replied_by.get_or_insert(by);
    }

    /// An entry for people.
    fn line(&self, envelope: &Envelope) -> String {
        let mut text = line(envelope);
        if let (REPLIED, Some(by)) = (&*envelope.kind, &self.replied_by) {
            text = format!("{text}, {by}");
        }
        text
    }

    fn take_columns(&mut self, envelope: &Envelope) {
        let columns = &envelope.columns;
        let newest = |known: &mut Option<String>, column: &Option<String>| {
            if column.is_some() {
                known.clone_from(column);
            }
        };
        newest(&mut self.number, &columns.our_number);
        newest(&mut self.trace, &columns.trace_context);
        newest(&mut self.key, &columns.correlation_key);
        newest(&mut self.party, &columns.party);
        newest(&mut self.participant, &columns.participant);
        newest(&mut self.idempotency_key, &columns.idempotency_key);
        if self.number.is_none() {
            newest(&mut self.number, &columns.their_number);
        }
        self.parent = columns.parent.as_deref().and_then(ExchangeId::parse).or(self.parent);
        if let Some(protocol) = &columns.protocol {
            self.protocol.clone_from(protocol);
        }
        if self.caller.is_empty() {
            self.caller = columns.caller.clone().unwrap_or_default();
        }
    }

    fn take_entry(&mut self, entry: Entry) {
        match entry {
            Entry::Accepted(accepted) => {
                let about = &accepted.about;
                self.rule = about.rule.to_string();
                self.content = about.content;
                self.spec = Some(about.spec);
                self.origin = origin_word(&about.origin);
                self.accepted_at = Some(about.accepted_at.as_unix_micros());
                self.request = accepted.telegram.map(|frame| frame.bytes.to_vec()).or(self.request.take());
            }
            Entry::Sending(sending) => {
                self.was_sending = true;
                self.request = Some(sending.telegram.bytes.to_vec());
            }
            Entry::Outcome(concluded) => {
                self.was_unknown |= !concluded.outcome.is_final();
                self.outcome = Some(concluded.outcome);
                self.answer = concluded.answer.map(|frame| frame.bytes.to_vec()).or(self.answer.take());
            }
            Entry::Listed(_) => self.is_listed = true,
            Entry::NoticeReceived(received) => {
                self.rule = received.about.rule.to_string();
                self.spec = Some(received.about.spec);
                self.origin = "notice";
                self.notice.get_or_insert(NOTICE_RECEIVED);
                self.is_for_service |= received.reply_until.is_some();
                self.is_recovered = received.about.recovered_by.is_some() && !received.repeated;
                self.request = Some(received.telegram.bytes.to_vec());
            }
            Entry::NoticeReplied(replied) => {
                // Who has it says more than who was replied to; one that waits for a session is not replied to yet.
                let far = if replied.place.is_some() { Some(NOTICE_REPLIED) } else { self.notice };
                self.notice = self.notice.filter(|far| *far == NOTICE_DELIVERED).or(far);
                self.answer = Some(replied.telegram.bytes.to_vec());
            }
            Entry::NoticeDelivered(_) => self.notice = Some(NOTICE_DELIVERED),
            Entry::NoticeJoined(joined) => self.joined.push(ExchangeId(joined.notice.0)),
            _ => {}
        }
    }

    /// Whether a request with this content is the same.
    pub(crate) const fn is_for(&self, content: u64) -> bool {
        self.content == content
    }

    /// The exchange that it asks about, or that a notice speaks of.
    pub(crate) const fn parent(&self) -> Option<ExchangeId> {
        self.parent
    }

    /// Whether it is known what became of it, for good.
    pub(crate) fn is_final(&self) -> bool {
        self.notice.is_some() || self.outcome.is_some_and(|outcome| outcome.is_final())
    }

    /// Whether what became of it is UNKNOWN, and a person may have to look at it: a try to open is followed by the next one.
    pub(crate) fn is_unknown(&self) -> bool {
        self.outcome.is_some_and(|outcome| !outcome.is_final()) && self.origin != origin_word(&Origin::Opening)
    }

    /// With what memory says of it now, which is newer.
    pub(crate) fn found(self, exchange: ExchangeId, status: Option<ExchangeStatus>) -> Found {
        Found::Exchange {
            exchange,
            state: self.state_word(status.as_ref()).to_owned(),
            outcome: status.and_then(|status| status.outcome).or(self.outcome),
            rule: self.rule,
            telegram: self.answer,
            number: self.number,
            trace: self.trace,
            history: self.lines.into_iter().map(|line| (line.at, line.kind, line.text)).collect(),
        }
    }

    /// In a line, with what memory says of it now.
    pub(crate) fn summary(
        &self,
        exchange: ExchangeId,
        status: Option<&ExchangeStatus>,
        next: Option<NextStep>,
    ) -> TxSummary {
        TxSummary {
            institution: self.institution.clone(),
            exchange,
            rule: self.rule.clone(),
            origin: self.origin.to_owned(),
            caller: self.caller.clone(),
            idempotency_key: self.idempotency_key.clone(),
            party: self.party.clone(),
            participant: self.participant.clone(),
            state: self.state_word(status).to_owned(),
            outcome: status.and_then(|status| status.outcome).or(self.outcome),
            number: self.number.clone(),
            key: self.key.clone(),
            trace: self.trace.clone(),
            parent: self.parent,
            accepted_at: status.map_or_else(
                || Wall::from_unix_micros(self.accepted_at.unwrap_or_default()),
                |status| status.accepted_at,
            ),
            next,
        }
    }

    /// Each entry, for people.
    pub(crate) fn lines(&self) -> Vec<HistoryLine> {
        let line = |line: &Stated| HistoryLine {
            at: Wall::from_unix_micros(line.at),
            kind: line.kind.clone(),
            text: line.text.clone(),
        };
        self.lines.iter().map(line).collect()
    }

    /// The answer of a request that memory has let go, as stored: by an older version of the spec, perhaps, so without a plan.
    pub(crate) fn answer(self, exchange: ExchangeId) -> Answer {
        Answer {
            exchange,
            // Without an outcome it was cut short by a stop whose recovery has not said more.
            outcome: self.outcome.unwrap_or(Outcome::Unknown { cause: Cause::Restarted }),
            state: self.state().word().to_owned(),
            telegram: self.answer.map(Into::into),
            plan: None,
            number: self.number,
            trace: self.trace,
        }
    }

    fn state_word(&self, status: Option<&ExchangeStatus>) -> &'static str {
        if let Some(notice) = self.notice {
            return notice;
        }
        // What is not durable is not told: then the journal says how far it is; so it does of what memory hears a moment later.
        let told = status.filter(|status| !is_ahead(status) && (status.outcome.is_some() || self.outcome.is_none()));
        told.map_or_else(|| self.state(), |status| status.state).word()
    }

    fn state(&self) -> ExchangeState {
        match self.outcome {
            Some(outcome) if outcome.is_final() && self.was_unknown => ExchangeState::Settled,
            Some(outcome) if outcome.is_final() => ExchangeState::Finished,
            _ if self.is_listed => ExchangeState::Listed,
            Some(_) => ExchangeState::Unknown,
            None if self.was_sending => ExchangeState::Sending,
            None => ExchangeState::Accepted,
        }
    }
}

/// Who began it, as people read it.
const fn origin_word(origin: &Origin) -> &'static str {
    match origin {
        Origin::Caller => "caller",
        Origin::Opening => "opening",
        Origin::Inquiry { .. } => "inquiry",
        Origin::Gap { .. } => "gap",
    }
}

/// Whether an exchange has come to a state by an outcome whose entry is not durable yet.
fn is_ahead(status: &ExchangeStatus) -> bool {
    match status.state {
        ExchangeState::Accepted | ExchangeState::Waiting | ExchangeState::Sending | ExchangeState::Sent => false,
        ExchangeState::Finished | ExchangeState::Settled => !status.outcome.is_some_and(|outcome| outcome.is_final()),
        _ => status.outcome.is_none(),
    }
}

/// Who asked about an exchange, and why, if the entry begins an operator's inquiry.
fn asker(envelope: &Envelope) -> Option<(Box<str>, Box<str>)> {
    if envelope.family != Entry::FAMILY || envelope.kind != ACCEPTED {
        return None;
    }
    match Entry::decode(&envelope.kind, envelope.version, &envelope.body) {
        Ok(Entry::Accepted(accepted)) => match accepted.about.origin.clone() {
            Origin::Inquiry { actor, reason, .. } if !actor.is_empty() => Some((actor, reason)),
            _ => None,
        },
        _ => None,
    }
}

/// Why nobody waited for a telegram; its values are masked.
fn unclaimed(envelope: &Envelope) -> Option<String> {
    if envelope.family != Entry::FAMILY || envelope.kind != UNCLAIMED {
        return None;
    }
    match Entry::decode(&envelope.kind, envelope.version, &envelope.body) {
        Ok(Entry::Unclaimed(unclaimed)) => Some(unclaimed.reason),
        _ => None,
    }
}

/// An entry for people, from its columns, and of an inquiry who asked and why: no content of a telegram is in it.
fn line(envelope: &Envelope) -> String {
    let columns = &envelope.columns;
    let mut parts = Vec::new();
    if let Some(outcome) = &columns.outcome {
        let cause = columns.cause.as_ref().map(|cause| format!(" ({cause})")).unwrap_or_default();
        parts.push(format!("{outcome}{cause}"));
    }
    if let Some(number) = &columns.our_number {
        parts.push(format!("number {number}"));
    }
    if let Some(session) = &columns.session {
        let epoch = columns.epoch.map(|epoch| format!(" epoch {epoch}")).unwrap_or_default();
        let offset = columns.stream_offset.map(|offset| format!(" at byte {offset}")).unwrap_or_default();
        parts.push(format!("session {session}{epoch}{offset}"));
    }
    if envelope.kind == REPLIED && columns.session.is_none() {
        parts.push("waits for a session".to_owned());
    }
    if envelope.kind == ACCEPTED {
        parts.extend(
            columns.caller.as_ref().filter(|caller| !caller.is_empty()).map(|caller| format!("caller {caller}")),
        );
        parts.extend(columns.party.as_ref().map(|party| format!("party {party}")));
        parts.extend(columns.participant.as_ref().map(|participant| format!("participant {participant}")));
    }
    parts.extend(columns.parent.as_ref().map(|parent| format!("about {parent}")));
    parts.extend(asker(envelope).map(|(actor, reason)| format!("by {actor}: {reason}")));
    parts.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outcome_of_the_journal_goes_before_what_memory_has_not_heard_yet() {
        let status = |state, outcome| ExchangeStatus {
            exchange: ExchangeId(1),
            state,
            outcome,
            accepted_at: Wall::from_unix_micros(0),
            answer_until: None,
        };
        let success = Outcome::Success { cause: Cause::Answered };
        let history = History { outcome: Some(success), was_sending: true, ..History::default() };
        let sent = status(ExchangeState::Sent, None);
        assert_eq!(history.state_word(Some(&sent)), "finished", "its entry is durable");
        let begun = History { was_sending: true, ..History::default() };
        assert_eq!(begun.state_word(Some(&sent)), "sent", "memory is newer");
        let finished = status(ExchangeState::Finished, None);
        assert_eq!(begun.state_word(Some(&finished)), "sending", "its entry is not durable");
    }

    #[test]
    fn who_first_said_what_is_replied_is_told_each_time() {
        let told = |is_for_service, services: &[Option<&str>]| {
            let mut history = History { is_for_service, ..History::default() };
            services.iter().for_each(|service| history.replied(*service));
            history.replied_by.unwrap()
        };
        assert_eq!(told(false, &[None]), "by the spec");
        assert_eq!(told(true, &[None, None]), "by the spec, as no service replied in time");
        assert_eq!(told(true, &[Some("ledger"), None]), "by service ledger");
    }
}
