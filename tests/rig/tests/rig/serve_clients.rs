//! Services that take notices over gRPC, one of them in another language.

use std::path::Path;

use pabal_front::client;
use pabal_front::proto::serve_request::Action;
use pabal_front::proto::serve_response::Event;
use pabal_front::proto::{Notice, Received, ReplyReport, ServeRequest, ServeResponse, Subscribe};
use pabal_rig::process::python;
use pabal_rig::{Options, Rig, run, soon, spec_with};
use serde_json::Value;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Streaming;

const BY_GATEWAY: &str = "notice deposit \"예금거래명세통지\" {\n  request deposit \"4000\" \"100\"  answer deposit \"4100\" \"100\"\n  answered by gateway when durable with response_code \"0000\"";

/// A rig whose deposits are answered by a service.
fn by_service() -> Options {
    let (head, _) = BY_GATEWAY.split_once("  answered").unwrap();
    let spec = spec_with(BY_GATEWAY, &format!("{head}  answered by service within 25s else response_code \"9999\""));
    Options { spec, ..Options::default() }
}

struct Service {
    requests: mpsc::Sender<ServeRequest>,
    events: Streaming<ServeResponse>,
}

impl Service {
    async fn subscribe(rig: &Rig, caller: &str) -> Self {
        let (requests, stream) = mpsc::channel(256);
        let wanted = Subscribe { institution: "hecto".to_owned(), notices: vec!["deposit".to_owned()] };
        requests.send(ServeRequest { action: Some(Action::Subscribe(wanted)) }).await.unwrap();
        let request = client::request(ReceiverStream::new(stream), Some(caller), None, None).unwrap();
        let events = soon("a service subscribes", rig.client().gateway.serve(request)).await.unwrap().into_inner();
        let mut service = Self { requests, events };
        assert!(matches!(service.next().await, Some(Event::Subscribed(_))));
        service
    }

    async fn next(&mut self) -> Option<Event> {
        let event = soon("the stream tells something", self.events.message()).await.unwrap();
        event.and_then(|response| response.event)
    }

    async fn notice(&mut self) -> Notice {
        match self.next().await {
            Some(Event::Notice(notice)) => notice,
            other => panic!("{other:?}"),
        }
    }

    async fn received(&self, notice: &Notice) {
        let received = Received { notice_id: notice.notice_id.clone() };
        self.requests.send(ServeRequest { action: Some(Action::Received(received)) }).await.unwrap();
    }
}

#[test]
fn a_python_client_takes_a_notice_and_hears_that_its_reply_was_sent() {
    run(async {
        let rig = Rig::open_with(by_service()).await;
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let python = tokio::task::spawn_blocking(|| python(folder)).await.unwrap();
        assert!(rig.bank().trigger("deposit"));
        let address = rig.house().endpoint().trim_start_matches("http://").to_owned();
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("clients/notices.py");
        let client = move || std::process::Command::new(python).arg(script).args([&*address, "1", "0007"]).output();
        let ended = tokio::task::spawn_blocking(client).await.unwrap().unwrap();
        assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
        let told: Vec<Value> =
            String::from_utf8(ended.stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let one =
            |key: &str| told.iter().find(|line| !line[key].is_null()).unwrap_or_else(|| panic!("{key}: {told:?}"));
        assert_eq!(one("subscribed")["subscribed"][0], "deposit");
        assert_eq!(one("refused")["refused"], "REASON_INVALID_FIELDS", "what is wrong with one reply ends nothing");
        let notice = one("notice");
        assert_eq!(
            (&notice["name"], &notice["amount"], &notice["traced"]),
            (&"deposit".into(), &33_000.into(), &true.into())
        );
        let replied = one("replied");
        assert_eq!((&replied["replied"], &replied["report"]), (&notice["notice"], &"REPLY_REPORT_SENT".into()));
        assert_eq!(one("ended")["ended"], true, "the stream ends when its replies are told");
        let codes = rig
            .bank()
            .read(|ledger| ledger.notices().flat_map(|(_, notice)| notice.replies.clone()).collect::<Vec<_>>());
        assert_eq!(codes.iter().map(|code| String::from_utf8_lossy(code)).collect::<Vec<_>>(), ["0007"]);
        assert_eq!(ReplyReport::Sent.as_str_name(), replied["report"].as_str().unwrap());
    });
}

#[test]
fn a_service_that_does_not_read_holds_up_nobody_and_loses_nothing() {
    run(async {
        const NOTICES: u64 = 150;
        let rig = Rig::open().await;
        let idle = Service::subscribe(&rig, "idle").await;
        for count in 1..=NOTICES {
            assert!(rig.bank().trigger("deposit"));
            // The gateway answers each when it is durable, whatever the service does.
            rig.wait_ledger("it is answered", |ledger| (ledger.totals().notice_replies >= count).then_some(())).await;
        }
        drop(idle);
        let mut reader = Service::subscribe(&rig, "reader").await;
        let mut numbers = Vec::new();
        for _ in 0..NOTICES {
            let notice = reader.notice().await;
            reader.received(&notice).await;
            numbers.push(notice.number.parse::<u64>().unwrap());
        }
        numbers.sort_unstable();
        assert_eq!(numbers, (1..=NOTICES).collect::<Vec<_>>(), "each of them, once");
    });
}
