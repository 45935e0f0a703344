use alloc::boxed::Box;
use alloc::string::String;
use core::fmt;

use crate::cell::Cell;
use crate::charset::Charset;
use crate::class::Class;
use crate::field::{Field, FieldId};
use crate::layout::Layout;
use crate::mask::{hex, masked_by_class};
use crate::nearest::nearest;

/// What is wrong with one field: where it is, which bytes, which rule. Bytes of a field that is not public print masked.
///
/// `Display` is one line for people: code, field, place, what is wrong, how to mend it, and the bytes. `Debug` is the same
/// line, so that neither gives away what the class hides.
#[derive(Clone, PartialEq, Eq)]
pub struct Fault {
    /// The field's path, or the telegram's name if no field is to blame.
    pub field: Box<str>,
    /// Of the field's first byte in the telegram.
    pub offset: u32,
    /// Length of the field in bytes.
    pub len: u32,
    /// The field's class, which decides what [`core::fmt::Display`] shows of the bytes.
    pub class: Class,
    /// The bytes that were read, or that the value would have become, or the value as it was given if it would have become
    /// none; empty if there is no value, or one that the charset cannot write. Never printed unmasked.
    pub bytes: Box<[u8]>,
    /// What the bytes are written in.
    pub charset: Charset,
    /// What they break.
    pub rule: Rule,
}

/// The rule that a field breaks. Codes are stable: `T` and two digits ([`Rule::code`]).
///
/// Neither `Display` nor `Debug` shows anything of a value: a rule does not know how confidential its field is.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Rule {
    /// The telegram is not as long as its layout says.
    Length {
        /// In bytes.
        expected: u32,
        /// In bytes.
        found: u32,
    },
    /// A byte of a number or code is not a digit.
    NotDigits,
    /// No such date or time.
    NotDate {
        /// The pattern.
        pattern: Box<str>,
    },
    /// Bytes that the charset does not have.
    NotText,
    /// A character of several bytes of which some are missing.
    HalfCharacter,
    /// A character that the charset cannot write.
    Unmappable {
        /// The character.
        character: char,
        /// Which character of the value it is, from 1.
        position: u32,
        /// The charset.
        charset: Charset,
    },
    /// The value is longer than the field.
    Overflow {
        /// Bytes that the value needs.
        needed: u32,
    },
    /// The value is shorter than a field that takes no padding.
    TooShort {
        /// Bytes that the value has.
        found: u32,
    },
    /// More decimals than the field has.
    TooPrecise {
        /// Decimals of the value.
        scale: u8,
    },
    /// A negative number for a field without a sign.
    Negative,
    /// Text for a number, a number for text.
    WrongKind {
        /// What the field takes.
        expected: &'static str,
    },
    /// Not the constant that the spec states.
    NotConst {
        /// The constant.
        expected: Box<[u8]>,
    },
    /// The side that fills the telegram must give this field.
    Missing,
    /// The side that fills the telegram may not give this field.
    NotYours {
        /// Who fills it.
        by: &'static str,
    },
    /// The caller gives this field more than once.
    Twice,
    /// The telegram ends before the field does.
    CutShort {
        /// Bytes of the field that are there.
        found: u32,
    },
    /// No sign where the sign of a number stands.
    NotSign,
    /// A negative number that is nought.
    NegativeZero,
    /// No point where the point of a number stands.
    NoPoint,
    /// More digits than the number has.
    TooManyDigits {
        /// Those of the value, zeros before them not counted.
        digits: u32,
        /// Those of the number.
        max: u8,
    },
    /// As many digits as the number may have, and yet more than its bytes hold.
    TooLarge {
        /// How many bytes.
        bytes: u8,
    },
    /// Not what the rest of the telegram says of the field.
    NotComputed {
        /// What it says.
        expected: Box<str>,
    },
    /// The check digit is another one.
    BadCheckDigit,
    /// No such field in this telegram.
    Unknown {
        /// The name that is nearest, if one is near.
        nearest: Option<String>,
    },
    /// Two-byte characters behind SO, and no SI behind them.
    UnclosedRun,
    /// SI where no run of two-byte characters is open, or SO where one is.
    StrayShift,
    /// A run of two-byte characters that is empty, or that ends where the next one begins: it would be written in other bytes.
    BrokenRun,
    /// A count beyond the most that there is room for.
    Times {
        /// What it says.
        found: u32,
        /// The most.
        max: u16,
    },
    /// A count of more than the rest of the telegram holds.
    Beyond {
        /// What it says.
        times: u32,
        /// What that needs at least, in bytes.
        needed: u32,
        /// What is left, in bytes.
        left: u32,
    },
    /// A line that is wider than the lines of its field.
    Line {
        /// Which one, from 1.
        line: u32,
        /// What it needs, in bytes.
        needed: u32,
        /// What it has, in bytes.
        each: u32,
    },
    /// A length beyond the most that there is room for.
    Reach {
        /// What it says, in bytes.
        found: u32,
        /// The most, in bytes.
        max: u32,
    },
    /// A date of which the year is not said in full, nor how it is known.
    WhichYear,
    /// A bitmap that is not written in hexadecimal digits.
    NotHex,
    /// A key that none of the branches has.
    NoBranch,
    /// Not left unset, although it is behind the last occurrence.
    Behind,
    /// An occurrence is given, but not the one before it.
    Hole {
        /// The first that is missing.
        index: u16,
    },
    /// A field that this telegram does not have: of another branch, under a condition that does not hold.
    NotHere,
    /// A count that is not what is given.
    Miscounted {
        /// How many are given.
        given: u32,
    },
}

impl Fault {
    #[cold]
    pub(crate) fn new(field: &Field, bytes: &[u8], rule: Rule) -> Self {
        Self {
            field: field.path.clone(),
            offset: field.at.offset,
            len: field.at.len,
            class: field.class,
            bytes: bytes.into(),
            charset: field.charset.decode,
            rule,
        }
    }

    /// Of one occurrence of a field, with its indices and at its place in the telegram.
    #[cold]
    pub(crate) fn of_cell(cell: &Cell<'_>, bytes: &[u8], rule: Rule) -> Self {
        let path = if cell.indices.as_slice().is_empty() {
            cell.field.path.clone()
        } else {
            alloc::format!("{}", cell.path()).into()
        };
        Self { field: path, offset: cell.at.offset, len: cell.at.len, ..Self::new(cell.field, bytes, rule) }
    }

    /// What is wrong with a value as it was given, which is UTF-8 if it is text.
    #[cold]
    pub(crate) fn given(field: &Field, bytes: &[u8], rule: Rule) -> Self {
        Self { charset: Charset::Utf8, ..Self::new(field, bytes, rule) }
    }

    /// What is wrong with a telegram as a whole, which no field is to blame for.
    #[must_use]
    pub fn of_telegram(layout: &Layout, rule: Rule) -> Self {
        Self {
            field: layout.name().into(),
            offset: 0,
            len: layout.len(),
            class: Class::Public,
            bytes: Box::default(),
            charset: Charset::Ascii,
            rule,
        }
    }

    /// A field that the layout has, and this telegram has not.
    pub(crate) fn not_here(layout: &Layout, path: &str, id: FieldId) -> Self {
        let (class, len) = layout.field(id).map_or((Class::Secret, 0), |field| (field.class, field.at.len));
        Self { field: path.into(), class, len, ..Self::of_telegram(layout, Rule::NotHere) }
    }

    pub(crate) fn unknown(layout: &Layout, name: &str) -> Self {
        let nearest = nearest(name, layout.fields().iter().map(|field| &*field.path)).map(String::from);
        Self { field: name.into(), ..Self::of_telegram(layout, Rule::Unknown { nearest }) }
    }

    /// The bytes as they may be shown to anybody: `(raw in hex, value as text)`, as [`crate::masked`] gives them; nothing of digits that
    /// are too many for a public field.
    #[must_use]
    pub fn masked(&self) -> (String, String) {
        let class = if self.is_misplaced() { Class::Identity } else { self.class };
        masked_by_class(class, self.charset, &self.bytes)
    }

    /// More digits than the field has may be an account's that was given to the wrong field, of which its class does not know.
    fn is_misplaced(&self) -> bool {
        let is_long = u32::try_from(self.bytes.len()).is_ok_and(|bytes| bytes > self.len);
        let is_text = match self.charset.decode(&self.bytes) {
            Ok(text) => text.chars().any(|character| character.is_ascii_alphabetic() || !character.is_ascii()),
            Err(_) => self.bytes.iter().any(|byte| byte.is_ascii_alphabetic() || !byte.is_ascii()),
        };
        self.class == Class::Public && is_long && !is_text
    }

    /// The stable code of the rule.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        self.rule.code()
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        /// More would hide the sentence.
        const BYTES_SHOWN_MAX: usize = 64;
        write!(f, "{} {}", self.rule.code(), self.field)?;
        if !matches!(self.rule, Rule::Unknown { .. } | Rule::Hole { .. } | Rule::NotHere) {
            write!(f, " at byte {} ({})", self.offset, Count(self.len, "byte"))?;
        }
        write!(f, ": {}", self.rule)?;
        match &self.rule {
            Rule::Unmappable { character, .. } if self.class == Class::Public => {
                write!(f, "; it is {character:?}, U+{:04X}", u32::from(*character))?;
            }
            Rule::NotComputed { expected } if self.class == Class::Public && !expected.is_empty() => {
                write!(f, "; expected {expected}")?;
            }
            Rule::NotConst { expected } if self.class == Class::Public => match self.charset.decode(expected) {
                Ok(text) => write!(f, "; expected {} ({text:?})", hex(expected))?,
                Err(_) => write!(f, "; expected {} ({:?})", hex(expected), Ascii(expected))?,
            },
            _ => {}
        }
        if self.bytes.is_empty() || self.class == Class::Secret || self.is_misplaced() {
            return Ok(());
        }
        let (hex, text) = self.masked();
        let shown = hex.char_indices().nth(BYTES_SHOWN_MAX * 3).map(|(at, _)| at);
        match shown.and_then(|end| hex.get(..end)) {
            Some(start) => write!(f, "; bytes {start}... ({} of them)", self.bytes.len()),
            None => write!(f, "; bytes {hex} ({text:?})"),
        }
    }
}

impl fmt::Debug for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fault({self})")
    }
}

impl core::error::Error for Fault {}

/// What is wrong and how to mend it, without the field and without anything of the value.
impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Length { expected, found } if found < expected => {
                write!(f, "{}, {} too few; the layout has {expected}", Count(*found, "byte"), expected - found)
            }
            Self::Length { expected, found } => {
                write!(f, "{}, {} too many; the layout has {expected}", Count(*found, "byte"), found.saturating_sub(*expected))
            }
            Self::NotDigits => {
                f.write_str("not all digits; write digits only, right-aligned and filled with zeros on the wire")
            }
            Self::NotDate { pattern } => write!(f, "no such date or time; write {pattern}"),
            Self::NotText => {
                f.write_str("bytes that the charset does not have; compare the charset in the spec with the sender's")
            }
            Self::HalfCharacter => {
                f.write_str("a character is cut in two; whoever filled the field must cut between characters")
            }
            Self::Unmappable { position, charset, .. } => {
                write!(f, "{charset} cannot write character {position} of the value; replace it before the call")
            }
            Self::Overflow { needed } => write!(f, "the value needs {}; shorten it, nothing is cut here", Count(*needed, "byte")),
            Self::TooShort { found } => {
                write!(f, "the value has {}, and this field takes no padding; give all of them", Count(*found, "byte"))
            }
            Self::TooPrecise { scale } => {
                write!(f, "the value has {}, more than the field; round it before the call", Count(u32::from(*scale), "decimal"))
            }
            Self::NotSign => f.write_str("no sign where the sign stands; compare its place and its form with the document"),
            Self::NegativeZero => {
                f.write_str("nought with a minus sign, which would not be written back; ask whoever filled it, or say `lenient negative_zero`")
            }
            Self::NoPoint => f.write_str("no `.` where the point stands; compare the digits with the document"),
            Self::TooManyDigits { digits, max } => {
                write!(f, "{}, and the number has {max}; give a smaller number", Count(*digits, "digit"))
            }
            Self::TooLarge { bytes } => {
                write!(f, "the largest number of {} is smaller; give a smaller one", Count(u32::from(*bytes), "byte"))
            }
            Self::NotComputed { .. } => {
                f.write_str("not what the rest of the telegram says; leave it out to have it written, or ask whoever filled it")
            }
            Self::BadCheckDigit => f.write_str("the check digit is not that of the digits; look for a mistake in them"),
            Self::Negative => f.write_str("a negative number, and the field has no sign; give 0 or more"),
            Self::WrongKind { expected } => write!(f, "the field takes {expected}; give it as that"),
            Self::NotConst { .. } => {
                f.write_str("not the constant that the spec states; leave the field out, or correct the spec if the document says otherwise")
            }
            Self::Missing => f.write_str("no value; give one"),
            Self::NotYours { by } => write!(f, "filled by {by}; leave it out"),
            Self::Unknown { nearest: Some(nearest) } => {
                write!(f, "no such field in the telegram; did you mean {nearest}?")
            }
            Self::Unknown { nearest: None } => {
                f.write_str("no such field in the telegram; look its fields up in the spec")
            }
            Self::Twice => f.write_str("given twice; give it once"),
            Self::UnclosedRun => {
                f.write_str("no SI (0f) behind two-byte characters; whoever filled the field must close them before the padding")
            }
            Self::StrayShift => {
                f.write_str("SI (0f) without SO, or SO (0e) behind SO; whoever filled the field must begin and end two-byte characters once")
            }
            Self::BrokenRun => {
                f.write_str("SO SI with nothing between, or SI SO; whoever filled the field must write two-byte characters in one run")
            }
            Self::Times { found, max } => {
                write!(f, "says {}, and there is room for {max}; correct the count, or `max` in the spec", Count(*found, "time"))
            }
            Self::Beyond { times, needed, left } => {
                write!(
                    f,
                    "says {}, which needs {}, and {} left; the count or the length is wrong",
                    Count(*times, "time"),
                    Count(*needed, "byte"),
                    Left(*left)
                )
            }
            Self::Line { line, needed, each } => {
                write!(f, "line {line} needs {}, and a line has {each}; break it before the call", Count(*needed, "byte"))
            }
            Self::Reach { found, max } => {
                write!(f, "says {}, and there is room for {max}; correct the length, or `max` in the spec", Count(*found, "byte"))
            }
            Self::WhichYear => f.write_str(
                "the year is not said in full; say `years 1980..2079` or `year nearest` on the field, if the document says which it is",
            ),
            Self::NotHex => f.write_str("not all hexadecimal digits; which fields follow cannot be told"),
            Self::NoBranch => f.write_str("no branch of the spec has this key; what follows cannot be read"),
            Self::Behind => f.write_str("behind the last one that is counted, and not left unset; correct the count"),
            Self::Hole { index } => write!(f, "number {index} is missing, and one behind it is given; count from 0 without a hole"),
            Self::NotHere => {
                f.write_str("the telegram has no such field: its key, condition or count says so; leave it out, or correct that")
            }
            Self::Miscounted { given } => write!(f, "{} given; leave the count out, it is written by itself", Given(*given)),
            Self::CutShort { found } => {
                write!(f, "the telegram ends after {} of the field; its sender and the spec disagree about the length", Count(*found, "byte"))
            }
        }
    }
}

impl fmt::Debug for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({self})", self.code())
    }
}

/// How many of what.
struct Count(u32, &'static str);

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}{}", self.0, self.1, if self.0 == 1 { "" } else { "s" })
    }
}

/// `1 byte is`, `3 bytes are`.
struct Left(u32);

impl fmt::Display for Left {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", Count(self.0, "byte"), if self.0 == 1 { "is" } else { "are" })
    }
}

/// `1 is`, `3 are`.
struct Given(u32);

impl fmt::Display for Given {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.0, if self.0 == 1 { "is" } else { "are" })
    }
}

/// Bytes as text for people: what is not ASCII is escaped.
struct Ascii<'b>(&'b [u8]);

impl fmt::Debug for Ascii<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.0.escape_ascii())
    }
}

impl Rule {
    /// The stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Length { .. } => "T01",
            Self::NotDigits => "T02",
            Self::NotDate { .. } => "T03",
            Self::NotText => "T04",
            Self::HalfCharacter => "T05",
            Self::Unmappable { .. } => "T06",
            Self::Overflow { .. } => "T07",
            Self::TooShort { .. } => "T08",
            Self::TooPrecise { .. } => "T09",
            Self::Negative => "T10",
            Self::WrongKind { .. } => "T11",
            Self::NotConst { .. } => "T12",
            Self::Missing => "T13",
            Self::NotYours { .. } => "T14",
            Self::Unknown { .. } => "T15",
            Self::Twice => "T16",
            Self::CutShort { .. } => "T17",
            Self::UnclosedRun => "T40",
            Self::StrayShift => "T41",
            Self::BrokenRun => "T42",
            Self::NotSign => "T45",
            Self::NegativeZero => "T46",
            Self::NoPoint => "T47",
            Self::TooManyDigits { .. } => "T48",
            Self::TooLarge { .. } => "T49",
            Self::NotComputed { .. } => "T50",
            Self::BadCheckDigit => "T51",
            Self::Times { .. } => "T55",
            Self::Beyond { .. } => "T56",
            Self::NoBranch => "T57",
            Self::Behind => "T58",
            Self::Hole { .. } => "T59",
            Self::NotHere => "T60",
            Self::Miscounted { .. } => "T61",
            Self::Line { .. } => "T62",
            Self::Reach { .. } => "T63",
            Self::NotHex => "T64",
            Self::WhichYear => "T70",
        }
    }
}

#[cfg(test)]
mod tests {
    use std::string::ToString;
    use std::vec::Vec;
    use std::{format, vec};

    use super::*;
    use crate::draft::{layout, text};

    fn every_rule() -> Vec<Rule> {
        vec![
            Rule::Length { expected: 300, found: 299 },
            Rule::NotDigits,
            Rule::NotDate { pattern: "YYYYMMDD".into() },
            Rule::NotText,
            Rule::HalfCharacter,
            Rule::Unmappable { character: '똠', position: 3, charset: Charset::EucKr },
            Rule::Overflow { needed: 17 },
            Rule::TooShort { found: 1 },
            Rule::TooPrecise { scale: 3 },
            Rule::Negative,
            Rule::WrongKind { expected: "text" },
            Rule::NotConst { expected: (*b"100").into() },
            Rule::Missing,
            Rule::NotYours { by: "the gateway" },
            Rule::Unknown { nearest: None },
            Rule::Twice,
            Rule::CutShort { found: 1 },
            Rule::UnclosedRun,
            Rule::StrayShift,
            Rule::BrokenRun,
            Rule::NotSign,
            Rule::NegativeZero,
            Rule::NoPoint,
            Rule::TooManyDigits { digits: 5, max: 4 },
            Rule::TooLarge { bytes: 2 },
            Rule::NotComputed { expected: "300".into() },
            Rule::BadCheckDigit,
            Rule::Times { found: 31, max: 30 },
            Rule::Beyond { times: 3, needed: 294, left: 1 },
            Rule::NoBranch,
            Rule::Behind,
            Rule::Hole { index: 2 },
            Rule::NotHere,
            Rule::Miscounted { given: 1 },
            Rule::Line { line: 2, needed: 36, each: 35 },
            Rule::Reach { found: 201, max: 200 },
            Rule::NotHex,
            Rule::WhichYear,
        ]
    }

    #[test]
    fn every_rule_has_its_code_and_its_sentence() {
        let rules = every_rule();
        let codes: Vec<&str> = rules.iter().map(Rule::code).collect();
        assert!(codes.is_sorted_by(|a, b| a < b), "{codes:?}");
        assert!(codes.iter().all(|code| code.len() == 3 && code.starts_with('T')), "{codes:?}");
        let lines: Vec<String> = rules.iter().map(|rule| format!("{} {rule}", rule.code())).collect();
        insta::assert_snapshot!(lines.join("\n"));
    }

    #[test]
    fn a_public_fault_shows_its_bytes_and_a_long_one_their_beginning() {
        let layout = layout(vec![text("f", 4)]);
        let fault = |bytes: &[u8]| Fault::new(&layout.fields()[0], bytes, Rule::NotText).to_string();
        assert!(fault(b"ab\xC8\xAB").ends_with("; bytes 61 62 c8 ab (\"ab홍\")"));
        let long = fault(&[b'a'; 1_000]);
        assert!(long.ends_with("61 ... (1000 of them)"), "{long}");
        assert_eq!(long.matches("61 ").count(), 64);
        assert!(!fault(b"").contains("bytes ("));
    }

    #[test]
    fn digits_that_are_too_many_are_counted_and_not_shown() {
        let layout = layout(vec![text("f", 4)]);
        let fault = |bytes: &[u8], rule| Fault::new(&layout.fields()[0], bytes, rule);
        let overflow = |bytes: &[u8]| fault(bytes, Rule::Overflow { needed: 14 });
        for account in [&b"11012345678901"[..], b"110-123-456789"] {
            let sentence = "f at byte 0 (4 bytes): the value needs 14 bytes; shorten it, nothing is cut here";
            assert_eq!(overflow(account).to_string(), format!("T07 {sentence}"));
            let (hex, value) = overflow(account).masked();
            assert_eq!((hex, value), (vec!["**"; 14].join(" "), "*".repeat(14)));
            assert!(!fault(account, Rule::NotDigits).to_string().contains("; bytes"));
        }
        assert!(overflow(b"no account at all").to_string().contains("no account at all"));
        assert!(fault(b"12a4", Rule::NotDigits).to_string().ends_with("(\"12a4\")"));
    }

    #[test]
    fn a_length_is_told_from_both_sides() {
        let sentence = |found| Rule::Length { expected: 300, found }.to_string();
        assert_eq!(sentence(299), "299 bytes, 1 too few; the layout has 300");
        assert_eq!(sentence(304), "304 bytes, 4 too many; the layout has 300");
    }
}
