use std::io::Write as _;

use anyhow::{Context, bail};
use clap::Args;
use pabal_telegram::{Fault, Fill, Kind, Layout, Side, Value};

use crate::decode::SideName;
use crate::{exit, specs};

/// Make a telegram from fields.
///
/// What the gateway stamps when a telegram leaves its queue (number, date, time, type, party) is left unset if it is not given; so are fillers.
/// Prints hexadecimal digits, or with --raw the bytes. Exit codes: 0 made, 1 faults (on standard error), 2 not understood.
#[derive(Debug, Args)]
pub(crate) struct Encode {
    /// The telegram's name in the spec
    telegram: String,
    /// A field and its value
    #[arg(short, long = "field", value_name = "NAME=VALUE")]
    fields: Vec<String>,
    /// A folder of spec files, or an institution that is built in
    #[arg(long, default_value = "hecto")]
    spec: String,
    /// The protocol, if the institution has several
    #[arg(long)]
    protocol: Option<String>,
    /// Who fills it
    #[arg(long, default_value = "asker")]
    side: SideName,
    /// Write the bytes themselves
    #[arg(long)]
    raw: bool,
    /// Write the length prefix in front
    #[arg(long)]
    prefix: bool,
}

/// Splits `NAME=VALUE`.
pub(crate) fn field(text: &str) -> anyhow::Result<(String, Value)> {
    let Some((name, value)) = text.split_once('=') else {
        bail!("{text:?} is not NAME=VALUE");
    };
    Ok((name.trim().to_string(), Value::Text(value.to_string())))
}

impl Encode {
    pub(crate) fn run(self) -> anyhow::Result<u8> {
        let institution = specs::load(&self.spec)?;
        let protocol = specs::protocol(&institution, self.protocol.as_deref())?;
        let Some((_, layout)) = protocol.catalog.find(&self.telegram) else {
            let names = protocol.catalog.layouts.iter().map(|l| l.name());
            let hint = pabal_telegram::nearest(&self.telegram, names).map(|n| format!("; did you mean {n:?}?"));
            bail!("{} has no telegram {:?}{}", protocol.name, self.telegram, hint.unwrap_or_default());
        };
        let values: Vec<_> = self.fields.iter().map(|text| field(text)).collect::<anyhow::Result<_>>()?;
        let telegram = match encode(layout, Side::from(self.side), values) {
            Ok(telegram) => telegram,
            Err(faults) => {
                for fault in &faults {
                    eprintln!("{fault}");
                }
                return Ok(exit::FAILURE);
            }
        };
        let mut bytes = Vec::new();
        if self.prefix {
            if let Err(error) = protocol.framing.write(&telegram, &mut bytes) {
                bail!("{error}");
            }
        } else {
            bytes = telegram;
        }
        let mut out = std::io::stdout().lock();
        if self.raw {
            out.write_all(&bytes).context("cannot write")?;
        } else {
            let digits: String = bytes.iter().map(|b| format!("{b:02x}")).collect();
            writeln!(out, "{digits}").context("cannot write")?;
        }
        Ok(exit::DONE)
    }
}

/// As [`pabal_telegram::encode`], and writes what only a gateway or a relay fills too: stamps and fillers.
fn encode(layout: &Layout, side: Side, values: Vec<(String, Value)>) -> Result<Vec<u8>, Vec<Fault>> {
    let is_once = |name: &str| values.iter().filter(|(other, _)| other == name).count() == 1;
    let beside = |name: &str| {
        let (_, field) = layout.find(name)?;
        let is_beside = field.fill == Fill::Stamped || field.kind == Kind::Filler;
        (is_beside && is_once(name)).then_some(field)
    };
    let (others, given): (Vec<_>, Vec<_>) = values.iter().cloned().partition(|(name, _)| beside(name).is_some());
    let (mut telegram, mut faults) = match pabal_telegram::encode(layout, side, &given) {
        Ok(telegram) => (telegram, Vec::new()),
        Err(faults) => (vec![b' '; layout.len() as usize], faults),
    };
    for (name, value) in others {
        let Some(field) = beside(&name) else { continue };
        let value = match value {
            Value::Text(text) if field.kind == Kind::Filler => Value::Bytes(text.into_bytes()),
            value => value,
        };
        faults.extend(field.write(&value, &mut telegram).err());
    }
    faults.sort_by_key(|fault| fault.offset);
    if faults.is_empty() { Ok(telegram) } else { Err(faults) }
}
