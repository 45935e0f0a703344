//! Callers that stop waiting, at every point of a call's way.

use std::collections::BTreeSet;
use std::time::Duration;

use pabal_front::Proof;
use pabal_front::proto::{FoundExchange, Reason};
use pabal_rig::{Asked, Options, Outcome, Rig, Standing, run, scenario, soon, transfer, until};
use pabal_simulator::computer_clock;
use pabal_switch::Refusal;

fn silent() -> Options {
    Options { scenario: scenario("silent"), ..Options::default() }
}

/// The words of an exchange's history.
fn kinds(found: &FoundExchange) -> Vec<&str> {
    found.history.iter().map(|entry| &*entry.kind).collect()
}

#[test]
fn a_caller_with_300_ms_is_told_unknown_by_a_silent_bank() {
    run(async {
        // The outcome is made durable before it is told; the disk of a machine that runs all tests needs more than the usual 50 ms.
        let rig = Rig::open_with(Options { limits: "caller_margin = \"200ms\"".to_owned(), ..silent() }).await;
        let asked = transfer(150_000).keyed("patience").within(Duration::from_millis(300));
        // The client's own timer would make an error of it.
        let response = rig.call(&asked).await.unwrap();
        assert_eq!((response.outcome(), response.cause()), (Outcome::Unknown, Reason::CallerDeadline), "{response:?}");
        assert_eq!(response.state, "sent", "the exchange goes on");
        assert_eq!(rig.wait_seen(&asked).await.executed, 1, "the money has moved");
        let found = rig.find_key("patience").await.known();
        assert_eq!(
            (found.outcome(), found.cause(), &found.exchange_id),
            (Outcome::Unknown, Reason::CallerDeadline, &response.exchange_id)
        );
        assert_eq!(kinds(&found), ["accepted", "sending", "outcome"]);
    });
}

#[test]
fn a_call_that_is_dropped_before_it_is_durable_goes_on_and_is_found() {
    run(async {
        let rig = Rig::open().await;
        let held = rig.gateway().journal().pause();
        let asked = transfer(1).keyed("gone");
        let call = rig.spawn(&asked);
        rig.wait_status("it is taken in", |status| (status.in_flight == 1).then_some(())).await;
        call.abort();
        let found = rig.find_key("gone").await.known();
        assert_eq!(
            (&*found.state, found.outcome()),
            ("sending", Outcome::Unspecified),
            "memory knows it before the journal"
        );
        drop(held);
        let found =
            rig.wait_found("it is answered", &found.exchange_id, |found| found.outcome() == Outcome::Success).await;
        assert_eq!(kinds(&found), ["accepted", "sending", "outcome"]);
        assert_eq!(rig.seen(&asked).len(), 1);
    });
}

#[test]
fn a_call_that_is_dropped_after_it_left_is_answered_without_it() {
    run(async {
        // Late enough for the caller to be gone before, as far as the bank's clock goes; the assertions hold either way.
        let slow =
            scenario("normal").replace("[reply.set]\nbalance_sign", "delay = \"300ms\"\n[reply.set]\nbalance_sign");
        let rig = Rig::open_with(Options { scenario: slow, ..Options::default() }).await;
        let asked = transfer(1).keyed("gone");
        let call = rig.spawn(&asked);
        rig.wait_seen(&asked).await;
        call.abort();
        let found = rig.find_key("gone").await.known();
        assert!(matches!(found.outcome(), Outcome::Unspecified | Outcome::Success), "{found:?}");
        let found =
            rig.wait_found("it is answered", &found.exchange_id, |found| found.outcome() == Outcome::Success).await;
        assert_eq!((found.cause(), &*found.state), (Reason::Answered, "finished"));
    });
}

#[test]
fn a_call_dropped_at_any_moment_leaves_what_find_and_the_bank_agree_on() {
    run(async {
        let rig = Rig::open().await;
        const CALLS: u32 = 120;
        let name = |at: u32| transfer(u64::from(at) + 1).keyed(&format!("drop-{at}"));
        let calls: Vec<Asked> = (0..CALLS).map(name).collect();
        let begun = computer_clock().mono;
        rig.succeed(&transfer(1)).await;
        let whole = computer_clock().mono.since(begun);
        for (at, asked) in (0..).zip(&calls) {
            let mut call = rig.spawn(asked);
            // The caller's patience: from before the client has written a byte to when the answer should be there.
            if tokio::time::timeout(whole * at / CALLS, &mut call).await.is_err() {
                call.abort();
                // Whether it is answered meanwhile does not matter.
                drop(call.await);
            }
        }
        let mut states = BTreeSet::new();
        for asked in &calls {
            let key = pabal_front::proto::find_request::Key::IdempotencyKey(asked.request.idempotency_key.clone());
            // Whatever is not known now will never be: a straggler is fenced off.
            match rig.find(key, true).await {
                Standing::NotFound(not_found) => {
                    assert!(not_found.fenced);
                    states.insert("never came".to_owned());
                    assert_eq!(rig.seen(asked), [], "{}", asked.mark);
                }
                Standing::Found(found) => {
                    let found = rig
                        .wait_found("it has an outcome", &found.exchange_id, |found| {
                            found.outcome() != Outcome::Unspecified
                        })
                        .await;
                    states.insert(format!("{:?} {:?}", found.outcome(), found.refusal()));
                    let left = u32::from(found.outcome() == Outcome::Success);
                    let executed: u32 = rig.seen(asked).iter().map(|request| request.executed).sum();
                    assert_eq!(executed, left, "{found:?}");
                }
            }
        }
        assert!(states.len() >= 2, "the moments reach from nothing to an answer: {states:?}");
        // None of those that were fenced came behind our back.
        rig.succeed(&transfer(1)).await;
        until("nothing is in flight", async || (rig.status().await.in_flight == 0).then_some(())).await;
        let totals = rig.bank().read(|ledger| ledger.totals());
        assert_eq!((totals.duplicates, totals.strangers), (0, 0), "{totals:?}");
    });
}

#[test]
fn a_caller_that_waits_hears_the_outcome_of_the_same_key_from_another_connection() {
    run(async {
        let rig = Rig::open().await;
        let held = rig.gateway().journal().pause();
        let asked = transfer(1).keyed("twice");
        let first = rig.spawn(&asked);
        rig.wait_status("it is taken in", |status| (status.in_flight == 1).then_some(())).await;
        let second = rig.spawn(&asked);
        // The first goes; the second still waits for the same exchange.
        first.abort();
        drop(held);
        let response = soon("the second hears it", second).await.unwrap().unwrap();
        assert_eq!(response.outcome(), Outcome::Success);
        assert_eq!(rig.seen(&asked).len(), 1);
    });
}

/// Whatever has come since, who asks again under its key hears of the exchange that it began, and nothing is sent.
#[test]
fn a_known_key_is_answered_though_the_queue_is_full_the_gateway_drains_and_the_next_one_blocks() {
    run(async {
        let options = Options {
            line: "window = 1".to_owned(),
            limits: "waiting_max = 1\ncaller_margin = \"200ms\"".to_owned(),
            ..silent()
        };
        let mut rig = Rig::open_with(options).await;
        let asked = transfer(1).keyed("pay").within(Duration::from_millis(400));
        let first = rig.call(&asked).await.unwrap();
        assert_eq!((first.outcome(), first.cause()), (Outcome::Unknown, Reason::CallerDeadline), "{first:?}");
        async fn again(rig: &Rig, asked: &Asked, exchange: &str, when: &str) {
            let response = rig.call(&asked.clone().within(Duration::from_secs(20))).await;
            let response = response.unwrap_or_else(|status| panic!("{when}: {status:?}"));
            assert_eq!((&*response.exchange_id, response.outcome()), (exchange, Outcome::Unknown), "{when}");
        }
        let refused = async |rig: &Rig, refusal: Refusal| {
            let status = rig.call(&transfer(9)).await.unwrap_err();
            assert_eq!(Proof::of(&status).expect("a proof").reason, refusal.word());
        };
        again(&rig, &asked, &first.exchange_id, "as it was").await;
        // One is in flight, one waits, and there is room for no more.
        let waits = rig.spawn(&transfer(2));
        rig.wait_status("it waits", |status| (status.waiting == 1).then_some(())).await;
        refused(&rig, Refusal::QueueFull).await;
        again(&rig, &asked, &first.exchange_id, "the queue is full").await;
        let drain = rig.drain(Duration::from_secs(3));
        rig.wait_status("it drains", |status| status.draining.then_some(())).await;
        refused(&rig, Refusal::Draining).await;
        again(&rig, &asked, &first.exchange_id, "draining").await;
        let told = Proof::of(&soon("who waited hears", waits).await.unwrap().unwrap_err()).expect("a proof");
        assert_eq!(told.reason, Refusal::Draining.word());
        soon("the drain ends", drain).await.unwrap();
        rig.kill().await;
        rig.configure("[[institutions.hecto.controls]]\nname = \"all\"\nmessage = \"점검\"\nreason = \"drill\"");
        rig.start_again().await;
        // Business opens all the same, for the time after.
        rig.wait_open().await;
        refused(&rig, Refusal::Blocked).await;
        again(&rig, &asked, &first.exchange_id, "blocked, in the next process").await;
        assert_eq!(rig.seen(&asked).len(), 1, "nothing was sent twice");
    });
}
