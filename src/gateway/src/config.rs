//! Configuration: what contract and site decide. What the institution's document says is in its spec, and nothing is in both.

mod institution;
mod route;
mod section;
#[cfg(test)]
mod tests;
mod text;

use std::fmt::{self, Write as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use pabal_journal::Durability;
use toml::de::DeTable;

pub(crate) use institution::{
    ControlConfig, Endpoint, HoursConfig, InstitutionConfig, LineConfig, PartyConfig, RateConfig, SpecPlace,
};
pub use section::Problem;
pub(crate) use section::hint;
use section::{Effective, Findings, Section};
pub(crate) use text::Span;

/// A configuration without a mistake. The commented default is built in ([`Config::DEFAULT`]); a file says what differs.
#[derive(Clone, Debug)]
pub struct Config {
    /// How people know the file.
    file: String,
    data_dir: PathBuf,
    node: String,
    listen: Listen,
    default_timeout: Duration,
    drain_deadline: Duration,
    connects_per_second: u32,
    log_format: LogFormat,
    journal: pabal_journal::Options,
    institutions: Vec<InstitutionConfig>,
    effective: Vec<Effective>,
}

/// Where internal services reach the gateway. There is no TLS yet, so nothing that is reached from outside of the host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Listen {
    /// An address of the loopback interface.
    Tcp(SocketAddr),
    /// A Unix socket.
    Unix(PathBuf),
}

/// How a line of the log is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object, for collectors.
    Json,
}

/// What is wrong with a configuration: everything that could be found out at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    /// How people know the file.
    pub file: String,
    /// Each mistake, in the order of the lines.
    pub problems: Vec<Problem>,
}

impl fmt::Display for ConfigError {
    /// A line for each: `pabal.toml:12: institutions.hecto.lines[0].protcol: unknown key; did you mean ...`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, problem) in self.problems.iter().enumerate() {
            if at > 0 {
                f.write_char('\n')?;
            }
            f.write_str(&self.file)?;
            if let Some(line) = problem.line {
                write!(f, ":{line}")?;
            }
            match problem.path.as_str() {
                "" => write!(f, ": {}", problem.text)?,
                path => write!(f, ": {path}: {}", problem.text)?,
            }
        }
        Ok(())
    }
}

impl std::error::Error for ConfigError {}

impl Config {
    /// The commented default: every setting, what it means, and its value if nobody says otherwise.
    pub const DEFAULT: &'static str = include_str!("default.toml");

    /// Reads a configuration; what it does not say is as in the default. Relative paths start at the directory of `file`.
    ///
    /// # Errors
    /// Each unknown key, wrong value, missing key or contradiction, with its path and line.
    pub fn parse(text: &str, file: &str) -> Result<Self, ConfigError> {
        let findings = Findings::new(text);
        let (table, broken) = DeTable::parse_recoverable(text);
        for error in &broken {
            findings.problem_at(error.span().as_ref(), "", error.message());
        }
        if !broken.is_empty() {
            return Err(ConfigError { file: file.to_owned(), problems: findings.into_parts().0 });
        }
        let (default, wrong) = DeTable::parse_recoverable(Self::DEFAULT);
        assert!(wrong.is_empty(), "the built-in default is TOML");
        let directory = Path::new(file).parent().unwrap_or(Path::new(""));
        let config = Self::read(Section::root(table.get_ref(), default.get_ref(), &findings), directory);
        let config = Self { file: file.to_owned(), ..config };
        if findings.is_clean() {
            config.check(&findings);
        }
        let (problems, effective) = findings.into_parts();
        if problems.is_empty() {
            Ok(Self { effective, ..config })
        } else {
            Err(ConfigError { file: file.to_owned(), problems })
        }
    }

    fn read(mut root: Section<'_, '_>, directory: &Path) -> Self {
        let mut gateway = root.section("gateway", None);
        let data_dir = directory.join(gateway.text("data_dir"));
        let node = gateway.text("node");
        let listen = listen(&mut gateway, directory);
        let default_timeout = gateway.duration("default_timeout");
        let drain_deadline = gateway.duration("drain_deadline");
        let connects_per_second = gateway.count("connects_per_second");
        gateway.finish();

        let mut log = root.section("log", None);
        let words = [("text", LogFormat::Text), ("json", LogFormat::Json)];
        let log_format = log.word("format", &words).unwrap_or_default();
        log.finish();

        let mut journal = root.section("journal", None);
        let words = [("full", Durability::Full), ("process", Durability::Process)];
        let options = pabal_journal::Options {
            directory: data_dir.clone(),
            writer: journal.count("writer"),
            node: node.clone(),
            started_at: 0,
            durability: journal.word("durability", &words).unwrap_or_default(),
            group_envelopes_max: journal.count("group_envelopes_max"),
            group_bytes_max: usize::try_from(journal.bytes("group_bytes_max")).unwrap_or(usize::MAX),
            queue_bytes_max: usize::try_from(journal.bytes("queue_bytes_max")).unwrap_or(usize::MAX),
            journal_bytes_max: journal.bytes_or_unlimited("journal_bytes_max"),
            wal_bytes_max: journal.bytes("wal_bytes_max"),
            checkpoint_every: journal.count("checkpoint_every"),
        };
        journal.finish();

        let institutions = institution::read_all(&mut root, directory);
        root.finish();
        Self {
            file: String::new(),
            data_dir,
            node,
            listen,
            default_timeout,
            drain_deadline,
            connects_per_second,
            log_format,
            journal: options,
            institutions,
            effective: Vec::new(),
        }
    }

    /// Settings that are right one by one, held against each other.
    fn check(&self, findings: &Findings<'_>) {
        const MIB: u64 = 1 << 20;
        if self.drain_deadline.is_zero() {
            findings.problem(
                "gateway.drain_deadline",
                "must be longer than nothing; a stop would wait for no answer at all",
            );
        }
        let sizes = [
            ("queue_bytes_max", self.journal.queue_bytes_max as u64),
            ("wal_bytes_max", self.journal.wal_bytes_max),
            ("journal_bytes_max", self.journal.journal_bytes_max.unwrap_or(u64::MAX)),
        ];
        for (key, bytes) in sizes {
            if bytes < MIB {
                findings.problem(format!("journal.{key}"), "must be at least 1MiB");
            }
        }
        if self.journal.group_bytes_max > self.journal.queue_bytes_max {
            let text = format!(
                "({}) must not be over journal.queue_bytes_max ({}); no more than is queued can be made durable at once",
                text::Bytes(self.journal.group_bytes_max as u64),
                text::Bytes(self.journal.queue_bytes_max as u64)
            );
            findings.problem("journal.group_bytes_max", text);
        }
        for institution in &self.institutions {
            institution.check(self.default_timeout, findings);
        }
        self.check_listeners(findings);
    }

    /// No two listen at one address, of whatever institution they are; port 0 is another one for each.
    fn check_listeners(&self, findings: &Findings<'_>) {
        let mut taken = Vec::new();
        if let Listen::Tcp(address) = &self.listen {
            taken.push((*address, "gateway.listen".to_owned()));
        }
        for institution in &self.institutions {
            for (at, line) in institution.lines.iter().enumerate() {
                let Endpoint::Listen(address) = line.endpoint else { continue };
                let is_same = |other: &SocketAddr| {
                    let any = other.ip().is_unspecified() || address.ip().is_unspecified();
                    other.port() == address.port() && address.port() != 0 && (any || other.ip() == address.ip())
                };
                let path = format!("institutions.{}.lines[{at}].listen", institution.name);
                if let Some((other, of)) = taken.iter().find(|(other, _)| is_same(other)) {
                    let text = format!("{address} is taken: {of} is {other}; give each its own port");
                    findings.problem(path.clone(), text);
                }
                taken.push((address, path));
            }
        }
    }

    /// The same, with an institution's spec taken from memory instead of its directory. Nothing happens if it is not configured.
    #[must_use]
    pub fn with_spec(mut self, institution: &str, sources: Vec<pabal_spec::Source>) -> Self {
        if let Some(configured) = self.institutions.iter_mut().find(|configured| configured.name == institution) {
            configured.spec = SpecPlace::Sources(sources);
        }
        self
    }

    /// Each institution's name, with the directory that its spec is read from; one whose spec is in memory is left out.
    #[must_use]
    pub fn spec_directories(&self) -> Vec<(String, PathBuf)> {
        let directory = |configured: &InstitutionConfig| match &configured.spec {
            SpecPlace::Directory(path) => Some((configured.name.clone(), path.clone())),
            SpecPlace::Sources(_) => None,
        };
        self.institutions.iter().filter_map(directory).collect()
    }

    /// Where internal services reach the gateway.
    #[must_use]
    pub const fn listen(&self) -> &Listen {
        &self.listen
    }

    /// How long a caller waits that does not say.
    #[must_use]
    pub const fn default_timeout(&self) -> Duration {
        self.default_timeout
    }

    /// How long a stop waits for answers that are still out.
    #[must_use]
    pub const fn drain_deadline(&self) -> Duration {
        self.drain_deadline
    }

    /// Connections that are tried in any second, over all institutions.
    #[must_use]
    pub const fn connects_per_second(&self) -> u32 {
        self.connects_per_second
    }

    /// How a line of the log is written.
    #[must_use]
    pub const fn log_format(&self) -> LogFormat {
        self.log_format
    }

    /// Where the journal is.
    #[must_use]
    pub fn data_dir(&self) -> &Path {
        &self.data_dir
    }

    /// The name of this process in the journal.
    #[must_use]
    pub fn node(&self) -> &str {
        &self.node
    }

    /// How the journal is opened.
    pub(crate) const fn journal(&self) -> &pabal_journal::Options {
        &self.journal
    }

    /// Where a setting was said: `pabal.toml:12`, or `default`.
    pub(crate) fn origin(&self, path: &str) -> String {
        let line = self.effective.iter().rev().find(|known| known.path == path).and_then(|known| known.line);
        line.map_or_else(|| "default".to_owned(), |line| format!("{}:{line}", self.file))
    }

    /// How people know the file.
    pub(crate) fn file(&self) -> &str {
        &self.file
    }

    /// The line of the file that says what stands at a path, or what holds it; of a table in an array, the first one that says anything in
    /// it. `None` if the file says nothing there.
    pub(crate) fn line_of(&self, path: &str) -> Option<usize> {
        let is_below = |path: &str, above: &str| {
            path.strip_prefix(above).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
        };
        let holding = self.effective.iter().filter(|setting| is_below(path, &setting.path));
        let nearest = holding.max_by_key(|setting| setting.path.len());
        nearest.map(|setting| setting.line).unwrap_or_else(|| {
            let held = self.effective.iter().filter(|setting| path.ends_with(']') && is_below(&setting.path, path));
            held.filter_map(|setting| setting.line).min()
        })
    }

    /// In the order of their names.
    pub(crate) fn institutions(&self) -> &[InstitutionConfig] {
        &self.institutions
    }

    /// Every setting in force, a line each, with the place that says so.
    #[must_use]
    pub fn effective(&self) -> String {
        // What holds for all institutions is shown where it is in force.
        let is_template =
            |setting: &&Effective| setting.path.starts_with("limits.") || setting.path.starts_with("line.");
        let settings: Vec<&Effective> = self.effective.iter().filter(|setting| !is_template(setting)).collect();
        let width = settings.iter().map(|setting| setting.path.len()).max().unwrap_or(0);
        let mut lines = String::new();
        for Effective { path, value, line } in settings {
            let origin = line.map_or_else(|| "default".to_owned(), |line| format!("line {line}"));
            // Writing to a String does not fail.
            let _ = writeln!(lines, "{path:width$} = {value}  ({origin})");
        }
        lines
    }
}

/// Reads a duration as configuration writes it: `300ms`, `5s`, `5m`, `24h`.
#[must_use]
pub fn parse_duration(text: &str) -> Option<Duration> {
    text::duration(text)
}

fn listen(gateway: &mut Section<'_, '_>, directory: &Path) -> Listen {
    let text = gateway.text("listen");
    if let Some(path) = text.strip_prefix("unix:") {
        return Listen::Unix(directory.join(path));
    }
    let nowhere = Listen::Unix(PathBuf::new());
    match text.parse::<SocketAddr>() {
        _ if text.is_empty() => nowhere,
        Ok(address) if address.ip().is_loopback() => Listen::Tcp(address),
        Ok(address) => {
            let fix = "use 127.0.0.1, [::1], or \"unix:\" and a path: there is no TLS yet, so nothing is served outside of this host";
            gateway.problem("listen", format!("{address} is not an address of the loopback interface; {fix}"));
            nowhere
        }
        Err(_) => {
            gateway.problem(
                "listen",
                format!(
                    "{text:?} is neither an address with a port, such as \"127.0.0.1:7400\", nor \"unix:\" and a path"
                ),
            );
            nowhere
        }
    }
}
