//! The shipped specs of telegrams that are only converted, compared with their tables.

use std::path::PathBuf;
use std::sync::Arc;

use pabal_spec::{Layouts, Source, load};
use pabal_telegram::{Class, Kind, Slice};

fn folder(institution: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../specs").join(institution)
}

fn layouts(institution: &str, file: &str, name: &str) -> Arc<Layouts> {
    let text = std::fs::read_to_string(folder(institution).join(file)).expect("a shipped file");
    let loaded = load(&[Source { name: file.into(), text }]).unwrap_or_else(|found| panic!("{found:#?}"));
    assert_eq!(loaded.warnings, []);
    assert_eq!(&*loaded.institution.name, institution);
    assert!(loaded.institution.protocols.is_empty(), "no line is known, so that none is described");
    Arc::clone(loaded.institution.layouts(name).expect("layouts"))
}

/// Cells of a table's line; quotes stand around a whole cell only.
fn cells(line: &str) -> Vec<String> {
    let mut cells = vec![String::new()];
    let mut quoted = false;
    for character in line.chars() {
        match character {
            '"' => quoted = !quoted,
            ',' if !quoted => cells.push(String::new()),
            other => cells.last_mut().expect("a cell").push(other),
        }
    }
    cells
}

/// A row of a table: label, place, whether it is a number, whether it must be masked.
type Row = (String, Slice, bool, bool);

fn table(institution: &str, name: &str) -> Vec<Row> {
    let text = std::fs::read_to_string(folder(institution).join("layouts").join(name)).expect("a table");
    let rows = text.lines().filter(|line| line.starts_with(|c: char| c.is_ascii_digit()));
    rows.map(|line| {
        let cells = cells(line);
        let offset = cells[5].strip_prefix("off=").and_then(|rest| rest.split(';').next()).expect("an offset");
        let at = Slice { offset: offset.parse().expect("an offset"), len: cells[4].parse().expect("a length") };
        (cells[1].clone(), at, cells[3] == "9", cells[5].contains("mask"))
    })
    .collect()
}

/// Each field has its table's label, place and kind, and what must be masked is not public.
fn check(layouts: &Layouts, telegram: &str, len: u32, rows: &[Row]) {
    let (_, layout) = layouts.catalog.find(telegram).expect("a telegram");
    let fields: Vec<_> = layout.fields().iter().map(|field| (field.label.to_string(), field.at)).collect();
    let expected: Vec<_> = rows.iter().map(|(label, at, ..)| (label.clone(), *at)).collect();
    assert_eq!((layout.len(), fields), (len, expected), "{telegram}");
    for (field, (label, _, is_number, is_masked)) in layout.fields().iter().zip(rows) {
        match &field.kind {
            Kind::Number { .. } | Kind::Code => assert!(is_number, "{telegram} {label}"),
            Kind::Text | Kind::Filler => assert!(!is_number, "{telegram} {label}"),
            // A table may call a date or a time either.
            _ => {}
        }
        assert!(!is_masked || field.class != Class::Public, "{telegram} {label} is shown to everybody");
    }
}

#[test]
fn ksnet_is_as_its_tables_say() {
    let layouts = layouts("ksnet", "firmbanking.spec", "firmbanking");
    let header = table("ksnet", "ksnet_fb_common_header.csv");
    let tables = [
        ("transfer", "ksnet_fb_0100_100_transfer.csv"),
        ("transfer_fail", "ksnet_fb_0400_100_transfer_fail_notice.csv"),
        ("transfer_result", "ksnet_fb_0600_100_result_inquiry.csv"),
        ("balance", "ksnet_fb_0600_300_balance.csv"),
        ("totals", "ksnet_fb_0700_100_totals.csv"),
    ];
    assert_eq!(layouts.catalog.layouts.len(), tables.len());
    for (telegram, name) in tables {
        check(&layouts, telegram, 300, &[header.clone(), table("ksnet", name)].concat());
    }
}

#[test]
fn nicevan_is_as_its_tables_say_and_its_answer_is_no_request() {
    let layouts = layouts("nicevan", "card_approval.spec", "card_approval");
    assert_eq!(layouts.catalog.layouts.len(), 2);
    check(&layouts, "approval_request", 237, &table("nicevan", "nicevan_0200_card_approval_req.csv"));
    check(&layouts, "approval_answer", 299, &table("nicevan", "nicevan_0210_card_approval_res.csv"));
    let place = |telegram: &str, field: &str| {
        layouts.catalog.find(telegram).and_then(|(_, layout)| layout.find(field)).expect("a field").1.at.offset
    };
    for (field, before) in [("cat_id", 0), ("wcc", 4), ("track2", 4), ("amount", 4)] {
        assert_eq!(place("approval_answer", field), place("approval_request", field) + before, "{field}");
    }
}

#[test]
fn kftc_cms_is_as_its_tables_say() {
    let layouts = layouts("kftc_cms", "account_check.spec", "account_check");
    assert_eq!(layouts.catalog.layouts.len(), 2);
    check(&layouts, "account_check_request", 187, &table("kftc_cms", "kftc_cms_0200_account_check_req.csv"));
    check(&layouts, "account_check_answer", 221, &table("kftc_cms", "kftc_cms_0210_account_check_res.csv"));
}

/// What a layout has under a prefix, as rows of a table of names: offsets count from the first.
fn named(layouts: &Layouts, telegram: &str, prefix: &str) -> Vec<(String, u32, u32, bool)> {
    let (_, layout) = layouts.catalog.find(telegram).expect("a telegram");
    let fields = layout.fields().iter().filter_map(|field| Some((field.path.strip_prefix(prefix)?, field)));
    let mut start = None;
    fields
        .map(|(name, field)| {
            let start = *start.get_or_insert(field.at.offset);
            let name = name.strip_suffix(".value").unwrap_or(name);
            let is_number = matches!(field.kind, Kind::Number { .. });
            (name.replace("filler_common", "filler"), field.at.offset - start, field.at.len, is_number)
        })
        .collect()
}

/// The rows of a table by their names, from a row on.
fn rows(institution: &str, name: &str, skip: usize) -> Vec<(String, u32, u32, bool)> {
    let text = std::fs::read_to_string(folder(institution).join("layouts").join(name)).expect("a table");
    let names = text.lines().filter(|line| line.starts_with(|c: char| c.is_ascii_digit()));
    let names: Vec<String> = names.map(|line| cells(line)[2].clone()).collect();
    let rows: Vec<_> = names.into_iter().zip(table(institution, name)).skip(skip).collect();
    let start = rows[0].1.1.offset;
    rows.into_iter().map(|(name, (_, at, is_number, _))| (name, at.offset - start, at.len, is_number)).collect()
}

#[test]
fn nicecb_is_as_its_tables_say() {
    let layouts = layouts("nicecb", "credit_score.spec", "credit_score");
    let header = table("nicecb", "nicecb_common_header.csv");
    check(&layouts, "score_request", 167, &[header, table("nicecb", "nicecb_1f003_req.csv")].concat());
    let (_, answer) = layouts.catalog.find("score_answer").expect("the answer");
    // 100 + 46, and at most 99 scores of 98 bytes.
    assert_eq!((answer.len(), answer.len_max()), (146, 146 + 99 * 98));
    let head = [rows("nicecb", "nicecb_common_header.csv", 0), rows("nicecb", "nicecb_1f003_res.csv", 0)];
    let found = named(&layouts, "score_answer", "");
    let names =
        |rows: &[(String, u32, u32, bool)]| rows.iter().map(|row| (row.0.clone(), row.2, row.3)).collect::<Vec<_>>();
    assert_eq!(names(&found[..answer.head().len()]), names(&head.concat()));
    assert_eq!(named(&layouts, "score_answer", "scores[]."), rows("nicecb", "nicecb_1f003_score.csv", 0));
}

#[test]
fn kcb_is_as_its_tables_say() {
    let layouts = layouts("kcb", "credit_report.spec", "credit_report");
    let header = table("kcb", "kcb_common_header.csv");
    check(&layouts, "report_request", 469, &[header, table("kcb", "kcb_0100_360_req.csv")].concat());
    let (_, report) = layouts.catalog.find("report").expect("the report");
    // 130 + 189, and at most as many segments of at most 663 bytes as fit into 9,999 bytes if each has 9.
    assert_eq!((report.len(), report.len_max()), (319, 319 + (9_999 - 319) / 9 * 663));
    let found = named(&layouts, "report", "");
    assert_eq!(found[12..report.head().len()].iter().map(|row| row.2).sum::<u32>(), 189);
    let index = rows("kcb", "kcb_report_index.csv", 0);
    let places = |rows: &[(String, u32, u32, bool)]| {
        rows.iter().map(|row| (row.0.clone(), row.1 - rows[0].1, row.2, row.3)).collect::<Vec<_>>()
    };
    assert_eq!(places(&found[12..report.head().len()]), places(&index));
    // Twenty kinds, of which one is not described.
    let kinds = index.iter().filter_map(|(name, ..)| name.strip_suffix(".total"));
    let ids = "017 018 019 020 023 024 025 026 027 028 029 031 032 033 035 036 037 038 039 103".split(' ');
    let mut described = 0;
    for (kind, id) in kinds.zip(ids) {
        let found = named(&layouts, "report", &format!("segments[].{kind}."));
        if found.is_empty() {
            assert_eq!(id, "031");
            continue;
        }
        described += 1;
        assert_eq!(found, rows("kcb", &format!("kcb_segment_{id}.csv"), 1), "{kind}");
    }
    assert_eq!(described, 19);
}

#[test]
fn every_shipped_spec_is_as_fmt_writes_it() {
    let files = [
        ("hecto", "firmbanking.spec"),
        ("ksnet", "firmbanking.spec"),
        ("nicevan", "card_approval.spec"),
        ("kftc_cms", "account_check.spec"),
        ("nicecb", "credit_score.spec"),
        ("kcb", "credit_report.spec"),
    ];
    for (institution, file) in files {
        let text = std::fs::read_to_string(folder(institution).join(file)).expect("a shipped file");
        assert_eq!(
            pabal_spec::fmt(&text).as_ref(),
            Ok(&text),
            "{institution}/{file}: pabal spec fmt specs/{institution}"
        );
    }
}
