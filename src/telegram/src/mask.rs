use alloc::string::String;

use crate::layout::Field;

/// A field's bytes as they may be shown to anybody: `(raw in hex, value as text)`, masked together, so that neither tells what
/// the other hides. Public fields are shown whole.
#[must_use]
pub fn masked(field: &Field, bytes: &[u8]) -> (String, String) {
    let _ = (field, bytes);
    unimplemented!()
}
