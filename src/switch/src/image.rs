use alloc::boxed::Box;
use alloc::collections::BTreeSet;
use alloc::format;
use alloc::sync::Arc;
use alloc::vec::Vec;

use pabal_spec::{Digest, ExchangeRuleId, Institution};
use serde::{Deserialize, Serialize};

use crate::core::Core;
use crate::plan::Plan;
use crate::settings::Settings;
use crate::state::State;

/// A whole core as plain data, so that another process can go on where this one stood.
#[derive(Clone, Serialize, Deserialize)]
pub struct Image {
    /// Of the types below.
    pub version: u32,
    institution: Box<str>,
    plans: Vec<PlanName>,
    state: State,
}

/// A plan, by what finds it again.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct PlanName {
    protocol: Box<str>,
    rule: Box<str>,
    digest: Digest,
}

/// Numbers only: an image holds telegrams.
impl core::fmt::Debug for Image {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Image")
            .field("version", &self.version)
            .field("institution", &self.institution)
            .field("exchanges", &self.state.exchanges.len())
            .finish_non_exhaustive()
    }
}

impl Image {
    const VERSION: u32 = 4;

    pub(crate) fn of(core: &Core) -> Self {
        let mut state = core.state.clone();
        // Only what an exchange still goes by: a version that is over is nobody's need.
        let used: BTreeSet<u32> = state.exchanges.values().map(|exchange| exchange.plan).collect();
        for exchange in state.exchanges.values_mut() {
            exchange.plan = u32::try_from(used.range(..exchange.plan).count()).unwrap_or(u32::MAX);
        }
        let name = |at: &u32| {
            let plan = &core.plans[*at as usize];
            PlanName {
                protocol: plan.protocol.name.clone(),
                rule: plan.exchange().name.clone(),
                digest: plan.protocol.digest,
            }
        };
        Self {
            version: Self::VERSION,
            institution: core.institution.name.clone(),
            plans: used.iter().map(name).collect(),
            state,
        }
    }

    pub(crate) fn restore(
        self,
        institution: Arc<Institution>,
        older: Vec<Arc<Institution>>,
        settings: Settings,
    ) -> Result<Core, Box<str>> {
        if self.version != Self::VERSION {
            return Err(format!("image version {} is not {}", self.version, Self::VERSION).into());
        }
        if self.institution != institution.name {
            return Err(
                format!("the image is of institution `{}`, not `{}`", self.institution, institution.name).into()
            );
        }
        let plans: Result<Vec<_>, _> =
            self.plans.iter().map(|name| name.resolve(core::iter::once(&institution).chain(&older))).collect();
        let mut state = self.state;
        state.exchanges.values_mut().for_each(|exchange| exchange.hold_timers(&mut state.timers));
        let mut core = Core::with_state(institution, older, settings, state, plans?);
        core.check_settings()?;
        core.judge_controls();
        Ok(core)
    }
}

impl PlanName {
    fn resolve<'a>(&self, mut versions: impl Iterator<Item = &'a Arc<Institution>>) -> Result<Arc<Plan>, Box<str>> {
        let same =
            |protocol: &&Arc<pabal_spec::Protocol>| protocol.name == self.protocol && protocol.digest == self.digest;
        let protocol = versions.find_map(|version| version.protocols.iter().find(same));
        let rule =
            protocol.and_then(|protocol| protocol.rules.exchanges.iter().position(|rule| rule.name == self.rule));
        match (protocol, rule.and_then(|at| u16::try_from(at).ok())) {
            (Some(protocol), Some(rule)) => Ok(Arc::new(Plan::new(Arc::clone(protocol), ExchangeRuleId(rule)))),
            _ => Err(format!(
                "the image needs exchange `{}` of protocol `{}` in version {}",
                self.rule, self.protocol, self.digest
            )
            .into()),
        }
    }
}

impl Core {
    /// Whether the lines and protocols are those that the state was made with.
    fn check_settings(&self) -> Result<(), Box<str>> {
        let protocols = self.state.conversations.iter().map(|conversation| &conversation.protocol);
        if !protocols.eq(self.books.iter().map(|book| &book.protocol.name)) {
            return Err("the image has other protocols".into());
        }
        let slots = |line: u16| self.state.sessions.iter().filter(|session| session.id.line.0 == line).count();
        let is_same = (0..).zip(&self.settings.lines).all(|(at, line)| slots(at) == usize::from(line.sessions_max));
        if !is_same || self.state.lines.len() != self.settings.lines.len() {
            return Err("the image has other lines or another number of sessions".into());
        }
        Ok(())
    }
}
