use clap::Subcommand;
use pabal_front::proto::command_request::Command;
use pabal_front::proto::{DrainInstitution, StartInstitution};

use crate::act::{Act, Within};

/// Drain or start all of an institution. What is drained stays down, over restarts of the gateway too, until it is started.
///
/// Exit codes: 0 done and written down, 2 usage, 4 refused or no gateway reached: nothing was changed, 5 no proof.
///
/// With --json: institution, done (a sentence), actor (as the journal has it), reason, held_by (what keeps it from working yet, null if nothing does); or, if it is refused: outcome (null), refusal, faults, detail.
#[derive(Debug, Subcommand)]
pub(crate) enum Institution {
    /// Take nothing new for an institution, let what is in flight be answered, then close all its sessions. What is not answered when the time of the
    /// drain is over is UNKNOWN.
    ///
    /// Example: pabal institution drain hecto --within 1m --reason "they move to another centre"
    Drain {
        /// The institution, as configured
        institution: String,
        #[command(flatten)]
        within: Within,
        #[command(flatten)]
        act: Act,
    },
    /// Make the sessions of all its lines again, but of those that are stopped themselves.
    ///
    /// Example: pabal institution start hecto --reason "they have moved"
    Start {
        /// The institution, as configured
        institution: String,
        #[command(flatten)]
        act: Act,
    },
}

impl Institution {
    pub(crate) fn run(self) -> anyhow::Result<u8> {
        match self {
            Self::Drain { institution, within, act } => {
                let done = format!("{institution} takes nothing new, and stops: look at `{}`", act.ask("lines"));
                act.run(&institution, Command::DrainInstitution(DrainInstitution { within: within.span() }), &done)
            }
            Self::Start { institution, act } => {
                let done = format!("{institution} is started");
                act.run(&institution, Command::StartInstitution(StartInstitution {}), &done)
            }
        }
    }
}
