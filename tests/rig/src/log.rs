use std::any::Any;
use std::cell::RefCell;
use std::fmt::{self, Write as _};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use tokio::runtime::Builder;
use tracing::field::{Field, Visit};
use tracing::{Dispatch, Event, Level, Subscriber};
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

/// How long a test may take.
pub const TEST_MAX: Duration = Duration::from_secs(85);

/// What was logged by the threads of one test.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Kept>>);

#[derive(Default)]
struct Kept {
    lines: Vec<(Level, String)>,
    expected: Vec<String>,
}

thread_local! {
    /// The log of the test that this thread works for.
    static OWN: RefCell<Option<Log>> = const { RefCell::new(None) };
}

/// What threads logged that belong to no test's runtime: those of journals.
static STRANGERS: OnceLock<Log> = OnceLock::new();

impl Log {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn unexpected(&self) -> Vec<String> {
        let kept = self.kept();
        let is_expected = |line: &str| kept.expected.iter().any(|text| line.contains(text));
        let errors = kept.lines.iter().filter(|(level, line)| *level == Level::ERROR && !is_expected(line));
        errors.map(|(_, line)| line.clone()).collect()
    }
}

impl<S: Subscriber> Layer<S> for Log {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        struct Text(String);
        impl Visit for Text {
            fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
                // Writing to a String does not fail.
                let _ = match field.name() {
                    "message" => write!(self.0, " {value:?}"),
                    name => write!(self.0, " {name}={value:?}"),
                };
            }
        }
        let mut text = Text(format!("{} {}:", event.metadata().level(), event.metadata().target()));
        event.record(&mut text);
        self.kept().lines.push((*event.metadata().level(), text.0));
    }
}

fn dispatch(log: Log) -> Dispatch {
    Dispatch::new(tracing_subscriber::registry().with(LevelFilter::INFO).with(log))
}

/// From now on an ERROR whose line holds this text is what the test wants to see.
///
/// # Panics
/// This is no thread of a test.
pub fn expect_error(text: &str) {
    let log = own();
    for log in [&log, strangers()] {
        log.kept().expected.push(text.to_owned());
    }
}

/// Whether a line with this text has been logged for this test.
#[must_use]
pub fn is_logged(text: &str) -> bool {
    own().kept().lines.iter().any(|(_, line)| line.contains(text))
}

fn own() -> Log {
    OWN.with_borrow(Clone::clone).expect("this thread belongs to a test that `run` runs")
}

fn strangers() -> &'static Log {
    STRANGERS.get_or_init(|| {
        let log = Log::default();
        // Whoever was first: there is no other logger in a test binary.
        let _ = tracing::dispatcher::set_global_default(dispatch(log.clone()));
        log
    })
}

/// Has this thread log for a test, until it ends.
fn adopt(log: &Log) {
    OWN.set(Some(log.clone()));
    // The thread's end drops what the guard would put back.
    std::mem::forget(tracing::dispatcher::set_default(&dispatch(log.clone())));
}

/// A runtime whose threads log for the test that this thread belongs to.
pub(crate) fn runtime(workers: usize) -> tokio::runtime::Runtime {
    let log = own();
    let built =
        Builder::new_multi_thread().worker_threads(workers).enable_all().on_thread_start(move || adopt(&log)).build();
    built.expect("the system gives threads")
}

/// Runs a test. What was logged is printed if it fails.
///
/// # Panics
/// The test does; or it does not end within [`TEST_MAX`]; or an ERROR was logged that it did not expect.
pub fn run(test: impl Future<Output = ()>) {
    run_within(TEST_MAX, test);
}

/// The same of a long one, that must end within `max`.
///
/// # Panics
/// As [`run`].
pub fn run_within(max: Duration, test: impl Future<Output = ()>) {
    strangers();
    let log = Log::default();
    adopt(&log);
    let runtime = runtime(1);
    let ended = catch_unwind(AssertUnwindSafe(|| {
        runtime.block_on(async {
            assert!(tokio::time::timeout(max, test).await.is_ok(), "the test did not end within {max:?}");
        });
    }));
    runtime.shutdown_timeout(Duration::from_secs(5));
    if let Err(panic) = ended {
        tell(&log);
        resume_unwind(panic);
    }
    let errors = [log.unexpected(), strangers().unexpected()].concat();
    if !errors.is_empty() {
        tell(&log);
        let text: Box<dyn Any + Send> = Box::new(format!("an ERROR in the log fails a test: {errors:#?}"));
        resume_unwind(text);
    }
}

#[expect(clippy::print_stderr, reason = "for whoever looks at a test that failed")]
fn tell(log: &Log) {
    for (_, line) in &log.kept().lines {
        eprintln!("{line}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[should_panic(expected = "an ERROR in the log fails a test")]
    fn an_error_fails_a_test() {
        run(async { tracing::error!(what = "something broke", "a fault of ours") });
    }

    #[test]
    #[should_panic(expected = "an ERROR in the log fails a test")]
    fn an_error_of_a_task_fails_a_test() {
        run(async { drop(tokio::spawn(async { tracing::error!("a fault of ours") }).await) });
    }

    #[test]
    fn an_error_that_is_expected_does_not() {
        run(async {
            expect_error("of ours");
            tracing::error!("a fault of ours");
            tracing::warn!("nothing that matters");
            assert!(is_logged("a fault of ours") && is_logged("nothing that") && !is_logged("somebody else's"));
        });
    }
}
