//! Dates and times: their patterns, and how a year is known that is not said in full.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use pabal_telegram::{Stamp, Year};

use crate::diagnostic::{Diagnostic, Span};
use crate::mistake::{self, error};
use crate::written;

/// So many years have all endings of two digits, each once.
const CENTURY: u64 = 100;

/// A date or time as it is written, with what is said of its year; right or wrong.
pub(crate) fn stamp(written: &written::Field, pattern: &str, span: Span, out: &mut Vec<Diagnostic>) -> Stamp {
    let Some(stamp) = Stamp::new(pattern) else {
        let message = format!("`{pattern}` is not the pattern of a date or time");
        out.push(
            error(mistake::BAD_PATTERN, span, "not a pattern", message)
                .help("a pattern is made of YYYY, YY, MM, DD, hh, mm, ss, each at most once"),
        );
        return Stamp { pattern: pattern.into(), year: Year::Written };
    };
    let Some(said) = &written.year else { return stamp };
    let mut tell = |label: &str, message: String, help: String| {
        out.push(error(mistake::BAD_YEARS, said.span, label, message).help(help))
    };
    let year = match said.value {
        written::Year::Nearest => Year::Nearest,
        written::Year::Within { first, last } => {
            if last.checked_sub(first) != Some(CENTURY - 1) {
                let years = (last.saturating_add(1)).saturating_sub(first);
                let message = format!("Two digits tell a hundred years apart, and {first}..{last} is {years}");
                let help = format!(
                    "say `years {first}..{}`, or the hundred that the document means",
                    first.saturating_add(99)
                );
                tell("not a hundred", message, help);
                return stamp;
            }
            Year::Within { first: u16::try_from(first).unwrap_or(u16::MAX) }
        }
    };
    let stamp = Stamp { year, ..stamp };
    if stamp.is_sound() {
        return stamp;
    }
    let (has_four, has_two) = (pattern.contains("YYYY"), pattern.contains("YY"));
    let (label, help) = match year {
        _ if has_four => ("its year has four digits", "remove it"),
        Year::Nearest if has_two => ("its year has two digits", "say which hundred years: `years 1980..2079`"),
        Year::Nearest => ("it has no month", "remove it: only a month and a day are of a year"),
        Year::Within { .. } if has_two => ("there is no such year", "years have four digits: 0 to 9999"),
        _ => ("its pattern has no year", "say `year nearest`, if it is of the year that brings it nearest to today"),
    };
    tell(label, format!("Field `{}` cannot have this rule for its year", written.name.value), help.into());
    Stamp { year: Year::Written, ..stamp }
}
