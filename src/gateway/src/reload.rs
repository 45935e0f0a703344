//! Another version of a spec, while sessions stay up.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use pabal_clock::Wall;
use pabal_spec::{Diagnostic, Digest, Severity, Source};
use tokio::sync::oneshot;

use crate::clock::now;
use crate::config::ConfigError;
use crate::driver::command::{Command, Refused};
use crate::handle::{Desk, Handle};
use crate::start::{StartError, fits, load_spec};
use crate::versions::Reading;

/// An institution's spec was read again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reloaded {
    /// The institution's name.
    pub institution: String,
    /// The version that was in force.
    pub old: Digest,
    /// The version that is in force now; the same if nothing has changed.
    pub new: Digest,
    /// Of those that begin by a date, the ones that a control would hold then.
    pub hindered: Vec<Hindered>,
}

/// A version of a spec that begins by a date, and that a control which stands will hold then: it cannot judge it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hindered {
    /// The version.
    pub digest: Digest,
    /// When it begins by its date.
    pub begins: Wall,
    /// Which control holds it, why, and what to do.
    pub why: String,
}

/// Why a spec is not in force. The old one still is, of every institution that comes at or behind the one that is named; sessions stay up.
#[derive(Debug)]
pub enum ReloadError {
    /// No institution of this name is configured.
    UnknownInstitution {
        /// The name, with the nearest that is configured.
        text: String,
    },
    /// The spec cannot be read.
    Read {
        /// The institution's name.
        institution: String,
        /// The file or directory.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The spec has mistakes.
    Mistakes {
        /// The institution's name.
        institution: String,
        /// Its files; spans of the diagnostics are places in these.
        sources: Vec<Source>,
        /// Each mistake.
        diagnostics: Vec<Diagnostic>,
    },
    /// The configuration does not fit it.
    Misfit(ConfigError),
    /// Sessions would have to be made anew with it: stop the gateway and start it again.
    NeedsReconnect {
        /// The institution's name.
        institution: String,
        /// The first thing that differs.
        text: String,
    },
    /// A control that stands (거래통제) names what is not in it, and would block less in silence.
    Control {
        /// The institution's name.
        institution: String,
        /// Which control, what it names, and what to do.
        text: String,
    },
    /// The version cannot be kept in the data directory, so a restart could not read what was sent by it.
    Keep {
        /// The institution's name.
        institution: String,
        /// What the system says.
        source: io::Error,
    },
    /// The institution has no core now, or nothing can be made durable.
    Stopped {
        /// The institution's name.
        institution: String,
        /// Why.
        text: String,
    },
}

impl fmt::Display for ReloadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownInstitution { text } => f.write_str(text),
            Self::Read { institution, path, source } => {
                write!(f, "the spec of {institution} cannot be read: {}: {source}", path.display())
            }
            Self::Mistakes { institution, sources, diagnostics } => {
                let errors: Vec<&Diagnostic> =
                    diagnostics.iter().filter(|diagnostic| diagnostic.severity == Severity::Error).collect();
                let (count, s) = (errors.len(), if errors.len() == 1 { "" } else { "s" });
                write!(f, "the spec of {institution} has {count} mistake{s}; the old one stays in force")?;
                for error in errors {
                    let file = sources.get(usize::from(error.at.span.source.0)).map_or("", |source| &source.name);
                    write!(f, "\n{file}: {}: {}", error.code, error.message)?;
                }
                Ok(())
            }
            Self::Misfit(error) => write!(f, "configuration and spec do not fit; the old one stays in force:\n{error}"),
            Self::NeedsReconnect { institution, text } => write!(
                f,
                "needs reconnect: {institution}: {text}; the old spec stays in force: stop the gateway and start it again"
            ),
            Self::Control { institution, text } => write!(f, "{institution}: {text}; the old spec stays in force"),
            Self::Keep { institution, source } => {
                write!(f, "the spec of {institution} cannot be kept in the data directory: {source}")
            }
            Self::Stopped { institution, text } => write!(f, "{institution}: {text}"),
        }
    }
}

impl std::error::Error for ReloadError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Read { source, .. } | Self::Keep { source, .. } => Some(source),
            Self::Misfit(error) => Some(error),
            Self::UnknownInstitution { .. }
            | Self::Mistakes { .. }
            | Self::NeedsReconnect { .. }
            | Self::Control { .. }
            | Self::Stopped { .. } => None,
        }
    }
}

impl Handle {
    /// Reads the specs of one institution, or of all, again, and puts them in force: requests that come from now on go by them, what is in
    /// flight goes on by the version that it began with, and no socket closes. All are checked before the first is put in force.
    ///
    /// # Errors
    /// What is wrong with the first that cannot be put in force.
    pub async fn reload(
        &self,
        institution: Option<&str>,
        actor: &str,
        reason: &str,
    ) -> Result<Vec<Reloaded>, ReloadError> {
        let _one_at_a_time = self.0.reloading.lock().await;
        let desks: Vec<&Desk> = match institution {
            Some(name) => {
                vec![self.desk(name).map_err(|unknown| ReloadError::UnknownInstitution { text: unknown.detail })?]
            }
            None => self.0.desks.values().collect(),
        };
        let mut versions = Vec::new();
        for desk in desks {
            versions.push((desk, desk.read_version().await?));
        }
        let mut reloaded = Vec::new();
        for (desk, version) in versions {
            let (old, new) = (desk.versions.newest().digest, version.in_force.digest);
            if old != new {
                desk.put_version(version, actor, reason).await?;
            }
            let hindered = desk.hindered().await;
            reloaded.push(Reloaded { institution: desk.name.clone(), old, new, hindered });
        }
        Ok(reloaded)
    }

    /// The versions of an institution's spec that begin by a date and that a control will hold then, as things stand, the next first.
    pub async fn spec_hindered(&self, institution: &str) -> Vec<Hindered> {
        match self.desk(institution) {
            Ok(desk) => desk.hindered().await,
            Err(_) => Vec::new(),
        }
    }
}

impl Desk {
    /// Reads and checks the spec as it is now, and keeps it in the data directory.
    async fn read_version(&self) -> Result<Reading, ReloadError> {
        let (config, site) = (self.config.clone(), self.site.clone());
        let (shelf, newest) = (self.shelf.clone(), self.versions.newest());
        let reading = tokio::task::spawn_blocking(move || {
            let (sources, institution) = load_spec(&config)?;
            let institution = Arc::new(institution);
            let reading = Reading::at(&institution, now().wall);
            if reading.in_force.digest == newest.digest {
                return Ok(reading);
            }
            if let Err(problems) = fits(&config, &site, &institution, &sources) {
                return Err(ReloadError::Misfit(ConfigError { file: "configuration".to_owned(), problems }));
            }
            if let Err(text) = newest.institution.same_conversation(&reading.in_force.institution) {
                return Err(ReloadError::NeedsReconnect { institution: config.name.clone(), text: text.into() });
            }
            let keep = |source| ReloadError::Keep { institution: config.name.clone(), source };
            shelf.keep(&sources, &institution).map_err(keep)?;
            Ok(reading)
        });
        let failed = |error: tokio::task::JoinError| ReloadError::Stopped {
            institution: self.name.clone(),
            text: format!("a fault of ours while the spec was read: {error}"),
        };
        reading.await.map_err(failed)?
    }

    async fn hindered(&self) -> Vec<Hindered> {
        let (reply, told) = oneshot::channel();
        match self.send(Command::Hindered { reply }).await {
            Ok(()) => told.await.unwrap_or_default(),
            Err(_) => Vec::new(),
        }
    }

    /// Has the driver go on by a version, and waits until that is durable.
    async fn put_version(&self, reading: Reading, actor: &str, reason: &str) -> Result<(), ReloadError> {
        let stopped = |text: String| ReloadError::Stopped { institution: self.name.clone(), text };
        let (reply, put) = oneshot::channel();
        let command = Command::Reload { reading, actor: actor.to_owned(), reason: reason.to_owned(), reply };
        self.send(command).await.map_err(|error| stopped(error.detail))?;
        match put.await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(Refused::NeedsReconnect(text))) => {
                Err(ReloadError::NeedsReconnect { institution: self.name.clone(), text })
            }
            Ok(Err(Refused::Control(text))) => Err(ReloadError::Control { institution: self.name.clone(), text }),
            Ok(Err(Refused::Stopped(text))) => Err(stopped(text)),
            Err(_) => Err(stopped("the institution's driver has stopped".to_owned())),
        }
    }
}

impl From<StartError> for ReloadError {
    /// Of what reading a spec may say.
    fn from(error: StartError) -> Self {
        match error {
            StartError::ReadSpec { institution, path, source } => Self::Read { institution, path, source },
            StartError::Spec { institution, sources, diagnostics } => {
                Self::Mistakes { institution, sources, diagnostics }
            }
            other => Self::Stopped { institution: String::new(), text: other.to_string() },
        }
    }
}
