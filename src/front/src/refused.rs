use std::fmt;

use pabal_gateway::CallError;
use pabal_switch::Refusal;
use pabal_telegram::Fault;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, FieldViolation, StatusExt};

use crate::proto::Reason;
use crate::reason::code;

/// The domain of our ErrorInfo. An error of `Exchange` that carries it proves that no byte of the request left.
pub const ERROR_DOMAIN: &str = "pabal";

/// The domain of errors that prove nothing of the exchange that they are about: those of `Find` and of `Control`, and of `Exchange` when an
/// idempotency key could not be looked up.
pub const QUESTION_DOMAIN: &str = "pabal.question";

/// Clients bound the metadata of an answer (grpcio: 8 KiB), where the message is found twice, once percent-encoded.
const MESSAGE_BYTES_MAX: usize = 1_024;

/// What the count of violations that are not shown takes of it.
const COUNT_BYTES_MAX: usize = 32;

/// Violations beyond these bytes are counted, not listed.
const VIOLATIONS_BYTES_MAX: usize = 2_048;

/// Each thing that is wrong: `(field, what and how to mend it)`.
pub(crate) type Violations = Vec<(String, String)>;

/// A refusal on its way to the caller.
#[derive(Clone, Debug)]
pub(crate) struct Refused {
    pub(crate) reason: Reason,
    pub(crate) code: Code,
    /// The reason for people.
    pub(crate) sentence: &'static str,
    /// The place and the fix.
    pub(crate) detail: String,
    /// All that is wrong with the request itself.
    pub(crate) violations: Violations,
    /// Empty if it is not known.
    pub(crate) institution: String,
    /// Empty if none was made.
    pub(crate) exchange: String,
    /// It proves that no byte of the request left; `false` of what is no request.
    pub(crate) is_proof: bool,
}

impl Refused {
    /// By one of the refusals, with the place and the fix.
    pub(crate) fn new(refusal: Refusal, institution: &str, detail: impl Into<String>) -> Self {
        Self {
            reason: refusal.into(),
            code: code(refusal),
            sentence: refusal.sentence(),
            detail: detail.into(),
            violations: Vec::new(),
            institution: institution.to_owned(),
            exchange: String::new(),
            is_proof: true,
        }
    }

    /// A request that does not say what it must.
    pub(crate) fn invalid(institution: &str, field: &str, fix: impl Into<String>) -> Self {
        Self::violating(institution, vec![(field.to_owned(), fix.into())])
    }

    /// A request of which several things are wrong.
    pub(crate) fn violating(institution: &str, violations: Violations) -> Self {
        Self { violations, ..Self::new(Refusal::InvalidFields, institution, "") }
    }

    /// What the gateway refused. What proves nothing says so by its domain.
    pub(crate) fn by_gateway(institution: &str, error: CallError) -> Self {
        let violations =
            error.faults.iter().map(|fault: &Fault| (fault.field.to_string(), fault.to_string())).collect();
        Self {
            violations,
            exchange: error.exchange.map(|exchange| exchange.to_string()).unwrap_or_default(),
            is_proof: error.is_proof,
            ..Self::new(error.refusal, institution, error.detail)
        }
    }

    /// The same as the answer to a question: it must not be taken for a proof about the exchange that was asked for.
    pub(crate) fn of_question(self) -> Self {
        // A question is no telegram.
        let sentence = if self.reason == Reason::InvalidFields { "What is asked is not right:" } else { self.sentence };
        Self { is_proof: false, sentence, ..self }
    }

    /// What a person reads: the reason's sentence, then each violation as long as there is room, or the detail if there is none.
    pub(crate) fn message(&self) -> String {
        let mut message = self.sentence.to_owned();
        if self.violations.is_empty() && !self.detail.is_empty() && self.detail != self.sentence {
            // What does not begin as a sentence goes on with the one before it.
            if !self.detail.starts_with(char::is_uppercase) && message.ends_with('.') {
                message.pop();
                message.push(':');
            }
            message.push(' ');
            message.push_str(&self.detail);
        }
        for (at, (field, text)) in self.violations.iter().enumerate() {
            // A fault names its field itself.
            let line = if text.contains(field.as_str()) { text.clone() } else { format!("{field}: {text}") };
            if message.len() + line.len() + 1 > MESSAGE_BYTES_MAX - COUNT_BYTES_MAX {
                message.push_str(&format!("\n(and {} more)", self.violations.len() - at));
                break;
            }
            message.push('\n');
            message.push_str(&line);
        }
        cut(message, MESSAGE_BYTES_MAX)
    }

    fn details(&self) -> ErrorDetails {
        let mut details = ErrorDetails::new();
        let mut metadata = std::collections::HashMap::new();
        let count = if self.violations.is_empty() { String::new() } else { self.violations.len().to_string() };
        for (key, value) in
            [("institution", &self.institution), ("exchange_id", &self.exchange), ("violations", &count)]
        {
            if !value.is_empty() {
                metadata.insert(key.to_owned(), value.clone());
            }
        }
        let domain = if self.is_proof { ERROR_DOMAIN } else { QUESTION_DOMAIN };
        details.set_error_info(self.reason.word(), domain, metadata);
        let mut room = VIOLATIONS_BYTES_MAX;
        let listed: Vec<_> = self
            .violations
            .iter()
            .map_while(|(field, text)| {
                room = room.checked_sub(field.len() + text.len())?;
                Some(FieldViolation::new(field, text))
            })
            .collect();
        if !listed.is_empty() {
            details.set_bad_request(listed);
        }
        details
    }
}

impl From<Refused> for Status {
    fn from(refused: Refused) -> Self {
        Self::with_error_details(refused.code, refused.message(), refused.details())
    }
}

/// What an error of the gateway proves, as its caller reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// Why, by its word: one of the refusals in [`crate::proto::Reason`], or one that a newer gateway knows.
    pub reason: String,
    /// The institution's name. Empty if it was not said.
    pub institution: String,
    /// The exchange, if one was made. Else empty.
    pub exchange_id: String,
    /// What is wrong with fields: `(field, what and how to mend it)`.
    pub violations: Vec<(String, String)>,
}

impl Proof {
    /// Reads an error of `Exchange`. `None`: the gateway did not make it, so that nothing is proven and a byte may have left.
    #[must_use]
    pub fn of(status: &Status) -> Option<Self> {
        let details = status.check_error_details().ok()?;
        let info = details.error_info().filter(|info| info.domain == ERROR_DOMAIN)?;
        let told = |key: &str| info.metadata.get(key).cloned().unwrap_or_default();
        let violations = details.bad_request().map_or(&[][..], |bad| &bad.field_violations);
        Some(Self {
            reason: info.reason.clone(),
            institution: told("institution"),
            exchange_id: told("exchange_id"),
            violations: violations.iter().map(|one| (one.field.clone(), one.description.clone())).collect(),
        })
    }
}

/// The reason and what is wrong; nothing left.
impl fmt::Display for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: nothing left", self.reason)
    }
}

/// At most so many bytes, at a character's end.
fn cut(mut text: String, bytes_max: usize) -> String {
    if text.len() > bytes_max {
        text.truncate(text.floor_char_boundary(bytes_max));
    }
    text
}

#[cfg(test)]
mod tests {
    use pabal_telegram::{Charset, Class, Rule};

    use super::*;

    fn fault(field: &str, class: Class, bytes: &[u8], rule: Rule) -> Fault {
        Fault { field: field.into(), offset: 100, len: 4, class, bytes: bytes.into(), charset: Charset::Cp949, rule }
    }

    fn error(faults: Vec<Fault>) -> CallError {
        let detail = "Look at `transfer`.".into();
        CallError { refusal: Refusal::InvalidFields, detail, faults, exchange: None, is_proof: true }
    }

    #[test]
    fn a_caller_reads_back_what_was_refused() {
        let status = Status::from(Refused::by_gateway(
            "hecto",
            CallError {
                refusal: Refusal::NotOpen,
                detail: "Bank 088 is not open.".into(),
                faults: Vec::new(),
                exchange: Some(pabal_switch::ExchangeId(7)),
                is_proof: true,
            },
        ));
        assert_eq!(status.code(), Code::FailedPrecondition);
        assert_eq!(status.message(), "Business with this participant is not open today. Bank 088 is not open.");
        let proof = Proof::of(&status).expect("ours");
        assert_eq!(
            (&*proof.reason, &*proof.institution, &*proof.exchange_id, proof.violations.len()),
            ("NOT_OPEN", "hecto", "00000000-0000-0000-0000-000000000007", 0)
        );
    }

    #[test]
    fn errors_that_are_not_ours_or_no_proof_prove_nothing() {
        let theirs = ErrorDetails::with_error_info("NOT_OPEN", "proxy.example", std::collections::HashMap::new());
        for status in [
            Status::deadline_exceeded("deadline"),
            Status::cancelled("Timeout expired"),
            Status::unavailable("connection closed"),
            Status::with_error_details(Code::FailedPrecondition, "no", theirs),
            Status::with_details(Code::Unknown, "garbage", (&b"\xff\xff"[..]).into()),
            Refused::by_gateway("hecto", CallError { is_proof: false, ..error(Vec::new()) }).into(),
        ] {
            assert_eq!(Proof::of(&status), None, "{status:?}");
        }
    }

    #[test]
    fn faults_are_listed_masked() {
        let faults = vec![
            fault("passbook_pin", Class::Secret, b"98765432", Rule::Overflow { needed: 8 }),
            fault("memo", Class::Name, b"\xc8\xab\xb1", Rule::HalfCharacter),
        ];
        let status = Status::from(Refused::by_gateway("hecto", error(faults)));
        let proof = Proof::of(&status).expect("ours");
        let fields: Vec<_> = proof.violations.iter().map(|(field, _)| &**field).collect();
        assert_eq!(fields, ["passbook_pin", "memo"]);
        assert!(proof.violations[1].1.contains("T05"), "{proof:?}");
        assert!(status.message().contains("memo at byte 100"), "{}", status.message());
        assert!(!format!("{status:?}").contains("9876"), "{status:?}");
    }

    #[test]
    fn many_faults_fit_the_metadata_of_any_client() {
        let faults = (0..500).map(|at| fault(&format!("필드_{at}"), Class::Public, b"x", Rule::NotDigits)).collect();
        let status = Status::from(Refused::by_gateway("hecto", error(faults)));
        assert!(status.message().len() <= MESSAGE_BYTES_MAX, "{}", status.message().len());
        assert!(status.message().contains("필드_0") && status.message().contains("more)"), "{}", status.message());
        // Percent-encoding makes three bytes of one; base64 four of three.
        let on_the_wire = status.message().len() * 3 + status.details().len() * 4 / 3;
        assert!(on_the_wire < 8 * 1_024, "{on_the_wire} bytes");
        let details = status.get_error_details();
        assert_eq!(details.error_info().expect("ours").metadata["violations"], "500");
    }
}
