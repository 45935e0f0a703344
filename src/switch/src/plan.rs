use alloc::sync::Arc;
use alloc::vec::Vec;

use pabal_spec::{ExchangeRule, ExchangeRuleId, NoticeRule, Protocol};
use pabal_telegram::{Layout, Slice};

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
    /// Some notice's missing numbers are asked for by it.
    pub(crate) asks_for_numbers: bool,
    /// The names of the protocol and of the rule, as each entry has them.
    pub(crate) names: [Arc<str>; 2],
    /// How many bytes of a pending key stand before the correlation key.
    marks_of_key: usize,
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
        let marks = exchange.answer.bytes.iter().map(|(_, bytes)| bytes.len()).sum::<usize>();
        let marks_of_key = size_of::<u16>() + marks;
        let asks_for = |notice: &NoticeRule| notice.gap.as_ref().is_some_and(|gap| gap.exchange == rule);
        let asks_for_numbers = rules.notices.iter().any(asks_for);
        let names = [Arc::from(&*protocol.name), Arc::from(&*exchange.name)];
        let joining = rules.notices.iter().filter_map(|notice| notice.joins.as_ref());
        let confirm = joining.filter(|joins| joins.exchange == rule).flat_map(|joins| &joins.confirm);
        let confirming = confirm.map(|confirm| confirm.original).collect();
        Self {
            rule,
            request_secrets,
            answer_secrets,
            written,
            confirming,
            asks_for_numbers,
            names,
            marks_of_key,
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

    /// Whether a request's number is one of theirs.
    pub(crate) fn has_their_number(&self) -> bool {
        self.exchange().given.contains(&self.protocol.rules.number.at)
    }

    pub(crate) const fn marks_of_key(&self) -> usize {
        self.marks_of_key
    }

    /// How the answer lies.
    #[must_use]
    pub fn answer_layout(&self) -> &Arc<Layout> {
        self.protocol.catalog.layout(self.exchange().answer.telegram)
    }
}
