//! Who acts: the system says it of a Unix socket; over TCP there is only what is claimed.

use tonic::codegen::http::Extensions;
use tonic::transport::server::UdsConnectInfo;

/// Where the system lists its users.
const USERS: &str = "/etc/passwd";

/// The user whose process is at the other end of a Unix socket (`SO_PEERCRED`, as it was when it connected).
pub(crate) fn known(extensions: &Extensions) -> Option<String> {
    let user = extensions.get::<UdsConnectInfo>()?.peer_cred?.uid();
    // A user of a directory service is not in the file: then the number says who it is.
    let users = std::fs::read_to_string(USERS).unwrap_or_default();
    Some(name_of(user, &users).map_or_else(|| format!("uid {user}"), ToOwned::to_owned))
}

/// What is claimed, so that nobody takes it for more.
pub(crate) fn claimed(name: &str) -> String {
    format!("{} (claimed)", name.trim())
}

/// A user's name in the file, whose lines are `name:password:uid:...` (passwd(5)).
fn name_of(user: u32, users: &str) -> Option<&str> {
    users.lines().find_map(|line| {
        let mut parts = line.split(':');
        let name = parts.next()?;
        (parts.nth(1)?.parse() == Ok(user) && !name.is_empty()).then_some(name)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_have_the_names_of_the_systems_file() {
        let users = "root:x:0:0:root:/:/bin/sh\n# nobody\n:x:7:7\nkim:x:1000:1000::/:/bin/sh\nlee:x:1000:1000\n";
        assert_eq!((name_of(0, users), name_of(1000, users)), (Some("root"), Some("kim")));
        assert_eq!((name_of(7, users), name_of(1, users), name_of(0, "")), (None, None, None));
    }

    #[test]
    fn what_is_claimed_is_marked() {
        assert_eq!(claimed(" kim "), "kim (claimed)");
        assert_eq!(known(&Extensions::new()), None);
    }
}
