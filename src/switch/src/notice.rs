//! Notices: what the institution tells us, kept before it is replied to.

use alloc::boxed::Box;
use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::ops::Bound;

use pabal_clock::{BusinessDate, Now, Wall};
use pabal_spec::{Answered, NoticeRule, NoticeRuleId};
use pabal_telegram::Slice;
use serde::{Deserialize, Serialize};

use crate::book::{carry, put};
use crate::bytes::{Bytes, as_hex, readable};
use crate::core::Core;
use crate::delivery::{Delivery, ReplyReport, ServiceReply};
use crate::durable::Effect;
use crate::entry::{self, Entry, Frame};
use crate::id::{Conn, NoticeId};
use crate::output::Output;
use crate::refusal::Refusal;
use crate::session::SessionState;
use crate::stream::Cargo;
use crate::timer::TimerName;

/// A notice of today, or one that is not replied to yet.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Notice {
    pub(crate) id: NoticeId,
    pub(crate) protocol: u16,
    pub(crate) rule: NoticeRuleId,
    pub(crate) date: BusinessDate,
    /// By which it is known again.
    #[serde(with = "as_hex")]
    pub(crate) key: Vec<u8>,
    pub(crate) telegram: Bytes,
    /// What we reply; `None` while a service may still say so.
    pub(crate) reply: Option<Bytes>,
    /// All bytes of a reply were written.
    pub(crate) is_replied: bool,
}

/// The notices in memory.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Notices {
    pub(crate) known: BTreeMap<NoticeId, Notice>,
    #[serde(with = "crate::pairs")]
    keys: BTreeMap<Bytes, NoticeId>,
    /// Those that no service has yet.
    undelivered: BTreeSet<NoticeId>,
    /// Replies that wait for a session.
    waiting: VecDeque<NoticeId>,
}

impl Notices {
    fn find(&self, key: &[u8]) -> Option<&Notice> {
        self.known.get(self.keys.get(key)?)
    }

    /// Keeps one; beyond `max`, the oldest is only in the journal.
    pub(crate) fn keep(&mut self, notice: Notice, max: u32) {
        self.keys.insert(Bytes::from(&notice.key[..]), notice.id);
        self.undelivered.insert(notice.id);
        self.known.insert(notice.id, notice);
        while self.known.len() > usize::try_from(max).unwrap_or(usize::MAX).max(1) {
            let Some((_, oldest)) = self.known.pop_first() else { return };
            self.keys.remove(&oldest.key[..]);
            self.undelivered.remove(&oldest.id);
            self.waiting.retain(|waiting| *waiting != oldest.id);
        }
    }

    /// Yesterday's notices that are replied to are not compared any more.
    pub(crate) fn forget_before(&mut self, date: BusinessDate) {
        let Self { known, keys, .. } = self;
        known.retain(|_, notice| {
            let is_kept = notice.date >= date || !notice.is_replied;
            if !is_kept {
                keys.remove(&notice.key[..]);
            }
            is_kept
        });
    }

    /// Gives each notice's rule its new place; one whose rule is gone is only in the journal from now on.
    pub(crate) fn rename(&mut self, place: impl Fn(u16, NoticeRuleId) -> Option<NoticeRuleId>) {
        let old = core::mem::take(&mut self.known);
        self.keys.clear();
        for (id, mut notice) in old {
            let Some(rule) = place(notice.protocol, notice.rule) else { continue };
            notice.rule = rule;
            // Protocol, rule and date stand before the correlation key.
            let key = notice.key.split_off(notice.key.len().min(8));
            notice.key = notice_key(notice.protocol, rule, notice.date, &key);
            self.keys.insert(Bytes::from(&notice.key[..]), id);
            self.known.insert(id, notice);
        }
        let Self { known, waiting, .. } = self;
        waiting.retain(|id| known.contains_key(id));
    }

    pub(crate) fn undelivered(&self, after: Option<NoticeId>, max: usize) -> Vec<NoticeId> {
        let behind = (after.map_or(Bound::Unbounded, Bound::Excluded), Bound::Unbounded);
        self.undelivered.range(behind).take(max).copied().collect()
    }

    pub(crate) fn reply_later(&mut self, id: NoticeId) {
        if self.known.contains_key(&id) && !self.waiting.contains(&id) {
            self.waiting.push_back(id);
        }
    }
}

impl Core {
    /// The institution tells us something. It is kept first; the reply leaves when both are durable.
    pub(crate) fn notice(&mut self, slot: usize, conn: Conn, rule: NoticeRuleId, frame: &[u8], now: Now) {
        let protocol = self.state.sessions[slot].protocol;
        let conversation = &self.state.conversations[usize::from(protocol)];
        let date = conversation.day.date;
        let book = &self.books[usize::from(protocol)];
        let rules = &book.protocol.rules;
        let asked = &rules.notices[usize::from(rule.0)];
        let mut key = Vec::new();
        for field in &rules.key {
            let Some(bytes) = field.of(frame) else {
                let reason = String::from("a notice that is too short to have a key");
                self.unclaimed_as(slot, asked.request.telegram, frame, reason);
                return;
            };
            key.extend_from_slice(bytes);
        }
        let known_by = notice_key(protocol, rule, date, &key);
        let earlier = self.state.notices.find(&known_by);
        if let Some(earlier) = earlier
            && differs(&earlier.telegram, frame, &rules.stamps.iter().map(|stamp| stamp.at).collect::<Vec<_>>())
        {
            let reason = format!("it has the key of notice {}, but another content", earlier.id);
            self.unclaimed_as(slot, asked.request.telegram, frame, reason);
            return;
        }
        let earlier = earlier.map(|notice| notice.id);
        let layout = book.protocol.catalog.layout(asked.request.telegram);
        let participant = rules.participant.as_ref().and_then(|(_, at)| at.of(frame)).unwrap_or_default();
        let number = asked.numbered.as_ref().and_then(|numbered| numbered.at.of(frame)).map(Bytes::from);
        let is_by_gateway = matches!(asked.answered, Answered::ByGateway { .. });
        let code = match &asked.answered {
            Answered::ByGateway { response_code } => response_code.clone(),
            Answered::ByService { otherwise, .. } => otherwise.clone(),
        };
        let within = match asked.answered {
            Answered::ByGateway { .. } => None,
            Answered::ByService { within, .. } => Some(within),
        };
        let mut entry = entry::NoticeReceived {
            notice: NoticeId(0),
            protocol: book.protocol.name.clone(),
            rule: asked.name.clone(),
            spec: book.protocol.digest,
            place: self.place(conn),
            key: Bytes::from(key),
            number,
            participant: Bytes::from(participant),
            date,
            repeated: earlier.is_some(),
            telegram: Frame { bytes: frame.to_vec(), secrets: layout.secrets(), digest: None },
        };
        let reply = is_by_gateway.then(|| Bytes::from(self.make_reply(protocol, rule, frame, &code)));
        let id = earlier.unwrap_or_else(|| self.next_notice(now));
        entry.notice = id;
        self.append(Entry::NoticeReceived(entry));
        if earlier.is_none() {
            let telegram = Bytes::from(frame);
            let notice = Notice { id, protocol, rule, date, key: known_by, telegram, reply, is_replied: false };
            let max = self.state.limits.tombstones_max;
            self.state.notices.keep(notice, max);
            self.when_durable(Effect::Deliver(id));
            if let Some(within) = within {
                self.state.timers.set(TimerName::Notice(id), now.mono + within);
            }
        }
        self.reply_now_or_later(id, now);
    }

    /// A reply: what is constant, what is carried back, and the code.
    fn make_reply(&self, protocol: u16, rule: NoticeRuleId, frame: &[u8], code: &[u8]) -> Vec<u8> {
        let book = &self.books[usize::from(protocol)];
        let rules = &book.protocol.rules;
        let mut reply = book.replies[usize::from(rule.0)].clone();
        let asked: &NoticeRule = &rules.notices[usize::from(rule.0)];
        let parties = rules.party.iter().map(|(_, at)| at);
        let participant = rules.participant.iter().map(|(_, at)| at);
        for at in rules.key.iter().chain(&rules.trace).chain(parties).chain(participant) {
            carry(frame, *at, &mut reply, *at);
        }
        for echo in &asked.echo {
            carry(frame, echo.from, &mut reply, echo.to);
        }
        for (at, bytes) in &asked.answer.bytes {
            put(&mut reply, *at, bytes);
        }
        put(&mut reply, rules.response_code, code);
        reply
    }

    /// Queues a reply to the session that may send, and its entry before it.
    fn reply_now_or_later(&mut self, id: NoticeId, now: Now) {
        let Some(notice) = self.state.notices.known.get(&id) else { return };
        let Some(reply) = notice.reply.clone() else { return };
        let (protocol, rule) = (notice.protocol, notice.rule);
        let sends = |session: &crate::session::Session| {
            session.protocol == protocol
                && session.may_send()
                && matches!(session.state, SessionState::Up | SessionState::Probing | SessionState::Draining)
        };
        let Some(slot) = self.state.sessions.iter().position(sends) else {
            self.reply_later(id, now);
            return;
        };
        let book = &self.books[usize::from(protocol)];
        let session = &mut self.state.sessions[slot];
        let conn = session.conn();
        let Some((offset, end)) = session.out.push(&book.protocol.framing, &reply, Cargo::Reply(id), false) else {
            return;
        };
        let layout = book.protocol.rules.notices[usize::from(rule.0)].answer.telegram;
        let secrets = book.protocol.catalog.layout(layout).secrets();
        let telegram = Frame { bytes: reply.to_vec(), secrets, digest: None };
        let place = self.place(conn);
        self.append(Entry::NoticeReplied(entry::NoticeReplied { notice: id, place, offset, telegram }));
        self.when_durable(Effect::Release { conn, end });
    }

    /// A reply waits for a session that may send.
    pub(crate) fn reply_later(&mut self, id: NoticeId, _now: Now) {
        self.state.notices.reply_later(id);
    }

    pub(crate) fn reply_to_waiting_notices(&mut self, protocol: u16, now: Now) {
        if self.state.journal.failed.is_some() {
            return;
        }
        let (mine, others) = core::mem::take(&mut self.state.notices.waiting)
            .into_iter()
            .partition(|id| self.state.notices.known.get(id).is_some_and(|notice| notice.protocol == protocol));
        let mine: VecDeque<NoticeId> = mine;
        self.state.notices.waiting = others;
        for id in mine {
            self.reply_now_or_later(id, now);
        }
    }

    pub(crate) fn reply_written(&mut self, id: NoticeId) {
        if let Some(notice) = self.state.notices.known.get_mut(&id) {
            notice.is_replied = true;
        }
    }

    /// No service has replied in time: the gateway does, with the code that the spec states.
    pub(crate) fn service_too_late(&mut self, id: NoticeId, now: Now) {
        let Some(notice) = self.state.notices.known.get(&id) else { return };
        if notice.reply.is_some() {
            return;
        }
        let (protocol, rule, telegram) = (notice.protocol, notice.rule, notice.telegram.clone());
        let asked = &self.books[usize::from(protocol)].protocol.rules.notices[usize::from(rule.0)];
        let Answered::ByService { otherwise, .. } = &asked.answered else { return };
        let code = otherwise.clone();
        let reply = Bytes::from(self.make_reply(protocol, rule, &telegram, &code));
        if let Some(notice) = self.state.notices.known.get_mut(&id) {
            notice.reply = Some(reply);
        }
        self.reply_now_or_later(id, now);
    }

    /// A durable notice is given to the services that subscribe.
    pub(crate) fn deliver(&mut self, id: NoticeId, _now: Now) {
        let Some(notice) = self.state.notices.known.get(&id) else { return };
        let protocol = &self.books[usize::from(notice.protocol)].protocol;
        let rules = &protocol.rules;
        let rule = &rules.notices[usize::from(notice.rule.0)];
        let participant = rules.participant.as_ref().and_then(|(_, at)| at.of(&notice.telegram)).unwrap_or_default();
        let delivery = Delivery {
            notice: id,
            rule: rule.name.clone(),
            protocol: Arc::clone(protocol),
            layout: rule.request.telegram,
            telegram: notice.telegram.0.clone(),
            participant: Bytes::from(participant),
            date: notice.date,
            number: rules.number.at.of(&notice.telegram).map(|number| readable(number).into()),
            repeated: false,
            recovered_by: None,
            joined: None,
            reply_until: None,
            received_at: Wall::from_unix_seconds(0),
            trace: Box::default(),
        };
        self.outputs.push_back(Output::Deliver(Box::new(delivery)));
    }

    /// A service says what is replied.
    pub(crate) fn take_reply(&mut self, reply: ServiceReply, now: Now) -> Result<(), (Refusal, String)> {
        let Some(notice) = self.state.notices.known.get(&reply.notice) else {
            return Err((Refusal::UnknownNotice, format!("notice {} is not among those in memory", reply.notice)));
        };
        let (id, protocol, rule, telegram) = (notice.id, notice.protocol, notice.rule, notice.telegram.clone());
        if notice.reply.is_some() {
            self.outputs.push_back(Output::Replied { notice: id, report: ReplyReport::TooLate });
            return Ok(());
        }
        let Some(code) = reply.response_code else {
            return Err((Refusal::InvalidFields, String::from("a reply needs a response code")));
        };
        let reply = Bytes::from(self.make_reply(protocol, rule, &telegram, &code));
        if let Some(notice) = self.state.notices.known.get_mut(&id) {
            notice.reply = Some(reply);
        }
        self.reply_now_or_later(id, now);
        Ok(())
    }

    /// A service has a notice.
    pub(crate) fn notice_delivered(&mut self, id: NoticeId, _caller: &str) {
        self.state.notices.undelivered.remove(&id);
    }
}

/// By what a notice is known again on the same day.
pub(crate) fn notice_key(protocol: u16, rule: NoticeRuleId, date: BusinessDate, key: &[u8]) -> Vec<u8> {
    let mut known_by = Vec::with_capacity(8 + key.len());
    known_by.extend_from_slice(&protocol.to_be_bytes());
    known_by.extend_from_slice(&rule.0.to_be_bytes());
    known_by.extend_from_slice(&date.date().yyyymmdd().to_be_bytes());
    known_by.extend_from_slice(key);
    known_by
}

/// Whether two telegrams differ elsewhere than in what is stamped: a repetition has its own time.
fn differs(one: &[u8], other: &[u8], stamps: &[Slice]) -> bool {
    let is_stamped = |at: usize| stamps.iter().any(|stamp| stamp.range().contains(&at));
    one.len() != other.len() || one.iter().zip(other).enumerate().any(|(at, (a, b))| a != b && !is_stamped(at))
}

impl Core {
    /// A notice of an earlier process: the reply is made again, and leaves if it may not have left.
    pub(crate) fn resume_notice(&mut self, id: NoticeId, now: Now) {
        let Some(notice) = self.state.notices.known.get(&id) else { return };
        let (protocol, rule, telegram) = (notice.protocol, notice.rule, notice.telegram.clone());
        let is_replied = notice.is_replied;
        let asked = &self.books[usize::from(protocol)].protocol.rules.notices[usize::from(rule.0)];
        match &asked.answered {
            Answered::ByGateway { response_code } => {
                let code = response_code.clone();
                let reply = Bytes::from(self.make_reply(protocol, rule, &telegram, &code));
                if let Some(notice) = self.state.notices.known.get_mut(&id) {
                    notice.reply = Some(reply);
                }
            }
            Answered::ByService { within, .. } => {
                let ends = now.mono + *within;
                if !is_replied {
                    self.state.timers.set(TimerName::Notice(id), ends);
                }
            }
        }
        if !is_replied {
            self.deliver(id, now);
            self.reply_now_or_later(id, now);
        }
    }
}
