use std::format;
use std::string::ToString;
use std::vec;

use super::*;
use crate::charset::CharsetPair;
use crate::class::Class;
use crate::decode::Telegram;
use crate::draft::{code, layout, text};
use crate::encode::encode;
use crate::field::{FieldId, Side};
use crate::mask::masked;
use crate::value::Value;

fn of(charset: Charset, len: u32, rule: TextRule) -> Field {
    Field { charset: CharsetPair { encode: charset, decode: charset }, text: rule, ..text("f", len) }
}

fn lenient(modes: &[TextMode]) -> TextRule {
    let lenient = modes.iter().fold(TextModes::STRICT, |lenient, mode| lenient.with(*mode));
    TextRule { lenient, ..TextRule::default() }
}

fn read(field: &Field, bytes: &[u8]) -> Result<String, Rule> {
    assert_eq!(bytes.len(), field.at.range().len());
    field.read_text(bytes).map(Cow::into_owned)
}

fn write(field: &Field, value: &str) -> Result<Vec<u8>, Rule> {
    let mut out = Vec::new();
    field.encode(&value.into(), &mut out).map(|()| out).map_err(|fault| fault.rule)
}

/// Written so, and read so.
fn both(field: &Field, value: &str, bytes: &[u8]) {
    assert_eq!(write(field, value).as_deref(), Ok(bytes), "{value}");
    assert_eq!(read(field, bytes).as_deref(), Ok(value), "{bytes:02x?}");
}

#[test]
fn padding_is_what_the_field_says_and_where() {
    let right = TextRule { right: true, ..TextRule::default() };
    let zeros = TextRule { right: true, pad: Some(b'0'), ..TextRule::default() };
    let nul = TextRule { pad: Some(0), ..TextRule::default() };
    both(&of(Charset::Cp949, 6, right.clone()), "홍a", b"   \xC8\xABa");
    both(&of(Charset::Cp949, 6, right), "a b ", b"  a b ");
    both(&of(Charset::Ascii, 6, zeros.clone()), "1230", b"001230");
    both(&of(Charset::Ascii, 6, zeros.clone()), "", b"000000");
    both(&of(Charset::Cp949, 6, nul.clone()), "홍 ", b"\xC8\xAB \0\0\0");
    // 0 is F0, and a space 40.
    let zeros = TextRule { pad: Some(0xF0), ..zeros };
    both(&of(Charset::Ebcdic037, 4, zeros), "12", b"\xF0\xF0\xF1\xF2");
    both(&of(Charset::Ebcdic037, 4, TextRule::default()), "1A", b"\xF1\xC1\x40\x40");
    assert_eq!(read(&of(Charset::Cp949, 2, nul), b"\0a"), Err(Rule::NotText));
}

#[test]
fn a_text_that_is_too_long_is_refused_from_both_sides() {
    for right in [false, true] {
        let field = of(Charset::Cp949, 3, TextRule { right, ..TextRule::default() });
        assert_eq!(write(&field, "홍길"), Err(Rule::Overflow { needed: 4 }));
    }
}

#[test]
fn a_run_is_closed_before_the_padding_and_its_shifts_are_counted() {
    // 가 is 8861.
    let field = of(Charset::Ebcdic933, 6, TextRule::default());
    both(&field, "가A", b"\x0E\x88\x61\x0F\xC1\x40");
    both(&field, "가가", b"\x0E\x88\x61\x88\x61\x0F");
    // Six characters that take two bytes each, and two for each run: A가A가 needs 10.
    assert_eq!(write(&field, "A가A가"), Err(Rule::Overflow { needed: 10 }));
    assert_eq!(read(&field, b"\x0E\x88\x61\x40\x40\x40"), Err(Rule::UnclosedRun));
    let right = of(Charset::Ebcdic1364, 6, TextRule { right: true, ..TextRule::default() });
    both(&right, "가", b"\x40\x40\x0E\x88\x61\x0F");
}

#[test]
fn half_width_becomes_full_width_when_written_and_nothing_when_read() {
    let field = of(Charset::Cp949, 8, TextRule { wide: Wide::Always, ..TextRule::default() });
    // ＡＢ are A3C1 and A3C2, the wide space A1A1, ！ A3A1.
    assert_eq!(write(&field, "A B!").unwrap(), b"\xA3\xC1\xA1\xA1\xA3\xC2\xA3\xA1");
    assert_eq!(write(&field, "홍A").unwrap(), b"\xC8\xAB\xA3\xC1    ");
    assert_eq!(write(&field, "ABCDE"), Err(Rule::Overflow { needed: 10 }));
    assert_eq!(read(&field, b"\xA3\xC1B     ").unwrap(), "ＡB");
    assert_eq!(write(&field, "ＡＢ").unwrap(), b"\xA3\xC1\xA3\xC2    ");
    // IBM's Korean tables have no full-width tilde.
    let last = |charset: Charset| if charset.is_shifted() { '}' } else { '~' };
    for (_, charset) in Charset::ALL.into_iter().filter(|(_, charset)| charset.has_wide()) {
        let field = of(charset, 400, TextRule { wide: Wide::Always, ..TextRule::default() });
        let all: String = (' '..=last(charset)).collect();
        let wide: String = all.chars().map(widened).collect();
        assert_eq!(write(&field, &all).map(|bytes| read(&field, &bytes)), Ok(Ok(wide)), "{charset}");
        let refused = Rule::Unmappable { character: '～', position: 2, charset };
        assert_eq!(write(&field, "a~").err(), charset.is_shifted().then_some(refused));
    }
}

#[test]
fn another_field_says_whether_a_text_is_wide() {
    let wide = Wide::When { at: Slice { offset: 0, len: 3 }, any_of: Box::new([(*b"004").into(), (*b"088").into()]) };
    let memo = Field { text: TextRule { wide, ..TextRule::default() }, ..text("memo", 4) };
    let layout = layout(vec![code("bank_code", 3), memo]);
    let made = |bank: &str, memo: &str| {
        let values = [("memo".into(), memo.into()), ("bank_code".into(), bank.into())];
        encode(&layout, Side::Asker, &values)
            .map_err(|faults| faults.iter().map(|f| f.rule.clone()).collect::<Vec<_>>())
    };
    assert_eq!(made("004", "A").unwrap(), b"004\xA3\xC1  ");
    assert_eq!(made("088", "A").unwrap(), b"088\xA3\xC1  ");
    assert_eq!(made("003", "ABC").unwrap(), b"003ABC ");
    assert_eq!(made("004", "ABC"), Err(vec![Rule::Overflow { needed: 6 }]));
    // A field before it that is wrong moves nothing.
    assert_eq!(made("0x4", "ABC"), Err(vec![Rule::NotDigits]));
    let mut telegram = *b"004    ";
    layout.fields()[1].write(&Value::from("B"), &mut telegram).unwrap();
    assert_eq!(&telegram, b"004\xA3\xC2  ");
    let read = Telegram::new(&layout, b"004A   ", Side::Asker);
    assert_eq!(read.get(FieldId(1)).unwrap().text(), Some("A"));
}

#[test]
fn what_is_lenient_lets_its_own_mistake_through_and_no_other() {
    let strict = of(Charset::Cp949, 6, TextRule::default());
    let cut = of(Charset::Cp949, 6, lenient(&[TextMode::HalfCharacter]));
    let nul = of(Charset::Cp949, 6, lenient(&[TextMode::NulAsSpace]));
    let control = of(Charset::Cp949, 6, lenient(&[TextMode::Control]));
    let check = |bytes: &[u8; 6], strict_rule: Rule, expected: [Option<&str>; 3]| {
        assert_eq!(read(&strict, bytes), Err(strict_rule));
        for (field, expected) in [&cut, &nul, &control].into_iter().zip(expected) {
            assert_eq!(read(field, bytes).ok().as_deref(), expected, "{bytes:02x?} {:?}", field.text.lenient);
        }
    };
    check(b"\xC8\xAB\xB1   ", Rule::HalfCharacter, [Some("홍"), None, None]);
    check(b"ab\xC8\xAB1\xB1", Rule::HalfCharacter, [Some("ab홍1"), None, None]);
    // Something stands behind the half.
    check(b"\xC8\xAB\xB1 ab", Rule::HalfCharacter, [None, None, None]);
    check(b"\xC8\xAB\0\0\0\0", Rule::NotText, [None, Some("홍"), Some("홍\0\0\0\0")]);
    check(b"a\0b\0\0 ", Rule::NotText, [None, Some("a b"), Some("a\0b\0\0")]);
    check(b"a\n\xC8\xAB\x7F ", Rule::NotText, [None, None, Some("a\n홍\x7F")]);
    check(b"\xFF\xFF    ", Rule::NotText, [None, None, None]);
    // All of them together.
    let all = of(Charset::Cp949, 6, lenient(&[TextMode::HalfCharacter, TextMode::NulAsSpace, TextMode::Control]));
    assert_eq!(read(&all, b"a\n\xC8\xAB\xB1\0").unwrap(), "a\n홍");
    // None of it is written.
    assert!(matches!(write(&all, "a\n"), Err(Rule::Unmappable { character: '\n', position: 2, .. })));
}

#[test]
fn a_cut_character_of_any_length_may_be_left_out() {
    let utf_8 = of(Charset::Utf8, 6, lenient(&[TextMode::HalfCharacter]));
    assert_eq!(read(&utf_8, b"a\xF0\x9F\x98  ").unwrap(), "a");
    assert_eq!(read(&utf_8, b"a\xED\x99   ").unwrap(), "a");
    assert_eq!(read(&utf_8, b"a\x99    "), Err(Rule::NotText));
    let korean = of(Charset::Ebcdic933, 8, lenient(&[TextMode::HalfCharacter]));
    for (bytes, text) in [
        (b"\xC1\x0E\x88\x61\x88\x61\x88\x61", "A가가가"),
        (b"\xC1\x0E\x88\x61\x88\x61\x88\x40", "A가가"),
        (b"\xC1\x0E\x88\x61\x88\x0F\x40\x40", "A가"),
        (b"\xC1\x0E\x88\x40\x40\x40\x40\x40", "A"),
        (b"\xC1\x0E\x40\x40\x40\x40\x40\x40", "A"),
    ] {
        assert_eq!(read(&korean, bytes).as_deref(), Ok(text), "{bytes:02x?}");
    }
    assert_eq!(read(&korean, b"\xC1\x0E\x0F\x40\x40\x40\x40\x40"), Err(Rule::BrokenRun));
}

#[test]
fn runs_that_are_written_otherwise_may_be_read() {
    let field = of(Charset::Ebcdic933, 10, lenient(&[TextMode::Runs]));
    assert_eq!(read(&field, b"\x0E\x88\x61\x0F\x0E\x88\x61\x0F\x0E\x0F").unwrap(), "가가");
    assert_eq!(read(&field, b"\x0E\x88\x61\x0F\x0F\x40\x40\x40\x40\x40"), Err(Rule::StrayShift));
    assert_eq!(write(&field, "가가").unwrap(), b"\x0E\x88\x61\x88\x61\x0F\x40\x40\x40\x40");
}

#[test]
fn masks_count_characters_of_each_charset() {
    let check = |field: Field, bytes: &[u8], raw: &str, value: &str| {
        assert_eq!(masked(&field, bytes), (raw.to_string(), value.to_string()), "{}", field.charset.decode);
    };
    let name = |charset, rule| Field { class: Class::Name, ..of(charset, 8, rule) };
    let usual = TextRule::default;
    // 가 and a second letter in one run: SO and the first two bytes are shown.
    check(name(Charset::Ebcdic933, usual()), b"\x0E\x88\x61\x88\x61\x0F\x40\x40", "0e 88 61 ** ** ** 40 40", "가*");
    check(name(Charset::Ebcdic933, usual()), b"\x0E\x88\x61\x0F\x40\x40\x40\x40", "** ** ** ** 40 40 40 40", "*");
    check(name(Charset::Ebcdic037, usual()), b"\xD2\xC9\xD4\x40\x40\x40\x40\x40", "d2 ** ** 40 40 40 40 40", "K**");
    check(name(Charset::Utf8, usual()), "홍길  ".as_bytes(), "ed 99 8d ** ** ** 20 20", "홍*");
    let right = TextRule { right: true, ..usual() };
    check(name(Charset::Cp949, right), b"    \xC8\xAB\xB1\xE6", "20 20 20 20 c8 ab ** **", "홍*");
    let account = |charset, rule| Field { class: Class::Account, ..of(charset, 8, rule) };
    let zeros = TextRule { right: true, pad: Some(b'0'), ..usual() };
    check(account(Charset::Ascii, zeros), b"00123456", "30 30 ** ** ** 34 35 36", "***456");
    let digits = b"\xF1\xF2\xF3\xF4\xF5\xF6\xF7\xF8";
    check(account(Charset::Ebcdic500, usual()), digits, "** ** ** ** f5 f6 f7 f8", "****5678");
    assert!(
        !format!("{:?}", masked(&name(Charset::Ebcdic933, usual()), b"\x0E\x88\x61\x88\x62\x0F\x40\x40"))
            .contains("각")
    );
}

#[test]
fn a_layout_has_no_text_that_cannot_be() {
    let sound = |field: Field| field.has_sound_text();
    let rule = |rule: TextRule, charset| sound(of(charset, 8, rule));
    let pad = |pad, charset| rule(TextRule { pad: Some(pad), ..TextRule::default() }, charset);
    assert!(pad(b'0', Charset::Cp949) && pad(0, Charset::Utf8) && pad(0xF0, Charset::Ebcdic933));
    // A is the second byte of some syllables, 0xA1 the first of all; SI closes a run.
    assert!(!pad(b'A', Charset::Cp949) && !pad(0xA1, Charset::EucKr) && !pad(0x0F, Charset::Ebcdic933));
    let wide = || TextRule { wide: Wide::Always, ..TextRule::default() };
    assert!(rule(wide(), Charset::EucKr) && !rule(wide(), Charset::Ascii) && !rule(wide(), Charset::Ebcdic037));
    assert!(rule(lenient(&[TextMode::Runs]), Charset::Ebcdic933) && !rule(lenient(&[TextMode::Runs]), Charset::Cp949));
    assert!(!rule(lenient(&[TextMode::Control]), Charset::Ebcdic037));
    assert!(!sound(Field { text: wide(), ..code("f", 3) }));
    let pair = |encode, decode| sound(Field { charset: CharsetPair { encode, decode }, ..text("f", 3) });
    assert!(pair(Charset::EucKr, Charset::Ms949) && !pair(Charset::Cp949, Charset::EucKr));
    assert!(!pair(Charset::Cp949, Charset::Utf8) && !pair(Charset::Ascii, Charset::Ebcdic037));
    let wrong = Field { text: wide(), ..code("f", 3) };
    let refused = crate::layout::Layout::new("draft", "초안", 3, vec![wrong]);
    assert_eq!(refused.err(), Some(crate::layout::LayoutError::Text { field: FieldId(0) }));
}
