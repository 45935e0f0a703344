use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::server::Connected;

/// After an error of accepting (no file descriptors left, mostly), so that it is not tried a million times a second.
const PAUSE: Duration = Duration::from_millis(100);

/// Something that connections come from.
pub(crate) trait Listener: Send + Sync + 'static {
    type Stream: AsyncRead + AsyncWrite + Connected + Unpin + Send + 'static;

    fn accept(&self) -> impl Future<Output = io::Result<Self::Stream>> + Send;
}

impl Listener for TcpListener {
    type Stream = TcpStream;

    async fn accept(&self) -> io::Result<TcpStream> {
        let (stream, _) = Self::accept(self).await?;
        // Fails only if the connection has ended already; whoever reads it will see.
        let _ = stream.set_nodelay(true);
        Ok(stream)
    }
}

impl Listener for UnixListener {
    type Stream = UnixStream;

    async fn accept(&self) -> io::Result<UnixStream> {
        Ok(Self::accept(self).await?.0)
    }
}

/// Connections as they come, at most so many at once; further ones wait in the kernel until one has ended. Dropping the stream stops
/// listening.
pub(crate) fn accept<L: Listener>(
    listener: L,
    connections_max: usize,
) -> ReceiverStream<io::Result<Counted<L::Stream>>> {
    let (accepted, connections) = mpsc::channel(1);
    tokio::spawn(async move {
        let room = Arc::new(Semaphore::new(connections_max));
        loop {
            let next = async {
                // The semaphore is never closed.
                let place = Arc::clone(&room).acquire_owned().await.ok();
                (listener.accept().await, place)
            };
            let (connection, place) = tokio::select! {
                biased;
                () = accepted.closed() => return,
                next = next => next,
            };
            match connection {
                Ok(stream) => {
                    if accepted.send(Ok(Counted { stream, _place: place })).await.is_err() {
                        return;
                    }
                }
                Err(error) => {
                    tracing::warn!(%error, "a connection of a service could not be accepted");
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    });
    ReceiverStream::new(connections)
}

/// A connection that counts until it is dropped.
#[derive(Debug)]
pub(crate) struct Counted<S> {
    stream: S,
    _place: Option<OwnedSemaphorePermit>,
}

impl<S: Connected> Connected for Counted<S> {
    type ConnectInfo = S::ConnectInfo;

    fn connect_info(&self) -> Self::ConnectInfo {
        self.stream.connect_info()
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Counted<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, into)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Counted<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio_stream::StreamExt;

    use super::*;

    #[tokio::test]
    async fn no_more_than_the_limit_are_accepted_at_once() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("any free port");
        let address = listener.local_addr().expect("bound");
        let mut connections = accept(listener, 2);
        let mut ours = Vec::new();
        for _ in 0..3 {
            ours.push(TcpStream::connect(address).await.expect("the kernel takes it"));
        }
        let first = connections.next().await.expect("it listens").expect("it is accepted");
        let second = connections.next().await.expect("it listens").expect("it is accepted");
        let third = tokio::time::timeout(Duration::from_millis(50), connections.next()).await;
        assert!(third.is_err(), "the third waits");
        drop(first);
        connections.next().await.expect("it listens").expect("the third has the first one's place");
        drop(second);
    }

    #[tokio::test]
    async fn dropping_it_stops_listening() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("any free port");
        let address = listener.local_addr().expect("bound");
        drop(accept(listener, 2));
        // The task that listens ends by itself; until then the kernel may still take connections.
        let refused = async {
            while TcpStream::connect(address).await.is_ok() {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), refused).await.expect("it stops");
    }
}
