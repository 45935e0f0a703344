//! Headers and telegrams: fields at their places.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::ToString;
use alloc::vec::Vec;
use core::ops::RangeInclusive;

use pabal_telegram::{
    By, CharsetPair, Class, Echo, Field, Fill, Kind, Layout, LayoutError, Node, Slice, TextRule, Unset, Value,
};

use crate::check::shape::{self, Extent, Shaper};
use crate::check::text;
use crate::check::{date, number};
use crate::diagnostic::Diagnostic;
use crate::mistake::{self, error};
use crate::parse::did_you_mean;
use crate::written::{self, Name, Place};

/// What the protocol says of all fields.
pub(crate) struct Ground<'s> {
    pub(crate) charset: CharsetPair,
    pub(crate) unset_number: Unset,
    pub(crate) unset_text: Unset,
    /// Header fields that the gateway writes.
    pub(crate) stamped: Vec<&'s str>,
    /// Which ones these are could be read.
    pub(crate) stamped_is_whole: bool,
}

/// A field as it is written and as it will be, for as long as its telegram is not known to be right.
pub(crate) struct Column<'s> {
    pub(crate) written: &'s written::Field,
    pub(crate) field: Field,
    /// Its kind could be read and its telegram's total is right, so that its length is meant.
    pub(crate) sure: bool,
    /// It has no place that is the same in every telegram.
    pub(crate) moves: bool,
    /// The body in which it stands, of those that are there sometimes or several times; 0 for none.
    pub(crate) body: u32,
    /// The first column of the run in which it lies: offsets are from where that begins.
    pub(crate) run: usize,
    /// It is there in every occurrence of the innermost repeat that it stands in, and under no condition in it.
    pub(crate) each: bool,
}

impl Column<'_> {
    /// What is written of it could not be used, and that was told.
    pub(crate) fn is_lost(&self) -> bool {
        let valued = self.written.constant.is_some() || self.written.default.is_some();
        self.written.broken || !self.sure || (valued && self.field.fill == Fill::Given)
    }

    /// The field holds something that this side has put there.
    pub(crate) fn is_filled(&self, asker: bool) -> bool {
        let by = if asker { self.field.by.asker } else { self.field.by.answerer || self.field.echo == Echo::Always };
        by || self.field.fill == Fill::Stamped
    }
}

/// A telegram on its way to a layout.
pub(crate) struct Draft<'s> {
    pub(crate) written: &'s written::Telegram,
    pub(crate) columns: Vec<Column<'s>>,
    /// What they are the leaves of.
    pub(crate) root: Vec<Node>,
    /// It has the protocol's header.
    pub(crate) headed: bool,
    /// Every line could be read: a field that is not here is nowhere.
    pub(crate) whole: bool,
}

impl<'s> Draft<'s> {
    pub(crate) fn name(&self) -> &'s Name {
        &self.written.name
    }

    /// A field by its name; tells if there is none.
    pub(crate) fn find(&self, name: &Name, out: &mut Vec<Diagnostic>) -> Option<&Column<'s>> {
        let place = format!("telegram `{}`", self.written.name.value);
        find(&self.columns, name, &place, self.whole, out)
    }

    /// In bytes, as its total says: at least and at most.
    pub(crate) fn len(&self) -> Option<RangeInclusive<u32>> {
        self.written.total.as_ref().map(|total| total.value.clone())
    }

    /// The layout, if nothing is wrong.
    pub(crate) fn layout(&self) -> Result<Layout, LayoutError> {
        self.given(&[])
    }

    /// The same, but that the asker fills these fields, and not the gateway.
    pub(crate) fn given(&self, given: &[Name]) -> Result<Layout, LayoutError> {
        let name = &self.written.name.value;
        let label = self.written.label.as_ref().map_or(name.as_str(), |label| &label.value);
        let fields = self.columns.iter().map(|column| {
            let mut field = column.field.clone();
            if given.iter().any(|name| *field.path == *name.value) {
                field.fill = Fill::Given;
                field.by = By { asker: true, optional: false, ..field.by };
            }
            field
        });
        Layout::tree(name, label, self.len().unwrap_or(0..=0), fields.collect(), self.root.clone())
    }
}

/// A column by its name; tells if there is none, unless lines are missing.
pub(crate) fn find<'c, 's>(
    columns: &'c [Column<'s>],
    name: &Name,
    place: &str,
    whole: bool,
    out: &mut Vec<Diagnostic>,
) -> Option<&'c Column<'s>> {
    let found = columns.iter().find(|column| *column.field.path == *name.value);
    if found.is_none() && whole {
        let help = did_you_mean(&name.value, columns.iter().map(|column| &*column.field.path));
        out.push(
            error(
                mistake::UNKNOWN_FIELD,
                name.span,
                "not a field",
                format!("There is no field `{}` in {place}", name.value),
            )
            .help_if(help),
        );
    }
    if let Some(column) = found.filter(|column| column.moves) {
        out.push(
            error(
                mistake::MOVES,
                name.span,
                "has no fixed place",
                format!("Field `{}` of {place} moves, and is needed at a place that is always the same", name.value),
            )
            .help("only fields before the first repeat, choice or condition have one")
            .related(column.written.name.span, "stands here"),
        );
        return None;
    }
    found
}

/// A field's bytes, or the part of them that is named; tells one that the field does not have.
pub(crate) fn place(column: &Column<'_>, place: &Place, out: &mut Vec<Diagnostic>) -> Option<Slice> {
    let at = column.field.at;
    let Some(bytes) = &place.bytes else { return Some(at) };
    if bytes.value.end <= at.len {
        return Some(Slice { offset: at.offset + bytes.value.start, len: bytes.value.end - bytes.value.start });
    }
    if column.sure {
        let (name, range) = (&place.field.value, &bytes.value);
        let message = format!("Field `{name}` has {} bytes, and none at {}..{}", at.len, range.start, range.end);
        out.push(
            error(mistake::BAD_PART, bytes.span, crate::show::kind(&column.field), message)
                .help(format!("bytes count from 0 and the last is not included: `[0..{}]` is the whole field", at.len))
                .related(column.written.name.span, "described here"),
        );
    }
    None
}

/// The header's columns, and whether all of its lines could be read.
pub(crate) fn header<'s>(
    written: Option<&'s written::Telegram>,
    ground: &Ground<'_>,
    out: &mut Vec<Diagnostic>,
) -> (Vec<Column<'s>>, bool) {
    let Some(written) = written else { return (Vec::new(), false) };
    let mut shaper = Shaper::new(ground, true, Vec::new(), out);
    shaper.root(written);
    let (mut columns, extent, sound) = (shaper.columns, shaper.extent, shaper.sound);
    shape::names(&written.parts, &[], out);
    if sound {
        total(written, &mut columns, extent, "header", out);
    }
    (columns, sound && !written.broken)
}

/// A telegram's columns, those of its header first.
pub(crate) fn draft<'s>(
    written: &'s written::Telegram,
    header: Option<&'s written::Telegram>,
    head: &[Column<'s>],
    whole: bool,
    ground: &Ground<'_>,
    out: &mut Vec<Diagnostic>,
) -> Draft<'s> {
    let mut draft = Draft { written, columns: Vec::new(), root: Vec::new(), headed: false, whole: !written.broken };
    match (&written.header, header) {
        (Some(name), Some(header)) if header.name.value == name.value => {
            draft.headed = true;
            draft.whole &= whole;
            draft.columns.extend(head.iter().map(|c| Column {
                written: c.written,
                field: c.field.clone(),
                sure: c.sure,
                moves: c.moves,
                body: c.body,
                run: c.run,
                each: c.each,
            }));
        }
        (Some(name), header) => {
            draft.headed = true;
            draft.whole = false;
            let help = header.and_then(|header| did_you_mean(&name.value, [header.name.value.as_str()]));
            out.push(
                error(
                    mistake::UNKNOWN_HEADER,
                    name.span,
                    "not a header",
                    format!("There is no header `{}`", name.value),
                )
                .help_if(help),
            );
        }
        (None, _) => {}
    }
    let mut shaper = Shaper::new(ground, false, core::mem::take(&mut draft.columns), out);
    draft.root = shaper.root(written);
    let (columns, extent, sound) = (shaper.columns, shaper.extent, shaper.sound);
    draft.columns = columns;
    draft.whole &= sound;
    let mut known = Vec::new();
    shape::own(header.filter(|_| draft.headed).map_or(&[], |header| &header.parts), &mut known);
    shape::names(&written.parts, &known, out);
    if draft.whole {
        total(written, &mut draft.columns, extent, "telegram", out);
    }
    draft
}

/// Where it ends.
pub(crate) fn end(field: &Field) -> u32 {
    field.at.offset.saturating_add(field.at.len)
}

/// Compares the sum of the lengths with the total, and says where it went wrong. Then no length is sure any more.
fn total(
    written: &written::Telegram,
    columns: &mut [Column<'_>],
    found: Extent,
    what: &str,
    out: &mut Vec<Diagnostic>,
) {
    let Some(total) = &written.total else { return };
    if written.broken || columns.iter().any(|column| !column.sure) {
        return;
    }
    let said = Extent { min: *total.value.start(), max: *total.value.end() };
    if found == said {
        return;
    }
    let name = &written.name.value;
    let told = if found.min == found.max && said.min == said.max {
        let (sum, total_len) = (found.min, said.min);
        let message = format!("The fields of {what} `{name}` end at byte {sum}, but its total is {total_len}");
        let help = format!("{}; compare each length with the document", shape::difference(sum, total_len));
        let told = error(mistake::TOTAL, total.span, format!("says {total_len}"), message).help(help);
        if sum > total_len {
            let beyond = columns.iter().find(|column| !column.moves && end(&column.field) > total_len);
            match beyond {
                Some(column) => {
                    let text = format!("bytes {}..{}: beyond the total", column.field.at.offset, end(&column.field));
                    told.related(column.written.name.span, text)
                }
                None => told,
            }
        } else {
            match columns.last() {
                Some(column) => told.related(column.written.name.span, format!("the last field ends at byte {sum}")),
                None => told,
            }
        }
    } else {
        let shown = |extent: Extent| match extent.min == extent.max {
            true => format!("{}", extent.min),
            false => format!("{}..{}", extent.min, extent.max),
        };
        let message = format!(
            "The fields of {what} `{name}` are {} bytes at least and {} at most, but its total is {}",
            found.min,
            found.max,
            shown(said)
        );
        let ends = [("at least", found.min, said.min), ("at most", found.max, said.max)];
        let wrong = ends.iter().filter(|(_, sum, said)| sum != said);
        let wrong: Vec<_> = wrong.map(|(end, sum, said)| format!("{end} {}", shape::difference(*sum, *said))).collect();
        let help = format!("{}; compare each length with the document, or say {}", wrong.join(", "), shown(found));
        error(mistake::TOTAL, total.span, format!("says {}", shown(said)), message).help(help)
    };
    out.push(told);
    for column in columns {
        column.sure = false;
    }
}

/// A field at its place; its name has `prefix` before it.
pub(crate) fn column<'s>(
    written: &'s written::Field,
    prefix: &str,
    offset: u32,
    in_header: bool,
    ground: &Ground<'_>,
    out: &mut Vec<Diagnostic>,
) -> Column<'s> {
    let kind = kind(written, out);
    let len = written.kind.as_ref().map_or(1, |kind| kind.value.len());
    let numeric = !matches!(kind, Kind::Text | Kind::Lines { .. } | Kind::Filler);
    let is_filler = kind == Kind::Filler;
    let name = &written.name;
    if written.class.is_none() && !written.broken {
        out.push(
            error(mistake::NO_CLASS, name.span, "has no class", format!("Field `{}` has no class", name.value)).help(
                "say who may see it: `public`, `account`, `name`, `identity`, `phone` or `secret`; a filler is `public` \
                 only if nobody can put anything else there",
            ),
        );
    }
    let path = format!("{prefix}{}", name.value);
    let stamped = in_header && ground.stamped.contains(&path.as_str());
    let fills_itself = (in_header && !ground.stamped_is_whole)
        || stamped
        || written.seen.has("at")
        || written.computed.as_ref().is_some_and(|computed| !computed.value.is_given())
        || written.constant.is_some()
        || written.default.is_some();
    let by = match &written.by {
        Some(by) => by.value,
        None if is_filler => By { asker: false, answerer: false, optional: false },
        None => {
            if !fills_itself && !written.broken && !written.seen.has("=") && !written.seen.has("const") {
                out.push(
                    error(
                        mistake::NO_SIDE,
                        name.span,
                        "filled by whom?",
                        format!("It is not said who fills field `{}`", name.value),
                    )
                    .help("say `by asker`, `by answerer`, `by both` or `by none`; `?` behind it if it may be left out"),
                );
            }
            By { asker: true, answerer: true, optional: false }
        }
    };
    let mut field = Field {
        path: path.into(),
        label: written.label.as_ref().map_or(name.value.as_str(), |label| &label.value).into(),
        at: Slice { offset, len },
        kind,
        charset: text::charset(written, ground.charset, out),
        class: written.class.as_ref().map_or(Class::Secret, |class| class.value),
        by,
        fill: if stamped || written.seen.has("at") { Fill::Stamped } else { Fill::Given },
        unset: written.unset.unwrap_or(if numeric { ground.unset_number } else { ground.unset_text }),
        equal: written.equal,
        echo: written.echo,
        text: TextRule::default(),
    };
    misplaced(written, &field, stamped, out);
    field.text = text::rule(written, &field, out);
    field.equal.ebcdic = field.charset.decode.is_ebcdic();
    if field.fill == Fill::Given && !is_filler {
        if let Some(text) = &written.constant {
            field.fill = constant(&field, text, out).map_or(Fill::Given, Fill::Const);
        } else if let Some(text) = &written.default {
            field.fill = constant(&field, text, out).map_or(Fill::Given, Fill::Default);
        }
    }
    Column { written, field, sure: written.kind.is_some(), moves: false, body: 0, run: 0, each: true }
}

fn kind(written: &written::Field, out: &mut Vec<Diagnostic>) -> Kind {
    let Some(kind) = &written.kind else { return Kind::Text };
    match &kind.value {
        written::Kind::Text(_) | written::Kind::Tail { .. } | written::Kind::UpTo(_) => Kind::Text,
        written::Kind::Lines { each, .. } => Kind::Lines { each: *each },
        written::Kind::Code(_) => Kind::Code,
        written::Kind::Filler(_) => Kind::Filler,
        written::Kind::Number(digits) => Kind::Number(number::number(written, digits, kind.span, out)),
        written::Kind::Stamp(pattern) => Kind::Stamp(date::stamp(written, pattern, kind.span, out)),
    }
}

/// Properties that the field cannot have.
fn misplaced(written: &written::Field, field: &Field, stamped: bool, out: &mut Vec<Diagnostic>) {
    let mut tell = |clause: &str, why: &str, help: &str| {
        let span = written.seen.find(clause).unwrap_or(written.name.span);
        out.push(
            error(
                mistake::MISPLACED,
                span,
                "not here",
                format!("Field `{}` cannot have this: {why}", written.name.value),
            )
            .help(help),
        );
    };
    let is_stamp = matches!(field.kind, Kind::Stamp(_));
    let is_number = matches!(field.kind, Kind::Number { .. });
    if written.kind.is_none() {
        return;
    }
    if written.constant.is_some() && written.default.is_some() {
        tell(
            "=",
            "it has a constant",
            "keep `const` if nothing else may stand there, `=` if the caller may say otherwise",
        );
    } else if (written.constant.is_some() || written.default.is_some()) && (stamped || written.seen.has("at")) {
        let clause = if written.constant.is_some() { "const" } else { "=" };
        tell(
            clause,
            "the gateway writes the field",
            "remove the value; see `stamp`, `number`, `party` and `select by`",
        );
    } else if (written.constant.is_some() || written.default.is_some()) && field.kind == Kind::Filler {
        let clause = if written.constant.is_some() { "const" } else { "=" };
        tell(clause, "a filler has no value", "make it `X(n)` if it holds something");
    }
    if written.seen.has("at") && !is_stamp {
        tell("at", "it is neither date nor time", "only `date(..)` and `time(..)` are written at sending");
    }
    if written.seen.has("equal") && field.kind == Kind::Filler {
        tell("equal", "a filler is not compared", "make it `X(n)` if it holds something");
    }
    if written.seen.has("signed") && !is_number {
        tell("signed", "it is not a number", "the clause belongs to the amount, not to its sign");
    }
    if written.seen.has("year") && !is_stamp {
        tell("year", "it is no date", "only `date(..)` and `time(..)` have a year");
    }
    if written.seen.has("blank") && !is_number {
        tell("blank", "it is not a number", "of text, spaces are no text; of dates, they are no date");
    }
    if let Kind::Number(number) = field.kind {
        number::misplaced(written, number, field.charset, out);
    }
}

/// A value as the bytes of its field.
pub(crate) fn constant(field: &Field, text: &Name, out: &mut Vec<Diagnostic>) -> Option<Box<[u8]>> {
    let refused = match value(field, &text.value) {
        Some(value) => {
            let mut bytes = Vec::new();
            match field.encode(&value, &mut bytes) {
                Ok(()) => return Some(bytes.into()),
                Err(fault) => fault.rule.to_string(),
            }
        }
        None => "a number is written in digits".into(),
    };
    out.push(
        error(
            mistake::BAD_CONSTANT,
            text.span,
            "does not fit",
            format!("Field `{}` cannot hold {:?}: {refused}", field.path, text.value),
        )
        .help(format!(
            "the field is {} at bytes {}..{}",
            crate::show::kind(field),
            field.at.offset,
            end(field)
        )),
    );
    None
}

fn value(field: &Field, text: &str) -> Option<Value> {
    if !matches!(field.kind, Kind::Number { .. }) {
        return Some(Value::Text(text.into()));
    }
    text.parse().ok().map(Value::Number)
}
