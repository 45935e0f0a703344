//! Columns on a terminal, where Hangul is two columns wide.

/// Columns that a text takes on a terminal: two for Hangul, CJK and full-width forms, one for the rest.
pub(crate) fn width(text: &str) -> usize {
    text.chars().map(|c| if is_wide(c) { 2 } else { 1 }).sum()
}

/// East Asian Wide and Fullwidth (Unicode Annex 11), as far as KS X 1001 reaches.
const fn is_wide(c: char) -> bool {
    matches!(c,
        '\u{1100}'..='\u{115f}' | '\u{2e80}'..='\u{303e}' | '\u{3041}'..='\u{33ff}' | '\u{3400}'..='\u{4dbf}'
        | '\u{4e00}'..='\u{9fff}' | '\u{ac00}'..='\u{d7a3}' | '\u{f900}'..='\u{faff}' | '\u{ff00}'..='\u{ff60}' | '\u{ffe0}'..='\u{ffe6}')
}

/// Which side the blanks of a column go to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Align {
    Left,
    Right,
}

/// Rows under a head; each column as wide as its widest cell.
#[derive(Debug)]
pub(crate) struct Table {
    columns: Vec<(&'static str, Align)>,
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(crate) fn new(columns: &[(&'static str, Align)]) -> Self {
        Self { columns: columns.to_vec(), rows: Vec::new() }
    }

    pub(crate) fn row(&mut self, cells: Vec<String>) {
        assert_eq!(cells.len(), self.columns.len(), "a row has a cell for each column");
        self.rows.push(cells);
    }

    /// The lines, head first, without blanks at their ends.
    pub(crate) fn lines(&self) -> Vec<String> {
        let widths: Vec<usize> = self
            .columns
            .iter()
            .enumerate()
            .map(|(at, (head, _))| self.rows.iter().map(|row| width(&row[at])).max().unwrap_or(0).max(width(head)))
            .collect();
        let head = self.columns.iter().map(|(head, _)| (*head).to_string()).collect();
        std::iter::once(&head).chain(&self.rows).map(|row| self.line(row, &widths)).collect()
    }

    fn line(&self, row: &[String], widths: &[usize]) -> String {
        let mut line = String::new();
        for ((cell, (_, align)), wanted) in row.iter().zip(&self.columns).zip(widths) {
            let blanks = " ".repeat(wanted.saturating_sub(width(cell)));
            match align {
                Align::Left => line.extend([cell.as_str(), &blanks, "  "]),
                Align::Right => line.extend([blanks.as_str(), cell, "  "]),
            }
        }
        line.truncate(line.trim_end().len());
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hangul_takes_two_columns() {
        let mut table = Table::new(&[("off", Align::Right), ("label", Align::Left), ("len", Align::Right)]);
        table.row(vec!["0".into(), "식별코드".into(), "9".into()]);
        table.row(vec!["100".into(), "memo".into(), "14".into()]);
        assert_eq!(
            table.lines(),
            ["off  label     len", "  0  식별코드    9", "100  memo       14"],
            "columns line up where a terminal draws Hangul twice as wide"
        );
    }
}
