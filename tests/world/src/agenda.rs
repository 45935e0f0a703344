use std::collections::BTreeMap;

use pabal_clock::Mono;

/// What will happen, in order; two things at one instant come in the order in which they were planned.
#[derive(Debug)]
pub(crate) struct Agenda<E> {
    planned: BTreeMap<(Mono, u64), E>,
    next: u64,
}

impl<E> Agenda<E> {
    pub(crate) const fn new() -> Self {
        Self { planned: BTreeMap::new(), next: 0 }
    }

    pub(crate) fn plan(&mut self, at: Mono, event: E) {
        self.planned.insert((at, self.next), event);
        self.next += 1;
    }

    pub(crate) fn first_at(&self) -> Option<Mono> {
        self.planned.first_key_value().map(|((at, _), _)| *at)
    }

    /// Takes the first event if its time has come.
    pub(crate) fn due(&mut self, now: Mono) -> Option<E> {
        if self.first_at()? > now {
            return None;
        }
        self.planned.pop_first().map(|(_, event)| event)
    }

    /// Forgets all events of a kind.
    pub(crate) fn retain(&mut self, keep: impl Fn(&E) -> bool) {
        self.planned.retain(|_, event| keep(event));
    }
}
