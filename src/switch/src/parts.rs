use alloc::boxed::Box;
use alloc::vec::Vec;

use pabal_spec::ExchangeRule;
use pabal_telegram::Slice;

use crate::bytes::Bytes;

/// Fields of a telegram that are read one behind the other, worked out once: those that touch there are one piece.
#[derive(Clone, Debug)]
pub(crate) struct Parts(Box<[Slice]>);

impl Parts {
    pub(crate) fn new(fields: impl IntoIterator<Item = Slice>) -> Self {
        let mut parts: Vec<Slice> = Vec::new();
        for field in fields {
            match parts.last_mut() {
                Some(last) if last.offset + last.len == field.offset => last.len += field.len,
                _ => parts.push(field),
            }
        }
        Self(parts.into())
    }

    /// Writes them behind what `to` holds; `None` if the telegram is too short.
    #[inline]
    pub(crate) fn write(&self, telegram: &[u8], to: &mut Vec<u8>) -> Option<()> {
        for part in &self.0 {
            to.extend_from_slice(part.of(telegram)?);
        }
        Some(())
    }
}

/// How the key is made under which an answer is awaited: of the conversation, of what marks the answer, and of the correlation key.
#[derive(Clone, Debug)]
pub(crate) struct AwaitedKey {
    marks: Box<[u8]>,
    fields: Parts,
}

impl AwaitedKey {
    /// Of a rule and the fields of the correlation key.
    pub(crate) fn new(rule: &ExchangeRule, fields: &[Slice]) -> Self {
        let marks = rule.answer.bytes.iter().flat_map(|(_, bytes)| bytes).copied().collect();
        Self { marks, fields: Parts::new(fields.iter().copied()) }
    }

    /// How many bytes stand before the correlation key.
    pub(crate) const fn marks_len(&self) -> usize {
        size_of::<u16>() + self.marks.len()
    }

    /// Makes `to` the key of a telegram, or of the answer to it; `None` if it is too short.
    #[inline]
    pub(crate) fn write(&self, protocol: u16, telegram: &[u8], to: &mut Vec<u8>) -> Option<()> {
        self.begin(protocol, to);
        self.fields.write(telegram, to)
    }

    /// The same by a correlation key that is there already.
    pub(crate) fn write_behind(&self, protocol: u16, key: &[u8], to: &mut Vec<u8>) {
        self.begin(protocol, to);
        to.extend_from_slice(key);
    }

    fn begin(&self, protocol: u16, to: &mut Vec<u8>) {
        to.clear();
        to.extend_from_slice(&protocol.to_be_bytes());
        to.extend_from_slice(&self.marks);
    }

    /// The key, if the telegram is long enough.
    pub(crate) fn of(&self, protocol: u16, telegram: &[u8]) -> Option<Bytes> {
        let mut key = Vec::new();
        self.write(protocol, telegram, &mut key)?;
        Some(Bytes::from(key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_that_touch_are_one_piece() {
        let at = |offset, len| Slice { offset, len };
        let parts = Parts::new([at(2, 2), at(4, 1), at(0, 2), at(6, 1)]);
        assert_eq!(*parts.0, [at(2, 3), at(0, 2), at(6, 1)]);
        let mut read = Vec::from(*b">");
        assert_eq!((parts.write(b"0123456", &mut read), &*read), (Some(()), &b">234016"[..]));
        assert_eq!(parts.write(b"012345", &mut read), None);
    }
}
