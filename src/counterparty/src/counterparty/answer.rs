//! How a request is answered, or not.

use alloc::sync::Arc;
use alloc::vec::Vec;

use pabal_clock::Now;
use pabal_spec::{Effect, ExchangeRule, ExchangeRuleId};
use pabal_telegram::{Decimal, Side, Slice};

use super::send::{AS_IT_SHOULD, Delivery, Shape, What};
use super::{Counterparty, Job};
use crate::chance::Chance;
use crate::fill::{Counters, Ingredients, apply, compute, spoil};
use crate::key::Key;
use crate::ledger::{Notice, Request};
use crate::output::{Connection, Event};
use crate::scenario::{Codes, Deed, Misdeed, OriginalState, Reply, Start};

/// A request, as far as it has been understood.
pub(super) struct Asked<'f> {
    pub(super) connection: Connection,
    pub(super) frame: &'f [u8],
    pub(super) key: Key,
    pub(super) exchange: ExchangeRuleId,
    /// Whether it asks for a notice; its number is not the gateway's then, and the ledger keeps it apart.
    pub(super) for_notice: bool,
    /// How often its key has come, this time included.
    pub(super) times: u32,
}

/// What a request is about, if it is about anything that the ledger knows.
pub(super) struct About {
    /// Of an inquiry: the request that it asks about.
    pub(super) original: Option<Request>,
    pub(super) state: OriginalState,
    /// Of a request for a notice: that notice.
    pub(super) notice: Option<Notice>,
}

const NOTHING: About = About { original: None, state: OriginalState::Missing, notice: None };

impl Asked<'_> {
    /// The answer to it.
    fn answer(&self, telegram: Vec<u8>, conduct: &'static str) -> Delivery {
        let key = self.key.clone();
        let what = if self.for_notice { What::GapAnswer(key) } else { What::Answer(key) };
        Delivery { what, telegram, came_by: Some(self.connection), shape: Shape::Whole, conduct }
    }
}

impl Counterparty {
    /// Whether a reply is the one; counts the requests that its conditions have met.
    pub(super) fn suits(&mut self, at: usize, reply: &Reply, asked: &Asked<'_>, about: &About, now: Now) -> bool {
        let time = self.since_change(now);
        let holds = reply.exchange == asked.exchange
            && reply.original.is_none_or(|wanted| wanted == about.state)
            && reply.issued.is_none_or(|wanted| wanted == about.notice.is_some())
            && reply.between.is_none_or(|(from, to)| from <= time && time < to)
            && reply.matches.iter().all(|condition| condition.holds(asked.frame));
        let Some(met) = self.met.get_mut(at).filter(|_| holds) else { return false };
        *met += 1;
        *met > reply.skip && reply.first.is_none_or(|first| *met - reply.skip <= first)
    }

    /// What the ledger knows of what a request is about.
    pub(super) fn about(&self, rule: &ExchangeRule, asked: &Asked<'_>) -> About {
        let original = self.original(rule, asked.frame);
        let state =
            original.as_ref().map_or(OriginalState::Missing, |original| match (original.executed, &original.answer) {
                (0, None) => OriginalState::Missing,
                (0, Some(_)) => OriginalState::NotExecuted,
                (_, _) => OriginalState::Executed,
            });
        let notice = if asked.for_notice { self.ledger.notice(&asked.key).cloned() } else { None };
        About { original, state, notice }
    }

    /// What the ledger knows of the request that an inquiry is about: the one whose key it names.
    fn original(&self, rule: &ExchangeRule, frame: &[u8]) -> Option<Request> {
        let settles = rule.settles.as_ref()?;
        let name = self.exchange_names.get(usize::from(settles.original.0))?;
        // The original's key is where the inquiry says it, else in the same place as its own.
        let said = |at| settles.fill.iter().find(|fill| fill.from == at).map_or(at, |fill| fill.to);
        let key: Vec<_> = self.protocol.rules.key.iter().map(|at| said(*at)).collect();
        let request = self.ledger.request(&Key::of(frame, &key)?)?;
        (request.exchange == *name).then(|| request.clone())
    }

    pub(super) fn execute(&mut self, asked: &Asked<'_>, amount: Option<Decimal>) {
        let money = self.moves_money(asked);
        self.ledger.execute(&asked.key, amount, money);
        self.tell(Event::Executed { key: asked.key.clone() });
    }

    /// A request that would have moved money does not.
    pub(super) fn refuse(&mut self, asked: &Asked<'_>) {
        let money = self.moves_money(asked);
        self.ledger.tally(asked.frame).refused += u64::from(money);
    }

    pub(super) fn moves_money(&self, asked: &Asked<'_>) -> bool {
        let rule = self.protocol.rules.exchanges.get(usize::from(asked.exchange.0));
        rule.is_some_and(|rule| rule.effect == Effect::Money)
    }

    /// Answers with a code that no reply chose.
    pub(super) fn answer_code(&mut self, asked: &Asked<'_>, codes: &Codes, conduct: &'static str, now: Now) {
        let scenario = Arc::clone(&self.scenario);
        let Some(recipe) = scenario.plain.get(usize::from(asked.exchange.0)) else { return };
        let mut telegram = recipe.make(self.ingredients(asked, &NOTHING, now), &mut self.counters);
        self.put_code(&mut telegram, codes, asked.frame);
        compute(&self.protocol, Side::Answerer, &mut telegram, &recipe.said);
        if asked.times == 1
            && let Some(request) = self.request_of(asked)
        {
            request.answer = Some(telegram.as_slice().into());
        }
        self.deliver(asked.answer(telegram, conduct), now);
    }

    fn put_code(&self, telegram: &mut [u8], codes: &Codes, request: &[u8]) {
        let participant = self.protocol.rules.participant.as_ref().and_then(|(_, at)| at.of(request));
        let code = codes.of(participant.unwrap_or_default());
        if let Some(place) = telegram.get_mut(self.protocol.rules.response_code.range()) {
            place.copy_from_slice(code);
        }
    }

    /// The ledger's line of a request; `None` of one for a notice.
    fn request_of(&mut self, asked: &Asked<'_>) -> Option<&mut Request> {
        if asked.for_notice { None } else { self.ledger.request_mut(&asked.key) }
    }

    fn ingredients<'a>(&self, asked: &Asked<'a>, about: &'a About, now: Now) -> Ingredients<'a> {
        let original = about.original.as_ref();
        Ingredients {
            request: asked.frame,
            original: original.map_or(&[], |original| &original.telegram),
            original_answer: original.and_then(|original| original.answer.as_deref()).unwrap_or_default(),
            notice: about.notice.as_ref().map_or(&[], |notice| &notice.telegram),
            civil: self.protocol.day.civil(now.wall),
            send_count: 1,
        }
    }

    pub(super) fn reply(&mut self, asked: &Asked<'_>, reply: &Reply, about: &About, now: Now) {
        let mut chance = Chance::about(self.seed, asked.key.bytes(), u64::from(asked.times));
        let misdeed = reply.conduct.choose(&mut chance);
        let with = self.ingredients(asked, about, now);
        let mut telegram = reply.recipe.make(with, &mut self.counters);
        self.put_code(&mut telegram, &reply.response_code, asked.frame);
        compute(&self.protocol, Side::Answerer, &mut telegram, &reply.recipe.said);
        let mut executes = misdeed.and_then(|misdeed| misdeed.executes).unwrap_or(reply.executes);
        if let Some(Deed::Refuse(codes) | Deed::RelayFirst { refuses: Some(codes), .. }) =
            misdeed.map(|misdeed| &misdeed.deed)
        {
            executes = false;
            telegram = self.plain(asked, codes, with);
        }
        // A misdeed that keeps it from being executed lost it on its way in: the institution knows nothing of it.
        let lost = misdeed.is_some_and(|misdeed| misdeed.executes == Some(false));
        if let Some(request) = self.request_of(asked) {
            request.reply = Some(reply.name.clone());
            request.answer = (!lost).then(|| telegram.as_slice().into());
        }
        if executes {
            let amount = reply.amount.as_ref().and_then(|field| field.value(asked.frame, Side::Asker).ok()?.number());
            self.execute(asked, amount);
            self.open_business(asked, now);
            self.start_on(&Start::Executed(reply.name.clone()), asked.frame, now);
        } else if !lost {
            self.refuse(asked);
        }
        if reply.closes_business {
            let per = self.per(asked.frame);
            self.ledger.close_business(&per);
        }
        let delay = chance.between(reply.delay.0, reply.delay.1);
        match misdeed.map(|misdeed| (&misdeed.deed, misdeed.word)) {
            Some((Deed::Alter { sets, also }, word)) => {
                let mut altered = telegram.clone();
                apply(sets, &mut altered, with, &mut self.counters);
                let said: Vec<Slice> = reply.recipe.said.iter().copied().chain(sets.iter().map(|set| set.at)).collect();
                compute(&self.protocol, Side::Answerer, &mut altered, &said);
                if *also {
                    self.put_off(asked.answer(telegram, AS_IT_SHOULD), delay, now);
                }
                self.put_off(asked.answer(altered, word), delay, now);
            }
            Some((Deed::RelayFirst { response_code, after, .. }, word)) => {
                let first = self.plain(asked, response_code, with);
                self.put_off(asked.answer(first, word), delay, now);
                let after = delay.saturating_add(chance.between(after.0, after.1));
                self.put_off(asked.answer(telegram, AS_IT_SHOULD), after, now);
            }
            Some((Deed::FreshNotice { also }, word)) => {
                if *also {
                    self.put_off(asked.answer(telegram, AS_IT_SHOULD), delay, now);
                }
                if let Some(notice) = &about.notice {
                    self.send_again(asked.key.clone(), notice, word, delay, now);
                }
            }
            _ => {
                let delivery = asked.answer(telegram, AS_IT_SHOULD);
                self.deliver_with(delivery, misdeed, &mut chance, delay, now);
            }
        }
        self.start_on(&Start::Reply(reply.name.clone()), asked.frame, now);
    }

    /// An answer that says a code, and nothing that only a success says.
    fn plain(&self, asked: &Asked<'_>, codes: &Codes, with: Ingredients<'_>) -> Vec<u8> {
        let recipe = self.scenario.plain.get(usize::from(asked.exchange.0));
        let mut telegram = recipe.map_or_else(Vec::new, |plain| plain.make(with, &mut Counters::default()));
        self.put_code(&mut telegram, codes, asked.frame);
        compute(&self.protocol, Side::Answerer, &mut telegram, recipe.map_or(&[], |plain| &plain.said));
        telegram
    }

    /// Delivers a telegram, or whatever a misdeed makes of it.
    pub(super) fn deliver_with(
        &mut self,
        mut delivery: Delivery,
        misdeed: Option<&Misdeed>,
        chance: &mut Chance,
        mut delay: core::time::Duration,
        now: Now,
    ) {
        if let Some(misdeed) = misdeed {
            delivery.conduct = misdeed.word;
            delivery.shape = match &misdeed.deed {
                Deed::Silence => {
                    self.withhold(delivery);
                    return;
                }
                Deed::Late(shortest, longest) => {
                    delay = delay.saturating_add(chance.between(*shortest, *longest));
                    Shape::Whole
                }
                Deed::Duplicate { times, gap } => Shape::Duplicate { times: *times, gap: *gap },
                Deed::Split { pieces, gap } => Shape::Split { pieces: *pieces, gap: *gap },
                Deed::Garbage { bytes: 0, given } => Shape::Garbage(given.clone()),
                Deed::Garbage { bytes, .. } => {
                    Shape::Garbage((0..*bytes).map(|_| chance.next().to_le_bytes()[0]).collect())
                }
                Deed::WrongLength { by } => Shape::WrongLength { by: *by },
                Deed::WrongKey { also } => {
                    let right = delivery.clone();
                    self.change_number(&mut delivery.telegram);
                    compute(&self.protocol, delivery.what.side(), &mut delivery.telegram, &[]);
                    if *also {
                        self.put_off(Delivery { conduct: AS_IT_SHOULD, ..right }, delay, now);
                    }
                    Shape::Whole
                }
                Deed::WrongChecksum { also } => {
                    let right = delivery.clone();
                    spoil(&self.protocol, delivery.what.side(), &mut delivery.telegram);
                    if *also {
                        self.put_off(Delivery { conduct: AS_IT_SHOULD, ..right }, delay, now);
                    }
                    Shape::Whole
                }
                Deed::Stall { after } => {
                    Shape::Stall { after: after.map(|(shortest, longest)| chance.between(shortest, longest)) }
                }
                Deed::Cut(cut) => Shape::Cut(*cut),
                // Whoever makes the telegram has seen to these, and sessions do the last.
                Deed::Refuse(_)
                | Deed::Alter { .. }
                | Deed::RelayFirst { .. }
                | Deed::FreshNotice { .. }
                | Deed::Skip { .. }
                | Deed::Repeat { .. }
                | Deed::Die { .. } => Shape::Whole,
            };
        }
        self.put_off(delivery, delay, now);
    }

    /// It is not sent, on purpose.
    fn withhold(&mut self, delivery: Delivery) {
        let conduct = delivery.conduct;
        match delivery.what {
            What::Answer(key) | What::GapAnswer(key) => self.tell(Event::Unanswered { key, conduct }),
            What::Notice(run, key) => {
                let first = self.ledger.notice(&key).is_some_and(|notice| notice.sent == 0);
                self.ledger.tally(&delivery.telegram).withheld += u64::from(first);
                self.tell(Event::Withheld { key, notice: run.name, conduct });
            }
            What::PollAnswer | What::SignAnswer { .. } => {}
        }
    }

    pub(super) fn put_off(&mut self, delivery: Delivery, delay: core::time::Duration, now: Now) {
        if delay.is_zero() {
            self.deliver(delivery, now);
        } else {
            self.schedule(Job::Deliver(delivery), now.mono + delay);
        }
    }

    /// Another number than the one that was asked with: each digit becomes what it lacks to nine.
    fn change_number(&self, telegram: &mut [u8]) {
        for digit in telegram.get_mut(self.protocol.rules.number.at.range()).unwrap_or_default() {
            *digit = if digit.is_ascii_digit() { b'0' + b'9' - *digit } else { *digit ^ 1 };
        }
    }
}
