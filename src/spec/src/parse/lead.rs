//! A length that stands before a field, as in ISO 8583: one line of a spec, two fields of a telegram.

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use pabal_telegram::{By, Class, Echo, Form, Sign};

use crate::diagnostic::{Diagnostic, Span};
use crate::mistake::{self, error};
use crate::parse::cursor::{Cursor, Read};
use crate::parse::line::Token;
use crate::written::{At, Digits, Field, Kind, Led, Name, Seen, Text};

/// Behind the name of a field, the name of its length.
pub(crate) const LENGTH: &str = ".length";

/// How many digits a length has.
const LENGTHS: [(&str, u32); 2] = [("LL", 2), ("LLL", 3)];

/// `by "37"` or `by LL`, behind `led`, which stands at `start`.
pub(super) fn clause(cursor: &mut Cursor<'_>, start: Span) -> Read<At<Led>> {
    cursor.must(&["by"])?;
    let led = if let Some(Token::Text(_)) = cursor.peek() {
        Led::Mark(cursor.text("the length between quotes")?.value)
    } else {
        Led::Digits(cursor.choice("a length: `LL`, `LLL`, or digits between quotes", &LENGTHS)?.value)
    };
    Ok(At { value: led, span: cursor.since(start) })
}

/// The length that stands before a field, if there is one, and the field.
pub(super) fn spread(mut field: Field, out: &mut Vec<Diagnostic>) -> (Option<Field>, Field) {
    let Some(kind) = field.kind.clone() else { return (None, field) };
    if field.broken && (field.led.is_some() || matches!(kind.value, Kind::UpTo(_)) || field.seen.has("led")) {
        // What is wrong with the line was told, and how long it is nobody knows.
        field.kind = None;
        return (None, field);
    }
    let Some(led) = field.led.clone() else {
        if let Kind::UpTo(most) = kind.value {
            wrong(&mut field, kind.span, "how long is it?", "Nothing says how long `NAME` is", &help_of(most), out);
        }
        return (None, field);
    };
    let mut length = Field {
        name: At { value: format!("{}{LENGTH}", field.name.value), span: field.name.span },
        kind: None,
        seen: Seen::default(),
        by: Some(
            field
                .by
                .clone()
                .unwrap_or(At { value: By { asker: true, answerer: true, optional: false }, span: field.name.span }),
        ),
        echo: Echo::No,
        class: Some(At { value: Class::Public, span: field.name.span }),
        default: None,
        constant: None,
        signed: None,
        computed: None,
        year: None,
        led: None,
        text: Text { charset: field.text.charset.clone(), ..Text::default() },
        blank: None,
        lenient: Vec::new(),
        ..field.clone()
    };
    match (led.value, &kind.value) {
        (Led::Digits(digits), Kind::UpTo(most)) => {
            if *most >= 10_u32.saturating_pow(digits) {
                let message = format!("{digits} digits never say {most}");
                wrong(&mut field, led.span, "too short", &message, &help_of(*most), out);
                return (None, field);
            }
            let number = Digits { whole: digits, scale: 0, form: Form::Zoned(Sign::Absent) };
            length.kind = Some(At { value: Kind::Number(number), span: kind.span });
            let by = Name { value: length.name.value.clone(), span: led.span };
            field.kind = Some(At { value: Kind::Tail { by, max: *most }, span: kind.span });
        }
        (Led::Digits(_), other) => {
            let help = match other {
                Kind::Text(len) => format!(
                    "say `X(..{len})` if it is as long as its length says; `led by \"{len}\"` if it is always {len} bytes"
                ),
                _ => "only text has a length of its own: `X(..37)`".to_owned(),
            };
            wrong(&mut field, led.span, "always of one length", "A length before `NAME` says nothing", &help, out);
        }
        (Led::Mark(digits), Kind::UpTo(most)) => {
            let help =
                format!("say `X({digits}) led by \"{digits}\"` if it is always so long; else {}", help_of(*most));
            wrong(&mut field, led.span, "always the same", "A constant does not say how long `NAME` is", &help, out);
        }
        (Led::Mark(digits), other) => {
            let len = other.len();
            let written: Option<u32> =
                digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok()).flatten();
            if written != Some(len) {
                let width = digits.len().clamp(2, 3);
                let message = format!("`{digits}` stands before {len} bytes");
                let help = format!(
                    "it says how long what follows is: `led by \"{len:0width$}\"`, or correct the length of the field"
                );
                wrong(&mut field, led.span, "not its length", &message, &help, out);
            }
            length.kind =
                Some(At { value: Kind::Code(u32::try_from(digits.len()).unwrap_or(u32::MAX)), span: kind.span });
            // It is there whoever fills what follows, as any constant is.
            length.by = None;
            length.constant = Some(Name { value: digits, span: led.span });
        }
    }
    if field.broken {
        // Told; what it would be is not known.
        return (None, field);
    }
    (Some(length), field)
}

fn help_of(most: u32) -> String {
    let length = if most < 100 { "LL" } else { "LLL" };
    match most {
        0..1_000 => format!("say how many digits stand before it: `led by {length}`"),
        _ => "three digits say at most 999; a longer one is `X(length of FIELD max N)` behind a field of its own"
            .to_owned(),
    }
}

/// Tells it, and that the field is not known.
fn wrong(field: &mut Field, span: Span, label: &str, message: &str, help: &str, out: &mut Vec<Diagnostic>) {
    let message = message.replace("NAME", &field.name.value);
    out.push(error(mistake::BAD_LEAD, span, label, message).help(help));
    // Nothing is said of its length either.
    field.kind = None;
    field.broken = true;
}
