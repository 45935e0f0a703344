//! What is acknowledged, when, and in which order.

use super::*;
use pabal_journal::{Error, Health, Reader, Refused, verify};

#[test]
fn acknowledgements_come_in_order_with_consecutive_positions() {
    let site = Site::new();
    let (writer, recovered) = site.open();
    assert_eq!((recovered.last, recovered.unclean), (Position::START, None));
    assert!(recovered.institutions.is_empty());
    assert_eq!(writer.last_durable(), Position::START);
    let acked = register(&writer, "hecto");
    for ticket in 1..=100 {
        writer.append("hecto", vec![draft("accepted", ticket), draft("sending", ticket)], ticket).unwrap();
    }
    for ticket in 1..=100 {
        assert_eq!(acked.recv().unwrap(), durable(ticket, ticket * 2, true));
    }
    assert_eq!(writer.last_durable(), at(200));
    assert_eq!(writer.undurable_bytes("hecto"), 0);
    assert_eq!(writer.close(), Ok(()));
    assert_eq!(writer.health(), Health::Closed);
    assert_eq!(writer.append("hecto", vec![draft("accepted", 1)], 1), Err(Refused::Closed));
    assert_eq!(verify(site.path()).unwrap().envelopes, 200);
}

#[test]
fn a_group_of_batches_of_any_size_keeps_each_entry_and_its_order() {
    let site = Site::new();
    let (writer, _) = site.open();
    let acked = [("a", register(&writer, "a")), ("b", register(&writer, "b"))];
    // Some are inserted by one statement, the rest one by one; batches and institutions do not end where statements do.
    let held = writer.pause();
    let (mut wanted, mut number) = (Vec::new(), 0);
    for (ticket, entries) in [1, 7, 8, 3, 17, 1, 2, 24, 5].into_iter().enumerate() {
        let institution = acked[ticket % 2].0;
        let drafts: Vec<Draft> = (number..number + entries).map(|number| draft("sending", number)).collect();
        wanted.extend(drafts.iter().cloned().map(|draft| (institution, draft)));
        number += entries;
        writer.append(institution, drafts, number).unwrap();
    }
    drop(held);
    for ends in [[1, 16, 36, 39, 68].as_slice(), &[8, 19, 37, 63]] {
        let acked = &acked[usize::from(ends[0] == 8)].1;
        for end in ends {
            // Its ticket is the number of its last entry.
            assert_eq!(acked.recv().unwrap(), durable(*end, *end, true));
        }
    }
    writer.close().unwrap();
    let read = Reader::open(site.path()).unwrap().after(Position::START, 100).unwrap();
    assert_eq!(read.len(), wanted.len());
    for (envelope, (institution, draft)) in read.iter().zip(&wanted) {
        assert!(is_draft(envelope, institution, draft), "{envelope:?}");
    }
    assert_eq!(verify(site.path()).unwrap().envelopes, 68);
}

#[test]
fn many_threads_share_one_order() {
    let site = Site::new();
    let (writer, _) = site.open();
    let start = Arc::new(Barrier::new(4));
    let threads: Vec<_> = ["a", "b", "c", "d"]
        .map(|institution| {
            let (writer, start) = (writer.clone(), Arc::clone(&start));
            std::thread::spawn(move || {
                let acked = register(&writer, institution);
                start.wait();
                for ticket in 0..200 {
                    writer.append(institution, vec![draft("accepted", ticket)], ticket).unwrap();
                }
                let mut last = Position::START;
                for wanted in 0..200 {
                    let Ack::Durable { ticket, last: position, .. } = acked.recv().unwrap() else { panic!("failed") };
                    assert!(ticket == wanted && position > last, "{ticket} at {position}");
                    last = position;
                }
            })
        })
        .into();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    assert_eq!(writer.last_durable(), at(800));
    assert_eq!(Reader::open(site.path()).unwrap().after(Position::START, 1000).unwrap().len(), 800);
}

#[test]
fn while_held_nothing_is_durable_and_the_quota_refuses_the_rest() {
    let site = Site::new();
    let one = draft("accepted", 1).size_bytes();
    let (writer, _) = Journal::open(Options { queue_bytes_max: 3 * one, ..site.options() }).unwrap();
    let (hecto, kftc) = (register(&writer, "hecto"), register(&writer, "kftc"));

    let pause = writer.pause();
    assert_eq!(writer.health(), Health::Paused);
    for ticket in 1..=3 {
        writer.append("hecto", vec![draft("accepted", 1)], ticket).unwrap();
    }
    let refused = writer.append("hecto", vec![draft("accepted", 1)], 4).unwrap_err();
    let quota =
        Refused::Quota { institution: "hecto".into(), undurable_bytes: 3 * one, batch_bytes: one, max_bytes: 3 * one };
    assert_eq!(refused, quota);
    // One institution's quota is its own.
    writer.append("kftc", vec![draft("accepted", 1)], 1).unwrap();
    assert!(hecto.try_recv().is_err() && kftc.try_recv().is_err());
    assert_eq!(writer.last_durable(), Position::START);
    assert!(Reader::open(site.path()).unwrap().after(Position::START, 10).unwrap().is_empty());

    drop(pause);
    for ticket in 1..=3 {
        assert_eq!(hecto.recv().unwrap(), durable(ticket, ticket, true));
    }
    assert_eq!(kftc.recv().unwrap(), durable(1, 4, true));
    assert_eq!(writer.health(), Health::Working);
    writer.append("hecto", vec![draft("accepted", 1)], 4).unwrap();
    assert_eq!(hecto.recv().unwrap(), durable(4, 5, true));
}

#[test]
fn closing_makes_durable_what_is_queued_even_while_held() {
    let site = Site::new();
    let (writer, _) = site.open();
    let acked = register(&writer, "hecto");
    let _pause = writer.pause();
    for ticket in 1..=10 {
        writer.append("hecto", vec![draft("accepted", ticket)], ticket).unwrap();
    }
    writer.close().unwrap();
    assert_eq!(acked.iter().take(10).last(), Some(durable(10, 10, true)));
    // All is folded back: the database is one file again.
    assert!(!site.path().join("journal.sqlite-wal").exists());
}

#[test]
fn a_large_batch_is_one_group_and_small_ones_share() {
    let site = Site::new();
    let (writer, _) = Journal::open(Options { group_envelopes_max: 2, ..site.options() }).unwrap();
    let acked = register(&writer, "hecto");
    let pause = writer.pause();
    writer.append("hecto", (1..=5).map(|number| draft("accepted", number)).collect(), 1).unwrap();
    writer.append("hecto", vec![draft("accepted", 6)], 2).unwrap();
    drop(pause);
    assert_eq!(acked.recv().unwrap(), durable(1, 5, true));
    assert_eq!(acked.recv().unwrap(), durable(2, 6, true));
}

#[test]
fn what_cannot_be_appended_is_said() {
    let site = Site::new();
    let (writer, _) = site.open();
    assert_eq!(writer.append("hecto", Vec::new(), 1), Err(Refused::Empty));
    let unregistered = Refused::Unregistered { institution: "hecto".into() };
    assert_eq!(writer.append("hecto", vec![draft("accepted", 1)], 1), Err(unregistered));
}

#[test]
fn the_checkpoint_is_due_at_the_start_and_after_so_many_envelopes() {
    let site = Site::new();
    let options = || Options { checkpoint_every: 3, ..site.options() };
    let (writer, _) = Journal::open(options()).unwrap();
    let (hecto, kftc) = (register(&writer, "hecto"), register(&writer, "kftc"));
    assert!(writer.checkpoint_due("hecto"));
    let mut ticket = 0;
    let mut append = |institution: &str, kind: &str, acked: &Receiver<Ack>| {
        ticket += 1;
        writer.append(institution, vec![draft(kind, ticket)], ticket).unwrap();
        let Ack::Durable { checkpoint_due, .. } = acked.recv().unwrap() else { panic!("failed") };
        checkpoint_due
    };
    assert!(append("hecto", "accepted", &hecto), "none yet");
    assert!(!append("hecto", CHECKPOINT, &hecto));
    assert!(append("kftc", "accepted", &kftc), "each institution has its own");
    assert_eq!(["accepted", "accepted", "accepted"].map(|kind| append("hecto", kind, &hecto)), [false, false, true]);
    drop(writer);

    let (writer, recovered) = Journal::open(options()).unwrap();
    let found = recovered.institutions.get("hecto").unwrap();
    assert_eq!((found.checkpoint, found.since_checkpoint), (Some(at(2)), 3));
    assert_eq!(recovered.institutions.get("kftc").unwrap().checkpoint, None);
    assert!(writer.checkpoint_due("hecto") && writer.checkpoint_due("kftc"));
    // As soon as one is queued it is not asked for again.
    let hecto = register(&writer, "hecto");
    let pause = writer.pause();
    writer.append("hecto", vec![draft("accepted", 8)], 8).unwrap();
    writer.append("hecto", vec![draft(CHECKPOINT, 9)], 9).unwrap();
    drop(pause);
    assert_eq!(hecto.recv().unwrap(), durable(8, 7, false));
}

#[test]
fn a_journal_goes_on_where_it_stopped() {
    let site = Site::new();
    for round in 0..3 {
        let (writer, recovered) = site.open();
        assert_eq!((recovered.last.seq, recovered.unclean), (round, None));
        let acked = register(&writer, "hecto");
        writer.append("hecto", vec![draft("accepted", round)], round).unwrap();
        assert_eq!(acked.recv().unwrap(), durable(round, round + 1, true));
        assert_eq!(verify(site.path()).unwrap().last, at(round + 1));
    }
}

#[test]
fn one_holder_at_a_time() {
    let site = Site::new();
    let (writer, _) = site.open();
    let error = Journal::open(Options { node: "seoul-2".into(), ..site.options() }).unwrap_err();
    let Error::Held { holder, path } = error else { panic!("{error}") };
    assert_eq!((holder.pid, holder.node.as_deref()), (Some(std::process::id()), Some("seoul-1")));
    assert_eq!(path, site.path());
    drop(writer);
    let error = Journal::open(Options { writer: 2, ..site.options() }).unwrap_err();
    assert!(matches!(error, Error::OtherWriter { found: 1, wanted: 2, .. }), "{error}");
}

#[test]
fn limits_without_sense_are_refused() {
    let site = Site::new();
    for options in [
        Options { group_envelopes_max: 0, ..site.options() },
        Options { queue_bytes_max: 0, ..site.options() },
        Options { checkpoint_every: 0, ..site.options() },
        Options { wal_bytes_max: 0, ..site.options() },
        Options { journal_bytes_max: Some(4096), ..site.options() },
    ] {
        assert!(matches!(Journal::open(options), Err(Error::Options { .. })));
    }
}
