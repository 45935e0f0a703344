use std::time::Duration;

use pabal_gateway::{Handle, Listen};
use tokio::sync::{oneshot, watch};
use tokio::task::{JoinHandle, JoinSet};
use tonic::service::Routes;
use tonic::transport::Server;

use crate::accept::accept;
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
    /// Connections at once; further ones wait until one has ended.
    pub connections_max: usize,
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
            connections_max: 1_024,
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
    /// Ends what would go on for ever.
    end_streams: watch::Sender<bool>,
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
        let (end_streams, stopping) = watch::channel(false);
        let services = reflection()
            .add_service(health)
            .add_service(
                GatewayServer::new(Gateway { handle: handle.clone(), stopping })
                    .max_decoding_message_size(options.request_bytes_max),
            )
            .add_service(ControlServer::new(Control { handle }).max_decoding_message_size(options.request_bytes_max));
        let (routes, table) = RouteTable::new(services);
        let (stop, stopped) = oneshot::channel();
        let (local, server) = spawn(bound, &options, table, stopped)?;
        Ok(Running { local, board, routes, end_streams, stop, server, _health: watching })
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

    /// Stops listening, ends subscriptions, lets the calls that are here end within the time, and drops those that do not: what has not left
    /// will not leave.
    /// Health says NOT_SERVING from the start.
    pub async fn shutdown(self, within: Duration) {
        self.board.stop().await;
        // Nobody reads it if there is no stream.
        let _ = self.end_streams.send(true);
        // The server may have ended already.
        let _ = self.stop.send(());
        let mut server = self.server;
        if tokio::time::timeout(within, &mut server).await.is_err() {
            tracing::info!("calls or watchers were still connected when the front stopped");
            server.abort();
        }
    }
}

/// The reflection services. Many clients, grpcio's among them, still ask the older one.
fn reflection() -> Routes {
    const CHECKED: &str = "the descriptors are committed, and a test has read them";
    let builder = || {
        tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(FILE_DESCRIPTOR_SET)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
    };
    Routes::new(builder().build_v1().expect(CHECKED)).add_service(builder().build_v1alpha().expect(CHECKED))
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
            let incoming = accept(listener, options.connections_max);
            Ok((local, tokio::spawn(server.serve_with_incoming_shutdown(table, incoming, stopped))))
        }
        Bound::Unix(listener, file) => {
            let incoming = accept(listener, options.connections_max);
            let serve = async move {
                let ended = server.serve_with_incoming_shutdown(table, incoming, stopped).await;
                drop(file);
                ended
            };
            Ok((options.listen.clone(), tokio::spawn(serve)))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tonic::Code;
    use tonic::transport::{Channel, Endpoint};
    use tonic_health::pb::HealthCheckRequest;
    use tonic_health::pb::health_client::HealthClient;
    use tonic_reflection::pb::{v1, v1alpha};

    use super::*;

    /// A server of these routes, and a connection to it.
    async fn served(routes: Routes) -> (watch::Sender<Routes>, oneshot::Sender<()>, Channel) {
        let options = Options::new(Listen::Tcp("127.0.0.1:0".parse().expect("an address")));
        let (replace, table) = RouteTable::new(routes);
        let (stop, stopped) = oneshot::channel();
        let bound = listen::bind(&options.listen).await.expect("any free port");
        let (local, _) = spawn(bound, &options, table, stopped).expect("it listens");
        let channel = Endpoint::from_shared(listen::endpoint(&local)).expect("an address").connect().await;
        (replace, stop, channel.expect("it listens"))
    }

    #[tokio::test]
    async fn routes_are_replaced_while_the_connection_stays_up() {
        let (replace, _stop, channel) = served(Routes::default()).await;
        let mut client = HealthClient::new(channel);
        let request = || HealthCheckRequest { service: String::new() };
        let refused = client.check(request()).await.expect_err("nobody answers");
        assert_eq!(refused.code(), Code::Unimplemented);
        let (_reporter, health) = tonic_health::server::health_reporter();
        replace.send(Routes::new(health)).expect("the table is read");
        // The same channel has one connection, and makes no other while it is up.
        client.check(request()).await.expect("the new table answers");
    }

    #[tokio::test]
    async fn both_reflections_list_the_services_and_tell_their_comments() {
        let (_replace, _stop, channel) = served(reflection()).await;
        macro_rules! ask {
            ($version:ident, $request:expr) => {{
                use $version::server_reflection_request::MessageRequest;
                let request =
                    $version::ServerReflectionRequest { host: String::new(), message_request: Some($request) };
                let mut client = $version::server_reflection_client::ServerReflectionClient::new(channel.clone());
                let mut answers =
                    client.server_reflection_info(tokio_stream::once(request)).await.expect("it answers").into_inner();
                answers.message().await.expect("it answers").expect("once").message_response.expect("always set")
            }};
        }
        macro_rules! check {
            ($version:ident, $itself:literal) => {{
                use $version::server_reflection_response::MessageResponse;
                let MessageResponse::ListServicesResponse(list) =
                    ask!($version, MessageRequest::ListServices(String::new()))
                else {
                    panic!("a list")
                };
                let names: Vec<_> = list.service.iter().map(|service| &*service.name).collect();
                assert_eq!(names, ["pabal.v1.Gateway", "pabal.v1.Control", "grpc.health.v1.Health", $itself]);
                let MessageResponse::FileDescriptorResponse(files) =
                    ask!($version, MessageRequest::FileContainingSymbol("pabal.v1.Gateway".to_owned()))
                else {
                    panic!("a file")
                };
                let text = String::from_utf8_lossy(&files.file_descriptor_proto[0]).into_owned();
                assert!(text.contains("Sends a request to an institution and waits for its outcome."), "comments");
            }};
        }
        check!(v1, "grpc.reflection.v1.ServerReflection");
        check!(v1alpha, "grpc.reflection.v1alpha.ServerReflection");
    }

    #[tokio::test]
    async fn a_server_that_is_stopped_ends_when_its_calls_have() {
        let options = Options::new(Listen::Tcp("127.0.0.1:0".parse().expect("an address")));
        let (_replace, table) = RouteTable::new(reflection());
        let (stop, stopped) = oneshot::channel();
        let bound = listen::bind(&options.listen).await.expect("any free port");
        let (_, server) = spawn(bound, &options, table, stopped).expect("it listens");
        drop(stop);
        let ended = tokio::time::timeout(Duration::from_secs(10), server).await;
        assert!(matches!(ended, Ok(Ok(Ok(())))), "{ended:?}");
    }
}
