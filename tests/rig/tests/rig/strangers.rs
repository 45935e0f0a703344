//! A bank and a client that share nothing with us but the institution's tables and the protocol's own descriptors.

use std::path::Path;

use pabal_front::proto::Reason;
use pabal_front::proto::value::Kind;
use pabal_rig::process::{Process, python, sliced_bank, transfer_py};
use pabal_rig::{Options, Outcome, Rig, run, spec_with, transfer};
use serde_json::Value;

/// The next event of this kind.
async fn event(bank: &mut Process, kind: &str) -> Value {
    bank.hear(kind, |line| {
        let event: Value = serde_json::from_str(line).ok()?;
        (event["event"] == kind).then_some(event)
    })
    .await
}

/// The next request of this type.
async fn request(bank: &mut Process, kind: &str) -> Value {
    loop {
        let event = event(bank, "request").await;
        if event["type"] == kind {
            return event["fields"].clone();
        }
    }
}

#[test]
fn a_bank_that_only_slices_bytes_understands_us_and_we_understand_it() {
    run(async {
        let mut bank = sliced_bank();
        let port = event(&mut bank, "listening").await["port"].as_u64().unwrap();
        let address = std::net::SocketAddr::from(([127, 0, 0, 1], u16::try_from(port).unwrap()));
        // An institution is asked about a request when its time for the answer is over; here that is a second.
        let spec = spec_with(
            "answer \"2100\" \"100\"  effect money  timeout 30s",
            "answer \"2100\" \"100\"  effect money  timeout 1s",
        );
        let rig = Rig::start(Options { bank: Some(address), spec, ..Options::default() }).await;
        bank.say(&format!("company {}", rig.inbound_address()));
        let opening = request(&mut bank, "1000100").await;
        assert_eq!(
            (&opening["company_no"], &opening["bank_code"], &opening["response_code"]),
            (&"PABALCO1".into(), &"088".into(), &"".into())
        );
        rig.wait_open().await;

        // A transfer.
        let asked = transfer(150_000);
        let response = rig.succeed(&asked).await;
        let fields = request(&mut bank, "2000100").await;
        let expected = [
            ("id_code", "PABAL"),
            ("message_type", "2000"),
            ("send_count", "1"),
            ("telegram_no", &response.telegram_number),
            ("debit_account", "11012345678901"),
            ("passbook_pin", "12345678"),
            ("check_symbol", "123456"),
            ("debit_amt", "0000000150000"),
            ("balance_after", "0000000000000"),
            ("credit_bank_code", "004"),
            ("credit_account", "94320212345678"),
            ("fee", "000000000"),
            ("cms_code", &asked.mark),
            ("memo", "월세"),
        ];
        for (name, value) in expected {
            assert_eq!(fields[name], value, "{name}");
        }
        let kind = |field: &str| response.fields[field].value.clone().and_then(|value| value.kind);
        assert_eq!(kind("balance_after"), Some(Kind::Int64(987_654)));
        assert_eq!(kind("fee"), Some(Kind::Int64(500)));
        assert_eq!(response.faults, []);

        // One that is executed and not answered, and an inquiry about it.
        let silent = transfer(4_040);
        let unknown = rig.call(&silent).await.unwrap();
        assert_eq!((unknown.outcome(), unknown.cause()), (Outcome::Unknown, Reason::NoAnswer));
        request(&mut bank, "2000100").await;
        let told = rig.inquire(&unknown.exchange_id).await.unwrap();
        assert_eq!(told.inquiry.unwrap().outcome(), Outcome::Success);
        let asked_about = request(&mut bank, "7000100").await;
        assert_eq!(asked_about["orig_tlg_no"], *unknown.telegram_number);
        let found = rig.find_exchange(&unknown.exchange_id).await;
        assert_eq!((found.outcome(), found.cause(), &*found.state), (Outcome::Success, Reason::Inquiry, "settled"));

        // A notice, answered once it is durable.
        bank.say("notice 33000");
        let reply = event(&mut bank, "notice_reply").await["fields"].clone();
        let echoed = [
            ("message_type", "4100"),
            ("service_code", "100"),
            ("telegram_no", "500001"),
            ("response_code", "0000"),
            ("filler1", "BANKSIDE0000001"),
        ];
        for (name, value) in echoed {
            assert_eq!(reply[name], value, "{name}");
        }
    });
}

#[test]
fn a_python_client_lists_the_services_and_makes_a_transfer_by_named_fields() {
    run(async {
        let rig = Rig::open().await;
        let python = tokio::task::spawn_blocking(|| python(Path::new(env!("CARGO_TARGET_TMPDIR")))).await.unwrap();
        let asked = transfer(1);
        let fields = [
            "bank_code=088".to_owned(),
            "debit_account=11012345678901".to_owned(),
            "passbook_pin=12345678".to_owned(),
            "check_symbol=123456".to_owned(),
            "debit_amt=150000".to_owned(),
            "credit_bank_code=004".to_owned(),
            "credit_account=94320212345678".to_owned(),
            "memo=월세".to_owned(),
            format!("cms_code={}", asked.mark),
        ];
        let address = rig.house().endpoint().trim_start_matches("http://").to_owned();
        let told = transfer_py(python, &address, &fields).await;
        let services: Vec<_> = told["services"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
        for service in ["grpc.health.v1.Health", "pabal.v1.Control", "pabal.v1.Gateway"] {
            assert!(services.contains(&service), "{services:?}");
        }
        assert_eq!((&told["outcome"], &told["response_code"]), (&"OUTCOME_SUCCESS".into(), &"0000".into()));
        assert_eq!((&told["balance_after"], &told["same_trace"]), (&8_715_300.into(), &true.into()));
        assert_eq!(rig.seen(&asked).len(), 1);
    });
}
