//! The language in which institutions are described: text -> [`Spec`] (as written) -> [`Institution`] (can only be right).
//!
//! A spec is written beside an institution's document and is read like it; `specs/README.md` teaches the language. [`parse`] reads
//! lines and blocks and keeps every item with its place. [`check`] makes of it an [`Institution`]: layouts for `pabal-telegram`
//! ([`Catalog`]), and everything that the switch reads as places in bytes ([`Rules`]). [`load`] does both. A mistake is told
//! once, with what to do about it, and hides no other: forty mistakes give forty [`Diagnostic`]s, and no institution.
//!
//! [`fmt`] aligns a spec's columns and changes nothing else. [`Institution::same_conversation`] says whether a newer version may take an
//! older one's place while sessions are up. [`Layouts`] are telegrams that are only converted.
//!
//! Who writes which field: those of `stamp`, `number`, `select by` and `party` are [`pabal_telegram::Fill::Stamped`], written by the
//! gateway; the field of `participant` is given by the caller like any other, and so are those of `given` in their exchange
//! ([`ExchangeRule::request_layout`]). A value of [`Institution`] keeps these promises:
//!
//! - every layout's fields end at its total, have a class, and hold their constants;
//! - no frame matches two rows of `select`, and each type of an exchange or notice is one telegram;
//! - every answer carries back the key and the trace, and the key holds the number and its scope, a stamped date among it;
//! - a number or stamp is given by the caller only where nothing changes, and a gap request can name what is missing;
//! - an UNKNOWN of money or state is inquired about or listed, and an inquiry settles what asks for it;
//! - what is compared is filled by its side and of one kind; what is copied is of one kind and length.
//!
//! Nothing here reads a file: sources come as text, and the [`Digest`] of their bytes names the version.
//!
//! ```
//! use pabal_spec::{Source, load};
//! use pabal_telegram::{Side, Value, encode};
//!
//! let spec = r#"
//! institution tiny "작은은행"
//! protocol ask {
//!   zone +09:00   day changes 00:00
//!   charset encode euc-kr decode cp949   frame length ascii(4) exclusive max 999   unset 9 zero X space
//!   stamp date at queue
//!   number no per date 1..999
//!   key date no
//!   trace date no
//!   select by kind { balance "Q"|"A" }
//!   verdict code from codes.csv
//! }
//! header head 16 {
//!   kind X(1) public
//!   date date(YYYYMMDD) by asker echo public
//!   no 9(3) by asker echo public
//!   code X(4) by answerer public
//! }
//! telegram balance "잔액조회" 39 : head {
//!   account X(10) by asker account "계좌번호"
//!   amount 9(13) by answerer public "잔액"
//! }
//! exchange balance { request "Q"  answer "A"  effect none  timeout 5s }
//! "#;
//! let codes = "code,class,text\n0000,success,정상\n";
//! let source = |name: &str, text: &str| Source { name: name.into(), text: text.into() };
//! let loaded = load(&[source("tiny.spec", spec), source("codes.csv", codes)]).expect("a spec without a mistake");
//!
//! let protocol = &loaded.institution.protocols[0];
//! let (_, layout) = protocol.catalog.find("balance").expect("its telegram");
//! let values = [("account".into(), Value::Text("110123".into()))];
//! // Kind, date and number are written later, by the gateway.
//! assert_eq!(encode(layout, Side::Asker, &values).unwrap(), b" 00000000000    110123    0000000000000");
//!
//! let (_, balance) = protocol.rules.exchange("balance").expect("its exchange");
//! assert_eq!(balance.request.bytes[0].1.as_ref(), b"Q");
//! ```
#![no_std]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod catalog;
mod check;
mod condition;
mod conversation;
mod diagnostic;
mod exposure;
mod fmt;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
mod hours;
mod institution;
mod mistake;
mod parse;
mod rules;
mod show;
mod verdict;
mod written;

pub use catalog::{Catalog, Select, SelectRow, TelegramId, Unselected};
pub use check::{Loaded, check, load};
pub use condition::{Condition, Operand, Test};
pub use diagnostic::{Diagnostic, Label, Severity, Source, SourceId, Span};
pub use exposure::{Doubt, Exposure, Shown, ShownRow, Sign};
pub use fmt::fmt;
pub use hours::{HoursRule, HoursRules};
pub use institution::{Digest, Institution, Layouts, Protocol};
pub use mistake::CODES;
pub use parse::{moment, parse};
pub use rules::{
    AlsoVerdict, Answered, Confirm, Effect, ExchangeRule, ExchangeRuleId, FillRule, GapRule, InquirySchedule, JoinRule,
    NoticeRule, NoticeRuleId, NumberRule, Numbered, Opener, OpeningRule, PollRule, Rules, SettleRule, SignRule,
    SignSuccess, SignTelegram, StampRule, TypeCode, Unknown, Wins,
};
pub use show::{Outline, Row, outline, show};
pub use verdict::{CodeRow, Verdict, VerdictTable};
pub use written::{Spec, Trivia};
