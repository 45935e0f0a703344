//! `sign on` and `sign off`: what a session says before and behind all business.

use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use pabal_telegram::{Class, Echo, Fill, Kind, Slice};

use crate::catalog::TelegramId;
use crate::check::layout::{self, Column, Draft};
use crate::check::protocol::Scene;
use crate::check::{conversation, not_said, select};
use crate::diagnostic::{Diagnostic, Span};
use crate::mistake::{self, error};
use crate::rules::{Opener, SignRule, SignSuccess, SignTelegram, StampRule, TypeCode};
use crate::written;

/// A telegram of a sign-on or sign-off on its way to its bytes.
struct Part<'d, 's> {
    kind: TypeCode,
    draft: &'d Draft<'s>,
    asks: bool,
}

/// Both rules; `None` inside of `Some` if there is none.
pub(crate) fn check(
    scene: &Scene<'_>,
    out: &mut Vec<Diagnostic>,
) -> (Option<Option<SignRule>>, Option<Option<SignRule>>) {
    let written = scene.written;
    let on = written.sign_on.as_ref().map(|sign| rule(scene, sign, "sign on", out));
    let off = written.sign_off.as_ref().map(|sign| rule(scene, sign, "sign off", out));
    meanings(scene, out);
    let all = |rule: Option<Option<SignRule>>| match rule {
        None => Some(None),
        Some(None) => None,
        some => some,
    };
    (all(on), all(off))
}

fn rule(scene: &Scene<'_>, written: &written::Sign, words: &str, out: &mut Vec<Diagnostic>) -> Option<SignRule> {
    let is_on = words == "sign on";
    let needed = [
        ("request", "the telegram that asks, such as `request link`", true),
        ("answer", "the telegram that answers, such as `answer link_ok`", is_on || written.seen.has("success")),
        ("timeout", "how long the answer may take, such as `timeout 10s`", true),
    ];
    for (clause, help, _) in needed.iter().filter(|(clause, _, needed)| *needed && !written.seen.has(clause)) {
        out.push(not_said(written.span, clause, *help));
    }
    let request = written.request.as_ref().map(|kind| part(scene, kind, true, out));
    let answer = written.answer.as_ref().map(|kind| part(scene, kind, false, out));
    let request = request??;
    let answer = match answer {
        None if is_on || written.seen.has("answer") => return None,
        answer => answer.map_or(Some(None), |answer| answer.map(Some))?,
    };
    let success = match (&written.success, &answer) {
        (Some(said), Some(answer)) => Some(success(scene, answer.draft, said, out)?),
        (None, _) if written.seen.has("success") => return None,
        _ => None,
    };
    let made = telegram(scene, &request, None, out);
    let answered = answer.as_ref().map(|answer| telegram(scene, answer, success.as_ref(), out));
    let echo = match &answer {
        None => Some(Vec::new()),
        Some(answer) => conversation::echo(request.draft, answer.draft, out),
    };
    Some(SignRule {
        by: written.by.unwrap_or(Opener::Initiator),
        timeout: written.timeout.as_ref()?.value,
        request: made?,
        answer: answered.map_or(Some(None), |answer| answer.map(Some))?,
        echo: echo?,
        success,
    })
}

fn part<'d, 's>(
    scene: &'d Scene<'s>,
    written: &written::Type,
    asks: bool,
    out: &mut Vec<Diagnostic>,
) -> Option<Part<'d, 's>> {
    let named = |name, out: &mut Vec<Diagnostic>| scene.telegram(name, out);
    let kind = match (&written.telegram, written.values.as_slice()) {
        (Some(name), []) => {
            let (telegram, draft) = named(name, out)?;
            if draft.headed && scene.written.select.as_ref().is_some_and(|select| !select.by.is_empty()) {
                let message = format!("Telegram `{}` has the header, and which type it has is not said", name.value);
                out.push(
                    error(mistake::BAD_SIGN, written.span, "of which type?", message)
                        .help(format!("say the values of `select by`: `{} \"0800\" \"001\"`", name.value)),
                );
                return None;
            }
            TypeCode { telegram, bytes: Vec::new() }
        }
        _ => select::find(written, scene, out)?,
    };
    let draft = scene.drafts.get(usize::from(kind.telegram.0))?;
    Some(Part { kind, draft, asks })
}

/// What a good answer has in a field that the answerer fills and everybody may see.
fn success(
    scene: &Scene<'_>,
    draft: &Draft<'_>,
    (name, texts): &(written::Name, written::Alternatives),
    out: &mut Vec<Diagnostic>,
) -> Option<SignSuccess> {
    let column = draft.find(name, out)?;
    if column.is_lost() {
        return None;
    }
    let wrong = match &column.field.fill {
        _ if column.moves => Some(("moves", "it has no fixed place: take a field that has one")),
        Fill::Given | Fill::Default(_) if column.field.by.answerer && column.field.echo != Echo::Always => None,
        Fill::Given | Fill::Default(_) => {
            Some(("not the answerer's", "say `by answerer` on the field, or take another one"))
        }
        _ => Some(("has a value of its own", "take the field in which the answerer says how it went")),
    };
    // What is wrong with the response code is told where all answers need it.
    let is_code = scene.response_code().is_some_and(|code| code.field.path == column.field.path);
    if wrong.is_some() && is_code {
        return None;
    }
    if let Some((label, help)) = wrong {
        let message = format!("Field `{}` does not say whether the answer is good", name.value);
        out.push(
            error(mistake::BAD_SIGN, name.span, label, message)
                .help(help)
                .related(column.written.name.span, "described here"),
        );
        return None;
    }
    if let Some(class) = column.written.class.as_ref().filter(|class| class.value != Class::Public && !is_code) {
        let message = format!("Field `{}` is seen by everybody, since it stands in `success`", name.value);
        out.push(
            error(mistake::NOT_PUBLIC, class.span, "not public", message)
                .help("why a sign-on failed is told with it: say `public` if it names nobody, else take another field")
                .related(name.span, "named here"),
        );
        return None;
    }
    let any_of: Vec<_> = texts.iter().map(|text| layout::constant(&column.field, text, out)).collect();
    Some(SignSuccess {
        field: column.field.path.clone(),
        at: column.field.at,
        any_of: any_of.into_iter().collect::<Option<_>>()?,
    })
}

fn telegram(
    scene: &Scene<'_>,
    part: &Part<'_, '_>,
    success: Option<&SignSuccess>,
    out: &mut Vec<Diagnostic>,
) -> Option<SignTelegram> {
    let bytes = bytes(scene, part, success, out)?;
    let draft = part.draft;
    let carried = |column: &&Column<'_>| !part.asks && column.field.echo == Echo::Always;
    let stamps = draft.columns.iter().filter(|column| column.field.fill == Fill::Stamped && !carried(column));
    let stamps = stamps.filter_map(|column| match &column.field.kind {
        Kind::Stamp(pattern) => {
            Some(StampRule { at: column.field.at, pattern: pattern.clone(), charset: column.field.charset.encode })
        }
        _ => None,
    });
    if let Some(select) = scene.selection.compiled()
        && !select.rows.iter().any(|row| row.telegram == part.kind.telegram && row.matches(&bytes))
    {
        let message = format!("The row of `select` does not match what `{}` is made of", draft.name().value);
        out.push(
            error(mistake::BAD_SIGN, draft.name().span, "not known by its row", message)
                .help("its constants and the row's `bytes` say different things"),
        );
        return None;
    }
    Some(SignTelegram { kind: part.kind.clone(), stamps: stamps.collect(), headed: draft.headed, bytes: bytes.into() })
}

/// What the telegram is made of: constants, its type, the good value, and what stamps, echoes and parties will overwrite.
fn bytes(
    scene: &Scene<'_>,
    part: &Part<'_, '_>,
    success: Option<&SignSuccess>,
    out: &mut Vec<Diagnostic>,
) -> Option<Vec<u8>> {
    let mut bytes = vec![b' '; usize::try_from(*part.draft.len()?.end()).ok()?];
    let mut good = true;
    let protocol = scene.written;
    let of_nobody = protocol.participant.iter().chain(&protocol.compartment);
    let of_nobody: Vec<&str> = of_nobody.map(|name| name.value.as_str()).collect();
    let said = |at: &Slice| {
        let typed = part.kind.bytes.iter().find(|(place, _)| place == at).map(|(_, bytes)| bytes);
        typed.or_else(|| success.filter(|success| success.at == *at).and_then(|success| success.any_of.first()))
    };
    for column in &part.draft.columns {
        let field = &column.field;
        let fills = if part.asks { field.by.asker } else { field.by.answerer };
        let unset = vec![field.unset_byte(); field.at.range().len()];
        let fill: &[u8] = match &field.fill {
            _ if column.moves => {
                out.push(made_of(column, part.asks));
                return None;
            }
            _ if said(&field.at).is_some() => said(&field.at).map_or(&unset, |bytes| bytes),
            Fill::Const(bytes) | Fill::Default(bytes) => bytes,
            Fill::Stamped | Fill::Computed(_) => &unset,
            Fill::Given if !part.asks && field.echo == Echo::Always => &unset,
            Fill::Given if field.kind == Kind::Filler || !fills || field.by.optional => &unset,
            Fill::Given if of_nobody.contains(&&*field.path) => &unset,
            _ => {
                good = false;
                if !column.is_lost() {
                    out.push(made_of(column, part.asks));
                }
                continue;
            }
        };
        match bytes.get_mut(field.at.range()) {
            Some(place) => place.copy_from_slice(fill),
            None => good = false,
        }
    }
    good.then_some(bytes)
}

fn made_of(column: &Column<'_>, asks: bool) -> Diagnostic {
    let help = match asks {
        true => "the gateway signs on by itself: say `const`, `at send` for a date or time, or name it in `party`",
        false => {
            "the gateway may have to answer by itself: say `const`, `echo` for what the request held, or name it in `success`"
        }
    };
    let message = format!("Nothing says what field `{}` of the sign-on holds", column.field.path);
    error(mistake::BAD_SIGN, column.written.name.span, "filled with what?", message).help(help)
}

/// No telegram means two things: what comes in is a poll, a sign-on, a sign-off, or neither.
fn meanings(scene: &Scene<'_>, out: &mut Vec<Diagnostic>) {
    let written = scene.written;
    let mut known: Vec<(TypeCode, String, Span)> = Vec::new();
    let poll =
        written.poll.iter().flat_map(|poll| [(&poll.request, "the poll"), (&poll.answer, "the answer of the poll")]);
    for (name, what) in poll {
        let Some(name) = name else { continue };
        if let Some((telegram, _)) = scene.telegram(name, &mut Vec::new()) {
            known.push((TypeCode { telegram, bytes: Vec::new() }, what.into(), name.span));
        }
    }
    let exchanges = written.members.exchanges.iter().flat_map(|one| {
        [
            (&one.request, format!("the request of `{}`", one.name.value)),
            (&one.answer, format!("the answer of `{}`", one.name.value)),
        ]
    });
    let notices = written.members.notices.iter().flat_map(|one| {
        [
            (&one.request, format!("the notice `{}`", one.name.value)),
            (&one.answer, format!("the reply to `{}`", one.name.value)),
        ]
    });
    for (kind, what) in exchanges.chain(notices) {
        let Some(kind) = kind else { continue };
        if let Some(code) = select::find(kind, scene, &mut Vec::new()) {
            known.push((code, what, kind.span));
        }
    }
    let signs = written
        .sign_on
        .iter()
        .map(|sign| (sign, "sign on"))
        .chain(written.sign_off.iter().map(|sign| (sign, "sign off")));
    for (sign, words) in signs {
        for (kind, what) in [(&sign.request, "request"), (&sign.answer, "answer")] {
            let Some(kind) = kind else { continue };
            let Some(part) = part(scene, kind, true, &mut Vec::new()) else { continue };
            let what = format!("the {what} of `{words}`");
            let same = |(other, _, _): &&(TypeCode, String, Span)| *other == part.kind;
            if let Some((_, other, first)) = known.iter().find(same) {
                out.push(
                    error(
                        mistake::TWO_MEANINGS,
                        kind.span,
                        what.clone(),
                        format!("One telegram is both {other} and {what}"),
                    )
                    .help("each has a telegram, or a type, of its own")
                    .related(*first, other.clone()),
                );
                continue;
            }
            known.push((part.kind, what, kind.span));
        }
    }
}

/// The telegrams in which a date may be written at sending.
pub(crate) fn telegrams(scene: &Scene<'_>) -> Vec<TelegramId> {
    let signs = scene.written.sign_on.iter().chain(&scene.written.sign_off);
    let kinds = signs.flat_map(|sign| [&sign.request, &sign.answer]).flatten();
    kinds.filter_map(|kind| part(scene, kind, true, &mut Vec::new())).map(|part| part.kind.telegram).collect()
}

/// `key none` and `trace none`: what cannot be without a key.
pub(crate) fn keyless(scene: &Scene<'_>, out: &mut Vec<Diagnostic>) {
    let written = scene.written;
    let Some(none) = written.key_none else {
        if let Some(span) = written.trace_none {
            out.push(
                error(mistake::WEAK_TRACE, span, "not said", "Where answers have a key, a trace can be kept")
                    .help("name the fields of the key that every answer carries back"),
            );
        }
        return;
    };
    if let Some(notice) = written.members.notices.first() {
        let message =
            format!("Notices such as `{}` cannot be told from each other: there is no key", notice.name.value);
        out.push(
            error(mistake::NEEDS_KEY, none, "repeated or new?", message)
                .help("give the notices a protocol of their own, with the key that they have")
                .related(notice.name.span, "one of them"),
        );
    }
}
