//! Hours in which an institution takes work, and days on which it does not.

use alloc::format;
use alloc::string::String;
use core::fmt;

use crate::civil::{Civil, Date, TimeOfDay};

mod days;

pub use days::{Days, Holidays, Weekday};

/// How far ahead the next opening is looked for.
const AHEAD_DAYS_MAX: i64 = 400;

/// What a person wrote names no hours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HoursError {
    /// What is wrong.
    pub message: String,
    /// What may be written.
    pub help: &'static str,
}

impl fmt::Display for HoursError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; {}", self.message, self.help)
    }
}

impl core::error::Error for HoursError {}

/// A part of a day: `01:00 to 23:30`. One that ends before it begins goes on into the next day; one that ends at `24:00` ends with the day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period {
    from: TimeOfDay,
    /// Not part of it; midnight is the end of the day.
    until: TimeOfDay,
}

impl Period {
    /// The whole day.
    pub const DAY: Self = Self { from: TimeOfDay::MIDNIGHT, until: TimeOfDay::MIDNIGHT };

    /// Reads `01:00 to 23:30` or `23:55:00 to 00:05:00`.
    ///
    /// # Errors
    /// It is none, or it is empty: what is wrong.
    pub fn parse(text: &str) -> Result<Self, HoursError> {
        let parts = text.split_once(" to ").and_then(|(from, until)| {
            let until = if matches!(until, "24:00" | "24:00:00") { "00:00" } else { until };
            Some((TimeOfDay::parse(from)?, TimeOfDay::parse(until)?))
        });
        match parts {
            None => Err(HoursError {
                message: format!("`{text}` is no part of a day"),
                help: "write it as `01:00 to 23:30`, from `00:00` to `24:00`",
            }),
            Some((from, until)) if from == until && from != TimeOfDay::MIDNIGHT => {
                Err(HoursError { message: format!("`{text}` is empty"), help: "the whole day is `00:00 to 24:00`" })
            }
            Some((from, until)) => Ok(Self { from, until }),
        }
    }

    /// When a period that begins on a date ends.
    fn end(self, date: Date) -> Civil {
        let ends_later = self.until <= self.from;
        Civil { date: if ends_later { date.plus_days(1) } else { date }, time: self.until }
    }
}

/// As it is read.
impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let short = |f: &mut fmt::Formatter<'_>, time: TimeOfDay| match time.second() {
            0 => write!(f, "{:02}:{:02}", time.hour(), time.minute()),
            _ => time.fmt(f),
        };
        short(f, self.from)?;
        f.write_str(" to ")?;
        if self.until == TimeOfDay::MIDNIGHT { f.write_str("24:00") } else { short(f, self.until) }
    }
}

/// A period of some days. It belongs to the day on which it begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hours {
    /// The days.
    pub days: Days,
    /// The part of each.
    pub period: Period,
}

impl Hours {
    /// Reads days, and behind them the part of each; the whole of them if nothing is said: `business days 09:00 to 16:00`,
    /// `second sunday 00:00 to 08:00`, `2026-12-31`.
    ///
    /// # Errors
    /// As of [`Days::parse`] and [`Period::parse`].
    pub fn parse(text: &str) -> Result<Self, HoursError> {
        let first_time = text.find(':').and_then(|colon| text.get(..colon)?.rfind(' '));
        let (days, period) = match first_time.and_then(|space| text.split_at_checked(space)) {
            Some((days, period)) => (days, Period::parse(period.trim())?),
            None => (text, Period::DAY),
        };
        Ok(Self { days: Days::parse(days)?, period })
    }

    /// When the occurrence that an instant lies in ends, if it lies in one.
    fn end_at(&self, at: Civil, holidays: &Holidays) -> Option<Civil> {
        let begins = |date: Date| self.days.has(date, holidays).then(|| (self.begin(date), self.period.end(date)));
        let ends = [at.date, at.date.plus_days(-1)].into_iter().filter_map(begins);
        ends.filter(|(begin, end)| (*begin..*end).contains(&at)).map(|(_, end)| end).max()
    }

    /// When it begins for the first time behind an instant.
    fn next_begin(&self, after: Civil, holidays: &Holidays) -> Option<Civil> {
        let dates = (0..=AHEAD_DAYS_MAX).map(|days| after.date.plus_days(days));
        let mut begins = dates.filter(|date| self.days.has(*date, holidays)).map(|date| self.begin(date));
        begins.find(|begin| *begin > after)
    }

    const fn begin(&self, date: Date) -> Civil {
        Civil { date, time: self.period.from }
    }
}

impl fmt::Display for Hours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.period == Period::DAY { self.days.fmt(f) } else { write!(f, "{} {}", self.days, self.period) }
    }
}

/// What hours say about an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Judged<'h> {
    /// Work is taken.
    Open,
    /// It is not.
    Closed {
        /// The rule that says so; `None` if no opening hours hold.
        by: Option<&'h Hours>,
        /// From when on it is; `None` if that is more than a year away.
        until: Option<Civil>,
    },
}

/// Whether work is taken at an instant: within some hours of `open`, or at any time if there are none, and outside of all hours of `closed`.
pub fn judge<'h>(
    open: impl Iterator<Item = &'h Hours> + Clone,
    closed: impl Iterator<Item = &'h Hours> + Clone,
    holidays: &Holidays,
    at: Civil,
) -> Judged<'h> {
    // Of several closings the one that lasts longest.
    let closing = |at: Civil| {
        closed.clone().filter_map(|hours| Some((hours.end_at(at, holidays)?, hours))).max_by_key(|(end, _)| *end)
    };
    let has_hours = open.clone().next().is_some();
    let is_open = |at: Civil| !has_hours || open.clone().any(|hours| hours.end_at(at, holidays).is_some());
    let by = match closing(at) {
        Some((_, hours)) => Some(hours),
        None if is_open(at) => return Judged::Open,
        None => None,
    };
    let mut then = at;
    let last = at.date.plus_days(AHEAD_DAYS_MAX);
    loop {
        let next = match closing(then) {
            Some((end, _)) => Some(end),
            None if is_open(then) => return Judged::Closed { by, until: Some(then) },
            None => open.clone().filter_map(|hours| hours.next_begin(then, holidays)).min(),
        };
        match next {
            Some(next) if next.date <= last => then = next,
            _ => return Judged::Closed { by, until: None },
        }
    }
}

#[cfg(test)]
mod tests {
    use std::string::{String, ToString};
    use std::vec::Vec;

    use super::*;

    fn civil(text: &str) -> Civil {
        let (date, time) = text.split_once(' ').unwrap();
        Civil { date: Date::parse(date).unwrap(), time: TimeOfDay::parse(time).unwrap() }
    }

    fn hours(text: &str) -> Hours {
        Hours::parse(text).unwrap()
    }

    /// Open, or since which rule and until when not.
    fn judged(open: &[&str], closed: &[&str], at: &str) -> String {
        let [open, closed] = [open, closed].map(|all| all.iter().map(|text| hours(text)).collect::<Vec<_>>());
        let holidays = [Date::parse("2026-12-25").unwrap()].into_iter().collect();
        match judge(open.iter(), closed.iter(), &holidays, civil(at)) {
            Judged::Open => "open".to_string(),
            Judged::Closed { by, until } => {
                let by = by.map_or_else(|| "hours".to_string(), Hours::to_string);
                let until =
                    until.map_or_else(|| "?".to_string(), |until| std::format!("{} {}", until.date, until.time));
                std::format!("{by}; {until}")
            }
        }
    }

    #[test]
    fn hours_begin_with_their_first_second_and_end_before_their_last() {
        let day = &["every day 01:00 to 23:30"];
        assert_eq!(judged(day, &[], "2026-11-22 01:00"), "open");
        assert_eq!(judged(day, &[], "2026-11-22 23:29:59"), "open");
        assert_eq!(judged(day, &[], "2026-11-22 23:30"), "hours; 2026-11-23 01:00:00");
        assert_eq!(judged(day, &[], "2026-11-22 00:59:59"), "hours; 2026-11-22 01:00:00");
        assert_eq!(judged(&[], &[], "2026-11-22 00:00"), "open");
    }

    #[test]
    fn hours_over_midnight_belong_to_the_day_on_which_they_begin() {
        let night = &["friday 23:00 to 02:00"];
        // 27 November 2026 is a Friday.
        assert_eq!(judged(night, &[], "2026-11-28 01:59:59"), "open");
        assert_eq!(judged(night, &[], "2026-11-27 01:00"), "hours; 2026-11-27 23:00:00");
        assert_eq!(judged(&[], night, "2026-11-27 23:30"), "friday 23:00 to 02:00; 2026-11-28 02:00:00");
        assert_eq!(judged(&["business days 00:00 to 24:00"], &[], "2026-12-24 23:59:59"), "open");
        assert_eq!(judged(&["business days 00:00 to 24:00"], &[], "2026-12-25 00:00"), "hours; 2026-12-28 00:00:00");
    }

    #[test]
    fn a_closing_holds_over_hours_and_what_follows_is_the_next_opening() {
        // As a bank prints it: some Sundays from 00:00 to 08:00, a restart on Friday, daily 00:30 to 04:30.
        let closed = &["second sunday 00:00 to 08:00", "friday 00:03 to 00:10", "every day 00:30 to 04:30"];
        let open = &["every day 00:05 to 23:30"];
        assert_eq!(judged(open, closed, "2026-11-08 05:00"), "second sunday 00:00 to 08:00; 2026-11-08 08:00:00");
        assert_eq!(judged(open, closed, "2026-11-15 05:00"), "open");
        // Before the hours begin there is the restart, and behind them the daily closing.
        assert_eq!(judged(open, closed, "2026-11-27 00:00"), "hours; 2026-11-27 00:10:00");
        assert_eq!(judged(open, closed, "2026-11-08 00:40"), "second sunday 00:00 to 08:00; 2026-11-08 08:00:00");
        assert_eq!(judged(&["every day 01:00 to 04:00"], closed, "2026-11-27 00:40"), "every day 00:30 to 04:30; ?");
    }

    #[test]
    fn what_never_opens_ends() {
        assert_eq!(judged(&["2020-01-01 00:00 to 24:00"], &[], "2026-11-22 00:00"), "hours; ?");
        assert_eq!(judged(&[], &["every day 00:00 to 24:00"], "2026-11-22 00:00"), "every day; ?");
    }

    #[test]
    fn periods_are_read_and_shown() {
        for text in ["01:00 to 23:30", "00:00 to 24:00", "23:55:01 to 00:05", "12:00 to 24:00"] {
            assert_eq!(Period::parse(text).unwrap().to_string(), text);
        }
        assert_eq!(Period::parse("00:00 to 24:00"), Ok(Period::DAY));
        for text in ["1:00..2:00", "01:00", "25:00 to 26:00", "01:00..02:00"] {
            assert!(Period::parse(text).unwrap_err().help.contains("`01:00 to 23:30`"), "{text}");
        }
        assert!(Period::parse("08:00 to 08:00").unwrap_err().message.contains("empty"));
    }
}
