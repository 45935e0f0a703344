//! Who converts.

use std::borrow::Cow;
use std::hint::black_box;

use encoding_rs::EUC_KR;
use pabal_telegram::{FieldId, Layout, Room, Side, Slots, Telegram, Telegrams, Value, ValueRef, Writing, encode_into};

use crate::baseline::{self, LEN, Transfer};
use crate::{layout, sample};

/// Something that goes over all telegrams once.
pub(crate) struct Contender {
    /// What the report calls it.
    pub(crate) name: &'static str,
    /// What it is measured against, and how many times as long it may take.
    pub(crate) against: Option<(&'static str, f64)>,
    /// One pass.
    pub(crate) run: Box<dyn FnMut()>,
}

fn leaked<T>(value: T) -> &'static T {
    Box::leak(Box::new(value))
}

/// How many telegrams of a buffer are read into the slots together.
const BLOCK: usize = 64;

/// A contender may take at most so many times as long.
pub(crate) const GOAL_IS_LEAST: bool = false;

/// All contenders over the same telegrams, the yardsticks first.
pub(crate) fn all(count: usize) -> Vec<Contender> {
    let telegrams: &'static [[u8; LEN]] = sample::telegrams(count).leak();
    let layout = leaked(layout::transfer());
    let mut all = Vec::new();
    let mut add = |name, against, run: Box<dyn FnMut()>| all.push(Contender { name, against, run });

    // Where the copy goes changes what it takes, so it goes to several places.
    let mut copy = vec![0; LEN + 64];
    let mut place = 0;
    add(
        "memcpy",
        None,
        Box::new(move || {
            for telegram in telegrams {
                place = (place + 8) % 64;
                black_box(&mut copy[place..place + LEN]).copy_from_slice(black_box(telegram));
            }
        }),
    );
    add(
        "decode/baseline",
        Some(("memcpy", 4.4 * 1.3)),
        Box::new(move || {
            let mut transfer = Transfer::default();
            for telegram in telegrams {
                baseline::decode(black_box(telegram), black_box(&mut transfer)).expect("it is right");
                black_box(&transfer);
            }
        }),
    );
    let mut slots = Slots::for_layout(layout);
    add(
        "decode/slots",
        Some(("decode/baseline", 1.5)),
        Box::new(move || {
            for telegram in telegrams {
                let reading = Telegram::new(layout, black_box(telegram), Side::Asker);
                let reading = reading.read_into(black_box(&mut slots));
                assert!(black_box(&reading).faults().is_empty());
            }
        }),
    );
    let mut slots = Slots::for_layout(layout);
    add(
        "decode/slots, Hangul to UTF-8",
        Some(("decode/baseline", 2.2)),
        Box::new(move || {
            for telegram in telegrams {
                let reading = Telegram::new(layout, black_box(telegram), Side::Asker);
                let reading = reading.read_text_into(black_box(&mut slots));
                assert!(black_box(&reading).faults().is_empty());
            }
        }),
    );
    let buffer: &'static [u8] = telegrams.as_flattened();
    let mut slots = Slots::new();
    add(
        "decode/many",
        Some(("decode/baseline", 1.1)),
        Box::new(move || {
            for block in black_box(buffer).chunks(BLOCK * LEN) {
                let readings = Telegrams::new(layout, block, 0, Side::Asker);
                let readings = readings.read_into(black_box(&mut slots));
                assert!(black_box(&readings).faults().is_empty());
            }
        }),
    );
    let mut slots = Slots::new();
    add(
        "decode/many, Hangul to UTF-8",
        None,
        Box::new(move || {
            for block in black_box(buffer).chunks(BLOCK * LEN) {
                let readings = Telegrams::new(layout, block, 0, Side::Asker);
                let readings = readings.read_text_into(black_box(&mut slots));
                assert!(black_box(&readings).faults().is_empty());
            }
        }),
    );
    add(
        "decode/fields, one by one",
        None,
        Box::new(move || {
            for telegram in telegrams {
                for (_, _, value) in Telegram::new(layout, black_box(telegram), Side::Asker).fields() {
                    assert!(black_box(value).is_ok());
                }
            }
        }),
    );

    let transfers: &'static [Transfer<'_, &str>] = transfers(telegrams).leak();
    let korean: &'static baseline::Korean = Box::leak(sample::korean());
    add(
        "encode/baseline",
        Some(("memcpy", 9.0 * 1.3)),
        Box::new(move || {
            let mut out = [0; LEN];
            for transfer in transfers {
                baseline::encode(black_box(transfer), korean, black_box(&mut out)).expect("it fits");
                black_box(&out);
            }
        }),
    );
    let values: &'static [Vec<(FieldId, ValueRef<'_>)>] = values(layout, telegrams).leak();
    let writings: &'static [Writing<'_, '_>] =
        leaked(values.iter().map(|values| filled(layout, values, Room::default())).collect::<Vec<_>>());
    for (writing, telegram) in writings.iter().zip(telegrams) {
        let mut out = Vec::new();
        writing.write_into(&mut out).expect("it fits");
        assert_eq!(out, telegram);
    }
    let mut out = Vec::new();
    add(
        "encode/values",
        Some(("encode/baseline", 1.3)),
        Box::new(move || {
            for writing in writings {
                black_box(writing).write_into(black_box(&mut out)).expect("it fits");
                black_box(&out);
            }
        }),
    );
    let mut out = Vec::new();
    let mut room = Room::default();
    add(
        "encode/values, given and written",
        None,
        Box::new(move || {
            for values in values {
                let writing = filled(layout, black_box(values), core::mem::take(&mut room));
                writing.write_into(black_box(&mut out)).expect("it fits");
                room = writing.into_room();
                black_box(&out);
            }
        }),
    );
    let named: &'static [Vec<(String, Value)>] = named(layout, telegrams).leak();
    let mut out = Vec::new();
    let mut room = Room::default();
    add(
        "encode/values by path",
        None,
        Box::new(move || {
            for values in named {
                encode_into(layout, Side::Asker, black_box(values), &mut room, black_box(&mut out)).expect("it fits");
                black_box(&out);
            }
        }),
    );
    all
}

/// What two threads get done in the time of one, of reading and of a loop that only counts: what the machine has to give.
pub(crate) fn gains() -> [f64; 2] {
    let telegrams = sample::telegrams(512);
    let layout = layout::transfer();
    let read = || {
        let mut slots = Slots::for_layout(&layout);
        for telegram in telegrams.iter().cycle().take(10_000) {
            let reading = Telegram::new(&layout, black_box(telegram), Side::Asker);
            assert!(black_box(&reading.read_into(&mut slots)).faults().is_empty());
        }
    };
    let count = || {
        let mut number = black_box(1_u64);
        for _ in 0..1_000_000 {
            number = number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        }
        black_box(number);
    };
    crate::measure::gains([&read, &count])
}

fn transfers(telegrams: &'static [[u8; LEN]]) -> Vec<Transfer<'static, &'static str>> {
    let text = |bytes: &[u8]| -> &'static str { EUC_KR.decode(bytes).0.into_owned().leak() };
    let read = telegrams.iter().map(|telegram| {
        let mut read = Transfer::default();
        baseline::decode(telegram, &mut read).expect("it is right");
        read.with(text(read.debit_holder), text(read.credit_holder), text(read.memo), text(read.operator_name))
    });
    read.collect()
}

/// Every value of a telegram with its field; its text is made already, as the yardstick's is.
fn values(layout: &'static Layout, telegrams: &'static [[u8; LEN]]) -> Vec<Vec<(FieldId, ValueRef<'static>)>> {
    let value = |value: ValueRef<'static>| match value {
        ValueRef::Text(text) => ValueRef::Text(Cow::Borrowed(match text {
            Cow::Borrowed(text) => text,
            Cow::Owned(text) => text.leak(),
        })),
        other => other,
    };
    let fields = |telegram: &'static [u8; LEN]| Telegram::new(layout, telegram, Side::Asker).fields();
    let values = |telegram| fields(telegram).map(|(id, _, read)| (id, value(read.expect("it is right")))).collect();
    telegrams.iter().map(values).collect()
}

fn filled<'v>(layout: &'static Layout, values: &[(FieldId, ValueRef<'v>)], room: Room) -> Writing<'static, 'v> {
    let mut writing = Writing::in_room(layout, Side::Asker, room);
    for (id, value) in values {
        match value {
            ValueRef::Number(number) => writing.number(*id, i64::try_from(number.units).expect("it is short")),
            ValueRef::Text(Cow::Borrowed(text)) => writing.text(*id, text),
            other => writing.set(*id, other.clone()),
        }
    }
    writing
}

fn named(layout: &Layout, telegrams: &[[u8; LEN]]) -> Vec<Vec<(String, Value)>> {
    let values = |telegram| {
        let fields = Telegram::new(layout, telegram, Side::Asker).fields();
        fields.map(|(_, field, value)| (field.path.to_string(), Value::from(value.expect("it is right")))).collect()
    };
    telegrams.iter().map(|telegram| values(telegram)).collect()
}
