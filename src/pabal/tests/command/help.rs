use insta::assert_snapshot;

use crate::process::{run, run_where};

#[test]
fn every_command_says_what_it_does() {
    for command in [
        "",
        "demo",
        "serve",
        "simulate",
        "call",
        "find",
        "inquire",
        "tx",
        "tx find",
        "tx show",
        "tx list",
        "notices",
        "lines",
        "sessions",
        "openings",
        "numbers",
        "line",
        "line start",
        "line stop",
        "line drain",
        "session",
        "session close",
        "session drain",
        "opening",
        "opening open",
        "opening close",
        "compartment",
        "compartment drain",
        "compartment start",
        "institution",
        "institution drain",
        "institution start",
        "control",
        "control block",
        "control unblock",
        "control limit",
        "control list",
        "control log",
        "spec",
        "spec check",
        "spec show",
        "spec fmt",
        "spec reload",
        "decode",
        "encode",
    ] {
        let mut args: Vec<&str> = command.split_whitespace().collect();
        args.push("--help");
        let ended = run(&args);
        assert_eq!((ended.code, ended.err.as_str()), (0, ""), "{command}");
        let name = format!("help of pabal {command}").trim_end().replace(' ', "_");
        assert_snapshot!(name, ended.out);
    }
}

#[test]
fn what_is_not_understood_is_usage() {
    let mut told = String::new();
    for line in [
        "",
        "transfr",
        "call hecto",
        "call hecto transfer --timeout 5",
        "call hecto transfer --field memo",
        "call hecto transfer -f memo=a -f memo=b",
        "call hecto transfer --raw 3",
        "call hecto transfer --raw 30 -f memo=a",
        "call hecto transfer --address https://bank",
        "call hecto transfer --caller 결제",
        "find hecto",
        "find hecto 01a20092-1559-7000-bd64-9e6c46a0a6e4 --fence",
        "inquire hecto 01a20092-1559-7000-bd64-9e6c46a0a6e4",
        "tx",
        "tx find",
        "tx find rent-1 --key rent-1",
        "tx find --exchange 1 --of payments",
        "tx find 1 --max 1001",
        "line stop hecto",
        "line stop hecto out",
        "line drain hecto out --reason x --within 5",
        "session close hecto out --reason x",
        "opening close hecto --reason x",
        "control block hecto x --message m --field 088 --reason x",
        "control limit hecto --per-second 0 --reason x",
        "control",
        "spec fmt",
        "spec reload",
        "decode --side nobody",
        "decode nothing-here.hex",
        "decode --spec nothing-here",
        "decode --protocol nothing",
        "encode transfr",
        "simulate --scenario nothing",
        "serve --config nothing-here.toml",
    ] {
        let ended = run(&line.split_whitespace().collect::<Vec<_>>());
        assert_eq!((ended.code, ended.out.as_str()), (2, ""), "pabal {line}");
        told.push_str(&format!("$ pabal {line}\n{}\n", ended.err));
    }
    assert_snapshot!(told);
}

#[test]
fn what_the_environment_gives_is_not_among_what_is_missing() {
    let environment = [("PABAL_ADDRESS", "http://127.0.0.1:7401"), ("USER", "kim")];
    let line = ["line", "stop", "hecto"];
    let (bare, given) = (run(&line), run_where(&environment, &line));
    assert_eq!((given.code, given.err), (2, bare.err));
    let help = run_where(&environment, &["line", "stop", "--help"]);
    assert!(help.out.contains("[env: PABAL_ADDRESS=http://127.0.0.1:7401]"), "{}", help.out);
}
