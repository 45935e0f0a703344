//! What fields say of their telegram becomes what they are computed from, once all fields have their places.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use pabal_telegram::{
    Class, Computed, Echo, Field, FieldId, Fill, Form, Kind, Near, Node, Number, Sign, Slice, Span as Bytes,
};

use crate::check::layout::{Column, Draft};
use crate::diagnostic::{Diagnostic, Span};
use crate::mistake::{self, error};
use crate::parse::did_you_mean;
use crate::written::{self, Extent, Name};

/// Gives every field of a telegram what it is computed from. A header's mistakes are told once, not with every telegram.
pub(crate) fn settle(draft: &mut Draft<'_>, out: &mut Vec<Diagnostic>) {
    let mut told = Vec::new();
    for at in 0..draft.columns.len() {
        let Some(column) = draft.columns.get(at) else { break };
        let written = column.written;
        if let Some(sign) = &written.signed {
            signed(draft, at, sign, &mut told);
        }
        if let Some(computed) = &written.computed {
            let place = Place { draft, at, span: computed.span };
            if let Some(found) = place.computed(&computed.value, &mut told) {
                put(draft, at, found);
            }
        }
    }
    secrets(draft, &mut told);
    for diagnostic in told {
        if !out.iter().any(|before| before.code == diagnostic.code && before.at.span == diagnostic.at.span) {
            out.push(diagnostic);
        }
    }
}

/// A checksum over a secret of a few digits, and all the rest beside it, is as good as the secret.
fn secrets(draft: &Draft<'_>, out: &mut Vec<Diagnostic>) {
    for (at, column) in draft.columns.iter().enumerate() {
        if column.field.class == Class::Secret || column.written.class.is_none() {
            continue;
        }
        let source = sources(draft, at).find(|source| source.field.class == Class::Secret);
        let Some((source, class)) = source.zip(column.written.class.as_ref()) else { continue };
        let message = format!("Field `{}` is computed from a secret, and is none", column.field.path);
        out.push(
            error(mistake::TELLS_SECRET, class.span, "tells a secret", message)
                .help("make it `secret`, too: whoever has it and the rest of the telegram finds the secret again")
                .related(source.written.name.span, "the secret"),
        );
    }
}

/// The fields whose bytes a computed field is made of; of a length or a count, none.
fn sources<'d, 's>(draft: &'d Draft<'s>, at: usize) -> impl Iterator<Item = &'d Column<'s>> {
    let columns = &draft.columns;
    let own = columns.get(at);
    let beside = |from: &Column<'_>, near: Near, to: &Column<'_>| {
        from.run == to.run && from.field.at.offset.checked_add_signed(near.ahead) == Some(to.field.at.offset)
    };
    columns
        .iter()
        .enumerate()
        .filter(move |(other, column)| {
            let Some(own) = own else { return false };
            let Fill::Computed(computed) = &own.field.fill else { return false };
            let number = match column.field.kind {
                Kind::Number(number) => Some(number),
                _ => None,
            };
            match computed {
                Computed::Sign => number.and_then(|number| number.sign).is_some_and(|near| beside(column, near, own)),
                Computed::Fraction => {
                    number.and_then(|number| number.fraction).is_some_and(|near| beside(column, near, own))
                }
                Computed::Sum { of } => of.contains(&id(*other)),
                Computed::Checksum { of: Bytes::Fields { first, last }, .. } => {
                    (first.index()..=last.index()).contains(other)
                }
                Computed::CheckDigit { of, .. } => beside(own, *of, column),
                _ => false,
            }
        })
        .map(|(_, column)| column)
}

/// Writes down what was found; a number that has a part in another field says so itself.
fn put(draft: &mut Draft<'_>, at: usize, found: Found) {
    if let Some((number, near)) = found.fraction
        && let Some(column) = draft.columns.get_mut(number)
        && let Kind::Number(number) = &mut column.field.kind
    {
        number.fraction = Some(near);
    }
    if let Some(column) = draft.columns.get_mut(at) {
        column.field.fill = Fill::Computed(found.computed);
    }
}

fn signed(draft: &mut Draft<'_>, at: usize, sign: &Name, out: &mut Vec<Diagnostic>) {
    let place = Place { draft, at, span: sign.span };
    let Some(found) = place.sibling(sign, out) else { return };
    let Some(near) = place.beside(found, out).and_then(|()| place.near(found)) else { return };
    let (Some(column), Some(other)) = (draft.columns.get(at), draft.columns.get(found)) else { return };
    if other.field.kind != Kind::Text || other.field.at.len != 1 {
        out.push(
            error(
                mistake::DIFFERENT_FIELDS,
                sign.span,
                crate::show::kind(&other.field),
                format!("Field `{}` cannot hold a sign", other.field.path),
            )
            .help("a sign is one byte of text, `X(1)`: `+` or `-`"),
        );
        return;
    }
    let Kind::Number(number) = column.field.kind else { return };
    if !is_unsigned(number) {
        out.push(
            error(
                mistake::BAD_FORM,
                column.written.seen.find("signed").unwrap_or(sign.span),
                "has a sign of its own",
                format!("Field `{}` has two signs", column.field.path),
            )
            .help("write `9` for `S9` if the sign is in the other field, or remove `signed by`"),
        );
        return;
    }
    if let Some(Column { field: Field { kind: Kind::Number(number), .. }, .. }) = draft.columns.get_mut(at) {
        number.sign = Some(near);
    }
    if let Some(other) = draft.columns.get_mut(found)
        && matches!(other.field.fill, Fill::Given | Fill::Default(_))
    {
        other.field.fill = Fill::Computed(Computed::Sign);
    }
}

fn is_unsigned(number: Number) -> bool {
    matches!(number.form, Form::Zoned(Sign::Absent) | Form::Pointed(Sign::Absent) | Form::Bcd)
        || matches!(number.form, Form::Packed { signed: false } | Form::Binary { signed: false, .. })
}

struct Found {
    computed: Computed,
    /// The number whose decimals the field has.
    fraction: Option<(usize, Near)>,
}

/// A field that is being settled.
struct Place<'d, 's> {
    draft: &'d Draft<'s>,
    at: usize,
    /// Of the clause.
    span: Span,
}

impl Place<'_, '_> {
    fn computed(&self, written: &written::Computed, out: &mut Vec<Diagnostic>) -> Option<Found> {
        let field = &self.draft.columns.get(self.at)?.field;
        if field.fill != Fill::Given {
            self.tell(out, "it gets its value elsewhere", "remove the value or what it is computed from");
            return None;
        }
        if field.echo != Echo::No && !written.is_given() {
            let help = "leave `echo` out: what it says of the answer is not what it said of the request";
            self.tell(out, "it would be carried back", help);
            return None;
        }
        let alone = |computed| Some(Found { computed, fraction: None });
        let whole = |field: &Field| matches!(field.kind, Kind::Number(number) if number.scale == 0);
        match written {
            written::Computed::Length { of, exclusive, plus } => {
                let of = match self.range(of, out)? {
                    Bytes::Telegram if *exclusive => Bytes::Others,
                    of => of,
                };
                if *exclusive && of != Bytes::Others {
                    let help = "the length of other fields never counts the field itself: leave `exclusive` out";
                    self.tell(out, "`exclusive` belongs to the whole telegram", help);
                    return None;
                }
                self.holds(field, whole(field), "a length is a whole number: `9(4)`, `9(4) binary(2) big`", out)?;
                alone(Computed::Length { of, plus: *plus })
            }
            written::Computed::Count(name) => {
                self.holds(field, whole(field), "a count is a whole number: `9(4)`, `9(4) binary(2) big`", out)?;
                let counted =
                    self.parts(name, |rest, name| rest.strip_prefix(name).is_some_and(|rest| rest.starts_with('.')));
                // Of what stands in it, a field that is in every occurrence stands for it.
                let column = |at: &usize| self.draft.columns.get(*at);
                let first = counted.iter().filter_map(column).min_by_key(|column| column.body);
                let Some(first) = first else {
                    let places = self.draft.columns.iter().map(|column| plain(&column.field.path));
                    let repeats: Vec<String> =
                        places.filter_map(|path| path.rsplit_once('.').map(|(before, _)| before.into())).collect();
                    self.unknown(name, repeats.iter().map(String::as_str), out);
                    return None;
                };
                if first.moves && !first.each {
                    let message = format!("No field of `{}` is there each time", name.value);
                    let help = "a repeat that begins with a field can be counted; of what is chosen or has a condition, nothing is counted";
                    out.push(
                        error(mistake::SPLIT, name.span, "nothing to count by", message)
                            .help(help)
                            .related(first.written.name.span, "not always there"),
                    );
                    return None;
                }
                let path = plain(&first.field.path);
                let is_it = |at: &usize| column(at).is_some_and(|column| plain(&column.field.path) == path);
                alone(Computed::Count { of: counted.iter().copied().filter(is_it).map(id).collect() })
            }
            written::Computed::Sum(name) => {
                let is_number = matches!(field.kind, Kind::Number(_));
                self.holds(field, is_number, "a sum is a number: `9(15)`, `S9(13)V9(2) packed`", out)?;
                let of: Box<[FieldId]> = self.parts(name, |rest, name| rest == name).into_iter().map(id).collect();
                let added: Vec<&Field> =
                    of.iter().filter_map(|id| self.draft.columns.get(id.index())).map(|c| &c.field).collect();
                if added.is_empty() {
                    let paths: Vec<String> =
                        self.draft.columns.iter().map(|column| plain(&column.field.path)).collect();
                    self.unknown(name, paths.iter().map(String::as_str), out);
                    return None;
                }
                let added_are_numbers = added.iter().all(|field| matches!(field.kind, Kind::Number(_)));
                self.holds(added.first()?, added_are_numbers, "only numbers add up", out)?;
                alone(Computed::Sum { of })
            }
            written::Computed::Checksum { by, of } => {
                let range = self.range(of, out)?;
                let covers = match range {
                    Bytes::Fields { first, last } => (first.index()..=last.index()).contains(&self.at),
                    _ => true,
                };
                if covers {
                    out.push(
                        error(mistake::BAD_SPAN, of.span, "covers itself", "A checksum cannot cover its own field")
                            .help("name the fields that it covers: `first..last`"),
                    );
                    return None;
                }
                let fits = match field.kind {
                    Kind::Text => field.at.len == 2 * by.len(),
                    _ => whole(field),
                };
                let help = format!("it is a whole number, or `X({})` for its hexadecimal digits", 2 * by.len());
                self.holds(field, fits, &help, out)?;
                alone(Computed::Checksum { of: range, by: *by })
            }
            written::Computed::Check { by, of: None } => {
                let fits = match field.kind {
                    Kind::Number(number) => number == Number::plain(number.digits, 0),
                    _ => matches!(field.kind, Kind::Text | Kind::Code),
                } && field.at.len > 1;
                self.holds(
                    field,
                    fits,
                    "it is a code or a text of at least two digits, the last of which checks the others",
                    out,
                )?;
                alone(Computed::OwnDigit { by: by.clone() })
            }
            written::Computed::Check { by, of: Some(name) } => {
                let fits = matches!(field.kind, Kind::Number(_) | Kind::Text | Kind::Code) && field.at.len == 1;
                self.holds(field, fits, "a check digit is one digit: `code(1)`, `9(1)` or `X(1)`", out)?;
                let found = self.sibling(name, out)?;
                self.beside(found, out)?;
                alone(Computed::CheckDigit { of: self.near(found)?, by: by.clone() })
            }
            written::Computed::Fraction(name) => {
                let is_plain = |field: &Field| match field.kind {
                    Kind::Number(number) => Number { sign: None, ..number } == Number::plain(number.digits, 0),
                    _ => false,
                };
                self.holds(field, is_plain(field), "decimals are digits: `9(3)`", out)?;
                let found = self.sibling(name, out)?;
                self.beside(found, out)?;
                let other = &self.draft.columns.get(found)?.field;
                self.holds(
                    other,
                    is_plain(other),
                    "what stands before the point is `9(n)`, `signed by` another field or not",
                    out,
                )?;
                let here = self.draft.columns.get(self.at)?.field.at;
                if other.at.len.saturating_add(here.len) > 38 {
                    self.holds(other, false, "a number has at most 38 digits, its decimals included", out)?;
                }
                Some(Found { computed: Computed::Fraction, fraction: Some((found, near(other.at, here)?)) })
            }
        }
    }

    fn tell(&self, out: &mut Vec<Diagnostic>, why: &str, help: &str) {
        let path = self.draft.columns.get(self.at).map_or("", |column| &column.field.path);
        let message = format!("Field `{path}` cannot have this: {why}");
        out.push(error(mistake::MISPLACED, self.span, "not here", message).help(help));
    }

    /// Tells that a field cannot hold or give what is computed, unless it can.
    fn holds(&self, field: &Field, fits: bool, help: &str, out: &mut Vec<Diagnostic>) -> Option<()> {
        if !fits {
            let message = format!("Field `{}` cannot be used in this way", field.path);
            out.push(error(mistake::BAD_COMPUTED, self.span, crate::show::kind(field), message).help(help));
        }
        fits.then_some(())
    }

    fn unknown<'n>(&self, name: &Name, names: impl Iterator<Item = &'n str>, out: &mut Vec<Diagnostic>) {
        if self.draft.whole {
            let message = format!("There is no field `{}` in telegram `{}`", name.value, self.draft.written.name.value);
            let help = did_you_mean(&name.value, names);
            out.push(error(mistake::UNKNOWN_FIELD, name.span, "not a field", message).help_if(help));
        }
    }

    /// A field of the same part, or one that is named with all that stands before it.
    fn sibling(&self, name: &Name, out: &mut Vec<Diagnostic>) -> Option<usize> {
        let columns = &self.draft.columns;
        let own = &columns.get(self.at)?.field.path;
        let beside = own.rsplit_once('.').map(|(before, _)| format!("{before}.{}", name.value));
        let find = |path: &str| columns.iter().position(|column| *column.field.path == *path);
        let found = beside.and_then(|path| find(&path)).or_else(|| find(&name.value));
        if found.is_none() {
            self.unknown(name, columns.iter().map(|column| &*column.field.path), out);
        }
        found
    }

    /// Where another field is, seen from this one.
    fn near(&self, other: usize) -> Option<Near> {
        let columns = &self.draft.columns;
        near(columns.get(self.at)?.field.at, columns.get(other)?.field.at)
    }

    /// Tells that another field is sometimes elsewhere, seen from this one, unless it is not.
    fn beside(&self, other: usize, out: &mut Vec<Diagnostic>) -> Option<()> {
        let (own, other) = (self.draft.columns.get(self.at)?, self.draft.columns.get(other)?);
        if own.run == other.run {
            return Some(());
        }
        let message = format!("Between `{}` and `{}` lies something that moves", own.field.path, other.field.path);
        out.push(
            error(mistake::APART, self.span, "not always beside it", message)
                .help("both stand in the same block, and nothing that repeats, is chosen or has a condition stands between them")
                .related(other.written.name.span, "the other"),
        );
        None
    }

    fn range(&self, range: &Extent, out: &mut Vec<Diagnostic>) -> Option<Bytes> {
        let Some((first, last)) = &range.ends else { return Some(Bytes::Telegram) };
        let within = |rest: &str, name: &str| {
            rest.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        let mut ends = |name: &Name| {
            let found = self.parts(name, within);
            if found.is_empty() {
                self.unknown(name, self.draft.columns.iter().map(|column| &*column.field.path), out);
            }
            found.first().copied().zip(found.last().copied())
        };
        let (first, last) = (ends(first), ends(last));
        let (first, last) = (first?.0, last?.1);
        if first > last {
            out.push(
                error(
                    mistake::BAD_SPAN,
                    range.span,
                    "ends before it begins",
                    "The second of two fields stands before the first",
                )
                .help("the field that stands first comes first: `first..last`"),
            );
            return None;
        }
        self.whole(&self.draft.root, range, (first, last), out)?;
        Some(Bytes::Fields { first: id(first), last: id(last) })
    }

    /// Tells that of a choice only some branches lie between two ends, or that one end repeats with the field and the other does not.
    fn whole(
        &self,
        nodes: &[Node],
        range: &Extent,
        (first, last): (usize, usize),
        out: &mut Vec<Diagnostic>,
    ) -> Option<()> {
        let holds = |(from, to): (usize, usize), at: usize| (from..to).contains(&at);
        let tell = |out: &mut Vec<Diagnostic>, label: &str, message: &str, help: &str| {
            out.push(error(mistake::SPLIT, range.span, label, message).help(help));
        };
        for node in nodes {
            let Some(all) = ids(core::slice::from_ref(node)) else { continue };
            if last < all.0 || all.1 <= first {
                continue;
            }
            let both = holds(all, first) && holds(all, last);
            match node {
                Node::When(when) if both => self.whole(&when.body, range, (first, last), out)?,
                Node::Repeat(repeat) if both => self.whole(&repeat.body, range, (first, last), out)?,
                Node::Repeat(_) if holds(all, self.at) && (holds(all, first) || holds(all, last)) => {
                    let help = "both ends stand in what repeats, beside the field, or both outside of it";
                    tell(
                        out,
                        "one end repeats",
                        "One of the ends repeats with the field, and the other does not",
                        help,
                    );
                    return None;
                }
                Node::Choice(choice) => {
                    let within = choice
                        .branches
                        .iter()
                        .find(|branch| ids(&branch.body).is_some_and(|ids| holds(ids, first) && holds(ids, last)));
                    if let Some(branch) = within {
                        self.whole(&branch.body, range, (first, last), out)?;
                    } else if first > all.0 || last + 1 < all.1 {
                        let help = "take the first and the last branch, or fields before and behind all branches";
                        tell(
                            out,
                            "ends in a branch",
                            "What lies between the two fields is sometimes another branch",
                            help,
                        );
                        return None;
                    }
                }
                _ => {}
            }
        }
        Some(())
    }

    /// The fields of a name, in this part or in one around it: first where it is named as from beside the field, then from ever farther
    /// out. `is` compares a path from there, without indices, with the name.
    fn parts(&self, name: &Name, is: impl Fn(&str, &str) -> bool) -> Vec<usize> {
        let columns = &self.draft.columns;
        let mut scope = columns.get(self.at).map_or("", |column| &column.field.path);
        loop {
            scope = scope.strip_suffix('.').unwrap_or(scope);
            scope = scope.rfind('.').and_then(|dot| scope.get(..=dot)).unwrap_or("");
            let is_it = |column: &Column<'_>| {
                column.field.path.strip_prefix(scope).is_some_and(|rest| is(&plain(rest), &name.value))
            };
            let found = columns.iter().enumerate().filter(|(_, column)| is_it(column)).map(|(at, _)| at);
            let found: Vec<usize> = found.collect();
            if !found.is_empty() || scope.is_empty() {
                return found;
            }
        }
    }
}

/// The first and the last field of nodes, and one more; `None` if there is none.
fn ids(nodes: &[Node]) -> Option<(usize, usize)> {
    let of = |node: &Node| match node {
        Node::Run { first, end } => Some((first.index(), end.index())),
        Node::Tail(tail) => Some((tail.field.index(), tail.field.index() + 1)),
        Node::Repeat(repeat) => ids(&repeat.body),
        Node::When(when) => ids(&when.body),
        Node::Choice(choice) => {
            let all = choice.branches.iter().filter_map(|branch| ids(&branch.body));
            all.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))
        }
        _ => None,
    };
    nodes.iter().filter_map(of).reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))
}

fn id(at: usize) -> FieldId {
    FieldId(u16::try_from(at).unwrap_or(u16::MAX))
}

fn near(from: Slice, to: Slice) -> Option<Near> {
    let ahead = i64::from(to.offset) - i64::from(from.offset);
    Some(Near { ahead: i32::try_from(ahead).ok()?, len: to.len })
}

/// A path without the indices in it.
fn plain(path: &str) -> String {
    let mut plain = String::with_capacity(path.len());
    let mut inside = false;
    for c in path.chars() {
        inside |= c == '[';
        if !inside {
            plain.push(c);
        }
        inside &= c != ']';
    }
    plain
}
