//! Who waits less long than the institution may take is refused before anything leaves, or says that an early UNKNOWN is welcome.

use std::time::Duration;

use pabal_switch::{Open, Refusal};

use crate::hands::{Hands, OUT};
use crate::peer;

/// The institution's time is 30 s, the margin 100 ms.
const NEEDED: Duration = Duration::from_millis(30_100);

fn within(hands: &Hands, patience: Duration) -> Open {
    let open = hands.request(peer::transfer("088", "1", 5));
    Open { deadline: hands.now.mono + patience, accepts_early_unknown: false, ..open }
}

#[test]
fn a_deadline_that_is_too_short_is_refused_with_the_figures() {
    let mut hands = Hands::open();
    let before = hands.journal.len();
    let open = within(&hands, NEEDED - Duration::from_nanos(1));
    let (refusal, text) = hands.core.open(open, hands.now).unwrap_err();
    assert_eq!(refusal, Refusal::DeadlineTooShort);
    let figures = "`transfer` needs 30100ms (30000ms for the answer, 100ms to tell it)";
    assert!(text.contains(figures) && text.contains("accept an early UNKNOWN"), "{text}");
    assert_eq!((hands.journal.len(), hands.take_frames(OUT).len()), (before, 0));
    // Long enough, to the nanosecond.
    let open = within(&hands, NEEDED);
    hands.call(open);
    // A moment longer: it is told what became of it when the institution's time is over, and not before.
    let open = within(&hands, NEEDED + Duration::from_millis(1));
    let id = hands.call(open);
    hands.after(Duration::from_millis(29_999));
    assert_eq!(hands.told(id), [""; 0]);
    hands.after(Duration::from_millis(1));
    assert_eq!(hands.told(id), ["UNKNOWN NO_ANSWER"]);
}

#[test]
fn who_accepts_it_hears_unknown_early_and_the_exchange_goes_on() {
    let mut hands = Hands::open();
    let open = Open { accepts_early_unknown: true, ..within(&hands, Duration::from_secs(2)) };
    let id = hands.call(open);
    hands.after_secs(2);
    assert_eq!(hands.told(id), ["UNKNOWN CALLER_DEADLINE"]);
    let frame = hands.take_frame();
    hands.receive(&peer::answer(&frame, "0000"));
    assert_eq!(hands.told(id), ["UNKNOWN CALLER_DEADLINE", "SUCCESS LATE"]);
}

/// It may wait as long as an answer would still be heard, and not longer: then nothing of it leaves, and the caller knows at once.
#[test]
fn what_has_waited_too_long_does_not_leave() {
    let mut hands = Hands::open();
    hands.transfer();
    hands.transfer();
    let frames = hands.take_frames(OUT);
    let open = within(&hands, NEEDED + Duration::from_secs(5));
    let (in_time, too_late) = (hands.call(open.clone()), hands.call(open));
    hands.after(Duration::from_millis(4_999));
    assert_eq!(hands.told(in_time), [""; 0]);
    hands.receive(&peer::answer(&frames[0], "0000"));
    let frame = hands.take_frame();
    hands.after(Duration::from_millis(1));
    assert_eq!(hands.told(too_late), ["error DEADLINE_TOO_SHORT"]);
    assert_eq!(hands.take_frames(OUT).len(), 0);
    // The other one left at the last moment, and is waited for until the institution's time is over.
    hands.after(Duration::from_millis(29_997));
    hands.receive(&peer::answer(&frame, "0000"));
    assert_eq!(hands.told(in_time), ["SUCCESS ANSWERED"]);
}
