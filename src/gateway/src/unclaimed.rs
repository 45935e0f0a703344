//! Telegrams that nobody waited for, as the journal has them.

use pabal_clock::Wall;
use pabal_journal::Envelope;
use pabal_switch::{Entry, ExchangeId};

use crate::call::CallError;
use crate::handle::Handle;

/// A telegram that came and that nobody waited for. Holds none of its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnclaimedTelegram {
    /// The institution's name.
    pub institution: String,
    /// When it came.
    pub at: Wall,
    /// By which line.
    pub line: String,
    /// Which of the line's sessions, from 0.
    pub slot: u16,
    /// Which of the session's connections.
    pub epoch: u32,
    /// Why nobody claimed it. Masked by classes.
    pub reason: String,
    /// Its length in bytes.
    pub length: usize,
    /// The exchange to which it was an answer but for one field of the key.
    pub near: Option<ExchangeId>,
}

impl UnclaimedTelegram {
    /// `None` if the entry is of another kind.
    pub(crate) fn read(envelope: &Envelope) -> Option<Self> {
        let Ok(Entry::Unclaimed(entry)) = Entry::decode(&envelope.kind, envelope.version, &envelope.body) else {
            return None;
        };
        Some(Self {
            institution: envelope.institution.clone(),
            at: Wall::from_unix_micros(envelope.at),
            line: entry.place.line.to_string(),
            slot: entry.place.slot,
            epoch: entry.place.epoch,
            reason: entry.reason,
            length: entry.telegram.bytes.len(),
            near: entry.near,
        })
    }
}

impl Handle {
    /// Telegrams that nobody waited for, the newest first, at most `max`; those of one institution if it is named.
    ///
    /// # Errors
    /// The journal cannot be read; or the institution is not configured, and nothing like that ever came of one of this name.
    pub async fn unclaimed(&self, institution: Option<&str>, max: usize) -> Result<Vec<UnclaimedTelegram>, CallError> {
        let found = self.0.histories.unclaimed(institution.map(ToOwned::to_owned), max).await?;
        if let Some(name) = institution.filter(|_| found.is_empty()) {
            self.desk(name)?;
        }
        Ok(found)
    }
}
