//! Notices: what the institution tells us, kept before it is replied to and given to services.

use alloc::boxed::Box;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::ops::Bound;
use core::time::Duration;

use pabal_clock::{BusinessDate, Mono, Now, Wall};
use pabal_spec::{Answered, Institution, NoticeRule, NoticeRuleId, Protocol, TelegramId, TypeCode};
use pabal_telegram::Slice;
use serde::{Deserialize, Serialize};

use crate::bytes::{Bytes, hash};
use crate::core::Core;
use crate::declare::declare;
use crate::durable::Effect;
use crate::entry::{self, Entry, Frame, NoticeAbout, hide};
use crate::id::{Conn, ExchangeId, NoticeId};
use crate::output::Event;
use crate::reply::code_reply;
use crate::timer::TimerName;
use crate::transition::transitions;

declare! {
    /// How far the reply to a notice is. Whether a service has the notice is another matter: it waits for one in every state.
    pub enum NoticeState {
        Open = "open", "A service may say what is replied.";
        Waiting = "waiting", "It is said what is replied; the reply waits for a session that sends.";
        Sending = "sending", "The reply was given to a session; its entry is not durable, or its bytes are not all written.";
        Replied = "replied", "All bytes of the reply are written.";
        Unreplied = "unreplied", "Nothing is replied: it answers our own question, or no session could send before the date changed.";
    }
}

declare! {
    /// What changes the state of a notice.
    pub enum NoticeEvent {
        Decide = "decide", "A service says what is replied, or its time is over and the spec does.";
        Queue = "queue", "The reply was given to a session.";
        Written = "written", "The kernel took its last byte.";
        Lost = "lost", "The session ended before.";
        Repeat = "repeat", "It came again, and it is said what is replied.";
        Ask = "ask", "It came again, and a service may say what is replied.";
        DateChange = "date_change", "The business date has changed.";
    }
}

transitions!(NoticeState, NoticeEvent, notices {
    Open + Decide => Waiting;
    Open + Repeat => Waiting;
    Open + Ask => Open;
    Waiting + Queue => Sending;
    Waiting + Repeat => Waiting;
    Waiting + DateChange => Unreplied;
    Sending + Written => Replied;
    Sending + Lost => Waiting;
    Sending + Repeat => Sending;
    Replied + Repeat => Waiting;
    Replied + Ask => Open;
    Unreplied + Repeat => Waiting;
    Unreplied + Ask => Open;
});

/// A notice in memory: one that no service has yet, one that is not replied to yet, or one by which a repetition is known.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Notice {
    pub(crate) id: NoticeId,
    pub(crate) protocol: u16,
    pub(crate) about: Arc<NoticeAbout>,
    pub(crate) state: NoticeState,
    /// By which it is known again.
    pub(crate) key: Bytes,
    pub(crate) content: u64,
    /// Empty once a service has it and its reply is written: then only the key, the content's hash and the reply are of use.
    pub(crate) telegram: Bytes,
    /// It is an answer of the gap request, not a telegram of the notice's own layout.
    pub(crate) is_answer: bool,
    /// What we reply, with what of it is secret by the version that made it; `None` while a service may still say so, and where nothing is
    /// replied.
    pub(crate) reply: Option<Frame>,
    /// The service whose reply it is; `None` if the spec says what is replied.
    pub(crate) replier: Option<Box<str>>,
    /// It said so to this process, and was not told yet what became of it.
    pub(crate) awaits_report: bool,
    /// A lost session may have taken a part of the reply.
    pub(crate) may_have_left: bool,
    pub(crate) repeated: bool,
    pub(crate) joined: Option<ExchangeId>,
    /// A service has it, as it came last.
    pub(crate) is_delivered: bool,
    /// By which connection it came last: one that was made for it alone is where the reply is awaited. `None`: to an earlier process.
    pub(crate) came_by: Option<Conn>,
    /// When it came last; if that was to an earlier process, when this one began.
    pub(crate) came_at: Mono,
    /// The business date on which it came last.
    pub(crate) came_on: BusinessDate,
}

impl Notice {
    /// The layout of its telegram.
    pub(crate) fn layout(&self, protocol: &Protocol, rule: &NoticeRule) -> TelegramId {
        let gap = rule.gap.as_ref().filter(|_| self.is_answer);
        let answer = gap.and_then(|gap| protocol.rules.exchanges.get(usize::from(gap.exchange.0)));
        answer.map_or(rule.request.telegram, |exchange| exchange.answer.telegram)
    }

    /// Nothing more happens to it by itself.
    pub(crate) const fn is_settled(&self) -> bool {
        self.is_delivered && matches!(self.state, NoticeState::Replied | NoticeState::Unreplied)
    }
}

/// The notices in memory.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Notices {
    pub(crate) known: BTreeMap<NoticeId, Notice>,
    #[serde(with = "crate::pairs")]
    keys: BTreeMap<Bytes, NoticeId>,
    /// Durable ones that no service has.
    undelivered: BTreeSet<NoticeId>,
    /// Ones to which nothing more happens by itself.
    settled: BTreeSet<NoticeId>,
    /// Replies that wait for a session of their protocol.
    pub(crate) waiting: BTreeSet<(u16, NoticeId)>,
}

impl Notices {
    pub(crate) fn find(&self, key: &[u8]) -> Option<&Notice> {
        self.known.get(self.keys.get(key)?)
    }

    pub(crate) fn insert(&mut self, notice: Notice) {
        let id = notice.id;
        self.keys.insert(notice.key.clone(), id);
        self.known.insert(id, notice);
        self.sort(id);
    }

    /// Puts a notice where it belongs after a change; drops the telegram of one that is settled.
    pub(crate) fn sort(&mut self, id: NoticeId) {
        let Some(notice) = self.known.get_mut(&id) else { return };
        let place = (notice.protocol, id);
        if notice.state == NoticeState::Waiting {
            self.waiting.insert(place);
        } else {
            self.waiting.remove(&place);
        }
        if notice.is_settled() {
            notice.telegram = Bytes::default();
            self.settled.insert(id);
        } else {
            self.settled.remove(&id);
        }
    }

    /// It is durable, so that services may have it.
    pub(crate) fn offer(&mut self, id: NoticeId) {
        if self.known.get(&id).is_some_and(|notice| !notice.is_delivered) {
            self.undelivered.insert(id);
        }
    }

    /// A service has it.
    fn delivered(&mut self, id: NoticeId) -> bool {
        if !self.undelivered.remove(&id) {
            return false;
        }
        if let Some(notice) = self.known.get_mut(&id) {
            notice.is_delivered = true;
        }
        self.sort(id);
        true
    }

    pub(crate) fn undelivered(&self, after: Option<NoticeId>, max: usize) -> Vec<NoticeId> {
        let behind = (after.map_or(Bound::Unbounded, Bound::Excluded), Bound::Unbounded);
        self.undelivered.range(behind).take(max).copied().collect()
    }

    pub(crate) fn is_offered(&self, id: NoticeId) -> bool {
        self.undelivered.contains(&id)
    }

    /// Whether something of a version may still be delivered or replied to.
    pub(crate) fn are_read_by(&self, institution: &Institution) -> bool {
        let digests = || institution.protocols.iter().map(|protocol| protocol.digest);
        let open = self.known.values().filter(|notice| !notice.is_settled());
        open.into_iter().any(|notice| digests().any(|digest| digest == notice.about.spec))
    }

    /// Some service may still say what is replied, or a reply waits to leave.
    pub(crate) fn is_reply_awaited(&self) -> bool {
        !self.waiting.is_empty() || self.known.values().any(|notice| notice.state == NoticeState::Open)
    }

    /// The same for the notices of one protocol.
    pub(crate) fn is_reply_awaited_of(&self, protocol: u16) -> bool {
        let is_awaited = |one: &Notice| matches!(one.state, NoticeState::Open | NoticeState::Waiting);
        self.known.values().any(|notice| notice.protocol == protocol && is_awaited(notice))
    }

    /// How many have a reply that has not left, or may still get one.
    pub(crate) fn unreplied(&self) -> usize {
        let settled = [NoticeState::Replied, NoticeState::Unreplied];
        self.known.values().filter(|notice| !settled.contains(&notice.state)).count()
    }

    /// The one that goes first if there are too many: the oldest that is settled, else the oldest whose reply is not on its way.
    fn first_to_go(&self) -> Option<NoticeId> {
        let oldest = || self.known.values().find(|notice| notice.state != NoticeState::Sending).map(|notice| notice.id);
        self.settled.first().copied().or_else(oldest)
    }

    fn remove(&mut self, id: NoticeId) -> Option<Notice> {
        let notice = self.known.remove(&id)?;
        if self.keys.get(&notice.key[..]) == Some(&id) {
            self.keys.remove(&notice.key[..]);
        }
        self.undelivered.remove(&id);
        self.settled.remove(&id);
        self.waiting.remove(&(notice.protocol, id));
        Some(notice)
    }

    /// What came last so long ago that nothing of it is sent again: the rest of its date and the whole of the next one are over. By no
    /// date, since a wall clock that leaps, however far, and comes back would find nothing of what was replied to before.
    fn forget_old(&mut self, protocol: u16, now: Now) {
        let is_old = |notice: &Notice| notice.protocol == protocol && notice.came_at + KEPT <= now.mono;
        let settled = self.settled.iter().filter(|id| self.known.get(*id).is_some_and(is_old));
        for id in settled.copied().collect::<Vec<_>>() {
            self.remove(id);
        }
    }
}

/// How long a repetition is known at least, however the wall clock goes.
const KEPT: Duration = Duration::from_secs(48 * 3_600);

/// What a frame of a notice is, before it is known whether it came before.
struct Telling<'a> {
    protocol: u16,
    rule: NoticeRuleId,
    frame: &'a [u8],
    key: Vec<u8>,
    content: u64,
}

impl Core {
    /// The institution tells us something. It is kept first; the reply leaves when both are durable.
    pub(crate) fn notice(&mut self, slot: usize, conn: Conn, rule: NoticeRuleId, frame: &[u8], now: Now) {
        let protocol = self.state.sessions[slot].protocol;
        let rules = &self.books[usize::from(protocol)].protocol.rules;
        let asked = &rules.notices[usize::from(rule.0)];
        let telegram = asked.request.telegram;
        let Some(key) = key_of(&rules.key, frame) else {
            let reason = String::from("a notice that is too short to have a key");
            self.unclaimed_as(slot, telegram, frame, reason);
            return;
        };
        let content = self.content(protocol, telegram, frame);
        let telling = Telling { protocol, rule, frame, key, content };
        match self.state.notices.find(&self.known_by(protocol, rule, &telling.key)) {
            None => self.first_time(telling, conn, now),
            // What we had asked for is the same notice in another layout.
            Some(earlier) if earlier.content == content || earlier.is_answer => {
                let id = earlier.id;
                self.again(id, telling, conn, now);
            }
            Some(earlier) => {
                let reason = format!("it has the key of notice {}, but another content", earlier.id);
                self.unclaimed_as(slot, telegram, frame, reason);
                return;
            }
        }
        self.asking_is_over(protocol, rule, frame, conn, now);
    }

    fn first_time(&mut self, telling: Telling<'_>, conn: Conn, now: Now) {
        let Telling { protocol, rule, frame, key, content } = telling;
        let id = self.next_notice(now);
        let trace = self.new_trace();
        let about = Arc::new(self.notice_about(protocol, rule, frame, None, trace, now));
        let known_by = self.known_by(protocol, rule, &key);
        let spec = &self.books[usize::from(protocol)].protocol;
        let asked = &spec.rules.notices[usize::from(rule.0)];
        let (telegram, joins) = (asked.request.telegram, asked.joins.is_some());
        let (state, reply, within) = match &asked.answered {
            Answered::ByGateway { response_code } => {
                (NoticeState::Waiting, Some(code_reply(spec, asked, frame, response_code)), None)
            }
            Answered::ByService { within, .. } => (NoticeState::Open, None, Some(*within)),
        };
        if let Some(within) = within {
            self.state.timers.set(TimerName::Notice(id), now.mono + within);
        }
        self.receive_notice(id, &about, conn, key, false, (telegram, frame, content), now);
        let joined = if joins { self.join(id, &about, protocol, rule, frame) } else { None };
        let came_on = about.date;
        self.state.notices.insert(Notice {
            id,
            protocol,
            about,
            state,
            key: known_by,
            content,
            telegram: Bytes::from(frame),
            is_answer: false,
            reply,
            replier: None,
            awaits_report: false,
            may_have_left: false,
            repeated: false,
            joined,
            is_delivered: false,
            came_by: Some(conn),
            came_at: now.mono,
            came_on,
        });
        self.when_durable(Effect::Deliver(id));
        self.reply_now_or_later(id);
        self.evict_notices();
    }

    /// It came before: it has the same name and gets the same reply, and services hear it again.
    fn again(&mut self, id: NoticeId, telling: Telling<'_>, conn: Conn, now: Now) {
        let Telling { protocol, rule, frame, key, content } = telling;
        let Some(notice) = self.state.notices.known.get(&id) else { return };
        let spec = &self.books[usize::from(protocol)].protocol;
        let asked = &spec.rules.notices[usize::from(rule.0)];
        // It stays what it was, as does its reply; but until now perhaps only its answer was here, which says nothing of its own layout, or its
        // version is gone, or the one in force names it otherwise, and nobody would know it by the old name.
        let own = self.version_of(protocol, &notice.about).filter(|_| !notice.is_answer);
        let own = own.and_then(|own| Some((own, own.rules.notice(&notice.about.rule)?.1)));
        let telegram = asked.request.telegram;
        let (about, spec, asked) = match own.filter(|_| spec.rules.notice(&notice.about.rule).is_some()) {
            Some((spec, asked)) => (Arc::clone(&notice.about), spec, asked),
            None => {
                let about = NoticeAbout::clone(&notice.about);
                (Arc::new(NoticeAbout { rule: asked.name.clone(), spec: spec.digest, ..about }), spec, asked)
            }
        };
        let (event, reply) = match (&notice.reply, &asked.answered) {
            (Some(reply), _) => (NoticeEvent::Repeat, Some(reply.clone())),
            (None, Answered::ByGateway { response_code }) => {
                (NoticeEvent::Repeat, Some(code_reply(spec, asked, frame, response_code)))
            }
            (None, Answered::ByService { within, .. }) => {
                if self.state.timers.get(&TimerName::Notice(id)).is_none() {
                    self.state.timers.set(TimerName::Notice(id), now.mono + *within);
                }
                (NoticeEvent::Ask, None)
            }
        };
        self.receive_notice(id, &about, conn, key, true, (telegram, frame, content), now);
        let came_on = self.state.conversations[usize::from(protocol)].day.date;
        if let Some(notice) = self.state.notices.known.get_mut(&id) {
            notice.state.step(event, &mut self.fired);
            notice.about = about;
            notice.reply = reply;
            notice.telegram = Bytes::from(frame);
            notice.content = content;
            notice.is_answer = false;
            notice.repeated = true;
            notice.is_delivered = false;
            notice.came_by = Some(conn);
            notice.came_at = now.mono;
            notice.came_on = came_on;
        }
        // Who takes the one before takes not this one, which is offered when it is durable.
        self.state.notices.undelivered.remove(&id);
        self.state.notices.sort(id);
        self.when_durable(Effect::Deliver(id));
        self.reply_now_or_later(id);
    }

    /// The institution's answer to our question for a hole: the notice that did not come. Nothing is replied to it.
    pub(crate) fn recovered(&mut self, found: Recovered<'_>, conn: Conn, now: Now) {
        let Recovered { protocol, rule, telegram, frame, exchange, trace } = found;
        let rules = &self.books[usize::from(protocol)].protocol.rules;
        let Some(key) = key_of(&rules.key, frame) else { return };
        let known_by = self.known_by(protocol, rule, &key);
        if self.state.notices.find(&known_by).is_some() {
            return;
        }
        let id = self.next_notice(now);
        let trace = match trace {
            Some(trace) => trace,
            None => self.new_trace(),
        };
        let about = Arc::new(self.notice_about(protocol, rule, frame, Some(exchange), trace, now));
        let content = self.content(protocol, telegram, frame);
        self.receive_notice(id, &about, conn, key, false, (telegram, frame, content), now);
        let came_on = about.date;
        self.state.notices.insert(Notice {
            id,
            protocol,
            about,
            state: NoticeState::Unreplied,
            key: known_by,
            content,
            telegram: Bytes::from(frame),
            is_answer: true,
            reply: None,
            replier: None,
            awaits_report: false,
            may_have_left: false,
            repeated: false,
            joined: None,
            is_delivered: false,
            came_by: Some(conn),
            came_at: now.mono,
            came_on,
        });
        self.when_durable(Effect::Deliver(id));
        self.evict_notices();
    }

    /// Writes down that a notice came, and looks at its number.
    #[expect(clippy::too_many_arguments, reason = "each is a part of the entry that is made here and nowhere else")]
    fn receive_notice(
        &mut self,
        notice: NoticeId,
        about: &Arc<NoticeAbout>,
        conn: Conn,
        key: Vec<u8>,
        repeated: bool,
        (layout, frame, content): (TelegramId, &[u8], u64),
        now: Now,
    ) {
        let Some(protocol) = self.protocol_named(&about.protocol) else { return };
        let secrets = self.books[usize::from(protocol)].protocol.catalog.layout(layout).secrets();
        let telegram = Frame::sharing(Bytes::from(frame), secrets.into());
        let numbered = self.numbered(protocol, &about.rule, frame, now);
        let place = self.place(conn);
        let today = self.state.conversations[usize::from(protocol)].day.date;
        self.append(Entry::NoticeReceived(entry::NoticeReceived {
            notice,
            about: Arc::clone(about),
            place,
            key: Bytes::from(key),
            numbered: numbered.clone().map(Box::new),
            repeated,
            again_on: (today != about.date).then_some(today),
            reply_until: self.reply_until(notice, now),
            content,
            telegram: telegram.clone(),
        }));
        if let Some(numbered) = numbered {
            self.saw_number(protocol, about, &numbered, telegram, now);
        }
    }

    /// Until when a service may say what is replied to a notice, by the wall clock as it goes now.
    pub(crate) fn reply_until(&self, id: NoticeId, now: Now) -> Option<Wall> {
        self.state.timers.get(&TimerName::Notice(id)).map(|at| now.wall.plus(at.since(now.mono)))
    }

    fn notice_about(
        &self,
        protocol: u16,
        rule: NoticeRuleId,
        frame: &[u8],
        recovered_by: Option<ExchangeId>,
        trace: Arc<str>,
        now: Now,
    ) -> NoticeAbout {
        let spec = &self.books[usize::from(protocol)].protocol;
        let field = |at: Option<Slice>| Bytes::from(at.and_then(|at| at.of(frame)).unwrap_or_default());
        NoticeAbout {
            protocol: spec.name.clone(),
            rule: spec.rules.notices[usize::from(rule.0)].name.clone(),
            spec: spec.digest,
            participant: field(spec.rules.participant.as_ref().map(|(_, at)| *at)),
            date: self.state.conversations[usize::from(protocol)].day.date,
            received_at: now.wall,
            number: field(Some(spec.rules.number.at)),
            recovered_by,
            trace,
        }
    }

    /// A hash of what has to be the same if a notice comes again: its body, but for secret bytes, which are never kept. The header
    /// says when and how often it was sent.
    fn content(&self, protocol: u16, telegram: TelegramId, frame: &[u8]) -> u64 {
        let spec = &self.books[usize::from(protocol)].protocol;
        let mut shown = frame.to_vec();
        hide(&mut shown, &spec.catalog.layout(telegram).secrets());
        let body = usize::try_from(spec.rules.header).unwrap_or(usize::MAX).min(shown.len());
        hash([shown.get(body..).unwrap_or_default()])
    }

    /// By what a notice is known again: its key among the notices of its kind. If the key has no date, the business date is a part of it.
    pub(crate) fn known_by(&self, protocol: u16, rule: NoticeRuleId, key: &[u8]) -> Bytes {
        let book = &self.books[usize::from(protocol)];
        let date = self.state.conversations[usize::from(protocol)].day.date;
        known_by(protocol, book.key_is_dated, &book.protocol.rules.notices[usize::from(rule.0)].request, date, key)
    }

    /// Beyond the bound, the oldest is in the journal only.
    pub(crate) fn evict_notices(&mut self) {
        let max = usize::try_from(self.state.limits.notices_max).unwrap_or(usize::MAX).max(1);
        while self.state.notices.known.len() > max {
            let Some(id) = self.state.notices.first_to_go() else { return };
            // Nobody else would say what is replied. A reply that waits is in the journal, and may leave by the next process: nothing is told of it.
            self.service_too_late(id);
            self.state.timers.stop(&TimerName::Notice(id));
            let evicted = self.state.notices.remove(id);
            if evicted.is_some_and(|notice| !notice.is_delivered) {
                self.event(Event::NoticeEvicted { notice: id });
            }
        }
    }

    /// A service has a notice.
    pub(crate) fn notice_delivered(&mut self, id: NoticeId, caller: &str) {
        if self.state.notices.delivered(id) {
            let about = self.state.notices.known.get(&id).map(|notice| Arc::clone(&notice.about));
            self.append(Entry::NoticeDelivered(entry::NoticeDelivered { notice: id, about, caller: caller.into() }));
        }
    }

    /// The business date has changed. A reply that no session has taken yet is sent only if the notice comes again.
    pub(crate) fn notices_of_yesterday(&mut self, protocol: u16, now: Now) {
        let mine = (protocol, NoticeId(0))..=(protocol, NoticeId(u128::MAX));
        for (_, id) in self.state.notices.waiting.range(mine).copied().collect::<Vec<_>>() {
            self.reply_of_yesterday(id);
        }
        self.state.notices.forget_old(protocol, now);
        self.gaps_of_yesterday(protocol, now);
    }

    /// The version by which a notice is read and replied to, and its rule there.
    pub(crate) fn rule_of<'a>(&'a self, notice: &Notice) -> Option<(&'a Arc<Protocol>, &'a NoticeRule)> {
        let newest = &self.books[usize::from(notice.protocol)].protocol;
        let protocol = self.version_of(notice.protocol, &notice.about).unwrap_or(newest);
        let (_, rule) = protocol.rules.notice(&notice.about.rule)?;
        Some((protocol, rule))
    }

    /// The version in which a notice came first, if anything of it is kept.
    fn version_of(&self, protocol: u16, about: &NoticeAbout) -> Option<&Arc<Protocol>> {
        let newest = &self.books[usize::from(protocol)].protocol;
        let older = self.older.iter().flat_map(|institution| &institution.protocols);
        let pinned = self.plans.iter().map(|plan| &plan.protocol);
        let mut known = core::iter::once(newest).chain(older).chain(pinned);
        known.find(|one| one.name == newest.name && one.digest == about.spec)
    }
}

/// An answer that is the notice which did not come.
pub(crate) struct Recovered<'a> {
    pub(crate) protocol: u16,
    pub(crate) rule: NoticeRuleId,
    pub(crate) telegram: TelegramId,
    pub(crate) frame: &'a [u8],
    pub(crate) exchange: ExchangeId,
    pub(crate) trace: Option<Arc<str>>,
}

/// The bytes of a telegram's correlation key.
pub(crate) fn key_of(fields: &[Slice], frame: &[u8]) -> Option<Vec<u8>> {
    let mut key = Vec::new();
    for field in fields {
        key.extend_from_slice(field.of(frame)?);
    }
    Some(key)
}

/// The bytes that mark a kind of telegram; two layouts of one kind have the same.
pub(crate) fn kind_of(code: &TypeCode) -> Bytes {
    Bytes::from(code.bytes.iter().flat_map(|(_, bytes)| bytes.iter().copied()).collect::<Vec<u8>>())
}

/// See [`Core::known_by`].
pub(crate) fn known_by(protocol: u16, is_dated: bool, code: &TypeCode, date: BusinessDate, key: &[u8]) -> Bytes {
    let date = if is_dated { 0 } else { date.date().yyyymmdd() };
    let mut known_by = Vec::with_capacity(16 + key.len());
    known_by.extend_from_slice(&protocol.to_be_bytes());
    known_by.extend_from_slice(&date.to_be_bytes());
    known_by.extend_from_slice(&kind_of(code));
    known_by.extend_from_slice(key);
    Bytes::from(known_by)
}
