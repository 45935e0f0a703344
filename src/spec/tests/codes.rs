//! The response codes of Hecto's banks: what their texts say may have been executed is never a failure.
//!
//! The patterns here are written anew: nothing is shared with the script that makes the table.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use pabal_spec::{Source, Verdict, VerdictTable, load};

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../specs/hecto")
}

fn read(name: &str) -> String {
    fs::read_to_string(folder().join(name)).expect("a shipped file")
}

fn table() -> VerdictTable {
    let sources = ["codes.csv", "firmbanking.spec"].map(|name| Source { name: name.into(), text: read(name) });
    let loaded = load(&sources).unwrap_or_else(|found| panic!("{found:#?}"));
    loaded.institution.protocol("firmbanking").expect("the protocol").rules.verdicts.clone()
}

/// A row of the workbook: bank, code, text.
type Row = (String, String, String);

/// Every row of the workbook as it was published.
fn published() -> Vec<Row> {
    let text = read("codes/response_codes.csv");
    let lines = text.lines().filter(|line| !line.starts_with('#')).skip(1);
    lines
        .map(|line| {
            let mut cells = vec![String::new()];
            let mut quoted = false;
            for character in line.chars() {
                match character {
                    '"' => quoted = !quoted,
                    ',' if !quoted => cells.push(String::new()),
                    other => cells.last_mut().expect("a cell").push(other),
                }
            }
            let [bank, _, code, text, _] = <[String; 5]>::try_from(cells).expect("five columns");
            (bank, code, text)
        })
        .collect()
}

/// A text without spaces, in capitals, and with full-width letters made narrow.
fn squeezed(text: &str) -> String {
    let narrow = |character: char| match u32::from(character) {
        wide @ 0xff01..=0xff5e => char::from_u32(wide - 0xfee0).expect("a letter"),
        _ => character,
    };
    text.chars().filter(|character| !character.is_whitespace()).map(narrow).flat_map(char::to_uppercase).collect()
}

/// The exchanges that a code can be an answer to, and one that no row names.
const EXCHANGES: [&str; 7] =
    ["open", "transfer", "reserve_transfer", "trust", "collection", "transfer_result", "debit_account_register"];

fn may_fail(table: &VerdictTable, bank: &str, code: &str) -> bool {
    EXCHANGES.iter().any(|exchange| matches!(verdict(table, bank, exchange, code), Verdict::Refused | Verdict::NotOpen))
}

fn verdict(table: &VerdictTable, bank: &str, exchange: &str, code: &str) -> Verdict {
    table.verdict(bank.as_bytes(), exchange, code.as_bytes())
}

/// Rows whose text holds one of these words, and that can be a failure.
fn failing(words: &[&str]) -> (usize, Vec<Row>) {
    let table = table();
    let rows: Vec<Row> =
        published().into_iter().filter(|(_, _, text)| words.iter().any(|word| squeezed(text).contains(word))).collect();
    let spoken = rows.len();
    (spoken, rows.into_iter().filter(|(bank, code, _)| may_fail(&table, bank, code)).collect())
}

#[test]
fn no_time_out_is_a_failure() {
    let words = [
        "TIMEOUT",
        "TIMEOVER",
        "TIME-OUT",
        "타임",
        "시간초과",
        "시간경과",
        "무응답",
        "응답없",
        "응답이없",
        "미수신",
        "지연처리",
        "처리지연",
        "응답지연",
        "응답대기",
    ];
    let (spoken, failing) = failing(&words);
    // The dossier counted 43 time-outs by two words.
    assert!(spoken > 60, "{spoken}");
    assert_eq!(failing, []);
}

#[test]
fn nothing_in_progress_is_a_failure() {
    let words = ["처리중", "진행중", "송신중", "이체중", "수신중", "취소중", "입금중", "대기중", "작업중", "요청중"];
    let (spoken, failing) = failing(&words);
    assert!(spoken > 95, "{spoken}");
    assert_eq!(failing, []);
}

#[test]
fn nothing_that_was_there_before_is_a_failure() {
    let words = [
        "중복",
        "이중",
        "이미",
        "기처리",
        "기거래",
        "기취소",
        "기등록",
        "기해지",
        "기수신",
        "기지급",
        "동일전문",
        "DUP",
        "ALREADY",
        "처리완료",
    ];
    let (spoken, failing) = failing(&words);
    assert!(spoken > 150, "{spoken}");
    assert_eq!(failing, []);
}

#[test]
fn nothing_that_must_be_looked_at_again_is_a_failure() {
    let words = [
        "확인요망",
        "확인바",
        "결과조회",
        "처리결과",
        "거래확인",
        "원거래",
        "재거래",
        "재처리",
        "재전송",
        "재시도",
        "잠시후",
        "조회요망",
    ];
    let (spoken, failing) = failing(&words);
    assert!(spoken > 100, "{spoken}");
    // "Our business is not open yet: try again in a moment" is a plain answer; all rows of it are here.
    assert_eq!(failing.iter().map(|(bank, code, _)| (&**bank, &**code)).collect::<Vec<_>>(), [("240", "1908")]);
}

#[test]
fn no_trouble_of_a_system_is_a_failure() {
    let words = [
        "장애",
        "시스템오류",
        "시스템에러",
        "SYSTEMERR",
        "SYSTEM장애",
        "통신",
        "회선",
        "DB",
        "센터장애",
        "전산",
        "DOWN",
        "BUSY",
        "비정상종료",
    ];
    let (spoken, failing) = failing(&words);
    assert!(spoken > 200, "{spoken}");
    assert_eq!(failing, []);
}

#[test]
fn a_limit_between_banks_is_no_failure() {
    let (spoken, failing) = failing(&["순채무"]);
    assert_eq!(spoken, 11, "as they were counted in the workbook");
    assert_eq!(failing, []);
}

#[test]
fn only_what_plainly_says_done_is_success() {
    let table = table();
    let done: Vec<Row> = published()
        .into_iter()
        .filter(|(bank, code, _)| {
            EXCHANGES
                .iter()
                .any(|exchange| *exchange != "open" && verdict(&table, bank, exchange, code) == Verdict::Success)
        })
        .collect();
    let texts: BTreeMap<String, usize> = done.iter().fold(BTreeMap::new(), |mut texts, (_, _, text)| {
        *texts.entry(squeezed(text)).or_default() += 1;
        texts
    });
    // 36 banks have 0000. The postal bank's Z000 and Suhyup's R165 say that it was done, too, but no inquiry takes them for that.
    assert!(done.iter().all(|(_, code, _)| code == "0000"), "{done:?}");
    let expected = [("정상", 2), ("정상완료", 1), ("정상적으로처리되었습니다", 1), ("정상처리", 32)];
    assert_eq!(texts, expected.map(|(text, count)| (String::from(text), count)).into());
}

#[test]
fn tricky_codes_say_no_more_than_their_texts() {
    let table = table();
    for (bank, code, expected, why) in [
        ("004", "0133", Verdict::Refused, "the balance is not enough"),
        ("011", "0119", Verdict::Refused, "a wrong password, three times"),
        ("088", "0402", Verdict::Refused, "the receiving account has a certified balance"),
        ("004", "7112", Verdict::Refused, "another bank is not open"),
        ("088", "0142", Verdict::Refused, "the receiving bank is not open"),
        ("004", "0102", Verdict::NotOpen, "our business is not open"),
        ("088", "U114", Verdict::NotOpen, "our opening did not come"),
        ("004", "0103", Verdict::Unavailable, "business is over: an inquiry may still be answered"),
        ("004", "0148", Verdict::InProgress, "sent to another bank, time over"),
        ("004", "7430", Verdict::InProgress, "the receiving bank is working on it"),
        ("032", "A053", Verdict::Unknown, "not listed"),
        ("007", "R165", Verdict::Unknown, "done, but not under 0000"),
        ("071", "Z000", Verdict::Unknown, "done, but not under 0000"),
        ("005", "A999", Verdict::Unknown, "more than the smallest amount: it contradicts itself"),
        ("027", "3853", Verdict::Unknown, "paid too often: maybe by this very request"),
        ("003", "U705", Verdict::Unknown, "once a day: maybe by this very request"),
        ("032", "0038", Verdict::Unknown, "too many: maybe by this very request"),
        ("020", "0711", Verdict::Unknown, "what an inquiry of the payee found"),
        ("050", "VTIM", Verdict::Unknown, "time-out, at the bank and at the relay"),
        ("002", "0101", Verdict::Unknown, "no such account at the bank, but something else at the relay"),
        ("004", "0101", Verdict::Unknown, "a duplicate at the bank, something else at the relay"),
        ("027", "0141", Verdict::Unknown, "listed twice, with two meanings"),
        ("088", "0111", Verdict::Unavailable, "listed twice, and both are troubles of a system"),
        ("011", "0724", Verdict::Refused, "listed twice, with one meaning"),
        ("088", "0413", Verdict::Unknown, "listed twice, and one of them is `another error`"),
        ("023", "9XX ", Verdict::Unknown, "stands for several codes"),
        ("020", "7777", Verdict::Duplicate, "was already done normally"),
        ("037", "0309", Verdict::Duplicate, "the same telegram again; the original was done normally"),
        ("266", "0701", Verdict::Unknown, "a missing number whose transaction is done"),
        ("088", "SB01", Verdict::Duplicate, "the relay: same account and amount"),
        ("999", "SB09", Verdict::Duplicate, "the relay: same number, other content"),
        ("999", "SSSS", Verdict::Unknown, "the relay"),
    ] {
        for exchange in ["transfer", "collection"] {
            assert_eq!(verdict(&table, bank, exchange, code), expected, "{bank} {code} {exchange}: {why}");
        }
    }
}

#[test]
fn no_such_number_is_an_answer_to_a_gap_request_only() {
    let table = table();
    for (bank, code) in [("002", "0100"), ("004", "0100"), ("088", "U112"), ("020", "FB29"), ("266", "0702")] {
        assert_eq!(verdict(&table, bank, "deposit_gap", code), Verdict::Refused, "{bank} {code}");
        // An inquiry that finds nothing proves nothing.
        assert!(!may_fail(&table, bank, code), "{bank} {code}");
    }
    assert_eq!(verdict(&table, "266", "deposit_gap", "0701"), Verdict::Unknown, "missing, and done");
    // Who refuses the question says nothing of the notice: the hole stays.
    for (bank, code) in [("004", "0133"), ("088", "U101"), ("004", "0006"), ("011", "0724")] {
        assert_eq!(verdict(&table, bank, "deposit_gap", code), Verdict::Unknown, "{bank} {code}");
        assert_eq!(verdict(&table, bank, "transfer", code), Verdict::Refused, "{bank} {code}");
    }
    assert_eq!(verdict(&table, "266", "open", "0816"), Verdict::Success, "once a day, and this was the second time");
    assert_eq!(verdict(&table, "266", "transfer", "0816"), Verdict::Unknown);
}

#[test]
fn every_published_code_is_in_the_table_with_its_text() {
    let table = table();
    let rows = published();
    assert_eq!(rows.len(), 10_460);
    for (bank, code, text) in rows {
        let listed = table
            .text(bank.as_bytes(), "transfer", code.as_bytes())
            .unwrap_or_else(|| panic!("{bank} {code} is not listed"));
        assert!(squeezed(listed).contains(&squeezed(&text)), "{bank} {code} is {listed:?}, published as {text:?}");
    }
}
