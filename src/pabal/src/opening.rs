use clap::Subcommand;
use pabal_front::proto::OpeningName;
use pabal_front::proto::command_request::Command;

use crate::act::Act;

/// Open (개시) or close (종료) business by hand.
///
/// Exit codes: 0 done and written down, 2 usage, 4 refused or no gateway reached: nothing was changed, 5 no proof.
///
/// With --json: institution, done (a sentence), actor (as the journal has it), reason, held_by (what keeps it from working yet, null if nothing does); or, if it is refused: outcome (null), refusal, faults, detail.
#[derive(Debug, Subcommand)]
pub(crate) enum Opening {
    /// Ask the institution to open business now, whatever the hour and the wait before the next try are. `pabal openings` shows what it says.
    ///
    /// Example: pabal opening open hecto 088 --reason "the bank says that it is ready"
    Open {
        /// The institution, as configured
        institution: String,
        /// The values by which business is opened, as `pabal openings` shows them; or the last of them, if that says which
        #[arg(required = true)]
        values: Vec<String>,
        #[command(flatten)]
        act: Act,
    },
    /// Take no requests for the rest of the business date, or until it is opened by hand, and ask nothing about earlier ones. What is in flight
    /// goes on; the institution is told nothing.
    ///
    /// Example: pabal opening close hecto 088 --reason "the bank closes early today"
    Close {
        /// The institution, as configured
        institution: String,
        /// The values by which business is opened, as `pabal openings` shows them; or the last of them, if that says which
        #[arg(required = true)]
        values: Vec<String>,
        #[command(flatten)]
        act: Act,
    },
}

impl Opening {
    pub(crate) fn run(self) -> anyhow::Result<u8> {
        match self {
            Self::Open { institution, values, act } => {
                let done = format!("{institution} is asked to open {}: look at `pabal openings`", values.join(" "));
                act.run(&institution, Command::OpenOpening(OpeningName { values }), &done)
            }
            Self::Close { institution, values, act } => {
                let done = format!("business with {institution} {} is closed for today", values.join(" "));
                act.run(&institution, Command::CloseOpening(OpeningName { values }), &done)
            }
        }
    }
}
