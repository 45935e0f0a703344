//! Entries of the gateway's own: what an operator did.

use pabal_clock::Wall;
use pabal_journal::{Columns, Draft};
use pabal_spec::Digest;
use pabal_switch::Command;
use serde::{Deserialize, Serialize};

/// What an operator did to an institution.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Own {
    /// Another version of the spec is in force.
    Reloaded {
        /// The version that was in force.
        old: Digest,
        /// The version that is.
        new: Digest,
        /// Who did it.
        actor: String,
        /// And why.
        reason: String,
    },
}

impl Own {
    /// Its word among commands.
    pub(crate) const RELOAD: &'static str = "reload_spec";
    /// The family of these entries.
    pub(crate) const FAMILY: &'static str = "gateway";

    /// Its kind, as the journal's column holds it.
    pub(crate) const fn kind(&self) -> &'static str {
        match self {
            Self::Reloaded { .. } => "reloaded",
        }
    }

    /// Why an operator did what a draft says; `None` if it is not one of these.
    pub(crate) fn reason<C>(draft: &Draft<C>) -> Option<String> {
        let own = (draft.family == Self::FAMILY).then(|| serde_json::from_slice(&draft.body).ok()).flatten();
        own.map(|Self::Reloaded { reason, .. }| reason)
    }

    /// As it is appended.
    pub(crate) fn draft(&self, node: &str, at: Wall) -> Draft {
        let Self::Reloaded { new, actor, .. } = self;
        let columns = Columns {
            caller: Some(actor.clone()).filter(|actor| !actor.is_empty()),
            outcome: Some(Command::OUTCOME.to_owned()),
            cause: Some(Self::RELOAD.to_owned()),
            node: Some(node.to_owned()),
            spec_digest: Some(new.to_string()),
            ..Columns::default()
        };
        Draft {
            at: at.as_unix_micros(),
            family: Self::FAMILY.into(),
            kind: self.kind().into(),
            version: 1,
            columns,
            // There is no map and no float in it, so that nothing can fail.
            body: serde_json::to_vec(self).unwrap_or_default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_done_is_read_again() {
        let own = Own::Reloaded {
            old: Digest(1),
            new: Digest(2),
            actor: "ops".to_owned(),
            reason: "a \"new\" field".to_owned(),
        };
        let draft = own.draft("seoul-1", Wall::from_unix_micros(7));
        assert_eq!((draft.at, &*draft.family, &*draft.kind), (7, "gateway", "reloaded"));
        assert_eq!(draft.columns.spec_digest.as_deref(), Some("0000000000000002"));
        assert_eq!(serde_json::from_slice::<Own>(&draft.body).unwrap(), own);
    }
}
