//! Commands of operators, between protobuf and the gateway.

use std::time::Duration;

use pabal_gateway::{CommandError, CommandLine, Handle};
use pabal_switch::{Command, CommandRefused, Refusal, Stopped};
use tonic::Code;

use crate::answer;
use crate::proto::command_request::Command as Wanted;
use crate::proto::{self, CommandsResponse, Reason};
use crate::refused::Refused;

/// How long a drain waits that does not say.
const WITHIN_DEFAULT: Duration = Duration::from_secs(30);
/// The longest that one may wait.
const WITHIN_MAX: Duration = Duration::from_secs(24 * 3_600);

/// How many commands are told if the question does not say, and at most.
const TOLD_DEFAULT: usize = 100;
const TOLD_MAX: usize = 1_000;

/// What is wanted, with the names that the gateway has for it.
pub(crate) async fn command(handle: &Handle, institution: &str, wanted: Option<Wanted>) -> Result<Command, Refused> {
    let refused = |error| refused(institution, error);
    let within = |span: Option<prost_types::Duration>| within(institution, span);
    let slot = |slot: u32| {
        u16::try_from(slot)
            .map_err(|_| Refused::invalid(institution, "slot", format!("{slot}; give 0 to {}", u16::MAX)))
    };
    Ok(match wanted {
        None => return Err(Refused::invalid(institution, "command", "none; give one of them")),
        Some(Wanted::StartLine(one)) => Command::StartLine { line: one.line.into() },
        Some(Wanted::StopLine(one)) => Command::StopLine { line: one.line.into() },
        Some(Wanted::DrainLine(one)) => Command::DrainLine { line: one.line.into(), within: within(one.within)? },
        Some(Wanted::CloseSession(one)) => Command::CloseSession { line: one.line.into(), slot: slot(one.slot)? },
        Some(Wanted::DrainSession(one)) => {
            Command::DrainSession { line: one.line.into(), slot: slot(one.slot)?, within: within(one.within)? }
        }
        Some(Wanted::OpenOpening(one)) => {
            let (protocol, key) = handle.opening(institution, &one.values).await.map_err(refused)?;
            Command::OpenOpening { protocol, key }
        }
        Some(Wanted::CloseOpening(one)) => {
            let (protocol, key) = handle.opening(institution, &one.values).await.map_err(refused)?;
            Command::CloseOpening { protocol, key }
        }
        Some(Wanted::StartCompartment(one)) => {
            let compartment = handle.compartment(institution, &one.compartment).map_err(refused)?;
            Command::StartCompartment { compartment }
        }
        Some(Wanted::DrainCompartment(one)) => {
            let compartment = handle.compartment(institution, &one.compartment).map_err(refused)?;
            Command::DrainCompartment { compartment, within: within(one.within)? }
        }
        Some(Wanted::StartInstitution(_)) => Command::StartInstitution,
        Some(Wanted::DrainInstitution(one)) => Command::DrainInstitution { within: within(one.within)? },
    })
}

fn within(institution: &str, span: Option<prost_types::Duration>) -> Result<Duration, Refused> {
    let Some(span) = span else { return Ok(WITHIN_DEFAULT) };
    match Duration::try_from(span) {
        Ok(span) if span <= WITHIN_MAX => Ok(span),
        _ => {
            Err(Refused::invalid(institution, "within", format!("not a span of 0 to {} seconds", WITHIN_MAX.as_secs())))
        }
    }
}

/// Why a command was not carried out.
pub(crate) fn refused(institution: &str, error: CommandError) -> Refused {
    let because = |reason: Reason, code: Code, sentence: &'static str, detail: String| Refused {
        reason,
        code,
        sentence,
        ..Refused::new(Refusal::InvalidFields, institution, detail)
    };
    match error {
        CommandError::UnknownInstitution(text) => Refused::new(Refusal::UnknownInstitution, institution, text),
        CommandError::Stopped(text) => Refused::new(Refusal::Stopped, institution, text),
        CommandError::Refused(CommandRefused::Journal(refusal, text)) => Refused::new(refusal, institution, text),
        CommandError::Refused(refused @ CommandRefused::Unknown { .. }) => {
            because(Reason::UnknownName, Code::NotFound, "There is none of this name.", refused.to_string())
        }
        CommandError::Refused(CommandRefused::NotNow(text)) => {
            because(Reason::NotNow, Code::FailedPrecondition, "This cannot be done as things stand.", text)
        }
    }
}

pub(crate) fn told_at_most(max: u32) -> usize {
    match usize::try_from(max).unwrap_or(usize::MAX) {
        0 => TOLD_DEFAULT,
        max => max.min(TOLD_MAX),
    }
}

pub(crate) fn log(handle: &Handle, found: Vec<CommandLine>) -> CommandsResponse {
    let line = |one: CommandLine| proto::CommandLine {
        zone_minutes: handle.zone(&one.institution).seconds() / 60,
        institution: one.institution,
        at: Some(answer::timestamp(one.at.as_unix_micros())),
        command: one.command,
        target: one.target,
        within: one.within.map(answer::duration),
        actor: one.actor,
        reason: one.reason,
    };
    CommandsResponse { commands: found.into_iter().map(line).collect() }
}

pub(crate) fn stopped(stopped: &Stopped) -> proto::Stopped {
    proto::Stopped {
        actor: stopped.by.actor.to_string(),
        reason: stopped.by.reason.to_string(),
        at: Some(answer::timestamp(stopped.at.as_unix_micros())),
    }
}
