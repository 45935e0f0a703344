//! A number's kind: digits, decimals, sign.

use alloc::format;

use pabal_telegram::{Form, Sign};

use crate::diagnostic::Span;
use crate::mistake::{self, error};
use crate::parse::cursor::{Cursor, Read};
use crate::parse::field::length;
use crate::written::Digits;

/// Reads what follows `9` or `S9`.
pub(super) fn read(cursor: &mut Cursor<'_>, start: Span, signed: bool) -> Read<Digits> {
    let whole = length(cursor)?;
    let scale = if cursor.takes("V9") { length(cursor)? } else { 0 };
    let digits = cursor.since(start);
    let place = cursor.here();
    let sign = if cursor.takes("sign") {
        cursor.choice("`leading` or `trailing`", &[("leading", Sign::Leading), ("trailing", Sign::Trailing)])?.value
    } else {
        Sign::Absent
    };
    match (signed, sign) {
        (true, Sign::Absent) => Err(error(
            mistake::NO_SIGN,
            digits,
            "where is its sign?",
            "A number with a sign does not say where the sign stands",
        )
        .help("say it behind the digits: `sign leading` or `sign trailing`; without a sign it is `9(n)`")
        .into()),
        (false, Sign::Leading | Sign::Trailing) => Err(error(
            mistake::SIGNLESS,
            cursor.since(place),
            "has no sign",
            "A number without a sign says where its sign stands",
        )
        .help(format!("with a sign it is `S9({whole})`, and it is one byte longer than its digits"))
        .into()),
        _ => Ok(Digits { whole, scale, form: Form::Zoned(sign) }),
    }
}
