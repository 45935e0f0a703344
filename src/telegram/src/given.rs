use alloc::vec::Vec;

use crate::cell::Cell;
use crate::computed::recompute_from;
use crate::decode::Telegram;
use crate::fault::{Fault, Rule};
use crate::field::{Echo, Field, Fill, Side, Slice};
use crate::kind::Kind;
use crate::layout::Layout;
use crate::value::{Value, ValueRef};

/// What is wrong with a whole telegram (length prefix not included) that a caller has made for `side` to send. It is held to what
/// [`crate::encode`] holds values to, by the rules by which it is read ([`Telegram`]):
///
/// - fields that the side fills hold what their kind says, in characters that the charset can write; what is computed is right;
/// - fields that it does not fill are blank ([`Rule::NotYours`]), but for fillers, which may hold anything;
/// - what the gateway writes ([`Fill::Stamped`]) may hold anything, and is nought or blank in what is computed from it.
///
/// Empty if nothing is wrong; else in the order of the bytes, the length first.
#[must_use]
pub fn faults_as_given(layout: &Layout, side: Side, telegram: &[u8]) -> Vec<Fault> {
    faults_but_for(layout, side, telegram, &[])
}

/// As [`faults_as_given`]; the gateway also writes over the fields that lie in `written`, wholly or in part, so that they may hold anything.
#[must_use]
pub fn faults_but_for(layout: &Layout, side: Side, telegram: &[u8], written: &[Slice]) -> Vec<Fault> {
    let is_over = |at: Slice| {
        written.iter().any(|over| over.range().start < at.range().end && at.range().start < over.range().end)
    };
    let is_written = |field: &&Field| is_written(field, side) || is_over(field.at);
    let stamped: Vec<Slice> = layout.head().iter().filter(is_written).map(|field| field.at).collect();
    // What is computed is right if it is right for what will stand there, which nobody knows yet: so it is computed anew.
    let mut settled = telegram.to_vec();
    if layout.computes() {
        for field in layout.head().iter().filter(is_written) {
            // One that is cut off is told below.
            let _ = field.write(&Value::Null, &mut settled);
        }
        // What cannot be computed has a fault in what it is computed from.
        let _ = recompute_from(layout, side, &mut settled, &stamped);
    }
    let read = Telegram::new(layout, &settled, side);
    let mut faults = Vec::new();
    if let Some(expected) = read.expected_len() {
        let found = u32::try_from(telegram.len()).unwrap_or(u32::MAX);
        faults.extend((expected != found).then(|| Fault::of_telegram(layout, Rule::Length { expected, found })));
    }
    let cells = read.cells().filter(|(cell, _)| !is_written(&cell.field) && !is_over(cell.at));
    faults.extend(cells.filter_map(|(cell, value)| match value {
        Ok(value) => amiss(&cell, &value, side).map(|rule| {
            let bytes = if matches!(rule, Rule::NotYours { .. }) { cell.at.of(telegram) } else { None };
            Fault::of_cell(&cell, bytes.unwrap_or_default(), rule)
        }),
        Err(fault) => Some(fault),
    }));
    faults
}

/// Whether the gateway writes the field into what `side` sends, whatever stands there.
fn is_written(field: &Field, side: Side) -> bool {
    field.fill == Fill::Stamped && !(side == Side::Answerer && field.echo != Echo::No)
}

/// What is wrong with a value that can be read.
fn amiss(cell: &Cell<'_>, value: &ValueRef<'_>, side: Side) -> Option<Rule> {
    let field = cell.field;
    match value {
        ValueRef::Null => None,
        _ if field.kind == Kind::Filler => None,
        _ if !field.may_be_given_by(side) => Some(Rule::NotYours { by: field.by.word() }),
        // Read by a larger charset than the one that the institution can print.
        ValueRef::Text(_) if field.charset.encode != field.charset.decode => {
            let rule = field.encode(&value.to_value(), &mut Vec::new()).err()?.rule;
            matches!(rule, Rule::Unmappable { .. }).then_some(rule)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::string::String;
    use std::vec::Vec;
    use std::{format, vec};

    use super::*;
    use crate::draft::{number, text, transfer};
    use crate::encode::encode;

    /// A transfer as a caller makes it.
    fn right() -> Vec<u8> {
        let values = [
            ("bank_code", "088"),
            ("debit_account", "110123456789"),
            ("passbook_pin", "0000"),
            ("debit_amt", "150000"),
            ("holder", "홍길동"),
        ];
        let values: Vec<(String, Value)> =
            values.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        encode(&transfer(), Side::Asker, &values).unwrap()
    }

    /// What is wrong with it after bytes were written over.
    fn told(at: usize, bytes: &[u8]) -> Vec<String> {
        let mut telegram = right();
        telegram[at..at + bytes.len()].copy_from_slice(bytes);
        let faults = faults_as_given(&transfer(), Side::Asker, &telegram);
        faults.iter().map(|fault| format!("{} {} at {}", fault.code(), fault.field, fault.offset)).collect()
    }

    #[test]
    fn what_a_caller_may_send_is_not_refused() {
        assert_eq!(told(0, b""), [""; 0]);
        // The gateway's own: type, date and time.
        assert_eq!(told(0, b"????"), [""; 0]);
        assert_eq!(told(11, b"not a date tim"), [""; 0]);
        // Blank in one way or another: the answerer's, and what may be left out.
        assert_eq!(told(25, b"0000"), [""; 0]);
        assert_eq!(told(65, b"       "), [""; 0]);
        assert_eq!(told(84, b"             "), [""; 0]);
        assert_eq!(told(108, b"      "), [""; 0]);
        assert_eq!(told(72, b"            "), [""; 0], "a text may be empty");
        assert_eq!(told(114, b"\xFF\0left!"), [""; 0], "a filler holds anything");
    }

    #[test]
    fn what_does_not_fit_is_told_with_its_field_and_place() {
        assert_eq!(told(52, b"abcdefghijklm"), ["T02 debit_amt at 52"]);
        assert_eq!(told(52, b"             "), ["T02 debit_amt at 52"]);
        assert_eq!(told(52, b"-000000000005"), ["T02 debit_amt at 52"]);
        assert_eq!(told(8, b"08 "), ["T02 bank_code at 8"]);
        assert_eq!(told(4, b"200"), ["T12 service_code at 4"]);
        // "홍길동" and the first half of a character behind it.
        assert_eq!(told(72, b"\xC8\xAB\xB1\xE6\xB5\xBF     \xC8"), ["T05 holder at 72"]);
        // 똠: of cp949, not of EUC-KR.
        assert_eq!(told(72, b"\x8C\x63"), ["T06 holder at 72"]);
        assert_eq!(told(25, b"9999"), ["T14 response_code at 25"]);
        assert_eq!(told(65, b"0000001"), ["T14 rate at 65"]);
        assert_eq!(told(65, b"abcdefg"), ["T02 rate at 65"]);
        let both = faults_as_given(&transfer(), Side::Asker, &right()[..120]);
        let both: Vec<&str> = both.iter().map(Fault::code).collect();
        assert_eq!(both, ["T01", "T17"]);
    }

    #[test]
    fn what_an_answer_carries_back_may_stand_in_it() {
        let back = Field { echo: Echo::Always, by: crate::draft::ASKER, ..text("back", 3) };
        let layout = crate::draft::layout(vec![back, Field { by: crate::draft::ASKER, ..number("asked", 3) }]);
        let codes = |side, bytes: &[u8]| -> Vec<&str> {
            faults_as_given(&layout, side, bytes).iter().map(Fault::code).collect()
        };
        assert_eq!(codes(Side::Answerer, b"abc000"), [""; 0]);
        assert_eq!(codes(Side::Answerer, b"abc001"), ["T14"]);
        assert_eq!(codes(Side::Asker, b"abc001"), [""; 0]);
    }

    #[test]
    fn what_is_written_over_may_hold_anything() {
        let told = |offset: usize, bytes: &[u8]| -> Vec<String> {
            let mut telegram = right();
            telegram[offset..offset + bytes.len()].copy_from_slice(bytes);
            let over = [Slice { offset: 8, len: 3 }, Slice { offset: 54, len: 1 }];
            let faults = faults_but_for(&transfer(), Side::Asker, &telegram, &over);
            faults.iter().map(|fault| format!("{} {}", fault.code(), fault.field)).collect()
        };
        assert_eq!(told(8, b"?? "), [""; 0]);
        assert_eq!(told(52, b"abcdefghijklm"), [""; 0], "a part of it is");
        assert_eq!(told(4, b"200"), ["T12 service_code"]);
    }

    #[test]
    fn what_is_computed_is_right_but_for_what_the_gateway_writes() {
        use crate::computed::{Computed, Span};
        use crate::field::FieldId;
        let sum = |of: &[u16]| Fill::Computed(Computed::Sum { of: of.iter().map(|id| FieldId(*id)).collect() });
        let layout = crate::draft::layout(vec![
            Field { fill: Fill::Stamped, ..number("number", 4) },
            number("one", 2),
            number("two", 2),
            Field { fill: sum(&[1, 2]), ..number("total", 3) },
            Field { fill: sum(&[0, 1]), ..number("with_number", 5) },
            Field { fill: Fill::Computed(Computed::Length { of: Span::Telegram, plus: 0 }), ..number("length", 2) },
        ]);
        let fields = |bytes: &[u8]| -> Vec<String> {
            faults_as_given(&layout, Side::Asker, bytes).iter().map(|fault| (&*fault.field).into()).collect()
        };
        assert_eq!(fields(b"????1020030?????18"), [""; 0]);
        assert_eq!(fields(b"00001020031000001 "), ["total", "length"]);
    }
}
