//! Bytes on one side, values on the other: fixed-length telegrams, read and written through a [`Layout`].
//!
//! A bank's peer sends a stream of bytes. A [`Deframer`] cuts it into telegrams, however TCP has sliced it, and knows no field.
//! A [`Telegram`] looks at one of them through a layout, which comes from a spec and says for each [`Field`] where its bytes are,
//! what [`Kind`] they are, in which [`Charset`], who fills them ([`By`]), with what if nobody does ([`Fill`], [`Unset`]), and how
//! confidential they are ([`Class`]). Nothing is decoded before it is asked for, and what can be borrowed is. The other way,
//! [`encode`] starts from values and makes bytes, and [`Framing::write`] puts the length before them.
//!
//! What holds throughout:
//!
//! - Lengths and offsets count bytes, never characters. No character is cut, and nothing becomes `?` or U+FFFD.
//! - A value that does not fit is a [`Fault`] with field, offset, bytes and [`Rule`]; all of a telegram are told at once, reading and
//!   writing. A fault in one field hides no other.
//! - A code is text: "004" stays "004". A number is an exact [`Decimal`], never a float.
//! - What is not public is masked wherever it is printed, `Debug` included ([`masked`]). What must never be stored is known by its class
//!   ([`Class::Secret`]), and by its place ([`Layout::secrets`]).
//! - Input never panics, and memory is bounded by the input. When nothing is wrong, reading allocates for text that is not ASCII only.
//!
//! There is no clock, no socket, no file and no randomness here, and no word about sessions. What belongs to a request while it is away,
//! such as its trace, is kept by a [`Carrier`], under the [`TraceKey`] that the answer carries back.
//!
//! ```
//! use pabal_telegram::{
//!     By, Charset, CharsetPair, Class, Deframer, Echo, Equal, Field, Fill, Framing, Kind, Layout, Number, Side, Slice, Telegram, TextRule,
//!     Unset, encode,
//! };
//!
//! // Two columns of an institution's document. A spec file says this in two lines; see `pabal-spec`.
//! let holder = Field {
//!     path: "holder".into(),
//!     label: "예금주명".into(),
//!     at: Slice { offset: 0, len: 10 },
//!     kind: Kind::Text,
//!     charset: CharsetPair { encode: Charset::EucKr, decode: Charset::Cp949 },
//!     class: Class::Name,
//!     by: By { asker: true, answerer: true, optional: false },
//!     fill: Fill::Given,
//!     unset: Unset::Space,
//!     equal: Equal::default(),
//!     echo: Echo::No,
//!     text: TextRule::default(),
//! };
//! let amount = Field {
//!     path: "amount".into(),
//!     label: "금액".into(),
//!     at: Slice { offset: 10, len: 8 },
//!     kind: Kind::Number(Number::plain(8, 0)),
//!     class: Class::Public,
//!     unset: Unset::Zero,
//!     ..holder.clone()
//! };
//! let layout = Layout::new("payment", "지급", 18, vec![holder, amount])?;
//!
//! // Values become bytes, and bytes a frame.
//! let telegram = encode(
//!     &layout,
//!     Side::Asker,
//!     &[("holder".into(), "홍길동".into()), ("amount".into(), 150_000.into())],
//! )
//! .unwrap();
//! assert_eq!(telegram, b"\xC8\xAB\xB1\xE6\xB5\xBF    00150000");
//! let framing = Framing::digits(4, 4_096)?;
//! let mut wire = Vec::new();
//! framing.write(&telegram, &mut wire)?;
//! assert!(wire.starts_with(b"0018"));
//!
//! // The stream comes in pieces, and becomes values again.
//! let mut deframer = Deframer::new(framing);
//! deframer.push(&wire[..7]);
//! assert_eq!(deframer.next_frame()?, None);
//! deframer.push(&wire[7..]);
//! let frame = deframer.next_frame()?.unwrap();
//! let read = Telegram::new(&layout, frame, Side::Asker);
//! assert!(read.faults().is_empty());
//! assert_eq!(read.named("holder").unwrap().text(), Some("홍길동"));
//! assert_eq!(read.named("amount").unwrap().to_string(), "150000");
//! // And bytes again, the same ones.
//! assert_eq!(encode(&layout, Side::Asker, &read.to_values().unwrap()).unwrap(), telegram);
//!
//! // A name of twelve bytes does not fit ten. Nothing is cut; the name stays masked.
//! let faults = encode(
//!     &layout,
//!     Side::Asker,
//!     &[("holder".into(), "남궁길동님 1".into()), ("amount".into(), 1.into())],
//! )
//! .unwrap_err();
//! assert_eq!(
//!     faults[0].to_string(),
//!     "T07 holder at byte 0 (10 bytes): the value needs 12 bytes; shorten it, nothing is cut here; \
//!      bytes b3 b2 ** ** ** ** ** ** ** ** ** ** (\"남******\")"
//! );
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![no_std]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod cell;
mod charset;
mod class;
mod computed;
mod decimal;
mod decode;
#[cfg(test)]
mod draft;
mod encode;
mod fault;
mod field;
mod frame;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
mod given;
mod kind;
mod layout;
mod mask;
mod moment;
mod nearest;
mod slots;
mod text;
mod trace;
mod value;
mod walk;

pub use cell::{Cell, CellPath, Indices};
pub use charset::{Charset, CharsetPair};
pub use class::Class;
pub use computed::{CheckDigit, Checksum, Computed, Span, recompute, recompute_from};
pub use decimal::{Decimal, DecimalError};
pub use decode::{Fields, Telegram};
pub use encode::{Values, encode, encode_into};
pub use fault::{Fault, Rule};
pub use field::{By, Echo, Equal, Field, FieldId, Fill, Side, Slice, Unset};
pub use frame::{
    Deframer, FrameError, FrameLength, FramePart, FrameParts, Framing, FramingError, Notation, OnGarbage, Total,
    TypedTotal,
};
pub use given::{faults_as_given, faults_but_for};
pub use kind::{Blank, Form, Kind, Moment, Near, Number, NumberModes, Order, Sign, Stamp, Year, Zones};
pub use layout::{Branch, Choice, Layout, LayoutError, Node, Repeat, Tail, Test, Times, When};
pub use mask::{masked, masked_by_class};
pub use nearest::nearest;
pub use slots::write::{Room, Writing};
pub use slots::{Reading, Readings, Slots, Telegrams};
pub use text::{TextMode, TextModes, TextRule, Wide};
pub use trace::{Carrier, TraceKey};
pub use value::{Value, ValueRef};
pub use walk::Cells;
