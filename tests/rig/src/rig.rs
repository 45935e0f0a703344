use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use pabal_counterparty::{Later, Ledger, LineId, Request, Scenario, Settings};
use pabal_front::Proof;
use pabal_front::client::{self, Client, HealthCheckRequest, ServingStatus};
use pabal_front::proto::{
    ExchangeResponse, FindRequest, FoundExchange, InquireRequest, InquireResponse, NotFound, find_request,
    find_response,
};
use pabal_gateway::{Config, DrainSummary, Gateway, Handle};
use pabal_journal::{Envelope, Position, Reader};
use pabal_simulator::Simulator;
use pabal_spec::Institution;
use pabal_switch::{OpeningState, Refusal, SessionState, Status};
use tempfile::TempDir;

use crate::asked::Asked;
use crate::house::House;
use crate::options::{Lines, Options, config, config_text, institution, spec_folder};
use crate::patience::{ASK_AGAIN, PATIENCE, soon, until};
use crate::wire::Wire;

/// The institution's line for what we send.
pub const REQUESTS: LineId = LineId(0);
/// The institution's line for what it sends.
pub const ANSWERS: LineId = LineId(1);

/// Bytes of a telegram of 300 bytes on the wire, and of a poll telegram.
const TELEGRAM_BYTES: u64 = 304;
const POLL_BYTES: u64 = 24;

/// The whole bench.
#[derive(Debug)]
pub struct Rig {
    /// `None` while it is not running.
    house: Option<House>,
    client: Client,
    handle: Handle,
    bank: Option<Simulator>,
    /// Where the gateway connects to: the bank, or the wire to it.
    bank_address: SocketAddr,
    wires: Option<(Wire, Wire)>,
    options: Options,
    directory: TempDir,
}

/// What is known of an exchange.
#[derive(Clone, Debug)]
pub enum Standing {
    /// It is known.
    Found(Box<FoundExchange>),
    /// It is not.
    NotFound(NotFound),
}

impl Standing {
    /// The exchange.
    ///
    /// # Panics
    /// It is not known.
    #[must_use]
    pub fn known(self) -> FoundExchange {
        match self {
            Self::Found(found) => *found,
            Self::NotFound(not_found) => panic!("it is not known: {not_found:?}"),
        }
    }
}

impl Rig {
    /// Starts everything. Business is opened by itself; see [`Rig::wait_open`].
    ///
    /// # Panics
    /// Something does not start.
    pub async fn start(options: Options) -> Self {
        let directory = tempfile::tempdir().expect("a place for files");
        let (bank, bank_address) = match options.bank {
            Some(address) => (None, address),
            None => {
                let bank = bank(&options).await;
                let address = bank.local_address(REQUESTS).expect("the gateway connects to it");
                (Some(bank), address)
            }
        };
        // Where the second goes is known when the gateway listens.
        let wires =
            options.wired.map(|bytes| (Wire::to(bank_address, Some(bytes)), Wire::to(bank_address, Some(bytes))));
        let bank_address = wires.as_ref().map_or(bank_address, |(requests, _)| requests.address());
        let folder = spec_folder(directory.path());
        std::fs::create_dir(&folder).expect("a folder");
        for source in &options.spec {
            std::fs::write(folder.join(&source.name), &source.text).expect("a file of the spec");
        }
        let house = House::start(config(&options, bank_address, directory.path())).await.expect("it starts");
        let client = soon("the client connects", client::connect(&house.endpoint())).await.expect("the front listens");
        let handle = house.gateway().handle();
        let rig = Self { house: Some(house), client, handle, bank, bank_address, wires, options, directory };
        if rig.bank.is_some() && rig.options.lines == Lines::Pair {
            rig.let_answers_come();
        }
        rig
    }

    /// Starts everything with a bank that does everything right, and opens business.
    pub async fn open() -> Self {
        Self::open_with(Options::default()).await
    }

    /// Starts everything, and opens business.
    pub async fn open_with(options: Options) -> Self {
        let rig = Self::start(options).await;
        rig.wait_open().await;
        rig
    }

    /// Where the institution connects to.
    ///
    /// # Panics
    /// There is no such line.
    #[must_use]
    pub fn inbound_address(&self) -> SocketAddr {
        self.gateway().local_addresses().first().expect("a line to which they connect").2
    }

    /// The configuration, as this gateway was started with.
    #[must_use]
    pub fn config(&self) -> Config {
        config(&self.options, self.bank_address, self.directory.path())
    }

    /// The same as text, for a process of its own.
    #[must_use]
    pub fn config_text(&self) -> String {
        config_text(&self.options, self.bank_address, self.directory.path())
    }

    /// Puts a text in place of another in the spec that the gateway reads; the bank goes on by the one that it was started with.
    ///
    /// # Panics
    /// It has no such text.
    pub fn edit_spec(&self, from: &str, to: &str) {
        self.edit_file("firmbanking.spec", from, to);
    }

    /// The same in another of its files.
    ///
    /// # Panics
    /// As [`Rig::edit_spec`].
    pub fn edit_file(&self, file: &str, from: &str, to: &str) {
        let path = spec_folder(self.directory.path()).join(file);
        let text = std::fs::read_to_string(&path).expect("the spec is on disk");
        assert!(text.contains(from), "the spec has no {from:?}");
        std::fs::write(&path, text.replacen(from, to, 1)).expect("the file is ours");
    }

    /// Where the gateway's files are.
    #[must_use]
    pub fn data_directory(&self) -> std::path::PathBuf {
        self.directory.path().join("data")
    }

    /// Everything that the journal has, in its order.
    ///
    /// # Panics
    /// It cannot be read.
    #[must_use]
    pub fn envelopes(&self) -> Vec<Envelope> {
        let reader = Reader::open(self.data_directory()).expect("there is a journal");
        let mut all: Vec<Envelope> = Vec::new();
        loop {
            let page = reader.after(all.last().map_or(Position::START, |last| last.position), 1_000);
            match page.expect("it is read") {
                page if page.is_empty() => return all,
                page => all.extend(page),
            }
        }
    }

    /// The gateway's house.
    ///
    /// # Panics
    /// It is not running.
    #[must_use]
    pub const fn house(&self) -> &House {
        self.house.as_ref().expect("it is running")
    }

    /// The gateway.
    #[must_use]
    pub const fn gateway(&self) -> &Gateway {
        self.house().gateway()
    }

    /// What others hold of the gateway; also of one that is gone.
    #[must_use]
    pub const fn handle(&self) -> &Handle {
        &self.handle
    }

    /// A client, connected over gRPC.
    #[must_use]
    pub fn client(&self) -> Client {
        self.client.clone()
    }

    /// The simulated institution.
    ///
    /// # Panics
    /// It is another one.
    #[must_use]
    pub const fn bank(&self) -> &Simulator {
        self.bank.as_ref().expect("the bank is the simulator")
    }

    /// Ends the gateway as a crash would: what it did not write down is gone. The simulated bank stays.
    pub async fn kill(&mut self) {
        if let Some(house) = self.house.take() {
            let ended = tokio::task::spawn_blocking(move || drop(house));
            soon("the gateway ends", ended).await.expect("without a panic");
        }
    }

    /// More of the party, or what follows it, as configuration says it from the next start on.
    pub fn configure(&mut self, party: &str) {
        party.clone_into(&mut self.options.party);
    }

    /// Starts a gateway on the same data directory, after [`Rig::kill`].
    ///
    /// # Panics
    /// It does not start.
    pub async fn start_again(&mut self) {
        self.start_again_without_answers().await;
        self.bank().close_line(ANSWERS);
        self.let_answers_come();
    }

    /// The same, and the bank sends nothing until [`Rig::let_answers_come`].
    ///
    /// # Panics
    /// It does not start.
    pub async fn start_again_without_answers(&mut self) {
        assert!(self.house.is_none(), "it is running");
        let house = House::start(self.config()).await.expect("it starts again");
        self.client = soon("the client connects", client::connect(&house.endpoint())).await.expect("the front listens");
        self.handle = house.gateway().handle();
        self.house = Some(house);
    }

    /// Has the bank connect for what it sends.
    pub fn let_answers_come(&self) {
        self.have_the_bank_connect(self.inbound_address());
    }

    fn have_the_bank_connect(&self, inbound: SocketAddr) {
        let address = self.wires.as_ref().map_or(inbound, |(_, answers)| {
            answers.turn_to(inbound);
            answers.address()
        });
        self.bank().connect_to(ANSWERS, address);
    }

    /// The wire by which the gateway connects to the institution.
    ///
    /// # Panics
    /// There is none ([`Options::wired`]).
    #[must_use]
    pub const fn wire(&self) -> &Wire {
        &self.wires.as_ref().expect("it is wired").0
    }

    /// The wire by which the institution connects for what it sends.
    ///
    /// # Panics
    /// There is none ([`Options::wired`]).
    #[must_use]
    pub const fn answers_wire(&self) -> &Wire {
        &self.wires.as_ref().expect("it is wired").1
    }

    /// Has client and bank turn to a gateway that listens there, after [`Rig::kill`].
    ///
    /// # Panics
    /// It does not listen.
    pub async fn attach(&mut self, endpoint: &str, inbound: SocketAddr) {
        self.client = soon("the client connects", client::connect(endpoint)).await.expect("the front listens");
        if let (Some(bank), Lines::Pair) = (&self.bank, self.options.lines) {
            bank.close_line(ANSWERS);
            self.have_the_bank_connect(inbound);
        }
    }

    /// Stops the gateway in order. The front stays, and calls can still be made to it.
    ///
    /// # Panics
    /// It is not running.
    pub fn drain(&mut self, within: Duration) -> tokio::task::JoinHandle<DrainSummary> {
        self.house.as_mut().expect("it is running").drain(within)
    }

    /// What an operator sees of the institution.
    ///
    /// # Panics
    /// It has no core.
    pub async fn status(&self) -> Status {
        soon("the driver tells its status", self.handle.status("hecto")).await.expect("the driver is there")
    }

    /// Waits until the institution's status is like this.
    ///
    /// # Panics
    /// It does not become so.
    pub async fn wait_status<T>(&self, what: &str, mut is: impl FnMut(&Status) -> Option<T>) -> T {
        let mut last = None;
        let asking = async {
            loop {
                last = self.handle.status("hecto").await;
                if let Some(found) = last.as_ref().and_then(&mut is) {
                    return found;
                }
                tokio::time::sleep(ASK_AGAIN).await;
            }
        };
        let asked = tokio::time::timeout(PATIENCE, asking).await;
        asked.unwrap_or_else(|_| panic!("this did not happen within {PATIENCE:?}: {what}; the last status: {last:#?}"))
    }

    /// Waits until every session is up and all business is open.
    pub async fn wait_open(&self) {
        self.wait_status("all sessions are up and all business is open", |status| {
            let up = status.sessions.iter().all(|session| session.state == SessionState::Up);
            let open = status.openings.iter().all(|opening| opening.state == OpeningState::Open);
            (up && open).then_some(())
        })
        .await;
    }

    /// Waits until a line has, or has not, a session that is up.
    pub async fn wait_line(&self, line: &str, up: bool) {
        self.wait_status(&format!("line {line} is {}", if up { "up" } else { "down" }), |status| {
            let mut sessions = status.sessions.iter().filter(|session| *session.line == *line);
            (sessions.any(|session| session.state == SessionState::Up) == up).then_some(())
        })
        .await;
    }

    /// Makes a call over gRPC.
    ///
    /// # Errors
    /// What the client sees.
    pub async fn call(&self, asked: &Asked) -> Result<ExchangeResponse, tonic::Status> {
        let mut client = self.client();
        let called = soon("the call returns", client.gateway.exchange(asked.to_request())).await;
        called.map(tonic::Response::into_inner)
    }

    /// Makes a call on a task of its own; aborting it cancels the call as a client does that goes away.
    pub fn spawn(&self, asked: &Asked) -> tokio::task::JoinHandle<Result<ExchangeResponse, tonic::Status>> {
        let (mut client, request) = (self.client(), asked.to_request());
        tokio::spawn(async move { client.gateway.exchange(request).await.map(tonic::Response::into_inner) })
    }

    /// Makes a call that succeeds.
    ///
    /// # Panics
    /// It does not.
    pub async fn succeed(&self, asked: &Asked) -> ExchangeResponse {
        let response = self.call(asked).await.unwrap_or_else(|status| panic!("it was refused: {status:?}"));
        assert_eq!(response.outcome(), crate::Outcome::Success, "{response:?}");
        response
    }

    /// What is known of an exchange, by its id or its idempotency key.
    ///
    /// # Panics
    /// `Find` fails.
    pub async fn find(&self, key: find_request::Key, fence: bool) -> Standing {
        let request = FindRequest { institution: "hecto".to_owned(), fence, key: Some(key) };
        let request = client::request(request, Some("rig"), Some(PATIENCE), None).expect("ASCII");
        let mut client = self.client();
        let found = soon("find returns", client.gateway.find(request)).await;
        match found.expect("find does not fail").into_inner().result.expect("it is always set") {
            find_response::Result::Found(found) => Standing::Found(Box::new(found)),
            find_response::Result::NotFound(not_found) => Standing::NotFound(not_found),
        }
    }

    /// What is known of the exchange of a call by its idempotency key, caller `rig`.
    pub async fn find_key(&self, key: &str) -> Standing {
        self.find(find_request::Key::IdempotencyKey(key.to_owned()), false).await
    }

    /// What is known of an exchange by its id.
    pub async fn find_exchange(&self, exchange: &str) -> FoundExchange {
        self.find(find_request::Key::ExchangeId(exchange.to_owned()), false).await.known()
    }

    /// Waits until an exchange is as it should be.
    pub async fn wait_found(&self, what: &str, exchange: &str, is: impl Fn(&FoundExchange) -> bool) -> FoundExchange {
        until(what, async || Some(self.find_exchange(exchange).await).filter(&is)).await
    }

    /// Asks the institution about an UNKNOWN exchange.
    ///
    /// # Errors
    /// What the client sees.
    pub async fn inquire(&self, exchange: &str) -> Result<InquireResponse, tonic::Status> {
        let request = InquireRequest {
            institution: "hecto".to_owned(),
            exchange_id: exchange.to_owned(),
            actor: "the rig".to_owned(),
            reason: "a test".to_owned(),
        };
        let request = client::request(request, Some("rig"), Some(PATIENCE), None).expect("ASCII");
        let mut client = self.client();
        soon("inquire returns", client.control.inquire(request)).await.map(tonic::Response::into_inner)
    }

    /// What the health service says of a name; `hecto` is the institution, the empty one the process.
    ///
    /// # Panics
    /// It knows no such name.
    pub async fn health(&self, service: &str) -> ServingStatus {
        let request = HealthCheckRequest { service: service.to_owned() };
        let mut client = self.client();
        let health = soon("the health service answers", client.health.check(request)).await;
        health.expect("the name is known").into_inner().status()
    }

    /// The requests at the institution that carry the mark of a call.
    #[must_use]
    pub fn seen(&self, asked: &Asked) -> Vec<Request> {
        let has_mark = |bytes: &[u8]| bytes.windows(asked.mark.len()).any(|window| window == asked.mark.as_bytes());
        self.bank().read(|ledger| {
            assert!(!ledger.strangers().iter().any(|stranger| has_mark(&stranger.frame)), "it came as a stranger");
            let requests = ledger.requests().filter(|(_, request)| has_mark(&request.telegram));
            requests.map(|(_, request)| request.clone()).collect()
        })
    }

    /// Waits until the institution's ledger is like this.
    ///
    /// # Panics
    /// It does not become so.
    pub async fn wait_ledger<T>(&self, what: &str, is: impl FnMut(&Ledger) -> Option<T>) -> T {
        soon(what, self.bank().wait_for(is)).await.expect("the bank is there")
    }

    /// Waits until the request of a call has come to the institution.
    pub async fn wait_seen(&self, asked: &Asked) -> Request {
        self.wait_ledger("the request comes to the institution", |ledger| {
            let has_mark = |bytes: &[u8]| bytes.windows(asked.mark.len()).any(|at| at == asked.mark.as_bytes());
            ledger.requests().map(|(_, request)| request).find(|request| has_mark(&request.telegram)).cloned()
        })
        .await
    }

    /// Ends the gateway and waits until the institution has read all that was ever written to it. Then asserts that nothing of these
    /// calls came, and that every byte that came belongs to a whole telegram that is accounted for.
    ///
    /// # Panics
    /// A byte left.
    pub async fn assert_nothing_left(&mut self, calls: &[&Asked]) {
        self.kill().await;
        // A gateway that was resetted by the bank has written nothing behind that.
        self.wait_ledger("every connection of the gateway has ended", |ledger| {
            (ledger.line(REQUESTS).open == 0).then_some(())
        })
        .await;
        for asked in calls {
            assert_eq!(self.seen(asked), [], "bytes of {} left", asked.mark);
        }
        let totals = self.bank().read(Ledger::totals);
        let explained = (totals.requests + totals.notice_replies) * TELEGRAM_BYTES + totals.polls * POLL_BYTES;
        assert_eq!(totals.received_bytes, explained, "bytes came that belong to no telegram: {totals:?}");
        assert_eq!(totals.strangers, 0, "{totals:?}");
    }
}

/// Asserts that an error of `Exchange` proves that nothing left: our ErrorInfo with this reason, and the status code of it.
///
/// # Panics
/// It does not.
pub fn refused<T: std::fmt::Debug>(
    called: Result<T, tonic::Status>,
    refusal: Refusal,
    code: tonic::Code,
) -> (tonic::Status, Proof) {
    let status = called.expect_err("it is refused");
    let Some(proof) = Proof::of(&status) else { panic!("it proves nothing: {status:?}") };
    assert_eq!((proof.reason.as_str(), status.code()), (refusal.word(), code), "{status:?}");
    (status, proof)
}

async fn bank(options: &Options) -> Simulator {
    let institution = institution(&options.spec);
    let speaks = |institution: &Institution| {
        let protocol = Arc::clone(institution.protocols.first().expect("it has one"));
        let scenario = Scenario::parse(&options.scenario, "scenario.toml", &protocol);
        let scenario = scenario.unwrap_or_else(|mistakes| {
            panic!("{}", mistakes.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
        });
        (protocol, Arc::new(scenario))
    };
    let (protocol, scenario) = speaks(&institution);
    let later = institution.later.iter().map(|version| {
        let (protocol, scenario) = speaks(version);
        Later { from: version.begins().expect("it has a date"), protocol, scenario }
    });
    let later = later.collect();
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    let (settings, addresses) = match options.lines {
        Lines::Pair => (Settings::pair(1), vec![Some(any), None]),
        Lines::Duplex => (Settings::duplex(1), vec![Some(any)]),
    };
    let options = pabal_simulator::Options::new(protocol, scenario, settings, addresses);
    let options = pabal_simulator::Options { later, ..options };
    Simulator::start(options).await.expect("the bank starts")
}
