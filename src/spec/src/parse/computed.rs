//! What a field says of the telegram that it stands in.

use alloc::borrow::ToOwned;
use alloc::boxed::Box;
use alloc::string::String;

use pabal_telegram::{CheckDigit, Checksum};

use crate::mistake::{self, error};
use crate::parse::cursor::{Cursor, Read};
use crate::parse::line;
use crate::written::{At, Computed, Extent, Name};

/// Words that begin such a clause.
pub(crate) const COMPUTED: [&str; 8] = ["length", "count", "sum", "lrc", "crc16", "crc32", "check", "fraction"];

#[derive(Clone, Copy)]
enum Rule {
    Luhn,
    BusinessNo,
    Mod10,
    Mod11,
}

const RULES: [(&str, Rule); 4] =
    [("luhn", Rule::Luhn), ("business_no", Rule::BusinessNo), ("mod10", Rule::Mod10), ("mod11", Rule::Mod11)];

/// Reads what follows one of [`COMPUTED`].
pub(super) fn read(word: &str, cursor: &mut Cursor<'_>) -> Read<Computed> {
    Ok(match word {
        "length" => length(cursor)?,
        "count" => Computed::Count(of(cursor, "the name of a repeat")?),
        "sum" => Computed::Sum(of(cursor, "the name of a number")?),
        "fraction" => Computed::Fraction(of(cursor, "the name of a number")?),
        "lrc" => Computed::Checksum { by: Checksum::Lrc, of: range(cursor)? },
        "crc16" => {
            let by = cursor.choice("a CRC of two bytes", &Checksum::CRC16)?.value;
            Computed::Checksum { by, of: range(cursor)? }
        }
        "crc32" => {
            let by = cursor.choice("a CRC of four bytes", &Checksum::CRC32)?.value;
            Computed::Checksum { by, of: range(cursor)? }
        }
        _ => check(cursor)?,
    })
}

fn length(cursor: &mut Cursor<'_>) -> Read<Computed> {
    let of = range(cursor)?;
    let exclusive = cursor.takes("exclusive");
    let plus = if cursor.takes("plus") { cursor.count("how many bytes more")?.value } else { 0 };
    let minus = if plus == 0 && cursor.takes("minus") { cursor.count("how many bytes fewer")?.value } else { 0 };
    let signed = |bytes| i32::try_from(bytes).unwrap_or(i32::MAX);
    Ok(Computed::Length { of, exclusive, plus: signed(plus) - signed(minus) })
}

fn check(cursor: &mut Cursor<'_>) -> Read<Computed> {
    let rule = cursor.choice("the rule of a check digit", &RULES)?;
    let by = match rule.value {
        Rule::Luhn => CheckDigit::Luhn,
        Rule::BusinessNo => CheckDigit::BusinessNo,
        Rule::Mod10 => CheckDigit::Mod10(weights(cursor)?),
        Rule::Mod11 => CheckDigit::Mod11(weights(cursor)?),
    };
    let of = if cursor.takes("of") { Some(path(cursor, "the name of a field")?) } else { None };
    Ok(Computed::Check { by, of })
}

fn weights(cursor: &mut Cursor<'_>) -> Read<Box<[u8]>> {
    let text = cursor.text("weights: a digit for each digit, as in \"23456789\"")?;
    let weights: Box<[u8]> = text.value.bytes().map(|byte| byte.wrapping_sub(b'0')).collect();
    if weights.is_empty() || weights.iter().any(|weight| *weight > 9) {
        return Err(error(mistake::BAD_VALUE, text.span, "not weights", "Weights are digits, one for each digit")
            .help("write them from the left, without anything between: `\"234567892345\"`; they begin anew when they are used up")
            .into());
    }
    Ok(weights)
}

fn of(cursor: &mut Cursor<'_>, what: &str) -> Read<Name> {
    cursor.must(&["of"])?;
    path(cursor, what)
}

/// A name, or several with dots between.
fn path(cursor: &mut Cursor<'_>, what: &str) -> Read<Name> {
    let word = cursor.word(what)?;
    is_path(&word, &word.value, what)?;
    Ok(word)
}

fn is_path(word: &Name, path: &str, what: &str) -> Read<()> {
    if path.split('.').all(line::is_name) {
        return Ok(());
    }
    Err(error(
        mistake::BAD_NAME,
        word.span,
        alloc::format!("expected {what}"),
        alloc::format!("`{path}` is not a name"),
    )
    .help("a name begins with a lower-case letter; in a group, the group's name and a dot stand before it")
    .into())
}

/// `telegram`, `field` or `first..last`.
fn range(cursor: &mut Cursor<'_>) -> Read<Extent> {
    cursor.must(&["of"])?;
    let what = "`telegram`, a field, or fields from to: `first..last`";
    let word = cursor.word(what)?;
    if word.value == "telegram" {
        return Ok(Extent { span: word.span, ends: None });
    }
    let (first, last) = match word.value.split_once("..") {
        Some((first, last)) => (first.to_owned(), last.to_owned()),
        None => (word.value.clone(), word.value.clone()),
    };
    is_path(&word, &first, what)?;
    is_path(&word, &last, what)?;
    let name = |value: String| At { value, span: word.span };
    Ok(Extent { span: word.span, ends: Some((name(first), name(last))) })
}
