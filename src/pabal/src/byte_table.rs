//! A telegram byte by byte.

use pabal_spec::Exposure;
use pabal_telegram::{Field, Kind, Telegram};

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
    for row in exposure.rows(telegram) {
        table.row(vec![
            row.offset.to_string(),
            row.len.to_string(),
            row.cell.map_or_else(|| "-".into(), |cell| cell.path().to_string()),
            row.cell.map_or_else(|| "-".into(), |cell| kind_and_charset(cell.field)),
            shortened(&row.raw),
            row.value.trim_end().to_string(),
            row.verdict,
        ]);
    }
    table
}

fn kind_and_charset(field: &Field) -> String {
    match field.kind {
        Kind::Text => format!("X {}", field.charset.decode.word()),
        _ => spec::kind(&field.kind),
    }
}

/// The first bytes of a row of hexadecimal digits, and how many there are more.
pub(crate) fn shortened(raw: &str) -> String {
    let shown = RAW_BYTES_MAX * 3 - 1;
    if raw.len() <= shown {
        return raw.to_string();
    }
    let total = (raw.len() + 1) / 3;
    format!("{} +{}", &raw[..shown - 6], total - (RAW_BYTES_MAX - 2))
}
