//! Reading tables one key at a time: what is asked for is known, what is left over is a mistake.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fmt;
use std::ops::Range;
use std::time::Duration;

use pabal_telegram::nearest;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::text;

/// One thing that is wrong with a configuration.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// The line in the file, from 1; `None` if it is about something that is not there.
    pub line: Option<usize>,
    /// The path of the key, such as `institutions.hecto.lines[0].window`.
    pub path: String,
    /// What is wrong, and what to do about it.
    pub text: String,
}

/// A setting in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Effective {
    pub(super) path: String,
    pub(super) value: String,
    /// The line of the configuration file; `None` is the built-in default.
    pub(super) line: Option<usize>,
}

/// What is found out while a file is read.
pub(super) struct Findings<'t> {
    text: &'t str,
    problems: RefCell<BTreeSet<Problem>>,
    effective: RefCell<Vec<Effective>>,
}

impl<'t> Findings<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self { text, problems: RefCell::default(), effective: RefCell::default() }
    }

    fn line(&self, span: &Range<usize>) -> usize {
        let before = self.text.as_bytes().get(..span.start).unwrap_or(self.text.as_bytes());
        1 + before.iter().filter(|byte| **byte == b'\n').count()
    }

    /// Something is wrong at a place of the file.
    pub(super) fn problem_at(&self, span: Option<&Range<usize>>, path: impl Into<String>, text: impl Into<String>) {
        let line = span.map(|span| self.line(span));
        self.problems.borrow_mut().insert(Problem { line, path: path.into(), text: text.into() });
    }

    /// Something is wrong with what stands, or should stand, at a path.
    pub(super) fn problem(&self, path: impl Into<String>, text: impl Into<String>) {
        let path = path.into();
        let line = self.effective.borrow().iter().rev().find(|known| known.path == path).and_then(|known| known.line);
        self.problems.borrow_mut().insert(Problem { line, path, text: text.into() });
    }

    pub(super) fn is_clean(&self) -> bool {
        self.problems.borrow().is_empty()
    }

    pub(super) fn into_parts(self) -> (Vec<Problem>, Vec<Effective>) {
        (self.problems.into_inner().into_iter().collect(), self.effective.into_inner())
    }
}

/// A table as it is read: the first of its layers that has a key says its value.
///
/// A value that is wrong or missing is noted, and reads as something harmless that nobody will see, since the whole reading fails.
pub(super) struct Section<'t, 'f> {
    findings: &'f Findings<'t>,
    path: String,
    layers: Vec<Layer<'t>>,
    asked: BTreeSet<&'static str>,
}

/// One table, and where it is from.
#[derive(Clone)]
struct Layer<'t> {
    table: &'t DeTable<'t>,
    path: String,
    built_in: bool,
}

impl<'t, 'f> Section<'t, 'f> {
    /// The whole of a file, with the built-in default below it.
    pub(super) fn root(file: &'t DeTable<'t>, default: &'t DeTable<'t>, findings: &'f Findings<'t>) -> Self {
        let layer = |table, built_in| Layer { table, path: String::new(), built_in };
        Self {
            findings,
            path: String::new(),
            layers: vec![layer(file, false), layer(default, true)],
            asked: BTreeSet::new(),
        }
    }

    pub(super) fn path(&self, key: &str) -> String {
        join(&self.path, key)
    }

    /// The value, whether it is built in, and whether it stands in this section's own table.
    fn find(&mut self, key: &'static str) -> Option<(&'t Spanned<DeValue<'t>>, bool, bool)> {
        self.asked.insert(key);
        let own = |layer: &Layer<'t>| layer.path == self.path;
        self.layers.iter().find_map(|layer| Some((layer.table.get(key)?, layer.built_in, own(layer))))
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.layers.iter().any(|layer| layer.table.contains_key(key))
    }

    /// Whether the section itself has a key, and not only what it falls back to.
    pub(super) fn says(&self, key: &str) -> bool {
        self.layers.first().is_some_and(|layer| layer.table.contains_key(key))
    }

    /// Reads a key that must be somewhere.
    fn take<T: Default>(
        &mut self,
        key: &'static str,
        read: impl FnOnce(&DeValue<'_>) -> Result<(T, String), String>,
    ) -> T {
        self.take_if_there(key, read).unwrap_or_else(|| {
            if !self.has(key) {
                self.findings.problem(self.path(key), "is missing; it has no default");
            }
            T::default()
        })
    }

    fn take_if_there<T>(
        &mut self,
        key: &'static str,
        read: impl FnOnce(&DeValue<'_>) -> Result<(T, String), String>,
    ) -> Option<T> {
        let (value, built_in, own) = self.find(key)?;
        let path = self.path(key);
        match read(value.get_ref()) {
            Ok((read, shown)) => {
                let line = (!built_in).then(|| self.findings.line(&value.span()));
                self.findings.effective.borrow_mut().push(Effective { path, value: shown, line });
                Some(read)
            }
            Err(wrong) => {
                // What stands elsewhere is told by the section that it belongs to.
                if own {
                    self.findings.problem_at(Some(&value.span()), path, wrong);
                }
                None
            }
        }
    }

    pub(super) fn text(&mut self, key: &'static str) -> String {
        self.take(key, read_text)
    }

    pub(super) fn text_if_there(&mut self, key: &'static str) -> Option<String> {
        self.take_if_there(key, read_text)
    }

    /// One of several words.
    pub(super) fn word<T: Copy>(&mut self, key: &'static str, words: &[(&'static str, T)]) -> Option<T> {
        let names: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        self.take(key, |value| {
            let (text, _) = read_text(value)?;
            match words.iter().find(|(word, _)| *word == text) {
                Some((word, meaning)) => Ok((Some(*meaning), format!("{word:?}"))),
                None => {
                    let near = nearest(&text, names.iter().copied());
                    let near = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
                    Err(format!("{text:?} is not one of {}{near}", quoted(&names)))
                }
            }
        })
    }

    pub(super) fn duration(&mut self, key: &'static str) -> Duration {
        self.take(key, |value| {
            let wrong = || {
                format!("{} is not a duration; write a text such as \"300ms\", \"5s\", \"5m\" or \"24h\"", show(value))
            };
            let read = value.as_str().and_then(text::duration).ok_or_else(wrong)?;
            Ok((read, format!("\"{}\"", text::Span(read))))
        })
    }

    /// A number of bytes, or `None` for the word `unlimited` where that is allowed.
    pub(super) fn bytes_or_unlimited(&mut self, key: &'static str) -> Option<u64> {
        self.take(key, |value| match value.as_str() {
            Some("unlimited") => Ok((None, "\"unlimited\"".to_owned())),
            _ => read_bytes(value).map(|(bytes, shown)| (Some(bytes), shown)),
        })
    }

    pub(super) fn bytes(&mut self, key: &'static str) -> u64 {
        self.take(key, read_bytes)
    }

    /// A whole number of at least one.
    pub(super) fn count<N: TryFrom<u64> + Default + fmt::Display + Copy>(&mut self, key: &'static str) -> N {
        self.take(key, |value| {
            let most =
                (0..64).rev().map(|bits| u64::MAX >> bits).filter(|most| N::try_from(*most).is_ok()).max().unwrap_or(0);
            let wrong = || format!("{} is not a whole number from 1 to {most}", show(value));
            let number = integer(value)
                .filter(|number| *number > 0)
                .and_then(|number| N::try_from(number).ok())
                .ok_or_else(wrong)?;
            Ok((number, number.to_string()))
        })
    }

    /// A whole number of at least one, or `None` for the word `unlimited`.
    pub(super) fn count_or_unlimited<N: TryFrom<u64> + Default + fmt::Display + Copy>(
        &mut self,
        key: &'static str,
    ) -> Option<N> {
        if self.find(key)?.0.get_ref().as_str() == Some("unlimited") {
            return self.take(key, |_| Ok((None, "\"unlimited\"".to_owned())));
        }
        Some(self.count(key))
    }

    /// A text, or several in brackets.
    pub(super) fn texts(&mut self, key: &'static str) -> Option<Vec<String>> {
        self.take_if_there(key, |value| {
            let texts: Vec<String> = match value {
                DeValue::Array(items) => items
                    .iter()
                    .map(|item| read_text(item.get_ref()).map(|(text, _)| text))
                    .collect::<Result<_, _>>()?,
                one => vec![read_text(one)?.0],
            };
            let shown = format!("{texts:?}");
            Ok((texts, shown))
        })
    }

    /// Names in brackets, or one; none if the key is left out, which means `without_it`. A list that is there and names nothing is a
    /// mistake: who left it empty meant none of them, not all.
    pub(super) fn names(&mut self, key: &'static str, without_it: &str) -> Vec<String> {
        let names = self.texts(key);
        if names.as_ref().is_some_and(Vec::is_empty) {
            self.problem(key, format!("is empty; name one, or remove it: without it, {without_it}"));
        }
        names.unwrap_or_default()
    }

    /// A table of texts, in the order of its keys.
    pub(super) fn text_table(&mut self, key: &'static str) -> Vec<(String, String)> {
        self.take_if_there(key, |value| {
            let table = value.as_table().ok_or_else(|| format!("{} is not a table", show(value)))?;
            let mut rows = Vec::new();
            for (name, value) in table {
                rows.push((
                    name.get_ref().to_string(),
                    read_text(value.get_ref()).map_err(|wrong| format!("{}: {wrong}", name.get_ref()))?.0,
                ));
            }
            let shown: Vec<String> = rows.iter().map(|(name, text)| format!("{name} = {text:?}")).collect();
            Ok((rows, format!("{{ {} }}", shown.join(", "))))
        })
        .unwrap_or_default()
    }

    /// A table of tables of texts, in the order of their keys; each text is a setting of its own.
    pub(super) fn text_tables(&mut self, key: &'static str) -> Vec<(String, Vec<(String, String)>)> {
        let Some((value, built_in, _)) = self.find(key) else { return Vec::new() };
        let path = self.path(key);
        let not_a_table = |value: &Spanned<DeValue<'_>>, path: &str| {
            let text = format!("{} is not a table", show(value.get_ref()));
            self.findings.problem_at(Some(&value.span()), path, text);
        };
        let Some(tables) = value.get_ref().as_table() else {
            not_a_table(value, &path);
            return Vec::new();
        };
        let mut read = Vec::new();
        for (name, table) in tables {
            let path = join(&path, name.get_ref());
            let Some(rows) = table.get_ref().as_table() else {
                not_a_table(table, &path);
                continue;
            };
            let mut texts = Vec::new();
            for (key, value) in rows {
                let path = join(&path, key.get_ref());
                match read_text(value.get_ref()) {
                    Ok((text, shown)) => {
                        let line = (!built_in).then(|| self.findings.line(&value.span()));
                        self.findings.effective.borrow_mut().push(Effective { path, value: shown, line });
                        texts.push((key.get_ref().to_string(), text));
                    }
                    Err(wrong) => self.findings.problem_at(Some(&value.span()), path, wrong),
                }
            }
            read.push((name.get_ref().to_string(), texts));
        }
        read
    }

    /// A table below this one, in whichever layers have it, with those of another section below.
    pub(super) fn section(&mut self, key: &'static str, below: Option<&Section<'t, 'f>>) -> Self {
        self.asked.insert(key);
        let mut layers = Vec::new();
        for layer in &self.layers {
            let Some(value) = layer.table.get(key) else { continue };
            let path = join(&layer.path, key);
            match value.get_ref().as_table() {
                Some(table) => layers.push(Layer { table, path, built_in: layer.built_in }),
                None => self.findings.problem_at(Some(&value.span()), path, "is not a table"),
            }
        }
        layers.extend(below.into_iter().flat_map(|below| below.layers.iter().cloned()));
        Self { findings: self.findings, path: self.path(key), layers, asked: BTreeSet::new() }
    }

    /// The tables of an array, each with the layers of another section below its own.
    pub(super) fn sections(&mut self, key: &'static str, below: Option<&Section<'t, 'f>>) -> Vec<Self> {
        let Some((value, built_in, _)) = self.find(key) else { return Vec::new() };
        let path = self.path(key);
        let Some(items) = value.get_ref().as_array() else {
            self.findings.problem_at(
                Some(&value.span()),
                &path,
                format!("is not an array of tables; write [[{path}]]"),
            );
            return Vec::new();
        };
        let mut sections = Vec::new();
        for (at, item) in items.iter().enumerate() {
            let path = format!("{path}[{at}]");
            let Some(table) = item.get_ref().as_table() else {
                self.findings.problem_at(Some(&item.span()), path, "is not a table");
                continue;
            };
            let mut layers = vec![Layer { table, path: path.clone(), built_in }];
            layers.extend(below.into_iter().flat_map(|below| below.layers.iter().cloned()));
            sections.push(Self { findings: self.findings, path, layers, asked: BTreeSet::new() });
        }
        sections
    }

    /// The tables of a table whose keys are names, in the order of the names.
    pub(super) fn named_sections(&mut self, key: &'static str) -> Vec<(String, Self)> {
        let all = self.section(key, None);
        let mut names = BTreeSet::new();
        for layer in &all.layers {
            names.extend(layer.table.keys().map(|name| name.get_ref().to_string()));
        }
        let one = |name: &String| {
            let path = join(&all.path, name);
            let mut layers = Vec::new();
            for layer in &all.layers {
                let Some(value) = layer.table.get(name.as_str()) else { continue };
                match value.get_ref().as_table() {
                    Some(table) => layers.push(Layer { table, path: path.clone(), built_in: layer.built_in }),
                    None => self.findings.problem_at(Some(&value.span()), &path, "is not a table"),
                }
            }
            Self { findings: self.findings, path, layers, asked: BTreeSet::new() }
        };
        names.iter().map(|name| (name.clone(), one(name))).collect()
    }

    /// Every key was asked for: what else is there is unknown.
    pub(super) fn finish(&self) {
        let known: Vec<&str> = self.asked.iter().copied().collect();
        for layer in self.layers.iter().filter(|layer| !layer.built_in) {
            for (key, _) in layer.table {
                let name: &str = key.get_ref();
                // A layer from elsewhere, such as [line], has its own section, which knows all of its keys.
                if layer.path == self.path && !self.asked.contains(name) {
                    let text = format!("unknown key{}", hint(name, &known));
                    self.findings.problem_at(Some(&key.span()), join(&layer.path, name), text);
                }
            }
        }
    }

    pub(super) fn problem(&self, key: &str, text: impl Into<String>) {
        self.findings.problem(self.path(key), text);
    }
}

fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

/// `; did you mean ...?`, or all there are if none is near.
pub(crate) fn hint(name: &str, known: &[&str]) -> String {
    match nearest(name, known.iter().copied()) {
        Some(near) => format!("; did you mean `{near}`?"),
        None if known.is_empty() => String::new(),
        None => format!("; there is {}", quoted(known)),
    }
}

/// Names as people read them in a sentence.
fn quoted(names: &[&str]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

fn show(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) => format!("{text:?}"),
        DeValue::Integer(number) => number.to_string(),
        DeValue::Float(number) => number.to_string(),
        DeValue::Boolean(yes) => yes.to_string(),
        other => format!("a {}", other.type_str()),
    }
}

fn read_text(value: &DeValue<'_>) -> Result<(String, String), String> {
    let text = value.as_str().ok_or_else(|| format!("{} is not a text; put it in quotes", show(value)))?;
    if text.is_empty() {
        return Err("is empty".to_owned());
    }
    Ok((text.to_owned(), format!("{text:?}")))
}

fn read_bytes(value: &DeValue<'_>) -> Result<(u64, String), String> {
    let bytes = integer(value).or_else(|| value.as_str().and_then(text::size));
    let wrong = || format!("{} is not a size; write a number of bytes, or a text such as \"64MiB\"", show(value));
    bytes.map(|bytes| (bytes, format!("\"{}\"", text::Bytes(bytes)))).ok_or_else(wrong)
}

fn integer(value: &DeValue<'_>) -> Option<u64> {
    let number = value.as_integer()?;
    u64::from_str_radix(number.as_str(), number.radix()).ok()
}
