//! The telegram that everything here converts: 300 bytes, 36 columns (17 numbers, a signed decimal, 14 texts, 4 of Hangul), as a bank's
//! are. Each one differs, so that no branch is learnt by heart.

use encoding_rs::EUC_KR;

use crate::baseline::LEN;

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Column {
    /// `9(n)`
    Number,
    /// `S9(13)V9(2) sign leading`
    Signed,
    /// `X(n)` of ASCII
    Text,
    /// `X(n)` of Hangul
    Hangul,
}

/// Name, meaning, bytes; one behind the other.
pub(crate) const COLUMNS: [(&str, Column, usize); 36] = [
    ("length", Column::Number, 4),
    ("message_type", Column::Text, 4),
    ("service_code", Column::Text, 3),
    ("bank_code", Column::Number, 3),
    ("company_no", Column::Text, 12),
    ("send_count", Column::Number, 1),
    ("telegram_no", Column::Number, 6),
    ("send_date", Column::Number, 8),
    ("send_time", Column::Number, 6),
    ("response_code", Column::Text, 4),
    ("debit_account", Column::Text, 15),
    ("debit_holder", Column::Hangul, 12),
    ("debit_amount", Column::Number, 13),
    ("balance", Column::Signed, 16),
    ("fee", Column::Number, 9),
    ("tax", Column::Number, 9),
    ("credit_bank", Column::Number, 3),
    ("credit_account", Column::Text, 15),
    ("credit_holder", Column::Hangul, 12),
    ("credit_amount", Column::Number, 13),
    ("cms_code", Column::Text, 12),
    ("memo", Column::Hangul, 14),
    ("memo_count", Column::Number, 2),
    ("original_no", Column::Number, 6),
    ("original_date", Column::Number, 8),
    ("branch", Column::Text, 6),
    ("terminal", Column::Text, 10),
    ("channel", Column::Text, 2),
    ("operator", Column::Text, 8),
    ("operator_name", Column::Hangul, 10),
    ("day_limit", Column::Number, 15),
    ("day_used", Column::Number, 13),
    ("day_count", Column::Number, 5),
    ("currency", Column::Text, 3),
    ("reference", Column::Text, 8),
    ("remark", Column::Text, 10),
];

/// Telegrams, the same ones every time.
pub(crate) fn telegrams(count: usize) -> Vec<[u8; LEN]> {
    let mut chance = Chance(0x2545_F491_4F6C_DD1D);
    (0..count).map(|_| telegram(&mut chance)).collect()
}

fn telegram(chance: &mut Chance) -> [u8; LEN] {
    let mut bytes = Vec::with_capacity(LEN);
    for (name, column, len) in COLUMNS {
        let end = bytes.len() + len;
        match column {
            Column::Number => {
                let number = chance.number(1, len);
                bytes.extend(format!("{number:0len$}").into_bytes());
            }
            Column::Signed => {
                let sign = if chance.below(4) == 0 { '-' } else { '+' };
                let units = chance.number(3, 15);
                bytes.extend(format!("{sign}{units:015}").into_bytes());
            }
            // A code has as many characters as its column, an account or a reference fewer, as people write them.
            Column::Text if len <= 4 => bytes.extend((0..len).map(|_| chance.letter())),
            Column::Text => {
                let filled = if name == "remark" { chance.between(4, len) } else { chance.between(len - 3, len) };
                bytes.extend((0..filled).map(|_| chance.letter()));
            }
            Column::Hangul => {
                let syllables = if name == "memo" { chance.between(2, 7) } else { chance.between(2, 4) };
                let text: String = (0..syllables).map(|_| chance.syllable()).collect();
                bytes.extend_from_slice(&EUC_KR.encode(&text).0);
            }
        }
        bytes.resize(end, b' ');
    }
    bytes.try_into().expect("the columns are as long as the telegram")
}

/// What every character below U+10000 is in cp949, as the baseline wants it.
pub(crate) fn korean() -> Box<crate::baseline::Korean> {
    let mut table = vec![0_u16; 0x1_0000];
    for (code, bytes) in table.iter_mut().enumerate() {
        let Some(character) = u32::try_from(code).ok().and_then(char::from_u32) else { continue };
        if character.is_control() {
            continue;
        }
        let text = String::from(character);
        let (encoded, _, unmappable) = EUC_KR.encode(&text);
        *bytes = match (&*encoded, unmappable) {
            ([one], false) => u16::from(*one),
            ([first, second], false) => u16::from_le_bytes([*first, *second]),
            _ => 0,
        };
    }
    table.into_boxed_slice().try_into().expect("it has as many")
}

/// A xorshift of 64 bits.
pub(crate) struct Chance(pub u64);

impl Chance {
    /// A number below the end.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }

    /// A number from low to high.
    fn between(&mut self, low: usize, high: usize) -> usize {
        let span = u64::try_from(high - low + 1).expect("short");
        low + usize::try_from(self.below(span)).expect("short")
    }

    /// A number of at most so many digits, drawn between the two.
    fn number(&mut self, low: usize, high: usize) -> u64 {
        let end = (0..self.between(low, high)).fold(1, |end, _| end * 10);
        self.below(end)
    }

    fn letter(&mut self) -> u8 {
        const LETTERS: &[u8; 36] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
        LETTERS[self.between(0, 35)]
    }

    fn syllable(&mut self) -> char {
        const SYLLABLES: [char; 40] = [
            '김', '이', '박', '최', '정', '강', '조', '윤', '장', '임', '한', '오', '서', '신', '권', '황', '안', '송',
            '류', '홍', '길', '동', '민', '준', '서', '연', '지', '우', '현', '수', '영', '희', '철', '순', '자', '급',
            '여', '십', '일', '월',
        ];
        SYLLABLES[self.between(0, 39)]
    }
}
