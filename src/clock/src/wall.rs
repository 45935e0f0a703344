use core::fmt;
use core::time::Duration;

use serde::{Deserialize, Serialize};

use crate::civil::{Civil, UtcOffset};
use crate::mono::Mono;

/// Microseconds since 1970-01-01T00:00:00Z, as the computer's clock shows it. May jump either way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Wall(i64);

impl Wall {
    /// From microseconds since the Unix epoch.
    #[must_use]
    pub const fn from_unix_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// From seconds since the Unix epoch.
    #[must_use]
    pub const fn from_unix_seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(1_000_000))
    }

    /// Microseconds since the Unix epoch.
    #[must_use]
    pub const fn as_unix_micros(self) -> i64 {
        self.0
    }

    /// So much later, if nobody sets the clock. Saturates.
    #[must_use]
    pub fn plus(self, span: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(span.as_micros()).unwrap_or(i64::MAX)))
    }

    /// How long until a later moment, if nobody sets the clock; zero if it is not later.
    #[must_use]
    pub const fn until(self, later: Self) -> Duration {
        let micros = later.0.saturating_sub(self.0);
        Duration::from_micros(if micros > 0 { micros.unsigned_abs() } else { 0 })
    }

    /// Date and time as a clock in `zone` shows them; a fraction of a second is dropped.
    #[must_use]
    pub fn civil(self, zone: UtcOffset) -> Civil {
        Civil::from_unix_seconds(self.0.div_euclid(1_000_000) + i64::from(zone.seconds()))
    }
}

impl fmt::Display for Wall {
    /// RFC 3339 in UTC with microseconds.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let civil = self.civil(UtcOffset::UTC);
        let (d, t) = (civil.date, civil.time);
        write!(f, "{d}T{:02}:{:02}:{:02}.{:06}Z", t.hour(), t.minute(), t.second(), self.0.rem_euclid(1_000_000))
    }
}

/// One instant, read twice: for timers and for calendars. Passed last to every machine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Now {
    /// For timers and deadlines.
    pub mono: Mono,
    /// For stamps, calendars and the business date.
    pub wall: Wall,
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;

    #[test]
    fn a_moment_that_is_over_is_no_wait() {
        let (early, late) = (Wall::from_unix_seconds(7), Wall::from_unix_micros(7_000_042));
        assert_eq!((early.until(late), late.until(early)), (Duration::from_micros(42), Duration::ZERO));
    }

    #[test]
    fn prints_rfc_3339() {
        assert_eq!(Wall::from_unix_micros(1_795_273_199_000_042).to_string(), "2026-11-21T14:59:59.000042Z");
        assert_eq!(Wall::from_unix_micros(-1).to_string(), "1969-12-31T23:59:59.999999Z");
    }
}
