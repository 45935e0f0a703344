use std::collections::{BTreeMap, BTreeSet};

use pabal_front::Proof;
use pabal_front::client;
use pabal_front::proto::find_request::Key;
use pabal_front::proto::search_request::By;
use pabal_front::proto::{ExchangeResponse, FoundExchange, Reason, SearchRequest, Unresolved};

use crate::asked::{Asked, MARK_BYTES, Outcome};
use crate::patience::{PATIENCE, soon};
use crate::rig::{Rig, Standing};

/// What a caller heard.
pub type Heard = Result<ExchangeResponse, tonic::Status>;

/// What became of calls: each is in exactly one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Account {
    /// SUCCESS.
    pub success: usize,
    /// Not sent: refused, or FAILURE/NOT_SENT, or never known.
    pub not_sent: usize,
    /// UNKNOWN.
    pub unknown: usize,
    /// Of these, those that the institution has executed: an inquiry will find them.
    pub unknown_paid: usize,
    /// Of the successful ones, those whose caller did not hear it.
    pub resolved: usize,
}

/// How often the institution has seen a request, and moved its money.
#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    received: u32,
    executed: u32,
}

impl Rig {
    /// Asserts that each of these calls, which have idempotency keys of caller `rig`, ended in exactly one outcome, that callers, journal and
    /// institution agree on it, that what is UNKNOWN stands on the list of what is unresolved, and that the institution has moved no money
    /// twice. Counts what became of them.
    ///
    /// # Panics
    /// They do not agree.
    pub async fn account(&self, calls: &[(Asked, Heard)]) -> Account {
        let mut account = Account::default();
        for (asked, heard) in calls {
            let key = Key::IdempotencyKey(asked.request.idempotency_key.clone());
            let Standing::Found(found) = self.find(key, true).await else {
                let proven = heard.as_ref().map_or_else(|status| Some(status.clone()), |_| None);
                assert!(proven.is_some(), "{}: it was told, and is not known: {heard:?}", asked.mark);
                account.not_sent += 1;
                continue;
            };
            let has_outcome = |found: &FoundExchange| found.outcome() != Outcome::Unspecified;
            let found = self.wait_found("it has an outcome", &found.exchange_id, has_outcome).await;
            match heard {
                Ok(response) => {
                    assert_eq!(response.exchange_id, found.exchange_id, "{}", asked.mark);
                    let is_same = response.outcome == found.outcome;
                    assert!(
                        is_same || response.outcome() == Outcome::Unknown,
                        "{}: {response:?} {found:?}",
                        asked.mark
                    );
                }
                // Ours prove that nothing left; others prove nothing.
                Err(status) if Proof::of(status).is_some() => {
                    let became = (found.outcome(), found.cause());
                    assert_eq!(became, (Outcome::Failure, Reason::NotSent), "{}: {status:?}", asked.mark);
                }
                Err(_) => {}
            }
            match found.outcome() {
                Outcome::Success => {
                    account.success += 1;
                    let is_told = heard.as_ref().is_ok_and(|response| response.outcome() == Outcome::Success);
                    account.resolved += usize::from(!is_told);
                }
                Outcome::Failure => {
                    assert_eq!(found.cause(), Reason::NotSent, "{}: {found:?}", asked.mark);
                    account.not_sent += 1;
                }
                Outcome::Unknown | Outcome::Unspecified => account.unknown += 1,
            }
        }
        // Behind all that was asked: what the institution has now may not contradict what was said before.
        let (seen, (open, is_all)) = (self.marks_seen(), self.unresolved().await);
        for (asked, _) in calls {
            let seen = seen.get(asked.mark.as_bytes()).copied().unwrap_or_default();
            assert!(seen.executed <= 1 && seen.received <= 1, "{}: it was paid twice: {seen:?}", asked.mark);
            let (outcome, id) = match self.find(Key::IdempotencyKey(asked.request.idempotency_key.clone()), true).await
            {
                Standing::Found(found) => (found.outcome(), found.exchange_id),
                Standing::NotFound(_) => (Outcome::Failure, String::new()),
            };
            match outcome {
                Outcome::Success => assert_eq!(seen.executed, 1, "{}: a success that was none", asked.mark),
                Outcome::Failure => assert_eq!(seen.received, 0, "{}: not sent, and it came", asked.mark),
                Outcome::Unknown | Outcome::Unspecified => {
                    account.unknown_paid += usize::from(seen.executed > 0);
                    assert!(open.contains(&id) || !is_all, "{}: nobody looks after it", asked.mark);
                }
            }
        }
        assert_eq!(self.bank().read(|ledger| ledger.totals().duplicates), 0);
        account
    }

    /// Exchanges that are UNKNOWN, by the list of what is unresolved, and whether these are all of them.
    async fn unresolved(&self) -> (BTreeSet<String>, bool) {
        let by = Some(By::Unresolved(Unresolved {}));
        let request = SearchRequest { institution: "hecto".to_owned(), by, max: 1_000 };
        let request = client::request(request, Some("rig"), Some(PATIENCE), None).expect("ASCII");
        let mut client = self.client();
        let found =
            soon("search returns", client.control.search(request)).await.expect("search does not fail").into_inner();
        (found.found.into_iter().map(|summary| summary.id).collect(), !found.more)
    }

    /// What the institution has of each mark.
    fn marks_seen(&self) -> BTreeMap<Vec<u8>, Seen> {
        self.bank().read(|ledger| {
            let mut seen: BTreeMap<Vec<u8>, Seen> = BTreeMap::new();
            for (_, request) in ledger.requests() {
                let Some(mark) = request.telegram.windows(MARK_BYTES).find(|at| at.starts_with(b"MARK")) else {
                    continue;
                };
                let seen = seen.entry(mark.to_vec()).or_default();
                seen.received += request.received;
                seen.executed += request.executed;
            }
            seen
        })
    }
}
