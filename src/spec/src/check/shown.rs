//! Fields that everybody sees: they stand in logs, indexes and the texts of errors.

use alloc::format;
use alloc::vec::Vec;

use pabal_telegram::Class;

use crate::check::exchange;
use crate::check::layout::Column;
use crate::check::protocol::Scene;
use crate::diagnostic::Diagnostic;
use crate::mistake::{self, error};
use crate::written::{Name, fields};

/// Tells each field that not everybody may see although it tells requests, parties or numbers apart, once.
pub(crate) fn check(scene: &Scene<'_>, out: &mut Vec<Diagnostic>) {
    let written = scene.written;
    let number = written.number.iter();
    let opening = written.opening.iter().flat_map(|opening| &opening.per);
    let numbered = written.members.notices.iter().filter_map(|notice| notice.numbered.as_ref());
    let named = (written.party.iter().map(|name| ("party", name)))
        .chain(written.participant.iter().map(|name| ("participant", name)))
        .chain(written.compartment.iter().map(|name| ("compartment", name)))
        .chain(
            number
                .flat_map(|number| core::iter::once(&number.field).chain(fields(&number.scope)))
                .map(|name| ("number", name)),
        )
        .chain(fields(&written.key).map(|name| ("key", name)))
        .chain(fields(&written.trace).map(|name| ("trace", name)))
        .chain(opening.map(|name| ("opening per", name)))
        .chain(numbered.flat_map(|numbered| fields(&numbered.scope)).map(|name| ("numbered per", name)));
    let mut told: Vec<&str> = Vec::new();
    for (clause, name) in named {
        let column = scene.header.iter().find(|column| *column.field.path == *name.value);
        if let Some(column) = column.filter(|_| !told.contains(&name.value.as_str())) {
            told.push(&name.value);
            public(column, clause, name, out);
        }
    }
    let number = written.number.as_ref().map(|number| &number.field.value);
    let counted = number.and_then(|number| scene.header.iter().find(|column| *column.field.path == **number));
    for notice in &written.members.notices {
        let Some(joins) = &notice.joins else { continue };
        let draft = exchange::quiet(scene, notice.request.as_ref());
        let column =
            draft.and_then(|draft| draft.columns.iter().find(|column| *column.field.path == *joins.by.field.value));
        // One that cannot hold the number is told by that.
        let len = |column: &Column<'_>| {
            let bytes = joins.by.bytes.as_ref().map(|bytes| &bytes.value);
            bytes.map_or(column.field.at.len, |bytes| bytes.end - bytes.start)
        };
        let column = column.filter(|column| counted.is_none_or(|number| number.field.at.len == len(column)));
        if let Some(column) = column.filter(|column| !told.contains(&column.written.name.value.as_str())) {
            public(column, "joins by", &joins.by.field, out);
        }
    }
}

fn public(column: &Column<'_>, clause: &str, name: &Name, out: &mut Vec<Diagnostic>) {
    let Some(class) = column.written.class.as_ref().filter(|class| class.value != Class::Public) else { return };
    let message = format!("Field `{}` is seen by everybody, since it stands in `{clause}`", name.value);
    out.push(
        error(mistake::NOT_PUBLIC, class.span, "not public", message)
            .help("logs, indexes and texts of errors hold it in clear: say `public` if it names nobody, else take another field")
            .related(name.span, "named here"),
    );
}
