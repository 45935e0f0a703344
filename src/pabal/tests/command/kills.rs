//! A gateway that is killed under load, again and again, and a bank that counts.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use pabal_front::client::ServingStatus;
use pabal_rig::{Asked, Heard, Options, Rig, run_within, transfer, until};
use tokio::sync::watch;

use crate::process::Live;

/// Says how many kills, where it is more or less than [`KILLS`].
const KILLS_VARIABLE: &str = "PABAL_KILLS";
const KILLS: u32 = 50;
/// Those who call at once.
const CALLERS: usize = 16;
/// How often all is looked at until inquiries have found what was paid.
const LOOKS: u32 = 10;
/// How long one kill may take, with the start behind it; a slow machine with everything else on it.
const KILL_MAX: Duration = Duration::from_secs(8);

/// Calls one after the other until the gateway is gone, each with a key of its own.
async fn call_until(rig: Arc<Rig>, numbers: Arc<AtomicU32>, gone: watch::Receiver<bool>) -> Vec<(Asked, Heard)> {
    let mut ended = Vec::new();
    while !*gone.borrow() {
        let number = numbers.fetch_add(1, Ordering::Relaxed);
        let asked = transfer(u64::from(number) + 1).keyed(&format!("kill-{number}"));
        let heard = rig.call(&asked).await;
        ended.push((asked, heard));
    }
    ended
}

#[test]
fn kills_under_load_lose_nothing_double_nothing_and_leave_nothing_open_unseen() {
    let kills = std::env::var(KILLS_VARIABLE).map_or(KILLS, |kills| kills.parse().expect("a number of kills"));
    run_within(KILL_MAX * (kills + 10), async {
        let mut rig = Rig::open_with(Options { ..Options::default() }).await;
        // What is UNKNOWN is asked for while the test goes on.
        rig.edit_spec("effect money  timeout 30s", "effect money  timeout 2s");
        rig.edit_spec("transfer_result after 5m every 5m", "transfer_result after 3s every 3s");
        rig.kill().await;
        let file = tempfile::NamedTempFile::new().expect("a place for files");
        std::fs::write(file.path(), rig.config_text()).expect("the file is ours");
        let path = file.path().to_str().expect("a path of UTF-8");
        let numbers = Arc::new(AtomicU32::new(0));
        let mut ended = Vec::new();
        for kill in 0..=kills {
            let mut gateway = Live::start(&["serve", "--config", path]);
            let at = |line: String| line.rsplit(' ').next().map(str::to_owned).expect("an address");
            let inbound = at(gateway.until(&["line in listens at"]));
            let endpoint = at(gateway.until(&["serving at"]));
            rig.attach(&endpoint, inbound.parse().expect("an address")).await;
            until("business is open", async || (rig.health("hecto").await == ServingStatus::Serving).then_some(()))
                .await;
            if kill == kills {
                // The last one lives.
                let mut account = rig.account(&ended).await;
                for _ in 0..LOOKS {
                    if account.unknown_paid > 0 {
                        account = rig.account(&ended).await;
                    }
                }
                assert_eq!(account.unknown_paid, 0, "what was paid is found: {account:?}");
                assert!(account.success > 0 && account.resolved > 0, "no kill hit anything: {account:?}");
                let unheard = ended.iter().filter(|(_, heard)| heard.is_err()).count();
                println!(
                    "{kills} kills, {} exchanges: {} SUCCESS, of which {} were found later, {} not sent, {} UNKNOWN that the bank does not know; \
                     {unheard} callers heard an error",
                    ended.len(),
                    account.success,
                    account.resolved,
                    account.not_sent,
                    account.unknown
                );
                break;
            }
            let shared = Arc::new(rig);
            let (tell, gone) = watch::channel(false);
            let callers: Vec<_> = (0..CALLERS)
                .map(|_| tokio::spawn(call_until(Arc::clone(&shared), Arc::clone(&numbers), gone.clone())))
                .collect();
            // Not at the same place each time.
            let more = 5 + u64::from(kill * 7 % 40);
            let before = shared.bank().read(|ledger| ledger.totals().executed);
            shared
                .wait_ledger("some have left", |ledger| (ledger.totals().executed >= before + more).then_some(()))
                .await;
            gateway.kill();
            tell.send_replace(true);
            for caller in callers {
                ended.extend(caller.await.expect("no caller panics"));
            }
            rig = Arc::into_inner(shared).expect("all callers have ended");
        }
    });
}
