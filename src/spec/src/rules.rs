use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::ops::RangeInclusive;
use core::time::Duration;

use pabal_clock::TimeOfDay;
use pabal_telegram::{Charset, Equal, Layout, Slice, Stamp, TraceKey};
use serde::{Deserialize, Serialize};

use crate::catalog::TelegramId;
use crate::condition::Condition;
use crate::hours::HoursRules;
use crate::verdict::{Verdict, VerdictTable};

/// The conversation: everything that the switch reads, as places in the bytes of a telegram (length prefix not counted).
///
/// Places in `key`, `number`, `stamps` and the like are the same in every telegram that has the protocol's header;
/// poll telegrams have none.
#[derive(Debug)]
pub struct Rules {
    /// How many bytes the header has: there the body of a telegram that has it begins.
    pub header: u32,
    /// Which fields say who we are (`party`): name, and where.
    pub party: Vec<(Box<str>, Slice)>,
    /// The header field that names the party behind a relay.
    pub participant: Option<(Box<str>, Slice)>,
    /// The header field by which limits, queues and openings are kept apart.
    pub compartment: Option<(Box<str>, Slice)>,
    /// Fields that the gateway writes when a telegram leaves the queue.
    pub stamps: Vec<StampRule>,
    /// How telegrams are numbered.
    pub number: NumberRule,
    /// Fields, or parts of them, that tell which request an answer belongs to, the same in both. `key none`: no field, and the answer is
    /// that of the only request of its session.
    pub key: Vec<Slice>,
    /// Fields under which a trace is kept; every answer echoes them, and the number and its scope are among them. `trace none`: no field.
    pub trace: Vec<Slice>,
    /// The echo test of a session.
    pub poll: Option<PollRule>,
    /// What makes a connection a session.
    pub sign_on: Option<SignRule>,
    /// What is said before one is closed.
    pub sign_off: Option<SignRule>,
    /// What gates business.
    pub opening: Option<OpeningRule>,
    /// When there is business.
    pub hours: HoursRules,
    /// Where the response code is.
    pub response_code: Slice,
    /// What response codes say.
    pub verdicts: VerdictTable,
    /// What we may ask.
    pub exchanges: Vec<ExchangeRule>,
    /// What they may tell us.
    pub notices: Vec<NoticeRule>,
}

impl Rules {
    /// An exchange by its name.
    #[must_use]
    pub fn exchange(&self, name: &str) -> Option<(ExchangeRuleId, &ExchangeRule)> {
        let at = self.exchanges.iter().position(|exchange| &*exchange.name == name)?;
        Some((ExchangeRuleId(u16::try_from(at).ok()?), self.exchanges.get(at)?))
    }

    /// The key under which a request's trace context is kept in a [`pabal_telegram::Carrier`], read from the request as it is sent, or
    /// from any telegram that answers it; `None` if the telegram is too short to have it.
    ///
    /// ```
    /// use core::time::Duration;
    /// use pabal_clock::Mono;
    /// use pabal_spec::{Source, load};
    /// use pabal_telegram::{Carrier, Side, Value, encode};
    ///
    /// # let spec = r#"
    /// # institution tiny "작은은행"
    /// # protocol ask {
    /// #   zone +09:00   day changes 00:00
    /// #   charset encode euc-kr decode cp949   frame length ascii(4) exclusive max 999   unset 9 zero X space
    /// #   stamp date at queue
    /// #   number no per date 1..999
    /// #   key date no
    /// #   trace date no
    /// #   select by kind { balance "Q"|"A" }
    /// #   verdict code from codes.csv
    /// # }
    /// # header head 16 {
    /// #   kind X(1) public
    /// #   date date(YYYYMMDD) by asker echo public
    /// #   no 9(3) by asker echo public
    /// #   code X(4) by answerer public
    /// # }
    /// # telegram balance "잔액조회" 39 : head {
    /// #   account X(10) by asker account "계좌번호"
    /// #   amount 9(13) by answerer public "잔액"
    /// # }
    /// # exchange balance { request "Q"  answer "A"  effect none  timeout 5s }
    /// # "#;
    /// # let codes = "code,class,text\n0000,success,정상\n";
    /// # let source = |name: &str, text: &str| Source { name: name.into(), text: text.into() };
    /// # let sources = [source("tiny.spec", spec), source("codes.csv", codes)];
    /// // A program that has its own sockets and links only the library. The spec says `trace date no`.
    /// let loaded = load(&sources).expect("a spec without a mistake");
    /// let protocol = &loaded.institution.protocols[0];
    /// let (_, balance) = protocol.rules.exchange("balance").expect("its exchange");
    /// let layout = protocol.catalog.layout(balance.request.telegram);
    /// let mut carrier = Carrier::new(10_000, Duration::from_secs(900));
    ///
    /// // It makes a request, and writes what a gateway would write.
    /// let mut request = encode(layout, Side::Asker, &[("account".into(), "110123".into())]).unwrap();
    /// for (name, value) in [("kind", "Q"), ("date", "20261122"), ("no", "7")] {
    ///     layout.find(name).expect("a header field").1.write(&Value::from(value), &mut request).unwrap();
    /// }
    /// // Before it sends the request, it stores the trace under the request's key.
    /// let sent_at = Mono::from_nanos(1);
    /// let key = protocol.rules.trace_key(&request).expect("a whole telegram");
    /// carrier.store(key, "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", sent_at);
    ///
    /// // The answer comes on another socket; nothing but its bytes is known there.
    /// let answer = b"A202611220070000110123    0000001500000";
    /// let key = protocol.rules.trace_key(answer).expect("a whole telegram");
    /// let trace = carrier.find(&key, sent_at + Duration::from_secs(600));
    /// assert_eq!(trace, Some(&"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"));
    /// ```
    #[must_use]
    pub fn trace_key(&self, telegram: &[u8]) -> Option<TraceKey> {
        TraceKey::of(telegram, &self.trace)
    }

    /// The sign-on and the sign-off, as far as there are any.
    pub fn signs(&self) -> impl Iterator<Item = &SignRule> {
        self.sign_on.iter().chain(&self.sign_off)
    }

    /// A notice by its name.
    #[must_use]
    pub fn notice(&self, name: &str) -> Option<(NoticeRuleId, &NoticeRule)> {
        let at = self.notices.iter().position(|notice| &*notice.name == name)?;
        Some((NoticeRuleId(u16::try_from(at).ok()?), self.notices.get(at)?))
    }
}

/// `stamp`: a field that is written when its telegram leaves the queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StampRule {
    /// The field.
    pub at: Slice,
    /// Its pattern, filled with the time at the institution.
    pub pattern: Stamp,
    /// In which its digits and marks are written.
    pub charset: Charset,
}

impl StampRule {
    /// Whether a place, this field or some of its bytes, holds the month and the day of the stamp: what is counted or told apart by it
    /// begins anew each day.
    #[must_use]
    pub fn is_dated(&self, place: Slice) -> bool {
        let start = place.offset.checked_sub(self.at.offset).and_then(|start| usize::try_from(start).ok());
        let part = start.and_then(|start| self.pattern.pattern.get(start..start.checked_add(place.range().len())?));
        part.is_some_and(|part| part.contains("MM") && part.contains("DD"))
    }
}

/// `number`: a counter for each value of the scope, written into a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NumberRule {
    /// The field, right-aligned digits.
    pub at: Slice,
    /// A new counter for each combination of these. The stamped date is one of them, so that numbers restart daily.
    pub scope: Vec<Slice>,
    /// The numbers that may be given.
    pub range: RangeInclusive<u64>,
    /// From here on, the operator is warned.
    pub warn: u64,
    /// In which its digits are written.
    pub charset: Charset,
}

/// `poll`: the echo test of a session, by the side that opened it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PollRule {
    /// How long nothing was sent.
    pub after: Duration,
    /// How long the answer may take.
    pub timeout: Duration,
    /// What is sent, but for its stamps.
    pub request: Box<[u8]>,
    /// The layout of the request.
    pub request_telegram: TelegramId,
    /// Stamps of the request.
    pub stamps: Vec<StampRule>,
    /// What is answered, but for the bytes that are echoed.
    pub answer: Box<[u8]>,
    /// The layout of the answer.
    pub answer_telegram: TelegramId,
    /// Bytes that the answer carries back.
    pub echo: Vec<Slice>,
}

/// Who opened a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opener {
    /// The side that connected.
    Initiator,
    /// The side that was connected to.
    Acceptor,
}

impl Opener {
    /// Every word that specs use.
    pub const ALL: [(&'static str, Self); 2] = [("initiator", Self::Initiator), ("acceptor", Self::Acceptor)];
}

/// `sign on`, or `sign off`: telegrams of a session, before and behind all business. They are answered where they came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignRule {
    /// Who asks at a sign-on. A sign-off is asked by the side that wants to close.
    pub by: Opener,
    /// How long the answer may take; also how long the one who is asked waits for the request.
    pub timeout: Duration,
    /// What is sent.
    pub request: SignTelegram,
    /// What is answered; none only at a sign-off.
    pub answer: Option<SignTelegram>,
    /// Bytes that the answer carries back, at the same place in both.
    pub echo: Vec<Slice>,
    /// Where the answer says whether it is good, and what a good one has there, the first being what we answer; `None`: any answer is.
    pub success: Option<SignSuccess>,
}

/// `success result "00"`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignSuccess {
    /// The field's name.
    pub field: Box<str>,
    /// Its place in the answer.
    pub at: Slice,
    /// What a good answer has there, at least one.
    pub any_of: Vec<Box<[u8]>>,
}

/// A telegram of a sign-on or sign-off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignTelegram {
    /// Its layout, and what marks it if it has the header.
    pub kind: TypeCode,
    /// What is sent, but for its stamps and, with the header, for who we are.
    pub bytes: Box<[u8]>,
    /// Its stamps.
    pub stamps: Vec<StampRule>,
    /// It has the protocol's header.
    pub headed: bool,
}

impl SignRule {
    /// Whether an answer says that it is good.
    #[must_use]
    pub fn is_good(&self, answer: &[u8]) -> bool {
        self.success.as_ref().is_none_or(|success| {
            success.at.of(answer).is_some_and(|found| success.any_of.iter().any(|good| **good == *found))
        })
    }
}

/// `opening`: business with a participant has to be opened each business date.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpeningRule {
    /// One opening for each combination of these (party fields and the participant).
    pub per: Vec<Slice>,
    /// The exchange that opens.
    pub exchange: ExchangeRuleId,
    /// No try before this time of the business date; [`pabal_clock::DayRule::changes`] if nothing is said.
    pub from: TimeOfDay,
    /// How long after a failed try the next one is made.
    pub retry: Duration,
    /// A response code of this class, in any answer, means that business is not open.
    pub lost: Verdict,
}

/// The place of an exchange in [`Rules::exchanges`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ExchangeRuleId(pub u16);

/// The place of a notice in [`Rules::notices`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct NoticeRuleId(pub u16);

/// What a request changes at the institution.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Effect {
    /// Nothing; it may be asked again.
    None,
    /// Money moves.
    Money,
    /// Something else is set, such as an opening or a registration.
    State,
}

/// Bytes that mark a telegram as what it is: the fields of `select by`, in their order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TypeCode {
    /// The layout.
    pub telegram: TelegramId,
    /// `(field, bytes)`.
    pub bytes: Vec<(Slice, Box<[u8]>)>,
}

/// `exchange`: a request of ours and its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExchangeRule {
    /// Name in calls and metrics.
    pub name: Box<str>,
    /// What we send.
    pub request: TypeCode,
    /// How the caller fills the request: the telegram's layout, but for the fields of `given`, which the caller fills here.
    pub request_layout: Arc<Layout>,
    /// What comes back.
    pub answer: TypeCode,
    /// Fields that the gateway neither numbers nor stamps in this request, since they name something of theirs. The number may be one
    /// of them. Only where the effect is [`Effect::None`].
    pub given: Vec<Slice>,
    /// A second code field in the answer's body.
    pub also: Option<AlsoVerdict>,
    /// What it changes.
    pub effect: Effect,
    /// How long the institution may take, from the last byte sent.
    pub timeout: Duration,
    /// What is done if nothing is known of it.
    pub unknown: Unknown,
    /// This exchange tells what became of another.
    pub settles: Option<SettleRule>,
}

/// `verdict also`: a second response code, in the body of the answer, read by the same table. Where both are of one class, that is
/// what the answer says; where they differ, `wins` decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AlsoVerdict {
    /// The field.
    pub at: Slice,
    /// Which of the two is believed.
    pub wins: Wins,
}

/// Which response code is believed where header and body differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wins {
    /// That of the header.
    Header,
    /// That of the body.
    Body,
    /// None of them: the verdict is [`Verdict::Unknown`].
    Neither,
}

impl Wins {
    /// Every word that specs use.
    pub const ALL: [(&'static str, Self); 3] =
        [("header", Self::Header), ("body", Self::Body), ("neither", Self::Neither)];
}

/// `unknown`: how an UNKNOWN is driven to an end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unknown {
    /// It changes nothing; it stays unknown.
    Leave,
    /// It goes on the list of what a person must look at.
    List,
    /// It is asked about, then listed.
    Inquire(InquirySchedule),
}

/// When to ask what became of an exchange.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InquirySchedule {
    /// The exchange that asks; it has a [`SettleRule`] for the one that it asks about.
    pub by: ExchangeRuleId,
    /// First, so long after the UNKNOWN.
    pub after: Duration,
    /// Then, so long after the last.
    pub every: Duration,
    /// Not after this time of the same business date, since numbers restart.
    pub until: TimeOfDay,
}

/// `settles`: what the answer of this exchange says about the original.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettleRule {
    /// The exchange that it is about.
    pub original: ExchangeRuleId,
    /// Bytes of the original request that the inquiry carries.
    pub fill: Vec<FillRule>,
    /// What must agree before the answer is believed: numbers restart daily.
    pub confirm: Vec<Confirm>,
    /// When it says that the original was executed.
    pub success: Condition,
    /// When it says that the original was plainly not executed.
    pub failure: Condition,
}

/// Bytes copied from one telegram into another, of the same length and kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FillRule {
    /// In the original, or in the notice that is replied to or showed a hole.
    pub from: Slice,
    /// In the new one.
    pub to: Slice,
}

/// A field of an answer that must be the same as one of the original request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Confirm {
    /// In the answer.
    pub answer: Slice,
    /// In the original request.
    pub original: Slice,
    /// What does not matter.
    pub equal: Equal,
}

/// `notice`: an exchange that the institution starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoticeRule {
    /// Name in events and metrics.
    pub name: Box<str>,
    /// What they send.
    pub request: TypeCode,
    /// What we answer.
    pub answer: TypeCode,
    /// Who answers.
    pub answered: Answered,
    /// Fields that the answer carries back from the request.
    pub echo: Vec<FillRule>,
    /// How they number their notices, if holes shall be found.
    pub numbered: Option<Numbered>,
    /// How a hole is asked for.
    pub gap: Option<GapRule>,
    /// The exchange of ours that this notice is about.
    pub joins: Option<JoinRule>,
}

/// Who answers a notice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answered {
    /// The gateway, as soon as the notice is durable, with this response code.
    ByGateway {
        /// What the answer says.
        response_code: Box<[u8]>,
    },
    /// A service, within a time; else the gateway with this response code.
    ByService {
        /// How long it may take.
        within: Duration,
        /// What the answer says if it takes longer.
        otherwise: Box<[u8]>,
    },
}

/// `numbered`: how the institution numbers its notices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Numbered {
    /// The header field that holds the number.
    pub at: Slice,
    /// They count anew for each combination of these header fields.
    pub scope: Vec<Slice>,
    /// The first number of a scope, if the document says it: then also what is missing before the first notice is a hole.
    pub first: Option<u64>,
}

/// `gap`: a hole in their numbers is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GapRule {
    /// By which exchange.
    pub exchange: ExchangeRuleId,
    /// How long after it was seen.
    pub after: Duration,
    /// What else of the notice that showed the hole the request carries. The number and its scope are header fields, and go to
    /// the same places.
    pub fill: Vec<FillRule>,
}

/// `joins`: the exchange of ours that a notice is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JoinRule {
    /// Its rule.
    pub exchange: ExchangeRuleId,
    /// The field that holds the original's number.
    pub by: Slice,
    /// What must agree.
    pub confirm: Vec<Confirm>,
}
