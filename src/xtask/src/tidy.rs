//! Rules of the tree that no lint knows.

mod house;
mod words;

use std::fmt;
use std::path::Path;

use crate::dependency;
use crate::process::Failure;
use crate::source;

/// Something that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Finding {
    /// From the root.
    pub(crate) path: String,
    /// From 1; 0 for a file as a whole.
    pub(crate) line: usize,
    /// What is wrong and what to do.
    pub(crate) text: String,
}

impl Finding {
    pub(crate) fn new(path: &str, line: usize, text: impl Into<String>) -> Self {
        Self { path: String::from(path), line, text: text.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "{}: {}", self.path, self.text),
            line => write!(f, "{}:{line}: {}", self.path, self.text),
        }
    }
}

/// Checks the whole tree and says everything that is wrong.
pub(crate) fn run(root: &Path) -> Result<(), Failure> {
    let files = source::files(root)?;
    let mut findings = house::check(root, &files)?;
    for path in &files {
        if let Some(text) = source::text(root, path)? {
            findings.extend(words::check(path, &text));
        }
    }
    findings.extend(dependency::check(root)?);
    findings.sort();
    for finding in &findings {
        eprintln!("{finding}");
    }
    if findings.is_empty() {
        println!("{} files are tidy", files.len());
        Ok(())
    } else {
        Err(Failure::new(format!("{} findings", findings.len())))
    }
}
