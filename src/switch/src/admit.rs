//! Taking in a request: known key, validity and deadline, stop, controls, calendar, opening, session, rate, queue; in this order.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use pabal_clock::{Judged, Mono, Now, Wall};
use pabal_telegram::Slice;

use crate::block::taken_from;
use crate::book::{Book, put};
use crate::bytes::{Bytes, hash};
use crate::core::{Core, Open, Opened};
use crate::durable::Effect;
use crate::entry::{self, About, Entry, Frame, Origin, hide};
use crate::exchange::{Exchange, ExchangeState, Holds};
use crate::id::ExchangeId;
use crate::keys::Bound;
use crate::opening::OpeningState;
use crate::outcome::Outcome;
use crate::plan::Plan;
use crate::refusal::Refusal;
use crate::settings::Party;
use crate::state::State;

/// A request, whoever makes it.
pub(crate) struct Request {
    pub(crate) plan: Arc<Plan>,
    pub(crate) origin: Origin,
    pub(crate) caller: Box<str>,
    pub(crate) key: Option<Box<str>>,
    pub(crate) content: u64,
    /// By its place in the settings.
    pub(crate) party: usize,
    pub(crate) telegram: Bytes,
    pub(crate) deadline: Mono,
    /// Who asks takes an UNKNOWN that comes before the institution's time is over.
    pub(crate) accepts_early_unknown: bool,
    pub(crate) trace: Option<Arc<str>>,
}

type Refused = (Refusal, String);

impl Core {
    pub(crate) fn open_request(&mut self, open: Open, now: Now) -> Result<Opened, Refused> {
        let content = match &open.idempotency_key {
            Some(_) => open.content(),
            None => 0,
        };
        if let Some(key) = &open.idempotency_key {
            match self.state.keys.find(&open.caller, key) {
                Some(Bound::To(exchange)) => return self.open_again(exchange, content),
                Some(Bound::Fenced) => {
                    return Err((Refusal::KeyFenced, format!("idempotency key `{key}` was fenced; use a new one")));
                }
                None => {}
            }
        }
        let party = self.party(&open)?;
        let request = Request {
            plan: open.plan,
            origin: Origin::Caller,
            caller: open.caller,
            key: open.idempotency_key,
            content,
            party,
            telegram: open.telegram,
            deadline: open.deadline,
            accepts_early_unknown: open.accepts_early_unknown,
            trace: open.trace,
        };
        self.admit(request, now).map(Opened::New)
    }

    /// A key that is known is answered from its exchange.
    fn open_again(&mut self, id: ExchangeId, content: u64) -> Result<Opened, Refused> {
        let Some(exchange) = self.state.exchanges.get(&id) else { return Ok(Opened::Known(id)) };
        if exchange.about.content != content {
            let text = format!("the idempotency key belongs to exchange {id}, which has another content");
            return Err((Refusal::KeyReused, text));
        }
        // What was told as the journal failed is not durable, so it is no outcome: the error is repeated, and is as true as before.
        if let Some(Outcome::Failure { refusal: Some(Refusal::JournalFailed), .. }) = exchange.told {
            return Err((Refusal::JournalFailed, format!("the journal had failed before exchange {id} was sent")));
        }
        if exchange.has_answer_in_journal() {
            return Ok(Opened::Known(id));
        }
        // An outcome that is not durable yet is told when it is, and its answer with it.
        if let Some(outcome) = exchange.told {
            let answer = exchange.answer.clone().filter(|_| exchange.outcome == Some(outcome));
            self.finish(id, outcome, None, answer);
        }
        Ok(Opened::Known(id))
    }

    /// The place of a plan's protocol among those of the institution.
    fn protocol_of(&self, plan: &Plan) -> Option<u16> {
        let is = |book: &Book| Arc::ptr_eq(&book.protocol, &plan.protocol) || book.protocol.name == plan.protocol.name;
        self.books.iter().position(is).and_then(|at| u16::try_from(at).ok())
    }

    /// The party that a call names; else the first that has its participant, if any lists participants, and is for its exchange.
    fn party(&self, open: &Open) -> Result<usize, Refused> {
        let parties = &self.settings.parties;
        let exchange = &open.plan.exchange().name;
        let is_for = |party: &Party| party.exchanges.is_empty() || party.exchanges.contains(exchange);
        let refused = |text: String| {
            let known: Vec<&str> = parties.iter().map(|party| &*party.name).collect();
            Err((Refusal::UnknownParty, format!("{text}; there are: {}", known.join(", "))))
        };
        if let Some(name) = &open.party {
            return match parties.iter().position(|party| party.name == *name) {
                None => refused(format!("no party `{name}` is configured")),
                Some(at) if !is_for(&parties[at]) => {
                    refused(format!("party `{name}` is for {}, not for `{exchange}`", parties[at].exchanges.join(", ")))
                }
                Some(at) => Ok(at),
            };
        }
        let place = open.plan.protocol.rules.participant.as_ref();
        let participant = place.and_then(|(_, at)| at.of(&open.telegram));
        let value = participant.unwrap_or_default();
        let book = self.protocol_of(&open.plan).map(|at| &self.books[usize::from(at)]);
        let lists = book.is_none_or(|book| book.lists_participants);
        let lists_it = |at: usize| match book.and_then(|book| book.parties.get(at)) {
            Some(named) => named.participants.get(value).is_some(),
            None => parties[at].participants.iter().any(|one| *one.value == *value),
        };
        let has = |at: usize| participant.is_none() || !lists || lists_it(at);
        match parties.iter().enumerate().position(|(at, party)| is_for(party) && has(at)) {
            Some(at) => Ok(at),
            None => {
                let bank = participant.map(|value| format!(" with `{}`", crate::bytes::readable(value)));
                refused(format!("no party is configured for `{exchange}`{}", bank.unwrap_or_default()))
            }
        }
    }

    /// Takes in a request, and lets it leave at once if there is room.
    pub(crate) fn admit(&mut self, mut request: Request, now: Now) -> Result<ExchangeId, Refused> {
        let protocol = self.valid(&request)?;
        // An inquiry goes by the name under which the institution knows the original.
        let original = match request.origin {
            Origin::Inquiry { original, .. } => self.state.exchanges.get(&original).map(|one| one.about.party.clone()),
            _ => None,
        };
        let Request { plan, telegram, party, .. } = &mut request;
        let book = &self.books[usize::from(protocol)];
        let telegram = telegram.for_writing();
        for (at, bytes) in &plan.exchange().request.bytes {
            put(telegram, *at, bytes);
        }
        if original.is_none()
            && let Some(named) = book.parties.get(*party)
        {
            let participant = plan.protocol.rules.participant.as_ref().and_then(|(_, at)| at.of(telegram));
            let participant = Bytes::from(participant.unwrap_or_default());
            for (at, bytes) in named.to(&participant) {
                put(telegram, *at, bytes);
            }
        }
        self.may_work(request.deadline, now)?;
        let leave_by = self.leave_by(&request, now)?;
        self.may_by_controls(protocol, &request.origin, &request.plan, &request.telegram, now)?;
        self.may_ask_now(protocol, &request.plan, &request.telegram, now)?;
        let opening = self.opening_of(protocol, &request.telegram);
        if !self.opens(&request.plan) {
            self.may_do_business(protocol, opening, &request.telegram)?;
        }
        self.state.sessions.count();
        self.pair_is_up(protocol)?;
        let rules = &request.plan.protocol.rules;
        let field =
            |place: Option<Slice>| Bytes::from(place.and_then(|at| at.of(&request.telegram)).unwrap_or_default());
        let participant = field(rules.participant.as_ref().map(|(_, at)| *at));
        let compartment = field(rules.compartment.as_ref().map(|(_, at)| *at));
        self.is_taken_for(&request.origin, &compartment)?;
        let conversation = &self.state.conversations[usize::from(protocol)];
        let paced = self.paced(protocol, &compartment, now);
        if let (Some(paced), Origin::Caller) = (&paced, &request.origin) {
            self.may_by_rate(protocol, &compartment, paced, now)?;
        }
        let may_pass = paced.is_none() && conversation.waiting.may_pass(&compartment, self.room(protocol));
        let slot = if may_pass { self.sender(protocol) } else { None };
        if slot.is_none() && request.origin == Origin::Caller {
            self.may_wait(protocol, &compartment)?;
        }
        let about = About {
            protocol: Arc::clone(&request.plan.names[0]),
            rule: Arc::clone(&request.plan.names[1]),
            spec: request.plan.protocol.digest,
            origin: request.origin,
            caller: request.caller,
            idempotency_key: request.key,
            content: request.content,
            party: original
                .or_else(|| book.parties.get(request.party).map(|party| Arc::clone(&party.name)))
                .unwrap_or_default(),
            participant,
            compartment,
            date: conversation.day.date,
            accepted_at: now.wall,
            trace: request.trace,
        };
        let until = (request.deadline, leave_by);
        let is_newest = Arc::ptr_eq(&self.books[usize::from(protocol)].protocol, &request.plan.protocol);
        let id = self.take_in(request.plan, protocol, about, opening, request.telegram, until, now);
        match slot {
            // An older version's telegram may have changed on a date.
            Some(slot) if is_newest => self.leave(id, slot, now),
            Some(slot) => self.depart(id, slot, now),
            None => self.wait(id),
        }
        Ok(id)
    }

    #[expect(clippy::too_many_arguments, reason = "each is a part of the exchange that is made here and nowhere else")]
    fn take_in(
        &mut self,
        plan: Arc<Plan>,
        protocol: u16,
        about: About,
        opening: Option<u32>,
        telegram: Bytes,
        (deadline, leave_by): (Mono, Option<Mono>),
        now: Now,
    ) -> ExchangeId {
        let id = ExchangeId(self.state.ids.next(&mut self.state.dice, now.wall));
        if let Some(key) = &about.idempotency_key {
            self.state.keys.bind(&about.caller, key, Bound::To(id));
        }
        let told_by = (deadline != Mono::NEVER).then(|| deadline.minus(self.state.limits.caller_margin));
        let about = Arc::new(about);
        self.append(Entry::Accepted(entry::Accepted { exchange: id, about: Arc::clone(&about), telegram: None }));
        let mut exchange = Exchange {
            id,
            plan: self.plan_place(plan),
            protocol,
            state: ExchangeState::Accepted,
            about,
            opening,
            leave_by,
            telegram,
            confirms: Bytes::default(),
            number: None,
            key: Bytes::default(),
            sent: None,
            takes_room: false,
            has_their_number: false,
            outcome: None,
            told: None,
            answer: None,
            inquiry: None,
            is_tombstoned: false,
            is_listed: false,
            holds: Holds::default(),
        };
        if let Some(until) = leave_by.or(told_by) {
            exchange.set_caller(&mut self.state.timers, until);
        }
        self.state.exchanges.insert(id, exchange);
        self.evict_keys();
        id
    }

    /// Whether one more request of a caller may wait.
    fn may_wait(&self, protocol: u16, compartment: &Bytes) -> Result<(), Refused> {
        let limits = &self.state.limits;
        let waiting = self.state.conversations[usize::from(protocol)].waiting.len_of(compartment);
        if waiting >= limits.waiting_max {
            let text = format!("{waiting} requests for compartment `{}` wait already", compartment.readable());
            return Err((Refusal::QueueFull, text));
        }
        let waiting = self.waiting();
        if waiting >= limits.waiting_total_max {
            return Err((Refusal::QueueFull, format!("{waiting} requests for the institution wait already")));
        }
        Ok(())
    }

    /// How many requests wait for room.
    pub(crate) fn waiting(&self) -> u32 {
        self.state.conversations.iter().fold(0, |sum, one| sum.saturating_add(one.waiting.len()))
    }

    /// There is no room: the request waits, and its telegram is kept in its first entry.
    fn wait(&mut self, id: ExchangeId) {
        let Some(exchange) = self.state.exchanges.get(&id) else { return };
        let secrets = &self.plans[exchange.plan as usize].request_secrets;
        let frame = Frame::sharing(exchange.telegram.clone(), Arc::clone(secrets));
        if let Some(Entry::Accepted(accepted)) = self.entries.last_mut() {
            accepted.telegram = Some(frame);
        }
        let (protocol, compartment) = (exchange.protocol, exchange.about.compartment.clone());
        self.state.conversations[usize::from(protocol)].waiting.push(&compartment, id);
        // One that leaves at once waits for its next entry.
        self.when_durable(Effect::Accept(id));
    }

    /// Whether the telegram is a request of the exchange, by a protocol of this institution that some line speaks.
    fn valid(&self, request: &Request) -> Result<u16, Refused> {
        let plan = &request.plan;
        let Some(protocol) = self.protocol_of(plan) else {
            let text = format!("institution `{}` has no protocol `{}`", self.institution.name, plan.protocol.name);
            return Err((Refusal::WrongTelegram, text));
        };
        if !self.books[usize::from(protocol)].has_lines {
            return Err((Refusal::SendDown, format!("no line is configured for protocol `{}`", plan.protocol.name)));
        }
        let layout = plan.request_layout();
        if !crate::book::may_have(layout, &request.telegram) {
            let text = format!(
                "a request of `{}` is {} bytes, not {}; the length prefix is not part of it",
                plan.exchange().name,
                crate::book::lengths(layout),
                request.telegram.len()
            );
            return Err((Refusal::WrongTelegram, text));
        }
        Ok(protocol)
    }

    /// Whether something new may be written down. What goes on with something that is there already does not ask: each exchange and each
    /// notice makes a few entries, and no more come in.
    pub(crate) fn may_append(&self) -> Result<(), Refused> {
        if let Some(why) = &self.state.journal.failed {
            return Err((Refusal::JournalFailed, format!("the journal has failed: {why}")));
        }
        if self.journal_is_full() {
            let text = format!("{} entries wait to become durable", self.state.journal.undurable_entries);
            return Err((Refusal::JournalFull, text));
        }
        Ok(())
    }

    fn may_work(&self, deadline: Mono, now: Now) -> Result<(), Refused> {
        if self.is_stopping() {
            return Err((Refusal::Draining, self.stop_told()));
        }
        self.may_append()?;
        if deadline.minus(self.state.limits.caller_margin) <= now.mono {
            return Err((Refusal::DeadlinePassed, String::from("the deadline had passed when the request came")));
        }
        Ok(())
    }

    /// Whether an operator has stopped what callers ask of a compartment. What became of earlier requests may still be asked.
    pub(crate) fn is_taken_for(&self, origin: &Origin, compartment: &Bytes) -> Result<(), Refused> {
        match self.state.stops.compartments.get(compartment) {
            Some(stopped) if *origin == Origin::Caller => {
                Err((Refusal::Draining, format!("compartment `{}` is {stopped}", compartment.readable())))
            }
            _ => Ok(()),
        }
    }

    /// Until when a request must leave so that its caller hears all that the institution may say in time; `None` if that does not matter.
    fn leave_by(&self, request: &Request, now: Now) -> Result<Option<Mono>, Refused> {
        if request.accepts_early_unknown || request.deadline == Mono::NEVER {
            return Ok(None);
        }
        let (timeout, margin) = (request.plan.exchange().timeout, self.state.limits.caller_margin);
        let leave_by = request.deadline.minus(timeout + margin);
        if leave_by < now.mono {
            let (left, needed) = (request.deadline.since(now.mono), timeout + margin);
            let text = format!(
                "the caller waits {}ms more, but `{}` needs {}ms ({}ms for the answer, {}ms to tell it): wait longer, or accept an early UNKNOWN",
                left.as_millis(),
                request.plan.exchange().name,
                needed.as_millis(),
                timeout.as_millis(),
                margin.as_millis()
            );
            return Err((Refusal::DeadlineTooShort, text));
        }
        Ok(Some(leave_by))
    }

    /// Whether it is an hour for the request, by the newest version of the spec and by the site.
    pub(crate) fn may_ask_now(&self, protocol: u16, plan: &Plan, telegram: &[u8], now: Now) -> Result<(), Refused> {
        let at = self.civil(protocol, now);
        let protocol = &self.books[usize::from(protocol)].protocol;
        let participant = protocol.rules.participant.as_ref().and_then(|(_, at)| at.of(telegram)).unwrap_or_default();
        let exchange = &plan.exchange().name;
        for hours in [&protocol.rules.hours, &self.settings.hours] {
            if hours.open.is_empty() && hours.closed.is_empty() {
                continue;
            }
            let Judged::Closed { by, until } = hours.judge(exchange, participant, &self.settings.holidays, at) else {
                continue;
            };
            let with = match participant {
                [] => String::new(),
                _ => format!(" with `{}`", crate::bytes::readable(participant)),
            };
            let by = by.map_or_else(|| String::from("outside of its hours"), |hours| format!("closed {hours}"));
            let until = until.map(taken_from).unwrap_or_default();
            return Err((Refusal::OutOfHours, format!("`{exchange}`{with} is not taken now: {by}{until}")));
        }
        Ok(())
    }

    /// When such a request is taken again, if it is not now, by the hours of the spec and of the site; what else may stand in its way is asked
    /// for then.
    pub(crate) fn taken_at(&self, protocol: u16, exchange: &str, participant: &[u8], now: Now) -> Option<Wall> {
        let protocol = &self.books[usize::from(protocol)].protocol;
        let at = protocol.day.civil(now.wall);
        let until = [&protocol.rules.hours, &self.settings.hours].into_iter().filter_map(|hours| {
            match hours.judge(exchange, participant, &self.settings.holidays, at) {
                Judged::Closed { until, .. } => until,
                Judged::Open => None,
            }
        });
        until.max().map(|until| until.wall(protocol.day.zone))
    }

    fn may_do_business(&self, protocol: u16, opening: Option<u32>, telegram: &[u8]) -> Result<(), Refused> {
        let rules = &self.books[usize::from(protocol)].protocol.rules;
        let Some(rule) = &rules.opening else { return Ok(()) };
        let opening = opening.and_then(|at| self.state.openings.get(at as usize));
        let named = || {
            let values: Vec<String> =
                rule.per.iter().map(|at| crate::bytes::readable(at.of(telegram).unwrap_or_default())).collect();
            values.join(", ")
        };
        match opening {
            Some(opening) if opening.state == OpeningState::Open => Ok(()),
            Some(opening) => {
                let reason = opening.reason.as_deref().map(|reason| format!(": {reason}")).unwrap_or_default();
                Err((Refusal::NotOpen, format!("business with {} is {}{reason}", named(), opening.state)))
            }
            None => {
                let text = format!("business with {} is not among what the configuration opens", named());
                Err((Refusal::NotOpen, text))
            }
        }
    }

    pub(crate) fn pair_is_up(&self, protocol: u16) -> Result<(), Refused> {
        let (send, receive) = self.halves(protocol);
        let lines = |send: bool| {
            let carries = |line: &&crate::settings::LineSettings| match line.direction {
                crate::settings::Direction::Send => send,
                crate::settings::Direction::Receive => !send,
                crate::settings::Direction::Duplex => true,
            };
            let name = &self.books[usize::from(protocol)].protocol.name;
            let by_hand = |line: &crate::settings::LineSettings| {
                let ours = self.state.sessions.iter().filter(|one| self.line(one.id).name == line.name);
                let told = ours.filter_map(|one| {
                    let stopped = one.stopped.as_ref()?;
                    Some(format!(", connection {}/{} is {stopped}", line.name, one.id.slot))
                });
                told.collect::<String>()
            };
            let told = |line: &crate::settings::LineSettings| match self.state.stops.lines.get(&line.name) {
                Some(stopped) => format!("{} {stopped}", line.name),
                None => format!("{}{}", line.name, by_hand(line)),
            };
            let ours = self.settings.lines.iter().filter(|line| line.protocol == *name);
            let names: Vec<String> = ours.filter(carries).map(told).collect();
            names.join(", ")
        };
        match (send, receive) {
            (true, true) => Ok(()),
            (false, _) => Err((Refusal::SendDown, format!("no session to send on is up (lines: {})", lines(true)))),
            (true, false) => {
                let text = format!("no session that brings the answer is up (lines: {})", lines(false));
                Err((Refusal::ReceiveDown, text))
            }
        }
    }

    /// Drops the oldest keys beyond the bound; fences count as well.
    pub(crate) fn evict_keys(&mut self) {
        while self.evict_key() {}
    }

    fn evict_key(&mut self) -> bool {
        let max = self.state.limits.idempotency_keys_max;
        let State { exchanges, unknown, orphans, keys, .. } = &mut self.state;
        let is_live = |id| {
            let open = |exchange: &Exchange| exchange.state.is_waiting() || exchange.state.is_in_flight();
            unknown.contains(&id) || orphans.contains_key(&id) || exchanges.get(&id).is_some_and(open)
        };
        let evicted = keys.evict(max, is_live);
        if let Some(Bound::To(id)) = evicted {
            self.forget(id);
        }
        evicted.is_some()
    }
}

impl Open {
    /// A hash of what a request asks for, but for its secret bytes: they are never kept, not even so. Two requests with one
    /// idempotency key ask for the same if their hashes are the same; [`About::content`] has it of an accepted one.
    #[must_use]
    pub fn content(&self) -> u64 {
        let mut shown = self.telegram.to_vec();
        hide(&mut shown, &self.plan.request_secrets);
        let party = self.party.as_deref().unwrap_or_default();
        hash([self.plan.exchange().name.as_bytes(), party.as_bytes(), &shown])
    }
}
