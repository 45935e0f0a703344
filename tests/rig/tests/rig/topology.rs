//! How institutions connect, over real sockets: sessions that are signed on and off, with the simulator; and one connection for each request,
//! whose answer has no key, with an institution that is a listener and forty lines.

use std::net::SocketAddr;
use std::os::fd::AsFd;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use pabal_counterparty::Ledger;
use pabal_gateway::{Answer, Body, Call, CallError, Config, Gateway};
use pabal_rig::{run, site, soon, until};
use pabal_simulator::at_noon;
use pabal_spec::Source;
use pabal_switch::{Cause, CloseReason, Outcome, Refusal, SessionState};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::framed::simulated;

/// A desk that is asked for balances; `KEY` and `SIGN` are what the tests vary.
const SPEC: &str = r#"institution desk "창구"

protocol ask "조회" {
  zone     +09:00
  day      changes 00:00
  charset  encode euc-kr decode cp949
  frame    length ascii(4) exclusive max 999
  unset    9 zero  X space
  stamp    date at queue
  number   no per date 1..999
KEY
SIGN
  select by kind {
    link     length 16  bytes 0..4 "LINK"
    link_ok  length 18  bytes 0..4 "LIOK"
    stop     length 4   bytes 0..4 "STOP"
    stop_ok  length 4   bytes 0..4 "STOK"
    balance  "Q"|"A"
  }
  verdict  code from codes.csv
}

header head 16 {
  kind  X(1)                            public
  date  date(YYYYMMDD)  by asker echo   public
  no    9(3)            by asker echo   public
  code  X(4)            by answerer     public
}

telegram link "접속" 16 {
  marker  X(4)                const "LINK"      public
  sent    time(YYMMDDhhmmss)  at send           public
}

telegram link_ok "접속 응답" 18 {
  marker  X(4)                const "LIOK"      public
  sent    time(YYMMDDhhmmss)  by answerer echo  public
  result  X(2)                by answerer       public
}

telegram stop "종료" 4 {
  marker  X(4)  const "STOP"  public
}

telegram stop_ok "종료 응답" 4 {
  marker  X(4)  const "STOK"  public
}

telegram balance "잔액" 39 : head {
  account  X(10)  by asker     account
  amount   9(13)  by answerer  public
}

exchange balance { request "Q"  answer "A"  effect none  timeout 1s }
"#;

pub(crate) const KEY: &str = "  key      date no\n  trace    date no";
const NO_KEY: &str = "  key      none\n  trace    none";
const SIGN: &str = "  sign     on { request link  answer link_ok  success result \"00\"  timeout 300ms }\n  \
                    sign     off { request stop  answer stop_ok  timeout 300ms }";
pub(crate) const ANSWERS: &str =
    "about = \"answers\"\n[[reply]]\nexchange = \"balance\"\nresponse_code = \"0000\"\n[reply.set]\namount = 150000\n";

pub(crate) fn sources(key: &str, sign: &str) -> Vec<Source> {
    let source = |name: &str, text: String| Source { name: name.into(), text };
    // Only what the gateway sends by itself is written at sending.
    let send = if sign.is_empty() { "by asker" } else { "at send" };
    let spec = SPEC.replace("KEY", key).replace("SIGN\n", &format!("{sign}\n")).replace("at send", send);
    at_noon(vec![source("desk.spec", spec), source("codes.csv", "code,class,text\n0000,success,ok\n".into())])
}

pub(crate) struct House {
    pub(crate) gateway: Gateway,
    _directory: TempDir,
}

impl House {
    async fn start(sources: Vec<Source>, line: &str, peer: SocketAddr) -> Self {
        Self::with_line(sources, &connects(line, peer)).await
    }

    /// Its line is as this says, beside its name, protocol and direction.
    pub(crate) async fn with_line(sources: Vec<Source>, line: &str) -> Self {
        let directory = tempfile::tempdir().expect("a place for files");
        let config = config(directory.path(), line).with_spec("desk", sources);
        let gateway = Gateway::start(config).await.unwrap_or_else(|error| panic!("{error}"));
        Self { gateway, _directory: directory }
    }

    pub(crate) async fn sessions(&self) -> Vec<(SessionState, Option<CloseReason>)> {
        let status = self.gateway.handle().status("desk").await.expect("there is a core");
        status.sessions.iter().map(|session| (session.state, session.closed)).collect()
    }

    pub(crate) async fn wait_state(&self, state: SessionState) {
        until(&format!("{state}"), async || self.sessions().await.iter().all(|one| one.0 == state).then_some(())).await;
    }

    pub(crate) async fn call(&self) -> Result<Answer, CallError> {
        let call = Call {
            institution: "desk".to_owned(),
            exchange: "balance".to_owned(),
            body: Body::Fields(vec![("account".to_owned(), "110123".into())]),
            party: None,
            caller: "rig".to_owned(),
            idempotency_key: None,
            timeout: Some(Duration::from_secs(5)),
            accepts_early_unknown: false,
            trace: None,
        };
        soon("the call returns", self.gateway.handle().exchange(call)).await
    }

    pub(crate) async fn succeed(&self) {
        let answer = self.call().await.unwrap_or_else(|error| panic!("{error:?}"));
        assert_eq!(answer.outcome, Outcome::Success { cause: Cause::Answered }, "{answer:?}");
    }
}

fn connects(line: &str, peer: SocketAddr) -> String {
    format!("side = \"initiator\"\naddress = \"{peer}\"\n{line}")
}

fn config(directory: &Path, line: &str) -> Config {
    site(directory, "desk", &[("desk", "ask", &format!("direction = \"duplex\"\n{line}"))])
}

#[test]
fn sessions_are_signed_on_before_business_and_off_before_they_are_closed() {
    run(async {
        let (bank, address) = simulated(&sources(KEY, SIGN), ANSWERS).await;
        let house = House::start(sources(KEY, SIGN), "", address).await;
        house.wait_state(SessionState::Up).await;
        for _ in 0..3 {
            house.succeed().await;
        }
        soon("it drains", house.gateway.drain(Duration::from_secs(5))).await;
        let totals = bank.read(Ledger::totals);
        assert_eq!((totals.sign_ons, totals.sign_offs, totals.requests, totals.strangers), (1, 1, 3, 0));
    });
}

#[test]
fn a_sign_on_that_is_refused_or_not_answered_leaves_the_session_down_and_is_tried_again() {
    run(async {
        for (misdeed, nothing) in [("do = \"refuse\"\nresult = \"99\"", false), ("do = \"silence\"", true)] {
            let scenario = format!("{ANSWERS}[[sign_on.misbehave]]\n{misdeed}\n");
            let (bank, address) = simulated(&sources(KEY, SIGN), &scenario).await;
            let house = House::start(sources(KEY, SIGN), "", address).await;
            until(&format!("it tries again ({nothing})"), async || {
                (bank.read(Ledger::totals).sign_ons > 1).then_some(())
            })
            .await;
            let (state, closed) = house.sessions().await[0];
            assert!(state != SessionState::Up && closed == Some(CloseReason::SignOnFailed), "{state} {closed:?}");
            let status = house.gateway.handle().status("desk").await.expect("there is a core");
            let detail = status.sessions[0].detail.as_deref().unwrap_or_default();
            assert!(detail.starts_with(&format!("{address}: ")), "which address it was: {detail}");
            assert_eq!(house.call().await.map_err(|error| error.refusal).err(), Some(Refusal::SendDown));
            let totals = bank.read(Ledger::totals);
            assert_eq!((totals.requests, totals.strangers), (0, 0), "nothing of business has left");
        }
    });
}

/// Reads one request of 43 bytes.
pub(crate) async fn read_request(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let mut request = vec![0; 43];
    stream.read_exact(&mut request).await.ok()?;
    Some(request)
}

pub(crate) fn answer(request: &[u8]) -> Vec<u8> {
    let mut answer = request.to_vec();
    answer[4] = b'A';
    answer[16..20].copy_from_slice(b"0000");
    answer
}

/// The same desk asks nothing of us and is asked nothing: it tells us things, on a connection that it makes.
fn told() -> Vec<Source> {
    let notice =
        "notice balance {\n  request \"Q\"  answer \"A\"\n  answered by gateway when durable with code \"0000\"\n}\n";
    let mut sources = sources(KEY, "");
    let exchange = sources[0].text.find("exchange balance").expect("it has one");
    sources[0].text.replace_range(exchange.., notice);
    sources
}

#[test]
fn an_institution_that_only_tells_us_things_has_a_line_that_it_connects() {
    run(async {
        let house = House::with_line(told(), "side = \"acceptor\"\nlisten = \"127.0.0.1:0\"").await;
        let (_, _, to) = house.gateway.local_addresses().pop().expect("it listens");
        for number in ["001", "002", "001"] {
            let mut stream = soon("it is connected", TcpStream::connect(to)).await.expect("it listens");
            let notice = format!("0039Q20261121{number}    1101234567{:013}", 150_000);
            stream.write_all(notice.as_bytes()).await.expect("it is taken");
            let reply = soon("it is replied to", read_request(&mut stream)).await.expect("a reply");
            let reply = String::from_utf8(reply).expect("ASCII");
            assert_eq!(reply[..20], format!("0039A20261121{number}0000"));
            drop(stream);
            house.wait_state(SessionState::Down).await;
        }
        assert_eq!(house.call().await.map_err(|error| error.refusal).err(), Some(Refusal::UnknownExchange));
    });
}

/// Whether the gateway has not closed its side: a socket that never waits has no end to read.
fn is_open(stream: &std::net::TcpStream) -> bool {
    !matches!(stream.peek(&mut [0]), Ok(0))
}

#[test]
fn each_request_is_answered_by_its_own_connection_which_both_sides_close() {
    run(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("it listens");
        let most = Arc::new(AtomicUsize::new(0));
        let peak = Arc::clone(&most);
        tokio::spawn(async move {
            let mut open = Vec::new();
            while let Ok((mut stream, _)) = listener.accept().await {
                // Counted as the kernel of the bank does: the tasks below may not have read yet that theirs is closed.
                open.retain(is_open);
                let same = stream.as_fd().try_clone_to_owned().expect("a descriptor more");
                open.push(std::net::TcpStream::from(same));
                peak.fetch_max(open.len(), Ordering::SeqCst);
                tokio::spawn(async move {
                    let request = read_request(&mut stream).await.expect("one request");
                    stream.write_all(&answer(&request)).await.expect("it is taken");
                    // Its FIN comes right behind the answer.
                    let _ = stream.shutdown().await;
                    let rest = stream.read(&mut [0; 64]).await;
                    assert!(matches!(rest, Ok(0)), "one request by each connection: {rest:?}");
                });
            }
        });
        let house = House::start(sources(NO_KEY, ""), "connects = \"per_exchange\"\nsessions = 2", address).await;
        assert_eq!(house.sessions().await, [(SessionState::Down, None); 2], "nobody waits");
        for _ in 0..5 {
            let all = [house.succeed(), house.succeed(), house.succeed(), house.succeed()];
            let [a, b, c, d] = all;
            tokio::join!(a, b, c, d);
        }
        house.wait_state(SessionState::Down).await;
        assert_eq!(house.sessions().await, [(SessionState::Down, Some(CloseReason::Answered)); 2]);
        assert_eq!(most.load(Ordering::SeqCst), 2, "never more than are allowed, and both are used");
    });
}

#[test]
fn without_a_key_a_late_answer_reaches_nobody() {
    run(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("it listens");
        let house = House::start(sources(NO_KEY, ""), "window = 1", address).await;
        let (mut stream, _) = soon("it connects", listener.accept()).await.expect("a connection");
        house.wait_state(SessionState::Up).await;
        let late = async {
            let request = soon("a request", read_request(&mut stream)).await.expect("one request");
            // Longer than the institution may take: the gateway has closed before it comes.
            let closed = soon("the gateway closes", stream.read(&mut [0; 64])).await;
            assert!(matches!(closed, Ok(0)), "{closed:?}");
            let _ = stream.write_all(&answer(&request)).await;
            drop(stream);
        };
        let (called, ()) = tokio::join!(house.call(), late);
        assert_eq!(called.expect("it left").outcome, Outcome::Unknown { cause: Cause::NoAnswer });
        let (mut stream, _) = soon("it connects again", listener.accept()).await.expect("a connection");
        assert_eq!(house.sessions().await[0].1, Some(CloseReason::AnswerMissed));
        house.wait_state(SessionState::Up).await;
        let good = async {
            let request = soon("a request", read_request(&mut stream)).await.expect("one request");
            stream.write_all(&answer(&request)).await.expect("it is taken");
        };
        tokio::join!(house.succeed(), good);
    });
}

#[test]
fn where_there_is_no_key_a_line_is_duplex_and_has_one_request_at_a_time() {
    run(async {
        let directory = tempfile::tempdir().expect("a place for files");
        let peer = SocketAddr::from(([127, 0, 0, 1], 1));
        let config = config(directory.path(), &connects("window = 2", peer)).with_spec("desk", sources(NO_KEY, ""));
        let Err(error) = Gateway::start(config).await else { panic!("it starts") };
        let text = error.to_string();
        assert!(
            text.contains("institutions.desk.lines[0].window")
                && text.contains(
                    "(2) must be 1: the spec says `key none`, and an answer is that of the only request of its session"
                ),
            "{text}"
        );
    });
}
