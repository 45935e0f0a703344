//! What of a telegram may be shown to people.

use std::ops::Range;

use pabal_spec::Protocol;
use pabal_telegram::{Class, Echo, Fault, Field, Kind, Telegram, ValueRef};

/// Decides for one telegram what of each field is shown.
///
/// A telegram that is not as long as its layout has gained or lost bytes somewhere, so that what is confidential may lie as many bytes
/// later or earlier than the layout says, in a field that is public. Whatever it can reach is hidden as a whole. The same holds for a
/// telegram of the right length in which a field has a fault, or a filler in front of what is confidential is not blank: it may have lost
/// bytes in one place and gained as many in another.
#[derive(Debug)]
pub(crate) struct Exposure {
    unmasked: bool,
    /// Where confidential bytes may lie although the layout says that they do not. Empty in a telegram without a fault.
    doubtful: Vec<Range<usize>>,
    /// What makes them doubtful.
    doubt: Option<Doubt>,
}

/// Why it is not known where confidential bytes lie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Doubt {
    /// The telegram is longer or shorter than its layout.
    Length,
    /// This field is the first that tells that bytes may have moved.
    Field(String),
}

/// What is shown of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shown {
    /// All of it.
    Whole,
    /// What its class leaves.
    Masked,
    /// Nothing: see [`Doubt`].
    Hidden,
}

impl Exposure {
    /// For a telegram whose type the protocol may know.
    pub(crate) fn new(telegram: Telegram<'_, '_>, protocol: &Protocol, unmasked: bool) -> Self {
        let (found, expected) = (telegram.bytes().len(), telegram.layout().len() as usize);
        let doubt =
            if found == expected { first_sign(telegram, protocol).map(Doubt::Field) } else { Some(Doubt::Length) };
        if unmasked || doubt.is_none() {
            return Self { unmasked, doubtful: Vec::new(), doubt: None };
        }
        // Bytes that tell the type are where they belong; what was lost was lost behind them.
        let rows = protocol.catalog.select.rows.iter();
        let known = rows.filter(|row| is_typed(row, telegram.bytes())).flat_map(|row| &row.bytes);
        let anchor = known.map(|(at, _)| at.range().end).max().unwrap_or(0);
        if found == expected {
            // By how many bytes they have moved is not known.
            return Self { unmasked, doubtful: reach(telegram, anchor).into_iter().collect(), doubt };
        }
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
        Self { unmasked, doubtful, doubt }
    }

    /// Why something is hidden although its class does not ask for it.
    pub(crate) const fn doubt(&self) -> Option<&Doubt> {
        self.doubt.as_ref()
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

/// Blanks in front of what is confidential that are not there if something of it has moved forward.
const BLANKS_MIN: u32 = 16;

/// The first field of a telegram that tells that bytes may have moved: it has a fault, it is a filler in front of what is confidential and
/// not blank, or it is confidential and begins with a blank. Other fillers hold what institutions please; so do those of a notice and
/// its answer that are carried back.
fn first_sign(telegram: Telegram<'_, '_>, protocol: &Protocol) -> Option<String> {
    let layout = telegram.layout();
    let notices = protocol.rules.notices.iter().flat_map(|notice| [&notice.request, &notice.answer]);
    let is_notice = notices.map(|code| protocol.catalog.layout(code.telegram).name()).any(|name| name == layout.name());
    let is_in_front = |field: &Field| {
        let mut behind = layout.fields().iter().skip_while(|other| other.at.offset <= field.at.offset);
        behind.find(|other| other.kind != Kind::Filler).is_some_and(|next| next.class != Class::Public)
    };
    let is_sign = |field: &Field, value: &Result<ValueRef<'_>, Fault>| match value {
        Err(_) => true,
        Ok(ValueRef::Bytes(bytes)) if field.kind == Kind::Filler => {
            let is_carried = is_notice && field.echo != Echo::No;
            !is_carried && is_in_front(field) && bytes.iter().any(|byte| *byte != b' ')
        }
        Ok(ValueRef::Text(text)) => field.class != Class::Public && text.starts_with(' ') && !text.trim().is_empty(),
        Ok(_) => false,
    };
    let sign = telegram.fields().find(|(_, field, value)| is_sign(field, value));
    sign.map(|(_, field, _)| field.path.to_string()).or_else(|| telegram.faults().first().map(|f| f.field.to_string()))
}

/// Where confidential bytes of a telegram of the right length may lie once bytes have moved: behind the blanks of the fillers in front of
/// the first of them, or if there are none, behind the bytes that tell the type.
fn reach(telegram: Telegram<'_, '_>, anchor: usize) -> Option<Range<usize>> {
    let fields = telegram.layout().fields();
    let first = fields.iter().position(|field| field.class != Class::Public)?;
    let is_blank = |field: &&Field| {
        let bytes = field.at.of(telegram.bytes()).unwrap_or_default();
        field.kind == Kind::Filler && bytes.iter().all(|byte| *byte == b' ')
    };
    let blanks: u32 = fields[..first].iter().rev().take_while(is_blank).map(|field| field.at.len).sum();
    let first = fields[first].at.range().start;
    let start = if blanks >= BLANKS_MIN { first } else { anchor.min(first) };
    Some(start..telegram.bytes().len())
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
