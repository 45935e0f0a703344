//! Bytes on one side, values on the other: fixed-length telegrams, read and written through a [`Layout`].
//!
//! (the story and a doctest go here)
#![no_std]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod charset;
mod class;
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
mod kind;
mod layout;
mod mask;
mod nearest;
mod trace;
mod value;

pub use charset::{Charset, CharsetPair};
pub use class::Class;
pub use decimal::{Decimal, DecimalError};
pub use decode::{Fields, Telegram};
pub use encode::{Values, encode};
pub use fault::{Fault, Rule};
pub use field::{By, Echo, Equal, Field, FieldId, Fill, Side, Slice, Unset};
pub use frame::{Deframer, FrameError, Framing, LengthStyle};
pub use kind::{Kind, Stamp};
pub use layout::{Layout, LayoutError, Node};
pub use mask::{masked, redacted};
pub use nearest::nearest;
pub use trace::TraceKey;
pub use value::{Value, ValueRef};
