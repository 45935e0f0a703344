//! The pass over all fields.

use alloc::string::String;
use alloc::vec::Vec;
use core::hint::select_unpredictable;

use super::steps::{Kinds, Long, Of, Short, Steps};
use super::word::{
    SPACES, ZEROS, has_no_hangul, joined, load, load_two, not_digits, not_hangul, not_printable, not_printable_two,
};
use super::{Number, Reading, Slots, Span, Text, hangul};
use crate::decode::Telegram;
use crate::field::{FieldId, Fill};
use crate::kind::Kind;
use crate::text::TextModes;
use crate::value::ValueRef;

/// 16 digits are two words of eight.
const HUNDRED_MILLION: u64 = 100_000_000;

impl<'l, 'b> Telegram<'l, 'b> {
    #[inline]
    pub(super) fn read<const MAKES_TEXT: bool>(&self, slots: &'b mut Slots) -> Reading<'l, 'b> {
        let steps = self.layout().steps(self.side());
        slots.make_room(steps);
        let mut pass: Pass<'_, '_, '_, MAKES_TEXT> = Pass {
            telegram: *self,
            bytes: self.bytes(),
            spans: &mut slots.spans,
            made: &mut slots.made,
            mixed: &mut slots.mixed,
            is_wrong: !self.layout().is_fixed()
                || self.layout().computes()
                || self.bytes().len() != self.layout().len() as usize,
        };
        pass.all(steps, &mut slots.numbers, &mut slots.texts);
        let faults = if pass.is_wrong { self.faults() } else { Vec::new() };
        Reading { telegram: *self, slots, faults }
    }
}

impl Short {
    /// Bytes of text before the spaces at its end, of a word that differs from spaces in what is set.
    #[inline(always)]
    fn len(&self, text: u64) -> u32 {
        u32::from(self.bits).wrapping_sub((text | self.floor).leading_zeros()) / 8
    }
}

impl Long {
    /// The same of two words.
    #[inline(always)]
    fn len(&self, first: u64, last: u64) -> u32 {
        let end = select_unpredictable(last == 0, first | self.floor, last);
        let behind = select_unpredictable(last == 0, 64, 0);
        u32::from(self.bits).wrapping_sub(end.leading_zeros()).wrapping_sub(behind) / 8
    }
}

struct Pass<'l, 'b, 's, const MAKES_TEXT: bool> {
    telegram: Telegram<'l, 'b>,
    bytes: &'b [u8],
    spans: &'s mut Vec<Span>,
    made: &'s mut Vec<u8>,
    mixed: &'s mut String,
    is_wrong: bool,
}

impl<const MAKES_TEXT: bool> Pass<'_, '_, '_, MAKES_TEXT> {
    #[inline(always)]
    fn all(&mut self, steps: &Steps, numbers: &mut [Number], texts: &mut [Text]) {
        let [sure, maybe] = &steps.kinds;
        let (numbers, texts) = self.kinds::<false>(sure, numbers, texts);
        if !numbers.is_empty() || !texts.is_empty() {
            self.kinds::<true>(maybe, numbers, texts);
        }
        for id in &steps.others {
            self.other(*id);
        }
    }

    /// Returns the places that are left.
    #[inline(always)]
    fn kinds<'p, const BLANK: bool>(
        &mut self,
        kinds: &Kinds,
        numbers: &'p mut [Number],
        texts: &'p mut [Text],
    ) -> (&'p mut [Number], &'p mut [Text]) {
        let bytes = self.bytes;
        let (short, numbers) = numbers.split_at_mut_checked(kinds.numbers.short.len()).unwrap_or_default();
        for (step, number) in kinds.numbers.short.iter().zip(short) {
            let digits = (load(bytes, step.from) ^ ZEROS) & step.mask;
            let is_right = not_digits(digits) == 0 && !(BLANK && digits == 0);
            *number = if is_right { Number::units(joined(digits)) } else { self.short_number::<BLANK>(step) };
        }
        let (long, numbers) = numbers.split_at_mut_checked(kinds.numbers.long.len()).unwrap_or_default();
        for (step, number) in kinds.numbers.long.iter().zip(long) {
            let [first, last] = load_two(bytes, step.from);
            let (high, low) = ((first ^ ZEROS) & step.mask, last ^ ZEROS);
            let is_right = not_digits(high) | not_digits(low) == 0 && !(BLANK && high | low == 0);
            let units = joined(high).wrapping_mul(HUNDRED_MILLION).wrapping_add(joined(low));
            *number = if is_right { Number::units(units) } else { self.odd_number(step.of) };
        }
        let (signed, numbers) = numbers.split_at_mut_checked(kinds.signed.len()).unwrap_or_default();
        for (step, number) in kinds.signed.iter().zip(signed) {
            *number = self.signed_number(step, load_two(bytes, step.from));
        }
        let (codes, texts) = texts.split_at_mut_checked(kinds.codes.short.len()).unwrap_or_default();
        for (step, text) in kinds.codes.short.iter().zip(codes) {
            let digits = (load(bytes, step.from) ^ ZEROS) & step.mask;
            let is_right = not_digits(digits) == 0 && !(BLANK && digits == 0);
            *text = if is_right { Text::plain(u32::from(step.bits) / 8) } else { self.odd_text(step.of) };
        }
        let (short, texts) = texts.split_at_mut_checked(kinds.texts.short.len()).unwrap_or_default();
        for (step, text) in kinds.texts.short.iter().zip(short) {
            let found = (load(bytes, step.from) ^ SPACES) & step.mask;
            let is_blank = BLANK && (found == 0 || found == (ZEROS ^ SPACES) & step.mask);
            let is_right = not_printable(found ^ SPACES) == 0 && !is_blank;
            *text = if is_right { Text::plain(step.len(found)) } else { self.short_text::<BLANK>(step) };
        }
        let (long, texts) = texts.split_at_mut_checked(kinds.texts.long.len()).unwrap_or_default();
        for (step, text) in kinds.texts.long.iter().zip(long) {
            let [first, last] = load_two(bytes, step.from);
            let (first, last) = ((first ^ SPACES) & step.mask, last ^ SPACES);
            let is_blank = first | last == 0 || (first == (ZEROS ^ SPACES) & step.mask && last == ZEROS ^ SPACES);
            *text = if not_printable_two(first ^ SPACES, last ^ SPACES) != 0 {
                self.long_text(step, first, last)
            } else if BLANK && is_blank {
                self.odd_text(step.of)
            } else {
                Text::plain(step.len(first, last))
            };
        }
        (numbers, texts)
    }

    /// The word of a field for which the loop has stopped, perhaps because it ends before a word can.
    fn word(&self, step: &Short) -> u64 {
        if step.up == 0 { load(self.bytes, step.from) } else { load(self.bytes, 0) << (step.up & 63) }
    }

    #[inline(never)]
    fn short_number<const BLANK: bool>(&mut self, step: &Short) -> Number {
        let digits = (self.word(step) ^ ZEROS) & step.mask;
        if not_digits(digits) != 0 || (BLANK && digits == 0) {
            return self.odd_number(step.of);
        }
        Number::units(joined(digits))
    }

    #[inline(never)]
    fn short_text<const BLANK: bool>(&mut self, step: &Short) -> Text {
        let text = (self.word(step) ^ SPACES) & step.mask;
        if not_printable(text ^ SPACES) == 0 {
            let is_blank = BLANK && (text == 0 || text == (ZEROS ^ SPACES) & step.mask);
            return if is_blank { self.odd_text(step.of) } else { Text::plain(step.len(text)) };
        }
        let blank = (text | step.floor).leading_zeros();
        let seen = [0, (u64::MAX >> (blank & 56)) & step.mask];
        self.beyond_ascii(step.of, [0, text ^ SPACES], seen, step.bits.into(), step.len(text))
    }

    #[inline(always)]
    fn signed_number(&mut self, step: &Long, [first, last]: [u64; 2]) -> Number {
        let (high, low) = ((first ^ ZEROS) & step.mask, (last ^ ZEROS) & step.floor);
        let units = joined(high).wrapping_mul(HUNDRED_MILLION).wrapping_add(joined(low));
        let before = (step.from + 15).wrapping_sub(u32::from(step.bits) / 8);
        let sign = self.bytes.get(before as usize);
        match sign {
            _ if not_digits(high) | not_digits(low) != 0 => self.odd_number(step.of),
            Some(b'+') => Number::units(units),
            // Nought has no sign.
            Some(b'-') if units != 0 => Number::units(units.wrapping_neg()),
            _ => self.odd_number(step.of),
        }
    }

    #[inline(always)]
    fn long_text(&mut self, step: &Long, first: u64, last: u64) -> Text {
        let len = step.len(first, last);
        // Pairs that begin where a word does, as in every field of an even length.
        if !MAKES_TEXT && step.of.korean && u32::from(step.bits) & 8 == 0 && len & 1 == 0 {
            return if has_no_hangul(first) | has_no_hangul(last) { self.odd_text(step.of) } else { Text::raw(len) };
        }
        let seen = u64::MAX >> (select_unpredictable(last == 0, first | step.floor, last).leading_zeros() & 56);
        let seen =
            [select_unpredictable(last == 0, seen, u64::MAX) & step.mask, select_unpredictable(last == 0, 0, seen)];
        self.beyond_ascii(step.of, [first ^ SPACES, last ^ SPACES], seen, step.bits.into(), len)
    }

    /// A text of at most 16 bytes that is not all ASCII, in two words of which the second one ends with its field. `seen` are the bits of
    /// the text itself.
    #[inline(always)]
    fn beyond_ascii(&mut self, of: Of, words: [u64; 2], seen: [u64; 2], bits: u32, len: u32) -> Text {
        // Which byte of a pair comes first in a word depends on where the field begins in it.
        let turn = bits & 8;
        let wrong = (not_hangul(words[0], turn) & seen[0]) | (not_hangul(words[1], turn) & seen[1]);
        // Nothing at all is here because it may be no value.
        if wrong != 0 || len & 1 != 0 || len == 0 || !of.korean {
            return self.odd_text(of);
        }
        if !MAKES_TEXT {
            return Text::raw(len);
        }
        // The field's own bytes from the lowest on.
        let down = 135_u32.wrapping_sub(bits) & 127;
        let pairs = (u128::from(words[0]) | u128::from(words[1]) << 64) >> down;
        let [first, rest] = [pairs, pairs >> 64].map(|pairs| u64::try_from(pairs & u128::from(u64::MAX)).unwrap_or(0));
        let start = self.made.len();
        hangul::push([first, rest], len / 2, self.made);
        self.span(start)
    }

    #[inline(always)]
    fn span(&mut self, start: usize) -> Text {
        // A telegram has less than 4 GiB of text.
        let place = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        self.spans.push(Span { start: place(start), end: place(self.made.len()) });
        Text::made(place(self.spans.len() - 1))
    }

    #[cold]
    #[inline(never)]
    fn odd_number(&mut self, of: Of) -> Number {
        match self.one(of.id).0 {
            None => Number::FAULT,
            Some(ValueRef::Null) => Number::NULL,
            Some(_) => Number::AGAIN,
        }
    }

    #[cold]
    #[inline(never)]
    fn odd_text(&mut self, of: Of) -> Text {
        match self.one(of.id) {
            (None, _) => Text::FAULT,
            (Some(ValueRef::Null), _) => Text::NULL,
            (Some(_), true) if MAKES_TEXT => {
                let start = self.made.len();
                self.made.extend_from_slice(self.mixed.as_bytes());
                self.span(start)
            }
            (Some(_), _) => Text::AGAIN,
        }
    }

    fn other(&mut self, id: FieldId) {
        self.one(id);
    }

    /// A field by the way that all fields can go, and whether text was made of it.
    fn one(&mut self, id: FieldId) -> (Option<ValueRef<'static>>, bool) {
        let Some(field) = self.telegram.layout().field(id) else { return (None, false) };
        let Some(bytes) = field.at.of(self.bytes) else {
            self.is_wrong = true;
            return (None, false);
        };
        let is_ours = field.by.fills(self.telegram.side());
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
            self.is_wrong |= read.is_err();
            return (read.ok().map(|()| ValueRef::Bytes(b"")), true);
        }
        let read = field.read(bytes, is_ours, |_| ()).ok();
        self.is_wrong |= read.is_none();
        let value = read.map(|value| match value {
            ValueRef::Null => ValueRef::Null,
            _ => ValueRef::Bytes(b""),
        });
        (value, false)
    }
}
