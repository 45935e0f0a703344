//! What runs came to, so that it can be demanded and shown.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use core::fmt;

use pabal_telegram::{Charset, Computed, Field, Fill, Kind, Layout, Node, Telegram, Test, TextModes, Times, Wide};

/// Words for kinds and nodes, charsets, and the codes of faults, with how often they were come to.
#[derive(Debug, Default)]
pub(super) struct Reached {
    /// Forms of fields and nodes that layouts had.
    pub(super) kinds: BTreeSet<String>,
    /// Those of layouts.
    pub(super) charsets: BTreeSet<&'static str>,
    /// Values that were read without a fault, by the kind of their field and the charset in which it is read.
    pub(super) values: BTreeMap<(String, &'static str), u64>,
    /// Codes of faults that reading told.
    pub(super) read: BTreeMap<&'static str, u64>,
    /// Codes of faults that writing told.
    pub(super) written: BTreeMap<&'static str, u64>,
}

impl Reached {
    pub(super) fn fault_read(&mut self, code: &'static str) {
        *self.read.entry(code).or_default() += 1;
    }

    pub(super) fn fault_written(&mut self, code: &'static str) {
        *self.written.entry(code).or_default() += 1;
    }

    /// Notes every value of a telegram.
    pub(super) fn cells(&mut self, telegram: &Telegram<'_, '_>) {
        for (cell, value) in telegram.cells() {
            if value.is_ok() {
                let key = (form(cell.field), cell.field.charset.decode.word());
                *self.values.entry(key).or_default() += 1;
            }
        }
    }

    /// Notes what a layout has.
    pub(super) fn look(&mut self, layout: &Layout, nodes: &[Node]) {
        for field in layout.fields() {
            self.charsets.extend([field.charset.encode.word(), field.charset.decode.word()]);
            self.kinds.insert(form(field));
            let said = [
                ("X right", field.text.right),
                ("X pad", field.text.pad.is_some()),
                ("X wide", field.text.wide != Wide::No),
                ("X lenient", field.text.lenient != TextModes::STRICT),
            ];
            if let Fill::Computed(computed) = &field.fill {
                let word = match computed {
                    Computed::Sign => "sign of",
                    Computed::Fraction => "fraction of",
                    Computed::Length { .. } => "length",
                    Computed::Count { .. } => "count of",
                    Computed::Sum { .. } => "sum of",
                    Computed::Checksum { .. } => "checksum of",
                    Computed::CheckDigit { .. } => "check of",
                    _ => "check",
                };
                let repeats = if field.path.contains("[]") { " in a repeat" } else { "" };
                self.kinds.insert([word, repeats].concat());
            }
            self.kinds.extend(said.into_iter().filter(|(_, is_said)| *is_said).map(|(word, _)| word.into()));
        }
        self.nodes(nodes);
    }

    fn nodes(&mut self, nodes: &[Node]) {
        for node in nodes {
            let (word, bodies): (_, Vec<&[Node]>) = match node {
                Node::Repeat(repeat) if repeat.padded => ("repeat padded", vec![&repeat.body]),
                Node::Repeat(repeat) if repeat.times == Times::UntilEnd => ("repeat until end", vec![&repeat.body]),
                Node::Repeat(repeat) => ("repeat times", vec![&repeat.body]),
                Node::Choice(choice) => ("choice", choice.branches.iter().map(|branch| &*branch.body).collect()),
                Node::When(when) if matches!(when.test, Test::Bit(_)) => ("when has", vec![&when.body]),
                Node::When(when) => ("when", vec![&when.body]),
                Node::Tail(_) => ("length of", vec![]),
                _ => continue,
            };
            self.kinds.insert(word.into());
            bodies.into_iter().for_each(|body| self.nodes(body));
        }
    }
}

/// The form of a field as `show` writes it, without its lengths.
fn form(field: &Field) -> String {
    match field.kind {
        Kind::Lines { .. } => "X lines".into(),
        Kind::Stamp(_) => "date, time".into(),
        _ => crate::show::kind(field).split(['(', ')']).step_by(2).collect(),
    }
}

/// A table of values by form and charset, and the codes of faults.
impl fmt::Display for Reached {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:30}", "values read")?;
        Charset::ALL.iter().try_for_each(|(word, _)| write!(f, "{word:>12}"))?;
        let forms: BTreeSet<&str> = self.values.keys().map(|(form, _)| form.as_str()).collect();
        for form in forms {
            write!(f, "\n{form:30}")?;
            for (word, _) in Charset::ALL {
                let count = self.values.get(&(String::from(form), word)).copied().unwrap_or(0);
                write!(f, "{count:12}")?;
            }
        }
        for (what, codes) in [("faults of reading", &self.read), ("faults of writing", &self.written)] {
            write!(f, "\n{what}, {} codes:", codes.len())?;
            codes.iter().try_for_each(|(code, count)| write!(f, " {code} {count}"))?;
        }
        writeln!(f)
    }
}
