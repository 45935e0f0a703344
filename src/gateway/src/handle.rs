//! What others hold of a gateway.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use pabal_clock::{Deadline, Now};
use pabal_switch::{
    Cause, ExchangeId, ExchangeState, ExchangeStatus, Inquire, Open, OpenNotice, Outcome, Plan, Refusal, Report,
    Status, Unresolved,
};
use pabal_telegram::{Charset, Fault, Rule, Side, faults_as_given};
use tokio::sync::{mpsc, oneshot, watch};

use crate::call::{Answer, Body, Call, CallError, Find, FindKey, Found, InquireCall};
use crate::clock::now;
use crate::config::{InstitutionConfig, hint};
use crate::deadlines::Site;
use crate::driver::command::{Command, Fenced, Heard, LookKey, Waiter, WaiterId, Waiting};
use crate::driver::health::Health;
use crate::driver::subscribers::SubscriberId;
use crate::history::{Histories, Keyed};
use crate::room;
use crate::versions::{Shelf, Versions};

/// What others hold of a gateway; cheap to clone.
#[derive(Clone, Debug)]
pub struct Handle(pub(crate) Arc<Shared>);

#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) desks: BTreeMap<String, Desk>,
    pub(crate) histories: Histories,
    default_timeout: Duration,
    waiters: AtomicU64,
    /// One reload at a time.
    pub(crate) reloading: tokio::sync::Mutex<()>,
}

/// Where calls to one institution are taken in.
#[derive(Debug)]
pub(crate) struct Desk {
    pub(crate) name: String,
    pub(crate) config: InstitutionConfig,
    pub(crate) site: Site,
    pub(crate) versions: Arc<Versions>,
    pub(crate) shelf: Shelf,
    pub(crate) commands: mpsc::Sender<Command>,
    pub(crate) abandons: mpsc::UnboundedSender<WaiterId>,
    pub(crate) leaves: mpsc::UnboundedSender<SubscriberId>,
    pub(crate) health: watch::Receiver<Health>,
    /// Of the lines to which they connect.
    pub(crate) addresses: Vec<(String, SocketAddr)>,
}

impl Handle {
    pub(crate) fn new(desks: BTreeMap<String, Desk>, data_dir: PathBuf, default_timeout: Duration) -> Self {
        let histories = Histories::new(data_dir);
        Self(Arc::new(Shared {
            desks,
            histories,
            default_timeout,
            waiters: AtomicU64::new(0),
            reloading: tokio::sync::Mutex::default(),
        }))
    }

    pub(crate) fn commands(&self, institution: &str) -> Option<mpsc::Sender<Command>> {
        self.0.desks.get(institution).map(|desk| desk.commands.clone())
    }

    fn desks(&self) -> impl Iterator<Item = &Desk> {
        self.0.desks.values()
    }

    pub(crate) fn local_addresses(&self) -> Vec<(String, String, SocketAddr)> {
        let of = |desk: &Desk| {
            let name = desk.name.clone();
            desk.addresses.iter().map(move |(line, address)| (name.clone(), line.clone(), *address)).collect::<Vec<_>>()
        };
        self.desks().flat_map(of).collect()
    }

    /// The institutions' names, in order.
    #[must_use]
    pub fn institutions(&self) -> Vec<String> {
        self.0.desks.keys().cloned().collect()
    }

    /// Sends a request and waits for its outcome. Dropping the future abandons the call: what has not left will not leave.
    ///
    /// # Errors
    /// Refused; no byte left. Only if an idempotency key cannot be looked up, that is not proven ([`CallError::is_proof`]): this call sent
    /// nothing, but an earlier one under its key may have.
    pub async fn exchange(&self, call: Call) -> Result<Answer, CallError> {
        let deadline = self.deadline(call.timeout);
        let (desk, plan, telegram) = match self.planned(&call) {
            Ok(planned) => planned,
            Err(error) => {
                // It may be a request that was right when its key was first used: before another configuration or spec.
                if let Some(key) = &call.idempotency_key {
                    self.unused(&call.institution, &call.caller, key, call.timeout).await?;
                }
                return Err(error);
            }
        };
        let open = Open {
            plan,
            caller: call.caller.as_str().into(),
            idempotency_key: call.idempotency_key.as_deref().map(Into::into),
            party: call.party.as_deref().map(Into::into),
            telegram: telegram.into(),
            deadline,
            accepts_early_unknown: call.accepts_early_unknown,
            trace: call.trace.as_deref().map(Into::into),
        };
        if call.idempotency_key.is_some() {
            // Of a request whose key was used before, bytes may have left then: an error would deny that.
            match self.open(desk, &call, open.clone(), true).await? {
                Opened::Heard(HeardBy { heard: Some(Heard::KeyNotInMemory), .. }) => {}
                Opened::Heard(heard) => return answer(heard, call.trace),
                Opened::Recorded(answer) => return Ok(answer),
            }
        }
        match self.open(desk, &call, open, false).await? {
            Opened::Heard(heard) => answer(heard, call.trace),
            Opened::Recorded(answer) => Ok(answer),
        }
    }

    /// By which plan a request leaves, and its bytes.
    fn planned(&self, call: &Call) -> Result<(&Desk, Arc<Plan>, Vec<u8>), CallError> {
        let desk = self.desk(&call.institution)?;
        let plan = desk.plan(&call.exchange)?;
        let telegram = telegram(&plan, &call.body)?;
        Ok((desk, plan, telegram))
    }

    /// Looks up that nothing was sent under an idempotency key, for who is about to refuse a request that comes with it.
    ///
    /// # Errors
    /// [`Refusal::KeyReused`] with the exchange that has the key; what is no proof ([`CallError::is_proof`]) if it cannot be looked up in time.
    pub async fn unused(
        &self,
        institution: &str,
        caller: &str,
        key: &str,
        timeout: Option<Duration>,
    ) -> Result<(), CallError> {
        let used = |exchange| {
            let text = format!("the idempotency key belongs to exchange {exchange}; ask `Find` what became of it");
            CallError { exchange: Some(exchange), ..refused(Refusal::KeyReused, text) }
        };
        // An institution that is not configured any more has a history.
        if let Some(desk) = self.0.desks.get(institution) {
            let look = self.look(desk, LookKey::Idempotency { caller: caller.into(), key: key.into() });
            match tokio::time::timeout(self.deadline(timeout).since(now().mono), look).await {
                Ok(None) => {}
                Ok(Some(status)) => return Err(used(status.exchange)),
                Err(_) => {
                    let text = format!("the driver of {institution} did not look up the idempotency key in time");
                    return Err(CallError { is_proof: false, ..refused(Refusal::DeadlinePassed, text) });
                }
            }
        }
        match self.0.histories.keyed(institution.to_owned(), caller.to_owned(), key.to_owned()).await? {
            Keyed::Exchange(exchange) => Err(used(exchange)),
            Keyed::Unused | Keyed::Fenced => Ok(()),
        }
    }

    fn deadline(&self, timeout: Option<Duration>) -> Deadline {
        now().mono + timeout.unwrap_or(self.0.default_timeout)
    }

    /// Gives a request to the driver, and asks the journal about its key if memory cannot tell.
    async fn open(&self, desk: &Desk, call: &Call, open: Open, only_if_known: bool) -> Result<Opened, CallError> {
        let (deadline, content) = (open.deadline, open.content());
        let command = |open, only_if_known| move |waiter| Command::Open { open: Box::new(open), only_if_known, waiter };
        let Some(key) = &call.idempotency_key else {
            return self.ask(desk, deadline, command(open, only_if_known)).await.map(Opened::Heard);
        };
        // Memory does not know the oldest keys, or cannot be asked; the journal knows them all.
        let is_told = |asked: &Result<HeardBy, CallError>| {
            asked.as_ref().is_ok_and(|HeardBy { heard, exchange }| match heard {
                Some(heard) => !matches!(heard, Heard::KeyNotInMemory),
                None => exchange.is_some(),
            })
        };
        let asked = self.ask(desk, deadline, command(open.clone(), only_if_known)).await;
        if !is_told(&asked)
            && let Some(recorded) = self.recorded(desk, &call.caller, key, content).await?
        {
            // Another call may have brought the key between the two looks: then memory has it now, and the journal only how it began.
            let again = self.ask(desk, deadline, command(open, true)).await;
            return if is_told(&again) { again.map(Opened::Heard) } else { Ok(Opened::Recorded(recorded)) };
        }
        asked.map(Opened::Heard).map_err(|error| {
            // A driver that is late may know of a use that is not in the journal yet.
            CallError { is_proof: error.refusal != Refusal::DeadlinePassed, ..error }
        })
    }

    /// What the journal has under an idempotency key.
    async fn recorded(&self, desk: &Desk, caller: &str, key: &str, content: u64) -> Result<Option<Answer>, CallError> {
        let found = match self.0.histories.keyed(desk.name.clone(), caller.to_owned(), key.to_owned()).await? {
            Keyed::Unused => return Ok(None),
            Keyed::Fenced => {
                let text = "find bound this idempotency key before the request came; use a new one";
                return Err(refused(Refusal::KeyFenced, text));
            }
            Keyed::Exchange(found) => found,
        };
        match self.0.histories.exchange(desk.name.clone(), found).await? {
            Some(history) if !history.is_for(content) => {
                let text = format!("the idempotency key belongs to exchange {found}, which has another content");
                Err(CallError { exchange: Some(found), ..refused(Refusal::KeyReused, text) })
            }
            history => Ok(history.map(|history| history.answer(found))),
        }
    }

    /// What is known of an exchange, from memory or the journal.
    ///
    /// # Errors
    /// The institution is not known, or the journal cannot be read or written.
    pub async fn find(&self, find: Find) -> Result<Found, CallError> {
        let desk = self.desk(&find.institution)?;
        let (caller, key) = match find.key {
            FindKey::Exchange(exchange) => return self.found(desk, exchange).await,
            FindKey::Idempotency { caller, key } => (caller, key),
        };
        // Memory first: it knows what is not durable yet, and the journal then knows the rest.
        let look = LookKey::Idempotency { caller: caller.as_str().into(), key: key.as_str().into() };
        if let Some(status) = self.look(desk, look).await {
            return self.found(desk, status.exchange).await;
        }
        match self.0.histories.keyed(desk.name.clone(), caller.clone(), key.clone()).await? {
            Keyed::Exchange(exchange) => return self.found(desk, exchange).await,
            Keyed::Fenced => return Ok(Found::NotFound { fenced: true }),
            Keyed::Unused if !find.fence => return Ok(Found::NotFound { fenced: false }),
            Keyed::Unused => {}
        }
        let (reply, fenced) = oneshot::channel();
        desk.send(Command::Fence { caller: caller.into(), key: key.into(), reply }).await?;
        match fenced.await {
            Ok(Fenced::Bound) => Ok(Found::NotFound { fenced: true }),
            Ok(Fenced::Used(exchange)) => self.found(desk, exchange).await,
            Ok(Fenced::Refused(refusal, text)) => Err(refused(refusal, text)),
            Err(_) => Err(stopped()),
        }
    }

    async fn found(&self, desk: &Desk, exchange: ExchangeId) -> Result<Found, CallError> {
        let status = self.look(desk, LookKey::Exchange(exchange)).await;
        let history = self.0.histories.exchange(desk.name.clone(), exchange).await?;
        Ok(match (status, history) {
            (None, None) => Found::NotFound { fenced: false },
            (status, history) => history.unwrap_or_default().found(exchange, status),
        })
    }

    /// Asks the institution what became of an UNKNOWN exchange: the inquiry's own answer, and what the original is now.
    ///
    /// # Errors
    /// It cannot be asked; no byte left.
    pub async fn inquire(&self, call: InquireCall) -> Result<(Answer, Found), CallError> {
        let desk = self.desk(&call.institution)?;
        let deadline = self.deadline(call.timeout);
        let inquire = Inquire {
            exchange: call.exchange,
            actor: call.actor.into(),
            reason: call.reason.into(),
            trace: call.trace.as_deref().map(Into::into),
            deadline,
        };
        let heard = self.ask(desk, deadline, |waiter| Command::Inquire { inquire: Box::new(inquire), waiter }).await?;
        let answer = answer(heard, call.trace)?;
        let found = self.found(desk, call.exchange).await?;
        Ok((answer, found))
    }

    /// What an operator sees of an institution; `None` if it is not configured, or its driver has ended. One whose core has fallen has
    /// nothing to be seen until the next one is there; its health says why.
    pub async fn status(&self, institution: &str) -> Option<Status> {
        let (reply, status) = oneshot::channel();
        self.0.desks.get(institution)?.commands.send(Command::Status { reply }).await.ok()?;
        status.await.ok()
    }

    /// Starts an institution that a fault of ours, twice within a minute, has left down: its core is made anew from the journal. Does
    /// nothing to one that is there. `false` if that cannot be done, and only a start of the whole gateway may help: its health says why.
    ///
    /// # Errors
    /// It is not configured, or the gateway has stopped.
    pub async fn start_institution(&self, institution: &str) -> Result<bool, CallError> {
        let desk = self.desk(institution)?;
        let (reply, starts) = oneshot::channel();
        desk.send(Command::Start { reply }).await?;
        starts.await.map_err(|_| stopped())
    }

    /// Notices about which something is still to be done, with their institutions, of one institution if it is named: no service has them
    /// yet, or their reply has not left; the oldest first, at most `max`. Whether there are more. A driver that is gone, or has no core,
    /// knows none.
    ///
    /// # Errors
    /// The institution is not configured.
    pub async fn open_notices(
        &self,
        institution: Option<&str>,
        max: usize,
    ) -> Result<(Vec<(String, OpenNotice)>, bool), CallError> {
        if let Some(name) = institution {
            self.desk(name)?;
        }
        let mut all = Vec::new();
        for desk in self.0.desks.values().filter(|desk| institution.is_none_or(|name| name == desk.name)) {
            let (reply, notices) = oneshot::channel();
            if desk.send(Command::OpenNotices { max: max.saturating_add(1), reply }).await.is_ok() {
                let notices = notices.await.unwrap_or_default();
                all.extend(notices.into_iter().map(|notice| (desk.name.clone(), notice)));
            }
        }
        // Ids grow with time.
        all.sort_by_key(|(_, one)| one.notice);
        let more = all.len() > max;
        all.truncate(max);
        Ok((all, more))
    }

    /// What is UNKNOWN in memory. A driver that is gone, or has no core, knows nothing.
    pub(crate) async fn unresolved(&self, desk: &Desk, after: Option<ExchangeId>, max: usize) -> Vec<Unresolved> {
        let (reply, unresolved) = oneshot::channel();
        if desk.send(Command::Unresolved { after, max, reply }).await.is_err() {
            return Vec::new();
        }
        unresolved.await.unwrap_or_default()
    }

    /// The time by the gateway's one clock, for whoever shows when something in a [`Status`] happened or will happen.
    #[must_use]
    pub fn now(&self) -> Now {
        now()
    }

    /// Whether an institution can be called now, and every change of that. `None` if it is not configured.
    #[must_use]
    pub fn health(&self, institution: &str) -> Option<watch::Receiver<Health>> {
        self.0.desks.get(institution).map(|desk| desk.health.clone())
    }

    /// How long a caller waits that does not say.
    #[must_use]
    pub fn default_timeout(&self) -> Duration {
        self.0.default_timeout
    }

    /// A fault of ours in an institution's driver.
    #[cfg(test)]
    pub(crate) async fn panic(&self, institution: &str) {
        self.desk(institution).unwrap().send(Command::Panic).await.unwrap();
    }

    pub(crate) fn desk(&self, institution: &str) -> Result<&Desk, CallError> {
        self.0.desks.get(institution).ok_or_else(|| {
            let known: Vec<&str> = self.0.desks.keys().map(String::as_str).collect();
            refused(
                Refusal::UnknownInstitution,
                format!("no institution {institution:?} is configured{}", hint(institution, &known)),
            )
        })
    }

    /// What memory knows of an exchange. A driver that is gone, or has no core, knows nothing: the journal is asked then.
    pub(crate) async fn look(&self, desk: &Desk, key: LookKey) -> Option<ExchangeStatus> {
        let (reply, status) = oneshot::channel();
        desk.send(Command::Look { key, reply }).await.ok()?;
        status.await.ok().flatten()
    }

    /// Another for each who waits or subscribes.
    pub(crate) fn next_id(&self) -> u64 {
        self.0.waiters.fetch_add(1, Ordering::Relaxed)
    }

    /// Gives a driver a command that somebody waits for, and waits. The core keeps the deadline of what it has taken in; what it has not
    /// taken in by then is called off.
    async fn ask(
        &self,
        desk: &Desk,
        deadline: Deadline,
        command: impl FnOnce(Waiter) -> Command,
    ) -> Result<HeardBy, CallError> {
        let id = WaiterId(self.next_id());
        let (waiter, mut waiting) = Waiting::new(id, desk.abandons.clone());
        let in_time = tokio::time::timeout(deadline.since(now().mono), async {
            desk.send(command(waiter)).await?;
            Ok(waiting.hear().await)
        });
        let heard = match in_time.await {
            Ok(heard) => heard?,
            Err(_) if waiting.give_up() => {
                let text = format!("the driver of {} did not take the request in time", desk.name);
                return Err(refused(Refusal::DeadlinePassed, text));
            }
            Err(_) => waiting.hear().await,
        };
        Ok(HeardBy { heard, exchange: waiting.exchange() })
    }
}

/// What a request has come to.
enum Opened {
    Heard(HeardBy),
    /// Its key was used before, and memory has let that go.
    Recorded(Answer),
}

/// What was heard of which exchange. Nothing is heard of a driver that died.
struct HeardBy {
    heard: Option<Heard>,
    exchange: Option<ExchangeId>,
}

/// What a call returns for what was heard.
fn answer(HeardBy { heard, exchange }: HeardBy, trace: Option<String>) -> Result<Answer, CallError> {
    match (heard, exchange) {
        (Some(Heard::Report(Report::Outcome { outcome, answer, plan, number, trace }, state)), Some(exchange)) => {
            Ok(Answer {
                exchange,
                outcome,
                telegram: answer,
                plan: Some(plan),
                number: number.as_deref().map(String::from),
                trace: trace.as_deref().map(String::from),
                state: state.unwrap_or_else(|| state_of(&outcome)).word().to_owned(),
            })
        }
        (Some(Heard::Report(Report::NotSent { refusal, detail }, _)), exchange) => {
            Err(CallError { exchange, ..refused(refusal, detail) })
        }
        (Some(Heard::Refused(refusal, detail)), exchange) => Err(CallError { exchange, ..refused(refusal, detail) }),
        // Nothing of it can have left: its first entry was not handed out while the core knew of no exchange.
        (Some(Heard::Report(..) | Heard::KeyNotInMemory) | None, None) => Err(stopped()),
        (Some(Heard::KeyNotInMemory) | None, Some(exchange)) => {
            let outcome = Outcome::Unknown { cause: Cause::Restarted };
            let state = ExchangeState::Unknown.word().to_owned();
            Ok(Answer { exchange, outcome, telegram: None, plan: None, number: None, trace, state })
        }
    }
}

/// How far an exchange is that memory has let go.
fn state_of(outcome: &Outcome) -> ExchangeState {
    if outcome.is_final() { ExchangeState::Finished } else { ExchangeState::Unknown }
}

impl Desk {
    pub(crate) async fn send(&self, command: Command) -> Result<(), CallError> {
        self.commands.send(command).await.map_err(|_| stopped())
    }

    fn plan(&self, exchange: &str) -> Result<Arc<Plan>, CallError> {
        let version = self.versions.newest();
        version.plans.get(exchange).cloned().ok_or_else(|| {
            let known: Vec<&str> = version.plans.keys().map(String::as_str).collect();
            let text = format!("the spec of {} has no exchange {exchange:?}{}", self.name, hint(exchange, &known));
            refused(Refusal::UnknownExchange, text)
        })
    }
}

/// The request's bytes, on the caller's task.
fn telegram(plan: &Plan, body: &Body) -> Result<Vec<u8>, CallError> {
    let layout = plan.request_layout();
    let faults = match body {
        Body::Fields(values) => match room::encode(layout, Side::Asker, values) {
            Ok(telegram) => return of_its_type(plan, telegram),
            Err(faults) => faults,
        },
        Body::Raw(bytes) => {
            let found = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
            let expected = found.clamp(layout.len(), layout.len_max());
            if found == expected {
                // One of another exchange would have mistakes in all its fields.
                let telegram = of_its_type(plan, bytes.clone())?;
                let faults = faults_as_given(layout, Side::Asker, &telegram);
                if faults.is_empty() {
                    return Ok(telegram);
                }
                faults
            } else {
                vec![Fault::of_telegram(layout, Rule::Length { expected, found })]
            }
        }
    };
    let told: Vec<String> = faults.iter().map(ToString::to_string).collect();
    Err(CallError { faults, ..refused(Refusal::InvalidFields, told.join("; ")) })
}

/// What marks a telegram as a request of its exchange may be left out, for the core writes it; it may not say something else.
fn of_its_type(plan: &Plan, telegram: Vec<u8>) -> Result<Vec<u8>, CallError> {
    for (at, expected) in &plan.exchange().request.bytes {
        let found = at.of(&telegram).unwrap_or_default();
        let field = plan.request_layout().head().iter().find(|field| field.at == *at);
        let charset = field.map_or(Charset::Ascii, |field| field.charset.encode);
        let is_all = |filler: u8| found.iter().all(|byte| *byte == filler);
        let is_left_out = is_all(charset.blank()) || is_all(charset.digit_zero());
        if *found != **expected && !is_left_out {
            let text = format!(
                "bytes {}..{} are `{}`; those of a request of `{}` are `{}`: leave them out, or call the exchange that the telegram is of",
                at.offset,
                at.offset + at.len,
                found.escape_ascii(),
                plan.exchange().name,
                expected.escape_ascii(),
            );
            return Err(refused(Refusal::WrongTelegram, text));
        }
    }
    Ok(telegram)
}

pub(crate) fn refused(refusal: Refusal, detail: impl Into<String>) -> CallError {
    CallError { refusal, detail: detail.into(), faults: Vec::new(), exchange: None, is_proof: true }
}

pub(crate) fn stopped() -> CallError {
    refused(Refusal::Stopped, "the institution's driver has stopped")
}
