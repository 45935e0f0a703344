use core::fmt;

use pabal_clock::Wall;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::dice::Dice;

/// Names an exchange for ever. Sorts by the time of its acceptance (a UUID of version 7, RFC 9562).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ExchangeId(pub u128);

/// Names a notice for ever, as [`ExchangeId`] does an exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NoticeId(pub u128);

macro_rules! uuid {
    ($($name:ident),+) => {$(
        impl $name {
            /// Reads the form that `Display` writes: 8-4-4-4-12 hexadecimal digits.
            #[must_use]
            pub fn parse(text: &str) -> Option<Self> {
                parse(text).map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                // Each entry of the journal tells it twice: digits by hand cost a fifth of five formatted numbers.
                let mut text = [b'-'; 36];
                let mut bits = self.0;
                for place in text.iter_mut().enumerate().rev().filter(|(at, _)| !DASHES.contains(at)).map(|(_, place)| place) {
                    *place = b"0123456789abcdef"[(bits & 0xf) as usize];
                    bits >>= 4;
                }
                f.write_str(core::str::from_utf8(&text).unwrap_or_default())
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <alloc::borrow::Cow<'de, str>>::deserialize(deserializer)?;
                Self::parse(&text).ok_or_else(|| de::Error::custom("not a UUID"))
            }
        }
    )+};
}
uuid!(ExchangeId, NoticeId);

/// Where a dash stands.
const DASHES: [usize; 4] = [8, 13, 18, 23];

fn parse(text: &str) -> Option<u128> {
    let mut bits = 0_u128;
    for (at, byte) in text.bytes().enumerate() {
        match (DASHES.contains(&at), byte) {
            (true, b'-') => {}
            (false, b'0'..=b'9' | b'a'..=b'f' | b'A'..=b'F') => {
                bits = bits << 4 | u128::from(char::from(byte).to_digit(16)?);
            }
            _ => return None,
        }
    }
    (text.len() == 36).then_some(bits)
}

/// Gives ids: the wall clock's millisecond, a counter within it, and bits of the dice. Ids of one core only grow, also if the
/// wall clock goes back.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct IdSource {
    millis: u64,
    count: u16,
}

impl IdSource {
    pub(crate) fn next(&mut self, dice: &mut Dice, wall: Wall) -> u128 {
        let millis = u64::try_from(wall.as_unix_micros() / 1_000).unwrap_or(0);
        if millis > self.millis {
            self.millis = millis;
            self.count = 0;
        } else if self.count == 0xfff {
            self.millis += 1;
            self.count = 0;
        } else {
            self.count += 1;
        }
        let time = u128::from(self.millis & 0xffff_ffff_ffff) << 80;
        let count = u128::from(self.count) << 64;
        let random = u128::from(dice.roll() >> 2);
        time | 7 << 76 | count | 0b10 << 62 | random
    }
}

/// The place of a line in [`crate::Settings::lines`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LineId(pub u16);

/// One slot that a line may fill with a TCP connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SessionId {
    /// Its line.
    pub line: LineId,
    /// From 0 to the line's `sessions_max` less one.
    pub slot: u16,
}

/// Counts the connections of a session, over restarts too. What carries an old epoch reaches nothing new.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Epoch(pub u32);

/// One TCP connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Conn {
    /// The session that it fills.
    pub session: SessionId,
    /// Which of its connections.
    pub epoch: Epoch,
}

/// Names a batch of entries until it is durable. Counts up by one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Ticket(pub u64);

#[cfg(test)]
mod tests {
    use std::string::ToString;

    use super::*;

    #[test]
    fn ids_are_uuids_of_version_7_that_only_grow() {
        let (mut ids, mut dice) = (IdSource::default(), Dice::new(1));
        let mut last = 0;
        for step in 0..10_000_i64 {
            // Three ids each millisecond, and a clock that goes back by an hour in the middle.
            let micros = 1_795_273_200_000_000 + step * 333 - if step > 5_000 { 3_600_000_000 } else { 0 };
            let id = ids.next(&mut dice, Wall::from_unix_micros(micros));
            assert!(id > last);
            assert_eq!((id >> 76 & 0xf, id >> 62 & 0b11), (7, 0b10));
            last = id;
        }
        let first = IdSource::default().next(&mut Dice::new(1), Wall::from_unix_seconds(1_795_273_200));
        assert_eq!(first >> 80, 1_795_273_200_000);
    }

    #[test]
    fn an_id_reads_as_it_is_written() {
        let id = ExchangeId(0x0123_4567_89ab_7def_8123_4567_89ab_cdef);
        assert_eq!(id.to_string(), "01234567-89ab-7def-8123-456789abcdef");
        assert_eq!(ExchangeId::parse(&id.to_string()), Some(id));
        for wrong in [
            "",
            "01234567-89ab-7def-8123-456789abcde",
            "01234567x89ab-7def-8123-456789abcdef",
            "0123456789ab7def8123456789abcdef0000",
        ] {
            assert_eq!(NoticeId::parse(wrong), None, "{wrong}");
        }
    }
}
