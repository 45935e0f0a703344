"""What the samples of Hecto have in common: telegrams as its tables say, classes, and the header."""

import pathlib

import sample

LAYOUTS = pathlib.Path(__file__).resolve().parent.parent / "layouts"


def table(name, start, renamed=None):
    return sample.table(LAYOUTS / f"hecto_fb_{name}.csv", start, renamed)


# How the spec calls what the tables call otherwise, because several fields of one telegram may not have one name.
HEADER = table("common_header", 0, {"filler1": "van_area1", "filler2": "van_area2", "filler3": "van_area3"})
POLL = table("polling", 0)


def telegram(name, length=300, asker="company", **renamed):
    """The header, and the body of a table."""
    renamed = {"filler": "reserved", "filler1": "reserved1", "filler2": "reserved2", **renamed}
    return sample.Telegram(length, HEADER + table(name, 100, renamed), asker)


TELEGRAMS = {
    "poll_request": sample.Telegram(20, POLL),
    "poll_answer": sample.Telegram(20, POLL),
    "open": telegram("1000_100_open"),
    "transfer": telegram("2000_100_transfer"),
    "reserve_transfer": telegram("2000_105_reserve_transfer", 400),
    "trust": telegram("2000_106_trust", bank_code="credit_bank_code_2"),
    "mistaken_transfer_return": telegram("2000_161_mistaken_transfer_return", 400),
    "collection": telegram("2000_200_collection"),
    "debit_account_register": telegram(
        "2000_550_debit_account_register", id_code="register_id_code", bank_code="account_bank_code"
    ),
    "transfer_fail": telegram("3000_100_transfer_fail_notice", asker="bank"),
    "deposit": telegram("4000_100_deposit_notice", asker="bank"),
    "deposit_long": telegram("4000_100_deposit_notice_400", 400, asker="bank"),
    "deposit_gap": telegram("4000_200_deposit_gap_request"),
    "fx_deposit": telegram("4000_300_fx_deposit_notice", asker="bank"),
    "bill": telegram("4000_500_bill_notice", asker="bank"),
    "holder_name": telegram("6000_100_holder_name", bank_code="account_bank_code"),
    "fx_rate": telegram("6000_500_fx_rate", reserve1="reserved1"),
    "transfer_result": telegram("7000_100_transfer_result_inquiry"),
    "balance": telegram("7000_200_balance"),
    "totals": telegram("7000_300_transfer_totals", reserved="reserved1"),
}
# What may not be shown to everybody, by class. The tables mark only some of these; memo is free text that may hold a name.
CLASSES = {
    **dict.fromkeys(
        ["debit_account", "credit_account", "tx_account", "pay_account", "return_account", "account", "mother_account"],
        "account",
    ),
    **dict.fromkeys(["passbook_pin", "pin", "check_symbol"], "secret"),
    **dict.fromkeys(
        [
            *("memo", "counter_inst_memo", "debit_account_memo", "error_text", "return_reject_reason_text"),
            *("credit_account_holder_name", "debit_account_holder_name", "counterparty_name", "counterparty_name_2"),
            *("bene_name", "requester_name", "depositor_name", "holder_name", "holder_name1", "holder_name2"),
            *("sender_real_name", "issuer_name", "endorser"),
        ],
        "name",
    ),
    **dict.fromkeys(
        [
            *("credit_account_real_name_no", "debit_account_real_name_no", "real_name_no", "resident_no", "biz_reg_no"),
            *("cms_code", "cms_code_or_real_name_no", "cms_depositor_code", "depositor_code", "payer_no"),
        ],
        "identity",
    ),
    **dict.fromkeys(["contact_phone", "customer_phone"], "phone"),
}
BOOK = sample.Book(
    TELEGRAMS,
    CLASSES,
    key=["send_date", "bank_code", "company_no", "telegram_no"],
    trace=["send_date", "send_time", "bank_code", "company_no", "telegram_no"],
    prefix=lambda length: b"%04d" % length,
)


def of(*arguments, **more):
    return sample.Sample(BOOK, *arguments, **more)


def header(message_type, service_code, number, at, **more):
    """The common header as company PABAL01 at bank 088 would have it."""
    return {
        "id_code": "HFB000001",
        "company_no": "PABAL01",
        "bank_code": "088",
        "message_type": message_type,
        "service_code": service_code,
        "send_count": 1,
        "telegram_no": number,
        "send_date": "20261120",
        "send_time": at,
        **more,
    }
