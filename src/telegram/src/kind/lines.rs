//! Lines of text in one field, each of one width: `X(3*35)`.

use alloc::borrow::Cow;
use alloc::vec::Vec;

use crate::fault::Rule;
use crate::field::{Field, Slice};
use crate::kind::Kind;

impl Field {
    /// The lines with a line feed between them. Lines at the end that are left blank do not come back.
    pub(crate) fn read_lines<'b>(&self, each: u32, bytes: &'b [u8]) -> Result<Cow<'b, str>, Rule> {
        let mut lines = bytes.chunks(usize::try_from(each).unwrap_or(usize::MAX).max(1));
        let mut all = self.read_text(lines.next().unwrap_or_default())?;
        // Line feeds of blank lines, of which nobody knows yet whether they stand at the end.
        let mut blank = 0;
        for line in lines {
            blank += 1;
            let line = self.read_text(line)?;
            if !line.is_empty() {
                let whole = all.to_mut();
                whole.extend(core::iter::repeat_n('\n', blank));
                whole.push_str(&line);
                blank = 0;
            }
        }
        Ok(all)
    }

    /// Each line is padded by itself; one that is too long goes on in no other.
    pub(crate) fn put_lines(&self, each: u32, text: &str, wide: bool, out: &mut Vec<u8>) -> Result<(), Rule> {
        let lines: Vec<&str> = text.split('\n').collect();
        let needed = u32::try_from(lines.len()).unwrap_or(u32::MAX).saturating_mul(each);
        if needed > self.at.len {
            return Err(Rule::Overflow { needed });
        }
        let line_field = Field { at: Slice { offset: 0, len: each }, kind: Kind::Text, ..self.clone() };
        for (at, line) in lines.iter().enumerate() {
            line_field.put_text(line, wide, out).map_err(|rule| match rule {
                Rule::Overflow { needed } => {
                    Rule::Line { line: u32::try_from(at + 1).unwrap_or(u32::MAX), needed, each }
                }
                other => other,
            })?;
        }
        for _ in lines.len()..(self.at.len / each.max(1)) as usize {
            line_field.put_text("", wide, out)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::string::String;
    use std::vec::Vec;

    use super::*;
    use crate::draft::field;
    use crate::value::{Value, ValueRef};

    fn lines() -> Field {
        field("address", 12, Kind::Lines { each: 4 })
    }

    fn written(text: &str) -> Result<Vec<u8>, Rule> {
        let mut out = Vec::new();
        lines().encode(&Value::from(text), &mut out).map(|()| out).map_err(|fault| fault.rule)
    }

    fn read(bytes: &[u8]) -> Result<String, Rule> {
        lines().read(bytes, true, |rule| rule).map(|value| match value {
            ValueRef::Text(text) => text.into_owned(),
            other => panic!("{other:?}"),
        })
    }

    #[test]
    fn each_line_is_padded_by_itself() {
        for (text, bytes) in [
            ("ab", b"ab          "),
            ("ab\ncd", b"ab  cd      "),
            ("ab\n\ncdef", b"ab      cdef"),
            ("abcd\nabcd\nabcd", b"abcdabcdabcd"),
            ("\nb", b"    b       "),
            ("\u{d64d}\n\u{ae38}", b"\xC8\xAB  \xB1\xE6      "),
        ] {
            assert_eq!(written(text).unwrap(), bytes, "{text:?}");
            assert_eq!(read(bytes).unwrap(), text);
        }
        // Blank lines at the end say nothing.
        assert_eq!(written("ab\n\n").unwrap(), b"ab          ");
        assert_eq!(read(b"            ").unwrap(), "");
    }

    #[test]
    fn a_line_does_not_go_on_in_the_next_one() {
        assert_eq!(written("abcde"), Err(Rule::Line { line: 1, needed: 5, each: 4 }));
        assert_eq!(written("a\nb\nabcdef"), Err(Rule::Line { line: 3, needed: 6, each: 4 }));
        assert_eq!(written("a\nb\nc\nd"), Err(Rule::Overflow { needed: 16 }));
        // Of the first line the second half of a character stands in the second.
        assert_eq!(read(b"abc\xC8\xABde     "), Err(Rule::HalfCharacter));
    }
}
