//! No connection that closes takes the engine's locks from the others of its process.

use super::*;
use pabal_journal::{Reader, verify};
use std::os::unix::fs::MetadataExt;

/// Whether this process has a lock on the database, as the kernel tells of each handle. (The list of all locks is not read in one piece.)
fn has_lock(site: &Site) -> bool {
    let inode = format!(":{}", std::fs::metadata(site.file()).unwrap().ino());
    let handles = std::fs::read_dir("/proc/self/fdinfo").unwrap();
    handles.flatten().any(|handle| {
        // One that is closed meanwhile has nothing to tell.
        let told = std::fs::read_to_string(handle.path()).unwrap_or_default();
        // "lock: 1: POSIX  ADVISORY  READ 4711 fd:00:1234 1073741826 1073742335"
        let locks = told.lines().filter(|line| line.starts_with("lock:"));
        locks.flat_map(str::split_whitespace).any(|word| word.ends_with(&inode))
    })
}

#[test]
fn no_connection_that_closes_takes_the_locks_of_the_others() {
    let site = Site::new();
    let (writer, _) = site.open();
    assert!(has_lock(&site));
    drop(Reader::open(site.path()).unwrap());
    verify(site.path()).unwrap();
    assert!(has_lock(&site), "a reader that closes leaves the writer's");
    let reader = Reader::open(site.path()).unwrap();
    writer.close().unwrap();
    assert!(has_lock(&site), "a writer that closes leaves the reader's");
    site.open().0.close().unwrap();
    assert!(has_lock(&site), "so does the next one");
    drop(reader);
    assert!(!has_lock(&site));
}

#[test]
fn connections_that_come_and_go_at_once_leave_each_others_locks() {
    let site = Site::new();
    site.open().0.close().unwrap();
    // Nobody holds the file all the time: again and again one of them is the first, and one the last.
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..200 {
                    let reader = Reader::open(site.path()).unwrap();
                    assert!(has_lock(&site));
                    drop(reader);
                }
            });
        }
    });
    assert!(!has_lock(&site));
}
