//! Notices for services: who subscribes, what it is given, and what it replies.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use pabal_clock::{BusinessDate, Wall};
use pabal_spec::{Protocol, TelegramId};
use pabal_switch::{Delivery, ExchangeId, NoticeId, Refusal, ServiceReply, written_in_replies};
use pabal_telegram::{Fault, Layout, Rule, Side, Value, faults_but_for};
use tokio::sync::{mpsc, oneshot};

pub use pabal_switch::ReplyReport;

use crate::call::CallError;
use crate::clock::now;
use crate::config::hint;
use crate::driver::command::Command;
use crate::driver::subscribers::{QUEUE_MAX, Subscriber, SubscriberId, Told};
use crate::handle::{Handle, refused, stopped};
use crate::room;

/// Notices whose form a subscription remembers, to make replies to them; of more, the oldest are forgotten.
const FORMS_MAX: usize = 1_024;

/// Notices that one subscription may hold without having said that it has them.
pub const SERVED_UNACKED_MAX: usize = 64;

/// What a service wants to be given.
#[derive(Clone, Debug)]
pub struct Subscribe {
    /// The institution's name.
    pub institution: String,
    /// The notices' names in its spec; empty is all of them.
    pub notices: Vec<String>,
    /// Who subscribes.
    pub caller: String,
}

/// What a subscriber hears.
#[derive(Clone, Debug)]
pub enum Served {
    /// The institution told us something. It is given again, to this or another subscriber, until one has said that it has it
    /// ([`Replier::received`] or [`Replier::reply`]).
    Notice(Box<Delivered>),
    /// What became of a reply.
    Replied {
        /// To which notice.
        notice: NoticeId,
        /// What became of it.
        report: ReplyReport,
        /// More about it, for people; empty if there is nothing to add.
        detail: String,
    },
}

/// A durable notice, as a subscriber is given it. `Debug` tells of the telegram its length only.
#[derive(Clone)]
pub struct Delivered {
    /// The institution's name.
    pub institution: String,
    /// Names it; the same when it comes again.
    pub notice: NoticeId,
    /// The notice's name in the spec.
    pub rule: String,
    /// The version by which it is read.
    pub protocol: Arc<Protocol>,
    /// Its layout in that version.
    pub layout: TelegramId,
    /// Its bytes, length prefix not included.
    pub telegram: Arc<[u8]>,
    /// The participant that it is from, if the protocol names participants.
    pub participant: Option<String>,
    /// The business date on which it came first.
    pub date: BusinessDate,
    /// The institution's number, if the spec says where it is.
    pub number: Option<String>,
    /// It was here before, by the institution's doing.
    pub repeated: bool,
    /// It is the answer to this exchange, which asked for what was missing.
    pub recovered_by: Option<ExchangeId>,
    /// The exchange that it speaks of.
    pub joined: Option<ExchangeId>,
    /// How long a reply is still taken, from when it was given; `None` if none is.
    pub reply_within: Option<Duration>,
    /// When it came.
    pub received_at: Wall,
    /// Its `traceparent`.
    pub trace: String,
}

/// What a service replies to a notice.
#[derive(Clone)]
pub enum ReplyBody {
    /// A response code; everything else is as the gateway makes it.
    Code(String),
    /// Fields of the answer by their path. The gateway writes type, key, party, participant and what is carried back.
    Fields(Vec<(String, Value)>),
    /// The answer's telegram without its length prefix; what the gateway writes is overwritten.
    Raw(Vec<u8>),
}

/// What one subscriber holds. Dropped, it subscribes no more: what it had not acknowledged goes to another, or waits.
#[derive(Debug)]
pub struct Subscription {
    told: mpsc::Receiver<Told>,
    replier: Replier,
    /// Bounded by the subscriptions that there are: each sends once.
    leaves: mpsc::UnboundedSender<SubscriberId>,
}

/// Replies to notices; cheap to clone.
#[derive(Clone, Debug)]
pub struct Replier(Arc<Desk>);

/// What the parts of a subscription share.
#[derive(Debug)]
struct Desk {
    institution: String,
    id: SubscriberId,
    caller: Box<str>,
    commands: mpsc::Sender<Command>,
    /// How the notices lie that were given.
    forms: Mutex<BTreeMap<NoticeId, Form>>,
}

/// What a reply to a notice is made by.
#[derive(Clone, Debug)]
struct Form {
    protocol: Arc<Protocol>,
    rule: Box<str>,
}

impl std::fmt::Debug for Delivered {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Delivered")
            .field("notice", &self.notice)
            .field("rule", &self.rule)
            .field("telegram_bytes", &self.telegram.len())
            .field("participant", &self.participant)
            .field("number", &self.number)
            .field("repeated", &self.repeated)
            .finish_non_exhaustive()
    }
}

impl std::fmt::Debug for ReplyBody {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Code(code) => f.debug_tuple("Code").field(code).finish(),
            Self::Fields(fields) => f.debug_struct("Fields").field("fields", &fields.len()).finish(),
            Self::Raw(bytes) => f.debug_struct("Raw").field("telegram_bytes", &bytes.len()).finish(),
        }
    }
}

impl Delivered {
    /// How its telegram lies.
    #[must_use]
    pub fn layout(&self) -> &Arc<Layout> {
        self.protocol.catalog.layout(self.layout)
    }
}

impl Subscription {
    /// What comes next; `None` when nothing more will come: the institution's driver has ended, or this subscriber has not taken what was
    /// there for it.
    pub async fn next(&mut self) -> Option<Served> {
        Some(match self.told.recv().await? {
            Told::Replied { notice, report } => {
                self.replier.0.forms().remove(&notice);
                Served::Replied { notice, report, detail: report.sentence().to_owned() }
            }
            Told::Notice(delivery) => {
                let form = Form { protocol: Arc::clone(&delivery.protocol), rule: delivery.rule.clone() };
                self.replier.0.remember(delivery.notice, form);
                Served::Notice(Box::new(Delivered::new(&self.replier.0.institution, *delivery)))
            }
        })
    }

    /// Replies to what this subscription is given.
    #[must_use]
    pub fn replier(&self) -> Replier {
        self.replier.clone()
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        // A driver that is gone has nobody to leave.
        let _ = self.leaves.send(self.replier.0.id);
    }
}

impl Delivered {
    fn new(institution: &str, delivery: Delivery) -> Self {
        let participant = delivery.participant.readable();
        Self {
            institution: institution.to_owned(),
            notice: delivery.notice,
            rule: delivery.rule.into(),
            protocol: delivery.protocol,
            layout: delivery.layout,
            telegram: delivery.telegram,
            participant: Some(participant).filter(|text| !text.is_empty()),
            date: delivery.date,
            number: delivery.number.map(String::from),
            repeated: delivery.repeated,
            recovered_by: delivery.recovered_by,
            joined: delivery.joined,
            reply_within: delivery.reply_until.map(|until| until.since(now().mono)),
            received_at: delivery.received_at,
            trace: (*delivery.trace).into(),
        }
    }
}

impl Desk {
    fn forms(&self) -> MutexGuard<'_, BTreeMap<NoticeId, Form>> {
        self.forms.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn remember(&self, notice: NoticeId, form: Form) {
        let mut forms = self.forms();
        forms.insert(notice, form);
        while forms.len() > FORMS_MAX {
            forms.pop_first();
        }
    }

    async fn send(
        &self,
        command: impl FnOnce(oneshot::Sender<Result<(), (Refusal, String)>>) -> Command,
    ) -> Result<(), CallError> {
        let (reply, taken) = oneshot::channel();
        self.commands.send(command(reply)).await.map_err(|_| stopped())?;
        taken.await.map_err(|_| stopped())?.map_err(|(refusal, detail)| refused(refusal, detail))
    }
}

impl Replier {
    /// Replies to a notice that this subscription was given; that also says that it was received. What becomes of the reply is told by
    /// [`Served::Replied`].
    ///
    /// # Errors
    /// The notice is not known, or its reply cannot be made; no byte of it left.
    pub async fn reply(&self, notice: NoticeId, body: ReplyBody) -> Result<(), CallError> {
        let form = self.0.forms().get(&notice).cloned();
        let form = form.ok_or_else(|| {
            refused(
                Refusal::UnknownNotice,
                format!("notice {notice} was not given to this subscription, or is replied to"),
            )
        })?;
        let (response_code, telegram) = form.fill(&body)?;
        let reply = ServiceReply { notice, caller: self.0.caller.clone(), response_code, telegram };
        self.0.send(|taken| Command::Reply { reply: Box::new(reply), subscriber: self.0.id, taken }).await
    }

    /// Says that a notice is safe with the subscriber: it is not given again, unless the institution sends it again, or the gateway ends
    /// before that is durable. It may be one that an earlier subscription of the same caller was given, if this one subscribes to its name;
    /// to say so twice on one subscription changes nothing.
    ///
    /// # Errors
    /// [`Refusal::UnknownNotice`] if the notice is not known, was given to others only, or is taken by another; it stays as it is. Or the
    /// institution's driver has ended.
    pub async fn received(&self, notice: NoticeId) -> Result<(), CallError> {
        self.0.send(|taken| Command::NoticeTaken { notice, subscriber: self.0.id, taken }).await
    }
}

/// A response code and a telegram; what there is of them.
type Filled = (Option<Box<[u8]>>, Option<Vec<u8>>);

impl Form {
    /// What a service says, as bytes; on its own task.
    fn fill(&self, body: &ReplyBody) -> Result<Filled, CallError> {
        let unknown = || refused(Refusal::UnknownNotice, format!("the spec has no notice {:?} any more", self.rule));
        let (_, rule) = self.protocol.rules.notice(&self.rule).ok_or_else(unknown)?;
        let layout = self.protocol.catalog.layout(rule.answer.telegram);
        let faults = match body {
            ReplyBody::Code(code) => {
                let at = self.protocol.rules.response_code;
                let Some(field) = layout.head().iter().find(|field| field.at == at) else { return Err(unknown()) };
                let mut bytes = Vec::new();
                match field.encode(&Value::Text(code.clone()), &mut bytes) {
                    Ok(()) => return Ok((Some(bytes.into()), None)),
                    Err(fault) => vec![fault],
                }
            }
            ReplyBody::Fields(values) => match room::encode(layout, Side::Answerer, values) {
                Ok(telegram) => return Ok((None, Some(telegram))),
                Err(faults) => faults,
            },
            ReplyBody::Raw(bytes) => {
                let found = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
                let expected = found.clamp(layout.len(), layout.len_max());
                let faults = if found == expected {
                    faults_but_for(layout, Side::Answerer, bytes, &written_in_replies(&self.protocol, rule))
                } else {
                    vec![Fault::of_telegram(layout, Rule::Length { expected, found })]
                };
                if faults.is_empty() {
                    return Ok((None, Some(bytes.clone())));
                }
                faults
            }
        };
        let told: Vec<String> = faults.iter().map(ToString::to_string).collect();
        Err(CallError { faults, ..refused(Refusal::InvalidFields, told.join("; ")) })
    }
}

impl Handle {
    /// Subscribes to notices. Each goes to one subscriber of its rule in turn; what came while there was none waits and comes first.
    ///
    /// # Errors
    /// The institution or a notice is not known, or the institution has no core.
    pub async fn serve(&self, subscribe: Subscribe) -> Result<Subscription, CallError> {
        let Subscribe { institution, notices, caller } = subscribe;
        let desk = self.desk(&institution)?;
        let newest = desk.versions.newest();
        let rules = newest.institution.protocols.iter().flat_map(|protocol| &protocol.rules.notices);
        let known: Vec<&str> = rules.map(|rule| &*rule.name).collect();
        if let Some(name) = notices.iter().find(|name| !known.contains(&name.as_str())) {
            let text = format!("the spec of {institution} has no notice {name:?}{}", hint(name, &known));
            return Err(refused(Refusal::UnknownNotice, text));
        }
        let id = SubscriberId(self.next_id());
        let (told, heard) = mpsc::channel(QUEUE_MAX);
        let caller: Box<str> = caller.into();
        let subscriber = Subscriber { caller: caller.clone(), notices: notices.into_iter().collect(), told };
        let own = Desk { institution, id, caller, commands: desk.commands.clone(), forms: Mutex::default() };
        // From now on it leaves when it is dropped, also if the driver has not taken it in yet.
        let subscription = Subscription { told: heard, replier: Replier(Arc::new(own)), leaves: desk.leaves.clone() };
        subscription.replier.0.send(|taken| Command::Subscribe { id, subscriber, taken }).await?;
        Ok(subscription)
    }
}

#[cfg(test)]
mod tests {
    use pabal_spec::Source;

    use super::*;

    #[test]
    fn a_reply_given_whole_is_held_to_its_layout() {
        let file = |name: &str, text: &str| Source { name: name.into(), text: text.into() };
        let sources = [
            file("firmbanking.spec", include_str!("../../../specs/hecto/firmbanking.spec")),
            file("codes.csv", include_str!("../../../specs/hecto/codes.csv")),
        ];
        let protocol = pabal_spec::load(&sources).unwrap().institution.protocols.remove(0);
        let form = Form { protocol, rule: "deposit".into() };
        let fields = vec![("response_code".to_owned(), Value::Text("0000".to_owned()))];
        let (_, Some(right)) = form.fill(&ReplyBody::Fields(fields)).unwrap() else { panic!("a telegram") };
        let told = |at: usize, bytes: &[u8]| {
            let mut telegram = right.clone();
            telegram[at..at + bytes.len()].copy_from_slice(bytes);
            match form.fill(&ReplyBody::Raw(telegram.clone())) {
                Ok(filled) => {
                    assert_eq!(filled, (None, Some(telegram)));
                    String::new()
                }
                Err(error) => {
                    assert_eq!((error.refusal, error.faults.len()), (Refusal::InvalidFields, 1));
                    error.detail.split(':').next().unwrap().to_owned()
                }
            }
        };
        // By the layout table: the header's offsets, and behind its 100 bytes those of the notice.
        assert_eq!(told(126, b"0000000050000"), "T14 tx_amt at byte 126 (13 bytes)");
        assert_eq!(told(126, b"000000005000x"), "T02 tx_amt at byte 126 (13 bytes)");
        assert_eq!(told(52, b"\xC8\xAB\xC8 "), "T05 response_code at byte 52 (4 bytes)");
        assert_eq!(told(31, b"x"), "T02 send_count at byte 31 (1 byte)");
        // The gateway's own: what is carried back of the notice, what marks the reply; and fillers.
        for (at, bytes) in
            [(0, &b"\xFF???"[..]), (24, b"9999"), (32, b"number"), (38, b"no date"), (56, b"\xFF\0"), (299, b"!")]
        {
            assert_eq!(told(at, bytes), "", "{at}");
        }
        let error = form.fill(&ReplyBody::Raw(right[..299].to_vec())).unwrap_err();
        assert_eq!(error.faults.iter().map(Fault::code).collect::<Vec<_>>(), ["T01"]);
    }
}
