//! nom by hand: a parser for each column, into owned values.

use encoding_rs::EUC_KR;
use nom::bytes::complete::take;
use nom::combinator::map_opt;
use nom::error::Error;
use nom::{IResult, Parser};

/// The columns.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Transfer {
    pub(crate) length: u64,
    pub(crate) message_type: String,
    pub(crate) service_code: String,
    pub(crate) bank_code: u64,
    pub(crate) company_no: String,
    pub(crate) send_count: u64,
    pub(crate) telegram_no: u64,
    pub(crate) send_date: u64,
    pub(crate) send_time: u64,
    pub(crate) response_code: String,
    pub(crate) debit_account: String,
    pub(crate) debit_holder: String,
    pub(crate) debit_amount: u64,
    pub(crate) balance: i64,
    pub(crate) fee: u64,
    pub(crate) tax: u64,
    pub(crate) credit_bank: u64,
    pub(crate) credit_account: String,
    pub(crate) credit_holder: String,
    pub(crate) credit_amount: u64,
    pub(crate) cms_code: String,
    pub(crate) memo: String,
    pub(crate) memo_count: u64,
    pub(crate) original_no: u64,
    pub(crate) original_date: u64,
    pub(crate) branch: String,
    pub(crate) terminal: String,
    pub(crate) channel: String,
    pub(crate) operator: String,
    pub(crate) operator_name: String,
    pub(crate) day_limit: u64,
    pub(crate) day_used: u64,
    pub(crate) day_count: u64,
    pub(crate) currency: String,
    pub(crate) reference: String,
    pub(crate) remark: String,
}

type Bytes<'b> = &'b [u8];

fn digits<'b>(len: usize) -> impl Parser<Bytes<'b>, Output = u64, Error = Error<Bytes<'b>>> {
    map_opt(take(len), |bytes: Bytes<'b>| {
        if !bytes.iter().all(u8::is_ascii_digit) {
            return None;
        }
        std::str::from_utf8(bytes).ok()?.parse().ok()
    })
}

fn signed<'b>(len: usize) -> impl Parser<Bytes<'b>, Output = i64, Error = Error<Bytes<'b>>> {
    map_opt((take(1_usize), digits(len - 1)), |(sign, units): (Bytes<'b>, u64)| match sign {
        b"+" => i64::try_from(units).ok(),
        b"-" => Some(-i64::try_from(units).ok()?),
        _ => None,
    })
}

fn plain<'b>(len: usize) -> impl Parser<Bytes<'b>, Output = String, Error = Error<Bytes<'b>>> {
    map_opt(take(len), |bytes: Bytes<'b>| {
        if !bytes.iter().all(|byte| (0x20..=0x7E).contains(byte)) {
            return None;
        }
        Some(std::str::from_utf8(bytes).ok()?.trim_end_matches(' ').to_owned())
    })
}

fn hangul<'b>(len: usize) -> impl Parser<Bytes<'b>, Output = String, Error = Error<Bytes<'b>>> {
    map_opt(take(len), |bytes: Bytes<'b>| {
        let text = EUC_KR.decode_without_bom_handling_and_without_replacement(bytes)?;
        Some(text.trim_end_matches(' ').to_owned())
    })
}

pub(crate) fn decode(rest: &[u8]) -> IResult<&[u8], Transfer> {
    let (rest, length) = digits(4).parse(rest)?;
    let (rest, message_type) = plain(4).parse(rest)?;
    let (rest, service_code) = plain(3).parse(rest)?;
    let (rest, bank_code) = digits(3).parse(rest)?;
    let (rest, company_no) = plain(12).parse(rest)?;
    let (rest, send_count) = digits(1).parse(rest)?;
    let (rest, telegram_no) = digits(6).parse(rest)?;
    let (rest, send_date) = digits(8).parse(rest)?;
    let (rest, send_time) = digits(6).parse(rest)?;
    let (rest, response_code) = plain(4).parse(rest)?;
    let (rest, debit_account) = plain(15).parse(rest)?;
    let (rest, debit_holder) = hangul(12).parse(rest)?;
    let (rest, debit_amount) = digits(13).parse(rest)?;
    let (rest, balance) = signed(16).parse(rest)?;
    let (rest, fee) = digits(9).parse(rest)?;
    let (rest, tax) = digits(9).parse(rest)?;
    let (rest, credit_bank) = digits(3).parse(rest)?;
    let (rest, credit_account) = plain(15).parse(rest)?;
    let (rest, credit_holder) = hangul(12).parse(rest)?;
    let (rest, credit_amount) = digits(13).parse(rest)?;
    let (rest, cms_code) = plain(12).parse(rest)?;
    let (rest, memo) = hangul(14).parse(rest)?;
    let (rest, memo_count) = digits(2).parse(rest)?;
    let (rest, original_no) = digits(6).parse(rest)?;
    let (rest, original_date) = digits(8).parse(rest)?;
    let (rest, branch) = plain(6).parse(rest)?;
    let (rest, terminal) = plain(10).parse(rest)?;
    let (rest, channel) = plain(2).parse(rest)?;
    let (rest, operator) = plain(8).parse(rest)?;
    let (rest, operator_name) = hangul(10).parse(rest)?;
    let (rest, day_limit) = digits(15).parse(rest)?;
    let (rest, day_used) = digits(13).parse(rest)?;
    let (rest, day_count) = digits(5).parse(rest)?;
    let (rest, currency) = plain(3).parse(rest)?;
    let (rest, reference) = plain(8).parse(rest)?;
    let (rest, remark) = plain(10).parse(rest)?;
    Ok((
        rest,
        Transfer {
            length,
            message_type,
            service_code,
            bank_code,
            company_no,
            send_count,
            telegram_no,
            send_date,
            send_time,
            response_code,
            debit_account,
            debit_holder,
            debit_amount,
            balance,
            fee,
            tax,
            credit_bank,
            credit_account,
            credit_holder,
            credit_amount,
            cms_code,
            memo,
            memo_count,
            original_no,
            original_date,
            branch,
            terminal,
            channel,
            operator,
            operator_name,
            day_limit,
            day_used,
            day_count,
            currency,
            reference,
            remark,
        },
    ))
}
