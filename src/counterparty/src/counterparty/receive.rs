use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;

use pabal_clock::Now;
use pabal_spec::{Effect, ExchangeRule, ExchangeRuleId, TypeCode};
use pabal_telegram::{Side, Telegram};

use super::send::{AS_IT_SHOULD, Delivery, Shape, What};
use super::{Counterparty, Job, Timer};
use crate::chance::Chance;
use crate::fill::{Ingredients, apply};
use crate::key::Key;
use crate::ledger::{Request, Stranger};
use crate::output::{Connection, Event};
use crate::scenario::{Codes, Deed, Misdeed, OriginalState, Reply, Start};

/// A request, as far as it has been understood.
struct Asked<'f> {
    connection: Connection,
    frame: &'f [u8],
    key: Key,
    exchange: ExchangeRuleId,
    /// How often its key has come, this time included.
    times: u32,
}

impl Counterparty {
    /// Bytes came, as the socket gave them.
    pub fn handle_received(&mut self, connection: Connection, bytes: &[u8], now: Now) {
        self.ledger.totals_mut().received_bytes += bytes.len() as u64;
        let Some(wire) = self.connections.get_mut(&connection) else { return };
        wire.deframer.push(bytes);
        // A connection that we are closing, or have reset meanwhile, is not read any further.
        while let Some(wire) = self.connections.get_mut(&connection).filter(|wire| !wire.closing) {
            match wire.deframer.next_frame() {
                Ok(Some(frame)) => {
                    let frame = frame.to_vec();
                    self.handle_frame(connection, &frame, now);
                }
                Ok(None) => break,
                Err(error) => {
                    self.stranger(connection, &[], error.to_string(), now);
                    self.close(connection);
                }
            }
        }
    }

    fn handle_frame(&mut self, connection: Connection, frame: &[u8], now: Now) {
        self.ledger.totals_mut().telegrams += 1;
        let protocol = Arc::clone(&self.protocol);
        let rules = &protocol.rules;
        let telegram = match protocol.catalog.select(frame) {
            Ok(telegram) => telegram,
            Err(unselected) => {
                let by: Vec<String> = unselected.by.iter().map(|bytes| bytes.escape_ascii().to_string()).collect();
                let why = format!("no row of select knows {} bytes with {}", unselected.length, by.join(" "));
                self.stranger(connection, frame, why, now);
                return;
            }
        };
        if let Some(poll) = &rules.poll {
            if telegram == poll.request_telegram {
                self.handle_poll(connection, frame, now);
                return;
            }
            if telegram == poll.answer_telegram {
                self.timers.stop(&Timer::PollAnswer(connection));
                self.tell(Event::PollAnswered { connection });
                return;
            }
        }
        let is = |code: &TypeCode| {
            code.telegram == telegram && code.bytes.iter().all(|(at, bytes)| at.of(frame) == Some(bytes))
        };
        let exchange = rules.exchanges.iter().position(|rule| is(&rule.request));
        if let Some((at, rule)) = exchange.and_then(|at| Some((at, rules.exchanges.get(at)?))) {
            let exchange = ExchangeRuleId(u16::try_from(at).unwrap_or(u16::MAX));
            self.handle_request(connection, frame, exchange, rule, now);
        } else if rules.notices.iter().any(|rule| is(&rule.answer)) {
            self.handle_notice_reply(connection, frame, now);
        } else {
            let name = protocol.catalog.layout(telegram).name();
            self.stranger(
                connection,
                frame,
                format!("telegram {name} with a type that this side does not receive"),
                now,
            );
        }
    }

    fn handle_poll(&mut self, connection: Connection, frame: &[u8], now: Now) {
        let protocol = Arc::clone(&self.protocol);
        let Some(poll) = &protocol.rules.poll else { return };
        self.ledger.totals_mut().polls += 1;
        self.tell(Event::Polled { connection });
        let mut telegram = poll.answer.to_vec();
        for at in &poll.echo {
            if let (Some(place), Some(bytes)) = (telegram.get_mut(at.range()), at.of(frame)) {
                place.copy_from_slice(bytes);
            }
        }
        let scenario = Arc::clone(&self.scenario);
        let mut chance = Chance::about(self.seed, b"P", self.ledger.totals().polls);
        let misdeed = scenario.poll.conduct.choose(&mut chance);
        let (what, came_by) = (What::PollAnswer, Some(connection));
        let delivery = Delivery { what, telegram, came_by, shape: Shape::Whole, conduct: AS_IT_SHOULD };
        self.deliver_with(delivery, misdeed, &mut chance, core::time::Duration::ZERO, now);
    }

    fn handle_notice_reply(&mut self, connection: Connection, frame: &[u8], now: Now) {
        let response_code = self.protocol.rules.response_code.of(frame).unwrap_or_default();
        let key = Key::of(frame, &self.protocol.rules.key);
        match key {
            Some(key) if self.ledger.notice_reply(&key, response_code) => {
                self.tell(Event::NoticeAnswered { key, response_code: response_code.into() });
            }
            _ => self.stranger(connection, frame, "the reply to a notice that was never sent".to_string(), now),
        }
    }

    fn handle_request(
        &mut self,
        connection: Connection,
        frame: &[u8],
        exchange: ExchangeRuleId,
        rule: &ExchangeRule,
        now: Now,
    ) {
        let Some(key) = Key::of(frame, &self.protocol.rules.key) else {
            self.stranger(connection, frame, "too short to have a key".to_string(), now);
            return;
        };
        let layout = self.protocol.catalog.layout(rule.request.telegram);
        let faults: Vec<String> =
            Telegram::new(layout, frame, Side::Asker).faults().iter().map(ToString::to_string).collect();
        let faulty = !faults.is_empty();
        let name = self.exchange_names.get(usize::from(exchange.0)).cloned().unwrap_or_else(|| "".into());
        let request = Request {
            exchange: name.clone(),
            reply: None,
            received_at: now,
            connection,
            telegram: frame.into(),
            received: 1,
            differs: false,
            received_bytes: (frame.len() + self.protocol.framing.prefix_bytes()) as u64,
            executed: 0,
            amount: None,
            answer: None,
            answers: Vec::new(),
            faults,
        };
        let times = self.ledger.receive(&key, request);
        self.ledger.totals_mut().faulty += u64::from(faulty);
        self.tell(Event::Received { key: key.clone(), exchange: name, times });

        let asked = Asked { connection, frame, key, exchange, times };
        let scenario = Arc::clone(&self.scenario);
        if times > 1 {
            let duplicate = scenario.duplicate.as_ref();
            if duplicate.is_some_and(|duplicate| duplicate.executes) {
                let amount = self.ledger.request(&asked.key).and_then(|request| request.amount);
                self.execute(&asked, amount);
            }
            match duplicate.and_then(|duplicate| duplicate.response_code.as_ref()) {
                Some(codes) => self.answer_code(&asked, codes, "duplicate found", now),
                None => self.tell(Event::Unanswered { key: asked.key, conduct: "duplicate found" }),
            }
            return;
        }
        if let Some(codes) = scenario.format.as_ref().filter(|_| faulty) {
            self.answer_code(&asked, codes, "faulty fields", now);
            return;
        }
        if let Some(codes) = scenario.not_open.as_ref().filter(|_| !self.is_open(&asked, now)) {
            self.answer_code(&asked, codes, "not open", now);
            return;
        }
        let original = self.original(rule, frame);
        let state =
            original.as_ref().map_or(OriginalState::Missing, |original| match (original.executed, &original.answer) {
                (0, None) => OriginalState::Missing,
                (0, Some(_)) => OriginalState::NotExecuted,
                (_, _) => OriginalState::Executed,
            });
        let found = scenario.replies.iter().enumerate().find(|(at, reply)| self.suits(*at, reply, &asked, state));
        match found {
            Some((_, reply)) => self.reply(&asked, reply, original.as_ref(), now),
            None => self.tell(Event::Unanswered { key: asked.key, conduct: "no reply matches" }),
        }
    }

    /// Whether a reply is the one; counts the requests that its conditions have met.
    fn suits(&mut self, at: usize, reply: &Reply, asked: &Asked<'_>, state: OriginalState) -> bool {
        let holds = reply.exchange == asked.exchange
            && reply.original.is_none_or(|wanted| wanted == state)
            && reply.matches.iter().all(|condition| condition.holds(asked.frame));
        let Some(met) = self.met.get_mut(at).filter(|_| holds) else { return false };
        *met += 1;
        *met > reply.skip && reply.first.is_none_or(|first| *met - reply.skip <= first)
    }

    /// What the ledger knows of the request that an inquiry is about: the one whose key it names.
    fn original(&self, rule: &ExchangeRule, frame: &[u8]) -> Option<Request> {
        let settles = rule.settles.as_ref()?;
        let name = self.exchange_names.get(usize::from(settles.original.0))?;
        // The original's key is where the inquiry says it, else in the same place as its own.
        let said = |at| settles.fill.iter().find(|fill| fill.from == at).map_or(at, |fill| fill.to);
        let key: Vec<_> = self.protocol.rules.key.iter().map(|at| said(*at)).collect();
        let request = self.ledger.request(&Key::of(frame, &key)?)?;
        (request.exchange == *name).then(|| request.clone())
    }

    fn is_open(&self, asked: &Asked<'_>, now: Now) -> bool {
        let Some(opening) = &self.protocol.rules.opening else { return true };
        let date = self.protocol.day.business_date(now.wall);
        asked.exchange == opening.exchange || self.ledger.is_open(&self.per(asked.frame), date)
    }

    /// Whose opening a request belongs to.
    fn per(&self, frame: &[u8]) -> Vec<u8> {
        let opening = self.protocol.rules.opening.as_ref();
        let fields = opening.map(|opening| opening.per.iter()).into_iter().flatten();
        fields.flat_map(|at| at.of(frame).unwrap_or_default()).copied().collect()
    }

    fn execute(&mut self, asked: &Asked<'_>, amount: Option<pabal_telegram::Decimal>) {
        let rule = self.protocol.rules.exchanges.get(usize::from(asked.exchange.0));
        let money = rule.is_some_and(|rule| rule.effect == Effect::Money);
        self.ledger.execute(&asked.key, amount, money);
        self.tell(Event::Executed { key: asked.key.clone() });
    }

    /// Answers with a code that no reply chose.
    fn answer_code(&mut self, asked: &Asked<'_>, codes: &Codes, conduct: &'static str, now: Now) {
        let scenario = Arc::clone(&self.scenario);
        let Some(recipe) = scenario.plain.get(usize::from(asked.exchange.0)) else { return };
        let mut telegram = recipe.make(self.ingredients(asked, None, now), &mut self.counters);
        self.put_code(&mut telegram, codes, asked.frame);
        if asked.times == 1
            && let Some(request) = self.ledger.request_mut(&asked.key)
        {
            request.answer = Some(telegram.as_slice().into());
        }
        let (what, came_by) = (What::Answer(asked.key.clone()), Some(asked.connection));
        self.deliver(Delivery { what, telegram, came_by, shape: Shape::Whole, conduct }, now);
    }

    fn put_code(&self, telegram: &mut [u8], codes: &Codes, request: &[u8]) {
        let participant = self.protocol.rules.participant.as_ref().and_then(|(_, at)| at.of(request));
        let code = codes.of(participant.unwrap_or_default());
        if let Some(place) = telegram.get_mut(self.protocol.rules.response_code.range()) {
            place.copy_from_slice(code);
        }
    }

    fn ingredients<'a>(&self, asked: &Asked<'a>, original: Option<&'a Request>, now: Now) -> Ingredients<'a> {
        Ingredients {
            request: asked.frame,
            original: original.map_or(&[], |original| &original.telegram),
            original_answer: original.and_then(|original| original.answer.as_deref()).unwrap_or_default(),
            civil: self.protocol.day.civil(now.wall),
            send_count: 1,
        }
    }

    fn reply(&mut self, asked: &Asked<'_>, reply: &Reply, original: Option<&Request>, now: Now) {
        let mut chance = Chance::about(self.seed, asked.key.bytes(), u64::from(asked.times));
        let misdeed = reply.conduct.choose(&mut chance);
        let with = self.ingredients(asked, original, now);
        let mut telegram = reply.recipe.make(with, &mut self.counters);
        self.put_code(&mut telegram, &reply.response_code, asked.frame);
        let mut executes = misdeed.and_then(|misdeed| misdeed.executes).unwrap_or(reply.executes);
        if let Some(Misdeed { deed: Deed::Refuse(codes), .. }) = misdeed {
            executes = false;
            telegram = self.scenario.plain.get(usize::from(asked.exchange.0)).map_or(telegram, |plain| {
                // What only a success says is not said.
                plain.make(with, &mut crate::fill::Counters::default())
            });
            self.put_code(&mut telegram, codes, asked.frame);
        }
        if let Some(request) = self.ledger.request_mut(&asked.key) {
            request.reply = Some(reply.name.clone());
            // A misdeed that keeps it from being executed lost it on its way in: the institution knows nothing of it.
            let lost = misdeed.is_some_and(|misdeed| misdeed.executes == Some(false));
            request.answer = (!lost).then(|| telegram.as_slice().into());
        }
        if executes {
            let amount = reply.amount.as_ref().and_then(|field| field.value(asked.frame, Side::Asker).ok()?.number());
            self.execute(asked, amount);
            self.open_business(asked, now);
        }
        if reply.closes_business {
            let per = self.per(asked.frame);
            self.ledger.close_business(&per);
        }
        let delay = chance.between(reply.delay.0, reply.delay.1);
        if let Some(Misdeed { deed: Deed::Alter { sets, also }, word, .. }) = misdeed {
            let mut altered = telegram.clone();
            apply(sets, &mut altered, with, &mut self.counters);
            if *also {
                let first = core::mem::replace(&mut telegram, altered);
                self.answer_later(asked, first, AS_IT_SHOULD, delay, now);
            } else {
                telegram = altered;
            }
            self.answer_later(asked, telegram, word, delay, now);
        } else {
            let (what, came_by) = (What::Answer(asked.key.clone()), Some(asked.connection));
            let delivery = Delivery { what, telegram, came_by, shape: Shape::Whole, conduct: AS_IT_SHOULD };
            self.deliver_with(delivery, misdeed, &mut chance, delay, now);
        }
        self.start_on(&Start::Reply(reply.name.clone()), asked.frame, now);
    }

    fn answer_later(
        &mut self,
        asked: &Asked<'_>,
        telegram: Vec<u8>,
        conduct: &'static str,
        delay: core::time::Duration,
        now: Now,
    ) {
        let (what, came_by) = (What::Answer(asked.key.clone()), Some(asked.connection));
        let delivery = Delivery { what, telegram, came_by, shape: Shape::Whole, conduct };
        self.put_off(delivery, delay, now);
    }

    fn open_business(&mut self, asked: &Asked<'_>, now: Now) {
        let is_opening = self.protocol.rules.opening.as_ref().is_some_and(|opening| opening.exchange == asked.exchange);
        if is_opening {
            let per = self.per(asked.frame);
            self.ledger.open(&per, self.protocol.day.business_date(now.wall));
            self.tell(Event::Opened { key: asked.key.clone() });
            self.last_opening = asked.frame.into();
            self.start_on(&Start::Opened, asked.frame, now);
        }
    }

    /// Delivers a telegram, or whatever a misdeed makes of it.
    pub(super) fn deliver_with(
        &mut self,
        mut delivery: Delivery,
        misdeed: Option<&Misdeed>,
        chance: &mut Chance,
        mut delay: core::time::Duration,
        now: Now,
    ) {
        if let Some(misdeed) = misdeed {
            delivery.conduct = misdeed.word;
            delivery.shape = match &misdeed.deed {
                Deed::Silence => {
                    if let What::Answer(key) = delivery.what {
                        self.tell(Event::Unanswered { key, conduct: misdeed.word });
                    }
                    return;
                }
                Deed::Late(shortest, longest) => {
                    delay = delay.saturating_add(chance.between(*shortest, *longest));
                    Shape::Whole
                }
                Deed::Duplicate { times, gap } => Shape::Duplicate { times: *times, gap: *gap },
                Deed::Split { pieces, gap } => Shape::Split { pieces: *pieces, gap: *gap },
                Deed::Garbage { bytes: 0, given } => Shape::Garbage(given.clone()),
                Deed::Garbage { bytes, .. } => {
                    Shape::Garbage((0..*bytes).map(|_| chance.next().to_le_bytes()[0]).collect())
                }
                Deed::WrongLength { by } => Shape::WrongLength { by: *by },
                Deed::WrongKey { also } => {
                    let right = delivery.clone();
                    self.change_number(&mut delivery.telegram);
                    if *also {
                        self.put_off(Delivery { conduct: AS_IT_SHOULD, ..right }, delay, now);
                    }
                    Shape::Whole
                }
                Deed::Stall { after } => {
                    Shape::Stall { after: after.map(|(shortest, longest)| chance.between(shortest, longest)) }
                }
                Deed::Cut(cut) => Shape::Cut(*cut),
                Deed::Refuse(_) | Deed::Alter { .. } => Shape::Whole,
            };
        }
        self.put_off(delivery, delay, now);
    }

    fn put_off(&mut self, delivery: Delivery, delay: core::time::Duration, now: Now) {
        if delay.is_zero() {
            self.deliver(delivery, now);
        } else {
            self.schedule(Job::Deliver(delivery), now.mono + delay);
        }
    }

    /// Another number than the one that was asked with: each digit becomes what it lacks to nine.
    fn change_number(&self, telegram: &mut [u8]) {
        for digit in telegram.get_mut(self.protocol.rules.number.at.range()).unwrap_or_default() {
            *digit = if digit.is_ascii_digit() { b'0' + b'9' - *digit } else { *digit ^ 1 };
        }
    }

    fn stranger(&mut self, connection: Connection, frame: &[u8], why: String, now: Now) {
        self.tell(Event::Stranger { connection, why: why.clone() });
        self.ledger.stranger(Stranger { at: now, connection, frame: frame.into(), why });
    }
}
