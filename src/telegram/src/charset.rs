use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use serde::{Deserialize, Serialize};

use crate::fault::Rule;

mod ebcdic;
mod grid;
mod korean;
mod shifted;
mod utf8;

pub(crate) use korean::{SYLLABLES, hangul, korean_pair};
pub(crate) use shifted::SI;

/// A way to write text as bytes. "EUC-KR" and "CP949" mean different things to different programs; these names do not.
///
/// Control characters (below U+0020, and U+007F to U+009F) belong to no text of a telegram and are refused in each of them, both
/// ways. No character can be written in two ways, so that what was read is written as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Charset {
    /// 0x20 to 0x7E only.
    Ascii,
    /// KS X 1001 in two bytes, both at or above 0xA1: 2,350 Hangul syllables, 8,226 characters of two bytes. What is only in
    /// cp949 is refused. glibc and Java know one character more (0xA2E8, U+327E), which cp949 does not have.
    EucKr,
    /// Microsoft's extension with all 11,172 syllables (WHATWG "euc-kr"): 17,048 characters of two bytes. A second byte may be
    /// an ASCII letter. The user-defined rows that Java maps (0xC9, 0xFE) are refused.
    Cp949,
    /// Java's x-windows-949: cp949, and the 188 characters of its user-defined rows as U+E000 to U+E0BB.
    Ms949,
    /// Unicode in one to four bytes.
    #[serde(rename = "utf-8")]
    Utf8,
    /// EBCDIC, United States.
    #[serde(rename = "ebcdic-037")]
    Ebcdic037,
    /// EBCDIC, international.
    #[serde(rename = "ebcdic-500")]
    Ebcdic500,
    /// EBCDIC, open systems.
    #[serde(rename = "ebcdic-1047")]
    Ebcdic1047,
    /// 037 with the euro.
    #[serde(rename = "ebcdic-1140")]
    Ebcdic1140,
    /// Korean EBCDIC with 2,620 syllables. Characters of two bytes stand between SO (0x0E) and SI (0x0F), which are two bytes of the
    /// field for each run of them.
    #[serde(rename = "ebcdic-933")]
    Ebcdic933,
    /// 933 with all 11,172 syllables.
    #[serde(rename = "ebcdic-1364")]
    Ebcdic1364,
}

impl Charset {
    /// Every charset with the word that specs use.
    pub const ALL: [(&'static str, Self); 11] = [
        ("ascii", Self::Ascii),
        ("euc-kr", Self::EucKr),
        ("cp949", Self::Cp949),
        ("ms949", Self::Ms949),
        ("utf-8", Self::Utf8),
        ("ebcdic-037", Self::Ebcdic037),
        ("ebcdic-500", Self::Ebcdic500),
        ("ebcdic-1047", Self::Ebcdic1047),
        ("ebcdic-1140", Self::Ebcdic1140),
        ("ebcdic-933", Self::Ebcdic933),
        ("ebcdic-1364", Self::Ebcdic1364),
    ];

    /// The word that specs use.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Ascii => "ascii",
            Self::EucKr => "euc-kr",
            Self::Cp949 => "cp949",
            Self::Ms949 => "ms949",
            Self::Utf8 => "utf-8",
            Self::Ebcdic037 => "ebcdic-037",
            Self::Ebcdic500 => "ebcdic-500",
            Self::Ebcdic1047 => "ebcdic-1047",
            Self::Ebcdic1140 => "ebcdic-1140",
            Self::Ebcdic933 => "ebcdic-933",
            Self::Ebcdic1364 => "ebcdic-1364",
        }
    }

    /// Whether letters, digits and spaces are those of EBCDIC. In all other charsets they are those of ASCII.
    #[must_use]
    #[inline]
    pub const fn is_ebcdic(self) -> bool {
        matches!(
            self,
            Self::Ebcdic037
                | Self::Ebcdic500
                | Self::Ebcdic1047
                | Self::Ebcdic1140
                | Self::Ebcdic933
                | Self::Ebcdic1364
        )
    }

    /// Whether characters of two bytes stand between SO and SI.
    #[must_use]
    pub const fn is_shifted(self) -> bool {
        matches!(self, Self::Ebcdic933 | Self::Ebcdic1364)
    }

    /// Whether it has full-width letters and digits.
    #[must_use]
    pub const fn has_wide(self) -> bool {
        self.is_shifted() || matches!(self, Self::EucKr | Self::Cp949 | Self::Ms949 | Self::Utf8)
    }

    /// Whether text can be padded with this byte on either side: it is no part of a longer character, and no shift.
    #[must_use]
    pub const fn pads(self, byte: u8) -> bool {
        // Below the letters no charset of ASCII's kind has a second byte; of EBCDIC's, none is one outside of a run.
        if self.is_ebcdic() { !matches!(byte, shifted::SO | SI) } else { byte < 0x41 }
    }

    /// The byte of a space: 0x20 or 0x40.
    #[must_use]
    #[inline]
    pub const fn blank(self) -> u8 {
        if self.is_ebcdic() { 0x40 } else { b' ' }
    }

    /// The byte of the digit 0, behind which the other digits stand: 0x30 or 0xF0.
    #[must_use]
    #[inline]
    pub const fn digit_zero(self) -> u8 {
        if self.is_ebcdic() { 0xF0 } else { b'0' }
    }

    /// The byte of an ASCII character, or `None` if the charset has it not, or not as one byte.
    #[must_use]
    pub fn byte(self, ascii: u8) -> Option<u8> {
        match self.is_ebcdic() {
            _ if !is_printable(ascii) => None,
            true => ebcdic::byte(self, char::from(ascii)),
            false => Some(ascii),
        }
    }

    /// Whether everything that is written in the other charset reads as the same text in this one.
    #[must_use]
    pub const fn reads(self, written: Self) -> bool {
        matches!(
            (self, written),
            (Self::EucKr | Self::Cp949 | Self::Ms949 | Self::Utf8, Self::Ascii)
                | (Self::Cp949 | Self::Ms949, Self::EucKr)
                | (Self::Ms949, Self::Cp949)
                | (Self::Ebcdic1364, Self::Ebcdic933)
        ) || self as u8 == written as u8
    }

    /// Reads bytes, all of them: padding must be off already. ASCII is borrowed; anything else is made when asked for.
    ///
    /// # Errors
    /// As [`Charset::decode_into`].
    pub fn decode(self, bytes: &[u8]) -> Result<Cow<'_, str>, Rule> {
        if let Some(text) = self.plain(bytes) {
            return Ok(Cow::Borrowed(text));
        }
        if self == Self::Utf8 {
            return utf8::decode(bytes).map(Cow::Borrowed);
        }
        let mut text = String::new();
        self.decode_into(bytes, &mut text)?;
        Ok(Cow::Owned(text))
    }

    /// Reads bytes, all of them, behind what `out` holds. Allocates only if `out` has less room left than one and a half times as many
    /// bytes as are read, so that one text can serve for many fields.
    ///
    /// # Errors
    /// [`Rule::HalfCharacter`] if a part of a character is missing, [`Rule::UnclosedRun`], [`Rule::StrayShift`] or [`Rule::BrokenRun`]
    /// if SO and SI do not stand as they are written, [`Rule::NotText`] for any other byte that the charset does not have. Nothing
    /// becomes U+FFFD; `out` is as it was.
    #[inline]
    pub fn decode_into(self, bytes: &[u8], out: &mut String) -> Result<(), Rule> {
        self.read_into(bytes, false, out)
    }

    /// As [`Charset::decode_into`]; `loose` lets runs of two-byte characters be empty, or end where the next one begins.
    #[inline]
    pub(crate) fn read_into(self, bytes: &[u8], loose: bool, out: &mut String) -> Result<(), Rule> {
        let start = out.len();
        let read = match self {
            Self::Ascii => match plain(bytes) {
                Some(text) => {
                    out.push_str(text);
                    Ok(())
                }
                None => Err(Rule::NotText),
            },
            Self::EucKr | Self::Cp949 | Self::Ms949 => korean::decode(self, bytes, out),
            Self::Utf8 => utf8::decode(bytes).map(|text| out.push_str(text)),
            Self::Ebcdic933 | Self::Ebcdic1364 => shifted::decode(self, bytes, loose, out),
            Self::Ebcdic037 | Self::Ebcdic500 | Self::Ebcdic1047 | Self::Ebcdic1140 => ebcdic::decode(self, bytes, out),
        };
        if read.is_err() {
            out.truncate(start);
        }
        read
    }

    /// Writes text behind what `out` holds. Allocates only if `out` has less room left than the text has bytes (in ebcdic-933 and
    /// ebcdic-1364: than it needs).
    ///
    /// # Errors
    /// [`Rule::Unmappable`] for the first character that the charset cannot write. Nothing becomes '?' or an HTML entity; `out`
    /// is as it was.
    #[inline]
    pub fn encode(self, text: &str, out: &mut Vec<u8>) -> Result<(), Rule> {
        if !self.is_ebcdic() && plain(text.as_bytes()).is_some() {
            out.extend_from_slice(text.as_bytes());
            return Ok(());
        }
        let start = out.len();
        let written = match self {
            Self::Ascii => text.chars().enumerate().find(|(_, found)| !is_character(*found)).map_or(Ok(()), Err),
            Self::EucKr | Self::Cp949 | Self::Ms949 => korean::encode(self, text, out),
            Self::Utf8 => utf8::check(text).map(|()| out.extend_from_slice(text.as_bytes())),
            Self::Ebcdic933 | Self::Ebcdic1364 => shifted::encode(self, text, out),
            Self::Ebcdic037 | Self::Ebcdic500 | Self::Ebcdic1047 | Self::Ebcdic1140 => ebcdic::encode(self, text, out),
        };
        written.map_err(|(at, character)| {
            out.truncate(start);
            let position = u32::try_from(at).unwrap_or(u32::MAX).saturating_add(1);
            Rule::Unmappable { character, position, charset: self }
        })
    }

    /// The first character of bytes that this charset reads.
    pub(crate) fn first(self, bytes: &[u8]) -> Option<First> {
        let (start, lens) = match (self, bytes.first()?) {
            (Self::Utf8, _) => (0, 1..=4),
            (_, &shifted::SO) if self.is_shifted() => (1, 2..=2),
            (_, lead) if self.is_ebcdic() || lead.is_ascii() => (0, 1..=1),
            _ => (0, 2..=2),
        };
        lens.into_iter().find_map(|len| {
            let code = bytes.get(start..start + len)?;
            let mut whole = Vec::from(code);
            if start > 0 {
                whole.insert(0, shifted::SO);
                whole.push(SI);
            }
            let character = self.decode(&whole).ok()?.chars().next()?;
            Some(First { bytes: start + len, character })
        })
    }

    /// The bytes as text if all of them are printable ASCII and mean that.
    #[inline]
    pub(crate) fn plain(self, bytes: &[u8]) -> Option<&str> {
        if self.is_ebcdic() { None } else { plain(bytes) }
    }
}

/// A character, and how many bytes it ends behind the beginning, a shift before it included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct First {
    pub(crate) bytes: usize,
    pub(crate) character: char,
}

impl fmt::Display for Charset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// What we write in, and what we accept: strict when sending, wider when receiving.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct CharsetPair {
    /// Bytes that we make.
    pub encode: Charset,
    /// Bytes that we are given.
    pub decode: Charset,
}

/// Whether ASCII has the character, and a text may.
fn is_character(character: char) -> bool {
    u8::try_from(character).is_ok_and(is_printable)
}

const fn is_printable(byte: u8) -> bool {
    matches!(byte, 0x20..=0x7E)
}

/// The bytes as text if all of them are printable ASCII.
#[inline]
pub(crate) fn plain(bytes: &[u8]) -> Option<&str> {
    let (words, rest) = bytes.as_chunks::<8>();
    let printable = words.iter().all(|word| are_printable(*word)) && rest.iter().all(|&byte| is_printable(byte));
    if printable { core::str::from_utf8(bytes).ok() } else { None }
}

/// [`is_printable`] of eight bytes at once: the highest bit of each byte is set by what must not be.
const fn are_printable(bytes: [u8; 8]) -> bool {
    const ONES: u64 = 0x0101_0101_0101_0101;
    let word = u64::from_le_bytes(bytes);
    // Without their highest bits, so that no byte carries into the next: 0x20 and above reach 0x80, only 0x7F does so by 1.
    let low = word & (ONES * 0x7F);
    let from_space = low + ONES * 0x60;
    let delete = low + ONES;
    (word | !from_space | delete) & (ONES * 0x80) == 0
}

#[cfg(test)]
mod tests;
