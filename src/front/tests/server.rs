//! A real gateway behind a real server. Its institution does not answer the telephone, or is a simulator that follows a shipped scenario.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use pabal_counterparty::{LineId, Scenario, Settings};
use pabal_front::client::{self, Client, HealthCheckRequest, ServingStatus};
use pabal_front::proto::command_request::Command;
use pabal_front::proto::exchange_request::Body;
use pabal_front::proto::search_request::By;
use pabal_front::proto::serve_request::Action;
use pabal_front::proto::serve_response::Event;
use pabal_front::proto::{
    Block, CommandLine, CommandRequest, CommandsRequest, CompartmentName, DrainCompartment, DrainInstitution,
    ExchangeRequest, Fields, FindRequest, FoundExchange, InquireRequest, KeyOfCaller, LineName, LineStatus,
    OpeningName, Outcome, Reason, Received, ReloadSpecRequest, Reply, SearchRequest, ServeRequest, ServeResponse,
    ShowRequest, StatusRequest, Subscribe, Value, find_request, find_response, reply, value,
};
use pabal_front::{Front, ListenError, Options, Proof, Running};
use pabal_gateway::{Config, Gateway, Listen};
use pabal_simulator::{Simulator, at_noon};
use pabal_spec::Source;
use tokio::sync::mpsc;
use tonic::{Code, Status, Streaming};
use tonic_types::StatusExt;

/// Longer than anything takes here, so that a test ends.
const PATIENCE: Duration = Duration::from_secs(30);

struct Bench {
    bank: Option<Simulator>,
    front: Running,
    client: Client,
    gateway: Gateway,
    directory: tempfile::TempDir,
}

fn hecto() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../specs/hecto")
}

fn spec() -> Vec<Source> {
    at_noon(pabal_gateway::spec_sources(&hecto()).expect("shipped"))
}

/// A gateway with one institution that nobody listens for, and a front on `listen` (below the bench's directory, if it is a path).
async fn bench(listen: Option<&str>) -> Bench {
    // Bound and not listening any more: connecting is refused for as long as nobody else takes the port.
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").expect("any free port").local_addr().expect("bound");
    bench_at(nobody, None, listen).await
}

/// The same with a bank that follows a shipped scenario, and business is open.
async fn bench_with(scenario: &str) -> Bench {
    let spec = spec();
    let protocol = pabal_spec::load(&spec).expect("it is right").institution.protocols[0].clone();
    let text = std::fs::read_to_string(hecto().join("scenarios").join(scenario)).expect("shipped");
    let scenario = Scenario::parse(&text, scenario, &protocol).expect("it is right");
    let listen = Some("127.0.0.1:0".parse().expect("an address"));
    let options = pabal_simulator::Options::new(protocol, Arc::new(scenario), Settings::duplex(1), vec![listen]);
    let bank = Simulator::start(options).await.expect("any free port");
    let address = bank.local_address(LineId(0)).expect("it listens");
    let mut bench = bench_at(address, Some(bank), None).await;
    let is_open = async {
        loop {
            let status = bench.client.control.status(StatusRequest::default()).await.expect("it is told").into_inner();
            if status.institutions[0].openings.iter().any(|opening| opening.state == "open") {
                return;
            }
        }
    };
    tokio::time::timeout(PATIENCE, is_open).await.expect("business is opened");
    bench
}

async fn bench_at(address: SocketAddr, bank: Option<Simulator>, listen: Option<&str>) -> Bench {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let config = format!(
        r#"
        [gateway]
        data_dir = "data"
        [institutions.hecto]
        spec = "hecto"
        [[institutions.hecto.lines]]
        name = "out"
        protocol = "firmbanking"
        side = "initiator"
        direction = "duplex"
        address = "{address}"
        [[institutions.hecto.parties]]
        name = "main"
        fields = {{ id_code = "HFB000001", company_no = "PABAL01" }}
        participants = ["088"]
        "#
    );
    let file = directory.path().join("pabal.toml");
    let config = Config::parse(&config, file.to_str().expect("UTF-8")).unwrap_or_else(|error| panic!("{error}"));
    let config = config.with_spec("hecto", spec());
    let gateway = Gateway::start(config).await.unwrap_or_else(|error| panic!("{error}"));
    let listen = match listen {
        Some(name) => Listen::Unix(directory.path().join(name)),
        None => Listen::Tcp("127.0.0.1:0".parse().expect("an address")),
    };
    let front = Front::serve(gateway.handle(), Options::new(listen)).await.expect("it listens");
    let client = client::connect(&front.endpoint()).await.expect("it listens");
    Bench { bank, front, client, gateway, directory }
}

impl Bench {
    async fn end(self) {
        drop(self.client);
        self.front.shutdown(Duration::from_secs(10)).await;
        let drained = self.gateway.drain(Duration::from_secs(1)).await;
        assert!(drained.is_complete(), "{drained:?}");
        drop((self.directory, self.bank));
    }

    async fn refused(&mut self, request: ExchangeRequest) -> (Code, Proof) {
        let status = self.client.gateway.exchange(request).await.expect_err("it is refused");
        let proof = Proof::of(&status).unwrap_or_else(|| panic!("no proof in {status:?}"));
        (status.code(), proof)
    }

    async fn health(&mut self, name: &str) -> ServingStatus {
        let request = HealthCheckRequest { service: name.to_owned() };
        self.client.health.check(request).await.expect("it is known").into_inner().status()
    }
}

fn text(text: &str) -> Value {
    Value { kind: Some(value::Kind::Text(text.to_owned())) }
}

/// All that the asker of a transfer must give; see specs/hecto/samples/transfer_request.toml.
fn transfer() -> ExchangeRequest {
    let values = [
        ("bank_code", text("088")),
        ("debit_account", text("110123456789")),
        ("passbook_pin", text("1234")),
        ("check_symbol", text("402817")),
        ("memo", text("１１월　급여　")),
        ("credit_bank_code", text("004")),
        ("credit_account", text("12345678901234")),
        ("debit_amt", Value { kind: Some(value::Kind::Int64(150_000)) }),
    ];
    ExchangeRequest {
        institution: "hecto".to_owned(),
        exchange: "transfer".to_owned(),
        body: Some(Body::Fields(Fields { values: values.map(|(name, value)| (name.to_owned(), value)).into() })),
        accept_early_unknown: true,
        ..ExchangeRequest::default()
    }
}

#[tokio::test]
async fn what_is_refused_says_why_and_proves_that_nothing_left() {
    let mut bench = bench(None).await;
    let mut check = async |request: ExchangeRequest, code: Code, reason: &str| {
        let (got, proof) = bench.refused(request).await;
        assert_eq!((got, &*proof.reason), (code, reason), "{proof:?}");
        proof
    };
    let elsewhere = ExchangeRequest { institution: "elsewhere".into(), ..transfer() };
    check(elsewhere, Code::InvalidArgument, "UNKNOWN_INSTITUTION").await;
    let proof = check(
        ExchangeRequest { exchange: "transferr".into(), ..transfer() },
        Code::InvalidArgument,
        "UNKNOWN_EXCHANGE",
    );
    assert_eq!(proof.await.institution, "hecto");
    check(ExchangeRequest { party: "nobody".into(), ..transfer() }, Code::InvalidArgument, "UNKNOWN_PARTY").await;
    check(ExchangeRequest { body: None, ..transfer() }, Code::InvalidArgument, "INVALID_FIELDS").await;
    let raw = Some(Body::Raw(vec![b' '; 299]));
    let proof = check(ExchangeRequest { body: raw, ..transfer() }, Code::InvalidArgument, "INVALID_FIELDS").await;
    assert!(proof.violations[0].1.contains("299 bytes, 1 too few; the layout has 300"), "{proof:?}");

    let mut wrong = transfer();
    let Some(Body::Fields(fields)) = &mut wrong.body else { panic!("it has fields") };
    fields.values.insert("debit_amt".to_owned(), text("much"));
    fields.values.insert("debit_acount".to_owned(), text("110123456789"));
    let proof = check(wrong, Code::InvalidArgument, "INVALID_FIELDS").await;
    let mut fields: Vec<_> = proof.violations.iter().map(|(field, _)| &**field).collect();
    fields.sort_unstable();
    assert_eq!(fields, ["debit_acount", "debit_amt"]);
    assert!(format!("{:?}", proof.violations).contains("did you mean debit_account?"), "{proof:?}");

    // Nobody has answered the telephone, so that business could not be opened.
    check(transfer(), Code::FailedPrecondition, "NOT_OPEN").await;
    bench.end().await;
}

#[tokio::test]
async fn a_fenced_key_is_refused_and_only_then_is_not_found_a_proof() {
    let mut bench = bench(Some("gateway.sock")).await;
    let find = |fence| FindRequest {
        institution: "hecto".into(),
        key: Some(find_request::Key::IdempotencyKey("salary-7".into())),
        fence,
    };
    for fence in [false, true, false] {
        let found = bench.client.gateway.find(find(fence)).await.expect("it is told").into_inner();
        let Some(find_response::Result::NotFound(not_found)) = found.result else { panic!("nothing was sent") };
        assert!(not_found.fenced || !fence, "the key is bound");
    }
    let straggler = ExchangeRequest { idempotency_key: "salary-7".into(), ..transfer() };
    let (code, proof) = bench.refused(straggler.clone()).await;
    assert_eq!((code, &*proof.reason), (Code::AlreadyExists, "KEY_FENCED"));
    // Another caller's key of the same name is another key.
    let other = client::request(straggler, Some("payments"), None, None).expect("ASCII");
    let status = bench.client.gateway.exchange(other).await.expect_err("business is not open");
    assert_eq!(client::refusal(&status).as_deref(), Some("NOT_OPEN"));
    bench.end().await;
}

#[tokio::test]
async fn a_malformed_request_under_a_used_key_is_told_of_its_exchange() {
    let mut bench = bench_with("normal.toml").await;
    let keyed = ExchangeRequest { idempotency_key: "salary-7".into(), ..transfer() };
    let first = bench.client.gateway.exchange(keyed.clone()).await.expect("it is answered").into_inner();
    let malformed = Some(Body::Fields(Fields { values: [("memo".to_owned(), Value { kind: None })].into() }));
    for body in [None, malformed] {
        let (code, proof) = bench.refused(ExchangeRequest { body: body.clone(), ..keyed.clone() }).await;
        assert_eq!((code, &*proof.reason), (Code::AlreadyExists, "KEY_REUSED"));
        assert_eq!(proof.exchange_id, first.exchange_id);
        let (_, proof) = bench.refused(ExchangeRequest { body, idempotency_key: "new".into(), ..transfer() }).await;
        assert_eq!(proof.reason, "INVALID_FIELDS");
    }
    bench.end().await;
}

/// The field that an error of a question names. Such an error is ours, and proves nothing of the exchange that was asked for.
fn wrong_field(status: &Status) -> String {
    assert_eq!(client::reason(status).as_deref(), Some("INVALID_FIELDS"));
    assert_eq!(Proof::of(status), None);
    status.get_details_bad_request().expect("it names fields").field_violations[0].field.clone()
}

#[tokio::test]
async fn a_question_that_is_malformed_says_what_is_missing() {
    let mut bench = bench(None).await;
    let questions = [
        (None, false, "key"),
        (Some(find_request::Key::ExchangeId("17".into())), false, "exchange_id"),
        (Some(find_request::Key::ExchangeId("0192".into())), true, "fence"),
        (Some(find_request::Key::IdempotencyKey(String::new())), false, "idempotency_key"),
    ];
    for (key, fence, field) in questions {
        let question = FindRequest { institution: "hecto".into(), key, fence };
        let status = bench.client.gateway.find(question).await.expect_err("it is malformed");
        assert_eq!(wrong_field(&status), field);
    }
    let inquiry =
        InquireRequest { institution: "hecto".into(), reason: "complaint".into(), ..InquireRequest::default() };
    let status = bench.client.control.inquire(inquiry).await.expect_err("nobody says who asks");
    assert_eq!(wrong_field(&status), "actor");
    bench.end().await;
}

#[tokio::test]
async fn a_bank_that_is_down_is_no_reason_to_start_the_gateway_anew() {
    let mut bench = bench(None).await;
    for name in ["", "pabal.v1.Gateway", "pabal.v1.Control"] {
        assert_eq!(bench.health(name).await, ServingStatus::Serving, "{name:?}");
    }
    assert_eq!(bench.health("hecto").await, ServingStatus::NotServing);
    let unknown = HealthCheckRequest { service: "elsewhere".into() };
    assert_eq!(bench.client.health.check(unknown).await.expect_err("not configured").code(), Code::NotFound);

    let status = bench.client.control.status(StatusRequest::default()).await.expect("it is told").into_inner();
    let [hecto] = &status.institutions[..] else { panic!("one is configured: {status:?}") };
    assert_eq!((&*hecto.institution, hecto.serving, hecto.journal_works), ("hecto", false, true));
    assert!(!hecto.not_serving_because.is_empty());
    assert_eq!(hecto.sessions.len(), 1);
    let elsewhere = StatusRequest { institution: "elsewhere".into() };
    let refused = bench.client.control.status(elsewhere).await.expect_err("not configured");
    assert_eq!(client::reason(&refused).as_deref(), Some("UNKNOWN_INSTITUTION"));
    bench.end().await;
}

#[tokio::test]
async fn nothing_is_served_to_other_hosts() {
    let bench = bench(None).await;
    let open = Options::new(Listen::Tcp("0.0.0.0:0".parse().expect("an address")));
    let refused = Front::serve(bench.gateway.handle(), open).await;
    assert!(matches!(refused, Err(ListenError::NotLoopback(_))), "{refused:?}");
    bench.end().await;
}

#[tokio::test]
async fn a_request_over_the_limit_is_refused_unread() {
    let mut bench = bench(None).await;
    let huge = ExchangeRequest { body: Some(Body::Raw(vec![b'0'; 2 * 1024 * 1024])), ..transfer() };
    let status = bench.client.gateway.exchange(huge).await.expect_err("it is over the limit");
    assert_eq!((status.code(), Proof::of(&status)), (Code::OutOfRange, None));
    // The connection goes on.
    assert_eq!(bench.refused(transfer()).await.1.reason, "NOT_OPEN");
    bench.end().await;
}

impl Bench {
    /// What is known of the call with this key, once `wanted` holds of it.
    async fn found(&mut self, key: &str, wanted: impl Fn(&FoundExchange) -> bool) -> FoundExchange {
        let question = || FindRequest {
            institution: "hecto".into(),
            key: Some(find_request::Key::IdempotencyKey(key.to_owned())),
            fence: false,
        };
        let asking = async {
            loop {
                let found = self.client.gateway.find(question()).await.expect("it is told").into_inner();
                match found.result {
                    Some(find_response::Result::Found(found)) if wanted(&found) => return found,
                    _ => {}
                }
            }
        };
        tokio::time::timeout(PATIENCE, asking).await.expect("it becomes so")
    }
}

#[tokio::test]
async fn a_transfer_is_answered_with_its_fields_under_the_callers_trace() {
    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
    let mut bench = bench_with("normal.toml").await;
    let parent = format!("00-{TRACE}-00f067aa0ba902b7-01");
    let request = client::request(transfer(), Some("payments"), None, Some(&parent)).expect("ASCII");
    let answer = bench.client.gateway.exchange(request).await.expect("it is answered").into_inner();
    assert_eq!((answer.outcome(), answer.cause()), (Outcome::Success, Reason::Answered));
    assert_eq!((&*answer.response_code, &*answer.response_text), ("0000", "정상처리"));
    assert_eq!((&*answer.trace_id, &*answer.state), (TRACE, "finished"));
    // As the scenario has it.
    assert_eq!(answer.fields["balance_after"].value, Some(Value { kind: Some(value::Kind::Int64(8_715_300)) }));
    assert_eq!((answer.raw.len(), answer.faults.len()), (300, 0));
    let question = FindRequest {
        institution: "hecto".into(),
        key: Some(find_request::Key::ExchangeId(answer.exchange_id.clone())),
        fence: false,
    };
    let found = bench.client.gateway.find(question).await.expect("it is told").into_inner();
    let Some(find_response::Result::Found(found)) = found.result else { panic!("it is known") };
    assert_eq!((found.outcome(), &*found.exchange, &*found.trace_id), (Outcome::Success, "transfer", TRACE));
    assert!(!found.history.is_empty());
    bench.end().await;
}

#[tokio::test]
async fn a_caller_in_a_hurry_hears_unknown_from_a_silent_bank() {
    let mut bench = bench_with("silent.toml").await;
    let timeout = Some(Duration::from_millis(300));
    let request = client::request(transfer(), None, timeout, None).expect("ASCII");
    let answer = bench.client.gateway.exchange(request).await.expect("OK, not an error").into_inner();
    assert_eq!((answer.outcome(), answer.cause()), (Outcome::Unknown, Reason::CallerDeadline));
    assert!(!answer.exchange_id.is_empty() && !answer.telegram_number.is_empty(), "{answer:?}");
    bench.end().await;
}

#[tokio::test]
async fn a_caller_that_goes_away_leaves_an_exchange_that_is_found() {
    let mut bench = bench_with("silent.toml").await;
    let mut gateway = bench.client.gateway.clone();
    let request = ExchangeRequest { idempotency_key: "left".into(), ..transfer() };
    let call = tokio::spawn(async move { gateway.exchange(request).await });
    // The bank has it; now its caller goes.
    let found = bench.found("left", |found| found.state == "sent").await;
    call.abort();
    assert!(call.await.expect_err("aborted").is_cancelled());
    let after = bench.found("left", |found| found.state == "sent").await;
    assert_eq!((&after.exchange_id, after.outcome()), (&found.exchange_id, Outcome::Unspecified));
    let bank = bench.bank.as_ref().expect("there is one");
    assert_eq!(bank.read(|ledger| ledger.requests().count()), 2, "the opening and the transfer");
    bench.end().await;
}

/// A stream of these requests, which goes on, and its first response or its error.
async fn serve(
    bench: &mut Bench,
    actions: Vec<Option<Action>>,
) -> (mpsc::Sender<ServeRequest>, Streaming<ServeResponse>) {
    let (requests, stream) = mpsc::channel(16);
    for action in actions {
        requests.send(ServeRequest { action }).await.expect("there is room");
    }
    let stream = tokio_stream::wrappers::ReceiverStream::new(stream);
    let events = bench.client.gateway.serve(stream).await.expect("a stream begins").into_inner();
    (requests, events)
}

fn subscribe(institution: &str, notice: &str) -> Option<Action> {
    Some(Action::Subscribe(Subscribe { institution: institution.to_owned(), notices: vec![notice.to_owned()] }))
}

#[tokio::test]
async fn a_stream_that_begins_wrong_ends_with_a_reason_that_proves_nothing() {
    let mut bench = bench(None).await;
    for (first, reason) in [
        (None, "INVALID_FIELDS"),
        (Some(Action::Received(Received::default())), "INVALID_FIELDS"),
        (subscribe("elsewhere", "deposit"), "UNKNOWN_INSTITUTION"),
        (subscribe("hecto", "depositt"), "INVALID_FIELDS"),
    ] {
        let (_requests, mut events) = serve(&mut bench, vec![first.clone()]).await;
        let status = events.message().await.expect_err("the stream ends");
        assert_eq!(
            (status.code(), client::reason(&status).as_deref()),
            (Code::InvalidArgument, Some(reason)),
            "{first:?}"
        );
        assert_eq!(client::refusal(&status), None, "it proves nothing");
    }
    bench.end().await;
}

#[tokio::test]
async fn what_is_wrong_with_a_reply_is_told_in_band_and_one_stream_is_one_subscription() {
    let mut bench = bench(None).await;
    let nothing = Reply { notice_id: "01a20092-1559-7000-bd64-9e6c46a0a6e4".to_owned(), body: None };
    let unknown = Reply { body: Some(reply::Body::ResponseCode("0000".to_owned())), ..nothing.clone() };
    let received = Received { notice_id: nothing.notice_id.clone() };
    let actions = [Action::Reply(nothing), Action::Reply(unknown), Action::Received(received)].map(Some);
    let (requests, mut events) =
        serve(&mut bench, [vec![subscribe("hecto", "deposit")], actions.to_vec()].concat()).await;
    let mut heard = Vec::new();
    for _ in 0..4 {
        heard.push(events.message().await.expect("it goes on").expect("and on").event.expect("always set"));
    }
    assert!(matches!(&heard[0], Event::Subscribed(subscribed) if subscribed.notices == ["deposit"]), "{heard:?}");
    let reasons: Vec<_> = heard[1..]
        .iter()
        .map(|event| match event {
            Event::ReplyRefused(refused) => refused.reason(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(reasons, [Reason::InvalidFields, Reason::UnknownNotice, Reason::UnknownNotice]);
    requests.send(ServeRequest { action: subscribe("hecto", "deposit") }).await.expect("there is room");
    let status = events.message().await.expect_err("the stream ends");
    assert!(status.message().contains("subscribed already"), "{status:?}");
    bench.end().await;
}

#[tokio::test]
async fn the_end_of_a_services_side_ends_its_stream_and_a_stop_ends_all() {
    let mut bench = bench(None).await;
    let (requests, mut events) = serve(&mut bench, vec![subscribe("hecto", "deposit")]).await;
    assert!(events.message().await.expect("it goes on").is_some());
    drop(requests);
    assert!(events.message().await.expect("it ends well").is_none());

    let (_requests, mut events) = serve(&mut bench, vec![subscribe("hecto", "deposit")]).await;
    assert!(events.message().await.expect("it goes on").is_some());
    drop(bench.client);
    bench.front.shutdown(PATIENCE).await;
    let status = events.message().await.expect_err("the gateway stops");
    assert_eq!((status.code(), client::reason(&status).as_deref()), (Code::Unavailable, Some("STOPPED")));
    bench.gateway.drain(Duration::from_secs(1)).await;
}

#[tokio::test]
async fn operators_look_for_what_they_name_and_are_told_what_is_wrong_with_a_question() {
    let mut bench = bench_with("normal.toml").await;
    let keyed = ExchangeRequest { idempotency_key: "salary-7".into(), ..transfer() };
    let first = bench.client.gateway.exchange(keyed).await.expect("it is answered").into_inner();
    let search = |by| SearchRequest { institution: String::new(), by, max: 0 };
    let key = KeyOfCaller { caller: String::new(), key: "salary-7".to_owned() };
    let zone = pabal_spec::load(&spec()).expect("it is right").institution.protocols[0].day.zone;
    for by in [
        By::Id(first.exchange_id.clone()),
        By::IdempotencyKey(key),
        By::TraceId(first.trace_id.to_uppercase()),
        By::TraceId(format!("00-{}-00f067aa0ba902b7-01", first.trace_id)),
    ] {
        let found = bench.client.control.search(search(Some(by.clone()))).await.expect("it is told").into_inner();
        let ids: Vec<_> = found.found.iter().map(|tx| &*tx.id).collect();
        assert_eq!((ids, found.more), (vec![&*first.exchange_id], false), "{by:?}");
        assert_eq!((found.found[0].kind.as_str(), found.found[0].zone_minutes * 60), ("exchange", zone.seconds()));
    }
    for by in [None, Some(By::Id("no id".into())), Some(By::TraceId("xyz".into())), Some(By::Number(String::new()))] {
        let status = bench.client.control.search(search(by.clone())).await.expect_err("it is malformed");
        assert_eq!(client::reason(&status).as_deref(), Some("INVALID_FIELDS"), "{by:?}");
    }
    let show = |id: &str, unmasked| ShowRequest { institution: "hecto".into(), id: id.into(), unmasked };
    let masked = bench.client.control.show(show(&first.exchange_id, false)).await.expect("it is told").into_inner();
    let request = masked.request.expect("it was sent");
    let account = request.fields.iter().find(|row| row.field == "debit_account").expect("it has one");
    // 출금계좌번호: 15 bytes at 100, of which the last four of its value may be seen.
    assert_eq!((account.offset, account.length, &*account.class), (100, 15, "account"));
    assert_eq!((&*account.value, request.raw.len()), ("********6789", 0));
    let whole = bench.client.control.show(show(&first.exchange_id, true)).await.expect("it is told").into_inner();
    let request = whole.request.expect("it was sent");
    assert!(request.fields.iter().any(|row| row.value == "110123456789") && request.raw.len() == 300);
    assert!(request.raw[115..123].iter().all(|byte| *byte == b'*'), "the PIN is not stored");
    let nobody = show("01a20092-1559-7000-bd64-9e6c46a0a6e4", false);
    assert_eq!(bench.client.control.show(nobody).await.expect("it is told").into_inner().summary, None);
    bench.end().await;
}

fn stop(line: &str) -> CommandRequest {
    let command = Some(Command::StopLine(LineName { line: line.to_owned() }));
    CommandRequest { institution: "hecto".into(), reason: "night work".into(), actor: "kim".into(), command }
}

impl Bench {
    async fn command(&mut self, request: CommandRequest) -> Result<String, Status> {
        self.client.control.command(request).await.map(|response| response.into_inner().actor)
    }

    async fn line(&mut self) -> LineStatus {
        let status = self.client.control.status(StatusRequest::default()).await.expect("it is told").into_inner();
        status.institutions[0].lines[0].clone()
    }

    /// Words of the commands that were given, newest first.
    async fn log(&mut self) -> Vec<(String, String, String, String)> {
        let response = self.client.control.commands(CommandsRequest::default()).await.expect("it is told");
        let line = |one: CommandLine| (one.command, one.target, one.actor, one.reason);
        response.into_inner().commands.into_iter().map(line).collect()
    }
}

#[tokio::test]
async fn a_command_over_tcp_is_journaled_with_what_its_actor_claims() {
    let mut bench = bench(None).await;
    assert_eq!(bench.command(stop("out")).await.expect("it is done"), "kim (claimed)");
    let line = bench.line().await;
    let by = line.stopped.expect("somebody stopped it");
    assert_eq!((&*line.wanted, &*by.actor, &*by.reason), ("stopped", "kim (claimed)", "night work"));
    assert_eq!((line.sessions_counted, line.sessions_max), (0, 1));
    let start = Command::StartLine(LineName { line: "out".into() });
    bench.command(CommandRequest { command: Some(start), ..stop("out") }).await.expect("it is done");
    assert_eq!(bench.line().await.wanted, "up");
    let word = |command: &str| (command.to_owned(), "out".to_owned(), "kim (claimed)".into(), "night work".into());
    assert_eq!(bench.log().await, [word("start_line"), word("stop_line")]);
    bench.end().await;
}

#[tokio::test]
async fn a_command_over_a_unix_socket_is_that_of_the_user_at_its_other_end() {
    let mut bench = bench(Some("pabal.sock")).await;
    let me = std::process::Command::new("id").arg("-un").output().expect("every system has it").stdout;
    let me = String::from_utf8(me).expect("a name").trim().to_owned();
    assert_eq!(bench.command(stop("out")).await.expect("it is done"), me, "not kim, whatever is claimed");
    let nobody = CommandRequest { actor: String::new(), ..stop("out") };
    assert_eq!(bench.command(nobody).await.expect("nothing need be claimed"), me);
    assert_eq!(bench.log().await[0].2, me);
    let reload = ReloadSpecRequest { reason: "new codes".into(), ..ReloadSpecRequest::default() };
    bench.client.control.reload_spec(reload).await.expect("nothing need be claimed");
    bench.end().await;
}

#[tokio::test]
async fn a_command_that_cannot_be_carried_out_says_why_and_changes_nothing() {
    let mut bench = bench(None).await;
    let refused = bench.command(stop("main")).await.expect_err("there is none");
    assert_eq!((refused.code(), client::reason(&refused).as_deref()), (Code::NotFound, Some("UNKNOWN_NAME")));
    assert!(refused.message().ends_with("no line `main`; there are: out"), "{}", refused.message());
    let with = |command| CommandRequest { command: Some(command), ..stop("out") };
    let opening = Command::CloseOpening(OpeningName { values: vec!["011".into()] });
    let refused = bench.command(with(opening)).await.expect_err("there is none");
    assert!(refused.message().ends_with("no opening `011`; there are: PABAL01 088"), "{}", refused.message());
    let bank = Command::DrainCompartment(DrainCompartment { compartment: "08812".into(), within: None });
    let refused = bench.command(with(bank)).await.expect_err("it is too long");
    let invalid = (Code::InvalidArgument, Some("INVALID_FIELDS"));
    assert_eq!((refused.code(), client::reason(&refused).as_deref()), invalid);
    assert!(refused.message().contains("bank_code"), "{}", refused.message());
    let block = |exchange: &str, participant: &str| Block {
        control: "books".into(),
        exchanges: vec![exchange.to_owned()],
        participants: vec![participant.to_owned()],
        message: "closed".into(),
        ..Block::default()
    };
    for (block, told) in
        [(block("transfers", "088"), "did you mean `transfer`?"), (block("transfer", "999"), "there are: 088")]
    {
        let refused = bench.command(with(Command::Block(block))).await.expect_err("it can mean nothing");
        assert_eq!((refused.code(), client::reason(&refused).as_deref()), invalid);
        assert!(refused.message().ends_with(told), "{}", refused.message());
    }
    for (request, field) in [
        (CommandRequest { actor: " ".into(), ..stop("out") }, "actor"),
        (CommandRequest { reason: String::new(), ..stop("out") }, "reason"),
        (CommandRequest { command: None, ..stop("out") }, "command"),
    ] {
        assert_eq!(wrong_field(&bench.command(request).await.expect_err("something is missing")), field);
    }
    let elsewhere = CommandRequest { institution: "elsewhere".into(), ..stop("out") };
    let refused = bench.command(elsewhere).await.expect_err("not configured");
    assert_eq!(client::reason(&refused).as_deref(), Some("UNKNOWN_INSTITUTION"));
    assert_eq!((bench.log().await.len(), &*bench.line().await.wanted), (0, "up"));
    bench.end().await;
}

#[tokio::test]
async fn business_and_a_bank_are_closed_and_opened_by_hand() {
    let mut bench = bench_with("normal.toml").await;
    let with = |command| CommandRequest { command: Some(command), ..stop("out") };
    let bank = || OpeningName { values: vec!["088".into()] };
    bench.command(with(Command::CloseOpening(bank()))).await.expect("it is done");
    assert_eq!(bench.refused(transfer()).await.1.reason, "NOT_OPEN");
    bench.command(with(Command::OpenOpening(bank()))).await.expect("it is done");
    let is_open = async {
        loop {
            let status = bench.client.control.status(StatusRequest::default()).await.expect("it is told").into_inner();
            if status.institutions[0].openings[0].state == "open" {
                return;
            }
        }
    };
    tokio::time::timeout(PATIENCE, is_open).await.expect("business is opened");
    let drain = DrainCompartment { compartment: "088".into(), within: None };
    bench.command(with(Command::DrainCompartment(drain))).await.expect("it is done");
    assert_eq!(bench.refused(transfer()).await.1.reason, "DRAINING");
    let start = CompartmentName { compartment: "088".into() };
    bench.command(with(Command::StartCompartment(start))).await.expect("it is done");
    let drain = DrainInstitution { within: None };
    bench.command(with(Command::DrainInstitution(drain))).await.expect("it is done");
    let status = bench.client.gateway.exchange(transfer()).await.expect_err("it is refused");
    assert_eq!((status.code(), client::reason(&status).as_deref()), (Code::Unavailable, Some("DRAINING")));
    assert!(status.message().contains("stopped by kim (claimed): night work"), "{}", status.message());
    let start = CommandRequest { command: Some(Command::StartLine(LineName { line: "out".into() })), ..stop("out") };
    let held = bench.client.control.command(start).await.expect("it is done").into_inner().held_by;
    assert_eq!(held, "hecto is stopped by kim (claimed): night work; it takes effect when hecto is started");
    assert_ne!(bench.line().await.wanted, "up");
    let log: Vec<_> = bench.log().await.into_iter().map(|line| format!("{} {}", line.0, line.1)).collect();
    let (opening, bank) = ("PABAL01 088", "088");
    let expected = [
        "start_line out".to_owned(),
        "drain_institution ".to_owned(),
        format!("start_compartment {bank}"),
        format!("drain_compartment {bank}"),
        format!("open_opening {opening}"),
        format!("close_opening {opening}"),
    ];
    assert_eq!(log, expected);
    bench.end().await;
}
