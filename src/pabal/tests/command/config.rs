use insta::assert_snapshot;

use crate::process::run;
use crate::sample::root;

#[test]
fn the_default_is_printed_as_it_is_built_in() {
    let ended = run(&["serve", "--print-default"]);
    let file = std::fs::read_to_string(root().join("src/gateway/src/default.toml")).expect("the default");
    assert_eq!((ended.code, ended.out, ended.err), (0, file, String::new()));
}

fn serve(text: &str) -> (i32, String) {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("pabal.toml");
    std::fs::write(&file, text).expect("a configuration");
    let ended = run(&["serve", "--config", file.to_str().expect("UTF-8")]);
    assert_eq!(ended.out, "");
    (ended.code, ended.err.replace(folder.path().to_str().expect("UTF-8"), "FOLDER"))
}

#[test]
fn each_mistake_of_a_configuration_is_told_with_its_line() {
    let (code, told) = serve(
        r#"[gateway]
listen = "0.0.0.0:7400"
drain_deadlin = "3s"
default_timeout = "soon"

[institutions.hecto]
spec = "hecto"
[[institutions.hecto.lines]]
name = "out"
protcol = "firmbanking"
side = "initiator"
direction = "both"
address = "127.0.0.1:1"
"#,
    );
    assert_eq!(code, 2);
    assert_snapshot!(told);
    let (code, told) = serve("[gateway\n");
    assert_eq!(code, 2);
    assert_snapshot!("not_toml", told);
}

#[test]
fn a_mistake_of_a_spec_is_drawn_and_stops_the_start() {
    let folder = tempfile::tempdir().expect("a folder");
    for name in ["forty.spec", "codes.csv"] {
        std::fs::copy(root().join("src/spec/tests/fixtures").join(name), folder.path().join(name)).expect("a fixture");
    }
    let (code, told) = serve(&format!(
        r#"[institutions.hecto]
spec = {:?}
[[institutions.hecto.lines]]
name = "out"
protocol = "firmbanking"
side = "initiator"
direction = "duplex"
address = "127.0.0.1:1"
[[institutions.hecto.parties]]
name = "main"
fields = {{ id_code = "PABAL", company_no = "PABALCO1" }}
participants = ["004"]
"#,
        folder.path()
    ));
    assert_eq!(code, 2);
    assert_eq!(
        told.matches("[forty.spec:").count(),
        run(&["spec", "check", folder.path().to_str().expect("UTF-8")]).err.matches("[forty.spec:").count(),
        "{told}"
    );
    assert_snapshot!(
        "not_started",
        told.lines().last().unwrap_or_default().replace(folder.path().to_str().expect("UTF-8"), "SPEC")
    );
}
