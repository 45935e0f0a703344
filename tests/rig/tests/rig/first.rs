//! A transfer through every layer.

use pabal_rig::{Lines, Options, Rig, run, transfer};

#[test]
fn a_transfer_goes_through_every_layer() {
    run(async {
        let rig = Rig::open().await;
        let asked = transfer(150_000);
        let response = rig.succeed(&asked).await;
        assert_eq!((&*response.response_code, &*response.state), ("0000", "finished"));
        let seen = rig.seen(&asked);
        assert_eq!(seen.len(), 1);
        assert_eq!((seen[0].received, seen[0].executed, seen[0].received_bytes), (1, 1, 304));
    });
}

#[test]
fn one_session_may_carry_both_directions() {
    run(async {
        let rig = Rig::open_with(Options { lines: Lines::Duplex, ..Options::default() }).await;
        let asked = transfer(150_000);
        rig.succeed(&asked).await;
        assert_eq!(rig.seen(&asked)[0].executed, 1);
        assert_eq!(rig.status().await.sessions.len(), 1);
    });
}
