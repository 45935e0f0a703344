use alloc::collections::VecDeque;
use alloc::sync::Arc;
use alloc::vec::Vec;

use pabal_clock::{Now, Wall};
use pabal_spec::Protocol;

use super::Counterparty;
use crate::output::Connection;
use crate::scenario::Scenario;

/// What an institution speaks from an instant on, and how it behaves then.
#[derive(Clone, Debug)]
pub struct Later {
    /// By its own clock.
    pub from: Wall,
    /// Of the same conversation as the one before it.
    pub protocol: Arc<Protocol>,
    /// The same scenario, read by that protocol.
    pub scenario: Arc<Scenario>,
}

/// The versions of an institution that are not in force.
#[derive(Clone, Debug, Default)]
pub(super) struct Versions {
    /// The next first.
    later: VecDeque<Later>,
    /// What was in force before, the last first: a request that was under way when the date came is still read and answered by it.
    former: Vec<(Arc<Protocol>, Arc<Scenario>)>,
}

impl Counterparty {
    /// Has the institution change its telegrams when these instants come, in their order; its connections stay. A frame that the version in
    /// force does not know is read by the ones before it.
    pub fn follow(&mut self, later: impl IntoIterator<Item = Later>) {
        self.versions.later = later.into_iter().collect();
    }

    /// The date of a version may have come.
    pub(super) fn begin_versions(&mut self, now: Now) {
        while let Some(later) = self.versions.later.pop_front_if(|later| later.from <= now.wall) {
            let former = self.speak(later.protocol, later.scenario);
            self.versions.former.insert(0, former);
        }
    }

    /// Speaks by this from now on; what it spoke by before.
    fn speak(&mut self, protocol: Arc<Protocol>, scenario: Arc<Scenario>) -> (Arc<Protocol>, Arc<Scenario>) {
        self.exchange_names = protocol.rules.exchanges.iter().map(|rule| Arc::from(&*rule.name)).collect();
        self.met.resize(scenario.replies.len(), 0);
        self.started.resize(scenario.notices.len(), false);
        (core::mem::replace(&mut self.protocol, protocol), core::mem::replace(&mut self.scenario, scenario))
    }

    /// Reads a frame by the version in force, or by the last one before it that knows it.
    pub(super) fn handle_frame_by_version(&mut self, connection: Connection, frame: &[u8], now: Now) {
        let knows = |protocol: &Protocol| protocol.catalog.select(frame).is_ok();
        let former = self.versions.former.iter().find(|(protocol, _)| knows(protocol)).cloned();
        match former.filter(|_| !knows(&self.protocol)) {
            Some((protocol, scenario)) => {
                let (newest, its_scenario) = self.speak(protocol, scenario);
                self.handle_frame(connection, frame, now);
                self.speak(newest, its_scenario);
            }
            None => self.handle_frame(connection, frame, now),
        }
    }
}
