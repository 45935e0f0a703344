//! The tokio shell around [`pabal_switch::Core`]: sockets, the one clock, a driver per institution, configuration.
//!
//! (the story and a doctest go here)

mod call;
mod clock;
mod config;
mod gateway;

pub use call::{Answer, Body, Call, CallError, Find, FindKey, Found, InquireCall};
pub use config::{Config, ConfigError, Listen, Problem};
pub use gateway::{Gateway, Handle, Health, StartError};
