//! A gateway that ends without a word, and the next one on the same data directory.

use std::collections::BTreeSet;
use std::time::Duration;

use pabal_front::proto::Reason;
use pabal_rig::{ANSWERS, Options, Outcome, Rig, run, scenario, soon, transfer};

#[test]
fn what_was_unanswered_is_unknown_and_a_late_answer_settles_it() {
    run(async {
        // The bank answers nothing before the gateway is away, which takes a while on a busy machine.
        let late = scenario("normal").replace("[reply.set]\nbalance_sign", "delay = \"8s\"\n[reply.set]\nbalance_sign");
        let mut rig = Rig::open_with(Options { scenario: late, ..Options::default() }).await;
        let asked = transfer(150_000).keyed("rent");
        let call = rig.spawn(&asked);
        rig.wait_seen(&asked).await;
        rig.kill().await;
        soon("the connection breaks", call).await.unwrap().unwrap_err();
        // What is due while the gateway is away waits at the bank.
        rig.bank().close_line(ANSWERS);
        rig.start_again_without_answers().await;
        let found = rig.find_key("rent").await.known();
        let found = rig
            .wait_found("it has an outcome", &found.exchange_id, |found| found.outcome() != Outcome::Unspecified)
            .await;
        assert_eq!((found.outcome(), found.cause()), (Outcome::Unknown, Reason::Restarted), "{found:?}");
        rig.let_answers_come();
        let found = rig
            .wait_found("the late answer settles it", &found.exchange_id, |found| found.outcome() == Outcome::Success)
            .await;
        assert_eq!((found.cause(), &*found.state), (Reason::Late, "settled"));
        let kinds: Vec<_> = found.history.iter().map(|entry| &*entry.kind).collect();
        assert_eq!(kinds, ["accepted", "sending", "outcome", "outcome"]);
        let seen = rig.seen(&asked);
        assert_eq!((seen.len(), seen[0].received, seen[0].executed), (1, 1, 1), "nothing was sent again");
        // Who asks again with the key hears what became of it.
        assert_eq!(rig.succeed(&asked).await.exchange_id, found.exchange_id);
    });
}

#[test]
fn openings_hold_and_numbers_go_on() {
    run(async {
        let mut rig = Rig::open().await;
        let mut numbers = BTreeSet::new();
        for life in 0..3 {
            for amount in 0..5 {
                let response = rig.succeed(&transfer(amount + 1)).await;
                assert!(
                    numbers.insert(response.telegram_number.clone()),
                    "{} was given twice",
                    response.telegram_number
                );
            }
            if life < 2 {
                rig.kill().await;
                rig.start_again().await;
                rig.wait_open().await;
            }
        }
        rig.bank().read(|ledger| {
            let openings = ledger.requests().filter(|(_, request)| *request.exchange == *"open").count();
            assert_eq!(openings, 1, "business that is open is not opened again");
            assert_eq!((ledger.totals().executed, ledger.totals().duplicates), (15, 0));
        });
    });
}

#[test]
fn an_orderly_stop_leaves_nothing_in_flight() {
    run(async {
        let mut rig = Rig::open().await;
        let asked = transfer(1);
        rig.succeed(&asked).await;
        let summary = soon("the drain ends", rig.drain(Duration::from_secs(10))).await.unwrap();
        assert!(summary.is_complete(), "{summary:?}");
        rig.kill().await;
        rig.start_again().await;
        rig.wait_open().await;
        rig.succeed(&transfer(2)).await;
        assert_eq!(rig.bank().read(|ledger| ledger.totals().requests), 3);
    });
}
