//! What the language's page shows is a spec without a mistake, and it names every word that the language has.

use pabal_spec::{Source, Verdict, fmt, load, parse};

const README: &str = include_str!("../../../specs/README.md");

/// The blocks of a kind, put together.
fn blocks(kind: &str) -> String {
    let mut text = String::new();
    let mut inside = false;
    for line in README.lines() {
        match line.strip_prefix("```") {
            Some(opened) if !inside && opened == kind => inside = true,
            Some(_) => inside = false,
            None if inside => text.extend([line, "\n"]),
            None => {}
        }
    }
    text
}

#[test]
fn its_blocks_are_one_spec_without_a_mistake() {
    let sources = [("relay.spec", blocks("pabal")), ("codes.csv", blocks("csv"))]
        .map(|(name, text)| Source { name: name.into(), text });
    let loaded = load(&sources).unwrap_or_else(|found| panic!("{found:#?}"));
    assert_eq!(loaded.warnings, []);
    let rules = &loaded.institution.protocols[0].rules;
    assert_eq!((rules.exchanges.len(), rules.notices.len()), (5, 3));
    let layouts = loaded.institution.layouts("cms").expect("layouts of conversion alone");
    assert!(layouts.catalog.find("cms_debit").is_some());
    let classes = rules.verdicts.rows().map(|(_, row)| row.verdict);
    let mut classes: Vec<Verdict> = classes.collect();
    classes.sort_unstable();
    classes.dedup();
    assert_eq!(classes.len(), Verdict::ALL.len(), "the table shows every class");
}

#[test]
fn each_block_is_read_alone() {
    let text = blocks("pabal");
    let names = ["institution", "protocol", "layouts", "header", "telegram", "exchange", "notice"];
    assert!(names.iter().all(|name| text.contains(&format!("\n{name} ")) || text.starts_with(name)));
    let alone = README.split("```pabal\n").skip(1).map(|block| block.split("```").next().expect("a block"));
    for block in alone {
        let (_, told) = parse(&[Source { name: "block.spec".into(), text: block.into() }]);
        assert_eq!(told, [], "{block}");
        assert_eq!(fmt(block).as_deref(), Ok(block), "as `pabal spec fmt` would write it");
    }
}
