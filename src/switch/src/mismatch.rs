//! Why nobody waits for an answer: the key that it has, the nearest one that is or was awaited, and what differs.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::cmp::Reverse;

use pabal_clock::Now;
use pabal_spec::TelegramId;
use pabal_telegram::{Class, Slice, masked};

use crate::book::field_names;
use crate::bytes::readable;
use crate::core::Core;
use crate::exchange::Exchange;
use crate::id::ExchangeId;
use crate::stamp::{number_of, stamp};

/// So many of the newest exchanges are looked at: what an answer may have been meant for is among them, and a stranger can make no more work.
const COMPARED_MAX: usize = 1_000;

/// A correlation key in its fields.
fn parts<'a>(key: &'a [u8], fields: &[Slice]) -> Vec<&'a [u8]> {
    let mut rest = key;
    let part = |field: &Slice| {
        let (part, behind) = rest.split_at(field.range().len().min(rest.len()));
        rest = behind;
        part
    };
    fields.iter().map(part).collect()
}

/// An exchange that an answer may have been meant for.
struct Near<'a> {
    exchange: &'a Exchange,
    key: Vec<&'a [u8]>,
    is_of_type: bool,
}

impl Core {
    /// Why nobody waits for an answer of which the pending key is in the scratch; its first `marks` bytes tell what it answers. Values
    /// are masked by the classes of their fields, since people read this. With it the exchange that all but one field of the key agree with.
    pub(crate) fn no_match(
        &self,
        protocol: u16,
        telegram: TelegramId,
        marks: usize,
        frame: &[u8],
        now: Now,
    ) -> (String, Option<ExchangeId>) {
        let spoken = &self.books[usize::from(protocol)].protocol;
        let fields = &spoken.rules.key;
        let names = field_names(spoken, fields);
        let layout = spoken.catalog.layout(telegram);
        let shown = |at: usize, bytes: &[u8]| -> String {
            let place = fields[at];
            let holds = |field: &&pabal_telegram::Field| {
                let (start, end) = (field.at.offset, field.at.offset + field.at.len);
                start <= place.offset && place.offset + place.len <= end
            };
            match layout.head().iter().find(holds) {
                Some(field) if field.class == Class::Public => readable(bytes),
                Some(field) if field.at == place => masked(field, bytes).1,
                _ => "*".repeat(bytes.len()),
            }
        };
        let ours = parts(&self.scratch[marks..], fields);
        let named = |(at, name)| format!("{name} `{}`", shown(at, ours[at]));
        let key: Vec<String> = names.iter().enumerate().map(named).collect();
        let mut near = None;
        let mut reason = format!("nobody waits for key {}", key.join(" "));
        match self.nearest(protocol, &self.scratch[..marks], &ours) {
            None => reason.push_str(", nor for any like it"),
            Some(Near { exchange, key, is_of_type }) => {
                let word = if exchange.state.is_final() { "was" } else { "is" };
                let differs = |(at, (came, awaited)): (usize, (&&[u8], &&[u8]))| {
                    let (name, came, awaited) = (&names[at], shown(at, came), shown(at, awaited));
                    (came != awaited)
                        .then(|| format!("{name}: `{came}` came, `{awaited}` {word} awaited"))
                        .or_else(|| Some(format!("{name}, which is masked")))
                };
                let unlike = ours.iter().zip(&key).enumerate().filter(|(_, (a, b))| a != b);
                let mut differing: Vec<String> = unlike.filter_map(differs).collect();
                if !is_of_type {
                    differing.insert(0, format!("its type: the answer of `{}` {word} awaited", exchange.about.rule));
                }
                near = (differing.len() == 1).then_some(exchange.id);
                reason.push_str(&format!(
                    "; the nearest, of exchange {} ({}), differs in {}",
                    exchange.id,
                    exchange.state.word(),
                    differing.join(" and in ")
                ));
            }
        }
        for (name, place) in names.iter().zip(fields) {
            let is_dated = spoken.rules.stamps.iter().any(|stamp| stamp.is_dated(*place));
            let mut today = frame.to_vec();
            stamp(&mut today, &spoken.rules.stamps, &[], spoken.day.civil(now.wall));
            if is_dated && place.of(&today) != place.of(frame) {
                reason.push_str(&format!("; {name} is of another date than today"));
                return (reason, near);
            }
        }
        if let Some(was_given) = self.was_given(protocol, frame) {
            let given = match was_given {
                true => "its number was given: it comes after its key was let go, or another field is wrong",
                false => "its number was not given yet",
            };
            reason.push_str(&format!("; {given}"));
        }
        (reason, near)
    }

    /// Of the newest exchanges the one whose key differs in the fewest fields; of several one that is awaited still, and of those the newest.
    fn nearest(&self, protocol: u16, marks: &[u8], ours: &[&[u8]]) -> Option<Near<'_>> {
        let fields = &self.books[usize::from(protocol)].protocol.rules.key;
        let newest = self.state.exchanges.newest().take(COMPARED_MAX);
        let near = newest.filter(|exchange| exchange.protocol == protocol).filter_map(|exchange| {
            let (own, key) = exchange.key.split_at_checked(self.plans[exchange.plan as usize].awaited.marks_len())?;
            let key = parts(key, fields);
            let is_alike = key.iter().zip(ours).all(|(theirs, ours)| theirs.len() == ours.len());
            is_alike.then_some(Near { exchange, key, is_of_type: own == marks })
        });
        let differing = |near: &Near<'_>| near.key.iter().zip(ours).filter(|(a, b)| a != b).count();
        let is_less = |near: &Near<'_>| differing(near) + usize::from(!near.is_of_type);
        near.filter(|near| differing(near) < ours.len())
            .min_by_key(|near| (is_less(near), near.exchange.state.is_final(), Reverse(near.exchange.id)))
    }

    /// Whether the number of an answer was given in its scope; `None` if none is counted there, or it is no number.
    fn was_given(&self, protocol: u16, frame: &[u8]) -> Option<bool> {
        let rule = &self.books[usize::from(protocol)].protocol.rules.number;
        let mut scope = Vec::new();
        for field in &rule.scope {
            scope.extend_from_slice(field.of(frame)?);
        }
        let number = rule.at.of(frame).and_then(number_of)?;
        let next = self.state.conversations[usize::from(protocol)].numbers.next_of(&scope)?;
        Some(rule.range.contains(&number) && number < next)
    }
}
