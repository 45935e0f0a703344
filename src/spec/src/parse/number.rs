//! A number's kind: digits, decimals, sign, form.

use alloc::format;

use pabal_telegram::{Form, Order, Sign, Zones};

use crate::diagnostic::Span;
use crate::mistake::{self, error};
use crate::parse::cursor::{Cursor, Read};
use crate::parse::field::length;
use crate::written::Digits;

/// Words that say of a number behind its digits how they become bytes; they are part of its kind.
pub(crate) const FORMS: [&str; 5] = ["sign", "overpunch", "packed", "bcd", "binary"];

/// Words that such a word may have behind it.
pub(crate) const PLACES: [&str; 5] = ["leading", "trailing", "ascii", "big", "little"];

const ENDS: [(&str, bool); 2] = [("leading", true), ("trailing", false)];

const ORDERS: [(&str, Order); 2] = [("big", Order::Big), ("little", Order::Little)];

/// Reads what follows `9` or `S9`.
pub(super) fn read(cursor: &mut Cursor<'_>, start: Span, signed: bool) -> Read<Digits> {
    let whole = length(cursor)?;
    let pointed = cursor.is_word(".9");
    let scale = if cursor.takes("V9") || cursor.takes(".9") { length(cursor)? } else { 0 };
    let digits = cursor.since(start);
    let place = cursor.here();
    let form = form(cursor, signed, pointed)?;
    let place = cursor.since(place);
    let told = match form {
        Form::Zoned(Sign::Absent) | Form::Pointed(Sign::Absent) if signed => Some(
            error(
                mistake::NO_SIGN,
                digits,
                "where is its sign?",
                "A number with a sign does not say where the sign stands",
            )
            .help(
                "say it behind the digits: `sign leading`, `sign trailing`, `overpunch leading`, `overpunch trailing`, \
                 `packed` or `binary(4) big`; without a sign it is `9(n)`",
            ),
        ),
        Form::Zoned(sign) | Form::Pointed(sign) if sign != Sign::Absent && !signed => Some(
            error(mistake::SIGNLESS, place, "has no sign", "A number without a sign says where its sign stands")
                .help(format!("with a sign it is `S9({whole})`; one of its own takes a byte more")),
        ),
        Form::Bcd if signed => Some(
            error(mistake::SIGNLESS, place, "has no sign", "BCD has no place for a sign")
                .help("without a sign it is `9(n) bcd`; two digits in a byte and a sign behind them are `packed`"),
        ),
        _ if pointed && !matches!(form, Form::Pointed(_)) => Some(
            error(mistake::NO_POINT, place, "has no point", "No point stands among digits in this form")
                .help("write `V9(n)`: the point is only implied"),
        ),
        _ => None,
    };
    match told {
        Some(told) => Err(told.into()),
        None => Ok(Digits { whole, scale, form }),
    }
}

fn form(cursor: &mut Cursor<'_>, signed: bool, pointed: bool) -> Read<Form> {
    let zoned = |sign| if pointed { Form::Pointed(sign) } else { Form::Zoned(sign) };
    if cursor.takes("sign") {
        let is_leading = cursor.choice("`leading` or `trailing`", &ENDS)?.value;
        return Ok(zoned(if is_leading { Sign::Leading } else { Sign::Trailing }));
    }
    if cursor.takes("overpunch") {
        let is_leading = cursor.choice("`leading` or `trailing`", &ENDS)?.value;
        let zones = if cursor.takes("ascii") { Zones::Ascii } else { Zones::Ibm };
        return Ok(Form::Zoned(if is_leading {
            Sign::OverpunchLeading(zones)
        } else {
            Sign::OverpunchTrailing(zones)
        }));
    }
    if cursor.takes("packed") {
        return Ok(Form::Packed { signed });
    }
    if cursor.takes("bcd") {
        return Ok(Form::Bcd);
    }
    if cursor.takes("binary") {
        let bytes = u8::try_from(length(cursor)?).unwrap_or(u8::MAX);
        let order = cursor.choice("`big` or `little`: which byte stands first", &ORDERS)?.value;
        return Ok(Form::Binary { bytes, order, signed });
    }
    Ok(zoned(Sign::Absent))
}
