//! Commands of operators and drains, over real sockets.

use std::io::Read;
use std::net::TcpStream;
use std::time::Duration;

use pabal_spec::Source;
use pabal_switch::{By, Cause, Command, Outcome, Refusal, SessionState, Wanted};
use tokio::task::spawn_blocking;

use super::house::{House, config, sources, transfer};
use super::peer::{PATIENCE, Peer, answered, is_open_request, read_telegram, write_telegram};
use crate::{Call, Config, Gateway, Search, SearchBy, Served, Subscribe};

/// Five may be unanswered.
const WINDOW_5: &str = "[line]\nwindow = 5\n";

/// Deposits are replied to by a service, which has a minute.
fn slow_service() -> Vec<Source> {
    let mut sources = sources();
    let spec = sources.iter_mut().find(|source| source.name == "firmbanking.spec").unwrap();
    let answer = |by: &str| format!("answer deposit \"4100\" \"100\"\n  answered by {by}");
    let from = answer("gateway when durable with response_code \"0000\"");
    assert!(spec.text.contains(&from));
    spec.text = spec.text.replacen(&from, &answer("service within 60s else response_code \"9999\""), 1);
    sources
}

/// A deposit as the shipped sample has it, without the length in front.
fn deposit() -> Vec<u8> {
    let sample = include_str!("../../../../specs/hecto/samples/deposit_notice.toml");
    let digits: String = sample.lines().filter_map(|line| line.strip_prefix("  \"")?.split('"').next()).collect();
    let byte = |at: usize| u8::from_str_radix(&digits[at..at + 2], 16).unwrap();
    (0..digits.len()).step_by(2).map(byte).skip(4).collect()
}

fn by() -> By {
    By { actor: "kim".into(), reason: "night work".into() }
}

/// Reads as many telegrams as that.
async fn telegrams(out: &TcpStream, count: usize) -> Vec<Vec<u8>> {
    let mut out = out.try_clone().unwrap();
    spawn_blocking(move || (0..count).map(|_| read_telegram(&mut out).unwrap()).collect()).await.unwrap()
}

/// Waits for the end of the stream.
async fn ended(mut stream: TcpStream) {
    spawn_blocking(move || assert_eq!(stream.read(&mut [0; 1]).unwrap_or(0), 0)).await.unwrap();
}

/// The bank opens business by these two connections.
async fn open(house: &House) -> (TcpStream, TcpStream) {
    let (out, mut inbound) = house.connect();
    let opening = telegrams(&out, 1).await;
    assert!(is_open_request(&opening[0]));
    write_telegram(&mut inbound, &answered(&opening[0], b"0000"));
    house.wait_until_open().await;
    (out, inbound)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_drain_refuses_what_waits_lets_answers_come_and_ends_at_its_deadline() {
    const WITHIN: Duration = Duration::from_secs(2);
    let spec = |config: Config| config.with_spec("hecto", slow_service());
    let house = House::start_at(Peer::start(), WINDOW_5, spec).await;
    let (out, mut inbound) = open(&house).await;
    let call = || {
        let handle = house.handle.clone();
        tokio::spawn(async move { handle.exchange(Call { timeout: Some(PATIENCE * 2), ..transfer() }).await })
    };
    let in_flight: Vec<_> = (0..5).map(|_| call()).collect();
    let asked = telegrams(&out, 5).await;
    let queued: Vec<_> = (0..3).map(|_| call()).collect();
    write_telegram(&mut inbound, &deposit());
    let service = Subscribe { institution: "hecto".into(), notices: Vec::new(), caller: "ledger".into() };
    let mut subscription = house.handle.serve(service.clone()).await.unwrap();
    let Some(Served::Notice(notice)) = subscription.next().await else { panic!("the deposit is given to the service") };
    house.wait_for(|handle| async move { handle.status("hecto").await.unwrap().waiting == 3 }).await;

    let House { gateway, handle, peer, directory } = house;
    let began = handle.now().mono;
    let drain = tokio::spawn(gateway.drain(WITHIN));
    for queued in queued {
        let refused = queued.await.unwrap().unwrap_err();
        assert_eq!((refused.refusal, refused.is_proof), (Refusal::Draining, true));
    }
    // The bank answers three, and is silent about the rest.
    let (told, silent) = asked.split_at(3);
    for request in told {
        write_telegram(&mut inbound, &answered(request, b"0000"));
    }
    let summary = drain.await.unwrap();
    let took = handle.now().mono.since(began);
    assert!(WITHIN <= took && took < WITHIN + Duration::from_secs(3), "{took:?}");
    assert_eq!((summary.institutions[0].in_flight, summary.institutions[0].unknown), (0, 2), "{summary:?}");
    let mut outcomes = Vec::new();
    for call in in_flight {
        outcomes.push(call.await.unwrap().unwrap().outcome);
    }
    let count = |wanted: Outcome| outcomes.iter().filter(|outcome| **outcome == wanted).count();
    assert_eq!(count(Outcome::Success { cause: Cause::Answered }), 3);
    assert_eq!((count(Outcome::Unknown { cause: Cause::Restarted }), silent.len()), (2, 2), "{outcomes:?}");
    ended(out).await;
    ended(inbound).await;

    let gateway = Gateway::start(spec(config(directory.path(), peer.address, WINDOW_5))).await.unwrap();
    let unresolved = Search { institution: None, by: SearchBy::Unresolved, max: 10 };
    let open = gateway.handle().search(unresolved).await.unwrap().found;
    assert_eq!(open.len(), 2, "{open:#?}");
    let mut subscription = gateway.handle().serve(service).await.unwrap();
    let Some(Served::Notice(again)) = subscription.next().await else { panic!("nobody has said that he has it") };
    assert_eq!(again.notice, notice.notice);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_line_is_stopped_at_once_and_stays_so_over_a_restart_until_it_is_started() {
    let house = House::start().await;
    let (out, _inbound) = open(&house).await;
    house.handle.command("hecto", Command::StopLine { line: "out".into() }, by()).await.unwrap();
    ended(out).await;
    let refused = house.handle.exchange(transfer()).await.unwrap_err();
    assert_eq!(refused.refusal, Refusal::SendDown);
    assert!(refused.detail.contains("out stopped by kim: night work"), "{}", refused.detail);
    let House { gateway, handle, peer, directory } = house;
    assert!(gateway.drain(PATIENCE).await.is_complete());

    let gateway = Gateway::start(config(directory.path(), peer.address, "")).await.unwrap();
    let next = gateway.handle();
    let status = next.status("hecto").await.unwrap();
    assert_eq!((status.lines[0].wanted, status.sessions[0].state), (Wanted::Stopped, SessionState::Down));
    assert_eq!((status.sessions[0].next_try, status.lines[0].sessions_counted), (None, 0));
    next.command("hecto", Command::StartLine { line: "out".into() }, by()).await.unwrap();
    spawn_blocking(move || peer.accept()).await.unwrap();
    let log: Vec<_> = next.command_log(Some("hecto"), 10).await.unwrap();
    let told: Vec<_> = log.iter().map(|one| (one.command.as_str(), one.target.as_str(), one.actor.as_str())).collect();
    assert_eq!(told, [("start_line", "out", "kim"), ("stop_line", "out", "kim")]);
    let unknown = next.command_log(Some("hekto"), 10).await.unwrap_err();
    assert_eq!(unknown.refusal, Refusal::UnknownInstitution);
    assert!(unknown.detail.contains("did you mean `hecto`"), "{}", unknown.detail);
    // The driver of before is gone, and says so.
    assert!(handle.command("hecto", Command::StartInstitution, by()).await.is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_institution_that_is_drained_closes_its_sockets_and_connects_again_when_it_is_started() {
    let house = House::start().await;
    let (out, inbound) = open(&house).await;
    house.handle.command("hecto", Command::DrainInstitution { within: PATIENCE }, by()).await.unwrap();
    ended(out).await;
    ended(inbound).await;
    let refused = house.handle.exchange(transfer()).await.unwrap_err();
    assert_eq!(refused.refusal, Refusal::Draining);
    house
        .health(|health| matches!(health, crate::Health::NotServing(why) if why.contains("stopped by kim: night work")))
        .await;
    house.handle.command("hecto", Command::StartInstitution, by()).await.unwrap();
    let _both = house.connect();
    house
        .wait_for(|handle| async move { handle.status("hecto").await.unwrap().sessions[1].state == SessionState::Up })
        .await;
}
