use clap::Subcommand;
use pabal_front::proto::command_request::Command;
use pabal_front::proto::{DrainSession, SessionName};

use crate::act::{Act, Within};

/// Close or drain one session's connection. Its line makes another one, if it is not stopped.
///
/// Exit codes: 0 done and written down, 2 usage, 4 refused or no gateway reached: nothing was changed, 5 no proof.
///
/// With --json: institution, done (a sentence), actor (as the journal has it), reason, held_by (what keeps it from working yet, null if nothing does); or, if it is refused: outcome (null), refusal, faults, detail.
#[derive(Debug, Subcommand)]
pub(crate) enum Session {
    /// Close a session's connection at once.
    ///
    /// Example: pabal session close hecto out/0 --reason "it answers nothing"
    Close {
        /// The institution, as configured
        institution: String,
        /// The session: the line's name and the slot, as `pabal sessions` shows it
        #[arg(value_parser = parse, value_name = "LINE/SLOT")]
        session: (String, u32),
        #[command(flatten)]
        act: Act,
    },
    /// Take nothing new on a session's connection, let what is in flight be answered, then close it. What is not answered when the time of the drain is over
    /// is UNKNOWN, unless another line or session can bring its answer: then it waits on, for its own time.
    ///
    /// Example: pabal session drain hecto out/0 --within 10s --reason "a new firewall rule"
    Drain {
        /// The institution, as configured
        institution: String,
        /// The session: the line's name and the slot, as `pabal sessions` shows it
        #[arg(value_parser = parse, value_name = "LINE/SLOT")]
        session: (String, u32),
        #[command(flatten)]
        within: Within,
        #[command(flatten)]
        act: Act,
    },
}

impl Session {
    pub(crate) fn run(self) -> anyhow::Result<u8> {
        match self {
            Self::Close { institution, session: (line, slot), act } => {
                let done = format!("session {line}/{slot} of {institution} is closed");
                act.run(&institution, Command::CloseSession(SessionName { line, slot }), &done)
            }
            Self::Drain { institution, session: (line, slot), within, act } => {
                let done = format!(
                    "session {line}/{slot} of {institution} takes nothing new, and closes: look at `{}`",
                    act.ask("sessions")
                );
                act.run(&institution, Command::DrainSession(DrainSession { line, slot, within: within.span() }), &done)
            }
        }
    }
}

fn parse(text: &str) -> Result<(String, u32), String> {
    let parts = text.rsplit_once('/').and_then(|(line, slot)| Some((line.to_owned(), slot.parse().ok()?)));
    parts.ok_or_else(|| format!("{text:?} is not a line and a slot; write out/0, as `pabal sessions` shows it"))
}
