//! Comparing and copying fields of two telegrams.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::mem::discriminant;

use pabal_telegram::{Equal, Field, Fill, Kind};

use crate::check::layout::{self, Column, Draft};
use crate::check::protocol::Scene;
use crate::condition::{Condition, Operand, Test};
use crate::diagnostic::{Diagnostic, Span};
use crate::mistake::{self, error};
use crate::rules::{Confirm, FillRule};
use crate::verdict::Verdict;
use crate::written::{self, Name, Pair, Reference, Right};

/// The telegrams that a comparison speaks of.
pub(crate) struct Both<'d, 's> {
    /// The answer of an inquiry, or the notice that is joined.
    pub(crate) answer: &'d Draft<'s>,
    /// The answer is filled by the side that asks: it is a notice.
    pub(crate) is_notice: bool,
    /// The request that it is about.
    pub(crate) original: &'d Draft<'s>,
    /// The name of the exchange or notice that the answer belongs to.
    pub(crate) asks: &'d str,
    /// The name of the exchange that it is about.
    pub(crate) asked: &'d str,
}

impl<'d, 's> Both<'d, 's> {
    fn answer(&self, name: &Name, out: &mut Vec<Diagnostic>) -> Option<&'d Column<'s>> {
        let column = self.answer.find(name, out)?;
        filled(column, self.is_notice, name, out).then_some(column)
    }

    fn original(&self, name: &Name, out: &mut Vec<Diagnostic>) -> Option<&'d Column<'s>> {
        let column = self.original.find(name, out)?;
        filled(column, true, name, out).then_some(column)
    }

    fn either(&self, reference: &Reference, out: &mut Vec<Diagnostic>) -> Option<(&'d Column<'s>, Operand)> {
        if reference.original {
            let column = self.original(&reference.field, out)?;
            Some((column, Operand::Original(column.field.at)))
        } else {
            let column = self.answer(&reference.field, out)?;
            Some((column, Operand::Answer(column.field.at)))
        }
    }
}

/// Tells a field that its side leaves empty: whatever is compared with it says nothing.
pub(crate) fn filled(column: &Column<'_>, asker: bool, name: &Name, out: &mut Vec<Diagnostic>) -> bool {
    let filled = column.is_filled(asker) || column.written.broken;
    if !filled {
        let side = if asker { "asker" } else { "answerer" };
        out.push(
            error(
                mistake::EMPTY_FIELD,
                name.span,
                "always empty here",
                format!("Field `{}` is not filled by the {side}", name.value),
            )
            .help("take a field that this side fills, or correct its `by`")
            .related(column.written.name.span, "described here"),
        );
    }
    filled
}

/// What does not matter when two fields are compared; tells if they cannot be.
fn equal(left: &Column<'_>, right: &Column<'_>, span: Span, out: &mut Vec<Diagnostic>) -> Option<Equal> {
    if !(left.sure && right.sure) {
        return None;
    }
    let (a, b) = (&left.field, &right.field);
    let equal = Equal {
        zero_left: a.equal.zero_left || b.equal.zero_left,
        space_right: a.equal.space_right || b.equal.space_right,
        ebcdic: a.equal.ebcdic,
    };
    if !alike(a, b) {
        out.push(different(a, b, span, "compared").help("compare text with text, and numbers of the same decimals"));
        return None;
    }
    if a.at.len != b.at.len && !(equal.zero_left || equal.space_right) {
        out.push(
            different(a, b, span, "compared").help(
                "say on one of the fields what does not matter: `equal ignoring zero-left`, `space-right`, or both",
            ),
        );
        return None;
    }
    Some(equal)
}

fn alike(a: &Field, b: &Field) -> bool {
    if a.charset.decode.is_ebcdic() != b.charset.decode.is_ebcdic() {
        return false;
    }
    match (&a.kind, &b.kind) {
        (Kind::Number(a), Kind::Number(b)) => (a.scale, a.form) == (b.scale, b.form),
        (Kind::Stamp(a), Kind::Stamp(b)) => a.pattern == b.pattern,
        (a, b) => discriminant(a) == discriminant(b),
    }
}

fn different(a: &Field, b: &Field, span: Span, what: &str) -> Diagnostic {
    let charset = |field: &Field| {
        if a.equal.ebcdic == b.equal.ebcdic { String::new() } else { format!(" in {}", field.charset.decode) }
    };
    let (kind_a, kind_b) = (crate::show::kind(a) + &charset(a), crate::show::kind(b) + &charset(b));
    let message = format!("Field `{}` is {kind_a}, `{}` is {kind_b}: they cannot be {what}", a.path, b.path);
    error(mistake::DIFFERENT_FIELDS, span, "not alike", message)
}

/// `confirm a b = c`.
pub(crate) fn confirm(both: &Both<'_, '_>, pairs: &[Pair], out: &mut Vec<Diagnostic>) -> Option<Vec<Confirm>> {
    let mut all = Vec::new();
    // A name that stands for both sides is told once.
    let mut silent = Vec::new();
    for pair in pairs {
        let answer = both.answer(&pair.answer, out);
        let again = answer.is_none() && pair.original.span == pair.answer.span;
        let original = both.original(&pair.original, if again { &mut silent } else { &mut *out });
        all.push(answer.zip(original).and_then(|(answer, original)| {
            let equal = equal(answer, original, pair.answer.span, out)?;
            Some(Confirm { answer: answer.field.at, original: original.field.at, equal })
        }));
    }
    all.into_iter().collect()
}

/// `fill a = original.b`: bytes copied as they are.
pub(crate) fn fill(
    (inquiry, given): (&Draft<'_>, &[Name]),
    original: &Draft<'_>,
    to: &Name,
    from: &Reference,
    out: &mut Vec<Diagnostic>,
) -> Option<FillRule> {
    if !from.original {
        out.push(
            error(
                mistake::DIFFERENT_FIELDS,
                from.field.span,
                "of which telegram?",
                "An inquiry is filled from the original request",
            )
            .help(format!("write `original.{}`", from.field.value)),
        );
        return None;
    }
    copied((inquiry, given), original, to, &from.field, out)
}

/// Bytes copied into a request from another telegram that the same side or the other one has asked with. Fields that are `given` in the
/// request may be copied, too.
pub(crate) fn copied(
    (request, given): (&Draft<'_>, &[Name]),
    original: &Draft<'_>,
    to: &Name,
    from: &Name,
    out: &mut Vec<Diagnostic>,
) -> Option<FillRule> {
    let target = request.find(to, out).filter(|column| filled(column, true, to, out));
    let source = original.find(from, out).filter(|column| filled(column, true, from, out));
    let (target, source) = target.zip(source).filter(|(a, b)| a.sure && b.sure)?;
    let is_given = given.iter().any(|name| name.value == to.value);
    if matches!(target.field.fill, Fill::Stamped | Fill::Const(_)) && !is_given {
        let message = format!("Field `{}` has a value of its own", to.value);
        out.push(
            error(mistake::MISPLACED, to.span, "not filled from here", message)
                .help(
                    "stamps, the type and constants are written by the gateway; fill the field that names the original",
                )
                .related(target.written.name.span, "described here"),
        );
        return None;
    }
    if target.field.at.len != source.field.at.len || !alike(&target.field, &source.field) {
        out.push(
            different(&source.field, &target.field, to.span, "copied")
                .help("bytes are copied as they are: both fields have the same kind and length"),
        );
        return None;
    }
    Some(FillRule { from: source.field.at, to: target.field.at })
}

/// A condition of `success` or `failure`.
pub(crate) fn condition(
    scene: &Scene<'_>,
    both: &Both<'_, '_>,
    written: &written::Condition,
    out: &mut Vec<Diagnostic>,
) -> Option<Condition> {
    let mut all = Vec::new();
    for comparison in &written.all {
        let left = both.either(&comparison.left, out);
        let test = match &comparison.right {
            Right::Literal(text) => left.filter(|(column, _)| column.sure).and_then(|(column, operand)| {
                let bytes = layout::constant(&column.field, text, out)?;
                Some(Test::Same { left: operand, right: Operand::Literal(bytes), equal: column.field.equal })
            }),
            Right::Field(reference) => {
                let right = both.either(reference, out);
                left.zip(right).and_then(|((left, a), (right, b))| {
                    let equal = equal(left, right, reference.field.span, out)?;
                    Some(Test::Same { left: a, right: b, equal })
                })
            }
            Right::Class(verdict) => {
                left.and_then(|(column, _)| class(scene, both, column, &comparison.left, *verdict, out))
            }
        };
        all.push(test);
    }
    Some(Condition { all: all.into_iter().collect::<Option<_>>()? })
}

/// Whether a field can hold what the response code holds; tells if it cannot.
pub(crate) fn code(column: &Column<'_>, code: &Column<'_>, span: Span, out: &mut Vec<Diagnostic>) -> bool {
    let alike = column.field.at.len == code.field.at.len && alike(&column.field, &code.field);
    if !alike {
        out.push(
            different(&column.field, &code.field, span, "codes of one table")
                .help("a class is looked up in the table of `verdict`; the field must be like the response code"),
        );
    }
    alike
}

/// `proc_result class refused`: the field holds codes of the same table. A code in the body is one of the original's.
fn class(
    scene: &Scene<'_>,
    both: &Both<'_, '_>,
    column: &Column<'_>,
    reference: &Reference,
    verdict: Verdict,
    out: &mut Vec<Diagnostic>,
) -> Option<Test> {
    let code = scene.response_code()?;
    if reference.original {
        out.push(
            error(
                mistake::DIFFERENT_FIELDS,
                reference.field.span,
                "of the request",
                "A response code stands in the answer, not in the original request",
            )
            .help("compare the class of a field of the answer"),
        );
        return None;
    }
    if !(column.sure && code.sure) {
        return None;
    }
    self::code(column, code, reference.field.span, out).then_some(())?;
    let exchange = if column.field.at == code.field.at { both.asks } else { both.asked };
    Some(Test::Class { code: column.field.at, exchange: exchange.into(), verdict })
}
