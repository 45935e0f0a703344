use std::collections::BTreeSet;

use clap::Args;
use pabal_front::client;
use pabal_front::proto::serve_request::Action;
use pabal_front::proto::serve_response::Event;
use pabal_front::proto::{
    Notice, Received, Replied, Reply, ReplyRefused, ReplyReport, ServeRequest, ServeResponse, Subscribe, reply,
};
use serde_json::json;
use tokio::sync::mpsc;
use tonic::Streaming;

use crate::call::Target;
use crate::print::Form;
use crate::{exit, print};

/// Requests that may wait to be sent.
const REQUESTS_MAX: usize = 16;

/// Subscribe to an institution's notices and print them as they come, until Ctrl-C.
///
/// Example: pabal notices hecto --notice deposit --count 1
///
/// A notice that is printed counts as taken, unless its --reply is refused: no other subscriber is given it. One that cannot be printed, as nobody reads any more, ends the command and is not taken. Those that the spec leaves to a service are answered with --reply. Notices that have waited
/// come first. Exit codes: 0 stopped, or --count are printed and their replies told, 1 as well, but a reply was refused, 2 usage, 5 the subscription was not made or has ended.
///
/// With --json, one JSON value per line: {notice: {notice_id, name, telegram, participant, business_date, number, repeated, recovered_by, joined_exchange_id, reply_within_ms,
/// received_at (RFC 3339), received_at_us, trace_id, fields, faults}}, {replied: {notice_id, report, text}} or {reply_refused: {notice_id, reason, text}}; null where there is none. Confidential
/// fields are masked unless --unmasked is given.
#[derive(Debug, Args)]
pub(crate) struct Notices {
    /// The institution, as configured
    institution: String,
    /// Only notices of this name; may be given several times
    #[arg(long = "notice", value_name = "NAME")]
    notices: Vec<String>,
    /// Answer with this response code those that wait for a service's reply
    #[arg(long, value_name = "CODE")]
    reply: Option<String>,
    /// End after so many notices
    #[arg(long)]
    count: Option<u64>,
    /// Print as JSON
    #[arg(long)]
    json: bool,
    /// Show confidential fields too
    #[arg(long)]
    unmasked: bool,
    #[command(flatten)]
    target: Target,
}

impl Notices {
    pub(crate) fn run(self) -> anyhow::Result<u8> {
        self.target.with(None, self.form(), async |mut client, caller| {
            let (requests, stream) = mpsc::channel(REQUESTS_MAX);
            let subscribe = Subscribe { institution: self.institution.clone(), notices: self.notices.clone() };
            say(&requests, Action::Subscribe(subscribe)).await;
            let stream = tokio_stream::wrappers::ReceiverStream::new(stream);
            match client.gateway.serve(client::request(stream, Some(&caller), None, None)?).await {
                Ok(response) => self.listen(response.into_inner(), requests).await,
                Err(status) => Ok(print::unanswered(&status, &self.target, self.form())),
            }
        })
    }

    const fn form(&self) -> Form {
        if self.json { Form::JsonLines } else { Form::Text }
    }

    async fn listen(
        &self,
        mut events: Streaming<ServeResponse>,
        requests: mpsc::Sender<ServeRequest>,
    ) -> anyhow::Result<u8> {
        let mut left = self.count;
        let mut awaited = BTreeSet::new();
        let mut code = exit::DONE;
        while left != Some(0) || !awaited.is_empty() {
            let event = tokio::select! {
                biased;
                stopped = tokio::signal::ctrl_c() => {
                    stopped?;
                    return Ok(code);
                }
                event = events.message() => event,
            };
            let event = match event {
                Ok(Some(event)) => event.event,
                Ok(None) => {
                    let ended = "the gateway has ended the subscription";
                    self.form().error(&print::untold_json(ended));
                    err!("{ended}");
                    return Ok(exit::NO_PROOF);
                }
                Err(status) => return Ok(print::unanswered(&status, &self.target, self.form())),
            };
            match event {
                // The rest goes to another subscriber, or waits.
                Some(Event::Notice(_)) if left == Some(0) => {}
                Some(Event::Notice(notice)) => {
                    if !self.print(&notice, &mut std::io::stdout().lock())? {
                        // Who reads has gone. This one is not taken: it goes to another subscriber, or waits.
                        return Ok(code);
                    }
                    left = left.map(|left| left.saturating_sub(1));
                    match (&self.reply, &notice.reply_within) {
                        (Some(code), Some(_)) => {
                            awaited.insert(notice.notice_id.clone());
                            let body = Some(reply::Body::ResponseCode(code.clone()));
                            say(&requests, Action::Reply(Reply { notice_id: notice.notice_id, body })).await;
                        }
                        _ => say(&requests, Action::Received(Received { notice_id: notice.notice_id })).await,
                    }
                }
                Some(Event::Replied(replied)) => {
                    self.replied(&replied)?;
                    awaited.remove(&replied.notice_id);
                }
                Some(Event::ReplyRefused(refused)) => {
                    code = exit::FAILURE;
                    self.refused(&refused)?;
                    awaited.remove(&refused.notice_id);
                }
                Some(Event::Subscribed(subscribed)) => {
                    let names = if subscribed.notices.is_empty() {
                        "all notices".into()
                    } else {
                        subscribed.notices.join(", ")
                    };
                    err!("subscribed to {names} of {}", subscribed.institution);
                }
                None => {}
            }
        }
        // What was said last is with the gateway once it has ended its side too.
        drop(requests);
        let rest = async { while let Ok(Some(_)) = events.message().await {} };
        end(rest, tokio::signal::ctrl_c()).await?;
        Ok(code)
    }

    /// Whether there is still somebody who reads: what nobody has read must not be taken.
    fn print(&self, notice: &Notice, to: &mut impl std::io::Write) -> anyhow::Result<bool> {
        let text = if self.json {
            serde_json::to_string(&json!({ "notice": to_json(notice, self.unmasked) }))?
        } else {
            lines(notice, self.unmasked).join("\n")
        };
        Ok(writeln!(to, "{text}").and_then(|()| to.flush()).is_ok())
    }

    fn replied(&self, replied: &Replied) -> anyhow::Result<()> {
        let report = report(replied.report());
        if self.json {
            let value = json!({ "notice_id": replied.notice_id, "report": report, "text": replied.text });
            out!("{}", serde_json::to_string(&json!({ "replied": value }))?);
        } else {
            out!("replied   {} {report}: {}", replied.notice_id, replied.text);
        }
        Ok(())
    }

    fn refused(&self, refused: &ReplyRefused) -> anyhow::Result<()> {
        let reason = print::reason(refused.reason);
        if self.json {
            let value = json!({ "notice_id": refused.notice_id, "reason": reason, "text": refused.text });
            out!("{}", serde_json::to_string(&json!({ "reply_refused": value }))?);
        } else {
            out!("refused   {} {reason}: {}", refused.notice_id, refused.text);
        }
        Ok(())
    }
}

async fn say(requests: &mpsc::Sender<ServeRequest>, action: Action) {
    // A gateway that is gone is told by the other half of the stream.
    let _ = requests.send(ServeRequest { action: Some(action) }).await;
}

/// Waits for the rest of a stream, or until it is stopped: a gateway that hangs is not waited for.
async fn end(rest: impl Future<Output = ()>, stop: impl Future<Output = std::io::Result<()>>) -> std::io::Result<()> {
    tokio::select! {
        biased;
        stopped = stop => stopped,
        () = rest => Ok(()),
    }
}

fn report(report: ReplyReport) -> &'static str {
    report.as_str_name().trim_start_matches("REPLY_REPORT_")
}

fn lines(notice: &Notice, unmasked: bool) -> Vec<String> {
    let again = if notice.repeated { ", again" } else { "" };
    let mut lines = vec![format!("notice    {} ({}{again})", notice.notice_id, notice.notice)];
    let date = print::date(notice.business_date);
    let participant = match &*notice.participant {
        "" => String::new(),
        participant => format!(" from {participant}"),
    };
    let number = if notice.number.is_empty() { "none" } else { &notice.number };
    lines.push(format!("number    {number} of {date}{participant}"));
    for (name, text) in
        [("asked by", &notice.recovered_by), ("about", &notice.joined_exchange_id), ("trace", &notice.trace_id)]
    {
        if !text.is_empty() {
            lines.push(format!("{name:<10}{text}"));
        }
    }
    lines.extend(print::fields(&notice.fields, print::in_place(&notice.raw, &notice.faults), unmasked));
    lines.extend(notice.faults.iter().map(|fault| format!("fault     {}", fault.text)));
    if let Some(within) = &notice.reply_within {
        lines.push(format!("reply     awaited for {}", print::span(within.seconds)));
    }
    lines
}

fn to_json(notice: &Notice, unmasked: bool) -> serde_json::Value {
    let text = |text: &str| if text.is_empty() { serde_json::Value::Null } else { json!(text) };
    let raw = print::in_place(&notice.raw, &notice.faults);
    let fields = notice
        .fields
        .iter()
        .filter_map(|(name, field)| Some((name.clone(), json!(print::shown(field, raw, unmasked)?))));
    let faults = notice.faults.iter();
    json!({
        "notice_id": notice.notice_id,
        "name": notice.notice,
        "telegram": notice.telegram,
        "participant": text(&notice.participant),
        "business_date": print::date(notice.business_date),
        "number": text(&notice.number),
        "repeated": notice.repeated,
        "recovered_by": text(&notice.recovered_by),
        "joined_exchange_id": text(&notice.joined_exchange_id),
        "reply_within_ms": notice.reply_within.as_ref().map(print::millis),
        "received_at": notice.received_at.as_ref().map(|at| print::rfc_3339(at, notice.zone_minutes)),
        "received_at_us": notice.received_at.as_ref().map(print::micros),
        "trace_id": notice.trace_id,
        "fields": fields.collect::<serde_json::Map<_, _>>(),
        "faults": faults
            .map(|f| json!({ "field": f.field, "offset": f.offset, "rule": f.rule, "text": f.text }))
            .collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        notices: Notices,
    }

    /// A pipe whose reader has gone.
    struct Gone;

    impl std::io::Write for Gone {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::BrokenPipe.into())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[tokio::test]
    async fn a_gateway_that_hangs_is_left_by_a_stop() {
        end(std::future::pending(), async { Ok(()) }).await.unwrap();
        end(async {}, std::future::pending()).await.unwrap();
    }

    #[test]
    fn what_nobody_reads_is_not_printed_and_so_not_taken() {
        for line in [&["notices", "hecto"][..], &["notices", "hecto", "--json"]] {
            let notices = Line::parse_from(line).notices;
            let notice = Notice { notice_id: "01a2".to_owned(), ..Notice::default() };
            assert!(!notices.print(&notice, &mut Gone).unwrap());
            let mut read = Vec::new();
            assert!(notices.print(&notice, &mut read).unwrap());
            assert!(String::from_utf8(read).unwrap().contains("01a2"));
        }
    }
}
