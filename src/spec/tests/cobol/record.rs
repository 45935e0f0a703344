//! A record as COBOL declares it, as a spec describes it, and what it holds.

use std::fmt::Write;

use pabal_telegram::{Charset, Decimal, Value};

use crate::draw::Draw;

pub(crate) const HEAD: &str = "identification division.
program-id. write-records.
environment division.
input-output section.
file-control.
    select the-file assign to \"OUT.DAT\" organization sequential.
data division.
file section.
fd the-file record varying from 1 to 9999 depending on record-length.
01 one-record pic x(9999).
working-storage section.
01 record-length pic 9(8) comp.
";

pub(crate) const PROCEDURE: &str = "procedure division.
    open output the-file
";

pub(crate) const END: &str = "    close the-file
    stop run.
";

/// What differs between COBOL compilers, and is an option of this one.
#[derive(Clone, Copy)]
pub(crate) struct Dialect {
    pub(crate) binary: BinarySize,
    pub(crate) zones: Zones,
}

/// How many bytes a binary number of so many digits has.
#[derive(Clone, Copy)]
pub(crate) enum BinarySize {
    /// IBM's: 2 for up to 4 digits, 4 for 9, 8 for 18.
    Host,
    /// The same, and 1 for up to 2 digits.
    HostOrByte,
    /// As few as hold the largest number of so many digits.
    Least,
}

/// What a sign in a digit is.
#[derive(Clone, Copy)]
pub(crate) enum Zones {
    Ascii,
    Ibm,
}

impl BinarySize {
    pub(crate) const fn flag(self) -> &'static str {
        match self {
            Self::Host => "-fbinary-size=2-4-8",
            Self::HostOrByte => "-fbinary-size=1-2-4-8",
            Self::Least => "-fbinary-size=1--8",
        }
    }

    fn bytes(self, digits: usize, signed: bool) -> usize {
        match (self, digits) {
            (Self::HostOrByte, 1 | 2) => 1,
            (Self::Host | Self::HostOrByte, 1..=4) => 2,
            (Self::Host | Self::HostOrByte, 5..=9) => 4,
            (Self::Host | Self::HostOrByte, _) => 8,
            (Self::Least, _) => {
                let nines = 10_u128.pow(u32::try_from(digits).expect("at most 18")) - 1;
                let bits = 128 - nines.leading_zeros() as usize + usize::from(signed);
                bits.div_ceil(8)
            }
        }
    }
}

impl Zones {
    pub(crate) const fn flag(self) -> &'static str {
        match self {
            Self::Ascii => "-fsign=ASCII",
            Self::Ibm => "-fsign=EBCDIC",
        }
    }

    const fn word(self) -> &'static str {
        match self {
            Self::Ascii => " ascii",
            Self::Ibm => "",
        }
    }
}

/// Every kind that is drawn, without its lengths, as a spec says it.
pub(crate) const SAID: &[&str] = &[
    "9",
    "9 binary big",
    "9 binary little",
    "9 packed",
    "9V9",
    "9V9 binary big",
    "9V9 binary little",
    "9V9 packed",
    "S9 binary big",
    "S9 binary little",
    "S9 overpunch leading",
    "S9 overpunch leading ascii",
    "S9 overpunch trailing",
    "S9 overpunch trailing ascii",
    "S9 packed",
    "S9 sign leading",
    "S9 sign trailing",
    "S9V9 binary big",
    "S9V9 binary little",
    "S9V9 overpunch leading",
    "S9V9 overpunch leading ascii",
    "S9V9 overpunch trailing",
    "S9V9 overpunch trailing ascii",
    "S9V9 packed",
    "S9V9 sign leading",
    "S9V9 sign trailing",
    "X",
    "group",
    "repeat",
    "repeat times",
];

enum Item {
    Field { name: String, picture: String, kind: String, len: usize, what: What },
    Group { name: String, times: Times, items: Vec<Item> },
}

#[derive(Clone, Copy)]
enum What {
    Text,
    Number { digits: usize, scale: usize, signed: bool },
}

#[derive(Clone)]
enum Times {
    Once,
    Fixed(usize),
    /// As a field before it says.
    Counted {
        by: String,
        max: usize,
    },
}

pub(crate) struct Record {
    at: usize,
    items: Vec<Item>,
}

/// The values of one record: with their paths in the spec, and the statements that put them there.
#[derive(Default)]
pub(crate) struct Filled {
    pub(crate) values: Vec<(String, Value)>,
    statements: String,
}

impl Record {
    /// COBOL lets a table that is counted stand at the end only.
    pub(crate) fn drawn(at: usize, dialect: Dialect, draw: &mut Draw) -> Self {
        let mut names = 0;
        let mut items = items(at, &mut names, 0, dialect, draw);
        if draw.once_in(2) {
            names += 1;
            let by = format!("r{at}-n{names}");
            let max = 1 + draw.below(6);
            items.push(Item::Field {
                name: by.clone(),
                picture: "9(2)".into(),
                kind: "9(2)".into(),
                len: 2,
                what: What::Number { digits: 2, scale: 0, signed: false },
            });
            let name = format!("r{at}-t{names}");
            let each = self::items(at, &mut names, 1, dialect, draw);
            items.push(Item::Group { name, times: Times::Counted { by, max }, items: each });
        }
        Self { at, items }
    }

    pub(crate) fn name(&self) -> String {
        format!("r{}", self.at)
    }

    /// The record in working storage.
    pub(crate) fn declared(&self) -> String {
        let mut text = format!("01 r{}.\n", self.at);
        declare(&self.items, 1, &mut text);
        text
    }

    /// The telegram in the spec.
    pub(crate) fn spec(&self) -> String {
        let mut lines = String::new();
        let (min, max) = describe(&self.items, 1, &mut lines);
        let total = if min == max { format!("{min}") } else { format!("{min}..{max}") };
        format!("\ntelegram {} {total} {{\n{lines}}}\n", self.name())
    }

    /// The kinds and blocks of the record, without lengths.
    pub(crate) fn said(&self) -> Vec<String> {
        let spec = self.spec();
        let lines = spec.lines().filter_map(|line| line.trim().strip_suffix(" by asker public").map(str::to_owned));
        let kinds = lines.filter_map(|line| Some(line.split_once(' ')?.1.split(['(', ')']).step_by(2).collect()));
        let blocks = spec.lines().filter_map(|line| match line.split_whitespace().collect::<Vec<_>>()[..] {
            ["group", ..] => Some("group".into()),
            ["repeat", _, _, "times", ..] => Some("repeat times".into()),
            ["repeat", ..] => Some("repeat".into()),
            _ => None,
        });
        kinds.chain(blocks).collect()
    }

    pub(crate) fn fill(&self, draw: &mut Draw) -> Filled {
        let mut filled = Filled::default();
        fill(&self.items, "", &[], None, draw, &mut filled);
        filled
    }

    /// The statements that fill and write the record.
    pub(crate) fn written(&self, filled: &Filled) -> String {
        let name = self.name();
        format!(
            "    initialize {name}\n{}    move function length({name}) to record-length\n    move {name} to one-record\n    write one-record\n",
            filled.statements
        )
    }
}

fn items(at: usize, names: &mut usize, depth: usize, dialect: Dialect, draw: &mut Draw) -> Vec<Item> {
    let count = 1 + draw.below(if depth == 0 { 8 } else { 4 });
    (0..count)
        .map(|_| {
            *names += 1;
            let name = format!("r{at}-f{names}");
            if depth < 3 && draw.once_in(4) {
                let times = if draw.once_in(2) { Times::Once } else { Times::Fixed(1 + draw.below(3)) };
                Item::Group { name, times, items: items(at, names, depth + 1, dialect, draw) }
            } else {
                field(name, dialect, draw)
            }
        })
        .collect()
}

fn field(name: String, dialect: Dialect, draw: &mut Draw) -> Item {
    let usage = draw.below(10);
    if usage < 2 {
        let len = 1 + draw.below(20);
        return Item::Field { name, picture: format!("x({len})"), kind: format!("X({len})"), len, what: What::Text };
    }
    let is_binary = matches!(usage, 8 | 9);
    let digits = 1 + draw.below(if is_binary { 18 } else { 38 });
    let scale = if draw.once_in(2) { draw.below(digits) } else { 0 };
    // Signs stand in a byte of their own, or in the first or last digit; only these must be there.
    let signed = matches!(usage, 3..=6) || draw.once_in(2);
    let signed = signed && usage != 2;
    let sign = if signed { "S" } else { "" };
    let point = if scale > 0 { format!("V9({scale})") } else { String::new() };
    let picture = format!("{sign}9({}){point}", digits - scale);
    let zones = dialect.zones.word();
    let (usage, form, len) = match usage {
        2 => ("", String::new(), digits),
        3 => (" sign leading separate", " sign leading".into(), digits + 1),
        4 => (" sign trailing separate", " sign trailing".into(), digits + 1),
        5 => (" sign leading", format!(" overpunch leading{zones}"), digits),
        6 => ("", format!(" overpunch trailing{zones}"), digits),
        7 => (" comp-3", " packed".into(), digits / 2 + 1),
        8 => {
            let bytes = dialect.binary.bytes(digits, signed);
            (" comp", format!(" binary({bytes}) big"), bytes)
        }
        _ => {
            // This compiler has the machine's own numbers of up to two digits in one byte, even where others have two.
            let bytes = match dialect.binary {
                BinarySize::Host => BinarySize::HostOrByte.bytes(digits, signed),
                other => other.bytes(digits, signed),
            };
            let order = if cfg!(target_endian = "little") { "little" } else { "big" };
            (" comp-5", format!(" binary({bytes}) {order}"), bytes)
        }
    };
    let what = What::Number { digits, scale, signed };
    Item::Field { name, kind: format!("{picture}{form}"), picture: format!("{picture}{usage}"), len, what }
}

fn declare(items: &[Item], depth: usize, text: &mut String) {
    let level = depth * 5;
    let _ = items.iter().try_for_each(|item| match item {
        Item::Field { name, picture, .. } => writeln!(text, "{level:02} {name} pic {picture}."),
        Item::Group { name, times, items } => {
            let written = match times {
                Times::Once => writeln!(text, "{level:02} {name}."),
                Times::Fixed(times) => writeln!(text, "{level:02} {name} occurs {times} times."),
                Times::Counted { by, max } => {
                    writeln!(text, "{level:02} {name} occurs 0 to {max} times depending on {by}.")
                }
            };
            declare(items, depth + 1, text);
            written
        }
    });
}

/// The lines of a spec; and how long it is at least and at most.
fn describe(items: &[Item], depth: usize, text: &mut String) -> (usize, usize) {
    let indent = "  ".repeat(depth);
    let mut sum = (0, 0);
    for item in items {
        let (min, max) = match item {
            Item::Field { name, kind, len, .. } => {
                let _ = writeln!(text, "{indent}{} {kind} by asker public", spec_name(name));
                (*len, *len)
            }
            Item::Group { name, times, items } => {
                let name = spec_name(name);
                let _ = match times {
                    Times::Once => writeln!(text, "{indent}group {name} {{"),
                    Times::Fixed(times) => writeln!(text, "{indent}repeat {name} {times} {{"),
                    Times::Counted { by, max } => {
                        writeln!(text, "{indent}repeat {name} {} times max {max} {{", spec_name(by))
                    }
                };
                let (_, each) = describe(items, depth + 1, text);
                let _ = writeln!(text, "{indent}}}");
                match times {
                    Times::Once => (each, each),
                    Times::Fixed(times) => (each * times, each * times),
                    Times::Counted { max, .. } => (0, each * max),
                }
            }
        };
        sum = (sum.0 + min, sum.1 + max);
    }
    sum
}

/// Specs have no `-` in their names.
fn spec_name(name: &str) -> String {
    name.replace('-', "_")
}

fn fill(items: &[Item], prefix: &str, indices: &[usize], count: Option<usize>, draw: &mut Draw, filled: &mut Filled) {
    let mut count = count;
    // The table that is counted is the last; its count stands before it.
    let counted = items.iter().find_map(|item| match item {
        Item::Group { times: Times::Counted { by, max }, .. } => Some((by, *max)),
        _ => None,
    });
    for item in items {
        match item {
            Item::Field { name, what, len, .. } => {
                let (value, literal) = match what {
                    _ if counted.is_some_and(|(by, _)| by == name) => {
                        let times = draw.below(counted.map_or(0, |(_, max)| max) + 1);
                        count = Some(times);
                        (Value::from(i64::try_from(times).expect("few")), times.to_string())
                    }
                    What::Text => text(*len, draw),
                    What::Number { digits, scale, signed } => number(*digits, *scale, *signed, draw),
                };
                let subscripts: Vec<String> = indices.iter().map(|index| (index + 1).to_string()).collect();
                let subscripts =
                    if subscripts.is_empty() { String::new() } else { format!("({})", subscripts.join(" ")) };
                let _ = writeln!(filled.statements, "    move {literal} to {name}{subscripts}");
                filled.values.push((format!("{prefix}{}", spec_name(name)), value));
            }
            Item::Group { name, times, items } => {
                let name = spec_name(name);
                let times = match times {
                    Times::Once => {
                        fill(items, &format!("{prefix}{name}."), indices, None, draw, filled);
                        continue;
                    }
                    Times::Fixed(times) => *times,
                    Times::Counted { .. } => count.expect("its count stands before it"),
                };
                for index in 0..times {
                    let inner = [indices, &[index]].concat();
                    fill(items, &format!("{prefix}{name}[{index}]."), &inner, None, draw, filled);
                }
            }
        }
    }
}

/// A text without a space at its end, and how COBOL writes it: what is not ASCII as bytes.
fn text(len: usize, draw: &mut Draw) -> (Value, String) {
    const LETTERS: [&str; 10] = ["A", "z", "0", " ", "-", "'", "홍", "길", "동", "金"];
    let mut text = String::new();
    let mut bytes = Vec::new();
    for _ in 0..draw.below(len + 1) {
        let longer = format!("{text}{}", LETTERS[draw.below(LETTERS.len())]);
        let mut encoded = Vec::new();
        Charset::EucKr.encode(&longer, &mut encoded).expect("letters of KS X 1001");
        if encoded.len() <= len {
            (text, bytes) = (longer, encoded);
        }
    }
    let text = text.trim_end_matches(' ');
    bytes.truncate(bytes.len() - bytes.iter().rev().take_while(|byte| **byte == b' ').count());
    let literal = match bytes.as_slice() {
        [] => "spaces".into(),
        bytes if bytes.is_ascii() => format!("\"{text}\""),
        bytes => format!("x\"{}\"", bytes.iter().map(|byte| format!("{byte:02X}")).collect::<String>()),
    };
    (Value::from(text), literal)
}

fn number(digits: usize, scale: usize, signed: bool, draw: &mut Draw) -> (Value, String) {
    let drawn = match draw.below(6) {
        0 => digits,
        _ => draw.below(digits + 1),
    };
    let nines = draw.once_in(5);
    let units = (0..drawn).fold(0_i128, |units, _| units * 10 + if nines { 9 } else { draw.below(10) as i128 });
    let units = if signed && draw.once_in(2) { -units } else { units };
    let number = Decimal { units, scale: u8::try_from(scale).expect("at most 37") };
    (Value::Number(number), number.to_string())
}
