//! Versions of the institution's spec: the one that is shipped, others that a reload may bring, and some that it must refuse.

use std::sync::{Arc, OnceLock};

use pabal_spec::{Institution, Source};

const SHIPPED: &str = include_str!("../../../specs/hecto/firmbanking.spec");
const CODES: &str = include_str!("../../../specs/hecto/codes.csv");

/// What is in a version, and whether a running core takes it.
pub(crate) struct Version {
    pub(crate) institution: Arc<Institution>,
    /// In words, for the trace.
    pub(crate) differs_in: &'static str,
    /// Sessions can stay up with it.
    pub(crate) keeps_sessions: bool,
}

/// Reserved bytes that say something of their telegram in a checked run: how long it is, the digit that belongs to its number, a checksum of
/// the header, one of the body.
const CHECKED: [(&str, &str); 2] = [
    (
        "  van_area3      filler(18)      echo in reply to notice  public  \"예비영역3\"\n",
        "  total          9(4)       public  length of telegram                    \"전문길이\"\n  \
           number_digit   code(1)    public  check luhn of telegram_no             \"번호검증\"\n  \
           header_crc     X(4)       public  crc16 arc of id_code..number_digit    \"헤더검증\"\n  \
           van_area3      filler(9)  echo in reply to notice  public               \"예비영역3\"\n",
    ),
    (
        "  reserved                     filler(53)               public    \"예비\"\n}\n",
        "  body_crc                     X(8)        secret  crc32 iso-hdlc of debit_account..fund_type  \"본문검증\"\n  \
           reserved                     filler(45)  public  \"예비\"\n}\n",
    ),
];

/// All versions; the first is the shipped one.
pub(crate) fn all(checked: bool) -> &'static [Version] {
    static ALL: [OnceLock<Vec<Version>>; 2] = [OnceLock::new(), OnceLock::new()];
    ALL[usize::from(checked)].get_or_init(|| {
        let spec = if SHIPPED.contains(" from 00:") {
            SHIPPED.to_owned()
        } else {
            changed(
                SHIPPED,
                "opening      per company_no bank_code {",
                "opening      per company_no bank_code from 00:05 {",
            )
        };
        let changes = CHECKED.iter().filter(|_| checked);
        let spec = changes.fold(spec, |spec, (from, to)| changed(&spec, from, to));
        let spec = spec.as_str();
        let same = |text: &str| text.to_owned();
        vec![
            version("nothing", true, same(spec), same(CODES)),
            version("the name of a field of the answer", true, changed(spec, "\n  fee ", "\n  charge "), same(CODES)),
            version(
                "the time for an answer",
                true,
                changed(spec, "effect money  timeout 30s", "effect money  timeout 20s"),
                same(CODES),
            ),
            version("what a code means", true, same(spec), without_rows(CODES, ",0133,")),
            version(
                "who answers a notice",
                true,
                changed(
                    spec,
                    "answered by gateway when durable with response_code \"0000\"",
                    "answered by service within 40s else response_code \"0000\"",
                ),
                same(CODES),
            ),
            version(
                "what a trace is kept under",
                false,
                changed(spec, "trace        send_date send_time", "trace        send_date"),
                same(CODES),
            ),
            version("the longest frame", false, changed(spec, "max 4096", "max 4095"), same(CODES)),
        ]
    })
}

fn version(differs_in: &'static str, keeps_sessions: bool, spec: String, codes: String) -> Version {
    let file = |name: &str, text: String| Source { name: name.into(), text };
    match pabal_spec::load(&[file("firmbanking.spec", spec), file("codes.csv", codes)]) {
        Ok(loaded) => Version { institution: Arc::new(loaded.institution), differs_in, keeps_sessions },
        Err(mistakes) => panic!("the version that differs in {differs_in} has mistakes: {mistakes:?}"),
    }
}

fn changed(text: &str, from: &str, to: &str) -> String {
    assert!(text.contains(from), "the shipped spec no longer says `{from}`: choose something else that differs");
    text.replace(from, to)
}

fn without_rows(table: &str, mark: &str) -> String {
    assert!(table.contains(mark), "the shipped codes no longer have `{mark}`: choose something else that differs");
    table.lines().filter(|line| !line.contains(mark)).flat_map(|line| [line, "\n"]).collect()
}
