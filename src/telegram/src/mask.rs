use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write;

use crate::charset::Charset;
use crate::class::Class;
use crate::decode::trim_right;
use crate::field::Field;
use crate::layout::Layout;
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
        return mask(field.class, field.charset.decode, bytes);
    }
    let text = match field.read(bytes, true) {
        Ok(ValueRef::Bytes(bytes)) => escaped(bytes),
        Ok(value) => alloc::format!("{value}"),
        Err(_) => escaped(bytes),
    };
    (hex(bytes), text)
}

/// What may be stored of a telegram: the same bytes, but '*' for each byte of a secret field. Lengths and offsets stay.
///
/// A telegram of the wrong length may hold its secrets elsewhere than the layout says; do not store it by its layout alone.
#[must_use]
pub fn redacted(layout: &Layout, telegram: &[u8]) -> Vec<u8> {
    let mut stored = telegram.to_vec();
    for field in layout.fields().iter().filter(|field| field.class == Class::Secret) {
        let end = field.at.range().end.min(stored.len());
        if let Some(bytes) = stored.get_mut(field.at.range().start..end) {
            bytes.fill(b'*');
        }
    }
    stored
}

/// Masks by class; public bytes are text of the charset if they can be.
pub(crate) fn mask(class: Class, charset: Charset, bytes: &[u8]) -> (String, String) {
    let value = trim_right(bytes);
    match class {
        Class::Public => {
            let text = charset.decode(value).map_or_else(|_| escaped(bytes), String::from);
            (hex(bytes), text)
        }
        Class::Account | Class::Phone => {
            let shown = if value.len() >= 8 { 4 } else { value.len() / 2 };
            let hidden = value.len() - shown;
            let mut text = "*".repeat(hidden);
            text.push_str(&escaped(value.get(hidden..).unwrap_or_default()));
            (hex_where(bytes, |at| at >= hidden), text)
        }
        Class::Name => {
            let first = charset.first_len(value);
            let (shown, rest) = value.split_at_checked(first).unwrap_or((b"", value));
            if rest.is_empty() {
                // Of one character the first would be the whole.
                return (hex_where(bytes, |at| at >= value.len()), "*".repeat(usize::from(!shown.is_empty())));
            }
            let mut text = charset.decode(shown).map_or_else(|_| String::new(), String::from);
            let characters = charset.decode(rest).map_or(rest.len(), |rest| rest.chars().count());
            text.push_str(&"*".repeat(characters));
            (hex_where(bytes, |at| at < first || at >= value.len()), text)
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
