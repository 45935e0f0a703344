//! Printing. Whoever reads may have read enough, as `head` does: what is said after that is dropped, and the exit code stays what it is.

use std::fmt::Arguments;
use std::io::Write;

/// Prints a line on standard output.
macro_rules! out {
    () => { $crate::out::line(&mut std::io::stdout().lock(), format_args!("")) };
    ($($part:tt)+) => { $crate::out::line(&mut std::io::stdout().lock(), format_args!($($part)+)) };
}

/// Prints a line on standard error.
macro_rules! err {
    ($($part:tt)+) => { $crate::out::line(&mut std::io::stderr().lock(), format_args!($($part)+)) };
}

/// Writes a line to somebody who may be gone.
pub(crate) fn line(to: &mut impl Write, text: Arguments<'_>) {
    // Nobody is left to be told of it.
    let _ = writeln!(to, "{text}");
}

/// Writes bytes as they are, likewise.
pub(crate) fn bytes(mut to: impl Write, bytes: &[u8]) {
    // What has no end of line waits in a buffer.
    let _ = to.write_all(bytes).and_then(|()| to.flush());
}
