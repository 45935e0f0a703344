//! How a line connects: from which address, and for which other line it stands in.

use std::net::{IpAddr, SocketAddr};

use pabal_switch::{Connects, LineSide};

use super::institution::{Endpoint, InstitutionConfig, LineConfig};
use super::section::{Findings, Section, hint};

/// The address from which we connect, with the port, 0 if any will do.
pub(super) fn read_source(section: &mut Section<'_, '_>, side: Option<LineSide>) -> Option<SocketAddr> {
    let text = section.text_if_there("source")?;
    if side == Some(LineSide::Acceptor) {
        section.problem("source", "is an initiator's; they connect to this line, so remove it");
        return None;
    }
    let source = text.parse().ok().or_else(|| Some(SocketAddr::new(text.parse::<IpAddr>().ok()?, 0)));
    if source.is_none() {
        let text =
            format!("{text:?} is neither an IP address, such as \"10.0.0.5\", nor one with a port: \"10.0.0.5:5001\"");
        section.problem("source", text);
    }
    source
}

impl InstitutionConfig {
    /// Routes held against each other.
    pub(super) fn check_routes(&self, path: &str, findings: &Findings<'_>) {
        for (at, line) in self.lines.iter().enumerate() {
            let path = format!("{path}.lines[{at}]");
            line.check_source(&path, findings);
            self.check_backup(line, &path, findings);
            if let Endpoint::Connect(addresses) = &line.endpoint
                && u8::try_from(addresses.len()).is_err()
            {
                findings.problem(format!("{path}.address"), format!("({}) must not be more than 255", addresses.len()));
            }
            if line.healthy_after.is_zero() {
                let text =
                    "must be longer than nothing; a peer that takes connections and drops them would count as well";
                findings.problem(format!("{path}.healthy_after"), text);
            }
        }
        let lines = self.lines.iter().filter(|line| line.backup_of.is_none()).count();
        if let Some(max) = self.limits.sessions_max
            && usize::from(max) < lines
        {
            let text =
                format!("({max}) must not be less than the {lines} lines that are no backups; each needs a session");
            findings.problem(format!("{path}.limits.sessions_max"), text);
        }
    }

    fn check_backup(&self, line: &LineConfig, path: &str, findings: &Findings<'_>) {
        let Some(main) = &line.backup_of else { return };
        let names: Vec<&str> =
            self.lines.iter().map(|line| line.name.as_str()).filter(|name| *name != line.name).collect();
        let problem = |text: String| findings.problem(format!("{path}.backup_of"), text);
        let Some(main) = self.lines.iter().find(|other| other.name == *main && other.name != line.name) else {
            let itself = if *main == line.name { "; a line cannot stand in for itself" } else { "" };
            return problem(format!("there is no other line {main:?}{itself}{}", hint(main, &names)));
        };
        let name = &main.name;
        if line.side() == LineSide::Acceptor || main.side() == LineSide::Acceptor {
            let text = "both lines must be initiators: where they connect, they choose the line; remove backup_of";
            problem(text.to_owned());
        } else if main.protocol != line.protocol || main.direction != line.direction {
            problem(format!(
                "line {name:?} carries {} of {:?}, and this one {} of {:?}; a line stands in for one that carries the same",
                main.direction, main.protocol, line.direction, line.protocol
            ));
        } else if let Some(first) = &main.backup_of {
            problem(format!("line {name:?} is a backup itself; write backup_of = {first:?}"));
        }
    }
}

impl LineConfig {
    fn check_source(&self, path: &str, findings: &Findings<'_>) {
        let (Some(source), Endpoint::Connect(addresses)) = (self.source, &self.endpoint) else { return };
        if source.port() != 0 && self.sessions_max > 1 {
            let text = format!(
                "has port {}, from which one connection can be made to an address, but the line may have {} sessions; leave the port \
                 out, or write a line with sessions = 1 for each port",
                source.port(),
                self.sessions_max
            );
            findings.problem(format!("{path}.source"), text);
        }
        if source.port() != 0 && self.connects == Connects::PerExchange {
            let text = format!(
                "has port {}, but the line connects for each request: we close behind the answer, and the system keeps the port for a minute \
                 then (TIME_WAIT), so that the next request could not leave; leave the port out, or write connects = \"kept\"",
                source.port(),
            );
            findings.problem(format!("{path}.source"), text);
        }
        for address in addresses {
            let Ok(to) = address.parse::<SocketAddr>() else { continue };
            if to.is_ipv4() != source.is_ipv4() {
                let version = |address: &SocketAddr| if address.is_ipv4() { "IPv4" } else { "IPv6" };
                let text = format!(
                    "{} is {}, and {address} is {}; from the one the other cannot be reached: write a source of the same version",
                    source.ip(),
                    version(&source),
                    version(&to)
                );
                findings.problem(format!("{path}.source"), text);
            }
        }
    }
}
