//! Numbers: their digits, their forms and what is said of them.

use alloc::format;
use alloc::vec::Vec;

use pabal_telegram::{CharsetPair, Form, Number, NumberModes, Sign, TextMode, Unset, Zones};

use crate::diagnostic::{Diagnostic, Span};
use crate::mistake::{self, error};
use crate::written::{self, Digits};

/// Numbers are exact up to here.
const DIGITS_MAX: u32 = 38;

/// A number as it is written, with what is said of it; right or wrong.
pub(crate) fn number(written: &written::Field, digits: &Digits, span: Span, out: &mut Vec<Diagnostic>) -> Number {
    let small = |digits| u8::try_from(digits).unwrap_or(u8::MAX);
    let mut number = Number::of(small(digits.all()), small(digits.scale), digits.form);
    number.blank = written.blank.unwrap_or_default();
    for mode in &written.lenient {
        if let Some((_, switch_on)) = NumberModes::ALL.iter().find(|(word, _)| *word == mode.value) {
            switch_on(&mut number.lenient);
        }
    }
    if digits.all() > DIGITS_MAX {
        out.push(
            error(
                mistake::BAD_KIND,
                span,
                format!("{} digits", u64::from(digits.whole) + u64::from(digits.scale)),
                "A number has at most 38 digits",
            )
            .help("if it is not a number but only written in digits, it is `X(n)` or `code(n)`"),
        );
    } else if let (Form::Binary { bytes, .. }, false) = (number.form, number.is_sound()) {
        let told = if (1..=16).contains(&bytes) {
            let fits = |digits: &u8| Number::of(*digits, 0, number.form).is_sound();
            let most = (1..=number.digits).rev().find(fits).unwrap_or(1);
            let message = format!("{bytes} bytes never hold a number of {} digits", number.digits);
            error(mistake::TOO_SMALL, span, format!("at most {most} digits"), message).help(
                "compare digits and bytes with the document; usual are 2 bytes for up to 4 digits, 4 for 9, 8 for 18",
            )
        } else {
            error(mistake::TOO_SMALL, span, "1 to 16 bytes", "A binary number has 1 to 16 bytes")
        };
        out.push(told);
    }
    number
}

/// What is said of a number whose form cannot have it.
pub(crate) fn misplaced(written: &written::Field, number: Number, charset: CharsetPair, out: &mut Vec<Diagnostic>) {
    let kind = written.kind.as_ref().map_or(written.name.span, |kind| kind.span);
    let mut tell = |span: Span, why: &str, help: &str| {
        let message = format!("Field `{}` cannot have this: {why}", written.name.value);
        out.push(error(mistake::BAD_FORM, span, "not here", message).help(help));
    };
    let sign = match number.form {
        Form::Zoned(sign) | Form::Pointed(sign) => sign,
        _ => Sign::Absent,
    };
    let is_ebcdic = charset.encode.is_ebcdic() || charset.decode.is_ebcdic();
    if is_ebcdic && matches!(sign, Sign::OverpunchLeading(Zones::Ascii) | Sign::OverpunchTrailing(Zones::Ascii)) {
        tell(kind, "its charset is EBCDIC", "without `ascii` the signs are those of EBCDIC, the zones C and D");
    }
    if matches!(number.form, Form::Bcd | Form::Binary { .. }) {
        let never = format!("`{}` is never blank", number.form);
        let unset = written.seen.find("unset").filter(|_| written.unset == Some(Unset::Space));
        for span in [written.seen.find("blank"), unset].into_iter().flatten() {
            tell(span, &never, "what is left out is nought; spaces would be a number");
        }
    }
    for mode in &written.lenient {
        let (fits, help) = match mode.value.as_str() {
            "spaces_left" => (number.is_text(), "it belongs to numbers of one byte for each digit"),
            "negative_zero" => (number.is_signed(), "it belongs to numbers with a sign"),
            "blank_sign" => {
                (matches!(sign, Sign::Leading | Sign::Trailing), "it belongs to `sign leading` and `sign trailing`")
            }
            word if TextMode::ALL.iter().any(|(text, _)| *text == word) => (false, "it belongs to `X(n)`"),
            _ => (matches!(number.form, Form::Packed { .. }), "it belongs to `packed`"),
        };
        if !fits {
            tell(mode.span, &format!("`{}` says nothing of this number", mode.value), help);
        }
    }
}
