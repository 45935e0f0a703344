//! Sockets as the kernel has them.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::time::Duration;

use pabal_switch::{CloseReason, SessionState};
use rustix::process::{PidfdFlags, PidfdGetfdFlags, getpid, pidfd_getfd, pidfd_open};
use socket2::SockRef;

use super::house::{House, config, twins};
use super::peer::{PATIENCE, Peer};
use crate::Gateway;

/// This process's sockets that are connected like this, by both ends. The gateway's own are among them, which nothing else can be asked
/// for.
fn sockets(is: impl Fn(SocketAddr, SocketAddr) -> bool) -> BTreeMap<(SocketAddr, SocketAddr), OwnedFd> {
    let own = pidfd_open(getpid(), PidfdFlags::empty()).unwrap();
    let numbers = std::fs::read_dir("/proc/self/fd").unwrap().map(|entry| entry.unwrap().file_name());
    let numbers: Vec<i32> = numbers.map(|name| name.to_str().unwrap().parse().unwrap()).collect();
    // What was there while they were listed may be closed by now, and its number another's.
    let files = numbers.into_iter().filter_map(|number| pidfd_getfd(&own, number, PidfdGetfdFlags::empty()).ok());
    let ends = |file: &OwnedFd| {
        let socket = SockRef::from(file);
        Some((socket.local_addr().ok()?.as_socket()?, socket.peer_addr().ok()?.as_socket()?))
    };
    files.filter_map(|file| Some((ends(&file)?, file))).filter(|((local, peer), _)| is(*local, *peer)).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_socket_is_set_up_as_its_line_says() {
    let line = "[line]\nkeepalive_idle = \"47s\"\nkeepalive_interval = \"7s\"\nuser_timeout = \"13s\"\nunsent_time_max = \"3s\"\n";
    let house = House::start_with(line).await;
    let _both = house.connect();
    house
        .wait_for(|handle| async move {
            handle.status("hecto").await.unwrap().sessions.iter().all(|session| session.state == SessionState::Up)
        })
        .await;
    let (bank, inbound) = (house.peer.address, house.inbound_address());
    let (out, inbound) = (sockets(|_, peer| peer == bank), sockets(|local, _| local == inbound));
    for (name, found) in [("out", out), ("in", inbound)] {
        assert_eq!(found.len(), 1, "line {name}");
        let socket = SockRef::from(found.values().next().unwrap());
        assert!(socket.keepalive().unwrap() && socket.tcp_nodelay().unwrap(), "line {name}");
        let seconds = Duration::from_secs;
        assert_eq!(socket.tcp_keepalive_time().unwrap(), seconds(47), "line {name}");
        assert_eq!(socket.tcp_keepalive_interval().unwrap(), seconds(7), "line {name}");
        assert_eq!(socket.tcp_user_timeout().unwrap(), Some(seconds(13)), "line {name}");
        assert_eq!(socket.tcp_notsent_lowat().unwrap(), 16 * 1_024, "line {name}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn why_a_connection_could_not_be_made_is_seen_where_sessions_are() {
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let directory = tempfile::tempdir().unwrap();
    let gateway = Gateway::start(config(directory.path(), nobody, "")).await.unwrap();
    let handle = gateway.handle();
    let detail = async {
        loop {
            let status = handle.status("hecto").await.unwrap();
            if let (Some(CloseReason::ConnectFailed), Some(detail)) =
                (status.sessions[0].closed, &status.sessions[0].detail)
            {
                break detail.clone();
            }
            tokio::task::yield_now().await;
        }
    };
    let detail = tokio::time::timeout(PATIENCE, detail).await.unwrap();
    assert!(detail.starts_with(&format!("{nobody}: ")) && detail.contains("refused"), "{detail}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_institutions_together_connect_as_often_as_the_process_may() {
    let directory = tempfile::tempdir().unwrap();
    let (hecto, twin) = (Peer::start(), Peer::start());
    let config = twins(directory.path(), &hecto, &twin, "[gateway]\nconnects_per_second = 1\n");
    let began = tokio::time::Instant::now();
    let gateway = Gateway::start(config).await.unwrap();
    // Each of them alone might connect at once.
    tokio::task::spawn_blocking(move || [hecto.accept(), twin.accept()]).await.unwrap();
    assert!(began.elapsed() >= Duration::from_secs(1), "{:?}", began.elapsed());
    gateway.drain(Duration::ZERO).await;
}
