mod day;

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use clap::Args;
use pabal_counterparty::{Ledger, LineId, Request};
use pabal_front::client::{self, Client};
use pabal_front::proto::{
    ExchangeRequest, ExchangeResponse, Fields, FindRequest, FindResponse, InquireRequest, Outcome, StatusRequest,
    Value, exchange_request, find_request, find_response, value,
};
use pabal_front::{Front, Options};
use pabal_gateway::{Config, Gateway};
use pabal_journal::{Position, Reader};
use pabal_simulator::{Simulator, at_noon};
use pabal_spec::{Exposure, Protocol};
use pabal_switch::Entry;
use pabal_telegram::{Side, Telegram};

use crate::byte_table::byte_table;
use crate::table::{Align, Table};
use crate::{decode, exit, print, serve, simulate, specs};

/// Show the main job in one process: three transfers and an inquiry, or a whole day.
///
/// The gateway and the bank speak over loopback TCP, the caller and the gateway over gRPC, and the journal is a real one in a temporary
/// folder. Exit code 0 if each outcome is what it has to be, 1 if one is not.
///
/// With --day, a business day of 36 banks on a clock that does not wait: openings, transfers, notices, a hole in their numbers, a silent
/// bank, a restart, midnight. Exit code 0 if the gateway's journal and the banks' ledger agree, 1 if they do not.
#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// A business day of 36 banks, in seconds
    #[arg(long)]
    day: bool,
    /// The simulated banks' seed
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

const INSTITUTION: &str = "hecto";
const CALLER: &str = "demo";
/// How long a caller waits for an answer that comes.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long the caller of the transfer that is not answered waits; the institution would have 30 seconds.
const SHORT_PATIENCE: Duration = Duration::from_secs(2);
/// How long sessions and openings may take to be there.
const START_MAX: Duration = Duration::from_secs(20);
/// Entries of the journal that are read at most.
const ENTRIES_MAX: usize = 1_000;
/// How long the whole may take.
const DEMO_MAX: Duration = Duration::from_secs(55);

impl Demo {
    pub(crate) fn run(self) -> anyhow::Result<u8> {
        if self.day {
            return day::run(self.seed);
        }
        serve::log(false, "error");
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        let result = runtime.block_on(async { tokio::time::timeout(DEMO_MAX, self.show()).await });
        match result {
            Ok(Ok(())) => Ok(exit::DONE),
            Ok(Err(error)) => {
                err!("pabal demo: {error:#}");
                Ok(exit::FAILURE)
            }
            Err(_) => {
                err!("pabal demo: not done within {DEMO_MAX:?}");
                Ok(exit::FAILURE)
            }
        }
    }

    async fn show(&self) -> anyhow::Result<()> {
        let mut stage = Stage::set(self.seed).await?;
        title("1. A transfer that succeeds");
        out!("The gateway numbers and stamps the request, writes it down, sends it by one socket, and finds the");
        out!("answer on the other by its key.\n");
        let first = stage.transfer("demo-1", "150000", "301000000001", PATIENCE).await?;
        expect(&first, Outcome::Success)?;
        stage.show_wire(&first).await?;
        out!("\nWhat the journal has of it; `sending` was durable before the first byte left:\n");
        stage.show_found(&first.exchange_id).await?;

        title("2. A transfer that the bank refuses");
        out!("Its code stands as `refused` in the spec's table: the bank says that it moved nothing. That is final.\n");
        let second = stage.transfer("demo-2", "20000000", "301000000002", PATIENCE).await?;
        expect(&second, Outcome::Failure)?;

        title("3. A transfer that is not answered");
        out!("The bank debits this account and says nothing. The caller has 2 seconds, and is told the truth: nobody");
        out!("knows. That is no error, and nothing is sent again.\n");
        let third = stage.transfer("demo-3", "70000", "94320299999999", SHORT_PATIENCE).await?;
        expect(&third, Outcome::Unknown)?;
        out!();
        stage.show_found(&third.exchange_id).await?;

        title("4. Meanwhile the bank has told of a deposit");
        out!("A notice is an exchange that the bank starts. The gateway writes it down, then answers by itself.\n");
        stage.show_deposit().await?;

        title("5. What became of the third transfer? One inquiry, by hand");
        out!(
            "The caller has stopped waiting, but the bank has 30 seconds to answer (its spec: `timeout 30s`). It is not"
        );
        out!("asked before they are over, as it may still be at work. Waiting ...");
        stage.wait_until_its_time_is_over(&third.exchange_id).await?;
        out!("\n$ pabal inquire hecto {} --reason \"the customer is waiting\"", third.exchange_id);
        let settled = stage.inquire(&third.exchange_id).await?;
        for line in print::find(&settled, None) {
            out!("{line}");
        }
        let outcome = match &settled.result {
            Some(find_response::Result::Found(found)) => found.outcome,
            _ => bail!("the exchange is not found after its inquiry"),
        };
        ensure!(outcome == Outcome::Success as i32, "the inquiry should have settled it as SUCCESS");

        title("The bank's books");
        stage.compare_books()?;
        stage.end().await;
        Ok(())
    }
}

fn title(text: &str) {
    out!("\n== {text}\n");
}

fn expect(response: &ExchangeResponse, wanted: Outcome) -> anyhow::Result<()> {
    ensure!(
        response.outcome == wanted as i32,
        "the outcome should have been {}, and is {} ({})",
        print::outcome(wanted as i32),
        print::outcome(response.outcome),
        print::reason(response.cause)
    );
    Ok(())
}

/// A gateway, a bank and a caller.
struct Stage {
    protocol: Arc<Protocol>,
    simulator: Simulator,
    gateway: Gateway,
    front: pabal_front::Running,
    client: Client,
    /// Holds the journal; gone at the end.
    folder: tempfile::TempDir,
}

impl Stage {
    async fn set(seed: u64) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir().context("cannot make a temporary folder")?;
        let spec = at_noon(specs::sources(INSTITUTION)?);
        let institution = specs::parse(INSTITUTION, &spec)?;
        let protocol = specs::protocol(&institution, None)?;
        let scenario = simulate::scenario(INSTITUTION, "demo", &protocol)?;
        let anywhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let options = simulate::options(Arc::clone(&protocol), scenario, anywhere, None, false, 1, seed);
        let simulator = Simulator::start(options).await.context("cannot start the simulated bank")?;
        let bank = simulator.local_address(LineId(0)).context("the bank listens nowhere")?;

        let config = format!(
            r#"
            [gateway]
            data_dir = {data:?}
            listen = "127.0.0.1:0"
            [institutions.hecto]
            spec = "hecto"
            [institutions.hecto.limits]
            caller_margin = "200ms"
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
            [[institutions.hecto.parties]]
            name = "main"
            fields = {{ id_code = "PABAL", company_no = "PABALCO1" }}
            participants = ["004", "088"]
            "#,
            data = folder.path().join("data"),
        );
        let config = Config::parse(&config, "demo").context("the demo's own configuration")?;
        let config = config.with_spec(INSTITUTION, spec);
        let listen = config.listen().clone();
        let gateway = Gateway::start(config).await.context("cannot start the gateway")?;
        let answers = gateway.local_addresses().into_iter().find(|(_, line, _)| line == "in").map(|(_, _, at)| at);
        let answers = answers.context("line `in` listens nowhere")?;
        simulator.connect_to(LineId(1), answers);
        let front = Front::serve(gateway.handle(), Options::new(listen)).await.context("cannot serve gRPC")?;
        let client = client::connect(&front.endpoint()).await?;

        out!("A gateway, a simulated bank ({}) and a caller in one process, for half a minute.", institution.label);
        out!("The bank stands where it is noon now: its day has begun, and does not end meanwhile.\n");
        out!("  gRPC        {}: where callers come", front.endpoint());
        out!("  line `out`  to {bank}: requests leave here, and our replies to notices");
        out!("  line `in`   at {answers}: answers come here, by another socket, and the bank's notices");
        out!("  journal     {}", folder.path().join("data").display());
        let mut stage = Self { protocol, simulator, gateway, front, client, folder };
        stage.wait_until_open().await?;
        Ok(stage)
    }

    /// Until both sessions are up and business is open with every bank.
    async fn wait_until_open(&mut self) -> anyhow::Result<()> {
        let open = async {
            loop {
                let request = StatusRequest { institution: INSTITUTION.into() };
                let status = self.client.control.status(request).await?.into_inner();
                let Some(status) = status.institutions.into_iter().next() else { bail!("no status of {INSTITUTION}") };
                if !status.openings.is_empty() && status.openings.iter().all(|o| o.state == "open") {
                    return Ok(status);
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let status = tokio::time::timeout(START_MAX, open).await.context("business was not opened in time")??;
        for session in &status.sessions {
            out!("  session     {}/{}: {}", session.line, session.slot, session.state);
        }
        for opening in &status.openings {
            out!(
                "  opening     {}: {}",
                opening.values.iter().map(|value| value.trim()).collect::<Vec<_>>().join(" "),
                opening.state
            );
        }
        Ok(())
    }

    async fn transfer(
        &mut self,
        key: &str,
        amount: &str,
        account: &str,
        patience: Duration,
    ) -> anyhow::Result<ExchangeResponse> {
        let fields = [
            ("bank_code", "088"),
            ("debit_account", "110123456789"),
            ("passbook_pin", "1234"),
            ("check_symbol", "A1B2C3"),
            ("debit_amt", amount),
            ("credit_bank_code", "011"),
            ("credit_account", account),
            ("memo", "급여"),
            ("credit_account_holder_name", "홍길동"),
        ];
        let shown: Vec<String> = fields
            .iter()
            .filter(|(name, _)| matches!(*name, "bank_code" | "debit_amt" | "credit_bank_code" | "credit_account"))
            .map(|(name, value)| format!("-f {name}={value}"))
            .collect();
        out!(
            "$ pabal call hecto transfer --key {key} --timeout {}s --accept-early-unknown {} ...",
            patience.as_secs(),
            shown.join(" ")
        );
        let values: BTreeMap<String, Value> = fields
            .iter()
            .map(|(name, text)| ((*name).to_string(), Value { kind: Some(value::Kind::Text((*text).to_string())) }))
            .collect();
        let message = ExchangeRequest {
            institution: INSTITUTION.into(),
            exchange: "transfer".into(),
            body: Some(exchange_request::Body::Fields(Fields { values })),
            party: String::new(),
            idempotency_key: key.into(),
            accept_early_unknown: true,
        };
        let request = client::request(message, Some(CALLER), Some(patience), None)?;
        let response = match self.client.gateway.exchange(request).await {
            Ok(response) => response.into_inner(),
            Err(status) => {
                bail!("the transfer was refused: {} {}", client::refusal(&status).unwrap_or_default(), status.message())
            }
        };
        for line in print::exchange(&response, false) {
            out!("{line}");
        }
        Ok(response)
    }

    /// The bytes of a request as the bank received them, and of the answer as the caller has it.
    async fn show_wire(&self, response: &ExchangeResponse) -> anyhow::Result<()> {
        let number = response.telegram_number.clone();
        let request = self.simulator.wait_for(|ledger| self.request_of(ledger, &number)).await?;
        self.show_telegram("The request on the wire, as the bank received it", &request.telegram)?;
        self.show_telegram("The answer on the wire, by the other socket", &response.raw)
    }

    fn request_of(&self, ledger: &Ledger, number: &str) -> Option<Request> {
        let at = self.protocol.rules.number.at;
        let wanted: u64 = number.parse().ok()?;
        ledger
            .requests()
            .map(|(_, request)| request)
            .find(|request| {
                let digits = at.of(&request.telegram).and_then(|bytes| std::str::from_utf8(bytes).ok());
                &*request.exchange == "transfer" && digits.and_then(|d| d.parse().ok()) == Some(wanted)
            })
            .cloned()
    }

    fn show_telegram(&self, caption: &str, bytes: &[u8]) -> anyhow::Result<()> {
        let Ok(id) = self.protocol.catalog.select(bytes) else {
            bail!("the telegram on the wire is not one of the spec")
        };
        let telegram = Telegram::new(self.protocol.catalog.layout(id), bytes, self.protocol.side(id, bytes));
        out!("\n{caption} ({} bytes behind {:?}):", bytes.len(), format!("{:04}", bytes.len()));
        let exposure = Exposure::new(telegram, &self.protocol, false);
        for line in byte_table(telegram, &exposure).lines() {
            out!("  {line}");
        }
        Ok(())
    }

    /// A deposit notice as the bank sent it, and what the journal has of it.
    async fn show_deposit(&self) -> anyhow::Result<()> {
        let answered = |ledger: &Ledger| ledger.notices().map(|(_, n)| n).find(|n| !n.replies.is_empty()).cloned();
        let notice = tokio::time::timeout(PATIENCE, self.simulator.wait_for(answered));
        let notice = notice.await.context("the bank's notice was not answered in time")??;
        let Ok(id) = self.protocol.catalog.select(&notice.telegram) else { bail!("the notice is not one of the spec") };
        let telegram = Telegram::new(self.protocol.catalog.layout(id), &notice.telegram, Side::Asker);
        let exposure = Exposure::new(telegram, &self.protocol, false);
        let mut table = Table::new(&[("  field", Align::Left), ("value", Align::Left)]);
        for (name, value) in decode::values(telegram, &exposure) {
            if let Some(value) = value.filter(|value| !value.trim().is_empty()) {
                table.row(vec![format!("  {name}"), value]);
            }
        }
        for line in table.lines() {
            out!("{line}");
        }
        out!("journal");
        let entries =
            Reader::open(self.folder.path().join("data"))?.by_institution(INSTITUTION, Position::START, ENTRIES_MAX)?;
        let mut received = None;
        for entry in &entries {
            let columns = &entry.columns;
            match Entry::decode(&entry.kind, entry.version, &entry.body) {
                Ok(Entry::NoticeReceived(this)) if *this.telegram.bytes == *notice.telegram => {
                    let number = columns.their_number.as_deref().unwrap_or("?");
                    out!(
                        "   +0.000 s  notice_received  number {number} of theirs, session {}",
                        columns.session.as_deref().unwrap_or("?")
                    );
                    received = Some((this.notice, entry.at));
                }
                Ok(Entry::NoticeReplied(this)) if received.is_some_and(|(id, _)| id == this.notice) => {
                    let after = received.map_or(0, |(_, at)| entry.at - at);
                    out!(
                        "  {:>9}  notice_replied   session {}",
                        print::seconds(after),
                        columns.session.as_deref().unwrap_or("?")
                    );
                }
                _ => {}
            }
        }
        let code = notice.replies.first().map(|code| code.escape_ascii().to_string()).unwrap_or_default();
        out!("The bank has the gateway's answer: response code {code}.");
        ensure!(code == "0000", "the notice should have been answered 0000");
        Ok(())
    }

    async fn found(&mut self, exchange: &str) -> anyhow::Result<FindResponse> {
        let message = FindRequest {
            institution: INSTITUTION.into(),
            key: Some(find_request::Key::ExchangeId(exchange.into())),
            fence: false,
        };
        let request = client::request(message, Some(CALLER), None, None)?;
        Ok(self.client.gateway.find(request).await?.into_inner())
    }

    /// Until the exchange no longer waits for an answer.
    async fn wait_until_its_time_is_over(&mut self, exchange: &str) -> anyhow::Result<()> {
        loop {
            match self.found(exchange).await?.result {
                Some(find_response::Result::Found(found)) if found.state == "unknown" => return Ok(()),
                Some(find_response::Result::Found(_)) => tokio::time::sleep(Duration::from_millis(200)).await,
                _ => bail!("the exchange is not found"),
            }
        }
    }

    async fn show_found(&mut self, exchange: &str) -> anyhow::Result<()> {
        out!("$ pabal find hecto {exchange}");
        let found = self.found(exchange).await?;
        for line in print::find(&found, None) {
            out!("{line}");
        }
        Ok(())
    }

    async fn inquire(&mut self, exchange: &str) -> anyhow::Result<FindResponse> {
        let message = InquireRequest {
            institution: INSTITUTION.into(),
            exchange_id: exchange.into(),
            actor: "demo".into(),
            reason: "the customer is waiting".into(),
        };
        let request = client::request(message, Some(CALLER), Some(PATIENCE), None)?;
        let response = match self.client.control.inquire(request).await {
            Ok(response) => response.into_inner(),
            Err(status) => bail!("the inquiry was refused: {}", status.message()),
        };
        response.original.context("the inquiry tells nothing of the original")
    }

    /// What the bank did is what the caller was told.
    fn compare_books(&self) -> anyhow::Result<()> {
        let totals = self.simulator.read(Ledger::totals);
        out!(
            "The simulated bank executed {} transfers, {} won in all; {} requests came twice.",
            totals.executed,
            totals.amount,
            totals.duplicates
        );
        ensure!(totals.duplicates == 0, "a telegram was sent twice");
        ensure!(totals.amount == 150_000 + 70_000, "the bank moved another amount than the outcomes say");
        out!("They agree with the outcomes: 150000 and 70000 were moved, 20000000 was not.");
        Ok(())
    }

    async fn end(self) {
        drop(self.client);
        self.front.shutdown(Duration::from_secs(2)).await;
        self.gateway.drain(Duration::from_secs(2)).await;
        self.simulator.stop().await;
    }
}
