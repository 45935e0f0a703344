//! The language in which institutions are described: text -> [`Spec`] (as written) -> [`Institution`] (can only be right).
//!
//! (the story and a doctest go here)
#![no_std]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod catalog;
mod check;
mod condition;
mod diagnostic;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
mod institution;
mod mistake;
mod parse;
mod rules;
mod show;
mod verdict;
mod written;

pub use catalog::{Catalog, Select, SelectRow, Signed, TelegramId, Unselected, Wide};
pub use check::{Loaded, check, load};
pub use condition::{Condition, Operand, Test};
pub use diagnostic::{Diagnostic, Label, Severity, Source, SourceId, Span};
pub use institution::{Digest, Institution, Protocol};
pub use mistake::CODES;
pub use parse::parse;
pub use rules::{
    Answered, Confirm, Effect, ExchangeRule, ExchangeRuleId, FillRule, GapRule, InquirySchedule, JoinRule, NoticeRule,
    NoticeRuleId, NumberRule, OpeningRule, PollRule, Rules, SettleRule, StampRule, TypeCode, Unknown,
};
pub use show::{Row, show};
pub use verdict::{CodeKey, Verdict, VerdictTable};
pub use written::{Spec, Trivia};
