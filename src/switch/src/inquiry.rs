//! Inquiries: another exchange that tells what became of an UNKNOWN.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use core::time::Duration;

use pabal_clock::{Mono, Now, Wall};
use pabal_spec::{ExchangeRule, ExchangeRuleId, Unknown};
use pabal_telegram::Side;

use crate::admit::Request;
use crate::book::{blank, carry, compute};
use crate::business::RETRY_MIN;
use crate::bytes::Bytes;
use crate::core::{Core, Inquire};
use crate::entry::{self, Entry, Frame, Origin};
use crate::exchange::{ExchangeEvent, ExchangeState};
use crate::id::{Conn, ExchangeId};
use crate::outcome::{Cause, Outcome};
use crate::output::Event;
use crate::plan::Plan;
use crate::receive::is_damaged;
use crate::refusal::Refusal;
use crate::state::Day;
use crate::timer::TimerName;

/// No schedule asks sooner after a start: sessions and openings come first.
const AFTER_START: Duration = Duration::from_secs(10);

/// An inquiry that could not be asked is tried again so soon, whatever the schedule's pace: the institution has heard nothing yet.
const UNASKED_RETRY: Duration = Duration::from_secs(30);

/// Who asks about an exchange.
struct Asker {
    actor: Box<str>,
    reason: Box<str>,
    trace: Option<Arc<str>>,
    deadline: Mono,
}

impl Core {
    pub(crate) fn inquire_by_hand(&mut self, inquire: Inquire, now: Now) -> Result<ExchangeId, (Refusal, String)> {
        let Inquire { exchange, actor, reason, trace, deadline } = inquire;
        self.ask(exchange, Asker { actor, reason, trace, deadline }, now)
    }

    /// The plan of an exchange as it is asked about: its own; but where the inquiry has changed on a date and the request has not, the newest.
    fn asked_by(&self, protocol: u16, plan: Arc<Plan>) -> Arc<Plan> {
        let Some(by) = settled_by(&plan) else { return plan };
        let inquiry = Plan::new(Arc::clone(&plan.protocol), by);
        if !self.is_overtaken(protocol, &inquiry) || self.is_overtaken(protocol, &plan) {
            return plan;
        }
        let newest = &self.books[usize::from(protocol)].protocol;
        let same = newest.rules.exchanges.iter().position(|rule| rule.name == plan.exchange().name);
        let Some(rule) = same.and_then(|at| u16::try_from(at).ok()) else { return plan };
        Arc::new(Plan::new(Arc::clone(newest), ExchangeRuleId(rule)))
    }

    /// Takes in an inquiry about an exchange.
    fn ask(&mut self, id: ExchangeId, asker: Asker, now: Now) -> Result<ExchangeId, (Refusal, String)> {
        let no = |text: String| Err((Refusal::NotInquirable, text));
        if let Some(orphan) = self.state.orphans.get(&id) {
            let spec = orphan.about().spec;
            return no(format!("exchange {id} began with version {spec} of the spec, which is not there any more"));
        }
        let Some(original) = self.state.exchanges.get(&id) else {
            return no(format!("exchange {id} is not among those in memory"));
        };
        if original.state.on(ExchangeEvent::Inquire).is_none() {
            return no(format!(
                "exchange {id} is {}: it is asked about when it is UNKNOWN and its time is over",
                original.state
            ));
        }
        if !self.has_left(id) {
            // What the institution does not know yet it calls unknown to it, and then the bytes leave.
            return no(format!("not all bytes of exchange {id} have left: it cannot be asked about before they have"));
        }
        let plan = Arc::clone(&self.plans[original.plan as usize]);
        let plan = self.asked_by(original.protocol, plan);
        let Some(by) = settled_by(&plan) else {
            return no(format!("no exchange of the spec settles `{}`", plan.exchange().name));
        };
        let today = plan.protocol.day.business_date(now.wall);
        if today != original.about.date {
            // Numbers restart daily: the institution would look for another request that has the same one.
            return no(format!("exchange {id} is of business date {}, and today is {today}", original.about.date));
        }
        let party = original.about.party.clone();
        let trace = asker.trace.or_else(|| original.about.trace.clone());
        let inquiry = Arc::new(Plan::new(Arc::clone(&plan.protocol), by));
        let rules = &inquiry.protocol.rules;
        let mut telegram = blank(inquiry.request_layout(), Side::Asker);
        for (_, at) in &rules.party {
            carry(&original.telegram, *at, &mut telegram, *at);
        }
        if let Some((_, at)) = &rules.participant {
            carry(&original.telegram, *at, &mut telegram, *at);
        }
        for fill in inquiry.exchange().settles.iter().flat_map(|rule| &rule.fill) {
            carry(&original.telegram, fill.from, &mut telegram, fill.to);
        }
        compute(inquiry.request_layout(), Side::Asker, &mut telegram);
        let request = Request {
            plan: inquiry,
            origin: Origin::Inquiry { original: id, actor: asker.actor, reason: asker.reason },
            caller: Box::default(),
            key: None,
            content: 0,
            party: self.settings.parties.iter().position(|known| *known.name == *party).unwrap_or(usize::MAX),
            telegram: Bytes::from(telegram),
            deadline: asker.deadline,
            accepts_early_unknown: true,
            trace: Some(trace.unwrap_or_else(|| self.new_trace())),
        };
        // Before it is taken in: an inquiry that cannot leave is over at once.
        if let Some(original) = self.state.exchanges.get_mut(&id) {
            original.state.step(ExchangeEvent::Inquire, &mut self.fired);
        }
        match self.admit(request, now) {
            Ok(inquiry) => {
                if let Some(original) = self.state.exchanges.get_mut(&id)
                    && original.state == ExchangeState::Inquiring
                {
                    original.inquiry = Some(inquiry);
                }
                Ok(inquiry)
            }
            Err(refused) => {
                if let Some(original) = self.state.exchanges.get_mut(&id) {
                    original.state.step(ExchangeEvent::Unsettled, &mut self.fired);
                    if original.is_listed {
                        // Nothing was asked: it stands where it stood.
                        self.list(id);
                    }
                }
                Err(refused)
            }
        }
    }

    /// An answer came to an exchange; if that is an inquiry, it may settle the one that it is about.
    pub(crate) fn inquiry_answered(&mut self, id: ExchangeId, plan: &Plan, conn: Conn, frame: &[u8], now: Now) {
        let Some(rule) = &plan.exchange().settles else { return };
        if is_damaged(plan, frame) {
            return;
        }
        let Some(inquiry) = self.state.exchanges.get(&id) else { return };
        let Some(parent) = inquiry.about.parent() else { return };
        let Some(original) = self.state.exchanges.get(&parent) else { return };
        let Some(standing) = original.outcome else { return };
        if original.telegram.is_empty() {
            // Settled before this inquiry's time was over: there is nothing left to compare with.
            return;
        }
        let confirmed = rule.confirm.iter().all(|confirm| {
            match (confirm.answer.of(frame), confirm.original.of(&original.telegram)) {
                (Some(answer), Some(asked)) => confirm.equal.same(answer, asked),
                _ => false,
            }
        });
        let verdicts = &plan.protocol.rules.verdicts;
        let holds = |condition: &pabal_spec::Condition| {
            condition.holds(frame, &original.telegram, verdicts, &original.about.participant)
        };
        if !confirmed {
            return;
        }
        let outcome = match (holds(&rule.success), holds(&rule.failure)) {
            (true, false) => Outcome::Success { cause: Cause::Inquiry },
            (false, true) => Outcome::Failure { cause: Cause::Inquiry, refusal: None },
            // It says neither, or contradicts itself.
            (false, false) | (true, true) => return,
        };
        // The frame is of the inquiry's layout, and in the inquiry's own entry: nobody may read it as an answer to the original.
        if !standing.is_final() {
            self.settle(parent, outcome, conn, None, now);
            return;
        }
        // Settled meanwhile, by a late answer: what was said stays.
        if standing.word() != outcome.word() {
            let about = Some(Arc::clone(&original.about));
            let place = self.place(conn);
            let telegram = Frame::sharing(Bytes::default(), Arc::default());
            let entry =
                entry::Contradiction { exchange: parent, about, said: standing, answered: outcome, place, telegram };
            self.append(Entry::Contradiction(entry));
            self.event(Event::Contradiction { exchange: parent });
        }
        if let Some(original) = self.state.exchanges.get_mut(&parent) {
            original.confirms =
                crate::join::confirms(&self.plans[original.plan as usize], &original.telegram, &mut self.scratch);
            original.telegram = Bytes::default();
        }
    }

    /// An inquiry is over. If it settled nothing, the next one is set, or the exchange is listed.
    pub(crate) fn inquiry_over(&mut self, parent: ExchangeId, id: ExchangeId, now: Now) {
        let Some(original) = self.state.exchanges.get_mut(&parent) else { return };
        if original.state != ExchangeState::Inquiring || original.inquiry.is_some_and(|inquiry| inquiry != id) {
            return;
        }
        original.inquiry = None;
        original.state.step(ExchangeEvent::Unsettled, &mut self.fired);
        match &self.plans[original.plan as usize].exchange().unknown {
            Unknown::Leave => {}
            Unknown::List => self.list(parent),
            // A person was told to look at it, and asked.
            Unknown::Inquire(_) if original.is_listed => self.list(parent),
            Unknown::Inquire(schedule) => {
                let every = schedule.every;
                self.set_inquiry(parent, every, now);
            }
        }
    }

    /// Sets the next inquiry of the schedule, or lists the exchange if its day is over by then.
    pub(crate) fn set_inquiry(&mut self, id: ExchangeId, after: Duration, now: Now) {
        let after = after.max(RETRY_MIN);
        if self.is_asked_at(id, now.wall.plus(after)) {
            self.state.timers.set(TimerName::Inquiry(id), now.mono + after);
        } else {
            self.list(id);
        }
    }

    /// The schedule goes on as it stood when an earlier process stopped: were it counted anew at each start, one that starts often would
    /// never ask. What is due already is asked soon; a clock that was set back makes nobody wait longer than the schedule does.
    pub(crate) fn asks_in(
        rule: &ExchangeRule,
        asks_at: Option<Wall>,
        asked_at: Option<Wall>,
        now: Now,
    ) -> Option<Duration> {
        let Unknown::Inquire(schedule) = &rule.unknown else { return None };
        let (at, most) = match (asked_at, asks_at) {
            (Some(asked_at), _) => (asked_at.plus(schedule.every), schedule.every),
            // It may have been awaited still.
            (None, Some(at)) => (at, rule.timeout + schedule.after.max(schedule.every)),
            // An older journal does not say.
            (None, None) => return None,
        };
        Some(now.wall.until(at).min(most).max(AFTER_START))
    }

    /// Whether the schedule of an exchange still asks at a time: numbers restart with the date.
    fn is_asked_at(&self, id: ExchangeId, wall: Wall) -> bool {
        let Some(exchange) = self.state.exchanges.get(&id) else { return false };
        let plan = &self.plans[exchange.plan as usize];
        let Unknown::Inquire(schedule) = &plan.exchange().unknown else { return false };
        let rule = &plan.protocol.day;
        let day = Day::at(rule, wall);
        day.date == exchange.about.date && wall <= day.at_time(rule, schedule.until)
    }

    /// The schedule's next inquiry, unless its day is over.
    pub(crate) fn inquiry_due(&mut self, id: ExchangeId, now: Now) {
        let Some(exchange) = self.state.exchanges.get(&id) else { return };
        if exchange.state != ExchangeState::Unknown {
            return;
        }
        let plan = Arc::clone(&self.plans[exchange.plan as usize]);
        let Unknown::Inquire(schedule) = &plan.exchange().unknown else { return };
        if !self.is_asked_at(id, now.wall) {
            self.list(id);
            return;
        }
        let reason = Box::from("the spec's schedule");
        let asker = Asker { actor: Box::default(), reason, trace: exchange.about.trace.clone(), deadline: Mono::NEVER };
        if let Err((refusal, _)) = self.ask(id, asker, now) {
            let hour = (refusal == Refusal::OutOfHours).then(|| self.asked_again_at(id, schedule.by, now)).flatten();
            // Not before the institution takes inquiries again, and then at once.
            let wait = hour.map_or(schedule.every.min(UNASKED_RETRY), |hour| now.wall.until(hour));
            self.set_inquiry(id, wait, now);
        }
    }
}

impl Core {
    /// When the institution takes inquiries about an exchange again.
    fn asked_again_at(&self, id: ExchangeId, by: ExchangeRuleId, now: Now) -> Option<Wall> {
        let exchange = self.state.exchanges.get(&id)?;
        let plan = self.plans.get(exchange.plan as usize)?;
        let rule = plan.protocol.rules.exchanges.get(usize::from(by.0))?;
        self.taken_at(exchange.protocol, &rule.name, &exchange.about.participant, now)
    }
}

/// The exchange that settles another: the one that its schedule names, else the first that says so.
fn settled_by(plan: &Plan) -> Option<ExchangeRuleId> {
    let settles = |rule: &ExchangeRule| rule.settles.as_ref().is_some_and(|one| one.original == plan.rule);
    let exchanges = &plan.protocol.rules.exchanges;
    if let Unknown::Inquire(schedule) = &plan.exchange().unknown
        && exchanges.get(usize::from(schedule.by.0)).is_some_and(settles)
    {
        return Some(schedule.by);
    }
    let at = exchanges.iter().position(settles)?;
    u16::try_from(at).ok().map(ExchangeRuleId)
}
