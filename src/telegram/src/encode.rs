use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use core::mem;

use crate::computed::Later;
use crate::decimal::{Decimal, DecimalError};
use crate::fault::{Fault, Rule};
use crate::field::{Echo, Field, FieldId, Fill, Side, Unset};
use crate::kind::{Blank, Form, Kind, Number};
use crate::layout::Layout;
use crate::slots::write::{Room, Writing};
use crate::value::{Value, ValueRef};

mod tree;

/// What the caller gives: fields by their path, in any order.
pub type Values = [(String, Value)];

/// Makes the bytes of a telegram (length prefix not included) that `side` fills. Starts from values only.
///
/// Each field is what it says itself (`const`), or what the caller gives, or its default, or, if it is optional or not filled by
/// `side`, its unset fill. [`Value::Null`] is the same as not giving the field.
///
/// Fields that are stamped stay as their [`crate::Unset`] fill until the gateway writes them; giving them a value is
/// [`Rule::NotYours`]. An answerer may give what it carries back (`echo`), stamped or not.
///
/// Text is written with spaces behind it, so that spaces at its end do not come back. All that does not come back, from bytes or from values,
/// is listed under "There and back" in `specs/README.md`.
///
/// Fields of a repeat are given by the path of each occurrence, `scores[0].grade`, without a hole; a value of [`Value::Null`] is enough to
/// say that there is one. The field that counts them is written by itself; who gives it must give the same number. Fields of a branch
/// or condition may be given only where the key or field that decides says that they are there. A bitmap ([`crate::Test::Bit`]) that is not
/// given is written by itself: such a bit is set if a field that it is for has a value; the others are those of its default, else not set.
///
/// # Errors
/// Everything that is wrong with the values, each with field, offset, bytes and rule: first names that are unknown or given twice,
/// then fields in the order of the layout. Nothing is cut, replaced or guessed.
pub fn encode(layout: &Layout, side: Side, values: &Values) -> Result<Vec<u8>, Vec<Fault>> {
    let mut out = Vec::new();
    encode_into(layout, side, values, &mut Room::default(), &mut out)?;
    Ok(out)
}

/// The same in place of what `out` holds, with room that is used again, and so without allocating: what a gateway does for each telegram.
/// Who knows the fields' places beforehand fills a [`Writing`] instead.
///
/// # Errors
/// As [`encode`]; then `out` is empty.
pub fn encode_into(
    layout: &Layout,
    side: Side,
    values: &Values,
    room: &mut Room,
    out: &mut Vec<u8>,
) -> Result<(), Vec<Fault>> {
    if layout.is_fixed() && !layout.computes() {
        let mut writing = Writing::in_room(layout, side, mem::take(room));
        let is_written = writing.name(values) && writing.put(out);
        *room = writing.into_room();
        if is_written {
            return Ok(());
        }
    }
    out.clear();
    out.append(&mut encode_with_care(layout, side, values)?);
    Ok(())
}

/// Makes the bytes field by field, so that all that is wrong is found, and all that is computed is written.
pub(crate) fn encode_with_care(layout: &Layout, side: Side, values: &Values) -> Result<Vec<u8>, Vec<Fault>> {
    if !layout.is_fixed() {
        return tree::encode(layout, side, values);
    }
    let mut faults = Vec::new();
    let mut given: Vec<Option<&Value>> = vec![None; layout.fields().len()];
    let mut next = 0;
    for (name, value) in values {
        // Most callers give the fields in their order, or nearly so; then there is nothing to search.
        let guess =
            layout.field(FieldId(next)).filter(|field| *field.path == **name).map(|field| (FieldId(next), field));
        let Some((id, field)) = guess.or_else(|| layout.find(name)) else {
            faults.push(Fault::unknown(layout, name));
            continue;
        };
        next = id.0.saturating_add(1);
        match given.get_mut(id.index()) {
            Some(slot @ None) => *slot = Some(value),
            _ => faults.push(Fault::new(field, b"", Rule::Twice)),
        }
    }
    let mut out = Vec::with_capacity(usize::try_from(layout.len()).unwrap_or(0));
    let mut later = Later::default();
    for (at, (field, value)) in layout.fields().iter().zip(given).enumerate() {
        let (start, value) = (out.len(), value.filter(|value| **value != Value::Null));
        if let Err(fault) = field.fill_in(side, value.map(Value::to_ref).as_ref(), &mut out) {
            faults.push(fault);
            // What stands behind it is still in its place.
            out.resize(start + field.len(), field.unset_byte());
        } else if layout.computes() {
            later.note(FieldId(u16::try_from(at).unwrap_or(u16::MAX)), field, side, start, value);
        }
    }
    if faults.is_empty() && layout.computes() {
        faults = later.settle(layout, side, &mut out);
    }
    if faults.is_empty() {
        assert!(out.len() as u64 == u64::from(layout.len()), "fields lie without gaps");
        Ok(out)
    } else {
        Err(faults)
    }
}

impl Field {
    /// Writes one value behind what `out` holds: exactly as many bytes as the field has, padded. Looks at kind, charset and
    /// length only, not at who fills the field or with what, nor at fields beside it ([`Wide::When`](crate::Wide::When)).
    ///
    /// # Errors
    /// The value does not fit; `out` is as it was.
    pub fn encode(&self, value: &Value, out: &mut Vec<u8>) -> Result<(), Fault> {
        self.encode_in(&value.to_ref(), self.is_wide_in(b""), out)
    }

    fn encode_in(&self, value: &ValueRef<'_>, wide: bool, out: &mut Vec<u8>) -> Result<(), Fault> {
        let start = out.len();
        self.put(value, wide, out).map_err(|rule| {
            let bytes = match rule {
                Rule::Overflow { .. }
                | Rule::TooShort { .. }
                | Rule::NotText
                | Rule::HalfCharacter
                | Rule::UnclosedRun
                | Rule::StrayShift
                | Rule::BrokenRun => out.split_off(start),
                Rule::Unmappable { .. } => Vec::new(),
                _ => {
                    out.truncate(start);
                    return Fault::given(self, &value_bytes(value), rule);
                }
            };
            out.truncate(start);
            Fault::new(self, &bytes, rule)
        })
    }

    /// Writes one value in its place in a telegram. The same rules as [`Field::encode`].
    ///
    /// # Errors
    /// The value does not fit, or the telegram ends before the field does ([`Rule::CutShort`]); the telegram is as it was.
    pub fn write(&self, value: &Value, telegram: &mut [u8]) -> Result<(), Fault> {
        let mut bytes = Vec::with_capacity(self.len());
        self.encode_in(&value.to_ref(), self.is_wide_in(telegram), &mut bytes)?;
        let left = telegram.len().saturating_sub(self.at.range().start).min(self.len());
        match telegram.get_mut(self.at.range()) {
            Some(place) => {
                place.copy_from_slice(&bytes);
                Ok(())
            }
            None => Err(Fault::new(self, &bytes, Rule::CutShort { found: u32::try_from(left).unwrap_or(u32::MAX) })),
        }
    }

    fn len(&self) -> usize {
        self.at.range().len()
    }

    /// Writes what the field holds in a telegram of `side`, of which `out` holds at least what is before it, behind what `out` holds.
    pub(crate) fn fill_in(&self, side: Side, value: Option<&ValueRef<'_>>, out: &mut Vec<u8>) -> Result<(), Fault> {
        let ours = self.by.fills(side);
        let not_yours =
            |by| value.map_or(Ok(()), |value| Err(Fault::given(self, &value_bytes(value), Rule::NotYours { by })));
        let carried_back = side == Side::Answerer && self.echo != Echo::No;
        match (&self.fill, value) {
            (Fill::Const(expected), _) if ours => {
                if let Some(value) = value {
                    let start = out.len();
                    self.encode_in(value, self.is_wide_in(out), out)?;
                    let bytes = out.split_off(start);
                    if bytes != **expected {
                        return Err(Fault::new(self, &bytes, Rule::NotConst { expected: expected.clone() }));
                    }
                }
                out.extend_from_slice(expected);
            }
            (Fill::Stamped, _) if !carried_back => {
                not_yours("the gateway")?;
                self.leave_out(out);
            }
            (_, Some(value)) if ours || carried_back => self.encode_in(value, self.is_wide_in(out), out)?,
            (_, _) if !ours => {
                not_yours(self.by.word())?;
                self.leave_out(out);
            }
            (Fill::Computed(computed), None) if computed.is_written() => self.leave_out(out),
            (Fill::Default(bytes), _) => out.extend_from_slice(bytes),
            (Fill::Given | Fill::Computed(_), None) if self.is_needed() => {
                return Err(Fault::new(self, b"", Rule::Missing));
            }
            (_, _) => self.leave_out(out),
        }
        Ok(())
    }

    /// Whether the side that fills the field must give it a value.
    pub(crate) fn is_needed(&self) -> bool {
        !self.by.optional && !matches!(self.kind, Kind::Number(Number { blank: Blank::Null, .. }))
    }

    fn leave_out(&self, out: &mut Vec<u8>) {
        if let Kind::Number(number) = self.kind {
            if number.blank == Blank::Null {
                out.resize(out.len() + self.len(), self.charset.encode.blank());
                return;
            }
            let has_spaces = matches!(number.form, Form::Packed { .. }) && self.unset == Unset::Space;
            if !number.is_text() && !has_spaces {
                number.put(Decimal::whole(0), self.charset.encode, out).expect("nought fits");
                return;
            }
        }
        out.resize(out.len() + self.len(), self.unset_byte());
    }

    /// On error `out` may hold more than it did.
    fn put(&self, value: &ValueRef<'_>, wide: bool, out: &mut Vec<u8>) -> Result<(), Rule> {
        match (&self.kind, value) {
            (_, ValueRef::Null) => self.leave_out(out),
            (Kind::Text, ValueRef::Text(text)) => self.put_text(text, wide, out)?,
            (Kind::Text, ValueRef::Bytes(bytes)) => {
                out.extend_from_slice(bytes);
                self.exactly_field(bytes.len())?;
                self.charset.encode.decode(self.unpadded(bytes))?;
            }
            (Kind::Lines { each }, ValueRef::Text(text)) => self.put_lines(*each, text, wide, out)?,
            (Kind::Lines { each }, ValueRef::Bytes(bytes)) => {
                out.extend_from_slice(bytes);
                self.exactly_field(bytes.len())?;
                self.read_lines(*each, bytes)?;
            }
            (Kind::Filler, ValueRef::Bytes(bytes)) => {
                out.extend_from_slice(bytes);
                self.exactly_field(bytes.len())?;
            }
            (Kind::Number(kind), ValueRef::Number(number)) => kind.put(*number, self.charset.encode, out)?,
            (Kind::Number(kind), ValueRef::Text(text)) => match text.parse() {
                Ok(number) => kind.put(number, self.charset.encode, out)?,
                Err(DecimalError::TooLong { digits }) => return Err(Rule::Overflow { needed: digits }),
                Err(DecimalError::NotNumber) if is_nearly_number(text) => {
                    return Err(Rule::WrongKind {
                        expected: "a number without `+`, with digits on both sides of its point",
                    });
                }
                Err(DecimalError::NotNumber) => return Err(Rule::NotDigits),
            },
            (Kind::Code, ValueRef::Text(text)) => {
                self.put_plain(text, out);
                if !text.bytes().all(|byte| byte.is_ascii_digit()) {
                    return Err(Rule::NotDigits);
                }
                self.exactly_field(text.len())?;
            }
            (Kind::Stamp(stamp), ValueRef::Text(text)) => {
                self.put_plain(text, out);
                if !stamp.matches(text.as_bytes()) {
                    return Err(Rule::NotDate { pattern: stamp.pattern.clone() });
                }
            }
            (Kind::Text | Kind::Lines { .. }, _) => return Err(Rule::WrongKind { expected: "text" }),
            (Kind::Number { .. }, _) => return Err(Rule::WrongKind { expected: "a number" }),
            (Kind::Code, _) => return Err(Rule::WrongKind { expected: "digits as text" }),
            (Kind::Stamp(_), _) => return Err(Rule::WrongKind { expected: "a date or time as text" }),
            (Kind::Filler, _) => return Err(Rule::WrongKind { expected: "bytes" }),
        }
        Ok(())
    }

    /// Digits and the marks between them, or whatever was given instead of them.
    fn put_plain(&self, text: &str, out: &mut Vec<u8>) {
        let charset = self.charset.encode;
        if charset.is_ebcdic() && charset.encode(text, out).is_ok() {
            return;
        }
        out.extend_from_slice(text.as_bytes());
    }

    fn no_longer_than_field(&self, bytes: usize) -> Result<(), Rule> {
        if bytes > self.len() {
            Err(Rule::Overflow { needed: u32::try_from(bytes).unwrap_or(u32::MAX) })
        } else {
            Ok(())
        }
    }

    fn exactly_field(&self, bytes: usize) -> Result<(), Rule> {
        self.no_longer_than_field(bytes)?;
        if bytes < self.len() {
            Err(Rule::TooShort { found: u32::try_from(bytes).unwrap_or(u32::MAX) })
        } else {
            Ok(())
        }
    }
}

/// A value that has no bytes in the field, as it was given.
fn value_bytes(value: &ValueRef<'_>) -> Vec<u8> {
    match value {
        ValueRef::Text(text) => text.as_bytes().to_vec(),
        ValueRef::Number(number) => alloc::format!("{number}").into_bytes(),
        ValueRef::Bytes(bytes) => bytes.to_vec(),
        ValueRef::Null => Vec::new(),
    }
}

/// `+5`, `.5`, `5.`: what others read as a number, and [`Decimal`] does not.
fn is_nearly_number(text: &str) -> bool {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (whole, decimals) = digits.split_once('.').unwrap_or((digits, ""));
    let mut all = whole.bytes().chain(decimals.bytes()).peekable();
    all.peek().is_some() && all.all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests;
