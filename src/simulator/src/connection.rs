use std::io;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use pabal_counterparty::Connection;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::sync::mpsc;

use crate::driver::Input;

/// Bytes that one read may take.
const READ_BYTES_MAX: usize = 64 * 1_024;

/// What the driver has a connection do.
pub(crate) enum Order {
    Send(Vec<u8>),
    Close,
    Reset,
}

/// How a connection's writing half came to its end.
enum End {
    Closed,
    Reset,
    Gone,
}

/// Carries bytes both ways until the connection is over, and says so.
pub(crate) async fn carry(
    mut stream: TcpStream,
    connection: Connection,
    orders: mpsc::Receiver<Order>,
    inputs: mpsc::Sender<Input>,
    close_grace: Duration,
) {
    // Pieces of a telegram must leave as segments of their own.
    let result = stream.set_nodelay(true);
    if let Err(error) = result {
        tracing::debug!(%connection, %error, "no TCP_NODELAY");
    }
    let end = {
        let (reader, writer) = stream.split();
        let mut reading = std::pin::pin!(read(reader, connection, &inputs));
        let writing = std::pin::pin!(write(writer, orders));
        tokio::select! {
            // The peer's FIN or RST was seen: what is not written yet is lost, as at an institution.
            () = &mut reading => End::Gone,
            end = writing => {
                if matches!(end, End::Closed) {
                    // Until the peer's FIN or RST is seen, or the grace is over.
                    let _ = tokio::time::timeout(close_grace, reading).await;
                }
                end
            }
        }
    };
    if matches!(end, End::Reset)
        && let Err(error) = stream.set_zero_linger()
    {
        tracing::debug!(%connection, %error, "no reset");
    }
    drop(stream);
    // Nobody is left to hear it if the simulator was stopped.
    let _ = inputs.send(Input::Closed(connection)).await;
}

async fn read(mut reader: ReadHalf<'_>, connection: Connection, inputs: &mpsc::Sender<Input>) {
    let mut buffer = BytesMut::new();
    loop {
        buffer.reserve(READ_BYTES_MAX);
        match reader.read_buf(&mut buffer).await {
            Ok(0) => return,
            Ok(_) => {
                let bytes: Bytes = buffer.split().freeze();
                if inputs.send(Input::Received(connection, bytes)).await.is_err() {
                    return;
                }
            }
            Err(error) => {
                tracing::debug!(%connection, %error, "reading ended");
                return;
            }
        }
    }
}

async fn write(mut writer: WriteHalf<'_>, mut orders: mpsc::Receiver<Order>) -> End {
    while let Some(order) = orders.recv().await {
        let result: io::Result<()> = match order {
            Order::Send(bytes) => writer.write_all(&bytes).await,
            Order::Close => {
                let _ = writer.shutdown().await;
                return End::Closed;
            }
            Order::Reset => return End::Reset,
        };
        if let Err(error) = result {
            tracing::debug!(%error, "writing ended");
            return End::Gone;
        }
    }
    End::Gone
}
