use pabal_telegram::Fault;

use super::*;

const RESERVED: &str = "  van_area3      filler(18)      echo in reply to notice  public  \"예비영역3\"\n";
const COMPUTED: &str = "  \
  total         9(4)       public  length of telegram               \"전문길이\"
  number_digit  code(1)    public  check luhn of telegram_no        \"번호검증\"
  header_crc    X(4)       public  crc16 arc of id_code..number_digit  \"헤더검증\"
  van_area3     filler(9)  echo in reply to notice  public          \"예비영역3\"
";

/// An institution whose header says how long it is, checks its number and sums itself up.
fn desk(scenario: &str) -> Desk {
    let protocol = hecto::changed(RESERVED, COMPUTED);
    let mut desk = Desk::speaking(protocol, scenario, Settings::pair(1), 7);
    desk.connected(OURS, REQUESTS);
    desk.connected(THEIRS, ANSWERS);
    desk.open();
    desk
}

/// What is wrong with a telegram: faults of what is computed.
fn wrong(desk: &Desk, telegram: &[u8], side: Side) -> Vec<String> {
    let catalog = &desk.counterparty.protocol().catalog;
    let layout = catalog.layout(catalog.select(telegram).unwrap());
    let faults = Telegram::new(layout, telegram, side).faults();
    let computed = faults.iter().filter(|fault| ["T50", "T51"].contains(&fault.code()));
    computed.map(|fault: &Fault| fault.field.to_string()).collect()
}

#[test]
fn answers_and_notices_say_what_is_true_of_them() {
    let notice = "[[notice]]\nnotice = \"deposit\"\non = \"executed\"\nreply = \"pays\"\nset.tx_amt = 7\n\
                  misbehave = [{ do = \"repeat\", after = \"1s\", count_in = \"send_count\" }]\n";
    let mut desk = desk(&format!("{OPEN}{TRANSFER}name = \"pays\"\n{notice}"));
    desk.send(OURS, &transfer(2));
    desk.pass(Duration::from_secs(2));
    let types: Vec<&[u8]> = desk.telegrams.iter().map(|(_, telegram)| &telegram[24..28]).collect();
    assert_eq!(types, [b"2100", b"4000", b"4000"]);
    for (_, telegram) in &desk.telegrams {
        let side = if telegram[24] == b'4' { Side::Asker } else { Side::Answerer };
        assert_eq!(wrong(&desk, telegram, side), [""; 0]);
        assert_eq!(telegram[82..86], *b"0300");
    }
    // Sent again with another count, and another checksum.
    assert_ne!(desk.telegrams[1].1[87..91], desk.telegrams[2].1[87..91]);
}

#[test]
fn lies_have_right_checksums_too() {
    let mut altered =
        desk(&format!("{OPEN}{TRANSFER}[[reply.misbehave]]\ndo = \"alter\"\nset.response_code = \"0133\"\n"));
    let answer = altered.ask(&transfer(2));
    assert_eq!((&answer[52..56], wrong(&altered, &answer, Side::Answerer)), (&b"0133"[..], vec![]));
    let mut strange = desk(&format!("{OPEN}{TRANSFER}[[reply.misbehave]]\ndo = \"wrong_key\"\n"));
    let answer = strange.ask(&transfer(2));
    assert_eq!((&answer[32..38], wrong(&strange, &answer, Side::Answerer)), (&b"999997"[..], vec![]));
}

#[test]
fn the_file_may_say_what_is_not_true() {
    let mut desk = desk(&format!("{OPEN}{TRANSFER}set.total = 299\n"));
    let answer = desk.ask(&transfer(2));
    // The checksum is that of what the file says.
    assert_eq!((&answer[82..86], wrong(&desk, &answer, Side::Answerer)), (&b"0299"[..], vec!["total".to_string()]));
}

#[test]
fn a_wrong_checksum_is_all_that_is_wrong() {
    let mut desk = desk(&format!("{OPEN}{TRANSFER}[[reply.misbehave]]\ndo = \"wrong_checksum\"\nalso = true\n"));
    desk.send(OURS, &transfer(2));
    let [(_, right), (_, answer)] = &desk.telegrams[..] else { panic!("{:?}", desk.log) };
    assert_eq!(wrong(&desk, right, Side::Answerer), [""; 0]);
    assert_eq!(wrong(&desk, answer, Side::Answerer), ["header_crc"]);
    assert_eq!((&right[..87], &right[91..]), (&answer[..87], &answer[91..]));
    assert_eq!(desk.request(&transfer(2)).executed, 1);
}

#[test]
fn a_telegram_without_a_checksum_has_none_that_could_be_wrong() {
    let scenario = format!("{OPEN}{TRANSFER}[[reply.misbehave]]\ndo = \"wrong_checksum\"\n");
    let mistakes = Scenario::parse(&scenario, "test.toml", &hecto::protocol()).unwrap_err();
    let told: Vec<String> = mistakes.iter().map(ToString::to_string).collect();
    assert!(told.len() == 1 && told[0].contains("telegram transfer has no checksum"), "{told:?}");
}
