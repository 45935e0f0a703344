//! A simulated institution on real sockets: the tokio shell around [`pabal_counterparty::Counterparty`].
//!
//! The counterparty decides everything; this crate owns sockets, timers and the reading of the clock. One driver task feeds it;
//! each connection has a task that writes every piece by a call of its own with `TCP_NODELAY`, so that a telegram which the scenario
//! splits leaves in that many segments, and that ends with FIN or, by `SO_LINGER` 0, with RST.
//!
//! A connection is counted as the institution counts it: from accept or connect until the other side's FIN or RST was seen.
//!
//! Tests wait for the ledger ([`Simulator::wait_for`]) and never sleep:
//!
//! ```no_run
//! # async fn example(options: pabal_simulator::Options) -> Result<(), Box<dyn std::error::Error>> {
//! use pabal_counterparty::LineId;
//! use pabal_simulator::Simulator;
//!
//! let bank = Simulator::start(options).await?;
//! let address = bank.local_address(LineId(0)).ok_or("line 0 listens")?;
//! // ... the gateway connects to `address`, and listens itself ...
//! bank.connect_to(LineId(1), "127.0.0.1:9012".parse()?);
//! let executed = bank.wait_for(|ledger| (ledger.totals().executed == 1).then_some(ledger.totals().amount)).await?;
//! assert_eq!(executed, 150_000);
//! bank.stop().await;
//! # Ok(())
//! # }
//! ```

mod clock;
mod connection;
mod driver;
mod noon;
mod shared;
mod simulator;

pub use clock::computer_clock;
pub use noon::at_noon;
pub use simulator::{Events, Options, Simulator, StartError, Stopped};
