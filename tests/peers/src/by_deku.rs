//! deku: a derived reader, whose columns are mapped from their bytes.

use deku::prelude::*;
use encoding_rs::EUC_KR;

/// The columns.
#[derive(Debug, PartialEq, Eq, DekuRead)]
pub(crate) struct Transfer {
    #[deku(map = "digits::<4>")]
    pub(crate) length: u64,
    #[deku(map = "plain::<4>")]
    pub(crate) message_type: String,
    #[deku(map = "plain::<3>")]
    pub(crate) service_code: String,
    #[deku(map = "digits::<3>")]
    pub(crate) bank_code: u64,
    #[deku(map = "plain::<12>")]
    pub(crate) company_no: String,
    #[deku(map = "digits::<1>")]
    pub(crate) send_count: u64,
    #[deku(map = "digits::<6>")]
    pub(crate) telegram_no: u64,
    #[deku(map = "digits::<8>")]
    pub(crate) send_date: u64,
    #[deku(map = "digits::<6>")]
    pub(crate) send_time: u64,
    #[deku(map = "plain::<4>")]
    pub(crate) response_code: String,
    #[deku(map = "plain::<15>")]
    pub(crate) debit_account: String,
    #[deku(map = "hangul::<12>")]
    pub(crate) debit_holder: String,
    #[deku(map = "digits::<13>")]
    pub(crate) debit_amount: u64,
    #[deku(map = "signed::<16>")]
    pub(crate) balance: i64,
    #[deku(map = "digits::<9>")]
    pub(crate) fee: u64,
    #[deku(map = "digits::<9>")]
    pub(crate) tax: u64,
    #[deku(map = "digits::<3>")]
    pub(crate) credit_bank: u64,
    #[deku(map = "plain::<15>")]
    pub(crate) credit_account: String,
    #[deku(map = "hangul::<12>")]
    pub(crate) credit_holder: String,
    #[deku(map = "digits::<13>")]
    pub(crate) credit_amount: u64,
    #[deku(map = "plain::<12>")]
    pub(crate) cms_code: String,
    #[deku(map = "hangul::<14>")]
    pub(crate) memo: String,
    #[deku(map = "digits::<2>")]
    pub(crate) memo_count: u64,
    #[deku(map = "digits::<6>")]
    pub(crate) original_no: u64,
    #[deku(map = "digits::<8>")]
    pub(crate) original_date: u64,
    #[deku(map = "plain::<6>")]
    pub(crate) branch: String,
    #[deku(map = "plain::<10>")]
    pub(crate) terminal: String,
    #[deku(map = "plain::<2>")]
    pub(crate) channel: String,
    #[deku(map = "plain::<8>")]
    pub(crate) operator: String,
    #[deku(map = "hangul::<10>")]
    pub(crate) operator_name: String,
    #[deku(map = "digits::<15>")]
    pub(crate) day_limit: u64,
    #[deku(map = "digits::<13>")]
    pub(crate) day_used: u64,
    #[deku(map = "digits::<5>")]
    pub(crate) day_count: u64,
    #[deku(map = "plain::<3>")]
    pub(crate) currency: String,
    #[deku(map = "plain::<8>")]
    pub(crate) reference: String,
    #[deku(map = "plain::<10>")]
    pub(crate) remark: String,
}

fn wrong() -> DekuError {
    DekuError::Parse("a byte that its column may not hold".into())
}

fn digits<const LEN: usize>(bytes: [u8; LEN]) -> Result<u64, DekuError> {
    if !bytes.iter().all(u8::is_ascii_digit) {
        return Err(wrong());
    }
    std::str::from_utf8(&bytes).ok().and_then(|text| text.parse().ok()).ok_or_else(wrong)
}

fn signed<const LEN: usize>(bytes: [u8; LEN]) -> Result<i64, DekuError> {
    if !matches!(bytes[0], b'+' | b'-') || !bytes[1..].iter().all(u8::is_ascii_digit) {
        return Err(wrong());
    }
    std::str::from_utf8(&bytes).ok().and_then(|text| text.parse().ok()).ok_or_else(wrong)
}

fn plain<const LEN: usize>(bytes: [u8; LEN]) -> Result<String, DekuError> {
    if !bytes.iter().all(|byte| (0x20..=0x7E).contains(byte)) {
        return Err(wrong());
    }
    Ok(std::str::from_utf8(&bytes).map_err(|_| wrong())?.trim_end_matches(' ').to_owned())
}

fn hangul<const LEN: usize>(bytes: [u8; LEN]) -> Result<String, DekuError> {
    let text = EUC_KR.decode_without_bom_handling_and_without_replacement(&bytes).ok_or_else(wrong)?;
    Ok(text.trim_end_matches(' ').to_owned())
}
