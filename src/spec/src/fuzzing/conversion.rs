//! Telegrams of specs that are drawn: read and written as they should be, then damaged.

use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use alloc::{format, vec};

use pabal_clock::{Civil, Date, TimeOfDay};
use pabal_telegram::{
    Blank, Cell, Computed, Decimal, Field, Fill, Form, Kind, Layout, NumberModes, Room, Rule, Side, Sign, Slots,
    Telegram, TextModes, Value, ValueRef, Wide, Writing, Year, Zones, encode, masked,
};

use super::draw::Draw;
use super::drawn;
use super::reached::Reached;
use super::values::{Expected, Filled, fill, is_giveable};
use crate::{Source, load};

/// The first byte of data that chooses a shipped spec, of which values are drawn.
pub(super) const SHIPPED_SPEC: u8 = 255;

/// The first byte of data that holds a telegram as it is: then follow the place of a spec in [`SHIPPED`], the place of a telegram in it,
/// 0 for the asker or 1 for the answerer, and the bytes.
pub(super) const AS_IT_IS: u8 = 254;

/// What is written is read as the same values, and these, without the bytes, are written as the same bytes again. Values that cannot be
/// are faults.
pub(super) fn round_trip(data: &[u8], reached: &mut Reached) {
    if let [AS_IT_IS, rest @ ..] = data {
        return as_it_is(rest, reached);
    }
    let mut draw = Draw::new(data);
    let (text, layouts) = layouts(&mut draw);
    for layout in layouts {
        reached.look(&layout, layout.root());
        for side in [Side::Asker, Side::Answerer] {
            let filled = fill(&layout, side, &mut draw);
            if filled.is_impossible {
                continue;
            }
            let made = write(&layout, side, &filled.given, &text);
            reached.cells(&Telegram::new(&layout, &made, side));
            let values = {
                // These bytes are gone before anything is written.
                let bytes = made.clone();
                check(&layout, &bytes, side, &filled, &text);
                read(&Telegram::new(&layout, &bytes, side))
            };
            let again = again(&layout, side, values, &text);
            same(&layout, side, &made, &again);
            wrong_values(&layout, side, filled.given, &mut draw, reached, &text);
        }
    }
}

/// Damaged telegrams: every fault is in its place, nothing panics, and what is read without one is written as it was.
pub(super) fn decode(data: &[u8], reached: &mut Reached) {
    if let [AS_IT_IS, rest @ ..] = data {
        return as_it_is(rest, reached);
    }
    let mut draw = Draw::new(data);
    let (text, layouts) = layouts(&mut draw);
    for layout in layouts {
        let side = *draw.one_of(&[Side::Asker, Side::Answerer]);
        let filled = fill(&layout, side, &mut draw);
        if filled.is_impossible {
            continue;
        }
        let made = write(&layout, side, &filled.given, &text);
        for _ in 0..4 {
            let mut bytes = made.clone();
            for _ in 0..=draw.below(3) {
                damage(&layout, side, &mut bytes, &mut draw);
            }
            whatever_it_is(&layout, side, &bytes, reached, &text);
        }
    }
}

/// A telegram of a shipped spec, as its bytes are given: then what is read is written again, and damaged.
fn as_it_is(data: &[u8], reached: &mut Reached) {
    let [spec, telegram, side, bytes @ ..] = data else { return };
    let Some(text) = SHIPPED.get(usize::from(*spec)) else { return };
    let all = load_all(&sources(text));
    let Some(layout) = all.get(usize::from(*telegram)) else { return };
    let side = if *side == 0 { Side::Asker } else { Side::Answerer };
    whatever_it_is(layout, side, bytes, reached, text);
    let telegram = Telegram::new(layout, bytes, side);
    let values = telegram.faults().is_empty().then(|| read(&telegram));
    if let Some(values) = values {
        // The last bytes say what becomes of the values.
        let last = bytes.get(bytes.len().saturating_sub(9)..).unwrap_or_default();
        wrong_values(layout, side, values, &mut Draw::new(last), reached, text);
    }
}

/// Any bytes: every fault is in its place, all fields at once are what they are one by one, and what is read without a fault is written as
/// it was.
fn whatever_it_is(layout: &Layout, side: Side, bytes: &[u8], reached: &mut Reached, text: &str) {
    let telegram = Telegram::new(layout, bytes, side);
    faults(&telegram, reached);
    at_once(&telegram);
    if telegram.faults().is_empty() {
        match encode(layout, side, &read(&telegram)) {
            Ok(again) => same(layout, side, bytes, &again),
            Err(told) => told.iter().for_each(|fault| {
                assert!(may_refuse(layout, &fault.rule), "{fault}\n{} of {text}", layout.name());
            }),
        }
    }
}

/// All fields at once are what they are one by one, in slots that held another telegram, too.
fn at_once(telegram: &Telegram<'_, '_>) {
    let layout = telegram.layout();
    let other: Vec<u8> = telegram.bytes().iter().rev().copied().collect();
    for makes_text in [false, true] {
        let mut slots = Slots::new();
        let _ = Telegram::new(layout, &other, telegram.side()).read_into(&mut slots);
        let reading = if makes_text { telegram.read_text_into(&mut slots) } else { telegram.read_into(&mut slots) };
        assert_eq!(reading.faults(), telegram.faults());
        for (id, field, value) in telegram.fields() {
            assert_eq!(reading.get(id), value.ok(), "{} of {telegram:?}", field.path);
        }
    }
}

/// Values that are given to their fields make what values by their paths make, in room that was used before, too.
fn by_field(
    layout: &Layout,
    side: Side,
    values: &[(String, Value)],
    made: Result<&Vec<u8>, &Vec<pabal_telegram::Fault>>,
) {
    if !layout.is_fixed() {
        return;
    }
    let mut out = Vec::from(*b"what was there before");
    let mut room = Room::default();
    for _ in 0..2 {
        let mut writing = Writing::in_room(layout, side, room);
        for (path, value) in values.iter().rev() {
            if let Some((id, _)) = layout.find(path) {
                writing.set(id, value.to_ref());
            }
        }
        match writing.write_into(&mut out) {
            Ok(()) => assert_eq!(Ok(&out), made),
            Err(faults) => assert_eq!((Err(&faults), &*out), (made, &b""[..])),
        }
        room = writing.into_room();
    }
}

/// Specs of institutions, whose telegrams are drawn now and then instead of a drawn spec's.
pub(super) const SHIPPED: [&str; 6] = [
    include_str!("../../../../specs/nicevan/card_approval.spec"),
    include_str!("../../../../specs/kftc_cms/account_check.spec"),
    include_str!("../../../../specs/ksnet/firmbanking.spec"),
    include_str!("../../../../specs/nicecb/credit_score.spec"),
    include_str!("../../../../specs/kcb/credit_report.spec"),
    include_str!("../../../../specs/hecto/firmbanking.spec"),
];

/// A shipped spec; its code table says nothing of telegrams, and is long.
pub(super) fn sources(text: &str) -> [Source; 2] {
    [
        Source { name: "codes.csv".into(), text: "bank_code,code,class,text\n,0000,success,done\n".into() },
        Source { name: "shipped.spec".into(), text: text.into() },
    ]
}

fn layouts(draw: &mut Draw<'_>) -> (String, Vec<Arc<Layout>>) {
    let sources = match draw.byte() {
        SHIPPED_SPEC => Vec::from(sources(draw.word(&SHIPPED))),
        _ => drawn::spec(draw),
    };
    let layouts = load_all(&sources);
    (sources.into_iter().map(|source| source.text).collect(), layouts)
}

/// Every telegram of a right spec, in all of its versions.
pub(super) fn load_all(sources: &[Source]) -> Vec<Arc<Layout>> {
    match load(sources) {
        Ok(loaded) => {
            let protocols = loaded.institution.protocols.iter().map(|protocol| &protocol.catalog);
            let versions =
                loaded.institution.layouts.iter().flat_map(|first| core::iter::once(first).chain(&first.later));
            let all = protocols.chain(versions.map(|version| &version.catalog));
            all.flat_map(|catalog| catalog.layouts.iter().cloned()).collect()
        }
        Err(told) => {
            let told: Vec<String> = told
                .iter()
                .map(|told| {
                    let text = sources.get(usize::from(told.at.span.source.0)).map_or("", |source| &source.text);
                    let at = text.get(..told.at.span.start as usize).unwrap_or_default().matches('\n').count();
                    format!("{} line {}: {} ({:?})", told.code, at + 1, told.message, told.help)
                })
                .collect();
            let texts: String = sources.iter().map(|source| format!("--- {}\n{}", source.name, source.text)).collect();
            unreachable!("a drawn spec is right:\n{}\n{texts}", told.join("\n"))
        }
    }
}

/// Writes what was read. Where bytes were read that are written in another way, their checksums refuse that, and are computed anew then.
fn again(layout: &Layout, side: Side, mut values: Vec<(String, Value)>, text: &str) -> Vec<u8> {
    if let Err(told) = encode(layout, side, &values) {
        for fault in told {
            let of = layout.find_cell(&fault.field).and_then(|(id, _)| layout.field(id));
            assert!(of.is_some_and(is_checksum), "{fault}\n{} of {text}", layout.name());
            values.iter_mut().filter(|(path, _)| **path == *fault.field).for_each(|(_, value)| *value = Value::Null);
        }
    }
    write(layout, side, &values, text)
}

const fn is_checksum(field: &Field) -> bool {
    matches!(field.fill, Fill::Computed(Computed::Checksum { .. }))
}

fn write(layout: &Layout, side: Side, values: &[(String, Value)], text: &str) -> Vec<u8> {
    let made = encode(layout, side, values);
    by_field(layout, side, values, made.as_ref());
    made.unwrap_or_else(|faults| unreachable!("{faults:#?}\n{} of {values:#?}\n{text}", layout.name()))
}

/// What a caller would give to have the same telegram again.
fn read(telegram: &Telegram<'_, '_>) -> Vec<(String, Value)> {
    telegram.to_values().unwrap_or_else(|faults| unreachable!("{faults:#?}"))
}

fn check(layout: &Layout, bytes: &[u8], side: Side, filled: &Filled, text: &str) {
    let telegram = Telegram::new(layout, bytes, side);
    assert_eq!(telegram.faults(), [], "{} of {text}", layout.name());
    assert_eq!(telegram.uncovered(), b"");
    at_once(&telegram);
    let paths: Vec<String> = telegram.cells().map(|(cell, _)| cell.path().to_string()).collect();
    let expected: Vec<&str> = filled.expected.iter().map(|(path, _)| path.as_str()).collect();
    assert_eq!(paths, expected, "{} of {text}", layout.name());
    for ((cell, value), (path, expected)) in telegram.cells().zip(&filled.expected) {
        let value = value.unwrap_or_else(|fault| unreachable!("{fault}"));
        let ours = cell.field.by.fills(side);
        let is_right = match expected {
            Expected::Value(expected) => value.to_value() == *expected,
            Expected::Bytes(expected) => cell.at.of(bytes) == Some(expected),
            Expected::Computed => true,
            Expected::LeftOut => match &value {
                ValueRef::Null => true,
                ValueRef::Number(number) => ours && number.units == 0,
                // What the gateway would have written.
                _ => cell.field.fill == Fill::Stamped && is_nothing(cell.field, cell.at.of(bytes).unwrap_or_default()),
            },
        };
        assert!(is_right, "{path}: {value}, expected {}; {:#?}", shown(expected), cell.field);
        assert_eq!(telegram.named(path), Ok(value), "{path}");
    }
}

fn shown(expected: &Expected) -> String {
    match expected {
        Expected::Value(Value::Text(text)) => format!("{text:?}"),
        Expected::Value(Value::Number(number)) => number.to_string(),
        other => format!("{other:?}"),
    }
}

/// Two telegrams are the same but for what is not kept.
fn same(layout: &Layout, side: Side, was: &[u8], is: &[u8]) {
    if was == is {
        return;
    }
    let (was, is) = (Telegram::new(layout, was, side), Telegram::new(layout, is, side));
    assert_eq!(was.cells().count(), is.cells().count());
    let (mut sums_differ, mut others_differ) = (false, false);
    for ((before, value), (after, _)) in was.cells().zip(is.cells()) {
        assert_eq!((before.path().to_string(), before.at), (after.path().to_string(), after.at));
        let (before_bytes, after_bytes) = (before.at.of(was.bytes()), after.at.of(is.bytes()));
        let value = value.unwrap_or_else(|fault| unreachable!("{fault}"));
        if before_bytes != after_bytes && is_checksum(before.field) {
            sums_differ = true;
            continue;
        }
        others_differ |= before_bytes != after_bytes;
        if before_bytes != after_bytes && is_giveable(before.field, side) {
            let bytes = before_bytes.unwrap_or_default();
            let is_kept =
                if value.is_null() { !is_nothing(before.field, bytes) } else { is_canonical(before.field, bytes) };
            assert!(!is_kept, "{}: {before_bytes:02x?} became {after_bytes:02x?}; {:#?}", before.path(), before.field);
        }
    }
    assert!(others_differ || !sums_differ, "the sums of the same bytes differ");
}

/// Whether these bytes say that there is no value: all of one byte that a field is left out with, or nought where that is no text.
fn is_nothing(field: &Field, bytes: &[u8]) -> bool {
    let charset = field.charset.decode;
    let fills = [charset.blank(), charset.digit_zero()];
    let is_one = bytes.first().is_some_and(|first| fills.contains(first) && bytes.iter().all(|byte| byte == first));
    is_one || matches!(field.kind, Kind::Number(number) if !number.is_text())
}

/// Whether these bytes, which were read, are the only ones that are read so. Which are not is said under "There and back" in
/// `specs/README.md`: this, [`is_nothing`] and [`may_refuse`] are its first table.
fn is_canonical(field: &Field, bytes: &[u8]) -> bool {
    match &field.kind {
        Kind::Number(number) => {
            let is_digit =
                |byte: Option<&u8>| byte.is_some_and(|byte| byte.wrapping_sub(field.charset.decode.digit_zero()) <= 9);
            let is_signed = match number.form {
                Form::Packed { signed: true } => bytes.last().is_some_and(|last| last & 0xF != 0xF),
                Form::Zoned(Sign::OverpunchLeading(Zones::Ibm)) => !is_digit(bytes.first()),
                Form::Zoned(Sign::OverpunchTrailing(Zones::Ibm)) => !is_digit(bytes.last()),
                _ => true,
            };
            is_signed && number.lenient == NumberModes::default() && number.blank != Blank::Zero
        }
        // Half-width letters are widened, and what is let through is never written.
        Kind::Text => field.text.wide == Wide::No && field.text.lenient == TextModes::STRICT,
        _ => true,
    }
}

/// Why something that was read without a fault cannot be written.
fn may_refuse(layout: &Layout, rule: &Rule) -> bool {
    let is_some = |has: fn(&Field) -> bool| layout.fields().iter().any(has);
    match rule {
        // Read in a charset that has more than the one in which it is written, or let through; or it has no full-width form there.
        Rule::Unmappable { .. } => is_some(|field| {
            let text = &field.text;
            field.charset.encode != field.charset.decode || text.lenient != TextModes::STRICT || text.wide != Wide::No
        }),
        // Over bytes that are read, and are not those that are written.
        Rule::NotComputed { .. } => is_some(is_checksum),
        // Blank, in a field that must be filled.
        Rule::Missing => true,
        // Half-width letters that take twice the bytes when they are widened.
        Rule::Overflow { .. } => is_some(|field| field.text.wide != Wide::No),
        _ => false,
    }
}

/// One change: to a byte, to a field, or in length.
fn damage(layout: &Layout, side: Side, bytes: &mut Vec<u8>, draw: &mut Draw<'_>) {
    const BYTES: [u8; 26] = [
        b' ', b'0', b'9', b'A', b'+', b'-', b'.', b'{', b'}', b'p', 0, 1, 0x0A, 0x0E, 0x0F, 0x1C, 0x2D, 0x40, 0x4E,
        0x60, 0xC1, 0xF0, 0x9F, 0xA1, 0xC8, 0xFF,
    ];
    let at = draw.below(bytes.len());
    let byte = if draw.once_in(3) { draw.byte() } else { *draw.one_of(&BYTES) };
    let run = 1 + draw.below(9);
    match draw.below(10) {
        0 => bytes.truncate(at),
        1 => bytes.insert(at, byte),
        2 => drop(bytes.remove(at)),
        3 => bytes.iter_mut().skip(at).take(run).for_each(|place| *place = byte),
        4..=6 => {
            let cells: Vec<Cell<'_>> = Telegram::new(layout, bytes, side).cells().map(|(cell, _)| cell).collect();
            let cell = cells.get(draw.below(cells.len())).copied();
            if let Some((cell, place)) = cell.and_then(|cell| Some((cell, bytes.get_mut(cell.at.range())?))) {
                damage_cell(cell.field, place, draw);
            }
        }
        _ => bytes.iter_mut().skip(at).take(1).for_each(|place| *place = byte),
    }
    if bytes.is_empty() {
        bytes.push(byte);
    }
}

/// What is nearly right for a field: nought with a minus sign, runs of two-byte characters that do not stand as they should, blanks.
fn damage_cell(field: &Field, bytes: &mut [u8], draw: &mut Draw<'_>) {
    let charset = field.charset.decode;
    let zero = if matches!(field.kind, Kind::Number(number) if !number.is_text()) { 0 } else { charset.digit_zero() };
    let marks: &[u8] = if zero == 0 {
        b"\x0D\x0B\x0E"
    } else if charset.is_ebcdic() {
        b"\x60\xD0"
    } else {
        b"-}p"
    };
    let (fill, first, last) = match draw.below(5) {
        0 => (zero, None, Some(*draw.one_of(marks))),
        1 => (zero, Some(*draw.one_of(marks)), None),
        2 => (charset.blank(), None, None),
        3 => (zero, None, None),
        _ => {
            // An empty run, or two of which one would do.
            const RUNS: [&[u8]; 4] = [b"\x0E\x0F", b"\x0E\x42\xC1\x0F\x0E\x42\xC1\x0F", b"\x0E\x0E", b"\x0F"];
            let runs = *draw.one_of(&RUNS);
            bytes.iter_mut().zip(runs).for_each(|(place, byte)| *place = *byte);
            bytes.iter_mut().skip(runs.len()).for_each(|place| *place = charset.blank());
            return;
        }
    };
    bytes.fill(fill);
    if let (Some(mark), Some(place)) = (first, bytes.first_mut()) {
        *place = mark;
    }
    if let (Some(mark), Some(place)) = (last, bytes.last_mut()) {
        *place = mark;
    }
}

/// Everything that is told of a telegram is in its place, and can be printed.
fn faults(telegram: &Telegram<'_, '_>, reached: &mut Reached) {
    let bytes = telegram.bytes();
    let mut from_cells = Vec::new();
    for (cell, value) in telegram.cells() {
        match value {
            Ok(value) => {
                assert!(cell.at.range().end <= bytes.len(), "a value has bytes");
                let _ = format!("{value} {value:?}");
                moment(telegram, &cell, &value, reached);
            }
            Err(fault) => from_cells.push(fault),
        }
        cell_prints(&cell, bytes);
    }
    let all = telegram.faults();
    let of_length = all.iter().filter(|fault| matches!(fault.rule, Rule::Length { .. })).count();
    assert!(of_length <= 1, "{all:#?}");
    let of_cells: Vec<_> = all.iter().filter(|fault| !matches!(fault.rule, Rule::Length { .. })).cloned().collect();
    assert_eq!(of_cells, from_cells);
    for fault in &all {
        reached.fault_read(fault.code());
        let line = fault.to_string();
        assert!(line.starts_with(fault.code()) && !line.contains('\n'), "one line: {line}");
        assert!(u64::from(fault.offset) <= bytes.len() as u64 || matches!(fault.rule, Rule::CutShort { .. }), "{line}");
    }
    let _ = format!("{telegram:?}");
    assert!(telegram.uncovered().len() <= bytes.len());
}

/// A date is on the calendar, and says what its digits say; or nobody says which year it is.
fn moment(telegram: &Telegram<'_, '_>, cell: &Cell<'_>, value: &ValueRef<'_>, reached: &mut Reached) {
    let (Kind::Stamp(stamp), ValueRef::Text(text)) = (&cell.field.kind, value) else { return };
    let now = Civil { date: Date::new(2_026, 11, 22).expect("a date"), time: TimeOfDay::MIDNIGHT };
    let digits: String = stamp.pattern.chars().filter(char::is_ascii_alphabetic).collect();
    match telegram.moment(&cell.path().to_string(), now) {
        Ok(Some(moment)) => {
            // The years that are said end in the digits that are there, and months and days are those.
            let shown: String = moment.to_string().chars().filter(char::is_ascii_digit).collect();
            let said: String = text.chars().filter(char::is_ascii_digit).collect();
            let seconds = if digits.ends_with("hhmm") { "00" } else { "" };
            assert!(shown.ends_with(&format!("{said}{seconds}")), "{shown} of {said}: {stamp}");
            if let (Year::Within { first }, Some(date)) = (stamp.year, moment.date) {
                assert!((first..first + 100).contains(&date.year()), "{date} of {stamp}");
            }
        }
        Ok(None) => unreachable!("it was not left out"),
        Err(fault) => {
            assert!(stamp.year == Year::Written && !stamp.pattern.contains("YYYY"), "{fault}");
            assert_eq!(fault.rule, Rule::WhichYear);
            reached.fault_read(fault.code());
        }
    }
}

fn cell_prints(cell: &Cell<'_>, bytes: &[u8]) {
    if let Some(bytes) = cell.at.of(bytes) {
        let (hex, _) = masked(cell.field, bytes);
        assert_eq!(hex.len(), (bytes.len() * 3).saturating_sub(1), "two digits and a space between two bytes");
    }
}

/// Values of which one or two are wrong: faults, or a telegram; never a panic.
fn wrong_values(
    layout: &Layout,
    side: Side,
    mut values: Vec<(String, Value)>,
    draw: &mut Draw<'_>,
    reached: &mut Reached,
    text: &str,
) {
    for _ in 0..=draw.below(2) {
        if values.is_empty() {
            return;
        }
        let at = draw.below(values.len());
        let other = draw.below(values.len());
        let Some((path, value)) = values.get(at).cloned() else { return };
        let digits = "9".repeat(1 + draw.below(40));
        let changed = match draw.below(18) {
            0 => {
                values.remove(at);
                continue;
            }
            1 => {
                values.push((path, value));
                continue;
            }
            2 => {
                values.push((path.replace('f', "g"), value));
                continue;
            }
            3 => {
                values.push((path.replace("[0]", "[7]"), value));
                continue;
            }
            4 => {
                let field = layout.fields().get(other % layout.fields().len()).map_or("", |field| &field.path);
                values.push((field.replace("[]", "[0]"), Value::from("1")));
                continue;
            }
            5 => Value::Text("A".repeat(draw.below(60))),
            6 => Value::Text("똠방각하\u{E000}é".into()),
            7 => Value::Text("\u{7}\u{1F600}".into()),
            8 => Value::Text(digits),
            9 => Value::Number(Decimal { units: -1, scale: 0 }),
            10 => Value::Number(Decimal { units: 1, scale: 6 }),
            11 => Value::Number(Decimal { units: digits.parse().unwrap_or(0), scale: 0 }),
            12 => Value::Bytes(vec![0xA1; draw.below(40)]),
            13 => Value::Null,
            14 => Value::Text("05".into()),
            15 | 17 => {
                // As many digits as a binary number may have, and perhaps more than its bytes hold.
                for (path, value) in &mut values {
                    let field = layout.find_cell(path).and_then(|(id, _)| layout.field(id));
                    let Some(Kind::Number(number)) = field.map(|field| &field.kind) else { continue };
                    if matches!(number.form, Form::Binary { .. }) && *value != Value::Null {
                        let nines = 10_i128.pow(u32::from(number.digits)) - 1;
                        *value = Value::Number(Decimal { units: nines, scale: number.scale });
                    }
                }
                continue;
            }
            _ => values.get(other).map_or(Value::Null, |(_, value)| value.clone()),
        };
        if let Some((_, value)) = values.get_mut(at) {
            *value = changed;
        }
    }
    match encode(layout, side, &values) {
        Ok(bytes) => {
            let told = Telegram::new(layout, &bytes, side).faults();
            assert!(told.is_empty(), "written, and not read: {told:#?}\n{} of {text}", layout.name());
        }
        Err(faults) => {
            assert!(!faults.is_empty());
            for fault in faults {
                reached.fault_written(fault.code());
                let line = fault.to_string();
                assert!(line.starts_with(fault.code()) && !line.contains('\n'), "one line: {line}");
            }
        }
    }
}
