//! Sixty mistakes in two files give sixty diagnostics in one run, each at its line and column and with the help that it needs.

use pabal_spec::{Diagnostic, Source, load};

const FORTY: &str = include_str!("fixtures/forty.spec");
const TWENTY: &str = include_str!("fixtures/twenty.spec");

/// What a line says of the mistake on it.
#[derive(Debug)]
struct Marked<'t> {
    file: &'static str,
    line: usize,
    code: &'t str,
    /// The text that is marked, and a part of the help.
    told: Option<(&'t str, &'t str)>,
}

fn marked<'t>(file: &'static str, text: &'t str) -> Vec<Marked<'t>> {
    let lines = text.lines().enumerate().filter_map(|(at, line)| {
        let (number, said) = line.rsplit_once("// ")?.1.split_once(' ')?;
        let number: Option<u8> = number.parse().ok();
        number?;
        let (code, told) = said.split_once(" `").map_or((said, None), |(code, told)| (code, told.split_once("` ")));
        Some(Marked { file, line: at + 1, code, told })
    });
    lines.collect()
}

#[test]
fn sixty_mistakes_are_told_at_their_places_with_what_to_do() {
    let files = [("forty.spec", FORTY), ("twenty.spec", TWENTY), ("codes.csv", include_str!("fixtures/codes.csv"))];
    let sources = files.map(|(name, text)| Source { name: name.into(), text: text.into() });
    let found = load(&sources).expect_err("sixty mistakes");
    let expected =
        [marked("forty.spec", FORTY), marked("twenty.spec", TWENTY)].into_iter().flatten().collect::<Vec<_>>();
    assert_eq!(expected.len(), 60);
    let place = |told: &Diagnostic| {
        let (file, text) = files[usize::from(told.at.span.source.0)];
        let (start, end) = (told.at.span.start as usize, told.at.span.end as usize);
        let line = text[..start].matches('\n').count() + 1;
        (file, line, told.code, start - text[..start].rfind('\n').map_or(0, |at| at + 1), &text[start..end])
    };
    let told: Vec<_> = found.iter().map(place).map(|(file, line, code, ..)| (file, line, code)).collect();
    let wanted: Vec<_> = expected.iter().map(|marked| (marked.file, marked.line, marked.code)).collect();
    assert_eq!(told, wanted);
    let mut wrong = Vec::new();
    for (told, marked) in found.iter().zip(&expected) {
        let Some((text, help)) = marked.told else { continue };
        let (_, line, _, column, at) = place(told);
        // Where the text stands for the first time behind what begins the line, and not in the comment.
        let written = TWENTY.lines().nth(line - 1).expect("a line");
        let columns: Vec<usize> = written.match_indices(text).map(|(column, _)| column).collect();
        let before_comment = written.rfind("//").expect("a comment");
        let is_there = at == text && columns.contains(&column) && column < before_comment;
        let found = told.help.as_deref().unwrap_or_default();
        if !is_there || !found.contains(help) {
            wrong.push(format!("{marked:?}: {at:?} at column {column}: {found:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(found.iter().all(|told| told.help.as_ref().is_some_and(|help| !help.is_empty())), "each says what to do");
}
