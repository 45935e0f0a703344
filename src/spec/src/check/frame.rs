//! `frame`: the parts become a framing, and every telegram has its place in it.

use alloc::format;
use alloc::vec::Vec;
use core::ops::RangeInclusive;

use pabal_telegram::{
    Computed, Fill, Form, FrameLength, FrameParts, Framing, FramingError, Kind, Notation, Number, OnGarbage, Order,
    Sign, Slice, Span as Covered, Total, TypedTotal,
};

use crate::catalog::{Select, SelectRow};
use crate::check::layout::{Column, Draft};
use crate::diagnostic::{Diagnostic, Span};
use crate::mistake::{self, error};
use crate::written::{At, Frame, FrameTotal, Name};

/// The framing, if telegrams of these lengths can be cut by it. Without `select` nothing is known by type, and that was told.
pub(crate) fn check(
    written: &At<Frame>,
    drafts: &[Draft<'_>],
    select: Option<&Select>,
    out: &mut Vec<Diagnostic>,
) -> Option<Framing> {
    let frame = &written.value;
    let max = frame.max.as_ref()?;
    let total = match &frame.total {
        None => Total::Said,
        Some(At { value: FrameTotal::Fixed(total), .. }) => Total::Fixed(*total),
        Some(At { value: FrameTotal::ByType, span }) => {
            let select = select?;
            if let Some((first, second)) = untold(&select.rows) {
                let name = |row: &SelectRow| drafts.get(usize::from(row.telegram.0)).map(Draft::name);
                let (first, second) = (name(first)?, name(second)?);
                let message = format!(
                    "By their type alone, `{}` and `{}` cannot be told apart, and they differ in length",
                    first.value, second.value
                );
                out.push(
                    error(mistake::UNTOLD_TOTAL, *span, "how long is which?", message)
                        .help(
                            "give their rows of `select` bytes that differ; `length` does not tell before all has come",
                        )
                        .related(first.span, "one of them")
                        .related(second.span, "and the other"),
                );
                return None;
            }
            if let Some(draft) = drafts.iter().find(|draft| draft.len().is_some_and(|len| len.start() != len.end())) {
                let message = format!("The type of telegram `{}` does not tell how long it is", draft.name().value);
                out.push(
                    error(mistake::UNTOLD_TOTAL, *span, "how long is it?", message)
                        .help("a telegram of variable length needs a frame that says its length")
                        .related(draft.name().span, "this one"),
                );
                return None;
            }
            let row = |row: &SelectRow| TypedTotal { bytes: row.bytes.clone(), length: *row.length.end() };
            Total::Typed(select.rows.iter().map(row).collect())
        }
    };
    let parts = FrameParts {
        before: frame.before.iter().map(|part| part.value.clone()).collect(),
        inside: frame.inside.iter().map(|length| length.value).collect(),
        after: frame.after.iter().flat_map(|part| part.value.iter().copied()).collect(),
        total,
        frame_bytes_max: max.value,
        on_garbage: frame.on_garbage.as_ref().map_or(OnGarbage::Close, |on_garbage| on_garbage.value),
    };
    let framing = match Framing::new(parts) {
        Ok(framing) => framing,
        Err(refused) => {
            out.push(told(written, &refused));
            return None;
        }
    };
    if framing.longest() < max.value && frame.total.is_none() {
        let says = framing.longest();
        let message = format!("The length cannot say {} bytes", max.value);
        out.push(error(mistake::BAD_VALUE, max.span, format!("at most {says}"), message));
        return None;
    }
    let longer = |draft: &&Draft<'_>| draft.len().is_some_and(|len| *len.end() > max.value);
    for draft in drafts.iter().filter(longer) {
        let Some(total) = &draft.written.total else { continue };
        let message = format!("Telegram `{}` is longer than any frame", draft.name().value);
        out.push(
            error(mistake::BAD_VALUE, total.span, format!("{} bytes", total.value.end()), message)
                .help("raise `max`, or compare the total with the document")
                .related(max.span, format!("at most {} bytes", max.value)),
        );
    }
    let shortest = framing.shortest();
    let (wrong, label, message, help): (fn(RangeInclusive<u32>, u32) -> bool, _, _, _) = match &framing.parts().total {
        Total::Said => (
            |len, shortest| *len.start() < shortest,
            format!("needs {shortest} bytes"),
            "too short to hold the frame's length",
            "compare the place of the length, and what it counts, with the document",
        ),
        Total::Fixed(total) => (
            |len, total| len != (total..=total),
            format!("always {total} bytes"),
            "not of the length that every frame has",
            "say `total by type` if telegrams of one line differ in length",
        ),
        _ => return Some(framing),
    };
    let unfit: Vec<&Name> =
        drafts.iter().filter(|draft| draft.len().is_some_and(|len| wrong(len, shortest))).map(Draft::name).collect();
    let Some(first) = unfit.first() else {
        let before = out.len();
        for ((at, length), said) in framing.parts().inside.iter().zip(&frame.inside) {
            let place = Slice { offset: *at, len: u32::from(length.width) };
            if let Some(told) = drafts.iter().find_map(|draft| misplaced(draft, place, *length, said.span)) {
                out.push(told);
            }
        }
        return (out.len() == before).then_some(framing);
    };
    let names: Vec<&str> = unfit.iter().map(|name| name.value.as_str()).collect();
    out.push(
        error(mistake::UNFRAMED, written.span, label, format!("These telegrams are {message}: {}", names.join(", ")))
            .help(help)
            .related(first.span, "this one"),
    );
    None
}

/// What is wrong with a telegram in which a length of the frame is written: whatever field holds its bytes is overwritten.
fn misplaced(draft: &Draft<'_>, place: Slice, length: FrameLength, span: Span) -> Option<Diagnostic> {
    let (range, name) = (place.range(), &draft.name().value);
    let overlaps = |column: &&Column<'_>| {
        let at = column.field.at.range();
        !column.moves && at.start < range.end && range.start < at.end
    };
    let column = draft.columns.iter().find(overlaps).filter(|column| !column.is_lost())?;
    let field = &column.field;
    let is_digits = matches!(
        (&field.kind, length.notation),
        (Kind::Number(Number { scale: 0, form: Form::Zoned(Sign::Absent), .. }), Notation::Ascii)
            | (Kind::Number(Number { scale: 0, form: Form::Bcd, .. }), Notation::Bcd)
            | (Kind::Number(Number { scale: 0, form: Form::Binary { order: Order::Big, .. }, .. }), Notation::Big)
            | (
                Kind::Number(Number { scale: 0, form: Form::Binary { order: Order::Little, .. }, .. }),
                Notation::Little
            )
    );
    let is_of_host = length.notation == Notation::Ascii && field.charset.decode.is_ebcdic();
    let (label, message, help) = if field.at != place || !is_digits || is_of_host {
        (
            format!("bytes {}..{}", range.start, range.end),
            format!("The frame writes its length over `{}` of telegram `{name}`", field.path),
            if field.at == place && is_digits {
                "the digits that the frame writes are ASCII, and those of the field are EBCDIC: say `charset ascii` on the field"
            } else {
                "the length stands in a field of its own, a whole number of as many bytes: compare the place with the document"
            },
        )
    } else {
        let more = match &field.fill {
            Fill::Given => return None,
            Fill::Computed(Computed::Length { of: Covered::Telegram, plus }) => Some(*plus),
            Fill::Computed(Computed::Length { of: Covered::Others, plus }) => plus.checked_sub_unsigned(field.at.len),
            _ => None,
        };
        if more == Some(length.more) {
            return None;
        }
        (
            "says another number".into(),
            format!("Field `{}` of telegram `{name}` does not hold what the frame writes there", field.path),
            "write what the field is computed from as the frame counts it, or leave it to the frame: `by both?`",
        )
    };
    Some(error(mistake::OVERWRITTEN, span, label, message).help(help).related(column.written.name.span, "this field"))
}

fn told(written: &At<Frame>, refused: &FramingError) -> Diagnostic {
    let on_garbage = written.value.on_garbage.as_ref();
    match refused {
        FramingError::NoMark => error(
            mistake::UNMARKED,
            on_garbage.map_or(written.span, |on_garbage| on_garbage.span),
            "where does the next frame begin?",
            "No frame can be found again: it does not begin with bytes that are always the same",
        )
        .help("digits may stand anywhere in a telegram: close the connection, or begin the frame with a constant such as `stx`"),
        refused => error(mistake::BAD_FRAME, written.span, "cannot be", format!("No stream can be cut by this frame: {refused}"))
            .help("compare it with the document"),
    }
}

/// Two rows that may match the same beginning of a telegram and have different lengths.
fn untold(rows: &[SelectRow]) -> Option<(&SelectRow, &SelectRow)> {
    rows.iter().enumerate().find_map(|(at, first)| {
        let differs = |second: &&SelectRow| first.length != second.length && !are_apart(first, second);
        Some((first, rows.iter().skip(at + 1).find(differs)?))
    })
}

/// Whether some byte has other values in one row than in the other, so that it tells them.
fn are_apart(first: &SelectRow, second: &SelectRow) -> bool {
    let byte = |any_of: &[alloc::boxed::Box<[u8]>], at: usize| -> Vec<u8> {
        any_of.iter().filter_map(|bytes| bytes.get(at).copied()).collect()
    };
    first.bytes.iter().any(|(here, ours)| {
        second.bytes.iter().any(|(there, theirs)| {
            if here == there {
                return ours.iter().all(|bytes| !theirs.contains(bytes));
            }
            here.range().filter(|at| there.range().contains(at)).any(|at| {
                let theirs = byte(theirs, at - there.range().start);
                byte(ours, at - here.range().start).iter().all(|ours| !theirs.contains(ours))
            })
        })
    })
}
