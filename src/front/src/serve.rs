//! Notices on a stream: what a service is told, and what it says.

use std::collections::BTreeMap;
use std::pin::pin;

use pabal_gateway::{CallError, Delivered, Handle, ReplyBody, ReplyReport, Served, Subscribe, Subscription};
use pabal_switch::{NoticeId, Refusal};
use pabal_telegram::Telegram;
use tokio::sync::mpsc::{self, OwnedPermit};
use tokio::sync::watch;
use tokio_stream::wrappers::ReceiverStream;
use tokio_stream::{Stream, StreamExt};
use tonic::Status;
use tracing::Instrument;

use crate::proto::serve_request::Action;
use crate::proto::serve_response::Event;
use crate::proto::{self, Replied, ReplyRefused, ServeRequest, ServeResponse, Subscribed, reply};
use crate::refused::Refused;
use crate::trace::id_of;
use crate::{answer, value};

/// Responses that may wait for a service that does not read. Behind them notices wait in the gateway, which gives a subscriber only so many.
const RESPONSES_MAX: usize = 16;

/// What a service hears; dropping it ends the subscription.
pub(crate) type Responses = ReceiverStream<Result<ServeResponse, Status>>;

/// Begins a stream. It runs as a task of its own until the service goes away, it ends its side and its replies are told, or `stopping`.
pub(crate) fn begin(
    handle: Handle,
    caller: String,
    requests: impl Stream<Item = Result<ServeRequest, Status>> + Send + 'static,
    stopping: watch::Receiver<bool>,
) -> Responses {
    let (responses, stream) = mpsc::channel(RESPONSES_MAX);
    let span = tracing::info_span!("serve", caller, institution = tracing::field::Empty);
    tokio::spawn(run(handle, caller, requests, responses, stopping).instrument(span));
    ReceiverStream::new(stream)
}

type Sender = mpsc::Sender<Result<ServeResponse, Status>>;

async fn run(
    handle: Handle,
    caller: String,
    requests: impl Stream<Item = Result<ServeRequest, Status>>,
    responses: Sender,
    mut stopping: watch::Receiver<bool>,
) {
    let work = async {
        let mut requests = pin!(requests);
        let Some(wanted) = requests.next().await else { return Ok(()) };
        let wanted = subscribe(wanted?, caller)?;
        let institution = wanted.institution.clone();
        tracing::Span::current().record("institution", &institution);
        let subscribed = Subscribed { institution: institution.clone(), notices: wanted.notices.clone() };
        let subscription = handle.serve(wanted).await;
        let subscription = subscription.map_err(|error| {
            ended(match error.refusal {
                // It is the name of a notice that is not known, not a notice.
                Refusal::UnknownNotice => Refused::invalid(&institution, "notices", error.detail),
                _ => Refused::by_gateway(&institution, error),
            })
        })?;
        if responses.send(Ok(event(Event::Subscribed(subscribed)))).await.is_ok() {
            tracing::info!("a service takes notices");
            Line { institution, subscription, responses: responses.clone(), replies: BTreeMap::new() }
                .converse(requests)
                .await?;
            tracing::info!("a service takes no more notices");
        }
        Ok(())
    };
    // A dropped sender says the same as a stop.
    let stop = async { drop(stopping.wait_for(|stopping| *stopping).await) };
    let ended = tokio::select! {
        biased;
        ended = work => ended,
        () = stop => Err(stopped("", "the gateway stops; subscribe again when it is back")),
    };
    if let Err(status) = ended {
        tracing::info!(code = ?status.code(), "a service's stream ends: {}", status.message());
        // Nobody hears it if the service has gone.
        let _ = responses.send(Err(status)).await;
    }
}

/// The first request.
fn subscribe(request: ServeRequest, caller: String) -> Result<Subscribe, Status> {
    match request.action {
        Some(Action::Subscribe(wanted)) => {
            Ok(Subscribe { institution: wanted.institution, notices: wanted.notices, caller })
        }
        _ => Err(ended(Refused::invalid("", "subscribe", "the first request must be `subscribe`"))),
    }
}

/// What ends a stream proves nothing of any exchange.
fn ended(refused: Refused) -> Status {
    refused.of_question().into()
}

fn stopped(institution: &str, text: &str) -> Status {
    ended(Refused { sentence: "The stream ends.", ..Refused::new(Refusal::Stopped, institution, text) })
}

/// A stream that is subscribed.
struct Line {
    institution: String,
    subscription: Subscription,
    responses: Sender,
    /// Replies that were taken and whose report has not come, by notice.
    replies: BTreeMap<NoticeId, u32>,
}

impl Line {
    /// Until the service has gone, or has ended its side and heard of its replies.
    async fn converse(
        mut self,
        mut requests: impl Stream<Item = Result<ServeRequest, Status>> + Unpin,
    ) -> Result<(), Status> {
        let mut room: Option<OwnedPermit<_>> = None;
        let mut is_open = true;
        while is_open || !self.replies.is_empty() {
            tokio::select! {
                () = self.responses.closed() => return Ok(()),
                // What is taken out of the subscription has its place in the stream first, so that a service that does not read is not given more.
                permit = self.responses.clone().reserve_owned(), if room.is_none() => match permit {
                    Ok(permit) => room = Some(permit),
                    Err(_) => return Ok(()),
                },
                served = self.subscription.next(), if room.is_some() => match served {
                    None => {
                        let text = "the institution's driver has stopped, or too much was not taken; subscribe again";
                        return Err(stopped(&self.institution, text));
                    }
                    // One that nobody will take goes to another subscriber when this one is dropped.
                    Some(Served::Notice(_)) if !is_open => {}
                    Some(served) => {
                        let told = self.told(served);
                        if let Some(room) = room.take() {
                            room.send(Ok(told));
                        }
                    }
                },
                request = requests.next(), if is_open => match request {
                    None => is_open = false,
                    Some(request) => if let Some(refused) = self.said(request?).await? {
                        let sent = match room.take() {
                            Some(room) => { room.send(Ok(refused)); Ok(()) },
                            None => self.responses.send(Ok(refused)).await,
                        };
                        if sent.is_err() {
                            return Ok(());
                        }
                    },
                },
            }
        }
        Ok(())
    }

    fn told(&mut self, served: Served) -> ServeResponse {
        event(match served {
            Served::Notice(delivered) => Event::Notice(notice(&delivered)),
            Served::Replied { notice, report, detail } => {
                if let Some(count) =
                    self.replies.remove(&notice).and_then(|count| count.checked_sub(1)).filter(|left| *left > 0)
                {
                    self.replies.insert(notice, count);
                }
                Event::Replied(Replied {
                    notice_id: notice.to_string(),
                    report: self::report(report).into(),
                    text: detail,
                })
            }
        })
    }

    /// Does what the service says; what is to be told of it at once is a refusal.
    async fn said(&mut self, request: ServeRequest) -> Result<Option<ServeResponse>, Status> {
        let replier = self.subscription.replier();
        let (notice_id, taken) = match request.action {
            Some(Action::Reply(reply)) => {
                let taken = match read(&self.institution, &reply.notice_id, reply.body) {
                    Ok((notice, body)) => {
                        let taken = replier.reply(notice, body).await;
                        if taken.is_ok() {
                            *self.replies.entry(notice).or_default() += 1;
                        }
                        taken.map_err(|error| refused(&reply.notice_id, &error))
                    }
                    Err(wrong) => Err(malformed(&reply.notice_id, wrong)),
                };
                (reply.notice_id, taken)
            }
            Some(Action::Received(received)) => {
                let taken = match notice_id(&received.notice_id) {
                    Ok(notice) => replier.received(notice).await.map_err(|error| refused(&received.notice_id, &error)),
                    Err(wrong) => Err(malformed(&received.notice_id, wrong)),
                };
                (received.notice_id, taken)
            }
            Some(Action::Subscribe(_)) => {
                let fix = "this stream is subscribed already; open another stream";
                return Err(ended(Refused::invalid(&self.institution, "subscribe", fix)));
            }
            None => {
                let fix = "none; give `reply` or `received`";
                return Err(ended(Refused::invalid(&self.institution, "action", fix)));
            }
        };
        Ok(taken.err().map(|refused| {
            tracing::info!(notice = notice_id, reason = refused.reason().word(), "a reply is not taken");
            event(Event::ReplyRefused(refused))
        }))
    }
}

fn event(event: Event) -> ServeResponse {
    ServeResponse { event: Some(event) }
}

/// A notice as its subscriber reads it.
fn notice(delivered: &Delivered) -> proto::Notice {
    let protocol = &delivered.protocol;
    let side = protocol.side(delivered.layout, &delivered.telegram);
    let (fields, faults) = answer::fields(&Telegram::new(delivered.layout(), &delivered.telegram, side));
    proto::Notice {
        notice_id: delivered.notice.to_string(),
        notice: delivered.rule.clone(),
        telegram: delivered.layout().name().to_owned(),
        participant: delivered.participant.clone().unwrap_or_default(),
        business_date: delivered.date.date().yyyymmdd(),
        number: delivered.number.clone().unwrap_or_default(),
        repeated: delivered.repeated,
        recovered_by: delivered.recovered_by.map(|exchange| exchange.to_string()).unwrap_or_default(),
        joined_exchange_id: delivered.joined.map(|exchange| exchange.to_string()).unwrap_or_default(),
        reply_within: delivered.reply_within.map(answer::duration),
        received_at: Some(answer::timestamp(delivered.received_at.as_unix_micros())),
        trace_id: id_of(&delivered.trace).to_owned(),
        traceparent: delivered.trace.clone(),
        fields,
        faults,
        raw: delivered.telegram.to_vec(),
        spec_digest: protocol.digest.to_string(),
        zone_minutes: protocol.day.zone.seconds() / 60,
    }
}

/// The wrong: which field of the request, and the fix.
type Wrong = (&'static str, String);

fn notice_id(text: &str) -> Result<NoticeId, Wrong> {
    NoticeId::parse(text).ok_or_else(|| ("notice_id", "not an id; give it as the notice has it".to_owned()))
}

fn read(institution: &str, id: &str, body: Option<reply::Body>) -> Result<(NoticeId, ReplyBody), Wrong> {
    let notice = notice_id(id)?;
    let body = match body {
        Some(reply::Body::ResponseCode(code)) => ReplyBody::Code(code),
        Some(reply::Body::Raw(bytes)) => ReplyBody::Raw(bytes),
        Some(reply::Body::Fields(fields)) => match value::fields(fields) {
            Ok(fields) => ReplyBody::Fields(fields),
            Err(wrong) => return Err(("fields", Refused::violating(institution, wrong).message())),
        },
        None => return Err(("body", "none; give `response_code`, `fields` or `raw`".to_owned())),
    };
    Ok((notice, body))
}

fn malformed(notice_id: &str, (field, fix): Wrong) -> ReplyRefused {
    ReplyRefused {
        notice_id: notice_id.to_owned(),
        reason: proto::Reason::InvalidFields.into(),
        text: format!("{field}: {fix}"),
        faults: Vec::new(),
    }
}

fn refused(notice_id: &str, error: &CallError) -> ReplyRefused {
    ReplyRefused {
        notice_id: notice_id.to_owned(),
        reason: proto::Reason::from(error.refusal).into(),
        text: format!("{} {}", error.refusal.sentence(), error.detail).trim_end().to_owned(),
        faults: error.faults.iter().map(answer::fault).collect(),
    }
}

fn report(report: ReplyReport) -> proto::ReplyReport {
    match report {
        ReplyReport::Sent => proto::ReplyReport::Sent,
        ReplyReport::NotSent => proto::ReplyReport::NotSent,
        ReplyReport::TooLate => proto::ReplyReport::TooLate,
    }
}
