//! What is said of a text and its bytes: charset, padding and width.

use alloc::format;

use pabal_telegram::Charset;

use crate::mistake::{self, error};
use crate::parse::cursor::{Cursor, Read};
use crate::parse::line::Token;
use crate::written::{At, Pad, Text, Wide};

/// Reads the clause that begins with `word`.
pub(super) fn clause(cursor: &mut Cursor<'_>, word: &At<&str>, text: &mut Text) -> Read<()> {
    match word.value {
        "right" => text.right = true,
        "pad" => text.pad = Some(pad(cursor)?),
        "charset" => {
            let (encode, decode) = charsets(cursor)?;
            text.charset = Some(At { value: (encode, decode), span: cursor.since(word.span) });
        }
        _ => {
            text.wide = Some(if cursor.takes("when") {
                let field = cursor.path("the field that decides")?;
                cursor.must(&["in"])?;
                Wide::When { field, set: cursor.name("the name of a set")? }
            } else {
                Wide::Always
            });
        }
    }
    Ok(())
}

/// `cp949`, or `encode euc-kr decode cp949`.
pub(super) fn charsets(cursor: &mut Cursor<'_>) -> Read<(Charset, Charset)> {
    let what = "a charset";
    if !cursor.takes("encode") {
        let both = cursor.choice(what, &Charset::ALL)?.value;
        return Ok((both, both));
    }
    let encode = cursor.choice(what, &Charset::ALL)?.value;
    cursor.must(&["decode"])?;
    Ok((encode, cursor.choice(what, &Charset::ALL)?.value))
}

/// `"0"` or `0x00`.
fn pad(cursor: &mut Cursor<'_>) -> Read<At<Pad>> {
    let what = "a character between quotes, or a byte such as 0x00";
    if let Some(Token::Text(_)) = cursor.peek() {
        let text = cursor.text(what)?;
        return Ok(At { value: Pad::Text(text.value), span: text.span });
    }
    let word = cursor.word(what)?;
    let byte = word.value.strip_prefix("0x").filter(|digits| digits.len() == 2);
    match byte.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
        Some(byte) => Ok(At { value: Pad::Byte(byte), span: word.span }),
        None => Err(error(
            mistake::BAD_VALUE,
            word.span,
            format!("expected {what}"),
            format!("`{}` is not what a field can be padded with", word.value),
        )
        .help("write a character as `\"0\"`, a byte as `0x` and two digits")
        .into()),
    }
}
