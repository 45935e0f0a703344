//! Durations and sizes as people write them.

use std::fmt;
use std::time::Duration;

const UNITS: [(&str, u64); 4] = [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000)];
const SIZES: [(&str, u64); 4] = [("B", 1), ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30)];

/// Reads `300ms`, `5s`, `5m`, `24h`.
pub(super) fn duration(text: &str) -> Option<Duration> {
    quantity(text, &UNITS).map(Duration::from_millis)
}

/// Reads `64MiB`, `4KiB`, `512B`.
pub(super) fn size(text: &str) -> Option<u64> {
    quantity(text, &SIZES)
}

fn quantity(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let digits = text.find(|character: char| !character.is_ascii_digit())?;
    let (number, unit) = text.split_at_checked(digits)?;
    let (_, factor) = units.iter().find(|(name, _)| *name == unit)?;
    number.parse::<u64>().ok()?.checked_mul(*factor)
}

/// Shows a duration in the largest unit that leaves no rest.
pub(crate) struct Span(pub(crate) Duration);

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = u64::try_from(self.0.as_millis()).unwrap_or(u64::MAX);
        largest(millis, &UNITS, f)
    }
}

/// Shows a number of bytes in the largest unit that leaves no rest.
pub(super) struct Bytes(pub(super) u64);

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        largest(self.0, &SIZES, f)
    }
}

fn largest(amount: u64, units: &[(&str, u64)], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let fits = |(_, factor): &&(&str, u64)| amount >= *factor && amount.is_multiple_of(*factor);
    match units.iter().rev().find(fits).or(units.first()) {
        Some((name, factor)) => write!(f, "{}{name}", amount / factor),
        None => write!(f, "{amount}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_a_number_and_a_unit() {
        for (text, millis) in [("300ms", 300), ("5s", 5_000), ("5m", 300_000), ("24h", 86_400_000), ("0s", 0)] {
            assert_eq!(duration(text), Some(Duration::from_millis(millis)), "{text}");
        }
        for text in ["", "5", "s", "5 s", "5S", "-5s", "1.5s", "5sec", "18446744073709551615h", "5s5ms", "５s"] {
            assert_eq!(duration(text), None, "{text}");
        }
    }

    #[test]
    fn sizes_have_a_number_and_a_unit() {
        assert_eq!(size("64MiB"), Some(64 << 20));
        assert_eq!(size("1GiB"), Some(1 << 30));
        assert_eq!(size("64MB"), None);
        assert_eq!(size("17179869184GiB"), None);
    }

    #[test]
    fn what_is_shown_can_be_read_again() {
        for text in ["300ms", "1500ms", "5s", "90s", "2m", "24h", "0ms"] {
            assert_eq!(Span(duration(text).unwrap()).to_string(), text);
        }
        for text in ["0B", "512B", "4KiB", "64MiB", "3GiB", "1025B"] {
            assert_eq!(Bytes(size(text).unwrap()).to_string(), text);
        }
    }
}
