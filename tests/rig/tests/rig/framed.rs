//! Every way to cut a stream into telegrams, over real sockets: with a participant that makes frames by hand, and with the simulator.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use pabal_counterparty::{LineId, Scenario, Settings};
use pabal_gateway::{Answer, Body, Call, Config, Gateway};
use pabal_journal::{Position, Reader};
use pabal_rig::process::{Process, framed_peer};
use pabal_rig::{run, site, soon, until};
use pabal_simulator::{Options, Simulator, at_noon};
use pabal_spec::Source;
use pabal_switch::{Cause, Outcome, SessionState};
use tempfile::TempDir;

/// The participant's name for a frame, and how a spec says it.
const FRAMES: [(&str, &str); 14] = [
    ("ascii", "length ascii(4) exclusive max 999"),
    ("inclusive", "length ascii(4) inclusive max 999"),
    ("add", "length ascii(4) add 12 max 999"),
    ("big", "length binary(2) big exclusive max 999"),
    ("little", "length binary(4) little inclusive max 999"),
    ("bcd", "length bcd(2) exclusive max 999"),
    ("code", "\"KFT\" length ascii(4) exclusive max 999"),
    ("twice", "length ascii(4) exclusive \"KFT\" length ascii(4) exclusive max 999"),
    ("outer", "\"SETTLE01\" length ascii(4) exclusive filler(14) space max 999"),
    ("stx", "stx length ascii(4) exclusive telegram etx max 999 on garbage resynchronise"),
    ("inside", "length ascii(5) at 19 whole max 999"),
    ("from", "length ascii(5) at 19 from 19 max 999"),
    ("fixed", "fixed 40"),
    ("type", "total by type max 999"),
];

const SPEC: &str = r#"institution van "밴"

protocol card "카드" {
  zone     +09:00
  day      changes 00:00
  charset  encode euc-kr decode cp949
  frame    FRAME
  unset    9 zero  X space
  stamp    date at queue
  number   no per date 1..999
  key      date no
  trace    date no
  select by kind {
    request  "0200"
    reply    "0210"
  }
  verdict  code from codes.csv
}

header head 28 {
  kind    X(4)                            public
  date    date(YYYYMMDD)  by asker echo   public
  no      9(3)            by asker echo   public
  code    X(4)            by answerer     public
  length  9(5)            by both?        public
  filler  filler(4)                       public
}

telegram request "승인요청" 40 : head {
  card  X(12)  by asker  account  "카드번호"
}

telegram reply "승인응답" 40 : head {
  approval  X(8)       by answerer  public  "승인번호"
  reserved  filler(4)               public  "예비"
}

exchange approve { request "0200"  answer "0210"  effect none  timeout 2s }
"#;

/// The simulator answers in pieces half of the time.
const SCENARIO: &str = r#"
about = "answers"
[[reply]]
exchange = "approve"
response_code = "0000"
behave = 1
[reply.set]
approval = "A0000001"
[[reply.misbehave]]
do = "split"
pieces = 5
gap = "1ms"
"#;

fn sources(frame: &str) -> Vec<Source> {
    let source = |name: &str, text: String| Source { name: name.into(), text };
    at_noon(vec![
        source("van.spec", SPEC.replace("FRAME", frame)),
        source("codes.csv", "code,class,text\n0000,success,ok\n".into()),
    ])
}

/// A gateway with one line that carries both ways.
pub(crate) struct House {
    pub(crate) gateway: Gateway,
    directory: TempDir,
}

impl House {
    async fn start(frame: &str, peer: SocketAddr) -> Self {
        Self::start_by(frame, sources(frame), peer).await
    }

    /// By another spec.
    pub(crate) async fn start_by(frame: &str, sources: Vec<Source>, peer: SocketAddr) -> Self {
        let directory = tempfile::tempdir().expect("a place for files");
        let config = config(directory.path(), peer).with_spec("van", sources);
        let gateway = Gateway::start(config).await.unwrap_or_else(|error| panic!("{frame}: {error}"));
        let house = Self { gateway, directory };
        house.wait_up(frame).await;
        house
    }

    async fn wait_up(&self, frame: &str) {
        until(&format!("{frame}: the session is up"), async || {
            let status = self.gateway.handle().status("van").await?;
            (status.sessions[0].state == SessionState::Up).then_some(())
        })
        .await;
    }

    async fn call(&self, frame: &str) -> Answer {
        let call = Call {
            institution: "van".to_owned(),
            exchange: "approve".to_owned(),
            body: Body::Fields(vec![("card".to_owned(), "453212345678".into())]),
            party: None,
            caller: "rig".to_owned(),
            idempotency_key: None,
            timeout: Some(Duration::from_secs(20)),
            accepts_early_unknown: false,
            trace: None,
        };
        let called = soon("the call returns", self.gateway.handle().exchange(call)).await;
        called.unwrap_or_else(|error| panic!("{frame}: {error:?}"))
    }

    /// The approval number of a call that succeeds.
    async fn approval(&self, frame: &str) -> String {
        let answer = self.call(frame).await;
        assert_eq!(answer.outcome, Outcome::Success { cause: Cause::Answered }, "{frame}: {answer:?}");
        let telegram = answer.telegram.expect("an answer");
        assert_eq!(telegram.len(), 40, "{frame}");
        String::from_utf8_lossy(&telegram[28..36]).into_owned()
    }

    async fn epoch(&self) -> u32 {
        let status = self.gateway.handle().status("van").await.expect("there is a core");
        status.sessions[0].conn.map_or(0, |conn| conn.epoch.0)
    }

    /// Every entry of a kind, as it was written.
    fn entries(&self, kind: &str) -> Vec<String> {
        let reader = Reader::open(self.directory.path().join("data")).expect("there is a journal");
        let all = reader.after(Position::START, 10_000).expect("it is read");
        all.iter().filter(|one| one.kind == kind).map(|one| String::from_utf8_lossy(&one.body).into_owned()).collect()
    }
}

fn config(directory: &Path, peer: SocketAddr) -> Config {
    let line = format!("side = \"initiator\"\ndirection = \"duplex\"\naddress = \"{peer}\"");
    site(directory, "van", &[("both", "card", &line)])
}

/// An institution by this spec and scenario on one line, and where it listens.
pub(crate) async fn simulated(sources: &[Source], scenario: &str) -> (Simulator, SocketAddr) {
    let institution = pabal_spec::load(sources).unwrap_or_else(|found| panic!("{found:#?}")).institution;
    let protocol = Arc::clone(&institution.protocols[0]);
    let scenario = Scenario::parse(scenario, "scenario.toml", &protocol);
    let scenario = scenario.unwrap_or_else(|mistakes| panic!("{mistakes:#?}"));
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    let options = Options::new(protocol, Arc::new(scenario), Settings::duplex(1), vec![Some(any)]);
    let bank = Simulator::start(options).await.expect("it starts");
    let address = bank.local_address(LineId(0)).expect("it listens");
    (bank, address)
}

/// The participant, and where it listens.
async fn participant(frame: &str, fault: Option<&str>) -> (Process, SocketAddr) {
    let mut process = framed_peer(frame, fault);
    let port = |line: &str| {
        let told: serde_json::Value = serde_json::from_str(line).ok()?;
        u16::try_from(told["port"].as_u64()?).ok()
    };
    let port = process.hear("its port", port).await;
    (process, SocketAddr::from(([127, 0, 0, 1], port)))
}

#[test]
fn each_frame_is_spoken_with_a_participant_that_makes_it_by_hand() {
    run(async {
        for (name, frame) in FRAMES {
            let (_process, address) = participant(name, None).await;
            let house = House::start(frame, address).await;
            for number in 1..=5 {
                assert_eq!(house.approval(frame).await, format!("A{number:07}"), "{frame}");
            }
            assert_eq!(house.epoch().await, 1, "{frame}: 0 disconnects");
            assert_eq!(house.entries("unclaimed"), [""; 0], "{frame}");
        }
    });
}

#[test]
fn each_frame_is_spoken_with_the_simulator_in_pieces() {
    run(async {
        for (_, frame) in FRAMES {
            let (bank, address) = simulated(&sources(frame), SCENARIO).await;
            let house = House::start(frame, address).await;
            for _ in 0..6 {
                assert_eq!(house.approval(frame).await, "A0000001", "{frame}");
            }
            let totals = bank.read(pabal_counterparty::Ledger::totals);
            assert_eq!((totals.requests, totals.faulty, totals.strangers), (6, 0, 0), "{frame}");
            assert_eq!(house.epoch().await, 1, "{frame}: 0 disconnects");
        }
    });
}

#[test]
fn garbage_is_passed_over_where_the_spec_says_so_and_told() {
    run(async {
        let (name, frame) = FRAMES[9];
        let (_process, address) = participant(name, Some("garbage")).await;
        let house = House::start(frame, address).await;
        for number in 1..=5 {
            assert_eq!(house.approval(frame).await, format!("A{number:07}"));
        }
        assert_eq!(house.epoch().await, 1, "0 disconnects");
        let told = house.entries("unclaimed");
        assert_eq!(told.len(), 1, "{told:#?}");
        assert!(told[0].contains("17 bytes of the stream are no frame, and were passed over"), "{told:#?}");
    });
}

/// Two calls succeed, the third has no answer that can be read, and the fourth goes by a new session.
async fn closes(name: &str, frame: &str, fault: &str) -> Vec<String> {
    let (mut process, address) = participant(name, Some(fault)).await;
    let house = House::start(frame, address).await;
    for number in 1..=2 {
        assert_eq!(house.approval(frame).await, format!("A{number:07}"), "{frame}");
    }
    let third = house.call(frame).await;
    assert!(matches!(third.outcome, Outcome::Unknown { .. }), "{frame}: {third:?}");
    process.hear("that the session is closed", |line| line.contains("\"closed\"").then_some(())).await;
    house.wait_up(frame).await;
    assert_eq!(house.approval(frame).await, "A0000004", "{frame}");
    assert_eq!(house.epoch().await, 2, "{frame}");
    let closed = house.entries("session");
    assert_eq!(closed.iter().filter(|entry| entry.contains("bad_frame")).count(), 1, "{frame}: {closed:#?}");
    house.entries("unclaimed")
}

#[test]
fn garbage_closes_the_session_where_frames_cannot_be_found_again() {
    run(async {
        for (name, frame) in FRAMES.into_iter().filter(|(name, _)| !["stx", "fixed"].contains(name)) {
            let told = closes(name, frame, "garbage").await;
            assert!(!told.is_empty(), "{frame}");
        }
    });
}

#[test]
fn more_than_the_maximum_is_refused_at_the_length() {
    run(async {
        for (name, frame) in FRAMES.into_iter().filter(|(name, _)| !["stx", "fixed", "type"].contains(name)) {
            let told = closes(name, frame, "long").await;
            assert!(told.iter().any(|entry| entry.contains("999")), "{frame}: {told:#?}");
        }
    });
}

#[test]
fn a_length_that_is_refused_is_passed_over_where_the_spec_says_so() {
    run(async {
        let (name, frame) = FRAMES[9];
        let (_process, address) = participant(name, Some("long")).await;
        let house = House::start(frame, address).await;
        for number in 1..=2 {
            assert_eq!(house.approval(frame).await, format!("A{number:07}"));
        }
        // Its answer never comes; the session goes on.
        assert!(matches!(house.call(frame).await.outcome, Outcome::Unknown { .. }));
        assert_eq!(house.approval(frame).await, "A0000004");
        assert_eq!(house.epoch().await, 1, "0 disconnects");
        let told = house.entries("unclaimed");
        assert!(told.iter().any(|entry| entry.contains("5 bytes of the stream are no frame")), "{told:#?}");
    });
}
