//! The samples beside the specs, which an independent script lays out from the institution's document: the shipped spec reads
//! and writes them, and a spec with one width moved by a byte does not.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use pabal_spec::{Catalog, Institution, Protocol, Source, load};
use pabal_telegram::{
    Class, Decimal, Deframer, Fill, Layout, Rule, Side, Slice, Telegram, Value, ValueRef, encode, faults_as_given,
    masked,
};

/// A telegram and what must be true of it.
struct Sample {
    name: String,
    telegram: String,
    side: Side,
    refused: BTreeSet<String>,
    key: Option<String>,
    trace: Option<String>,
    wire: Vec<u8>,
    fields: BTreeMap<String, Value>,
    masked: BTreeMap<String, String>,
}

/// The folders of specs, and how many samples each has at least.
const INSTITUTIONS: [(&str, usize); 6] =
    [("hecto", 55), ("ksnet", 9), ("nicevan", 4), ("kftc_cms", 3), ("nicecb", 5), ("kcb", 5)];

#[test]
fn the_shipped_specs_read_and_write_every_sample() {
    for (name, least) in INSTITUTIONS {
        let institution = institution(&sources(name)).unwrap_or_else(|| panic!("{name} is not loaded"));
        let samples = samples(name);
        assert!(samples.len() >= least, "{} samples of {name}", samples.len());
        let complaints: Vec<String> = samples.iter().flat_map(|sample| check(&institution, sample)).collect();
        assert!(complaints.is_empty(), "{name}: {}", complaints.join("\n"));
        let covered: BTreeSet<&str> = samples.iter().map(|sample| sample.telegram.as_str()).collect();
        for layout in catalogs(&institution).flat_map(|catalog| &catalog.layouts) {
            assert!(covered.contains(layout.name()), "no sample of {} of {name}", layout.name());
        }
    }
}

#[test]
fn a_spec_with_a_width_moved_by_a_byte_fails_its_samples() {
    // The code table says nothing of widths, and is long.
    let short = |mut source: Source| {
        if source.name == "codes.csv" {
            source.text = String::from("bank_code,code,class,text\n,0000,success,done\n");
        }
        source
    };
    let (mut by_samples, mut by_check) = (0, 0);
    for (name, _) in INSTITUTIONS {
        let sources: Vec<Source> = sources(name).into_iter().map(short).collect();
        let samples = samples(name);
        for moved in sources.iter().enumerate().flat_map(|(file, source)| moved_widths(file, &source.text)) {
            let mut changed = sources.clone();
            changed[moved.file].text = moved.text;
            match institution(&changed) {
                None => by_check += 1,
                Some(institution) => {
                    let is_about =
                        |sample: &&Sample| moved.telegram.as_ref().is_none_or(|name| *name == sample.telegram);
                    let failed = samples.iter().filter(is_about).any(|sample| !check(&institution, sample).is_empty());
                    assert!(failed, "every sample of {name} passes with {}", moved.what);
                    by_samples += 1;
                }
            }
        }
    }
    // Those that the check refuses are the lengths of keys, stamps and constants, and of fields that are compared.
    assert!(
        by_samples >= 700 && by_samples > 5 * by_check,
        "{by_samples} found by samples, {by_check} refused by the check"
    );
}

/// Telegrams of protocols, and those that are only converted.
fn catalogs(institution: &Institution) -> impl Iterator<Item = &Catalog> {
    let protocols = institution.protocols.iter().map(|protocol| &protocol.catalog);
    protocols.chain(institution.layouts.iter().map(|layouts| &layouts.catalog))
}

/// What a spec gets wrong about a sample.
fn check(institution: &Institution, sample: &Sample) -> Vec<String> {
    let Some(protocol) = institution.protocols.first() else {
        // No line is known: there is nothing but the telegram, which is known by its name.
        let layout = catalogs(institution).find_map(|catalog| catalog.find(&sample.telegram)).expect("a telegram").1;
        return [read(layout, sample, &sample.wire), written(layout, sample, &sample.wire)].concat();
    };
    let mut complaints = Vec::new();
    let mut complain = |text: String| complaints.push(format!("{}: {text}", sample.name));
    let mut deframer = Deframer::new(protocol.framing.clone());
    deframer.push(&sample.wire);
    let frame = deframer.next_frame().expect("a prefix that can be read").expect("a whole frame").to_vec();
    assert_eq!(deframer.pending_bytes(), 0);
    let mut wire = Vec::new();
    protocol.framing.write(&frame, &mut wire).expect("a frame within the limit");
    if wire != sample.wire {
        complain(String::from("the prefix is written differently"));
    }
    let Ok(id) = protocol.catalog.select(&frame) else {
        complain(String::from("no row of select knows it"));
        return complaints;
    };
    let layout = protocol.catalog.layout(id);
    if layout.name() != sample.telegram {
        complain(format!("is taken for {}", layout.name()));
        return complaints;
    }
    complaints.extend(read(layout, sample, &frame));
    complaints.extend(written(layout, sample, &frame));
    complaints.extend(told(protocol, sample, &frame));
    complaints
}

/// Decoding gives exactly the fields, no fault, and nothing to see that is not public.
fn read(layout: &Layout, sample: &Sample, frame: &[u8]) -> Vec<String> {
    let mut complaints = Vec::new();
    let mut complain = |text: String| complaints.push(format!("{}: {text}", sample.name));
    let telegram = Telegram::new(layout, frame, sample.side);
    for fault in telegram.faults() {
        complain(format!("{fault}"));
    }
    let whole = faults_as_given(layout, sample.side, frame);
    if whole.iter().map(|fault| String::from(&*fault.field)).collect::<BTreeSet<_>>() != sample.refused {
        complain(format!("whoever sends it whole is told {whole:?}"));
    }
    for name in sample.fields.keys().filter(|name| layout.find_cell(name).is_none()) {
        complain(format!("there is no field {name}"));
    }
    for (cell, value) in telegram.cells() {
        let Ok(value) = value else { continue };
        let (field, path) = (cell.field, cell.path().to_string());
        let expected = sample.fields.get(&path);
        let is_expected = match (&value, expected) {
            (ValueRef::Bytes(bytes), None) => bytes.iter().all(|&b| b == b' ') || bytes.iter().all(|&b| b == b'0'),
            (value, expected) => value.to_value() == *expected.unwrap_or(&Value::Null),
        };
        if !is_expected {
            complain(format!("{path} reads {value}"));
        }
        if field.class != Class::Public && !value.is_null() && value.text() != Some("") {
            let shown = cell.at.of(frame).map(|bytes| masked(field, bytes).1);
            if shown.as_ref() != sample.masked.get(&path) {
                complain(format!("{path} is shown as {shown:?}"));
            }
        } else if sample.masked.contains_key(&path) {
            complain(format!("{path} is shown to everybody"));
        }
    }
    complaints
}

/// Encoding the fields gives the bytes, once what no caller gives is written in: stamps, and what the relay keeps in reserved areas.
fn written(layout: &Layout, sample: &Sample, frame: &[u8]) -> Vec<String> {
    let complain = |text: String| vec![format!("{}: {text}", sample.name)];
    let is_given = |name: &str| {
        layout.find(name).is_none_or(|(_, field)| field.fill != Fill::Stamped && field.may_be_given_by(sample.side))
    };
    let given = sample.fields.iter().filter(|(name, _)| is_given(name));
    let values: Vec<(String, Value)> = given.map(|(name, value)| (name.clone(), value.clone())).collect();
    match encode(layout, sample.side, &values) {
        Ok(_) if !sample.refused.is_empty() => complain(format!("{:?} can be written", sample.refused)),
        Ok(mut bytes) => {
            for (name, value) in sample.fields.iter().filter(|(name, _)| !is_given(name)) {
                let (_, field) = layout.find(name).expect("only what is in the layout is not given");
                if let Err(fault) = field.write(value, &mut bytes) {
                    return complain(format!("{fault}"));
                }
            }
            let cells = Telegram::new(layout, frame, sample.side).cells();
            let differs = cells.map(|(cell, _)| cell).find(|cell| cell.at.of(&bytes) != cell.at.of(frame));
            match differs {
                Some(cell) => complain(format!("{} is written differently", cell.path())),
                None if bytes.len() != frame.len() => complain(format!("{} bytes are written", bytes.len())),
                None => Vec::new(),
            }
        }
        Err(faults) => {
            let unmappable = faults.iter().filter(|fault| matches!(fault.rule, Rule::Unmappable { .. }));
            let refused: BTreeSet<String> = unmappable.map(|fault| fault.field.to_string()).collect();
            let other = faults.iter().find(|fault| !sample.refused.contains(&*fault.field));
            match other {
                Some(fault) => complain(format!("{fault}")),
                None if refused != sample.refused => complain(format!("only {refused:?} cannot be written")),
                None => Vec::new(),
            }
        }
    }
}

/// Key and trace are cut out of the same bytes.
fn told(protocol: &Protocol, sample: &Sample, frame: &[u8]) -> Vec<String> {
    let cut = |slices: &[Slice]| {
        let bytes = slices.iter().flat_map(|slice| slice.of(frame).unwrap_or_default()).copied().collect();
        String::from_utf8(bytes).ok()
    };
    let mut complaints = Vec::new();
    for (name, expected, slices) in
        [("key", &sample.key, &protocol.rules.key), ("trace", &sample.trace, &protocol.rules.trace)]
    {
        if expected.is_some() && cut(slices) != *expected {
            complaints.push(format!("{}: {name} is {:?}", sample.name, cut(slices)));
        }
    }
    complaints
}

/// A spec in which one field has lost a byte to its neighbour.
struct Moved {
    file: usize,
    /// In which telegram; none if in a header.
    telegram: Option<String>,
    text: String,
    what: String,
}

/// Every pair of fields that stand on neighbouring lines of one block, in both directions; but those that nobody fills, of which no sample can
/// hold a byte: `shipped.rs` compares them with their tables.
fn moved_widths(file: usize, text: &str) -> Vec<Moved> {
    let lines: Vec<&str> = text.lines().collect();
    let mut moved = Vec::new();
    let mut telegram = None;
    for (at, pair) in lines.windows(2).enumerate() {
        if let Some((block @ ("header" | "telegram"), rest)) = pair[0].split_once(' ') {
            telegram = rest.split(' ').next().filter(|_| block == "telegram").map(String::from);
        }
        if pair.iter().any(|line| line.contains("by none")) {
            continue;
        }
        let (Some(first), Some(second)) = (Width::of(pair[0]), Width::of(pair[1])) else { continue };
        for (more, less, by) in [(1, -1, "one byte more"), (-1, 1, "one byte less")] {
            let (Some(one), Some(other)) = (first.changed(more), second.changed(less)) else { continue };
            let mut changed = lines.clone();
            changed[at] = &one;
            changed[at + 1] = &other;
            let text = changed.join("\n") + "\n";
            let what = format!("{by} in: {}", pair[0].trim());
            moved.push(Moved { file, telegram: telegram.clone(), text, what });
        }
    }
    moved
}

/// Where the kind of a field stands in its line, and how wide it is: `name X(12) ...`, `name date(YYYYMMDD) ...`.
struct Width<'t> {
    before: &'t str,
    kind: &'t str,
    bytes: i32,
    behind: &'t str,
}

impl<'t> Width<'t> {
    fn of(line: &'t str) -> Option<Self> {
        let (_, rest) = line.trim_start().split_once(char::is_whitespace)?;
        let rest = rest.trim_start();
        let (kind, inside) = rest.split_once('(')?;
        let (inside, behind) = inside.split_once(')')?;
        let bytes = match kind {
            "X" | "9" | "filler" | "code" => inside.parse().ok()?,
            "date" | "time" => i32::try_from(inside.len()).ok()?,
            _ => return None,
        };
        Some(Self { before: &line[..line.len() - rest.len()], kind, bytes, behind })
    }

    fn changed(&self, by: i32) -> Option<String> {
        let Self { before, kind, bytes, behind } = self;
        // No date or time has a byte more or less; text has.
        let kind = if matches!(*kind, "date" | "time") { "X" } else { kind };
        (bytes + by > 0).then(|| format!("{before}{kind}({}){behind}", bytes + by))
    }
}

fn institution(sources: &[Source]) -> Option<Institution> {
    load(sources).ok().map(|loaded| loaded.institution)
}

fn folder(institution: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../specs").join(institution)
}

fn files(folder: &Path, ends: &[&str]) -> Vec<(String, String)> {
    let entries = fs::read_dir(folder).expect("the folder is there");
    let mut files: Vec<(String, String)> = entries
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.is_file() && path.extension().is_some_and(|end| ends.iter().any(|e| end == *e)))
        .map(|path| {
            let name = path.file_name().expect("a name").to_string_lossy().into_owned();
            (name, fs::read_to_string(path).expect("a text"))
        })
        .collect();
    files.sort();
    files
}

fn sources(institution: &str) -> Vec<Source> {
    files(&folder(institution), &["spec", "csv"]).into_iter().map(|(name, text)| Source { name, text }).collect()
}

fn samples(institution: &str) -> Vec<Sample> {
    files(&folder(institution).join("samples"), &["toml"])
        .into_iter()
        .map(|(name, text)| sample(&name, &text))
        .collect()
}

fn sample(file: &str, text: &str) -> Sample {
    let table: toml::Table = text.parse().unwrap_or_else(|error| panic!("{file}: {error}"));
    let text = |name: &str| table.get(name).and_then(toml::Value::as_str).map(String::from);
    let strings = |value: &toml::Value| -> Vec<String> {
        let list = value.as_array().expect("a list").iter();
        list.map(|item| String::from(item.as_str().expect("a text"))).collect()
    };
    let sub = |name: &str| table.get(name).and_then(toml::Value::as_table).cloned().unwrap_or_default();
    Sample {
        name: text("name").expect("name"),
        telegram: text("telegram").expect("telegram"),
        side: match text("side").as_deref() {
            Some("asker") => Side::Asker,
            Some("answerer") => Side::Answerer,
            other => panic!("{file}: side is {other:?}"),
        },
        refused: table.get("refused").map(strings).unwrap_or_default().into_iter().collect(),
        key: text("key"),
        trace: text("trace"),
        wire: unhex(&strings(&table["wire_hex"]).concat()),
        fields: sub("fields").into_iter().map(|(name, value)| (name, field(file, value))).collect(),
        masked: sub("masked")
            .into_iter()
            .map(|(name, value)| (name, String::from(value.as_str().expect("a text"))))
            .collect(),
    }
}

fn field(file: &str, value: toml::Value) -> Value {
    match value {
        toml::Value::String(text) => Value::from(text),
        toml::Value::Integer(number) => Value::from(number),
        toml::Value::Table(table) => match (table.get("hex"), table.get("decimal")) {
            (Some(hex), None) => Value::from(unhex(hex.as_str().expect("hexadecimal digits"))),
            (None, Some(number)) => Value::from(number.as_str().expect("digits").parse::<Decimal>().expect("a number")),
            other => panic!("{file}: {other:?}"),
        },
        other => panic!("{file}: {other:?}"),
    }
}

fn unhex(digits: &str) -> Vec<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16).expect("a hexadecimal digit");
    let pairs = digits.as_bytes().chunks(2);
    pairs.map(|pair| u8::try_from(digit(pair[0]) * 16 + digit(pair[1])).expect("a byte")).collect()
}
