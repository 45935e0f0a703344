//! [`Spec`] -> [`Institution`]: what is written becomes what can only be right.

mod compare;
mod computed;
mod conversation;
mod date;
mod exchange;
mod frame;
mod hours;
mod layout;
mod layouts;
mod notice;
mod number;
mod protocol;
mod select;
mod shape;
mod shown;
mod sign;
mod table;
mod text;
mod versions;

use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use pabal_clock::Civil;

use crate::diagnostic::{Diagnostic, Severity, Source, SourceId, Span};
use crate::institution::{Digest, Institution};
use crate::mistake::{self, error};
use crate::written::{Name, Spec};

/// An institution, and what a person should still know about its spec.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// Can only be right.
    pub institution: Institution,
    /// None of them is an error.
    pub warnings: Vec<Diagnostic>,
}

/// Checks what [`crate::parse`] has read of these sources. Mistakes of form that it has told are not told again, nor what
/// only follows from them.
///
/// # Errors
/// Everything that is wrong, in the order of the files. Warnings are among them.
pub fn check(spec: &Spec, sources: &[Source]) -> Result<Loaded, Vec<Diagnostic>> {
    finish(spec, sources, Vec::new())
}

/// Reads and checks the sources of one institution: spec files, and code tables whose names end in `.csv`.
///
/// # Errors
/// Every mistake in all of the files, in their order. Warnings are among them.
pub fn load(sources: &[Source]) -> Result<Loaded, Vec<Diagnostic>> {
    let (spec, told) = crate::parse(sources);
    finish(&spec, sources, told)
}

fn finish(spec: &Spec, sources: &[Source], mut out: Vec<Diagnostic>) -> Result<Loaded, Vec<Diagnostic>> {
    let digest = Digest::of(sources);
    let institution = institution(spec, sources, digest, &mut out);
    out.sort_by_key(|diagnostic| diagnostic.at.span);
    // What a file says wrongly it says once, wherever it is included and in whatever version it is in force.
    let mut told: BTreeSet<(Span, &str, String)> = BTreeSet::new();
    out.retain(|diagnostic| told.insert((diagnostic.at.span, diagnostic.code, diagnostic.message.clone())));
    // A field that is empty is one mistake, wherever it is used.
    let mut empty: BTreeSet<Span> = BTreeSet::new();
    out.retain(|told| {
        let described = told.related.first().filter(|_| told.code == mistake::EMPTY_FIELD);
        described.is_none_or(|label| empty.insert(label.span))
    });
    match institution {
        Some(institution) if out.iter().all(|diagnostic| diagnostic.severity == Severity::Warning) => {
            Ok(Loaded { institution, warnings: out })
        }
        institution => {
            let told = out.iter().any(|diagnostic| diagnostic.severity == Severity::Error);
            assert!(told, "an institution is missing, but no error says why: {:?}", institution.is_some());
            Err(out)
        }
    }
}

fn institution(spec: &Spec, sources: &[Source], digest: Digest, out: &mut Vec<Diagnostic>) -> Option<Institution> {
    let start = Span { source: SourceId(0), start: 0, end: 0 };
    if spec.institution.is_none() {
        out.push(
            error(mistake::NOT_SAID, start, "nowhere in these files", "The institution is not named")
                .help("begin with a line such as `institution hecto \"헥토파이낸셜\"`"),
        );
    }
    if spec.protocols.is_empty() && spec.layouts.is_empty() {
        let span = spec.institution.as_ref().map_or(start, |(name, _)| name.span);
        out.push(
            error(mistake::NOT_SAID, span, "has no protocol", "No protocol is described")
                .help("write a block `protocol name { .. }` that says how frames are cut and telegrams told apart"),
        );
    }
    let names = spec.protocols.iter().map(|protocol| &protocol.name);
    unique("protocol", 0, names.chain(spec.layouts.iter().map(|layouts| &layouts.name)), out);
    let name = spec.institution.as_ref().map_or("", |(name, _)| &name.value);
    let spoken = versions::protocols(&spec.protocols, name, digest, sources, out);
    let mut all = true;
    let mut converted = Vec::new();
    for written in &spec.layouts {
        match versions::check(written, name, digest, out) {
            Some(layouts) => converted.push(layouts),
            None => all = false,
        }
    }
    let (name, label) = spec.institution.as_ref()?;
    let label = label.as_ref().unwrap_or(name);
    let mut spoken = spoken?.into_iter();
    let (from, protocols) = spoken.next()?;
    if !all || (protocols.is_empty() && converted.is_empty()) {
        return None;
    }
    let version = |from: Option<Civil>, protocols| Institution {
        name: name.value.as_str().into(),
        label: label.value.as_str().into(),
        protocols,
        layouts: converted.clone(),
        digest: from.map_or(digest, |from| digest.since(from)),
        from,
        later: Vec::new(),
    };
    let first = version(from, protocols);
    let later: Vec<_> = spoken.map(|(from, protocols)| version(from, protocols)).collect();
    versions::follow(&first, &later, &spec.protocols, out)
        .then(|| Institution { later: later.into_iter().map(Arc::new).collect(), ..first })
}

/// Tells every name that was used before; of the first `known` it was told elsewhere.
fn unique<'n>(what: &str, known: usize, names: impl Iterator<Item = &'n Name>, out: &mut Vec<Diagnostic>) {
    let mut seen: Vec<&Name> = Vec::new();
    for (at, name) in names.enumerate() {
        match seen.iter().find(|first| first.value == name.value) {
            Some(_) if at < known => {}
            Some(first) => out.push(
                error(
                    mistake::TWICE_NAMED,
                    name.span,
                    "this one is the second",
                    format!("Two {what}s have the name `{}`", name.value),
                )
                .help("rename one of them")
                .related(first.span, "the first"),
            ),
            None => seen.push(name),
        }
    }
}

/// Tells that something is not said in a block.
fn not_said(span: Span, what: &str, help: impl Into<String>) -> Diagnostic {
    error(mistake::NOT_SAID, span, format!("does not say `{what}`"), format!("`{what}` is not said")).help(help)
}

/// What was probably meant by a name; else the names that there are, if they are few.
fn meant<'n>(name: &str, names: impl Iterator<Item = &'n Name> + Clone) -> Option<String> {
    const NAMES_MAX: usize = 12;
    let all: Vec<&str> = names.map(|name| name.value.as_str()).collect();
    crate::parse::did_you_mean(name, all.iter().copied())
        .or_else(|| (1..=NAMES_MAX).contains(&all.len()).then(|| format!("there are: {}", all.join(", "))))
}
