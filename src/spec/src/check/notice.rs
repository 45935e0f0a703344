//! Notices: who answers, what is carried back, and what they are about.

use alloc::format;
use alloc::vec::Vec;

use pabal_telegram::Echo;

use crate::check::compare::{self, Both};
use crate::check::protocol::Scene;
use crate::check::{exchange, layout, not_said, select};
use crate::diagnostic::Diagnostic;
use crate::mistake::{self, error};
use crate::rules::{Answered, FillRule, GapRule, JoinRule, NoticeRule, Numbered, TypeCode};
use crate::verdict::Verdict;
use crate::written;

pub(crate) fn check(scene: &Scene<'_>, out: &mut Vec<Diagnostic>) -> Option<Vec<NoticeRule>> {
    let mut all = Vec::new();
    for written in &scene.written.members.notices {
        all.push(notice(scene, written, out));
    }
    all.into_iter().collect()
}

fn notice(scene: &Scene<'_>, written: &written::Notice, out: &mut Vec<Diagnostic>) -> Option<NoticeRule> {
    let needed = [
        ("request", "the type that they send, such as `request \"4000\" \"100\"`"),
        ("answer", "the type of our reply, such as `answer \"4100\" \"100\"`"),
        (
            "answered",
            "who replies: `answered by gateway when durable with response_code \"0000\"`, or `answered by service within 5s \
             else response_code \"9999\"`",
        ),
    ];
    for (clause, help) in needed {
        if !written.seen.has(clause) {
            out.push(not_said(written.name.span, clause, help));
        }
    }
    let request = written.request.as_ref().and_then(|kind| select::find(kind, scene, out));
    let answer = written.answer.as_ref().and_then(|kind| select::find(kind, scene, out));
    let mut echo = None;
    if let (Some(request), Some(answer)) = (&request, &answer) {
        exchange::headed(scene, request, written.request.as_ref(), out);
        exchange::headed(scene, answer, written.answer.as_ref(), out);
        exchange::echoes(scene, request, answer, written.name.span, out);
        echo = self::echo(scene, request, answer);
    }
    let answered = written.answered.as_ref().map(|answered| self::answered(scene, answered, out));
    let numbered = written.numbered.as_ref().map(|scope| numbered(scene, scope, out));
    if let (Some((exchange, _)), false) = (&written.gap, written.seen.has("numbered")) {
        out.push(
            not_said(exchange.span, "numbered", "a hole is seen in numbers: say `numbered per ..` before `gap`")
                .related(written.name.span, "of this notice"),
        );
    }
    let gap = written.gap.as_ref().map(|(name, after)| {
        let (exchange, _) = exchange::find(scene, name, out)?;
        Some(GapRule { exchange, after: after.value, fill: Vec::new() })
    });
    let joins = written.joins.as_ref().map(|joins| self::joins(scene, request.as_ref(), joins, out));
    Some(NoticeRule {
        name: written.name.value.as_str().into(),
        request: request?,
        answer: answer?,
        answered: answered??,
        echo: echo?,
        numbered: all(numbered)?,
        gap: all(gap)?,
        joins: all(joins)?,
    })
}

/// `None` only if it is said, but wrong.
fn all<T>(said: Option<Option<T>>) -> Option<Option<T>> {
    said.map_or(Some(None), |made| made.map(Some))
}

/// What our reply carries back: every field that says so and has its like in the notice.
fn echo(scene: &Scene<'_>, request: &TypeCode, answer: &TypeCode) -> Option<Vec<FillRule>> {
    let (request, answer) = (exchange::draft(scene, request)?, exchange::draft(scene, answer)?);
    let carried = answer.columns.iter().filter(|column| column.field.echo != Echo::No);
    let rules = carried.filter_map(|to| {
        let from = request.columns.iter().find(|from| from.field.path == to.field.path)?;
        (from.field.at.len == to.field.at.len).then_some(FillRule { from: from.field.at, to: to.field.at })
    });
    Some(rules.collect())
}

fn answered(scene: &Scene<'_>, written: &written::Answered, out: &mut Vec<Diagnostic>) -> Option<Answered> {
    let verdict = scene.written.verdict.as_ref()?;
    let column = scene.header_field(&written.field, out)?;
    if verdict.field.value != written.field.value {
        out.push(
            error(
                mistake::DIFFERENT_FIELDS,
                written.field.span,
                "not the response code",
                format!("A reply says its code in `{}`", verdict.field.value),
            )
            .help("name the field of `verdict`"),
        );
        return None;
    }
    let code = column.sure.then(|| layout::constant(&column.field, &written.code, out))??;
    if !scene.verdicts.is_empty() && scene.verdicts.verdict(b"", "", &code) == Verdict::Unknown {
        let message = format!("No table lists the response code {:?} for all participants", written.code.value);
        out.push(
            error(mistake::UNLISTED, written.code.span, "what does it say?", message)
                .help("compare it with the document, or list it")
                .warning(),
        );
    }
    Some(match &written.within {
        Some(within) => Answered::ByService { within: within.value, otherwise: code },
        None => Answered::ByGateway { response_code: code },
    })
}

fn numbered(scene: &Scene<'_>, scope: &[written::Name], out: &mut Vec<Diagnostic>) -> Option<Numbered> {
    let scope = scene.places(scope, out);
    let number = scene.written.number.as_ref()?;
    // If the field is unknown, `number` itself tells it.
    let column = scene.header.iter().find(|column| *column.field.path == *number.field.value)?;
    Some(Numbered { at: column.field.at, scope: scope?, first: None })
}

fn joins(
    scene: &Scene<'_>,
    request: Option<&TypeCode>,
    written: &written::Joins,
    out: &mut Vec<Diagnostic>,
) -> Option<JoinRule> {
    let (id, original) = exchange::find(scene, &written.exchange, out)?;
    let notice = exchange::draft(scene, request?)?;
    let original = exchange::original(scene, original)?;
    let asked = written.exchange.value.as_str();
    let both = Both { answer: notice, is_notice: true, original, asks: "", asked };
    let by = notice.find(&written.by, out);
    let confirm = compare::confirm(&both, &written.confirm, out);
    let by = by.filter(|column| column.sure)?;
    let number = scene.written.number.as_ref()?;
    let number = scene.header.iter().find(|column| *column.field.path == *number.field.value)?;
    if number.sure && number.field.at.len != by.field.at.len {
        let message = format!(
            "Field `{}` is {}, the original's number {}",
            by.field.path,
            crate::show::kind(&by.field),
            crate::show::kind(&number.field)
        );
        out.push(
            error(mistake::DIFFERENT_FIELDS, written.by.span, "cannot hold the number", message)
                .help("name the field that holds the number of the original request")
                .related(number.written.name.span, "the number"),
        );
        return None;
    }
    Some(JoinRule { exchange: id, by: by.field.at, confirm: confirm? })
}
