//! Time as Pabal sees it: passed in, never fetched.
//!
//! A machine of ours gets [`Now`] as its last argument. It holds two readings of the same instant. [`Mono`] runs forward
//! even while the computer sleeps and means the same in the next process on this boot (the shell reads `CLOCK_BOOTTIME`), so every timer and
//! deadline is a `Mono`. [`Wall`] is what a person's clock shows; it may jump, so it is used for nothing but stamps,
//! calendars and the [`BusinessDate`].
//!
//! Nothing here reads a clock: there is no `std`.
//!
//! ```
//! use pabal_clock::{Date, DayRule, Mono, Now, TimeOfDay, UtcOffset, Wall};
//! use core::time::Duration;
//!
//! let now = Now { mono: Mono::from_nanos(5_000_000_000), wall: Wall::from_unix_seconds(1_795_273_200) };
//! let later = now.mono + Duration::from_secs(30);
//! assert_eq!(later.since(now.mono), Duration::from_secs(30));
//!
//! // 2026-11-21 15:00:00 UTC is midnight in Seoul: the business date has changed.
//! let seoul = DayRule { zone: UtcOffset::from_hours(9), changes: TimeOfDay::MIDNIGHT };
//! assert_eq!(seoul.business_date(now.wall).date(), Date::new(2026, 11, 22).unwrap());
//! ```
#![no_std]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod calendar;
mod civil;
mod mono;
mod pace;
mod timer;
mod wall;

pub use calendar::{Days, Holidays, Hours, HoursError, Judged, Period, Weekday, judge};
pub use civil::{BusinessDate, Civil, Date, DayRule, TimeOfDay, UtcOffset};
pub use mono::{Deadline, Mono};
pub use pace::Pace;
pub use timer::{Hold, Timers};
pub use wall::{Now, Wall};
