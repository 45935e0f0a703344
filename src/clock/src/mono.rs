use core::fmt;
use core::ops::Add;
use core::time::Duration;

use serde::{Deserialize, Serialize};

const NANOS_PER_SECOND: u64 = 1_000_000_000;

/// Nanoseconds since the computer started, sleep included (`CLOCK_BOOTTIME`). Never goes back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Mono(u64);

/// The instant at which patience ends; reached when `now >= deadline`.
pub type Deadline = Mono;

impl Mono {
    /// The earliest instant there is.
    pub const ZERO: Self = Self(0);
    /// Later than any instant that will be reached: "no deadline".
    pub const NEVER: Self = Self(u64::MAX);

    /// From nanoseconds since boot.
    #[must_use]
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// Nanoseconds since boot.
    #[must_use]
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// How long ago `earlier` was; zero if it is not earlier.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }

    /// This instant less a span; never before [`Mono::ZERO`].
    #[must_use]
    pub const fn minus(self, span: Duration) -> Self {
        Self(self.0.saturating_sub(nanos(span)))
    }
}

const fn nanos(span: Duration) -> u64 {
    span.as_secs().saturating_mul(NANOS_PER_SECOND).saturating_add(span.subsec_nanos() as u64)
}

impl Add<Duration> for Mono {
    type Output = Self;

    /// Saturates at [`Mono::NEVER`].
    fn add(self, span: Duration) -> Self {
        Self(self.0.saturating_add(nanos(span)))
    }
}

impl fmt::Display for Mono {
    /// `0:00:01.000001`, hours first.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0 / NANOS_PER_SECOND;
        let micros = self.0 % NANOS_PER_SECOND / 1_000;
        write!(f, "{}:{:02}:{:02}.{micros:06}", seconds / 3_600, seconds / 60 % 60, seconds % 60)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;

    #[test]
    fn prints_for_people() {
        assert_eq!(Mono::from_nanos(3_661_000_001_000).to_string(), "1:01:01.000001");
    }

    #[test]
    fn saturates_instead_of_wrapping() {
        assert_eq!(Mono::NEVER + Duration::from_secs(1), Mono::NEVER);
        assert_eq!(Mono::ZERO + Duration::MAX, Mono::NEVER);
        assert_eq!(Mono::from_nanos(5).minus(Duration::from_secs(1)), Mono::ZERO);
        assert_eq!(Mono::ZERO.since(Mono::from_nanos(9)), Duration::ZERO);
    }
}
