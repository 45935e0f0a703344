//! Commands of operators, between protobuf and the gateway.

use std::time::Duration;

use pabal_clock::{Hours, UtcOffset, Wall};
use pabal_gateway::{CommandError, CommandLine, Handle, Hindered, Line};
use pabal_switch::control::{Control, ControlId, FieldScope, Holds, Scope, Standing, Window};
use pabal_switch::{Bytes, Command, CommandRefused, Connects, ControlStatus, Over, Rate, RateStatus, Refusal, Stopped};
use tonic::Code;

use crate::proto::command_request::Command as Wanted;
use crate::proto::{self, CommandsResponse, ControlLine, ControlsResponse, RateLine, Reason};
use crate::refused::Refused;
use crate::{answer, reload};

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
        Some(Wanted::Block(one)) => Command::Block { control: control(institution, handle.zone(institution), one)? },
        Some(Wanted::Unblock(one)) => Command::Unblock { id: control_id(institution, &one.control)? },
        Some(Wanted::Limit(one)) => {
            let compartment = match one.compartment.as_str() {
                "" => Bytes::default(),
                value => handle.compartment(institution, value).map_err(refused)?,
            };
            Command::Limit { compartment, rate: rate(institution, &one)? }
        }
        Some(Wanted::StartInstitution(_)) => Command::StartInstitution,
        Some(Wanted::DrainInstitution(one)) => Command::DrainInstitution { within: within(one.within)? },
    })
}

fn control_id(institution: &str, name: &str) -> Result<ControlId, Refused> {
    ControlId::parse(name).map_err(|why| Refused::invalid(institution, "control", why))
}

/// Bytes of what callers are told of a control, and how much one may name.
const MESSAGE_BYTES_MAX: usize = 512;
const NAMED_MAX: usize = 100;

fn control(institution: &str, zone: UtcOffset, block: proto::Block) -> Result<Control, Refused> {
    let invalid = |field: &str, why: String| Refused::invalid(institution, field, why);
    if block.message.trim().is_empty() || block.message.len() > MESSAGE_BYTES_MAX {
        let bytes = block.message.len();
        return Err(invalid("message", format!("{bytes} bytes; give 1 to {MESSAGE_BYTES_MAX}, callers are told it")));
    }
    let lists = [
        ("exchanges", block.exchanges.len()),
        ("participants", block.participants.len()),
        ("fields", block.fields.iter().map(|field| field.one_of.len() + 1).sum()),
        ("hours", block.hours.len()),
    ];
    if let Some((field, named)) = lists.into_iter().find(|(_, named)| *named > NAMED_MAX) {
        return Err(invalid(field, format!("{named} are named; name up to {NAMED_MAX}")));
    }
    let moment = |field: &str, text: &str| match text {
        "" => Ok(None),
        text => match pabal_spec::moment(text) {
            Some(civil) => Ok(Some(civil.wall(zone))),
            None => Err(invalid(field, format!("{text:?} is no moment; write it as 2026-12-01 09:00"))),
        },
    };
    let hours: Result<Vec<Hours>, Refused> =
        block.hours.iter().map(|text| Hours::parse(text).map_err(|why| invalid("hours", why.to_string()))).collect();
    let texts = |texts: Vec<String>| texts.into_iter().map(Box::from).collect::<Vec<Box<str>>>();
    let field = |field: proto::BlockedField| {
        let holds = if field.between_from.is_empty() {
            Holds::OneOf(texts(field.one_of))
        } else {
            Holds::Between { from: field.between_from.into(), to: field.between_to.into() }
        };
        FieldScope { field: field.field.into(), holds }
    };
    Ok(Control {
        id: control_id(institution, &block.control)?,
        window: Window { hours: hours?, from: moment("from", &block.from)?, until: moment("until", &block.until)? },
        scope: Scope {
            exchanges: texts(block.exchanges),
            participants: texts(block.participants),
            fields: block.fields.into_iter().map(field).collect(),
        },
        message: block.message.into(),
    })
}

/// `None`: as configured.
fn rate(institution: &str, limit: &proto::Limit) -> Result<Option<Rate>, Refused> {
    let over = match limit.over.as_str() {
        "" => Over::default(),
        word => match Over::from_word(word) {
            Some(over) => over,
            None => return Err(Refused::invalid(institution, "over", format!("{word:?}; write wait or refuse"))),
        },
    };
    let number = |number: u32| (number > 0).then_some(number);
    let (per_second, in_flight) = (number(limit.per_second), number(limit.in_flight));
    Ok((per_second.is_some() || in_flight.is_some()).then_some(Rate { per_second, in_flight, over }))
}

/// What is controlled.
pub(crate) fn controls(
    handle: &Handle,
    institution: &str,
    status: &pabal_switch::Status,
    hindered: &[Hindered],
    unmasked: bool,
) -> ControlsResponse {
    let control = |one: &ControlStatus| control_status(handle, institution, one, unmasked);
    let rate = |one: &RateStatus| rate_line(one.compartment.readable(), &one.rate, one.set.as_ref().map(stopped));
    let (held_spec, held_because) = handle.spec_held(institution).unzip();
    ControlsResponse {
        held_spec: held_spec.map(|digest| digest.to_string()).unwrap_or_default(),
        held_because: held_because.map(String::from).unwrap_or_default(),
        controls: status.controls.iter().map(control).collect(),
        rates: status.rates.iter().map(rate).collect(),
        zone_minutes: handle.zone(institution).seconds() / 60,
        hindered: reload::hindered(hindered),
    }
}

/// The controls that block everything at this moment.
pub(crate) fn blocked_by(handle: &Handle, institution: &str, status: &pabal_switch::Status) -> Vec<ControlLine> {
    let all = status.controls.iter().filter(|one| one.holds && one.is_whole);
    all.map(|one| control_status(handle, institution, one, false)).collect()
}

fn control_status(handle: &Handle, institution: &str, one: &ControlStatus, unmasked: bool) -> ControlLine {
    let unjudged = one.unjudged.as_deref().unwrap_or_default().to_owned();
    ControlLine { unjudged, ..control_line(handle, institution, &one.standing, unmasked) }
}

/// A control, as if it could be judged.
pub(crate) fn control_line(handle: &Handle, institution: &str, one: &Standing, unmasked: bool) -> ControlLine {
    let at = |wall: Wall| answer::timestamp(wall.as_unix_micros());
    let Standing { control, by, since, .. } = one;
    ControlLine {
        control: control.id.to_string(),
        blocks: handle.scope_told(institution, &control.scope, unmasked),
        hours: control.window.hours.iter().map(ToString::to_string).collect(),
        from: control.window.from.map(at),
        until: control.window.until.map(at),
        message: control.message.to_string(),
        by: since.map(|since| stopped(&Stopped { by: by.clone(), at: since })),
        unjudged: String::new(),
    }
}

fn rate_line(compartment: String, rate: &Rate, by: Option<proto::Stopped>) -> RateLine {
    RateLine {
        compartment,
        per_second: rate.per_second.unwrap_or_default(),
        in_flight: rate.in_flight.unwrap_or_default(),
        over: rate.over.word().to_owned(),
        by,
    }
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
        CommandError::Refused(CommandRefused::Invalid(text)) => because(
            Reason::InvalidFields,
            Code::InvalidArgument,
            "The command cannot be carried out as it is written.",
            text,
        ),
        CommandError::Refused(CommandRefused::NotNow(text)) => {
            because(Reason::NotNow, Code::FailedPrecondition, "This cannot be done as things stand.", text)
        }
    }
}

/// What holds that which was started, though this command is done.
pub(crate) fn held_by(
    institution: &str,
    command: &Command,
    status: &pabal_switch::Status,
    lines: &[Line],
) -> Option<String> {
    if let Command::StartLine { .. } | Command::StartCompartment { .. } | Command::OpenOpening { .. } = command
        && let Some(stopped) = &status.stopped
    {
        return Some(format!("{institution} is {stopped}; it takes effect when {institution} is started"));
    }
    if let Command::OpenOpening { protocol, key } = command
        && let Some(one) = status.openings.iter().find(|one| one.protocol == *protocol && one.key == *key)
        && one.by_hand.is_some()
    {
        return Some(match (&one.reason, one.next_try) {
            (Some(reason), Some(_)) => format!("it cannot be asked for now, and is tried again: {reason}"),
            _ => "no session is there to ask by; it is asked for as soon as there is one".to_owned(),
        });
    }
    let Command::StartLine { line } = command else { return None };
    let line = lines.iter().find(|one| *one.name == **line)?;
    let on_duty = status.lines.iter().find(|one| *one.line == *line.name)?.on_duty;
    match (&line.backup_of, on_duty) {
        (Some(main), Some(false)) => Some(format!("it stands by, and connects when line {main} has no session")),
        _ if line.connects == Connects::PerExchange => Some("it connects for each exchange".to_owned()),
        _ => None,
    }
}

pub(crate) fn told_at_most(max: u32) -> usize {
    match usize::try_from(max).unwrap_or(usize::MAX) {
        0 => TOLD_DEFAULT,
        max => max.min(TOLD_MAX),
    }
}

pub(crate) fn log(handle: &Handle, found: Vec<CommandLine>, unmasked: bool) -> CommandsResponse {
    let line = |one: CommandLine| proto::CommandLine {
        zone_minutes: handle.zone(&one.institution).seconds() / 60,
        control: one.blocked.map(|blocked| control_line(handle, &one.institution, &blocked, unmasked)),
        rate: one.rate.map(|rate| rate_line(one.target.clone(), &rate, None)),
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
