//! How the bytes of an answer or notice come about: a template, what is echoed, and the rules of `set`.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use pabal_clock::Civil;
use pabal_spec::Protocol;
use pabal_telegram::{
    Charset, Computed, Decimal, Echo, Field, Fill, Form, Kind, Layout, Side, Slice, Value, recompute, recompute_from,
};

use crate::stamp::{digits_of, stamped};

/// Makes telegrams of one kind.
#[derive(Clone, Debug)]
pub(crate) struct Recipe {
    /// Constants, defaults and what is left out, of the layout's length.
    pub(crate) template: Box<[u8]>,
    /// Carried back from the request.
    pub(crate) echoes: Vec<(Slice, Slice)>,
    /// In the order of the file, but sequences last, since their scope may be set before.
    pub(crate) sets: Vec<Set>,
    /// What the file sets, in whatever way: also where it would be computed.
    pub(crate) said: Vec<Slice>,
}

/// One line of `set`.
#[derive(Clone, Debug)]
pub(crate) struct Set {
    pub(crate) at: Slice,
    pub(crate) source: Source,
}

/// Where the bytes of a field come from.
#[derive(Clone, Debug)]
pub(crate) enum Source {
    /// Written in the file; of the field's length.
    Constant(Box<[u8]>),
    /// Another telegram's field; the same bytes if both fields are alike, else the same value.
    Copy(Box<CopyOf>),
    /// A pattern of the institution's date and time.
    Now(Box<str>),
    /// A counter of its own for each combination of these fields.
    Sequence { counter: u32, first: u64, step: u64, per: Vec<Slice> },
    /// How often the notice has been sent, this time included.
    SendCount,
    /// The institution's next number of this scope, whatever kind of notice it is for.
    Number { first: u64, per: Vec<Slice> },
    /// So many hundredths of another telegram's number, rounded down; `rest`: what that leaves of it.
    Part { of: Box<CopyOf>, percent: u32, rest: bool },
}

/// Where a notice's number is, and of which fields its scope is made.
#[derive(Clone, Debug)]
pub(crate) struct Numbering {
    pub(crate) at: Slice,
    pub(crate) per: Vec<Slice>,
}

#[derive(Clone, Debug)]
pub(crate) struct CopyOf {
    pub(crate) origin: Origin,
    pub(crate) from: Field,
    pub(crate) to: Field,
}

/// A telegram that `copy` may copy from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// The request that is answered, or that caused the notice.
    Request,
    /// The request that an inquiry is about.
    Original,
    /// The answer that was made to it, sent or not.
    OriginalAnswer,
    /// The notice whose number a request asks for.
    Notice,
}

/// What a recipe may use.
#[derive(Clone, Copy)]
pub(crate) struct Ingredients<'a> {
    pub(crate) request: &'a [u8],
    pub(crate) original: &'a [u8],
    pub(crate) original_answer: &'a [u8],
    pub(crate) notice: &'a [u8],
    pub(crate) civil: Civil,
    pub(crate) send_count: u32,
}

/// The numbers of `sequence`, by rule and scope.
#[derive(Clone, Debug, Default)]
pub(crate) struct Counters(BTreeMap<(u32, Vec<u8>), u64>);

/// Who counts the numbers of notices: none of the `sequence` rules.
const NUMBERS: u32 = u32::MAX;

impl Counters {
    /// Leaves numbers out, of the scope that a notice with a fresh number is in; its number moves up by as many.
    pub(crate) fn skip(&mut self, numbering: &Numbering, telegram: &mut [u8], count: u64) {
        let scope = scope(&numbering.per, telegram);
        if let Some(next) = self.0.get_mut(&(NUMBERS, scope)) {
            *next = next.saturating_add(count);
            put_number(telegram, numbering.at, next.saturating_sub(1));
        }
    }

    fn next(&mut self, counter: u32, scope: Vec<u8>, first: u64, step: u64) -> u64 {
        let next = self.0.entry((counter, scope)).or_insert(first);
        let number = *next;
        *next = next.saturating_add(step);
        number
    }
}

impl Recipe {
    /// For a telegram that `side` fills: what the spec says, and nothing else yet. `request`: the layout that `echo` echoes from.
    pub(crate) fn new(layout: &Layout, side: Side, request: Option<&Layout>) -> Self {
        let mut template = Vec::with_capacity(usize::try_from(layout.len()).unwrap_or(0));
        let mut echoes = Vec::new();
        for field in layout.head() {
            match &field.fill {
                Fill::Default(bytes) | Fill::Const(bytes) if field.by.fills(side) => template.extend_from_slice(bytes),
                _ => template.resize(template.len() + field.at.range().len(), field.unset_byte()),
            }
            let same =
                request.and_then(|request| request.find(&field.path)).filter(|(_, from)| from.at.len == field.at.len);
            if let (Echo::Always, Some((_, from))) = (field.echo, same) {
                echoes.push((from.at, field.at));
            }
        }
        Self { template: template.into_boxed_slice(), echoes, sets: Vec::new(), said: Vec::new() }
    }

    /// Writes bytes into the template. They are of the field's length.
    pub(crate) fn fix(&mut self, at: Slice, bytes: &[u8]) {
        put(&mut self.template, at, bytes);
    }

    /// Adds the lines of `set`.
    pub(crate) fn add(&mut self, sets: Vec<Set>) {
        for set in sets {
            self.said.push(set.at);
            match set.source {
                Source::Constant(bytes) => {
                    // The file has the last word.
                    self.echoes.retain(|(_, to)| *to != set.at);
                    self.fix(set.at, &bytes);
                }
                _ => self.sets.push(set),
            }
        }
        self.sets.sort_by_key(|set| matches!(set.source, Source::Sequence { .. } | Source::Number { .. }));
    }

    /// Makes a telegram.
    pub(crate) fn make(&self, with: Ingredients<'_>, counters: &mut Counters) -> Vec<u8> {
        let mut telegram = self.template.to_vec();
        for (from, to) in &self.echoes {
            if let Some(bytes) = from.of(with.request) {
                put(&mut telegram, *to, bytes);
            }
        }
        apply(&self.sets, &mut telegram, with, counters);
        telegram
    }
}

/// Writes the lines of `set` into a telegram. What cannot be copied leaves the field as it was.
pub(crate) fn apply(sets: &[Set], telegram: &mut [u8], with: Ingredients<'_>, counters: &mut Counters) {
    for set in sets {
        match &set.source {
            Source::Constant(bytes) => put(telegram, set.at, bytes),
            Source::Copy(copy) => copy.write(telegram, with),
            Source::Now(pattern) => put_digits(telegram, set.at, &stamped(pattern, with.civil)),
            Source::Sequence { counter, first, step, per } => {
                let number = counters.next(*counter, scope(per, telegram), *first, *step);
                put_number(telegram, set.at, number);
            }
            Source::Number { first, per } => {
                let number = counters.next(NUMBERS, scope(per, telegram), *first, 1);
                put_number(telegram, set.at, number);
            }
            Source::Part { of, percent, rest } => of.write_part(telegram, with, *percent, *rest),
            Source::SendCount => put_number(telegram, set.at, u64::from(with.send_count)),
        }
    }
}

/// Writes what a telegram says of itself, now that all else is in its place; but what the file sets is what the file says.
pub(crate) fn compute(protocol: &Protocol, side: Side, telegram: &mut [u8], said: &[Slice]) {
    let Ok(id) = protocol.catalog.select(telegram) else { return };
    let layout = protocol.catalog.layout(id);
    if !layout.computes() {
        return;
    }
    let is_computed = |at: &Slice| layout.head().iter().any(|f| f.at == *at && matches!(f.fill, Fill::Computed(_)));
    let said: Vec<Slice> = said.iter().copied().filter(is_computed).collect();
    let kept: Vec<(Slice, Vec<u8>)> = said.iter().filter_map(|at| Some((*at, at.of(telegram)?.to_vec()))).collect();
    // What cannot be computed stays as it is, which the other side will see.
    let _ = recompute(layout, side, telegram);
    for (at, bytes) in &kept {
        put(telegram, *at, bytes);
    }
    let _ = recompute_from(layout, side, telegram, &said);
    for (at, bytes) in &kept {
        put(telegram, *at, bytes);
    }
}

/// The checksums among the fields that a side fills.
pub(crate) fn checksums(layout: &Layout, side: Side) -> impl Iterator<Item = &Field> {
    let is = |field: &&Field| matches!(&field.fill, Fill::Computed(Computed::Checksum { .. }));
    layout.head().iter().filter(move |field| field.by.fills(side)).filter(is)
}

/// Makes every checksum of a telegram another one.
pub(crate) fn spoil(protocol: &Protocol, side: Side, telegram: &mut [u8]) {
    let Ok(id) = protocol.catalog.select(telegram) else { return };
    for field in checksums(protocol.catalog.layout(id), side) {
        let zero = field.charset.encode.digit_zero();
        let is_text = match &field.kind {
            Kind::Number(number) => matches!(number.form, Form::Zoned(_)),
            _ => true,
        };
        if let Some(last) = telegram.get_mut(field.at.range()).and_then(<[u8]>::last_mut) {
            *last = match is_text {
                true if *last == zero => zero + 1,
                true => zero,
                false => *last ^ 0x10,
            };
        }
    }
}

impl CopyOf {
    fn write(&self, telegram: &mut [u8], with: Ingredients<'_>) {
        let (source, side) = self.origin.of(with);
        let (from, to) = (&self.from, &self.to);
        if from.kind == to.kind && from.at.len == to.at.len {
            if let Some(bytes) = from.at.of(source) {
                put(telegram, to.at, bytes);
            }
        } else if let Ok(value) = from.value(source, side) {
            // A value that does not fit leaves the field as it was, which the answer's reader will see.
            let _ = to.write(&value.to_value(), telegram);
        }
    }

    fn write_part(&self, telegram: &mut [u8], with: Ingredients<'_>, percent: u32, rest: bool) {
        let (source, side) = self.origin.of(with);
        let Some(whole) = self.from.value(source, side).ok().and_then(|value| value.number()) else { return };
        let part = whole.units.saturating_mul(percent.into()) / 100;
        let units = if rest { whole.units - part } else { part };
        let _ = self.to.write(&Value::Number(Decimal { units, scale: whole.scale }), telegram);
    }
}

impl Origin {
    /// Its bytes, and who filled them.
    const fn of<'a>(self, with: Ingredients<'a>) -> (&'a [u8], Side) {
        match self {
            Self::Request => (with.request, Side::Asker),
            Self::Original => (with.original, Side::Asker),
            Self::OriginalAnswer => (with.original_answer, Side::Answerer),
            Self::Notice => (with.notice, Side::Asker),
        }
    }
}

/// The bytes of these fields, one behind the other.
fn scope(per: &[Slice], telegram: &[u8]) -> Vec<u8> {
    per.iter().flat_map(|at| at.of(telegram).unwrap_or_default()).copied().collect()
}

fn put_number(telegram: &mut [u8], at: Slice, number: u64) {
    let mut digits = Vec::with_capacity(at.range().len());
    digits_of(number, at.range().len(), &mut digits);
    put_digits(telegram, at, &digits);
}

/// Digits and marks, in EBCDIC where EBCDIC stands so far: what is left out is filled with its zeros or spaces.
fn put_digits(telegram: &mut [u8], at: Slice, ascii: &[u8]) {
    let is_host = at.of(telegram).and_then(<[u8]>::first).is_some_and(|byte| matches!(byte, 0x40 | 0xF0..=0xF9));
    let charset = if is_host { Charset::Ebcdic037 } else { Charset::Ascii };
    let bytes: Vec<u8> = ascii.iter().map(|byte| charset.byte(*byte).unwrap_or(*byte)).collect();
    put(telegram, at, &bytes);
}

fn put(telegram: &mut [u8], at: Slice, bytes: &[u8]) {
    if let Some(place) = telegram.get_mut(at.range())
        && place.len() == bytes.len()
    {
        place.copy_from_slice(bytes);
    }
}
