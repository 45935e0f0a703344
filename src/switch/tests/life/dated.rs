//! A version of the spec that begins by a date, while sessions stay up.

use std::sync::Arc;

use pabal_spec::Institution;
use pabal_switch::{ExchangeId, ExchangeState};

use crate::hands::{Hands, OUT, settings, version};
use crate::peer;

/// The telegram of a transfer from ten o'clock on, a second after all begins: its channel stands before the debit account.
const TRANSFER: (&str, &str) = (
    "telegram transfer \"",
    "telegram transfer \"당/타행 이체\" 300 : common effective 2026-11-21 10:00 {
  channel                      X(2)       by asker?    public  \"채널\"
  debit_account                X(15)      by asker     account  equal ignoring space-right  \"출금계좌번호\"
  passbook_pin                 X(8)       by asker     secret  \"통장비밀번호\"
  check_symbol                 X(6)       by asker     secret  \"복기부호\"
  debit_amt                    9(13)      by asker     public  \"출금금액\"
  credit_account               X(15)      by asker     account  equal ignoring space-right  \"입금계좌번호\"
  credit_bank_code             code(3)    by asker     public  \"입금은행코드\"
  orig_tlg_no                  X(6)       by asker?    public  \"원거래전문번호\"
  reserved                     filler(132)             public  \"예비\"
}

telegram transfer \"",
);

/// The inquiry from then on: the number stands behind two more bytes.
const INQUIRY: (&str, &str) = (
    "telegram transfer_result \"",
    "telegram transfer_result \"이체처리결과조회\" 300 : common effective 2026-11-21 10:00 {
  channel           X(2)          by asker?    public   \"채널\"
  orig_tlg_no       9(6)          by asker     public   \"원거래전문번호\"
  debit_account     X(15)         by answerer  account  equal ignoring space-right  \"출금계좌번호\"
  credit_bank_code  code(3)       by answerer  public   \"입금은행코드\"
  credit_account    X(15)         by answerer  account  equal ignoring space-right  \"입금계좌번호\"
  req_amt           9(13)         by answerer  public   \"의뢰금액\"
  ok_amt            9(13)         by answerer  public   \"정상처리금액\"
  fail_amt          9(13)         by answerer  public   \"처리불능금액\"
  fee               9(9)          by answerer  public   \"수수료\"
  proc_result       X(4)          by answerer  public   \"처리결과\"
  reserved          filler(107)                public   \"예비\"
}

telegram transfer_result \"",
);

/// Before and after the date.
fn versions(changes: &[(&str, &str)]) -> (Arc<Institution>, Arc<Institution>) {
    let all = version(changes, &[]);
    let [later] = &all.later[..] else { panic!("one date") };
    (Arc::clone(&all), Arc::clone(later))
}

/// Sessions are up by the version of before; and the one of after.
fn before(changes: &[(&str, &str)]) -> (Hands, Arc<Institution>) {
    let (first, later) = versions(changes);
    (Hands::open_by(first, settings()), later)
}

fn transfer(hands: &mut Hands) -> ExchangeId {
    let open = hands.request(peer::transfer("088", "110111222333", 10_000));
    hands.call(open)
}

#[test]
fn what_has_left_is_answered_by_its_version_and_what_has_not_does_not_leave() {
    let (mut hands, later) = before(&[TRANSFER]);
    let sent = [transfer(&mut hands), transfer(&mut hands)];
    let frames = hands.take_frames(OUT);
    let waiting = transfer(&mut hands);
    assert_eq!(hands.core.exchange(waiting).unwrap().state, ExchangeState::Waiting, "both places are taken");
    let made_before = hands.request(peer::transfer("004", "110111222333", 10_000));
    hands.reload(later);
    assert_eq!(hands.told(waiting), ["error DATE_CHANGED"]);
    // Made for the telegram of before the date, and taken in behind it.
    let late = hands.call(made_before);
    assert_eq!(hands.told(late), ["error DATE_CHANGED"]);
    assert_eq!(hands.take_frames(OUT).len(), 0, "no byte of either leaves");
    for (id, frame) in sent.into_iter().zip(&frames) {
        hands.receive(&peer::answer(frame, "0000"));
        assert_eq!(hands.told(id), ["SUCCESS ANSWERED"]);
    }
    // A new one goes by the new version.
    let id = transfer(&mut hands);
    let frame = hands.take_frame();
    hands.receive(&peer::answer(&frame, "0000"));
    assert_eq!(hands.told(id), ["SUCCESS ANSWERED"]);
    assert!(hands.closes.is_empty(), "0 disconnects");
}

#[test]
fn what_waits_for_its_socket_is_taken_back() {
    let (mut hands, later) = before(&[TRANSFER]);
    hands.socket_room = 0;
    let queued = transfer(&mut hands);
    hands.reload(later);
    assert_eq!(hands.told(queued), ["error DATE_CHANGED"]);
    hands.socket_room = usize::MAX;
    hands.turn();
    assert_eq!(hands.take_frames(OUT).len(), 0);
}

#[test]
fn what_has_begun_to_leave_goes_on() {
    let (mut hands, later) = before(&[TRANSFER]);
    hands.socket_room = 10;
    let begun = transfer(&mut hands);
    hands.reload(later);
    assert_eq!(hands.told(begun), [""; 0]);
    hands.socket_room = usize::MAX;
    hands.turn();
    let frame = hands.take_frame();
    hands.receive(&peer::answer(&frame, "0000"));
    assert_eq!(hands.told(begun), ["SUCCESS ANSWERED"]);
}

#[test]
fn a_request_whose_telegram_stays_as_it_is_waits_on() {
    let (mut hands, later) = before(&[INQUIRY]);
    let first = transfer(&mut hands);
    transfer(&mut hands);
    let frames = hands.take_frames(OUT);
    let waiting = transfer(&mut hands);
    hands.reload(later);
    assert_eq!(hands.core.exchange(waiting).unwrap().state, ExchangeState::Waiting);
    hands.receive(&peer::answer(&frames[0], "0000"));
    assert_eq!(hands.told(first), ["SUCCESS ANSWERED"]);
    assert_eq!(hands.take_frames(OUT).len(), 1, "there is room for it");
}

#[test]
fn what_began_before_the_date_is_asked_about_in_the_form_of_after_it() {
    let (mut hands, later) = before(&[INQUIRY]);
    let id = transfer(&mut hands);
    let asked = hands.take_frame();
    hands.after_secs(30);
    assert_eq!(hands.told(id), ["UNKNOWN NO_ANSWER"]);
    hands.reload(later);
    hands.inquire(id).unwrap();
    let frame = hands.take_frame();
    assert_eq!(peer::at(&frame, (100, 102)), "  ");
    assert_eq!(peer::at(&frame, (102, 108)), peer::at(&asked, peer::TELEGRAM_NO));
    // The answer, two bytes behind where it stood before the date.
    let old = peer::result(&frame, &asked, "0000", "0000", "0000000010000");
    let mut telegram = frame.clone();
    peer::put(&mut telegram, peer::MESSAGE_TYPE, "7100");
    peer::put(&mut telegram, peer::RESPONSE_CODE, "0000");
    for (from, to, len) in [(106, 108, 33), (139, 141, 39), (193, 189, 4)] {
        peer::put(&mut telegram, (to, to + len), peer::at(&old, (from, from + len)));
    }
    hands.receive(&telegram);
    assert_eq!(hands.told(id), ["UNKNOWN NO_ANSWER", "SUCCESS INQUIRY"]);
}

#[test]
fn a_reload_may_change_what_waits_as_it_always_did() {
    // Not by a date: the request goes on by the version that it began with.
    let (mut hands, later) = before(&[TRANSFER]);
    let undated = version(&[("  fee                          9(9)", "  charge                       9(9)")], &[]);
    assert!(
        !undated.protocols[0].overtakes(&hands.institution.protocols[0], &hands.plan("transfer").exchange().clone())
    );
    assert!(later.protocols[0].overtakes(&hands.institution.protocols[0], hands.plan("transfer").exchange()));
    transfer(&mut hands);
    transfer(&mut hands);
    let frames = hands.take_frames(OUT);
    let waiting = transfer(&mut hands);
    hands.reload(undated);
    hands.receive(&peer::answer(&frames[0], "0000"));
    assert_eq!(hands.take_frames(OUT).len(), 1);
    assert_eq!(hands.core.exchange(waiting).unwrap().state, ExchangeState::Sent);
}
