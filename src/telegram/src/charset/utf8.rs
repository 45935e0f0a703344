//! UTF-8: the only charset here whose characters have one to four bytes.

use crate::fault::Rule;

pub(super) fn decode(bytes: &[u8]) -> Result<&str, Rule> {
    let (text, rule) = match core::str::from_utf8(bytes) {
        Ok(text) => (text, None),
        Err(error) => {
            let (whole, wrong) = bytes.split_at_checked(error.valid_up_to()).unwrap_or_default();
            // The bytes end inside of a character, or a space stands there: the padding.
            let is_cut = error.error_len().is_none_or(|len| wrong.get(len) == Some(&b' '));
            let is_cut = is_cut && matches!(wrong, [0xC2..=0xF4, ..]);
            let rule = if is_cut { Rule::HalfCharacter } else { Rule::NotText };
            (core::str::from_utf8(whole).unwrap_or_default(), Some(rule))
        }
    };
    if text.chars().any(char::is_control) {
        return Err(Rule::NotText);
    }
    rule.map_or(Ok(text), Err)
}

/// `Err` has the place of the first character that cannot be written, counted in characters from 0.
pub(super) fn check(text: &str) -> Result<(), (usize, char)> {
    text.chars().enumerate().find(|(_, character)| character.is_control()).map_or(Ok(()), Err)
}
