use super::*;

#[test]
fn a_transfer_is_answered_and_the_money_moves() {
    let mut desk = Desk::new(shipped("normal"));
    desk.open();
    let transfer = transfer(2);
    let answer = desk.ask(&transfer);
    assert_eq!(raw(&answer, "transfer", "message_type"), b"2100");
    assert_eq!(raw(&answer, "transfer", "service_code"), b"100");
    assert_eq!(field(&answer, "transfer", "response_code"), "0000");
    // Echoed, as the spec says.
    for name in ["id_code", "company_no", "bank_code", "telegram_no", "send_date", "send_time"] {
        assert_eq!(raw(&answer, "transfer", name), raw(&transfer, "transfer", name), "{name}");
    }
    // Filled by the answerer; what only the asker fills is left out.
    assert_eq!(field(&answer, "transfer", "balance_sign"), "+");
    assert_eq!(raw(&answer, "transfer", "balance_after"), b"0000008715300");
    assert_eq!(raw(&answer, "transfer", "fee"), b"000000500");
    assert_eq!(raw(&answer, "transfer", "debit_account"), [b' '; 15]);
    assert_eq!(raw(&answer, "transfer", "debit_amt"), [b'0'; 13]);

    let request = desk.request(&transfer);
    assert_eq!((request.received, request.executed, request.received_bytes), (1, 1, 304));
    assert_eq!(request.amount, Some(pabal_telegram::Decimal::whole(150_000)));
    assert_eq!(request.answers.len(), 1);
    assert_eq!(*request.answers[0].response_code, *b"0000");
    assert_eq!(desk.ledger().totals().amount, 150_000);
    // The answer went by the session that the institution opened.
    assert_eq!(desk.log.last().unwrap(), "send 2 304");
}

#[test]
fn what_is_made_has_no_fault() {
    let mut desk = Desk::new(shipped("normal"));
    desk.open();
    let protocol = hecto::protocol();
    let answer = desk.ask(&transfer(2));
    let (_, layout) = protocol.catalog.find("transfer").unwrap();
    assert_eq!(Telegram::new(layout, &answer, Side::Answerer).faults(), []);
    let answer = desk.ask(&request("transfer_result", 3, &[("orig_tlg_no", "2")]));
    let (_, layout) = protocol.catalog.find("transfer_result").unwrap();
    assert_eq!(Telegram::new(layout, &answer, Side::Answerer).faults(), []);
    assert!(desk.counterparty.trigger("deposit", desk.now));
    desk.pass(Duration::ZERO);
    let (_, notice) = desk.telegrams.pop().unwrap();
    let (_, layout) = protocol.catalog.find("deposit").unwrap();
    assert_eq!(Telegram::new(layout, &notice, Side::Asker).faults(), []);
}

#[test]
fn business_before_the_opening_is_not_open() {
    let mut desk = Desk::new(shipped("normal"));
    let answer = desk.ask(&transfer(2));
    assert_eq!(field(&answer, "transfer", "response_code"), "U114");
    assert!(!desk.ledger().executed(&desk.key_of(&transfer(2))));
    let other = desk.ask(&request("transfer", 3, &[("bank_code", "004")]));
    assert_eq!(field(&other, "transfer", "response_code"), "0102");
}

#[test]
fn an_opening_holds_for_its_bank_and_its_date() {
    let mut desk = Desk::new(shipped("normal"));
    desk.open();
    assert_eq!(field(&desk.ask(&transfer(2)), "transfer", "response_code"), "0000");
    let other_bank = request("transfer", 3, &[("bank_code", "011")]);
    assert_eq!(field(&desk.ask(&other_bank), "transfer", "response_code"), "0102");
    // 10:15:30 until midnight.
    desk.pass(Duration::from_secs(13 * 3_600 + 44 * 60 + 30));
    assert_eq!(field(&desk.ask(&transfer(4)), "transfer", "response_code"), "U114");
}

#[test]
fn a_duplicate_is_refused_and_never_executed_again() {
    let mut desk = Desk::new(shipped("normal"));
    desk.open();
    desk.ask(&transfer(2));
    let second = desk.ask(&request("transfer", 2, &[("debit_amt", "1")]));
    assert_eq!(field(&second, "transfer", "response_code"), "SB09");
    let request = desk.request(&transfer(2));
    assert_eq!((request.received, request.executed, request.differs), (2, 1, true));
    assert_eq!(desk.ledger().totals().amount, 150_000);
}

#[test]
fn without_a_rule_a_duplicate_is_not_answered() {
    let mut desk = Desk::new(&format!("{OPEN}{TRANSFER}"));
    desk.open();
    desk.ask(&transfer(2));
    desk.send(OURS, &transfer(2));
    assert_eq!(desk.telegrams, []);
    assert_eq!(desk.events.last().unwrap().to_string(), "20261121 088 PABAL01 000002 not answered (duplicate found)");
}

#[test]
fn an_institution_that_finds_no_duplicates_pays_twice() {
    let mut desk = Desk::new(&format!("{OPEN}{TRANSFER}[duplicate]\nexecutes = true\n"));
    desk.open();
    desk.ask(&transfer(2));
    desk.send(OURS, &transfer(2));
    assert_eq!(desk.request(&transfer(2)).executed, 2);
    assert_eq!(desk.ledger().totals().amount, 300_000);
}

#[test]
fn faulty_fields_are_refused() {
    let mut desk = Desk::new(shipped("normal"));
    desk.open();
    let mut telegram = transfer(2);
    // Letters in the amount, at offset 129.
    telegram[130..133].copy_from_slice(b"ABC");
    let answer = desk.ask(&telegram);
    assert_eq!(field(&answer, "transfer", "response_code"), "U107");
    let request = desk.request(&telegram);
    assert_eq!((request.executed, request.faults.len()), (0, 1));
    assert!(request.faults[0].contains("debit_amt"), "{}", request.faults[0]);
    assert_eq!(desk.ledger().totals().faulty, 1);
}

#[test]
fn the_first_reply_that_fits_is_taken() {
    let scenario = format!(
        "{OPEN}
        [[reply]]\nname = \"range\"\nexchange = \"transfer\"\nmatch.debit_amt = {{ from = 1000, to = 1999 }}\nresponse_code = \"A001\"
        [[reply]]\nname = \"one of\"\nexchange = \"transfer\"\nmatch.credit_bank_code = [\"011\", \"020\"]\nresponse_code = \"A002\"
        [[reply]]\nname = \"both\"\nexchange = \"transfer\"\nresponse_code = \"A003\"
        [reply.match]\ncredit_account = \"1\"\ndebit_amt = 7
        [[reply]]\nname = \"second\"\nexchange = \"transfer\"\nskip = 1\nfirst = 1\nresponse_code = \"A004\"
        [[reply]]\nname = \"rest\"\nexchange = \"transfer\"\nresponse_code = {{ \"088\" = \"A088\", other = \"A005\" }}
        "
    );
    let mut desk = Desk::new(&scenario);
    desk.open();
    let mut number = 1;
    let mut check = |values: &[(&str, &str)], expected: &str| {
        number += 1;
        let answer = desk.ask(&request("transfer", number, values));
        assert_eq!(field(&answer, "transfer", "response_code"), expected, "{values:?}");
    };
    check(&[("debit_amt", "1000")], "A001");
    check(&[("debit_amt", "1999")], "A001");
    check(&[("debit_amt", "2000"), ("credit_bank_code", "020")], "A002");
    // Accounts are equal whatever spaces are behind them.
    check(&[("debit_amt", "7"), ("credit_account", "1")], "A003");
    // The first that comes as far as `second` is skipped, the next one is not, and then it is used up.
    check(&[("debit_amt", "7"), ("credit_account", "2")], "A088");
    check(&[("debit_amt", "999")], "A004");
    check(&[("bank_code", "004")], "A005");
    check(&[], "A088");
}

#[test]
fn a_request_that_no_reply_fits_is_not_answered() {
    let mut desk = Desk::new(OPEN);
    desk.open();
    desk.send(OURS, &transfer(2));
    assert_eq!(desk.telegrams, []);
    assert_eq!(desk.request(&transfer(2)).reply, None);
    assert_eq!(desk.events.last().unwrap().to_string(), "20261121 088 PABAL01 000002 not answered (no reply matches)");
}

fn inquiry(desk: &mut Desk, number: u32, about: &str) -> Vec<u8> {
    let answer = desk.ask(&request("transfer_result", number, &[("orig_tlg_no", about)]));
    assert_eq!(field(&answer, "transfer_result", "response_code"), "0000");
    answer
}

#[test]
fn an_inquiry_is_answered_from_the_ledger() {
    let mut desk = Desk::new(shipped("demo"));
    desk.open();
    let silent = request("transfer", 2, &[("credit_account", "94320299999999")]);
    desk.send(OURS, &silent);
    assert_eq!(desk.telegrams, []);
    assert!(desk.ledger().executed(&desk.key_of(&silent)));
    let result = |answer: &[u8], name: &str| field(answer, "transfer_result", name);

    let answer = inquiry(&mut desk, 3, "2");
    assert_eq!(result(&answer, "proc_result"), "0000");
    assert_eq!(result(&answer, "debit_account"), "110123456789");
    assert_eq!(result(&answer, "credit_account"), "94320299999999");
    assert_eq!(result(&answer, "credit_bank_code"), "004");
    assert_eq!((result(&answer, "req_amt"), result(&answer, "ok_amt")), ("150000".into(), "150000".into()));
    // From the answer that was made, though it was never sent.
    assert_eq!(result(&answer, "fee"), "500");
    assert_eq!(result(&answer, "transfer_time"), "101530");

    let refused = desk.ask(&request("transfer", 4, &[("debit_amt", "10000001")]));
    assert_eq!(field(&refused, "transfer", "response_code"), "0404");
    let answer = inquiry(&mut desk, 5, "4");
    assert_eq!(result(&answer, "proc_result"), "0404");
    assert_eq!((result(&answer, "ok_amt"), result(&answer, "fail_amt")), ("0".into(), "10000001".into()));

    // Nothing has this number; the inquiry of number 5 is no transfer.
    assert_eq!(result(&inquiry(&mut desk, 6, "999"), "proc_result"), "NREC");
    assert_eq!(result(&inquiry(&mut desk, 7, "5"), "proc_result"), "NREC");
}

#[test]
fn the_demo_has_its_three_outcomes_and_a_notice() {
    let mut desk = Desk::new(shipped("demo"));
    desk.open();
    assert_eq!(field(&desk.ask(&transfer(2)), "transfer", "response_code"), "0000");
    for (bank, code) in [("004", "7406"), ("011", "0136"), ("088", "0404")] {
        desk.send(OURS, &request("open", 10, &[("bank_code", bank)]));
        desk.telegrams.clear();
        let answer = desk.ask(&request("transfer", 11, &[("bank_code", bank), ("debit_amt", "10000001")]));
        assert_eq!(field(&answer, "transfer", "response_code"), code);
        // The spec's own table must call it a refusal, else the demo would end with UNKNOWN.
        let verdict = hecto::protocol().rules.verdicts.verdict(bank.as_bytes(), "transfer", code.as_bytes());
        assert_eq!(verdict, pabal_spec::Verdict::Refused, "{bank} {code}");
    }
    desk.telegrams.clear();
    desk.pass(Duration::from_millis(500));
    let notices: Vec<_> = desk.ledger().notices().collect();
    assert!(!notices.is_empty());
}

#[test]
fn business_can_be_lost() {
    let scenario = format!(
        "{OPEN}[business]\nnot_open = \"U114\"\n
        [[reply]]\nexchange = \"transfer\"\nfirst = 1\ncloses_business = true\nresponse_code = \"U114\"\n{TRANSFER}"
    );
    let mut desk = Desk::new(&scenario);
    desk.open();
    for number in 2..4 {
        assert_eq!(field(&desk.ask(&transfer(number)), "transfer", "response_code"), "U114");
    }
    desk.send(OURS, &request("open", 4, &[]));
    desk.telegrams.clear();
    assert_eq!(field(&desk.ask(&transfer(5)), "transfer", "response_code"), "0000");
}

#[test]
fn all_shipped_scenarios_are_right() {
    for name in ["normal", "demo", "silent", "hostile"] {
        Desk::new(shipped(name)).open_somehow();
    }
}

impl Desk {
    /// Hostile institutions may not answer; the opening is made all the same.
    fn open_somehow(&mut self) {
        self.send(OURS, &request("open", 1, &[]));
        assert_eq!(self.ledger().totals().requests, 1);
    }
}

#[test]
fn sequences_count_for_each_scope() {
    let scenario = format!(
        "{OPEN}[[reply]]\nexchange = \"transfer\"\nresponse_code = \"0000\"
        [reply.set]\nfee = {{ sequence = 10, step = 5, per = [\"bank_code\"] }}\nbalance_after = {{ copy = \"debit_amt\" }}\n"
    );
    let mut desk = Desk::new(&scenario);
    desk.open();
    let mut fee = |number, bank| {
        let answer = desk.ask(&request("transfer", number, &[("bank_code", bank)]));
        assert_eq!(field(&answer, "transfer", "balance_after"), "150000");
        field(&answer, "transfer", "fee")
    };
    assert_eq!([fee(2, "088"), fee(3, "004"), fee(4, "088"), fee(5, "088")], ["10", "10", "15", "20"]);
}

#[test]
fn a_range_without_a_beginning_has_every_number_below_its_end() {
    let reserved = "  fund_type                    X(2)        by asker?    public    \"자금성격구분\"\n  reserved                     filler(53)               public    \"예비\"\n";
    let signed = reserved.replace(
        "  reserved                     filler(53)",
        "  correction S9(7) sign leading by asker? public unset space \"정정액\"\n  reserved filler(45)",
    );
    let protocol = hecto::changed(reserved, &signed);
    let scenario = format!(
        "{OPEN}
        [[reply]]\nexchange = \"transfer\"\nmatch.correction = {{ to = -1 }}\nresponse_code = \"A001\"
        [[reply]]\nexchange = \"transfer\"\nmatch.correction = {{ from = -1, to = 5 }}\nresponse_code = \"A002\"
        [[reply]]\nexchange = \"transfer\"\nresponse_code = \"A003\"
        "
    );
    let mut desk = Desk::speaking(protocol, &scenario, Settings::pair(1), 7);
    desk.connected(OURS, REQUESTS);
    desk.connected(THEIRS, ANSWERS);
    desk.open();
    let mut number = 1;
    let mut check = |correction: &[u8; 8], expected: &str| {
        number += 1;
        let mut telegram = transfer(number);
        telegram[247..255].copy_from_slice(correction);
        assert_eq!(field(&desk.ask(&telegram), "transfer", "response_code"), expected, "{number}");
    };
    check(b"-0000005", "A001");
    check(b"+0000000", "A002");
    check(b"+0000006", "A003");
    // What is left out is no number.
    check(b"        ", "A003");
}
