//! What a service is given of a notice, what it says to it, and what it hears of that.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use pabal_clock::{BusinessDate, Mono, Wall};
use pabal_spec::{Protocol, TelegramId};

use crate::bytes::Bytes;
use crate::declare::declare;
use crate::id::{ExchangeId, NoticeId};

/// A durable notice, for a service. It is given at least once and in order; one that comes again has the same id. `Debug` tells of the
/// telegram its length only.
#[derive(Clone)]
pub struct Delivery {
    /// Which.
    pub notice: NoticeId,
    /// The notice's rule, by name.
    pub rule: Box<str>,
    /// The version of the spec by which it is read.
    pub protocol: Arc<Protocol>,
    /// Its layout in that version.
    pub layout: TelegramId,
    /// The telegram, length prefix not included.
    pub telegram: Arc<[u8]>,
    /// The bytes of the participant field; empty if the protocol has none.
    pub participant: Bytes,
    /// The business date on which it came first.
    pub date: BusinessDate,
    /// Their number, as its digits.
    pub number: Option<Box<str>>,
    /// The institution has sent it more than once.
    pub repeated: bool,
    /// It is the answer to this exchange, which asked for a hole in their numbers. Nothing is replied to it.
    pub recovered_by: Option<ExchangeId>,
    /// The exchange of ours that it is about.
    pub joined: Option<ExchangeId>,
    /// Until when a service's reply is awaited; `None` if no reply of a service is.
    pub reply_until: Option<Mono>,
    /// When it came first.
    pub received_at: Wall,
    /// Its `traceparent` (W3C Trace Context), which the gateway made.
    pub trace: Arc<str>,
}

impl fmt::Debug for Delivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Delivery")
            .field("notice", &self.notice)
            .field("rule", &self.rule)
            .field("telegram_bytes", &self.telegram.len())
            .field("date", &self.date)
            .field("number", &self.number)
            .field("repeated", &self.repeated)
            .field("recovered_by", &self.recovered_by)
            .field("joined", &self.joined)
            .field("reply_until", &self.reply_until)
            .finish_non_exhaustive()
    }
}

/// What a service replies to a notice. The core writes what marks the reply, its key, trace, party, participant and what is carried
/// back. `Debug` tells of the telegram its length only.
#[derive(Clone)]
pub struct ServiceReply {
    /// To which notice.
    pub notice: NoticeId,
    /// Who replies.
    pub caller: Box<str>,
    /// The response code, as long as its field; `None` if the telegram has it.
    pub response_code: Option<Box<[u8]>>,
    /// The notice's answer as encoded, length prefix not included; `None` if there is nothing to say but the code.
    pub telegram: Option<Vec<u8>>,
}

impl fmt::Debug for ServiceReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServiceReply")
            .field("notice", &self.notice)
            .field("caller", &self.caller)
            .field("telegram_bytes", &self.telegram.as_ref().map(Vec::len))
            .finish_non_exhaustive()
    }
}

declare! {
    /// What became of a service's reply. Nothing is told of one that memory let go while it waited, or that waits as the process ends: it
    /// may leave by the next one.
    pub enum ReplyReport {
        Sent = "SENT", "The system has all of its bytes.";
        NotSent = "NOT_SENT", "No byte of it left, and none will, unless the notice comes again.";
        TooLate = "TOO_LATE", "Another reply went before it: the code that the spec states, or that of another service.";
    }
}
