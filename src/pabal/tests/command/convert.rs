//! Telegrams that are only converted, and the layout of spec files.

use insta::assert_snapshot;

use crate::process::{run, run_with};
use crate::scrub::scrub;

/// As specs/README.md teaches it.
const CMS: &str = r#"institution kftc "금융결제원"

layouts cms "CMS 출금이체" {
  charset  encode euc-kr decode cp949
  unset    9 zero  X space
}

header record 10 {
  kind  X(1)  by asker  public  "레코드구분"
  no    9(9)  by asker  public  "일련번호"
}

telegram cms_debit "출금의뢰" 40 : record {
  bank_code  code(3)  by asker     public   "은행코드"
  account    X(15)    by asker     account  "계좌번호"
  amount     9(10)    by asker     public   "의뢰금액"
  result     X(2)     by answerer  public   "결과"
}
"#;

fn folder() -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("cms.spec"), CMS).expect("writable");
    let place = folder.path().to_str().expect("UTF-8").to_owned();
    (folder, place)
}

#[test]
fn layouts_without_a_conversation_are_checked_shown_made_and_read() {
    let (_folder, place) = folder();
    let checked = run(&["spec", "check", &place]).by_spec(&place);
    assert_eq!((checked.code, checked.err.as_str()), (0, ""), "{}", checked.out);
    assert_snapshot!("layouts_checked", scrub(&checked.out));
    let shown = run(&["spec", "show", "--spec", &place]);
    assert_eq!((shown.code, shown.err.as_str()), (0, ""));
    assert_snapshot!("layouts_shown", shown.out);

    let fields = ["kind=D", "no=7", "bank_code=004", "account=110123456789", "amount=50000"];
    let mut args = vec!["encode", "--spec", &place, "cms_debit"];
    args.extend(fields.iter().flat_map(|field| ["-f", field]));
    let made = run(&args).by_spec(&place);
    assert_eq!((made.code, made.err.as_str()), (0, ""), "{}", made.out);
    // By the table: 1 and 9 bytes of the record, then 3, 15, 10 and 2.
    let wire = b"D000000007004110123456789   0000050000  ";
    let digits: String = wire.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(made.out, format!("{digits}\n"));

    let decode = ["decode", "--raw", "--spec", &place, "--telegram", "cms_debit", "--side", "asker"];
    let read = run_with(&[&decode[..], &["--unmasked"]].concat(), wire).by_spec(&place);
    assert_eq!((read.code, read.err.as_str()), (0, ""));
    assert_eq!(read.out, "kind=D\nno=7\nbank_code=004\naccount=110123456789\namount=50000\n");
    let masked = run_with(&[&decode[..], &["--bytes"]].concat(), wire).by_spec(&place);
    assert_snapshot!("layouts_read", masked.out);
    assert!(!masked.out.contains("110123456789"));

    // The result of an answer would be no value of a request.
    let unsaid = run_with(decode.split_last_chunk::<2>().expect("a side").0, wire).by_spec(&place);
    assert_eq!((unsaid.code, unsaid.out.as_str()), (2, ""));
    let sentence =
        "cms does not tell who filled cms_debit; say --side asker of a request, --side answerer of an answer";
    assert!(unsaid.err.contains(sentence), "{}", unsaid.err);
    let unsaid = run_with(&["decode", "--raw", "--spec", &place], wire).by_spec(&place);
    assert_eq!((unsaid.code, unsaid.out.as_str()), (2, ""));
    assert_snapshot!("layouts_do_not_tell_telegrams_apart", unsaid.err);
    args.push("--prefix");
    let prefixed = run(&args).by_spec(&place);
    assert_eq!((prefixed.code, prefixed.out.as_str()), (2, ""));
    assert!(prefixed.err.contains("cms has no length prefix"), "{}", prefixed.err);
}

/// The digits of a sample, and the folder of its spec.
fn moving(institution: &str, name: &str) -> (String, String) {
    let folder = crate::sample::root().join("specs").join(institution);
    let text = std::fs::read_to_string(folder.join("samples").join(format!("{name}.toml"))).expect("a sample");
    let digits = text.lines().filter_map(|line| line.strip_prefix("  \"")?.split('"').next()).collect();
    (digits, folder.to_str().expect("UTF-8").to_owned())
}

#[test]
fn what_moves_is_read_and_made_again_by_its_paths() {
    for (institution, telegram, name) in
        [("kcb", "report", "report"), ("kcb", "report", "report_none"), ("nicecb", "score_answer", "score_answer")]
    {
        let (digits, place) = moving(institution, name);
        let decode = ["decode", "--unmasked", "--spec", &place, "--telegram", telegram, "--side", "answerer"];
        let read = run_with(&decode, digits.as_bytes()).by_spec(&place);
        assert_eq!((read.code, read.err.as_str()), (0, ""), "{name}");
        let mut encode = vec!["encode", "--spec", &place, telegram, "--side", "answerer"];
        encode.extend(read.out.lines().flat_map(|line| ["-f", line]));
        let made = run(&encode).by_spec(&place);
        assert_eq!((made.code, made.err.as_str(), made.out.trim_end()), (0, "", digits.as_str()), "{name}");
    }
    let (digits, place) = moving("nicecb", "score_answer");
    let decode = ["decode", "--spec", &place, "--telegram", "score_answer", "--side", "answerer"];
    // It says that there are three scores, at byte 144, and one is there.
    let three = format!("{}3033{}", &digits[..288], &digits[292..]);
    let read = run_with(&decode, three.as_bytes()).by_spec(&place);
    assert_eq!(read.code, 1);
    let sentence = "T56 score_count at byte 144 (2 bytes): says 3 times, which needs 294 bytes, and 98 bytes are left";
    assert!(read.err.contains(sentence), "{}", read.err);
    let shown = run(&["spec", "show", "--spec", &place, "score_answer"]);
    assert_snapshot!("what_moves_shown", shown.out);
}

/// Constants and fillers of EBCDIC show as text, and what is shown makes the same bytes again.
#[test]
fn a_record_of_a_host_is_shown_in_letters() {
    let (folder, place) = folder();
    let spec = "layouts host \"호스트\" {\n  charset ebcdic-933\n  unset 9 zero X space\n}\n\
                telegram customer \"고객\" 16 {\n  kind X(2) const \"C1\" public\n  gap filler(2) public\n  \
                name X(10) by both name\n  mark filler(2) public\n}\n";
    let file = folder.path().join("host.spec");
    std::fs::write(file, format!("institution host \"호스트\"\n{spec}")).expect("writable");
    std::fs::remove_file(folder.path().join("cms.spec")).expect("there");
    let shown = run(&["spec", "show", "--spec", &place]);
    assert!(shown.out.contains("const \"C1\""), "{}", shown.out);
    // `C1`, blanks, `AB` and \u{ae38} between SO and SI, `M1`.
    let wire = "c3f14040c1c20e8ba90f40404040d4f1";
    let read = run_with(&["decode", "--spec", &place, "--telegram", "customer", "--unmasked"], wire.as_bytes());
    let read = read.by_spec(&place);
    assert_eq!((read.code, read.out.as_str(), read.err.as_str()), (0, "kind=C1\nname=AB길\nmark=M1\n", ""));
    let mut encode = vec!["encode", "--spec", &place, "customer"];
    encode.extend(read.out.lines().flat_map(|line| ["-f", line]));
    assert_eq!(run(&encode).by_spec(&place).out, format!("{wire}\n"));
}

/// The type that `encode` writes by itself is in the charset of its field.
#[test]
fn a_request_to_a_host_gets_its_type_in_its_charset() {
    let folder = tempfile::tempdir().expect("a directory");
    let place = folder.path().to_str().expect("UTF-8");
    let spec = "institution host \"호스트\"\nprotocol online \"온라인\" {\n  zone +09:00\n  day changes 00:00\n  charset ebcdic-037\n  \
                frame length ascii(4) exclusive max 99\n  unset 9 zero X space\n  stamp day at queue\n  number no per day 1..9999 warn 9000\n  \
                key day no\n  trace day no\n  select by kind {\n    balance \"Q1\"|\"R1\"\n  }\n  verdict code from codes.csv\n}\n\
                header h 18 {\n  kind X(2) public\n  day date(YYYYMMDD) by asker echo public\n  no 9(4) by asker echo public\n  \
                code X(4) by answerer public\n}\ntelegram balance \"잔액\" 18 : h {\n}\nexchange balance \"잔액\" {\n  \
                request \"Q1\" answer \"R1\" effect none timeout 30s unknown leave\n}\n";
    std::fs::write(folder.path().join("host.spec"), spec).expect("writable");
    std::fs::write(folder.path().join("codes.csv"), "code,class,text\n0000,success,done\n").expect("writable");
    let request = ["encode", "--spec", place, "balance", "-f", "day=20261122", "-f", "no=7"];
    let made = run(&request).by_spec(place);
    assert_eq!((made.code, made.err.as_str()), (0, ""));
    assert_eq!(made.out, "d8f1f2f0f2f6f1f1f2f2f0f0f0f740404040\n", "`Q1` and the digits");
    let read = run_with(&["decode", "--spec", place], made.out.as_bytes()).by_spec(place);
    assert_eq!((read.code, read.out.as_str()), (0, "kind=Q1\nday=20261122\nno=7\n"), "{}", read.err);
}

#[test]
fn fmt_aligns_a_file_once_and_touches_none_with_mistakes() {
    let (folder, place) = folder();
    let file = folder.path().join("cms.spec");
    let name = file.to_str().expect("UTF-8");
    let ragged = CMS.replace("  kind  X(1)  by asker  public", "  kind X(1) by asker    public");
    std::fs::write(&file, &ragged).expect("writable");

    let check = run(&["spec", "fmt", "--check", &place]);
    assert_eq!((check.code, check.out), (1, format!("would change {name}\n")), "{}", check.err);
    assert_eq!(std::fs::read_to_string(&file).expect("readable"), ragged, "--check changes nothing");
    let json = run(&["spec", "fmt", "--check", "--json", name]);
    let value: serde_json::Value = serde_json::from_str(&json.out).expect("JSON");
    assert_eq!(value, serde_json::json!([{ "file": name, "changed": true, "mistakes": 0 }]));

    let changed = run(&["spec", "fmt", &place]);
    assert_eq!((changed.code, changed.out), (0, format!("changed {name}\n")), "{}", changed.err);
    assert_eq!(std::fs::read_to_string(&file).expect("readable"), CMS);
    let again = run(&["spec", "fmt", &place]);
    assert_eq!((again.code, again.out.as_str(), again.err.as_str()), (0, "", ""));

    let broken = CMS.replace("unset    9 zero  X space", "unset    9 zebra");
    std::fs::write(&file, &broken).expect("writable");
    let refused = run(&["spec", "fmt", name]);
    assert_eq!((refused.code, refused.out.as_str()), (1, ""));
    assert!(refused.err.ends_with(&format!("{name} has 1 mistake and is not touched\n")), "{}", refused.err);
    assert_eq!(std::fs::read_to_string(&file).expect("readable"), broken);
    assert_eq!(run(&["spec", "fmt", "nothing-here.spec"]).code, 2);
}

/// The record that the bureau sends from a date on is longer.
#[test]
fn a_moment_says_which_version_converts() {
    let (folder, place) = folder();
    let later = CMS
        .split_once("telegram cms_debit")
        .expect("a telegram")
        .1
        .replace("40 : record", "45 : record effective 2027-01-01 00:00");
    let later = later.replace("9(10)", "9(15)");
    let text = format!("{CMS}\ntelegram cms_debit{later}");
    std::fs::write(folder.path().join("cms.spec"), text).expect("writable");
    let made = |at: &[&str]| {
        let fields = ["kind=D", "no=7", "bank_code=004", "account=110123456789", "amount=50000"];
        let mut args = vec!["encode", "--raw", "--spec", &place, "cms_debit"];
        args.extend(fields.iter().flat_map(|field| ["-f", field]));
        args.extend(at);
        run(&args).by_spec(&place)
    };
    let before = made(&["--at", "2026-12-31 23:59"]);
    assert_eq!((before.code, before.out.as_str()), (0, "D000000007004110123456789   0000050000  "));
    let after = made(&["--at", "2027-01-01 00:00"]);
    assert_eq!((after.code, after.out.as_str()), (0, "D000000007004110123456789   000000000050000  "));

    let decode = ["decode", "--raw", "--spec", &place, "--telegram", "cms_debit", "--side", "asker", "--unmasked"];
    let read = run_with(&[&decode[..], &["--at", "2027-01-01 00:00"]].concat(), after.out.as_bytes()).by_spec(&place);
    assert_eq!(read.out, "kind=D\nno=7\nbank_code=004\naccount=110123456789\namount=50000\n");
    let shown = run(&["spec", "show", "--spec", &place, "--at", "2027-01-01 00:00"]);
    assert!(shown.out.contains(" 28   15  9(15) ") && !shown.out.contains(" 9(10) "), "{}", shown.out);
    let unsaid = run(&["spec", "show", "--spec", &place]);
    assert_eq!(
        (unsaid.code, unsaid.err.trim_end()),
        (2, "pabal: cms changes on 2027-01-01 00:00; say the moment, such as --at \"2027-01-01 00:00\"")
    );
    // The moment that is proposed is none before the change, whatever its seconds.
    let file = folder.path().join("cms.spec");
    let text =
        std::fs::read_to_string(&file).expect("written above").replace("2027-01-01 00:00", "2027-01-01 01:18:12");
    std::fs::write(&file, text).expect("writable");
    let unsaid = run(&["spec", "show", "--spec", &place]);
    assert!(unsaid.err.trim_end().ends_with("--at \"2027-01-01 01:18:12\""), "{}", unsaid.err);
    let shown = run(&["spec", "show", "--spec", &place, "--at", "2027-01-01 01:18:12"]);
    assert!(shown.out.contains(" 28   15  9(15) "), "{}", shown.out);
    let before = run(&["spec", "show", "--spec", &place, "--at", "2027-01-01 01:18:11"]);
    assert!(before.out.contains(" 9(10) ") && !before.out.contains(" 9(15) "), "{}", before.out);
}
