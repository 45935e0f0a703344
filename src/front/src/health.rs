use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use pabal_gateway::{Handle, Health};
use tokio::sync::{Mutex, watch};
use tokio::task::JoinSet;
use tonic_health::ServingStatus;
use tonic_health::server::HealthReporter;

use crate::proto::{control_server, gateway_server};

/// Names that stand for the process as a whole: the empty one, as the health protocol says, and our services.
const WHOLE: [&str; 3] = ["", gateway_server::SERVICE_NAME, control_server::SERVICE_NAME];

/// A driver answers in microseconds; one that does not has not changed its mind.
const STATUS_TIMEOUT: Duration = Duration::from_secs(1);

/// `grpc.health.v1` for the process and for each institution by its name.
///
/// The process is SERVING unless its journal fails or it is being stopped: a bank that is down is no reason to start the gateway anew.
/// An institution is SERVING if it can be called now.
#[derive(Clone, Debug)]
pub(crate) struct Board {
    reporter: HealthReporter,
    /// Whether each institution's part of the process works.
    works: Arc<Mutex<BTreeMap<String, bool>>>,
}

impl Board {
    /// A board that shows what is so now, and the tasks that keep it so.
    pub(crate) async fn watch(handle: &Handle, reporter: HealthReporter) -> (Self, JoinSet<()>) {
        let board = Self { reporter, works: Arc::default() };
        let mut tasks = JoinSet::new();
        for name in handle.institutions() {
            let Some(health) = handle.health(&name) else { continue };
            board.show(handle, &name, &health).await;
            tasks.spawn(board.clone().follow(handle.clone(), name, health));
        }
        board.show_whole(board.works.lock().await.values().all(|&works| works)).await;
        (board, tasks)
    }

    /// Shows that nothing is served any more.
    pub(crate) async fn stop(&self) {
        let works = self.works.lock().await;
        for name in works.keys() {
            self.reporter.set_service_status(name, ServingStatus::NotServing).await;
        }
        self.show_whole(false).await;
    }

    async fn follow(self, handle: Handle, name: String, mut health: watch::Receiver<Health>) {
        while health.changed().await.is_ok() {
            self.show(&handle, &name, &health).await;
        }
        // Its driver is gone, and so is the gateway.
        self.set(&name, false, false).await;
    }

    async fn show(&self, handle: &Handle, name: &str, health: &watch::Receiver<Health>) {
        let serving = *health.borrow() == Health::Serving;
        let status = tokio::time::timeout(STATUS_TIMEOUT, handle.status(name)).await;
        let works = match status {
            Ok(Some(status)) => status.journal_works && !status.draining,
            Ok(None) => false,
            Err(_) => true,
        };
        self.set(name, serving, works).await;
    }

    async fn set(&self, name: &str, serving: bool, works: bool) {
        // Held until all is shown, so that what is shown last is what is so.
        let mut all = self.works.lock().await;
        all.insert(name.to_owned(), works);
        self.reporter.set_service_status(name, status(serving)).await;
        self.show_whole(all.values().all(|&works| works)).await;
    }

    async fn show_whole(&self, works: bool) {
        for name in WHOLE {
            self.reporter.set_service_status(name, status(works)).await;
        }
    }
}

fn status(serving: bool) -> ServingStatus {
    if serving { ServingStatus::Serving } else { ServingStatus::NotServing }
}
