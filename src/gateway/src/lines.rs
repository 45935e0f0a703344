//! What configuration says of an institution, as operators see it.

use pabal_clock::UtcOffset;
use pabal_spec::Digest;
use pabal_switch::{Connects, Direction, LineSide};

use crate::config::{Endpoint, LineConfig};
use crate::handle::Handle;

/// A configured route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Unique in the institution.
    pub name: String,
    /// The protocol that it speaks.
    pub protocol: String,
    /// Who connects.
    pub side: LineSide,
    /// What it carries.
    pub direction: Direction,
    /// Where we connect, in turn, or where we listen, with the port that was taken.
    pub addresses: Vec<String>,
    /// Sessions that it may have.
    pub sessions_max: u16,
    /// Of an initiator, when it connects.
    pub connects: Connects,
    /// The line for which it stands in, if it is a backup.
    pub backup_of: Option<String>,
}

impl Handle {
    /// The lines of an institution in their order; none if it is not configured.
    #[must_use]
    pub fn lines(&self, institution: &str) -> Vec<Line> {
        let Some(desk) = self.0.desks.get(institution) else { return Vec::new() };
        let line = |line: &LineConfig| {
            let (side, addresses) = match &line.endpoint {
                Endpoint::Connect(addresses) => (LineSide::Initiator, addresses.clone()),
                Endpoint::Listen(wanted) => {
                    let taken = desk.addresses.iter().find(|(name, _)| *name == line.name).map(|(_, taken)| taken);
                    (LineSide::Acceptor, vec![taken.unwrap_or(wanted).to_string()])
                }
            };
            Line {
                name: line.name.clone(),
                protocol: line.protocol.clone(),
                side,
                direction: line.direction,
                addresses,
                sessions_max: line.sessions_max,
                connects: line.connects,
                backup_of: line.backup_of.clone(),
            }
        };
        desk.config.lines.iter().map(line).collect()
    }

    /// The zone in which an institution's clocks are read; UTC if it is not configured.
    #[must_use]
    pub fn zone(&self, institution: &str) -> UtcOffset {
        let newest = self.0.desks.get(institution).map(|desk| desk.versions.newest());
        newest.and_then(|version| Some(version.institution.protocols.first()?.day.zone)).unwrap_or_default()
    }

    /// The version of an institution's spec whose date has come and that is not in force, and why: a control that it cannot judge holds it,
    /// until that is lifted, or over.
    #[must_use]
    pub fn spec_held(&self, institution: &str) -> Option<(Digest, Box<str>)> {
        self.0.desks.get(institution)?.versions.held(self.now().wall)
    }

    /// The version of an institution's spec that is in force; `None` if it is not configured.
    #[must_use]
    pub fn spec_digest(&self, institution: &str) -> Option<Digest> {
        self.0.desks.get(institution).map(|desk| desk.versions.newest().digest)
    }
}
