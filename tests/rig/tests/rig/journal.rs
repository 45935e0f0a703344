//! Nothing leaves before it is durable.

use std::time::Duration;

use pabal_front::client::ServingStatus;
use pabal_front::proto::Reason;
use pabal_gateway::Health;
use pabal_rig::{Asked, Options, Outcome, Rig, expect_error, refused, run, scenario, soon, transfer, until};
use pabal_simulator::computer_clock;
use pabal_switch::Refusal;

/// Bytes of the opening, which left before.
const OPENING_BYTES: u64 = 304;

async fn all_in(rig: &Rig, calls: u32) {
    rig.wait_status("every call is taken in", |status| (status.in_flight == calls).then_some(())).await;
}

#[test]
fn a_held_journal_holds_every_byte_of_a_hundred_calls() {
    run(async {
        let rig = Rig::open().await;
        let held = rig.gateway().journal().pause();
        let calls: Vec<Asked> = (1..=100).map(transfer).collect();
        let running: Vec<_> = calls.iter().map(|asked| rig.spawn(asked)).collect();
        all_in(&rig, 100).await;
        let before = rig.bank().read(|ledger| ledger.totals());
        assert_eq!((before.received_bytes, before.requests), (OPENING_BYTES, 1));
        let released = computer_clock();
        drop(held);
        for call in running {
            let response = soon("the call returns", call).await.unwrap().unwrap();
            assert_eq!(response.outcome(), Outcome::Success);
        }
        for asked in &calls {
            let seen = rig.seen(asked);
            assert_eq!(seen.len(), 1, "{}", asked.mark);
            assert_eq!((seen[0].received, seen[0].executed), (1, 1));
            assert!(seen[0].received_at.mono >= released.mono, "it came before the journal was released");
        }
        let after = rig.bank().read(|ledger| ledger.totals());
        assert_eq!((after.requests, after.executed, after.amount), (101, 100, 5_050));
    });
}

#[test]
fn a_notice_is_answered_when_it_is_durable_and_not_before() {
    run(async {
        let rig = Rig::open().await;
        let held = rig.gateway().journal().pause();
        assert!(rig.bank().trigger("deposit"));
        until("the notice waits for the journal", async || {
            (rig.gateway().journal().undurable_bytes("hecto") > 0).then_some(())
        })
        .await;
        let before = rig.bank().read(|ledger| ledger.totals());
        assert_eq!((before.notices, before.notice_replies, before.received_bytes), (1, 0, OPENING_BYTES));
        drop(held);
        rig.wait_ledger("the reply comes", |ledger| (ledger.totals().notice_replies == 1).then_some(())).await;
        let replies: Vec<_> =
            rig.bank().read(|ledger| ledger.notices().flat_map(|(_, notice)| notice.replies.clone()).collect());
        assert_eq!(replies, [Box::from(*b"0000")]);
    });
}

#[test]
fn an_outcome_is_told_when_it_is_durable_and_not_before() {
    run(async {
        let slow = scenario("normal").replace("[reply.set]\nbalance_sign", "delay = \"1s\"\n[reply.set]\nbalance_sign");
        let rig = Rig::open_with(Options { scenario: slow, ..Options::default() }).await;
        let asked = transfer(1).keyed("patience");
        let call = rig.spawn(&asked);
        rig.wait_seen(&asked).await;
        let held = rig.gateway().journal().pause();
        until("the answer waits for the journal", async || {
            (rig.gateway().journal().undurable_bytes("hecto") > 0).then_some(())
        })
        .await;
        let found = rig.find_key("patience").await.known();
        assert_eq!((found.outcome(), found.cause()), (Outcome::Unspecified, Reason::Unspecified));
        assert!(["sending", "sent"].contains(&&*found.state), "what is told is durable: {found:?}");
        assert!(!call.is_finished());
        drop(held);
        assert_eq!(soon("the call returns", call).await.unwrap().unwrap().outcome(), Outcome::Success);
        let found = rig.find_key("patience").await.known();
        assert_eq!((&*found.state, found.outcome()), ("finished", Outcome::Success));
    });
}

#[test]
fn a_gateway_that_dies_with_a_held_journal_has_sent_nothing() {
    run(async {
        let mut rig = Rig::open().await;
        let held = rig.gateway().journal().pause();
        let calls: Vec<Asked> = (1..=100).map(transfer).collect();
        let running: Vec<_> = calls.iter().map(|asked| rig.spawn(asked)).collect();
        all_in(&rig, 100).await;
        rig.assert_nothing_left(&calls.iter().collect::<Vec<_>>()).await;
        drop(held);
        for call in running {
            let status = soon("the call returns", call).await.unwrap().unwrap_err();
            // The connection broke: the client cannot know what it proves, and is told nothing of the kind.
            assert_eq!(pabal_front::Proof::of(&status), None, "{status:?}");
        }
    });
}

#[test]
fn when_the_journal_cannot_commit_nothing_leaves_and_health_says_so() {
    run(async {
        expect_error("the journal has failed");
        const CALLS: u32 = 700;
        const FILE_BYTES: usize = 1 << 20;
        // Everything that waits becomes one transaction, and that is larger than the file may become.
        let options = Options {
            journal: "journal_bytes_max = \"1MiB\"\ngroup_envelopes_max = 100000\ngroup_bytes_max = \"64MiB\""
                .to_owned(),
            line: "window = 2000".to_owned(),
            limits: "unknown_max = 10000".to_owned(),
            ..Options::default()
        };
        let mut rig = Rig::open_with(options).await;
        assert_eq!((rig.health("hecto").await, rig.health("").await), (ServingStatus::Serving, ServingStatus::Serving));
        let held = rig.gateway().journal().pause();
        let calls: Vec<Asked> = (0..u64::from(CALLS)).map(|at| transfer(at + 1)).collect();
        let running: Vec<_> = calls.iter().map(|asked| rig.spawn(asked)).collect();
        all_in(&rig, CALLS).await;
        // What the core has given away reaches the writer a little later.
        until("more waits for the writer than the file may hold", async || {
            (rig.gateway().journal().undurable_bytes("hecto") > FILE_BYTES).then_some(())
        })
        .await;
        drop(held);
        for call in running {
            let called = soon("the call returns", call).await.unwrap();
            refused(called, Refusal::JournalFailed, tonic::Code::Unavailable);
        }
        let mut health = rig.handle().health("hecto").unwrap();
        let is_down =
            |health: &Health| matches!(health, Health::NotServing(why) if why.starts_with("journal failed: no room"));
        soon("health names the journal", health.wait_for(is_down)).await.unwrap();
        until("the health service says so, of the institution and of the process", async || {
            let both = (rig.health("hecto").await, rig.health("").await);
            (both == (ServingStatus::NotServing, ServingStatus::NotServing)).then_some(())
        })
        .await;
        // From now on every call is refused at once.
        let late = transfer(7).within(Duration::from_secs(10));
        refused(rig.call(&late).await, Refusal::JournalFailed, tonic::Code::Unavailable);
        let mut none: Vec<&Asked> = calls.iter().collect();
        none.push(&late);
        rig.assert_nothing_left(&none).await;
        assert_eq!(rig.bank().read(|ledger| ledger.totals().received_bytes), OPENING_BYTES);
    });
}
