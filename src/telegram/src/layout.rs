use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::ops::RangeInclusive;

use crate::cell::Indices;
use crate::class::Class;
use crate::computed::order;
use crate::decimal::DIGITS_MAX;
use crate::fault::Rule;
use crate::field::{Field, FieldId, Fill, Side, Slice};
use crate::kind::Kind;
use crate::slots::steps::Steps;
use crate::slots::write::steps::Writes;

pub(crate) mod tree;

use tree::{Bitten, Repeated, Sound};
pub use tree::{Branch, Choice, Node, Repeat, Tail, Test, Times, When};

/// One kind of telegram, as its bytes lie: without gaps, without overlaps, of one total length or between two. A value of this type is
/// right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    name: Box<str>,
    label: Box<str>,
    len: u32,
    len_max: u32,
    fields: Vec<Field>,
    root: Vec<Node>,
    /// How many fields lie at fixed places at the beginning.
    head: u16,
    /// Something is written from the rest of the telegram.
    computes: bool,
    /// What is, in the order in which it can be.
    pub(crate) computed: Vec<FieldId>,
    /// Fields elsewhere that say how often, which or whether; in order.
    pub(crate) seats: Vec<FieldId>,
    /// Texts of a length of their own, each with the field that says it.
    pub(crate) tails: Vec<(FieldId, FieldId)>,
    /// Repeats that move, outer ones before those inside of them.
    pub(crate) repeats: Vec<Repeated>,
    /// What is there if a bit of a bitmap is set.
    pub(crate) bits: Vec<Bitten>,
    /// Every field, in the order of the paths, which lie beside their ids so that a search stays in few cache lines.
    by_path: Vec<(Box<str>, FieldId)>,
    /// How all fields are read, if the asker and if the answerer has filled them.
    steps: [Steps; 2],
    /// How all fields are written, by the asker and by the answerer.
    writes: [Writes; 2],
}

/// Why fields do not make a layout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LayoutError {
    /// Two fields have one path.
    TwiceNamed {
        /// The second of them.
        second: FieldId,
    },
    /// The fields end elsewhere than the total says.
    Total {
        /// Where the fields end, in bytes.
        fields: u32,
        /// What the total says, in bytes.
        total: u32,
    },
    /// A field does not begin where the one before it ends.
    Gap {
        /// The field.
        field: FieldId,
    },
    /// A field has no bytes, or there is no field at all (then it is the one that is missing).
    Empty {
        /// The field.
        field: FieldId,
    },
    /// More fields than [`FieldId`] can name.
    TooMany {
        /// How many.
        fields: usize,
    },
    /// A number of more than 38 digits, or with more decimals than digits, or not as long as its digits and sign are.
    Digits {
        /// The field.
        field: FieldId,
    },
    /// A pattern of a date or time that is not made of its parts, or not as long as its field.
    Pattern {
        /// The field.
        field: FieldId,
    },
    /// Two charsets of which one does not read what the other writes, or a [`TextRule`](crate::TextRule) that the field cannot have.
    Text {
        /// The field.
        field: FieldId,
    },
    /// What the field says of the telegram cannot be: it looks at fields that are not there, or it is made of itself.
    Computed {
        /// The field.
        field: FieldId,
    },
    /// A constant or default that is not as long as its field, or that the field could not hold.
    Fill {
        /// The field.
        field: FieldId,
        /// What it breaks; [`Rule::Length`] if the length is wrong.
        rule: Rule,
    },
    /// Parts that move cannot be read so.
    Structure {
        /// What is wrong with the telegram.
        why: &'static str,
    },
}

impl fmt::Display for LayoutError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TwiceNamed { second } => {
                write!(f, "field {second} has the path of a field before it; rename one of them")
            }
            Self::Total { fields, total } => {
                write!(
                    f,
                    "the fields end at byte {fields}, but the telegram at byte {total}; compare the lengths with the document"
                )
            }
            Self::Gap { field } => write!(f, "field {field} does not begin where the one before it ends"),
            Self::Empty { field } => write!(f, "field {field} has no bytes; give it a length of at least 1"),
            Self::TooMany { fields } => write!(f, "{fields} fields; a telegram has at most {}", u16::MAX),
            Self::Digits { field } => {
                write!(
                    f,
                    "field {field} is a number of more than {DIGITS_MAX} digits, of more decimals than digits, or not as long as they are; make it text"
                )
            }
            Self::Pattern { field } => {
                write!(
                    f,
                    "the pattern of field {field} is not YYYY, YY, MM, DD, hh, mm, ss (each at most once), or not as long as the field"
                )
            }
            Self::Text { field } => {
                write!(
                    f,
                    "the charsets of field {field}, or how its text lies, do not go together; compare them with the document"
                )
            }
            Self::Computed { field } => {
                write!(
                    f,
                    "field {field} cannot be computed: what it is computed from is not there, or is computed from it"
                )
            }
            Self::Fill { field, rule } => write!(f, "field {field} cannot hold its constant or default: {rule}"),
            Self::Structure { why } => write!(f, "the telegram cannot be read: {why}"),
        }
    }
}

impl core::error::Error for LayoutError {}

impl Layout {
    /// Makes a layout of fields that lie one behind the other and end at `len` bytes.
    ///
    /// # Errors
    /// The first thing that is wrong; `pabal-spec` reports these before it gets here.
    pub fn new(name: &str, label: &str, len: u32, fields: Vec<Field>) -> Result<Self, LayoutError> {
        let end = FieldId(u16::try_from(fields.len()).map_err(|_| LayoutError::TooMany { fields: fields.len() })?);
        Self::tree(name, label, len..=len, fields, Vec::from([Node::Run { first: FieldId(0), end }]))
    }

    /// Makes a layout of which parts move: fields in the order of the document, each once, and the tree that they are the leaves of.
    /// Offsets count from where the run of a field begins, so that those of the first run count from the telegram's beginning.
    ///
    /// # Errors
    /// As [`Layout::new`]; the telegram is never longer or shorter than `len` says, and both can be.
    pub fn tree(
        name: &str,
        label: &str,
        len: RangeInclusive<u32>,
        fields: Vec<Field>,
        root: Vec<Node>,
    ) -> Result<Self, LayoutError> {
        let count = u16::try_from(fields.len()).map_err(|_| LayoutError::TooMany { fields: fields.len() })?;
        if count == 0 {
            return Err(LayoutError::Empty { field: FieldId(0) });
        }
        let sound = tree::check(&root, &fields)?;
        for (fields, total) in [(sound.len_min, *len.start()), (sound.len_max, *len.end())] {
            if fields != total {
                return Err(LayoutError::Total { fields, total });
            }
        }
        // By path, then by place: of two fields with one path the second stays the second.
        let ids = (0..count).map(FieldId);
        let mut by_path: Vec<(Box<str>, FieldId)> = fields.iter().map(|field| field.path.clone()).zip(ids).collect();
        by_path.sort();
        if let Some([_, (_, second)]) = by_path.windows(2).find(|pair| matches!(pair, [a, b] if a.0 == b.0)) {
            return Err(LayoutError::TwiceNamed { second: *second });
        }
        let Sound { len_min, len_max, head, seats, tails, repeats, bits } = sound;
        let (name, label) = (name.into(), label.into());
        let fixed = fields.get(..usize::from(head)).unwrap_or_default();
        let steps = [Side::Asker, Side::Answerer].map(|side| Steps::new(fixed, side));
        let writes = [Side::Asker, Side::Answerer].map(|side| Writes::new(fixed, side));
        let computes = fields.iter().any(|field| match &field.kind {
            Kind::Number(number) if number.has_beside() => true,
            _ => matches!(field.fill, Fill::Computed(_)),
        });
        for (field, id) in fields.iter().zip((0..count).map(FieldId)) {
            let Fill::Computed(computed) = &field.fill else { continue };
            if !computed.is_within(count) {
                return Err(LayoutError::Computed { field: id });
            }
        }
        let computed = order(&fields).map_err(|field| LayoutError::Computed { field })?;
        Ok(Self {
            name,
            label,
            len: len_min,
            len_max,
            fields,
            root,
            head,
            computes,
            computed,
            seats,
            tails,
            repeats,
            bits,
            by_path,
            steps,
            writes,
        })
    }

    /// Name in the spec.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Name in the institution's document.
    #[must_use]
    pub fn label(&self) -> &str {
        &self.label
    }

    /// In bytes, length prefix not counted; the least, if the length varies ([`Layout::len_max`]).
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "a layout has at least one byte")]
    pub const fn len(&self) -> u32 {
        self.len
    }

    /// The most that it can be, in bytes.
    #[must_use]
    pub const fn len_max(&self) -> u32 {
        self.len_max
    }

    /// Whether every field has its one place in every telegram.
    #[must_use]
    pub const fn is_fixed(&self) -> bool {
        self.head as usize == self.fields.len()
    }

    /// Every field in the order of the document. Those behind [`Layout::head`] move: their offsets do not count from the telegram's
    /// beginning, and [`crate::Telegram::cells`] says where they are in one.
    #[must_use]
    pub fn fields(&self) -> &[Field] {
        &self.fields
    }

    /// The fields at the beginning, whose places are the same in every telegram: all of them if the layout is fixed.
    #[must_use]
    pub fn head(&self) -> &[Field] {
        self.fields.get(..usize::from(self.head)).unwrap_or_default()
    }

    /// How `side` writes all fields.
    pub(crate) const fn writes(&self, side: Side) -> &Writes {
        let [asker, answerer] = &self.writes;
        match side {
            Side::Asker => asker,
            Side::Answerer => answerer,
        }
    }

    /// How all fields are read that `side` has filled.
    pub(crate) const fn steps(&self, side: Side) -> &Steps {
        let [asker, answerer] = &self.steps;
        match side {
            Side::Asker => asker,
            Side::Answerer => answerer,
        }
    }

    /// The tree.
    #[must_use]
    pub fn root(&self) -> &[Node] {
        &self.root
    }

    /// A field at a fixed place by its path.
    #[must_use]
    pub fn find(&self, path: &str) -> Option<(FieldId, &Field)> {
        self.find_any(path).filter(|(id, _)| id.0 < self.head)
    }

    /// A field by its path, `scores[].grade` of one that repeats.
    fn find_any(&self, path: &str) -> Option<(FieldId, &Field)> {
        let at = self.by_path.binary_search_by(|(other, _)| (**other).cmp(path)).ok()?;
        let id = self.by_path.get(at)?.1;
        Some((id, self.field(id)?))
    }

    /// A field by the path of one of its occurrences, `scores[0].grade`, and which one that is. A path without the indices that it
    /// needs names none. Looks for each path by halves, and makes a text of it where it has indices: who asks for many keeps what it finds.
    #[must_use]
    pub fn find_cell(&self, path: &str) -> Option<(FieldId, Indices)> {
        if self.repeats.is_empty() || !path.contains('[') {
            return self
                .find_any(path)
                .filter(|(_, field)| !field.path.contains("[]"))
                .map(|(id, _)| (id, Indices::default()));
        }
        let mut known = String::with_capacity(path.len());
        let mut indices = Indices::default();
        let mut rest = path;
        while let Some((before, behind)) = rest.split_once('[') {
            let (index, behind) = behind.split_once(']')?;
            known.push_str(before);
            if self.repeats.iter().any(|repeat| *repeat.path == *known) {
                // As it is written, and in no other way: two paths would name one cell.
                if index.is_empty() || (index.len() > 1 && index.starts_with('0')) || index.starts_with('+') {
                    return None;
                }
                indices = indices.deeper(index.parse().ok()?);
                known.push_str("[]");
            } else {
                known.extend(["[", index, "]"]);
            }
            rest = behind;
        }
        known.push_str(rest);
        let (id, _) = self.find_any(&known)?;
        Some((id, indices))
    }

    /// In how many repeats that move a field stands.
    pub(crate) fn depth(&self, id: FieldId) -> usize {
        self.repeats.iter().filter(|repeat| (repeat.first..repeat.end).contains(&id.0)).count()
    }

    /// Whether something in it is written from the rest of the telegram, or read together with what is beside it; then
    /// [`Field::encode`] alone does not make a telegram of it.
    #[must_use]
    pub const fn computes(&self) -> bool {
        self.computes
    }

    /// A field by its place, or `None` if the id is of another layout.
    #[must_use]
    pub fn field(&self, id: FieldId) -> Option<&Field> {
        self.fields.get(id.index())
    }

    /// The bytes that must never be stored ([`Class::Secret`]) of a telegram that is as long as the layout says, as far as they have fixed
    /// places. Others come by in [`crate::Telegram::cells`].
    #[must_use]
    pub fn secrets(&self) -> Vec<Slice> {
        self.head().iter().filter(|f| f.class == Class::Secret).map(|f| f.at).collect()
    }
}

fn check(field: &Field, id: FieldId, end: u32) -> Result<(), LayoutError> {
    if field.at.offset != end {
        return Err(LayoutError::Gap { field: id });
    }
    let len = field.at.len;
    if len == 0 {
        return Err(LayoutError::Empty { field: id });
    }
    match &field.kind {
        Kind::Number(number) if !number.is_sound() || number.len() != len => {
            return Err(LayoutError::Digits { field: id });
        }
        Kind::Lines { each } if *each == 0 || !len.is_multiple_of(*each) => {
            return Err(LayoutError::Structure { why: "lines do not fill their field" });
        }
        Kind::Stamp(stamp) if stamp.pattern.len() != field.at.range().len() || !stamp.is_sound() => {
            return Err(LayoutError::Pattern { field: id });
        }
        _ => {}
    }
    if !field.has_sound_text() {
        return Err(LayoutError::Text { field: id });
    }
    if let Fill::Default(bytes) | Fill::Const(bytes) = &field.fill {
        let found = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        let rule =
            if found == len { field.check_own(bytes).err() } else { Some(Rule::Length { expected: len, found }) };
        if let Some(rule) = rule {
            return Err(LayoutError::Fill { field: id, rule });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::vec;

    use super::*;
    use crate::charset::{Charset, CharsetPair};
    use crate::draft::{field, layout, number, stamp, text, transfer};
    use crate::kind::Number;

    fn at(offset: u32, mut field: Field) -> Field {
        field.at.offset = offset;
        field
    }

    fn refused(len: u32, fields: Vec<Field>) -> LayoutError {
        Layout::new("draft", "초안", len, fields).unwrap_err()
    }

    #[test]
    fn every_field_is_found_by_its_path_and_its_place() {
        let layout = transfer();
        assert_eq!((layout.name(), layout.label(), layout.len()), ("draft", "초안", 121));
        for (index, field) in layout.fields().iter().enumerate() {
            let (id, found) = layout.find(&field.path).unwrap();
            assert_eq!(id.index(), index);
            assert_eq!(found, field);
            assert_eq!(layout.field(id), Some(field));
        }
        for path in ["", "a", "zzz", "debit_acc"] {
            assert_eq!(layout.find(path), None);
        }
        assert_eq!(layout.root(), [Node::Run { first: FieldId(0), end: FieldId(16) }]);
        assert_eq!(layout.secrets(), [Slice { offset: 44, len: 8 }]);
    }

    #[test]
    fn fields_lie_without_gaps_and_end_at_the_total() {
        let gap = LayoutError::Gap { field: FieldId(1) };
        assert_eq!(refused(6, vec![at(0, text("a", 3)), at(4, text("b", 2))]), gap);
        assert_eq!(refused(5, vec![at(0, text("a", 3)), at(2, text("b", 3))]), gap);
        assert_eq!(
            refused(6, vec![at(0, text("a", 3)), at(3, text("b", 2))]),
            LayoutError::Total { fields: 5, total: 6 }
        );
        assert_eq!(
            refused(4, vec![at(0, text("a", 3)), at(3, text("b", 2))]),
            LayoutError::Total { fields: 5, total: 4 }
        );
        assert_eq!(
            refused(3, vec![at(0, text("a", 3)), at(3, text("b", 0))]),
            LayoutError::Empty { field: FieldId(1) }
        );
        assert_eq!(refused(0, vec![]), LayoutError::Empty { field: FieldId(0) });
    }

    #[test]
    fn two_fields_have_two_paths() {
        let fields = vec![at(0, text("b", 1)), at(1, text("a", 1)), at(2, text("b", 1))];
        assert_eq!(refused(3, fields), LayoutError::TwiceNamed { second: FieldId(2) });
    }

    #[test]
    fn what_no_field_can_hold_is_refused() {
        let one = |field| refused(u32::from(u8::MAX), vec![field]);
        let field_0 = FieldId(0);
        assert_eq!(one(number("a", 39)), LayoutError::Digits { field: field_0 });
        assert_eq!(one(field("a", 2, Kind::Number(Number::plain(2, 3)))), LayoutError::Digits { field: field_0 });
        assert_eq!(one(stamp("a", "YYYYMMDDx")), LayoutError::Pattern { field: field_0 });
        let mut longer = stamp("a", "YYYYMMDD");
        longer.at.len = 9;
        assert_eq!(one(longer), LayoutError::Pattern { field: field_0 });
        let filled = |field: Field, fill: &[u8]| one(Field { fill: Fill::Const(fill.into()), ..field });
        let fill = |rule| LayoutError::Fill { field: field_0, rule };
        assert_eq!(filled(text("a", 3), b"ab"), fill(Rule::Length { expected: 3, found: 2 }));
        assert_eq!(filled(number("a", 3), b" 12"), fill(Rule::NotDigits));
        assert_eq!(filled(text("a", 3), b"a\xC8\x20"), fill(Rule::HalfCharacter));
        let ascii = CharsetPair { encode: Charset::Ascii, decode: Charset::Ascii };
        assert_eq!(filled(Field { charset: ascii, ..text("a", 2) }, b"\xC8\xAB"), fill(Rule::NotText));
        assert_eq!(layout(vec![Field { fill: Fill::Default((*b"012").into()), ..number("a", 3) }]).len(), 3);
    }
}
