use std::time::Duration;

use pabal_gateway::{Handle, Listen};
use tokio::sync::{oneshot, watch};
use tokio::task::{JoinHandle, JoinSet};
use tokio_stream::wrappers::UnixListenerStream;
use tonic::service::Routes;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;

use crate::control::Control;
use crate::exchange::Gateway;
use crate::health::Board;
use crate::listen::{self, Bound, ListenError};
use crate::proto::{FILE_DESCRIPTOR_SET, control_server::ControlServer, gateway_server::GatewayServer};
use crate::routes::RouteTable;

/// How calls come in.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where: a loopback address (port 0 is any free one), or the path of a Unix socket, which is made for its owner and group and removed
    /// at the end.
    pub listen: Listen,
    /// Bytes of one request, as protobuf. A longer one is refused before it is read whole.
    pub request_bytes_max: usize,
    /// Bytes of one call's metadata.
    pub metadata_bytes_max: u32,
    /// Calls at once on one connection; a client holds further ones back.
    pub streams_per_connection_max: u32,
    /// How long a connection may be silent before it is probed; one that is dead abandons its calls.
    pub keepalive_after: Duration,
    /// How long the answer to such a probe may take.
    pub keepalive_timeout: Duration,
}

impl Options {
    /// With the usual limits.
    #[must_use]
    pub const fn new(listen: Listen) -> Self {
        Self {
            listen,
            request_bytes_max: 1024 * 1024,
            metadata_bytes_max: 16 * 1024,
            streams_per_connection_max: 1_024,
            keepalive_after: Duration::from_secs(30),
            keepalive_timeout: Duration::from_secs(10),
        }
    }
}

/// Takes calls of internal services over gRPC and gives them to the gateway.
#[derive(Debug)]
pub struct Front {
    /// Made by `serve` only.
    _private: (),
}

/// A front that takes calls. Dropping it stops listening, without waiting for the calls that it has.
#[derive(Debug)]
pub struct Running {
    local: Listen,
    board: Board,
    routes: watch::Sender<Routes>,
    stop: oneshot::Sender<()>,
    server: JoinHandle<Result<(), tonic::transport::Error>>,
    /// Keeps the health board up to date; ends when this is dropped.
    _health: JoinSet<()>,
}

impl Front {
    /// Listens and takes calls: `pabal.v1.Gateway`, `pabal.v1.Control`, `grpc.health.v1.Health` and reflection (v1 and v1alpha).
    ///
    /// # Errors
    /// It may not or cannot listen there; the text says where and what to do.
    pub async fn serve(handle: Handle, options: Options) -> Result<Running, ListenError> {
        let bound = listen::bind(&options.listen).await?;
        let (reporter, health) = tonic_health::server::health_reporter();
        let (board, watching) = Board::watch(&handle, reporter).await;
        let (v1, v1alpha) = (reflection(), reflection());
        let services = Routes::new(health)
            .add_service(
                GatewayServer::new(Gateway { handle: handle.clone() })
                    .max_decoding_message_size(options.request_bytes_max),
            )
            .add_service(ControlServer::new(Control { handle }).max_decoding_message_size(options.request_bytes_max))
            .add_service(v1.build_v1().expect(DESCRIPTORS))
            .add_service(v1alpha.build_v1alpha().expect(DESCRIPTORS));
        let (routes, table) = RouteTable::new(services);
        let (stop, stopped) = oneshot::channel();
        let (local, server) = spawn(bound, &options, table, stopped)?;
        Ok(Running { local, board, routes, stop, server, _health: watching })
    }
}

impl Running {
    /// Where it listens, with the port that was taken.
    #[must_use]
    pub const fn local_address(&self) -> &Listen {
        &self.local
    }

    /// The same as [`crate::client::connect`] takes it: `http://127.0.0.1:7400` or `unix:/path`.
    #[must_use]
    pub fn endpoint(&self) -> String {
        listen::endpoint(&self.local)
    }

    /// Puts another table of services in place, from the next call on; connections stay up. Services that are built from specs come in here.
    pub fn replace_routes(&self, routes: Routes) {
        // Nobody reads it if the server has ended.
        let _ = self.routes.send(routes.prepare());
    }

    /// Stops listening, lets the calls that are here end within the time, and drops those that do not: what has not left will not leave.
    /// Health says NOT_SERVING from the start.
    pub async fn shutdown(self, within: Duration) {
        self.board.stop().await;
        // The server may have ended already.
        let _ = self.stop.send(());
        let mut server = self.server;
        if tokio::time::timeout(within, &mut server).await.is_err() {
            tracing::info!("calls or watchers were still connected when the front stopped");
            server.abort();
        }
    }
}

const DESCRIPTORS: &str = "the committed descriptors are read by a test";

fn reflection() -> tonic_reflection::server::Builder<'static> {
    tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(FILE_DESCRIPTOR_SET)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
}

type Served = (Listen, JoinHandle<Result<(), tonic::transport::Error>>);

fn spawn(
    bound: Bound,
    options: &Options,
    table: RouteTable,
    stopped: oneshot::Receiver<()>,
) -> Result<Served, ListenError> {
    let server = Server::builder()
        .max_concurrent_streams(options.streams_per_connection_max)
        .http2_max_header_list_size(options.metadata_bytes_max)
        .http2_keepalive_interval(Some(options.keepalive_after))
        .http2_keepalive_timeout(Some(options.keepalive_timeout));
    // A dropped sender stops it too.
    let stopped = async { drop(stopped.await) };
    match bound {
        Bound::Tcp(listener) => {
            let failed = |error| ListenError::Io { listen: listen::endpoint(&options.listen), error };
            let local = Listen::Tcp(listener.local_addr().map_err(failed)?);
            let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
            Ok((local, tokio::spawn(server.serve_with_incoming_shutdown(table, incoming, stopped))))
        }
        Bound::Unix(listener, file) => {
            let serve = async move {
                let ended =
                    server.serve_with_incoming_shutdown(table, UnixListenerStream::new(listener), stopped).await;
                drop(file);
                ended
            };
            Ok((options.listen.clone(), tokio::spawn(serve)))
        }
    }
}
