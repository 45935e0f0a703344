use alloc::string::ToString;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::time::Duration;

use pabal_clock::Now;
use pabal_spec::{Opener, SignRule, SignTelegram, TypeCode};
use pabal_telegram::Side;

use super::send::{AS_IT_SHOULD, Delivery, Shape, What};
use super::{Counterparty, Timer};
use crate::chance::Chance;
use crate::fill::compute;
use crate::output::{Connection, Event};
use crate::scenario::{Deed, Misdeed};
use crate::settings::Side as Opened;
use crate::stamp::stamped;

/// What a telegram is to a sign-on or sign-off.
#[derive(Clone, Copy)]
pub(super) enum Signing {
    OnRequest,
    OnAnswer,
    OffRequest,
    OffAnswer,
}

impl Counterparty {
    /// A connection is there: it carries business at once, or when it is signed on.
    pub(super) fn begin_sign_on(&mut self, connection: Connection, now: Now) {
        let protocol = Arc::clone(&self.protocol);
        let Some(rule) = &protocol.rules.sign_on else {
            self.signed_on(connection, now);
            return;
        };
        self.timers.set(Timer::SignOn(connection), now.mono + rule.timeout);
        if self.asks(rule, connection) {
            let telegram = self.signing_telegram(&rule.request, Side::Asker, now);
            if let Some(wire) = self.connections.get_mut(&connection) {
                wire.asked = Some(telegram.clone());
            }
            self.send_framed(connection, &telegram, now);
        }
    }

    /// What a frame is to a sign-on or sign-off, if anything.
    pub(super) fn signing_of(&self, telegram: pabal_spec::TelegramId, frame: &[u8]) -> Option<Signing> {
        let rules = &self.protocol.rules;
        let is = |code: &TypeCode| {
            code.telegram == telegram && code.bytes.iter().all(|(at, bytes)| at.of(frame) == Some(bytes))
        };
        let of = |rule: &Option<SignRule>, request, answer| {
            let rule = rule.as_ref()?;
            let answers = rule.answer.as_ref().is_some_and(|told| is(&told.kind));
            if is(&rule.request.kind) { Some(request) } else { answers.then_some(answer) }
        };
        of(&rules.sign_on, Signing::OnRequest, Signing::OnAnswer)
            .or_else(|| of(&rules.sign_off, Signing::OffRequest, Signing::OffAnswer))
    }

    pub(super) fn handle_signing(&mut self, connection: Connection, signing: Signing, frame: &[u8], now: Now) {
        let protocol = Arc::clone(&self.protocol);
        let rules = &protocol.rules;
        match signing {
            Signing::OnRequest => self.handle_sign_on(connection, frame, now),
            Signing::OnAnswer => {
                let Some(rule) = &rules.sign_on else { return };
                let asked = self.connections.get_mut(&connection).and_then(|wire| wire.asked.take());
                let is_ours = asked.is_some_and(|asked| rule.echo.iter().all(|at| at.of(frame) == at.of(&asked)));
                if is_ours && rule.is_good(frame) {
                    self.signed_on(connection, now);
                } else {
                    self.stranger(connection, frame, "an answer to a sign-on that is not good".to_string(), now);
                    self.close(connection);
                }
            }
            Signing::OffRequest => {
                self.ledger.totals_mut().sign_offs += 1;
                if let Some(wire) = self.connections.get_mut(&connection) {
                    wire.signed = false;
                }
                let Some(rule) = &rules.sign_off else { return };
                self.tell(Event::SignedOff { connection });
                if let Some(answer) = &rule.answer {
                    let telegram = self.signing_answer(rule, answer, frame, now);
                    self.send_framed(connection, &telegram, now);
                }
            }
            Signing::OffAnswer => self.stranger(connection, frame, "nobody signs off here".to_string(), now),
        }
    }

    fn handle_sign_on(&mut self, connection: Connection, frame: &[u8], now: Now) {
        let protocol = Arc::clone(&self.protocol);
        let Some(rule) = &protocol.rules.sign_on else { return };
        if self.asks(rule, connection) {
            self.stranger(connection, frame, "the institution signs on here, not the gateway".to_string(), now);
            return;
        }
        self.ledger.totals_mut().sign_ons += 1;
        let Some(answer) = &rule.answer else { return };
        let mut telegram = self.signing_answer(rule, answer, frame, now);
        let scenario = Arc::clone(&self.scenario);
        let mut chance = Chance::about(self.seed, b"L", self.ledger.totals().sign_ons);
        let misdeed = scenario.sign_on.choose(&mut chance);
        let refused = match (misdeed.map(|misdeed| &misdeed.deed), &rule.success) {
            (Some(Deed::Refuse(codes)), Some(success)) => Some((success.at, &codes.other)),
            _ => None,
        };
        let mut delivery = Delivery {
            what: What::SignAnswer { good: refused.is_none() },
            telegram: Vec::new(),
            came_by: Some(connection),
            shape: Shape::Whole,
            conduct: AS_IT_SHOULD,
        };
        if let Some((at, result)) = refused {
            if let Some(place) = telegram.get_mut(at.range()).filter(|place| place.len() == result.len()) {
                place.copy_from_slice(result);
            }
            compute(&protocol, Side::Answerer, &mut telegram, &[]);
            delivery.conduct = misdeed.map_or(AS_IT_SHOULD, |misdeed| misdeed.word);
        }
        delivery.telegram = telegram;
        let misdeed: Option<&Misdeed> = misdeed.filter(|_| refused.is_none());
        self.deliver_with(delivery, misdeed, &mut chance, Duration::ZERO, now);
    }

    /// From now on the connection carries business.
    pub(super) fn signed_on(&mut self, connection: Connection, now: Now) {
        self.timers.stop(&Timer::SignOn(connection));
        let Some(wire) = self.connections.get_mut(&connection) else { return };
        if core::mem::replace(&mut wire.signed, true) {
            return;
        }
        let line = wire.line;
        if self.protocol.rules.sign_on.is_some() {
            self.tell(Event::SignedOn { connection });
        }
        let sends = self.settings.lines.get(usize::from(line.0)).is_some_and(|line| line.direction.sends());
        if sends {
            self.flush_waiting(now);
            self.start_on_connected(now);
        }
    }

    fn asks(&self, rule: &SignRule, connection: Connection) -> bool {
        let line = self.connections.get(&connection).map_or(0, |wire| usize::from(wire.line.0));
        let opened = self.settings.lines.get(line).is_some_and(|line| line.side == Opened::Initiator);
        (rule.by == Opener::Initiator) == opened
    }

    fn signing_answer(&self, rule: &SignRule, answer: &SignTelegram, asked: &[u8], now: Now) -> Vec<u8> {
        let mut telegram = self.signing_telegram(answer, Side::Answerer, now);
        for at in &rule.echo {
            if let (Some(place), Some(bytes)) = (telegram.get_mut(at.range()), at.of(asked)) {
                place.copy_from_slice(bytes);
            }
        }
        compute(&self.protocol, Side::Answerer, &mut telegram, &[]);
        telegram
    }

    fn signing_telegram(&self, signing: &SignTelegram, side: Side, now: Now) -> Vec<u8> {
        let civil = self.protocol.day.civil(now.wall);
        let mut telegram = signing.bytes.to_vec();
        for stamp in &signing.stamps {
            if let Some(place) = telegram.get_mut(stamp.at.range()) {
                for (byte, ascii) in place.iter_mut().zip(stamped(&stamp.pattern.pattern, civil)) {
                    *byte = stamp.charset.byte(ascii).unwrap_or(ascii);
                }
            }
        }
        compute(&self.protocol, side, &mut telegram, &[]);
        telegram
    }
}
