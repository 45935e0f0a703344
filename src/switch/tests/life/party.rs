//! Who we are to them: a company number for all banks, another for one of them, another for a service.

use pabal_switch::{Opened, Party, PartyParticipant, Recovery, Refusal};

use crate::hands::{Hands, OUT, settings};
use crate::peer;

fn company(no: &str) -> (Box<str>, Box<[u8]>) {
    ("company_no".into(), format!("{no:<12}").as_bytes().into())
}

fn party(name: &str, no: &str, banks: &[(&str, Option<&str>)], exchanges: &[&str]) -> Party {
    let bank = |(value, no): &(&str, Option<&str>)| PartyParticipant {
        value: value.as_bytes().into(),
        fields: no.iter().map(|no| company(no)).collect(),
    };
    Party {
        name: name.into(),
        fields: vec![("id_code".into(), Box::from(*b"PABAL    ")), company(no)],
        participants: banks.iter().map(bank).collect(),
        exchanges: exchanges.iter().map(|name| (*name).into()).collect(),
    }
}

/// Collections of bank 088 have their own company; bank 004 knows us by another number.
fn hands() -> Hands {
    let mut settings = settings();
    settings.lines[0].window = 100;
    settings.parties = vec![
        party("asking", "COMPANY3", &[("088", None)], &["transfer_result"]),
        party("main", "COMPANY1", &[("088", None), ("004", Some("COMPANY4"))], &[]),
        party("other", "COMPANY2", &[("011", None), ("088", None)], &[]),
    ];
    let mut hands = Hands::cold(settings, Recovery::new(), Hands::begin());
    hands.opens = false;
    let out = hands.connects.pop().unwrap();
    hands.connected(out);
    hands.accept();
    hands
}

fn company_of(frame: &[u8]) -> &str {
    peer::at(frame, (9, 21)).trim_end()
}

#[test]
fn each_is_opened_by_the_number_that_its_bank_knows() {
    let mut hands = hands();
    let opened: Vec<_> = hands
        .take_frames(OUT)
        .iter()
        .map(|frame| format!("{} {}", peer::at(frame, peer::BANK_CODE), company_of(frame)))
        .collect();
    assert_eq!(opened, ["088 COMPANY3", "088 COMPANY1", "004 COMPANY4", "011 COMPANY2", "088 COMPANY2"]);
}

#[test]
fn a_call_gets_the_first_party_that_has_its_bank_and_is_for_its_exchange() {
    let mut hands = hands();
    for frame in hands.take_frames(OUT) {
        hands.receive(&peer::answer(&frame, "0000"));
    }
    for (bank, party, company) in [
        ("088", None, "COMPANY1"),
        ("004", None, "COMPANY4"),
        ("011", None, "COMPANY2"),
        ("088", Some("other"), "COMPANY2"),
    ] {
        let mut open = hands.request(peer::transfer(bank, "1", 5));
        open.party = party.map(Into::into);
        assert!(matches!(hands.try_open(open), Ok(Opened::New(_))));
        let frame = hands.take_frame();
        assert_eq!(company_of(&frame), company, "{bank}");
        // Each company has numbers of its own: the first was its opening's.
        assert!(["000002", "000003"].contains(&peer::at(&frame, peer::TELEGRAM_NO)));
    }
    let mut asking = hands.request(peer::transfer("088", "1", 5));
    asking.plan = hands.plan("transfer_result");
    hands.call(asking);
    assert_eq!(company_of(&hands.take_frame()), "COMPANY3");
}

#[test]
fn a_call_that_no_party_is_for_hears_which_there_are() {
    let mut hands = hands();
    let refused = |hands: &mut Hands, bank: &str, party: Option<&str>| {
        let mut open = hands.request(peer::transfer(bank, "1", 5));
        open.party = party.map(Into::into);
        let (refusal, text) = hands.core.open(open, hands.now).unwrap_err();
        assert_eq!(refusal, Refusal::UnknownParty);
        text
    };
    let there_are = "there are: asking, main, other";
    assert_eq!(
        refused(&mut hands, "020", None),
        format!("no party is configured for `transfer` with `020`; {there_are}")
    );
    assert_eq!(refused(&mut hands, "088", Some("x")), format!("no party `x` is configured; {there_are}"));
    assert_eq!(
        refused(&mut hands, "088", Some("asking")),
        format!("party `asking` is for transfer_result, not for `transfer`; {there_are}")
    );
}

#[test]
fn an_inquiry_goes_by_the_company_of_its_transfer() {
    let mut hands = hands();
    for frame in hands.take_frames(OUT) {
        hands.receive(&peer::answer(&frame, "0000"));
    }
    let open = hands.request(peer::transfer("004", "1", 5));
    let id = hands.call(open);
    hands.take_frame();
    hands.after_secs(30);
    hands.inquire(id).unwrap();
    assert_eq!(company_of(&hands.take_frame()), "COMPANY4");
}
