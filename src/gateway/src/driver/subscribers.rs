//! Which service is given which notice.

use std::collections::{BTreeMap, BTreeSet};

use pabal_switch::{Delivery, NoticeId, ReplyReport};
use tokio::sync::mpsc;

use crate::serve::SERVED_UNACKED_MAX;

/// Names one subscriber of an institution.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct SubscriberId(pub(crate) u64);

/// What may wait for a subscriber that does not look: notices that it may hold, and as many reports of replies. One that leaves more is
/// given up, and what it held goes to another.
pub(crate) const QUEUE_MAX: usize = SERVED_UNACKED_MAX * 4;
/// Notices without a subscriber that are remembered here, by their ids. Of more, the oldest are given at the next start.
const PARKED_MAX: usize = 100_000;
/// Notices of which it is remembered who had them and went without a word; of more, the oldest are forgotten.
const LEFT_MAX: usize = 16_384;
/// Notices that a subscriber has taken of which it is remembered, so that it may say so twice; of more, the oldest are forgotten.
const TAKEN_MAX: usize = 1_024;

/// What a subscriber is told.
pub(crate) enum Told {
    Notice(Box<Delivery>),
    Replied { notice: NoticeId, report: ReplyReport },
}

/// One subscriber, as the driver holds it.
pub(crate) struct Subscriber {
    pub(crate) caller: Box<str>,
    /// The names of the notices that it wants; empty is all.
    pub(crate) notices: BTreeSet<String>,
    pub(crate) told: mpsc::Sender<Told>,
}

/// Who is there, and who has what. Each notice goes to one subscriber of its rule in turn, the oldest first; it is given again until
/// somebody has said that it has it.
#[derive(Default)]
pub(super) struct Subscribers {
    known: BTreeMap<SubscriberId, Known>,
    /// Given, and not acknowledged.
    held: BTreeMap<NoticeId, (SubscriberId, Box<str>)>,
    /// Who hears what became of a reply.
    replying: BTreeMap<NoticeId, SubscriberId>,
    /// What subscribers held that have gone since: its rule, and their callers, who may still say that they have it.
    left: BTreeMap<NoticeId, (Box<str>, BTreeSet<Box<str>>)>,
    /// Nobody could take them, by rule.
    parked: BTreeMap<Box<str>, BTreeSet<NoticeId>>,
    parked_count: usize,
    /// Who was last given something.
    last: Option<SubscriberId>,
}

struct Known {
    subscriber: Subscriber,
    held: usize,
    /// What it has said that it has.
    taken: BTreeSet<NoticeId>,
}

/// What a subscriber that says that it has a notice may say of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Claim {
    /// It, or an earlier subscription of its caller, was given it, and nobody has said so yet.
    Given,
    /// It has said so before.
    Taken,
    /// It was not given it, or somebody else has it for good.
    Stranger,
}

impl Known {
    fn wants(&self, rule: &str) -> bool {
        self.held < SERVED_UNACKED_MAX && self.is_for(rule)
    }

    fn is_for(&self, rule: &str) -> bool {
        let notices = &self.subscriber.notices;
        notices.is_empty() || notices.contains(rule)
    }
}

impl Subscribers {
    pub(super) fn join(&mut self, id: SubscriberId, subscriber: Subscriber) {
        self.known.insert(id, Known { subscriber, held: 0, taken: BTreeSet::new() });
    }

    /// Somebody is gone: what it held waits for another.
    pub(super) fn leave(&mut self, id: SubscriberId) {
        let Some(gone) = self.known.remove(&id) else { return };
        self.replying.retain(|_, replier| *replier != id);
        let held = std::mem::take(&mut self.held);
        for (notice, (holder, rule)) in held {
            if holder == id {
                let left = self.left.entry(notice).or_insert_with(|| (rule.clone(), BTreeSet::new()));
                left.1.insert(gone.subscriber.caller.clone());
                self.park(rule, notice);
            } else {
                self.held.insert(notice, (holder, rule));
            }
        }
        while self.left.len() > LEFT_MAX {
            self.left.pop_first();
        }
    }

    /// A subscriber's own name.
    pub(super) fn caller(&self, id: SubscriberId) -> Option<Box<str>> {
        self.known.get(&id).map(|known| known.subscriber.caller.clone())
    }

    /// Gives a notice to somebody, or parks it.
    pub(super) fn give(&mut self, delivery: Box<Delivery>) {
        let (notice, rule) = (delivery.notice, delivery.rule.clone());
        if let Some((holder, _)) = self.held.get(&notice) {
            // It has come again; who has it hears so.
            let holder = *holder;
            self.tell(holder, Told::Notice(delivery));
            return;
        }
        let is_behind =
            self.parked.get(&rule).is_some_and(|parked| parked.first().is_some_and(|oldest| *oldest < notice));
        let taker = if is_behind { None } else { self.next_that_wants(&rule) };
        let Some(id) = taker else {
            self.park(rule, notice);
            return;
        };
        if let Some(known) = self.known.get_mut(&id) {
            known.held += 1;
        }
        self.unpark(&rule, notice);
        self.held.insert(notice, (id, rule));
        self.last = Some(id);
        self.tell(id, Told::Notice(delivery));
    }

    /// The oldest notice that waits for somebody who has room for it now; it waits no more.
    pub(super) fn next_wanted(&mut self) -> Option<NoticeId> {
        let oldest = self.parked.iter().filter_map(|(rule, parked)| Some((*parked.first()?, rule)));
        let (notice, rule) = oldest.filter(|(_, rule)| self.next_that_wants(rule).is_some()).min()?;
        let rule = rule.clone();
        self.unpark(&rule, notice);
        Some(notice)
    }

    /// Whether a subscriber may say that it has a notice. One whose connection was lost may say so on its next one, of notices whose names
    /// it takes there.
    pub(super) fn claim(&self, notice: NoticeId, id: SubscriberId) -> Claim {
        let Some(known) = self.known.get(&id) else { return Claim::Stranger };
        let caller = &known.subscriber.caller;
        let is_given = match (self.held.get(&notice), self.left.get(&notice)) {
            (Some((holder, _)), _) if *holder == id => true,
            (Some((holder, rule)), _)
                if known.is_for(rule)
                    && self.known.get(holder).is_some_and(|holder| holder.subscriber.caller == *caller) =>
            {
                true
            }
            (_, Some((rule, callers))) => known.is_for(rule) && callers.contains(caller),
            _ => false,
        };
        match is_given {
            true => Claim::Given,
            false if known.taken.contains(&notice) => Claim::Taken,
            false => Claim::Stranger,
        }
    }

    /// A subscriber has a notice for good.
    pub(super) fn acknowledge(&mut self, notice: NoticeId, id: SubscriberId) {
        if let Some((holder, _)) = self.held.remove(&notice)
            && let Some(known) = self.known.get_mut(&holder)
        {
            known.held -= 1;
        }
        if let Some((rule, _)) = self.left.remove(&notice) {
            self.unpark(&rule, notice);
        }
        if let Some(known) = self.known.get_mut(&id) {
            known.taken.insert(notice);
            if known.taken.len() > TAKEN_MAX {
                known.taken.pop_first();
            }
        }
    }

    /// A reply was taken in: this subscriber hears what becomes of it.
    pub(super) fn replies(&mut self, notice: NoticeId, id: SubscriberId) {
        self.replying.insert(notice, id);
    }

    /// What became of a reply.
    pub(super) fn replied(&mut self, notice: NoticeId, report: ReplyReport) {
        if let Some(id) = self.replying.remove(&notice) {
            self.tell(id, Told::Replied { notice, report });
        }
    }

    /// What became of a reply, for one who is not the first to reply.
    pub(super) fn tell_report(&mut self, id: SubscriberId, notice: NoticeId, report: ReplyReport) {
        self.tell(id, Told::Replied { notice, report });
    }

    fn tell(&mut self, id: SubscriberId, told: Told) {
        let is_told = self.known.get(&id).is_some_and(|known| known.subscriber.told.try_send(told).is_ok());
        if !is_told {
            self.leave(id);
        }
    }

    /// The next one behind the last that was given something.
    fn next_that_wants(&self, rule: &str) -> Option<SubscriberId> {
        use std::ops::Bound::{Excluded, Unbounded};
        let behind = self.last.map_or(Unbounded, Excluded);
        let in_turn = self.known.range((behind, Unbounded)).chain(self.known.iter());
        in_turn.filter(|(_, known)| known.wants(rule)).map(|(id, _)| *id).next()
    }

    fn park(&mut self, rule: Box<str>, notice: NoticeId) {
        let parked = self.parked.entry(rule).or_default();
        self.parked_count += usize::from(parked.insert(notice));
        if self.parked_count > PARKED_MAX {
            parked.pop_first();
            self.parked_count -= 1;
        }
    }

    fn unpark(&mut self, rule: &str, notice: NoticeId) {
        if let Some(parked) = self.parked.get_mut(rule) {
            self.parked_count -= usize::from(parked.remove(&notice));
            if parked.is_empty() {
                self.parked.remove(rule);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use pabal_clock::{BusinessDate, Wall};
    use pabal_switch::Bytes;

    use super::*;

    fn delivery(notice: u128, rule: &str) -> Box<Delivery> {
        static PROTOCOL: std::sync::OnceLock<Arc<pabal_spec::Protocol>> = std::sync::OnceLock::new();
        let protocol = PROTOCOL.get_or_init(|| {
            let sources = crate::spec_sources(&crate::tests::house::specs()).unwrap();
            Arc::clone(&pabal_spec::load(&sources).unwrap().institution.protocols[0])
        });
        let (_, notice_rule) = protocol.rules.notice("deposit").unwrap();
        Box::new(Delivery {
            notice: NoticeId(notice),
            rule: rule.into(),
            layout: notice_rule.request.telegram,
            protocol: Arc::clone(protocol),
            telegram: Arc::from(&b""[..]),
            participant: Bytes::from(&b"088"[..]),
            date: BusinessDate::from_date(pabal_clock::Date::new(2026, 11, 21).unwrap()),
            number: None,
            repeated: false,
            recovered_by: None,
            joined: None,
            reply_until: None,
            received_at: Wall::from_unix_micros(0),
            trace: Arc::default(),
        })
    }

    fn join(subscribers: &mut Subscribers, id: u64, notices: &[&str], room: usize) -> mpsc::Receiver<Told> {
        join_as(subscribers, id, "books", notices, room)
    }

    fn join_as(
        subscribers: &mut Subscribers,
        id: u64,
        caller: &str,
        notices: &[&str],
        room: usize,
    ) -> mpsc::Receiver<Told> {
        let (told, heard) = mpsc::channel(room);
        let notices = notices.iter().map(|name| (*name).to_owned()).collect();
        subscribers.join(SubscriberId(id), Subscriber { caller: caller.into(), notices, told });
        heard
    }

    fn heard(receiver: &mut mpsc::Receiver<Told>) -> Vec<u128> {
        std::iter::from_fn(|| receiver.try_recv().ok())
            .map(|told| match told {
                Told::Notice(delivery) => delivery.notice.0,
                Told::Replied { notice, .. } => 1_000 + notice.0,
            })
            .collect()
    }

    /// What the driver does after each input.
    fn pump(subscribers: &mut Subscribers, rule: &str) {
        while let Some(notice) = subscribers.next_wanted() {
            subscribers.give(delivery(notice.0, rule));
        }
    }

    #[test]
    fn each_goes_to_one_in_turn_and_only_to_those_who_want_it() {
        let mut subscribers = Subscribers::default();
        let (mut one, mut two) =
            (join(&mut subscribers, 1, &[], QUEUE_MAX), join(&mut subscribers, 2, &["deposit"], QUEUE_MAX));
        for (notice, rule) in
            [(1, "deposit"), (2, "deposit"), (3, "transfer_fail"), (4, "transfer_fail"), (5, "deposit")]
        {
            subscribers.give(delivery(notice, rule));
        }
        assert_eq!((heard(&mut one), heard(&mut two)), (vec![1, 3, 4], vec![2, 5]));
        subscribers.give(delivery(1, "deposit"));
        assert_eq!(heard(&mut one), [1], "what comes again goes to who has it");
        subscribers.replies(NoticeId(2), SubscriberId(2));
        subscribers.replied(NoticeId(2), ReplyReport::Sent);
        subscribers.replied(NoticeId(2), ReplyReport::Sent);
        assert_eq!((heard(&mut one), heard(&mut two)), (vec![], vec![1_002]), "once, and to who replied");
    }

    #[test]
    fn nothing_is_lost_when_one_goes_and_the_oldest_comes_first() {
        let mut subscribers = Subscribers::default();
        subscribers.give(delivery(1, "deposit"));
        let mut one = join(&mut subscribers, 1, &[], QUEUE_MAX);
        subscribers.give(delivery(2, "deposit"));
        pump(&mut subscribers, "deposit");
        assert_eq!(heard(&mut one), [1, 2], "what waited goes first");
        subscribers.acknowledge(NoticeId(1), SubscriberId(1));
        subscribers.leave(SubscriberId(1));
        assert!(subscribers.next_wanted().is_none(), "nobody is there");
        let mut two = join(&mut subscribers, 2, &[], QUEUE_MAX);
        pump(&mut subscribers, "deposit");
        assert_eq!(heard(&mut two), [2], "what was acknowledged is not given again");
        assert_eq!(subscribers.parked_count, 0);
    }

    #[test]
    fn one_holds_so_many_and_the_rest_waits_in_order() {
        let mut subscribers = Subscribers::default();
        let mut one = join(&mut subscribers, 1, &[], QUEUE_MAX);
        let all: u128 = SERVED_UNACKED_MAX as u128 + 2;
        for notice in 1..=all {
            subscribers.give(delivery(notice, "deposit"));
        }
        assert_eq!(heard(&mut one).len(), SERVED_UNACKED_MAX);
        subscribers.acknowledge(NoticeId(7), SubscriberId(1));
        // It came just now, but another is before it.
        subscribers.give(delivery(all + 1, "deposit"));
        pump(&mut subscribers, "deposit");
        assert_eq!(heard(&mut one), [all - 1]);
    }

    #[test]
    fn the_oldest_of_all_that_wait_goes_first_whatever_its_name() {
        let mut subscribers = Subscribers::default();
        for (notice, rule) in [(1, "transfer_fail"), (2, "deposit"), (3, "transfer_fail")] {
            subscribers.give(delivery(notice, rule));
        }
        let _one = join(&mut subscribers, 1, &[], QUEUE_MAX);
        let wanted: Vec<_> = std::iter::from_fn(|| subscribers.next_wanted()).map(|notice| notice.0).collect();
        assert_eq!(wanted, [1, 2, 3]);
    }

    #[test]
    fn one_that_does_not_look_is_given_up() {
        let mut subscribers = Subscribers::default();
        let mut deaf = join(&mut subscribers, 1, &[], 1);
        subscribers.give(delivery(1, "deposit"));
        subscribers.give(delivery(2, "deposit"));
        assert!(subscribers.caller(SubscriberId(1)).is_none());
        let mut two = join(&mut subscribers, 2, &[], QUEUE_MAX);
        pump(&mut subscribers, "deposit");
        assert_eq!((heard(&mut deaf), heard(&mut two)), (vec![1], vec![1, 2]));
    }

    #[test]
    fn only_who_was_given_a_notice_says_that_it_has_it() {
        let mut subscribers = Subscribers::default();
        let notice = NoticeId(1);
        let _holder = join_as(&mut subscribers, 1, "failures", &["transfer_fail"], QUEUE_MAX);
        subscribers.give(delivery(1, "transfer_fail"));
        let _deposits = join_as(&mut subscribers, 2, "deposits", &["deposit"], QUEUE_MAX);
        let _other_name = join_as(&mut subscribers, 3, "failures", &["deposit"], QUEUE_MAX);
        let _again = join_as(&mut subscribers, 4, "failures", &["transfer_fail"], QUEUE_MAX);
        let claims =
            |subscribers: &Subscribers, notice| [1, 2, 3, 4, 9].map(|id| subscribers.claim(notice, SubscriberId(id)));
        let (given, stranger) = (Claim::Given, Claim::Stranger);
        assert_eq!(claims(&subscribers, notice), [given, stranger, stranger, given, stranger]);
        assert_eq!(claims(&subscribers, NoticeId(8)), [stranger; 5], "nobody was given it");

        // The connection of the holder is lost; meanwhile another service is given it.
        subscribers.leave(SubscriberId(1));
        assert_eq!(claims(&subscribers, notice), [stranger, stranger, stranger, given, stranger]);
        subscribers.leave(SubscriberId(4));
        let _another = join_as(&mut subscribers, 5, "archive", &[], QUEUE_MAX);
        pump(&mut subscribers, "transfer_fail");
        let _back = join_as(&mut subscribers, 6, "failures", &[], QUEUE_MAX);
        let both = |subscribers: &Subscribers| [5, 6].map(|id| subscribers.claim(notice, SubscriberId(id)));
        assert_eq!(both(&subscribers), [given, given]);
        subscribers.acknowledge(notice, SubscriberId(6));
        assert_eq!(both(&subscribers), [stranger, Claim::Taken], "it is taken once");
        subscribers.give(delivery(1, "transfer_fail"));
        assert_eq!(
            both(&subscribers).iter().filter(|claim| **claim == given).count(),
            1,
            "who holds what has come again"
        );
    }
}
