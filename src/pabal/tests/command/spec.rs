use insta::assert_snapshot;

use crate::process::{run, run_in};
use crate::sample::root;

/// Draws the fixture of the spec's own tests: forty mistakes, each marked on its line.
#[test]
fn forty_mistakes_are_forty_drawings() {
    let folder = tempfile::tempdir().expect("a folder");
    let fixtures = root().join("src/spec/tests/fixtures");
    for name in ["forty.spec", "codes.csv"] {
        std::fs::copy(fixtures.join(name), folder.path().join(name)).expect("a fixture");
    }
    let place = folder.path().to_str().expect("UTF-8");
    let drawn = run(&["spec", "check", place]).by_spec(place);
    assert_eq!((drawn.code, drawn.out.as_str()), (1, "40 mistakes\n"));
    let text = std::fs::read_to_string(fixtures.join("forty.spec")).expect("the fixture");
    let marks = text.lines().enumerate().filter_map(|(at, line)| {
        let (number, code) = line.rsplit_once("// ")?.1.split_once(' ')?;
        number.parse::<u32>().is_ok().then(|| (at + 1, code.to_string(), line))
    });
    let marks: Vec<_> = marks.collect();
    assert_eq!(marks.len(), 40);
    let drawings: Vec<&str> = drawn.err.split("\n\nS").collect();
    assert_eq!(drawings.len(), 40);
    for ((line, code, text), drawing) in marks.iter().zip(&drawings) {
        assert!(drawing.trim_start_matches('S').starts_with(&code[1..]), "{code}: {drawing}");
        assert!(drawing.contains(&format!("forty.spec:{line}:")), "{code} names its line: {drawing}");
        assert!(drawing.contains(text.trim_end()), "{code} shows its line: {drawing}");
        assert!(drawing.contains("help: "), "{code} says what to do: {drawing}");
        assert!(drawing.contains("╰──"), "{code} has a label: {drawing}");
    }
    assert_snapshot!(drawn.err);

    let listed = run(&["spec", "check", place, "--json"]).by_spec(place);
    assert_eq!((listed.code, listed.err.as_str()), (1, ""));
    let json: serde_json::Value = serde_json::from_str(&listed.out).expect("JSON");
    assert_eq!(json["ok"], false);
    let diagnostics = json["diagnostics"].as_array().expect("a list");
    let places: Vec<_> = diagnostics.iter().map(|d| (d["at"]["line"].as_u64(), d["code"].as_str())).collect();
    let wanted: Vec<_> = marks.iter().map(|(line, code, _)| (Some(*line as u64), Some(code.as_str()))).collect();
    assert_eq!(places, wanted);
    assert_snapshot!("one_mistake_as_json", format!("{:#}", diagnostics[8]));

    // What needs a spec does nothing with a wrong one.
    let decoded = run(&["decode", "--spec", place]);
    assert_eq!((decoded.code, decoded.out.as_str()), (2, ""));
    assert!(decoded.err.ends_with("has 40 mistakes; nothing was done\n"), "{}", decoded.err);
}

#[test]
fn a_right_spec_passes() {
    let folder = root().join("specs/hecto");
    let folder = folder.to_str().expect("UTF-8");
    let shipped = run(&["spec", "check", folder]).by_spec(folder);
    assert_eq!((shipped.code, shipped.err.as_str()), (0, ""));
    assert_eq!(
        shipped.out,
        run(&["spec", "check"]).by_spec("hecto (built in)").out,
        "what is built in is what is shipped"
    );
    let here = run_in(&["spec", "check"], folder);
    assert_eq!(here.by_spec(".").out, shipped.out, "a folder that has a spec is checked without its name");
    let (summary, version) = shipped.out.trim_end().rsplit_once(' ').expect("a version");
    assert!(summary.starts_with("hecto firmbanking: ") && summary.ends_with(" response codes; version"), "{summary}");
    assert!(version.len() == 16 && version.bytes().all(|b| b.is_ascii_hexdigit()), "{version}");
    let json: serde_json::Value = serde_json::from_str(&run(&["spec", "check", "--json"]).out).expect("JSON");
    assert_eq!(json, serde_json::json!({ "ok": true, "deadlines": [], "diagnostics": [] }));
}

#[test]
fn a_folder_without_a_spec_is_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let place = folder.path().to_str().expect("UTF-8");
    let empty = run(&["spec", "check", place]);
    assert_eq!((empty.code, empty.err), (2, format!("pabal: {place} has no file that ends in .spec\n")));
    let missing = run(&["spec", "check", "nowhere"]);
    let told = "pabal: no folder \"nowhere\", and no institution of that name is built in (there is: hecto)\n";
    assert_eq!((missing.code, missing.err.as_str()), (2, told));
}

#[test]
fn offsets_are_those_of_the_document() {
    let shown = run(&["spec", "show", "transfer_result"]);
    assert_eq!((shown.code, shown.err.as_str()), (0, ""));
    assert_snapshot!(shown.out);
    let json: serde_json::Value =
        serde_json::from_str(&run(&["spec", "show", "transfer", "--json"]).out).expect("JSON");
    let table =
        std::fs::read_to_string(root().join("specs/hecto/layouts/hecto_fb_2000_100_transfer.csv")).expect("a table");
    let fields = json[0]["fields"].as_array().expect("a list");
    let shown: Vec<_> = fields
        .iter()
        .skip(13)
        .map(|f| (f["field"].as_str(), f["label"].as_str(), f["length"].as_u64(), f["offset"].as_u64()))
        .collect();
    // The table lists what follows the header of 100 bytes.
    let mut offset = 100;
    let rows = table.lines().filter(|line| !line.starts_with('#')).skip(1).map(|line| {
        let cells: Vec<&str> = line.split(',').collect();
        let length = cells[4].parse::<u64>().expect("a length");
        offset += length;
        let name = if cells[2] == "filler" { "reserved" } else { cells[2] };
        (Some(name), Some(cells[1]), Some(length), Some(offset - length))
    });
    assert_eq!(shown, rows.collect::<Vec<_>>());
    assert_eq!(offset, 300);
    let all = run(&["spec", "show"]);
    assert_eq!(all.out.lines().next(), Some("firmbanking: frame length ascii(4) exclusive max 4096"));
    let wrong = run(&["spec", "show", "deposits"]);
    assert_eq!(
        (wrong.code, wrong.err.as_str()),
        (2, "pabal: hecto has no telegram \"deposits\"; did you mean \"deposit\"?\n")
    );
}
