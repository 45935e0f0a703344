use insta::assert_snapshot;

use crate::process::{run, run_with};
use crate::sample::{sample, samples};

/// `decode --unmasked` as arguments of `encode`.
fn fields(hex: &str) -> Vec<String> {
    let told = run_with(&["decode", "--unmasked"], hex.as_bytes());
    assert_eq!(told.code, 0, "{}", told.err);
    told.out.lines().flat_map(|line| ["-f".to_string(), line.to_string()]).collect()
}

#[test]
fn what_is_decoded_encodes_to_the_same_bytes() {
    for sample in samples() {
        let fields = fields(&sample.hex());
        let mut args = vec!["encode", &sample.telegram, "--side", &sample.side, "--prefix"];
        args.extend(fields.iter().map(String::as_str));
        let ended = run(&args);
        if sample.is_refused {
            assert_eq!(ended.code, 1, "{}", sample.name);
            assert!(ended.err.contains("euc-kr cannot write"), "{}", ended.err);
        } else {
            assert_eq!((ended.code, ended.err.as_str()), (0, ""), "{}", sample.name);
            assert_eq!(ended.out.trim_end(), sample.hex(), "{}", sample.name);
        }
    }
}

/// Written by hand, from the sample's table.
#[test]
fn fields_become_the_bytes_of_the_sample() {
    let request = sample("transfer_request");
    let given = [
        "id_code=HFB000001",
        "company_no=PABAL01",
        "bank_code=088",
        "message_type=2000",
        "service_code=100",
        "telegram_no=101",
        "send_date=20261120",
        "send_time=101530",
        "debit_account=110123456789",
        "passbook_pin=1234",
        "check_symbol=402817",
        "debit_amt=150000",
        "credit_bank_code=004",
        "credit_account=94320201234567",
        "memo=１１월　급여　",
    ];
    let mut args = vec!["encode", "transfer"];
    for field in &given {
        args.extend(["-f", field]);
    }
    assert_eq!(run(&args).out.trim_end(), request.bare());
    // What the gateway stamps is left as unset, and nothing else differs.
    let stamped = ["id_code", "company_no", "message_type", "service_code", "telegram_no", "send_date", "send_time"];
    let mut args = vec!["encode", "transfer"];
    for field in given.iter().filter(|field| !stamped.contains(&field.split('=').next().expect("a name"))) {
        args.extend(["-f", field]);
    }
    let unstamped = run(&args);
    assert_eq!(unstamped.code, 0, "{}", unstamped.err);
    let bare = request.bare();
    let expected = [&"20".repeat(21), "303838", &"20".repeat(7), "31", &"30".repeat(20), &bare[104..]].concat();
    assert_eq!(unstamped.out.trim_end(), expected);
}

#[test]
fn every_fault_is_told_at_once() {
    let mut args = vec!["encode", "transfer"];
    for field in [
        "memoo=1",
        "bank_code=1234",
        "debit_amt=15x",
        "memo=믜",
        "send_date=20261301",
        "fee=500",
        "credit_account=1",
        "credit_account=2",
    ] {
        args.extend(["-f", field]);
    }
    let ended = run(&args);
    assert_eq!((ended.code, ended.out.as_str()), (1, ""));
    assert_snapshot!(ended.err);
    let secret = run(&["encode", "transfer", "-f", "passbook_pin=975312468", "-f", "debit_account=1101234567891234"]);
    assert!(!secret.err.contains("975312468") && !secret.err.contains("11012345678"), "{}", secret.err);
    assert_eq!(run(&["encode", "transfer", "-f", "memo"]).code, 2);
}

#[test]
fn raw_is_the_bytes_themselves() {
    let ended = run(&["encode", "poll_request", "--raw", "--prefix", "-f", "send_time=1120093000"]);
    assert_eq!((ended.code, ended.out.as_str()), (0, "0020HDRREQPOLL1120093000"));
}
