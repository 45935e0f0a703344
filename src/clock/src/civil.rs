use core::fmt;

use serde::{Deserialize, Serialize};

use crate::wall::Wall;

const SECONDS_PER_DAY: i64 = 86_400;

/// A day of the Gregorian calendar between the years 0000 and 9999; only real days exist as values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Date {
    year: u16,
    month: u8,
    day: u8,
}

impl Date {
    /// The day, or `None` if there is no such day (30 February, month 13, year 10000).
    #[must_use]
    pub const fn new(year: u16, month: u8, day: u8) -> Option<Self> {
        if year > 9_999 || month < 1 || month > 12 || day < 1 || day > days_in_month(year, month) {
            return None;
        }
        Some(Self { year, month, day })
    }

    /// 0 to 9999.
    #[must_use]
    pub const fn year(self) -> u16 {
        self.year
    }

    /// 1 to 12.
    #[must_use]
    pub const fn month(self) -> u8 {
        self.month
    }

    /// 1 to 31.
    #[must_use]
    pub const fn day(self) -> u8 {
        self.day
    }

    /// `YYYYMMDD` as a number, the form in which telegrams carry it.
    #[must_use]
    pub const fn yyyymmdd(self) -> u32 {
        self.year as u32 * 10_000 + self.month as u32 * 100 + self.day as u32
    }

    /// Reads `2026-11-22`, and nothing shorter or longer.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let [year, month, day] = parts(text, "-", [4, 2, 2])?;
        Self::new(year, u8::try_from(month).ok()?, u8::try_from(day).ok()?)
    }

    /// Days since 1970-01-01; negative before it.
    #[must_use]
    pub fn days_since_epoch(self) -> i64 {
        // Years are counted from March, so that the leap day is the last of its year.
        let month = i64::from(self.month);
        let year = i64::from(self.year) - i64::from(month <= 2);
        let era = year.div_euclid(400);
        let year_of_era = year.rem_euclid(400);
        let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + i64::from(self.day) - 1;
        let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
        era * 146_097 + day_of_era - 719_468
    }

    pub(crate) fn from_days_since_epoch(days: i64) -> Self {
        let shifted = days + 719_468;
        let era = shifted.div_euclid(146_097);
        let day_of_era = shifted.rem_euclid(146_097);
        let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted_month = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
        let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
        let year = year_of_era + era * 400 + i64::from(month <= 2);
        Self {
            year: u16::try_from(year.clamp(0, 9_999)).unwrap_or(0),
            month: u8::try_from(month).unwrap_or(1),
            day: u8::try_from(day).unwrap_or(1),
        }
    }
}

/// Numbers of so many digits each, and nothing beside them but what stands between.
fn parts<const N: usize>(text: &str, between: &str, digits: [usize; N]) -> Option<[u16; N]> {
    let mut numbers = [0; N];
    let mut words = text.split(between);
    for (number, digits) in numbers.iter_mut().zip(digits) {
        let word =
            words.next().filter(|word| word.len() == digits && word.bytes().all(|byte| byte.is_ascii_digit()))?;
        *number = word.parse().ok()?;
    }
    words.next().is_none().then_some(numbers)
}

const fn days_in_month(year: u16, month: u8) -> u8 {
    match month {
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

/// A time of day in whole seconds, 00:00:00 to 23:59:59. Leap seconds do not exist here, as they do not in telegrams.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TimeOfDay(u32);

impl TimeOfDay {
    /// 00:00:00.
    pub const MIDNIGHT: Self = Self(0);

    /// The time, or `None` if a part is out of range.
    #[must_use]
    pub const fn new(hour: u8, minute: u8, second: u8) -> Option<Self> {
        if hour > 23 || minute > 59 || second > 59 {
            return None;
        }
        Some(Self(hour as u32 * 3_600 + minute as u32 * 60 + second as u32))
    }

    /// Reads `23:30` or `23:30:05`, and nothing shorter or longer.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let [hour, minute, second] = if text.len() == 5 {
            parts(text, ":", [2, 2]).map(|[hour, minute]| [hour, minute, 0])
        } else {
            parts(text, ":", [2, 2, 2])
        }?;
        Self::new(u8::try_from(hour).ok()?, u8::try_from(minute).ok()?, u8::try_from(second).ok()?)
    }

    /// 0 to 23.
    #[must_use]
    pub const fn hour(self) -> u32 {
        self.0 / 3_600
    }

    /// 0 to 59.
    #[must_use]
    pub const fn minute(self) -> u32 {
        self.0 / 60 % 60
    }

    /// 0 to 59.
    #[must_use]
    pub const fn second(self) -> u32 {
        self.0 % 60
    }

    /// Seconds since midnight.
    #[must_use]
    pub const fn seconds(self) -> u32 {
        self.0
    }
}

impl fmt::Display for TimeOfDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}:{:02}", self.hour(), self.minute(), self.second())
    }
}

/// A fixed distance from UTC in seconds; positive is east. Zones with summer time are not modelled: Korea has none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UtcOffset(i32);

impl UtcOffset {
    /// Greenwich.
    pub const UTC: Self = Self(0);

    /// Whole hours east of Greenwich.
    #[must_use]
    pub const fn from_hours(hours: i32) -> Self {
        Self(hours * 3_600)
    }

    /// Whole minutes east of Greenwich.
    #[must_use]
    pub const fn from_minutes(minutes: i32) -> Self {
        Self(minutes * 60)
    }

    /// Seconds east of Greenwich.
    #[must_use]
    pub const fn seconds(self) -> i32 {
        self.0
    }
}

/// Date and time as a clock on the wall shows them, in a zone that the reader knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Civil {
    /// The day.
    pub date: Date,
    /// The time of day.
    pub time: TimeOfDay,
}

impl Civil {
    pub(crate) fn from_unix_seconds(seconds: i64) -> Self {
        let of_day = u32::try_from(seconds.rem_euclid(SECONDS_PER_DAY)).unwrap_or(0);
        Self { date: Date::from_days_since_epoch(seconds.div_euclid(SECONDS_PER_DAY)), time: TimeOfDay(of_day) }
    }

    /// The instant at which a clock in `zone` shows it.
    #[must_use]
    pub fn wall(self, zone: UtcOffset) -> Wall {
        let seconds = self.date.days_since_epoch() * SECONDS_PER_DAY + i64::from(self.time.seconds());
        Wall::from_unix_seconds(seconds - i64::from(zone.seconds()))
    }
}

/// The day to which an institution books: it changes by the protocol's rule, not always at midnight.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct BusinessDate(Date);

impl BusinessDate {
    /// Takes a date for a business date, as when it is read back from a journal.
    #[must_use]
    pub const fn from_date(date: Date) -> Self {
        Self(date)
    }

    /// The calendar day that it is written as.
    #[must_use]
    pub const fn date(self) -> Date {
        self.0
    }
}

impl fmt::Display for BusinessDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// When an institution's business date changes, and on whose clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DayRule {
    /// The institution's zone.
    pub zone: UtcOffset,
    /// The time of day at which the business date becomes that calendar day.
    pub changes: TimeOfDay,
}

impl DayRule {
    /// The business date at an instant: the calendar day, or the day before if the change is still to come.
    #[must_use]
    pub fn business_date(&self, wall: Wall) -> BusinessDate {
        let seconds = wall.as_unix_micros().div_euclid(1_000_000) + i64::from(self.zone.seconds());
        BusinessDate(Civil::from_unix_seconds(seconds - i64::from(self.changes.seconds())).date)
    }

    /// Date and time at an instant on the institution's clock.
    #[must_use]
    pub fn civil(&self, wall: Wall) -> Civil {
        wall.civil(self.zone)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_day_of_four_centuries_comes_back() {
        let first = Date::new(1_970, 1, 1).unwrap().days_since_epoch();
        assert_eq!(first, 0);
        let mut previous = Date::from_days_since_epoch(-1);
        for days in 0..146_097 {
            let date = Date::from_days_since_epoch(days);
            assert_eq!(Date::new(date.year, date.month, date.day), Some(date));
            assert_eq!(date.days_since_epoch(), days);
            assert!(previous < date);
            previous = date;
        }
        assert_eq!(previous, Date::new(2_369, 12, 31).unwrap());
    }

    #[test]
    fn days_that_do_not_exist_are_refused() {
        for (y, m, d) in [(2_026, 2, 29), (2_100, 2, 29), (2_026, 0, 1), (2_026, 13, 1), (2_026, 4, 31), (10_000, 1, 1)]
        {
            assert_eq!(Date::new(y, m, d), None, "{y}-{m}-{d}");
        }
        assert!(Date::new(2_000, 2, 29).is_some() && Date::new(2_028, 2, 29).is_some());
        assert!(TimeOfDay::new(24, 0, 0).is_none() && TimeOfDay::new(23, 60, 0).is_none());
    }

    #[test]
    fn dates_and_times_are_read_as_they_are_shown() {
        assert_eq!(Date::parse("2026-11-22"), Date::new(2_026, 11, 22));
        assert_eq!(TimeOfDay::parse("23:30"), TimeOfDay::new(23, 30, 0));
        assert_eq!(TimeOfDay::parse("23:30:05"), TimeOfDay::new(23, 30, 5));
        for text in ["", "2026-11-2", "2026-11-222", "2026-02-29", "+026-11-22", "2026-11-22-", "20261122"] {
            assert_eq!(Date::parse(text), None, "{text}");
        }
        for text in ["", "3:30", "23:60", "24:00", "23:30:", "23:30:5", "+3:30", "23:30:05:0"] {
            assert_eq!(TimeOfDay::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_clock_shows_it_at_one_instant() {
        let zone = UtcOffset::from_hours(9);
        let civil = Civil { date: Date::new(2_026, 11, 22).unwrap(), time: TimeOfDay::new(0, 5, 0).unwrap() };
        // 2026-11-21T15:05:00Z.
        assert_eq!(civil.wall(zone), Wall::from_unix_seconds(1_795_273_500));
        assert_eq!(civil.wall(zone).civil(zone), civil);
    }

    #[test]
    fn the_business_date_changes_at_its_own_time() {
        let rule = DayRule { zone: UtcOffset::from_hours(9), changes: TimeOfDay::new(0, 5, 0).unwrap() };
        let midnight = Wall::from_unix_seconds(1_795_273_200); // 2026-11-22T00:00:00+09:00
        let five_past = Wall::from_unix_seconds(1_795_273_200 + 300);
        assert_eq!(rule.business_date(midnight).date(), Date::new(2_026, 11, 21).unwrap());
        assert_eq!(rule.business_date(five_past).date(), Date::new(2_026, 11, 22).unwrap());
    }
}
