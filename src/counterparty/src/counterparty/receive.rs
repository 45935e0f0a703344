use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;

use pabal_clock::Now;
use pabal_spec::{ExchangeRule, ExchangeRuleId, TypeCode};
use pabal_telegram::{Side, Telegram};

use super::answer::Asked;
use super::send::{AS_IT_SHOULD, Delivery, Shape, What};
use super::{Counterparty, Timer};
use crate::chance::Chance;
use crate::fill::compute;
use crate::key::Key;
use crate::ledger::{Request, Stranger};
use crate::output::{Connection, Event};
use crate::scenario::asks_for;

impl Counterparty {
    /// Bytes came, as the socket gave them.
    pub fn handle_received(&mut self, connection: Connection, bytes: &[u8], now: Now) {
        self.begin_versions(now);
        self.ledger.totals_mut().received_bytes += bytes.len() as u64;
        let Some(wire) = self.connections.get_mut(&connection).filter(|wire| !wire.dead) else { return };
        wire.deframer.push(bytes);
        // A connection that we are closing, or have reset meanwhile, is not read any further.
        while let Some(wire) = self.connections.get_mut(&connection).filter(|wire| !wire.closing && !wire.dead) {
            match wire.deframer.next_frame() {
                Ok(Some(frame)) => {
                    let frame = frame.to_vec();
                    self.handle_frame_by_version(connection, &frame, now);
                }
                Ok(None) => break,
                Err(error) => {
                    self.stranger(connection, &[], error.to_string(), now);
                    self.close(connection);
                }
            }
        }
    }

    pub(super) fn handle_frame(&mut self, connection: Connection, frame: &[u8], now: Now) {
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
        if let Some(signing) = self.signing_of(telegram, frame) {
            self.handle_signing(connection, signing, frame, now);
            return;
        }
        if !self.connections.get(&connection).is_some_and(|wire| wire.signed) {
            self.stranger(connection, frame, "it came on a connection that is not signed on".to_string(), now);
            return;
        }
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
        compute(&protocol, Side::Answerer, &mut telegram, &[]);
        let scenario = Arc::clone(&self.scenario);
        let mut chance = Chance::about(self.seed, b"P", self.ledger.totals().polls);
        let misdeed = scenario.poll.conduct.choose(&mut chance);
        let (what, came_by) = (What::PollAnswer, Some(connection));
        let delivery = Delivery { what, telegram, came_by, shape: Shape::Whole, conduct: AS_IT_SHOULD };
        self.deliver_with(delivery, misdeed, &mut chance, core::time::Duration::ZERO, now);
    }

    fn handle_notice_reply(&mut self, connection: Connection, frame: &[u8], now: Now) {
        let response_code = self.protocol.rules.response_code.of(frame).unwrap_or_default();
        let key = Key::of_request(frame, &self.protocol.rules);
        match key {
            Some(key) if self.ledger.notice_reply(&key, frame, response_code) => {
                self.tell(Event::NoticeAnswered { key, response_code: response_code.into() });
            }
            _ => self.stranger(connection, frame, "the reply to a notice that was never sent".to_string(), now),
        }
        let line = self.connections.get(&connection).map(|wire| wire.line);
        if line.is_some() && line == self.notice_line() {
            // What it was made for is done.
            self.close(connection);
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
        let Some(key) = Key::of_request(frame, &self.protocol.rules) else {
            self.stranger(connection, frame, "too short to have a key".to_string(), now);
            return;
        };
        let layout = &rule.request_layout;
        let faults: Vec<String> =
            Telegram::new(layout, frame, Side::Asker).faults().iter().map(ToString::to_string).collect();
        let faulty = !faults.is_empty();
        self.ledger.totals_mut().faulty += u64::from(faulty);
        let name = self.exchange_names.get(usize::from(exchange.0)).cloned().unwrap_or_else(|| "".into());
        let for_notice = self.protocol.rules.notices.iter().any(|notice| asks_for(notice, exchange));
        let times = if for_notice {
            // Its number is one of ours: nothing that the gateway numbered.
            let times = self.ledger.ask(&key, &name, frame, now);
            let issued = self.ledger.notice(&key).is_some();
            self.tell(Event::GapAsked { key: key.clone(), times, issued });
            times
        } else {
            let request = Request {
                exchange: name.clone(),
                reply: None,
                received_at: now,
                connection,
                telegram: frame.into(),
                received: 1,
                differs: false,
                received_bytes: (frame.len() + self.protocol.framing.overhead_bytes()) as u64,
                executed: 0,
                amount: None,
                answer: None,
                answers: Vec::new(),
                faults,
            };
            let times = self.ledger.receive(&key, request);
            self.tell(Event::Received { key: key.clone(), exchange: name, times });
            times
        };
        let asked = Asked { connection, frame, key, exchange, for_notice, times };
        let scenario = Arc::clone(&self.scenario);
        if times > 1 && !for_notice {
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
            self.refuse(&asked);
            self.answer_code(&asked, codes, "faulty fields", now);
            return;
        }
        if let Some((codes, conduct)) = self.gate(&asked, &scenario.business, now) {
            self.answer_code(&asked, codes, conduct, now);
            return;
        }
        let about = self.about(rule, &asked);
        let found = scenario.replies.iter().enumerate().find(|(at, reply)| self.suits(*at, reply, &asked, &about, now));
        match found {
            Some((_, reply)) => self.reply(&asked, reply, &about, now),
            None => self.tell(Event::Unanswered { key: asked.key, conduct: "no reply matches" }),
        }
    }

    pub(super) fn stranger(&mut self, connection: Connection, frame: &[u8], why: String, now: Now) {
        self.tell(Event::Stranger { connection, why: why.clone() });
        self.ledger.stranger(Stranger { at: now, connection, frame: frame.into(), why });
    }
}
