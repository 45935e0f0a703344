//! Calls, and what becomes of them.

use std::time::Duration;

use pabal_switch::{Cause, Outcome, Refusal};

use super::house::{House, specs, transfer};
use super::peer::{BANK, COMPANY, NUMBER, PATIENCE, SECRETS, TYPE, answered};
use crate::{Body, Call, Find, FindKey, Found, InquireCall};

fn find(key: FindKey, fence: bool) -> Find {
    Find { institution: "hecto".to_owned(), key, fence }
}

fn key(key: &str) -> FindKey {
    FindKey::Idempotency { caller: "payroll".to_owned(), key: key.to_owned() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_transfer_goes_out_and_its_answer_comes_back() {
    let house = House::start().await;
    let telegrams = house.open(|request| vec![answered(request, b"0000")]).await;
    let answer = house.handle.exchange(transfer()).await.unwrap();
    assert_eq!(answer.outcome, Outcome::Success { cause: Cause::Answered });
    assert_eq!(answer.state, "finished");
    let sent = telegrams.recv_timeout(PATIENCE).unwrap();
    assert_eq!(sent.len(), 300);
    assert_eq!(&sent[TYPE], b"2000");
    assert_eq!(&sent[COMPANY], b"PABALCO1    ");
    assert_eq!(&sent[BANK], b"088");
    assert_eq!(&sent[SECRETS], b"12345678123456", "the wire has the secrets");
    assert_eq!(answer.telegram.as_deref(), Some(&*answered(&sent, b"0000")));
    let number: u32 = std::str::from_utf8(&sent[NUMBER]).unwrap().parse().unwrap();
    assert_eq!(answer.number.as_deref().map(|digits| digits.parse::<u32>().unwrap()), Some(number));

    let found = house.handle.find(find(FindKey::Exchange(answer.exchange), false)).await.unwrap();
    let Found::Exchange { state, outcome, rule, telegram, trace, history, .. } = found else { panic!("{found:?}") };
    assert_eq!((state.as_str(), outcome, rule.as_str()), ("finished", Some(answer.outcome), "transfer"));
    let mut stored = answered(&sent, b"0000");
    stored[SECRETS].fill(b'*');
    assert_eq!(telegram, Some(stored), "the journal has not");
    assert_eq!(trace.as_deref(), Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"));
    let kinds: Vec<&str> = history.iter().map(|(_, kind, _)| kind.as_str()).collect();
    assert_eq!(kinds, ["accepted", "sending", "outcome"]);
    assert!(history.iter().all(|(_, _, line)| !line.contains("12345678")), "{history:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_bank_refuses_is_a_failure() {
    let house = House::start().await;
    // Which codes are refusals is the table's to say.
    let sources = crate::spec_sources(&specs()).unwrap();
    let codes = &sources.iter().find(|source| source.name == "codes.csv").unwrap().text;
    let refused = codes.lines().find(|line| line.starts_with("088,") && line.contains(",refused,")).unwrap();
    let code: [u8; 4] = refused.split(',').nth(2).unwrap().as_bytes().try_into().unwrap();
    house.open(move |request| vec![answered(request, &code)]).await;
    let answer = house.handle.exchange(transfer()).await.unwrap();
    assert_eq!(answer.outcome, Outcome::Failure { cause: Cause::Refused, refusal: None });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn silence_is_unknown_when_the_caller_stops_waiting() {
    let house = House::start().await;
    let telegrams = house.open(|_| Vec::new()).await;
    let answer = house.handle.exchange(Call { timeout: Some(Duration::from_millis(300)), ..transfer() }).await.unwrap();
    assert_eq!(answer.outcome, Outcome::Unknown { cause: Cause::CallerDeadline });
    assert_eq!(telegrams.recv_timeout(PATIENCE).unwrap().len(), 300);
    let found = house.handle.find(find(FindKey::Exchange(answer.exchange), false)).await.unwrap();
    let Found::Exchange { outcome, .. } = found else { panic!("{found:?}") };
    assert_eq!(outcome, Some(answer.outcome));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_inquiry_settles_what_was_unknown() {
    let house = House::start_impatient().await;
    house
        .open(|request| match &request[TYPE] {
            b"7000" => {
                // The original's fields as the document's result telegram lays them out, from byte 100 on.
                let body = format!(
                    "{:15}004{:15}{:013}{:013}{:013}{:09}1203000000",
                    "11012345678901", "99912345678901", 150_000, 150_000, 0, 0
                );
                let mut answer = answered(request, b"0000");
                answer[106..106 + body.len()].copy_from_slice(body.as_bytes());
                vec![answer]
            }
            _ => Vec::new(),
        })
        .await;
    let unknown = house.handle.exchange(transfer()).await.unwrap();
    assert_eq!(unknown.outcome, Outcome::Unknown { cause: Cause::NoAnswer });
    let call = InquireCall {
        institution: "hecto".to_owned(),
        exchange: unknown.exchange,
        actor: "night shift".to_owned(),
        reason: "the customer asks".to_owned(),
        timeout: None,
        trace: None,
    };
    let (answer, found) = house.handle.inquire(call).await.unwrap();
    assert_eq!(answer.outcome, Outcome::Success { cause: Cause::Answered });
    let Found::Exchange { outcome, state, exchange, history, .. } = found else { panic!("{found:?}") };
    assert_eq!((exchange, outcome), (unknown.exchange, Some(Outcome::Success { cause: Cause::Inquiry })));
    assert_eq!(state, "settled");
    let who = "by night shift: the customer asks";
    let asked = history.iter().position(|(_, kind, text)| kind == "inquired" && text.starts_with(who));
    assert!(asked.is_some_and(|at| at + 1 < history.len()), "before its outcome: {history:?}");
    let shown = house.handle.show("hecto", unknown.exchange).await.unwrap().unwrap();
    assert_eq!(shown.summary.state, "settled", "as `find` says");
    let inquiry = house.handle.show("hecto", answer.exchange).await.unwrap().unwrap();
    assert_eq!(inquiry.summary.state, "finished");
    assert!(inquiry.history[0].text.ends_with(who), "{:?}", inquiry.history);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_who_use_a_key_at_once_hear_the_same() {
    let house = House::start().await;
    let _telegrams = house.open(|request| vec![answered(request, b"0000")]).await;
    for round in 0..50 {
        let mut calls = tokio::task::JoinSet::new();
        for _ in 0..8 {
            let (handle, key) = (house.handle.clone(), format!("salary-{round}"));
            calls.spawn(async move { handle.exchange(Call { idempotency_key: Some(key), ..transfer() }).await });
        }
        let answers = calls.join_all().await.into_iter().map(|answer| answer.unwrap());
        let heard: Vec<_> = answers.map(|answer| (answer.exchange, answer.outcome)).collect();
        let once = (heard[0].0, Outcome::Success { cause: Cause::Answered });
        assert!(heard.iter().all(|one| *one == once), "one exchange and its outcome in round {round}: {heard:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_is_answered_from_its_exchange() {
    let house = House::start().await;
    let telegrams = house.open(|request| vec![answered(request, b"0000")]).await;
    let keyed = || Call { idempotency_key: Some("salary-1".to_owned()), ..transfer() };
    let (first, second) = tokio::join!(house.handle.exchange(keyed()), house.handle.exchange(keyed()));
    let (first, second) = (first.unwrap(), second.unwrap());
    assert_eq!(first.exchange, second.exchange);
    let mut again = keyed();
    again.trace = Some("00-ffffffffffffffffffffffffffffffff-b7ad6b7169203331-01".to_owned());
    let third = house.handle.exchange(again).await.unwrap();
    assert_eq!((third.exchange, third.outcome), (first.exchange, first.outcome));
    assert_eq!(third.trace, first.trace, "it ran under the trace of the call that began it");
    assert!(telegrams.recv_timeout(PATIENCE).is_ok());
    assert!(telegrams.try_recv().is_err(), "one telegram left");

    let mut other = keyed();
    let Body::Fields(fields) = &mut other.body else { unreachable!() };
    fields.iter_mut().find(|(name, _)| name == "debit_amt").unwrap().1 = "150001".into();
    assert_eq!(house.handle.exchange(other).await.unwrap_err().refusal, Refusal::KeyReused);
    let Found::Exchange { exchange, .. } = house.handle.find(find(key("salary-1"), true)).await.unwrap() else {
        panic!()
    };
    assert_eq!(exchange, first.exchange);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_memory_has_forgotten_is_found_in_the_journal() {
    let house = House::start_with("[limits]\nidempotency_keys_max = 1").await;
    let telegrams = house.open(|request| vec![answered(request, b"0000")]).await;
    let keyed = |key: &str| Call { idempotency_key: Some(key.to_owned()), ..transfer() };
    let first = house.handle.exchange(keyed("one")).await.unwrap();
    for other in ["two", "three"] {
        house.handle.exchange(keyed(other)).await.unwrap();
    }
    let again = house.handle.exchange(keyed("one")).await.unwrap();
    assert_eq!((again.exchange, again.outcome), (first.exchange, first.outcome));
    let mut other = keyed("one");
    let Body::Fields(fields) = &mut other.body else { unreachable!() };
    fields.iter_mut().find(|(name, _)| name == "memo").unwrap().1 = "gift".into();
    let error = house.handle.exchange(other).await.unwrap_err();
    assert_eq!((error.refusal, error.exchange), (Refusal::KeyReused, Some(first.exchange)));
    let sent: Vec<_> = (0..3).map(|_| telegrams.recv_timeout(PATIENCE).unwrap()).collect();
    assert_eq!(sent.len(), 3);
    assert!(telegrams.try_recv().is_err(), "three telegrams left for four calls");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_used_key_is_told_though_the_request_has_become_wrong() {
    let house = House::start_with("[limits]\nidempotency_keys_max = 1").await;
    house.open(|request| vec![answered(request, b"0000")]).await;
    let keyed = |key: &str| Call { idempotency_key: Some(key.to_owned()), ..transfer() };
    let old = house.handle.exchange(keyed("old")).await.unwrap().exchange;
    for key in ["two", "three"] {
        house.handle.exchange(keyed(key)).await.unwrap();
    }
    let young = house.handle.exchange(keyed("young")).await.unwrap().exchange;
    // As a request looks when its exchange, its layout or its institution has another name now.
    let wrong = |key: &str| {
        let (exchange, body) = ("transfr".to_owned(), Body::Raw(vec![b' '; 299]));
        [Call { exchange, ..keyed(key) }, Call { body, ..keyed(key) }]
    };
    for (key, exchange) in [("old", old), ("young", young)] {
        for call in wrong(key) {
            let error = house.handle.exchange(call).await.unwrap_err();
            assert_eq!((error.refusal, error.exchange), (Refusal::KeyReused, Some(exchange)), "{error:?}");
        }
    }
    let refusals = [Refusal::UnknownExchange, Refusal::InvalidFields];
    for (call, refusal) in wrong("new").into_iter().zip(refusals) {
        let error = house.handle.exchange(call).await.unwrap_err();
        assert_eq!((error.refusal, error.is_proof), (refusal, true), "{error:?}");
    }
    let elsewhere = Call { institution: "hekto".to_owned(), ..keyed("old") };
    let error = house.handle.exchange(elsewhere).await.unwrap_err();
    assert_eq!((error.refusal, error.is_proof), (Refusal::UnknownInstitution, true), "there it was not used");
    assert!(house.handle.unused("hecto", "payroll", "old", None).await.is_err());
    assert!(house.handle.unused("hecto", "another", "old", None).await.is_ok(), "a key is its caller's own");
}

/// From the next reader that is opened on.
fn hide_the_journal(house: &House) {
    std::fs::rename(house.directory.path().join("data"), house.directory.path().join("hidden")).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_cannot_be_looked_up_is_not_sent_and_proves_nothing() {
    let house = House::start().await;
    let telegrams = house.open(|request| vec![answered(request, b"0000")]).await;
    hide_the_journal(&house);
    let keyed = Call { idempotency_key: Some("salary-1".to_owned()), ..transfer() };
    for call in [Call { exchange: "transfr".to_owned(), ..keyed.clone() }, keyed] {
        let error = house.handle.exchange(call).await.unwrap_err();
        assert_eq!((error.refusal, error.is_proof), (Refusal::JournalFailed, false), "{error:?}");
    }
    assert!(telegrams.try_recv().is_err());
    let unnamed = Call { exchange: "transfr".to_owned(), ..transfer() };
    assert!(house.handle.exchange(unnamed).await.unwrap_err().is_proof, "without a key there was no earlier use");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fence_proves_that_nothing_will_come() {
    let house = House::start().await;
    let telegrams = house.open(|request| vec![answered(request, b"0000")]).await;
    let found = house.handle.find(find(key("lost"), false)).await.unwrap();
    assert!(matches!(found, Found::NotFound { fenced: false }));
    for _ in 0..2 {
        let found = house.handle.find(find(key("lost"), true)).await.unwrap();
        assert!(matches!(found, Found::NotFound { fenced: true }));
    }
    let straggler = Call { idempotency_key: Some("lost".to_owned()), ..transfer() };
    assert_eq!(house.handle.exchange(straggler).await.unwrap_err().refusal, Refusal::KeyFenced);
    assert!(telegrams.try_recv().is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn names_that_are_not_known_are_told_with_the_nearest() {
    let house = House::start().await;
    let error = house.handle.exchange(Call { institution: "hekto".to_owned(), ..transfer() }).await.unwrap_err();
    assert_eq!(error.refusal, Refusal::UnknownInstitution);
    insta::assert_snapshot!(error.detail, @r#"no institution "hekto" is configured; did you mean `hecto`?"#);
    let error = house.handle.exchange(Call { exchange: "transfr".to_owned(), ..transfer() }).await.unwrap_err();
    assert_eq!(error.refusal, Refusal::UnknownExchange);
    insta::assert_snapshot!(error.detail, @r#"the spec of hecto has no exchange "transfr"; did you mean `transfer`?"#);
    let error = house.handle.exchange(Call { body: Body::Raw(vec![b' '; 299]), ..transfer() }).await.unwrap_err();
    assert_eq!((error.refusal, error.faults.len()), (Refusal::InvalidFields, 1));
    insta::assert_snapshot!(error.detail, @"T01 transfer at byte 0 (300 bytes): 299 bytes, 1 too few; the layout has 300");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_telegram_given_whole_is_held_to_its_layout_before_a_byte_leaves() {
    let house = House::start().await;
    let telegrams = house.open(|request| vec![answered(request, b"0000")]).await;
    house.handle.exchange(transfer()).await.unwrap();
    let seen = telegrams.recv_timeout(PATIENCE).unwrap();
    // The telegram that was seen, with bytes written over.
    let call = |at: usize, bytes: &[u8]| {
        let mut telegram = seen.clone();
        telegram[at..at + bytes.len()].copy_from_slice(bytes);
        house.handle.exchange(Call { body: Body::Raw(telegram), ..transfer() })
    };
    let wrong: [(&str, usize, &[u8]); 6] = [
        ("T02 debit_amt at byte 129 (13 bytes): not all digits", 129, b"abcdefghijklm"),
        ("T02 debit_amt at byte 129 (13 bytes): not all digits", 129, b"-000000000005"),
        ("T02 debit_amt at byte 129 (13 bytes): not all digits", 129, b"             "),
        ("T14 balance_after at byte 143 (13 bytes): filled by the answerer", 143, b"9999999999999"),
        ("T14 response_code at byte 52 (4 bytes): filled by the answerer", 52, b"7000"),
        ("T05 memo at byte 199 (14 bytes): a character is cut", 212, b"\xC8"),
    ];
    for (told, at, bytes) in wrong {
        let error = call(at, bytes).await.unwrap_err();
        assert_eq!((error.refusal, error.is_proof, error.faults.len()), (Refusal::InvalidFields, true, 1), "{error:?}");
        assert!(error.detail.starts_with(told), "{}", error.detail);
    }
    assert!(telegrams.try_recv().is_err(), "no byte of any has left");
    // The gateway's own may hold anything, and so may fillers.
    for (at, bytes) in [(32, b"??????"), (38, b"never!"), (56, b"\xFFvan\0!")] {
        call(at, bytes).await.unwrap();
        telegrams.recv_timeout(PATIENCE).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_the_receiving_half_down_no_byte_leaves() {
    let house = House::start().await;
    let mut out = house.peer.accept();
    let health =
        house.health(|health| matches!(health, crate::Health::NotServing(why) if why.starts_with("receive"))).await;
    assert_eq!(
        health,
        crate::Health::NotServing(
            "receive half down: line in (down: nobody has connected); openings 0/1 open".to_owned()
        )
    );
    let error = house.handle.exchange(transfer()).await.unwrap_err();
    assert!(matches!(error.refusal, Refusal::ReceiveDown | Refusal::NotOpen), "{error:?}");
    // The end of the stream comes, and nothing before it.
    let summary = house.gateway.drain(Duration::from_secs(5)).await;
    assert!(summary.is_complete(), "{summary:?}");
    assert_eq!(super::peer::read_telegram(&mut out), None);
}
