//! Notices: who answers, what is carried back, and what they are about.

use alloc::format;
use alloc::vec::Vec;

use pabal_telegram::{Echo, Kind};

use crate::check::compare::{self, Both};
use crate::check::protocol::Scene;
use crate::check::{conversation, exchange, layout, not_said, select};
use crate::diagnostic::Diagnostic;
use crate::mistake::{self, error};
use crate::rules::{Answered, FillRule, GapRule, JoinRule, NoticeRule, Numbered, TypeCode};
use crate::verdict::Verdict;
use crate::written::{self, Name, fields};

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
        fixed(scene, written, answer, out);
    }
    let answered = written.answered.as_ref().map(|answered| self::answered(scene, answered, out));
    let numbered = written.numbered.as_ref().map(|numbered| self::numbered(scene, numbered, out));
    if let (Some(gap), false) = (&written.gap, written.seen.has("numbered")) {
        out.push(
            not_said(gap.exchange.span, "numbered", "a hole is seen in numbers: say `numbered per ..` before `gap`")
                .related(written.name.span, "of this notice"),
        );
    }
    let gap = written.gap.as_ref().map(|gap| self::gap(scene, written, request.as_ref(), gap, out));
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

/// The gateway makes the answer itself, or one that a service does not give in time: nothing of it may move.
fn fixed(scene: &Scene<'_>, written: &written::Notice, answer: &TypeCode, out: &mut Vec<Diagnostic>) {
    let draft = scene.drafts.get(usize::from(answer.telegram.0));
    let Some(column) = draft.and_then(|draft| draft.columns.iter().find(|column| column.moves)) else { return };
    let place = written.answer.as_ref().map_or(written.name.span, |kind| kind.span);
    let message = format!("The gateway cannot answer `{}`: field `{}` moves", written.name.value, column.field.path);
    out.push(
        error(mistake::MOVES, place, "made by the gateway", message)
            .help("describe the answer as a telegram of its own whose fields all have fixed places")
            .related(column.written.name.span, "moves"),
    );
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

fn numbered(scene: &Scene<'_>, written: &written::Numbered, out: &mut Vec<Diagnostic>) -> Option<Numbered> {
    let scope = scene.places(&written.scope, out);
    let names: Vec<&Name> = fields(&written.scope).collect();
    let filled = conversation::filled(scene, &names, true, out);
    let number = scene.written.number.as_ref()?;
    // If the field is unknown, `number` itself tells it.
    let column = scene.header.iter().find(|column| *column.field.path == *number.field.value)?;
    let digits = column.field.at.len;
    let fits = |first: u64| 10_u64.checked_pow(digits).is_none_or(|end| first < end);
    if let Some(first) = written.first.as_ref().filter(|first| column.sure && !fits(first.value)) {
        let message = format!("{} does not fit into the {digits} digits of `{}`", first.value, number.field.value);
        out.push(
            error(mistake::BAD_RANGE, first.span, "their first number", message)
                .help("write the first number that the document names; without one, the first notice begins the count"),
        );
        return None;
    }
    let first = written.first.as_ref().map(|first| first.value);
    filled.then_some(Numbered { at: column.field.at, scope: scope?, first })
}

/// A hole is asked for under the number that is missing, so that the exchange must let it be given, and all that it is counted by.
fn gap(
    scene: &Scene<'_>,
    notice: &written::Notice,
    kind: Option<&TypeCode>,
    written: &written::Gap,
    out: &mut Vec<Diagnostic>,
) -> Option<GapRule> {
    let (id, asks) = exchange::find(scene, &written.exchange, out)?;
    let numbered = notice.numbered.as_ref()?;
    let protocol = scene.written;
    let number = &protocol.number.as_ref()?.field;
    let in_header = |name: &Name| scene.header.iter().any(|column| *column.field.path == *name.value);
    let stamped = |name: &&Name| {
        let column = scene.header.iter().find(|column| *column.field.path == *name.value);
        let is_stamp = column.is_some_and(|column| matches!(column.field.kind, Kind::Stamp(_)));
        is_stamp && protocol.stamp.iter().any(|stamp| stamp.value == name.value)
    };
    let needed = core::iter::once(number).chain(fields(&numbered.scope).filter(stamped));
    let missing: Vec<&str> = needed
        .filter(|name| in_header(name) && !asks.given.iter().any(|given| given.value == name.value))
        .map(|name| name.value.as_str())
        .collect();
    // What is given may be what could not be read, or is called by a wrong name.
    let known = asks.given.iter().all(in_header) && !(asks.seen.has("given") && asks.given.is_empty());
    if !missing.is_empty() && known {
        let message = format!("A request of `{}` cannot name the notice that is missing", written.exchange.value);
        let all: Vec<&str> = asks.given.iter().map(|name| name.value.as_str()).chain(missing).collect();
        out.push(
            error(mistake::BAD_GAP, written.exchange.span, "the gateway writes its own number there", message)
                .help(format!("say in the exchange that theirs is given: `given {}`", all.join(" ")))
                .related(asks.name.span, "described here"),
        );
        return None;
    }
    if let Some(part) = numbered.scope.iter().find(|place| place.bytes.is_some()) {
        let message = format!("What is counted by a part of `{}` cannot be asked for", part.field.value);
        out.push(
            error(mistake::BAD_GAP, written.exchange.span, "needs the whole field", message)
                .help("the request carries the field in which they count: say `numbered per` of the whole field")
                .related(part.span(), "only a part of it"),
        );
        return None;
    }
    let request = exchange::original(scene, asks)?;
    let from = exchange::draft(scene, kind?)?;
    let fill: Vec<_> = written
        .fill
        .iter()
        .map(|(to, source)| {
            let counted = core::iter::once(number).chain(fields(&numbered.scope)).find(|name| name.value == to.value);
            if counted.is_some() {
                let message = format!("Field `{}` names what is missing, and is written by the gateway", to.value);
                out.push(
                    error(mistake::MISPLACED, to.span, "not filled from here", message)
                        .help("the number and what it is counted by are filled by themselves: remove it"),
                );
                return None;
            }
            compare::copied((request, &asks.given), from, to, source, out)
        })
        .collect();
    for (at, (to, _)) in written.fill.iter().enumerate() {
        if let Some((first, _)) = written.fill.iter().take(at).find(|(first, _)| first.value == to.value) {
            out.push(
                error(mistake::TWICE_SAID, to.span, "filled again", format!("Field `{}` is filled twice", to.value))
                    .help("keep one of them")
                    .related(first.span, "filled here first"),
            );
        }
    }
    let known = core::iter::once(number).chain(fields(&numbered.scope)).chain(written.fill.iter().map(|(to, _)| to));
    if let Some(column) = conversation::unfilled(scene, request, &asks.given, &known.collect::<Vec<_>>()) {
        let message = format!("The gateway asks for it by itself, and has no value for field `{}`", column.field.path);
        out.push(
            error(mistake::UNFILLED, written.exchange.span, "asked for", message)
                .help(format!("fill it from the notice that showed the gap: `fill {} = field`", column.field.path))
                .related(column.written.name.span, "filled with what?"),
        );
        return None;
    }
    Some(GapRule { exchange: id, after: written.after.value, fill: fill.into_iter().collect::<Option<_>>()? })
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
    let by = notice.find(&written.by.field, out).and_then(|by| Some((by, layout::place(by, &written.by, out)?)));
    let confirm = compare::confirm(&both, &written.confirm, out);
    let (by, at) = by.filter(|(column, _)| column.sure)?;
    let number = scene.written.number.as_ref()?;
    let number = scene.header.iter().find(|column| *column.field.path == *number.field.value)?;
    if number.sure && number.field.at.len != at.len {
        let shown = match &written.by.bytes {
            Some(_) => format!("{} bytes of it", at.len),
            None => crate::show::kind(&by.field),
        };
        let message =
            format!("Field `{}` is {shown}, the original's number {}", by.field.path, crate::show::kind(&number.field));
        out.push(
            error(mistake::DIFFERENT_FIELDS, written.by.span(), "cannot hold the number", message)
                .help("name the field that holds the number of the original request")
                .related(number.written.name.span, "the number"),
        );
        return None;
    }
    Some(JoinRule { exchange: id, by: at, confirm: confirm? })
}
