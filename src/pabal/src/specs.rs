//! Where specs come from: a folder, or what is built in.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, bail};
use pabal_spec::{Catalog, Exposure, Institution, Layouts, Protocol, Source, TelegramId};
use pabal_telegram::{Layout, Side, Slice, Telegram};

use crate::{diagnostics, out};

/// The files of an institution that is built in.
pub(crate) struct BuiltIn {
    pub(crate) name: &'static str,
    pub(crate) files: &'static [(&'static str, &'static str)],
    pub(crate) scenarios: &'static [(&'static str, &'static str)],
}

/// Institutions that need no folder.
pub(crate) const BUILT_IN: &[BuiltIn] = &[BuiltIn {
    name: "hecto",
    files: &[
        ("firmbanking.spec", include_str!("../../../specs/hecto/firmbanking.spec")),
        ("codes.csv", include_str!("../../../specs/hecto/codes.csv")),
    ],
    scenarios: &[
        ("demo", include_str!("../../../specs/hecto/scenarios/demo.toml")),
        ("normal", include_str!("../../../specs/hecto/scenarios/normal.toml")),
        ("day", include_str!("../../../specs/hecto/scenarios/day.toml")),
        ("silent", include_str!("../../../specs/hecto/scenarios/silent.toml")),
        ("hostile", include_str!("../../../specs/hecto/scenarios/hostile.toml")),
    ],
}];

/// Reads the spec files of a folder (`*.spec`, `*.csv`), or of an institution that is built in.
pub(crate) fn sources(place: &str) -> anyhow::Result<Vec<Source>> {
    let path = Path::new(place);
    if path.is_dir() {
        return folder(path);
    }
    if path.is_file() {
        let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        return self::folder(folder);
    }
    let Some(built_in) = BUILT_IN.iter().find(|b| b.name == place) else {
        let names: Vec<&str> = BUILT_IN.iter().map(|b| b.name).collect();
        bail!("no folder {place:?}, and no institution of that name is built in (there is: {})", names.join(", "));
    };
    Ok(built_in.files.iter().map(|(name, text)| Source { name: (*name).into(), text: (*text).into() }).collect())
}

fn folder(path: &Path) -> anyhow::Result<Vec<Source>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(path).with_context(|| format!("cannot list {}", path.display()))? {
        let entry = entry.with_context(|| format!("cannot list {}", path.display()))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if (name.ends_with(".spec") || name.ends_with(".csv")) && entry.path().is_file() {
            names.push(name);
        }
    }
    names.sort_unstable();
    if !names.iter().any(|name| name.ends_with(".spec")) {
        bail!("{} has no file that ends in .spec", path.display());
    }
    names
        .into_iter()
        .map(|name| {
            let file = path.join(&name);
            let text = std::fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
            Ok(Source { name, text })
        })
        .collect()
}

/// Whether the folder in which the command runs has spec files.
pub(crate) fn is_here() -> bool {
    folder(Path::new(".")).is_ok()
}

/// Says on standard error which spec is used: a folder may hide what is built in, and the other way round.
pub(crate) fn announce(place: &str) {
    err!("spec {place}{}", if Path::new(place).exists() { "" } else { " (built in)" });
}

/// `1 mistake`, `2 mistakes`.
pub(crate) fn counted(count: usize, word: &str) -> String {
    format!("{count} {word}{}", if count == 1 { "" } else { "s" })
}

/// Loads a spec that must be right; its mistakes are drawn on standard error.
pub(crate) fn load(place: &str) -> anyhow::Result<Institution> {
    parse(place, &sources(place)?)
}

/// The same from sources that were read already.
pub(crate) fn parse(place: &str, sources: &[Source]) -> anyhow::Result<Institution> {
    match pabal_spec::load(sources) {
        Ok(loaded) => Ok(loaded.institution),
        Err(mistakes) => {
            out::bytes(std::io::stderr(), diagnostics::draw(&mistakes, sources).as_bytes());
            bail!("{place} has {}; nothing was done", counted(mistakes.len(), "mistake"));
        }
    }
}

/// The same, with the versions in force at a moment of the institution's clock. Where there are several, the moment must be said.
pub(crate) fn load_at(place: &str, at: Option<&str>) -> anyhow::Result<Institution> {
    let institution = load(place)?;
    let Some(at) = at else {
        if !institution.later.is_empty() {
            let all: Vec<String> = institution.later.iter().filter_map(|version| version.from).map(since).collect();
            let first = all.first().map_or("", String::as_str);
            bail!("{} changes on {}; say the moment, such as --at {first:?}", institution.name, all.join(", "));
        }
        if let Some(layouts) =
            institution.layouts.iter().find(|layouts| layouts.from.is_some() || !layouts.later.is_empty())
        {
            let all = std::iter::once(layouts).chain(&layouts.later);
            let since: Vec<String> = all.filter_map(|version| version.from).map(since).collect();
            bail!(
                "{} changes on {}; say the moment, such as --at {:?}",
                layouts.name,
                since.join(", "),
                since.first().map_or("", String::as_str)
            );
        }
        return Ok(institution);
    };
    match pabal_spec::moment(at) {
        Some(moment) => Ok(institution.at(moment)),
        None => bail!("{at:?} is no moment; it is written \"2026-12-01 00:00\""),
    }
}

/// As a spec writes it: with its seconds only if it has any.
fn since(from: pabal_clock::Civil) -> String {
    let text = format!("{} {}", from.date, from.time);
    text.strip_suffix(":00").map_or_else(|| text.clone(), ToOwned::to_owned)
}

/// The protocol that is named, or the only one.
pub(crate) fn protocol(institution: &Institution, name: Option<&str>) -> anyhow::Result<Arc<Protocol>> {
    let names = || institution.protocols.iter().map(|p| &*p.name).collect::<Vec<_>>().join(", ");
    match name {
        Some(name) => match institution.protocols.iter().find(|p| &*p.name == name) {
            Some(protocol) => Ok(Arc::clone(protocol)),
            None => bail!("{} has no protocol {name:?} (there is: {})", institution.name, names()),
        },
        None if institution.protocols.len() == 1 => Ok(Arc::clone(&institution.protocols[0])),
        None => bail!("{} has several protocols; say which by --protocol ({})", institution.name, names()),
    }
}

/// Telegrams that belong together: those of a protocol, or layouts that are only converted.
#[derive(Clone, Debug)]
pub(crate) enum Part {
    Protocol(Arc<Protocol>),
    Layouts(Arc<Layouts>),
}

impl Part {
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Protocol(protocol) => &protocol.name,
            Self::Layouts(layouts) => &layouts.name,
        }
    }

    pub(crate) fn catalog(&self) -> &Catalog {
        match self {
            Self::Protocol(protocol) => &protocol.catalog,
            Self::Layouts(layouts) => &layouts.catalog,
        }
    }

    /// What a conversation says of its telegrams; layouts have none.
    pub(crate) fn protocol(&self) -> Option<&Protocol> {
        match self {
            Self::Protocol(protocol) => Some(protocol),
            Self::Layouts(_) => None,
        }
    }

    pub(crate) fn exposure(&self, telegram: Telegram<'_, '_>, unmasked: bool) -> Exposure {
        match self {
            Self::Protocol(protocol) => Exposure::new(telegram, protocol, unmasked),
            Self::Layouts(_) => Exposure::of_layout(telegram, unmasked),
        }
    }

    /// A telegram by its name.
    pub(crate) fn find(&self, name: &str) -> anyhow::Result<(TelegramId, &Arc<Layout>)> {
        let catalog = self.catalog();
        if let Some(found) = catalog.find(name) {
            return Ok(found);
        }
        let hint = pabal_telegram::nearest(name, catalog.layouts.iter().map(|layout| layout.name()));
        let hint = hint.map(|nearest| format!("; did you mean {nearest:?}?")).unwrap_or_default();
        bail!("{} has no telegram {name:?}{hint}", self.name())
    }
}

/// All parts of an institution, protocols first.
pub(crate) fn parts(institution: &Institution) -> Vec<Part> {
    let protocols = institution.protocols.iter().cloned().map(Part::Protocol);
    protocols.chain(institution.layouts.iter().cloned().map(Part::Layouts)).collect()
}

/// The part that is named, or the only one, or the only one that has the telegram.
pub(crate) fn part(institution: &Institution, name: Option<&str>, telegram: Option<&str>) -> anyhow::Result<Part> {
    let mut parts = parts(institution);
    let names = parts.iter().map(Part::name).collect::<Vec<_>>().join(", ");
    if let Some(name) = name {
        let found = parts.into_iter().find(|part| part.name() == name);
        return found.with_context(|| format!("{} has no protocol {name:?} (there is: {names})", institution.name));
    }
    if let Some(telegram) = telegram
        && parts.iter().filter(|part| part.catalog().find(telegram).is_some()).count() == 1
    {
        parts.retain(|part| part.catalog().find(telegram).is_some());
    }
    match (parts.pop(), parts.is_empty()) {
        (Some(part), true) => Ok(part),
        _ => bail!("{} has several protocols; say which by --protocol ({names})", institution.name),
    }
}

/// The type code that a telegram has at a place when this side fills it; `None` if the spec leaves it open.
pub(crate) fn type_code(protocol: &Protocol, telegram: TelegramId, side: Side, at: Slice) -> Option<&[u8]> {
    let rules = &protocol.rules;
    let exchanges = rules.exchanges.iter().map(|e| (&e.request, &e.answer));
    let pairs = exchanges.chain(rules.notices.iter().map(|n| (&n.request, &n.answer)));
    let mut codes = pairs
        .map(|(request, answer)| if side == Side::Asker { request } else { answer })
        .filter(|code| code.telegram == telegram)
        .filter_map(|code| code.bytes.iter().find(|(place, _)| *place == at).map(|(_, bytes)| &**bytes));
    let first = codes.next()?;
    codes.all(|code| code == first).then_some(first)
}
