use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;

use pabal_spec::{Select, SelectRow, TelegramId};
use pabal_telegram::Slice;

use crate::book::{Route, Row};
use crate::byte_table::ByteTable;
use crate::bytes::Bytes;

/// Tells most telegrams by one look at the fields of `select by`, where these touch; the others are told by a look at each row.
#[derive(Clone, Debug)]
pub(crate) struct Sorter {
    /// All fields of `select by`.
    by: Slice,
    /// What a telegram with these bytes there may be.
    known: ByteTable<Vec<Kind>>,
}

#[derive(Clone, Debug)]
struct Kind {
    row: usize,
    telegram: TelegramId,
    /// The row asks for a length and for no bytes but those of `by`.
    is_by_length: bool,
    route: Route,
}

/// Rows that name more combinations of bytes are looked at one by one.
const COMBINATIONS_MAX: usize = 64;

impl Sorter {
    /// Of the rows of `select`, and of what each telegram is to us.
    pub(crate) fn new(select: &Select, routes: &[Vec<Row>]) -> Self {
        let mut sorter = Self { by: Slice { offset: 0, len: 0 }, known: ByteTable::default() };
        let mut fields = select.by.iter();
        let Some(first) = fields.next() else { return sorter };
        let touching = |all: Slice, field: &Slice| {
            (all.offset + all.len == field.offset).then_some(Slice { len: all.len + field.len, ..all })
        };
        let Some(by) = fields.try_fold(*first, touching) else { return sorter };
        sorter.by = by;
        for (at, row) in select.rows.iter().enumerate() {
            let rows = routes.get(usize::from(row.telegram.0)).map(Vec::as_slice).unwrap_or_default();
            for bytes in combinations(row, &select.by) {
                let Some(route) = decide(rows, by, &bytes) else { continue };
                let is_by_length = row.bytes.len() == select.by.len();
                let kind = Kind { row: at, telegram: row.telegram, is_by_length, route };
                sorter.known.or_insert(&Bytes::from(bytes), Vec::new()).push(kind);
            }
        }
        sorter
    }

    /// What a frame is; `None` if that takes a look at each row.
    pub(crate) fn tell(&self, select: &Select, frame: &[u8]) -> Option<(TelegramId, Route)> {
        let kinds = self.known.get(self.by.of(frame)?)?;
        let len = u32::try_from(frame.len()).ok()?;
        let is = |kind: &&Kind| {
            let row = select.rows.get(kind.row);
            row.is_some_and(|row| row.length.contains(&len) && (kind.is_by_length || row.is_typed(frame)))
        };
        kinds.iter().find(is).map(|kind| (kind.telegram, kind.route))
    }
}

/// The bytes in the fields of `by` that a row asks for, one behind the other; none if it does not ask for each of them once.
fn combinations(row: &SelectRow, by: &[Slice]) -> Vec<Vec<u8>> {
    let mut all = vec![Vec::new()];
    for field in by {
        let mut asked = row.bytes.iter().filter(|(at, _)| at == field);
        let (Some((_, any_of)), None) = (asked.next(), asked.next()) else { return Vec::new() };
        if all.len() * any_of.len() > COMBINATIONS_MAX {
            return Vec::new();
        }
        let with = |begun: &Vec<u8>| any_of.iter().map(|bytes| [begun, &**bytes].concat()).collect::<Vec<_>>();
        all = all.iter().flat_map(with).collect();
    }
    let whole = by.iter().map(|field| field.range().len()).sum::<usize>();
    all.retain(|bytes| bytes.len() == whole);
    all
}

/// What a telegram with these bytes at `by` is to us, if they alone say it.
fn decide(rows: &[Row], by: Slice, bytes: &[u8]) -> Option<Route> {
    let holds = |(at, wanted): &(Slice, Box<[u8]>)| {
        let inside = Slice { offset: at.offset.checked_sub(by.offset)?, len: at.len };
        inside.of(bytes).map(|found| *found == **wanted)
    };
    for (conditions, route) in rows {
        let mut is_sure = true;
        let mut is_so = true;
        for condition in conditions {
            match holds(condition) {
                Some(holds) => is_so &= holds,
                None => is_sure = false,
            }
        }
        match (is_so, is_sure) {
            (false, _) => {}
            (true, true) => return Some(*route),
            (true, false) => return None,
        }
    }
    Some(Route::Nothing)
}

#[cfg(test)]
mod tests {
    use pabal_spec::{Catalog, ExchangeRuleId};

    use super::*;

    const fn at(offset: u32, len: u32) -> Slice {
        Slice { offset, len }
    }

    fn row(telegram: u16, len: u32, bytes: &[(Slice, &[&str])]) -> SelectRow {
        let any_of = |any_of: &[&str]| any_of.iter().map(|text| text.as_bytes().into()).collect();
        let bytes = bytes.iter().map(|(at, texts)| (*at, any_of(texts))).collect();
        SelectRow { telegram: TelegramId(telegram), length: len..=len, bytes }
    }

    #[test]
    fn it_tells_what_a_look_at_each_row_tells() {
        let (kind, service, bank) = (at(2, 2), at(4, 1), at(0, 2));
        let rows = vec![
            row(0, 6, &[(at(0, 4), &["POLL"])]),
            row(1, 6, &[(kind, &["20", "21"]), (service, &["1"])]),
            row(2, 7, &[(kind, &["20", "21"]), (service, &["1"])]),
            row(3, 6, &[(kind, &["40"]), (service, &["1", "2"]), (bank, &["08"])]),
            row(4, 6, &[(kind, &["70"])]),
        ];
        let catalog = Catalog { layouts: Vec::new(), select: Select { by: vec![kind, service], rows } };
        let marks = |at: Slice, text: &str| vec![(at, Box::from(text.as_bytes()))];
        let answer = Route::Answer(ExchangeRuleId(0));
        let mut routes: Vec<Vec<Row>> = vec![Vec::new(); 5];
        routes[1] = vec![(marks(kind, "21"), answer)];
        // What it is to us is said by a field that `select by` does not name.
        routes[2] = vec![(marks(bank, "08"), answer)];
        let sorter = Sorter::new(&catalog.select, &routes);
        let told = |frame: &[u8]| sorter.tell(&catalog.select, frame);
        assert_eq!(told(b"08211x"), Some((TelegramId(1), answer)));
        assert_eq!(told(b"08201x"), Some((TelegramId(1), Route::Nothing)));
        assert_eq!(told(b"08402x"), Some((TelegramId(3), Route::Nothing)));
        for frame in [&b"POLL1x"[..], b"08211xx", b"08211", b"99402x", b"08701x", b"08991x", b"0821", b""] {
            assert_eq!(told(frame), None, "{frame:?}");
        }
        for bank in ["08", "99", "PO"] {
            for kind in ["20", "21", "40", "70", "LL"] {
                for (service, rest) in [("1", "x"), ("2", "x"), ("1", "xx")] {
                    let frame = [bank, kind, service, rest].concat();
                    if let Some((telegram, _)) = told(frame.as_bytes()) {
                        assert_eq!(catalog.select(frame.as_bytes()), Ok(telegram), "{frame}");
                    }
                }
            }
        }
    }
}
