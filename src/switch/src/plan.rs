use alloc::sync::Arc;
use alloc::vec::Vec;

use pabal_spec::{ExchangeRule, ExchangeRuleId, Protocol};
use pabal_telegram::{Layout, Slice};

/// Everything that an exchange needs later, pinned when it is admitted: it lives and dies by this version of the spec.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The version.
    pub protocol: Arc<Protocol>,
    /// The exchange's rule in it.
    pub rule: ExchangeRuleId,
    /// Bytes of the request that are never stored.
    pub request_secrets: Vec<Slice>,
    /// Bytes of the answer that are never stored.
    pub answer_secrets: Vec<Slice>,
}

impl Plan {
    /// Pins a protocol's exchange.
    #[must_use]
    pub fn new(protocol: Arc<Protocol>, rule: ExchangeRuleId) -> Self {
        let exchange = &protocol.rules.exchanges[usize::from(rule.0)];
        let request_secrets = protocol.catalog.layout(exchange.request.telegram).secrets();
        let answer_secrets = protocol.catalog.layout(exchange.answer.telegram).secrets();
        Self { protocol, rule, request_secrets, answer_secrets }
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

    /// What the gateway writes into a request, whoever made it: what marks it, who we are, stamps and the number.
    pub(crate) fn written(&self) -> Vec<Slice> {
        let rules = &self.protocol.rules;
        let mut written: Vec<Slice> = self.exchange().request.bytes.iter().map(|(at, _)| *at).collect();
        written.extend(rules.party.iter().map(|(_, at)| *at));
        written.extend(rules.stamps.iter().map(|stamp| stamp.at));
        written.push(rules.number.at);
        written
    }

    /// How the answer lies.
    #[must_use]
    pub fn answer_layout(&self) -> &Arc<Layout> {
        self.protocol.catalog.layout(self.exchange().answer.telegram)
    }
}
