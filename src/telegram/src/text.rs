use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::ops::Range;

use crate::charset::{Charset, CharsetPair};
use crate::decode::trim_right;
use crate::fault::Rule;
use crate::field::{Field, Slice};
use crate::kind::Kind;

/// How a text lies in its field, beside its charset. The default is the usual: from the left, spaces behind it, read strictly.
///
/// What the padding is made of does not come back at the padded end: text with spaces behind it loses those at its own end. With
/// `wide` or a lenient mode, bytes may be read that would be written otherwise; without them, what was read is written as it was.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TextRule {
    /// The padding stands before the text (`right`).
    pub right: bool,
    /// What it is padded with (`pad`); the charset's space if nothing is said. Never a byte that could be a part of the text's first
    /// or last character.
    pub pad: Option<u8>,
    /// Whether it is written in full-width characters (`wide`). Nothing is changed when it is read.
    pub wide: Wide,
    /// What is let through when it is read (`lenient`).
    pub lenient: TextModes,
}

/// Whether half-width characters are written as full-width ones: U+0021 to U+007E as U+FF01 to U+FF5E, a space as U+3000.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Wide {
    /// They stay as they are.
    #[default]
    No,
    /// In every telegram (`wide`).
    Always,
    /// If a field that stands before it at a fixed place holds one of these (`wide when .. in`).
    When {
        /// That field.
        at: Slice,
        /// Each as long as that field.
        any_of: Box<[Box<[u8]>]>,
    },
}

impl Wide {
    /// Whether the text is widened in a telegram that begins with these bytes.
    fn holds(&self, telegram: &[u8]) -> bool {
        match self {
            Self::No => false,
            Self::Always => true,
            Self::When { at, any_of } => {
                at.of(telegram).is_some_and(|found| any_of.iter().any(|bytes| **bytes == *found))
            }
        }
    }
}

/// One thing that is let through when text is read (`lenient`). It is never written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TextMode {
    /// A byte 0x00 is a space.
    NulAsSpace,
    /// If the last character is cut in two, or its run of two-byte characters is not closed, what stands before it is the text.
    HalfCharacter,
    /// Bytes below 0x20 and 0x7F are characters. Not in EBCDIC, where programs differ about what they are.
    Control,
    /// Runs of two-byte characters may be empty, or end where the next one begins.
    Runs,
}

impl TextMode {
    /// Every mode with the word that specs use.
    pub const ALL: [(&'static str, Self); 4] = [
        ("nul_as_space", Self::NulAsSpace),
        ("half_character", Self::HalfCharacter),
        ("control", Self::Control),
        ("runs", Self::Runs),
    ];

    /// Whether the mode could ever do anything in this charset.
    #[must_use]
    pub const fn is_of(self, charset: Charset) -> bool {
        match self {
            Self::NulAsSpace => true,
            Self::HalfCharacter => {
                charset.is_shifted()
                    || matches!(charset, Charset::EucKr | Charset::Cp949 | Charset::Ms949 | Charset::Utf8)
            }
            Self::Control => !charset.is_ebcdic(),
            Self::Runs => charset.is_shifted(),
        }
    }
}

/// Which modes hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TextModes(u8);

impl TextModes {
    /// None: what is not right is a fault.
    pub const STRICT: Self = Self(0);

    /// These, and one more.
    #[must_use]
    pub const fn with(self, mode: TextMode) -> Self {
        Self(self.0 | 1 << mode as u8)
    }

    /// Whether this one holds.
    #[must_use]
    pub const fn has(self, mode: TextMode) -> bool {
        self.0 >> mode as u8 & 1 == 1
    }
}

impl Field {
    /// Whether charset and text rule can be had together, and by a field of this kind. Where a field that decides stands is checked by
    /// `pabal-spec`; one that is not there decides nothing.
    pub(crate) fn has_sound_text(&self) -> bool {
        let CharsetPair { encode, decode } = self.charset;
        let rule = &self.text;
        let modes = TextMode::ALL.iter().all(|(_, mode)| !rule.lenient.has(*mode) || mode.is_of(decode));
        decode.reads(encode)
            && (*rule == TextRule::default() || self.kind == Kind::Text)
            && rule.pad.is_none_or(|pad| encode.pads(pad))
            && (rule.wide == Wide::No || encode.has_wide())
            && modes
    }

    /// The byte that a text of this charset is padded with here.
    #[inline]
    pub(crate) const fn pad(&self, charset: Charset) -> u8 {
        match self.text.pad {
            Some(pad) => pad,
            None => charset.blank(),
        }
    }

    /// Which of the field's bytes are its text.
    #[inline]
    pub(crate) fn text_range(&self, bytes: &[u8]) -> Range<usize> {
        let pad = self.pad(self.charset.decode);
        if self.text.right {
            bytes.iter().position(|byte| *byte != pad).unwrap_or(bytes.len())..bytes.len()
        } else {
            0..trim_right(bytes, pad).len()
        }
    }

    /// The bytes without their padding.
    #[inline]
    pub(crate) fn unpadded<'b>(&self, bytes: &'b [u8]) -> &'b [u8] {
        bytes.get(self.text_range(bytes)).unwrap_or_default()
    }

    #[inline]
    pub(crate) fn read_text<'b>(&self, bytes: &'b [u8]) -> Result<Cow<'b, str>, Rule> {
        let text = self.unpadded(bytes);
        match self.charset.decode.decode(text) {
            Err(rule) if self.text.lenient != TextModes::STRICT => self.read_loosely(bytes, rule),
            read => read,
        }
    }

    /// What is no text, if a lenient mode makes it one; `rule` if none does.
    #[cold]
    fn read_loosely<'b>(&self, bytes: &[u8], rule: Rule) -> Result<Cow<'b, str>, Rule> {
        let lenient = self.text.lenient;
        let mut bytes = Vec::from(self.unpadded(bytes));
        if lenient.has(TextMode::NulAsSpace) {
            let blank = self.charset.decode.blank();
            bytes.iter_mut().filter(|byte| **byte == 0).for_each(|byte| *byte = blank);
        }
        let bytes = self.unpadded(&bytes);
        let mut text = String::new();
        let cut = match self.read_pieces(bytes, &mut text) {
            Ok(()) => return Ok(Cow::Owned(text)),
            Err(cut @ (Rule::HalfCharacter | Rule::UnclosedRun)) if lenient.has(TextMode::HalfCharacter) => cut,
            Err(other) => return Err(if other == Rule::NotText { rule } else { other }),
        };
        // Of the last character at most three bytes are there; of a run, its SO or SI may be left.
        for dropped in 0..=3 {
            let Some(kept) = bytes.len().checked_sub(dropped).and_then(|len| bytes.get(..len)) else { break };
            let closed = [kept, &[crate::charset::SI]].concat();
            let tries = [(self.charset.decode.is_shifted(), &*closed), (dropped > 0, kept)];
            for (_, bytes) in tries.into_iter().filter(|(sensible, _)| *sensible) {
                text.clear();
                if self.read_pieces(bytes, &mut text).is_ok() {
                    return Ok(Cow::Owned(text));
                }
            }
        }
        Err(cut)
    }

    /// Reads with the modes that let single bytes through.
    fn read_pieces(&self, bytes: &[u8], out: &mut String) -> Result<(), Rule> {
        let charset = self.charset.decode;
        let lenient = self.text.lenient;
        if !lenient.has(TextMode::Control) || charset.is_ebcdic() {
            return charset.read_into(bytes, lenient.has(TextMode::Runs), out);
        }
        // No control character is the second byte of another one.
        let mut rest = bytes;
        loop {
            let at = rest.iter().position(u8::is_ascii_control).unwrap_or(rest.len());
            let (piece, behind) = rest.split_at_checked(at).unwrap_or((rest, b""));
            charset.read_into(piece, lenient.has(TextMode::Runs), out)?;
            let Some((control, behind)) = behind.split_first() else { return Ok(()) };
            out.push(char::from(*control));
            rest = behind;
        }
    }

    /// Whether the field's text is widened in a telegram that begins with these bytes.
    #[inline]
    pub(crate) fn is_wide_in(&self, telegram: &[u8]) -> bool {
        self.text.wide.holds(telegram)
    }

    /// Writes text and its padding. On error `out` may hold more than it did.
    pub(crate) fn put_text(&self, text: &str, wide: bool, out: &mut Vec<u8>) -> Result<(), Rule> {
        let start = out.len();
        let charset = self.charset.encode;
        if wide {
            charset.encode(&text.chars().map(widened).collect::<String>(), out)?;
        } else {
            charset.encode(text, out)?;
        }
        let len = self.at.range().len();
        let written = out.len() - start;
        if written > len {
            return Err(Rule::Overflow { needed: u32::try_from(written).unwrap_or(u32::MAX) });
        }
        out.resize(start + len, self.pad(charset));
        if self.text.right {
            out.get_mut(start..).unwrap_or_default().rotate_right(len - written);
        }
        Ok(())
    }
}

/// The full-width form of a half-width character of ASCII; any other stays as it is.
pub(crate) fn widened(character: char) -> char {
    match character {
        ' ' => '\u{3000}',
        '!'..='~' => char::from_u32(u32::from(character) + 0xFEE0).unwrap_or(character),
        other => other,
    }
}

#[cfg(test)]
mod tests;
