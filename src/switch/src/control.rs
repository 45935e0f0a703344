//! Controls (거래통제): what an operator or the site blocks, of whom, when, and what callers are told meanwhile.

use alloc::boxed::Box;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use pabal_clock::{DayRule, Holidays, Hours, Judged, Wall};
use pabal_spec::{ExchangeRule, Institution, Rules};
use pabal_telegram::{Class, Layout, Slice, masked_by_class};
use serde::{Deserialize, Serialize};

use crate::bytes::readable;
use crate::command::By;
use crate::settings::Party;
use field::{did_you_mean, field, written};

pub use field::{FieldScope, Holds};
pub(crate) use unjudged::Unjudged;

mod field;
mod hours_text;
mod number_text;
#[cfg(test)]
mod tests;
mod unjudged;

/// What a control is called: by it people lift it, and callers name it when they ask about it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ControlId(Box<str>);

impl ControlId {
    /// The longest, in bytes.
    pub const BYTES_MAX: usize = 64;

    /// Reads one: letters, digits, `-`, `_` and `.` of ASCII.
    ///
    /// # Errors
    /// It is none: why, and what may be written.
    pub fn parse(text: &str) -> Result<Self, String> {
        let is_sign = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        if text.is_empty() || text.len() > Self::BYTES_MAX || !text.bytes().all(is_sign) {
            let max = Self::BYTES_MAX;
            return Err(format!(
                "{text:?} is no name of a control; write up to {max} letters, digits, `-`, `_` or `.`"
            ));
        }
        Ok(Self(text.into()))
    }

    /// As text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ControlId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What is blocked, and when.
///
/// A control stops what callers ask for, at admission and once more before it leaves the queue. What the gateway asks for by itself, or an
/// operator by an inquiry (inquiries, questions for missing notices, openings), goes on: it resolves money that has moved already, or keeps
/// business open for the time after the control. Only a control that names such an exchange stops it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Control {
    /// Its name.
    pub id: ControlId,
    /// What is blocked.
    pub scope: Scope,
    /// When.
    pub window: Window,
    /// What callers are told. The reason is not told to them.
    pub message: Box<str>,
}

/// Which requests: those for which all that is said holds. Nothing said: every one of the institution.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Scope {
    /// Exchanges, by name in the spec; none: all of them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub exchanges: Vec<Box<str>>,
    /// Participants, as people read them (`088`); none: all of them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub participants: Vec<Box<str>>,
    /// What is in fields of the request; each must hold. A request that has not such a field is not meant.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<FieldScope>,
}

/// When a control holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Window {
    /// Days and their parts, on the institution's clock; none: always.
    #[serde(with = "hours_text", skip_serializing_if = "Vec::is_empty")]
    pub hours: Vec<Hours>,
    /// Not before this moment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<Wall>,
    /// Not from this moment on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Wall>,
}

/// A control that is in force, or will be in its window.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Standing {
    /// What is blocked.
    pub control: Control,
    /// Who blocked it, and why: for operators. Without an actor: the configuration.
    pub by: By,
    /// When it was put there; `None`: the configuration has it.
    pub since: Option<Wall>,
    /// Exchanges in whose requests all fields that it names could be read when it was put there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub read_in: Vec<Box<str>>,
}

/// What is asked for, as controls look at it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked<'a> {
    pub(crate) exchange: &'a str,
    /// As people read it; empty if there is none.
    pub(crate) participant: &'a str,
    pub(crate) layout: &'a Layout,
    /// How such a request lies in the newest version, if it is one of an older one.
    pub(crate) newest: Option<&'a Layout>,
    pub(crate) telegram: &'a [u8],
    /// The gateway asks for it, not a caller.
    pub(crate) is_own: bool,
}

/// The controls that were put there while the gateway ran.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Controls(BTreeMap<ControlId, Standing>);

impl Controls {
    /// How many there may be.
    pub const MAX: usize = 1_000;

    /// Puts one there; one of the same name goes. Those that are over for good go first.
    pub(crate) fn block(&mut self, standing: Standing, wall: Wall) {
        self.0.retain(|_, one| !one.control.window.is_over(wall));
        self.0.insert(standing.control.id.clone(), standing);
    }

    /// Takes one away; `false` if there is none of this name.
    pub(crate) fn unblock(&mut self, id: &ControlId) -> bool {
        self.0.remove(id).is_some()
    }

    pub(crate) fn is_full(&self, id: &ControlId) -> bool {
        self.0.len() >= Self::MAX && !self.0.contains_key(id)
    }

    /// Every one, by its name.
    pub fn iter(&self) -> impl Iterator<Item = &Standing> {
        self.0.values()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Of the controls that hold now, the one that holds longest, and until when (`None`: until it is lifted).
pub(crate) fn holding<'c>(
    controls: impl Iterator<Item = (&'c Standing, Option<&'c Unjudged>)>,
    asked: Asked<'_>,
    day: &DayRule,
    holidays: &Holidays,
    wall: Wall,
) -> Option<(&'c Standing, Option<Wall>)> {
    let holds = controls.filter_map(|(one, unjudged)| {
        let until = one.control.window.holds(day, holidays, wall)?;
        one.control.scope.holds(unjudged, asked).then_some((one, until))
    });
    // Of several that hold equally long the first, by name.
    holds.reduce(|longest, one| match (longest.1, one.1) {
        (Some(before), Some(until)) if before < until => one,
        (Some(_), None) => one,
        _ => longest,
    })
}

impl Window {
    /// Whether it holds never again.
    #[must_use]
    pub fn is_over(&self, wall: Wall) -> bool {
        self.until.is_some_and(|until| until <= wall)
    }

    /// Whether its hours come no more, at least not within a year.
    pub(crate) fn is_never(&self, day: &DayRule, holidays: &Holidays, wall: Wall) -> bool {
        if self.hours.is_empty() {
            return false;
        }
        let begin = self.from.map_or(wall, |from| from.max(wall));
        match pabal_clock::judge(self.hours.iter(), [].iter(), holidays, day.civil(begin)) {
            Judged::Open => false,
            Judged::Closed { until: None, .. } => true,
            Judged::Closed { until: Some(civil), .. } => self.until.is_some_and(|until| until <= civil.wall(day.zone)),
        }
    }

    /// `None` if it does not hold at this moment; else until when, `Some(None)` if nobody can say.
    pub(crate) fn holds(&self, day: &DayRule, holidays: &Holidays, wall: Wall) -> Option<Option<Wall>> {
        if self.from.is_some_and(|from| wall < from) || self.is_over(wall) {
            return None;
        }
        if self.hours.is_empty() {
            return Some(self.until);
        }
        match pabal_clock::judge([].iter(), self.hours.iter(), holidays, day.civil(wall)) {
            Judged::Open => None,
            Judged::Closed { until, .. } => {
                let until = until.map(|civil| civil.wall(day.zone));
                Some(match (until, self.until) {
                    (Some(one), Some(other)) => Some(one.min(other)),
                    (one, other) => one.or(other),
                })
            }
        }
    }
}

impl Scope {
    /// What of it is unjudged limits nothing.
    fn holds(&self, unjudged: Option<&Unjudged>, asked: Asked<'_>) -> bool {
        let names_exchange = self.exchanges.iter().any(|name| **name == *asked.exchange);
        let limits_exchanges = !self.exchanges.is_empty() && unjudged.is_none_or(|unjudged| !unjudged.exchanges);
        if !names_exchange && (limits_exchanges || asked.is_own) {
            return false;
        }
        let names_participant = self.participants.iter().any(|value| **value == *asked.participant);
        let limits_participants =
            !self.participants.is_empty() && unjudged.is_none_or(|unjudged| !unjudged.participants);
        let is_meant_unread = |scope: &FieldScope| {
            let was_read = unjudged.is_some_and(|unjudged| unjudged.fields.has(asked.exchange));
            was_read || asked.newest.is_some_and(|layout| scope.is_read(layout))
        };
        (names_participant || !limits_participants)
            && self
                .fields
                .iter()
                .all(|scope| scope.holds_in(asked.layout, asked.telegram).unwrap_or_else(|| is_meant_unread(scope)))
    }

    /// Whether it limits nothing.
    pub(crate) fn is_whole(&self, unjudged: Option<&Unjudged>) -> bool {
        (self.exchanges.is_empty() || unjudged.is_some_and(|unjudged| unjudged.exchanges))
            && (self.participants.is_empty() || unjudged.is_some_and(|unjudged| unjudged.participants))
            && self.fields.is_empty()
    }

    /// The exchanges that it names; all if it names none.
    fn meant<'i>(&self, institution: &'i Institution) -> impl Iterator<Item = &'i ExchangeRule> {
        let rules = institution.protocols.iter().flat_map(|protocol| &protocol.rules.exchanges);
        rules.filter(|rule| self.exchanges.is_empty() || self.exchanges.contains(&rule.name))
    }

    /// As the spec means it: a range in a number field is one of numbers.
    ///
    /// # Errors
    /// It can mean no request of the institution, since the exchange, participant, field or value that it names cannot be there; or its range
    /// means two things. What is wrong, and what is near.
    pub fn by_spec(mut self, institution: &Institution) -> Result<Self, String> {
        self.check_exchanges(institution)?;
        self.check_values(institution)?;
        let fields = core::mem::take(&mut self.fields).into_iter();
        self.fields = fields.map(|scope| scope.by_spec(self.meant(institution))).collect::<Result<_, _>>()?;
        self.check_fields(institution)?;
        Ok(self)
    }

    fn check_exchanges(&self, institution: &Institution) -> Result<(), String> {
        let rules = || institution.protocols.iter().flat_map(|protocol| &protocol.rules.exchanges);
        for name in &self.exchanges {
            if rules().all(|rule| rule.name != *name) {
                let known = rules().map(|rule| &*rule.name);
                return Err(format!("the spec has no exchange `{name}`{}", did_you_mean(name, known)));
            }
        }
        Ok(())
    }

    /// The participants, as bytes of their field.
    fn check_values(&self, institution: &Institution) -> Result<(), String> {
        if !self.participants.is_empty()
            && institution.protocols.iter().all(|protocol| protocol.rules.participant.is_none())
        {
            return Err(String::from("the spec names no participants; leave them out"));
        }
        for protocol in &institution.protocols {
            let Some((name, _)) = &protocol.rules.participant else { continue };
            let mut layouts = protocol.rules.exchanges.iter().map(|rule| &rule.request_layout);
            let Some(field) = layouts.find_map(|layout| field(layout, name)) else { continue };
            for value in &self.participants {
                let bytes = written(field, value).map_err(|why| format!("{value:?} does not fit `{name}`: {why}"))?;
                // Requests are held against it as people read them.
                let read = readable(&bytes);
                if *read != **value {
                    return Err(format!("{value:?} stands in `{name}` as `{read}`; write that"));
                }
            }
        }
        Ok(())
    }

    fn check_fields(&self, institution: &Institution) -> Result<(), String> {
        for scope in &self.fields {
            let meant = || self.meant(institution);
            let (mut read, mut wrong) = (Vec::new(), None);
            for rule in meant() {
                let Some(field) = field(&rule.request_layout, &scope.field) else { continue };
                match scope.check(field) {
                    Ok(()) => read.push(&*rule.name),
                    Err(why) => wrong = wrong.or(Some((&*rule.name, why))),
                }
            }
            match (&*read, wrong) {
                ([], None) => {
                    let known = || meant().flat_map(|rule| rule.request_layout.head()).map(|field| &*field.path);
                    let is_there = known().any(|path| *path == *scope.field);
                    let near = if is_there { String::new() } else { did_you_mean(&scope.field, known()) };
                    return Err(format!(
                        "no such request has a field `{}` at a fixed place that its caller fills{near}",
                        scope.field
                    ));
                }
                ([], Some((_, why))) => return Err(why),
                // It would block nothing there, and nobody would know.
                (read, Some((other, why))) => {
                    let read = read.join("`, `");
                    return Err(format!(
                        "it cannot be told of requests of `{other}`: {why}; name the exchanges that are meant, such as `{read}`"
                    ));
                }
                (_, None) => {}
            }
        }
        Ok(())
    }

    /// Whether each participant that it names can come: where business is opened for each, that one is among those of the parties.
    ///
    /// # Errors
    /// One cannot: which, and which can.
    pub fn check_participants(&self, institution: &Institution, parties: &[Party]) -> Result<(), String> {
        let Some(opened) = participants_opened(institution, parties) else { return Ok(()) };
        match self.participants.iter().find(|value| !opened.contains(&***value)) {
            None => Ok(()),
            Some(value) => Err(format!("business is opened with no participant {value:?}; {}", told_opened(&opened))),
        }
    }

    /// What it says, in a line for people; what is in a field is masked by the field's class, unless `unmasked` is asked for. What is secret
    /// is masked in any case, and so is what the spec has not any more: it may be.
    #[must_use]
    pub fn told(&self, institution: &Institution, unmasked: bool) -> String {
        let mut parts = Vec::new();
        for (what, names) in [("exchange", &self.exchanges), ("participant", &self.participants)] {
            if !names.is_empty() {
                parts.push(format!("{what} {}", names.join(", ")));
            }
        }
        for scope in &self.fields {
            let mut rules = institution.protocols.iter().flat_map(|protocol| &protocol.rules.exchanges);
            let class = rules.find_map(|rule| field(&rule.request_layout, &scope.field)).map(|field| field.class);
            let shown = |text: &str| {
                let class = class.unwrap_or(Class::Secret);
                if unmasked && class != Class::Secret {
                    return String::from(text);
                }
                masked_by_class(class, pabal_telegram::Charset::Ascii, text.as_bytes()).1
            };
            parts.push(scope.told(shown));
        }
        if parts.is_empty() { String::from("everything") } else { parts.join("; ") }
    }
}

/// The participants with whom business is done, as people read them; `None` if some protocol takes requests for any.
pub(crate) fn participants_opened(institution: &Institution, parties: &[Party]) -> Option<BTreeSet<String>> {
    let takes_any = |rules: &Rules| {
        let opens = |at: &Slice| rules.opening.as_ref().is_some_and(|opening| opening.per.contains(at));
        rules.participant.as_ref().is_some_and(|(_, at)| !opens(at))
    };
    if institution.protocols.iter().any(|protocol| takes_any(&protocol.rules)) {
        return None;
    }
    let listed = parties.iter().flat_map(|party| &party.participants);
    Some(listed.map(|one| readable(&one.value)).collect())
}

/// The end of a sentence about one that is not among them.
pub(crate) fn told_opened(opened: &BTreeSet<String>) -> String {
    let names: Vec<&str> = opened.iter().map(|name| &**name).collect();
    format!("there are: {}", names.join(", "))
}
