//! fixed_width: a derived layout and serde.

use std::fmt;

use encoding_rs::EUC_KR;
use fixed_width_derive::FixedWidth;
use serde::Deserialize;
use serde::de::{Deserializer, Error, Visitor};

/// The columns.
#[derive(Debug, Deserialize, FixedWidth)]
#[expect(dead_code, reason = "most columns are read for the clock only")]
pub(crate) struct Transfer {
    #[fixed_width(range = "0..4")]
    pub(crate) length: u64,
    #[fixed_width(range = "4..8")]
    pub(crate) message_type: String,
    #[fixed_width(range = "8..11")]
    pub(crate) service_code: String,
    #[fixed_width(range = "11..14")]
    pub(crate) bank_code: u64,
    #[fixed_width(range = "14..26")]
    pub(crate) company_no: String,
    #[fixed_width(range = "26..27")]
    pub(crate) send_count: u64,
    #[fixed_width(range = "27..33")]
    pub(crate) telegram_no: u64,
    #[fixed_width(range = "33..41")]
    pub(crate) send_date: u64,
    #[fixed_width(range = "41..47")]
    pub(crate) send_time: u64,
    #[fixed_width(range = "47..51")]
    pub(crate) response_code: String,
    #[fixed_width(range = "51..66")]
    pub(crate) debit_account: String,
    #[fixed_width(range = "66..78")]
    pub(crate) debit_holder: Hangul,
    #[fixed_width(range = "78..91")]
    pub(crate) debit_amount: u64,
    #[fixed_width(range = "91..107")]
    pub(crate) balance: Signed,
    #[fixed_width(range = "107..116")]
    pub(crate) fee: u64,
    #[fixed_width(range = "116..125")]
    pub(crate) tax: u64,
    #[fixed_width(range = "125..128")]
    pub(crate) credit_bank: u64,
    #[fixed_width(range = "128..143")]
    pub(crate) credit_account: String,
    #[fixed_width(range = "143..155")]
    pub(crate) credit_holder: Hangul,
    #[fixed_width(range = "155..168")]
    pub(crate) credit_amount: u64,
    #[fixed_width(range = "168..180")]
    pub(crate) cms_code: String,
    #[fixed_width(range = "180..194")]
    pub(crate) memo: Hangul,
    #[fixed_width(range = "194..196")]
    pub(crate) memo_count: u64,
    #[fixed_width(range = "196..202")]
    pub(crate) original_no: u64,
    #[fixed_width(range = "202..210")]
    pub(crate) original_date: u64,
    #[fixed_width(range = "210..216")]
    pub(crate) branch: String,
    #[fixed_width(range = "216..226")]
    pub(crate) terminal: String,
    #[fixed_width(range = "226..228")]
    pub(crate) channel: String,
    #[fixed_width(range = "228..236")]
    pub(crate) operator: String,
    #[fixed_width(range = "236..246")]
    pub(crate) operator_name: Hangul,
    #[fixed_width(range = "246..261")]
    pub(crate) day_limit: u64,
    #[fixed_width(range = "261..274")]
    pub(crate) day_used: u64,
    #[fixed_width(range = "274..279")]
    pub(crate) day_count: u64,
    #[fixed_width(range = "279..282")]
    pub(crate) currency: String,
    #[fixed_width(range = "282..290")]
    pub(crate) reference: String,
    #[fixed_width(range = "290..300")]
    pub(crate) remark: String,
}

/// Text that is not UTF-8 on the wire.
#[derive(Debug)]
pub(crate) struct Hangul(pub(crate) String);

/// A number with its sign before it.
#[derive(Debug)]
pub(crate) struct Signed(pub(crate) i64);

struct Bytes;

impl Visitor<'_> for Bytes {
    type Value = Vec<u8>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("bytes")
    }

    fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Vec<u8>, E> {
        Ok(bytes.to_vec())
    }

    fn visit_byte_buf<E>(self, bytes: Vec<u8>) -> Result<Vec<u8>, E> {
        Ok(bytes)
    }
}

impl<'de> Deserialize<'de> for Hangul {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let bytes = deserializer.deserialize_bytes(Bytes)?;
        let text = EUC_KR.decode_without_bom_handling_and_without_replacement(&bytes);
        text.map(|text| Self(text.trim_end_matches(' ').to_owned())).ok_or_else(|| D::Error::custom("no text"))
    }
}

impl<'de> Deserialize<'de> for Signed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let bytes = deserializer.deserialize_bytes(Bytes)?;
        let units = std::str::from_utf8(&bytes).ok().and_then(|text| text.parse().ok());
        units.map(Self).ok_or_else(|| D::Error::custom("no number"))
    }
}
