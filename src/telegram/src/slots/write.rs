//! Values become bytes.

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use crate::decimal::Decimal;
use crate::encode::{Values, encode_with_care};
use crate::fault::{Fault, Rule};
use crate::field::{Field, FieldId, Side};
use crate::kind::Kind;
use crate::layout::Layout;
use crate::value::{Value, ValueRef};

mod digits;
mod pass;
pub(crate) mod steps;
mod syllables;

use steps::{Place, Writes};

/// Room for the values of one telegram that is to be written, which its owner keeps and uses again: [`Writing::in_room`] takes it,
/// [`Writing::into_room`] gives it back. Once it has grown to the largest layout, nothing is allocated.
#[derive(Clone, Default)]
pub struct Room(Given<'static>);

/// Values, by the lists of [`Writes`].
#[derive(Clone, Default)]
struct Given<'v> {
    /// Units, or [`ABSENT`].
    numbers: Vec<i64>,
    texts: Vec<Option<&'v str>>,
    others: Vec<Option<ValueRef<'v>>>,
    /// What none of these can hold, and what is of no field.
    odd: Vec<(FieldId, ValueRef<'v>)>,
    /// A bit for each field that was named.
    named: Vec<u64>,
}

/// No number; it has more digits than any field that has a loop.
const ABSENT: i64 = i64::MIN;

/// The values of a telegram that is to be written: the fast way to bytes. A field is given by its place in the layout, which
/// [`Layout::find`] tells once; [`Writing::write_into`] checks and writes all of them in one pass.
///
/// Values and faults are those of [`encode`](crate::encode()): nothing is refused before it is written, and then all that is wrong is
/// told. Of a layout that is not fixed the fields that repeat cannot be given so.
///
/// ```
/// # use pabal_telegram::{By, Charset, CharsetPair, Class, Echo, Equal, Field, Fill, Kind, Layout, Number, Side, Slice, TextRule, Unset};
/// use pabal_telegram::{Room, Writing};
///
/// # let holder = Field { path: "holder".into(), label: "".into(), at: Slice { offset: 0, len: 10 }, kind: Kind::Text,
/// #     charset: CharsetPair { encode: Charset::EucKr, decode: Charset::Cp949 }, class: Class::Name,
/// #     by: By { asker: true, answerer: true, optional: false }, fill: Fill::Given, unset: Unset::Space, equal: Equal::default(),
/// #     echo: Echo::No, text: TextRule::default() };
/// # let amount = Field { path: "amount".into(), at: Slice { offset: 10, len: 8 }, kind: Kind::Number(Number::plain(8, 0)),
/// #     unset: Unset::Zero, ..holder.clone() };
/// # let layout = Layout::new("payment", "", 18, vec![holder, amount])?;
/// let [holder, amount] = ["holder", "amount"].map(|path| layout.find(path).unwrap().0);
/// let mut room = Room::default();
/// let mut out = Vec::new();
/// for units in [150_000, 3] {
///     let mut writing = Writing::in_room(&layout, Side::Asker, room);
///     writing.text(holder, "홍길동");
///     writing.number(amount, units);
///     writing.write_into(&mut out).unwrap();
///     room = writing.into_room();
/// }
/// assert_eq!(out, b"\xC8\xAB\xB1\xE6\xB5\xBF    00000003");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Writing<'l, 'v> {
    layout: &'l Layout,
    side: Side,
    given: Given<'v>,
}

impl<'l, 'v> Writing<'l, 'v> {
    /// No values yet, of a telegram that `side` fills, in room of its own.
    #[must_use]
    pub fn new(layout: &'l Layout, side: Side) -> Self {
        Self::in_room(layout, side, Room::default())
    }

    /// No values yet, in room that was used before.
    #[must_use]
    pub fn in_room(layout: &'l Layout, side: Side, room: Room) -> Self {
        let counts = layout.writes(side).counts();
        let mut given = room.0;
        given.numbers.resize(counts.numbers, ABSENT);
        given.texts.resize(counts.texts, None);
        given.others.resize(counts.others, None);
        given.named.resize(layout.fields().len().div_ceil(64), 0);
        Self { layout, side, given }
    }

    /// The room, without the values.
    #[must_use]
    pub fn into_room(self) -> Room {
        let Given { mut numbers, mut texts, mut others, mut odd, mut named } = self.given;
        numbers.clear();
        texts.clear();
        others.clear();
        odd.clear();
        named.clear();
        // Nothing goes over but the memory.
        let texts = texts.into_iter().map(|_| None).collect();
        let others = others.into_iter().map(|_| None).collect();
        let odd = odd.into_iter().map(|(id, _)| (id, ValueRef::Null)).collect();
        Room(Given { numbers, texts, others, odd, named })
    }

    /// The layout.
    #[must_use]
    pub const fn layout(&self) -> &'l Layout {
        self.layout
    }

    /// Who fills the telegram.
    #[must_use]
    pub const fn side(&self) -> Side {
        self.side
    }

    #[inline]
    fn writes(&self) -> &'l Writes {
        self.layout.writes(self.side)
    }

    /// Gives a number in units, without its scale, which is the field's: the cheapest way from a number.
    #[inline]
    pub fn number(&mut self, id: FieldId, units: i64) {
        if let Some(Place::Number(at)) = self.writes().places.get(id.index())
            && let Some(number) = self.given.numbers.get_mut(usize::from(*at))
            && units != ABSENT
            && self.given.odd.is_empty()
        {
            *number = units;
            return;
        }
        let scale = match self.layout.field(id).map(|field| &field.kind) {
            Some(Kind::Number(number)) => number.decimals(),
            _ => 0,
        };
        self.set(id, ValueRef::Number(Decimal { units: units.into(), scale }));
    }

    #[inline]
    fn decimal(&mut self, id: FieldId, number: Decimal) {
        match (self.layout.field(id).map(|field| &field.kind), i64::try_from(number.units)) {
            (Some(Kind::Number(kind)), Ok(units)) if kind.decimals() == number.scale => self.number(id, units),
            _ => self.set(id, ValueRef::Number(number)),
        }
    }

    /// Gives a text, a code, a date or time; also a number as people write it.
    #[inline]
    pub fn text(&mut self, id: FieldId, text: &'v str) {
        if let Some(Place::Text(at)) = self.writes().places.get(id.index())
            && let Some(place) = self.given.texts.get_mut(usize::from(*at))
            && self.given.odd.is_empty()
        {
            *place = Some(text);
            return;
        }
        self.set(id, ValueRef::Text(Cow::Borrowed(text)));
    }

    /// Gives any value, in the place of one that was given before; [`ValueRef::Null`] is the same as not giving the field.
    pub fn set(&mut self, id: FieldId, value: ValueRef<'v>) {
        if !self.given.odd.is_empty() {
            self.given.odd.retain(|(other, _)| *other != id);
        }
        let field = self.layout.field(id);
        let odd = match self.writes().places.get(id.index()).copied() {
            Some(Place::Number(at)) => {
                let units = field.and_then(|field| units(field, &value));
                if let Some(number) = self.given.numbers.get_mut(usize::from(at)) {
                    *number = units.unwrap_or(ABSENT);
                }
                units.is_none().then_some(value)
            }
            Some(Place::Text(at)) => {
                let (text, odd) = match value {
                    ValueRef::Text(Cow::Borrowed(text)) => (Some(text), None),
                    other => (None, Some(other)),
                };
                if let Some(place) = self.given.texts.get_mut(usize::from(at)) {
                    *place = text;
                }
                odd
            }
            Some(Place::Other(at)) => {
                if let Some(place) = self.given.others.get_mut(usize::from(at)) {
                    *place = Some(value).filter(|value| !value.is_null());
                }
                None
            }
            None => Some(value),
        };
        self.given.odd.extend(odd.filter(|value| !value.is_null()).map(|value| (id, value)));
    }

    /// Gives values by their paths; says whether each names a field, and none twice.
    pub(crate) fn name(&mut self, values: &'v Values) -> bool {
        let mut next = 0;
        values.iter().all(|(path, value)| {
            // Most callers give the fields in their order, or nearly so; then there is nothing to search.
            let guess = FieldId(next);
            let is_guess = self.layout.field(guess).is_some_and(|field| *field.path == **path);
            let Some(id) = (if is_guess { Some(guess) } else { self.layout.find(path).map(|(id, _)| id) }) else {
                return false;
            };
            next = id.0.saturating_add(1);
            let Some(named) = self.given.named.get_mut(id.index() / 64) else { return false };
            let bit = 1 << (id.index() % 64);
            let is_first = *named & bit == 0;
            *named |= bit;
            match value {
                Value::Text(text) => self.text(id, text),
                Value::Number(number) => self.decimal(id, *number),
                other => self.set(id, other.to_ref()),
            }
            is_first
        })
    }

    /// The value that was given, if one was.
    fn value(&self, id: FieldId, field: &Field) -> Option<ValueRef<'v>> {
        let given = &self.given;
        if let Some((_, value)) = given.odd.iter().find(|(odd, _)| *odd == id) {
            return Some(value.clone());
        }
        match *self.writes().places.get(id.index())? {
            Place::Number(at) => {
                let units = given.numbers.get(usize::from(at)).copied().filter(|units| *units != ABSENT)?;
                let Kind::Number(number) = &field.kind else { return None };
                Some(ValueRef::Number(Decimal { units: units.into(), scale: number.scale }))
            }
            Place::Text(at) => given.texts.get(usize::from(at)).copied()?.map(|text| ValueRef::Text(text.into())),
            Place::Other(at) => given.others.get(usize::from(at))?.clone(),
        }
    }

    /// Makes the telegram's bytes in place of what `out` holds. The values stay, and may be changed and written again. Allocates nothing
    /// if nothing is wrong and `out` has room for the telegram, and once more for its longest field.
    ///
    /// # Errors
    /// As [`encode`](crate::encode()), and [`Rule::Unknown`] for an id of another layout; then `out` is empty.
    pub fn write_into(&self, out: &mut Vec<u8>) -> Result<(), Vec<Fault>> {
        if self.put(out) { Ok(()) } else { self.write_with_care(out) }
    }

    /// Whether it was written; what is not goes the ordinary way.
    #[inline]
    pub(crate) fn put(&self, out: &mut Vec<u8>) -> bool {
        if !self.layout.is_fixed() || self.layout.computes() || !self.given.odd.is_empty() {
            return false;
        }
        let writes = self.writes();
        out.clear();
        out.reserve(writes.room);
        out.extend_from_slice(&writes.template);
        if !pass::put(writes, &self.given, out) {
            return false;
        }
        for (step, value) in writes.others.iter().zip(&self.given.others) {
            let is_right = match value {
                Some(value) => self.layout.field(step.id).is_some_and(|field| self.put_other(field, value, out)),
                None => !step.is_needed,
            };
            if !is_right {
                return false;
            }
        }
        true
    }

    /// Writes a field behind the telegram, and moves it to its place.
    fn put_other(&self, field: &Field, value: &ValueRef<'_>, out: &mut Vec<u8>) -> bool {
        let end = out.len();
        let is_right = field.fill_in(self.side, Some(value), out).is_ok();
        if is_right {
            out.copy_within(end.., field.at.range().start);
        }
        out.truncate(end);
        is_right
    }

    #[cold]
    fn write_with_care(&self, out: &mut Vec<u8>) -> Result<(), Vec<Fault>> {
        out.clear();
        let fields = self.layout.fields().iter().zip(0..);
        let named: Vec<(String, Value)> = fields
            .filter_map(|(field, id)| Some((String::from(&*field.path), self.value(FieldId(id), field)?.into())))
            .collect();
        let made = encode_with_care(self.layout, self.side, &named);
        let is_strange = |(id, _): &&(FieldId, ValueRef<'_>)| self.layout.field(*id).is_none();
        let strange = self.given.odd.iter().filter(is_strange);
        let mut faults: Vec<Fault> =
            strange.map(|_| Fault::of_telegram(self.layout, Rule::Unknown { nearest: None })).collect();
        match made {
            Ok(made) if faults.is_empty() => {
                out.extend_from_slice(&made);
                Ok(())
            }
            Ok(_) => Err(faults),
            Err(others) => {
                faults.extend(others);
                Err(faults)
            }
        }
    }
}

/// A number in the units of its field, if the field can hold it as it is: what is refused is told as it was given.
fn units(field: &Field, value: &ValueRef<'_>) -> Option<i64> {
    let Kind::Number(number) = &field.kind else { return None };
    let given = match value {
        ValueRef::Number(given) if given.scale == number.scale => {
            return i64::try_from(given.units).ok().filter(|units| *units != ABSENT);
        }
        ValueRef::Number(given) => *given,
        ValueRef::Text(text) => text.parse().ok()?,
        _ => return None,
    };
    let rescaled = given.rescale(number.scale)?;
    let is_right = rescaled.digits() <= number.digits.into() && (rescaled.units >= 0 || number.is_signed());
    i64::try_from(rescaled.units).ok().filter(|_| is_right)
}

/// Tells how many there are, and nothing of them.
impl fmt::Debug for Writing<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let given =
            self.layout.fields().iter().zip(0..).filter(|(field, id)| self.value(FieldId(*id), field).is_some());
        write!(f, "{} of {} ({} values)", self.layout.name(), self.side.word(), given.count())
    }
}

/// Tells nothing of what was in it.
impl fmt::Debug for Room {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Room")
    }
}

#[cfg(test)]
mod tests;
