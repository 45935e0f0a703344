//! Blocks of fields become columns at their places, and the tree of what moves.
//!
//! What does not move is laid out here: a group gives its fields its name, a fixed repeat its name and an index, and both leave nothing else
//! behind. So the rest of the check sees fields with offsets, whatever block they were written in. What moves is a node of the tree, and
//! the offsets of its fields count from where their run begins.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use pabal_telegram::{Branch, Choice, FieldId, Kind, Node, Repeat, Tail, Test, Value, When};

use crate::check::layout::{self, Column, Ground};
use crate::check::unique;
use crate::diagnostic::{Diagnostic, Span};
use crate::mistake::{self, error};
use crate::parse::did_you_mean;
use crate::written::{self, Alternatives, At, Block, Name, Part, Shape, Times};

/// As many fields as a layout can name.
const FIELDS_MAX: usize = 65_535;

/// As many repeats as a field of a layout can stand in, if they move.
const REPEATS_MAX: usize = 4;

/// How long something is, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Extent {
    pub(crate) min: u32,
    pub(crate) max: u32,
}

impl Extent {
    fn add(&mut self, min: u32, max: u32) {
        self.min = self.min.saturating_add(min);
        self.max = self.max.saturating_add(max);
    }

    fn since(self, start: Self) -> Self {
        Self { min: self.min.saturating_sub(start.min), max: self.max.saturating_sub(start.max) }
    }
}

/// A body that is there sometimes, or several times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Open {
    body: u32,
    repeats: bool,
}

/// Lays out the parts of a header or a telegram.
pub(crate) struct Shaper<'s, 'g, 'o> {
    ground: &'g Ground<'g>,
    in_header: bool,
    /// Those of the header, if there is one, and those that were laid out.
    pub(crate) columns: Vec<Column<'s>>,
    /// The run that is not ended: its first column.
    run: Option<usize>,
    /// Where the next field begins, from the beginning of its run.
    offset: u32,
    /// How long all is up to here, from the beginning of its body.
    pub(crate) extent: Extent,
    /// The runs behind the first move.
    moved: bool,
    open: Vec<Open>,
    bodies: u32,
    /// What goes on until the end, and whether something behind it was told.
    ended: Option<(Span, bool)>,
    /// All fields of the telegram, for those that stand too far behind.
    all: Vec<&'s written::Field>,
    /// Every node could be made.
    pub(crate) sound: bool,
    out: &'o mut Vec<Diagnostic>,
}

impl<'s, 'g, 'o> Shaper<'s, 'g, 'o> {
    /// Behind these columns, which do not move.
    pub(crate) fn new(
        ground: &'g Ground<'g>,
        in_header: bool,
        columns: Vec<Column<'s>>,
        out: &'o mut Vec<Diagnostic>,
    ) -> Self {
        let offset = columns.last().map_or(0, |column| layout::end(&column.field));
        Self {
            ground,
            in_header,
            run: (!columns.is_empty()).then_some(0),
            columns,
            offset,
            extent: Extent { min: offset, max: offset },
            moved: false,
            open: Vec::new(),
            bodies: 0,
            ended: None,
            all: Vec::new(),
            sound: true,
            out,
        }
    }

    /// Lays out all parts of a header or telegram.
    pub(crate) fn root(&mut self, written: &'s written::Telegram) -> Vec<Node> {
        self.all = written.fields();
        let mut nodes = Vec::new();
        self.parts(&written.parts, "", false, &mut nodes);
        self.end_run(&mut nodes);
        nodes
    }

    /// Lays out parts whose names have `prefix` before them. `quiet`: they were laid out before, so that what is wrong with them was told.
    fn parts(&mut self, parts: &'s [Part], prefix: &str, quiet: bool, nodes: &mut Vec<Node>) {
        for part in parts {
            match part {
                Part::Field(written) => {
                    self.behind_the_end(&written.name, quiet);
                    if matches!(&written.kind, Some(At { value: written::Kind::Tail { .. }, .. })) {
                        if self.in_header {
                            self.no_header(written.name.span, quiet);
                            continue;
                        }
                        self.end_run(nodes);
                        self.tail(written, prefix, quiet, nodes);
                        continue;
                    }
                    let mut sink = Vec::new();
                    let out = if quiet { &mut sink } else { &mut *self.out };
                    let mut column = layout::column(written, prefix, self.offset, self.in_header, self.ground, out);
                    column.moves = self.moved || !self.open.is_empty();
                    column.body = self.open.last().map_or(0, |open| open.body);
                    column.each = self.open.last().is_none_or(|open| open.repeats);
                    column.run = *self.run.get_or_insert(self.columns.len());
                    self.offset = layout::end(&column.field);
                    self.extent.add(column.field.at.len, column.field.at.len);
                    self.columns.push(column);
                }
                Part::Block(block) => self.block(block, prefix, quiet, nodes),
            }
        }
    }

    fn block(&mut self, block: &'s Block, prefix: &str, quiet: bool, nodes: &mut Vec<Node>) {
        let start = (self.extent, self.columns.len());
        match &block.shape {
            Shape::Group { name } => {
                self.parts(&block.parts, &format!("{prefix}{}.", name.value), quiet, nodes);
                self.length(&name.value, start, block.length.as_ref(), quiet);
            }
            Shape::Repeat { name, times: Times::Fixed(times) } => {
                self.parts(&block.parts, &format!("{prefix}{}[0].", name.value), quiet, nodes);
                self.length(&name.value, start, block.length.as_ref(), quiet);
                let each = self.columns.len() - start.1;
                let more = usize::try_from(times.value - 1).unwrap_or(usize::MAX);
                if self.columns.len().saturating_add(each.saturating_mul(more)) > FIELDS_MAX {
                    let message = format!("`{}` makes more fields than {FIELDS_MAX}", name.value);
                    let told = error(mistake::TOO_MANY, times.span, "too many", message)
                        .help("describe what repeats as one longer field");
                    self.tell(quiet, told);
                    self.columns.iter_mut().for_each(|column| column.sure = false);
                    self.lost();
                    return;
                }
                for at in 1..times.value {
                    self.parts(&block.parts, &format!("{prefix}{}[{at}].", name.value), true, nodes);
                }
            }
            _ if self.in_header => self.no_header(block.word, quiet),
            Shape::Repeat { name, times } => self.repeat(block, (name, times), prefix, quiet, nodes),
            Shape::Choice { by, branches } => self.choice((by, branches), prefix, quiet, nodes),
            Shape::When { field, test } => {
                self.behind_the_end(field, quiet);
                self.end_run(nodes);
                let by = self.refer(field, prefix, quiet);
                let test = by.and_then(|by| self.test(by, field, test, quiet));
                let (body, extent) = self.body(&block.parts, prefix, false, quiet);
                self.body_length("what is there then", start.1, extent, block.length.as_ref(), quiet);
                self.extent.add(0, extent.max);
                match by.zip(test) {
                    Some((by, test)) => {
                        nodes.push(Node::When(When { by: id(by), test, body, label: label(block.label.as_ref()) }))
                    }
                    None => self.lost(),
                }
            }
        }
    }

    fn repeat(
        &mut self,
        block: &'s Block,
        (name, times): (&'s Name, &'s Times),
        prefix: &str,
        quiet: bool,
        nodes: &mut Vec<Node>,
    ) {
        self.behind_the_end(name, quiet);
        self.end_run(nodes);
        let before = self.columns.len();
        let outer = self.open.iter().filter(|open| open.repeats).count();
        let (by, max, padded) = match times {
            Times::Fixed(max) => (None, max, false),
            Times::Counted { by, max, padded } => (Some((by, self.refer(by, prefix, quiet))), max, *padded),
            Times::UntilEnd { max, span } => {
                if outer > 0 {
                    let message = format!("`{}` goes on until the end, and stands in what repeats", name.value);
                    let told = error(mistake::NOT_LAST, *span, "until which end?", message)
                        .help("give it a count, or let only the outer one go on until the end");
                    self.tell(quiet, told);
                    self.lost();
                }
                (None, max, false)
            }
        };
        if outer == REPEATS_MAX {
            let message = format!("`{}` is the {}th repeat inside of another", name.value, REPEATS_MAX + 1);
            let told = error(mistake::TOO_DEEP, block.word, "too deep", message)
                .help("describe what repeats inside of it as fields of its own");
            self.tell(quiet, told);
            self.lost();
        }
        if let Some((written, Some(by))) = by {
            self.counts(by, written, max, outer, quiet);
        }
        let path = format!("{prefix}{}", name.value);
        let (body, extent) = self.body(&block.parts, &format!("{path}[]."), true, quiet);
        self.body_length(&name.value, before, extent, block.length.as_ref(), quiet);
        let lost = self.columns.get(before..).unwrap_or_default().iter().any(|column| !column.sure);
        if extent.min == 0 && !lost {
            let message = format!("One of `{}` may have no bytes at all", name.value);
            let told = error(mistake::EMPTY_REPEAT, name.span, "may be nothing", message)
                .help("at least one field of it must always be there");
            self.tell(quiet, told);
            self.lost();
        }
        if padded && extent.min != extent.max && !lost {
            let message = format!("One of `{}` is {} to {} bytes long", name.value, extent.min, extent.max);
            let told = error(mistake::EMPTY_REPEAT, name.span, "of no one length", message)
                .help("room can only be kept for what is always of one length: remove `padded`, or what moves in it");
            self.tell(quiet, told);
            self.lost();
        }
        let all = extent.max.saturating_mul(max.value);
        self.extent.add(if padded { all } else { 0 }, all);
        if let Times::UntilEnd { span, .. } = times {
            self.ended = self.ended.or((outer == 0).then_some((*span, false)));
        }
        let times = match by {
            None => Some(pabal_telegram::Times::UntilEnd),
            Some((_, by)) => by.map(|by| pabal_telegram::Times::Field(id(by))),
        };
        let Ok(most) = u16::try_from(max.value) else {
            let told = error(mistake::TOO_MANY, max.span, "too many", format!("More than {} times", u16::MAX))
                .help("say what the document says, or what fits in a frame");
            self.tell(quiet, told);
            return self.lost();
        };
        match times {
            Some(times) => {
                let label = label(block.label.as_ref());
                nodes.push(Node::Repeat(Repeat { path: path.as_str().into(), times, max: most, padded, body, label }));
            }
            None => self.lost(),
        }
    }

    /// A field counts, if it can say all numbers that are needed, for each occurrence of what both stand in.
    fn counts(&mut self, by: usize, written: &Name, max: &At<u32>, outer: usize, quiet: bool) {
        let Some(column) = self.columns.get(by).filter(|column| !column.is_lost()) else { return self.lost() };
        let field = &column.field;
        let name = &written.value;
        let repeats = field.path.matches("[]").count();
        let told = if !matches!(field.kind, Kind::Number(number) if number.scale == 0) {
            let message = format!("Field `{name}` cannot count");
            error(mistake::BAD_COUNT, written.span, crate::show::kind(field), message)
                .help("a count is a whole number, such as `9(2)`")
        } else if repeats != outer {
            let message = format!("`{name}` stands outside of the repeat in which it counts");
            error(mistake::BAD_COUNT, written.span, "one count for several", message)
                .help("each occurrence of the outer one needs a count of its own")
        } else if field.encode(&Value::from(max.value), &mut Vec::new()).is_err() {
            let message = format!("Field `{name}` cannot say {}", max.value);
            error(mistake::NARROW, max.span, format!("`{name}` is {}", crate::show::kind(field)), message)
                .help("say the most that the field can count, or what the document says")
                .related(column.written.name.span, "the count")
        } else {
            return;
        };
        self.tell(quiet, told);
        self.lost();
    }

    fn choice(
        &mut self,
        (by, branches): (&'s Name, &'s [written::Branch]),
        prefix: &str,
        quiet: bool,
        nodes: &mut Vec<Node>,
    ) {
        self.behind_the_end(by, quiet);
        self.end_run(nodes);
        let column = self.refer(by, prefix, quiet);
        if branches.is_empty() {
            let told = error(mistake::NOT_SAID, by.span, "chooses nothing", "A choice has no branches")
                .help("a branch is a block: `\"01\" person { .. }`, or `else rest { .. }`");
            self.tell(quiet, told);
            return self.lost();
        }
        let mut made = Vec::new();
        let mut all: Option<Extent> = None;
        let mut seen: Vec<(Box<[u8]>, Span)> = Vec::new();
        let mut sound = column.is_some();
        let (before, mut after) = (self.ended, self.ended);
        for (at, branch) in branches.iter().enumerate() {
            if branch.keys.is_empty() && at + 1 != branches.len() {
                let message = "What stands behind `else` is never chosen";
                let told = error(mistake::KEY_TWICE, branch.span, "takes every other key", message)
                    .help("`else` is the last branch");
                self.tell(quiet, told);
                sound = false;
            }
            let keys = column.and_then(|by| self.keys(by, &branch.keys, &mut seen, quiet));
            let start = self.columns.len();
            self.ended = before;
            let (body, extent) = self.body(&branch.parts, &format!("{prefix}{}.", branch.name.value), false, quiet);
            after = after.or(self.ended);
            self.body_length(&branch.name.value, start, extent, branch.length.as_ref(), quiet);
            all = Some(all.map_or(extent, |all| Extent { min: all.min.min(extent.min), max: all.max.max(extent.max) }));
            match keys {
                Some(keys) => made.push(Branch { keys, body, label: label(branch.label.as_ref()) }),
                None => sound = false,
            }
        }
        self.ended = after;
        let all = all.unwrap_or_default();
        self.extent.add(all.min, all.max);
        match column.filter(|_| sound) {
            Some(by) => nodes.push(Node::Choice(Choice { by: id(by), branches: made })),
            None => self.lost(),
        }
    }

    /// What a field must hold for something to be there.
    fn test(&mut self, by: usize, name: &Name, test: &written::Test, quiet: bool) -> Option<Test> {
        match test {
            written::Test::AnyOf(any_of) => self.keys(by, any_of, &mut Vec::new(), quiet).map(Test::AnyOf),
            written::Test::Bit(bit) => {
                let field = self.columns.get(by).filter(|column| !column.is_lost()).map(|column| &column.field)?;
                let bits = if field.kind == Kind::Text { field.at.len.saturating_mul(4) } else { 0 };
                if bit.value > bits {
                    let message = format!("Field `{}` has no bit {}", name.value, bit.value);
                    let shown = format!("{} has {bits} bits", crate::show::kind(field));
                    let told = error(mistake::BAD_COUNT, bit.span, shown, message)
                        .help("a bitmap is text in hexadecimal digits, `X(16)` for 64 bits; bit 1 is the first");
                    self.tell(quiet, told);
                    return None;
                }
                u16::try_from(bit.value).ok().map(Test::Bit)
            }
        }
    }

    /// A text with a length of its own.
    fn tail(&mut self, written: &'s written::Field, prefix: &str, quiet: bool, nodes: &mut Vec<Node>) {
        let Some(At { value: written::Kind::Tail { by: name, max }, span }) = &written.kind else { return };
        let outer = self.open.iter().filter(|open| open.repeats).count();
        let by = self.refer(name, prefix, quiet);
        if let Some(by) = by {
            self.counts(by, name, &At { value: *max, span: *span }, outer, quiet);
        }
        let mut sink = Vec::new();
        let out = if quiet { &mut sink } else { &mut *self.out };
        let mut column = layout::column(written, prefix, 0, self.in_header, self.ground, out);
        column.moves = true;
        column.run = self.columns.len();
        column.body = self.open.last().map_or(0, |open| open.body);
        column.each = self.open.last().is_none_or(|open| open.repeats);
        let unfit = ["=", "const", "right", "pad", "wide", "lenient", "at"];
        if let Some(clause) = unfit.iter().find_map(|clause| written.seen.find(clause)) {
            let message = format!("Field `{}` cannot have this: it has a length of its own", written.name.value);
            let told = error(mistake::MISPLACED, clause, "not here", message)
                .help("it is written as it is given, without padding");
            self.tell(quiet, told);
            self.lost();
        }
        self.extent.add(0, *max);
        let field = id(self.columns.len());
        self.columns.push(column);
        match by {
            Some(by) => nodes.push(Node::Tail(Tail { field, len: id(by) })),
            None => self.lost(),
        }
    }

    fn no_header(&mut self, span: Span, quiet: bool) {
        let told = error(mistake::MOVES, span, "not here", "A header has nothing that moves")
            .help("the fields of a header are at the same places in every telegram; describe it in the telegrams");
        self.tell(quiet, told);
        self.lost();
    }

    /// What is there sometimes, or several times: its nodes, and how long it is once.
    fn body(&mut self, parts: &'s [Part], prefix: &str, repeats: bool, quiet: bool) -> (Vec<Node>, Extent) {
        self.bodies += 1;
        self.open.push(Open { body: self.bodies, repeats });
        let outside = core::mem::take(&mut self.extent);
        let mut nodes = Vec::new();
        self.parts(parts, prefix, quiet, &mut nodes);
        self.end_run(&mut nodes);
        self.open.pop();
        (nodes, core::mem::replace(&mut self.extent, outside))
    }

    /// What comes next does not lie behind the fields before it at a place that is always the same.
    fn end_run(&mut self, nodes: &mut Vec<Node>) {
        if let Some(first) = self.run.take() {
            nodes.push(Node::Run { first: id(first), end: id(self.columns.len()) });
        }
        self.offset = 0;
        self.moved = true;
    }

    /// The field that a block names: in the same block, or in one around it, and before.
    fn refer(&mut self, name: &Name, prefix: &str, quiet: bool) -> Option<usize> {
        let mut scope = prefix;
        let found = loop {
            let path = format!("{scope}{}", name.value);
            let found = self.columns.iter().position(|column| *column.field.path == *path);
            if found.is_some() || scope.is_empty() {
                break found;
            }
            let inner = scope.strip_suffix('.').unwrap_or(scope);
            scope = inner.rfind('.').and_then(|dot| inner.get(..=dot)).unwrap_or("");
        };
        let Some(at) = found else {
            let last = name.value.rsplit('.').next().unwrap_or_default();
            let behind = self.all.iter().find(|field| field.name.value == last);
            let told = match behind {
                Some(field) => error(
                    mistake::NOT_BEFORE,
                    name.span,
                    "not known here",
                    format!("Field `{}` does not stand before what it decides", name.value),
                )
                .help("what follows could not be read without it; the field must come first, in the same block or around it")
                .related(field.name.span, "stands here"),
                None => error(mistake::UNKNOWN_FIELD, name.span, "not a field", format!("There is no field `{}`", name.value))
                    .help_if(did_you_mean(&name.value, self.columns.iter().map(|column| column.written.name.value.as_str()))),
            };
            self.tell(quiet, told);
            self.lost();
            return None;
        };
        let column = self.columns.get(at)?;
        if column.body != 0 && self.open.iter().all(|open| open.body != column.body) {
            let told = error(
                mistake::NOT_BEFORE,
                name.span,
                "not always there",
                format!("Field `{}` may not be there where it decides", name.value),
            )
            .help("it stands under a condition or in a branch; move what it decides there, too")
            .related(column.written.name.span, "stands here");
            self.tell(quiet, told);
            self.lost();
            return None;
        }
        Some(at)
    }

    /// Keys as the bytes of their field; none may be there twice.
    fn keys(
        &mut self,
        by: usize,
        keys: &Alternatives,
        seen: &mut Vec<(Box<[u8]>, Span)>,
        quiet: bool,
    ) -> Option<Vec<Box<[u8]>>> {
        let column = self.columns.get(by).filter(|column| !column.written.broken && column.written.kind.is_some())?;
        let mut sink = Vec::new();
        let mut good = true;
        let mut made: Vec<Box<[u8]>> = Vec::new();
        for key in keys {
            let Some(bytes) = layout::constant(&column.field, key, &mut sink) else {
                good = false;
                continue;
            };
            match seen.iter().find(|(known, _)| *known == bytes) {
                Some((_, first)) => {
                    good = false;
                    let message = format!("Two branches have the key {:?}", key.value);
                    sink.push(
                        error(mistake::KEY_TWICE, key.span, "this one is the second", message)
                            .help("a key chooses one branch; remove one of them")
                            .related(*first, "the first"),
                    );
                }
                None => {
                    seen.push((bytes.clone(), key.span));
                    made.push(bytes);
                }
            }
        }
        sink.into_iter().for_each(|told| self.tell(quiet, told));
        good.then_some(made)
    }

    fn behind_the_end(&mut self, name: &Name, quiet: bool) {
        let Some((end, false)) = self.ended else { return };
        self.ended = Some((end, true));
        let message = format!("`{}` stands behind what goes on until the end", name.value);
        let told = error(mistake::NOT_LAST, name.span, "never there", message)
            .help("move it before, or give what repeats a count")
            .related(end, "goes on until the end");
        self.tell(quiet, told);
        self.lost();
    }

    fn tell(&mut self, quiet: bool, told: Diagnostic) {
        if !quiet {
            self.out.push(told);
        }
    }

    /// A part could not be made: neither the tree nor a length is sure.
    fn lost(&mut self) {
        self.sound = false;
    }

    /// Compares what was laid out since `start` with what the document says of its length.
    fn length(&mut self, name: &str, start: (Extent, usize), said: Option<&At<u32>>, quiet: bool) {
        self.body_length(name, start.1, self.extent.since(start.0), said, quiet);
    }

    /// Compares what the columns from `first` on are together with what the document says of their length.
    fn body_length(&mut self, name: &str, first: usize, found: Extent, said: Option<&At<u32>>, quiet: bool) {
        let Some(said) = said.filter(|_| !quiet) else { return };
        let inside = self.columns.get(first..).unwrap_or_default();
        if (found.min == said.value && found.max == said.value) || inside.iter().any(|column| !column.sure) {
            return;
        }
        let last = inside.last().map(|column| column.written.name.span);
        let told = if found.min == found.max {
            let sum = found.min;
            let message = format!("The fields of `{name}` are {sum} bytes, but its length is {}", said.value);
            let help = format!("{}; compare each length with the document", difference(sum, said.value));
            let told = error(mistake::TOTAL, said.span, format!("says {}", said.value), message).help(help);
            last.map(|last| (last, format!("the last field ends at byte {sum} of it")))
                .into_iter()
                .fold(told, |told, (last, text)| told.related(last, text))
        } else {
            let message =
                format!("`{name}` is {} to {} bytes long, but its length is {}", found.min, found.max, said.value);
            error(mistake::TOTAL, said.span, format!("says {}", said.value), message)
                .help("say `length` only of what is always of one length")
        };
        self.out.push(told);
    }
}

fn label(written: Option<&Name>) -> Box<str> {
    written.map_or("", |label| &label.value).into()
}

fn id(at: usize) -> FieldId {
    FieldId(u16::try_from(at).unwrap_or(u16::MAX))
}

/// `3 bytes missing`, `1 byte too many`.
pub(crate) fn difference(sum: u32, said: u32) -> String {
    let bytes = sum.abs_diff(said);
    let word = if bytes == 1 { "byte" } else { "bytes" };
    format!("{bytes} {word} {}", if sum > said { "too many" } else { "missing" })
}

/// Tells names that are used twice in one block, `header` of them before those of the block.
pub(crate) fn names(parts: &[Part], header: &[&Name], out: &mut Vec<Diagnostic>) {
    let mut all: Vec<&Name> = header.to_vec();
    own(parts, &mut all);
    unique("field", header.len(), all.into_iter(), out);
    inner(parts, out);
}

/// The names that a block has for itself. What stands under a condition belongs to it.
pub(crate) fn own<'p>(parts: &'p [Part], all: &mut Vec<&'p Name>) {
    for part in parts {
        match part {
            Part::Field(field) => all.push(&field.name),
            Part::Block(block) => match &block.shape {
                Shape::Group { name } | Shape::Repeat { name, .. } => all.push(name),
                Shape::Choice { branches, .. } => all.extend(branches.iter().map(|branch| &branch.name)),
                Shape::When { .. } => own(&block.parts, all),
            },
        }
    }
}

fn inner(parts: &[Part], out: &mut Vec<Diagnostic>) {
    for part in parts {
        let Part::Block(block) = part else { continue };
        match &block.shape {
            Shape::Group { .. } | Shape::Repeat { .. } => names(&block.parts, &[], out),
            Shape::Choice { branches, .. } => branches.iter().for_each(|branch| names(&branch.parts, &[], out)),
            Shape::When { .. } => inner(&block.parts, out),
        }
    }
}
