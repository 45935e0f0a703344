use clap::Args;
use pabal_front::client;
use pabal_front::proto::search_request::By;
use pabal_front::proto::{
    OpenNotice, OpenNoticesRequest, SearchRequest, TxSummary, UnclaimedRequest, UnclaimedTelegram, Unresolved,
};
use serde_json::json;

use super::{or_dash, to_json};
use crate::call::Target;
use crate::print::Form;
use crate::table::{Align, Table};
use crate::{exit, print};

/// List what is not resolved: each UNKNOWN with its next step, when that is, and who has to take it. With --unclaimed, telegrams that came and that
/// nobody waited for, the newest first, and what differs from what was waited for. With --notices, notices that no service has yet, or whose reply has
/// not left, the oldest first.
///
/// Unclaimed telegrams that an older gateway took, which did not note it so that they are found, are not among them: they are in the journal, and `tx show`
/// tells of them at the exchange to which they were nearly an answer.
///
/// Example: pabal tx list hecto
///
/// Exit codes: 0 nothing is unresolved, 2 usage, 3 something is, 5 not learnt. With --unclaimed or --notices: 0 shown, 2, 5.
///
/// With --json: unresolved (a list; keys as those of `tx find`), more (true if there may be more). With --unclaimed as well: a list of institution, at, at_us, line, slot, epoch,
/// length (in bytes), reason, near_id (the exchange to which it is an answer but for one field of the key, null if to none). With --notices as well: notices (a list of
/// institution, id, name, number, participant, line (by which it came; null if to an earlier process), received_at, received_at_us, delivered (a service has it), reply (open, waiting,
/// sending, replied or unreplied), reply_text, reply_left_ms (how long a service may still say it, null if none may)), more.
#[derive(Debug, Args)]
pub(crate) struct List {
    /// Only this institution
    institution: Option<String>,
    /// How many at most
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    max: u32,
    /// What came and nobody waited for, instead
    #[arg(long)]
    unclaimed: bool,
    /// Notices that no service has, or whose reply has not left, instead
    #[arg(long, conflicts_with = "unclaimed")]
    notices: bool,
    /// Print as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    target: Target,
}

impl List {
    pub(crate) fn run(self) -> anyhow::Result<u8> {
        if self.unclaimed {
            return self.unclaimed();
        }
        if self.notices {
            return self.notices();
        }
        let message = SearchRequest {
            institution: self.institution.clone().unwrap_or_default(),
            by: Some(By::Unresolved(Unresolved {})),
            max: self.max,
        };
        self.target.with(None, Form::of(self.json), async |mut client, caller| {
            let response = match client.control.search(client::request(message, Some(&caller), None, None)?).await {
                Ok(response) => response.into_inner(),
                Err(status) => return Ok(print::unanswered(&status, &self.target, Form::of(self.json))),
            };
            if self.json {
                let list: Vec<_> = response.found.iter().map(to_json).collect();
                print::json(&json!({ "unresolved": list, "more": response.more }))?;
            } else {
                if response.found.is_empty() {
                    out!("nothing is unresolved");
                } else {
                    for line in table(&response.found).lines() {
                        out!("{line}");
                    }
                }
                if let Some(more) = super::more(&response, self.max) {
                    out!("{more}: of what is older, only what the gateway has in memory is told");
                }
            }
            Ok(if response.found.is_empty() { exit::DONE } else { exit::UNKNOWN })
        })
    }
}

impl List {
    fn unclaimed(self) -> anyhow::Result<u8> {
        let message = UnclaimedRequest { institution: self.institution.unwrap_or_default(), max: self.max };
        self.target.with(None, Form::of(self.json), async |mut client, caller| {
            let found = match client.control.unclaimed(client::request(message, Some(&caller), None, None)?).await {
                Ok(response) => response.into_inner().unclaimed,
                Err(status) => return Ok(print::unanswered(&status, &self.target, Form::of(self.json))),
            };
            if self.json {
                print::json(&found.iter().map(unclaimed_json).collect())?;
            } else if found.is_empty() {
                out!("nothing is unclaimed");
            } else {
                for line in unclaimed_table(&found).lines() {
                    out!("{line}");
                }
            }
            Ok(exit::DONE)
        })
    }
}

impl List {
    fn notices(self) -> anyhow::Result<u8> {
        let message = OpenNoticesRequest { institution: self.institution.unwrap_or_default(), max: self.max };
        self.target.with(None, Form::of(self.json), async |mut client, caller| {
            let found = match client.control.open_notices(client::request(message, Some(&caller), None, None)?).await {
                Ok(response) => response.into_inner(),
                Err(status) => return Ok(print::unanswered(&status, &self.target, Form::of(self.json))),
            };
            if self.json {
                let list: Vec<_> = found.notices.iter().map(notice_json).collect();
                print::json(&json!({ "notices": list, "more": found.more }))?;
            } else if found.notices.is_empty() {
                out!("each notice is with a service and is replied to");
            } else {
                for line in notices_table(&found.notices).lines() {
                    out!("{line}");
                }
                if found.more {
                    out!("there are more, and these {} are the oldest: --max tells more of them", self.max);
                }
            }
            Ok(exit::DONE)
        })
    }
}

fn notices_table(notices: &[OpenNotice]) -> Table {
    let mut table = Table::new(&[
        ("received", Align::Left),
        ("institution", Align::Left),
        ("name", Align::Left),
        ("number", Align::Left),
        ("participant", Align::Left),
        ("line", Align::Left),
        ("service has it", Align::Left),
        ("reply", Align::Left),
        ("time left", Align::Right),
        ("id", Align::Left),
    ]);
    for one in notices {
        table.row(vec![
            print::moment(one.received_at.as_ref(), one.zone_minutes),
            one.institution.clone(),
            one.name.clone(),
            or_dash(&one.number),
            or_dash(&one.participant),
            or_dash(&one.line),
            if one.delivered { "yes" } else { "no" }.into(),
            one.reply.clone(),
            one.reply_left.as_ref().map_or_else(|| "-".into(), |left| print::span(left.seconds)),
            one.notice_id.clone(),
        ]);
    }
    table
}

fn notice_json(one: &OpenNotice) -> serde_json::Value {
    let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    json!({
        "institution": one.institution,
        "id": one.notice_id,
        "name": one.name,
        "number": text(&one.number),
        "participant": text(&one.participant),
        "line": text(&one.line),
        "received_at": one.received_at.as_ref().map(|at| print::rfc_3339(at, one.zone_minutes)),
        "received_at_us": one.received_at.as_ref().map(print::micros),
        "delivered": one.delivered,
        "reply": one.reply,
        "reply_text": one.reply_text,
        "reply_left_ms": one.reply_left.as_ref().map(print::millis),
    })
}

fn unclaimed_table(unclaimed: &[UnclaimedTelegram]) -> Table {
    let mut table = Table::new(&[
        ("came", Align::Left),
        ("institution", Align::Left),
        ("session", Align::Left),
        ("epoch", Align::Right),
        ("bytes", Align::Right),
        ("near", Align::Left),
        ("why", Align::Left),
    ]);
    for one in unclaimed {
        table.row(vec![
            print::moment(one.at.as_ref(), one.zone_minutes),
            one.institution.clone(),
            format!("{}/{}", one.line, one.slot),
            one.epoch.to_string(),
            one.length.to_string(),
            or_dash(&one.near_id),
            one.reason.clone(),
        ]);
    }
    table
}

fn unclaimed_json(one: &UnclaimedTelegram) -> serde_json::Value {
    json!({
        "institution": one.institution,
        "at": one.at.as_ref().map(|at| print::rfc_3339(at, one.zone_minutes)),
        "at_us": one.at.as_ref().map(print::micros),
        "line": one.line,
        "slot": one.slot,
        "epoch": one.epoch,
        "length": one.length,
        "reason": one.reason,
        "near_id": (!one.near_id.is_empty()).then_some(&one.near_id),
    })
}

fn table(unresolved: &[TxSummary]) -> Table {
    let mut table = Table::new(&[
        ("accepted", Align::Left),
        ("institution", Align::Left),
        ("name", Align::Left),
        ("number", Align::Left),
        ("participant", Align::Left),
        ("cause", Align::Left),
        ("state", Align::Left),
        ("owner", Align::Left),
        ("next step", Align::Left),
        ("when", Align::Left),
        ("id", Align::Left),
    ]);
    for tx in unresolved {
        table.row(vec![
            print::moment(tx.accepted_at.as_ref(), tx.zone_minutes),
            tx.institution.clone(),
            tx.name.clone(),
            or_dash(&tx.number),
            or_dash(&tx.participant),
            print::reason(tx.cause),
            tx.state.clone(),
            or_dash(&tx.owner),
            or_dash(&tx.next_step),
            or_dash(&print::moment(tx.next_at.as_ref(), tx.zone_minutes)),
            tx.id.clone(),
        ]);
    }
    table
}
