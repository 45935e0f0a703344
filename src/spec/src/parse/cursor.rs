//! Reading the tokens of an item from left to right, and the clauses of a block.

use alloc::borrow::ToOwned;
use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use pabal_telegram::nearest;

use crate::diagnostic::{Diagnostic, Span};
use crate::mistake::{self, error};
use crate::parse::line::{self, Placed, Token};
use crate::parse::tree::{Body, Item};
use crate::written::{At, Name, Place, Seen};

/// Why reading stopped: a mistake that is still to be told, or one that was told already.
#[derive(Debug)]
pub(crate) struct Stop(pub(crate) Option<Box<Diagnostic>>);

impl From<Diagnostic> for Stop {
    fn from(diagnostic: Diagnostic) -> Self {
        Self(Some(diagnostic.boxed()))
    }
}

pub(crate) type Read<T> = Result<T, Stop>;

/// The help that names what was probably meant.
pub(crate) fn did_you_mean<'n>(word: &str, names: impl IntoIterator<Item = &'n str>) -> Option<String> {
    nearest(word, names.into_iter()).map(|name| format!("did you mean `{name}`?"))
}

pub(crate) struct Cursor<'i> {
    tokens: &'i [Placed],
    at: usize,
    end: Span,
    body: Option<&'i Body>,
}

impl<'i> Cursor<'i> {
    pub(crate) fn new(item: &'i Item) -> Self {
        Self { tokens: &item.tokens, at: 0, end: item.end, body: item.body.as_ref() }
    }

    pub(crate) fn is_done(&self) -> bool {
        self.at >= self.tokens.len()
    }

    /// Where the next token stands, or would stand.
    pub(crate) fn here(&self) -> Span {
        self.tokens.get(self.at).map_or(self.end, |placed| placed.span)
    }

    /// From `start` to the end of the last token that was read.
    pub(crate) fn since(&self, start: Span) -> Span {
        let last = self.at.checked_sub(1).and_then(|at| self.tokens.get(at)).map_or(start, |placed| placed.span);
        Span { end: last.end.max(start.start), ..start }
    }

    pub(crate) fn peek(&self) -> Option<&'i Token> {
        self.tokens.get(self.at).map(|placed| &placed.token)
    }

    /// Whether a text stands behind the next token.
    pub(crate) fn is_before_text(&self) -> bool {
        matches!(self.tokens.get(self.at + 1), Some(Placed { token: Token::Text(_), .. }))
    }

    pub(crate) fn skip(&mut self) {
        self.at += 1;
    }

    /// "expected .., found ..", or silence if what stands here was told already.
    pub(crate) fn expected(&self, what: &str) -> Stop {
        let found = match self.peek() {
            Some(Token::Wrong) => return Stop(None),
            Some(Token::Word(word)) => format!("`{word}`"),
            Some(Token::Text(text)) => format!("the text {text:?}"),
            Some(Token::Sign(sign)) => format!("`{sign}`"),
            None if self.body.is_some() => "`{`".to_owned(),
            None => "the end of the line".to_owned(),
        };
        error(mistake::EXPECTED, self.here(), format!("expected {what}"), format!("Expected {what}, found {found}"))
            .into()
    }

    pub(crate) fn word(&mut self, what: &str) -> Read<Name> {
        match self.peek() {
            Some(Token::Word(word)) => {
                let name = At { value: word.clone(), span: self.here() };
                self.skip();
                Ok(name)
            }
            _ => Err(self.expected(what)),
        }
    }

    pub(crate) fn name(&mut self, what: &str) -> Read<Name> {
        let word = self.word(what)?;
        if line::is_name(&word.value) {
            return Ok(word);
        }
        Err(error(mistake::BAD_NAME, word.span, format!("expected {what}"), format!("`{}` is not a name", word.value))
            .help("a name begins with a lower-case letter and goes on with lower-case letters, digits and `_`")
            .into())
    }

    /// A name, or names with dots between: a field in a group.
    pub(crate) fn path(&mut self, what: &str) -> Read<Name> {
        let word = self.word(what)?;
        if word.value.split('.').all(line::is_name) {
            return Ok(word);
        }
        Err(error(mistake::BAD_NAME, word.span, format!("expected {what}"), format!("`{}` is not a name", word.value))
            .help(
                "a name begins with a lower-case letter and goes on with lower-case letters, digits and `_`; a field in a group has \
                 the group's before it: `applicant.phone`",
            )
            .into())
    }

    pub(crate) fn text(&mut self, what: &str) -> Read<Name> {
        match self.peek() {
            Some(Token::Text(text)) => {
                let text = At { value: text.clone(), span: self.here() };
                self.skip();
                Ok(text)
            }
            Some(Token::Word(word)) => {
                let help = format!("put it between quotes: `\"{word}\"`");
                Err(Stop(self.expected(what).0.map(|diagnostic| diagnostic.help(help).boxed())))
            }
            _ => Err(self.expected(what)),
        }
    }

    /// A text if there is one.
    pub(crate) fn label(&mut self) -> Option<Name> {
        if matches!(self.peek(), Some(Token::Text(_))) { self.text("a text").ok() } else { None }
    }

    /// One text or several with `|` between.
    pub(crate) fn alternatives(&mut self, what: &str) -> Read<Vec<Name>> {
        let mut all = Vec::from([self.text(what)?]);
        while self.eats('|') {
            all.push(self.text("another text behind `|`")?);
        }
        Ok(all)
    }

    pub(crate) fn is_word(&self, wanted: &str) -> bool {
        matches!(self.peek(), Some(Token::Word(word)) if word == wanted)
    }

    /// Takes a word if it is this one.
    pub(crate) fn takes(&mut self, wanted: &str) -> bool {
        let taken = self.is_word(wanted);
        self.at += usize::from(taken);
        taken
    }

    /// Takes a sign if it is this one.
    pub(crate) fn eats(&mut self, wanted: char) -> bool {
        let eaten = matches!(self.peek(), Some(Token::Sign(sign)) if *sign == wanted);
        self.at += usize::from(eaten);
        eaten
    }

    /// Words that must stand here, one behind the other.
    pub(crate) fn must(&mut self, words: &[&str]) -> Read<()> {
        for wanted in words {
            if !self.takes(wanted) {
                let stop = self.expected(&format!("`{wanted}`"));
                let Some(Token::Word(found)) = self.peek() else { return Err(stop) };
                let help = did_you_mean(found, [*wanted]);
                return Err(Stop(stop.0.map(|diagnostic| diagnostic.help_if(help).boxed())));
            }
        }
        Ok(())
    }

    pub(crate) fn sign(&mut self, wanted: char) -> Read<()> {
        if self.eats(wanted) { Ok(()) } else { Err(self.expected(&format!("`{wanted}`"))) }
    }

    /// One of several words, each with its meaning.
    pub(crate) fn choice<T: Copy>(&mut self, what: &str, choices: &[(&str, T)]) -> Read<At<T>> {
        let word = self.word(what)?;
        if let Some((_, value)) = choices.iter().find(|(name, _)| *name == word.value) {
            return Ok(At { value: *value, span: word.span });
        }
        let all: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
        let help = did_you_mean(&word.value, all.iter().copied())
            .unwrap_or_else(|| format!("it is one of: {}", all.join(", ")));
        Err(error(
            mistake::UNKNOWN_WORD,
            word.span,
            format!("expected {what}"),
            format!("`{}` is not {what}", word.value),
        )
        .help(help)
        .into())
    }

    /// One field or more, up to the end of the line or one of these words.
    pub(crate) fn names(&mut self, what: &str, stops: &[&str]) -> Read<Vec<Name>> {
        let mut all = Vec::from([self.path(what)?]);
        while !self.is_done() && !stops.iter().any(|stop| self.is_word(stop)) {
            all.push(self.path(what)?);
        }
        Ok(all)
    }

    /// A field, or some of its bytes: `telegram_no[2..6]`.
    pub(crate) fn place(&mut self, what: &str) -> Read<Place> {
        let field = self.path(what)?;
        let start = self.here();
        if !self.eats('[') {
            return Ok(Place { field, bytes: None });
        }
        let bytes = self.bytes()?.value;
        self.sign(']')?;
        Ok(Place { field, bytes: Some(At { value: bytes, span: self.since(start) }) })
    }

    /// One place or more, as [`Cursor::names`].
    pub(crate) fn places(&mut self, what: &str, stops: &[&str]) -> Read<Vec<Place>> {
        let mut all = Vec::from([self.place(what)?]);
        while !self.is_done() && !stops.iter().any(|stop| self.is_word(stop)) {
            all.push(self.place(what)?);
        }
        Ok(all)
    }

    /// The block that the item opens; only its last clause can have it.
    pub(crate) fn body(&mut self) -> Read<&'i Body> {
        if !self.is_done() || self.body.is_none() {
            return Err(self.expected("`{`"));
        }
        self.body.take().ok_or(Stop(None))
    }

    /// The block of the item, whatever stands before it.
    pub(crate) fn any_body(&mut self) -> Option<&'i Body> {
        self.body.take()
    }

    /// Nothing may be left.
    pub(crate) fn finish(&mut self) -> Read<()> {
        if !self.is_done() {
            if matches!(self.peek(), Some(Token::Wrong)) {
                return Err(Stop(None));
            }
            let span = Span { end: self.end.start.max(self.here().end), ..self.here() };
            return Err(error(mistake::TOO_MUCH, span, "not expected", "The line goes on where it should end")
                .help("remove what stands here, or begin a new line with it")
                .into());
        }
        if let Some(body) = self.body.take() {
            return Err(error(mistake::TOO_DEEP, body.open, "not expected", "No block may be here").into());
        }
        Ok(())
    }

    /// Goes on to the next of these words, or to the end.
    fn resume(&mut self, known: &[&str]) {
        while !self.is_done() && !known.iter().any(|word| self.is_word(word)) {
            self.skip();
        }
    }
}

/// Reads the clauses of a block: each begins with one of `known`, one or several on a line. A clause that is wrong is
/// told, and reading goes on behind it. `repeated` may come more than once.
pub(crate) fn clauses<'i>(
    body: &'i Body,
    known: &[&str],
    repeated: &[&str],
    out: &mut Vec<Diagnostic>,
    mut read: impl FnMut(&str, &mut Cursor<'i>, &mut Vec<Diagnostic>) -> Read<()>,
) -> Seen {
    let mut seen = Seen::default();
    for item in &body.items {
        let mut cursor = Cursor::new(item);
        if item.tokens.is_empty() {
            out.extend(cursor.expected("a word before `{`").0.map(|diagnostic| *diagnostic));
            continue;
        }
        let mut wrong = false;
        while !cursor.is_done() {
            let Err(stop) = clause(&mut cursor, known, repeated, &mut seen, out, &mut read) else { continue };
            wrong = true;
            out.extend(stop.0.map(|diagnostic| *diagnostic));
            cursor.resume(known);
        }
        match cursor.finish() {
            Err(stop) if !wrong => out.extend(stop.0.map(|diagnostic| *diagnostic)),
            _ => {}
        }
    }
    seen
}

fn clause<'i>(
    cursor: &mut Cursor<'i>,
    known: &[&str],
    repeated: &[&str],
    seen: &mut Seen,
    out: &mut Vec<Diagnostic>,
    read: &mut impl FnMut(&str, &mut Cursor<'i>, &mut Vec<Diagnostic>) -> Read<()>,
) -> Read<()> {
    let word = cursor.word(&format!("one of: {}", known.join(", ")))?;
    let Some(clause) = known.iter().find(|name| **name == word.value) else {
        let meant = nearest(&word.value, known.iter().copied()).map(ToOwned::to_owned);
        let help = match &meant {
            Some(name) => format!("did you mean `{name}`?"),
            None => format!("what can be said here: {}", known.join(", ")),
        };
        // What was probably meant is not called missing later.
        seen.meant.extend(meant);
        return Err(error(
            mistake::UNKNOWN_WORD,
            word.span,
            "not known here",
            format!("`{}` means nothing here", word.value),
        )
        .help(help)
        .into());
    };
    if let (Some(first), false) = (seen.find(clause), repeated.contains(clause)) {
        return Err(error(mistake::TWICE_SAID, word.span, "said again", format!("`{clause}` is said twice"))
            .help("keep one of them")
            .related(first, "said here first")
            .into());
    }
    seen.said.push(At { value: word.value, span: word.span });
    read(clause, cursor, out)
}
