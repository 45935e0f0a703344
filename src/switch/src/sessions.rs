use alloc::vec::Vec;
use core::ops::{Deref, Index, IndexMut};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::session::{Session, SessionState};

/// Every slot of every line, in the order of the lines, and what they have room for.
///
/// Who asks for room does not look at all of them: whatever is given out to be changed is counted anew by [`Sessions::count`], and nothing
/// else is. Until then the answers come from a look at all.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sessions {
    slots: Vec<Session>,
    /// What was counted of each.
    offers: Vec<Offer>,
    /// Slots that may not be as they were counted.
    changed: Vec<usize>,
    /// By protocol.
    sums: Vec<Sum>,
}

/// What one slot offers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Offer {
    is_changed: bool,
    may_send: bool,
    may_receive: bool,
    is_per_exchange: bool,
    places: u32,
    free: u32,
    /// What is in flight, if there is room for more.
    in_flight: Option<u32>,
}

/// What all slots of a protocol offer.
#[derive(Clone, Debug, Default)]
struct Sum {
    may_send: u32,
    may_receive: u32,
    per_exchange: u32,
    places: u64,
    free: u64,
    /// Slots that have room, by what is in flight.
    rows: Vec<Row>,
    /// No row before it has one.
    first: usize,
}

#[derive(Clone, Debug, Default)]
struct Row {
    count: u32,
    /// A bit for each slot.
    slots: Vec<u64>,
}

impl Offer {
    fn of(session: &Session) -> Self {
        let has_room = session.has_room();
        let (places, free) = match (session.sends(), session.per_exchange) {
            (true, _) => (session.window, if has_room { session.window - session.in_flight } else { 0 }),
            // A slot of a line that connects per exchange is room whether it is connected or not.
            (false, true) => {
                let is_free =
                    matches!(session.state, SessionState::Down | SessionState::Connecting | SessionState::SigningOn);
                (1, u32::from(is_free))
            }
            (false, false) => (0, 0),
        };
        Self {
            is_changed: false,
            may_send: session.is_up() && session.may_send(),
            may_receive: session.is_up() && session.may_receive(),
            is_per_exchange: session.per_exchange,
            places,
            free,
            in_flight: has_room.then_some(session.in_flight),
        }
    }
}

impl Sum {
    fn add(&mut self, slot: usize, offer: Offer) {
        self.may_send += u32::from(offer.may_send);
        self.may_receive += u32::from(offer.may_receive);
        self.per_exchange += u32::from(offer.is_per_exchange);
        self.places += u64::from(offer.places);
        self.free += u64::from(offer.free);
        let Some(at) = offer.in_flight.and_then(|at| usize::try_from(at).ok()) else { return };
        if self.rows.len() <= at {
            self.rows.resize_with(at + 1, Row::default);
        }
        let row = &mut self.rows[at];
        if row.slots.len() <= slot / 64 {
            row.slots.resize(slot / 64 + 1, 0);
        }
        row.slots[slot / 64] |= 1 << (slot % 64);
        row.count += 1;
        self.first = self.first.min(at);
    }

    fn take(&mut self, slot: usize, offer: Offer) {
        self.may_send -= u32::from(offer.may_send);
        self.may_receive -= u32::from(offer.may_receive);
        self.per_exchange -= u32::from(offer.is_per_exchange);
        self.places -= u64::from(offer.places);
        self.free -= u64::from(offer.free);
        let Some(at) = offer.in_flight.and_then(|at| usize::try_from(at).ok()) else { return };
        let row = &mut self.rows[at];
        row.slots[slot / 64] &= !(1 << (slot % 64));
        row.count -= 1;
    }

    fn sender(&self) -> Option<usize> {
        let row = self.rows.get(self.first)?;
        let (at, word) = row.slots.iter().enumerate().find(|(_, word)| **word != 0)?;
        Some(at * 64 + usize::try_from(word.trailing_zeros()).unwrap_or(0))
    }
}

impl Sessions {
    pub(crate) fn push(&mut self, session: Session) {
        self.changed.push(self.slots.len());
        self.offers.push(Offer { is_changed: true, ..Offer::default() });
        self.slots.push(session);
    }

    /// Counts what was given out to be changed.
    pub(crate) fn count(&mut self) {
        while let Some(slot) = self.changed.pop() {
            let (session, offer) = (&self.slots[slot], &mut self.offers[slot]);
            let before = core::mem::replace(offer, Offer::of(session));
            let after = *offer;
            if after == (Offer { is_changed: false, ..before }) {
                continue;
            }
            let protocol = usize::from(session.protocol);
            if self.sums.len() <= protocol {
                self.sums.resize_with(protocol + 1, Sum::default);
            }
            let sum = &mut self.sums[protocol];
            sum.take(slot, before);
            sum.add(slot, after);
            while sum.rows.get(sum.first).is_some_and(|row| row.count == 0) {
                sum.first += 1;
            }
        }
    }

    fn counted(&self, protocol: u16) -> Option<&Sum> {
        self.sums.get(usize::from(protocol)).filter(|_| self.changed.is_empty())
    }

    fn offers_of(&self, protocol: u16) -> impl Iterator<Item = (usize, Offer)> {
        let mine = self.slots.iter().enumerate().filter(move |(_, one)| one.protocol == protocol);
        mine.map(|(slot, one)| (slot, Offer::of(one)))
    }

    /// The places of all sessions of a protocol that may send now, and how many of them are free.
    pub(crate) fn room(&self, protocol: u16) -> (u32, u32) {
        let sum = |(places, free): (u64, u64), (_, offer): (_, Offer)| {
            (places + u64::from(offer.places), free + u64::from(offer.free))
        };
        let (places, free) = match self.counted(protocol) {
            Some(counted) => (counted.places, counted.free),
            None => self.offers_of(protocol).fold((0, 0), sum),
        };
        (u32::try_from(places).unwrap_or(u32::MAX), u32::try_from(free).unwrap_or(u32::MAX))
    }

    /// The slot with the most room for a request; the first of several.
    pub(crate) fn sender(&self, protocol: u16) -> Option<usize> {
        match self.counted(protocol) {
            Some(counted) => counted.sender(),
            None => {
                let with_room = self.offers_of(protocol).filter_map(|(slot, offer)| Some((offer.in_flight?, slot)));
                with_room.min().map(|(_, slot)| slot)
            }
        }
    }

    /// Whether one is up that may send, and one that may receive.
    pub(crate) fn halves(&self, protocol: u16) -> (bool, bool) {
        match self.counted(protocol) {
            Some(counted) => (counted.may_send > 0, counted.may_receive > 0),
            None => self.offers_of(protocol).fold((false, false), |(send, receive), (_, offer)| {
                (send || offer.may_send, receive || offer.may_receive)
            }),
        }
    }

    /// Whether some line of a protocol connects per exchange.
    pub(crate) fn any_per_exchange(&self, protocol: u16) -> bool {
        match self.counted(protocol) {
            Some(counted) => counted.per_exchange > 0,
            None => self.offers_of(protocol).any(|(_, offer)| offer.is_per_exchange),
        }
    }
}

impl Deref for Sessions {
    type Target = [Session];

    fn deref(&self) -> &[Session] {
        &self.slots
    }
}

impl Index<usize> for Sessions {
    type Output = Session;

    fn index(&self, slot: usize) -> &Session {
        &self.slots[slot]
    }
}

/// What is given out here is counted anew.
impl IndexMut<usize> for Sessions {
    fn index_mut(&mut self, slot: usize) -> &mut Session {
        if !core::mem::replace(&mut self.offers[slot].is_changed, true) {
            self.changed.push(slot);
        }
        &mut self.slots[slot]
    }
}

impl Serialize for Sessions {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.slots.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Sessions {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut sessions = Self::default();
        Vec::<Session>::deserialize(deserializer)?.into_iter().for_each(|session| sessions.push(session));
        Ok(sessions)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{LineId, SessionId};
    use crate::settings::{Direction, LineSettings, LineSide};

    /// Changed by chance, counted now and then: always as a look at all of them says.
    #[test]
    fn what_is_counted_is_what_a_look_at_all_says() {
        let mut chance = 7_u64;
        let mut roll = |below: u64| {
            chance = chance.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
            (chance >> 33) % below
        };
        for count in [1, 5, 130_u16] {
            let mut sessions = Sessions::default();
            (0..count).for_each(|slot| {
                let direction = [Direction::Send, Direction::Receive, Direction::Duplex][usize::from(slot % 3)];
                let line = LineSettings { window: 3, ..LineSettings::new("", "", LineSide::Initiator, direction) };
                let id = SessionId { line: LineId(0), slot };
                let mut session = Session::of(&line, id, u16::from(slot % 7 == 6));
                session.per_exchange = slot % 5 == 4;
                sessions.push(session);
            });
            for step in 0..4_000 {
                let slot = usize::try_from(roll(u64::from(count))).unwrap();
                let session = &mut sessions[slot];
                match roll(4) {
                    0 => session.state = SessionState::ALL[usize::try_from(roll(8)).unwrap()],
                    1 => session.in_flight = u32::try_from(roll(5)).unwrap(),
                    2 => session.served = roll(2) == 0,
                    _ => session.unsent_bytes_max = roll(2),
                }
                if step % 3 == 0 {
                    continue;
                }
                let look = |sessions: &Sessions, protocol| {
                    let halves = sessions.halves(protocol);
                    (sessions.room(protocol), sessions.sender(protocol), halves, sessions.any_per_exchange(protocol))
                };
                let before = [0, 1].map(|protocol| look(&sessions, protocol));
                assert!(!sessions.changed.is_empty());
                sessions.count();
                assert!(sessions.changed.is_empty());
                assert_eq!([0, 1].map(|protocol| look(&sessions, protocol)), before, "{count} {step}");
            }
        }
    }
}
