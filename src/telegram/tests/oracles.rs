//! Every charset against two programs that others have written: what glibc's iconv and the JDK read in each sequence of one and two
//! bytes is what we read, and what they write for each character below U+10000 is what we write, but for the differences in
//! `oracles/differences.csv`.
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

/// What we write for each character below U+10000, without SO and SI around it.
fn ours_written(charset: Charset) -> BTreeMap<Vec<u8>, Vec<u8>> {
    let mut written = BTreeMap::new();
    for character in '\0'..='\u{FFFF}' {
        let mut bytes = Vec::new();
        if charset.encode(character.encode_utf8(&mut [0; 4]), &mut bytes).is_ok() {
            if let (true, [SO, code @ .., SI]) = (charset.is_shifted(), &bytes[..]) {
                bytes = code.to_vec();
            }
            written.insert(key(&String::from(character)), bytes);
        }
    }
    written
}

/// The number of a character as two bytes, the higher first.
fn key(text: &str) -> Vec<u8> {
    let number = text.chars().next().map_or(0, u32::from);
    u16::try_from(number).expect("below U+10000").to_be_bytes().to_vec()
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

fn glibc(what: &str, name: &str) -> String {
    let arguments = [file("tables/make.py"), what.into(), name.into()];
    run("python3", &arguments, "python3 and glibc's gconv modules")
}

/// One process for all: it takes longer to start than to read.
fn jdk() -> BTreeMap<String, String> {
    let mut arguments = vec![file("tests/oracles/Oracle.java")];
    arguments
        .extend(CHARSETS.map(|(charset, _, jdk, _)| format!("{jdk}{}", if charset.is_shifted() { "+" } else { "" })));
    arguments.dedup();
    let read = run("java", &arguments, "a JDK, such as Debian's default-jdk-headless");
    let sections = read.split("= ").filter(|section| !section.is_empty());
    sections
        .map(|section| {
            let (name, lines) = section.split_once('\n').expect("its name");
            (name.replace('+', ""), lines.into())
        })
        .collect()
}

/// A line of the table of differences.
struct Difference {
    charset: String,
    oracle: String,
    /// Codes when they are read, characters when they are written. `None`: whatever is a control character.
    from_to: Option<RangeInclusive<Vec<u8>>>,
    count: usize,
}

fn differences(what: &str) -> Vec<Difference> {
    let table = include_str!("oracles/differences.csv");
    let lines = table.lines().filter(|line| !line.starts_with('#')).skip(1);
    lines
        .filter_map(|line| {
            let columns: Vec<&str> = line.splitn(6, ',').collect();
            let [charset, oracle, does, from_to, count, reason] = columns[..] else {
                panic!("{line}: not six columns")
            };
            assert!(!reason.is_empty(), "{line}: why?");
            assert!(["reads", "writes"].contains(&does), "{line}: reads or writes?");
            let code = |text: &str| parse(&format!("{text} 0020")).0;
            let is_control = from_to == "control";
            let from_to = from_to.split_once("..").map(|(first, last)| code(first)..=code(last));
            assert!(from_to.is_some() || is_control, "{line}: neither codes nor `control`");
            (does == what).then(|| Difference {
                charset: charset.into(),
                oracle: oracle.into(),
                from_to,
                count: count.parse().expect("a number"),
            })
        })
        .collect()
}

/// Two tables are the same but for the differences that are known.
fn compare<T: PartialEq + std::fmt::Debug>(
    what: &str,
    ours: &BTreeMap<Vec<u8>, T>,
    theirs: &BTreeMap<Vec<u8>, T>,
    known: &[&Difference],
    is_control: impl Fn(&[u8], &T) -> bool,
    complaints: &mut Vec<String>,
) {
    let mut found: BTreeMap<&Vec<u8>, _> = BTreeMap::new();
    for key in ours.keys().chain(theirs.keys()) {
        let both = (ours.get(key), theirs.get(key));
        if both.0 != both.1 {
            found.insert(key, both);
        }
    }
    for row in known {
        let before = found.len();
        found.retain(|key, (ours, theirs)| match &row.from_to {
            Some(from_to) => !from_to.contains(key),
            None => ours.is_some() || !theirs.is_some_and(|theirs| is_control(key, theirs)),
        });
        if before - found.len() != row.count {
            complaints.push(format!("{what}, {:02x?}: {} and not {}", row.from_to, before - found.len(), row.count));
        }
    }
    if !found.is_empty() {
        let first: Vec<_> = found.iter().take(20).collect();
        complaints.push(format!("{what}: {} differ, ours and theirs are: {first:02x?}", found.len()));
    }
}

#[test]
fn what_we_read_and_write_is_what_glibc_and_the_jdk_read_and_write() {
    let (reads, writes) = (differences("reads"), differences("writes"));
    let mut used = 0;
    let mut complaints = Vec::new();
    let jdk = jdk();
    for (charset, glibc_name, jdk_name, two_bytes) in CHARSETS {
        let (read, written) = (ours(charset), ours_written(charset));
        assert_eq!(read.keys().filter(|code| code.len() == 2).count(), two_bytes, "{charset}");
        for oracle in ["glibc", "jdk"] {
            let is_about = |row: &&Difference| row.charset == charset.word() && row.oracle == oracle;
            let known: Vec<&Difference> = reads.iter().filter(is_about).collect();
            used += known.len();
            let theirs = if oracle == "glibc" { glibc("--read", glibc_name) } else { jdk[jdk_name].clone() };
            let theirs: Codes = theirs.lines().map(parse).collect();
            assert!(theirs.len() > 90, "{oracle} reads something in {charset}");
            let is_control = |_: &[u8], text: &String| text.chars().all(char::is_control);
            compare(&format!("{charset} read by {oracle}"), &read, &theirs, &known, is_control, &mut complaints);

            let known: Vec<&Difference> = writes.iter().filter(is_about).collect();
            used += known.len();
            let theirs =
                if oracle == "glibc" { glibc("--write", glibc_name) } else { jdk[&format!("{jdk_name}>")].clone() };
            let theirs: BTreeMap<Vec<u8>, Vec<u8>> =
                theirs.lines().map(parse).map(|(code, text)| (key(&text), code)).collect();
            assert!(theirs.len() > 90, "{oracle} writes something in {charset}");
            let is_control = |character: &[u8], _: &Vec<u8>| matches!(character, [0, ..0x20 | 0x7F..0xA0]);
            compare(&format!("{charset} written by {oracle}"), &written, &theirs, &known, is_control, &mut complaints);
        }
    }
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
    assert_eq!(used, reads.len() + writes.len(), "every row is of a charset and an oracle that there are");
}
