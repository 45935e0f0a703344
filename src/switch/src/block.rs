//! Controls and rates at work: whether a request may come in, and may leave the queue.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;

use pabal_clock::{Civil, DayRule, Mono, Now};
use pabal_spec::Institution;

use crate::bytes::Bytes;
use crate::command::{Command, CommandRefused};
use crate::control::{self, Asked, Control, ControlId, Controls, Standing, Unjudged};
use crate::core::Core;
use crate::entry::Origin;
use crate::id::ExchangeId;
use crate::output::Event;
use crate::plan::Plan;
use crate::rate::{Over, Rate, Rates, Tokens};
use crate::refusal::Refusal;
use crate::timer::TimerName;

/// Why a compartment may not send one more now.
pub(crate) enum Paced {
    /// As many as may be are unanswered.
    InFlight(u32),
    /// As many as may leave in a second have left; there is a token at this instant.
    PerSecond(u32, Mono),
}

impl Core {
    /// Every control: those of the configuration, then those that were put there since.
    pub fn controls(&self) -> impl Iterator<Item = &Standing> {
        self.settings.controls.iter().chain(self.state.stops.controls.iter())
    }

    /// The control whose place a command takes: one of the same name that an operator has put there, and that is not over.
    #[must_use]
    pub fn replaced_by(&self, command: &Command, now: Now) -> Option<&Standing> {
        let Command::Block { control } = command else { return None };
        let one = self.state.stops.controls.iter().find(|one| one.control.id == control.id)?;
        (!one.control.window.is_over(now.wall)).then_some(one)
    }

    /// Whether a control holds at this moment.
    #[must_use]
    pub fn control_holds(&self, control: &Control, now: Now) -> bool {
        let holds = |day: &DayRule| control.window.holds(day, &self.settings.holidays, now.wall).is_some();
        self.books.iter().any(|book| holds(&book.protocol.day))
    }

    /// Every control, and why the spec in force cannot judge it: then it blocks all that it may mean.
    pub(crate) fn controls_judged(&self) -> impl Iterator<Item = (&Standing, Option<&Unjudged>)> {
        self.controls().map(|one| (one, self.unjudged.get(&one.control.id)))
    }

    /// Tells which controls the spec in force cannot judge, as a core begins.
    pub(crate) fn tell_unjudged_controls(&mut self) {
        let told: Vec<Event> = self
            .unjudged
            .iter()
            .map(|(control, unjudged)| Event::ControlUnjudged {
                control: control.clone(),
                reason: unjudged.why.clone(),
            })
            .collect();
        told.into_iter().for_each(|event| self.event(event));
    }

    /// Looks which controls the spec in force cannot judge.
    pub(crate) fn judge_controls(&mut self) {
        let unjudged = |one: &Standing| Some((one.control.id.clone(), one.unjudged(&one.read_in, &self.institution)?));
        self.unjudged = self.controls().filter_map(unjudged).collect();
    }

    /// Whether another version of the spec can judge every control that is in force, or will be, as the present one does. One that the
    /// present one cannot judge blocks all that it may mean already: another that judges it no less may come.
    ///
    /// # Errors
    /// It cannot judge one: which, and why.
    pub(crate) fn keeps_controls(&self, newer: &Institution, now: Now) -> Result<(), (ControlId, Box<str>)> {
        for one in self.controls().filter(|one| !one.control.window.is_over(now.wall)) {
            let mut had = one.control.scope.read_in(&self.institution);
            had.extend(one.read_in.iter().cloned());
            let Some(unjudged) = one.unjudged(&had, newer) else { continue };
            let is_within = |other: Option<&Unjudged>| other.is_some_and(|other| unjudged.is_within(other));
            // What it would be, as in `judge_controls`, must block what is lost by it.
            if !is_within(self.unjudged.get(&one.control.id)) || !is_within(one.unjudged(&one.read_in, newer).as_ref())
            {
                return Err((one.control.id.clone(), unjudged.why));
            }
        }
        Ok(())
    }

    /// The rate of a compartment, of each that has none of its own if there are no bytes.
    #[must_use]
    pub fn rate(&self, compartment: &[u8]) -> Rate {
        self.state.stops.rates.of(&self.settings.rates, compartment)
    }

    /// The rates that were set by command.
    #[must_use]
    pub const fn rates(&self) -> &Rates {
        &self.state.stops.rates
    }

    /// A control as it is put there: by the spec in force.
    ///
    /// # Errors
    /// It can mean nothing, or two things; its name is that of one in the configuration, or there are too many: the text says what to do.
    pub(crate) fn blocking(&self, control: Control, now: Now) -> Result<Control, CommandRefused> {
        let (invalid, not_now) = (CommandRefused::Invalid, CommandRefused::NotNow);
        let id = &control.id;
        if self.is_configured(id) {
            return Err(not_now(format!("control `{id}` stands in the configuration; give this one another name")));
        }
        if self.state.stops.controls.is_full(id) {
            return Err(not_now(format!("there are {} controls already; lift some that are over", Controls::MAX)));
        }
        let window = &control.window;
        if window.from.zip(window.until).is_some_and(|(from, until)| until <= from) {
            return Err(invalid(format!("control `{id}` ends before it begins; give it a later end")));
        }
        if window.is_over(now.wall) {
            return Err(invalid(format!("control `{id}` has ended already; give it a later end")));
        }
        let days = self.books.iter().map(|book| &book.protocol.day);
        if days.clone().next().is_some()
            && days.clone().all(|day| window.is_never(day, &self.settings.holidays, now.wall))
        {
            let hours: Vec<String> = window.hours.iter().map(ToString::to_string).collect();
            return Err(invalid(format!(
                "control `{id}` holds at no time from now on: {} is over, or more than a year away",
                hours.join(", ")
            )));
        }
        let scope = control.scope.by_spec(&self.institution).map_err(invalid)?;
        scope.check_participants(&self.institution, &self.settings.parties).map_err(invalid)?;
        Ok(Control { scope, ..control })
    }

    /// Whether a control may be lifted, if it is there.
    pub(crate) fn may_unblock(&self, id: &ControlId) -> Result<(), String> {
        match self.is_configured(id) {
            true => Err(format!("control `{id}` stands in the configuration; take it out there and restart")),
            false => Ok(()),
        }
    }

    fn is_configured(&self, id: &ControlId) -> bool {
        self.settings.controls.iter().any(|one| one.control.id == *id)
    }

    /// Whether a control holds for a request.
    pub(crate) fn may_by_controls(
        &self,
        protocol: u16,
        origin: &Origin,
        plan: &Plan,
        telegram: &[u8],
        now: Now,
    ) -> Result<(), (Refusal, String)> {
        if self.settings.controls.is_empty() && self.state.stops.controls.is_empty() {
            return Ok(());
        }
        let protocol = &self.books[usize::from(protocol)].protocol;
        let participant = protocol.rules.participant.as_ref().and_then(|(_, at)| at.of(telegram));
        let participant = participant.map(crate::bytes::readable).unwrap_or_default();
        let exchange = &*plan.exchange().name;
        let is_older = !Arc::ptr_eq(protocol, &plan.protocol);
        let newest = is_older.then(|| protocol.rules.exchange(exchange)).flatten();
        let asked = Asked {
            exchange,
            participant: &participant,
            layout: plan.request_layout(),
            newest: newest.map(|(_, rule)| &*rule.request_layout),
            telegram,
            is_own: *origin != Origin::Caller,
        };
        let held = control::holding(self.controls_judged(), asked, &protocol.day, &self.settings.holidays, now.wall);
        let Some((Standing { control, .. }, until)) = held else { return Ok(()) };
        let with = if participant.is_empty() { String::new() } else { format!(" with `{participant}`") };
        let until = until.map(|until| taken_from(protocol.day.civil(until))).unwrap_or_default();
        let text = format!("`{exchange}`{with} is blocked by control `{}`: {}{until}", control.id, control.message);
        Err((Refusal::Blocked, text))
    }

    /// What waits and may not leave any more is refused at once.
    pub(crate) fn refuse_blocked(&mut self, now: Now) {
        let waiting: Vec<ExchangeId> =
            self.state.conversations.iter().flat_map(|conversation| conversation.waiting.iter()).collect();
        for id in waiting {
            let Some(exchange) = self.state.exchanges.get(&id) else { continue };
            let plan = &self.plans[exchange.plan as usize];
            let may = self.may_by_controls(exchange.protocol, &exchange.about.origin, plan, &exchange.telegram, now);
            if let Err((refusal, text)) = may {
                self.refuse_waiting_for(id, refusal, &text, now);
            }
        }
    }

    /// Why a compartment may not send one more now, if its rate says so.
    pub(crate) fn paced(&self, protocol: u16, compartment: &[u8], now: Now) -> Option<Paced> {
        if self.settings.rates.is_empty() && self.state.stops.rates.is_empty() {
            return None;
        }
        let conversation = &self.state.conversations[usize::from(protocol)];
        let in_flight = conversation.waiting.in_flight_of(compartment);
        paced(self.rate(compartment), in_flight, &conversation.tokens, compartment, now)
    }

    /// Whether a request may come in although it is over its compartment's rate: then it waits.
    pub(crate) fn may_by_rate(
        &self,
        protocol: u16,
        compartment: &Bytes,
        paced: &Paced,
        now: Now,
    ) -> Result<(), (Refusal, String)> {
        if self.rate(compartment).over == Over::Wait {
            return Ok(());
        }
        let of = match compartment.is_empty() {
            true => String::from("the institution"),
            false => format!("compartment `{}`", compartment.readable()),
        };
        let text = match paced {
            Paced::InFlight(most) => format!("{most} requests for {of} are unanswered, as many as may be"),
            Paced::PerSecond(most, next) => {
                let millis = next.since(now.mono).as_micros().div_ceil(1_000);
                let left = match self.state.conversations[usize::from(protocol)].tokens.are_of_another(now.mono) {
                    true => "may have left before the gateway began again",
                    false => "left in the last second",
                };
                format!("{most} requests for {of} {left}, as many as may; retry after {millis}ms")
            }
        };
        Err((Refusal::RateExceeded, text))
    }

    /// How many of those that wait may leave now, as far as their rates go. If time alone will let more leave, the timer is set.
    pub(crate) fn may_leave_by_rate(&mut self, protocol: u16, now: Now) -> usize {
        let Self { state, settings, .. } = self;
        let conversation = &state.conversations[usize::from(protocol)];
        let rates = &state.stops.rates;
        if rates.is_empty() && settings.rates.is_empty() {
            return usize::try_from(conversation.waiting.len()).unwrap_or(usize::MAX);
        }
        let mut next: Option<Mono> = None;
        let mut may_leave = |(compartment, waiting, in_flight): (&Bytes, u32, u32)| {
            let rate = rates.of(&settings.rates, compartment);
            let unanswered = rate.in_flight.map_or(u32::MAX, |most| most.saturating_sub(in_flight));
            let of_this_second =
                rate.per_second.map_or(u32::MAX, |most| conversation.tokens.left(compartment, most, now.mono));
            if let Some(most) = rate.per_second.filter(|_| of_this_second < waiting.min(unanswered)) {
                // Behind those that may leave now, the first of the others has to wait for so long at least.
                let at = conversation.tokens.next(compartment, most, now.mono);
                next = Some(next.map_or(at, |next| next.min(at)));
            }
            usize::try_from(waiting.min(unanswered).min(of_this_second)).unwrap_or(usize::MAX)
        };
        let sum = conversation.waiting.queues().map(&mut may_leave).fold(0, usize::saturating_add);
        if let Some(next) = next.filter(|next| *next > now.mono) {
            state.timers.set(TimerName::Rate(protocol), next);
        }
        sum
    }

    /// The next of a protocol that waits, has room and is not over its rate. If time alone will let one leave, the timer is set.
    pub(crate) fn next_waiting(&mut self, protocol: u16, now: Now) -> Option<ExchangeId> {
        let room = self.room(protocol);
        let Self { state, settings, .. } = self;
        let conversation = &mut state.conversations[usize::from(protocol)];
        let (rates, tokens) = (&state.stops.rates, &conversation.tokens);
        if rates.is_empty() && settings.rates.is_empty() {
            return conversation.waiting.take(room, |_, _| true);
        }
        let mut next: Option<Mono> = None;
        let taken = conversation.waiting.take(room, |compartment, in_flight| {
            match paced(rates.of(&settings.rates, compartment), in_flight, tokens, compartment, now) {
                None => true,
                Some(Paced::InFlight(_)) => false,
                Some(Paced::PerSecond(_, at)) => {
                    next = Some(next.map_or(at, |next| next.min(at)));
                    false
                }
            }
        });
        if let (None, Some(next)) = (taken, next) {
            state.timers.set(TimerName::Rate(protocol), next);
        }
        taken
    }

    /// A request of a compartment leaves.
    pub(crate) fn take_token(&mut self, protocol: u16, compartment: &Bytes, now: Now) {
        let has_rates = !self.settings.rates.is_empty() || !self.state.stops.rates.is_empty();
        if has_rates && self.rate(compartment).per_second.is_some() {
            self.state.conversations[usize::from(protocol)].tokens.take(compartment, now.mono);
        }
    }
}

fn paced(rate: Rate, in_flight: u32, tokens: &Tokens, compartment: &[u8], now: Now) -> Option<Paced> {
    if let Some(most) = rate.in_flight
        && in_flight >= most
    {
        return Some(Paced::InFlight(most));
    }
    let most = rate.per_second?;
    let next = tokens.next(compartment, most, now.mono);
    (next > now.mono).then_some(Paced::PerSecond(most, next))
}

/// The end of a refusal's text: from when on such a request is taken.
pub(crate) fn taken_from(until: Civil) -> String {
    format!("; it is taken from {} {} on", until.date, until.time)
}
