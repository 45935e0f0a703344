//! Records that another program wrote: layouts and values are drawn, GnuCOBOL lays them out in its own way and writes them, and we read
//! them, compare each value, and write the same bytes.
//!
//! Tables that are counted may stand in each other and before other fields (`-fodoslide`), but only as far as this compiler finds its own
//! way; where storage is redefined, its branches are a choice by the key before it.
//!
//! Needs `cobc` (Debian's `gnucobol3`); without it this fails. The seed of a program is printed by every failure, and fixed, so that a
//! failure comes again.

use std::path::{Path, PathBuf};
use std::process::Command;

use pabal_spec::{Source, load};
use pabal_telegram::{Layout, Side, Telegram, Value, encode};

#[path = "cobol/draw.rs"]
mod draw;
#[path = "cobol/record.rs"]
mod record;

use draw::Draw;
use record::{BinarySize, Dialect, Record, Zones};

/// Programs; each is compiled once.
const PROGRAMS: [(u64, Dialect); 6] = [
    (1, Dialect { binary: BinarySize::Host, zones: Zones::Ascii }),
    (2, Dialect { binary: BinarySize::Host, zones: Zones::Ibm }),
    (3, Dialect { binary: BinarySize::HostOrByte, zones: Zones::Ascii }),
    (4, Dialect { binary: BinarySize::HostOrByte, zones: Zones::Ibm }),
    (5, Dialect { binary: BinarySize::Least, zones: Zones::Ascii }),
    (6, Dialect { binary: BinarySize::Least, zones: Zones::Ibm }),
];

const LAYOUTS: usize = 10;

/// Of each layout.
const TELEGRAMS: usize = 4;

#[test]
fn what_gnucobol_writes_is_read_and_written_again() {
    let mut said = std::collections::BTreeSet::new();
    for (seed, dialect) in PROGRAMS {
        let mut draw = Draw::new(seed);
        let records: Vec<Record> = (0..LAYOUTS).map(|at| Record::drawn(at, dialect, &mut draw)).collect();
        let filled: Vec<_> = records
            .iter()
            .flat_map(|record| (0..TELEGRAMS).map(|_| (record, record.fill(&mut draw))).collect::<Vec<_>>())
            .collect();
        let mut program = String::from(record::HEAD);
        records.iter().for_each(|record| program.push_str(&record.declared()));
        program.push_str(record::PROCEDURE);
        filled.iter().for_each(|(record, filled)| program.push_str(&record.written(filled)));
        program.push_str(record::END);
        let written = run(seed, dialect, &program);
        assert_eq!(written.len(), filled.len(), "seed {seed}");

        let spec: String = records.iter().map(Record::spec).collect();
        let spec = format!(
            "institution host\n\nlayouts records {{\n  charset encode euc-kr decode cp949\n  unset 9 zero X space\n}}\n{spec}"
        );
        let loaded = load(&[Source { name: "host.spec".into(), text: spec.clone() }]);
        let loaded = loaded.unwrap_or_else(|told| panic!("seed {seed}: {told:#?}\n{spec}"));
        for ((record, filled), bytes) in filled.iter().zip(&written) {
            let (_, layout) = loaded.institution.layouts[0].catalog.find(&record.name()).expect("a telegram");
            check(layout, &filled.values, bytes, &format!("seed {seed}, {}:\n{}", record.name(), record.spec()));
        }
        records.iter().for_each(|record| said.extend(record.said()));
    }
    let said: Vec<&str> = said.iter().map(String::as_str).collect();
    assert_eq!(said, record::SAID, "every form was drawn");
}

/// Their bytes are our values, and our values are their bytes.
fn check(layout: &Layout, values: &[(String, Value)], bytes: &[u8], what: &str) {
    let shown = bytes.escape_ascii();
    let telegram = Telegram::new(layout, bytes, Side::Asker);
    assert_eq!(telegram.faults(), [], "{what}\n{shown}");
    let read: Vec<(String, Value)> =
        telegram.cells().map(|(cell, value)| (cell.path().to_string(), value.expect("no fault").to_value())).collect();
    for ((path, value), (expected_path, expected)) in read.iter().zip(values) {
        assert_eq!((path, text(value)), (expected_path, text(expected)), "{what}\n{shown}");
    }
    assert_eq!(read.len(), values.len(), "{what}");
    let ours = encode(layout, Side::Asker, values).unwrap_or_else(|faults| panic!("{faults:#?}\n{what}"));
    assert_eq!(ours.escape_ascii().to_string(), shown.to_string(), "{what}");
    let again = encode(layout, Side::Asker, &read).expect("what was read");
    assert_eq!(again, bytes, "{what}");
}

/// A value with what it holds, for what is printed.
fn text(value: &Value) -> String {
    match value {
        Value::Text(text) => format!("{text:?}"),
        Value::Number(number) => format!("{number} of {} decimals", number.scale),
        other => format!("{other:?}"),
    }
}

/// The records that the program writes.
fn run(seed: u64, dialect: Dialect, program: &str) -> Vec<Vec<u8>> {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("cobol-{seed}"));
    std::fs::create_dir_all(&folder).expect("a folder");
    let path = |name: &str| -> PathBuf { folder.join(name) };
    std::fs::write(path("write.cob"), program).expect("a file");
    let mut cobc = Command::new("cobc");
    cobc.args(["-x", "-free", "-fodoslide", dialect.binary.flag(), dialect.zones.flag(), "-o", "write", "write.cob"]);
    started(cobc.current_dir(&folder), "cobc", &path("write.cob"));
    started(Command::new(path("write")).current_dir(&folder), "the program", &path("write.cob"));
    records(&std::fs::read(path("OUT.DAT")).expect("what it wrote"))
}

fn started(command: &mut Command, what: &str, program: &Path) {
    let output = command.output();
    let output =
        output.unwrap_or_else(|error| panic!("{what} does not start ({error}); install GnuCOBOL, Debian's gnucobol3"));
    let told = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "{what}, {}: {}", program.display(), String::from_utf8_lossy(&told));
}

/// Before each record, GnuCOBOL writes its length in two bytes, the higher first, and two bytes 0.
fn records(mut file: &[u8]) -> Vec<Vec<u8>> {
    let mut records = Vec::new();
    while let Some(([high, low, 0, 0], rest)) = file.split_first_chunk() {
        let (record, behind) = rest.split_at(usize::from(*high) << 8 | usize::from(*low));
        records.push(record.to_vec());
        file = behind;
    }
    assert!(file.is_empty(), "{} bytes are no record", file.len());
    records
}
