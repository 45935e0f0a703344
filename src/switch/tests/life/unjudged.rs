//! Controls that another version of the spec cannot judge: what is blocked does not go through in silence.

use std::sync::Arc;

use pabal_spec::Institution;
use pabal_switch::control::{ControlId, FieldScope};
use pabal_switch::{Command, Event, Refusal, SessionState, VersionRefused};

use crate::control::{block, command, control};
use crate::hands::{Hands, OUT, version};
use crate::peer;

/// The field `memo` of transfers has another name; that of collections has not.
fn renamed() -> Arc<Institution> {
    version(&[("  memo ", "  note ")], &[])
}

const MEMO: (usize, usize) = (199, 213);

/// Asks for a transfer with this memo.
fn ask(hands: &mut Hands, bank: &str, memo: &str) -> Result<(), Refusal> {
    let mut telegram = peer::transfer(bank, "110111222333", 5);
    peer::put(&mut telegram, MEMO, &format!("{memo:<14}"));
    hands.try_open(hands.request(telegram)).map(drop)
}

fn block_memo(hands: &mut Hands) {
    let mut memo = control("rent", &[], &[]);
    memo.scope.fields = vec![FieldScope::parse("memo", "RENT")];
    block(hands, memo).unwrap();
    assert_eq!((ask(hands, "088", "RENT"), ask(hands, "088", "BOOKS")), (Err(Refusal::Blocked), Ok(())));
}

fn unblock(hands: &mut Hands, id: &str) {
    command(hands, Command::Unblock { id: ControlId::parse(id).unwrap() }).unwrap();
}

fn told(hands: &Hands) -> Vec<(String, String)> {
    let told = hands.events.iter().filter_map(|event| match event {
        Event::ControlUnjudged { control, reason } => Some((control.to_string(), reason.to_string())),
        _ => None,
    });
    told.collect()
}

#[test]
fn a_version_in_which_a_control_would_mean_less_is_refused_until_the_control_is_lifted() {
    let mut hands = Hands::open();
    block_memo(&mut hands);
    // Collections have the field still: the control would mean those, and no transfer.
    let refused = hands.core.set_institution(renamed(), hands.now).unwrap_err();
    let text = refused.to_string();
    for part in ["`rent`", "`transfer`", "`memo`", "lift"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(matches!(refused, VersionRefused::Control { control, .. } if control.as_str() == "rent"));
    hands.turn();
    assert!(hands.core.status().sessions.iter().all(|session| session.state == SessionState::Up));
    assert_eq!((ask(&mut hands, "088", "RENT"), ask(&mut hands, "004", "BOOKS")), (Err(Refusal::Blocked), Ok(())));
    // What the control does not look at may change.
    hands.reload(version(&[("\"적요\"", "\"기재내용\"")], &[]));
    assert_eq!(ask(&mut hands, "088", "RENT"), Err(Refusal::Blocked));
    unblock(&mut hands, "rent");
    hands.reload(renamed());
    assert_eq!(ask(&mut hands, "088", "RENT"), Ok(()));
}

#[test]
fn a_version_without_the_exchange_or_in_which_the_value_does_not_fit_is_refused_too() {
    let mut hands = Hands::open();
    block(&mut hands, control("books", &["balance"], &[])).unwrap();
    let refused = hands.core.set_institution(version(&[("exchange balance ", "exchange balances ")], &[]), hands.now);
    let text = refused.unwrap_err().to_string();
    assert!(text.contains("`books`") && text.contains("`balance`"), "{text}");
    unblock(&mut hands, "books");
    let mut waiver = control("waiver", &["transfer"], &[]);
    waiver.scope.fields = vec![FieldScope::parse("fee_waiver_yn", "Y")];
    block(&mut hands, waiver).unwrap();
    let digit = version(&[("fee_waiver_yn                X(1) ", "fee_waiver_yn                9(1) ")], &[]);
    let text = hands.core.set_institution(digit, hands.now).unwrap_err().to_string();
    assert!(text.contains("`waiver`") && text.contains("another field `fee_waiver_yn`"), "{text}");
}

/// A control that is over hinders nobody.
#[test]
fn a_control_that_is_over_refuses_no_version() {
    let mut hands = Hands::open();
    let mut memo = control("rent", &[], &[]);
    memo.scope.fields = vec![FieldScope::parse("memo", "RENT")];
    memo.window.until = Some(pabal_clock::Wall::from_unix_micros(hands.now.wall.as_unix_micros() + 1_000_000));
    block(&mut hands, memo).unwrap();
    assert!(hands.core.set_institution(renamed(), hands.now).is_err());
    hands.after_secs(2);
    hands.reload(renamed());
}

#[test]
fn at_a_start_a_control_that_cannot_be_judged_blocks_all_that_it_may_mean() {
    let mut hands = Hands::open();
    block_memo(&mut hands);
    let old = Arc::clone(&hands.institution);
    let mut hands = hands.restart_with(vec![renamed(), old]);
    hands.after_secs(21);
    hands.connect_pair();
    let told = told(&hands);
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].0 == "rent" && told[0].1.contains("`transfer`") && told[0].1.contains("`memo`"), "{told:?}");
    assert_eq!(ask(&mut hands, "088", "BOOKS"), Err(Refusal::Blocked), "nobody can say what it would have meant");
    let shown = hands.core.status().controls;
    assert_eq!(shown[0].unjudged.as_deref(), Some(&*told[0].1));
    let mut balance = hands.request(peer::transfer("088", "1", 5));
    balance.plan = hands.plan("balance");
    assert!(hands.try_open(balance).is_ok(), "it never had the field");
    // It is still so after an image, which the test's hands make at each step; until the control is put there by the new name.
    let mut note = control("rent", &[], &[]);
    note.scope.fields = vec![FieldScope::parse("note", "RENT")];
    block(&mut hands, note).unwrap();
    assert_eq!((ask(&mut hands, "088", "RENT"), ask(&mut hands, "088", "BOOKS")), (Err(Refusal::Blocked), Ok(())));
    assert_eq!(hands.core.status().controls[0].unjudged, None);
    unblock(&mut hands, "rent");
    assert_eq!(ask(&mut hands, "004", "RENT"), Ok(()));
}

/// A table that has to come at once does not wait until somebody lifts a control that blocks all that it may mean already.
#[test]
fn a_version_that_judges_no_less_than_the_one_in_force_is_taken_though_a_control_cannot_be_judged() {
    let mut hands = Hands::open();
    block_memo(&mut hands);
    let old = Arc::clone(&hands.institution);
    let mut hands = hands.restart_with(vec![renamed(), old]);
    hands.after_secs(21);
    hands.connect_pair();
    let labels = [("  memo ", "  note "), ("\"적요\"", "\"기재내용\"")];
    hands.reload(version(&labels, &[]));
    assert_eq!(ask(&mut hands, "088", "BOOKS"), Err(Refusal::Blocked), "it blocks as before");
    assert!(hands.core.status().controls[0].unjudged.is_some());
    // Less of it may not become judged, and no other control may become one that cannot.
    let neither = version(&[("  memo ", "  note "), ("  memo ", "  note ")], &[]);
    let text = hands.core.set_institution(neither, hands.now).unwrap_err().to_string();
    assert!(text.contains("`rent`"), "{text}");
    block(&mut hands, control("books", &["balance"], &[])).unwrap();
    let gone = version(&[("  memo ", "  note "), ("exchange balance ", "exchange balances ")], &[]);
    let text = hands.core.set_institution(gone, hands.now).unwrap_err().to_string();
    assert!(text.contains("`books`"), "{text}");
    // By the version that has the name again it is judged again.
    hands.reload(version(&[("\"적요\"", "\"기재내용\"")], &[]));
    assert_eq!((ask(&mut hands, "088", "RENT"), ask(&mut hands, "088", "BOOKS")), (Err(Refusal::Blocked), Ok(())));
    assert_eq!(hands.core.status().controls[0].unjudged, None);
}

#[test]
fn at_a_start_without_the_exchange_what_can_still_be_judged_limits_the_control() {
    let mut hands = Hands::open();
    block(&mut hands, control("books", &["balance"], &["088"])).unwrap();
    assert_eq!(ask(&mut hands, "088", "A"), Ok(()));
    let mut hands = hands.restart_with(vec![version(&[("exchange balance ", "exchange balances ")], &[])]);
    hands.after_secs(21);
    hands.connect_pair();
    assert_eq!((ask(&mut hands, "088", "A"), ask(&mut hands, "004", "A")), (Err(Refusal::Blocked), Ok(())));
    assert_eq!(told(&hands).len(), 1);
}

/// A request of an older version cannot be looked at by the new name: it does not leave either.
#[test]
fn what_waits_since_an_older_version_is_blocked_by_a_control_of_the_new_one() {
    let mut hands = Hands::open();
    hands.transfer();
    hands.transfer();
    let mut telegram = peer::transfer("088", "110111222333", 5);
    peer::put(&mut telegram, MEMO, &format!("{:<14}", "RENT"));
    let open = hands.request(telegram);
    let waits = hands.call(open);
    hands.take_frames(OUT);
    hands.reload(renamed());
    let mut note = control("rent", &[], &[]);
    note.scope.fields = vec![FieldScope::parse("note", "RENT")];
    block(&mut hands, note).unwrap();
    assert_eq!(hands.told(waits), ["error BLOCKED"]);
}

/// Earlier versions of ours took it, and blocked nothing by it: the text of an amount begins with zeros.
#[test]
fn a_range_that_was_blocked_as_beginnings_of_a_number_is_not_judged_at_a_start() {
    let older = r#""between":{"from":"100","to":"999"}"#;
    for read_in in [r#""read_in":["transfer"]"#, r#""read_in":[]"#] {
        let mut hands = Hands::open();
        let mut amounts = control("amounts", &["transfer"], &[]);
        amounts.scope.fields = vec![FieldScope::parse("debit_amt", "100 to 999")];
        block(&mut hands, amounts).unwrap();
        assert_eq!(hands.core.status().controls[0].unjudged, None);
        let written = hands.journal.iter_mut().rev().find(|(kind, _)| kind.contains("command")).unwrap();
        let text = String::from_utf8(written.1.clone()).unwrap();
        let now = r#""numbers":{"from":"100","to":"999"}"#;
        assert!(text.contains(now) && text.contains(r#""read_in":["transfer"]"#), "{text}");
        written.1 = text.replace(now, older).replace(r#""read_in":["transfer"]"#, read_in).into_bytes();
        let mut hands = hands.restart();
        hands.after_secs(21);
        hands.connect_pair();
        let told = told(&hands);
        assert!(told.len() == 1 && told[0].1.contains("`debit_amt`: it is a number"), "{told:?}");
        assert_eq!(ask(&mut hands, "088", "BOOKS"), Err(Refusal::Blocked), "{read_in}");
    }
}
