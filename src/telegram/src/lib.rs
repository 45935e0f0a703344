//! Bytes on one side, values on the other: fixed-length telegrams, read and written through a [`Layout`].
//!
//! (the story and a doctest go here)
#![no_std]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod charset;
mod class;
mod decode;
mod encode;
mod fault;
mod frame;
mod kind;
mod layout;
mod mask;
mod trace;
mod value;

pub use charset::{Charset, CharsetPair};
pub use class::Class;
pub use decode::Telegram;
pub use encode::{Values, encode};
pub use fault::{Fault, Rule};
pub use frame::{Deframer, FrameError, Framing, LengthStyle};
pub use kind::{Kind, Stamp};
pub use layout::{By, Echo, Equal, Field, FieldId, Fill, Layout, LayoutError, Node, Side, Slice, Unset};
pub use mask::masked;
pub use trace::TraceKey;
pub use value::{Decimal, Value, ValueRef};
