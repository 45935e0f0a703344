//! A real gateway behind a real server, whose institution does not answer the telephone: what is refused, found, and said of health.

use std::path::Path;
use std::time::Duration;

use pabal_front::client::{self, Client, HealthCheckRequest, ServingStatus};
use pabal_front::proto::exchange_request::Body;
use pabal_front::proto::{
    ExchangeRequest, Fields, FindRequest, InquireRequest, StatusRequest, Value, find_request, find_response, value,
};
use pabal_front::{Front, ListenError, Options, Proof, Running};
use pabal_gateway::{Config, Gateway, Listen};
use tonic::Code;

struct Bench {
    front: Running,
    client: Client,
    gateway: Gateway,
    directory: tempfile::TempDir,
}

/// A gateway with one institution that nobody listens for, and a front on `listen` (below the bench's directory, if it is a path).
async fn bench(listen: Option<&str>) -> Bench {
    let directory = tempfile::tempdir().expect("a temporary directory");
    // Bound and not listening any more: connecting is refused for as long as nobody else takes the port.
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").expect("any free port").local_addr().expect("bound");
    let specs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../specs/hecto");
    let config = format!(
        r#"
        [gateway]
        data_dir = "data"
        [institutions.hecto]
        spec = "{}"
        [[institutions.hecto.lines]]
        name = "out"
        protocol = "firmbanking"
        side = "initiator"
        direction = "duplex"
        address = "{nobody}"
        [[institutions.hecto.parties]]
        name = "main"
        fields = {{ id_code = "HFB000001", company_no = "PABAL01" }}
        participants = ["088"]
        "#,
        specs.display()
    );
    let file = directory.path().join("pabal.toml");
    let config = Config::parse(&config, file.to_str().expect("UTF-8")).unwrap_or_else(|error| panic!("{error}"));
    let gateway = Gateway::start(config).await.unwrap_or_else(|error| panic!("{error}"));
    let listen = match listen {
        Some(name) => Listen::Unix(directory.path().join(name)),
        None => Listen::Tcp("127.0.0.1:0".parse().expect("an address")),
    };
    let front = Front::serve(gateway.handle(), Options::new(listen)).await.expect("it listens");
    let client = client::connect(&front.endpoint()).await.expect("it listens");
    Bench { front, client, gateway, directory }
}

impl Bench {
    async fn end(self) {
        drop(self.client);
        self.front.shutdown(Duration::from_secs(10)).await;
        let drained = self.gateway.drain(Duration::from_secs(1)).await;
        assert!(drained.is_complete(), "{drained:?}");
        drop(self.directory);
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
        assert_eq!(Proof::of(&status).expect("ours").violations[0].0, field);
    }
    let inquiry =
        InquireRequest { institution: "hecto".into(), reason: "complaint".into(), ..InquireRequest::default() };
    let status = bench.client.control.inquire(inquiry).await.expect_err("nobody says who asks");
    assert_eq!(Proof::of(&status).expect("ours").violations[0].0, "actor");
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
    assert!(!hecto.not_serving_reason.is_empty());
    assert_eq!(hecto.sessions.len(), 1);
    let elsewhere = StatusRequest { institution: "elsewhere".into() };
    let refused = bench.client.control.status(elsewhere).await.expect_err("not configured");
    assert_eq!(client::refusal(&refused).as_deref(), Some("UNKNOWN_INSTITUTION"));
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
