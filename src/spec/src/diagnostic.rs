use alloc::string::String;
use alloc::vec::Vec;

/// One file of a spec, as text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// How people know it: its path below the institution's folder.
    pub name: String,
    /// All of it.
    pub text: String,
}

/// The place of a file in the list that was given to the parser.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourceId(pub u16);

/// Bytes of a source file: `start..end`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// The file.
    pub source: SourceId,
    /// The first byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// The spec is used all the same.
    Warning,
    /// The spec is not used.
    Error,
}

/// Another place that has to do with it, and what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// Where.
    pub span: Span,
    /// What is there.
    pub text: String,
}

/// Something that a person should know about a spec, as data: `pabal` draws it, the C ABI gives line and column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Stable: `S` and three digits.
    pub code: &'static str,
    /// How bad.
    pub severity: Severity,
    /// What is wrong, in a sentence without a full stop.
    pub message: String,
    /// Where, and what stands there.
    pub at: Label,
    /// What to do about it.
    pub help: Option<String>,
    /// Other places that matter.
    pub related: Vec<Label>,
}
