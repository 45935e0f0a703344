use std::fmt;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

/// Why a command of ours did not do what it should.
#[derive(Debug)]
pub(crate) struct Failure(String);

impl Failure {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A program to be started in the workspace, without an input.
pub(crate) struct Job {
    name: String,
    command: Command,
}

impl Job {
    pub(crate) fn new(root: &Path, program: &str) -> Self {
        let mut command = Command::new(program);
        command.current_dir(root).stdin(Stdio::null());
        Self { name: String::from(program), command }
    }

    /// The cargo that started us.
    pub(crate) fn cargo(root: &Path, args: &[&str]) -> Self {
        let program = std::env::var("CARGO").unwrap_or_else(|_| String::from("cargo"));
        let mut job = Self::new(root, &program);
        job.name = String::from("cargo");
        job.args(args)
    }

    pub(crate) fn args(mut self, args: &[&str]) -> Self {
        for arg in args {
            self.name.push(' ');
            self.name.push_str(arg);
        }
        self.command.args(args);
        self
    }

    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    /// Runs it to its end.
    pub(crate) fn run(mut self) -> Result<(), Failure> {
        let status = self.command.status().map_err(|error| self.not_started(&error))?;
        if status.success() { Ok(()) } else { Err(Failure::new(format!("`{}` ended with {status}", self.name))) }
    }

    /// Runs it to its end and returns what it wrote.
    pub(crate) fn output(mut self) -> Result<String, Failure> {
        let output = self.command.stderr(Stdio::inherit()).output().map_err(|error| self.not_started(&error))?;
        if !output.status.success() {
            return Err(Failure::new(format!("`{}` ended with {}", self.name, output.status)));
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// Runs it to its end: whether it says that all is well, and what it wrote.
    pub(crate) fn outcome(mut self) -> Result<(bool, String), Failure> {
        let output = self.command.stderr(Stdio::inherit()).output().map_err(|error| self.not_started(&error))?;
        Ok((output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned()))
    }

    /// Runs tests, copies what they write to the screen, and returns how many passed. That none ran is a failure.
    pub(crate) fn tests(mut self, screen: &mut dyn Write) -> Result<usize, Failure> {
        let mut child = self.command.stdout(Stdio::piped()).spawn().map_err(|error| self.not_started(&error))?;
        let mut passed = 0;
        if let Some(stdout) = child.stdout.take() {
            let mut reader = BufReader::new(stdout);
            let mut line = Vec::new();
            while reader.read_until(b'\n', &mut line).is_ok_and(|bytes| bytes > 0) {
                passed += tests_passed(&String::from_utf8_lossy(&line));
                // A closed screen shall not end the tests.
                let _ = screen.write_all(&line).and_then(|()| screen.flush());
                line.clear();
            }
        }
        let status = child.wait().map_err(|error| self.not_started(&error))?;
        if !status.success() {
            return Err(Failure::new(format!("`{}` ended with {status}", self.name)));
        }
        if passed == 0 {
            return Err(Failure::new(format!("`{}` ran no test", self.name)));
        }
        Ok(passed)
    }

    fn not_started(&self, error: &std::io::Error) -> Failure {
        Failure::new(format!("`{}` could not be run: {error}", self.name))
    }
}

/// How many tests a line of the test harness says have passed.
fn tests_passed(line: &str) -> usize {
    let count = || line.strip_prefix("test result: ")?.split_once(". ")?.1.split_once(" passed")?.0.parse().ok();
    count().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Job {
        Job::new(Path::new("."), "sh").args(&["-c", script])
    }

    #[test]
    fn passed_tests_are_counted() {
        assert_eq!(tests_passed("test result: ok. 12 passed; 0 failed; 0 ignored"), 12);
        assert_eq!(tests_passed("test result: FAILED. 3 passed; 1 failed; 0 ignored"), 3);
        assert_eq!(tests_passed("test tests::passed ... ok"), 0);
        assert_eq!(tests_passed("running 4 tests"), 0);
    }

    #[test]
    fn that_no_test_ran_is_a_failure() {
        let lines = "echo 'test result: ok. 0 passed; 0 failed'; echo 'test result: ok. 0 passed; 0 failed'";
        assert!(shell(lines).tests(&mut std::io::sink()).unwrap_err().to_string().ends_with("ran no test"));
        let mut screen = Vec::new();
        assert_eq!(
            shell("echo 'test result: ok. 2 passed'; echo 'test result: ok. 3 passed'").tests(&mut screen).unwrap(),
            5
        );
        assert_eq!(screen, b"test result: ok. 2 passed\ntest result: ok. 3 passed\n");
    }

    #[test]
    fn a_failed_job_is_a_failure() {
        assert!(shell("exit 3").run().is_err());
        assert!(shell("echo 'test result: ok. 2 passed'; exit 3").tests(&mut std::io::sink()).is_err());
        assert!(shell("exit 3").output().is_err());
        assert_eq!(shell("echo out").output().unwrap(), "out\n");
        assert!(Job::new(Path::new("."), "no-such-program-of-ours").run().is_err());
    }
}
