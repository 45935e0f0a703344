//! Every form of `frame`: what is written is what cuts the stream, and `fmt` keeps it.

use pabal_spec::{Institution, Source, fmt, load};
use pabal_telegram::{Deframer, Framing};

/// Two telegrams of different length, told by the first four bytes of their header.
const SPEC: &str = r#"institution van "밴"

protocol card "카드" {
  zone     +09:00
  day      changes 00:00
  charset  encode euc-kr decode cp949
  frame    FRAME
  unset    9 zero  X space
  stamp    date at queue
  number   no per date 1..999
  key      date no
  trace    date no
  select by kind {
    request  "0200"
    reply    "0210"
  }
  verdict  code from codes.csv
}

header head 28 {
  kind    X(4)                            public
  date    date(YYYYMMDD)  by asker echo   public
  no      9(3)            by asker echo   public
  code    X(4)            by answerer     public
  length  9(5)            by both?        public
  filler  filler(4)                       public
}

telegram request "승인요청" 40 : head {
  card  X(12)  by asker  account  "카드번호"
}

telegram reply "승인응답" 36 : head {
  approval  X(8)  by answerer  public  "승인번호"
}

exchange approve { request "0200"  answer "0210"  effect none  timeout 5s }
"#;

fn loaded(frame: &str) -> Institution {
    let source = |name: &str, text: String| Source { name: name.into(), text };
    let sources = [
        source("van.spec", SPEC.replace("FRAME", frame)),
        source("codes.csv", "code,class,text\n0000,success,ok\n".into()),
    ];
    load(&sources).unwrap_or_else(|found| panic!("{frame}: {found:#?}")).institution
}

fn framing(frame: &str) -> Framing {
    loaded(frame).protocols[0].framing.clone()
}

#[test]
fn each_form_means_what_it_says() {
    for frame in [
        "length ascii(4) exclusive max 999",
        "length ascii(10) exclusive max 4096",
        "length ascii(4) inclusive max 9995",
        "length ascii(4) add 12 max 999",
        "length ascii(5) at 19 whole max 999",
        "length binary(2) big exclusive max 65535",
        "length binary(2) little inclusive max 999",
        "length binary(4) big exclusive max 999",
        "length binary(4) little exclusive max 999",
        "length bcd(2) exclusive max 9999",
        "\"KFT\" length ascii(4) exclusive max 999",
        "length ascii(4) add 3 \"KFT\" max 999",
        "length ascii(4) exclusive \"KFT\" length ascii(4) exclusive max 999",
        "length ascii(4) exclusive length ascii(5) at 19 whole max 999",
        "\"SETTLE01\" length ascii(4) exclusive filler(14) space max 999",
        "0xFF00 filler(2) zero filler(2) nul length ascii(4) exclusive max 999",
        "stx length ascii(4) exclusive telegram etx max 999 on garbage resynchronise",
        "total by type max 999",
    ] {
        assert_eq!(framing(frame).to_string(), frame);
        let spec = SPEC.replace("FRAME", frame);
        let line = format!("  frame    {frame}");
        assert!(fmt(&spec).expect("a spec").lines().any(|kept| kept == line), "{line}");
    }
    assert_eq!(
        framing("length ascii(4) exclusive max 999 on garbage close"),
        framing("length ascii(4) exclusive max 999"),
        "to close is what is done where nothing is said"
    );
}

/// What the frame writes there would be lost, or would be another number than the field says.
#[test]
fn a_length_inside_has_a_field_of_its_own() {
    let found = |frame: &str, field: &str| {
        let spec = SPEC.replace("FRAME", frame).replace("length  9(5)            by both?", field);
        let sources = [
            Source { name: "van.spec".into(), text: spec },
            Source { name: "codes.csv".into(), text: "code,class,text\n0000,success,ok\n".into() },
        ];
        load(&sources).err().unwrap_or_default()
    };
    let told = |frame: &str, field: &str| {
        found(frame, field).into_iter().map(|told| (told.code, told.message)).collect::<Vec<_>>()
    };
    let own = "length  9(5)            by both?";
    let whole = "length ascii(5) at 19 whole max 999";
    assert_eq!(told(whole, own), []);
    for (frame, field) in [
        ("length ascii(4) at 0 from 4 max 999", "kind"),
        ("length ascii(5) at 18 whole max 999", "code"),
        ("length ascii(4) at 19 whole max 999", "length"),
        ("length ascii(6) at 19 whole max 999", "length"),
        ("length bcd(5) at 19 whole max 999", "length"),
    ] {
        let message = format!("The frame writes its length over `{field}` of telegram `request`");
        assert_eq!(told(frame, own), [("S158", message)], "{frame}");
    }
    for (field, frame, is_same) in [
        ("length  9(5)  length of telegram", whole, true),
        ("length  9(5)  length of telegram exclusive", whole, false),
        ("length  9(5)  length of telegram exclusive", "length ascii(5) at 19 from 5 max 999", true),
        ("length  9(5)  length of telegram minus 24", "length ascii(5) at 19 from 24 max 999", true),
        ("length  9(5)  length of telegram", "length ascii(5) at 19 from 24 max 999", false),
        ("length  9(5)  const \"00040\"", whole, false),
    ] {
        let message = "Field `length` of telegram `request` does not hold what the frame writes there";
        let expected: &[_] = if is_same { &[] } else { &[("S158", message.to_owned())] };
        assert_eq!(told(frame, field), expected, "{frame} {field}");
    }
    // A host's digits are none that the frame writes.
    let of_host = found(whole, "length  9(5)  by both?  charset ebcdic-037");
    let help = "the digits that the frame writes are ASCII, and those of the field are EBCDIC: say `charset ascii` on the field";
    assert_eq!(
        of_host.iter().map(|told| (told.code, told.help.as_deref())).collect::<Vec<_>>(),
        [("S158", Some(help))]
    );
}

#[test]
fn telegrams_without_a_length_are_cut_by_their_type() {
    let mut deframer = Deframer::new(framing("total by type max 999"));
    let request = format!("{:<40}", "0200");
    let reply = format!("{:<36}", "0210");
    deframer.push(format!("{reply}{request}{reply}02").as_bytes());
    for telegram in [&reply, &request, &reply] {
        assert_eq!(deframer.next_frame(), Ok(Some(telegram.as_bytes())));
    }
    assert_eq!(deframer.next_frame(), Ok(None));
    assert_eq!(deframer.pending_bytes(), 2);
}

#[test]
fn another_frame_needs_a_reconnect() {
    let old = loaded("length ascii(4) exclusive max 999");
    assert_eq!(old.same_conversation(&loaded("length ascii(4) exclusive max 999 on garbage close")), Ok(()));
    for frame in ["length ascii(4) inclusive max 999", "length ascii(4) exclusive max 998", "total by type max 999"] {
        let told = old.same_conversation(&loaded(frame)).expect_err("streams are cut in another way");
        assert_eq!(&*told, "`frame` of protocol card has changed: streams are cut in another way");
    }
}

#[test]
fn each_form_of_the_language_s_page_is_one() {
    let page = include_str!("../../../specs/README.md");
    let (_, part) = page.split_once("## Frames\n").expect("a part about frames");
    let rows = part
        .lines()
        .skip_while(|line| *line != "|---|---|")
        .skip(1)
        .take_while(|line| !line.starts_with("## "))
        .filter(|line| line.starts_with("| "));
    let forms: Vec<&str> =
        rows.flat_map(|row| row.rsplit('|').nth(1)).flat_map(|cell| cell.split('`').skip(1).step_by(2)).collect();
    assert_eq!(forms.len(), 13, "{forms:?}");
    for form in forms {
        // The telegrams here have other lengths, and theirs at another place.
        let form = form.replace("fixed 300", "length bcd(3) exclusive max 300");
        let form = form.replace("ascii(5) at 12 whole", "ascii(5) at 19 whole");
        let form = form.replace("ascii(4) at 0 from 4", "ascii(5) at 19 from 24");
        assert_eq!(framing(&form).to_string(), form);
    }
}
