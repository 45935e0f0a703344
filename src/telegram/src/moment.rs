//! What fields say on the calendar. Their values stay digits.

use alloc::borrow::Cow;

use pabal_clock::Civil;

use crate::decode::Telegram;
use crate::fault::{Fault, Rule};
use crate::field::Field;
use crate::kind::{Kind, Moment};
use crate::value::ValueRef;

impl Field {
    /// What a value of the field, as it was read, says on the calendar and the clock; `None` if it was left out, or if the field is neither
    /// a date nor a time. `now` is on the clock of whoever filled the field ([`crate::Stamp::moment`]).
    ///
    /// # Errors
    /// As [`crate::Stamp::moment`].
    pub fn moment(&self, value: &ValueRef<'_>, now: Civil) -> Result<Option<Moment>, Rule> {
        match (&self.kind, value) {
            (Kind::Stamp(stamp), ValueRef::Text(text)) => stamp.moment(text, now).map(Some),
            _ => Ok(None),
        }
    }
}

impl Telegram<'_, '_> {
    /// What a field says on the calendar and the clock, by its path as for [`Telegram::named`]; `None` as for [`Field::moment`].
    ///
    /// # Errors
    /// The field's bytes break its rule, or there is no such field; [`Rule::WhichYear`] if nobody says which year it is.
    pub fn moment(&self, path: &str, now: Civil) -> Result<Option<Moment>, Fault> {
        let value = self.named(path)?;
        let Some((id, indices)) = self.layout().find_cell(path) else { return Ok(None) };
        let Some(field) = self.layout().field(id) else { return Ok(None) };
        let told = |rule| {
            let bytes = if let ValueRef::Text(Cow::Borrowed(text)) = &value { text.as_bytes() } else { b"" };
            // One that moves is told at its place in this telegram.
            match self.cells().map(|(cell, _)| cell).find(|cell| cell.id == id && cell.indices == indices) {
                Some(cell) => Fault::of_cell(&cell, bytes, rule),
                None => Fault::new(field, bytes, rule),
            }
        };
        field.moment(&value, now).map_err(told)
    }
}

#[cfg(test)]
mod tests {
    use std::string::ToString;
    use std::vec;

    use pabal_clock::{Date, TimeOfDay};

    use super::*;
    use crate::draft::{Tree, layout, number, stamp, text};
    use crate::field::Side;
    use crate::kind::{Stamp, Year};

    #[test]
    fn a_telegram_says_when() {
        let now = Civil { date: Date::new(2026, 11, 22).unwrap(), time: TimeOfDay::MIDNIGHT };
        let nearest = Stamp { pattern: "MMDDhhmmss".into(), year: Year::Nearest };
        let layout = layout(vec![
            Field { kind: Kind::Stamp(nearest), ..stamp("sent", "MMDDhhmmss") },
            stamp("approved", "YYMMDD"),
            stamp("booked", "YYYYMMDD"),
            text("memo", 2),
        ]);
        let read = |bytes: &[u8], path: &str| {
            let moment = Telegram::new(&layout, bytes, Side::Asker).moment(path, now);
            match moment {
                Ok(moment) => moment.map_or("nothing".into(), |moment| moment.to_string()),
                Err(fault) => fault.to_string(),
            }
        };
        let bytes = b"112123595926112120261121ab";
        assert_eq!(read(bytes, "sent"), "2026-11-21 23:59:59");
        assert_eq!(read(bytes, "booked"), "2026-11-21");
        assert_eq!(read(bytes, "memo"), "nothing");
        assert_eq!(
            read(bytes, "approved"),
            "T70 approved at byte 10 (6 bytes): the year is not said in full; say `years 1980..2079` or `year nearest` on the field, if the \
             document says which it is; bytes 32 36 31 31 32 31 (\"261121\")"
        );
        assert_eq!(read(b"1121235959      00000000ab", "approved"), "nothing");
        assert_eq!(read(b"1121235959      00000000ab", "booked"), "nothing");
        assert!(read(b"113123595926112120261121ab", "sent").starts_with("T03 sent at byte 0"));
        assert!(read(bytes, "sentt").starts_with("T15 "));
    }

    #[test]
    fn a_date_that_moves_is_told_where_it_is() {
        let now = Civil { date: Date::new(2026, 11, 22).unwrap(), time: TimeOfDay::MIDNIGHT };
        let mut tree = Tree::default();
        let count = tree.run(vec![number("rows_n", 2)]);
        let row = tree.run(vec![text("rows[].kind", 2), stamp("rows[].day", "YYMMDD")]);
        let rows = tree.times("rows", "rows_n", 9, vec![row]);
        let layout = tree.layout(2..=74, vec![count, rows]).unwrap();
        let fault = Telegram::new(&layout, b"02AB261121CD261122", Side::Asker).moment("rows[1].day", now).unwrap_err();
        // Two bytes of the count, eight of the first row, two of the second.
        assert!(fault.to_string().starts_with("T70 rows[1].day at byte 12 (6 bytes): "), "{fault}");
    }
}
