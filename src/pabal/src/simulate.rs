use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use clap::Args;
use pabal_counterparty::{Later, LineId, Scenario, Settings};
use pabal_simulator::{Options, Simulator, computer_clock};
use pabal_spec::Protocol;
use tokio::signal::unix::{SignalKind, signal};

use crate::{exit, specs};

/// Run a simulated institution from a scenario file.
///
/// Speaks the institution's own protocol by the same spec that the gateway reads. Prints what happens until SIGTERM or SIGINT.
#[derive(Debug, Args)]
pub(crate) struct Simulate {
    /// A folder of spec files, or an institution that is built in
    #[arg(default_value = "hecto")]
    spec: String,
    /// The protocol, if the institution has several
    #[arg(long)]
    protocol: Option<String>,
    // The list is that of what is built in.
    #[arg(long, default_value = "demo", help = scenario_help())]
    scenario: String,
    /// Where it listens for the gateway's requests
    #[arg(long, default_value = "127.0.0.1:20000")]
    listen: SocketAddr,
    /// Where the gateway listens for its answers and notices; with --duplex it has no such line
    #[arg(long, default_value = "127.0.0.1:21000")]
    connect: SocketAddr,
    /// Answers by the session that the request came by
    #[arg(long)]
    duplex: bool,
    /// How many sessions it allows each way
    #[arg(long, default_value_t = 1)]
    sessions: u16,
    /// The same seed behaves the same
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// Events that may wait to be printed.
const EVENTS_MAX: usize = 10_000;
/// How long a connection that it closed is held for the other side's FIN.
const CLOSE_GRACE: Duration = Duration::from_secs(5);

/// Scenarios for a spec, by its name or that of its institution.
fn built_in(spec: &str, institution: &str) -> impl Iterator<Item = &'static (&'static str, &'static str)> {
    specs::BUILT_IN.iter().filter(move |one| one.name == spec || one.name == institution).flat_map(|one| one.scenarios)
}

fn scenario_help() -> String {
    let built_in = specs::BUILT_IN.iter().map(|one| {
        let names: Vec<&str> = one.scenarios.iter().map(|(name, _)| *name).collect();
        format!("for {}: {}", one.name, names.join(", "))
    });
    format!("A scenario file, or one that is built in {}", built_in.collect::<Vec<_>>().join("; "))
}

/// What there is instead of a scenario that is not there.
fn nothing_built_in(spec: &str, institution: &str) -> String {
    let known: Vec<&str> = built_in(spec, institution).map(|(name, _)| *name).collect();
    if known.is_empty() {
        let others: Vec<&str> = specs::BUILT_IN.iter().map(|one| one.name).collect();
        format!("none is built in for {institution}, only for {}: write a scenario file", others.join(", "))
    } else {
        format!("no scenario of that name is built in for {institution}; there are: {}", known.join(", "))
    }
}

/// Reads a scenario, from a file or from what is built in.
pub(crate) fn scenario(spec: &str, name: &str, protocol: &Protocol) -> anyhow::Result<Arc<Scenario>> {
    let built_in = built_in(spec, &protocol.institution).find(|(known, _)| *known == name);
    let (file, text) = if Path::new(name).is_file() {
        (name.to_string(), std::fs::read_to_string(name).with_context(|| format!("cannot read {name}"))?)
    } else if let Some((known, text)) = built_in {
        (format!("{known}.toml"), (*text).to_string())
    } else {
        bail!("{name:?} is no file, and {}", nothing_built_in(spec, &protocol.institution));
    };
    match Scenario::parse(&text, &file, protocol) {
        Ok(scenario) => Ok(Arc::new(scenario)),
        Err(mistakes) => {
            for mistake in &mistakes {
                err!("{mistake}");
            }
            bail!("{file} has {}", specs::counted(mistakes.len(), "mistake"))
        }
    }
}

/// What a simulator of a one-way pair, or of one duplex line, is started with.
pub(crate) fn options(
    protocol: Arc<Protocol>,
    scenario: Arc<Scenario>,
    listen: SocketAddr,
    connect: Option<SocketAddr>,
    duplex: bool,
    sessions: u16,
    seed: u64,
) -> Options {
    let (settings, addresses) = if duplex {
        (Settings::duplex(sessions), vec![Some(listen)])
    } else {
        (Settings::pair(sessions), vec![Some(listen), connect])
    };
    Options {
        protocol,
        scenario,
        later: Vec::new(),
        settings,
        addresses,
        seed,
        clock: computer_clock,
        events_max: EVENTS_MAX,
        close_grace: CLOSE_GRACE,
    }
}

impl Simulate {
    pub(crate) fn run(self) -> anyhow::Result<u8> {
        let institution = Arc::new(specs::load(&self.spec)?);
        specs::announce(&self.spec);
        let wall = computer_clock().wall;
        let protocol = specs::protocol(institution.in_force(wall), self.protocol.as_deref())?;
        let scenario = scenario(&self.spec, &self.scenario, &protocol)?;
        let mut later = Vec::new();
        for version in &institution.later {
            let Some(from) = version.begins().filter(|begins| *begins > wall) else { continue };
            let protocol = specs::protocol(version, self.protocol.as_deref())?;
            let scenario = self::scenario(&self.spec, &self.scenario, &protocol)?;
            later.push(Later { from, protocol, scenario });
        }
        let about = scenario.about().to_string();
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        runtime.block_on(async {
            let mut stop = signal(SignalKind::terminate())?;
            let mut interrupt = signal(SignalKind::interrupt())?;
            let options = Options {
                later,
                ..options(protocol, scenario, self.listen, Some(self.connect), self.duplex, self.sessions, self.seed)
            };
            let simulator = match Simulator::start(options).await {
                Ok(simulator) => simulator,
                Err(error) => {
                    err!("pabal: {error}");
                    return Ok(exit::USAGE);
                }
            };
            let mut events = simulator.events();
            if let Some(address) = simulator.local_address(LineId(0)) {
                out!("{} listens at {address}: {about}", institution.name);
            }
            loop {
                tokio::select! {
                    biased;
                    _ = stop.recv() => break,
                    _ = interrupt.recv() => break,
                    event = events.next() => match event {
                        Some(event) => out!("{event}"),
                        None => break,
                    },
                }
            }
            let totals = simulator.read(pabal_counterparty::Ledger::totals);
            out!(
                "{} requests, {} of them again; {} executed; {} answers, {} notices",
                totals.requests,
                totals.duplicates,
                totals.executed,
                totals.answers,
                totals.notices
            );
            simulator.stop().await;
            Ok(exit::DONE)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_built_in_is_told_with_the_institution_that_it_is_for() {
        let told = nothing_built_in("specs/hecto", "hecto");
        assert!(told.starts_with("no scenario of that name is built in for hecto; there are: demo, "), "{told}");
        let told = nothing_built_in("specs/ksnet", "ksnet");
        assert_eq!(told, "none is built in for ksnet, only for hecto: write a scenario file");
    }
}
