//! A gateway with one institution, and the bank that it speaks with.

use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::mpsc::Receiver;
use std::time::Duration;

use pabal_simulator::at_noon;
use pabal_spec::Source;
use tempfile::TempDir;

use super::peer::{PATIENCE, Peer, answered, is_open_request};
use crate::{Body, Call, Config, Gateway, Handle, Health};

pub(super) struct House {
    pub(super) gateway: Gateway,
    pub(super) handle: Handle,
    pub(super) peer: Peer,
    pub(super) directory: TempDir,
}

/// The shipped spec of Hecto.
pub(crate) fn specs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../specs/hecto")
}

/// The same at noon: business with it is open whenever somebody tests, and there is time to ask.
pub(super) fn sources() -> Vec<Source> {
    at_noon(crate::spec_sources(&specs()).unwrap())
}

/// Where the gateway reads it; a test may edit what is there.
fn spec_folder(directory: &Path) -> PathBuf {
    let folder = directory.join("spec");
    if !folder.exists() {
        std::fs::create_dir(&folder).unwrap();
        for source in sources() {
            std::fs::write(folder.join(source.name), source.text).unwrap();
        }
    }
    folder
}

/// A configuration for Hecto whose bank listens at `out`; `more` is TOML that goes before it.
pub(super) fn config(directory: &Path, out: SocketAddr, more: &str) -> Config {
    Config::parse(&config_text(directory, out, more), "pabal.toml").unwrap()
}

pub(super) fn config_text(directory: &Path, out: SocketAddr, more: &str) -> String {
    let spec = spec_folder(directory);
    // What begins with this table goes into it.
    let (more, line) = more.strip_prefix("[line]\n").map_or((more, ""), |line| ("", line));
    let (more, gateway) = more.strip_prefix("[gateway]\n").map_or((more, ""), |gateway| ("", gateway));
    format!(
        r#"
{more}
[gateway]
data_dir = {data:?}
node = "test"
{gateway}[line]
{line}
reconnect_min = "50ms"
close_grace = "100ms"
[institutions.hecto]
spec = {spec:?}
[[institutions.hecto.lines]]
name = "out"
protocol = "firmbanking"
side = "initiator"
direction = "send"
address = "{out}"
[[institutions.hecto.lines]]
name = "in"
protocol = "firmbanking"
side = "acceptor"
direction = "receive"
listen = "127.0.0.1:0"
[[institutions.hecto.parties]]
name = "main"
fields = {{ id_code = "PABAL", company_no = "PABALCO1" }}
participants = ["088"]
"#,
        data = directory.join("data"),
    )
}

/// Hecto, and another institution that is the same but for its name and address.
pub(super) fn twins(directory: &Path, hecto: &Peer, twin: &Peer, more: &str) -> Config {
    let mut sources = sources();
    for source in &mut sources {
        source.text = source.text.replace("\ninstitution hecto ", "\ninstitution twin ");
    }
    let text = config_text(directory, hecto.address, more);
    let from = text.find("[institutions.hecto]").unwrap();
    let other = text[from..].replace("institutions.hecto", "institutions.twin");
    let both = text.clone() + &other.replace(&hecto.address.to_string(), &twin.address.to_string());
    Config::parse(&both, "pabal.toml").unwrap().with_spec("twin", sources)
}

impl House {
    pub(super) async fn start() -> Self {
        Self::start_with("").await
    }

    pub(super) async fn start_with(more: &str) -> Self {
        Self::start_as(more, |config| config).await
    }

    /// With a bank whose kernel takes few bytes that nobody reads.
    pub(super) async fn start_small(more: &str) -> Self {
        Self::start_at(Peer::start_small(), more, |config| config).await
    }

    /// The institution has less time to answer a transfer than the shipped spec says.
    pub(super) async fn start_impatient() -> Self {
        let mut sources = sources();
        let spec = sources.iter_mut().find(|source| source.name == "firmbanking.spec").unwrap();
        let (from, to) = ("effect money  timeout 30s", "effect money  timeout 200ms");
        assert!(spec.text.contains(from));
        spec.text = spec.text.replace(from, to);
        Self::start_as("", |config| config.with_spec("hecto", sources)).await
    }

    async fn start_as(more: &str, edit: impl FnOnce(Config) -> Config) -> Self {
        Self::start_at(Peer::start(), more, edit).await
    }

    pub(super) async fn start_at(peer: Peer, more: &str, edit: impl FnOnce(Config) -> Config) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let gateway = Gateway::start(edit(config(directory.path(), peer.address, more))).await.unwrap();
        let handle = gateway.handle();
        Self { gateway, handle, peer, directory }
    }

    pub(super) fn inbound_address(&self) -> SocketAddr {
        self.gateway.local_addresses()[0].2
    }

    /// Both halves: the gateway's connection to the bank, and the bank's to the gateway.
    pub(super) fn connect(&self) -> (TcpStream, TcpStream) {
        (self.peer.accept(), TcpStream::connect(self.inbound_address()).unwrap())
    }

    /// A bank that opens business, and answers other requests by `answer`. Returns when business is open.
    pub(super) async fn open(&self, answer: impl Fn(&[u8]) -> Vec<Vec<u8>> + Send + 'static) -> Receiver<Vec<u8>> {
        let (out, inbound) = self.connect();
        let telegrams = Peer::answer_by(out, inbound, move |telegram| match is_open_request(telegram) {
            true => vec![answered(telegram, b"0000")],
            false => answer(telegram),
        });
        let opening = tokio::task::spawn_blocking(move || (telegrams.recv_timeout(PATIENCE).unwrap(), telegrams));
        let (opening, telegrams) = opening.await.unwrap();
        assert!(is_open_request(&opening));
        self.wait_until_open().await;
        telegrams
    }

    /// Waits until business is open.
    pub(super) async fn wait_until_open(&self) {
        self.wait_for(|handle| async move {
            let status = handle.status("hecto").await.unwrap();
            status.openings.iter().all(|opening| opening.state == pabal_switch::OpeningState::Open)
        })
        .await;
    }

    /// Asks again with every turn of the runtime until it holds.
    pub(super) async fn wait_for<F: Future<Output = bool>>(&self, holds: impl Fn(Handle) -> F) {
        let waited = tokio::time::timeout(PATIENCE, async {
            while !holds(self.handle.clone()).await {
                tokio::task::yield_now().await;
            }
        });
        waited.await.expect("it comes to hold");
    }

    pub(super) async fn health(&self, expected: impl Fn(&Health) -> bool) -> Health {
        let mut health = self.handle.health("hecto").unwrap();
        let found =
            tokio::time::timeout(PATIENCE, health.wait_for(expected)).await.expect("health comes to this").unwrap();
        found.clone()
    }
}

/// A transfer as a service would ask for it.
pub(super) fn transfer() -> Call {
    let fields = [
        ("bank_code", "088"),
        ("debit_account", "11012345678901"),
        ("passbook_pin", "12345678"),
        ("check_symbol", "123456"),
        ("debit_amt", "150000"),
        ("credit_bank_code", "004"),
        ("credit_account", "99912345678901"),
        ("memo", "rent"),
    ];
    Call {
        institution: "hecto".to_owned(),
        exchange: "transfer".to_owned(),
        body: Body::Fields(fields.map(|(name, value)| (name.to_owned(), value.into())).to_vec()),
        party: None,
        caller: "payroll".to_owned(),
        idempotency_key: None,
        timeout: Some(Duration::from_secs(20)),
        accepts_early_unknown: true,
        trace: Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned()),
    }
}
