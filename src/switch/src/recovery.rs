use crate::entry::Entry;

/// Folds the journal's entries, from the last checkpoint on, into what a core needs to go on.
#[derive(Debug, Default)]
pub struct Recovery {
    _state: (),
}

impl Recovery {
    /// Nothing is known yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next entry.
    pub fn fold(&mut self, entry: Entry) {
        let _ = entry;
        unimplemented!()
    }
}
