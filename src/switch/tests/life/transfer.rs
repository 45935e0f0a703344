use std::time::Duration;

use pabal_switch::{Entry, Event, ExchangeState, Outcome, Report};

use crate::hands::{Hands, IN, OUT};
use crate::peer;

#[test]
fn a_transfer_is_numbered_stamped_sent_and_answered() {
    let mut hands = Hands::open();
    let id = hands.transfer();
    let frame = hands.take_frame();
    // Openings of two banks took number 1 of each; the counter is the bank's.
    assert_eq!(peer::at(&frame, (0, 21)), "PABAL    COMPANY1    ");
    assert_eq!(peer::at(&frame, peer::MESSAGE_TYPE), "2000");
    assert_eq!(peer::at(&frame, peer::SERVICE_CODE), "100");
    assert_eq!(peer::at(&frame, peer::TELEGRAM_NO), "000002");
    assert_eq!(peer::at(&frame, peer::SEND_DATE), "20261121");
    assert_eq!(peer::at(&frame, peer::SEND_TIME), "100000");
    assert_eq!(peer::at(&frame, peer::PASSBOOK_PIN), "PIN-4711");
    assert_eq!(hands.told(id), [""; 0]);
    assert_eq!(hands.core.exchange(id).unwrap().state, ExchangeState::Sent);

    let answer = peer::answer(&frame, "0000");
    hands.receive(&answer);
    assert_eq!(hands.told(id), ["SUCCESS ANSWERED"]);
    let Report::Outcome { answer: told, number, .. } = &hands.reports[&id][0] else { panic!("an outcome") };
    assert_eq!((told.as_deref(), number.as_deref()), (Some(&answer[..]), Some("000002")));
    assert_eq!(hands.bytes_out(IN), 0, "nothing is sent where they answer");
}

#[test]
fn the_journal_says_it_before_the_wire_does() {
    let mut hands = Hands::open();
    let before = hands.bytes_out(OUT);
    hands.is_durable = false;
    let id = hands.transfer();
    assert_eq!(hands.bytes_out(OUT), before);
    assert_eq!(hands.core.exchange(id).unwrap().state, ExchangeState::Sending);
    let (_, batch) = &hands.undurable[0];
    let kinds: Vec<_> = batch.iter().map(Entry::kind).collect();
    assert_eq!(kinds, ["accepted", "sending"]);
    let Entry::Sending(sending) = &batch[1] else { panic!("sending") };
    // Two openings of 304 bytes each went before.
    assert_eq!((sending.offset, sending.place.line.as_ref(), sending.place.epoch), (608, "out", 1));
    hands.is_durable = true;
    hands.turn();
    assert_eq!(hands.bytes_out(OUT), before + 304);
    let frame = hands.take_frame();
    hands.is_durable = false;
    hands.receive(&peer::answer(&frame, "0000"));
    assert_eq!(hands.told(id), [""; 0], "nobody hears an outcome that is not durable");
    hands.is_durable = true;
    hands.turn();
    assert_eq!(hands.told(id), ["SUCCESS ANSWERED"]);
}

#[test]
fn an_entry_can_be_found_by_what_people_know() {
    let mut hands = Hands::open();
    hands.is_durable = false;
    let id = hands.transfer();
    let columns = hands.undurable[0].1[1].columns();
    assert_eq!(columns.exchange.as_deref(), Some(id.to_string().as_str()));
    assert_eq!(columns.caller.as_deref(), Some("teller"));
    assert_eq!(columns.party.as_deref(), Some("main"));
    assert_eq!(columns.protocol.as_deref(), Some("firmbanking"));
    assert_eq!(columns.participant.as_deref(), Some("088"));
    assert_eq!(columns.compartment.as_deref(), Some("088"));
    assert_eq!(columns.business_date, Some(20_261_121));
    assert_eq!(columns.session.as_deref(), Some("out/0"));
    assert_eq!((columns.epoch, columns.stream_offset), (Some(1), Some(608)));
    assert_eq!(columns.our_number.as_deref(), Some("000002"));
    assert_eq!(columns.correlation_key.as_deref(), Some("20261121088COMPANY1    000002"));
    assert_eq!(columns.trace_context.as_deref(), Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"));
    assert!(columns.spec_digest.is_some());
}

#[test]
fn a_secret_is_never_stored() {
    let mut hands = Hands::open();
    hands.transfer();
    let frame = hands.take_frame();
    hands.receive(&peer::answer(&frame, "0000"));
    // As it is, or as hexadecimal digits.
    let is_in = |body: &[u8], text: &str| {
        let digits: String = text.bytes().map(|byte| format!("{byte:02x}")).collect();
        [text, &digits].iter().any(|form| body.windows(form.len()).any(|part| part == form.as_bytes()))
    };
    let (mut accounts, mut digests) = (0, 0);
    for (_, body) in &hands.journal {
        assert!(!is_in(body, "PIN-4711"), "{}", body.escape_ascii());
        accounts += usize::from(is_in(body, "110111222333"));
        digests += usize::from(is_in(body, "\"digest\":\""));
    }
    assert_eq!(accounts, 2, "in `sending` and in the answer");
    assert!(digests >= 2);
    let checkpoint = hands.core.checkpoint(hands.now).encode(&|_| [0; 32]);
    assert!(!is_in(&checkpoint, "PIN-4711"));
}

#[test]
fn what_the_code_says_is_what_the_caller_hears() {
    // By codes.csv: 0116 is a refusal of bank 004, 0102 its "not open", 0103 its "unavailable", 0148 "in progress"; SB01 is a
    // duplicate to the relay; 0001 is listed as saying nothing; ZZZZ is in no table.
    let check = |code: &str, expected: &str| {
        let mut hands = Hands::open();
        let open = hands.request(peer::transfer("004", "1", 5));
        let id = hands.call(open);
        let frame = hands.take_frame();
        hands.opens = false;
        hands.receive(&peer::answer(&frame, code));
        assert_eq!(hands.told(id), [expected], "{code}");
    };
    check("0000", "SUCCESS ANSWERED");
    check("0116", "FAILURE REFUSED");
    check("0102", "FAILURE REFUSED");
    check("0103", "UNKNOWN NOTHING_SAID");
    check("0148", "UNKNOWN NOTHING_SAID");
    check("SB01", "UNKNOWN NOTHING_SAID");
    check("0001", "UNKNOWN NOTHING_SAID");
    check("ZZZZ", "UNKNOWN UNLISTED_CODE");
}

#[test]
fn no_answer_is_unknown_and_a_late_one_settles_it() {
    let mut hands = Hands::open();
    let id = hands.transfer();
    let frame = hands.take_frame();
    hands.after(Duration::from_millis(29_999));
    assert_eq!(hands.told(id), [""; 0]);
    hands.after(Duration::from_millis(1));
    assert_eq!(hands.told(id), ["UNKNOWN NO_ANSWER"]);
    assert_eq!(hands.core.status().unknown, 1);
    hands.receive(&peer::answer(&frame, "0000"));
    assert_eq!(hands.told(id), ["UNKNOWN NO_ANSWER", "SUCCESS LATE"]);
    assert_eq!(hands.core.exchange(id).unwrap().state, ExchangeState::Settled);
    assert_eq!(hands.core.status().unknown, 0);
    hands.after_secs(600);
    assert_eq!(
        hands.take_frames(OUT).iter().filter(|frame| frame.len() == 300).count(),
        0,
        "nothing is asked any more"
    );
}

#[test]
fn the_caller_goes_before_the_institution_answers() {
    let mut hands = Hands::open();
    let mut open = hands.request(peer::transfer("088", "1", 5));
    open.deadline = hands.now.mono + Duration::from_millis(300);
    let id = hands.call(open);
    let frame = hands.take_frame();
    hands.after(Duration::from_millis(200));
    assert_eq!(hands.told(id), ["UNKNOWN CALLER_DEADLINE"]);
    assert_eq!(hands.core.exchange(id).unwrap().state, ExchangeState::Sent, "it goes on");
    hands.receive(&peer::answer(&frame, "0000"));
    assert_eq!(hands.told(id), ["UNKNOWN CALLER_DEADLINE", "SUCCESS LATE"]);

    let mut open = hands.request(peer::transfer("088", "1", 5));
    open.deadline = hands.now.mono + Duration::from_millis(300);
    let id = hands.call(open);
    hands.after_secs(30);
    assert_eq!(hands.told(id), ["UNKNOWN CALLER_DEADLINE", "UNKNOWN NO_ANSWER"]);
}

#[test]
fn an_answer_reaches_the_one_that_asked_whatever_the_order() {
    let mut hands = Hands::open();
    let (first, second) = (hands.transfer(), hands.transfer());
    let frames = hands.take_frames(OUT);
    hands.receive(&peer::answer(&frames[1], "0000"));
    assert_eq!((hands.told(first).len(), hands.told(second)), (0, vec!["SUCCESS ANSWERED".into()]));
    hands.receive(&peer::answer(&frames[0], "SB01"));
    assert_eq!(hands.told(first), ["UNKNOWN NOTHING_SAID"]);
}

#[test]
fn a_second_answer_changes_nothing() {
    let mut hands = Hands::open();
    let id = hands.transfer();
    let frame = hands.take_frame();
    hands.receive(&peer::answer(&frame, "0000"));
    hands.receive(&peer::answer(&frame, "0000"));
    assert_eq!(hands.told(id), ["SUCCESS ANSWERED"]);
    assert_eq!(hands.kinds().last(), Some(&"repeated"));
    hands.receive(&peer::answer(&frame, "ZZZZ"));
    assert_eq!(hands.kinds().last(), Some(&"repeated"), "a code that says nothing contradicts nothing");
}

#[test]
fn an_answer_that_contradicts_is_an_event_of_its_own() {
    let mut hands = Hands::open();
    let open = hands.request(peer::transfer("004", "1", 5));
    let id = hands.call(open);
    let frame = hands.take_frame();
    hands.receive(&peer::answer(&frame, "0000"));
    hands.receive(&peer::answer(&frame, "0116"));
    assert_eq!(hands.told(id), ["SUCCESS ANSWERED"]);
    let Some(Entry::Contradiction(entry)) = hands.entries().pop() else { panic!("a contradiction") };
    assert_eq!((entry.exchange, entry.said.word(), entry.answered.word()), (id, "SUCCESS", "FAILURE"));
    assert!(hands.events.contains(&Event::Contradiction { exchange: id }));
    assert!(matches!(hands.core.exchange(id).unwrap().outcome, Some(Outcome::Success { .. })));
}

#[test]
fn a_telegram_that_nobody_waits_for_is_kept_with_a_reason() {
    let mut hands = Hands::open();
    let id = hands.transfer();
    let mut stray = peer::answer(&hands.take_frame(), "0000");
    peer::put(&mut stray, peer::TELEGRAM_NO, "000777");
    hands.receive(&stray);
    assert_eq!(hands.told(id), [""; 0]);
    let Some(Entry::Unclaimed(entry)) = hands.entries().pop() else { panic!("unclaimed") };
    let expected = format!(
        "nobody waits for key send_date `20261121` bank_code `088` company_no `COMPANY1` telegram_no `000777`; the nearest, of exchange \
         {id} (sent), differs in telegram_no: `000777` came, `000002` is awaited; its number was not given yet"
    );
    assert_eq!((entry.reason.as_str(), entry.near), (expected.as_str(), Some(id)));
    assert_eq!(peer::at(&entry.telegram.bytes, peer::PASSBOOK_PIN), "********");
    assert!(matches!(hands.events.last(), Some(Event::Unclaimed { reason, .. }) if *reason == expected));
}

#[test]
fn a_shifted_frame_says_nothing_that_no_row_names() {
    let mut hands = Hands::open();
    hands.transfer();
    let frame = hands.take_frame();
    // 76 bytes are lost, so that the debit account stands where the type is.
    let mut shifted = frame[76..].to_vec();
    shifted.resize(300, b' ');
    assert_eq!(peer::at(&shifted, peer::MESSAGE_TYPE), &peer::at(&frame, peer::DEBIT_ACCOUNT)[..4]);
    hands.receive(&shifted);
    let expected = "no row of `select` knows 300 bytes with `****` `***`";
    let Some(Entry::Unclaimed(entry)) = hands.entries().pop() else { panic!("unclaimed") };
    assert_eq!(entry.reason, expected);
    assert!(matches!(hands.events.last(), Some(Event::Unclaimed { reason, .. }) if *reason == expected));
}

#[test]
fn a_telegram_of_an_unknown_type_is_kept_and_the_session_stays() {
    let mut hands = Hands::open();
    let id = hands.transfer();
    let frame = hands.take_frame();
    let mut strange = peer::answer(&frame, "0000");
    peer::put(&mut strange, peer::MESSAGE_TYPE, "9990");
    hands.receive(&strange);
    let Some(Entry::Unclaimed(entry)) = hands.entries().pop() else { panic!("unclaimed") };
    assert_eq!(entry.reason, "no row of `select` knows 300 bytes with `****` `100`");
    // Its layout is not known, so that each byte behind the header may be secret.
    assert_eq!(peer::at(&entry.telegram.bytes, peer::TELEGRAM_NO), "000002");
    assert!(entry.telegram.bytes[100..].iter().all(|byte| *byte == b'*'));
    // A request of ours is nothing that they send.
    hands.receive(&frame);
    let Some(Entry::Unclaimed(entry)) = hands.entries().pop() else { panic!("unclaimed") };
    assert_eq!(entry.reason, "a `transfer` is nothing that the institution sends by itself");
    hands.receive(&peer::answer(&frame, "0000"));
    assert_eq!(hands.told(id), ["SUCCESS ANSWERED"]);
}

#[test]
fn yesterdays_answer_is_not_todays() {
    let mut hands = Hands::open();
    let id = hands.transfer();
    let mut old = peer::answer(&hands.take_frame(), "0000");
    peer::put(&mut old, peer::SEND_DATE, "20261120");
    hands.receive(&old);
    assert_eq!(hands.told(id), [""; 0]);
    let Some(Entry::Unclaimed(entry)) = hands.entries().pop() else { panic!("unclaimed") };
    let expected = format!(
        "of exchange {id} (sent), differs in send_date: `20261120` came, `20261121` is awaited; send_date is of another date than today"
    );
    assert!(entry.reason.ends_with(&expected), "{}", entry.reason);
}

/// What an answer says of itself, of an exchange that is the nearest, by what is changed in it.
fn reason_of(hands: &mut Hands, change: impl Fn(&mut [u8])) -> (String, Option<pabal_switch::ExchangeId>) {
    let mut astray = peer::answer(&hands.take_frame(), "0000");
    change(&mut astray);
    hands.receive(&astray);
    let Some(Entry::Unclaimed(entry)) = hands.entries().pop() else { panic!("unclaimed") };
    (entry.reason, entry.near)
}

#[test]
fn an_answer_of_another_type_names_the_request_whose_key_it_has() {
    let mut hands = Hands::open();
    let id = hands.transfer();
    // The answer of a trust has the number of a transfer.
    let (reason, near) = reason_of(&mut hands, |astray| peer::put(astray, peer::SERVICE_CODE, "106"));
    let expected = format!(
        "the nearest, of exchange {id} (sent), differs in its type: the answer of `transfer` is awaited; its number was given: it comes \
         after its key was let go, or another field is wrong"
    );
    assert!(reason.ends_with(&expected), "{reason}");
    assert_eq!(near, Some(id));
}

#[test]
fn an_answer_that_is_far_from_all_requests_belongs_to_none() {
    let mut hands = Hands::open();
    let id = hands.transfer();
    let (reason, near) = reason_of(&mut hands, |astray| {
        peer::put(astray, peer::BANK_CODE, "004");
        peer::put(astray, peer::TELEGRAM_NO, "000900");
    });
    let expected = format!(
        "of exchange {id} (sent), differs in bank_code: `004` came, `088` is awaited and in telegram_no: `000900` came, `000002` is awaited"
    );
    assert!(reason.contains(&expected), "{reason}");
    assert_eq!(near, None);
}

#[test]
fn a_known_key_is_answered_from_its_exchange() {
    let mut hands = Hands::open();
    let mut open = hands.request(peer::transfer("088", "1", 5));
    open.idempotency_key = Some("order-1".into());
    let id = hands.call(open.clone());
    assert_eq!(hands.try_open(open.clone()).unwrap(), pabal_switch::Opened::Known(id));
    let frame = hands.take_frame();
    assert_eq!(hands.told(id), [""; 0]);
    hands.receive(&peer::answer(&frame, "0000"));
    assert_eq!(hands.try_open(open.clone()).unwrap(), pabal_switch::Opened::Known(id));
    assert_eq!(hands.told(id), ["SUCCESS ANSWERED", "SUCCESS ANSWERED"]);
    assert_eq!(hands.core.exchange_of_key("teller", "order-1"), Some(id));
    // The keys of another caller are others.
    open.caller = "branch".into();
    assert_ne!(hands.call(open), id);
    assert_eq!(hands.take_frames(OUT).len(), 1);
}
