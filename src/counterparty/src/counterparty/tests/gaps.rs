//! The book of notices: numbers, holes, and what is said when somebody asks for one.

use super::*;

const ISSUED: &str = "
[[reply]]
name = \"from the book\"
exchange = \"deposit_gap\"
notice = \"issued\"
copy_all = \"notice\"
response_code = \"0000\"
";
const MISSING: &str = "
[[reply]]
name = \"no such number\"
exchange = \"deposit_gap\"
notice = \"missing\"
response_code = \"0100\"
";

/// Three deposits follow the opening at once; of each, this happens.
fn desk(replies: &str, misdeeds: &str) -> Desk {
    Desk::new(&format!(
        "{OPEN}{TRANSFER}{replies}
        [[notice]]
        name = \"deposit\"
        notice = \"deposit\"
        on = \"opened\"
        every = \"1s\"
        times = 3
        behave = 1
        [notice.set]
        id_code = {{ copy = \"id_code\" }}
        company_no = {{ copy = \"company_no\" }}
        bank_code = {{ copy = \"bank_code\" }}
        tx_account = \"110123456789\"
        tx_amt = {{ sequence = 33_000, step = 1_000 }}
        counterparty_name = \"홍길동\"
        {misdeeds}"
    ))
}

/// The request for a notice: number and date are the notice's.
fn ask_for(number: u32) -> Vec<u8> {
    request("deposit_gap", number, &[("tx_date", "20261121")])
}

fn number(telegram: &[u8]) -> String {
    String::from_utf8_lossy(raw(telegram, "deposit", "telegram_no")).into_owned()
}

fn numbers(desk: &Desk) -> Vec<String> {
    desk.telegrams.iter().map(|(_, telegram)| number(telegram)).collect()
}

/// Every notice is withheld.
fn withheld(replies: &str) -> Desk {
    let mut desk = desk(replies, "[[notice.misbehave]]\ndo = \"silence\"\nweight = 1_000_000_000");
    desk.open();
    desk.pass(Duration::from_secs(10));
    assert_eq!(desk.telegrams, []);
    desk
}

#[test]
fn a_notice_that_was_withheld_is_in_the_book() {
    let desk = withheld("");
    let book: Vec<_> = desk.ledger().notices().map(|(key, notice)| (key.to_string(), notice.sent)).collect();
    assert_eq!(
        book,
        [1, 2, 3].map(|number| (format!("20261121 088 PABAL01 00000{number}"), 0)),
        "numbered, and never sent"
    );
    let tally = desk.ledger().participant(b"088");
    assert_eq!((tally.issued, tally.withheld, tally.notified), (3, 3, 0));
}

#[test]
fn a_gap_is_answered_with_what_the_notice_says() {
    let mut desk = withheld(ISSUED);
    let answer = desk.ask(&ask_for(2));
    let read = |name| raw(&answer, "deposit_gap", name).to_vec();
    assert_eq!((read("message_type"), read("service_code")), (b"4100".to_vec(), b"200".to_vec()));
    assert_eq!((read("telegram_no"), read("send_date")), (b"000002".to_vec(), b"20261121".to_vec()));
    // The second deposit: 33,000 and one step.
    assert_eq!(read("tx_amt"), b"0000000034000");
    assert_eq!(read("tx_account"), b"110123456789   ");
    assert_eq!(read("counterparty_name"), b"\xC8\xAB\xB1\xE6\xB5\xBF      ");
    assert_eq!(read("response_code"), b"0000");

    // Asked for again, it is answered again: that is no duplicate.
    let again = desk.ask(&ask_for(2));
    assert_eq!(answer, again);
    let (_, gap) = desk.ledger().gaps().next().unwrap();
    assert_eq!((gap.asked, gap.issued, gap.answers.len()), (2, true, 2));
    let tally = desk.ledger().participant(b"088");
    assert_eq!((tally.gaps, tally.gaps_answered, tally.gaps_missing, tally.duplicates), (2, 2, 0, 0));
}

#[test]
fn the_number_of_a_gap_is_none_of_the_gateways() {
    let mut desk = withheld(ISSUED);
    desk.ask(&transfer(2));
    let answer = desk.ask(&ask_for(2));
    assert_eq!(raw(&answer, "deposit_gap", "service_code"), b"200");
    let request = desk.request(&transfer(2));
    assert_eq!((&*request.exchange, request.received, request.answers.len()), ("transfer", 1, 1));
}

#[test]
fn a_number_that_was_never_given_is_missing() {
    let mut desk = withheld(&format!("{ISSUED}{MISSING}"));
    let answer = desk.ask(&ask_for(4));
    assert_eq!(raw(&answer, "deposit_gap", "response_code"), b"0100");
    assert_eq!(raw(&answer, "deposit_gap", "tx_amt"), b"0000000000000");
    assert_eq!(desk.ledger().participant(b"088").gaps_missing, 1);
}

#[test]
fn a_fresh_notice_comes_instead_of_the_answer() {
    let mut desk = withheld(&format!("{ISSUED}[[reply.misbehave]]\ndo = \"fresh_notice\"\n"));
    desk.send(OURS, &ask_for(3));
    let [(_, notice)] = desk.telegrams.as_slice() else { panic!("one telegram, not {}", desk.telegrams.len()) };
    assert_eq!(raw(notice, "deposit", "message_type"), b"4000");
    assert_eq!(raw(notice, "deposit", "service_code"), b"100");
    assert_eq!(number(notice), "000003");
    let (_, gap) = desk.ledger().gaps().next().unwrap();
    assert_eq!((gap.asked, gap.answers.len()), (1, 0));
    assert_eq!(desk.ledger().participant(b"088").notified, 1);
}

#[test]
fn numbers_that_are_left_out_have_nothing_behind_them() {
    let mut desk = desk(ISSUED, "[[notice.misbehave]]\ndo = \"skip\"\ncount = 4\nweight = 1_000_000_000");
    desk.open();
    desk.pass(Duration::from_secs(10));
    // 1 to 4 are left out, then 6 to 9, then 11 to 14.
    assert_eq!(numbers(&desk), ["000005", "000010", "000015"]);
    assert_eq!(desk.ledger().notices().count(), 3);
    let tally = desk.ledger().participant(b"088");
    assert_eq!((tally.issued, tally.skipped), (3, 12));
}

#[test]
fn a_late_notice_is_overtaken() {
    let mut desk = Desk::new(&format!(
        "{OPEN}
        [[notice]]
        notice = \"deposit\"
        on = \"opened\"
        [notice.set]
        company_no = {{ copy = \"company_no\" }}
        bank_code = {{ copy = \"bank_code\" }}
        [[notice.misbehave]]
        do = \"late\"
        after = \"5s\"
        [[notice]]
        notice = \"deposit\"
        on = \"opened\"
        after = \"1s\"
        [notice.set]
        company_no = {{ copy = \"company_no\" }}
        bank_code = {{ copy = \"bank_code\" }}"
    ));
    desk.open();
    desk.pass(Duration::from_secs(10));
    assert_eq!(numbers(&desk), ["000002", "000001"], "one counter for both");
}

#[test]
fn a_notice_is_sent_again_though_it_is_answered() {
    let misdeed = "[[notice.misbehave]]\ndo = \"repeat\"\nafter = \"5s\"\ntimes = 2\ncount_in = \"send_count\"\n";
    let mut desk = desk("", &format!("{misdeed}weight = 1_000_000_000"));
    desk.open();
    let (_, notice) = desk.telegrams[0].clone();
    let mut reply = notice.clone();
    reply[24..28].copy_from_slice(b"4100");
    reply[52..56].copy_from_slice(b"0000");
    desk.send(OURS, &reply);
    desk.pass(Duration::from_secs(60));
    let of_first: Vec<_> = desk
        .telegrams
        .iter()
        .filter(|(_, telegram)| number(telegram) == "000001")
        .map(|(_, telegram)| raw(telegram, "deposit", "send_count").to_vec())
        .collect();
    assert_eq!(of_first, [b"1", b"2", b"3"]);
    let tally = desk.ledger().participant(b"088");
    assert_eq!((tally.notified, tally.repeated, tally.replied(b"0000")), (3, 6, 1));
}

#[test]
fn numbers_begin_again_when_the_date_changes() {
    let mut desk = desk("", "");
    desk.open();
    desk.pass(Duration::from_secs(10));
    desk.pass(Duration::from_secs(86_400));
    desk.telegrams.clear();
    // The opening of the next day.
    desk.send(OURS, &request("open", 1, &[("send_date", "20261122")]));
    desk.pass(Duration::from_secs(10));
    let notices = desk.telegrams.split_off(1);
    let dated = notices.iter().map(|(_, notice)| raw(notice, "deposit", "send_date").to_vec());
    assert!(dated.clone().all(|date| date == b"20261122"), "{:?}", dated.collect::<Vec<_>>());
    assert_eq!(notices.iter().map(|(_, notice)| number(notice)).collect::<Vec<_>>(), ["000001", "000002", "000003"]);
}

#[test]
fn what_the_opening_started_ends_with_the_day() {
    let mut desk = Desk::new(&format!(
        "{OPEN}[[notice]]\nnotice = \"deposit\"\non = \"opened\"\nevery = \"1h\"\n[notice.set]\ncompany_no = {{ copy = \"company_no\" }}\nbank_code = {{ copy = \"bank_code\" }}"
    ));
    desk.open();
    desk.pass(Duration::from_secs(100 * 3_600));
    // It is 10:15:30: at that minute of each hour up to 23:15:30, the first included.
    assert_eq!(desk.telegrams.len(), 14);
}
