use alloc::boxed::Box;
use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::vec::Vec;

use pabal_clock::{BusinessDate, DayRule, Mono, Now, Pace, TimeOfDay, Timers, Wall};
use serde::{Deserialize, Serialize};

use crate::command::Stops;
use crate::dice::Dice;
use crate::drain::Drain;
use crate::durable::Journal;
use crate::exchanges::Exchanges;
use crate::id::{ExchangeId, IdSource};
use crate::keys::Keys;
use crate::notice::Notices;
use crate::numbering::Numbers;
use crate::opening::Opening;
use crate::pairs;
use crate::rate::Tokens;
use crate::recovery::Known;
use crate::route::LineState;
use crate::sequence::Gaps;
use crate::sessions::Sessions;
use crate::settings::Limits;
use crate::timer::TimerName;
use crate::waiting::Waiting;

/// All that a core knows and an image holds; the spec and the settings are given anew.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct State {
    pub(crate) limits: Limits,
    pub(crate) dice: Dice,
    pub(crate) ids: IdSource,
    #[serde(with = "pairs::timers")]
    pub(crate) timers: Timers<TimerName>,
    pub(crate) journal: Journal,
    /// Every slot of every line, in the order of the lines.
    pub(crate) sessions: Sessions,
    /// Every line, in the order of the settings.
    pub(crate) lines: Vec<LineState>,
    /// Tries to connect, of all lines.
    pub(crate) connects: Pace,
    /// One for each protocol of the institution.
    pub(crate) conversations: Vec<Conversation>,
    pub(crate) openings: Vec<Opening>,
    pub(crate) exchanges: Exchanges,
    /// Settled exchanges whose keys are kept, with when they end.
    pub(crate) tombstones: VecDeque<(Mono, ExchangeId)>,
    /// UNKNOWN exchanges whose time is over, oldest first.
    pub(crate) unknown: BTreeSet<ExchangeId>,
    /// UNKNOWN and listed exchanges of versions of the spec that are not there any more: nothing can read their answers.
    pub(crate) orphans: BTreeMap<ExchangeId, Known>,
    pub(crate) keys: Keys,
    pub(crate) notices: Notices,
    pub(crate) gaps: Gaps,
    /// What takes nothing new and is to end.
    pub(crate) drains: Vec<Drain>,
    /// What operators have stopped.
    pub(crate) stops: Stops,
    /// How the two clocks stood to each other when the date's timer was set.
    pub(crate) clocks: Clocks,
    /// Events that were dropped since the last one that was given out.
    pub(crate) events_dropped: u64,
}

/// What is going on in one protocol.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Conversation {
    pub(crate) protocol: Box<str>,
    pub(crate) waiting: Waiting,
    pub(crate) tokens: Tokens,
    pub(crate) numbers: Numbers,
    pub(crate) day: Day,
}

/// A business date and the instants between which the wall clock shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Day {
    pub(crate) date: BusinessDate,
    pub(crate) from: Wall,
    pub(crate) until: Wall,
}

impl Day {
    const MICROS: i64 = 86_400_000_000;

    pub(crate) fn at(rule: &DayRule, wall: Wall) -> Self {
        let shift = (i64::from(rule.zone.seconds()) - i64::from(rule.changes.seconds())) * 1_000_000;
        let from = (wall.as_unix_micros() + shift).div_euclid(Self::MICROS) * Self::MICROS - shift;
        Self {
            date: rule.business_date(wall),
            from: Wall::from_unix_micros(from),
            until: Wall::from_unix_micros(from + Self::MICROS),
        }
    }

    /// When a time of day comes on this date.
    pub(crate) fn at_time(&self, rule: &DayRule, time: TimeOfDay) -> Wall {
        let seconds = (i64::from(time.seconds()) - i64::from(rule.changes.seconds())).rem_euclid(86_400);
        Wall::from_unix_micros(self.from.as_unix_micros() + seconds * 1_000_000)
    }

    pub(crate) fn has(&self, wall: Wall) -> bool {
        self.from <= wall && wall < self.until
    }
}

/// The microseconds by which the wall clock is ahead of the timers' clock. Somebody has set the wall clock if they change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Clocks(i64);

impl Clocks {
    /// Smaller steps are left to the next change of date.
    const STEP_MICROS: i64 = 1_000_000;

    pub(crate) fn at(now: Now) -> Self {
        let mono = i64::try_from(now.mono.as_nanos() / 1_000).unwrap_or(i64::MAX);
        Self(now.wall.as_unix_micros().saturating_sub(mono))
    }

    pub(crate) fn agree(self, now: Now) -> bool {
        Self::at(now).0.abs_diff(self.0) < Self::STEP_MICROS.unsigned_abs()
    }
}

#[cfg(test)]
mod tests {
    use pabal_clock::UtcOffset;

    use super::*;

    #[test]
    fn a_day_begins_and_ends_where_its_date_does() {
        let rule = DayRule { zone: UtcOffset::from_hours(9), changes: TimeOfDay::new(0, 5, 0).unwrap() };
        // 2026-11-22T00:05:00+09:00.
        let change = Wall::from_unix_seconds(1_795_273_500);
        let before = Wall::from_unix_micros(change.as_unix_micros() - 1);
        let (old, new) = (Day::at(&rule, before), Day::at(&rule, change));
        assert_eq!((old.until, new.from), (change, change));
        assert!(old.has(before) && !old.has(change) && new.has(change));
        assert_eq!(new.date, rule.business_date(change));
        assert_eq!(old.date, rule.business_date(before));
        assert_eq!(new.until.as_unix_micros() - new.from.as_unix_micros(), 86_400_000_000);
        // Of a date that begins at 00:05, 00:04 is the last minute.
        let at = |hour, minute| new.at_time(&rule, TimeOfDay::new(hour, minute, 0).unwrap()).as_unix_micros();
        assert_eq!(at(0, 5), new.from.as_unix_micros());
        assert_eq!(at(0, 4) + 60_000_000, new.until.as_unix_micros());
        assert_eq!(at(23, 25) - at(0, 5), (23 * 60 + 20) * 60_000_000);
    }
}
