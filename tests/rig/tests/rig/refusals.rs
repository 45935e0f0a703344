//! Each reason for a refusal, made to happen over real sockets: the error proves that nothing left, and the bank, which counts every byte,
//! agrees. Where nobody waits, `Find` says FAILURE, NOT_SENT and the reason.

use std::time::Duration;

use pabal_clock::Wall;
use pabal_front::Proof;
use pabal_front::proto::{ExchangeResponse, FoundExchange, Reason, exchange_request};
use pabal_gateway::Health;
use pabal_rig::{
    ANSWERS, Asked, Options, Outcome, REQUESTS, Rig, Standing, expect_error, run, scenario, soon, spec, spec_with,
    transfer,
};
use pabal_simulator::computer_clock;
use pabal_switch::{OpeningState, Refusal, SessionState};
use tokio::task::JoinHandle;
use tonic::{Code, Status};

/// Makes a test of each case. A reason without one does not build: the match has no arm for the rest.
macro_rules! cases {
    ($($refusal:ident $code:ident $case:ident)*) => {
        /// The status code that belongs to a reason.
        const fn code(refusal: Refusal) -> Code {
            match refusal {
                $(Refusal::$refusal => Code::$code,)*
                // These have no case here yet.
                Refusal::NumberInUse => Code::Unavailable,
                Refusal::UnknownNotice => Code::InvalidArgument,
            }
        }

        $(
            #[test]
            fn $case() {
                run(case::$case(Refusal::$refusal));
            }
        )*
    };
}

cases! {
    UnknownInstitution InvalidArgument    unknown_institution
    UnknownExchange    InvalidArgument    unknown_exchange
    InvalidFields      InvalidArgument    invalid_fields
    UnknownParty       InvalidArgument    unknown_party
    WrongTelegram      InvalidArgument    wrong_telegram
    KeyReused          AlreadyExists      key_reused
    KeyFenced          AlreadyExists      key_fenced
    Blocked            FailedPrecondition blocked
    OutOfHours         FailedPrecondition out_of_hours
    NotOpen            FailedPrecondition not_open
    SendDown           Unavailable        send_down
    ReceiveDown        Unavailable        receive_down
    RateExceeded       ResourceExhausted  rate_exceeded
    QueueFull          ResourceExhausted  queue_full
    DeadlineTooShort   DeadlineExceeded   deadline_too_short
    DeadlinePassed     DeadlineExceeded   deadline_passed
    Abandoned          Unavailable        abandoned
    DateChanged        FailedPrecondition date_changed
    NumbersExhausted   ResourceExhausted  numbers_exhausted
    SessionLost        Unavailable        session_lost
    Draining           Unavailable        draining
    JournalFailed      Unavailable        journal_failed
    JournalFull        ResourceExhausted  journal_full
    Stopped            Unavailable        stopped
    NotInquirable      FailedPrecondition not_inquirable
}

/// Asserts that a call was refused for this reason, and gives what a person reads.
fn refused<T: std::fmt::Debug>(called: Result<T, Status>, refusal: Refusal) -> (String, Proof) {
    let (status, proof) = pabal_rig::refused(called, refusal, code(refusal));
    assert!(status.message().starts_with(refusal.sentence().trim_end_matches('.')), "{}", status.message());
    (status.message().to_owned(), proof)
}

/// Asserts that nobody waited, and that `Find` tells why nothing was sent.
fn not_sent(found: &FoundExchange, refusal: Refusal) {
    assert_eq!((found.outcome(), found.cause()), (Outcome::Failure, Reason::NotSent), "{found:?}");
    assert_eq!(found.refusal(), Reason::from(refusal), "{found:?}");
}

/// What became of an exchange, once that is durable.
async fn outcome(rig: &Rig, found: &FoundExchange) -> FoundExchange {
    let has_outcome = |found: &FoundExchange| found.outcome() != Outcome::Unspecified;
    rig.wait_found("it has an outcome", &found.exchange_id, has_outcome).await
}

type Call = JoinHandle<Result<ExchangeResponse, Status>>;

/// A silent bank and a window of one: the first call fills it, and whoever comes next waits.
async fn full_window(limits: &str) -> (Rig, Call) {
    let options = Options {
        scenario: scenario("silent"),
        line: "window = 1".to_owned(),
        limits: limits.to_owned(),
        ..Options::default()
    };
    let rig = Rig::open_with(options).await;
    let first = fill(&rig).await;
    (rig, first)
}

async fn fill(rig: &Rig) -> Call {
    let asked = transfer(1);
    let first = rig.spawn(&asked);
    rig.wait_seen(&asked).await;
    first
}

/// Waits until the institution's health says this.
async fn health(rig: &Rig, why: &str) {
    let mut health = rig.handle().health("hecto").unwrap();
    let says = |health: &Health| matches!(health, Health::NotServing(text) if text.starts_with(why));
    soon(why, health.wait_for(says)).await.unwrap();
}

/// Waits until so many requests wait for room.
async fn waiting(rig: &Rig, count: u32) {
    rig.wait_status("a request waits", |status| (status.waiting == count).then_some(())).await;
}

async fn in_flight(rig: &Rig, count: u32) {
    rig.wait_status("a request is in flight", |status| (status.in_flight == count).then_some(())).await;
}

mod case {
    use super::*;

    pub(super) async fn unknown_institution(refusal: Refusal) {
        let mut rig = Rig::open().await;
        let mut asked = transfer(1);
        asked.request.institution = "hekto".to_owned();
        let (text, _) = refused(rig.call(&asked).await, refusal);
        assert!(text.contains("did you mean `hecto`?"), "{text}");
        rig.assert_nothing_left(&[&asked]).await;
    }

    pub(super) async fn unknown_exchange(refusal: Refusal) {
        let mut rig = Rig::open().await;
        let mut asked = transfer(1);
        asked.request.exchange = "transfr".to_owned();
        let (text, _) = refused(rig.call(&asked).await, refusal);
        assert!(text.contains("did you mean `transfer`?"), "{text}");
        rig.assert_nothing_left(&[&asked]).await;
    }

    pub(super) async fn invalid_fields(refusal: Refusal) {
        let mut rig = Rig::open().await;
        // Two things are wrong, and both are told.
        let asked = transfer(1).text("credit_bank_code", "04").text("debit_amt", "10.5");
        let (text, proof) = refused(rig.call(&asked).await, refusal);
        let mut fields: Vec<_> = proof.violations.iter().map(|(field, _)| &**field).collect();
        fields.sort_unstable();
        assert_eq!(fields, ["credit_bank_code", "debit_amt"], "{text}");
        rig.assert_nothing_left(&[&asked]).await;
    }

    pub(super) async fn unknown_party(refusal: Refusal) {
        let mut rig = Rig::open().await;
        let mut asked = transfer(1);
        asked.request.party = "night".to_owned();
        let (text, _) = refused(rig.call(&asked).await, refusal);
        assert!(text.contains("there are: main"), "{text}");
        rig.assert_nothing_left(&[&asked]).await;
    }

    pub(super) async fn wrong_telegram(refusal: Refusal) {
        let mut rig = Rig::open().await;
        let good = transfer(1);
        rig.succeed(&good).await;
        // The telegram of a transfer, with its mark and type changed.
        let raw = |asked: &mut Asked, kind: &[u8]| {
            let mut telegram = rig.seen(&good)[0].telegram.to_vec();
            let at = telegram.windows(12).position(|window| window == good.mark.as_bytes()).unwrap();
            telegram[at..at + 12].copy_from_slice(asked.mark.as_bytes());
            telegram[24..28].copy_from_slice(kind);
            asked.request.body = Some(exchange_request::Body::Raw(telegram));
        };
        let (mut wrong, mut right) = (transfer(1), transfer(1));
        raw(&mut wrong, b"7000");
        raw(&mut right, b"2000");
        let (text, _) = refused(rig.call(&wrong).await, refusal);
        assert!(text.contains("`7000`") && text.contains("`2000`"), "{text}");
        rig.succeed(&right).await;
        assert_eq!(rig.seen(&right).len(), 1);
        rig.assert_nothing_left(&[&wrong]).await;
    }

    pub(super) async fn key_reused(refusal: Refusal) {
        let mut rig = Rig::open().await;
        let first = rig.succeed(&transfer(1).keyed("salary")).await;
        let other = transfer(2).keyed("salary");
        let (text, _) = refused(rig.call(&other).await, refusal);
        assert!(text.contains(&first.exchange_id), "{text}");
        rig.assert_nothing_left(&[&other]).await;
    }

    pub(super) async fn key_fenced(refusal: Refusal) {
        let mut rig = Rig::open().await;
        let key = pabal_front::proto::find_request::Key::IdempotencyKey("lost".to_owned());
        let Standing::NotFound(not_found) = rig.find(key, true).await else { panic!("it is known") };
        assert!(not_found.fenced);
        let straggler = transfer(1).keyed("lost");
        refused(rig.call(&straggler).await, refusal);
        // Also in the next process.
        rig.kill().await;
        rig.start_again().await;
        rig.wait_open().await;
        refused(rig.call(&straggler).await, refusal);
        rig.assert_nothing_left(&[&straggler]).await;
    }

    pub(super) async fn blocked(refusal: Refusal) {
        let party = "[[institutions.hecto.controls]]\nname = \"drill\"\nexchanges = [\"transfer\"]\nparticipants = [\"088\"]\n\
                     fields = { debit_account = \"110 to 112\" }\nmessage = \"점검 중입니다\"\nreason = \"nobody may hear this\"";
        let mut rig = Rig::open_with(Options { party: party.to_owned(), ..Options::default() }).await;
        let meant = transfer(1);
        let (text, _) = refused(rig.call(&meant).await, refusal);
        assert!(text.contains("`transfer` with `088` is blocked by control `drill`: 점검 중입니다"), "{text}");
        assert!(!text.contains("nobody may hear this"), "{text}");
        // Another account is not meant.
        rig.succeed(&transfer(1).text("debit_account", "21012345678901")).await;
        rig.assert_nothing_left(&[&meant]).await;
    }

    pub(super) async fn rate_exceeded(refusal: Refusal) {
        let party = "[[institutions.hecto.rates]]\nin_flight = 1\nover = \"refuse\"";
        let options = Options { scenario: scenario("silent"), party: party.to_owned(), ..Options::default() };
        let mut rig = Rig::open_with(options).await;
        let _first = fill(&rig).await;
        let second = transfer(2);
        let (text, _) = refused(rig.call(&second).await, refusal);
        assert!(text.contains("1 requests for compartment `088` are unanswered, as many as may be"), "{text}");
        rig.assert_nothing_left(&[&second]).await;
    }

    pub(super) async fn deadline_too_short(refusal: Refusal) {
        let mut rig = Rig::open().await;
        let mut hasty = transfer(1);
        hasty.request.accept_early_unknown = false;
        let (text, _) = refused(rig.call(&hasty).await, refusal);
        assert!(text.contains("`transfer` needs 30100ms (30000ms for the answer, 100ms to tell it)"), "{text}");
        // Who has the time is served, and so is who says nothing: the gateway's own time is long enough.
        for timeout in [Some(Duration::from_secs(40)), None] {
            let mut patient = transfer(1);
            (patient.request.accept_early_unknown, patient.timeout) = (false, timeout);
            rig.succeed(&patient).await;
        }
        rig.assert_nothing_left(&[&hasty]).await;
    }

    pub(super) async fn out_of_hours(refusal: Refusal) {
        let party = "[[institutions.hecto.hours]]\nclosed = \"every day\"\nexchanges = [\"transfer\"]\nparticipants = [\"004\"]";
        let participants = vec!["088", "004"];
        let options = Options { party: party.to_owned(), participants, ..Options::default() };
        let mut rig = Rig::open_with(options).await;
        let shut = transfer(1).text("bank_code", "004");
        let (text, _) = refused(rig.call(&shut).await, refusal);
        assert!(text.contains("`transfer` with `004` is not taken now: closed every day"), "{text}");
        // One bank's hours are its own.
        rig.succeed(&transfer(1)).await;
        rig.assert_nothing_left(&[&shut]).await;
    }

    pub(super) async fn not_open(refusal: Refusal) {
        // Bank 004 says to its opening what it says to a transfer over the limit.
        let refusing =
            "[[reply]]\nexchange = \"open\"\nmatch.bank_code = \"004\"\nresponse_code = \"7406\"\n\n[[reply]]";
        let scenario = scenario("normal").replacen("[[reply]]", refusing, 1);
        let mut rig = Rig::start(Options { scenario, participants: vec!["088", "004"], ..Options::default() }).await;
        rig.wait_status("088 is open and 004 has refused", |status| {
            let state =
                |bank: &[u8]| status.openings.iter().find(|one| one.key.values.iter().any(|value| **value == *bank));
            let (open, refused) = (state(b"088")?, state(b"004")?);
            (open.state == OpeningState::Open && refused.reason.is_some()).then_some(())
        })
        .await;
        let shut = transfer(1).text("bank_code", "004");
        let (text, _) = refused(rig.call(&shut).await, refusal);
        assert!(text.contains("PABALCO1, 004") && text.contains("7406"), "{text}");
        let strange = transfer(1).text("bank_code", "011");
        let (text, _) = refused(rig.call(&strange).await, Refusal::UnknownParty);
        assert!(text.contains("with `011`; there are: main"), "{text}");
        // One bank's trouble stays its own.
        rig.succeed(&transfer(1)).await;
        rig.assert_nothing_left(&[&shut, &strange]).await;
    }

    pub(super) async fn send_down(refusal: Refusal) {
        let mut rig = Rig::open_with(Options { reconnect: "60s", ..Options::default() }).await;
        rig.bank().close_line(REQUESTS);
        rig.wait_line("out", false).await;
        let asked = transfer(1);
        let (text, _) = refused(rig.call(&asked).await, refusal);
        assert!(text.contains("lines: out)"), "{text}");
        health(&rig, "send half down: line out (").await;
        rig.assert_nothing_left(&[&asked]).await;
    }

    pub(super) async fn receive_down(refusal: Refusal) {
        let mut rig = Rig::open().await;
        rig.bank().close_line(ANSWERS);
        rig.wait_line("in", false).await;
        let asked = transfer(1);
        let (text, _) = refused(rig.call(&asked).await, refusal);
        assert!(text.contains("lines: in)"), "{text}");
        health(&rig, "receive half down: line in (").await;
        // The sending half is up all the while, and takes the next transfer when the other is back.
        rig.bank().open_line(ANSWERS);
        rig.wait_open().await;
        rig.succeed(&transfer(2)).await;
        rig.assert_nothing_left(&[&asked]).await;
    }

    pub(super) async fn queue_full(refusal: Refusal) {
        let (mut rig, first) = full_window("waiting_max = 1").await;
        let (second, third) = (transfer(2), transfer(3));
        let waits = rig.spawn(&second);
        waiting(&rig, 1).await;
        let (text, _) = refused(rig.call(&third).await, refusal);
        assert!(text.contains("1 requests for compartment `088` wait already"), "{text}");
        rig.assert_nothing_left(&[&second, &third]).await;
        for call in [first, waits] {
            soon("the call ends with its connection", call).await.unwrap().unwrap_err();
        }
    }

    pub(super) async fn deadline_passed(refusal: Refusal) {
        // Told long before the client's own timer, which is the same.
        let (mut rig, _first) = full_window("caller_margin = \"1s\"").await;
        let asked = transfer(2).within(Duration::from_millis(1_300));
        let (_, proof) = refused(rig.call(&asked).await, refusal);
        not_sent(&rig.find_exchange(&proof.exchange_id).await, refusal);
        rig.assert_nothing_left(&[&asked]).await;
    }

    pub(super) async fn abandoned(refusal: Refusal) {
        let (mut rig, _first) = full_window("").await;
        let asked = transfer(2).keyed("impatient");
        let call = rig.spawn(&asked);
        waiting(&rig, 1).await;
        call.abort();
        waiting(&rig, 0).await;
        let found = rig.find_key("impatient").await.known();
        not_sent(&outcome(&rig, &found).await, refusal);
        // Asked again, it is answered from its exchange: by an outcome, since nobody waited for it.
        let again = rig.call(&asked).await.unwrap();
        assert_eq!(
            (again.exchange_id, again.outcome, again.cause, again.refusal),
            (found.exchange_id, Outcome::Failure.into(), Reason::NotSent.into(), Reason::Abandoned.into())
        );
        rig.assert_nothing_left(&[&asked]).await;
    }

    pub(super) async fn date_changed(refusal: Refusal) {
        // The gateway's clock cannot be moved, so the day of this spec changes soon: as soon as the machine is quick enough for.
        for ahead in [2, 6, 15] {
            let changes = computer_clock().wall.as_unix_micros() / 1_000_000 + ahead;
            let mut spec = spec();
            let zone = pabal_spec::load(&spec).expect("it is right").institution.protocols[0].day.zone;
            let time = Wall::from_unix_seconds(changes).civil(zone).time;
            let day = format!("day          changes {time}");
            // A day that ends at once has no time to ask about what is UNKNOWN, and the configuration would be refused for that.
            let asks = "unknown inquire transfer_result after 5m every 5m until 23:25 same send_date, then list";
            let source = spec.iter_mut().find(|source| source.text.contains(asks)).expect("transfers are asked about");
            assert!(source.text.contains("day          changes 00:00"), "the day changes at midnight");
            source.text = source.text.replacen("day          changes 00:00", &day, 1).replacen(asks, "unknown list", 1);
            // On a machine that is too slow it is the next date already, on which business opens at once as well.
            source.text = source.text.replacen("from 00:05 {", &format!("from {time} {{"), 1);
            let options =
                Options { scenario: scenario("silent"), spec, line: "window = 1".to_owned(), ..Options::default() };
            let mut rig = Rig::open_with(options).await;
            let _first = fill(&rig).await;
            let asked = transfer(2);
            let call = rig.spawn(&asked);
            waiting(&rig, 1).await;
            if computer_clock().wall.as_unix_micros() >= changes * 1_000_000 {
                continue;
            }
            refused(soon("the date changes", call).await.unwrap(), refusal);
            assert!(computer_clock().wall.as_unix_micros() >= changes * 1_000_000, "not before its time");
            rig.assert_nothing_left(&[&asked]).await;
            return;
        }
        panic!("the machine is too slow to be ready before a date changes");
    }

    pub(super) async fn numbers_exhausted(refusal: Refusal) {
        let options = Options {
            spec: spec_with("1..950000 warn 900000", "1..3 warn 3"),
            limits: "number_block = 1".to_owned(),
            ..Options::default()
        };
        let mut rig = Rig::open_with(options).await;
        // The opening has taken the first.
        for amount in 1..=2 {
            rig.succeed(&transfer(amount)).await;
        }
        let asked = transfer(3);
        refused(rig.call(&asked).await, refusal);
        rig.assert_nothing_left(&[&asked]).await;
    }

    pub(super) async fn session_lost(refusal: Refusal) {
        let mut rig = Rig::open().await;
        let held = rig.gateway().journal().pause();
        let asked = transfer(1);
        let call = rig.spawn(&asked);
        in_flight(&rig, 1).await;
        rig.bank().close_line(REQUESTS);
        rig.wait_status("the session is seen to be closed", |status| {
            let session = status.sessions.iter().find(|session| *session.line == *"out")?;
            (session.closed.is_some() && session.state != SessionState::Up).then_some(())
        })
        .await;
        drop(held);
        let (text, _) = refused(soon("the call returns", call).await.unwrap(), refusal);
        assert!(text.contains("peer_closed"), "{text}");
        rig.assert_nothing_left(&[&asked]).await;
    }

    pub(super) async fn draining(refusal: Refusal) {
        let mut rig = Rig::open().await;
        let held = rig.gateway().journal().pause();
        let (early, late) = (transfer(1), transfer(2));
        let call = rig.spawn(&early);
        in_flight(&rig, 1).await;
        let drain = rig.drain(Duration::from_secs(20));
        rig.wait_status("it drains", |status| status.draining.then_some(())).await;
        refused(rig.call(&late).await, refusal);
        // What was taken in before is still sent and answered; then the sessions close.
        drop(held);
        assert_eq!(soon("the call returns", call).await.unwrap().unwrap().outcome(), Outcome::Success);
        let summary = soon("the drain ends", drain).await.unwrap();
        assert!(summary.is_complete(), "{summary:?}");
        rig.assert_nothing_left(&[&late]).await;
    }

    pub(super) async fn journal_failed(refusal: Refusal) {
        expect_error("the journal has failed");
        let options = Options { journal: "journal_bytes_max = \"1MiB\"".to_owned(), ..Options::default() };
        let mut rig = Rig::open_with(options).await;
        // Fences fill the file and send nothing. The one that does not fit any more is told so.
        let fill = async {
            for at in 0.. {
                let key = format!("{at:0>128}");
                let find = pabal_gateway::Find {
                    institution: "hecto".to_owned(),
                    key: pabal_gateway::FindKey::Idempotency { caller: "rig".to_owned(), key },
                    fence: true,
                };
                if let Err(error) = rig.handle().find(find).await {
                    return error;
                }
            }
            unreachable!("the file is never full")
        };
        let error = tokio::time::timeout(Duration::from_secs(60), fill).await.unwrap();
        assert_eq!(error.refusal, refusal);
        let asked = transfer(1);
        let (text, _) = refused(rig.call(&asked).await, refusal);
        assert!(text.contains("no room"), "{text}");
        rig.assert_nothing_left(&[&asked]).await;
    }

    pub(super) async fn journal_full(refusal: Refusal) {
        let mut rig =
            Rig::open_with(Options { limits: "undurable_entries_max = 4".to_owned(), ..Options::default() }).await;
        // Its outcome is heard when all entries before it are durable.
        rig.succeed(&transfer(4)).await;
        let held = rig.gateway().journal().pause();
        let (first, second, third) = (transfer(1), transfer(2), transfer(3));
        // Two entries each.
        let running = [rig.spawn(&first), rig.spawn(&second)];
        in_flight(&rig, 2).await;
        let (text, _) = refused(rig.call(&third).await, refusal);
        assert!(text.contains("entries wait to become durable"), "{text}");
        drop(held);
        for call in running {
            assert_eq!(soon("the call returns", call).await.unwrap().unwrap().outcome(), Outcome::Success);
        }
        rig.assert_nothing_left(&[&third]).await;
    }

    pub(super) async fn stopped(refusal: Refusal) {
        // While it waits the process dies: the next one proves that it was not sent.
        let (mut rig, _first) = full_window("").await;
        let waits = transfer(2).keyed("unlucky");
        let call = rig.spawn(&waits);
        waiting(&rig, 1).await;
        rig.kill().await;
        assert_eq!(Proof::of(&soon("the connection breaks", call).await.unwrap().unwrap_err()), None);
        rig.start_again().await;
        let found = rig.find_key("unlucky").await.known();
        not_sent(&outcome(&rig, &found).await, refusal);
        // When the drivers have gone and the front has not yet, the caller hears it.
        rig.wait_open().await;
        let summary = soon("the drain ends", rig.drain(Duration::from_secs(10))).await.unwrap();
        assert!(summary.is_complete(), "{summary:?}");
        let late = transfer(3);
        refused(rig.call(&late).await, refusal);
        rig.assert_nothing_left(&[&waits, &late]).await;
    }

    pub(super) async fn not_inquirable(refusal: Refusal) {
        let mut rig = Rig::open().await;
        let done = rig.succeed(&transfer(1)).await;
        let requests = |rig: &Rig| rig.bank().read(|ledger| ledger.totals().requests);
        let before = requests(&rig);
        for exchange in [done.exchange_id.as_str(), "01920000-0000-7000-8000-000000000000"] {
            let status = rig.inquire(exchange).await.unwrap_err();
            assert_eq!(pabal_front::client::reason(&status).as_deref(), Some(refusal.word()));
            assert_eq!(status.code(), code(refusal));
            // The transfer has left; an error about a question must not look like a proof that it has not.
            assert_eq!(Proof::of(&status), None);
            assert!(status.message().contains(exchange), "{}", status.message());
        }
        // The next transfer comes behind whatever left before it.
        rig.succeed(&transfer(2)).await;
        assert_eq!(requests(&rig), before + 1);
        rig.assert_nothing_left(&[]).await;
    }
}
