//! Bodies of the fuzz targets: each takes any bytes and asserts what must hold for all of them. Tests replay the corpus and
//! run the same bodies over random bytes, so that a target is never stale.
//!
//! The first bytes choose a framing, or a layout and a side; the rest is the stream, the telegram, or the values.

mod source;

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

use pabal_clock::{Civil, Date, TimeOfDay};

use crate::charset::Charset;
use crate::class::Class;
use crate::decimal::Decimal;
use crate::decode::Telegram;
use crate::encode::{encode, encode_with_care};
use crate::fault::{Fault, Rule};
use crate::field::{Echo, Field, Fill, Side, Slice};
use crate::frame::{
    Deframer, FrameError, FrameLength, FramePart, FrameParts, Framing, Notation, OnGarbage, Total, TypedTotal,
};
use crate::kind::{Blank, Form, Kind, NumberModes, Sign, Year, Zones};
use crate::layout::Layout;
use crate::mask::masked;
use crate::slots::write::{Room, Writing};
use crate::slots::{Slots, Telegrams};
use crate::text::{Wide, widened};
use crate::value::{Value, ValueRef};
use source::{Source, layout};

/// However a stream is sliced, the same telegrams and the same error come out, none is longer than the limit, and writing the
/// telegrams gives the stream back, but for fillers and what was passed over. Telegrams that are written come out again.
pub fn deframe(data: &[u8]) {
    let mut source = Source(data);
    let Some(framing) = framing(&mut source) else { return };
    let slices: Vec<usize> = (0..source.below(8)).map(|_| usize::from(source.byte())).collect();
    let stream = source.0;
    let whole = frames(&framing, core::iter::once(stream));
    assert_eq!(whole, frames(&framing, stream.chunks(1)), "byte by byte");
    let mut rest = stream;
    let sliced = slices.iter().map(|len| {
        let (slice, behind) = rest.split_at(rest.len().min(*len));
        rest = behind;
        slice
    });
    let mut sliced: Vec<&[u8]> = sliced.collect();
    sliced.push(rest);
    assert_eq!(whole, frames(&framing, sliced.iter().copied()), "sliced");
    for slices in [alloc::vec![stream], stream.chunks(1).collect(), sliced] {
        assert_eq!(whole, cut(&framing, &slices), "without a copy of what has come as a whole");
    }

    let Cut { frames: telegrams, error, position, discarded } = whole;
    let mut written = Vec::new();
    for telegram in &telegrams {
        assert!(telegram.len() as u64 <= u64::from(framing.longest()), "over the limit");
        assert!(framing.write(telegram, &mut written).is_ok(), "what was read can be written");
    }
    assert_eq!(written.len() as u64 + discarded, position, "every byte is a frame's, or passed over");
    let is_kept = |part: &FramePart| !matches!(part, FramePart::Filler { .. });
    if discarded == 0 && framing.parts().before.iter().all(is_kept) {
        assert_eq!(stream.get(..written.len()), Some(&*written), "reading and writing are inverse");
    }
    let again = frames(&framing, core::iter::once(&*written));
    assert_eq!((again.frames, again.error, again.discarded), (telegrams, None, 0), "what is written is read");
    if let Some(error) = error {
        assert_eq!(framing.parts().on_garbage, OnGarbage::Close);
        assert!(error.offset() >= position, "the error is not in what was given out");
    }
}

/// Any framing that can be made.
fn framing(source: &mut Source<'_>) -> Option<Framing> {
    const FILLS: [u8; 3] = [b' ', b'0', 0];
    let style = source.below(16);
    let length = |source: &mut Source<'_>| {
        let notation = [Notation::Ascii, Notation::Ascii, Notation::Big, Notation::Little, Notation::Bcd];
        let notation = notation.get(usize::from(source.below(5))).copied().unwrap_or(Notation::Ascii);
        let width = source.below(6);
        let more = [0, i32::from(width), 3].get(usize::from(source.below(3))).copied().unwrap_or(0);
        FrameLength { notation, width, more }
    };
    let mut parts = FrameParts {
        before: Vec::new(),
        inside: Vec::new(),
        after: if style & 1 == 0 { Box::default() } else { Box::from(*b"\x03") },
        total: Total::Said,
        frame_bytes_max: [0, 1, 20, 300, 4_096].get(usize::from(source.below(5))).copied().unwrap_or(0),
        on_garbage: if style & 2 == 0 { OnGarbage::Close } else { OnGarbage::Resynchronise },
    };
    if style & 2 != 0 || source.below(4) == 0 {
        parts.before.push(FramePart::Constant(Box::from(&b"\x02A"[..usize::from(source.below(2)) + 1])));
    }
    match (style >> 2, source.below(4)) {
        (0, 0) => parts.total = Total::Fixed(parts.frame_bytes_max.min(20)),
        (0, _) => {
            let row = |text: &[u8], length| TypedTotal {
                bytes: Vec::from([(Slice { offset: 1, len: 1 }, Vec::from([Box::from(text)]))]),
                length,
            };
            parts.total = Total::Typed(Vec::from([row(b"0", 2), row(b"1", 7), row(b"\x02", 20)]));
        }
        (1, count) => {
            let at = u32::from(source.below(8));
            let more = -i32::from(source.below(8));
            parts.inside.push((at, FrameLength { more, ..length(source) }));
            if count == 0 {
                parts.before.push(FramePart::Length(length(source)));
            }
        }
        (_, count) => {
            for at in 0..=count {
                if at == 1 {
                    let byte = FILLS.get(usize::from(source.below(3))).copied().unwrap_or(b' ');
                    parts.before.push(FramePart::Filler { len: u16::from(source.below(6)), byte });
                } else {
                    parts.before.push(FramePart::Length(length(source)));
                }
            }
        }
    }
    Framing::new(parts).ok()
}

/// What came out of a stream.
#[derive(Debug, PartialEq, Eq)]
struct Cut {
    frames: Vec<Vec<u8>>,
    error: Option<FrameError>,
    position: u64,
    discarded: u64,
}

fn frames<'a>(framing: &Framing, slices: impl Iterator<Item = &'a [u8]>) -> Cut {
    let mut deframer = Deframer::new(framing.clone());
    let most = usize::try_from(framing.parts().frame_bytes_max).unwrap_or(usize::MAX);
    let longest = framing.overhead_bytes() + most;
    let mut frames = Vec::new();
    let mut error = None;
    for slice in core::iter::once(&[][..]).chain(slices) {
        deframer.push(slice);
        loop {
            match deframer.next_frame() {
                Ok(Some(frame)) => frames.push(frame.to_vec()),
                Ok(None) => break,
                Err(found) => {
                    assert!(error.is_none_or(|before| before == found), "the error stays the same");
                    error = Some(found);
                    break;
                }
            }
        }
        assert!(deframer.pending_bytes() <= longest, "no more than one frame is kept");
    }
    Cut { frames, error, position: deframer.position(), discarded: deframer.discarded() }
}

/// The same without a copy of what has come as a whole.
fn cut(framing: &Framing, slices: &[&[u8]]) -> Cut {
    let mut deframer = Deframer::new(framing.clone());
    let (mut frames, mut error) = (Vec::new(), None);
    for slice in slices {
        let mut rest = *slice;
        loop {
            match deframer.cut(&mut rest) {
                Ok(Some(frame)) => frames.push(frame.to_vec()),
                Ok(None) => break,
                Err(found) => {
                    error = Some(found);
                    break;
                }
            }
        }
        assert!(rest.is_empty(), "all is looked at");
    }
    Cut { frames, error, position: deframer.position(), discarded: deframer.discarded() }
}

/// Any bytes through any layout: no panic, faults are inside of the telegram, printing and masking work on all of them, and
/// nothing of a secret is shown or stored.
pub fn decode(data: &[u8]) {
    let mut source = Source(data);
    let layout = layout(&mut source);
    let side = source.side();
    let telegram = Telegram::new(&layout, source.0, side);
    let faults = telegram.faults();
    let mut expected = faults.iter().skip_while(|fault| matches!(fault.rule, Rule::Length { .. }));
    for (id, field, value) in telegram.fields() {
        assert_eq!(layout.find(&field.path).map(|(id, _)| id), Some(id));
        assert_eq!(telegram.get(id), value);
        match value {
            Ok(value) => {
                assert!(field.at.range().end <= telegram.bytes().len(), "a value has bytes");
                let _ = alloc::format!("{value} {value:?}");
                check_moment(field, &value);
            }
            Err(fault) => {
                assert_eq!(expected.next(), Some(&fault));
                check_fault(&fault, field, telegram.bytes());
            }
        }
        if let Some(bytes) = field.at.of(telegram.bytes()) {
            check_mask(field, bytes);
        }
    }
    assert_eq!(expected.next(), None);
    check_slots(&telegram);
    let right_length = telegram.bytes().len() as u64 == u64::from(layout.len());
    assert_eq!(faults.iter().any(|fault| matches!(fault.rule, Rule::Length { .. })), !right_length);
    let _ = alloc::format!("{telegram:?}");
}

/// All fields at once are what they are one by one, in slots that held another telegram, too.
pub(crate) fn check_slots(telegram: &Telegram<'_, '_>) {
    let layout = telegram.layout();
    let other: Vec<u8> = telegram.bytes().iter().rev().copied().collect();
    for makes_text in [false, true] {
        let mut slots = Slots::new();
        let _ = Telegram::new(layout, &other, telegram.side()).read_into(&mut slots);
        let reading = if makes_text { telegram.read_text_into(&mut slots) } else { telegram.read_into(&mut slots) };
        assert_eq!(reading.faults(), telegram.faults());
        for (id, field, value) in telegram.fields() {
            let value = value.ok();
            assert_eq!(reading.get(id), value, "{} of {telegram:?}", field.path);
            let units = value.as_ref().and_then(ValueRef::number).and_then(|number| i64::try_from(number.units).ok());
            assert_eq!(reading.units(id), units, "{}", field.path);
        }
        let good = telegram.fields().filter_map(|(id, _, value)| Some((id, value.ok()?)));
        assert!(reading.fields().map(|(id, _, value)| (id, value)).eq(good));
    }
    if telegram.bytes().len() as u64 != u64::from(layout.len()) {
        return;
    }
    // One behind another, they are each what they are alone.
    let three = [telegram.bytes(), &other, telegram.bytes()].concat();
    let mut slots = Slots::new();
    let readings = Telegrams::new(layout, &three, 0, telegram.side()).read_text_into(&mut slots);
    assert_eq!(readings.iter().count(), 3);
    for reading in readings.iter() {
        let telegram = reading.telegram();
        assert_eq!(reading.faults(), telegram.faults());
        let good = telegram.fields().filter_map(|(id, _, value)| Some((id, value.ok()?)));
        assert!(reading.fields().map(|(id, _, value)| (id, value)).eq(good));
    }
}

/// A date that was read is on the calendar wherever its year is known, and says what its digits say.
fn check_moment(field: &Field, value: &ValueRef<'_>) {
    let now = Civil { date: Date::new(2_026, 11, 22).expect("a date"), time: TimeOfDay::MIDNIGHT };
    let (Kind::Stamp(stamp), ValueRef::Text(text)) = (&field.kind, value) else {
        assert_eq!(field.moment(value, now), Ok(None));
        return;
    };
    let has_day = stamp.pattern.contains("MM") && stamp.pattern.contains("DD");
    let is_known = stamp.pattern.contains("YYYY") || stamp.year != Year::Written;
    match field.moment(value, now) {
        Ok(Some(moment)) => {
            assert_eq!(moment.date.is_some(), has_day, "{stamp}");
            assert_eq!(moment.time.is_some(), stamp.pattern.contains("hh"), "{stamp}");
            if let (Some(date), "YYMMDD") = (moment.date, &*stamp.pattern) {
                assert_eq!(alloc::format!("{:06}", date.yyyymmdd() % 1_000_000), **text);
            }
        }
        Ok(None) => unreachable!("it was not left out"),
        Err(rule) => assert!(rule == Rule::WhichYear && has_day && !is_known, "{rule} of {stamp}"),
    }
}

fn check_fault(fault: &Fault, field: &Field, telegram: &[u8]) {
    assert_eq!((fault.offset, fault.len, fault.class), (field.at.offset, field.at.len, field.class));
    let end = field.at.range().end.min(telegram.len());
    assert_eq!(&*fault.bytes, telegram.get(field.at.range().start..end).unwrap_or_default());
    let line = alloc::format!("{fault}");
    assert!(line.starts_with(fault.code()) && !line.contains('\n'), "one line: {line}");
}

fn check_mask(field: &Field, bytes: &[u8]) {
    let (raw, text) = masked(field, bytes);
    let text_at = field.text_range(bytes);
    let shown = || raw.split(' ').skip(text_at.start).take(text_at.len());
    assert_eq!(raw.len(), bytes.len() * 3 - 1, "two digits and a space for each byte");
    match field.class {
        Class::Public => {}
        Class::Identity | Class::Secret => {
            assert!(raw.bytes().chain(text.bytes()).all(|byte| matches!(byte, b'*' | b' ')))
        }
        Class::Account | Class::Phone => {
            let hidden = text_at.len().div_ceil(2).min(text_at.len().saturating_sub(4).max(1));
            assert!(shown().take(hidden).all(|byte| byte == "**"));
        }
        Class::Name => {
            let shown = shown().filter(|byte| *byte != "**").count();
            let most = if field.charset.decode == Charset::Utf8 { 4 } else { 2 }
                + usize::from(field.charset.decode.is_shifted());
            assert!(shown <= most, "one character at most");
        }
    }
}

/// What is read and can be written comes back as the same bytes; what is written reads back as the same values.
pub fn round_trip(data: &[u8]) {
    let mut source = Source(data);
    let layout = layout(&mut source);
    let side = source.side();
    bytes_come_back(&layout, side, source.0);
    values_come_back(&layout, side, &mut source);
}

fn bytes_come_back(layout: &Layout, side: Side, data: &[u8]) {
    let len = usize::try_from(layout.len()).unwrap_or(usize::MAX);
    let mut bytes = data.to_vec();
    bytes.resize(len, b' ');
    let telegram = Telegram::new(layout, &bytes, side);
    let read = |telegram: &Telegram<'_, '_>| -> Vec<(String, Value)> {
        let given = telegram.fields().filter(|(_, field, _)| is_given(field, side));
        given.filter_map(|(_, field, value)| Some((String::from(&*field.path), value.ok()?.to_value()))).collect()
    };
    let values = read(&telegram);
    match encode(layout, side, &values) {
        Ok(made) => {
            for (_, field, value) in telegram.fields() {
                let (Some(was), Some(is), Ok(value)) = (field.at.of(&bytes), field.at.of(&made), value) else {
                    continue;
                };
                if is_given(field, side) && !value.is_null() && is_kept(field, was) {
                    assert_eq!(was, is, "{}", field.path);
                }
            }
            let again = Telegram::new(layout, &made, side);
            // What is widened, or read only because a mode lets it through, comes back as it is written.
            let as_it_was = |path: &str| {
                layout.find(path).is_some_and(|(_, field)| field.at.of(&bytes).is_some_and(|was| is_strict(field, was)))
            };
            let same = values.iter().filter(|(path, value)| *value != Value::Null && as_it_was(path));
            for (path, value) in same {
                assert_eq!(again.named(path).map(Value::from).as_ref(), Ok(value), "{path}");
            }
        }
        Err(faults) => {
            for fault in faults {
                let fine = match fault.rule {
                    // Read as something that the strict charset, or a field that must be filled, does not allow.
                    Rule::Unmappable { .. } | Rule::Missing => true,
                    // Widened.
                    Rule::Overflow { .. } => {
                        layout.find(&fault.field).is_some_and(|(_, field)| field.text.wide != Wide::No)
                    }
                    _ => false,
                };
                assert!(fine, "{fault}");
            }
        }
    }
}

/// Whether the field's text is neither widened nor read only because a mode lets it through.
fn is_strict(field: &Field, bytes: &[u8]) -> bool {
    field.kind != Kind::Text
        || (field.text.wide == Wide::No && field.charset.decode.decode(field.unpadded(bytes)).is_ok())
}

/// Whether what is read is written in the same way: see [`TextRule`](crate::TextRule), and the table at [`Number`].
fn is_kept(field: &Field, bytes: &[u8]) -> bool {
    let Kind::Number(number) = field.kind else { return is_strict(field, bytes) };
    let is_digit =
        |byte: Option<&u8>| byte.is_some_and(|byte| byte.wrapping_sub(field.charset.decode.digit_zero()) <= 9);
    let is_kept = match number.form {
        Form::Packed { signed: true } => bytes.last().is_some_and(|last| last & 0xF != 0xF),
        // In EBCDIC there are no other zones than IBM's.
        Form::Zoned(Sign::OverpunchLeading(zones)) if zones == Zones::Ibm || field.charset.decode.is_ebcdic() => {
            !is_digit(bytes.first())
        }
        Form::Zoned(Sign::OverpunchTrailing(zones)) if zones == Zones::Ibm || field.charset.decode.is_ebcdic() => {
            !is_digit(bytes.last())
        }
        _ => true,
    };
    is_kept && number.lenient == NumberModes::default() && number.blank != Blank::Zero
}

fn values_come_back(layout: &Layout, side: Side, source: &mut Source<'_>) {
    let values: Vec<(String, Value)> = layout
        .fields()
        .iter()
        .filter(|field| is_given(field, side))
        .map(|field| (String::from(&*field.path), source.value(field)))
        .collect();
    let made = encode(layout, side, &values);
    check_writing(layout, side, &values, made.as_ref());
    let made = match made {
        Ok(made) => made,
        Err(faults) => {
            assert!(!faults.is_empty());
            for fault in &faults {
                let line = alloc::format!("{fault}");
                assert!(line.starts_with(fault.code()) && !line.contains('\n'), "one line: {line}");
                assert!(layout.find(&fault.field).is_some_and(|(_, field)| field.at.offset == fault.offset));
            }
            return;
        }
    };
    assert_eq!(made.len() as u64, u64::from(layout.len()));
    let telegram = Telegram::new(layout, &made, side);
    check_slots(&telegram);
    for (path, given) in &values {
        let Some((_, field)) = layout.find(path) else { continue };
        if matches!(field.fill, Fill::Const(_)) || *given == Value::Null {
            continue;
        }
        let value = telegram.named(path);
        let same = match (&value, given) {
            (Ok(ValueRef::Text(read)), Value::Text(given)) if field.kind == Kind::Text => {
                let given = if field.is_wide_in(&made) { given.chars().map(widened).collect() } else { given.clone() };
                let pad = [field.pad(field.charset.decode)];
                let pad = field.charset.decode.decode(&pad).ok().and_then(|pad| pad.chars().next()).unwrap_or('\0');
                let trim = |text| {
                    if field.text.right { str::trim_start_matches(text, pad) } else { str::trim_end_matches(text, pad) }
                };
                trim(read) == trim(&given)
            }
            (Ok(ValueRef::Text(read)), Value::Text(given)) => read == given,
            (Ok(ValueRef::Text(read)), Value::Bytes(_)) => {
                let mut again = Vec::new();
                field.charset.encode.encode(read, &mut again).is_ok()
                    && field.at.of(&made).map(|bytes| field.unpadded(bytes)) == Some(&again)
            }
            (Ok(ValueRef::Number(read)), Value::Number(given)) => given.rescale(read.scale) == Some(*read),
            (Ok(ValueRef::Number(read)), Value::Text(given)) => {
                given.parse::<Decimal>().is_ok_and(|given| given.rescale(read.scale) == Some(*read))
            }
            (Ok(ValueRef::Bytes(read)), Value::Bytes(given)) => read == given,
            // What looks like the fill of a field that was left out reads as left out.
            (Ok(ValueRef::Null), _) => field.at.of(&made).is_some_and(|bytes| {
                let charset = field.charset.decode;
                let is_fill = |fill: &u8| bytes.iter().all(|byte| byte == fill);
                let is_nought =
                    matches!(given, Value::Number(number) if number.units == 0) || field.check_own(bytes).is_ok();
                [charset.blank(), charset.digit_zero()].iter().any(is_fill)
                    || matches!(field.kind, Kind::Number(number) if !number.is_text() && is_nought)
            }),
            _ => false,
        };
        assert!(same, "{path}: {value:?}");
    }
}

/// Values that are given at once, by their paths or by their fields, make what they make one by one; in room that was used before, too.
fn check_writing(layout: &Layout, side: Side, values: &[(String, Value)], made: Result<&Vec<u8>, &Vec<Fault>>) {
    let careful = encode_with_care(layout, side, values);
    assert_eq!(careful.as_ref(), made);
    let mut room = Room::default();
    let mut out = Vec::from(*b"what was there before");
    for _ in 0..2 {
        let mut writing = Writing::in_room(layout, side, room);
        for (path, value) in values.iter().rev() {
            let Some((id, _)) = layout.find(path) else { unreachable!("the values are the layout's") };
            writing.set(id, ValueRef::Text("a value that is given first".into()));
            match value {
                Value::Text(text) => writing.text(id, text),
                Value::Number(number) => match (i64::try_from(number.units), layout.field(id).map(|field| &field.kind))
                {
                    (Ok(units), Some(Kind::Number(kind))) if number.scale == kind.decimals() => {
                        writing.number(id, units)
                    }
                    _ => writing.set(id, ValueRef::Number(*number)),
                },
                value => writing.set(id, value.to_ref()),
            }
        }
        match writing.write_into(&mut out) {
            Ok(()) => assert_eq!(Ok(&out), made),
            Err(faults) => assert_eq!((Err(&faults), &*out), (made, &b""[..])),
        }
        room = writing.into_room();
    }
}

fn is_given(field: &Field, side: Side) -> bool {
    let carried_back = side == Side::Answerer && field.echo != Echo::No;
    field.may_be_given_by(side) && (field.fill != Fill::Stamped || carried_back)
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::{fs, vec};

    use proptest::collection::vec as any_vec;
    use proptest::prelude::*;

    use super::*;

    fn replay(target: &str, body: fn(&[u8])) {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target);
        let mut files: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.sort();
        assert!(!files.is_empty(), "{} has no files", folder.display());
        for file in files {
            body(&fs::read(&file).unwrap());
        }
    }

    #[test]
    fn the_corpus_of_deframe_holds() {
        replay("deframe", deframe);
    }

    #[test]
    fn the_corpus_of_decode_holds() {
        replay("decode", decode);
    }

    #[test]
    fn the_corpus_of_round_trip_holds() {
        replay("round_trip", round_trip);
    }

    /// Streams that are mostly right, which random bytes never are.
    fn stream() -> impl Strategy<Value = Vec<u8>> {
        let digits = |frame: &[u8]| [std::format!("{:04}", frame.len()).as_bytes(), frame].concat();
        let piece = prop_oneof![
            8 => any_vec(any::<u8>(), 0..40).prop_map(move |frame| digits(&frame)),
            4 => any_vec(any::<u8>(), 0..9).prop_map(move |frame| [&b"\x02"[..], &digits(&frame), b"\x03"].concat()),
            2 => any_vec(any::<u8>(), 0..6),
            1 => Just(b"0301".to_vec()),
        ];
        // Four digits; or any framing.
        let plain = any_vec(0..=255_u8, 7).prop_map(|slices| [&[8, 4, 1, 0, 0, 4, 0, 7][..], &slices].concat());
        let head = prop_oneof![plain, any_vec(0..=255_u8, 8..24)];
        (head, any_vec(piece, 0..8)).prop_map(|(head, pieces)| [head, pieces.concat()].concat())
    }

    /// Bytes that are more often digits, spaces and Hangul than anything else.
    fn telegram_bytes() -> impl Strategy<Value = Vec<u8>> {
        let piece = prop_oneof![
            any::<u8>().prop_map(|byte| vec![byte]),
            (b'0'..=b'9', 1..12_usize).prop_map(|(digit, times)| vec![digit; times]),
            (1..12_usize).prop_map(|times| vec![b' '; times]),
            (0xF0..=0xF9_u8, 1..12_usize).prop_map(|(digit, times)| vec![digit; times]),
            (1..12_usize).prop_map(|times| vec![0x40; times]),
            prop::sample::select(vec!["홍길동", "똠방", "20261121", "235959", "abc"]).prop_flat_map(|text| {
                prop::sample::select(Charset::ALL.map(|(_, charset)| charset).to_vec()).prop_map(move |charset| {
                    let mut out = Vec::new();
                    if charset.encode(text, &mut out).is_err() {
                        out.extend_from_slice(text.as_bytes());
                    }
                    out
                })
            }),
        ];
        any_vec(piece, 0..160).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn any_stream_deframes(data in stream()) {
            deframe(&data);
        }

        #[test]
        fn any_bytes_decode(data in telegram_bytes()) {
            decode(&data);
        }

        #[test]
        fn any_layout_round_trips(data in telegram_bytes()) {
            round_trip(&data);
        }
    }
}
