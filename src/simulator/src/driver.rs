use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use pabal_counterparty::{Connection, LineId, Output};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::connection::{Order, carry};
use crate::shared::Shared;

/// Inputs that are handled before outputs are looked at.
const INPUTS_PER_TURN_MAX: usize = 256;
/// Pieces that a connection may leave unwritten; one that has more is reset.
const ORDERS_MAX: usize = 16_384;
/// How long connecting may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// What the world tells the driver.
pub(crate) enum Input {
    Connected(TcpStream, LineId),
    ConnectFailed(LineId),
    Received(Connection, Bytes),
    Closed(Connection),
}

/// Owns the sockets and feeds the counterparty.
pub(crate) struct Driver {
    pub(crate) shared: Arc<Shared>,
    pub(crate) listeners: Vec<(LineId, TcpListener)>,
    pub(crate) close_grace: Duration,
}

impl Driver {
    /// Runs until it is dropped; its tasks and sockets end with it.
    pub(crate) async fn run(self) {
        let (sender, mut inputs) = mpsc::channel(INPUTS_PER_TURN_MAX);
        let mut tasks = JoinSet::new();
        for (line, listener) in self.listeners {
            tasks.spawn(accept(line, listener, sender.clone()));
        }
        let mut sockets = Sockets {
            shared: self.shared,
            close_grace: self.close_grace,
            inputs: sender,
            tasks,
            orders: BTreeMap::new(),
            connection_next: 1,
        };
        let mut turn = Vec::with_capacity(INPUTS_PER_TURN_MAX);
        loop {
            sockets.drain();
            let wait = sockets.shared.until_timeout();
            tokio::select! {
                count = inputs.recv_many(&mut turn, INPUTS_PER_TURN_MAX) => {
                    assert!(count > 0, "the driver holds a sender");
                    for input in turn.drain(..) {
                        sockets.handle(input);
                    }
                }
                () = sockets.shared.poked() => {}
                () = tokio::time::sleep(wait.unwrap_or(Duration::MAX)), if wait.is_some() => {
                    sockets.shared.with(|counterparty, now| counterparty.handle_timeout(now));
                }
                Some(_) = sockets.tasks.join_next() => {}
            }
        }
    }
}

struct Sockets {
    shared: Arc<Shared>,
    close_grace: Duration,
    inputs: mpsc::Sender<Input>,
    tasks: JoinSet<()>,
    orders: BTreeMap<Connection, mpsc::Sender<Order>>,
    connection_next: u64,
}

impl Sockets {
    fn handle(&mut self, input: Input) {
        match input {
            Input::Connected(stream, line) => {
                let connection = Connection(self.connection_next);
                self.connection_next += 1;
                let (sender, orders) = mpsc::channel(ORDERS_MAX);
                self.orders.insert(connection, sender);
                self.tasks.spawn(carry(stream, connection, orders, self.inputs.clone(), self.close_grace));
                self.shared.with(|counterparty, now| counterparty.handle_connected(connection, line, now));
            }
            Input::ConnectFailed(line) => {
                self.shared.with(|counterparty, now| counterparty.handle_connect_failed(line, now));
            }
            Input::Received(connection, bytes) => {
                self.shared.with(|counterparty, now| counterparty.handle_received(connection, &bytes, now));
            }
            Input::Closed(connection) => {
                self.orders.remove(&connection);
                self.shared.with(|counterparty, now| counterparty.handle_closed(connection, now));
            }
        }
    }

    /// Does all that the counterparty wants done.
    fn drain(&mut self) {
        for output in self.shared.take_outputs() {
            match output {
                Output::Send { connection, bytes } => self.order(connection, Order::Send(bytes)),
                Output::Close { connection } => self.order(connection, Order::Close),
                Output::Reset { connection } => {
                    self.order(connection, Order::Reset);
                    self.orders.remove(&connection);
                }
                Output::Connect { line } => {
                    let address = self.shared.address(line);
                    self.tasks.spawn(connect(line, address, self.inputs.clone()));
                }
                Output::Event(event) => self.shared.tell(event),
            }
        }
        self.shared.changed();
    }

    fn order(&mut self, connection: Connection, order: Order) {
        let Some(sender) = self.orders.get(&connection) else { return };
        if let Err(mpsc::error::TrySendError::Full(_)) = sender.try_send(order) {
            // Dropping the sender ends the task, and with it the connection.
            tracing::warn!(%connection, "the gateway does not read; {ORDERS_MAX} pieces wait; connection given up");
            self.orders.remove(&connection);
        }
    }
}

async fn accept(line: LineId, listener: TcpListener, inputs: mpsc::Sender<Input>) {
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                tracing::debug!(line = line.0, %peer, "accepted");
                if inputs.send(Input::Connected(stream, line)).await.is_err() {
                    return;
                }
            }
            Err(error) => {
                tracing::warn!(line = line.0, %error, "cannot accept");
                // Out of descriptors, most likely: others must end first.
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

async fn connect(line: LineId, address: Option<SocketAddr>, inputs: mpsc::Sender<Input>) {
    let input = match address {
        None => Input::ConnectFailed(line),
        Some(address) => match tokio::time::timeout(CONNECT_TIMEOUT, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => Input::Connected(stream, line),
            Ok(Err(error)) => {
                tracing::debug!(line = line.0, %address, %error, "cannot connect");
                Input::ConnectFailed(line)
            }
            Err(_) => Input::ConnectFailed(line),
        },
    };
    // Nobody is left to hear it if the simulator was stopped.
    let _ = inputs.send(input).await;
}
