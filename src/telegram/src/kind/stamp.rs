use alloc::boxed::Box;

use pabal_clock::{Date, TimeOfDay};

/// The pattern of a date or time field, made of the parts `YYYY` `YY` `MM` `DD` `hh` `mm` `ss`, each at most once, and of
/// the marks `-` `/` `.` `:` and space, which stand for themselves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// The pattern as the spec writes it; as long as the field.
    pub pattern: Box<str>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Year,
    YearOfCentury,
    Month,
    Day,
    Hour,
    Minute,
    Second,
    Mark(u8),
}

impl Stamp {
    /// A pattern, or `None` if it has anything but parts and marks, or no part.
    #[must_use]
    pub fn new(pattern: &str) -> Option<Self> {
        let stamp = Self { pattern: pattern.into() };
        stamp.is_sound().then_some(stamp)
    }

    /// Whether the pattern has nothing but parts, each once, and marks.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        let mut seen = [false; 6];
        let mut parts = Parts { pattern: self.pattern.as_bytes() };
        for part in parts.by_ref() {
            let slot = match part {
                Part::Year | Part::YearOfCentury => 0,
                Part::Month => 1,
                Part::Day => 2,
                Part::Hour => 3,
                Part::Minute => 4,
                Part::Second => 5,
                Part::Mark(_) => continue,
            };
            if core::mem::replace(&mut seen[slot], true) {
                return false;
            }
        }
        parts.pattern.is_empty() && seen.contains(&true)
    }

    /// Whether the pattern has a date in it. Then all zeros are no value; of a time alone they are midnight.
    pub(crate) fn has_date(&self) -> bool {
        self.pattern.contains(['Y', 'M', 'D'])
    }

    /// Whether the bytes are a date or time that there is. A day without its year may be 29 February; hours are 00 to 23.
    #[must_use]
    pub fn matches(&self, bytes: &[u8]) -> bool {
        match (&*self.pattern, bytes) {
            // The two that nearly every telegram has.
            ("YYYYMMDD", [y1, y2, y3, y4, m1, m2, d1, d2]) => {
                let year = digits(&[*y1, *y2, *y3, *y4]);
                let (month, day) = (two_digits(*m1, *m2), two_digits(*d1, *d2));
                year.is_some_and(|year| Date::new(year, month, day).is_some())
            }
            ("hhmmss", [h1, h2, m1, m2, s1, s2]) => {
                TimeOfDay::new(two_digits(*h1, *h2), two_digits(*m1, *m2), two_digits(*s1, *s2)).is_some()
            }
            _ => self.matches_part_by_part(bytes),
        }
    }

    fn matches_part_by_part(&self, bytes: &[u8]) -> bool {
        // A leap year, for patterns without one.
        let (mut year, mut month, mut day) = (2_000, 1, 1);
        let (mut hour, mut minute, mut second) = (0, 0, 0);
        let mut rest = bytes;
        for part in (Parts { pattern: self.pattern.as_bytes() }) {
            let Some((bytes, behind)) = rest.split_at_checked(part.len()) else { return false };
            rest = behind;
            if let Part::Mark(mark) = part {
                if bytes != [mark] {
                    return false;
                }
                continue;
            }
            let Some(number) = digits(bytes) else { return false };
            let small = u8::try_from(number).unwrap_or(u8::MAX);
            match part {
                Part::Year => year = number,
                Part::YearOfCentury => year = 2_000 + number,
                Part::Month => month = small,
                Part::Day => day = small,
                Part::Hour => hour = small,
                Part::Minute => minute = small,
                Part::Second => second = small,
                Part::Mark(_) => {}
            }
        }
        // A day without its month is at most the 31st, as in January.
        rest.is_empty() && Date::new(year, month, day).is_some() && TimeOfDay::new(hour, minute, second).is_some()
    }
}

impl Part {
    const fn len(self) -> usize {
        match self {
            Self::Year => 4,
            Self::Mark(_) => 1,
            _ => 2,
        }
    }
}

/// The parts of a pattern; ends early, with `pattern` not empty, at what is none.
struct Parts<'p> {
    pattern: &'p [u8],
}

impl Iterator for Parts<'_> {
    type Item = Part;

    fn next(&mut self) -> Option<Part> {
        let part = match self.pattern {
            [b'Y', b'Y', b'Y', b'Y', ..] => Part::Year,
            [b'Y', b'Y', ..] => Part::YearOfCentury,
            [b'M', b'M', ..] => Part::Month,
            [b'D', b'D', ..] => Part::Day,
            [b'h', b'h', ..] => Part::Hour,
            [b'm', b'm', ..] => Part::Minute,
            [b's', b's', ..] => Part::Second,
            [mark @ (b'-' | b'/' | b'.' | b':' | b' '), ..] => Part::Mark(*mark),
            _ => return None,
        };
        self.pattern = self.pattern.get(part.len()..).unwrap_or_default();
        Some(part)
    }
}

fn digits(bytes: &[u8]) -> Option<u16> {
    bytes.iter().try_fold(0_u16, |number, &byte| {
        byte.is_ascii_digit().then(|| number.wrapping_mul(10).wrapping_add(u16::from(byte - b'0')))
    })
}

/// 0 to 99, or 255 if one of them is no digit.
const fn two_digits(tens: u8, ones: u8) -> u8 {
    if tens.is_ascii_digit() && ones.is_ascii_digit() { (tens - b'0') * 10 + (ones - b'0') } else { u8::MAX }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pattern: &str, good: &[&str], bad: &[&str]) {
        let stamp = Stamp::new(pattern).unwrap();
        for bytes in good {
            assert!(stamp.matches(bytes.as_bytes()), "{bytes} is {pattern}");
            assert!(stamp.matches_part_by_part(bytes.as_bytes()), "{bytes} is {pattern}");
        }
        for bytes in bad {
            assert!(!stamp.matches(bytes.as_bytes()), "{bytes} is not {pattern}");
            assert!(!stamp.matches_part_by_part(bytes.as_bytes()), "{bytes} is not {pattern}");
        }
    }

    #[test]
    fn dates_and_times_must_be_real() {
        check(
            "YYYYMMDD",
            &["20261121", "20240229", "00000101"],
            &["20261131", "20260229", "20260001", "00000000", "2026112", "202611211", "2026112x"],
        );
        check("YYMMDD", &["261121", "240229", "000229"], &["260229", "261301"]);
        check("MMDD", &["0229", "1231"], &["0230", "1301", "0000"]);
        check("DD", &["31", "01"], &["00", "32"]);
        check("hhmmss", &["000000", "235959"], &["240000", "236000", "235960", "23595", "2359 9"]);
        check("MMDDhhmmss", &["1121235959"], &["1121245959", "1131235959"]);
        check("YYYYMMDDhhmm", &["202611210000"], &["202611210060"]);
        check("YYYY-MM-DD", &["2026-11-21"], &["2026/11/21", "20261121  ", "2026-11-2"]);
    }

    #[test]
    fn a_pattern_has_parts_and_marks_only() {
        for pattern in ["", "-", "YYYYMMD", "YYYYYMM", "DDMMDD", "YYYYYY", "yyyymmdd", "hh24", "년", "HHmmss"] {
            assert_eq!(Stamp::new(pattern), None, "{pattern}");
        }
    }
}
