use alloc::boxed::Box;
use alloc::string::String;

use crate::class::Class;

/// What is wrong with one field: where it is, which bytes, which rule. Bytes of a field that is not public print masked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The field's path, or the telegram's name if no field is to blame.
    pub field: Box<str>,
    /// Of the field's first byte in the telegram.
    pub offset: u32,
    /// Length of the field in bytes.
    pub len: u32,
    /// The field's class, which decides what [`core::fmt::Display`] shows of the bytes.
    pub class: Class,
    /// The bytes that were read, or that the value would have become. Never printed unmasked.
    pub bytes: Box<[u8]>,
    /// What they break.
    pub rule: Rule,
}

/// The rule that a field breaks. Codes are stable: `T` and two digits ([`Rule::code`]).
#[derive(Clone, Debug, PartialEq, Eq)]
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
    /// A two-byte character of which one half is missing.
    HalfCharacter,
    /// A character that the charset cannot write.
    Unmappable {
        /// The character.
        character: char,
        /// The charset.
        charset: crate::charset::Charset,
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
    /// No such field in this telegram.
    Unknown {
        /// The name that is nearest, if one is near.
        nearest: Option<String>,
    },
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
        }
    }
}
