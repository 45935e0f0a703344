use std::fs;
use std::path::Path;

use crate::process::Failure;

/// Every file of the tree as its path from the root, sorted; what is built and what git keeps for itself left out.
pub(crate) fn files(root: &Path) -> Result<Vec<String>, Failure> {
    let mut found = Vec::new();
    let mut folders = vec![String::new()];
    while let Some(folder) = folders.pop() {
        for (name, is_folder) in entries(root, &folder)? {
            let path = if folder.is_empty() { name.clone() } else { format!("{folder}/{name}") };
            if !is_folder {
                found.push(path);
            } else if !is_made(&path, &name) {
                folders.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

/// What lies in a folder: names, and whether each is a folder.
pub(crate) fn entries(root: &Path, folder: &str) -> Result<Vec<(String, bool)>, Failure> {
    let failed = |error| Failure::new(format!("cannot list {folder:?}: {error}"));
    let mut names = Vec::new();
    for entry in fs::read_dir(root.join(folder)).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let kind = entry.file_type().map_err(failed)?;
        names.push((entry.file_name().to_string_lossy().into_owned(), kind.is_dir()));
    }
    names.sort();
    Ok(names)
}

/// Reads a file of the tree; `None` if it is not text.
pub(crate) fn text(root: &Path, path: &str) -> Result<Option<String>, Failure> {
    let bytes = fs::read(root.join(path)).map_err(|error| Failure::new(format!("cannot read {path}: {error}")))?;
    Ok(String::from_utf8(bytes).ok())
}

fn is_made(path: &str, name: &str) -> bool {
    matches!(path, ".git" | "target" | "fuzz/artifacts" | "fuzz/corpus" | "fuzz/target" | "tests/peers/target")
        || name == "__pycache__"
}

/// Rust code with every comment, text and character literal blanked; lines stay where they are.
pub(crate) fn code(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let after_word = out.chars().next_back().is_some_and(is_word);
        let skipped = match first {
            '/' if rest.starts_with("//") => rest.find('\n').unwrap_or(rest.len()),
            '/' if rest.starts_with("/*") => block_comment(rest),
            '"' => 1 + quoted(&rest[1..], '"'),
            '\'' => character(rest),
            'r' | 'b' | 'c' if !after_word => prefixed(rest),
            _ => 0,
        };
        if skipped == 0 {
            out.push(first);
            rest = &rest[first.len_utf8()..];
            continue;
        }
        let (gone, left) = rest.split_at(skipped);
        out.extend(gone.chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
        rest = left;
    }
    out
}

/// Whether a character may be part of a name.
pub(crate) fn is_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

/// Bytes up to and with the closing mark.
fn quoted(text: &str, mark: char) -> usize {
    let mut escaped = false;
    for (at, character) in text.char_indices() {
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if character == mark => return at + character.len_utf8(),
            _ => {}
        }
    }
    text.len()
}

fn block_comment(text: &str) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        if rest.starts_with("/*") {
            depth += 1;
            at += 2;
        } else if rest.starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += rest.chars().next().map_or(1, char::len_utf8);
        }
    }
    text.len()
}

/// Bytes of a character literal, or 0 of a lifetime.
fn character(text: &str) -> usize {
    let mut characters = text.char_indices().skip(1);
    match (characters.next(), characters.next()) {
        (Some((_, '\\')), _) => 1 + quoted(&text[1..], '\''),
        (Some(_), Some((at, '\''))) => at + 1,
        _ => 0,
    }
}

/// Bytes of a literal like `r#"…"#`, `b"…"`, `b'x'`, or 0 if it is none.
fn prefixed(text: &str) -> usize {
    let letters = text.find(|c| !matches!(c, 'r' | 'b' | 'c')).unwrap_or(text.len());
    let (prefix, rest) = text.split_at(letters);
    if prefix.len() > 2 {
        return 0;
    }
    if prefix.contains('r') {
        let hashes = rest.len() - rest.trim_start_matches('#').len();
        let end = format!("\"{}", "#".repeat(hashes));
        return match rest.get(hashes..).and_then(|rest| rest.strip_prefix('"')) {
            Some(inside) => letters + hashes + 1 + inside.find(&end).map_or(inside.len(), |at| at + end.len()),
            None => 0,
        };
    }
    match rest.chars().next() {
        Some('"') => letters + 1 + quoted(&rest[1..], '"'),
        Some('\'') if prefix == "b" => letters + character(rest),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_texts_are_no_code() {
        // A dot for each character that is gone.
        let check = |text: &str, expected: &str| assert_eq!(code(text), expected.replace('.', " "), "{text}");
        check("a // todo!\nb", "a ........\nb");
        check("a /* x /* y */ z */ b", "a ................. b");
        check("f(\"x\\\"y\") + 1", "f(......) + 1");
        check("r#\"a\"b\"# + x", "........ + x");
        check("b\"a\" b'x' 'x' '\\'' x", ".... .... ... .... x");
        check("fn f<'a>(x: &'a str)", "fn f<'a>(x: &'a str)");
        check("for_b\"x\"", "for_b...");
        check("br\"a\\\" x", "...... x");
        check("\"two\nlines\" x", "....\n...... x");
        check("'가' x", "... x");
    }

    #[test]
    fn what_is_built_is_not_of_the_tree() {
        assert!(is_made("target", "target"));
        assert!(is_made("specs/x/__pycache__", "__pycache__"));
        assert!(!is_made("src/target", "target"));
    }
}
