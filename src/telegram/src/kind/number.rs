use alloc::vec::Vec;
use core::fmt;

use crate::charset::Charset;
use crate::decimal::{DIGITS_MAX, Decimal};
use crate::fault::Rule;
use crate::field::Slice;
use crate::kind::{binary, packed, zoned};

/// A number as its bytes lie: how many digits, how many of them behind the point, and in which form.
///
/// What is written is one way of several that may be read. Where those others are read, they are not kept:
///
/// | what is read                                                         | what is written                      |
/// |----------------------------------------------------------------------|--------------------------------------|
/// | packed with a sign: F for plus                                       | C                                    |
/// | overpunch: a digit without a sign, for plus (not with [`Zones::Ascii`]) | the digit with a plus             |
/// | blank, with [`Blank::Zero`]                                          | 0                                    |
/// | what a mode of [`NumberModes`] lets pass                                 | as without it                        |
///
/// All else that is read is written as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Number {
    /// All digits, 1 to 38, those behind the point included.
    pub digits: u8,
    /// Digits behind the point, which the bytes imply unless the form is [`Form::Pointed`].
    pub scale: u8,
    /// How digits and sign become bytes.
    pub form: Form,
    /// What spaces mean where the number should be.
    pub blank: Blank,
    /// What passes though it is not what the form says.
    pub lenient: NumberModes,
    /// `signed by`: its sign is a text field beside it, of one byte: '-' for less than 0; '+', a space or 0 else. So "-0" is kept.
    pub sign: Option<Near>,
    /// A field beside it has its decimals (`fraction of`): digits, filled from the left. [`Number::scale`] does not count them.
    pub fraction: Option<Near>,
}

/// A field beside another one, in the same part of the telegram.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Near {
    /// From the first byte of the one to the first byte of the other.
    pub ahead: i32,
    /// In bytes.
    pub len: u32,
}

impl Near {
    /// The field that lies near one whose first byte is at `start`.
    pub(crate) fn at(self, start: u32) -> Option<Slice> {
        Some(Slice { offset: start.checked_add_signed(self.ahead)?, len: self.len })
    }

    /// Its bytes in a telegram.
    pub(crate) fn of(self, start: u32, telegram: &[u8]) -> Option<&[u8]> {
        self.at(start)?.of(telegram)
    }
}

/// How the digits and the sign of a number become bytes. Those of digits, signs and points are the charset's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Form {
    /// A byte for each digit, right-aligned, zeros before them.
    Zoned(Sign),
    /// The same, with a '.' before the last [`Number::scale`] digits.
    Pointed(Sign),
    /// Packed decimal (COMP-3): two digits in a byte, the last half of the last byte is the sign: C or D, F if there is none. A half
    /// that is left over is 0 and stands first.
    Packed {
        /// Whether it can be less than 0.
        signed: bool,
    },
    /// Two digits in a byte, no sign. A half that is left over is 0 and stands first.
    Bcd,
    /// A binary number, in two's complement if it is signed. It has no more digits than it says, whatever its bytes could hold.
    Binary {
        /// 1 to 16.
        bytes: u8,
        /// Which byte stands first.
        order: Order,
        /// Whether it can be less than 0.
        signed: bool,
    },
}

/// Where a number of one byte for each digit has its sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Sign {
    /// Nowhere: it is 0 or more.
    Absent,
    /// `sign leading`: a byte before the digits, '+' or '-'.
    Leading,
    /// `sign trailing`: a byte behind the digits, '+' or '-'.
    Trailing,
    /// `overpunch leading`: in the first digit.
    OverpunchLeading(Zones),
    /// `overpunch trailing`: in the last digit.
    OverpunchTrailing(Zones),
}

/// What a digit with a sign looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Zones {
    /// IBM's: `{ABCDEFGHI` for +0 to +9, `}JKLMNOPQR` for -0 to -9. In EBCDIC these are the zones C and D; what was translated to ASCII
    /// has the same letters.
    Ibm,
    /// `0` to `9` for plus, `p` to `y` for minus: what GnuCOBOL and Micro Focus write on machines that speak ASCII. Not in EBCDIC.
    Ascii,
}

/// Which byte of a binary number stands first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Order {
    /// The highest.
    Big,
    /// The lowest.
    Little,
}

/// What it means that a number is all spaces (of packed decimal also: all 0x00) though its side fills it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Blank {
    /// A fault.
    #[default]
    Fault,
    /// `blank null`: no value; and no value is written as spaces.
    Null,
    /// `blank zero`: 0, which is written as 0.
    Zero,
}

/// Named modes in which more is read than is written; none by default. They change nothing on encode.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct NumberModes {
    /// `spaces_left`: spaces before the first digit, instead of zeros.
    pub spaces_left: bool,
    /// `negative_zero`: nought with a minus sign is nought.
    pub negative_zero: bool,
    /// `blank_sign`: a space where a plus should be.
    pub blank_sign: bool,
    /// `any_sign`: all signs of packed decimal: A, C, E and F are plus, B and D minus. Without a sign, those that are plus.
    pub any_sign: bool,
}

/// Lets one mode hold, too.
type SwitchOn = fn(&mut NumberModes);

impl NumberModes {
    /// Every mode with the word that specs use, and how it is switched on.
    pub const ALL: [(&'static str, SwitchOn); 4] = [
        ("spaces_left", |modes| modes.spaces_left = true),
        ("negative_zero", |modes| modes.negative_zero = true),
        ("blank_sign", |modes| modes.blank_sign = true),
        ("any_sign", |modes| modes.any_sign = true),
    ];

    /// The words of those that are on, as [`NumberModes::ALL`] has them.
    pub fn words(self) -> impl Iterator<Item = &'static str> {
        Self::ALL
            .into_iter()
            .filter(move |(_, switch_on)| {
                let mut with = self;
                switch_on(&mut with);
                with == self
            })
            .map(|(word, _)| word)
    }
}

/// As specs write it behind the digits; nothing for digits alone.
impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Zoned(sign) | Self::Pointed(sign) => sign.fmt(f),
            Self::Packed { .. } => f.write_str("packed"),
            Self::Bcd => f.write_str("bcd"),
            Self::Binary { bytes, order: Order::Big, .. } => write!(f, "binary({bytes}) big"),
            Self::Binary { bytes, order: Order::Little, .. } => write!(f, "binary({bytes}) little"),
        }
    }
}

/// As specs write it; nothing for [`Sign::Absent`].
impl fmt::Display for Sign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Absent => "",
            Self::Leading => "sign leading",
            Self::Trailing => "sign trailing",
            Self::OverpunchLeading(Zones::Ibm) => "overpunch leading",
            Self::OverpunchTrailing(Zones::Ibm) => "overpunch trailing",
            Self::OverpunchLeading(Zones::Ascii) => "overpunch leading ascii",
            Self::OverpunchTrailing(Zones::Ascii) => "overpunch trailing ascii",
        })
    }
}

impl Sign {
    /// Bytes that it needs for itself.
    pub(crate) const fn len(self) -> u8 {
        match self {
            Self::Leading | Self::Trailing => 1,
            Self::Absent | Self::OverpunchLeading(_) | Self::OverpunchTrailing(_) => 0,
        }
    }
}

impl Number {
    /// `9(m)V9(n)`: digits without a sign; `digits` are m and n together, `scale` is n.
    #[must_use]
    pub const fn plain(digits: u8, scale: u8) -> Self {
        Self::of(digits, scale, Form::Zoned(Sign::Absent))
    }

    /// A number of a form, blank and lenient in nothing.
    #[must_use]
    pub const fn of(digits: u8, scale: u8, form: Form) -> Self {
        let lenient = NumberModes { spaces_left: false, negative_zero: false, blank_sign: false, any_sign: false };
        Self { digits, scale, form, blank: Blank::Fault, lenient, sign: None, fraction: None }
    }

    /// In bytes.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "a number has at least one byte")]
    pub const fn len(self) -> u32 {
        let digits = self.digits as u32;
        match self.form {
            Form::Zoned(sign) => digits + sign.len() as u32,
            Form::Pointed(sign) => digits + sign.len() as u32 + 1,
            Form::Packed { .. } => digits / 2 + 1,
            Form::Bcd => digits.div_ceil(2),
            Form::Binary { bytes, .. } => bytes as u32,
        }
    }

    /// Whether it can be less than 0.
    #[must_use]
    pub const fn is_signed(self) -> bool {
        self.sign.is_some() || self.has_own_sign()
    }

    /// Whether its sign is in its own bytes.
    #[must_use]
    pub const fn has_own_sign(self) -> bool {
        match self.form {
            Form::Zoned(Sign::Absent) | Form::Pointed(Sign::Absent) | Form::Bcd => false,
            Form::Zoned(_) | Form::Pointed(_) => true,
            Form::Packed { signed } | Form::Binary { signed, .. } => signed,
        }
    }

    /// Whether a part of it is in a field beside it.
    pub(crate) const fn has_beside(self) -> bool {
        self.sign.is_some() || self.fraction.is_some()
    }

    /// Digits behind the point, those of a field beside it included.
    #[must_use]
    pub fn decimals(self) -> u8 {
        self.fraction.map_or(self.scale, |fraction| u8::try_from(fraction.len).unwrap_or(u8::MAX))
    }

    /// Whether its bytes are those of a charset; else the charset does not matter.
    #[must_use]
    pub const fn is_text(self) -> bool {
        matches!(self.form, Form::Zoned(_) | Form::Pointed(_))
    }

    /// Whether every number of so many digits is exact, and has its decimals among them; and its bytes are not fewer than one of its
    /// digits needs at most.
    #[must_use]
    pub fn is_sound(self) -> bool {
        let digits = u32::from(self.digits);
        let sound = (1..=DIGITS_MAX).contains(&digits) && self.scale <= self.digits;
        let beside = match (self.sign, self.fraction) {
            (None, None) => true,
            (_, fraction) => {
                let whole = fraction.is_none_or(|fraction| {
                    self.scale == 0 && (1..=DIGITS_MAX).contains(&fraction.len.saturating_add(digits))
                });
                whole && !self.has_own_sign() && self.sign.is_none_or(|sign| sign.len == 1)
            }
        };
        sound
            && beside
            && match self.form {
                Form::Binary { bytes, signed, .. } => digits <= binary::digits_max(bytes, signed),
                Form::Pointed(sign) => {
                    (1..self.digits).contains(&self.scale)
                        && !matches!(sign, Sign::OverpunchLeading(_) | Sign::OverpunchTrailing(_))
                }
                _ => true,
            }
    }

    /// Whether bytes that are all the digit 0 are the number 0 and not the fill of a field that was left out.
    pub(crate) const fn is_zero_if_filled_with_zeros(self) -> bool {
        matches!(self.form, Form::Zoned(sign) if sign.len() == 0)
    }

    /// The number that these bytes say; as many as [`Number::len`]. What blank bytes mean was asked before.
    #[inline]
    pub(crate) fn read(self, bytes: &[u8], charset: Charset) -> Result<Decimal, Rule> {
        if self.form == Form::Zoned(Sign::Absent)
            && !charset.is_ebcdic()
            && let Some(units) = zoned::digits(bytes)
        {
            return Ok(Decimal { units, scale: self.scale });
        }
        self.read_form(bytes, charset)
    }

    fn read_form(self, bytes: &[u8], charset: Charset) -> Result<Decimal, Rule> {
        let (negative, units) = match self.form {
            Form::Zoned(sign) => zoned::read(self, sign, None, bytes, charset)?,
            Form::Pointed(sign) => {
                let whole = usize::from(self.digits - self.scale);
                zoned::read(self, sign, Some(whole), bytes, charset)?
            }
            Form::Packed { signed } => packed::read(self, signed, bytes)?,
            Form::Bcd => (false, packed::read_bcd(self, bytes)?),
            Form::Binary { order, signed, .. } => binary::read(self, order, signed, bytes)?,
        };
        if negative && units == 0 && !self.lenient.negative_zero {
            return Err(Rule::NegativeZero);
        }
        Ok(Decimal { units: if negative { -units } else { units }, scale: self.scale })
    }

    /// Writes a number behind what `out` holds; on error `out` may hold more than it did, and on [`Rule::Overflow`] what the number
    /// would have become.
    pub(crate) fn put(self, number: Decimal, charset: Charset, out: &mut Vec<u8>) -> Result<(), Rule> {
        if let Some(fraction) = self.fraction {
            let scale = u8::try_from(fraction.len).unwrap_or(u8::MAX);
            let Some(all) = number.rescale(scale) else {
                let too_long = Rule::Overflow { needed: number.digits().saturating_add(fraction.len) };
                return Err(if number.scale > scale { Rule::TooPrecise { scale: number.scale } } else { too_long });
            };
            let one = 10_i128.checked_pow(fraction.len).unwrap_or(i128::MAX);
            if number.units < 0 && self.sign.is_none() {
                return Err(Rule::Negative);
            }
            return Self { fraction: None, ..self }.put(Decimal::whole(all.units / one), charset, out);
        }
        if number.units < 0 && !self.is_signed() {
            return Err(Rule::Negative);
        }
        // Zeros behind the last decimal say nothing, so that 150000.00 is 150000; a lost digit would.
        let mut number = number;
        while number.scale > self.scale {
            if number.units % 10 != 0 {
                return Err(Rule::TooPrecise { scale: number.scale });
            }
            number = Decimal { units: number.units / 10, scale: number.scale - 1 };
        }
        let missing = u32::from(self.scale - number.scale);
        let (negative, units) = (number.units < 0, number.units.unsigned_abs());
        match self.form {
            Form::Zoned(sign) => zoned::put(self, sign, None, negative, units, missing, charset, out),
            Form::Pointed(sign) => {
                let whole = usize::from(self.digits - self.scale);
                zoned::put(self, sign, Some(whole), negative, units, missing, charset, out)
            }
            _ => {
                let units = self.whole(number.digits(), units, missing)?;
                match self.form {
                    Form::Packed { signed } => packed::put(self, signed, negative, units, out),
                    Form::Bcd => packed::put_bcd(self, units, out),
                    Form::Binary { order, signed, .. } => binary::put(self, order, signed, negative, units, out)?,
                    Form::Zoned(_) | Form::Pointed(_) => {}
                }
                Ok(())
            }
        }
    }

    /// The digits that are written, as one number; they are no more than there may be.
    fn whole(self, digits: u32, units: u128, missing: u32) -> Result<u128, Rule> {
        let needed = if units == 0 { 0 } else { digits.saturating_add(missing) };
        if needed > u32::from(self.digits) {
            return Err(Rule::TooManyDigits { digits: needed, max: self.digits });
        }
        // At most 38 digits, which a u128 holds.
        Ok(if units == 0 { 0 } else { units * 10_u128.pow(missing) })
    }

    /// A number with more digits than there may be is none of this field's.
    pub(crate) fn bounded(self, units: u128) -> Result<i128, Rule> {
        let digits = units.checked_ilog10().map_or(0, |log| log + 1);
        match i128::try_from(units) {
            Ok(units) if digits <= u32::from(self.digits) => Ok(units),
            _ => Err(Rule::TooManyDigits { digits, max: self.digits }),
        }
    }
}
