use insta::assert_snapshot;

use crate::process::{Live, run, run_unread, run_with};
use crate::scrub::scrub;
use crate::stage::{SILENT, Stage, free, transfer};

/// Of the transfers here; they must not be seen anywhere.
const SECRETS: [&str; 5] = ["97531246", "402817", "110123456789", "301000000001", "월세"];

#[test]
fn each_outcome_has_its_exit_code() {
    let mut stage = Stage::open();
    let success = stage.transfer("a-1", "150000", "301000000001", &[]);
    assert_eq!((success.code, success.err.as_str()), (0, ""));
    assert_snapshot!("success", scrub(&success.out));
    let again = stage.transfer("a-1", "150000", "301000000001", &[]);
    assert_eq!((again.code, &again.out), (0, &success.out), "it is answered from its exchange");
    let other = stage.transfer("a-1", "150001", "301000000001", &[]);
    assert_eq!(other.code, 4);
    assert_snapshot!("key_reused", scrub(&other.err));

    // Who has read enough changes nothing of it.
    let args = ["find", "hecto", "--key", "a-1", "--address", &stage.address];
    assert_eq!(run_unread(&args), 0);

    let refused = stage.transfer("a-2", "20000000", "301000000001", &[]);
    assert_eq!((refused.code, refused.err.as_str()), (1, ""));
    assert_snapshot!("failure", scrub(&refused.out));

    let unknown = stage.transfer("a-3", "70000", SILENT, &["--timeout", "2s", "--accept-early-unknown"]);
    assert_eq!((unknown.code, unknown.err.as_str()), (3, ""));
    assert_snapshot!("unknown", scrub(&unknown.out));
    let found = stage.ask(&["find", "hecto", "--key", "a-3"]);
    assert_eq!(found.code, 3);
    assert_snapshot!("found", scrub(&found.out));
    let args = ["find", "hecto", "--key", "a-3", "--address", &stage.address];
    assert_eq!(run_unread(&args), 3);
    let id = unknown.out.lines().find_map(|line| line.strip_prefix("exchange  ")).expect("an id");
    assert_eq!(stage.ask(&["find", "hecto", id]).out, found.out, "by its id as by its key");
    let early = stage.ask(&["inquire", "hecto", id, "--reason", "the customer is waiting", "--actor", "teller"]);
    assert_eq!((early.code, early.out.as_str()), (4, ""));
    assert_snapshot!("inquired_early", scrub(&early.err));

    let nothing =
        stage.ask(&["call", "hecto", "transfer", "-f", "bank_code=088", "-f", "debit_amt=15x", "-f", "memoo=월세"]);
    assert_eq!((nothing.code, nothing.out.as_str()), (4, ""));
    assert_snapshot!("invalid_fields", scrub(&nothing.err));
    let nothing_in_json = stage.ask(&["call", "hecto", "transfer", "-f", "debit_amt=15x", "--json"]);
    assert_eq!(nothing_in_json.code, 4);
    let told: serde_json::Value = serde_json::from_str(&nothing_in_json.out).expect("JSON");
    assert_eq!((&told["outcome"], &told["refusal"]), (&serde_json::Value::Null, &"INVALID_FIELDS".into()), "{told}");
    assert_eq!(told["faults"][0]["field"], "bank_code", "{told}");
    assert!(told["detail"].as_str().is_some_and(|text| text.contains("debit_amt")), "{told}");
    let misspelt = stage.ask(&["call", "hecto", "transfr"]);
    assert_eq!(misspelt.code, 4);
    assert!(misspelt.err.contains("did you mean `transfer`?"), "{}", misspelt.err);

    let totals: Vec<String> = [
        ("call", stage.transfer("a-1", "150000", "301000000001", &["--json"])),
        ("find", stage.ask(&["find", "hecto", "--key", "a-1", "--json"])),
    ]
    .map(|(name, ended)| {
        assert_eq!(ended.code, 0, "{}", ended.err);
        let json: serde_json::Value = serde_json::from_str(&ended.out).expect("JSON");
        assert_eq!(json["outcome"], "SUCCESS", "{name}");
        ended.out
    })
    .into();
    let silence = [&success, &refused, &unknown, &found, &early, &nothing];
    for text in silence.iter().map(|ended| ended.whole()).chain(totals) {
        assert_no_secret(&text);
    }

    // What the bank has seen: two openings and three transfers, each once.
    stage.bank().ask_to_stop();
    let (code, seen) = stage.bank.take().expect("a bank").end();
    assert_eq!(code, Some(0));
    assert!(seen.contains("5 requests, 0 of them again; 2 executed"), "{seen}");
    assert_no_secret(&seen);
    stage.gateway().kill();
    let (_, log) = stage.gateway.take().expect("a gateway").end();
    assert_no_secret(&log);
}

fn assert_no_secret(text: &str) {
    for secret in SECRETS {
        assert!(!text.contains(secret), "{secret} in:\n{text}");
    }
}

#[test]
fn a_fence_makes_not_found_a_proof() {
    let stage = Stage::open();
    let unbound = stage.ask(&["find", "hecto", "--key", "b-1"]);
    assert_eq!((unbound.code, unbound.err.as_str()), (5, ""));
    let bound = stage.ask(&["find", "hecto", "--key", "b-1", "--fence"]);
    assert_eq!((bound.code, bound.err.as_str()), (1, ""));
    let json = stage.ask(&["find", "hecto", "--key", "b-1", "--json"]);
    assert_eq!(json.code, 1);
    let json: serde_json::Value = serde_json::from_str(&json.out).expect("JSON");
    assert_eq!(json, serde_json::json!({ "found": false, "fenced": true }));
    let straggler = stage.transfer("b-1", "150000", "301000000001", &[]);
    assert_eq!((straggler.code, straggler.out.as_str()), (4, ""));
    // The key is the caller's own: of another it is free.
    let other = stage.transfer("b-1", "150000", "301000000001", &["--caller", "payments"]);
    assert_eq!(other.code, 0, "{}", other.err);
    // A whole telegram instead of fields; the gateway stamps it.
    let mut args = transfer("b-2", "150000", "301000000001");
    args.splice(0..5, ["encode", "transfer"].map(String::from));
    let telegram = run(&args.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(telegram.code, 0, "{}", telegram.err);
    let raw = stage.ask(&["call", "hecto", "transfer", "--key", "b-2", "--raw", telegram.out.trim()]);
    assert_eq!(raw.code, 0, "{}", raw.err);
    let nowhere = stage.ask(&["find", "hectoo", "--key", "b-1"]);
    assert_eq!(nowhere.code, 5);
    for args in
        [&["tx", "show", "nope"][..], &["find", "hecto", "nope"], &["inquire", "hecto", "nope", "--reason", "x"]]
    {
        let wrong = stage.ask(args);
        assert_eq!(wrong.code, 2, "{args:?}: {}", wrong.whole());
        assert!(wrong.err.contains("it is not an id: write 32 hexadecimal digits"), "{}", wrong.err);
    }
    let told = [unbound.out, bound.out, straggler.err, nowhere.err].join("----\n");
    assert_snapshot!(scrub(&told));
}

#[test]
fn a_killed_gateway_leaves_no_proof() {
    let mut stage = Stage::open();
    let mut args = transfer("c-1", "70000", SILENT);
    args.extend(["--address".into(), stage.address.clone()]);
    let caller = Live::start(&args.iter().map(String::as_str).collect::<Vec<_>>());
    stage.bank().until(&["not answered (silence)"]);
    stage.gateway().kill();
    let (code, told) = caller.end();
    assert_eq!(code, Some(5), "{told}");
    assert!(!told.contains("No byte of the request left"), "{told}");
    let ask = ["find", "hecto", "--fence", "--key", "c-1", "--caller", "pabal-cli", "--address", &stage.address];
    assert!(told.ends_with(&format!("\nAsk: pabal {}", ask.join(" "))), "{told}");
    // Nobody is there to be asked; then somebody is.
    let unreached = stage.ask(&["find", "hecto", "--key", "c-1"]);
    assert_eq!(unreached.code, 5);
    assert!(!unreached.err.contains("No byte"), "{}", unreached.err);
    stage.start();
    // Before the outcome of the restart is durable there is none; never is it said that nothing left.
    let mut last = String::new();
    let restarted = (0..1_000).any(|_| {
        let found = stage.ask(&["find", "hecto", "--key", "c-1", "--fence"]);
        assert_eq!(found.code, 3, "{}", found.whole());
        last = found.out;
        last.contains("outcome   UNKNOWN (RESTARTED)\nstate     unknown\n")
    });
    assert!(restarted, "the restart concludes what it finds in flight: {last}");
}

#[test]
fn what_cannot_be_sent_is_refused() {
    let mut stage = Stage::without_bank();
    let down = stage.transfer("d-1", "150000", "301000000001", &[]);
    assert_eq!((down.code, down.out.as_str()), (4, ""));
    assert_snapshot!(scrub(&down.err));
    stage.gateway().ask_to_stop();
    let (code, _) = stage.gateway.take().expect("a gateway").end();
    assert_eq!(code, Some(0));
    let gone = stage.transfer("d-1", "150000", "301000000001", &[]);
    assert_eq!((gone.code, gone.out.as_str()), (4, ""));
    assert!(gone.err.ends_with("No byte of the request left.\n"), "{}", gone.err);
    assert_snapshot!("no_gateway", scrub(&gone.err));
}

#[test]
fn a_bank_that_goes_down_is_named() {
    let mut stage = Stage::open();
    stage.bank().kill();
    stage.gateway().until_all(2, &["session: ", "from=up"]);
    let down = stage.transfer("e-1", "150000", "301000000001", &[]);
    assert_eq!((down.code, down.out.as_str()), (4, ""));
    assert!(down.err.starts_with("refused   SEND_DOWN (Unavailable)"), "{}", down.err);
}

#[test]
fn a_stop_drains_and_business_stays_open() {
    let mut stage = Stage::open();
    assert_eq!(stage.transfer("f-1", "150000", "301000000001", &[]).code, 0);
    // A second gateway on the same data directory.
    let second = run(&["serve", "--config", &stage.config()]);
    assert_eq!((second.code, second.out.as_str()), (2, ""));
    let (data, id) = (stage.data().display().to_string(), stage.gateway().id());
    let told = second.err.replace(&data, "DATA").replace(&format!("process {id} "), "process PID ");
    let (before, after) = told.split_once(", started ").expect("since when");
    assert_snapshot!("holder", format!("{before}, started {}", after.split_once(": ").map_or("", |(_, rest)| rest)));

    stage.gateway().ask_to_stop();
    let (code, told) = stage.gateway.take().expect("a gateway").end();
    assert_eq!(code, Some(0), "{told}");
    assert!(told.contains("hecto: 0 in flight, 0 waiting, 0 UNKNOWN"), "{told}");
    assert!(told.lines().any(|line| line == "stopped"), "{told}");
    stage.bank().until(&["connection", "is over"]);

    stage.start();
    stage.gateway().until_all(2, &["session: ", "to=up"]);
    let after = stage.transfer("f-2", "60000", "301000000001", &[]);
    assert_eq!(after.code, 0, "{}", after.err);
    stage.bank().ask_to_stop();
    let (_, seen) = stage.bank.take().expect("a bank").end();
    assert_eq!(seen.matches("open 2").count(), 2, "business was opened once with each bank: {seen}");
    assert!(seen.contains("4 requests, 0 of them again"), "and nothing closed it: {seen}");
}

#[test]
fn a_place_that_is_taken_is_told() {
    let stage = Stage::without_bank();
    let taken = stage.address.strip_prefix("http://").expect("TCP");
    let bank = run(&["simulate", "--listen", taken]);
    assert_eq!((bank.code, bank.out.as_str()), (2, ""));
    assert!(bank.err.contains(taken), "{}", bank.err);
    let folder = tempfile::tempdir().expect("a folder");
    let other = folder.path().join("pabal.toml");
    let text = std::fs::read_to_string(stage.config()).expect("the configuration");
    // Of what it listens on, only where it is called is taken.
    let answers = text.rsplit("listen = \"").next().and_then(|rest| rest.split('"').next()).expect("an address");
    let text = text.replace("127.0.0.1:0", taken).replace(answers, &free().to_string());
    std::fs::write(&other, text).expect("a configuration");
    let second = run(&["serve", "--config", other.to_str().expect("UTF-8")]);
    assert_eq!(second.code, 2);
    assert!(second.err.lines().any(|line| line.starts_with("pabal: ")), "{}", second.err);
    assert_eq!(second.err.matches("check gateway.listen").count(), 1, "{}", second.err);
}

/// With --json an error is JSON on standard output too, and the same sentence for people on standard error.
#[test]
fn that_no_gateway_answers_is_one_json_value() {
    let id = "01a20092-1559-7000-bd64-9e6c46a0a6e4";
    for (args, code) in [
        (&["lines"][..], 5),
        (&["sessions", "hecto"], 5),
        (&["openings"], 5),
        (&["numbers"], 5),
        (&["notices", "hecto"], 5),
        (&["tx", "find", "000017"], 5),
        (&["tx", "show", id], 5),
        (&["tx", "list"], 5),
        (&["find", "hecto", id], 5),
        (&["call", "hecto", "transfer"], 4),
        (&["spec", "reload", "--reason", "why not"], 4),
    ] {
        let away = ["--address", "unix:/nonexistent/pabal.sock"];
        let ended = run_with(&[args, &away, &["--json"]].concat(), b"");
        assert_eq!(ended.code, code, "{args:?}: {}", ended.err);
        let value: serde_json::Value = serde_json::from_str(&ended.out).expect("one JSON value");
        assert_eq!((&value["outcome"], &value["refusal"]), (&serde_json::Value::Null, &serde_json::Value::Null));
        assert_eq!(value["faults"], serde_json::json!([]));
        let detail = value["detail"].as_str().expect("a sentence");
        assert!(detail.starts_with("no gateway answers at unix:/nonexistent/pabal.sock"), "{detail}");
        assert!(ended.err.contains(detail), "{args:?}: {}", ended.err);
        assert_eq!(ended.out.lines().count() == 1, args[0] == "notices", "{args:?}: a value in each line");
        let plain = run_with(&[args, &away].concat(), b"");
        assert_eq!((plain.code, plain.out.as_str(), plain.err), (code, "", ended.err), "{args:?}");
    }
}
