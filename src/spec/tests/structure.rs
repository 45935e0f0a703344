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

#[test]
fn what_moves_is_not_guessed() {
    mistake(&APPLY.replace("repeat phones 3", "repeat phones kind times max 9"), "S130", "repeat", "fixed number");
}
