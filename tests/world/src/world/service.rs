//! Notices: the service that takes them, and what must be true of them.

use std::collections::BTreeMap;
use std::time::Duration;

use pabal_clock::Mono;
use pabal_switch::entry::NoticeReceived;
use pabal_switch::{Connects, Delivery, ExchangeId, LineSide, NoticeId, ReplyReport, ServiceReply};
use pabal_telegram::Layout;

use crate::world::{Event, World};
use crate::{disk, setup, versions};

/// Who subscribes.
const SERVICE: &str = "service";
/// What the service replies, which the gateway never says by itself.
const SERVICE_CODE: &[u8; 4] = b"0017";

/// So many notices that no service has are asked for at once, few enough that there is often another page.
const UNDELIVERED_PER_PAGE: usize = 5;

/// What is known of the replies to a notice.
#[derive(Clone, Debug, Default)]
pub(super) struct Replies {
    /// How often the notice came,
    came: u32,
    /// and when first by itself, and again on another date, with how often our wall clock had been set.
    begins: Vec<(Mono, u64)>,
    /// Processes that had begun when it came first.
    starts: u32,
    /// How often our kernel took a whole reply,
    taken: u32,
    /// and when it did last.
    taken_at: Option<Mono>,
    /// When it was written down last what is replied.
    decided_at: Option<Mono>,
    /// A service was told that its reply was not sent, and the notice has not come since.
    is_told_not_sent: bool,
}

/// A journal keeps times in microseconds.
const JOURNAL_PRECISION: Duration = Duration::from_micros(1);
/// By then a notice that came is replied to, once all is well: a service may take seconds.
const REPLIED_WITHIN: Duration = Duration::from_secs(60);

impl World {
    /// A notice came, for the first time or again.
    pub(super) fn came(&mut self, received: &NoticeReceived) {
        let (starts, now) = (self.starts, (self.now.mono, self.counts.clock_steps));
        let replies = self.replies.entry(received.notice).or_insert_with(|| Replies { starts, ..Replies::default() });
        replies.came += 1;
        if !disk::is_answer(received) && (replies.begins.is_empty() || received.again_on.is_some()) {
            replies.begins.push(now);
        }
        replies.is_told_not_sent = false;
    }

    /// What is replied to a notice is written down, be it that it waits or that it is about to leave.
    pub(super) fn decided(&mut self, notice: NoticeId) {
        self.replies.entry(notice).or_default().decided_at = Some(self.now.mono);
    }

    /// Nothing could take this reply: our own connections are for a request each, and the institution has made none since the reply was
    /// decided. It connects when it has something to say and closes when that is answered, be it while a service thinks about what else it
    /// has sent; a notice that it was asked for it may never say again. The reply waits for its next connection, which may not come.
    fn has_no_way(&self, replies: &Replies) -> bool {
        let lines = &self.settings.lines;
        let only_theirs = lines.iter().all(|l| l.connects == Connects::PerExchange || l.side == LineSide::Acceptor);
        let is_theirs = |line: usize| lines[line].side == LineSide::Acceptor;
        let stands = self.ours.keys().any(|conn| is_theirs(usize::from(conn.session.line.0)));
        let decided = replies.decided_at;
        only_theirs && !stands && decided.is_some_and(|at| self.accepted_at.is_none_or(|accepted| accepted < at))
    }

    /// Memory forgets nothing, and our clock has never shown a wrong date.
    pub(super) fn is_memory_whole(&self) -> bool {
        self.disk.notice_ids.len() < setup::NOTICES_MAX as usize && !self.was_date_wrong
    }

    /// Bytes of replies were given to our kernel: the first, and the last.
    pub(super) fn replies_left(&mut self, begun: &[NoticeId], taken: &[NoticeId]) -> Result<(), String> {
        let is_whole = self.is_memory_whole();
        for notice in begun {
            if self.replies.get(notice).is_some_and(|replies| replies.is_told_not_sent) && is_whole {
                return Err(format!("NOT_SENT was told of the reply to {notice}, and now it leaves"));
            }
        }
        for notice in taken {
            let replies = self.replies.entry(*notice).or_default();
            replies.taken += 1;
            replies.taken_at = Some(self.now.mono);
            self.counts.replies_given_again += u64::from(replies.taken > replies.came);
            // A process that ends leaves each reply in doubt once, and no more.
            if replies.taken > replies.came + (self.starts - replies.starts) {
                return Err(format!("notice {notice} is replied to more often than anybody asked: {replies:?}"));
            }
        }
        Ok(())
    }

    /// Every notice that came today and is durable is replied to: since it came last, our kernel has taken a whole reply, if it had a way.
    pub(super) fn notices_are_replied_to(&self) -> Result<(), String> {
        if !self.is_memory_whole() {
            return Ok(());
        }
        let today = self.day.business_date(self.now.wall);
        for (notice, came) in &self.disk.came {
            if came.is_answer || came.date != today || came.at + REPLIED_WITHIN > self.now.mono {
                continue;
            }
            let replies = self.replies.get(notice);
            let is_taken = replies.and_then(|replies| replies.taken_at).is_some_and(|at| at >= came.at);
            if !is_taken && !replies.is_some_and(|replies| self.has_no_way(replies)) {
                return Err(format!("the reply to notice {notice} is lost: it came {came:?}, {replies:?}"));
            }
        }
        Ok(())
    }

    /// A subscriber is given a notice. It may go away before it says that it has it.
    pub(super) fn deliver(&mut self, delivery: &Delivery) {
        let notice = delivery.notice;
        self.counts.notices += 1;
        self.counts.recovered += u64::from(delivery.recovered_by.is_some());
        self.counts.joined += u64::from(delivery.joined.is_some());
        self.trace.line(self.now, format_args!("notice {notice}"));
        if !self.disk.notice_ids.contains(&notice) {
            self.broken.get_or_insert(format!("notice {notice} is delivered and not durable"));
        }
        if let Some(Err(broken)) = delivery.joined.map(|exchange| self.is_about(delivery, exchange)) {
            self.broken.get_or_insert(broken);
        }
        if let Err(broken) = self.has_its_time(delivery) {
            self.broken.get_or_insert(broken);
        }
        self.delivered.insert(notice);
        if self.chance.per_mille(900) {
            let at = self.now.mono + Duration::from_micros(self.chance.between(0, 2_000_000));
            self.agenda.plan(at, Event::Receives(notice));
        }
        if delivery.reply_until.is_some() && self.chance.per_mille(800) {
            // In time, late, or about when the gateway gives up.
            let micros = if self.chance.per_mille(700) { 8_000_000 } else { 60_000_000 };
            let at = self.now.mono + Duration::from_micros(self.chance.between(0, micros));
            self.agenda.plan(at, Event::Replies(notice));
        }
    }

    /// A service may reply for as long as the spec says since the notice came first, over starts; a clock that is set changes what that is.
    /// One that comes again on another date may have been given up at midnight, and begins anew then.
    fn has_its_time(&mut self, delivery: &Delivery) -> Result<(), String> {
        let Some(until) = delivery.reply_until else { return Ok(()) };
        let notice = delivery.notice;
        let Some(replies) = self.replies.get(&notice) else { return Ok(()) };
        if replies.begins.iter().any(|(_, steps)| *steps != self.counts.clock_steps) {
            return Ok(());
        }
        self.counts.reply_times_over_starts += u64::from(replies.starts < self.starts);
        let is_of = |(began, _): &(Mono, u64)| {
            let due = *began + versions::SERVICE_REPLIES_WITHIN;
            until.since(due).max(due.since(until)) <= JOURNAL_PRECISION
        };
        if replies.begins.iter().any(is_of) {
            return Ok(());
        }
        Err(format!("a service may reply to {notice} until {until:?}: {replies:?}"))
    }

    /// A notice is about the transfer that it names, with the same accounts and amount.
    fn is_about(&self, delivery: &Delivery, exchange: ExchangeId) -> Result<(), String> {
        let said = delivery.protocol.catalog.layout(delivery.layout);
        let asked = self.plan.request_layout();
        let telegram = self.tracks.get(&exchange).map(|track| &*track.telegram).unwrap_or_default();
        let same = [
            ("orig_tlg_no", "telegram_no"),
            ("send_date", "send_date"),
            ("company_no", "company_no"),
            ("bank_code", "bank_code"),
            ("debit_account", "debit_account"),
            ("credit_bank_code", "credit_bank_code"),
            ("credit_account", "credit_account"),
            ("req_amt", "debit_amt"),
        ];
        for (theirs, ours) in same {
            let (theirs_is, ours_is) = (text(said, theirs, &delivery.telegram), text(asked, ours, telegram));
            if theirs_is != ours_is {
                let notice = delivery.notice;
                return Err(format!("{notice} joins {exchange}: its {theirs} is {theirs_is}, our {ours} {ours_is}"));
            }
        }
        Ok(())
    }

    pub(super) fn receive(&mut self, notice: NoticeId) {
        if let Some(core) = &mut self.core {
            core.delivered(notice, SERVICE, self.now);
        }
    }

    pub(super) fn reply(&mut self, notice: NoticeId) {
        let Some(core) = &mut self.core else { return };
        let response_code = Some(Box::from(&SERVICE_CODE[..]));
        let reply = ServiceReply { notice, caller: SERVICE.into(), response_code, telegram: None };
        self.counts.service_replies += 1;
        if let Err((refusal, why)) = core.reply(reply, self.now) {
            self.trace.line(self.now, format_args!("no reply to {notice}: {refusal} {why}"));
        }
    }

    pub(super) fn replied(&mut self, notice: NoticeId, report: ReplyReport) {
        self.trace.line(self.now, format_args!("replied {notice}: {report}"));
        let replies = self.replies.entry(notice).or_default();
        match report {
            ReplyReport::Sent => {
                self.counts.replies_sent += 1;
                if replies.taken == 0 {
                    let broken =
                        format!("SENT is told of the reply to {notice}, of which our kernel has not taken all");
                    self.broken.get_or_insert(broken);
                }
            }
            ReplyReport::NotSent => {
                self.counts.replies_not_sent += 1;
                replies.is_told_not_sent = true;
            }
            ReplyReport::TooLate => self.counts.replies_too_late += 1,
        }
    }

    /// A subscriber comes, and is given what nobody has, page by page.
    pub(super) fn subscribe(&mut self) {
        let mut after = None;
        while let Some(core) = &self.core {
            let page = core.undelivered(after, UNDELIVERED_PER_PAGE);
            let Some(last) = page.last() else { return };
            after = Some(*last);
            for notice in page {
                if let Some(core) = &mut self.core {
                    core.deliver_again(notice, self.now);
                }
                self.pump();
            }
        }
    }

    /// What the institution was told of its notices is what the journal and the services know.
    pub(super) fn notices_are_kept(&self) -> Result<(), String> {
        let mut by_key: BTreeMap<&[u8], Vec<_>> = BTreeMap::new();
        for kept in &self.disk.notices {
            by_key.entry(&kept.0.1).or_default().push(kept);
        }
        // What memory had to drop has a new name when it comes again, and may be replied to anew.
        let are_all_known = self.disk.notice_ids.len() < setup::NOTICES_MAX as usize;
        for (key, notice) in self.bank.ledger().notices() {
            let flat = key.parts().collect::<Vec<_>>().concat();
            let mine = by_key.get(&*flat).map(Vec::as_slice).unwrap_or_default();
            if let Some(((rule, _), ids)) = mine.iter().find(|(_, ids)| ids.len() > 1 && are_all_known) {
                return Err(format!("{rule} {key} has more than one name: {ids:?}"));
            }
            if notice.replies.is_empty() {
                continue;
            }
            let Some((_, ids)) = mine.first() else {
                return Err(format!("notice {key} was acknowledged, and is not in the journal"));
            };
            if are_all_known && !ids.iter().any(|id| self.delivered.contains(id)) {
                return Err(format!("notice {key} was acknowledged, and never delivered"));
            }
            if are_all_known && notice.replies.windows(2).any(|two| two[0] != two[1]) {
                return Err(format!("notice {key} was replied to in two ways: {:?}", notice.replies));
            }
        }
        Ok(())
    }
}

fn text(layout: &Layout, name: &str, telegram: &[u8]) -> String {
    let bytes = layout.find(name).and_then(|(_, field)| field.at.of(telegram)).unwrap_or_default();
    String::from_utf8_lossy(bytes).trim_end().to_owned()
}
