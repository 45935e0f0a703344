//! The tokio shell around [`pabal_switch::Core`]: sockets, the one clock, a driver per institution, configuration.
//!
//! (the story and a doctest go here)

mod call;
mod clock;
mod config;
mod digest;
mod driver;
mod gateway;
mod handle;
mod history;
mod recovery;
mod settings;
mod start;
#[cfg(test)]
mod tests;

pub use call::{Answer, Body, Call, CallError, Find, FindKey, Found, InquireCall};
pub use config::{Config, ConfigError, Listen, Problem, parse_duration};
pub use driver::Drained;
pub use driver::health::Health;
pub use gateway::{DrainSummary, Gateway};
pub use handle::Handle;
pub use start::{StartError, spec_sources};
