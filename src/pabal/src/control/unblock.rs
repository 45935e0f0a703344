use clap::Args;
use pabal_front::proto::Unblock as Wanted;
use pabal_front::proto::command_request::Command;

use crate::act::Act;

/// Lift a control.
///
/// Example: pabal control unblock hecto year-end --reason "the books are closed"
///
/// Exit codes: 0 done and written down, 2 usage, 4 refused or no gateway reached: nothing was changed, 5 no proof.
///
/// With --json: institution, done (a sentence), actor (as the journal has it), reason; or, if it is refused: outcome (null), refusal, faults, detail.
#[derive(Debug, Args)]
pub(crate) struct Unblock {
    /// The institution, as configured
    institution: String,
    /// What the control is called
    control: String,
    #[command(flatten)]
    act: Act,
}

impl Unblock {
    pub(crate) fn run(self) -> anyhow::Result<u8> {
        let done = format!("control {} of {} is lifted", self.control, self.institution);
        self.act.run(&self.institution, Command::Unblock(Wanted { control: self.control }), &done)
    }
}
