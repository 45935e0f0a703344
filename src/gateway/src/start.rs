//! Starting: specs, the data directory, recovery, listeners; every mistake with its place and the fix.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use pabal_journal::{Journal, Writer};
use pabal_spec::{Diagnostic, Institution, Severity, Source};
use pabal_switch::{Recovery, Settings};
use tokio::sync::{mpsc, watch};

use crate::clock::now;
use crate::config::{Config, ConfigError, InstitutionConfig, Problem, SpecPlace};
use crate::connects::Connects;
use crate::deadlines::{self, Site};
use crate::digest::DigestKey;
use crate::driver::health::Health;
use crate::driver::{Driver, Line};
use crate::handle::Desk;
use crate::recovery::recover;
use crate::settings::settings;
use crate::versions::{Reading, Shelf, Versions, digests};

/// Commands that may wait for a driver; who has more to say waits.
const COMMANDS_MAX: usize = 1_024;

/// Why a gateway cannot start.
#[derive(Debug)]
pub enum StartError {
    /// An institution's spec cannot be read.
    ReadSpec {
        /// The institution's name.
        institution: String,
        /// The file or directory.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// An institution's spec has mistakes.
    Spec {
        /// The institution's name.
        institution: String,
        /// Its files; spans of the diagnostics are places in these.
        sources: Vec<Source>,
        /// Each mistake.
        diagnostics: Vec<Diagnostic>,
    },
    /// Configuration and specs do not fit.
    Misfit(ConfigError),
    /// The journal cannot be opened; [`pabal_journal::Error::Held`] names the process that has it.
    Journal(pabal_journal::Error),
    /// The key of the digests cannot be read or made.
    DigestKey(io::Error),
    /// The sources of a spec cannot be kept in the data directory.
    Keep {
        /// The institution's name.
        institution: String,
        /// What the system says.
        source: io::Error,
    },
    /// The journal does not tell where an institution was.
    Recovery {
        /// The institution's name.
        institution: String,
        /// What is wrong.
        what: String,
    },
    /// A line to which they connect cannot be opened.
    Listen {
        /// The institution's name.
        institution: String,
        /// The line's name.
        line: String,
        /// What the system says.
        source: io::Error,
    },
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ReadSpec { institution, path, source } => {
                write!(
                    f,
                    "the spec of {institution} cannot be read: {}: {source}; check institutions.{institution}.spec",
                    path.display()
                )
            }
            Self::Spec { institution, diagnostics, .. } => {
                let errors = diagnostics.iter().filter(|diagnostic| diagnostic.severity == Severity::Error);
                let first = errors.clone().next().map_or("", |diagnostic| &diagnostic.message);
                write!(f, "the spec of {institution} has {} mistakes; the first: {first}", errors.count())
            }
            Self::Misfit(error) => write!(f, "configuration and specs do not fit:\n{error}"),
            Self::Journal(error) => write!(f, "{error}"),
            Self::DigestKey(error) => write!(f, "the key of the journal's digests cannot be read or made: {error}"),
            Self::Keep { institution, source } => {
                write!(f, "the spec of {institution} cannot be kept in the data directory: {source}")
            }
            Self::Recovery { institution, what } => {
                write!(f, "the journal does not tell where {institution} was: {what}")
            }
            Self::Listen { institution, line, source } => {
                write!(
                    f,
                    "line {line} of {institution} cannot be opened: {source}; check institutions.{institution}.lines"
                )
            }
        }
    }
}

impl std::error::Error for StartError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::ReadSpec { source, .. }
            | Self::DigestKey(source)
            | Self::Listen { source, .. }
            | Self::Keep { source, .. } => Some(source),
            Self::Journal(error) => std::error::Error::source(error),
            Self::Misfit(_) | Self::Spec { .. } | Self::Recovery { .. } => None,
        }
    }
}

/// The sources of a spec: the `.spec` files and the code tables (`.csv`) of a directory, in the order of their names. What lies
/// in folders below it (samples, scenarios) is no part of it.
///
/// # Errors
/// The directory or a file cannot be read, or is not UTF-8.
pub fn spec_sources(directory: &Path) -> Result<Vec<Source>, (PathBuf, io::Error)> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |error| (path, error)
    };
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(directory).map_err(failed(directory))? {
        let path = entry.map_err(failed(directory))?.path();
        if path.extension().is_some_and(|extension| extension == "spec" || extension == "csv") && path.is_file() {
            paths.push(path);
        }
    }
    paths.sort();
    let mut sources = Vec::new();
    for path in paths {
        let text = std::fs::read_to_string(&path).map_err(failed(&path))?;
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        sources.push(Source { name, text });
    }
    Ok(sources)
}

/// An institution that is ready to be driven.
pub(crate) struct Ready {
    pub(crate) desk: Desk,
    pub(crate) driver: Driver,
    pub(crate) recovery: Recovery,
}

/// Everything is checked, locked, read and bound; nothing runs yet but the journal's writer.
pub(crate) async fn prepare(config: &Config) -> Result<(Writer, Vec<Ready>), StartError> {
    let mut checked = Vec::new();
    let mut problems = Vec::new();
    for institution in config.institutions() {
        let (sources, loaded) = load_spec(institution)?;
        match fits(institution, &Site::of(config, institution), &loaded, &sources) {
            Ok(settings) => checked.push((institution, sources, Arc::new(loaded), settings)),
            Err(found) => problems.extend(found),
        }
    }
    if !problems.is_empty() {
        return Err(misfit(config, problems));
    }
    let options = pabal_journal::Options { started_at: now().wall.as_unix_micros(), ..config.journal().clone() };
    let opening = options.clone();
    let opened = tokio::task::spawn_blocking(move || {
        let (writer, recovered) = Journal::open(opening).map_err(StartError::Journal)?;
        Ok((writer, recovered))
    });
    let (writer, recovered) = flat(opened.await)?;
    if let Some(holder) = &recovered.unclean {
        tracing::warn!(%holder, "the data directory was not closed: what was in flight is UNKNOWN until an answer or an inquiry says more");
    }
    let digest = Arc::new(DigestKey::open(config.data_dir()).map_err(StartError::DigestKey)?);
    let connects = Arc::new(Connects::new(config.connects_per_second()));
    let mut ready = Vec::new();
    for (configured, sources, institution, settings) in checked {
        let parts = Parts { config, options: &options, writer: &writer, digest: &digest, connects: &connects };
        ready.push(parts.institution(configured, sources, institution, settings).await?);
    }
    Ok((writer, ready))
}

fn misfit(config: &Config, problems: Vec<Problem>) -> StartError {
    let at_its_line = |problem: Problem| Problem { line: config.line_of(&problem.path), ..problem };
    let mut problems: Vec<Problem> = problems.into_iter().map(at_its_line).collect();
    problems.sort();
    StartError::Misfit(ConfigError { file: config.file().to_owned(), problems })
}

/// A blocking task does not fail but by a panic, which goes on here.
fn flat<T>(joined: Result<Result<T, StartError>, tokio::task::JoinError>) -> Result<T, StartError> {
    match joined {
        Ok(result) => result,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(error) => Err(StartError::DigestKey(io::Error::other(error))),
        },
    }
}

/// An institution's spec, from where its configuration says. Reads files.
pub(crate) fn load_spec(config: &InstitutionConfig) -> Result<(Vec<Source>, Institution), StartError> {
    let sources = match &config.spec {
        SpecPlace::Sources(sources) => sources.clone(),
        SpecPlace::Directory(directory) => spec_sources(directory).map_err(|(path, source)| {
            let institution = config.name.clone();
            StartError::ReadSpec { institution, path, source }
        })?,
    };
    match pabal_spec::load(&sources) {
        Ok(loaded) => {
            for warning in &loaded.warnings {
                let file = sources.get(usize::from(warning.at.span.source.0)).map_or("", |source| &source.name);
                tracing::warn!(institution = config.name, file, code = warning.code, "spec: {}", warning.message);
            }
            Ok((sources, loaded.institution))
        }
        Err(diagnostics) => Err(StartError::Spec { institution: config.name.clone(), sources, diagnostics }),
    }
}

/// The settings, if the configuration fits each version of a spec, and nobody waits for less time than another may take.
pub(crate) fn fits(
    config: &InstitutionConfig,
    site: &Site,
    institution: &Institution,
    sources: &[Source],
) -> Result<Settings, Vec<Problem>> {
    for later in &institution.later {
        settings(config, later)?;
    }
    let settings = settings(config, institution)?;
    for version in std::iter::once(institution).chain(institution.later.iter().map(Arc::as_ref)) {
        let problems = deadlines::problems(&deadlines::chains(site, version, sources), &config.name);
        if !problems.is_empty() {
            return Err(problems);
        }
    }
    Ok(settings)
}

/// What the institutions of a gateway share.
struct Parts<'a> {
    config: &'a Config,
    options: &'a pabal_journal::Options,
    writer: &'a Writer,
    digest: &'a Arc<DigestKey>,
    connects: &'a Arc<Connects>,
}

impl Parts<'_> {
    async fn institution(
        &self,
        configured: &InstitutionConfig,
        sources: Vec<Source>,
        institution: Arc<Institution>,
        settings: Settings,
    ) -> Result<Ready, StartError> {
        let name = configured.name.clone();
        let shelf = Shelf::new(&self.options.directory, &name);
        let mut lines = Vec::new();
        for line in &configured.lines {
            lines.push(Line::open(line, self.connects).await.map_err(|source| StartError::Listen {
                institution: name.clone(),
                line: line.name.clone(),
                source,
            })?);
        }
        let (directory, of) = (self.options.directory.clone(), name.clone());
        let recovered = tokio::task::spawn_blocking(move || {
            recover(&directory, &of).map_err(|what| StartError::Recovery { institution: of, what })
        });
        let recovery = flat(recovered.await)?;
        let needed = recovery.specs();
        let (of, own) = (name.clone(), shelf.clone());
        let versions = tokio::task::spawn_blocking(move || {
            let kept = (|| {
                own.keep(&sources, &institution)?;
                let reading = Reading::at(&institution, now().wall);
                let newest = reading.in_force.digest;
                let older: Vec<_> =
                    needed.iter().filter(|digest| **digest != newest).filter_map(|digest| own.load(*digest)).collect();
                own.retain(&needed.iter().copied().chain(digests(&institution)).collect())?;
                Ok((reading, older))
            })();
            kept.map_err(|source| StartError::Keep { institution: of, source })
        });
        let (commands, received) = mpsc::channel(COMMANDS_MAX);
        // Bounded by the calls that wait.
        let (abandons, abandoned) = mpsc::unbounded_channel();
        // Bounded by the subscriptions that there are.
        let (leaves, left) = mpsc::unbounded_channel();
        let (health, known) = watch::channel(Health::NotServing("starting".to_owned()));
        let (reading, older) = flat(versions.await)?;
        let versions = Arc::new(Versions::new(reading, older));
        for digest in recovery.specs().into_iter().filter(|digest| versions.of(*digest).is_none()) {
            tracing::error!(
                institution = name,
                spec = %digest,
                "a version of the spec that open exchanges live by is not kept any more: they are UNKNOWN, and a person has to look at them"
            );
        }
        let addresses = lines.iter().filter_map(|line| Some((line.name.clone(), line.local_address()?))).collect();
        let desk = Desk {
            name,
            config: configured.clone(),
            site: Site::of(self.config, configured),
            versions: Arc::clone(&versions),
            shelf: shelf.clone(),
            commands,
            abandons,
            leaves,
            health: known,
            addresses,
        };
        let driver = Driver {
            versions,
            shelf,
            name: configured.name.clone(),
            settings,
            lines,
            node: self.config.node().to_owned(),
            journal: self.options.clone(),
            writer: self.writer.clone(),
            digest: Arc::clone(self.digest),
            commands: received,
            abandons: abandoned,
            leaves: left,
            health,
        };
        Ok(Ready { desk, driver, recovery })
    }
}
