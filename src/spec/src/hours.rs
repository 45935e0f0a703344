use alloc::boxed::Box;
use alloc::vec::Vec;

use pabal_clock::{Civil, Holidays, Hours, Judged, judge};

/// When the institution takes work: as its document says (`hours` of a protocol), or as a site says beside it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HoursRules {
    /// When it does; none: always.
    pub open: Vec<HoursRule>,
    /// When it does not, whatever the others say.
    pub closed: Vec<HoursRule>,
}

/// One row of `hours`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HoursRule {
    /// When.
    pub hours: Hours,
    /// For which exchanges, by name; none: all of them.
    pub exchanges: Vec<Box<str>>,
    /// With which participants, as the bytes of their field; none: all of them.
    pub participants: Vec<Box<[u8]>>,
}

impl HoursRules {
    /// Whether an exchange may be asked of a participant at an instant, on the institution's clock. Of the opening hours those hold that say
    /// most about it: what names exchange and participant, else what names the participant, else the exchange, else all others. Closings
    /// hold beside each other.
    #[must_use]
    pub fn judge(&self, exchange: &str, participant: &[u8], holidays: &Holidays, at: Civil) -> Judged<'_> {
        let most = self.open.iter().filter_map(|rule| rule.says(exchange, participant)).max();
        let open = self.open.iter().filter(|rule| rule.says(exchange, participant) == most);
        let closed = self.closed.iter().filter(|rule| rule.says(exchange, participant).is_some());
        let open = open.filter(|_| most.is_some()).map(|rule| &rule.hours);
        judge(open, closed.map(|rule| &rule.hours), holidays, at)
    }
}

impl HoursRule {
    /// How much it says about an exchange with a participant; `None` if it is about another one.
    fn says(&self, exchange: &str, participant: &[u8]) -> Option<u8> {
        let names_exchange = self.exchanges.iter().any(|name| **name == *exchange);
        let names_participant = self.participants.iter().any(|value| **value == *participant);
        let is_about =
            (names_exchange || self.exchanges.is_empty()) && (names_participant || self.participants.is_empty());
        is_about.then_some(u8::from(names_participant) * 2 + u8::from(names_exchange))
    }
}

#[cfg(test)]
mod tests {
    use pabal_clock::{Date, TimeOfDay};

    use super::*;
    use crate::{Source, load};

    const SPEC: &str = include_str!("../tests/fixtures/whole.spec");
    const TABLE: &str = include_str!("../tests/fixtures/codes.csv");

    #[test]
    fn the_row_that_says_most_about_an_exchange_holds_and_closings_add_up() {
        let sources = [("whole.spec", SPEC), ("codes.csv", TABLE)];
        let sources = sources.map(|(name, text)| Source { name: name.into(), text: text.into() });
        let loaded = load(&sources).unwrap();
        let rules = &loaded.institution.protocols[0].rules;
        let is_open = |exchange: &str, bank: &str, day: u8, hour: u8| {
            let at = Civil { date: Date::new(2026, 12, day).unwrap(), time: TimeOfDay::new(hour, 0, 0).unwrap() };
            rules.hours.judge(exchange, bank.as_bytes(), &Holidays::default(), at) == Judged::Open
        };
        // 1 December of 2026 is a Tuesday. Any exchange, and the one that has hours of its own.
        assert!(is_open("open", "004", 1, 3) && !is_open("open", "004", 1, 0));
        assert!(!is_open("transfer", "004", 1, 3) && is_open("transfer", "004", 1, 9));
        // The bank's hours hold before those of the exchange.
        assert!(is_open("transfer", "088", 1, 3) && is_open("open", "088", 1, 23));
        // The third Monday is the 21st, and the 31st is closed for all.
        assert!(!is_open("result", "004", 21, 3) && is_open("result", "011", 21, 3) && is_open("open", "004", 21, 3));
        assert!(!is_open("open", "011", 31, 12) && is_open("open", "011", 30, 12));
    }
}
