//! `layouts`: telegrams that are only converted. Nothing stamps them, selects them or answers them.

use alloc::format;
use alloc::sync::Arc;
use alloc::vec::Vec;

use pabal_telegram::{Charset, CharsetPair, Unset};

use crate::catalog::{Catalog, Select};
use crate::check::layout::{self, Ground};
use crate::check::{conversation, not_said, protocol, text, unique};
use crate::diagnostic::Diagnostic;
use crate::institution::{Digest, Layouts};
use crate::mistake::{self, error};
use crate::written;

/// The layouts, if nothing that they need is missing.
pub(crate) fn check(
    written: &written::Layouts,
    institution: &str,
    digest: Digest,
    out: &mut Vec<Diagnostic>,
) -> Option<Layouts> {
    demand(written, out);
    let members = &written.members;
    protocol::countable(&written.name, members, out);
    unique("set", 0, members.sets.iter().map(|set| &set.name), out);
    unique("header", 0, members.headers.iter().map(|header| &header.name), out);
    unique("telegram", 0, members.telegrams.iter().map(|telegram| &telegram.name), out);
    for telegram in members.headers.iter().chain(&members.telegrams) {
        conversation::at_send(
            telegram,
            "a telegram that is only converted has what its maker gives: say who, `by asker`",
            out,
        );
    }
    let ground = Ground {
        // Where these are missing, that was told, and no layout comes of it.
        charset: CharsetPair {
            encode: written.encode.unwrap_or(Charset::Cp949),
            decode: written.decode.unwrap_or(Charset::Cp949),
        },
        unset_number: written.unset_number.unwrap_or(Unset::Zero),
        unset_text: written.unset_text.unwrap_or(Unset::Space),
        stamped: Vec::new(),
        stamped_is_whole: true,
    };
    if let (Some(_), Some(_), Some(span)) = (written.encode, written.decode, written.seen.find("charset")) {
        text::pair(ground.charset, span, out);
    }
    let headers: Vec<_> = members.headers.iter().map(|header| layout::header(Some(header), &ground, out)).collect();
    let mut drafts = Vec::new();
    for telegram in &members.telegrams {
        let name = telegram.header.as_ref().map(|name| &name.value);
        let at = members.headers.iter().position(|header| Some(&header.name.value) == name).unwrap_or(0);
        let (columns, whole) = headers.get(at).map_or((&[][..], false), |(columns, whole)| (columns, *whole));
        drafts.push(layout::draft(telegram, members.headers.get(at), columns, whole, &ground, out));
    }
    protocol::relate(members, &mut drafts, out);
    let layouts: Vec<_> = drafts.iter().map(|draft| protocol::layout(draft, out).map(Arc::new)).collect();
    let select = Select { by: Vec::new(), rows: Vec::new() };
    Some(Layouts {
        institution: institution.into(),
        name: written.name.value.as_str().into(),
        label: written.label.as_ref().unwrap_or(&written.name).value.as_str().into(),
        digest,
        from: None,
        later: Vec::new(),
        catalog: Catalog { layouts: layouts.into_iter().collect::<Option<_>>()?, select },
    })
}

/// What must be said, and what may not.
fn demand(written: &written::Layouts, out: &mut Vec<Diagnostic>) {
    let needed = [
        ("charset", "what we write and what we accept, such as `charset encode euc-kr decode cp949`"),
        ("unset", "what fills fields that are left out, such as `unset 9 zero X space`"),
    ];
    for (clause, help) in needed {
        if !written.seen.has(clause) {
            out.push(not_said(written.name.span, clause, help));
        }
    }
    let members = &written.members;
    if members.telegrams.is_empty() {
        out.push(not_said(
            written.name.span,
            "telegram",
            "layouts are telegrams: blocks `telegram name 300 { .. }` below",
        ));
    }
    let exchanges = members.exchanges.iter().map(|exchange| ("exchange", &exchange.name));
    for (what, name) in exchanges.chain(members.notices.iter().map(|notice| ("notice", &notice.name))) {
        let message = format!("The {what} `{}` stands below `layouts`, which are only converted", name.value);
        out.push(
            error(mistake::ONLY_CONVERTED, name.span, "nobody speaks here", message)
                .help(format!("remove it, or describe the conversation: `protocol {} {{ .. }}`", written.name.value))
                .related(written.name.span, "only converted"),
        );
    }
}
