//! What operators look at and do during a day.

use std::io::{ErrorKind, Read};
use std::net::TcpStream;
use std::time::Duration;

use insta::assert_snapshot;
use serde_json::Value;
use tempfile::TempDir;

use crate::process::{Ended, run};
use crate::scrub::scrub;
use crate::stage::{SILENT, Stage, shipped_at_noon};

/// Of the transfers here; they must not be seen anywhere.
const SECRETS: [&str; 5] = ["97531246", "402817", "110123456789", "301000000001", "월세"];

fn assert_no_secret(ended: &Ended) {
    let whole = ended.whole();
    for secret in SECRETS {
        let hex: Vec<String> = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
        assert!(!whole.contains(secret) && !whole.contains(&hex.join(" ")), "{secret} is in:\n{whole}");
    }
}

fn json(ended: &Ended) -> Value {
    serde_json::from_str(&ended.out).unwrap_or_else(|error| panic!("{error}: {}", ended.whole()))
}

fn edit(folder: &TempDir, name: &str, edit: impl FnOnce(String) -> String) {
    let file = folder.path().join(name);
    let before = std::fs::read_to_string(&file).expect("readable");
    let after = edit(before.clone());
    assert!(before != after, "{name} is changed");
    std::fs::write(file, after).expect("writable");
}

#[test]
fn a_transfer_is_found_by_each_of_its_names_and_shown() {
    let stage = Stage::open();
    let nothing = stage.ask(&["tx", "list"]);
    assert_eq!((nothing.code, nothing.out.as_str()), (0, "nothing is unresolved\n"));
    let success = stage.transfer("rent-1", "150000", "301000000001", &["--json"]);
    assert_eq!(success.code, 0, "{}", success.err);
    let told = json(&success);
    let text = |key: &str| told[key].as_str().expect("text");

    let found = stage.ask(&["tx", "find", "rent-1"]);
    assert_eq!((found.code, found.err.as_str()), (0, ""));
    assert_snapshot!("found_by_key", scrub(&found.out));
    let row = found.out.lines().nth(1).expect("a row");
    let key = json(&stage.ask(&["tx", "find", "rent-1", "--json"]))["found"][0]["institution_key"].clone();
    let key = key.as_str().expect("a key");
    for args in [
        &["--key", "rent-1", "--of", "pabal-cli"][..],
        &["--exchange", text("exchange_id")],
        &[text("exchange_id")],
        &["--trace", text("trace_id")],
        &[text("trace_id")],
        &["--institution-key", key],
        &[key],
    ] {
        let again = stage.ask(&[&["tx", "find", "--institution", "hecto"], args].concat());
        assert_eq!(again.out.lines().nth(1), Some(row), "{args:?}: {}", again.err);
        assert_eq!(again.out.lines().count(), 2, "{args:?}");
    }
    // The openings of both banks have numbers too; this one is of bank 088, where the opening had the first.
    let numbered = stage.ask(&["tx", "find", text("telegram_number")]);
    assert!(numbered.out.lines().any(|line| line == row), "{}", numbered.out);
    let others = stage.ask(&["tx", "find", "--key", "rent-1", "--of", "somebody"]);
    assert_eq!(others.code, 1);
    assert_snapshot!("nothing_found", others.out);

    let shown = stage.ask(&["tx", "show", text("exchange_id")]);
    assert_eq!((shown.code, shown.err.as_str()), (0, ""));
    assert_snapshot!("shown", scrub(&shown.out));
    let by_json = stage.ask(&["tx", "show", text("exchange_id"), "--institution", "hecto", "--json"]);
    let whole = json(&by_json);
    assert_eq!(whole["summary"]["idempotency_key"], "rent-1");
    assert_eq!(whole["answer"]["response_text"], "정상처리");
    let keys: Vec<&String> = whole.as_object().expect("an object").keys().collect();
    assert_eq!(keys, ["answer", "inquiries", "journal", "notices", "request", "summary"]);
    assert_snapshot!("found_by_key_as_json", scrub(&stage.ask(&["tx", "find", "rent-1", "--json"]).out));
    for ended in [&found, &shown, &by_json] {
        assert_no_secret(ended);
    }
    // Whoever may see it sees it; a PIN is not stored.
    let unmasked = stage.ask(&["tx", "show", text("exchange_id"), "--unmasked"]);
    assert!(unmasked.out.contains("301000000001") && !unmasked.out.contains("97531246"), "{}", unmasked.out);
    let unknown = stage.ask(&["tx", "show", "01a20092-1559-7000-bd64-9e6c46a0a6e4"]);
    assert_eq!((unknown.code, unknown.out.as_str()), (1, ""));
}

#[test]
fn what_is_unknown_is_listed_with_its_next_step() {
    let stage = Stage::open();
    let unknown = stage.transfer("rent-2", "70000", SILENT, &["--timeout", "2s", "--accept-early-unknown"]);
    assert_eq!(unknown.code, 3, "{}", unknown.err);
    let list = stage.ask(&["tx", "list", "hecto"]);
    assert_eq!((list.code, list.err.as_str()), (3, ""));
    assert_snapshot!("unresolved", scrub(&list.out));
    let whole = json(&stage.ask(&["tx", "list", "--json"]));
    let one = &whole["unresolved"][0];
    assert_eq!((&one["cause"], &one["owner"]), (&"CALLER_DEADLINE".into(), &"gateway".into()), "{one}");
    assert_no_secret(&list);
    let elsewhere = stage.ask(&["tx", "list", "hetco"]);
    assert_eq!((elsewhere.code, elsewhere.out.as_str()), (5, ""));
    assert_snapshot!("list_of_an_unknown_institution", elsewhere.err);
}

#[test]
fn an_operator_sees_lines_sessions_openings_and_numbers() {
    let stage = Stage::open();
    // The deposit that follows the opening is answered, so that nothing moves any more.
    stage.transfer("rent-3", "150000", "301000000001", &[]);
    for (command, keys) in [
        (
            "lines",
            &[
                "address",
                "addresses",
                "backup_of",
                "connects",
                "direction",
                "drains_for_ms",
                "in_flight",
                "institution",
                "line",
                "not_up_because",
                "on_duty",
                "protocol",
                "sessions_counted",
                "sessions_max",
                "sessions_up",
                "side",
                "stopped",
                "wanted",
                "window",
            ][..],
        ),
        (
            "sessions",
            &[
                "address",
                "closed_detail",
                "closed_reason",
                "closed_text",
                "drains_for_ms",
                "epoch",
                "free_in_ms",
                "in_flight",
                "institution",
                "line",
                "next_try_in_ms",
                "received_ago_ms",
                "slot",
                "state",
                "state_text",
                "stopped",
                "unsent_bytes",
                "waits_for",
                "window",
                "wrote_ago_ms",
            ],
        ),
        (
            "openings",
            &[
                "business_date",
                "by_hand",
                "institution",
                "next_try_in_ms",
                "party",
                "reason",
                "state",
                "state_text",
                "values",
            ],
        ),
        ("numbers", &["business_date", "institution", "last", "left", "protocol", "scope", "warned"]),
    ] {
        let shown = stage.ask(&[command, "hecto"]);
        assert_eq!((shown.code, shown.err.as_str()), (0, ""), "{command}");
        // Columns are as wide as what stands in them, and ports differ.
        let lines = scrub(&shown.out).replace("1 s ago", "0 s ago");
        let narrow =
            |line: &str| line.split("  ").filter(|cell| !cell.is_empty()).map(str::trim).collect::<Vec<_>>().join("  ");
        assert_snapshot!(command, lines.lines().map(narrow).collect::<Vec<_>>().join("\n"));
        let value = json(&stage.ask(&[command, "--json"]));
        let list = if command == "lines" { &value["lines"] } else { &value };
        let first = list[0].as_object().expect("an object");
        assert_eq!(first.keys().collect::<Vec<_>>(), keys, "{command}");
    }
    let whole = json(&stage.ask(&["lines", "--json"]));
    assert_eq!(whole["institutions"][0]["serving"], true, "{whole}");
}

/// Deposits are replied to by a service, if it does in time.
fn open_for_services(within: &str) -> Stage {
    let folder = shipped_at_noon();
    edit(&folder, "firmbanking.spec", |text| {
        let by_gateway = "answered by gateway when durable with response_code \"0000\"\n  numbered";
        let by_service = format!("answered by service within {within} else response_code \"9999\"\n  numbered");
        text.replace(by_gateway, &by_service)
    });
    Stage::open_with(folder)
}

#[test]
fn that_no_service_has_replied_is_told() {
    let mut stage = open_for_services("1s");
    let why = "notice replied: code 9999, which the spec says if no service replies within 1s";
    let line = stage.gateway().until(&[why, "WARN", "code=\"9999\""]);
    let id = line.split_once("notice=\"").and_then(|(_, rest)| rest.get(..36)).expect("an id");
    let shown = stage.ask(&["tx", "show", id]);
    assert!(shown.out.contains(", by the spec, as no service replied in time\n"), "{}", shown.whole());
}

#[test]
fn a_service_takes_notices_and_its_reply_is_told() {
    let stage = open_for_services("25s");
    // The bank's deposit follows the opening; it may have waited. Whose reply is refused has not taken it.
    let refused = stage.ask(&["notices", "hecto", "--notice", "deposit", "--reply", "ABCDE", "--count", "1"]);
    assert_eq!(refused.code, 1, "{}", refused.whole());
    assert!(refused.out.contains(" INVALID_FIELDS: "), "{}", refused.out);
    let taken = stage.ask(&["notices", "hecto", "--notice", "deposit", "--reply", "0000", "--count", "1"]);
    assert_eq!((taken.code, taken.err.as_str()), (0, "subscribed to deposit of hecto\n"), "{}", taken.out);
    let awaited =
        taken.out.lines().find(|line| line.starts_with("reply     awaited for ")).expect("a reply is awaited");
    assert_snapshot!("notice", scrub(&taken.out.replace(awaited, "reply     awaited for SOME s")));
    let id = taken.out.split_whitespace().nth(1).expect("an id");
    let shown = stage.ask(&["tx", "show", id]);
    assert_eq!(shown.code, 0, "{}", shown.err);
    assert!(shown.out.contains(", by service pabal-cli\n"), "{}", shown.out);
    assert!(shown.out.contains("notice_replied") && shown.out.contains("code         0000"), "{}", shown.out);
    let wrong = stage.ask(&["notices", "hecto", "--notice", "depositt"]);
    assert_eq!((wrong.code, wrong.out.as_str()), (5, ""));
    assert_snapshot!("unknown_notice_name", wrong.err);
}

#[test]
fn a_spec_is_reloaded_or_refused_and_the_old_one_stays() {
    let mut stage = Stage::open();
    let reload = |stage: &Stage| stage.ask(&["spec", "reload", "hecto", "--reason", "a test", "--actor", "teller"]);
    let same = reload(&stage);
    assert_eq!((same.code, same.err.as_str()), (0, ""));
    assert_snapshot!("reloaded_unchanged", scrub(&same.out));
    edit(&stage.spec, "codes.csv", |text| text + "088,,QX77,refused,한도초과\n");
    let newer = json(&stage.ask(&["spec", "reload", "--reason", "a test", "--json"]));
    assert_ne!(newer[0]["old"], newer[0]["new"]);
    let in_force = json(&stage.ask(&["lines", "--json"]))["institutions"][0]["spec"].clone();
    assert_eq!(in_force, newer[0]["new"]);

    edit(&stage.spec, "firmbanking.spec", |text| text.replace("length ascii(4)", "length ascii(5)"));
    let reconnect = reload(&stage);
    assert_eq!((reconnect.code, reconnect.out.as_str()), (1, ""));
    assert_snapshot!("needs_reconnect", reconnect.err);
    edit(&stage.spec, "firmbanking.spec", |text| {
        let zone = text.split_whitespace().skip_while(|word| *word != "zone").nth(1).expect("an offset");
        text.replacen(zone, "nine", 1)
    });
    let mistaken = reload(&stage);
    assert_eq!((mistaken.code, mistaken.out.as_str()), (1, ""));
    assert_snapshot!("spec_mistakes", mistaken.err);
    let listed = stage.ask(&["spec", "reload", "hecto", "--reason", "a test", "--json"]);
    let told = json(&listed);
    assert_eq!((listed.code, &told["refusal"]), (1, &"SPEC_MISTAKES".into()), "{told}");
    assert!(told["faults"][0]["field"].as_str().is_some_and(|place| place.contains(".spec:")), "{told}");
    let nowhere = stage.ask(&["spec", "reload", "hetco", "--reason", "a test"]);
    assert_eq!(nowhere.code, 4, "{}", nowhere.err);
    stage.gateway().until(&["reload_refused", "caller=\"teller (claimed)\"", "reason=\"a test\"", "needs reconnect"]);
    assert_eq!(json(&stage.ask(&["lines", "--json"]))["institutions"][0]["spec"], in_force, "it stays");
    let transfer = stage.transfer("rent-4", "150000", "301000000001", &[]);
    assert_eq!(transfer.code, 0, "business goes on: {}", transfer.err);
}

#[test]
fn without_a_gateway_nothing_is_learnt_and_nothing_is_done() {
    // A port of this process's own address that nobody listens at.
    let address = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        format!("http://{}", listener.local_addr().expect("an address"))
    };
    for line in [
        "tx find rent-1",
        "tx show 01a20092-1559-7000-bd64-9e6c46a0a6e4",
        "tx list",
        "lines",
        "sessions",
        "openings",
        "numbers",
        "notices hecto",
        "control log",
        "control list hecto",
        "tx list --unclaimed",
        "tx list --notices",
    ] {
        let args: Vec<&str> = line.split_whitespace().chain(["--address", &address]).collect();
        let ended = run(&args);
        assert_eq!((ended.code, ended.out.as_str()), (5, ""), "{line}");
        assert!(ended.err.starts_with(&format!("pabal: no gateway answers at {address}")), "{line}: {}", ended.err);
    }
    let reload = run(&["spec", "reload", "--reason", "a test", "--address", &address]);
    assert_eq!(reload.code, 4);
    assert!(reload.err.ends_with("The version in force stays.\n"), "{}", reload.err);
    for line in [
        "line start hecto out",
        "line stop hecto out",
        "line drain hecto out",
        "session close hecto out/0",
        "session drain hecto out/0",
        "opening open hecto 088",
        "opening close hecto 088",
        "compartment start hecto 088",
        "compartment drain hecto 088",
        "institution start hecto",
        "institution drain hecto",
        "control block hecto books --message closed",
        "control unblock hecto books",
        "control limit hecto",
    ] {
        let more = ["--reason", "a test", "--address", &address];
        let ended = run(&line.split_whitespace().chain(more).collect::<Vec<_>>());
        assert_eq!((ended.code, ended.out.as_str()), (4, ""), "{line}");
        assert!(ended.err.ends_with("Nothing was changed.\n"), "{line}: {}", ended.err);
    }
}

#[test]
fn an_operator_stops_a_line_and_it_stays_stopped_until_it_is_started() {
    let mut stage = Stage::open();
    let act = |stage: &Stage, line: &str| {
        let more = ["--reason", "night work", "--actor", "kim"];
        stage.ask(&line.split_whitespace().chain(more).collect::<Vec<_>>())
    };
    let done = |ended: Ended| {
        assert_eq!((ended.code, ended.err.as_str()), (0, ""), "{}", ended.out);
        ended.out
    };
    let mut told = done(act(&stage, "line stop hecto out"));
    let refused = stage.transfer("rent-5", "150000", "301000000001", &[]);
    assert_eq!(refused.code, 4, "{}", refused.out);
    assert!(refused.err.contains("(lines: out stopped by kim (claimed): night work)"), "{}", refused.err);
    let nowhere = act(&stage, "line stop hecto main");
    assert_eq!((nowhere.code, nowhere.out.as_str()), (4, ""));
    told.push_str(&nowhere.err);

    drop(stage.gateway.take());
    stage.start();
    let line = || json(&stage.ask(&["lines", "--json"]))["lines"][0].clone();
    let stopped = line();
    assert_eq!((&stopped["wanted"], &stopped["sessions_up"]), (&"stopped".into(), &0.into()), "{stopped}");
    assert_eq!(
        (&stopped["stopped"]["actor"], &stopped["stopped"]["reason"]),
        (&"kim (claimed)".into(), &"night work".into())
    );

    told.push_str(&done(act(&stage, "line start hecto out")));
    // Their connection for answers comes when they try again.
    for line in ["out/0", "in/0"] {
        stage.gateway().until(&["session", line, "up"]);
    }
    let paid = stage.transfer("rent-6", "150000", "301000000001", &[]);
    assert_eq!(paid.code, 0, "{}", paid.err);
    for line in [
        "opening close hecto 088",
        "opening open hecto PABALCO1 088",
        "compartment drain hecto 088 --within 0s",
        "compartment start hecto 088",
        "control block hecto books --participant 088 --field debit_account=110..112 --message closed",
        "control limit hecto --compartment 088 --per-second 5",
        "control limit hecto --compartment 088",
        "control limit hecto --compartment 004 --in-flight 3",
        "session drain hecto in/0 --within 5s",
        "institution drain hecto --within 5s",
        "institution start hecto --json",
    ] {
        told.push_str(&done(act(&stage, line)));
    }
    let list = done(stage.ask(&["control", "list", "hecto"]));
    assert_snapshot!("controls", list);
    assert!(list.contains("debit_account beginning with **0 to **2"), "{list}");
    for command in ["list", "log"] {
        let unmasked = done(stage.ask(&["control", command, "hecto", "--unmasked"]));
        assert!(unmasked.contains("debit_account beginning with 110 to 112"), "{unmasked}");
    }
    let list = json(&stage.ask(&["control", "list", "hecto", "--json"]));
    assert_eq!(list["controls"][0]["actor"], "kim (claimed)", "{list}");
    assert_eq!(list["controls"][0]["unjudged"], Value::Null, "{list}");
    assert_eq!((&list["held_spec"], &list["held_because"]), (&Value::Null, &Value::Null), "{list}");
    assert_eq!(list["rates"][0]["actor"], "kim (claimed)", "{list}");
    told.push_str(&done(act(&stage, "control unblock hecto books")));
    told.push_str(&done(act(&stage, "control limit hecto --compartment 004")));
    assert_eq!(done(stage.ask(&["control", "list", "hecto"])), "nothing is blocked\n");
    assert_snapshot!("commands", told.replace(&stage.address, "http://ADDRESS"));
    let log = done(stage.ask(&["control", "log", "--max", "11"]));
    assert_snapshot!("command_log", scrub(&log));
    let last = json(&stage.ask(&["control", "log", "hecto", "--json"]));
    assert_eq!(last.as_array().map(Vec::len), Some(15), "{last}");
    // What was blocked and set is told also when it holds no more: the last but ten and but eight.
    let (blocked, limited) = (&last[8], &last[7]);
    assert_eq!((&blocked["command"], &blocked["control"]["message"]), (&"block".into(), &"closed".into()), "{last}");
    assert_eq!((&limited["command"], &limited["rate"]["per_second"]), (&"limit".into(), &5.into()), "{last}");
    assert_eq!((&limited["control"], &blocked["rate"]), (&Value::Null, &Value::Null), "{last}");
    let nobody = stage.ask(&["control", "log", "hekto"]);
    assert!(nobody.code == 5 && nobody.err.contains("did you mean `hecto`"), "{} {}", nobody.out, nobody.err);
    assert_eq!(done(stage.ask(&["tx", "list", "--unclaimed"])), "nothing is unclaimed\n");
    assert_eq!(json(&stage.ask(&["tx", "list", "hecto", "--unclaimed", "--json"])), serde_json::json!([]));
}

#[test]
fn who_is_turned_away_has_not_connected() {
    let mut stage = Stage::open();
    let line = json(&stage.ask(&["lines", "--json"]))["lines"][1].clone();
    let knock = || {
        let mut stream = TcpStream::connect(line["address"].as_str().expect("an address")).expect("it listens");
        stream.set_read_timeout(Some(Duration::from_secs(60))).expect("a time");
        assert_eq!(stream.read(&mut [0; 1]).map_err(|error| error.kind()), Err(ErrorKind::ConnectionReset));
        format!("peer={}", stream.local_addr().expect("an address"))
    };
    let beyond = knock();
    let told = stage.gateway().until(&[&beyond]);
    assert!(told.contains("WARN") && told.contains("a connection beyond the line's limit was turned away"), "{told}");
    assert_eq!(stage.ask(&words("line stop hecto in --reason t2 --actor kim")).code, 0);
    let stopped = knock();
    stage.gateway().ask_to_stop();
    let (_, log) = stage.gateway.take().expect("a gateway").end();
    assert_eq!((log.matches(&beyond).count(), log.matches(&stopped).count()), (1, 0), "{log}");
}

#[test]
fn lines_say_what_is_blocked_now() {
    let stage = Stage::open();
    let act = |line: &str| {
        let done = stage.ask(&[&words(line)[..], &words("--reason t8 --actor kim")].concat());
        assert_eq!(done.code, 0, "{}", done.err);
    };
    act("control block hecto books --participant 088 --message closed");
    act("control limit hecto --compartment 088 --per-second 5");
    let lines = stage.ask(&["lines"]).out;
    assert!(lines.contains("  yes, 1 control, 1 rate set\n"), "{lines}");
    act("control block hecto allx --message closed");
    let lines = stage.ask(&["lines"]).out;
    let blocked =
        "no: everything blocked by control allx, until it is lifted (kim (claimed): t8), 1 control, 1 rate set\n";
    assert!(lines.contains(blocked), "{lines}");
    let institution = json(&stage.ask(&["lines", "--json"]))["institutions"][0].clone();
    assert_eq!((&institution["serving"], &institution["controls"]), (&true.into(), &1.into()), "{institution}");
    let allx = &institution["blocked_by"][0];
    assert_eq!((&allx["control"], &allx["reason"]), (&"allx".into(), &"t8".into()), "{institution}");
}

#[test]
fn a_start_tells_what_operators_have_stopped_and_blocked() {
    let mut stage = Stage::open();
    let act = |stage: &Stage, line: &str| {
        let done = stage.ask(&[&words(line)[..], &words("--reason t8 --actor kim")].concat());
        assert_eq!(done.code, 0, "{}", done.err);
    };
    act(&stage, "line stop hecto out");
    act(&stage, "compartment drain hecto 088 --within 0s");
    act(&stage, "control block hecto books --participant 088 --field debit_account=110..112 --message closed");
    act(&stage, "control block hecto allx --message closed");
    stage.gateway().kill();
    stage.start();
    for told in [
        "line out is stopped by kim (claimed): t8",
        "compartment 088 is stopped by kim (claimed): t8",
        "control books blocks participant 088; debit_account beginning with **0 to **2 (kim (claimed): t8)",
        "control allx blocks everything (kim (claimed): t8)",
    ] {
        stage.gateway().until(&["WARN", &format!("taken over: {told}")]);
    }
    act(&stage, "institution drain hecto --within 0s");
    stage.gateway().kill();
    stage.start();
    stage.gateway().until(&["WARN", "taken over: the institution is stopped by kim (claimed): t8"]);
}

#[test]
fn a_control_keeps_a_spec_back_that_cannot_judge_it_and_blocks_more_after_a_start() {
    let mut stage = Stage::open();
    let block =
        stage.ask(&words("control block hecto rent --field memo=RENT --message closed --reason night --actor kim"));
    assert!(block.code == 0 && !block.out.contains("but"), "{}", block.out);
    edit(&stage.spec, "firmbanking.spec", |text| text.replacen("\n  memo ", "\n  note ", 1));
    let refused = stage.ask(&["spec", "reload", "hecto", "--reason", "their new paper"]);
    assert_eq!((refused.code, refused.out.as_str()), (1, ""));
    for part in ["CONTROL_UNJUDGED", "control `rent`", "`transfer` has no field `memo`", "the version in force stays"] {
        assert!(refused.err.contains(part), "{part}: {}", refused.err);
    }
    drop(stage.gateway.take());
    stage.start();
    let list = stage.ask(&["control", "list", "hecto"]);
    assert!(
        list.out.contains("the spec in force cannot judge `rent`: a request of `transfer` has no field"),
        "{}",
        list.out
    );
    let list = json(&stage.ask(&["control", "list", "hecto", "--json"]));
    assert!(list["controls"][0]["unjudged"].as_str().is_some_and(|why| why.contains("`memo`")), "{list}");
    // What another of its name takes away is told, and nothing where there was none.
    let again =
        stage.ask(&words("control block hecto rent --field note=RENT --message closed --reason day --actor lee"));
    let told = "but       it takes the place of another `rent`, which blocked memo R***, until it is lifted (kim (claimed): night)";
    assert!(again.code == 0 && again.out.contains(told), "{}", again.out);
    let block = "control block hecto amounts --exchange transfer --field debit_amt=100..999 --message closed --reason day --json";
    let first = json(&stage.ask(&words(block)));
    assert_eq!(first.get("replaced"), Some(&Value::Null), "{first}");
    let second = json(&stage.ask(&words(block)));
    assert_eq!(second["replaced"]["blocks"], "exchange transfer; debit_amt from 100 to 999", "{second}");
    let lift = json(&stage.ask(&words("control unblock hecto amounts --reason day --json")));
    assert_eq!(lift.get("replaced"), None, "only a block takes another's place: {lift}");
}

fn words(line: &str) -> Vec<&str> {
    line.split_whitespace().collect()
}
