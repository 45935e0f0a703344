use clap::Args;
use pabal_front::proto::Limit as Wanted;
use pabal_front::proto::command_request::Command;

use crate::act::Act;

/// Set how many requests of a compartment may leave (유량제어), at once. Without numbers: as configured.
///
/// Example: pabal control limit hecto --compartment 088 --per-second 5 --reason "the bank asks for it"
///
/// Exit codes: 0 done and written down, 2 usage, 4 refused or no gateway reached: nothing was changed, 5 no proof.
///
/// With --json: institution, done (a sentence), actor (as the journal has it), reason; or, if it is refused: outcome (null), refusal, faults, detail.
#[derive(Debug, Args)]
pub(crate) struct Limit {
    /// The institution, as configured
    institution: String,
    /// Its value, such as a bank's code; else each compartment that has no rate of its own
    #[arg(long, default_value = "", hide_default_value = true)]
    compartment: String,
    /// As many may leave in any second
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    per_second: Option<u32>,
    /// As many may be unanswered
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    in_flight: Option<u32>,
    /// What becomes of more
    #[arg(long, value_parser = ["wait", "refuse"], default_value = "wait")]
    over: String,
    #[command(flatten)]
    act: Act,
}

impl Limit {
    pub(crate) fn run(self) -> anyhow::Result<u8> {
        let whose = match self.compartment.as_str() {
            "" => format!("the compartments of {}", self.institution),
            value => format!("compartment {value} of {}", self.institution),
        };
        let done = match (self.per_second, self.in_flight) {
            (None, None) => format!("{whose}: as configured"),
            (per_second, in_flight) => {
                let number = |number: Option<u32>, what| number.map(|number| format!("{number} {what}"));
                let numbers = [number(per_second, "in a second"), number(in_flight, "unanswered")];
                let over = if self.over == "refuse" { "more are refused" } else { "more wait" };
                format!("{whose}: {}; {over}", numbers.into_iter().flatten().collect::<Vec<_>>().join(", "))
            }
        };
        let limit = Wanted {
            compartment: self.compartment,
            per_second: self.per_second.unwrap_or_default(),
            in_flight: self.in_flight.unwrap_or_default(),
            over: self.over,
        };
        self.act.run(&self.institution, Command::Limit(limit), &done)
    }
}
