use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use pabal_front::client;
pub use pabal_front::proto::Outcome;
use pabal_front::proto::value::Kind;
use pabal_front::proto::{ExchangeRequest, Fields, Value, exchange_request};

/// A request as a service asks for it, with a mark in its telegram by which the institution's ledger is searched.
#[derive(Clone, Debug)]
pub struct Asked {
    /// What is sent.
    pub request: ExchangeRequest,
    /// `x-pabal-caller`.
    pub caller: String,
    /// `grpc-timeout`.
    pub timeout: Option<Duration>,
    /// `traceparent`.
    pub trace: Option<String>,
    /// Stands in the field `cms_code` of the telegram, and in no other request's.
    pub mark: String,
}

/// Bytes of a mark.
pub(crate) const MARK_BYTES: usize = 12;

/// A transfer of this amount from our account at bank 088, with a mark of its own. It waits twenty seconds.
#[must_use]
pub fn transfer(amount: u64) -> Asked {
    static MARKS: AtomicU32 = AtomicU32::new(1);
    let mark = format!("MARK{:08}", MARKS.fetch_add(1, Ordering::Relaxed));
    let texts = [
        ("bank_code", "088"),
        ("debit_account", "11012345678901"),
        ("passbook_pin", "12345678"),
        ("check_symbol", "123456"),
        ("credit_bank_code", "004"),
        ("credit_account", "94320212345678"),
        ("cms_code", &mark),
        ("memo", "월세"),
    ];
    let text = |text: &str| Value { kind: Some(Kind::Text(text.to_owned())) };
    let mut values: BTreeMap<String, Value> =
        texts.into_iter().map(|(name, value)| (name.to_owned(), text(value))).collect();
    let amount = i64::try_from(amount).expect("an amount of money");
    values.insert("debit_amt".to_owned(), Value { kind: Some(Kind::Int64(amount)) });
    Asked {
        request: ExchangeRequest {
            institution: "hecto".to_owned(),
            exchange: "transfer".to_owned(),
            body: Some(exchange_request::Body::Fields(Fields { values: values.into_iter().collect() })),
            party: String::new(),
            idempotency_key: String::new(),
            // It waits less long than the bank may take to answer.
            accept_early_unknown: true,
        },
        caller: "rig".to_owned(),
        timeout: Some(Duration::from_secs(20)),
        trace: None,
        mark,
    }
}

impl Asked {
    /// The same with this idempotency key.
    #[must_use]
    pub fn keyed(mut self, key: &str) -> Self {
        key.clone_into(&mut self.request.idempotency_key);
        self
    }

    /// The same with so much time.
    #[must_use]
    pub fn within(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// The same with another value in a field.
    ///
    /// # Panics
    /// Its body is raw.
    #[must_use]
    pub fn with(mut self, field: &str, kind: Kind) -> Self {
        let Some(exchange_request::Body::Fields(fields)) = &mut self.request.body else { panic!("the body is raw") };
        fields.values.insert(field.to_owned(), Value { kind: Some(kind) });
        self
    }

    /// The same with another text in a field.
    #[must_use]
    pub fn text(self, field: &str, text: &str) -> Self {
        self.with(field, Kind::Text(text.to_owned()))
    }

    /// As it goes out.
    pub(crate) fn to_request(&self) -> tonic::Request<ExchangeRequest> {
        client::request(self.request.clone(), Some(&self.caller), self.timeout, self.trace.as_deref())
            .expect("caller and trace are ASCII")
    }
}
