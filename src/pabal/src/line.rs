use clap::Subcommand;
use pabal_front::proto::command_request::Command;
use pabal_front::proto::{DrainLine, LineName};

use crate::act::{Act, Within};

/// Stop, drain or start a line of an institution. What is stopped stays so, over restarts of the gateway too, until it is started.
///
/// Exit codes: 0 done and written down, 2 usage, 4 refused or no gateway reached: nothing was changed, 5 no proof.
///
/// With --json: institution, done (a sentence), actor (as the journal has it), reason, held_by (what keeps it from working yet, null if nothing does); or, if it is refused: outcome (null), refusal, faults, detail.
#[derive(Debug, Subcommand)]
pub(crate) enum Line {
    /// Make the sessions of a line again, at once.
    ///
    /// Example: pabal line start hecto out --reason "the institution's maintenance is over"
    Start {
        /// The institution, as configured
        institution: String,
        /// The line, as configured
        line: String,
        #[command(flatten)]
        act: Act,
    },
    /// Close the sessions of a line at once, and make none until it is started. What is in flight may be answered by other lines.
    ///
    /// Example: pabal line stop hecto out --reason "the institution asks for it"
    Stop {
        /// The institution, as configured
        institution: String,
        /// The line, as configured
        line: String,
        #[command(flatten)]
        act: Act,
    },
    /// Take nothing new on a line, let what is in flight be answered, then stop it. What is not answered when the time of the drain is over
    /// is UNKNOWN, unless another line or session can bring its answer: then it waits on, for its own time.
    ///
    /// Example: pabal line drain hecto out --within 1m --reason "maintenance at 02:00"
    Drain {
        /// The institution, as configured
        institution: String,
        /// The line, as configured
        line: String,
        #[command(flatten)]
        within: Within,
        #[command(flatten)]
        act: Act,
    },
}

impl Line {
    pub(crate) fn run(self) -> anyhow::Result<u8> {
        match self {
            Self::Start { institution, line, act } => {
                let done = format!("line {line} of {institution} is started");
                act.run(&institution, Command::StartLine(LineName { line }), &done)
            }
            Self::Stop { institution, line, act } => {
                let done = format!("line {line} of {institution} is stopped until it is started");
                act.run(&institution, Command::StopLine(LineName { line }), &done)
            }
            Self::Drain { institution, line, within, act } => {
                let done = format!(
                    "line {line} of {institution} takes nothing new, and stops: look at `{}`",
                    act.ask("lines")
                );
                act.run(&institution, Command::DrainLine(DrainLine { line, within: within.span() }), &done)
            }
        }
    }
}
