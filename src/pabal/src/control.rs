//! What operators control, and what they have done.

mod block;
mod limit;
pub(crate) mod list;
mod log;
mod unblock;

use clap::Subcommand;

/// Block requests and limit their rate, look at what is blocked, and at what operators have commanded.
#[derive(Debug, Subcommand)]
pub(crate) enum Control {
    Block(block::Block),
    Unblock(unblock::Unblock),
    Limit(limit::Limit),
    List(list::List),
    Log(log::Log),
}

impl Control {
    pub(crate) fn run(self) -> anyhow::Result<u8> {
        match self {
            Self::Block(command) => command.run(),
            Self::Unblock(command) => command.run(),
            Self::Limit(command) => command.run(),
            Self::List(command) => command.run(),
            Self::Log(command) => command.run(),
        }
    }
}
