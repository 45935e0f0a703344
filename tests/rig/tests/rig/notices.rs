//! Notices for services, and what they reply.

use std::time::Duration;

use pabal_counterparty::Ledger;
use pabal_gateway::{Delivered, ReplyBody, ReplyReport, Served, Subscribe, Subscription};
use pabal_rig::{Options, Rig, run, scenario, soon, spec, until};
use pabal_switch::{ExchangeId, NoticeId, Refusal};

/// A rig whose deposits are answered by a service within so long.
fn by_service(within: &str) -> Options {
    let mut spec = spec();
    let source = spec.iter_mut().find(|source| source.name == "firmbanking.spec").expect("it is shipped");
    let notice = source.text.find("\nnotice deposit \"").expect("it has deposits");
    let by_gateway = "answered by gateway when durable with response_code \"0000\"";
    let at = notice + source.text[notice..].find(by_gateway).expect("the gateway answers them");
    let by_service = format!("answered by service within {within} else response_code \"9999\"");
    source.text.replace_range(at..at + by_gateway.len(), &by_service);
    Options { spec, ..Options::default() }
}

async fn subscribe(rig: &Rig, caller: &str) -> Subscription {
    let subscribe =
        Subscribe { institution: "hecto".to_owned(), notices: vec!["deposit".to_owned()], caller: caller.to_owned() };
    soon("a service subscribes", rig.handle().serve(subscribe)).await.unwrap()
}

async fn notice(subscription: &mut Subscription) -> Delivered {
    match soon("a notice is given", subscription.next()).await {
        Some(Served::Notice(notice)) => *notice,
        other => panic!("{other:?}"),
    }
}

async fn report(subscription: &mut Subscription) -> (NoticeId, ReplyReport) {
    match soon("a report is given", subscription.next()).await {
        Some(Served::Replied { notice, report, .. }) => (notice, report),
        other => panic!("{other:?}"),
    }
}

/// Waits until the bank has had so many replies to its notices; the codes of all of them.
async fn replies(rig: &Rig, count: u64) -> Vec<String> {
    rig.wait_ledger("the bank is replied to", |ledger| {
        (ledger.totals().notice_replies >= count).then(|| {
            let codes = ledger.notices().flat_map(|(_, notice)| notice.replies.clone());
            codes.map(|code| String::from_utf8_lossy(&code).into_owned()).collect()
        })
    })
    .await
}

#[test]
fn a_service_replies_in_time_and_hears_that_it_was_sent() {
    run(async {
        let rig = Rig::open_with(by_service("10s")).await;
        let mut service = subscribe(&rig, "books").await;
        assert!(rig.bank().trigger("deposit"));
        let given = notice(&mut service).await;
        assert_eq!((&*given.rule, given.participant.as_deref(), given.repeated), ("deposit", Some("088"), false));
        assert!(given.reply_within.is_some());
        let layout = given.layout();
        let amount = layout.fields().iter().find(|field| &*field.path == "tx_amt").unwrap();
        assert!(String::from_utf8_lossy(amount.at.of(&given.telegram).unwrap()).ends_with("33000"));
        let replier = service.replier();
        let wrong = replier.reply(given.notice, ReplyBody::Code("00000".to_owned())).await.unwrap_err();
        assert_eq!(wrong.refusal, Refusal::InvalidFields, "{wrong:?}");
        replier.reply(given.notice, ReplyBody::Code("0007".to_owned())).await.unwrap();
        assert_eq!(report(&mut service).await, (given.notice, ReplyReport::Sent));
        assert_eq!(replies(&rig, 1).await, ["0007"]);
        let unknown = replier.reply(NoticeId(7), ReplyBody::Code("0000".to_owned())).await.unwrap_err();
        assert_eq!(unknown.refusal, Refusal::UnknownNotice);
    });
}

#[test]
fn a_service_that_is_too_late_hears_so_and_the_stated_code_went() {
    run(async {
        let rig = Rig::open_with(by_service("100ms")).await;
        let mut service = subscribe(&rig, "books").await;
        assert!(rig.bank().trigger("deposit"));
        let given = notice(&mut service).await;
        assert_eq!(replies(&rig, 1).await, ["9999"]);
        service.replier().reply(given.notice, ReplyBody::Code("0000".to_owned())).await.unwrap();
        assert_eq!(report(&mut service).await, (given.notice, ReplyReport::TooLate));
        assert_eq!(rig.bank().read(Ledger::totals).notice_replies, 1, "one reply is enough");
    });
}

#[test]
fn what_a_subscriber_had_when_it_went_goes_to_another() {
    run(async {
        let rig = Rig::open().await;
        let mut first = subscribe(&rig, "books").await;
        assert!(rig.bank().trigger("deposit"));
        let given = notice(&mut first).await;
        assert_eq!(replies(&rig, 1).await, ["0000"], "the gateway has replied when it was durable");
        drop(first);
        let mut second = subscribe(&rig, "books").await;
        let again = notice(&mut second).await;
        assert_eq!((again.notice, &again.telegram), (given.notice, &given.telegram));
        soon("it is acknowledged", second.replier().received(again.notice)).await.unwrap();
        drop(second);
        let mut third = subscribe(&rig, "books").await;
        assert!(rig.bank().trigger("deposit"));
        assert_ne!(notice(&mut third).await.notice, given.notice, "what was acknowledged is not given again");
    });
}

#[test]
fn a_stop_names_the_notices_that_it_leaves_without_a_reply_and_so_does_the_next_start() {
    run(async {
        let mut rig = Rig::open_with(by_service("60s")).await;
        let wait = async |rig: &Rig| {
            rig.wait_status("both wait for a service", |status| (status.notices_unreplied == 2).then_some(())).await;
        };
        for _ in 0..2 {
            assert!(rig.bank().trigger("deposit"));
        }
        wait(&rig).await;
        let summary = soon("the drain ends", rig.drain(Duration::from_millis(100))).await.unwrap();
        let left = &summary.institutions[0];
        assert_eq!((left.notices_unreplied, left.unknown), (2, 0), "{summary:?}");
        assert!(!summary.leaves_nothing_open());
        rig.kill().await;
        rig.start_again().await;
        wait(&rig).await;
        assert!(pabal_rig::is_logged("taken over: notices of theirs without a reply"));
    });
}

#[test]
fn what_no_service_had_is_given_after_a_restart_in_order() {
    run(async {
        let mut rig = Rig::open().await;
        for count in 1..=3 {
            assert!(rig.bank().trigger("deposit"));
            replies(&rig, count).await;
        }
        rig.kill().await;
        rig.start_again().await;
        rig.wait_open().await;
        let mut service = subscribe(&rig, "books").await;
        let mut numbers = Vec::new();
        for _ in 0..3 {
            let given = notice(&mut service).await;
            soon("it is acknowledged", service.replier().received(given.notice)).await.unwrap();
            // A crash in the same moment would give it again: it has to be in the journal.
            until("it is durable that a service has it", async || {
                let shown = rig.handle().show("hecto", ExchangeId(given.notice.0)).await.unwrap()?;
                (shown.summary.state == "delivered").then_some(())
            })
            .await;
            numbers.push(given.number.unwrap());
        }
        assert!(
            numbers.is_sorted() && numbers.iter().collect::<std::collections::BTreeSet<_>>().len() == 3,
            "{numbers:?}"
        );
        let replies: Vec<_> =
            rig.bank().read(|ledger| ledger.notices().map(|(_, notice)| notice.replies.len()).collect());
        assert!(matches!(replies[..], [1, 1, 1 | 2]), "{replies:?}: only the last may not have left before the crash");
        // In the next life they are not given again.
        rig.kill().await;
        rig.start_again().await;
        rig.wait_open().await;
        let mut service = subscribe(&rig, "books").await;
        assert!(rig.bank().trigger("deposit"));
        let given = notice(&mut service).await;
        assert!(!numbers.contains(&given.number.unwrap()));
    });
}

#[test]
fn what_the_bank_sends_again_has_the_same_id_and_gets_the_same_reply() {
    run(async {
        let twice = "resend = { after = \"60s\", times = 2, count_in = \"send_count\" }";
        let again =
            format!("{twice}\nmisbehave = [{{ do = \"repeat\", after = \"300ms\", count_in = \"send_count\" }}]");
        let scenario = scenario("normal");
        assert!(scenario.contains(twice));
        let rig = Rig::open_with(Options { scenario: scenario.replace(twice, &again), ..by_service("10s") }).await;
        let mut service = subscribe(&rig, "books").await;
        assert!(rig.bank().trigger("deposit"));
        let given = notice(&mut service).await;
        service.replier().reply(given.notice, ReplyBody::Code("0007".to_owned())).await.unwrap();
        assert_eq!(report(&mut service).await, (given.notice, ReplyReport::Sent));
        let repeated = notice(&mut service).await;
        assert_eq!((repeated.notice, repeated.repeated), (given.notice, true));
        assert_eq!(replies(&rig, 2).await, ["0007", "0007"]);
    });
}

#[test]
fn what_did_not_come_is_asked_for_and_given_too() {
    run(async {
        let normal = scenario("normal");
        let notice_at = normal.find("[[notice]]").unwrap();
        let withheld = normal[notice_at..].replacen("name = \"deposit\"", "name = \"withheld\"", 1);
        let resend = "resend = { after = \"60s\", times = 2, count_in = \"send_count\" }";
        let withheld = withheld.replacen(resend, "misbehave = [{ do = \"silence\" }]", 1);
        let mut spec = spec();
        for source in &mut spec {
            source.text = source.text.replace("gap deposit_gap after 30s", "gap deposit_gap after 200ms");
        }
        let rig =
            Rig::open_with(Options { scenario: format!("{normal}\n{withheld}"), spec, ..Options::default() }).await;
        let mut service = subscribe(&rig, "books").await;
        let mut given = Vec::new();
        for name in ["deposit", "withheld", "deposit"] {
            assert!(rig.bank().trigger(name));
            if name == "deposit" {
                given.push(notice(&mut service).await);
            }
        }
        given.push(notice(&mut service).await);
        for notice in &given {
            soon("it is acknowledged", service.replier().received(notice.notice)).await.unwrap();
        }
        let [first, third, second] = &given[..] else { panic!("{given:?}") };
        assert!(second.recovered_by.is_some() && first.recovered_by.is_none() && third.recovered_by.is_none());
        let number = |given: &Delivered| given.number.as_ref().unwrap().parse::<u64>().unwrap();
        assert_eq!((number(second), number(third)), (number(first) + 1, number(first) + 2));
        let gaps = rig.bank().read(|ledger| ledger.gaps().map(|(_, gap)| (gap.asked, gap.issued)).collect::<Vec<_>>());
        assert_eq!(gaps, [(1, true)], "it was asked for once, and is in the bank's book");
        // The question is an exchange of its own, and shows what it has brought.
        let shown = rig.handle().show("hecto", second.recovered_by.unwrap()).await.unwrap().unwrap();
        assert_eq!((&*shown.summary.rule, &*shown.summary.origin), ("deposit_gap", "gap"));
        assert_eq!(shown.notices.iter().map(|one| one.exchange.0).collect::<Vec<_>>(), [second.notice.0]);
        // It lies as the answer to the question does, and is shown so.
        let shown = rig.handle().show("hecto", ExchangeId(second.notice.0)).await.unwrap().unwrap();
        assert_eq!(shown.request.unwrap().layout().unwrap().name(), second.layout().name());
        // Nothing is replied to it, and who does so all the same hears that.
        service.replier().reply(second.notice, ReplyBody::Code("0000".to_owned())).await.unwrap();
        assert_eq!(report(&mut service).await, (second.notice, ReplyReport::NotSent));
    });
}
