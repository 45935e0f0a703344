//! Specs that are drawn: right ones, with every construct that telegrams can have. A new construct is one more arm here, and one more
//! in `values`.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::mem;

use pabal_telegram::{Charset, CharsetPair, Class, NumberModes, TextMode};

use super::draw::Draw;
use crate::Source;

/// Fields of a telegram, repeated ones counted as often as they are repeated; more would only be slower.
const FIELDS_MAX: usize = 60;
/// How deep blocks stand in each other.
const DEPTH_MAX: usize = 3;
/// Whether what moves can be described.
pub(super) const MOVES: bool = true;

/// Bytes at least and at most.
type Extent = (u32, u32);

/// A spec of one set of layouts with one to three telegrams, and what it includes. It has no mistake.
pub(super) fn spec(draw: &mut Draw<'_>) -> Vec<Source> {
    let charset = charset_pair(draw);
    let (encode, decode) = (charset.encode, charset.decode);
    let said = if encode == decode { format!("{encode}") } else { format!("encode {encode} decode {decode}") };
    let unset_number = *draw.one_of(&["zero", "space"]);
    let unset_text = *draw.one_of(&["space", "zero"]);
    let mut text = format!(
        "institution drawn\n\nlayouts all {{\n  charset {said}\n  unset 9 {unset_number} X {unset_text}\n  set some \"W1\" \"W2\"\n}}\n"
    );
    let mut sources = Vec::new();
    let header = draw.once_in(4).then(|| {
        let mut draft = Draft::new(draw, charset);
        let key = if draft.draw.once_in(2) { draft.key().1 } else { (0, 0) };
        let len = add(key, draft.fields_that_stay(1)).1;
        let head = format!("\nheader head {len} {{\n{}}}\n", draft.text);
        let (names, keys) = (draft.names, draft.keys);
        if draw.once_in(3) {
            text.push_str("\ninclude \"shared.spec\"\n");
            sources.push(Source { name: "shared.spec".into(), text: head });
        } else {
            text.push_str(&head);
        }
        (len, names, keys)
    });
    for at in 0..=draw.below(3) {
        telegram(&format!("t{at}"), "", header.as_ref(), draw, charset, &mut text);
        if draw.once_in(6) {
            telegram(&format!("t{at}"), " effective 2027-01-01 00:00", header.as_ref(), draw, charset, &mut text);
        }
    }
    sources.push(Source { name: "drawn.spec".into(), text });
    sources
}

/// One telegram of a name, perhaps below the header, whose length, count of names, and keys are given.
fn telegram(
    name: &str,
    since: &str,
    header: Option<&(u32, usize, Vec<String>)>,
    draw: &mut Draw<'_>,
    charset: CharsetPair,
    text: &mut String,
) {
    let mut draft = Draft::new(draw, charset);
    let mut extent = (0, 0);
    let mut above = "";
    if let Some((len, names, keys)) = header.filter(|_| draft.draw.once_in(2)) {
        (extent, draft.names, draft.keys, above) = ((*len, *len), *names, keys.clone(), " : head");
    }
    extent = add(extent, draft.deciding_field());
    extent = add(extent, draft.parts(0, true));
    extent = add(extent, draft.until_end());
    let total = if extent.0 == extent.1 { format!("{}", extent.0) } else { format!("{}..{}", extent.0, extent.1) };
    text.push_str(&format!("\ntelegram {name} \"전문\" {total}{above}{since} {{\n{}}}\n", draft.text));
}

/// Of what is always as long.
fn len(bytes: usize) -> Extent {
    let bytes = u32::try_from(bytes).unwrap_or(1);
    (bytes, bytes)
}

fn add(a: Extent, b: Extent) -> Extent {
    (a.0 + b.0, a.1 + b.1)
}

fn charset_pair(draw: &mut Draw<'_>) -> CharsetPair {
    let encode = draw.one_of(&Charset::ALL).1;
    let wider = draw.one_of(&Charset::ALL).1;
    CharsetPair { encode, decode: if wider.reads(encode) { wider } else { encode } }
}

/// The lines of one telegram.
struct Draft<'s, 'd> {
    draw: &'s mut Draw<'d>,
    charset: CharsetPair,
    text: String,
    names: usize,
    /// How many fields may still be drawn.
    left: usize,
    /// How often each field stands there, since the blocks around it repeat.
    weight: usize,
    /// Of blocks, for the spaces before a line.
    depth: usize,
    /// Whether the field stands there that decides what is written wide.
    may_be_decided: bool,
    /// Fields that hold a key, as they are named where the next line stands.
    keys: Vec<String>,
    /// Fields that count, likewise.
    counts: Vec<String>,
}

impl<'s, 'd> Draft<'s, 'd> {
    fn new(draw: &'s mut Draw<'d>, charset: CharsetPair) -> Self {
        Self {
            draw,
            charset,
            text: String::new(),
            names: 0,
            left: FIELDS_MAX,
            weight: 1,
            depth: 0,
            may_be_decided: false,
            keys: Vec::new(),
            counts: Vec::new(),
        }
    }

    fn name(&mut self, letter: char) -> String {
        self.names += 1;
        format!("{letter}{}", self.names)
    }

    fn line(&mut self, line: &str) {
        self.text.push_str(&"  ".repeat(self.depth + 1));
        self.text.push_str(line);
        self.text.push('\n');
    }

    /// A block, `of` its parts.
    fn block<T>(&mut self, head: &str, of: impl FnOnce(&mut Self) -> T) -> T {
        let label = if self.draw.once_in(6) { " \"블록\"" } else { "" };
        self.line(&format!("{head}{label} {{"));
        self.depth += 1;
        let (keys, counts) = (self.keys.len(), self.counts.len());
        let made = of(self);
        self.keys.truncate(keys);
        self.counts.truncate(counts);
        self.depth -= 1;
        self.line("}");
        made
    }

    /// The same, said to be of one length where it is.
    fn measured(&mut self, head: &str, of: impl FnOnce(&mut Self) -> Extent) -> Extent {
        let at = self.text.len();
        let extent = self.block(head, of);
        if extent.0 == extent.1 && self.draw.once_in(3) {
            let line = self.text.get(at..).unwrap_or_default();
            let brace =
                at + line.find(" {\n").map_or(0, |end| line.find(" \"블록").map_or(end, |label| label.min(end)));
            self.text.insert_str(brace, &format!(" length {}", extent.0));
        }
        extent
    }

    fn parts(&mut self, depth: usize, moves: bool) -> Extent {
        let mut extent = self.field();
        for _ in 0..self.draw.below(if depth == 0 { 8 } else { 3 }) {
            extent = add(extent, self.part(depth, moves));
        }
        extent
    }

    fn fields_that_stay(&mut self, depth: usize) -> Extent {
        self.parts(depth, false)
    }

    fn part(&mut self, depth: usize, moves: bool) -> Extent {
        if depth >= DEPTH_MAX || self.left < self.weight * 4 {
            return self.field();
        }
        let moves_here = moves && MOVES;
        match self.draw.below(if moves_here { 18 } else { 9 }) {
            0..=4 => self.field(),
            8 if !moves_here => self.computed(depth, false),
            16 | 17 => self.computed(depth, true),
            5 => {
                let name = self.name('g');
                self.measured(&format!("group {name}"), |draft| draft.parts(depth + 1, moves))
            }
            6 | 7 if moves && self.draw.once_in(3) => self.tail(),
            6 | 7 => {
                let name = self.name('r');
                let times = 1 + self.draw.below(3);
                let (min, max) = self.repeated(&format!("repeat {name} {times}"), depth, moves, times);
                let times = u32::try_from(times).unwrap_or(1);
                (min * times, max * times)
            }
            8..=10 => {
                let known = self.counts.last().cloned().filter(|_| self.draw.once_in(5));
                let (count, count_extent) = known.map_or_else(|| self.count(), |known| (known, (0, 0)));
                self.counts.push(count.clone());
                let name = self.name('r');
                let max = 1 + self.draw.below(4);
                let padded = self.draw.once_in(3);
                let words = if padded { " padded" } else { "" };
                let head = format!("repeat {name} {count} times max {max}{words}");
                let each = self.repeated(&head, depth, moves && !padded, max).1;
                let all = each * u32::try_from(max).unwrap_or(1);
                add(count_extent, (if padded { all } else { 0 }, all))
            }
            11..=13 => {
                let (key, key_extent) = self.key();
                let extent = self.choice(&key, depth);
                add(key_extent, extent)
            }
            _ if self.draw.once_in(3) => {
                let (bitmap, bit) = (self.name('h'), 1 + self.draw.below(8));
                self.spend();
                self.line(&format!("{bitmap} X(2) by both public"));
                let extent = self.block(&format!("when {bitmap} has {bit}"), |draft| draft.parts(depth + 1, true));
                (2, 2 + extent.1)
            }
            _ => {
                let (key, key_extent) = self.key();
                let keys = *self.draw.one_of(&["\"01\"", "\"01\"|\"02\""]);
                let extent = self.block(&format!("when {key} {keys}"), |draft| draft.parts(depth + 1, true));
                add(key_extent, (0, extent.1))
            }
        }
    }

    /// Fields that say something of others, with these.
    fn computed(&mut self, depth: usize, moves: bool) -> Extent {
        let rule = *self.draw.one_of(&["luhn", "business_no", "mod10 \"12\"", "mod11 \"23456789\""]);
        let (first, second) = (self.name('f'), self.name('f'));
        self.spend();
        match self.draw.below(7) {
            0 => {
                let digits = 1 + self.draw.below(9);
                let number = format!("{first} 9({digits}) by both public signed by {second}");
                let sign = format!("{second} X(1) by both public");
                let lines = if self.draw.once_in(2) { [number, sign] } else { [sign, number] };
                lines.iter().for_each(|line| self.line(line));
                len(digits + 1)
            }
            1 => {
                let (whole, decimals) = (1 + self.draw.below(9), 1 + self.draw.below(4));
                self.line(&format!("{first} 9({whole}) by both public"));
                self.line(&format!("{second} 9({decimals}) public fraction of {first}"));
                len(whole + decimals)
            }
            2 => {
                let digits = 1 + self.draw.below(12);
                let kind = *self.draw.one_of(&["code(1)", "9(1)", "X(1)"]);
                self.line(&format!("{first} code({digits}) by both public"));
                self.line(&format!("{second} {kind} public check {rule} of {first}"));
                len(digits + 1)
            }
            3 => {
                let digits = 2 + self.draw.below(12);
                self.line(&format!("{first} code({digits}) by both public check {rule}"));
                len(digits)
            }
            4 => self.summed(&first, &second, moves),
            5 => {
                let words = *self.draw.one_of(&["", " exclusive", " exclusive minus 1", " plus 12"]);
                self.line(&format!("{first} 9(6) public length of telegram{words}"));
                len(6)
            }
            _ => self.covered(&first, depth, moves),
        }
    }

    /// Numbers that repeat, and behind or before them how many they are and what they come to.
    fn summed(&mut self, repeat: &str, number: &str, moves: bool) -> Extent {
        let (kind, each) =
            *self.draw.one_of(&[("9(3)", 3), ("9(3)V9(2)", 5), ("S9(4) packed", 3), ("S9(2) sign leading", 3)]);
        let (sum, count) = (self.name('f'), self.name('f'));
        let totals = [
            format!("{sum} S9(9)V9(2) packed public sum of {repeat}.{number}"),
            format!("{count} 9(3) public count of {repeat}"),
        ];
        let before = self.draw.once_in(2);
        if before {
            totals.iter().for_each(|line| self.line(line));
        }
        let times = 1 + self.draw.below(3);
        let line = format!("{number} {kind} by both public");
        let extent = if moves {
            let (by, extent) = self.count();
            self.block(&format!("repeat {repeat} {by} times max {times}"), |draft| draft.line(&line));
            add(extent, (0, len(each * times).1))
        } else {
            self.block(&format!("repeat {repeat} {times}"), |draft| draft.line(&line));
            len(each * times)
        };
        if !before {
            totals.iter().for_each(|line| self.line(line));
        }
        add(extent, len(6 + 3))
    }

    /// Parts, and behind or before them how long they are and their checksum.
    fn covered(&mut self, length: &str, depth: usize, moves: bool) -> Extent {
        let at = self.text.len();
        let first = format!("f{}", self.names + 1);
        let mut extent = self.field();
        if self.draw.once_in(2) {
            extent = add(extent, self.part(depth + 1, moves));
        }
        let last = format!("f{}", self.names + 1);
        extent = add(extent, self.field());
        let (kind, bytes, by) = *self.draw.one_of(&[
            ("X(2)", 2, "lrc"),
            ("9(3)", 3, "lrc"),
            ("X(4)", 4, "crc16 modbus"),
            ("9(5) binary(2) little", 2, "crc16 arc"),
            ("9(5) bcd", 3, "crc16 xmodem"),
            ("X(4)", 4, "crc16 kermit"),
            ("9(5)", 5, "crc16 ibm-3740"),
            ("X(8)", 8, "crc32 iso-hdlc"),
            ("9(10)", 10, "crc32 bzip2"),
            ("9(10) binary(4) big", 4, "crc32 iscsi"),
        ]);
        let words = *self.draw.one_of(&["", " plus 4", " minus 2"]);
        let sum = self.name('f');
        let depth = "  ".repeat(self.depth + 1);
        let lines = format!(
            "{depth}{length} 9(6) public length of {first}..{last}{words}\n{depth}{sum} {kind} secret {by} of {first}..{last}\n"
        );
        if self.draw.once_in(2) {
            self.text.insert_str(at, &lines);
        } else {
            self.text.push_str(&lines);
        }
        add(extent, len(6 + bytes))
    }

    /// One of what repeats.
    fn repeated(&mut self, head: &str, depth: usize, moves: bool, times: usize) -> Extent {
        let weight = self.weight;
        self.weight = weight * times;
        // Each occurrence of what repeats has counts of its own.
        let counts = mem::take(&mut self.counts);
        let extent = self.measured(head, |draft| draft.parts(depth + 1, moves));
        self.counts = counts;
        self.weight = weight;
        extent
    }

    fn choice(&mut self, key: &str, depth: usize) -> Extent {
        let names = [self.name('b'), self.name('b'), self.name('b'), self.name('b')];
        let count = 1 + self.draw.below(3);
        let has_rest = self.draw.once_in(2);
        self.block(&format!("choice by {key}"), |draft| {
            let mut all: Vec<Extent> = Vec::new();
            let keys = ["\"01\"|\"04\"", "\"02\"", "\"03\""];
            for (name, keys) in names.iter().zip(keys).take(count) {
                all.push(draft.measured(&format!("{keys} {name}"), |draft| draft.parts(depth + 1, true)));
            }
            if has_rest {
                all.push(draft.measured(&format!("else {}", names[3]), |draft| draft.parts(depth + 1, true)));
            }
            all.into_iter().reduce(|a, b| (a.0.min(b.0), a.1.max(b.1))).unwrap_or_default()
        })
    }

    /// Segments until the end, led by their own id.
    fn until_end(&mut self) -> Extent {
        if !MOVES || !self.draw.once_in(5) || self.left < 10 {
            return (0, 0);
        }
        let name = self.name('s');
        let max = 1 + self.draw.below(4);
        self.counts.clear();
        let segment = self.block(&format!("repeat {name} until end max {max}"), |draft| {
            let (key, extent) = draft.key();
            add(extent, draft.choice(&key, 1))
        });
        (0, segment.1 * u32::try_from(max).unwrap_or(1))
    }

    /// A text of a length that stands before it.
    fn tail(&mut self) -> Extent {
        self.spend();
        if self.draw.once_in(3) {
            let (name, max) = (self.name('m'), 1 + self.draw.below(6));
            let (class, length) = (draw_class(self.draw), *self.draw.one_of(&["LL", "LLL"]));
            let charset = self.own_charset();
            self.line(&format!("{name} X(..{max}) led by {length} by both {class}{charset}"));
            let digits = u32::try_from(length.len()).unwrap_or(2);
            return (digits, digits + u32::try_from(max).unwrap_or(1));
        }
        let (len, extent) = self.count();
        let (name, max) = (self.name('m'), 1 + self.draw.below(6));
        let class = draw_class(self.draw);
        let charset = self.own_charset();
        self.line(&format!("{name} X(length of {len} max {max}) by both {class}{charset}"));
        add(extent, (0, u32::try_from(max).unwrap_or(1)))
    }

    fn spend(&mut self) {
        self.left = self.left.saturating_sub(self.weight);
    }

    /// The field that decides what is written wide; it begins the telegram, or stands behind the header.
    fn deciding_field(&mut self) -> Extent {
        self.line("decider X(2) by both public");
        self.may_be_decided = true;
        (2, 2)
    }

    /// A field that holds a key, or one before it.
    fn key(&mut self) -> (String, Extent) {
        if let Some(known) = self.keys.last().cloned().filter(|_| self.draw.once_in(5)) {
            return (known, (0, 0));
        }
        self.spend();
        let kind = *self.draw.one_of(&["X(2)", "code(2)", "9(2)"]);
        let name = self.deciding('k', &format!("{kind} by both public"));
        self.keys.push(name.clone());
        (name, (2, 2))
    }

    fn count(&mut self) -> (String, Extent) {
        self.spend();
        let (kind, len) =
            *self.draw.one_of(&[("9(2)", 2), ("9(1)", 1), ("9(3) packed", 2), ("S9(4) binary(2) big", 2)]);
        let name = self.deciding('n', &format!("{kind} by both public"));
        (name, (len, len))
    }

    /// A field that says something of what follows, perhaps in a group; and how it is named behind it.
    fn deciding(&mut self, letter: char, said: &str) -> String {
        let name = self.name(letter);
        let line = format!("{name} {said}");
        if !self.draw.once_in(6) {
            self.line(&line);
            return name;
        }
        let group = self.name('g');
        self.block(&format!("group {group}"), |draft| draft.line(&line));
        format!("{group}.{name}")
    }

    /// Now and then a charset other than that of all.
    fn own_charset(&mut self) -> String {
        if !self.draw.once_in(4) {
            return String::new();
        }
        let CharsetPair { encode, decode } = charset_pair(self.draw);
        format!(" charset encode {encode} decode {decode}")
    }

    fn field(&mut self) -> Extent {
        self.spend();
        let name = self.name('f');
        let class = draw_class(self.draw);
        let (words, len) = self.kind();
        let label = if self.draw.once_in(4) { " \"항목\"" } else { "" };
        self.line(&format!("{name} {words} {class}{label}"));
        (len, len)
    }

    /// Kind, side and what else is said of a field; and how many bytes it has.
    fn kind(&mut self) -> (String, u32) {
        match self.draw.below(10) {
            0..=2 => self.text(),
            3..=5 => self.number(),
            6 => {
                let len = 1 + self.draw.below(9);
                let value = "0412987356".get(..len).unwrap_or_default();
                let behind = self.behind(&[&format!("= \"{value}\""), &format!("const \"{value}\"")], true);
                (format!("code({len}) {behind}"), u32::try_from(len).unwrap_or(1))
            }
            7 | 8 => {
                let (word, pattern) = *self.draw.one_of(&[
                    ("date", "YYYYMMDD"),
                    ("time", "hhmmss"),
                    ("date", "YYMMDD"),
                    ("time", "MMDDhhmmss"),
                    ("date", "MMDD"),
                    ("time", "hhmm"),
                    ("time", "YYYYMMDDhhmmss"),
                    ("date", "\"YYYY-MM-DD\""),
                    ("date", "\"YYYY/MM/DD hh:mm\""),
                ]);
                let behind = self.behind(&[], true);
                let len = pattern.trim_matches('"').len();
                let year = match pattern {
                    _ if self.draw.once_in(2) => "",
                    "YYMMDD" => *self.draw.one_of(&[" years 1950..2049", " years 1880..1979"]),
                    "MMDD" | "MMDDhhmmss" => " year nearest",
                    _ => "",
                };
                (format!("{word}({pattern}) {behind}{year}"), u32::try_from(len).unwrap_or(1))
            }
            _ => {
                let len = 1 + self.draw.below(20);
                let behind = if self.draw.once_in(2) { self.side() } else { String::new() };
                (format!("filler({len}) {behind}"), u32::try_from(len).unwrap_or(1))
            }
        }
    }

    fn side(&mut self) -> String {
        let (side, echo) = *self.draw.one_of(&[
            ("by asker", ""),
            ("by both", ""),
            ("by answerer", ""),
            ("by asker", " echo"),
            ("by none", ""),
            ("by asker", " echo in reply to notice"),
        ]);
        let optional = if side != "by none" && self.draw.once_in(3) { "?" } else { "" };
        format!("{side}{optional}{echo}")
    }

    /// What stands behind a kind: who fills it, or one of the values that it can have; and what is there if nobody does.
    fn behind(&mut self, values: &[&str], may_be_spaces: bool) -> String {
        let value = if !values.is_empty() && self.draw.once_in(8) { *self.draw.one_of(values) } else { "" };
        let mut said =
            if value.starts_with("const") { String::from(value) } else { format!("{} {value}", self.side()) };
        match self.draw.below(6) {
            4 => said.push_str(" unset zero"),
            5 if may_be_spaces => said.push_str(" unset space"),
            _ => {}
        }
        if self.draw.once_in(9) {
            said.push_str(" equal ignoring ");
            said.push_str(self.draw.word(&["zero-left", "space-right", "zero-left space-right"]));
        }
        said
    }

    fn text(&mut self) -> (String, u32) {
        if self.draw.once_in(6) {
            let (lines, each) = (1 + self.draw.below(3), 2 + self.draw.below(9));
            let behind = self.behind(&[], true) + &self.own_charset();
            return (format!("X({lines}*{each}) {behind}"), u32::try_from(lines * each).unwrap_or(1));
        }
        let len = 1 + self.draw.below(30);
        let values = if len >= 2 { &["= \"AB\"", "const \"CD\""][..] } else { &[] };
        let mut said = self.behind(values, true);
        let is_given = !said.contains('"');
        let mut charset = self.charset;
        if self.draw.once_in(3) {
            charset = charset_pair(self.draw);
            said.push_str(&format!(" charset encode {} decode {}", charset.encode, charset.decode));
        }
        if self.draw.once_in(4) {
            said.push_str(" right");
        }
        if self.draw.once_in(4) {
            said.push_str(self.draw.word(&[" pad \"0\"", " pad \"*\"", " pad 0x00", " pad \" \""]));
        }
        if is_given && charset.encode.has_wide() && self.draw.once_in(6) {
            let when = if self.may_be_decided { &[" wide", " wide when decider in some"][..] } else { &[" wide"] };
            said.push_str(self.draw.word(when));
        }
        if self.draw.once_in(5) {
            let modes: Vec<&str> = TextMode::ALL
                .into_iter()
                .filter(|(_, mode)| mode.is_of(charset.decode))
                .map(|(word, _)| word)
                .collect();
            let first = self.draw.below(modes.len());
            let count = 1 + self.draw.below(modes.len() - first);
            let modes = modes.get(first..first + count).unwrap_or_default();
            said.push_str(&format!(" lenient {}", modes.join(" ")));
        }
        let (led, more) = if self.draw.once_in(8) { (format!(" led by \"{len:02}\""), 2) } else { (String::new(), 0) };
        (format!("X({len}) {said}{led}"), u32::try_from(len + more).unwrap_or(1))
    }

    fn number(&mut self) -> (String, u32) {
        let is_ebcdic = self.charset.encode.is_ebcdic();
        let digits_max = if self.draw.once_in(5) { 38 } else { 12 };
        let digits = 1 + self.draw.below(digits_max);
        let scale = if digits > 1 { self.draw.below(digits.min(5)) } else { 0 };
        let whole = digits - scale;
        let plain = if scale > 0 { format!("9({whole})V9({scale})") } else { format!("9({whole})") };
        let pointed = if scale > 0 { format!("9({whole}).9({scale})") } else { plain.clone() };
        let point = usize::from(scale > 0);
        let zones = if !is_ebcdic && self.draw.once_in(2) { " ascii" } else { "" };
        let order = *self.draw.one_of(&["big", "little"]);
        // As few bytes as ever hold a number of so many digits, of which they need not hold the largest.
        let bytes = [(3, 1), (5, 2), (7, 3), (10, 4), (12, 5), (19, 8), (38, 16)];
        let bytes = bytes.iter().find(|(most, _)| digits <= *most).map_or(16, |(_, bytes)| *bytes);
        let sign = *self.draw.one_of(&["", "S"]);
        let (kind, len, modes) = match self.draw.below(12) {
            0..=2 => (plain, digits, &[0][..]),
            3 => (format!("S{plain} sign leading"), digits + 1, &[0, 1, 2][..]),
            4 => (format!("S{plain} sign trailing"), digits + 1, &[0, 1, 2][..]),
            5 => (format!("S{plain} overpunch leading{zones}"), digits, &[0, 1][..]),
            6 => (format!("S{plain} overpunch trailing{zones}"), digits, &[0, 1][..]),
            7 => (pointed, digits + point, &[0][..]),
            8 if self.draw.once_in(2) => (format!("S{pointed} sign trailing"), digits + point + 1, &[0, 1, 2][..]),
            8 => (format!("S{pointed} sign leading"), digits + point + 1, &[0, 1, 2][..]),
            9 => {
                (format!("{sign}{plain} packed"), digits / 2 + 1, if sign.is_empty() { &[3][..] } else { &[1, 3][..] })
            }
            10 => (format!("{plain} bcd"), digits.div_ceil(2), &[][..]),
            _ => (
                format!("{sign}{plain} binary({bytes}) {order}"),
                bytes,
                if sign.is_empty() { &[][..] } else { &[1][..] },
            ),
        };
        let may_be_spaces = !kind.contains("bcd") && !kind.contains("binary");
        let values = if kind.starts_with('S') { &["= -1", "= 0", "const -1"] } else { &["= 1", "= 0", "const 1"] };
        let mut behind = self.behind(values, may_be_spaces);
        if may_be_spaces {
            behind.push_str(self.draw.word(&["", "", "", "", " blank null", " blank zero"]));
        }
        if !modes.is_empty() && self.draw.once_in(6) {
            let mode = *self.draw.one_of(modes);
            let (word, _) = NumberModes::ALL.get(mode).copied().expect("a mode");
            behind.push_str(&format!(" lenient {word}"));
        }
        (format!("{kind} {behind}"), u32::try_from(len).unwrap_or(1))
    }
}

fn draw_class(draw: &mut Draw<'_>) -> &'static str {
    draw.one_of(&Class::ALL).0
}
