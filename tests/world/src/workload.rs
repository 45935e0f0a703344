use std::sync::Arc;
use std::time::Duration;

use pabal_spec::Institution;
use pabal_switch::{Open, Plan};
use pabal_telegram::{Side, Value, encode};

use crate::chance::Chance;
use crate::setup::{BANKS, PARTIES, Setup, banks_of};

/// One thing that a caller wants.
#[derive(Clone, Debug)]
pub(crate) struct Wish {
    pub(crate) open: Open,
    pub(crate) tag: String,
    pub(crate) bank: Box<[u8]>,
    pub(crate) patience: Duration,
    /// Goes away after so long, if it does.
    pub(crate) leaves_after: Option<Duration>,
}

/// The PIN in every transfer; it may be nowhere but on the wire. Letters, so that no number of many digits holds it by chance.
pub(crate) const PIN: &str = "PxQaRbSw";

/// Where the tag lies in a transfer: `cms_code`, which the institution does not look at.
pub(crate) const TAG_FIELD: &str = "cms_code";

/// Who calls; scopes the idempotency keys.
pub(crate) const CALLER: &str = "world";

pub(crate) fn transfer_plan(institution: &Institution) -> Arc<Plan> {
    let protocol = &institution.protocols[0];
    let rule = protocol.rules.exchanges.iter().position(|e| &*e.name == "transfer").expect("Hecto has transfers");
    let rule = pabal_spec::ExchangeRuleId(u16::try_from(rule).expect("few rules"));
    Arc::new(Plan::new(Arc::clone(protocol), rule))
}

/// The n-th wish of a run.
pub(crate) fn wish(setup: Setup, plan: &Arc<Plan>, number: u32, busy: Option<&str>, chance: &mut Chance) -> Wish {
    let tag = format!("TAG{number:013}");
    let text = |value: String| Value::Text(value);
    let party = chance.index(setup.parties as usize);
    let banks: Vec<&str> = banks_of(party).collect();
    // Some banks have much to do, and a silent or slow one too, so that it would fill a window if it could.
    let bank = match (chance.between(0, 9), busy) {
        (0..=3, Some(busy)) if banks.contains(&busy) => busy,
        (0..=6, _) => banks[chance.index(banks.len().min(3))],
        _ => banks[chance.index(banks.len())],
    };
    let values = [
        ("bank_code", text(bank.into())),
        ("debit_account", text(format!("{:012}", 110_000_000_000 + u64::from(number)))),
        ("passbook_pin", text(PIN.into())),
        ("check_symbol", text("123456".into())),
        ("debit_amt", text(chance.between(1, 5_000_000).to_string())),
        ("credit_bank_code", text(BANKS[chance.index(BANKS.len())].into())),
        ("credit_account", text(format!("{:013}", 3_010_000_000_000 + u64::from(number)))),
        (TAG_FIELD, text(tag.clone())),
        ("memo", text("급여".into())),
    ]
    .map(|(name, value)| (name.to_string(), value));
    let telegram = encode(plan.request_layout(), Side::Asker, &values).expect("the workload's fields are right");
    let key = chance.per_mille(600).then(|| format!("key-{number}").into_boxed_str());
    let mut patience = Duration::from_millis(chance.between(100, 40_000));
    // Who wants to hear what the institution says has to wait for as long as it may take; some do not.
    let accepts_early_unknown = !(setup.paced && chance.per_mille(250));
    if !accepts_early_unknown && chance.per_mille(700) {
        patience += plan.exchange().timeout;
    }
    // Most leave while they wait; some long after they have heard.
    let leaves_after = chance.per_mille(80).then(|| {
        let until = if chance.per_mille(250) { 600_000 } else { 2_000 };
        Duration::from_millis(chance.between(0, until))
    });
    // The first party may be left out: it is the default.
    let party = (party > 0 || chance.per_mille(300)).then(|| PARTIES[party].0.into());
    let open = Open {
        plan: Arc::clone(plan),
        caller: CALLER.into(),
        idempotency_key: key,
        party,
        telegram: telegram.into(),
        deadline: pabal_clock::Mono::ZERO,
        accepts_early_unknown,
        trace: Some(format!("00-{:032x}-00f067aa0ba902b7-01", u128::from(number) + 1).into()),
    };
    Wish { open, tag, bank: bank.as_bytes().into(), patience, leaves_after }
}
