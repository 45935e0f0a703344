use std::fmt;
use std::net::SocketAddr;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use tokio::net::{TcpListener, UnixListener};

/// Where calls come in. There is no TLS yet, so that only this host may call: loopback, or a Unix socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Listen {
    /// A loopback address; port 0 is any free one.
    Tcp(SocketAddr),
    /// The path of a Unix socket. It is made for its owner and group, and removed at the end.
    Unix(PathBuf),
}

/// Why nothing can be listened on.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// The text is neither.
    #[error(
        "{0:?} is not an address to listen on; write an IP address and a port (`127.0.0.1:50051`) or `unix:` and a path"
    )]
    NotAddress(String),
    /// Others could reach it.
    #[error(
        "{0} can be reached from other hosts, and there is no TLS yet; listen on 127.0.0.1, on [::1], or on `unix:` and a path"
    )]
    NotLoopback(SocketAddr),
    /// Another process listens there.
    #[error("{0}: another process listens on this socket; stop it, or listen on another path")]
    InUse(PathBuf),
    /// Something else is there.
    #[error("{0}: there is something that is not a socket; move it away, or listen on another path")]
    NotSocket(PathBuf),
    /// The system says no.
    #[error("cannot listen on {listen}: {error}")]
    Io {
        /// Where.
        listen: Listen,
        /// Why.
        error: std::io::Error,
    },
}

impl Listen {
    /// The usual TCP address.
    pub const DEFAULT: Self = Self::Tcp(SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 50_051));

    /// Whether nobody but this host can call.
    ///
    /// # Errors
    /// [`ListenError::NotLoopback`].
    pub fn check(&self) -> Result<(), ListenError> {
        match self {
            Self::Tcp(address) if !address.ip().to_canonical().is_loopback() => Err(ListenError::NotLoopback(*address)),
            _ => Ok(()),
        }
    }

    pub(crate) async fn bind(&self) -> Result<Bound, ListenError> {
        self.check()?;
        let failed = |error| ListenError::Io { listen: self.clone(), error };
        match self {
            Self::Tcp(address) => Ok(Bound::Tcp(TcpListener::bind(address).await.map_err(failed)?)),
            Self::Unix(path) => {
                make_room(path)?;
                let listener = UnixListener::bind(path).map_err(failed)?;
                let file = SocketFile(path.clone());
                std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o660)).map_err(failed)?;
                Ok(Bound::Unix(listener, file))
            }
        }
    }
}

/// As it is parsed, and as a client's address: `http://127.0.0.1:50051` is reached by `127.0.0.1:50051`.
impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

impl FromStr for Listen {
    type Err = ListenError;

    fn from_str(text: &str) -> Result<Self, ListenError> {
        let listen = match text.strip_prefix("unix:") {
            Some("") => return Err(ListenError::NotAddress(text.to_owned())),
            Some(path) => Self::Unix(PathBuf::from(path)),
            None => Self::Tcp(text.parse().map_err(|_| ListenError::NotAddress(text.to_owned()))?),
        };
        listen.check()?;
        Ok(listen)
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
    let failed = |error| ListenError::Io { listen: Listen::Unix(path.to_owned()), error };
    std::fs::remove_file(path).map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> String {
        text.parse::<Listen>().expect_err("it is refused").to_string()
    }

    #[test]
    fn only_this_host_may_call() {
        for text in ["127.0.0.1:50051", "127.8.8.8:1", "[::1]:50051", "[::ffff:127.0.0.1]:1", "unix:/run/pabal.sock"] {
            assert!(text.parse::<Listen>().is_ok(), "{text}");
        }
        for text in ["0.0.0.0:50051", "[::]:50051", "10.0.0.1:50051", "[::ffff:10.0.0.1]:1"] {
            assert!(refused(text).contains("no TLS yet"), "{text}");
        }
        for text in ["", "unix:", "localhost:50051", "127.0.0.1", "http://127.0.0.1:50051"] {
            assert!(refused(text).contains("not an address"), "{text}");
        }
    }

    #[tokio::test]
    async fn an_address_that_was_not_parsed_is_checked_too() {
        let open = Listen::Tcp("0.0.0.0:0".parse().expect("an address"));
        assert!(matches!(open.bind().await, Err(ListenError::NotLoopback(_))));
    }

    #[tokio::test]
    async fn a_socket_left_behind_is_replaced_and_one_in_use_is_not() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let path = directory.path().join("gateway.sock");
        let listen = Listen::Unix(path.clone());
        // A listener of std leaves its file behind, as a process does that is killed.
        drop(std::os::unix::net::UnixListener::bind(&path).expect("it binds"));
        let bound = listen.bind().await.expect("the one left behind is replaced");
        assert_eq!(std::fs::metadata(&path).expect("there").permissions().mode() & 0o777, 0o660);
        assert!(matches!(listen.bind().await, Err(ListenError::InUse(_))));
        drop(bound);
        assert!(!path.exists(), "the socket is removed at the end");
        std::fs::write(&path, "a file of somebody").expect("writable");
        assert!(matches!(listen.bind().await, Err(ListenError::NotSocket(_))));
        assert_eq!(std::fs::read(&path).expect("untouched"), b"a file of somebody");
    }
}
