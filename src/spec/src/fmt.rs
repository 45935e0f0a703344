//! A spec with its columns aligned. Tokens stay on their lines and in their order; only the blanks between them change.

use alloc::string::String;
use alloc::vec::Vec;

use crate::diagnostic::{Diagnostic, Source, SourceId};
use crate::fmt::block::{Block, Kind};
use crate::fmt::column::{Group, width};
use crate::mistake::NO_FILE;
use crate::parse::{BYTE_ORDER_MARK, Line, Placed, Token, cut, is_empty, parse};

mod block;
mod column;
mod field;

/// A line with its tokens apart, before its columns are known.
struct Cut<'t> {
    tokens: Vec<Piece<'t>>,
    /// The block in which the line begins; `None` outside of all, and where it begins with the end of one.
    group: Option<usize>,
    kind: Kind,
    depth: usize,
    /// A block that it opens goes on behind the line.
    opens: bool,
    /// With the column where it stands.
    comment: Option<(&'t str, usize)>,
}

/// A token as it is written, and what stands before it.
struct Piece<'t> {
    token: Token,
    text: &'t str,
    gap: usize,
}

/// A spec with its columns aligned: clauses, rows of `select`, fields with kind, side, class and label, and the comments behind them.
/// Every comment and every blank line stays, and what is written means what it meant: only blanks between tokens change, line ends
/// become `\n`, and the text ends with one. What is formatted already stays as it is.
///
/// ```
/// let text = "header common 9 {\n company_no X(5) by asker echo  public \"업체번호\"\n kind code(4) public // 2000\n}";
/// let aligned = r#"header common 9 {
///   company_no  X(5)     by asker echo  public  "업체번호"
///   kind        code(4)                 public  // 2000
/// }
/// "#;
/// assert_eq!(pabal_spec::fmt(text).unwrap(), aligned);
/// assert_eq!(pabal_spec::fmt(aligned).unwrap(), aligned);
/// ```
///
/// # Errors
/// What cannot be read is not touched: every mistake of form, as [`crate::parse`] tells it. Mistakes of meaning do not matter here.
pub fn fmt(text: &str) -> Result<String, Vec<Diagnostic>> {
    let sources = [Source { name: String::new(), text: text.into() }];
    let (_, mut told) = parse(&sources);
    // The other files of the folder are not here.
    told.retain(|told| told.code != NO_FILE);
    if !told.is_empty() {
        return Err(told);
    }
    if is_empty(text) {
        return Ok(String::new());
    }
    let mut text = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
    text = text.strip_suffix('\n').unwrap_or(text);
    let mut state = State::default();
    let lines: Vec<Cut<'_>> = text.split('\n').map(|line| state.cut(line)).collect();
    let groups: Vec<Group> =
        (0..state.blocks).map(|at| Group::of(lines.iter().filter(|line| line.group == Some(at)))).collect();
    let mut out = String::with_capacity(text.len() + text.len() / 2);
    // Where the comment of the line before stood, and where it stands now.
    let mut above: Option<(usize, usize)> = None;
    for line in &lines {
        let start = out.len();
        let group = line.group.and_then(|at| groups.get(at));
        line.write(group, &mut out);
        let written = width(out.get(start..).unwrap_or_default());
        match line.comment {
            Some((comment, was)) => {
                let column = match (line.tokens.is_empty(), above) {
                    // It goes on with the comment above it.
                    (true, Some((above, now))) if above == was => now,
                    (true, _) => line.depth * INDENT,
                    (false, _) => group.and_then(|group| group.comment).unwrap_or(0).max(written + GAP),
                };
                above =
                    (!line.tokens.is_empty() || above.is_some_and(|(above, _)| above == was)).then_some((was, column));
                pad(&mut out, start, column);
                out.push_str(comment);
            }
            None => above = None,
        }
        out.push('\n');
    }
    Ok(out)
}

const INDENT: usize = 2;

/// Between columns, and between clauses of one line.
const GAP: usize = 2;

/// Writes blanks up to a column of the line that begins at byte `start`.
fn pad(out: &mut String, start: usize, column: usize) {
    let written = width(out.get(start..).unwrap_or_default());
    out.extend(core::iter::repeat_n(' ', column.saturating_sub(written)));
}

/// The blocks that are open.
#[derive(Default)]
struct State {
    open: Vec<Block>,
    /// How many there were.
    blocks: usize,
}

impl State {
    fn cut<'t>(&mut self, text: &'t str) -> Cut<'t> {
        let Line { tokens, comment } = cut(SourceId(0), 0, text, &mut Vec::new());
        let slice = |placed: &Placed| {
            let range = usize::try_from(placed.span.start).ok()?..usize::try_from(placed.span.end).ok()?;
            text.get(range)
        };
        let closes = tokens.iter().take_while(|placed| placed.token == Token::Sign('}')).count();
        let depth = self.open.len().saturating_sub(closes);
        let begins = self.open.last().filter(|_| closes == 0);
        let (group, kind) = begins.map_or((None, Kind::File), |block| (Some(block.group), block.kind));
        // A line begins anew.
        for block in &mut self.open {
            block.clause = None;
        }
        let mut head: Option<&str> = None;
        let mut pieces: Vec<Piece<'t>> = Vec::new();
        let mut lowest = self.open.len();
        for placed in &tokens {
            let text = slice(placed).unwrap_or_default();
            let before = pieces.last().map(|piece| &piece.token);
            let gap = before.map_or(0, |before| self.gap(before, &placed.token));
            match &placed.token {
                Token::Sign('{') => {
                    let kind = self.open.last().map_or(Kind::of_head(head.unwrap_or("")), Block::inner);
                    self.open.push(Block { kind, group: self.blocks, clause: None });
                    self.blocks += 1;
                }
                Token::Sign('}') => {
                    self.open.pop();
                    lowest = lowest.min(self.open.len());
                    head = None;
                }
                Token::Word(_) => {
                    let is_first = matches!(before, None | Some(Token::Sign('{' | '}')));
                    match self.open.last_mut() {
                        Some(block) if is_first || block.begins(text, before) => block.clause = block.kind.clause(text),
                        Some(_) => {}
                        None => head = head.or(Some(text)),
                    }
                }
                _ => {}
            }
            pieces.push(Piece { token: placed.token.clone(), text, gap });
        }
        let comment = comment.and_then(|span| {
            let at = usize::try_from(span.start).ok()?;
            Some((text.get(at..)?.trim_end(), width(text.get(..at)?)))
        });
        Cut { tokens: pieces, group, kind, depth, opens: self.open.len() > lowest, comment }
    }

    /// Blanks between two tokens.
    fn gap(&self, before: &Token, token: &Token) -> usize {
        match (before, token) {
            (Token::Sign('(' | '[' | '|'), _) | (_, Token::Sign('(' | ')' | '[' | ']' | '|' | ',' | '?')) => 0,
            // `X(3*35)`; the other star stands alone.
            (Token::Sign('*'), Token::Word(number)) | (Token::Word(number), Token::Sign('*'))
                if number.bytes().all(|byte| byte.is_ascii_digit()) =>
            {
                0
            }
            (Token::Sign(')'), Token::Word(word)) if matches!(word.as_str(), "V9" | ".9") => 0,
            (Token::Sign('{' | '}'), _) => 1,
            (_, Token::Word(word)) if self.open.last().is_some_and(|block| block.begins(word, Some(before))) => GAP,
            _ => 1,
        }
    }
}

impl Cut<'_> {
    /// The cells of the line: what stands in the columns of its block. One cell if it has none.
    fn cells(&self) -> Vec<String> {
        let bounds = match self.kind {
            _ if self.opens || self.group.is_none() => Vec::new(),
            Kind::Fields => field::cells(&self.tokens),
            Kind::Select | Kind::Columns(_) => Vec::from([0, 1]),
            Kind::Hours => self.whom().map_or_else(|| Vec::from([0, 1]), |at| Vec::from([0, 1, at])),
            Kind::File | Kind::Flow(_) => Vec::new(),
        };
        if bounds.is_empty() {
            return Vec::from([text(&self.tokens)]);
        }
        let ends = bounds.iter().skip(1).copied().chain([self.tokens.len()]);
        let cell = |(from, to): (usize, usize)| text(self.tokens.get(from..to).unwrap_or_default());
        bounds.iter().copied().zip(ends).map(cell).collect()
    }

    /// Where a row of `hours` says for what it is: `for`, or the participant's field, which is the word before a text.
    fn whom(&self) -> Option<usize> {
        let is_word = |piece: &Piece<'_>| matches!(piece.token, Token::Word(_));
        let names = |pair: &[Piece<'_>]| match pair {
            [word, text] => is_word(word) && (word.text == "for" || matches!(text.token, Token::Text(_))),
            _ => false,
        };
        let at = self.tokens.windows(2).position(names)?;
        (at > 1).then_some(at)
    }

    fn write(&self, group: Option<&Group>, out: &mut String) {
        if self.tokens.is_empty() {
            return;
        }
        let start = out.len();
        let cells = self.cells();
        let is_aligned = cells.len() > 1;
        pad(out, start, self.depth * INDENT);
        for (at, cell) in cells.iter().enumerate().filter(|(_, cell)| !cell.is_empty()) {
            if at > 0 {
                let column = group.filter(|_| is_aligned).map_or(0, |group| group.column(at));
                let written = width(out.get(start..).unwrap_or_default());
                pad(out, start, (self.depth * INDENT + column).max(written + GAP));
            }
            out.push_str(cell);
        }
    }
}

/// Tokens with the blanks between them, those before the first one left out.
fn text(tokens: &[Piece<'_>]) -> String {
    let mut out = String::new();
    for (at, piece) in tokens.iter().enumerate() {
        if at > 0 {
            out.extend(core::iter::repeat_n(' ', piece.gap));
        }
        out.push_str(piece.text);
    }
    out
}

#[cfg(test)]
mod tests;
