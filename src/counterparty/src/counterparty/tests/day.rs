//! The day that `pabal demo --day` plays, from the banks' side.

use super::*;

const BANKS: [&str; 36] = [
    "002", "003", "004", "005", "007", "011", "020", "023", "027", "031", "032", "034", "035", "037", "039", "045",
    "048", "050", "064", "071", "081", "088", "089", "090", "092", "103", "209", "238", "240", "243", "247", "266",
    "267", "278", "280", "287",
];

/// It is so late, on the day after the desk's.
fn morning(hour: u64, minute: u64) -> Desk {
    // Nobody here answers its poll telegrams.
    let scenario = shipped("day").replace("sends = true", "sends = false");
    let mut desk = Desk::unconnected(&scenario, Settings::pair(1), 7);
    // The desk begins at 10:15:30.
    desk.pass(Duration::from_secs(86_400 - (10 * 3_600 + 15 * 60 + 30) + hour * 3_600 + minute * 60));
    desk.connected(OURS, REQUESTS);
    desk.connected(THEIRS, ANSWERS);
    desk
}

fn of(exchange: &str, number: u32, bank: &str) -> Vec<u8> {
    let mut values = vec![("bank_code", bank), ("send_date", "20261122")];
    values.extend((exchange == "deposit_gap").then_some(("tx_date", "20261122")));
    request(exchange, number, &values)
}

/// Asks, lets a second pass, and gives back what the answer says, of all that came meanwhile.
fn code(desk: &mut Desk, telegram: &[u8]) -> String {
    desk.send(OURS, telegram);
    desk.pass(Duration::from_secs(1));
    let key = desk.key_of(telegram);
    let answer = desk.telegrams.iter().rev().find(|(_, answer)| desk.key_of(answer) == key);
    String::from_utf8_lossy(&answer.expect("an answer").1[52..56]).into_owned()
}

fn open_all(desk: &mut Desk, first: u32) -> Vec<String> {
    let said = BANKS.map(|bank| (bank, code(desk, &of("open", first, bank))));
    said.into_iter().filter(|(_, code)| code != "0000").map(|(bank, code)| format!("{bank} {code}")).collect()
}

#[test]
fn thirty_three_banks_open_at_five_past_midnight() {
    let mut desk = morning(0, 5);
    assert_eq!(open_all(&mut desk, 1), ["020 A801", "081 U121", "266 0816"]);
    let opened = desk.ledger().by_participant().filter(|(_, tally)| tally.openings == 1).count();
    assert_eq!(opened, 34);
    desk.pass(Duration::from_secs(25 * 60));
    assert_eq!(code(&mut desk, &of("open", 2, "020")), "0000");
    assert_eq!(code(&mut desk, &of("open", 2, "004")), "0000", "open already");
    assert_eq!(desk.ledger().participant(b"004").already_open, 1);
}

#[test]
fn each_bank_tells_of_its_deposits_and_some_of_them_in_a_way_of_their_own() {
    let mut desk = morning(0, 30);
    open_all(&mut desk, 1);
    // 15:25 or so.
    desk.pass(Duration::from_secs(14 * 3_600 + 55 * 60));
    for bank in BANKS {
        let tally = desk.ledger().participant(bank.as_bytes());
        let special = u64::from(["088", "027", "002", "004"].contains(&bank)) + 2 * u64::from(bank == "005");
        // The first within three hours, and one each three hours: the fifth before 14:50 from the opening, the sixth after 15:55.
        assert_eq!(tally.issued - special, 5, "{bank}: {tally:?}");
        assert_eq!(tally.withheld, u64::from(["088", "027"].contains(&bank)), "{bank}");
        assert_eq!(tally.skipped, u64::from(bank == "002"), "{bank}");
        assert_eq!(tally.repeated, u64::from(bank == "004"), "{bank}");
    }
    let numbers: Vec<_> = desk
        .telegrams
        .iter()
        .filter(|(_, notice)| notice.starts_with(b"HFB000001") && &notice[21..28] == b"0054000")
        .map(|(_, notice)| String::from_utf8_lossy(&notice[32..38]).into_owned())
        .collect();
    let mut sorted = numbers.clone();
    sorted.sort();
    assert_eq!(sorted.len(), 7);
    assert_ne!(numbers, sorted, "one is overtaken");
}

#[test]
fn holes_are_filled_from_the_book_afresh_or_not_at_all() {
    let mut desk = morning(0, 30);
    open_all(&mut desk, 1);
    desk.pass(Duration::from_secs(14 * 3_600));
    let hole = |desk: &Desk, bank: &str| {
        let keys = desk.ledger().notices().filter(|(_, notice)| notice.sent == 0);
        let key = keys.map(|(key, _)| key.to_string()).find(|key| key.contains(&format!(" {bank} "))).unwrap();
        key.rsplit(' ').next().unwrap().parse::<u32>().unwrap()
    };
    let (of_088, of_027) = (hole(&desk, "088"), hole(&desk, "027"));
    assert_eq!(code(&mut desk, &of("deposit_gap", of_088, "088")), "0000");
    desk.telegrams.clear();
    code(&mut desk, &of("deposit_gap", of_027, "027"));
    assert_eq!(&desk.telegrams[0].1[24..31], b"4000100", "the notice itself");
    // 002 leaves one number out: the book has all but that.
    let given: Vec<_> = desk.ledger().notices().map(|(key, _)| key.to_string()).collect();
    let missing = (1..7).find(|number| !given.iter().any(|key| key.ends_with(&format!("002 PABAL01 {number:06}"))));
    assert_eq!(code(&mut desk, &of("deposit_gap", missing.unwrap(), "002")), "0100");
}

#[test]
fn the_account_decides_what_becomes_of_a_transfer() {
    let mut desk = morning(14, 0);
    open_all(&mut desk, 1);
    let to = |number: u32, bank: &str, account: &str| {
        request(
            "transfer",
            number,
            &[("bank_code", bank), ("send_date", "20261122"), ("credit_account", account), ("debit_amt", "100000")],
        )
    };
    let types = |desk: &mut Desk, telegram: &[u8], seconds: u64| {
        desk.telegrams.clear();
        desk.send(OURS, telegram);
        desk.pass(Duration::from_secs(seconds));
        let bank = &telegram[21..24];
        let own = desk.telegrams.iter().filter(|(_, told)| &told[21..24] == bank && &told[24..26] != b"40");
        own.map(|(_, told)| String::from_utf8_lossy(&[&told[24..28], b" ", &told[52..56]].concat()).into_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(types(&mut desk, &to(2, "071", "1"), 60), Vec::<String>::new(), "silent until 14:20");
    assert_eq!(types(&mut desk, &to(2, "003", "94320299999999"), 60), Vec::<String>::new());
    assert_eq!(types(&mut desk, &to(3, "003", "94320288888888"), 66), ["2100 VTIM", "2100 0000"]);
    assert_eq!(types(&mut desk, &to(4, "003", "94320277777777"), 601), ["2100 0000", "3000     "]);
    let failed = desk.ledger().notices().find(|(_, notice)| &*notice.name == "not credited after all").unwrap();
    assert_eq!(raw(&failed.1.telegram, "transfer_fail", "fail_amt"), b"0000000100000");
    assert_eq!(raw(&failed.1.telegram, "transfer_fail", "orig_tlg_no"), b"000004");
    assert_eq!(types(&mut desk, &to(5, "003", "94320266666666"), 601), ["2100 0000", "3000     "]);
    desk.pass(Duration::from_secs(600));
    assert_eq!(types(&mut desk, &to(3, "071", "1"), 60), ["2100 0000"]);
}
