//! What a call says beside its request.

use std::time::Duration;

use tonic::metadata::MetadataMap;

use crate::refused::Refused;

/// The metadata key under which a service names itself.
pub const CALLER_KEY: &str = "x-pabal-caller";

/// Who calls, if it does not say.
pub const CALLER_ANONYMOUS: &str = "anonymous";

/// Bytes of a caller's name.
const CALLER_BYTES_MAX: usize = 128;

/// The calling service's name.
pub(crate) fn caller(metadata: &MetadataMap, institution: &str) -> Result<String, Refused> {
    let Some(value) = metadata.get(CALLER_KEY) else {
        return Ok(CALLER_ANONYMOUS.to_owned());
    };
    let wrong = |fix: String| Refused::invalid(institution, CALLER_KEY, fix);
    let name =
        value.to_str().map_err(|_| wrong("the name holds what is not printable ASCII; use letters".to_owned()))?;
    if name.is_empty() || name.len() > CALLER_BYTES_MAX {
        return Err(wrong(format!("the name has {} bytes; use 1 to {CALLER_BYTES_MAX}", name.len())));
    }
    Ok(name.to_owned())
}

/// How long the caller waits (`grpc-timeout`: up to eight digits and a unit). `None` if it does not say, or nothing that the gRPC protocol
/// knows.
pub(crate) fn timeout(metadata: &MetadataMap) -> Option<Duration> {
    const DIGITS_MAX: usize = 8;
    let text = metadata.get("grpc-timeout")?.to_str().ok()?;
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    if digits.len() > DIGITS_MAX || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let number: u64 = digits.parse().ok()?;
    match unit {
        "H" => Some(Duration::from_secs(number * 3_600)),
        "M" => Some(Duration::from_secs(number * 60)),
        "S" => Some(Duration::from_secs(number)),
        "m" => Some(Duration::from_millis(number)),
        "u" => Some(Duration::from_micros(number)),
        "n" => Some(Duration::from_nanos(number)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(key: &'static str, value: &str) -> MetadataMap {
        let mut metadata = MetadataMap::new();
        metadata.insert(key, value.parse().expect("ASCII"));
        metadata
    }

    #[test]
    fn timeouts_are_read_as_the_protocol_writes_them() {
        let check = |text: &str, expected| assert_eq!(timeout(&with("grpc-timeout", text)), expected, "{text}");
        check("300m", Some(Duration::from_millis(300)));
        check("99999999H", Some(Duration::from_secs(99_999_999 * 3_600)));
        check("2M", Some(Duration::from_secs(120)));
        check("0S", Some(Duration::ZERO));
        check("7u", Some(Duration::from_micros(7)));
        check("7n", Some(Duration::from_nanos(7)));
        for text in ["", "m", "300", "300ms", "-1S", "+1S", "123456789S", "1 S"] {
            check(text, None);
        }
        assert_eq!(timeout(&MetadataMap::new()), None);
    }

    #[test]
    fn a_caller_has_a_name_or_is_anonymous() {
        assert_eq!(caller(&MetadataMap::new(), "hecto").expect("fine"), "anonymous");
        assert_eq!(caller(&with(CALLER_KEY, "payments"), "hecto").expect("fine"), "payments");
        for name in [String::new(), "x".repeat(129)] {
            let refused = caller(&with(CALLER_KEY, &name), "hecto").expect_err("not a name");
            assert_eq!(refused.violations[0].0, CALLER_KEY);
        }
    }
}
