//! Diagnostics of specs, drawn for people.

use std::io::IsTerminal;

use miette::{
    GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteError, NamedSource, Severity as Level, SourceCode,
    SourceSpan, SpanContents,
};
use pabal_spec::{Diagnostic, Severity, Source};

/// A file of which whole lines are drawn: those that a label touches and no others.
#[derive(Debug)]
struct Lines(String);

impl SourceCode for Lines {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        before: usize,
        after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        if before == 0 && after == 0 {
            // The place itself, for the line and column above the drawing.
            return self.0.read_span(span, 0, 0);
        }
        let (start, end) = (span.offset(), span.offset() + span.len());
        let text = self.0.as_bytes();
        let outside = MietteError::OutOfBounds;
        let (Some(head), Some(tail)) = (text.get(..start), text.get(end..)) else { return Err(outside) };
        let first = head.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let last = tail.iter().position(|byte| *byte == b'\n').map_or(text.len(), |at| end + at);
        self.0.read_span(&(first, last - first).into(), 0, 0)
    }
}

/// One diagnostic with its file, as miette wants it.
#[derive(Debug)]
struct Drawn<'d> {
    diagnostic: &'d Diagnostic,
    source: NamedSource<Lines>,
    /// Places in other files: each is drawn below.
    elsewhere: Vec<Elsewhere>,
}

#[derive(Debug)]
struct Elsewhere {
    text: String,
    source: NamedSource<Lines>,
    span: LabeledSpan,
}

impl std::fmt::Display for Drawn<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.diagnostic.message)
    }
}

impl std::error::Error for Drawn<'_> {}

impl miette::Diagnostic for Drawn<'_> {
    fn code<'a>(&'a self) -> Option<Box<dyn std::fmt::Display + 'a>> {
        Some(Box::new(self.diagnostic.code))
    }

    fn severity(&self) -> Option<Level> {
        Some(match self.diagnostic.severity {
            Severity::Warning => Level::Warning,
            Severity::Error => Level::Error,
        })
    }

    fn help<'a>(&'a self) -> Option<Box<dyn std::fmt::Display + 'a>> {
        self.diagnostic.help.as_ref().map(|help| Box::new(help) as Box<dyn std::fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(&self.source)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let at = &self.diagnostic.at;
        let here = self.diagnostic.related.iter().filter(move |label| label.span.source == at.span.source);
        // The place above the drawing is that of the primary label, wherever the others stand.
        let span = labeled(at);
        let primary = LabeledSpan::new_primary_with_span(Some(at.text.clone()), *span.inner());
        Some(Box::new(std::iter::once(primary).chain(here.map(labeled))))
    }

    fn related<'a>(&'a self) -> Option<Box<dyn Iterator<Item = &'a dyn miette::Diagnostic> + 'a>> {
        if self.elsewhere.is_empty() {
            return None;
        }
        Some(Box::new(self.elsewhere.iter().map(|e| e as &dyn miette::Diagnostic)))
    }
}

impl std::fmt::Display for Elsewhere {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for Elsewhere {}

impl miette::Diagnostic for Elsewhere {
    fn severity(&self) -> Option<Level> {
        Some(Level::Advice)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(&self.source)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        Some(Box::new(std::iter::once(self.span.clone())))
    }
}

fn labeled(label: &pabal_spec::Label) -> LabeledSpan {
    let start = label.span.start as usize;
    LabeledSpan::new(Some(label.text.clone()), start, (label.span.end as usize).saturating_sub(start))
}

fn named(sources: &[Source], id: pabal_spec::SourceId) -> NamedSource<Lines> {
    sources.get(usize::from(id.0)).map_or_else(
        || NamedSource::new("?", Lines(String::new())),
        |source| NamedSource::new(&source.name, Lines(source.text.clone())),
    )
}

/// Whether standard error shows colours: on a terminal, unless `NO_COLOR` says something.
pub(crate) fn has_colours() -> bool {
    std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|said| said.is_empty())
}

/// Draws diagnostics for standard error in the order in which they stand, each with its lines of the file.
pub(crate) fn draw(diagnostics: &[Diagnostic], sources: &[Source]) -> String {
    let theme = if has_colours() { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
    let handler = GraphicalReportHandler::new_themed(theme).with_width(110).with_context_lines(1);
    let mut text = String::new();
    for diagnostic in diagnostics {
        let elsewhere = diagnostic
            .related
            .iter()
            .filter(|label| label.span.source != diagnostic.at.span.source)
            .map(|label| Elsewhere {
                text: label.text.clone(),
                source: named(sources, label.span.source),
                span: labeled(label),
            })
            .collect();
        let drawn = Drawn { diagnostic, source: named(sources, diagnostic.at.span.source), elsewhere };
        // A report that cannot be drawn is still told.
        if handler.render_report(&mut text, &drawn).is_err() {
            text.push_str(&diagnostic.message);
        }
        text.push('\n');
    }
    text
}
