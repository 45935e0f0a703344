//! What became of reading specs anew.

use pabal_clock::UtcOffset;
use pabal_gateway::{Hindered, ReloadError, Reloaded};
use pabal_spec::{Diagnostic, Severity, Source};
use pabal_switch::Refusal;
use tonic::Code;

use crate::answer;
use crate::proto::{HinderedSpec, Reason, ReloadSpecResponse, ReloadedSpec};
use crate::refused::{Refused, Violations};

/// `zone` has each institution's.
pub(crate) fn response(reloaded: Vec<Reloaded>, zone: impl Fn(&str) -> UtcOffset) -> ReloadSpecResponse {
    let reloaded = reloaded.into_iter().map(|one| ReloadedSpec {
        zone_minutes: zone(&one.institution).seconds() / 60,
        hindered: hindered(&one.hindered),
        institution: one.institution,
        old_digest: one.old.to_string(),
        new_digest: one.new.to_string(),
    });
    ReloadSpecResponse { reloaded: reloaded.collect() }
}

/// Versions that begin by a date, and that a control would hold then.
pub(crate) fn hindered(hindered: &[Hindered]) -> Vec<HinderedSpec> {
    let one = |one: &Hindered| HinderedSpec {
        digest: one.digest.to_string(),
        begins: Some(answer::timestamp(one.begins.as_unix_micros())),
        because: one.why.clone(),
    };
    hindered.iter().map(one).collect()
}

/// Why a spec is not in force.
pub(crate) fn refused(wanted: &str, error: &ReloadError) -> Refused {
    let because = |reason: Reason, sentence: &'static str, institution: &str, detail: String| Refused {
        reason,
        code: Code::FailedPrecondition,
        sentence,
        ..Refused::new(Refusal::InvalidFields, institution, detail)
    };
    match error {
        ReloadError::UnknownInstitution { text } => Refused::new(Refusal::UnknownInstitution, wanted, text),
        ReloadError::Stopped { institution, text } => Refused::new(Refusal::Stopped, institution, text),
        ReloadError::Mistakes { institution, sources, diagnostics } => Refused {
            violations: mistakes(sources, diagnostics),
            ..because(
                Reason::SpecMistakes,
                "The spec has mistakes; the version in force stays.",
                institution,
                String::new(),
            )
        },
        ReloadError::Misfit(error) => because(
            Reason::SpecMistakes,
            "The configuration does not fit the spec; the version in force stays.",
            wanted,
            error.to_string(),
        ),
        ReloadError::NeedsReconnect { institution, text } => because(
            Reason::NeedsReconnect,
            "What has changed needs another connection to the institution: stop the gateway and start it again; until then the version in force stays.",
            institution,
            text.clone(),
        ),
        ReloadError::Control { institution, text } => because(
            Reason::ControlUnjudged,
            "A control that stands cannot be judged by the new spec; the version in force stays.",
            institution,
            text.clone(),
        ),
        ReloadError::Read { institution, path, source } => because(
            Reason::SpecUnreadable,
            "The spec cannot be read; the version in force stays.",
            institution,
            format!("{}: {source}", path.display()),
        ),
        ReloadError::Keep { institution, source } => because(
            Reason::SpecUnreadable,
            "The spec cannot be kept in the data directory; the version in force stays.",
            institution,
            source.to_string(),
        ),
    }
}

/// Each mistake with its place.
fn mistakes(sources: &[Source], diagnostics: &[Diagnostic]) -> Violations {
    let told = |diagnostic: &Diagnostic| {
        let span = diagnostic.at.span;
        let source = sources.get(usize::from(span.source.0));
        let before = source
            .and_then(|source| source.text.get(..usize::try_from(span.start).unwrap_or(usize::MAX)))
            .unwrap_or_default();
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let (line, column) = (before.matches('\n').count() + 1, before.len() - line_start + 1);
        let place = format!("{}:{line}:{column}", source.map_or("?", |source| &source.name));
        let help = diagnostic.help.as_ref().map(|help| format!("; {help}")).unwrap_or_default();
        (place, format!("{}: {}{help}", diagnostic.code, diagnostic.message))
    };
    diagnostics.iter().filter(|diagnostic| diagnostic.severity == Severity::Error).map(told).collect()
}

#[cfg(test)]
mod tests {
    use pabal_spec::Digest;
    use tonic::Status;
    use tonic_types::StatusExt;

    use super::*;

    #[test]
    fn mistakes_are_listed_with_their_places() {
        let text = "institution tiny \"작은은행\"\nprotocol ask {\n  frme length\n}\n";
        let sources = vec![Source { name: "tiny.spec".to_owned(), text: text.to_owned() }];
        let diagnostics = pabal_spec::load(&sources).expect_err("it has mistakes");
        let error = ReloadError::Mistakes { institution: "tiny".to_owned(), sources, diagnostics };
        let status = Status::from(refused("", &error).of_question());
        assert_eq!(
            (status.code(), crate::client::reason(&status).as_deref()),
            (Code::FailedPrecondition, Some("SPEC_MISTAKES"))
        );
        assert_eq!(crate::client::refusal(&status), None, "it proves nothing of an exchange");
        let details = status.get_error_details();
        let violations = details.bad_request().expect("mistakes").field_violations.clone();
        let third = violations.iter().find(|one| one.field == "tiny.spec:3:3").expect("the misspelt line");
        assert!(third.description.contains("frme"), "{third:?}");
    }

    #[test]
    fn a_reload_that_needs_a_reconnect_names_what_has_changed() {
        let text = "framing: length ascii(4) became ascii(5)".to_owned();
        let error = ReloadError::NeedsReconnect { institution: "hecto".to_owned(), text };
        let refused = refused("", &error);
        assert_eq!((refused.reason.word(), &*refused.institution), ("NEEDS_RECONNECT", "hecto"));
        assert!(Status::from(refused).message().contains("ascii(5)"));
    }

    #[test]
    fn a_reload_that_a_control_keeps_back_has_a_reason_of_its_own() {
        let text = "control `rent` could not be judged by it: no field `memo`".to_owned();
        let refused = refused("", &ReloadError::Control { institution: "hecto".to_owned(), text });
        assert_eq!((refused.reason.word(), refused.code), ("CONTROL_UNJUDGED", Code::FailedPrecondition));
        assert!(Status::from(refused).message().contains("`memo`"));
    }

    #[test]
    fn versions_are_told_by_their_digests() {
        let begins = pabal_clock::Wall::from_unix_seconds(1_800_000_000);
        let hindered = vec![Hindered { digest: Digest(7), begins, why: "no `memo`".to_owned() }];
        let one = Reloaded { institution: "hecto".to_owned(), old: Digest(1), new: Digest(0xab), hindered };
        let told = response(vec![one], |_| UtcOffset::from_hours(9)).reloaded.remove(0);
        assert_eq!((&*told.old_digest, &*told.new_digest), ("0000000000000001", "00000000000000ab"));
        let hindered = &told.hindered[0];
        assert_eq!((&*hindered.digest, &*hindered.because, told.zone_minutes), ("0000000000000007", "no `memo`", 540));
        assert_eq!(hindered.begins.map(|at| at.seconds), Some(1_800_000_000));
    }
}
