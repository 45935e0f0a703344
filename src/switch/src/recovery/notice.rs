//! Notices of an earlier process.

use alloc::sync::Arc;

use pabal_clock::{BusinessDate, Now};
use pabal_spec::Answered;

use super::KnownNotice;
use crate::core::Core;
use crate::entry::NoticeReceived;
use crate::notice::{Notice, NoticeState, known_by};
use crate::output::Event;
use crate::reply::code_reply;
use crate::timer::TimerName;

impl Core {
    /// A notice of an earlier process: whoever subscribes is given it if no service has it. A reply of which it is not known that all of it
    /// has left leaves by the next session, as one does whose session was lost; it was to say something, and says it once more at worst.
    pub(super) fn recover_notice(&mut self, known: KnownNotice, first: BusinessDate, now: Now) {
        let came_on = known.came_on();
        let KnownNotice { received, reply, replier, is_owed, joined, is_delivered } = known;
        let NoticeReceived { notice: id, about, key, repeated, reply_until, content, telegram, .. } = received;
        let Some(protocol) = self.protocol_named(&about.protocol) else { return };
        let newest = &self.books[usize::from(protocol)].protocol;
        let spec = Arc::clone(self.version(protocol, about.spec).unwrap_or(newest));
        let Some((_, rule)) = spec.rules.notice(&about.rule) else {
            // Nothing can read it any more.
            if !is_delivered {
                self.event(Event::NoticeEvicted { notice: id });
            }
            return;
        };
        let today = self.state.conversations[usize::from(protocol)].day.date;
        let key = known_by(protocol, self.books[usize::from(protocol)].key_is_dated, &rule.request, about.date, &key);
        let is_today = came_on == today;
        // What stands there instead of secret bytes is no reply.
        let has_secrets = reply.as_ref().is_some_and(|reply| !reply.secrets.is_empty());
        let reply = reply.filter(|_| !has_secrets);
        let is_answer = about.recovered_by.is_some() && !repeated;
        let waits = if is_today { NoticeState::Waiting } else { NoticeState::Unreplied };
        let (state, reply) = match (reply, &rule.answered) {
            (Some(reply), _) if is_owed => (waits, Some(reply)),
            (Some(reply), _) => (NoticeState::Replied, Some(reply)),
            (None, _) if is_answer => (NoticeState::Unreplied, None),
            (None, _) if has_secrets && !is_owed => (NoticeState::Replied, None),
            // Nobody would be asked, and something else may be with the institution: if it sends the notice again, the service is asked.
            (None, Answered::ByService { .. }) if has_secrets && is_delivered => (NoticeState::Unreplied, None),
            (None, Answered::ByGateway { response_code }) => {
                (waits, Some(code_reply(&spec, rule, &telegram.bytes, response_code)))
            }
            (None, Answered::ByService { within, .. })
                if is_today || reply_until.is_some_and(|until| until > now.wall) =>
            {
                // The service has what is left of its time, over midnight too; an older journal does not say when that is over. A clock that was
                // set back gives nobody more than the spec does.
                let until = reply_until.or((!repeated).then(|| about.received_at.plus(*within)));
                let left = until.map_or(*within, |until| now.wall.until(until).min(*within));
                self.state.timers.set(TimerName::Notice(id), now.mono + left);
                (NoticeState::Open, None)
            }
            (None, Answered::ByService { .. }) => (NoticeState::Unreplied, None),
        };
        let is_settled = is_delivered && matches!(state, NoticeState::Replied | NoticeState::Unreplied);
        if is_settled && came_on < first {
            return;
        }
        let telegram = telegram.bytes;
        self.state.notices.insert(Notice {
            id,
            protocol,
            about,
            state,
            key,
            content,
            telegram,
            is_answer,
            reply,
            replier,
            awaits_report: false,
            may_have_left: false,
            repeated,
            joined,
            is_delivered,
            came_by: None,
            came_at: now.mono,
            came_on,
        });
        self.state.notices.offer(id);
        self.reply_now_or_later(id);
    }
}
