//! The framings of the field, one by one: bytes derived by hand from what their documents and programs say.

use std::string::{String, ToString};
use std::vec;

use proptest::prelude::*;

use super::*;

fn framing(width: u8, frame_bytes_max: u32) -> Framing {
    Framing::digits(width, frame_bytes_max).unwrap()
}

const fn ascii(width: u8, more: i32) -> FrameLength {
    FrameLength { notation: Notation::Ascii, width, more }
}

fn constant(bytes: &[u8]) -> FramePart {
    FramePart::Constant(bytes.into())
}

fn parts(before: Vec<FramePart>, frame_bytes_max: u32) -> FrameParts {
    let (inside, after) = (Vec::new(), Box::default());
    FrameParts { before, inside, after, total: Total::Said, frame_bytes_max, on_garbage: OnGarbage::Close }
}

fn before(before: Vec<FramePart>) -> Framing {
    Framing::new(parts(before, 4_096)).unwrap()
}

fn inside(at: u32, length: FrameLength) -> Framing {
    Framing::new(FrameParts { inside: vec![(at, length)], ..parts(Vec::new(), 4_096) }).unwrap()
}

/// STX, four digits, telegram, ETX.
fn van() -> Framing {
    let before = vec![constant(b"\x02"), FramePart::Length(ascii(4, 0))];
    let on_garbage = OnGarbage::Resynchronise;
    Framing::new(FrameParts { after: Box::from(*b"\x03"), on_garbage, ..parts(before, 4_096) }).unwrap()
}

/// Requests of 237 bytes and replies of 299, told by their first four.
fn typed() -> Framing {
    let row = |text: &[u8; 4], length| TypedTotal {
        bytes: vec![(Slice { offset: 0, len: 4 }, vec![Box::from(*text)])],
        length,
    };
    let total = Total::Typed(vec![row(b"0200", 237), row(b"0210", 299)]);
    Framing::new(FrameParts { total, ..parts(Vec::new(), 4_096) }).unwrap()
}

fn fixed(total: u32) -> Framing {
    Framing::new(FrameParts { total: Total::Fixed(total), ..parts(Vec::new(), total) }).unwrap()
}

/// An outer header of 26 bytes that its own length leaves out.
fn outer() -> Framing {
    before(vec![constant(b"SETTLE01"), FramePart::Length(ascii(4, 0)), FramePart::Filler { len: 14, byte: b' ' }])
}

fn cut(framing: &Framing, stream: &[u8]) -> Result<Vec<Vec<u8>>, FrameError> {
    let mut deframer = Deframer::new(framing.clone());
    deframer.push(stream);
    let mut frames = Vec::new();
    while let Some(frame) = deframer.next_frame()? {
        frames.push(frame.to_vec());
    }
    assert_eq!(deframer.pending_bytes(), 0, "all of the stream is cut");
    Ok(frames)
}

/// A telegram written is this frame, and this frame, twice, is cut into the telegram, twice.
fn check(framing: &Framing, telegram: &[u8], frame: &[u8]) {
    let mut out = b"x".to_vec();
    framing.write(telegram, &mut out).unwrap();
    assert_eq!(out[1..].escape_ascii().to_string(), frame.escape_ascii().to_string(), "{framing}");
    assert_eq!(out.len() - 1, telegram.len() + framing.overhead_bytes());
    assert_eq!(cut(framing, &[frame, frame].concat()).unwrap(), [telegram, telegram], "{framing}");
    if framing.overhead_bytes() > 0 && framing.parts().total == Total::Said && framing.parts().inside.is_empty() {
        assert_eq!(framing.unframed(frame), Some((telegram, telegram.len() as u64)), "{framing}");
    }
}

fn error(framing: &Framing, stream: &[u8]) -> FrameError {
    cut(framing, stream).unwrap_err()
}

#[test]
fn four_digits_that_leave_themselves_out() {
    // Hecto: "0300", and 304 bytes on the wire.
    let telegram = [b'a'; 300];
    check(&framing(4, 4_096), &telegram, &[&b"0300"[..], &telegram].concat());
    check(&framing(4, 4_096), b"", b"0000");
}

#[test]
fn ten_digits() {
    // NICE CB: a prefix of ten bytes. They can say more than any limit.
    check(&framing(10, 4_096), b"NICEIF", b"0000000006NICEIF");
    let too_long = FrameError::TooLong { offset: 0, length: 9_999_999_999, frame_bytes_max: 4_096 };
    assert_eq!(error(&framing(10, 4_096), b"9999999999"), too_long);
}

#[test]
fn digits_that_count_themselves_or_more() {
    let inclusive = before(vec![FramePart::Length(ascii(4, 4))]);
    check(&inclusive, b"abc", b"0007abc");
    check(&inclusive, b"", b"0004");
    // Less than itself is no length.
    assert_eq!(error(&inclusive, b"0003abc"), FrameError::TooShort { offset: 0, length: 0, shortest: 0 });
    assert_eq!(inclusive.longest(), 4_096);
    let two = before(vec![FramePart::Length(ascii(2, 2))]);
    assert_eq!(two.longest(), 97, "99 says itself, too");
    // "Add length": whatever the institution counts beside the telegram.
    check(&before(vec![FramePart::Length(ascii(4, 10))]), b"abc", b"0013abc");
}

#[test]
fn digits_inside_of_the_telegram() {
    // Bancassurance: TRAN CODE 9 and 3 more bytes, then 5 digits that count the whole telegram.
    let banca = inside(12, ascii(5, 0));
    check(&banca, b"HDRTRAN01 0100020abc", b"HDRTRAN01 0100020abc");
    // Whatever the telegram holds there, the frame says what is right.
    let mut out = Vec::new();
    banca.write(b"HDRTRAN01 01     abc", &mut out).unwrap();
    assert_eq!(out, b"HDRTRAN01 0100020abc");
    // Shorter than its own header.
    assert_eq!(error(&banca, b"HDRTRAN01 0100016abc"), FrameError::TooShort { offset: 12, length: 16, shortest: 17 });
    assert_eq!(
        banca.write(b"HDRTRAN01", &mut Vec::new()),
        Err(FrameError::TooShort { offset: 0, length: 9, shortest: 17 })
    );
    // Insurance data: 9 bytes, then 7 digits.
    check(&inside(9, ascii(7, 0)), b"FILERECV10000019abc", b"FILERECV10000019abc");
    // KFTC file transfer: 4 digits first, which count what is behind them.
    check(&inside(0, ascii(4, -4)), b"0010FTE0600001", b"0010FTE0600001");
}

#[test]
fn binary_lengths_of_both_orders_and_bcd() {
    let telegram = [b'a'; 300]; // 0x012C
    let binary = |notation, width| before(vec![FramePart::Length(FrameLength { notation, width, more: 0 })]);
    for (framing, prefix) in [
        (binary(Notation::Big, 2), &[0x01, 0x2C][..]),
        (binary(Notation::Little, 2), &[0x2C, 0x01]),
        (binary(Notation::Big, 4), &[0, 0, 0x01, 0x2C]),
        (binary(Notation::Little, 4), &[0x2C, 0x01, 0, 0]),
        (binary(Notation::Bcd, 2), &[0x03, 0x00]),
        (binary(Notation::Bcd, 3), &[0x00, 0x03, 0x00]),
    ] {
        check(&framing, &telegram, &[prefix, &telegram].concat());
    }
    // A half byte above 9 is no digit.
    let no_number = FrameError::Prefix { offset: 0, bytes: vec![0x03, 0x0A] };
    assert_eq!(error(&binary(Notation::Bcd, 2), &[0x03, 0x0A]), no_number);
    let too_long = FrameError::TooLong { offset: 0, length: 0xFFFF_FFFF, frame_bytes_max: 4_096 };
    assert_eq!(error(&binary(Notation::Big, 4), &[0xFF; 4]), too_long);
    assert_eq!(binary(Notation::Bcd, 1).longest(), 99);
}

#[test]
fn a_length_before_or_behind_a_business_code_or_twice() {
    let length = || FramePart::Length(ascii(4, 0));
    // One card company counts the code, the next does not, the third writes the length on both sides of it.
    check(&before(vec![FramePart::Length(ascii(4, 3)), constant(b"KFT")]), b"0600", b"0007KFT0600");
    check(&before(vec![constant(b"KFT"), length()]), b"0600", b"KFT00040600");
    let twice = before(vec![length(), constant(b"KFT"), length()]);
    check(&twice, b"0600", b"0004KFT00040600");
    assert_eq!(error(&twice, b"0004KFT00050600"), FrameError::Disagree { offset: 7, length: 5, before: 4 });
    let wanted = Box::from(*b"KFT");
    assert_eq!(error(&twice, b"0004KFX"), FrameError::Mark { offset: 4, bytes: b"KFX".to_vec(), wanted });
    // One before, one inside of the telegram.
    let both = Framing::new(FrameParts { inside: vec![(3, ascii(4, 0))], ..parts(vec![length()], 4_096) }).unwrap();
    check(&both, b"HDR0010abc", b"0010HDR0010abc");
    assert_eq!(error(&both, b"0010HDR0011abc"), FrameError::Disagree { offset: 7, length: 11, before: 10 });
    assert_eq!(error(&both, b"0006"), FrameError::TooShort { offset: 0, length: 6, shortest: 7 });
}

#[test]
fn an_outer_header_that_its_length_leaves_out() {
    check(&outer(), b"abc", b"SETTLE010003              abc");
    assert_eq!(outer().prefix_bytes(), 26);
    // What the filler holds does not matter.
    assert_eq!(cut(&outer(), b"SETTLE010003whatever it isabc").unwrap(), [b"abc"]);
}

#[test]
fn stx_digits_and_etx() {
    check(&van(), b"0200", b"\x0200040200\x03");
    let mut deframer = Deframer::new(van());
    // Junk before STX, a broken length, a telegram that is cut off by the next one, and what looks like STX in a telegram.
    for (stream, frames, discarded) in [
        (&b"junk\x020003abc\x03"[..], &[&b"abc"[..]][..], 4),
        (b"\x0200x3\x020001y\x03", &[b"y"], 5),
        (b"\x020009cut\x020003xyz\x03...", &[b"xyz"], 11),
        (b"\x020003\x02ab\x03\x020000\x03", &[b"\x02ab", b""], 0),
        (b"\x029999\x020001z\x03", &[b"z"], 5),
    ] {
        let before = deframer.discarded();
        deframer.push(stream);
        let mut found = Vec::new();
        while let Some(frame) = deframer.next_frame().unwrap() {
            found.push(frame.to_vec());
        }
        assert_eq!(found, frames, "{}", stream.escape_ascii());
        assert_eq!(deframer.discarded() - before, discarded, "{}", stream.escape_ascii());
    }
    assert_eq!(deframer.pending_bytes(), 0);
}

#[test]
fn no_length_at_all() {
    check(&fixed(6), b"020000", b"020000");
    assert_eq!(
        fixed(6).write(b"02000", &mut Vec::new()),
        Err(FrameError::TooShort { offset: 0, length: 5, shortest: 6 })
    );
    let (request, reply) = ([b"0200", &[b'a'; 233][..]].concat(), [b"0210", &[b'b'; 295][..]].concat());
    check(&typed(), &request, &request);
    check(&typed(), &reply, &reply);
    assert_eq!((typed().shortest(), typed().longest()), (237, 299));
    assert_eq!(
        typed().write(&request[..236], &mut Vec::new()),
        Err(FrameError::TooShort { offset: 0, length: 236, shortest: 237 })
    );
    assert_eq!(
        typed().write(&reply[..298], &mut Vec::new()),
        Err(FrameError::Total { offset: 0, length: 298, total: 299 })
    );
    // The third byte already is of no type.
    assert_eq!(error(&typed(), b"022"), FrameError::Untyped { offset: 0 });
    assert_eq!(typed().write(&[b'0'; 237], &mut Vec::new()), Err(FrameError::Untyped { offset: 0 }));
}

#[test]
fn what_is_over_the_limit_is_not_written() {
    let mut out = Vec::new();
    framing(4, 300).write(&[0; 300], &mut out).unwrap();
    out.clear();
    let error = framing(4, 300).write(&[0; 301], &mut out).unwrap_err();
    assert_eq!(error, FrameError::TooLong { offset: 0, length: 301, frame_bytes_max: 300 });
    // Two digits cannot say 100, whatever the limit.
    framing(2, 4_096).write(&[0; 99], &mut out).unwrap();
    out.clear();
    let error = framing(2, 4_096).write(&[0; 100], &mut out).unwrap_err();
    assert_eq!(error, FrameError::TooLong { offset: 0, length: 100, frame_bytes_max: 99 });
    assert!(out.is_empty());
}

#[test]
fn a_wrong_length_can_be_written_for_a_trial() {
    let lies = |framing: &Framing, says| {
        let mut out = Vec::new();
        framing.write_saying(b"abcdefgh", says, &mut out);
        String::from_utf8(out).unwrap()
    };
    assert_eq!(lies(&framing(4, 300), 9), "0009abcdefgh");
    assert_eq!(lies(&framing(4, 300), 9_999), "0300abcdefgh");
    assert_eq!(lies(&inside(2, ascii(3, 0)), 9), "ab009fgh");
    assert_eq!(lies(&van(), 7), "\u{2}0007abcdefgh\u{3}");
    let mut wire = Vec::new();
    framing(4, 300).write_saying(b"abc", 4, &mut wire);
    assert_eq!(framing(4, 300).unframed(&wire), Some((&b"abc"[..], 4)));
    assert_eq!(framing(4, 300).unframed(b"12"), None);
    assert_eq!(framing(4, 300).unframed(b"HDRREQPOLL"), None);
    assert_eq!(inside(2, ascii(3, 0)).unframed(b"ab009fgh"), None, "nothing stands before it");
}

#[test]
fn several_telegrams_in_one_push_and_a_piece_of_the_next() {
    let mut deframer = Deframer::new(framing(4, 4_096));
    deframer.push(b"0003abc0002de00");
    assert_eq!(deframer.next_frame(), Ok(Some(&b"abc"[..])));
    assert_eq!(deframer.next_frame(), Ok(Some(&b"de"[..])));
    assert_eq!(deframer.next_frame(), Ok(None));
    assert_eq!((deframer.pending_bytes(), deframer.position()), (2, 13));
    deframer.push(b"02fg");
    assert_eq!(deframer.next_frame(), Ok(Some(&b"fg"[..])));
}

#[test]
fn a_prefix_that_is_no_number_ends_the_stream() {
    for prefix in [&b"HDRR"[..], b" 300", b"-001", b"03 0", b"\xC8\xAB00"] {
        let mut deframer = Deframer::new(framing(4, 4_096));
        deframer.push(b"0001x");
        deframer.push(prefix);
        deframer.push(b"EQPOLL");
        assert_eq!(deframer.next_frame(), Ok(Some(&b"x"[..])));
        let error = FrameError::Prefix { offset: 5, bytes: prefix.to_vec() };
        assert_eq!(deframer.next_frame(), Err(error.clone()));
        deframer.push(b"0001y");
        assert_eq!(deframer.next_frame(), Err(error));
        assert_eq!((deframer.pending_bytes(), deframer.position()), (0, 5), "nothing is kept");
    }
}

#[test]
fn a_telegram_over_the_limit_is_refused_by_its_head_alone() {
    let too_long = |offset| FrameError::TooLong { offset, length: 301, frame_bytes_max: 300 };
    let limited = |parts: &FrameParts| Framing::new(FrameParts { frame_bytes_max: 300, ..parts.clone() }).unwrap();
    let banca = limited(inside(12, ascii(5, 0)).parts());
    for (framing, head, offset) in [
        (&framing(4, 300), &b"0301"[..], 0),
        (&banca, b"HDRTRAN01 0100301", 12),
        (&limited(outer().parts()), b"SETTLE010301", 8),
    ] {
        let mut deframer = Deframer::new(framing.clone());
        let (last, first) = head.split_last().unwrap();
        deframer.push(first);
        assert_eq!(deframer.next_frame(), Ok(None));
        deframer.push(&[*last]);
        assert_eq!(deframer.next_frame(), Err(too_long(offset)), "{framing}");
        deframer.push(&[b'x'; 1_000]);
        assert_eq!(deframer.next_frame(), Err(too_long(offset)));
        assert_eq!(deframer.pending_bytes(), 0);
    }
}

#[test]
fn what_cannot_cut_a_stream_is_refused() {
    let refused = |parts: FrameParts| Framing::new(parts).unwrap_err();
    let length = |length| vec![FramePart::Length(length)];
    let none = || parts(Vec::new(), 300);
    assert_eq!(refused(none()), FramingError::NoLength);
    assert_eq!(
        refused(FrameParts { total: Total::Fixed(300), ..parts(length(ascii(4, 0)), 300) }),
        FramingError::TwoTotals
    );
    for width in [0, 11] {
        assert_eq!(Framing::digits(width, 300), Err(FramingError::Width { notation: Notation::Ascii, width }));
    }
    let three = FrameLength { notation: Notation::Big, width: 3, more: 0 };
    assert_eq!(refused(parts(length(three), 300)), FramingError::Width { notation: Notation::Big, width: 3 });
    assert_eq!(refused(FrameParts { inside: vec![(0, ascii(4, 4))], ..none() }), FramingError::Inside { more: 4 });
    let on_garbage = OnGarbage::Resynchronise;
    assert_eq!(refused(FrameParts { on_garbage, ..parts(length(ascii(4, 0)), 300) }), FramingError::NoMark);
    assert_eq!(
        refused(FrameParts { inside: vec![(298, ascii(4, 0))], ..none() }),
        FramingError::Nothing { shortest: 302, longest: 300 }
    );
    // Nothing would ever be taken from the stream.
    let empty = FrameParts { total: Total::Fixed(0), ..none() };
    assert_eq!(refused(empty), FramingError::Nothing { shortest: 0, longest: 0 });
}

#[test]
fn errors_say_what_to_do() {
    let error = FrameError::Prefix { offset: 304, bytes: b"HDRR".to_vec() };
    assert_eq!(
        error.to_string(),
        "the length prefix at byte 304 of the stream is not a number: 48 44 52 52; what follows cannot be cut into telegrams, so \
         close the connection"
    );
}

#[test]
fn framings_are_shown_as_a_spec_writes_them() {
    for (framing, expected) in [
        (framing(4, 999), "length ascii(4) exclusive max 999"),
        (before(vec![FramePart::Length(ascii(4, 4))]), "length ascii(4) inclusive max 4096"),
        (before(vec![FramePart::Length(ascii(4, 10))]), "length ascii(4) add 10 max 4096"),
        (inside(12, ascii(5, 0)), "length ascii(5) at 12 whole max 4096"),
        (inside(0, ascii(4, -4)), "length ascii(4) at 0 from 4 max 4096"),
        (van(), "stx length ascii(4) exclusive telegram etx max 4096 on garbage resynchronise"),
        (outer(), "\"SETTLE01\" length ascii(4) exclusive filler(14) space max 4096"),
        (
            before(vec![constant(&[0xFF, 0]), FramePart::Length(ascii(1, 0))]),
            "0xFF00 length ascii(1) exclusive max 4096",
        ),
        (fixed(300), "fixed 300"),
        (typed(), "total by type max 4096"),
    ] {
        assert_eq!(framing.to_string(), expected);
    }
}

/// Every framing of the field, for what must hold of all.
fn any_framing() -> impl Strategy<Value = Framing> {
    let binary = |notation, width| before(vec![FramePart::Length(FrameLength { notation, width, more: 0 })]);
    let code = || constant(b"KFT");
    let length = || FramePart::Length(ascii(4, 0));
    prop::sample::select(vec![
        framing(4, 4_096),
        framing(10, 4_096),
        before(vec![FramePart::Length(ascii(4, 4))]),
        before(vec![FramePart::Length(ascii(5, 10))]),
        inside(12, ascii(5, 0)),
        inside(9, ascii(7, 0)),
        inside(0, ascii(4, -4)),
        binary(Notation::Big, 2),
        binary(Notation::Little, 2),
        binary(Notation::Big, 4),
        binary(Notation::Little, 4),
        binary(Notation::Bcd, 2),
        before(vec![code(), length()]),
        before(vec![length(), code()]),
        before(vec![length(), code(), length()]),
        outer(),
        van(),
        fixed(20),
        typed(),
    ])
}

/// Telegrams that a framing can carry.
fn telegrams(framing: &Framing, bodies: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let fitted = |body: &Vec<u8>| {
        let shortest = usize::try_from(framing.shortest()).unwrap();
        let (kind, total) = match &framing.parts().total {
            Total::Fixed(total) => (&b""[..], usize::try_from(*total).unwrap()),
            Total::Typed(_) if body.len().is_multiple_of(2) => (&b"0200"[..], 237),
            Total::Typed(_) => (&b"0210"[..], 299),
            Total::Said => (&b""[..], body.len().max(shortest)),
        };
        let mut telegram = [kind, body].concat();
        telegram.resize(total, b'.');
        // As it comes out again: with the lengths inside of it.
        let mut frame = Vec::new();
        framing.write(&telegram, &mut frame).unwrap();
        frame[framing.prefix_bytes()..frame.len() - framing.parts().after.len()].to_vec()
    };
    bodies.iter().map(fitted).collect()
}

/// What comes out of a stream cut at these places, and how many bytes were passed over.
fn sliced(framing: &Framing, stream: &[u8], cuts: &[prop::sample::Index]) -> (Vec<Vec<u8>>, u64) {
    let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(stream.len() + 1)).collect();
    cuts.sort_unstable();
    cuts.push(stream.len());
    let bound = framing.overhead_bytes() + 4_096;
    let mut deframer = Deframer::new(framing.clone());
    let (mut frames, mut start) = (Vec::new(), 0);
    for end in cuts {
        deframer.push(&stream[start..end]);
        start = end;
        while let Some(frame) = deframer.next_frame().unwrap() {
            frames.push(frame.to_vec());
        }
        assert!(deframer.pending_bytes() <= bound);
    }
    assert_eq!(deframer.pending_bytes(), 0);
    (frames, deframer.discarded())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn however_a_stream_is_cut_the_same_telegrams_come_out(
        framing in any_framing(),
        bodies in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 1..6),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..20),
    ) {
        let telegrams = telegrams(&framing, &bodies);
        let mut stream = Vec::new();
        for telegram in &telegrams {
            framing.write(telegram, &mut stream).unwrap();
        }
        prop_assert_eq!(sliced(&framing, &stream, &cuts), (telegrams, 0), "{}", framing);
    }

    /// Junk without STX takes no telegram with it, wherever it stands and however the stream is cut.
    #[test]
    fn junk_between_frames_is_passed_over(
        pieces in prop::collection::vec(
            (prop::collection::vec(3..=255_u8, 0..30), prop::collection::vec(any::<u8>(), 0..40)),
            1..6,
        ),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..20),
    ) {
        let (mut stream, mut junk_bytes, mut telegrams) = (Vec::new(), 0, Vec::new());
        for (junk, telegram) in pieces {
            stream.extend_from_slice(&junk);
            junk_bytes += junk.len() as u64;
            van().write(&telegram, &mut stream).unwrap();
            telegrams.push(telegram);
        }
        prop_assert_eq!(sliced(&van(), &stream, &cuts), (telegrams, junk_bytes));
    }

    /// However the beginning of a stream is broken, of the good frames behind it at most those are lost that a length reached over.
    #[test]
    fn the_next_good_frame_is_found_again(
        junk in prop::collection::vec(prop_oneof![any::<u8>(), Just(2), b'0'..=b'9'], 0..60),
        bodies in prop::collection::vec(prop::collection::vec(b'a'..=b'z', 0..40), 1..4),
    ) {
        let mut stream = junk.clone();
        // No junk has a length that reaches over this.
        stream.resize(junk.len() + 4_200, b'.');
        for body in &bodies {
            van().write(body, &mut stream).unwrap();
        }
        let mut deframer = Deframer::new(van());
        let mut frames = Vec::new();
        for byte in &stream {
            deframer.push(&[*byte]);
            while let Some(frame) = deframer.next_frame().unwrap() {
                frames.push(frame.to_vec());
            }
        }
        prop_assert!(frames.ends_with(&bodies));
        prop_assert_eq!(deframer.pending_bytes(), 0);
    }
}
