//! The institution's telegram changes on a date, while transfers are in flight.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use pabal_clock::Wall;
use pabal_front::proto::ExchangeResponse;
use pabal_rig::{ANSWERS, Options, REQUESTS, Rig, refused, run, scenario, soon, spec, transfer};
use pabal_simulator::computer_clock;
use pabal_spec::Source;
use pabal_switch::Refusal;

const CALLERS: usize = 8;
/// How long after the rig's options are made the telegram changes: it has started by then.
const BEFORE: Duration = Duration::from_secs(8);
/// How long after that callers go on.
const AFTER: Duration = Duration::from_secs(2);

/// A transfer from that moment on: ten bytes longer, and no field of its body where it was.
fn longer(from: &str) -> String {
    format!(
        "
telegram transfer \"당/타행 이체\" 310 : common effective {from} {{
  channel                      X(10)     by asker?    public    \"채널\"
  credit_bank_code             code(3)   by asker     public    \"입금은행코드\"
  credit_account               X(15)     by asker     account   equal ignoring space-right  \"입금계좌번호\"
  debit_account                X(15)     by asker     account   equal ignoring space-right  \"출금계좌번호\"
  passbook_pin                 X(8)      by asker     secret    \"통장비밀번호\"
  check_symbol                 X(6)      by asker     secret    \"복기부호\"
  balance_sign                 X(1)      by answerer  public    \"출금후잔액부호\"
  balance_after                9(13)     by answerer  public    \"출금후잔액\"
  debit_amt                    9(13)     by asker     public    \"출금금액\"
  fee                          9(9)      by answerer  public    \"수수료\"
  cms_code                     X(16)     by asker?    identity  \"CMS코드\"
  memo                         X(14)     by asker     name      \"적요\"
  orig_tlg_no                  X(6)      by asker?    public    \"원거래전문번호\"
  reserved                     filler(81)             public    \"예비\"
}}
"
    )
}

/// The spec with two versions, and when the second begins.
fn dated() -> (Vec<Source>, Wall) {
    let wall = computer_clock().wall.as_unix_micros() + i64::try_from(BEFORE.as_micros()).expect("seconds");
    let mut sources = spec();
    let zone = pabal_spec::load(&sources).expect("it is right").institution.protocols[0].day.zone;
    let civil = Wall::from_unix_micros(wall).civil(zone);
    for source in &mut sources {
        if source.name == "codes.csv" {
            // The codes of one bank and of the relay are read in no time.
            let is_kept =
                |line: &&str| !line.starts_with(|first: char| first.is_ascii_digit()) || line.starts_with("088,");
            source.text = source.text.lines().filter(is_kept).flat_map(|line| [line, "\n"]).collect();
        } else {
            // The row has the length that the telegram has in its time.
            let row = "transfer                  \"2000\"|\"2100\" \"100\"  length 300";
            assert!(source.text.contains(row), "the row is as it was");
            source.text = source.text.replacen(row, "transfer  \"2000\"|\"2100\" \"100\"", 1);
            source.text.push_str(&longer(&format!("{} {}", civil.date, civil.time)));
        }
    }
    let begins = pabal_spec::load(&sources).expect("it is right").institution.later[0].begins();
    (sources, begins.expect("it has a date"))
}

/// Calls until some time after the date; the answers, and how many were not sent because the telegram had changed.
async fn call(rig: &Rig, until: Wall) -> (Vec<ExchangeResponse>, u64) {
    let (mut answers, mut overtaken) = (Vec::new(), 0);
    while computer_clock().wall < until {
        match rig.call(&transfer(1_000)).await {
            Ok(answer) => answers.push(answer),
            error => {
                refused(error, Refusal::DateChanged, tonic::Code::FailedPrecondition);
                overtaken += 1;
            }
        }
    }
    (answers, overtaken)
}

#[test]
fn at_its_moment_a_telegram_changes_and_nothing_in_flight_is_lost() {
    run(async {
        let (spec, begins) = dated();
        // A bank that takes a while, so that the date finds something in flight.
        let scenario = scenario("normal").replacen(
            "amount = \"debit_amt\"",
            "delay = [\"10ms\", \"90ms\"]\namount = \"debit_amt\"",
            1,
        );
        let options = Options { scenario, spec, ..Options::default() };
        let mut rig = Arc::new(Rig::open_with(options).await);
        let until =
            Wall::from_unix_micros(begins.as_unix_micros() + i64::try_from(AFTER.as_micros()).expect("seconds"));
        let callers: Vec<_> = (0..CALLERS)
            .map(|_| {
                let rig = Arc::clone(&rig);
                tokio::spawn(async move { call(&rig, until).await })
            })
            .collect();
        let (mut answers, mut overtaken) = (Vec::new(), 0);
        for caller in callers {
            let (more, not_sent) = soon("the callers end", caller).await.unwrap();
            answers.extend(more);
            overtaken += not_sent;
        }

        // What the journal has: the version of each exchange, and which were in flight when the date came.
        let (mut versions, mut crossed, mut begun) = (BTreeMap::new(), 0, 0);
        for envelope in &rig.envelopes() {
            let exchange = envelope.columns.exchange.clone().unwrap_or_default();
            match (&*envelope.family, &*envelope.kind) {
                ("gateway", "reloaded") => {
                    begun += 1;
                    assert_eq!(envelope.columns.caller.as_deref(), Some("pabal"));
                    assert!(envelope.at >= begins.as_unix_micros(), "not before its moment");
                }
                ("switch", "accepted") => {
                    versions.insert(exchange, (envelope.columns.spec_digest.clone().unwrap(), begun));
                }
                ("switch", "outcome") => {
                    crossed += usize::from(versions.get(&exchange).is_some_and(|(_, then)| *then < begun));
                }
                _ => {}
            }
        }
        assert_eq!(begun, 1, "one version has begun");
        let all: BTreeSet<&String> = answers.iter().map(|answer| &answer.spec_digest).collect();
        assert_eq!(all.len(), 2, "before and after");
        for answer in &answers {
            let (version, then) = &versions[&answer.exchange_id];
            assert_eq!(answer.spec_digest, *version, "read by the version that it began with");
            assert!(answer.faults.is_empty(), "{answer:?}");
            for name in ["balance_after", "debit_amt"] {
                assert_eq!(answer.fields[name].value, answers[0].fields[name].value, "{name}");
            }
            assert_eq!(answer.fields.contains_key("channel"), *then == 1, "{answer:?}");
        }
        let totals = rig.bank().read(pabal_counterparty::Ledger::totals);
        assert_eq!((totals.executed, totals.duplicates, totals.strangers), (answers.len() as u64, 0, 0));
        for line in [REQUESTS, ANSWERS] {
            let count = rig.bank().read(|ledger| ledger.line(line));
            assert_eq!((count.open, count.total), (1, 1), "0 disconnects");
        }
        assert!(crossed > 0, "something was in flight");

        // A process that starts after the date begins with the version of then, and still knows what was answered before it.
        let (before, now) = (answers.first().unwrap().clone(), answers.last().unwrap().spec_digest.clone());
        let rig = Arc::get_mut(&mut rig).expect("nobody calls any more");
        rig.kill().await;
        rig.start_again().await;
        rig.wait_open().await;
        let answer = rig.succeed(&transfer(1_000)).await;
        assert_eq!(answer.spec_digest, now);
        let found = rig.find_exchange(&before.exchange_id).await;
        assert_eq!(found.state, "finished");
        // What is secret is not kept, where it was before the date.
        let mut kept = before.raw.clone();
        kept[115..129].fill(b'*');
        assert_eq!((found.raw, before.raw.len(), answer.raw.len()), (kept, 300, 310));
        print(&format!(
            "{} answers, {crossed} in flight at the moment, {overtaken} not sent because of it, 0 disconnects",
            answers.len()
        ));
    });
}

/// A figure, for whoever runs this with `--nocapture`.
#[expect(clippy::print_stdout, reason = "a figure, for whoever looks")]
fn print(line: &str) {
    println!("{line}");
}
