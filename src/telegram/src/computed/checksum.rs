use alloc::format;

use crate::field::Field;
use crate::kind::Kind;
use crate::value::Value;

/// A checksum of bytes.
///
/// A CRC is the one of that name in the usual catalogue of them: width, polynomial, first value, whether bits are reflected, and what is
/// added at the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Checksum {
    /// Every byte added to the others without carry (exclusive or): one byte.
    Lrc,
    /// A cyclic redundancy check: two or four bytes.
    Crc(Crc),
}

/// What a CRC is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Crc {
    name: &'static str,
    /// In bits, 16 or 32.
    width: u8,
    polynomial: u32,
    first: u32,
    reflected: bool,
    last: u32,
}

const fn crc(name: &'static str, width: u8, polynomial: u32, first: u32, reflected: bool, last: u32) -> Checksum {
    Checksum::Crc(Crc { name, width, polynomial, first, reflected, last })
}

impl Checksum {
    /// The CRCs of two bytes that have a name.
    pub const CRC16: [(&'static str, Self); 5] = [
        ("arc", crc("arc", 16, 0x8005, 0, true, 0)),
        ("ibm-3740", crc("ibm-3740", 16, 0x1021, 0xFFFF, false, 0)),
        ("kermit", crc("kermit", 16, 0x1021, 0, true, 0)),
        ("modbus", crc("modbus", 16, 0x8005, 0xFFFF, true, 0)),
        ("xmodem", crc("xmodem", 16, 0x1021, 0, false, 0)),
    ];

    /// The CRCs of four bytes that have a name.
    pub const CRC32: [(&'static str, Self); 3] = [
        ("bzip2", crc("bzip2", 32, 0x04C1_1DB7, u32::MAX, false, u32::MAX)),
        ("iscsi", crc("iscsi", 32, 0x1EDC_6F41, u32::MAX, true, u32::MAX)),
        ("iso-hdlc", crc("iso-hdlc", 32, 0x04C1_1DB7, u32::MAX, true, u32::MAX)),
    ];

    /// As specs write it.
    #[must_use]
    pub const fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Lrc => ("lrc", ""),
            Self::Crc(Crc { width: 16, name, .. }) => ("crc16", name),
            Self::Crc(Crc { name, .. }) => ("crc32", name),
        }
    }

    /// In bytes.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "a checksum has at least one byte")]
    pub const fn len(self) -> u32 {
        match self {
            Self::Lrc => 1,
            Self::Crc(crc) => crc.width as u32 / 8,
        }
    }

    /// Of these bytes.
    #[must_use]
    pub fn of(self, bytes: &[u8]) -> u32 {
        match self {
            Self::Lrc => u32::from(bytes.iter().fold(0, |sum, byte| sum ^ byte)),
            Self::Crc(crc) => crc.of(bytes),
        }
    }

    /// As a field holds it.
    pub(crate) fn value(self, bytes: &[u8], field: &Field) -> Value {
        let sum = self.of(bytes);
        match field.kind {
            Kind::Number(_) => Value::from(sum),
            _ => Value::Text(format!("{sum:0width$X}", width = 2 * self.len() as usize)),
        }
    }
}

impl Crc {
    /// A bit at a time, at the upper end of the register.
    fn of(self, bytes: &[u8]) -> u32 {
        let up = 32 - u32::from(self.width);
        let mut register = self.first << up;
        for byte in bytes {
            let byte = if self.reflected { byte.reverse_bits() } else { *byte };
            register ^= u32::from(byte) << 24;
            for _ in 0..8 {
                let carries = register >> 31 == 1;
                register <<= 1;
                if carries {
                    register ^= self.polynomial << up;
                }
            }
        }
        let sum = if self.reflected { register.reverse_bits() } else { register >> up };
        sum ^ self.last
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_crc_is_the_one_of_its_name() {
        // The catalogue's check values: those of the nine digits.
        let check = |name: &str| {
            let all = Checksum::CRC16.into_iter().chain(Checksum::CRC32);
            all.into_iter().find(|(other, _)| *other == name).map(|(_, sum)| sum.of(b"123456789"))
        };
        for (name, sum) in [
            ("arc", 0xBB3D),
            ("ibm-3740", 0x29B1),
            ("kermit", 0x2189),
            ("modbus", 0x4B37),
            ("xmodem", 0x31C3),
            ("bzip2", 0xFC89_1918),
            ("iscsi", 0xE306_9283),
            ("iso-hdlc", 0xCBF4_3926),
        ] {
            assert_eq!(check(name), Some(sum), "{name}");
        }
        assert_eq!(Checksum::Lrc.of(b"123456789"), 0x31);
        assert_eq!(Checksum::Lrc.of(b""), 0);
    }
}
