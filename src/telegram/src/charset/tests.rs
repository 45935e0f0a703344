use std::format;
use std::string::String;

use super::*;

fn all() -> impl Iterator<Item = Charset> {
    Charset::ALL.iter().map(|(_, charset)| *charset)
}

/// Sequences of two bytes that are one character, as they are written alone.
fn two_byte_codes(charset: Charset) -> Vec<(Vec<u8>, String)> {
    let mut codes = Vec::new();
    for lead in 0..=0xFF {
        for trail in 0..=0xFF {
            let code =
                if charset.is_shifted() { Vec::from([0x0E, lead, trail, 0x0F]) } else { Vec::from([lead, trail]) };
            match charset.decode(&code) {
                Ok(text) if text.chars().count() == 1 => codes.push((code.clone(), text.into_owned())),
                _ => {}
            }
        }
    }
    codes
}

fn one_byte_codes(charset: Charset) -> usize {
    (0..=u8::MAX).filter(|byte| charset.decode(&[*byte]).is_ok()).count()
}

#[test]
fn every_charset_has_its_word() {
    for (at, (word, charset)) in Charset::ALL.into_iter().enumerate() {
        assert_eq!((charset.word(), charset as usize), (word, at));
        assert_eq!(serde_word(charset), word);
    }
}

/// What serde calls it: a formatter serializes the name of a variant.
fn serde_word(charset: Charset) -> String {
    struct Named(Charset);
    impl fmt::Display for Named {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            Serialize::serialize(&self.0, f)
        }
    }
    format!("{}", Named(charset))
}

#[test]
fn each_charset_has_as_many_characters_as_its_table() {
    // WHATWG's index of euc-kr has 17,048 entries, of which 8,822 are the syllables that only cp949 has (11,172 - 2,350).
    assert_eq!(two_byte_codes(Charset::Cp949).len(), 17_048);
    assert_eq!(two_byte_codes(Charset::EucKr).len(), 17_048 - (11_172 - 2_350));
    assert_eq!(two_byte_codes(Charset::Ascii).len(), 0);
    // Two rows of 94 for the user.
    assert_eq!(two_byte_codes(Charset::Ms949).len(), 17_048 + 2 * 94);
    let syllables = |charset| {
        let is_syllable = |text: &String| text.chars().all(|c| ('가'..='힣').contains(&c));
        two_byte_codes(charset).iter().filter(|(_, text)| is_syllable(text)).count()
    };
    assert_eq!(syllables(Charset::Cp949), 11_172);
    assert_eq!(syllables(Charset::EucKr), 2_350);
    assert_eq!(syllables(Charset::Ebcdic933), 2_620);
    assert_eq!(syllables(Charset::Ebcdic1364), 11_172);
    // Of 256 bytes, 65 are control characters, SO and SI among them. The Korean page has 39 holes, too.
    for charset in [Charset::Ebcdic037, Charset::Ebcdic500, Charset::Ebcdic1047, Charset::Ebcdic1140] {
        assert_eq!((one_byte_codes(charset), two_byte_codes(charset).len()), (256 - 65, 0));
    }
    assert_eq!(one_byte_codes(Charset::Ebcdic933), 256 - 65 - 39);
    assert_eq!(one_byte_codes(Charset::Cp949), 95);
}

#[test]
fn every_code_comes_back_as_it_was() {
    for charset in all() {
        for (bytes, text) in two_byte_codes(charset) {
            let mut out = Vec::new();
            charset.encode(&text, &mut out).unwrap();
            assert_eq!(out, bytes, "{text}");
        }
        for byte in 0..=u8::MAX {
            if let Ok(text) = charset.decode(&[byte]) {
                let mut out = Vec::new();
                charset.encode(&text, &mut out).unwrap();
                assert_eq!(out, [byte], "{text}");
            }
        }
    }
}

#[test]
fn every_character_is_written_so_that_it_reads_back_or_is_refused() {
    for charset in all() {
        let mut written = 0;
        for character in ('\0'..='\u{FFFF}').chain(('\u{10000}'..=char::MAX).step_by(257)) {
            let text = String::from(character);
            let mut out = Vec::from(*b"kept");
            match charset.encode(&text, &mut out) {
                Ok(()) => {
                    written += 1;
                    assert_eq!(charset.decode(&out[4..]).unwrap(), text);
                }
                Err(rule) => {
                    assert_eq!(rule, Rule::Unmappable { character, position: 1, charset });
                    assert_eq!(out, b"kept");
                }
            }
        }
        // Of Unicode, all but surrogates and control characters.
        let unicode = 0x1_0000 - 0x800 - 65 + (0x11_0000_usize - 0x1_0000).div_ceil(257);
        let known =
            if charset == Charset::Utf8 { unicode } else { one_byte_codes(charset) + two_byte_codes(charset).len() };
        assert_eq!(written, known, "{charset}");
    }
}

#[test]
fn what_one_charset_reads_of_another_is_the_same() {
    let codes = all().map(|charset| {
        let one =
            (0..=u8::MAX).filter_map(|byte| Some((Vec::from([byte]), charset.decode(&[byte]).ok()?.into_owned())));
        (charset, one.chain(two_byte_codes(charset)).collect::<Vec<_>>())
    });
    for (writer, codes) in codes {
        for reader in all() {
            let same = codes.iter().all(|(bytes, text)| reader.decode(bytes).is_ok_and(|read| read == *text));
            assert_eq!(reader.reads(writer), same, "{reader} reads {writer}");
        }
    }
}

#[test]
fn ebcdic_pages_differ_where_their_documents_say() {
    let pages = [
        (Charset::Ebcdic037, b"\xBA\xBB\x5A"),
        (Charset::Ebcdic500, b"\x4A\x5A\x4F"),
        (Charset::Ebcdic1047, b"\xAD\xBD\x5A"),
        (Charset::Ebcdic1140, b"\xBA\xBB\x5A"),
        (Charset::Ebcdic933, b"\x70\x80\x5A"),
        (Charset::Ebcdic1364, b"\x70\x80\x5A"),
    ];
    for (charset, brackets) in pages {
        assert_eq!(charset.decode(brackets).unwrap(), "[]!", "{charset}");
        assert_eq!(charset.decode(b"\xC8\x85\x93\x93\x96\x40\xF0\xF9").unwrap(), "Hello 09", "{charset}");
        assert_eq!((charset.blank(), charset.digit_zero()), (0x40, 0xF0));
        assert_eq!((charset.byte(b'A'), charset.byte(b'9'), charset.byte(b'\n')), (Some(0xC1), Some(0xF9), None));
    }
    assert_eq!(Charset::Ebcdic1140.decode(b"\x9F").unwrap(), "€");
    assert_eq!(Charset::Ebcdic037.decode(b"\x9F").unwrap(), "¤");
    assert_eq!(
        (Charset::Cp949.blank(), Charset::Cp949.byte(b'A'), Charset::Cp949.byte(0x7F)),
        (b' ', Some(b'A'), None)
    );
}

#[test]
fn runs_of_two_byte_characters_stand_between_shifts() {
    // 가 is 8861 in IBM's Korean host code, A is C1.
    let bytes = b"\xC1\x0E\x88\x61\x88\x61\x0F\xC1\x0E\x88\x61\x0F";
    for charset in [Charset::Ebcdic933, Charset::Ebcdic1364] {
        assert_eq!(charset.decode(bytes).unwrap(), "A가가A가");
        let mut out = Vec::new();
        charset.encode("A가가A가", &mut out).unwrap();
        assert_eq!(out, bytes);
        // A wide space is a character of two bytes.
        assert_eq!(charset.decode(b"\x0E\x40\x40\x0F").unwrap(), "\u{3000}");
    }
    let mut out = Vec::new();
    let refused = Rule::Unmappable { character: '똠', position: 2, charset: Charset::Ebcdic933 };
    assert_eq!(Charset::Ebcdic933.encode("가똠", &mut out), Err(refused));
    assert!(out.is_empty());
    assert!(Charset::Ebcdic1364.encode("가똠", &mut out).is_ok());
}

#[test]
fn each_wrong_run_has_its_own_fault() {
    for charset in [Charset::Ebcdic933, Charset::Ebcdic1364] {
        let fault = |bytes: &[u8]| charset.decode(bytes).unwrap_err();
        assert_eq!(fault(b"\x0E\x88\x61"), Rule::UnclosedRun);
        assert_eq!(fault(b"\xC1\x0E"), Rule::UnclosedRun);
        assert_eq!(fault(b"\xC1\x0F"), Rule::StrayShift);
        assert_eq!(fault(b"\x0E\x88\x61\x0E\x88\x61\x0F"), Rule::StrayShift);
        assert_eq!(fault(b"\x0E\x0F\xC1"), Rule::BrokenRun);
        assert_eq!(fault(b"\x0E\x88\x61\x0F\x0E\x88\x61\x0F"), Rule::BrokenRun);
        assert_eq!(fault(b"\x0E\x88\x0F"), Rule::HalfCharacter);
        assert_eq!(fault(b"\x0E\x88\x61\x88"), Rule::HalfCharacter);
        assert_eq!(fault(b"\x0E\x88\x0E"), Rule::HalfCharacter);
        assert_eq!(fault(b"\x0E\xFE\xFE\x0F"), Rule::NotText);
        assert_eq!(fault(b"\x00"), Rule::NotText);
    }
}

#[test]
fn utf_8_is_cut_between_characters() {
    let fault = |bytes: &[u8]| Charset::Utf8.decode(bytes).unwrap_err();
    assert_eq!(Charset::Utf8.decode("홍é😀".as_bytes()).unwrap(), "홍é😀");
    // 홍 is ED 99 8D.
    assert_eq!(fault(b"\xED\x99"), Rule::HalfCharacter);
    assert_eq!(fault(b"a\xED  b"), Rule::HalfCharacter);
    assert_eq!(fault(b"\xED\x99x"), Rule::NotText);
    assert_eq!(fault(b"\x99"), Rule::NotText);
    assert_eq!(fault(b"\x99 "), Rule::NotText);
    // A surrogate, and a control character of two bytes.
    assert_eq!(fault(b"\xED\xA0\x80"), Rule::NotText);
    assert_eq!(fault(b"\xC2\x85"), Rule::NotText);
}

#[test]
fn the_user_s_rows_are_ms949_alone() {
    for (code, character) in
        [(b"\xC9\xA1", '\u{E000}'), (b"\xC9\xFE", '\u{E05D}'), (b"\xFE\xA1", '\u{E05E}'), (b"\xFE\xFE", '\u{E0BB}')]
    {
        assert_eq!(Charset::Ms949.decode(code).unwrap(), String::from(character));
        assert_eq!(Charset::Cp949.decode(code), Err(Rule::NotText));
        let mut out = Vec::new();
        assert!(Charset::Cp949.encode(&String::from(character), &mut out).is_err());
        Charset::Ms949.encode(&String::from(character), &mut out).unwrap();
        assert_eq!(out, code);
    }
}

#[test]
fn a_text_of_the_caller_s_is_kept_and_not_made_longer_by_what_is_wrong() {
    for charset in all() {
        let mut text = String::from("before ");
        charset.decode_into(&[charset.digit_zero()], &mut text).unwrap();
        assert_eq!(text, "before 0");
        assert!(charset.decode_into(&[charset.digit_zero(), 0], &mut text).is_err());
        assert_eq!(text, "before 0");
    }
}

#[test]
fn the_first_character_has_the_bytes_up_to_its_end() {
    let first = |charset: Charset, bytes: &[u8]| charset.first(bytes).map(|first| (first.bytes, first.character));
    assert_eq!(first(Charset::Cp949, b"\xC8\xABa"), Some((2, '홍')));
    assert_eq!(first(Charset::Cp949, b"a\xC8\xAB"), Some((1, 'a')));
    assert_eq!(first(Charset::Cp949, b"\xC8"), None);
    assert_eq!(first(Charset::Utf8, "홍a".as_bytes()), Some((3, '홍')));
    assert_eq!(first(Charset::Ebcdic933, b"\x0E\x88\x61\x88\x61\x0F"), Some((3, '가')));
    assert_eq!(first(Charset::Ebcdic933, b"\xC1\x0E\x88\x61\x0F"), Some((1, 'A')));
    assert_eq!(first(Charset::Ebcdic933, b"\x0E\x88"), None);
    assert_eq!(first(Charset::Ebcdic037, b""), None);
}

#[test]
fn ttom_is_only_in_cp949() {
    assert_eq!(Charset::Cp949.decode(b"\x8Cc").unwrap(), "똠");
    assert_eq!(Charset::EucKr.decode(b"\x8Cc"), Err(Rule::NotText));
    let mut out = Vec::new();
    Charset::Cp949.encode("똠방", &mut out).unwrap();
    assert_eq!(out, b"\x8Cc\xB9\xE6");
    let refused = Charset::EucKr.encode("가a똠방", &mut out);
    assert_eq!(refused, Err(Rule::Unmappable { character: '똠', position: 3, charset: Charset::EucKr }));
    assert_eq!(out, b"\x8Cc\xB9\xE6");
}

#[test]
fn a_half_character_is_told_from_a_wrong_byte() {
    // 홍 is C8 AB, 길 is B1 E6.
    for charset in [Charset::EucKr, Charset::Cp949] {
        assert_eq!(charset.decode(b"\xC8\xAB\xB1\xE6").unwrap(), "홍길");
        assert_eq!(charset.decode(b"\xC8\xAB\xB1"), Err(Rule::HalfCharacter));
        assert_eq!(charset.decode(b"\xC8\xAB\xB1 x"), Err(Rule::HalfCharacter));
        assert_eq!(charset.decode(b"\xC8\xAB\xFF"), Err(Rule::NotText));
        assert_eq!(charset.decode(b"\x80"), Err(Rule::NotText));
        assert_eq!(charset.decode(b"\xC8\xAB\n"), Err(Rule::NotText));
        // A row that Java gives to the user.
        assert_eq!(charset.decode(b"\xC9\xA1"), Err(Rule::NotText));
    }
    assert_eq!(Charset::Ascii.decode(b"\xC8\xAB"), Err(Rule::NotText));
    assert_eq!(Charset::Ascii.decode(b"a\x7F"), Err(Rule::NotText));
}

#[test]
fn eight_bytes_are_printable_if_each_is() {
    for byte in 0..=u8::MAX {
        for at in 0..8 {
            for other in [b' ', b'~'] {
                let mut word = [other; 8];
                word[at] = byte;
                assert_eq!(are_printable(word), is_printable(byte), "{byte:#x} at {at}");
            }
        }
    }
}

#[test]
fn an_entity_is_never_written() {
    let mut out = Vec::new();
    for charset in [Charset::Ascii, Charset::EucKr, Charset::Cp949] {
        let refused = charset.encode("가나😀", &mut out).unwrap_err();
        let expected = if charset == Charset::Ascii { ('가', 1) } else { ('😀', 3) };
        assert_eq!(refused, Rule::Unmappable { character: expected.0, position: expected.1, charset });
        assert!(out.is_empty());
        assert!(!format!("{refused:?}").contains(expected.0));
    }
}

#[test]
fn what_is_read_is_written_as_it_was_whatever_stands_between_shifts() {
    // Everything of up to six bytes that shifts, 가 (8861), half of it, A and a space can make.
    const BYTES: [u8; 6] = [0x0E, 0x0F, 0x88, 0x61, 0xC1, 0x40];
    let mut read = 0;
    for len in 0..=6_u32 {
        for number in 0..6_usize.pow(len) {
            let bytes: Vec<u8> = (0..len).map(|at| BYTES[number / 6_usize.pow(at) % 6]).collect();
            for charset in [Charset::Ebcdic933, Charset::Ebcdic1364] {
                let Ok(text) = charset.decode(&bytes) else { continue };
                read += 1;
                let mut out = Vec::new();
                charset.encode(&text, &mut out).unwrap();
                assert_eq!(out, bytes, "{text:?}");
                // What a mode lets through is everything else that could be meant.
                let mut loose = String::new();
                charset.read_into(&bytes, true, &mut loose).unwrap();
                assert_eq!(loose, text);
            }
        }
    }
    // Without any run: 61 (/), C1 and 40 alone, and 88 (h): four of the six bytes.
    assert!(read > 2 * (0..=6).map(|len| 4_usize.pow(len)).sum::<usize>());
}

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config { failure_persistence: None, ..Default::default() })]

    #[test]
    fn any_text_reads_back_or_is_refused_at_its_first_strange_character(
        text in "[ -~가-힣一-龥Ａ-Ｚｱ-ﾜﾡ-ﾾé€₩\u{E000}-\u{E0FF}😀\u{80}-\u{9F}]{0,12}",
        at in 0..Charset::ALL.len(),
    ) {
        let (_, charset) = Charset::ALL[at];
        let mut out = Vec::from(*b"kept");
        match charset.encode(&text, &mut out) {
            Ok(()) => assert_eq!(charset.decode(&out[4..]).unwrap(), text),
            Err(Rule::Unmappable { character, position, charset: told }) => {
                assert_eq!((&*out, told), (&b"kept"[..], charset));
                let before: String = text.chars().take(position as usize - 1).collect();
                assert_eq!(text.chars().nth(position as usize - 1), Some(character));
                assert!(charset.encode(&before, &mut out).is_ok());
                assert!(charset.encode(&String::from(character), &mut out).is_err());
            }
            Err(other) => panic!("{other:?}"),
        }
    }

    #[test]
    fn any_bytes_are_written_as_they_were_read(
        bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..8),
        at in 0..Charset::ALL.len(),
    ) {
        let (_, charset) = Charset::ALL[at];
        if let Ok(text) = charset.decode(&bytes) {
            let mut out = Vec::new();
            charset.encode(&text, &mut out).unwrap();
            assert_eq!(out, bytes, "{text:?}");
        }
    }
}
