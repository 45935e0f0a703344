use alloc::borrow::Cow;
use alloc::string::String;
use core::fmt;
use core::ops::Deref;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::bytes::Bytes;

/// A text that is cheap to share, such as a telegram number: a short one lies in place.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Text(Bytes);

impl Text {
    /// Digits of ASCII; `None` if one of them is none, or there are none.
    pub(crate) fn of_digits(digits: &[u8]) -> Option<Self> {
        let are_digits = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
        are_digits.then(|| Self(Bytes::from(digits)))
    }
}

impl Deref for Text {
    type Target = str;

    fn deref(&self) -> &str {
        // It is made of text only.
        core::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self(Bytes::from(text.as_bytes()))
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self(Bytes::from(text.into_bytes()))
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self)
    }
}

impl Serialize for Text {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self)
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self::from(&*<Cow<'de, str>>::deserialize(deserializer)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_what_it_was_made_of() {
        assert_eq!(Text::of_digits(b"000042").as_deref(), Some("000042"));
        assert_eq!((Text::of_digits(b""), Text::of_digits(b"00004 ")), (None, None));
        let long = "파발".repeat(20);
        for text in ["", "000042", &long] {
            let json = serde_json::to_string(&Text::from(text)).unwrap();
            assert_eq!((&*json, &*serde_json::from_str::<Text>(&json).unwrap()), (&*std::format!("{text:?}"), text));
        }
    }
}
