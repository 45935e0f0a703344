//! A gateway and a simulated bank as two processes.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};

use pabal_simulator::at_noon;
use tempfile::TempDir;

use crate::process::{Ended, Live, run};

/// An account that the scenario debits without an answer.
pub(crate) const SILENT: &str = "94320299999999";

pub(crate) struct Stage {
    pub(crate) bank: Option<Live>,
    pub(crate) gateway: Option<Live>,
    /// Where callers come.
    pub(crate) address: String,
    folder: TempDir,
    /// Where both read their spec.
    pub(crate) spec: TempDir,
}

/// A folder with a copy of the shipped spec, at noon.
pub(crate) fn shipped_at_noon() -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../specs/hecto");
    for source in at_noon(pabal_gateway::spec_sources(&shipped).expect("it is shipped")) {
        std::fs::write(folder.path().join(source.name), source.text).expect("a file of the spec");
    }
    folder
}

/// A free port of a loopback address that no other process of these tests uses, so that nobody takes it before it is used.
pub(crate) fn free() -> SocketAddr {
    let [_, _, high, low] = std::process::id().to_be_bytes();
    let address = Ipv4Addr::new(127, 64 | (high & 0x3f), low, 7);
    let listener = TcpListener::bind((address, 0)).expect("a loopback address");
    listener.local_addr().expect("an address")
}

impl Stage {
    /// Everything is there, and business is open with both banks.
    pub(crate) fn open() -> Self {
        Self::open_with(shipped_at_noon())
    }

    /// The same by another spec.
    pub(crate) fn open_with(spec: TempDir) -> Self {
        let answers = free();
        let folder = spec.path().to_str().expect("UTF-8");
        let mut bank = Live::start(&["simulate", folder, "--listen", "127.0.0.1:0", "--connect", &answers.to_string()]);
        let listens = bank.until(&["hecto listens at "]);
        let requests = listens["hecto listens at ".len()..].split_once(": ").expect("an address").0.to_string();
        let mut stage = Self::configured(&requests, answers, spec);
        stage.bank = Some(bank);
        stage.start();
        stage.until_open();
        stage
    }

    /// A gateway whose bank is not there.
    pub(crate) fn without_bank() -> Self {
        let mut stage = Self::configured(&free().to_string(), free(), shipped_at_noon());
        stage.start();
        stage
    }

    fn configured(requests: &str, answers: SocketAddr, spec: TempDir) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let text = format!(
            r#"
            [gateway]
            node = "node-a"
            listen = "127.0.0.1:0"
            [institutions.hecto]
            spec = {place:?}
            [institutions.hecto.limits]
            caller_margin = "1s"                # however busy the host is
            [[institutions.hecto.lines]]
            name = "out"
            protocol = "firmbanking"
            side = "initiator"
            direction = "send"
            address = "{requests}"
            [[institutions.hecto.lines]]
            name = "in"
            protocol = "firmbanking"
            side = "acceptor"
            direction = "receive"
            listen = "{answers}"
            [[institutions.hecto.parties]]
            name = "main"
            fields = {{ id_code = "PABAL", company_no = "PABALCO1" }}
            participants = ["004", "088"]
            "#,
            place = spec.path()
        );
        std::fs::write(folder.path().join("pabal.toml"), text).expect("a configuration");
        Self { bank: None, gateway: None, address: String::new(), folder, spec }
    }

    pub(crate) fn config(&self) -> String {
        self.folder.path().join("pabal.toml").to_str().expect("UTF-8").into()
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Starts the gateway, again perhaps.
    pub(crate) fn start(&mut self) {
        let mut gateway = Live::start(&["serve", "--config", &self.config()]);
        self.address = gateway.until(&["serving at "])["serving at ".len()..].into();
        self.gateway = Some(gateway);
    }

    fn until_open(&mut self) {
        self.gateway().until_all(2, &["opening", "to=open", "it is open"]);
    }

    pub(crate) fn gateway(&mut self) -> &mut Live {
        self.gateway.as_mut().expect("a gateway")
    }

    pub(crate) fn bank(&mut self) -> &mut Live {
        self.bank.as_mut().expect("a bank")
    }

    /// A command that speaks with the gateway.
    pub(crate) fn ask(&self, args: &[&str]) -> Ended {
        run(&[args, &["--address", &self.address]].concat())
    }

    pub(crate) fn transfer(&self, key: &str, amount: &str, account: &str, more: &[&str]) -> Ended {
        self.ask(&[&transfer(key, amount, account).iter().map(String::as_str).collect::<Vec<_>>(), more].concat())
    }
}

/// The arguments of a transfer.
pub(crate) fn transfer(key: &str, amount: &str, account: &str) -> Vec<String> {
    let mut args: Vec<String> = ["call", "hecto", "transfer", "--key", key].map(String::from).into();
    let fields = [
        ("bank_code", "088"),
        ("debit_account", "110123456789"),
        ("passbook_pin", "97531246"),
        ("check_symbol", "402817"),
        ("debit_amt", amount),
        ("credit_bank_code", "004"),
        ("credit_account", account),
        ("memo", "월세"),
    ];
    for (name, value) in fields {
        args.extend(["-f".into(), format!("{name}={value}")]);
    }
    args
}
