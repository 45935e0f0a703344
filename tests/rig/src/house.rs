use std::net::SocketAddr;
use std::time::Duration;

use pabal_front::{Front, Running};
use pabal_gateway::{Config, DrainSummary, Gateway, Listen, StartError};
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;

use crate::log::runtime;
use crate::patience::soon;

/// A gateway with its front, on a runtime of its own.
#[derive(Debug)]
pub struct House {
    runtime: Option<Runtime>,
    gateway: Option<Gateway>,
    front: Option<Running>,
}

impl House {
    /// Starts a gateway and its front.
    ///
    /// # Errors
    /// The gateway does not start.
    ///
    /// # Panics
    /// The front does not.
    pub async fn start(config: Config) -> Result<Self, StartError> {
        let runtime = runtime(2);
        let starting = runtime.spawn(async move {
            let gateway = Gateway::start(config).await?;
            let listen = Listen::Tcp(SocketAddr::from(([127, 0, 0, 1], 0)));
            let front = Front::serve(gateway.handle(), pabal_front::Options::new(listen)).await;
            Ok((gateway, front.expect("a free port")))
        });
        let mut house = Self { runtime: Some(runtime), gateway: None, front: None };
        let (gateway, front) = soon("the gateway starts", starting).await.expect("it does not panic")?;
        house.gateway = Some(gateway);
        house.front = Some(front);
        Ok(house)
    }

    /// The gateway.
    ///
    /// # Panics
    /// It is draining.
    #[must_use]
    pub const fn gateway(&self) -> &Gateway {
        self.gateway.as_ref().expect("it is not draining")
    }

    /// Where the front listens.
    ///
    /// # Panics
    /// Never.
    #[must_use]
    pub fn endpoint(&self) -> String {
        self.front.as_ref().expect("it is there until it is dropped").endpoint()
    }
}

impl House {
    /// Stops the gateway in order; the front goes on.
    pub(crate) fn drain(&mut self, within: Duration) -> JoinHandle<DrainSummary> {
        let gateway = self.gateway.take().expect("it is not draining yet");
        self.runtime.as_ref().expect("it is running").spawn(gateway.drain(within))
    }
}

impl Drop for House {
    /// Every task ends where it is, every socket closes, and the data directory is free when this returns.
    fn drop(&mut self) {
        let (runtime, gateway, front) = (self.runtime.take(), self.gateway.take(), self.front.take());
        let end = std::thread::spawn(move || {
            if let Some(runtime) = runtime {
                runtime.shutdown_timeout(Duration::from_secs(10));
            }
            drop((gateway, front));
        });
        let ended = end.join();
        assert!(ended.is_ok() || std::thread::panicking(), "the gateway ends without a panic");
    }
}
