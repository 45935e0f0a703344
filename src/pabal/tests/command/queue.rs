//! Requests that wait, as operators and callers see them.

use crate::process::Live;
use crate::stage::{SILENT, Stage, transfer};

fn json(stage: &Stage, args: &[&str]) -> serde_json::Value {
    serde_json::from_str(&stage.ask(&[args, &["--json"]].concat()).out).expect("JSON")
}

/// A call that goes on.
fn call(stage: &Stage, key: &str) -> Live {
    let args = transfer(key, "1500", SILENT);
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    Live::start(&[&args[..], &["--address", &stage.address, "--timeout", "60s"]].concat())
}

/// Asks until it is so.
fn until(stage: &Stage, is: impl Fn(&serde_json::Value) -> bool) {
    while !is(&json(stage, &["lines"])) {}
}

#[test]
fn a_request_that_waits_is_explained_and_its_key_is_used_up_when_it_is_refused() {
    let stage = Stage::open();
    let by = ["--reason", "night work", "--actor", "kim"];
    let limit = ["control", "limit", "hecto", "--compartment", "088", "--in-flight", "1"];
    let limited = stage.ask(&[&limit[..], &by].concat());
    assert!(limited.out.starts_with("compartment 088 of hecto: 1 unanswered; more wait\n"), "{}", limited.whole());
    let _silent = call(&stage, "q-1");
    until(&stage, |seen| seen["lines"][0]["in_flight"] == 1);
    let waits = call(&stage, "q-2");
    until(&stage, |seen| seen["waiting_compartments"][0]["waiting"] == 1);
    let lines = stage.ask(&["lines"]).out;
    assert!(
        lines.contains("yes, 1 in flight, 1 waiting (compartment 088: 1 as its rate lets no more leave now)"),
        "{lines}"
    );

    let drain = ["compartment", "drain", "hecto", "088", "--within", "60s"];
    assert_eq!(stage.ask(&[&drain[..], &by].concat()).code, 0);
    let (code, told) = waits.end();
    assert_eq!(code, Some(4), "{told}");
    assert!(told.contains("compartment `088` is stopped by kim (claimed): night work"), "{told}");
    assert!(told.contains("which has its key for good: to try again, take a new key."), "{told}");
    let again = stage.transfer("q-2", "1500", SILENT, &[]);
    assert_eq!(again.code, 1, "{}", again.err);
    assert!(again.out.starts_with("outcome   FAILURE (NOT_SENT, DRAINING)\n"), "{}", again.out);
    assert!(again.err.contains("which has its key for good: to try again, take a new key."), "{}", again.err);

    // One that is refused as it comes has made no exchange.
    let at_once = stage.transfer("q-3", "1500", SILENT, &[]);
    assert_eq!(at_once.code, 4);
    assert!(!at_once.err.contains("new key"), "{}", at_once.err);
    let lines = stage.ask(&["lines"]).out;
    assert!(lines.contains(", compartment 088 drains for "), "{lines}");
    assert!(lines.contains(" s, 1 in flight, stopped by kim (claimed): night work"), "{lines}");
}

#[test]
fn who_has_connected_and_which_notices_wait_is_shown() {
    let mut stage = Stage::open();
    // The scenario's bank tells of a deposit, and no service takes it.
    stage.gateway().until(&["notice received", "rule=\"deposit\""]);
    let open = json(&stage, &["tx", "list", "--notices"]);
    let first = &open["notices"][0];
    assert_eq!((&first["name"], &first["delivered"], &first["line"]), (&"deposit".into(), &false.into(), &"in".into()));
    assert_eq!(first["reply_left_ms"], serde_json::Value::Null, "the gateway replies by itself");
    let table = stage.ask(&["tx", "list", "--notices", "hecto"]).out;
    assert!(table.starts_with("received "), "{table}");

    let (sessions, lines) = (json(&stage, &["sessions"]), json(&stage, &["lines"]));
    let (at, listens) = (&sessions[1]["address"], &lines["lines"][1]["address"]);
    assert_eq!(sessions[1]["line"], "in");
    assert!(
        at != listens && at.as_str().is_some_and(|at| at.starts_with("127.")),
        "{at} is who connected to {listens}"
    );
}

#[test]
fn json_says_times_in_the_institutions_zone_and_dates_as_tables_do() {
    let stage = Stage::open();
    assert_eq!(stage.transfer("z-1", "1500", "301000000001", &[]).code, 0);
    let found = json(&stage, &["find", "hecto", "--key", "z-1"]);
    let at = found["journal"][0]["at"].as_str().expect("a time");
    let searched = json(&stage, &["tx", "find", "z-1"]);
    let accepted = searched["found"][0]["accepted_at"].as_str().expect("a time");
    let zone = |at: &str| at["2026-11-22T00:00:00.000000".len()..].to_owned();
    assert_eq!(zone(accepted), zone(at));
    for view in ["openings", "numbers"] {
        let date = json(&stage, &[view])[0]["business_date"].as_str().expect("a date").to_owned();
        assert_eq!((date.len(), &date[4..5], &date[7..8]), (10, "-", "-"), "{view}: {date}");
    }
}
