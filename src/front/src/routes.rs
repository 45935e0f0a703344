use std::convert::Infallible;

use tokio::sync::watch;
use tokio::time::Instant;
use tonic::body::Body;
use tonic::codegen::http::{Request, Response};
use tonic::codegen::{Context, Poll, Service};
use tonic::service::Routes;

/// When a call began to arrive, by the clock of tokio's timers: `grpc-timeout` counts from here on, as tonic's own timer for it does.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arrived(pub(crate) Instant);

/// Which service answers which path. The table is read anew for each call, so that another one can take its place while connections
/// stay up.
#[derive(Clone, Debug)]
pub(crate) struct RouteTable(watch::Receiver<Routes>);

impl RouteTable {
    /// A table, and what replaces it.
    pub(crate) fn new(routes: Routes) -> (watch::Sender<Routes>, Self) {
        let (replace, table) = watch::channel(routes.prepare());
        (replace, Self(table))
    }
}

impl Service<Request<Body>> for RouteTable {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = <Routes as Service<Request<Body>>>::Future;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        request.extensions_mut().insert(Arrived(Instant::now()));
        // A table of routes is always ready.
        self.0.borrow().clone().call(request)
    }
}
