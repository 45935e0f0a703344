//! Joins: a notice that is about an exchange of ours.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use pabal_spec::{JoinRule, NoticeRuleId};
use pabal_telegram::Slice;

use crate::bytes::{Bytes, readable};
use crate::core::Core;
use crate::entry::{self, Entry, NoticeAbout};
use crate::exchange::Exchange;
use crate::id::{ExchangeId, NoticeId};
use crate::output::Event;
use crate::plan::Plan;

/// Why a notice joins nothing: the exchange that has the number, if one has, and what is wrong.
type NotJoined = (Option<ExchangeId>, String);

impl Core {
    /// Finds the exchange that a notice is about: of the rule, with the number, on the notice's date, for the same participant and party.
    /// It joins only if the confirming fields agree, and changes nothing about it: what the notice says may be a part of the amount.
    pub(crate) fn join(
        &mut self,
        notice: NoticeId,
        about: &Arc<NoticeAbout>,
        protocol: u16,
        rule: NoticeRuleId,
        frame: &[u8],
    ) -> Option<ExchangeId> {
        let found = self.joined_by(protocol, rule, frame);
        let about = Some(Arc::clone(about));
        match found {
            Ok(exchange) => {
                self.append(Entry::NoticeJoined(entry::NoticeJoined { notice, about, exchange }));
                self.event(Event::Joined { notice, exchange });
                Some(exchange)
            }
            Err((exchange, reason)) => {
                let entry = entry::NoticeNotJoined { notice, about, exchange, reason: reason.clone() };
                self.append(Entry::NoticeNotJoined(entry));
                self.event(Event::NotJoined { notice, reason });
                None
            }
        }
    }

    fn joined_by(&self, protocol: u16, rule: NoticeRuleId, frame: &[u8]) -> Result<ExchangeId, NotJoined> {
        let spec = &self.books[usize::from(protocol)].protocol;
        let rules = &spec.rules;
        let notice = &rules.notices[usize::from(rule.0)];
        let Some(joins) = &notice.joins else {
            return Err((None, String::from("the spec does not say what it is about")));
        };
        let original = &rules.exchanges[usize::from(joins.exchange.0)];
        let number = joins.by.of(frame).unwrap_or_default();
        let none = || format!("no `{}` in memory has number `{}` on its date", original.name, readable(number));
        // The original's key is the notice's but for the number: same date, same participant, same party.
        let mut key = Vec::from(protocol.to_be_bytes());
        for (_, bytes) in &original.answer.bytes {
            key.extend_from_slice(bytes);
        }
        for field in &rules.key {
            // Of the number, or of the part of it that is in the key.
            let inside = field.offset.checked_sub(rules.number.at.offset).map(|offset| Slice { offset, ..*field });
            let bytes = inside.and_then(|inside| inside.of(number)).or_else(|| field.of(frame));
            key.extend_from_slice(bytes.unwrap_or_default());
        }
        let found = self.state.exchanges.awaiting(&key);
        let Some(exchange) = found.filter(|exchange| *exchange.about.rule == *original.name) else {
            return Err((None, none()));
        };
        let today = self.state.conversations[usize::from(protocol)].day.date;
        if !self.books[usize::from(protocol)].key_is_dated && exchange.about.date != today {
            let text = format!("`{}` with number `{}` is of {}", original.name, readable(number), exchange.about.date);
            return Err((Some(exchange.id), text));
        }
        let plan = &self.plans[exchange.plan as usize];
        let Some(asked) = confirming(plan, &notice.name, exchange) else {
            let text = format!("exchange {} is of a version in which `{}` does not say so", exchange.id, notice.name);
            return Err((Some(exchange.id), text));
        };
        match differing(joins, &asked, frame) {
            None => Ok(exchange.id),
            Some(at) => {
                let layout = spec.catalog.layout(notice.request.telegram);
                let field = layout.head().iter().find(|field| field.at == at).map(|field| field.path.clone());
                let field = field.unwrap_or_else(|| Box::from("a field"));
                Err((Some(exchange.id), format!("`{field}` is not that of exchange {}", exchange.id)))
            }
        }
    }
}

/// The first confirming field that differs.
fn differing(joins: &JoinRule, asked: &[Vec<u8>], frame: &[u8]) -> Option<Slice> {
    let mut asked = asked.iter();
    joins.confirm.iter().find_map(|confirm| {
        let same = match (confirm.answer.of(frame), asked.next()) {
            (Some(said), Some(asked)) => confirm.equal.same(said, asked),
            _ => false,
        };
        (!same).then_some(confirm.answer)
    })
}

/// What of a request confirms a notice that is about it, in the order of the rule.
fn confirming(plan: &Plan, notice: &str, exchange: &Exchange) -> Option<Vec<Vec<u8>>> {
    let mut kept = &exchange.confirms[..];
    for (name, joins) in joining(plan) {
        let mut parts = Vec::new();
        for confirm in &joins.confirm {
            let part = if exchange.telegram.is_empty() {
                let (part, rest) = kept.split_at_checked(confirm.original.range().len())?;
                kept = rest;
                part
            } else {
                confirm.original.of(&exchange.telegram)?
            };
            parts.push(part.to_vec());
        }
        if name == notice {
            return Some(parts);
        }
    }
    None
}

/// The notices that may be about a plan's exchange.
fn joining(plan: &Plan) -> impl Iterator<Item = (&str, &JoinRule)> {
    let rules = plan.protocol.rules.notices.iter();
    rules.filter_map(|rule| Some((&*rule.name, rule.joins.as_ref()?))).filter(|(_, joins)| joins.exchange == plan.rule)
}

/// What is kept of a settled request, so that a notice which is about it is still known for that: the confirming fields, one behind
/// the other.
pub(crate) fn confirms(plan: &Plan, telegram: &[u8], scratch: &mut Vec<u8>) -> Bytes {
    scratch.clear();
    match plan.confirming_parts.write(telegram, scratch) {
        Some(()) => Bytes::from(scratch.as_slice()),
        None => Bytes::joined(plan.confirming.iter().map(|at| at.of(telegram).unwrap_or_default())),
    }
}
