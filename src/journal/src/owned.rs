//! Nobody but its owner looks into the data directory: the journal holds accounts and names in clear.
//!
//! The engine gives its write-ahead file and the index of it the mode of the database, so that the database is made here, before the
//! engine opens it. One that is there is never opened here: to close a second handle of it would drop the engine's locks.

use std::fs::{DirBuilder, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

use crate::Error;
use crate::schema;

/// The file whose lock says who has the directory.
pub(crate) const LOCK: &str = "lock";

/// Of everything that is made: reading and writing, for the owner.
pub(crate) const FILE_MODE: u32 = 0o600;
const DIRECTORY_MODE: u32 = 0o700;

/// What the group and all others may do.
const OTHERS: u32 = 0o077;
/// Of a directory that everybody writes into, such as `/tmp`.
const STICKY: u32 = 0o1000;

/// Makes the data directory, or closes one of ours to others. One with other things in it is not ours to close.
pub(crate) fn directory(path: &Path) -> Result<(), Error> {
    let failed = |doing| move |source| Error::Directory { doing, path: path.to_owned(), source };
    DirBuilder::new().recursive(true).mode(DIRECTORY_MODE).create(path).map_err(failed("making"))?;
    let mode = mode(path).map_err(failed("looking at"))?;
    if mode & OTHERS == 0 {
        return Ok(());
    }
    let is_ours = [schema::FILE, LOCK].iter().any(|name| path.join(name).exists());
    let is_empty = || std::fs::read_dir(path).map(|mut entries| entries.next().is_none());
    if mode & STICKY != 0 || !(is_ours || is_empty().map_err(failed("looking into"))?) {
        return Err(Error::Exposed { path: path.to_owned(), mode });
    }
    narrow(path)
}

/// Makes the database, empty and for its owner only, if there is none, and closes it and what the engine has beside it to others. The
/// directory must be locked.
pub(crate) fn files(directory: &Path) -> Result<(), Error> {
    let path = schema::path(directory);
    match OpenOptions::new().write(true).create_new(true).mode(FILE_MODE).open(&path) {
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(source) => return Err(Error::Directory { doing: "making", path, source }),
    }
    for end in ["", "-wal", "-shm"] {
        narrow(&directory.join(format!("{}{end}", schema::FILE)))?;
    }
    Ok(())
}

/// Takes from others whatever they may do; what is not there is nobody's.
pub(crate) fn narrow(path: &Path) -> Result<(), Error> {
    let failed = |source| Error::Directory { doing: "looking at", path: path.to_owned(), source };
    let before = match mode(path) {
        Ok(before) => before,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(failed(error)),
    };
    if before & OTHERS == 0 {
        return Ok(());
    }
    // There are file systems that say yes and change nothing.
    let changed = std::fs::set_permissions(path, Permissions::from_mode(before & !OTHERS)).and_then(|()| mode(path));
    match changed {
        Ok(after) if after & OTHERS == 0 => {
            tracing::warn!(path = %path.display(), before = %format_args!("{before:04o}"), "was open to others, and is closed to them now");
            Ok(())
        }
        Ok(_) | Err(_) => Err(Error::Exposed { path: path.to_owned(), mode: before }),
    }
}

fn mode(path: &Path) -> io::Result<u32> {
    Ok(std::fs::metadata(path)?.permissions().mode() & 0o7777)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_os = "linux")]
    #[test]
    fn what_cannot_be_closed_is_refused() {
        // Nobody may change the modes of a process's files, root neither.
        let error = narrow(Path::new("/proc/self/status")).unwrap_err().to_string();
        assert!(error.starts_with("/proc/self/status is open to others (mode 0444), "), "{error}");
        narrow(Path::new("/proc/self/nothing")).unwrap();
    }
}
