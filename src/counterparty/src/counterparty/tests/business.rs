//! Openings: banks that open late, close early, forget, or are open already.

use super::*;

fn desk(hours: &str) -> Desk {
    Desk::new(&format!(
        "[business]\nnot_open = \"0102\"\nclosed = \"0103\"\nalready_open = \"0816\"\n{hours}\n{OPEN}{TRANSFER}"
    ))
}

fn code(answer: &[u8]) -> &str {
    core::str::from_utf8(&answer[52..56]).unwrap()
}

/// What an opening and a transfer of this bank are answered.
fn asked(desk: &mut Desk, bank: &str, number: u32) -> String {
    let opening = desk.ask(&request("open", number, &[("bank_code", bank)]));
    let transfer = desk.ask(&request("transfer", number + 1, &[("bank_code", bank)]));
    format!("{} {}", code(&opening), code(&transfer))
}

#[test]
fn a_bank_that_opens_late_is_closed_before_its_time() {
    // It is 10:15:30.
    let mut desk = desk("[[business.hours]]\nparticipants = [\"004\"]\nfrom = \"10:16\"");
    assert_eq!(asked(&mut desk, "004", 1), "0103 0102");
    assert_eq!(asked(&mut desk, "088", 3), "0000 0000", "others have no hours");
    desk.pass(Duration::from_secs(30));
    assert_eq!(asked(&mut desk, "004", 5), "0000 0000");
    let tally = desk.ledger().participant(b"004");
    assert_eq!((tally.openings, tally.openings_refused), (1, 1));
    assert_eq!((tally.executed, tally.refused, tally.not_open), (1, 1, 1));
    assert_eq!(desk.ledger().participant(b"088").refused, 0);
}

#[test]
fn a_bank_closes_for_the_day() {
    let mut desk = desk("[[business.hours]]\nuntil = \"10:20\"");
    assert_eq!(asked(&mut desk, "004", 1), "0000 0000");
    desk.pass(Duration::from_secs(4 * 60 + 29));
    assert_eq!(code(&desk.ask(&transfer(3)).clone()), "0102", "088 was never opened");
    let answer = desk.ask(&request("transfer", 4, &[("bank_code", "004")]));
    assert_eq!(code(&answer), "0000", "10:19:59");
    desk.pass(Duration::from_secs(1));
    assert_eq!(asked(&mut desk, "004", 5), "0103 0102");
}

#[test]
fn a_bank_forgets_its_opening_and_takes_another() {
    let mut desk = desk("[[business.hours]]\nforgets = [\"10:15:40\"]");
    assert_eq!(asked(&mut desk, "004", 1), "0000 0000");
    desk.pass(Duration::from_secs(9));
    assert_eq!(asked(&mut desk, "004", 3), "0816 0000");
    desk.pass(Duration::from_secs(1));
    assert_eq!(code(&desk.ask(&request("transfer", 5, &[("bank_code", "004")])).clone()), "0102");
    assert_eq!(asked(&mut desk, "004", 6), "0000 0000", "10:15:40 is over");
    let tally = desk.ledger().participant(b"004");
    assert_eq!((tally.openings, tally.already_open), (2, 1));
}

#[test]
fn everything_is_closed_when_the_date_changes() {
    let mut desk = desk("[[business.hours]]\nfrom = \"00:20\"");
    assert_eq!(asked(&mut desk, "004", 1), "0000 0000");
    // 23:59:59, then 00:00:00, then 00:20:00.
    desk.pass(Duration::from_secs(13 * 3_600 + 44 * 60 + 29));
    assert_eq!(code(&desk.ask(&request("transfer", 3, &[("bank_code", "004")])).clone()), "0000");
    desk.pass(Duration::from_secs(1));
    let (next, noon) = (("send_date", "20261122"), ("bank_code", "004"));
    assert_eq!(code(&desk.ask(&request("transfer", 1, &[next, noon])).clone()), "0102");
    assert_eq!(code(&desk.ask(&request("open", 2, &[next, noon])).clone()), "0103");
    desk.pass(Duration::from_secs(20 * 60));
    assert_eq!(code(&desk.ask(&request("open", 3, &[next, noon])).clone()), "0000");
}

#[test]
fn a_reply_holds_at_its_time_of_day_only() {
    let mut desk = Desk::new(&format!(
        "{OPEN}[[reply]]\nname = \"lunch\"\nexchange = \"transfer\"\nbetween = [\"10:16\", \"10:17\"]\nresponse_code = \"0003\"\n{TRANSFER}"
    ));
    desk.open();
    for (number, seconds, expected) in [(2, 29, "0000"), (3, 1, "0003"), (4, 59, "0003"), (5, 1, "0000")] {
        desk.pass(Duration::from_secs(seconds));
        assert_eq!(code(&desk.ask(&transfer(number)).clone()), expected, "number {number}");
    }
}
