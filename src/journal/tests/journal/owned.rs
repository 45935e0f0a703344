//! Nobody but the owner can look into the data directory.

use super::*;
use pabal_journal::Error;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;

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
