use alloc::boxed::Box;
use alloc::string::String;
use core::fmt;

/// Something wrong in a scenario file: where, what, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// The file, as it was named to the parser.
    pub file: Box<str>,
    /// From 1.
    pub line: u32,
    /// In characters, from 1.
    pub column: u32,
    /// The key, such as `reply[2].match.debit_amt` (lists count from 1); empty for the file as a whole.
    pub path: String,
    /// What is wrong, in a sentence without a full stop.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
}

impl fmt::Display for Mistake {
    /// One line: `demo.toml:12:3: reply[2].match.debit_amt: no such field; did you mean ...?`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}: ", self.file, self.line, self.column)?;
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        f.write_str(&self.message)?;
        if let Some(help) = &self.help {
            write!(f, "; {help}")?;
        }
        Ok(())
    }
}

impl core::error::Error for Mistake {}
