//! A TOML file as a tree whose every step knows its path and place. All mistakes of a file are told in one run.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::ops::Range;
use core::time::Duration;

use pabal_clock::TimeOfDay;
use pabal_telegram::nearest;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::mistake::Mistake;

/// Collects mistakes and knows the text that places point into.
pub(crate) struct Reader<'t> {
    file: &'t str,
    text: &'t str,
    pub(crate) mistakes: Vec<Mistake>,
}

impl<'t> Reader<'t> {
    pub(crate) const fn new(file: &'t str, text: &'t str) -> Self {
        Self { file, text, mistakes: Vec::new() }
    }

    pub(crate) fn mistake(&mut self, place: &Place, message: impl Into<String>, help: Option<String>) {
        let before = self.text.get(..place.span.start).unwrap_or(self.text);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().map_or(0, |line| line.chars().count()) + 1;
        self.mistakes.push(Mistake {
            file: self.file.into(),
            line: u32::try_from(line).unwrap_or(u32::MAX),
            column: u32::try_from(column).unwrap_or(u32::MAX),
            path: place.path.clone(),
            message: message.into(),
            help,
        });
    }
}

/// Where something is written.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) path: String,
    pub(crate) span: Range<usize>,
}

/// A value and where it is written.
#[derive(Clone)]
pub(crate) struct Node<'t> {
    pub(crate) place: Place,
    pub(crate) value: &'t DeValue<'t>,
}

/// A table of which each key is taken once; what is left at the end is unknown.
pub(crate) struct Table<'t> {
    pub(crate) place: Place,
    left: Vec<(&'t str, Range<usize>, Node<'t>)>,
    asked: Vec<&'t str>,
}

impl<'t> Table<'t> {
    pub(crate) fn root(table: &'t Spanned<DeTable<'t>>) -> Self {
        Self::new(Place { path: String::new(), span: 0..0 }, table.get_ref())
    }

    fn new(place: Place, table: &'t DeTable<'t>) -> Self {
        let left = table.iter().map(|(key, value)| {
            let name: &str = key.get_ref();
            let path = if place.path.is_empty() { name.to_string() } else { format!("{}.{name}", place.path) };
            let node = Node { place: Place { path, span: value.span() }, value: value.get_ref() };
            (name, key.span(), node)
        });
        let mut left: Vec<_> = left.collect();
        // In the order of the file.
        left.sort_by_key(|(_, span, _)| span.start);
        Self { left, place, asked: Vec::new() }
    }

    /// A key's value, if the table has it.
    pub(crate) fn take(&mut self, key: &'t str) -> Option<Node<'t>> {
        self.asked.push(key);
        let at = self.left.iter().position(|(name, _, _)| *name == key)?;
        Some(self.left.remove(at).2)
    }

    /// A key that must be there.
    pub(crate) fn needed(&mut self, reader: &mut Reader<'_>, key: &'t str) -> Option<Node<'t>> {
        let node = self.take(key);
        if node.is_none() {
            reader.mistake(&self.place, format!("`{key}` is missing"), None);
        }
        node
    }

    /// Every key that was not taken, in the order of the file: for tables whose keys are names.
    pub(crate) fn take_all(&mut self) -> Vec<(&'t str, Node<'t>)> {
        core::mem::take(&mut self.left).into_iter().map(|(name, _, node)| (name, node)).collect()
    }

    /// Calls what was not taken unknown.
    pub(crate) fn finish(self, reader: &mut Reader<'_>) {
        for (name, span, node) in self.left {
            let help = match nearest(name, self.asked.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("known here: {}", self.asked.join(", ")),
            };
            reader.mistake(&Place { path: node.place.path, span }, "unknown key", Some(help));
        }
    }
}

impl<'t> Node<'t> {
    fn wrong(&self, reader: &mut Reader<'_>, expected: &str) {
        let found = self.integer().map_or_else(|| self.value.type_str().to_string(), |integer| integer.to_string());
        reader.mistake(&self.place, format!("expected {expected}, found {found}"), None);
    }

    pub(crate) fn text(&self, reader: &mut Reader<'_>, expected: &str) -> Option<&'t str> {
        let text = self.value.as_str();
        if text.is_none() {
            self.wrong(reader, expected);
        }
        text
    }

    pub(crate) fn boolean(&self, reader: &mut Reader<'_>) -> Option<bool> {
        let boolean = self.value.as_bool();
        if boolean.is_none() {
            self.wrong(reader, "true or false");
        }
        boolean
    }

    /// The digits of an integer, if it is one.
    pub(crate) fn integer(&self) -> Option<i128> {
        let integer = self.value.as_integer()?;
        i128::from_str_radix(integer.as_str(), integer.radix()).ok()
    }

    /// A whole number from `least` up to 2^32 - 1.
    pub(crate) fn count(&self, reader: &mut Reader<'_>, least: u32) -> Option<u32> {
        let count = self.integer().and_then(|count| u32::try_from(count).ok()).filter(|count| *count >= least);
        if count.is_none() {
            self.wrong(reader, &format!("a whole number of at least {least}"));
        }
        count
    }

    /// `"250ms"`, `"5s"`, `"2m"`, `"1h"`.
    pub(crate) fn duration(&self, reader: &mut Reader<'_>) -> Option<Duration> {
        let text = self.text(reader, "a duration such as \"250ms\", \"5s\", \"2m\" or \"1h\"")?;
        let duration = parse_duration(text);
        if duration.is_none() {
            let message = format!("`{text}` is not a duration");
            reader.mistake(&self.place, message, Some("write a whole number and ms, s, m or h: \"250ms\"".into()));
        }
        duration
    }

    /// A duration, or `["1s", "5s"]`: anything between the two.
    pub(crate) fn span(&self, reader: &mut Reader<'_>) -> Option<(Duration, Duration)> {
        if self.value.is_str() {
            return self.duration(reader).map(|duration| (duration, duration));
        }
        let ends = self.list(reader, "a duration or two of them")?;
        let [shortest, longest] = ends.as_slice() else {
            self.wrong(reader, "a duration, or the shortest and the longest");
            return None;
        };
        let (shortest, longest) = (shortest.duration(reader)?, longest.duration(reader)?);
        if shortest > longest {
            reader.mistake(&self.place, "the shortest is longer than the longest", Some("swap them".into()));
        }
        Some((shortest, longest))
    }

    /// `"09:30"` or `"09:30:15"`, a time at the institution.
    pub(crate) fn time_of_day(&self, reader: &mut Reader<'_>) -> Option<TimeOfDay> {
        let text = self.text(reader, "a time of day such as \"09:30\"")?;
        let time = TimeOfDay::parse(text);
        if time.is_none() {
            let message = format!("`{text}` is not a time of day");
            reader.mistake(&self.place, message, Some("write \"09:30\" or \"09:30:15\"".into()));
        }
        time
    }

    pub(crate) fn list(&self, reader: &mut Reader<'_>, expected: &str) -> Option<Vec<Self>> {
        let Some(list) = self.value.as_array() else {
            self.wrong(reader, expected);
            return None;
        };
        let nodes = list.iter().enumerate().map(|(at, value)| {
            let path = format!("{}[{}]", self.place.path, at + 1);
            Self { place: Place { path, span: value.span() }, value: value.get_ref() }
        });
        Some(nodes.collect())
    }

    pub(crate) fn table(&self, reader: &mut Reader<'_>) -> Option<Table<'t>> {
        let table = self.value.as_table();
        if table.is_none() {
            self.wrong(reader, "a table");
        }
        Some(Table::new(self.place.clone(), table?))
    }

    /// `[[name]]`, as often as it stands there.
    pub(crate) fn tables(&self, reader: &mut Reader<'_>) -> Vec<Table<'t>> {
        let list = self.list(reader, &format!("[[{}]]", self.place.path)).unwrap_or_default();
        list.iter().filter_map(|node| node.table(reader)).collect()
    }

    /// One of the words that are known here.
    pub(crate) fn word<T: Copy>(&self, reader: &mut Reader<'_>, words: &[(&str, T)]) -> Option<T> {
        let text = self.text(reader, "a word in quotes")?;
        let found = words.iter().find(|(word, _)| *word == text).map(|(_, meaning)| *meaning);
        if found.is_none() {
            let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            let help = unknown_help(text, &known);
            reader.mistake(&self.place, format!("`{text}` is not known here"), Some(help));
        }
        found
    }
}

/// What to say about a name that is none of these.
pub(crate) fn unknown_help(name: &str, known: &[&str]) -> String {
    match nearest(name, known.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None if known.is_empty() => "there are none".into(),
        None => format!("known here: {}", known.join(", ")),
    }
}

fn parse_duration(text: &str) -> Option<Duration> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at_checked(digits)?;
    let number: u64 = number.parse().ok()?;
    let seconds = |each: u64| number.checked_mul(each).map(Duration::from_secs);
    match unit {
        "ms" => Some(Duration::from_millis(number)),
        "s" => seconds(1),
        "m" => seconds(60),
        "h" => seconds(3_600),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_a_unit() {
        assert_eq!(parse_duration("250ms"), Some(Duration::from_millis(250)));
        assert_eq!(parse_duration("5s"), Some(Duration::from_secs(5)));
        assert_eq!(parse_duration("2m"), Some(Duration::from_secs(120)));
        assert_eq!(parse_duration("1h"), Some(Duration::from_secs(3_600)));
        for text in
            ["", "5", "s", "-1s", "1.5s", "5 s", "5sec", "가s", "99999999999999999999s", "18446744073709551615h"]
        {
            assert_eq!(parse_duration(text), None, "{text}");
        }
    }
}
