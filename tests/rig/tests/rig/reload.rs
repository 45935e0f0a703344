//! Another version of the spec, while transfers are in flight.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use pabal_gateway::ReloadError;
use pabal_rig::{ANSWERS, Options, REQUESTS, Rig, run, scenario, soon, transfer};

const RELOADS: usize = 100;
const CALLERS: usize = 8;

/// The field that has another name in each version. The institution fills it, so that callers need not know.
fn field(version: usize) -> String {
    format!("balance_after_{version}")
}

/// A bank that takes a while, so that most reloads find something in flight.
fn options() -> Options {
    let scenario = scenario("normal").replacen("amount = \"debit_amt\"", "delay = \"30ms\"\namount = \"debit_amt\"", 1);
    let mut spec = pabal_rig::spec_with("\n  balance_after ", &format!("\n  {} ", field(0)));
    // The codes of one bank and of the relay are read in no time.
    let codes = spec.iter_mut().find(|source| source.name == "codes.csv").expect("it is shipped");
    let is_kept = |line: &&str| !line.starts_with(|first: char| first.is_ascii_digit()) || line.starts_with("088,");
    codes.text = codes.text.lines().filter(is_kept).flat_map(|line| [line, "\n"]).collect();
    let scenario = scenario.replacen("balance_after = 8_715_300", &format!("{} = 8_715_300", field(0)), 1);
    Options { scenario, spec, ..Options::default() }
}

#[test]
fn a_hundred_reloads_under_load_lose_nothing() {
    run(async {
        let rig = Arc::new(Rig::open_with(options()).await);
        let is_over = Arc::new(AtomicBool::new(false));
        let callers: Vec<_> = (0..CALLERS)
            .map(|_| {
                let (rig, is_over) = (Arc::clone(&rig), Arc::clone(&is_over));
                tokio::spawn(async move {
                    let mut answers = Vec::new();
                    while !is_over.load(Ordering::Relaxed) {
                        answers.push(rig.succeed(&transfer(1_000)).await);
                    }
                    answers
                })
            })
            .collect();

        // Which names a version has, by its digest.
        let mut fields = BTreeMap::new();
        for version in 1..=RELOADS {
            rig.edit_spec(&field(version - 1), &field(version));
            let reloaded = soon("it reloads", rig.handle().reload(None, "the rig", "a test")).await.unwrap();
            let [one] = &reloaded[..] else { panic!("{reloaded:?}") };
            assert_ne!(one.old, one.new);
            fields.entry(one.old.to_string()).or_insert_with(|| field(version - 1));
            fields.insert(one.new.to_string(), field(version));
            if version % 10 == 0 {
                what_is_wrong_changes_nothing(&rig).await;
            }
        }
        is_over.store(true, Ordering::Relaxed);
        let mut answers = Vec::new();
        for caller in callers {
            answers.extend(soon("the callers end", caller).await.unwrap());
        }

        // The version of each exchange, as the journal has it; and what came between its beginning and its end.
        let (mut versions, mut crossed, mut reloads) = (BTreeMap::new(), 0, 0);
        for envelope in &rig.envelopes() {
            let exchange = envelope.columns.exchange.clone().unwrap_or_default();
            match (&*envelope.family, &*envelope.kind) {
                ("gateway", "reloaded") => reloads += 1,
                ("switch", "accepted") => {
                    versions.insert(exchange, (envelope.columns.spec_digest.clone().unwrap(), reloads));
                }
                ("switch", "outcome") => {
                    crossed += usize::from(versions.get(&exchange).is_some_and(|(_, begun)| *begun < reloads));
                }
                _ => {}
            }
        }
        assert_eq!(reloads, RELOADS);
        for answer in &answers {
            let (version, _) = &versions[&answer.exchange_id];
            assert_eq!(answer.spec_digest, *version, "read by the version that it began with");
            let balances: Vec<_> = answer.fields.keys().filter(|name| name.starts_with("balance_after")).collect();
            assert_eq!(balances, [&fields[version]]);
            assert!(answer.faults.is_empty(), "{answer:?}");
        }
        // Every one that was answered moved money once, and the bank counts no connection that ended.
        let totals = rig.bank().read(pabal_counterparty::Ledger::totals);
        assert_eq!((totals.executed, totals.duplicates, totals.strangers), (answers.len() as u64, 0, 0));
        for line in [REQUESTS, ANSWERS] {
            let count = rig.bank().read(|ledger| ledger.line(line));
            assert_eq!((count.open, count.total), (1, 1), "0 disconnects");
        }
        assert!(
            answers.len() >= RELOADS && crossed > RELOADS / 4,
            "{} answers, {crossed} over a reload",
            answers.len()
        );
        print(&format!("{RELOADS} reloads, {} answers, {crossed} of them over a reload, 0 disconnects", answers.len()));
    });
}

/// A mistake leaves the version in force, and so does what needs a reconnect.
async fn what_is_wrong_changes_nothing(rig: &Rig) {
    let reload = || soon("it answers", rig.handle().reload(Some("hecto"), "the rig", "a test"));
    rig.edit_spec("effect money", "effect mony");
    assert!(matches!(reload().await, Err(ReloadError::Mistakes { .. })));
    rig.edit_spec("effect mony", "effect money");
    rig.edit_spec("exclusive max 4096", "exclusive max 8192");
    let error = reload().await.unwrap_err();
    assert!(matches!(&error, ReloadError::NeedsReconnect { .. }), "{error}");
    assert!(error.to_string().starts_with("needs reconnect: hecto: "), "{error}");
    rig.edit_spec("exclusive max 8192", "exclusive max 4096");
    let same = reload().await.unwrap();
    assert!(same.iter().all(|one| one.old == one.new), "{same:?}");
}

/// A mistake in a file that is included is told with its own name, and an edit of it is another version.
#[test]
fn an_included_file_is_reloaded_with_the_file_that_includes_it() {
    run(async {
        let mut spec = pabal_rig::spec();
        let main = spec.iter_mut().find(|source| source.name == "firmbanking.spec").expect("it is shipped");
        let (before, behind) = main.text.split_once("telegram trust ").expect("it is described");
        let (trust, behind) = behind.split_once("\n}\n").expect("it ends");
        let included = format!("telegram trust {trust}\n}}\n");
        main.text = format!("{before}include \"trust.spec\"\n{behind}");
        spec.push(pabal_spec::Source { name: "trust.spec".to_owned(), text: included });
        let rig = Rig::open_with(Options { spec, ..Options::default() }).await;
        let reload = || soon("it answers", rig.handle().reload(Some("hecto"), "the rig", "a test"));
        rig.edit_file("trust.spec", "pay_account ", "payer_account ");
        let reloaded = reload().await.unwrap();
        assert_ne!(reloaded[0].old, reloaded[0].new);
        rig.edit_file("trust.spec", "payer_account ", "Payer ");
        let Err(ReloadError::Mistakes { sources, diagnostics, .. }) = reload().await else { panic!("a mistake") };
        let file = |told: &pabal_spec::Diagnostic| sources[usize::from(told.at.span.source.0)].name.clone();
        let errors: Vec<_> = diagnostics.iter().filter(|told| told.severity == pabal_spec::Severity::Error).collect();
        assert_eq!(errors.iter().map(|told| file(told)).collect::<Vec<_>>(), ["trust.spec"], "{errors:?}");
        rig.succeed(&transfer(1_000)).await;
        for line in [REQUESTS, ANSWERS] {
            let count = rig.bank().read(|ledger| ledger.line(line));
            assert_eq!((count.open, count.total), (1, 1), "0 disconnects");
        }
    });
}

/// A figure, for whoever runs this with `--nocapture`.
#[expect(clippy::print_stdout, reason = "a figure, for whoever looks")]
fn print(line: &str) {
    println!("{line}");
}
