//! What a telegram of 300 bytes costs: read, written, and both; beside the copy of its bytes, which nothing can be faster than.
//!
//! The layout is built here, column by column as in Hecto's transfer, so that the bench needs no spec.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use pabal_telegram::{
    By, Charset, CharsetPair, Class, Deframer, Echo, Equal, Field, Fill, Framing, Kind, Layout, Number, Side, Slice,
    Stamp, Telegram, TextRule, Unset, Value, ValueRef, encode, masked,
};

/// Path, bytes, kind, value of a request; `-` is left out.
const TRANSFER: [(&str, u32, &str, &str); 30] = [
    ("id_code", 9, "X", "SHB000001"),
    ("company_no", 12, "X", "PABAL01"),
    ("bank_code", 3, "code", "088"),
    ("message_type", 4, "X", "2000"),
    ("service_code", 3, "X", "100"),
    ("send_count", 1, "9", "1"),
    ("telegram_no", 6, "9", "42"),
    ("send_date", 8, "YYYYMMDD", "20261121"),
    ("send_time", 6, "hhmmss", "113000"),
    ("response_code", 4, "X", "-"),
    ("van_area1", 15, "filler", "-"),
    ("van_area2", 11, "filler", "-"),
    ("van_area3", 18, "filler", "-"),
    ("debit_account", 15, "X", "110123456789"),
    ("passbook_pin", 8, "X", "1234"),
    ("check_symbol", 6, "X", "123456"),
    ("debit_amt", 13, "9", "150000"),
    ("balance_sign", 1, "X", "-"),
    ("balance_after", 13, "9", "-"),
    ("credit_bank_code", 3, "code", "004"),
    ("credit_account", 15, "X", "00420123456789"),
    ("fee", 9, "9", "-"),
    ("cms_code", 16, "X", "-"),
    ("memo", 14, "X", "급여 십일월"),
    ("credit_account_real_name_no", 13, "X", "8001011234567"),
    ("credit_account_holder_name", 12, "X", "홍길동"),
    ("orig_tlg_no", 6, "X", "-"),
    ("fee_waiver_yn", 1, "X", "-"),
    ("fund_type", 2, "X", "-"),
    ("filler", 53, "filler", "-"),
];

fn layout() -> Layout {
    let mut end = 0;
    let fields = TRANSFER.map(|(path, len, kind, value)| {
        let kind = match kind {
            "X" => Kind::Text,
            "9" => Kind::Number(Number::plain(u8::try_from(len).unwrap_or(u8::MAX), 0)),
            "code" => Kind::Code,
            "filler" => Kind::Filler,
            pattern => Kind::Stamp(Stamp::new(pattern).expect("a pattern")),
        };
        end += len;
        Field {
            path: path.into(),
            label: path.into(),
            at: Slice { offset: end - len, len },
            unset: if matches!(kind, Kind::Text | Kind::Filler) { Unset::Space } else { Unset::Zero },
            kind,
            charset: CharsetPair { encode: Charset::EucKr, decode: Charset::Cp949 },
            class: if path.contains("account") { Class::Account } else { Class::Public },
            by: By { asker: value != "-", answerer: true, optional: false },
            fill: Fill::Given,
            equal: Equal::default(),
            echo: Echo::No,
            text: TextRule::default(),
        }
    });
    Layout::new("transfer", "당/타행 이체", end, fields.into()).expect("the table is a layout")
}

fn values() -> Vec<(String, Value)> {
    TRANSFER.iter().filter(|row| row.3 != "-").map(|row| (row.0.to_owned(), Value::from(row.3))).collect()
}

fn telegram<'l, 'b>(layout: &'l Layout, bytes: &'b [u8]) -> Telegram<'l, 'b> {
    Telegram::new(layout, bytes, Side::Asker)
}

fn read_all(telegram: &Telegram<'_, '_>) -> usize {
    let mut good = 0;
    for (_, _, value) in telegram.fields() {
        match black_box(value) {
            Ok(_) => good += 1,
            Err(fault) => panic!("{fault}"),
        }
    }
    good
}

fn transfer(criterion: &mut Criterion) {
    let layout = layout();
    let values = values();
    let bytes = encode(&layout, Side::Asker, &values).expect("the values fit");
    assert_eq!(bytes.len(), 300);
    let numbers: Vec<(String, Value)> = telegram(&layout, &bytes)
        .fields()
        .filter_map(|(_, field, value)| match value.expect("the bytes are right") {
            ValueRef::Null | ValueRef::Bytes(_) => None,
            value => Some((field.path.to_string(), Value::from(value))),
        })
        .collect();
    let id = layout.find("debit_amt").expect("the table has it").0;

    let mut group = criterion.benchmark_group("transfer");
    group.throughput(Throughput::Bytes(300));
    let mut copy = vec![0; 300];
    group.bench_function("memcpy", |bench| bench.iter(|| black_box(&mut copy).copy_from_slice(black_box(&bytes))));
    group.bench_function("decode", |bench| bench.iter(|| read_all(&telegram(&layout, black_box(&bytes)))));
    group.bench_function("faults", |bench| bench.iter(|| telegram(&layout, black_box(&bytes)).faults()));
    group.bench_function("one_number", |bench| bench.iter(|| telegram(&layout, black_box(&bytes)).get(id)));
    group.bench_function("find", |bench| bench.iter(|| layout.find(black_box("credit_account_holder_name"))));
    group.bench_function("encode", |bench| bench.iter(|| encode(&layout, Side::Asker, black_box(&numbers))));
    group.bench_function("round_trip", |bench| {
        bench.iter(|| {
            let bytes = encode(&layout, Side::Asker, black_box(&numbers)).expect("the values fit");
            read_all(&telegram(&layout, &bytes))
        });
    });
    group.bench_function("mask", |bench| {
        bench.iter(|| {
            for field in layout.fields() {
                black_box(masked(field, field.at.of(&bytes).unwrap_or_default()));
            }
        });
    });
    group.bench_function("frame", |bench| {
        let framing = Framing::digits(4, 4_096).expect("four digits");
        let mut deframer = Deframer::new(framing.clone());
        let mut wire = Vec::with_capacity(304);
        bench.iter(|| {
            wire.clear();
            framing.write(black_box(&bytes), &mut wire).expect("within the limit");
            deframer.push(&wire);
            deframer.next_frame().expect("a right prefix").map(<[u8]>::len)
        });
    });
    group.finish();
}

criterion_group!(benches, transfer);
criterion_main!(benches);
