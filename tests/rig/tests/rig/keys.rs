//! Idempotency keys, and the trace of a call.

use pabal_front::proto::find_request::Key;
use pabal_rig::{Outcome, Rig, Standing, refused, run, transfer};
use pabal_switch::Refusal;
use tonic::Code;

#[test]
fn the_same_key_sends_once_and_is_answered_alike() {
    run(async {
        let rig = Rig::open().await;
        let asked = transfer(150_000).keyed("salary-2026-11");
        let first = rig.succeed(&asked).await;
        let again = rig.succeed(&asked).await;
        assert_eq!(
            (&again.exchange_id, &again.raw, &again.telegram_number),
            (&first.exchange_id, &first.raw, &first.telegram_number)
        );
        assert_eq!(again.fields["balance_after"], first.fields["balance_after"]);
        let seen = rig.seen(&asked);
        assert_eq!((seen.len(), seen[0].received, seen[0].executed), (1, 1, 1));
        // The key is the caller's own: another caller's is another request.
        let mut other = transfer(150_000).keyed("salary-2026-11");
        other.caller = "another".to_owned();
        assert_ne!(rig.succeed(&other).await.exchange_id, first.exchange_id);
    });
}

#[test]
fn the_same_key_with_another_content_is_refused_and_changes_nothing() {
    run(async {
        let mut rig = Rig::open().await;
        let asked = transfer(150_000).keyed("salary");
        let first = rig.succeed(&asked).await;
        let other = transfer(150_001).keyed("salary");
        refused(rig.call(&other).await, Refusal::KeyReused, Code::AlreadyExists);
        // Also in the next process.
        rig.kill().await;
        rig.start_again().await;
        rig.wait_open().await;
        refused(rig.call(&other).await, Refusal::KeyReused, Code::AlreadyExists);
        assert_eq!(rig.succeed(&asked).await.exchange_id, first.exchange_id);
        assert_eq!(rig.seen(&asked)[0].received, 1);
        rig.assert_nothing_left(&[&other]).await;
    });
}

#[test]
fn a_fence_is_proof_and_a_used_key_cannot_be_fenced() {
    run(async {
        let mut rig = Rig::open().await;
        let Standing::NotFound(unknown) = rig.find_key("lost").await else { panic!("it is known") };
        assert!(!unknown.fenced, "asking alone binds nothing");
        for _ in 0..2 {
            let Standing::NotFound(proof) = rig.find(Key::IdempotencyKey("lost".to_owned()), true).await else {
                panic!("it is known")
            };
            assert!(proof.fenced);
        }
        let straggler = transfer(1).keyed("lost");
        refused(rig.call(&straggler).await, Refusal::KeyFenced, Code::AlreadyExists);
        let used = transfer(1).keyed("used");
        let response = rig.succeed(&used).await;
        let found = rig.find(Key::IdempotencyKey("used".to_owned()), true).await.known();
        assert_eq!((found.exchange_id, found.outcome), (response.exchange_id, Outcome::Success.into()));
        rig.assert_nothing_left(&[&straggler]).await;
    });
}

#[test]
fn a_trace_is_in_the_answer_and_in_the_journal() {
    run(async {
        const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
        let mut rig = Rig::open().await;
        let mut asked = transfer(1);
        asked.trace = Some(format!("00-{TRACE}-00f067aa0ba902b7-01"));
        let response = rig.succeed(&asked).await;
        assert_eq!(response.trace_id, TRACE);
        assert_eq!(rig.find_exchange(&response.exchange_id).await.trace_id, TRACE);
        // Without one, a trace is begun.
        let own = rig.succeed(&transfer(2)).await.trace_id;
        assert!(own.len() == 32 && own != TRACE && own.bytes().all(|digit| digit.is_ascii_hexdigit()), "{own}");
        // The next process knows it by the journal alone.
        rig.kill().await;
        rig.start_again().await;
        assert_eq!(rig.find_exchange(&response.exchange_id).await.trace_id, TRACE);
    });
}
