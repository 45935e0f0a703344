//! Which days a rule means.

use alloc::collections::BTreeSet;
use alloc::format;
use core::fmt;

use crate::calendar::HoursError;
use crate::civil::Date;

/// How many days in a row may be no business days; a rule that is moved looks no farther.
const HOLIDAYS_IN_A_ROW_MAX: i64 = 30;

/// A day of the week.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "they are what their names say")]
pub enum Weekday {
    Monday,
    Tuesday,
    Wednesday,
    Thursday,
    Friday,
    Saturday,
    Sunday,
}

impl Weekday {
    /// All of them, Monday first (ISO 8601).
    pub const ALL: [Self; 7] =
        [Self::Monday, Self::Tuesday, Self::Wednesday, Self::Thursday, Self::Friday, Self::Saturday, Self::Sunday];

    const fn name(self) -> &'static str {
        match self {
            Self::Monday => "monday",
            Self::Tuesday => "tuesday",
            Self::Wednesday => "wednesday",
            Self::Thursday => "thursday",
            Self::Friday => "friday",
            Self::Saturday => "saturday",
            Self::Sunday => "sunday",
        }
    }

    fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|day| day.name() == name)
    }

    const fn is_weekend(self) -> bool {
        matches!(self, Self::Saturday | Self::Sunday)
    }
}

impl fmt::Display for Weekday {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Date {
    /// The day of the week.
    #[must_use]
    pub fn weekday(self) -> Weekday {
        // 1970-01-01 was a Thursday.
        let at = (self.days_since_epoch() + 3).rem_euclid(7);
        Weekday::ALL.into_iter().zip(0..).find(|(_, number)| *number == at).map_or(Weekday::Monday, |(day, _)| day)
    }

    /// So many days later; before, if negative. The years stay between 0000 and 9999.
    #[must_use]
    pub fn plus_days(self, days: i64) -> Self {
        Self::from_days_since_epoch(self.days_since_epoch().saturating_add(days))
    }
}

/// Days on which banks are closed beside Saturdays and Sundays, as the site lists them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Holidays(BTreeSet<Date>);

impl Holidays {
    /// Whether banks work on a day.
    #[must_use]
    pub fn is_business_day(&self, date: Date) -> bool {
        !date.weekday().is_weekend() && !self.0.contains(&date)
    }
}

impl FromIterator<Date> for Holidays {
    fn from_iter<T: IntoIterator<Item = Date>>(dates: T) -> Self {
        Self(dates.into_iter().collect())
    }
}

/// Days that a rule means, as a person writes them ([`Days::parse`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Days {
    pattern: Pattern,
    moved: Moved,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pattern {
    Every,
    Business,
    /// Saturdays, Sundays and holidays.
    NotBusiness,
    /// From the first to the last day of the week, both included, also over its end.
    Weekdays(Weekday, Weekday),
    /// The n-th of a month, 1 to 5; `None` is the last.
    Nth(Option<u8>, Weekday),
    /// The day of each month, 1 to 31; `None` is the last.
    OfMonth(Option<u8>),
    On(Date),
}

/// What becomes of a day on which banks do not work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Moved {
    No,
    ToNext,
    ToPrevious,
}

impl Days {
    /// Reads days as people write them: `every day`, `business days`, `holidays` (Saturdays and Sundays, too), `monday`,
    /// `monday to friday`, `second sunday`, `last friday`, `day 25`, `last day`, `2026-12-31`. Behind it may stand
    /// `or next business day` or `or previous business day`: a day on which banks do not work is moved.
    ///
    /// # Errors
    /// It is none of these: what may stand there.
    pub fn parse(text: &str) -> Result<Self, HoursError> {
        let text = text.trim();
        let (days, moved) = if let Some(days) = text.strip_suffix(" or next business day") {
            (days, Moved::ToNext)
        } else if let Some(days) = text.strip_suffix(" or previous business day") {
            (days, Moved::ToPrevious)
        } else {
            (text, Moved::No)
        };
        let refused = || HoursError {
            message: format!("`{text}` names no days"),
            help: "there are `every day`, `business days`, `holidays`, `monday`, `monday to friday`, `second sunday`, `last friday`, \
                   `day 25`, `last day`, `2026-12-31`; behind one of them `or next business day` or `or previous business day`",
        };
        let pattern = Pattern::parse(days).ok_or_else(refused)?;
        if moved != Moved::No && matches!(pattern, Pattern::Every | Pattern::Business | Pattern::NotBusiness) {
            let message = format!("`{days}` cannot be moved to a business day");
            return Err(HoursError { message, help: "name one day, such as `day 25` or `third monday`" });
        }
        Ok(Self { pattern, moved })
    }

    /// Whether a date is one of them.
    #[must_use]
    pub fn has(&self, date: Date, holidays: &Holidays) -> bool {
        let step = match self.moved {
            Moved::No => return self.pattern.has(date, holidays),
            Moved::ToNext => -1,
            Moved::ToPrevious => 1,
        };
        if !holidays.is_business_day(date) {
            return false;
        }
        // It is meant itself, or one of the days beside it on which banks do not work.
        let away = (1..=HOLIDAYS_IN_A_ROW_MAX).map(|days| date.plus_days(step * days));
        let mut meant = core::iter::once(date).chain(away.take_while(|away| !holidays.is_business_day(*away)));
        meant.any(|meant| self.pattern.has(meant, holidays))
    }
}

impl fmt::Display for Days {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.pattern {
            Pattern::Every => f.write_str("every day"),
            Pattern::Business => f.write_str("business days"),
            Pattern::NotBusiness => f.write_str("holidays"),
            Pattern::Weekdays(first, last) if first == last => first.fmt(f),
            Pattern::Weekdays(first, last) => write!(f, "{first} to {last}"),
            Pattern::Nth(nth, weekday) => write!(f, "{} {weekday}", ordinal(nth)),
            Pattern::OfMonth(Some(day)) => write!(f, "day {day}"),
            Pattern::OfMonth(None) => f.write_str("last day"),
            Pattern::On(date) => date.fmt(f),
        }?;
        f.write_str(match self.moved {
            Moved::No => "",
            Moved::ToNext => " or next business day",
            Moved::ToPrevious => " or previous business day",
        })
    }
}

const ORDINALS: [&str; 5] = ["first", "second", "third", "fourth", "fifth"];

fn ordinal(nth: Option<u8>) -> &'static str {
    nth.and_then(|nth| ORDINALS.get(usize::from(nth).checked_sub(1)?)).copied().unwrap_or("last")
}

impl Pattern {
    fn parse(text: &str) -> Option<Self> {
        match text {
            "every day" => return Some(Self::Every),
            "business days" => return Some(Self::Business),
            "holidays" => return Some(Self::NotBusiness),
            "last day" => return Some(Self::OfMonth(None)),
            _ => {}
        }
        if let Some(day) = Weekday::named(text) {
            return Some(Self::Weekdays(day, day));
        }
        if let Some((first, last)) = text.split_once(" to ") {
            return Some(Self::Weekdays(Weekday::named(first)?, Weekday::named(last)?));
        }
        if let Some(day) = text.strip_prefix("day ") {
            let day = day.parse().ok().filter(|day| (1..=31).contains(day))?;
            return Some(Self::OfMonth(Some(day)));
        }
        if let Some((nth, weekday)) = text.split_once(' ') {
            let weekday = Weekday::named(weekday)?;
            let known = ORDINALS.iter().zip(1..).find(|(name, _)| **name == nth).map(|(_, nth)| nth);
            return match known {
                None if nth == "last" => Some(Self::Nth(None, weekday)),
                None => None,
                known => Some(Self::Nth(known, weekday)),
            };
        }
        Date::parse(text).map(Self::On)
    }

    fn has(self, date: Date, holidays: &Holidays) -> bool {
        let is_last = |days: i64| date.plus_days(days).month() != date.month();
        match self {
            Self::Every => true,
            Self::Business => holidays.is_business_day(date),
            Self::NotBusiness => !holidays.is_business_day(date),
            Self::Weekdays(first, last) => {
                let day = date.weekday();
                if first <= last { first <= day && day <= last } else { first <= day || day <= last }
            }
            Self::Nth(nth, weekday) => {
                date.weekday() == weekday && nth.map_or_else(|| is_last(7), |nth| date.day().div_ceil(7) == nth)
            }
            Self::OfMonth(day) => day.map_or_else(|| is_last(1), |day| date.day() == day),
            Self::On(on) => date == on,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::string::ToString;
    use std::vec::Vec;

    use super::*;

    fn date(text: &str) -> Date {
        Date::parse(text).unwrap()
    }

    /// The days of November and December 2026 that are meant; Christmas is a holiday, and so is New Year's Eve.
    fn meant(days: &str) -> Vec<(u8, u8)> {
        let days = Days::parse(days).unwrap();
        let holidays: Holidays = [date("2026-12-25"), date("2026-12-31")].into_iter().collect();
        let all = (0..61).map(|after| date("2026-11-01").plus_days(after));
        all.filter(|day| days.has(*day, &holidays)).map(|day| (day.month(), day.day())).collect()
    }

    #[test]
    fn the_week_goes_on_over_leap_days() {
        assert_eq!(date("1970-01-01").weekday(), Weekday::Thursday);
        assert_eq!(date("2026-11-22").weekday(), Weekday::Sunday);
        assert_eq!(date("2028-02-29").weekday(), Weekday::Tuesday);
        assert_eq!(date("2028-02-28").plus_days(2), date("2028-03-01"));
        assert_eq!(date("2026-01-01").plus_days(-1), date("2025-12-31"));
    }

    #[test]
    fn days_are_found_as_a_calendar_on_the_wall_shows_them() {
        assert_eq!(meant("second sunday"), [(11, 8), (12, 13)]);
        assert_eq!(meant("last friday"), [(11, 27), (12, 25)]);
        assert_eq!(meant("fifth monday"), [(11, 30)]);
        assert_eq!(meant("day 31"), [(12, 31)]);
        assert_eq!(meant("last day"), [(11, 30), (12, 31)]);
        assert_eq!(meant("2026-11-21"), [(11, 21)]);
        assert_eq!(meant("saturday to sunday").len(), 9 + 8);
        assert_eq!(meant("sunday to monday").len(), 9 + 9);
        assert_eq!(meant("every day").len(), 61);
        assert_eq!(meant("business days").len() + meant("holidays").len(), 61);
        assert_eq!(meant("holidays").len(), 9 + 8 + 2);
    }

    #[test]
    fn a_day_without_business_is_moved() {
        // 25 November is a Wednesday; Christmas of 2026 is a Friday, and the next business day is Monday the 28th.
        assert_eq!(meant("day 25 or next business day"), [(11, 25), (12, 28)]);
        assert_eq!(meant("day 25 or previous business day"), [(11, 25), (12, 24)]);
        assert_eq!(meant("second sunday or next business day"), [(11, 9), (12, 14)]);
        // 31 October of 2026 is a Saturday: its Monday is in November.
        assert_eq!(meant("last day or next business day"), [(11, 2), (11, 30)]);
    }

    #[test]
    fn what_is_read_is_shown_as_it_was_written() {
        for text in [
            "every day",
            "business days",
            "holidays",
            "monday",
            "monday to friday",
            "third monday or next business day",
            "last friday",
            "day 25 or previous business day",
            "last day",
            "2026-12-31",
        ] {
            assert_eq!(Days::parse(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_names_no_days_is_refused_with_what_does() {
        for text in ["", "sundays", "sixth sunday", "day 32", "day 0", "2026-02-30", "monday to", "second second"] {
            let why = Days::parse(text).unwrap_err();
            assert!(why.message.ends_with("names no days") && why.help.contains("`second sunday`"), "{text}: {why}");
        }
        let why = Days::parse("business days or next business day").unwrap_err();
        assert_eq!(why.message, "`business days` cannot be moved to a business day");
    }
}
