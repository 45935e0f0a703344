//! The key under which whole telegrams are named in the journal, where their secret bytes are replaced.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

const KEY_BYTES: usize = 32;
const FILE: &str = "digest.key";

/// HMAC-SHA-256 (RFC 2104) under a key that stands in the data directory and nowhere else. Without the key a digest does not give
/// away a short secret by trying all of them.
pub(crate) struct DigestKey(Hmac<Sha256>);

impl DigestKey {
    /// The key of a data directory; made at the first start, readable by its owner only. The directory must be locked.
    pub(crate) fn open(directory: &Path) -> io::Result<Self> {
        let path = directory.join(FILE);
        let mut key = Vec::new();
        match File::open(&path) {
            Ok(mut file) => {
                file.read_to_end(&mut key)?;
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                key = random()?.to_vec();
                // Under another name first, so that a stop half way leaves no half key.
                let new = directory.join(format!("{FILE}.new"));
                let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
                file.write_all(&key)?;
                file.sync_all()?;
                std::fs::rename(&new, &path)?;
                File::open(directory)?.sync_all()?;
            }
            Err(error) => return Err(error),
        }
        if key.len() != KEY_BYTES {
            let text = format!(
                "{} holds {} bytes, not {KEY_BYTES}; bring back the file from a copy",
                path.display(),
                key.len()
            );
            return Err(io::Error::new(io::ErrorKind::InvalidData, text));
        }
        Hmac::new_from_slice(&key).map(Self).map_err(io::Error::other)
    }

    /// Names some bytes.
    pub(crate) fn of(&self, bytes: &[u8]) -> [u8; 32] {
        let mut mac = self.0.clone();
        mac.update(bytes);
        mac.finalize().into_bytes().into()
    }
}

/// Bytes that nobody can guess.
pub(crate) fn random() -> io::Result<[u8; KEY_BYTES]> {
    let mut bytes = [0; KEY_BYTES];
    File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_key_is_made_once_and_for_its_owner_only() {
        let directory = tempfile::tempdir().unwrap();
        let first = DigestKey::open(directory.path()).unwrap().of(b"telegram");
        assert_eq!(DigestKey::open(directory.path()).unwrap().of(b"telegram"), first);
        let mode = std::fs::metadata(directory.path().join(FILE)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let elsewhere = tempfile::tempdir().unwrap();
        assert_ne!(DigestKey::open(elsewhere.path()).unwrap().of(b"telegram"), first);
    }

    #[test]
    fn the_digest_is_hmac_sha_256() {
        // RFC 4231, test case 6 would need a longer key; test case 1 with its key filled up with zeros is the same by definition.
        let directory = tempfile::tempdir().unwrap();
        let mut key = [0; KEY_BYTES];
        key[..20].fill(0x0b);
        std::fs::write(directory.path().join(FILE), key).unwrap();
        let digest = DigestKey::open(directory.path()).unwrap().of(b"Hi There");
        let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
    }

    #[test]
    fn half_a_key_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join(FILE), [1; 16]).unwrap();
        let error = DigestKey::open(directory.path()).err().unwrap().to_string();
        assert!(error.ends_with("digest.key holds 16 bytes, not 32; bring back the file from a copy"), "{error}");
    }
}
