//! `frame`: what a frame is made of, in the order of the wire.

use alloc::format;
use alloc::vec::Vec;

use pabal_telegram::{FrameLength, FramePart, Notation, OnGarbage};

use crate::diagnostic::Span;
use crate::mistake::{self, error};
use crate::parse::cursor::{Cursor, Read};
use crate::parse::line::Token;
use crate::written::{At, Frame, FrameTotal};

const NOTATIONS: [(&str, Notation); 3] =
    [("ascii", Notation::Ascii), ("binary", Notation::Big), ("bcd", Notation::Bcd)];

const ORDERS: [(&str, Notation); 2] = [("big", Notation::Big), ("little", Notation::Little)];

const FILLS: [(&str, u8); 3] = [("space", b' '), ("zero", b'0'), ("nul", 0)];

const GARBAGE: [(&str, OnGarbage); 2] = [("close", OnGarbage::Close), ("resynchronise", OnGarbage::Resynchronise)];

/// `length ascii(4) exclusive max 999`, and all else that a frame may be made of.
pub(crate) fn read(cursor: &mut Cursor<'_>) -> Read<At<Frame>> {
    let start = cursor.here();
    let mut frame =
        Frame { before: Vec::new(), inside: Vec::new(), after: Vec::new(), total: None, max: None, on_garbage: None };
    // Behind `telegram` stands what is behind the telegram.
    let mut behind = false;
    loop {
        let here = cursor.here();
        if let Some(constant) = constant(cursor)? {
            let part = At { value: constant, span: cursor.since(here) };
            if behind {
                frame.after.push(part);
            } else {
                frame.before.push(At { value: FramePart::Constant(part.value.into()), span: part.span });
            }
        } else if cursor.is_word("telegram") && !behind {
            cursor.skip();
            behind = true;
        } else if behind {
            if frame.after.is_empty() {
                return Err(cursor.expected("bytes that always stand behind the telegram, such as `etx`"));
            }
            break;
        } else if cursor.takes("filler") {
            cursor.sign('(')?;
            let len = small(cursor, "how many bytes", u16::MAX.into())?;
            cursor.sign(')')?;
            let byte = cursor.choice("what is written there", &FILLS)?.value;
            let len = u16::try_from(len.value).unwrap_or(u16::MAX);
            frame.before.push(At { value: FramePart::Filler { len, byte }, span: cursor.since(here) });
        } else if cursor.takes("length") {
            let mut length = width(cursor)?;
            if cursor.takes("at") {
                let at = byte(cursor, "the place in the telegram")?;
                if cursor.takes("from") {
                    let from = byte(cursor, "the byte of the telegram from which it counts")?;
                    length.more = -i32::try_from(from.value).unwrap_or(i32::MAX);
                } else if !cursor.takes("whole") {
                    return Err(cursor.expected("`whole`, or `from` and the byte from which it counts"));
                }
                frame.inside.push(At { value: (at.value, length), span: cursor.since(here) });
            } else {
                length.more = match cursor.peek() {
                    Some(Token::Word(word)) if word == "exclusive" => 0,
                    Some(Token::Word(word)) if word == "inclusive" => i32::from(length.width),
                    Some(Token::Word(word)) if word == "add" => {
                        cursor.skip();
                        let more = small(cursor, "how much more than the telegram it says", 9_999)?;
                        frame.before.push(At {
                            value: FramePart::Length(FrameLength {
                                more: i32::try_from(more.value).unwrap_or(0),
                                ..length
                            }),
                            span: cursor.since(here),
                        });
                        continue;
                    }
                    _ => return Err(cursor.expected("`exclusive`, `inclusive`, `add` or `at`")),
                };
                cursor.skip();
                frame.before.push(At { value: FramePart::Length(length), span: cursor.since(here) });
            }
        } else {
            break;
        }
    }
    total(cursor, &mut frame)?;
    if cursor.takes("on") {
        cursor.must(&["garbage"])?;
        frame.on_garbage = Some(cursor.choice("what is done about garbage", &GARBAGE)?);
    }
    let span = cursor.since(start);
    let said = frame.before.iter().any(|part| matches!(part.value, FramePart::Length(_))) || !frame.inside.is_empty();
    match (&frame.total, said) {
        (None, false) => {
            Err(error(mistake::BAD_FRAME, span, "how long is it?", "A frame has neither a length nor a total")
                .help("say `length ascii(4) exclusive`, or without any length `fixed 300` or `total by type`")
                .into())
        }
        (Some(total), true) => {
            Err(error(mistake::BAD_FRAME, total.span, "but there is a length", "A frame has both a length and a total")
                .help("the length says how long a telegram is; keep one of the two")
                .into())
        }
        _ => Ok(At { value: frame, span }),
    }
}

fn total(cursor: &mut Cursor<'_>, frame: &mut Frame) -> Read<()> {
    let here = cursor.here();
    if cursor.takes("fixed") {
        let total = cursor.count("the length of every telegram in bytes")?;
        frame.total = Some(At { value: FrameTotal::Fixed(total.value), span: cursor.since(here) });
        frame.max = Some(total);
        return Ok(());
    }
    if cursor.takes("total") {
        cursor.must(&["by", "type"])?;
        frame.total = Some(At { value: FrameTotal::ByType, span: cursor.since(here) });
    }
    if !cursor.takes("max") {
        let what = if frame.total.is_some() {
            "`max`"
        } else if frame.before.is_empty() && frame.inside.is_empty() {
            "`length`, `fixed`, `total by type`, or what stands before the length"
        } else {
            "`max`, or another part of the frame"
        };
        return Err(cursor.expected(what));
    }
    frame.max = Some(cursor.count("the longest telegram in bytes")?);
    Ok(())
}

/// `ascii(4)`, `binary(2) little`, `bcd(2)`.
fn width(cursor: &mut Cursor<'_>) -> Read<FrameLength> {
    let mut notation = cursor.choice("how the length is written", &NOTATIONS)?.value;
    cursor.sign('(')?;
    let width = cursor.count("how many bytes the length has")?;
    cursor.sign(')')?;
    let (fits, widths, message) = match notation {
        Notation::Ascii => (width.value <= 10, "1 to 10", "A length has at most ten digits"),
        Notation::Bcd => (width.value <= 5, "1 to 5", "A BCD length has at most five bytes, two digits in each"),
        _ => (matches!(width.value, 2 | 4), "2 or 4", "A binary length has two bytes or four"),
    };
    if !fits {
        return Err(error(mistake::BAD_VALUE, width.span, format!("expected {widths}"), message)
            .help("write how many bytes the length itself has, as in `ascii(4)`")
            .into());
    }
    if notation == Notation::Big {
        notation = cursor.choice("the order of its bytes", &ORDERS)?.value;
    }
    Ok(FrameLength { notation, width: u8::try_from(width.value).unwrap_or(u8::MAX), more: 0 })
}

/// `"KFT"`, `stx`, `etx`, `0x02`; nothing if there is none.
fn constant(cursor: &mut Cursor<'_>) -> Read<Option<Vec<u8>>> {
    let here = cursor.here();
    let bytes = match cursor.peek() {
        Some(Token::Text(text)) if !text.is_empty() && text.bytes().all(|byte| matches!(byte, b' '..=b'~')) => {
            text.clone().into_bytes()
        }
        Some(Token::Text(_)) => return Err(not_bytes(here).into()),
        Some(Token::Word(word)) if word == "stx" => Vec::from([0x02]),
        Some(Token::Word(word)) if word == "etx" => Vec::from([0x03]),
        Some(Token::Word(word)) if word.starts_with("0x") => {
            let digits: Option<Vec<u8>> = word.chars().skip(2).map(|c| u8::try_from(c.to_digit(16)?).ok()).collect();
            let Some(digits) = digits.filter(|digits| !digits.is_empty() && digits.len().is_multiple_of(2)) else {
                return Err(not_bytes(here).into());
            };
            digits.chunks(2).map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | digit)).collect()
        }
        _ => return Ok(None),
    };
    cursor.skip();
    Ok(Some(bytes))
}

fn not_bytes(span: Span) -> crate::Diagnostic {
    error(mistake::BAD_VALUE, span, "expected bytes", "These are no bytes that a frame can always have")
        .help("write ASCII between quotes, `stx`, `etx`, or pairs of hexadecimal digits: `0x02FF`")
}

fn small(cursor: &mut Cursor<'_>, what: &str, most: u32) -> Read<At<u32>> {
    let count = cursor.count(what)?;
    if count.value <= most {
        return Ok(count);
    }
    let message = format!("{} is more than there can be", count.value);
    Err(error(mistake::BAD_VALUE, count.span, format!("at most {most}"), message).into())
}

/// A place in the telegram, from 0.
fn byte(cursor: &mut Cursor<'_>, what: &str) -> Read<At<u32>> {
    let at = cursor.large(what)?;
    match u32::try_from(at.value).ok().filter(|at| *at <= 9_999) {
        Some(value) => Ok(At { value, span: at.span }),
        None => {
            let message = format!("Byte {} is in no telegram's header", at.value);
            Err(error(mistake::BAD_VALUE, at.span, "at most 9999", message).into())
        }
    }
}
