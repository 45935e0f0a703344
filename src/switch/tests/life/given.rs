//! Exchanges whose number is the institution's, and answers that have two codes.

use pabal_switch::{Entry, ExchangeId, Recovery, Refusal};

use crate::hands::{Hands, OUT, settings, version};
use crate::peer;

/// Asks for notice `number` of bank 088.
pub(crate) fn gap(number: u32) -> Vec<u8> {
    let mut telegram = vec![b' '; 300];
    peer::put(&mut telegram, peer::BANK_CODE, "088");
    telegram[31] = b'1';
    peer::put(&mut telegram, peer::TELEGRAM_NO, &format!("{number:06}"));
    peer::put(&mut telegram, peer::SEND_DATE, "20261121");
    telegram
}

fn ask(hands: &mut Hands, number: u32) -> ExchangeId {
    let mut open = hands.request(gap(number));
    open.plan = hands.plan("deposit_gap");
    hands.call(open)
}

#[test]
fn a_given_number_and_date_leave_as_they_are_and_cost_none_of_ours() {
    let mut hands = Hands::open();
    let id = ask(&mut hands, 17);
    let frame = hands.take_frame();
    assert_eq!(peer::at(&frame, (24, 31)), "4000200");
    assert_eq!((peer::at(&frame, peer::TELEGRAM_NO), peer::at(&frame, peer::SEND_DATE)), ("000017", "20261121"));
    assert_eq!(peer::at(&frame, peer::SEND_TIME), "100000", "the time is ours");
    hands.transfer();
    let transfer = hands.take_frame();
    assert_eq!(peer::at(&transfer, peer::TELEGRAM_NO), "000002", "the opening had the first");
    hands.receive(&peer::answer(&frame, "0000"));
    assert_eq!(hands.told(id), ["SUCCESS ANSWERED"]);
    assert!(
        hands
            .entries()
            .iter()
            .any(|entry| matches!(entry, Entry::Sending(one) if one.exchange == id && &*one.number == "000017"))
    );
}

#[test]
fn a_number_that_may_still_be_answered_is_in_use() {
    let mut hands = Hands::open();
    let first = ask(&mut hands, 17);
    let frame = hands.take_frame();
    let second = ask(&mut hands, 17);
    assert_eq!(hands.told(second), [format!("error {}", Refusal::NumberInUse)]);
    assert_eq!(hands.take_frames(OUT).len(), 0);
    // Another number, and another bank's same one, are free.
    ask(&mut hands, 18);
    hands.take_frame();
    hands.receive(&peer::answer(&frame, "0000"));
    assert_eq!(hands.told(first), ["SUCCESS ANSWERED"]);
    // It is asked for again: what comes now is the answer to the newer one.
    let third = ask(&mut hands, 17);
    let again = hands.take_frame();
    hands.after_secs(30);
    assert_eq!(hands.told(third), ["UNKNOWN NO_ANSWER"]);
    let fourth = ask(&mut hands, 17);
    hands.take_frame();
    hands.receive(&peer::answer(&again, "0000"));
    assert_eq!(
        (hands.told(third), hands.told(fourth)),
        (vec!["UNKNOWN NO_ANSWER".into()], vec!["SUCCESS ANSWERED".into()])
    );
    // The tombstones of the older ones take nothing with them.
    hands.after_secs(3_000);
    let fifth = ask(&mut hands, 17);
    let frame = hands.take_frames(OUT).into_iter().rfind(|frame| frame.len() == 300).unwrap();
    hands.after_secs(20);
    hands.receive(&peer::answer(&frame, "0000"));
    assert_eq!(hands.told(fifth), ["SUCCESS ANSWERED"]);
}

/// What a transfer_result is told by these two codes, if one of them wins.
fn said(wins: &str, header: &str, body: &str) -> String {
    let also = format!("exchange transfer_result \"이체처리결과조회\" {{\n  verdict also proc_result wins {wins}");
    let spec = version(&[("exchange transfer_result \"이체처리결과조회\" {", &also)], &[]);
    let mut hands = Hands::cold_with(vec![spec], settings(), Recovery::new(), Hands::begin());
    hands.connect_pair();
    let mut telegram = vec![b' '; 300];
    peer::put(&mut telegram, peer::BANK_CODE, "004");
    let mut open = hands.request(telegram);
    open.plan = hands.plan("transfer_result");
    let id = hands.call(open);
    let frame = hands.take_frame();
    let mut answer = peer::answer(&frame, header);
    peer::put(&mut answer, (193, 197), body);
    hands.receive(&answer);
    hands.told(id).join(" ")
}

#[test]
fn where_header_and_body_differ_the_spec_says_which_is_believed() {
    // 0116 is refused by bank 004; ZZZZ is in no table.
    for (header, body, by_header, by_body, by_neither) in [
        ("0000", "0000", "SUCCESS ANSWERED", "SUCCESS ANSWERED", "SUCCESS ANSWERED"),
        ("0116", "0116", "FAILURE REFUSED", "FAILURE REFUSED", "FAILURE REFUSED"),
        ("0000", "0116", "SUCCESS ANSWERED", "FAILURE REFUSED", "UNKNOWN NOTHING_SAID"),
        ("0116", "0000", "FAILURE REFUSED", "SUCCESS ANSWERED", "UNKNOWN NOTHING_SAID"),
        ("0116", "    ", "FAILURE REFUSED", "UNKNOWN UNLISTED_CODE", "UNKNOWN NOTHING_SAID"),
        ("ZZZZ", "0000", "UNKNOWN UNLISTED_CODE", "SUCCESS ANSWERED", "UNKNOWN NOTHING_SAID"),
    ] {
        assert_eq!(said("header", header, body), by_header, "{header} {body}");
        assert_eq!(said("body", header, body), by_body, "{header} {body}");
        assert_eq!(said("neither", header, body), by_neither, "{header} {body}");
    }
}

#[test]
fn a_code_may_mean_something_else_in_another_exchange() {
    let codes = ("004,,0116,refused", "004,transfer_result,0116,in_progress,still at it\n004,,0116,refused");
    let mut hands = Hands::cold_with(vec![version(&[], &[codes])], settings(), Recovery::new(), Hands::begin());
    hands.connect_pair();
    let open = hands.request(peer::transfer("004", "1", 5));
    let transfer = hands.call(open.clone());
    let frame = hands.take_frame();
    hands.receive(&peer::answer(&frame, "0116"));
    let mut result = open;
    result.plan = hands.plan("transfer_result");
    let result = hands.call(result);
    let frame = hands.take_frame();
    hands.receive(&peer::answer(&frame, "0116"));
    assert_eq!(
        (hands.told(transfer), hands.told(result)),
        (vec!["FAILURE REFUSED".into()], vec!["UNKNOWN NOTHING_SAID".into()])
    );
}
