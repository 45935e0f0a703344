use crate::chance::Chance;
use crate::setup::Span;

/// What a run has that most have not, drawn apart, so that all other runs are what they were.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Variant {
    /// One bank opens by an answer that comes after the next try and behind the loss of business, while operators stop all.
    pub late_opening: bool,
}

impl Variant {
    pub(crate) fn of_seed(seed: u64, span: Span, is_quiet: bool) -> Self {
        let mut chance = Chance::new(seed ^ 0x7a71_a175);
        Self { late_opening: chance.per_mille(600) && is_quiet && span == Span::Evening }
    }
}
