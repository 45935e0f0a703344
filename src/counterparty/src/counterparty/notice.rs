use alloc::sync::Arc;
use alloc::vec::Vec;
use core::time::Duration;

use pabal_clock::{BusinessDate, Now};
use pabal_telegram::Side;

use super::send::{AS_IT_SHOULD, Delivery, Shape, What};
use super::{Counterparty, Job};
use crate::chance::Chance;
use crate::fill::{Ingredients, Set, apply, compute};
use crate::key::Key;
use crate::ledger::Notice;
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
    /// The day on which it was started.
    pub(super) date: BusinessDate,
}

/// A notice that is sent again, whether it is answered or not.
#[derive(Clone, Debug)]
pub(super) struct Repetition {
    run: NoticeRun,
    key: Key,
    after: Duration,
    /// How often still.
    left: u32,
    sets: Vec<Set>,
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
        if !rule.matches.iter().all(|condition| condition.holds(cause)) {
            return;
        }
        let mut chance = Chance::about(self.seed, cause, notice as u64);
        let after = chance.between(rule.after.0, rule.after.1);
        if rule.one_in > 1 && chance.below(rule.one_in.into()) > 0 {
            return;
        }
        let date = self.protocol.day.business_date(now.wall);
        let run = NoticeRun { notice, name: rule.name.clone(), cause: cause.into(), left: rule.times, date };
        // Also if it is due at once: what caused it is answered first.
        self.schedule(Job::Notice(run), now.mono + after);
    }

    /// Makes and sends a notice.
    pub(super) fn notify(&mut self, run: NoticeRun, now: Now) {
        let scenario = Arc::clone(&self.scenario);
        let Some(rule) = scenario.notices.get(run.notice) else { return };
        if rule.start == Start::Opened && self.protocol.day.business_date(now.wall) != run.date {
            // What was opened that day is closed; the next opening starts its own.
            return;
        }
        let with = self.notice_ingredients(&run.cause, 1, now);
        let mut telegram = rule.recipe.make(with, &mut self.counters);
        let next = NoticeRun { left: run.left.saturating_sub(1), ..run.clone() };
        if next.left > 0 {
            let every = rule.every.unwrap_or_default();
            self.schedule(Job::Notice(next), now.mono + every);
        }
        let Some(key) = self.notice_key(&telegram) else { return };
        let mut chance = Chance::about(self.seed, key.bytes(), 1);
        let misdeed = rule.conduct.choose(&mut chance);
        if let (Some(Deed::Skip { count }), Some(numbering)) = (misdeed.map(|misdeed| &misdeed.deed), &rule.numbering) {
            self.counters.skip(numbering, &mut telegram, (*count).into());
            self.ledger.tally(&telegram).skipped += u64::from(*count);
        }
        compute(&self.protocol, Side::Asker, &mut telegram, &rule.recipe.said);
        let Some(key) = self.notice_key(&telegram) else { return };
        self.ledger.issue(&key, &run.name, &telegram, now);
        self.send_notice(run, key, telegram, misdeed, chance, 1, now);
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
        let Some(rule) = scenario.notices.get(run.notice) else { return };
        let Some(resend) = rule.resend.as_ref() else { return };
        let Some(notice) = self.ledger.notice(key).filter(|notice| notice.replies.is_empty()) else { return };
        let (mut telegram, count) = (notice.telegram.to_vec(), notice.sent.saturating_add(1));
        let with = self.notice_ingredients(&run.cause, count, now);
        apply(&resend.sets, &mut telegram, with, &mut self.counters);
        compute(&self.protocol, Side::Asker, &mut telegram, &rule.recipe.said);
        let mut chance = Chance::about(self.seed, key.bytes(), u64::from(count));
        let misdeed = rule.conduct.choose(&mut chance);
        self.send_notice(run, key.clone(), telegram, misdeed, chance, count, now);
    }

    /// Sends a notice again, though it may be answered.
    pub(super) fn repeat(&mut self, repetition: Repetition, now: Now) {
        let Some(notice) = self.ledger.notice(&repetition.key) else { return };
        let (mut telegram, count) = (notice.telegram.to_vec(), notice.sent.saturating_add(1));
        let with = self.notice_ingredients(&repetition.run.cause, count, now);
        apply(&repetition.sets, &mut telegram, with, &mut self.counters);
        let said = self.scenario.notices.get(repetition.run.notice).map_or(&[][..], |rule| &rule.recipe.said);
        compute(&self.protocol, Side::Asker, &mut telegram, said);
        let what = What::Notice(repetition.run.clone(), repetition.key.clone());
        self.deliver(Delivery { what, telegram, came_by: None, shape: Shape::Whole, conduct: "repeat" }, now);
        if repetition.left > 1 {
            let after = repetition.after;
            let next = Repetition { left: repetition.left - 1, ..repetition };
            self.schedule(Job::Repeat(next), now.mono + after);
        }
    }

    /// Sends a notice of the book again, as it was made: somebody asked for it.
    pub(super) fn send_again(&mut self, key: Key, notice: &Notice, conduct: &'static str, delay: Duration, now: Now) {
        let scenario = Arc::clone(&self.scenario);
        let Some(at) = scenario.notices.iter().position(|rule| rule.name == notice.name) else { return };
        let date = self.protocol.day.business_date(now.wall);
        let run = NoticeRun { notice: at, name: notice.name.clone(), cause: [].into(), left: 1, date };
        let (what, telegram) = (What::Notice(run, key), notice.telegram.to_vec());
        self.put_off(Delivery { what, telegram, came_by: None, shape: Shape::Whole, conduct }, delay, now);
    }

    fn notice_key(&self, telegram: &[u8]) -> Option<Key> {
        Key::of_request(telegram, &self.protocol.rules)
    }

    fn notice_ingredients<'a>(&self, cause: &'a [u8], send_count: u32, now: Now) -> Ingredients<'a> {
        let civil = self.protocol.day.civil(now.wall);
        Ingredients { request: cause, original: &[], original_answer: &[], notice: &[], civil, send_count }
    }

    #[expect(clippy::too_many_arguments, reason = "a notice, what becomes of it, and the time")]
    fn send_notice(
        &mut self,
        run: NoticeRun,
        key: Key,
        mut telegram: Vec<u8>,
        misdeed: Option<&Misdeed>,
        mut chance: Chance,
        count: u32,
        now: Now,
    ) {
        let cause = Arc::clone(&run.cause);
        let what = What::Notice(run.clone(), key.clone());
        match misdeed.map(|misdeed| &misdeed.deed) {
            Some(Deed::Alter { sets, also }) => {
                if *also {
                    let (telegram, conduct) = (telegram.clone(), AS_IT_SHOULD);
                    self.deliver(
                        Delivery { what: what.clone(), telegram, came_by: None, shape: Shape::Whole, conduct },
                        now,
                    );
                }
                let with = self.notice_ingredients(&cause, count, now);
                apply(sets, &mut telegram, with, &mut self.counters);
                let said: Vec<_> = sets.iter().map(|set| set.at).collect();
                compute(&self.protocol, Side::Asker, &mut telegram, &said);
            }
            Some(Deed::Repeat { after, times, sets }) if count == 1 => {
                let after = chance.between(after.0, after.1);
                let repetition = Repetition { run, key, after, left: *times, sets: sets.clone() };
                self.schedule(Job::Repeat(repetition), now.mono + after);
            }
            _ => {}
        }
        let delivery = Delivery { what, telegram, came_by: None, shape: Shape::Whole, conduct: AS_IT_SHOULD };
        self.deliver_with(delivery, misdeed, &mut chance, Duration::ZERO, now);
    }
}
