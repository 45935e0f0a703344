use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;

use pabal_clock::Now;

use super::{Answer, Kind, Ledger};
use crate::key::Key;

/// One notice that the institution made. All of them are its book: what the gateway asks for is looked up here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// Its name in the scenario.
    pub name: Arc<str>,
    /// The telegram as it was made, length prefix not included; what a misdeed made of it is not here.
    pub telegram: Box<[u8]>,
    /// When it was made.
    pub issued_at: Now,
    /// How often it was handed to a session; 0: it was withheld, or no session could carry it.
    pub sent: u32,
    /// When it was handed to a session last.
    pub sent_at: Option<Now>,
    /// Response codes of the replies that came.
    pub replies: Vec<Box<[u8]>>,
}

/// One number that the gateway asked for, since it had not seen the notice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gap {
    /// The exchange's name in the spec.
    pub exchange: Arc<str>,
    /// How often it was asked for.
    pub asked: u32,
    /// When it was asked for first.
    pub asked_at: Now,
    /// Whether the book had the notice when it was asked for last.
    pub issued: bool,
    /// Answers that were handed to a session, in order; a notice that is sent again instead of an answer is none.
    pub answers: Vec<Answer>,
}

impl Ledger {
    /// Every notice, by key; also those that were never sent.
    pub fn notices(&self) -> impl Iterator<Item = (&Key, &Notice)> {
        self.notices.iter()
    }

    /// A notice by its key.
    #[must_use]
    pub fn notice(&self, key: &Key) -> Option<&Notice> {
        self.notices.get(key)
    }

    /// Every number that was asked for, by the key of its notice.
    pub fn gaps(&self) -> impl Iterator<Item = (&Key, &Gap)> {
        self.gaps.iter()
    }

    /// Takes a notice down that was made.
    pub(crate) fn issue(&mut self, key: &Key, name: &Arc<str>, telegram: &[u8], now: Now) {
        self.totals.issued += 1;
        self.tally(telegram).issued += 1;
        if !self.notices.contains_key(key) {
            self.make_room();
            self.order.push_back((Kind::Notice, key.clone()));
        }
        let notice = Notice {
            name: Arc::clone(name),
            telegram: telegram.into(),
            issued_at: now,
            sent: 0,
            sent_at: None,
            replies: Vec::new(),
        };
        self.notices.insert(key.clone(), notice);
    }

    /// Takes a notice down that was handed to a session, and says how often that has been. One that was forgotten meanwhile was
    /// sent all the same.
    pub(crate) fn notify(&mut self, key: &Key, telegram: &[u8], now: Now) -> u32 {
        self.totals.notices += 1;
        let sent = self.notices.get_mut(key).map_or(1, |notice| {
            notice.sent = notice.sent.saturating_add(1);
            notice.sent_at = Some(now);
            notice.sent
        });
        let tally = self.tally(telegram);
        *if sent == 1 { &mut tally.notified } else { &mut tally.repeated } += 1;
        sent
    }

    /// Takes the reply to a notice down; `false` if there is no such notice.
    pub(crate) fn notice_reply(&mut self, key: &Key, reply: &[u8], response_code: &[u8]) -> bool {
        let Some(notice) = self.notices.get_mut(key) else { return false };
        self.totals.notice_replies += 1;
        notice.replies.push(response_code.into());
        *self.tally(reply).replies.entry(response_code.into()).or_default() += 1;
        true
    }

    /// Takes down that a notice is asked for, and says how often that has been, this time included.
    pub(crate) fn ask(&mut self, key: &Key, exchange: &Arc<str>, telegram: &[u8], now: Now) -> u32 {
        let issued = self.notices.contains_key(key);
        self.totals.gaps += 1;
        let tally = self.tally(telegram);
        tally.gaps += 1;
        tally.gaps_missing += u64::from(!issued);
        if !self.gaps.contains_key(key) {
            self.make_room();
            self.order.push_back((Kind::Gap, key.clone()));
        }
        let gap = self.gaps.entry(key.clone()).or_insert_with(|| Gap {
            exchange: Arc::clone(exchange),
            asked: 0,
            asked_at: now,
            issued,
            answers: Vec::new(),
        });
        gap.asked = gap.asked.saturating_add(1);
        gap.issued = issued;
        gap.asked
    }

    /// Takes the answer to a request for a notice down.
    pub(crate) fn gap_answer(&mut self, key: &Key, telegram: &[u8], answer: Answer) {
        self.totals.answers += 1;
        self.tally(telegram).gaps_answered += 1;
        if let Some(gap) = self.gaps.get_mut(key) {
            gap.answers.push(answer);
        }
    }
}
