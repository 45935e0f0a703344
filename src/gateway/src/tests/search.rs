//! Looking for exchanges, and at one.

use pabal_switch::{Cause, ExchangeId, Outcome, Refusal};

use super::house::{House, transfer};
use super::peer::{NUMBER, SECRETS, answered};
use crate::{Call, InquireCall, Search, SearchBy, Searched};

fn search(by: SearchBy) -> Search {
    Search { institution: Some("hecto".to_owned()), by, max: 10 }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_exchange_is_found_by_each_of_its_keys_and_shown_with_its_telegrams() {
    let house = House::start().await;
    house.open(|request| vec![answered(request, b"0000")]).await;
    let call = Call { idempotency_key: Some("salary".to_owned()), ..transfer() };
    let answer = house.handle.exchange(call).await.unwrap();
    let other = house.handle.exchange(transfer()).await.unwrap();
    let detail = house.handle.show("hecto", answer.exchange).await.unwrap().unwrap();
    let number = answer.number.clone().unwrap();
    let key = detail.summary.key.clone().unwrap();
    assert!(key.contains(&number), "the key holds the number: {key}");
    let trace = "0af7651916cd43dd8448eb211c80319c".to_owned();
    let caller = Some("payroll".to_owned());
    let salary = "salary".to_owned();
    let only = vec![answer.exchange];
    let keys = [
        (SearchBy::Exchange(answer.exchange), only.clone()),
        (SearchBy::IdempotencyKey { caller, key: salary.clone() }, only.clone()),
        (SearchBy::IdempotencyKey { caller: None, key: salary.clone() }, only.clone()),
        (SearchBy::IdempotencyKey { caller: Some("billing".to_owned()), key: salary }, vec![]),
        (SearchBy::InstitutionKey(key.clone()), only.clone()),
        (SearchBy::Number(number.clone()), only),
        // Both have it, the newest first; the opening has none of theirs.
        (SearchBy::Trace(trace), vec![other.exchange, answer.exchange]),
        (SearchBy::Unresolved, vec![]),
    ];
    for (by, expected) in keys {
        let found = house.handle.search(search(by.clone())).await.unwrap().found;
        assert_eq!(found.iter().map(|found| found.exchange).collect::<Vec<_>>(), expected, "{by:?}");
        let anywhere = Search { institution: None, ..search(by.clone()) };
        assert_eq!(house.handle.search(anywhere).await.unwrap().found, found, "{by:?}");
    }
    let summary = &detail.summary;
    assert_eq!(
        (summary.rule.as_str(), summary.origin.as_str(), summary.state.as_str()),
        ("transfer", "caller", "finished")
    );
    assert_eq!(summary.outcome, Some(Outcome::Success { cause: Cause::Answered }));
    assert_eq!((summary.party.as_deref(), summary.participant.as_deref()), (Some("main"), Some("088")));
    assert_eq!(summary.idempotency_key.as_deref(), Some("salary"));
    let kinds: Vec<&str> = detail.history.iter().map(|line| line.kind.as_str()).collect();
    assert_eq!(kinds, ["accepted", "sending", "outcome"]);
    for stored in [detail.request.unwrap(), detail.answer.unwrap()] {
        assert!(stored.telegram[SECRETS].iter().all(|byte| *byte == b'*'), "a secret is not stored");
        assert_eq!(stored.layout().unwrap().len(), 300, "the version is loaded");
    }
    assert!(detail.notices.is_empty() && detail.inquiries.is_empty());
    let nobody = ExchangeId(7);
    assert!(house.handle.show("hecto", nobody).await.unwrap().is_none());
    assert!(house.handle.show("hekto", nobody).await.is_err());
    let elsewhere = Search { institution: Some("hekto".to_owned()), ..search(SearchBy::Unresolved) };
    assert!(house.handle.search(elsewhere).await.unwrap_err().detail.contains("did you mean `hecto`"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_unknown_is_found_until_it_is_settled() {
    let house = House::start_impatient().await;
    let (answers, answer_now) = std::sync::mpsc::channel::<()>();
    let answer_now = std::sync::Mutex::new(answer_now);
    house
        .open(move |request| {
            answer_now.lock().unwrap().recv().unwrap();
            vec![answered(request, b"0000")]
        })
        .await;
    let unknown = house.handle.exchange(transfer()).await.unwrap();
    assert!(!unknown.outcome.is_final());
    let one = Search { max: 1, ..search(SearchBy::Unresolved) };
    let Searched { found, more } = house.handle.search(one).await.unwrap();
    assert!(!more, "it is the only one");
    let [summary] = &found[..] else { panic!("{found:#?}") };
    assert_eq!((summary.exchange, summary.outcome), (unknown.exchange, Some(unknown.outcome)));
    assert_eq!(summary.state, "unknown");
    let next = summary.next.as_ref().expect("the spec has an inquiry");
    assert!(next.at.is_some_and(|at| at > house.handle.now().wall), "{next:?}");
    answers.send(()).unwrap();
    house
        .wait_for(|handle| async move { handle.search(search(SearchBy::Unresolved)).await.unwrap().found.is_empty() })
        .await;
    let detail = house.handle.show("hecto", unknown.exchange).await.unwrap().unwrap();
    assert_eq!(detail.summary.outcome, Some(Outcome::Success { cause: Cause::Late }));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_with_one_wrong_field_is_shown_with_the_request_that_it_did_not_reach() {
    let house = House::start_impatient().await;
    house
        .open(|request| {
            let mut astray = answered(request, b"0000");
            astray[NUMBER].copy_from_slice(b"900001");
            vec![astray]
        })
        .await;
    let unknown = house.handle.exchange(transfer()).await.unwrap();
    assert_eq!(unknown.outcome, Outcome::Unknown { cause: Cause::NoAnswer });
    let detail = house.handle.show("hecto", unknown.exchange).await.unwrap().unwrap();
    let line = detail.history.iter().find(|line| line.kind == "unclaimed").expect("why there was no answer");
    let number = unknown.number.unwrap();
    let expected =
        format!("differs in telegram_no: `900001` came, `{number}` is awaited; its number was not given yet");
    assert!(line.text.ends_with(&expected), "{}", line.text);
    // And among all that nobody waited for.
    let found = house.handle.unclaimed(Some("hecto"), 10).await.unwrap();
    let [one] = &found[..] else { panic!("{found:?}") };
    assert_eq!((one.line.as_str(), one.slot, one.length, one.near), ("in", 0, 300, Some(unknown.exchange)));
    assert!(one.reason.ends_with(&expected), "{}", one.reason);
    assert_eq!(house.handle.unclaimed(Some("hekto"), 10).await.unwrap_err().refusal, Refusal::UnknownInstitution);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn inquiries_are_shown_in_the_order_in_which_they_were_made() {
    let house = House::start().await;
    house.open(|request| vec![answered(request, b"VTIM")]).await;
    let unknown = house.handle.exchange(transfer()).await.unwrap();
    let mut asked = Vec::new();
    for _ in 0..2 {
        let call = InquireCall {
            institution: "hecto".to_owned(),
            exchange: unknown.exchange,
            actor: "night shift".to_owned(),
            reason: "the customer asks".to_owned(),
            timeout: None,
            trace: None,
        };
        asked.push(house.handle.inquire(call).await.unwrap().0.exchange);
    }
    let detail = house.handle.show("hecto", unknown.exchange).await.unwrap().unwrap();
    assert_eq!(detail.inquiries.iter().map(|one| one.exchange).collect::<Vec<_>>(), asked);
}
