use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use crate::decimal::Decimal;
use crate::decode::Telegram;
use crate::fault::Fault;
use crate::field::{Field, FieldId, Fill, Side};
use crate::kind::Kind;
use crate::layout::Layout;
use crate::value::ValueRef;

mod classes;
mod hangul;
mod many;
mod read;
pub(crate) mod steps;
mod window;
pub(crate) mod write;

use hangul::ROOM;
pub use many::{Readings, Telegrams};
use steps::{Place, Steps};

/// Room for the values of one telegram, or of many, which its owner keeps and uses again: [`Telegram::read_into`] and
/// [`Telegrams::read_into`] fill it in one pass and, once it has grown to the longest, allocate nothing.
#[derive(Clone, Default)]
pub struct Slots {
    numbers: Vec<Number>,
    texts: Vec<Text>,
    /// Texts that were made, as UTF-8.
    made: Vec<[u8; ROOM]>,
    /// The last one that was made the ordinary way.
    mixed: String,
}

/// Units of a number, whose scale the field knows, or a mark: a number of 16 digits comes nowhere near the lowest ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Number(i64);

impl Number {
    const FAULT: Self = Self(i64::MIN);
    const NULL: Self = Self(i64::MIN + 1);
    const AGAIN: Self = Self(i64::MIN + 2);

    #[inline(always)]
    const fn units(units: u64) -> Self {
        Self(units.cast_signed())
    }
}

/// How many bytes of a field are its text, or how many were made of it, or a mark.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Text(u32);

impl Text {
    const FAULT: Self = Self(u32::MAX);
    const NULL: Self = Self(u32::MAX - 1);
    const AGAIN: Self = Self(u32::MAX - 2);
    const MADE: u32 = 1 << 16;
    const MADE_END: u32 = Self::MADE << 1;

    /// Bytes of the telegram, fewer than [`Text::MADE`].
    #[inline(always)]
    const fn plain(len: u32) -> Self {
        Self(len)
    }

    /// Bytes of [`Slots::made`], as few as there is room for.
    #[inline(always)]
    const fn made(len: u32) -> Self {
        Self(Self::MADE | len)
    }
}

impl Slots {
    /// No room yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { numbers: Vec::new(), texts: Vec::new(), made: Vec::new(), mixed: String::new() }
    }

    /// Room for one telegram of a layout.
    #[must_use]
    pub fn for_layout(layout: &Layout) -> Self {
        let mut slots = Self::new();
        for side in [Side::Asker, Side::Answerer] {
            slots.make_room::<true>(layout.steps(side), 1);
        }
        // What is two bytes in a telegram is three here.
        slots.mixed.reserve(layout.len() as usize * 3 / 2);
        slots
    }

    /// Makes room for the values of so many telegrams.
    #[inline]
    fn make_room<const MAKES_TEXT: bool>(&mut self, steps: &Steps, telegrams: usize) {
        let (numbers, texts) = steps.counts;
        let (numbers, texts) = (numbers * telegrams, texts * telegrams);
        if self.numbers.len() != numbers || self.texts.len() != texts || (MAKES_TEXT && self.made.len() != texts) {
            self.resize(numbers, texts, if MAKES_TEXT { texts } else { 0 });
        }
    }

    #[cold]
    fn resize(&mut self, numbers: usize, texts: usize, made: usize) {
        self.numbers.resize(numbers, Number::FAULT);
        self.texts.resize(texts, Text::FAULT);
        self.made.resize(made, [0; ROOM]);
    }
}

/// Tells how many there are, and nothing of them.
impl fmt::Debug for Slots {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Slots({})", self.numbers.len() + self.texts.len())
    }
}

/// A telegram of which every field was read ([`Telegram::read_into`], [`Telegrams::read_into`]).
#[derive(Clone)]
pub struct Reading<'l, 'b> {
    telegram: Telegram<'l, 'b>,
    slots: &'b Slots,
    lane: Lane,
    faults: Vec<Fault>,
}

/// Where the values of one telegram are among those of others.
#[derive(Clone, Copy)]
struct Lane {
    /// Its first number, and its first text.
    numbers: usize,
    texts: usize,
    /// How far it is from one to the next.
    step: usize,
}

impl<'l, 'b> Reading<'l, 'b> {
    /// The telegram.
    #[must_use]
    pub const fn telegram(&self) -> Telegram<'l, 'b> {
        self.telegram
    }

    /// All that is wrong, as [`Telegram::faults`] tells it.
    #[must_use]
    pub fn faults(&self) -> &[Fault] {
        &self.faults
    }

    /// The same, to be kept.
    #[must_use]
    pub fn into_faults(self) -> Vec<Fault> {
        self.faults
    }

    /// A field's value, or `None` if it has a fault, or if the id is of another layout. Allocates only for text that is neither ASCII nor
    /// made already.
    #[must_use]
    #[inline]
    pub fn get(&self, id: FieldId) -> Option<ValueRef<'b>> {
        self.value(self.telegram.layout().field(id)?, *self.steps().places.get(id.index())?)
    }

    /// A number's units, without its scale, which is the field's: the cheapest way to a number. `None` if the field holds no number, or
    /// one that does not fit.
    #[must_use]
    #[inline]
    pub fn units(&self, id: FieldId) -> Option<i64> {
        match self.steps().places.get(id.index())? {
            Place::Number(at) => match *self.number(*at)? {
                Number::FAULT | Number::NULL => None,
                Number::AGAIN => i64::try_from(self.get(id)?.number()?.units).ok(),
                Number(units) => Some(units),
            },
            _ => i64::try_from(self.get(id)?.number()?.units).ok(),
        }
    }

    /// Every field that has no fault with its value, in the order of the layout.
    pub fn fields(&self) -> impl Iterator<Item = (FieldId, &'l Field, ValueRef<'b>)> {
        let fields = self.telegram.layout().fields().iter().zip(&self.steps().places);
        fields.zip(0..).filter_map(|((field, place), id)| Some((FieldId(id), field, self.value(field, *place)?)))
    }

    #[inline]
    fn steps(&self) -> &'l Steps {
        self.telegram.layout().steps(self.telegram.side())
    }

    #[inline]
    fn value(&self, field: &Field, place: Place) -> Option<ValueRef<'b>> {
        match place {
            Place::Number(at) => match *self.number(at)? {
                Number::FAULT => None,
                Number::NULL => Some(ValueRef::Null),
                Number::AGAIN => self.again(field),
                Number(units) => {
                    let Kind::Number(number) = &field.kind else { return None };
                    Some(ValueRef::Number(Decimal { units: units.into(), scale: number.scale }))
                }
            },
            Place::Text(at) => {
                let at = self.lane.texts + usize::from(at) * self.lane.step;
                match *self.slots.texts.get(at)? {
                    Text::FAULT => None,
                    Text::NULL => Some(ValueRef::Null),
                    Text(len @ ..Text::MADE) => {
                        let bytes = field.at.of(self.telegram.bytes())?.get(..len as usize)?;
                        // What is beyond ASCII may happen to be UTF-8 of something else.
                        if !bytes.is_ascii() {
                            return self.again(field);
                        }
                        Some(ValueRef::Text(Cow::Borrowed(core::str::from_utf8(bytes).ok()?)))
                    }
                    Text(len @ Text::MADE..Text::MADE_END) => {
                        let bytes = self.slots.made.get(at)?.get(..(len - Text::MADE) as usize)?;
                        Some(ValueRef::Text(Cow::Borrowed(core::str::from_utf8(bytes).ok()?)))
                    }
                    _ => self.again(field),
                }
            }
            Place::Telegram => self.again(field),
        }
    }

    #[inline]
    fn number(&self, at: u16) -> Option<&Number> {
        self.slots.numbers.get(self.lane.numbers + usize::from(at) * self.lane.step)
    }

    fn again(&self, field: &Field) -> Option<ValueRef<'b>> {
        if let Fill::Computed(_) = field.fill {
            return self.telegram.named(&field.path).ok();
        }
        field.value(self.telegram.bytes(), self.telegram.side()).ok()
    }
}

/// As [`Telegram`] shows itself: masked.
impl fmt::Debug for Reading<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.telegram.fmt(f)
    }
}

impl<'l, 'b> Telegram<'l, 'b> {
    /// Reads every field in one pass, into room that is used again: the fast way to all values. Text beyond ASCII is checked now and made
    /// when it is asked for; [`Telegram::read_text_into`] makes it now.
    ///
    /// Of a layout that is not fixed, fields that move are not among the values; [`Telegram::cells`] has them.
    ///
    /// Values and faults are those of [`Telegram::fields`] and [`Telegram::faults`]. Nothing is allocated when nothing is wrong.
    pub fn read_into(&self, slots: &'b mut Slots) -> Reading<'l, 'b> {
        self.read::<false>(slots)
    }

    /// The same, and text beyond ASCII becomes UTF-8 in the slots.
    pub fn read_text_into(&self, slots: &'b mut Slots) -> Reading<'l, 'b> {
        self.read::<true>(slots)
    }

    #[inline]
    fn read<const MAKES_TEXT: bool>(&self, slots: &'b mut Slots) -> Reading<'l, 'b> {
        let is_wrong = read::one::<MAKES_TEXT>(self.layout(), self.side(), self.bytes(), slots);
        let faults = if is_wrong || read::may_be_wrong(self) { self.faults() } else { Vec::new() };
        Reading { telegram: *self, slots, lane: Lane { numbers: 0, texts: 0, step: 1 }, faults }
    }
}

#[cfg(test)]
mod tests;
