//! What networks and peers do to connections, by a wire between gateway and institution that does it on command. After each fault: every
//! exchange has exactly one outcome, none was paid twice, the sessions are back, and nothing of an old connection is in the new one.

use std::time::Duration;

use pabal_rig::{
    Asked, Flow, Heard, Options, Outcome, Rig, Way, is_logged, refused, run, soon, spec_with, transfer, until,
};
use pabal_switch::{CloseReason, Refusal, SessionState};
use tokio::task::JoinHandle;
use tonic::Code;

/// Bytes of a transfer on the wire.
const FRAME: u64 = 304;
/// What the kernel of a wire takes.
const BUFFER_BYTES: u32 = 4_096;

/// Calls that run.
struct Calls(Vec<(Asked, JoinHandle<Heard>)>);

impl Calls {
    fn begin(rig: &Rig, count: u64) -> Self {
        let asked = (1..=count).map(transfer).map(|asked| asked.clone().keyed(&asked.mark));
        Self(asked.map(|asked| (asked.clone(), rig.spawn(&asked))).collect())
    }

    async fn end(self) -> Vec<(Asked, Heard)> {
        let mut ended = Vec::new();
        for (asked, call) in self.0 {
            ended.push((asked, soon("the call ends", call).await.unwrap()));
        }
        ended
    }
}

async fn wired() -> Rig {
    wired_with(Options::default()).await
}

async fn wired_with(options: Options) -> Rig {
    Rig::open_with(Options { wired: Some(BUFFER_BYTES), ..options }).await
}

/// An institution that has a second for its answer.
fn impatient() -> Options {
    Options { spec: spec_with("effect money  timeout 30s", "effect money  timeout 1s"), ..Options::default() }
}

/// The sessions are back, and carry: what comes first on a new connection begins with its first byte.
async fn is_well_again(rig: &Rig) {
    rig.wait_status("all sessions are up", |status| {
        status.sessions.iter().all(|session| session.state == SessionState::Up).then_some(())
    })
    .await;
    until("a transfer succeeds", async || {
        let response = rig.call(&transfer(1)).await.ok();
        response.filter(|response| response.outcome() == Outcome::Success)
    })
    .await;
}

#[test]
fn telegrams_in_pieces_of_a_byte_are_telegrams() {
    run(async {
        let rig = wired().await;
        for wire in [rig.wire(), rig.answers_wire()] {
            wire.set_both(Flow::Split(1));
        }
        let calls = Calls::begin(&rig, 10).end().await;
        assert_eq!(rig.account(&calls).await.success, 10);
        assert_eq!((rig.wire().connections(), rig.answers_wire().connections()), (1, 1));
    });
}

#[test]
fn telegrams_in_one_piece_are_telegrams() {
    run(async {
        let rig = wired().await;
        let taken = [rig.wire(), rig.answers_wire()].map(|wire| wire.taken(Way::Forth));
        for wire in [rig.wire(), rig.answers_wire()] {
            wire.set(Way::Forth, Flow::Hold);
        }
        let calls = Calls::begin(&rig, 10);
        for (wire, taken) in [rig.wire(), rig.answers_wire()].into_iter().zip(taken) {
            wire.wait_taken(Way::Forth, taken + 10 * FRAME).await;
            wire.set(Way::Forth, Flow::Pass);
        }
        assert_eq!(rig.account(&calls.end().await).await.success, 10);
    });
}

#[test]
fn a_peer_that_pauses_is_waited_for() {
    run(async {
        let rig = wired().await;
        rig.wire().set(Way::Forth, Flow::Stall);
        let calls = Calls::begin(&rig, 40);
        rig.wait_status("all have left", |status| (status.in_flight == 40).then_some(())).await;
        rig.wire().set(Way::Forth, Flow::Pass);
        assert_eq!(rig.account(&calls.end().await).await.success, 40);
        assert_eq!(rig.wire().connections(), 1, "nothing was closed for it");
    });
}

#[test]
fn a_peer_that_reads_a_few_bytes_at_a_time_is_waited_for() {
    run(async {
        let rig = wired().await;
        let wire = rig.wire();
        let before = wire.taken(Way::Forth);
        wire.set(Way::Forth, Flow::Only(0));
        let calls = Calls::begin(&rig, 5);
        let mut taken = 0;
        while taken < 5 * FRAME {
            let piece = 50.min(5 * FRAME - taken);
            wire.set(Way::Forth, Flow::Only(usize::try_from(piece).unwrap()));
            taken += piece;
            wire.wait_taken(Way::Forth, before + taken).await;
        }
        wire.set(Way::Forth, Flow::Pass);
        assert_eq!(rig.account(&calls.end().await).await.success, 5);
        assert_eq!(wire.connections(), 1);
    });
}

#[test]
fn a_reset_in_a_request_leaves_it_unknown_and_the_next_connection_clean() {
    run(async {
        let rig = wired_with(impatient()).await;
        let (wire, taken) = (rig.wire(), rig.wire().taken(Way::Forth));
        wire.set(Way::Forth, Flow::Only(100));
        let calls = Calls::begin(&rig, 3);
        wire.wait_taken(Way::Forth, taken + 100).await;
        // All of them are with the kernel: nobody can say what the institution has of them.
        rig.wait_status("all have left", |status| {
            let is_unsent = status.sessions.iter().any(|session| session.unsent_bytes > 0);
            (status.in_flight == 3 && !is_unsent).then_some(())
        })
        .await;
        wire.reset().await;
        wire.set(Way::Forth, Flow::Pass);
        let calls = calls.end().await;
        assert_eq!(rig.account(&calls).await.unknown, 3, "{calls:?}");
        is_well_again(&rig).await;
        assert_eq!(wire.connections(), 2);
        assert!(calls.iter().all(|(asked, _)| rig.seen(asked).is_empty()), "a hundred bytes are no request");
    });
}

#[test]
fn a_reset_in_an_answer_leaves_it_unknown_and_the_next_connection_clean() {
    run(async {
        let rig = wired_with(impatient()).await;
        let (wire, taken) = (rig.answers_wire(), rig.answers_wire().taken(Way::Forth));
        wire.set(Way::Forth, Flow::Only(100));
        let calls = Calls::begin(&rig, 1);
        wire.wait_taken(Way::Forth, taken + 100).await;
        wire.reset().await;
        wire.set(Way::Forth, Flow::Pass);
        let calls = calls.end().await;
        let account = rig.account(&calls).await;
        assert_eq!(account.not_sent, 0, "{account:?}");
        assert_eq!(calls[0].1.as_ref().unwrap().outcome(), Outcome::Unknown, "the rest of its answer is lost");
        is_well_again(&rig).await;
        assert_eq!((wire.connections(), rig.wire().connections()), (2, 1), "the other line has noticed nothing");
    });
}

#[test]
fn a_stream_that_ends_is_made_anew() {
    run(async {
        let rig = wired_with(impatient()).await;
        rig.wire().set(Way::Back, Flow::End);
        rig.answers_wire().set(Way::Forth, Flow::End);
        let calls = Calls::begin(&rig, 5);
        rig.wire().wait_connections(2).await;
        rig.answers_wire().wait_connections(2).await;
        rig.wire().set(Way::Back, Flow::Pass);
        rig.answers_wire().set(Way::Forth, Flow::Pass);
        // A connection that had ended at its beginning is ended now.
        rig.wire().reset().await;
        rig.answers_wire().reset().await;
        // Holds what each caller heard against what the bank has.
        rig.account(&calls.end().await).await;
        is_well_again(&rig).await;
    });
}

#[test]
fn a_black_hole_is_found_by_the_poll_telegram() {
    run(async {
        let options = impatient();
        let spec = options.spec.iter().cloned().map(|mut source| {
            source.text = source
                .text
                .replace("after 300s nothing sent", "after 2s nothing sent")
                .replace("timeout 10s }", "timeout 1s }");
            source
        });
        let rig = wired_with(Options { spec: spec.collect(), ..options }).await;
        rig.wire().set_both(Flow::Swallow);
        let calls = Calls::begin(&rig, 5).end().await;
        assert_eq!(rig.account(&calls).await.unknown, 5, "they are gone, and nobody said so: {calls:?}");
        rig.wire().wait_connections(2).await;
        rig.wire().set_both(Flow::Pass);
        rig.wire().reset().await;
        is_well_again(&rig).await;
        assert!(calls.iter().all(|(asked, _)| rig.seen(asked).is_empty()));
    });
}

#[test]
fn who_is_refused_tries_until_it_is_not() {
    run(async {
        let rig = wired().await;
        rig.wire().refuse(true);
        rig.wire().reset().await;
        rig.wait_line("out", false).await;
        let asked = transfer(1);
        refused(rig.call(&asked).await, Refusal::SendDown, Code::Unavailable);
        until("it has tried and was refused", async || is_logged("connecting failed").then_some(())).await;
        rig.wire().refuse(false);
        is_well_again(&rig).await;
        assert!(rig.seen(&asked).is_empty());
    });
}

#[test]
fn under_every_fault_in_turn_each_exchange_has_one_outcome() {
    run(async {
        let rig = wired_with(impatient()).await;
        let mut ended = Vec::new();
        for round in 0..12 {
            let calls = Calls::begin(&rig, 20);
            let wire = if round % 2 == 0 { rig.wire() } else { rig.answers_wire() };
            let taken = wire.taken(Way::Forth);
            match round / 2 {
                0 => wire.reset().await,
                1 => {
                    wire.set(Way::Forth, Flow::Only(500));
                    wire.wait_taken(Way::Forth, taken + 500).await;
                    wire.reset().await;
                }
                2 => {
                    wire.set(Way::Forth, Flow::Swallow);
                    wire.wait_taken(Way::Forth, taken + 2 * FRAME).await;
                    wire.reset().await;
                }
                3 => {
                    wire.set_both(Flow::Split(7));
                    wire.wait_taken(Way::Forth, taken + FRAME).await;
                    wire.reset().await;
                }
                4 => wire.set(Way::Back, Flow::End),
                _ => wire.set(Way::Forth, Flow::Hold),
            }
            ended.extend(calls.end().await);
            wire.set_both(Flow::Pass);
            is_well_again(&rig).await;
        }
        let account = rig.account(&ended).await;
        assert!(account.success > 0 && account.unknown > 0, "nothing was lost, or all of it: {account:?}");
        println!("{account:?}");
    });
}

#[test]
fn the_time_for_an_answer_does_not_end_a_session() {
    run(async {
        let rig = wired_with(impatient()).await;
        rig.answers_wire().set(Way::Forth, Flow::Hold);
        let calls = Calls::begin(&rig, 3).end().await;
        assert!(calls.iter().all(|(_, heard)| heard.as_ref().unwrap().outcome() == Outcome::Unknown));
        rig.answers_wire().set(Way::Forth, Flow::Pass);
        for (asked, heard) in &calls {
            let id = &heard.as_ref().unwrap().exchange_id;
            rig.wait_found("the late answer settles it", id, |found| found.outcome() == Outcome::Success).await;
            assert_eq!(rig.seen(asked).len(), 1);
        }
        let connections = (rig.wire().connections(), rig.answers_wire().connections());
        assert_eq!(connections, (1, 1));
        let within = Duration::from_secs(10);
        let calls = [transfer(1).within(within)];
        rig.succeed(&calls[0]).await;
    });
}

#[test]
fn a_peer_that_stops_reading_is_closed_and_what_it_cannot_have_is_not_sent() {
    run(async {
        let line = "unsent_time_max = \"500ms\"\nwindow = 1000".to_owned();
        let rig = wired_with(Options { line, ..impatient() }).await;
        let wire = rig.wire();
        wire.set(Way::Forth, Flow::Stall);
        let calls = Calls::begin(&rig, 300);
        rig.wait_status("the session was closed for it", |status| {
            let is_slow = |session: &pabal_switch::SessionStatus| session.closed == Some(CloseReason::SlowPeer);
            status.sessions.iter().any(is_slow).then_some(())
        })
        .await;
        // Whatever the wire's kernel has goes on to the bank, up to the reset.
        wire.set(Way::Forth, Flow::Pass);
        let account = rig.account(&calls.end().await).await;
        assert!(account.not_sent > 200, "{account:?}");
        is_well_again(&rig).await;
        println!("{account:?}");
    });
}
