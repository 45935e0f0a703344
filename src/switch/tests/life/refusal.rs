//! Each refusal, by a scenario that ends in it and in which not a byte of the request leaves.

use std::sync::Arc;
use std::time::Duration;

use pabal_clock::Wall;
use pabal_switch::{Bytes, CloseReason, ExchangeId, NoticeId, Over, Rate, Refusal, ServiceReply};

use crate::hands::{Hands, IN, OUT, settings};
use crate::peer;

/// What a scenario ended in: refused at once, or told as an error later.
enum End {
    AtOnce(Refusal),
    Told(ExchangeId),
}

/// Makes a request of an account that no other request has, so that its bytes can be looked for.
fn marked(hands: &Hands) -> pabal_switch::Open {
    hands.request(peer::transfer("088", "MARKED", 5))
}

fn refused(hands: &mut Hands, open: pabal_switch::Open) -> End {
    End::AtOnce(hands.try_open(open).unwrap_err())
}

fn full() -> Hands {
    let mut hands = Hands::open();
    hands.transfer();
    hands.transfer();
    hands
}

fn scenario(refusal: Refusal) -> (Hands, End) {
    let mut hands = match refusal {
        Refusal::QueueFull | Refusal::DeadlinePassed | Refusal::Abandoned | Refusal::DateChanged => full(),
        Refusal::NotOpen => Hands::fresh(),
        Refusal::OutOfHours => {
            let mut settings = settings();
            settings.hours.closed = vec![crate::hours::rule("saturday", &["transfer"], &[])];
            Hands::open_with(settings)
        }
        Refusal::NumbersExhausted => few_numbers(),
        Refusal::JournalFull => {
            let mut settings = settings();
            settings.limits.undurable_entries_max = 1;
            Hands::open_with(settings)
        }
        _ => Hands::open(),
    };
    let open = marked(&hands);
    let end = match refusal {
        Refusal::UnknownInstitution | Refusal::UnknownExchange | Refusal::InvalidFields => {
            unreachable!("the shell finds it before the core is asked")
        }
        Refusal::NumberInUse => {
            let plan = hands.plan("deposit_gap");
            let first =
                pabal_switch::Open { plan: Arc::clone(&plan), telegram: crate::given::gap(17).into(), ..open.clone() };
            hands.call(first);
            let mut telegram = crate::given::gap(17);
            telegram[100..106].copy_from_slice(b"MARKED");
            End::Told(hands.call(pabal_switch::Open { plan, telegram: telegram.into(), ..open }))
        }
        Refusal::UnknownParty => {
            let open = pabal_switch::Open { party: Some("nobody".into()), ..open };
            refused(&mut hands, open)
        }
        Refusal::WrongTelegram => {
            let mut open = open;
            open.telegram = [&open.telegram[..], b" "].concat().into();
            refused(&mut hands, open)
        }
        Refusal::KeyReused => {
            let mut first = hands.request(peer::transfer("088", "1", 5));
            first.idempotency_key = Some("order-1".into());
            hands.call(first);
            let open = pabal_switch::Open { idempotency_key: Some("order-1".into()), ..open };
            refused(&mut hands, open)
        }
        Refusal::KeyFenced => {
            hands.core.fence("teller", "order-1", hands.now).unwrap();
            hands.turn();
            let open = pabal_switch::Open { idempotency_key: Some("order-1".into()), ..open };
            refused(&mut hands, open)
        }
        Refusal::OutOfHours => refused(&mut hands, open),
        Refusal::Blocked => {
            crate::control::block(&mut hands, crate::control::control("stop", &["transfer"], &[])).unwrap();
            refused(&mut hands, open)
        }
        Refusal::RateExceeded => {
            let rate = Rate { in_flight: Some(1), over: Over::Refuse, ..Rate::default() };
            let limit = pabal_switch::Command::Limit { compartment: Bytes::default(), rate: Some(rate) };
            crate::control::command(&mut hands, limit).unwrap();
            hands.transfer();
            refused(&mut hands, open)
        }
        Refusal::DeadlineTooShort => {
            let deadline = hands.now.mono + Duration::from_secs(30);
            let open = pabal_switch::Open { deadline, accepts_early_unknown: false, ..open };
            refused(&mut hands, open)
        }
        Refusal::NotOpen => {
            hands.opens = false;
            let conn = hands.connects.pop().unwrap();
            hands.connected(conn);
            hands.accept();
            refused(&mut hands, open)
        }
        Refusal::SendDown | Refusal::ReceiveDown => {
            let conn = hands.conn(if refusal == Refusal::SendDown { OUT } else { IN });
            hands.closed(conn, CloseReason::PeerClosed);
            refused(&mut hands, open)
        }
        Refusal::QueueFull => {
            hands.transfer();
            hands.transfer();
            refused(&mut hands, open)
        }
        Refusal::DeadlinePassed => {
            let deadline = hands.now.mono + Duration::from_secs(20);
            let id = hands.call(pabal_switch::Open { deadline, ..open });
            hands.after_secs(20);
            End::Told(id)
        }
        Refusal::Abandoned => {
            let id = hands.call(open);
            hands.core.abandon(id, hands.now);
            hands.turn();
            End::Told(id)
        }
        Refusal::DateChanged => {
            let id = hands.call(open);
            hands.now.wall = Wall::from_unix_seconds(1_795_273_200);
            hands.core.handle_timeout(hands.now);
            hands.turn();
            End::Told(id)
        }
        Refusal::NumbersExhausted => {
            hands.transfer();
            End::Told(hands.call(open))
        }
        Refusal::SessionLost => {
            hands.socket_room = 0;
            let id = hands.call(open);
            let conn = hands.conn(OUT);
            hands.closed(conn, CloseReason::Reset);
            End::Told(id)
        }
        Refusal::Draining => {
            hands.core.drain(hands.now.mono + Duration::from_secs(1), hands.now);
            hands.turn();
            refused(&mut hands, open)
        }
        Refusal::JournalFailed => {
            hands.core.handle_journal_failed("gone", hands.now);
            hands.turn();
            refused(&mut hands, open)
        }
        Refusal::JournalFull => {
            hands.is_durable = false;
            hands.transfer();
            refused(&mut hands, open)
        }
        Refusal::Stopped => {
            hands.transfer();
            hands.transfer();
            let id = hands.call(open);
            hands = hands.restart();
            assert_eq!(hands.told(id), ["FAILURE NOT_SENT STOPPED"]);
            End::AtOnce(Refusal::Stopped)
        }
        Refusal::UnknownNotice => {
            let code = Some(Box::from(*b"0000"));
            let reply =
                ServiceReply { notice: NoticeId(7), caller: "ledger".into(), response_code: code, telegram: None };
            End::AtOnce(hands.core.reply(reply, hands.now).unwrap_err().0)
        }
        Refusal::NotInquirable => End::AtOnce(hands.inquire(ExchangeId(7)).unwrap_err()),
    };
    (hands, end)
}

/// One number of bank 088 is left.
fn few_numbers() -> Hands {
    let mut hands = Hands::open();
    let block = pabal_switch::entry::NumberBlock {
        protocol: "firmbanking".into(),
        scope: Bytes::from(&b"20261121088COMPANY1    "[..]),
        date: pabal_clock::BusinessDate::from_date(pabal_clock::Date::new(2_026, 11, 21).unwrap()),
        until: 950_000,
    };
    hands.journal.push(("number_block".into(), pabal_switch::Entry::NumberBlock(block).encode(&|_| [0; 32])));
    let mut hands = hands.restart();
    hands.after_secs(21);
    hands.connect_pair();
    hands
}

#[test]
fn each_refusal_can_happen_and_proves_that_nothing_left() {
    let by_the_shell = [Refusal::UnknownInstitution, Refusal::UnknownExchange, Refusal::InvalidFields];
    for refusal in Refusal::ALL.iter().filter(|refusal| !by_the_shell.contains(refusal)) {
        let (hands, end) = scenario(*refusal);
        match end {
            End::AtOnce(told) => assert_eq!(told, *refusal),
            End::Told(id) => assert_eq!(hands.told(id), [format!("error {refusal}")]),
        }
        for (conn, stream) in &hands.streams {
            let has_mark = stream.windows(6).any(|bytes| bytes == b"MARKED");
            assert!(!has_mark, "{refusal}: bytes left by {conn:?}");
        }
    }
}

#[test]
fn a_request_that_comes_after_its_deadline_is_refused_at_once() {
    let mut hands = Hands::open();
    let mut open = marked(&hands);
    open.deadline = hands.now.mono + Duration::from_millis(100);
    assert_eq!(hands.try_open(open), Err(Refusal::DeadlinePassed));
}

#[test]
fn nothing_is_journaled_of_a_request_that_is_refused_at_once() {
    let mut hands = Hands::open();
    let before = hands.journal.len();
    let mut open = marked(&hands);
    open.telegram = open.telegram[..open.telegram.len() - 1].into();
    assert_eq!(hands.try_open(open), Err(Refusal::WrongTelegram));
    assert_eq!(hands.journal.len(), before);
}
