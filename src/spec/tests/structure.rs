//! Groups, repeats and choices: from the lines of a spec to the bytes of a telegram and back.

use pabal_spec::{Diagnostic, Institution, Severity, Source, load};
use pabal_telegram::{Layout, Side, Slice, Telegram, Value, encode};

const BEGIN: &str =
    "institution bureau\n\nlayouts report {\n  charset encode euc-kr decode cp949\n  unset 9 zero X space\n}\n\n";

fn sources(telegrams: &str) -> [Source; 1] {
    [Source { name: "report.spec".into(), text: format!("{BEGIN}{telegrams}") }]
}

fn made(telegrams: &str) -> Institution {
    load(&sources(telegrams)).unwrap_or_else(|found| panic!("{found:#?}")).institution
}

fn only(institution: &Institution) -> &Layout {
    let layouts = &institution.layouts[0].catalog.layouts;
    assert_eq!(layouts.len(), 1);
    &layouts[0]
}

/// What is told, with what it is told of.
fn told(telegrams: &str) -> Vec<(&'static str, String, Diagnostic)> {
    let sources = sources(telegrams);
    let found = load(&sources).err().unwrap_or_default();
    let errors = found.into_iter().filter(|told| told.severity == Severity::Error);
    errors
        .map(|told| {
            let span = told.at.span;
            (told.code, sources[0].text[span.start as usize..span.end as usize].to_owned(), told)
        })
        .collect()
}

/// One mistake, told once, of this code, at this text, with this in its help.
fn mistake(telegrams: &str, code: &str, at: &str, help: &str) {
    let found = told(telegrams);
    let [(found_code, found_at, told)] = found.as_slice() else { panic!("{found:#?}") };
    assert_eq!((*found_code, found_at.as_str()), (code, at), "{told:#?}");
    assert!(told.help.as_deref().unwrap_or_default().contains(help), "{told:#?}");
}

const APPLY: &str = r#"
telegram apply "신청" 55 {
  kind X(1) by asker public
  group applicant length 14 {
    kind X(4) by asker public
    name X(10) by asker name
  }
  repeat phones 3 length 12 {
    kind X(2) by asker? public
    repeat part 2 { no 9(5) by asker? public }
  }
  mark X(4) const "LAST" public
}
"#;

#[test]
fn groups_and_fixed_repeats_are_fields_at_fixed_places() {
    let institution = made(APPLY);
    let layout = only(&institution);
    let found: Vec<(&str, u32, u32)> =
        layout.fields().iter().map(|field| (&*field.path, field.at.offset, field.at.len)).collect();
    let expected = [
        ("kind", 0, 1),
        ("applicant.kind", 1, 4),
        ("applicant.name", 5, 10),
        ("phones[0].kind", 15, 2),
        ("phones[0].part[0].no", 17, 5),
        ("phones[0].part[1].no", 22, 5),
        ("phones[1].kind", 27, 2),
        ("phones[1].part[0].no", 29, 5),
        ("phones[1].part[1].no", 34, 5),
        ("phones[2].kind", 39, 2),
        ("phones[2].part[0].no", 41, 5),
        ("phones[2].part[1].no", 46, 5),
        ("mark", 51, 4),
    ];
    assert_eq!(found, expected);
    assert_eq!(layout.find("phones[1].kind").unwrap().1.at, Slice { offset: 27, len: 2 });
    let values = [("kind", "A"), ("applicant.kind", "SELF"), ("applicant.name", "홍길동"), ("phones[1].kind", "HP")];
    let mut values: Vec<(String, Value)> = values.map(|(path, text)| (path.into(), text.into())).into();
    values.push(("phones[1].part[1].no".into(), 5678.into()));
    let bytes = encode(layout, Side::Asker, &values).unwrap();
    let expected = b"ASELF\xC8\xAB\xB1\xE6\xB5\xBF      0000000000HP0000005678  0000000000LAST";
    assert_eq!(bytes, expected);
    let read = Telegram::new(layout, &bytes, Side::Asker);
    assert_eq!(read.faults(), []);
    assert_eq!(read.named("phones[1].part[1].no").unwrap().to_string(), "5678");
    assert!(read.named("phones[2].kind").unwrap().is_null());
}

#[test]
fn a_fault_in_a_repeat_names_which_one() {
    let institution = made(APPLY);
    let mut bytes = *b"ASELFKIM         0000000000HP0000x05678  0000000000LAST";
    bytes[50] = b'?';
    let faults = Telegram::new(only(&institution), &bytes, Side::Asker).faults();
    let found: Vec<_> = faults.iter().map(|fault| (&*fault.field, fault.offset, fault.code())).collect();
    assert_eq!(found, [("phones[1].part[0].no", 29, "T02"), ("phones[2].part[1].no", 46, "T02")]);
}

#[test]
fn lengths_of_blocks_are_checked_once() {
    mistake(&APPLY.replace("length 14", "length 15"), "S030", "15", "1 byte missing");
    mistake(&APPLY.replace("length 12", "length 10"), "S030", "10", "2 bytes too many");
    mistake(&APPLY.replace("55 {", "43 {"), "S030", "43", "12 bytes too many");
}

#[test]
fn what_is_wrong_in_a_repeat_is_told_once() {
    mistake(&APPLY.replace("kind X(2) by asker? public", "kind X(2) by asker?"), "S031", "kind", "who may see it");
    mistake(&APPLY.replace("X(4) const \"LAST\"", "X(4) const \"LASTING\""), "S033", "\"LASTING\"", "at bytes 51..55");
}

#[test]
fn a_name_is_used_once_in_a_block() {
    mistake(&APPLY.replace("name X(10)", "kind X(10)"), "S020", "kind", "rename");
    mistake(&APPLY.replace("mark X(4)", "phones X(4)"), "S020", "phones", "rename");
}

#[test]
fn too_many_fields_are_told_and_not_made() {
    let many = APPLY.replace("repeat part 2", "repeat part 70000").replace("55 {", "1 {");
    mistake(&many, "S015", "70000", "one longer field");
}

#[test]
fn blocks_have_their_words() {
    mistake(&APPLY.replace("group applicant", "grup applicant"), "S003", "grup", "did you mean `group`?");
    mistake(&APPLY.replace("repeat phones 3 length", "repeat phones 3 lenght"), "S004", "lenght", "");
}

/// What a score bureau reports: scores that are counted, with debts that each counts; who it is about, told by a key; a mark that is
/// there or not; and segments led by their own id until the end.
const REPORT: &str = r#"
telegram report "보고서" 10..108 {
  kind X(1) by asker public
  score_count 9(2) by asker public
  bureau X(2) by asker public
  repeat scores score_count times max 3 {
    grade X(2) by asker public
    debt_count 9(1) by asker public
    repeat debts debt_count times max 2 length 4 { amount 9(4) by asker public }
  }
  who X(2) by asker public
  choice by who {
    "01"|"03" person length 4 { name X(4) by asker name }
    "02" company { no 9(3) by asker public
                   seat X(2) by asker public }
    else rest { note X(3) by asker public }
  }
  when kind "A"|"B" { mark X(3) by asker public }
  repeat segments until end max 4 {
    id X(3) by asker public
    choice by id {
      "018" grade length 6 { points 9(4) by asker public
                             class X(2) by asker public }
      "020" reason { code X(12) by asker public }
    }
  }
}
"#;

#[test]
fn what_moves_is_read_and_written_as_the_spec_says() {
    let institution = made(REPORT);
    let layout = only(&institution);
    // 5 + 2 + 3 at least; 5 + 3 * (3 + 2 * 4) + 2 + 5 + 3 + 4 * (3 + 12) at most.
    assert_eq!((layout.len(), layout.len_max(), layout.is_fixed()), (10, 108, false));
    let bytes = [
        &b"A02NB"[..],
        b"G12",
        b"0011",
        b"0022",
        b"G20",
        b"01",
        b"KIM ",
        b"END",
        b"018",
        b"0912",
        b"02",
        b"020",
        b"R00000000001",
    ];
    let bytes = bytes.concat();
    let read = Telegram::new(layout, &bytes, Side::Asker);
    assert_eq!(read.faults(), []);
    let values: Vec<(String, Value)> =
        read.cells().map(|(cell, value)| (cell.path().to_string(), value.unwrap().to_value())).collect();
    let shown: Vec<&str> = values.iter().map(|(path, _)| path.as_str()).collect();
    let expected = [
        "kind",
        "score_count",
        "bureau",
        "scores[0].grade",
        "scores[0].debt_count",
        "scores[0].debts[0].amount",
        "scores[0].debts[1].amount",
        "scores[1].grade",
        "scores[1].debt_count",
        "who",
        "person.name",
        "mark",
        "segments[0].id",
        "segments[0].grade.points",
        "segments[0].grade.class",
        "segments[1].id",
        "segments[1].reason.code",
    ];
    assert_eq!(shown, expected);
    assert_eq!(read.named("segments[0].grade.points").unwrap().to_string(), "912");
    assert_eq!(encode(layout, Side::Asker, &values).unwrap(), bytes);
    assert!(Telegram::new(layout, b"Z00NB02007SE", Side::Asker).faults().is_empty());
}

#[test]
fn totals_are_checked_at_both_ends() {
    mistake(&REPORT.replace("10..108", "11..108"), "S030", "11..108", "at least 1 byte missing");
    mistake(&REPORT.replace("10..108", "10..107"), "S030", "10..107", "at most 1 byte too many");
    mistake(&REPORT.replace("10..108", "10"), "S030", "10", "or say 10..108");
    mistake(&REPORT.replace("max 2 length 4", "max 2 length 5"), "S030", "5", "1 byte missing");
    mistake(&REPORT.replace("person length 4", "person length 3"), "S030", "3", "1 byte too many");
    mistake(&REPORT.replace("max 3 {", "max 3 length 11 {"), "S030", "11", "always of one length");
    mistake(&REPORT.replace("10..108", "108..10"), "S007", "108..10", "the least and the most");
}

#[test]
fn counts_and_keys_stand_before_what_they_decide() {
    let behind = REPORT
        .replace("  score_count 9(2) by asker public\n", "")
        .replace("  who X(2) by asker public\n", "  score_count 9(2) by asker public\n  who X(2) by asker public\n");
    mistake(&behind, "S131", "score_count", "must come first");
    mistake(&REPORT.replace("repeat debts debt_count", "repeat debts dept_count"), "S021", "dept_count", "debt_count");
    mistake(
        &REPORT.replace("repeat debts debt_count", "repeat debts score_count"),
        "S133",
        "score_count",
        "a count of its own",
    );
    mistake(&REPORT.replace("choice by who", "choice by debt_count"), "S131", "debt_count", "first");
    mistake(&REPORT.replace("when kind \"A\"|\"B\"", "when person.name \"A\""), "S131", "person.name", "in a branch");
    mistake(&REPORT.replace("scores score_count", "scores bureau"), "S133", "bureau", "whole number");
    mistake(
        &REPORT.replace("debt_count times max 2", "debt_count times max 10"),
        "S132",
        "10",
        "the most that the field can count",
    );
}

#[test]
fn a_key_chooses_one_branch() {
    mistake(&REPORT.replace("\"02\" company", "\"03\" company"), "S136", "\"03\"", "remove one");
    mistake(&REPORT.replace("\"02\" company", "\"002\" company"), "S033", "\"002\"", "X(2)");
    let first = REPORT.replace("    else rest { note X(3) by asker public }\n", "");
    let first =
        first.replace("  choice by who {\n", "  choice by who {\n    else rest { note X(3) by asker public }\n");
    mistake(&first, "S136", "else", "the last branch");
    mistake(&REPORT.replace("\"020\" reason {", "\"020\" grade {"), "S020", "grade", "rename");
    let none = "telegram t 1 { id X(1) by asker public\n choice by id { }\n}";
    mistake(none, "S013", "id", "a branch is a block");
}

#[test]
fn what_goes_on_until_the_end_is_last_and_not_nothing() {
    let more = REPORT.trim_end().trim_end_matches('}').to_owned();
    mistake(&format!("{more}  last X(1) by asker public\n}}\n"), "S134", "last", "move it before");
    let inside = REPORT.replace("repeat debts debt_count times max 2", "repeat debts until end max 2");
    mistake(&inside, "S134", "until end max 2", "only the outer one");
    let nothing = "telegram t 2 { f X(1) by asker public\n repeat r until end max 9 { when f \"1\" { a X(1) by asker public } } }";
    mistake(nothing, "S135", "r", "must always be there");
    let padded = REPORT.replace("score_count times max 3 {", "score_count times max 3 padded {");
    mistake(&padded, "S135", "scores", "remove `padded`");
    let many = REPORT.replace("until end max 4", "until end max 70000");
    mistake(&many, "S015", "70000", "fits in a frame");
}

#[test]
fn a_header_has_nothing_that_moves() {
    let header = "header h 3 { n 9(2) by asker public\n repeat r n times max 9 { a X(1) by asker public } }\n";
    mistake(&format!("{header}telegram t 3 : h {{ }}\n"), "S130", "repeat", "describe it in the telegrams");
}

#[test]
fn padding_is_part_of_the_total() {
    let text = r#"
telegram t 14 {
  n 9(1) by asker public
  repeat items n times max 3 padded length 4 { name X(2) by asker public
                                               no 9(2) by asker public }
  mark X(1) const "!" public
}
"#;
    let institution = made(text);
    let layout = only(&institution);
    assert_eq!((layout.len(), layout.len_max(), layout.is_fixed()), (14, 14, false));
    let given: Vec<(String, Value)> = vec![("items[0].name".into(), "ab".into()), ("items[0].no".into(), 7.into())];
    assert_eq!(encode(layout, Side::Asker, &given).unwrap(), b"1ab07  00  00!");
    mistake(&text.replace("t 14", "t 2..14"), "S030", "2..14", "at least 12 bytes too many");
}

#[test]
fn a_text_that_moves_is_written_wide_if_a_field_at_the_beginning_says_so() {
    let text = r#"
telegram t 3..15 {
  bank X(2) by asker public
  n 9(1) by asker public
  repeat items n times max 2 { name X(6) by asker name wide when bank in full_width }
}
"#;
    let sources = [Source { name: "report.spec".into(), text: format!("{BEGIN}set full_width \"W1\"\n{text}") }];
    let made = load(&sources).unwrap_or_else(|found| panic!("{found:#?}")).institution;
    let given = |bank: &str| -> Vec<(String, Value)> {
        vec![("bank".into(), bank.into()), ("items[0].name".into(), "A-1".into()), ("items[1].name".into(), "B".into())]
    };
    let wide = b"W12\xA3\xC1\xA3\xAD\xA3\xB1\xA3\xC2    ";
    assert_eq!(encode(only(&made), Side::Asker, &given("W1")).unwrap(), wide);
    assert_eq!(encode(only(&made), Side::Asker, &given("N1")).unwrap(), b"N12A-1   B     ");
}

const MEMO: &str = r#"
telegram t 26..59 {
  bitmap X(4) by asker public
  memo_len 9(2) by asker public
  memo X(length of memo_len max 30) by asker? public
  address X(2*10) by asker public
  when bitmap has 11 { extra X(3) by asker public }
}
"#;

#[test]
fn lines_lengths_and_bitmaps_are_said_in_one_line() {
    let institution = made(MEMO);
    let layout = only(&institution);
    // 4 + 2 + 2 * 10 at least; 30 + 3 more at most.
    assert_eq!((layout.len(), layout.len_max()), (26, 59));
    let given = [("bitmap", "0020"), ("memo", "적요 "), ("address", "서울\n1가"), ("extra", "EXT")];
    let given = given.map(|(path, text)| (path.to_owned(), Value::from(text)));
    let bytes = encode(layout, Side::Asker, &given).unwrap();
    assert_eq!(bytes, b"002005\xC0\xFB\xBF\xE4 \xBC\xAD\xBF\xEF      1\xB0\xA1       EXT");
    let read = Telegram::new(layout, &bytes, Side::Asker);
    assert_eq!(read.faults(), []);
    for (path, value) in &given {
        assert_eq!(read.named(path).unwrap().to_value(), *value, "{path}");
    }
    assert_eq!(read.named("memo_len").unwrap().to_string(), "5");
}

#[test]
fn a_bitmap_is_written_from_what_is_given() {
    let institution = made(
        r#"
telegram iso 20..36 {
  bitmap X(16) = "2000000000000000" public
  kind X(4) const "0200" public
  when bitmap has 4 { amount 9(12) by asker public }
  when bitmap has 64 { mac X(4) by asker public }
}
"#,
    );
    let made = |values: &[(&str, &str)]| {
        let values: Vec<_> = values.iter().map(|(path, value)| ((*path).into(), (*value).into())).collect();
        let made = encode(only(&institution), Side::Asker, &values).unwrap_or_else(|faults| panic!("{faults:?}"));
        String::from_utf8(made).expect("ASCII")
    };
    // Bit 3 is the default's; bit 4 stands beside it in the first digit, and bit 64 is the last of all.
    assert_eq!(made(&[]), "20000000000000000200");
    assert_eq!(made(&[("amount", "5")]), "30000000000000000200000000000005");
    assert_eq!(made(&[("amount", "5"), ("mac", "abcd")]), "30000000000000010200000000000005abcd");
    assert_eq!(made(&[("bitmap", "1000000000000000"), ("amount", "5")]), "10000000000000000200000000000005");
}

const LED: &str = r#"
telegram iso 24..63 {
  kind X(4) const "0200" public
  account X(12) led by "12" by asker account
  bank code(3) led by "003" by asker public
  track2 X(..37) led by LL by asker? secret
  mark X(1) const "!" public
}
"#;

/// Values by their paths, written by the asker.
fn written(institution: &Institution, values: &[(&str, &str)]) -> String {
    let values: Vec<_> = values.iter().map(|(path, value)| ((*path).into(), (*value).into())).collect();
    match encode(only(institution), Side::Asker, &values) {
        Ok(bytes) => String::from_utf8(bytes).expect("ASCII"),
        Err(faults) => {
            faults.iter().map(|fault| format!("{} {}", fault.code(), fault.field)).collect::<Vec<_>>().join("; ")
        }
    }
}

#[test]
fn a_length_stands_before_what_it_leads() {
    let institution = made(&LED.replace("24..63", "27..64"));
    let values = [("account", "110123"), ("bank", "004")];
    assert_eq!(written(&institution, &values), "020012110123      00300400!");
    let track = [&values[..], &[("track2", "4000=2512")]].concat();
    let text = written(&institution, &track);
    assert_eq!(text, "020012110123      003004094000=2512!");
    // What leads is written by itself; who gives it gives the same.
    assert_eq!(written(&institution, &[&track[..], &[("track2.length", "9")]].concat()), text);
    assert_eq!(written(&institution, &[&track[..], &[("track2.length", "8")]].concat()), "T61 track2.length");
    assert_eq!(written(&institution, &[&values[..], &[("account.length", "13")]].concat()), "T12 account.length");
    let telegram = Telegram::new(only(&institution), text.as_bytes(), Side::Asker);
    assert!(telegram.faults().is_empty(), "{:?}", telegram.faults());
    assert_eq!(telegram.named("account").expect("a value").text(), Some("110123"));
    assert_eq!(telegram.named("track2").expect("a value").text(), Some("4000=2512"));
    // Another length than the constant, and one that is more than there is room for.
    let faults = |text: &str| -> Vec<String> {
        let telegram = Telegram::new(only(&institution), text.as_bytes(), Side::Asker);
        telegram.faults().iter().map(|fault| format!("{} {} {}", fault.code(), fault.field, fault.offset)).collect()
    };
    assert_eq!(faults(&text.replace("020012", "020013")), ["T12 account.length 4"]);
    assert_eq!(faults(&text.replace("00409", "00438")), ["T63 track2.length 24"]);
    let outline: Vec<String> = pabal_spec::outline(only(&institution)).into_iter().map(|part| part.text).collect();
    assert_eq!(outline, ["led by LL", "then"]);
}

#[test]
fn what_leads_is_the_length_of_what_follows() {
    let led = LED.replace("24..63", "27..64");
    let told = |from: &str, to: &str, at: &str, help: &str| {
        assert_eq!(led.matches(from).count(), 1, "{from}");
        mistake(&led.replace(from, to), "S162", at, help);
    };
    told("led by \"12\"", "led by \"13\"", "led by \"13\"", "`led by \"12\"`");
    told("led by \"12\"", "led by \"AB\"", "led by \"AB\"", "`led by \"12\"`");
    told("led by \"003\"", "led by LLL", "led by LLL", "only text has a length of its own");
    told("X(12) led by \"12\"", "X(12) led by LL", "led by LL", "say `X(..12)`");
    told("X(..37) led by LL", "X(..37)", "X(..37)", "`led by LL`");
    told("X(..37) led by LL", "X(..370) led by LL", "led by LL", "`led by LLL`");
    told("X(..37) led by LL", "X(..37) led by \"37\"", "led by \"37\"", "say `X(37) led by \"37\"`");
    mistake(&led.replace("led by LL", "led by LLLL"), "S003", "LLLL", "LL");
    mistake(&led.replace("LL by asker? secret", "LL by asker? secret pad \"0\""), "S035", "pad", "without padding");
    mistake(&led.replace("27..64", "27..63"), "S030", "27..63", "say 27..64");
}

#[test]
fn what_moves_keeps_the_words_of_the_document() {
    let institution = made(
        r#"
telegram report 2..20 {
  count 9(1) by both public
  kind X(1) by both public
  repeat scores count times max 2 "평점" { points X(3) by both public }
  choice by kind { "1" person "개인" { name X(4) by both name }
    else rest { other X(2) by both public } }
  when kind "1" "동의" { consent X(8) by both public }
}
"#
        .replace("2..20", "4..20")
        .as_str(),
    );
    let outline = pabal_spec::outline(only(&institution));
    let shown: Vec<(&str, &str)> = outline.iter().map(|part| (&*part.text, &*part.label)).collect();
    assert_eq!(
        shown,
        [
            ("repeat scores count times max 2", "평점"),
            ("choice by kind \"1\"", "개인"),
            ("choice by kind else", ""),
            ("when kind \"1\"", "동의")
        ]
    );
}

#[test]
fn zones_of_ascii_are_none_of_ebcdic() {
    let of = |form: &str| format!("telegram host 5 {{\n  amount S9(5) {form} by both public charset ebcdic-933\n}}\n");
    made(&of("overpunch trailing"));
    for form in ["overpunch trailing ascii", "overpunch leading ascii"] {
        mistake(&of(form), "S114", &format!("S9(5) {form}"), "without `ascii` the signs are those of EBCDIC");
    }
}

#[test]
fn a_length_can_be_said_and_a_bit_is_there() {
    mistake(
        &MEMO.replace("max 30", "max 100"),
        "S132",
        "X(length of memo_len max 100)",
        "the most that the field can count",
    );
    mistake(&MEMO.replace("length of memo_len", "length of bitmap"), "S133", "bitmap", "whole number");
    mistake(&MEMO.replace("has 11", "has 17"), "S133", "17", "64 bits");
    mistake(&MEMO.replace("max 30)", "max 30) right"), "S035", "right", "without padding");
    mistake(&MEMO.replace("X(2*10)", "X(2*11)"), "S030", "26..59", "at least 2 bytes too many");
    mistake(&MEMO.replace("length of memo_len max 30", "length of extra max 30"), "S131", "extra", "must come first");
}

/// What is told of a protocol in which something moves, where it is needed at a fixed place or made by the gateway itself.
fn in_protocol(changes: &[(&str, &str)]) -> Vec<(&'static str, String)> {
    let (spec, table) = (include_str!("fixtures/whole.spec"), include_str!("fixtures/codes.csv"));
    let spec = changes.iter().fold(String::from(spec), |spec, (from, to)| {
        assert_eq!(spec.matches(from).count(), 1, "{from:?}");
        spec.replace(from, to)
    });
    let sources =
        [Source { name: "codes.csv".into(), text: table.into() }, Source { name: "whole.spec".into(), text: spec }];
    let found = load(&sources).err().unwrap_or_default();
    let errors = found.iter().filter(|told| told.severity == Severity::Error);
    errors
        .map(|told| (told.code, sources[1].text[told.at.span.start as usize..told.at.span.end as usize].to_owned()))
        .collect()
}

#[test]
fn what_a_protocol_needs_does_not_move() {
    let total = ("telegram transfer \"이체\" 160 : common", "telegram transfer \"이체\" 151..160 : common");
    let last = "  reserved        filler(9)  public       unset zero  \"예비\"\n";
    let tail = |class: &str| format!("  when phone \"1\" {{ more X(9) by asker {class} }}\n");
    // A request that moves is right, but for a secret in it: the journal takes it out by its place.
    assert_eq!(in_protocol(&[total, (last, &tail("account"))]), []);
    assert_eq!(in_protocol(&[total, (last, &tail("secret"))]), [("S130", "secret".to_owned())]);
    // A notice that moves and is answered by itself.
    let deposit = ("telegram deposit \"입금통지\" 120 : common", "telegram deposit \"입금통지\" 88..120 : common");
    let rest =
        "  real_no     X(13)       by asker  identity  \"실명번호\"\n  reserved    filler(32)  public  \"예비\"\n";
    let moving = "  real_no X(13) by asker identity\n  when real_no \"1\" { more X(32) by asker public }\n";
    let told = in_protocol(&[deposit, (rest, moving)]);
    assert_eq!(told, [("S130", "deposit \"4100\" \"100\"".to_owned())]);
    // An inquiry, whose request the gateway makes.
    let result = ("telegram result \"결과조회\" 120 : common", "telegram result \"결과조회\" 114..120 : common");
    let rest =
        "  closing         9(1)      by none      public   \"마감\"\n  reserved        filler(6) public  \"예비\"\n";
    let moving = "  closing 9(1) by none public\n  when closing \"1\" { more X(6) by answerer public }\n";
    assert_eq!(in_protocol(&[result, (rest, moving)]), [("S061", "transfer".to_owned())]);
    // What an answer is confirmed by.
    let total = ("telegram transfer \"이체\" 160 : common", "telegram transfer \"이체\" 147..160 : common");
    let amount = "  debit_amt       9(13)      by asker     public   \"출금금액\"\n";
    let moved = [(amount, ""), (last, &format!("{last}  when phone \"1\" {{\n{amount}  }}\n") as &str), total];
    let told = in_protocol(&moved);
    assert!(!told.is_empty() && told.iter().all(|(code, at)| *code == "S130" && at == "debit_amt"), "{told:?}");
}

#[test]
fn a_telegram_that_moves_has_any_of_its_lengths() {
    let row = "transfer          \"2000\"|\"2100\"";
    let spec = include_str!("fixtures/whole.spec");
    assert!(spec.contains("select by"), "{row}");
    let institution = {
        let total =
            spec.replace("telegram transfer \"이체\" 160 : common", "telegram transfer \"이체\" 151..160 : common");
        let last = "  reserved        filler(9)  public       unset zero  \"예비\"\n";
        let text = total.replace(last, "  when phone \"1\" { more X(9) by asker public }\n");
        let text = text.replace("length 160", "");
        let sources = [
            Source { name: "codes.csv".into(), text: include_str!("fixtures/codes.csv").into() },
            Source { name: "whole.spec".into(), text },
        ];
        load(&sources).unwrap_or_else(|found| panic!("{found:#?}")).institution
    };
    let catalog = &institution.protocols[0].catalog;
    let (id, _) = catalog.find("transfer").unwrap();
    let row = catalog.select.rows.iter().find(|row| row.telegram == id).expect("its row");
    assert_eq!(row.length, 151..=160);
    let mut frame = [b' '; 160];
    for (at, any_of) in &row.bytes {
        frame[at.range()].copy_from_slice(&any_of[0]);
    }
    for len in [151, 155, 160] {
        assert_eq!(catalog.select(&frame[..len]), Ok(id), "{len}");
    }
    assert!(catalog.select(&frame[..150]).is_err());
}

#[test]
fn a_header_may_have_groups_and_a_key_of_their_fields() {
    let spec = include_str!("fixtures/whole.spec");
    let header = spec.split("header common 60 {").nth(1).and_then(|rest| rest.split("\n}").next()).expect("the header");
    let line =
        header.lines().find(|line| line.trim_start().starts_with("send_time")).expect("a field of key and trace");
    let grouped = spec.replace(line, &format!("  group sent {{\n  {line}\n  }}"));
    // Every clause names it by its path; the field itself has its own name.
    let clauses = ["stamp        send_date send_time", "trace        send_date bank_code company_no send_time"];
    let named = clauses.iter().fold(grouped, |spec, clause| {
        assert_eq!(spec.matches(clause).count(), 1, "{clause}");
        spec.replace(clause, &clause.replace("send_time", "sent.send_time"))
    });
    let sources = [
        Source { name: "codes.csv".into(), text: include_str!("fixtures/codes.csv").into() },
        Source { name: "whole.spec".into(), text: named },
    ];
    let loaded = load(&sources).unwrap_or_else(|found| panic!("{found:#?}"));
    let before = load(&[sources[0].clone(), Source { name: "whole.spec".into(), text: spec.into() }]).unwrap();
    let rules = |loaded: &Institution| {
        let rules = &loaded.protocols[0].rules;
        (rules.trace.clone(), rules.stamps.iter().map(|stamp| stamp.at).collect::<Vec<_>>())
    };
    assert_eq!(rules(&loaded.institution), rules(&before.institution));
}
