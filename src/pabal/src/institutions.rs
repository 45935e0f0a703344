//! How institutions are, for the commands that show it.

use clap::Args;
use pabal_front::client;
use pabal_front::proto::{InstitutionStatus, StatusRequest};

use crate::call::Target;
use crate::print::Form;
use crate::table::Table;
use crate::{exit, print};

/// Which institutions, and how they are shown.
#[derive(Debug, Args)]
pub(crate) struct Institutions {
    /// Only this institution
    institution: Option<String>,
    /// Print as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    target: Target,
}

impl Institutions {
    /// Asks the gateway and prints a table, or the JSON value, with what is said if there is no row.
    pub(crate) fn show(
        self,
        nothing: &str,
        table: impl FnOnce(&[InstitutionStatus]) -> Table,
        json: impl FnOnce(&[InstitutionStatus]) -> serde_json::Value,
    ) -> anyhow::Result<u8> {
        let message = StatusRequest { institution: self.institution.unwrap_or_default() };
        self.target.with(None, Form::of(self.json), async |mut client, caller| {
            let institutions = match client.control.status(client::request(message, Some(&caller), None, None)?).await {
                Ok(response) => response.into_inner().institutions,
                Err(status) => return Ok(print::unanswered(&status, &self.target, Form::of(self.json))),
            };
            if self.json {
                print::json(&json(&institutions))?;
                return Ok(exit::DONE);
            }
            let lines = table(&institutions).lines();
            if lines.len() > 1 {
                for line in lines {
                    out!("{line}");
                }
            } else {
                out!("{nothing}");
            }
            Ok(exit::DONE)
        })
    }
}
