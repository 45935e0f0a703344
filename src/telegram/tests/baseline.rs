//! Whether the yardstick of the benchmark does what it is measured for: a fast thing that checks nothing measures nothing.

#[path = "../benches/convert/baseline.rs"]
mod baseline;
#[path = "../benches/convert/sample.rs"]
mod sample;

use baseline::{LEN, Refused, Transfer};
use encoding_rs::EUC_KR;
use sample::{COLUMNS, Column};

type Read<'b> = Transfer<'b, &'b [u8]>;

fn decoded(telegram: &[u8; LEN]) -> Result<Read<'_>, Refused> {
    let mut read = Read::default();
    baseline::decode(telegram, &mut read).map(|()| read)
}

/// Where each column begins, and what it is.
fn columns() -> impl Iterator<Item = (usize, &'static str, Column, usize)> {
    COLUMNS.iter().scan(0, |end, (name, column, len)| {
        *end += len;
        Some((*end - len, *name, *column, *len))
    })
}

/// A column as people read it, by the simplest code there is.
fn plainly(telegram: &[u8; LEN], wanted: &str) -> String {
    let (at, _, column, len) = columns().find(|(_, name, _, _)| *name == wanted).expect("a column");
    let bytes = &telegram[at..at + len];
    match column {
        Column::Number | Column::Signed => {
            let digits = std::str::from_utf8(bytes).expect("digits").trim_start_matches('+');
            digits.parse::<i64>().expect("a number").to_string()
        }
        Column::Text => String::from_utf8(bytes.to_vec()).expect("text").trim_end_matches(' ').to_owned(),
        Column::Hangul => EUC_KR.decode(bytes).0.trim_end_matches(' ').to_owned(),
    }
}

fn shown(read: &Read<'_>) -> Vec<(&'static str, String)> {
    let text = |bytes: &[u8]| EUC_KR.decode(bytes).0.into_owned();
    vec![
        ("length", read.length.to_string()),
        ("message_type", text(read.message_type)),
        ("service_code", text(read.service_code)),
        ("bank_code", read.bank_code.to_string()),
        ("company_no", text(read.company_no)),
        ("send_count", read.send_count.to_string()),
        ("telegram_no", read.telegram_no.to_string()),
        ("send_date", read.send_date.to_string()),
        ("send_time", read.send_time.to_string()),
        ("response_code", text(read.response_code)),
        ("debit_account", text(read.debit_account)),
        ("debit_holder", text(read.debit_holder)),
        ("debit_amount", read.debit_amount.to_string()),
        ("balance", read.balance.to_string()),
        ("fee", read.fee.to_string()),
        ("tax", read.tax.to_string()),
        ("credit_bank", read.credit_bank.to_string()),
        ("credit_account", text(read.credit_account)),
        ("credit_holder", text(read.credit_holder)),
        ("credit_amount", read.credit_amount.to_string()),
        ("cms_code", text(read.cms_code)),
        ("memo", text(read.memo)),
        ("memo_count", read.memo_count.to_string()),
        ("original_no", read.original_no.to_string()),
        ("original_date", read.original_date.to_string()),
        ("branch", text(read.branch)),
        ("terminal", text(read.terminal)),
        ("channel", text(read.channel)),
        ("operator", text(read.operator)),
        ("operator_name", text(read.operator_name)),
        ("day_limit", read.day_limit.to_string()),
        ("day_used", read.day_used.to_string()),
        ("day_count", read.day_count.to_string()),
        ("currency", text(read.currency)),
        ("reference", text(read.reference)),
        ("remark", text(read.remark)),
    ]
}

#[test]
fn the_columns_are_those_of_the_issue() {
    let count = |wanted| columns().filter(|(_, _, column, _)| *column == wanted).count();
    assert_eq!([Column::Number, Column::Signed, Column::Text, Column::Hangul].map(count), [17, 1, 14, 4]);
    assert_eq!(columns().map(|(_, _, _, len)| len).sum::<usize>(), LEN);
}

#[test]
fn every_column_is_read_as_by_the_simplest_code() {
    for mut telegram in sample::telegrams(200) {
        for blank in [None, Some("remark"), Some("operator_name"), Some("reference"), Some("channel")] {
            for (at, _, _, len) in columns().filter(|(_, name, _, _)| Some(*name) == blank) {
                telegram[at..at + len].fill(b' ');
            }
            let read = decoded(&telegram).expect("it is right");
            let shown = shown(&read);
            assert_eq!(shown.len(), COLUMNS.len());
            for (name, value) in shown {
                assert_eq!(value, plainly(&telegram, name), "{name}");
            }
        }
    }
}

#[test]
fn every_byte_that_a_column_may_not_hold_is_refused() {
    let telegram = sample::telegrams(1)[0];
    for (from, name, column, len) in columns() {
        for at in from..from + len {
            for byte in 0..=u8::MAX {
                let mut telegram = telegram;
                telegram[at] = byte;
                let is_right = match column {
                    Column::Signed if at == from => byte == b'+' || byte == b'-',
                    Column::Number | Column::Signed => byte.is_ascii_digit(),
                    Column::Text => (0x20..=0x7E).contains(&byte),
                    Column::Hangul => true,
                };
                assert_eq!(decoded(&telegram).is_ok(), is_right, "{name}: 0x{byte:02X} at {at}");
            }
        }
    }
}

fn outgoing<'v>(read: &Read<'v>, names: &'v [String; 4]) -> Transfer<'v, &'v str> {
    let [debit_holder, credit_holder, memo, operator_name] = names.each_ref().map(String::as_str);
    read.with(debit_holder, credit_holder, memo, operator_name)
}

fn names(read: &Read<'_>) -> [String; 4] {
    [read.debit_holder, read.credit_holder, read.memo, read.operator_name]
        .map(|bytes| EUC_KR.decode(bytes).0.into_owned())
}

fn encoded(transfer: &Transfer<'_, &str>, korean: &baseline::Korean) -> Result<[u8; LEN], Refused> {
    let mut out = [0; LEN];
    baseline::encode(transfer, korean, &mut out).map(|()| out)
}

#[test]
fn what_was_read_is_written_byte_by_byte() {
    let korean = sample::korean();
    for telegram in sample::telegrams(500) {
        let read = decoded(&telegram).expect("it is right");
        let names = names(&read);
        assert_eq!(encoded(&outgoing(&read, &names), &korean), Ok(telegram));
    }
}

#[test]
fn text_of_every_length_is_written_in_its_place() {
    let korean = sample::korean();
    let telegram = sample::telegrams(1)[0];
    let read = decoded(&telegram).expect("it is right");
    let names = names(&read);
    let letters = b"ABCDEFGHIJKLMNOP";
    for len in 0..=16 {
        let text = &letters[..len];
        let check = |column: &str, transfer: &Transfer<'_, &str>| {
            let (at, _, _, width) = columns().find(|(_, name, _, _)| *name == column).expect("a column");
            let mut expected = telegram;
            expected[at..at + width].fill(b' ');
            if len <= width {
                expected[at..at + len].copy_from_slice(text);
            }
            let expected = if len <= width { Ok(expected) } else { Err(Refused) };
            assert_eq!(encoded(transfer, &korean), expected, "{len} in {column}");
        };
        let good = outgoing(&read, &names);
        check("channel", &Transfer { channel: text, ..good });
        check("currency", &Transfer { currency: text, ..good });
        check("message_type", &Transfer { message_type: text, ..good });
        check("branch", &Transfer { branch: text, ..good });
        check("reference", &Transfer { reference: text, ..good });
        check("remark", &Transfer { remark: text, ..good });
        check("company_no", &Transfer { company_no: text, ..good });
        check("debit_account", &Transfer { debit_account: text, ..good });
        let text = std::str::from_utf8(text).expect("letters");
        check("memo", &Transfer { memo: text, ..good });
        check("operator_name", &Transfer { operator_name: text, ..good });
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    let korean = sample::korean();
    let telegram = sample::telegrams(1)[0];
    let read = decoded(&telegram).expect("it is right");
    let names = names(&read);
    let good = outgoing(&read, &names);
    let refused = |transfer: Transfer<'_, &str>| assert_eq!(encoded(&transfer, &korean), Err(Refused), "{transfer:?}");
    refused(Transfer { send_count: 10, ..good });
    refused(Transfer { memo_count: 100, ..good });
    refused(Transfer { length: 10_000, ..good });
    refused(Transfer { telegram_no: 1_000_000, ..good });
    refused(Transfer { send_date: 100_000_000, ..good });
    refused(Transfer { fee: 1_000_000_000, ..good });
    refused(Transfer { day_used: 10_000_000_000_000, ..good });
    refused(Transfer { day_limit: u64::MAX, ..good });
    refused(Transfer { balance: 1_000_000_000_000_000, ..good });
    refused(Transfer { balance: i64::MIN, ..good });
    for text in [&b"A\x1FB"[..], b"\x7F", b"A\xC8\xAB", b"ABCDEFGHI\0"] {
        refused(Transfer { remark: text, ..good });
        refused(Transfer { terminal: text, ..good });
        refused(Transfer { cms_code: text, ..good });
    }
    // Too long by a syllable, a letter more than room, no character of the charset, of two, three and four bytes of UTF-8.
    for text in ["가나다라마바", "가나다라마A", "가é나", "가\u{E000}나", "éA", "가😀", "가\n"] {
        refused(Transfer { operator_name: text, ..good });
    }
    refused(Transfer { memo: "가나다라마바사아", ..good });
    refused(Transfer { debit_holder: "가나다라마바사", ..good });
}

#[test]
fn hangul_mixed_with_letters_is_written() {
    let korean = sample::korean();
    let telegram = sample::telegrams(1)[0];
    let read = decoded(&telegram).expect("it is right");
    let names = names(&read);
    let good = outgoing(&read, &names);
    for (text, expected) in [
        ("", &b"              "[..]),
        ("똠방각하", b"\x8C\x63\xB9\xE6\xB0\xA2\xC7\xCF      "),
        ("A가B나", b"A\xB0\xA1B\xB3\xAA        "),
        ("가나다라마바사", b"\xB0\xA1\xB3\xAA\xB4\xD9\xB6\xF3\xB8\xB6\xB9\xD9\xBB\xE7"),
        ("(주)가나 1 ", b"(\xC1\xD6)\xB0\xA1\xB3\xAA 1    "),
        ("가×나", b"\xB0\xA1\xA1\xBF\xB3\xAA        "),
    ] {
        let out = encoded(&Transfer { memo: text, ..good }, &korean).expect("it fits");
        let (at, _, _, len) = columns().find(|(_, name, _, _)| *name == "memo").expect("a column");
        assert_eq!(&out[at..at + len], expected, "{text:?}");
    }
}
