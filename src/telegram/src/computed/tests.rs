use std::string::ToString;
use std::vec;

use super::*;
use crate::draft::{ANSWERER, Tree, code, field, layout, number, text};
use crate::encode::encode;
use crate::field::{Side, Unset};
use crate::kind::{Form, Kind, Number, Order};
use crate::layout::{Layout, LayoutError};

fn computed(field: Field, computed: Computed) -> Field {
    Field { fill: Fill::Computed(computed), ..field }
}

fn form(path: &str, number: Number) -> Field {
    field(path, number.len(), Kind::Number(number))
}

fn given<const N: usize>(values: [(&str, Value); N]) -> Vec<(String, Value)> {
    values.into_iter().map(|(path, value)| (path.into(), value)).collect()
}

fn codes(layout: &Layout, bytes: &[u8]) -> Vec<(String, &'static str)> {
    let faults = Telegram::new(layout, bytes, Side::Asker).faults();
    faults.iter().map(|fault| (fault.field.to_string(), fault.code())).collect()
}

const fn fields(first: u16, last: u16) -> Span {
    Span::Fields { first: FieldId(first), last: FieldId(last) }
}

/// 4 + 2 + 2 + 10 + 2 + 2 bytes.
fn framed() -> Layout {
    let binary = Form::Binary { bytes: 2, order: Order::Big, signed: false };
    layout(vec![
        computed(number("all", 4), Computed::Length { of: Span::Telegram, plus: 0 }),
        computed(form("rest", Number::of(4, 0, Form::Bcd)), Computed::Length { of: Span::Others, plus: -4 }),
        computed(form("body_len", Number::of(5, 0, binary)), Computed::Length { of: fields(3, 3), plus: 0 }),
        text("body", 10),
        computed(text("lrc", 2), Computed::Checksum { of: fields(0, 3), by: Checksum::Lrc }),
        computed(
            form("crc", Number::of(5, 0, binary)),
            Computed::Checksum { of: fields(3, 3), by: Checksum::CRC16[4].1 },
        ),
    ])
}

#[test]
fn lengths_and_checksums_are_written_and_checked() {
    let layout = framed();
    let bytes = encode(&layout, Side::Asker, &given([("body", "123456789".into())])).unwrap();
    // 22 in all; 22 - 2 - 4 of the others; 10 of the body.
    assert_eq!(bytes[..18], *b"0022\x00\x16\x00\x0A123456789 ");
    let lrc = bytes[..18].iter().fold(0, |sum, byte| sum ^ byte);
    assert_eq!(bytes[18..20], *std::format!("{lrc:02X}").as_bytes());
    assert_eq!(bytes[20..], Checksum::CRC16[4].1.of(b"123456789 ").to_be_bytes()[2..]);
    assert_eq!(codes(&layout, &bytes), []);

    for (at, wrong) in [(3, "all"), (5, "rest"), (7, "body_len"), (18, "lrc"), (21, "crc")] {
        let mut bytes = bytes.clone();
        bytes[at] = if at == 18 { if bytes[at] == b'0' { b'1' } else { b'0' } } else { bytes[at] ^ 1 };
        let found = codes(&layout, &bytes);
        assert!(found.contains(&(wrong.to_string(), "T50")), "{wrong}: {found:?}");
    }
}

#[test]
fn what_is_given_must_be_right() {
    let layout = framed();
    let body = || ("body", Value::from("x"));
    let right = encode(&layout, Side::Asker, &given([body()])).unwrap();
    let all = encode(&layout, Side::Asker, &given([body(), ("all", 22.into()), ("rest", 16.into())]));
    assert_eq!(all.unwrap(), right);
    let faults = encode(&layout, Side::Asker, &given([body(), ("all", 21.into())])).unwrap_err();
    assert_eq!(
        faults[0].to_string(),
        "T50 all at byte 0 (4 bytes): not what the rest of the telegram says; leave it out to have it written, or ask whoever \
         filled it; expected 22; bytes 30 30 32 31 (\"0021\")"
    );
    // Decoded and given back as it was.
    let telegram = Telegram::new(&layout, &right, Side::Asker);
    let values: Vec<_> =
        telegram.fields().map(|(_, field, value)| (field.path.to_string(), value.unwrap().to_value())).collect();
    assert_eq!(encode(&layout, Side::Asker, &values).unwrap(), right);
}

#[test]
fn what_was_written_since_is_computed_anew() {
    let layout = framed();
    let mut bytes = encode(&layout, Side::Asker, &given([("body", "before".into())])).unwrap();
    let after = encode(&layout, Side::Asker, &given([("body", "after".into())])).unwrap();
    layout.find("body").unwrap().1.write(&"after".into(), &mut bytes).unwrap();
    assert_ne!(codes(&layout, &bytes), []);
    recompute(&layout, Side::Asker, &mut bytes).unwrap();
    assert_eq!(bytes, after);
}

#[test]
fn only_what_looks_at_a_change_is_computed_anew() {
    let layout = layout(vec![
        text("body", 4),
        number("amount", 3),
        computed(number("sum", 3), Computed::Sum { of: Box::from([FieldId(1)]) }),
        computed(code("digit", 1), Computed::CheckDigit { of: Near { ahead: -10, len: 4 }, by: CheckDigit::Luhn }),
        computed(text("lrc", 2), Computed::Checksum { of: fields(3, 3), by: Checksum::Lrc }),
        computed(text("sign", 1), Computed::OwnDigit { by: CheckDigit::Luhn }),
    ]);
    // The sum and the last digit are wrong, and were sent so.
    let mut bytes = *b"0000007100??\x3f1";
    let body = Slice { offset: 0, len: 4 };
    bytes[..4].copy_from_slice(b"7992");
    recompute_from(&layout, Side::Asker, &mut bytes, &[body]).unwrap();
    // Luhn of 7992: 4 + 9 + 9 + 7 = 29, so 1, whose bytes alone are 31; the digit changed, so what covers it did.
    assert_eq!(bytes, *b"7992007100131\x31");
    recompute_from(&layout, Side::Asker, &mut bytes, &[Slice { offset: 6, len: 1 }]).unwrap();
    assert_eq!(bytes, *b"7992007007131\x31");
    let faults = recompute(&layout, Side::Asker, &mut bytes).unwrap_err();
    assert_eq!(faults[0].code(), "T51");
}

#[test]
fn a_wrong_checksum_is_damage_and_a_wrong_length_is_none() {
    let layout = framed();
    let bytes = encode(&layout, Side::Asker, &given([("body", "123456789".into())])).unwrap();
    let damage = |bytes: &[u8]| {
        let fault = Telegram::new(&layout, bytes, Side::Asker).damage();
        fault.map(|fault| (fault.field.to_string(), fault.code()))
    };
    assert_eq!(damage(&bytes), None);
    let mut wrong = bytes.clone();
    wrong[10] ^= 1;
    assert_eq!(damage(&wrong), Some(("lrc".into(), "T50")));
    // What they computed over, and sent, they sent.
    let mut short = bytes.clone();
    short[3] = b'1';
    layout
        .find("lrc")
        .unwrap()
        .1
        .write(&Value::Text(std::format!("{:02X}", short[..18].iter().fold(0, |a, b| a ^ b))), &mut short)
        .unwrap();
    assert_eq!(damage(&short), None);
    assert_eq!(codes(&layout, &short), [("all".to_string(), "T50")]);
    assert_eq!(damage(&bytes[..21]), Some(("crc".into(), "T17")));
    assert_eq!(damage(b""), Some(("all".into(), "T17")));
}

#[test]
fn a_side_that_does_not_fill_it_computes_nothing() {
    let sum = computed(number("sum", 4), Computed::Sum { of: Box::from([FieldId(1)]) });
    let layout = layout(vec![Field { by: ANSWERER, ..sum }, number("amount", 4)]);
    let bytes = encode(&layout, Side::Asker, &given([("amount", 7.into())])).unwrap();
    assert_eq!(bytes, b"00000007");
    assert_eq!(codes(&layout, &bytes), []);
    let bytes = encode(&layout, Side::Answerer, &given([("amount", 7.into())])).unwrap();
    assert_eq!(bytes, b"00070007");
}

fn signed() -> Layout {
    let near = |ahead| Some(Near { ahead, len: 1 });
    layout(vec![
        computed(text("sign", 1), Computed::Sign),
        form("amount", Number { sign: near(-1), ..Number::plain(5, 2) }),
        form("behind", Number { sign: near(3), ..Number::plain(3, 0) }),
        computed(text("sign_2", 1), Computed::Sign),
    ])
}

#[test]
fn a_sign_beside_its_number_is_written_with_it() {
    let layout = signed();
    let write = |amount: &str, behind: &str| {
        encode(&layout, Side::Asker, &given([("amount", amount.into()), ("behind", behind.into())])).unwrap()
    };
    assert_eq!(write("12.5", "-1"), b"+01250001-");
    assert_eq!(write("-0.01", "0"), b"-00001000+");
    let read = |bytes: &[u8]| {
        let telegram = Telegram::new(&layout, bytes, Side::Asker);
        ["amount", "behind"]
            .map(|path| telegram.named(path).map(|value| value.to_string()).map_err(|fault| fault.code()))
    };
    assert_eq!(read(b"-01250001-"), [Ok("-12.50".into()), Ok("-1".into())]);
    assert_eq!(read(b"+01250001 "), [Ok("12.50".into()), Ok("1".into())]);
    assert_eq!(read(b"-00000001x"), [Ok("0.00".into()), Err("T45")]);
}

#[test]
fn minus_nought_is_kept_and_a_wrong_sign_is_not() {
    let layout = signed();
    for bytes in [b"-00000000-", b"+00000000+", b" 00000000 ", b" 00100100 ", b"-00100000-"] {
        let telegram = Telegram::new(&layout, bytes, Side::Asker);
        let values: Vec<_> =
            telegram.fields().map(|(_, field, value)| (field.path.to_string(), value.unwrap().to_value())).collect();
        assert_eq!(encode(&layout, Side::Asker, &values).unwrap(), bytes);
    }
    let faults = |sign: &str, amount: i32| {
        let values = given([("sign", sign.into()), ("amount", amount.into()), ("behind", 0.into())]);
        encode(&layout, Side::Asker, &values).unwrap_err().iter().map(|fault| fault.to_string()).collect::<Vec<_>>()
    };
    let sentence = "T50 amount at byte 1 (5 bytes): not what the rest of the telegram says; leave it out to have it written, or ask \
                    whoever filled it; expected -";
    assert_eq!(faults("+", -1), [sentence]);
    assert_eq!(faults("-", 1).len(), 1);
}

#[test]
fn decimals_in_a_second_field_are_filled_from_the_left() {
    let layout = layout(vec![
        form("amount", Number { fraction: Some(Near { ahead: 5, len: 3 }), ..Number::plain(5, 0) }),
        computed(number("decimals", 3), Computed::Fraction),
    ]);
    for (value, bytes) in
        [("12.5", b"00012500"), ("0.005", b"00000005"), ("99999.999", b"99999999"), ("7", b"00007000")]
    {
        assert_eq!(encode(&layout, Side::Asker, &given([("amount", value.into())])).unwrap(), bytes);
        let telegram = Telegram::new(&layout, bytes, Side::Asker);
        let read = telegram.named("amount").unwrap().number().unwrap();
        assert_eq!(Some(read), value.parse::<Decimal>().unwrap().rescale(3));
    }
    let refused =
        |value: &str| encode(&layout, Side::Asker, &given([("amount", value.into())])).unwrap_err()[0].rule.clone();
    assert_eq!(refused("1.0005"), Rule::TooPrecise { scale: 4 });
    assert_eq!(refused("100000"), Rule::Overflow { needed: 6 });
    assert_eq!(refused("-0.5"), Rule::Negative);
    let faults = encode(&layout, Side::Asker, &given([("amount", "1.5".into()), ("decimals", 5.into())])).unwrap_err();
    assert!(faults[0].to_string().contains("T50 amount"), "{faults:?}");
    assert_eq!(codes(&layout, b"000125x0"), [("amount".to_string(), "T02"), ("decimals".to_string(), "T02")]);
}

#[test]
fn sums_and_counts_see_every_occurrence() {
    let all = || Box::from([FieldId(2), FieldId(3), FieldId(4)]);
    let signed = Number { sign: Some(Near { ahead: 3, len: 1 }), ..Number::plain(3, 1) };
    let layout = layout(vec![
        computed(number("times", 2), Computed::Count { of: all() }),
        computed(form("sum", Number::of(5, 2, Form::Packed { signed: true })), Computed::Sum { of: all() }),
        number("a", 3),
        form("b", Number::of(3, 1, Form::Packed { signed: true })),
        form("c", signed),
        computed(text("sign", 1), Computed::Sign),
    ]);
    let values = given([("a", 7.into()), ("b", "1.5".into()), ("c", "-10.1".into())]);
    let bytes = encode(&layout, Side::Asker, &values).unwrap();
    // 7 + 1.5 - 10.1 = -1.60
    assert_eq!(bytes, b"03\x00\x16\x0D007\x01\x5C101-");
    assert_eq!(codes(&layout, &bytes), []);
    let mut wrong = bytes;
    wrong[7] = b'8';
    assert_eq!(codes(&layout, &wrong), [("sum".to_string(), "T50")]);
}

#[test]
fn a_check_digit_belongs_to_its_digits() {
    let layout = layout(vec![
        text("card", 10),
        computed(code("digit", 1), Computed::CheckDigit { of: Near { ahead: -10, len: 10 }, by: CheckDigit::Luhn }),
        computed(text("business_no", 12), Computed::OwnDigit { by: CheckDigit::BusinessNo }),
    ]);
    let values = |card: &str, business: &str| given([("card", card.into()), ("business_no", business.into())]);
    let bytes = encode(&layout, Side::Asker, &values("7992739871", "123-45-67891")).unwrap();
    assert_eq!(bytes, b"79927398713123-45-67891");
    assert_eq!(codes(&layout, &bytes), []);
    assert_eq!(
        codes(&layout, b"79927398714123-45-67892"),
        [("digit".to_string(), "T51"), ("business_no".to_string(), "T51")]
    );
    let refused = |card: &str, business: &str| {
        let faults = encode(&layout, Side::Asker, &values(card, business)).unwrap_err();
        faults.iter().map(|fault| (fault.field.to_string(), fault.code())).collect::<Vec<_>>()
    };
    assert_eq!(refused("7992739871", "123-45-67892"), [("business_no".to_string(), "T51")]);
    assert_eq!(refused("799273987x", "123-45-67891"), [("digit".to_string(), "T02")]);
    // The value is the caller's.
    let faults = encode(&layout, Side::Asker, &given([("card", "7992739871".into())])).unwrap_err();
    assert_eq!(faults[0].rule, Rule::Missing);
}

#[test]
fn what_is_left_out_is_not_checked() {
    let optional = Field { by: crate::draft::OPTIONAL, unset: Unset::Space, ..text("no", 10) };
    let layout = layout(vec![computed(optional, Computed::OwnDigit { by: CheckDigit::BusinessNo })]);
    assert_eq!(encode(&layout, Side::Asker, &[]).unwrap(), b"          ");
    assert_eq!(codes(&layout, b"          "), []);
}

#[test]
fn what_moves_is_covered_where_it_is() {
    let mut tree = Tree::default();
    let head = tree.run(vec![
        computed(number("all", 3), Computed::Length { of: Span::Telegram, plus: 0 }),
        computed(number("rows", 2), Computed::Count { of: Box::from([FieldId(4)]) }),
        computed(number("total", 4), Computed::Sum { of: Box::from([FieldId(5)]) }),
        computed(number("rows_len", 3), Computed::Length { of: fields(4, 6), plus: 1 }),
    ]);
    let near = Some(Near { ahead: 3, len: 1 });
    let body = tree.run(vec![
        text("rows[].id", 1),
        form("rows[].amount", Number { sign: near, ..Number::plain(3, 0) }),
        computed(text("rows[].sign", 1), Computed::Sign),
    ]);
    let repeat = Tree::until_end("rows", 10, vec![body]);
    let layout = tree.layout(12..=62, vec![head, repeat]).unwrap();
    let values = given([
        ("rows[0].id", "a".into()),
        ("rows[0].amount", 100.into()),
        ("rows[1].id", "b".into()),
        ("rows[1].amount", (-30).into()),
    ]);
    let bytes = encode(&layout, Side::Asker, &values).unwrap();
    assert_eq!(bytes, b"022020070011a100+b030-");
    assert_eq!(codes(&layout, &bytes), []);
    assert_eq!(codes(&layout, b"022020070011a100+b030+"), [("total".to_string(), "T50")]);
    let telegram = Telegram::new(&layout, &bytes, Side::Asker);
    assert_eq!(telegram.named("rows[1].amount").unwrap().to_string(), "-30");
    // Nobody is there: nothing is counted, summed or measured.
    assert_eq!(encode(&layout, Side::Asker, &[]).unwrap(), b"012000000001");
}

#[test]
fn what_repeats_looks_at_its_own_occurrence() {
    let mut tree = Tree::default();
    let head = tree.run(vec![computed(number("total", 4), Computed::Sum { of: Box::from([FieldId(3)]) })]);
    let segment = tree.run(vec![
        computed(number("segs[].len", 3), Computed::Length { of: fields(1, 6), plus: 0 }),
        computed(number("segs[].times", 1), Computed::Count { of: Box::from([FieldId(4)]) }),
        computed(number("segs[].sum", 3), Computed::Sum { of: Box::from([FieldId(5)]) }),
    ]);
    let item = tree.run(vec![text("segs[].items[].id", 1), number("segs[].items[].amount", 2)]);
    let items = tree.times("segs[].items", "segs[].times", 9, vec![item]);
    let foot =
        tree.run(vec![computed(text("segs[].lrc", 2), Computed::Checksum { of: fields(1, 5), by: Checksum::Lrc })]);
    let segs = Tree::until_end("segs", 3, vec![segment, items, foot]);
    let layout = tree.layout(4..=112, vec![head, segs]).unwrap();
    let values = given([
        ("segs[0].items[0].id", "a".into()),
        ("segs[0].items[0].amount", 10.into()),
        ("segs[0].items[1].id", "b".into()),
        ("segs[0].items[1].amount", 5.into()),
        ("segs[1].items[0].id", "c".into()),
        ("segs[1].items[0].amount", 7.into()),
    ]);
    let bytes = encode(&layout, Side::Asker, &values).unwrap();
    // 15 bytes of 3 + 1 + 3 + 2 * 3 + 2, and 12; 15 and 7; 22 in all, the sum of sums.
    let parts: [&[u8]; 2] = [b"0152015a10b05", b"0121007c07"];
    let lrc = |part: &[u8]| std::format!("{:02X}", part.iter().fold(0, |sum, byte| sum ^ byte));
    let expected = [b"0022", parts[0], lrc(parts[0]).as_bytes(), parts[1], lrc(parts[1]).as_bytes()].concat();
    assert_eq!(bytes, expected);
    assert_eq!(codes(&layout, &bytes), []);
    let mut wrong = bytes;
    // The second occurrence's sum, and so what covers it.
    let at = 4 + 15 + 6;
    wrong[at] = b'8';
    let found = codes(&layout, &wrong);
    let expected = ["total", "segs[1].sum", "segs[1].lrc"].map(|path| (path.to_string(), "T50"));
    assert_eq!(found, expected);
}

#[test]
fn what_is_not_there_has_no_length() {
    let mut tree = Tree::default();
    let head = tree.run(vec![
        number("n", 1),
        computed(number("rows_len", 2), Computed::Length { of: fields(3, 4), plus: 0 }),
        computed(number("rest_len", 2), Computed::Length { of: fields(4, 5), plus: 0 }),
    ]);
    let row = tree.run(vec![text("rows[].a", 2), text("rows[].b", 1)]);
    let rows = tree.times("rows", "n", 9, vec![row]);
    let foot = tree.run(vec![text("foot", 4)]);
    let layout = tree.layout(9..=36, vec![head, rows, foot]).unwrap();
    let foot = || ("foot", Value::from("FOOT"));
    assert_eq!(encode(&layout, Side::Asker, &given([foot()])).unwrap(), b"00004FOOT");
    let rows = |at: usize| (["rows[0].a", "rows[1].a"][at], Value::from("aa"));
    let bytes = encode(
        &layout,
        Side::Asker,
        &given([foot(), rows(0), rows(1), ("rows[0].b", "x".into()), ("rows[1].b", "b".into())]),
    )
    .unwrap();
    // From the first b on.
    assert_eq!(bytes, b"20608aaxaabFOOT");
    assert_eq!(codes(&layout, &bytes), []);
}

#[test]
fn what_is_made_of_others_is_computed_behind_them() {
    // A checksum before another one that it covers, and a sum before one that it adds.
    let layout = layout(vec![
        computed(text("outer", 2), Computed::Checksum { of: fields(1, 3), by: Checksum::Lrc }),
        computed(number("total", 3), Computed::Sum { of: Box::from([FieldId(2)]) }),
        computed(number("part", 3), Computed::Sum { of: Box::from([FieldId(4)]) }),
        computed(text("inner", 2), Computed::Checksum { of: fields(4, 4), by: Checksum::Lrc }),
        number("amount", 3),
    ]);
    let bytes = encode(&layout, Side::Asker, &given([("amount", 12.into())])).unwrap();
    // Of the amount 30 ^ 31 ^ 32 = 33. The two sums are alike and leave nothing, and '3' ^ '3' neither.
    assert_eq!(bytes, b"0001201233012");
    assert_eq!(codes(&layout, &bytes), []);
}

#[test]
fn a_sum_may_have_its_sign_beside_it() {
    let layout = layout(vec![
        computed(text("lrc", 2), Computed::Checksum { of: fields(1, 2), by: Checksum::Lrc }),
        computed(
            form("sum", Number { sign: Some(Near { ahead: 3, len: 1 }), ..Number::plain(3, 0) }),
            Computed::Sum { of: Box::from([FieldId(3), FieldId(4)]) },
        ),
        computed(text("sign", 1), Computed::Sign),
        form("a", Number::of(3, 0, Form::Zoned(crate::Sign::Leading))),
        number("b", 3),
    ]);
    let bytes = encode(&layout, Side::Asker, &given([("a", (-30).into()), ("b", 10.into())])).unwrap();
    // 30 ^ 32 ^ 30 ^ 2D = 1F
    assert_eq!(bytes, b"1F020--030010");
    assert_eq!(codes(&layout, &bytes), []);
}

#[test]
fn a_wrong_sign_names_its_occurrence() {
    let mut tree = Tree::default();
    let row = tree.run(vec![
        form("rows[].amount", Number { sign: Some(Near { ahead: 3, len: 1 }), ..Number::plain(3, 0) }),
        computed(text("rows[].sign", 1), Computed::Sign),
    ]);
    let layout = tree.layout(0..=36, vec![Tree::until_end("rows", 9, vec![row])]).unwrap();
    let row = |at: usize, sign: &str| {
        [(std::format!("rows[{at}].amount"), Value::from(-1)), (std::format!("rows[{at}].sign"), Value::from(sign))]
    };
    let values = [row(0, "-"), row(1, "-"), row(2, "+")].concat();
    let faults = encode(&layout, Side::Asker, &values).unwrap_err();
    assert_eq!((&*faults[0].field, faults[0].offset, faults.len()), ("rows[2].amount", 8, 1));
}

#[test]
fn what_cannot_be_computed_makes_no_layout() {
    let alone = |of| computed(number("f", 3), of);
    for wrong in [
        Computed::Checksum { of: Span::Telegram, by: Checksum::Lrc },
        Computed::Length { of: fields(0, 1), plus: 0 },
        Computed::Length { of: fields(1, 0), plus: 0 },
        Computed::Sum { of: Box::from([FieldId(1)]) },
        Computed::Sum { of: Box::from([FieldId(0)]) },
    ] {
        let layout = Layout::new("draft", "초안", 3, vec![alone(wrong)]);
        assert_eq!(layout, Err(LayoutError::Computed { field: FieldId(0) }));
    }
    let lrc =
        |path, first, last| computed(text(path, 2), Computed::Checksum { of: fields(first, last), by: Checksum::Lrc });
    let fields = [number("n", 1), lrc("a", 0, 3), text("body", 4), lrc("b", 1, 2)];
    let mut at = 0;
    let fields = fields.map(|field| {
        let here = Slice { offset: at, ..field.at };
        at += here.len;
        Field { at: here, ..field }
    });
    let layout = Layout::new("draft", "초안", 9, fields.into());
    assert_eq!(layout, Err(LayoutError::Computed { field: FieldId(1) }));
}
