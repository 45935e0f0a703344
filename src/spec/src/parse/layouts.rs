//! `layouts`: telegrams that are only converted.

use alloc::string::String;
use alloc::vec::Vec;

use crate::diagnostic::Diagnostic;
use crate::parse::cursor::{Cursor, clauses};
use crate::parse::protocol::{charset, unset};
use crate::written::{Layouts, Members, Name, Seen};

pub(crate) const CLAUSES: [&str; 3] = ["charset", "unset", "set"];

pub(crate) fn read(name: Name, cursor: &mut Cursor<'_>, out: &mut Vec<Diagnostic>) -> Layouts {
    let mut layouts = Layouts {
        name,
        label: cursor.label(),
        seen: Seen::default(),
        encode: None,
        decode: None,
        unset_number: None,
        unset_text: None,
        members: Members::default(),
    };
    let body = match cursor.body() {
        Ok(body) => body,
        Err(stop) => {
            out.extend(stop.0.map(|diagnostic| *diagnostic));
            let Some(body) = cursor.any_body() else {
                layouts.seen.meant.extend(CLAUSES.map(String::from));
                return layouts;
            };
            body
        }
    };
    let seen = clauses(body, &CLAUSES, &["set"], out, |word, cursor, _| match word {
        "charset" => charset(cursor, &mut layouts.encode, &mut layouts.decode),
        "unset" => unset(cursor, &mut layouts.unset_number, &mut layouts.unset_text),
        _ => {
            let name = cursor.name("the name of the set")?;
            super::set(name, cursor, &mut layouts.members)
        }
    });
    layouts.seen = seen;
    layouts
}
