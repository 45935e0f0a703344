//! What callers and operators do, and what they hear.

use std::collections::BTreeSet;
use std::time::Duration;

use pabal_switch::{Cause, ExchangeId, Inquire, NotFenced, Opened, Outcome, Refusal, Report as Told};

use crate::checks::{self, Request};
use crate::coverage::{Fault, Stage};
use crate::topology::Topology;
use crate::workload::{self, Wish};
use crate::world::{Event, World};

impl World {
    pub(super) fn wish(&mut self, number: u32) {
        let wish = workload::wish(self.setup, &self.plan, number, self.busy, &mut self.chance);
        self.requests.push(Request {
            tag: wish.tag.clone(),
            key: wish.open.idempotency_key.clone(),
            exchanges: Vec::new(),
            refusals: Vec::new(),
            not_sent: BTreeSet::new(),
            outcomes: Vec::new(),
            fenced: false,
        });
        self.wishes.push(wish.clone());
        self.counts.requests += 1;
        self.ask(self.requests.len() - 1, wish);
    }

    pub(super) fn ask(&mut self, request: usize, wish: Wish) {
        let Some(core) = &mut self.core else {
            // The gateway is away: the call fails without a proof, and is made again if it has a key.
            self.again(request, wish);
            return;
        };
        // As a gateway does: of a key that memory does not know, the journal is asked first.
        let kept =
            wish.open.idempotency_key.as_deref().filter(|key| core.exchange_of_key(workload::CALLER, key).is_none());
        if let Some(exchange) = kept.and_then(|key| self.disk.keys.get(key)) {
            self.counts.keys_of_the_journal += 1;
            self.trace.line(self.now, format_args!("{} is {exchange}, as the journal knows", wish.tag));
            return;
        }
        let mut open = wish.open.clone();
        open.deadline = self.now.mono + wish.patience;
        match core.open(open, self.now) {
            Ok(opened) => {
                if matches!(opened, Opened::New(_)) && self.is_too_short(&wish) {
                    let broken =
                        format!("{} is taken in, though its caller waits less long than an answer may take", wish.tag);
                    self.broken.get_or_insert(broken);
                }
                if self.requests[request].fenced {
                    let broken = format!("{} is taken in under a key that was fenced: {opened:?}", wish.tag);
                    self.broken.get_or_insert(broken);
                }
                let exchange = match opened {
                    Opened::New(exchange) => exchange,
                    Opened::Known(exchange) => {
                        self.counts.known_keys += 1;
                        exchange
                    }
                };
                self.trace.line(self.now, format_args!("{} is {opened:?}", wish.tag));
                self.of_exchange.insert(exchange, request);
                if !self.requests[request].exchanges.contains(&exchange) {
                    self.requests[request].exchanges.push(exchange);
                }
                if let Some(after) = wish.leaves_after {
                    self.agenda.plan(self.now.mono + after, Event::Leaves(exchange));
                }
                if self.chance.per_mille(100) {
                    self.find_later(request);
                }
                if self.chance.per_mille(200) {
                    self.again(request, wish);
                }
            }
            Err((refusal, _)) => {
                if refusal == Refusal::DeadlineTooShort && !self.is_too_short(&wish) {
                    self.broken.get_or_insert(format!("{} waits long enough, and is refused {refusal}", wish.tag));
                }
                if refusal == Refusal::OutOfHours && !self.is_closed("transfer", &wish.bank) {
                    self.broken.get_or_insert(format!("{} comes in its hours, and is refused {refusal}", wish.tag));
                }
                self.counts.out_of_hours += u64::from(refusal == Refusal::OutOfHours);
                self.counts.too_short += u64::from(refusal == Refusal::DeadlineTooShort);
                self.counts.blocked += u64::from(refusal == Refusal::Blocked);
                self.nothing_may_have_left(request, refusal);
                self.trace.line(self.now, format_args!("{} is refused: {refusal}", wish.tag));
                self.requests[request].refusals.push(refusal);
                self.counts.not_sent += 1;
                self.counts.fence_refused += u64::from(refusal == Refusal::KeyFenced);
                if self.chance.per_mille(100) {
                    self.find_later(request);
                }
                if self.chance.per_mille(500) {
                    self.again(request, wish);
                }
            }
        }
    }

    fn is_too_short(&self, wish: &Wish) -> bool {
        let needed = wish.open.plan.exchange().timeout + self.settings.limits.caller_margin;
        !wish.open.accepts_early_unknown && wish.patience < needed
    }

    pub(super) fn ask_again(&mut self, request: usize, wish: Wish) {
        for exchange in self.requests[request].exchanges.clone() {
            self.hit(Fault::Again, exchange);
        }
        self.ask(request, wish);
    }

    /// A caller asks again, under the same key; without a key it must not.
    fn again(&mut self, request: usize, wish: Wish) {
        if wish.open.idempotency_key.is_some() {
            let at = self.now.mono + Duration::from_micros(self.some_time_soon());
            self.agenda.plan(at, Event::Again { request, wish: Box::new(wish) });
        }
    }

    /// Often at once, so that it meets a request that has not left yet; now and then so late that it meets what is UNKNOWN, asked about,
    /// or settled.
    pub(super) fn some_time_soon(&mut self) -> u64 {
        match self.chance.between(0, 9) {
            0..=2 => self.chance.between(0, 2_000),
            3 => self.chance.between(20_000_000, 600_000_000),
            _ => self.chance.between(1_000, 20_000_000),
        }
    }

    fn find_later(&mut self, request: usize) {
        if self.requests[request].key.is_some() {
            let at = self.now.mono + Duration::from_micros(self.some_time_soon());
            self.agenda.plan(at, Event::Finds { request });
        }
    }

    /// What became of a key? If nothing, it shall stay so.
    pub(super) fn find(&mut self, request: usize) {
        for exchange in self.requests[request].exchanges.clone() {
            self.hit(Fault::Fence, exchange);
        }
        let (Some(core), Some(key)) = (&mut self.core, &self.requests[request].key) else { return };
        if core.exchange_of_key(workload::CALLER, key).is_none() && self.disk.keys.contains_key(key) {
            self.counts.keys_of_the_journal += 1;
            return;
        }
        match core.fence(workload::CALLER, key, self.now) {
            Ok(ticket) => {
                self.trace.line(self.now, format_args!("the key of {} is fenced", self.requests[request].tag));
                self.fences.push((ticket, request));
            }
            Err(NotFenced::Used(exchange)) => {
                self.trace.line(self.now, format_args!("{} has {exchange}", self.requests[request].tag));
            }
            Err(NotFenced::Refused(refusal, _)) => {
                self.trace.line(self.now, format_args!("{} is not fenced: {refusal}", self.requests[request].tag));
            }
        }
    }

    pub(super) fn leave(&mut self, exchange: ExchangeId) {
        self.hit(Fault::Leave, exchange);
        if let Some(core) = &mut self.core {
            self.counts.abandoned += 1;
            self.trace.line(self.now, format_args!("the caller of {exchange} leaves"));
            core.abandon(exchange, self.now);
        }
    }

    /// Callers ask again, fence and leave, just when their requests are where they stay for a moment only.
    pub(super) fn crowd(&mut self) {
        for request in 0..self.requests.len() {
            let Some(exchange) = self.requests[request].exchanges.last().copied() else { continue };
            let is_there = matches!(self.stage(exchange), Some(Stage::Queued | Stage::Partly | Stage::Inquiring));
            if !is_there || self.chance.per_mille(300) {
                continue;
            }
            match self.chance.between(0, 2) {
                0 => self.leave(exchange),
                1 => self.find(request),
                _ if self.requests[request].key.is_some() => {
                    let wish = self.wishes[request].clone();
                    self.ask_again(request, wish);
                }
                _ => {}
            }
            self.pump();
        }
    }

    pub(super) fn inquire(&mut self) {
        // Not about those of which the answer is still awaited alone: whoever asks too early is told so.
        let asked: Vec<ExchangeId> = self.of_exchange.keys().copied().collect();
        for exchange in asked {
            let last = self.disk.outcomes.get(&exchange).and_then(|all| all.last());
            let is_unknown = last.is_some_and(|(word, _)| *word == "UNKNOWN");
            if !is_unknown && !self.chance.per_mille(100) {
                continue;
            }
            self.hit(Fault::Inquire, exchange);
            let Some(core) = &mut self.core else { return };
            let inquire = Inquire {
                exchange,
                actor: "operator".into(),
                reason: "the minute is full".into(),
                trace: None,
                deadline: self.now.mono + Duration::from_secs(40),
            };
            match core.inquire(inquire, self.now) {
                Ok(inquiry) => {
                    self.counts.inquiries += 1;
                    self.trace.line(self.now, format_args!("{inquiry} asks about {exchange}"));
                }
                Err((refusal, why)) => {
                    self.counts.inquiries_refused += 1;
                    self.trace.line(self.now, format_args!("no inquiry about {exchange}: {refusal} {why}"));
                }
            }
            self.pump();
        }
    }

    pub(super) fn told(&mut self, exchange: ExchangeId, report: &Told) {
        self.trace.line(self.now, format_args!("{exchange} is told {}", said(report)));
        let request = self.of_exchange.get(&exchange).copied();
        match report {
            Told::Outcome { outcome, answer, plan, .. } => {
                if let Err(broken) = checks::outcome_is_durable(&self.disk, exchange, outcome) {
                    self.broken.get_or_insert(broken);
                }
                match outcome {
                    Outcome::Success { .. } => self.counts.successes += 1,
                    Outcome::Failure { .. } => self.counts.failures += 1,
                    Outcome::Unknown { cause } => {
                        self.counts.unknowns += 1;
                        self.counts.unreadable += u64::from(*cause == Cause::Unreadable);
                    }
                }
                self.by_its_own_version(exchange, *outcome, answer.as_deref(), plan);
                let Some(request) = request else { return };
                let request = &mut self.requests[request];
                if outcome.is_final() && request.outcomes.iter().any(|o| !o.is_final()) {
                    self.counts.settled += 1;
                }
                request.outcomes.push(*outcome);
                // Sentence 5: the answer is the one to this request.
                if let Some(answer) = answer
                    && let Some((_, field)) = plan.answer_layout().find(workload::TAG_FIELD)
                    && let Some(bytes) = field.at.of(answer)
                    && bytes.starts_with(b"TAG")
                    && bytes != request.tag.as_bytes()
                {
                    self.broken
                        .get_or_insert(format!("sentence 5: {exchange} of {} got another's answer", request.tag));
                }
            }
            Told::NotSent { refusal, .. } => {
                self.counts.not_sent += 1;
                let is_overtaken =
                    self.dated.is_some() && self.counts.date_changes == 0 && self.counts.clock_steps == 0;
                self.counts.overtaken += u64::from(*refusal == Refusal::DateChanged && is_overtaken);
                self.counts.out_of_hours_waiting += u64::from(*refusal == Refusal::OutOfHours);
                self.counts.date_changed += u64::from(*refusal == Refusal::DateChanged);
                let is_single = self.setup.topology == Topology::OneShot;
                self.tally.one_shot_refused += u64::from(is_single && *refusal == Refusal::SendDown);
                if let Some(request) = request {
                    self.nothing_may_have_left(request, *refusal);
                    self.requests[request].refusals.push(*refusal);
                    self.requests[request].not_sent.insert(exchange);
                }
            }
        }
    }
}

fn said(report: &Told) -> String {
    match report {
        Told::Outcome { outcome, number, .. } => {
            format!("{} {} {}", outcome.word(), outcome.cause(), number.as_deref().unwrap_or("-"))
        }
        Told::NotSent { refusal, .. } => format!("not sent: {refusal}"),
    }
}
