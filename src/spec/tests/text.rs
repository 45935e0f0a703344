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

/// A line that speaks EBCDIC; what the gateway writes by itself has a charset of its own.
const LINE: &str = r#"institution host "호스트"

protocol card "카드" {
  zone     +09:00
  day      changes 00:00
  charset  ebcdic-933
  frame    length ascii(4) exclusive max 999
  unset    9 zero  X space
  stamp    date at queue
  number   no per date 1..999
  key      date no
  trace    date no
  select by kind {
    sign     length 9  bytes 0..4 "SIGN"|"WELC"  bytes 4..8 "가"
    request  "0200"
    reply    "0210"
  }
  verdict  code from codes.csv
}

header head 19 {
  kind  X(4)                                           public
  date  date(YYYYMMDD)  by asker echo  charset ascii   public
  no    9(3)            by asker echo  charset ascii   public
  code  X(4)            by answerer                    public
}

telegram sign "개시" 9 {
  mark  X(9)  by both  public  "구분"
}

telegram request "승인요청" 29 : head {
  card  X(10)  by asker  public  "카드번호"
}

telegram reply "승인응답" 20 : head {
  done  X(1)  by answerer  public  "처리"
}

exchange approve { request "0200"  answer "0210"  effect none  timeout 5s }
"#;

fn line(spec: &str) -> Result<pabal_spec::Loaded, Vec<pabal_spec::Diagnostic>> {
    let codes = "code,class,text\n0000,success,ok\n";
    load(
        &[("host.spec", spec), ("codes.csv", codes)]
            .map(|(name, text)| Source { name: name.into(), text: text.into() }),
    )
}

#[test]
fn bytes_of_select_are_in_the_charset_of_the_protocol() {
    let loaded = line(LINE).unwrap_or_else(|found| panic!("{found:#?}"));
    let catalog = &loaded.institution.protocols[0].catalog;
    let sign = catalog.find("sign").expect("a telegram").0;
    // SIGN and WELC in EBCDIC; 가 is 8861 between SO and SI, as above.
    for mark in [b"\xE2\xC9\xC7\xD5", b"\xE6\xC5\xD3\xC3"] {
        let frame = [&mark[..], b"\x0E\x88\x61\x0F\x40"].concat();
        assert_eq!(catalog.select(&frame), Ok(sign), "{mark:?}");
    }
    assert!(catalog.select(b"SIGN\x0E\x88\x61\x0F\x40").is_err(), "it is not ASCII that the line speaks");
    // What two rows have in common is shown as that text, too.
    let both = LINE.replace("request  \"0200\"", "request  \"0200\"\n    welcome  length 9  bytes 0..4 \"WELC\"");
    let both =
        both.replace("telegram sign", "telegram welcome \"\" 9 {\n  mark  X(9)  by both  public\n}\n\ntelegram sign");
    let told = line(&both).expect_err("two rows are one");
    let texts: Vec<&str> = told.iter().map(|told| &*told.message).collect();
    assert_eq!(texts, ["A frame can be both `sign` and `welcome`: 9 bytes, with 0..8 \"WELC가\""]);
}
