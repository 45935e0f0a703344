//! New versions of the spec come while sessions stay up.

use pabal_switch::{Entry, SessionState};

use crate::hands::{Hands, OUT, version};
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
fn an_answer_that_only_the_older_version_knows_is_no_stranger() {
    let longer = [
        ("\"2000\"|\"2100\" \"100\"  length 300", "\"2000\"|\"2100\" \"100\"  length 310"),
        ("telegram transfer \"당/타행 이체\" 300", "telegram transfer \"당/타행 이체\" 310"),
        ("reserved                    filler(53)", "reserved                    filler(63)"),
    ];
    let mut hands = Hands::open();
    let id = hands.transfer();
    let frame = hands.take_frame();
    hands.reload(version(&longer, &[]));
    hands.receive(&peer::answer(&frame, "0000"));
    assert_eq!(hands.told(id), ["SUCCESS ANSWERED"]);
    let mut telegram = peer::transfer("088", "1", 5);
    telegram.extend_from_slice(&[b' '; 10]);
    let open = hands.request(telegram);
    let id = hands.call(open);
    let frame = hands.take_frame();
    assert_eq!(frame.len(), 310);
    hands.receive(&peer::answer(&frame, "0000"));
    assert_eq!(hands.told(id), ["SUCCESS ANSWERED"]);
}

#[test]
fn a_notice_is_known_again_by_another_version() {
    let mut hands = Hands::open();
    hands.receive(&peer::deposit(1, 50_000));
    hands.take_frame();
    hands.reload(version(&[], &[]));
    hands.receive(&peer::deposit(1, 50_000));
    assert_eq!(hands.delivered.len(), 1);
    assert_eq!(hands.take_frames(OUT).len(), 1);
    let repeated =
        hands.entries().into_iter().filter(|entry| matches!(entry, Entry::NoticeReceived(one) if one.repeated));
    assert_eq!(repeated.count(), 1);
}

#[test]
fn what_would_change_the_conversation_needs_a_restart() {
    let mut hands = Hands::open();
    let check = |hands: &mut Hands, spec: &[(&str, &str)], expected: &str| {
        let refused = hands.core.set_institution(version(spec, &[]), hands.now).unwrap_err();
        assert!(refused.contains(expected), "{refused}");
        hands.turn();
        hands.transfer();
        let frame = hands.take_frame();
        hands.receive(&peer::answer(&frame, "0000"));
    };
    check(&mut hands, &[("exclusive max 4096", "exclusive max 2048")], "framing");
    check(&mut hands, &[("per company_no bank_code { exchange open", "per bank_code { exchange open")], "opened");
    check(&mut hands, &[("institution hecto", "institution hector")], "`hector` is no version of institution `hecto`");
}
