use std::sync::Arc;
use std::time::Duration;

use pabal_spec::Institution;
use pabal_switch::{Open, Plan};
use pabal_telegram::{Side, Value, encode};

use crate::chance::Chance;
use crate::setup::BANKS;

/// One thing that a caller wants.
#[derive(Clone, Debug)]
pub(crate) struct Wish {
    pub(crate) open: Open,
    pub(crate) tag: String,
    pub(crate) patience: Duration,
    /// Goes away after so long, if it does.
    pub(crate) leaves_after: Option<Duration>,
}

/// The PIN in every transfer; it may be nowhere but on the wire.
pub(crate) const PIN: &str = "19283746";

/// Where the tag lies in a transfer: `cms_code`, which the institution does not look at.
pub(crate) const TAG_FIELD: &str = "cms_code";

pub(crate) fn transfer_plan(institution: &Institution) -> Arc<Plan> {
    let protocol = &institution.protocols[0];
    let rule = protocol.rules.exchanges.iter().position(|e| &*e.name == "transfer").expect("Hecto has transfers");
    let rule = pabal_spec::ExchangeRuleId(u16::try_from(rule).expect("few rules"));
    Arc::new(Plan::new(Arc::clone(protocol), rule))
}

/// The n-th wish of a run.
pub(crate) fn wish(plan: &Arc<Plan>, number: u32, chance: &mut Chance) -> Wish {
    let tag = format!("TAG{number:013}");
    let text = |value: String| Value::Text(value);
    let values = [
        ("bank_code", text(BANKS[chance.index(BANKS.len())].into())),
        ("debit_account", text(format!("{:012}", 110_000_000_000 + u64::from(number)))),
        ("passbook_pin", text(PIN.into())),
        ("check_symbol", text("123456".into())),
        ("debit_amt", text(chance.between(1, 5_000_000).to_string())),
        ("credit_bank_code", text("011".into())),
        ("credit_account", text(format!("{:013}", 3_010_000_000_000 + u64::from(number)))),
        (TAG_FIELD, text(tag.clone())),
        ("memo", text("급여".into())),
    ]
    .map(|(name, value)| (name.to_string(), value));
    let telegram = encode(plan.request_layout(), Side::Asker, &values).expect("the workload's fields are right");
    let key = chance.per_mille(600).then(|| format!("key-{number}").into_boxed_str());
    let patience = Duration::from_millis(chance.between(100, 40_000));
    let leaves_after = chance.per_mille(80).then(|| Duration::from_millis(chance.between(0, 2_000)));
    let open = Open {
        plan: Arc::clone(plan),
        caller: "world".into(),
        idempotency_key: key,
        party: None,
        telegram,
        deadline: pabal_clock::Mono::ZERO,
        trace: Some(format!("00-{:032x}-00f067aa0ba902b7-01", u128::from(number) + 1).into()),
    };
    Wish { open, tag, patience, leaves_after }
}
