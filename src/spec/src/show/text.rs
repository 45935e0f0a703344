//! How a text lies in its field, in the words of the language.

use alloc::borrow::Cow;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use pabal_telegram::{Charset, CharsetPair, Field, Layout, TextMode, Wide};

/// The charsets that most fields of a layout have, so that only others need be shown.
pub(super) fn usual(layout: &Layout) -> Option<CharsetPair> {
    let mut counts: BTreeMap<(Charset, Charset), usize> = BTreeMap::new();
    for field in layout.fields() {
        *counts.entry((field.charset.encode, field.charset.decode)).or_default() += 1;
    }
    let ((encode, decode), _) = counts.into_iter().max_by_key(|(_, count)| *count)?;
    Some(CharsetPair { encode, decode })
}

/// `right`, `pad "0"`, `charset cp949`, `wide when bank_code in "004" "088"`, `lenient control`; in this order.
pub(super) fn clauses(field: &Field, layout: &Layout, usual: Option<CharsetPair>) -> Vec<String> {
    let mut all = Vec::new();
    let CharsetPair { encode, decode } = field.charset;
    if field.text.right {
        all.push("right".into());
    }
    if let Some(pad) = field.text.pad {
        all.push(match encode.decode(&[pad]) {
            Ok(text) => format!("pad {text:?}"),
            Err(_) => format!("pad 0x{pad:02X}"),
        });
    }
    if usual != Some(field.charset) {
        all.push(if encode == decode {
            format!("charset {encode}")
        } else {
            format!("charset encode {encode} decode {decode}")
        });
    }
    match &field.text.wide {
        Wide::No => {}
        Wide::Always => all.push("wide".into()),
        Wide::When { at, any_of } => {
            let when = layout.fields().iter().find(|other| other.at == *at);
            let name = when.map_or("", |when| &when.path);
            let values =
                any_of.iter().map(|bytes| format!(" {:?}", when.map_or(Cow::Borrowed(""), |when| text(when, bytes))));
            all.push(format!("wide when {name} in{}", values.collect::<String>()));
        }
    }
    let modes = TextMode::ALL.into_iter().filter(|(_, mode)| field.text.lenient.has(*mode));
    let modes: String = modes.map(|(name, _)| format!(" {name}")).collect();
    if !modes.is_empty() {
        all.push(format!("lenient{modes}"));
    }
    all
}

/// Bytes of a field as text, whatever they are.
pub(super) fn text<'b>(field: &Field, bytes: &'b [u8]) -> Cow<'b, str> {
    field.charset.encode.decode(bytes).unwrap_or_else(|_| String::from_utf8_lossy(bytes))
}
