//! New versions of the spec come while sessions stay up.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use pabal_spec::{Institution, Source};
use pabal_switch::{Entry, ExchangeId, ExchangeState, NoticeState, Recovery, Refusal, SessionState};

use crate::command::slow_service;
use crate::given::gap;
use crate::hands::{Hands, OUT, settings, version};
use crate::peer;

#[test]
fn an_exchange_is_judged_by_the_version_it_began_with() {
    let mut hands = Hands::open();
    let open = hands.request(peer::transfer("004", "1", 5));
    let old = hands.call(open);
    let old_frame = hands.take_frame();
    hands.reload(version(&[], &[("004,,0116,refused", "004,,0116,in_progress")]));
    assert!(hands.core.status().sessions.iter().all(|session| session.state == SessionState::Up));
    let open = hands.request(peer::transfer("004", "1", 5));
    let new = hands.call(open);
    let new_frame = hands.take_frame();
    hands.receive(&peer::answer(&new_frame, "0116"));
    hands.receive(&peer::answer(&old_frame, "0116"));
    assert_eq!(hands.told(old), ["FAILURE REFUSED"]);
    assert_eq!(hands.told(new), ["UNKNOWN NOTHING_SAID"]);
    assert_eq!(hands.take_frames(OUT).len(), 0, "business stays open");
    hands.after_secs(3_600);
    hands.transfer();
}

#[test]
fn a_notice_is_known_again_by_another_version() {
    let mut hands = Hands::open();
    hands.receive(&peer::deposit(1, 50_000));
    hands.take_frame();
    hands.reload(version(&[], &[]));
    hands.receive(&peer::deposit(1, 50_000));
    assert_eq!(hands.delivered.len(), 2);
    assert_eq!(hands.delivered[0].0, hands.delivered[1].0);
    assert_eq!(hands.take_frames(OUT).len(), 1);
    let repeated =
        hands.entries().into_iter().filter(|entry| matches!(entry, Entry::NoticeReceived(one) if one.repeated));
    assert_eq!(repeated.count(), 1);
}

/// Hours behind a transfer, whose tombstone is gone: a reload now drops its plan, and the next one has its place.
fn without_plans() -> Hands {
    let mut hands = Hands::open();
    // A core that is made anew from an image keeps nothing that it could mix up.
    hands.swaps = false;
    hands.transfer();
    let frame = hands.take_frame();
    hands.receive(&peer::answer(&frame, "0000"));
    hands.after_secs(4_000);
    hands.take_frames(OUT);
    hands
}

/// Asks for a notice, of a date that is given.
fn ask_for_a_notice(hands: &mut Hands, number: u32) -> Vec<u8> {
    let mut telegram = gap(number);
    peer::put(&mut telegram, peer::SEND_DATE, "20261120");
    let mut open = hands.request(telegram);
    open.plan = hands.plan("deposit_gap");
    hands.call(open);
    hands.take_frame()
}

#[test]
fn what_is_stamped_behind_a_reload_is_what_its_own_exchange_asks_for() {
    let mut hands = without_plans();
    hands.transfer();
    let before = hands.take_frame();
    hands.receive(&peer::answer(&before, "0000"));
    ask_for_a_notice(&mut hands, 17);
    hands.reload(version(&[], &[]));
    hands.transfer();
    let frame = hands.take_frame();
    assert_eq!(peer::at(&frame, peer::SEND_DATE), peer::at(&before, peer::SEND_DATE));

    let mut hands = without_plans();
    assert_eq!(peer::at(&ask_for_a_notice(&mut hands, 17), peer::SEND_DATE), "20261120");
    hands.transfer();
    let frame = hands.take_frame();
    hands.receive(&peer::answer(&frame, "0000"));
    hands.reload(version(&[], &[]));
    assert_eq!(peer::at(&ask_for_a_notice(&mut hands, 18), peer::SEND_DATE), "20261120", "a given date stays");
}

#[test]
fn what_would_change_the_conversation_needs_a_restart() {
    let mut hands = Hands::open();
    let check = |hands: &mut Hands, spec: &[(&str, &str)], expected: &str| {
        let refused = hands.core.set_institution(version(spec, &[]), hands.now).unwrap_err().to_string();
        assert!(refused.contains(expected), "{refused}");
        hands.turn();
        hands.transfer();
        let frame = hands.take_frame();
        hands.receive(&peer::answer(&frame, "0000"));
    };
    check(&mut hands, &[("exclusive max 4096", "exclusive max 2048")], "`frame`");
    check(&mut hands, &[("per company_no bank_code { exchange open", "per bank_code { exchange open")], "`opening`");
    check(
        &mut hands,
        &[("institution hecto", "institution hector")],
        "`institution` has changed: it was hecto, and is hector",
    );
}

/// A version of which 0116 is refused or still in progress.
fn numbered(at: usize) -> Arc<Institution> {
    static LOADED: OnceLock<Vec<Arc<Institution>>> = OnceLock::new();
    Arc::clone(&LOADED.get_or_init(|| (0..100).map(load).collect())[at])
}

/// With few codes, since a hundred are loaded.
fn load(at: usize) -> Arc<Institution> {
    let class = if at.is_multiple_of(2) { "refused" } else { "in_progress" };
    let codes = format!("# {at}\nbank_code,exchange,code,class,text\n,,0000,success,done\n,,0116,{class},no\n");
    let source = |name: &str, text: &str| Source { name: name.into(), text: text.into() };
    let spec = include_str!("../../../../specs/hecto/firmbanking.spec");
    let sources = [source("firmbanking.spec", spec), source("codes.csv", &codes)];
    Arc::new(pabal_spec::load(&sources).unwrap().institution)
}

/// A core by the first numbered version, both banks open, which takes a hundred requests of a bank at once.
fn wide() -> Hands {
    let mut settings = settings();
    settings.lines[0].window = 400;
    settings.limits.tombstones_max = 1_000;
    settings.limits.unknown_max = 1_000;
    settings.limits.events_max = 10_000;
    let mut hands = Hands::cold_with(vec![numbered(0)], settings, Recovery::new(), Hands::begin());
    hands.connect_pair();
    hands.swaps = false;
    hands
}

/// A request by each of a hundred versions; what was asked, and what left.
fn a_hundred_reloads(hands: &mut Hands) -> Vec<(usize, ExchangeId, Vec<u8>)> {
    let mut asked = Vec::new();
    for at in 0..100 {
        if at > 0 {
            hands.reload(numbered(at));
        }
        let id = hands.transfer();
        asked.push((at, id, hands.take_frame()));
    }
    asked
}

fn outcome_of(at: usize) -> &'static str {
    if at.is_multiple_of(2) { "FAILURE REFUSED" } else { "UNKNOWN NOTHING_SAID" }
}

#[test]
fn a_hundred_reloads_close_nothing_and_each_answer_is_read_by_its_own_version() {
    let mut hands = wide();
    let asked = a_hundred_reloads(&mut hands);
    // An image holds all of them.
    hands.swaps = true;
    hands.turn();
    hands.swaps = false;
    for (at, id, frame) in asked.iter().rev() {
        hands.receive(&peer::answer(frame, "0116"));
        assert_eq!(hands.told(*id), [outcome_of(*at)], "{at}");
    }
    assert!(hands.closes.is_empty() && hands.open_conns.len() == 2);
    assert_eq!(hands.take_frames(OUT).len(), 0, "business stays open");
    assert!(hands.kinds().iter().all(|kind| *kind != "unclaimed"));
}

#[test]
fn after_a_restart_each_goes_on_by_its_own_version() {
    let mut hands = wide();
    let asked: Vec<_> = a_hundred_reloads(&mut hands).into_iter().take(10).collect();
    let specs = hands.entries().into_iter().fold(Recovery::new(), |mut recovery, entry| {
        recovery.fold(entry);
        recovery
    });
    let needed: Vec<Arc<Institution>> = hands.older[..].iter().rev().take(10).cloned().collect();
    for version in &needed {
        assert!(specs.specs().contains(&version.protocols[0].digest));
    }
    let newest = Arc::clone(&hands.institution);
    let mut hands = hands.restart_with(std::iter::once(newest).chain(needed).collect());
    hands.after_secs(21);
    hands.connect_pair();
    for (at, id, frame) in &asked {
        assert_eq!(hands.told(*id), ["UNKNOWN RESTARTED"]);
        hands.receive(&peer::answer(frame, "0116"));
        let settled =
            if at.is_multiple_of(2) { vec!["UNKNOWN RESTARTED", "FAILURE LATE"] } else { vec!["UNKNOWN RESTARTED"] };
        assert_eq!(hands.told(*id), settled, "{at}");
    }
}

#[test]
fn an_exchange_whose_version_is_gone_is_listed_and_never_dropped() {
    let mut hands = wide();
    let mut open = hands.request(peer::transfer("004", "1", 5));
    open.idempotency_key = Some("order-1".into());
    let id = hands.call(open);
    let frame = hands.take_frame();
    let mut hands = hands.restart_with(vec![numbered(1)]);
    let unresolved = hands.core.unresolved(None, 10);
    assert_eq!(unresolved.len(), 1);
    let one = &unresolved[0];
    assert_eq!((one.exchange, &*one.rule, &*one.party, one.state), (id, "transfer", "main", ExchangeState::Listed));
    assert_eq!((&*one.participant, one.cause.word(), one.listed, &one.next), (&b"004"[..], "RESTARTED", true, &None));
    assert_eq!(hands.core.status().unknown, 1);
    assert_eq!(hands.core.exchange_of_key("teller", "order-1"), Some(id));
    assert_eq!(hands.inquire(id), Err(Refusal::NotInquirable));
    hands.after_secs(21);
    hands.connect_pair();
    hands.receive(&peer::answer(&frame, "0000"));
    assert_eq!(hands.kinds().last(), Some(&"unclaimed"), "no other version reads it");
    // It outlives a checkpoint, and comes back with its version.
    let checkpoint = hands.core.checkpoint(hands.now);
    hands.journal = vec![(checkpoint.kind().into(), checkpoint.encode(&|_| [0; 32]))];
    let mut hands = hands.restart_with(vec![numbered(1), numbered(0)]);
    assert_eq!(hands.core.exchange(id).unwrap().state, ExchangeState::Listed);
    hands.after_secs(21);
    hands.connect_pair();
    hands.receive(&peer::answer(&frame, "0000"));
    assert_eq!(hands.told(id), ["SUCCESS LATE"]);
}

#[test]
fn a_frame_that_the_newest_routes_and_nobody_awaits_is_tried_by_older_versions() {
    // In the newer version the answer of a transfer is marked by the same bytes, but the exchange has another name.
    let renamed = version(
        &[
            ("exchange transfer \"", "exchange payment \""),
            ("settles transfer {", "settles payment {"),
            ("joins transfer by", "joins payment by"),
        ],
        &[],
    );
    let mut hands = Hands::open();
    let id = hands.transfer();
    let frame = hands.take_frame();
    hands.reload(renamed);
    hands.receive(&peer::answer(&frame, "0000"));
    assert_eq!(hands.told(id), ["SUCCESS ANSWERED"]);
}

#[test]
fn a_notice_that_comes_again_by_another_name_is_delivered_by_that() {
    let mut hands = without_plans();
    hands.receive(&peer::deposit(1, 50_000));
    hands.hand_over();
    hands.take_frame();
    hands.reload(version(&[("notice deposit \"", "notice credit \"")], &[]));
    hands.receive(&peer::deposit(1, 50_000));
    assert_eq!(hands.deliveries.iter().map(|one| &*one.rule).collect::<Vec<_>>(), ["credit"]);
    assert_eq!(hands.take_frames(OUT).len(), 1);
    let newest = vec![hands.institution.clone()];
    assert_eq!(hands.restart_with(newest).core.undelivered(None, 10).len(), 1);
}

#[test]
fn a_notice_that_comes_again_is_answered_as_its_own_version_says() {
    let mut hands = Hands::open_by(slow_service(), settings());
    hands.receive(&peer::deposit(1, 50_000));
    let until = hands.now.mono + Duration::from_secs(60);
    hands.hand_over();
    hands.after_secs(10);
    // By this one the gateway answers.
    hands.reload(version(&[], &[]));
    hands.receive(&peer::deposit(1, 50_000));
    let open = |hands: &Hands| {
        let open = hands.core.open_notices(10);
        open.iter().map(|one| (one.state, one.reply_until)).collect::<Vec<_>>()
    };
    assert_eq!(open(&hands), [(NoticeState::Open, Some(until))]);
    let mut hands = hands.restart();
    assert_eq!(open(&hands), [(NoticeState::Open, Some(until))]);
    hands.after_secs(21);
    hands.connect_pair();
    hands.take_frames(OUT);
    hands.after_secs(29);
    assert_eq!(peer::at(&hands.take_frame(), peer::RESPONSE_CODE), "0101", "that of the service's version");
}

#[test]
fn a_notice_that_comes_again_by_another_name_is_answered_as_that_one_is() {
    let mut hands = Hands::open_by(slow_service(), settings());
    hands.receive(&peer::deposit(1, 50_000));
    hands.reload(version(&[("notice deposit \"", "notice credit \"")], &[]));
    hands.receive(&peer::deposit(1, 50_000));
    assert_eq!(peer::at(&hands.take_frame(), peer::RESPONSE_CODE), "0000", "by the gateway, at once");
    hands.after_secs(60);
    assert_eq!(hands.take_frames(OUT).len(), 0, "and once is enough");
}
