//! Calling a gateway: the generated clients, and how an address is written.

use std::time::Duration;

use tonic::metadata::{Ascii, MetadataValue};
use tonic::transport::{Channel, Endpoint};
use tonic_types::StatusExt;

use crate::metadata::CALLER_KEY;
pub use crate::proto::control_client::ControlClient;
pub use crate::proto::gateway_client::GatewayClient;
use crate::refused::{ERROR_DOMAIN, Proof, QUESTION_DOMAIN};
pub use tonic_health::pb::health_client::HealthClient;
pub use tonic_health::pb::{HealthCheckRequest, health_check_response::ServingStatus};

/// How long connecting may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Why there is no client.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The text is not an address.
    #[error("{0:?} is not the address of a gateway; write `http://127.0.0.1:7400` or `unix:` and a path")]
    NotAddress(String),
    /// Nobody answers. No byte of any request left.
    #[error("no gateway answers at {address}: {}", sources(.error))]
    NoAnswer {
        /// Where.
        address: String,
        /// Why.
        error: tonic::transport::Error,
    },
}

/// Clients over one connection.
#[derive(Clone, Debug)]
pub struct Client {
    /// `pabal.v1.Gateway`.
    pub gateway: GatewayClient<Channel>,
    /// `pabal.v1.Control`.
    pub control: ControlClient<Channel>,
    /// `grpc.health.v1.Health`.
    pub health: HealthClient<Channel>,
}

/// Connects to a gateway: `http://127.0.0.1:7400`, `127.0.0.1:7400` or `unix:/path`.
///
/// # Errors
/// The address is none, or nobody answers there. Either way nothing was sent.
pub async fn connect(address: &str) -> Result<Client, ConnectError> {
    let endpoint = endpoint(address)?;
    let channel = endpoint
        .connect_timeout(CONNECT_TIMEOUT)
        .connect()
        .await
        .map_err(|error| ConnectError::NoAnswer { address: address.to_owned(), error })?;
    Ok(Client {
        gateway: GatewayClient::new(channel.clone()),
        control: ControlClient::new(channel.clone()),
        health: HealthClient::new(channel),
    })
}

/// The reason, if an error of `Exchange` proves that no byte of the request left. `None`: nothing is proven. [`Proof`] tells more.
#[must_use]
pub fn refusal(status: &tonic::Status) -> Option<String> {
    Proof::of(status).map(|proof| proof.reason)
}

/// The reason of an error that a gateway made, by its word, whatever it proves; `None` if it was made on the way.
#[must_use]
pub fn reason(status: &tonic::Status) -> Option<String> {
    let details = status.check_error_details().ok()?;
    let info = details.error_info().filter(|info| [ERROR_DOMAIN, QUESTION_DOMAIN].contains(&info.domain.as_str()))?;
    Some(info.reason.clone())
}

/// What is wrong with a request, thing by thing: where, and what; empty if the error names no place.
#[must_use]
pub fn violations(status: &tonic::Status) -> Vec<(String, String)> {
    let details = status.check_error_details().ok();
    let listed = details.and_then(|details| details.bad_request().cloned()).map(|bad| bad.field_violations);
    listed.unwrap_or_default().into_iter().map(|one| (one.field, one.description)).collect()
}

/// A request with what is said beside it. `timeout` becomes `grpc-timeout`; `caller` and `traceparent` become metadata.
///
/// # Errors
/// The caller's name or the trace cannot be sent as metadata: it holds what is not printable ASCII.
pub fn request<T>(
    body: T,
    caller: Option<&str>,
    timeout: Option<Duration>,
    traceparent: Option<&str>,
) -> Result<tonic::Request<T>, NotMetadata> {
    let mut request = tonic::Request::new(body);
    if let Some(timeout) = timeout {
        request.set_timeout(timeout);
    }
    for (key, value) in [(CALLER_KEY, caller), ("traceparent", traceparent)] {
        if let Some(value) = value {
            let printable = value.bytes().all(|byte| (b' '..=b'~').contains(&byte));
            let value: MetadataValue<Ascii> = match value.parse() {
                Ok(value) if printable => value,
                _ => return Err(NotMetadata { key }),
            };
            request.metadata_mut().insert(key, value);
        }
    }
    Ok(request)
}

/// A value that cannot be sent as metadata.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{key} holds what is not printable ASCII; use letters, digits and signs")]
pub struct NotMetadata {
    /// Under which key.
    key: &'static str,
}

fn endpoint(address: &str) -> Result<Endpoint, ConnectError> {
    let wrong = || ConnectError::NotAddress(address.to_owned());
    let text = match address {
        "" | "unix:" | "unix://" => return Err(wrong()),
        _ if address.starts_with("unix:") || address.starts_with("http://") => address.to_owned(),
        // There is no TLS yet, so that another scheme is a mistake.
        _ if address.contains("://") => return Err(wrong()),
        _ => format!("http://{address}"),
    };
    Endpoint::from_shared(text).map_err(|_| wrong())
}

/// An error with all that is behind it; tonic's own text says only "transport error".
fn sources(error: &tonic::transport::Error) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(error) = source {
        let next = error.to_string();
        // Some say what is behind them, some only repeat it.
        if !text.ends_with(&next) {
            text.push_str(": ");
            text.push_str(&next);
        }
        source = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_written_as_servers_print_them() {
        for text in ["http://127.0.0.1:7400", "127.0.0.1:7400", "[::1]:7400", "unix:/run/pabal.sock", "unix:///run/p"] {
            assert!(endpoint(text).is_ok(), "{text}");
        }
        for text in ["", "unix:", "https://bank:1", "a b"] {
            assert!(endpoint(text).is_err(), "{text}");
        }
    }

    #[test]
    fn metadata_is_ascii() {
        assert_eq!(request((), Some("결제"), None, None).err(), Some(NotMetadata { key: CALLER_KEY }));
        let request = request((), Some("payments"), Some(Duration::from_millis(300)), None).expect("fine");
        assert_eq!(crate::metadata::timeout(request.metadata()), Some(Duration::from_millis(300)));
        assert_eq!(request.metadata().get(CALLER_KEY).map(|name| name.as_bytes()), Some(&b"payments"[..]));
    }

    #[tokio::test]
    async fn nobody_there_is_told_with_the_reason() {
        let error = connect("unix:/nonexistent/pabal.sock").await.expect_err("nobody is there").to_string();
        assert!(error.starts_with("no gateway answers at unix:/nonexistent/pabal.sock"), "{error}");
        assert!(error.contains("No such file"), "{error}");
    }
}
