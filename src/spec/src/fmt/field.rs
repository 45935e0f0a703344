//! The columns of a field: name, kind, who fills it and with what, class, what else is said, label.

use alloc::vec::Vec;

use pabal_telegram::Class;

use crate::fmt::Piece;
use crate::parse::{FORMS, MODES, PLACES, Token};

/// Where each of the six columns begins, as places among the tokens of the line.
pub(crate) fn cells(tokens: &[Piece<'_>]) -> Vec<usize> {
    let end = tokens.iter().position(|piece| matches!(piece.token, Token::Sign('{' | '}'))).unwrap_or(tokens.len());
    let who = kind_end(tokens);
    let mut class = None;
    let mut label = None;
    let mut at = who;
    while at < end && label.is_none() {
        let said = said(tokens, at);
        match tokens.get(at).map(|piece| &piece.token) {
            Some(Token::Text(_)) => label = Some(at),
            Some(Token::Word(word)) if class.is_none() && Class::ALL.iter().any(|(name, _)| name == word) => {
                class = Some(at);
            }
            _ => {}
        }
        at += said;
    }
    let label = label.unwrap_or(end);
    let class = class.unwrap_or(label);
    Vec::from([0, 1, who, class, (class + 1).min(label), label])
}

/// Whether a word belongs to the kind that stands before it.
fn is_of_kind(word: &str) -> bool {
    matches!(word, "V9" | ".9") || FORMS.contains(&word) || PLACES.contains(&word)
}

/// One past `X(9)` or `S9(5)V9(3) sign leading`, which stands behind the name.
fn kind_end(tokens: &[Piece<'_>]) -> usize {
    let mut at = 2;
    let mut depth = 0_usize;
    while let Some(piece) = tokens.get(at) {
        match &piece.token {
            Token::Sign('(') => depth += 1,
            Token::Sign(')') => depth = depth.saturating_sub(1),
            _ if depth > 0 => {}
            Token::Word(word) if is_of_kind(word) => {}
            // `led by LL` makes the field longer.
            Token::Word(word) if word == "led" => at += 2,
            _ => break,
        }
        at += 1;
    }
    at.min(tokens.len())
}

/// How many tokens belong to what is said of a field from `at` on.
fn said(tokens: &[Piece<'_>], at: usize) -> usize {
    let word = |ahead: usize| match tokens.get(at + ahead).map(|piece| &piece.token) {
        Some(Token::Word(word)) => word.as_str(),
        Some(Token::Sign('=')) => "=",
        Some(Token::Sign('?')) => "?",
        _ => "",
    };
    match word(0) {
        "by" if word(2) == "?" => 3,
        "by" | "at" | "const" | "=" | "unset" => 2,
        "led" => 3,
        "signed" | "count" | "sum" | "fraction" | "lrc" if word(1) == "of" || word(1) == "by" => 3,
        "crc16" | "crc32" => 4,
        "length" => {
            let exclusive = usize::from(word(3) == "exclusive");
            let more = if matches!(word(3 + exclusive), "plus" | "minus") { 2 } else { 0 };
            3 + exclusive + more
        }
        "check" => {
            let weights = usize::from(matches!(word(1), "mod10" | "mod11"));
            2 + weights + if word(2 + weights) == "of" { 2 } else { 0 }
        }
        "blank" | "pad" | "years" | "year" => 2,
        "charset" if word(1) == "encode" => 5,
        "charset" => 2,
        "wide" if word(1) == "when" => 5,
        "lenient" => 1 + (1..).take_while(|ahead| MODES.contains(&word(*ahead))).count(),
        "echo" if word(1) == "in" => 4,
        "equal" => {
            let ignored = (2..).take_while(|ahead| matches!(word(*ahead), "zero-left" | "space-right")).count();
            2 + ignored
        }
        _ => 1,
    }
}
