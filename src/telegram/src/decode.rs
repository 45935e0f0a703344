use alloc::vec::Vec;

use crate::fault::Fault;
use crate::layout::{Field, FieldId, Layout, Side};
use crate::value::ValueRef;

/// A telegram as it lies in memory, seen through its layout. Nothing is decoded before it is asked for.
#[derive(Clone, Copy, Debug)]
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

    /// One field.
    ///
    /// # Errors
    /// The field's bytes break its rule.
    pub fn get(&self, id: FieldId) -> Result<ValueRef<'b>, Fault> {
        let _ = (id, self.side);
        unimplemented!()
    }

    /// Every field with its value or its fault, in the order of the layout.
    pub fn fields(&self) -> impl Iterator<Item = (FieldId, &'l Field, Result<ValueRef<'b>, Fault>)> + '_ {
        core::iter::empty()
    }

    /// All that is wrong, the length included. Empty if nothing is; then nothing was allocated.
    #[must_use]
    pub fn faults(&self) -> Vec<Fault> {
        unimplemented!()
    }
}
