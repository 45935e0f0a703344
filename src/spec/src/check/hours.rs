//! `hours`: rows about exchanges that are there, and participants that the field can hold.

use alloc::format;
use alloc::vec::Vec;

use crate::check::protocol::Scene;
use crate::check::{exchange, layout};
use crate::diagnostic::Diagnostic;
use crate::hours::{HoursRule, HoursRules};
use crate::mistake::{self, error};
use crate::written;

pub(crate) fn check(scene: &Scene<'_>, out: &mut Vec<Diagnostic>) -> Option<HoursRules> {
    let mut rules = HoursRules::default();
    let mut good = true;
    for row in &scene.written.hours {
        match rule(scene, row, out) {
            Some(rule) if row.is_open => rules.open.push(rule),
            Some(rule) => rules.closed.push(rule),
            None => good = false,
        }
    }
    good.then_some(rules)
}

fn rule(scene: &Scene<'_>, row: &written::Hours, out: &mut Vec<Diagnostic>) -> Option<HoursRule> {
    let exchanges: Vec<_> = row
        .exchanges
        .iter()
        .map(|name| exchange::find(scene, name, out).map(|(_, found)| found.name.value.as_str().into()))
        .collect();
    let mut participants = Some(Vec::new());
    if let Some((field, values)) = &row.participants {
        match &scene.written.participant {
            Some(known) if known.value == field.value => {
                let column = scene.header_field(field, out).filter(|column| column.sure);
                participants = column.and_then(|column| {
                    values.iter().map(|value| layout::constant(&column.field, value, out)).collect()
                });
            }
            known => {
                let help = match known {
                    Some(known) => format!("the participant's field is `{}`", known.value),
                    None => "name the field in `participant` first".into(),
                };
                let message = format!("Hours cannot depend on `{}`: it is not what names the participant", field.value);
                out.push(error(mistake::BAD_HOURS, field.span, "not the participant", message).help(help));
                participants = None;
            }
        }
    }
    Some(HoursRule {
        hours: row.hours.value,
        exchanges: exchanges.into_iter().collect::<Option<_>>()?,
        participants: participants?,
    })
}
