//! A line to a host: every byte of its telegrams is EBCDIC, Korean between SO and SI.

use std::net::SocketAddr;
use std::time::Duration;

use pabal_front::proto::value::Kind;
use pabal_front::proto::{ExchangeRequest, ExchangeResponse, Fields, Outcome, Value, exchange_request};
use pabal_front::{Front, client};
use pabal_gateway::Listen;
use pabal_rig::{run, soon};
use pabal_simulator::at_noon;
use pabal_spec::Source;

use crate::framed::{House, simulated};

const SPEC: &str = r#"institution van "계정계"

protocol card "원장" {
  zone         +09:00
  day          changes 00:00
  charset      CHARSET
  frame        length binary(2) big exclusive max 999
  unset        9 zero  X space
  participant  bank_code
  stamp        date time at queue
  number       no per date bank_code 1..999999
  key          date bank_code no
  trace        date time bank_code no
  poll         after 2s nothing sent { request poll_request  answer poll_answer  timeout 1s }
  select by kind {
    poll_request  length 20  bytes 0..4 "0800"
    poll_answer   length 20  bytes 0..4 "0810"
    request       "0200"
    reply         "0210"
  }
  verdict  code from codes.csv by bank_code
}

header head 31 {
  kind       X(4)                            public
  date       date(YYYYMMDD)  by asker echo   public
  time       time(hhmmss)    by asker echo   public
  no         9(6)            by asker echo   public
  bank_code  code(3)         by asker echo   public
  code       X(4)            by answerer     public
}

telegram poll_request "시험" 20 {
  kind  X(4)              const "0800"  public
  time  time(MMDDhhmmss)  at send       public
  rest  filler(6)                       public
}

telegram poll_answer "시험응답" 20 {
  kind  X(4)              const "0810"      public
  time  time(MMDDhhmmss)  by answerer echo  public
  rest  filler(6)                           public
}

telegram request "조회" 57 : head {
  account  X(12)  by asker  account  "계좌번호"
  holder   X(14)  by asker  name     "예금주"
}

telegram reply "조회응답" 84 : head {
  holder   X(20)                     by answerer  name    "예금주"
  balance  S9(13) overpunch trailing  by answerer  public  "잔액"
  memo     X(20)                     by answerer  public  "적요"
}

exchange inquire { request "0200"  answer "0210"  effect none  timeout 5s }
"#;

const SCENARIO: &str = r#"
about = "answers"
[[reply]]
exchange = "inquire"
response_code = "0000"
[reply.set]
holder = "홍길동"
balance = -1250
memo = "NO. 7 원장"
"#;

fn sources(charset: &str) -> Vec<Source> {
    let source = |name: &str, text: String| Source { name: name.into(), text };
    at_noon(vec![
        source("van.spec", SPEC.replace("CHARSET", charset)),
        source("codes.csv", "bank_code,code,class,text\n004,0000,success,done\n".into()),
    ])
}

/// A call over gRPC.
async fn call(house: &House) -> ExchangeResponse {
    let listen = Listen::Tcp(SocketAddr::from(([127, 0, 0, 1], 0)));
    let front = Front::serve(house.gateway.handle(), pabal_front::Options::new(listen)).await.expect("a free port");
    let mut client = soon("the client connects", client::connect(&front.endpoint())).await.expect("it listens");
    let text = |text: &str| Value { kind: Some(Kind::Text(text.to_owned())) };
    let values = [("bank_code", "004"), ("account", "110123456789"), ("holder", "홍길동")];
    let values = values.map(|(name, value)| (name.to_owned(), text(value))).into_iter().collect();
    let request = ExchangeRequest {
        institution: "van".to_owned(),
        exchange: "inquire".to_owned(),
        body: Some(exchange_request::Body::Fields(Fields { values })),
        ..ExchangeRequest::default()
    };
    let request = client::request(request, Some("rig"), Some(Duration::from_secs(20)), None).expect("ASCII");
    let called = soon("it returns", client.gateway.exchange(request)).await;
    called.unwrap_or_else(|status| panic!("{status:?}")).into_inner()
}

fn text(response: &ExchangeResponse, field: &str) -> Option<String> {
    match &response.fields[field].value.as_ref()?.kind {
        Some(Kind::Text(text)) => Some(text.clone()),
        _ => None,
    }
}

/// EBCDIC digits, and no others.
fn digits(bytes: &[u8]) -> String {
    let digit = |byte: &u8| match byte {
        0xF0..=0xF9 => char::from(b'0' + (byte & 0x0F)),
        other => panic!("{other:02x} is no digit of a host"),
    };
    bytes.iter().map(digit).collect()
}

#[test]
fn a_call_goes_to_a_host_and_back() {
    run(async {
        // 홍길동 as glibc writes it in both: SO, three times two bytes, SI.
        const NAME: [u8; 8] = [0x0E, 0xD1, 0xB7, 0x8B, 0xA9, 0x95, 0xB7, 0x0F];
        for charset in ["ebcdic-933", "ebcdic-1364"] {
            let (bank, address) = simulated(&sources(charset), SCENARIO).await;
            let house = House::start_by(charset, sources(charset), address).await;
            for number in 1..=2 {
                let response = call(&house).await;
                assert_eq!(
                    (response.outcome(), response.response_code.as_str()),
                    (Outcome::Success, "0000"),
                    "{charset}"
                );
                assert_eq!(response.response_text, "done");
                assert!(response.faults.is_empty(), "{response:?}");
                assert_eq!(text(&response, "holder").as_deref(), Some("홍길동"));
                assert_eq!(text(&response, "memo").as_deref(), Some("NO. 7 원장"));
                assert_eq!(response.fields["balance"].value, Some(Value { kind: Some(Kind::Int64(-1_250)) }));
                assert_eq!(response.telegram_number, format!("{number:06}"));
            }
            let requests =
                bank.read(|ledger| ledger.requests().map(|(_, one)| one.telegram.clone()).collect::<Vec<_>>());
            assert_eq!(requests.len(), 2);
            for (number, telegram) in (1..).zip(&requests) {
                assert_eq!(digits(&telegram[..4]), "0200");
                assert!(digits(&telegram[4..18]).starts_with("20"), "date and time");
                assert_eq!(digits(&telegram[18..27]), format!("{number:06}004"));
                assert_eq!(telegram[27..31], [0x40; 4], "what the other side fills is spaces");
                assert_eq!(digits(&telegram[31..43]), "110123456789");
                assert_eq!((&telegram[43..51], &telegram[51..57]), (&NAME[..], &[0x40; 6][..]));
            }
            // A session is tested, too.
            let polls = bank.wait_for(|ledger| Some(ledger.totals().polls).filter(|polls| *polls > 0));
            soon("a poll telegram", polls).await.expect("the bank is there");
            let totals = bank.read(pabal_counterparty::Ledger::totals);
            assert_eq!((totals.faulty, totals.strangers), (0, 0), "{charset}");
        }
    });
}

/// A request whose last field moves goes out as long as it is.
#[test]
fn a_request_that_moves_goes_to_a_host() {
    run(async {
        let moving = |source: Source| {
            let text = source.text.replace("\"조회\" 57", "\"조회\" 45..82");
            Source { text: text.replace("holder   X(14)  by asker", "holder   X(..37) led by LL  by asker"), ..source }
        };
        let sources: Vec<Source> = sources("ebcdic-933").into_iter().map(moving).collect();
        let (bank, address) = simulated(&sources, SCENARIO).await;
        let house = House::start_by("moving", sources, address).await;
        let response = call(&house).await;
        assert_eq!((response.outcome(), response.response_code.as_str()), (Outcome::Success, "0000"), "{response:?}");
        let requests = bank.read(|ledger| ledger.requests().map(|(_, one)| one.telegram.clone()).collect::<Vec<_>>());
        // Header and account, two digits of the length, and three syllables between SO and SI.
        assert_eq!(requests.iter().map(|one| one.len()).collect::<Vec<_>>(), [31 + 12 + 2 + 8]);
        assert_eq!(digits(&requests[0][43..45]), "08");
    });
}
