//! Forty mistakes in one file give forty diagnostics in one run.

use std::fmt::Write;

use pabal_spec::{Diagnostic, Label, Source, load};

const FORTY: &str = include_str!("fixtures/forty.spec");

fn sources() -> [Source; 2] {
    [("forty.spec", FORTY), ("codes.csv", include_str!("fixtures/codes.csv"))]
        .map(|(name, text)| Source { name: name.into(), text: text.into() })
}

fn found() -> Vec<Diagnostic> {
    load(&sources()).expect_err("a spec with forty mistakes")
}

/// Line and column, from 1, the column in characters; and the text that is marked.
fn place(label: &Label) -> (usize, usize, String) {
    let span = label.span;
    let text = &sources()[usize::from(span.source.0)].text;
    let (start, end) = (span.start as usize, span.end as usize);
    let line = text[..start].rfind('\n').map_or(0, |at| at + 1);
    let number = text[..start].matches('\n').count() + 1;
    (number, text[line..start].chars().count() + 1, text[start..end].into())
}

#[test]
fn each_is_told_on_its_line() {
    let marked: Vec<(usize, &str)> = FORTY
        .lines()
        .enumerate()
        .filter_map(|(at, line)| Some((at + 1, line.rsplit_once("// ")?.1.split_once(' ')?.1)))
        .filter(|(_, code)| code.len() == 4 && code.starts_with('S'))
        .collect();
    assert_eq!(marked.len(), 40);
    let told: Vec<(usize, &str)> = found().iter().map(|told| (place(&told.at).0, told.code)).collect();
    assert_eq!(told, marked);
}

#[test]
fn each_says_what_to_do() {
    let mut text = String::new();
    for told in found() {
        let (line, column, marked) = place(&told.at);
        let _ = writeln!(text, "{} {line}:{column} {}", told.code, told.message);
        let _ = writeln!(text, "  `{marked}`: {}", told.at.text);
        for label in &told.related {
            let (line, column, marked) = place(label);
            let _ = writeln!(text, "  {line}:{column} `{marked}`: {}", label.text);
        }
        let _ = writeln!(text, "  help: {}", told.help.as_deref().unwrap_or("-"));
    }
    insta::assert_snapshot!(text);
}
