//! What operators command, on its way to an institution's driver, and as the journal tells of it later.

use std::fmt;
use std::time::Duration;

use pabal_clock::Wall;
use pabal_journal::Envelope;
use pabal_switch::control::{Scope, Standing};
use pabal_switch::{By, Bytes, Command, CommandRefused, Entry, OpeningKey, Rate, Refusal};
use tokio::sync::oneshot;

use crate::call::CallError;
use crate::driver::command::{Acted, Command as ToDriver, Unable};
use crate::driver::health::Health;
use crate::driver::own::Own;
use crate::handle::Handle;
use crate::settings;

/// How long a core may take to be made anew, and how often it is looked for.
const START_MAX: Duration = Duration::from_secs(30);
const START_TRY: Duration = Duration::from_millis(50);

/// Why a command was not carried out: nothing has changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CommandError {
    /// No institution of this name is configured; the text names the nearest.
    UnknownInstitution(String),
    /// What it names is not there, or it makes no sense now.
    Refused(CommandRefused),
    /// The institution has no core now, or its journal has failed; why.
    Stopped(String),
}

impl fmt::Display for CommandError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownInstitution(text) | Self::Stopped(text) => f.write_str(text),
            Self::Refused(refused) => refused.fmt(f),
        }
    }
}

impl std::error::Error for CommandError {}

/// A command, as the journal has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandLine {
    /// To which institution.
    pub institution: String,
    /// When.
    pub at: Wall,
    /// Its word, such as `stop_line`.
    pub command: String,
    /// What it is about; empty if that is the institution.
    pub target: String,
    /// The longest that it waits, of a drain.
    pub within: Option<Duration>,
    /// What it blocks, if it puts a control there.
    pub blocked: Option<Box<Standing>>,
    /// The rate that it sets, of a limit; `None` of one that takes it away.
    pub rate: Option<Rate>,
    /// Who gave it.
    pub actor: String,
    /// And why.
    pub reason: String,
}

impl CommandLine {
    /// What an envelope says, if it is one of these.
    pub(crate) fn read(envelope: &Envelope) -> Option<Self> {
        let (institution, at) = (envelope.institution.clone(), Wall::from_unix_micros(envelope.at));
        if envelope.family == Own::FAMILY {
            let Own::Reloaded { new, actor, reason, .. } = serde_json::from_slice(&envelope.body).ok()?;
            let (command, target) = (Own::RELOAD.to_owned(), new.to_string());
            return Some(Self {
                institution,
                at,
                command,
                target,
                within: None,
                blocked: None,
                rate: None,
                actor,
                reason,
            });
        }
        match Entry::decode(&envelope.kind, envelope.version, &envelope.body) {
            Ok(Entry::Commanded(entry)) => Some(Self {
                institution,
                at,
                command: entry.command.word().to_owned(),
                target: entry.command.target(),
                within: entry.command.within(),
                rate: match &entry.command {
                    Command::Limit { rate, .. } => *rate,
                    _ => None,
                },
                actor: entry.by.actor.to_string(),
                reason: entry.by.reason.to_string(),
                blocked: match entry.command {
                    Command::Block { control } => {
                        Some(Box::new(Standing { control, by: entry.by, since: Some(at), read_in: Vec::new() }))
                    }
                    _ => None,
                },
            }),
            _ => None,
        }
    }
}

impl Handle {
    /// Carries out a command of an operator. Returns when it is durable: it then holds over restarts until it is undone. Tells the control that
    /// was there by the name of one that is put there now, and holds no more.
    ///
    /// # Errors
    /// Nothing has changed. Only if the journal fails meanwhile ([`CommandError::Stopped`]) it may have begun, and is forgotten by a restart.
    pub async fn command(
        &self,
        institution: &str,
        command: Command,
        by: By,
    ) -> Result<Option<Box<Standing>>, CommandError> {
        if command != Command::StartInstitution {
            return self.give(institution, command, by).await;
        }
        // A fault of ours may have left it down, without a core: then there is one first.
        let is_there = self.start_institution(institution).await;
        let is_there = is_there.map_err(|error| match error.refusal {
            Refusal::UnknownInstitution => CommandError::UnknownInstitution(error.detail),
            _ => CommandError::Stopped(error.detail),
        })?;
        let patience = tokio::time::sleep(START_MAX);
        tokio::pin!(patience);
        loop {
            match self.give(institution, command.clone(), by.clone()).await {
                Err(CommandError::Stopped(_)) if is_there => tokio::select! {
                    () = &mut patience => return Err(CommandError::Stopped("its core is not made anew in time".to_owned())),
                    () = tokio::time::sleep(START_TRY) => {}
                },
                // What keeps it down may be another thing than what brought it down.
                Err(CommandError::Stopped(why)) if !is_there => {
                    let health = self.health(institution).map(|health| health.borrow().clone());
                    let now = match health {
                        Some(Health::NotServing(now)) => now,
                        _ => why,
                    };
                    return Err(CommandError::Stopped(now));
                }
                done => return done,
            }
        }
    }

    async fn give(&self, institution: &str, command: Command, by: By) -> Result<Acted, CommandError> {
        let (reply, done) = oneshot::channel();
        let stopped = || CommandError::Stopped("the institution's driver has stopped".to_owned());
        let desk = self.desk(institution).map_err(|error| CommandError::UnknownInstitution(error.detail))?;
        let command = Box::new(command);
        desk.commands.send(ToDriver::Act { command, by, reply }).await.map_err(|_| stopped())?;
        match done.await {
            Ok(Ok(acted)) => Ok(acted),
            Ok(Err(Unable::Refused(refused))) => Err(CommandError::Refused(refused)),
            Ok(Err(Unable::Stopped(why))) => Err(CommandError::Stopped(why)),
            Err(_) => Err(stopped()),
        }
    }

    /// The bytes of a compartment, from its value as people write it.
    ///
    /// # Errors
    /// The institution is not known, or the value is none of the compartment field; the text says why.
    pub fn compartment(&self, institution: &str, value: &str) -> Result<Bytes, CommandError> {
        let desk = self.desk(institution).map_err(|error| CommandError::UnknownInstitution(error.detail))?;
        match settings::compartment(&desk.versions.newest().institution, value) {
            Ok(bytes) => Ok(Bytes::from(&*bytes)),
            Err(text) => Err(CommandError::Refused(CommandRefused::Invalid(text))),
        }
    }

    /// What a control blocks, in a line for people; what is in a field is masked by the field's class, unless `unmasked` is asked for.
    #[must_use]
    pub fn scope_told(&self, institution: &str, scope: &Scope, unmasked: bool) -> String {
        let desk = self.0.desks.get(institution);
        desk.map(|desk| scope.told(&desk.versions.newest().institution, unmasked)).unwrap_or_default()
    }

    /// The opening of today whose values end with these, as people read them: the bank alone, if that says which.
    ///
    /// # Errors
    /// The institution is not known; or no opening has these values, or several have: those that are there are told.
    pub async fn opening(&self, institution: &str, values: &[String]) -> Result<(Box<str>, OpeningKey), CommandError> {
        self.desk(institution).map_err(|error| CommandError::UnknownInstitution(error.detail))?;
        let status = self.status(institution).await.unwrap_or_default();
        let name = |key: &OpeningKey| key.readable();
        let ends = |key: &OpeningKey| {
            let known: Vec<String> = key.values.iter().map(|value| Bytes::from(&**value).readable()).collect();
            !values.is_empty() && known.ends_with(values)
        };
        let mut found = status.openings.iter().filter(|opening| ends(&opening.key));
        match (found.next(), found.next()) {
            (Some(one), None) => Ok((one.protocol.clone(), one.key.clone())),
            (one, _) => Err(CommandError::Refused(CommandRefused::Unknown {
                what: if one.is_some() { "single opening" } else { "opening" },
                name: values.join(" "),
                known: status.openings.iter().map(|opening| name(&opening.key)).collect(),
            })),
        }
    }

    /// The commands of operators, the newest first, at most `max`; those of one institution if it is named.
    ///
    /// # Errors
    /// The journal cannot be read; or the institution is not configured, and nothing was ever commanded to one of this name.
    pub async fn command_log(&self, institution: Option<&str>, max: usize) -> Result<Vec<CommandLine>, CallError> {
        let found = self.0.histories.commands(institution.map(ToOwned::to_owned), max).await?;
        if let Some(name) = institution.filter(|_| found.is_empty()) {
            self.desk(name)?;
        }
        Ok(found)
    }
}
