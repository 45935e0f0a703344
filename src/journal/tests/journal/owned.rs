//! Nobody but the owner can look into the data directory.

use super::*;
use pabal_journal::{Error, Reader, verify};
use std::fs::Permissions;
use std::os::unix::fs::{MetadataExt, PermissionsExt};

const FILES: [&str; 4] = ["lock", "journal.sqlite", "journal.sqlite-wal", "journal.sqlite-shm"];

fn mode(path: impl AsRef<Path>) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

fn set_mode(path: impl AsRef<Path>, mode: u32) {
    std::fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

/// Opens the journal and writes, so that all of its files are there.
fn written(directory: &Path) -> Writer {
    let (writer, _) = Journal::open(options(directory)).unwrap();
    let acked = register(&writer, "hecto");
    writer.append("hecto", vec![draft("accepted", 1)], 1).unwrap();
    acked.recv().unwrap();
    writer
}

fn is_closed_to_others(directory: &Path) {
    assert_eq!(mode(directory), 0o700);
    for name in FILES {
        assert_eq!(mode(directory.join(name)), 0o600, "{name}");
    }
}

#[test]
fn what_is_made_is_for_the_owner_only() {
    let site = Site::new();
    // Modes as they come from the system, not from a directory that is closed already.
    set_mode(site.path(), 0o755);
    let directory = site.path().join("site").join("data");
    let writer = written(&directory);
    is_closed_to_others(&directory);
    writer.close().unwrap();
    let _writer = written(&directory);
    is_closed_to_others(&directory);
}

#[test]
fn what_was_open_to_others_is_closed() {
    let (site, crashed) = (Site::new(), Site::new());
    let writer = written(site.path());
    for name in ["journal.sqlite", "journal.sqlite-wal", "journal.sqlite-shm", "lock"] {
        std::fs::copy(site.path().join(name), crashed.path().join(name)).unwrap();
        set_mode(crashed.path().join(name), 0o644);
    }
    set_mode(crashed.path(), 0o755);
    writer.close().unwrap();
    let (reopened, recovered) = crashed.open();
    assert_eq!(recovered.last, at(1), "nothing is lost by it");
    is_closed_to_others(crashed.path());
    reopened.close().unwrap();

    let empty = Site::new();
    set_mode(empty.path(), 0o2775);
    let _writer = written(empty.path());
    assert_eq!(mode(empty.path()) & 0o777, 0o700);
}

#[test]
fn a_directory_of_others_is_not_closed_but_refused() {
    let shared = Site::new();
    std::fs::write(shared.path().join("pabal.toml"), "").unwrap();
    set_mode(shared.path(), 0o755);
    let error = Journal::open(shared.options()).unwrap_err();
    assert!(matches!(&error, Error::Exposed { mode: 0o755, .. }), "{error}");
    assert_eq!(
        error.to_string(),
        format!(
            "{0} is open to others (mode 0755), and the journal holds accounts and names in clear: give the journal a directory of its \
             own, or take others' rights away as its owner (chmod go= {0})",
            shared.path().display()
        )
    );
    assert_eq!(mode(shared.path()), 0o755, "left as it is");
    assert!(!shared.file().exists(), "nothing is made");
    // The fix works.
    set_mode(shared.path(), 0o700);
    let _writer = written(shared.path());

    let everybodys = Site::new();
    set_mode(everybodys.path(), 0o1777);
    assert!(matches!(Journal::open(everybodys.options()), Err(Error::Exposed { mode: 0o1777, .. })));
}

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
    let writer = written(site.path());
    assert!(has_lock(&site));
    drop(Reader::open(site.path()).unwrap());
    verify(site.path()).unwrap();
    assert!(has_lock(&site), "a reader that closes leaves the writer's");
    let reader = Reader::open(site.path()).unwrap();
    writer.close().unwrap();
    assert!(has_lock(&site), "a writer that closes leaves the reader's");
    written(site.path()).close().unwrap();
    assert!(has_lock(&site), "so does the next one");
    drop(reader);
    assert!(!has_lock(&site));
}

#[test]
fn connections_that_come_and_go_at_once_leave_each_others_locks() {
    let site = Site::new();
    written(site.path()).close().unwrap();
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
