//! What of a telegram may be shown to people.

use alloc::borrow::Cow;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;
use core::fmt;
use core::ops::Range;

use pabal_telegram::{Cell, Class, Echo, Fault, Field, Kind, Rule, Telegram, ValueRef, masked};

use crate::catalog::SelectRow;
use crate::institution::Protocol;
use crate::rules::NoticeRule;

/// Decides for one telegram what of each field is shown.
///
/// A telegram that is not as long as its layout has gained or lost bytes somewhere, so that what is confidential may lie as many bytes
/// later or earlier than the layout says, in a field that is public. Whatever it can reach is hidden as a whole. The same holds for a
/// telegram of the right length in which a field has a fault, or a filler in front of what is confidential holds more than a short mark: it
/// may have lost bytes in one place and gained as many in another. What stands up to the bytes that tell the type, or up to a date that is
/// one, is where it belongs and shows.
#[derive(Debug)]
pub struct Exposure {
    unmasked: bool,
    /// The telegram is as the journal stores it.
    stored: bool,
    /// Where confidential bytes may lie although the layout says that they do not. Empty in a telegram without a fault.
    doubtful: Vec<Range<usize>>,
    /// What makes them doubtful.
    doubt: Option<Doubt>,
}

/// Why it is not known where confidential bytes lie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Doubt {
    /// The telegram is longer or shorter than its layout.
    Length,
    /// This field is the first that tells that bytes may have moved.
    Field {
        /// Its path.
        path: String,
        /// Of its first byte in the telegram, length prefix not counted.
        offset: u32,
        /// In bytes.
        len: u32,
        /// What of it tells so.
        sign: Sign,
    },
}

/// What tells that bytes may have moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sign {
    /// The field has a fault.
    Fault,
    /// It is a filler in front of what is confidential, and holds what may be a part of that.
    Filled,
    /// It is confidential, and a blank stands in front of its value.
    Shifted,
}

impl fmt::Display for Doubt {
    /// The field, its place and what is wrong with it: half a sentence, without a byte of what it holds.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::Field { path, offset, len, sign } = self else { return f.write_str("the length is wrong") };
        let bytes = if *len == 1 { "byte" } else { "bytes" };
        write!(f, "{path} at byte {offset} ({len} {bytes}) ")?;
        f.write_str(match sign {
            Sign::Fault => "has a fault",
            Sign::Filled => "is a filler that holds more than a short mark",
            Sign::Shifted => "begins with a blank",
        })
    }
}

/// A field of a telegram as it may be shown, or a row of bytes that no field covers.
#[derive(Clone, Debug)]
pub struct ShownRow<'l> {
    /// The field and which one of it; `None` of bytes that no field covers.
    pub cell: Option<Cell<'l>>,
    /// Of its first byte in the telegram, length prefix not counted.
    pub offset: u32,
    /// In bytes, by the layout.
    pub len: u32,
    /// Its bytes in hexadecimal digits, with a blank between two and `**` for one that is hidden.
    pub raw: String,
    /// Its value, `*` for what is hidden. Empty if it has none.
    pub value: String,
    /// What is to be said of it: ok, unset, the rule that it breaks, masked, hidden.
    pub verdict: String,
}

/// What is shown of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// All of it.
    Whole,
    /// What its class leaves.
    Masked,
    /// Nothing: see [`Doubt`].
    Hidden,
}

impl Exposure {
    /// For a telegram of a protocol, whose type it may know.
    #[must_use]
    pub fn new(telegram: Telegram<'_, '_>, protocol: &Protocol, unmasked: bool) -> Self {
        let rules = &protocol.rules;
        // The answer to a request for a missing number holds what the notice held.
        let gap = |notice: &NoticeRule| {
            let exchange = rules.exchanges.get(usize::from(notice.gap.as_ref()?.exchange.0))?;
            Some(exchange.answer.telegram)
        };
        let mut telegrams = rules.notices.iter().flat_map(|notice| {
            [Some(notice.request.telegram), Some(notice.answer.telegram), gap(notice)].into_iter().flatten()
        });
        let is_notice = telegrams.any(|id| protocol.catalog.layout(id).name() == telegram.layout().name());
        Self::typed(telegram, &protocol.catalog.select.rows, is_notice, unmasked)
    }

    /// For a telegram of which nothing is known but its layout.
    #[must_use]
    pub fn of_layout(telegram: Telegram<'_, '_>, unmasked: bool) -> Self {
        Self::typed(telegram, &[], false, unmasked)
    }

    fn typed(telegram: Telegram<'_, '_>, rows: &[SelectRow], is_notice: bool, unmasked: bool) -> Self {
        if unmasked {
            return Self { unmasked, stored: false, doubtful: Vec::new(), doubt: None };
        }
        let (found, expected) = (telegram.bytes().len(), telegram.expected_len().map(size));
        let doubt = if Some(found) == expected { first_sign(telegram, is_notice) } else { Some(Doubt::Length) };
        if doubt.is_none() {
            return Self { unmasked, stored: false, doubtful: Vec::new(), doubt: None };
        }
        // Bytes that tell the type are where they belong, and so is a date; what was lost was lost behind them.
        let known = rows.iter().filter(|row| row.is_typed(telegram.bytes())).flat_map(|row| &row.bytes);
        let anchor = known.map(|(at, _)| at.range().end).chain(date_end(telegram)).max().unwrap_or(0);
        if Some(found) == expected {
            // By how many bytes they have moved is not known.
            return Self { unmasked, stored: false, doubtful: reach(telegram, anchor).into_iter().collect(), doubt };
        }
        let Some(expected) = expected.filter(|_| telegram.layout().is_fixed()) else {
            // Nor is it where parts move of which one is too long or too short.
            let fields = telegram.layout().fields();
            let any = fields.iter().any(|field| field.class != Class::Public).then_some(anchor..found);
            return Self { unmasked, stored: false, doubtful: any.into_iter().collect(), doubt };
        };
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
        Self { unmasked, stored: false, doubtful, doubt }
    }

    /// For a telegram as the journal stores it: stars that stand for a secret are no fault of whoever sent it.
    #[must_use]
    pub const fn stored(mut self) -> Self {
        self.stored = true;
        self
    }

    /// All that is wrong with the telegram; of one that was stored, without what its secrets were replaced by.
    #[must_use]
    pub fn faults(&self, telegram: Telegram<'_, '_>) -> Vec<Fault> {
        let mut faults = telegram.faults();
        faults.retain(|fault| !(self.stored && is_taken_out(fault.class, &fault.bytes)));
        faults
    }

    /// Why something is hidden although its class does not ask for it.
    #[must_use]
    pub const fn doubt(&self) -> Option<&Doubt> {
        self.doubt.as_ref()
    }

    /// What of a field is shown.
    #[must_use]
    pub fn of(&self, cell: &Cell<'_>) -> Shown {
        if self.unmasked {
            Shown::Whole
        } else if self.is_doubtful(&cell.at.range()) {
            Shown::Hidden
        } else if cell.field.class == Class::Public {
            Shown::Whole
        } else {
            Shown::Masked
        }
    }

    fn is_doubtful(&self, at: &Range<usize>) -> bool {
        self.doubtful.iter().any(|range| range.start < at.end && at.start < range.end)
    }

    /// A field's bytes in hexadecimal digits and its value, hidden together.
    #[must_use]
    pub fn field(&self, cell: &Cell<'_>, bytes: &[u8], value: Option<&ValueRef<'_>>) -> (String, String) {
        match self.of(cell) {
            Shown::Whole => (hex(bytes), value.map(|value| text(cell, value)).unwrap_or_default()),
            Shown::Masked => masked(cell.field, bytes),
            Shown::Hidden => (vec!["**"; bytes.len()].join(" "), "*".repeat(bytes.len())),
        }
    }

    /// Every field with its bytes, and behind them the bytes that no field covers, as they may be shown.
    #[must_use]
    pub fn rows<'l>(&self, telegram: Telegram<'l, '_>) -> Vec<ShownRow<'l>> {
        let frame = telegram.bytes();
        let mut rows: Vec<ShownRow<'l>> = telegram
            .cells()
            .map(|(cell, value)| {
                let bytes = frame.get(size(cell.at.offset)..).unwrap_or_default();
                let bytes = &bytes[..bytes.len().min(size(cell.at.len))];
                let (raw, text) = self.field(&cell, bytes, value.as_ref().ok());
                let verdict = self.verdict(&cell, &value);
                ShownRow { cell: Some(cell), offset: cell.at.offset, len: cell.at.len, raw, value: text, verdict }
            })
            .collect();
        let rest = telegram.uncovered();
        if !rest.is_empty() {
            let count = |bytes: usize| u32::try_from(bytes).unwrap_or(u32::MAX);
            rows.push(ShownRow {
                cell: None,
                offset: count(frame.len() - rest.len()),
                len: count(rest.len()),
                raw: self.uncovered(rest),
                value: String::new(),
                verdict: format!("{} that no field covers", if rest.len() == 1 { "a byte" } else { "bytes" }),
            });
        }
        rows
    }

    fn verdict(&self, cell: &Cell<'_>, value: &Result<ValueRef<'_>, Fault>) -> String {
        let verdict = match value {
            Ok(value) if value.is_null() => "unset".into(),
            Ok(_) => "ok".into(),
            Err(fault) if self.stored && is_taken_out(fault.class, &fault.bytes) => {
                return "a secret that is not stored".into();
            }
            Err(fault) => match fault.rule {
                Rule::CutShort { found: 0 } => return "missing".into(),
                Rule::CutShort { found } => format!("cut short, {found} of {} bytes", fault.len),
                _ => fault.rule.to_string(),
            },
        };
        match self.of(cell) {
            Shown::Whole => verdict,
            Shown::Masked if verdict == "unset" => verdict,
            Shown::Masked => format!("{verdict}, masked ({})", cell.field.class),
            // Whether it is right is not known: it may be another field's.
            Shown::Hidden if self.doubt() == Some(&Doubt::Length) => "hidden, as the length is wrong".into(),
            Shown::Hidden => format!("{verdict}, hidden"),
        }
    }

    /// Bytes behind the last field. Nobody has classed them: blanks and control characters show, no other.
    #[must_use]
    pub fn uncovered(&self, bytes: &[u8]) -> String {
        let shown = |byte: &u8| {
            if self.unmasked || *byte <= b' ' || *byte == 0x7f { format!("{byte:02x}") } else { "**".into() }
        };
        bytes.iter().map(shown).collect::<Vec<_>>().join(" ")
    }

    /// A fault as a line, without bytes that may not be shown.
    #[must_use]
    pub fn fault(&self, fault: &Fault) -> String {
        let at = size(fault.offset)..size(fault.offset).saturating_add(size(fault.len));
        // A fault of the telegram as a whole has no bytes.
        if fault.bytes.is_empty() || !self.is_doubtful(&at) {
            return fault.to_string();
        }
        Fault { class: Class::Secret, ..fault.clone() }.to_string()
    }
}

/// Blanks in front of what is confidential that are not there if something of it has moved forward.
const BLANKS_MIN: u32 = 16;

/// Digits that may be of a number that stands for somebody, whatever stands between them.
const DIGITS_MIN: usize = 4;

/// Where the last date in front of what is confidential ends. Only a whole one of this century counts: of eight digits of an account one in
/// thirty makes a date of some year.
fn date_end(telegram: Telegram<'_, '_>) -> Option<usize> {
    let is_date = |field: &Field| matches!(&field.kind, Kind::Stamp(stamp) if stamp.pattern.starts_with("YYYYMMDD"));
    let in_front = telegram.fields().take_while(|(_, field, _)| field.class == Class::Public);
    let is_ours =
        |value: &Result<ValueRef<'_>, Fault>| matches!(value, Ok(ValueRef::Text(text)) if text.starts_with("20"));
    let dates = in_front.filter(|(_, field, value)| is_date(field) && is_ours(value));
    dates.map(|(_, field, _)| field.at.range().end).last()
}

/// The first field of a telegram that tells that bytes may have moved: it has a fault, it is a filler in front of what is confidential and
/// holds more than a mark, or it is confidential and begins with a blank. Other fillers hold what institutions please; so do those of a
/// notice and its answer that are carried back.
fn first_sign(telegram: Telegram<'_, '_>, is_notice: bool) -> Option<Doubt> {
    let is_filled = |cell: &Cell<'_>, bytes: &[u8]| {
        let is_carried = is_notice && cell.field.echo != Echo::No;
        !is_carried && !is_blank(cell, bytes)
    };
    let sign = |cell: &Cell<'_>, value: &Result<ValueRef<'_>, Fault>| match value {
        // What was taken out before the telegram was stored is where it belongs, and no text of every charset.
        Err(fault) if is_taken_out(fault.class, &fault.bytes) => None,
        Err(_) => Some(Sign::Fault),
        Ok(ValueRef::Bytes(bytes)) if cell.field.kind == Kind::Filler => is_filled(cell, bytes).then_some(Sign::Filled),
        Ok(ValueRef::Text(text)) => {
            let is_shifted = cell.field.class != Class::Public && text.starts_with(' ') && !text.trim().is_empty();
            is_shifted.then_some(Sign::Shifted)
        }
        Ok(_) => None,
    };
    // Of this telegram: what stands behind a filler may be of a branch. Fillers wait until it comes.
    let mut fillers: Vec<(Cell<'_>, Sign)> = Vec::new();
    let mut first = None;
    for (cell, value) in telegram.cells() {
        let sign = sign(&cell, &value);
        if cell.field.kind == Kind::Filler {
            fillers.extend(sign.map(|sign| (cell, sign)));
            continue;
        }
        let is_hidden = cell.field.class != Class::Public;
        let moved = |(filler, sign): &(Cell<'_>, Sign)| {
            *sign == Sign::Fault || (is_hidden && !is_mark(filler, &cell, telegram))
        };
        first = fillers.drain(..).find(moved).or(sign.map(|sign| (cell, sign)));
        if first.is_some() {
            break;
        }
    }
    let first = first.or_else(|| fillers.into_iter().find(|(_, sign)| *sign == Sign::Fault));
    let doubt = |path: &str, offset, len, sign| Doubt::Field { path: path.to_string(), offset, len, sign };
    first.map(|(cell, sign)| doubt(&cell.path().to_string(), cell.at.offset, cell.at.len, sign)).or_else(|| {
        let faults = telegram.faults();
        let first = faults.iter().find(|fault| !is_taken_out(fault.class, &fault.bytes));
        first.map(|fault| doubt(&fault.field, fault.offset, fault.len, Sign::Fault))
    })
}

/// Whether a secret was replaced, as the journal stores it.
fn is_taken_out(class: Class, bytes: &[u8]) -> bool {
    class == Class::Secret && !bytes.is_empty() && bytes.iter().all(|byte| *byte == b'*')
}

/// Whether a filler holds a mark of the institution's own, which is no part of the confidential field behind it: it begins where the filler
/// begins and blanks end it, while the field behind begins with its value. Bytes of that field that had moved forward would stand at the
/// filler's end, or leave blanks where the field begins. A mark has fewer digits than may be an account's, and nothing but ASCII.
fn is_mark(filler: &Cell<'_>, behind: &Cell<'_>, telegram: Telegram<'_, '_>) -> bool {
    let text = |cell: &Cell<'_>| as_ascii(cell, cell.at.of(telegram.bytes()).unwrap_or_default());
    is_short_mark(&text(filler), &text(behind))
}

fn is_short_mark(filler: &[u8], behind: &[u8]) -> bool {
    let is_blank = |byte: Option<&u8>| byte.is_none_or(|byte| *byte == b' ');
    let digits = filler.iter().filter(|byte| byte.is_ascii_digit()).count();
    !is_blank(filler.first())
        && is_blank(filler.last())
        && !is_blank(behind.first())
        && digits < DIGITS_MIN
        && filler.iter().all(|byte| byte.is_ascii_graphic() || *byte == b' ')
}

/// A field's bytes, those of an EBCDIC field as the characters that they are.
fn as_ascii<'b>(cell: &Cell<'_>, bytes: &'b [u8]) -> Cow<'b, [u8]> {
    match cell.field.charset.decode {
        charset if charset.is_ebcdic() => match charset.decode(bytes) {
            Ok(text) => Cow::Owned(text.into_owned().into_bytes()),
            Err(_) => Cow::Borrowed(bytes),
        },
        _ => Cow::Borrowed(bytes),
    }
}

fn is_blank(cell: &Cell<'_>, bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| *byte == cell.field.charset.decode.blank())
}

/// Where confidential bytes of a telegram of the right length may lie once bytes have moved: behind the blanks of the fillers in front of
/// the first of them, or if there are none, behind the last bytes that are known to be where they belong.
fn reach(telegram: Telegram<'_, '_>, anchor: usize) -> Option<Range<usize>> {
    let mut before: Vec<Cell<'_>> = Vec::new();
    let mut cells = telegram.cells().map(|(cell, _)| cell);
    let first = loop {
        let cell = cells.next()?;
        if cell.field.class != Class::Public {
            break cell.at.range().start;
        }
        before.push(cell);
    };
    let is_blank = |cell: &&Cell<'_>| {
        let bytes = cell.at.of(telegram.bytes()).unwrap_or_default();
        cell.field.kind == Kind::Filler && is_blank(cell, bytes)
    };
    let blanks: u32 = before.iter().rev().take_while(is_blank).map(|cell| cell.at.len).sum();
    let start = if blanks >= BLANKS_MIN { first } else { anchor.min(first) };
    Some(start..telegram.bytes().len())
}

/// Bytes of a layout as a size of memory.
fn size(bytes: u32) -> usize {
    usize::try_from(bytes).unwrap_or(usize::MAX)
}

fn text(cell: &Cell<'_>, value: &ValueRef<'_>) -> String {
    match value {
        ValueRef::Text(text) => text.to_string(),
        ValueRef::Number(number) => number.to_string(),
        ValueRef::Bytes(bytes) => as_ascii(cell, bytes).escape_ascii().to_string(),
        ValueRef::Null => String::new(),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use pabal_telegram::Side;

    use super::*;
    use crate::{Source, load};

    #[test]
    fn a_mark_is_told_from_a_part_of_what_stands_behind() {
        for mark in ["H1           ", "R1 ", "A B 123      ", "X "] {
            assert!(is_short_mark(mark.as_bytes(), b"110123456789   "), "{mark:?}");
        }
        for (filler, behind) in [
            // One, four and all digits of an account have moved forward out of the field behind.
            ("            1", "10123456789    "),
            ("H1       1101", "23456789       "),
            ("0123456789   ", "12345678  40281"),
            // A name as well, with the blanks that fill its field.
            ("KIM          ", "               "),
            ("KIM          ", " 8001011234567 "),
            // Full to its end; a number of somebody; not ASCII.
            ("C1", "004"),
            ("8001 ", "004"),
            ("-345-678     ", "12345678"),
            ("80.01.01 ", "004"),
            ("\u{d64d} ", "004"),
            ("  H1 ", "004"),
        ] {
            assert!(!is_short_mark(filler.as_bytes(), behind.as_bytes()), "{filler:?} {behind:?}");
        }
    }

    #[test]
    fn what_stands_up_to_a_date_shows_and_digits_of_an_account_are_hardly_one() {
        let spec = "institution one \"하나\"\nlayouts lines \"선\" {\n  charset encode euc-kr decode cp949\n  unset 9 zero X space\n}\n\
                    header common 12 {\n  code X(4) by both? public \"코드\"\n  sent time(YYYYMMDD) by both? public unset space \"일자\"\n}\n\
                    telegram deposit \"입금\" 27 : common {\n  account X(15) by both? account \"계좌\"\n}\n";
        let source = Source { name: "one.spec".into(), text: spec.into() };
        let institution = load(&[source]).unwrap_or_else(|found| panic!("{found:#?}")).institution;
        let (_, layout) = institution.layouts[0].catalog.find("deposit").unwrap();
        let shown = |bytes: &[u8]| {
            let telegram = Telegram::new(layout, bytes, Side::Asker);
            let exposure = Exposure::of_layout(telegram, false);
            telegram.cells().map(|(cell, _)| exposure.of(&cell)).collect::<Vec<_>>()
        };
        let whole = b"CODE20261120110119650123456";
        assert_eq!(shown(whole), [Shown::Whole, Shown::Whole, Shown::Masked]);
        assert_eq!(shown(&whole[..20]), [Shown::Whole, Shown::Whole, Shown::Hidden], "cut at its end");
        assert_eq!(
            shown(&whole[12..]),
            [Shown::Hidden; 3],
            "the account alone, with a date of 1965 where the layout has one"
        );
    }

    fn layouts(charset: &str, telegram: &str) -> pabal_telegram::Layout {
        let text = format!(
            "institution one \"하나\"\nlayouts lines \"선\" {{\n  charset {charset}\n  unset 9 zero X space\n}}\n{telegram}"
        );
        let source = Source { name: "one.spec".into(), text };
        let institution = load(&[source]).unwrap_or_else(|found| panic!("{found:#?}")).institution;
        pabal_telegram::Layout::clone(&institution.layouts[0].catalog.layouts[0])
    }

    fn doubt(layout: &pabal_telegram::Layout, bytes: &[u8]) -> Option<Doubt> {
        Exposure::of_layout(Telegram::new(layout, bytes, Side::Asker), false).doubt().cloned()
    }

    #[test]
    fn blanks_of_ebcdic_are_blanks() {
        let layout = layouts(
            "ebcdic-933",
            "telegram a \"가\" 20 {\n gap filler(4) public \"예비\"\n no X(16) by both account \"계좌\"\n}\n",
        );
        let bytes = |gap: &[u8]| [gap, b"\xF1\xF1\xF0\xF1\xF2\xF3\xF4\xF5\xF6\xF7\x40\x40\x40\x40\x40\x40"].concat();
        assert_eq!(doubt(&layout, &bytes(b"\x40\x40\x40\x40")), None);
        // `H1`, a mark; and four digits, which may have been an account's.
        assert_eq!(doubt(&layout, &bytes(b"\xC8\xF1\x40\x40")), None);
        let filled = doubt(&layout, &bytes(b"\xF1\xF1\xF0\xF1"));
        assert!(matches!(filled, Some(Doubt::Field { sign: Sign::Filled, .. })), "{filled:?}");
        let blank = bytes(b"\x40\x40\x40\x40");
        let telegram = Telegram::new(&layout, &blank, Side::Asker);
        let rows = Exposure::of_layout(telegram, false).rows(telegram);
        assert_eq!((&*rows[0].value, &*rows[1].value), ("    ", "******4567"));
    }

    #[test]
    fn a_secret_that_was_taken_out_hides_nothing_else() {
        for (charset, kind) in [("cp949", "code(4)"), ("cp949", "X(4)"), ("ebcdic-037", "X(4)")] {
            let layout = layouts(
                charset,
                &format!("telegram a \"가\" 14 {{\n pin {kind} by both secret\n no X(10) by both account\n}}\n"),
            );
            let digits = if charset == "cp949" { b"0123456789".to_vec() } else { (0xF0..=0xF9).collect() };
            let stored = [&b"****"[..], &digits].concat();
            assert_eq!(doubt(&layout, &stored), None, "{charset} {kind}");
            let telegram = Telegram::new(&layout, &stored, Side::Asker);
            let rows = Exposure::of_layout(telegram, false).rows(telegram);
            assert_eq!((&*rows[0].value, &*rows[1].value), ("****", "******6789"), "{charset} {kind}");
            // Whoever sent it has sent no stars: that they break the field's rule is said only of what is not known to have been stored.
            let exposure = Exposure::of_layout(telegram, false).stored();
            assert_eq!(exposure.faults(telegram), [], "{charset} {kind}");
            let verdict = &exposure.rows(telegram)[0].verdict;
            let is_text = charset == "cp949" && kind == "X(4)";
            let expected = if is_text { "ok, masked (secret)" } else { "a secret that is not stored" };
            assert_eq!(verdict, expected, "{charset} {kind}");
            let seen = Exposure::of_layout(telegram, false).faults(telegram);
            assert_eq!(seen.len(), usize::from(!is_text), "{charset} {kind}: {seen:?}");
            // Half of it is not what is stored.
            let half = [&b"**"[..], &digits[..2], &digits].concat();
            let found = doubt(&layout, &half);
            assert_eq!(found.is_some(), kind == "code(4)" || charset != "cp949", "{charset} {kind}: {found:?}");
        }
    }

    /// Each filler looked for the field behind it from the telegram's beginning; of 64 KB that took minutes.
    #[test]
    fn many_fillers_take_no_longer_than_many_fields() {
        let layout = layouts(
            "cp949",
            "telegram a \"가\" 1..65535 {\n k X(1) by both public\n repeat a until end max 32767 {\n f filler(1) public\n x X(1) by both public\n }\n}\n",
        );
        assert_eq!(doubt(&layout, &[b'z'; 65_535]), None);
    }

    #[test]
    fn a_doubt_names_field_and_place_but_no_byte() {
        let doubt = |sign, len| Doubt::Field { path: "header_reserved".to_string(), offset: 87, len, sign };
        for (doubt, text) in [
            (doubt(Sign::Fault, 1), "header_reserved at byte 87 (1 byte) has a fault"),
            (
                doubt(Sign::Filled, 13),
                "header_reserved at byte 87 (13 bytes) is a filler that holds more than a short mark",
            ),
            (doubt(Sign::Shifted, 13), "header_reserved at byte 87 (13 bytes) begins with a blank"),
            (Doubt::Length, "the length is wrong"),
        ] {
            assert_eq!(doubt.to_string(), text);
        }
    }
}
