//! What operators control, and what they have done.

mod log;

use clap::Subcommand;

/// Look at what operators have commanded.
#[derive(Debug, Subcommand)]
pub(crate) enum Control {
    Log(log::Log),
}

impl Control {
    pub(crate) fn run(self) -> anyhow::Result<u8> {
        match self {
            Self::Log(command) => command.run(),
        }
    }
}
