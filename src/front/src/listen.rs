use std::net::SocketAddr;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::{Path, PathBuf};

use pabal_gateway::Listen;
use tokio::net::{TcpListener, UnixListener};

/// Why nothing can be listened on.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// Others could reach it.
    #[error(
        "{0} can be reached from other hosts, and there is no TLS yet; listen on 127.0.0.1, on [::1], or on `unix:` and a path"
    )]
    NotLoopback(SocketAddr),
    /// Another process listens there.
    #[error("{}: another process listens on this socket; stop it, or listen on another path", .0.display())]
    InUse(PathBuf),
    /// Something else is there.
    #[error("{}: there is something that is not a socket; move it away, or listen on another path", .0.display())]
    NotSocket(PathBuf),
    /// The system says no.
    #[error("cannot listen on {listen}: {error}; check gateway.listen")]
    Io {
        /// Where, as clients write it.
        listen: String,
        /// Why.
        error: std::io::Error,
    },
}

/// Listens where nobody but this host can call.
pub(crate) async fn bind(listen: &Listen) -> Result<Bound, ListenError> {
    let failed = |error| ListenError::Io { listen: endpoint(listen), error };
    match listen {
        Listen::Tcp(address) if !address.ip().to_canonical().is_loopback() => Err(ListenError::NotLoopback(*address)),
        Listen::Tcp(address) => Ok(Bound::Tcp(TcpListener::bind(address).await.map_err(failed)?)),
        Listen::Unix(path) => {
            make_room(path)?;
            let listener = UnixListener::bind(path).map_err(failed)?;
            let file = SocketFile(path.clone());
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o660)).map_err(failed)?;
            Ok(Bound::Unix(listener, file))
        }
    }
}

/// As clients write it: `http://127.0.0.1:7400` or `unix:/path`.
pub(crate) fn endpoint(listen: &Listen) -> String {
    match listen {
        Listen::Tcp(address) => format!("http://{address}"),
        Listen::Unix(path) => format!("unix:{}", path.display()),
    }
}

/// A socket that listens.
#[derive(Debug)]
pub(crate) enum Bound {
    Tcp(TcpListener),
    Unix(UnixListener, SocketFile),
}

/// Removes the file when it is dropped.
#[derive(Debug)]
pub(crate) struct SocketFile(PathBuf);

impl Drop for SocketFile {
    fn drop(&mut self) {
        // If it is gone already, that is what is wanted.
        let _ = std::fs::remove_file(&self.0);
    }
}

/// Removes a socket that a process which has ended left behind.
fn make_room(path: &Path) -> Result<(), ListenError> {
    let Ok(there) = std::fs::symlink_metadata(path) else { return Ok(()) };
    if !there.file_type().is_socket() {
        return Err(ListenError::NotSocket(path.to_owned()));
    }
    if std::os::unix::net::UnixStream::connect(path).is_ok() {
        return Err(ListenError::InUse(path.to_owned()));
    }
    let failed = |error| ListenError::Io { listen: endpoint(&Listen::Unix(path.to_owned())), error };
    std::fs::remove_file(path).map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_this_host_may_call() {
        for text in ["127.0.0.1:0", "127.8.8.8:0", "[::ffff:127.0.0.1]:0"] {
            let bound = bind(&Listen::Tcp(text.parse().expect("an address"))).await;
            assert!(matches!(bound, Ok(Bound::Tcp(_))), "{text}: {bound:?}");
        }
        for text in ["0.0.0.0:0", "[::]:0", "10.0.0.1:0", "[::ffff:10.0.0.1]:0"] {
            let error = bind(&Listen::Tcp(text.parse().expect("an address"))).await.expect_err("it is refused");
            assert!(error.to_string().contains("there is no TLS yet; listen on 127.0.0.1"), "{error}");
        }
    }

    #[tokio::test]
    async fn a_port_that_is_taken_is_named() {
        let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("any free port");
        let address = taken.local_addr().expect("bound");
        let error = bind(&Listen::Tcp(address)).await.expect_err("it is taken").to_string();
        assert!(error.starts_with(&format!("cannot listen on http://{address}: ")), "{error}");
        assert!(error.ends_with("; check gateway.listen"), "{error}");
    }

    #[tokio::test]
    async fn a_socket_left_behind_is_replaced_and_one_in_use_is_not() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let path = directory.path().join("gateway.sock");
        let listen = Listen::Unix(path.clone());
        // A listener of std leaves its file behind, as a process does that is killed.
        drop(std::os::unix::net::UnixListener::bind(&path).expect("it binds"));
        let bound = bind(&listen).await.expect("the one left behind is replaced");
        assert_eq!(std::fs::metadata(&path).expect("there").permissions().mode() & 0o777, 0o660);
        assert!(matches!(bind(&listen).await, Err(ListenError::InUse(_))));
        drop(bound);
        assert!(!path.exists(), "the socket is removed at the end");
        std::fs::write(&path, "a file of somebody").expect("writable");
        assert!(matches!(bind(&listen).await, Err(ListenError::NotSocket(_))));
        assert_eq!(std::fs::read(&path).expect("untouched"), b"a file of somebody");
    }
}
