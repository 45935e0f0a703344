use super::*;

const DEPOSIT: &str = "[[notice]]
name = \"deposit\"
notice = \"deposit\"
";
const SET: &str = "
[notice.set]
company_no = { copy = \"company_no\" }
bank_code = { copy = \"bank_code\" }
telegram_no = { sequence = 1, per = [\"send_date\", \"bank_code\", \"company_no\"] }
tx_amt = 33000
counterparty_name = \"홍길동\"
tx_date = { now = \"YYYYMMDD\" }
";

fn desk(lines: &str) -> Desk {
    Desk::new(&format!("{OPEN}{TRANSFER}{DEPOSIT}{lines}{SET}"))
}

/// The gateway's reply to a notice.
fn reply_to(notice: &[u8]) -> Vec<u8> {
    let mut reply = notice.to_vec();
    reply[24..28].copy_from_slice(b"4100");
    reply[52..56].copy_from_slice(b"0000");
    reply
}

#[test]
fn a_notice_follows_the_opening() {
    let mut desk = desk("on = \"opened\"\nafter = \"2s\"");
    desk.open();
    desk.pass(Duration::from_millis(1_999));
    assert_eq!(desk.telegrams, []);
    desk.pass(Duration::from_millis(1));
    let (connection, notice) = desk.telegrams.pop().unwrap();
    assert_eq!(connection, THEIRS);
    let read = |name| raw(&notice, "deposit", name).to_vec();
    assert_eq!(read("message_type"), b"4000");
    assert_eq!(read("telegram_no"), b"000001");
    assert_eq!((read("send_date"), read("send_time")), (b"20261121".to_vec(), b"101532".to_vec()));
    assert_eq!(read("company_no"), b"PABAL01     ");
    assert_eq!(read("send_count"), b"1");
    // 홍길동 in EUC-KR.
    assert_eq!(read("counterparty_name"), b"\xC8\xAB\xB1\xE6\xB5\xBF      ");
    assert_eq!(read("tx_date"), b"20261121");

    desk.send(OURS, &reply_to(&notice));
    let (_, record) = desk.ledger().notices().next().unwrap();
    assert_eq!((record.sent, record.replies.len()), (1, 1));
    assert_eq!(desk.ledger().totals().notice_replies, 1);
}

#[test]
fn an_unanswered_notice_is_sent_again_with_its_count() {
    let mut desk = desk("on = \"opened\"\nresend = { after = \"60s\", times = 2, count_in = \"send_count\" }");
    desk.open();
    desk.pass(Duration::from_secs(600));
    let counts: Vec<_> =
        desk.telegrams.iter().map(|(_, notice)| raw(notice, "deposit", "send_count").to_vec()).collect();
    assert_eq!(counts, [b"1", b"2", b"3"]);
    let numbers = desk.telegrams.iter().map(|(_, notice)| raw(notice, "deposit", "telegram_no").to_vec());
    assert!(numbers.clone().all(|number| number == b"000001"), "{:?}", numbers.collect::<Vec<_>>());
    assert_eq!(desk.ledger().notices().next().unwrap().1.sent, 3);
}

#[test]
fn an_answered_notice_is_not_sent_again() {
    let mut desk = desk("on = \"opened\"\nresend = { after = \"60s\", times = 2 }");
    desk.open();
    desk.pass(Duration::from_secs(1));
    let (_, notice) = desk.telegrams.pop().unwrap();
    desk.send(OURS, &reply_to(&notice));
    desk.pass(Duration::from_secs(600));
    assert_eq!(desk.telegrams, []);
}

#[test]
fn notices_are_numbered_for_each_bank() {
    let mut desk = desk("on = \"opened\"\nevery = \"10s\"\ntimes = 3");
    desk.open();
    desk.send(OURS, &request("open", 2, &[("bank_code", "004")]));
    desk.telegrams.clear();
    desk.pass(Duration::from_secs(100));
    let read = |(_, notice): &(Connection, Vec<u8>)| {
        let text = |name| String::from_utf8_lossy(raw(notice, "deposit", name)).into_owned();
        text("bank_code") + " " + &text("telegram_no")
    };
    let mut numbers: Vec<_> = desk.telegrams.iter().map(read).collect();
    numbers.sort();
    // The first of 088 was sent at the opening.
    assert_eq!(numbers, ["004 000002", "004 000003", "088 000002", "088 000003"]);
}

#[test]
fn a_trigger_waits_for_an_opening() {
    let mut desk = desk("on = \"trigger\"");
    assert!(!desk.counterparty.trigger("deposit", desk.now));
    desk.open();
    assert!(!desk.counterparty.trigger("unheard of", desk.now));
    assert!(desk.counterparty.trigger("deposit", desk.now));
    desk.pass(Duration::ZERO);
    assert_eq!(desk.telegrams.len(), 1);
    assert_eq!(desk.counterparty.scenario().triggers().collect::<Vec<_>>(), ["deposit"]);
}

#[test]
fn a_notice_follows_the_request_that_a_reply_fits() {
    let scenario = format!(
        "{OPEN}[[reply]]\nname = \"paid\"\nexchange = \"transfer\"\nexecutes = true\nresponse_code = \"0000\"
        {DEPOSIT}on = \"reply\"\nreply = \"paid\"\nafter = \"1s\"{SET}tx_account = {{ copy = \"request.credit_account\" }}\n"
    );
    let mut desk = Desk::new(&scenario);
    desk.open();
    desk.ask(&transfer(2));
    desk.pass(Duration::from_secs(1));
    assert_eq!(raw(&desk.telegrams[0].1, "deposit", "tx_account"), b"94320201234567 ");
}

#[test]
fn a_notice_waits_for_a_session() {
    let mut desk = Desk::unconnected(&format!("{OPEN}{DEPOSIT}on = \"opened\"{SET}"), Settings::pair(1), 7);
    desk.connected(OURS, REQUESTS);
    desk.send(OURS, &request("open", 1, &[]));
    assert_eq!(desk.telegrams, []);
    assert_eq!(desk.ledger().totals().notices, 0);
    desk.connected(THEIRS, ANSWERS);
    // The answer to the opening waited, too.
    let types: Vec<_> = desk.telegrams.iter().map(|(_, telegram)| telegram[24..28].to_vec()).collect();
    assert_eq!(types, [b"1100", b"4000"]);
}

#[test]
fn a_reply_to_no_notice_is_strange() {
    let mut desk = desk("on = \"opened\"");
    desk.open();
    let (_, notice) = desk.telegrams.pop().unwrap();
    let mut reply = reply_to(&notice);
    reply[32..38].copy_from_slice(b"777777");
    desk.send(OURS, &reply);
    assert_eq!(desk.ledger().totals().strangers, 1);
    assert_eq!(desk.ledger().totals().notice_replies, 0);
}

#[test]
fn notices_misbehave_too() {
    let mut desk = Desk::new(&format!(
        "{OPEN}{DEPOSIT}on = \"trigger\"{SET}[[notice.misbehave]]\ndo = \"alter\"\nset.tx_amt = {{ hex = \"{}\" }}\n",
        "41".repeat(13)
    ));
    desk.open();
    desk.counterparty.trigger("deposit", desk.now);
    desk.pass(Duration::ZERO);
    assert_eq!(raw(&desk.telegrams[0].1, "deposit", "tx_amt"), [b'A'; 13]);
    assert_eq!(desk.ledger().totals().notices, 1);
}
