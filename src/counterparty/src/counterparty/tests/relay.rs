//! What a relay and the banks behind it do to an answer: another first, by another session, never.

use super::*;

fn codes(desk: &Desk) -> Vec<String> {
    desk.telegrams.iter().map(|(_, telegram)| String::from_utf8_lossy(&telegram[52..56]).into_owned()).collect()
}

#[test]
fn the_relay_answers_first_and_the_bank_later() {
    let mut desk = Desk::new(&format!(
        "{OPEN}{TRANSFER}[[reply.misbehave]]\ndo = \"relay_first\"\nresponse_code = \"VTIM\"\nafter = \"40s\"\n"
    ));
    desk.open();
    desk.send(OURS, &transfer(2));
    assert_eq!(codes(&desk), ["VTIM"]);
    assert!(desk.ledger().executed(&desk.key_of(&transfer(2))), "the money has moved");
    desk.pass(Duration::from_secs(40));
    assert_eq!(codes(&desk), ["VTIM", "0000"]);
    let conducts: Vec<_> = desk.request(&transfer(2)).answers.iter().map(|answer| answer.conduct).collect();
    assert_eq!(conducts, ["relay_first", "as it should"]);
}

#[test]
fn the_bank_may_refuse_what_the_relay_could_not_tell() {
    let mut desk = Desk::new(&format!(
        "{OPEN}{TRANSFER}[[reply.misbehave]]\ndo = \"relay_first\"\nresponse_code = \"VTIM\"\nafter = \"40s\"\nrefuses = \"0133\"\n"
    ));
    desk.open();
    desk.send(OURS, &transfer(2));
    desk.pass(Duration::from_secs(40));
    assert_eq!(codes(&desk), ["VTIM", "0133"]);
    let request = desk.request(&transfer(2));
    assert_eq!((request.executed, desk.ledger().participant(b"088").refused), (0, 1));
    // An inquiry reads the bank's answer, not the relay's.
    assert_eq!(&request.answer.as_ref().unwrap()[52..56], b"0133");
}

#[test]
fn an_answer_may_come_by_another_session() {
    let scenario = format!("[session]\nanswers = \"any\"\n{OPEN}{TRANSFER}");
    let mut desk = Desk::unconnected(&scenario, Settings::duplex(2), 7);
    let both = LineId(0);
    desk.connected(OURS, both);
    desk.connected(THEIRS, both);
    for number in 1..=4 {
        desk.send(OURS, &request(if number == 1 { "open" } else { "transfer" }, number, &[]));
    }
    let by: Vec<_> = desk.telegrams.iter().map(|(connection, _)| *connection).collect();
    assert_eq!(by, [OURS, THEIRS, OURS, THEIRS], "in turn, though all came by one");
}

#[test]
fn a_half_that_dies_carries_nothing_and_does_not_end() {
    let scenario =
        format!("[[session.misbehave]]\ndo = \"die\"\nafter = \"5s\"\ndirection = \"send\"\n{OPEN}{TRANSFER}");
    let mut desk = Desk::new(&scenario);
    desk.open();
    desk.pass(Duration::from_secs(5));
    desk.log.clear();
    desk.send(OURS, &transfer(2));
    desk.pass(Duration::from_secs(600));
    assert_eq!(desk.log, Vec::<String>::new(), "no bytes, no FIN, no RST");
    assert!(desk.ledger().executed(&desk.key_of(&transfer(2))));
    let request = desk.request(&transfer(2));
    assert_eq!((request.answers.len(), desk.ledger().totals().lost), (0, 1));
    // The other half lives: it hears, and answers poll telegrams.
    desk.send(OURS, b"HDRREQPOLL1121101530");
    assert_eq!(desk.telegrams.last().unwrap().1, b"HDRRESPOLL1121101530");
}

#[test]
fn a_dead_half_is_reset_in_the_end_and_made_again() {
    let scenario = format!(
        "[[session.misbehave]]\ndo = \"die\"\nafter = \"5s\"\nreset_after = \"60s\"\ndirection = \"send\"\n{OPEN}{TRANSFER}"
    );
    let mut desk = Desk::new(&scenario);
    let before = desk.connects;
    desk.pass(Duration::from_secs(64));
    assert_eq!(desk.connects, before);
    desk.pass(Duration::from_secs(10));
    assert!(desk.log.contains(&format!("reset {THEIRS}")), "{:?}", desk.log);
    assert_eq!(desk.connects, before + 1);
}

#[test]
fn a_transfer_that_succeeded_is_called_failed_in_part() {
    let mut desk = Desk::new(&format!(
        "{OPEN}{}
        [[notice]]
        name = \"part of it came back\"
        notice = \"transfer_fail\"
        on = \"executed\"
        reply = \"paid\"
        after = \"30s\"
        times = 2
        [notice.set]
        company_no = {{ copy = \"company_no\" }}
        bank_code = {{ copy = \"bank_code\" }}
        telegram_no = {{ sequence = 500_001, per = [\"send_date\", \"bank_code\", \"company_no\"] }}
        orig_tlg_no = {{ copy = \"telegram_no\" }}
        debit_account = {{ copy = \"debit_account\" }}
        credit_bank_code = {{ copy = \"credit_bank_code\" }}
        credit_account = {{ copy = \"credit_account\" }}
        req_amt = {{ copy = \"debit_amt\" }}
        fail_amt = {{ part = \"debit_amt\", percent = 40 }}
        ok_amt = {{ rest = \"debit_amt\", percent = 40 }}
        split_cnt = 2
        split_no = {{ sequence = 1, per = [\"send_date\", \"bank_code\", \"orig_tlg_no\"] }}",
        TRANSFER.replace("[[reply]]", "[[reply]]\nname = \"paid\"")
    ));
    desk.open();
    desk.ask(&request("transfer", 7, &[("debit_amt", "150001")]));
    desk.pass(Duration::from_secs(30));
    let read = |name: &str| -> Vec<String> {
        let text = |(_, telegram): &(Connection, Vec<u8>)| {
            String::from_utf8_lossy(raw(telegram, "transfer_fail", name)).into_owned()
        };
        desk.telegrams.iter().map(text).collect()
    };
    assert_eq!(read("message_type"), ["3000", "3000"]);
    assert_eq!(read("telegram_no"), ["500001", "500002"]);
    assert_eq!(read("orig_tlg_no"), ["000007", "000007"]);
    assert_eq!(read("split_no"), ["01", "02"]);
    assert_eq!(read("req_amt")[0], "0000000150001");
    // Two fifths of 150,001 are 60,000 and a bit; both make the whole.
    assert_eq!((&*read("fail_amt")[0], &*read("ok_amt")[0]), ("0000000060000", "0000000090001"));
}

#[test]
fn what_is_refused_is_not_called_failed_later() {
    let notice = "[[notice]]\nnotice = \"deposit\"\non = \"executed\"\nreply = \"paid\"\n[notice.set]\ncompany_no = { copy = \"company_no\" }\nbank_code = { copy = \"bank_code\" }\n";
    let paid = TRANSFER.replace("[[reply]]", "[[reply]]\nname = \"paid\"");
    let mut desk =
        Desk::new(&format!("{OPEN}{paid}[[reply.misbehave]]\ndo = \"refuse\"\nresponse_code = \"0133\"\n{notice}"));
    desk.open();
    desk.send(OURS, &transfer(2));
    desk.pass(Duration::from_secs(1));
    assert_eq!(codes(&desk), ["0133"]);
}

#[test]
fn one_start_in_so_many_makes_a_notice() {
    let notice = "[[notice]]\nnotice = \"deposit\"\non = \"reply\"\nreply = \"paid\"\none_in = 4\n[notice.set]\ncompany_no = { copy = \"company_no\" }\nbank_code = { copy = \"bank_code\" }\n";
    let paid = TRANSFER.replace("[[reply]]", "[[reply]]\nname = \"paid\"");
    let mut desk = Desk::new(&format!("{OPEN}{paid}{notice}"));
    desk.open();
    for number in 2..402 {
        desk.send(OURS, &transfer(number));
    }
    desk.pass(Duration::from_secs(1));
    let notices = desk.ledger().totals().issued;
    assert!((70..130).contains(&notices), "about 100 of 400, not {notices}");
}
