//! Pages of one-byte characters: EBCDIC.

use alloc::string::String;
use alloc::vec::Vec;

use super::Charset;
use super::grid::numbers;
use crate::fault::Rule;

/// Which character a byte is, 0 for none; and which byte is a character of Latin-1, 0 for none: NUL is no text.
struct Page {
    characters: [u16; 256],
    latin: [u8; 256],
}

static PAGES: [Page; 5] = [page(0), page(1), page(2), page(3), page(4)];
const TABLE: [u16; 5 * 256] = numbers(include_bytes!("../../tables/ebcdic.bin"));

const fn page(number: usize) -> Page {
    let mut page = Page { characters: [0; 256], latin: [0; 256] };
    let mut byte: u8 = 0;
    loop {
        let character = TABLE[number * 256 + byte as usize];
        page.characters[byte as usize] = character;
        if character != 0 && character < 256 {
            page.latin[character as usize] = byte;
        }
        if byte == u8::MAX {
            return page;
        }
        byte += 1;
    }
}

const fn page_of(charset: Charset) -> &'static Page {
    match charset {
        Charset::Ebcdic037 => &PAGES[0],
        Charset::Ebcdic500 => &PAGES[1],
        Charset::Ebcdic1047 => &PAGES[2],
        Charset::Ebcdic1140 => &PAGES[3],
        _ => &PAGES[4],
    }
}

/// The character of one byte, `None` if it has none.
#[inline]
pub(super) fn character(charset: Charset, byte: u8) -> Option<char> {
    let found = page_of(charset).characters.get(usize::from(byte)).copied().unwrap_or(0);
    char::from_u32(u32::from(found)).filter(|character| *character != '\0')
}

/// The byte of one character, `None` if it has none.
#[inline]
pub(super) fn byte(charset: Charset, character: char) -> Option<u8> {
    let page = page_of(charset);
    let found = match page.latin.get(u32::from(character) as usize) {
        Some(byte) => *byte,
        // The euro, the won and half-width letters.
        None => {
            let place = page.characters.iter().position(|other| u32::from(*other) == u32::from(character))?;
            u8::try_from(place).unwrap_or(0)
        }
    };
    (found != 0).then_some(found)
}

pub(super) fn decode(charset: Charset, bytes: &[u8], out: &mut String) -> Result<(), Rule> {
    // Few characters that are not ASCII have more than two bytes.
    out.reserve(bytes.len());
    for byte in bytes {
        out.push(character(charset, *byte).ok_or(Rule::NotText)?);
    }
    Ok(())
}

/// `Err` has the place of the first character that cannot be written, counted in characters from 0.
pub(super) fn encode(charset: Charset, text: &str, out: &mut Vec<u8>) -> Result<(), (usize, char)> {
    for (at, character) in text.chars().enumerate() {
        out.push(byte(charset, character).ok_or((at, character))?);
    }
    Ok(())
}
