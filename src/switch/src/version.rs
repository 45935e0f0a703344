//! A new version of the spec, while sessions stay up: what is new goes by it, what is in flight by the version it began with.

use alloc::boxed::Box;
use alloc::collections::BTreeSet;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use pabal_clock::Now;
use pabal_spec::Institution;

use crate::book::Book;
use crate::control::ControlId;
use crate::core::Core;
use crate::exchange::Exchange;
use crate::id::{Conn, ExchangeId};
use crate::opening::Opening;
use crate::plan::Plan;
use crate::refusal::Refusal;

/// Why a core does not go on by another version of the spec.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VersionRefused {
    /// Sessions would have to be made anew: what has changed.
    Conversation(Box<str>),
    /// A control that stands would mean nothing, or less: what it blocks would go through in silence.
    Control {
        /// Which.
        control: ControlId,
        /// What it names that is not there.
        reason: Box<str>,
    },
}

impl fmt::Display for VersionRefused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Conversation(text) => f.write_str(text),
            Self::Control { control, reason } => write!(
                f,
                "control `{control}` could not be judged by it, and would block less in silence: {reason}; keep the name, or lift the \
                 control, or first put a wider one of the same name in its place (of exchanges or participants) and write it by the \
                 new names afterwards"
            ),
        }
    }
}

impl core::error::Error for VersionRefused {}

impl Core {
    /// Whether the controls that stand at a moment let another version begin then.
    ///
    /// # Errors
    /// [`VersionRefused::Control`].
    pub fn may_by_controls_begin(&self, newer: &Institution, now: Now) -> Result<(), VersionRefused> {
        self.keeps_controls(newer, now).map_err(|(control, reason)| VersionRefused::Control { control, reason })
    }

    /// Goes on by another version, if it is one of the same conversation, and can judge the controls that stand.
    pub(crate) fn take_version(&mut self, institution: Arc<Institution>, now: Now) -> Result<(), VersionRefused> {
        self.institution.same_conversation(&institution).map_err(VersionRefused::Conversation)?;
        self.may_by_controls_begin(&institution, now)?;
        // By name: the files of the new version may be in another order.
        let version = |book: &Book| institution.protocol(&book.protocol.name).map(|one| Book::new(one, &self.settings));
        let books: Vec<Book> = self.books.iter().filter_map(version).collect();
        assert_eq!(books.len(), self.books.len(), "the same protocols");
        // What the old ones showed of the time.
        self.second = i64::MIN;
        let old = core::mem::replace(&mut self.books, books);
        let openings = core::mem::take(&mut self.state.openings);
        self.list_openings();
        let key = |opening: &Opening| (opening.protocol, opening.key.clone());
        if !openings.iter().map(key).eq(self.state.openings.iter().map(key)) {
            self.books = old;
            self.state.openings = openings;
            self.place_openings();
            let text = "what is opened cannot change while sessions are up; restart with it";
            return Err(VersionRefused::Conversation(text.into()));
        }
        for (new, old) in self.state.openings.iter_mut().zip(openings) {
            *new = Opening { template: new.template.clone(), ..old };
        }
        let old = core::mem::replace(&mut self.institution, institution);
        self.older.insert(0, old);
        self.judge_controls();
        let Self { older, state, .. } = self;
        older.retain(|version| state.notices.are_read_by(version));
        self.drop_unused_plans();
        for protocol in self.protocols() {
            self.take_back_overtaken(protocol, now);
            self.try_openings(protocol, now);
        }
        Ok(())
    }

    /// Whether requests of a plan may not leave any more, since another version has begun by a date.
    pub(crate) fn is_overtaken(&self, protocol: u16, plan: &Plan) -> bool {
        let newest = &self.books[usize::from(protocol)].protocol;
        !Arc::ptr_eq(newest, &plan.protocol) && newest.overtakes(&plan.protocol, plan.exchange())
    }

    /// What was made for the telegrams of before a date does not leave after it.
    fn take_back_overtaken(&mut self, protocol: u16, now: Now) {
        let overtaken: Vec<bool> = self.plans.iter().map(|plan| self.is_overtaken(protocol, plan)).collect();
        let made_before = |exchange: &&Exchange| {
            exchange.protocol == protocol && overtaken.get(exchange.plan as usize) == Some(&true)
        };
        let waiting: Vec<ExchangeId> = self
            .state
            .exchanges
            .values()
            .filter(made_before)
            .filter(|one| one.state.is_waiting())
            .map(|one| one.id)
            .collect();
        for id in waiting {
            self.refuse_waiting(id, Refusal::DateChanged, now);
        }
        let is_unbegun = |exchange: &Exchange| {
            let Some(sent) = exchange.sent else { return false };
            let slot = self.slot_of(sent.conn);
            slot.is_some_and(|slot| self.state.sessions[slot].out.written() <= sent.start)
        };
        if self.state.exchanges.values().filter(made_before).any(is_unbegun) {
            self.take_back_stamped(protocol, now);
        }
    }

    /// Plans that no exchange goes by any more go, and with the last one of a version the version. What was kept by a plan's place goes, too:
    /// another one has it now.
    fn drop_unused_plans(&mut self) {
        let used: BTreeSet<u32> = self.state.exchanges.values().map(|exchange| exchange.plan).collect();
        for exchange in self.state.exchanges.values_mut() {
            exchange.plan = u32::try_from(used.range(..exchange.plan).count()).unwrap_or(u32::MAX);
        }
        self.plans = used.iter().map(|at| Arc::clone(&self.plans[*at as usize])).collect();
        self.stamped.clear();
    }

    /// A frame that the newest version does not expect, or for which nobody waits by it, may answer a request of an older one.
    pub(crate) fn answer_by_older_version(&mut self, slot: usize, conn: Conn, frame: &[u8], now: Now) -> bool {
        let protocol = self.state.sessions[slot].protocol;
        let newest = &self.books[usize::from(protocol)].protocol;
        let mut found: Option<ExchangeId> = None;
        for plan in &self.plans {
            let is_older = plan.protocol.name == newest.name && !Arc::ptr_eq(&plan.protocol, newest);
            let answer = &plan.exchange().answer;
            let is_answer = is_older
                && plan.protocol.catalog.select(frame) == Ok(answer.telegram)
                && answer.bytes.iter().all(|(at, bytes)| at.of(frame) == Some(bytes));
            if is_answer && let Some(key) = plan.awaited.of(protocol, frame) {
                found = found.or_else(|| self.state.exchanges.awaiting(&key).map(|one| one.id));
            }
        }
        match found {
            Some(id) if self.has_left(id) => {
                self.answered(id, conn, frame, now);
                true
            }
            _ => false,
        }
    }
}
