use alloc::boxed::Box;
use alloc::vec::Vec;
use core::time::Duration;

use pabal_clock::Now;
use pabal_telegram::Side as Filled;

use super::notice::NoticeRun;
use super::session::{Item, Wire};
use super::{Counterparty, Timer};
use crate::chance::Chance;
use crate::key::Key;
use crate::ledger::Answer;
use crate::output::{Connection, Event, LineId, Output};
use crate::scenario::{Conduct, Cut, Misdeed, When};
use crate::settings::{Line, Side};

/// How a well-behaved answer is called in ledger and events.
pub(super) const AS_IT_SHOULD: &str = "as it should";
/// How long a connection that was made for a notice waits for the reply.
const REPLY_TIME: Duration = Duration::from_secs(10);

/// A telegram that is to be sent.
#[derive(Clone, Debug)]
pub(super) struct Delivery {
    pub(super) what: What,
    pub(super) telegram: Vec<u8>,
    /// The connection that the request came by. Poll answers go there and nowhere else; others prefer it if it can carry them.
    pub(super) came_by: Option<Connection>,
    pub(super) shape: Shape,
    pub(super) conduct: &'static str,
}

impl Delivery {
    const fn is_answer(&self) -> bool {
        matches!(self.what, What::Answer(_) | What::GapAnswer(_))
    }
}

#[derive(Clone, Debug)]
pub(super) enum What {
    Answer(Key),
    /// To a request for the notice of this key.
    GapAnswer(Key),
    Notice(NoticeRun, Key),
    PollAnswer,
    /// To the gateway's sign-on; whether it lets it in.
    SignAnswer {
        good: bool,
    },
}

impl What {
    /// Who has filled it.
    pub(super) const fn side(&self) -> Filled {
        match self {
            Self::Notice(..) => Filled::Asker,
            Self::Answer(_) | Self::GapAnswer(_) | Self::PollAnswer | Self::SignAnswer { .. } => Filled::Answerer,
        }
    }
}

/// What becomes of a telegram on its way out.
#[derive(Clone, Debug)]
pub(super) enum Shape {
    Whole,
    Duplicate { times: u32, gap: Duration },
    Split { pieces: u32, gap: Duration },
    Garbage(Box<[u8]>),
    WrongLength { by: i32 },
    Stall { after: Option<Duration> },
    Cut(Cut),
}

impl Shape {
    /// Whether the whole telegram leaves, so that the other side can read it.
    const fn is_told(&self) -> bool {
        match self {
            Self::Whole | Self::Duplicate { .. } | Self::Split { .. } => true,
            Self::Garbage(_) | Self::WrongLength { .. } | Self::Stall { .. } => false,
            Self::Cut(cut) => matches!(cut.when, When::After),
        }
    }
}

impl Conduct {
    /// What happens this time; `None`: it behaves.
    pub(crate) fn choose(&self, chance: &mut Chance) -> Option<&Misdeed> {
        if self.misdeeds.is_empty() {
            return None;
        }
        let weights = core::iter::once(self.behave).chain(self.misdeeds.iter().map(|misdeed| misdeed.weight));
        self.misdeeds.get(chance.weighted(weights)?.checked_sub(1)?)
    }
}

impl Counterparty {
    /// Sends a telegram by a session that may carry it, or lets it wait for one.
    pub(super) fn deliver(&mut self, delivery: Delivery, now: Now) {
        let Some(connection) = self.session_for(&delivery) else {
            let most = usize::try_from(self.settings.waiting_max).unwrap_or(usize::MAX);
            let is_late = delivery.is_answer() && self.answers_stay();
            if is_late
                || matches!(delivery.what, What::PollAnswer | What::SignAnswer { .. })
                || self.waiting.len() >= most
            {
                self.lose(delivery);
            } else {
                self.waiting.push_back(delivery);
                self.connect_for_notices();
            }
            return;
        };
        self.turn = self.turn.wrapping_add(1);
        if self.connections.get(&connection).is_some_and(|wire| wire.dead) {
            // It looks sent, and never arrives.
            if let What::Notice(run, key) = &delivery.what {
                self.ledger.notify(key, &delivery.telegram, now);
                self.resend_later(run.clone(), key.clone(), now);
            }
            self.lose(delivery);
            return;
        }
        let items = self.items(&delivery);
        if let Some(wire) = self.connections.get_mut(&connection) {
            wire.outbox.extend(items);
        }
        self.serve_one(&delivery, connection, now);
        self.take_down(&delivery, connection, now);
        self.resume_unless_paused(connection, now);
        if let What::Notice(run, key) = delivery.what {
            self.resend_later(run, key, now);
        }
    }

    /// A telegram that never reaches the gateway.
    fn lose(&mut self, delivery: Delivery) {
        const LOST: &str = "lost";
        self.ledger.totals_mut().lost += 1;
        match delivery.what {
            What::Answer(key) | What::GapAnswer(key) => self.tell(Event::Unanswered { key, conduct: LOST }),
            What::Notice(run, key) => self.tell(Event::Withheld { key, notice: run.name, conduct: LOST }),
            What::PollAnswer | What::SignAnswer { .. } => {}
        }
    }

    fn session_for(&self, delivery: &Delivery) -> Option<Connection> {
        let came_by = delivery.came_by.and_then(|connection| Some((connection, self.connections.get(&connection)?)));
        if let (What::PollAnswer | What::SignAnswer { .. }, came_by) = (&delivery.what, came_by) {
            return came_by.filter(|(_, wire)| !wire.closing && !wire.stalled).map(|(connection, _)| connection);
        }
        if let Some((connection, wire)) = came_by
            && self.scenario.session.answers_same
            && self.carries(wire)
        {
            return Some(connection);
        }
        if delivery.is_answer() && self.answers_stay() {
            return None;
        }
        let for_notices = matches!(delivery.what, What::Notice(..)) && self.notice_line().is_some();
        let suits = |wire: &Wire| match self.settings.lines.get(usize::from(wire.line.0)) {
            Some(line) if line.per_exchange => for_notices && line.side == Side::Initiator && !wire.served,
            _ => !for_notices,
        };
        let is_able = |(_, wire): &(&Connection, &Wire)| self.carries(wire) && suits(wire);
        let able = || self.connections.iter().filter(is_able).map(|(connection, _)| *connection);
        let count = able().count();
        able().nth(self.turn.checked_rem(count)?)
    }

    /// Nothing but its connection says whose an answer is, so that it goes there or nowhere.
    fn answers_stay(&self) -> bool {
        let is_single = |line: &Line| line.per_exchange && line.side == Side::Acceptor;
        self.protocol.rules.key.is_empty() || self.settings.lines.iter().any(is_single)
    }

    /// The line on which each notice has a connection of its own.
    pub(super) fn notice_line(&self) -> Option<LineId> {
        let is_it = |line: &Line| line.per_exchange && line.side == Side::Initiator;
        let at = self.settings.lines.iter().position(is_it)?;
        u16::try_from(at).ok().map(LineId)
    }

    fn connect_for_notices(&mut self) {
        if let Some(line) = self.notice_line() {
            self.connect(line);
        }
    }

    /// Something was given to a connection that is for one exchange: behind an answer the institution closes now and then, and behind a
    /// notice when nobody replies.
    fn serve_one(&mut self, delivery: &Delivery, connection: Connection, now: Now) {
        let seed = self.seed;
        let Some(wire) = self.connections.get_mut(&connection) else { return };
        if !self.settings.lines.get(usize::from(wire.line.0)).is_some_and(|line| line.per_exchange) {
            return;
        }
        match &delivery.what {
            What::Answer(key) | What::GapAnswer(key) => {
                if Chance::about(seed, key.bytes(), u64::MAX).below(2) == 0 {
                    wire.outbox.push_back(Item::Close);
                }
            }
            What::Notice(..) => {
                wire.served = true;
                self.timers.set(Timer::Cut(connection, false), now.mono + REPLY_TIME);
            }
            What::PollAnswer | What::SignAnswer { .. } => {}
        }
    }

    fn items(&self, delivery: &Delivery) -> Vec<Item> {
        let framed = self.framed(&delivery.telegram);
        let half = framed.len() / 2;
        let end = |cut: &Cut| if cut.reset { Item::Reset } else { Item::Close };
        match &delivery.shape {
            Shape::Whole => Vec::from([Item::Bytes(framed)]),
            Shape::Duplicate { times, gap } => {
                let mut items = Vec::new();
                for _ in 1..*times {
                    items.extend([Item::Bytes(framed.clone()), Item::Gap(*gap)]);
                }
                items.push(Item::Bytes(framed));
                items
            }
            Shape::Split { pieces, gap } => split(&framed, *pieces, *gap),
            Shape::Garbage(bytes) => Vec::from([Item::Bytes(bytes.to_vec())]),
            Shape::WrongLength { by } => Vec::from([Item::Bytes(self.framed_wrongly(&delivery.telegram, *by))]),
            Shape::Stall { after } => Vec::from([Item::Bytes(first(&framed, half)), Item::Stall(*after)]),
            Shape::Cut(cut) => match cut.when {
                When::Before => Vec::from([end(cut)]),
                When::Middle => Vec::from([Item::Bytes(first(&framed, half)), end(cut)]),
                When::After => Vec::from([Item::Bytes(framed), end(cut)]),
            },
        }
    }

    /// Writes into the ledger what is handed to a session.
    fn take_down(&mut self, delivery: &Delivery, connection: Connection, now: Now) {
        let conduct = delivery.conduct;
        match &delivery.what {
            What::Answer(key) if delivery.shape.is_told() => {
                let response_code: Box<[u8]> =
                    self.protocol.rules.response_code.of(&delivery.telegram).unwrap_or_default().into();
                let times = if let Shape::Duplicate { times, .. } = delivery.shape { times } else { 1 };
                for _ in 0..times {
                    let answer = Answer { at: now, connection, response_code: response_code.clone(), conduct };
                    self.ledger.answer(key, answer);
                }
                self.tell(Event::Answered { key: key.clone(), response_code, conduct });
            }
            What::GapAnswer(key) if delivery.shape.is_told() => {
                let at = self.protocol.rules.response_code;
                let response_code: Box<[u8]> = at.of(&delivery.telegram).unwrap_or_default().into();
                let answer = Answer { at: now, connection, response_code: response_code.clone(), conduct };
                self.ledger.gap_answer(key, &delivery.telegram, answer);
                self.tell(Event::Answered { key: key.clone(), response_code, conduct });
            }
            What::Answer(key) | What::GapAnswer(key) => self.tell(Event::Unanswered { key: key.clone(), conduct }),
            What::Notice(run, key) => {
                let name = run.name.clone();
                let times = self.ledger.notify(key, &delivery.telegram, now);
                self.tell(Event::Notified { key: key.clone(), notice: name, times });
            }
            What::SignAnswer { good: true } if delivery.shape.is_told() => self.signed_on(connection, now),
            What::PollAnswer | What::SignAnswer { .. } => {}
        }
    }

    /// What waited for a session.
    pub(super) fn flush_waiting(&mut self, now: Now) {
        for delivery in core::mem::take(&mut self.waiting) {
            // The connection that it came by may be gone; it finds another one, or waits again.
            self.deliver(delivery, now);
        }
    }

    /// Sends a telegram as it should be sent, by this connection.
    pub(super) fn send_framed(&mut self, connection: Connection, telegram: &[u8], now: Now) {
        let framed = self.framed(telegram);
        if let Some(wire) = self.connections.get_mut(&connection) {
            wire.outbox.push_back(Item::Bytes(framed));
        }
        self.resume_unless_paused(connection, now);
    }

    fn resume_unless_paused(&mut self, connection: Connection, now: Now) {
        if self.connections.get(&connection).is_some_and(|wire| !wire.paused) {
            self.resume(connection, now);
        }
    }

    /// Does what a connection is to do, up to the next gap.
    pub(super) fn resume(&mut self, connection: Connection, now: Now) {
        let Some(wire) = self.connections.get_mut(&connection) else { return };
        wire.paused = false;
        let mut sent = false;
        while let Some(wire) = self.connections.get_mut(&connection).filter(|wire| wire.speaks()) {
            match wire.outbox.pop_front() {
                Some(Item::Bytes(bytes)) => {
                    sent = true;
                    self.outputs.push_back(Output::Send { connection, bytes });
                }
                Some(Item::Gap(gap)) if gap.is_zero() => {}
                Some(Item::Gap(gap)) => {
                    wire.paused = true;
                    self.timers.set(Timer::Piece(connection), now.mono + gap);
                    break;
                }
                Some(Item::Stall(after)) => {
                    wire.stalled = true;
                    if let Some(after) = after {
                        self.timers.set(Timer::Cut(connection, true), now.mono + after);
                    }
                }
                Some(Item::Close) => self.close(connection),
                Some(Item::Reset) => self.reset(connection, now),
                None => break,
            }
        }
        if sent {
            self.rest(connection, now);
        }
    }

    fn framed(&self, telegram: &[u8]) -> Vec<u8> {
        let mut framed = Vec::new();
        // A telegram of the spec is never over the limit of its own framing: the check has proven it.
        let written = self.protocol.framing.write(telegram, &mut framed);
        assert!(written.is_ok(), "telegrams of a checked spec fit their frame");
        framed
    }

    /// The frame's length says `by` bytes more than there are.
    fn framed_wrongly(&self, telegram: &[u8], by: i32) -> Vec<u8> {
        let says = i64::try_from(telegram.len()).unwrap_or(i64::MAX).saturating_add(by.into());
        let mut framed = Vec::new();
        self.protocol.framing.write_saying(telegram, u64::try_from(says).unwrap_or(0), &mut framed);
        framed
    }
}

fn first(bytes: &[u8], count: usize) -> Vec<u8> {
    bytes.get(..count).unwrap_or_default().to_vec()
}

/// Pieces of about the same length, none empty, with gaps between them.
fn split(bytes: &[u8], pieces: u32, gap: Duration) -> Vec<Item> {
    let pieces = usize::try_from(pieces).unwrap_or(usize::MAX).min(bytes.len()).max(1);
    let mut items = Vec::new();
    let mut rest = bytes;
    for left in (1..=pieces).rev() {
        let (piece, behind) = rest.split_at(rest.len().div_ceil(left));
        rest = behind;
        items.push(Item::Bytes(piece.to_vec()));
        if left > 1 {
            items.push(Item::Gap(gap));
        }
    }
    items
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_even_and_none_is_empty() {
        for (length, pieces, expected) in [(10, 3, "4 3 3"), (3, 5, "1 1 1"), (304, 2, "152 152")] {
            let items = split(&std::vec![0; length], pieces, Duration::ZERO);
            let lengths: Vec<_> = items
                .iter()
                .filter_map(
                    |item| if let Item::Bytes(bytes) = item { Some(std::format!("{}", bytes.len())) } else { None },
                )
                .collect();
            assert_eq!(lengths.join(" "), expected);
        }
    }
}
