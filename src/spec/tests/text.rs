//! Text options of fields, from the spec to the bytes and back.

use pabal_spec::{Row, Source, fmt, load, show};
use pabal_telegram::{Side, Telegram, Value, encode};

const SPEC: &str = r#"institution host "호스트"

layouts files {
  charset  ebcdic-933
  unset    9 zero  X space
  set      banks "004" "088"
}

header record 4 {
  bank_code  code(3)  by asker  public  charset cp949          "은행코드"
  kind       X(1)     by asker  public                         "구분"
}

telegram row "한 줄" 48 : record {
  name     X(10)  by asker   name     lenient half_character runs                  "예금주"
  account  X(10)  by asker   account  right pad "0"                                "계좌번호"
  memo     X(8)   by asker   name     charset cp949 wide when bank_code in banks   "적요"
  title    X(10)  by asker   public   wide                                         "제목"
  old      X(6)   by asker?  public   pad 0x00 charset encode euc-kr decode ms949 lenient nul_as_space  "구"
}
"#;

fn loaded(spec: &str) -> pabal_spec::Loaded {
    let sources = [Source { name: "host.spec".into(), text: spec.into() }];
    load(&sources).unwrap_or_else(|found| panic!("{found:#?}"))
}

fn values(bank: &str) -> Vec<(String, Value)> {
    let values = [
        ("bank_code", bank),
        ("kind", "D"),
        ("name", "가A"),
        ("account", "123"),
        ("memo", "A1"),
        ("title", "AB"),
        ("old", "홍"),
    ];
    values.map(|(path, value)| (path.to_owned(), value.into())).to_vec()
}

#[test]
fn what_a_spec_says_of_text_is_done() {
    let loaded = loaded(SPEC);
    assert_eq!(loaded.warnings, []);
    let layouts = loaded.institution.layouts("files").expect("its layouts");
    let (_, layout) = layouts.catalog.find("row").expect("its telegram");
    let made = encode(layout, Side::Asker, &values("004")).unwrap_or_else(|faults| panic!("{faults:?}"));
    let expected = [
        // A field in a charset of its own: 0 is 30, and D is C4 in EBCDIC.
        &b"004"[..],
        b"\xC4",
        // 가 is 8861 between SO and SI.
        b"\x0E\x88\x61\x0F\xC1\x40\x40\x40\x40\x40",
        b"\xF0\xF0\xF0\xF0\xF0\xF0\xF0\xF1\xF2\xF3",
        // Full-width letters are A3C1 and A3B1 in KS X 1001, and 42 and the letter's byte in EBCDIC.
        b"\xA3\xC1\xA3\xB1    ",
        b"\x0E\x42\xC1\x42\xC2\x0F\x40\x40\x40\x40",
        b"\xC8\xAB\0\0\0\0",
    ];
    assert_eq!(made, expected.concat());
    let read = Telegram::new(layout, &made, Side::Asker);
    let wide = [("memo", "Ａ１"), ("title", "ＡＢ")];
    for (path, value) in values("004") {
        let expected = wide.iter().find(|(wide, _)| *wide == path).map(|(_, text)| Value::from(*text)).unwrap_or(value);
        assert_eq!(read.named(&path).map(Value::from).as_ref(), Ok(&expected), "{path}");
    }
    let made = encode(layout, Side::Asker, &values("003")).unwrap_or_else(|faults| panic!("{faults:?}"));
    assert_eq!(&made[24..32], b"A1      ");
}

#[test]
fn what_a_spec_says_of_text_is_shown() {
    let loaded = loaded(SPEC);
    let layouts = loaded.institution.layouts("files").expect("its layouts");
    let (_, layout) = layouts.catalog.find("row").expect("its telegram");
    let shown: Vec<String> = show(layout).map(|Row { name, more, .. }| format!("{name}: {more}")).collect();
    assert_eq!(
        shown,
        [
            "bank_code: charset cp949",
            "kind: ",
            "name: lenient half_character runs",
            "account: right pad \"0\"",
            "memo: charset cp949 wide when bank_code in \"004\" \"088\"",
            "title: wide",
            "old: pad 0x00 charset encode euc-kr decode ms949 lenient nul_as_space",
        ]
    );
}

#[test]
fn formatting_keeps_what_is_said_of_text() {
    let formatted = fmt(SPEC).unwrap_or_else(|found| panic!("{found:#?}"));
    let words = |text: &str| text.split_whitespace().map(String::from).collect::<Vec<_>>();
    assert_eq!(words(&formatted), words(SPEC));
    let memo = r#"  memo     X(8)   by asker   name     charset cp949 wide when bank_code in banks  "적요""#;
    assert!(formatted.lines().any(|line| line == memo), "{formatted}");
    assert_eq!(fmt(&formatted).as_deref(), Ok(&*formatted));
}
