//! Response codes: `"0000"`, or one for each participant.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::vec::Vec;

use pabal_spec::Protocol;
use pabal_telegram::{Charset, Slice};

use super::Codes;
use super::read::{Node, Place, Reader};

/// `"0102"`, or `{ "088" = "U114", other = "0102" }`.
pub(crate) fn codes(reader: &mut Reader<'_>, node: &Node<'_>, protocol: &Protocol) -> Option<Codes> {
    let at = protocol.rules.response_code;
    if !node.value.is_table() {
        return Some(Codes { by: BTreeMap::new(), other: code(reader, node, at, protocol)? });
    }
    let mut table = node.table(reader)?;
    let other = table.needed(reader, "other").and_then(|node| code(reader, &node, at, protocol));
    let mut by = BTreeMap::new();
    for (participant, node) in table.take_all() {
        let participant = participant_bytes(reader, &node.place, participant, protocol);
        if let (Some(participant), Some(code)) = (participant, code(reader, &node, at, protocol)) {
            by.insert(participant, code);
        }
    }
    Some(Codes { by, other: other? })
}

pub(crate) fn code(reader: &mut Reader<'_>, node: &Node<'_>, at: Slice, protocol: &Protocol) -> Option<Box<[u8]>> {
    let text = node.text(reader, "a response code in quotes")?;
    let width = at.range().len();
    if text.is_empty() || text.len() > width || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        reader.mistake(&node.place, format!("`{text}` is not a response code of 1 to {width} characters"), None);
        return None;
    }
    Some(padded(text, at, protocol))
}

pub(crate) fn participant_bytes(
    reader: &mut Reader<'_>,
    place: &Place,
    text: &str,
    protocol: &Protocol,
) -> Option<Box<[u8]>> {
    let Some((field, at)) = &protocol.rules.participant else {
        let help = "write one code for all".into();
        reader.mistake(place, "this protocol has no participants", Some(help));
        return None;
    };
    let width = at.range().len();
    if text.len() > width {
        reader.mistake(place, format!("`{text}` is longer than `{field}`, which has {width} bytes"), None);
        return None;
    }
    Some(padded(text, *at, protocol))
}

/// In the charset of the header's field.
fn padded(text: &str, at: Slice, protocol: &Protocol) -> Box<[u8]> {
    let fields = protocol.catalog.layouts.iter().flat_map(|layout| layout.head());
    let charset = fields.into_iter().find(|field| field.at == at).map_or(Charset::Ascii, |field| field.charset.encode);
    let mut bytes: Vec<u8> = text.bytes().map(|byte| charset.byte(byte).unwrap_or(byte)).collect();
    bytes.resize(at.range().len(), charset.blank());
    bytes.into_boxed_slice()
}
