use serde::{Deserialize, Serialize};

/// A way to write text as bytes. "EUC-KR" means different things to different programs; these names do not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Charset {
    /// 0x20 to 0x7E only.
    Ascii,
    /// KS X 1001 in two bytes, both at or above 0xA1: 2,350 Hangul syllables. What is only in cp949 is refused.
    EucKr,
    /// Microsoft's extension with all 11,172 syllables (WHATWG "euc-kr"). A second byte may be an ASCII letter.
    Cp949,
}

/// What we write in, and what we accept: strict when sending, wider when receiving.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct CharsetPair {
    /// Bytes that we make.
    pub encode: Charset,
    /// Bytes that we are given.
    pub decode: Charset,
}
