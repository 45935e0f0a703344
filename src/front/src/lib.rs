//! The gateway as internal services see it: gRPC, reflection, health. The only crate that knows protobuf.
//!
//! A service calls `pabal.v1.Gateway.Exchange` with named fields or a raw telegram, and hears what became of it. The one rule that everything
//! here serves: *an error that we return means that no byte of the request left; once a byte may have left, the call returns OK with an
//! outcome, SUCCESS, FAILURE or UNKNOWN.* Errors of ours carry `google.rpc.ErrorInfo` with domain [`ERROR_DOMAIN`] and one of the refusals as
//! reason; [`Proof::of`] reads it. An error without it (a broken connection, a proxy's, the client library's own deadline) proves nothing,
//! and `Find` is there to ask.
//!
//! ```
//! use pabal_front::{Proof, code};
//! use pabal_front::proto::Reason;
//! use pabal_switch::Refusal;
//! use tonic::{Code, Status};
//!
//! // A bank that is not open is a matter of state; another try will not open it.
//! assert_eq!(code(Refusal::NotOpen), Code::FailedPrecondition);
//! assert_eq!(Reason::from(Refusal::NotOpen).word(), "NOT_OPEN");
//!
//! // The client's own timer ran out. Perhaps the money has moved.
//! assert_eq!(Proof::of(&Status::deadline_exceeded("deadline exceeded")), None);
//! ```
//!
//! A call, from its arrival to its answer:
//!
//! 1. `routes` notes when it arrived, and finds its service in a table that can be replaced while connections stay up.
//! 2. `metadata` and `trace` read who calls, how long it waits and under which trace; without a trace one is begun.
//! 3. `exchange` spawns the work as a task of its own. Tonic drops the handler when the caller goes away or at its `grpc-timeout`; the task
//!    then abandons what has not left, and no more than that. The gateway tells UNKNOWN a margin before that timeout, so that it is heard.
//! 4. `answer` reads the answer's bytes by the layout that the exchange was admitted with. A fault in a field hides neither the outcome
//!    nor the other fields.
//! 5. `refused` and `reason` turn a refusal into a status, and say where and what to do, masked by class.
//!
//! Notices go the other way: a service opens `Serve`, is given what an institution tells, and replies (`serve`). One stream is one
//! subscription; a service that does not read is not given more. What operators ask and do is `control`, with `search` and `reload`.
//!
//! What is not here: TLS, and therefore addresses that other hosts reach ([`Listen`]); authentication (`x-pabal-caller` is believed);
//! other streams (`Pipeline`, `Watch`); typed services from specs. The code under `src/generated` is made from `proto/` and committed;
//! `UPDATE_GENERATED=1 cargo test -p pabal-front --test generated` makes it anew.

mod accept;
mod actor;
mod answer;
pub mod client;
mod command;
mod control;
mod exchange;
mod front;
mod health;
mod listen;
mod metadata;
#[expect(
    unused_qualifications,
    clippy::allow_attributes,
    clippy::allow_attributes_without_reason,
    clippy::large_enum_variant,
    reason = "generated"
)]
pub mod proto;
mod reason;
mod refused;
mod reload;
mod routes;
mod search;
mod serve;
mod status;
mod trace;
mod value;

pub use front::{Front, Options, Running};
pub use listen::ListenError;
pub use metadata::{CALLER_ANONYMOUS, CALLER_KEY};
pub use pabal_gateway::Listen;
pub use prost_types::{Duration as Span, Timestamp};
pub use reason::code;
pub use refused::{ERROR_DOMAIN, Proof, QUESTION_DOMAIN};
