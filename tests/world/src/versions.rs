//! Versions of the institution's spec: the one that is shipped, others that a reload may bring, and some that it must refuse.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use pabal_spec::{Institution, Source};

use crate::setup::Setup;
use crate::topology;
use crate::variant::Frame;

const SHIPPED: &str = include_str!("../../../specs/hecto/firmbanking.spec");
const CODES: &str = include_str!("../../../specs/hecto/codes.csv");

/// For how long a service may reply, by the version in which one does.
pub(crate) const SERVICE_REPLIES_WITHIN: Duration = Duration::from_secs(40);

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

/// Sessions that are signed on before all business, and off before they are closed in order.
const SIGNED: [(&str, &str); 3] = [
    (
        "  opening      per company_no",
        "  sign on { request link  answer link_ok  success result \"00\"|\"01\"  timeout 10s }\n  \
           sign off { request stop  answer stop_ok  timeout 5s }\n  opening      per company_no",
    ),
    (
        "    poll_request              length",
        "    link length 16 bytes 0..4 \"LINK\"\n    link_ok length 18 bytes 0..4 \"LIOK\"\n    \
             stop length 4 bytes 0..4 \"STOP\"\n    stop_ok length 4 bytes 0..4 \"STOK\"\n    poll_request              length",
    ),
    (
        "telegram poll_request ",
        "telegram link \"접속\" 16 {\n  marker X(4) const \"LINK\" public\n  sent time(YYMMDDhhmmss) at send public\n}\n\n\
         telegram link_ok \"접속 응답\" 18 {\n  marker X(4) const \"LIOK\" public\n  \
           sent time(YYMMDDhhmmss) by answerer echo public\n  result X(2) by answerer public\n}\n\n\
         telegram stop \"종료\" 4 {\n  marker X(4) const \"STOP\" public\n}\n\n\
         telegram stop_ok \"종료 응답\" 4 {\n  marker X(4) const \"STOK\" public\n}\n\ntelegram poll_request ",
    ),
];

/// Whether a frame is one of a session, of which no entry tells: a poll, or a sign-on or sign-off.
pub(crate) fn is_of_session(frame: &[u8]) -> bool {
    [&b"HDRREQP"[..], b"HDRRESP"].iter().any(|begin| frame.starts_with(begin)) || is_signing(frame)
}

/// Whether it is of a sign-on or sign-off.
pub(crate) fn is_signing(frame: &[u8]) -> bool {
    [b"LINK", b"LIOK", b"STOP", b"STOK"].iter().any(|begin| frame.starts_with(*begin))
}

/// All versions; the first is the shipped one.
pub(crate) fn all(setup: Setup) -> &'static [Version] {
    static ALL: [OnceLock<Vec<Version>>; 32] = [const { OnceLock::new() }; 32];
    let frame = setup.variant.frame;
    let at = usize::from(setup.checked) + 2 * usize::from(setup.signed) + 4 * usize::from(setup.keyless);
    ALL[at + 8 * frame as usize].get_or_init(|| {
        let spec = spec(setup);
        let spec = spec.as_str();
        let same = |text: &str| text.to_owned();
        let mut all = vec![
            version("nothing", true, same(spec), same(CODES)),
            version("the longest frame", false, changed(spec, "max 4096", "max 4095"), same(CODES)),
            version("the name of a field of the answer", true, changed(spec, "\n  fee ", "\n  charge "), same(CODES)),
        ];
        if frame != Frame::Digits {
            // Reading a spec takes longer than many runs.
            return all;
        }
        all.extend([
            version(
                "the time for an answer",
                true,
                changed(spec, "effect money  timeout 30s", "effect money  timeout 20s"),
                same(CODES),
            ),
            version("what a code means", true, same(spec), without_rows(CODES, ",0133,")),
        ]);
        if setup.keyless {
            return all;
        }
        all.extend([
            version(
                "who answers a notice",
                true,
                changed(
                    spec,
                    "answered by gateway when durable with response_code \"0000\"",
                    &format!(
                        "answered by service within {}s else response_code \"0000\"",
                        SERVICE_REPLIES_WITHIN.as_secs()
                    ),
                ),
                same(CODES),
            ),
            version(
                "what a trace is kept under",
                false,
                changed(spec, "trace        send_date send_time", "trace        send_date"),
                same(CODES),
            ),
        ]);
        all
    })
}

/// The version that begins by a date, while all goes on: transfers have a field where there was none. What was made before it and has not
/// left does not leave behind it.
pub(crate) fn dated(setup: Setup) -> &'static Version {
    static DATED: [OnceLock<Version>; 2] = [const { OnceLock::new() }; 2];
    assert!(!setup.checked && !setup.keyless && setup.variant.frame == Frame::Digits, "there is none for such a run");
    DATED[usize::from(setup.signed)].get_or_init(|| {
        let spec = spec(setup);
        let at = spec.find(TRANSFER).expect("the shipped spec has transfers");
        let end = spec[at..].find("\n}\n").map_or(spec.len(), |end| at + end + 3);
        let later = changed(&spec[at..end], " 300 : common {", " 300 : common effective 2026-11-19 00:00 {");
        let later = changed(&later, RESERVED.0, RESERVED.1);
        let both = version("a date", true, [&spec[..at], &later, "\n", &spec[at..]].concat(), CODES.to_owned());
        let [later] = &both.institution.later[..] else { panic!("one date") };
        Version { institution: Arc::clone(later), ..both }
    })
}

const TRANSFER: &str = "telegram transfer \"";
/// The end of a transfer, and how it is from the date on.
const RESERVED: (&str, &str) = (
    "  reserved                     filler(53)               public    \"예비\"\n",
    "  channel                      X(2)       by asker?    public    \"채널\"\n  \
       reserved                     filler(51)               public    \"예비\"\n",
);

/// The shipped spec as the runs of a setup have it.
fn spec(setup: Setup) -> String {
    let spec = if SHIPPED.contains(" from 00:") {
        SHIPPED.to_owned()
    } else {
        changed(
            SHIPPED,
            "opening      per company_no bank_code {",
            "opening      per company_no bank_code from 00:05 {",
        )
    };
    let changes = CHECKED.iter().filter(|_| setup.checked).chain(SIGNED.iter().filter(|_| setup.signed));
    let spec = changes.fold(spec, |spec, (from, to)| changed(&spec, from, to));
    let spec = if setup.keyless { topology::without_key(&spec) } else { spec };
    changed(&spec, Frame::Digits.clause(), setup.variant.frame.clause())
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
