//! The one place that reads a clock, and the one alarm that goes by it.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime};

use pabal_clock::{Mono, Now, Wall};
use rustix::time::{ClockId, clock_gettime};
use tokio::time::{Instant, Sleep, sleep};

/// Both readings of this instant.
pub(crate) fn now() -> Now {
    let boot = clock_gettime(ClockId::Boottime);
    let seconds = u64::try_from(boot.tv_sec).unwrap_or(0);
    let nanos = u64::try_from(boot.tv_nsec).unwrap_or(0);
    let mono = Mono::from_nanos(seconds.saturating_mul(1_000_000_000).saturating_add(nanos));
    Now { mono, wall: wall() }
}

#[expect(clippy::disallowed_methods, reason = "this is the one clock of the gateway")]
fn wall() -> Wall {
    let micros = |span: Duration| i64::try_from(span.as_micros()).unwrap_or(i64::MAX);
    Wall::from_unix_micros(match SystemTime::now().duration_since(SystemTime::UNIX_EPOCH) {
        Ok(after) => micros(after),
        Err(before) => -micros(before.duration()),
    })
}

/// Wakes a task when an instant has come.
pub(crate) struct Alarm {
    sleep: Pin<Box<Sleep>>,
    at: Option<Mono>,
}

/// The runtime's clock stops while the computer sleeps, ours does not: it is looked at this often at least.
const LONGEST: Duration = Duration::from_secs(1);

impl Alarm {
    pub(crate) fn new() -> Self {
        Self { sleep: Box::pin(sleep(LONGEST)), at: None }
    }

    /// Has the task of `cx` woken at `at`, or a little later. Ready if it has come already.
    pub(crate) fn poll(&mut self, at: Option<Mono>, now: Mono, cx: &mut Context<'_>) -> Poll<()> {
        let Some(at) = at else {
            self.at = None;
            return Poll::Pending;
        };
        if at <= now {
            return Poll::Ready(());
        }
        // What was to come sooner and does not any more costs one look too many, and no timer that is set anew for each exchange.
        if self.at.is_none_or(|set| set > at) || self.sleep.is_elapsed() {
            self.at = Some(at);
            self.sleep.as_mut().reset(Instant::now() + at.since(now).min(LONGEST));
        }
        match self.sleep.as_mut().poll(cx) {
            // It ends early if it is capped, so who waits looks again.
            Poll::Ready(()) => Poll::Ready(()),
            Poll::Pending => Poll::Pending,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_clocks_run() {
        let first = now();
        let mut later = now();
        while later.mono == first.mono {
            later = now();
        }
        assert!(later.mono > first.mono);
        // After 2020 and before 2100: microseconds, not anything else.
        assert!(
            (1_577_836_800_000_000..4_102_444_800_000_000).contains(&first.wall.as_unix_micros()),
            "{:?}",
            first.wall
        );
    }

    #[tokio::test]
    async fn an_alarm_wakes_when_its_time_has_come() {
        let start = now().mono;
        let at = start + Duration::from_millis(20);
        let mut alarm = Alarm::new();
        std::future::poll_fn(|cx| {
            let reached = now().mono;
            if reached >= at {
                return Poll::Ready(());
            }
            if alarm.poll(Some(at), reached, cx).is_ready() {
                cx.waker().wake_by_ref();
            }
            Poll::Pending
        })
        .await;
        assert!(now().mono >= at);
    }
}
