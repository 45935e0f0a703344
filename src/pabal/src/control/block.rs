use clap::Args;
use pabal_front::proto::command_request::Command;
use pabal_front::proto::{Block as Wanted, BlockedField};

use crate::act::Act;

/// Refuse requests with a message, as often as the control holds (거래통제). Nothing said of what is blocked: every request of the institution.
///
/// What waits is refused at once; what is in flight goes on. Inquiries, questions for missing notices and openings go on, unless they are named.
///
/// Example: pabal control block hecto year-end --participant 088 --hours "2026-12-31 22:00 to 24:00" --message "closing of the books" --reason "ticket 7"
///
/// Exit codes: 0 done and written down, 2 usage, 4 refused or no gateway reached: nothing was changed, 5 no proof.
///
/// With --json: institution, done (a sentence), actor (as the journal has it), reason, replaced (the control that was there by this name, as `pabal control list`
/// has it; null if there was none), hindered (a list of versions of the spec that begin by a date and that a control would hold then: spec, begins, begins_us, because); or, if it is refused: outcome (null), refusal, faults, detail.
#[derive(Debug, Args)]
pub(crate) struct Block {
    /// The institution, as configured
    institution: String,
    /// What the control is called; it takes the place of one of the same name, which is told
    control: String,
    /// What callers are told
    #[arg(long)]
    message: String,
    /// Only this exchange; may be said again
    #[arg(long = "exchange", value_name = "NAME")]
    exchanges: Vec<String>,
    /// Only with this participant, such as a bank's code; may be said again
    #[arg(long = "participant", value_name = "CODE")]
    participants: Vec<String>,
    /// Only if the field is VALUE, or one of several parted by commas, or begins as one between: `debit_account=110..112`. In a number field
    /// a range is one of numbers, both ends included: `debit_amt=100..999`. May be said again
    #[arg(long = "field", value_name = "NAME=VALUE", value_parser = field)]
    fields: Vec<BlockedField>,
    /// Only then, on the institution's clock: `second sunday 00:00 to 08:00`; may be said again
    #[arg(long, value_name = "DAYS AND TIMES")]
    hours: Vec<String>,
    /// Not before this moment on the institution's clock: `2026-12-01 09:00`
    #[arg(long, default_value = "", hide_default_value = true)]
    from: String,
    /// Not from this moment on
    #[arg(long, default_value = "", hide_default_value = true)]
    until: String,
    #[command(flatten)]
    act: Act,
}

impl Block {
    pub(crate) fn run(self) -> anyhow::Result<u8> {
        let done = format!("control {} of {} holds: look at `pabal control list`", self.control, self.institution);
        let block = Wanted {
            control: self.control,
            exchanges: self.exchanges,
            participants: self.participants,
            fields: self.fields,
            hours: self.hours,
            from: self.from,
            until: self.until,
            message: self.message,
        };
        self.act.run(&self.institution, Command::Block(block), &done)
    }
}

fn field(text: &str) -> Result<BlockedField, String> {
    let Some((field, value)) = text.split_once('=').filter(|(field, value)| !field.is_empty() && !value.is_empty())
    else {
        return Err(format!("{text:?} is no field and its value; write bank_code=088 or debit_account=110..112"));
    };
    let mut blocked = BlockedField { field: field.to_owned(), ..BlockedField::default() };
    match value.split_once("..") {
        Some((from, to)) => (blocked.between_from, blocked.between_to) = (from.to_owned(), to.to_owned()),
        None => blocked.one_of = value.split(',').map(ToOwned::to_owned).collect(),
    }
    Ok(blocked)
}
