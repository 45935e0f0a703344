use std::io::Write as _;

use anyhow::{Context, bail};
use clap::Args;
use pabal_telegram::{Side, Value};

use crate::decode::SideName;
use crate::{exit, specs};

/// Make a telegram from fields.
///
/// What the gateway stamps when a telegram leaves its queue (number, date, time, type, party) is left unset. Prints hexadecimal digits, or with --raw the bytes.
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
        let telegram = match pabal_telegram::encode(layout, Side::from(self.side), &values) {
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
