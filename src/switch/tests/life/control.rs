//! Controls: what is blocked is refused at admission and before it leaves, and nothing else is.

use pabal_clock::{Hours, Wall};
use pabal_switch::control::{Control, ControlId, FieldScope, Scope, Standing, Window};
use pabal_switch::{By, Bytes, Command, ControlStatus, ExchangeState, Opened, OpeningState, Over, Rate, Refusal};

use crate::hands::{Hands, OUT, settings};
use crate::peer;

pub(crate) fn control(id: &str, exchanges: &[&str], participants: &[&str]) -> Control {
    let names = |names: &[&str]| names.iter().map(|name| (*name).into()).collect();
    let scope = Scope { exchanges: names(exchanges), participants: names(participants), fields: Vec::new() };
    let id = ControlId::parse(id).unwrap();
    Control { id, scope, window: Window::default(), message: "점검 중입니다".into() }
}

fn standing(control: Control) -> Standing {
    Standing { control, by: By { actor: "".into(), reason: "drill".into() }, since: None, read_in: Vec::new() }
}

pub(crate) fn block(hands: &mut Hands, control: Control) -> Result<(), String> {
    command(hands, Command::Block { control })
}

fn unblock(hands: &mut Hands, id: &str) -> Result<(), String> {
    command(hands, Command::Unblock { id: ControlId::parse(id).unwrap() })
}

pub(crate) fn command(hands: &mut Hands, command: Command) -> Result<(), String> {
    let by = By { actor: "kim".into(), reason: "the bank asks for it".into() };
    let done = hands.core.command(command, by, hands.now).map(drop).map_err(|refused| refused.to_string());
    hands.turn();
    done
}

fn open(hands: &mut Hands, bank: &str) -> Result<(), (Refusal, String)> {
    let open = hands.request(peer::transfer(bank, "110111222333", 5));
    let opened = hands.core.open(open, hands.now).map(drop);
    hands.turn();
    opened
}

#[test]
fn a_control_says_whether_it_blocks_everything_and_whether_it_holds_now() {
    let mut hands = Hands::open();
    // It is a Saturday, 10:00.
    let mut morning = control("morning", &[], &[]);
    morning.window.hours = vec![Hours::parse("saturday 09:30 to 10:30").unwrap()];
    let mut account = control("account", &[], &[]);
    account.scope.fields = vec![FieldScope::parse("debit_account", "110111222333")];
    for one in [morning, account, control("bank", &[], &["088"]), control("transfers", &["transfer"], &[])] {
        block(&mut hands, one).unwrap();
    }
    let told = |hands: &Hands| {
        let controls = hands.core.status().controls.into_iter();
        let one = |one: ControlStatus| {
            let Standing { control, .. } = one.standing;
            (control.id.to_string(), one.is_whole, hands.core.control_holds(&control, hands.now))
        };
        controls.map(one).collect::<Vec<_>>()
    };
    let expected = |morning: bool| {
        let one = |(id, is_whole, holds): (&str, bool, bool)| (id.to_owned(), is_whole, holds);
        let all =
            [("account", false, true), ("bank", false, true), ("morning", true, morning), ("transfers", false, true)];
        all.map(one)
    };
    assert_eq!(told(&hands), expected(true));
    hands.after_secs(30 * 60);
    assert_eq!(told(&hands), expected(false));
}

#[test]
fn what_is_blocked_is_refused_with_the_message_and_until_when_and_never_with_the_reason() {
    let mut settings = settings();
    let mut at_night = control("night", &["transfer"], &["088"]);
    // It is a Saturday, 10:00.
    at_night.window.hours = vec![Hours::parse("saturday 09:30 to 10:30").unwrap()];
    settings.controls = vec![standing(at_night)];
    let mut hands = Hands::open_with(settings);
    let text =
        "`transfer` with `088` is blocked by control `night`: 점검 중입니다; it is taken from 2026-11-21 10:30:00 on";
    let before = hands.journal.len();
    assert_eq!(open(&mut hands, "088"), Err((Refusal::Blocked, text.to_owned())));
    assert_eq!(hands.journal.len(), before, "nothing is journaled of what is refused at once");
    assert_eq!(open(&mut hands, "004"), Ok(()), "the other bank is not meant");
    hands.after_secs(30 * 60);
    assert_eq!(open(&mut hands, "088"), Ok(()));
}

#[test]
fn what_waits_is_refused_at_once_when_it_is_blocked_and_what_has_left_goes_on() {
    let mut hands = Hands::open();
    let first = hands.transfer();
    hands.transfer();
    let waits = hands.transfer();
    let frames = hands.take_frames(OUT);
    assert_eq!(hands.core.exchange(waits).unwrap().state, ExchangeState::Waiting);
    block(&mut hands, control("stop", &["transfer"], &[])).unwrap();
    assert_eq!(hands.told(waits), ["error BLOCKED"]);
    hands.receive(&peer::answer(&frames[0], "0000"));
    assert_eq!(hands.told(first), ["SUCCESS ANSWERED"]);
    assert_eq!(hands.take_frames(OUT).len(), 0);
    unblock(&mut hands, "stop").unwrap();
    assert_eq!(open(&mut hands, "088"), Ok(()));
}

#[test]
fn a_window_that_begins_while_a_request_waits_holds_as_it_would_leave() {
    let mut settings = settings();
    let mut soon = control("soon", &[], &[]);
    soon.window.from = Some(Wall::from_unix_seconds(1_795_222_800 + 5));
    settings.controls = vec![standing(soon)];
    let mut hands = Hands::open_with(settings);
    hands.transfer();
    hands.transfer();
    let waits = hands.transfer();
    let frames = hands.take_frames(OUT);
    hands.after_secs(5);
    hands.receive(&peer::answer(&frames[0], "0000"));
    assert_eq!(hands.told(waits), ["error BLOCKED"]);
    assert_eq!(hands.take_frames(OUT).len(), 0);
}

#[test]
fn a_field_is_read_from_the_request() {
    let mut settings = settings();
    let mut accounts = control("accounts", &[], &[]);
    accounts.scope.fields = vec![FieldScope::parse("debit_account", "110 to 112")];
    settings.controls = vec![standing(accounts)];
    let mut hands = Hands::open_with(settings);
    assert_eq!(open(&mut hands, "088").unwrap_err().0, Refusal::Blocked);
    let other = hands.request(peer::transfer("088", "210111222333", 5));
    hands.call(other);
}

#[test]
fn a_range_of_amounts_blocks_those_amounts() {
    let mut hands = Hands::open();
    let mut amounts = control("amounts", &["transfer"], &[]);
    amounts.scope.fields = vec![FieldScope::parse("debit_amt", "100 to 999")];
    block(&mut hands, amounts.clone()).unwrap();
    for (amount, is_blocked) in [(99, false), (100, true), (500, true), (999, true), (1_000, false)] {
        let open = hands.request(peer::transfer("088", "110111222333", amount));
        assert_eq!(hands.try_open(open).is_err_and(|refusal| refusal == Refusal::Blocked), is_blocked, "{amount}");
    }
    // In a trust the amount is text.
    amounts.scope.exchanges.clear();
    let why = block(&mut hands, amounts).unwrap_err();
    assert!(why.contains("text in those of `trust`") && why.contains("name the exchanges"), "{why}");
}

/// A block of everything stops business, and neither what resolves an UNKNOWN nor what keeps business open.
#[test]
fn a_block_of_everything_stops_no_inquiry_and_no_opening() {
    let mut hands = Hands::open();
    let id = hands.transfer();
    let transfer = hands.take_frame();
    block(&mut hands, control("all", &[], &[])).unwrap();
    assert_eq!(open(&mut hands, "088").unwrap_err().0, Refusal::Blocked);
    hands.after_secs(30);
    assert_eq!(hands.told(id), ["UNKNOWN NO_ANSWER"]);
    // The spec's schedule asks five minutes later.
    hands.after_secs(5 * 60);
    let inquiry = hands.take_frame();
    assert_eq!(peer::at(&inquiry, peer::MESSAGE_TYPE), "7000");
    hands.receive(&peer::result(&inquiry, &transfer, "0000", "0000", "0000000010000"));
    assert_eq!(hands.told(id), ["UNKNOWN NO_ANSWER", "SUCCESS INQUIRY"]);
    // The next day is opened as any other; as soon as the block is gone there is business.
    hands.now.wall = Wall::from_unix_seconds(1_795_273_200 + 3_600);
    hands.core.handle_timeout(hands.now);
    hands.turn();
    assert!(hands.core.status().openings.iter().all(|opening| opening.state == OpeningState::Open));
    assert_eq!(open(&mut hands, "088").unwrap_err().0, Refusal::Blocked);
}

#[test]
fn a_block_that_names_the_inquiry_stops_it_and_it_is_asked_when_that_is_over() {
    let mut hands = Hands::open();
    let id = hands.transfer();
    hands.take_frame();
    let mut named = control("no-questions", &["transfer_result"], &[]);
    // Until two minutes behind the first inquiry.
    named.window.until = Some(Wall::from_unix_seconds(1_795_222_800 + 30 + 7 * 60));
    block(&mut hands, named).unwrap();
    hands.after_secs(30);
    assert_eq!(hands.inquire(id), Err(Refusal::Blocked));
    hands.after_secs(6 * 60);
    assert_eq!(hands.take_frames(OUT).len(), 0);
    hands.after_secs(5 * 60);
    assert_eq!(peer::at(&hands.take_frame(), peer::MESSAGE_TYPE), "7000");
}

#[test]
fn a_known_key_is_answered_from_its_exchange_whatever_has_come_since() {
    let mut hands = Hands::open();
    let mut open = hands.request(peer::transfer("088", "110111222333", 5));
    open.idempotency_key = Some("order-1".into());
    let id = hands.call(open.clone());
    hands.take_frame();
    hands.after_secs(30);
    assert_eq!(hands.told(id), ["UNKNOWN NO_ANSWER"]);
    let mut times = 1;
    let mut again = |hands: &mut Hands, what: &str| {
        let mut open = open.clone();
        open.deadline = hands.now.mono + std::time::Duration::from_secs(60);
        assert_eq!(hands.try_open(open), Ok(Opened::Known(id)), "{what}");
        times += 1;
        assert_eq!(hands.told(id), vec!["UNKNOWN NO_ANSWER"; times], "{what}");
    };
    again(&mut hands, "as it was");
    // Neither is it asked whether its deadline is long enough.
    let short = pabal_switch::Open {
        accepts_early_unknown: false,
        deadline: hands.now.mono + std::time::Duration::from_secs(1),
        ..open.clone()
    };
    assert_eq!(hands.try_open(short), Ok(Opened::Known(id)));
    hands.reports.get_mut(&id).unwrap().pop();
    // The queue is full of others.
    for _ in 0..4 {
        hands.transfer();
    }
    assert_eq!(hands.try_open(hands.request(peer::transfer("088", "9", 5))), Err(Refusal::QueueFull));
    again(&mut hands, "the queue is full");
    block(&mut hands, control("all", &[], &[])).unwrap();
    assert_eq!(hands.try_open(hands.request(peer::transfer("088", "9", 5))), Err(Refusal::Blocked));
    again(&mut hands, "blocked");
    hands.core.drain(hands.now.mono + std::time::Duration::from_secs(600), hands.now);
    hands.turn();
    assert_eq!(hands.try_open(hands.request(peer::transfer("088", "9", 5))), Err(Refusal::Draining));
    again(&mut hands, "draining");
    let mut hands = hands.restart();
    assert_eq!(hands.core.controls().count(), 1);
    let open = pabal_switch::Open { deadline: hands.now.mono + std::time::Duration::from_secs(60), ..open };
    assert_eq!(hands.try_open(open), Ok(Opened::Known(id)), "in the next process");
    assert_eq!(hands.told(id).last().map(String::as_str), Some("UNKNOWN NO_ANSWER"));
}

#[test]
fn a_control_that_can_mean_nothing_or_is_there_already_is_refused_with_what_to_do() {
    let mut settings = settings();
    settings.controls = vec![standing(control("standing", &["transfer"], &["004"]))];
    let mut hands = Hands::open_with(settings);
    assert!(block(&mut hands, control("typo", &["transfr"], &[])).unwrap_err().contains("did you mean `transfer`?"));
    assert!(block(&mut hands, control("standing", &[], &[])).unwrap_err().contains("stands in the configuration"));
    let mut over = control("over", &[], &[]);
    let now = hands.now.wall;
    (over.window.from, over.window.until) = (Some(now), Some(now));
    assert!(block(&mut hands, over.clone()).unwrap_err().contains("ends before it begins"));
    over.window.from = None;
    assert!(block(&mut hands, over).unwrap_err().contains("has ended already"), "it would be shown, and block nothing");
    let mut never = control("never", &[], &[]);
    never.window.hours = vec![Hours::parse("2025-11-21 09:00 to 18:00").unwrap()];
    let refused = block(&mut hands, never).unwrap_err();
    assert!(refused.contains("holds at no time from now on: 2025-11-21 09:00 to 18:00 is over"), "{refused}");
    assert!(unblock(&mut hands, "standing").unwrap_err().contains("configuration"));
    assert!(unblock(&mut hands, "none").unwrap_err().contains("no control `none`: there is none"));
    block(&mut hands, control("one", &[], &["088"])).unwrap();
    assert!(unblock(&mut hands, "none").unwrap_err().contains("there are: one"));
    let told: Vec<_> = hands.core.controls().map(|one| (one.control.id.as_str(), &*one.by.actor)).collect();
    assert_eq!(told, [("standing", ""), ("one", "kim")]);
}

#[test]
fn what_was_blocked_and_limited_holds_over_a_restart_and_by_a_checkpoint() {
    let mut hands = Hands::open();
    block(&mut hands, control("stop", &["transfer"], &["088"])).unwrap();
    block(&mut hands, control("gone", &[], &[])).unwrap();
    unblock(&mut hands, "gone").unwrap();
    let rate = Rate { per_second: Some(3), in_flight: None, over: Over::Refuse };
    let one = Bytes::from(&b"004"[..]);
    command(&mut hands, Command::Limit { compartment: one.clone(), rate: Some(rate) }).unwrap();
    let asks = |hands: &mut Hands| {
        let told: Vec<_> =
            hands.core.controls().map(|one| (one.control.id.to_string(), one.by.actor.to_string())).collect();
        assert_eq!(told, [("stop".to_owned(), "kim".to_owned())]);
        assert_eq!((hands.core.rate(&one), hands.core.rate(b"088")), (rate, Rate::default()));
        assert_eq!(hands.try_open(hands.request(peer::transfer("088", "1", 5))), Err(Refusal::Blocked));
    };
    asks(&mut hands);
    // By the entries, then by a checkpoint alone.
    let mut hands = hands.restart();
    hands.come_up();
    asks(&mut hands);
    let checkpoint = hands.core.checkpoint(hands.now);
    hands.journal = vec![("checkpoint".into(), checkpoint.encode(&|_| [0; 32]))];
    let mut hands = hands.restart();
    hands.come_up();
    asks(&mut hands);
    command(&mut hands, Command::Limit { compartment: one.clone(), rate: None }).unwrap();
    assert_eq!(hands.core.rate(&one), Rate::default());
    let none = Rate { per_second: Some(0), ..Rate::default() };
    let refused = command(&mut hands, Command::Limit { compartment: one, rate: Some(none) }).unwrap_err();
    assert!(refused.contains("block what shall not leave"), "{refused}");
}

#[test]
fn what_no_party_has_is_not_taken_for_done() {
    let mut hands = Hands::open_with(settings());
    let there = "there are: 004, 088";
    let blocked = block(&mut hands, control("nobody", &[], &["999"]));
    assert_eq!(blocked, Err(format!("business is opened with no participant \"999\"; {there}")));
    let (compartment, within) = (Bytes::from(&b"999"[..]), std::time::Duration::ZERO);
    let drained = command(&mut hands, Command::DrainCompartment { compartment: compartment.clone(), within });
    assert_eq!(drained, Err(format!("no compartment `999`; {there}")));
    let rate = Some(Rate { per_second: Some(1), ..Rate::default() });
    let limited = command(&mut hands, Command::Limit { compartment: compartment.clone(), rate });
    assert_eq!(limited, Err(format!("no compartment `999`; {there}")));
    let started = command(&mut hands, Command::StartCompartment { compartment: compartment.clone() });
    assert_eq!(
        started,
        Err(format!("no compartment `999`; {there}")),
        "nobody drained it: a slip of the pen opens nothing"
    );
    let unlimited = command(&mut hands, Command::Limit { compartment, rate: None });
    assert_eq!(unlimited, Err(format!("no compartment `999`; {there}")));
    // What an earlier configuration had can be taken away.
    let earlier = || Bytes::from(&b"004"[..]);
    command(&mut hands, Command::DrainCompartment { compartment: earlier(), within }).unwrap();
    command(&mut hands, Command::Limit { compartment: earlier(), rate }).unwrap();
    hands.settings.parties[0].participants = vec![b"088"[..].into()];
    let mut next = hands.restart();
    assert_eq!(command(&mut next, Command::StartCompartment { compartment: earlier() }), Ok(()));
    assert_eq!(command(&mut next, Command::Limit { compartment: earlier(), rate: None }), Ok(()));
}
