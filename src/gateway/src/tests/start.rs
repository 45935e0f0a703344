//! Starting, stopping, and what goes wrong.

use std::net::TcpStream;
use std::time::Duration;

use pabal_switch::{Cause, OpeningState, Outcome, Refusal, Status};

use super::house::{House, config, config_text, specs, transfer, twins};
use super::peer::{PATIENCE, Peer, answered, is_open_request};
use crate::{Call, Find, FindKey, Found, Gateway, Health, StartError};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_gateway_on_the_same_data_is_told_who_has_it() {
    let house = House::start().await;
    let second = Gateway::start(config(house.directory.path(), house.peer.address, "")).await.unwrap_err();
    assert!(matches!(&second, StartError::Journal(pabal_journal::Error::Held { .. })), "{second:?}");
    let text = second.to_string();
    assert!(text.contains(&format!("process {}", std::process::id())) && text.contains("node test"), "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn configuration_and_spec_have_to_fit() {
    let directory = tempfile::tempdir().unwrap();
    let text = misfits(directory.path(), Peer::start().address);
    let error = Gateway::start(crate::Config::parse(&text, "pabal.toml").unwrap()).await.unwrap_err();
    insta::assert_snapshot!(error.to_string());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_row_for_a_bank_that_no_party_has_is_told() {
    let directory = tempfile::tempdir().unwrap();
    let text = config_text(directory.path(), Peer::start().address, "");
    let row = "[[institutions.hecto.hours]]\nclosed = \"every day\"\nparticipants = [\"099\", \"088\"]\n\
               [[institutions.hecto.rates]]\nin_flight = 1\ncompartments = [\"088\", \"099\"]\n\
               [[institutions.hecto.controls]]\nname = \"n\"\nmessage = \"m\"\nreason = \"r\"\nparticipants = [\"099\"]\n";
    let error = Gateway::start(crate::Config::parse(&(text + row), "pabal.toml").unwrap()).await.unwrap_err();
    insta::assert_snapshot!(error.to_string(), @r#"
    configuration and specs do not fit:
    pabal.toml:30: institutions.hecto.hours[0].participants: business is opened with no participant "099"; there are: 088
    pabal.toml:33: institutions.hecto.rates[0].compartments: business is opened with no participant "099"; there are: 088
    pabal.toml:35: institutions.hecto.controls[0]: business is opened with no participant "099"; there are: 088
    "#);
}

fn misfits(directory: &std::path::Path, out: std::net::SocketAddr) -> String {
    let specs = specs();
    format!(
        r#"
[gateway]
data_dir = {data:?}
[limits]
number_block = 1000000
[institutions.hekto]
spec = {specs:?}
[[institutions.hekto.lines]]
name = "both"
protocol = "firm_banking"
side = "initiator"
direction = "duplex"
address = "{out}"
[[institutions.hekto.parties]]
name = "main"
fields = {{ id_code = "PABAL IS TOO LONG", company = "PABALCO1" }}
participants = ["88", "O88"]
exchanges = ["transfr"]
at."88" = {{ compny_no = "PABALCO8", id_code = "PABAL IS TOO LONG" }}
"#,
        data = directory.join("data"),
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn health_tells_when_both_halves_are_up() {
    let house = House::start().await;
    let (out, inbound) = house.connect();
    house.health(|health| *health == Health::Serving).await;
    drop(inbound);
    let health = house.health(|health| *health != Health::Serving).await;
    assert!(matches!(&health, Health::NotServing(why) if why.contains("receive half down: line in")), "{health:?}");
    let _inbound = TcpStream::connect(house.inbound_address()).unwrap();
    house.health(|health| *health == Health::Serving).await;
    drop(out);
    house.health(|health| *health != Health::Serving).await;
    let _out = house.peer.accept();
    house.health(|health| *health == Health::Serving).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_beyond_the_limit_is_reset() {
    let house = House::start().await;
    let (_out, _inbound) = house.connect();
    house.health(|health| *health == Health::Serving).await;
    let mut second = TcpStream::connect(house.inbound_address()).unwrap();
    second.set_read_timeout(Some(PATIENCE)).unwrap();
    let read = tokio::task::spawn_blocking(move || {
        std::io::Read::read(&mut second, &mut [0; 1]).map_err(|error| error.kind())
    });
    assert_eq!(read.await.unwrap(), Err(std::io::ErrorKind::ConnectionReset));
    assert_eq!(*house.handle.health("hecto").unwrap().borrow(), Health::Serving);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stranger_takes_no_slot() {
    let directory = tempfile::tempdir().unwrap();
    let peer = Peer::start();
    let text =
        config_text(directory.path(), peer.address, "").replace("listen = ", "from = [\"127.0.0.9\"]\nlisten = ");
    let gateway = Gateway::start(crate::Config::parse(&text, "pabal.toml").unwrap()).await.unwrap();
    let _out = peer.accept();
    let address = gateway.local_addresses()[0].2;
    let mut stranger = TcpStream::connect(address).unwrap();
    stranger.set_read_timeout(Some(PATIENCE)).unwrap();
    assert_eq!(
        std::io::Read::read(&mut stranger, &mut [0; 1]).unwrap_err().kind(),
        std::io::ErrorKind::ConnectionReset
    );
    let friend = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    friend.bind(&"127.0.0.9:0".parse::<std::net::SocketAddr>().unwrap().into()).unwrap();
    friend.connect(&address.into()).unwrap();
    let mut health = gateway.handle().health("hecto").unwrap();
    tokio::time::timeout(PATIENCE, health.wait_for(|health| *health == Health::Serving)).await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_the_journal_is_held_nothing_leaves() {
    let house = House::start().await;
    let telegrams = house.open(|request| vec![answered(request, b"0000")]).await;
    let writer = house.gateway.journal().clone();
    let pause = tokio::task::spawn_blocking(move || writer.pause()).await.unwrap();
    let calls: Vec<_> = (0..20)
        .map(|_| {
            tokio::spawn({
                let handle = house.handle.clone();
                async move { handle.exchange(transfer()).await }
            })
        })
        .collect();
    // The first entries of all of them are with the journal: the 300 bytes of a telegram, and as much again around them, for each.
    let writer = house.gateway.journal().clone();
    house
        .wait_for(|_| {
            let waits = writer.undurable_bytes("hecto");
            async move { waits > 20 * 600 }
        })
        .await;
    assert!(telegrams.try_recv().is_err());
    drop(pause);
    for call in calls {
        assert_eq!(call.await.unwrap().unwrap().outcome, Outcome::Success { cause: Cause::Answered });
    }
    assert_eq!((0..20).filter(|_| telegrams.recv_timeout(PATIENCE).is_ok()).count(), 20);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_journal_without_room_stops_all_sending_and_health_says_so() {
    let house = House::start_with("[journal]\njournal_bytes_max = \"1MiB\"\nwal_bytes_max = \"1MiB\"\n").await;
    let telegrams = house.open(|request| vec![answered(request, b"0000")]).await;
    let mut served = 0;
    let refused = loop {
        match house.handle.exchange(transfer()).await {
            Ok(answer) if answer.outcome == (Outcome::Success { cause: Cause::Answered }) => served += 1,
            Ok(answer) => assert_eq!(answer.outcome, Outcome::Unknown { cause: Cause::NotKept }),
            Err(error) => break error,
        }
        assert!(served < 10_000, "1 MiB holds fewer");
    };
    assert_eq!(refused.refusal, Refusal::JournalFailed);
    let health = house.health(|health| *health != Health::Serving).await;
    assert!(matches!(&health, Health::NotServing(why) if why.starts_with("journal failed: no room")), "{health:?}");
    let before = telegrams.try_iter().count();
    assert_eq!(house.handle.exchange(transfer()).await.unwrap_err().refusal, Refusal::JournalFailed);
    assert_eq!(telegrams.try_iter().count(), 0, "after {before}");
    let summary = house.gateway.drain(Duration::from_secs(5)).await;
    assert!(summary.journal_failure.is_some() && !summary.is_complete());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fault_of_ours_ends_one_core_and_the_next_goes_on_from_the_journal() {
    let house = House::start().await;
    let telegrams = house.open(|_| Vec::new()).await;
    let key = FindKey::Idempotency { caller: "payroll".to_owned(), key: "pay".to_owned() };
    let handle = house.handle.clone();
    let waits =
        tokio::spawn(
            async move { handle.exchange(Call { idempotency_key: Some("pay".to_owned()), ..transfer() }).await },
        );
    let (_, telegrams) =
        tokio::task::spawn_blocking(move || (telegrams.recv_timeout(PATIENCE).unwrap(), telegrams)).await.unwrap();
    house.handle.panic("hecto").await;
    let answer = waits.await.unwrap().unwrap();
    assert_eq!(answer.outcome, Outcome::Unknown { cause: Cause::Restarted });
    let health = house.health(|health| matches!(health, Health::NotServing(why) if why.contains("fault"))).await;
    let expected = "a fault of ours: a fault of ours, for a test; starting anew from the journal";
    assert_eq!(health, Health::NotServing(expected.to_owned()));
    // The bank sees the old connections end, and only after a rest new ones; nobody waits for that.
    assert!(telegrams.recv_timeout(PATIENCE).is_err());
    let error = house.handle.exchange(transfer()).await.unwrap_err();
    assert_eq!((error.refusal, error.detail.as_str()), (Refusal::Stopped, "a fault of ours, for a test"));
    let found = Find { institution: "hecto".to_owned(), key: key.clone(), fence: false };
    assert!(
        matches!(house.handle.find(found).await.unwrap(), Found::Exchange { exchange, .. } if exchange == answer.exchange)
    );
    let _out = house.peer.accept();
    // The bank may still count the old connection until the close grace is over.
    house
        .wait_for(|handle| async move {
            let status = handle.status("hecto").await.unwrap();
            status
                .sessions
                .iter()
                .any(|session| &*session.line == "in" && session.state == pabal_switch::SessionState::Down)
        })
        .await;
    let _inbound = TcpStream::connect(house.inbound_address()).unwrap();
    house.health(|health| *health == Health::Serving).await;
    let found = house.handle.find(Find { institution: "hecto".to_owned(), key, fence: true }).await.unwrap();
    let Found::Exchange { exchange, outcome, .. } = found else { panic!("{found:?}") };
    assert_eq!((exchange, outcome.map(|outcome| outcome.word())), (answer.exchange, Some("UNKNOWN")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_core_that_falls_twice_within_a_minute_stays_down_until_an_operator_starts_it() {
    let house = House::start().await;
    let says =
        |words: &'static str| move |health: &Health| matches!(health, Health::NotServing(why) if why.contains(words));
    let is_back = || house.wait_for(|handle| async move { !handle.status("hecto").await.unwrap().sessions.is_empty() });
    assert!(house.handle.start_institution("hecto").await.unwrap(), "it is there");
    house.handle.panic("hecto").await;
    house.health(says("starting anew")).await;
    is_back().await;
    house.handle.panic("hecto").await;
    let health = house.health(says("twice within")).await;
    let expected = "a fault of ours, twice within 1 minute: a fault of ours, for a test; down until an operator starts the institution";
    assert_eq!(health, Health::NotServing(expected.to_owned()));
    assert_eq!(house.handle.exchange(transfer()).await.unwrap_err().refusal, Refusal::Stopped);
    assert!(house.handle.status("hecto").await.unwrap().sessions.is_empty());
    // Whoever connects sees that nobody is there, and does not wait for one who never reads.
    let inbound = house.inbound_address();
    assert_eq!(TcpStream::connect(inbound).unwrap_err().kind(), std::io::ErrorKind::ConnectionRefused);
    let taken = std::net::TcpListener::bind(inbound).unwrap();
    assert!(!house.handle.start_institution("hecto").await.unwrap(), "another has its address");
    house.health(says("line in cannot listen again")).await;
    drop(taken);
    assert!(house.handle.start_institution("hecto").await.unwrap());
    is_back().await;
    TcpStream::connect(inbound).unwrap();
    // Once more: the minute counts from each fall.
    house.handle.panic("hecto").await;
    house.health(says("twice within")).await;
    let summary = house.gateway.drain(Duration::from_millis(500)).await;
    assert!(summary.is_complete(), "{summary:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_does_not_wait_for_the_rest_after_a_fall() {
    let house = House::start().await;
    house.handle.panic("hecto").await;
    house.health(|health| matches!(health, Health::NotServing(why) if why.contains("fault"))).await;
    let summary = house.gateway.drain(Duration::from_millis(500)).await;
    assert!(summary.is_complete(), "{summary:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_core_a_used_key_is_answered_from_the_journal() {
    let house = House::start().await;
    house.open(|request| vec![answered(request, b"0000")]).await;
    let keyed = |key: &str| Call { idempotency_key: Some(key.to_owned()), ..transfer() };
    let first = house.handle.exchange(keyed("pay")).await.unwrap();
    // No core can be made from an entry that cannot be read.
    let unreadable = pabal_journal::Draft {
        family: pabal_switch::Entry::FAMILY.into(),
        kind: "accepted".into(),
        version: 1,
        ..pabal_journal::Draft::default()
    };
    house.gateway.journal().append("hecto", vec![unreadable], u64::MAX).unwrap();
    house.handle.panic("hecto").await;
    house.health(|health| matches!(health, Health::NotServing(why) if why.starts_with("down until"))).await;
    let again = house.handle.exchange(keyed("pay")).await.unwrap();
    assert_eq!((again.exchange, again.outcome), (first.exchange, first.outcome));
    assert_eq!(house.handle.exchange(keyed("new")).await.unwrap_err().refusal, Refusal::Stopped);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_fault_of_one_institution_stays_its_own() {
    let directory = tempfile::tempdir().unwrap();
    let (peer, twin) = (Peer::start(), Peer::start());
    let gateway = Gateway::start(twins(directory.path(), &peer, &twin, "")).await.unwrap();
    let handle = gateway.handle();
    assert_eq!(handle.institutions(), ["hecto", "twin"]);
    let inbound = gateway.local_addresses().into_iter().find(|(institution, ..)| institution == "twin").unwrap().2;
    let (go, may_go) = std::sync::mpsc::channel();
    let may_go = std::sync::Mutex::new(may_go);
    let _telegrams = Peer::answer_by(twin.accept(), TcpStream::connect(inbound).unwrap(), move |telegram| {
        if !is_open_request(telegram) {
            may_go.lock().unwrap().recv_timeout(PATIENCE).unwrap();
        }
        vec![answered(telegram, b"0000")]
    });
    let mut health = handle.health("twin").unwrap();
    tokio::time::timeout(PATIENCE, health.wait_for(|health| *health == Health::Serving)).await.unwrap().unwrap();
    let twin_comes_to = async |holds: fn(&Status) -> bool| {
        tokio::time::timeout(PATIENCE, async {
            while !handle.status("twin").await.is_some_and(|status| holds(&status)) {
                tokio::task::yield_now().await;
            }
        })
        .await
        .expect("it comes to hold");
    };
    twin_comes_to(|status| status.openings.iter().all(|one| one.state == OpeningState::Open)).await;
    let call = || {
        let handle = handle.clone();
        tokio::spawn(async move { handle.exchange(Call { institution: "twin".to_owned(), ..transfer() }).await })
    };
    // One is with the bank while the other institution falls, and one comes while that rests.
    let in_flight = call();
    twin_comes_to(|status| status.in_flight == 1).await;
    handle.panic("hecto").await;
    let mut fallen = handle.health("hecto").unwrap();
    let says_fault = |health: &Health| matches!(health, Health::NotServing(why) if why.contains("fault"));
    tokio::time::timeout(PATIENCE, fallen.wait_for(says_fault)).await.unwrap().unwrap();
    assert_eq!(handle.exchange(transfer()).await.unwrap_err().refusal, Refusal::Stopped, "it rests");
    assert_eq!(*health.borrow(), Health::Serving);
    for call in [in_flight, call()] {
        go.send(()).unwrap();
        let answer = tokio::time::timeout(PATIENCE, call).await.unwrap().unwrap().unwrap();
        assert_eq!(answer.outcome, Outcome::Success { cause: Cause::Answered });
    }
    for name in ["twin", "hecto"] {
        assert!(handle.status(name).await.is_some(), "whoever asks about all hears of {name}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_out_when_the_gateway_stopped_is_unknown_after_the_next_start() {
    let house = House::start().await;
    let telegrams = house.open(|_| Vec::new()).await;
    let handle = house.handle.clone();
    let waits = tokio::spawn(async move { handle.exchange(transfer()).await });
    let _ = tokio::task::spawn_blocking(move || telegrams.recv_timeout(PATIENCE).unwrap()).await.unwrap();
    let House { gateway, handle: _, peer, directory } = house;
    let summary = gateway.drain(Duration::from_millis(200)).await;
    assert_eq!(summary.institutions.len(), 1);
    let left = &summary.institutions[0];
    assert_eq!((left.in_flight, left.unknown, left.listed), (0, 1, 0), "its time was over, and nobody knows of it");
    assert!(!summary.leaves_nothing_open(), "{summary:?}");
    let answer = waits.await.unwrap().unwrap();
    assert!(matches!(answer.outcome, Outcome::Unknown { .. }), "{answer:?}");

    let gateway = Gateway::start(config(directory.path(), peer.address, "")).await.unwrap();
    let find = Find { institution: "hecto".to_owned(), key: FindKey::Exchange(answer.exchange), fence: false };
    let found = gateway.handle().find(find).await.unwrap();
    let Found::Exchange { outcome, rule, .. } = found else { panic!("{found:?}") };
    assert_eq!((outcome.map(|outcome| outcome.word()), rule.as_str()), (Some("UNKNOWN"), "transfer"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_drain_lets_answers_come_and_closes_the_data() {
    let house = House::start().await;
    let (go, wait) = std::sync::mpsc::channel::<()>();
    let telegrams = house
        .open(move |request| {
            wait.recv_timeout(PATIENCE).unwrap();
            vec![answered(request, b"0000")]
        })
        .await;
    let handle = house.handle.clone();
    let waits = tokio::spawn(async move { handle.exchange(transfer()).await });
    house.wait_for(|handle| async move { handle.status("hecto").await.unwrap().in_flight == 1 }).await;
    let House { gateway, handle, peer, directory } = house;
    let drain = tokio::spawn(gateway.drain(PATIENCE));
    let mut health = handle.health("hecto").unwrap();
    let is_draining = |health: &Health| matches!(health, Health::NotServing(why) if why.contains("is being stopped"));
    tokio::time::timeout(PATIENCE, health.wait_for(is_draining)).await.unwrap().unwrap();
    assert_eq!(handle.exchange(transfer()).await.unwrap_err().refusal, Refusal::Draining);
    go.send(()).unwrap();
    assert_eq!(waits.await.unwrap().unwrap().outcome, Outcome::Success { cause: Cause::Answered });
    let summary = drain.await.unwrap();
    assert!(summary.is_complete() && summary.leaves_nothing_open(), "{summary:?}");
    assert_eq!(telegrams.iter().count(), 1, "and then the end of the stream");
    assert_eq!(handle.exchange(transfer()).await.unwrap_err().refusal, Refusal::Stopped);
    // Closed cleanly, the directory is free at once.
    Gateway::start(config(directory.path(), peer.address, "")).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_reads_from_the_last_checkpoint_on() {
    let more = "[journal]\ncheckpoint_every = 20\n";
    let house = House::start_with(more).await;
    let telegrams = house.open(|request| vec![answered(request, b"0000")]).await;
    let keyed = |at: u32| Call { idempotency_key: Some(format!("salary-{at}")), ..transfer() };
    let first = house.handle.exchange(keyed(0)).await.unwrap();
    for at in 1..20 {
        house.handle.exchange(keyed(at)).await.unwrap();
    }
    let House { gateway, handle, peer, directory } = house;
    assert!(gateway.drain(PATIENCE).await.is_complete());
    assert_eq!(telegrams.iter().count(), 20);
    let reader = pabal_journal::Reader::open(directory.path().join("data")).unwrap();
    let last = reader.recovery("hecto").unwrap().next().unwrap().unwrap();
    assert_eq!(last.kind, pabal_journal::CHECKPOINT);
    assert!(last.position.seq > 40, "{}", last.position);

    // A used key is answered from its exchange as long as anything can be read, for bytes have left.
    let again = handle.exchange(keyed(0)).await.unwrap();
    assert_eq!((again.exchange, again.outcome), (first.exchange, first.outcome), "the driver is gone");
    assert_eq!(handle.exchange(keyed(20)).await.unwrap_err().refusal, Refusal::Stopped, "this one is new");
    let gateway = Gateway::start(config(directory.path(), peer.address, more)).await.unwrap();
    let again = gateway.handle().exchange(keyed(0)).await.unwrap();
    assert_eq!(
        (again.exchange, again.outcome),
        (first.exchange, first.outcome),
        "the key is older than the checkpoint"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_drain_ends_though_the_journal_is_held() {
    let house = House::start().await;
    let telegrams = house.open(|request| vec![answered(request, b"0000")]).await;
    let writer = house.gateway.journal().clone();
    let pause = tokio::task::spawn_blocking(move || writer.pause()).await.unwrap();
    let handle = house.handle.clone();
    let waits = tokio::spawn(async move { handle.exchange(transfer()).await });
    let writer = house.gateway.journal().clone();
    house
        .wait_for(|_| {
            let waits = writer.undurable_bytes("hecto");
            async move { waits > 600 }
        })
        .await;
    let House { gateway, handle: _, peer, directory } = house;
    let summary = tokio::time::timeout(PATIENCE, gateway.drain(Duration::from_millis(100))).await.expect("it ends");
    assert!(!summary.is_complete(), "{summary:?}");
    // No byte left, and whichever is told is true: it was not sent, or nobody can say yet.
    let told = waits.await.unwrap();
    assert!(telegrams.iter().next().is_none());
    match told {
        Ok(answer) => {
            assert!(matches!(answer.outcome, Outcome::Unknown { .. } | Outcome::Failure { .. }), "{answer:?}")
        }
        Err(error) => assert!(matches!(error.refusal, Refusal::Draining | Refusal::Stopped), "{error:?}"),
    }
    drop(pause);
    let gateway = Gateway::start(config(directory.path(), peer.address, "")).await.unwrap();
    assert_eq!(gateway.handle().status("hecto").await.unwrap().in_flight, 0);
}
