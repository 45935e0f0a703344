//! What a control says of one field of the request.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use pabal_spec::ExchangeRule;
use pabal_telegram::{Class, Decimal, Field, Fill, Kind, Layout, Number, Side, Value, nearest};
use serde::{Deserialize, Serialize};

use super::number_text;

/// What is in one field.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FieldScope {
    /// The field's path in the request.
    pub field: Box<str>,
    /// What it holds.
    pub holds: Holds,
}

/// The field and how its value is given, not the value: it may be an account.
impl fmt::Debug for FieldScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.holds {
            Holds::OneOf(_) => "one of",
            Holds::Between { .. } => "between",
            Holds::Numbers { .. } => "numbers between",
        };
        write!(f, "FieldScope({} {kind} ..)", self.field)
    }
}

/// Values of a field.
///
/// In a number field values are compared as numbers, however many zeros stand before them, with their sign and their decimals. What cannot
/// be read as the field says may be any of them: it is held.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Holds {
    /// One of these, as a caller would write it.
    OneOf(Vec<Box<str>>),
    /// Text that begins as these do or as one between them: `110` to `112` are all accounts from 110 to 112. Both have the same length. As it
    /// is written down by people a range is always this; [`Scope::by_spec`](super::Scope::by_spec) makes one of numbers of it where the
    /// field is a number.
    Between {
        /// The first.
        from: Box<str>,
        /// The last; it is one of them.
        to: Box<str>,
    },
    /// A number from one to another: `100` to `999` is neither 99 nor 1000.
    Numbers {
        /// The smallest.
        #[serde(with = "number_text")]
        from: Decimal,
        /// The largest; it is one of them.
        #[serde(with = "number_text")]
        to: Decimal,
    },
}

impl FieldScope {
    /// Reads what people write of a field: `004`, `004 | 011`, or `110 to 112` for all that begins with 110, 111 or 112 (of a number field:
    /// 110, 111 and 112).
    #[must_use]
    pub fn parse(field: &str, holds: &str) -> Self {
        let holds = match holds.split_once(" to ") {
            Some((from, to)) => Holds::Between { from: from.trim().into(), to: to.trim().into() },
            None => Holds::OneOf(holds.split('|').map(|value| value.trim().into()).collect()),
        };
        Self { field: field.into(), holds }
    }

    /// With a range of numbers if the field is a number in the requests that are meant.
    ///
    /// # Errors
    /// It is a number in some of them and text in others, so that a range would mean two things; or one of its ends is no number.
    pub(super) fn by_spec<'r>(mut self, meant: impl Iterator<Item = &'r ExchangeRule>) -> Result<Self, String> {
        let Holds::Between { from, to } = &self.holds else { return Ok(self) };
        let (mut numbers, mut texts) = (Vec::new(), Vec::new());
        for rule in meant {
            match field(&rule.request_layout, &self.field).map(|field| number(field).is_some()) {
                Some(true) => numbers.push(&*rule.name),
                Some(false) => texts.push(&*rule.name),
                None => {}
            }
        }
        if numbers.is_empty() {
            return Ok(self);
        }
        if !texts.is_empty() {
            let (numbers, texts) = (numbers.join("`, `"), texts.join("`, `"));
            return Err(format!(
                "`{0}` is a number in requests of `{numbers}` and text in those of `{texts}`, where a range means another thing: name the \
                 exchanges that are meant, such as `{numbers}`",
                self.field
            ));
        }
        let read = |text: &str| match text.parse() {
            Ok(number) => Ok(number),
            Err(why) => Err(format!("`{}` is a number, and {text:?} is none that can be read: {why}", self.field)),
        };
        self.holds = Holds::Numbers { from: read(from)?, to: read(to)? };
        Ok(self)
    }

    /// Whether a request holds it; `None` if that cannot be read in such a one.
    pub(super) fn holds_in(&self, layout: &Layout, telegram: &[u8]) -> Option<bool> {
        let field = field(layout, &self.field)?;
        let bytes = field.at.of(telegram)?;
        match (&self.holds, number(field)) {
            (Holds::OneOf(values), found) => {
                let (mut is_read, mut holds) = (true, false);
                for value in values {
                    match (written(field, value), found) {
                        (Ok(_), Some(number)) => {
                            let one: Decimal = value.parse().ok()?;
                            holds |= is_between(field, number, (one, one), telegram)?;
                        }
                        (Ok(one), None) => holds |= bare(field, &one) == bare(field, bytes),
                        (Err(_), _) => is_read = false,
                    }
                }
                (holds || is_read).then_some(holds)
            }
            (Holds::Between { from, to }, None) => {
                if from.len() > field.at.range().len() {
                    return None;
                }
                // What is no text may be read as one there.
                let begins = |bytes| match field.charset.decode.decode(bytes) {
                    Ok(text) => text.get(..from.len()).is_some_and(|start| (&**from..=&**to).contains(&start)),
                    Err(_) => true,
                };
                // Written with the zeros that do not matter, or without.
                Some(begins(filled(field, bytes)) || begins(bare(field, bytes)))
            }
            (Holds::Numbers { from, to }, Some(number)) => is_between(field, number, (*from, *to), telegram),
            (Holds::Between { .. }, Some(_)) | (Holds::Numbers { .. }, None) => None,
        }
    }

    /// Whether it can be read in a request that lies so.
    pub(super) fn is_read(&self, layout: &Layout) -> bool {
        field(layout, &self.field).is_some_and(|field| self.check(field).is_ok())
    }

    /// Whether the field is there, and what is said of it is said of a field of another kind.
    pub(super) fn mistakes(&self, layout: &Layout) -> bool {
        let Some(field) = field(layout, &self.field) else { return false };
        match self.holds {
            Holds::OneOf(_) => false,
            Holds::Between { .. } => number(field).is_some(),
            Holds::Numbers { .. } => number(field).is_none(),
        }
    }

    /// Why it cannot be read in a request that lies so; goes on behind the request.
    pub(super) fn unread_because(&self, layout: &Layout) -> String {
        match field(layout, &self.field) {
            Some(field) => {
                let why = self.check(field).err().unwrap_or_default();
                format!("has another field `{}`: {why}", self.field)
            }
            None => {
                let near = did_you_mean(&self.field, layout.head().iter().map(|field| &*field.path));
                format!("has no field `{}` at a fixed place{near}", self.field)
            }
        }
    }

    pub(super) fn check(&self, field: &Field) -> Result<(), String> {
        let name = &self.field;
        if field.class == Class::Secret {
            return Err(format!("`{name}` is secret; nothing may be kept of it, not even in a control"));
        }
        match (&self.holds, number(field)) {
            (Holds::OneOf(values), _) if values.is_empty() => Err(format!("`{name}` needs a value")),
            (Holds::OneOf(values), _) => values.iter().try_for_each(|value| written(field, value).map(drop)),
            (Holds::Between { from, to }, None) => {
                if !from.is_ascii() || !to.is_ascii() {
                    return Err(format!(
                        "`{name}` goes from one beginning to another, and they are written in ASCII characters only; name the values \
                         themselves instead, parted as in {:?}",
                        "004 | 011"
                    ));
                }
                let is_right = !from.is_empty() && from.len() == to.len() && from <= to;
                if !is_right || from.len() > field.at.range().len() {
                    let text = "goes from one beginning to another of the same length, such as \"110\" to \"112\"";
                    return Err(format!("`{name}` {text}"));
                }
                Ok(())
            }
            (Holds::Numbers { from, to }, Some(number)) => {
                let decimals = number.decimals();
                let (Some(first), Some(last)) = (from.rescale(decimals), to.rescale(decimals)) else {
                    return Err(format!(
                        "`{name}` is a number with {decimals} decimals, and {from} to {to} has others"
                    ));
                };
                if last.units < first.units {
                    return Err(format!("`{name}` goes from a number to one that is no less, such as 100 to 1000"));
                }
                Ok(())
            }
            (Holds::Between { .. }, Some(_)) => {
                let text = "it is a number, and the control says how a text begins; block it again, and it goes from number to number";
                Err(text.to_string())
            }
            (Holds::Numbers { .. }, None) => {
                Err("it is no number, and the control goes from number to number".to_string())
            }
        }
    }

    /// In a line for people; `shown` masks a value.
    pub(super) fn told(&self, shown: impl Fn(&str) -> String) -> String {
        match &self.holds {
            Holds::OneOf(values) => {
                let values: Vec<String> = values.iter().map(|value| shown(value)).collect();
                format!("{} {}", self.field, values.join(", "))
            }
            Holds::Between { from, to } => format!("{} beginning with {} to {}", self.field, shown(from), shown(to)),
            Holds::Numbers { from, to } => {
                format!("{} from {} to {}", self.field, shown(&from.to_string()), shown(&to.to_string()))
            }
        }
    }
}

/// A field that the caller fills, at the same place in every telegram of its layout.
pub(super) fn field<'l>(layout: &'l Layout, path: &str) -> Option<&'l Field> {
    let is_judged = |field: &&Field| field.by.fills(Side::Asker) && !matches!(field.fill, Fill::Stamped);
    layout.head().iter().find(|field| *field.path == *path).filter(is_judged)
}

/// Bytes of a field without what fills it up on either side: blanks, and the zero bytes of programs that write those.
fn filled<'b>(field: &Field, mut bytes: &'b [u8]) -> &'b [u8] {
    let fills = |byte: u8| byte == 0 || byte == field.charset.encode.blank();
    while let [first, rest @ ..] = bytes
        && fills(*first)
    {
        bytes = rest;
    }
    while let [rest @ .., last] = bytes
        && fills(*last)
    {
        bytes = rest;
    }
    bytes
}

/// The same without what the spec ignores (`equal ignoring`): a control that the institution would call the same is not evaded by how it is
/// written.
fn bare<'b>(field: &Field, bytes: &'b [u8]) -> &'b [u8] {
    field.equal.significant(filled(field, bytes))
}

pub(super) fn did_you_mean<'n>(name: &str, known: impl Iterator<Item = &'n str>) -> String {
    nearest(name, known).map(|near| format!("; did you mean `{near}`?")).unwrap_or_default()
}

/// A value as it stands in the field of a request.
pub(super) fn written(field: &Field, value: &str) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    match field.encode(&Value::Text(value.to_string()), &mut bytes) {
        Ok(()) => Ok(bytes),
        Err(fault) => Err(fault.to_string()),
    }
}

const fn number(field: &Field) -> Option<Number> {
    match field.kind {
        Kind::Number(number) => Some(number),
        _ => None,
    }
}

/// Whether the number in a field of a request is one between two; `None` if the field has not their decimals. One that cannot be read may
/// be any.
fn is_between(field: &Field, number: Number, (from, to): (Decimal, Decimal), telegram: &[u8]) -> Option<bool> {
    let at = |one: Decimal| one.rescale(number.decimals()).map(|one| one.units);
    let (from, to) = (at(from)?, at(to)?);
    let Ok(value) = field.value(telegram, Side::Asker) else { return Some(true) };
    Some(value.number().is_some_and(|found| at(found).is_none_or(|found| (from..=to).contains(&found))))
}
