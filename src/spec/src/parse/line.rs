//! One line of text -> its tokens, and the places of what is not read.

use alloc::string::String;
use alloc::vec::Vec;

use nom::branch::alt;
use nom::bytes::complete::{tag, take_while, take_while1};
use nom::character::complete::{anychar, char, digit1, none_of, one_of, satisfy};
use nom::combinator::{map, opt, recognize, rest, value};
use nom::multi::{fold_many0, many1_count};
use nom::sequence::{delimited, preceded};
use nom::{IResult, Parser};

use crate::diagnostic::{Diagnostic, SourceId, Span};
use crate::mistake::{self, error};

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Token {
    /// A name, number, duration, time, range or file name.
    Word(String),
    /// What stood between quotes.
    Text(String),
    /// One of `{ } ( ) [ ] = : , * | ?`.
    Sign(char),
    /// Something wrong that was told.
    Wrong,
}

#[derive(Clone, Debug)]
pub(crate) struct Placed {
    pub(crate) token: Token,
    pub(crate) span: Span,
}

/// A line without its end.
#[derive(Debug, Default)]
pub(crate) struct Line {
    pub(crate) tokens: Vec<Placed>,
    /// From `//` on.
    pub(crate) comment: Option<Span>,
}

#[derive(Clone)]
enum Piece {
    Blank,
    Comment,
    Token(Token),
    /// A text between quotes that a word processor has bent.
    Bent(String),
    OpenText,
    Strange(char),
}

/// Cuts a line that begins at byte `start` of a source.
pub(crate) fn cut(source: SourceId, start: u32, text: &str, out: &mut Vec<Diagnostic>) -> Line {
    let mut line = Line::default();
    let mut left = text;
    while let Ok((behind, piece)) = piece(left) {
        let from = start + offset(text, left);
        let span = Span { source, start: from, end: start + offset(text, behind) };
        let token = match piece {
            Piece::Blank => None,
            Piece::Comment => {
                line.comment = Some(span);
                None
            }
            Piece::Token(token) => Some(token),
            Piece::Bent(text) => {
                out.push(
                    error(
                        mistake::STRANGE_CHARACTER,
                        span,
                        "other quotes",
                        "These are not the quotes that stand around a text",
                    )
                    .help("write `\"` before and behind it; documents bend them"),
                );
                // It is meant as one: what is said with it is not told as missing.
                Some(Token::Text(text))
            }
            Piece::OpenText => {
                out.push(
                    error(mistake::OPEN_TEXT, span, "begins here", "A text has no closing quote")
                        .help("close it with `\"` on the same line; write `\\\"` for a quote inside of a text"),
                );
                Some(Token::Wrong)
            }
            Piece::Strange(character) => {
                out.push(
                    error(
                        mistake::STRANGE_CHARACTER,
                        span,
                        "not part of the language",
                        alloc::format!("The character {character:?} means nothing here"),
                    )
                    .help("names are ASCII letters, digits and `_`; anything else goes between quotes"),
                );
                Some(Token::Wrong)
            }
        };
        line.tokens.extend(token.map(|token| Placed { token, span }));
        left = behind;
    }
    line
}

/// Where `part`, a tail of `whole`, begins in it.
fn offset(whole: &str, part: &str) -> u32 {
    u32::try_from(whole.len() - part.len()).unwrap_or(u32::MAX)
}

fn piece(text: &str) -> IResult<&str, Piece> {
    alt((
        value(Piece::Blank, take_while1(|c: char| c == ' ' || c == '\t' || c == '\r')),
        value(Piece::Comment, (tag("//"), rest)),
        map(word, |word| Piece::Token(Token::Word(word.into()))),
        map(quoted, |text| Piece::Token(Token::Text(text))),
        map(bent, |text| Piece::Bent(text.into())),
        value(Piece::OpenText, (char('"'), rest)),
        map(one_of("{}()[]=:,*|?"), |sign| Piece::Token(Token::Sign(sign))),
        map(anychar, Piece::Strange),
    ))
    .parse(text)
}

/// Letters, digits, `_ - .` and `+` at the beginning; a colon only behind digits and before one, as in `23:25`.
fn word(text: &str) -> IResult<&str, &str> {
    let time = (opt(one_of("+-")), digit1, many1_count(preceded(char(':'), digit1)));
    alt((recognize(time), recognize((opt(char('+')), take_while1(is_word))))).parse(text)
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == '-' || c == '.'
}

fn quoted(text: &str) -> IResult<&str, String> {
    let character = alt((preceded(char('\\'), one_of("\\\"")), none_of("\\\"")));
    let inside = fold_many0(character, String::new, |mut text, c| {
        text.push(c);
        text
    });
    delimited(char('"'), inside, char('"')).parse(text)
}

/// A text as it is pasted from a document: `“`, `”`, `„` or a full-width quote around it, or one of them and a straight one behind.
fn bent(text: &str) -> IResult<&str, &str> {
    let inside = take_while(|c: char| !is_bent(c) && c != '"');
    delimited(satisfy(is_bent), inside, alt((satisfy(is_bent), char('"')))).parse(text)
}

fn is_bent(c: char) -> bool {
    matches!(c, '“' | '”' | '„' | '‟' | '＂')
}

/// Whether a word can name something: a lower-case letter, then lower-case letters, digits and `_`.
pub(crate) fn is_name(word: &str) -> bool {
    let name: IResult<&str, &str> = recognize((
        satisfy(|c| c.is_ascii_lowercase()),
        take_while(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_'),
    ))
    .parse(word);
    matches!(name, Ok(("", _)))
}
