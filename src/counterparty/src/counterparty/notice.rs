use alloc::sync::Arc;

use pabal_clock::Now;

use super::send::{AS_IT_SHOULD, Delivery, Shape, What};
use super::{Counterparty, Job};
use crate::chance::Chance;
use crate::fill::{Ingredients, apply};
use crate::key::Key;
use crate::scenario::{Deed, Misdeed, Start};

/// A notice that was started.
#[derive(Clone, Debug)]
pub(super) struct NoticeRun {
    /// Its place in the scenario.
    pub(super) notice: usize,
    pub(super) name: Arc<str>,
    /// The request that caused it; empty if none did.
    pub(super) cause: Arc<[u8]>,
    /// How many are still to be sent, this one included.
    pub(super) left: u32,
}

impl Counterparty {
    /// Starts the notices that wait for this.
    pub(super) fn start_on(&mut self, start: &Start, cause: &[u8], now: Now) {
        let scenario = Arc::clone(&self.scenario);
        for (at, _) in scenario.notices.iter().enumerate().filter(|(_, notice)| notice.start == *start) {
            self.start_notice(at, cause, now);
        }
    }

    pub(super) fn start_notice(&mut self, notice: usize, cause: &[u8], now: Now) {
        let scenario = Arc::clone(&self.scenario);
        let Some(rule) = scenario.notices.get(notice) else { return };
        let mut chance = Chance::about(self.seed, cause, notice as u64);
        let after = chance.between(rule.after.0, rule.after.1);
        let run = NoticeRun { notice, name: rule.name.clone(), cause: cause.into(), left: rule.times };
        // Also if it is due at once: what caused it is answered first.
        self.schedule(Job::Notice(run), now.mono + after);
    }

    /// Makes and sends a notice.
    pub(super) fn notify(&mut self, run: NoticeRun, now: Now) {
        let scenario = Arc::clone(&self.scenario);
        let Some(rule) = scenario.notices.get(run.notice) else { return };
        let with = self.notice_ingredients(&run.cause, 1, now);
        let telegram = rule.recipe.make(with, &mut self.counters);
        let next = NoticeRun { left: run.left.saturating_sub(1), ..run.clone() };
        if next.left > 0 {
            let every = rule.every.unwrap_or_default();
            self.schedule(Job::Notice(next), now.mono + every);
        }
        self.send_notice(run, telegram, 1, now);
    }

    /// A notice was handed to a session: if it stays unanswered, it is sent again.
    pub(super) fn resend_later(&mut self, run: NoticeRun, key: Key, now: Now) {
        let scenario = Arc::clone(&self.scenario);
        let Some(resend) = scenario.notices.get(run.notice).and_then(|rule| rule.resend.as_ref()) else { return };
        let sent = self.ledger.notice(&key).map_or(0, |notice| notice.sent);
        if sent <= resend.times {
            self.schedule(Job::Resend(run, key), now.mono + resend.after);
        }
    }

    pub(super) fn resend(&mut self, run: NoticeRun, key: &Key, now: Now) {
        let scenario = Arc::clone(&self.scenario);
        let Some(resend) = scenario.notices.get(run.notice).and_then(|rule| rule.resend.as_ref()) else { return };
        let Some(notice) = self.ledger.notice(key).filter(|notice| notice.replies.is_empty()) else { return };
        let (mut telegram, count) = (notice.telegram.to_vec(), notice.sent.saturating_add(1));
        let with = self.notice_ingredients(&run.cause, count, now);
        apply(&resend.sets, &mut telegram, with, &mut self.counters);
        self.send_notice(run, telegram, count, now);
    }

    fn notice_ingredients<'a>(&self, cause: &'a [u8], send_count: u32, now: Now) -> Ingredients<'a> {
        let civil = self.protocol.day.civil(now.wall);
        Ingredients { request: cause, original: &[], original_answer: &[], civil, send_count }
    }

    fn send_notice(&mut self, run: NoticeRun, mut telegram: alloc::vec::Vec<u8>, count: u32, now: Now) {
        let scenario = Arc::clone(&self.scenario);
        let (Some(rule), Some(key)) = (scenario.notices.get(run.notice), Key::of(&telegram, &self.protocol.rules.key))
        else {
            return;
        };
        let mut chance = Chance::about(self.seed, key.bytes(), u64::from(count));
        let misdeed = rule.conduct.choose(&mut chance);
        let cause = Arc::clone(&run.cause);
        let what = What::Notice(run, key);
        if let Some(Misdeed { deed: Deed::Alter { sets, also }, .. }) = misdeed {
            if *also {
                let (telegram, conduct) = (telegram.clone(), AS_IT_SHOULD);
                self.deliver(
                    Delivery { what: what.clone(), telegram, came_by: None, shape: Shape::Whole, conduct },
                    now,
                );
            }
            let with = self.notice_ingredients(&cause, count, now);
            apply(sets, &mut telegram, with, &mut self.counters);
        }
        let delivery = Delivery { what, telegram, came_by: None, shape: Shape::Whole, conduct: AS_IT_SHOULD };
        self.deliver_with(delivery, misdeed, &mut chance, core::time::Duration::ZERO, now);
    }
}
