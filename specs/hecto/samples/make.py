#!/usr/bin/env python3
"""The samples of Hecto beside this file; ../../sample.py lays them out."""

import decimal
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent.parent))
sys.dont_write_bytecode = True
import sample  # noqa: E402

LAYOUTS = HERE.parent / "layouts"


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
            *("cms_code_or_real_name_no", "cms_depositor_code", "depositor_code", "payer_no"),
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


def samples():
    """All of them."""
    poll = {"marker": "HDR", "poll_type": "REQPOLL", "send_time": "1120093000"}
    yield of("poll_request", "the side that connected asks whether the session lives", "poll_request", "asker", poll)
    yield of(
        "poll_answer",
        "the answer on the same socket carries the time back",
        "poll_answer",
        "answerer",
        {**poll, "poll_type": "RESPOLL"},
    )

    yield of("open_request", "business is opened for the day", "open", "asker", header("1000", "100", 1, "003001"))
    yield of(
        "open_answer",
        "the bank has opened",
        "open",
        "answerer",
        header("1100", "100", 1, "003001", response_code="0000"),
    )

    transfer = {
        **header("2000", "100", 101, "101530"),
        "debit_account": "110123456789",
        "passbook_pin": "1234",
        "check_symbol": "402817",
        "debit_amt": 150000,
        "credit_bank_code": "004",
        "credit_account": "94320201234567",
        "memo": "１１월　급여　",
    }
    yield of(
        "transfer_request",
        "150,000 won to another bank; the memo is full-width and fills its field; every conditional field is left out",
        "transfer",
        "asker",
        transfer,
    )
    yield of(
        "transfer_request_full",
        "every field that the company may fill is full: the largest amount, names and codes as long as their fields",
        "transfer",
        "asker",
        {
            **transfer,
            **header("2000", "100", 950000, "235959", company_no="PABAL0000001"),
            "debit_account": "110123456789012",
            "passbook_pin": "87654321",
            "debit_amt": 9999999999999,
            "credit_account": "943202012345678",
            "cms_code": "CMS0000000000042",
            "memo": "RENT 2026-11 A",
            "credit_account_real_name_no": "8001011234567",
            "credit_account_holder_name": "홍길동상사㈜",
            "orig_tlg_no": "000100",
            "fee_waiver_yn": "Y",
            "fund_type": "01",
        },
    )
    answer = header("2100", "100", 101, "101530")
    yield of(
        "transfer_answer_success",
        "executed; the account is overdrawn by 1,250,300 won, so the sign is a minus; the bank uses the reserved bytes for itself",
        "transfer",
        "answerer",
        {
            **answer,
            "response_code": "0000",
            "balance_sign": "-",
            "balance_after": 1250300,
            "fee": 500,
            "reserved": "B7F2",
        },
    )
    yield of(
        "transfer_answer_refused",
        "the bank refuses; its amounts are zeros, which are amounts and not nothing",
        "transfer",
        "answerer",
        {**answer, "response_code": "0413", "balance_sign": "+", "balance_after": 0, "fee": 0},
    )

    inquiry = {**header("7000", "100", 102, "102031"), "orig_tlg_no": 101, "inquiry_type": 1}
    yield of(
        "transfer_result_request",
        "what became of number 101 of the same day",
        "transfer_result",
        "asker",
        inquiry,
    )
    found = header("7100", "100", 102, "102031", response_code="0000")
    yield of(
        "transfer_result_answer_success",
        "it was executed in full",
        "transfer_result",
        "answerer",
        {
            **found,
            "debit_account": "110123456789",
            "credit_bank_code": "004",
            "credit_account": "94320201234567",
            "req_amt": 150000,
            "ok_amt": 150000,
            "fail_amt": 0,
            "fee": 500,
            "transfer_time": "101531",
            "proc_result": "0000",
        },
    )
    yield of(
        "transfer_result_answer_partial",
        "a part was executed, and every amount is as long as its field",
        "transfer_result",
        "answerer",
        {
            **found,
            "debit_account": "110123456789012",
            "credit_bank_code": "004",
            "credit_account": "943202012345678",
            "req_amt": 9999999999999,
            "ok_amt": 8888888888888,
            "fail_amt": 1111111111111,
            "fee": 123456789,
            "transfer_time": "235959",
            "proc_result": "P001",
        },
    )
    yield of(
        "transfer_result_answer_no_record",
        "the bank has no record of it, and leaves out accounts and time",
        "transfer_result",
        "answerer",
        {
            **found,
            "debit_account": "",
            "credit_bank_code": "000",
            "credit_account": "",
            "req_amt": 0,
            "ok_amt": 0,
            "fail_amt": 0,
            "fee": 0,
            "transfer_time": "000000",
            "proc_result": "NREC",
        },
    )

    notice = {
        **header("4000", "100", 7, "113000", id_code="SHB000001"),
        "van_area1": "SHBKHECT1ABCDEF",
        "van_area2": "12345678XYZ",
        "tx_account": "110123456789",
        "branch_giro_code": "0881234",
        "io_cancel_type": "11",
        "tx_type": "01",
        "tx_amt": 33000,
        "cash_amt": 33000,
        "bill_other_clearing": 0,
        "balance_sign": "+",
        "balance_after": 8715300,
        "counterparty_name": "믜똠선샤인",
        "check_no": "",
        "tx_date": "20261120",
        "tx_time": "112959",
        "tx_seq": 7,
        # Nobody can tell a number that was left out from one that is nought; nought is what the bytes say.
        "cancel_orig_seq": 0,
        "cms_code_or_real_name_no": "8001011234567",
        "cashier_check_amt": 0,
        "personal_check_amt": 0,
        "counterparty_name_2": "믜똠선샤인",
        "tx_amt_type_code": "00",
    }
    yield of(
        "deposit_notice",
        "33,000 won came in from a payer whose name only cp949 can write",
        "deposit",
        "asker",
        notice,
        refused=["counterparty_name", "counterparty_name_2"],
    )
    yield of(
        "deposit_notice_cancelled",
        "the deposit is cancelled: the account is overdrawn, and the original's number and date are filled; names and amounts are full",
        "deposit",
        "asker",
        {
            **notice,
            "telegram_no": 8,
            "send_time": "113105",
            "io_cancel_type": "31",
            "tx_amt": 9999999999999,
            "cash_amt": 8888888888888,
            "bill_other_clearing": 1111111111111,
            "cashier_check_amt": 3333333333333,
            "personal_check_amt": 4444444444444,
            "balance_sign": "-",
            "balance_after": 17700,
            "counterparty_name": "홍길동상사㈜",
            "check_no": "CHK0000001",
            "tx_time": "113104",
            "tx_seq": 100008,
            "cancel_orig_seq": 100007,
            "orig_tx_date": "20261120",
            "counterparty_name_2": "홍길동상사주식회사㈜",
        },
    )
    yield of(
        "deposit_reply",
        "the company has it; what the bank keeps in the reserved fields of the header goes back as it came",
        "deposit",
        "answerer",
        {
            **header("4100", "100", 7, "113000", id_code="SHB000001", response_code="0000"),
            "van_area1": "SHBKHECT1ABCDEF",
            "van_area2": "12345678XYZ",
        },
    )

    fail = {
        **header("3000", "100", 31, "141205", id_code="SHB000001"),
        "van_area1": "SHBKHECT1ABCDEF",
        "orig_tlg_no": 101,
        "debit_account": "110123456789",
        "credit_bank_code": "004",
        "credit_account": "94320201234567",
        "req_amt": 150000,
        "ok_amt": 0,
        "fail_amt": 150000,
        "split_cnt": 0,
        "split_no": 0,
        "other_bank_tlg_no": 5501,
        "fail_notice_amt": 150000,
        "error_code": "0413",
        "network_tx_no": "0882611200042",
    }
    yield of(
        "transfer_fail_notice",
        "the transfer of number 101 came back whole: the other bank could not credit it",
        "transfer_fail",
        "asker",
        fail,
    )
    yield of(
        "transfer_fail_notice_partial",
        "one of three parts came back, and every amount is as long as its field",
        "transfer_fail",
        "asker",
        {
            **fail,
            "telegram_no": 32,
            "orig_tlg_no": 950000,
            "debit_account": "110123456789012",
            "credit_account": "943202012345678",
            "req_amt": 9999999999999,
            "ok_amt": 8888888888888,
            "fail_amt": 1111111111111,
            "split_cnt": 13,
            "split_no": 12,
            "other_bank_tlg_no": 999999,
            "fail_notice_amt": 2222222222222,
            "error_code": "9401",
            "reserved": "B7F2",
        },
    )
    yield of(
        "transfer_fail_reply",
        "the company has it",
        "transfer_fail",
        "answerer",
        {
            **header("3100", "100", 31, "141205", id_code="SHB000001", response_code="0000"),
            "van_area1": "SHBKHECT1ABCDEF",
        },
    )

    reserve = {
        "check_symbol": "402817",
        "tx_type": "1",
        "debit_account": "110123456789",
        "transfer_amt": 5000000000,
        "counter_inst_code": "0004",
        "credit_account": "94320201234567",
        "counter_inst_branch": "여의도지점",
        "bene_name": "파발상사㈜",
        "requester_name": "역참물산",
        "requester_region_code": "11",
        "counter_inst_memo": "매매대금",
    }
    yield of(
        "reserve_transfer_request",
        "5,000,000,000 won over the accounts at the central bank; the memo of our account is left out",
        "reserve_transfer",
        "asker",
        {**header("2000", "105", 201, "140000"), **reserve, "credit_bank_code": "004"},
    )
    yield of(
        "reserve_transfer_request_full",
        "every field is full",
        "reserve_transfer",
        "asker",
        {
            **header("2000", "105", 202, "140001"),
            "check_symbol": "999999",
            "tx_type": "2",
            "debit_account": "110123456789012",
            "transfer_amt": 9999999999999,
            "counter_inst_code": "0881",
            "credit_bank_code": "088",
            "credit_account": "943202012345678",
            "counter_inst_branch": "여의도금융센터지점",
            "bene_name": "파발상사주식회사서울본점",
            "requester_name": "역참물산주식회사부산지점",
            "requester_region_code": "26",
            "counter_inst_memo": "이천이십육년십일월매매대금잔액",
            "debit_account_memo": "십일월대금지급분이체",
        },
    )
    yield of(
        "reserve_transfer_answer_success",
        "executed; the text of an error is spaces, and the bank uses the reserved bytes for itself",
        "reserve_transfer",
        "answerer",
        {**header("2100", "105", 201, "140000", response_code="0000"), **reserve, "error_text": "", "reserved": "R1"},
    )
    yield of(
        "reserve_transfer_answer_refused",
        "the balance is not enough, which the bank also says in words that fill the field",
        "reserve_transfer",
        "answerer",
        {
            **header("2100", "105", 201, "140000", response_code="0133"),
            **reserve,
            "error_text": "출금계좌잔액이부족하여거래를처리할수없음확인하세요",
            "reserved": "R1",
        },
    )

    trust = {
        "pay_account": "110123456789012",
        "pin": "12345678",
        "check_symbol": "402817",
        "debit_amt": "0000010000000",
        "credit_bank_code_2": "88",
        "credit_account": "270123456789012",
        "depositor_name": "홍길동상사주식회사㈜",
        "deposit_type_or_unsettled_yn": "N",
        "deposit_or_maturity_date": "20271120",
        "deposit_tx_seq": 1234,
        "special_offer_no": "SP001",
    }
    yield of(
        "trust_request",
        "10,000,000 won into a trust; its amounts are text, and the conditional kind of operation is left out",
        "trust",
        "asker",
        {**header("2000", "106", 211, "141000"), **trust},
    )
    yield of(
        "trust_request_full",
        "with the kind of operation, and bytes right behind the last field",
        "trust",
        "asker",
        {**header("2000", "106", 212, "141001"), **trust, "operation_type_code": "A1", "reserved": "R1"},
    )
    yield of(
        "trust_answer",
        "executed; balance and fee are text that fills its field",
        "trust",
        "answerer",
        {**header("2100", "106", 211, "141000", response_code="0000"), "balance": "-0000001250300", "fee": "000000500"},
    )

    claim = {
        "pay_account": "110123456789012",
        "credit_bank_code": "004",
        "credit_account": "943202012345678",
        "tx_amt": 150000,
        "return_account": "110123456789012",
        "return_reason_code": "03",
        "contact_phone": "02-1234-5678",
    }
    yield of(
        "mistaken_transfer_return_request",
        "number 101 of the day before went to the wrong account",
        "mistaken_transfer_return",
        "asker",
        {**header("2000", "161", 221, "142000"), **claim, "orig_tx_date": "20261119", "orig_tlg_no": 101},
    )
    yield of(
        "mistaken_transfer_return_request_full",
        "with words of the claimant; amount, number and phone are full",
        "mistaken_transfer_return",
        "asker",
        {
            **header("2000", "161", 222, "142001"),
            **claim,
            "orig_tx_date": "20261119",
            "orig_tlg_no": 950000,
            "tx_amt": 9999999999999,
            "return_reject_reason_text": "계좌번호의 끝자리를 잘못 적어 보냈습니다",
            "contact_phone": "+82-10-1234-5678-ext-000000042",
        },
    )
    yield of(
        "mistaken_transfer_return_answer_filed",
        "the claim is filed and is being worked on; nothing was returned yet",
        "mistaken_transfer_return",
        "answerer",
        {
            **header("2100", "161", 221, "142000", response_code="0000"),
            **claim,
            "return_amt": 0,
            "network_tx_no": "0882611190042",
            "progress_status": "01",
        },
    )
    yield of(
        "mistaken_transfer_return_answer_returned",
        "a part came back; every field is full",
        "mistaken_transfer_return",
        "answerer",
        {
            **header("2100", "161", 222, "142001", response_code="0000"),
            **claim,
            "tx_amt": 9999999999999,
            "return_amt": 8888888888888,
            "network_tx_no": "0882611190043",
            "return_reject_reason_text": "예금주가일부만반환하기로함" * 3 + "연락가능시간오후",
            "contact_phone": "+82-10-1234-5678-ext-000000042",
            "return_reject_date": "20261120",
            "kftc_resp_code": "000",
            "progress_status": "99",
            "reserved": "R1",
        },
    )

    collection = {
        "debit_account": "94320201234567",
        "check_symbol": "402817",
        "debit_amt": 33000,
        "credit_bank_code": "088",
        "credit_account": "110123456789",
        "memo": "１１월　요금　",
        "debit_account_real_name_no": "800101",
        "payer_no": "CUST-00042",
    }
    yield of(
        "collection_request",
        "33,000 won are collected from a customer's account; every conditional field is left out",
        "collection",
        "asker",
        {**header("2000", "200", 231, "143000"), **collection},
    )
    yield of(
        "collection_request_full",
        "every field that the company may fill is full",
        "collection",
        "asker",
        {
            **header("2000", "200", 232, "143001"),
            **collection,
            "debit_account": "943202012345678",
            "debit_amt": 9999999999999,
            "credit_account": "110123456789012",
            "debit_account_real_name_no": "8001011234567",
            "debit_account_holder_name": "홍길동상사㈜",
            "cms_depositor_code": "CMS0000000000042",
            "payer_no": "CUST0000000000000042",
            "fb_org_code": "FBORG00042",
            "reseller_area": "RESELLER0000000042",
            "reserved": "R",
        },
    )
    yield of(
        "collection_answer",
        "executed; every amount is as long as its field",
        "collection",
        "answerer",
        {
            **header("2100", "200", 232, "143001", response_code="0000"),
            "balance_sign": "+",
            "balance_after": 1234567890123,
            "fee": 123456789,
            "cashier_check_debit_amt": 1111111111111,
        },
    )

    register = {
        "register_id_code": "R",
        "account_bank_code": "004",
        "account": "9432020123456789",
        "apply_type": "1",
        "handling_branch_code": "0041234",
        "apply_date": "20261120",
        "real_name_check_yn": "Y",
        "real_name_no": "8001011234567",
        "payer_no": "CUST0000000000000042",
    }
    yield of(
        "debit_account_register_request",
        "a customer's account may be debited from now on",
        "debit_account_register",
        "asker",
        {**header("2000", "550", 241, "144000"), **register},
    )
    yield of(
        "debit_account_register_request_full",
        "with everything that is conditional",
        "debit_account_register",
        "asker",
        {
            **header("2000", "550", 242, "144001"),
            **register,
            "fb_org_code": "FBORG00042",
            "reserved1": "R1",
            "consent_type": "1",
            "debit_consent_org_code": "CONSENT0000000000042",
            "reserved2": "R2",
        },
    )
    yield of(
        "debit_account_register_answer",
        "registered: header and body say so; the bank tells whose account it is",
        "debit_account_register",
        "answerer",
        {
            **header("2100", "550", 241, "144000", response_code="0000"),
            "processed_yn": "Y",
            "fail_code": "0000",
            "fb_org_code": "FBORG00042",
            "customer_phone": "010-1234-5678-000042",
            "holder_name": "홍길동상사주식회사서울중앙본점",
            "reserved1": "R1",
        },
    )

    long_notice = {
        name: value for name, value in notice.items() if name not in ("tx_amt_type_code", "counterparty_name", "counterparty_name_2")
    }
    yield of(
        "deposit_long_notice",
        "33,000 won came back from a transfer that was a mistake; the name of the sender has 30 bytes",
        "deposit_long",
        "asker",
        {
            **long_notice,
            "telegram_no": 9,
            "send_time": "113200",
            "counterparty_name": "홍길동",
            "counterparty_name_2": "홍길동",
            "sender_real_name": "홍길동",
        },
    )
    yield of(
        "deposit_long_notice_full",
        "every field is full",
        "deposit_long",
        "asker",
        {
            **long_notice,
            "telegram_no": 10,
            "send_time": "113201",
            "tx_account": "110123456789012",
            "tx_amt": 9999999999999,
            "cash_amt": 8888888888888,
            "bill_other_clearing": 1111111111111,
            "balance_after": 1234567890123,
            "counterparty_name": "홍길동상사㈜",
            "check_no": "CHK0000001",
            "tx_seq": 100010,
            "cancel_orig_seq": 100009,
            "orig_tx_date": "20261119",
            "cms_code_or_real_name_no": "CMS0000000000042",
            "cashier_check_amt": 3333333333333,
            "personal_check_amt": 4444444444444,
            "counterparty_name_2": "홍길동상사주식회사㈜",
            "reserved1": "R1",
            "sender_real_name": "홍길동상사주식회사서울중앙본점",
            "reserved2": "R2",
        },
    )
    yield of(
        "deposit_long_reply",
        "the company has it; the reply is as long as the notice",
        "deposit_long",
        "answerer",
        {
            **header("4100", "100", 9, "113200", id_code="SHB000001", response_code="0000"),
            "van_area1": "SHBKHECT1ABCDEF",
            "van_area2": "12345678XYZ",
        },
    )

    fx_notice = {
        **header("4000", "300", 11, "113300", id_code="SHB000001"),
        "tx_account": "180123456789",
        "branch_giro_code": "0881234",
        "io_cancel_type": "11",
        "tx_type": "01",
        "ccy": "USD",
        "tx_amt": decimal.Decimal("1234.500"),
        "balance_sign": "+",
        "balance_after": decimal.Decimal("20000.005"),
        "tx_date": "20261120",
        "tx_time": "113259",
        "tx_seq": 11,
        "cancel_orig_seq": 0,
    }
    yield of(
        "fx_deposit_notice",
        "1,234.50 dollars came in; the last three digits of an amount are decimals",
        "fx_deposit",
        "asker",
        fx_notice,
    )
    yield of(
        "fx_deposit_notice_full",
        "it is cancelled; every field is full",
        "fx_deposit",
        "asker",
        {
            **fx_notice,
            "telegram_no": 12,
            "tx_account": "180123456789012",
            "io_cancel_type": "41",
            "ccy": "USDXX",
            "tx_amt": decimal.Decimal("9999999999999.999"),
            "balance_sign": "-",
            "balance_after": decimal.Decimal("8888888888888.888"),
            "counterparty_name": "홍길동상사㈜",
            "tx_seq": 100012,
            "cancel_orig_seq": 100011,
            "orig_tx_date": "20261120",
            "reserved": "R1",
        },
    )
    yield of(
        "fx_deposit_reply",
        "the company has it",
        "fx_deposit",
        "answerer",
        header("4100", "300", 11, "113300", id_code="SHB000001", response_code="0000"),
    )

    bill = {
        **header("4000", "500", 13, "113400", id_code="SHB000001"),
        "tx_type_code": "01",
        "account": "110123456789012",
        "tx_date": "20261120",
        "tx_time": "113359",
        "tx_seq": 12345,
        "bill_no": "자가123456",
        "bill_type": "02",
        "bill_amt": 9999999999999,
        "issuer_name": "홍길동상사㈜",
        "bill_due_date": "20270220",
        "custody_branch_code": "0881234",
        "pay_bank_code": "004",
        "pay_bank_name": "국민",
        "pay_branch_name": "여의도지점",
        "collection_type": "1",
        "depositor_code": "CMS0000000000042",
        "balance_after": 12345678901234,
        "own_other_flag": "2",
        "cancel_orig_no": 0,
        "bill_no_2": "00420260220123456789",
        "endorser": "파발상사서울점J",
        "biz_reg_no": "1234567890",
        "bill_class": "10",
    }
    yield of("bill_notice", "a bill was taken into custody; nothing is cancelled", "bill", "asker", bill)
    yield of(
        "bill_notice_cancelled",
        "the same is cancelled, so that date and number of the original are filled",
        "bill",
        "asker",
        {**bill, "telegram_no": 14, "cancel_orig_date": "20261120", "cancel_orig_no": 100013, "reserved": "RR"},
    )
    yield of(
        "bill_reply",
        "the company has it",
        "bill",
        "answerer",
        header("4100", "500", 13, "113400", id_code="SHB000001", response_code="0000"),
    )

    holder = {"account": "94320201234567", "real_name_no": "800101", "account_bank_code": "004", "amt": 0}
    yield of(
        "holder_name_request",
        "whose account is it?",
        "holder_name",
        "asker",
        {**header("6000", "100", 251, "145000"), **holder},
    )
    yield of(
        "holder_name_request_full",
        "for an amount, and through another account",
        "holder_name",
        "asker",
        {
            **header("6000", "100", 252, "145001"),
            **holder,
            "account": "943202012345678",
            "real_name_no": "8001011234567",
            "amt": 9999999999999,
            "mother_account": "110123456789012",
            "real_name_check_type": "01",
        },
    )
    yield of(
        "holder_name_answer",
        "a short name; the bank leaves out what only some banks fill",
        "holder_name",
        "answerer",
        {**header("6100", "100", 251, "145000", response_code="0000"), "holder_name1": "홍길동"},
    )
    yield of(
        "holder_name_answer_full",
        "every field is full",
        "holder_name",
        "answerer",
        {
            **header("6100", "100", 252, "145001", response_code="0000"),
            "holder_name1": "홍길동상사㈜",
            "holder_name2": "홍길동상사주식회사㈜",
            "account_hold_yn": "Y",
            "account_status": "1",
            "account_status_date": "20260101",
            "registrar_code": "01",
            "partner_product_code": "PROD0001",
            "reserved": "R1",
        },
    )

    asked = {"ccy": "USD", "inquiry_date": "20261120"}
    yield of(
        "fx_rate_request",
        "the dollar, in the latest round of the day",
        "fx_rate",
        "asker",
        {**header("6000", "500", 261, "150000"), **asked},
    )
    yield of(
        "fx_rate_answer",
        "rates are text with a decimal point of their own",
        "fx_rate",
        "answerer",
        {
            **header("6100", "500", 261, "150000", response_code="0000"),
            **asked,
            "rate_round": "12",
            "country_name": "미국달러화",
            "reserved1": "R01",
            "tt_sell_rate": "001412.30",
            "tt_buy_rate": "001385.70",
            "tt_pref_sell_rate": "001405.10",
            "tt_pref_buy_rate": "001392.90",
            "cash_sell_rate": "001423.48",
            "cash_buy_rate": "001374.52",
            "base_rate": "001399.00",
            "usd_conv_rate": "01.0000",
            "tc_sell_rate": "001415.78",
            "libor_1m": "04.31000",
            "libor_3m": "04.42000",
            "libor_6m": "04.53000",
            "exchange_fee_1y": "05.64000",
            "exchange_fee_9_10d": "00.75000",
            "exchange_fee_12d": "00.86000",
            "exchange_fee_1m": "00.97000",
            "exchange_fee_3m": "01.08000",
            "cross_rate": "001399.0000",
            "reserved": "R2",
        },
    )

    yield of(
        "balance_request",
        "what is on the account?",
        "balance",
        "asker",
        {**header("7000", "200", 271, "151000"), "account": "110123456789012"},
    )
    balance = {
        "sign": "+",
        "ledger_balance": 1234567890123,
        "cash_transfer_amt": 2345678901234,
        "personal_check_amt": 3456789012345,
        "other_clearing_amt": 4567890123456,
        "sign_2": "-",
        "available_amt": 5678901234567,
    }
    yield of(
        "balance_answer",
        "there is no limit of an overdraft, so that it is left out",
        "balance",
        "answerer",
        {**header("7100", "200", 271, "151000", response_code="0000"), **balance, "overdraft_limit": 0},
    )
    yield of(
        "balance_answer_overdraft",
        "the limit of the overdraft is as long as its field",
        "balance",
        "answerer",
        {
            **header("7100", "200", 271, "151000", response_code="0000"),
            **balance,
            "overdraft_limit": 9999999999999,
            "reserved": "R1",
        },
    )

    yield of(
        "totals_request",
        "all transfers of the day",
        "totals",
        "asker",
        header("7000", "300", 281, "152000"),
    )
    yield of(
        "totals_request_account",
        "those of one account",
        "totals",
        "asker",
        {**header("7000", "300", 282, "152001"), "debit_account": "110123456789012"},
    )
    counted = [row for row in TELEGRAMS["totals"].rows if row.is_number and row.name.startswith(("total_", "own_", "other_"))]
    yield of(
        "totals_answer",
        "counts and amounts, each as long as its field and unlike the others",
        "totals",
        "answerer",
        {
            **header("7100", "300", 281, "152000", response_code="0000"),
            **{row.name: int(str(at % 9 + 1) * row.length) for at, row in enumerate(counted)},
            "reserved1": "R1",
            "reserved": "R2",
        },
    )

    # Number and date are those of the notice that did not come.
    gap = header("4000", "200", 9, "113501")
    yield of(
        "deposit_gap_request",
        "notice 9 of the day did not come",
        "deposit_gap",
        "asker",
        {**gap, "tx_date": "20261120"},
    )
    yield of(
        "deposit_gap_request_account",
        "the same of one account, on the day after",
        "deposit_gap",
        "asker",
        {**gap, "send_date": "20261119", "telegram_no": 950000, "tx_account": "110123456789012", "tx_date": "20261119"},
    )
    found = {name: value for name, value in notice.items() if name not in ("counterparty_name_2", "tx_amt_type_code")}
    yield of(
        "deposit_gap_answer",
        "the deposit that notice 9 told of; every field is full",
        "deposit_gap",
        "answerer",
        {
            **found,
            **header("4100", "200", 9, "113501", response_code="0000"),
            "tx_account": "110123456789012",
            "tx_amt": 9999999999999,
            "cash_amt": 8888888888888,
            "bill_other_clearing": 1111111111111,
            "balance_after": 1234567890123,
            "counterparty_name": "홍길동상사㈜",
            "check_no": "CHK0000001",
            "tx_seq": 100009,
            "cancel_orig_seq": 100008,
            "orig_tx_date": "20261119",
            "cms_code_or_real_name_no": "CMS0000000000042",
            "cashier_check_amt": 3333333333333,
            "personal_check_amt": 4444444444444,
        },
    )


if __name__ == "__main__":
    sys.exit(sample.run(samples(), HERE, sys.argv[1:]))
