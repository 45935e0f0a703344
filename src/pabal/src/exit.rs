//! What the exit code says; scripts rely on it.

/// SUCCESS, or the command has done what it was asked.
pub(crate) const DONE: u8 = 0;
/// FAILURE; for tools that look at files: mistakes were found.
pub(crate) const FAILURE: u8 = 1;
/// The command was not understood, or what it needs is not there.
pub(crate) const USAGE: u8 = 2;
/// UNKNOWN: money may have moved.
pub(crate) const UNKNOWN: u8 = 3;
/// What sends or changes something was refused by the gateway, or reached none: no byte of the request left, nothing was changed.
pub(crate) const NOT_SENT: u8 = 4;
/// An error that the gateway did not make: whether the request left is not proven. Of what only asks: any error, a refusal too, since nothing was learnt.
pub(crate) const NO_PROOF: u8 = 5;
