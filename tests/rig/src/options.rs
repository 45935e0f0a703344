use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use pabal_gateway::{Config, spec_sources};
use pabal_simulator::at_noon;
use pabal_spec::{Institution, Source};

/// How gateway and institution are connected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lines {
    /// Line `out` carries what we send, line `in` what they send.
    Pair,
    /// Line `both`.
    Duplex,
}

/// What a rig is made of.
#[derive(Clone, Debug)]
pub struct Options {
    /// How the institution behaves: the text of a scenario file.
    pub scenario: String,
    /// The spec, for both sides.
    pub spec: Vec<Source>,
    /// How they are connected.
    pub lines: Lines,
    /// How long the gateway waits before it connects again.
    pub reconnect: &'static str,
    /// Other settings of `[line]`.
    pub line: String,
    /// Settings of `[limits]`.
    pub limits: String,
    /// Settings of `[journal]`.
    pub journal: String,
    /// Banks whose business is opened.
    pub participants: Vec<&'static str>,
    /// More of the party, as configuration says it.
    pub party: String,
    /// A bank that is already there, instead of the simulator.
    pub bank: Option<SocketAddr>,
    /// Between gateway and institution lie wires, [`crate::Rig::wire`] and [`crate::Rig::answers_wire`], whose kernel takes so many bytes.
    pub wired: Option<u32>,
}

impl Default for Options {
    /// A one-way pair with a bank that does everything right.
    fn default() -> Self {
        Self {
            scenario: scenario("normal"),
            spec: spec(),
            lines: Lines::Pair,
            reconnect: "20ms",
            line: String::new(),
            limits: String::new(),
            journal: String::new(),
            participants: vec!["088"],
            party: String::new(),
            bank: None,
            wired: None,
        }
    }
}

/// A scenario that is shipped.
///
/// # Panics
/// There is none of this name.
#[must_use]
pub fn scenario(name: &str) -> String {
    let path = hecto().join("scenarios").join(format!("{name}.toml"));
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The spec that is shipped, at noon.
///
/// # Panics
/// It cannot be read.
#[must_use]
pub fn spec() -> Vec<Source> {
    at_noon(spec_sources(&hecto()).expect("the spec is shipped"))
}

/// The spec that is shipped, at noon, with a text in place of another.
///
/// # Panics
/// The other is not in it.
#[must_use]
pub fn spec_with(from: &str, to: &str) -> Vec<Source> {
    let mut sources = spec();
    let source = sources.iter_mut().find(|source| source.text.contains(from)).expect("the text is in the spec");
    source.text = source.text.replacen(from, to, 1);
    sources
}

/// The institution's folder.
pub(crate) fn hecto() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../specs/hecto")
}

/// Where the gateway reads its spec.
pub(crate) fn spec_folder(directory: &Path) -> PathBuf {
    directory.join("spec")
}

/// The institution of a spec.
pub(crate) fn institution(spec: &[Source]) -> Institution {
    let loaded = pabal_spec::load(spec);
    loaded.unwrap_or_else(|mistakes| panic!("{mistakes:#?}")).institution
}

/// The gateway's configuration, for a bank that listens there and files in this directory.
pub(crate) fn config(options: &Options, bank: SocketAddr, directory: &Path) -> Config {
    let text = config_text(options, bank, directory);
    Config::parse(&text, "pabal.toml").unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// The same as text.
pub(crate) fn config_text(options: &Options, bank: SocketAddr, directory: &Path) -> String {
    let lines = match options.lines {
        Lines::Pair => format!(
            r#"
[[institutions.hecto.lines]]
name = "out"
protocol = "firmbanking"
side = "initiator"
direction = "send"
address = "{bank}"
[[institutions.hecto.lines]]
name = "in"
protocol = "firmbanking"
side = "acceptor"
direction = "receive"
listen = "127.0.0.1:0"
"#
        ),
        Lines::Duplex => format!(
            r#"
[[institutions.hecto.lines]]
name = "both"
protocol = "firmbanking"
side = "initiator"
direction = "duplex"
address = "{bank}"
"#
        ),
    };
    let Options { reconnect, line, limits, journal, participants, party, .. } = options;
    format!(
        r#"
[gateway]
data_dir = {data:?}
node = "rig"
listen = "127.0.0.1:0"
[journal]
{journal}
[limits]
{limits}
[line]
reconnect_min = "{reconnect}"
reconnect_max = "60s"
close_grace = "200ms"
{line}
[institutions.hecto]
spec = {spec:?}
{lines}
[[institutions.hecto.parties]]
name = "main"
fields = {{ id_code = "PABAL", company_no = "PABALCO1" }}
participants = {participants:?}
{party}
"#,
        data = directory.join("data"),
        spec = spec_folder(directory),
    )
}
