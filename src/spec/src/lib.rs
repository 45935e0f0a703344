//! The language in which institutions are described: text -> [`Spec`] (as written) -> [`Institution`] (can only be right).
//!
//! (the story and a doctest go here)
#![no_std]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod catalog;
mod condition;
mod diagnostic;
mod institution;
mod rules;
mod verdict;

pub use catalog::{Catalog, Select, SelectRow, TelegramId, Unselected};
pub use condition::{Condition, Operand, Test};
pub use diagnostic::{Diagnostic, Label, Severity, Source, SourceId, Span};
pub use institution::{Digest, Institution, Protocol};
pub use rules::{
    Answered, Confirm, Effect, ExchangeRule, ExchangeRuleId, FillRule, GapRule, InquirySchedule, JoinRule, NoticeRule,
    NoticeRuleId, NumberRule, OpeningRule, PollRule, Rules, SettleRule, StampRule, TypeCode, Unknown,
};
pub use verdict::{Verdict, VerdictTable};
