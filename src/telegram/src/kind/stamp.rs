use alloc::boxed::Box;
use core::fmt;

use pabal_clock::{Civil, Date, TimeOfDay};

use crate::fault::Rule;

/// The pattern of a date or time field, made of the parts `YYYY` `YY` `MM` `DD` `hh` `mm` `ss`, each at most once, and of
/// the marks `-` `/` `.` `:` and space, which stand for themselves.
///
/// ```
/// use pabal_clock::{Civil, Date, TimeOfDay};
/// use pabal_telegram::{Stamp, Year};
///
/// // A reply that was sent on the last evening of the year comes on New Year's Day.
/// let now = Civil { date: Date::new(2027, 1, 1).unwrap(), time: TimeOfDay::MIDNIGHT };
/// let sent = Stamp { pattern: "MMDDhhmmss".into(), year: Year::Nearest };
/// let moment = sent.moment("1231235959", now)?;
/// assert_eq!(moment.date, Date::new(2026, 12, 31));
/// assert_eq!(moment.time, TimeOfDay::new(23, 59, 59));
/// # Ok::<(), pabal_telegram::Rule>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// The pattern as the spec writes it; as long as the field.
    pub pattern: Box<str>,
    /// How its year is known, if the pattern does not say it in four digits.
    pub year: Year,
}

/// How the year of a date is known of which a telegram says two digits, or nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Year {
    /// As it is written. Of two digits, or of none, nobody knows which year it is: the date is checked as far as it goes, so that
    /// 29 February may be, of the year 00, too, and [`Stamp::moment`] refuses to guess.
    #[default]
    Written,
    /// `years 1980..2079`: of the hundred years from this one on, the one that ends in the two digits.
    Within {
        /// The first of the hundred, 0 to 9900.
        first: u16,
    },
    /// `year nearest`: of a date without a year, the year that brings it nearest to now; of two that are equally near the earlier. 29
    /// February is in a leap year.
    Nearest,
}

/// What a date or time field says on the calendar and the clock, as far as its pattern says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Moment {
    /// The day, if the pattern has month and day.
    pub date: Option<Date>,
    /// The time of day, if the pattern has the hour; minutes and seconds that it does not have are 0.
    pub time: Option<TimeOfDay>,
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

/// What the parts say.
#[derive(Clone, Copy, Debug, Default)]
struct Said {
    /// In full.
    year: Option<u16>,
    /// Its last two digits, where that is all.
    year_of_century: Option<u16>,
    month: Option<u8>,
    day: Option<u8>,
    hour: Option<u8>,
    minute: Option<u8>,
    second: Option<u8>,
}

impl Stamp {
    /// A pattern, or `None` if it has anything but parts and marks, or no part. Its year is as it is written.
    #[must_use]
    pub fn new(pattern: &str) -> Option<Self> {
        let stamp = Self { pattern: pattern.into(), year: Year::Written };
        stamp.is_sound().then_some(stamp)
    }

    /// Whether the pattern has nothing but parts, each once, and marks, and a year that can be as it is said.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        let mut seen = [false; 6];
        let mut is_short = false;
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
            is_short |= part == Part::YearOfCentury;
            if core::mem::replace(&mut seen[slot], true) {
                return false;
            }
        }
        let [has_year, has_month, ..] = seen;
        let year = match self.year {
            Year::Written => true,
            Year::Within { first } => is_short && first <= 9_900,
            Year::Nearest => !has_year && has_month,
        };
        parts.pattern.is_empty() && seen.contains(&true) && year
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
            _ => self.said(bytes).is_some(),
        }
    }

    /// What digits of the field, as its value has them, say on the calendar. `now` is on the clock of whoever filled the field, such as
    /// the institution's; only [`Year::Nearest`] looks at it.
    ///
    /// # Errors
    /// [`Rule::NotDate`] if there is no such date or time, [`Rule::WhichYear`] if nobody says which year it is.
    pub fn moment(&self, text: &str, now: Civil) -> Result<Moment, Rule> {
        let not_date = || Rule::NotDate { pattern: self.pattern.clone() };
        let said = self.said(text.as_bytes()).ok_or_else(not_date)?;
        let time = said.hour.map(|hour| TimeOfDay::new(hour, said.minute.unwrap_or(0), said.second.unwrap_or(0)));
        let time = time.map(|time| time.ok_or_else(not_date)).transpose()?;
        let Some((month, day)) = said.month.zip(said.day) else { return Ok(Moment { date: None, time }) };
        let date = match (said.year, self.year) {
            (Some(year), _) => Date::new(year, month, day),
            (None, Year::Nearest) => nearest(month, day, time, now),
            (None, _) => return Err(Rule::WhichYear),
        };
        Ok(Moment { date: Some(date.ok_or_else(not_date)?), time })
    }

    /// What the bytes say, if it is a date or time that there is.
    fn said(&self, bytes: &[u8]) -> Option<Said> {
        let mut said = Said::default();
        let mut rest = bytes;
        for part in (Parts { pattern: self.pattern.as_bytes() }) {
            let (bytes, behind) = rest.split_at_checked(part.len())?;
            rest = behind;
            if let Part::Mark(mark) = part {
                if bytes != [mark] {
                    return None;
                }
                continue;
            }
            let number = digits(bytes)?;
            let small = u8::try_from(number).unwrap_or(u8::MAX);
            match part {
                Part::Year => said.year = Some(number),
                Part::YearOfCentury => match self.year {
                    Year::Within { first } => said.year = Some(first + (number + 100 - first % 100) % 100),
                    _ => said.year_of_century = Some(number),
                },
                Part::Month => said.month = Some(small),
                Part::Day => said.day = Some(small),
                Part::Hour => said.hour = Some(small),
                Part::Minute => said.minute = Some(small),
                Part::Second => said.second = Some(small),
                Part::Mark(_) => {}
            }
        }
        // Of what is not said, what lets most pass: a leap year, and January, which has a 31st.
        let year = said.year.unwrap_or(2_000 + said.year_of_century.unwrap_or(0));
        let is_day = Date::new(year, said.month.unwrap_or(1), said.day.unwrap_or(1)).is_some();
        let time = [said.hour, said.minute, said.second].map(|part| part.unwrap_or(0));
        let [hour, minute, second] = time;
        (rest.is_empty() && is_day && TimeOfDay::new(hour, minute, second).is_some()).then_some(said)
    }
}

/// The day of a year that is nearest to now: to this moment if the time of day is known, else to this day.
fn nearest(month: u8, day: u8, time: Option<TimeOfDay>, now: Civil) -> Option<Date> {
    /// From one leap year to the next, over a century that is none.
    const YEARS: u16 = 8;
    const SECONDS_PER_DAY: i64 = 86_400;
    let of_day = |time: TimeOfDay| i64::from(time.seconds());
    let after_midnight = time.map_or(0, |time| of_day(time) - of_day(now.time));
    let today = now.date.days_since_epoch();
    let far = |date: &Date| ((date.days_since_epoch() - today) * SECONDS_PER_DAY + after_midnight).abs();
    let year = now.date.year();
    let days = (year.saturating_sub(YEARS)..=year.saturating_add(YEARS)).filter_map(|year| Date::new(year, month, day));
    // The first of those that are equally near.
    days.min_by_key(far)
}

/// As the spec writes it, without `date` or `time`: `YYMMDD years 1980..2079`.
impl fmt::Display for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.pattern)?;
        if self.year == Year::Written { Ok(()) } else { write!(f, " {}", self.year) }
    }
}

/// As the spec writes it: `years 1980..2079`, `year nearest`; nothing for [`Year::Written`].
impl fmt::Display for Year {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Written => Ok(()),
            Self::Within { first } => write!(f, "years {first:04}..{:04}", first.saturating_add(99)),
            Self::Nearest => f.write_str("year nearest"),
        }
    }
}

/// `2026-11-21`, `23:59:59`, or both with a space between.
impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.date, self.time) {
            (Some(date), Some(time)) => write!(f, "{date} {time}"),
            (Some(date), None) => date.fmt(f),
            (None, Some(time)) => time.fmt(f),
            (None, None) => Ok(()),
        }
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
    use std::string::ToString;

    use super::*;

    fn check(pattern: &str, good: &[&str], bad: &[&str]) {
        let stamp = Stamp::new(pattern).unwrap();
        for bytes in good {
            assert!(stamp.matches(bytes.as_bytes()), "{bytes} is {pattern}");
            assert!(stamp.said(bytes.as_bytes()).is_some(), "{bytes} is {pattern}");
        }
        for bytes in bad {
            assert!(!stamp.matches(bytes.as_bytes()), "{bytes} is not {pattern}");
            assert!(stamp.said(bytes.as_bytes()).is_none(), "{bytes} is not {pattern}");
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

    fn date(text: &str) -> Date {
        let parts: std::vec::Vec<u16> = text.split('-').map(|part| part.parse().unwrap()).collect();
        Date::new(parts[0], u8::try_from(parts[1]).unwrap(), u8::try_from(parts[2]).unwrap()).unwrap()
    }

    fn civil(text: &str) -> Civil {
        let (day, time) = text.split_once(' ').unwrap();
        let parts: std::vec::Vec<u8> = time.split(':').map(|part| part.parse().unwrap()).collect();
        Civil { date: date(day), time: TimeOfDay::new(parts[0], parts[1], parts[2]).unwrap() }
    }

    /// As `Display` shows it.
    fn moment(pattern: &str, year: Year, text: &str, now: &str) -> std::string::String {
        let stamp = Stamp { pattern: pattern.into(), year };
        assert!(stamp.is_sound(), "{stamp}");
        match stamp.moment(text, civil(now)) {
            Ok(moment) => moment.to_string(),
            Err(rule) => rule.code().into(),
        }
    }

    const NOON: &str = "2026-11-22 12:00:00";

    #[test]
    fn two_digits_mean_a_year_of_the_hundred_that_is_said() {
        let within = |first, text| moment("YYMMDD", Year::Within { first }, text, NOON);
        assert_eq!(within(1_980, "791231"), "2079-12-31");
        assert_eq!(within(1_980, "800101"), "1980-01-01");
        assert_eq!(within(1_980, "000229"), "2000-02-29");
        // 1900 was no leap year.
        assert_eq!(within(1_880, "000228"), "1900-02-28");
        assert_eq!(within(1_880, "000229"), "T03");
        assert_eq!(within(1_900, "991231"), "1999-12-31");
        let old = Stamp { pattern: "YYMMDD".into(), year: Year::Within { first: 1_880 } };
        assert!(!old.matches(b"000229") && old.matches(b"040229"));
    }

    #[test]
    fn a_year_that_nobody_says_is_not_guessed() {
        assert_eq!(moment("YYMMDD", Year::Written, "261122", NOON), "T70");
        assert_eq!(moment("MMDDhhmmss", Year::Written, "1122120000", NOON), "T70");
        assert_eq!(moment("MMDD", Year::Written, "1322", NOON), "T03");
        // What has no day needs no year.
        assert_eq!(moment("hhmm", Year::Written, "0905", NOON), "09:05:00");
        assert_eq!(moment("YYMM", Year::Written, "2611", NOON), "");
        assert_eq!(moment("mmss", Year::Written, "5959", NOON), "");
        assert_eq!(moment("YYYY-MM-DD hh:mm", Year::Written, "2026-11-21 23:59", NOON), "2026-11-21 23:59:00");
    }

    #[test]
    fn a_date_without_a_year_is_of_the_year_that_is_nearest() {
        let day = |text, now| moment("MMDD", Year::Nearest, text, now);
        assert_eq!(day("1231", "2027-01-01 00:00:00"), "2026-12-31");
        assert_eq!(day("0101", "2026-12-31 23:59:59"), "2027-01-01");
        assert_eq!(day("1122", NOON), "2026-11-22");
        // 2026-07-02 is 182 days before the last of the year and 183 behind the one before it.
        assert_eq!(day("1231", "2026-07-02 00:00:00"), "2026-12-31");
        assert_eq!(day("1231", "2025-07-01 12:00:00"), "2024-12-31");
        // 2024-07-01 is the 183rd day of 366, as far from the last day of one year as of the other: the earlier is meant.
        assert_eq!(day("1231", "2024-07-01 00:00:00"), "2023-12-31");
        assert_eq!(day("1231", "2024-07-02 00:00:00"), "2024-12-31");
        // With a time of day, the moment counts: 182 days and a half each way.
        let at = |text, now| moment("MMDDhhmmss", Year::Nearest, text, now);
        assert_eq!(at("0101000000", "2025-07-02 12:00:00"), "2025-01-01 00:00:00");
        assert_eq!(at("0101000000", "2025-07-02 12:00:01"), "2026-01-01 00:00:00");
    }

    #[test]
    fn the_29th_of_february_is_in_a_leap_year() {
        let day = |now| moment("MMDD", Year::Nearest, "0229", now);
        assert_eq!(day("2026-02-28 00:00:00"), "2024-02-29");
        assert_eq!(day("2026-03-02 00:00:00"), "2028-02-29");
        assert_eq!(day("2028-02-29 00:00:00"), "2028-02-29");
        // 1900 was none.
        assert_eq!(day("1900-03-01 00:00:00"), "1904-02-29");
        assert_eq!(day("1899-06-01 00:00:00"), "1896-02-29");
        assert_eq!(day("9999-12-31 00:00:00"), "9996-02-29");
        assert_eq!(moment("MMDD", Year::Nearest, "0230", NOON), "T03");
    }

    #[test]
    fn a_rule_for_the_year_needs_a_date_that_lacks_it() {
        let sound = |pattern: &str, year| Stamp { pattern: pattern.into(), year }.is_sound();
        assert!(sound("YYMMDD", Year::Within { first: 9_900 }) && !sound("YYMMDD", Year::Within { first: 9_901 }));
        assert!(!sound("YYYYMMDD", Year::Within { first: 1_980 }) && !sound("MMDD", Year::Within { first: 1_980 }));
        assert!(
            sound("MMDDhhmmss", Year::Nearest) && !sound("YYMMDD", Year::Nearest) && !sound("hhmmss", Year::Nearest)
        );
        let stamp = Stamp { pattern: "YYMMDD".into(), year: Year::Within { first: 1_980 } };
        assert_eq!(stamp.to_string(), "YYMMDD years 1980..2079");
    }
}
