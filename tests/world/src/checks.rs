use std::collections::{BTreeMap, BTreeSet};

use pabal_clock::Now;
use pabal_switch::{Cause, ExchangeId, Outcome, Refusal};

use crate::disk::Disk;

/// A request that a caller made, and what it heard of it.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    /// What the request carries on the wire, and nothing else does.
    pub(crate) tag: String,
    /// The caller's own name for it.
    pub(crate) key: Option<Box<str>>,
    /// Of each try: the exchange, if one was made.
    pub(crate) exchanges: Vec<ExchangeId>,
    /// Every refusal that was heard.
    pub(crate) refusals: Vec<Refusal>,
    /// Exchanges of which it was heard that they were not sent.
    pub(crate) not_sent: BTreeSet<ExchangeId>,
    /// Every outcome that was heard.
    pub(crate) outcomes: Vec<Outcome>,
    /// The caller heard that its key was fenced before any request under it was taken in.
    pub(crate) fenced: bool,
}

/// What the institution knows of a tag: the oracle.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Truth {
    /// How often a request with it arrived whole.
    pub(crate) received: u32,
    /// How often money moved for it.
    pub(crate) executed: u32,
    /// One of its answers says something else than what happened: the institution contradicts itself.
    pub(crate) altered: bool,
}

/// A sentence of what must be true, broken.
pub(crate) type Broken = String;

/// Sentence 3, of a caller: what it hears is durable.
pub(crate) fn outcome_is_durable(disk: &Disk, exchange: ExchangeId, outcome: &Outcome) -> Result<(), Broken> {
    let durable = disk.outcomes.get(&exchange);
    let said = durable
        .is_some_and(|all| all.iter().any(|(word, cause)| *word == outcome.word() && *cause == outcome.cause().word()));
    // When the journal has failed, nothing more becomes durable. UNKNOWN is then what the durable entries say by themselves: the
    // request may have left, and no outcome follows.
    let implied = *outcome == (Outcome::Unknown { cause: Cause::NotKept });
    if said || (implied && disk.sent.contains(&exchange)) {
        return Ok(());
    }
    Err(format!("a caller hears {outcome:?} of {exchange}, which is not durable; durable: {durable:?}"))
}

/// Sentence 4: SUCCESS and FAILURE never change.
pub(crate) fn outcomes_are_final(disk: &Disk) -> Result<(), Broken> {
    for (exchange, outcomes) in &disk.outcomes {
        let mut last: Option<&str> = None;
        for (word, _) in outcomes {
            if last.is_some_and(|before| before != "UNKNOWN" && before != *word) {
                return Err(format!("{exchange} was {last:?} and became {word}: {outcomes:?}"));
            }
            last = Some(word);
        }
    }
    Ok(())
}

/// Sentences 1, 2, 5 and 7, of every request, held against the institution's ledger.
pub(crate) fn against_the_ledger(
    requests: &[Request],
    ledger: &BTreeMap<String, Truth>,
    now: Now,
) -> Result<(), Broken> {
    for request in requests {
        let truth = ledger.get(&request.tag).copied().unwrap_or_default();
        let story = || format!("at {}: {request:?}; the institution: {truth:?}", now.mono);
        if truth.received > 1 {
            return Err(format!("sentence 7: sent twice for one request: {}", story()));
        }
        if request.fenced && truth.received > 0 {
            return Err(format!("its key was fenced as unused, and yet it left: {}", story()));
        }
        if request.exchanges.is_empty() && truth.received > 0 {
            return Err(format!("sentence 1: refused, and yet it left: {}", story()));
        }
        for outcome in &request.outcomes {
            let right = match outcome {
                Outcome::Success { .. } => truth.executed == 1,
                Outcome::Failure { refusal: Some(_), .. } => truth.received == 0,
                // Who is lied to can only repeat it; that the lie is seen is the contradiction's entry.
                Outcome::Failure { refusal: None, .. } => truth.executed == 0 || truth.altered,
                Outcome::Unknown { .. } => true,
            };
            if !right {
                return Err(format!("sentence 2: {outcome:?} is not what became of it: {}", story()));
            }
        }
        // An error for each exchange, and no other exchange: nothing left.
        let all_not_sent = request.exchanges.iter().all(|exchange| request.not_sent.contains(exchange));
        if request.outcomes.is_empty() && all_not_sent && truth.received > 0 {
            return Err(format!("sentence 1: only errors were told, and yet it left: {}", story()));
        }
    }
    Ok(())
}
