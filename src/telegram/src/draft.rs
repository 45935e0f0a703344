//! Layouts for tests, in few words.

use alloc::boxed::Box;
use alloc::vec::Vec;

use crate::charset::{Charset, CharsetPair};
use crate::class::Class;
use crate::field::{By, Echo, Equal, Field, FieldId, Fill, Slice, Unset};
use crate::kind::{Kind, Number, Stamp, Year};
use crate::layout::{Branch, Choice, Layout, LayoutError, Node, Repeat, Tail, Test, Times, When};
use crate::text::TextRule;

pub(crate) const BOTH: By = By { asker: true, answerer: true, optional: false };
pub(crate) const ASKER: By = By { asker: true, answerer: false, optional: false };
pub(crate) const ANSWERER: By = By { asker: false, answerer: true, optional: false };
pub(crate) const OPTIONAL: By = By { asker: true, answerer: true, optional: true };

pub(crate) fn field(path: &str, len: u32, kind: Kind) -> Field {
    let unset = if matches!(kind, Kind::Text | Kind::Filler) { Unset::Space } else { Unset::Zero };
    Field {
        path: path.into(),
        label: path.into(),
        at: Slice { offset: 0, len },
        kind,
        charset: CharsetPair { encode: Charset::EucKr, decode: Charset::Cp949 },
        class: Class::Public,
        by: BOTH,
        fill: Fill::Given,
        unset,
        equal: Equal::default(),
        echo: Echo::No,
        text: TextRule::default(),
    }
}

pub(crate) fn text(path: &str, len: u32) -> Field {
    field(path, len, Kind::Text)
}

pub(crate) fn number(path: &str, len: u32) -> Field {
    field(path, len, Kind::Number(Number::plain(u8::try_from(len).unwrap(), 0)))
}

pub(crate) fn code(path: &str, len: u32) -> Field {
    field(path, len, Kind::Code)
}

pub(crate) fn stamp(path: &str, pattern: &str) -> Field {
    field(
        path,
        u32::try_from(pattern.len()).unwrap(),
        Kind::Stamp(Stamp { pattern: pattern.into(), year: Year::Written }),
    )
}

/// Lays the fields one behind the other.
pub(crate) fn layout(mut fields: Vec<Field>) -> Layout {
    let mut end = 0;
    for field in &mut fields {
        field.at.offset = end;
        end += field.at.len;
    }
    Layout::new("draft", "초안", end, fields).unwrap()
}

/// Header, then a piece of a transfer: 121 bytes that hold one of everything.
pub(crate) fn transfer() -> Layout {
    layout(std::vec![
        Field { fill: Fill::Stamped, ..text("message_type", 4) }, // 0
        Field { fill: Fill::Const((*b"100").into()), ..text("service_code", 3) }, // 4
        Field { fill: Fill::Default((*b"1").into()), ..number("send_count", 1) }, // 7
        code("bank_code", 3),                                     // 8
        Field { fill: Fill::Stamped, echo: Echo::Always, ..stamp("send_date", "YYYYMMDD") }, // 11
        Field { fill: Fill::Stamped, echo: Echo::Always, ..stamp("send_time", "hhmmss") }, // 19
        Field { by: ANSWERER, ..text("response_code", 4) },       // 25
        Field { by: ASKER, class: Class::Account, ..text("debit_account", 15) }, // 29
        Field { by: ASKER, class: Class::Secret, ..text("passbook_pin", 8) }, // 44
        Field { by: ASKER, ..number("debit_amt", 13) },           // 52
        Field { by: ANSWERER, kind: Kind::Number(Number::plain(7, 2)), ..number("rate", 7) }, // 65
        Field { by: ASKER, class: Class::Name, ..text("holder", 12) }, // 72
        Field { by: OPTIONAL, class: Class::Identity, ..text("holder_no", 13) }, // 84
        Field { by: By { optional: true, ..ASKER }, class: Class::Phone, ..text("phone", 11) }, // 97
        Field { by: By { optional: true, ..ASKER }, ..number("orig_no", 6) }, // 108
        Field { by: By { asker: false, answerer: false, optional: false }, ..field("rest", 7, Kind::Filler) }, // 114
    ])
}

/// Lays out a layout of which parts move.
#[derive(Default)]
pub(crate) struct Tree {
    fields: Vec<Field>,
}

impl Tree {
    /// Fields one behind the other.
    pub(crate) fn run(&mut self, fields: Vec<Field>) -> Node {
        let first = FieldId(u16::try_from(self.fields.len()).unwrap());
        let mut offset = 0;
        for mut field in fields {
            field.at.offset = offset;
            offset += field.at.len;
            self.fields.push(field);
        }
        Node::Run { first, end: FieldId(u16::try_from(self.fields.len()).unwrap()) }
    }

    pub(crate) fn id(&self, path: &str) -> FieldId {
        FieldId(u16::try_from(self.fields.iter().position(|field| &*field.path == path).unwrap()).unwrap())
    }

    pub(crate) fn times(&self, path: &str, by: &str, max: u16, body: Vec<Node>) -> Node {
        Node::Repeat(Repeat {
            path: path.into(),
            times: Times::Field(self.id(by)),
            max,
            padded: false,
            body,
            label: Box::default(),
        })
    }

    pub(crate) fn until_end(path: &str, max: u16, body: Vec<Node>) -> Node {
        Node::Repeat(Repeat {
            path: path.into(),
            times: Times::UntilEnd,
            max,
            padded: false,
            body,
            label: Box::default(),
        })
    }

    pub(crate) fn choice(&self, by: &str, branches: Vec<(&[&str], Vec<Node>)>) -> Node {
        let branch = |(keys, body): (&[&str], Vec<Node>)| Branch { keys: bytes(keys), body, label: Box::default() };
        Node::Choice(Choice { by: self.id(by), branches: branches.into_iter().map(branch).collect() })
    }

    pub(crate) fn when(&self, by: &str, any_of: &[&str], body: Vec<Node>) -> Node {
        Node::When(When { by: self.id(by), test: Test::AnyOf(bytes(any_of)), body, label: Box::default() })
    }

    pub(crate) fn bit(&self, by: &str, bit: u16, body: Vec<Node>) -> Node {
        Node::When(When { by: self.id(by), test: Test::Bit(bit), body, label: Box::default() })
    }

    /// A text of at most so many bytes.
    pub(crate) fn tail(&mut self, field: Field, len: &str) -> Node {
        let len = self.id(len);
        let Node::Run { first, .. } = self.run(std::vec![field]) else { panic!("a run") };
        Node::Tail(Tail { field: first, len })
    }

    pub(crate) fn layout(self, len: core::ops::RangeInclusive<u32>, root: Vec<Node>) -> Result<Layout, LayoutError> {
        Layout::tree("draft", "초안", len, self.fields, root)
    }
}

fn bytes(texts: &[&str]) -> Vec<Box<[u8]>> {
    texts.iter().map(|text| text.as_bytes().into()).collect()
}
