//! One trace over everything that a request may go through, as the log of a gateway in its own process tells it.

use std::collections::BTreeSet;
use std::path::Path;

use pabal_simulator::at_noon;
use pabal_spec::Source;
use serde_json::Value;
use tempfile::TempDir;

use crate::process::{Ended, Live, run};
use crate::stage::{free, transfer};

/// Of the transfers here; they must not be seen anywhere.
const SECRETS: [&str; 5] = ["97531246", "402817", "110123456789", "9432029999", "월세"];
/// Accounts that the scenario debits in its own way.
const PLAIN: &str = "943202999901";
const LATE: &str = "943202999902";
const SILENT: &str = "943202999903";
const CUT: &str = "943202999904";

/// Where gateway and bank read what this test has made: the shipped spec with little patience, and a bank that tries it.
struct Place {
    folder: TempDir,
    banks: Vec<String>,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../specs/hecto");
        let read = |name: &str| std::fs::read_to_string(shipped.join(name)).expect("it is shipped");
        let spec = folder.path().join("spec");
        std::fs::create_dir(&spec).expect("a folder");
        let codes = read("codes.csv");
        // An answer that comes ten minutes late is one that comes after UNKNOWN was told and the time for an answer is over; here that is
        // soon.
        let text = read("firmbanking.spec")
            .replacen("effect money  timeout 30s", "effect money  timeout 300ms", 1)
            .replacen("transfer_result after 5m every 5m", "transfer_result after 3s every 5m", 1);
        assert!(text.contains("timeout 300ms") && text.contains("after 3s"), "the spec has changed");
        for source in at_noon(vec![Source { name: "firmbanking.spec".into(), text }]) {
            std::fs::write(spec.join(source.name), source.text).expect("a spec");
        }
        std::fs::write(spec.join("codes.csv"), &codes).expect("a table");
        let odd = |account: &str, way: &str| {
            format!(
                "[[reply]]\nexchange = \"transfer\"\nmatch.credit_account = \"{account}\"\nexecutes = true\namount = \"debit_amt\"\n\
                 response_code = \"0000\"\n[[reply.misbehave]]\n{way}\n\n"
            )
        };
        let scenario =
            read("scenarios/normal.toml").replacen("on = \"trigger\"", "on = \"opened\"\nmatch.bank_code = \"088\"", 1);
        let plain = scenario.find("[[reply]]\nexchange = \"transfer\"\n").expect("how transfers are answered");
        let ways = odd(LATE, "do = \"late\"\nafter = \"1s\"")
            + &odd(SILENT, "do = \"silence\"")
            + &odd(CUT, "do = \"late\"\nafter = \"2s\"");
        let scenario = format!("{}{ways}{}", &scenario[..plain], &scenario[plain..]);
        std::fs::write(folder.path().join("scenario.toml"), scenario).expect("a scenario");
        let mut banks: Vec<String> = codes
            .lines()
            .filter_map(|line| line.split(',').next())
            .filter(|code| code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_digit()))
            .map(str::to_owned)
            .collect();
        banks.sort();
        banks.dedup();
        Self { folder, banks }
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().expect("UTF-8").to_owned()
    }

    fn bank(&self, answers: &str) -> (Live, String) {
        let mut bank = Live::start(&[
            "simulate",
            &self.path("spec"),
            "--scenario",
            &self.path("scenario.toml"),
            "--listen",
            "127.0.0.1:0",
            "--connect",
            answers,
        ]);
        let listens = bank.until(&["hecto listens at "]);
        let requests = listens["hecto listens at ".len()..].split_once(": ").expect("an address").0.to_owned();
        (bank, requests)
    }

    fn configure(&self, requests: &str, answers: &str) {
        let text = format!(
            r#"
            [gateway]
            listen = "127.0.0.1:0"
            [log]
            format = "json"
            [institutions.hecto]
            spec = "spec"
            [[institutions.hecto.lines]]
            name = "out"
            protocol = "firmbanking"
            side = "initiator"
            direction = "send"
            address = "{requests}"
            [[institutions.hecto.lines]]
            name = "in"
            protocol = "firmbanking"
            side = "acceptor"
            direction = "receive"
            listen = "{answers}"
            [[institutions.hecto.parties]]
            name = "main"
            fields = {{ id_code = "PABAL", company_no = "PABALCO1" }}
            participants = {:?}
            "#,
            self.banks
        );
        std::fs::write(self.folder.path().join("pabal.toml"), text).expect("a configuration");
    }

    fn gateway(&self) -> (Live, String) {
        let mut gateway = Live::start(&["serve", "--config", &self.path("pabal.toml")]);
        let address = gateway.until(&["serving at "])["serving at ".len()..].to_owned();
        (gateway, address)
    }
}

/// A trace of a service, and the `traceparent` that it sends.
fn trace(number: u32) -> (String, String) {
    let id = format!("4bf92f3577b34da6a3ce929d{number:08x}");
    (id.clone(), format!("00-{id}-00f067aa0ba902b7-01"))
}

fn call(address: &str, key: &str, account: &str, traceparent: &str) -> Ended {
    let mut args = transfer(key, "70000", account);
    args.extend(["--traceparent", traceparent, "--timeout", "10s", "--address", address].map(String::from));
    run(&args.iter().map(String::as_str).collect::<Vec<_>>())
}

/// What a log line of an entry says: event, rule, outcome, cause, session; `-` for what it has not.
fn told(line: &str) -> String {
    let line: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
    let field = |name: &str| line["fields"][name].as_str().unwrap_or("-").to_owned();
    ["event", "rule", "outcome", "cause", "session"].map(field).join(" ")
}

/// What the entries of a log say that have a trace id.
fn of_trace(log: &str, id: &str) -> Vec<String> {
    let trace = format!("\"trace_id\":\"{id}\"");
    let is_entry = |line: &&str| line.contains(&trace) && line.contains("\"event\":\"switch.");
    log.lines().filter(is_entry).map(told).collect()
}

#[test]
fn one_trace_is_followed_over_sockets_time_a_restart_and_an_inquiry() {
    let place = Place::new();
    let answers = free().to_string();
    let (mut bank, requests) = place.bank(&answers);
    place.configure(&requests, &answers);
    let (mut gateway, address) = place.gateway();
    gateway.until_all(place.banks.len(), &["\"event\":\"switch.opening\"", "\"outcome\":\"open\""]);

    let (answered, parent) = trace(1);
    let ended = call(&address, "a-1", PLAIN, &parent);
    assert_eq!(ended.code, 0, "{}", ended.whole());

    let (late, parent) = trace(2);
    let ended = call(&address, "a-2", LATE, &parent);
    assert_eq!(ended.code, 3, "UNKNOWN is told: {}", ended.whole());
    gateway.until(&[&late, "\"event\":\"switch.outcome\"", "\"cause\":\"LATE\""]);

    let (silent, parent) = trace(3);
    let ended = call(&address, "a-3", SILENT, &parent);
    assert_eq!(ended.code, 3, "{}", ended.whole());
    gateway.until(&[&silent, "\"event\":\"switch.outcome\"", "\"cause\":\"INQUIRY\""]);

    // Another version, while sessions stay up; and one with a mistake, which changes nothing.
    let file = place.folder.path().join("spec/firmbanking.spec");
    let spec = std::fs::read_to_string(&file).expect("the spec");
    std::fs::write(&file, spec.replacen("\"적요\"", "\"기재 내용\"", 1)).expect("another version");
    gateway.hang_up();
    gateway.until(&["hecto: spec ", " is in force, was "]);
    std::fs::write(&file, spec.replacen("effect money", "effect mony", 1)).expect("a mistake");
    gateway.hang_up();
    gateway.until(&["\"event\":\"reload_refused\"", "the spec of hecto has 1 mistake; the old one stays in force"]);
    std::fs::write(&file, spec).expect("as it was");

    let (cut, parent) = trace(4);
    let mut args = transfer("a-4", "70000", CUT);
    args.extend(["--traceparent", &parent, "--address", &address].map(String::from));
    let caller = Live::start(&args.iter().map(String::as_str).collect::<Vec<_>>());
    gateway.until(&[&cut, "\"event\":\"switch.sending\""]);
    let transfers = bank.until_all(4, &["transfer ", " received"]);
    assert!(transfers.iter().all(|line| !line.contains("again")), "{transfers:?}");
    gateway.kill();
    caller.end();
    let (_, first) = gateway.end();
    let (mut gateway, _) = place.gateway();
    gateway.until(&[&cut, "\"event\":\"switch.outcome\"", "\"cause\":\"LATE\""]);
    gateway.ask_to_stop();
    let (_, second) = gateway.end();

    let sent = |rule: &str| [format!("switch.accepted {rule} - - -"), format!("switch.sending {rule} - - out/0")];
    let outcome = |rule: &str, said: &str| format!("switch.outcome {rule} {said}");
    let [accepted, sending] = sent("transfer");
    assert_eq!(
        of_trace(&first, &answered),
        [accepted.clone(), sending.clone(), outcome("transfer", "SUCCESS ANSWERED in/0")],
        "the answer came by another socket"
    );
    let no_answer = outcome("transfer", "UNKNOWN NO_ANSWER -");
    assert_eq!(
        of_trace(&first, &late),
        [accepted.clone(), sending.clone(), no_answer.clone(), outcome("transfer", "SUCCESS LATE in/0")]
    );
    let [asked, asking] = sent("transfer_result");
    let inquired = of_trace(&first, &silent);
    let wanted = [accepted.clone(), sending.clone(), no_answer, asked, asking];
    assert_eq!(inquired[..5], wanted, "an inquiry goes on with the trace of what it asks about");
    let ends: BTreeSet<&str> = inquired[5..].iter().map(String::as_str).collect();
    let (own, settled) =
        ("switch.outcome transfer_result SUCCESS ANSWERED in/0", "switch.outcome transfer SUCCESS INQUIRY in/0");
    assert_eq!(ends, BTreeSet::from([own, settled]));
    let before = of_trace(&first, &cut);
    assert_eq!(before[..2], [accepted, sending]);
    assert_eq!(
        of_trace(&second, &cut),
        [outcome("transfer", "UNKNOWN RESTARTED -"), outcome("transfer", "SUCCESS LATE in/0")],
        "another process goes on with it"
    );

    let lines = |log: &str, parts: &[&str]| -> Vec<Value> {
        let has = |line: &&str| parts.iter().all(|part| line.contains(part));
        log.lines().filter(has).map(|line| serde_json::from_str(line).expect("JSON")).collect()
    };
    let id = |line: &Value| line["fields"]["trace_id"].as_str().expect("a trace").to_owned();
    let openings = lines(&first, &["\"event\":\"switch.accepted\"", "\"rule\":\"open\""]);
    let mut ids: BTreeSet<String> = openings.iter().map(id).collect();
    assert_eq!((openings.len(), ids.len(), place.banks.len()), (36, 36, 36), "no two openings share a trace");

    let received = lines(&first, &["\"event\":\"switch.notice_received\""]);
    let replied = lines(&first, &["\"event\":\"switch.notice_replied\""]);
    let ([received], [replied]) = (&received[..], &replied[..]) else { panic!("{received:?} {replied:?}") };
    assert_eq!(received["fields"]["notice"], replied["fields"]["notice"]);
    assert_eq!(id(received), id(replied));
    assert!(ids.insert(id(received)), "it is the notice's own");

    let reloaded = lines(&first, &["\"event\":\"gateway.reloaded\""]);
    assert_eq!((reloaded.len(), reloaded[0]["fields"]["caller"].as_str()), (1, Some("SIGHUP")));
    assert_eq!(reloaded[0]["fields"]["reason"], "the process was signalled");

    for secret in SECRETS {
        assert!(!first.contains(secret) && !second.contains(secret), "{secret} is in the log");
    }
}
