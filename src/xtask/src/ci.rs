use std::path::Path;
use std::time::Instant;

use crate::process::{Failure, Job};
use crate::{readme, samples, tidy, world};

type Step = fn(&Path) -> Result<(), Failure>;

/// In this order: what fails fast comes first.
const STEPS: [(&str, Step); 8] = [
    ("fmt", |root| Job::cargo(root, &["fmt", "--all", "--check"]).run()),
    ("tidy", tidy::run),
    ("samples", |root| samples(root, true)),
    ("clippy", |root| {
        Job::cargo(root, &["clippy", "--workspace", "--all-targets", "--locked", "--", "--deny", "warnings"]).run()
    }),
    ("doc", |root| {
        Job::cargo(root, &["doc", "--workspace", "--no-deps", "--locked"]).env("RUSTDOCFLAGS", "--deny warnings").run()
    }),
    ("test", |root| {
        let passed = Job::cargo(root, &["test", "--workspace", "--locked"]).tests(&mut std::io::stdout())?;
        println!("{passed} tests passed");
        Ok(())
    }),
    ("world", |root| world(root, WORLD_SEEDS, "1")),
    ("readme", readme::run),
];

/// So many that everything that can happen happens: the world then fails, too, where a fault never hit a stage that it can hit.
const WORLD_SEEDS: &str = "10000";

/// Everything that must hold. Stops at the first step that fails.
pub(crate) fn run(root: &Path) -> Result<(), Failure> {
    run_steps(root, &STEPS)
}

fn run_steps(root: &Path, steps: &[(&str, Step)]) -> Result<(), Failure> {
    let mut report = String::new();
    let mut failed = None;
    for (name, step) in steps {
        println!("== {name}");
        let minutes = stopwatch();
        let done = step(root);
        let word = if done.is_ok() { "ok" } else { "FAILED" };
        report.push_str(&format!("{name:<8} {:>6.1} min  {word}\n", minutes()));
        if let Err(failure) = done {
            failed = Some(Failure::new(format!("{name}: {failure}")));
            break;
        }
    }
    println!("\n{report}");
    failed.map_or(Ok(()), Err)
}

/// Minutes since now.
#[expect(clippy::disallowed_methods, reason = "a person wants to know how long it took; nothing depends on it")]
fn stopwatch() -> impl Fn() -> f64 {
    let start = Instant::now();
    move || start.elapsed().as_secs_f64() / 60.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_failed_step_ends_it() {
        let steps: [(&str, Step); 3] = [
            ("one", |_| Ok(())),
            ("two", |_| Err(Failure::new("broken"))),
            ("three", |_| unreachable!("the step before it has failed")),
        ];
        assert_eq!(run_steps(Path::new("."), &steps).unwrap_err().to_string(), "two: broken");
        assert!(run_steps(Path::new("."), &steps[..1]).is_ok());
    }
}
