//! How many replies a simulated Hecto gives in a second, over loopback TCP: `cargo run --release -p pabal-simulator --example rate`.
//!
//! Simulator and peer share one thread, so the figure is for both together, on one core. The peer keeps a window of requests in
//! flight, and knows no layout.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;

use pabal_counterparty::{LineId, Scenario, Settings};
use pabal_simulator::{Options, Simulator, computer_clock};
use pabal_spec::Source;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const REPLIES: u32 = 100_000;
const WINDOW: u32 = 64;

#[tokio::main(flavor = "current_thread")]
#[expect(clippy::print_stdout, reason = "the figure is what it is for")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../specs/hecto");
    let mut sources = Vec::new();
    for name in ["firmbanking.spec", "codes.csv"] {
        sources.push(Source { name: name.into(), text: std::fs::read_to_string(folder.join(name))? });
    }
    let institution = pabal_spec::load(&sources).map_err(|told| format!("{told:?}"))?.institution;
    let protocol = Arc::clone(institution.protocols.first().ok_or("no protocol")?);
    let text = std::fs::read_to_string(folder.join("scenarios/normal.toml"))?;
    let scenario = Scenario::parse(&text, "normal.toml", &protocol).map_err(|told| format!("{told:?}"))?;
    let any: SocketAddr = (Ipv4Addr::LOCALHOST, 0).into();
    let options = Options::new(protocol, Arc::new(scenario), Settings::duplex(1), vec![Some(any)]);
    let bank = Simulator::start(options).await?;
    let mut stream = TcpStream::connect(bank.local_address(LineId(0)).ok_or("no address")?).await?;
    stream.set_nodelay(true)?;

    stream.write_all(&framed("1000", 1)).await?;
    let mut frame = [0; 304];
    stream.read_exact(&mut frame).await?;
    let start = computer_clock().mono;
    let (mut asked, mut answered) = (0, 0);
    while answered < REPLIES {
        let mut batch = Vec::new();
        while asked < REPLIES && asked - answered < WINDOW {
            asked += 1;
            batch.extend(framed("2000", asked + 1));
        }
        stream.write_all(&batch).await?;
        // At least half of the window comes back before more is asked.
        let wanted = (asked - answered).div_ceil(2);
        for _ in 0..wanted {
            stream.read_exact(&mut frame).await?;
            assert!(frame.get(56..60) == Some(b"0000"), "{}", frame.escape_ascii());
        }
        answered += wanted;
    }
    let micros = computer_clock().mono.since(start).as_micros();
    let totals = bank.read(pabal_counterparty::Ledger::totals);
    assert!(totals.executed == u64::from(REPLIES), "{totals:?}");
    println!(
        "{REPLIES} replies in {} ms: {} a second",
        micros / 1_000,
        u128::from(REPLIES) * 1_000_000 / micros.max(1)
    );
    Ok(())
}

/// A telegram for bank 088, by the places of the document's table.
fn framed(kind: &str, number: u32) -> Vec<u8> {
    let header = format!("HFB000001PABAL01     088{kind}1001{number:06}20261121101530{:48}", "");
    let body = if kind == "1000" {
        String::new()
    } else {
        format!(
            "{:15}{:8}{:6}{:013} {:013}004{:15}{:09}",
            "110123456789", "1234", "402817", 150_000, 0, "94320201234567", 0
        )
    };
    format!("0300{header}{body:200}").into_bytes()
}
