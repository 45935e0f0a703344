//! Every charset against two programs that others have written: what glibc's iconv and the JDK read in each sequence of one and two
//! bytes is what we read, but for the differences in `oracles/differences.csv`.
//!
//! Needs python3 (which calls glibc), glibc's gconv modules, and a JDK: without one of them this fails.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::path::Path;
use std::process::{Command, Stdio};

use pabal_telegram::Charset;

/// What is read in a sequence of bytes.
type Codes = BTreeMap<Vec<u8>, String>;

/// A charset, what glibc and the JDK call the one that is nearest, and how many sequences of two bytes we read in it.
///
/// 17,048 and 17,236 are the sizes of Microsoft's and of Java's table, of which 8,822 (11,172 - 2,350 syllables) are not in
/// KS X 1001. 933 and 1364 have the wide space 0x4040 beside the 10,756 and 19,550 characters in their rows.
const CHARSETS: [(Charset, &str, &str, usize); 11] = [
    (Charset::Ascii, "ASCII", "US-ASCII", 0),
    (Charset::EucKr, "EUC-KR", "EUC-KR", 17_048 - 8_822),
    (Charset::Cp949, "CP949", "x-windows-949", 17_048),
    (Charset::Ms949, "CP949", "x-windows-949", 17_236),
    // U+00A0 to U+07FF.
    (Charset::Utf8, "UTF-8", "UTF-8", 0x800 - 0xA0),
    (Charset::Ebcdic037, "IBM037", "IBM037", 0),
    (Charset::Ebcdic500, "IBM500", "IBM500", 0),
    (Charset::Ebcdic1047, "IBM1047", "IBM1047", 0),
    (Charset::Ebcdic1140, "IBM1140", "IBM01140", 0),
    (Charset::Ebcdic933, "IBM933", "x-IBM933", 10_756 + 1),
    (Charset::Ebcdic1364, "IBM1364", "x-IBM1364", 19_550 + 1),
];

const SO: u8 = 0x0E;
const SI: u8 = 0x0F;

fn ours(charset: Charset) -> Codes {
    let mut codes = Codes::new();
    for one in 0..=u8::MAX {
        if let Ok(text) = charset.decode(&[one]) {
            codes.insert(vec![one], text.into_owned());
        }
    }
    for lead in 0..=u8::MAX {
        for trail in 0..=u8::MAX {
            let sequence = if charset.is_shifted() { vec![SO, lead, trail, SI] } else { vec![lead, trail] };
            let is_one = !charset.is_shifted() && codes.contains_key(&vec![lead]);
            if let (false, Ok(text)) = (is_one, charset.decode(&sequence)) {
                codes.insert(vec![lead, trail], text.into_owned());
            }
        }
    }
    codes
}

fn run(program: &str, arguments: &[String], hint: &str) -> String {
    let output = Command::new(program).args(arguments).stderr(Stdio::inherit()).output();
    let output = output.unwrap_or_else(|error| panic!("{program} does not start ({error}); install {hint}"));
    assert!(output.status.success(), "{program} {arguments:?} failed; is {hint} installed?");
    String::from_utf8(output.stdout).expect("they print hex")
}

fn file(path: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path).to_str().expect("the tree's path is UTF-8").into()
}

/// `c8ab d64d`: bytes, and the numbers of the characters that they are.
fn parse(line: &str) -> (Vec<u8>, String) {
    let number = |hex| u32::from_str_radix(hex, 16).expect("hex");
    let (bytes, text) = line.split_once(' ').expect("two columns");
    let code = number(bytes).to_be_bytes();
    let bytes = code[code.len() - bytes.len() / 2..].to_vec();
    let text = text.split('+').map(|c| char::from_u32(number(c)).expect("no surrogate")).collect();
    (bytes, text)
}

fn glibc(name: &str) -> Codes {
    let arguments = [file("tables/make.py"), "--read".into(), name.into()];
    run("python3", &arguments, "python3 and glibc's gconv modules").lines().map(parse).collect()
}

/// One process for all: it takes longer to start than to read.
fn jdk() -> BTreeMap<String, Codes> {
    let mut arguments = vec![file("tests/oracles/Oracle.java")];
    arguments
        .extend(CHARSETS.map(|(charset, _, jdk, _)| format!("{jdk}{}", if charset.is_shifted() { "+" } else { "" })));
    arguments.dedup();
    let read = run("java", &arguments, "a JDK, such as Debian's default-jdk-headless");
    let sections = read.split("= ").filter(|section| !section.is_empty());
    sections
        .map(|section| {
            let (name, lines) = section.split_once('\n').expect("its name");
            (name.trim_end_matches('+').into(), lines.lines().map(parse).collect())
        })
        .collect()
}

/// A line of the table of differences.
struct Difference {
    charset: String,
    oracle: String,
    /// `None`: whatever reads as a control character.
    codes: Option<RangeInclusive<Vec<u8>>>,
    count: usize,
}

fn differences() -> Vec<Difference> {
    let table = include_str!("oracles/differences.csv");
    let lines = table.lines().filter(|line| !line.starts_with('#')).skip(1);
    lines
        .map(|line| {
            let columns: Vec<&str> = line.splitn(5, ',').collect();
            let [charset, oracle, codes, count, reason] = columns[..] else { panic!("{line}: not five columns") };
            assert!(!reason.is_empty(), "{line}: why?");
            let code = |text: &str| parse(&format!("{text} 0020")).0;
            let codes = codes.split_once("..").map(|(first, last)| code(first)..=code(last));
            assert!(codes.is_some() || line.contains(",control,"), "{line}: neither codes nor `control`");
            Difference {
                charset: charset.into(),
                oracle: oracle.into(),
                codes,
                count: count.parse().expect("a number"),
            }
        })
        .collect()
}

#[test]
fn what_we_read_is_what_glibc_and_the_jdk_read() {
    let known = differences();
    let mut used = 0;
    let jdk = jdk();
    for (charset, glibc_name, jdk_name, two_bytes) in CHARSETS {
        let ours = ours(charset);
        assert_eq!(ours.keys().filter(|code| code.len() == 2).count(), two_bytes, "{charset}");
        for (oracle, theirs) in [("glibc", &glibc(glibc_name)), ("jdk", &jdk[jdk_name])] {
            assert!(theirs.len() > 90, "{oracle} reads something in {charset}");
            let mut found: BTreeMap<&Vec<u8>, _> = BTreeMap::new();
            for code in ours.keys().chain(theirs.keys()) {
                let both = (ours.get(code), theirs.get(code));
                if both.0 != both.1 {
                    found.insert(code, both);
                }
            }
            for row in known.iter().filter(|row| row.charset == charset.word() && row.oracle == oracle) {
                used += 1;
                let before = found.len();
                found.retain(|code, (ours, theirs)| match &row.codes {
                    Some(codes) => !codes.contains(code),
                    None => ours.is_some() || !theirs.is_some_and(|text| text.chars().all(char::is_control)),
                });
                assert_eq!(before - found.len(), row.count, "{charset} against {oracle}, {:02x?}", row.codes);
            }
            assert!(found.is_empty(), "{charset} against {oracle}: ours, theirs: {found:02x?}");
        }
    }
    assert_eq!(used, known.len(), "every row is of a charset and an oracle that there are");
}
