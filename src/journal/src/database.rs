//! A connection to the database, and one handle of the file for all connections of this process.
//!
//! The handle is for [`Database::sync`]: the engine syncs the database only when a folding has caught up with the write-ahead file, which under
//! load none does. But the engine's locks belong to the process and the file: to close *any* handle of the file drops them (fcntl(2),
//! "Advisory record locking"), and another process that then closes the last connection that it knows of removes the write-ahead file under us. So
//! there is one handle, opened before the first connection of this process and closed after the last.

use std::collections::BTreeMap;
use std::fs::{File, metadata};
use std::io;
use std::ops::{Deref, DerefMut};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use rusqlite::{Connection, OpenFlags};

use crate::error::Error;
use crate::schema::{self, storage};

/// A connection, and the handle that is closed after it.
#[derive(Debug)]
pub(crate) struct Database {
    // Fields are dropped in this order.
    connection: Connection,
    handle: Handle,
}

impl Database {
    /// Opens the database of a data directory.
    pub(crate) fn open(directory: &Path, flags: OpenFlags) -> Result<Self, Error> {
        let path = schema::path(directory);
        let handle = match Handle::of(&path) {
            Ok(handle) => handle,
            Err(source) => return Err(Error::Directory { doing: "opening", path, source }),
        };
        let connection = Connection::open_with_flags(path, flags).map_err(storage("opening the journal"))?;
        Ok(Self { connection, handle })
    }

    /// Syncs what is in the database file, which is not what is in the write-ahead file.
    pub(crate) fn sync(&self) -> io::Result<()> {
        self.handle.file.as_ref().map_or(Ok(()), |file| file.sync_data())
    }

    /// Closes the connection, to hear what is wrong with that.
    pub(crate) fn close(self) -> rusqlite::Result<()> {
        let Self { connection, handle } = self;
        let closed = connection.close().map_err(|(_, error)| error);
        drop(handle);
        closed
    }
}

impl Deref for Database {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.connection
    }
}

impl DerefMut for Database {
    fn deref_mut(&mut self) -> &mut Connection {
        &mut self.connection
    }
}

/// Device and number of a file.
type Inode = (u64, u64);

/// The files of this process that are held open. Opened and closed under the lock.
static FILES: Mutex<BTreeMap<Inode, Weak<File>>> = Mutex::new(BTreeMap::new());

/// A share in the one handle of a file.
#[derive(Debug)]
struct Handle {
    inode: Inode,
    /// `None` while it is dropped.
    file: Option<Arc<File>>,
}

impl Handle {
    fn of(path: &Path) -> io::Result<Self> {
        let mut files = files();
        let metadata = metadata(path)?;
        let inode = (metadata.dev(), metadata.ino());
        let file = match files.get(&inode).and_then(Weak::upgrade) {
            Some(file) => file,
            None => Arc::new(File::open(path)?),
        };
        files.insert(inode, Arc::downgrade(&file));
        Ok(Self { inode, file: Some(file) })
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        let mut files = files();
        drop(self.file.take());
        if files.get(&self.inode).is_some_and(|file| file.strong_count() == 0) {
            files.remove(&self.inode);
        }
    }
}

fn files() -> MutexGuard<'static, BTreeMap<Inode, Weak<File>>> {
    FILES.lock().unwrap_or_else(PoisonError::into_inner)
}
