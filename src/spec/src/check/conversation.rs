//! Stamps, numbers, keys, traces, the poll and the opening.

use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use core::ops::Range;

use pabal_telegram::{Echo, Fill, Kind, Number, Slice};

use crate::check::layout::{self, Column, Draft};
use crate::check::protocol::Scene;
use crate::check::{exchange, not_said};
use crate::diagnostic::Diagnostic;
use crate::mistake::{self, error};
use crate::rules::{Effect, NumberRule, OpeningRule, PollRule, StampRule};
use crate::verdict::Verdict;
use crate::written::{self, At, Name, Place, fields};

pub(crate) fn stamps(scene: &Scene<'_>, out: &mut Vec<Diagnostic>) -> Option<Vec<StampRule>> {
    let mut all = Vec::new();
    for name in &scene.written.stamp {
        all.push(scene.header_field(name, out).and_then(|column| match &column.field.kind {
            Kind::Stamp(pattern) => {
                Some(StampRule { at: column.field.at, pattern: pattern.clone(), charset: column.field.charset.encode })
            }
            _ if !column.sure => None,
            _ => {
                out.push(
                    error(
                        mistake::MISPLACED,
                        name.span,
                        crate::show::kind(&column.field),
                        format!("Field `{}` is neither a date nor a time", name.value),
                    )
                    .help("give it a pattern: `date(YYYYMMDD)` or `time(hhmmss)`")
                    .related(column.written.name.span, "described here"),
                );
                None
            }
        }));
    }
    all.into_iter().collect()
}

pub(crate) fn number(scene: &Scene<'_>, out: &mut Vec<Diagnostic>) -> Option<NumberRule> {
    let written = scene.written.number.as_ref()?;
    let scope = scene.places(&written.scope, out);
    let begins_anew = scope.is_none() || begins_anew(scene, written, out);
    let column = scene.header_field(&written.field, out)?;
    let (first, last) = written.range.value;
    let span = written.range.span;
    let range = |message, help: &str| error(mistake::BAD_RANGE, span, format!("{first}..{last}"), message).help(help);
    let mut good = begins_anew;
    if first > last {
        out.push(range("The range has no number".into(), "the smaller number stands first"));
        good = false;
    }
    if column.sure {
        let digits = column.field.at.len;
        let fits = 10_u64.checked_pow(digits).is_none_or(|end| last < end);
        let numeric = match column.field.kind {
            Kind::Number(number) => number == Number::plain(number.digits, 0),
            _ => column.field.kind == Kind::Code,
        };
        if !numeric {
            let message = format!("Field `{}` cannot count", written.field.value);
            let shown = crate::show::kind(&column.field);
            out.push(
                error(mistake::BAD_RANGE, written.field.span, shown, message)
                    .help("numbers are given to a field `9(n)`"),
            );
            good = false;
        } else if !fits {
            let message = format!("{last} does not fit into the {digits} digits of `{}`", written.field.value);
            out.push(range(message, "lower the last number, or compare the field with the document"));
            good = false;
        }
    } else {
        good = false;
    }
    let warn = written.warn.as_ref();
    if let Some(warn) = warn.filter(|warn| first <= last && !(first..=last).contains(&warn.value)) {
        let message = format!("The warning at {} is not one of the numbers", warn.value);
        out.push(
            error(mistake::BAD_RANGE, warn.span, "never reached", message)
                .help("warn at a number of the range, some time before its end")
                .related(span, "the numbers"),
        );
        good = false;
    }
    good.then_some(())?;
    Some(NumberRule {
        at: column.field.at,
        scope: scope?,
        range: first..=last,
        warn: warn.map_or(last, |warn| warn.value),
        charset: column.field.charset.encode,
    })
}

/// Whether a stamped date is in the number's scope: without one the numbers run out for ever, or name two requests.
fn begins_anew(scene: &Scene<'_>, written: &written::Number, out: &mut Vec<Diagnostic>) -> bool {
    let is_date = |name: &Name, bytes: Option<&At<Range<u32>>>| {
        let column = scene.header.iter().find(|column| *column.field.path == *name.value);
        column.is_some_and(|column| match &column.field.kind {
            Kind::Stamp(stamp) => {
                let part =
                    |bytes: &At<Range<u32>>| stamp.pattern.get(bytes.value.start as usize..bytes.value.end as usize);
                bytes
                    .map_or(Some(&*stamp.pattern), part)
                    .is_some_and(|pattern| pattern.contains("MM") && pattern.contains("DD"))
            }
            // What could not be read was told.
            _ => !column.sure,
        })
    };
    let is_stamped = |name: &Name| scene.written.stamp.iter().any(|stamp| stamp.value == name.value);
    let stamps_are_lost = scene.written.seen.has("stamp") && scene.written.stamp.is_empty();
    let dated = |place: &Place| is_date(&place.field, place.bytes.as_ref()) && is_stamped(&place.field);
    if stamps_are_lost || written.scope.iter().any(dated) {
        return true;
    }
    let first = written.scope.first().map_or(written.field.span, Place::span);
    let span = written.scope.iter().fold(first, |span, place| crate::Span { end: place.span().end, ..span });
    let message = format!(
        "The numbers of `{}` never begin anew: no stamped date is among what they are given for",
        written.field.value
    );
    let help = match scene.written.stamp.iter().find(|name| is_date(name, None)) {
        Some(date) => format!("say `per {}`, and add it to the key", date.value),
        None => "name a date of the header in `stamp` and behind `per`, and add it to the key".into(),
    };
    out.push(error(mistake::NEVER_ANEW, span, "without a date", message).help(help));
    false
}

/// Fields of the header that every answer carries back, or parts of them.
fn echoed(scene: &Scene<'_>, places: &[Place], what: &str, out: &mut Vec<Diagnostic>) -> Option<Vec<Slice>> {
    let mut all = Vec::new();
    for place in places {
        let name = &place.field;
        all.push(scene.header_field(name, out).and_then(|column| {
            if column.field.echo != Echo::Always && !column.written.broken {
                let help = if column.field.echo == Echo::InReplyToNotice {
                    "it is carried back only in replies to notices: take another field"
                } else {
                    "say `echo` on the field if the document says so; else take another field"
                };
                out.push(
                    error(
                        mistake::NOT_ECHOED,
                        name.span,
                        "not in the answer",
                        format!("The answer does not carry back `{}`, so that it is no part of the {what}", name.value),
                    )
                    .help(help)
                    .related(column.written.name.span, "described here"),
                );
                return None;
            }
            layout::place(column, place, out)
        }));
    }
    all.into_iter().collect()
}

pub(crate) fn key(scene: &Scene<'_>, out: &mut Vec<Diagnostic>) -> Option<Vec<Slice>> {
    let places = &scene.written.key;
    if scene.written.key_none.is_some() {
        return Some(Vec::new());
    }
    let key = echoed(scene, places, "key", out);
    if let Some(Shared { span, missing, at }) = shared(scene, places) {
        out.push(
            error(mistake::WEAK_KEY, span, "the same for two requests", "The key does not tell two requests apart")
                .help(format!("add to the key: {missing}"))
                .related(at, "numbers are given for each of these"),
        );
        return None;
    }
    key.filter(|key| !key.is_empty())
}

pub(crate) fn trace(scene: &Scene<'_>, out: &mut Vec<Diagnostic>) -> Option<Vec<Slice>> {
    let places = &scene.written.trace;
    let trace = echoed(scene, places, "trace", out)?;
    if let Some(Shared { span, missing, at }) = shared(scene, places) {
        let message = "Two requests of one moment would share a trace";
        out.push(
            error(mistake::WEAK_TRACE, span, "the same for two requests", message)
                .help(format!("add to the trace: {missing}"))
                .related(at, "numbers are given for each of these"),
        );
        return None;
    }
    Some(trace)
}

/// What two requests may have in common.
struct Shared {
    /// Where the places stand.
    span: crate::Span,
    /// What they lack: fields, or parts of them.
    missing: String,
    /// Where the first of these is needed.
    at: crate::Span,
}

/// The number, and what it is given for, if not all of it is among these places. Of the number, digits that are 0 in all numbers need
/// not be there.
fn shared(scene: &Scene<'_>, places: &[Place]) -> Option<Shared> {
    let number = scene.written.number.as_ref()?;
    let first = places.first()?;
    let span = places.iter().fold(first.span(), |span, place| crate::Span { end: place.span().end, ..span });
    let digits = number.range.value.1.checked_ilog10().map_or(1, |digits| digits + 1);
    let mut missing = String::new();
    let mut at = None;
    let needed = core::iter::once((&number.field, None))
        .chain(number.scope.iter().map(|place| (&place.field, place.bytes.as_ref())));
    for (name, part) in needed {
        let Some(column) = scene.header.iter().find(|column| *column.field.path == *name.value) else { continue };
        let len = column.field.at.len;
        let needed = match part {
            Some(part) => part.value.clone(),
            None if name.span == number.field.span => len.saturating_sub(digits)..len,
            None => 0..len,
        };
        let mut there: Vec<Range<u32>> = places
            .iter()
            .filter(|place| place.field.value == name.value)
            .map(|place| place.bytes.as_ref().map_or(0..u32::MAX, |bytes| bytes.value.clone()))
            .collect();
        there.sort_by_key(|bytes| bytes.start);
        let covered =
            there.iter().fold(needed.start, |end, bytes| if bytes.start <= end { end.max(bytes.end) } else { end });
        if covered >= needed.end || !column.sure && !there.is_empty() {
            continue;
        }
        if !missing.is_empty() {
            missing.push_str(", ");
        }
        missing.push_str(&name.value);
        if part.is_some() || !there.is_empty() {
            missing.push_str(&format!("[{}..{}]", needed.start, needed.end));
        }
        at = at.or(Some(name.span));
    }
    Some(Shared { span, missing, at: at? })
}

/// Header fields that this side must fill; tells each that it leaves empty, once.
pub(crate) fn filled(scene: &Scene<'_>, names: &[&Name], asker: bool, out: &mut Vec<Diagnostic>) -> bool {
    let mut empty: Vec<&str> = Vec::new();
    for name in names {
        let Some(column) = scene.header.iter().find(|column| *column.field.path == *name.value) else { continue };
        let by = if asker { column.field.by.asker } else { column.field.by.answerer };
        if by || column.field.fill == Fill::Stamped || column.is_lost() || empty.contains(&name.value.as_str()) {
            continue;
        }
        empty.push(&name.value);
        let side = if asker { "asker" } else { "answerer" };
        out.push(
            error(
                mistake::EMPTY_FIELD,
                name.span,
                "always empty",
                format!("Field `{}` is not filled by the {side}", name.value),
            )
            .help(format!("say `by {side}` on the field, or take another one"))
            .related(column.written.name.span, "described here"),
        );
    }
    empty.is_empty()
}

/// What the gateway goes by cannot be what it computes when it has gone by it.
pub(crate) fn needed_before(scene: &Scene<'_>, out: &mut Vec<Diagnostic>) {
    let written = scene.written;
    let names = fields(&written.key).chain(fields(&written.trace));
    let names = names.chain(&written.participant).chain(&written.compartment);
    let names = names.chain(written.number.iter().flat_map(|number| fields(&number.scope)));
    let names = names.chain(written.verdict.iter().map(|verdict| &verdict.field));
    let mut told: Vec<&str> = Vec::new();
    for name in names.chain(written.opening.iter().flat_map(|opening| &opening.per)) {
        let Some(column) = scene.header.iter().find(|column| *column.field.path == *name.value) else { continue };
        let Some(computed) = column.written.computed.as_ref().filter(|one| !one.value.is_given()) else { continue };
        if told.contains(&name.value.as_str()) {
            continue;
        }
        told.push(&name.value);
        out.push(
            error(
                mistake::NEEDED_BEFORE,
                name.span,
                "is computed",
                format!("Field `{}` is computed when all else is written, and is needed before", name.value),
            )
            .help("take a field that one of the two sides fills; a computed one only says of others what they say themselves")
            .related(computed.span, "computed here"),
        );
    }
}

/// A field of a request of the gateway's own for which it has no value: neither stamped (but for those that are `given`) nor constant,
/// nor one of the known.
pub(crate) fn unfilled<'c, 's>(
    scene: &Scene<'s>,
    request: &'c Draft<'s>,
    given: &[Name],
    known: &[&Name],
) -> Option<&'c Column<'s>> {
    let written = scene.written;
    request.columns.iter().find(|column| {
        let field = &column.field;
        let ours = written.party.iter().chain(&written.participant).any(|name| *field.path == *name.value);
        let known = ours || known.iter().any(|name| *field.path == *name.value);
        let is_given = given.iter().any(|name| *field.path == *name.value);
        let asked = field.by.asker && !field.by.optional && field.fill == Fill::Given;
        // What moves needs a count or key, and nobody gives one.
        (asked || is_given || column.moves) && !column.is_lost() && !known
    })
}

pub(crate) fn opening(scene: &Scene<'_>, written: &written::Opening, out: &mut Vec<Diagnostic>) -> Option<OpeningRule> {
    let place = scene.written.seen.find("opening").unwrap_or(scene.written.name.span);
    let needed = [
        ("exchange", "the exchange that opens, such as `exchange open`"),
        ("retry", "how long after a failed try the next is made, such as `retry 1m`"),
        ("lost", "the codes that say that business is not open, such as `lost class not_open`"),
    ];
    for (clause, help) in needed {
        if !written.seen.has(clause) {
            out.push(not_said(place, clause, help));
        }
    }
    let protocol = scene.written;
    let mut per = scene.whole(&written.per, out);
    let in_header = |name: &Name| scene.header.iter().any(|column| *column.field.path == *name.value);
    let known = protocol.party.iter().chain(&protocol.participant).all(in_header)
        && (protocol.participant.is_some() || !protocol.seen.has("participant"))
        && (!protocol.party.is_empty() || !protocol.seen.has("party"));
    for name in written.per.iter().filter(|_| known) {
        let who = protocol.party.iter().chain(&protocol.participant).any(|known| known.value == name.value);
        if !who && in_header(name) {
            out.push(
                error(
                    mistake::BAD_OPENING,
                    name.span,
                    "neither party nor participant",
                    format!("`{}` does not say who opens, nor with whom", name.value),
                )
                .help("an opening is one of ours with one of them: fields of `party` and `participant`"),
            );
            per = None;
        }
    }
    if let Some(lost) = written.lost.as_ref().filter(|lost| matches!(lost.value, Verdict::Success | Verdict::Unknown)) {
        out.push(
            error(
                mistake::BAD_OPENING,
                lost.span,
                "not a refusal",
                format!("Codes of class {} close nothing", lost.value),
            )
            .help("say `lost class not_open`"),
        );
        return None;
    }
    let (id, exchange) = exchange::find(scene, written.exchange.as_ref()?, out)?;
    if let Some(effect) = exchange.effect.as_ref().filter(|effect| effect.value != Effect::State) {
        out.push(
            error(
                mistake::BAD_OPENING,
                effect.span,
                "not a state",
                format!("`{}` opens business, so that its effect is a state", exchange.name.value),
            )
            .help("say `effect state`")
            .related(place, "opened here"),
        );
        return None;
    }
    let request = exchange::original(scene, exchange)?;
    if let Some(column) = unfilled(scene, request, &[], &[]) {
        out.push(
            error(
                mistake::UNFILLED,
                column.written.name.span,
                "filled with what?",
                format!("The gateway opens by itself, and has no value for field `{}`", column.field.path),
            )
            .help("give the field a default: `= value`")
            .related(place, "opened here"),
        );
        return None;
    }
    Some(OpeningRule {
        per: per?,
        exchange: id,
        from: written.from.or(protocol.day)?,
        retry: written.retry.as_ref()?.value,
        lost: written.lost.as_ref()?.value,
    })
}

pub(crate) fn poll(scene: &Scene<'_>, written: &written::Poll, out: &mut Vec<Diagnostic>) -> Option<PollRule> {
    let place = scene.written.seen.find("poll").unwrap_or(scene.written.name.span);
    let needed = [
        ("request", "the telegram that asks, such as `request poll_request`"),
        ("answer", "the telegram that answers, such as `answer poll_answer`"),
        ("timeout", "how long the answer may take, such as `timeout 10s`"),
    ];
    for (clause, help) in needed {
        if !written.seen.has(clause) {
            out.push(not_said(place, clause, help));
        }
    }
    if let (Some(after), Some(timeout)) = (&written.after, &written.timeout)
        && timeout.value >= after.value
    {
        let message = "A poll may take as long as the silence that it follows".into();
        out.push(
            exchange::times(timeout.span, "too long", message, "the answer must be due before the next poll")
                .related(after.span, "asked after so long"),
        );
    }
    let request = written.request.as_ref().and_then(|name| scene.telegram(name, out));
    let answer = written.answer.as_ref().and_then(|name| scene.telegram(name, out));
    let ((request_id, request), (answer_id, answer)) = request.zip(answer)?;
    let request_bytes = bytes(request, true, out);
    let answer_bytes = bytes(answer, false, out);
    let stamps = request.columns.iter().filter(|column| column.field.fill == Fill::Stamped);
    let stamps = stamps.filter_map(|column| match &column.field.kind {
        Kind::Stamp(pattern) => {
            Some(StampRule { at: column.field.at, pattern: pattern.clone(), charset: column.field.charset.encode })
        }
        _ => None,
    });
    let echo = echo(request, answer, out);
    let (request_bytes, answer_bytes) = (request_bytes?, answer_bytes?);
    if let Some(select) = scene.selection.compiled() {
        for (bytes, id, draft) in [(&request_bytes, request_id, request), (&answer_bytes, answer_id, answer)] {
            if !select.rows.iter().any(|row| row.telegram == id && row.matches(bytes)) {
                out.push(
                    error(
                        mistake::BAD_POLL,
                        draft.name().span,
                        "not known by its row",
                        format!("The row of `select` does not match what `{}` is made of", draft.name().value),
                    )
                    .help("its constants and the row's `bytes` say different things"),
                );
                return None;
            }
        }
    }
    Some(PollRule {
        after: written.after.as_ref()?.value,
        timeout: written.timeout.as_ref()?.value,
        request: request_bytes.into(),
        request_telegram: request_id,
        stamps: stamps.collect(),
        answer: answer_bytes.into(),
        answer_telegram: answer_id,
        echo: echo?,
    })
}

/// What a poll telegram is made of: constants, and what its stamps and echoes will overwrite.
fn bytes(draft: &Draft<'_>, asks: bool, out: &mut Vec<Diagnostic>) -> Option<Vec<u8>> {
    let mut bytes = vec![b' '; usize::try_from(*draft.len()?.end()).ok()?];
    let mut good = true;
    for column in &draft.columns {
        if column.moves {
            out.push(made_of(column, asks));
            return None;
        }
        let field = &column.field;
        let unset = vec![field.unset_byte(); field.at.range().len()];
        let fill: &[u8] = match &field.fill {
            Fill::Const(bytes) | Fill::Default(bytes) => bytes,
            Fill::Stamped if asks => &unset,
            Fill::Given if !asks && field.echo == Echo::Always => &unset,
            Fill::Given if field.kind == Kind::Filler || !(if asks { field.by.asker } else { field.by.answerer }) => {
                &unset
            }
            _ if column.is_lost() => {
                good = false;
                continue;
            }
            _ => {
                good = false;
                out.push(made_of(column, asks));
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
    let help = if asks {
        "a poll is sent by the gateway alone: say `const`, or `at send` for a date or time"
    } else {
        "a poll is answered by the gateway alone: say `const`, or `echo` for what the request held"
    };
    let message = format!("Nothing says what field `{}` of the poll holds", column.field.path);
    error(mistake::BAD_POLL, column.written.name.span, "filled with what?", message).help(help)
}

/// Bytes that the answer to a poll or a sign-on carries back: at the same place in both.
pub(crate) fn echo(request: &Draft<'_>, answer: &Draft<'_>, out: &mut Vec<Diagnostic>) -> Option<Vec<Slice>> {
    let mut all = Vec::new();
    for column in answer.columns.iter().filter(|column| column.field.echo == Echo::Always) {
        let same = request.columns.iter().find(|from| from.field.path == column.field.path);
        let from = same.or_else(|| request.find(&column.written.name, out));
        all.push(from.filter(|from| from.sure && column.sure).and_then(|from| {
            if from.field.at != column.field.at {
                out.push(
                    error(
                        mistake::DIFFERENT_FIELDS,
                        column.written.name.span,
                        format!("bytes {}..{}", column.field.at.range().start, column.field.at.range().end),
                        format!("Field `{}` is not at the same bytes in both telegrams", column.field.path),
                    )
                    .help("what is carried back stands at the same place")
                    .related(from.written.name.span, "in the request"),
                );
                return None;
            }
            Some(column.field.at)
        }));
    }
    all.into_iter().collect()
}

/// `at send` in any telegram but the request of the poll, and those of signing on and off.
pub(crate) fn stray_stamps(scene: &Scene<'_>, out: &mut Vec<Diagnostic>) {
    let poll = scene.written.poll.as_ref().and_then(|poll| poll.request.as_ref());
    let known = poll.is_some_and(|name| scene.drafts.iter().any(|draft| draft.name().value == name.value));
    if scene.written.seen.has("poll") && !known {
        return;
    }
    let signs = super::sign::telegrams(scene);
    let signs: Vec<&str> = scene
        .drafts
        .iter()
        .enumerate()
        .filter(|(at, _)| signs.iter().any(|id| usize::from(id.0) == *at))
        .map(|(_, draft)| draft.name().value.as_str())
        .collect();
    let header = scene.written.members.headers.iter();
    for telegram in header.chain(&scene.written.members.telegrams) {
        if poll.is_some_and(|name| name.value == telegram.name.value) || signs.contains(&telegram.name.value.as_str()) {
            continue;
        }
        at_send(
            telegram,
            "a header field is written when its telegram leaves the queue: `stamp send_date send_time at queue`",
            out,
        );
    }
}

/// Tells each `at send` of a telegram.
pub(crate) fn at_send(telegram: &written::Telegram, help: &str, out: &mut Vec<Diagnostic>) {
    for field in telegram.fields() {
        let is_stamp = field.kind.as_ref().is_some_and(|kind| matches!(kind.value, written::Kind::Stamp(_)));
        let Some(span) = field.seen.find("at").filter(|_| is_stamp) else { continue };
        let message = format!("Only polls and sign-ons are written at sending, not `{}`", telegram.name.value);
        out.push(error(mistake::MISPLACED, span, "not here", message).help(help));
    }
}
