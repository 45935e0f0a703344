use std::time::Duration;

use pabal_gateway::{Body, Call, Find, FindKey, Handle};
use pabal_switch::ExchangeId;
use tokio::sync::{oneshot, watch};
use tonic::metadata::MetadataMap;
use tonic::{Request, Response, Status, Streaming};
use tracing::Instrument;

use crate::proto::{
    ExchangeRequest, ExchangeResponse, FindRequest, FindResponse, Outcome, ServeRequest, exchange_request,
    find_request, gateway_server,
};
use crate::refused::Refused;
use crate::routes::Arrived;
use crate::serve::Responses;
use crate::trace::Trace;
use crate::{answer, metadata, serve, value};

/// Bytes of an idempotency key.
pub(crate) const IDEMPOTENCY_KEY_BYTES_MAX: usize = 128;

/// `pabal.v1.Gateway`.
#[derive(Debug)]
pub(crate) struct Gateway {
    pub(crate) handle: Handle,
    /// Becomes true when no stream may go on.
    pub(crate) stopping: watch::Receiver<bool>,
}

#[tonic::async_trait]
impl gateway_server::Gateway for Gateway {
    async fn exchange(&self, request: Request<ExchangeRequest>) -> Result<Response<ExchangeResponse>, Status> {
        let trace = Trace::of(request.metadata());
        let timeout = time_left(&request);
        let (metadata, _, request) = request.into_parts();
        let call = match call(&metadata, request, timeout, &trace) {
            Ok(call) => call,
            Err(malformed) => return Err(malformed.refused(&self.handle, timeout).await.into()),
        };
        let span = tracing::info_span!(
            "exchange",
            trace_id = %trace.id(),
            institution = call.institution,
            exchange = call.exchange,
            caller = call.caller,
            exchange_id = tracing::field::Empty,
        );
        // The work is a task of its own. Tonic drops this handler when the caller goes away or its `grpc-timeout` ends; then `here` is dropped,
        // the task hears of it and abandons what has not left. What has left goes on in the gateway.
        let (here, gone) = oneshot::channel::<()>();
        let work = tokio::spawn(work(self.handle.clone(), call, trace.clone(), gone).instrument(span));
        let ended = work.await;
        drop(here);
        match ended {
            Ok(Some(answered)) => answered.map(Response::new).map_err(Status::from),
            // The process is ending around us; nobody will hear this.
            Err(ended) if ended.is_cancelled() => Ok(Response::new(answer::broken(&trace))),
            // Not while we are here; and a panic of ours is never told as a refusal, for a byte may have left.
            Ok(None) | Err(_) => {
                tracing::error!(trace_id = %trace.id(), "the work on a call broke down; the caller is told UNKNOWN");
                Ok(Response::new(answer::broken(&trace)))
            }
        }
    }

    async fn find(&self, request: Request<FindRequest>) -> Result<Response<FindResponse>, Status> {
        self.look(request).await.map(Response::new).map_err(|refused| refused.of_question().into())
    }

    type ServeStream = Responses;

    async fn serve(&self, request: Request<Streaming<ServeRequest>>) -> Result<Response<Responses>, Status> {
        let caller = metadata::caller(request.metadata(), "").map_err(|refused| Status::from(refused.of_question()))?;
        Ok(Response::new(serve::begin(self.handle.clone(), caller, request.into_inner(), self.stopping.clone())))
    }
}

impl Gateway {
    async fn look(&self, request: Request<FindRequest>) -> Result<FindResponse, Refused> {
        let (metadata, _, request) = request.into_parts();
        let institution = request.institution;
        let invalid = |field: &str, fix: &str| Refused::invalid(&institution, field, fix);
        let key = match request.key {
            Some(find_request::Key::ExchangeId(_)) if request.fence => {
                return Err(invalid("fence", "only an idempotency key can be fenced; leave `fence` out"));
            }
            Some(find_request::Key::ExchangeId(id)) => FindKey::Exchange(exchange_id(&institution, &id)?),
            Some(find_request::Key::IdempotencyKey(key)) if key.is_empty() => {
                return Err(invalid("idempotency_key", "empty; give the key of the call"));
            }
            Some(find_request::Key::IdempotencyKey(key)) => {
                let caller = metadata::caller(&metadata, &institution)?;
                FindKey::Idempotency { caller, key: idempotency_key(&institution, key)? }
            }
            None => return Err(invalid("key", "none; give `exchange_id` or `idempotency_key`")),
        };
        let find = Find { institution: institution.clone(), key, fence: request.fence };
        let found = self.handle.find(find).await.map_err(|error| Refused::by_gateway(&institution, error))?;
        Ok(answer::found(found, self.handle.zone(&institution).seconds() / 60))
    }
}

/// `None`: nobody waits any more.
async fn work(
    handle: Handle,
    call: Call,
    trace: Trace,
    gone: oneshot::Receiver<()>,
) -> Option<Result<ExchangeResponse, Refused>> {
    let institution = call.institution.clone();
    let span = tracing::Span::current();
    let answered = tokio::select! {
        biased;
        answered = handle.exchange(call) => answered,
        _ = gone => {
            tracing::info!("the caller has gone; what has not left will not leave");
            return None;
        }
    };
    Some(match answered {
        Ok(answer) => {
            span.record("exchange_id", tracing::field::display(answer.exchange));
            let response = answer::response(&answer, &trace);
            let cause = answer.outcome.cause().word();
            if response.outcome() == Outcome::Unknown {
                tracing::warn!(cause, "UNKNOWN");
            } else {
                tracing::debug!(cause, faults = response.faults.len(), "{}", answer.outcome.word());
            }
            Ok(response)
        }
        Err(error) => {
            tracing::info!(reason = error.refusal.word(), "refused");
            Err(Refused::by_gateway(&institution, error))
        }
    })
}

/// A request that does not say what it must.
#[derive(Debug)]
struct Malformed {
    refused: Refused,
    /// The caller and its idempotency key, if there is one that can have been used.
    keyed: Option<(String, String)>,
}

impl Malformed {
    /// What the caller is told. Under its key a request may have left that another gateway understood.
    async fn refused(self, handle: &Handle, timeout: Option<Duration>) -> Refused {
        let Self { refused, keyed } = self;
        let Some((caller, key)) = keyed else { return refused };
        match handle.unused(&refused.institution, &caller, &key, timeout).await {
            Ok(()) => refused,
            Err(error) => Refused::by_gateway(&refused.institution, error),
        }
    }
}

impl From<Refused> for Box<Malformed> {
    fn from(refused: Refused) -> Self {
        Self::new(Malformed { refused, keyed: None })
    }
}

/// What the gateway is asked to do.
fn call(
    metadata: &MetadataMap,
    request: ExchangeRequest,
    timeout: Option<Duration>,
    trace: &Trace,
) -> Result<Call, Box<Malformed>> {
    let institution = request.institution;
    let caller = metadata::caller(metadata, &institution)?;
    let idempotency_key = match request.idempotency_key {
        key if key.is_empty() => None,
        key => Some(idempotency_key(&institution, key)?),
    };
    let body = match request.body {
        Some(exchange_request::Body::Fields(fields)) => {
            value::fields(fields).map(Body::Fields).map_err(|wrong| Refused::violating(&institution, wrong))
        }
        Some(exchange_request::Body::Raw(bytes)) => Ok(Body::Raw(bytes)),
        None => Err(Refused::invalid(&institution, "body", "none; give `fields` or `raw`")),
    };
    let body = body.map_err(|refused| {
        let keyed = idempotency_key.clone().map(|key| (caller.clone(), key));
        Box::new(Malformed { refused, keyed })
    })?;
    Ok(Call {
        institution,
        exchange: request.exchange,
        body,
        party: (!request.party.is_empty()).then_some(request.party),
        caller,
        idempotency_key,
        timeout,
        accepts_early_unknown: request.accept_early_unknown,
        trace: Some(trace.parent()),
    })
}

/// How long the caller still waits: its `grpc-timeout` without what has passed since the call began to arrive.
pub(crate) fn time_left<T>(request: &Request<T>) -> Option<Duration> {
    let timeout = metadata::timeout(request.metadata())?;
    let passed = request.extensions().get::<Arrived>().map(|arrived| arrived.0.elapsed()).unwrap_or_default();
    Some(timeout.saturating_sub(passed))
}

fn idempotency_key(institution: &str, key: String) -> Result<String, Refused> {
    if key.len() > IDEMPOTENCY_KEY_BYTES_MAX {
        let fix = format!("{} bytes; use at most {IDEMPOTENCY_KEY_BYTES_MAX}", key.len());
        return Err(Refused::invalid(institution, "idempotency_key", fix));
    }
    Ok(key)
}

/// Reads a UUID: 32 hexadecimal digits, with or without its hyphens.
pub(crate) fn exchange_id(institution: &str, text: &str) -> Result<ExchangeId, Refused> {
    const DIGITS: usize = 32;
    let digits: String = text.chars().filter(|&character| character != '-').collect();
    let is_hex = digits.len() == DIGITS && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    match u128::from_str_radix(&digits, 16) {
        Ok(bits) if is_hex => Ok(ExchangeId(bits)),
        _ => Err(Refused::invalid(institution, "exchange_id", "not an id; give it as `Exchange` returned it")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::Fields;

    fn request() -> ExchangeRequest {
        ExchangeRequest {
            institution: "hecto".into(),
            exchange: "transfer".into(),
            body: Some(exchange_request::Body::Fields(Fields::default())),
            ..ExchangeRequest::default()
        }
    }

    fn refused(request: ExchangeRequest) -> (String, String) {
        let metadata = MetadataMap::new();
        let refused = call(&metadata, request, None, &Trace::of(&metadata)).expect_err("it is malformed").refused;
        assert_eq!((refused.reason.word(), &*refused.institution), ("INVALID_FIELDS", "hecto"));
        refused.violations.into_iter().next().expect("it says what is wrong")
    }

    #[test]
    fn what_is_left_out_is_none() {
        let metadata = MetadataMap::new();
        let trace = Trace::of(&metadata);
        let call = call(&metadata, request(), None, &trace).expect("it is fine");
        assert_eq!((call.party, call.idempotency_key, call.timeout), (None, None, None));
        assert_eq!((&*call.caller, call.trace), ("anonymous", Some(trace.parent())));
    }

    #[test]
    fn a_malformed_request_is_refused_with_its_field() {
        assert_eq!(refused(ExchangeRequest { body: None, ..request() }).0, "body");
        let key = "k".repeat(IDEMPOTENCY_KEY_BYTES_MAX + 1);
        let (field, fix) = refused(ExchangeRequest { idempotency_key: key, ..request() });
        assert_eq!((&*field, &*fix), ("idempotency_key", "129 bytes; use at most 128"));
    }

    #[test]
    fn ids_read_back_as_they_print() {
        let id = ExchangeId(0x0192_3456_789a_7bcd_8123_4567_89ab_cdef);
        assert_eq!(exchange_id("hecto", &id.to_string()).expect("an id"), id);
        assert_eq!(exchange_id("hecto", "0192345678 9a7bcd812345678 9abcdef").ok(), None);
        for text in ["", "0192", "+192345678-9a7b-cd81-2345-6789abcdef00", "한글한글한글한글한글한글한글한글"]
        {
            assert!(exchange_id("hecto", text).is_err(), "{text}");
        }
    }

    #[test]
    fn time_that_passed_before_the_handler_is_not_left() {
        let mut request = Request::new(());
        assert_eq!(time_left(&request), None);
        request.metadata_mut().insert("grpc-timeout", "300m".parse().expect("ASCII"));
        assert_eq!(time_left(&request), Some(Duration::from_millis(300)));
        let long_ago = tokio::time::Instant::now().checked_sub(Duration::from_secs(1)).expect("the clock has run");
        request.extensions_mut().insert(Arrived(long_ago));
        assert_eq!(time_left(&request), Some(Duration::ZERO));
    }
}
