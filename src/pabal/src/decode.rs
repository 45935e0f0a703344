use std::io::Read;

use anyhow::{Context, bail};
use clap::{Args, ValueEnum};
use pabal_spec::{Doubt, Exposure, Protocol, TelegramId};
use pabal_telegram::{Cell, Fault, Layout, Rule, Side, Telegram, ValueRef};
use serde_json::json;

use crate::byte_table::byte_table;
use crate::exit;
use crate::specs::{self, Part};

/// Read a telegram through a spec.
///
/// The telegram is given as hexadecimal digits (blanks do not matter) or, with --raw, as its bytes; from a file or standard input. A length
/// prefix in front of it is recognised and checked. Confidential fields are masked unless --unmasked is given; if the telegram's length is
/// wrong, a field has a fault, or a filler in front of a confidential field holds more than a short mark, so is every field that their bytes
/// may have moved to, and it is said why.
///
/// Prints `field=value` for each field that is set; `encode` takes these back if nothing is masked. Exit codes: 0 right, 1 faults (on standard error),
/// 2 not understood.
///
/// With --json: telegram, bytes, length_prefix (null if there is none), fields (name: text, or null if unset), faults (field, offset, length, rule, text),
/// doubt (what tells that bytes may have moved; null if nothing does).
#[derive(Debug, Args)]
pub(crate) struct Decode {
    /// File that holds the telegram; `-` is standard input
    #[arg(default_value = "-")]
    file: String,
    /// A folder of spec files, or an institution that is built in
    #[arg(long, default_value = "hecto")]
    spec: String,
    /// The protocol or layouts, if the institution has several
    #[arg(long)]
    protocol: Option<String>,
    /// What the telegram is; otherwise the spec's select tells, where there is one
    #[arg(long)]
    telegram: Option<String>,
    /// Who filled it; otherwise its type tells, where there is a select
    #[arg(long)]
    side: Option<SideName>,
    /// The versions of this moment, "2026-12-01 00:00"; needed where a spec has several
    #[arg(long)]
    at: Option<String>,
    /// The input is the bytes themselves, not hexadecimal digits
    #[arg(long)]
    raw: bool,
    /// One row for each field: offset, length, charset, raw, value, verdict; bytes that no field covers
    #[arg(long)]
    bytes: bool,
    /// Print as JSON
    #[arg(long, conflicts_with = "bytes")]
    json: bool,
    /// Show confidential fields too; never do this where others can read
    #[arg(long)]
    unmasked: bool,
}

/// Who fills a telegram.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum SideName {
    /// Who sends the request
    Asker,
    /// Who sends the answer
    Answerer,
}

impl From<SideName> for Side {
    fn from(name: SideName) -> Self {
        match name {
            SideName::Asker => Self::Asker,
            SideName::Answerer => Self::Answerer,
        }
    }
}

impl Decode {
    pub(crate) fn run(self) -> anyhow::Result<u8> {
        let institution = specs::load_at(&self.spec, self.at.as_deref())?;
        specs::announce(&self.spec);
        let part = specs::part(&institution, self.protocol.as_deref(), self.telegram.as_deref())?;
        let input = self.read()?;
        if input.is_empty() {
            bail!("the input is empty; give a telegram as hexadecimal digits, or with --raw as its bytes");
        }
        let framed = part.protocol().map_or(Framed { telegram: &input, said: None }, |it| Framed::of(it, &input));
        let frame = framed.telegram;
        let (layout, side) = self.layout(&part, frame)?;
        let telegram = Telegram::new(layout, frame, side);
        let exposure = part.exposure(telegram, self.unmasked);
        let mut faults: Vec<_> = part.protocol().and_then(|it| framed.prefix_fault(it)).into_iter().collect();
        faults.extend(fault_lines(telegram, &exposure));
        if self.json {
            out!("{}", serde_json::to_string_pretty(&to_json(telegram, &exposure, framed.said))?);
        } else if self.bytes {
            let behind = framed.said.map_or_else(String::new, |said| format!(" behind a length prefix of {said}"));
            let (name, label) = (layout.name(), layout.label());
            out!("{name} {label:?}, {} bytes{behind}, filled by {}", frame.len(), side.word());
            for line in byte_table(telegram, &exposure).lines() {
                out!("{line}");
            }
        } else {
            for (name, value) in values(telegram, &exposure) {
                if let Some(value) = value {
                    out!("{name}={value}");
                }
            }
        }
        for fault in &faults {
            err!("{fault}");
        }
        if let Some(doubt @ Doubt::Field { .. }) = exposure.doubt() {
            err!("{doubt}, so that bytes may have moved: what may be confidential is hidden as a whole");
        }
        Ok(if faults.is_empty() { exit::DONE } else { exit::FAILURE })
    }

    fn read(&self) -> anyhow::Result<Vec<u8>> {
        let mut input = Vec::new();
        if self.file == "-" {
            std::io::stdin().lock().read_to_end(&mut input).context("cannot read standard input")?;
        } else {
            input = std::fs::read(&self.file).with_context(|| format!("cannot read {}", self.file))?;
        }
        if self.raw {
            return Ok(input);
        }
        let digits: Vec<u8> = input.iter().copied().filter(|b| !b.is_ascii_whitespace()).collect();
        if let Some(at) = digits.iter().position(|b| !b.is_ascii_hexdigit()) {
            bail!("digit {} of the input is not hexadecimal; for the bytes themselves say --raw", at + 1);
        }
        if digits.len() % 2 == 1 {
            bail!("the input has an odd number of hexadecimal digits ({})", digits.len());
        }
        let text = std::str::from_utf8(&digits).context("hexadecimal digits are ASCII")?;
        (0..digits.len()).step_by(2).map(|at| Ok(u8::from_str_radix(&text[at..at + 2], 16)?)).collect()
    }

    fn layout<'p>(&self, part: &'p Part, frame: &[u8]) -> anyhow::Result<(&'p Layout, Side)> {
        let id = match (&self.telegram, part) {
            (Some(name), _) => part.find(name)?.0,
            (None, Part::Protocol(protocol)) => select(protocol, frame)?,
            (None, Part::Layouts(layouts)) => {
                let names: Vec<&str> = layouts.catalog.layouts.iter().map(|layout| layout.name()).collect();
                bail!(
                    "{} does not tell its telegrams apart; say which by --telegram ({})",
                    layouts.name,
                    names.join(", ")
                )
            }
        };
        let layout = part.catalog().layout(id);
        let side = match (self.side, part) {
            (Some(side), _) => Side::from(side),
            (None, Part::Protocol(protocol)) => protocol.side(id, frame),
            // What both sides fill alike reads alike.
            (None, Part::Layouts(_)) if layout.fields().iter().all(|field| field.by.asker == field.by.answerer) => {
                Side::Asker
            }
            (None, Part::Layouts(layouts)) => bail!(
                "{} does not tell who filled {}; say --side asker of a request, --side answerer of an answer",
                layouts.name,
                layout.name()
            ),
        };
        Ok((layout, side))
    }
}

/// What a telegram is by its bytes; if its length is wrong, the row whose length is nearest.
fn select(protocol: &Protocol, frame: &[u8]) -> anyhow::Result<TelegramId> {
    let unselected = match protocol.catalog.select(frame) {
        Ok(id) => return Ok(id),
        Err(unselected) => unselected,
    };
    let rows = protocol.catalog.select.rows.iter().filter(|row| row.is_typed(frame));
    if let Some(nearest) = rows.min_by_key(|row| {
        row.length.start().saturating_sub(unselected.length).max(unselected.length.saturating_sub(*row.length.end()))
    }) {
        return Ok(nearest.telegram);
    }
    let by = &protocol.catalog.select.by;
    let held: Vec<String> = by
        .iter()
        .zip(&unselected.by)
        .map(|(at, bytes)| format!("\"{}\" at byte {}", bytes.escape_ascii(), at.offset))
        .collect();
    bail!(
        "a telegram of {} bytes with {} is none of the spec; if you know what it is say so by --telegram",
        frame.len(),
        held.join(" and ")
    )
}

/// Each field with its value as it may be shown; `None` if it holds none, or a filler's blanks.
pub(crate) fn values(telegram: Telegram<'_, '_>, exposure: &Exposure) -> Vec<(String, Option<String>)> {
    let shown = |(cell, value): (Cell<'_>, Result<ValueRef<'_>, Fault>)| {
        let value = value.ok().filter(|value| match value {
            ValueRef::Bytes(bytes) => !bytes.iter().all(|byte| *byte == cell.field.charset.decode.blank()),
            value => !value.is_null(),
        });
        let bytes = cell.at.of(telegram.bytes()).unwrap_or_default();
        (cell.path().to_string(), value.map(|value| exposure.field(&cell, bytes, Some(&value)).1))
    };
    telegram.cells().map(shown).collect()
}

/// A line for each fault; fields that are not there at all share one.
fn fault_lines(telegram: Telegram<'_, '_>, exposure: &Exposure) -> Vec<String> {
    let missing = |fault: &Fault| matches!(fault.rule, Rule::CutShort { found: 0 });
    let (gone, faults): (Vec<_>, Vec<_>) = telegram.faults().into_iter().partition(missing);
    let mut lines: Vec<_> = faults.iter().map(|fault| exposure.fault(fault)).collect();
    match gone.as_slice() {
        [] => {}
        [one] => lines.push(one.to_string()),
        [first, .., last] => {
            lines.push(format!("{first}; so do all {} fields to {}", gone.len(), last.field));
        }
    }
    lines
}

fn to_json(telegram: Telegram<'_, '_>, exposure: &Exposure, prefix: Option<usize>) -> serde_json::Value {
    let fields: serde_json::Map<_, _> =
        values(telegram, exposure).into_iter().map(|(name, value)| (name, json!(value))).collect();
    let faults: Vec<_> = telegram
        .faults()
        .iter()
        .map(|f| json!({ "field": f.field, "offset": f.offset, "length": f.len, "rule": f.code(), "text": exposure.fault(f) }))
        .collect();
    json!({
        "telegram": telegram.layout().name(),
        "bytes": telegram.bytes().len(),
        "length_prefix": prefix,
        "fields": fields,
        "faults": faults,
        "doubt": exposure.doubt().map(ToString::to_string),
    })
}

/// A telegram with or without a length prefix in front.
struct Framed<'b> {
    telegram: &'b [u8],
    /// What the prefix says, if there is one.
    said: Option<usize>,
}

impl<'b> Framed<'b> {
    /// What stands in front is a length prefix if it counts what follows, or if a telegram of the spec begins behind it and none before.
    fn of(protocol: &Protocol, input: &'b [u8]) -> Self {
        let bare = Self { telegram: input, said: None };
        let catalog = &protocol.catalog;
        let begins = |frame: &[u8]| catalog.select.rows.iter().any(|row| row.is_typed(frame));
        if catalog.select(input).is_ok() {
            return bare;
        }
        let Some((telegram, said)) = protocol.framing.unframed(input) else { return bare };
        let said = usize::try_from(said).unwrap_or(usize::MAX);
        if said == telegram.len() || (begins(telegram) && !begins(input)) {
            return Self { telegram, said: Some(said) };
        }
        bare
    }

    fn prefix_fault(&self, protocol: &Protocol) -> Option<String> {
        let said = self.said.filter(|said| *said != self.telegram.len())?;
        let width = protocol.framing.prefix_bytes();
        Some(format!("the length prefix of {width} bytes says {said}, and {} bytes follow", self.telegram.len()))
    }
}
