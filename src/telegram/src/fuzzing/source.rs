use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

use crate::charset::{Charset, CharsetPair};
use crate::class::Class;
use crate::decimal::{DIGITS_MAX, Decimal};
use crate::field::{By, Echo, Equal, Field, Fill, Side, Slice, Unset};
use crate::kind::{Blank, Form, Kind, Number, NumberModes, Order, Sign, Stamp, Year, Zones};
use crate::layout::Layout;
use crate::text::{TextMode, TextModes, TextRule, Wide};
use crate::value::Value;

/// Any layout: up to 32 fields of every kind, class and rule.
pub(super) fn layout(source: &mut Source<'_>) -> Layout {
    let count = u32::from(source.below(32)) + 1;
    let mut end = 0;
    let fields: Vec<Field> = (0..count)
        .map(|index| {
            let field = source.field(index, end);
            end += field.at.len;
            field
        })
        .collect();
    match Layout::new("any", "아무", end, fields) {
        Ok(layout) => layout,
        Err(error) => unreachable!("{error}"),
    }
}

/// Fuzzed bytes, taken from the front; zeros when they are used up.
pub(super) struct Source<'d>(pub(super) &'d [u8]);

impl<'d> Source<'d> {
    pub(super) fn byte(&mut self) -> u8 {
        self.take(1).first().copied().unwrap_or(0)
    }

    pub(super) fn below(&mut self, limit: u8) -> u8 {
        self.byte() % limit
    }

    fn take(&mut self, len: usize) -> &'d [u8] {
        let (taken, rest) = self.0.split_at(self.0.len().min(len));
        self.0 = rest;
        taken
    }

    pub(super) fn side(&mut self) -> Side {
        if self.below(2) == 0 { Side::Asker } else { Side::Answerer }
    }

    /// Two charsets of which one reads what the other writes.
    fn charsets(&mut self) -> CharsetPair {
        const COUNT: u8 = 11;
        let choice = self.byte();
        let (_, encode) = Charset::ALL.get(usize::from(choice % COUNT)).copied().unwrap_or(("ascii", Charset::Ascii));
        let readers = || Charset::ALL.into_iter().map(|(_, reader)| reader).filter(|reader| reader.reads(encode));
        let decode = readers().nth(usize::from(choice / COUNT) % readers().count()).unwrap_or(encode);
        CharsetPair { encode, decode }
    }

    fn text(&mut self, charset: CharsetPair, offset: u32) -> TextRule {
        let (how, modes) = (self.byte(), self.byte());
        let modes = TextMode::ALL.into_iter().enumerate().filter(|(at, (_, mode))| {
            // Most texts are read strictly.
            modes >> at & 0x11 == 0x11 && mode.is_of(charset.decode)
        });
        TextRule {
            right: how & 1 == 1,
            pad: match how >> 1 & 3 {
                0 => Some(charset.encode.digit_zero()),
                1 => Some(0),
                _ => None,
            },
            wide: match how >> 3 & 7 {
                0 if charset.encode.has_wide() => Wide::Always,
                1 if charset.encode.has_wide() && offset > 0 => {
                    let any_of = [b' ', b'0', 0x40, 0xF0].map(|byte| Box::from([byte]));
                    Wide::When { at: Slice { offset: 0, len: 1 }, any_of: Box::new(any_of) }
                }
                _ => Wide::No,
            },
            lenient: modes.fold(TextModes::STRICT, |all, (_, (_, mode))| all.with(mode)),
        }
    }

    fn field(&mut self, index: u32, offset: u32) -> Field {
        const PATTERNS: [&str; 8] =
            ["YYYYMMDD", "hhmmss", "MMDDhhmmss", "MMDD", "YYMMDD", "YYYY-MM-DD", "hhmm", "YYYYMMDDhhmmss"];
        let mut len = u32::from(self.below(64)) + 1;
        let kind = match self.below(6) {
            0 | 1 => Kind::Text,
            2 => {
                len = len.min(DIGITS_MAX);
                let digits = u8::try_from(len).unwrap_or(1);
                Kind::Number(self.number(digits, &mut len))
            }
            3 => Kind::Code,
            4 => {
                let pattern = PATTERNS.get(usize::from(self.below(8))).copied().unwrap_or("MMDD");
                len = u32::try_from(pattern.len()).unwrap_or(0);
                let year = match (pattern, self.below(3)) {
                    ("YYMMDD", 0) => Year::Within { first: 1_850 },
                    ("MMDD" | "MMDDhhmmss", 0) => Year::Nearest,
                    _ => Year::Written,
                };
                Kind::Stamp(Stamp { pattern: pattern.into(), year })
            }
            _ => Kind::Filler,
        };
        let flags = self.byte();
        let class = Class::ALL.get(usize::from(self.below(6))).map_or(Class::Public, |(_, class)| *class);
        let mut field = Field {
            path: alloc::format!("f{index}").into(),
            label: Box::default(),
            at: Slice { offset, len },
            kind,
            charset: self.charsets(),
            class,
            by: By { asker: flags & 0x10 == 0, answerer: flags & 0x20 == 0, optional: flags & 0x40 != 0 },
            fill: Fill::Given,
            unset: if flags & 0x80 == 0 { Unset::Space } else { Unset::Zero },
            equal: Equal::default(),
            echo: Echo::No,
            text: TextRule::default(),
        };
        if field.kind == Kind::Text {
            field.text = self.text(field.charset, offset);
        }
        let rest = self.byte();
        field.echo = if rest & 0x80 == 0 { Echo::No } else { Echo::Always };
        let fill: Box<[u8]> = match &field.kind {
            Kind::Stamp(_) => return field,
            Kind::Number(number) if *number != Number::plain(number.digits, number.scale) => return field,
            Kind::Number { .. } | Kind::Code => {
                alloc::vec![field.charset.encode.digit_zero() + rest % 10; field.at.range().len()].into()
            }
            Kind::Text | Kind::Lines { .. } | Kind::Filler => {
                let byte = field.charset.encode.byte(b' ' + rest % 64).unwrap_or(field.charset.encode.blank());
                alloc::vec![byte; field.at.range().len()].into()
            }
        };
        field.fill = match rest >> 4 & 7 {
            0 => Fill::Default(fill),
            1 => Fill::Const(fill),
            2 => Fill::Stamped,
            _ => Fill::Given,
        };
        field
    }

    /// A number of so many digits; sets the bytes that it takes.
    fn number(&mut self, digits: u8, len: &mut u32) -> Number {
        let choice = self.byte();
        let bytes = (choice >> 4) + 1;
        let (order, signed) = (if choice & 4 == 0 { Order::Big } else { Order::Little }, choice & 8 == 0);
        let zones = if signed { Zones::Ibm } else { Zones::Ascii };
        let form = match self.below(16) {
            0 => Form::Zoned(Sign::Leading),
            1 => Form::Zoned(Sign::Trailing),
            2 => Form::Zoned(Sign::OverpunchLeading(zones)),
            3 => Form::Zoned(Sign::OverpunchTrailing(zones)),
            4 => Form::Pointed(Sign::Absent),
            5 => Form::Pointed(Sign::Leading),
            6 => Form::Packed { signed },
            7 => Form::Bcd,
            8 => Form::Binary { bytes, order, signed },
            _ => Form::Zoned(Sign::Absent),
        };
        let modes = self.byte();
        let mut number = Number::of(digits, (choice % 4).min(digits), form);
        if !number.is_sound() {
            number.form = Form::Zoned(Sign::Absent);
        }
        number.blank = match modes >> 4 {
            0 => Blank::Null,
            1 => Blank::Zero,
            _ => Blank::Fault,
        };
        if matches!(number.form, Form::Bcd | Form::Binary { .. }) {
            number.blank = Blank::Fault;
        }
        for (at, (_, switch_on)) in NumberModes::ALL.into_iter().enumerate() {
            if modes & 1 << at == 0 {
                switch_on(&mut number.lenient);
            }
        }
        *len = number.len();
        number
    }

    pub(super) fn value(&mut self, field: &Field) -> Value {
        let choice = self.below(8);
        let len = field.at.range().len();
        match (&field.kind, choice) {
            (_, 0) => Value::Null,
            (Kind::Filler, _) | (Kind::Text, 1) => {
                let mut bytes = self.take(len).to_vec();
                bytes.resize(len, b' ');
                Value::Bytes(bytes)
            }
            (Kind::Number(number), 1..=5) => {
                let digits = self.take(len.min(12));
                let units = digits.iter().fold(0, |units, byte| units * 10 + i128::from(byte % 10));
                let units = if self.below(4) == 0 { -units } else { units };
                Value::Number(Decimal { units, scale: if choice == 5 { 0 } else { number.scale } })
            }
            (Kind::Code | Kind::Stamp(_) | Kind::Number { .. }, _) => {
                Value::Text(self.take(len).iter().map(|byte| char::from(b'0' + byte % 10)).collect())
            }
            (Kind::Text | Kind::Lines { .. }, _) => {
                let long = usize::from(self.below(16));
                Value::Text(String::from_utf8_lossy(self.take(long)).into_owned())
            }
        }
    }
}
