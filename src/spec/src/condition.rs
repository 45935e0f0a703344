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
            Test::Class { code, verdict } => {
                code.of(answer).is_some_and(|code| verdicts.verdict(participant, code) == *verdict)
            }
        })
    }
}
