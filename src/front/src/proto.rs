//! What is generated from `proto/pabal/v1`, and how its values print.

use std::fmt;

include!("generated/pabal.v1.rs");

/// The protos as an encoded `FileDescriptorSet`, imports and comments included; what reflection answers from.
pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!("generated/pabal.v1.bin");

/// Kind and size only: a value does not know how confidential it is.
impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            Some(kind) => kind.fmt(f),
            None => f.write_str("Null"),
        }
    }
}

/// Kind and size only: a value does not know how confidential it is.
impl fmt::Debug for value::Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => write!(f, "Text({} characters)", text.chars().count()),
            Self::Int64(_) => f.write_str("Int64"),
            Self::Decimal(text) => write!(f, "Decimal({} characters)", text.len()),
            Self::Bytes(bytes) => write!(f, "Bytes({} bytes)", bytes.len()),
            Self::Group(group) => write!(f, "Group({} fields)", group.values.len()),
            Self::List(list) => write!(f, "List({} elements)", list.values.len()),
            Self::Null(_) => f.write_str("Null"),
        }
    }
}

/// The names of fields, but nothing of their content; of a raw telegram its size.
impl fmt::Debug for exchange_request::Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fields(fields) => fields.fmt(f),
            Self::Raw(bytes) => write!(f, "Raw({} bytes)", bytes.len()),
        }
    }
}

/// Without the content of the body.
impl fmt::Debug for ExchangeRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExchangeRequest")
            .field("institution", &self.institution)
            .field("exchange", &self.exchange)
            .field("body", &self.body)
            .field("party", &self.party)
            .field("idempotency_key", &self.idempotency_key)
            .field("accept_early_unknown", &self.accept_early_unknown)
            .finish()
    }
}

/// Without the answer's content.
impl fmt::Debug for ExchangeResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExchangeResponse")
            .field("exchange_id", &self.exchange_id)
            .field("outcome", &self.outcome())
            .field("cause", &self.cause())
            .field("refusal", &self.refusal())
            .field("response_code", &self.response_code)
            .field("fields", &self.fields.len())
            .field("faults", &self.faults)
            .field("raw", &format_args!("{} bytes", self.raw.len()))
            .field("telegram_number", &self.telegram_number)
            .field("trace_id", &self.trace_id)
            .field("state", &self.state)
            .finish()
    }
}

/// Without the answer's content.
impl fmt::Debug for FoundExchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FoundExchange")
            .field("exchange_id", &self.exchange_id)
            .field("exchange", &self.exchange)
            .field("state", &self.state)
            .field("outcome", &self.outcome())
            .field("cause", &self.cause())
            .field("refusal", &self.refusal())
            .field("raw", &format_args!("{} bytes", self.raw.len()))
            .field("telegram_number", &self.telegram_number)
            .field("trace_id", &self.trace_id)
            .field("history", &self.history.len())
            .finish()
    }
}

/// Without its content.
impl fmt::Debug for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Notice")
            .field("notice_id", &self.notice_id)
            .field("notice", &self.notice)
            .field("participant", &self.participant)
            .field("number", &self.number)
            .field("repeated", &self.repeated)
            .field("fields", &self.fields.len())
            .field("faults", &self.faults)
            .field("raw", &format_args!("{} bytes", self.raw.len()))
            .field("trace_id", &self.trace_id)
            .finish_non_exhaustive()
    }
}

/// The names of fields, but nothing of their content; of a raw telegram its size.
impl fmt::Debug for reply::Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ResponseCode(code) => write!(f, "ResponseCode({code:?})"),
            Self::Fields(fields) => fields.fmt(f),
            Self::Raw(bytes) => write!(f, "Raw({} bytes)", bytes.len()),
        }
    }
}

/// Without the content of the body.
impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reply").field("notice_id", &self.notice_id).field("body", &self.body).finish()
    }
}

/// Without its content.
impl fmt::Debug for Telegram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Telegram")
            .field("telegram", &self.telegram)
            .field("length", &self.length)
            .field("fields", &self.fields.len())
            .field("response_code", &self.response_code)
            .field("spec_digest", &self.spec_digest)
            .finish_non_exhaustive()
    }
}

/// Without its content.
impl fmt::Debug for ShownField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ShownField")
            .field("field", &self.field)
            .field("offset", &self.offset)
            .field("length", &self.length)
            .field("class", &self.class)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(body: exchange_request::Body) -> ExchangeRequest {
        ExchangeRequest { institution: "hecto".into(), body: Some(body), ..ExchangeRequest::default() }
    }

    #[test]
    fn debug_tells_no_content() {
        let kinds = [
            value::Kind::Text("홍길동".into()),
            value::Kind::Int64(987_654_321),
            value::Kind::Decimal("987654.321".into()),
            value::Kind::Bytes(b"987654321".to_vec()),
        ];
        let values = (0..).map(|at| format!("field_{at}")).zip(kinds.map(|kind| Value { kind: Some(kind) })).collect();
        let shown = format!("{:?}", request(exchange_request::Body::Fields(Fields { values })));
        assert!(shown.contains("field_0") && shown.contains("3 characters"), "{shown}");
        let raw = format!("{:?}", request(exchange_request::Body::Raw("홍길동 987654321".into())));
        assert!(raw.contains("Raw(19 bytes)"), "{raw}");
        let value = Value { kind: Some(value::Kind::Text("홍길동".into())) };
        let answer = ExchangeResponse {
            raw: "홍길동".into(),
            fields: [("name".to_owned(), Field { value: Some(value), ..Field::default() })].into(),
            ..ExchangeResponse::default()
        };
        let found = FoundExchange { raw: "홍길동".into(), ..FoundExchange::default() };
        let notice = Notice { raw: "홍길동".into(), fields: answer.fields.clone(), ..Notice::default() };
        let reply = Reply { body: Some(reply::Body::Raw("홍길동".into())), ..Reply::default() };
        let field = ShownField { value: "홍길동".into(), ..ShownField::default() };
        let telegram = Telegram { raw: "홍길동".into(), fields: vec![field], ..Telegram::default() };
        let others = [format!("{notice:?}"), format!("{reply:?}"), format!("{telegram:?}")];
        for shown in [shown, raw, format!("{answer:?}"), format!("{found:?}")].into_iter().chain(others) {
            assert!(!shown.contains("홍길동") && !shown.contains("98765"), "{shown}");
            // Nor as the numbers of its bytes.
            assert!(!shown.contains("237, 153, 141"), "{shown}");
        }
    }
}
