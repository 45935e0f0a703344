//! A record as COBOL declares it, as a spec describes it, and what it holds.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::mem;

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
01 room pic x(9999).
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
    "38 digits",
    "38 digits packed",
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
    "choice",
    "choice in a repeat",
    "choice until the end",
    "filler",
    "group",
    "repeat",
    "repeat times",
    "repeat times and more behind",
    "repeat times in a repeat",
];

enum Item {
    Field {
        name: String,
        picture: String,
        kind: String,
        len: usize,
        what: What,
    },
    Group {
        name: String,
        times: Times,
        items: Vec<Item>,
    },
    /// Storage that one of several groups redefines, by a key before it.
    Choice {
        name: String,
        by: String,
        len: usize,
        branches: Vec<Branch>,
    },
}

struct Branch {
    key: char,
    name: String,
    items: Vec<Item>,
    len: usize,
    /// Bytes behind them, as long as the longest branch; none where the record ends with the choice.
    pad: usize,
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
    /// What each field says that counts: in every occurrence the same, since this compiler looks at the first one alone.
    counts: BTreeMap<String, usize>,
    /// Bytes of storage at the end that are none of the record's.
    cut: usize,
}

/// What is drawn next.
struct Drawing<'d> {
    at: usize,
    names: usize,
    dialect: Dialect,
    draw: &'d mut Draw,
    /// Whether tables are counted; else storage is redefined. Where a record has both, this compiler counts what redefines among its bytes.
    slides: bool,
    may_count: bool,
    /// In a table that is counted.
    is_counted: bool,
}

impl Record {
    pub(crate) fn drawn(at: usize, dialect: Dialect, draw: &mut Draw) -> Self {
        let slides = draw.once_in(2);
        let mut drawing = Drawing { at, names: 0, dialect, draw, slides, may_count: slides, is_counted: false };
        let mut items = drawing.items(0);
        if !drawing.slides && drawing.draw.once_in(3) {
            items.extend(drawing.choice(1, true));
        }
        Self { at, items }
    }

    pub(crate) fn name(&self) -> String {
        format!("r{}", self.at)
    }

    /// The record in working storage.
    pub(crate) fn declared(&self) -> String {
        let mut text = format!("01 r{} based.\n", self.at);
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
        let mut said: Vec<String> = kinds.collect();
        said_of_blocks(&self.items, false, &mut said);
        said
    }

    pub(crate) fn fill(&self, draw: &mut Draw) -> Filled {
        let mut filled = Filled::default();
        fill(&self.items, "", &[], draw, &mut filled);
        filled
    }

    /// The statements that fill and write the record.
    pub(crate) fn written(&self, filled: &Filled) -> String {
        let name = self.name();
        let Filled { statements, cut, .. } = filled;
        // Counts are looked at before they are written: they begin at 0. Where there are some, `initialize` would look at them in vain.
        let initialized = if has_counts(&self.items) { String::new() } else { format!("    initialize {name}\n") };
        format!(
            "    move zeros to room\n    set address of {name} to address of room\n{initialized}{statements}    compute record-length = function length({name}) - {cut}\n    move {name} to one-record\n    write one-record\n"
        )
    }
}

impl Drawing<'_> {
    fn name(&mut self, letter: char) -> String {
        self.names += 1;
        format!("r{}-{letter}{}", self.at, self.names)
    }

    fn items(&mut self, depth: usize) -> Vec<Item> {
        let count = 1 + self.draw.below(if depth == 0 { 8 } else { 4 });
        (0..count).flat_map(|_| self.item(depth)).collect()
    }

    fn item(&mut self, depth: usize) -> Vec<Item> {
        if depth >= 3 || !self.draw.once_in(3) {
            let name = self.name('f');
            return vec![field(name, self.dialect, self.draw)];
        }
        match self.draw.below(5) {
            0 | 1 if self.may_count => self.counted(depth),
            0 | 1 if !self.slides => self.choice(depth + 1, false),
            kind => {
                let name = self.name('g');
                let times = if kind == 2 { Times::Once } else { Times::Fixed(1 + self.draw.below(3)) };
                let may_count = mem::replace(&mut self.may_count, false);
                let items = self.items(depth + 1);
                self.may_count = may_count;
                vec![Item::Group { name, times, items }]
            }
        }
    }

    /// A table with its count before it.
    fn counted(&mut self, depth: usize) -> Vec<Item> {
        let (by, name, max) = (self.name('n'), self.name('t'), 1 + self.draw.below(6));
        // What stands behind one in another is found; behind one in a group or in a third, this compiler looks elsewhere.
        let is_inner = mem::replace(&mut self.is_counted, true);
        let may_count = mem::replace(&mut self.may_count, !is_inner);
        let items = self.items(depth + 1);
        (self.is_counted, self.may_count) = (is_inner, may_count);
        let count = digits(by.clone());
        vec![count, Item::Group { name, times: Times::Counted { by, max }, items }]
    }

    /// Storage that is redefined, with its key before it.
    fn choice(&mut self, depth: usize, is_last: bool) -> Vec<Item> {
        let (by, name) = (self.name('k'), self.name('s'));
        let mut branches: Vec<Branch> = (0..1 + self.draw.below(3))
            .zip(['1', '2', '3'])
            .map(|(_, key)| {
                let name = self.name('b');
                // No table that is counted may redefine anything.
                let items: Vec<Item> = (0..1 + self.draw.below(3))
                    .map(|_| {
                        let name = self.name('f');
                        match self.draw.below(4) {
                            0 if depth < 3 => {
                                let inner = self.name('f');
                                let items = vec![field(inner, self.dialect, self.draw)];
                                Item::Group { name, times: Times::Fixed(1 + self.draw.below(2)), items }
                            }
                            _ => field(name, self.dialect, self.draw),
                        }
                    })
                    .collect();
                let len = describe(&items, 1, &mut String::new()).1;
                Branch { key, name, items, len, pad: 0 }
            })
            .collect();
        let len = branches.iter().map(|branch| branch.len).max().expect("a branch");
        if !is_last {
            branches.iter_mut().for_each(|branch| branch.pad = len - branch.len);
        }
        let kind = "X(1)";
        let key = Item::Field { name: by.clone(), picture: "x".into(), kind: kind.into(), len: 1, what: What::Text };
        vec![key, Item::Choice { name, by, len, branches }]
    }
}

/// A field of two digits that counts.
fn digits(name: String) -> Item {
    let what = What::Number { digits: 2, scale: 0, signed: false };
    Item::Field { name, picture: "9(2)".into(), kind: "9(2)".into(), len: 2, what }
}

fn said_of_blocks(items: &[Item], repeats: bool, said: &mut Vec<String>) {
    for (at, item) in items.iter().enumerate() {
        let is_more = at + 1 < items.len();
        let (word, repeats, bodies): (_, bool, Vec<&[Item]>) = match item {
            Item::Field { what: What::Number { digits: 38, .. }, kind, .. } => {
                said.push(if kind.contains("packed") { "38 digits packed" } else { "38 digits" }.into());
                continue;
            }
            Item::Field { .. } => continue,
            Item::Group { times: Times::Once, items, .. } => ("group", repeats, vec![items]),
            Item::Group { times: Times::Fixed(_), items, .. } => ("repeat", true, vec![items]),
            Item::Group { times: Times::Counted { .. }, items, .. } => {
                if is_more {
                    said.push("repeat times and more behind".into());
                }
                if repeats {
                    said.push("repeat times in a repeat".into());
                }
                ("repeat times", true, vec![items])
            }
            Item::Choice { branches, .. } => {
                let is_open = branches.iter().any(|branch| branch.pad == 0 && branch.len < branches[0].len);
                let word = match (repeats, is_open) {
                    (_, true) => "choice until the end",
                    (true, _) => "choice in a repeat",
                    _ => "choice",
                };
                (word, repeats, branches.iter().map(|branch| &*branch.items).collect())
            }
        };
        said.push(word.into());
        bodies.into_iter().for_each(|items| said_of_blocks(items, repeats, said));
    }
}

fn field(name: String, dialect: Dialect, draw: &mut Draw) -> Item {
    let usage = draw.below(10);
    if usage < 2 {
        let len = 1 + draw.below(20);
        return Item::Field { name, picture: format!("x({len})"), kind: format!("X({len})"), len, what: What::Text };
    }
    let is_binary = matches!(usage, 8 | 9);
    // Of a binary number this compiler takes no more than 18.
    let most = if is_binary { 18 } else { 38 };
    let digits = if draw.once_in(6) { most } else { 1 + draw.below(most) };
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
        Item::Choice { name, len, branches, .. } => {
            let written = writeln!(text, "{level:02} {name} pic x({len}).");
            for branch in branches {
                let _ = writeln!(text, "{level:02} {} redefines {name}.", branch.name);
                declare(&branch.items, depth + 1, text);
            }
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
                let (least, each) = describe(items, depth + 1, text);
                let _ = writeln!(text, "{indent}}}");
                match times {
                    Times::Once => (least, each),
                    Times::Fixed(times) => (least * times, each * times),
                    Times::Counted { max, .. } => (0, each * max),
                }
            }
            Item::Choice { by, branches, .. } => {
                let _ = writeln!(text, "{indent}choice by {} {{", spec_name(by));
                let mut all = Vec::new();
                for branch in branches {
                    let name = spec_name(&branch.name);
                    let _ = writeln!(text, "{indent}  \"{}\" {name} {{", branch.key);
                    let (min, max) = describe(&branch.items, depth + 2, text);
                    if branch.pad > 0 {
                        let _ = writeln!(text, "{indent}    {name}_pad filler({}) by asker public", branch.pad);
                    }
                    let _ = writeln!(text, "{indent}  }}");
                    all.push((min + branch.pad, max + branch.pad));
                }
                let _ = writeln!(text, "{indent}}}");
                all.into_iter().reduce(|a, b| (a.0.min(b.0), a.1.max(b.1))).expect("a branch")
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

fn fill(items: &[Item], prefix: &str, indices: &[usize], draw: &mut Draw, filled: &mut Filled) {
    let subscripts: Vec<String> = indices.iter().map(|index| (index + 1).to_string()).collect();
    let subscripts = if subscripts.is_empty() { String::new() } else { format!("({})", subscripts.join(" ")) };
    let put = |name: &str, value: Value, literal: &str, filled: &mut Filled| {
        let _ = writeln!(filled.statements, "    move {literal} to {name}{subscripts}");
        filled.values.push((format!("{prefix}{}", spec_name(name)), value));
    };
    for (at, item) in items.iter().enumerate() {
        match item {
            Item::Field { name, what, len, .. } => {
                let (value, literal) = match (items.get(at + 1), what) {
                    (Some(Item::Group { times: Times::Counted { max, .. }, items, .. }), _) => {
                        // Where each has a count of its own, the compiler looks into the first one.
                        let least = usize::from(!indices.is_empty() || has_counts(items));
                        let drawn = least + draw.below(max + 1 - least);
                        let times = *filled.counts.entry(name.clone()).or_insert(drawn);
                        (Value::from(i64::try_from(times).expect("few")), times.to_string())
                    }
                    (Some(Item::Choice { branches, .. }), _) => {
                        let key = branches[draw.below(branches.len())].key.to_string();
                        (Value::from(key.as_str()), format!("\"{key}\""))
                    }
                    (_, What::Text) => text(*len, draw),
                    (_, What::Number { digits, scale, signed }) => number(*digits, *scale, *signed, draw),
                };
                put(name, value, &literal, filled);
            }
            Item::Group { name, times, items } => {
                let name = spec_name(name);
                let times = match times {
                    Times::Once => {
                        fill(items, &format!("{prefix}{name}."), indices, draw, filled);
                        continue;
                    }
                    Times::Fixed(times) => *times,
                    Times::Counted { by, .. } => filled.counts[by],
                };
                for index in 0..times {
                    let inner = [indices, &[index]].concat();
                    fill(items, &format!("{prefix}{name}[{index}]."), &inner, draw, filled);
                }
            }
            Item::Choice { len, branches, .. } => {
                let (_, key) = filled.values.last().expect("its key stands before it");
                let chosen = |branch: &&Branch| *key == Value::from(branch.key.to_string());
                let branch = branches.iter().find(chosen).expect("a branch");
                let name = spec_name(&branch.name);
                fill(&branch.items, &format!("{prefix}{name}."), indices, draw, filled);
                if branch.pad > 0 {
                    filled.values.push((format!("{prefix}{name}.{name}_pad"), Value::Bytes(vec![b' '; branch.pad])));
                }
                filled.cut += len - branch.len - branch.pad;
            }
        }
    }
}

fn has_counts(items: &[Item]) -> bool {
    items.iter().any(|item| match item {
        Item::Field { .. } => false,
        Item::Group { times: Times::Counted { .. }, .. } => true,
        Item::Group { items, .. } => has_counts(items),
        Item::Choice { branches, .. } => branches.iter().any(|branch| has_counts(&branch.items)),
    })
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
