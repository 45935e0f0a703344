//! The yardstick: what a patient programmer writes by hand for one telegram, every offset a constant, eight bytes at a time.
//!
//! It knows the columns of `sample.rs` and nothing else, uses nothing of the library, and stays as it is, so that a ratio to it means
//! the same next year. Everything is checked: a byte that its column may not hold is refused, reading and writing, and so is a value
//! that does not fit. It does not say which one; a library has to.

#![expect(clippy::cast_possible_truncation, reason = "a digit is below 256, and a width, too")]

use core::hint::select_unpredictable;

/// The columns of the telegram. Text is without the spaces at its end. `H` is a column of Hangul: its bytes as they lie when read, text
/// when written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Transfer<'b, H> {
    /// 9(4), byte 0.
    pub(crate) length: u64,
    /// X(4), byte 4.
    pub(crate) message_type: &'b [u8],
    /// X(3), byte 8.
    pub(crate) service_code: &'b [u8],
    /// 9(3), byte 11.
    pub(crate) bank_code: u64,
    /// X(12), byte 14.
    pub(crate) company_no: &'b [u8],
    /// 9(1), byte 26.
    pub(crate) send_count: u64,
    /// 9(6), byte 27.
    pub(crate) telegram_no: u64,
    /// 9(8), byte 33.
    pub(crate) send_date: u64,
    /// 9(6), byte 41.
    pub(crate) send_time: u64,
    /// X(4), byte 47.
    pub(crate) response_code: &'b [u8],
    /// X(15), byte 51.
    pub(crate) debit_account: &'b [u8],
    /// Hangul, 12 bytes, byte 66.
    pub(crate) debit_holder: H,
    /// 9(13), byte 78.
    pub(crate) debit_amount: u64,
    /// S9(13)V9(2), sign leading: hundredths, byte 91.
    pub(crate) balance: i64,
    /// 9(9), byte 107.
    pub(crate) fee: u64,
    /// 9(9), byte 116.
    pub(crate) tax: u64,
    /// 9(3), byte 125.
    pub(crate) credit_bank: u64,
    /// X(15), byte 128.
    pub(crate) credit_account: &'b [u8],
    /// Hangul, 12 bytes, byte 143.
    pub(crate) credit_holder: H,
    /// 9(13), byte 155.
    pub(crate) credit_amount: u64,
    /// X(12), byte 168.
    pub(crate) cms_code: &'b [u8],
    /// Hangul, 14 bytes, byte 180.
    pub(crate) memo: H,
    /// 9(2), byte 194.
    pub(crate) memo_count: u64,
    /// 9(6), byte 196.
    pub(crate) original_no: u64,
    /// 9(8), byte 202.
    pub(crate) original_date: u64,
    /// X(6), byte 210.
    pub(crate) branch: &'b [u8],
    /// X(10), byte 216.
    pub(crate) terminal: &'b [u8],
    /// X(2), byte 226.
    pub(crate) channel: &'b [u8],
    /// X(8), byte 228.
    pub(crate) operator: &'b [u8],
    /// Hangul, 10 bytes, byte 236.
    pub(crate) operator_name: H,
    /// 9(15), byte 246.
    pub(crate) day_limit: u64,
    /// 9(13), byte 261.
    pub(crate) day_used: u64,
    /// 9(5), byte 274.
    pub(crate) day_count: u64,
    /// X(3), byte 279.
    pub(crate) currency: &'b [u8],
    /// X(8), byte 282.
    pub(crate) reference: &'b [u8],
    /// X(10), byte 290.
    pub(crate) remark: &'b [u8],
}

impl<'b, H> Transfer<'b, H> {
    /// The same with other columns of Hangul.
    pub(crate) fn with<T>(&self, debit_holder: T, credit_holder: T, memo: T, operator_name: T) -> Transfer<'b, T> {
        Transfer {
            length: self.length,
            message_type: self.message_type,
            service_code: self.service_code,
            bank_code: self.bank_code,
            company_no: self.company_no,
            send_count: self.send_count,
            telegram_no: self.telegram_no,
            send_date: self.send_date,
            send_time: self.send_time,
            response_code: self.response_code,
            debit_account: self.debit_account,
            debit_holder,
            debit_amount: self.debit_amount,
            balance: self.balance,
            fee: self.fee,
            tax: self.tax,
            credit_bank: self.credit_bank,
            credit_account: self.credit_account,
            credit_holder,
            credit_amount: self.credit_amount,
            cms_code: self.cms_code,
            memo,
            memo_count: self.memo_count,
            original_no: self.original_no,
            original_date: self.original_date,
            branch: self.branch,
            terminal: self.terminal,
            channel: self.channel,
            operator: self.operator,
            operator_name,
            day_limit: self.day_limit,
            day_used: self.day_used,
            day_count: self.day_count,
            currency: self.currency,
            reference: self.reference,
            remark: self.remark,
        }
    }
}

/// Bytes of the telegram.
pub(crate) const LEN: usize = 300;

/// A byte that its column may not hold, or a value that does not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Refused;

/// The bytes of every character below U+10000 in the charset that is written, the first one low; one byte for ASCII, 0 for what the
/// charset does not have.
pub(crate) type Korean = [u16; 0x1_0000];

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGHS: u64 = ONES * 0x80;
const SPACES: u64 = ONES * 0x20;
const ZEROS: u64 = ONES * 0x30;

/// Reads every column.
///
/// # Errors
/// A byte of a number that is no digit, a sign that is none, a byte of a text that is not printable ASCII. Hangul is not looked at.
/// What `into` then holds means nothing.
pub(crate) fn decode<'b>(telegram: &'b [u8; LEN], into: &mut Transfer<'b, &'b [u8]>) -> Result<(), Refused> {
    into.length = number::<0, 4>(telegram);
    into.message_type = text::<4, 4>(telegram);
    into.service_code = text::<8, 3>(telegram);
    into.bank_code = number::<11, 3>(telegram);
    into.company_no = text::<14, 12>(telegram);
    into.send_count = number::<26, 1>(telegram);
    into.telegram_no = number::<27, 6>(telegram);
    into.send_date = number::<33, 8>(telegram);
    into.send_time = number::<41, 6>(telegram);
    into.response_code = text::<47, 4>(telegram);
    into.debit_account = text::<51, 15>(telegram);
    into.debit_holder = text::<66, 12>(telegram);
    into.debit_amount = number::<78, 13>(telegram);
    into.balance = signed::<91>(telegram);
    into.fee = number::<107, 9>(telegram);
    into.tax = number::<116, 9>(telegram);
    into.credit_bank = number::<125, 3>(telegram);
    into.credit_account = text::<128, 15>(telegram);
    into.credit_holder = text::<143, 12>(telegram);
    into.credit_amount = number::<155, 13>(telegram);
    into.cms_code = text::<168, 12>(telegram);
    into.memo = text::<180, 14>(telegram);
    into.memo_count = number::<194, 2>(telegram);
    into.original_no = number::<196, 6>(telegram);
    into.original_date = number::<202, 8>(telegram);
    into.branch = text::<210, 6>(telegram);
    into.terminal = text::<216, 10>(telegram);
    into.channel = text::<226, 2>(telegram);
    into.operator = text::<228, 8>(telegram);
    into.operator_name = text::<236, 10>(telegram);
    into.day_limit = number::<246, 15>(telegram);
    into.day_used = number::<261, 13>(telegram);
    into.day_count = number::<274, 5>(telegram);
    into.currency = text::<279, 3>(telegram);
    into.reference = text::<282, 8>(telegram);
    into.remark = text::<290, 10>(telegram);
    if is_right(telegram) { Ok(()) } else { Err(Refused) }
}

/// The lowest byte that a column may hold, and how far the highest one is above it.
type Class = (u8, u8);
const DIGIT: Class = (b'0', 9);
const PRINTABLE: Class = (b' ', 0x7E - b' ');
const SIGN: Class = (b'+', 2);
const ANY: Class = (0, 0xFF);

const CLASSES: ([u8; LEN], [u8; LEN]) = {
    let mut classes = ([0; LEN], [0; LEN]);
    classes = class(classes, 0, 4, DIGIT);
    classes = class(classes, 4, 4, PRINTABLE);
    classes = class(classes, 8, 3, PRINTABLE);
    classes = class(classes, 11, 3, DIGIT);
    classes = class(classes, 14, 12, PRINTABLE);
    classes = class(classes, 26, 1, DIGIT);
    classes = class(classes, 27, 6, DIGIT);
    classes = class(classes, 33, 8, DIGIT);
    classes = class(classes, 41, 6, DIGIT);
    classes = class(classes, 47, 4, PRINTABLE);
    classes = class(classes, 51, 15, PRINTABLE);
    classes = class(classes, 66, 12, ANY);
    classes = class(classes, 78, 13, DIGIT);
    classes = class(classes, 91, 1, SIGN);
    classes = class(classes, 92, 15, DIGIT);
    classes = class(classes, 107, 9, DIGIT);
    classes = class(classes, 116, 9, DIGIT);
    classes = class(classes, 125, 3, DIGIT);
    classes = class(classes, 128, 15, PRINTABLE);
    classes = class(classes, 143, 12, ANY);
    classes = class(classes, 155, 13, DIGIT);
    classes = class(classes, 168, 12, PRINTABLE);
    classes = class(classes, 180, 14, ANY);
    classes = class(classes, 194, 2, DIGIT);
    classes = class(classes, 196, 6, DIGIT);
    classes = class(classes, 202, 8, DIGIT);
    classes = class(classes, 210, 6, PRINTABLE);
    classes = class(classes, 216, 10, PRINTABLE);
    classes = class(classes, 226, 2, PRINTABLE);
    classes = class(classes, 228, 8, PRINTABLE);
    classes = class(classes, 236, 10, ANY);
    classes = class(classes, 246, 15, DIGIT);
    classes = class(classes, 261, 13, DIGIT);
    classes = class(classes, 274, 5, DIGIT);
    classes = class(classes, 279, 3, PRINTABLE);
    classes = class(classes, 282, 8, PRINTABLE);
    classes = class(classes, 290, 10, PRINTABLE);
    classes
};

const fn class(mut classes: ([u8; LEN], [u8; LEN]), from: usize, len: usize, class: Class) -> ([u8; LEN], [u8; LEN]) {
    let mut at = from;
    while at < from + len {
        classes.0[at] = class.0;
        classes.1[at] = class.1;
        at += 1;
    }
    classes
}

/// Whether each byte is of its column's class. Nothing is asked before the end, so that the compiler looks at many bytes at once.
#[inline(always)]
fn is_right(telegram: &[u8; LEN]) -> bool {
    static LOWEST: [u8; LEN] = CLASSES.0;
    static ABOVE: [u8; LEN] = CLASSES.1;
    let mut wrong = u8::from(telegram[91] == b',');
    for at in 0..LEN {
        wrong |= telegram[at].wrapping_sub(LOWEST[at]).saturating_sub(ABOVE[at]);
    }
    wrong == 0
}

/// Writes every column.
///
/// # Errors
/// A number of too many digits, a text that is too long or has a character that its column cannot hold.
pub(crate) fn encode(transfer: &Transfer<'_, &str>, korean: &Korean, out: &mut [u8; LEN]) -> Result<(), Refused> {
    let mut wrong = 0;
    put_number::<0, 4>(transfer.length, out, &mut wrong);
    put_text::<4, 4>(transfer.message_type, out, &mut wrong);
    put_text::<8, 3>(transfer.service_code, out, &mut wrong);
    put_number::<11, 3>(transfer.bank_code, out, &mut wrong);
    put_text::<14, 12>(transfer.company_no, out, &mut wrong);
    put_number::<26, 1>(transfer.send_count, out, &mut wrong);
    put_number::<27, 6>(transfer.telegram_no, out, &mut wrong);
    put_number::<33, 8>(transfer.send_date, out, &mut wrong);
    put_number::<41, 6>(transfer.send_time, out, &mut wrong);
    put_text::<47, 4>(transfer.response_code, out, &mut wrong);
    put_text::<51, 15>(transfer.debit_account, out, &mut wrong);
    put_hangul::<66, 12>(transfer.debit_holder, out, &mut wrong, korean);
    put_number::<78, 13>(transfer.debit_amount, out, &mut wrong);
    put_signed::<91>(transfer.balance, out, &mut wrong);
    put_number::<107, 9>(transfer.fee, out, &mut wrong);
    put_number::<116, 9>(transfer.tax, out, &mut wrong);
    put_number::<125, 3>(transfer.credit_bank, out, &mut wrong);
    put_text::<128, 15>(transfer.credit_account, out, &mut wrong);
    put_hangul::<143, 12>(transfer.credit_holder, out, &mut wrong, korean);
    put_number::<155, 13>(transfer.credit_amount, out, &mut wrong);
    put_text::<168, 12>(transfer.cms_code, out, &mut wrong);
    put_hangul::<180, 14>(transfer.memo, out, &mut wrong, korean);
    put_number::<194, 2>(transfer.memo_count, out, &mut wrong);
    put_number::<196, 6>(transfer.original_no, out, &mut wrong);
    put_number::<202, 8>(transfer.original_date, out, &mut wrong);
    put_text::<210, 6>(transfer.branch, out, &mut wrong);
    put_text::<216, 10>(transfer.terminal, out, &mut wrong);
    put_text::<226, 2>(transfer.channel, out, &mut wrong);
    put_text::<228, 8>(transfer.operator, out, &mut wrong);
    put_hangul::<236, 10>(transfer.operator_name, out, &mut wrong, korean);
    put_number::<246, 15>(transfer.day_limit, out, &mut wrong);
    put_number::<261, 13>(transfer.day_used, out, &mut wrong);
    put_number::<274, 5>(transfer.day_count, out, &mut wrong);
    put_text::<279, 3>(transfer.currency, out, &mut wrong);
    put_text::<282, 8>(transfer.reference, out, &mut wrong);
    put_text::<290, 10>(transfer.remark, out, &mut wrong);
    if wrong & HIGHS == 0 { Ok(()) } else { Err(Refused) }
}

/// Eight bytes from `at`, the first one lowest.
#[inline(always)]
fn word(telegram: &[u8; LEN], at: usize) -> u64 {
    match telegram.get(at..).and_then(|rest| rest.first_chunk()) {
        Some(bytes) => u64::from_le_bytes(*bytes),
        None => 0,
    }
}

/// A column of at most eight bytes, which differ from `blank` in what is set: the last byte highest, zeros below the first one.
#[inline(always)]
fn short<const AT: usize, const WIDTH: usize>(telegram: &[u8; LEN], blank: u64) -> u64 {
    // Eight bytes that hold the column: from its first one, or from the last place where eight are left.
    let from = if AT > LEN - 8 { LEN - 8 } else { AT };
    ((word(telegram, from) ^ blank) >> (8 * (AT - from))) << (8 * (8 - WIDTH))
}

/// The number that eight digits are, each in its byte, the first one lowest.
#[inline(always)]
fn joined(digits: u64) -> u64 {
    let twos = digits.wrapping_mul(10).wrapping_add(digits >> 8) & 0x00FF_00FF_00FF_00FF;
    let fours = (twos.wrapping_mul(1 + (100 << 16)) >> 16) & 0x0000_FFFF_0000_FFFF;
    fours.wrapping_mul(1 + (10_000 << 32)) >> 32
}

#[inline(always)]
fn number<const AT: usize, const WIDTH: usize>(telegram: &[u8; LEN]) -> u64 {
    match WIDTH {
        1 => u64::from(telegram[AT] ^ b'0'),
        2..=8 => joined(short::<AT, WIDTH>(telegram, ZEROS)),
        _ => {
            let high = (word(telegram, AT) ^ ZEROS) << (8 * (16 - WIDTH));
            let low = word(telegram, AT + WIDTH - 8) ^ ZEROS;
            joined(high).wrapping_mul(100_000_000).wrapping_add(joined(low))
        }
    }
}

#[inline(always)]
fn signed<const AT: usize>(telegram: &[u8; LEN]) -> i64 {
    // The byte before 15 digits is the sign, which a shift drops.
    let high = (word(telegram, AT + 1) ^ ZEROS) << 8;
    let low = word(telegram, AT + 8) ^ ZEROS;
    let units = joined(high).wrapping_mul(100_000_000).wrapping_add(joined(low)).cast_signed();
    if telegram[AT] == b'-' { -units } else { units }
}

/// The highest bit of each byte that is no printable ASCII.
#[inline(always)]
fn not_printable(text: u64) -> u64 {
    // Without their highest bits no byte carries into the next: 0x20 and above reach 0x80, and only 0x7F does so by 1.
    let low = text & (ONES * 0x7F);
    text | !(low + ONES * 0x60) | (low + ONES)
}

/// How many of eight bytes stand before zeros at the end; at least one.
#[inline(always)]
fn filled(bytes: u64) -> usize {
    8 - (bytes | 1).leading_zeros() as usize / 8
}

#[inline(always)]
fn text<const AT: usize, const WIDTH: usize>(telegram: &[u8; LEN]) -> &[u8] {
    let len = if WIDTH < 8 {
        filled(short::<AT, WIDTH>(telegram, SPACES)).saturating_sub(8 - WIDTH)
    } else {
        // Which of them it is differs from telegram to telegram; a branch would be guessed wrong.
        let first = word(telegram, AT) ^ SPACES;
        let last = word(telegram, AT + WIDTH - 8) ^ SPACES;
        let bytes = select_unpredictable(last == 0, first, last);
        let before = select_unpredictable(last == 0, 0, WIDTH - 8);
        before + filled(bytes) - usize::from(bytes == 0)
    };
    telegram[AT..AT + WIDTH].get(..len).unwrap_or_default()
}

/// Eight bytes from `at`; the columns behind are written later, so that what is too much does not stay.
#[inline(always)]
fn put_word<const AT: usize, const WIDTH: usize>(word: u64, out: &mut [u8; LEN]) {
    let bytes = word.to_le_bytes();
    if AT + 8 <= LEN {
        out[AT..AT + 8].copy_from_slice(&bytes);
    } else {
        out[AT..AT + WIDTH].copy_from_slice(&bytes[..WIDTH]);
    }
}

/// Eight digits of a number below 10^8, each in its byte, the first one lowest.
#[inline(always)]
fn apart(number: u64) -> u64 {
    // At each step what is left of the half goes behind it: (n << k) - q * ((d << k) - 1) is q | (n - q * d) << k.
    let left = (number.wrapping_mul(3_518_437_209)) >> 45;
    let fours = (number << 32).wrapping_sub(left.wrapping_mul((10_000 << 32) - 1));
    let left = (fours.wrapping_mul(5_243) >> 19) & 0x0000_007F_0000_007F;
    let twos = (fours << 16).wrapping_sub(left.wrapping_mul((100 << 16) - 1));
    let left = (twos.wrapping_mul(103) >> 10) & 0x000F_000F_000F_000F;
    (twos << 8).wrapping_sub(left.wrapping_mul((10 << 8) - 1))
}

#[inline(always)]
fn put_number<const AT: usize, const WIDTH: usize>(number: u64, out: &mut [u8; LEN], wrong: &mut u64) {
    *wrong |= u64::from(number >= 10_u64.pow(WIDTH as u32)) << 63;
    match WIDTH {
        1 => out[AT] = b'0'.wrapping_add(number as u8),
        2..=4 => {
            let left = number.wrapping_mul(5_243) >> 19;
            let twos = (number << 16).wrapping_sub(left.wrapping_mul((100 << 16) - 1));
            let left = (twos.wrapping_mul(103) >> 10) & 0x000F_000F;
            let digits = (twos << 8).wrapping_sub(left.wrapping_mul((10 << 8) - 1)) | ZEROS;
            put_word::<AT, WIDTH>(digits >> (8 * (4 - WIDTH)), out);
        }
        5..=8 => put_word::<AT, WIDTH>((apart(number) | ZEROS) >> (8 * (8 - WIDTH)), out),
        _ => put_long::<AT, WIDTH>(number, out),
    }
}

#[inline(always)]
fn put_long<const AT: usize, const WIDTH: usize>(number: u64, out: &mut [u8; LEN]) {
    let high = number / 100_000_000;
    let low = apart(number.wrapping_sub(high.wrapping_mul(100_000_000))) | ZEROS;
    if WIDTH == 9 {
        out[AT] = b'0'.wrapping_add(high as u8);
    } else {
        out[AT..AT + 8].copy_from_slice(&((apart(high) | ZEROS) >> (8 * (16 - WIDTH))).to_le_bytes());
    }
    out[AT + WIDTH - 8..AT + WIDTH].copy_from_slice(&low.to_le_bytes());
}

#[inline(always)]
fn put_signed<const AT: usize>(units: i64, out: &mut [u8; LEN], wrong: &mut u64) {
    out[AT] = if units < 0 { b'-' } else { b'+' };
    let units = units.unsigned_abs();
    *wrong |= u64::from(units >= 10_u64.pow(15)) << 63;
    let high = units / 100_000_000;
    let low = apart(units.wrapping_sub(high.wrapping_mul(100_000_000))) | ZEROS;
    out[AT + 1..AT + 9].copy_from_slice(&((apart(high) | ZEROS) >> 8).to_le_bytes());
    out[AT + 8..AT + 16].copy_from_slice(&low.to_le_bytes());
}

/// At most eight bytes of text, spaces behind them.
#[inline(always)]
fn padded(text: &[u8]) -> u64 {
    let len = text.len();
    let word = match (text.first_chunk(), text.last_chunk()) {
        // Two halves, which say the same where they meet.
        (Some(first), Some(last)) => {
            let last = u64::from(u32::from_le_bytes(*last));
            u64::from(u32::from_le_bytes(*first)) | last << ((8 * len.wrapping_sub(4)) & 63)
        }
        _ => match *text {
            [] => 0,
            [a] => u64::from(a),
            [a, b] => u64::from(u16::from_le_bytes([a, b])),
            [a, b, c, ..] => u64::from(u32::from_le_bytes([a, b, c, 0])),
        },
    };
    word | behind(SPACES, len)
}

/// A word moved by up to eight bytes.
#[inline(always)]
fn behind(word: u64, bytes: usize) -> u64 {
    // In two steps, because a shift of 64 is none.
    let half = (4 * bytes) & 63;
    (word << half) << half
}

/// At most twelve bytes of text, spaces behind them up to sixteen.
#[inline(always)]
fn padded_to_twelve(text: &[u8]) -> (u64, u64) {
    let (Some(first), Some(last)) = (text.first_chunk(), text.last_chunk()) else {
        return (padded(text), SPACES);
    };
    let len = text.len();
    // Three quarters, which say the same where they meet.
    let middle_at = 4.min(len - 4);
    let middle = text.get(middle_at..).and_then(|rest| rest.first_chunk()).unwrap_or(&[0; 4]);
    let [first, middle, last] = [first, middle, last].map(|bytes| u64::from(u32::from_le_bytes(*bytes)));
    let start = first | middle << (8 * middle_at) | behind(SPACES, len);
    // In the sixteen bytes it begins at `len - 4`; what lies in the first eight of them is dropped.
    let half = (4 * (12 - len)) & 63;
    let end = (last >> half >> half) | behind(SPACES, len.saturating_sub(8));
    (start, end)
}

#[inline(always)]
fn put_text<const AT: usize, const WIDTH: usize>(text: &[u8], out: &mut [u8; LEN], wrong: &mut u64) {
    let len = text.len();
    if len > WIDTH {
        *wrong |= HIGHS;
        return;
    }
    if WIDTH <= 8 {
        let text = padded(text);
        *wrong |= not_printable(text);
        put_word::<AT, WIDTH>(text, out);
        return;
    }
    let (first, rest) = match (text.first_chunk(), text.last_chunk()) {
        _ if WIDTH <= 12 => padded_to_twelve(text),
        (Some(first), Some(last)) => {
            let half = (4 * (16 - len)) & 63;
            let last = (u64::from_le_bytes(*last) >> half) >> half;
            (u64::from_le_bytes(*first), last | behind(SPACES, len - 8))
        }
        _ => (padded(text), SPACES),
    };
    *wrong |= not_printable(first) | not_printable(rest);
    out[AT..AT + 8].copy_from_slice(&first.to_le_bytes());
    if AT + 16 <= LEN {
        out[AT + 8..AT + 16].copy_from_slice(&rest.to_le_bytes());
    } else {
        out[AT + 8..AT + WIDTH].copy_from_slice(&rest.to_le_bytes()[..WIDTH - 8]);
    }
}

#[inline(always)]
fn put_hangul<const AT: usize, const WIDTH: usize>(text: &str, out: &mut [u8; LEN], wrong: &mut u64, korean: &Korean) {
    // Three bytes a syllable, as nearly every name is, and four syllables at a time: how long a name is nobody guesses.
    if let (syllables @ [_, ..], []) = text.as_bytes().as_chunks::<3>()
        && syllables.len() <= WIDTH / 2
    {
        let mut seen = (0, u16::MAX);
        let first = four(syllables, korean, &mut seen);
        // A memo may have any length, a person's name of more than four is rare.
        let rest = match syllables.get(4..).unwrap_or_default() {
            [] if WIDTH < 14 => SPACES,
            rest => four(rest, korean, &mut seen),
        };
        if (seen.0 & 0xF0) | (!seen.1 & 0x80) as u8 == 0 {
            out[AT..AT + 8].copy_from_slice(&first.to_le_bytes());
            if AT + 16 <= LEN {
                out[AT + 8..AT + 16].copy_from_slice(&rest.to_le_bytes());
            } else {
                out[AT + 8..AT + WIDTH].copy_from_slice(&rest.to_le_bytes()[..WIDTH - 8]);
            }
            return;
        }
    }
    put_mixed::<AT, WIDTH>(text, out, wrong, korean);
}

/// Up to four syllables in the bytes of the charset, spaces behind them. `seen` tells
/// whether each is of three bytes and becomes two: the high half of what is only in some, the highest bit of what is in all.
#[inline(always)]
fn four(syllables: &[[u8; 3]], korean: &Korean, seen: &mut (u8, u16)) -> u64 {
    let mut word = 0;
    for at in 0..4 {
        // What is not there is written, too, and blanked below.
        let [a, b, c] = syllables.get(at).copied().unwrap_or(HWA);
        let (a16, b16, c16) = (u16::from(a), u16::from(b), u16::from(c));
        let code = (a16 << 12).wrapping_add(b16 << 6).wrapping_add(c16).wrapping_sub((0x80 << 6) + 0x80);
        let bytes = korean[usize::from(code)];
        seen.0 |= a ^ 0xE0;
        seen.1 &= bytes;
        word |= u64::from(bytes) << (16 * at);
    }
    let blank = behind(u64::MAX, 2 * syllables.len().min(4));
    (word & !blank) | (SPACES & blank)
}

/// A syllable of three bytes, whichever.
const HWA: [u8; 3] = [0xED, 0x99, 0x94];

#[inline(never)]
fn put_mixed<const AT: usize, const WIDTH: usize>(text: &str, out: &mut [u8; LEN], wrong: &mut u64, korean: &Korean) {
    let mut column = [b' '; WIDTH];
    let mut rest = &mut column[..];
    for character in text.chars() {
        let bytes = korean.get(character as usize).copied().unwrap_or(0).to_le_bytes();
        let bytes = if bytes[1] == 0 { &bytes[..1] } else { &bytes[..] };
        match core::mem::take(&mut rest).split_at_mut_checked(bytes.len()) {
            Some((place, behind)) if bytes != [0] => {
                place.copy_from_slice(bytes);
                rest = behind;
            }
            _ => *wrong |= HIGHS,
        }
        if *wrong & HIGHS != 0 {
            return;
        }
    }
    out[AT..AT + WIDTH].copy_from_slice(&column);
}
