//! The pass over all fields.

use alloc::string::String;

use super::steps::{Digits, Letters, Numbers, Place, Steps, Texts};
use super::window::{self, Window, high, same};
use super::{Number, Slots, Text, hangul};
use crate::decode::Telegram;
use crate::field::{FieldId, Fill, Side};
use crate::kind::Kind;
use crate::layout::Layout;
use crate::text::TextModes;
use crate::value::ValueRef;

/// Reads one telegram, and says whether something is wrong with a field.
#[inline]
pub(super) fn one<const MAKES_TEXT: bool>(layout: &Layout, side: Side, telegram: &[u8], slots: &mut Slots) -> bool {
    let steps = layout.steps(side);
    slots.make_room::<MAKES_TEXT>(steps, 1);
    let mut pass: Pass<'_, MAKES_TEXT, 1> =
        Pass { layout, side, made: &mut slots.made, mixed: &mut slots.mixed, wrong: 0 };
    match steps.classes.bytes(telegram) {
        Some(bytes) if steps.classes.hold(bytes) => {
            pass.all(steps, &[bytes], &mut slots.numbers, &mut slots.texts);
        }
        _ => pass.one_by_one(steps, telegram, 0, &mut slots.numbers, &mut slots.texts),
    }
    pass.wrong != 0
}

/// How many telegrams are read together.
pub(super) const LANES: usize = 16;

/// Reads blocks of telegrams, each `stride` bytes from the one before, and names those with which something may be wrong.
pub(super) fn blocks<'b, const MAKES_TEXT: bool>(
    layout: &Layout,
    side: Side,
    blocks: impl ExactSizeIterator<Item = &'b [u8]>,
    stride: usize,
    slots: &mut Slots,
    mut wrong: impl FnMut(usize),
) {
    let steps = layout.steps(side);
    slots.make_room::<MAKES_TEXT>(steps, blocks.len() * LANES);
    let (numbers, texts) = steps.counts;
    let mut of_numbers = slots.numbers.chunks_exact_mut((numbers * LANES).max(1));
    let mut of_texts = slots.texts.chunks_exact_mut((texts * LANES).max(1));
    let mut of_made = slots.made.chunks_exact_mut((texts * LANES).max(1));
    for (block, bytes) in blocks.enumerate() {
        let numbers = of_numbers.next().unwrap_or_default();
        let texts = of_texts.next().unwrap_or_default();
        let made = of_made.next().unwrap_or_default();
        let mut pass: Pass<'_, MAKES_TEXT, LANES> = Pass { layout, side, made, mixed: &mut slots.mixed, wrong: 0 };
        let rest = u64::from(!bytes.len().is_multiple_of(stride)) << (bytes.len() / stride);
        // Where there are fewer, the first one is read again.
        let mut rows = [steps.classes.bytes(bytes).unwrap_or_default(); LANES];
        for (place, row) in rows.iter_mut().zip(bytes.chunks_exact(stride)) {
            *place = steps.classes.bytes(row).unwrap_or_default();
        }
        let (mut unlike, mut bit) = (rest, 1);
        for row in rows {
            unlike |= if steps.classes.hold(row) { 0 } else { bit };
            bit <<= 1;
        }
        pass.all(steps, &rows, numbers, texts);
        if unlike != 0 {
            for (lane, row) in bytes.chunks(stride).enumerate().filter(|(lane, _)| unlike >> lane & 1 != 0) {
                pass.one_by_one(steps, row.get(..layout.len() as usize).unwrap_or(row), lane, numbers, texts);
            }
        }
        let always = if layout.is_fixed() && !layout.computes() { 0 } else { u64::MAX };
        let asked = pass.wrong | rest | always;
        if asked == 0 {
            continue;
        }
        (0..bytes.len().div_ceil(stride))
            .filter(|lane| asked >> lane & 1 != 0)
            .for_each(|lane| wrong(block * LANES + lane));
    }
}

/// Whether something may be wrong that is not one field's.
#[inline]
pub(super) fn may_be_wrong(telegram: &Telegram<'_, '_>) -> bool {
    let layout = telegram.layout();
    !layout.is_fixed() || layout.computes() || telegram.bytes().len() != layout.len() as usize
}

/// So many telegrams are read together. The value of a field in one of them stands in its lane.
struct Pass<'s, const MAKES_TEXT: bool, const LANES: usize> {
    layout: &'s Layout,
    side: Side,
    made: &'s mut [[u8; hangul::ROOM]],
    mixed: &'s mut String,
    /// A bit for each lane in which a field is not right.
    wrong: u64,
}

impl<const MAKES_TEXT: bool, const LANES: usize> Pass<'_, MAKES_TEXT, LANES> {
    /// Every field of telegrams whose bytes are of their classes.
    #[inline(always)]
    fn all(&mut self, steps: &Steps, rows: &[&[u8]; LANES], numbers: &mut [Number], texts: &mut [Text]) {
        let Numbers { plain, early, signed, loose } = &steps.numbers;
        let (mut columns, _) = numbers.as_chunks_mut();
        plain_numbers::<false, LANES>(plain, rows, taken(&mut columns, plain.len()));
        plain_numbers::<true, LANES>(early, rows, taken(&mut columns, early.len()));
        each(signed, rows, &mut columns, |step, bytes, lane| {
            signed_number(step, bytes, window::at(bytes, step.from))
                .unwrap_or_else(|| self.odd_number(step.of.id, bytes, lane))
        });
        each(loose, rows, &mut columns, |step, bytes, lane| {
            loose_number(step, bytes).unwrap_or_else(|| self.odd_number(step.of.id, bytes, lane))
        });

        let Texts { codes, plain, late, loose_codes, loose } = &steps.texts;
        let (mut columns, _) = texts.as_chunks_mut();
        each(codes, rows, &mut columns, |step, _, _| Text::plain(step.len.into()));
        for (step, column) in plain.iter().zip(taken(&mut columns, plain.len())) {
            self.text::<false>(step, rows, column);
        }
        for (step, column) in late.iter().zip(taken(&mut columns, late.len())) {
            self.text::<true>(step, rows, column);
        }
        each(loose_codes, rows, &mut columns, |step, bytes, lane| {
            loose_code(step, bytes).unwrap_or_else(|| self.odd_text(step.of.id, bytes, lane, step.at))
        });
        each(loose, rows, &mut columns, |step, bytes, lane| match loose_text(step, bytes) {
            Some(Text::NULL) => Text::NULL,
            Some(plain) => self.beyond_ascii::<true>(step, bytes, lane, plain),
            None => self.odd_text(step.of.id, bytes, lane, step.at),
        });
        for id in &steps.others {
            for (lane, bytes) in rows.iter().enumerate() {
                self.field(*id, bytes, lane);
            }
        }
    }

    /// Every field of a telegram of which some byte is not right.
    #[cold]
    fn one_by_one(&mut self, steps: &Steps, bytes: &[u8], lane: usize, numbers: &mut [Number], texts: &mut [Text]) {
        for (id, place) in (0..).map(FieldId).zip(&steps.places) {
            match place {
                Place::Number(at) => {
                    let number = self.odd_number(id, bytes, lane);
                    numbers.get_mut(usize::from(*at) * LANES + lane).into_iter().for_each(|place| *place = number);
                }
                Place::Text(at) => {
                    let text = self.odd_text(id, bytes, lane, usize::from(*at));
                    texts.get_mut(usize::from(*at) * LANES + lane).into_iter().for_each(|place| *place = text);
                }
                Place::Telegram => {}
            }
        }
        for id in &steps.others {
            self.field(*id, bytes, lane);
        }
    }

    /// A text of printable bytes, and of bytes beyond ASCII, which are looked at.
    #[inline(always)]
    fn text<const LATE: bool>(&mut self, step: &Letters, rows: &[&[u8]; LANES], column: &mut [Text; LANES]) {
        let (from, field, shift) = (step.from, step.field, if LATE { step.shift } else { 0 });
        let mut all = Window::ZERO;
        let mut read = |row: &[u8], text: &mut Text| {
            let Some(found) = window::at(row, from) else { return absent(core::slice::from_mut(text), Text::FAULT) };
            all |= found;
            *text = Text::plain(len(found, field, shift));
        };
        // Four at a time, so that the loop itself costs less.
        let ((fours, rows_left), (columns, left)) = (rows.as_chunks::<4>(), column.as_chunks_mut::<4>());
        for (rows, column) in fours.iter().zip(columns) {
            rows.iter().zip(column).for_each(|(row, text)| read(row, text));
        }
        rows_left.iter().zip(left).for_each(|(row, text)| read(row, text));
        if high(all) & field == 0 {
            return;
        }
        for lane in 0..LANES {
            column[lane] = self.beyond_ascii::<LATE>(step, rows[lane], lane, column[lane]);
        }
    }

    /// A text of so many bytes of which some may be beyond ASCII.
    #[inline(always)]
    fn beyond_ascii<const LATE: bool>(&mut self, step: &Letters, bytes: &[u8], lane: usize, plain: Text) -> Text {
        let Some(found) = window::at(bytes, step.from) else { return plain };
        let (high, Text(len)) = (high(found) & step.field, plain);
        let shift = if LATE { step.shift } else { 0 };
        if high == 0 {
            return plain;
        }
        let is_hangul = !hangul::parts(found, shift & 1 != 0) & high | (high ^ high >> 1) & step.pairs == 0;
        if !(is_hangul && step.of.korean) {
            return self.odd_text(step.of.id, bytes, lane, step.at);
        }
        if !MAKES_TEXT {
            return plain;
        }
        // Every byte that is one of a syllable, up to the last one.
        let room = self.made.get_mut(step.at * LANES + lane);
        let Some(room) = room.filter(|_| high >> shift == (1 << len) - 1) else {
            return self.odd_text(step.of.id, bytes, lane, step.at);
        };
        hangul::write(found, shift, step.len, room);
        Text::made(len / 2 * hangul::SYLLABLE)
    }

    #[cold]
    #[inline(never)]
    fn odd_number(&mut self, id: FieldId, bytes: &[u8], lane: usize) -> Number {
        match self.field(id, bytes, lane).0 {
            None => Number::FAULT,
            Some(ValueRef::Null) => Number::NULL,
            Some(_) => Number::AGAIN,
        }
    }

    #[cold]
    #[inline(never)]
    fn odd_text(&mut self, id: FieldId, bytes: &[u8], lane: usize, at: usize) -> Text {
        match self.field(id, bytes, lane) {
            (None, _) => Text::FAULT,
            (Some(ValueRef::Null), _) => Text::NULL,
            (Some(_), true) if MAKES_TEXT => {
                let room = self.made.get_mut(at * LANES + lane).and_then(|room| room.get_mut(..self.mixed.len()));
                let Some(room) = room else { return Text::AGAIN };
                room.copy_from_slice(self.mixed.as_bytes());
                Text::made(u32::try_from(room.len()).unwrap_or(u32::MAX))
            }
            (Some(_), _) => Text::AGAIN,
        }
    }

    /// A field by the way that all fields can go, and whether text was made of it.
    fn field(&mut self, id: FieldId, bytes: &[u8], lane: usize) -> (Option<ValueRef<'static>>, bool) {
        let Some(field) = self.layout.head().get(id.index()) else { return (None, false) };
        let Some(bytes) = field.at.of(bytes) else {
            self.wrong |= 1 << lane;
            return (None, false);
        };
        let is_ours = field.by.fills(self.side);
        let charset = field.charset.decode;
        let is_text = field.kind == Kind::Text && !matches!(field.fill, Fill::Const(_));
        if is_text
            && field.text.lenient == TextModes::STRICT
            && charset.plain(bytes).is_none()
            && !field.is_left_out(bytes, is_ours)
        {
            // Put where there is room, instead of in room of its own.
            self.mixed.clear();
            let read = charset.decode_into(field.unpadded(bytes), self.mixed);
            self.wrong |= u64::from(read.is_err()) << lane;
            return (read.ok().map(|()| ValueRef::Bytes(b"")), true);
        }
        let read = field.read(bytes, is_ours, |_| ()).ok();
        self.wrong |= u64::from(read.is_none()) << lane;
        let value = read.map(|value| match value {
            ValueRef::Null => ValueRef::Null,
            _ => ValueRef::Bytes(b""),
        });
        (value, false)
    }
}

/// Of a field that is not where its step says. There is none; told so, the compiler puts this out of the way.
#[cold]
#[inline(never)]
fn absent<T: Copy>(column: &mut [T], fault: T) {
    column.fill(fault);
}

/// The first columns, which the others are left without.
#[inline(always)]
fn taken<'c, T>(columns: &mut &'c mut [T], count: usize) -> &'c mut [T] {
    columns.split_off_mut(..count).unwrap_or_default()
}

/// Each step in each lane.
#[inline(always)]
fn each<'s, S, T, const LANES: usize>(
    steps: &'s [S],
    rows: &[&[u8]; LANES],
    columns: &mut &mut [[T; LANES]],
    mut read: impl FnMut(&'s S, &[u8], usize) -> T,
) {
    if steps.is_empty() {
        return;
    }
    for (step, column) in steps.iter().zip(taken(columns, steps.len())) {
        for lane in 0..LANES {
            column[lane] = read(step, rows[lane], lane);
        }
    }
}

/// Numbers of which nothing is left to be asked, two at a time.
#[inline(always)]
fn plain_numbers<const EARLY: bool, const LANES: usize>(
    steps: &[Digits],
    rows: &[&[u8]; LANES],
    columns: &mut [[Number; LANES]],
) {
    if let [bytes] = rows[..] {
        let ((pairs, rest), (columns, last)) = (steps.as_chunks(), columns.as_flattened_mut().as_chunks_mut());
        for ([a, b], column) in pairs.iter().zip(columns) {
            two_numbers::<EARLY>([a, b], [bytes; 2], column);
        }
        for (step, column) in rest.iter().zip(last) {
            let mut twice = [Number::FAULT; 2];
            two_numbers::<EARLY>([step; 2], [bytes; 2], &mut twice);
            [*column, _] = twice;
        }
        return;
    }
    let (rows, _) = rows.as_chunks();
    for (step, column) in steps.iter().zip(columns) {
        let (step, (column, _)) = (&step.clone(), column.as_chunks_mut());
        for (rows, column) in rows.iter().zip(column) {
            two_numbers::<EARLY>([step; 2], *rows, column);
        }
    }
}

#[inline(always)]
fn two_numbers<const EARLY: bool>([a, b]: [&Digits; 2], rows: [&[u8]; 2], column: &mut [Number; 2]) {
    let window = |step: &Digits, bytes| {
        if EARLY { window::moved_up(bytes, step.up) } else { window::at(bytes, step.from) }
    };
    let (Some(first), Some(second)) = (window(a, rows[0]), window(b, rows[1])) else {
        return absent(column, Number::FAULT);
    };
    let [first, second] = window::joined_two(first & a.mask, second & b.mask);
    *column = [Number::units(first), Number::units(second)];
}

/// A number with its sign; `None` if there is none, or nought has one.
#[inline(always)]
fn signed_number(step: &Digits, bytes: &[u8], found: Option<Window>) -> Option<Number> {
    let sign = bytes.get(step.sign? as usize)?;
    let units = window::joined(found? & step.mask);
    let number = Number::units(if *sign == b'-' { units.wrapping_neg() } else { units });
    (*sign != b',' && !(*sign == b'-' && units == 0)).then_some(number)
}

/// A number that may be blank, of bytes that nobody has looked at; `None` if it is not simply one.
#[inline(always)]
fn loose_number(step: &Digits, bytes: &[u8]) -> Option<Number> {
    let found = if step.up > 0 { window::moved_up(bytes, step.up) } else { window::at(bytes, step.from) }?;
    let field = same(step.mask, 0x0F);
    let sign = step.sign.map(|at| bytes.get(at as usize).copied().unwrap_or_default());
    if same(found, b' ') & field == field && step.of.no_spaces && sign.is_none_or(|sign| sign == b' ') {
        return Some(Number::NULL);
    }
    if window::within(found, Window::splat(b'0'), Window::splat(9)) & field != field {
        return None;
    }
    let units = window::joined(found & step.mask);
    match sign {
        None if units == 0 && step.of.no_zeros => Some(Number::NULL),
        None => Some(Number::units(units)),
        Some(b'+' | b'-') => signed_number(step, bytes, Some(found)),
        Some(_) => None,
    }
}

/// The same of a code.
#[inline(always)]
fn loose_code(step: &Letters, bytes: &[u8]) -> Option<Text> {
    let found = window::at(bytes, step.from)?;
    let is_all = |bits: u32| bits & step.field == step.field;
    if (step.of.no_spaces && is_all(same(found, b' '))) || (step.of.no_zeros && is_all(same(found, b'0'))) {
        return Some(Text::NULL);
    }
    is_all(window::within(found, Window::splat(b'0'), Window::splat(9))).then(|| Text::plain(step.len))
}

/// The same of a text, which may go beyond ASCII.
#[inline(always)]
fn loose_text(step: &Letters, bytes: &[u8]) -> Option<Text> {
    let found = window::at(bytes, step.from)?;
    let is_all = |bits: u32| bits & step.field == step.field;
    let (spaces, zeros) = (is_all(same(found, b' ')), is_all(same(found, b'0')));
    if (step.of.no_spaces && spaces) || (step.of.no_zeros && zeros) {
        return Some(Text::NULL);
    }
    let printable = window::within(found, Window::splat(b' '), Window::splat(0x7E - b' '));
    is_all(printable | high(found)).then(|| Text::plain(len(found, step.field, step.shift)))
}

/// How many bytes of a field there are before the spaces at its end.
#[inline(always)]
fn len(found: Window, field: u32, shift: u32) -> u32 {
    // A bit before the field's, so that there is a highest one.
    ((!same(found, b' ') & field) << 1 | 1 << shift).ilog2() - shift
}
