//! A control that the spec in force cannot judge: what it names is not there any more, so that it would mean nothing, and what is blocked
//! would go through in silence. Such a one is unjudged: it blocks all that it may mean.

use alloc::boxed::Box;
use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use pabal_spec::{ExchangeRule, Institution};

use super::{Scope, Standing};

/// What of a control's scope cannot be judged, and so limits nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unjudged {
    /// What is not there, in a sentence without a full stop.
    pub(crate) why: Box<str>,
    /// The exchanges: every one is meant.
    pub(super) exchanges: bool,
    /// The participants: every one is meant.
    pub(super) participants: bool,
    /// The fields, of requests in which they cannot be read.
    pub(super) fields: Unread,
}

/// Of which exchanges requests are meant, although a field that the control names cannot be read in them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Unread {
    /// Of these: they had it.
    Of(BTreeSet<Box<str>>),
    /// Of all: one that had it is gone, and any may be the one in its place.
    All,
}

impl Unjudged {
    /// Whether whatever is meant by it is meant by another.
    pub(crate) fn is_within(&self, other: &Self) -> bool {
        (other.exchanges || !self.exchanges)
            && (other.participants || !self.participants)
            && self.fields.is_within(&other.fields)
    }
}

impl Unread {
    fn is_within(&self, other: &Self) -> bool {
        match (self, other) {
            (_, Self::All) => true,
            (Self::All, Self::Of(_)) => false,
            (Self::Of(names), Self::Of(others)) => names.is_subset(others),
        }
    }

    pub(super) fn has(&self, exchange: &str) -> bool {
        match self {
            Self::Of(names) => names.contains(exchange),
            Self::All => true,
        }
    }
}

impl Scope {
    /// The exchanges in whose requests every field that it names can be read; none if it names no field.
    pub(crate) fn read_in(&self, institution: &Institution) -> Vec<Box<str>> {
        let is_read = |rule: &&ExchangeRule| !self.fields.is_empty() && self.reads(rule);
        self.meant(institution).filter(is_read).map(|rule| rule.name.clone()).collect()
    }

    fn reads(&self, rule: &ExchangeRule) -> bool {
        self.fields.iter().all(|scope| scope.is_read(&rule.request_layout))
    }
}

impl Standing {
    /// What of it a version cannot judge; `None` if it can. `had` are exchanges in whose requests its fields were read before.
    pub(crate) fn unjudged(&self, had: &[Box<str>], institution: &Institution) -> Option<Unjudged> {
        let scope = &self.control.scope;
        let mut whys = Vec::new();
        let mut is_wrong = |checked: Result<(), String>| checked.map_err(|why| whys.push(why)).is_err();
        let exchanges = is_wrong(scope.check_exchanges(institution));
        let participants = is_wrong(scope.check_values(institution));
        let fields = match scope.lost(had, institution) {
            Some((why, unread)) => {
                whys.push(why);
                unread
            }
            // Where an exchange is not known any more, nobody knows what was read in its requests.
            None if exchanges => Unread::All,
            None => Unread::Of(BTreeSet::new()),
        };
        let why = whys.join("; ").into_boxed_str();
        (!why.is_empty()).then_some(Unjudged { why, exchanges, participants, fields })
    }
}

impl Scope {
    /// Why fields are not read any more where they were, and where that is.
    fn lost(&self, had: &[Box<str>], institution: &Institution) -> Option<(String, Unread)> {
        if self.fields.is_empty() {
            return None;
        }
        let rule = |name: &str| self.meant(institution).find(|rule| *rule.name == *name);
        if let Some(gone) = had.iter().find(|name| rule(name).is_none()) {
            return Some((format!("the spec has no exchange `{gone}`, in which it reads fields"), Unread::All));
        }
        let had = had.iter().filter(|name| rule(name).is_some_and(|rule| !self.reads(rule)));
        let mistakes = |rule: &&ExchangeRule| self.fields.iter().any(|scope| scope.mistakes(&rule.request_layout));
        let mistaken = self.meant(institution).filter(mistakes).map(|rule| &rule.name);
        let lost: BTreeSet<Box<str>> = had.chain(mistaken).cloned().collect();
        if let Some(first) = lost.first() {
            let rule = rule(first)?;
            let scope = self.fields.iter().find(|scope| !scope.is_read(&rule.request_layout))?;
            let why = scope.unread_because(&rule.request_layout);
            return Some((format!("a request of `{first}` {why}"), Unread::Of(lost)));
        }
        self.check_fields(institution).err().map(|why| (why, Unread::All))
    }
}
