use alloc::boxed::Box;
use alloc::collections::BTreeMap;

use super::Ledger;

/// Participants that are counted on their own; all that come later are counted together, under the empty name.
const PARTICIPANTS_MAX: usize = 1_000;

/// What the institution counts for one participant, what was forgotten included.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Openings that were made.
    pub openings: u64,
    /// Openings that were refused, since it was too early or too late.
    pub openings_refused: u64,
    /// Openings of what was open already.
    pub already_open: u64,
    /// Requests, duplicates and openings included, requests for notices not.
    pub requests: u64,
    /// Requests whose key was received before.
    pub duplicates: u64,
    /// Executions of requests that move money.
    pub executed: u64,
    /// The sum of their amounts, in whole units.
    pub amount: i128,
    /// Requests that would have moved money, and were refused.
    pub refused: u64,
    /// Of those: since business was not open.
    pub not_open: u64,
    /// Notices that were made, also those that were withheld.
    pub issued: u64,
    /// Notices that were made and at first not sent: holes that can be asked for.
    pub withheld: u64,
    /// Numbers that were left out: holes behind which there is nothing.
    pub skipped: u64,
    /// Notices handed to a session for the first time.
    pub notified: u64,
    /// Notices handed to a session again.
    pub repeated: u64,
    /// Replies to notices, by their response code, padding included.
    pub replies: BTreeMap<Box<[u8]>, u64>,
    /// Requests for a notice that the gateway has not seen.
    pub gaps: u64,
    /// Of those: for a number that the book does not have.
    pub gaps_missing: u64,
    /// Answers to them that were handed to a session, whatever they said.
    pub gaps_answered: u64,
}

impl Tally {
    /// Notices whose reply carried this response code, padding included.
    #[must_use]
    pub fn replied(&self, response_code: &[u8]) -> u64 {
        self.replies.get(response_code).copied().unwrap_or(0)
    }
}

impl Ledger {
    /// What was counted for each participant, by the bytes of its field; under the empty name if the protocol has none.
    pub fn by_participant(&self) -> impl Iterator<Item = (&[u8], &Tally)> {
        self.tallies.iter().map(|(participant, tally)| (&**participant, tally))
    }

    /// What was counted for one participant; zeros if nothing came of it or for it.
    #[must_use]
    pub fn participant(&self, participant: &[u8]) -> Tally {
        self.tallies.get(participant).cloned().unwrap_or_default()
    }

    /// The counts of the participant that a telegram names.
    pub(crate) fn tally(&mut self, telegram: &[u8]) -> &mut Tally {
        let participant = self.participant.and_then(|at| at.of(telegram)).unwrap_or_default();
        let known = self.tallies.contains_key(participant) || self.tallies.len() < PARTICIPANTS_MAX;
        self.tallies.entry(if known { participant.into() } else { Box::default() }).or_default()
    }
}
