//! What a telegram says of itself is true when it leaves, and believed only if it is when it comes.

use std::sync::{Arc, OnceLock};

use pabal_spec::Institution;
use pabal_switch::{Entry, Recovery};

use crate::hands::{Hands, IN, OUT, settings, version};
use crate::peer;

/// The shipped header, with a length, a digit for the number and a checksum in its last reserved bytes.
const CHECKED: (&str, &str) = (
    "  van_area3      filler(18)      echo in reply to notice  public  \"예비영역3\"\n",
    "  total          9(4)       public  length of telegram                     \"전문길이\"\n  \
       number_digit   code(1)    public  check luhn of telegram_no              \"번호검증\"\n  \
       header_crc     X(4)       public  crc16 arc of id_code..number_digit     \"헤더검증\"\n  \
       van_area3      filler(9)  echo in reply to notice  public                \"예비영역3\"\n",
);

fn checked() -> Arc<Institution> {
    static LOADED: OnceLock<Arc<Institution>> = OnceLock::new();
    Arc::clone(LOADED.get_or_init(|| version(&[CHECKED], &[])))
}

/// The usual pair, with a peer that checks what it reads and is right itself.
fn open() -> Hands {
    let mut hands = Hands::cold_with(vec![checked()], settings(), Recovery::new(), Hands::begin());
    hands.seals = true;
    hands.connect_pair();
    hands
}

fn transfer(hands: &mut Hands) -> pabal_switch::ExchangeId {
    let mut telegram = peer::transfer("088", "1", 5);
    peer::put(&mut telegram, peer::TOTAL, "0300");
    let open = hands.request(telegram);
    hands.call(open)
}

fn unclaimed(hands: &Hands) -> Vec<String> {
    let entries = hands.entries();
    let reasons = entries.iter().filter_map(|entry| match entry {
        Entry::Unclaimed(one) => Some(one.reason.clone()),
        _ => None,
    });
    reasons.collect()
}

#[test]
fn a_request_is_computed_behind_its_stamps() {
    let mut hands = open();
    let id = transfer(&mut hands);
    let frame = hands.take_frame();
    assert_eq!(peer::at(&frame, peer::TELEGRAM_NO), "000002");
    // Luhn of 000002: twice 2 is 4, and 6 more make ten.
    assert_eq!(peer::at(&frame, peer::NUMBER_DIGIT), "6");
    assert_eq!(frame, peer::sealed(&frame));
    hands.receive(&peer::answer(&frame, "0000"));
    assert_eq!(hands.told(id), ["SUCCESS ANSWERED"]);
}

/// What a caller has written as it is, and the gateway has not touched, is its own affair.
#[test]
fn a_raw_request_keeps_its_own_mistakes() {
    let mut hands = open();
    let mut telegram = peer::transfer("088", "1", 5);
    peer::put(&mut telegram, peer::TOTAL, "0299");
    let open = hands.request(telegram);
    hands.call(open);
    let frame = hands.take_frame();
    assert_eq!(peer::at(&frame, peer::TOTAL), "0299");
    let mut sealed = peer::sealed(&frame);
    assert_ne!(frame, sealed, "the length is wrong, and the checksum covers the wrong one");
    peer::put(&mut sealed, peer::TOTAL, "0299");
    assert_eq!(frame, peer::summed(&sealed));
}

#[test]
fn an_answer_with_a_wrong_checksum_says_nothing() {
    let mut hands = open();
    let id = transfer(&mut hands);
    let frame = hands.take_frame();
    let right = peer::sealed(&peer::answer(&frame, "0000"));
    let mut wrong = right.clone();
    // A refusal that was none when it was sent.
    peer::put(&mut wrong, peer::RESPONSE_CODE, "0133");
    hands.seals = false;
    hands.receive(&wrong);
    assert_eq!(hands.told(id), ["UNKNOWN UNREADABLE"]);
    hands.receive(&right);
    assert_eq!(hands.told(id), ["UNKNOWN UNREADABLE", "SUCCESS LATE"]);
    // And nothing contradicts what was settled.
    hands.receive(&wrong);
    assert!(!hands.kinds().contains(&"contradiction"));
}

#[test]
fn an_inquiry_is_computed_and_its_damaged_answer_settles_nothing() {
    let mut hands = open();
    let id = transfer(&mut hands);
    let frame = hands.take_frame();
    hands.after_secs(31);
    assert_eq!(hands.told(id), ["UNKNOWN NO_ANSWER"]);
    hands.inquire(id).unwrap();
    let inquiry = hands.take_frame();
    assert_eq!(inquiry, peer::sealed(&inquiry));
    let right = peer::sealed(&peer::result(&inquiry, &frame, "0000", "0000", "0000000000005"));
    let mut wrong = right.clone();
    peer::put(&mut wrong, peer::HEADER_CRC, if peer::at(&right, peer::HEADER_CRC) == "0000" { "0001" } else { "0000" });
    hands.seals = false;
    hands.receive(&wrong);
    assert_eq!(hands.told(id), ["UNKNOWN NO_ANSWER"]);
    hands.receive(&right);
    assert_eq!(hands.told(id), ["UNKNOWN NO_ANSWER", "SUCCESS INQUIRY"]);
}

#[test]
fn a_damaged_notice_is_kept_and_not_replied_to() {
    let mut hands = open();
    hands.seals = false;
    hands.receive(&peer::deposit(1, 50_000));
    assert_eq!(hands.take_frames(OUT).len(), 0);
    let [reason] = &unclaimed(&hands)[..] else { panic!("{:?}", hands.kinds()) };
    assert!(reason.starts_with("not as it was sent: T50 header_crc at byte 87"), "{reason}");
    assert_eq!(hands.bytes_out(IN), 0);
    // They send it again, as they do where no reply comes.
    hands.seals = true;
    hands.receive(&peer::deposit(1, 50_000));
    let reply = hands.take_frame();
    assert_eq!(reply, peer::sealed(&reply));
    assert_eq!(unclaimed(&hands).len(), 1);
}

#[test]
fn a_question_for_a_missing_notice_is_computed() {
    let mut hands = open();
    hands.receive(&peer::deposit(1, 50_000));
    hands.receive(&peer::deposit(3, 50_000));
    hands.take_frames(OUT);
    hands.after_secs(31);
    let question = hands.take_frame();
    assert_eq!(peer::at(&question, peer::TELEGRAM_NO), "000002");
    assert_eq!(question, peer::sealed(&question));
    hands.receive(&peer::gap_answer(&question, 7));
    assert_eq!(unclaimed(&hands), [""; 0]);
    assert_eq!(hands.delivered.len(), 3);
}
