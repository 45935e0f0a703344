//! Replies to notices: what they say, and by which session they leave.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use pabal_spec::{Answered, NoticeRule, Protocol};
use pabal_telegram::{Side, Slice};

use crate::book::{blank, carry, compute, compute_from, put};
use crate::bytes::Bytes;
use crate::core::Core;
use crate::delivery::{Delivery, ReplyReport, ServiceReply};
use crate::durable::Effect;
use crate::entry::{self, Entry, Frame};
use crate::id::{Conn, NoticeId};
use crate::notice::{NoticeEvent, NoticeState};
use crate::output::Output;
use crate::refusal::Refusal;
use crate::session::{Session, SessionState};
use crate::stream::Cargo;
use crate::timer::TimerName;

type Refused = (Refusal, String);

impl Core {
    /// A service says what is replied to a notice.
    pub(crate) fn take_reply(&mut self, said: ServiceReply) -> Result<(), Refused> {
        let id = said.notice;
        if let Some(why) = &self.state.journal.failed {
            return Err((Refusal::JournalFailed, format!("the journal has failed: {why}")));
        }
        let unknown = || (Refusal::UnknownNotice, format!("notice {id} is not among those in memory"));
        let notice = self.state.notices.known.get(&id).ok_or_else(unknown)?;
        let (spec, rule) = self.rule_of(notice).ok_or_else(unknown)?;
        if notice.state != NoticeState::Open {
            let is_nothing_replied = notice.state == NoticeState::Unreplied;
            let report = if is_nothing_replied { ReplyReport::NotSent } else { ReplyReport::TooLate };
            self.outputs.push_back(Output::Replied { notice: id, report });
            return Ok(());
        }
        let made = service_reply(spec, rule, &notice.telegram, &said)?;
        self.notice_delivered(id, &said.caller);
        self.decide(id, made, Some(said.caller));
        Ok(())
    }

    /// What is replied is written down in any case: it holds for the next process, too.
    fn decide(&mut self, id: NoticeId, made: Frame, replier: Option<Box<str>>) {
        self.state.timers.stop(&TimerName::Notice(id));
        let Some(notice) = self.state.notices.known.get_mut(&id) else { return };
        notice.state.step(NoticeEvent::Decide, &mut self.fired);
        notice.reply = Some(made.clone());
        notice.awaits_report = replier.is_some();
        notice.replier = replier;
        self.state.notices.sort(id);
        self.reply_now_or_later(id);
        let Some(notice) = self.state.notices.known.get(&id) else { return };
        if notice.state != NoticeState::Sending {
            self.append(Entry::NoticeReplied(entry::NoticeReplied {
                notice: id,
                about: Some(Arc::clone(&notice.about)),
                caller: notice.replier.clone().unwrap_or_default(),
                place: None,
                offset: 0,
                end: 0,
                written: 0,
                telegram: made,
            }));
        }
    }

    /// No service has replied in time: the gateway does, with the code that the spec states.
    pub(crate) fn service_too_late(&mut self, id: NoticeId) {
        let Some(notice) = self.state.notices.known.get(&id) else { return };
        if notice.state != NoticeState::Open || self.state.journal.failed.is_some() {
            return;
        }
        let Some((spec, rule)) = self.rule_of(notice) else { return };
        let (Answered::ByService { otherwise: code, .. } | Answered::ByGateway { response_code: code }) =
            &rule.answered;
        let made = code_reply(spec, rule, &notice.telegram, code);
        self.decide(id, made, None);
    }

    /// Gives a reply to a session that may send and is not stalled, with its entry before it; else it waits in its notice.
    pub(crate) fn reply_now_or_later(&mut self, id: NoticeId) {
        let Some(notice) = self.state.notices.known.get(&id) else { return };
        if notice.state != NoticeState::Waiting || self.state.journal.failed.is_some() {
            return;
        }
        let Some(telegram) = notice.reply.clone() else { return };
        let (protocol, about, came_by) = (notice.protocol, Arc::clone(&notice.about), notice.came_by);
        let caller = notice.replier.clone().unwrap_or_default();
        let Some(slot) = self.replier(protocol, came_by) else {
            self.reply_of_yesterday(id);
            return;
        };
        let framing = &self.books[usize::from(protocol)].protocol.framing;
        let session = &mut self.state.sessions[slot];
        let conn = session.conn();
        let Some((offset, end)) = session.out.push(framing, &telegram.bytes, Cargo::Reply(id), false) else { return };
        let written = session.out.written();
        self.has_grown(slot);
        if let Some(notice) = self.state.notices.known.get_mut(&id) {
            notice.state.step(NoticeEvent::Queue, &mut self.fired);
        }
        self.state.notices.sort(id);
        self.append(Entry::NoticeReplied(entry::NoticeReplied {
            notice: id,
            about: Some(about),
            caller,
            place: Some(self.place(conn)),
            offset,
            end,
            written,
            telegram,
        }));
        self.when_durable(Effect::Release { conn, end });
    }

    /// The reply to a notice of an earlier date waits for no session: it is sent if the notice comes again. Who is told so late could take it for
    /// the reply to another one, whose number has begun anew.
    pub(crate) fn reply_of_yesterday(&mut self, id: NoticeId) {
        let Some(notice) = self.state.notices.known.get_mut(&id) else { return };
        let today = self.state.conversations[usize::from(notice.protocol)].day.date;
        if notice.state == NoticeState::Waiting && notice.came_on != today {
            notice.state.step(NoticeEvent::DateChange, &mut self.fired);
            self.tell_replier(id, ReplyReport::NotSent);
            self.state.notices.sort(id);
        }
    }

    /// The session that a reply leaves by: the one that the notice came by, if it sends; else of those that send, the one with the fewest
    /// bytes before it; none if all are stalled.
    fn replier(&self, protocol: u16, came_by: Option<Conn>) -> Option<usize> {
        let sends = |session: &Session| {
            session.protocol == protocol
                && session.may_send()
                && !session.per_exchange
                && matches!(session.state, SessionState::Up | SessionState::Probing | SessionState::Draining)
                && session.out.unsent_bytes() < session.unsent_bytes_max
        };
        let its_own = came_by.and_then(|conn| self.slot_of(conn));
        if let Some(slot) = its_own.filter(|slot| sends(&self.state.sessions[*slot])) {
            return Some(slot);
        }
        let able = self.state.sessions.iter().enumerate().filter(|(_, session)| sends(session));
        able.min_by_key(|(_, session)| session.out.unsent_bytes()).map(|(slot, _)| slot)
    }

    /// Replies that wait, oldest first, as long as a session takes them.
    pub(crate) fn reply_to_waiting_notices(&mut self, protocol: u16) {
        if self.state.journal.failed.is_some() {
            return;
        }
        let mine = (protocol, NoticeId(0))..=(protocol, NoticeId(u128::MAX));
        while let Some((_, id)) = self.state.notices.waiting.range(mine.clone()).next().copied() {
            self.reply_now_or_later(id);
            if self.state.notices.waiting.contains(&(protocol, id)) {
                return;
            }
        }
    }

    pub(crate) fn reply_written(&mut self, id: NoticeId) {
        let Some(notice) = self.state.notices.known.get_mut(&id) else { return };
        notice.state.step(NoticeEvent::Written, &mut self.fired);
        notice.may_have_left = false;
        self.tell_replier(id, ReplyReport::Sent);
        self.state.notices.sort(id);
    }

    /// The session ended before all bytes of a reply were written; some may have been. It waits for another session.
    pub(crate) fn reply_lost(&mut self, id: NoticeId, may_have_left: bool) {
        let Some(notice) = self.state.notices.known.get_mut(&id) else { return };
        notice.state.step(NoticeEvent::Lost, &mut self.fired);
        notice.may_have_left |= may_have_left;
        self.state.notices.sort(id);
    }

    /// Tells the service whose reply it is, once. At the end of a process nothing is told of a reply that may leave by the next one.
    pub(crate) fn tell_replier(&mut self, id: NoticeId, report: ReplyReport) {
        let Some(notice) = self.state.notices.known.get_mut(&id) else { return };
        if report == ReplyReport::NotSent && notice.may_have_left {
            return;
        }
        if core::mem::take(&mut notice.awaits_report) {
            self.outputs.push_back(Output::Replied { notice: id, report });
        }
    }

    /// A durable notice is given to a service.
    pub(crate) fn deliver(&mut self, id: NoticeId) {
        if !self.state.notices.is_offered(id) {
            return;
        }
        let Some(notice) = self.state.notices.known.get(&id) else { return };
        let Some((protocol, rule)) = self.rule_of(notice) else { return };
        let about = &notice.about;
        let number = about.number.readable();
        let delivery = Delivery {
            notice: id,
            rule: about.rule.clone(),
            protocol: Arc::clone(protocol),
            layout: notice.layout(protocol, rule),
            telegram: notice.telegram.shared(),
            participant: about.participant.clone(),
            date: about.date,
            number: (!number.is_empty()).then(|| number.into()),
            repeated: notice.repeated,
            recovered_by: about.recovered_by.filter(|_| notice.is_answer),
            joined: notice.joined,
            reply_until: self.state.timers.get(&TimerName::Notice(id)),
            received_at: about.received_at,
            trace: about.trace.clone(),
        };
        self.outputs.push_back(Output::Deliver(Box::new(delivery)));
    }
}

/// What each reply carries back of its notice, at the same place: who we are, key and trace.
fn carried_back(spec: &Protocol) -> impl Iterator<Item = Slice> + '_ {
    let rules = &spec.rules;
    let parties = rules.party.iter().map(|(_, at)| at);
    let participant = rules.participant.iter().map(|(_, at)| at);
    rules.key.iter().chain(&rules.trace).chain(parties).chain(participant).copied()
}

/// Where the core writes over what a service gives as the reply to a notice, whatever stands there: what is carried back, and what marks the
/// reply. Its response code is the service's.
#[must_use]
pub fn written_in_replies(spec: &Protocol, rule: &NoticeRule) -> Vec<Slice> {
    let echoes = rule.echo.iter().map(|echo| echo.to);
    carried_back(spec).chain(echoes).chain(rule.answer.bytes.iter().map(|(at, _)| *at)).collect()
}

/// Writes over the answer that is given: what marks it, who we are, key and trace, what is carried back. Gives where it has written.
fn write_over(spec: &Protocol, rule: &NoticeRule, frame: &[u8], answer: &mut [u8], code: Option<&[u8]>) -> Vec<Slice> {
    for at in carried_back(spec) {
        carry(frame, at, answer, at);
    }
    for echo in &rule.echo {
        carry(frame, echo.from, answer, echo.to);
    }
    for (at, bytes) in &rule.answer.bytes {
        put(answer, *at, bytes);
    }
    let mut written = written_in_replies(spec, rule);
    if let Some(code) = code {
        put(answer, spec.rules.response_code, code);
        written.push(spec.rules.response_code);
    }
    written
}

/// A reply that says a code and nothing else.
pub(crate) fn code_reply(spec: &Protocol, rule: &NoticeRule, frame: &[u8], code: &[u8]) -> Frame {
    let layout = spec.catalog.layout(rule.answer.telegram);
    let mut answer = blank(layout, Side::Answerer);
    write_over(spec, rule, frame, &mut answer, Some(code));
    compute(layout, Side::Answerer, &mut answer);
    Frame::sharing(Bytes::from(answer), layout.secrets().into())
}

fn service_reply(spec: &Protocol, rule: &NoticeRule, frame: &[u8], said: &ServiceReply) -> Result<Frame, Refused> {
    let no = |text: String| Err((Refusal::InvalidFields, text));
    let layout = spec.catalog.layout(rule.answer.telegram);
    let at = spec.rules.response_code;
    if let Some(code) = &said.response_code
        && code.len() != at.range().len()
    {
        return no(format!("the response code is {} bytes, not {}", code.len(), at.len));
    }
    let mut answer = match &said.telegram {
        Some(telegram) if !crate::book::may_have(layout, telegram) => {
            return no(format!(
                "a reply to `{}` is {} bytes, not {}; the length prefix is not part of it",
                rule.name,
                crate::book::lengths(layout),
                telegram.len()
            ));
        }
        Some(telegram) => telegram.clone(),
        None => blank(layout, Side::Answerer),
    };
    let field = layout.head().iter().find(|field| field.at == at);
    let blank = field.map_or(b' ', |field| field.charset.encode.blank());
    let is_said =
        said.response_code.is_some() || at.of(&answer).is_some_and(|code| code.iter().any(|byte| *byte != blank));
    if !is_said {
        return no(format!("a reply to `{}` has to say a response code", rule.name));
    }
    let written = write_over(spec, rule, frame, &mut answer, said.response_code.as_deref());
    match compute_from(layout, Side::Answerer, &mut answer, &written) {
        Ok(()) => Ok(Frame::sharing(Bytes::from(answer), layout.secrets().into())),
        Err(why) => no(why),
    }
}
