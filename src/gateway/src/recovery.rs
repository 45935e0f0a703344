//! What the journal knows, for a core that starts.

use std::path::Path;

use pabal_journal::Reader;
use pabal_switch::{Entry, Recovery};

/// Folds an institution's entries from its last checkpoint on. Reads files: not for a task of the runtime.
pub(crate) fn recover(directory: &Path, institution: &str) -> Result<Recovery, String> {
    let reader = Reader::open(directory).map_err(|error| error.to_string())?;
    let mut recovery = Recovery::new();
    for envelope in reader.recovery(institution).map_err(|error| error.to_string())? {
        let envelope = envelope.map_err(|error| error.to_string())?;
        if envelope.family != Entry::FAMILY {
            continue;
        }
        let entry = Entry::decode(&envelope.kind, envelope.version, &envelope.body)
            .map_err(|why| format!("the entry at position {} cannot be read: {why}", envelope.position))?;
        recovery.fold(entry);
    }
    Ok(recovery)
}
