//! The settings of an institution: lines, parties, limits.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use pabal_clock::{Civil, Date, Hours};
use pabal_switch::control::{ControlId, FieldScope, Scope};
use pabal_switch::{Connects, Direction, Limits, LineSide, Over, Rate, SecondConnection};

use super::route::read_source;
use super::section::{Findings, Section, hint};
use super::text::Span;

/// What contract and site decide about an institution.
#[derive(Clone, Debug)]
pub(crate) struct InstitutionConfig {
    pub(crate) name: String,
    pub(crate) spec: SpecPlace,
    /// At least one.
    pub(crate) lines: Vec<LineConfig>,
    /// At least one; the first is the default.
    pub(crate) parties: Vec<PartyConfig>,
    /// Days on which banks do not work.
    pub(crate) holidays: Vec<Date>,
    pub(crate) hours: Vec<HoursConfig>,
    pub(crate) controls: Vec<ControlConfig>,
    pub(crate) rates: Vec<RateConfig>,
    pub(crate) limits: Limits,
}

/// What is blocked for good, or in windows that come again.
#[derive(Clone, Debug)]
pub(crate) struct ControlConfig {
    pub(crate) id: ControlId,
    pub(crate) scope: Scope,
    pub(crate) hours: Vec<Hours>,
    pub(crate) from: Option<Civil>,
    pub(crate) until: Option<Civil>,
    pub(crate) message: String,
    pub(crate) reason: String,
}

/// How many requests of compartments may leave.
#[derive(Clone, Debug)]
pub(crate) struct RateConfig {
    pub(crate) rate: Rate,
    /// As people write them; none: each that has none of its own.
    pub(crate) compartments: Vec<String>,
}

/// When work is taken, or not.
#[derive(Clone, Debug)]
pub(crate) struct HoursConfig {
    pub(crate) is_open: bool,
    pub(crate) hours: Hours,
    pub(crate) exchanges: Vec<String>,
    pub(crate) participants: Vec<String>,
}

/// Where a spec is read from.
#[derive(Clone, Debug)]
pub(crate) enum SpecPlace {
    Directory(PathBuf),
    Sources(Vec<pabal_spec::Source>),
}

/// One route.
#[derive(Clone, Debug)]
pub(crate) struct LineConfig {
    pub(crate) name: String,
    pub(crate) protocol: String,
    pub(crate) endpoint: Endpoint,
    /// Whose connections are taken; anybody's if there is none.
    pub(crate) from: Vec<IpAddr>,
    pub(crate) direction: Direction,
    pub(crate) sessions_max: u16,
    pub(crate) window: u32,
    pub(crate) connect_timeout: Duration,
    pub(crate) reconnect_min: Duration,
    pub(crate) reconnect_max: Duration,
    pub(crate) close_grace: Duration,
    pub(crate) healthy_after: Duration,
    /// The name of the line for which this one stands in.
    pub(crate) backup_of: Option<String>,
    pub(crate) backup_after: u16,
    pub(crate) second_connection: SecondConnection,
    /// The address from which we connect, and the port, 0 if any will do.
    pub(crate) source: Option<SocketAddr>,
    pub(crate) keepalive_idle: Duration,
    pub(crate) keepalive_interval: Duration,
    pub(crate) user_timeout: Duration,
    pub(crate) unsent_bytes_max: u64,
    pub(crate) unsent_time_max: Duration,
    /// When it connects.
    pub(crate) connects: Connects,
}

/// Who opens the connection, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Endpoint {
    /// We connect, to these in turn: host and port. At least one.
    Connect(Vec<String>),
    /// They connect.
    Listen(SocketAddr),
}

/// One name under which the institution knows us.
#[derive(Clone, Debug)]
pub(crate) struct PartyConfig {
    pub(crate) name: String,
    /// Values of the protocol's party fields.
    pub(crate) fields: Vec<(String, String)>,
    pub(crate) participants: Vec<String>,
    /// Fields that are not as `fields` say for a participant.
    pub(crate) at: Vec<(String, Vec<(String, String)>)>,
    /// Exchanges that it is for, by name; none: all of them.
    pub(crate) exchanges: Vec<String>,
}

pub(super) fn read_all(root: &mut Section<'_, '_>, directory: &Path) -> Vec<InstitutionConfig> {
    let mut limits = root.section("limits", None);
    read_limits(&mut limits);
    limits.finish();
    let mut line = root.section("line", None);
    LineBounds::read(&mut line);
    line.finish();
    let institutions = root.named_sections("institutions");
    if institutions.is_empty() {
        root.problem(
            "institutions",
            "is missing; a gateway speaks with at least one institution: write [institutions.NAME]",
        );
    }
    let mut read = Vec::new();
    for (name, section) in institutions {
        read.push(read_one(name, section, &limits, &line, directory));
    }
    read
}

fn read_one<'t, 'f>(
    name: String,
    mut section: Section<'t, 'f>,
    limits: &Section<'t, 'f>,
    line: &Section<'t, 'f>,
    directory: &Path,
) -> InstitutionConfig {
    let spec = SpecPlace::Directory(directory.join(section.text("spec")));
    let lines: Vec<LineConfig> = section.sections("lines", Some(line)).into_iter().map(read_line).collect();
    if lines.is_empty() {
        section.problem("lines", format!("is missing; write [[{}]]", section.path("lines")));
    }
    let parties: Vec<PartyConfig> = section.sections("parties", None).into_iter().map(read_party).collect();
    if parties.is_empty() {
        section
            .problem("parties", format!("is missing; write [[{}]] with who we are to them", section.path("parties")));
    }
    let holidays = section.texts("holidays").unwrap_or_default();
    let holidays = holidays.iter().filter_map(|text| {
        let date = Date::parse(text);
        if date.is_none() {
            section.problem("holidays", format!("{text:?} is not a date; write it as \"2026-12-25\""));
        }
        date
    });
    let holidays = holidays.collect();
    let hours = section.sections("hours", None).into_iter().filter_map(read_hours).collect();
    let controls = section.sections("controls", None).into_iter().filter_map(read_control).collect();
    let rates = section.sections("rates", None).into_iter().map(read_rate).collect();
    let mut own = section.section("limits", Some(limits));
    let limits = read_limits(&mut own);
    own.finish();
    section.finish();
    InstitutionConfig { name, spec, lines, parties, holidays, hours, controls, rates, limits }
}

fn read_control(mut section: Section<'_, '_>) -> Option<ControlConfig> {
    let (name, message, reason) = (section.text("name"), section.text("message"), section.text("reason"));
    let mut names = |key| section.names(key, "it is for all of them").iter().map(|name| name.as_str().into()).collect();
    let (exchanges, participants) = (names("exchanges"), names("participants"));
    let fields = section.text_table("fields");
    let fields = fields.iter().map(|(field, holds)| FieldScope::parse(field, holds)).collect();
    let scope = Scope { exchanges, participants, fields };
    let texts = section.names("hours", "it holds always");
    let hours = texts.iter().filter_map(|text| match Hours::parse(text) {
        Ok(hours) => Some(hours),
        Err(why) => {
            section.problem("hours", why.to_string());
            None
        }
    });
    let hours = hours.collect();
    let mut moment = |key| {
        let text = section.text_if_there(key)?;
        let civil = pabal_spec::moment(&text);
        if civil.is_none() {
            section.problem(key, format!("{text:?} is no moment; write it as \"2026-12-01 09:00\""));
        }
        civil
    };
    let (from, until) = (moment("from"), moment("until"));
    section.finish();
    match ControlId::parse(&name) {
        Ok(id) => Some(ControlConfig { id, scope, hours, from, until, message, reason }),
        // What is missing is told already.
        Err(_) if name.is_empty() => None,
        Err(why) => {
            section.problem("name", why);
            None
        }
    }
}

fn read_rate(mut section: Section<'_, '_>) -> RateConfig {
    let count = |section: &mut Section<'_, '_>, key| section.has(key).then(|| section.count(key));
    let (per_second, in_flight) = (count(&mut section, "per_second"), count(&mut section, "in_flight"));
    let words: Vec<_> = Over::ALL.iter().map(|over| (over.word(), *over)).collect();
    let over = if section.has("over") { section.word("over", &words) } else { None };
    let compartments = section.names("compartments", "it is for each that no other row names");
    if per_second.is_none() && in_flight.is_none() {
        section.problem("per_second", "says how many may leave in a second, or `in_flight` how many may be unanswered");
    }
    section.finish();
    RateConfig { rate: Rate { per_second, in_flight, over: over.unwrap_or_default() }, compartments }
}

fn read_hours(mut section: Section<'_, '_>) -> Option<HoursConfig> {
    let (open, closed) = (section.text_if_there("open"), section.text_if_there("closed"));
    let exchanges = section.names("exchanges", "they are those of all of them");
    let participants = section.names("participants", "they are those of all of them");
    section.finish();
    let (key, text, is_open) = match (open, closed) {
        (Some(open), None) => ("open", open, true),
        (None, Some(closed)) => ("closed", closed, false),
        _ => {
            section
                .problem("open", "says one of `open` and `closed`, such as closed = \"second sunday 00:00 to 08:00\"");
            return None;
        }
    };
    match Hours::parse(&text) {
        Ok(hours) => Some(HoursConfig { is_open, hours, exchanges, participants }),
        Err(why) => {
            section.problem(key, why.to_string());
            None
        }
    }
}

fn read_limits(section: &mut Section<'_, '_>) -> Limits {
    Limits {
        waiting_max: section.count("waiting_max"),
        waiting_total_max: section.count("waiting_total_max"),
        tombstones_max: section.count("tombstones_max"),
        tombstone_keep: section.duration("tombstone_keep"),
        idempotency_keys_max: section.count("idempotency_keys_max"),
        number_block: section.count("number_block"),
        caller_margin: section.duration("caller_margin"),
        events_max: section.count("events_max"),
        unknown_max: section.count("unknown_max"),
        notices_max: section.count("notices_max"),
        undurable_entries_max: section.count("undurable_entries_max"),
        sessions_max: section.count_or_unlimited("sessions_max"),
        connects_per_second: section.count("connects_per_second"),
    }
}

/// What a line may leave to `[line]`.
struct LineBounds {
    sessions_max: u16,
    window: u32,
    connect_timeout: Duration,
    reconnect_min: Duration,
    reconnect_max: Duration,
    close_grace: Duration,
    healthy_after: Duration,
    backup_after: u16,
    second_connection: SecondConnection,
    keepalive_idle: Duration,
    keepalive_interval: Duration,
    user_timeout: Duration,
    unsent_bytes_max: u64,
    unsent_time_max: Duration,
}

impl LineBounds {
    fn read(section: &mut Section<'_, '_>) -> Self {
        let policies: Vec<_> = SecondConnection::ALL.iter().map(|one| (one.word(), *one)).collect();
        Self {
            sessions_max: section.count("sessions"),
            window: section.count("window"),
            connect_timeout: section.duration("connect_timeout"),
            reconnect_min: section.duration("reconnect_min"),
            reconnect_max: section.duration("reconnect_max"),
            close_grace: section.duration("close_grace"),
            healthy_after: section.duration("healthy_after"),
            backup_after: section.count("backup_after"),
            second_connection: section.word("second_connection", &policies).unwrap_or(SecondConnection::Probe),
            keepalive_idle: section.duration("keepalive_idle"),
            keepalive_interval: section.duration("keepalive_interval"),
            user_timeout: section.duration("user_timeout"),
            unsent_bytes_max: section.bytes("unsent_bytes_max"),
            unsent_time_max: section.duration("unsent_time_max"),
        }
    }
}

fn read_line(mut section: Section<'_, '_>) -> LineConfig {
    let name = section.text("name");
    let protocol = section.text("protocol");
    let side = section.word("side", &LineSide::ALL.iter().map(|side| (side.word(), *side)).collect::<Vec<_>>());
    let direction = section.word("direction", &Direction::ALL.iter().map(|way| (way.word(), *way)).collect::<Vec<_>>());
    let address = section.texts("address");
    let listen = section.text_if_there("listen");
    let from = read_from(&mut section, side);
    let endpoint = read_endpoint(&section, side, address, listen);
    let backup_of = section.text_if_there("backup_of");
    let source = read_source(&mut section, side);
    let connects = read_connects(&mut section, side);
    let says_window = section.says("window");
    let mut bounds = LineBounds::read(&mut section);
    if section.says("second_connection") && side == Some(LineSide::Initiator) {
        section.problem("second_connection", "is an acceptor's; this line connects, so remove it");
    }
    if connects == Connects::PerExchange && !says_window {
        bounds.window = 1;
    }
    section.finish();
    LineConfig {
        name,
        protocol,
        endpoint,
        from,
        direction: direction.unwrap_or(Direction::Duplex),
        sessions_max: bounds.sessions_max,
        window: bounds.window,
        connect_timeout: bounds.connect_timeout,
        reconnect_min: bounds.reconnect_min,
        reconnect_max: bounds.reconnect_max,
        close_grace: bounds.close_grace,
        healthy_after: bounds.healthy_after,
        backup_of,
        backup_after: bounds.backup_after,
        second_connection: bounds.second_connection,
        source,
        keepalive_idle: bounds.keepalive_idle,
        keepalive_interval: bounds.keepalive_interval,
        user_timeout: bounds.user_timeout,
        unsent_bytes_max: bounds.unsent_bytes_max,
        unsent_time_max: bounds.unsent_time_max,
        connects,
    }
}

fn read_connects(section: &mut Section<'_, '_>, side: Option<LineSide>) -> Connects {
    if !section.has("connects") {
        return Connects::Kept;
    }
    let words: Vec<_> = Connects::ALL.iter().map(|when| (when.word(), *when)).collect();
    let connects = section.word("connects", &words).unwrap_or(Connects::Kept);
    if side == Some(LineSide::Acceptor) {
        section.problem("connects", "is an initiator's; they connect to this line when they want, so remove it");
    }
    connects
}

fn read_from(section: &mut Section<'_, '_>, side: Option<LineSide>) -> Vec<IpAddr> {
    let connects = side == Some(LineSide::Initiator);
    let texts = if connects {
        section.texts("from").unwrap_or_default()
    } else {
        section.names("from", "anybody's connections are taken")
    };
    if connects && section.has("from") {
        section.problem("from", "is an acceptor's; this line connects, so remove it");
    }
    let mut addresses = Vec::new();
    for text in texts {
        match text.parse::<IpAddr>() {
            Ok(address) => addresses.push(address.to_canonical()),
            Err(_) => section.problem("from", format!("{text:?} is not an IP address, such as \"10.1.2.3\"")),
        }
    }
    addresses
}

fn read_endpoint(
    section: &Section<'_, '_>,
    side: Option<LineSide>,
    address: Option<Vec<String>>,
    listen: Option<String>,
) -> Endpoint {
    match side {
        Some(LineSide::Initiator) => {
            if listen.is_some() {
                section.problem(
                    "listen",
                    "is an acceptor's; this line connects, so remove it, or make its side \"acceptor\"",
                );
            }
            let is = match &address {
                None if !section.has("address") => Some("is missing"),
                Some(addresses) if addresses.is_empty() => Some("is empty"),
                // What is no text is told already.
                _ => None,
            };
            if let Some(is) = is {
                let text = format!("{is}; a line that connects needs a host and port, such as \"10.1.2.3:20000\"");
                section.problem("address", text);
            }
            let addresses = address.unwrap_or_default();
            for address in &addresses {
                let port = address.rsplit_once(':').filter(|(host, _)| !host.is_empty());
                if port.and_then(|(_, port)| port.parse::<u16>().ok()).is_none() {
                    section.problem(
                        "address",
                        format!("{address:?} is not a host and a port, such as \"10.1.2.3:20000\""),
                    );
                }
            }
            Endpoint::Connect(addresses)
        }
        Some(LineSide::Acceptor) => {
            if address.is_some() {
                section.problem(
                    "address",
                    "is an initiator's; they connect to this line, so remove it, or make its side \"initiator\"",
                );
            }
            let Some(listen) = listen else {
                if section.has("listen") {
                    return Endpoint::Connect(Vec::new());
                }
                section.problem(
                    "listen",
                    "is missing; a line to which they connect needs an address, such as \"0.0.0.0:21000\"",
                );
                return Endpoint::Connect(Vec::new());
            };
            listen.parse().map(Endpoint::Listen).unwrap_or_else(|_| {
                section
                    .problem("listen", format!("{listen:?} is not an address and a port, such as \"0.0.0.0:21000\""));
                Endpoint::Connect(Vec::new())
            })
        }
        // Noted already.
        None => Endpoint::Connect(Vec::new()),
    }
}

fn read_party(mut section: Section<'_, '_>) -> PartyConfig {
    let name = section.text("name");
    let fields = section.text_table("fields");
    let participants = section.names("participants", "business is opened with none");
    let exchanges = section.names("exchanges", "the party is for all of them");
    let at = section.text_tables("at");
    for (participant, _) in at.iter().filter(|(participant, _)| !participants.contains(participant)) {
        let known: Vec<&str> = participants.iter().map(String::as_str).collect();
        let text = format!("is not one of the party's participants{}", hint(participant, &known));
        section.problem(&format!("at.{participant}"), text);
    }
    for (key, texts) in [("participants", &participants), ("exchanges", &exchanges)] {
        let mut seen = BTreeSet::new();
        if let Some(twice) = texts.iter().find(|text| !seen.insert(*text)) {
            section.problem(key, format!("{twice:?} stands there twice"));
        }
    }
    section.finish();
    PartyConfig { name, fields, participants, at, exchanges }
}

impl LineConfig {
    /// How many addresses it has. The check has seen to it that they are not too many.
    pub(crate) fn addresses(&self) -> u8 {
        match &self.endpoint {
            Endpoint::Connect(addresses) => u8::try_from(addresses.len()).unwrap_or(u8::MAX),
            Endpoint::Listen(_) => 1,
        }
    }

    pub(crate) const fn side(&self) -> LineSide {
        match self.endpoint {
            Endpoint::Connect(_) => LineSide::Initiator,
            Endpoint::Listen(_) => LineSide::Acceptor,
        }
    }
}

impl InstitutionConfig {
    /// Settings that are right one by one, held against each other.
    pub(super) fn check(&self, default_timeout: Duration, findings: &Findings<'_>) {
        let path = format!("institutions.{}", self.name);
        self.check_names(&path, findings);
        self.check_halves(&path, findings);
        self.check_limits(&path, default_timeout, findings);
        self.check_routes(&path, findings);
        for (at, line) in self.lines.iter().enumerate() {
            if line.reconnect_min > line.reconnect_max || line.reconnect_min.is_zero() {
                let text = format!(
                    "({}) must be longer than nothing and not over reconnect_max ({})",
                    Span(line.reconnect_min),
                    Span(line.reconnect_max)
                );
                findings.problem(format!("{path}.lines[{at}].reconnect_min"), text);
            }
            for (key, span) in [
                ("connect_timeout", line.connect_timeout),
                ("user_timeout", line.user_timeout),
                ("unsent_time_max", line.unsent_time_max),
            ] {
                if span.is_zero() {
                    findings.problem(format!("{path}.lines[{at}].{key}"), "must be longer than nothing");
                }
            }
            if line.unsent_time_max >= line.user_timeout {
                let text = format!(
                    "({}) must be shorter than user_timeout ({}), after which the kernel ends the connection without a count of what left",
                    Span(line.unsent_time_max),
                    Span(line.user_timeout)
                );
                findings.problem(format!("{path}.lines[{at}].unsent_time_max"), text);
            }
            if line.connects == Connects::PerExchange && line.window != 1 {
                let text = format!(
                    "({}) must be 1: a line that connects per exchange sends one request by each connection",
                    line.window
                );
                findings.problem(format!("{path}.lines[{at}].window"), text);
            }
            if line.unsent_bytes_max == 0 {
                findings.problem(format!("{path}.lines[{at}].unsent_bytes_max"), "must be more than nothing");
            }
            for (key, span) in
                [("keepalive_idle", line.keepalive_idle), ("keepalive_interval", line.keepalive_interval)]
            {
                if span < Duration::from_secs(1) {
                    findings.problem(
                        format!("{path}.lines[{at}].{key}"),
                        "must be at least 1s; TCP counts it in whole seconds",
                    );
                }
            }
        }
    }

    fn check_names(&self, path: &str, findings: &Findings<'_>) {
        let lines = self.lines.iter().map(|line| &line.name);
        let parties = self.parties.iter().map(|party| &party.name);
        for (key, names) in [("lines", lines.collect::<Vec<_>>()), ("parties", parties.collect())] {
            let mut seen = BTreeSet::new();
            for (at, name) in names.into_iter().enumerate() {
                if !seen.insert(name) {
                    let text = format!("{name:?} is the name of another one before it; give each its own");
                    findings.problem(format!("{path}.{key}[{at}].name"), text);
                }
            }
        }
    }

    /// A request needs a session that may carry it and one that may carry its answer; so do a notice and the reply to it.
    fn check_halves(&self, path: &str, findings: &Findings<'_>) {
        let protocols: BTreeSet<&str> = self.lines.iter().map(|line| line.protocol.as_str()).collect();
        for protocol in protocols {
            let carries = |half| {
                self.lines.iter().any(|line| {
                    line.protocol == protocol && (line.direction == half || line.direction == Direction::Duplex)
                })
            };
            for (half, what) in
                [(Direction::Send, "our requests and replies"), (Direction::Receive, "their answers and notices")]
            {
                if !carries(half) {
                    let text = format!(
                        "no line of protocol {protocol:?} carries {what}; add one whose direction is \"{half}\" or \"duplex\""
                    );
                    findings.problem(format!("{path}.lines"), text);
                }
            }
        }
    }

    fn check_limits(&self, path: &str, default_timeout: Duration, findings: &Findings<'_>) {
        let limits = &self.limits;
        if limits.caller_margin >= default_timeout {
            let text = format!(
                "({}) must be less than gateway.default_timeout ({}); a caller would be told UNKNOWN before anything is sent",
                Span(limits.caller_margin),
                Span(default_timeout)
            );
            findings.problem(format!("{path}.limits.caller_margin"), text);
        }
        let in_flight: u64 = self.lines.iter().map(|line| u64::from(line.window) * u64::from(line.sessions_max)).sum();
        for (key, room) in [("tombstones_max", limits.tombstones_max), ("unknown_max", limits.unknown_max)] {
            if u64::from(room) < in_flight {
                let text = format!(
                    "({room}) must not be less than what may be in flight, {in_flight} (window times sessions of all lines); each of \
                     these may become one"
                );
                findings.problem(format!("{path}.limits.{key}"), text);
            }
        }
        if limits.waiting_total_max < limits.waiting_max {
            let text = format!(
                "({}) must not be less than waiting_max ({}), which one compartment may have alone",
                limits.waiting_total_max, limits.waiting_max
            );
            findings.problem(format!("{path}.limits.waiting_total_max"), text);
        }
        if limits.undurable_entries_max < 2 {
            let text = "must be at least 2; a request needs two entries before its first byte";
            findings.problem(format!("{path}.limits.undurable_entries_max"), text);
        }
    }
}
