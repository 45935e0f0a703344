use alloc::sync::Arc;
use alloc::vec::Vec;

use pabal_spec::{ExchangeRule, ExchangeRuleId, NoticeRule, Protocol};
use pabal_telegram::{Layout, Slice};

use crate::parts::{AwaitedKey, Parts};

/// Everything that an exchange needs later, pinned when it is admitted: it lives and dies by this version of the spec.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The version.
    pub protocol: Arc<Protocol>,
    /// The exchange's rule in it.
    pub rule: ExchangeRuleId,
    /// Bytes of the request that are never stored.
    pub request_secrets: Arc<[Slice]>,
    /// Bytes of the answer that are never stored.
    pub answer_secrets: Arc<[Slice]>,
    /// What the gateway writes into a request, whoever made it: what marks it, who we are, stamps and the number.
    pub(crate) written: Vec<Slice>,
    /// The fields that confirm a notice which is about such a request, of all notices that may be, one behind the other.
    pub(crate) confirming: Vec<Slice>,
    /// The same, as they are read at once.
    pub(crate) confirming_parts: Parts,
    /// Under which key its answer is awaited.
    pub(crate) awaited: AwaitedKey,
    /// What the numbers are counted by.
    pub(crate) number_scope: Parts,
    /// The caller gives the number.
    pub(crate) gives_number: bool,
    /// Some notice's missing numbers are asked for by it.
    pub(crate) asks_for_numbers: bool,
    /// The names of the protocol and of the rule, as each entry has them.
    pub(crate) names: [Arc<str>; 2],
}

impl Plan {
    /// Pins a protocol's exchange.
    #[must_use]
    pub fn new(protocol: Arc<Protocol>, rule: ExchangeRuleId) -> Self {
        let exchange = &protocol.rules.exchanges[usize::from(rule.0)];
        let request_secrets = protocol.catalog.layout(exchange.request.telegram).secrets().into();
        let answer_secrets = protocol.catalog.layout(exchange.answer.telegram).secrets().into();
        let rules = &protocol.rules;
        let mut written: Vec<Slice> = exchange.request.bytes.iter().map(|(at, _)| *at).collect();
        written.extend(rules.party.iter().map(|(_, at)| *at));
        written.extend(rules.stamps.iter().map(|stamp| stamp.at));
        written.push(rules.number.at);
        let asks_for = |notice: &NoticeRule| notice.gap.as_ref().is_some_and(|gap| gap.exchange == rule);
        let asks_for_numbers = rules.notices.iter().any(asks_for);
        let names = [Arc::from(&*protocol.name), Arc::from(&*exchange.name)];
        let joining = rules.notices.iter().filter_map(|notice| notice.joins.as_ref());
        let confirm = joining.filter(|joins| joins.exchange == rule).flat_map(|joins| &joins.confirm);
        let confirming: Vec<Slice> = confirm.map(|confirm| confirm.original).collect();
        let awaited = AwaitedKey::new(exchange, &rules.key);
        let number_scope = Parts::new(rules.number.scope.iter().copied());
        let gives_number = exchange.given.contains(&rules.number.at);
        Self {
            rule,
            request_secrets,
            answer_secrets,
            written,
            confirming_parts: Parts::new(confirming.iter().copied()),
            confirming,
            awaited,
            number_scope,
            gives_number,
            asks_for_numbers,
            names,
            protocol,
        }
    }

    /// The rule.
    #[must_use]
    pub fn exchange(&self) -> &ExchangeRule {
        &self.protocol.rules.exchanges[usize::from(self.rule.0)]
    }

    /// How the request lies, and which of its fields the caller fills.
    #[must_use]
    pub fn request_layout(&self) -> &Arc<Layout> {
        &self.exchange().request_layout
    }

    /// How the answer lies.
    #[must_use]
    pub fn answer_layout(&self) -> &Arc<Layout> {
        self.protocol.catalog.layout(self.exchange().answer.telegram)
    }
}
