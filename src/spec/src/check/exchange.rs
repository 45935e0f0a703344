//! Exchanges: types, times, and what is done if nothing is known.

use alloc::format;
use alloc::sync::Arc;
use alloc::vec::Vec;

use pabal_telegram::{Echo, Slice};

use crate::check::compare::{self, Both};
use crate::check::conversation;
use crate::check::layout::Draft;
use crate::check::not_said;
use crate::check::protocol::Scene;
use crate::check::select;
use crate::condition::Condition;
use crate::diagnostic::{Diagnostic, Span};
use crate::mistake::{self, error};
use crate::rules::{AlsoVerdict, Effect, ExchangeRule, ExchangeRuleId, InquirySchedule, SettleRule, TypeCode, Unknown};
use crate::written::{self, Name};

pub(crate) fn check(scene: &Scene<'_>, out: &mut Vec<Diagnostic>) -> Option<Vec<ExchangeRule>> {
    let mut all = Vec::new();
    for written in &scene.written.members.exchanges {
        all.push(exchange(scene, written, out));
    }
    all.into_iter().collect()
}

/// An exchange by its name; tells if there is none.
pub(crate) fn find<'s>(
    scene: &Scene<'s>,
    name: &Name,
    out: &mut Vec<Diagnostic>,
) -> Option<(ExchangeRuleId, &'s written::Exchange)> {
    let exchanges = &scene.written.members.exchanges;
    let Some(at) = exchanges.iter().position(|exchange| exchange.name.value == name.value) else {
        let help = crate::check::meant(&name.value, exchanges.iter().map(|exchange| &exchange.name));
        out.push(
            error(
                mistake::UNKNOWN_EXCHANGE,
                name.span,
                "not an exchange",
                format!("There is no exchange `{}`", name.value),
            )
            .help_if(help),
        );
        return None;
    };
    Some((ExchangeRuleId(u16::try_from(at).ok()?), exchanges.get(at)?))
}

fn exchange(scene: &Scene<'_>, written: &written::Exchange, out: &mut Vec<Diagnostic>) -> Option<ExchangeRule> {
    let needed = [
        ("request", "the type that we send, such as `request \"2000\" \"100\"`"),
        ("answer", "the type that comes back, such as `answer \"2100\" \"100\"`"),
        ("effect", "what it changes at the institution: `effect none`, `money` or `state`"),
        ("timeout", "how long the institution may take, such as `timeout 30s`"),
    ];
    for (clause, help) in needed {
        if !written.seen.has(clause) {
            out.push(not_said(written.name.span, clause, help));
        }
    }
    let request = written.request.as_ref().and_then(|kind| select::find(kind, scene, out));
    let answer = written.answer.as_ref().and_then(|kind| select::find(kind, scene, out));
    if let (Some(request), Some(answer)) = (&request, &answer) {
        headed(scene, request, written.request.as_ref(), out);
        headed(scene, answer, written.answer.as_ref(), out);
        echoes(scene, request, answer, written.name.span, out);
    }
    let effect = written.effect.as_ref().map(|effect| effect.value);
    let given = given(scene, written, out);
    let also = written.also.as_ref().map(|also| self::also(scene, answer.as_ref(), also, out));
    let unknown = unknown(scene, written, effect, out);
    let settles = written.settles.as_ref().map(|settles| settle(scene, written, settles, out));
    let settles = match settles {
        Some(None) => return None,
        Some(some) => some,
        None => None,
    };
    let request_layout = Arc::new(draft(scene, request.as_ref()?)?.given(&written.given).ok()?);
    Some(ExchangeRule {
        name: written.name.value.as_str().into(),
        request: request?,
        request_layout,
        answer: answer?,
        given: given?,
        also: also.map_or(Some(None), |also| also.map(Some))?,
        effect: effect?,
        timeout: written.timeout.as_ref()?.value,
        unknown: unknown?,
        settles,
    })
}

/// The layout of a type, on its way.
pub(crate) fn draft<'d, 's>(scene: &'d Scene<'s>, code: &TypeCode) -> Option<&'d Draft<'s>> {
    scene.drafts.get(usize::from(code.telegram.0))
}

/// The layout of a written type, without telling anything.
pub(crate) fn quiet<'d, 's>(scene: &'d Scene<'s>, written: Option<&written::Type>) -> Option<&'d Draft<'s>> {
    let code = select::find(written?, scene, &mut Vec::new())?;
    draft(scene, &code)
}

pub(crate) fn original<'d, 's>(scene: &'d Scene<'s>, exchange: &written::Exchange) -> Option<&'d Draft<'s>> {
    quiet(scene, exchange.request.as_ref())
}

/// Tells a telegram without the header: it has no key.
pub(crate) fn headed(scene: &Scene<'_>, code: &TypeCode, written: Option<&written::Type>, out: &mut Vec<Diagnostic>) {
    let Some(draft) = draft(scene, code).filter(|draft| !draft.headed) else { return };
    let span = written.map_or(draft.name().span, |written| written.span);
    out.push(
        error(
            mistake::HEADERLESS,
            span,
            "has no header",
            format!("Telegram `{}` has no header, so that no answer can be found", draft.name().value),
        )
        .help("give it the header: `telegram name 300 : header { .. }`"),
    );
}

/// Every field that an answer carries back is in the answer.
pub(crate) fn echoes(scene: &Scene<'_>, request: &TypeCode, answer: &TypeCode, span: Span, out: &mut Vec<Diagnostic>) {
    let (Some(request), Some(answer)) = (draft(scene, request), draft(scene, answer)) else { return };
    if !answer.whole {
        return;
    }
    for column in request.columns.iter().filter(|column| column.field.echo == Echo::Always && column.sure) {
        let same = answer.columns.iter().find(|other| other.field.path == column.field.path);
        if same.is_none_or(|other| other.sure && other.field.at.len != column.field.at.len) {
            out.push(
                error(
                    mistake::NOT_ECHOED,
                    span,
                    format!("answered by `{}`", answer.name().value),
                    format!("The answer has no place for field `{}`, which it carries back", column.field.path),
                )
                .help("give the answer's telegram a field of this name and length, or remove `echo`")
                .related(column.written.name.span, "`echo` is said here"),
            );
        }
    }
}

/// Fields that the caller gives instead of the gateway: a number or a stamp, of a request that changes nothing.
fn given(scene: &Scene<'_>, written: &written::Exchange, out: &mut Vec<Diagnostic>) -> Option<Vec<Slice>> {
    let protocol = scene.written;
    if let (Some(first), Some(effect)) =
        (written.given.first(), written.effect.as_ref().filter(|effect| effect.value != Effect::None))
    {
        let message = format!("`{}` changes something, and `{}` is not ours in it", written.name.value, first.value);
        out.push(
            error(mistake::BAD_GIVEN, first.span, "not numbered by the gateway", message)
                .help("what changes something has a number of ours, so that it is never taken for another; remove `given`")
                .related(effect.span, "changes something"),
        );
        return None;
    }
    let mut all = Vec::new();
    for (at, name) in written.given.iter().enumerate() {
        if let Some(first) = written.given.iter().take(at).find(|first| first.value == name.value) {
            out.push(
                error(mistake::TWICE_SAID, name.span, "said again", format!("Field `{}` is given twice", name.value))
                    .help("keep one of them")
                    .related(first.span, "said here first"),
            );
        }
        let written_by_gateway = protocol
            .number
            .iter()
            .map(|number| &number.field)
            .chain(&protocol.stamp)
            .any(|own| own.value == name.value);
        // Which fields those are may be what could not be read.
        let known = protocol.number.is_some() && (!protocol.stamp.is_empty() || !protocol.seen.has("stamp"));
        all.push(scene.header_field(name, out).and_then(|column| {
            if !written_by_gateway && known {
                out.push(
                    error(
                        mistake::BAD_GIVEN,
                        name.span,
                        "neither number nor stamp",
                        format!("The gateway does not write field `{}`: it need not be given", name.value),
                    )
                    .help(
                        "name the field of `number`, or fields of `stamp`; all others are given by the caller as it is",
                    )
                    .related(column.written.name.span, "described here"),
                );
                return None;
            }
            Some(column.field.at)
        }));
    }
    all.into_iter().collect()
}

/// `verdict also`: a field of the answer's body that is like the response code.
fn also(
    scene: &Scene<'_>,
    answer: Option<&TypeCode>,
    written: &written::Also,
    out: &mut Vec<Diagnostic>,
) -> Option<AlsoVerdict> {
    let answer = draft(scene, answer?)?;
    let column = answer.find(&written.field, out)?;
    let code = scene.response_code()?;
    if !(column.sure && code.sure) {
        return None;
    }
    if column.field.at == code.field.at {
        out.push(
            error(
                mistake::DIFFERENT_FIELDS,
                written.field.span,
                "the same code",
                format!("Field `{}` is the response code itself", written.field.value),
            )
            .help("name the field of the body that holds another code, or remove `verdict also`"),
        );
        return None;
    }
    compare::filled(column, false, &written.field, out).then_some(())?;
    compare::code(column, code, written.field.span, out).then_some(())?;
    Some(AlsoVerdict { at: column.field.at, wins: written.wins })
}

fn unknown(
    scene: &Scene<'_>,
    written: &written::Exchange,
    effect: Option<Effect>,
    out: &mut Vec<Diagnostic>,
) -> Option<Unknown> {
    let matters = matches!(effect, Some(Effect::Money | Effect::State));
    let Some(unknown) = &written.unknown else {
        if matters && !written.seen.has("unknown") {
            let span = written.effect.as_ref().map_or(written.name.span, |effect| effect.span);
            out.push(
                error(
                    mistake::NO_RESOLUTION,
                    span,
                    "an UNKNOWN matters",
                    format!("It is not said what is done if nothing is known of `{}`", written.name.value),
                )
                .help("say `unknown inquire exchange after 5m every 5m until 23:25 same send_date, then list`, or `unknown list`"),
            );
        }
        return (!matters && !written.seen.has("unknown")).then_some(Unknown::Leave);
    };
    match &unknown.value {
        written::Unknown::Leave if matters => {
            out.push(
                error(
                    mistake::NO_RESOLUTION,
                    unknown.span,
                    "left as it is",
                    "An UNKNOWN of money or state may not be left as it is",
                )
                .help("inquire about it, or put it on the list of what a person must look at: `unknown list`"),
            );
            None
        }
        written::Unknown::Leave => Some(Unknown::Leave),
        written::Unknown::List => Some(Unknown::List),
        written::Unknown::Inquire { by, after, every, until, same } => {
            let same_date = scene.header_field(same, out).is_some_and(|_| {
                let dated = scene.written.stamp.iter().any(|stamp| stamp.value == same.value);
                if !dated {
                    let message = format!("Field `{}` is not a stamp of ours", same.value);
                    out.push(
                        error(mistake::MISPLACED, same.span, "not stamped", message)
                            .help("name the stamped field that holds the date: numbers restart with it"),
                    );
                }
                dated
            });
            let (id, inquiry) = find(scene, by, out)?;
            let settles = inquiry.settles.as_ref();
            if settles.is_none_or(|settles| settles.original.value != written.name.value) {
                if !(inquiry.seen.has("settles") && settles.is_none()) {
                    out.push(
                        error(
                            mistake::DOES_NOT_SETTLE,
                            by.span,
                            "settles something else, or nothing",
                            format!("Exchange `{}` does not settle `{}`", by.value, written.name.value),
                        )
                        .help(format!("give it a block `settles {} {{ .. }}`", written.name.value))
                        .related(inquiry.name.span, "described here"),
                    );
                }
                return None;
            }
            if let (Some(timeout), true) = (&written.timeout, same_date)
                && after.value < timeout.value
            {
                let message = "It is asked before the answer's own time is over".into();
                out.push(
                    times(after.span, "sooner", message, "ask after the timeout").related(timeout.span, "the timeout"),
                );
                return None;
            }
            same_date.then_some(Unknown::Inquire(InquirySchedule {
                by: id,
                after: after.value,
                every: every.value,
                until: *until,
            }))
        }
    }
}

pub(crate) fn times(span: Span, label: &str, message: alloc::string::String, help: &str) -> Diagnostic {
    error(mistake::BAD_TIMES, span, label, message).help(help)
}

fn settle(
    scene: &Scene<'_>,
    inquiry: &written::Exchange,
    written: &written::Settles,
    out: &mut Vec<Diagnostic>,
) -> Option<SettleRule> {
    let needed = [
        ("confirm", "fields that must agree before the answer is believed: numbers restart daily"),
        ("success", "when the answer says that the original was executed"),
        ("failure", "when the answer says that the original was plainly not executed; all else is unknown"),
    ];
    for (clause, help) in needed {
        if !written.seen.has(clause) {
            out.push(not_said(written.original.span, clause, help));
        }
    }
    if let Some(effect) = inquiry.effect.as_ref().filter(|effect| effect.value != Effect::None) {
        out.push(
            error(
                mistake::DOES_NOT_SETTLE,
                effect.span,
                "changes something",
                format!("`{}` settles another exchange, but has an effect of its own", inquiry.name.value),
            )
            .help("an inquiry has `effect none`: it may be asked again"),
        );
    }
    let (id, original) = find(scene, &written.original, out)?;
    always(written, original, out);
    let request = quiet(scene, inquiry.request.as_ref())?;
    let answer = quiet(scene, inquiry.answer.as_ref())?;
    let original = self::original(scene, original)?;
    let (asks, asked) = (inquiry.name.value.as_str(), written.original.value.as_str());
    let both = Both { answer, is_notice: false, original, asks, asked };
    for (at, (to, _)) in written.fill.iter().enumerate() {
        if let Some((first, _)) = written.fill.iter().take(at).find(|(first, _)| first.value == to.value) {
            out.push(
                error(mistake::TWICE_SAID, to.span, "filled again", format!("Field `{}` is filled twice", to.value))
                    .help("keep one of them")
                    .related(first.span, "filled here first"),
            );
        }
    }
    let known: Vec<&Name> = written.fill.iter().map(|(to, _)| to).collect();
    if let Some(column) = conversation::unfilled(scene, request, &inquiry.given, &known) {
        let message = format!("The gateway asks by itself, and has no value for field `{}`", column.field.path);
        out.push(
            error(mistake::UNFILLED, written.original.span, "asked about", message)
                .help(format!("fill it from the original: `fill {} = original.field`", column.field.path))
                .related(column.written.name.span, "filled with what?"),
        );
        return None;
    }
    let fill: Vec<_> = written
        .fill
        .iter()
        .map(|(to, from)| compare::fill((request, &inquiry.given), original, to, from, out))
        .collect();
    let confirm = compare::confirm(&both, &written.confirm, out);
    let success = written.success.as_ref().map(|condition| compare::condition(scene, &both, condition, out));
    let failure = written.failure.as_ref().map(|condition| compare::condition(scene, &both, condition, out));
    if let (Some(Some(success)), Some(Some(failure))) = (&success, &failure) {
        at_once(scene, written, (success, failure), out);
    }
    Some(SettleRule {
        original: id,
        fill: fill.into_iter().collect::<Option<_>>()?,
        confirm: confirm.filter(|confirm| !confirm.is_empty())?,
        success: success??,
        failure: failure??,
    })
}

/// `success *` is never right; `failure *` is not where something may have been changed.
fn always(written: &written::Settles, original: &written::Exchange, out: &mut Vec<Diagnostic>) {
    if let Some(success) = written.success.as_ref().filter(|condition| condition.all.is_empty()) {
        out.push(
            error(mistake::ALWAYS, success.span, "whatever the answer", "Success needs a condition")
                .help("compare response codes and amounts, as the document says"),
        );
    }
    let matters = original.effect.as_ref().is_none_or(|effect| effect.value != Effect::None);
    if let Some(failure) = written.failure.as_ref().filter(|condition| condition.all.is_empty() && matters) {
        out.push(
            error(
                mistake::ALWAYS,
                failure.span,
                "whatever the answer",
                format!("`failure *` would call `{}` not executed without proof", original.name.value),
            )
            .help("say which answers plainly say that it was not executed; all else is `unknown *`"),
        );
    }
}

/// An answer that is a success wherever it is a failure, or the other way round. What is not seen here, the switch sees in the answer.
fn at_once(
    scene: &Scene<'_>,
    written: &written::Settles,
    (success, failure): (&Condition, &Condition),
    out: &mut Vec<Diagnostic>,
) {
    let (Some(first), Some(second)) = (&written.success, &written.failure) else { return };
    // A condition that always holds was told where it is wrong.
    let can_differ = !success.all.is_empty() && !failure.all.is_empty();
    let follows = success.follows_from(failure, &scene.verdicts) || failure.follows_from(success, &scene.verdicts);
    if can_differ && follows {
        out.push(
            error(
                mistake::BOTH,
                second.span,
                "holds together with `success`",
                "An answer can say success and failure at once, and such an answer settles nothing",
            )
            .help(
                "say in `failure` what an answer to an executed request never has, such as `proc_result class refused`",
            )
            .related(first.span, "holds for the same answer")
            .warning(),
        );
    }
}

/// No type means two things: a frame that comes in is one kind of answer or one notice.
pub(crate) fn meanings(scene: &Scene<'_>, out: &mut Vec<Diagnostic>) {
    let members = &scene.written.members;
    // (the type, what it is, whether it comes from them)
    let mut known: Vec<(TypeCode, alloc::string::String, bool, Span)> = Vec::new();
    let exchanges = members.exchanges.iter().flat_map(|exchange| {
        let name = &exchange.name.value;
        [
            (exchange.request.as_ref(), format!("the request of `{name}`"), false),
            (exchange.answer.as_ref(), format!("the answer of `{name}`"), true),
        ]
    });
    let notices = members
        .notices
        .iter()
        .map(|notice| (notice.request.as_ref(), format!("the notice `{}`", notice.name.value), true));
    for (written, what, incoming) in exchanges.chain(notices) {
        let Some(written) = written else { continue };
        let Some(code) = select::find(written, scene, &mut Vec::new()) else { continue };
        let is_notice = what.starts_with("the notice");
        let clash = known.iter().find(|(other, other_what, other_incoming, _)| {
            let answers = *other_incoming && incoming && !is_notice && !other_what.starts_with("the notice");
            other == &code && !answers
        });
        if let Some((_, other, _, first)) = clash {
            out.push(
                error(
                    mistake::TWO_MEANINGS,
                    written.span,
                    what.clone(),
                    format!("One type is both {other} and {what}"),
                )
                .help("types differ in at least one value of `select by`")
                .related(*first, other.clone()),
            );
            continue;
        }
        known.push((code, what, incoming, written.span));
    }
}
