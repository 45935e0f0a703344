use alloc::boxed::Box;
use core::fmt;

/// How a check digit follows from the digits before it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CheckDigit {
    /// Every second digit from the right doubled, its own digits added: card numbers (ISO/IEC 7812-1).
    Luhn,
    /// Weights 1 3 7 1 3 7 1 3 5, and the tens of the last product once more: business registration numbers (사업자등록번호).
    BusinessNo,
    /// (10 - sum mod 10) mod 10 of digits times weights, which begin anew when they are used up. With 1 2: 법인등록번호.
    Mod10(Box<[u8]>),
    /// (11 - sum mod 11) mod 10 of digits times weights, which begin anew when they are used up. With 2 3 4 5 6 7 8 9: resident
    /// registration numbers (주민등록번호) of before October 2020; later ones need not have it.
    Mod11(Box<[u8]>),
}

impl CheckDigit {
    /// The check digit, 0 to 9, of digits from 0 to 9.
    #[must_use]
    pub fn of(&self, digits: &[u8]) -> u8 {
        let weighted = |weights: &[u8]| -> u32 {
            digits
                .iter()
                .zip(weights.iter().cycle())
                .map(|(digit, weight)| u32::from(*digit) * u32::from(*weight))
                .sum()
        };
        let digit = match self {
            Self::Luhn => {
                let doubled = |(at, digit): (usize, &u8)| match (at % 2, *digit) {
                    (0, digit @ 5..) => u32::from(digit) * 2 - 9,
                    (0, digit) => u32::from(digit) * 2,
                    (_, digit) => u32::from(digit),
                };
                10 - digits.iter().rev().enumerate().map(doubled).sum::<u32>() % 10
            }
            Self::BusinessNo => {
                let tens = digits.get(8).map_or(0, |digit| u32::from(*digit) * 5 / 10);
                10 - (weighted(&[1, 3, 7, 1, 3, 7, 1, 3, 5]) + tens) % 10
            }
            Self::Mod10(weights) => 10 - weighted(weights) % 10,
            Self::Mod11(weights) => 11 - weighted(weights) % 11,
        };
        u8::try_from(digit % 10).unwrap_or(0)
    }
}

/// As specs write it.
impl fmt::Display for CheckDigit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (word, weights) = match self {
            Self::Luhn => return f.write_str("luhn"),
            Self::BusinessNo => return f.write_str("business_no"),
            Self::Mod10(weights) => ("mod10", weights),
            Self::Mod11(weights) => ("mod11", weights),
        };
        write!(f, "{word} \"")?;
        for weight in weights {
            write!(f, "{weight}")?;
        }
        f.write_str("\"")
    }
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use super::*;

    fn check(by: &CheckDigit, number: &str) {
        let digits: Vec<u8> = number.bytes().filter(u8::is_ascii_digit).map(|digit| digit - b'0').collect();
        let (own, before) = digits.split_last().unwrap();
        assert_eq!(by.of(before), *own, "{number}");
    }

    #[test]
    fn known_numbers_have_their_digit() {
        // The example of ISO/IEC 7812-1's method as everybody cites it, and card numbers for tests.
        for card in ["79927398713", "4111111111111111", "5555555555554444", "378282246310005", "0"] {
            check(&CheckDigit::Luhn, card);
        }
        // 1*1+2*3+3*7+4*1+5*3+6*7+7*1+8*3+9*5 = 165, and 4 tens of 45: 169, so 1.
        check(&CheckDigit::BusinessNo, "123-45-67891");
        // 1*2+2*3+3*4+4*5+5*6+6*7+7*8+8*9+9*2+0*3+1*4+2*5 = 272; 272 mod 11 = 8, so 3.
        check(&CheckDigit::Mod11(Box::from([2, 3, 4, 5, 6, 7, 8, 9])), "123456-7890123");
        // 1*1+3*2+0*1+1*2+1*1+1*2 = 12, so 8.
        check(&CheckDigit::Mod10(Box::from([1, 2])), "1301118");
    }

    #[test]
    fn one_wrong_digit_is_found() {
        let digits = [7, 9, 9, 2, 7, 3, 9, 8, 7, 1];
        for at in 0..digits.len() {
            for digit in (0..10).filter(|digit| *digit != digits[at]) {
                let mut wrong = digits;
                wrong[at] = digit;
                assert_ne!(CheckDigit::Luhn.of(&wrong), 3);
            }
        }
    }
}
