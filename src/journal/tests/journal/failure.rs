//! After a failure: everybody hears it, nothing is taken any more, nothing that was acknowledged is lost.

use super::*;
use pabal_journal::{Failure, Health, Reader, Refused, verify};
use std::sync::atomic::{AtomicUsize, Ordering};

#[test]
fn a_full_journal_fails_for_ever_and_for_everybody() {
    let site = Site::new();
    let (writer, _) = Journal::open(Options { journal_bytes_max: Some(1 << 20), ..site.options() }).unwrap();
    let (hecto, kftc) = (register(&writer, "hecto"), register(&writer, "kftc"));
    let mut acked = 0;
    let reason = loop {
        let body = vec![7; 10 << 10];
        // After the failure an append may be refused before its callback is heard.
        let refused = writer.append("hecto", vec![Draft { body, ..draft("accepted", acked + 1) }], acked + 1).err();
        match hecto.recv().unwrap() {
            Ack::Durable { ticket, last, .. } => {
                assert_eq!((refused, ticket, last), (None, acked + 1, at(acked + 1)));
                acked += 1;
            }
            Ack::Failed { reason } => break reason,
        }
    };
    assert!(acked > 50, "{acked} entries of 10 KiB fit in 1 MiB");
    assert!(matches!(reason, Failure::Full(_)), "{reason}");
    // The other institution appended nothing, and hears it as well, once.
    assert_eq!(kftc.iter().collect::<Vec<_>>(), [Ack::Failed { reason: reason.clone() }]);
    assert_eq!(writer.health(), Health::Failed(reason.clone()));
    assert_eq!(writer.append("kftc", vec![draft("accepted", 1)], 1), Err(Refused::Failed(reason.clone())));
    assert_eq!(writer.register("new", Arc::new(|_| ())), Err(Refused::Failed(reason.clone())));
    assert_eq!(writer.last_durable(), at(acked));
    // A small entry would still fit, but a writer that has failed does not try.
    assert_eq!(writer.close(), Err(reason));
    drop(writer);

    assert_eq!(verify(site.path()).unwrap().last, at(acked));
    let (writer, recovered) = site.open();
    assert_eq!(recovered.last, at(acked));
    assert!(recovered.unclean.is_some(), "a failed writer does not stop cleanly");
    let hecto = register(&writer, "hecto");
    writer.append("hecto", vec![draft("accepted", 1)], 1).unwrap();
    assert_eq!(hecto.recv().unwrap(), durable(1, acked + 1, true));
}

#[test]
fn what_is_queued_at_the_failure_hears_it_once() {
    let site = Site::new();
    let (writer, _) =
        Journal::open(Options { journal_bytes_max: Some(1 << 20), group_envelopes_max: 1, ..site.options() }).unwrap();
    let before = register(&writer, "hecto");
    let pause = writer.pause();
    writer.append("hecto", vec![Draft { body: vec![7; 2 << 20], ..draft("accepted", 1) }], 1).unwrap();
    // A core that was rebuilt registers anew, while batches of the old one wait.
    let after = register(&writer, "hecto");
    writer.append("hecto", vec![draft("accepted", 2)], 2).unwrap();
    writer.append("hecto", vec![draft("accepted", 3)], 3).unwrap();
    drop(pause);
    for acked in [before, after] {
        assert!(matches!(acked.iter().collect::<Vec<_>>()[..], [Ack::Failed { reason: Failure::Full(_) }]));
    }
    assert_eq!(writer.last_durable(), Position::START);
}

#[test]
fn a_callback_that_panics_is_its_own_institutions_trouble() {
    let site = Site::new();
    let (writer, _) = site.open();
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    let on_durable: OnDurable = Arc::new(move |_| {
        counted.fetch_add(1, Ordering::SeqCst);
        panic!("a fault of the driver");
    });
    writer.register("broken", on_durable).unwrap();
    let hecto = register(&writer, "hecto");
    let pause = writer.pause();
    writer.append("broken", vec![draft("accepted", 1)], 1).unwrap();
    writer.append("broken", vec![draft("accepted", 2)], 2).unwrap();
    writer.append("hecto", vec![draft("accepted", 3)], 3).unwrap();
    drop(pause);
    assert_eq!(hecto.recv().unwrap(), durable(3, 3, true));
    assert_eq!(calls.load(Ordering::SeqCst), 1);
    assert_eq!(writer.health(), Health::Working);
    let unregistered = Refused::Unregistered { institution: "broken".into() };
    assert_eq!(writer.append("broken", vec![draft("accepted", 4)], 4), Err(unregistered));
    let again = register(&writer, "broken");
    writer.append("broken", vec![draft("accepted", 4)], 4).unwrap();
    assert_eq!(again.recv().unwrap(), durable(4, 4, true));
    assert_eq!(Reader::open(site.path()).unwrap().after(Position::START, 10).unwrap().len(), 4);
}
