use pabal_clock::{Mono, Now, Wall};
use rustix::time::{ClockId, Timespec, clock_gettime};

/// Reads the computer's clocks: `CLOCK_BOOTTIME` for timers, `CLOCK_REALTIME` for dates. For [`crate::Options::clock`].
#[must_use]
pub fn computer_clock() -> Now {
    let boot = clock_gettime(ClockId::Boottime);
    let real = clock_gettime(ClockId::Realtime);
    let nanos = |time: Timespec| i128::from(time.tv_sec) * 1_000_000_000 + i128::from(time.tv_nsec);
    Now {
        mono: Mono::from_nanos(u64::try_from(nanos(boot)).unwrap_or(0)),
        wall: Wall::from_unix_micros(i64::try_from(nanos(real) / 1_000).unwrap_or(0)),
    }
}
