use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use pabal_front::{Front, Options};
use pabal_gateway::{Config, DrainSummary, Gateway, Handle, LogFormat, ReloadError, StartError};
use tokio::signal::unix::{SignalKind, signal};

use crate::{diagnostics, exit, out, specs};

/// Run the gateway.
///
/// Prints every setting in force, then serves until SIGTERM or SIGINT. SIGHUP reads the specs again while sessions stay up. At a stop it takes nothing new, waits for the answers that are still out, and closes
/// its sessions. Business stays open. A second signal ends it at once. Exit codes: 0 stopped with nothing left open, 1 stopped with something open, which is told (an UNKNOWN that was not listed
/// before, a notice without its reply, a session that was not closed in time), 2 not started.
#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// The configuration file
    #[arg(long, env = "PABAL_CONFIG", default_value = "pabal.toml")]
    config: PathBuf,
    /// Print every setting with its default and what it means, and end
    #[arg(long)]
    print_default: bool,
    /// Write the log as JSON, whatever the configuration says
    #[arg(long)]
    json_log: bool,
}

/// How long calls may still take once everything else has stopped.
const CALLS_END_MAX: std::time::Duration = std::time::Duration::from_secs(1);

/// Logs to standard error; `RUST_LOG` chooses what.
pub(crate) fn log(json: bool, default: &str) {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new(default));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // A second logger in one process is refused; the first one stays.
    let _ = if json { builder.json().try_init() } else { builder.with_ansi(diagnostics::has_colours()).try_init() };
}

impl Serve {
    pub(crate) fn run(self) -> anyhow::Result<u8> {
        if self.print_default {
            out::bytes(std::io::stdout(), Config::DEFAULT.as_bytes());
            return Ok(exit::DONE);
        }
        let text = std::fs::read_to_string(&self.config).with_context(|| {
            format!("cannot read {}; `pabal serve --print-default` shows what can be in it", self.config.display())
        })?;
        let (config, is_json) = match Config::parse(&text, &self.config.to_string_lossy()) {
            Ok(config) => {
                let is_json = self.json_log || config.log_format() == LogFormat::Json;
                log(is_json, "info");
                (built_in_specs(config)?, is_json)
            }
            Err(error) => {
                err!("{error}");
                return Ok(exit::USAGE);
            }
        };
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        runtime.block_on(serve(config, is_json))
    }
}

/// A spec that is no directory may be the name of one that is built in.
fn built_in_specs(mut config: Config) -> anyhow::Result<Config> {
    for (institution, place) in config.spec_directories() {
        if let Some(name) = place.file_name().and_then(|n| n.to_str())
            && !place.exists()
            && specs::BUILT_IN.iter().any(|b| b.name == name)
        {
            config = config.with_spec(&institution, specs::sources(name)?);
        }
    }
    Ok(config)
}

async fn serve(config: Config, is_json: bool) -> anyhow::Result<u8> {
    let listen = config.listen().clone();
    let within = config.drain_deadline();
    // Before sessions can be up: unless somebody listens for it, this signal ends a process.
    let mut hangup = signal(SignalKind::hangup())?;
    let gateway = match Gateway::start(config).await {
        Ok(gateway) => gateway,
        Err(error) => return Ok(not_started(&error)),
    };
    out!("{}", gateway.effective_limits().trim_end());
    let mut stop = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let front = match Front::serve(gateway.handle(), Options::new(listen)).await {
        Ok(front) => front,
        Err(error) => {
            err!("pabal: {error}");
            gateway.drain(std::time::Duration::ZERO).await;
            return Ok(exit::USAGE);
        }
    };
    for (institution, line, address) in gateway.local_addresses() {
        out!("{institution} line {line} listens at {address}");
    }
    out!("serving at {}", front.endpoint());
    loop {
        tokio::select! {
            biased;
            _ = stop.recv() => break,
            _ = interrupt.recv() => break,
            // Beside the rest: reading specs must not hold up a stop.
            Some(()) = hangup.recv() => drop(tokio::spawn(reload(gateway.handle(), is_json))),
        }
    }
    out!("stopping: nothing new is taken; answers are awaited for {within:?}; a second signal ends at once");
    let drain = async {
        // Callers that wait are answered while the drain goes on, new ones hear DRAINING, and `Find` answers until the end.
        let summary = gateway.drain(within).await;
        front.shutdown(CALLS_END_MAX).await;
        summary
    };
    tokio::select! {
        biased;
        summary = drain => Ok(stopped(&summary)),
        _ = stop.recv() => Ok(exit::FAILURE),
        _ = interrupt.recv() => Ok(exit::FAILURE),
    }
}

/// SIGHUP: reads the specs again. A mistake leaves the old ones in force.
async fn reload(handle: Handle, is_json: bool) {
    match handle.reload(None, "SIGHUP", "the process was signalled").await {
        Ok(reloaded) => {
            for one in reloaded {
                let what = if one.old == one.new { "is as it was".to_owned() } else { format!("was {}", one.old) };
                out!("{}: spec {} is in force, {what}", one.institution, one.new);
            }
        }
        // A collector takes lines of JSON, and nothing that is drawn.
        Err(error) if is_json => tracing::error!(event = "reload_refused", "{error}"),
        Err(error) => {
            if let ReloadError::Mistakes { sources, diagnostics, .. } = &error {
                out::bytes(std::io::stderr(), diagnostics::draw(diagnostics, sources).as_bytes());
            }
            err!("pabal: {error}");
        }
    }
}

fn not_started(error: &StartError) -> u8 {
    if let StartError::Spec { sources, diagnostics, .. } = error {
        out::bytes(std::io::stderr(), diagnostics::draw(diagnostics, sources).as_bytes());
    }
    err!("pabal: {error}");
    exit::USAGE
}

fn stopped(summary: &DrainSummary) -> u8 {
    for left in &summary.institutions {
        out!(
            "{}: {} in flight, {} waiting, {} UNKNOWN{}{}{}",
            left.institution,
            left.in_flight,
            left.waiting,
            left.unknown,
            if left.listed > 0 { format!(" ({} listed before)", left.listed) } else { String::new() },
            if left.notices_unreplied > 0 {
                format!(", {} of their notices without a reply", left.notices_unreplied)
            } else {
                String::new()
            },
            if left.is_complete { "" } else { "; not everything was closed in time" }
        );
    }
    if let Some(failure) = &summary.journal_failure {
        out!("journal: {failure}");
    }
    let is_clear = summary.leaves_nothing_open();
    out!("{}", if is_clear { "stopped" } else { "stopped with something open, which the next start goes on with" });
    if is_clear { exit::DONE } else { exit::FAILURE }
}

#[cfg(test)]
mod tests {
    use pabal_gateway::Drained;

    use super::*;

    #[test]
    fn the_exit_code_says_whether_something_is_left_open() {
        let nothing = || Drained {
            institution: "hecto".to_owned(),
            in_flight: 0,
            waiting: 0,
            unknown: 0,
            listed: 0,
            notices_unreplied: 0,
            is_complete: true,
        };
        let code = |left: Drained| stopped(&DrainSummary { institutions: vec![left], journal_failure: None });
        assert_eq!(code(nothing()), exit::DONE);
        assert_eq!(code(Drained { unknown: 2, listed: 2, ..nothing() }), exit::DONE, "on the list of a person before");
        assert_eq!(code(Drained { unknown: 2, listed: 1, ..nothing() }), exit::FAILURE);
        assert_eq!(code(Drained { notices_unreplied: 1, ..nothing() }), exit::FAILURE);
        assert_eq!(code(Drained { is_complete: false, ..nothing() }), exit::FAILURE);
    }
}
