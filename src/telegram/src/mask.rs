use alloc::string::String;
use core::fmt::Write;
use core::ops::Range;

use crate::charset::Charset;
use crate::class::Class;
use crate::decode::trim_right;
use crate::field::Field;
use crate::value::ValueRef;

/// A field's bytes as they may be shown to anybody: `(raw in hex, value as text)`, masked together, so that neither tells what
/// the other hides. Hex has a space between bytes, and `**` for a byte that is hidden.
///
/// - public: all; the value as it is decoded, or the bytes as escaped ASCII if they break the field's rule
/// - account, phone: the last four bytes, or half of a value of fewer than eight; padding is shown
/// - name: the first of several characters; the value has one `*` for each of the others
/// - identity, secret: nothing, not even the length
#[must_use]
pub fn masked(field: &Field, bytes: &[u8]) -> (String, String) {
    if field.class != Class::Public {
        return mask(field.class, field.charset.decode, bytes, field.text_range(bytes));
    }
    let text = match field.read(bytes, true, |_| ()) {
        Ok(ValueRef::Bytes(bytes)) if field.charset.decode.is_ebcdic() => {
            field.charset.decode.decode(bytes).map_or_else(|_| escaped(bytes), String::from)
        }
        Ok(ValueRef::Bytes(bytes)) => escaped(bytes),
        Ok(value) => alloc::format!("{value}"),
        Err(_) => escaped(bytes),
    };
    (hex(bytes), text)
}

/// As [`masked`], for who knows only the class of the bytes, of which blanks at the end are padding; public bytes are text of the charset if
/// they can be.
#[must_use]
pub fn masked_by_class(class: Class, charset: Charset, bytes: &[u8]) -> (String, String) {
    let end = trim_right(bytes, charset.blank()).len();
    mask(class, charset, bytes, 0..end)
}

/// Masks by class; public bytes are text of the charset if they can be. `text_at`: those that are no padding.
fn mask(class: Class, charset: Charset, bytes: &[u8], text_at: Range<usize>) -> (String, String) {
    let value = bytes.get(text_at.clone()).unwrap_or_default();
    match class {
        Class::Public => {
            let text = charset.decode(value).map_or_else(|_| escaped(bytes), String::from);
            (hex(bytes), text)
        }
        Class::Account | Class::Phone => {
            let shown = if value.len() >= 8 { 4 } else { value.len() / 2 };
            let hidden = value.len() - shown;
            let mut text = "*".repeat(hidden);
            let end = value.get(hidden..).unwrap_or_default();
            let decoded = charset.decode(end).ok().filter(|_| charset.is_ebcdic() && charset.decode(value).is_ok());
            text.push_str(&decoded.map_or_else(|| escaped(end), String::from));
            (hex_where(bytes, |at| at >= text_at.start + hidden || at < text_at.start), text)
        }
        Class::Name => {
            let whole = charset.decode(value);
            let first = charset.first(value);
            let end = first.map_or(0, |first| first.bytes);
            let characters = match &whole {
                Ok(text) => text.chars().count(),
                // What is no text behind the first character is hidden byte by byte.
                Err(_) => usize::from(first.is_some()) + value.len() - end,
            };
            let Some(first) = first.filter(|_| characters > 1) else {
                // Of one character the first would be the whole.
                return (hex_where(bytes, |at| !text_at.contains(&at)), "*".repeat(characters));
            };
            let mut text = String::from(first.character);
            text.push_str(&"*".repeat(characters - 1));
            (hex_where(bytes, |at| at < text_at.start + end || at >= text_at.end), text)
        }
        Class::Identity | Class::Secret => (hex_where(bytes, |_| false), "*".repeat(bytes.len())),
    }
}

/// Bytes in hex with a space between them.
pub(crate) fn hex(bytes: &[u8]) -> String {
    hex_where(bytes, |_| true)
}

fn hex_where(bytes: &[u8], shown: impl Fn(usize) -> bool) -> String {
    let mut text = String::with_capacity(bytes.len() * 3);
    for (at, byte) in bytes.iter().enumerate() {
        if at > 0 {
            text.push(' ');
        }
        if shown(at) {
            // Writing to a string does not fail.
            let _ = write!(text, "{byte:02x}");
        } else {
            text.push_str("**");
        }
    }
    text
}

fn escaped(bytes: &[u8]) -> String {
    alloc::format!("{}", bytes.escape_ascii())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draft::{field, layout, text};
    use crate::kind::{Kind, Number};
    use crate::layout::Layout;

    fn check(class: Class, bytes: &[u8], raw: &str, value: &str) {
        let field = Field { class, ..text("f", u32::try_from(bytes.len()).unwrap()) };
        let (found_raw, found_value) = masked(&field, bytes);
        assert_eq!((found_raw.as_str(), found_value.as_str()), (raw, value), "{class}");
    }

    #[test]
    fn each_class_shows_what_it_may() {
        check(Class::Public, b"\xC8\xABa ", "c8 ab 61 20", "홍a");
        check(Class::Account, b"110123456789  ", "** ** ** ** ** ** ** ** 36 37 38 39 20 20", "********6789");
        check(Class::Phone, b"01012345678", "** ** ** ** ** ** ** 35 36 37 38", "*******5678");
        check(Class::Name, b"\xC8\xAB\xB1\xE6\xB5\xBF  ", "c8 ab ** ** ** ** 20 20", "홍**");
        check(Class::Name, b"KIM ", "4b ** ** 20", "K**");
        check(Class::Identity, b"800101 ", "** ** ** ** ** ** **", "*******");
        check(Class::Secret, b"1234    ", "** ** ** ** ** ** ** **", "********");
    }

    #[test]
    fn short_values_do_not_become_visible() {
        check(Class::Account, b"1234", "** ** 33 34", "**34");
        check(Class::Account, b"1   ", "** 20 20 20", "*");
        check(Class::Account, b"    ", "20 20 20 20", "");
        check(Class::Name, b"\xC8\xAB  ", "** ** 20 20", "*");
        check(Class::Name, b"    ", "20 20 20 20", "");
    }

    #[test]
    fn bytes_that_are_no_text_stay_hidden() {
        // The second half of 길 is missing; the first character is whole.
        check(Class::Name, b"\xC8\xAB\xB1", "c8 ab **", "홍*");
        check(Class::Name, b"\xFF\xC8\xAB", "** ** **", "***");
        check(Class::Public, b"\xC8\xAB\xB1", "c8 ab b1", "\\xc8\\xab\\xb1");
        check(Class::Account, b"\xC8\xAB\xB1\xE6\xB5\xBF12", "** ** ** ** b5 bf 31 32", "****\\xb5\\xbf12");
    }

    #[test]
    fn public_values_are_shown_as_they_decode() {
        let rate = field("f", 5, Kind::Number(Number::plain(5, 2)));
        assert_eq!(masked(&rate, b"01250").1, "12.50");
        assert_eq!(masked(&rate, b"0125x").1, "0125x");
        let filler = field("f", 3, Kind::Filler);
        assert_eq!(masked(&filler, b"a\x00\xFF").1, "a\\x00\\xff");
    }

    fn layout_of_one(class: Class) -> Layout {
        layout(std::vec![Field { class, ..text("f", 3) }])
    }

    #[test]
    fn a_blank_confidential_field_is_seen_to_be_blank() {
        let layout = layout_of_one(Class::Phone);
        let field = &layout.fields()[0];
        assert_eq!(masked(field, b"   ").1, "");
    }
}
