//! What several banks behind one relay need of a day.

use std::collections::BTreeSet;
use std::time::Duration;

use pabal_gateway::{Search, SearchBy};
use pabal_rig::{ANSWERS, Options, REQUESTS, Rig, refused, run, scenario, soon, transfer, until};
use pabal_switch::{ExchangeId, OpeningState, Refusal};
use tonic::Code;

/// A reply for one bank that goes before all others.
fn with_reply(reply: &str) -> String {
    let normal = scenario("normal");
    let first = normal.find("[[reply]]").expect("it replies");
    format!("{}{reply}\n\n{}", &normal[..first], &normal[first..])
}

const BANKS: [&str; 6] = ["088", "004", "011", "020", "023", "027"];

/// How often business was asked to be opened, and every exchange that the bank has seen.
fn seen(rig: &Rig) -> (usize, BTreeSet<String>) {
    rig.bank().read(|ledger| {
        let openings = ledger.requests().filter(|(_, request)| *request.exchange == *"open");
        let count = openings.map(|(_, request)| request.received as usize).sum();
        (count, ledger.requests().map(|(_, request)| request.exchange.to_string()).collect())
    })
}

#[test]
fn a_reconnect_a_deployment_and_a_crash_open_nothing_again_and_close_nothing() {
    run(async {
        let mut rig = Rig::open_with(Options { participants: BANKS.to_vec(), ..Options::default() }).await;
        assert_eq!(seen(&rig).0, BANKS.len(), "each bank is opened once");
        // The institution closes what we send by, and then what it sends by.
        for (line, name) in [(REQUESTS, "out"), (ANSWERS, "in")] {
            rig.bank().close_line(line);
            rig.wait_line(name, false).await;
            // Those that were made meanwhile are reset, and may look up for a moment.
            let total = rig.bank().read(|ledger| ledger.line(line).total);
            match line {
                REQUESTS => rig.bank().open_line(line),
                _ => rig.let_answers_come(),
            }
            let is_another = |ledger: &pabal_counterparty::Ledger| {
                let count = ledger.line(line);
                (count.total > total && count.open == 1).then_some(())
            };
            soon("another connection that stays", rig.bank().wait_for(is_another)).await.unwrap();
            rig.wait_line(name, true).await;
        }
        rig.succeed(&transfer(1)).await;
        // A deployment: an orderly stop and a start.
        let summary = soon("the drain ends", rig.drain(Duration::from_secs(10))).await.unwrap();
        assert!(summary.is_complete(), "{summary:?}");
        rig.kill().await;
        rig.start_again().await;
        rig.wait_open().await;
        rig.succeed(&transfer(2)).await;
        rig.kill().await;
        rig.start_again().await;
        rig.wait_open().await;
        rig.succeed(&transfer(3).text("bank_code", "027")).await;
        let (openings, exchanges) = seen(&rig);
        assert_eq!(openings, BANKS.len(), "nothing is opened again");
        assert_eq!(exchanges, BTreeSet::from(["open", "transfer"].map(String::from)), "and nothing is closed");
    });
}

#[test]
fn a_bank_that_is_not_open_stops_no_other() {
    run(async {
        let silent = "[[reply]]\nexchange = \"open\"\nmatch.bank_code = \"004\"\nresponse_code = \"0000\"\n[[reply.misbehave]]\ndo = \"silence\"";
        let options = Options { scenario: with_reply(silent), participants: vec!["004", "088"], ..Options::default() };
        let mut rig = Rig::start(options).await;
        rig.wait_status("one bank is open and the other is not", |status| {
            let open = |opening: &&pabal_switch::OpeningStatus| opening.state == OpeningState::Open;
            (status.openings.iter().filter(open).count() == 1 && status.openings.len() == 2).then_some(())
        })
        .await;
        rig.succeed(&transfer(1)).await;
        let closed = transfer(2).text("bank_code", "004");
        refused(rig.call(&closed).await, Refusal::NotOpen, Code::FailedPrecondition);
        rig.assert_nothing_left(&[&closed]).await;
    });
}

#[test]
fn a_slow_bank_of_many_takes_half_of_the_window_at_most() {
    run(async {
        const WINDOW: usize = 20;
        let silent = "[[reply]]\nexchange = \"transfer\"\nmatch.bank_code = \"004\"\nexecutes = true\namount = \"debit_amt\"\nresponse_code = \"0000\"\n\
                      [[reply.misbehave]]\ndo = \"silence\"";
        let options = Options {
            scenario: with_reply(silent),
            participants: BANKS.to_vec(),
            line: format!("window = {WINDOW}"),
            ..Options::default()
        };
        let rig = Rig::open_with(options).await;
        let slow: Vec<_> = (0..WINDOW * 3).map(|_| rig.spawn(&transfer(1).text("bank_code", "004"))).collect();
        let of_slow = |ledger: &pabal_counterparty::Ledger| {
            let is_slow = |telegram: &[u8]| telegram.get(21..24) == Some(&b"004"[..]);
            ledger.requests().filter(|(_, one)| *one.exchange == *"transfer" && is_slow(&one.telegram)).count()
        };
        let at_most = WINDOW / 2;
        rig.wait_ledger("the slow bank has its share", |ledger| (of_slow(ledger) >= at_most).then_some(())).await;
        // The others have all that they need, one after another and all at once.
        for bank in BANKS.into_iter().filter(|bank| *bank != "004") {
            rig.succeed(&transfer(2).text("bank_code", bank)).await;
        }
        let others = BANKS.into_iter().filter(|bank| *bank != "004").cycle().take(WINDOW * 2);
        let calls: Vec<_> = others.map(|bank| rig.spawn(&transfer(3).text("bank_code", bank))).collect();
        for call in calls {
            soon("it is answered", call).await.unwrap().unwrap();
        }
        assert_eq!(rig.bank().read(of_slow), at_most, "the slow one has half of the window, and no more");
        assert_eq!(rig.status().await.waiting as usize, WINDOW * 3 - at_most);
        drop(slow);
    });
}

#[test]
fn a_notice_that_a_transfer_failed_is_shown_with_its_transfer() {
    run(async {
        let fail = r#"
[[reply]]
name = "not credited"
exchange = "transfer"
match.memo = "FAILS"
executes = true
amount = "debit_amt"
response_code = "0000"

[[notice]]
notice = "transfer_fail"
on = "executed"
reply = "not credited"
[notice.set]
id_code = { copy = "id_code" }
company_no = { copy = "company_no" }
bank_code = { copy = "bank_code" }
telegram_no = { sequence = 500_001, per = ["send_date", "bank_code", "company_no"] }
orig_tlg_no = { copy = "telegram_no" }
debit_account = { copy = "debit_account" }
credit_bank_code = { copy = "credit_bank_code" }
credit_account = { copy = "credit_account" }
req_amt = { copy = "debit_amt" }
ok_amt = 0
fail_amt = { copy = "debit_amt" }
fail_notice_amt = { copy = "debit_amt" }
error_code = "0402"
"#;
        let rig = Rig::open_with(Options { scenario: with_reply(fail), ..Options::default() }).await;
        let response = rig.succeed(&transfer(7_000).text("memo", "FAILS")).await;
        let id = ExchangeId::parse(&response.exchange_id).unwrap();
        let shown = until("the notice joins", async || {
            let shown = rig.handle().show("hecto", id).await.unwrap()?;
            (!shown.notices.is_empty()).then_some(shown)
        })
        .await;
        let [notice] = &shown.notices[..] else { panic!("{shown:#?}") };
        assert_eq!((&*notice.rule, &*notice.origin, notice.parent), ("transfer_fail", "notice", Some(id)));
        assert_eq!(shown.summary.rule, "transfer", "what is joined changes nothing of it");
        assert!(shown.summary.outcome.unwrap().is_final());
        assert_eq!(shown.summary.trace.as_deref().and_then(|trace| trace.split('-').nth(1)), Some(&*response.trace_id));
        assert!(shown.history.iter().any(|line| line.kind == "notice_joined"), "{:?}", shown.history);
        let own = rig.handle().show("hecto", notice.exchange).await.unwrap().unwrap();
        assert_eq!((own.summary.parent, own.inquiries.len()), (Some(id), 0));
        // Its own trace finds the notice.
        let trace = own.summary.trace.as_deref().and_then(|trace| trace.split('-').nth(1)).unwrap().to_owned();
        let found =
            rig.handle().search(Search { institution: None, by: SearchBy::Trace(trace), max: 10 }).await.unwrap();
        assert!(found.found.iter().any(|found| found.exchange == notice.exchange), "{found:#?}");
    });
}

#[test]
fn each_bank_knows_us_by_its_own_number() {
    run(async {
        let party = "at.\"004\" = { company_no = \"PABALCO4\" }\n\n[[institutions.hecto.parties]]\nname = \"second\"\n\
                     fields = { id_code = \"PABAL\", company_no = \"PABALCO2\" }\nparticipants = [\"088\"]\nexchanges = [\"transfer\"]";
        let options = Options { participants: vec!["088", "004"], party: party.to_owned(), ..Options::default() };
        let rig = Rig::open_with(options).await;
        let number = |asked: &pabal_rig::Asked| {
            let seen = rig.seen(asked);
            let [request] = &seen[..] else { panic!("{seen:?}") };
            String::from_utf8_lossy(&request.telegram[9..21]).trim_end().to_owned()
        };
        let mut named = transfer(3);
        named.request.party = "second".to_owned();
        let wanted =
            [(transfer(1), "PABALCO1"), (transfer(2).text("bank_code", "004"), "PABALCO4"), (named, "PABALCO2")];
        for (asked, company) in wanted {
            rig.succeed(&asked).await;
            assert_eq!(number(&asked), company, "{}", asked.request.party);
        }
        // Of each number at each bank, business was opened once.
        let opened: BTreeSet<(String, String)> = rig.bank().read(|ledger| {
            let openings = ledger.requests().filter(|(_, request)| *request.exchange == *"open");
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim_end().to_owned();
            openings.map(|(_, one)| (text(&one.telegram[9..21]), text(&one.telegram[21..24]))).collect()
        });
        let expected = [("PABALCO1", "088"), ("PABALCO4", "004"), ("PABALCO2", "088")];
        assert_eq!(opened, expected.map(|(company, bank)| (company.to_owned(), bank.to_owned())).into());
    });
}
