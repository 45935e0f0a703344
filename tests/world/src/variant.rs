use crate::chance::Chance;
use crate::setup::Span;

/// Chosen so that no seed of `seeds.txt` up to its date has become another one by this.
const LOST_AT_MIDNIGHT: u64 = 0x0110_57a7;

/// What a run has that most have not, drawn apart, so that all other runs are what they were.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Variant {
    /// Two banks open by an answer that comes after the next try and behind the loss of business, while operators stop all.
    pub late_opening: bool,
    /// The site takes no work for some minutes, of some exchanges or banks.
    pub hours: bool,
    /// A version begins by a date, with another telegram for transfers.
    pub dated: bool,
    /// Versions come one behind the other, each among many requests; memory forgets soon, and the core is not swapped near them: what lives in
    /// the running core only lives on over a reload.
    pub reloads: bool,
    /// A bank says of its first transfers that it is not open, and the date changes before long.
    pub loses: bool,
    /// Each bank says of its first transfer that it is not open, and an operator drains all while such answers are on their way, just before
    /// midnight: nobody asks them to open until the date has changed.
    pub lost_at_midnight: bool,
    /// How the stream is cut.
    pub frame: Frame,
}

impl Variant {
    pub(crate) fn of_seed(seed: u64, span: Span, is_quiet: bool, is_checked: bool) -> Self {
        let mut chance = Chance::new(seed ^ 0x7a71_a175);
        let late_opening = chance.per_mille(1_000) && is_quiet && span == Span::Evening;
        let hours = chance.per_mille(200) && !late_opening && span != Span::WholeDay;
        let frame = if chance.per_mille(250) { Frame::ALL[chance.index(Frame::ALL.len())] } else { Frame::Digits };
        // A checked run has telegrams of its own.
        let frame = if is_checked { Frame::Digits } else { frame };
        let dated = chance.per_mille(200) && !is_checked && frame == Frame::Digits && span != Span::WholeDay;
        let reloads = chance.per_mille(100) && !dated && !late_opening && span == Span::Evening;
        let loses = chance.per_mille(60) && span == Span::Midnight;
        let lost_at_midnight = Chance::new(seed ^ LOST_AT_MIDNIGHT).per_mille(40) && span == Span::Midnight && !loses;
        Self { late_opening, hours, dated, reloads, loses, lost_at_midnight, frame }
    }
}

/// How telegrams stand in the stream; what the world knows of it by itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Frame {
    /// "0300" and 300 bytes, as the institution has it.
    #[default]
    Digits,
    /// Two bytes that count themselves, the high one first.
    Binary,
    /// STX, four digits, the telegram, ETX.
    Wrapped,
    /// Two constants, four bytes of which the low one comes first, and six that nobody looks at.
    Outer,
}

impl Frame {
    pub(crate) const ALL: [Self; 4] = [Self::Digits, Self::Binary, Self::Wrapped, Self::Outer];

    /// As the spec says it.
    pub(crate) const fn clause(self) -> &'static str {
        match self {
            Self::Digits => "length ascii(4) exclusive max 4096",
            Self::Binary => "length binary(2) big inclusive max 4096",
            Self::Wrapped => "stx length ascii(4) exclusive telegram etx max 4096",
            Self::Outer => "0x02FF length binary(4) little exclusive filler(6) space max 4096",
        }
    }

    /// The first telegram of these bytes, and how many bytes its frame has; `None` if no whole frame begins here.
    pub(crate) fn cut(self, bytes: &[u8]) -> Option<(&[u8], usize)> {
        let digits = |bytes: &[u8]| std::str::from_utf8(bytes).ok()?.parse::<usize>().ok();
        let (before, length, after) = match self {
            Self::Digits => (4, digits(bytes.get(..4)?)?, 0),
            Self::Binary => (2, usize::from(u16::from_be_bytes(*bytes.first_chunk()?)).checked_sub(2)?, 0),
            Self::Wrapped => (5, digits(bytes.get(1..5)?)?, 1),
            Self::Outer => (12, usize::try_from(u32::from_le_bytes(*bytes.get(2..)?.first_chunk()?)).ok()?, 0),
        };
        let telegram = bytes.get(before..before + length)?;
        let whole = before + length + after;
        let is_right = match self {
            Self::Digits | Self::Binary => true,
            Self::Wrapped => bytes.first() == Some(&0x02) && bytes.get(whole - 1) == Some(&0x03),
            Self::Outer => bytes.starts_with(&[0x02, 0xff]) && bytes.get(6..12) == Some(b"      "),
        };
        is_right.then_some((telegram, whole))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_frame_is_cut_where_it_ends() {
        let frames: [(Frame, &[u8]); 4] = [
            (Frame::Digits, b"0003abc"),
            (Frame::Binary, b"\0\x05abc"),
            (Frame::Wrapped, b"\x020003abc\x03"),
            (Frame::Outer, b"\x02\xff\x03\0\0\0      abc"),
        ];
        for (frame, bytes) in frames {
            let behind = [bytes, b"0003"].concat();
            assert_eq!(frame.cut(&behind), Some((&b"abc"[..], bytes.len())), "{frame:?}");
            assert_eq!(frame.cut(&bytes[..bytes.len() - 1]), None, "{frame:?}");
        }
        assert_eq!(Frame::Wrapped.cut(b"\x020003abcd"), None);
    }
}
