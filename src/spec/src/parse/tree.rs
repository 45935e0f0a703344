//! Lines -> items: what stands on a line, and the block that it opens.

use alloc::vec::Vec;

use crate::diagnostic::{Diagnostic, Source, SourceId, Span};
use crate::mistake::{self, error};
use crate::parse::line::{self, Placed, Token};
use crate::written::Trivia;

/// How deep blocks may stand in each other: enough for a choice in a repeat in a choice in a repeat of a telegram.
const DEPTH_MAX: usize = 8;

/// Some editors put it at the beginning of a file.
pub(crate) const BYTE_ORDER_MARK: char = '\u{feff}';

/// Words that begin a block of the file; at the very beginning of a line they end whatever was left open.
pub(crate) const TOP: [&str; 9] =
    ["institution", "protocol", "layouts", "include", "set", "header", "telegram", "exchange", "notice"];

/// What stands on a line before its end, an opening or a closing brace.
#[derive(Debug)]
pub(crate) struct Item {
    pub(crate) tokens: Vec<Placed>,
    pub(crate) body: Option<Body>,
    /// Where the next token would stand.
    pub(crate) end: Span,
}

#[derive(Debug)]
pub(crate) struct Body {
    /// The opening brace.
    pub(crate) open: Span,
    pub(crate) items: Vec<Item>,
}

struct Open {
    head: Item,
    brace: Span,
    items: Vec<Item>,
}

/// Whether a text has no line: one line of blanks is no more than none.
pub(crate) fn is_empty(text: &str) -> bool {
    let text = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
    text.strip_suffix('\n').unwrap_or(text).bytes().all(|byte| matches!(byte, b' ' | b'\t' | b'\r'))
}

/// Reads the lines of one source. Whatever is wrong, all of the other lines come out.
pub(crate) fn grow(id: SourceId, source: &Source, trivia: &mut Vec<Trivia>, out: &mut Vec<Diagnostic>) -> Vec<Item> {
    let mut stack: Vec<Open> = Vec::new();
    let mut top: Vec<Item> = Vec::new();
    let mut too_deep = 0_usize;
    let mut start = 0_usize;
    if is_empty(&source.text) {
        return top;
    }
    for mut text in source.text.split('\n') {
        if let (0, Some(rest)) = (start, text.strip_prefix(BYTE_ORDER_MARK)) {
            text = rest;
            start = BYTE_ORDER_MARK.len_utf8();
        }
        let at = u32::try_from(start).unwrap_or(u32::MAX);
        start += text.len() + 1;
        let line = line::cut(id, at, text, out);
        let end = at + u32::try_from(text.trim_end().len()).unwrap_or(0);
        if let Some(span) = line.comment {
            let from = usize::try_from(span.start - at).unwrap_or(0);
            trivia.push(Trivia { span, text: text.get(from..).unwrap_or_default().trim_end().into() });
        } else if line.tokens.is_empty() && !(text.is_empty() && start > source.text.len()) {
            // Behind the last line end there is no line.
            trivia.push(Trivia { span: Span { source: id, start: at, end: at }, text: "".into() });
        }
        let begins_anew = line.tokens.first().is_some_and(|first| {
            first.span.start == at && matches!(&first.token, Token::Word(word) if TOP.contains(&word.as_str()))
        });
        if begins_anew {
            too_deep = 0;
            while let Some(open) = stack.pop() {
                close(open, true, &mut stack, &mut top, out);
            }
        }
        let mut tokens: Vec<Placed> = Vec::new();
        let mut last = Span { source: id, start: end, end };
        for placed in line.tokens {
            let here = placed.span;
            match placed.token {
                Token::Sign('{') if too_deep > 0 || stack.len() == DEPTH_MAX => {
                    if too_deep == 0 {
                        out.push(error(mistake::TOO_DEEP, here, "opens it", "No block may be here"));
                    }
                    too_deep += 1;
                    tokens.clear();
                }
                Token::Sign('}') if too_deep > 0 => {
                    too_deep -= 1;
                    tokens.clear();
                }
                Token::Sign('{') => {
                    let head = Item { tokens: core::mem::take(&mut tokens), body: None, end: here };
                    stack.push(Open { head, brace: here, items: Vec::new() });
                }
                Token::Sign('}') => {
                    let before = Span { source: id, start: here.start, end: here.start };
                    settle(&mut tokens, before, &mut stack, &mut top);
                    match stack.pop() {
                        Some(open) => close(open, false, &mut stack, &mut top, out),
                        None => out.push(
                            error(mistake::STRAY_CLOSE, here, "closes nothing", "A `}` has no `{`")
                                .help("remove it, or open the block that it closes"),
                        ),
                    }
                }
                _ if too_deep > 0 => {}
                _ => tokens.push(placed),
            }
            last = Span { source: id, start: here.end, end: here.end };
        }
        settle(&mut tokens, last, &mut stack, &mut top);
    }
    while let Some(open) = stack.pop() {
        close(open, true, &mut stack, &mut top, out);
    }
    top
}

/// Ends an item that opened no block.
fn settle(tokens: &mut Vec<Placed>, end: Span, stack: &mut [Open], top: &mut Vec<Item>) {
    if tokens.is_empty() {
        return;
    }
    let item = Item { tokens: core::mem::take(tokens), body: None, end };
    stack.last_mut().map_or(top, |open| &mut open.items).push(item);
}

fn close(open: Open, forgotten: bool, stack: &mut [Open], top: &mut Vec<Item>, out: &mut Vec<Diagnostic>) {
    if forgotten {
        out.push(
            error(mistake::OPEN_BLOCK, open.brace, "opened here", "A block is not closed")
                .help("close it with `}` before the next one begins"),
        );
    }
    let mut item = open.head;
    item.body = Some(Body { open: open.brace, items: open.items });
    stack.last_mut().map_or(top, |open| &mut open.items).push(item);
}
