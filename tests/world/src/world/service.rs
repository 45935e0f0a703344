//! Notices: the service that takes them, and what must be true of them.

use std::collections::BTreeMap;
use std::time::Duration;

use pabal_switch::{Delivery, NoticeId, ReplyReport, ServiceReply};

use crate::setup;
use crate::world::{Event, World};

/// Who subscribes.
const SERVICE: &str = "service";
/// What the service replies, which the gateway never says by itself.
const SERVICE_CODE: &[u8; 4] = b"0017";

impl World {
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
        self.delivered.insert(notice);
        if self.chance.per_mille(900) {
            let at = self.now.mono + Duration::from_micros(self.chance.between(0, 2_000_000));
            self.agenda.plan(at, Event::Receives(notice));
        }
        if delivery.reply_until.is_some() && self.chance.per_mille(800) {
            // In time, late, or about when the gateway gives up.
            let at = self.now.mono + Duration::from_micros(self.chance.between(0, 8_000_000));
            self.agenda.plan(at, Event::Replies(notice));
        }
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
        match report {
            ReplyReport::Sent => self.counts.replies_sent += 1,
            ReplyReport::NotSent => self.counts.replies_not_sent += 1,
            ReplyReport::TooLate => self.counts.replies_too_late += 1,
        }
    }

    /// A subscriber comes, and is given what nobody has.
    pub(super) fn subscribe(&mut self) {
        let Some(core) = &self.core else { return };
        for notice in core.undelivered(None, 50) {
            if let Some(core) = &mut self.core {
                core.deliver_again(notice, self.now);
            }
            self.pump();
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
