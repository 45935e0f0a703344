//! Whether business is open.

use alloc::vec::Vec;

use pabal_clock::Now;

use super::Counterparty;
use super::answer::Asked;
use crate::output::Event;
use crate::scenario::{Business, Codes, Start, since_change};

impl Counterparty {
    /// What a request is answered with that does not get any further, and why; `None`: it does.
    pub(super) fn gate<'s>(
        &mut self,
        asked: &Asked<'_>,
        business: &'s Business,
        now: Now,
    ) -> Option<(&'s Codes, &'static str)> {
        let not_open = business.not_open.as_ref()?;
        let opening = self.protocol.rules.opening.as_ref()?.exchange;
        let time = self.since_change(now);
        let participant = self.protocol.rules.participant.as_ref().and_then(|(_, at)| at.of(asked.frame));
        let hours = business.hours_of(participant.unwrap_or_default());
        let date = self.protocol.day.business_date(now.wall);
        let opened = self.ledger.opened_at(&self.per(asked.frame), date);
        let open = opened.is_some_and(|opened| hours.is_none_or(|hours| hours.stands(opened, time)));
        if asked.exchange != opening {
            if open {
                return None;
            }
            self.refuse(asked);
            let money = self.moves_money(asked);
            self.ledger.tally(asked.frame).not_open += u64::from(money);
            return Some((not_open, "not open"));
        }
        if !hours.is_none_or(|hours| hours.hold(time)) {
            self.ledger.tally(asked.frame).openings_refused += 1;
            return Some((business.closed.as_ref().unwrap_or(not_open), "closed"));
        }
        let already_open = business.already_open.as_ref().filter(|_| open)?;
        self.ledger.tally(asked.frame).already_open += 1;
        Some((already_open, "already open"))
    }

    /// Seconds since the date changed.
    pub(super) fn since_change(&self, now: Now) -> u32 {
        since_change(self.protocol.day.civil(now.wall).time, &self.protocol.day)
    }

    /// Whose opening a request belongs to.
    pub(super) fn per(&self, frame: &[u8]) -> Vec<u8> {
        let opening = self.protocol.rules.opening.as_ref();
        let fields = opening.map(|opening| opening.per.iter()).into_iter().flatten();
        fields.flat_map(|at| at.of(frame).unwrap_or_default()).copied().collect()
    }

    /// An opening was executed.
    pub(super) fn open_business(&mut self, asked: &Asked<'_>, now: Now) {
        let is_opening = self.protocol.rules.opening.as_ref().is_some_and(|opening| opening.exchange == asked.exchange);
        if is_opening {
            let (per, time) = (self.per(asked.frame), self.since_change(now));
            self.ledger.open(&per, self.protocol.day.business_date(now.wall), time);
            self.ledger.tally(asked.frame).openings += 1;
            self.tell(Event::Opened { key: asked.key.clone() });
            self.last_opening = asked.frame.into();
            self.start_on(&Start::Opened, asked.frame, now);
        }
    }
}
