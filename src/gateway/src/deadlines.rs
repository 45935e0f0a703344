//! The chain of deadlines: who waits for whom, and whether each waits longer than the one behind it may take.
//!
//! A caller whose patience is over before the institution's hears UNKNOWN of what was executed a moment later; an inquiry whose answer
//! may come after the date has changed asks about another request's number. Neither shows in a test on a quick day, so that all of it is
//! held against each other before anything is connected, and what is broken is drawn with its figures and where each was said.

use std::fmt::{self, Write as _};
use std::time::Duration;

use pabal_clock::TimeOfDay;
use pabal_spec::{Institution, Protocol, Source, Unknown};
use pabal_switch::Connects;

use crate::config::{Config, InstitutionConfig, Problem, Span};

#[cfg(test)]
mod tests;

/// A figure, and where it was said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Figure<T> {
    pub(crate) value: T,
    /// `pabal.toml:12`, or `default`.
    pub(crate) origin: String,
}

/// All who wait for one exchange.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Chain {
    pub(crate) exchange: String,
    /// How long a caller waits that does not say.
    pub(crate) caller: Figure<Duration>,
    /// How long before that the gateway tells what it knows.
    pub(crate) margin: Figure<Duration>,
    /// What is done before a request leaves, while its caller waits: on a line that connects for each request, connecting and signing on.
    pub(crate) before: Vec<(&'static str, Figure<Duration>)>,
    /// How long the institution may take.
    pub(crate) timeout: Figure<Duration>,
    /// How long a settled key is kept.
    pub(crate) tombstone: Figure<Duration>,
    /// How an UNKNOWN is asked about.
    pub(crate) inquiry: Option<Inquiry>,
}

/// How an UNKNOWN is asked about, on the business date of its request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Inquiry {
    /// The exchange that asks.
    pub(crate) by: String,
    /// First, so long after the UNKNOWN.
    pub(crate) after: Figure<Duration>,
    /// How long the institution may take to answer it.
    pub(crate) timeout: Figure<Duration>,
    /// Not after this time.
    pub(crate) until: Figure<TimeOfDay>,
    /// The first request of a date leaves at this time at the earliest.
    pub(crate) opens: TimeOfDay,
    /// When the date changes: numbers restart.
    pub(crate) changes: TimeOfDay,
}

/// What is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Broken {
    /// An answer that comes in its time may find nobody who waits.
    CallerGone,
    /// A late answer may find no key.
    KeyForgotten,
    /// Even the first request of a date is asked about too late.
    NeverAsked,
    /// The last inquiry of a date may be answered on the next one.
    AnsweredTomorrow,
}

impl Chain {
    /// What is broken, in the order of the chain.
    pub(crate) fn broken(&self) -> Vec<Broken> {
        let mut broken = Vec::new();
        if self.needed() >= self.caller.value {
            broken.push(Broken::CallerGone);
        }
        if self.tombstone.value <= self.timeout.value {
            broken.push(Broken::KeyForgotten);
        }
        if let Some(inquiry) = &self.inquiry {
            if self.first_asked(inquiry) > inquiry.last() {
                broken.push(Broken::NeverAsked);
            }
            if inquiry.last() + inquiry.timeout.value > DAY {
                broken.push(Broken::AnsweredTomorrow);
            }
        }
        broken
    }

    /// What a caller must be able to wait for.
    fn needed(&self) -> Duration {
        let before: Duration = self.before.iter().map(|(_, figure)| figure.value).sum();
        before + self.timeout.value + self.margin.value
    }

    /// When the first request of a date is asked about, counted from where the date begins.
    fn first_asked(&self, inquiry: &Inquiry) -> Duration {
        inquiry.since_change(inquiry.opens) + self.timeout.value + inquiry.after.value
    }

    /// What is broken, drawn: who waits for how long, and what to change.
    pub(crate) fn draw(&self, broken: Broken) -> String {
        let mut drawing = String::new();
        let (what, links, fix) = match broken {
            Broken::CallerGone => self.draw_caller(),
            Broken::KeyForgotten => (
                format!("a late answer of `{}` finds no key", self.exchange),
                vec![
                    Link::span("key", Duration::ZERO, &self.tombstone, "limits.tombstone_keep"),
                    Link::span("institution", Duration::ZERO, &self.timeout, "timeout"),
                ],
                format!("make limits.tombstone_keep longer than {}", Span(self.timeout.value)),
            ),
            Broken::NeverAsked | Broken::AnsweredTomorrow => match &self.inquiry {
                Some(inquiry) => self.draw_inquiry(inquiry, broken),
                None => return drawing,
            },
        };
        // Writing to a String does not fail.
        let _ = write!(drawing, "{what}\n{}", Links(&links));
        let _ = write!(drawing, "\n    {fix}");
        drawing
    }

    fn draw_caller(&self) -> (String, Vec<Link>, String) {
        let told = Figure {
            value: self.caller.value.saturating_sub(self.margin.value),
            origin: format!("{} before, {}", Span(self.margin.value), self.margin.origin),
        };
        let mut links = vec![
            Link::span("caller", Duration::ZERO, &self.caller, "gateway.default_timeout"),
            Link::span("gateway", Duration::ZERO, &told, "limits.caller_margin"),
        ];
        let mut at = Duration::ZERO;
        for (what, figure) in &self.before {
            links.push(Link::span(what, at, figure, ""));
            at += figure.value;
        }
        links.push(Link::span("institution", at, &self.timeout, "timeout"));
        let what = format!("`{}` may be answered in time when its caller has gone", self.exchange);
        (what, links, format!("make gateway.default_timeout longer than {}", Span(self.needed())))
    }

    fn draw_inquiry(&self, inquiry: &Inquiry, broken: Broken) -> (String, Vec<Link>, String) {
        let date = Link {
            who: "date",
            from: Duration::ZERO,
            to: DAY,
            said: format!("{} to {}", inquiry.clock(Duration::ZERO), inquiry.clock(DAY)),
        };
        let until = Link {
            who: "may ask",
            from: inquiry.since_change(inquiry.opens),
            to: inquiry.last(),
            said: format!("until {}, {}", inquiry.clock(inquiry.last()), inquiry.until.origin),
        };
        if broken == Broken::AnsweredTomorrow {
            let answer = Link::span("answer", inquiry.last(), &inquiry.timeout, "timeout of the last inquiry");
            let what = format!("`{}` about `{}` may be answered on the next date", inquiry.by, self.exchange);
            let last = DAY.saturating_sub(inquiry.timeout.value);
            return (what, vec![date, until, answer], format!("ask until {} at the latest", inquiry.clock(last)));
        }
        let opens = inquiry.since_change(inquiry.opens);
        let waits = Link::span("institution", opens, &self.timeout, "timeout of the first request");
        let after = Link::span("after", opens + self.timeout.value, &inquiry.after, "until the first inquiry");
        let what = format!("an UNKNOWN `{}` is never asked about", self.exchange);
        let first = inquiry.clock(self.first_asked(inquiry));
        (
            what,
            vec![date, until, waits, after],
            format!("ask until {first} at the earliest, or sooner after the UNKNOWN"),
        )
    }
}

const DAY: Duration = Duration::from_secs(86_400);

impl Inquiry {
    /// A time of day on a date, counted from where the date begins.
    fn since_change(&self, time: TimeOfDay) -> Duration {
        let day = DAY.as_secs();
        Duration::from_secs((u64::from(time.seconds()) + day - u64::from(self.changes.seconds())) % day)
    }

    fn last(&self) -> Duration {
        self.since_change(self.until.value)
    }

    /// What the clock shows so long after the date began.
    fn clock(&self, since: Duration) -> String {
        let second = (since.as_secs() + u64::from(self.changes.seconds())) % DAY.as_secs();
        let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
        if second == 0 { format!("{hour:02}:{minute:02}") } else { format!("{hour:02}:{minute:02}:{second:02}") }
    }
}

/// A bar of the drawing.
struct Link {
    who: &'static str,
    from: Duration,
    to: Duration,
    said: String,
}

impl Link {
    fn span(who: &'static str, from: Duration, figure: &Figure<Duration>, what: &str) -> Self {
        let what = if what.is_empty() { String::new() } else { format!("{what}, ") };
        let said = format!("{}  {what}{}", Span(figure.value), figure.origin);
        Self { who, from, to: from + figure.value, said }
    }
}

/// Bars of one scale, below each other.
struct Links<'l>(&'l [Link]);

impl Links<'_> {
    const COLUMNS: u128 = 40;
}

impl fmt::Display for Links<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let longest = self.0.iter().map(|link| link.to.as_nanos()).max().unwrap_or(0).max(1);
        let column = |at: Duration| usize::try_from(at.as_nanos() * Self::COLUMNS / longest).unwrap_or(0);
        for (at, link) in self.0.iter().enumerate() {
            let (from, to) = (column(link.from), column(link.to));
            let bar = format!("{}|{}|", " ".repeat(from), "-".repeat(to.saturating_sub(from)));
            let width = usize::try_from(Self::COLUMNS).unwrap_or(0) + 2;
            let end = if at + 1 < self.0.len() { "\n" } else { "" };
            write!(f, "    {:<12}{bar:<width$} {}{end}", link.who, link.said)?;
        }
        Ok(())
    }
}

/// What configuration says of the waits of an institution.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Site {
    caller: Figure<Duration>,
    margin: Figure<Duration>,
    tombstone: Figure<Duration>,
    /// How long connecting may take on lines that connect for each request, by their protocol's name.
    connects: Vec<(String, Figure<Duration>)>,
}

impl Site {
    pub(crate) fn of(config: &Config, institution: &InstitutionConfig) -> Self {
        let figure = |path: &str, value| Figure { value, origin: config.origin(path) };
        let limit = |key: &str, value| figure(&format!("institutions.{}.limits.{key}", institution.name), value);
        Self {
            caller: figure("gateway.default_timeout", config.default_timeout()),
            margin: limit("caller_margin", institution.limits.caller_margin),
            tombstone: limit("tombstone_keep", institution.limits.tombstone_keep),
            connects: (institution.lines.iter().enumerate())
                .filter(|(_, line)| line.connects == Connects::PerExchange)
                .map(|(at, line)| {
                    let path = format!("institutions.{}.lines[{at}].connect_timeout", institution.name);
                    (line.protocol.clone(), figure(&path, line.connect_timeout))
                })
                .collect(),
        }
    }
}

/// The chains of an institution: one for each exchange of each protocol. `sources` are those of its spec, for the places.
pub(crate) fn chains(site: &Site, institution: &Institution, sources: &[Source]) -> Vec<Chain> {
    let (written, _) = pabal_spec::parse(sources);
    let place = |protocol: &Protocol, exchange: &str, clause: &str| {
        let span = written.clause(&protocol.name, Some(exchange), clause);
        let said = span.and_then(|span| Some((span, sources.get(usize::from(span.source.0))?)));
        said.map_or_else(
            || String::from("spec"),
            |(span, source)| {
                let before = source.text.get(..span.start as usize).unwrap_or_default();
                format!("{}:{}", source.name, 1 + before.matches('\n').count())
            },
        )
    };
    let mut chains = Vec::new();
    for protocol in &institution.protocols {
        // Of several such lines the slowest.
        let connects = site.connects.iter().filter(|(name, _)| **name == *protocol.name).map(|(_, figure)| figure);
        let mut before = Vec::new();
        if let Some(connect) = connects.max_by_key(|figure| figure.value) {
            before.push(("connect", connect.clone()));
            if let Some(sign_on) = &protocol.rules.sign_on {
                let origin = format!("sign on of {}", protocol.name);
                before.push(("sign on", Figure { value: sign_on.timeout, origin }));
            }
        }
        for rule in &protocol.rules.exchanges {
            let inquiry = match &rule.unknown {
                Unknown::Inquire(schedule) => {
                    protocol.rules.exchanges.get(usize::from(schedule.by.0)).map(|by| Inquiry {
                        by: by.name.to_string(),
                        after: Figure { value: schedule.after, origin: place(protocol, &rule.name, "unknown") },
                        timeout: Figure { value: by.timeout, origin: place(protocol, &by.name, "timeout") },
                        until: Figure { value: schedule.until, origin: place(protocol, &rule.name, "unknown") },
                        opens: protocol.rules.opening.as_ref().map_or(protocol.day.changes, |rule| rule.from),
                        changes: protocol.day.changes,
                    })
                }
                Unknown::Leave | Unknown::List => None,
            };
            chains.push(Chain {
                exchange: rule.name.to_string(),
                caller: site.caller.clone(),
                margin: site.margin.clone(),
                before: before.clone(),
                timeout: Figure { value: rule.timeout, origin: place(protocol, &rule.name, "timeout") },
                tombstone: site.tombstone.clone(),
                inquiry,
            });
        }
    }
    chains
}

/// What is broken in a spec by itself, whatever a site configures: inquiries that are never made, or answered on another date. Each is
/// drawn. `sources` are those of the spec.
#[must_use]
pub fn broken_inquiries(institution: &Institution, sources: &[Source]) -> Vec<String> {
    let figure = |value| Figure { value, origin: String::new() };
    let site = Site {
        caller: figure(Duration::MAX),
        margin: figure(Duration::ZERO),
        tombstone: figure(Duration::MAX),
        connects: Vec::new(),
    };
    let versions = std::iter::once(institution).chain(institution.later.iter().map(AsRef::as_ref));
    let problems = versions.flat_map(|version| problems(&chains(&site, version, sources), &institution.name));
    problems.map(|problem| problem.text).collect()
}

/// Each chain of an institution that is broken, drawn. Of several exchanges that break in the same way the one that needs most is drawn,
/// and the others are named.
pub(crate) fn problems(chains: &[Chain], institution: &str) -> Vec<Problem> {
    let mut problems = Vec::new();
    for broken in [Broken::CallerGone, Broken::KeyForgotten, Broken::NeverAsked, Broken::AnsweredTomorrow] {
        let mut those: Vec<&Chain> = chains.iter().filter(|chain| chain.broken().contains(&broken)).collect();
        those.sort_by_key(|chain| std::cmp::Reverse(chain.needed()));
        let Some((first, others)) = those.split_first() else { continue };
        let mut text = first.draw(broken);
        if !others.is_empty() {
            let names: Vec<&str> = others.iter().map(|chain| &*chain.exchange).collect();
            let _ = write!(text, "; so it is with {}", names.join(", "));
        }
        problems.push(Problem { line: None, path: format!("institutions.{institution}"), text });
    }
    problems
}
