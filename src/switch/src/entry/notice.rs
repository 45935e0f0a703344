//! What is written down of a notice: that it came, what it is about, who has it, what was replied, and which of its numbers is missing.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use pabal_clock::{BusinessDate, Wall};
use pabal_spec::Digest;
use serde::{Deserialize, Serialize};

use super::{Frame, Place};
use crate::bytes::Bytes;
use crate::gap::GapEnd;
use crate::id::{ExchangeId, NoticeId};

/// What is known of a notice when it comes first, and does not change; but one that first came as the answer to our question has the rule
/// and the version of its own telegram as soon as that comes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoticeAbout {
    /// The protocol's name.
    pub protocol: Box<str>,
    /// The notice's rule, by name.
    pub rule: Box<str>,
    /// The version of the spec.
    pub spec: Digest,
    /// The bytes of the participant field; empty if the protocol has none.
    pub participant: Bytes,
    /// The business date on which it came.
    pub date: BusinessDate,
    /// When it came.
    pub received_at: Wall,
    /// The bytes of the header field that holds telegram numbers.
    pub number: Bytes,
    /// The exchange that it answers, if that asked for a hole in their numbers.
    pub recovered_by: Option<ExchangeId>,
    /// The `traceparent` that the gateway made for it, or that of the exchange which it answers.
    pub trace: Arc<str>,
}

/// Where a notice stands among the institution's numbers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Numbered {
    /// The bytes that mark the notices which are numbered together.
    pub kind: Bytes,
    /// The bytes of the scope's fields.
    pub scope: Bytes,
    /// The number.
    pub number: u64,
    /// The first number of a scope, if the spec says it.
    pub first: Option<u64>,
}

/// The institution told us something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoticeReceived {
    /// Which; the same for each repetition.
    pub notice: NoticeId,
    /// What it is. A repetition has that of the first telegram of its own layout.
    pub about: Arc<NoticeAbout>,
    /// By which connection.
    pub place: Place,
    /// The correlation key's bytes.
    pub key: Bytes,
    /// Where it stands among their numbers, if these are followed. In a box, so that no entry is larger than those of each exchange need.
    pub numbered: Option<Box<Numbered>>,
    /// It was here before.
    pub repeated: bool,
    /// The business date on which it came so, if that is another one than when it came first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub again_on: Option<BusinessDate>,
    /// Until when a service may say what is replied, by the wall clock, so that a start does not count anew. `None` if none may.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_until: Option<Wall>,
    /// A hash of the body but for its secret bytes: one that comes again has the same.
    pub content: u64,
    /// The telegram.
    pub telegram: Frame,
}

/// A service has a notice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoticeDelivered {
    /// Which.
    pub notice: NoticeId,
    /// For the columns only.
    #[serde(skip)]
    pub about: Option<Arc<NoticeAbout>>,
    /// Who has it.
    pub caller: Box<str>,
}

/// It is said what is replied to a notice. The reply may leave as soon as this is durable. That it has left is said by how far the stream was
/// written when a later entry about the connection was made: of this kind, that a request is sent by it, or that it ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoticeReplied {
    /// To which.
    pub notice: NoticeId,
    /// For the columns only.
    #[serde(skip)]
    pub about: Option<Arc<NoticeAbout>>,
    /// The service that says what is replied; empty if the spec does.
    pub caller: Box<str>,
    /// By which connection; `None` if none could take it: it waits for one.
    pub place: Option<Place>,
    /// Where its frame begins in the connection's stream.
    #[serde(default)]
    pub offset: u64,
    /// And where it ends.
    #[serde(default)]
    pub end: u64,
    /// How far the system had taken the stream.
    #[serde(default)]
    pub written: u64,
    /// The reply.
    pub telegram: Frame,
}

/// A notice is about an exchange of ours, and everything that confirms it agrees. The exchange's outcome stays.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoticeJoined {
    /// Which notice.
    pub notice: NoticeId,
    /// For the columns only.
    #[serde(skip)]
    pub about: Option<Arc<NoticeAbout>>,
    /// About which exchange.
    pub exchange: ExchangeId,
}

/// A notice names an exchange of ours that it cannot be about: a person has to look at it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoticeNotJoined {
    /// Which notice.
    pub notice: NoticeId,
    /// For the columns only.
    #[serde(skip)]
    pub about: Option<Arc<NoticeAbout>>,
    /// The exchange that has the number, if one has.
    pub exchange: Option<ExchangeId>,
    /// The field that differs, or that there is no such exchange.
    pub reason: String,
}

/// Numbers of theirs are no longer missing, or no longer asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GapClosed {
    /// The protocol's name.
    pub protocol: Box<str>,
    /// The rule of the notices, by name.
    pub rule: Box<str>,
    /// The bytes that mark the notices which are numbered together.
    pub kind: Bytes,
    /// The bytes of the scope's fields.
    pub scope: Bytes,
    /// The business date.
    pub date: BusinessDate,
    /// First and last of each run of numbers.
    pub numbers: Vec<(u64, u64)>,
    /// Why.
    pub reason: GapEnd,
    /// The exchange that was answered so, if one was.
    pub exchange: Option<ExchangeId>,
}

#[cfg(test)]
mod tests {
    use std::string::ToString;
    use std::vec;

    use pabal_clock::Date;
    use pabal_telegram::Slice;

    use super::*;
    use crate::entry::Entry;

    const NOTICE: NoticeId = NoticeId(0x0123_4567_89ab_7def_8123_4567_89ab_cdef);
    const EXCHANGE: ExchangeId = ExchangeId(0x0123_4567_89ab_7def_8123_4567_89ab_ffff);
    const TRACE: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    fn about() -> Arc<NoticeAbout> {
        Arc::new(NoticeAbout {
            protocol: "firmbanking".into(),
            rule: "deposit".into(),
            spec: Digest(7),
            participant: Bytes::from(&b"088"[..]),
            date: BusinessDate::from_date(Date::new(2_026, 11, 21).unwrap()),
            received_at: Wall::from_unix_seconds(1_795_222_800),
            number: Bytes::from(&b"000004"[..]),
            recovered_by: Some(EXCHANGE),
            trace: TRACE.into(),
        })
    }

    fn telegram() -> Frame {
        Frame::new(b"public SECRET", &[Slice { offset: 7, len: 6 }])
    }

    fn place() -> Place {
        Place { line: "out".into(), slot: 1, epoch: 3 }
    }

    /// As it is stored, and what it is found by.
    fn stored(entry: &Entry) -> (Entry, crate::Columns) {
        let body = entry.encode(&|_| [0xab; 32]);
        let is_in = |secret: &[u8]| body.windows(secret.len()).any(|part| part == secret);
        assert!(!is_in(b"SECRET") && !is_in(b"534543524554"), "no secret byte is stored");
        (Entry::decode(entry.kind(), entry.version(), &body).unwrap(), entry.columns())
    }

    fn of_notice(columns: &crate::Columns) {
        assert_eq!(columns.protocol.as_deref(), Some("firmbanking"));
        assert_eq!(columns.participant.as_deref(), Some("088"));
        assert_eq!(columns.their_number.as_deref(), Some("000004"));
        assert_eq!(columns.business_date, Some(20_261_121));
        assert_eq!(columns.trace_context.as_deref(), Some(TRACE));
    }

    #[test]
    fn a_received_notice_is_found_by_its_id_number_and_trace_and_by_who_asked_for_it() {
        let numbered =
            Numbered { kind: Bytes::from(&b"4000100"[..]), scope: Bytes::from(&b"088"[..]), number: 4, first: None };
        let entry = NoticeReceived {
            notice: NOTICE,
            about: about(),
            place: place(),
            key: Bytes::from(&b"20261121088000004"[..]),
            numbered: Some(Box::new(numbered)),
            repeated: true,
            again_on: Some(BusinessDate::from_date(Date::new(2_026, 11, 22).unwrap())),
            reply_until: Some(Wall::from_unix_seconds(1_795_222_805)),
            content: 42,
            telegram: telegram(),
        };
        let (read, columns) = stored(&Entry::NoticeReceived(entry.clone()));
        let Entry::NoticeReceived(read) = read else { panic!("of its kind") };
        assert_eq!(*read.telegram.bytes, *b"public ******");
        assert_eq!(NoticeReceived { telegram: entry.telegram.clone(), ..read }, entry);
        of_notice(&columns);
        assert_eq!(columns.exchange.as_deref(), Some(&*NOTICE.to_string()));
        assert_eq!(columns.parent.as_deref(), Some(&*EXCHANGE.to_string()));
        assert_eq!(columns.correlation_key.as_deref(), Some("20261121088000004"));
        assert_eq!((columns.session.as_deref(), columns.epoch), (Some("out/1"), Some(3)));
    }

    #[test]
    fn a_reply_and_a_delivery_say_whose_they_are() {
        let caller: Box<str> = "ledger".into();
        let reply = NoticeReplied {
            notice: NOTICE,
            about: Some(about()),
            caller: caller.clone(),
            place: Some(place()),
            offset: 304,
            end: 608,
            written: 20,
            telegram: telegram(),
        };
        let (read, columns) = stored(&Entry::NoticeReplied(reply.clone()));
        let Entry::NoticeReplied(read) = read else { panic!("of its kind") };
        assert_eq!(NoticeReplied { about: reply.about.clone(), telegram: telegram(), ..read }, reply);
        of_notice(&columns);
        assert_eq!((columns.caller.as_deref(), columns.stream_offset), (Some("ledger"), Some(304)));
        assert_eq!((columns.session.as_deref(), columns.epoch), (Some("out/1"), Some(3)));

        let waiting = NoticeReplied { place: None, offset: 0, end: 0, written: 0, ..reply };
        let (_, columns) = stored(&Entry::NoticeReplied(waiting));
        of_notice(&columns);
        assert_eq!((columns.session, columns.stream_offset), (None, None), "nothing is in a stream");

        let delivered = NoticeDelivered { notice: NOTICE, about: Some(about()), caller };
        let (read, columns) = stored(&Entry::NoticeDelivered(delivered.clone()));
        assert_eq!(read, Entry::NoticeDelivered(NoticeDelivered { about: None, ..delivered }));
        of_notice(&columns);
        assert_eq!(columns.caller.as_deref(), Some("ledger"));
    }

    #[test]
    fn a_join_is_found_with_its_exchange() {
        let joined = NoticeJoined { notice: NOTICE, about: Some(about()), exchange: EXCHANGE };
        let (read, columns) = stored(&Entry::NoticeJoined(joined.clone()));
        assert_eq!(read, Entry::NoticeJoined(NoticeJoined { about: None, ..joined }));
        of_notice(&columns);
        assert_eq!(columns.exchange.as_deref(), Some(&*EXCHANGE.to_string()));
        assert_eq!(columns.parent.as_deref(), Some(&*NOTICE.to_string()));

        let reason = "`req_amt` differs".to_string();
        let other = NoticeNotJoined { notice: NOTICE, about: Some(about()), exchange: Some(EXCHANGE), reason };
        let (read, columns) = stored(&Entry::NoticeNotJoined(other.clone()));
        assert_eq!(read, Entry::NoticeNotJoined(NoticeNotJoined { about: None, ..other }));
        of_notice(&columns);
        assert_eq!(columns.exchange.as_deref(), Some(&*NOTICE.to_string()));
        assert_eq!(columns.parent.as_deref(), Some(&*EXCHANGE.to_string()));
    }

    #[test]
    fn a_closed_gap_says_which_numbers_and_why() {
        let closed = GapClosed {
            protocol: "firmbanking".into(),
            rule: "deposit".into(),
            kind: Bytes::from(&b"4000100"[..]),
            scope: Bytes::from(&b"20261121088"[..]),
            date: about().date,
            numbers: vec![(2, 3), (6, 6)],
            reason: GapEnd::DateChanged,
            exchange: None,
        };
        let (read, columns) = stored(&Entry::GapClosed(closed.clone()));
        assert_eq!(read, Entry::GapClosed(closed));
        assert_eq!(columns.cause.as_deref(), Some("DATE_CHANGED"));
        assert_eq!((columns.their_number.as_deref(), columns.business_date), (Some("2"), Some(20_261_121)));
        assert_eq!(columns.correlation_key.as_deref(), Some("20261121088"));
    }
}
