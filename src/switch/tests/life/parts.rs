//! Keys and counts of parts of fields.

use std::sync::Arc;
use std::time::Duration;

use pabal_spec::Institution;
use pabal_switch::ExchangeId;

use crate::hands::{Hands, OUT, settings, version};
use crate::peer;

/// The date without its century, and the five digits of the number that are ever used.
fn institution() -> Arc<Institution> {
    let number = "number       telegram_no per send_date bank_code company_no 1..950000 warn 900000";
    let key = "key          send_date bank_code company_no telegram_no";
    version(
        &[
            (number, "number telegram_no per send_date[2..8] bank_code company_no 1..95000 warn 90000"),
            (key, "key send_date[2..8] bank_code company_no telegram_no[1..6]"),
        ],
        &[],
    )
}

fn open() -> Hands {
    Hands::open_by(institution(), settings())
}

fn transferred(hands: &mut Hands) -> (ExchangeId, Vec<u8>) {
    let id = hands.transfer();
    let frame = hands.take_frame();
    hands.receive(&peer::answer(&frame, "0000"));
    (id, frame)
}

#[test]
fn an_answer_finds_its_request_by_the_parts_that_the_key_names() {
    let mut hands = open();
    let id = hands.transfer();
    let frame = hands.take_frame();
    let answer = peer::answer(&frame, "0000");
    let other = |place: (usize, usize), text: &str| {
        let mut other = answer.clone();
        peer::put(&mut other, place, text);
        other
    };
    let (start, end) = peer::TELEGRAM_NO;
    let last = String::from(peer::at(&frame, (end - 1, end)));
    // Another number in a digit of the key: nobody waits for it.
    hands.receive(&other((end - 1, end), if last == "9" { "8" } else { "9" }));
    assert_eq!(hands.told(id), [] as [&str; 0]);
    // A digit that is not in the key says nothing.
    hands.receive(&other((start, start + 1), "7"));
    assert_eq!(hands.told(id), ["SUCCESS ANSWERED"]);
}

#[test]
fn a_notice_joins_the_transfer_of_which_its_number_is_a_part_of_the_key() {
    let mut hands = open();
    let (id, frame) = transferred(&mut hands);
    hands.receive(&peer::transfer_fail(1, &frame, 10_000));
    assert_eq!(peer::at(&hands.take_frames(OUT)[0], peer::MESSAGE_TYPE), "3100");
    assert_eq!(hands.deliveries.pop().unwrap().joined, Some(id));
}

#[test]
fn numbers_that_are_given_per_a_part_of_the_date_begin_anew_with_it() {
    let mut hands = open();
    let number = |frame: &[u8]| String::from(peer::at(frame, peer::TELEGRAM_NO));
    let (_, frame) = transferred(&mut hands);
    // Its bank was opened under the first number.
    assert_eq!(number(&frame), "000002");
    hands.opens = false;
    hands.pass_quietly(Duration::from_secs(15 * 3_600));
    let frames = hands.take_frames(OUT);
    let opening = frames.iter().find(|frame| frame.len() == 300 && peer::at(frame, peer::MESSAGE_TYPE) == "1000");
    let opening = opening.expect("business is opened anew");
    assert_eq!((peer::at(opening, peer::SEND_DATE), number(opening).as_str()), ("20261122", "000001"));
}
