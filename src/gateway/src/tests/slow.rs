//! A bank that stops reading, whose kernel takes little.

use std::collections::BTreeSet;
use std::io::Read;
use std::time::Duration;

use pabal_switch::{CloseReason, Refusal};

use super::house::{House, transfer};
use super::peer::{NUMBER, PATIENCE, answered, is_open_request, read_telegram, write_telegram};
use crate::Call;

/// Bytes of a transfer on the wire.
const FRAME: usize = 304;
const CALLS: usize = 600;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_slow_bank_cannot_have_is_not_sent_and_all_else_is_unknown() {
    let house = House::start_small("[line]\nwindow = 1000\nunsent_time_max = \"500ms\"\n").await;
    let (mut out, mut inbound) = house.connect();
    let opening = tokio::task::spawn_blocking(move || {
        let opening = read_telegram(&mut out).unwrap();
        assert!(is_open_request(&opening));
        write_telegram(&mut inbound, &answered(&opening, b"0000"));
        (out, inbound)
    });
    let (mut out, _inbound) = opening.await.unwrap();
    house.wait_until_open().await;
    // 182 kB, of which nobody reads a byte.
    let calls: Vec<_> = (0..CALLS)
        .map(|_| {
            let handle = house.handle.clone();
            let call = Call { timeout: Some(Duration::from_secs(6)), ..transfer() };
            tokio::spawn(async move { handle.exchange(call).await })
        })
        .collect();
    let (mut unsent, mut unknown) = (0, BTreeSet::new());
    for call in calls {
        match call.await.unwrap() {
            Ok(answer) => {
                assert!(matches!(answer.outcome, pabal_switch::Outcome::Unknown { .. }), "{answer:?}");
                assert!(unknown.insert(answer.number.unwrap().into_bytes()));
            }
            Err(error) => {
                assert_eq!(error.refusal, Refusal::SessionLost, "{error:?}");
                unsent += 1;
            }
        }
    }
    // Only now the bank reads what its kernel has, until the reset.
    let came = tokio::task::spawn_blocking(move || {
        out.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut came = Vec::new();
        let ended = out.read_to_end(&mut came);
        assert!(ended.is_err_and(|error| error.kind() == std::io::ErrorKind::ConnectionReset), "it was reset");
        came
    });
    let came = came.await.unwrap();
    assert_eq!(unsent + unknown.len(), CALLS);
    assert!(unsent > 0, "its kernel took all of it");
    // No telegram of which it has a byte was told to be unsent.
    let whole = came.chunks_exact(FRAME);
    let begun = came.len().div_ceil(FRAME);
    for frame in whole {
        assert!(unknown.contains(&frame[4..][NUMBER]), "it came, and was told to be not sent");
    }
    assert!(begun <= unknown.len(), "{begun} came, {} are unknown", unknown.len());
    println!("{CALLS} calls: {unsent} not sent, {} unknown; {begun} came", unknown.len());
    // What is unknown and has not come is what the peer's window would still have let out.
    assert!(unknown.len() - begun <= 16, "{} are unknown, and only {begun} came", unknown.len());
    let is_slow = |status: pabal_switch::Status| {
        status.sessions.iter().any(|session| session.closed == Some(CloseReason::SlowPeer))
    };
    assert!(is_slow(house.handle.status("hecto").await.unwrap()));
}
