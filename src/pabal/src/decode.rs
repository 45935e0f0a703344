use std::io::{Read, Write as _};

use anyhow::{Context, bail};
use clap::{Args, ValueEnum};
use pabal_spec::Protocol;
use pabal_telegram::{Field, Layout, Side, Telegram, ValueRef};
use serde_json::json;

use crate::table::{Align, Table};
use crate::{exit, spec, specs};

/// Read a telegram through a spec.
///
/// The telegram is given as hexadecimal digits (blanks do not matter) or, with --raw, as its bytes; from a file or standard input. A length
/// prefix in front of it is recognised and checked. Confidential fields are masked unless --unmasked is given.
#[derive(Debug, Args)]
pub(crate) struct Decode {
    /// File that holds the telegram; `-` is standard input
    #[arg(default_value = "-")]
    file: String,
    /// A folder of spec files, or an institution that is built in
    #[arg(long, default_value = "hecto")]
    spec: String,
    /// The protocol, if the institution has several
    #[arg(long)]
    protocol: Option<String>,
    /// What the telegram is; otherwise the spec's select tells
    #[arg(long)]
    telegram: Option<String>,
    /// Who filled it; otherwise its type tells
    #[arg(long)]
    side: Option<SideName>,
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
        let institution = specs::load(&self.spec)?;
        let protocol = specs::protocol(&institution, self.protocol.as_deref())?;
        let input = self.read()?;
        let (prefix, frame) = unprefixed(&protocol, &input);
        let (layout, side) = self.layout(&protocol, frame)?;
        let telegram = Telegram::new(layout, frame, side);
        let faults = telegram.faults();
        let mut out = std::io::stdout().lock();
        if self.json {
            writeln!(out, "{}", serde_json::to_string_pretty(&self.to_json(telegram))?)?;
        } else if self.bytes {
            writeln!(out, "{} {:?}, {} bytes{}", layout.name(), layout.label(), frame.len(), prefix)?;
            for line in byte_table(telegram, self.unmasked).lines() {
                writeln!(out, "{line}")?;
            }
        } else {
            for (_, field, value) in telegram.fields() {
                if let Ok(value) = value
                    && !value.is_null()
                {
                    writeln!(out, "{}={}", field.path, shown(field, &value, frame, self.unmasked))?;
                }
            }
        }
        for fault in &faults {
            eprintln!("{fault}");
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

    fn layout<'p>(&self, protocol: &'p Protocol, frame: &[u8]) -> anyhow::Result<(&'p Layout, Side)> {
        let catalog = &protocol.catalog;
        let id = match &self.telegram {
            Some(name) => match catalog.find(name) {
                Some((id, _)) => id,
                None => {
                    let names = catalog.layouts.iter().map(|l| l.name());
                    let hint = pabal_telegram::nearest(name, names).map(|n| format!("; did you mean {n:?}?"));
                    bail!("{} has no telegram {name:?}{}", protocol.name, hint.unwrap_or_default());
                }
            },
            None => match catalog.select(frame) {
                Ok(id) => id,
                Err(unselected) => bail!(
                    "no row of select knows a telegram of {} bytes with {}; say what it is by --telegram",
                    unselected.length,
                    unselected
                        .by
                        .iter()
                        .map(|b| format!("{:?}", String::from_utf8_lossy(b)))
                        .collect::<Vec<_>>()
                        .join(" ")
                ),
            },
        };
        let side = self.side.map_or_else(|| specs::side(protocol, id, frame), Side::from);
        Ok((catalog.layout(id), side))
    }

    fn to_json(&self, telegram: Telegram<'_, '_>) -> serde_json::Value {
        let mut fields = serde_json::Map::new();
        for (_, field, value) in telegram.fields() {
            let shown = value.map_or(json!(null), |value| {
                if value.is_null() { json!(null) } else { json!(shown(field, &value, telegram.bytes(), self.unmasked)) }
            });
            fields.insert(field.path.to_string(), shown);
        }
        let faults: Vec<_> = telegram
            .faults()
            .iter()
            .map(|f| json!({ "field": f.field, "offset": f.offset, "length": f.len, "rule": f.rule.code(), "text": f.to_string() }))
            .collect();
        json!({ "telegram": telegram.layout().name(), "fields": fields, "faults": faults })
    }
}

/// Takes a length prefix off, if there is one, and says what it said.
fn unprefixed<'b>(protocol: &Protocol, input: &'b [u8]) -> (String, &'b [u8]) {
    let width = protocol.framing.prefix_bytes();
    if protocol.catalog.select(input).is_ok() || input.len() < width {
        return (String::new(), input);
    }
    let (prefix, frame) = input.split_at(width);
    match std::str::from_utf8(prefix).ok().and_then(|p| p.parse::<usize>().ok()) {
        Some(said) if said == frame.len() => (format!(" behind a length prefix of {width}"), frame),
        Some(said) if protocol.catalog.select(frame).is_ok() => {
            (format!("; the length prefix says {said}: wrong"), frame)
        }
        _ => (String::new(), input),
    }
}

fn shown(field: &Field, value: &ValueRef<'_>, frame: &[u8], unmasked: bool) -> String {
    let bytes = field.at.of(frame).unwrap_or_default();
    if field.class != pabal_telegram::Class::Public && !unmasked {
        return pabal_telegram::masked(field, bytes).1;
    }
    match value {
        ValueRef::Text(text) => text.to_string(),
        ValueRef::Number(number) => number.to_string(),
        ValueRef::Bytes(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        ValueRef::Null => String::new(),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect::<Vec<_>>().join(" ")
}

/// Bytes of a field that a row shows at most; the rest is counted.
const RAW_BYTES_MAX: usize = 16;

/// Every field with its bytes, and every byte without a field.
pub(crate) fn byte_table(telegram: Telegram<'_, '_>, unmasked: bool) -> Table {
    let mut table = Table::new(&[
        ("off", Align::Right),
        ("len", Align::Right),
        ("field", Align::Left),
        ("kind", Align::Left),
        ("raw", Align::Left),
        ("value", Align::Left),
        ("verdict", Align::Left),
    ]);
    let frame = telegram.bytes();
    for (_, field, value) in telegram.fields() {
        let bytes = frame.get(field.at.offset as usize..).unwrap_or_default();
        let bytes = &bytes[..bytes.len().min(field.at.len as usize)];
        let public = field.class == pabal_telegram::Class::Public || unmasked;
        let (raw, text) = if public {
            let text = value.as_ref().map(|v| shown(field, v, frame, true)).unwrap_or_default();
            (hex(bytes), text)
        } else {
            pabal_telegram::masked(field, bytes)
        };
        let verdict = match &value {
            Ok(value) if value.is_null() => "unset".into(),
            Ok(_) if public => "ok".into(),
            Ok(_) => format!("ok, masked ({})", field.class),
            Err(fault) => fault.rule.to_string(),
        };
        table.row(vec![
            field.at.offset.to_string(),
            field.at.len.to_string(),
            field.path.to_string(),
            charset_and_kind(field),
            shortened(&raw),
            text.trim_end().to_string(),
            verdict,
        ]);
    }
    let rest = telegram.uncovered();
    if !rest.is_empty() {
        let at = frame.len() - rest.len();
        table.row(vec![
            at.to_string(),
            rest.len().to_string(),
            "-".into(),
            "-".into(),
            // Nobody has classed these bytes, so they are shown to nobody.
            if unmasked { shortened(&hex(rest)) } else { shortened(&vec!["**"; rest.len()].join(" ")) },
            String::new(),
            format!("{} bytes that no field covers", rest.len()),
        ]);
    }
    table
}

fn charset_and_kind(field: &Field) -> String {
    match field.kind {
        pabal_telegram::Kind::Text => format!("X {}", field.charset.decode.word()),
        _ => spec::kind(&field.kind),
    }
}

fn shortened(raw: &str) -> String {
    let shown = RAW_BYTES_MAX * 3 - 1;
    if raw.len() <= shown {
        return raw.to_string();
    }
    let total = (raw.len() + 1) / 3;
    format!("{} +{}", &raw[..shown - 6], total - (RAW_BYTES_MAX - 2))
}
