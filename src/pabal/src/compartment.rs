use clap::Subcommand;
use pabal_front::proto::command_request::Command;
use pabal_front::proto::{CompartmentName, DrainCompartment};

use crate::act::{Act, Within};

/// Drain or start one compartment of an institution, such as a bank behind a relay. The others do not notice.
///
/// Exit codes: 0 done and written down, 2 usage, 4 refused or no gateway reached: nothing was changed, 5 no proof.
///
/// With --json: institution, done (a sentence), actor (as the journal has it), reason, held_by (what keeps it from working yet, null if nothing does); or, if it is refused: outcome (null), refusal, faults, detail.
#[derive(Debug, Subcommand)]
pub(crate) enum Compartment {
    /// Take no new requests for a compartment, over restarts of the gateway too, until it is started. Sessions stay up. What is not answered when
    /// the time of the drain is over is UNKNOWN at once; an answer that comes later settles it.
    ///
    /// Example: pabal compartment drain hecto 088 --reason "the bank is closed early"
    Drain {
        /// The institution, as configured
        institution: String,
        /// Its value, such as a bank's code
        compartment: String,
        #[command(flatten)]
        within: Within,
        #[command(flatten)]
        act: Act,
    },
    /// Take requests for a compartment again.
    ///
    /// Example: pabal compartment start hecto 088 --reason "the bank is back"
    Start {
        /// The institution, as configured
        institution: String,
        /// Its value, such as a bank's code
        compartment: String,
        #[command(flatten)]
        act: Act,
    },
}

impl Compartment {
    pub(crate) fn run(self) -> anyhow::Result<u8> {
        match self {
            Self::Drain { institution, compartment, within, act } => {
                let done = format!("{institution} takes no new requests for compartment {compartment}");
                let command = DrainCompartment { compartment, within: within.span() };
                act.run(&institution, Command::DrainCompartment(command), &done)
            }
            Self::Start { institution, compartment, act } => {
                let done = format!("{institution} takes requests for compartment {compartment} again");
                act.run(&institution, Command::StartCompartment(CompartmentName { compartment }), &done)
            }
        }
    }
}
