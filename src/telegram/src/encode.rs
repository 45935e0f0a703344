use alloc::string::String;
use alloc::vec::Vec;

use crate::fault::Fault;
use crate::layout::{Layout, Side};
use crate::value::Value;

/// What the caller gives: fields by their path, in any order.
pub type Values = [(String, Value)];

/// Makes the bytes of a telegram (length prefix not included) that `side` fills. Starts from values only.
///
/// Fields that are stamped stay as their [`crate::Unset`] fill until the gateway writes them; giving them a value is [`crate::Rule::NotYours`].
///
/// # Errors
/// Everything that is wrong with the values, each with field, offset, bytes and rule. Nothing is cut, replaced or guessed.
pub fn encode(layout: &Layout, side: Side, values: &Values) -> Result<Vec<u8>, Vec<Fault>> {
    let _ = (layout, side, values);
    unimplemented!()
}
