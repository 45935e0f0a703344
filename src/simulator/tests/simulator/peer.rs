//! A gateway reduced to a socket. It knows the places of the document, and nothing of layouts.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::{Arc, OnceLock};

use pabal_spec::{Protocol, Source};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

pub(crate) fn any_port() -> SocketAddr {
    (Ipv4Addr::LOCALHOST, 0).into()
}

/// Hecto, from the repository's spec.
pub(crate) fn protocol() -> Arc<Protocol> {
    static PROTOCOL: OnceLock<Arc<Protocol>> = OnceLock::new();
    let load = || {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../specs/hecto");
        let source =
            |name: &str| Source { name: name.into(), text: std::fs::read_to_string(folder.join(name)).unwrap() };
        let loaded = pabal_spec::load(&[source("firmbanking.spec"), source("codes.csv")]).unwrap();
        Arc::clone(&loaded.institution.protocols[0])
    };
    Arc::clone(PROTOCOL.get_or_init(load))
}

pub(crate) struct Peer {
    pub(crate) stream: TcpStream,
}

impl Peer {
    pub(crate) const fn new(stream: TcpStream) -> Self {
        Self { stream }
    }

    pub(crate) async fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Self::new(stream)
    }

    pub(crate) async fn send(&mut self, telegram: &[u8]) {
        self.stream.write_all(&framed(telegram)).await.unwrap();
    }

    pub(crate) async fn send_bytewise(&mut self, telegram: &[u8]) {
        for byte in framed(telegram) {
            self.stream.write_all(&[byte]).await.unwrap();
        }
    }

    pub(crate) async fn frame(&mut self) -> Vec<u8> {
        let mut prefix = [0; 4];
        self.stream.read_exact(&mut prefix).await.unwrap();
        let length = std::str::from_utf8(&prefix).unwrap().parse().unwrap();
        let mut frame = vec![0; length];
        self.stream.read_exact(&mut frame).await.unwrap();
        frame
    }
}

fn framed(telegram: &[u8]) -> Vec<u8> {
    let mut framed = format!("{:04}", telegram.len()).into_bytes();
    framed.extend_from_slice(telegram);
    framed
}

/// A header for bank 088, by the places of the document's table.
fn header(kind: &str, number: u32) -> String {
    let telegram = format!("HFB000001PABAL01     088{kind}1001{number:06}20261121101530{:48}", "");
    assert_eq!(telegram.len(), 100);
    telegram
}

pub(crate) fn open(number: u32) -> Vec<u8> {
    format!("{}{:200}", header("1000", number), "").into_bytes()
}

/// 150,000 won.
pub(crate) fn transfer(number: u32) -> Vec<u8> {
    let body = format!(
        "{:15}{:8}{:6}0000000150000 {:013}004{:15}{:09}",
        "110123456789", "1234", "402817", 0, "94320201234567", 0
    );
    let telegram = format!("{}{body}{:16}{:14}{:87}", header("2000", number), "", "salary", "");
    assert_eq!(telegram.len(), 300);
    telegram.into_bytes()
}
