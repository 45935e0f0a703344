//! What of a telegram may be shown to people.

use std::ops::Range;

use pabal_spec::Protocol;
use pabal_telegram::{Class, Fault, Field, Telegram, ValueRef};

/// Decides for one telegram what of each field is shown.
///
/// A telegram that is not as long as its layout has gained or lost bytes somewhere, so that what is confidential may lie as many bytes
/// later or earlier than the layout says, in a field that is public. Whatever it can reach is hidden as a whole.
#[derive(Debug)]
pub(crate) struct Exposure {
    unmasked: bool,
    /// Where confidential bytes may lie although the layout says that they do not. Empty in a telegram of the right length.
    doubtful: Vec<Range<usize>>,
}

/// What is shown of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shown {
    /// All of it.
    Whole,
    /// What its class leaves.
    Masked,
    /// Nothing: the telegram's length is wrong.
    Hidden,
}

impl Exposure {
    /// For a telegram whose type the protocol may know.
    pub(crate) fn new(telegram: Telegram<'_, '_>, protocol: &Protocol, unmasked: bool) -> Self {
        let (found, expected) = (telegram.bytes().len(), telegram.layout().len() as usize);
        if unmasked || found == expected {
            return Self { unmasked, doubtful: Vec::new() };
        }
        // Bytes that tell the type are where they belong; what was lost was lost behind them.
        let rows = protocol.catalog.select.rows.iter();
        let known = rows.filter(|row| is_typed(row, telegram.bytes())).flat_map(|row| &row.bytes);
        let anchor = known.map(|(at, _)| at.range().end).max().unwrap_or(0);
        let confidential = telegram.layout().fields().iter().filter(|field| field.class != Class::Public);
        let doubtful = confidential
            .map(|field| {
                let at = field.at.range();
                match found.checked_sub(expected) {
                    Some(more) => at.start..at.end + more,
                    None => at.start.saturating_sub(expected - found).max(anchor.min(at.start))..at.end,
                }
            })
            .collect();
        Self { unmasked, doubtful }
    }

    pub(crate) fn of(&self, field: &Field) -> Shown {
        if self.unmasked {
            Shown::Whole
        } else if self.is_doubtful(&field.at.range()) {
            Shown::Hidden
        } else if field.class == Class::Public {
            Shown::Whole
        } else {
            Shown::Masked
        }
    }

    fn is_doubtful(&self, at: &Range<usize>) -> bool {
        self.doubtful.iter().any(|range| range.start < at.end && at.start < range.end)
    }

    /// A field's bytes in hexadecimal digits and its value, hidden together.
    pub(crate) fn field(&self, field: &Field, bytes: &[u8], value: Option<&ValueRef<'_>>) -> (String, String) {
        match self.of(field) {
            Shown::Whole => (hex(bytes), value.map(text).unwrap_or_default()),
            Shown::Masked => pabal_telegram::masked(field, bytes),
            Shown::Hidden => (vec!["**"; bytes.len()].join(" "), "*".repeat(bytes.len())),
        }
    }

    /// Bytes behind the last field. Nobody has classed them: blanks and control characters show, no other.
    pub(crate) fn uncovered(&self, bytes: &[u8]) -> String {
        let shown = |byte: &u8| {
            if self.unmasked || *byte <= b' ' || *byte == 0x7f { format!("{byte:02x}") } else { "**".into() }
        };
        bytes.iter().map(shown).collect::<Vec<_>>().join(" ")
    }

    /// A fault as a line, without bytes that may not be shown.
    pub(crate) fn fault(&self, fault: &Fault) -> String {
        let at = fault.offset as usize..(fault.offset + fault.len) as usize;
        // A fault of the telegram as a whole has no bytes.
        if fault.bytes.is_empty() || !self.is_doubtful(&at) {
            return fault.to_string();
        }
        Fault { class: Class::Secret, ..fault.clone() }.to_string()
    }
}

/// Whether a frame has the bytes that a row of `select` asks for, however long it is.
pub(crate) fn is_typed(row: &pabal_spec::SelectRow, frame: &[u8]) -> bool {
    row.bytes
        .iter()
        .all(|(at, any_of)| at.of(frame).is_some_and(|bytes| any_of.iter().any(|wanted| **wanted == *bytes)))
}

fn text(value: &ValueRef<'_>) -> String {
    match value {
        ValueRef::Text(text) => text.to_string(),
        ValueRef::Number(number) => number.to_string(),
        ValueRef::Bytes(bytes) => bytes.escape_ascii().to_string(),
        ValueRef::Null => String::new(),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect::<Vec<_>>().join(" ")
}
