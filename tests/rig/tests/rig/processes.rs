//! Gateways in processes of their own.

use std::time::Duration;

use pabal_front::client::ServingStatus;
use pabal_front::proto::find_request::Key;
use pabal_front::proto::{FindRequest, FoundExchange, Reason};
use pabal_rig::process::{Process, again, other_half, serve, served};
use pabal_rig::{House, Outcome, Rig, Standing, expect_error, refused, run, soon, transfer, until};
use pabal_switch::Refusal;
use tonic::Code;

#[test]
fn a_second_gateway_names_who_holds_the_data_directory_and_does_not_start() {
    run(async {
        if let Some(config) = other_half() {
            return serve(config).await;
        }
        let rig = Rig::open().await;
        let held = format!("is held by process {} of node rig, started 20", std::process::id());
        // In the same process, and in another one.
        let error = House::start(rig.config()).await.unwrap_err().to_string();
        assert!(error.contains(&held), "{error}");
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), rig.config_text()).unwrap();
        let test = "processes::a_second_gateway_names_who_holds_the_data_directory_and_does_not_start";
        let mut second = Process::start(again(test, file.path(), ""));
        assert_ne!(second.id(), std::process::id());
        let error = served(&mut second).await.unwrap_err();
        assert!(error.contains(&held) && error.contains("stop that process"), "{error}");
        // The first does not notice.
        rig.succeed(&transfer(1)).await;
    });
}

#[test]
fn when_writing_fails_nothing_leaves_and_health_says_so() {
    run(async {
        if let Some(config) = other_half() {
            expect_error("the journal has failed");
            return serve(config).await;
        }
        let mut rig = Rig::open().await;
        rig.kill().await;
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), rig.config_text()).unwrap();
        // The kernel refuses to make any file longer than a mebibyte, as a disk with a quota does.
        let test = "processes::when_writing_fails_nothing_leaves_and_health_says_so";
        let mut gateway = Process::start(again(test, file.path(), "trap '' XFSZ; ulimit -f 2048"));
        let (endpoint, inbound) = served(&mut gateway).await.unwrap();
        rig.attach(&endpoint, inbound).await;
        until("business is open", async || (rig.health("hecto").await == ServingStatus::Serving).then_some(())).await;
        until("a transfer succeeds", async || rig.call(&transfer(1)).await.ok()).await;
        // Fences fill the journal, and send nothing.
        let mut client = rig.client();
        let fill = async {
            for at in 0.. {
                let key = Some(Key::IdempotencyKey(format!("{at:0>128}")));
                let find = FindRequest { institution: "hecto".to_owned(), key, fence: true };
                if let Err(status) = client.gateway.find(find).await {
                    return status;
                }
            }
            unreachable!("a file grows without end")
        };
        let status = tokio::time::timeout(Duration::from_secs(60), fill).await.unwrap();
        let reason = pabal_front::client::reason(&status);
        assert_eq!((reason.as_deref(), status.code()), (Some(Refusal::JournalFailed.word()), Code::Unavailable));
        let asked = transfer(1);
        let (status, _) = refused(rig.call(&asked).await, Refusal::JournalFailed, Code::Unavailable);
        assert!(status.message().contains("storage: "), "{status:?}");
        until("the health service says so, of the institution and of the process", async || {
            let both = (rig.health("hecto").await, rig.health("").await);
            (both == (ServingStatus::NotServing, ServingStatus::NotServing)).then_some(())
        })
        .await;
        drop(gateway);
        soon("the bank has read all", rig.assert_nothing_left(&[&asked])).await;
    });
}

#[test]
fn a_gateway_that_is_killed_under_load_leaves_what_find_and_the_bank_agree_on() {
    run(async {
        if let Some(config) = other_half() {
            return serve(config).await;
        }
        let mut rig = Rig::open().await;
        rig.kill().await;
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), rig.config_text()).unwrap();
        let test = "processes::a_gateway_that_is_killed_under_load_leaves_what_find_and_the_bank_agree_on";
        let mut gateway = Process::start(again(test, file.path(), ""));
        let (endpoint, inbound) = served(&mut gateway).await.unwrap();
        rig.attach(&endpoint, inbound).await;
        until("business is open", async || (rig.health("hecto").await == ServingStatus::Serving).then_some(())).await;
        let calls: Vec<_> = (0..400).map(|at| transfer(at + 1).keyed(&format!("load-{at}"))).collect();
        let running: Vec<_> = calls.iter().map(|asked| rig.spawn(asked)).collect();
        rig.wait_ledger("some have left", |ledger| (ledger.totals().executed > 50).then_some(())).await;
        // SIGKILL.
        drop(gateway);
        let mut heard = Vec::new();
        for call in running {
            heard.push(soon("the call ends", call).await.unwrap());
        }
        rig.start_again().await;
        rig.wait_open().await;
        for (asked, heard) in calls.iter().zip(heard) {
            let key = Key::IdempotencyKey(asked.request.idempotency_key.clone());
            let executed: u32 = rig.seen(asked).iter().map(|request| request.executed).sum();
            assert!(executed <= 1, "a double payment");
            match rig.find(key, true).await {
                Standing::NotFound(not_found) => assert!(not_found.fenced && executed == 0),
                Standing::Found(found) => {
                    let has_outcome = |found: &FoundExchange| found.outcome() != Outcome::Unspecified;
                    let found = rig.wait_found("it has an outcome", &found.exchange_id, has_outcome).await;
                    match found.outcome() {
                        Outcome::Success => assert_eq!(executed, 1),
                        Outcome::Failure => assert_eq!((found.cause(), executed), (Reason::NotSent, 0)),
                        Outcome::Unknown | Outcome::Unspecified => {}
                    }
                    // What a caller was told stays.
                    if let Ok(response) = heard {
                        assert_eq!((response.outcome, response.exchange_id), (found.outcome, found.exchange_id));
                    }
                }
            }
        }
        assert_eq!(rig.bank().read(|ledger| ledger.totals().duplicates), 0);
    });
}
