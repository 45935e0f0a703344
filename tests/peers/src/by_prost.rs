//! prost: the same values as protobuf, which is what a bank that had the choice would send.

use encoding_rs::EUC_KR;

use crate::baseline;

/// The columns.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub(crate) struct Transfer {
    #[prost(uint64, tag = "1")]
    pub(crate) length: u64,
    #[prost(string, tag = "2")]
    pub(crate) message_type: String,
    #[prost(string, tag = "3")]
    pub(crate) service_code: String,
    #[prost(uint64, tag = "4")]
    pub(crate) bank_code: u64,
    #[prost(string, tag = "5")]
    pub(crate) company_no: String,
    #[prost(uint64, tag = "6")]
    pub(crate) send_count: u64,
    #[prost(uint64, tag = "7")]
    pub(crate) telegram_no: u64,
    #[prost(uint64, tag = "8")]
    pub(crate) send_date: u64,
    #[prost(uint64, tag = "9")]
    pub(crate) send_time: u64,
    #[prost(string, tag = "10")]
    pub(crate) response_code: String,
    #[prost(string, tag = "11")]
    pub(crate) debit_account: String,
    #[prost(string, tag = "12")]
    pub(crate) debit_holder: String,
    #[prost(uint64, tag = "13")]
    pub(crate) debit_amount: u64,
    #[prost(sint64, tag = "14")]
    pub(crate) balance: i64,
    #[prost(uint64, tag = "15")]
    pub(crate) fee: u64,
    #[prost(uint64, tag = "16")]
    pub(crate) tax: u64,
    #[prost(uint64, tag = "17")]
    pub(crate) credit_bank: u64,
    #[prost(string, tag = "18")]
    pub(crate) credit_account: String,
    #[prost(string, tag = "19")]
    pub(crate) credit_holder: String,
    #[prost(uint64, tag = "20")]
    pub(crate) credit_amount: u64,
    #[prost(string, tag = "21")]
    pub(crate) cms_code: String,
    #[prost(string, tag = "22")]
    pub(crate) memo: String,
    #[prost(uint64, tag = "23")]
    pub(crate) memo_count: u64,
    #[prost(uint64, tag = "24")]
    pub(crate) original_no: u64,
    #[prost(uint64, tag = "25")]
    pub(crate) original_date: u64,
    #[prost(string, tag = "26")]
    pub(crate) branch: String,
    #[prost(string, tag = "27")]
    pub(crate) terminal: String,
    #[prost(string, tag = "28")]
    pub(crate) channel: String,
    #[prost(string, tag = "29")]
    pub(crate) operator: String,
    #[prost(string, tag = "30")]
    pub(crate) operator_name: String,
    #[prost(uint64, tag = "31")]
    pub(crate) day_limit: u64,
    #[prost(uint64, tag = "32")]
    pub(crate) day_used: u64,
    #[prost(uint64, tag = "33")]
    pub(crate) day_count: u64,
    #[prost(string, tag = "34")]
    pub(crate) currency: String,
    #[prost(string, tag = "35")]
    pub(crate) reference: String,
    #[prost(string, tag = "36")]
    pub(crate) remark: String,
}

/// The values of a telegram.
pub(crate) fn of(telegram: &[u8; baseline::LEN]) -> Transfer {
    let mut read = baseline::Transfer::default();
    baseline::decode(telegram, &mut read).expect("it is right");
    let text = |bytes: &[u8]| EUC_KR.decode(bytes).0.into_owned();
    Transfer {
        length: read.length,
        message_type: text(read.message_type),
        service_code: text(read.service_code),
        bank_code: read.bank_code,
        company_no: text(read.company_no),
        send_count: read.send_count,
        telegram_no: read.telegram_no,
        send_date: read.send_date,
        send_time: read.send_time,
        response_code: text(read.response_code),
        debit_account: text(read.debit_account),
        debit_holder: text(read.debit_holder),
        debit_amount: read.debit_amount,
        balance: read.balance,
        fee: read.fee,
        tax: read.tax,
        credit_bank: read.credit_bank,
        credit_account: text(read.credit_account),
        credit_holder: text(read.credit_holder),
        credit_amount: read.credit_amount,
        cms_code: text(read.cms_code),
        memo: text(read.memo),
        memo_count: read.memo_count,
        original_no: read.original_no,
        original_date: read.original_date,
        branch: text(read.branch),
        terminal: text(read.terminal),
        channel: text(read.channel),
        operator: text(read.operator),
        operator_name: text(read.operator_name),
        day_limit: read.day_limit,
        day_used: read.day_used,
        day_count: read.day_count,
        currency: text(read.currency),
        reference: text(read.reference),
        remark: text(read.remark),
    }
}
