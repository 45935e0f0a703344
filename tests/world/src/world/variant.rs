//! What few runs have: what is planned for it, and what must be true of it.

use std::time::Duration;

use pabal_switch::Command;

use crate::world::{Event, World};

impl World {
    /// Operators stop all when a bank has opened by its second try, and is about to say that it is not open.
    pub(super) fn plan_late_opening(&mut self, first: u32) {
        let opened = self.now.mono + Duration::from_millis(90_300);
        for number in first..first + 20 {
            self.agenda.plan(opened + Duration::from_millis(self.chance.between(0, 1_000)), Event::Wish(number));
        }
        let stopped = opened + Duration::from_millis(self.chance.between(700, 1_300));
        let drain = Command::DrainInstitution { within: Duration::from_secs(30) };
        self.agenda.plan(stopped, Event::Operates(Some(Box::new(drain))));
        self.agenda.plan(stopped + Duration::from_secs(40), Event::StartAll);
    }
}
