//! Words that are numbers, durations, times and ranges.

use alloc::format;
use core::ops::{Range, RangeInclusive};
use core::time::Duration;

use nom::bytes::complete::{tag, take_while_m_n};
use nom::character::complete::{char, one_of, u8 as small, u32 as whole, u64 as large};
use nom::combinator::{all_consuming, map, map_opt, value};
use nom::sequence::separated_pair;
use nom::{IResult, Parser};
use pabal_clock::{Civil, Date, TimeOfDay, UtcOffset};

use crate::mistake::{self, error};
use crate::parse::cursor::{Cursor, Read};
use crate::parse::line::Token;
use crate::written::At;

impl Cursor<'_> {
    /// A word of a certain form.
    fn formed<T>(
        &mut self,
        what: &str,
        noun: &str,
        help: &str,
        mut form: impl for<'t> FnMut(&'t str) -> IResult<&'t str, T>,
    ) -> Read<At<T>> {
        let word = self.word(what)?;
        match form(&word.value) {
            Ok(("", value)) => Ok(At { value, span: word.span }),
            _ => Err(error(
                mistake::BAD_VALUE,
                word.span,
                format!("expected {what}"),
                format!("`{}` is not {noun}", word.value),
            )
            .help(help)
            .into()),
        }
    }

    /// A whole number from 1.
    pub(crate) fn count(&mut self, what: &str) -> Read<At<u32>> {
        self.formed(what, "a number above 0", "write it in digits, without a unit; at least 1", |text| {
            map_opt(whole, |n| (n > 0).then_some(n)).parse(text)
        })
    }

    /// `300`, or `120..4000` of what is not always of one length: the least and the most.
    pub(crate) fn total(&mut self) -> Read<At<RangeInclusive<u32>>> {
        let what = "the total in bytes";
        if !matches!(self.peek(), Some(Token::Word(word)) if word.contains("..")) {
            let total = self.count(what)?;
            return Ok(At { value: total.value..=total.value, span: total.span });
        }
        self.formed(what, "a range of lengths", "it is written `120..4000`: the least and the most, in bytes", |text| {
            map_opt(separated_pair(whole, tag(".."), whole), |(min, max)| (0 < min && min < max).then_some(min..=max))
                .parse(text)
        })
    }

    pub(crate) fn large(&mut self, what: &str) -> Read<At<u64>> {
        self.formed(what, "a number", "write it in digits, without a unit", |text| all_consuming(large).parse(text))
    }

    /// `300ms`, `30s`, `5m`, `1h`; more than nothing.
    pub(crate) fn duration(&mut self, what: &str) -> Read<At<Duration>> {
        self.formed(
            what,
            "a duration",
            "a duration is a whole number above 0 and its unit: `500ms`, `30s`, `5m`, `1h`",
            duration,
        )
    }

    /// `23:25` or `23:25:00`.
    pub(crate) fn time_of_day(&mut self, what: &str) -> Read<At<TimeOfDay>> {
        self.formed(what, "a time of day", "a time of day is written `23:25`, from `00:00` to `23:59`", time_of_day)
    }

    /// `2026-12-01 00:00`: a date and a time of day.
    pub(crate) fn moment(&mut self) -> Read<Civil> {
        let date = self.formed("a date", "a date", "a date is written `2026-12-01`", date)?;
        let time = self.time_of_day("the time of day")?;
        Ok(Civil { date: date.value, time: time.value })
    }

    /// `+09:00`.
    pub(crate) fn zone(&mut self) -> Read<At<UtcOffset>> {
        self.formed("a distance from UTC", "a distance from UTC", "it is written `+09:00`", zone)
    }

    /// `0..10`: bytes from 0, the second not included.
    pub(crate) fn bytes(&mut self) -> Read<At<Range<u32>>> {
        self.formed(
            "a range of bytes",
            "a range of bytes",
            "it is written `0..10`: the first byte is 0, byte 10 is not part of it",
            |text| {
                map_opt(separated_pair(whole, tag(".."), whole), |(from, to)| (from < to).then_some(from..to))
                    .parse(text)
            },
        )
    }

    /// `1980..2079`: the first and the last year.
    pub(crate) fn years(&mut self) -> Read<At<(u64, u64)>> {
        self.formed(
            "a hundred years",
            "a range of years",
            "it is written `1980..2079`: the first and the last of a hundred years",
            |text| separated_pair(large, tag(".."), large).parse(text),
        )
    }

    /// `1..950000`: both are numbers that may be given.
    pub(crate) fn numbers(&mut self) -> Read<At<(u64, u64)>> {
        self.formed(
            "a range of numbers",
            "a range of numbers",
            "it is written `1..950000`: the first and the last number",
            |text| separated_pair(large, tag(".."), large).parse(text),
        )
    }
}

fn duration(text: &str) -> IResult<&str, Duration> {
    let unit = nom::branch::alt((
        value(1, tag("ms")),
        value(1_000, tag("s")),
        value(60_000, tag("m")),
        value(3_600_000, tag("h")),
    ));
    map_opt((whole, unit), |(count, millis): (u32, u64)| {
        (count > 0).then(|| Duration::from_millis(u64::from(count) * millis))
    })
    .parse(text)
}

fn time_of_day(text: &str) -> IResult<&str, TimeOfDay> {
    let seconds = nom::combinator::opt(nom::sequence::preceded(char(':'), small));
    map_opt((small, char(':'), small, seconds), |(hour, _, minute, second)| {
        TimeOfDay::new(hour, minute, second.unwrap_or(0))
    })
    .parse(text)
}

fn date(text: &str) -> IResult<&str, Date> {
    let parts = (digits(4), char('-'), digits(2), char('-'), digits(2));
    map_opt(parts, |(year, _, month, _, day)| Date::new(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?))
        .parse(text)
}

fn digits<'t>(count: usize) -> impl Parser<&'t str, Output = &'t str, Error = nom::error::Error<&'t str>> {
    take_while_m_n(count, count, |c: char| c.is_ascii_digit())
}

/// A moment as a spec writes it, such as `2026-12-01 00:00`: date and time of day on the institution's clock.
///
/// ```
/// let moment = pabal_spec::moment("2026-12-01 09:30").unwrap();
/// assert_eq!((moment.date.yyyymmdd(), moment.time.minute()), (20_261_201, 30));
/// assert_eq!(pabal_spec::moment("2026-02-30 09:30"), None);
/// ```
#[must_use]
pub fn moment(text: &str) -> Option<Civil> {
    let (day, time) = text.split_once(' ')?;
    match (date(day), time_of_day(time)) {
        (Ok(("", date)), Ok(("", time))) => Some(Civil { date, time }),
        _ => None,
    }
}

fn zone(text: &str) -> IResult<&str, UtcOffset> {
    let hours_minutes = map_opt(separated_pair(small, char(':'), small), |(hours, minutes)| {
        (hours <= 14 && minutes <= 59).then(|| i32::from(hours) * 60 + i32::from(minutes))
    });
    map((one_of("+-"), hours_minutes), |(sign, minutes)| {
        UtcOffset::from_minutes(if sign == '-' { -minutes } else { minutes })
    })
    .parse(text)
}
