//! A telegram byte by byte.

use pabal_telegram::{Fault, Field, Kind, Rule, Telegram, ValueRef};

use crate::exposure::{Doubt, Exposure, Shown};
use crate::spec;
use crate::table::{Align, Table};

/// Bytes of a field that a row shows at most; the rest is counted.
const RAW_BYTES_MAX: usize = 16;

/// Every field with its bytes, and every byte without a field.
pub(crate) fn byte_table(telegram: Telegram<'_, '_>, exposure: &Exposure) -> Table {
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
        let (raw, text) = exposure.field(field, bytes, value.as_ref().ok());
        table.row(vec![
            field.at.offset.to_string(),
            field.at.len.to_string(),
            field.path.to_string(),
            kind_and_charset(field),
            shortened(&raw),
            text.trim_end().to_string(),
            verdict(exposure, field, &value),
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
            shortened(&exposure.uncovered(rest)),
            String::new(),
            format!("{} that no field covers", if rest.len() == 1 { "a byte" } else { "bytes" }),
        ]);
    }
    table
}

fn verdict(exposure: &Exposure, field: &Field, value: &Result<ValueRef<'_>, Fault>) -> String {
    let verdict = match value {
        Ok(value) if value.is_null() => "unset".into(),
        Ok(_) => "ok".into(),
        Err(fault) => match fault.rule {
            Rule::CutShort { found: 0 } => return "missing".into(),
            Rule::CutShort { found } => format!("cut short, {found} of {} bytes", fault.len),
            _ => fault.rule.to_string(),
        },
    };
    match exposure.of(field) {
        Shown::Whole => verdict,
        Shown::Masked if verdict == "unset" => verdict,
        Shown::Masked => format!("{verdict}, masked ({})", field.class),
        // Whether it is right is not known: it may be another field's.
        Shown::Hidden if exposure.doubt() == Some(&Doubt::Length) => "hidden, as the length is wrong".into(),
        Shown::Hidden => format!("{verdict}, hidden"),
    }
}

fn kind_and_charset(field: &Field) -> String {
    match field.kind {
        Kind::Text => format!("X {}", field.charset.decode.word()),
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
