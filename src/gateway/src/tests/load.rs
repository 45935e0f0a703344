//! Many at once, and callers who go away.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use pabal_switch::{Cause, Outcome, Refusal};

use super::house::{House, transfer};
use super::peer::{PATIENCE, answered};
use crate::{Call, Find, FindKey, Found};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_calls_than_the_window_has_room_for_are_all_answered() {
    let house = House::start_with("[line]\nwindow = 8\n").await;
    let telegrams = house.open(|request| vec![answered(request, b"0000")]).await;
    let calls: Vec<_> = (0..200)
        .map(|_| {
            let handle = house.handle.clone();
            tokio::spawn(async move { handle.exchange(transfer()).await })
        })
        .collect();
    let mut numbers = Vec::new();
    for call in calls {
        let answer = call.await.unwrap().unwrap();
        assert_eq!(answer.outcome, Outcome::Success { cause: Cause::Answered });
        numbers.push(answer.number.unwrap());
    }
    numbers.sort();
    numbers.dedup();
    assert_eq!(numbers.len(), 200, "each has a number of its own");
    assert_eq!((0..200).filter(|_| telegrams.recv_timeout(PATIENCE).is_ok()).count(), 200);
    assert!(telegrams.try_recv().is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_questions_starves_no_transfer() {
    let house = House::start().await;
    let _telegrams = house.open(|request| vec![answered(request, b"0000")]).await;
    let stop = Arc::new(AtomicBool::new(false));
    let floods: Vec<_> = (0..256)
        .map(|_| {
            let (handle, stop) = (house.handle.clone(), Arc::clone(&stop));
            tokio::spawn(async move {
                let mut asked = 0_u64;
                while !stop.load(Ordering::Relaxed) {
                    assert!(handle.status("hecto").await.is_some());
                    asked += 1;
                }
                asked
            })
        })
        .collect();
    for _ in 0..10 {
        let answer = house.handle.exchange(transfer()).await.unwrap();
        assert_eq!(answer.outcome, Outcome::Success { cause: Cause::Answered });
    }
    stop.store(true, Ordering::Relaxed);
    let mut asked = 0;
    for flood in floods {
        asked += flood.await.unwrap();
    }
    assert!(asked > 1_000, "{asked} questions are no flood");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_goes_away_while_waiting_sends_nothing() {
    let house = House::start_with("[line]\nwindow = 1\n").await;
    let telegrams = house.open(|_| Vec::new()).await;
    // The first fills the window; the bank says nothing to it.
    let first = tokio::spawn({
        let handle = house.handle.clone();
        async move { handle.exchange(transfer()).await }
    });
    let telegrams = tokio::task::spawn_blocking(move || {
        telegrams.recv_timeout(PATIENCE).unwrap();
        telegrams
    });
    let telegrams = telegrams.await.unwrap();
    let second = tokio::spawn({
        let handle = house.handle.clone();
        async move { handle.exchange(Call { idempotency_key: Some("gone".to_owned()), ..transfer() }).await }
    });
    house.wait_for(|handle| async move { handle.status("hecto").await.unwrap().waiting == 1 }).await;
    second.abort();
    house
        .wait_for(|handle| async move {
            let key = FindKey::Idempotency { caller: "payroll".to_owned(), key: "gone".to_owned() };
            let found = handle.find(Find { institution: "hecto".to_owned(), key, fence: true }).await.unwrap();
            let Found::Exchange { outcome, .. } = found else { panic!("{found:?}") };
            let expected = Outcome::Failure { cause: Cause::NotSent, refusal: Some(Refusal::Abandoned) };
            outcome.inspect(|outcome| assert_eq!(*outcome, expected)).is_some()
        })
        .await;
    let summary = house.gateway.drain(Duration::from_millis(300)).await;
    assert_eq!(summary.institutions.iter().map(|left| left.waiting).sum::<u32>(), 0);
    assert!(matches!(first.await.unwrap().unwrap().outcome, Outcome::Unknown { .. }));
    assert!(telegrams.recv_timeout(PATIENCE).is_err(), "the stream ended without another telegram");
}
