//! Reading and writing allocate nothing when nothing is wrong.

#[expect(dead_code, reason = "only the length of the telegram is used here")]
#[path = "../benches/convert/baseline.rs"]
mod baseline;
#[path = "../benches/convert/layout.rs"]
mod layout;
#[expect(dead_code, reason = "only the telegrams and their columns are used here")]
#[path = "../benches/convert/sample.rs"]
mod sample;

use std::mem;

use allocation_counter::measure;
use pabal_telegram::{FieldId, Room, Side, Slots, Telegram, Telegrams, Value, Writing, encode_into};

#[test]
fn the_counter_counts() {
    assert_eq!(measure(|| drop(std::hint::black_box(vec![0_u8; 9]))).count_total, 1);
}

#[test]
fn reading_all_fields_allocates_nothing() {
    let layout = layout::transfer();
    let mut telegrams = sample::telegrams(100);
    // Text of both, and of characters that are no syllables of KS X 1001, in an account and a memo.
    for (at, text) in [(51, &b"(\xC1\xD6)\xC8\xAB-1"[..]), (180, b"\x8C\x63\xA1\xBF A"), (236, b"A\xB0\xA1B")] {
        telegrams[1][at..at + text.len()].copy_from_slice(text);
    }
    let mut slots = Slots::for_layout(&layout);
    let counted = measure(|| {
        for telegram in &telegrams {
            let telegram = Telegram::new(&layout, telegram, Side::Asker);
            assert!(telegram.read_into(&mut slots).faults().is_empty());
            let reading = telegram.read_text_into(&mut slots);
            assert!(reading.faults().is_empty());
            assert_eq!(reading.fields().count(), layout.fields().len());
        }
    });
    assert_eq!(counted.count_total, 0);
}

/// Room that was used before, with another layout, too, is all that is needed.
#[test]
fn reading_many_telegrams_allocates_nothing() {
    let layout = layout::transfer();
    let buffer = sample::telegrams(100).concat();
    let telegrams = Telegrams::new(&layout, &buffer, 0, Side::Asker);
    let mut slots = Slots::new();
    let _ = telegrams.read_text_into(&mut slots);
    let counted = measure(|| {
        assert!(telegrams.read_into(&mut slots).faults().is_empty());
        let readings = telegrams.read_text_into(&mut slots);
        assert!(readings.faults().is_empty());
        assert_eq!(readings.iter().map(|reading| reading.fields().count()).sum::<usize>(), 100 * layout.fields().len());
    });
    assert_eq!(counted.count_total, 0);
}

#[test]
fn writing_allocates_nothing() {
    let layout = layout::transfer();
    let telegrams = sample::telegrams(100);
    let fields = |telegram| Telegram::new(&layout, telegram, Side::Asker).fields();
    let values: Vec<Vec<(String, Value)>> = telegrams
        .iter()
        .map(|telegram| {
            fields(telegram).map(|(_, field, value)| (field.path.to_string(), value.expect("it is right").into()))
        })
        .map(Iterator::collect)
        .collect();
    let mut out = Vec::new();
    let mut room = Room::default();
    encode_into(&layout, Side::Asker, &values[0], &mut room, &mut out).expect("it fits");
    let counted = measure(|| {
        for (values, telegram) in values.iter().zip(&telegrams) {
            encode_into(&layout, Side::Asker, values, &mut room, &mut out).expect("it fits");
            assert_eq!(out, telegram);
            let mut writing = Writing::in_room(&layout, Side::Asker, mem::take(&mut room));
            for (id, (_, value)) in (0..).map(FieldId).zip(values) {
                match value {
                    Value::Number(number) => writing.number(id, number.units.try_into().expect("it is short")),
                    Value::Text(text) => writing.text(id, text),
                    other => writing.set(id, other.to_ref()),
                }
            }
            out.clear();
            writing.write_into(&mut out).expect("it fits");
            assert_eq!(out, telegram);
            room = writing.into_room();
        }
    });
    assert_eq!(counted.count_total, 0);
}
