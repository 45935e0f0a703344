use std::io::Read as _;

use anyhow::{Context, bail};
use clap::Args;
use pabal_telegram::{Fault, Field, Fill, Kind, Layout, Side, Telegram, Value};

use crate::decode::SideName;
use crate::{exit, out, specs};

/// Make a telegram from fields.
///
/// Its type is that of the side that fills it. What the gateway stamps when a telegram leaves its queue (number, date, time, party) is left
/// unset if it is not given, and named on standard error; so are fillers.
/// Prints hexadecimal digits, or with --raw the bytes. Exit codes: 0 made, 1 faults (on standard error), 2 not understood.
#[derive(Debug, Args)]
pub(crate) struct Encode {
    /// The telegram's name in the spec
    telegram: String,
    /// A field and its value; `@FILE` reads it from a file, `@-` from standard input
    #[arg(short, long = "field", value_name = "NAME=VALUE")]
    fields: Vec<String>,
    /// A folder of spec files, or an institution that is built in
    #[arg(long, default_value = "hecto")]
    spec: String,
    /// The protocol or layouts, if the institution has several
    #[arg(long)]
    protocol: Option<String>,
    /// Who fills it
    #[arg(long, default_value = "asker")]
    side: SideName,
    /// The versions of this moment, "2026-12-01 00:00"; needed where a spec has several
    #[arg(long)]
    at: Option<String>,
    /// Write the bytes themselves
    #[arg(long)]
    raw: bool,
    /// Write the length prefix in front
    #[arg(long)]
    prefix: bool,
}

/// Splits `NAME=VALUE`; a value `@FILE` is in that file, `@-` on standard input, and `@@` stands for one `@` in front.
///
/// What follows from `--field`, so that a secret need not stand where every process can read it.
pub(crate) fn fields(texts: &[String]) -> anyhow::Result<Vec<(String, String)>> {
    let mut is_read = false;
    let field = |text: &String| {
        let Some((name, value)) = text.split_once('=') else {
            bail!("{text:?} is not NAME=VALUE");
        };
        let value = match value.strip_prefix('@') {
            None => value.to_string(),
            Some("-") if is_read => bail!("standard input is read once; give {name} by a file"),
            Some("-") => {
                is_read = true;
                let mut text = String::new();
                std::io::stdin().lock().read_to_string(&mut text).context("cannot read standard input")?;
                first_line(name, text)?
            }
            Some(rest) if rest.starts_with('@') => rest.to_string(),
            Some(file) => {
                let text = std::fs::read_to_string(file).with_context(|| {
                    format!("cannot read {file} for {name}; for a value that begins with @ write @@")
                })?;
                first_line(name, text)?
            }
        };
        Ok((name.trim().to_string(), value))
    };
    texts.iter().map(field).collect()
}

/// A value of a file, without the end of its line.
fn first_line(name: &str, text: String) -> anyhow::Result<String> {
    let mut lines = text.lines();
    let line = lines.next().unwrap_or_default().to_string();
    anyhow::ensure!(lines.next().is_none(), "the value of {name} has more than one line");
    Ok(line)
}

impl Encode {
    pub(crate) fn run(self) -> anyhow::Result<u8> {
        let institution = specs::load_at(&self.spec, self.at.as_deref())?;
        specs::announce(&self.spec);
        let part = specs::part(&institution, self.protocol.as_deref(), Some(&self.telegram))?;
        let (id, layout) = part.find(&self.telegram)?;
        let side = Side::from(self.side);
        let mut values: Vec<_> =
            fields(&self.fields)?.into_iter().map(|(name, text)| (name, Value::Text(text))).collect();
        let given = values.len();
        for field in layout.head() {
            let is_given = values[..given].iter().any(|(name, _)| *name == *field.path);
            let code = part.protocol().and_then(|protocol| specs::type_code(protocol, id, side, field.at));
            if let Some(code) = code.filter(|_| !is_given) {
                let text = field.charset.encode.decode(code).unwrap_or_else(|_| String::from_utf8_lossy(code));
                values.push((field.path.to_string(), Value::Text(text.trim_end().into())));
            }
        }
        let blank = blank(layout, side, &values);
        let telegram = match encode(layout, side, values) {
            Ok(telegram) => telegram,
            Err(faults) => {
                for fault in &faults {
                    err!("{fault}");
                }
                return Ok(exit::FAILURE);
            }
        };
        if !blank.is_empty() {
            err!("left unset: {} (the gateway stamps them)", blank.join(", "));
        }
        let mut bytes = Vec::new();
        if self.prefix {
            let Some(protocol) = part.protocol() else {
                bail!("{} has no length prefix: its telegrams are only converted", part.name());
            };
            if let Err(error) = protocol.framing.write(&telegram, &mut bytes) {
                bail!("{error}");
            }
        } else {
            bytes = telegram;
        }
        if self.raw {
            out::bytes(std::io::stdout(), &bytes);
        } else {
            let digits: String = bytes.iter().map(|b| format!("{b:02x}")).collect();
            out!("{digits}");
        }
        Ok(exit::DONE)
    }
}

/// What the gateway would have stamped and nobody has given.
fn blank<'l>(layout: &'l Layout, side: Side, values: &[(String, Value)]) -> Vec<&'l str> {
    let is_given = |path: &str| values.iter().any(|(name, _)| name == path);
    let fields = layout.fields().iter();
    fields
        .filter(|field| field.fill == Fill::Stamped && field.may_be_given_by(side) && !is_given(&field.path))
        .map(|field| &*field.path)
        .collect()
}

/// The bytes of a filler as `decode` shows it.
fn filler(field: &Field, text: String) -> Vec<u8> {
    let charset = field.charset.encode;
    let mut bytes = Vec::new();
    if charset.is_ebcdic() && charset.encode(&text, &mut bytes).is_ok() { bytes } else { text.into_bytes() }
}

/// As [`pabal_telegram::encode`], and writes what only a gateway or a relay fills too: stamps and fillers.
fn encode(layout: &Layout, side: Side, values: Vec<(String, Value)>) -> Result<Vec<u8>, Vec<Fault>> {
    let is_once = |name: &str| values.iter().filter(|(other, _)| other == name).count() == 1;
    let beside = |name: &str| {
        let (_, field) = layout.find(name)?;
        // What covers stamps is computed when they are written.
        let is_computed = matches!(&field.fill, Fill::Computed(computed) if computed.looks_far());
        let is_beside = field.fill == Fill::Stamped || field.kind == Kind::Filler || is_computed;
        (is_beside && is_once(name)).then_some(field)
    };
    let (others, given): (Vec<_>, Vec<_>) = values.iter().cloned().partition(|(name, _)| beside(name).is_some());
    let (mut telegram, mut faults) = match pabal_telegram::encode(layout, side, &given) {
        Ok(telegram) => (telegram, Vec::new()),
        Err(faults) => (vec![b' '; layout.len() as usize], faults),
    };
    let (computed, others): (Vec<_>, Vec<_>) = others
        .into_iter()
        .partition(|(name, _)| beside(name).is_some_and(|field| matches!(field.fill, Fill::Computed(_))));
    for (name, value) in others {
        let Some(field) = beside(&name) else { continue };
        let value = match value {
            Value::Text(text) if field.kind == Kind::Filler => Value::Bytes(filler(field, text)),
            value => value,
        };
        faults.extend(field.write(&value, &mut telegram).err());
    }
    if faults.is_empty() {
        faults.extend(pabal_telegram::recompute(layout, side, &mut telegram).err().into_iter().flatten());
        for (name, value) in computed {
            let Some(field) = beside(&name).filter(|_| value != Value::Null) else { continue };
            let written = field.write(&value, &mut telegram);
            faults.extend(written.err().or_else(|| Telegram::new(layout, &telegram, side).named(&name).err()));
        }
    }
    faults.sort_by_key(|fault| fault.offset);
    if faults.is_empty() { Ok(telegram) } else { Err(faults) }
}
