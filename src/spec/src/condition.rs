use alloc::boxed::Box;
use alloc::vec::Vec;

use pabal_telegram::{Equal, Slice};

use crate::verdict::{Verdict, VerdictTable};

/// Something that can be compared, as bytes of a telegram.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operand {
    /// A field of the answer.
    Answer(Slice),
    /// A field of the request that the answer is about (`original.`).
    Original(Slice),
    /// A constant, padded as the field that it is compared with.
    Literal(Box<[u8]>),
}

impl Operand {
    fn of<'b>(&'b self, answer: &'b [u8], original: &'b [u8]) -> Option<&'b [u8]> {
        match self {
            Self::Answer(at) => at.of(answer),
            Self::Original(at) => at.of(original),
            Self::Literal(bytes) => Some(bytes),
        }
    }
}

/// One comparison.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Test {
    /// Both are the same, but for what [`Equal`] says does not matter.
    Same {
        /// One side.
        left: Operand,
        /// The other.
        right: Operand,
        /// What does not matter.
        equal: Equal,
    },
    /// A field of the answer is a response code of this class.
    Class {
        /// The field.
        code: Slice,
        /// The exchange whose codes it holds: that of the answer for the header's, the original for one of the body.
        exchange: Box<str>,
        /// The class.
        verdict: Verdict,
    },
}

/// Comparisons that must all hold. None holds for bytes that are not there. An empty condition (`*`) always holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Condition {
    /// All of these.
    pub all: Vec<Test>,
}

impl Condition {
    /// Whether all comparisons hold between an answer and the request that it is about.
    #[must_use]
    pub fn holds(&self, answer: &[u8], original: &[u8], verdicts: &VerdictTable, participant: &[u8]) -> bool {
        self.all.iter().all(|test| match test {
            Test::Same { left, right, equal } => {
                let (left, right) = (left.of(answer, original), right.of(answer, original));
                left.zip(right).is_some_and(|(left, right)| equal.same(left, right))
            }
            Test::Class { code, exchange, verdict } => {
                code.of(answer).is_some_and(|code| verdicts.verdict(participant, exchange, code) == *verdict)
            }
        })
    }

    /// Whether this holds wherever the other does. Only what can be seen without an answer is seen, so that `false` proves nothing.
    pub(crate) fn follows_from(&self, other: &Self, verdicts: &VerdictTable) -> bool {
        self.all.iter().all(|test| {
            let is_listed = |code: &Slice, exchange: &str, verdict: &Verdict| {
                other.all.iter().any(|known| match known {
                    Test::Same { left: Operand::Answer(at), right: Operand::Literal(text), .. } => {
                        at == code && verdicts.verdict(b"", exchange, text) == *verdict
                    }
                    _ => false,
                })
            };
            other.all.contains(test)
                || matches!(test, Test::Class { code, exchange, verdict } if is_listed(code, exchange, verdict))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::CodeRow;

    const AMOUNT: Slice = Slice { offset: 0, len: 4 };
    const CODE: Slice = Slice { offset: 4, len: 2 };

    fn same(left: Operand, right: Operand, zero_left: bool) -> Test {
        Test::Same { left, right, equal: Equal { zero_left, ..Equal::default() } }
    }

    fn verdicts() -> VerdictTable {
        let mut table = VerdictTable::default();
        for (exchange, verdict) in [("", Verdict::Refused), ("other", Verdict::Success)] {
            let row = CodeRow { participant: (*b"A").into(), exchange: exchange.into(), verdict, text: "".into() };
            table.insert(b"12", row).unwrap();
        }
        table
    }

    fn check(all: &[Test], answer: &[u8], original: &[u8], expected: bool) {
        let condition = Condition { all: all.into() };
        assert_eq!(condition.holds(answer, original, &verdicts(), b"A"), expected, "{condition:?}");
    }

    #[test]
    fn all_comparisons_must_hold() {
        let equal = same(Operand::Answer(AMOUNT), Operand::Original(AMOUNT), false);
        let code = same(Operand::Answer(CODE), Operand::Literal(b"00".as_slice().into()), false);
        check(&[equal.clone(), code.clone()], b"010000", b"0100", true);
        check(&[equal.clone(), code.clone()], b"010001", b"0100", false);
        check(&[equal, code], b"010000", b"0101", false);
        check(&[], b"", b"", true);
    }

    #[test]
    fn what_does_not_matter_is_not_compared() {
        let exact = same(Operand::Answer(AMOUNT), Operand::Original(Slice { offset: 0, len: 3 }), false);
        let number = same(Operand::Answer(AMOUNT), Operand::Original(Slice { offset: 0, len: 3 }), true);
        check(core::slice::from_ref(&exact), b"0100", b"100", false);
        check(core::slice::from_ref(&number), b"0100", b"100", true);
        check(&[number], b"0100", b"101", false);
    }

    #[test]
    fn bytes_that_are_not_there_prove_nothing() {
        let equal = same(Operand::Answer(AMOUNT), Operand::Original(AMOUNT), true);
        check(core::slice::from_ref(&equal), b"010", b"010", false);
        check(&[equal], b"0100", b"", false);
        check(&[Test::Class { code: CODE, exchange: "".into(), verdict: Verdict::Unknown }], b"01001", b"", false);
    }

    #[test]
    fn a_class_is_looked_up_for_the_participant_and_the_exchange() {
        let in_answer_of = |exchange: &str, verdict| Condition {
            all: [Test::Class { code: CODE, exchange: exchange.into(), verdict }].into(),
        };
        assert!(in_answer_of("other", Verdict::Success).holds(b"000012", b"", &verdicts(), b"A"));
        let refused = in_answer_of("transfer", Verdict::Refused);
        assert!(refused.holds(b"000012", b"", &verdicts(), b"A"));
        assert!(!refused.holds(b"000012", b"", &verdicts(), b"B"));
        assert!(!refused.holds(b"000013", b"", &verdicts(), b"A"));
    }
}
