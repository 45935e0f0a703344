//! One writer per data directory: an exclusive lock, and who has it.
//!
//! The lock is the kernel's (`flock` on the file `lock`), so it ends with the process that has it, however that ends. What
//! the file says is only for people, and for the next start: a writer that closes cleanly empties it.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rustix::fs::{FlockOperation, flock};

use crate::{Error, owned};

/// Who holds a data directory, or held it last.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Holder {
    /// Its process.
    pub pid: Option<u32>,
    /// Its node's name.
    pub node: Option<String>,
    /// When it started, microseconds since 1970 (UTC).
    pub started_at: Option<i64>,
}

impl Holder {
    fn parse(text: &str) -> Self {
        let value = |name| text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        Self {
            pid: value("pid").and_then(|text| text.parse().ok()),
            node: value("node").map(str::to_owned),
            started_at: value("started_at").and_then(|text| text.parse().ok()),
        }
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.pid {
            Some(pid) => write!(f, "process {pid}")?,
            None => write!(f, "a process that has not yet said its name")?,
        }
        if let Some(node) = &self.node {
            write!(f, " of node {node}")?;
        }
        match self.started_at {
            Some(at) => write!(f, ", started {}", Utc(at)),
            None => Ok(()),
        }
    }
}

/// Microseconds since 1970 as a date and time of day, to the second.
struct Utc(i64);

impl fmt::Display for Utc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.div_euclid(1_000_000);
        let (days, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
        // Years that begin in March put the leap day last; an era is 400 of them.
        let days = days + 719_468;
        let (era, day) = (days.div_euclid(146_097), days.rem_euclid(146_097));
        let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
        let day = day - (365 * year + year / 4 - year / 100);
        let month = (5 * day + 2) / 153;
        let day = day - (153 * month + 2) / 5 + 1;
        let (month, carry) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
        let year = era * 400 + year + carry;
        let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
    }
}

/// The lock, held until this is dropped.
#[derive(Debug)]
pub(crate) struct DirectoryLock {
    file: File,
}

impl DirectoryLock {
    /// Takes the lock, or names who has it. Also returns who held it last and did not close cleanly.
    pub(crate) fn take(directory: &Path, node: &str, started_at: i64) -> Result<(Self, Option<Holder>), Error> {
        let path = directory.join(owned::LOCK);
        let failed = |doing| {
            let path = path.clone();
            move |source: io::Error| Error::Directory { doing, path, source }
        };
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(owned::FILE_MODE)
            .open(&path)
            .map_err(failed("opening the lock"))?;
        owned::narrow(&path)?;
        let locked = flock(&file, FlockOperation::NonBlockingLockExclusive);
        let mut text = String::new();
        // A file that is not text names nobody; the lock is the kernel's.
        let _ = file.read_to_string(&mut text);
        match locked {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => {
                return Err(Error::Held { holder: Holder::parse(&text), path: directory.to_owned() });
            }
            Err(error) => return Err(failed("locking")(error.into())),
        }
        let unclean = (!text.is_empty()).then(|| Holder::parse(&text));
        file.rewind()
            .and_then(|()| file.set_len(0))
            .and_then(|()| {
                let node = node.replace('\n', " ");
                write!(file, "pid {}\nnode {node}\nstarted_at {started_at}\n", std::process::id())
            })
            .and_then(|()| file.sync_all())
            .map_err(failed("writing the lock"))?;
        Ok((Self { file }, unclean))
    }

    /// Says that this holder stopped cleanly.
    pub(crate) fn close(self) -> io::Result<()> {
        self.file.set_len(0)?;
        self.file.sync_all()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_holder_is_told_the_first() {
        let directory = tempfile::tempdir().unwrap();
        let (first, unclean) = DirectoryLock::take(directory.path(), "seoul-1", 1_795_273_200_000_000).unwrap();
        assert_eq!(unclean, None);
        let error = DirectoryLock::take(directory.path(), "seoul-2", 0).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!(
                "the data directory {} is held by process {} of node seoul-1, started 2026-11-21T15:00:00Z: stop that process, or \
                 give this one a data directory of its own",
                directory.path().display(),
                std::process::id()
            )
        );
        first.close().unwrap();
        let (_, unclean) = DirectoryLock::take(directory.path(), "seoul-2", 0).unwrap();
        assert_eq!(unclean, None, "the first closed cleanly");
        let (_, unclean) = DirectoryLock::take(directory.path(), "seoul-3", 0).unwrap();
        assert_eq!(unclean.unwrap().node.as_deref(), Some("seoul-2"), "the second just let go");
    }

    #[test]
    fn times_are_civil() {
        for (at, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_400_000_000, "2000-02-29T00:00:00Z"),
            (1_709_251_199_999_999, "2024-02-29T23:59:59Z"),
            (-1, "1969-12-31T23:59:59Z"),
        ] {
            assert_eq!(Utc(at).to_string(), text);
        }
    }
}
