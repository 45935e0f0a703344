use insta::assert_snapshot;

use crate::process::{run, run_unread, run_with};
use crate::sample::{sample, samples};

const BUILT_IN: &str = "hecto (built in)";

/// `decode --unmasked` as arguments of `encode`.
fn fields(hex: &str) -> Vec<String> {
    let told = run_with(&["decode", "--unmasked"], hex.as_bytes());
    assert_eq!(told.code, 0, "{}", told.err);
    told.out.lines().flat_map(|line| ["-f".to_string(), line.to_string()]).collect()
}

#[test]
fn what_is_decoded_encodes_to_the_same_bytes() {
    for sample in samples("hecto") {
        let fields = fields(&sample.hex());
        let mut args = vec!["encode", &sample.telegram, "--side", &sample.side, "--prefix"];
        args.extend(fields.iter().map(String::as_str));
        let ended = run(&args).by_spec(BUILT_IN);
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
    // What the gateway stamps is left as unset, but for the type, and nothing else differs.
    let stamped = ["id_code", "company_no", "message_type", "service_code", "telegram_no", "send_date", "send_time"];
    let mut args = vec!["encode", "transfer"];
    for field in given.iter().filter(|field| !stamped.contains(&field.split('=').next().expect("a name"))) {
        args.extend(["-f", field]);
    }
    let unstamped = run(&args);
    assert_eq!(unstamped.code, 0, "{}", unstamped.err);
    let bare = request.bare();
    let expected = [&"20".repeat(21), "303838", "32303030313030", "31", &"30".repeat(20), &bare[104..]].concat();
    assert_eq!(unstamped.out.trim_end(), expected);
    let told = "left unset: id_code, company_no, telegram_no, send_date, send_time (the gateway stamps them)\n";
    assert_eq!(unstamped.by_spec(BUILT_IN).err, told);
    // The answerer's type is another; either is what `decode` knows it by.
    for (side, given, kind) in [("asker", "bank_code=088", "31303030"), ("answerer", "response_code=0000", "31313030")]
    {
        let made = run(&["encode", "open", "--side", side, "-f", given]);
        assert_eq!((made.code, &made.out[48..56]), (0, kind), "{}", made.err);
        let read = run_with(&["decode", "--bytes"], made.out.as_bytes()).out;
        assert!(read.starts_with("open ") && read.contains(&format!("filled by the {side}")), "{read}");
    }
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

/// So that a PIN need not stand on a command line.
#[test]
fn a_value_may_be_read_from_a_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("marker");
    std::fs::write(&file, "1120093000\n").expect("a file");
    let from = |value: &str, input: &str| {
        run_with(&["encode", "poll_request", "--raw", "-f", &format!("send_time={value}")], input.as_bytes())
    };
    let wanted = "HDRREQPOLL1120093000";
    assert_eq!(from(&format!("@{}", file.display()), "").out, wanted);
    assert_eq!(from("@-", "1120093000").out, wanted);
    let two = from("@-", "1120\n093000");
    assert_eq!(two.code, 2);
    assert!(two.err.ends_with("the value of send_time has more than one line\n"), "{}", two.err);
    assert!(!two.err.contains("093000"), "{}", two.err);
    let nowhere = from("@nowhere", "");
    assert_eq!(nowhere.code, 2);
    assert!(nowhere.err.contains("for a value that begins with @ write @@"), "{}", nowhere.err);
    let literal = from("@@112009300", "");
    assert!(literal.err.contains("\"@112009300\""), "{}", literal.err);
    let twice = run_with(&["encode", "open", "-f", "id_code=@-", "-f", "company_no=@-"], b"x");
    assert!(twice.err.ends_with("standard input is read once; give company_no by a file\n"), "{}", twice.err);
}

/// `| head` has read enough.
#[test]
fn nobody_needs_to_read_to_the_end() {
    assert_eq!(run_unread(&["spec", "show"]), 0);
    assert_eq!(run_unread(&["spec", "check"]), 0);
    assert_eq!(run_unread(&["encode", "transfer"]), 1);
    assert_eq!(run_unread(&["decode", "--telegram", "transfer"]), 2);
    assert_eq!(run_unread(&["encode", "poll_request", "--raw"]), 0);
    assert_eq!(run_unread(&["serve", "--print-default"]), 0);
    assert_eq!(run_unread(&["--help"]), 0);
}

#[test]
fn raw_is_the_bytes_themselves() {
    let ended = run(&["encode", "poll_request", "--raw", "--prefix", "-f", "send_time=1120093000"]);
    assert_eq!((ended.code, ended.out.as_str()), (0, "0020HDRREQPOLL1120093000"));
}
