//! How a stream is cut into telegrams, and how a telegram is framed. Which framings are seen in the field:
//!
//! | framing                                             | as [`FrameParts`]                                                  |
//! |-----------------------------------------------------|--------------------------------------------------------------------|
//! | 4 ASCII digits that do not count themselves         | `before`: a length                                                 |
//! | the same, counting themselves, or more              | `more`: how much more than the telegram it says                    |
//! | digits inside the telegram's own header             | `inside`: a length at a place, counted from a place of the telegram |
//! | binary or BCD                                       | the length's [`Notation`]                                          |
//! | before or after a business code, or twice           | `before`: lengths and constants in their order                     |
//! | an outer header that the length leaves out          | `before`: a length among constants and fillers                     |
//! | STX, length, telegram, ETX                          | constants `before` and `after`, [`OnGarbage::Resynchronise`]       |
//! | no length                                           | [`Total::Fixed`], or [`Total::Typed`] by the telegram's own bytes  |

mod cutter;
mod error;
mod notation;
mod shown;
#[cfg(test)]
mod tests;

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::ops::Range;

use serde::{Deserialize, Serialize};

use crate::field::Slice;

pub use cutter::Deframer;
pub use error::{FrameError, FramingError};
pub use notation::{FrameLength, Notation};

/// How the stream is cut into telegrams. Can only be right. Cheap to share: every connection has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "FrameParts", into = "FrameParts")]
pub struct Framing(Arc<Known>);

/// Parts, and what is worked out of them once, since every frame asks for it.
#[derive(Debug, PartialEq, Eq)]
struct Known {
    parts: FrameParts,
    prefix_bytes: usize,
    longest: u32,
    shortest: u32,
}

/// What a frame is made of, in the order of the wire, and what is done about one that is not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FrameParts {
    /// What stands before the telegram.
    pub before: Vec<FramePart>,
    /// Lengths inside of the telegram's own header: `(offset in the telegram in bytes, length)`.
    pub inside: Vec<(u32, FrameLength)>,
    /// What stands behind the telegram: always these bytes.
    pub after: Box<[u8]>,
    /// Where the telegram's length comes from.
    pub total: Total,
    /// The longest telegram that is accepted in bytes; what stands before and behind it is not counted.
    pub frame_bytes_max: u32,
    /// What is done about bytes that are no frame.
    pub on_garbage: OnGarbage,
}

/// One part of what stands before a telegram.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum FramePart {
    /// Always these bytes: STX, a business code.
    Constant(Box<[u8]>),
    /// Bytes that are not looked at, and are written as this one.
    Filler {
        /// How many.
        len: u16,
        /// What is written.
        byte: u8,
    },
    /// A length. Where there are several, they must agree.
    Length(FrameLength),
}

/// Where a telegram's length comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Total {
    /// The frame's lengths say it.
    Said,
    /// Every telegram has this many bytes.
    Fixed(u32),
    /// The telegram's own bytes tell its type, and each type has its length. No bytes may match two rows of different length.
    Typed(Vec<TypedTotal>),
}

/// The length of telegrams of one type.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TypedTotal {
    /// All hold: `(place in the telegram, what may stand there)`.
    pub bytes: Vec<(Slice, Vec<Box<[u8]>>)>,
    /// The length in bytes.
    pub length: u32,
}

/// What is done about bytes that are no frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum OnGarbage {
    /// The stream has lost its place; the connection must be closed.
    Close,
    /// Bytes are discarded up to the next constant with which a frame begins. Only for frames that begin with one.
    Resynchronise,
}

impl Framing {
    /// ASCII digits before the telegram that do not count themselves: "0300" and 300 bytes.
    ///
    /// # Errors
    /// `digits` is not 1 to 10.
    pub fn digits(digits: u8, frame_bytes_max: u32) -> Result<Self, FramingError> {
        let length = FrameLength { notation: Notation::Ascii, width: digits, more: 0 };
        Self::new(FrameParts {
            before: Vec::from([FramePart::Length(length)]),
            inside: Vec::new(),
            after: Box::default(),
            total: Total::Said,
            frame_bytes_max,
            on_garbage: OnGarbage::Close,
        })
    }

    /// A framing of these parts.
    ///
    /// # Errors
    /// No stream can be cut by them.
    pub fn new(parts: FrameParts) -> Result<Self, FramingError> {
        let mut said = 0;
        for length in parts.lengths() {
            if !length.has_width() {
                return Err(FramingError::Width { notation: length.notation, width: length.width });
            }
            said += 1;
        }
        match (&parts.total, said) {
            (Total::Said, 0) => return Err(FramingError::NoLength),
            (Total::Fixed(_) | Total::Typed(_), 1..) => return Err(FramingError::TwoTotals),
            _ => {}
        }
        if let Some((_, length)) = parts.inside.iter().find(|(_, length)| length.more > 0) {
            return Err(FramingError::Inside { more: length.more });
        }
        if parts.on_garbage == OnGarbage::Resynchronise && parts.mark().is_none() {
            return Err(FramingError::NoMark);
        }
        let prefix_bytes = parts.before.iter().map(FramePart::len).sum();
        let (shortest, most) = (parts.shortest(), parts.most());
        let longest = u32::try_from(most).unwrap_or(0);
        let is_endless = shortest == 0 && prefix_bytes + parts.after.len() == 0;
        if i64::from(shortest) > most || is_endless {
            return Err(FramingError::Nothing { shortest, longest });
        }
        Ok(Self(Arc::new(Known { parts, prefix_bytes, longest, shortest })))
    }

    /// What a frame is made of.
    #[must_use]
    pub fn parts(&self) -> &FrameParts {
        &self.0.parts
    }

    /// Bytes before the telegram.
    #[must_use]
    pub fn prefix_bytes(&self) -> usize {
        self.0.prefix_bytes
    }

    /// Bytes before and behind the telegram.
    #[must_use]
    pub fn overhead_bytes(&self) -> usize {
        self.0.prefix_bytes + self.0.parts.after.len()
    }

    /// The longest telegram that can be written, in bytes: the limit, or what the lengths can say or the types have if that is less.
    #[must_use]
    pub fn longest(&self) -> u32 {
        self.0.longest
    }

    /// The shortest telegram that can be written, in bytes: one that has room for the lengths inside of it.
    #[must_use]
    pub fn shortest(&self) -> u32 {
        self.0.shortest
    }

    /// Writes a frame behind what `out` holds. Lengths inside of the telegram are written there, whatever it holds at their places.
    ///
    /// # Errors
    /// The telegram is longer than [`Framing::longest`], shorter than [`Framing::shortest`], or not of the length that its type has; then
    /// nothing is written.
    pub fn write(&self, telegram: &[u8], out: &mut Vec<u8>) -> Result<(), FrameError> {
        let (offset, length) = (out.len() as u64, telegram.len() as u64);
        let bytes = match u32::try_from(length) {
            Ok(bytes) if bytes <= self.longest() => bytes,
            _ => return Err(FrameError::TooLong { offset, length, frame_bytes_max: self.longest() }),
        };
        if bytes < self.shortest() {
            return Err(FrameError::TooShort { offset, length, shortest: self.shortest() });
        }
        if let Total::Typed(rows) = &self.0.parts.total {
            match rows.iter().find(|row| row.looks(telegram) == Some(true)) {
                Some(row) if row.length == bytes => {}
                Some(row) => return Err(FrameError::Total { offset, length, total: row.length }),
                None => return Err(FrameError::Untyped { offset }),
            }
        }
        self.write_said(telegram, bytes, out);
        Ok(())
    }

    /// Writes a frame whose lengths say that the telegram has `says` bytes, or as near to it as they can: for the trial of what the other
    /// side does about it. Where no length is said, the frame is a right one.
    pub fn write_saying(&self, telegram: &[u8], says: u64, out: &mut Vec<u8>) {
        let says = says.clamp(u64::from(self.shortest()), u64::from(self.longest()));
        self.write_said(telegram, u32::try_from(says).unwrap_or(u32::MAX), out);
    }

    fn write_said(&self, telegram: &[u8], says: u32, out: &mut Vec<u8>) {
        out.reserve(self.overhead_bytes() + telegram.len());
        for part in &self.0.parts.before {
            let start = out.len();
            match part {
                FramePart::Constant(bytes) => out.extend_from_slice(bytes),
                FramePart::Filler { byte, .. } => out.resize(start + part.len(), *byte),
                FramePart::Length(length) => {
                    out.resize(start + part.len(), 0);
                    length.write(says, out.get_mut(start..).unwrap_or_default());
                }
            }
        }
        let start = out.len();
        out.extend_from_slice(telegram);
        for (at, length) in &self.0.parts.inside {
            let place = Slice { offset: *at, len: u32::from(length.width) }.range();
            if let Some(place) = out.get_mut(start..).and_then(|telegram| telegram.get_mut(place)) {
                length.write(says, place);
            }
        }
        out.extend_from_slice(&self.0.parts.after);
    }

    /// The telegram of a frame that stands alone, and how long its lengths say that it is; it may have another length. `None` if nothing
    /// stands before or behind a telegram, or what stands before this one cannot be read.
    #[must_use]
    pub fn unframed<'b>(&self, frame: &'b [u8]) -> Option<(&'b [u8], u64)> {
        let telegram = frame.get(self.prefix_bytes()..).filter(|_| self.overhead_bytes() > 0)?;
        let telegram = telegram.strip_suffix(&*self.0.parts.after).unwrap_or(telegram);
        match self.head(frame, 0) {
            Ok(Head::Known(total)) => Some((telegram, u64::from(total))),
            Ok(Head::Wait) | Err(_) => None,
        }
    }
}

impl FrameParts {
    fn shortest(&self) -> u32 {
        let reach = |(at, length): &(u32, FrameLength)| {
            let from = u32::try_from(-length.more).unwrap_or(0);
            at.saturating_add(u32::from(length.width)).max(from)
        };
        let inside = self.inside.iter().map(reach).max().unwrap_or(0);
        match &self.total {
            Total::Said => inside,
            Total::Fixed(total) => *total,
            Total::Typed(rows) => rows.iter().map(|row| row.length).min().unwrap_or(0),
        }
    }

    fn most(&self) -> i64 {
        let max = i64::from(self.frame_bytes_max);
        let said = self.lengths().map(|length| length.largest() - i64::from(length.more)).min().unwrap_or(max);
        let total = match &self.total {
            Total::Said => max,
            Total::Fixed(total) => i64::from(*total),
            Total::Typed(rows) => rows.iter().map(|row| i64::from(row.length)).max().unwrap_or(0),
        };
        max.min(said).min(total)
    }

    fn lengths(&self) -> impl Iterator<Item = &FrameLength> {
        let before = self.before.iter().filter_map(|part| match part {
            FramePart::Length(length) => Some(length),
            FramePart::Constant(_) | FramePart::Filler { .. } => None,
        });
        before.chain(self.inside.iter().map(|(_, length)| length))
    }

    /// The first byte of what every frame begins with.
    fn mark(&self) -> Option<u8> {
        match self.before.first()? {
            FramePart::Constant(bytes) => bytes.first().copied(),
            FramePart::Filler { .. } | FramePart::Length(_) => None,
        }
    }
}

impl TryFrom<FrameParts> for Framing {
    type Error = FramingError;

    fn try_from(parts: FrameParts) -> Result<Self, FramingError> {
        Self::new(parts)
    }
}

impl From<Framing> for FrameParts {
    fn from(framing: Framing) -> Self {
        framing.parts().clone()
    }
}

impl FramePart {
    fn len(&self) -> usize {
        match self {
            Self::Constant(bytes) => bytes.len(),
            Self::Filler { len, .. } => usize::from(*len),
            Self::Length(length) => usize::from(length.width),
        }
    }
}

impl TypedTotal {
    /// Whether a telegram of which these bytes have come is of this type; `None` if more are needed to know.
    fn looks(&self, bytes: &[u8]) -> Option<bool> {
        let mut sure = true;
        for (at, any_of) in &self.bytes {
            let Range { start, end } = at.range();
            let come = bytes.get(start.min(bytes.len())..end.min(bytes.len())).unwrap_or_default();
            if !any_of.iter().any(|wanted| wanted.starts_with(come)) {
                return Some(false);
            }
            sure &= end <= bytes.len();
        }
        sure.then_some(true)
    }
}

/// What the bytes of a frame that have come say of it.
enum Head {
    Wait,
    /// The telegram's length in bytes.
    Known(u32),
}

impl Framing {
    /// Reads as much of a frame's head as has come; `offset` is its place in the stream. Decides as early as its bytes allow.
    fn head(&self, bytes: &[u8], offset: u64) -> Result<Head, FrameError> {
        let mut at = 0;
        let mut total: Option<u32> = None;
        for part in &self.0.parts.before {
            let place = at..at + part.len();
            let here = offset + at as u64;
            at = place.end;
            match part {
                FramePart::Constant(wanted) => {
                    if !constant(wanted, bytes.get(place.start..).unwrap_or_default(), here)? {
                        return Ok(Head::Wait);
                    }
                }
                FramePart::Filler { .. } if bytes.len() < place.end => return Ok(Head::Wait),
                FramePart::Filler { .. } => {}
                FramePart::Length(length) => {
                    let Some(place) = bytes.get(place) else { return Ok(Head::Wait) };
                    total = Some(self.said(*length, place, here, total)?);
                }
            }
        }
        for (inside, length) in &self.0.parts.inside {
            let start = at.saturating_add(usize::try_from(*inside).unwrap_or(usize::MAX));
            let Some(place) = bytes.get(start..start.saturating_add(usize::from(length.width))) else {
                return Ok(Head::Wait);
            };
            total = Some(self.said(*length, place, offset + start as u64, total)?);
        }
        let telegram = bytes.get(at..).unwrap_or_default();
        match (&self.0.parts.total, total) {
            (Total::Said, total) => Ok(total.map_or(Head::Wait, Head::Known)),
            (Total::Fixed(total), _) => Ok(Head::Known(*total)),
            (Total::Typed(rows), _) => {
                let mut may = false;
                for row in rows {
                    match row.looks(telegram) {
                        Some(true) => return self.within(row.length, offset + at as u64).map(Head::Known),
                        Some(false) => {}
                        None => may = true,
                    }
                }
                if may { Ok(Head::Wait) } else { Err(FrameError::Untyped { offset: offset + at as u64 }) }
            }
        }
    }

    /// A telegram's length, if it is not over the limit.
    fn within(&self, length: impl Into<u64>, offset: u64) -> Result<u32, FrameError> {
        let (length, frame_bytes_max) = (length.into(), self.0.parts.frame_bytes_max);
        match u32::try_from(length) {
            Ok(length) if length <= frame_bytes_max => Ok(length),
            _ => Err(FrameError::TooLong { offset, length, frame_bytes_max }),
        }
    }

    /// The telegram's length by one of the frame's lengths.
    fn said(&self, length: FrameLength, bytes: &[u8], offset: u64, before: Option<u32>) -> Result<u32, FrameError> {
        let Some(said) = length.read(bytes) else {
            return Err(FrameError::Prefix { offset, bytes: bytes.to_vec() });
        };
        let total = i128::from(said) - i128::from(length.more);
        let shortest = self.shortest();
        if total < i128::from(shortest) {
            return Err(FrameError::TooShort { offset, length: u64::try_from(total).unwrap_or(0), shortest });
        }
        let total = self.within(u64::try_from(total).unwrap_or(u64::MAX), offset)?;
        match before {
            Some(before) if before != total => Err(FrameError::Disagree { offset, length: total, before }),
            _ => Ok(total),
        }
    }
}

/// Whether a constant has come; an error as soon as a byte differs.
fn constant(wanted: &[u8], come: &[u8], offset: u64) -> Result<bool, FrameError> {
    match wanted.iter().zip(come).position(|(wanted, byte)| wanted != byte) {
        Some(at) => {
            let bytes = come.get(..=at).unwrap_or_default().to_vec();
            Err(FrameError::Mark { offset, bytes, wanted: wanted.into() })
        }
        None => Ok(come.len() >= wanted.len()),
    }
}
