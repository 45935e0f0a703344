//! One protocol, from its clauses to its rules.

use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use pabal_clock::DayRule;
use pabal_telegram::{Charset, CharsetPair, Class, FieldId, Layout, LayoutError, Slice, Unset};

use crate::catalog::{Catalog, TelegramId};
use crate::check::layout::{self, Column, Draft, Ground};
use crate::check::select::{self, Selection};
use crate::check::{
    computed, conversation, exchange, frame, hours, not_said, notice, shown, sign, table, text, unique,
};
use crate::diagnostic::{Diagnostic, Severity, Source};
use crate::institution::{Digest, Protocol};
use crate::mistake::{self, error};
use crate::rules::Rules;
use crate::verdict::VerdictTable;
use crate::written::{self, Members, Name, Place, fields};

/// The most telegrams, exchanges, notices, or fields of one telegram.
const COUNT_MAX: usize = 10_000;

/// Everything of a protocol that its parts are checked against.
pub(crate) struct Scene<'s> {
    pub(crate) written: &'s written::Protocol,
    /// Columns of the header, and whether all of its lines could be read.
    pub(crate) header: Vec<Column<'s>>,
    pub(crate) header_is_whole: bool,
    pub(crate) drafts: Vec<Draft<'s>>,
    pub(crate) selection: Selection,
    pub(crate) verdicts: VerdictTable,
}

impl<'s> Scene<'s> {
    /// A field of the header; tells if there is none.
    pub(crate) fn header_field(&self, name: &Name, out: &mut Vec<Diagnostic>) -> Option<&Column<'s>> {
        layout::find(&self.header, name, "the header", self.header_is_whole, out)
    }

    /// Where header fields are, or parts of them.
    pub(crate) fn places(&self, places: &[Place], out: &mut Vec<Diagnostic>) -> Option<Vec<Slice>> {
        let places: Vec<Option<Slice>> = places
            .iter()
            .map(|place| self.header_field(&place.field, out).and_then(|column| layout::place(column, place, out)))
            .collect();
        places.into_iter().collect()
    }

    /// Places of header fields.
    pub(crate) fn whole(&self, names: &[Name], out: &mut Vec<Diagnostic>) -> Option<Vec<Slice>> {
        let places: Vec<Option<Slice>> =
            names.iter().map(|name| self.header_field(name, out).map(|column| column.field.at)).collect();
        places.into_iter().collect()
    }

    /// A header field with its place.
    pub(crate) fn named_place(
        &self,
        name: &Name,
        out: &mut Vec<Diagnostic>,
    ) -> Option<(alloc::boxed::Box<str>, Slice)> {
        let column = self.header_field(name, out)?;
        Some((column.field.path.clone(), column.field.at))
    }

    /// A telegram by its name; tells if there is none.
    pub(crate) fn telegram(&self, name: &Name, out: &mut Vec<Diagnostic>) -> Option<(TelegramId, &Draft<'s>)> {
        telegram(&self.drafts, name, out)
    }

    pub(crate) fn response_code(&self) -> Option<&Column<'s>> {
        let name = &self.written.verdict.as_ref()?.field.value;
        self.header.iter().find(|column| *column.field.path == **name)
    }
}

/// A telegram by its name; tells if there is none.
pub(crate) fn telegram<'d, 's>(
    drafts: &'d [Draft<'s>],
    name: &Name,
    out: &mut Vec<Diagnostic>,
) -> Option<(TelegramId, &'d Draft<'s>)> {
    let Some(at) = drafts.iter().position(|draft| draft.name().value == name.value) else {
        let help = crate::check::meant(&name.value, drafts.iter().map(|draft| draft.name()));
        out.push(
            error(
                mistake::UNKNOWN_TELEGRAM,
                name.span,
                "not a telegram",
                format!("There is no telegram `{}`", name.value),
            )
            .help_if(help),
        );
        return None;
    };
    Some((TelegramId(u16::try_from(at).ok()?), drafts.get(at)?))
}

/// The protocol, if nothing that it needs is missing.
pub(crate) fn check(
    written: &written::Protocol,
    institution: &str,
    digest: Digest,
    sources: &[Source],
    out: &mut Vec<Diagnostic>,
) -> Option<Protocol> {
    demand(written, out);
    names(written, out);
    let ground = Ground {
        // Where these are missing, that was told, and no layout comes of it.
        charset: CharsetPair {
            encode: written.encode.unwrap_or(Charset::Cp949),
            decode: written.decode.unwrap_or(Charset::Cp949),
        },
        unset_number: written.unset_number.unwrap_or(Unset::Zero),
        unset_text: written.unset_text.unwrap_or(Unset::Space),
        stamped: stamped(written),
        stamped_is_whole: written.select.is_some()
            && written.number.is_some()
            && (!written.seen.has("stamp") || !written.stamp.is_empty())
            && (!written.seen.has("party") || !written.party.is_empty()),
    };
    if let (Some(_), Some(_), Some(span)) = (written.encode, written.decode, written.seen.find("charset")) {
        text::pair(ground.charset, span, out);
    }
    let header_written = written.members.headers.first();
    let (header, header_is_whole) = layout::header(header_written, &ground, out);
    let mut drafts: Vec<Draft<'_>> = Vec::new();
    for telegram in &written.members.telegrams {
        drafts.push(layout::draft(telegram, header_written, &header, header_is_whole, &ground, out));
    }
    relate(&written.members, &mut drafts, out);
    let selection = select::check(written, &header, header_is_whole, &drafts, ground.charset.encode, out);
    let verdicts = table::check(written, &header, sources, out);
    let mut scene = Scene { written, header, header_is_whole, drafts, selection, verdicts: VerdictTable::default() };
    let listed = verdicts.is_some();
    scene.verdicts = verdicts.unwrap_or_default();

    let rules = rules(&scene, listed, out);
    let layouts: Vec<_> = scene.drafts.iter().map(|draft| layout(draft, out).map(Arc::new)).collect();
    for draft in &scene.drafts {
        hidden(draft, out);
    }
    let select = scene.selection.compiled();
    let framing = frame::check(written.frame.as_ref()?, &scene.drafts, select.as_ref(), out);
    let select = select?;
    Some(Protocol {
        institution: institution.into(),
        name: written.name.value.as_str().into(),
        digest,
        from: None,
        framing: framing?,
        day: DayRule { zone: written.zone?, changes: written.day? },
        catalog: Catalog { layouts: layouts.into_iter().collect::<Option<_>>()?, select },
        rules: Rules { verdicts: scene.verdicts, ..rules? },
    })
}

/// What is never stored is taken out by its place, as a telegram comes or goes.
fn hidden(draft: &Draft<'_>, out: &mut Vec<Diagnostic>) {
    for column in draft.columns.iter().filter(|column| column.moves && column.field.class == Class::Secret) {
        let Some(class) = &column.written.class else { continue };
        let message = format!("Field `{}` is secret, and moves", column.field.path);
        out.push(
            error(mistake::MOVES, class.span, "has no fixed place", message).help(
                "the journal takes secrets out by their places; below `layouts`, which stores nothing, it may move",
            ),
        );
    }
}

/// The layout; what `pabal-telegram` refuses, and nothing has told yet, is told.
pub(crate) fn layout(draft: &Draft<'_>, out: &mut Vec<Diagnostic>) -> Option<Layout> {
    let refused = match draft.layout() {
        Ok(layout) => return Some(layout),
        Err(refused) => refused,
    };
    let id = match refused {
        LayoutError::Fill { field, .. } | LayoutError::Computed { field } => field,
        _ => FieldId(0),
    };
    let field = draft.columns.get(id.index()).map(|column| column.written);
    if let (LayoutError::Computed { .. }, Some(field)) = (&refused, field)
        && out.iter().all(|told| told.severity == Severity::Warning)
    {
        let span = field.computed.as_ref().map_or(field.name.span, |computed| computed.span);
        let message = format!("Field `{}` cannot be computed before what is computed from it", field.name.value);
        out.push(error(mistake::MADE_OF_ITSELF, span, "a circle", message).help(
            "leave one of them out of what the other is made of; where two checksums cover each other, the document means something else",
        ));
        return None;
    }
    let text = field.and_then(|field| field.constant.as_ref().or(field.default.as_ref()));
    if out.iter().all(|told| told.severity == Severity::Warning) {
        let span = text.unwrap_or(draft.name()).span;
        out.push(
            error(
                mistake::BAD_CONSTANT,
                span,
                "cannot be",
                format!("Telegram `{}` cannot be made: {refused}", draft.name().value),
            )
            .help("compare it with the document"),
        );
    }
    None
}

fn rules(scene: &Scene<'_>, listed: bool, out: &mut Vec<Diagnostic>) -> Option<Rules> {
    let written = scene.written;
    let party: Vec<_> = written.party.iter().map(|name| scene.named_place(name, out)).collect();
    let participant = written.participant.as_ref().map(|name| scene.named_place(name, out));
    let compartment = written.compartment.as_ref().map(|name| scene.named_place(name, out));
    let asked = written.participant.iter().chain(&written.compartment).chain(&written.party);
    let asked = asked.chain(fields(&written.key));
    let asked: Vec<&Name> = asked.chain(written.number.iter().flat_map(|number| fields(&number.scope))).collect();
    let filled = conversation::filled(scene, &asked, true, out);
    let code: Vec<&Name> = written.verdict.iter().map(|verdict| &verdict.field).collect();
    let filled = conversation::filled(scene, &code, false, out) && filled;
    let stamps = conversation::stamps(scene, out);
    let number = conversation::number(scene, out);
    let key = conversation::key(scene, out);
    let trace = conversation::trace(scene, out);
    conversation::stray_stamps(scene, out);
    conversation::needed_before(scene, out);
    shown::check(scene, out);
    let poll = written.poll.as_ref().map(|poll| conversation::poll(scene, poll, out));
    let (sign_on, sign_off) = sign::check(scene, out);
    sign::keyless(scene, out);
    let exchanges = exchange::check(scene, out);
    let notices = notice::check(scene, out);
    exchange::meanings(scene, out);
    let opening = written.opening.as_ref().map(|opening| conversation::opening(scene, opening, out));
    let hours = hours::check(scene, out);
    let response_code = scene.response_code().map(|column| column.field.at);
    if !(listed && filled) {
        return None;
    }
    Some(Rules {
        header: scene.header.last().map_or(0, |column| column.field.at.offset + column.field.at.len),
        party: party.into_iter().collect::<Option<_>>()?,
        participant: all(participant)?,
        compartment: all(compartment)?,
        stamps: stamps?,
        number: number?,
        key: key?,
        trace: trace?,
        poll: all(poll)?,
        sign_on: sign_on?,
        sign_off: sign_off?,
        opening: all(opening)?,
        hours: hours?,
        response_code: response_code?,
        // Long; it moves there when all is checked.
        verdicts: VerdictTable::default(),
        exchanges: exchanges?,
        notices: notices?,
    })
}

/// `None` only if it is said, but wrong.
fn all<T>(said: Option<Option<T>>) -> Option<Option<T>> {
    match said {
        None => Some(None),
        Some(None) => None,
        Some(some) => Some(some),
    }
}

/// Clauses without which a protocol cannot be.
fn demand(written: &written::Protocol, out: &mut Vec<Diagnostic>) {
    let needed = [
        ("zone", "the institution's clock, such as `zone +09:00`"),
        ("day", "when its business date changes, such as `day changes 00:00`"),
        ("charset", "what we write and what we accept, such as `charset encode euc-kr decode cp949`"),
        ("frame", "how the stream is cut, such as `frame length ascii(4) exclusive max 4096`"),
        ("unset", "what fills fields that are left out, such as `unset 9 zero X space`"),
        ("number", "how telegrams are numbered, such as `number telegram_no per send_date 1..999999`"),
        (
            "trace",
            "the fields under which a caller's trace is kept: stamped time and number, which the answer carries back",
        ),
        ("key", "the fields that tell which request an answer belongs to, or `key none` where there are none"),
        ("select", "how telegrams are told apart: a block with a row for each"),
        ("verdict", "where the response code is and what it says: `verdict response_code from codes.csv`"),
    ];
    for (clause, help) in needed {
        if !written.seen.has(clause) {
            out.push(not_said(written.name.span, clause, help));
        }
    }
    countable(&written.name, &written.members, out);
    match written.members.headers.as_slice() {
        [] => out.push(not_said(
            written.name.span,
            "header",
            "the fields that begin every telegram: a block `header name 100 { .. }` below the protocol",
        )),
        [first, more @ ..] => {
            for header in more {
                out.push(
                    error(
                        mistake::TWICE_SAID,
                        header.name.span,
                        "the second header",
                        format!("Protocol `{}` has two headers", written.name.value),
                    )
                    .help("the fields of the key are at the same place in every telegram: a protocol has one header")
                    .related(first.name.span, "the first"),
                );
            }
        }
    }
}

/// Tells more than can be counted.
pub(crate) fn countable(name: &Name, members: &Members, out: &mut Vec<Diagnostic>) {
    for (count, what) in [
        (members.telegrams.len(), "telegrams"),
        (members.exchanges.len(), "exchanges"),
        (members.notices.len(), "notices"),
        (members.headers.iter().chain(&members.telegrams).map(|all| all.fields().len()).max().unwrap_or(0), "fields"),
    ] {
        if count > COUNT_MAX {
            let message = format!("There are {count} {what}, more than {COUNT_MAX}");
            out.push(
                error(mistake::TOO_MANY, name.span, "too many", message).help("describe them in several protocols"),
            );
        }
    }
}

/// Names that are used twice.
fn names(written: &written::Protocol, out: &mut Vec<Diagnostic>) {
    let members = &written.members;
    unique("set", 0, members.sets.iter().map(|set| &set.name), out);
    unique("telegram", 0, members.telegrams.iter().map(|telegram| &telegram.name), out);
    unique("exchange", 0, members.exchanges.iter().map(|exchange| &exchange.name), out);
    let exchanges = members.exchanges.iter().map(|exchange| &exchange.name);
    let notices = members.notices.iter().map(|notice| &notice.name);
    unique("notice or exchange", members.exchanges.len(), exchanges.chain(notices), out);
}

/// Header fields that the gateway writes: stamps, the number, what tells the type, and who we are.
fn stamped(written: &written::Protocol) -> Vec<&str> {
    let select = written.select.iter().flat_map(|select| &select.by);
    let number = written.number.iter().map(|number| &number.field);
    let all = written.stamp.iter().chain(number).chain(select).chain(&written.party);
    all.map(|name| name.value.as_str()).collect()
}

/// What is said of fields by the names of others.
pub(crate) fn relate(members: &Members, drafts: &mut [Draft<'_>], out: &mut Vec<Diagnostic>) {
    for draft in drafts {
        computed::settle(draft, out);
        text::wide(members, draft, out);
    }
}

pub(crate) fn set<'s>(members: &'s Members, name: &Name, out: &mut Vec<Diagnostic>) -> Option<&'s written::Set> {
    let sets = &members.sets;
    let found = sets.iter().find(|set| set.name.value == name.value);
    if found.is_none() {
        let help: Option<String> =
            crate::parse::did_you_mean(&name.value, sets.iter().map(|set| set.name.value.as_str()));
        let help = help.unwrap_or_else(|| format!("define it: `set {} \"004\" \"088\"`", name.value));
        out.push(
            error(mistake::UNKNOWN_SET, name.span, "not a set", format!("There is no set `{}`", name.value)).help(help),
        );
    }
    found
}
