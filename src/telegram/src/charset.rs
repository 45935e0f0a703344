use alloc::borrow::Cow;
use alloc::vec::Vec;
use core::fmt;

use encoding_rs::{EUC_KR, EncoderResult};
use serde::{Deserialize, Serialize};

use crate::fault::Rule;

/// A way to write text as bytes. "EUC-KR" means different things to different programs; these names do not.
///
/// Control characters (below 0x20, and 0x7F) belong to no text of a telegram and are refused in each of them, both ways.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Charset {
    /// 0x20 to 0x7E only.
    Ascii,
    /// KS X 1001 in two bytes, both at or above 0xA1: 2,350 Hangul syllables, 8,226 characters of two bytes. What is only in
    /// cp949 is refused. The table is WHATWG's; glibc and Java know one character more (0xA2E8, U+327E).
    EucKr,
    /// Microsoft's extension with all 11,172 syllables (WHATWG "euc-kr"): 17,048 characters of two bytes. A second byte may be
    /// an ASCII letter. The user-defined rows that Java maps (0xC9, 0xFE) are refused.
    Cp949,
}

impl Charset {
    /// The word that specs use.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Ascii => "ascii",
            Self::EucKr => "euc-kr",
            Self::Cp949 => "cp949",
        }
    }

    /// Reads bytes, all of them: padding must be off already. ASCII is borrowed; anything else is made when asked for.
    ///
    /// # Errors
    /// [`Rule::HalfCharacter`] if the first byte of a character has no second, [`Rule::NotText`] for any other byte that
    /// the charset does not have. Nothing becomes U+FFFD.
    pub fn decode(self, bytes: &[u8]) -> Result<Cow<'_, str>, Rule> {
        if let Some(text) = plain(bytes) {
            return Ok(Cow::Borrowed(text));
        }
        self.check(bytes)?;
        EUC_KR.decode_without_bom_handling_and_without_replacement(bytes).ok_or(Rule::NotText)
    }

    /// Whether every byte belongs to a whole character, as far as that can be told without the table.
    fn check(self, bytes: &[u8]) -> Result<(), Rule> {
        let lowest = match self {
            Self::Ascii => return Err(Rule::NotText),
            Self::EucKr => 0xA1,
            Self::Cp949 => 0x41,
        };
        let mut rest = bytes.iter();
        while let Some(&lead) = rest.next() {
            if is_printable(lead) {
                continue;
            }
            if !(0x81..=0xFE).contains(&lead) {
                return Err(Rule::NotText);
            }
            match rest.next() {
                // What follows a half character in a padded field is the padding.
                None | Some(b' ') => return Err(Rule::HalfCharacter),
                Some(&trail) if trail < lowest || (lowest == 0xA1 && lead < lowest) => return Err(Rule::NotText),
                Some(_) => {}
            }
        }
        Ok(())
    }

    /// Writes text behind what `out` holds.
    ///
    /// # Errors
    /// [`Rule::Unmappable`] for the first character that the charset cannot write. Nothing becomes '?' or an HTML entity; `out`
    /// is as it was.
    pub fn encode(self, text: &str, out: &mut Vec<u8>) -> Result<(), Rule> {
        if plain(text.as_bytes()).is_some() {
            out.extend_from_slice(text.as_bytes());
            return Ok(());
        }
        let start = out.len();
        let result = self.encode_korean(text, out, start);
        if result.is_err() {
            out.truncate(start);
        }
        result
    }

    fn encode_korean(self, text: &str, out: &mut Vec<u8>, start: usize) -> Result<(), Rule> {
        let unmappable = |at: usize, character: char| Rule::Unmappable {
            character,
            position: u32::try_from(text.get(..at).map_or(0, |before| before.chars().count()))
                .unwrap_or(u32::MAX)
                .saturating_add(1),
            charset: self,
        };
        // Found first: a control character is one byte to the encoder.
        for (at, character) in text.char_indices() {
            if character.is_ascii_control() || (self == Self::Ascii && !character.is_ascii()) {
                return Err(unmappable(at, character));
            }
        }
        let mut encoder = EUC_KR.new_encoder();
        let room = encoder.max_buffer_length_from_utf8_without_replacement(text.len()).unwrap_or(text.len());
        out.resize(start.saturating_add(room), 0);
        let target = out.get_mut(start..).unwrap_or_default();
        let (result, read, written) = encoder.encode_from_utf8_without_replacement(text, target, true);
        if let EncoderResult::Unmappable(character) = result {
            return Err(unmappable(read - character.len_utf8(), character));
        }
        assert!(result == EncoderResult::InputEmpty, "the buffer holds the worst case");
        out.truncate(start + written);
        if self == Self::EucKr {
            let mut bytes = out.get(start..).unwrap_or_default().iter();
            for (at, character) in text.char_indices() {
                let lead = bytes.next().copied().unwrap_or(0);
                if !lead.is_ascii() && (bytes.next().copied().unwrap_or(0) < 0xA1 || lead < 0xA1) {
                    return Err(unmappable(at, character));
                }
            }
        }
        Ok(())
    }

    /// Bytes of the first character of text that this charset reads, 0 if there is none.
    pub(crate) fn first_len(self, bytes: &[u8]) -> usize {
        let len = match bytes.first() {
            None => return 0,
            Some(lead) if lead.is_ascii() => 1,
            Some(_) => 2,
        };
        match bytes.get(..len) {
            Some(first) if self.decode(first).is_ok() => len,
            _ => 0,
        }
    }
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

const fn is_printable(byte: u8) -> bool {
    matches!(byte, 0x20..=0x7E)
}

/// The bytes as text if all of them are printable ASCII, which means the same in every charset here.
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
mod tests {
    use std::format;
    use std::string::String;

    use super::*;

    const ALL: [Charset; 3] = [Charset::Ascii, Charset::EucKr, Charset::Cp949];

    fn two_byte_codes(charset: Charset) -> Vec<([u8; 2], String)> {
        let mut codes = Vec::new();
        for lead in 0x80..=0xFF {
            for trail in 0..=0xFF {
                if let Ok(text) = charset.decode(&[lead, trail]) {
                    codes.push(([lead, trail], text.into_owned()));
                }
            }
        }
        codes
    }

    #[test]
    fn each_charset_has_as_many_characters_as_its_table() {
        // WHATWG's index of euc-kr has 17,048 entries, of which 8,822 are the syllables that only cp949 has (11,172 - 2,350).
        assert_eq!(two_byte_codes(Charset::Cp949).len(), 17_048);
        assert_eq!(two_byte_codes(Charset::EucKr).len(), 17_048 - (11_172 - 2_350));
        assert_eq!(two_byte_codes(Charset::Ascii).len(), 0);
        let syllables = |charset| {
            let is_syllable = |text: &String| text.chars().all(|c| ('가'..='힣').contains(&c));
            two_byte_codes(charset).iter().filter(|(_, text)| is_syllable(text)).count()
        };
        assert_eq!(syllables(Charset::Cp949), 11_172);
        assert_eq!(syllables(Charset::EucKr), 2_350);
    }

    #[test]
    fn every_code_comes_back_as_it_was() {
        for charset in ALL {
            for (bytes, text) in two_byte_codes(charset) {
                assert_eq!(text.chars().count(), 1, "{bytes:02x?}");
                let mut out = Vec::new();
                charset.encode(&text, &mut out).unwrap();
                assert_eq!(out, bytes, "{text}");
            }
        }
    }

    #[test]
    fn every_character_is_written_so_that_it_reads_back_or_is_refused() {
        for charset in ALL {
            let mut written = 0;
            for character in ('\0'..='\u{FFFF}').chain(('\u{10000}'..=char::MAX).step_by(257)) {
                let text = String::from(character);
                let mut out = Vec::from(*b"kept");
                match charset.encode(&text, &mut out) {
                    Ok(()) => {
                        written += 1;
                        assert_eq!(charset.decode(&out[4..]).unwrap(), text);
                    }
                    Err(rule) => {
                        assert_eq!(rule, Rule::Unmappable { character, position: 1, charset });
                        assert_eq!(out, b"kept");
                    }
                }
            }
            assert_eq!(written, 95 + two_byte_codes(charset).len(), "{charset}");
        }
    }

    #[test]
    fn ttom_is_only_in_cp949() {
        assert_eq!(Charset::Cp949.decode(b"\x8Cc").unwrap(), "똠");
        assert_eq!(Charset::EucKr.decode(b"\x8Cc"), Err(Rule::NotText));
        let mut out = Vec::new();
        Charset::Cp949.encode("똠방", &mut out).unwrap();
        assert_eq!(out, b"\x8Cc\xB9\xE6");
        let refused = Charset::EucKr.encode("가a똠방", &mut out);
        assert_eq!(refused, Err(Rule::Unmappable { character: '똠', position: 3, charset: Charset::EucKr }));
        assert_eq!(out, b"\x8Cc\xB9\xE6");
    }

    #[test]
    fn a_half_character_is_told_from_a_wrong_byte() {
        // 홍 is C8 AB, 길 is B1 E6.
        for charset in [Charset::EucKr, Charset::Cp949] {
            assert_eq!(charset.decode(b"\xC8\xAB\xB1\xE6").unwrap(), "홍길");
            assert_eq!(charset.decode(b"\xC8\xAB\xB1"), Err(Rule::HalfCharacter));
            assert_eq!(charset.decode(b"\xC8\xAB\xB1 x"), Err(Rule::HalfCharacter));
            assert_eq!(charset.decode(b"\xC8\xAB\xFF"), Err(Rule::NotText));
            assert_eq!(charset.decode(b"\x80"), Err(Rule::NotText));
            assert_eq!(charset.decode(b"\xC8\xAB\n"), Err(Rule::NotText));
            // A row that Java gives to the user.
            assert_eq!(charset.decode(b"\xC9\xA1"), Err(Rule::NotText));
        }
        assert_eq!(Charset::Ascii.decode(b"\xC8\xAB"), Err(Rule::NotText));
        assert_eq!(Charset::Ascii.decode(b"a\x7F"), Err(Rule::NotText));
    }

    #[test]
    fn eight_bytes_are_printable_if_each_is() {
        for byte in 0..=u8::MAX {
            for at in 0..8 {
                for other in [b' ', b'~'] {
                    let mut word = [other; 8];
                    word[at] = byte;
                    assert_eq!(are_printable(word), is_printable(byte), "{byte:#x} at {at}");
                }
            }
        }
    }

    #[test]
    fn an_entity_is_never_written() {
        let mut out = Vec::new();
        for charset in ALL {
            let refused = charset.encode("가나😀", &mut out).unwrap_err();
            let expected = if charset == Charset::Ascii { ('가', 1) } else { ('😀', 3) };
            assert_eq!(refused, Rule::Unmappable { character: expected.0, position: expected.1, charset });
            assert!(out.is_empty());
            assert!(!format!("{refused:?}").contains(expected.0));
        }
    }
}
