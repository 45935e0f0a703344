use alloc::borrow::Cow;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use crate::cell::{Cell, Indices};
use crate::computed::{Computed, Reckoned, Seen};
use crate::decimal::Decimal;
use crate::fault::{Fault, Rule};
use crate::field::{Echo, Field, FieldId, Fill, Side, Slice, Unset};
use crate::kind::{Blank, Form, Kind, Number};
use crate::layout::Layout;
use crate::mask::masked;
use crate::value::{Value, ValueRef};
use crate::walk::{Cells, Walk};

/// A telegram as it lies in memory, seen through its layout. Nothing is decoded before it is asked for.
///
/// Decoding is strict: a field holds what its kind says, or there is a [`Fault`]. A field that the side does not fill, or that
/// it may leave out, reads as [`ValueRef::Null`] when it is blank:
///
/// | field                     | all spaces | all zeros                                              |
/// |---------------------------|------------|--------------------------------------------------------|
/// | not filled by the side    | `Null`     | `Null`                                                 |
/// | ... carried back (`echo`) | `Null`     | the zeros if its unset fill is spaces, else `Null`     |
/// | filled, optional (`?`)    | `Null`     | `Null` if that is its unset fill; a plain number is 0  |
/// | filled, a text            | `""`       | the zeros                                              |
/// | filled, a number          | a fault    | 0; a fault where a sign or a point should be           |
/// | ... [`Blank::Null`]       | `Null`     | the same                                               |
/// | ... [`Blank::Zero`]       | 0          | the same                                               |
/// | filled, a code            | a fault    | the zeros                                              |
/// | filled, a date            | `Null`     | `Null`                                                 |
/// | filled, a time of day     | `Null`     | midnight                                               |
///
/// Packed, BCD and binary numbers that the side does not fill are `Null` if they are nought or blank; if it fills them, only packed
/// ones can be left blank.
///
/// Fillers are bytes, whatever they hold.
#[derive(Clone, Copy)]
pub struct Telegram<'l, 'b> {
    layout: &'l Layout,
    bytes: &'b [u8],
    side: Side,
}

impl<'l, 'b> Telegram<'l, 'b> {
    /// Looks at bytes (length prefix not included) that `side` has filled. Any length is accepted: bytes that are
    /// missing or too many are faults, and hide none of the other fields.
    #[must_use]
    pub const fn new(layout: &'l Layout, bytes: &'b [u8], side: Side) -> Self {
        Self { layout, bytes, side }
    }

    /// The layout.
    #[must_use]
    pub const fn layout(&self) -> &'l Layout {
        self.layout
    }

    /// All bytes.
    #[must_use]
    pub const fn bytes(&self) -> &'b [u8] {
        self.bytes
    }

    /// Who filled it.
    #[must_use]
    pub const fn side(&self) -> Side {
        self.side
    }

    /// One field of those at fixed places ([`Layout::head`]).
    ///
    /// # Errors
    /// The field's bytes break its rule, or are not there. An id of another layout, or of a field that moves, is [`Rule::Unknown`].
    #[inline]
    pub fn get(&self, id: FieldId) -> Result<ValueRef<'b>, Fault> {
        match self.layout.head().get(id.index()) {
            Some(field) => self.head_value(id, field),
            None => Err(Fault::of_telegram(self.layout, Rule::Unknown { nearest: None })),
        }
    }

    /// One field by its path; of one that moves, the occurrence that the indices in the path name: `scores[0].grade`. One that moves is
    /// looked for from the beginning of the telegram, as long as [`Telegram::cells`] takes to come there: who wants many takes those.
    ///
    /// # Errors
    /// As [`Telegram::get`]; [`Rule::Unknown`] with the nearest path if there is no such field, [`Rule::NotHere`] if this telegram does
    /// not have it.
    pub fn named(&self, path: &str) -> Result<ValueRef<'b>, Fault> {
        match self.layout.find(path) {
            Some((id, field)) => self.head_value(id, field),
            None => self.named_cell(path),
        }
    }

    fn named_cell(&self, path: &str) -> Result<ValueRef<'b>, Fault> {
        let Some((id, indices)) = self.layout.find_cell(path) else { return Err(Fault::unknown(self.layout, path)) };
        let mut cells = self.cells();
        match cells.find(|(cell, _)| cell.id == id && cell.indices == indices) {
            Some((_, value)) => value,
            None => Err(Fault::not_here(self.layout, path, id)),
        }
    }

    /// Every field at a fixed place with its value or its fault, in the order of the layout ([`Layout::head`]).
    #[must_use]
    pub const fn fields(&self) -> Fields<'l, 'b> {
        Fields { telegram: *self, next: 0 }
    }

    /// Every field as often as this telegram has it, with its value or its fault, in the order of the bytes.
    ///
    /// Where a count or key makes it impossible to know what follows, its field comes once more, with that fault, and is the last.
    /// The number of cells is bounded by the bytes; nothing is allocated for a layout of which all is fixed.
    #[must_use]
    pub fn cells(&self) -> Cells<'l, 'b> {
        Cells::new(*self)
    }

    /// What to give to [`crate::encode`] to have this telegram again: every cell with its value, [`Value::Null`] where its side left it out or
    /// may not give it (so that an occurrence of a repeat is there all the same).
    ///
    /// The bytes are the same again, but for what [`crate::Number`] and [`crate::TextRule`] name, and what stands where this side gives
    /// nothing: in fillers that nobody fills, in fields of the other side, and stamps of a request. Those become their unset fill.
    ///
    /// # Errors
    /// [`Telegram::faults`], if there are any.
    pub fn to_values(&self) -> Result<Vec<(String, Value)>, Vec<Fault>> {
        let mut values = Vec::new();
        for (cell, value) in self.cells() {
            let Ok(value) = value else { return Err(self.faults()) };
            let is_carried_back = self.side == Side::Answerer && cell.field.echo != Echo::No;
            let is_stamped = cell.field.fill == Fill::Stamped && !is_carried_back;
            let value = if cell.field.may_be_given_by(self.side) && !is_stamped { value.into() } else { Value::Null };
            values.push((cell.path().to_string(), value));
        }
        let faults = self.faults();
        if faults.is_empty() { Ok(values) } else { Err(faults) }
    }

    /// All that is wrong, the length included. Empty if nothing is; then nothing was kept.
    #[must_use]
    pub fn faults(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        if self.layout.is_fixed() {
            faults.extend(self.length_fault(self.layout.len()));
            faults.extend(self.fields().filter_map(|(_, _, value)| value.err()));
            return faults;
        }
        let mut cells = self.cells();
        faults.extend(cells.by_ref().filter_map(|(_, value)| value.err()));
        if let Some(fault) = cells.end().and_then(|end| self.length_fault(end)) {
            faults.insert(0, fault);
        }
        faults
    }

    /// How long it must be, as its layout says, or as its counts and keys say where parts move; `None` if they cannot be read.
    #[must_use]
    pub fn expected_len(&self) -> Option<u32> {
        if self.layout.is_fixed() {
            return Some(self.layout.len());
        }
        let mut walk = Walk::new(self);
        while walk.step().is_some() {}
        walk.end()
    }

    #[inline]
    fn head_value(&self, id: FieldId, field: &'l Field) -> Result<ValueRef<'b>, Fault> {
        let value = field.value(self.bytes, self.side)?;
        if let Fill::Computed(_) = &field.fill {
            return self.checked_computed(&Cell { id, field, at: field.at, indices: Indices::default() }, value);
        }
        Ok(value)
    }

    /// A value with what is beside it, if it agrees with what the rest of the telegram says of it. `known`: what was seen for cells before
    /// this one, so that a telegram of many that look at each other is not walked through for each of them.
    #[inline]
    pub(crate) fn checked(
        &self,
        cell: &Cell<'l>,
        value: ValueRef<'b>,
        known: &mut Vec<(FieldId, Reckoned)>,
    ) -> Result<ValueRef<'b>, Fault> {
        if !self.layout.computes() {
            return Ok(value);
        }
        let value = cell.field.with_beside(value, cell.at, self.bytes);
        let value = value.map_err(|rule| self.fault_of(cell, rule))?;
        match &cell.field.fill {
            Fill::Computed(computed)
                if computed.looks_far() && !cell.indices.as_slice().is_empty() && cell.field.by.fills(self.side) =>
            {
                let at = known.iter().position(|(id, _)| *id == cell.id).unwrap_or_else(|| {
                    known.push((cell.id, Reckoned::new(self, cell.id, computed)));
                    known.len() - 1
                });
                let seen = known.get(at).map(|(_, reckoned)| reckoned.seen(cell)).unwrap_or_default();
                self.compared(cell, computed, value, &seen)
            }
            _ => self.checked_computed(cell, value),
        }
    }

    #[cold]
    fn checked_computed(&self, cell: &Cell<'l>, value: ValueRef<'b>) -> Result<ValueRef<'b>, Fault> {
        let Fill::Computed(computed) = &cell.field.fill else { return Ok(value) };
        if !cell.field.by.fills(self.side) {
            return Ok(value);
        }
        let seen = Reckoned::new(self, cell.id, computed).seen(cell);
        self.compared(cell, computed, value, &seen)
    }

    /// A value, if it is what the rest of the telegram says it is.
    #[cold]
    pub(crate) fn compared(
        &self,
        cell: &Cell<'l>,
        computed: &Computed,
        value: ValueRef<'b>,
        seen: &Seen,
    ) -> Result<ValueRef<'b>, Fault> {
        computed.check(self, cell, &value, seen).map_err(|rule| self.fault_of(cell, rule))?;
        Ok(value)
    }

    fn fault_of(&self, cell: &Cell<'l>, rule: Rule) -> Fault {
        Fault::of_cell(cell, cell.at.of(self.bytes).unwrap_or_default(), rule)
    }

    /// Where the bytes end that fields cover.
    fn end(&self) -> u32 {
        if self.layout.is_fixed() {
            return self.layout.len();
        }
        let mut walk = Walk::new(self);
        while walk.step().is_some() {}
        walk.reached()
    }

    fn length_fault(&self, expected: u32) -> Option<Fault> {
        let found = u32::try_from(self.bytes.len()).unwrap_or(u32::MAX);
        (expected != found).then(|| Fault::of_telegram(self.layout, Rule::Length { expected, found }))
    }

    /// Bytes that no field covers: what lies behind the last one, or behind a count or key after which nothing is known.
    #[must_use]
    pub fn uncovered(&self) -> &'b [u8] {
        self.bytes.get(usize::try_from(self.end()).unwrap_or(usize::MAX)..).unwrap_or_default()
    }
}

/// Every field with its value masked ([`masked`]), so that a log line gives nothing away.
impl fmt::Debug for Telegram<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {} ({} bytes) ", self.layout.name(), self.side.word(), self.bytes.len())?;
        let mut map = f.debug_map();
        for (cell, _) in self.cells() {
            if let Some(bytes) = cell.at.of(self.bytes) {
                map.entry(&format_args!("{:?}", alloc::format!("{}", cell.path())), &masked(cell.field, bytes).1);
            }
        }
        map.finish()
    }
}

/// The fields of a telegram that have fixed places, in order ([`Telegram::fields`]).
#[derive(Clone, Debug)]
pub struct Fields<'l, 'b> {
    telegram: Telegram<'l, 'b>,
    next: u16,
}

impl<'l, 'b> Iterator for Fields<'l, 'b> {
    type Item = (FieldId, &'l Field, Result<ValueRef<'b>, Fault>);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let id = FieldId(self.next);
        let field = self.telegram.layout.head().get(id.index())?;
        self.next += 1;
        Some((id, field, self.telegram.head_value(id, field)))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.telegram.layout.head().len() - usize::from(self.next);
        (left, Some(left))
    }
}

impl ExactSizeIterator for Fields<'_, '_> {}

impl Field {
    /// The field's value in a telegram that `side` has filled.
    ///
    /// # Errors
    /// The field's bytes break its rule, or the telegram ends before them ([`Rule::CutShort`]).
    #[inline]
    pub fn value<'b>(&self, telegram: &'b [u8], side: Side) -> Result<ValueRef<'b>, Fault> {
        let Some(bytes) = self.at.of(telegram) else {
            return Err(self.cut_short(telegram));
        };
        let value = self.read(bytes, self.by.fills(side), |rule| Fault::new(self, bytes, rule))?;
        match &self.kind {
            Kind::Number(number) if number.has_beside() => {
                self.with_beside(value, self.at, telegram).map_err(|rule| Fault::new(self, bytes, rule))
            }
            _ => Ok(value),
        }
    }

    /// A number with its sign and its decimals, which are in fields beside it; `at` is where the number itself is.
    pub(crate) fn with_beside<'b>(
        &self,
        value: ValueRef<'b>,
        at: Slice,
        telegram: &[u8],
    ) -> Result<ValueRef<'b>, Rule> {
        let (Kind::Number(number), ValueRef::Number(found)) = (&self.kind, &value) else { return Ok(value) };
        let (mut found, charset) = (*found, self.charset.decode);
        if let Some(fraction) = number.fraction {
            let bytes = fraction.of(at.offset, telegram).ok_or(Rule::CutShort { found: 0 })?;
            let scale = u8::try_from(fraction.len).unwrap_or(u8::MAX);
            let decimals = if is_all(bytes, charset.blank()) {
                Decimal::whole(0)
            } else {
                Number::plain(scale, scale).read(bytes, charset)?
            };
            let whole = found.units.checked_mul(10_i128.checked_pow(fraction.len).ok_or(Rule::NotDigits)?);
            let units = whole.and_then(|whole| whole.checked_add(decimals.units)).ok_or(Rule::NotDigits)?;
            found = Decimal { units, scale };
        }
        if let Some(sign) = number.sign {
            let mark = sign.of(at.offset, telegram).and_then(<[u8]>::first).ok_or(Rule::CutShort { found: 0 })?;
            let is_plus = |mark: u8| mark == charset.blank() || mark == charset.digit_zero();
            match *mark {
                mark if Some(mark) == charset.byte(b'-') => found.units = -found.units,
                mark if Some(mark) == charset.byte(b'+') || is_plus(mark) => {}
                _ => return Err(Rule::NotSign),
            }
        }
        Ok(ValueRef::Number(found))
    }

    #[cold]
    fn cut_short(&self, telegram: &[u8]) -> Fault {
        let left = telegram.get(self.at.range().start..).unwrap_or_default();
        Fault::new(self, left, Rule::CutShort { found: u32::try_from(left.len()).unwrap_or(u32::MAX) })
    }

    /// Whether the field may hold these bytes when the side that fills it has filled it.
    pub(crate) fn check_own(&self, bytes: &[u8]) -> Result<(), Rule> {
        self.read(bytes, true, |rule| rule).map(|_| ())
    }

    /// Reads the field's bytes, as many as it has. `ours`: the side that sent them fills the field. What is wrong goes through
    /// `fail` where it is found, so that no result is copied into another on the way.
    #[inline]
    pub(crate) fn read<'b, E>(
        &self,
        bytes: &'b [u8],
        ours: bool,
        fail: impl FnOnce(Rule) -> E,
    ) -> Result<ValueRef<'b>, E> {
        let is_left_out = match &self.kind {
            Kind::Filler => false,
            Kind::Number(number) if !number.is_text() => self.is_left_out_as_number(*number, bytes, ours),
            _ => self.is_left_out(bytes, ours),
        };
        if is_left_out {
            return Ok(ValueRef::Null);
        }
        if let Fill::Const(expected) = &self.fill
            && **expected != *bytes
        {
            return Err(fail(Rule::NotConst { expected: expected.clone() }));
        }
        match &self.kind {
            Kind::Text => match self.read_text(bytes) {
                Ok(text) => Ok(ValueRef::Text(text)),
                Err(rule) => Err(fail(rule)),
            },
            Kind::Lines { each } => match self.read_lines(*each, bytes) {
                Ok(text) => Ok(ValueRef::Text(text)),
                Err(rule) => Err(fail(rule)),
            },
            Kind::Number(number) => match number.read(bytes, self.charset.decode) {
                Ok(number) => Ok(ValueRef::Number(number)),
                // Blank bytes are no number in any form that can be blank.
                Err(rule) => match number.blank {
                    Blank::Null if self.is_blank(*number, bytes) => Ok(ValueRef::Null),
                    Blank::Zero if self.is_blank(*number, bytes) => {
                        Ok(ValueRef::Number(Decimal { units: 0, scale: number.scale }))
                    }
                    _ => Err(fail(rule)),
                },
            },
            Kind::Code => match self.plain(bytes).filter(|text| text.bytes().all(|byte| byte.is_ascii_digit())) {
                Some(text) => Ok(ValueRef::Text(text)),
                None => Err(fail(Rule::NotDigits)),
            },
            Kind::Stamp(stamp) => match self.plain(bytes).filter(|text| stamp.matches(text.as_bytes())) {
                Some(text) => Ok(ValueRef::Text(text)),
                None => Err(fail(Rule::NotDate { pattern: stamp.pattern.clone() })),
            },
            Kind::Filler => Ok(ValueRef::Bytes(bytes)),
        }
    }

    /// Bytes as text of ASCII characters, which digits and the marks between them are in every charset.
    #[inline]
    fn plain<'b>(&self, bytes: &'b [u8]) -> Option<Cow<'b, str>> {
        if self.charset.decode.is_ebcdic() {
            self.charset.decode.decode(bytes).ok()
        } else {
            core::str::from_utf8(bytes).ok().map(Cow::Borrowed)
        }
    }

    /// Whether the bytes are what stands where a number was left blank.
    fn is_blank(&self, number: Number, bytes: &[u8]) -> bool {
        is_all(bytes, self.charset.decode.blank()) || (!number.is_text() && is_all(bytes, 0))
    }

    /// Whether the bytes are what stands where a field was left out, and nothing else.
    pub(crate) fn is_unset(&self, bytes: &[u8]) -> bool {
        let charset = self.charset.decode;
        match self.kind {
            Kind::Number(number) if number.blank == Blank::Null => is_all(bytes, charset.blank()),
            Kind::Number(Number { form: Form::Packed { .. }, .. }) if self.unset == Unset::Space => {
                is_all(bytes, charset.blank())
            }
            Kind::Number(number) if !number.is_text() => {
                number.read(bytes, charset).is_ok_and(|number| number.units == 0)
            }
            _ => is_all(bytes, self.unset.byte(charset)),
        }
    }

    /// The same as [`Field::is_left_out`] of packed, BCD and binary numbers, whose zeros are no digits of a charset.
    fn is_left_out_as_number(&self, number: Number, bytes: &[u8], ours: bool) -> bool {
        if ours {
            // Spaces may be a number in the others.
            let can_be_blank = matches!(number.form, Form::Packed { .. }) && number.blank != Blank::Zero;
            return can_be_blank && self.by.optional && is_all(bytes, self.charset.decode.blank());
        }
        let is_zero = number.read(bytes, self.charset.decode).is_ok_and(|number| number.units == 0);
        is_zero || self.is_blank(number, bytes)
    }

    /// Whether zeros are a value that the other side gave and that is carried back: for no value something else would be written.
    pub(crate) fn carries_zeros_back(&self) -> bool {
        self.echo != Echo::No
            && match &self.kind {
                Kind::Number(number) => {
                    let is_zero_without_value = self.unset == Unset::Zero && number.blank != Blank::Null;
                    number.is_zero_if_filled_with_zeros() && !is_zero_without_value
                }
                Kind::Stamp(stamp) => self.unset == Unset::Space && !stamp.has_date(),
                _ => self.unset == Unset::Space,
            }
    }

    #[inline]
    pub(crate) fn is_left_out(&self, bytes: &[u8], ours: bool) -> bool {
        let charset = self.charset.decode;
        let blank = match bytes.first() {
            Some(first) if *first == charset.blank() => Unset::Space,
            Some(first) if *first == charset.digit_zero() => Unset::Zero,
            _ => return false,
        };
        if !is_all(bytes, blank.byte(charset)) {
            return false;
        }
        if !ours {
            return blank == Unset::Space || !self.carries_zeros_back();
        }
        match (&self.kind, blank) {
            (Kind::Stamp(_), Unset::Space) => true,
            (Kind::Stamp(stamp), Unset::Zero) => stamp.has_date() || (self.by.optional && self.unset == Unset::Zero),
            (Kind::Number(number), Unset::Space) => self.by.optional && number.blank != Blank::Zero,
            (_, Unset::Space) => self.by.optional,
            // Nobody can tell a number that was left out from one that is nought; nought is what the bytes say.
            (Kind::Number(number), Unset::Zero) if number.is_zero_if_filled_with_zeros() => false,
            (_, Unset::Zero) => self.by.optional && self.unset == Unset::Zero,
        }
    }
}

/// Without the padding at the right.
pub(crate) fn trim_right(mut bytes: &[u8], pad: u8) -> &[u8] {
    while let Some((rest, last)) = bytes.split_last_chunk()
        && *last == [pad; 8]
    {
        bytes = rest;
    }
    while let Some((last, rest)) = bytes.split_last()
        && *last == pad
    {
        bytes = rest;
    }
    bytes
}

/// Whether all bytes are `fill`: eight at a time, because most fields are longer than they look.
fn is_all(bytes: &[u8], fill: u8) -> bool {
    let (words, rest) = bytes.as_chunks::<8>();
    words.iter().all(|word| *word == [fill; 8]) && rest.iter().all(|&byte| byte == fill)
}

#[cfg(test)]
mod tests;
