//! An institution's configuration held against its spec: what the core is given.

use pabal_spec::{HoursRule, HoursRules, Institution, Protocol};
use pabal_switch::control::{Control, Scope, Standing, Window};
use pabal_switch::{By, Bytes, Direction, LineId, LineSettings, Party, PartyParticipant, Rates, Settings};
use pabal_telegram::{Field, Slice, Value};

use crate::config::{ControlConfig, HoursConfig, InstitutionConfig, PartyConfig, Problem, RateConfig, hint};

/// What the core is given.
///
/// # Errors
/// Each place where configuration and spec do not fit.
pub(crate) fn settings(config: &InstitutionConfig, institution: &Institution) -> Result<Settings, Vec<Problem>> {
    let mut problems = Vec::new();
    if config.name != *institution.name {
        let text = format!(
            "its spec is that of {:?}; rename the table to [institutions.{}]",
            institution.name, institution.name
        );
        problems.push(problem(format!("institutions.{}.spec", config.name), text));
    }
    let names: Vec<&str> = institution.protocols.iter().map(|protocol| &*protocol.name).collect();
    for (at, line) in config.lines.iter().enumerate() {
        if !names.contains(&line.protocol.as_str()) {
            let text = format!("the spec has no protocol {:?}{}", line.protocol, hint(&line.protocol, &names));
            problems.push(problem(format!("institutions.{}.lines[{at}].protocol", config.name), text));
        }
        let protocol = institution.protocols.iter().find(|protocol| *protocol.name == *line.protocol);
        if protocol.is_some_and(|protocol| protocol.rules.key.is_empty()) {
            let said = [
                ("direction", line.direction != Direction::Duplex, line.direction.word().to_owned(), "\"duplex\""),
                ("window", line.window != 1, line.window.to_string(), "1"),
            ];
            for (key, _, is, must) in said.into_iter().filter(|(_, is_wrong, ..)| *is_wrong) {
                let text = format!(
                    "({is}) must be {must}: the spec says `key none`, and an answer is that of the only request of its session"
                );
                problems.push(problem(format!("institutions.{}.lines[{at}].{key}", config.name), text));
            }
        }
    }
    for protocol in &institution.protocols {
        let range = &protocol.rules.number.range;
        let numbers = range.end().saturating_sub(*range.start()).saturating_add(1);
        if u64::from(config.limits.number_block) > numbers {
            let text = format!(
                "({}) must not be over the {numbers} numbers that {} has; the first entry would reserve them all",
                config.limits.number_block, protocol.name
            );
            problems.push(problem(format!("institutions.{}.limits.number_block", config.name), text));
        }
    }
    let mut parties = Vec::new();
    for (at, party) in config.parties.iter().enumerate() {
        let path = format!("institutions.{}.parties[{at}]", config.name);
        parties.push(resolve(party, institution, &path, &mut problems));
    }
    let mut hours = HoursRules::default();
    for (at, row) in config.hours.iter().enumerate() {
        let path = format!("institutions.{}.hours[{at}]", config.name);
        let rule = rule(row, institution, &parties, &path, &mut problems);
        if row.is_open { hours.open.push(rule) } else { hours.closed.push(rule) }
    }
    let controls =
        controls(&config.controls, institution, &parties, &format!("institutions.{}", config.name), &mut problems);
    let mut rates = Rates::default();
    for (at, row) in config.rates.iter().enumerate() {
        let path = format!("institutions.{}.rates[{at}]", config.name);
        rate(row, institution, &parties, &path, &mut rates, &mut problems);
    }
    let lines = config.lines.iter().map(|line| LineSettings {
        sessions_max: line.sessions_max,
        window: line.window,
        connect_timeout: line.connect_timeout,
        reconnect_min: line.reconnect_min,
        reconnect_max: line.reconnect_max,
        close_grace: line.close_grace,
        unsent_bytes_max: line.unsent_bytes_max,
        unsent_time_max: line.unsent_time_max,
        connects: line.connects,
        addresses: line.addresses(),
        healthy_after: line.healthy_after,
        backup_of: line.backup_of.as_ref().and_then(|main| line_named(config, main)),
        backup_after: line.backup_after,
        second_connection: line.second_connection,
        ..LineSettings::new(&line.name, &line.protocol, line.side(), line.direction)
    });
    if problems.is_empty() {
        let holidays = config.holidays.iter().copied().collect();
        Ok(Settings {
            lines: lines.collect(),
            parties,
            holidays,
            hours,
            limits: config.limits.clone(),
            controls,
            rates,
        })
    } else {
        Err(problems)
    }
}

fn line_named(config: &InstitutionConfig, name: &str) -> Option<LineId> {
    let at = config.lines.iter().position(|line| line.name == name)?;
    u16::try_from(at).ok().map(LineId)
}

fn problem(path: String, text: String) -> Problem {
    Problem { line: None, path, text }
}

/// The bytes of a party's fields and participants, as they stand in telegrams.
fn resolve(party: &PartyConfig, institution: &Institution, path: &str, problems: &mut Vec<Problem>) -> Party {
    let given = [(format!("{path}.fields"), &party.fields)];
    let at = party.at.iter().map(|(participant, fields)| (format!("{path}.at.{participant}"), fields));
    for (path, fields) in given.into_iter().chain(at) {
        check_names(fields, institution, &path, problems);
    }
    check_exchanges(&party.exchanges, institution, path, problems);
    for (name, _) in institution.protocols.iter().flat_map(|protocol| &protocol.rules.party) {
        if party.fields.iter().all(|(given, _)| **given != **name) {
            let text = format!("is missing; the spec says that `{name}` tells who we are");
            problems.push(problem(format!("{path}.fields.{name}"), text));
        }
    }
    let fields = field_values(&party.fields, institution, &format!("{path}.fields"), problems);
    let mut participants = Vec::new();
    let named = participant_field(institution);
    match named {
        Some((protocol, (name, at))) => {
            for participant in &party.participants {
                let place = format!("{path}.participants");
                let Some(value) = field_bytes(protocol, name, *at, participant, &place, problems) else { continue };
                let own = party.at.iter().find(|(known, _)| known == participant);
                let own = own.map_or(&[][..], |(_, fields)| fields);
                let fields = field_values(own, institution, &format!("{path}.at.{participant}"), problems);
                participants.push(PartyParticipant { value, fields });
            }
        }
        None if !party.participants.is_empty() => {
            let text = "the spec names no participants; remove them".to_owned();
            problems.push(problem(format!("{path}.participants"), text));
        }
        None => {}
    }
    let exchanges = party.exchanges.iter().map(|name| name.as_str().into()).collect();
    Party { name: party.name.as_str().into(), fields, participants, exchanges }
}

/// The first protocol that has participants, and the field that names them.
fn participant_field(institution: &Institution) -> Option<(&Protocol, &(Box<str>, Slice))> {
    institution.protocols.iter().find_map(|protocol| Some((&**protocol, protocol.rules.participant.as_ref()?)))
}

fn check_exchanges(names: &[String], institution: &Institution, path: &str, problems: &mut Vec<Problem>) {
    let exchanges = institution.protocols.iter().flat_map(|protocol| &protocol.rules.exchanges);
    let known: Vec<&str> = exchanges.map(|exchange| &*exchange.name).collect();
    for name in names.iter().filter(|name| !known.contains(&name.as_str())) {
        let text = format!("the spec has no exchange {name:?}{}", hint(name, &known));
        problems.push(problem(format!("{path}.exchanges"), text));
    }
}

/// One with whom no party has business would be a row for nobody, in silence.
fn check_opened(
    participant: &str,
    institution: &Institution,
    parties: &[Party],
    path: &str,
    problems: &mut Vec<Problem>,
) {
    let scope = Scope { participants: vec![participant.into()], ..Scope::default() };
    if let Err(why) = scope.check_participants(institution, parties) {
        problems.push(problem(path.to_owned(), why));
    }
}

fn rule(
    row: &HoursConfig,
    institution: &Institution,
    parties: &[Party],
    path: &str,
    problems: &mut Vec<Problem>,
) -> HoursRule {
    check_exchanges(&row.exchanges, institution, path, problems);
    let named = participant_field(institution);
    let place = format!("{path}.participants");
    if named.is_none() && !row.participants.is_empty() {
        problems.push(problem(place.clone(), "the spec names no participants; remove them".to_owned()));
    }
    let participants = row.participants.iter().filter_map(|participant| {
        let (protocol, (name, at)) = named?;
        let bytes = field_bytes(protocol, name, *at, participant, &place, problems)?;
        check_opened(participant, institution, parties, &place, problems);
        Some(bytes)
    });
    HoursRule {
        hours: row.hours,
        participants: participants.collect(),
        exchanges: row.exchanges.iter().map(|name| name.as_str().into()).collect(),
    }
}

/// The controls of the configuration. Their moments are on the clock of the institution's first protocol.
fn controls(
    rows: &[ControlConfig],
    institution: &Institution,
    parties: &[Party],
    path: &str,
    problems: &mut Vec<Problem>,
) -> Vec<Standing> {
    let zone = institution.protocols.first().map(|protocol| protocol.day.zone).unwrap_or_default();
    let mut controls: Vec<Standing> = Vec::new();
    for (at, row) in rows.iter().enumerate() {
        let path = format!("{path}.controls[{at}]");
        let scope = row.scope.clone().by_spec(institution).and_then(|scope| {
            scope.check_participants(institution, parties)?;
            Ok(scope)
        });
        let scope = scope.unwrap_or_else(|why| {
            problems.push(problem(path.clone(), why));
            Scope::default()
        });
        if controls.iter().any(|one| one.control.id == row.id) {
            let text = format!("\"{}\" is the name of another one before it; give each its own", row.id);
            problems.push(problem(format!("{path}.name"), text));
        }
        let [from, until] = [row.from, row.until].map(|moment| moment.map(|moment| moment.wall(zone)));
        if from.zip(until).is_some_and(|(from, until)| until <= from) {
            problems.push(problem(format!("{path}.until"), "is not behind `from`; give it a later end".to_owned()));
        }
        controls.push(Standing {
            control: Control {
                id: row.id.clone(),
                scope,
                window: Window { hours: row.hours.clone(), from, until },
                message: row.message.as_str().into(),
            },
            by: By { actor: Box::default(), reason: row.reason.as_str().into() },
            since: None,
            read_in: Vec::new(),
        });
    }
    controls
}

/// The rate of each compartment that a row names.
fn rate(
    row: &RateConfig,
    institution: &Institution,
    parties: &[Party],
    path: &str,
    rates: &mut Rates,
    problems: &mut Vec<Problem>,
) {
    if row.compartments.is_empty() {
        if rates.iter().any(|(compartment, _)| compartment.is_empty()) {
            let text = "another row before it names no compartments either; name them here".to_owned();
            problems.push(problem(format!("{path}.compartments"), text));
        }
        rates.set(Bytes::default(), row.rate);
        return;
    }
    let path = format!("{path}.compartments");
    let named = institution.protocols.iter().find_map(|one| Some((one, one.rules.compartment.as_ref()?)));
    let Some((protocol, (name, at))) = named else {
        problems.push(problem(path, "the spec names no compartments; remove them".to_owned()));
        return;
    };
    // Where compartments are no participants, any may come.
    let are_participants = institution.protocols.iter().all(|one| {
        let [compartment, participant] = [&one.rules.compartment, &one.rules.participant].map(Option::as_ref);
        compartment.is_none_or(|(_, at)| participant.is_some_and(|(_, other)| other == at))
    });
    for compartment in &row.compartments {
        if let Some(bytes) = field_bytes(protocol, name, *at, compartment, &path, problems) {
            if are_participants {
                check_opened(compartment, institution, parties, &path, problems);
            }
            rates.set(Bytes::from(&*bytes), row.rate);
        }
    }
}

fn check_names(fields: &[(String, String)], institution: &Institution, path: &str, problems: &mut Vec<Problem>) {
    let known: Vec<&str> =
        institution.protocols.iter().flat_map(|protocol| &protocol.rules.party).map(|(name, _)| &**name).collect();
    for (name, _) in fields.iter().filter(|(name, _)| !known.contains(&name.as_str())) {
        let text = format!("the spec names no such party field{}", hint(name, &known));
        problems.push(problem(format!("{path}.{name}"), text));
    }
}

/// The bytes of those party fields that are given, each by the first protocol that has it.
fn field_values(
    given: &[(String, String)],
    institution: &Institution,
    path: &str,
    problems: &mut Vec<Problem>,
) -> Vec<(Box<str>, Box<[u8]>)> {
    let mut values: Vec<(Box<str>, Box<[u8]>)> = Vec::new();
    for protocol in &institution.protocols {
        for (name, at) in &protocol.rules.party {
            if values.iter().all(|(known, _)| known != name)
                && let Some((_, value)) = given.iter().find(|(given, _)| **given == **name)
            {
                let bytes = field_bytes(protocol, name, *at, value, &format!("{path}.{name}"), problems);
                values.extend(bytes.map(|bytes| (name.clone(), bytes)));
            }
        }
    }
    values
}

/// The bytes of a compartment, from what people write; the text says why there are none.
pub(crate) fn compartment(institution: &Institution, text: &str) -> Result<Box<[u8]>, String> {
    let mut named =
        institution.protocols.iter().filter_map(|protocol| Some((protocol, protocol.rules.compartment.as_ref()?)));
    let Some((protocol, (name, at))) = named.next() else {
        return Err("the spec names no compartment: all requests share lines and queues".to_owned());
    };
    let mut problems = Vec::new();
    let bytes = field_bytes(protocol, name, *at, text, name, &mut problems);
    bytes.ok_or_else(|| problems.into_iter().map(|problem| format!("{name}: {}", problem.text)).collect())
}

/// A value as the bytes of a header field, padded as the field is.
fn field_bytes(
    protocol: &Protocol,
    name: &str,
    at: Slice,
    value: &str,
    path: &str,
    problems: &mut Vec<Problem>,
) -> Option<Box<[u8]>> {
    let is_it = |field: &&Field| field.at == at && *field.path == *name;
    let Some(field) = protocol.catalog.layouts.iter().find_map(|layout| layout.head().iter().find(is_it)) else {
        problems.push(problem(path.to_owned(), format!("no telegram of {} has the field `{name}`", protocol.name)));
        return None;
    };
    let mut bytes = Vec::new();
    match field.encode(&Value::Text(value.to_owned()), &mut bytes) {
        Ok(()) => Some(bytes.into()),
        Err(fault) => {
            problems.push(problem(path.to_owned(), format!("{value:?} does not fit: {fault}")));
            None
        }
    }
}
