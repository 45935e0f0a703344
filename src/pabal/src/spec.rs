mod fmt;
mod reload;

use clap::Subcommand;
use pabal_spec::{Protocol, Row, Severity};
use pabal_telegram::{Kind, Layout};
use serde_json::json;

use crate::table::{Align, Table};
use crate::{diagnostics, exit, out, specs};

/// Check, show, format and load spec files.
#[derive(Debug, Subcommand)]
pub(crate) enum Spec {
    /// Check an institution's spec files and draw every mistake.
    ///
    /// Exit codes: 0 right, 1 mistakes, 2 not found.
    ///
    /// With --json: ok, diagnostics (code, severity, message, at, help, related); a place has file, line, byte_column, bytes, text; deadlines: each
    /// chain of waits that is broken, drawn.
    Check {
        /// A folder of spec files, or an institution that is built in
        ///
        /// Without one: the folder in which it is run if it has spec files, else `hecto`.
        spec: Option<String>,
        /// Print the mistakes as JSON
        #[arg(long)]
        json: bool,
    },
    /// Print how telegrams lie: offset, length, kind, who fills it and with what, class.
    ///
    /// Without a telegram's name, also how the stream of each protocol is cut.
    ///
    /// The offset of a field that moves has a plus sign: it counts from where its part begins, which a line above it names.
    ///
    /// With --json: a list of telegram, protocol, frame (none of layouts), label, length (bytes, the least), length_max, fields (field, label, offset, length, kind, by, class;
    /// of one that moves also moves and begins, the parts that begin with it).
    Show {
        /// A folder of spec files, or an institution that is built in
        #[arg(long, default_value = "hecto")]
        spec: String,
        /// The versions of this moment, "2026-12-01 00:00"; needed where a spec has several
        #[arg(long)]
        at: Option<String>,
        /// Only this telegram
        telegram: Option<String>,
        /// Print as JSON
        #[arg(long)]
        json: bool,
    },
    Fmt(fmt::Fmt),
    Reload(reload::Reload),
}

impl Spec {
    pub(crate) fn run(self) -> anyhow::Result<u8> {
        match self {
            Self::Check { spec, json } => {
                let here = || if specs::is_here() { "." } else { "hecto" };
                check(spec.as_deref().unwrap_or_else(here), json)
            }
            Self::Show { spec, at, telegram, json } => show(&spec, at.as_deref(), telegram.as_deref(), json),
            Self::Fmt(command) => command.run(),
            Self::Reload(command) => command.run(),
        }
    }
}

fn check(place: &str, as_json: bool) -> anyhow::Result<u8> {
    let sources = specs::sources(place)?;
    specs::announce(place);
    let (institution, found) = match pabal_spec::load(&sources) {
        Ok(loaded) => (Some(loaded.institution), loaded.warnings),
        Err(found) => (None, found),
    };
    // A spec that is right in itself, and asks about an UNKNOWN when it is of no use.
    let chains = institution.as_ref().map(|one| pabal_gateway::broken_inquiries(one, &sources)).unwrap_or_default();
    let institution = institution.filter(|_| chains.is_empty());
    if as_json {
        let list: Vec<_> = found.iter().map(|d| to_json(d, &sources)).collect();
        let told = json!({ "ok": institution.is_some(), "diagnostics": list, "deadlines": chains });
        out!("{}", serde_json::to_string_pretty(&told)?);
    } else {
        for chain in &chains {
            err!("error: {chain}");
        }
        out::bytes(std::io::stderr(), diagnostics::draw(&found, &sources).as_bytes());
        let errors = found.iter().filter(|d| d.severity == Severity::Error).count();
        match &institution {
            Some(institution) => {
                for protocol in &institution.protocols {
                    out!("{}", summary(protocol));
                }
                for layouts in &institution.layouts {
                    let telegrams = specs::counted(layouts.catalog.layouts.len(), "telegram");
                    out!(
                        "{} {}: {telegrams}, only converted; version {}",
                        layouts.institution,
                        layouts.name,
                        layouts.digest
                    );
                }
            }
            None => out!("{}", specs::counted(errors + chains.len(), "mistake")),
        }
    }
    Ok(if institution.is_some() { exit::DONE } else { exit::FAILURE })
}

fn summary(protocol: &Protocol) -> String {
    let count = specs::counted;
    let rules = &protocol.rules;
    let parts = [
        count(protocol.catalog.layouts.len(), "telegram"),
        count(rules.exchanges.len(), "exchange"),
        count(rules.notices.len(), "notice"),
        count(rules.verdicts.len(), "response code"),
    ];
    format!("{} {}: {}; version {}", protocol.institution, protocol.name, parts.join(", "), protocol.digest)
}

fn to_json(diagnostic: &pabal_spec::Diagnostic, sources: &[pabal_spec::Source]) -> serde_json::Value {
    let place = |label: &pabal_spec::Label| {
        let source = sources.get(usize::from(label.span.source.0));
        let before = source.and_then(|s| s.text.get(..label.span.start as usize)).unwrap_or_default();
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        json!({
            "file": source.map(|s| s.name.clone()),
            "line": before.matches('\n').count() + 1,
            "byte_column": before.len() - line_start + 1,
            "bytes": label.span.end - label.span.start,
            "text": label.text,
        })
    };
    json!({
        "code": diagnostic.code,
        "severity": match diagnostic.severity { Severity::Warning => "warning", Severity::Error => "error" },
        "message": diagnostic.message,
        "at": place(&diagnostic.at),
        "help": diagnostic.help,
        "related": diagnostic.related.iter().map(place).collect::<Vec<_>>(),
    })
}

fn show(place: &str, at: Option<&str>, telegram: Option<&str>, as_json: bool) -> anyhow::Result<u8> {
    let institution = specs::load_at(place, at)?;
    let parts = specs::parts(&institution);
    let mut shown = Vec::new();
    for part in &parts {
        for layout in &part.catalog().layouts {
            if telegram.is_none_or(|name| name == layout.name()) {
                shown.push((part, layout));
            }
        }
    }
    if shown.is_empty() {
        let name = telegram.unwrap_or_default();
        let names = || parts.iter().flat_map(|part| part.catalog().layouts.iter().map(|l| l.name()));
        let hint = pabal_telegram::nearest(name, names()).map(|n| format!("; did you mean {n:?}?")).unwrap_or_default();
        anyhow::bail!("{} has no telegram {name:?}{hint}", institution.name);
    }
    if as_json {
        let list: Vec<_> = shown.iter().map(|(part, layout)| layout_json(part, layout)).collect();
        out!("{}", serde_json::to_string_pretty(&list)?);
        return Ok(exit::DONE);
    }
    let mut before = None;
    for (part, layout) in shown {
        if before.is_some() {
            out!();
        }
        // With all telegrams, how the stream that carries them is cut.
        let is_first = before.replace(part.name()) != Some(part.name());
        if let Some(protocol) = part.protocol().filter(|_| telegram.is_none() && is_first) {
            out!("{}: frame {}\n", protocol.name, protocol.framing);
        }
        out!("{} {:?}, {} bytes", layout.name(), layout.label(), lengths(layout));
        for line in offsets(layout).lines() {
            out!("{line}");
        }
    }
    Ok(exit::DONE)
}

fn offsets(layout: &Layout) -> Table {
    let mut table = Table::new(&[
        ("off", Align::Right),
        ("len", Align::Right),
        ("kind", Align::Left),
        ("by", Align::Left),
        ("class", Align::Left),
        ("field", Align::Left),
        ("label", Align::Left),
    ]);
    let head = layout.head().len();
    let mut parts = pabal_spec::outline(layout).into_iter().peekable();
    for (at, row) in pabal_spec::show(layout).enumerate() {
        while let Some(part) = parts.next_if(|part| part.field == at) {
            let blank = String::new;
            let text = format!("{}{}", "  ".repeat(part.depth), part.text);
            table.row(vec![blank(), blank(), blank(), blank(), blank(), text, part.label]);
        }
        let moves = if at < head { "" } else { "+" };
        let said = said(&row);
        table.row(vec![
            format!("{moves}{}", row.offset),
            row.len.to_string(),
            row.kind,
            said,
            row.class.to_string(),
            row.name,
            row.label,
        ]);
    }
    table
}

/// `300`, or `120..4000`.
fn lengths(layout: &Layout) -> String {
    if layout.len() == layout.len_max() {
        return layout.len().to_string();
    }
    format!("{}..{}", layout.len(), layout.len_max())
}

fn layout_json(part: &specs::Part, layout: &Layout) -> serde_json::Value {
    let parts = pabal_spec::outline(layout);
    let fields: Vec<_> = pabal_spec::show(layout)
        .enumerate()
        .map(|(at, row)| {
            let begins = parts.iter().filter(|part| part.field == at).map(|part| &*part.text).collect::<Vec<_>>();
            let mut shown = json!({
                "field": row.name,
                "label": row.label,
                "offset": row.offset,
                "length": row.len,
                "kind": row.kind,
                "by": said(&row),
                "class": row.class.word(),
            });
            if at >= layout.head().len() {
                // Its offset counts from where its part begins.
                shown["moves"] = true.into();
                shown["begins"] = begins.into();
            }
            shown
        })
        .collect();
    json!({
        "telegram": layout.name(),
        "protocol": part.name(),
        "frame": part.protocol().map(|protocol| protocol.framing.to_string()),
        "label": layout.label(),
        "length": layout.len(),
        "length_max": layout.len_max(),
        "fields": fields,
    })
}

/// As the spec writes it, without the length.
pub(crate) fn kind(kind: &Kind) -> String {
    match kind {
        Kind::Text => "X".into(),
        Kind::Number(number) => {
            let sign = if number.has_own_sign() { "S" } else { "" };
            let scale = if number.scale > 0 { format!("V{}", number.scale) } else { String::new() };
            format!("{sign}9{scale} {}", number.form).trim_end().to_owned()
        }
        Kind::Lines { each } => format!("X*{each}"),
        Kind::Code => "code".into(),
        Kind::Stamp(stamp) => stamp.to_string(),
        Kind::Filler => "filler".into(),
        _ => "?".into(),
    }
}

/// Who fills a field, and what else is said of it, as the spec writes it.
fn said(row: &Row) -> String {
    format!("{} {}", row.by, row.more).trim_end().to_owned()
}
